//! General questions: what the shop's documents say, or that they do not say it.
//!
//! It must never answer from anything but a passage of the shop or one of its written answers.

use serde_json::{Value, json};

use super::notes::say;
use super::plan::{Plan, Step};
use super::results;
use super::said::folded_words;
use crate::domain::conversation::WaitingFor;
use crate::domain::language::{Spoken, spoken};
use crate::domain::sentences::{knowledge, small_talk};
use crate::domain::topic;
use crate::domain::wish::Wish;
use crate::domain::words::excerpt;
use crate::llm::{ChatReply, Notes};

/// Finds passages of the shop's documents.
pub(super) const SEARCH: &str = "search_knowledge";

/// The source of the answers that the program has without the shop's documents.
const BUILT_IN: &str = "built-in";

/// The longest passage that is quoted, in characters.
const LONGEST: usize = 900;
/// A passage of at most so many characters is quoted as a whole.
const SHORT: usize = 240;
/// A second passage is quoted where it fits at least this well in comparison with the first.
const ALSO: f64 = 0.75;

/// The first sentences of a text: what a customer cannot read well is kept short.
fn few_sentences(text: &str) -> String {
    let mut few = String::new();
    for sentence in text.split_inclusive(['!', '?', '\n', '।', '؟']).flat_map(|part| part.split_inclusive(". ")) {
        if !few.is_empty() && few.chars().count() + sentence.chars().count() > SHORT {
            break;
        }
        few.push_str(sentence);
    }
    few.trim().to_owned()
}

impl<'a> Plan<'a> {
    /// Answers a question.
    pub(super) fn question(&mut self, wish: Wish) -> Step<ChatReply> {
        let language = self.language();
        let found = self.tool(SEARCH, json!({"query": excerpt(self.text().trim(), 400)}))?;
        let passages = found.get("passages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        if let Some(first) = passages.first().filter(|first| !results::field(first, "text").is_empty()) {
            let score = |passage: &Value| passage.get("score").and_then(Value::as_f64).unwrap_or_default();
            let part = |passage: &Value| passage.get("part").and_then(Value::as_u64).unwrap_or_default();
            let several = self.asks_twice();
            let title = |passage: &'a Value| results::field(passage, "title");
            // What stands beside it in the same document belongs to the answer; what another document says, where two things
            // are asked.
            let also = passages.iter().skip(1).find(|other| {
                part(other) > 0 || score(other) >= ALSO * score(first) && (several || title(other) == title(first))
            });
            let quoted = |passage: &Value| {
                let text = excerpt(&self.fitting_lines(results::field(passage, "text")), LONGEST);
                // The program's own answers stand on no page.
                if results::field(passage, "source") == BUILT_IN {
                    return text;
                }
                let title = results::field(passage, "title");
                if self.is_of_another_language(&text) {
                    return knowledge::found_untranslated(language, title, few_sentences(&text));
                }
                knowledge::found(language, title, text)
            };
            let mut lines = vec![quoted(first)];
            lines.extend(also.map(quoted));
            lines.push(knowledge::more(language).to_owned());
            return Ok(say(&lines.join("\n"), Notes::default()));
        }
        if let Some(answer) = self.faq_answer(self.text()) {
            return Ok(say(&answer, Notes::default()));
        }
        let searched = found.get("answerable").is_some() || found.get("passages").is_some();
        if wish == Wish::FailedPayment {
            return self.request_handoff("A payment that failed: only a person can look into it", "medium");
        }
        let vague = self.facts.triage.topic.is_empty() && !self.said.question && topic::content_words(self.text()) <= 3;
        if vague {
            return self.not_understood();
        }
        if searched {
            if self.has_missed(0) {
                return self.request_handoff("A question that the shop's documents do not answer", "medium");
            }
            let notes = Notes { failed: true, ..self.notes_for(WaitingFor::Nothing, Wish::Question, &[]) };
            return Ok(say(knowledge::not_known(language), notes));
        }
        if matches!(wish, Wish::Coupon | Wish::Invoice) {
            return self.request_handoff("A coupon or an invoice", "medium");
        }
        self.unanswered()
    }

    /// Whether a passage is plainly written in another language than the customer is answered in.
    fn is_of_another_language(&self, text: &str) -> bool {
        match spoken(text).filter(|_| text.split_whitespace().count() >= 5) {
            Some(Spoken::Ours(written)) => written != self.language(),
            Some(Spoken::Other(_)) => true,
            None => false,
        }
    }

    /// The lines of a passage that the question names something of, in their order; all of them where it names nothing, or
    /// where the passage is short.
    fn fitting_lines(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        if text.chars().count() <= SHORT || lines.len() < 3 {
            return text.to_owned();
        }
        let asked: Vec<&String> = self.said.words.iter().filter(|word| word.chars().count() >= 4).collect();
        let words: Vec<Vec<String>> = lines.iter().map(|line| folded_words(line)).collect();
        let same = |one: &str, other: &str| {
            one == other
                || (one.chars().count() >= 5 && other.starts_with(one))
                || (other.chars().count() >= 5 && one.starts_with(other))
        };
        // A word tells the more, the fewer lines have it.
        let has = |line: &[String], word: &str| line.iter().any(|own| same(own, word));
        let weight = |word: &str| {
            let count = words.iter().filter(|line| has(line, word)).count();
            lines.len().checked_div(count).unwrap_or(0)
        };
        let score =
            |line: &[String]| asked.iter().filter(|word| has(line, word)).map(|word| weight(word)).sum::<usize>();
        let scores: Vec<usize> = words.iter().map(|line| score(line)).collect();
        let best = scores.iter().copied().max().unwrap_or_default();
        // Words that are everywhere find nothing.
        if best < lines.len() {
            return text.to_owned();
        }
        let kept = lines.iter().zip(&scores).filter(|(_, score)| **score * 2 >= best).map(|(line, _)| *line);
        kept.collect::<Vec<_>>().join("\n")
    }

    /// Whether a message asks two things.
    fn asks_twice(&self) -> bool {
        const ALSO: &[&str] = &["also", "tatha", "tambien", "tambem"];
        self.said.things.len() > 1 || self.said.words.iter().any(|word| ALSO.contains(&word.as_str()))
    }

    /// What is neither a wish that is known nor a question that is answered.
    fn unanswered(&mut self) -> Step<ChatReply> {
        if !self.facts.suspected.is_empty() {
            return self.ask_for_order("");
        }
        let said_little = topic::content_words(self.text()) <= 4;
        if said_little && self.conversation().waiting_for != WaitingFor::Details {
            return self.not_understood();
        }
        if self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The bot could not help with this", "medium");
        }
        Ok(say(small_talk::no_answer(self.language()), self.notes(WaitingFor::Person, true)))
    }
}

//! General questions: what the shop's documents say, or that they do not say it.
//!
//! It must never answer from anything but a passage of the shop or one of its written answers.

use serde_json::{Value, json};

use super::notes::say;
use super::plan::{Plan, Step};
use super::results;
use crate::domain::conversation::WaitingFor;
use crate::domain::language::{Spoken, spoken};
use crate::domain::order::column;
use crate::domain::sentences::{knowledge, orders, small_talk};
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
        if wish == Wish::Invoice
            && let Some(reply) = self.invoice()?
        {
            return Ok(reply);
        }
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
                let text = excerpt(results::field(passage, "text"), LONGEST);
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

    /// The invoice of the order that is meant, where the shop's data says where it is.
    fn invoice(&mut self) -> Step<Option<ChatReply>> {
        let id = match self.orders().pop() {
            Some(id) => id,
            None => match self.latest_own_order()? {
                Some(id) => id,
                None => return Ok(None),
            },
        };
        let order = self.order(&id)?;
        let link = results::field(order, column::INVOICE_URL);
        if !["https://", "http://"].iter().any(|scheme| link.starts_with(scheme)) {
            return Ok(None);
        }
        self.about = vec![id.clone()];
        Ok(Some(say(&orders::invoice(self.language(), self.conversation().name_of(&id), link), Notes::default())))
    }

    /// Whether a passage is plainly written in another language than the customer is answered in.
    fn is_of_another_language(&self, text: &str) -> bool {
        match spoken(text).filter(|_| text.split_whitespace().count() >= 5) {
            Some(Spoken::Ours(written)) => written != self.language(),
            Some(Spoken::Other(_)) => true,
            None => false,
        }
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

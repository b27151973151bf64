//! Plays the customer of a case: says the scripted lines, answers what is asked, and says the wish again where it is not met.
//!
//! It must never look at anything a customer could not: replies, and what the program asks for.

use std::collections::{HashMap, VecDeque};
use std::future::Future;

use serde_json::Value;

use super::case::{Answer, Case, Line, When};
use super::judge::{Articles, MOST_MESSAGES, is_met};
use super::log::{Call, Entry, How, calls};
use super::text::{holds, plain};
use crate::domain::ids::IdPatterns;

/// How often a customer says the wish again, asked or not, before giving up.
const REPEATS: usize = 2;
/// What programs ask for under other names.
const OTHER_NAMES: [(&str, &str); 1] = [("which_order", "order_id")];
const NOTHING: &str = "nothing";
const ORDER: &str = "order_id";
const CONSENT: &str = "consent";
const PERSON: &str = "person";
const DETAILS: &str = "details";
/// Stands for everything that a case names no answer to.
const ANYTHING: &str = "*";

/// What the program did about a message.
#[derive(Debug, Clone, Default)]
pub struct Said {
    /// Its reply; none where it was silent.
    pub reply: Option<String>,
    /// What it called.
    pub tools: Vec<Call>,
    /// Whether a person has the conversation now.
    pub with_person: bool,
    /// What it waits for now, as conversations name it.
    pub waiting_for: String,
    /// How it read the message.
    pub triage: Option<Value>,
}

/// Whoever answers the customer.
pub trait Shop {
    /// Takes a message, and says what came of it. The error says why nothing did.
    fn answer(&mut self, message: &str) -> impl Future<Output = Result<Said, String>>;
}

/// What is known beside the case.
#[derive(Debug)]
pub struct World {
    /// The articles of the orders that cases name.
    pub articles: Articles,
    /// What order ids look like.
    pub patterns: IdPatterns,
}

/// Holds the conversation of a case.
pub async fn talk(case: &Case, world: &World, shop: &mut impl Shop) -> Vec<Entry> {
    let mut customer = Customer {
        case,
        world,
        lines: case.turns.iter().enumerate().map(|(at, line)| (at + 1, line)).collect(),
        again: case.again.iter().collect(),
        answered: HashMap::new(),
        waited: false,
    };
    let mut log: Vec<Entry> = Vec::new();
    while log.len() < MOST_MESSAGES {
        let Some((message, how)) = customer.next(&log) else { break };
        let attempt = log.iter().filter(|entry| entry.how.is_attempt()).count() + usize::from(how.is_attempt());
        let (said, fault) = match shop.answer(&message).await {
            Ok(said) => (said, None),
            Err(fault) => (Said::default(), Some(fault)),
        };
        let failed = fault.is_some();
        let waiting = OTHER_NAMES.iter().find(|(other, _)| *other == said.waiting_for).map(|(_, name)| *name);
        let waiting_for = waiting.map_or(said.waiting_for, str::to_owned);
        log.push(Entry {
            number: log.len() + 1,
            how,
            customer: message,
            reply: said.reply.map(|reply| reply.trim().to_owned()).filter(|reply| !reply.is_empty()),
            tools: said.tools,
            with_person: said.with_person,
            waiting_for,
            triage: said.triage,
            fault,
            attempt,
        });
        if failed {
            break;
        }
    }
    log
}

struct Customer<'a> {
    case: &'a Case,
    world: &'a World,
    /// The lines that are not said yet.
    lines: VecDeque<(usize, &'a Line)>,
    again: VecDeque<&'a String>,
    /// How often each question was answered.
    answered: HashMap<String, usize>,
    /// Whether the clock was moved while a person has the conversation.
    waited: bool,
}

impl Customer<'_> {
    /// The next message; none where the customer has nothing more to say.
    fn next(&mut self, log: &[Entry]) -> Option<(String, How)> {
        let last = log.last();
        while self.lines.front().is_some_and(|(_, line)| !is_due(&line.when, last, log)) {
            self.lines.pop_front();
        }
        let Some(last) = last else { return self.say_line() };
        if last.with_person {
            let (_, line) = self.lines.front()?;
            if !line.say.starts_with('+') && !self.waited && !line.when.after_handover {
                return None;
            }
            self.waited = true;
            return self.say_line();
        }
        let line = self.lines.front().map(|(_, line)| *line);
        if let Some(answer) = self.answer(last, line, log) {
            return Some(answer);
        }
        if line.is_some() {
            return self.say_line();
        }
        if is_tired(log) || is_met(self.case, log, &self.world.articles) {
            return None;
        }
        let named = [NOTHING, CONSENT, PERSON].contains(&last.waiting_for.as_str());
        if let Some(answer) = self.case.auto.get(ANYTHING).filter(|_| !named) {
            let used = self.used(ANYTHING);
            let (text, _) = chosen(answer, used, last.reply.as_deref());
            if let Some(text) = text {
                return Some((text.to_owned(), How::Answer(ANYTHING.to_owned())));
            }
        }
        self.again.pop_front().map(|text| (text.clone(), How::Again))
    }

    fn say_line(&mut self) -> Option<(String, How)> {
        self.lines.pop_front().map(|(number, line)| (line.say.clone(), How::Line(number)))
    }

    /// How often a question was answered before; from now on once more.
    fn used(&mut self, asked: &str) -> usize {
        let count = self.answered.entry(asked.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    /// The answer to what the last reply asks for, where the case has one that is not used up.
    fn answer(&mut self, last: &Entry, line: Option<&Line>, log: &[Entry]) -> Option<(String, How)> {
        let mut asked = last.waiting_for.as_str();
        let named = [ORDER, CONSENT, PERSON, DETAILS].contains(&asked);
        if !named && !self.case.auto.contains_key(asked) && holds("ASKS_AGAIN", &plain(last.reply.as_deref()?)) {
            // It is asked in words only.
            asked = CONSENT;
        }
        let answer = self.case.auto.get(asked)?;
        let most = if asked == CONSENT { 3 } else { 2 };
        let names_order = |line: &Line| !self.world.patterns.orders_in(&line.say).is_empty();
        let line_answers = match asked {
            // The next line says more than the answer would.
            DETAILS => line.is_some() || is_tired(log),
            ORDER => line.is_some_and(names_order),
            _ => false,
        };
        if line_answers || self.answered.get(asked).copied().unwrap_or_default() >= most {
            return None;
        }
        let used = self.answered.get(asked).copied().unwrap_or_default();
        let (text, restates) = chosen(answer, used, last.reply.as_deref());
        let text = text?.to_owned();
        self.used(asked);
        Some((text, if restates { How::Correction } else { How::Answer(asked.to_owned()) }))
    }
}

/// Whether the customer said the wish again as often as anybody would.
fn is_tired(log: &[Entry]) -> bool {
    log.iter().filter(|entry| entry.how.is_attempt() && entry.how.line().is_none()).count() >= REPEATS
}

/// Whether a line is said now.
fn is_due(when: &When, last: Option<&Entry>, log: &[Entry]) -> bool {
    let reply = plain(last.and_then(|last| last.reply.as_deref()).unwrap_or_default());
    let waiting = last.map_or(NOTHING, |last| last.waiting_for.as_str());
    let succeeded = |tools: &Vec<String>| calls(log).any(|(_, call)| call.succeeded() && tools.contains(&call.tool));
    when.reply_has.as_ref().is_none_or(|pattern| pattern.is_in(&reply))
        && when.reply_lacks.as_ref().is_none_or(|pattern| !pattern.is_in(&reply))
        && when.waiting.as_ref().is_none_or(|asked| asked.iter().any(|asked| asked == waiting))
        && when.done.as_ref().is_none_or(succeeded)
        && !when.not_done.as_ref().is_some_and(succeeded)
}

/// The text of an answer, where it has one for this reply, and whether it says the wish again.
fn chosen<'a>(answer: &'a Answer, used: usize, reply: Option<&str>) -> (Option<&'a str>, bool) {
    match answer {
        Answer::Text(text) => (Some(text), false),
        Answer::InTurn(answers) => {
            let answer = answers.get(used).or(answers.last());
            answer.map_or((None, false), |answer| chosen(answer, used, reply))
        }
        Answer::ByReply { asked, then, otherwise, then_restates } => {
            let is_asked = asked.is_in(&plain(reply.unwrap_or_default()));
            let text = if is_asked { then } else { otherwise };
            (text.as_deref(), is_asked == *then_restates)
        }
    }
}

#[cfg(test)]
#[path = "talk_tests.rs"]
mod tests;

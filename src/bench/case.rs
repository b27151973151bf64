//! What a case says: who writes, what they say, and what must come of it.
//!
//! A case that cannot be read whole is an error with its line and field: an expectation that nobody checks would pass.

mod expect;

use std::collections::BTreeMap;

use serde_json::Value;

pub use expect::{Amounts, Argument, Expect, Handover, Look, Need, Outcome, Wanted, Way};

use super::fields::{Field, Given as _, Wrong};
use super::text::Pattern;
use crate::domain::ids::OrderId;
use crate::domain::words::excerpt;

/// A scripted conversation, and what must come of it.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name; no two have the same.
    pub id: String,
    /// What it is about, for the table.
    pub category: String,
    /// The language that the customer writes, for the table.
    pub lang: String,
    /// What the customer wants.
    pub goal: String,
    /// Why that is the right end.
    pub why: String,
    /// Who writes.
    pub who: Who,
    /// What the customer says, in order.
    pub turns: Vec<Line>,
    /// What they answer to questions, by what is asked for; `*` stands for what is not named.
    pub auto: BTreeMap<String, Answer>,
    /// How they say their wish again, where it is not met.
    pub again: Vec<String>,
    /// What must come of it.
    pub expect: Expect,
    /// Orders that are named and that there are not to be.
    pub unknown: Vec<OrderId>,
    /// The line of its file, from 1.
    pub line: usize,
}

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// The telephone number of an order.
    BuyerOf(OrderId),
    /// This identity.
    Number(String),
}

/// A scripted line.
#[derive(Debug, Clone)]
pub struct Line {
    /// The message; `+26h` at its start moves the clock first.
    pub say: String,
    /// When it is said.
    pub when: When,
}

/// When a line is said; without any of it, always.
#[derive(Debug, Clone, Default)]
pub struct When {
    /// The last reply holds this.
    pub reply_has: Option<Pattern>,
    /// The last reply does not hold this.
    pub reply_lacks: Option<Pattern>,
    /// The last reply asked for one of these.
    pub waiting: Option<Vec<String>>,
    /// One of these tools succeeded.
    pub done: Option<Vec<String>>,
    /// None of these tools succeeded.
    pub not_done: Option<Vec<String>>,
    /// Also while a person has the conversation.
    pub after_handover: bool,
}

/// What a customer answers to a question.
#[derive(Debug, Clone)]
pub enum Answer {
    /// A text.
    Text(String),
    /// The first time, the second time, …; the last stays.
    InTurn(Vec<Answer>),
    /// One of two texts, by what the reply asks.
    ByReply {
        /// What the reply has to hold for `then`.
        asked: Pattern,
        /// What is said then; nothing where there is none.
        then: Option<String>,
        /// What is said otherwise.
        otherwise: Option<String>,
        /// Whether `then` says the wish again, and not `otherwise`.
        then_restates: bool,
    },
}

/// A file of cases that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct CaseError {
    /// The file, the line, and the field.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub hint: String,
}

/// The cases of a file, and which fields of them are not read.
#[derive(Debug, Default)]
pub struct Cases {
    /// The cases, in order.
    pub cases: Vec<Case>,
    /// Fields beside those of the form, with the case that has one first.
    pub not_read: BTreeMap<String, String>,
}

const FIELDS: &[&str] =
    &["id", "category", "lang", "goal", "why", "customer", "phone", "turns", "auto", "again", "expect", "unknown"];
const LINE_FIELDS: &[&str] = &["say", "if", "unless", "if_waiting", "if_done", "if_not_done", "after_handover"];

impl Cases {
    /// Reads a file with one case a line; `name` is what messages call it.
    ///
    /// # Errors
    /// The first case that is wrong, with its line and field.
    pub fn read(&mut self, name: &str, text: &str) -> Result<(), CaseError> {
        let before = self.cases.len();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if line.trim().is_empty() {
                continue;
            }
            let place = |field: &str| {
                let colon = if field.is_empty() { "" } else { ": " };
                format!("{name}:{}{colon}{field}", index + 1)
            };
            let value: Value = serde_json::from_str(line).map_err(|error| CaseError {
                place: format!("{}:{}", place(""), error.column()),
                problem: format!(
                    "this is no JSON: {}",
                    error.to_string().split(" at line ").next().unwrap_or_default()
                ),
                hint: "write each case as one JSON object in one line".to_owned(),
            })?;
            let case = self.case(&value, index + 1).map_err(|wrong| CaseError {
                place: place(&wrong.field),
                problem: wrong.problem,
                hint: wrong.hint,
            })?;
            self.cases.push(case);
        }
        if self.cases.len() == before {
            return Err(CaseError {
                place: name.to_owned(),
                problem: "it holds no case".to_owned(),
                hint: "ecomres bench --help shows one".to_owned(),
            });
        }
        Ok(())
    }

    fn case(&mut self, value: &Value, line: usize) -> Result<Case, Wrong> {
        let whole = Field::whole(value);
        let text = |name: &str, example: &str| Ok::<_, Wrong>(whole.need(name, example)?.text()?.to_owned());
        let id = text("id", r#""late-01""#)?;
        if self.cases.iter().any(|other| other.id == id) {
            return Err(whole.need("id", "")?.wrong(
                format!("there is a case “{}” already", excerpt(&id, 60)),
                "give each case an id of its own: --only and --show name cases by it",
            ));
        }
        for other in whole.others(FIELDS)? {
            self.not_read.entry(other.to_owned()).or_insert_with(|| id.clone());
        }
        let who = match (whole.get("customer")?, whole.get("phone")?) {
            (Some(order), None) => Who::BuyerOf(OrderId::new(order.text()?)),
            (None, Some(phone)) => Who::Number(phone.text()?.trim().trim_start_matches('+').to_owned()),
            (Some(_), Some(phone)) => {
                return Err(phone.wrong(
                    "customer says who writes already",
                    "leave one of the two out: customer is an order whose telephone number writes, phone a number",
                ));
            }
            (None, None) => {
                return Err(whole.wrong(
                    "it does not say who writes",
                    r#"add "customer": "ORD000003" (the telephone number of this order writes) or "phone": "919876543210""#,
                ));
            }
        };
        let turns = whole.need("turns", r#"["where is my order?"]"#)?;
        let lines = turns.each().iter().map(said).collect::<Result<Vec<_>, _>>()?;
        if lines.is_empty() {
            return Err(turns.wrong("the customer says nothing", r#"such as ["where is my order?"]"#));
        }
        let auto = whole.get("auto").read(|auto| {
            auto.fields()?.map(|(asked, field)| Ok((asked.to_owned(), answer(&field)?))).collect::<Result<_, Wrong>>()
        })?;
        let unknown = whole.get("unknown").read(Field::texts)?;
        Ok(Case {
            category: text("category", r#""late order""#)?,
            lang: text("lang", r#""en""#)?,
            goal: whole.get("goal").read(|goal| goal.text().map(str::to_owned))?,
            why: whole.get("why").read(|why| why.text().map(str::to_owned))?,
            who,
            auto,
            again: whole.get("again").read(Field::texts)?,
            expect: Expect::read(&whole.need("expect", r#"{"outcome": "answered", "must": ["<OUT>"]}"#)?, lines.len())?,
            turns: lines,
            unknown: unknown.iter().map(|id| OrderId::new(id)).collect(),
            id,
            line,
        })
    }
}

impl Case {
    /// All that the customer may say, with the field it is in.
    pub fn texts(&self) -> impl Iterator<Item = (String, &str)> {
        let lines = self.turns.iter().enumerate().map(|(at, line)| (format!("turns[{at}]"), line.say.as_str()));
        let again = self.again.iter().enumerate().map(|(at, text)| (format!("again[{at}]"), text.as_str()));
        lines.chain(again)
    }

    /// The orders that must be there: whose number writes, and those that something is to be done to.
    pub fn orders(&self) -> impl Iterator<Item = (String, OrderId)> {
        let customer = match &self.who {
            Who::BuyerOf(order) => Some(("customer".to_owned(), order.clone())),
            Who::Number(_) => None,
        };
        let wanted = self.expect.orders().into_iter().filter(|order| !self.unknown.contains(order));
        customer.into_iter().chain(wanted.map(|order| ("expect".to_owned(), order)))
    }
}

fn said(field: &Field) -> Result<Line, Wrong> {
    if !field.value.is_object() {
        return Ok(Line { say: field.text()?.to_owned(), when: When::default() });
    }
    field.only(LINE_FIELDS)?;
    let pattern = |name: &str| field.get(name).read(|field| field.pattern().map(Some));
    let words = |name: &str| field.get(name).read(|field| field.texts().map(Some));
    let when = When {
        reply_has: pattern("if")?,
        reply_lacks: pattern("unless")?,
        waiting: words("if_waiting")?,
        done: field.get("if_done").read(|field| tools(field).map(Some))?,
        not_done: field.get("if_not_done").read(|field| tools(field).map(Some))?,
        after_handover: field.get("after_handover").read(Field::flag)?,
    };
    Ok(Line { say: field.need("say", r#""yes please""#)?.text()?.to_owned(), when })
}

/// The names of tools.
fn tools(field: &Field) -> Result<Vec<String>, Wrong> {
    field.each().iter().map(|field| field.one_of(&crate::tools::NAMES).map(str::to_owned)).collect()
}

fn answer(field: &Field) -> Result<Answer, Wrong> {
    if field.value.is_array() {
        let answers = field.each().iter().map(answer).collect::<Result<Vec<_>, _>>()?;
        if answers.is_empty() {
            return Err(field.wrong("it holds no answer", r#"such as ["yes", "no, leave it"]"#));
        }
        return Ok(Answer::InTurn(answers));
    }
    if !field.value.is_object() {
        return Ok(Answer::Text(field.text()?.to_owned()));
    }
    field.only(&["if", "say", "else", "restates"])?;
    let text = |name: &str| field.get(name).read(|field| field.text().map(|text| Some(text.to_owned())));
    let restates = field.get("restates").read(|field| field.one_of(&["say", "else"]).map(Some))?;
    Ok(Answer::ByReply {
        asked: field.need("if", r#""refund ₹60""#)?.pattern()?,
        then: text("say")?,
        otherwise: text("else")?,
        then_restates: restates == Some("say"),
    })
}

#[cfg(test)]
#[path = "case_tests.rs"]
mod tests;

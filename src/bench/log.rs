//! What happened in a conversation, as the judge reads it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::tools::{CANCEL, CHANGE, HUMAN, REFUND, RETURN};

/// Tools that change something for a customer.
pub const WRITES: [&str; 4] = [REFUND, CANCEL, CHANGE, RETURN];

/// A call of a tool.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Call {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// Its result.
    pub result: Value,
}

impl Call {
    fn status(&self) -> String {
        self.result["status"].as_str().unwrap_or_default().to_lowercase()
    }

    fn is_error(&self) -> bool {
        !self.result.is_object() || self.result.get("error").is_some_and(|error| !error.is_null())
    }

    /// Whether it changes something for a customer.
    pub fn writes(&self) -> bool {
        WRITES.contains(&self.tool.as_str())
    }

    /// Whether it did what it is for, now.
    pub fn succeeded(&self) -> bool {
        if self.is_error() {
            return false;
        }
        match self.status().as_str() {
            status if self.writes() || self.tool == HUMAN => status == "success",
            status => !matches!(status, "error" | "refused" | "denied" | "not_found"),
        }
    }

    /// Whether what it is for was done, by it or before.
    pub fn was_done(&self) -> bool {
        let before = ["already_done", "already_refunded"];
        self.succeeded() || (!self.is_error() && self.writes() && before.contains(&self.status().as_str()))
    }

    /// The order that it is about.
    pub fn order(&self) -> String {
        let named = self.arguments["order_id"].as_str().or(self.result["order_id"].as_str());
        named.unwrap_or("?").trim().to_uppercase()
    }

    /// Transaction and amount of what it paid.
    fn paid(&self) -> Option<(String, f64)> {
        let amount = self.result["amount_refunded"].as_f64()?;
        let transaction = self.result["transaction_id"].as_str().unwrap_or_default().to_owned();
        (self.writes() && self.succeeded() && amount > 0.0).then_some((transaction, amount))
    }
}

/// Why the customer said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// A scripted line: its number.
    Line(usize),
    /// The wish once more.
    Again,
    /// An answer to what was asked for; `*` where the case names no answer to it.
    Answer(String),
    /// An answer that says the wish again.
    Correction,
}

impl How {
    /// Whether it says the wish: an answer to a question does not.
    pub fn is_attempt(&self) -> bool {
        match self {
            Self::Line(_) | Self::Again | Self::Correction => true,
            Self::Answer(asked) => asked == "details" || asked == "*",
        }
    }

    /// The scripted line.
    pub fn line(&self) -> Option<usize> {
        if let Self::Line(line) = self { Some(*line) } else { None }
    }

    /// In a few words.
    pub fn label(&self) -> String {
        match self {
            Self::Line(line) => format!("line {line}"),
            Self::Again => "again".to_owned(),
            Self::Answer(asked) => format!("answer to {asked}"),
            Self::Correction => "correction".to_owned(),
        }
    }
}

impl Serialize for How {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.label())
    }
}

/// A message of the customer, and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Which message, from 1.
    pub number: usize,
    /// Why it was said.
    pub how: How,
    /// What the customer wrote.
    pub customer: String,
    /// What was answered; none where the program was silent.
    pub reply: Option<String>,
    /// What was called.
    pub tools: Vec<Call>,
    /// Whether a person has the conversation afterwards.
    pub with_person: bool,
    /// What the program waits for afterwards.
    pub waiting_for: String,
    /// How the message was read.
    pub triage: Option<Value>,
    /// Why there is no answer, where something failed.
    pub fault: Option<String>,
    /// Which attempt of the customer this is: how often they said the wish by now.
    pub attempt: usize,
}

/// All calls, with the message in answer to which they were made.
pub fn calls(log: &[Entry]) -> impl Iterator<Item = (&Entry, &Call)> {
    log.iter().flat_map(|entry| entry.tools.iter().map(move |call| (entry, call)))
}

/// The message in answer to which a person was brought in, and with which priority.
pub fn person(log: &[Entry]) -> Option<(&Entry, String)> {
    log.iter().find_map(|entry| {
        if let Some(call) = entry.tools.iter().find(|call| call.tool == HUMAN && call.succeeded()) {
            let priority = call.result["priority"].as_str().or(call.arguments["priority"].as_str());
            return Some((entry, priority.unwrap_or_default().to_lowercase()));
        }
        entry.with_person.then(|| (entry, String::new()))
    })
}

/// What was paid back, by order. What one transaction pays counts once, however many calls name it.
pub fn paid(log: &[Entry]) -> BTreeMap<String, f64> {
    let (mut seen, mut by_order) = (Vec::new(), BTreeMap::new());
    for (_, call) in calls(log) {
        let Some((transaction, amount)) = call.paid() else { continue };
        if !transaction.is_empty() && seen.contains(&transaction) {
            continue;
        }
        seen.push(transaction);
        *by_order.entry(call.order()).or_insert(0.0) += amount;
    }
    by_order
}

/// The currencies that something was paid back in.
pub fn currencies(log: &[Entry]) -> Vec<&str> {
    let paid = calls(log).filter(|(_, call)| call.paid().is_some());
    let mut found: Vec<&str> = paid.filter_map(|(_, call)| call.result["currency"].as_str()).collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// The scripted line that a message is, or follows.
pub fn line_of(entry: &Entry, log: &[Entry]) -> usize {
    log.iter().take(entry.number).filter_map(|entry| entry.how.line()).max().unwrap_or(0)
}

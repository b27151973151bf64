//! Decides whether a conversation ended as its case wants, and says why not. It must never look at anything but the log: the same log
//! is always judged the same.

mod calls;

use std::collections::BTreeMap;

use serde::Serialize;

use super::case::{Amounts, Case, Expect, Handover, Look, Outcome, Way};
use super::language;
use super::log::{self, Entry};
use super::text::{self, plain};
use crate::domain::ids::OrderId;
use crate::domain::words::excerpt;

/// The most messages of a customer in one conversation.
pub const MOST_MESSAGES: usize = 10;

/// The articles of orders, by which items are told apart.
pub type Articles = BTreeMap<OrderId, Vec<Article>>;

/// An article of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Article {
    /// The shop's number of it.
    pub sku: String,
    /// What it is called.
    pub name: String,
}

/// What is wrong with how a conversation went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What was wished was not done.
    NotDone,
    /// Too much money, too little, or none where some was due.
    Money,
    /// Something was done that nobody wished, or that must not be.
    NotWished,
    /// No person, or too late.
    NoPerson,
    /// A person with the wrong priority.
    Priority,
    /// A person where none was needed.
    NeedlessPerson,
    /// A reply says the wrong thing, or none the right one.
    Says,
    /// A reply in another language.
    Language,
    /// The same reply again and again.
    Loop,
    /// More messages than it may take.
    TooLong,
    /// A message without a reply.
    Silence,
    /// A reply tells of something as done that was not.
    Claim,
    /// Something failed.
    Fault,
}

impl Kind {
    /// In a few words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotDone => "what was wished was not done",
            Self::Money => "wrong money",
            Self::NotWished => "did what was not wished",
            Self::NoPerson => "no person, or late",
            Self::Priority => "wrong priority",
            Self::NeedlessPerson => "needless person",
            Self::Says => "says the wrong thing, or not the right one",
            Self::Language => "wrong language",
            Self::Loop => "loop",
            Self::TooLong => "too long",
            Self::Silence => "silence",
            Self::Claim => "claims what was not done",
            Self::Fault => "fault",
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// What kind of thing.
    pub kind: Kind,
    /// What exactly.
    pub text: String,
}

fn reason(kind: Kind, text: impl Into<String>) -> Reason {
    Reason { kind, text: text.into() }
}

/// All that is wrong, measured by the right end that is nearest; nothing where the conversation passes.
pub fn judge(case: &Case, log: &[Entry], articles: &Articles) -> Vec<Reason> {
    let mut wrong = nearest(case, log, articles);
    whole(&case.expect, log, &mut wrong);
    wrong
}

/// Whether the customer's wish is met by now. Nobody says it again for want of a language.
pub fn is_met(case: &Case, log: &[Entry], articles: &Articles) -> bool {
    nearest(case, log, articles).iter().all(|reason| reason.kind == Kind::Language)
}

fn nearest(case: &Case, log: &[Entry], articles: &Articles) -> Vec<Reason> {
    let ways = case.expect.ways.iter().map(|way| one_way(way, log, articles));
    let beside_language = |wrong: &[Reason]| wrong.iter().filter(|reason| reason.kind != Kind::Language).count();
    ways.min_by_key(|wrong| (beside_language(wrong), wrong.len())).unwrap_or_default()
}

/// What is wrong, were this the only right end.
fn one_way(way: &Way, log: &[Entry], articles: &Articles) -> Vec<Reason> {
    let mut wrong = Vec::new();
    for need in &way.needs {
        if !calls::is_met(need, log, articles) {
            wrong.push(reason(Kind::NotDone, format!("not done: {}", calls::words(need))));
        }
    }
    let right_money = money(&way.money, log, &mut wrong);
    calls::not_wished(way, log, articles, right_money, &mut wrong);
    person(way, log, &mut wrong);
    says(way, log, &mut wrong);
    languages(way, log, &mut wrong);
    wrong
}

/// Two amounts that differ by less than the smallest unit of any currency are the same.
fn same_amount(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.000_5
}

/// Returns whether the right amount was paid, and not none.
fn money(right: &Amounts, log: &[Entry], wrong: &mut Vec<Reason>) -> bool {
    let currencies = log::currencies(log);
    if currencies.len() > 1 {
        // No sum holds two currencies, so there is no right one.
        wrong.push(reason(Kind::Money, format!("paid in several currencies: {}", currencies.join(", "))));
        return false;
    }
    let paid = log::paid(log);
    let total: f64 = paid.values().sum();
    let (is_right, wanted) = match right {
        Amounts::Total(amounts) => {
            let shown: Vec<String> = amounts.iter().map(ToString::to_string).collect();
            (amounts.iter().any(|amount| same_amount(*amount, total)), shown.join(" or "))
        }
        Amounts::ByOrder(amounts) => {
            let due = |order: &str| amounts.get(&OrderId::new(order)).copied().unwrap_or_default();
            let all_due = amounts
                .iter()
                .all(|(order, amount)| same_amount(*amount, paid.get(order.as_str()).copied().unwrap_or_default()));
            let shown: Vec<String> = amounts.iter().map(|(order, amount)| format!("{amount} for {order}")).collect();
            (all_due && paid.iter().all(|(order, amount)| same_amount(*amount, due(order))), shown.join(" and "))
        }
    };
    if !is_right {
        let by: Vec<String> = paid.iter().map(|(order, amount)| format!("{amount} for {order}")).collect();
        let paid = if by.is_empty() { "0".to_owned() } else { by.join(" and ") };
        wrong.push(reason(Kind::Money, format!("paid {paid}, right is {wanted}")));
    }
    is_right && total > 0.0
}

fn person(way: &Way, log: &[Entry], wrong: &mut Vec<Reason>) {
    let found = log::person(log);
    if way.outcome != Outcome::HandedOver && way.handover.is_none() {
        if let (Some((entry, _)), false) = (found, way.handover_ok) {
            let text = format!("handed to a person (message {}) though it could be done without one", entry.number);
            wrong.push(reason(Kind::NeedlessPerson, text));
        }
        return;
    }
    let Handover { by, not_before, at_once, priority } =
        way.handover.unwrap_or(Handover { by: 2, not_before: None, at_once: false, priority: None });
    let Some((entry, given)) = found else {
        wrong.push(reason(Kind::NoPerson, "no person was brought in"));
        return;
    };
    if at_once {
        if entry.how.line().is_none_or(|line| line > by) {
            let text = format!("a person came only at message {}, not in answer to line {by}", entry.number);
            wrong.push(reason(Kind::NoPerson, text));
        }
    } else if entry.attempt > by {
        let text = format!("a person came only at attempt {}, by {by} is right", entry.attempt);
        wrong.push(reason(Kind::NoPerson, text));
    }
    if let Some(priority) = priority.filter(|priority| *priority != given) {
        let given = if given.is_empty() { "none" } else { &given };
        wrong.push(reason(Kind::Priority, format!("priority {given}, {priority} is right")));
    }
    if not_before.is_some_and(|first| entry.attempt < first) {
        wrong.push(reason(Kind::NeedlessPerson, "a person was brought in before it was needed"));
    }
}

/// The replies that a pattern is looked for in.
fn replies<'a>(look: &Look, log: &'a [Entry]) -> impl Iterator<Item = &'a str> {
    let (at, from) = (look.at, look.from);
    let mut on = at.is_none() && from.is_none();
    log.iter().filter_map(move |entry| {
        if let Some(line) = entry.how.line() {
            on = on || from.is_some_and(|from| line >= from);
            if let Some(at) = at {
                on = line == at;
            }
        }
        entry.reply.as_deref().filter(|_| on)
    })
}

fn says(way: &Way, log: &[Entry], wrong: &mut Vec<Reason>) {
    let said = |look: &Look| replies(look, log).any(|reply| look.pattern.is_in(&plain(reply)));
    for look in way.must.iter().filter(|look| !said(look)) {
        let place = match (look.at, look.from) {
            (Some(line), _) => format!(" at line {line}"),
            (None, Some(line)) => format!(" from line {line} on"),
            (None, None) => String::new(),
        };
        wrong.push(reason(Kind::Says, format!("no reply{place} says {}", look.pattern)));
    }
    for look in way.must_not.iter().filter(|look| said(look)) {
        wrong.push(reason(Kind::Says, format!("a reply says {}", look.pattern)));
    }
}

fn languages(way: &Way, log: &[Entry], wrong: &mut Vec<Reason>) {
    if way.lang.is_empty() {
        return;
    }
    let names = language::names_in(log::calls(log).map(|(_, call)| &call.result));
    let others: Vec<(usize, &str)> = log
        .iter()
        .filter(|entry| entry.how.line().is_none_or(|line| line >= way.lang_from))
        .filter_map(|entry| Some((entry.number, language::of_reply(entry.reply.as_deref()?, &names)?)))
        .filter(|(_, code)| !way.lang.contains(code))
        .collect();
    if let Some((number, code)) = others.first() {
        let (count, right) = (others.len(), way.lang.join(" or "));
        let text = format!("{count} in {code} (first: the reply to message {number}), right is {right}");
        wrong.push(reason(Kind::Language, text));
    }
}

/// What is wrong whatever the right end is.
fn whole(expect: &Expect, log: &[Entry], wrong: &mut Vec<Reason>) {
    let mut same: BTreeMap<String, usize> = BTreeMap::new();
    for reply in log.iter().filter_map(|entry| entry.reply.as_deref()) {
        *same.entry(reply.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()).or_default() += 1;
    }
    if let Some((reply, times)) =
        same.iter().max_by_key(|(_, times)| **times).filter(|(_, times)| **times > expect.same)
    {
        wrong.push(reason(Kind::Loop, format!("the same reply {times} times: {}", excerpt(reply, 80))));
    }
    let most = expect.max_turns.unwrap_or(MOST_MESSAGES);
    if log.len() > most {
        wrong.push(reason(Kind::TooLong, format!("{} messages of the customer, at most {most}", log.len())));
    }
    for entry in log {
        if let Some(fault) = &entry.fault {
            wrong.push(reason(Kind::Fault, format!("message {}: {fault}", entry.number)));
        } else if entry.reply.is_none() && !entry.with_person && !expect.silence_ok {
            wrong.push(reason(Kind::Silence, format!("message {} got no reply", entry.number)));
        }
    }
    let mut acted = false;
    for entry in log {
        acted = acted || entry.tools.iter().any(|call| call.writes() && call.was_done());
        let claims = |reply: &str| text::holds("CLAIM", &plain(reply));
        if !acted && !expect.claims_ok && entry.reply.as_deref().is_some_and(claims) {
            let text = format!("the reply to message {} says that something was done, and nothing was", entry.number);
            wrong.push(reason(Kind::Claim, text));
            break;
        }
    }
}

#[cfg(test)]
#[path = "judge_tests.rs"]
mod tests;

//! Decides whether a reply says only what happened: amounts, transactions and claims must come from tool results.
//!
//! It must never change a reply: it lets it pass or names what is not covered.

mod amounts;
mod claims;
mod disguise;
mod text;
mod written;

use claims::{About, Claim};
use disguise::Disguise;
use text::Reading;
pub use written::Written;

use crate::domain::conversation::Known;
use crate::domain::ids::{IdPatterns, OrderId};
use crate::domain::money::Money;
use crate::domain::refund::{Denial, Refusal};
use crate::tools::Outcome;

/// What a reply says without cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncovered {
    /// An amount of money that no tool gave.
    Amount(String),
    /// A transaction that no tool gave.
    Transaction(String),
    /// That a refund was paid, is being paid or will be.
    RefundClaim,
    /// That an order was cancelled or changed: no tool does that.
    ChangeClaim,
    /// That a person was asked for.
    HandOverClaim,
    /// An order or customer that is not this customer's.
    Order(String),
    /// A link, a telephone number, an address for messages or payments.
    Contact(String),
    /// Something that cannot be read: disguised letters, or money in a language that is not understood.
    Unreadable,
}

impl Uncovered {
    /// A short word for counters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Amount(_) => "amount",
            Self::Transaction(_) => "transaction",
            Self::RefundClaim => "refund_claim",
            Self::ChangeClaim => "change_claim",
            Self::HandOverClaim => "hand_over_claim",
            Self::Order(_) => "order",
            Self::Contact(_) => "contact",
            Self::Unreadable => "unreadable",
        }
    }
}

/// The amounts in a text as they are shown there; `None` where the text names no exact amount in rupees.
pub fn amounts_in(text: &str) -> Vec<(String, Option<Money>)> {
    Reading::new(text).sentences.into_iter().flat_map(|sentence| sentence.amounts).collect()
}

/// The amounts that a tool outcome gives: from its values, never from its texts.
pub fn amounts_of(outcome: &Outcome) -> Vec<Money> {
    match outcome {
        Outcome::Order(order) => vec![order.value],
        Outcome::Quoted(quote) => vec![quote.order_value, quote.amount, quote.fee],
        Outcome::Refused(_, Refusal::AboveLimit { limit })
        | Outcome::Denied(_, Denial::Policy(Refusal::AboveLimit { limit })) => vec![*limit],
        Outcome::Denied(_, Denial::WrongAmount { right }) => vec![*right],
        Outcome::Refunded { refund, .. } => vec![refund.amount],
        _ => Vec::new(),
    }
}

/// The order that a tool outcome shows to the customer.
pub fn shown_by(outcome: &Outcome) -> Option<&OrderId> {
    match outcome {
        Outcome::Order(order) => Some(&order.id),
        Outcome::Quoted(quote) => Some(&quote.order_id),
        Outcome::Refused(order, _) => Some(order),
        Outcome::Refunded { refund, .. } => Some(&refund.order_id),
        _ => None,
    }
}

/// What a reply may say.
#[derive(Debug, Clone, Copy)]
pub struct Cover<'a> {
    /// What the tools have said in this conversation.
    pub known: &'a Known,
    /// Whether a person was asked for in this turn.
    pub handed_over: bool,
    /// Whether a refund is on offer: quoted in this turn, or put to the customer by the last reply.
    pub quoted: bool,
    /// The orders that the customer named.
    pub orders: &'a [OrderId],
    /// The customer identifiers that the customer wrote.
    pub customers: &'a [String],
    /// What the customer wrote in this turn.
    pub said: &'a str,
    /// What the shop has written itself.
    pub written: &'a Written,
    /// How identifiers look.
    pub patterns: &'a IdPatterns,
}

/// Checks a reply against what the tools have said.
///
/// # Errors
/// The first thing the reply says without cover.
pub fn check(reply: &str, cover: &Cover<'_>) -> Result<(), Uncovered> {
    let Cover { known, written, .. } = *cover;
    let transactions: Vec<&str> = known.transactions().collect();
    let reading = Reading::new(reply);
    let covered = |amount: &Money| known.amounts.contains(amount) || written.amounts().contains(amount);
    for (shown, amount) in reading.sentences.iter().flat_map(|sentence| &sentence.amounts) {
        if !amount.as_ref().is_some_and(covered) {
            return Err(Uncovered::Amount(shown.clone()));
        }
    }
    if let Some(share) = written::shares(reply).into_iter().find(|share| !written.holds_share(share)) {
        return Err(Uncovered::Amount(share));
    }
    for reference in &reading.references {
        if !transactions.iter().any(|transaction| transaction.eq_ignore_ascii_case(reference)) {
            return Err(Uncovered::Transaction(reference.clone()));
        }
    }
    identifiers(reply, cover)?;
    if let Some(order) =
        claims::of_unknown_orders(&reading, known, |id| cover.patterns.is_order(id) && !written.is_example(id))
    {
        return Err(Uncovered::Order(order));
    }
    if let Some(code) = written::coupon(reply) {
        return Err(Uncovered::Transaction(code));
    }
    if let Some(contact) = written::contacts(reply, cover.patterns).into_iter().find(|contact| {
        !written.holds_contact(contact) && (written::is_link(contact) || !cover.said.contains(contact.as_str()))
    }) {
        return Err(Uncovered::Contact(contact));
    }
    match disguise::found(reply, &transactions) {
        // What is said in another language about a refund that was paid is held to its amounts and transactions alone.
        Some(Disguise::Language) if !known.refunds.is_empty() => {}
        Some(_) => return Err(Uncovered::Unreadable),
        None => {}
    }
    for claim in claims::in_reply(&reading, cover.quoted) {
        match claim.about {
            About::Refund if !paid(&claim, known) => return Err(Uncovered::RefundClaim),
            About::Eligible if !cover.quoted && !paid(&claim, known) => return Err(Uncovered::RefundClaim),
            About::Done if !cover.handed_over && !paid(&claim, known) => return Err(Uncovered::RefundClaim),
            About::Change => return Err(Uncovered::ChangeClaim),
            About::Person if !cover.handed_over => return Err(Uncovered::HandOverClaim),
            _ => {}
        }
    }
    Ok(())
}

/// Orders and customers of a reply must be those that the customer named, or examples that the shop has written.
fn identifiers(reply: &str, cover: &Cover<'_>) -> Result<(), Uncovered> {
    let text = text::plain(reply).replace('_', " ");
    let transactions = cover.known.transactions().collect::<Vec<_>>().join(" ").replace('_', " ");
    let paid = cover.patterns.orders_in(&transactions);
    for order in cover.patterns.orders_in(&text) {
        let own = cover.orders.contains(&order) || paid.contains(&order);
        if !own
            && cover.known.refunds.iter().all(|refund| refund.order_id != order)
            && !cover.written.is_example(order.as_str())
        {
            return Err(Uncovered::Order(order.to_string()));
        }
    }
    for customer in cover.patterns.customers_in(&text) {
        if !cover.customers.contains(&customer) && !cover.written.is_example(&customer) {
            return Err(Uncovered::Order(customer));
        }
    }
    Ok(())
}

/// Whether a reply puts a refund to the customer, so that a plain yes to it is a yes to this: one sentence holds the
/// order, the amount and what it is for, says no “not”, and with it or after it the reply asks.
pub fn offers(reply: &str, order: &OrderId, amount: Money) -> bool {
    let purposes = ["refund", "back", "wapas", "vapas", "waapas", "वापस", "रिफंड", "रिफण्ड", "रीफंड"];
    let mut from = 0;
    for line in reply.split_inclusive(['\n', '!', '?', '।']).flat_map(|line| line.split_inclusive(". ")) {
        let rest = &reply[from..];
        from += line.len();
        let lower = text::plain(line).to_lowercase();
        let purpose = purposes.iter().any(|word| lower.contains(word));
        let shown = amounts_in(line).into_iter().any(|(_, shown)| shown == Some(amount));
        let named = lower.contains(&order.as_str().to_lowercase());
        if purpose && shown && named && !claims::negates(&lower) && claims::asks(&text::plain(rest).to_lowercase()) {
            return true;
        }
    }
    false
}

/// Whether the orders and amounts of a claim are those of paid refunds, and as many were paid as it speaks of.
fn paid(claim: &Claim, known: &Known) -> bool {
    let named = |id: &str| claim.orders.iter().any(|order| order.eq_ignore_ascii_case(id));
    let meant: Vec<_> =
        known.refunds.iter().filter(|refund| claim.orders.is_empty() || named(refund.order_id.as_str())).collect();
    let mut orders: Vec<_> = meant.iter().map(|refund| &refund.order_id).collect();
    orders.sort();
    orders.dedup();
    orders.len() >= claim.refunds.max(claim.orders.len()).max(1)
        && claim.amounts.iter().all(|amount| meant.iter().any(|refund| Some(refund.amount) == *amount))
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;

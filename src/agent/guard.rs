//! Decides whether a reply says only what happened: amounts, transactions and claims must come from tool results.
//!
//! It must never change a reply: it lets it pass or names what is not covered.

mod amounts;
mod claims;
mod text;

use claims::{About, Claim};
use text::Reading;

use crate::domain::conversation::Known;
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

/// Checks a reply against what the tools have said. `handed_over`: a person was asked for in this turn. `written`: the
/// amounts of the shop's own written answers.
///
/// # Errors
/// The first thing the reply says without cover.
pub fn check(reply: &str, known: &Known, handed_over: bool, written: &[Money]) -> Result<(), Uncovered> {
    let reading = Reading::new(reply);
    let covered = |amount: &Money| known.amounts.contains(amount) || written.contains(amount);
    for (shown, amount) in reading.sentences.iter().flat_map(|sentence| &sentence.amounts) {
        if !amount.as_ref().is_some_and(covered) {
            return Err(Uncovered::Amount(shown.clone()));
        }
    }
    for reference in &reading.references {
        if !known.transactions().any(|transaction| transaction.eq_ignore_ascii_case(reference)) {
            return Err(Uncovered::Transaction(reference.clone()));
        }
    }
    for claim in claims::in_reply(&reading) {
        match claim.about {
            About::Refund if !paid(&claim, known) => return Err(Uncovered::RefundClaim),
            About::Done if !handed_over && !paid(&claim, known) => return Err(Uncovered::RefundClaim),
            About::Change => return Err(Uncovered::ChangeClaim),
            About::Person if !handed_over => return Err(Uncovered::HandOverClaim),
            _ => {}
        }
    }
    Ok(())
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

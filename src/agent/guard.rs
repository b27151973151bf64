//! Decides whether a reply says only what happened: amounts, transactions and claims must come from tool results.
//!
//! It must never change a reply: it lets it pass or names what is not covered.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::domain::conversation::Known;
use crate::domain::money::Money;

/// What a reply says without cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uncovered {
    /// An amount of money that no tool gave.
    Amount(String),
    /// A transaction that no tool gave.
    Transaction(String),
    /// That a refund was paid.
    RefundClaim,
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
            Self::HandOverClaim => "hand_over_claim",
        }
    }
}

/// Patterns are constants: a test compiles each of them.
#[allow(clippy::expect_used)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern compiles")
}

static AMOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:₹|\binr\b|\brs\b\.?|\brupees?\b)\s*(?P<a>\d[\d,]*(?:\.\d+)?)|(?P<b>\d[\d,]*(?:\.\d+)?)\s*(?:₹|/-|\binr\b|\brs\b|\brupees?\b)",
    )
});
static TRANSACTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\bRFND_\w+"));
static REFUND_CLAIM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:has|have|had|was|were|is|are|been)\s+(?:now\s+|already\s+|just\s+|successfully\s+|fully\s+)*refunded\b|\brefund\b[^.!?\n]{0,40}\b(?:has\s+been|was|is|been|have\s+been)\s+(?:now\s+|already\s+|successfully\s+)*(?:processed|issued|completed|initiated|credited|sent|paid|done|on\s+its\s+way)|\b(?:i|we)(?:['’]ve|\s+have)?\s+(?:now\s+|already\s+|just\s+|successfully\s+)*(?:refunded|(?:processed|issued|initiated|completed|sent)\s+(?:your|the|a)\s+refund)|\bsuccessfully\s+refunded\b|\brefund\s+(?:successful|complete[d]?|done)\b|\bmoney\s+(?:is|has\s+been)\s+(?:on\s+its\s+way|sent|credited|returned)",
    )
});
static HAND_OVER_CLAIM: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\b(?:i|we)(?:['’]ve|\s+have)?\s+(?:now\s+|already\s+|just\s+)*(?:escalated|forwarded|alerted|notified|informed|transferred|connected|(?:asked|requested)\s+(?:a|an|the|our|one)\s+(?:\w+\s+){0,2}(?:member|agent|person|human|manager|team|colleague|specialist))|\b(?:has|have)\s+been\s+(?:escalated|forwarded|transferred|handed\s+over)|\b(?:agent|person|manager|team|representative|specialist|colleague|someone)\b[^.!?\n]{0,30}\bwill\s+(?:contact|call|reply|reach|get\s+back|take\s+over|be\s+with)",
    )
});

/// The amounts in a text.
pub fn amounts_in(text: &str) -> Vec<(String, Option<Money>)> {
    AMOUNT
        .captures_iter(text)
        .filter_map(|hit| {
            let digits = hit.name("a").or_else(|| hit.name("b"))?.as_str().trim_end_matches(',');
            Some((hit[0].trim().to_owned(), Money::parse(digits).ok()))
        })
        .collect()
}

/// The amounts that a tool result gives: its money fields and the amounts in its texts.
pub fn amounts_of(result: &Value) -> Vec<Money> {
    let Some(map) = result.as_object() else { return Vec::new() };
    let mut amounts = Vec::new();
    for (name, value) in map {
        let lower = name.to_lowercase();
        let money = ["value", "amount", "fee"].iter().any(|part| lower.contains(part));
        match value {
            Value::Number(_) if money => amounts.extend(Money::from_json(value).ok()),
            Value::String(text) => amounts.extend(amounts_in(text).into_iter().filter_map(|(_, money)| money)),
            _ => {}
        }
    }
    amounts
}

/// Checks a reply against what the tools have said. `handed_over`: a person was asked for in this turn. `written`: the
/// amounts of the shop's own written answers.
///
/// # Errors
/// The first thing the reply says without cover.
pub fn check(reply: &str, known: &Known, handed_over: bool, written: &[Money]) -> Result<(), Uncovered> {
    for (shown, amount) in amounts_in(reply) {
        let covered = amount.is_some_and(|amount| known.amounts.contains(&amount) || written.contains(&amount));
        if !covered {
            return Err(Uncovered::Amount(shown));
        }
    }
    for hit in TRANSACTION.find_iter(reply) {
        if !known.transactions().any(|transaction| transaction.eq_ignore_ascii_case(hit.as_str())) {
            return Err(Uncovered::Transaction(hit.as_str().to_owned()));
        }
    }
    if known.refunds.is_empty() && REFUND_CLAIM.is_match(reply) {
        return Err(Uncovered::RefundClaim);
    }
    if !handed_over && HAND_OVER_CLAIM.is_match(reply) {
        return Err(Uncovered::HandOverClaim);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn known() -> Known {
        Known {
            amounts: vec![Money::from_rupees(599)],
            refunds: vec![crate::domain::conversation::PaidRefund {
                order_id: crate::domain::ids::OrderId::new("ORD000003"),
                amount: Money::from_rupees(599),
                transaction_id: "RFND_20260101120000_ORD000003".into(),
            }],
        }
    }

    #[test]
    fn what_the_tools_said_passes() {
        for reply in [
            "Done: ₹599 for order ORD000003 has been refunded. Your transaction id is RFND_20260101120000_ORD000003.",
            "I can refund Rs. 599.00 for it.",
            "That is 599 rupees.",
            "Hello! What can I do for you?",
            "Delivered in 25 minutes.",
        ] {
            assert_eq!(check(reply, &known(), false, &[]), Ok(()), "{reply}");
        }
    }

    #[test]
    fn what_no_tool_said_is_named() {
        let nothing = Known::default();
        for (reply, code) in [
            ("You get ₹5,999 back.", "amount"),
            ("You get 600 INR back.", "amount"),
            ("You get rs 600", "amount"),
            ("600/- only", "amount"),
            ("Transaction RFND_20260101120000_ORD000009", "transaction"),
            ("Your order has been refunded.", "refund_claim"),
            ("Your refund has been processed!", "refund_claim"),
            ("I've refunded your order", "refund_claim"),
            ("I have initiated the refund", "refund_claim"),
            ("Your money is on its way", "refund_claim"),
            ("I've escalated this.", "hand_over_claim"),
            ("I have asked a member of our team to help", "hand_over_claim"),
            ("An agent will contact you shortly", "hand_over_claim"),
        ] {
            assert_eq!(check(reply, &nothing, false, &[]).unwrap_err().code(), code, "{reply}");
        }
    }

    #[test]
    fn offers_and_refusals_are_no_claims() {
        let nothing = Known { amounts: vec![Money::from_rupees(599)], refunds: vec![] };
        for reply in [
            "I can refund ₹599 for order ORD000003. Shall I go ahead?",
            "No problem: I have not refunded anything.",
            "Once a refund is confirmed, the money usually arrives within 3-5 business days.",
            "Shall I bring in a member of our team? (yes / no)",
            "say “agent” and I will bring in a member of the team",
            "Beverages orders cannot be refunded under the shop's policy.",
        ] {
            assert_eq!(check(reply, &nothing, false, &[]), Ok(()), "{reply}");
        }
    }

    #[test]
    fn written_answers_may_hold_their_amounts() {
        let fee = [Money::from_rupees(49)];
        assert_eq!(check("Delivery costs ₹49.", &Known::default(), false, &fee), Ok(()));
    }

    #[test]
    fn a_result_gives_its_amounts() {
        let result = json!({"refund_amount": 569.05, "Order Value (INR)": 599, "reason": "Refunds above ₹2,000 need a person", "rating": 5});
        assert_eq!(
            amounts_of(&result),
            [Money::from_paise(56_905), Money::from_rupees(599), Money::from_rupees(2_000)]
        );
    }

    proptest! {
        #[test]
        fn no_invented_amount_passes(rupees in 1..1_000_000_i64, before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
            prop_assume!(rupees != 599);
            let reply = format!("{before} {} {after}", Money::from_rupees(rupees));
            prop_assert!(matches!(check(&reply, &known(), false, &[]), Err(Uncovered::Amount(_))));
        }
    }
}

//! A refund on record, and by when its money is expected.

use jiff::Timestamp;
use jiff::civil::{Date, Weekday};
use serde::{Deserialize, Serialize};

use super::super::currency::{Amount, Currency};
use super::super::ids::{OrderId, QuoteId, UserId};
use super::super::money::Money;
use super::super::order::Item;
use super::{Progress, RefundState, Route, idempotency_key};

/// A refund that was approved: at most one for each order. How far it is, [`Refund::progress`] says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// `RFND_<UTC yyyymmddHHMMSS>_<order>`.
    pub transaction_id: String,
    /// The order.
    pub order_id: OrderId,
    /// What the customer gets.
    pub amount: Money,
    /// The fee that was deducted.
    pub fee: Money,
    /// The currency of these amounts, the order's.
    #[serde(default)]
    pub currency: Currency,
    /// The quote it is based on.
    pub quote_id: Option<QuoteId>,
    /// Why, in the caller's words.
    pub reason: String,
    /// On whose behalf.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// The items that it is for; none: the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// How the money goes back.
    #[serde(default)]
    pub route: Route,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
}

impl Refund {
    /// What the customer gets.
    pub fn refunded(&self) -> Amount {
        Amount::new(self.amount, self.currency)
    }

    /// Its state.
    pub fn state(&self) -> RefundState {
        self.progress.state
    }

    /// Whether no money moves: the ledger alone stands for it.
    pub fn is_simulated(&self) -> bool {
        self.route.provider.is_simulated()
    }

    /// The idempotency key of its present attempt.
    pub fn idempotency_key(&self) -> String {
        idempotency_key(&self.transaction_id, self.progress.attempt)
    }

    /// What of it never changes, as JSON: what the audit trail holds of it.
    pub fn unchanging(&self) -> serde_json::Value {
        let mut row = serde_json::to_value(self).unwrap_or_default();
        if let Some(row) = row.as_object_mut() {
            row.remove("progress");
        }
        row
    }

    /// The customer it was paid to, where one asked for it themselves.
    pub fn customer(&self) -> Option<UserId> {
        crate::domain::caller::customer_in(&self.actor)
    }

    /// The day by which the money is expected, by what the shop tells customers (`3-5 business days`); none where that names
    /// no time, or where the refund failed. Counted from when it was paid, else from `at`.
    pub fn expected_by(&self, estimated_arrival: &str) -> Option<Date> {
        if self.state() == RefundState::Failed {
            return None;
        }
        let from = self.progress.settled_at.or(self.progress.submitted_at).unwrap_or(self.at);
        expected_by(estimated_arrival, from.to_zoned(jiff::tz::TimeZone::UTC).date())
    }
}

/// The last day that a text such as `3-5 business days` names, from a day on.
pub(super) fn expected_by(text: &str, from: Date) -> Option<Date> {
    let lower = text.to_lowercase();
    let digits = |c: char| !c.is_ascii_digit();
    let days: i32 = lower.split(digits).rfind(|part| !part.is_empty())?.parse().ok().filter(|days| *days <= 366)?;
    if lower.contains("week") {
        return from.checked_add(jiff::Span::new().weeks(days)).ok();
    }
    if lower.contains("hour") {
        return from.checked_add(jiff::Span::new().days((days + 23) / 24)).ok();
    }
    if !lower.contains("day") {
        return None;
    }
    if !lower.contains("business") && !lower.contains("working") {
        return from.checked_add(jiff::Span::new().days(days)).ok();
    }
    let mut day = from;
    let mut left = days;
    while left > 0 {
        day = day.tomorrow().ok()?;
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            left -= 1;
        }
    }
    Some(day)
}

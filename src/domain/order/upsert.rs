//! What an order becomes when the shop sends it again: what is older never replaces what is newer.

use jiff::Timestamp;
use serde::Serialize;

use super::Order;

/// What an upsert did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UpsertOutcome {
    /// The order was not there before.
    Added,
    /// It was there and was replaced.
    Updated,
    /// It was there, just so.
    Unchanged,
    /// The stored one is newer, and stays.
    Stale,
}

/// What happens to an order, and what is stored of it then, if anything changes. `stored`: the order as it is.
pub fn settle(stored: Option<&Order>, new: &Order) -> (UpsertOutcome, Option<Order>) {
    let Some(stored) = stored else { return (UpsertOutcome::Added, Some(new.clone())) };
    if is_stale(stored.details.updated_at, new.details.updated_at) {
        return (UpsertOutcome::Stale, None);
    }
    let new = new.clone().keeping(stored);
    if new == *stored { (UpsertOutcome::Unchanged, None) } else { (UpsertOutcome::Updated, Some(new)) }
}

/// A time to the precision that every store has: milliseconds.
fn precise(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millisecond)
}

/// Whether what was changed at `new` is older than what was changed at `stored`. What does not tell its time is as new as
/// the moment it comes.
fn is_stale(stored: Option<Timestamp>, new: Option<Timestamp>) -> bool {
    matches!((precise(stored), precise(new)), (Some(stored), Some(new)) if new < stored)
}

impl Order {
    /// The order with what stays of the stored one where this one comes without: its telephone numbers, since otherwise the
    /// next stranger to ask could claim it, and when it was changed, since otherwise something older could replace it.
    #[must_use]
    fn keeping(mut self, stored: &Self) -> Self {
        self.phone = self.phone.or_else(|| stored.phone.clone());
        if self.details.other_phones.is_empty() {
            self.details.other_phones.clone_from(&stored.details.other_phones);
        }
        if self.details.updated_at.is_none() || precise(self.details.updated_at) == precise(stored.details.updated_at) {
            self.details.updated_at = stored.details.updated_at;
        }
        self
    }
}

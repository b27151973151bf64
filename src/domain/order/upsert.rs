//! What an order becomes when the shop sends it again: what is older never replaces what is newer.

use jiff::Timestamp;
use serde::Serialize;

use super::{Order, column};

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
    /// The order with what stays of the stored one since it comes from a file that lacks these columns: what a file does not say
    /// is not empty. Amounts stay where both are in one currency.
    #[must_use]
    pub fn keeping_columns(mut self, stored: &Self, lacks: &[&str]) -> Self {
        fn text(own: &mut String, stored: &str) {
            if own.is_empty() {
                stored.clone_into(own);
            }
        }
        fn option<T: Clone>(own: &mut Option<T>, stored: Option<&T>) {
            *own = own.take().or_else(|| stored.cloned());
        }
        if lacks.contains(&column::VALUE) && lacks.contains(&column::CURRENCY) {
            self.details.currency = stored.details.currency;
        }
        let same = self.currency() == stored.currency();
        let (details, known) = (&mut self.details, &stored.details);
        for lacked in lacks {
            match *lacked {
                column::CUSTOMER_ID => text(&mut self.customer_id, &stored.customer_id),
                column::PLATFORM => text(&mut self.platform, &stored.platform),
                column::PLACED => {
                    text(&mut self.placed, &stored.placed);
                    option(&mut self.date, stored.date.as_ref());
                    option(&mut self.placed_at, stored.placed_at.as_ref());
                }
                column::DELIVERY_MINUTES => option(&mut self.delivery_minutes, stored.delivery_minutes.as_ref()),
                column::CATEGORY => text(&mut self.category, &stored.category),
                column::VALUE if same => option(&mut self.value, stored.value.as_ref()),
                column::FEEDBACK => text(&mut self.feedback, &stored.feedback),
                column::RATING => option(&mut self.rating, stored.rating.as_ref()),
                column::DELAY => option(&mut self.delayed, stored.delayed.as_ref()),
                column::REFUND_REQUESTED => option(&mut self.refund_requested, stored.refund_requested.as_ref()),
                column::STATUS => {
                    option(&mut self.status, stored.status.as_ref());
                    option(&mut details.state, known.state.as_ref());
                }
                column::DISPLAY_ID => option(&mut details.display_id, known.display_id.as_ref()),
                column::SHOP_ID => option(&mut details.shop_id, known.shop_id.as_ref()),
                column::CUSTOMER_NAME => option(&mut details.customer_name, known.customer_name.as_ref()),
                column::EMAIL => option(&mut details.email, known.email.as_ref()),
                column::ITEMS if details.lines.is_empty() && same => details.lines.clone_from(&known.lines),
                column::SHIPPING if same => option(&mut details.shipping, known.shipping.as_ref()),
                column::TAX if same => option(&mut details.tax, known.tax.as_ref()),
                column::DISCOUNT if same => option(&mut details.discount, known.discount.as_ref()),
                column::PAYMENT_METHOD => option(&mut details.payment_method, known.payment_method.as_ref()),
                column::PAYMENT_STATUS => option(&mut details.payment_state, known.payment_state.as_ref()),
                column::PAYMENT_ID => option(&mut details.payment_id, known.payment_id.as_ref()),
                column::ADDRESS => option(&mut details.address, known.address.as_ref()),
                column::POSTAL_CODE => option(&mut details.postal_code, known.postal_code.as_ref()),
                column::CARRIER => option(&mut details.carrier, known.carrier.as_ref()),
                column::TRACKING_NUMBER => option(&mut details.tracking_number, known.tracking_number.as_ref()),
                column::TRACKING_URL => option(&mut details.tracking_url, known.tracking_url.as_ref()),
                column::DELIVERED_AT => option(&mut details.delivered_at, known.delivered_at.as_ref()),
                _ => {}
            }
        }
        self
    }

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

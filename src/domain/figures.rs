//! Decides what the team's figures count: orders, refunds and alerts of a period.
//!
//! It must never make a number up: what is not known is `None`, and what was left out is counted.

mod period;
mod quality;
mod talk;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::alert::Priority;
use super::money::Money;
pub use period::{Period, Step};
pub use quality::{CorrectedLabels, CorrectionFigures, Drift};
pub use talk::{TalkCounter, TalkFigures, TalkRow};

/// The time after the end of a session in which a new one counts as the old one, opened again.
pub const REOPENED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// The smallest value that at least `share` (0 to 1) of the values do not exceed (nearest rank); `None` of nothing.
pub fn percentile(values: &[u64], share: f64) -> Option<u64> {
    if values.is_empty() {
        return None;
    }
    let mut values = values.to_vec();
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let rank = (share.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
    let place = rank.clamp(1, values.len()) - 1;
    // Putting one value into its place is much cheaper than all of them.
    Some(*values.select_nth_unstable(place).1)
}

/// The mean; `None` of nothing.
#[allow(clippy::cast_precision_loss)]
pub fn mean(sum: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| sum as f64 / of as f64)
}

/// A part of a whole, from 0 to 1; `None` of nothing.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    mean(part, whole)
}

/// Orders that have something in common, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderCell {
    /// How many.
    pub orders: u64,
    /// Of how many it is known whether they were late.
    pub delay_known: u64,
    /// How many were late.
    pub delayed: u64,
    /// Of how many the minutes to delivery are known.
    pub timed: u64,
    /// Those minutes together.
    pub minutes: u64,
    /// What was paid, together.
    pub value: Money,
    /// For how many the customer asked for money back, as the orders' file says.
    pub refund_requested: u64,
    /// How many stars.
    pub rating: Option<u8>,
    /// The hour of the day, where the order has a date.
    pub hour: Option<u8>,
}

/// Orders of one kind, added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrderSums {
    /// How many.
    pub orders: u64,
    /// Of how many it is known whether they were late.
    pub delay_known: u64,
    /// How many were late.
    pub delayed: u64,
    /// Of how many the minutes to delivery are known.
    pub timed: u64,
    /// Those minutes together.
    pub minutes: u64,
    /// What was paid, together.
    pub value: Money,
    /// For how many the customer asked for money back, as the orders' file says.
    pub refund_requested: u64,
    /// How many were rated.
    pub rated: u64,
    /// The stars together.
    pub stars: u64,
}

impl OrderSums {
    fn add(&mut self, cell: &OrderCell) {
        self.orders += cell.orders;
        self.delay_known += cell.delay_known;
        self.delayed += cell.delayed;
        self.timed += cell.timed;
        self.minutes += cell.minutes;
        self.value = plus(self.value, cell.value);
        self.refund_requested += cell.refund_requested;
        if let Some(stars) = cell.rating {
            self.rated += cell.orders;
            self.stars += cell.orders * u64::from(stars);
        }
    }

    /// The share that was late, of those of which it is known.
    pub fn delay_rate(&self) -> Option<f64> {
        share(self.delayed, self.delay_known)
    }

    /// Minutes to delivery on average.
    pub fn mean_minutes(&self) -> Option<f64> {
        mean(self.minutes, self.timed)
    }

    /// Stars on average.
    pub fn mean_rating(&self) -> Option<f64> {
        mean(self.stars, self.rated)
    }

    /// What an order came to on average, cut to whole paise.
    pub fn mean_value(&self) -> Option<Money> {
        let orders = i64::try_from(self.orders).ok().filter(|orders| *orders > 0)?;
        Some(Money::from_paise(self.value.paise() / orders))
    }
}

fn plus(one: Money, other: Money) -> Money {
    Money::from_paise(one.paise().saturating_add(other.paise()))
}

/// What orders come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrderFigures {
    /// All of them.
    pub total: OrderSums,
    /// By shop or app.
    pub platforms: BTreeMap<String, OrderSums>,
    /// By what was bought.
    pub categories: BTreeMap<String, OrderSums>,
    /// By stars.
    pub ratings: BTreeMap<u8, u64>,
    /// By the hour of the day; only orders with a date.
    pub hours: BTreeMap<u8, OrderSums>,
    /// Orders that could not be placed in the period because they have no date.
    pub undated: u64,
}

impl OrderFigures {
    /// Adds orders of one platform and category.
    pub fn add(&mut self, platform: &str, category: &str, cell: &OrderCell) {
        self.total.add(cell);
        of(&mut self.platforms, platform).add(cell);
        of(&mut self.categories, category).add(cell);
        if let Some(stars) = cell.rating {
            *self.ratings.entry(stars).or_default() += cell.orders;
        }
        if let Some(hour) = cell.hour {
            self.hours.entry(hour).or_default().add(cell);
        }
    }
}

/// What is kept under a name, without making a text of the name each time.
fn of<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.entry(name.to_owned()).or_default()
}

/// How many, and how much money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// How many refunds.
    pub refunds: u64,
    /// What they come to.
    pub amount: Money,
}

impl Paid {
    fn add(&mut self, amount: Money) {
        self.refunds += 1;
        self.amount = plus(self.amount, amount);
    }
}

/// What the refunds that were paid in a period come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RefundFigures {
    /// All of them.
    pub total: Paid,
    /// By what was bought; of orders that are not there any more, under the empty name.
    pub categories: BTreeMap<String, Paid>,
    /// By shop or app, likewise.
    pub platforms: BTreeMap<String, Paid>,
    /// By the reason given.
    pub reasons: BTreeMap<String, Paid>,
    /// By hour or day.
    pub points: BTreeMap<String, Paid>,
}

impl RefundFigures {
    /// Adds a refund, with category and platform of its order where that is there.
    pub fn add(&mut self, period: &Period, at: Timestamp, amount: Money, reason: &str, order: Option<(&str, &str)>) {
        if !period.holds(at) {
            return;
        }
        let (category, platform) = order.unwrap_or_default();
        self.total.add(amount);
        of(&mut self.categories, category).add(amount);
        of(&mut self.platforms, platform).add(amount);
        of(&mut self.reasons, reason.trim()).add(amount);
        self.points.entry(period.point(at)).or_default().add(amount);
    }
}

/// What is needed of an alert.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// Whose conversation.
    pub user: String,
    /// How urgent.
    pub priority: Priority,
    /// Whether nobody has settled it yet.
    pub pending: bool,
    /// When it was raised.
    pub created_at: Timestamp,
    /// When it was settled, where that is known.
    pub resolved_at: Option<Timestamp>,
}

/// What alerts come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AlertFigures {
    /// Pending at this moment, whenever they were raised.
    pub pending: u64,
    /// Of those, the urgent ones.
    pub pending_high: u64,
    /// Raised in the period.
    pub raised: u64,
    /// Of those, how many are settled by now.
    pub resolved: u64,
    /// Raised in the period, by urgency.
    pub priorities: BTreeMap<&'static str, u64>,
    /// Raised in the period, by hour or day.
    pub points: BTreeMap<String, u64>,
    /// Seconds from raising to settling, of those raised in the period of which both are known, together.
    pub settling_seconds: u64,
    /// How many those are.
    pub settled_timed: u64,
}

impl AlertFigures {
    /// Counts alerts, each of which is there once.
    pub fn count(period: &Period, alerts: &[AlertRow]) -> Self {
        let mut figures = Self::default();
        for alert in alerts {
            if alert.pending {
                figures.pending += 1;
                figures.pending_high += u64::from(alert.priority == Priority::High);
            }
            if !period.holds(alert.created_at) {
                continue;
            }
            figures.raised += 1;
            figures.resolved += u64::from(!alert.pending);
            *figures.priorities.entry(alert.priority.as_str()).or_default() += 1;
            *figures.points.entry(period.point(alert.created_at)).or_default() += 1;
            if let Some(at) = alert.resolved_at.filter(|_| !alert.pending) {
                let seconds = at.duration_since(alert.created_at).as_secs();
                figures.settling_seconds += u64::try_from(seconds).unwrap_or(0);
                figures.settled_timed += 1;
            }
        }
        figures
    }

    /// Minutes from raising to settling on average.
    pub fn mean_minutes(&self) -> Option<f64> {
        mean(self.settling_seconds, self.settled_timed).map(|seconds| seconds / 60.0)
    }
}

/// When alerts were raised, by customer.
pub fn raised_by_customer(alerts: &[AlertRow]) -> HashMap<String, Vec<Timestamp>> {
    let mut raised: HashMap<String, Vec<Timestamp>> = HashMap::new();
    for alert in alerts {
        raised.entry(alert.user.clone()).or_default().push(alert.created_at);
    }
    raised
}

#[cfg(test)]
mod tests {
    use super::period::tests::period;
    use super::*;

    #[test]
    fn percentiles_are_by_nearest_rank() {
        assert_eq!(percentile(&[], 0.95), None);
        assert_eq!(percentile(&[7], 0.95), Some(7));
        let values: Vec<u64> = (1..=20).rev().collect();
        assert_eq!(percentile(&values, 0.95), Some(19));
        assert_eq!(percentile(&values, 1.0), Some(20));
        assert_eq!(percentile(&values, 0.0), Some(1));
    }

    #[test]
    fn orders_add_up_and_what_is_not_known_is_not_counted() {
        let mut figures = OrderFigures::default();
        let cell = OrderCell {
            orders: 2,
            delay_known: 1,
            delayed: 1,
            timed: 2,
            minutes: 50,
            value: Money::from_rupees(100),
            rating: Some(4),
            hour: Some(9),
            ..OrderCell::default()
        };
        figures.add("A", "Dairy", &cell);
        figures.add("B", "Dairy", &OrderCell { orders: 1, rating: None, hour: None, ..OrderCell::default() });
        assert_eq!((figures.total.orders, figures.total.delay_rate()), (3, Some(1.0)));
        assert_eq!((figures.total.mean_minutes(), figures.total.mean_rating()), (Some(25.0), Some(4.0)));
        assert_eq!(figures.total.mean_value(), Some(Money::from_paise(3_333)));
        assert_eq!((figures.categories["Dairy"].orders, figures.platforms["B"].delay_rate()), (3, None));
        assert_eq!((figures.ratings[&4], figures.hours.len()), (2, 1));
        assert_eq!(OrderSums::default().mean_rating(), None);
    }

    #[test]
    fn alerts_are_counted_by_when_they_were_raised_and_pending_ones_always() {
        let day = period("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z");
        let row = |priority, pending, created: &str, resolved: Option<&str>| AlertRow {
            user: "u".to_owned(),
            priority,
            pending,
            created_at: created.parse().unwrap(),
            resolved_at: resolved.map(|at| at.parse().unwrap()),
        };
        let rows = [
            row(Priority::High, true, "2026-01-01T00:00:00Z", None),
            row(Priority::Low, false, "2026-01-02T00:00:00Z", Some("2026-01-02T01:00:00Z")),
            row(Priority::Low, false, "2026-01-02T05:00:00Z", None),
            row(Priority::Low, true, "2026-01-03T00:00:00Z", None),
        ];
        let figures = AlertFigures::count(&day, &rows);
        assert_eq!((figures.pending, figures.pending_high, figures.raised, figures.resolved), (2, 1, 2, 2));
        assert_eq!(figures.mean_minutes(), Some(60.0));
    }
}

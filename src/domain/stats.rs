//! The team's statistics: totals of orders, refunds and alerts of a period. What is not known is `None`, and what was
//! left out is counted.

mod conversations;
mod period;
mod quality;

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::alert::Priority;
use super::currency::{Amount, Currency};
use super::money::Money;
pub use conversations::{ConversationCounter, ConversationRow, ConversationStats, Outcome};
pub use period::{Period, Step};
pub use quality::{CorrectedLabels, CorrectionStats, Drift};

/// A session that begins within this time after the end of the one before counts as that one reopened.
pub const REOPENED_WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// The percentile by nearest rank: the smallest value that at least `share` (0 to 1) of the values do not exceed;
/// `None` without values.
pub fn percentile(values: &[u64], share: f64) -> Option<u64> {
    if values.is_empty() {
        return None;
    }
    let mut values = values.to_vec();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length that fits into memory: not negative, and far below 2^53"
    )]
    let rank = (share.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
    let place = rank.clamp(1, values.len()) - 1;
    // Selecting one value is much cheaper than sorting all of them.
    Some(*values.select_nth_unstable(place).1)
}

/// The mean of `of` values with this sum; `None` without values.
#[expect(clippy::cast_precision_loss, reason = "a mean is shown with a few digits")]
pub fn mean(sum: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| sum as f64 / of as f64)
}

/// A share of a whole, from 0 to 1; `None` where the whole is zero.
pub fn share(part: u64, whole: u64) -> Option<f64> {
    mean(part, whole)
}

/// Totals of the orders with the same rating and hour.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderCell {
    /// How many.
    pub orders: u64,
    /// How many have a known delay flag.
    pub delay_known: u64,
    /// How many were late.
    pub delayed: u64,
    /// How many have known minutes to delivery.
    pub timed: u64,
    /// The sum of those minutes.
    pub minutes: u64,
    /// For how many it is known what was paid.
    pub valued: u64,
    /// The sum of what was paid for those.
    pub value: Money,
    /// The currency of all of them.
    pub currency: Currency,
    /// For how many it is known whether the customer asked for money back, according to the orders' file.
    pub refund_known: u64,
    /// For how many the customer did.
    pub refund_requested: u64,
    /// The rating in stars.
    pub rating: Option<u8>,
    /// The hour of the day, where the order has a date.
    pub hour: Option<u8>,
}

/// Totals of a group of orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrderSums {
    /// How many.
    pub orders: u64,
    /// How many have a known delay flag.
    pub delay_known: u64,
    /// How many were late.
    pub delayed: u64,
    /// How many have known minutes to delivery.
    pub timed: u64,
    /// The sum of those minutes.
    pub minutes: u64,
    /// What was paid for those of which it is known.
    pub values: Sums,
    /// For how many it is known whether the customer asked for money back, according to the orders' file.
    pub refund_known: u64,
    /// For how many the customer did.
    pub refund_requested: u64,
    /// How many were rated.
    pub rated: u64,
    /// The sum of the stars.
    pub stars: u64,
}

impl OrderSums {
    fn add(&mut self, cell: &OrderCell) {
        self.orders += cell.orders;
        self.delay_known += cell.delay_known;
        self.delayed += cell.delayed;
        self.timed += cell.timed;
        self.minutes += cell.minutes;
        self.values.add(cell.valued, Amount::new(cell.value, cell.currency));
        self.refund_known += cell.refund_known;
        self.refund_requested += cell.refund_requested;
        if let Some(stars) = cell.rating {
            self.rated += cell.orders;
            self.stars += cell.orders * u64::from(stars);
        }
    }

    /// The share that was late, of those with a known delay flag.
    pub fn delay_rate(&self) -> Option<f64> {
        share(self.delayed, self.delay_known)
    }

    /// The mean minutes to delivery.
    pub fn mean_minutes(&self) -> Option<f64> {
        mean(self.minutes, self.timed)
    }

    /// The mean rating in stars.
    pub fn mean_rating(&self) -> Option<f64> {
        mean(self.stars, self.rated)
    }

    /// The share for which money was asked back, of those where that is known.
    pub fn refund_request_rate(&self) -> Option<f64> {
        share(self.refund_requested, self.refund_known)
    }
}

/// How many amounts of a currency there are, and their sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Their sum.
    pub amount: Money,
}

impl Sum {
    /// The mean, rounded down to whole minor units; `None` without amounts.
    pub fn mean(&self) -> Option<Money> {
        let count = i64::try_from(self.count).ok().filter(|count| *count > 0)?;
        Some(Money::from_minor_units(self.amount.minor_units() / count))
    }
}

/// Sums by currency: amounts of different currencies are never added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Sums(BTreeMap<Currency, Sum>);

impl Sums {
    /// Adds `count` amounts, which make this one together.
    pub fn add(&mut self, count: u64, amount: Amount) {
        if count == 0 {
            return;
        }
        let sum = self.0.entry(amount.currency).or_default();
        sum.count += count;
        let units = sum.amount.minor_units().saturating_add(amount.money.minor_units());
        sum.amount = Money::from_minor_units(units);
    }

    /// The sum of one currency.
    pub fn of(&self, currency: Currency) -> Sum {
        self.0.get(&currency).copied().unwrap_or_default()
    }

    /// The sums of all other currencies.
    pub fn besides(&self, currency: Currency) -> impl Iterator<Item = (Currency, Sum)> {
        self.0.iter().filter(move |(other, _)| **other != currency).map(|(other, sum)| (*other, *sum))
    }
}

/// Statistics of orders.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct OrderStats {
    /// The totals of all.
    pub total: OrderSums,
    /// By platform.
    pub platforms: BTreeMap<String, OrderSums>,
    /// By category.
    pub categories: BTreeMap<String, OrderSums>,
    /// The number of orders by rating.
    pub ratings: BTreeMap<u8, u64>,
    /// By the hour of the day; only orders with a date.
    pub hours: BTreeMap<u8, OrderSums>,
    /// Orders without a date, which belong to no period.
    pub undated: u64,
}

impl OrderStats {
    /// Adds the orders of one platform and category.
    pub fn add(&mut self, platform: &str, category: &str, cell: &OrderCell) {
        self.total.add(cell);
        entry(&mut self.platforms, platform).add(cell);
        entry(&mut self.categories, category).add(cell);
        if let Some(stars) = cell.rating {
            *self.ratings.entry(stars).or_default() += cell.orders;
        }
        if let Some(hour) = cell.hour {
            self.hours.entry(hour).or_default().add(cell);
        }
    }
}

/// The entry of a name; the name is only copied for a new entry.
fn entry<'a, T: Default>(map: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.entry(name.to_owned()).or_default()
}

/// The number of refunds and their amounts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Paid {
    /// How many refunds.
    pub refunds: u64,
    /// Their sums.
    pub amounts: Sums,
}

impl Paid {
    /// Adds one.
    pub fn add(&mut self, amount: Amount) {
        self.refunds += 1;
        self.amounts.add(1, amount);
    }
}

/// Statistics of the refunds that were paid in a period.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RefundStats {
    /// The totals of all.
    pub total: Paid,
    /// Of these, the ones that only the ledger stands for: no money moved.
    pub simulated: u64,
    /// By category; the empty name is for orders that no longer exist.
    pub categories: BTreeMap<String, Paid>,
    /// By platform, likewise.
    pub platforms: BTreeMap<String, Paid>,
    /// By the reason given.
    pub reasons: BTreeMap<String, Paid>,
    /// By hour or day.
    pub points: BTreeMap<String, Paid>,
    /// What another program paid back, which is not in any of the others.
    pub elsewhere: Paid,
}

impl RefundStats {
    /// Adds a refund that was paid, with category and platform of its order where the order still exists. `simulated`: only
    /// the ledger stands for it.
    pub fn add(
        &mut self,
        period: &Period,
        at: Timestamp,
        amount: Amount,
        reason: &str,
        order: Option<(&str, &str)>,
        simulated: bool,
    ) {
        if !period.holds(at) {
            return;
        }
        self.simulated += u64::from(simulated);
        let (category, platform) = order.unwrap_or_default();
        self.total.add(amount);
        entry(&mut self.categories, category).add(amount);
        entry(&mut self.platforms, platform).add(amount);
        entry(&mut self.reasons, reason.trim()).add(amount);
        self.points.entry(period.point(at)).or_default().add(amount);
    }
}

/// The fields of an alert that are counted.
#[derive(Debug, Clone)]
pub struct AlertRow {
    /// The customer.
    pub user: String,
    /// How urgent.
    pub priority: Priority,
    /// Whether it is pending.
    pub pending: bool,
    /// When it was raised.
    pub created_at: Timestamp,
    /// When it was resolved, where that is known.
    pub resolved_at: Option<Timestamp>,
}

/// The alerts that are pending now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PendingAlerts {
    /// How many.
    pub all: u64,
    /// How many of them are urgent.
    pub high: u64,
    /// When the latest of the urgent ones was raised.
    pub newest: Option<Timestamp>,
}

impl PendingAlerts {
    /// Counts those of all alerts.
    pub fn of(rows: &[AlertRow]) -> Self {
        let pending = || rows.iter().filter(|alert| alert.pending);
        let high = || pending().filter(|alert| alert.priority == Priority::High);
        Self {
            all: pending().count() as u64,
            high: high().count() as u64,
            newest: high().map(|alert| alert.created_at).max(),
        }
    }
}

/// Statistics of alerts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AlertStats {
    /// Pending now, whenever they were raised.
    pub pending: u64,
    /// Of those, the ones of high priority.
    pub pending_high: u64,
    /// Raised in the period.
    pub raised: u64,
    /// Of those, how many are resolved by now.
    pub resolved: u64,
    /// Raised in the period, by priority.
    pub priorities: BTreeMap<&'static str, u64>,
    /// Raised in the period, by hour or day.
    pub points: BTreeMap<String, u64>,
    /// The sum of the seconds from raising to resolving, of those raised in the period for which both are known.
    #[serde(rename = "settling_seconds")]
    pub resolution_seconds: u64,
    /// How many those are.
    #[serde(rename = "settled_timed")]
    pub resolved_timed: u64,
}

impl AlertStats {
    /// Counts alerts; each may be there once only.
    pub fn count(period: &Period, alerts: &[AlertRow]) -> Self {
        let mut stats = Self::default();
        for alert in alerts {
            if alert.pending {
                stats.pending += 1;
                stats.pending_high += u64::from(alert.priority == Priority::High);
            }
            if !period.holds(alert.created_at) {
                continue;
            }
            stats.raised += 1;
            stats.resolved += u64::from(!alert.pending);
            *stats.priorities.entry(alert.priority.as_str()).or_default() += 1;
            *stats.points.entry(period.point(alert.created_at)).or_default() += 1;
            if let Some(at) = alert.resolved_at.filter(|_| !alert.pending) {
                let seconds = at.duration_since(alert.created_at).as_secs();
                stats.resolution_seconds += u64::try_from(seconds).unwrap_or(0);
                stats.resolved_timed += 1;
            }
        }
        stats
    }

    /// The mean minutes from raising to resolving.
    pub fn mean_minutes(&self) -> Option<f64> {
        mean(self.resolution_seconds, self.resolved_timed).map(|seconds| seconds / 60.0)
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
        let mut stats = OrderStats::default();
        let cell = OrderCell {
            orders: 2,
            delay_known: 1,
            delayed: 1,
            timed: 2,
            minutes: 50,
            valued: 2,
            value: Money::from_rupees(100),
            refund_known: 2,
            refund_requested: 1,
            rating: Some(4),
            hour: Some(9),
            ..OrderCell::default()
        };
        stats.add("A", "Dairy", &cell);
        stats.add("B", "Dairy", &OrderCell { orders: 1, rating: None, hour: None, ..OrderCell::default() });
        assert_eq!((stats.total.orders, stats.total.delay_rate()), (3, Some(1.0)));
        assert_eq!((stats.total.mean_minutes(), stats.total.mean_rating()), (Some(25.0), Some(4.0)));
        let sum = stats.total.values.of(Currency::INR);
        assert_eq!((sum.count, sum.mean()), (2, Some(Money::from_rupees(50))), "of those whose value is known");
        assert_eq!(stats.total.refund_request_rate(), Some(0.5));
        assert_eq!(stats.platforms["B"].refund_request_rate(), None);
        assert_eq!((stats.categories["Dairy"].orders, stats.platforms["B"].delay_rate()), (3, None));
        assert_eq!((stats.ratings[&4], stats.hours.len()), (2, 1));
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
        let stats = AlertStats::count(&day, &rows);
        assert_eq!((stats.pending, stats.pending_high, stats.raised, stats.resolved), (2, 1, 2, 2));
        assert_eq!(stats.mean_minutes(), Some(60.0));
    }
}

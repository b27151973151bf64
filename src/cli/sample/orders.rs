//! Generates orders whose cells do not contradict each other.
//!
//! It must never read a clock or the system's random numbers: the same parameters give the same text.

use std::io;

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};

use crate::domain::order::column;
use crate::files::csv::Table;

/// The days before `until` in which orders were placed.
const DAYS: u64 = 90;
/// Orders at the start that carry no telephone number.
const WITHOUT_PHONE: u32 = 20;
/// The order of the documented refund conversation.
const DEMO: u32 = 3;

const PLATFORMS: [&str; 3] = ["Blinkit", "JioMart", "Swiggy Instamart"];

/// Categories with the range of their usual values in rupees.
const CATEGORIES: [(&str, u64, u64); 6] = [
    ("Beverages", 60, 900),
    ("Dairy", 45, 650),
    ("Fruits & Vegetables", 70, 1_100),
    ("Grocery", 150, 2_000),
    ("Personal Care", 120, 1_800),
    ("Snacks", 40, 750),
];

const PLEASED: [&str; 8] = [
    "Rider was polite and everything was in order.",
    "Reached before the kettle boiled!",
    "Neatly packed, nothing leaked, \"very good\" service.",
    "Fresh stock, long expiry dates. Thanks",
    "Got exactly what I ordered, on time.",
    "Smooth as always 👍",
    "Best prices in our area, will order again.",
    "Good packing; even the eggs were fine.",
];
const SO_SO: [&str; 5] = [
    "Okay overall, the bag was a bit torn.",
    "Fine, but the app kept showing the wrong time.",
    "Average. One item was close to its expiry date.",
    "Delivered at the gate, not at the door.",
    "Decent, though the cold drinks were warm.",
];
const LATE: [&str; 5] = [
    "Waited far longer than promised, dinner was spoilt.",
    "Came so late that the ice cream had melted.",
    "Half an hour extra and nobody picked up the phone.",
    "The tracker stood still, then it arrived very late.",
    "Late again, third time this month.",
];
const WRONG: [&str; 6] = [
    "Two packets missing, bill shows them as delivered.",
    "Got somebody else's bag, please sort this out.",
    "The milk had gone sour, I want my money back.",
    "Bottle was leaking over everything else.",
    "Received the smaller pack but paid for the big one.",
    "Vegetables were rotten, only half the order was usable.",
];

/// Pseudo-random numbers from a seed: `SplitMix64` (Steele, Lea and Flood, OOPSLA 2014), implemented here so that
/// no update of a library changes what a seed gives.
#[derive(Debug, Clone)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn percent(&mut self, chance: u64) -> bool {
        self.between(1, 100) <= chance
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        let place = self.between(0, from.len() as u64 - 1);
        from[usize::try_from(place).unwrap_or(0)]
    }
}

/// The outcome of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum OrderOutcome {
    Pleased,
    SoSo,
    Late,
    Wrong,
    Cancelled,
    Packed,
    OutForDelivery,
    Delayed,
}

/// A generator of orders.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    rows: u32,
    numbers: SplitMix64,
    until: Date,
}

impl Sample {
    pub(super) fn new(rows: u32, seed: u64, until: Date) -> Self {
        Self { rows, numbers: SplitMix64(seed), until }
    }

    /// Writes the header and all rows as CSV, some rows at a time.
    pub(super) fn write(mut self, mut out: impl FnMut(&str) -> io::Result<()>) -> io::Result<()> {
        let mut table = Table::new();
        table.row(column::REQUIRED.iter().chain(&column::OPTIONAL))?;
        for number in 1..=self.rows {
            table.row(self.row(number))?;
            if number % 1_000 == 0 || number == self.rows {
                out(&std::mem::take(&mut table).finish()?)?;
            }
        }
        Ok(())
    }

    /// The cells of a row, in the order of the columns.
    fn row(&mut self, number: u32) -> [String; 14] {
        let numbers = &mut self.numbers;
        let customer = numbers.between(1_000, 9_999);
        let platform = numbers.pick(&PLATFORMS);
        let (category, low, high) = numbers.pick(&CATEGORIES);
        let rupees = numbers.between(low, high);
        let paise = numbers.percent(10);
        let outcome = match numbers.between(1, 100) {
            1..=52 => OrderOutcome::Pleased,
            53..=64 => OrderOutcome::SoSo,
            65..=76 => OrderOutcome::Late,
            77..=88 => OrderOutcome::Wrong,
            89..=92 => OrderOutcome::Cancelled,
            93..=95 => OrderOutcome::Packed,
            96..=98 => OrderOutcome::OutForDelivery,
            _ => OrderOutcome::Delayed,
        };
        // Whatever the seed, the orders that anybody may ask for hold one of each kind.
        let outcome = match number {
            DEMO => OrderOutcome::Wrong,
            5 => OrderOutcome::OutForDelivery,
            8 => OrderOutcome::Packed,
            11 => OrderOutcome::Delayed,
            14 => OrderOutcome::Cancelled,
            17 => OrderOutcome::Late,
            _ => outcome,
        };
        let (category, rupees, paise) =
            if number == DEMO { ("Beverages", 599, false) } else { (category, rupees, paise) };
        let facts = Facts::new(outcome, numbers);
        let placed = placed(outcome, self.until, numbers);
        let feedback = if number == DEMO { "Some bottles were missing from my bag." } else { facts.feedback };
        let optional = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let yes_no = |flag: bool| if flag { "Yes" } else { "No" }.to_owned();
        [
            format!("ORD{number:06}"),
            format!("CUST{customer}"),
            platform.to_owned(),
            placed.strftime("%Y-%m-%d %H:%M").to_string(),
            optional(facts.minutes),
            category.to_owned(),
            if paise { format!("{rupees}.50") } else { rupees.to_string() },
            feedback.to_owned(),
            optional(facts.rating),
            yes_no(facts.delayed),
            yes_no(facts.refund),
            // The same customer has the same number in every file: 0 is no first digit of a number in Delhi.
            if number <= WITHOUT_PHONE {
                String::new()
            } else {
                format!("+91 11 0{:03} {customer}", customer * 7 % 1_000)
            },
            placed.strftime("%Y-%m-%d").to_string(),
            facts.status.to_owned(),
        ]
    }
}

/// The cells that follow from the outcome of an order.
struct Facts {
    status: &'static str,
    minutes: Option<u64>,
    rating: Option<u64>,
    feedback: &'static str,
    delayed: bool,
    refund: bool,
}

impl Facts {
    fn new(outcome: OrderOutcome, numbers: &mut SplitMix64) -> Self {
        let under_way =
            |status, delayed| Self { status, minutes: None, rating: None, feedback: "", delayed, refund: false };
        let delivered = |minutes, rating, feedback, refund| Self {
            status: "Delivered",
            minutes: Some(minutes),
            rating: Some(rating),
            feedback,
            delayed: minutes > 40,
            refund,
        };
        match outcome {
            OrderOutcome::Pleased => {
                let (minutes, rating) = (numbers.between(8, 35), numbers.between(4, 5));
                let said = numbers.percent(80);
                delivered(minutes, rating, if said { numbers.pick(&PLEASED) } else { "" }, false)
            }
            OrderOutcome::SoSo => delivered(numbers.between(15, 40), 3, numbers.pick(&SO_SO), false),
            OrderOutcome::Late => {
                let (minutes, rating) = (numbers.between(45, 95), numbers.between(1, 2));
                delivered(minutes, rating, numbers.pick(&LATE), numbers.percent(40))
            }
            OrderOutcome::Wrong => {
                let (minutes, rating) = (numbers.between(10, 40), numbers.between(1, 2));
                delivered(minutes, rating, numbers.pick(&WRONG), true)
            }
            OrderOutcome::Cancelled => Self { refund: numbers.percent(50), ..under_way("Cancelled", false) },
            OrderOutcome::Packed => under_way("Packed", false),
            OrderOutcome::OutForDelivery => under_way("Out for delivery", false),
            OrderOutcome::Delayed => under_way("Delayed", true),
        }
    }
}

/// When an order was placed. What is still under way was placed on the last evening: these shops deliver within the
/// hour.
fn placed(outcome: OrderOutcome, until: Date, numbers: &mut SplitMix64) -> DateTime {
    let minutes_before = match outcome {
        OrderOutcome::Packed => numbers.between(1, 20),
        OrderOutcome::OutForDelivery => numbers.between(15, 45),
        OrderOutcome::Delayed => numbers.between(60, 150),
        _ => {
            // From 7 in the morning to 10 in the evening of any of the days.
            let day = numbers.between(1, DAYS);
            day * 24 * 60 - numbers.between(7 * 60, 22 * 60)
        }
    };
    let minutes = i64::try_from(minutes_before).unwrap_or(0);
    until.at(0, 0, 0, 0).checked_sub(minutes.minutes()).unwrap_or(DateTime::MIN)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::io::Cursor;

    use jiff::civil::date;

    use super::*;
    use crate::domain::money::Money;
    use crate::domain::order::Order;
    use crate::import::OrderReader;

    fn text(rows: u32, seed: u64) -> String {
        let mut text = String::new();
        let sample = Sample::new(rows, seed, date(2026, 11, 1));
        let append = |lines: &str| {
            text.push_str(lines);
            Ok(())
        };
        sample.write(append).unwrap();
        text
    }

    fn orders(rows: u32, seed: u64) -> Vec<Order> {
        let mut reader = OrderReader::new("sample", Cursor::new(text(rows, seed).into_bytes())).unwrap();
        std::iter::from_fn(|| reader.read_next().unwrap()).map(Result::unwrap).collect()
    }

    #[test]
    fn a_seed_decides_everything() {
        assert_eq!(text(50, 7), text(50, 7));
        assert_ne!(text(50, 7), text(50, 8));
        assert!(text(50, 7).starts_with(&text(20, 7)), "more rows only add");
    }

    #[test]
    fn the_documented_order_is_always_there() {
        for seed in 0..50 {
            let order = orders(3, seed).remove(2);
            assert_eq!((order.id.as_str(), order.category.as_str()), ("ORD000003", "Beverages"));
            assert_eq!((order.value, order.refund_requested), (Some(Money::from_rupees(599)), Some(true)));
            assert_eq!((order.status.as_deref(), order.phone), (Some("Delivered"), None));
        }
    }

    #[test]
    fn whoever_has_no_phone_number_can_ask_for_everything() {
        let found = orders(20, 99);
        for status in ["Delivered", "Out for delivery", "Packed", "Delayed", "Cancelled"] {
            assert!(found.iter().any(|order| order.status.as_deref() == Some(status)), "{status}");
        }
    }

    #[test]
    fn cells_do_not_contradict_each_other() {
        let mut phones = HashMap::new();
        let orders = orders(5_000, 1);
        assert_eq!(orders.len(), 5_000);
        for (place, order) in orders.into_iter().enumerate() {
            let placed = order.placed_at.unwrap();
            assert!(
                placed < date(2026, 11, 1).at(0, 0, 0, 0) && placed >= date(2026, 8, 3).at(0, 0, 0, 0),
                "{order:?}"
            );
            assert_eq!(order.date.as_deref(), Some(placed.date().to_string().as_str()));
            let delivered = order.status.as_deref() == Some("Delivered");
            assert_eq!(delivered, order.delivery_minutes.is_some(), "{order:?}");
            assert_eq!(delivered, order.rating.is_some(), "{order:?}");
            assert!(delivered || order.feedback.is_empty(), "{order:?}");
            if delivered {
                assert_eq!(order.delayed, order.delivery_minutes.map(|minutes| minutes > 40), "{order:?}");
                assert!(order.refund_requested == Some(false) || order.rating < Some(3), "{order:?}");
            }
            assert!(order.value > Some(Money::ZERO));
            assert_eq!(order.phone.is_none(), place < 20);
            if let Some(phone) = order.phone {
                assert!(phone.starts_with("+91 11 0") && phone.len() == 16, "{phone}");
                assert_eq!(phones.entry(order.customer_id).or_insert_with(|| phone.clone()), &phone);
            }
        }
    }
}

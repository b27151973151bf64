//! Decides how the cells of a row become an order.
//!
//! It must never fill a gap with a guess: an amount or identifier that does not read makes the row bad.

use csv::ByteRecord;

use super::dates;
use super::header::Header;
use super::text::decode;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, column};
use crate::domain::words::excerpt;

/// The longest order identifier, in bytes.
const LONGEST_ID: usize = 64;

/// Why a row is bad.
#[derive(Debug)]
pub(super) struct Bad {
    pub(super) column: Option<&'static str>,
    pub(super) reason: String,
}

/// What a row holds.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) order: Result<Order, Bad>,
    /// Whether some of it was not UTF-8.
    pub(super) recoded: bool,
}

/// The text of a cell in a message.
fn shown(text: &str) -> String {
    format!("“{}”", excerpt(text, 40))
}

fn bad(column: &'static str, reason: String) -> Bad {
    Bad { column: Some(column), reason }
}

/// Reads a row.
pub(super) fn read(header: &Header, record: &ByteRecord) -> Row {
    let surplus = record.iter().skip(header.width).any(|cell| !cell.trim_ascii().is_empty());
    if record.len() < header.width || surplus {
        let reason = format!("the row has {} cells, the header names {} columns", record.len(), header.width);
        return Row { order: Err(Bad { column: None, reason }), recoded: false };
    }
    let mut recoded = false;
    let mut cell = |place: usize| {
        let (text, other) = decode(record.get(place).unwrap_or_default());
        recoded |= other;
        text.trim().to_owned()
    };
    let required = header.required.map(&mut cell);
    let optional = header.optional.map(|place| place.map(&mut cell).filter(|text| !text.is_empty()));
    Row { order: order(required, optional), recoded }
}

fn order(required: [String; 11], optional: [Option<String>; 3]) -> Result<Order, Bad> {
    let [id, customer_id, platform, placed, minutes, category, value, feedback, rating, delay, refund] = required;
    let [phone, date, status] = optional;
    Ok(Order {
        id: order_id(&id)?,
        delivery_minutes: whole(column::DELIVERY_MINUTES, &minutes, "a whole number of minutes", |_| true)?,
        value: value_of(&value)?,
        rating: whole(column::RATING, &rating, "a whole number of stars from 1 to 5", |stars| (1..=5).contains(stars))?
            .and_then(|stars| u8::try_from(stars).ok()),
        delayed: yes_no(column::DELAY, &delay)?,
        refund_requested: yes_no(column::REFUND_REQUESTED, &refund)?,
        placed_at: dates::placed_at(&placed, date.as_deref()),
        customer_id,
        platform,
        placed,
        category,
        feedback,
        phone,
        date,
        status,
    })
}

fn order_id(text: &str) -> Result<OrderId, Bad> {
    if text.is_empty() {
        return Err(bad(column::ORDER_ID, "the cell is empty".to_owned()));
    }
    if text.len() > LONGEST_ID || text.contains(char::is_control) {
        return Err(bad(column::ORDER_ID, format!("{} is no identifier", shown(text))));
    }
    Ok(OrderId::new(text))
}

fn value_of(text: &str) -> Result<Money, Bad> {
    let bad = |reason| bad(column::VALUE, reason);
    if text.is_empty() {
        return Err(bad("the cell is empty".to_owned()));
    }
    // `599,00` would read as 59,900 if every comma were taken for a separator of thousands.
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.rsplit(',');
    let last = groups.next().unwrap_or_default();
    let digits = |group: &str| group.bytes().filter(u8::is_ascii_digit).count();
    if whole.contains(',') && (digits(last) != 3 || !groups.all(|group| (1..=3).contains(&digits(group)))) {
        return Err(bad(format!("{} is not an amount: write decimals with a point", shown(text))));
    }
    match Money::parse(text) {
        Ok(value) if value < Money::ZERO => Err(bad(format!("{} is negative", shown(text)))),
        Ok(value) => Ok(value),
        Err(error) => Err(bad(error.to_string())),
    }
}

/// What tables write for “not known”.
fn is_nothing(text: &str) -> bool {
    ["", "-", "nan", "null", "none", "n/a", "na"].iter().any(|nothing| text.eq_ignore_ascii_case(nothing))
}

fn whole(column: &'static str, text: &str, what: &str, fits: impl Fn(&u32) -> bool) -> Result<Option<u32>, Bad> {
    if is_nothing(text) {
        return Ok(None);
    }
    // Tables that had gaps once write whole numbers as `5.0`.
    let (number, decimals) = text.split_once('.').unwrap_or((text, ""));
    let number = Some(number)
        .filter(|number| !number.starts_with('+') && decimals.bytes().all(|digit| digit == b'0'))
        .and_then(|number| number.parse().ok())
        .filter(fits);
    match number {
        Some(number) => Ok(Some(number)),
        None => Err(bad(column, format!("{} is not {what}", shown(text)))),
    }
}

fn yes_no(column: &'static str, text: &str) -> Result<Option<bool>, Bad> {
    let is = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if is_nothing(text) {
        Ok(None)
    } else if is(&["yes", "y", "true", "t", "1", "1.0"]) {
        Ok(Some(true))
    } else if is(&["no", "n", "false", "f", "0", "0.0"]) {
        Ok(Some(false))
    } else {
        Err(bad(column, format!("{} is neither Yes nor No", shown(text))))
    }
}

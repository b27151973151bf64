//! Reads numbers, times and texts of documents, also those that other programs wrote. An amount that is not exact to
//! the paisa is an error.

use jiff::civil;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Bson, Document};

use super::error::BackendError;
use crate::domain::currency::Currency;
use crate::domain::money::Money;

type Read<T> = Result<T, BackendError>;

/// A time as it is stored: a date, truncated to the millisecond.
pub(super) fn date(at: Timestamp) -> bson::DateTime {
    bson::DateTime::from_millis(at.as_millisecond())
}

/// The earliest date: a filter from it on matches every date, and no other type.
pub(super) fn any_date() -> bson::DateTime {
    bson::DateTime::MIN
}

/// The end of a lease; saturates at the end of the calendar.
pub(super) fn later(now: Timestamp, lease: SignedDuration) -> Timestamp {
    now.saturating_add(lease).unwrap_or(Timestamp::MAX)
}

/// A count as it is stored.
pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn wrong(document: &Document, field: &str, wanted: &str) -> BackendError {
    let found = document.get(field).map_or("nothing".to_owned(), |value| format!("{:?}", value.element_type()));
    BackendError::Content(format!("the field {field} holds {found}, where {wanted} is needed"))
}

/// Whether a field has no value: absent, null, or the NaN that pandas writes for an empty cell.
pub(super) fn is_empty(value: Option<&Bson>) -> bool {
    match value {
        None | Some(Bson::Null | Bson::Undefined) => true,
        Some(Bson::Double(number)) => number.is_nan(),
        _ => false,
    }
}

/// Whether a field holds this text.
pub(super) fn is_text(document: &Document, field: &str, text: &str) -> bool {
    document.get(field).and_then(Bson::as_str) == Some(text)
}

/// Whether a field is true.
pub(super) fn is_true(document: &Document, field: &str) -> bool {
    document.get(field).and_then(Bson::as_bool) == Some(true)
}

/// A case-insensitive pattern that finds `text` anywhere in a field.
pub(super) fn contains_pattern(text: &str) -> Bson {
    let mut pattern = String::new();
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    Bson::Document(mongodb::bson::doc! {"$regex": pattern, "$options": "i"})
}

/// A text; a number is read as its decimal text.
pub(super) fn text(document: &Document, field: &str) -> Read<String> {
    optional_text(document, field)?.ok_or_else(|| wrong(document, field, "a text"))
}

/// A text, or `None` where there is nothing.
pub(super) fn optional_text(document: &Document, field: &str) -> Read<Option<String>> {
    let value = document.get(field);
    if is_empty(value) {
        return Ok(None);
    }
    Ok(Some(match value {
        Some(Bson::String(text)) => text.clone(),
        Some(Bson::Int32(number)) => number.to_string(),
        Some(Bson::Int64(number)) => number.to_string(),
        Some(Bson::Double(number)) => number.to_string(),
        Some(Bson::Boolean(flag)) => flag.to_string(),
        Some(Bson::Decimal128(number)) => number.to_string(),
        Some(Bson::ObjectId(id)) => id.to_hex(),
        Some(Bson::DateTime(at)) => local(*at).map_or_else(|| at.to_string(), |at| at.to_string()),
        _ => return Err(wrong(document, field, "a text")),
    }))
}

/// A whole number.
pub(super) fn whole(document: &Document, field: &str) -> Read<i64> {
    optional_whole(document, field)?.ok_or_else(|| wrong(document, field, "a whole number"))
}

/// A whole number, or `None` where there is nothing. Pandas makes floats of columns with empty cells.
pub(super) fn optional_whole(document: &Document, field: &str) -> Read<Option<i64>> {
    let value = document.get(field);
    if is_empty(value) {
        return Ok(None);
    }
    let number = match value {
        Some(Bson::Int32(number)) => Some(i64::from(*number)),
        Some(Bson::Int64(number)) => Some(*number),
        #[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53")]
        Some(Bson::Double(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        Some(Bson::String(text)) if text.trim().is_empty() => return Ok(None),
        Some(Bson::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or_else(|| wrong(document, field, "a whole number"))
}

/// A count.
pub(super) fn count(document: &Document, field: &str) -> Read<u64> {
    u64::try_from(whole(document, field)?).map_err(|_| wrong(document, field, "a count"))
}

/// A number that fits a smaller type, or `None` where there is nothing.
pub(super) fn optional_small<T: TryFrom<i64>>(document: &Document, field: &str) -> Read<Option<T>> {
    let number = optional_whole(document, field)?;
    number.map(|number| T::try_from(number).map_err(|_| wrong(document, field, "a number in range"))).transpose()
}

/// An amount in whole minor units.
pub(super) fn minor_units(document: &Document, field: &str) -> Read<Money> {
    Ok(Money::from_minor_units(whole(document, field)?))
}

/// The currency of a quote or refund: rupees where it names none, as before there was a choice.
pub(super) fn currency(document: &Document, field: &str) -> Read<Currency> {
    match document.get(field) {
        value if is_empty(value) => Ok(Currency::INR),
        Some(Bson::String(code)) => Currency::new(code).ok_or_else(|| wrong(document, field, "a currency")),
        _ => Err(wrong(document, field, "a currency")),
    }
}

/// An amount in units of its currency, as other programs write it.
pub(super) fn amount(document: &Document, field: &str, currency: Currency) -> Read<Money> {
    let value = document.get(field);
    let shown = match value {
        Some(Bson::Int32(number)) => number.to_string(),
        Some(Bson::Int64(number)) => number.to_string(),
        Some(Bson::Double(number)) if number.is_finite() => number.to_string(),
        Some(Bson::Decimal128(number)) => number.to_string(),
        Some(Bson::String(text)) => text.clone(),
        _ => return Err(wrong(document, field, "an amount")),
    };
    match Money::parse(&shown, currency) {
        Ok(amount) if amount >= Money::ZERO => Ok(amount),
        Ok(_) => Err(BackendError::Content(format!("the field {field} holds {shown}, which is below zero"))),
        Err(error) => Err(BackendError::Content(format!("the field {field} holds no amount: {error}"))),
    }
}

/// An amount in units of its currency as the original stores it: a whole number, else a double that is exact to the minor unit.
pub(super) fn to_amount(amount: Money, currency: Currency) -> Bson {
    // Above this a double is no longer exact to the minor unit.
    const EXACT: i64 = 1 << 52;
    let one = 10_i64.pow(currency.minor_units());
    if amount.minor_units() % one == 0 {
        return Bson::Int64(amount.minor_units() / one);
    }
    if amount.minor_units().abs() >= EXACT {
        let sign = if amount.minor_units() < 0 { "-" } else { "" };
        let (units, one) = (amount.minor_units().unsigned_abs(), one.unsigned_abs());
        let width = currency.minor_units() as usize;
        return Bson::String(format!("{sign}{}.{:0width$}", units / one, units % one));
    }
    // The shortest decimal text of this double has at most the currency's decimals.
    Bson::Double(amount.in_units(currency))
}

/// `Yes`, `No`, or nothing.
pub(super) fn yes_no(document: &Document, field: &str) -> Read<Option<bool>> {
    let value = document.get(field);
    if is_empty(value) {
        return Ok(None);
    }
    match value {
        Some(Bson::Boolean(flag)) => Ok(Some(*flag)),
        Some(Bson::Int32(0) | Bson::Int64(0) | Bson::Double(0.0)) => Ok(Some(false)),
        Some(Bson::Int32(1) | Bson::Int64(1) | Bson::Double(1.0)) => Ok(Some(true)),
        Some(Bson::String(text)) => match text.trim().to_lowercase().as_str() {
            "yes" | "true" | "y" | "1" => Ok(Some(true)),
            "no" | "false" | "n" | "0" => Ok(Some(false)),
            "" => Ok(None),
            _ => Err(wrong(document, field, "Yes or No")),
        },
        _ => Err(wrong(document, field, "Yes or No")),
    }
}

pub(super) fn from_yes_no(flag: Option<bool>) -> Bson {
    flag.map_or(Bson::Null, |flag| Bson::String(if flag { "Yes" } else { "No" }.to_owned()))
}

/// The local time of a date that a program without time zones wrote.
pub(super) fn local(at: bson::DateTime) -> Option<civil::DateTime> {
    let at = Timestamp::from_millisecond(at.timestamp_millis()).ok()?;
    Some(at.to_zoned(jiff::tz::TimeZone::UTC).datetime())
}

/// A time, however it was written: a date, seconds (or milliseconds) since 1970 as any number, ISO text with or without
/// a zone (then UTC).
pub(super) fn time(document: &Document, field: &str) -> Read<Timestamp> {
    optional_time(document, field)?.ok_or_else(|| wrong(document, field, "a time"))
}

/// As [`time`], or `None` where there is nothing.
pub(super) fn optional_time(document: &Document, field: &str) -> Read<Option<Timestamp>> {
    let value = document.get(field);
    if is_empty(value) {
        return Ok(None);
    }
    let found = match value {
        Some(Bson::DateTime(at)) => Timestamp::from_millisecond(at.timestamp_millis()).ok(),
        Some(Bson::Timestamp(at)) => Timestamp::from_second(i64::from(at.time)).ok(),
        Some(Bson::Int32(seconds)) => Timestamp::from_second(i64::from(*seconds)).ok(),
        #[expect(clippy::cast_precision_loss, reason = "exact for every time before the year 285 000")]
        Some(Bson::Int64(number)) => from_epoch(*number as f64),
        Some(Bson::Double(number)) => from_epoch(*number),
        Some(Bson::String(text)) => parse_time(text.trim()),
        _ => None,
    };
    found.map(Some).ok_or_else(|| wrong(document, field, "a time"))
}

fn from_epoch(number: f64) -> Option<Timestamp> {
    // In seconds this is the year 5138: larger numbers are milliseconds.
    let seconds = if number.abs() >= 1e11 { number / 1_000.0 } else { number };
    if !seconds.is_finite() || seconds.abs() > 9e10 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "a whole number of at most 9e16")]
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

fn parse_time(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<Timestamp>().ok();
    let plain = || text.parse::<civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    zoned.or_else(|| Some(plain()?.timestamp())).or_else(|| from_epoch(text.parse().ok()?))
}

/// Seconds since 1970, as the original stores the times of alerts.
#[expect(clippy::cast_precision_loss, reason = "microseconds are exact up to the year 2255")]
pub(super) fn epoch(at: Timestamp) -> f64 {
    at.as_microsecond() as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_are_read_however_they_were_written() {
        let at: Timestamp = "2025-06-01T10:20:30.5Z".parse().unwrap();
        for value in [
            Bson::DateTime(date(at)),
            Bson::Double(1_748_773_230.5),
            Bson::Int64(1_748_773_230_500),
            Bson::String("2025-06-01T10:20:30.500000".to_owned()),
            Bson::String("2025-06-01 15:50:30.5+05:30".to_owned()),
            Bson::String("1748773230.5".to_owned()),
        ] {
            assert_eq!(time(&doc! {"t": value.clone()}, "t").unwrap(), at, "{value:?}");
        }
        let whole = Timestamp::from_second(1_748_773_230).unwrap();
        assert_eq!(time(&doc! {"t": 1_748_773_230_i32}, "t").unwrap(), whole);
        assert_eq!(time(&doc! {"t": 1_748_773_230_i64}, "t").unwrap(), whole);
        assert_eq!(optional_time(&doc! {"t": f64::NAN}, "t").unwrap(), None);
        assert!(time(&doc! {"t": "yesterday"}, "t").is_err() && time(&doc! {}, "t").is_err());
    }

    #[test]
    fn amounts_are_exact_or_an_error() {
        for (value, paise) in [
            (Bson::Int32(599), 59_900),
            (Bson::Int64(599), 59_900),
            (Bson::Double(599.0), 59_900),
            (Bson::Double(28.45), 2_845),
            (Bson::String("1,299.50".to_owned()), 129_950),
        ] {
            assert_eq!(
                amount(&doc! {"v": value.clone()}, "v", Currency::INR).unwrap().minor_units(),
                paise,
                "{value:?}"
            );
        }
        for value in
            [Bson::Double(5.999), Bson::Double(f64::NAN), Bson::Double(f64::INFINITY), Bson::Int32(-1), Bson::Null]
        {
            assert!(amount(&doc! {"v": value.clone()}, "v", Currency::INR).is_err(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_comes_back(units in 0..=9_007_199_254_740_991_i64, code in 0..4_usize) {
            let currency = Currency::new(["INR", "JPY", "KWD", "CLF"][code]).unwrap();
            let money = Money::from_minor_units(units);
            prop_assert_eq!(amount(&doc! {"v": to_amount(money, currency)}, "v", currency).unwrap(), money);
        }

        #[test]
        fn no_value_makes_it_panic(number in any::<f64>(), whole in any::<i64>(), text in ".*") {
            for value in [Bson::Double(number), Bson::Int64(whole), Bson::String(text)] {
                let document = doc! {"v": value};
                let _ = (time(&document, "v"), amount(&document, "v", Currency::INR), yes_no(&document, "v"));
                let _ = (optional_whole(&document, "v"), optional_text(&document, "v"));
            }
        }
    }
}

//! Decides how numbers, times and texts of documents are read, also those that other programs wrote.
//!
//! It must never guess an amount: what is not exact to the paisa is damage.

use jiff::Timestamp;
use jiff::civil;
use mongodb::bson::{self, Bson, Document};

use super::fault::Fault;
use crate::domain::money::Money;

type Read<T> = Result<T, Fault>;

/// A time as it is kept: a date, cut to the millisecond.
pub(super) fn date(at: Timestamp) -> bson::DateTime {
    bson::DateTime::from_millis(at.as_millisecond())
}

/// The earliest date: every date is one from then on.
pub(super) fn any_date() -> bson::DateTime {
    bson::DateTime::MIN
}

pub(super) fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn wrong(document: &Document, field: &str, wanted: &str) -> Fault {
    let found = document.get(field).map_or("nothing".to_owned(), |value| format!("{:?}", value.element_type()));
    Fault::Content(format!("the field {field} holds {found}, where {wanted} is needed"))
}

/// Whether a field holds nothing: absent, null, or the NaN that pandas writes for an empty cell.
pub(super) fn is_empty(value: Option<&Bson>) -> bool {
    match value {
        None | Some(Bson::Null | Bson::Undefined) => true,
        Some(Bson::Double(number)) => number.is_nan(),
        _ => false,
    }
}

/// Whether a field holds this text.
pub(super) fn says(document: &Document, field: &str, text: &str) -> bool {
    document.get(field).and_then(Bson::as_str) == Some(text)
}

/// Whether a field is true.
pub(super) fn holds(document: &Document, field: &str) -> bool {
    document.get(field).and_then(Bson::as_bool) == Some(true)
}

/// Finds `text` as a part of a field, whatever the case.
pub(super) fn part(text: &str) -> Bson {
    let mut pattern = String::new();
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    Bson::Document(mongodb::bson::doc! {"$regex": pattern, "$options": "i"})
}

/// A text; a number is read as what it looks like.
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
        #[allow(clippy::cast_possible_truncation)]
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

/// An amount in whole paise.
pub(super) fn paise(document: &Document, field: &str) -> Read<Money> {
    Ok(Money::from_paise(whole(document, field)?))
}

/// An amount in rupees, as other programs write it.
pub(super) fn rupees(document: &Document, field: &str) -> Read<Money> {
    let value = document.get(field);
    let shown = match value {
        Some(Bson::Int32(number)) => number.to_string(),
        Some(Bson::Int64(number)) => number.to_string(),
        Some(Bson::Double(number)) if number.is_finite() => number.to_string(),
        Some(Bson::Decimal128(number)) => number.to_string(),
        Some(Bson::String(text)) => text.clone(),
        _ => return Err(wrong(document, field, "an amount")),
    };
    match Money::parse(&shown) {
        Ok(amount) if amount >= Money::ZERO => Ok(amount),
        Ok(amount) => Err(Fault::Content(format!("the field {field} holds {amount}, which is below zero"))),
        Err(error) => Err(Fault::Content(format!("the field {field} holds no amount: {error}"))),
    }
}

/// An amount in rupees as the original keeps it: a whole number, else a double that is exact to the paisa.
pub(super) fn to_rupees(amount: Money) -> Bson {
    if amount.paise() % 100 == 0 {
        return Bson::Int64(amount.paise() / 100);
    }
    // Above this a double is no longer exact to the paisa.
    const EXACT: i64 = 1 << 52;
    if amount.paise().abs() >= EXACT {
        let sign = if amount.paise() < 0 { "-" } else { "" };
        let paise = amount.paise().unsigned_abs();
        return Bson::String(format!("{sign}{}.{:02}", paise / 100, paise % 100));
    }
    // The shortest decimal text of this double has at most two decimals.
    #[allow(clippy::cast_precision_loss)]
    Bson::Double(amount.paise() as f64 / 100.0)
}

/// `Yes`, `No`, or nothing.
pub(super) fn yes_no(document: &Document, field: &str) -> Read<Option<bool>> {
    let value = document.get(field);
    if is_empty(value) {
        return Ok(None);
    }
    match value {
        Some(Bson::Boolean(flag)) => Ok(Some(*flag)),
        Some(Bson::Int32(0) | Bson::Int64(0)) => Ok(Some(false)),
        Some(Bson::Int32(1) | Bson::Int64(1)) => Ok(Some(true)),
        Some(Bson::Double(number)) if *number == 0.0 || *number == 1.0 => Ok(Some(*number == 1.0)),
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

/// The wall clock of a date that a program without time zones wrote.
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
        #[allow(clippy::cast_precision_loss)]
        Some(Bson::Int64(number)) => since_1970(*number as f64),
        Some(Bson::Double(number)) => since_1970(*number),
        Some(Bson::String(text)) => written(text.trim()),
        _ => None,
    };
    found.map(Some).ok_or_else(|| wrong(document, field, "a time"))
}

fn since_1970(number: f64) -> Option<Timestamp> {
    // No shop has messages of the year 5138: larger numbers are milliseconds.
    let seconds = if number.abs() >= 1e11 { number / 1_000.0 } else { number };
    if !seconds.is_finite() || seconds.abs() > 9e10 {
        return None;
    }
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_microsecond((seconds * 1e6).round() as i64).ok()
}

fn written(text: &str) -> Option<Timestamp> {
    let zoned = text.parse::<Timestamp>().ok();
    let plain = || text.parse::<civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    zoned.or_else(|| Some(plain()?.timestamp())).or_else(|| since_1970(text.parse().ok()?))
}

/// Seconds since 1970, as the original keeps the times of alerts.
#[allow(clippy::cast_precision_loss)]
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
    fn amounts_are_exact_or_damage() {
        for (value, paise) in [
            (Bson::Int32(599), 59_900),
            (Bson::Int64(599), 59_900),
            (Bson::Double(599.0), 59_900),
            (Bson::Double(28.45), 2_845),
            (Bson::String("1,299.50".to_owned()), 129_950),
        ] {
            assert_eq!(rupees(&doc! {"v": value.clone()}, "v").unwrap().paise(), paise, "{value:?}");
        }
        for value in
            [Bson::Double(5.999), Bson::Double(f64::NAN), Bson::Double(f64::INFINITY), Bson::Int32(-1), Bson::Null]
        {
            assert!(rupees(&doc! {"v": value.clone()}, "v").is_err(), "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_in_rupees_comes_back(paise in 0..=9_007_199_254_740_991_i64) {
            let amount = Money::from_paise(paise);
            prop_assert_eq!(rupees(&doc! {"v": to_rupees(amount)}, "v").unwrap(), amount);
        }

        #[test]
        fn no_value_makes_it_panic(number in any::<f64>(), whole in any::<i64>(), text in ".*") {
            for value in [Bson::Double(number), Bson::Int64(whole), Bson::String(text)] {
                let document = doc! {"v": value};
                let _ = (time(&document, "v"), rupees(&document, "v"), yes_no(&document, "v"));
                let _ = (optional_whole(&document, "v"), optional_text(&document, "v"));
            }
        }
    }
}

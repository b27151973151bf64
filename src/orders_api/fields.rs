//! Reads the values of orders from JSON, which shops write in many types: numbers as texts, texts as numbers, nulls.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::Value;

use super::Refusal;
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::{Money, MoneyError};
use crate::domain::order::{Order, column};
use crate::domain::phone::{self, Country};
use crate::domain::words::excerpt;

/// The longest order identifier, in bytes.
const LONGEST_ID: usize = 64;
/// The longest text of an order, in characters; what is longer is cut.
const LONGEST_TEXT: usize = 2_000;
/// How far ahead of this machine's clock a version may be. What is further is of now: one wrong clock would otherwise keep an
/// order from ever changing again.
const CLOCK_ERROR: SignedDuration = SignedDuration::from_mins(5);

/// What the values of the shop's orders are read by.
#[derive(Debug, Clone)]
pub struct ShopContext {
    /// The zone of times without one, and the one that times of orders are kept in.
    pub zone: TimeZone,
    /// The country of telephone numbers without one.
    pub country: Country,
    /// The currency of orders that name none.
    pub currency: Currency,
}

/// A text, a number or a flag, as text without spaces around it; `None` where there is none.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then(|| excerpt(&text, LONGEST_TEXT))
}

/// A text for a message.
pub(super) fn quoted(value: &Value) -> String {
    let text = text(value).unwrap_or_else(|| match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        _ => String::new(),
    });
    format!("“{}”", excerpt(&text, 40).escape_debug())
}

/// The identifier of an order.
pub(super) fn order_id(value: &Value) -> Result<OrderId, Refusal> {
    let wrong = |reason: String| Refusal::new(column::ORDER_ID, reason);
    if value.is_f64() || value.is_boolean() {
        return Err(wrong(format!("{} is no identifier: send it as text", quoted(value))));
    }
    match text(value) {
        None => Err(wrong("there is none".to_owned())),
        Some(text) if text.len() > LONGEST_ID || text.contains(char::is_control) => {
            Err(wrong(format!("{} is no identifier", quoted(value))))
        }
        Some(text) => Ok(OrderId::new(&text)),
    }
}

/// An amount that is not negative; `None` where there is none, and where nobody knows of what currency it is.
pub(super) fn amount(field: &'static str, value: &Value, currency: Option<Currency>) -> Result<Option<Money>, Refusal> {
    let Some(currency) = currency else { return Ok(None) };
    let Some(text) = text(value) else {
        return match value {
            Value::Array(_) | Value::Object(_) => Err(Refusal::new(field, format!("{} is no amount", quoted(value)))),
            _ => Ok(None),
        };
    };
    // A sign of another currency makes it no amount of the order's.
    let amount = Money::parse(&text, currency).map_err(|error| {
        let reason = match error {
            MoneyError::NotANumber(_) => {
                format!("{error} in {currency}: write it as 599.00, with a point before decimals")
            }
            error => error.to_string(),
        };
        Refusal::new(field, reason)
    })?;
    if amount < Money::ZERO {
        return Err(Refusal::new(field, format!("{} is negative", quoted(value))));
    }
    Ok(Some(amount))
}

/// As [`amount`], of a text that somebody's program wrote, whose marks may be those of any country: one that is followed by three
/// digits, as in `1.250` euros or `1,250` dinars, may part thousands or decimals.
pub(super) fn certain_amount(field: &'static str, value: &Value, currency: Currency) -> Result<Option<Money>, Refusal> {
    if let Some(text) = value.as_str() {
        let mark = if currency.minor_units() < 3 { '.' } else { ',' };
        let number = text.trim().trim_start_matches(|c: char| !c.is_ascii_digit());
        let either = number.split_once(mark).is_some_and(|(whole, rest)| {
            (1..=3).contains(&whole.len())
                && !whole.starts_with('0')
                && rest.len() == 3
                && [whole, rest].iter().all(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()))
        });
        if either {
            let reason = format!(
                "{} can be {} or {}: write it without a separator of thousands",
                quoted(value),
                number.replace(mark, ""),
                number.replace(mark, ".")
            );
            return Err(Refusal::new(field, reason));
        }
    }
    amount(field, value, Some(currency))
}

/// The currency of an order's amounts: the one that it names, or else the shop's.
pub(super) fn currency(value: &Value, shop: &ShopContext) -> Result<Currency, Refusal> {
    let Some(code) = text(value) else { return Ok(shop.currency) };
    let wrong = || Refusal::new(column::CURRENCY, format!("{} is no code of three letters such as INR", quoted(value)));
    Currency::new(&code).ok_or_else(wrong)
}

/// A moment: ISO 8601 with its offset from UTC, without one in `zone`, or seconds (ten digits) or milliseconds (thirteen) since
/// 1970. Other digits may be a date that is written without marks, such as `20261120`, or a spreadsheet's count of days.
pub(super) fn instant(field: &'static str, value: &Value, zone: &TimeZone) -> Result<Option<Timestamp>, Refusal> {
    let Some(text) = text(value) else { return Ok(None) };
    let wrong = || Refusal::new(field, format!("{} is no time such as 2026-11-20T18:05:00+05:30", quoted(value)));
    if let Ok(number) = text.parse::<i64>() {
        let found = match number {
            1_000_000_000..10_000_000_000 => Timestamp::from_second(number).ok(),
            1_000_000_000_000..10_000_000_000_000 => Timestamp::from_millisecond(number).ok(),
            _ => None,
        };
        return found.map(Some).ok_or_else(wrong);
    }
    if let Ok(at) = spaced(&text).parse::<Timestamp>() {
        return Ok(Some(at));
    }
    let local: DateTime = spaced(&text).parse().map_err(|_| wrong())?;
    zone.to_timestamp(local).map(Some).map_err(|_| wrong())
}

/// `2026-11-20 18:05:00 +0530` without the space before the offset.
fn spaced(text: &str) -> String {
    match text.rsplit_once(' ') {
        Some((before, offset)) if offset.starts_with(['+', '-']) || offset.eq_ignore_ascii_case("utc") => {
            let offset = if offset.eq_ignore_ascii_case("utc") { "Z" } else { offset };
            format!("{before}{offset}")
        }
        _ => text.to_owned(),
    }
}

/// The local time of the shop at a moment.
pub(super) fn local(at: Timestamp, zone: &TimeZone) -> DateTime {
    at.to_zoned(zone.clone()).datetime()
}

/// Whether an order can have been placed at this local time: not before there were shops on the web, and not after tomorrow.
pub(super) fn is_plausible(placed: DateTime, now: Timestamp, zone: &TimeZone) -> bool {
    (1990..).contains(&placed.year()) && placed <= local(now, zone).saturating_add(1.day())
}

/// The time of a version: when the shop changed the order, or when it came where that is not said or cannot be.
pub(super) fn version(changed: Option<Timestamp>, now: Timestamp) -> Timestamp {
    changed.filter(|changed| changed.duration_since(now) <= CLOCK_ERROR).unwrap_or(now)
}

/// Takes the customer's telephone numbers, each once; the first is the order's own. What is no number is left out and told.
pub(super) fn set_phones(order: &mut Order, found: &[&Value], country: Country) -> Vec<Refusal> {
    let mut known: Vec<String> = Vec::new();
    let mut refused = Vec::new();
    for value in found {
        let Some(text) = text(value) else { continue };
        match phone::read(&text, country) {
            Ok(number) if known.contains(&number) => {}
            Ok(number) => {
                known.push(number);
                if order.phone.is_none() {
                    order.phone = Some(text);
                } else {
                    order.details.other_phones.push(text);
                }
            }
            // The reason may not repeat the number: it can end in a log of whoever sent it.
            Err(error) => refused.push(Refusal::new(column::PHONE, error.to_string())),
        }
    }
    refused
}

/// An address of the web; anything else is `None`: customers are shown it as a link.
pub(super) fn web_address(value: &Value) -> Option<String> {
    text(value).filter(|address| {
        let rest = address.strip_prefix("https://").or_else(|| address.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    })
}

/// The parts of an address as one text.
pub(super) fn joined(parts: &[&Value]) -> Option<String> {
    let parts: Vec<String> = parts.iter().filter_map(|part| text(part)).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    pub(in super::super) fn context() -> ShopContext {
        ShopContext {
            zone: TimeZone::get("Asia/Kolkata").unwrap(),
            country: Country::parse("IN").unwrap(),
            currency: Currency::INR,
        }
    }

    pub(in super::super) fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn times_of_all_kinds_are_read() {
        let zone = context().zone;
        let expected = at("2026-11-20T12:35:00Z");
        for value in [
            json!("2026-11-20T18:05:00+05:30"),
            json!("2026-11-20 18:05:00 +0530"),
            json!("2026-11-20T12:35:00Z"),
            json!("2026-11-20 12:35:00 UTC"),
            json!("2026-11-20T18:05:00"),
            json!("2026-11-20 18:05"),
            json!(expected.as_second()),
            json!(expected.as_millisecond()),
            json!(expected.as_second().to_string()),
        ] {
            assert_eq!(instant(column::UPDATED_AT, &value, &zone), Ok(Some(expected)), "{value}");
        }
        assert_eq!(local(expected, &zone).to_string(), "2026-11-20T18:05:00");
        for value in [
            json!("0000-00-00 00:00:00"),
            json!("tomorrow"),
            json!("20/11/2026"),
            json!(9e18),
            json!(i64::MIN),
            json!(i64::MAX),
            json!("20261120"),
            json!(20_261_120),
            json!("20261120180511"),
            json!(202_611_201_805_i64),
            json!(46_346),
            json!(-1_795_176_311_i64),
        ] {
            assert_eq!(instant(column::UPDATED_AT, &value, &zone).unwrap_err().field, column::UPDATED_AT, "{value}");
        }
        for value in [json!(null), json!(""), json!("  ")] {
            assert_eq!(instant(column::UPDATED_AT, &value, &zone), Ok(None), "{value}");
        }
    }

    #[test]
    fn a_version_of_the_future_is_of_now() {
        let now = at("2026-11-20T12:00:00Z");
        for (said, expected) in [
            (Some("2026-11-19T12:00:00Z"), "2026-11-19T12:00:00Z"),
            (Some("2026-11-20T12:04:59Z"), "2026-11-20T12:04:59Z"),
            (Some("3026-11-20T12:00:00Z"), "2026-11-20T12:00:00Z"),
            (None, "2026-11-20T12:00:00Z"),
        ] {
            assert_eq!(version(said.map(at), now), at(expected), "{said:?}");
        }
    }

    #[test]
    fn numbers_count_once_and_what_is_none_is_left_out() {
        let mut order = Order::new(OrderId::new("1"));
        let found =
            [json!(null), json!("call me"), json!("09876500001"), json!("+91 98765 00001"), json!("+44 20 7946 0958")];
        let refused = set_phones(&mut order, &found.iter().collect::<Vec<_>>(), context().country);
        assert_eq!(order.phone.as_deref(), Some("09876500001"));
        assert_eq!(order.details.other_phones, ["+44 20 7946 0958"]);
        assert_eq!(refused.len(), 1);
    }

    #[test]
    fn amounts_are_of_their_currency() {
        let read = |value: Value, code: &str| {
            amount(column::VALUE, &value, Currency::new(code)).map(|amount| amount.map(Money::minor_units))
        };
        for (value, code, units) in [
            (json!("599.00"), "INR", 59_900),
            (json!("₹1,299.5"), "INR", 129_950),
            (json!("5000"), "JPY", 5_000),
            (json!(5000.0), "JPY", 5_000),
            (json!("1.234"), "KWD", 1_234),
            (json!(0.1), "EUR", 10),
        ] {
            assert_eq!(read(value.clone(), code), Ok(Some(units)), "{value} {code}");
        }
        assert!(read(json!("5000.50"), "JPY").is_err() && read(json!("1.234"), "INR").is_err());
        for (value, code) in [
            (json!("599,00"), "EUR"),
            (json!("12,50"), "EUR"),
            (json!("1,5"), "INR"),
            (json!("1,2,3"), "INR"),
            (json!("€599"), "INR"),
            (json!("$599"), "INR"),
            (json!("₹599"), "EUR"),
        ] {
            let why = read(value.clone(), code).unwrap_err();
            assert!(why.reason.contains("is not an amount in"), "{value} {code}: {}", why.reason);
        }
        for (text, code, there) in [
            ("1.250", "EUR", false),
            ("₹1.250", "INR", false),
            ("1,250", "EUR", true),
            ("1,250", "KWD", false),
            ("1.250", "KWD", true),
            ("0.500", "EUR", true),
            ("1250.000", "EUR", true),
        ] {
            let read = certain_amount(column::VALUE, &json!(text), Currency::new(code).unwrap());
            assert_eq!(read.is_ok(), there, "{text} {code}");
        }
        assert!(order_id(&json!(true)).is_err());
        assert_eq!(read(json!("5"), "???"), Ok(None), "nobody knows what it is worth");
    }

    #[test]
    fn links_are_of_the_web() {
        for (value, there) in [
            ("https://a.example/t?x=1", true),
            ("http://a.example", true),
            ("javascript:alert(1)", false),
            ("https://", false),
            ("https://a b", false),
        ] {
            assert_eq!(web_address(&json!(value)).is_some(), there, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_reader_panic(text in "\\PC*") {
            let value = Value::from(text);
            let _ = (order_id(&value), amount(column::TAX, &value, Some(Currency::INR)), instant(column::UPDATED_AT, &value, &context().zone), currency(&value, &context()));
        }
    }
}

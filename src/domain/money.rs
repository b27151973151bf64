//! Amounts of money: parsing and arithmetic. Amounts are whole minor units of a currency and never pass through floating-point
//! numbers. What a number is worth, and how it is written, depends on its currency: see [`Amount`](super::currency::Amount).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::currency::Currency;

/// An amount in whole minor units of some currency: hundredths of a rupee, thousandths of a Kuwaiti dinar, whole yen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// There are no digits, or other characters than digits.
    #[error("“{0}” is not an amount")]
    NotANumber(String),
    /// More decimals than the currency has: the amount would not be exact.
    #[error("“{text}” has {}", too_many(*.currency))]
    TooPrecise {
        /// The text.
        text: String,
        /// The currency.
        currency: Currency,
    },
    /// Over nine quadrillion minor units.
    #[error("“{0}” is too large")]
    TooLarge(String),
}

fn too_many(currency: Currency) -> String {
    let words = ["no", "one", "two", "three", "four"];
    match currency.minor_units() {
        0 => format!("decimals, and {currency} has none"),
        digits => format!("more than {} decimals", words.get(digits as usize).unwrap_or(&"so many")),
    }
}

impl MoneyError {
    /// The same of the text that it was found in.
    fn about(self, text: &str) -> Self {
        let shown = text.chars().take(40).collect();
        match self {
            Self::NotANumber(_) => Self::NotANumber(shown),
            Self::TooLarge(_) => Self::TooLarge(shown),
            Self::TooPrecise { currency, .. } => Self::TooPrecise { text: shown, currency },
        }
    }
}

/// The largest amount that is accepted, in minor units (2^53 - 1): exact also in JSON readers that use doubles, where it is a
/// number of minor units. As a number with decimals it is exact up to half of that.
const LARGEST: i64 = 9_007_199_254_740_991;

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of whole rupees.
    pub const fn from_rupees(rupees: i64) -> Self {
        Self(rupees * 100)
    }

    /// An amount of whole minor units of its currency.
    pub const fn from_minor_units(units: i64) -> Self {
        Self(units)
    }

    /// The amount in minor units of its currency.
    pub const fn minor_units(self) -> i64 {
        self.0
    }

    /// An amount of so many whole units and decimals of a currency, such as `1234` and `5` for 1234.5: ASCII digits only, and no
    /// marks. Zeros at the end of the decimals do not count.
    ///
    /// # Errors
    /// When there are no digits, more decimals than the currency has, or too many digits.
    pub fn from_decimal(whole: &str, decimals: &str, currency: Currency) -> Result<Self, MoneyError> {
        Decimal::from_digits(false, whole, decimals)?.to_money(currency)
    }

    /// Parses an amount of a currency such as `599`, `599.5`, `1,299.00`, `₹ 599`, `Rs. 599` or `KWD 1.250`: a `.` before
    /// decimals, `,` between groups.
    ///
    /// # Errors
    /// When the text is not an amount of this currency, has more decimals than it, or is out of range.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let text = text.trim();
        let at = text.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(text.len());
        let (sign, number) = text.split_at(at);
        let sign = sign.trim();
        if !sign.is_empty() && !Currency::from_symbol(sign).contains(&currency) {
            return Err(MoneyError::NotANumber(text.chars().take(40).collect()));
        }
        Decimal::parse(number).and_then(|number| number.to_money(currency)).map_err(|error| error.about(text))
    }

    /// Parses an amount of a currency that is a JSON number or string.
    ///
    /// The number's shortest decimal text is read, so `28.45` is exactly 2,845 paise.
    ///
    /// # Errors
    /// As [`Money::parse`].
    pub fn from_json(value: &serde_json::Value, currency: Currency) -> Result<Self, MoneyError> {
        match value {
            serde_json::Value::String(text) => Self::parse(text, currency),
            serde_json::Value::Number(number) => Self::parse(&number.to_string(), currency),
            other => Err(MoneyError::NotANumber(other.to_string())),
        }
    }

    /// The amount in units of its currency as a JSON number: whole where it is whole (`599`), else with its decimals (`28.45`).
    pub fn to_json(self, currency: Currency) -> serde_json::Value {
        let one = 10_i64.pow(currency.minor_units());
        if self.0 % one == 0 {
            return serde_json::Value::from(self.0 / one);
        }
        serde_json::Value::from(self.in_units(currency))
    }

    /// The amount in units of its currency, for charts and JSON: below 2^52 minor units the double whose shortest decimal text is
    /// the exact amount.
    #[expect(clippy::cast_precision_loss, reason = "amounts stay below 2^53 minor units, see `LARGEST`")]
    pub fn in_units(self, currency: Currency) -> f64 {
        self.0 as f64 / 10_f64.powi(currency.minor_units().cast_signed())
    }

    /// The share `percent` of this amount, rounded half up to whole minor units.
    #[must_use]
    pub fn share(self, percent: Percent) -> Self {
        let product = i128::from(self.0) * i128::from(percent.0);
        let rounded = (product * 2 + 10_000).div_euclid(20_000);
        Self(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// The difference, never below zero.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

/// A decimal number of no certain currency yet: exact, at most 18 digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i64,
    /// How many of its digits are decimals.
    scale: u32,
}

impl Decimal {
    /// Parses a number such as `599`, `-599.5` or `1,299.00`: a `.` before decimals, `,` between groups of digits as they are
    /// written in the West (`1,234,567`) or in India (`12,34,567`). A comma anywhere else, as in `599,00`, may stand before
    /// decimals: it makes the text no number.
    ///
    /// # Errors
    /// When the text is no number, or a number of too many digits.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let trimmed = text.trim();
        let (negative, digits) = trimmed.strip_prefix('-').map_or((false, trimmed), |digits| (true, digits));
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let groups: Vec<&str> = whole.split(',').collect();
        if groups.len() > 1 && !are_groups(&groups) {
            return Err(MoneyError::NotANumber(trimmed.to_owned()).about(trimmed));
        }
        Self::from_digits(negative, &groups.concat(), decimals).map_err(|error| error.about(trimmed))
    }

    /// Parses a number that is a JSON number or string; a sign or word of a currency may stand before it.
    ///
    /// # Errors
    /// As [`Decimal::parse`].
    pub fn from_json(value: &serde_json::Value) -> Result<Self, MoneyError> {
        match value {
            serde_json::Value::String(text) => {
                let text = text.trim();
                let at = text.find(|c: char| c.is_ascii_digit() || c == '-').unwrap_or(text.len());
                let sign = text[..at].trim();
                let known = sign.is_empty() || !Currency::from_symbol(sign).is_empty();
                Self::parse(if known { &text[at..] } else { text })
            }
            serde_json::Value::Number(number) => Self::parse(&number.to_string()),
            other => Err(MoneyError::NotANumber(other.to_string())),
        }
    }

    /// Reads a number as people write it. A `.` or `,` is the decimal mark where it follows the other one, where it is this
    /// `mark`, or where not three digits follow; else it parts groups of digits, as `'` and spaces do. `digits`: the decimals
    /// that the number can have. `None` where it is no such number.
    pub fn read(text: &str, mark: char, digits: u32) -> Option<Self> {
        let text = text.trim();
        let marks: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| matches!(c, '.' | ',')).collect();
        let decimals_at = match marks[..] {
            [] => None,
            [(at, c)] => {
                let rest = &text[at + 1..];
                let group = rest.len() == 3 && (c != mark || digits == 0);
                (!group).then_some(at)
            }
            [(_, first), .., (at, last)] => {
                let alone = marks.iter().filter(|(_, c)| *c == last).count() == 1;
                if first == last {
                    // “1.234.567”; “1,2,3.4.5” is none.
                    None
                } else if alone {
                    Some(at)
                } else {
                    return None;
                }
            }
        };
        let (whole, decimals) = decimals_at.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
        let groups: Vec<&str> =
            whole.split(|c: char| matches!(c, '.' | ',' | '\'' | '’') || c.is_whitespace()).collect();
        let sized = match groups[..] {
            [_] => true,
            [first, ref middle @ .., last] => {
                (1..=3).contains(&first.len())
                    && last.len() == 3
                    && middle.iter().all(|group| (2..=3).contains(&group.len()))
            }
            [] => false,
        };
        if !sized {
            return None;
        }
        Self::from_digits(false, &groups.concat(), decimals).ok()
    }

    fn from_digits(negative: bool, whole: &str, decimals: &str) -> Result<Self, MoneyError> {
        let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let shown = || format!("{whole}.{decimals}").chars().take(40).collect::<String>();
        if whole.is_empty() || !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::NotANumber(shown()));
        }
        let decimals = decimals.trim_end_matches('0');
        let digits = format!("{whole}{decimals}");
        let scale = u32::try_from(decimals.len()).unwrap_or(u32::MAX);
        match digits.parse::<i64>() {
            Ok(mantissa) => Ok(Self { mantissa: if negative { -mantissa } else { mantissa }, scale }),
            Err(_) => Err(MoneyError::TooLarge(shown())),
        }
    }

    /// Whether it is below zero.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// The number in whole units of 10^-`digits`; `None` where that is not exact, or too large.
    pub fn in_units(self, digits: u32) -> Option<i64> {
        let factor = 10_i64.checked_pow(digits.checked_sub(self.scale)?)?;
        self.mantissa.checked_mul(factor).filter(|units| units.unsigned_abs() <= LARGEST.unsigned_abs())
    }

    /// The number as an amount of a currency.
    ///
    /// # Errors
    /// When it has more decimals than the currency, or is too large.
    pub fn to_money(self, currency: Currency) -> Result<Money, MoneyError> {
        if self.scale > currency.minor_units() {
            return Err(MoneyError::TooPrecise { text: self.to_string(), currency });
        }
        self.in_units(currency.minor_units()).map(Money).ok_or_else(|| MoneyError::TooLarge(self.to_string()))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let digits = format!("{:0>width$}", self.mantissa.unsigned_abs(), width = scale + 1);
        let (whole, decimals) = digits.split_at(digits.len() - scale);
        if decimals.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{decimals}") }
    }
}

/// Whether parts are groups of digits: all of three but the first, or in India two before the last three.
pub fn are_groups(parts: &[&str]) -> bool {
    let [first, middle @ .., last] = parts else { return false };
    let western = middle.iter().all(|part| part.len() == 3) && (1..=3).contains(&first.len());
    let indian = middle.iter().all(|part| part.len() == 2) && (1..=2).contains(&first.len());
    last.len() == 3 && !first.starts_with('0') && (western || indian)
}

/// A percentage in hundredths of a percent (basis points).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u32);

impl Percent {
    /// A percentage in hundredths of a percent, at most 100 %.
    pub const fn from_basis_points(points: u32) -> Self {
        Self(if points > 10_000 { 10_000 } else { points })
    }

    /// Whether it is zero.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 % 100 {
            0 => write!(f, "{} %", self.0 / 100),
            rest => write!(f, "{}.{} %", self.0 / 100, format!("{rest:02}").trim_end_matches('0')),
        }
    }
}

impl Serialize for Percent {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Two decimals at most, so the double is the exact shortest text.
        if self.0.is_multiple_of(100) {
            serializer.serialize_u32(self.0 / 100)
        } else {
            serializer.serialize_f64(f64::from(self.0) / 100.0)
        }
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = serde_json::Value::deserialize(deserializer)?;
        let text = match &value {
            serde_json::Value::String(text) => text.trim_end_matches(['%', ' ']).to_owned(),
            serde_json::Value::Number(number) => number.to_string(),
            other => return Err(serde::de::Error::custom(format!("{other} is not a percentage"))),
        };
        let hundredths = Decimal::parse(&text).ok().and_then(|number| number.in_units(2));
        match hundredths.and_then(|hundredths| u32::try_from(hundredths).ok()) {
            Some(hundredths) if hundredths <= 10_000 => Ok(Self(hundredths)),
            _ => Err(serde::de::Error::custom(format!(
                "{text} is not a percentage from 0 to 100 with at most two decimals"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXACT: i64 = (1 << 52) - 1;

    #[test]
    fn reads_what_people_and_files_write() {
        for (text, paise) in [
            ("599", 59_900),
            ("599.5", 59_950),
            ("599.50", 59_950),
            ("599.500", 59_950),
            ("1,299.00", 129_900),
            ("12,34,567.50", 123_456_750),
            ("1,234,567", 123_456_700),
            ("₹ 599", 59_900),
            ("Rs.28.45", 2_845),
            ("0", 0),
            (" 12 ", 1_200),
            ("-5", -500),
        ] {
            assert_eq!(Money::parse(text, Currency::INR), Ok(Money(paise)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_exact_amount() {
        for text in ["", "abc", "5.999", "1e3", "12 34", "--5", "NaN", ".5", "₹"]
            .into_iter()
            // A comma before decimals, or between what are no groups.
            .chain(["599,00", "12,50", "1,5", "1,2,3", "1,", ",599", "1234,567", "0,599", "1,23,45,678.5,0", "1,2345"])
        {
            assert!(Money::parse(text, Currency::INR).is_err(), "{text}");
        }
        assert!(matches!(Money::parse("99999999999999999999", Currency::INR), Err(MoneyError::TooLarge(_))));
        assert!(matches!(Money::parse("9007199254740993", Currency::INR), Err(MoneyError::TooLarge(_))));
    }

    fn currency(code: &str) -> Currency {
        Currency::new(code).unwrap()
    }

    #[test]
    fn the_decimals_are_the_currencys() {
        for (text, code, units) in [
            ("599", "JPY", 599),
            ("599.00", "JPY", 599),
            ("¥1,235", "JPY", 1_235),
            ("1.25", "KWD", 1_250),
            ("KWD 1.250", "KWD", 1_250),
            ("$599", "CAD", 59_900),
            ("€-5.5", "EUR", -550),
        ] {
            assert_eq!(Money::parse(text, currency(code)), Ok(Money(units)), "{text} {code}");
        }
        for (text, code) in [("$599", "INR"), ("₹599", "USD"), ("JPY 5", "KWD")] {
            assert!(matches!(Money::parse(text, currency(code)), Err(MoneyError::NotANumber(_))), "{text} {code}");
        }
        let error = |text, code| Money::parse(text, currency(code)).unwrap_err().to_string();
        assert_eq!(error("5.999", "INR"), "“5.999” has more than two decimals");
        assert_eq!(error("5.9999", "KWD"), "“5.9999” has more than three decimals");
        assert_eq!(error("5.5", "JPY"), "“5.5” has decimals, and JPY has none");
        assert_eq!(Money::from_decimal("1234", "5", currency("EUR")), Ok(Money(123_450)));
        assert!(Money::from_decimal("1", "234", currency("EUR")).is_err());
        assert!(Money::from_decimal("", "5", currency("EUR")).is_err());
        assert_eq!(Money(1_250).to_json(currency("KWD")), serde_json::json!(1.25));
        assert_eq!(Money(599).to_json(currency("JPY")), serde_json::json!(599));
    }

    #[test]
    fn a_number_of_a_text_is_read_by_its_marks() {
        let read =
            |text, mark, code| Decimal::read(text, mark, currency(code).minor_units())?.to_money(currency(code)).ok();
        for (text, mark, code, units) in [
            ("1.234,50", ',', "EUR", Some(123_450)),
            ("1,234.50", ',', "EUR", Some(123_450)),
            ("1.234", ',', "EUR", Some(123_400)),
            ("1.234", '.', "INR", None),
            ("1,234", '.', "INR", Some(123_400)),
            ("1,23,456", '.', "INR", Some(12_345_600)),
            ("12,5", '.', "INR", Some(1_250)),
            ("1.250", '.', "KWD", Some(1_250)),
            ("1,250", '.', "KWD", Some(1_250_000)),
            ("1,250", ',', "TND", Some(1_250)),
            ("1,235", '.', "JPY", Some(1_235)),
            ("1.235", '.', "JPY", Some(1_235)),
            ("1'234.50", '.', "CHF", Some(123_450)),
            ("1\u{202F}234,50", ',', "EUR", Some(123_450)),
            ("1.234.567", ',', "EUR", Some(123_456_700)),
            ("1,2,3.4.5", '.', "INR", None),
            ("1,2345", '.', "INR", None),
            ("1234,567.00", '.', "INR", None),
            ("", '.', "INR", None),
        ] {
            assert_eq!(read(text, mark, code).map(Money::minor_units), units, "{text} {mark} {code}");
        }
    }

    #[test]
    fn a_share_is_rounded_half_up() {
        let five = Percent::from_basis_points(500);
        assert_eq!(Money::from_rupees(599).share(five), Money::from_minor_units(2_995));
        assert_eq!(Money::from_minor_units(10).share(five), Money::from_minor_units(1));
        assert_eq!(Money::from_minor_units(9).share(five), Money::from_minor_units(0));
    }

    #[test]
    fn percentages_are_read_and_shown() {
        let read = |json: &str| serde_json::from_str::<Percent>(json);
        assert_eq!(read("5").unwrap(), Percent(500));
        assert_eq!(read("2.5").unwrap(), Percent(250));
        assert_eq!(read("\"7.25 %\"").unwrap(), Percent(725));
        assert!(read("\"2,5\"").is_err(), "never 25 %");
        assert!(read("101").is_err());
        assert!(read("-1").is_err());
        assert_eq!(Percent(250).to_string(), "2.5 %");
        assert_eq!(Percent(500).to_string(), "5 %");
    }

    proptest! {
        #[test]
        fn json_keeps_the_amount(units in -EXACT..=EXACT, code in 0..5_usize) {
            let currency = currency(["INR", "JPY", "KWD", "CLF", "EUR"][code]);
            let json = serde_json::to_string(&Money(units).to_json(currency)).unwrap();
            let back: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(Money::from_json(&back, currency), Ok(Money(units)));
        }

        #[test]
        fn a_decimal_is_its_text(units in -LARGEST..=LARGEST, code in 0..5_usize) {
            let currency = currency(["INR", "JPY", "KWD", "CLF", "EUR"][code]);
            let text = Decimal { mantissa: units, scale: currency.minor_units() }.to_string();
            prop_assert_eq!(Money::parse(&text, currency), Ok(Money(units)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = (Money::parse(&text, Currency::INR), Decimal::parse(&text), Decimal::read(&text, ',', 3));
        }
    }
}

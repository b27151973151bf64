//! Decides how amounts of money are read, added up and shown.
//!
//! It must never pass an amount through a floating-point number: amounts are whole paise.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in paise (1/100 of an Indian rupee).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(i64);

/// Why a text is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The text holds no digits at all, or something beside digits.
    #[error("“{0}” is not an amount")]
    NotANumber(String),
    /// More than two decimals: the amount would not be exact.
    #[error("“{0}” has more than two decimals")]
    TooPrecise(String),
    /// Over nine quadrillion paise.
    #[error("“{0}” is too large")]
    TooLarge(String),
}

/// The largest amount that is accepted, in paise: every smaller whole number is exact in JSON readers that use doubles.
const LARGEST: i64 = 9_007_199_254_740_991;

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// An amount of whole paise.
    pub const fn from_paise(paise: i64) -> Self {
        Self(paise)
    }

    /// An amount of whole rupees.
    pub const fn from_rupees(rupees: i64) -> Self {
        Self(rupees * 100)
    }

    /// The amount in paise.
    pub const fn paise(self) -> i64 {
        self.0
    }

    /// Reads a decimal amount such as `599`, `599.5`, `1,299.00`, `₹ 599` or `Rs. 599`.
    ///
    /// # Errors
    /// When the text is not an amount, has more than two significant decimals, or is out of range.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let shown = || text.trim().chars().take(40).collect::<String>();
        let mut rest = text.trim();
        for sign in ["₹", "INR", "Rs.", "Rs", "rs.", "rs", "inr"] {
            if let Some(stripped) = rest.strip_prefix(sign) {
                rest = stripped.trim_start();
                break;
            }
        }
        let (negative, digits) = match rest.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, rest),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
        let whole: String = whole.chars().filter(|c| *c != ',').collect();
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(&whole) || !all_digits(decimals) {
            return Err(MoneyError::NotANumber(shown()));
        }
        let decimals = decimals.trim_end_matches('0');
        let fraction: i64 = match decimals.len() {
            0 => 0,
            1 => decimals.parse::<i64>().unwrap_or(0) * 10,
            2 => decimals.parse::<i64>().unwrap_or(0),
            _ => return Err(MoneyError::TooPrecise(shown())),
        };
        let paise = whole
            .parse::<i64>()
            .ok()
            .and_then(|rupees| rupees.checked_mul(100))
            .and_then(|paise| paise.checked_add(fraction))
            .filter(|paise| *paise <= LARGEST)
            .ok_or_else(|| MoneyError::TooLarge(shown()))?;
        Ok(Self(if negative { -paise } else { paise }))
    }

    /// Reads an amount that arrived as a JSON number or text.
    ///
    /// The number's shortest decimal text is read, so `28.45` is exactly 2,845 paise.
    ///
    /// # Errors
    /// As [`Money::parse`].
    pub fn from_json(value: &serde_json::Value) -> Result<Self, MoneyError> {
        match value {
            serde_json::Value::String(text) => Self::parse(text),
            serde_json::Value::Number(number) => Self::parse(&number.to_string()),
            other => Err(MoneyError::NotANumber(other.to_string())),
        }
    }

    /// The amount in rupees as a JSON number: whole where it is whole (`599`), else with its decimals (`28.45`).
    pub fn to_json(self) -> serde_json::Value {
        if self.0 % 100 == 0 {
            return serde_json::Value::from(self.0 / 100);
        }
        // Exact for every amount below `LARGEST`: the shortest decimal text of this double has at most two decimals.
        #[allow(clippy::cast_precision_loss)]
        let rupees = self.0 as f64 / 100.0;
        serde_json::Value::from(rupees)
    }

    /// The share `percent` of this amount, rounded half up to whole paise.
    pub fn share(self, percent: Percent) -> Self {
        let product = i128::from(self.0) * i128::from(percent.0);
        let rounded = (product * 2 + 10_000).div_euclid(20_000);
        Self(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// The difference, never below zero.
    pub fn minus(self, other: Self) -> Self {
        Self((self.0 - other.0).max(0))
    }
}

impl fmt::Display for Money {
    /// `₹1,23,456.50`: Indian grouping, decimals only where there are any.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let paise = self.0.unsigned_abs();
        let digits = (paise / 100).to_string();
        let (head, tail) = digits.split_at(digits.len().saturating_sub(3));
        let mut grouped = String::new();
        for (index, digit) in head.chars().enumerate() {
            if index > 0 && (head.len() - index).is_multiple_of(2) {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if !grouped.is_empty() {
            grouped.push(',');
        }
        grouped.push_str(tail);
        match paise % 100 {
            0 => write!(f, "{sign}₹{grouped}"),
            rest => write!(f, "{sign}₹{grouped}.{rest:02}"),
        }
    }
}

/// A percentage in hundredths of a percent (basis points).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Percent(u32);

impl Percent {
    /// A percentage of so many hundredths of a percent; over 100 % is held at 100 %.
    pub const fn from_basis_points(points: u32) -> Self {
        Self(if points > 10_000 { 10_000 } else { points })
    }

    /// Whether it is nothing.
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
        match Money::parse(&text) {
            Ok(hundredths) if (0..=10_000).contains(&hundredths.0) => {
                Ok(Self(u32::try_from(hundredths.0).unwrap_or_default()))
            }
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

    #[test]
    fn reads_what_people_and_files_write() {
        for (text, paise) in [
            ("599", 59_900),
            ("599.5", 59_950),
            ("599.50", 59_950),
            ("599.500", 59_950),
            ("1,299.00", 129_900),
            ("₹ 599", 59_900),
            ("Rs.28.45", 2_845),
            ("0", 0),
            (" 12 ", 1_200),
            ("-5", -500),
        ] {
            assert_eq!(Money::parse(text), Ok(Money(paise)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_exact_amount() {
        for text in ["", "abc", "5.999", "1e3", "12 34", "--5", "NaN", ".5", "₹"] {
            assert!(Money::parse(text).is_err(), "{text}");
        }
        assert!(matches!(Money::parse("99999999999999999999"), Err(MoneyError::TooLarge(_))));
    }

    #[test]
    fn shows_indian_grouping() {
        assert_eq!(Money::from_rupees(599).to_string(), "₹599");
        assert_eq!(Money::from_rupees(1_299).to_string(), "₹1,299");
        assert_eq!(Money::from_paise(12_345_650).to_string(), "₹1,23,456.50");
        assert_eq!(Money::from_rupees(123_456_789).to_string(), "₹12,34,56,789");
        assert_eq!(Money::from_paise(-5).to_string(), "-₹0.05");
    }

    #[test]
    fn a_share_is_rounded_half_up() {
        let five = Percent::from_basis_points(500);
        assert_eq!(Money::from_rupees(599).share(five), Money::from_paise(2_995));
        assert_eq!(Money::from_paise(10).share(five), Money::from_paise(1));
        assert_eq!(Money::from_paise(9).share(five), Money::from_paise(0));
    }

    #[test]
    fn percentages_are_read_and_shown() {
        let read = |json: &str| serde_json::from_str::<Percent>(json);
        assert_eq!(read("5").unwrap(), Percent(500));
        assert_eq!(read("2.5").unwrap(), Percent(250));
        assert_eq!(read("\"7.25 %\"").unwrap(), Percent(725));
        assert!(read("101").is_err());
        assert!(read("-1").is_err());
        assert_eq!(Percent(250).to_string(), "2.5 %");
        assert_eq!(Percent(500).to_string(), "5 %");
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_back(paise in -LARGEST..=LARGEST) {
            let shown = Money(paise).to_string();
            let plain = shown.replace('₹', "");
            prop_assert_eq!(Money::parse(&plain), Ok(Money(paise)));
        }

        #[test]
        fn json_keeps_the_amount(paise in 0..=100_000_000_000_i64) {
            let json = serde_json::to_string(&Money(paise).to_json()).unwrap();
            let back: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(Money::from_json(&back), Ok(Money(paise)));
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = Money::parse(&text);
        }
    }
}

//! Decides what counts as an identifier: of an order, a customer, a quote, an alert.
//!
//! It must never accept an identity that a model or a message merely claims: [`UserId`] comes from the transport.

use std::fmt;
use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the identifier as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id!(
    /// Who is writing, as the transport says: a WhatsApp id (`wa_id`), a business-scoped user id, or a console name.
    UserId
);
text_id!(
    /// A refund quote.
    QuoteId
);
text_id!(
    /// A message of a customer, as its channel names it: a redelivery has the same.
    MessageId
);
text_id!(
    /// An alert that asks for a person.
    AlertId
);

impl UserId {
    /// The identity with all but its last four characters hidden, for logs.
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        let shown: String = self.0.chars().skip(count.saturating_sub(4)).collect();
        format!("{}{shown}", "*".repeat(count.saturating_sub(4).min(8)))
    }
}

/// An order's identifier, in capitals.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OrderId(String);

impl OrderId {
    /// Takes an identifier from trusted data (an import, the store): trimmed, in capitals.
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_uppercase())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Patterns are constants: the tests below compile each of them.
#[allow(clippy::expect_used)]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern compiles")
}

/// Letters and digits of one identifier that were written apart.
static SEPARATED: LazyLock<Regex> = LazyLock::new(|| constant(r"(?i)\b([a-z]{2,6})[\s#:._-]{1,3}(\d{3,12})\b"));
/// Digits that are called an order number.
static ORDER_NUMBER: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)\border\s*(?:no\.?|num(?:ber)?|id|#)?\s*(?:is|hai)?\s*[:#-]?\s*(\d{3,12})\b"));
/// Digits that stand alone.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| constant(r"\b(\d{3,12})\b"));

/// How order and customer identifiers look in what people write.
#[derive(Debug, Clone)]
pub struct IdPatterns {
    order: Regex,
    customer: Regex,
}

impl IdPatterns {
    /// The order pattern of the original system.
    pub const ORDER: &str = r"\bORD\d{6}\b";
    /// The customer pattern of the original system's data.
    pub const CUSTOMER: &str = r"\bCUST\d{3,10}\b";

    /// Compiles the two patterns; case never matters.
    ///
    /// # Errors
    /// When a pattern is no regular expression.
    pub fn new(order: &str, customer: &str) -> Result<Self, regex::Error> {
        let build = |pattern: &str| regex::RegexBuilder::new(pattern).case_insensitive(true).build();
        Ok(Self { order: build(order)?, customer: build(customer)? })
    }

    /// The distinct order identifiers in a text, in their order of appearance.
    pub fn orders_in(&self, text: &str) -> Vec<OrderId> {
        let mut found: Vec<OrderId> = Vec::new();
        for id in self.order.find_iter(text).map(|hit| OrderId::new(hit.as_str())) {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }

    /// The orders a message means: those it names, else what people write for them (`ord 000003`, `order no 000003`),
    /// and, where an order id was `asked` for, the digits alone.
    pub fn orders_meant(&self, text: &str, asked: bool) -> Vec<OrderId> {
        let named = self.orders_in(text);
        if !named.is_empty() {
            return named;
        }
        let joined = self.orders_in(&SEPARATED.replace_all(text, "$1$2"));
        if !joined.is_empty() {
            return joined;
        }
        let prefix: String =
            self.order.as_str().trim_start_matches("\\b").chars().take_while(char::is_ascii_alphabetic).collect();
        let digits = if asked { &*DIGITS } else { &*ORDER_NUMBER };
        let guesses: Vec<String> = digits.captures_iter(text).map(|hit| format!("{prefix}{}", &hit[1])).collect();
        self.orders_in(&guesses.join(" "))
    }

    /// The distinct customer identifiers in a text, in capitals.
    pub fn customers_in(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for id in self.customer.find_iter(text).map(|hit| hit.as_str().to_uppercase()) {
            if !found.contains(&id) {
                found.push(id);
            }
        }
        found
    }

    /// Whether the whole text is one order identifier.
    pub fn is_order(&self, text: &str) -> bool {
        let text = text.trim();
        self.order.find(text).is_some_and(|hit| hit.len() == text.len())
    }

    /// The text without its order and customer identifiers.
    pub fn without_ids(&self, text: &str) -> String {
        let without = self.order.replace_all(text, " ");
        self.customer.replace_all(&without, " ").into_owned()
    }
}

impl Default for IdPatterns {
    fn default() -> Self {
        // Both constants compile: `patterns_compile` below holds that.
        #[allow(clippy::expect_used)]
        Self::new(Self::ORDER, Self::CUSTOMER).expect("the built-in patterns compile")
    }
}

/// A telephone number of an order as digits with its country code, or `None` where the text holds no plausible number.
///
/// `country` is the code that a national number of ten digits (or eleven with a leading 0) lacks, `91` for India. A
/// number that starts with `+` or `00` has its code.
pub fn order_phone(text: &str, country: &str) -> Option<String> {
    let text = text.trim();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let international = if text.starts_with('+') { Some(digits.as_str()) } else { digits.strip_prefix("00") };
    if let Some(digits) = international {
        return (8..=15).contains(&digits.len()).then(|| digits.to_owned());
    }
    let national = digits.strip_prefix('0').unwrap_or(&digits);
    match national.len() {
        10 => Some(format!("{country}{national}")),
        11..=15 => Some(national.to_owned()),
        _ => None,
    }
}

/// The telephone number that a transport identity is, or `None` where it is something else.
///
/// A WhatsApp id always carries its country code, so nothing is added and nothing but digits is accepted.
pub fn transport_phone(user: &UserId) -> Option<String> {
    let digits = user.as_str().strip_prefix('+').unwrap_or(user.as_str());
    let number = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_compile() {
        let _ = IdPatterns::default();
    }

    #[test]
    fn order_ids_are_found_anywhere_in_any_case() {
        let patterns = IdPatterns::default();
        let found = patterns.orders_in("my ord000003, ORD000004 and Ord000003! not ORD00000 nor XORD000005");
        assert_eq!(found, vec![OrderId::new("ORD000003"), OrderId::new("ORD000004")]);
        assert!(patterns.is_order(" ord000003 "));
        assert!(!patterns.is_order("ord000003 please"));
    }

    #[test]
    fn phones_of_one_person_compare_equal() {
        for text in ["+91 98765 43210", "9876543210", "09876543210", "0091-9876543210", "919876543210"] {
            assert_eq!(order_phone(text, "91").as_deref(), Some("919876543210"), "{text}");
        }
        assert_eq!(transport_phone(&UserId::new("919876543210")).as_deref(), Some("919876543210"));
        assert_eq!(order_phone("tester", "91"), None);
    }

    #[test]
    fn a_foreign_number_is_never_taken_for_a_national_one() {
        assert_eq!(order_phone("+960 771 2345", "91").as_deref(), Some("9607712345"));
        assert_eq!(transport_phone(&UserId::new("9607712345")).as_deref(), Some("9607712345"));
        assert_eq!(order_phone("9607712345", "91").as_deref(), Some("919607712345"));
        for identity in ["user-9876543210", "tester", "", "98765 43210"] {
            assert_eq!(transport_phone(&UserId::new(identity)), None, "{identity}");
        }
    }

    #[test]
    fn order_ids_are_understood_as_people_write_them() {
        let patterns = IdPatterns::default();
        let found =
            |text: &str, asked| patterns.orders_meant(text, asked).iter().map(ToString::to_string).collect::<Vec<_>>();
        for text in [
            "ord 000003",
            "ORD-000003",
            "ORD# 000003",
            "Order ORD:000003 please",
            "order no 000003",
            "order number is 000003",
        ] {
            assert_eq!(found(text, false), ["ORD000003"], "{text}");
        }
        assert_eq!(found("000003", true), ["ORD000003"]);
        assert_eq!(found("#000003", true), ["ORD000003"]);
        assert!(found("000003", false).is_empty());
        assert!(found("my pin is 560001", false).is_empty());
        assert!(found("order came to 560001 late, call 9876543210", false).is_empty());
        assert_eq!(found("ORD000003 to pin 560001", true), ["ORD000003"]);
    }

    #[test]
    fn logs_hide_most_of_an_identity() {
        assert_eq!(UserId::new("919876543210").masked(), "********3210");
        assert_eq!(UserId::new("abc").masked(), "abc");
    }
}

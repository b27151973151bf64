//! Decides what counts as an identifier: of an order, a customer, a quote, an alert.
//!
//! It must never accept an identity that a model or a message merely claims: [`UserId`] comes from the transport.

use std::fmt;

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

/// A telephone number as digits with its country code, or `None` where the text holds no plausible number.
///
/// `country` is the code that a number of ten digits (or eleven with a leading 0) lacks, `91` for India.
pub fn normal_phone(text: &str, country: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let digits = digits.strip_prefix("00").unwrap_or(&digits);
    let national = digits.strip_prefix('0').unwrap_or(digits);
    match national.len() {
        10 => Some(format!("{country}{national}")),
        11..=15 => Some(national.to_owned()),
        _ => None,
    }
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
            assert_eq!(normal_phone(text, "91").as_deref(), Some("919876543210"), "{text}");
        }
        assert_eq!(normal_phone("tester", "91"), None);
    }

    #[test]
    fn logs_hide_most_of_an_identity() {
        assert_eq!(UserId::new("919876543210").masked(), "********3210");
        assert_eq!(UserId::new("abc").masked(), "abc");
    }
}

//! Identifiers of customers, orders, quotes, messages and alerts, and how they are recognised in text. A [`UserId`]
//! comes from the transport; an identity that a model or a message claims is never accepted.

mod context;
mod family;
mod forms;
mod patterns;
mod plain;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use family::Family;
pub use forms::{IdForms, Part};
pub use patterns::{CUSTOMER_EXAMPLE, Certainty, IdPatterns, LivePatterns, Mention, OrderNames, Source};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// An identifier, taken as it is.
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
    /// The identity with all but its last four characters masked, for logs.
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
    /// An identifier from trusted data (an import, the store): trimmed, in capitals.
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

/// The telephone number of a transport identity, or `None` where the identity is something else.
///
/// A WhatsApp id always carries its country code, so nothing is added and nothing but digits is accepted.
pub fn transport_phone(user: &UserId) -> Option<String> {
    let digits = user.as_str().strip_prefix('+').unwrap_or(user.as_str());
    let number = (8..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    number.then(|| digits.to_owned())
}

#[cfg(test)]
#[path = "ids/patterns_tests.rs"]
mod patterns_tests;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_digits_are_a_number_of_the_transport() {
        assert_eq!(transport_phone(&UserId::new("9607712345")).as_deref(), Some("9607712345"));
        for identity in ["user-9876543210", "tester", "", "98765 43210"] {
            assert_eq!(transport_phone(&UserId::new(identity)), None, "{identity}");
        }
    }

    #[test]
    fn logs_hide_most_of_an_identity() {
        assert_eq!(UserId::new("919876543210").masked(), "********3210");
        assert_eq!(UserId::new("abc").masked(), "abc");
    }
}

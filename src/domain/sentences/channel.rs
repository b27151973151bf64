//! Messages without words, and the buttons below an offer. A button's words must never agree to more than yes or no: the
//! consent check reads them as if the customer had typed them.

use std::fmt::Display;

use super::Language;

/// The reaction to a message that needs no words.
pub const ACKNOWLEDGED: &str = "🙂";

/// Answers a message that holds no text that can be read.
pub fn only_text(language: Language) -> &'static str {
    match language {
        _ => {
            "I can only read text here, so I couldn't make use of that. Please write me what you need, or say “agent” and I bring in a person."
        }
    }
}

/// Button: accepts the only offer.
pub fn yes_refund(language: Language) -> &'static str {
    match language {
        _ => "Yes, refund",
    }
}

/// Row of a list: accepts the offer for one order.
pub fn yes_refund_order(language: Language, order: impl Display) -> String {
    match language {
        _ => format!("Yes, refund {order}"),
    }
}

/// Row of a list: accepts all offers.
pub fn yes_to_all(language: Language, offers: usize) -> &'static str {
    match (language, offers) {
        (_, 2) => "Yes, both",
        (_, _) => "Yes, all",
    }
}

/// Button: the order that was asked about is meant.
pub fn yes(language: Language) -> &'static str {
    match language {
        _ => "Yes",
    }
}

/// Row of a list: none of the orders is meant.
pub fn another_order(language: Language) -> &'static str {
    match language {
        _ => "Another order",
    }
}

/// Button or row: declines.
pub fn no(language: Language) -> &'static str {
    match language {
        _ => "No",
    }
}

/// The button that opens a list.
pub fn choose(language: Language) -> &'static str {
    match language {
        _ => "Choose",
    }
}

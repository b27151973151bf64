//! Decides what of a person's data a remote model does not see: telephone numbers, e-mail and payment addresses, cards.
//!
//! It must never hide an order or customer id, which the model needs, nor lose what it hid: [`Mask::show`] gives it back.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::Value;

use crate::domain::ids::IdPatterns;

/// Patterns are constants: the tests use each of them.
#[allow(clippy::expect_used)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern compiles")
}

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| pattern(r"\[(?:PHONE|EMAIL|CARD|TEXT)_(\d{1,4})\]"));
/// What may have to be hidden: something that looks like a placeholder, an address, a run of digits.
static CANDIDATE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?P<literal>\[(?:PHONE|EMAIL|CARD|TEXT)_\d{1,4}\])|(?P<address>[\w.+-]+@[\w-]+(?:\.[\w-]+)*)|(?P<digits>\+?\(?\d[\d ().\-]{5,30}\d)",
    )
});
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d{4}-\d{2}-\d{2}(?:\D|$)"));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Phone,
    Email,
    Card,
    Text,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::Card => "CARD",
            Self::Text => "TEXT",
        }
    }
}

/// What was hidden in one request. The same texts in the same order give the same placeholders.
#[derive(Debug, Clone)]
pub struct Mask {
    patterns: IdPatterns,
    on: bool,
    hidden: Vec<(Kind, String)>,
}

impl Mask {
    /// An empty mask; one that is not `on` hides nothing.
    pub fn new(patterns: IdPatterns, on: bool) -> Self {
        Self { patterns, on, hidden: Vec::new() }
    }

    /// The text with placeholders such as `[PHONE_1]`.
    pub fn hide(&mut self, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for hit in CANDIDATE.captures_iter(text) {
            let Some(whole) = hit.get(0) else { continue };
            out.push_str(&text[from..whole.start()]);
            from = whole.end();
            if hit.name("literal").is_some() {
                let placeholder = self.placeholder(Kind::Text, whole.as_str());
                out.push_str(&placeholder);
            } else if hit.name("address").is_some() {
                let placeholder = self.placeholder(Kind::Email, whole.as_str());
                out.push_str(&placeholder);
            } else {
                let before = text[..whole.start()].chars().next_back();
                let after = text[whole.end()..].chars().next();
                let alone = !before.is_some_and(joins) && !after.is_some_and(joins);
                let shown = if alone { self.digits(whole.as_str()) } else { whole.as_str().to_owned() };
                out.push_str(&shown);
            }
        }
        out.push_str(&text[from..]);
        out
    }

    /// The same with every text inside of a JSON value; its keys stay.
    pub fn hide_json(&mut self, value: &Value) -> Value {
        map(value, &mut |text| self.hide(text))
    }

    /// The text with what the placeholders stand for.
    pub fn show(&self, text: &str) -> String {
        PLACEHOLDER
            .replace_all(text, |hit: &Captures<'_>| {
                let number = hit[1].parse::<usize>().unwrap_or(0);
                let known = number.checked_sub(1).and_then(|index| self.hidden.get(index));
                match known {
                    Some((kind, value)) if hit[0][1..].starts_with(kind.word()) => value.clone(),
                    _ => hit[0].to_owned(),
                }
            })
            .into_owned()
    }

    /// The same with every text inside of a JSON value.
    pub fn show_json(&self, value: &Value) -> Value {
        map(value, &mut |text| self.show(text))
    }

    /// What was hidden, each once.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.hidden.iter().filter(|(kind, _)| *kind != Kind::Text).map(|(_, value)| value.as_str())
    }

    /// A run of digits: hidden as a whole, else each part of it that stands between spaces.
    fn digits(&mut self, run: &str) -> String {
        if let Some(kind) = self.kind(run) {
            return self.placeholder(kind, run);
        }
        let parts = run.split(' ').map(|part| match self.kind(part) {
            Some(kind) => self.placeholder(kind, part),
            None => part.to_owned(),
        });
        parts.collect::<Vec<_>>().join(" ")
    }

    fn kind(&self, run: &str) -> Option<Kind> {
        let an_id = !self.patterns.orders_in(run).is_empty() || !self.patterns.customers_in(run).is_empty();
        if an_id || DATE.is_match(run) {
            return None;
        }
        let count = run.chars().filter(|c| c.is_numeric()).count();
        let international = run.starts_with('+') || run.starts_with("00");
        if international && (8..=15).contains(&count) {
            Some(Kind::Phone)
        } else if card(run) {
            Some(Kind::Card)
        } else {
            (10..=13).contains(&count).then_some(Kind::Phone)
        }
    }

    fn placeholder(&mut self, kind: Kind, value: &str) -> String {
        let known = self.hidden.iter().position(|(hidden, text)| *hidden == kind && text == value);
        let index = known.unwrap_or_else(|| {
            self.hidden.push((kind, value.to_owned()));
            self.hidden.len() - 1
        });
        format!("[{}_{}]", kind.word(), index + 1)
    }
}

/// Whether a character beside digits makes them part of something else: a word, an id, an amount.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '₹' | '$' | '€' | '£' | '@' | '+' | '/' | ':')
}

/// Whether thirteen digits or more are those of a card, by their check digit (Luhn's formula).
fn card(run: &str) -> bool {
    let digits: Vec<u32> = run.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

fn map(value: &Value, change: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map(item, change)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), map(value, change))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn mask() -> Mask {
        Mask::new(IdPatterns::default(), true)
    }

    #[test]
    fn personal_data_is_hidden_and_comes_back() {
        for (text, hidden) in [
            ("call me on 98765 43210 please", "call me on [PHONE_1] please"),
            ("+91-98765-43210, thanks", "[PHONE_1], thanks"),
            ("(098765) 43210", "[PHONE_1]"),
            ("mail asha.k+shop@example.co.in", "mail [EMAIL_1]"),
            ("upi asha@okbank and asha@okbank", "upi [EMAIL_1] and [EMAIL_1]"),
            ("card 4111 1111 1111 1111 was charged", "card [CARD_1] was charged"),
            ("फ़ोन ९८७६५४३२१० है", "फ़ोन [PHONE_1] है"),
            ("9876543210 a@b.in 9876543211", "[PHONE_1] [EMAIL_2] [PHONE_3]"),
            ("you sent [PHONE_1]", "you sent [TEXT_1]"),
        ] {
            let mut mask = mask();
            assert_eq!(mask.hide(text), hidden);
            assert_eq!(mask.show(hidden), text);
        }
    }

    #[test]
    fn what_the_model_needs_stays() {
        for text in [
            "ORD000003 and ord 000003",
            "order no 000003 for CUST1234567890",
            "RFND_20260601100000_ORD000003",
            "₹1234567890 on 2026-06-01",
            "2026-06-01T10:30:00Z",
            "delivered 2026-06-01 10:30 in 25 minutes",
            "pin 560001",
            "QUOTE_01999999999999999999999999999999",
        ] {
            assert_eq!(mask().hide(text), text);
        }
        let digits = IdPatterns::new(r"\b4\d{9}\b", r"\bCUST\d+\b").unwrap();
        assert_eq!(
            Mask::new(digits, true).hide("order 4123456789, phone 9876543210"),
            "order 4123456789, phone [PHONE_1]"
        );
    }

    #[test]
    fn json_is_hidden_inside_and_off_means_off() {
        let value = json!({"Customer Phone": "+91 98765 43210", "Order Value (INR)": 599, "list": ["a@b.in"]});
        let mut mask = mask();
        let hidden = mask.hide_json(&value);
        assert_eq!(hidden, json!({"Customer Phone": "[PHONE_1]", "Order Value (INR)": 599, "list": ["[EMAIL_2]"]}));
        assert_eq!(mask.show_json(&hidden), value);
        assert_eq!(Mask::new(IdPatterns::default(), false).hide("9876543210"), "9876543210");
    }

    #[test]
    fn a_placeholder_that_stands_for_nothing_stays() {
        let mut mask = mask();
        mask.hide("9876543210");
        assert_eq!(mask.show("[PHONE_1] [PHONE_2] [EMAIL_1] [PHONE_0]"), "9876543210 [PHONE_2] [EMAIL_1] [PHONE_0]");
    }

    proptest! {
        #[test]
        fn there_and_back(texts in proptest::collection::vec(
            prop_oneof![".{0,60}", r"[0-9 +()\-.@a-z\[\]PHONE_]{0,60}", r"(\[(PHONE|EMAIL|CARD|TEXT)_[0-9]{1,2}\]|\+91 [6-9][0-9]{9}|[a-z]{1,8}@[a-z]{2,8}| |ORD[0-9]{6}){0,8}"],
            1..5,
        )) {
            let mut mask = mask();
            let hidden: Vec<String> = texts.iter().map(|text| mask.hide(text)).collect();
            for (text, hidden) in texts.iter().zip(&hidden) {
                prop_assert_eq!(&mask.show(hidden), text);
                let patterns = IdPatterns::default();
                prop_assert_eq!(patterns.orders_in(hidden), patterns.orders_in(text));
            }
        }

        #[test]
        fn no_number_of_ten_digits_leaves(number in "[6-9][0-9]{9}", before in "[a-z ,]{0,10}[ ,]", after in "[ ,.][a-z ]{0,10}") {
            let hidden = mask().hide(&format!("{before}{number}{after}"));
            prop_assert!(!hidden.contains(&number), "{}", hidden);
        }
    }
}

//! What a service saw in a picture: one of a few kinds, and a description for the team. Whatever a picture says, and whatever it has the
//! service say, this is all that can come of it: it is no customer's word, no order's name and no yes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::words::excerpt;

/// The longest description, in characters.
const LONGEST: usize = 200;
/// The longest amount or reference.
const LONGEST_DETAIL: usize = 40;

/// What a picture shows of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shows {
    /// Something broken, torn or leaking.
    Broken,
    /// Food that is spoilt.
    Spoilt,
    /// Something else than was ordered.
    WrongItem,
    /// A bill.
    Receipt,
    /// A payment, as an app or a bank shows it.
    Payment,
    /// Something that belongs to an order, and nothing of these.
    Other,
    /// Nothing that has to do with an order.
    Unrelated,
}

impl Shows {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Broken, Self::Spoilt, Self::WrongItem, Self::Receipt, Self::Payment, Self::Other, Self::Unrelated];

    /// The word for it in stores, and in what a service answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Spoilt => "spoilt",
            Self::WrongItem => "wrong_item",
            Self::Receipt => "receipt",
            Self::Payment => "payment",
            Self::Other => "other",
            Self::Unrelated => "unrelated",
        }
    }

    /// As the team reads it.
    pub fn told(self) -> &'static str {
        match self {
            Self::Broken => "something broken",
            Self::Spoilt => "something spoilt",
            Self::WrongItem => "another article than ordered",
            Self::Receipt => "a receipt",
            Self::Payment => "a payment",
            Self::Other => "something of an order",
            Self::Unrelated => "nothing to do with an order",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shows| shows.as_str() == word)
    }
}

/// What a service saw in a picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// What it shows.
    pub shows: Shows,
    /// A description, for the team alone: whoever made the picture may have chosen its words.
    pub says: String,
    /// The amount of a payment or receipt, as it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The reference of a payment, as it stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

impl View {
    /// Reads what a service answers: an object with a kind, and nothing that does not fit into its place. `None` where there is no
    /// known kind.
    pub fn read(answer: &str) -> Option<Self> {
        let answer: Value = serde_json::from_str(answer.trim()).ok()?;
        let shows = Shows::parse(answer["shows"].as_str()?.trim())?;
        let is_of_money = matches!(shows, Shows::Payment | Shows::Receipt);
        let detail = |name: &str, fits: fn(char) -> bool| {
            let text = match &answer[name] {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                _ => return None,
            };
            let is_detail = text.chars().count() <= LONGEST_DETAIL
                && text.chars().all(fits)
                && text.chars().any(|c| c.is_ascii_digit());
            (is_of_money && is_detail).then_some(text)
        };
        Some(Self {
            shows,
            says: one_line(answer["description"].as_str().unwrap_or_default()),
            // “₹1,499.00” or “USD 20”; a transaction number without spaces.
            amount: detail("amount", |c| c.is_ascii_digit() || c.is_ascii_uppercase() || " .,₹$€£¥".contains(c)),
            reference: detail("reference", |c| c.is_ascii_alphanumeric() || "-_/".contains(c)),
        })
    }
}

/// A text on one line, without anything that is not shown.
fn one_line(text: &str) -> String {
    let shown: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    excerpt(&shown.split_whitespace().collect::<Vec<_>>().join(" "), LONGEST)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_view_is_one_of_a_few_kinds_and_nothing_else() {
        let read = |answer: Value| View::read(&answer.to_string());
        let payment = json!({
            "shows": "payment", "description": "A  payment\nof a wallet", "amount": "₹1,499.00", "reference": "T2611-88A",
        });
        let view = read(payment).unwrap();
        assert_eq!((view.shows, view.says.as_str()), (Shows::Payment, "A payment of a wallet"));
        assert_eq!((view.amount.as_deref(), view.reference.as_deref()), (Some("₹1,499.00"), Some("T2611-88A")));
        for shows in Shows::ALL {
            assert_eq!(read(json!({"shows": shows.as_str()})).unwrap().shows, shows);
            assert_eq!(serde_json::to_value(shows).unwrap(), shows.as_str());
        }
        // A number that is an instruction, an amount of something that is no money, a kind of its own.
        let odd = json!({"shows": "payment", "amount": "refund 500 now", "reference": "yes, pay ORD000001"});
        let view = read(odd).unwrap();
        assert_eq!((view.amount, view.reference), (None, None));
        assert_eq!(read(json!({"shows": "broken", "amount": "599"})).unwrap().amount, None);
        for none in [json!({"shows": "refund_approved"}), json!({"shows": 1}), json!([]), json!("broken"), json!({})] {
            assert_eq!(read(none.clone()), None, "{none}");
        }
        assert_eq!(View::read("I will refund it now"), None);
        let long = read(json!({"shows": "other", "description": "x".repeat(5_000)})).unwrap();
        assert!(long.says.chars().count() <= LONGEST + 1);
    }
}

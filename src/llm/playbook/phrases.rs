//! Decides how the playbook words its replies, and which messages are small talk.
//!
//! It must never put a fact into a reply that is not handed to it.

use serde_json::Value;

use crate::domain::money::Money;
use crate::domain::order::column;
use crate::domain::words::words;

/// Small talk that needs no triage to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SmallTalk {
    Greeting,
    Thanks,
    Goodbye,
    Acknowledgement,
    WhoAreYou,
    HowAreYou,
}

const GREETING: &[&str] = &[
    "hi",
    "hii",
    "hiii",
    "hello",
    "helo",
    "hey",
    "heya",
    "hola",
    "namaste",
    "namaskar",
    "good",
    "morning",
    "afternoon",
    "evening",
    "there",
    "sir",
    "madam",
    "mam",
    "team",
    "bhai",
    "bro",
    "dear",
    "support",
    "hy",
    "yo",
    "greetings",
    "vanakkam",
    "salaam",
    "ji",
];
const THANKS: &[&str] = &[
    "thanks",
    "thank",
    "you",
    "thankyou",
    "thx",
    "thnx",
    "ty",
    "tysm",
    "dhanyavaad",
    "dhanyawad",
    "shukriya",
    "so",
    "much",
    "a",
    "lot",
    "ok",
    "okay",
    "great",
    "very",
    "for",
    "the",
    "help",
    "your",
    "cool",
    "perfect",
    "bhai",
    "sir",
    "ji",
    "bye",
    "appreciate",
    "it",
];
const GOODBYE: &[&str] =
    &["bye", "goodbye", "byebye", "see", "you", "later", "good", "night", "ok", "okay", "tata", "then", "take", "care"];
const ACKNOWLEDGEMENT: &[&str] = &[
    "ok", "okay", "k", "kk", "hmm", "hm", "fine", "alright", "cool", "got", "it", "theek", "thik", "hai", "achha",
    "accha", "acha", "noted", "sure", "great",
];

pub(super) fn small_talk(text: &str) -> Option<SmallTalk> {
    let said = words(text);
    if said.is_empty() || said.len() > 8 {
        return None;
    }
    let only = |list: &[&str]| said.iter().all(|word| list.contains(&word.as_str()));
    let has = |list: &[&str]| said.iter().any(|word| list.contains(&word.as_str()));
    let joined = format!(" {} ", said.join(" "));
    let phrase = |phrases: &[&str]| phrases.iter().any(|phrase| joined.contains(&format!(" {phrase} ")));
    if phrase(&[
        "who are you",
        "are you a bot",
        "are you human",
        "are you real",
        "is this a bot",
        "what are you",
        "kaun ho",
    ]) {
        return Some(SmallTalk::WhoAreYou);
    }
    if phrase(&["how are you", "kaise ho", "how r u", "how are u", "what's up", "whats up"]) {
        return Some(SmallTalk::HowAreYou);
    }
    if only(THANKS)
        && has(&[
            "thanks",
            "thank",
            "thankyou",
            "thx",
            "thnx",
            "ty",
            "tysm",
            "dhanyavaad",
            "dhanyawad",
            "shukriya",
            "appreciate",
        ])
    {
        return Some(SmallTalk::Thanks);
    }
    if only(GOODBYE) && has(&["bye", "goodbye", "byebye", "later", "night", "tata", "care"]) {
        return Some(SmallTalk::Goodbye);
    }
    if only(GREETING)
        && has(&[
            "hi",
            "hii",
            "hiii",
            "hello",
            "helo",
            "hey",
            "heya",
            "hola",
            "namaste",
            "namaskar",
            "morning",
            "afternoon",
            "evening",
            "hy",
            "yo",
            "greetings",
            "vanakkam",
            "salaam",
        ])
    {
        return Some(SmallTalk::Greeting);
    }
    only(ACKNOWLEDGEMENT).then_some(SmallTalk::Acknowledgement)
}

impl SmallTalk {
    pub(super) fn reply(self) -> &'static str {
        match self {
            Self::Greeting => {
                "Hello! 👋 I can check an order, sort out a problem with it, or arrange a refund. What can I do for you?"
            }
            Self::Thanks => "You're welcome! 😊 Write any time you need something.",
            Self::Goodbye => "Goodbye, and take care! Write any time you need something.",
            Self::Acknowledgement => "All right. Is there anything else I can do for you?",
            Self::WhoAreYou => {
                "I'm the shop's automatic assistant. I can check orders and arrange refunds, and I can bring in a person whenever you say “agent”."
            }
            Self::HowAreYou => "I'm doing well, thank you for asking! What can I do for you today?",
        }
    }
}

/// Whether the message says that an order id is not at hand.
pub(super) fn lacks_order_id(text: &str) -> bool {
    let said = words(text).join(" ");
    [
        "don't have",
        "dont have",
        "do not have",
        "don't know",
        "dont know",
        "do not know",
        "no idea",
        "can't find",
        "cant find",
        "cannot find",
        "lost",
        "forgot",
        "don't remember",
        "dont remember",
        "nahi pata",
        "nahi hai",
        "pata nahi",
        "nhi pata",
        "yaad nahi",
        "not sure",
    ]
    .iter()
    .any(|phrase| said.contains(phrase))
}

/// Whether the message speaks of an order other than the one talked about.
pub(super) fn another_order(text: &str) -> bool {
    let said = words(text).join(" ");
    ["another order", "other order", "different order", "new order", "second order", "dusra order", "doosra order"]
        .iter()
        .any(|phrase| said.contains(phrase))
}

/// Whether the message says that no refund is wanted: “do not refund it”, “I don't want a refund”.
pub(super) fn declines_refund(text: &str) -> bool {
    const REFUSING: [&str; 9] = ["not", "don't", "dont", "no", "never", "nahi", "nhi", "without", "mat"];
    let said = words(text);
    said.iter().enumerate().any(|(index, word)| {
        let before = &said[index.saturating_sub(4)..index];
        let after = &said[index + 1..said.len().min(index + 3)];
        let refuses = |word: &String| REFUSING.contains(&word.as_str());
        word.starts_with("refund")
            && (before.iter().any(refuses) || after.iter().any(|word| ["nahi", "nhi", "mat"].contains(&word.as_str())))
            // “my refund has not come”, “refund not received” ask for one.
            && !refund_status(text)
    })
}

/// Whether the message asks for another item in place of this one.
pub(super) fn wants_replacement(text: &str) -> bool {
    words(text).iter().any(|word| word.starts_with("replac") || word.starts_with("exchang") || word == "badal")
}

/// Whether the message asks for a part of the money only.
pub(super) fn wants_part(text: &str) -> bool {
    let said = words(text).join(" ");
    [
        "partial",
        "half the",
        "only refund that",
        "only refund the",
        "just refund the",
        "refund only",
        "only for the",
        "difference",
    ]
    .iter()
    .any(|phrase| said.contains(phrase))
}

/// Whether the message asks where a refund is, rather than for one.
pub(super) fn refund_status(text: &str) -> bool {
    let said = words(text).join(" ");
    if !said.contains("refund") && !said.contains("paise") && !said.contains("paisa") {
        return false;
    }
    [
        "where is my refund",
        "where's my refund",
        "wheres my refund",
        "refund status",
        "status of my refund",
        "already refund",
        "refund not received",
        "refund not come",
        "not received my refund",
        "refund has not",
        "refund hasn't",
        "refund hasnt",
        "not got my refund",
        "not get my refund",
        "did you refund",
        "refund hua",
        "refund aaya",
        "refund nahi aaya",
        "refund nhi aaya",
        "refund kahan",
        "thanks for the refund",
        "thank you for the refund",
        "got the refund",
        "waiting for my refund",
        "waiting for the refund",
        "still no refund",
        "refund is pending",
        "refund pending",
        "has not come",
        "not been credited",
        "not credited",
    ]
    .iter()
    .any(|phrase| said.contains(phrase))
}

/// Whether the message asks something rather than demands it.
pub(super) fn is_question(text: &str) -> bool {
    let said = words(text);
    let starts = said.first().is_some_and(|first| {
        [
            "how", "what", "when", "where", "which", "who", "why", "can", "could", "do", "does", "is", "are", "will",
            "kaise", "kab", "kya", "kitne",
        ]
        .contains(&first.as_str())
    });
    starts || text.contains('?')
}

/// A text field of a tool result.
pub(super) fn field<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default().trim()
}

/// An amount field of a tool result, as it is shown to people.
pub(super) fn amount(value: &Value, name: &str) -> String {
    value.get(name).and_then(|value| Money::from_json(value).ok()).map(|money| money.to_string()).unwrap_or_default()
}

/// One sentence on where an order is, from its own facts.
pub(super) fn status_line(order: &Value) -> String {
    let id = field(order, column::ORDER_ID);
    let mut what: Vec<String> = Vec::new();
    for part in [
        field(order, column::CATEGORY).to_owned(),
        amount(order, column::VALUE),
        field(order, column::PLATFORM).to_owned(),
    ] {
        if !part.is_empty() {
            what.push(part);
        }
    }
    let status = field(order, column::STATUS);
    let minutes = order.get(column::DELIVERY_MINUTES).and_then(Value::as_u64);
    let late = field(order, column::DELAY).eq_ignore_ascii_case("yes");
    let on_time = field(order, column::DELAY).eq_ignore_ascii_case("no");
    let open = !status.is_empty() && !status.to_lowercase().contains("delivered");
    let mut line = format!("Order {id} ({})", what.join(", "));
    match (status.is_empty(), minutes) {
        (false, _) if open => line.push_str(&format!(": its status is “{status}”")),
        (_, Some(minutes)) => line.push_str(&format!(": delivered in {minutes} minutes")),
        (false, None) => line.push_str(": it has been delivered"),
        (true, None) => line.push_str(": there is no delivery on record yet"),
    }
    if late {
        line.push_str(if open { ", and it is marked as late" } else { ", later than planned" });
    } else if on_time && !open && minutes.is_some() {
        line.push_str(", on time");
    }
    let date = field(order, column::DATE);
    if !date.is_empty() {
        line.push_str(&format!(" (ordered on {date})"));
    }
    line.push('.');
    line
}

/// Whether the record says that the order has arrived.
pub(super) fn is_delivered(order: &Value) -> bool {
    let status = field(order, column::STATUS).to_lowercase();
    if status.is_empty() {
        order.get(column::DELIVERY_MINUTES).is_some_and(Value::is_number)
    } else {
        status == "delivered"
    }
}

/// Whether the record says that the order was late.
pub(super) fn was_late(order: &Value) -> bool {
    field(order, column::DELAY).eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn small_talk_is_told_from_requests() {
        assert_eq!(small_talk("Hello!!"), Some(SmallTalk::Greeting));
        assert_eq!(small_talk("good morning team"), Some(SmallTalk::Greeting));
        assert_eq!(small_talk("thank you so much 🙏"), Some(SmallTalk::Thanks));
        assert_eq!(small_talk("ok bye"), Some(SmallTalk::Goodbye));
        assert_eq!(small_talk("are you a bot?"), Some(SmallTalk::WhoAreYou));
        assert_eq!(small_talk("hi where is my order"), None);
        assert_eq!(small_talk("thank you for nothing, refund me"), None);
        assert_eq!(small_talk("👍"), None);
    }

    #[test]
    fn a_status_says_only_what_is_on_record() {
        let order = json!({"Order ID": "ORD000001", "Product Category": "Dairy", "Order Value (INR)": 382, "Platform": "JioMart",
            "Delivery Time (Minutes)": 30, "Delivery Delay": "No"});
        assert_eq!(status_line(&order), "Order ORD000001 (Dairy, ₹382, JioMart): delivered in 30 minutes, on time.");
        let open = json!({"Order ID": "ORD000001", "Product Category": "Dairy", "Order Value (INR)": 382, "Delivery Status": "Out for delivery",
            "Delivery Delay": "Yes", "Order Date": "2026-06-01"});
        assert_eq!(
            status_line(&open),
            "Order ORD000001 (Dairy, ₹382): its status is “Out for delivery”, and it is marked as late (ordered on 2026-06-01)."
        );
        let bare = json!({"Order ID": "ORD000001", "Order Value (INR)": 5});
        assert_eq!(status_line(&bare), "Order ORD000001 (₹5): there is no delivery on record yet.");
    }
}

//! Decides, from plain words, which subjects a message touches, so that a change of subject is noticed cheaply.
//!
//! It must never replace triage: it only says when the stored triage may no longer hold, and whether a case is complex.

use std::collections::BTreeSet;

use super::words::words;

/// The intents of the label guide.
pub mod intent {
    /// Where is it?
    pub const TRACK: &str = "track_order";
    /// It is late.
    pub const DELAY: &str = "report_delivery_delay";
    /// Something is wrong with what came.
    pub const CONTENT: &str = "report_order_content_issue";
    /// Money back, a return, a cancellation.
    pub const REFUND: &str = "request_refund";
    /// Change the order and keep it.
    pub const MANAGE: &str = "manage_order";
    /// A wrong charge, a failed payment.
    pub const PAYMENT: &str = "report_payment_issue";
    /// Praise or criticism.
    pub const FEEDBACK: &str = "provide_feedback_on_service";
    /// A person, please.
    pub const HUMAN: &str = "request_human_agent";
    /// Everything else.
    pub const OTHER: &str = "other";
}

/// Words and phrases that point at an intent; a word ending in `*` stands for everything that starts so.
const CUES: &[(&str, &[&str])] = &[
    (intent::TRACK, &["where is", "where's", "track*", "status", "when will", "eta", "kahan", "kab aayega", "kab tak"]),
    (
        intent::DELAY,
        &[
            "late",
            "delay*",
            "not arrived",
            "hasn't arrived",
            "never came",
            "still waiting",
            "not delivered",
            "der",
            "nahi aaya",
        ],
    ),
    (
        intent::CONTENT,
        &[
            "missing",
            "damaged",
            "broken",
            "wrong item*",
            "wrong product",
            "wrong order",
            "expired",
            "spoil*",
            "rotten",
            "stale",
            "leak*",
            "defective",
            "not fresh",
            "torn",
            "kharab",
            "galat",
            "toota",
            "replace*",
        ],
    ),
    (intent::REFUND, &["refund*", "money back", "return", "cancel*", "paisa wapas", "paise wapas", "wapas"]),
    (intent::MANAGE, &["change", "address", "reschedule", "add", "update", "slot", "modify", "badal*", "reorder"]),
    (
        intent::PAYMENT,
        &[
            "payment",
            "charged",
            "debited",
            "deducted",
            "invoice",
            "bill",
            "coupon",
            "promo*",
            "cashback",
            "upi",
            "transaction failed",
        ],
    ),
    (
        intent::FEEDBACK,
        &["rude", "great service", "excellent", "amazing", "terrible", "worst", "pathetic", "loved", "rating"],
    ),
    (
        intent::HUMAN,
        &[
            "human",
            "agent",
            "person",
            "manager",
            "supervisor",
            "representative",
            "executive",
            "call me",
            "call back",
            "callback",
            "someone",
            "talk to",
            "speak to",
            "speak with",
            "insaan",
            "baat karni",
            "baat karao",
        ],
    ),
    (
        intent::OTHER,
        &[
            "hours",
            "open",
            "do you",
            "payment methods",
            "cod",
            "cash on delivery",
            "contact",
            "membership",
            "offers",
            "deliver to",
        ],
    ),
];

/// Words after which a person has to look, however calmly they are said: harm, threats, the law.
const GRAVE: &[&str] = &[
    "hospital*",
    "food poisoning",
    "poisoned",
    "vomit*",
    "injur*",
    "bleed*",
    "consumer court",
    "consumer forum",
    "legal notice",
    "legal action",
    "lawyer",
    "police",
    "harass*",
    "molest*",
    "inappropriate*",
    "touched me",
    "threat*",
    "assault*",
    "abused me",
    "glass piece*",
    "piece of glass",
    "glass in",
    "want to die",
    "kill myself",
    "suicide",
    "blade in",
    "razor*",
];

/// Words that are serious when somebody complains, and harmless in a question.
const SERIOUS: &[&str] = &["allerg*", "sick", "doctor", "sue", "fraud", "scam*", "cheat*", "legal*", "stomach"];

/// Words that say it is not the first time.
const REPEATED: &[&str] = &[
    "again",
    "again and again",
    "every time",
    "third time",
    "second time",
    "twice",
    "still no",
    "nobody",
    "no one",
    "no response",
    "baar baar",
    "multiple times",
    "many times",
    "several times",
    "keeps",
    "koi nahi",
    "weeks",
];

fn holds(said: &[String], cue: &str) -> bool {
    let parts: Vec<&str> = cue.split(' ').collect();
    said.windows(parts.len()).any(|window| {
        window.iter().zip(&parts).all(|(word, part)| match part.strip_suffix('*') {
            Some(stem) => word.starts_with(stem),
            None => word == part,
        })
    })
}

fn any(said: &[String], cues: &[&str]) -> bool {
    cues.iter().any(|cue| holds(said, cue))
}

/// The intents whose words a message holds.
pub fn touched(text: &str) -> BTreeSet<&'static str> {
    let said = words(text);
    CUES.iter().filter(|(_, cues)| any(&said, cues)).map(|(intent, _)| *intent).collect()
}

/// Whether a message speaks of harm, threats or the law.
pub fn grave(text: &str) -> bool {
    any(&words(text), GRAVE)
}

/// Whether a complaint speaks of health, law or fraud.
pub fn serious(text: &str) -> bool {
    grave(text) || any(&words(text), SERIOUS)
}

/// Whether a message names an intent's words.
pub fn touches(text: &str, intent: &str) -> bool {
    touched(text).contains(intent)
}

/// Whether a message is more than one simple problem: serious, repeated, several problems at once, or a long story.
pub fn complex(text: &str) -> bool {
    let said = words(text);
    let problems = touched(text)
        .into_iter()
        .filter(|touched| {
            [intent::DELAY, intent::CONTENT, intent::REFUND, intent::PAYMENT, intent::FEEDBACK].contains(touched)
        })
        .count();
    any(&said, SERIOUS)
        || any(&said, GRAVE)
        || (any(&said, REPEATED) && problems >= 1)
        || problems >= 3
        || said.len() >= 45
}

/// Words without content of their own.
const LIGHT: &[&str] = &[
    "a", "an", "the", "is", "are", "am", "was", "i", "me", "my", "you", "your", "it", "this", "that", "to", "of",
    "for", "in", "on", "at", "and", "or", "please", "pls", "plz", "ok", "okay", "hi", "hello", "hey", "thanks",
    "thank", "yes", "no", "do", "did", "sir", "madam", "hai", "ka", "ki", "ke", "ko", "mera", "meri", "aur", "bhai",
    "order", "here", "id", "number", "its", "it's", "so", "just", "now", "sure", "go", "ahead", "haan", "ji", "be",
    "with", "will",
];

/// How many words of a message say something by themselves.
pub fn content_words(text: &str) -> usize {
    words(text).iter().filter(|word| !LIGHT.contains(&word.as_str())).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_seen() {
        assert_eq!(touched("Where is my order?"), BTreeSet::from([intent::TRACK]));
        assert_eq!(touched("cancel it, I want a refund"), BTreeSet::from([intent::REFUND]));
        assert_eq!(touched("get me a manager"), BTreeSet::from([intent::HUMAN]));
        assert!(touched("ORD000003").is_empty());
        assert!(touched("yes please").is_empty());
    }

    #[test]
    fn complex_cases_are_seen() {
        assert!(complex("My son had to go to hospital after the curd"));
        assert!(complex("third time this month the milk is spoiled"));
        assert!(complex("late again, item missing, and the refund never came"));
        assert!(!complex("my order is late"));
        assert!(!complex("where is my order again"));
    }
}

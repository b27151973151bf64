//! Topics of a message, found by words and phrases: a cheap way to notice a change of topic or a serious case. This
//! never replaces triage; it only says when the stored triage may be outdated.

mod languages;

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

/// Words and phrases of an intent; a word ending in `*` matches every word with that prefix.
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

/// Words that need a person whatever the tone: harm, threats, the law. None of them names goods that a shop may sell.
const CRITICAL: &[&str] = &[
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
    "want to die",
    "kill myself",
    "suicide",
];

/// Words that are serious in a complaint, and harmless in a question.
const SERIOUS: &[&str] = &["allerg*", "sick", "doctor", "sue", "fraud", "scam*", "cheat*", "legal*", "stomach"];

/// Words for a repeated problem.
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

/// The topics, as `data/LABELS.md` names them, in which something is done with an order or asked of the shop, and nothing is said
/// to be wrong with an article or a person.
const ERRANDS: &[&str] = &[
    "track",
    "late",
    "cancel",
    "undo_cancel",
    "return",
    "exchange",
    "refund_request",
    "partial_refund",
    "refund_status",
    "address_change",
    "slot_change",
    "contact_change",
    "delivery_instructions",
    "item_change",
    "reorder",
    "double_charge",
    "failed_payment",
    "coupon",
    "invoice",
    "wallet",
    "payment_methods",
    "price_stock",
    "product_question",
    "delivery_area",
    "delivery_terms",
    "policy_returns",
    "policy_warranty",
    "membership",
    "account",
    "privacy",
    "store_hours",
    "careers_business",
    "app_issue",
    "human",
];

/// Whether a topic of the model is an errand of the shop.
pub fn is_errand(topic: &str) -> bool {
    ERRANDS.contains(&topic)
}

fn contains_cue(said: &[String], cue: &str) -> bool {
    let cue: Vec<&str> = cue.split(' ').collect();
    said.windows(cue.len()).any(|window| {
        window.iter().zip(&cue).all(|(word, wanted)| match wanted.strip_suffix('*') {
            Some(stem) => word.starts_with(stem),
            None => word == wanted,
        })
    })
}

fn contains_any(said: &[String], cues: &[&str]) -> bool {
    cues.iter().any(|cue| contains_cue(said, cue))
}

/// The intents whose words a message contains.
pub fn topics_in(text: &str) -> BTreeSet<&'static str> {
    let said = words(text);
    let cues = CUES.iter().chain(languages::CUES);
    cues.filter(|(_, cues)| contains_any(&said, cues)).map(|(intent, _)| *intent).collect()
}

/// Whether a message is about harm, threats or the law.
pub fn is_critical(text: &str) -> bool {
    let said = words(text);
    contains_any(&said, CRITICAL) || contains_any(&said, languages::CRITICAL)
}

/// Whether a complaint is about health, law or fraud.
pub fn is_serious(text: &str) -> bool {
    let said = words(text);
    is_critical(text) || contains_any(&said, SERIOUS) || contains_any(&said, languages::SERIOUS)
}

/// Whether a message contains words of an intent.
pub fn mentions(text: &str, intent: &str) -> bool {
    topics_in(text).contains(intent)
}

/// Whether a message is more than one simple problem: serious, repeated, three problems or more, or at least 45 words.
pub fn is_complex(text: &str) -> bool {
    let said = words(text);
    let problems = topics_in(text)
        .into_iter()
        .filter(|topic| {
            [intent::DELAY, intent::CONTENT, intent::REFUND, intent::PAYMENT, intent::FEEDBACK].contains(topic)
        })
        .count();
    let repeated = contains_any(&said, REPEATED) || contains_any(&said, languages::REPEATED);
    is_serious(text) || (repeated && problems >= 1) || problems >= 3 || said.len() >= 45
}

/// Words that carry no content.
const STOP_WORDS: &[&str] = &[
    "a", "an", "the", "is", "are", "am", "was", "i", "me", "my", "you", "your", "it", "this", "that", "to", "of",
    "for", "in", "on", "at", "and", "or", "please", "pls", "plz", "ok", "okay", "hi", "hello", "hey", "thanks",
    "thank", "yes", "no", "do", "did", "sir", "madam", "hai", "ka", "ki", "ke", "ko", "mera", "meri", "aur", "bhai",
    "order", "here", "id", "number", "its", "it's", "so", "just", "now", "sure", "go", "ahead", "haan", "ji", "be",
    "with", "will",
];

/// The number of words of a message that are no stop words.
pub fn content_words(text: &str) -> usize {
    let stops = |word: &&str| STOP_WORDS.contains(word) || languages::STOP_WORDS.contains(word);
    words(text).iter().map(String::as_str).filter(|word| !stops(word)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_seen() {
        assert_eq!(topics_in("Where is my order?"), BTreeSet::from([intent::TRACK]));
        assert_eq!(topics_in("cancel it, I want a refund"), BTreeSet::from([intent::REFUND]));
        assert_eq!(topics_in("get me a manager"), BTreeSet::from([intent::HUMAN]));
        assert!(topics_in("ORD000003").is_empty());
        assert!(topics_in("yes please").is_empty());
    }

    #[test]
    fn subjects_are_seen_in_every_language() {
        for (text, intent) in [
            ("¿Dónde está mi pedido?", intent::TRACK),
            ("Onde está o meu pedido", intent::TRACK),
            ("أين طلبي؟", intent::TRACK),
            ("मेरा ऑर्डर कहाँ है", intent::TRACK),
            ("Quiero un reembolso", intent::REFUND),
            ("Quero meu dinheiro de volta", intent::REFUND),
            ("أريد استرداد المبلغ", intent::REFUND),
            ("मुझे रिफ़ंड चाहिए", intent::REFUND),
            ("quiero hablar con una persona", intent::HUMAN),
            ("quero falar com um atendente", intent::HUMAN),
            ("أريد التحدث مع موظف", intent::HUMAN),
            ("मुझे एजेंट से बात करनी है", intent::HUMAN),
        ] {
            assert!(topics_in(text).contains(intent), "{text}: {:?}", topics_in(text));
        }
        for text in ["sí, por favor", "não, obrigado", "نعم من فضلك", "हाँ, ठीक है", "buenas tardes", "boa noite"]
        {
            assert!(topics_in(text).is_empty(), "{text}: {:?}", topics_in(text));
        }
        for text in ["mi hijo está en el hospital", "vou chamar a polícia", "سأذهب إلى الشرطة", "मैं वकील से बात करूँगा"]
        {
            assert!(is_critical(text), "{text}");
        }
    }

    #[test]
    fn complex_cases_are_seen() {
        assert!(is_complex("My son had to go to hospital after the curd"));
        assert!(is_complex("third time this month the milk is spoiled"));
        assert!(is_complex("late again, item missing, and the refund never came"));
        for text in
            ["where is my razor", "is there a blade in the box of my trimmer", "one glass in the set is missing"]
        {
            assert!(!is_critical(text), "{text}");
        }
        assert!(!is_complex("my order is late"));
        assert!(!is_complex("where is my order again"));
    }
}

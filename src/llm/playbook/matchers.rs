//! Matches what customers write with word lists: small talk, questions, and what is said about orders. A message that
//! fits no list is never guessed at.

mod languages;

use crate::domain::sentences::{self, Language};
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
    let other = languages::small_talk(&said);
    if matches!(other, Some(SmallTalk::WhoAreYou | SmallTalk::HowAreYou | SmallTalk::Greeting)) {
        return other;
    }
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
    only(ACKNOWLEDGEMENT).then_some(SmallTalk::Acknowledgement).or(other)
}

/// Whether the message asks for a person and says nothing else: “agent”, “hablar con una persona”.
pub(super) fn asks_for_person(text: &str) -> bool {
    languages::asks_for_person(&words(text))
}

/// Whether the message says that none of the orders that were suggested is meant.
pub(super) fn none_of_these(text: &str) -> bool {
    says_any(text, languages::NONE_OF_THESE)
}

/// Whether the words of a text hold one of these phrases.
fn says_any(text: &str, phrases: &[&str]) -> bool {
    let said = format!(" {} ", words(text).join(" "));
    phrases.iter().any(|phrase| said.contains(&format!(" {phrase} ")))
}

impl SmallTalk {
    /// The answer to it.
    pub(super) fn reply(self, language: Language) -> &'static str {
        match self {
            Self::Greeting => sentences::small_talk::greeting(language),
            Self::Thanks => sentences::small_talk::you_are_welcome(language),
            Self::Goodbye => sentences::small_talk::goodbye(language),
            Self::Acknowledgement => sentences::small_talk::all_right(language),
            Self::WhoAreYou => sentences::small_talk::introduction(language),
            Self::HowAreYou => sentences::small_talk::doing_well(language),
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
        || says_any(text, languages::LACKS_ORDER_ID)
}

/// Whether the message speaks of an order other than the one talked about.
pub(super) fn another_order(text: &str) -> bool {
    let said = words(text).join(" ");
    ["another order", "other order", "different order", "new order", "second order", "dusra order", "doosra order"]
        .iter()
        .any(|phrase| said.contains(phrase))
        || says_any(text, languages::ANOTHER_ORDER)
}

/// Whether the message asks for another item in place of this one.
pub(super) fn wants_replacement(text: &str) -> bool {
    words(text).iter().any(|word| word.starts_with("replac") || word.starts_with("exchang") || word == "badal")
        || words(text).iter().any(|word| languages::REPLACEMENT.iter().any(|stem| word.starts_with(stem)))
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
        || says_any(text, languages::PART)
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
    let elsewhere = said.first().is_some_and(|first| languages::QUESTION_WORDS.contains(&first.as_str()));
    starts || elsewhere || text.contains(['?', '؟', '¿'])
}

#[cfg(test)]
mod tests {
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
    fn small_talk_is_told_from_requests_in_every_language() {
        use SmallTalk::{Acknowledgement, Goodbye, Greeting, HowAreYou, Thanks, WhoAreYou};
        for (text, talk) in [
            ("¡Hola!", Greeting),
            ("Buenos días", Greeting),
            ("Olá, boa tarde", Greeting),
            ("oi", Greeting),
            ("hello, anyone there?", Greeting),
            ("¿hay alguien?", Greeting),
            ("कोई है?", Greeting),
            ("السلام عليكم", Greeting),
            ("مرحبًا", Greeting),
            ("नमस्ते जी", Greeting),
            ("Muchas gracias por su ayuda", Thanks),
            ("Muito obrigada!", Thanks),
            ("شكرًا جزيلًا", Thanks),
            ("बहुत धन्यवाद", Thanks),
            ("bahut bahut dhanyavaad", Thanks),
            ("hasta luego", Goodbye),
            ("Tchau, até logo", Goodbye),
            ("مع السلامة", Goodbye),
            ("अलविदा", Goodbye),
            ("vale, perfecto", Acknowledgement),
            ("beleza", Acknowledgement),
            ("تمام", Acknowledgement),
            ("ठीक है", Acknowledgement),
            ("¿Quién eres?", WhoAreYou),
            ("Você é um robô?", WhoAreYou),
            ("من أنت؟", WhoAreYou),
            ("आप कौन हैं?", WhoAreYou),
            ("Hola, ¿cómo está?", HowAreYou),
            ("Oi, tudo bem?", HowAreYou),
            ("كيف حالك؟", HowAreYou),
            ("आप कैसे हैं", HowAreYou),
        ] {
            assert_eq!(small_talk(text), Some(talk), "{text}");
        }
        for text in [
            "hola, ¿dónde está mi pedido?",
            "¿cómo está mi pedido?",
            "tudo bem com meu pedido?",
            "gracias por nada, quiero un reembolso",
            "bom dia, meu pedido não chegou",
            "مرحبا أين طلبي",
            "नमस्ते मेरा ऑर्डर कहाँ है",
            "no",
            "sí",
        ] {
            assert_eq!(small_talk(text), None, "{text}");
        }
    }

    #[test]
    fn a_person_is_asked_for_in_every_language() {
        for text in [
            "agent",
            "Agent please",
            "agente",
            "quiero hablar con una persona",
            "Atendente, por favor",
            "falar com um atendente",
            "موظف",
            "أريد التحدث مع موظف",
            "एजेंट",
            "मुझे किसी इंसान से बात करनी है",
            "kisi insaan se baat karni hai",
        ] {
            assert!(asks_for_person(text), "{text}");
        }
        for text in [
            "",
            "talk to me",
            "quiero hablar",
            "no quiero un agente",
            "una persona me llamó",
            "the agent was rude",
            "o atendente não respondeu",
            "الموظف لم يرد",
            "एजेंट नहीं आया",
            "con",
        ] {
            assert!(!asks_for_person(text), "{text}");
        }
    }

    #[test]
    fn what_is_said_of_orders_and_refunds_is_read_in_every_language() {
        for text in
            ["ninguno de estos", "nenhum deles", "ولا واحد منها", "इनमें से कोई नहीं", "none of these", "something else"]
        {
            assert!(none_of_these(text), "{text}");
        }
        for text in ["Otro pedido", "Outro pedido", "طلب آخر", "दूसरा ऑर्डर", "Doosra order", "Another order"]
        {
            assert!(another_order(text), "{text}");
        }
        for text in ["no lo tengo", "não sei", "لا أعرف", "याद नहीं"] {
            assert!(lacks_order_id(text), "{text}");
        }
        for text in ["¿cuándo llega?", "quanto tempo leva", "هل وصل", "कब मिलेगा"] {
            assert!(is_question(text), "{text}");
        }
        assert!(!is_question("sí, por favor") && !is_question("pode ser"));
    }
}

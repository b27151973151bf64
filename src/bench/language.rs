//! In which language a reply is written, by the codes that cases use.

use serde_json::Value;

use super::text::plain;
use crate::domain::language::{Spoken, spoken};
use crate::domain::sentences::Language;

/// The code of a language.
pub type Code = &'static str;

/// Fewer letters tell nothing.
const FEWEST_LETTERS: usize = 8;

/// The codes of the languages in which customers are answered.
const OURS: [(Language, Code); 6] = [
    (Language::English, "en"),
    (Language::Hinglish, "hi-en"),
    (Language::Hindi, "hi"),
    (Language::Spanish, "es"),
    (Language::Portuguese, "pt"),
    (Language::Arabic, "ar"),
];

/// The codes of others that are told apart, by their English names.
const OTHERS: [(&str, Code); 17] = [
    ("Bengali", "bn"),
    ("Chinese", "zh"),
    ("Greek", "el"),
    ("Gujarati", "gu"),
    ("Hebrew", "he"),
    ("Japanese", "ja"),
    ("Kannada", "kn"),
    ("Korean", "ko"),
    ("Malayalam", "ml"),
    ("Marathi", "mr"),
    ("Odia", "or"),
    ("Punjabi", "pa"),
    ("Russian", "ru"),
    ("Tamil", "ta"),
    ("Telugu", "te"),
    ("Thai", "th"),
    ("Urdu", "ur"),
];

/// All codes.
pub fn codes() -> impl Iterator<Item = Code> {
    OURS.iter().map(|(_, code)| *code).chain(OTHERS.iter().map(|(_, code)| *code))
}

/// Reads a code; the program's own `hi-Latn` is `hi-en`.
pub fn code(text: &str) -> Option<Code> {
    let text = text.trim();
    let text = if text.eq_ignore_ascii_case(Language::Hinglish.code()) { "hi-en" } else { text };
    codes().find(|code| code.eq_ignore_ascii_case(text))
}

/// The language of a reply; none where it is too short, or could be several. The names of articles say nothing about it.
pub fn of_reply(reply: &str, names: &[String]) -> Option<Code> {
    let mut rest = plain(reply).to_lowercase();
    for name in names {
        rest = rest.replace(name, " ");
    }
    // Links, addresses, and ids.
    let said = |word: &&str| !word.contains("://") && !word.contains('@') && !word.contains(char::is_numeric);
    let rest = rest.split_whitespace().filter(said).collect::<Vec<_>>().join(" ");
    if rest.chars().filter(|c| c.is_alphabetic()).count() < FEWEST_LETTERS {
        return None;
    }
    match spoken(&rest)? {
        Spoken::Ours(language) => OURS.iter().find(|(ours, _)| *ours == language).map(|(_, code)| *code),
        // One without a code here is at least none of those that a case may ask for.
        Spoken::Other(Some(name)) => {
            Some(OTHERS.iter().find(|(other, _)| *other == name).map_or(name, |(_, code)| *code))
        }
        Spoken::Other(None) => None,
    }
}

/// The names of articles in the result of a tool, the longest first, as replies are compared with them.
pub fn names_in<'a>(results: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    fn collect(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(name) if key == "name" || key == "Product Category" => {
                            found.push(plain(name).to_lowercase());
                        }
                        other => collect(other, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    results.into_iter().for_each(|value| collect(value, &mut found));
    found.retain(|name| !name.trim().is_empty());
    found.sort_by_key(|name| std::cmp::Reverse(name.len()));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_language_of_a_reply_is_told_without_the_names_of_articles() {
        assert_eq!(of_reply("Your order is out for delivery and should be with you soon.", &[]), Some("en"));
        assert_eq!(of_reply("Aapka order abhi raaste mein hai, thodi der mein pahunch jayega.", &[]), Some("hi-en"));
        assert_eq!(of_reply("आपका ऑर्डर ORD000003 रास्ते में है।", &[]), Some("hi"));
        assert_eq!(of_reply("Su pedido está en camino y llegará hoy.", &[]), Some("es"));
        assert_eq!(of_reply("ORD000003 🙏", &[]), None);
        let names = names_in([&json!({"Items": [{"name": "The Great Big Box of Tea", "quantity": 1}]})]);
        assert_eq!(names, ["the great big box of tea"]);
        assert_eq!(of_reply("The Great Big Box of Tea: 1", &names), None);
    }

    #[test]
    fn codes_are_read_in_both_writings() {
        assert_eq!(
            (code("hi-Latn"), code("hi-en"), code("EN"), code("xx")),
            (Some("hi-en"), Some("hi-en"), Some("en"), None)
        );
        assert!(Language::ALL.iter().all(|language| OURS.iter().any(|(ours, _)| ours == language)));
    }
}

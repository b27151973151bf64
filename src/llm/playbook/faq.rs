//! Finds the shop's answer to a general question. It never makes one up: no match is `None`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::domain::sentences::{Language, identification, ltr, units};
use crate::domain::words::words;

/// The shipped questions and answers.
pub const SHIPPED: &str = include_str!("../../../data/faq.toml");

/// Stands in an answer for an order id like those of the shop.
const EXAMPLE: &str = "ORD123456";

/// An answer with an order id like those of the shop, where it is known what they look like.
pub(in crate::llm) fn with_example(answer: &str, language: Language, example: Option<&str>) -> String {
    answer.replace(EXAMPLE, &identification::like_an_order_id(language, example))
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    entry: Vec<Entry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    when: Vec<String>,
    answer: String,
    /// The same in other languages, by their codes.
    #[serde(default, rename = "in")]
    translations: BTreeMap<String, Translation>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Translation {
    name: String,
    answer: String,
}

impl Entry {
    /// The answer in a language; where it is not written in that, as it stands.
    fn answer_in(&self, language: Language) -> &str {
        self.translations.get(language.code()).map_or(&self.answer, |translation| &translation.answer)
    }
}

/// The questions that can be answered.
#[derive(Debug, Clone)]
pub struct Faq {
    entries: Vec<Entry>,
}

impl Faq {
    /// Reads questions and answers; `fill` gives the values of the `{names}` in the answers.
    ///
    /// # Errors
    /// When the text is not of the form, or an answer has a name that `fill` does not hold.
    pub fn read(text: &str, fill: &[(&str, &str)]) -> Result<Self, String> {
        let mut file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        for entry in &mut file.entry {
            entry.answer = filled(&entry.name, &entry.answer, Language::English, fill)?;
            for (code, translation) in &mut entry.translations {
                let known = Language::ALL.into_iter().find(|language| language.code() == code);
                let Some(language) = known.filter(|language| *language != Language::English) else {
                    let codes = Language::ALL.map(Language::code)[1..].join(", ");
                    return Err(format!("the answer “{}” is in “{code}”, which is none of {codes}", entry.name));
                };
                translation.answer = filled(&entry.name, &translation.answer, language, fill)?;
            }
        }
        Ok(Self { entries: file.entry })
    }

    /// Each entry: its name, the words of the questions that it answers, and the answer.
    pub fn entries(&self) -> impl Iterator<Item = (&str, String, &str)> {
        self.entries.iter().map(|entry| {
            let words = entry.when.join(" ").replace('*', "");
            (entry.name.as_str(), words, entry.answer.as_str())
        })
    }

    /// The code, name and answer of an entry in each other language.
    pub fn translations(&self, name: &str) -> impl Iterator<Item = (&str, &str, &str)> {
        let entry = self.entries.iter().find(|entry| entry.name == name);
        entry
            .into_iter()
            .flat_map(|entry| &entry.translations)
            .map(|(code, translation)| (code.as_str(), translation.name.as_str(), translation.answer.as_str()))
    }

    /// All answers, as they stand for customers of no other language.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.answer.as_str())
    }

    /// The answer that fits best: the entry with the longest line whose words are all in the message.
    pub fn answer(&self, text: &str, language: Language) -> Option<&str> {
        let said = words(text);
        let fits = |line: &str| {
            let required: Vec<&str> = line.split_whitespace().collect();
            let all = !required.is_empty()
                && required.iter().all(|required| {
                    said.iter().any(|word| match required.strip_suffix('*') {
                        Some(stem) => word.starts_with(stem),
                        None => word == required,
                    })
                });
            all.then_some(required.len())
        };
        let score = |entry: &Entry| entry.when.iter().filter_map(|line| fits(line)).max();
        let mut best: Option<(usize, &Entry)> = None;
        for entry in &self.entries {
            if let Some(score) = score(entry)
                && best.is_none_or(|(highest, _)| score > highest)
            {
                best = Some((score, entry));
            }
        }
        best.map(|(_, entry)| entry.answer_in(language))
    }
}

/// An answer with the values of its names.
fn filled(entry: &str, answer: &str, language: Language, fill: &[(&str, &str)]) -> Result<String, String> {
    let mut answer = answer.to_owned();
    for (name, value) in fill {
        let value = match *name {
            "arrival" => units::arrival(language, value),
            _ if language.is_right_to_left() => ltr(value),
            _ => (*value).to_owned(),
        };
        answer = answer.replace(&format!("{{{name}}}"), &value);
    }
    answer = answer.replace("{order_id}", EXAMPLE);
    match answer.find('{') {
        None => Ok(answer),
        Some(open) => {
            let name: String = answer[open..].chars().take(24).collect();
            Err(format!("the answer “{entry}” holds {name}, which is not known"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faq() -> Faq {
        Faq::read(SHIPPED, &[("arrival", "3-5 business days"), ("quote_minutes", "30")]).unwrap()
    }

    #[test]
    fn written_answers_are_found_and_nothing_else() {
        let faq = faq();
        let answer = |text: &str| faq.answer(text, Language::English);
        assert!(answer("What are your business hours?").unwrap().contains("any hour"));
        assert!(answer("how long does a refund take?").unwrap().contains("3-5 business days"));
        assert!(answer("How do I request a refund?").unwrap().contains("order id"));
        assert!(answer("What payment methods do you accept?").unwrap().contains("checkout"));
        assert_eq!(answer("who won the cricket match yesterday"), None);
        assert_eq!(answer(""), None);
        let where_it_is = answer("where is my order id?").unwrap();
        assert!(with_example(where_it_is, Language::English, Some("#1001")).ends_with("It looks like #1001."));
    }

    #[test]
    fn each_answer_is_written_in_each_language() {
        let faq = faq();
        for entry in &faq.entries {
            for language in Language::ALL.into_iter().filter(|language| *language != Language::English) {
                let answer = entry.answer_in(language);
                assert_ne!(answer, entry.answer, "{} in {language:?}", entry.name);
                assert_eq!(answer.contains(EXAMPLE), entry.answer.contains(EXAMPLE), "{answer}");
                for example in [None, Some("#1001")] {
                    let said = with_example(answer, language, example);
                    let given = example.filter(|_| answer.contains(EXAMPLE)).unwrap_or_default();
                    assert!(said.contains(given) && !said.contains("your order confirmation"), "{said}");
                }
            }
        }
        let spanish = faq.answer("refund kab milega", Language::Spanish).unwrap();
        assert_eq!(spanish, "Una vez confirmado el reembolso, el dinero suele llegar en un plazo de 3-5 días hábiles.");
    }

    #[test]
    fn an_unknown_name_in_an_answer_is_an_error() {
        let text = "[[entry]]\nname='x'\nwhen=['a']\nanswer='it takes {days}'";
        assert!(Faq::read(text, &[]).unwrap_err().contains("{days}"));
        assert!(Faq::read("[[entri]]", &[]).is_err());
        let french = "[[entry]]\nname='x'\nwhen=['a']\nanswer='b'\n[entry.in.fr]\nname='y'\nanswer='c'";
        assert!(Faq::read(french, &[]).unwrap_err().contains("“fr”, which is none of hi-Latn, hi, es, pt, ar"));
        let name = french.replace(".fr]", ".es]").replace("'c'", "'{days}'");
        assert!(Faq::read(&name, &[]).unwrap_err().contains("{days}"));
    }
}

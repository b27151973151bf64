//! Finds the shop's answer to a general question. It never makes one up: no match is `None`.

use serde::Deserialize;

use crate::domain::words::words;

/// The shipped questions and answers.
pub const SHIPPED: &str = include_str!("../../../data/faq.toml");

/// Stands in an answer for an order id like those of the shop.
const EXAMPLE: &str = "ORD123456";

/// An answer with an order id like those of the shop, where it is known what they look like.
pub(in crate::llm) fn with_example(answer: &str, example: Option<&str>) -> String {
    answer.replace(EXAMPLE, example.unwrap_or("the number in your order confirmation"))
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
            for (name, value) in fill {
                entry.answer = entry.answer.replace(&format!("{{{name}}}"), value);
            }
            entry.answer = entry.answer.replace("{order_id}", EXAMPLE);
            if let Some(open) = entry.answer.find('{') {
                let name: String = entry.answer[open..].chars().take(24).collect();
                return Err(format!("the answer “{}” holds {name}, which is not known", entry.name));
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

    /// All answers.
    pub fn answers(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.answer.as_str())
    }

    /// The answer that fits best: the entry with the longest line whose words are all in the message.
    pub fn answer(&self, text: &str) -> Option<&str> {
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
        best.map(|(_, entry)| entry.answer.as_str())
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
        assert!(faq.answer("What are your business hours?").unwrap().contains("any hour"));
        assert!(faq.answer("how long does a refund take?").unwrap().contains("3-5 business days"));
        assert!(faq.answer("How do I request a refund?").unwrap().contains("order id"));
        assert!(faq.answer("What payment methods do you accept?").unwrap().contains("checkout"));
        assert_eq!(faq.answer("who won the cricket match yesterday"), None);
        assert_eq!(faq.answer(""), None);
        let where_it_is = faq.answer("where is my order id?").unwrap();
        assert!(with_example(where_it_is, Some("#1001")).ends_with("It looks like #1001."));
    }

    #[test]
    fn an_unknown_name_in_an_answer_is_an_error() {
        let text = "[[entry]]\nname='x'\nwhen=['a']\nanswer='it takes {days}'";
        assert!(Faq::read(text, &[]).unwrap_err().contains("{days}"));
        assert!(Faq::read("[[entri]]", &[]).is_err());
    }
}

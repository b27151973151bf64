//! The catalogue of what the program itself writes to a customer: one function for each sentence, in each language.
//!
//! It must never decide which sentence is sent: callers hand in the facts. Answers that the shop wrote (`data/faq.toml`)
//! and word lists that messages are compared with are not here.
//!
//! To add a language, add a variant to [`Language`]: every function matches it exhaustively, so the compiler lists the
//! sentences that are still to be translated. A sentence ends without a space or a line break; callers join sentences with
//! [`join`] or with line breaks.

pub mod actions;
pub mod channel;
pub mod choices;
pub mod feedback;
pub mod fraud;
pub mod handoff;
pub mod identification;
pub mod knowledge;
pub mod opt_out;
pub mod orders;
pub mod proposals;
pub mod refunds;
pub mod small_talk;

use super::conversation::Conversation;

/// A language that the catalogue is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Hindi in Latin letters, mixed with English.
    Hinglish,
    /// Hindi.
    Hindi,
    /// Spanish.
    Spanish,
    /// Portuguese.
    Portuguese,
    /// Arabic.
    Arabic,
}

impl Language {
    /// The language in which a customer is answered: English for everybody.
    pub fn of(_conversation: &Conversation) -> Self {
        Self::English
    }
}

/// Sentences one after the other, a space between; empty ones are left out.
pub fn join<'a>(sentences: impl IntoIterator<Item = &'a str>) -> String {
    sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_joined_with_one_space() {
        assert_eq!(join(["", "Sorry.", "", "Please wait."]), "Sorry. Please wait.");
        assert_eq!(join([""; 2]), "");
    }
}

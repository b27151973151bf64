//! The catalogue of what the program itself writes to a customer: one function for each sentence, in each language.
//!
//! It must never decide which sentence is sent: callers hand in the facts. Answers that the shop wrote (`data/faq.toml`)
//! and word lists that messages are compared with are not here.
//!
//! Customers are addressed in one way: *usted* in Spanish, *você* in Portuguese, आप with verbs on -ें in Hindi (“likhein”, “yeh”,
//! “woh” in Latin letters), and in Arabic without imperatives (يرجى الكتابة), which would say whether a man or a woman is meant.
//! The word that brings a person is “agent”, “एजेंट”, “agente”, “atendente” or «موظف».
//!
//! To add a language, add a variant to [`Language`]: every function matches it exhaustively, so the compiler lists the
//! sentences that are still to be translated. A sentence ends without a space or a line break; callers join sentences with
//! [`join`] or with line breaks. Amounts come as the shop shows them; in a language that is written from right to left, what
//! is written from left to right (ids, amounts, numbers, links) goes through [`ltr`] or [`ltr_link`], and what may be either
//! through [`isolated`].

pub mod actions;
pub mod channel;
pub mod choices;
pub mod feedback;
pub mod fraud;
pub mod handoff;
pub mod identification;
pub mod knowledge;
pub mod media;
pub mod opt_out;
pub mod orders;
pub mod proposals;
pub mod rating;
pub mod refunds;
pub mod remedies;
pub mod small_talk;
pub mod units;

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use super::conversation::Conversation;

/// A language that the catalogue is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    /// English.
    #[default]
    #[serde(rename = "en")]
    English,
    /// Hindi in Latin letters, as people write it in chats.
    #[serde(rename = "hi-Latn")]
    Hinglish,
    /// Hindi in its own script.
    #[serde(rename = "hi")]
    Hindi,
    /// Spanish.
    #[serde(rename = "es")]
    Spanish,
    /// Portuguese, as it is written in Brazil.
    #[serde(rename = "pt")]
    Portuguese,
    /// Modern Standard Arabic.
    #[serde(rename = "ar")]
    Arabic,
}

impl Language {
    /// Every language.
    pub const ALL: [Self; 6] =
        [Self::English, Self::Hinglish, Self::Hindi, Self::Spanish, Self::Portuguese, Self::Arabic];

    /// The language in which a customer is answered: the one that the conversation is held in, else English.
    pub fn of(conversation: &Conversation) -> Self {
        conversation.language.unwrap_or_default()
    }

    /// The one of six that is in this language; they stand in the order of [`Self::ALL`].
    pub fn pick<T>(self, [english, hinglish, hindi, spanish, portuguese, arabic]: [T; 6]) -> T {
        match self {
            Self::English => english,
            Self::Hinglish => hinglish,
            Self::Hindi => hindi,
            Self::Spanish => spanish,
            Self::Portuguese => portuguese,
            Self::Arabic => arabic,
        }
    }

    /// Its code (BCP 47), as it is stored.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Hinglish => "hi-Latn",
            Self::Hindi => "hi",
            Self::Spanish => "es",
            Self::Portuguese => "pt",
            Self::Arabic => "ar",
        }
    }

    /// Reads a code. Case, `_` for `-` and a region behind it do not matter: `pt_BR` is Portuguese.
    pub fn parse(code: &str) -> Option<Self> {
        let code = code.trim().replace('_', "-").to_lowercase();
        let is = |language: &Self| {
            let known = language.code().to_lowercase();
            code.strip_prefix(&known).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        // `hi-Latn` before `hi`, with which it begins.
        [Self::Hinglish].into_iter().chain(Self::ALL).find(is)
    }

    /// Whether it is written from right to left.
    pub fn is_right_to_left(self) -> bool {
        self == Self::Arabic
    }
}

/// Where a run that is written from left to right begins in a text of the other direction, and where it ends: it neither
/// moves what stands around it, nor do its own parts change places.
const ISOLATE: char = '\u{2066}';
const END_ISOLATE: char = '\u{2069}';

/// An id, an amount or a number in a text that is written from right to left.
pub fn ltr(value: impl Display) -> String {
    format!("{ISOLATE}{value}{END_ISOLATE}")
}

/// A link in such a text. A space parts it from what follows: some programs take any sign behind a link for a part of it.
pub fn ltr_link(link: &str) -> String {
    format!("{ISOLATE}{link} {END_ISOLATE}")
}

/// A text of unknown direction, such as the name of an article.
pub fn isolated(text: &str) -> String {
    format!("\u{2068}{text}{END_ISOLATE}")
}

/// Several ids or amounts, one after the other.
pub fn ltr_each(values: &[String], separator: &str) -> String {
    values.iter().map(ltr).collect::<Vec<_>>().join(separator)
}

/// Sentences one after the other, a space between; empty ones are left out.
pub fn join<'a>(sentences: impl IntoIterator<Item = &'a str>) -> String {
    sentences.into_iter().filter(|sentence| !sentence.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
pub(crate) mod tests;

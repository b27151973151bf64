//! Decides how a reply is taken apart: identifiers, sentences, clauses.
//!
//! It must never let markup or invisible characters hide a word or a number.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::amounts;
use crate::domain::money::Money;

/// Patterns are constants: the tests use each of them.
#[allow(clippy::expect_used)]
pub(super) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern compiles")
}

/// The refunds' own transaction ids.
static TRANSACTION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)(?:\b|_)rfnd_\w+"));
/// References as banks and other shops write them.
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix) (?:\b|_)(?:txn|utr|rrn|arn|trn|ref|upi|imps|neft)[\s:\#._-]*(?:(?:id|no|number|is|code)\b[\s:\#._-]*){0,3}[a-z]{0,4}\d{4,}\w*
        | (?:\b|_)(?:transaction|reference|refund|ticket|complaint|case|tracking|escalation)\s+(?:id|no|number|ref|reference|code|\#)\b
          [\s:\#.-]*(?:is\b)?[\s:\#.-]*[a-z]{0,8}[-_]?\d[\w-]{3,}",
    )
});
static ORDER: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?:\b|_)(?:([A-Z]{2,})-?\d{4,}|(?i:ord)\d{3,})\w*"));
/// Words that only look like the letters of an identifier when an amount is written right after them.
const NO_ID: &[&str] = &["RS", "INR", "RUPEES", "RUPEE", "USD", "EUR", "GBP", "REFUND", "AMOUNT", "TOTAL", "GET", "OF"];

static CURRENCY_DOT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(rs|inr)\."));
/// “wapas” is written in many ways.
static BACK: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[vw]aa?p[ai]s\b"));
static COURIER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:delivery|courier|shipping|logistics)\s+(?:agent|person|partner|executive|team|guy|boy|staff|man|representative)s?\b",
    )
});
/// Phrases that negate nothing.
static COURTESY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:no (?:problems?|worries|worry|issues?|doubt)|(?:don't|do not|not to|no need to) worry|not only|without (?:any )?(?:further )?(?:delay|issues?|problems?|ado))\b",
    )
});
/// Where a clause ends: at a sign, before a word that turns, and before a new subject.
static CLAUSE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"[,;()\[\]—–]|\s-\s|\b(?:but|however|lekin|magar|though|although)\b|(?:\b(?:and|so|because|as|aur)\b|:)\s+(?:i|i'\w+|we|we'\w+|you|you'\w+|your|the|it|it's|they|this|that|a|an|someone|our|my|maine|humne|aapk[aeio])\b|\band\s+(?:order\s+)?@\d+\s+(?:\w+n't|cannot|(?:is|was|has|can|could|will|does)\s+not)\b",
    )
});

/// One sentence.
#[derive(Debug)]
pub(super) struct Sentence {
    /// Its clauses in lower case; `@0` stands for the first order of the reply, `₹0` for the sentence's first amount.
    pub clauses: Vec<String>,
    /// The whole sentence, written like its clauses.
    pub whole: String,
    /// Its amounts, as they are shown and as they are.
    pub amounts: Vec<(String, Option<Money>)>,
    /// Whether it ends with a question mark.
    pub asks: bool,
}

/// A reply, taken apart.
#[derive(Debug)]
pub(super) struct Reading {
    /// Transactions and other references.
    pub references: Vec<String>,
    /// Orders in their order of appearance.
    pub orders: Vec<String>,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
}

impl Reading {
    pub(super) fn new(reply: &str) -> Self {
        let text = plain(reply);
        let mut references = Vec::new();
        let mut take = |hit: &Captures<'_>| {
            references.push(hit[0].trim_matches('_').to_owned());
            " ".to_owned()
        };
        let text = TRANSACTION.replace_all(&text, &mut take);
        let text = REFERENCE.replace_all(&text, &mut take).into_owned();
        let mut orders = Vec::new();
        let text = ORDER
            .replace_all(&text, |hit: &Captures<'_>| {
                if hit.get(1).is_some_and(|letters| NO_ID.contains(&letters.as_str())) {
                    return hit[0].to_owned();
                }
                let id = hit[0].trim_matches('_').to_uppercase();
                let place = orders.iter().position(|known| *known == id).unwrap_or_else(|| {
                    orders.push(id);
                    orders.len() - 1
                });
                format!(" @{place} ")
            })
            .replace('_', " ");
        let text = CURRENCY_DOT.replace_all(&text, "$1 ");
        let sentences = sentences(&text).into_iter().map(|(text, asks)| sentence(text, asks)).collect();
        Self { references, orders, sentences }
    }

    /// The whole reply, written like its clauses.
    pub(super) fn whole(&self) -> String {
        self.sentences
            .iter()
            .map(|sentence| format!("{}{}", sentence.whole, if sentence.asks { "?" } else { "." }))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// Where the digits of a script begin.
const ZEROS: [u32; 20] = [
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
    0x1040, 0x17E0, 0x1810, 0xFF10,
];

/// The text without markup, marks and invisible characters, with plain digits, spaces and apostrophes. The `_` stays:
/// transactions have it.
pub(super) fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| {
            !matches!(c, '*' | '~' | '`' | '\\' | '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
                && !matches!(c, '\u{2060}'..='\u{2069}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{93C}')
                && !matches!(c, '\u{300}'..='\u{36F}' | '\u{20D0}'..='\u{20FF}' | '\u{1AB0}'..='\u{1AFF}')
                && !matches!(c, '\u{1DC0}'..='\u{1DFF}' | '\u{FE20}'..='\u{FE2F}')
        })
        .map(|c| match c {
            '’' | '‘' | 'ʼ' => '\'',
            '₨' | '৳' | '௹' | '૱' | '௺' => '₹',
            '％' | '٪' => '%',
            '\u{95B}' => 'ज',
            '\u{95C}' => 'ड',
            '\u{95D}' => 'ढ',
            '\u{95E}' => 'फ',
            '@' | amounts::PLACE | '\u{A0}' | '\u{2000}'..='\u{200A}' | '\u{202F}' | '\u{205F}' | '\u{3000}' | '\t' => {
                ' '
            }
            other => digit(other),
        })
        .collect()
}

fn digit(c: char) -> char {
    let value = ZEROS.iter().map(|zero| u32::from(c).wrapping_sub(*zero)).find(|value| *value < 10);
    value.and_then(|value| char::from_digit(value, 10)).unwrap_or(c)
}

/// The sentences, and whether each ends with a question mark. A dot inside a number ends none.
fn sentences(text: &str) -> Vec<(&str, bool)> {
    let (mut found, mut from) = (Vec::new(), 0);
    let bytes = text.as_bytes();
    let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    for (at, c) in text.char_indices() {
        let inside = c == '.' && digit(at.checked_sub(1)) && digit(Some(at + 1));
        if inside || !matches!(c, '.' | '!' | '?' | '…' | '।' | '\n' | '؟' | '？') {
            continue;
        }
        found.push((&text[from..at], matches!(c, '?' | '؟' | '？')));
        from = at + c.len_utf8();
    }
    found.push((&text[from..], false));
    found.retain(|(sentence, _)| !sentence.trim().is_empty());
    found
}

fn sentence(text: &str, asks: bool) -> Sentence {
    let (rest, amounts) = amounts::take(text);
    let lower = rest.to_lowercase();
    let lower = BACK.replace_all(&lower, "wapas");
    let lower = COURIER.replace_all(&lower, "courier");
    let whole = COURTESY.replace_all(&lower, " ").trim().to_owned();
    let mut clauses: Vec<String> = Vec::new();
    let mut from = 0;
    for hit in CLAUSE.find_iter(&whole) {
        clauses.push(whole[from..hit.start()].to_owned());
        from = hit.start();
    }
    clauses.push(whole[from..].to_owned());
    let bare = |clause: &String| {
        let signs = |c: char| !c.is_alphanumeric() && !"@₹✅✔☑👍💸🎉💰".contains(c);
        let clause = clause.trim_matches(signs);
        let joined = ["and ", "so ", "because ", "as ", "aur ", "but ", "however "];
        joined.iter().find_map(|word| clause.strip_prefix(word)).unwrap_or(clause).trim_matches(signs).to_owned()
    };
    let clauses = clauses.iter().map(bare).filter(|clause| !clause.is_empty()).collect();
    Sentence { clauses, whole, amounts, asks }
}

//! Parses a sentence into identifiers, references and amounts.
//!
//! It must never let markup or invisible characters hide a word or a number.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use unicode_normalization::UnicodeNormalization;

use super::amounts::{self, Meaning};
use super::readable::{self, is_invisible, is_mark};
use crate::domain::currency::{Currency, SIGN_AFTER, SIGN_BEFORE, ShopMoney};
use crate::domain::ids::IdPatterns;
use crate::domain::pattern::pattern;

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
/// Words that look like an identifier's letters where an amount follows without a space.
const CURRENCY_WORDS: &[&str] = &["RS", "RUPEES", "RUPEE", "REFUND", "AMOUNT", "TOTAL", "GET", "OF"];

static CURRENCY_DOT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)\b(rs|inr)\."));

fn is_money_word(letters: &str) -> bool {
    CURRENCY_WORDS.contains(&letters) || Currency::new(letters).is_some()
}

/// Ids that are known by themselves: no pattern has to recognise them, and none may take them for something else.
#[derive(Debug, Default)]
pub(super) struct Literals {
    /// The text in plain letters, and the order that it names; `None` for a transaction. The longest first.
    known: Vec<(String, Option<String>)>,
}

impl Literals {
    /// Transactions, and orders by each of their names.
    pub(super) fn new<'a>(
        transactions: impl IntoIterator<Item = &'a str>,
        orders: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let transactions = transactions.into_iter().map(|transaction| (plain(transaction), None));
        let orders = orders.into_iter().map(|(name, id)| (plain(name), Some(id.to_owned())));
        let mut known: Vec<(String, Option<String>)> =
            transactions.chain(orders).filter(|(text, _)| !text.trim().is_empty()).collect();
        known.sort_by_key(|(text, _)| std::cmp::Reverse(text.len()));
        known.dedup();
        Self { known }
    }

    /// The text with a space for each transaction and a place such as `@0` for each order, where they stand as a whole word.
    pub(super) fn taken_out(&self, text: &str, orders: &mut Vec<String>) -> String {
        let mut out = text.to_owned();
        for (name, order) in &self.known {
            let mut from = 0;
            while let Some(at) = find_ignoring_case(&out, name, from) {
                let end = at + name.len();
                if !stands_alone(&out, at, end) {
                    from = end;
                    continue;
                }
                let with = match order {
                    None => " ".to_owned(),
                    Some(id) => {
                        let place = orders.iter().position(|known| known == id).unwrap_or_else(|| {
                            orders.push(id.clone());
                            orders.len() - 1
                        });
                        format!(" @{place} ")
                    }
                };
                out.replace_range(at..end, &with);
                from = at + with.len();
            }
        }
        out
    }
}

/// Where a text holds another one from a place on, with ASCII letters in any case.
fn find_ignoring_case(text: &str, part: &str, from: usize) -> Option<usize> {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let found = text.get(from..)?.windows(part.len()).position(|window| window.eq_ignore_ascii_case(part))?;
    Some(from + found)
}

/// Whether what stands there is no piece of a longer word, number or amount.
fn stands_alone(text: &str, from: usize, to: usize) -> bool {
    // Between two underscores it is set in italics.
    if text[..from].ends_with('_') && text[to..].starts_with('_') {
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        return !word(text[..from - 1].chars().next_back()) && !word(text[to + 1..].chars().next());
    }
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
    let (mut before, mut after) = (text[..from].chars().rev(), text[to..].chars());
    let left = match before.next() {
        // A mark of italics is no part of a word.
        Some('.' | ',' | '-' | '/' | '_') => !before.next().is_some_and(char::is_alphanumeric),
        Some(c) => !c.is_alphanumeric() && !matches!(c, '#' | '@' | amounts::PLACEHOLDER) && !is_sign(text, from),
        None => true,
    };
    let right = match after.next() {
        Some('.' | ',' | '/') => !digit(after.next()) && !text[to..].starts_with("/-"),
        Some('-' | '_') => !after.next().is_some_and(char::is_alphanumeric),
        Some(c) => !c.is_alphanumeric() && !is_sign_after(&text[to..]),
        None => true,
    };
    // `1 599 kr`: three digits may be the thousands of an amount.
    let beside = |near: Option<char>, next: Option<char>| near == Some(' ') && digit(next);
    let (mut before, mut after) = (text[..from].chars().rev(), text[to..].chars());
    let group = to - from == 3
        && text[from..to].bytes().all(|byte| byte.is_ascii_digit())
        && (beside(before.next(), before.next()) || beside(after.next(), after.next()));
    left && right && !group
}

static SIGN_ENDS: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)(?:{SIGN_BEFORE})[\s.:=]*$")));
static SIGN_BEGINS: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^\s*(?:{SIGN_AFTER})")));

/// Whether the sign of a currency stands before a place: then a number there is an amount, also one that is an order's id.
fn is_sign(text: &str, at: usize) -> bool {
    SIGN_ENDS.is_match(&text[..at])
}

fn is_sign_after(text: &str) -> bool {
    SIGN_BEGINS.is_match(text)
}

/// What a sentence names.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Transactions and other references.
    pub references: Vec<String>,
    /// Orders in their order of appearance.
    pub orders: Vec<String>,
    /// Its amounts, as they are shown, and what they can mean.
    pub amounts: Vec<(String, Meaning)>,
    /// In lower case, without references; `@0` stands for the first order, `₹0` for the first amount.
    pub rest: String,
}

impl Parsed {
    /// Parses one sentence. `patterns`: what the shop's ids look like; without them, only ids of letters and digits are known.
    /// `known`: what may stand there as it is; it is taken out before any pattern looks at the rest, whatever it looks like.
    pub(super) fn new(sentence: &str, shop: &ShopMoney, patterns: Option<&IdPatterns>, known: &Literals) -> Self {
        let mut orders: Vec<String> = Vec::new();
        let text = known.taken_out(&plain(sentence), &mut orders);
        let mut references = Vec::new();
        let mut take = |hit: &Captures<'_>| {
            references.push(hit[0].trim_matches('_').to_owned());
            " ".to_owned()
        };
        let text = TRANSACTION.replace_all(&text, &mut take);
        let text = REFERENCE.replace_all(&text, &mut take).into_owned();
        let text = match patterns {
            Some(patterns) => patterns.replaced(&text, |id| {
                let index = orders.iter().position(|known| known == id.as_str()).unwrap_or_else(|| {
                    orders.push(id.as_str().to_owned());
                    orders.len() - 1
                });
                format!(" @{index} ")
            }),
            None => text,
        };
        let text = ORDER
            .replace_all(&text, |hit: &Captures<'_>| {
                if hit.get(1).is_some_and(|letters| is_money_word(letters.as_str())) {
                    return hit[0].to_owned();
                }
                let id = hit[0].trim_matches('_').to_uppercase();
                let index = orders.iter().position(|known| *known == id).unwrap_or_else(|| {
                    orders.push(id);
                    orders.len() - 1
                });
                format!(" @{index} ")
            })
            .replace('_', " ");
        let text = CURRENCY_DOT.replace_all(&text, "$1 ");
        let (rest, amounts) = amounts::extract(&text, shop);
        Self { references, orders, amounts, rest: rest.to_lowercase() }
    }
}

/// The amounts in a text of a shop as they are shown there, and what they can mean.
pub fn amounts_in(text: &str, shop: &ShopMoney) -> Vec<(String, Meaning)> {
    sentences(text)
        .into_iter()
        .flat_map(|sentence| Parsed::new(sentence, shop, None, &Literals::default()).amounts)
        .collect()
}

/// The text without markup, combining marks and invisible characters, with plain letters, digits, spaces and apostrophes.
/// The `_` stays: transactions have it.
pub(super) fn plain(text: &str) -> String {
    if text.is_ascii() {
        let visible = text.chars().filter(|c| !is_invisible(*c) && !matches!(c, '*' | '~' | '`' | '\\'));
        return visible.map(|c| if matches!(c, '@' | '\t') { ' ' } else { c }).collect();
    }
    let visible = text.chars().filter(|c| !is_invisible(*c) && !matches!(c, '*' | '~' | '`' | '\\'));
    visible
        .map(|c| match c {
            '’' | '‘' | 'ʼ' => '\'',
            '௹' | '૱' | '௺' => '₹',
            '٪' => '%',
            '@' | amounts::PLACEHOLDER | '\t' => ' ',
            other => other,
        })
        .nfkd()
        .filter(|c| !is_mark(*c))
        .nfc()
        .map(|c| if c.is_whitespace() && c != '\n' { ' ' } else { readable::digit(c) })
        .collect()
}

/// Words before a dot that end no sentence.
const ABBREVIATIONS: [&str; 25] = [
    "rs", "kr", "inr", "no", "nr", "mr", "mrs", "ms", "dr", "st", "sr", "sra", "vs", "approx", "ca", "bzw", "etc",
    "prof", "jr", "nos", "num", "núm", "tel", "av", "ref",
];

/// The sentences of a text, each with the signs and spaces that end it; nothing is left out. A dot inside of a number or
/// a word ends none.
pub(in crate::agent) fn sentences(text: &str) -> Vec<&str> {
    let (mut found, mut from) = (Vec::new(), 0);
    let mut chars = text.char_indices().peekable();
    let mut before = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '\n' | '!' | '?' | '…' | '।' | '॥' | '؟' | '？' | '！' | '。' | '۔' | '።' | '။' | '։' | '؛' => {
                true
            }
            '.' => {
                let apart = next.is_none_or(char::is_whitespace);
                // “Thanks.In a minute”
                let run_on = before.is_lowercase() && next.is_some_and(char::is_uppercase);
                let closed = next.is_some_and(|c| matches!(c, '"' | '”' | '»' | ')' | '*' | '_' | '.'));
                let word = text[from..at].rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                let initial = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_alphabetic());
                let shortened = initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str());
                (apart && !shortened) || run_on || closed
            }
            _ => false,
        };
        before = c;
        if !ends {
            continue;
        }
        // Signs and spaces that follow belong to the sentence.
        let mut end = at + c.len_utf8();
        while let Some((next_at, next)) = chars.peek().copied() {
            let trails = next.is_whitespace()
                || matches!(
                    next,
                    '.' | '!' | '?' | '…' | '।' | '？' | '！' | '。' | '"' | '”' | '»' | ')' | '*' | '_' | '’'
                );
            if !trails || (matches!(next, '"' | '*' | '_') && text[..end].ends_with(char::is_whitespace)) {
                break;
            }
            end = next_at + next.len_utf8();
            chars.next();
        }
        found.push(&text[from..end]);
        from = end;
        before = ' ';
    }
    if from < text.len() {
        found.push(&text[from..]);
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_end_where_they_end() {
        assert_eq!(
            sentences("Hi! It costs Rs. 5.50, e.g. here. Ok?\nYes"),
            ["Hi! ", "It costs Rs. 5.50, e.g. here. ", "Ok?\n", "Yes"]
        );
        assert_eq!(sentences("Thanks.In a minute. 好的。谢谢"), ["Thanks.", "In a minute. ", "好的。", "谢谢"]);
        assert_eq!(sentences(""), [""; 0]);
    }

    proptest! {
        #[test]
        fn nothing_is_left_out(text in ".{0,80}", odd in "[a-zA-Z .!?\"*।\\n]{0,60}") {
            prop_assert_eq!(sentences(&text).concat(), text);
            prop_assert_eq!(sentences(&odd).concat(), odd);
        }
    }
}

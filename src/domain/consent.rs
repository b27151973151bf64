//! Decides whether a customer's message agrees to what was offered, and of which of the offered orders it speaks.
//!
//! It must never read agreement into a message that says anything else as well: every word and every sign has to be a
//! known one, and a yes has to be about the refund.

mod choice;
mod vocabulary;

use std::sync::LazyLock;

use regex::Regex;
use vocabulary::{BEFORE_TAG, LONGEST, ROLES, Role, WORDS};

use super::ids::{IdPatterns, OrderId};
use super::money::Money;

pub use choice::narrowed;

/// What a message answers to an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A plain yes.
    Yes,
    /// A plain no.
    No,
    /// Neither, or more than a plain answer.
    Unclear,
}

/// Emoji that agree, that refuse, and that change nothing.
const YES_SIGNS: &[char] = &['👍', '👌', '✅', '🆗', '✔', '☑'];
const NO_SIGNS: &[char] = &['👎', '❌', '🚫', '🙅'];
const SMILEYS: &[char] = &['🙂', '😊', '😀', '❤'];
/// Punctuation and currency signs that change nothing.
const PUNCTUATION: &str = ".,!…;-–—'’‘\"“”₹/*।";
/// Joiners and selectors that show nothing by themselves.
const INVISIBLE: &[char] = &['\u{FE0F}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{2060}', '\u{FEFF}'];
/// The question marks of the scripts that customers and their keyboards have.
const QUESTION_MARKS: &[char] =
    &['?', '？', '﹖', '⸮', '؟', '¿', '⁇', '⁈', '⁉', '‽', '❓', '❔', '՞', '፧', '\u{37E}', '︖', '⍰', '🤔'];

#[allow(clippy::expect_used)]
static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?i)(?:₹|\brs\.?|\binr)?\s*([0-9][0-9,]*(?:\.[0-9]+)?)").expect("it compiles"));

/// A message, read word by word.
struct Said {
    roles: Vec<Role>,
    amounts: Vec<Option<Money>>,
    unknown_word: bool,
    unknown_sign: bool,
    yes_sign: bool,
    no_sign: bool,
}

impl Said {
    /// Reads a text that holds no identifiers any more.
    fn read(text: &str) -> Self {
        let text: String = text.replace(":-)", " ").replace(":)", " ").replace(INVISIBLE, "");
        let (rest, amounts) = without_amounts(&text);
        let words = untagged(words(&rest));
        let mut said = Self {
            roles: Vec::new(),
            amounts,
            unknown_word: false,
            unknown_sign: false,
            yes_sign: text.contains(YES_SIGNS),
            no_sign: text.contains(NO_SIGNS),
        };
        for c in text.chars().filter(|c| !in_word(*c) && !c.is_whitespace()) {
            let tone = ('\u{1F3FB}'..='\u{1F3FF}').contains(&c);
            said.unknown_sign |= !(tone || PUNCTUATION.contains(c) || YES_SIGNS.contains(&c) || SMILEYS.contains(&c));
        }
        let mut at = 0;
        while at < words.len() {
            let known = (1..=LONGEST.min(words.len() - at))
                .rev()
                .find_map(|length| ROLES.get(words[at..at + length].join(" ").as_str()).map(|role| (length, *role)));
            if let Some((_, role)) = known {
                said.roles.push(role);
            } else {
                said.unknown_word = true;
            }
            at += known.map_or(1, |(length, _)| length);
        }
        said
    }

    fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    fn any(&self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.has(*role))
    }

    fn only(&self, roles: &[Role]) -> bool {
        self.roles.iter().all(|role| roles.contains(role))
    }

    fn refuses(&self) -> bool {
        let negated = self.has(Role::NegatedVerb);
        let drops = self.has(Role::Drop);
        let first = |role: Role| self.roles.iter().position(|said| *said == role);
        // “Don't stop” goes on, and “go ahead, don't” says two things.
        let proceeds = first(Role::Proceed).is_some_and(|at| first(Role::NegatedVerb).is_none_or(|not| at < not));
        !((negated && drops)
            || proceeds
            || self.any(&[Role::Yes, Role::Confirm, Role::Want, Role::Money, Role::All, Role::Both, Role::Only])
            || self.any(&[Role::Speed, Role::Currency, Role::Doubt])
            || (self.has(Role::Act) && !negated)
            // “No, refund” may be a wish; “don't refund” and “leave the refund” are none.
            || (self.has(Role::Refund) && !negated && !drops)
            || (self.has(Role::Order) && !self.has(Role::Keep))
            || !self.amounts.is_empty())
    }

    fn agrees(&self, names_order: bool) -> bool {
        let refund = self.any(&[Role::Refund, Role::Money]);
        let order = self.has(Role::Order);
        if self.any(&[Role::Harmless, Role::Keep, Role::Doubt])
            || (order && !refund && (!names_order || self.has(Role::Want)))
            || (order && self.has(Role::And))
            || (self.has(Role::All) && self.has(Role::Money))
            || (self.has(Role::Only) && !names_order && self.amounts.is_empty())
            || (self.has(Role::Currency) && self.amounts.is_empty())
        {
            return false;
        }
        let acts = self.has(Role::Act) && !refund && !order && !self.any(&[Role::Speed, Role::Want]);
        let confirms = self.has(Role::Confirm) && !self.has(Role::Please);
        if self.any(&[Role::Yes, Role::Proceed]) || acts || confirms {
            return true;
        }
        if !self.roles.is_empty() && self.only(&[Role::Ji]) {
            return true;
        }
        let little = [
            Role::Weak,
            Role::Please,
            Role::Address,
            Role::Ji,
            Role::Refund,
            Role::Money,
            Role::Act,
            Role::Link,
            Role::Only,
            Role::Currency,
        ];
        self.has(Role::Weak)
            && self.only(&little)
            && (self.has(Role::Refund) || !self.has(Role::Link) || self.has(Role::Act))
            && (self.has(Role::Act) || !self.has(Role::Money))
    }
}

/// Reads a message as the answer to an offer. Order and customer identifiers in it are left aside, and so are amounts:
/// [`agrees_to`] compares them. A refusal that wishes for something else, or names an order, is no plain no.
pub fn answer(text: &str, patterns: &IdPatterns) -> Answer {
    let bare = patterns.without_ids(text);
    if bare.contains(QUESTION_MARKS) {
        return Answer::Unclear;
    }
    let said = Said::read(&bare);
    let names_order = !patterns.orders_in(text).is_empty();
    let names_any = names_order || !patterns.customers_in(text).is_empty();
    if said.unknown_word {
        return Answer::Unclear;
    }
    if said.roles.is_empty() {
        let more = names_any || !said.amounts.is_empty();
        return match (said.yes_sign, said.no_sign) {
            (true, false) if !said.unknown_sign => Answer::Yes,
            (false, true) if !more => Answer::No,
            _ => Answer::Unclear,
        };
    }
    if said.any(&[Role::No, Role::NegatedVerb, Role::Drop]) {
        return if !names_any && said.refuses() { Answer::No } else { Answer::Unclear };
    }
    if !said.unknown_sign && said.agrees(names_order) { Answer::Yes } else { Answer::Unclear }
}

/// Whether the message agrees to a refund of this order with this amount: a plain yes that names no other order and no
/// other amount.
pub fn agrees_to(text: &str, order: &OrderId, amount: Money, patterns: &IdPatterns) -> bool {
    let named = patterns.orders_in(text);
    answer(text, patterns) == Answer::Yes
        && (named.is_empty() || named.contains(order))
        && without_amounts(&patterns.without_ids(text)).1.iter().all(|named| *named == Some(amount))
}

/// Takes the amounts out of a text. A single digit without a currency sign stays: it may count or choose something.
fn without_amounts(text: &str) -> (String, Vec<Option<Money>>) {
    let (mut rest, mut amounts, mut from) = (String::new(), Vec::new(), 0);
    for hit in NUMBER.captures_iter(text) {
        let (Some(whole), Some(number)) = (hit.get(0), hit.get(1)) else { continue };
        let marked = !text[whole.start()..number.start()].trim().is_empty();
        let joined = !marked && text[..number.start()].chars().next_back().is_some_and(in_word);
        let after = text[number.end()..].to_lowercase();
        let unit = ["rs", "inr", "rupee"].iter().any(|unit| after.starts_with(unit));
        let runs_on = after.chars().next().is_some_and(in_word) && !unit;
        if joined || runs_on || (!marked && number.len() < 2) {
            continue;
        }
        rest.push_str(&text[from..whole.start()]);
        rest.push(' ');
        from = number.end();
        amounts.push(Money::parse(number.as_str().trim_end_matches(',')).ok());
    }
    rest.push_str(&text[from..]);
    (rest, amounts)
}

/// Whether a character is part of a word; vowel killers and nukta dots of Devanagari are.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{93C}' | '\u{94D}')
}

/// The words of a text in lower case, without nukta dots and without letters drawn out (“yesss”).
fn words(text: &str) -> Vec<String> {
    text.replace('’', "'")
        .split(|c: char| !(in_word(c) || c == '\''))
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let plain: String = word
                .chars()
                .filter(|c| *c != '\u{93C}')
                .map(|c| match c {
                    '\u{95B}' => 'ज',
                    '\u{95C}' => 'ड',
                    '\u{95D}' => 'ढ',
                    '\u{95E}' => 'फ',
                    other => other,
                })
                .collect();
            [2, 1]
                .iter()
                .map(|most| squeezed(&plain, *most))
                .find(|word| WORDS.contains(word.as_str()))
                .unwrap_or(plain)
        })
        .collect()
}

/// A word whose letters that stand three times or more are held to `most`.
fn squeezed(word: &str, most: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::new();
    for run in letters.chunk_by(|a, b| a == b) {
        let kept = if run.len() >= 3 && run[0].is_alphabetic() { most } else { run.len() };
        out.extend(run.iter().take(kept));
    }
    out
}

/// The words without a “na” that only asks for agreement.
fn untagged(words: Vec<String>) -> Vec<String> {
    let address = |word: &String| matches!(ROLES.get(word.as_str()), Some(Role::Address | Role::Please | Role::Ji));
    let tag = |at: usize| {
        matches!(words[at].as_str(), "na" | "naa" | "ना")
            && at > 0
            && BEFORE_TAG.contains(&words[at - 1].as_str())
            && words.get(at + 1).is_none_or(address)
    };
    (0..words.len()).filter(|at| !tag(*at)).map(|at| words[at].clone()).collect()
}

#[cfg(test)]
#[path = "consent_tests.rs"]
mod tests;

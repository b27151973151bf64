//! Whether a customer's message agrees to an offer, and which of the offered orders it means. A message that says
//! anything else as well is no agreement: every word and sign has to be a known one, and a yes has to be about the
//! refund. What is beside the words (was the offer seen? is this an answer to it?) decides [`Consent`].

mod choice;
mod live;
mod meaning;
mod own_words;
mod press;
mod vocabulary;

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization;
use vocabulary::{BEFORE_TAG, LONGEST, ROLES, Role, WORDS};

use super::currency::{Amount, Currency, SIGN_AFTER, SIGN_BEFORE};
use super::ids::{IdPatterns, OrderId};
use super::money::Decimal;

pub use choice::chosen_orders;
pub use live::{Consent, LiveOffers, Manner, NoConsent, Said, is_shown, shows};
use meaning::agrees_to_proposal;
pub use meaning::{answer_about, answer_to};
pub use own_words::own_words;
pub use press::Press;

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

/// Emoji that agree, that refuse, and that mean neither.
const YES_SIGNS: &[char] = &['👍', '👌', '✅', '🆗', '✔', '☑'];
const NO_SIGNS: &[char] = &['👎', '❌', '🚫', '🙅'];
const SMILEYS: &[char] = &['🙂', '😊', '😀', '❤', '🙏'];
/// Punctuation without a meaning here.
const PUNCTUATION: &str = ".,!…;-–—'’‘\"“”/*।¡،؛۔«»";
/// Joiners, selectors and marks of direction, which are invisible by themselves.
const INVISIBLE: &[char] = &[
    '\u{FE0F}', '\u{200B}', '\u{200C}', '\u{200D}', '\u{200E}', '\u{200F}', '\u{61C}', '\u{2060}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}', '\u{FEFF}',
];
/// The question marks of the scripts that customers and their keyboards have.
const QUESTION_MARKS: &[char] =
    &['?', '？', '﹖', '⸮', '؟', '¿', '⁇', '⁈', '⁉', '‽', '❓', '❔', '՞', '፧', '\u{37E}', '︖', '⍰', '🤔'];

#[expect(clippy::expect_used, reason = "a constant pattern, compiled by every test of this module")]
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    let number = r"[0-9](?:(?:[0-9.,'’]|[\u{A0}\u{202F}][0-9])*[0-9])?";
    Regex::new(&format!("(?i)(?P<before>{SIGN_BEFORE})?\\s*(?P<number>{number})(?:\\s*(?P<after>{SIGN_AFTER}))?"))
        .expect("the pattern compiles")
});

/// An amount that a text names.
struct Named {
    number: String,
    /// The sign or word of its currency, where there is one.
    sign: Option<String>,
}

impl Named {
    /// Whether it can only be this amount, in some country's way of writing numbers.
    fn is(&self, amount: Amount) -> bool {
        let Amount { money, currency } = amount;
        let read = |mark| Decimal::read(&self.number, mark, currency.minor_units())?.to_money(currency).ok();
        self.sign.as_ref().is_none_or(|sign| Currency::from_symbol(sign).contains(&currency))
            && ['.', ','].into_iter().any(|mark| read(mark) == Some(money))
    }
}

/// A message, parsed word by word.
#[expect(clippy::struct_excessive_bools, reason = "independent findings of one pass")]
struct ParsedAnswer {
    roles: Vec<Role>,
    amounts: Vec<Named>,
    unknown_word: bool,
    unknown_sign: bool,
    yes_sign: bool,
    no_sign: bool,
}

impl ParsedAnswer {
    /// Parses a text whose identifiers were removed.
    fn parse(text: &str) -> Self {
        let text: String = text.replace(":-)", " ").replace(":)", " ").replace(INVISIBLE, "").nfc().collect();
        let (rest, amounts) = without_amounts(&text);
        let words = without_tag_questions(&words(&rest));
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
            let money = !said.amounts.is_empty() && is_currency_sign(c);
            said.unknown_sign |=
                !(tone || money || PUNCTUATION.contains(c) || YES_SIGNS.contains(&c) || SMILEYS.contains(&c));
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
            || self.any(&[Role::Speed, Role::Currency, Role::Doubt, Role::Alone, Role::Letter])
            || (self.has(Role::Act) && !negated)
            // “No, refund” may be a wish; “don't refund” and “leave the refund” are none.
            || (self.has(Role::Refund) && !negated && !drops)
            || (self.has(Role::Order) && !self.has(Role::Keep))
            || !self.amounts.is_empty())
    }

    fn agrees(&self, names_order: bool) -> bool {
        let refund = self.any(&[Role::Refund, Role::Money]);
        let order = self.has(Role::Order);
        if (self.has(Role::Alone) && self.roles.len() > 1)
            || self.any(&[Role::Harmless, Role::Keep, Role::Doubt])
            || (order && !refund && (!names_order || self.has(Role::Want)))
            || (order && self.has(Role::And))
            || (self.has(Role::All) && self.has(Role::Money))
            || (self.has(Role::Only) && !names_order && self.amounts.is_empty())
            || (self.has(Role::Currency) && self.amounts.is_empty())
        {
            return false;
        }
        if self.has(Role::Letter) {
            let only_letter = self.only(&[Role::Letter, Role::Please, Role::Thanks, Role::Address, Role::Ji]);
            return only_letter && !names_order && self.amounts.is_empty();
        }
        let acts = self.has(Role::Act) && !refund && !order && !self.any(&[Role::Speed, Role::Want]);
        let confirms = self.has(Role::Confirm) && !self.has(Role::Please);
        if self.any(&[Role::Yes, Role::Proceed]) || acts || confirms {
            return true;
        }
        if self.roles == [Role::Alone] || (!self.roles.is_empty() && self.only(&[Role::Ji])) {
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

/// Classifies a message as the answer to an offer. Order and customer identifiers are ignored, and so are amounts:
/// [`agrees_to`] compares them. A refusal that asks for something else, or names an order, is no plain no.
pub fn answer(text: &str, patterns: &IdPatterns) -> Answer {
    let bare = patterns.without_ids(text);
    if bare.contains(QUESTION_MARKS) {
        return Answer::Unclear;
    }
    let said = ParsedAnswer::parse(&bare);
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
        return if !names_any && said.refuses() && !wants_in_a_clause(&bare) { Answer::No } else { Answer::Unclear };
    }
    if !said.unknown_sign && said.agrees(names_order) { Answer::Yes } else { Answer::Unclear }
}

/// Whether one clause of a refusal wishes something: “no, quiero el reembolso” is no “no quiero el reembolso”.
fn wants_in_a_clause(text: &str) -> bool {
    text.split([',', '،', ';', '؛', '.', '!', '\n', '।'])
        .map(ParsedAnswer::parse)
        .any(|clause| clause.has(Role::Want) && !clause.any(&[Role::No, Role::NegatedVerb, Role::Drop]))
}

/// Whether the message agrees to a refund of this order with this amount: a plain yes that names no other order and no
/// other amount.
pub fn agrees_to(text: &str, order: &OrderId, amount: Amount, patterns: &IdPatterns) -> bool {
    let patterns = &patterns.also_knowing([order]);
    answer(text, patterns) == Answer::Yes && names_no_other(text, order, Some(amount), patterns)
}

/// Whether a message names no other order than this, and no other amount. `patterns` know the order.
fn names_no_other(text: &str, order: &OrderId, amount: Option<Amount>, patterns: &IdPatterns) -> bool {
    let named = patterns.orders_in(text);
    let bare = patterns.without_ids(text);
    // A word of the vocabulary that stands apart from its number: all of them mean rupees.
    let rupees = || amount.is_some_and(|amount| Currency::from_symbol("rupees").contains(&amount.currency));
    (named.is_empty() || named.contains(order))
        && (!ParsedAnswer::parse(&bare).has(Role::Currency) || rupees())
        && without_amounts(&bare).1.iter().all(|named| amount.is_some_and(|amount| named.is(amount)))
}

/// Removes the amounts from a text and returns them. A single digit without a currency sign stays: it may count or choose
/// something.
fn without_amounts(text: &str) -> (String, Vec<Named>) {
    let (mut rest, mut amounts, mut from) = (String::new(), Vec::new(), 0);
    for hit in NUMBER.captures_iter(text) {
        let (Some(whole), Some(number)) = (hit.get(0), hit.name("number")) else { continue };
        let (before, after) = (hit.name("before"), hit.name("after"));
        let joined = before.is_none() && text[..number.start()].chars().next_back().is_some_and(in_word);
        let runs_on = text[whole.end()..].chars().next().is_some_and(in_word);
        if joined || runs_on || (before.is_none() && after.is_none() && number.len() < 2) {
            continue;
        }
        rest.push_str(&text[from..whole.start()]);
        rest.push(' ');
        from = whole.end();
        // Of two signs both have to fit: “$599 rupees” is no amount.
        let signs: Vec<&str> = before.into_iter().chain(after).map(|sign| sign.as_str()).collect();
        let sign = match signs[..] {
            [] => None,
            [sign] => Some(sign.to_owned()),
            [one, other, ..] if Currency::from_symbol(one) == Currency::from_symbol(other) => Some(one.to_owned()),
            _ => Some(signs.join(" ")),
        };
        amounts.push(Named { number: number.as_str().to_owned(), sign });
    }
    rest.push_str(&text[from..]);
    (rest, amounts)
}

/// Whether a character stands for a currency.
fn is_currency_sign(c: char) -> bool {
    !c.is_alphanumeric() && !Currency::from_symbol(c.encode_utf8(&mut [0; 4])).is_empty()
}

/// Whether a character is part of a word; virama and nukta of Devanagari are, and the vowel marks of Arabic.
fn in_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\u{93C}' | '\u{94D}') || is_arabic_mark(c)
}

/// Vowel marks of Arabic, which most people leave out, and the line that stretches a word.
fn is_arabic_mark(c: char) -> bool {
    matches!(c, '\u{64B}'..='\u{652}' | '\u{640}')
}

/// The words of a text in lower case, without nukta and without repeated letters (“yesss”); Arabic without vowel marks, and
/// with the plain one of letters that people write in several ways.
fn words(text: &str) -> Vec<String> {
    text.replace('’', "'")
        .split(|c: char| !(in_word(c) || c == '\''))
        .map(|word| word.trim_matches('\'').to_lowercase())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let plain: String = word
                .chars()
                .filter(|c| *c != '\u{93C}' && !is_arabic_mark(*c))
                .map(|c| match c {
                    '\u{95B}' => 'ज',
                    '\u{95C}' => 'ड',
                    '\u{95D}' => 'ढ',
                    '\u{95E}' => 'फ',
                    'أ' | 'إ' | 'آ' | 'ٱ' => 'ا',
                    'ى' => 'ي',
                    'ة' => 'ه',
                    other => other,
                })
                .collect();
            [2, 1]
                .iter()
                .map(|most| shorten_repeats(&plain, *most))
                .find(|word| WORDS.contains(word.as_str()))
                .unwrap_or(plain)
        })
        .collect()
}

/// A word in which letters that are repeated three times or more are shortened to `most`.
fn shorten_repeats(word: &str, most: usize) -> String {
    let letters: Vec<char> = word.chars().collect();
    let mut out = String::new();
    for run in letters.chunk_by(|a, b| a == b) {
        let kept = if run.len() >= 3 && run[0].is_alphabetic() { most } else { run.len() };
        out.extend(run.iter().take(kept));
    }
    out
}

/// The words without a “na” that is only a tag question.
fn without_tag_questions(words: &[String]) -> Vec<String> {
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

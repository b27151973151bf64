//! Replaces a person's data in texts that leave the shop: telephone numbers, e-mail and payment addresses, cards, numbers of
//! accounts and identity papers, street addresses.
//!
//! It must never hide an order or customer id, which the reader needs, nor lose what it hid: [`Mask::show`] gives it back.
//! Spaces, dashes and characters that nobody sees between the digits make no difference.

use std::ops::Range;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::ids::IdPatterns;
use super::order::column;
use super::pattern::pattern;

static PLACEHOLDER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\[(?:PHONE|EMAIL|CARD|ACCOUNT|ID|ADDRESS|NAME|TEXT)_(\d{1,4})\]"));
/// The same as a model may make it up: one of its words, or any word with a number, in brackets.
static LIKE_PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)\[\s*(?:(?:PHONE|EMAIL|CARD|ACCOUNT|ID|ADDRESS|NAME|TEXT)[_\s-]?\d{0,4}|[a-z]{2,20}_\d{1,4})\s*\]")
});
/// Characters that are not seen; they stand in a class of a pattern.
macro_rules! unseen {
    () => {
        r"\u{ad}\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{2069}\u{feff}\u{fe00}-\u{fe0f}\u{20e3}"
    };
}
/// What stands between the groups of a number, in a class of a pattern: blanks and dashes of all kinds.
macro_rules! between {
    () => {
        concat!(r" \t\u{a0}\u{2000}-\u{200a}\u{202f}\u{3000}\u{2010}-\u{2015}\u{2212}\u{ff0d}().\-", unseen!())
    };
}
static ADDRESS_OF_MAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(r"[\w.+-][\w.+\-", unseen!(), r"]*[@＠][", unseen!(), r"]*\w[\w\-", unseen!(), r"]*(?:\.[\w-]+)*"))
});
/// The permanent account number of India: the fourth letter says who pays the tax.
static TAX_ID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:[A-Z][",
        between!(),
        r"]{0,3}){3}[PCHFATBLJG][",
        between!(),
        r"]{0,3}[A-Z][",
        between!(),
        r"]{0,3}(?:\d[",
        between!(),
        r"]{0,3}){4}[A-Z]"
    ))
});
static IBAN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)[A-Z][",
        between!(),
        r"]{0,3}[A-Z][",
        between!(),
        r"]{0,3}\d[",
        between!(),
        r"]{0,3}\d(?:[",
        between!(),
        r"]{0,3}[A-Z0-9]){11,30}"
    ))
});
/// The code of a branch of a bank in India.
static BRANCH: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)[A-Z]{4}0[A-Z0-9]{6}"));
/// What is called an account, and at least six digits of it.
static ACCOUNT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:\ba/?c\b|\bacc(?:ount|t)?\b|खाता|खाते|\bkhata\b)[^\n\d]{0,20}?(?P<number>\d(?:[",
        between!(),
        r"]{0,3}\d){5,19})"
    ))
});
/// A house and its street, on to the pin code where there is one.
static STREET: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)
        (?:\b(?:flat|house|h\.?\s?no|door|plot|apt|apartment|room|villa|block|shop)\.?\s*(?:no\.?|number)?\s*[:\#-]?\s*)?
        \b\d{1,5}[a-z]?(?:[/-]\d{1,5}[a-z]?){0,2}[\x20,]+
        (?:[\w.'&-]+[\x20,]+){0,6}?
        (?:road|rd|street|str|st|nagar|colony|lane|sector|marg|avenue|ave|layout|cross|society|chowk|gali|vihar|enclave|phase|
           extension|bazaar|bazar|mohalla|puram|residency|apartments?|towers?|heights|rasta|नगर|मार्ग|रोड|गली|कॉलोनी|मोहल्ला)\b
        (?:(?:[\x20,-]+[\w.'&]+){0,6}?[\x20,-]+\d{3}\x20?\d{3}\b)?",
    )
});
/// Digits, and what may stand between them.
static DIGITS: LazyLock<Regex> = LazyLock::new(|| pattern(concat!(r"[+＋]?\(?\d[\d", between!(), r"]{4,60}\d")));
static DATE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\d{4}-\d{2}-\d{2}(?:\D|$)"));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Phone,
    Email,
    Card,
    /// The number of an account, or of a branch of a bank.
    Account,
    /// The number of an identity paper.
    Id,
    Address,
    Name,
    Text,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Phone => "PHONE",
            Self::Email => "EMAIL",
            Self::Card => "CARD",
            Self::Account => "ACCOUNT",
            Self::Id => "ID",
            Self::Address => "ADDRESS",
            Self::Name => "NAME",
            Self::Text => "TEXT",
        }
    }
}

/// What was hidden in one request. The same texts in the same order give the same placeholders.
#[derive(Debug, Clone)]
pub struct Mask {
    patterns: IdPatterns,
    on: bool,
    hidden: Vec<(Kind, String)>,
}

/// What is to be hidden of a text, none over another.
#[derive(Default)]
struct Hits(Vec<(Range<usize>, Kind)>);

impl Hits {
    fn add(&mut self, range: Range<usize>, kind: Kind) {
        if self.0.iter().all(|(known, _)| range.end <= known.start || known.end <= range.start) {
            self.0.push((range, kind));
        }
    }

    /// The parts of a text that nothing of is hidden.
    fn gaps(&self, length: usize) -> Vec<Range<usize>> {
        let mut taken: Vec<&Range<usize>> = self.0.iter().map(|(range, _)| range).collect();
        taken.sort_by_key(|range| range.start);
        let mut from = 0;
        let mut gaps = Vec::new();
        for range in taken {
            gaps.push(from..range.start);
            from = range.end;
        }
        gaps.push(from..length);
        gaps
    }
}

/// How long what was found is, if it is one.
type Fits = fn(&str, &str) -> Option<usize>;

impl Mask {
    /// An empty mask; one that is not `on` hides nothing.
    pub fn new(patterns: IdPatterns, on: bool) -> Self {
        Self { patterns, on, hidden: Vec::new() }
    }

    /// The text with placeholders such as `[PHONE_1]`.
    pub fn hide(&mut self, text: &str) -> String {
        if !self.on {
            return text.to_owned();
        }
        let Hits(mut hits) = self.find(text);
        hits.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (range, kind) in hits {
            out.push_str(&text[from..range.start]);
            from = range.end;
            let placeholder = self.placeholder(kind, &text[range]);
            out.push_str(&placeholder);
        }
        out.push_str(&text[from..]);
        out
    }

    fn find(&self, text: &str) -> Hits {
        let mut hits = Hits::default();
        let ids = self.patterns.ids_in(text);
        let holds_id = |range: &Range<usize>| {
            ids.iter().any(|id| id.start < range.end && range.start < id.end)
                || !self.patterns.customers_in(&text[range.clone()]).is_empty()
        };
        for hit in PLACEHOLDER.find_iter(text) {
            hits.add(hit.range(), Kind::Text);
        }
        for gap in hits.gaps(text.len()) {
            for hit in ADDRESS_OF_MAIL.find_iter(&text[gap.clone()]) {
                hits.add(gap.start + hit.start()..gap.start + hit.end(), Kind::Email);
            }
        }
        let whole: Fits = |found, _| Some(found.len());
        let words: [(&Regex, Kind, Fits); 3] =
            [(&IBAN, Kind::Account, iban), (&TAX_ID, Kind::Id, whole), (&BRANCH, Kind::Account, whole)];
        for (pattern, kind, fits) in words {
            for gap in hits.gaps(text.len()) {
                for hit in pattern.find_iter(&text[gap.clone()]) {
                    let after = &text[gap.start + hit.end()..];
                    let Some(length) = fits(hit.as_str(), after) else { continue };
                    let range = gap.start + hit.start()..gap.start + hit.start() + length;
                    if stands_alone(text, &range) && !holds_id(&range) {
                        hits.add(range, kind);
                    }
                }
            }
        }
        for hit in ACCOUNT.captures_iter(text) {
            let Some(number) = hit.name("number") else { continue };
            if stands_alone(text, &number.range()) && !holds_id(&number.range()) && !DATE.is_match(number.as_str()) {
                hits.add(number.range(), Kind::Account);
            }
        }
        for gap in hits.gaps(text.len()) {
            let runs: Vec<_> = DIGITS.find_iter(&text[gap.clone()]).map(|run| run.range()).collect();
            for hit in STREET.find_iter(&text[gap.clone()]) {
                // What looks like the number of a house may be the end of a longer one, which is hidden whole.
                let run = runs.iter().find(|run| run.start < hit.start() && hit.start() < run.end);
                let start = run.map_or(hit.start(), |run| run.start);
                let range = gap.start + start..gap.start + hit.end();
                if stands_alone(text, &range) && !holds_id(&range) {
                    hits.add(range, Kind::Address);
                }
            }
        }
        for gap in hits.gaps(text.len()) {
            for hit in DIGITS.find_iter(&text[gap.clone()]) {
                let range = gap.start + hit.start()..gap.start + hit.end();
                if stands_alone(text, &range) {
                    digits(hit.as_str(), range.start, &holds_id, &mut hits);
                }
            }
        }
        hits
    }

    /// The same with every text inside of a JSON value; its keys stay. The columns of an order that hold a person's data are
    /// hidden as a whole.
    pub fn hide_json(&mut self, value: &Value) -> Value {
        let fields = match value {
            Value::Object(fields) if self.on => fields,
            Value::Array(items) => return items.iter().map(|item| self.hide_json(item)).collect(),
            other => return map(other, &mut |text| self.hide(text)),
        };
        let mut hidden = Map::new();
        for (name, value) in fields {
            let value = match private(name) {
                Some(kind) => map(value, &mut |text| self.placeholder(kind, text)),
                None => self.hide_json(value),
            };
            hidden.insert(name.clone(), value);
        }
        Value::Object(hidden)
    }

    /// The text with the placeholders replaced by what they hide.
    pub fn show(&self, text: &str) -> String {
        PLACEHOLDER
            .replace_all(text, |hit: &Captures<'_>| {
                let number = hit[1].parse::<usize>().unwrap_or(0);
                let known = number.checked_sub(1).and_then(|index| self.hidden.get(index));
                match known {
                    Some((kind, value)) if hit[0][1..].starts_with(kind.word()) => value.clone(),
                    _ => hit[0].to_owned(),
                }
            })
            .into_owned()
    }

    /// Whether a text holds what looks like a placeholder and stands for nothing: whoever wrote it made it up.
    pub fn has_unknown(&self, text: &str) -> bool {
        LIKE_PLACEHOLDER
            .find_iter(text)
            .any(|hit| self.show(hit.as_str()) == hit.as_str() && !self.is_own_word(hit.as_str()))
    }

    /// Whether somebody wrote a placeholder themselves, which stands for itself.
    fn is_own_word(&self, placeholder: &str) -> bool {
        self.hidden.iter().any(|(kind, value)| *kind == Kind::Text && value == placeholder)
    }

    /// The same with every text inside of a JSON value.
    pub fn show_json(&self, value: &Value) -> Value {
        map(value, &mut |text| self.show(text))
    }

    /// What was hidden, each once.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.hidden.iter().filter(|(kind, _)| *kind != Kind::Text).map(|(_, value)| value.as_str())
    }

    fn placeholder(&mut self, kind: Kind, value: &str) -> String {
        let known = self.hidden.iter().position(|(hidden, text)| *hidden == kind && text == value);
        let index = known.unwrap_or_else(|| {
            self.hidden.push((kind, value.to_owned()));
            self.hidden.len() - 1
        });
        format!("[{}_{}]", kind.word(), index + 1)
    }
}

/// A run of digits: hidden as a whole, else the longest groups of its parts that are some number.
fn digits(run: &str, at: usize, holds_id: &dyn Fn(&Range<usize>) -> bool, hits: &mut Hits) {
    let kind = |part: &Range<usize>| kind(&run[part.clone()]).filter(|_| !holds_id(&(at + part.start..at + part.end)));
    if let Some(kind) = kind(&(0..run.len())) {
        return hits.add(at..at + run.len(), kind);
    }
    if DATE.is_match(run) && !run.contains(' ') {
        return;
    }
    // The parts that stand between blanks.
    let mut parts: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    for (place, c) in run.char_indices().chain([(run.len(), ' ')]) {
        if c.is_whitespace() {
            if from < place {
                parts.push(from..place);
            }
            from = place + c.len_utf8();
        }
    }
    let mut first = 0;
    while first < parts.len() {
        let found = (first..parts.len()).rev().find_map(|last| {
            let range = parts[first].start..parts[last].end;
            kind(&range).map(|kind| (last, range, kind))
        });
        match found {
            Some((last, range, kind)) => {
                hits.add(at + range.start..at + range.end, kind);
                first = last + 1;
            }
            None => first += 1,
        }
    }
}

/// What a run of digits is, if it is anything.
fn kind(run: &str) -> Option<Kind> {
    if DATE.is_match(run) || !run.starts_with(|c: char| c.is_numeric() || "(+＋".contains(c)) {
        return None;
    }
    let count = run.chars().filter(|c| c.is_numeric()).count();
    let international = run.starts_with(['+', '＋']) || run.starts_with("00");
    if international && (8..=15).contains(&count) {
        Some(Kind::Phone)
    } else if card(run) {
        Some(Kind::Card)
    } else if (10..=13).contains(&count) {
        Some(Kind::Phone)
    } else {
        (14..=19).contains(&count).then_some(Kind::Account)
    }
}

/// What a column of an order holds, where that is a person's data whatever it looks like.
fn private(column: &str) -> Option<Kind> {
    match column {
        column::CUSTOMER_NAME => Some(Kind::Name),
        column::EMAIL => Some(Kind::Email),
        column::PHONE | column::OTHER_PHONES => Some(Kind::Phone),
        column::ADDRESS | column::POSTAL_CODE => Some(Kind::Address),
        column::PAYMENT_ID => Some(Kind::Account),
        _ => None,
    }
}

/// Whether nothing beside a part of a text makes it a part of something else.
fn stands_alone(text: &str, range: &Range<usize>) -> bool {
    let mut before = text[..range.start].chars().rev();
    let mut after = text[range.end..].chars();
    let beside = |nearest: Option<char>, next: Option<char>| match nearest {
        // Of a time, a date or a fraction only between digits: otherwise it stands before a number, as in `phone:`.
        Some(':' | '/') => next.is_some_and(char::is_numeric),
        nearest => nearest.is_some_and(joins),
    };
    !beside(before.next(), before.next()) && !beside(after.next(), after.next())
}

/// Characters of an account number of the international form, by its country (SWIFT's IBAN registry).
const IBAN_LENGTHS: [(usize, &str); 18] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// How long an account number of the international form is, by its country and check digits; none where it is no such number.
/// What follows it may have been taken for a part of it; `after` is what stands behind that.
fn iban(text: &str, after: &str) -> Option<usize> {
    let signs: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| c.is_ascii_alphanumeric()).collect();
    let country: String = signs.iter().take(2).map(|(_, c)| c.to_ascii_uppercase()).collect();
    let (count, _) = IBAN_LENGTHS.iter().find(|(_, countries)| countries.split(' ').any(|known| known == country))?;
    let end = signs.get(count - 1)?.0 + 1;
    // A short word before digits is none: a country in small letters stands at its digits.
    let (_, second) = *signs.get(1)?;
    let joined = second.is_ascii_uppercase() || signs.get(2)?.0 == signs.get(1)?.0 + 1;
    let apart = text[end..].chars().chain(after.chars()).next().is_none_or(|c| !c.is_ascii_alphanumeric());
    let plain: Vec<u8> = text[..end].bytes().filter(u8::is_ascii_alphanumeric).collect();
    let rest = plain[4..].iter().chain(&plain[..4]).fold(0_u32, |rest, c| match c {
        b'0'..=b'9' => (rest * 10 + u32::from(c - b'0')) % 97,
        letter => (rest * 100 + u32::from(letter.to_ascii_uppercase() - b'A') + 10) % 97,
    });
    (joined && apart && rest == 1).then_some(end)
}

/// Whether a character beside digits makes them part of something else: a word, an id, an amount.
fn joins(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '₹' | '$' | '€' | '£' | '@' | '+')
}

/// Whether thirteen digits or more are those of a card, by their check digit (Luhn's formula).
fn card(run: &str) -> bool {
    let digits: Vec<u32> = run.chars().filter_map(digit).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, doubled) if doubled > 9 => doubled - 9,
            (_, doubled) => doubled,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

/// The value of a digit, also of other scripts: their digits follow one another from a zero on.
fn digit(c: char) -> Option<u32> {
    const ZEROS: [char; 12] = ['0', '٠', '۰', '०', '০', '੦', '૦', '୦', '௦', '౦', '೦', '０'];
    ZEROS.into_iter().map(|zero| u32::from(c).wrapping_sub(zero.into())).find(|value| *value < 10)
}

fn map(value: &Value, change: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::String(text) => Value::String(change(text)),
        Value::Array(items) => items.iter().map(|item| map(item, change)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), map(value, change))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
#[path = "mask_tests.rs"]
mod tests;

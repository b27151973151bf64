//! Telephone numbers: which number a text of the shop's data is, and whether a WhatsApp identity is that number.
//!
//! A number is read only where one reading is left; everything else is refused. The plans of the countries (which digits are a
//! number there, how it is dialled) are those of the crate `phonenumber`; its own parser is not used, since it guesses.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use phonenumber::metadata::DATABASE;
use phonenumber::{Metadata, metadata::Descriptor};
use regex::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::ids::UserId;

/// The most digits of a number with its country code (E.164).
const LONGEST: usize = 15;
/// The fewest digits of a number with its country code that are accepted.
const SHORTEST: usize = 7;
/// A bare number that ends with so many zeros was rounded by a spreadsheet.
const ROUNDED: usize = 5;

/// The country of a shop: how numbers without a country code are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    id: [u8; 2],
    /// The calling code.
    code: u16,
}

impl Country {
    /// The country of an ISO code (`IN`), or the main one of a calling code (`91`, `+91`).
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let metadata = if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
            if digits.starts_with('0') {
                return None;
            }
            let regions = DATABASE.by_code(&digits.parse::<u16>().ok()?)?;
            regions.iter().find(|region| region.is_main_country_for_code()).or(regions.first()).copied()?
        } else {
            DATABASE.by_id(text.to_uppercase().as_str())?
        };
        let id: [u8; 2] = metadata.id().as_bytes().try_into().ok()?;
        id.iter().all(u8::is_ascii_uppercase).then_some(Self { id, code: metadata.country_code() })
    }

    /// The ISO code.
    pub fn id(&self) -> &str {
        std::str::from_utf8(&self.id).unwrap_or_default()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Why a text is not read as a number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PhoneError {
    /// A spreadsheet wrote it with an exponent, or rounded it.
    #[error("a spreadsheet has shortened it, and its last digits are lost")]
    Shortened,
    /// It has decimals that are not zero.
    #[error("it has decimals")]
    Decimals,
    /// It holds words, such as an extension.
    #[error("it holds letters: write the number alone, without an extension")]
    Letters,
    /// It holds more than one number.
    #[error("it holds more than one number: leave the one that writes on WhatsApp")]
    Several,
    /// It holds a character that no number has.
    #[error("it holds “{0}”")]
    Character(char),
    /// It can be read in two ways.
    #[error("it can be +{0} or +{1}: write it with + and the country code")]
    Ambiguous(String, String),
    /// It is no number, as written in this country.
    #[error("it is no telephone number in {0}: write it with + and the country code, as text")]
    NoNumber(Country),
}

/// How numbers of one region look.
struct Plan {
    id: String,
    general: Regex,
    /// The kinds of numbers, such as mobile or fixed line.
    kinds: RegexSet,
    lengths: Vec<u16>,
    /// What is dialled before a national number.
    trunk: Option<Regex>,
    transform: Option<String>,
    /// What is dialled before a number of another country.
    abroad: Option<Regex>,
}

fn pattern(text: &str) -> Option<Regex> {
    RegexBuilder::new(text).ignore_whitespace(true).build().ok()
}

impl Plan {
    fn new(metadata: &Metadata) -> Option<Self> {
        let descriptors = metadata.descriptors();
        let kinds = [
            descriptors.mobile(),
            descriptors.fixed_line(),
            descriptors.voip(),
            descriptors.personal_number(),
            descriptors.toll_free(),
            descriptors.premium_rate(),
            descriptors.shared_cost(),
            descriptors.pager(),
            descriptors.uan(),
        ];
        // The general description names no lengths of its own.
        let lengths = kinds.iter().flatten().flat_map(|kind| kind.possible_length()).copied().collect();
        let whole = |descriptor: &Descriptor| format!("^(?:{})$", descriptor.national_number().as_str());
        let kinds =
            RegexSetBuilder::new(kinds.into_iter().flatten().map(whole)).ignore_whitespace(true).build().ok()?;
        let trunk = metadata
            .national_prefix_for_parsing()
            .map(|prefix| prefix.as_str().to_owned())
            .or_else(|| metadata.national_prefix().map(regex::escape));
        // Mexico's former prefixes, which its plan no longer has.
        let trunk = trunk.or_else(|| (metadata.country_code() == 52).then(|| "01|04[45]".to_owned()));
        Some(Self {
            id: metadata.id().to_owned(),
            general: pattern(&whole(descriptors.general()))?,
            kinds,
            lengths,
            trunk: trunk.and_then(|trunk| pattern(&format!("^(?:{trunk})"))),
            transform: metadata.national_prefix_transform_rule().map(str::to_owned),
            abroad: metadata.international_prefix().and_then(|prefix| pattern(&format!("^(?:{})", prefix.as_str()))),
        })
    }

    fn has_length(&self, national: &str) -> bool {
        self.lengths.iter().any(|length| usize::from(*length) == national.len())
    }

    fn fits(&self, national: &str) -> bool {
        self.has_length(national) && self.general.is_match(national) && self.kinds.is_match(national)
    }

    /// The number without what is dialled before it in its own country.
    fn without_trunk(&self, digits: &str) -> Option<String> {
        let found = self.trunk.as_ref()?.captures(digits)?;
        let whole = found.get(0)?;
        let rest = &digits[whole.end()..];
        if whole.is_empty() {
            return None;
        }
        // The prefix may hold an area or a carrier: the rule says what of it belongs to the number.
        match (&self.transform, found.get(1)) {
            (Some(rule), Some(_)) => {
                let mut kept = String::new();
                found.expand(rule, &mut kept);
                Some(format!("{kept}{rest}"))
            }
            _ => Some(rest.to_owned()).filter(|rest| !rest.is_empty()),
        }
    }
}

/// The plans of the regions of a calling code, compiled when they are first needed.
fn plans(code: u16) -> Arc<[Plan]> {
    static KNOWN: LazyLock<Mutex<HashMap<u16, Arc<[Plan]>>>> = LazyLock::new(Mutex::default);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let made = known.entry(code).or_insert_with(|| {
        DATABASE.by_code(&code).into_iter().flatten().filter_map(Plan::new).collect::<Vec<_>>().into()
    });
    Arc::clone(made)
}

/// The calling code and the rest of a number.
fn split(digits: &str) -> Option<(u16, &str)> {
    (1..=3).find_map(|length| {
        let code: u16 = digits.get(..length)?.parse().ok()?;
        (!digits.starts_with('0') && DATABASE.region(&code).is_some()).then(|| (code, &digits[length..]))
    })
}

/// One writing of numbers that have two: Mexico's mobile numbers had a 1 before them, and those of Brazil got a ninth
/// digit. WhatsApp keeps the former writing for accounts of that time.
fn canonical(code: u16, national: &str) -> Cow<'_, str> {
    match code {
        52 if national.len() == 11 && national.starts_with('1') => Cow::Borrowed(&national[1..]),
        55 if national.len() == 10 && matches!(national.as_bytes()[2], b'6' | b'8' | b'9') => {
            Cow::Owned(format!("{}9{}", &national[..2], &national[2..]))
        }
        _ => Cow::Borrowed(national),
    }
}

/// The number, where these digits are one of that calling code.
fn valid(code: u16, national: &str) -> Option<String> {
    let national = canonical(code, national);
    plans(code).iter().any(|plan| plan.fits(&national)).then(|| format!("{code}{national}"))
}

/// Reads digits that begin with a calling code; a prefix of the other country may follow it, as in `+44 (0)20`.
fn international(digits: &str) -> Option<String> {
    let (code, national) = split(digits)?;
    let with_trunk = || plans(code).iter().find_map(|plan| valid(code, &plan.without_trunk(national)?));
    valid(code, national).or_else(with_trunk).filter(|number| number.len() <= LONGEST)
}

/// A number that begins with `+` and has a length that its country knows: plans change, and what is written is plain.
fn possible(digits: &str) -> Option<String> {
    let (code, national) = split(digits)?;
    let plans = plans(code);
    let known = plans.iter().any(|plan| plan.has_length(national));
    let prefixed =
        plans.iter().any(|plan| plan.without_trunk(national).is_some_and(|rest| valid(code, &rest).is_some()));
    let number = format!("{code}{}", canonical(code, national));
    (known && !prefixed && !national.starts_with('0') && (SHORTEST..=LONGEST).contains(&number.len())).then_some(number)
}

/// All numbers that digits without a `+` can be: as at home, or with the home country's own code. The code of another
/// country counts only where it is written as one: a digit too many would make a stranger's number of a customer's.
fn readings(digits: &str, home: Country) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |number: Option<String>| {
        if let Some(number) = number
            && !found.contains(&number)
        {
            found.push(number);
        }
    };
    let code = home.code.to_string();
    add(valid(home.code, digits));
    let plans = plans(home.code);
    if let Some(plan) = plans.iter().find(|plan| plan.id == home.id()) {
        if let Some(rest) = plan.without_trunk(digits) {
            add(valid(home.code, &rest));
            if rest.starts_with(&code) {
                add(international(&rest));
            }
        }
        if let Some(prefix) = plan.abroad.as_ref().and_then(|prefix| prefix.find(digits)) {
            add(international(&digits[prefix.end()..]));
        }
    }
    if let Some(rest) = digits.strip_prefix("00") {
        add(international(rest));
    }
    if digits.starts_with(&code) {
        add(international(digits));
    }
    found
}

/// The places of zero in the scripts whose digits people write.
const ZEROS: [u32; 20] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
    0xF20, 0x1040, 0x17E0, 0xFF10,
];

/// The digit of 0 to 9 that a digit of any script is.
pub(super) fn digit(c: char) -> Option<char> {
    let place = u32::from(c);
    let zero = ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&place))?;
    char::from_digit(place - zero, 10)
}

/// A character as numbers are read: digits of any script as `0` to `9`, dashes and spaces of any kind as `-` and space, invisible
/// characters as nothing.
pub fn plain(c: char) -> Option<char> {
    if let Some(digit) = digit(c) {
        return Some(digit);
    }
    match c {
        '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{AD}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{FE63}' | '\u{FF0D}' => Some('-'),
        '\u{FF0B}' | '\u{FE62}' => Some('+'),
        '\u{FF08}' => Some('('),
        '\u{FF09}' => Some(')'),
        '\u{FF0E}' => Some('.'),
        '\n' | '\r' => Some('\n'),
        c if c.is_whitespace() => Some(' '),
        c => Some(c),
    }
}

#[expect(clippy::expect_used, reason = "constant patterns: the tests below compile each of them")]
fn constant(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern compiles")
}

static LABEL: LazyLock<Regex> =
    LazyLock::new(|| constant(r"(?i)^(?:p|t|m|tel|phone|ph|mob|mobile|cell|contact|whatsapp|wa|number|no)\.?\s*:\s*"));
static EXPONENT: LazyLock<Regex> = LazyLock::new(|| constant(r"^(\+?)(\d+)(?:[.,](\d+))?[eE]\+?(\d{1,3})$"));
static FRACTION: LazyLock<Regex> = LazyLock::new(|| constant(r"^(\+?\d{7,})[.,](\d{1,2}|0+)$"));

/// The number that a text of the shop's data is: digits with the country code, as WhatsApp writes them, without `+`.
///
/// # Errors
/// When it is no number, or not certainly one.
pub fn read(text: &str, home: Country) -> Result<String, PhoneError> {
    several(&cleaned(text)?, home)
}

/// All numbers that a text of the shop's data holds, in their order, each once: `+91 98765 43210 / 98765 43211`. Each must be
/// complete and certain by itself.
///
/// # Errors
/// As [`read`]: one part that is no number refuses the whole, so that no order is shown to a number that a fragment became.
pub fn read_all(text: &str, home: Country) -> Result<Vec<String>, PhoneError> {
    let text = cleaned(text)?;
    if let Ok(number) = several(&text, home) {
        return Ok(vec![number]);
    }
    let mut found: Vec<String> = Vec::new();
    for part in parts(&text) {
        let number = several(&cleaned(part)?, home)?;
        if !found.contains(&number) {
            found.push(number);
        }
    }
    if found.is_empty() { Err(PhoneError::NoNumber(home)) } else { Ok(found) }
}

/// How many digits [`tail`] has.
const TAIL: usize = 7;

/// The last digits of a text that may be a number: whatever country it is of, and however it is written, they are the last
/// digits of the number. Stores find numbers by them, and then read them.
pub fn tail(text: &str) -> Option<String> {
    let digits: String = cleaned(text).ok()?.chars().filter(char::is_ascii_digit).collect();
    digits.get(digits.len().checked_sub(TAIL)?..).map(str::to_owned)
}

/// A number with its country code, with or without `+`, as [`read`] gives it, and its [`tail`]: what is searched for.
pub fn searched(number: &str) -> Option<(String, String)> {
    let number = of_identity(&UserId::new(number.trim()))?;
    let tail = tail(&number)?;
    Some((number, tail))
}

/// How programs write a number most often: with `+`, without, and as at home.
pub fn usual(number: &str) -> Vec<String> {
    let mut texts = vec![format!("+{number}"), number.to_owned()];
    if let Some((code, national)) = split(number) {
        texts.extend([format!("+{code} {national}"), national.to_owned(), format!("0{national}")]);
    }
    texts
}

/// The text of one or more numbers, without what spreadsheets and people put around them.
fn cleaned(text: &str) -> Result<String, PhoneError> {
    let text: String = text.chars().filter_map(plain).collect();
    let quote = |c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`' | '=' | '\u{2018}'..='\u{201F}' | '´');
    let text = text.trim_matches(quote);
    let text = LABEL.replace(text, "");
    let mut text = Cow::Borrowed(text.trim_matches(quote));
    let mut bare = !text.starts_with('+') && text.bytes().all(|byte| byte.is_ascii_digit());
    if let Some(number) = EXPONENT.captures(&text) {
        let decimals = number.get(3).map_or("", |decimals| decimals.as_str());
        let exponent: usize = number[4].parse().unwrap_or(usize::MAX);
        let exact = decimals.len() >= exponent && decimals[exponent..].bytes().all(|digit| digit == b'0');
        if !exact {
            return Err(PhoneError::Shortened);
        }
        bare = true;
        text = Cow::Owned(format!("{}{}{}", &number[1], &number[2], &decimals[..exponent]));
    } else if let Some(number) = FRACTION.captures(&text) {
        if number[2].bytes().any(|digit| digit != b'0') {
            return Err(PhoneError::Decimals);
        }
        bare = true;
        text = Cow::Owned(number[1].to_owned());
    }
    if bare && text.len() - text.trim_end_matches('0').len() >= ROUNDED {
        return Err(PhoneError::Shortened);
    }
    Ok(text.into_owned())
}

/// The parts of a text that may hold several numbers.
fn parts(text: &str) -> Vec<&str> {
    text.split(['/', ',', ';', '|', '&', '\n']).map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Reads a text that may hold several numbers, which must all be the same one.
fn several(text: &str, home: Country) -> Result<String, PhoneError> {
    if text.chars().any(char::is_alphabetic) {
        return Err(PhoneError::Letters);
    }
    let parts = parts(text);
    let [first, others @ ..] = parts.as_slice() else { return Err(PhoneError::NoNumber(home)) };
    let read = one(first, home);
    match (others, &read) {
        ([], _) => read,
        // `030/12345678`: neither part is a number.
        ([second], Err(_)) if text.contains('/') && one(second, home).is_err() => one(&parts.concat(), home),
        (others, Ok(number)) if others.iter().all(|part| one(part, home).as_ref() == Ok(number)) => read,
        _ => Err(PhoneError::Several),
    }
}

fn one(text: &str, home: Country) -> Result<String, PhoneError> {
    let text = text.trim();
    if let Some(odd) =
        text.chars().find(|c| !c.is_ascii_digit() && !matches!(c, ' ' | '-' | '.' | '(' | ')' | '+' | '~'))
    {
        return Err(PhoneError::Character(odd));
    }
    let digits_of = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let start = text.trim_start_matches(['(', ' ']);
    let explicit = start.starts_with('+');
    if text.matches('+').count() > usize::from(explicit) {
        return Err(PhoneError::Several);
    }
    if text.starts_with('-') {
        return Err(PhoneError::Character('-'));
    }
    let mut digits = digits_of(text);
    // `+44 (0)20`: the zero is dialled at home only. In Italy it belongs to the number.
    if let Some((before, after)) = text.split_once("(0)") {
        let before = digits_of(before);
        let code = split(before.trim_start_matches('0')).filter(|(_, rest)| rest.is_empty());
        if code.is_some_and(|(code, _)| plans(code).iter().any(|plan| plan.trunk.is_some())) {
            digits = format!("{before}{}", digits_of(after));
        }
    }
    if digits.len() > LONGEST + 5 {
        return Err(PhoneError::Several);
    }
    let mut found: Vec<String> = if explicit {
        international(&digits).or_else(|| possible(&digits)).into_iter().collect()
    } else {
        readings(&digits, home)
    };
    found.dedup();
    match found.as_slice() {
        [] => Err(PhoneError::NoNumber(home)),
        [number] => Ok(number.clone()),
        [one, other, ..] => Err(PhoneError::Ambiguous(one.clone(), other.clone())),
    }
}

/// The number of a WhatsApp identity in the form of [`read`], or `None` where the identity is something else. It always
/// carries its country code, so nothing is added, and nothing but digits is accepted.
pub fn of_identity(user: &UserId) -> Option<String> {
    let digits = super::ids::transport_phone(user)?;
    let Some((code, national)) = split(&digits) else { return Some(digits) };
    Some(format!("{code}{}", canonical(code, national)))
}

#[cfg(test)]
#[path = "phone_tests.rs"]
mod tests;

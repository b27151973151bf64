//! Reads the amounts of a column. Whether a point or a comma stands before the decimals is what the column's values decide; a value
//! that can be two amounts is refused. Amounts never pass through floating-point numbers.

use super::is_missing;
use super::marks;
use crate::domain::currency::Currency;
use crate::domain::money::{Money, are_groups};
use crate::domain::phone::plain;
use crate::domain::words::excerpt;

/// The largest amount in minor units: exact also in programs that use doubles.
const LARGEST: i64 = 9_007_199_254_740_991;
/// How many values of each kind show that a mark before three digits parts thousands.
const ENOUGH: u32 = 2;

/// What stands before the decimals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DecimalMark {
    /// 1,299.50.
    Point,
    /// 1.299,50.
    Comma,
}

impl DecimalMark {
    const fn of(mark: char) -> Option<Self> {
        match mark {
            '.' => Some(Self::Point),
            ',' => Some(Self::Comma),
            _ => None,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Point => Self::Comma,
            Self::Comma => Self::Point,
        }
    }
}

/// Why a text is no amount that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// It is something else.
    #[error("“{0}” is not an amount")]
    NotAnAmount(String),
    /// Below zero.
    #[error("“{0}” is negative: an order's amount is what was paid")]
    Negative(String),
    /// The mark before three digits may part decimals or thousands.
    #[error(
        "“{text}” can be {thousands} or {decimals}: write it without a separator of thousands, and with two decimals"
    )]
    Ambiguous {
        /// The text.
        text: String,
        /// Its digits, if the mark parts thousands.
        thousands: String,
        /// Its digits, if the mark is before the decimals.
        decimals: String,
    },
    /// More decimals than the currency has.
    #[error("“{text}” has more decimals than {currency} has")]
    TooPrecise {
        /// The text.
        text: String,
        /// The currency.
        currency: Currency,
    },
    /// A spreadsheet left digits out.
    #[error("“{0}”: a spreadsheet has shortened it, and its last digits are lost")]
    Shortened(String),
    /// Over nine quadrillion minor units.
    #[error("“{0}” is too large")]
    TooLarge(String),
    /// It names another currency.
    #[error(
        "“{text}” is not in {currency}: name the currency of each row in a column of its own, or set [shop] currency where all are in it"
    )]
    OtherCurrency {
        /// The text.
        text: String,
        /// The currency of the row, or of the shop.
        currency: Currency,
    },
}

/// Why an amount without a currency cannot be used where others of its column are in another one than the shop's.
pub(in crate::import) fn no_currency(text: &str, shop: Currency) -> String {
    format!(
        "“{}” names no currency, and others of its column are not in {shop}: name the currency of each row in a column of its own, or set \
         [shop] currency where all are in it",
        excerpt(text.trim(), 40)
    )
}

/// The digits of an amount before it is decided what a single mark means.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Digits {
    /// Certain: the digits before and after the decimal mark, and that mark, where the text itself shows which it is.
    Certain { whole: String, decimals: String, mark: Option<DecimalMark> },
    /// One mark before three digits.
    Either { before: String, after: String, mark: DecimalMark },
}

/// What an amount's text holds.
#[derive(Debug)]
struct Parsed {
    digits: Digits,
    /// The marks of a currency before and after the digits.
    marks: [String; 2],
}

enum Refused {
    NotAnAmount,
    Negative,
    Shortened,
}

fn normalized(text: &str) -> String {
    let mut text = text.to_owned();
    if !text.is_ascii() {
        for (from, to) in marks::MOJIBAKE {
            if text.contains(from) {
                text = text.replace(from, to);
            }
        }
        text = text
            .chars()
            .filter_map(|c| match c {
                '\u{66B}' | '\u{FF0E}' => Some('.'),
                '\u{FF0C}' => Some(','),
                '\u{66C}' | '\u{2018}' | '\u{2BC}' | '\u{2B9}' | '\u{B4}' => Some('\u{2019}'),
                c => plain(c),
            })
            .collect();
    }
    let text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=' | '\u{2019}'));
    text.to_owned()
}

fn parse(text: &str, minor: usize) -> Result<Parsed, Refused> {
    let text = normalized(text);
    let mut text = text.as_str();
    if text.starts_with('(') && text.ends_with(')') && text.chars().any(|c| c.is_ascii_digit()) {
        return Err(Refused::Negative);
    }
    // `1,299/-`, `599,-`: no paise, so that what is there are all thousands.
    let mut ended = None;
    for ending in ["/-", "/=", ",--", ".--", ",-", ".-"] {
        if let Some(before) = text.strip_suffix(ending) {
            text = before.trim_end();
            ended = ending.chars().next();
            break;
        }
    }
    let first = text.find(|c: char| c.is_ascii_digit()).ok_or(Refused::NotAnAmount)?;
    let last = text.rfind(|c: char| c.is_ascii_digit()).ok_or(Refused::NotAnAmount)?;
    let (mut before, mut core, mut after) = (&text[..first], &text[first..=last], &text[last + 1..]);
    // `₹.50`, but not `Rs.50`.
    let lead = before.strip_suffix(['.', ',']);
    if lead.is_some_and(|lead| !lead.ends_with(char::is_alphabetic)) {
        (before, core) = (&text[..first - 1], &text[first - 1..=last]);
    }
    let mut negative = false;
    for sign in ['-', '+'] {
        for side in [&mut before, &mut after] {
            if let Some(rest) = side.trim().strip_prefix(sign).or_else(|| side.trim().strip_suffix(sign)) {
                *side = rest;
                negative |= sign == '-';
            }
        }
    }
    for ending in ["/-", "/="] {
        if let Some(before) = after.strip_prefix(ending) {
            (after, ended) = (before, Some('/'));
        }
    }
    let after = after.trim().trim_end_matches('.');
    let after = if after.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("only")) { "" } else { after };
    let after = match after.rsplit_once(' ') {
        Some((mark, word)) if word.eq_ignore_ascii_case("only") => mark,
        _ => after,
    };
    let digits = match core.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => shifted(mantissa, exponent, minor)?,
        None => digits(core).ok_or(Refused::NotAnAmount)?,
    };
    let digits = match (digits, ended) {
        (Digits::Either { before, after, mark }, Some(ended)) => {
            if DecimalMark::of(ended) == Some(mark) {
                return Err(Refused::NotAnAmount);
            }
            Digits::Certain { whole: format!("{before}{after}"), decimals: String::new(), mark: Some(mark.other()) }
        }
        (digits, _) => digits,
    };
    if negative {
        return Err(Refused::Negative);
    }
    Ok(Parsed { digits, marks: [before.trim().to_owned(), after.trim().to_owned()] })
}

/// `1.29999E7`. A spreadsheet writes `E+07` and shows as many digits as fit: then the digits must go down to the minor unit.
fn shifted(mantissa: &str, exponent: &str, minor: usize) -> Result<Digits, Refused> {
    let spreadsheet = exponent.starts_with('+') || exponent.starts_with('0');
    let exponent: usize = exponent.strip_prefix('+').unwrap_or(exponent).parse().map_err(|_| Refused::NotAnAmount)?;
    let (whole, decimals) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 1 || exponent > 15 || !all_digits(whole) || !all_digits(decimals) {
        return Err(Refused::NotAnAmount);
    }
    if spreadsheet && decimals.len() < exponent + minor {
        return Err(Refused::Shortened);
    }
    let padded = format!("{decimals:0<exponent$}");
    let (shifted, rest) = padded.split_at(exponent);
    Ok(Digits::Certain { whole: format!("{whole}{shifted}"), decimals: rest.to_owned(), mark: None })
}

fn digits(core: &str) -> Option<Digits> {
    let is_mark = |c: char| matches!(c, '.' | ',' | ' ' | '\'' | '\u{2019}' | '_');
    if !core.chars().all(|c| c.is_ascii_digit() || is_mark(c)) {
        return None;
    }
    let parts: Vec<&str> = core.split(is_mark).collect();
    let between: Vec<char> = core.chars().filter(|c| is_mark(*c)).collect();
    let certain = |whole: String, decimals: &str, mark: Option<DecimalMark>| {
        Some(Digits::Certain { whole, decimals: decimals.to_owned(), mark })
    };
    let (Some(last), [grouped @ .., decimals]) = (between.last().copied(), parts.as_slice()) else {
        return certain(core.to_owned(), "", None);
    };
    let [others @ .., _] = between.as_slice() else { return None };
    // One mark of thousands, however often it stands.
    let group = others.first().copied();
    if others.iter().any(|mark| Some(*mark) != group) {
        return None;
    }
    match (group, DecimalMark::of(last)) {
        // Grouped, then another mark: that one is before the decimals.
        (Some(group), Some(mark)) if group != last => {
            (are_groups(grouped) && !decimals.is_empty()).then_some(())?;
            certain(grouped.concat(), decimals, Some(mark))
        }
        // The same mark more than once parts thousands; where it is a point or a comma, the other is before decimals.
        (Some(group), mark) if group == last => {
            are_groups(&parts).then_some(())?;
            certain(parts.concat(), "", mark.map(DecimalMark::other))
        }
        (None, None) => {
            are_groups(&parts).then_some(())?;
            certain(parts.concat(), "", None)
        }
        (None, Some(mark)) => {
            let whole = grouped.first()?;
            let either = decimals.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
            if either {
                return Some(Digits::Either { before: (*whole).to_owned(), after: (*decimals).to_owned(), mark });
            }
            certain((*whole).to_owned(), decimals, Some(mark))
        }
        _ => None,
    }
}

/// Whether a cell is an amount below zero, with a sign or in brackets.
pub(in crate::import) fn is_negative(text: &str) -> bool {
    text.contains(['-', '−', '(']) && matches!(parse(text, 2), Err(Refused::Negative))
}

/// Whether amounts of a currency are written without decimals, also where it has smaller units by its standard: then a mark before
/// three digits can only part thousands.
fn is_written_whole(currency: Currency) -> bool {
    currency.minor_units() == 0 || ["IDR", "COP"].iter().any(|code| Currency::new(code) == Some(currency))
}

/// What the values of a column say about its decimals.
#[derive(Debug, Clone, Default)]
pub struct AmountEvidence {
    point: u32,
    comma: u32,
    /// Values that can be two amounts, with a point or with a comma.
    either: [u32; 2],
    /// Values without any mark: of up to three digits, of more.
    plain: [u32; 2],
    /// The signs and codes of currencies that stand beside values.
    marks: Vec<String>,
}

/// Different signs of currencies of a column that are kept.
const MOST_MARKS: usize = 8;

impl AmountEvidence {
    /// Takes in a value. All values of a column should be.
    pub fn add(&mut self, text: &str) {
        let Ok(parsed) = parse(text, 2) else { return };
        for mark in parsed.marks {
            if !mark.is_empty() && self.marks.len() < MOST_MARKS && !self.marks.contains(&mark) {
                self.marks.push(mark);
            }
        }
        let count = match parsed.digits {
            Digits::Certain { mark: Some(DecimalMark::Point), .. } => &mut self.point,
            Digits::Certain { mark: Some(DecimalMark::Comma), .. } => &mut self.comma,
            Digits::Either { mark: DecimalMark::Point, .. } => &mut self.either[0],
            Digits::Either { mark: DecimalMark::Comma, .. } => &mut self.either[1],
            Digits::Certain { mark: None, whole, decimals } => {
                let [short, long] = &mut self.plain;
                match (decimals.is_empty(), whole.len()) {
                    (true, 1..=3) => short,
                    (true, _) => long,
                    (false, _) => return,
                }
            }
        };
        *count = count.saturating_add(1);
    }

    /// What stands before decimals in this column; `None` where that is not certain.
    ///
    /// It is certain where values show one mark and none the other. Without any such value, a mark that is always followed by
    /// three digits parts thousands where numbers below 1,000 have none, and no number from 1,000 on is without: a
    /// program that wrote three decimals would write them everywhere, and one that leaves out zeros at the end would write
    /// no amount that ends with them.
    pub fn mark(&self, currency: Currency) -> Option<DecimalMark> {
        let [points, commas] = self.either;
        let [short, long] = self.plain;
        let whole = short >= ENOUGH && long == 0 && currency.minor_units() < 3;
        let never = is_written_whole(currency);
        match (self.point, self.comma) {
            (1.., 0) => Some(DecimalMark::Point),
            (0, 1..) => Some(DecimalMark::Comma),
            (0, 0) if never && points > 0 && commas == 0 => Some(DecimalMark::Comma),
            (0, 0) if never && commas > 0 && points == 0 => Some(DecimalMark::Point),
            (0, 0) if whole && points >= ENOUGH && commas == 0 => Some(DecimalMark::Comma),
            (0, 0) if whole && commas >= ENOUGH && points == 0 => Some(DecimalMark::Point),
            _ => None,
        }
    }

    /// Whether values can be two amounts, and no other value says which.
    pub fn is_open(&self, currency: Currency) -> bool {
        self.either.iter().any(|count| *count > 0) && self.mark(currency).is_none()
    }

    /// Whether a value names another currency than this: then values that name none may be in that one, too.
    pub fn names_another(&self, currency: Currency) -> bool {
        self.marks.iter().any(|mark| marks::means(mark, currency) == Some(false))
    }

    /// How the column is read; `currency`: that of the column, or of the shop.
    pub fn decide(&self, currency: Currency) -> AmountColumn {
        AmountColumn { currency, mark: self.mark(currency), mixed: self.names_another(currency) }
    }
}

/// How the amounts of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AmountColumn {
    currency: Currency,
    mark: Option<DecimalMark>,
    /// Whether values of the column name another currency.
    mixed: bool,
}

impl AmountColumn {
    /// Decides by the values of the column; all of them should be given. `currency`: that of the column, or of the shop.
    pub fn decide<'a>(samples: impl IntoIterator<Item = &'a str>, currency: Currency) -> Self {
        let mut evidence = AmountEvidence::default();
        samples.into_iter().for_each(|text| evidence.add(text));
        evidence.decide(currency)
    }

    /// A column of which somebody knows what stands before the decimals; `None`: values that need to know it are refused.
    pub const fn with_mark(mark: Option<DecimalMark>, currency: Currency) -> Self {
        Self { currency, mark, mixed: false }
    }

    /// The same column, where some of its values name another currency.
    #[must_use]
    pub const fn mixed(self, mixed: bool) -> Self {
        Self { mixed, ..self }
    }

    /// Whether it is not known in which currency a value is, unless its row says it.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "as the other methods of it")]
    pub(in crate::import) fn lacks_currency(&self, text: &str) -> bool {
        self.mixed && !is_missing(text) && parse(text, 2).is_ok_and(|parsed| parsed.marks.iter().all(String::is_empty))
    }

    /// What stands before the decimals, where that is certain.
    pub const fn mark(&self) -> Option<DecimalMark> {
        self.mark
    }

    /// The amount of a cell, in minor units of the row's currency (`row`, where the file names it), else of the column's. `None`
    /// where the cell is empty.
    ///
    /// # Errors
    /// When it is no amount, not certainly one, negative, not exact in its currency, or names another currency.
    pub fn read(&self, text: &str, row: Option<Currency>) -> Result<Option<Money>, AmountError> {
        if is_missing(text) {
            return Ok(None);
        }
        let shown = || excerpt(text.trim(), 40);
        let currency = row.unwrap_or(self.currency);
        let minor = currency.minor_units() as usize;
        let parsed = parse(text, minor).map_err(|refused| match refused {
            Refused::NotAnAmount => AmountError::NotAnAmount(shown()),
            Refused::Negative => AmountError::Negative(shown()),
            Refused::Shortened => AmountError::Shortened(shown()),
        })?;
        for mark in parsed.marks.iter().filter(|mark| !mark.is_empty()) {
            match marks::means(mark, currency) {
                Some(true) => {}
                Some(false) => return Err(AmountError::OtherCurrency { text: shown(), currency }),
                None => return Err(AmountError::NotAnAmount(shown())),
            }
        }
        let (whole, decimals) = match parsed.digits {
            Digits::Certain { whole, decimals, .. } => (whole, decimals),
            // What the shop's currency shows by having no decimals says nothing of another one.
            Digits::Either { before, after, mark } => match self
                .mark
                .filter(|_| currency == self.currency || !is_written_whole(self.currency) || is_written_whole(currency))
            {
                Some(known) if known == mark => (before, after),
                Some(_) => (format!("{before}{after}"), String::new()),
                None => {
                    let (thousands, decimals) = (format!("{before}{after}"), format!("{before}.{after}"));
                    return Err(AmountError::Ambiguous { text: shown(), thousands, decimals });
                }
            },
        };
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > minor {
            return Err(AmountError::TooPrecise { text: shown(), currency });
        }
        format!("{whole}{decimals:0<minor$}")
            .parse::<i64>()
            .ok()
            .filter(|amount| *amount <= LARGEST)
            .map(|amount| Some(Money::from_minor_units(amount)))
            .ok_or_else(|| AmountError::TooLarge(shown()))
    }
}

#[cfg(test)]
#[path = "amounts_tests.rs"]
mod tests;

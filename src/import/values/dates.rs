//! Reads the dates of a column, in the shop's local time. Whether the day or the month comes first is what the column's values
//! leave possible; where that is more than one order, the column is ambiguous and its owner is asked.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::date_text::{self, DateText, Day, Offset, Part, Year};
use super::is_missing;
use crate::domain::words::excerpt;

/// The first year in which an order can have been placed with an online shop.
const FIRST_YEAR: i16 = 1990;

/// What the dates of a file are held against: the shop's clock.
#[derive(Debug, Clone)]
pub struct DateContext {
    /// The zone of the shop: texts without one are its local time.
    pub zone: TimeZone,
    /// The day on which the file is read: no order is placed more than a year later.
    pub today: Date,
}

impl DateContext {
    /// The clock of a shop at a moment.
    pub fn new(zone: TimeZone, now: Timestamp) -> Self {
        let today = zone.to_datetime(now).date();
        Self { zone, today }
    }

    fn latest(&self) -> Date {
        self.today.saturating_add(jiff::Span::new().years(1))
    }

    fn is_plausible(&self, day: Date) -> bool {
        day.year() >= FIRST_YEAR && day <= self.latest()
    }

    fn year(&self, year: Year) -> i16 {
        match year {
            Year::Full(year) => year,
            Year::Short(year) if year <= (self.today.year() + 1) % 100 => 2000 + year,
            Year::Short(year) => 1900 + year,
        }
    }

    fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }
}

/// In which order a date of three numbers is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DateOrder {
    /// 31/12/2026.
    DayFirst,
    /// 12/31/2026.
    MonthFirst,
    /// 26/12/31; with four digits the year is always seen.
    YearFirst,
}

impl DateOrder {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::DayFirst, Self::MonthFirst, Self::YearFirst];

    const fn bit(self) -> u8 {
        match self {
            Self::DayFirst => 1,
            Self::MonthFirst => 2,
            Self::YearFirst => 4,
        }
    }

    /// Its name in settings and flags: `day-first`, `month-first`, `year-first`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DayFirst => "day-first",
            Self::MonthFirst => "month-first",
            Self::YearFirst => "year-first",
        }
    }

    /// The order of a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.name().eq_ignore_ascii_case(name.trim()))
    }
}

/// Why a text is no date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is something else.
    #[error("“{0}” is no date")]
    NoDate(String),
    /// It is a time of day, without a day.
    #[error("“{0}” is a time of day without a day")]
    NoDay(String),
    /// There is no such day, or not in the order of the column.
    #[error("“{0}” is no day of the calendar")]
    NoSuchDay(String),
    /// Orders are not so old, or lie in the future.
    #[error("“{0}” is not plausible: orders are placed from 1990 to a year from now")]
    Implausible(String),
    /// Its zone is not known.
    #[error("“{0}” names a time zone that is not known")]
    Zone(String),
    /// The column did not decide, and here it matters.
    #[error("of “{0}” it is not known which number is the day")]
    Undecided(String),
}

/// The values of a column do not say which number is the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ambiguous {
    /// One or two of the values.
    pub examples: Vec<String>,
    /// The orders that remain; none where the examples contradict each other.
    pub orders: Vec<DateOrder>,
    /// What the first example is in each of the orders that remain.
    pub readings: Vec<Date>,
}

impl fmt::Display for Ambiguous {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |place: usize| format!("“{}”", self.examples.get(place).map_or("", String::as_str));
        if self.orders.is_empty() {
            return write!(f, "{} and {} cannot be dates of one order", quoted(0), quoted(1));
        }
        let readings: Vec<String> = self.readings.iter().map(|day| day.strftime("%-d %B %Y").to_string()).collect();
        write!(f, "{} can be {}", quoted(0), readings.join(" or "))?;
        if self.examples.len() > 1 {
            write!(f, ", and {} is no clearer", quoted(1))?;
        }
        Ok(())
    }
}

impl std::error::Error for Ambiguous {}

/// The days that three numbers can be.
fn candidates(text: &DateText, context: &DateContext) -> Vec<(DateOrder, Date)> {
    let Day::Numbers { first, second, third } = text.day else { return Vec::new() };
    let day_in = |order: DateOrder| {
        let (year, month, day) = match order {
            DateOrder::DayFirst => (third, second, first),
            DateOrder::MonthFirst => (third, first, second),
            DateOrder::YearFirst => (first, second, third),
        };
        let year = match year.digits {
            4 => Year::Full(year.value),
            2 => Year::Short(year.value),
            _ => return None,
        };
        let small = |part: Part| i8::try_from(part.value).ok().filter(|_| part.digits <= 2);
        let day = Date::new(context.year(year), small(month)?, small(day)?).ok()?;
        let fits = context.is_plausible(day) && text.weekday.is_none_or(|weekday| day.weekday() == weekday);
        fits.then_some((order, day))
    };
    DateOrder::ALL.into_iter().filter_map(day_in).collect()
}

fn bits(found: &[(DateOrder, Date)]) -> u8 {
    found.iter().fold(0, |bits, (order, _)| bits | order.bit())
}

/// What the values of a column say about the order of its dates.
#[derive(Debug, Clone)]
pub struct DateEvidence {
    context: DateContext,
    remaining: u8,
    /// Two examples of each kind of value: the orders that it allows, and which of these give the same day.
    examples: BTreeMap<(u8, u8), Vec<String>>,
}

impl DateEvidence {
    /// No evidence yet.
    pub fn new(context: DateContext) -> Self {
        Self { context, remaining: 7, examples: BTreeMap::new() }
    }

    /// Takes in a value. All values of a column should be: the only one that decides may be the last.
    pub fn add(&mut self, text: &str) {
        let Some(parsed) = date_text::parse(text).map(|parsed| spread(parsed, &self.context)) else { return };
        let found = candidates(&parsed, &self.context);
        if found.is_empty() {
            return;
        }
        let allowed = bits(&found);
        self.remaining &= allowed;
        let same = |one: usize, other: usize| match (found.get(one), found.get(other)) {
            (Some((_, one)), Some((_, other))) => u8::from(one == other),
            _ => 0,
        };
        let kept = self.examples.entry((allowed, same(0, 1) | same(1, 2) << 1 | same(0, 2) << 2)).or_default();
        if kept.len() < 2 && !kept.iter().any(|known| known == text.trim()) {
            kept.push(excerpt(text.trim(), 40));
        }
    }

    /// How the column is read.
    ///
    /// # Errors
    /// When its values leave more than one order, and that makes a difference, or contradict each other.
    pub fn decide(self) -> Result<DateColumn, Ambiguous> {
        if self.remaining == 0 {
            let mut kinds = self.examples.iter();
            let mut examples = Vec::new();
            while let Some(((allowed, _), texts)) = kinds.next() {
                let other = kinds.clone().find(|((other, _), _)| other & allowed == 0);
                if let (Some(one), Some((_, others))) = (texts.first(), other) {
                    examples = [Some(one), others.first()].into_iter().flatten().cloned().collect();
                    break;
                }
            }
            if examples.is_empty() {
                examples = self.examples.values().filter_map(|texts| texts.first()).take(2).cloned().collect();
            }
            return Err(Ambiguous { examples, orders: Vec::new(), readings: Vec::new() });
        }
        let column = DateColumn { context: self.context, orders: self.remaining };
        let unclear: Vec<(&String, Vec<(DateOrder, Date)>)> = self
            .examples
            .values()
            .flatten()
            .filter_map(|text| Some((text, column.days(&spread(date_text::parse(text)?, &column.context)))))
            .filter(|(_, days)| days.iter().any(|(_, day)| days.first().is_some_and(|(_, first)| first != day)))
            .collect();
        let Some((_, days)) = unclear.first() else { return Ok(column) };
        Err(Ambiguous {
            orders: days.iter().map(|(order, _)| *order).collect(),
            readings: days.iter().map(|(_, day)| *day).collect(),
            examples: unclear.iter().take(2).map(|(text, _)| (*text).clone()).collect(),
        })
    }
}

/// How the dates of a column are read.
#[derive(Debug, Clone)]
pub struct DateColumn {
    context: DateContext,
    orders: u8,
}

impl DateColumn {
    /// Decides by the values of the column; all of them should be given.
    ///
    /// # Errors
    /// As [`DateEvidence::decide`].
    pub fn decide<'a>(samples: impl IntoIterator<Item = &'a str>, context: &DateContext) -> Result<Self, Ambiguous> {
        let mut evidence = DateEvidence::new(context.clone());
        samples.into_iter().for_each(|text| evidence.add(text));
        evidence.decide()
    }

    /// A column whose order somebody knows.
    pub fn in_order(order: DateOrder, context: &DateContext) -> Self {
        Self { context: context.clone(), orders: order.bit() }
    }

    /// A column of which nothing is known: it reads what is a date by itself.
    pub fn undecided(context: &DateContext) -> Self {
        Self { context: context.clone(), orders: 7 }
    }

    /// The order of its numbers, where only one remains.
    pub fn order(&self) -> Option<DateOrder> {
        let mut left = DateOrder::ALL.into_iter().filter(|order| order.bit() & self.orders != 0);
        left.next().filter(|_| left.next().is_none())
    }

    fn days(&self, text: &DateText) -> Vec<(DateOrder, Date)> {
        let mut found = candidates(text, &self.context);
        found.retain(|(order, _)| order.bit() & self.orders != 0);
        found
    }

    /// The date of a cell, in the shop's local time; midnight where it holds no time of day. `None` where it is empty.
    ///
    /// # Errors
    /// When it is no date, or not certainly one.
    pub fn read(&self, text: &str) -> Result<Option<DateTime>, Unreadable> {
        let context = &self.context;
        if is_missing(text) || is_zero_date(text) {
            return Ok(None);
        }
        let shown = || excerpt(text.trim(), 40);
        let parsed = date_text::parse(text).ok_or_else(|| Unreadable::NoDate(shown()))?;
        let parsed = spread(parsed, context);
        let day = match &parsed.day {
            Day::None => return Err(Unreadable::NoDay(shown())),
            Day::Number { whole, digits, fraction } => {
                return moment(*whole, *digits, fraction, &parsed, context)
                    .filter(|at| context.is_plausible(at.date()))
                    .map(Some)
                    .ok_or_else(|| Unreadable::NoDate(shown()));
            }
            Day::Named { year, month, day } => {
                let day = Date::new(context.year(*year), *month, *day).ok();
                let day = day.filter(|day| parsed.weekday.is_none_or(|weekday| day.weekday() == weekday));
                day.ok_or_else(|| Unreadable::NoSuchDay(shown()))?
            }
            Day::Numbers { third, .. } => {
                let days = self.days(&parsed);
                match days.as_slice() {
                    [] if third.digits == 4 && !(FIRST_YEAR..=context.latest().year()).contains(&third.value) => {
                        return Err(Unreadable::Implausible(shown()));
                    }
                    [] => return Err(Unreadable::NoSuchDay(shown())),
                    [(_, day), others @ ..] if others.iter().all(|(_, other)| other == day) => *day,
                    _ => return Err(Unreadable::Undecided(shown())),
                }
            }
        };
        if !context.is_plausible(day) {
            return Err(Unreadable::Implausible(shown()));
        }
        let Some(time) = parsed.time else { return Ok(Some(day.to_datetime(Time::midnight()))) };
        let at = day.to_datetime(time);
        let offset = match parsed.offset {
            None => return Ok(Some(at)),
            Some(Offset::Known(offset)) => offset,
            Some(Offset::Named(name)) => {
                let own = |at: DateTime| {
                    let at = context.zone.to_ambiguous_timestamp(at).compatible().ok()?;
                    Some(context.zone.to_offset_info(at).abbreviation().eq_ignore_ascii_case(&name))
                };
                return if own(at) == Some(true) { Ok(Some(at)) } else { Err(Unreadable::Zone(shown())) };
            }
        };
        let at = at.to_zoned(TimeZone::UTC).ok().and_then(|at| at.timestamp().checked_sub(offset).ok());
        at.map(|at| Some(context.local(at))).ok_or_else(|| Unreadable::Implausible(shown()))
    }
}

/// Whether a text is a date in some order.
pub(super) fn is_date(text: &str) -> bool {
    let year = |year: Year| match year {
        Year::Full(year) => year,
        Year::Short(year) => 2000 + year,
    };
    match date_text::parse(text).map(|text| text.day) {
        Some(Day::Named { year: written, month, day }) => Date::new(year(written), month, day).is_ok(),
        Some(Day::Numbers { .. }) => true,
        Some(Day::None | Day::Number { .. }) | None => false,
    }
}

/// `0000-00-00`, with or without a time: how `MySQL` says that there is no date.
fn is_zero_date(text: &str) -> bool {
    text.contains("0000-00-00")
        && text.bytes().all(|byte| matches!(byte, b'0' | b'-' | b' ' | b':' | b'.' | b'T' | b'Z'))
}

/// Digits without anything between (`20261120`, `20112026`, `20261120180400`) as numbers of a day.
fn spread(text: DateText, context: &DateContext) -> DateText {
    let Day::Number { whole, digits, fraction } = &text.day else { return text };
    if !matches!(digits, 8 | 12 | 14) || !fraction.is_empty() {
        return text;
    }
    let written = format!("{whole:0digits$}");
    let part = |from: usize, to: usize| -> Option<i16> { written.get(from..to)?.parse().ok() };
    let time = match (digits, text.time) {
        (8, time) => time,
        (_, Some(_)) => return text,
        (_, None) => {
            let clock = |from: usize| -> Option<i8> { i8::try_from(part(from, from + 2).unwrap_or(0)).ok() };
            match (clock(8), clock(10), clock(12)) {
                (Some(hour), Some(minute), Some(second)) => match Time::new(hour, minute, second, 0) {
                    Ok(time) => Some(time),
                    Err(_) => return text,
                },
                _ => return text,
            }
        }
    };
    let plausible = |year: i16| (FIRST_YEAR..=context.latest().year()).contains(&year);
    let two = |from: usize| part(from, from + 2).map(|value| Part { value, digits: 2 });
    let day = match (part(0, 4), part(4, 8), two(0), two(2), two(4), two(6)) {
        (Some(year), _, _, _, Some(month), Some(day)) if plausible(year) && month.value <= 12 => {
            match (i8::try_from(month.value), i8::try_from(day.value)) {
                (Ok(month), Ok(day)) => Day::Named { year: Year::Full(year), month, day },
                _ => return text,
            }
        }
        (_, Some(year), Some(first), Some(second), ..) if *digits == 8 && plausible(year) => {
            Day::Numbers { first, second, third: Part { value: year, digits: 4 } }
        }
        _ => return text,
    };
    DateText { day, time, ..text }
}

/// A number as a moment: days as spreadsheets count them, or seconds, milliseconds or microseconds since 1970.
fn moment(whole: u64, digits: usize, fraction: &str, text: &DateText, context: &DateContext) -> Option<DateTime> {
    if text.time.is_some() || text.offset.is_some() || fraction.len() > 18 {
        return None;
    }
    let whole = i64::try_from(whole).ok()?;
    match digits {
        5 => {
            let fraction = fraction.get(..fraction.len().min(12))?;
            let scale = 10_i64.checked_pow(u32::try_from(fraction.len()).ok()?)?;
            let part: i64 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
            let seconds = (i128::from(part) * 86_400 * 2 + i128::from(scale)) / (i128::from(scale) * 2);
            let start = date(1899, 12, 30).to_datetime(Time::midnight());
            let passed =
                SignedDuration::from_hours(whole * 24) + SignedDuration::from_secs(i64::try_from(seconds).ok()?);
            start.checked_add(passed).ok()
        }
        10 => Some(context.local(Timestamp::from_second(whole).ok()?)),
        13 => Some(context.local(Timestamp::from_millisecond(whole).ok()?)),
        16 => Some(context.local(Timestamp::from_microsecond(whole).ok()?)),
        _ => None,
    }
}

/// When an order was placed: by `Order Date & Time` where it holds a date, else by `Order Date`, together with `Order Date & Time`
/// where that is a time of day.
///
/// # Errors
/// When neither holds a date, and they are not empty.
pub fn placed_at(
    placed: (&DateColumn, &str),
    day: Option<(&DateColumn, &str)>,
) -> Result<Option<DateTime>, Unreadable> {
    let (column, text) = placed;
    let first = column.read(text);
    let Some((day_column, day)) = day.filter(|_| !matches!(first, Ok(Some(_)))) else { return first };
    let Some(found) = day_column.read(day)? else { return first };
    Ok(Some(date_text::time_of_day(text).map_or(found, |time| found.date().to_datetime(time))))
}

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;

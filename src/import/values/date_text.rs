//! Takes the text of a date apart: its time of day, its zone, its weekday and its numbers, without deciding which of these is
//! the day and which the month.

use jiff::SignedDuration;
use jiff::civil::{Time, Weekday};

use super::date_words as words;
use crate::domain::phone::plain;

/// What a text holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DateText {
    pub(super) day: Day,
    pub(super) time: Option<Time>,
    /// What it adds to UTC.
    pub(super) offset: Option<Offset>,
    pub(super) weekday: Option<Weekday>,
}

/// The numbers of a day.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// There is none: a time of day alone.
    None,
    /// Its month is written as a word, or its year comes first and has four digits.
    Named { year: Year, month: i8, day: i8 },
    /// Three numbers, of which the first or the last is the year.
    Numbers { first: Part, second: Part, third: Part },
    /// One number: days since 1900, seconds since 1970, or digits without anything between.
    Number { whole: u64, digits: usize, fraction: String },
}

/// A year of four digits, or of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Year {
    Full(i16),
    Short(i16),
}

/// A number and how many digits were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) value: i16,
    pub(super) digits: usize,
}

/// How a text says where its clock is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Offset {
    Known(SignedDuration),
    /// An abbreviation that only the shop's own zone explains.
    Named(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    Number(&'t str),
    Word(&'t str),
    Mark(char),
    Space,
}

/// Takes a text apart; `None` where it is no date of any kind.
pub(super) fn parse(text: &str) -> Option<DateText> {
    let text = normalized(text);
    // What stands in brackets after an offset repeats it: `+0530 (India Standard Time)`, `+05:30[Asia/Kolkata]`.
    if let Some((before, _)) = text.strip_suffix([')', ']']).and_then(|text| text.split_once(['(', '[']))
        && let Some(found) = parse_plain(before)
        && found.offset.is_some()
    {
        return Some(found);
    }
    parse_plain(&text.replace(['(', ')', '[', ']'], " "))
}

/// The time of day that a text is.
pub(super) fn time_of_day(text: &str) -> Option<Time> {
    let found = parse(text)?;
    (found.day == Day::None && found.weekday.is_none()).then_some(found.time)?
}

fn normalized(text: &str) -> String {
    let text: String = text.chars().filter_map(plain).collect::<String>().to_lowercase();
    let mut text = text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '=')).to_owned();
    if text.is_ascii() && !text.contains("m.") {
        return text;
    }
    for (from, to) in [("a.m.", "am"), ("p.m.", "pm"), ("a. m.", "am"), ("p. m.", "pm"), ("a.m", "am"), ("p.m", "pm")] {
        text = text.replace(from, to);
    }
    text.chars()
        .map(|c| match c {
            '年' | '月' | '년' | '월' => '-',
            '日' | '号' | '일' | '分' | '분' => ' ',
            '時' | '时' | '시' | '\u{FF1A}' => ':',
            '\u{FF0F}' | '\u{2044}' => '/',
            '\u{FF0C}' | '\u{60C}' | '\u{3001}' => ',',
            c => c,
        })
        .collect()
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let kind = |c: char| match c {
        c if c.is_ascii_digit() => 0,
        c if c.is_whitespace() => 1,
        c if c.is_ascii_alphabetic() || !c.is_ascii() => 2,
        _ => 3,
    };
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let class = kind(first);
        let length = if class == 3 { first.len_utf8() } else { rest.find(|c| kind(c) != class).unwrap_or(rest.len()) };
        let (token, after) = rest.split_at(length);
        found.push(match class {
            0 => Token::Number(token),
            1 => Token::Space,
            2 => Token::Word(token),
            _ => Token::Mark(first),
        });
        rest = after;
    }
    found
}

fn parse_plain(text: &str) -> Option<DateText> {
    // No date is so long.
    if text.len() > 120 {
        return None;
    }
    let mut found = tokens(text);
    let (time, offset) = match take_clock(&mut found)? {
        Some((time, offset)) => (Some(time), offset),
        None => (None, None),
    };
    let day = |tokens: &[Token<'_>], time| {
        let (day, weekday) = day_of(tokens)?;
        (time || day != Day::None).then_some((day, weekday))
    };
    if let Some((day, weekday)) = day(&found, time.is_some()) {
        return Some(DateText { day, time, offset, weekday });
    }
    if time.is_some() {
        return None;
    }
    // `20/11/2026 18.04`: where a colon is not usual, a point stands between hour and minute.
    let space = found.iter().rposition(|token| *token == Token::Space)?;
    let time = dotted_clock(found.get(space + 1..)?)?;
    let (day, weekday) = day(found.get(..space)?, false)?;
    Some(DateText { day, time: Some(time), offset: None, weekday })
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn dotted_clock(tokens: &[Token<'_>]) -> Option<Time> {
    let (hour, minute, second) = match tokens {
        [Token::Number(hour), Token::Mark('.'), Token::Number(minute)] => (hour, minute, "0"),
        [Token::Number(hour), Token::Mark('.'), Token::Number(minute), Token::Mark('.'), Token::Number(second)]
            if second.len() == 2 =>
        {
            (hour, minute, *second)
        }
        _ => return None,
    };
    (hour.len() <= 2 && minute.len() == 2).then_some(())?;
    Time::new(number(hour)?, number(minute)?, number(second)?, 0).ok()
}

fn at<'t>(tokens: &[Token<'t>], place: usize) -> Option<Token<'t>> {
    tokens.get(place).copied()
}

/// Takes the time of day and what belongs to it out of the tokens. The outer `None`: what is there is no time.
#[expect(clippy::option_option, reason = "no time is not the same as a wrong one")]
fn take_clock(tokens: &mut Vec<Token<'_>>) -> Option<Option<(Time, Option<Offset>)>> {
    let colon = tokens.windows(3).position(|three| {
        matches!(three, [Token::Number(hour), Token::Mark(':'), Token::Number(minute)] if hour.len() <= 2 && minute.len() == 2)
    });
    let (start, mut end, hour, minute, second) = if let Some(start) = colon {
        let (Some(Token::Number(hour)), Some(Token::Number(minute))) = (at(tokens, start), at(tokens, start + 2))
        else {
            return None;
        };
        let (mut end, mut second) = (start + 3, "0");
        match (at(tokens, end), at(tokens, end + 1)) {
            (Some(Token::Mark(':')), Some(Token::Number(written))) if written.len() == 2 => {
                second = written;
                end += 2;
                // A fraction of a second.
                if let (Some(Token::Mark('.' | ',')), Some(Token::Number(_))) = (at(tokens, end), at(tokens, end + 1))
                    && !matches!(at(tokens, end + 2), Some(Token::Mark('/' | '.')))
                {
                    end += 2;
                }
            }
            // `19:29.5`: minutes with a fraction, or a date that a spreadsheet has lost.
            (Some(Token::Mark('.' | ':')), Some(Token::Number(_))) => return None,
            _ => {}
        }
        (start, end, hour, minute, second)
    } else if let Some((start, length, hour, minute)) = hours_with_a_word(tokens) {
        (start, start + length, hour, minute, "0")
    } else {
        return Some(None);
    };
    let skip_space = |tokens: &[Token<'_>], place: usize| {
        if at(tokens, place) == Some(Token::Space) { place + 1 } else { place }
    };
    let mut start = start;
    let mut afternoon = None;
    let next = skip_space(tokens, end);
    if let Some(Token::Word(word)) = at(tokens, next)
        && let Some(half) = words::is_afternoon(word)
    {
        afternoon = Some(half);
        end = next + 1;
    } else {
        let before = start
            .checked_sub(1)
            .map(|place| if at(tokens, place) == Some(Token::Space) { start.saturating_sub(2) } else { place });
        if let Some(before) = before
            && let Some(Token::Word(word)) = at(tokens, before)
            && let Some(half) = words::is_afternoon(word)
        {
            afternoon = Some(half);
            start = before;
        }
    }
    let (offset, end) =
        take_offset(tokens, skip_space(tokens, end)).map_or((None, end), |(offset, end)| (Some(offset), end));
    let hour: i8 = number(hour)?;
    let hour = match (afternoon, hour) {
        (None, hour) | (Some(true), hour @ 12..=23) | (Some(false), hour @ 0..=11) => hour,
        (Some(true), 1..=11) => hour + 12,
        (Some(false), 12) => 0,
        _ => return None,
    };
    let time = Time::new(hour, number(minute)?, number(second)?, 0).ok()?;
    tokens.splice(start..end, [Token::Space]);
    Some(Some((time, offset)))
}

/// `6 pm`, `18h04`, `18h`: where it begins, how many tokens it has, the hour and the minute.
fn hours_with_a_word<'t>(tokens: &[Token<'t>]) -> Option<(usize, usize, &'t str, &'t str)> {
    for start in 0..tokens.len() {
        let rest = tokens.get(start..)?;
        let found = match rest {
            [Token::Number(hour), Token::Word("h"), Token::Number(minute), ..] if minute.len() == 2 => {
                (3, *hour, *minute)
            }
            [Token::Number(hour), Token::Word("h"), ..] => (2, *hour, "0"),
            [Token::Number(hour), Token::Word("am" | "pm"), ..]
            | [Token::Number(hour), Token::Space, Token::Word("am" | "pm"), ..] => (1, *hour, "0"),
            _ => continue,
        };
        if found.1.len() <= 2 {
            return Some((start, found.0, found.1, found.2));
        }
    }
    None
}

/// The offset from UTC that begins at a place, and where it ends.
fn take_offset(tokens: &[Token<'_>], start: usize) -> Option<(Offset, usize)> {
    let known = |minutes: i32| Offset::Known(SignedDuration::from_mins(i64::from(minutes)));
    let mut place = start;
    let mut named = None;
    if let Some(Token::Word(word)) = tokens.get(place) {
        match words::offset(word) {
            Some(minutes) => named = Some(known(minutes)),
            // Only abbreviations of the shop's own zone; weekdays and months stay.
            None if (3..=4).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
                let other = words::month(word).is_some() || words::weekday(word).is_some() || words::is_filler(word);
                return (!other).then(|| (Offset::Named((*word).to_owned()), place + 1));
            }
            None => return None,
        }
        place += 1;
    }
    let signed = match tokens.get(place..) {
        Some(
            [
                Token::Mark(sign @ ('+' | '-')),
                Token::Number(hours),
                Token::Mark(':'),
                Token::Number(minutes),
                after @ ..,
            ],
        ) if hours.len() <= 2 && minutes.len() == 2 => {
            Some((*sign, number::<i32>(hours)?, number::<i32>(minutes)?, 4, after))
        }
        Some([Token::Mark(sign @ ('+' | '-')), Token::Number(digits), after @ ..]) if digits.len() == 4 => {
            Some((*sign, number::<i32>(&digits[..2])?, number::<i32>(&digits[2..])?, 2, after))
        }
        Some([Token::Mark(sign @ ('+' | '-')), Token::Number(hours), after @ ..]) if hours.len() <= 2 => {
            Some((*sign, number::<i32>(hours)?, 0, 2, after))
        }
        _ => None,
    };
    match signed {
        Some((sign, hours, minutes, length, after)) if matches!(after.first(), None | Some(Token::Space)) => {
            if hours > 15 || minutes > 59 {
                return None;
            }
            let total = hours * 60 + minutes;
            Some((known(if sign == '-' { -total } else { total }), place + length))
        }
        _ => named.map(|offset| (offset, place)),
    }
}

/// The day and the weekday of tokens that hold no time of day any more.
fn day_of(tokens: &[Token<'_>]) -> Option<(Day, Option<Weekday>)> {
    let mut numbers: Vec<&str> = Vec::new();
    // What stands between the numbers.
    let mut between: Vec<Option<char>> = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    let mut previous = None;
    for token in tokens {
        match *token {
            Token::Number(digits) => {
                numbers.push(digits);
                between.push(None);
            }
            Token::Word(word) => {
                let ordinal = matches!(previous, Some(Token::Number(_))) && words::is_ordinal_ending(word);
                if !ordinal && !words::is_filler(word) {
                    named.push(word);
                }
            }
            Token::Mark(mark @ ('-' | '/' | '.')) => {
                if let Some(last) = between.last_mut() {
                    if last.is_some_and(|known| known != mark) {
                        return None;
                    }
                    *last = Some(mark);
                } else if mark != '.' && named.is_empty() {
                    // A sign before the first number.
                    return None;
                }
            }
            Token::Mark(',' | '\'' | ':') | Token::Space => {}
            Token::Mark(_) => return None,
        }
        previous = Some(*token);
    }
    let (month, weekday) = month_and_weekday(&named)?;
    let part = |digits: &str| Some(Part { value: number(digits)?, digits: digits.len() });
    let day = match (month, numbers.as_slice()) {
        (None, []) => Day::None,
        (Some(month), [first, second]) => {
            let (first, second) = (part(first)?, part(second)?);
            let (year, day) = if first.digits == 4 { (first, second) } else { (second, first) };
            let year = match year.digits {
                4 => Year::Full(year.value),
                2 => Year::Short(year.value),
                _ => return None,
            };
            (day.digits <= 2).then_some(())?;
            Day::Named { year, month, day: i8::try_from(day.value).ok()? }
        }
        (None, [first, second, third]) => {
            if between.first() != between.get(1) {
                return None;
            }
            let (first, second, third) = (part(first)?, part(second)?, part(third)?);
            if first.digits == 4 && third.digits <= 2 && second.digits <= 2 {
                let (month, day) = (i8::try_from(second.value).ok()?, i8::try_from(third.value).ok()?);
                Day::Named { year: Year::Full(first.value), month, day }
            } else if first.digits <= 2 && second.digits <= 2 && matches!(third.digits, 1 | 2 | 4) {
                Day::Numbers { first, second, third }
            } else {
                return None;
            }
        }
        (None, [whole]) if weekday.is_none() && between == [None] => {
            Day::Number { whole: number(whole)?, digits: whole.len(), fraction: String::new() }
        }
        (None, [whole, fraction]) if weekday.is_none() => match (between.first(), tokens) {
            (Some(Some('.')), [Token::Number(_), Token::Mark('.'), Token::Number(_), ..]) => {
                Day::Number { whole: number(whole)?, digits: whole.len(), fraction: (*fraction).to_owned() }
            }
            // `20261120 180400`, `20261120T180400`.
            (Some(None), _) if whole.len() == 8 && matches!(fraction.len(), 4 | 6) => {
                let digits = format!("{whole}{fraction}");
                Day::Number { whole: number(&digits)?, digits: digits.len(), fraction: String::new() }
            }
            _ => return None,
        },
        _ => return None,
    };
    Some((day, weekday))
}

/// The month and the weekday among words; `None` where a word is neither.
fn month_and_weekday(named: &[&str]) -> Option<(Option<i8>, Option<Weekday>)> {
    match named {
        [] => Some((None, None)),
        [one] => match words::month(one) {
            Some(month) => Some((Some(month), None)),
            None => Some((None, Some(words::weekday(one)?))),
        },
        // `mar. 3 mar. 2026` in French: the weekday comes first.
        [one, other] => match (words::weekday(one), words::month(other)) {
            (Some(weekday), Some(month)) => Some((Some(month), Some(weekday))),
            _ => Some((Some(words::month(one)?), Some(words::weekday(other)?))),
        },
        _ => None,
    }
}

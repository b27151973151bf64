//! Parses ranges such as `7d` or `2026-01-01..2026-01-31`. An ambiguous one is an error.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

use crate::domain::stats::Period;

/// A range of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// The last hours, up to now.
    Last(i64),
    /// Everything.
    All,
    /// From the first to the second, as they were written; one of them may be empty.
    Between(String, String),
}

/// A text that is no range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no range of time")]
pub struct RangeError(String);

impl RangeError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("write 1h, 24h, 7d, 30d, all, or two days such as 2026-01-01..2026-01-31".to_owned())
    }
}

impl Range {
    /// The predefined ranges.
    pub const WORDS: [&str; 5] = ["1h", "24h", "7d", "30d", "all"];

    /// Parses a range.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(word: &str) -> Result<Self, RangeError> {
        let word = word.trim();
        let wrong = || RangeError(crate::domain::words::excerpt(word, 60));
        match word {
            "1h" => return Ok(Self::Last(1)),
            "24h" => return Ok(Self::Last(24)),
            "7d" => return Ok(Self::Last(7 * 24)),
            "30d" => return Ok(Self::Last(30 * 24)),
            "all" => return Ok(Self::All),
            _ => {}
        }
        let (from, until) = word.split_once("..").ok_or_else(wrong)?;
        let range = Self::Between(from.trim().to_owned(), until.trim().to_owned());
        if word == ".." || range.bounds(&TimeZone::UTC).is_none() {
            return Err(wrong());
        }
        Ok(range)
    }

    /// The text that [`Range::parse`] parses.
    pub fn word(&self) -> String {
        match self {
            Self::Last(hours) if *hours > 24 => format!("{}d", hours / 24),
            Self::Last(hours) => format!("{hours}h"),
            Self::All => "all".to_owned(),
            Self::Between(from, until) => format!("{from}..{until}"),
        }
    }

    /// Its name in a heading.
    pub fn title(&self) -> String {
        match self {
            Self::Last(1) => "the last hour".to_owned(),
            Self::Last(hours) if *hours <= 24 => format!("the last {hours} hours"),
            Self::Last(hours) => format!("the last {} days", hours / 24),
            Self::All => "all time".to_owned(),
            Self::Between(from, until) if until.is_empty() => format!("since {from}"),
            Self::Between(from, until) if from.is_empty() => format!("up to {until}"),
            Self::Between(from, until) => format!("{from} to {until}"),
        }
    }

    /// The period that it is now, in the shop's time zone.
    pub fn period(&self, now: Timestamp, zone: &TimeZone, gap: SignedDuration) -> Period {
        let (from, until) = match self {
            Self::Last(hours) => (now.checked_sub(SignedDuration::from_hours(*hours)).ok(), now),
            Self::All => (None, now),
            Self::Between(..) => {
                let (from, until) = self.bounds(zone).unwrap_or((None, None));
                (from, until.unwrap_or(now))
            }
        };
        // The end is exclusive, and this very moment belongs to the period.
        let until = if until == now { until.checked_add(1.microsecond()).unwrap_or(until) } else { until };
        Period { from, until, zone: zone.clone(), gap }
    }

    /// The two ends; `None` where they are no times or in the wrong order.
    fn bounds(&self, zone: &TimeZone) -> Option<(Option<Timestamp>, Option<Timestamp>)> {
        let Self::Between(from, until) = self else { return None };
        let end = |text: &str, last: bool| -> Option<Option<Timestamp>> {
            if text.is_empty() {
                return Some(None);
            }
            if let Ok(at) = text.parse::<Timestamp>() {
                return Some(Some(at));
            }
            // `Date` would parse a time, too, and lose its hours.
            let local = if text.contains(['T', 't', ' ']) {
                text.parse::<DateTime>().ok()?
            } else {
                let day = text.parse::<Date>().ok()?;
                // A day is included as a whole.
                if last { day.tomorrow().ok()? } else { day }.to_datetime(jiff::civil::Time::midnight())
            };
            Some(Some(local.to_zoned(zone.clone()).ok()?.timestamp()))
        };
        let (from, until) = (end(from, false)?, end(until, true)?);
        let ordered = from.zip(until).is_none_or(|(from, until)| from < until);
        ordered.then_some((from, until))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn days_are_included_as_a_whole_in_the_shops_time_zone() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let now = "2026-03-01T00:00:00Z".parse().unwrap();
        let period = Range::parse("2026-01-01..2026-01-31").unwrap().period(now, &zone, SignedDuration::ZERO);
        assert_eq!(period.from, Some("2025-12-31T18:30:00Z".parse().unwrap()));
        assert_eq!(period.until, "2026-01-31T18:30:00Z".parse().unwrap());
        let open = Range::parse("2026-01-01T10:00..").unwrap().period(now, &zone, SignedDuration::ZERO);
        assert_eq!(open.from, Some("2026-01-01T04:30:00Z".parse().unwrap()));
        assert!(open.holds(now));
        let week = Range::parse("7d").unwrap().period(now, &zone, SignedDuration::ZERO);
        assert_eq!(week.from, Some("2026-02-22T00:00:00Z".parse().unwrap()));
    }

    #[test]
    fn a_text_that_is_no_range_is_an_error() {
        for word in ["", "..", "week", "7", "2026-02-30..", "2026-01-02..2026-01-01", "a..b", "2026-01-01"] {
            assert!(Range::parse(word).is_err(), "{word}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_a_word_comes_back(word in ".{0,40}", days in 0..4_000_i64) {
            let _ = Range::parse(&word);
            let day = jiff::civil::date(2020, 1, 1) + days.days();
            for word in [format!("{day}.."), format!("..{day}"), format!("{day}..{day}"), "30d".to_owned()] {
                prop_assert_eq!(Range::parse(&word).unwrap().word(), word);
            }
        }
    }
}

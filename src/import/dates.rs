//! Decides which texts are dates, and which moment they name on the shop's clock.
//!
//! It must never guess: a text that is no date gives none, and day comes before month.

use jiff::civil::{Date, DateTime, Time};

/// When an order was placed: from `Order Date & Time` where it holds a date, else from `Order Date`, together with
/// `Order Date & Time` where that is a time of day.
pub(super) fn placed_at(placed: &str, date: Option<&str>) -> Option<DateTime> {
    if let Some(found) = date_time(placed) {
        return Some(found);
    }
    let found = date_time(date?)?;
    Some(match time(placed) {
        Some(time) => found.date().to_datetime(time),
        None => found,
    })
}

/// A date, with a time of day or without. An offset from UTC is left out: the text is the shop's local time.
fn date_time(text: &str) -> Option<DateTime> {
    let text = text.trim();
    let (day, rest) = match text.split_once(['T', ' ']).filter(|(day, _)| day.len() >= 8) {
        Some((day, rest)) => (day, rest.trim()),
        None => (text, ""),
    };
    let date = date(day.trim_end_matches(','))?;
    if rest.is_empty() {
        return Some(date.to_datetime(Time::midnight()));
    }
    Some(date.to_datetime(time(without_offset(rest))?))
}

/// `2025-06-01`, `01-06-2025`, `1/6/2025`, `01.06.2025`, `01-Jun-2025`.
fn date(text: &str) -> Option<Date> {
    let separator = ['-', '/', '.'].into_iter().find(|separator| text.contains(*separator))?;
    let mut parts = text.split(separator);
    let (first, month, last) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (year, day) = if first.len() == 4 { (first, last) } else { (last, first) };
    // A year of two digits does not tell which part it is.
    if year.len() != 4 {
        return None;
    }
    let year: i16 = number(year)?;
    // Years before 1970 or after 2200 are slips, or other numbers.
    Date::new(year, month_number(month)?, number(day).filter(|_| day.len() <= 2)?)
        .ok()
        .filter(|date| (1970..=2200).contains(&date.year()))
}

fn month_number(text: &str) -> Option<i8> {
    const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    if text.len() <= 2 {
        return number(text);
    }
    let start = text.get(..3)?;
    let place = NAMES.iter().position(|name| name.eq_ignore_ascii_case(start))?;
    text.bytes().all(|byte| byte.is_ascii_alphabetic()).then(|| i8::try_from(place + 1).ok())?
}

/// `18:05`, `18:05:59`, `18:05:59.250`, `6:05 pm`.
fn time(text: &str) -> Option<Time> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    let (clock, half) = match (lower.strip_suffix("am"), lower.strip_suffix("pm")) {
        (Some(clock), _) => (clock.trim_end(), Some(0)),
        (_, Some(clock)) => (clock.trim_end(), Some(12)),
        _ => (lower.as_str(), None),
    };
    let mut parts = clock.split(':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next());
    if parts.next().is_some() || hour.len() > 2 || minute.len() != 2 {
        return None;
    }
    let mut hour: i8 = number(hour)?;
    if let Some(half) = half {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + half;
    }
    let second: i8 = match second {
        None => 0,
        Some(second) => {
            let (whole, fraction) = second.split_once('.').unwrap_or((second, ""));
            if whole.len() != 2 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            number(whole)?
        }
    };
    Time::new(hour, number(minute)?, second, 0).ok()
}

fn without_offset(text: &str) -> &str {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    match text.rfind(['+', '-']) {
        Some(place) if place >= 4 => text.get(..place).unwrap_or(text).trim_end(),
        _ => text,
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use jiff::civil::datetime;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dates_are_read_day_first() {
        let expected = datetime(2025, 6, 1, 18, 5, 0, 0);
        for text in [
            "2025-06-01 18:05",
            "2025-06-01 18:05:00",
            "2025-06-01T18:05:00",
            "2025-06-01T18:05:00.000Z",
            "2025-06-01T18:05:00+05:30",
            "2025/06/01 18:05",
            "01-06-2025 18:05",
            "01/06/2025 18:05",
            "1/6/2025 6:05 PM",
            "1/6/2025, 6:05 pm",
            "01.06.2025 18:05",
            "01-Jun-2025 18:05",
        ] {
            assert_eq!(placed_at(text, None), Some(expected), "{text}");
        }
        assert_eq!(placed_at("2025-06-01", None), Some(datetime(2025, 6, 1, 0, 0, 0, 0)));
    }

    #[test]
    fn what_is_no_date_stays_text() {
        for text in [
            "",
            "19:29.5",
            "18:05",
            "yesterday",
            "06/25/2025",
            "2025-13-01",
            "2025-02-30",
            "01-02-25",
            "599",
            "1.5",
            "0001-01-01",
            "2025-06-01 25:00",
            "2025-06-01 soon",
            "१-२-२०२५",
            "+1-+2-2025",
        ] {
            assert_eq!(placed_at(text, None), None, "{text}");
        }
    }

    #[test]
    fn the_date_column_helps_out() {
        let day = datetime(2025, 6, 1, 0, 0, 0, 0);
        assert_eq!(placed_at("19:29.5", Some("2025-06-01")), Some(day));
        assert_eq!(placed_at("18:05", Some("01/06/2025")), Some(datetime(2025, 6, 1, 18, 5, 0, 0)));
        assert_eq!(placed_at("", Some("2025-06-01")), Some(day));
        assert_eq!(placed_at("2025-05-31 10:00", Some("2025-06-01")), Some(datetime(2025, 5, 31, 10, 0, 0, 0)));
        assert_eq!(placed_at("18:05", Some("soon")), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(placed in ".{0,40}", date in ".{0,20}") {
            let _ = placed_at(&placed, Some(&date));
        }

        #[test]
        fn every_moment_of_our_time_reads_back(minutes in 0_i64..60_000_000) {
            let moment = datetime(1990, 1, 1, 0, 0, 0, 0) + jiff::Span::new().minutes(minutes);
            prop_assert_eq!(placed_at(&moment.to_string(), None), Some(moment));
            prop_assert_eq!(placed_at(&moment.strftime("%d/%m/%Y %H:%M").to_string(), None), Some(moment));
        }
    }
}

//! When people of the team answer.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// The days by the names that the setting takes, from Monday on.
const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

/// The hours of a week in which the team answers; without any it is not known when.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OpeningHours {
    spans: Vec<Span>,
    zone: Option<TimeZone>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    days: Vec<Weekday>,
    from: Time,
    until: Time,
}

impl OpeningHours {
    /// Reads entries such as `Mon-Fri 09:00-18:00` and `Sat 10:00-14:00`, in the shop's zone.
    ///
    /// # Errors
    /// An entry of another form, in words.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>, zone: TimeZone) -> Result<Self, String> {
        let spans = entries.into_iter().map(|entry| Span::parse(entry).ok_or_else(|| entry.to_owned()));
        Ok(Self { spans: spans.collect::<Result<_, _>>()?, zone: Some(zone) })
    }

    /// When the team answers next, in the shop's zone; none where it answers now, or where its hours are not known.
    pub fn next_opening(&self, now: Timestamp) -> Option<DateTime> {
        let zone = self.zone.clone().filter(|_| !self.spans.is_empty())?;
        let now = now.to_zoned(zone).datetime();
        if self.spans.iter().any(|span| span.holds(now)) {
            return None;
        }
        (0..=7_i64).find_map(|ahead| {
            let day = now.date().checked_add(ahead.days()).ok()?;
            let opens = self.spans.iter().filter(|span| span.days.contains(&day.weekday()));
            opens.map(|span| day.to_datetime(span.from)).filter(|opens| *opens > now).min()
        })
    }
}

/// Days in which an end is looked for.
const FURTHEST_DAYS: i64 = 3_660;

impl OpeningHours {
    /// When the team has answered for so long after a moment: its closed hours do not count. By the clock where its hours are not known;
    /// none where that is too far away.
    pub fn after(&self, from: Timestamp, time: SignedDuration) -> Option<Timestamp> {
        let Some(zone) = self.zone.as_ref().filter(|_| !self.spans.is_empty()) else {
            return from.checked_add(time).ok();
        };
        let first = zone.to_datetime(from).date();
        let (mut begun, mut left) = (from, time);
        for ahead in 0..FURTHEST_DAYS {
            let day = first.checked_add(ahead.days()).ok()?;
            let mut open: Vec<&Span> = self.spans.iter().filter(|span| span.days.contains(&day.weekday())).collect();
            open.sort_by_key(|span| span.from);
            for span in open {
                let closes = if span.until == Time::MAX {
                    day.tomorrow().ok()?.to_datetime(Time::MIN)
                } else {
                    day.to_datetime(span.until)
                };
                // Where spans overlap, the same hour counts once.
                let opens = zone.to_timestamp(day.to_datetime(span.from)).ok()?.max(begun);
                let closes = zone.to_timestamp(closes).ok()?;
                if closes <= opens {
                    continue;
                }
                let lasts = closes.duration_since(opens);
                if lasts >= left {
                    return opens.checked_add(left).ok();
                }
                left -= lasts;
                begun = closes;
            }
        }
        None
    }
}

impl Span {
    fn parse(entry: &str) -> Option<Self> {
        let (days, hours) = entry.trim().split_once(char::is_whitespace)?;
        let (from, until) = hours.trim().split_once('-')?;
        let (first, last) = days.split_once('-').unwrap_or((days, days));
        let place = |name: &str| {
            let name = name.trim().to_lowercase();
            // Whole names too: “Monday”.
            DAYS.iter().position(|(short, _)| name.starts_with(short))
        };
        let (first, last) = (place(first)?, place(last)?);
        // “Sat-Mon” goes over the end of the week.
        let length = (last + DAYS.len() - first) % DAYS.len();
        let days = (0..=length).map(|step| DAYS[(first + step) % DAYS.len()].1).collect();
        let (from, until) = (clock_time(from)?, clock_time(until)?);
        (from < until).then_some(Self { days, from, until })
    }

    fn holds(&self, now: DateTime) -> bool {
        self.days.contains(&now.weekday()) && self.from <= now.time() && now.time() < self.until
    }
}

/// `9:00` to `24:00`.
fn clock_time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute) = (hour.parse::<i8>().ok()?, minute.parse::<i8>().ok()?);
    if (hour, minute) == (24, 0) { Some(Time::MAX) } else { Time::new(hour, minute, 0, 0).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(entries: &[&str]) -> Result<OpeningHours, String> {
        OpeningHours::parse(entries.iter().copied(), TimeZone::get("Asia/Kolkata").unwrap())
    }

    fn next(hours: &OpeningHours, now: &str) -> Option<String> {
        hours.next_opening(now.parse().unwrap()).map(|at| at.strftime("%a %d %H:%M").to_string())
    }

    #[test]
    fn the_next_opening_is_told_in_the_shops_zone() {
        let hours = hours(&["Mon-Fri 09:00-18:00", "Sat 10:00-14:00"]).unwrap();
        // 2026-06-01 is a Monday; Kolkata is 5:30 ahead.
        for (now, expected) in [
            ("2026-06-01T03:29:59Z", Some("Mon 01 09:00")),
            ("2026-06-01T03:30:00Z", None),
            ("2026-06-01T12:29:59Z", None),
            ("2026-06-01T12:30:00Z", Some("Tue 02 09:00")),
            ("2026-06-05T13:00:00Z", Some("Sat 06 10:00")),
            ("2026-06-06T08:30:00Z", Some("Mon 08 09:00")),
        ] {
            assert_eq!(next(&hours, now).as_deref(), expected, "{now}");
        }
    }

    #[test]
    fn closed_hours_do_not_count() {
        let open = hours(&["Mon-Fri 09:00-18:00", "Fri 17:00-24:00", "Sat 10:00-14:00"]).unwrap();
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let after = |hours: &OpeningHours, from: &str, minutes| {
            let end = hours.after(from.parse().unwrap(), SignedDuration::from_mins(minutes)).unwrap();
            zone.to_datetime(end).strftime("%a %d %H:%M").to_string()
        };
        // 2026-06-01 is a Monday; Kolkata is 5:30 ahead.
        for (from, minutes, expected) in [
            ("2026-06-01T04:30:00Z", 30, "Mon 01 10:30"),
            ("2026-06-01T12:20:00Z", 10, "Mon 01 18:00"),
            ("2026-06-01T12:20:00Z", 30, "Tue 02 09:20"),
            ("2026-06-01T00:00:00Z", 30, "Mon 01 09:30"),
            ("2026-06-05T12:00:00Z", 420, "Sat 06 10:30"),
            ("2026-06-06T08:20:00Z", 20, "Mon 08 09:10"),
        ] {
            assert_eq!(after(&open, from, minutes), expected, "{from}");
        }
        assert_eq!(after(&hours(&[]).unwrap(), "2026-06-06T20:00:00Z", 30), "Sun 07 02:00");
    }

    #[test]
    fn days_may_go_over_the_end_of_the_week_and_hours_to_its_end() {
        let hours = hours(&["sunday-Monday 00:00-24:00"]).unwrap();
        assert_eq!(next(&hours, "2026-05-31T20:00:00Z"), None);
        assert_eq!(next(&hours, "2026-06-01T19:00:00Z").as_deref(), Some("Sun 07 00:00"));
    }

    #[test]
    fn without_hours_nothing_is_told_and_other_forms_are_refused() {
        assert_eq!(next(&hours(&[]).unwrap(), "2026-06-01T03:00:00Z"), None);
        for wrong in ["", "Mon", "Mon 9-18", "Mon 18:00-09:00", "Foo 09:00-18:00", "Mon 25:00-26:00", "Mon 09:00"] {
            assert_eq!(hours(&[wrong]).unwrap_err(), wrong);
        }
    }
}

//! Periods of statistics: which moments belong to them, and to which point of a series. Days and hours are always those
//! of the shop's time zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde::Serialize;

/// Periods of up to this length have one point per hour.
const LONGEST_HOURLY: SignedDuration = SignedDuration::from_hours(48);

/// A period of time in the shop's time zone.
#[derive(Debug, Clone)]
pub struct Period {
    /// Its beginning, inclusive; `None`: unlimited.
    pub from: Option<Timestamp>,
    /// Its end, exclusive.
    pub until: Timestamp,
    /// The time zone of days and hours.
    pub zone: TimeZone,
    /// Silence of a customer after which a new session begins.
    pub gap: SignedDuration,
}

impl Period {
    /// The time before it, which is as long; `None` where it has no beginning.
    pub fn before(&self) -> Option<Self> {
        let from = self.from?;
        let begun = from.checked_sub(self.until.duration_since(from)).ok()?;
        Some(Self { from: Some(begun), until: from, ..self.clone() })
    }
}

/// The length of one point of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Period {
    /// Whether a moment is in it.
    pub fn holds(&self, at: Timestamp) -> bool {
        at < self.until && self.from.is_none_or(|from| at >= from)
    }

    /// The length of one point of a series.
    pub fn step(&self) -> Step {
        match self.from {
            Some(from) if self.until.duration_since(from) <= LONGEST_HOURLY => Step::Hour,
            _ => Step::Day,
        }
    }

    /// The point of a series that a moment belongs to: `2026-01-31`, or `2026-01-31 15:00`.
    pub fn point(&self, at: Timestamp) -> String {
        let local = self.zone.to_datetime(at);
        match self.step() {
            Step::Hour => local.strftime("%Y-%m-%d %H:00").to_string(),
            Step::Day => local.date().to_string(),
        }
    }

    /// The time around a moment in which all moments belong to the same point: beginning and end, exclusive.
    pub(super) fn span(&self, at: Timestamp) -> (Timestamp, Timestamp) {
        let local = self.zone.to_datetime(at);
        let ends = match self.step() {
            Step::Hour => {
                let into = SignedDuration::from_secs(i64::from(local.minute()) * 60 + i64::from(local.second()))
                    + SignedDuration::from_nanos(local.subsec_nanosecond().into());
                let from = at.checked_sub(into).ok();
                from.zip(from.and_then(|from| from.checked_add(SignedDuration::from_hours(1)).ok()))
            }
            Step::Day => {
                let midnight = |day: jiff::civil::Date| Some(day.to_zoned(self.zone.clone()).ok()?.timestamp());
                midnight(local.date()).zip(local.date().tomorrow().ok().and_then(midnight))
            }
        };
        let alone = (at, at.checked_add(1.microsecond()).unwrap_or(Timestamp::MAX));
        // Where the clocks change within it, only the moment itself is sure.
        let whole = |(from, until): &(Timestamp, Timestamp)| {
            let point = self.point(at);
            let last = until.checked_sub(1.microsecond()).unwrap_or(*until);
            *from <= at && at < *until && self.point(*from) == point && self.point(last) == point
        };
        ends.filter(whole).unwrap_or(alone)
    }

    /// All points from the beginning of the period to its end, also those without events; empty where the period has no
    /// beginning.
    pub fn points(&self) -> Vec<String> {
        let Some(from) = self.from else { return Vec::new() };
        let step = match self.step() {
            Step::Hour => SignedDuration::from_hours(1),
            Step::Day => SignedDuration::from_hours(24),
        };
        let mut points: Vec<String> = Vec::new();
        let mut at = from;
        while at < self.until && points.len() < 10_000 {
            let point = self.point(at);
            if points.last() != Some(&point) {
                points.push(point);
            }
            let Ok(next) = at.checked_add(step) else { break };
            at = next;
        }
        if let Ok(last) = self.until.checked_sub(1.microsecond()) {
            let point = self.point(last);
            if last >= from && points.last() != Some(&point) {
                points.push(point);
            }
        }
        points
    }

    /// The beginning of the last day of the period.
    pub fn today(&self) -> Timestamp {
        let day = self.zone.to_datetime(self.until).date();
        day.to_zoned(self.zone.clone()).map_or(self.until, |zoned| zoned.timestamp())
    }

    /// The time of the earliest message that is needed to count sessions and “today”.
    pub fn read_from(&self) -> Option<Timestamp> {
        let from = self.from?;
        Some(from.checked_sub(self.gap).unwrap_or(Timestamp::MIN).min(self.today()))
    }

    /// The period in the shop's local time, as orders are dated: beginning (`None`: undated orders belong to it too)
    /// and end.
    pub fn local(&self) -> (Option<DateTime>, DateTime) {
        (self.from.map(|from| self.zone.to_datetime(from)), self.zone.to_datetime(self.until))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::domain::stats) fn period(from: &str, until: &str) -> Period {
        Period {
            from: (!from.is_empty()).then(|| from.parse().unwrap()),
            until: until.parse().unwrap(),
            zone: TimeZone::get("Asia/Kolkata").unwrap(),
            gap: SignedDuration::from_hours(24),
        }
    }

    #[test]
    fn days_are_those_of_the_shop() {
        let week = period("2026-01-01T00:00:00Z", "2026-01-08T00:00:00Z");
        assert_eq!(week.point("2026-01-01T18:29:59Z".parse().unwrap()), "2026-01-01");
        assert_eq!(week.point("2026-01-01T18:30:00Z".parse().unwrap()), "2026-01-02");
        assert_eq!(week.points().len(), 8, "from the first half past five to the last: eight days");
        assert_eq!(week.today(), "2026-01-07T18:30:00Z".parse().unwrap());
        let hour = period("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z");
        assert_eq!(hour.points(), ["2026-01-01 05:00", "2026-01-01 06:00"]);
        assert!(period("", "2026-01-01T01:00:00Z").points().is_empty());
    }

    #[test]
    fn a_span_holds_what_belongs_to_one_point() {
        for (zone, hours) in
            [("Asia/Kolkata", 24), ("Asia/Kolkata", 24 * 30), ("Australia/Lord_Howe", 40), ("Europe/Berlin", 48)]
        {
            let until: Timestamp = "2026-04-06T00:00:00Z".parse().unwrap();
            let from = until - SignedDuration::from_hours(hours);
            let period = Period {
                zone: TimeZone::get(zone).unwrap(),
                from: Some(from),
                until,
                ..period("", "2026-01-01T00:00:00Z")
            };
            for step in 0..2_000 {
                let at = until - SignedDuration::from_secs(step * 431);
                let (first, end) = period.span(at);
                assert!(first <= at && at < end, "{zone} {at}");
                for other in [first, end - SignedDuration::from_micros(1)] {
                    assert_eq!(period.point(other), period.point(at), "{zone} {at}");
                }
            }
        }
    }
}

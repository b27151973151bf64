//! How long each kind of data is retained. The refund ledger, and what still waits for an answer or a person, are never
//! removed, whatever is set.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How long each kind is retained; `None`: without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RetentionPolicy {
    /// The transcript, and resolved alerts.
    pub chats: Option<SignedDuration>,
    /// Messages that were answered, and replies that were sent.
    pub inbox: Option<SignedDuration>,
    /// The audit trail.
    pub audit: Option<SignedDuration>,
    /// Events that were delivered.
    pub events: Option<SignedDuration>,
}

impl RetentionPolicy {
    /// From whole days of each; 0: without limit.
    pub fn from_days(chats: u32, inbox: u32, audit: u32) -> Self {
        Self { chats: days_of(chats), inbox: days_of(inbox), audit: days_of(audit), events: None }
    }

    /// This policy, with whole days of delivered events; 0: without limit.
    #[must_use]
    pub fn with_events(self, days: u32) -> Self {
        Self { events: days_of(days), ..self }
    }

    /// Whether nothing is ever removed.
    pub fn keeps_everything(&self) -> bool {
        *self == Self::default()
    }

    /// The time before which entries of the audit trail are removed: the beginning of a day (UTC), so that the trail is
    /// shortened once a day at most.
    pub fn audit_before(&self, now: Timestamp) -> Option<Timestamp> {
        let before = now.saturating_sub(self.audit?).ok()?.to_zoned(TimeZone::UTC);
        Some(before.with().time(Time::midnight()).build().ok()?.timestamp())
    }
}

fn days_of(days: u32) -> Option<SignedDuration> {
    (days > 0).then(|| SignedDuration::from_hours(24 * i64::from(days)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_nothing_are_for_ever() {
        assert!(RetentionPolicy::from_days(0, 0, 0).keeps_everything());
        let keep = RetentionPolicy::from_days(1, 0, 30);
        assert_eq!((keep.chats, keep.inbox), (Some(SignedDuration::from_hours(24)), None));
        assert!(!keep.keeps_everything());
        let now: Timestamp = "2026-03-31T12:34:56Z".parse().unwrap();
        assert_eq!(keep.audit_before(now), Some("2026-03-01T00:00:00Z".parse().unwrap()));
        assert_eq!(RetentionPolicy::default().audit_before(now), None);
    }
}

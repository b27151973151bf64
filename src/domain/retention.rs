//! Decides how long what is not needed any more is kept.
//!
//! It must never name the refund ledger, nor what still waits for an answer or a person: those stay whatever is set.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// How long each kind is kept; `None`: for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeepFor {
    /// The transcript, and settled alerts.
    pub chats: Option<SignedDuration>,
    /// Messages that were answered, and replies that were sent.
    pub inbox: Option<SignedDuration>,
    /// The audit trail.
    pub audit: Option<SignedDuration>,
}

impl KeepFor {
    /// Whole days of each; 0: for ever.
    pub fn days(chats: u32, inbox: u32, audit: u32) -> Self {
        let days = |days: u32| (days > 0).then(|| SignedDuration::from_hours(24 * i64::from(days)));
        Self { chats: days(chats), inbox: days(inbox), audit: days(audit) }
    }

    /// Whether everything is kept for ever.
    pub fn is_for_ever(&self) -> bool {
        *self == Self::default()
    }

    /// Before which time entries of the audit trail are removed: the beginning of a day (UTC), so that the trail is cut
    /// once a day at most.
    pub fn audit_before(&self, now: Timestamp) -> Option<Timestamp> {
        let before = now.saturating_sub(self.audit?).ok()?.to_zoned(TimeZone::UTC);
        Some(before.with().time(Time::midnight()).build().ok()?.timestamp())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_nothing_are_for_ever() {
        assert!(KeepFor::days(0, 0, 0).is_for_ever());
        let keep = KeepFor::days(1, 0, 30);
        assert_eq!((keep.chats, keep.inbox), (Some(SignedDuration::from_hours(24)), None));
        assert!(!keep.is_for_ever());
        let now: Timestamp = "2026-03-31T12:34:56Z".parse().unwrap();
        assert_eq!(keep.audit_before(now), Some("2026-03-01T00:00:00Z".parse().unwrap()));
        assert_eq!(KeepFor::default().audit_before(now), None);
    }
}

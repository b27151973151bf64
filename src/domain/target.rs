//! What the team promises its customers: how soon a person answers, and how soon a matter is settled.

use jiff::{SignedDuration, Timestamp};

use super::alert::{Alert, AlertStatus};
use super::message::{ChatMessage, Role};
use super::opening_hours::OpeningHours;

/// What is promised; `None`: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Targets {
    /// From the alert to the first word of a person.
    pub first_reply: Option<SignedDuration>,
    /// From the alert to its resolution.
    pub resolution: Option<SignedDuration>,
    /// The hours that count; by the clock where they are not known.
    pub hours: OpeningHours,
}

/// What has to happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aim {
    /// A person answers.
    FirstReply,
    /// The alert is resolved.
    Resolution,
}

impl Aim {
    /// The word for it, for the team.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FirstReply => "first reply",
            Self::Resolution => "resolution",
        }
    }
}

/// What has to happen next, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// What.
    pub aim: Aim,
    /// Until when.
    pub at: Timestamp,
}

impl Targets {
    /// Whether nothing is promised.
    pub fn are_none(&self) -> bool {
        self.first_reply.is_none() && self.resolution.is_none()
    }

    /// How long something may take.
    pub fn of(&self, aim: Aim) -> Option<SignedDuration> {
        match aim {
            Aim::FirstReply => self.first_reply,
            Aim::Resolution => self.resolution,
        }
    }

    /// Whether something may be due for an alert already, whatever was said since.
    pub fn may_be_due(&self, alert: &Alert, now: Timestamp) -> bool {
        let within = self.first_reply.into_iter().chain(self.resolution).min();
        within.is_some_and(|within| alert.begun().checked_add(within).is_ok_and(|at| at <= now))
    }

    /// What is due next for a pending alert for which a person has to answer; `messages` are the customer's latest.
    pub fn next(&self, alert: &Alert, messages: &[ChatMessage]) -> Option<Deadline> {
        if alert.status != AlertStatus::Pending || alert.bot_answers || !alert.is_of_customer() {
            return None;
        }
        let begun = alert.begun();
        let answered = messages.iter().any(|message| message.role == Role::Agent && message.at >= begun);
        let until = |aim: Aim| Some(Deadline { aim, at: self.hours.after(begun, self.of(aim)?)? });
        if answered { until(Aim::Resolution) } else { until(Aim::FirstReply).or_else(|| until(Aim::Resolution)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{Priority, Quoted};
    use crate::domain::ids::{AlertId, UserId};
    use crate::domain::message::Basis;

    #[test]
    fn a_person_answers_first_and_resolves_then() {
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let said = |role, minute| ChatMessage {
            user_id: UserId::new("91"),
            role,
            text: "hello".to_owned(),
            at: at(minute),
            turn: 1,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let message = Quoted::FromCustomer("hello");
        let alert = Alert::raise(AlertId::new("a"), UserId::new("91"), "why", message, Priority::Low, at(100));
        let both = Targets {
            first_reply: Some(SignedDuration::from_mins(30)),
            resolution: Some(SignedDuration::from_hours(8)),
            ..Targets::default()
        };
        let due = |targets: &Targets, alert: &Alert, messages: &[ChatMessage]| {
            targets.next(alert, messages).map(|due| (due.aim, due.at))
        };
        let before = [said(Role::Agent, 99), said(Role::Assistant, 101)];
        assert_eq!(due(&both, &alert, &before), Some((Aim::FirstReply, at(130))), "the bot is no person");
        assert_eq!(due(&both, &alert, &[said(Role::Agent, 100)]), Some((Aim::Resolution, at(580))));
        assert_eq!(
            due(&Targets { first_reply: None, ..both.clone() }, &alert, &before),
            Some((Aim::Resolution, at(580)))
        );
        assert_eq!(due(&Targets { resolution: None, ..both.clone() }, &alert, &[said(Role::Agent, 100)]), None);
        let mut again = alert.clone();
        again.handling.reopened_at = Some(at(1_000));
        assert_eq!(due(&both, &again, &[said(Role::Agent, 100)]), Some((Aim::FirstReply, at(1_030))));
        assert_eq!(due(&both, &alert.clone().while_the_bot_answers(), &[]), None);
        assert!(!both.may_be_due(&alert, at(129)) && both.may_be_due(&alert, at(130)));
        // The Epoch is a Thursday; the team is there for an hour a day.
        let hours = OpeningHours::parse(["Mon-Sun 01:00-02:00"], jiff::tz::TimeZone::UTC).unwrap();
        let by_hours = Targets { hours, ..both.clone() };
        assert_eq!(
            due(&by_hours, &alert, &before),
            Some((Aim::FirstReply, at(24 * 60 + 70))),
            "20 minutes and 10 the next day"
        );
        assert_eq!(due(&both, &Alert { status: AlertStatus::Resolved, ..alert }, &[]), None);
        assert!(Targets::default().are_none() && !both.are_none());
    }
}

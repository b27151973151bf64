//! Alerts: requests for a person, with their priority, their status and what the team did about them. A customer has
//! one pending alert at most, and nothing ever lowers its priority or drops a reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{AlertId, UserId};
use super::words::excerpt;

/// The longest reason of a new alert, in characters.
const LONGEST_REASON: usize = 500;
/// The longest quoted message of a customer, in characters.
const LONGEST_MESSAGE: usize = 4_000;
/// The longest quoted message to a customer, in characters: the transcript has all of it.
const LONGEST_REPLY: usize = 1_000;
/// No reason is added to one that is longer than this, in characters.
const LONGEST_MERGED_REASON: usize = 4_000;

/// Whose alert it is when nothing can be sent because of the set-up: no customer's identity.
pub const SET_UP: &str = "whatsapp-set-up";
/// Whose alert it is when events do not reach the shop's systems: no customer's identity.
pub const EVENTS: &str = "events";
/// Whose alerts are no customer's.
pub const OF_NO_CUSTOMER: [&str; 2] = [SET_UP, EVENTS];

/// How long an alert of a customer took: what the figures of the team are counted from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handled {
    /// When it was raised.
    pub created_at: Timestamp,
    /// When its assignee took it.
    pub claimed_at: Option<Timestamp>,
    /// When it was resolved.
    pub resolved_at: Timestamp,
    /// Who resolved it, where that is known.
    pub by: Option<String>,
}

impl Handled {
    /// What an alert says of it; `None` where it is not resolved, or no customer's.
    pub fn of(alert: &Alert) -> Option<Self> {
        let handling = &alert.handling;
        let resolved_at =
            handling.resolved_at.filter(|_| alert.status == AlertStatus::Resolved && alert.is_of_customer())?;
        let (created_at, claimed_at, by) = (alert.created_at, handling.claimed_at, handling.resolved_by.clone());
        Some(Self { created_at, claimed_at, resolved_at, by })
    }
}

/// How urgent an alert is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Whenever there is time.
    Low,
    /// Today.
    #[default]
    Medium,
    /// Now: an upset customer or money at stake.
    High,
}

impl Priority {
    /// The word used in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    /// Reads the word used in JSON.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|priority| priority.as_str() == text)
    }
}

/// The status of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// Nobody has resolved it yet: the bot leaves its matter to the team, unless it only tells of something. Danger and fraud are
    /// warned of, and another subject is answered, all the same.
    Pending,
    /// A person has resolved it.
    Resolved,
}

impl AlertStatus {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Resolved => "resolved",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Resolved].into_iter().find(|status| status.as_str() == text)
    }
}

/// A request for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its identifier.
    pub id: AlertId,
    /// The customer.
    pub user_id: UserId,
    /// Why a person is needed.
    pub reason: String,
    /// The latest message when it was raised.
    pub last_message: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Pending or resolved.
    pub status: AlertStatus,
    /// When it was raised.
    pub created_at: Timestamp,
    /// Whether the bot goes on answering meanwhile: it only tells of something.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bot_answers: bool,
    /// What the team did about it.
    #[serde(flatten)]
    pub handling: Handling,
}

/// The message that an alert quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quoted<'a> {
    /// The customer wrote it.
    FromCustomer(&'a str),
    /// It was written to the customer.
    ToCustomer(&'a str),
}

impl Alert {
    /// A new pending alert that nobody is assigned to. Reason and message are trimmed and shortened.
    pub fn raise(
        id: AlertId,
        user_id: UserId,
        reason: &str,
        message: Quoted<'_>,
        priority: Priority,
        now: Timestamp,
    ) -> Self {
        let last_message = match message {
            Quoted::FromCustomer(text) => excerpt(text.trim(), LONGEST_MESSAGE),
            Quoted::ToCustomer(text) => format!("(to the customer) {}", excerpt(text.trim(), LONGEST_REPLY)),
        };
        Self {
            id,
            user_id,
            reason: excerpt(reason.trim(), LONGEST_REASON),
            last_message,
            priority,
            status: AlertStatus::Pending,
            created_at: now,
            bot_answers: false,
            handling: Handling::default(),
        }
    }

    /// This alert, which only tells of something: the bot goes on answering while it is pending.
    #[must_use]
    pub fn while_the_bot_answers(self) -> Self {
        Self { bot_answers: true, ..self }
    }

    /// Whether it is a customer's: others tell of the shop's own set-up.
    pub fn is_of_customer(&self) -> bool {
        !OF_NO_CUSTOMER.contains(&self.user_id.as_str())
    }

    /// Since when it waits for the team: one that is reopened begins anew.
    pub fn begun(&self) -> Timestamp {
        self.handling.reopened_at.map_or(self.created_at, |at| at.max(self.created_at))
    }

    /// Whether this alert quotes the beginning of what the customer wrote.
    pub fn quotes(&self, text: &str) -> bool {
        let quoted = self.last_message.trim_end_matches('…');
        !quoted.is_empty() && excerpt(text.trim(), LONGEST_MESSAGE).starts_with(quoted)
    }

    /// Whether more is known of it than before, or it became more urgent: reason enough to tell the team again.
    #[must_use]
    pub fn is_graver_than(&self, before: &Self) -> bool {
        self.priority > before.priority || self.reason != before.reason
    }

    /// This pending alert after another request for the same customer: the higher priority, both reasons and the newer
    /// message. The bot leaves the matter to the team where either asks for a person.
    #[must_use]
    pub fn merged_with(&self, newer: &Self) -> Self {
        let keeps_reason = self.reason.chars().count() > LONGEST_MERGED_REASON || self.reason.contains(&newer.reason);
        Self {
            reason: if keeps_reason { self.reason.clone() } else { format!("{} | {}", self.reason, newer.reason) },
            last_message: newer.last_message.clone(),
            priority: self.priority.max(newer.priority),
            bot_answers: self.bot_answers && newer.bot_answers,
            ..self.clone()
        }
    }
}

/// What the team did about an alert. Members of the team are named as they log in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Handling {
    /// The assignee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// When the assignee claimed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
    /// When it was resolved last; it may have been reopened since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Who resolved it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// Their note.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was reopened last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    /// Who reopened it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_by: Option<String>,
}

/// How an alert is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// When.
    pub at: Timestamp,
    /// By whom, where that is known.
    pub by: Option<String>,
    /// What was done; empty: no note.
    pub note: String,
}

/// The outcome of assigning or releasing an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// It has the assignee that was asked for.
    Done(Alert),
    /// It has another assignee, or none, and was not changed.
    Held(Alert),
    /// There is no such pending alert.
    Gone,
}

/// The outcome of reopening a resolved alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopened {
    /// It is pending again and unassigned.
    Done(Alert),
    /// It was pending already.
    Pending(Alert),
    /// The customer has this other pending alert, and there can be only one.
    Other(Alert),
    /// There is no such alert.
    Gone,
}

/// Filters alerts by their assignee.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssigneeFilter {
    /// Alerts without an assignee.
    Unassigned,
    /// Alerts of this assignee.
    Named(String),
}

/// Which alerts are searched for. `None` and the empty text do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertSearch {
    /// By status.
    pub status: Option<AlertStatus>,
    /// By priority.
    pub priority: Option<Priority>,
    /// By assignee.
    pub assignee: Option<AssigneeFilter>,
    /// By a substring of the reason, the last message, the note or the customer's identity. Whether case matters beyond
    /// the letters A to Z depends on the backend.
    pub text: String,
    /// Of resolved ones: those that were resolved at this time or later.
    pub resolved_since: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raise(reason: &str, message: Quoted<'_>, priority: Priority) -> Alert {
        Alert::raise(AlertId::new("a"), UserId::new("91"), reason, message, priority, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn texts_are_shortened_and_say_who_wrote_them() {
        let alert = raise(&"r".repeat(600), Quoted::FromCustomer(&"₹".repeat(5_000)), Priority::Low);
        assert_eq!((alert.reason.chars().count(), alert.last_message.chars().count()), (501, 4_001));
        assert_eq!(raise("r", Quoted::ToCustomer(" hello "), Priority::Low).last_message, "(to the customer) hello");
    }

    #[test]
    fn an_alert_quotes_the_message_it_was_raised_for() {
        let text = "word ".repeat(2_000);
        assert!(raise("r", Quoted::FromCustomer(&text), Priority::Low).quotes(&text));
        assert!(!raise("r", Quoted::FromCustomer("another"), Priority::Low).quotes(&text));
        assert!(!raise("r", Quoted::FromCustomer(" "), Priority::Low).quotes(&text), "an empty message quotes nothing");
    }

    #[test]
    fn merging_never_lowers_the_priority_nor_repeats_a_reason() {
        let first = raise("broken", Quoted::FromCustomer("one"), Priority::Medium);
        let merged = first.merged_with(&raise("late", Quoted::FromCustomer("two"), Priority::Low));
        assert_eq!((merged.reason.as_str(), merged.last_message.as_str()), ("broken | late", "two"));
        assert_eq!(merged.priority, Priority::Medium);
        let again = merged.merged_with(&raise("late", Quoted::FromCustomer("two"), Priority::High));
        assert_eq!((again.reason.as_str(), again.priority), ("broken | late", Priority::High));
        let full = Alert { reason: "₹".repeat(4_001), ..first };
        assert_eq!(full.merged_with(&merged).reason, full.reason, "a long reason does not grow");
    }
}

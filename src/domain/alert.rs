//! Decides what an alert is: a request for a person, with its urgency and its state.
//!
//! It must never lose why it was raised, nor what was done about it: reason, last message and the note stay with it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{AlertId, UserId};

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

/// Where an alert stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    /// Nobody has settled it yet.
    Pending,
    /// A person has settled it.
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
    /// Whose conversation.
    pub user_id: UserId,
    /// Why a person is needed.
    pub reason: String,
    /// What the customer wrote last.
    pub last_message: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Where it stands.
    pub status: AlertStatus,
    /// When it was raised.
    pub created_at: Timestamp,
    /// What the team made of it.
    #[serde(flatten)]
    pub handling: Handling,
}

/// What the team made of an alert. Who did something is known by the name they log in with.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Handling {
    /// Who looks after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// Since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
    /// When it was settled last; it may have been opened again since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Who settled it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_by: Option<String>,
    /// What they wrote about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When it was opened again last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_at: Option<Timestamp>,
    /// Who did that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened_by: Option<String>,
}

/// How an alert is settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settlement {
    /// When.
    pub at: Timestamp,
    /// By whom, where that is known.
    pub by: Option<String>,
    /// What was done; empty: nothing is said.
    pub note: String,
}

/// What became of giving an alert to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Assigned {
    /// It is as it was asked for.
    Done(Alert),
    /// Somebody else has it, or nobody has: it is as it was.
    Held(Alert),
    /// There is no such pending alert.
    Gone,
}

/// What became of opening a settled alert again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reopened {
    /// It is pending again, and nobody's.
    Done(Alert),
    /// It was pending already.
    Pending(Alert),
    /// The customer has this other pending alert, and there can be one only.
    Other(Alert),
    /// There is no such alert.
    Gone,
}

/// Whose alerts are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Those that nobody looks after.
    Nobodys,
    /// Those of somebody.
    Of(String),
}

/// Which alerts are looked for. What is `None` or empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertSearch {
    /// Where they stand.
    pub status: Option<AlertStatus>,
    /// How urgent they are.
    pub priority: Option<Priority>,
    /// Whose they are.
    pub whose: Option<Whose>,
    /// A part of the reason, the last message, the note or the customer's identity. Whether case matters beyond the
    /// letters A to Z depends on the backend.
    pub text: String,
}

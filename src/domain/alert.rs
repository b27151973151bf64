//! Decides what an alert is: a request for a person, with its urgency and its state.
//!
//! It must never lose why it was raised: reason and last message stay with it.

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
}

//! Decides what is kept of a message that is to be sent to a customer.
//!
//! It must never have two identities: (customer, turn, sequence) names it for ever.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// A message to a customer. `(user_id, turn, sequence)` is its identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// To whom.
    pub user_id: UserId,
    /// The turn of the conversation that it answers.
    pub turn: u64,
    /// Its place among the messages of that turn, from 0.
    pub sequence: u32,
    /// What it says.
    pub body: Body,
    /// How far it is.
    pub state: Delivery,
    /// How often sending it was begun. It only grows, so it is also the fencing number of an attempt.
    pub attempts: u32,
    /// When it is tried (queued), given up by its worker (sending), or was settled (sent, parked).
    pub next_at: Timestamp,
    /// What the channel calls it, once it was sent.
    pub provider_id: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What a message to a customer says. More kinds come with the channels that have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// Plain text.
    Text {
        /// The text.
        text: String,
    },
}

impl Body {
    /// What it says, as text.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text } => text,
        }
    }
}

/// How far a message to a customer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// Waits for its time and for earlier messages of the same customer.
    Queued,
    /// A worker is sending it, until its lease runs out.
    Sending,
    /// The channel took it.
    Sent,
    /// Given up; later messages of the customer no longer wait for it.
    Parked,
}

impl Delivery {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Parked => "parked",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Sending, Self::Sent, Self::Parked].into_iter().find(|state| state.as_str() == text)
    }
}

impl Outgoing {
    /// A text that waits to be sent from `now` on.
    pub fn text(user_id: UserId, turn: u64, sequence: u32, text: impl Into<String>, now: Timestamp) -> Self {
        Self {
            user_id,
            turn,
            sequence,
            body: Body::Text { text: text.into() },
            state: Delivery::Queued,
            attempts: 0,
            next_at: now,
            provider_id: None,
            error: None,
        }
    }
}

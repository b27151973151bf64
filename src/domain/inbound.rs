//! Decides what is kept of a message that a customer sent, until it is answered and after.
//!
//! It must never lose the channel's own identifier: a redelivery is known by it alone.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::{MessageId, UserId};

/// A message from a customer, as the channel handed it over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbound {
    /// The channel's identifier; a redelivery has the same.
    pub id: MessageId,
    /// Who wrote, as the transport says.
    pub user_id: UserId,
    /// When it was sent, by the channel's clock: messages of one turn are read in this order.
    pub sent_at: Timestamp,
    /// When it reached this program, by its own clock.
    pub received_at: Timestamp,
    /// What it holds.
    pub content: Content,
}

/// What a message holds. More kinds come with the channels that have them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    /// Written text.
    Text {
        /// What was written.
        text: String,
    },
    /// A pressed reply button.
    Button {
        /// What the button says.
        text: String,
        /// What the button carries, as it was sent with the reply: the identifier of a quote.
        payload: String,
    },
}

impl Content {
    /// What the customer said, as text.
    pub fn text(&self) -> &str {
        match self {
            Self::Text { text } | Self::Button { text, .. } => text,
        }
    }

    /// What a pressed button carries.
    pub fn pressed(&self) -> Option<&str> {
        match self {
            Self::Text { .. } => None,
            Self::Button { payload, .. } => Some(payload),
        }
    }
}

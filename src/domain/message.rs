//! Decides what is kept of each message of a conversation.
//!
//! It must never hold anything but what was really said or done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The customer.
    User,
    /// The bot.
    Assistant,
    /// A member of the support team.
    Agent,
}

impl Role {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Agent => "agent",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::User, Self::Assistant, Self::Agent].into_iter().find(|role| role.as_str() == text)
    }
}

/// One message of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// Whose conversation.
    pub user_id: UserId,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// The turn of the conversation it belongs to.
    pub turn: u64,
    /// For the customer's messages and the reply: what triage made of the turn.
    pub intent: Option<String>,
    /// For the customer's messages and the reply: how the turn sounded.
    pub sentiment: Option<String>,
    /// For replies: milliseconds from the message to the reply.
    pub response_ms: Option<u64>,
}

//! The messages of the transcript: only what was really said.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ids::UserId;

/// The author of a message.
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

/// How the labels and the reply of a turn came about; `None` where that is not known.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Basis {
    /// For a customer's message that was classified: the confidence of the intent, from 0 to 1.
    #[serde(default)]
    pub intent_confidence: Option<f64>,
    /// For a customer's message that was classified: the confidence of the sentiment, from 0 to 1.
    #[serde(default)]
    pub sentiment_confidence: Option<f64>,
    /// For a customer's message that the bot answered: whether an earlier triage result was reused.
    #[serde(default)]
    pub reused: Option<bool>,
    /// For a reply: whether the playbook wrote it because the language model could not; `None` without a language
    /// model.
    #[serde(default)]
    pub degraded: Option<bool>,
}

impl Basis {
    /// The fields that are stored with a customer's message.
    #[must_use]
    pub fn of_message(self) -> Self {
        Self { degraded: None, ..self }
    }

    /// The fields that are stored with the reply.
    #[must_use]
    pub fn of_reply(self) -> Self {
        Self { degraded: self.degraded, ..Self::default() }
    }
}

/// One message of the transcript.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatMessage {
    /// The customer.
    pub user_id: UserId,
    /// Who said it.
    pub role: Role,
    /// What was said.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// The turn of the conversation it belongs to.
    pub turn: u64,
    /// For the customer's messages and the reply: the intent of the turn.
    pub intent: Option<String>,
    /// For the customer's messages and the reply: the sentiment of the turn.
    pub sentiment: Option<String>,
    /// For replies: milliseconds from the message to the reply.
    pub response_ms: Option<u64>,
    /// How its labels, or the reply, came about.
    #[serde(flatten)]
    pub basis: Basis,
}

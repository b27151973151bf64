//! Decides what a correction is: what a person says a customer's message should have been read as.
//!
//! It must never hold a label that nobody gave: what was left alone is `None`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::UserId;
use super::message::{ChatMessage, Role};

/// A customer's message with the labels that a person gave it: an example to train with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// Whose conversation.
    pub user_id: UserId,
    /// The turn of the conversation that the message belongs to.
    pub turn: u64,
    /// What the customer wrote.
    pub text: String,
    /// When the customer wrote it.
    pub said_at: Timestamp,
    /// What the model made of it.
    pub predicted_intent: Option<String>,
    /// How the model heard it.
    pub predicted_sentiment: Option<String>,
    /// What the customer wanted, as a person says.
    pub intent: Option<String>,
    /// How the customer sounded, as a person says.
    pub sentiment: Option<String>,
    /// Who said so last.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

impl Correction {
    /// A correction of a message, without labels yet.
    pub fn of(message: &ChatMessage, by: &str, at: Timestamp) -> Self {
        Self {
            user_id: message.user_id.clone(),
            turn: message.turn,
            text: message.text.clone(),
            said_at: message.at,
            predicted_intent: message.intent.clone(),
            predicted_sentiment: message.sentiment.clone(),
            intent: None,
            sentiment: None,
            by: by.to_owned(),
            at,
        }
    }

    /// What names the message within its turn.
    pub fn message(&self) -> String {
        mark_of(&self.text)
    }

    /// Whether it is of this message.
    pub fn is_of(&self, message: &ChatMessage) -> bool {
        can_be_corrected(message)
            && (&self.user_id, self.turn, &self.text) == (&message.user_id, message.turn, &message.text)
    }
}

/// Whether a message is a customer's and was read.
pub fn can_be_corrected(message: &ChatMessage) -> bool {
    message.role == Role::User && (message.intent.is_some() || message.sentiment.is_some())
}

/// What names a text within its turn: the beginning of its SHA-256. The same text twice in a turn is one example.
pub fn mark_of(text: &str) -> String {
    Sha256::digest(text).iter().take(12).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::Basis;

    #[test]
    fn only_what_a_customer_wrote_and_was_read_can_be_corrected() {
        let message = ChatMessage {
            user_id: UserId::new("1"),
            role: Role::User,
            text: "where is it".to_owned(),
            at: Timestamp::UNIX_EPOCH,
            turn: 3,
            intent: Some("other".to_owned()),
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        assert!(can_be_corrected(&message));
        assert!(!can_be_corrected(&ChatMessage { role: Role::Assistant, ..message.clone() }));
        assert!(!can_be_corrected(&ChatMessage { intent: None, ..message.clone() }));
        let correction = Correction::of(&message, "operator:dashboard", Timestamp::UNIX_EPOCH);
        assert!(correction.is_of(&message) && correction.intent.is_none());
        assert!(!correction.is_of(&ChatMessage { turn: 4, ..message.clone() }));
        assert!(!correction.is_of(&ChatMessage { text: "where".to_owned(), ..message }));
        assert_eq!(correction.message().len(), 24);
        assert_ne!(correction.message(), mark_of("where"));
    }
}

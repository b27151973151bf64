//! Corrections: the labels that a person gave a customer's message. A label that nobody gave is `None`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ids::UserId;
use super::message::{ChatMessage, Role};
use super::rating;

/// A customer's message with the labels that a person gave it: a training example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correction {
    /// The customer.
    pub user_id: UserId,
    /// The turn of the conversation that the message belongs to.
    pub turn: u64,
    /// What the customer wrote.
    pub text: String,
    /// When the customer wrote it.
    pub said_at: Timestamp,
    /// The intent that the model predicted.
    pub predicted_intent: Option<String>,
    /// The sentiment that the model predicted.
    pub predicted_sentiment: Option<String>,
    /// The intent that a person gave.
    pub intent: Option<String>,
    /// The sentiment that a person gave.
    pub sentiment: Option<String>,
    /// Who gave the labels last.
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

    /// The key of the message within its turn.
    pub fn message(&self) -> String {
        message_key(&self.text)
    }

    /// Whether it corrects this message.
    pub fn is_of(&self, message: &ChatMessage) -> bool {
        can_be_corrected(message)
            && (&self.user_id, self.turn, &self.text) == (&message.user_id, message.turn, &message.text)
    }
}

/// Whether a message is a customer's and has predicted labels.
pub fn can_be_corrected(message: &ChatMessage) -> bool {
    // An answer about the team's work was read by no model.
    let predicted = message.intent.as_deref() != Some(rating::LABEL);
    message.role == Role::User && predicted && (message.intent.is_some() || message.sentiment.is_some())
}

/// The key of a text within its turn: the first 12 bytes of its SHA-256 in hexadecimal. The same text twice in a turn
/// is one example.
pub fn message_key(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..12])
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
        assert_ne!(correction.message(), message_key("where"));
    }
}

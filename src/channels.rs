//! Decides how a message leaves for a customer: the port that every channel implements, and one that only collects.
//!
//! It must never try again by itself: whoever sends decides when, so that messages keep their order.

pub mod whatsapp;

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::ids::{MessageId, UserId};
use crate::domain::outgoing::Outgoing;

/// What a channel calls a message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentId(pub String);

/// What becomes of a message that a channel did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is tried again, for as long as failures are.
    Again,
    /// It would never be taken: it is parked, and the team is told.
    GiveUp,
    /// The channel takes nothing at all until somebody mends it: it waits, however long.
    Paused,
}

/// Why a channel did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the channel did not take the message: {reason}")]
pub struct SendError {
    /// What the channel says.
    pub reason: String,
    /// How long the channel wants to be left alone.
    pub retry_after: Option<Duration>,
    /// What becomes of the message.
    pub verdict: Verdict,
}

impl SendError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self.verdict {
            Verdict::Again => None,
            Verdict::GiveUp => Some("the message is parked: mend the cause, then run ecomres inbox retry".to_owned()),
            Verdict::Paused => Some("set a valid ACCESS_TOKEN and start the bot again: nothing is lost".to_owned()),
        }
    }
}

/// A way to customers.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Sends one message. Once this returned, the channel answers for it.
    ///
    /// # Errors
    /// When the channel did not take it.
    async fn send(&self, message: &Outgoing) -> Result<SentId, SendError>;

    /// Shows the customer that their message was read and is being answered. What fails here is left alone.
    async fn working_on(&self, _user: &UserId, _message: &MessageId) {}

    /// Why nothing can be sent at this time, where that is so.
    fn trouble(&self) -> Option<String> {
        None
    }
}

/// Collects messages for whoever shows them: the console, or a test.
#[derive(Debug, Default)]
pub struct Collected(Mutex<Vec<Outgoing>>);

impl Collected {
    /// What was sent since the last call, in its order.
    pub fn take(&self) -> Vec<Outgoing> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl Channel for Collected {
    async fn send(&self, message: &Outgoing) -> Result<SentId, SendError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.clone());
        Ok(SentId(format!("console-{}-{}-{}", message.user_id, message.turn, message.sequence)))
    }
}

//! Decides how a message leaves for a customer: the port that every channel implements, and one that only collects.
//!
//! It must never try again by itself: whoever sends decides when, so that messages keep their order.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::domain::outgoing::Outgoing;

/// What a channel calls a message that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentId(pub String);

/// Why a channel did not take a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the channel did not take the message: {reason}")]
pub struct SendError {
    /// What the channel says.
    pub reason: String,
    /// How long the channel wants to be left alone.
    pub retry_after: Option<Duration>,
    /// Whether it would never take it, however often it is tried.
    pub permanent: bool,
}

impl SendError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.permanent.then(|| "the message is parked: mend the cause, then run ecomres inbox retry".to_owned())
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

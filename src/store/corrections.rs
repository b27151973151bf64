//! Decides what can be asked of a store about labels that people corrected, and about what the model was unsure of.
//!
//! It must never keep a correction of a message that is not there: what was forgotten stays forgotten.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::domain::correction::Correction;
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;

/// Labels that people corrected: examples to train with.
#[async_trait]
pub trait Corrections: Send + Sync {
    /// Keeps the labels that are given, in place of those that were given to the same message before; what is `None`
    /// stays as it was. One update: of two people at the same time neither label is lost. `false` and nothing kept where
    /// the transcript does not hold the message.
    async fn correct(&self, correction: &Correction) -> Result<bool>;
    /// What was corrected in a customer's conversation, by turn.
    async fn corrections_of(&self, user: &UserId) -> Result<Vec<Correction>>;
    /// What was corrected of the messages that customers wrote from a time on (`None`: from the beginning) up to another,
    /// the oldest message first.
    async fn corrections(&self, from: Option<Timestamp>, until: Timestamp) -> Result<Vec<Correction>>;
    /// Customers' messages that were read with a confidence in the intent below this, the least sure first, at most
    /// `limit`.
    async fn unsure_messages(&self, below: f64, limit: u32) -> Result<Vec<ChatMessage>>;
}

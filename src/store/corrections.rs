//! Labels that people corrected, and messages that the model was unsure of.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::domain::correction::Correction;
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;

/// Labels that people corrected: examples to train with.
#[async_trait]
pub trait Corrections: Send + Sync {
    /// Saves the labels that are given, in place of earlier ones of the same message; what is `None` stays as it was.
    /// One update: of two people at the same time neither loses a label. `false` and nothing saved where the transcript
    /// does not hold the message: what was erased stays erased.
    async fn correct(&self, correction: &Correction) -> Result<bool>;
    /// The corrections in a customer's conversation, by turn.
    async fn corrections_of(&self, user: &UserId) -> Result<Vec<Correction>>;
    /// The corrections of messages that customers wrote from a time on (`None`: from the beginning) up to another, the
    /// oldest message first.
    async fn corrections(&self, from: Option<Timestamp>, until: Timestamp) -> Result<Vec<Correction>>;
    /// Customers' messages whose intent was classified with a confidence (0 to 1) below this, the lowest first, at most
    /// `limit`.
    async fn unsure_messages(&self, below: f64, limit: u32) -> Result<Vec<ChatMessage>>;
}

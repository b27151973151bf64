//! Questions that no document answered.

use async_trait::async_trait;

use super::Result;
use crate::domain::knowledge_gap::Unanswered;

/// Questions of customers that no document of the shop answered. They go with their customer, and by retention with the chats.
#[async_trait]
pub trait KnowledgeGaps: Send + Sync {
    /// Saves a question; the same words in the same turn of a customer are saved once.
    async fn record_unanswered(&self, question: &Unanswered) -> Result<()>;
    /// The latest questions, at most `limit`.
    async fn unanswered(&self, limit: u32) -> Result<Vec<Unanswered>>;
}

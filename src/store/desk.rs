//! Drafts and notes of the team.

use async_trait::async_trait;

use super::Result;
use crate::domain::desk::{Draft, Note};
use crate::domain::ids::UserId;

/// What the team writes that no customer sees. It goes with its customer, and by retention with the chats.
#[async_trait]
pub trait Desk: Send + Sync {
    /// Saves a draft in place of the one that the same person had for the same customer and field; a draft without words
    /// removes it.
    async fn save_draft(&self, draft: &Draft) -> Result<()>;
    /// The drafts of one person, the latest first, at most `limit`.
    async fn drafts_of(&self, by: &str, limit: u32) -> Result<Vec<Draft>>;
    /// Saves an internal note. The same words of the same person at the same time are saved once.
    async fn add_note(&self, note: &Note) -> Result<()>;
    /// The latest internal notes about a customer, the oldest first, at most `limit`.
    async fn notes_of(&self, user: &UserId, limit: u32) -> Result<Vec<Note>>;
}

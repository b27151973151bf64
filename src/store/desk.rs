//! What the team keeps: drafts and notes, what is pinned to conversations, and what members keep for themselves.

use async_trait::async_trait;

use super::Result;
use crate::domain::desk::{Draft, EntryKind, Note, Pin, PinKind, TeamEntry};
use crate::domain::ids::UserId;

/// What the team writes that no customer sees. What is about a customer goes with them, and by retention with the chats.
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
    /// Saves a pin in place of the one of the same customer, kind and name.
    async fn save_pin(&self, pin: &Pin) -> Result<()>;
    /// Removes a pin; `false` where there is none.
    async fn remove_pin(&self, user: &UserId, kind: PinKind, name: &str) -> Result<bool>;
    /// What is pinned to a conversation, by kind and name.
    async fn pins_of(&self, user: &UserId) -> Result<Vec<Pin>>;
    /// Pins of a kind, and of a name where one is given, the latest first, at most `limit`.
    async fn pins(&self, kind: PinKind, name: Option<&str>, limit: u32) -> Result<Vec<Pin>>;
    /// Saves an entry in place of the one of the same kind, owner and name.
    async fn save_entry(&self, entry: &TeamEntry) -> Result<()>;
    /// Saves an entry where the value of the same kind, owner and name is `before` (`None`: there is none); `false` where it is
    /// another one by now, and nothing is saved.
    async fn replace_entry(&self, before: Option<&str>, entry: &TeamEntry) -> Result<bool>;
    /// Removes an entry; `false` where there is none.
    async fn remove_entry(&self, kind: EntryKind, owner: &str, name: &str) -> Result<bool>;
    /// The entries of a kind, of one owner where one is given, by owner and name.
    async fn entries(&self, kind: EntryKind, owner: Option<&str>) -> Result<Vec<TeamEntry>>;
}

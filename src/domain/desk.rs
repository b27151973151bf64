//! What the team writes that no customer sees: drafts, which are not sent yet, and internal notes.

use jiff::Timestamp;
use serde::Serialize;

use super::ids::UserId;

/// The longest draft or note, in characters: more than a message may have, so that what is too long can be shortened.
pub const LONGEST: usize = 10_000;

/// What somebody of the team has written and not sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Draft {
    /// Who writes.
    pub by: String,
    /// The customer that it is about.
    pub user_id: UserId,
    /// What it is for, such as `reply`: there is one draft for each.
    pub field: String,
    /// The words.
    pub text: String,
    /// When they were written.
    pub at: Timestamp,
}

/// A note of the team in a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Note {
    /// The customer.
    pub user_id: UserId,
    /// Who wrote it.
    pub by: String,
    /// The words.
    pub text: String,
    /// When.
    pub at: Timestamp,
}

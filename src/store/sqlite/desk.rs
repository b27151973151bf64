//! Drafts and notes of the team.

use async_trait::async_trait;
use rusqlite::{Row, params};

use super::super::{Desk, Result};
use super::{BackendError, SqliteStore, micros, timestamp};
use crate::domain::desk::{Draft, Note};
use crate::domain::ids::UserId;

/// Selects the columns that [`read_draft`] reads.
pub(super) const SELECT_DRAFT: &str = "SELECT user_id, by, field, text, at FROM drafts";
/// Selects the columns that [`read_note`] reads.
pub(super) const SELECT_NOTE: &str = "SELECT user_id, by, text, at FROM notes";

pub(super) fn read_draft(row: &Row<'_>) -> std::result::Result<Draft, BackendError> {
    Ok(Draft {
        user_id: UserId::new(row.get::<_, String>(0)?),
        by: row.get(1)?,
        field: row.get(2)?,
        text: row.get(3)?,
        at: timestamp(row.get(4)?)?,
    })
}

pub(super) fn read_note(row: &Row<'_>) -> std::result::Result<Note, BackendError> {
    Ok(Note {
        user_id: UserId::new(row.get::<_, String>(0)?),
        by: row.get(1)?,
        text: row.get(2)?,
        at: timestamp(row.get(3)?)?,
    })
}

#[async_trait]
impl Desk for SqliteStore {
    async fn save_draft(&self, draft: &Draft) -> Result<()> {
        let one = draft.clone();
        self.write_without_sync("saving a draft", move |connection| {
            let (user, by, field) = (one.user_id.as_str(), one.by.as_str(), one.field.as_str());
            if one.text.is_empty() {
                connection
                    .prepare_cached("DELETE FROM drafts WHERE user_id = ?1 AND by = ?2 AND field = ?3")?
                    .execute([user, by, field])?;
                return Ok(());
            }
            connection
                .prepare_cached(
                    "INSERT INTO drafts (user_id, by, field, text, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (user_id, by, field) DO UPDATE SET text = excluded.text, at = excluded.at",
                )?
                .execute(params![user, by, field, one.text, micros(one.at)])?;
            Ok(())
        })
        .await
    }

    async fn drafts_of(&self, by: &str, limit: u32) -> Result<Vec<Draft>> {
        let by = by.to_owned();
        self.read("reading drafts", move |connection| {
            let sql = format!("{SELECT_DRAFT} WHERE by = ?1 ORDER BY at DESC LIMIT ?2");
            connection.prepare_cached(&sql)?.query_and_then(params![by, limit], read_draft)?.collect()
        })
        .await
    }

    async fn add_note(&self, note: &Note) -> Result<()> {
        let one = note.clone();
        self.write("saving a note", move |connection| {
            connection
                .prepare_cached("INSERT OR IGNORE INTO notes (user_id, at, by, text) VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![one.user_id.as_str(), micros(one.at), one.by, one.text])?;
            Ok(())
        })
        .await
    }

    async fn notes_of(&self, user: &UserId, limit: u32) -> Result<Vec<Note>> {
        let user = user.clone();
        self.read("reading notes", move |connection| {
            let sql = format!("{SELECT_NOTE} WHERE user_id = ?1 ORDER BY at DESC LIMIT ?2");
            let mut found: Vec<Note> = connection
                .prepare_cached(&sql)?
                .query_and_then(params![user.as_str(), limit], read_note)?
                .collect::<std::result::Result<_, BackendError>>()?;
            found.reverse();
            Ok(found)
        })
        .await
    }
}

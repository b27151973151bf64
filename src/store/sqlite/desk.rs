//! What the team keeps: drafts and notes, pins and entries.

use async_trait::async_trait;
use rusqlite::{Row, params};

use super::super::{Desk, Result};
use super::{BackendError, SqliteStore, micros, timestamp};
use crate::domain::desk::{Draft, EntryKind, Note, Pin, PinKind, TeamEntry};
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

/// Selects the columns that [`read_pin`] reads.
pub(super) const SELECT_PIN: &str = "SELECT user_id, kind, name, by, at, until FROM pins";

pub(super) fn read_pin(row: &Row<'_>) -> std::result::Result<Pin, BackendError> {
    let kind: String = row.get(1)?;
    Ok(Pin {
        user_id: UserId::new(row.get::<_, String>(0)?),
        kind: PinKind::parse(&kind).ok_or_else(|| BackendError::Content(format!("“{kind}” is no kind of pin")))?,
        name: row.get(2)?,
        by: row.get(3)?,
        at: timestamp(row.get(4)?)?,
        until: row.get::<_, Option<i64>>(5)?.map(timestamp).transpose()?,
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

    async fn save_pin(&self, pin: &Pin) -> Result<()> {
        let one = pin.clone();
        self.write("saving a pin", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO pins (user_id, kind, name, by, at, until) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                     ON CONFLICT (user_id, kind, name)
                     DO UPDATE SET by = excluded.by, at = excluded.at, until = excluded.until",
                )?
                .execute(params![
                    one.user_id.as_str(),
                    one.kind.as_str(),
                    one.name,
                    one.by,
                    micros(one.at),
                    one.until.map(micros)
                ])?;
            Ok(())
        })
        .await
    }

    async fn remove_pin(&self, user: &UserId, kind: PinKind, name: &str) -> Result<bool> {
        let (user, name) = (user.clone(), name.to_owned());
        self.write("removing a pin", move |connection| {
            let sql = "DELETE FROM pins WHERE user_id = ?1 AND kind = ?2 AND name = ?3";
            Ok(connection.prepare_cached(sql)?.execute([user.as_str(), kind.as_str(), name.as_str()])? > 0)
        })
        .await
    }

    async fn pins_of(&self, user: &UserId) -> Result<Vec<Pin>> {
        let user = user.clone();
        self.read("reading pins", move |connection| {
            let sql = format!("{SELECT_PIN} WHERE user_id = ?1 ORDER BY kind, name");
            connection.prepare_cached(&sql)?.query_and_then([user.as_str()], read_pin)?.collect()
        })
        .await
    }

    async fn pins(&self, kind: PinKind, name: Option<&str>, limit: u32) -> Result<Vec<Pin>> {
        let name = name.map(str::to_owned);
        self.read("reading pins", move |connection| {
            if let Some(name) = name {
                let sql = format!("{SELECT_PIN} WHERE kind = ?1 AND name = ?2 ORDER BY at DESC, user_id LIMIT ?3");
                connection
                    .prepare_cached(&sql)?
                    .query_and_then(params![kind.as_str(), name, limit], read_pin)?
                    .collect()
            } else {
                let sql = format!("{SELECT_PIN} WHERE kind = ?1 ORDER BY at DESC, user_id LIMIT ?2");
                connection.prepare_cached(&sql)?.query_and_then(params![kind.as_str(), limit], read_pin)?.collect()
            }
        })
        .await
    }

    async fn save_entry(&self, entry: &TeamEntry) -> Result<()> {
        let one = entry.clone();
        self.write_without_sync("saving what a member keeps", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO team_entries (kind, owner, name, value, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT (kind, owner, name) DO UPDATE SET value = excluded.value, at = excluded.at",
                )?
                .execute(params![one.kind.as_str(), one.owner, one.name, one.value, micros(one.at)])?;
            Ok(())
        })
        .await
    }

    async fn replace_entry(&self, before: Option<&str>, entry: &TeamEntry) -> Result<bool> {
        let (before, one) = (before.map(str::to_owned), entry.clone());
        self.write("changing what the team keeps", move |connection| {
            let sql = if before.is_some() {
                "UPDATE team_entries SET value = ?4, at = ?5 WHERE kind = ?1 AND owner = ?2 AND name = ?3 AND value = ?6"
            } else {
                "INSERT INTO team_entries (kind, owner, name, value, at) SELECT ?1, ?2, ?3, ?4, ?5 WHERE ?6 IS NULL
                 ON CONFLICT (kind, owner, name) DO NOTHING"
            };
            let values = params![one.kind.as_str(), one.owner, one.name, one.value, micros(one.at), before];
            Ok(connection.prepare_cached(sql)?.execute(values)? > 0)
        })
        .await
    }

    async fn remove_entry(&self, kind: EntryKind, owner: &str, name: &str) -> Result<bool> {
        let (owner, name) = (owner.to_owned(), name.to_owned());
        self.write_without_sync("removing what a member keeps", move |connection| {
            let sql = "DELETE FROM team_entries WHERE kind = ?1 AND owner = ?2 AND name = ?3";
            Ok(connection.prepare_cached(sql)?.execute([kind.as_str(), owner.as_str(), name.as_str()])? > 0)
        })
        .await
    }

    async fn entries(&self, kind: EntryKind, owner: Option<&str>) -> Result<Vec<TeamEntry>> {
        let owner = owner.map(str::to_owned);
        self.read("reading what members keep", move |connection| {
            let sql = "SELECT owner, name, value, at FROM team_entries
                WHERE kind = ?1 AND (?2 IS NULL OR owner = ?2) ORDER BY owner, name";
            let read = |row: &Row<'_>| -> std::result::Result<TeamEntry, BackendError> {
                let (owner, name, value) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(TeamEntry { kind, owner, name, value, at: timestamp(row.get(3)?)? })
            };
            connection.prepare_cached(sql)?.query_and_then(params![kind.as_str(), owner], read)?.collect()
        })
        .await
    }
}

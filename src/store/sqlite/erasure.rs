//! Finding and erasing the data of one customer. Nothing of it stays readable in the file: every writer overwrites what
//! it frees (`connection.rs`), and the log is truncated here.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{Erased, Erasure, PersonalData, RequestedOrder, Result, StoredMessage};
use super::{
    BackendError, SqliteStore, alerts, chats, corrections, desk, inbox, int, knowledge_gaps, ledger, media, outbox,
    ratings, timestamp,
};
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::lookup;
use crate::domain::ownership::ERASED;

fn rows_of<T>(
    connection: &Connection,
    sql: &str,
    user: &UserId,
    read: impl FnMut(&Row<'_>) -> std::result::Result<T, BackendError>,
) -> std::result::Result<Vec<T>, BackendError> {
    connection.prepare_cached(sql)?.query_and_then([user.as_str()], read)?.collect()
}

fn read_requested(row: &Row<'_>) -> std::result::Result<RequestedOrder, BackendError> {
    let id: String = row.get(0)?;
    Ok(RequestedOrder { order_id: OrderId::new(&id), at: timestamp(row.get(1)?)? })
}

fn collect(connection: &Connection, user: &UserId) -> std::result::Result<PersonalData, BackendError> {
    let chats = format!("SELECT {} FROM chats WHERE user_id = ?1 ORDER BY id", chats::COLUMNS);
    let outbox = format!("SELECT {} FROM outbox WHERE user_id = ?1 ORDER BY turn, sequence", outbox::COLUMNS);
    let alerts =
        format!("SELECT {} FROM human_intervention_alerts WHERE user_id = ?1 ORDER BY created_at", alerts::COLUMNS);
    let inbox = "SELECT id, user_id, sent_at, received_at, content, context, number, turn IS NOT NULL FROM inbox WHERE user_id = ?1 ORDER BY seq";
    Ok(PersonalData {
        chats: rows_of(connection, &chats, user, chats::read_message)?,
        conversation: chats::conversation(connection, user)?,
        corrections: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY turn, message", corrections::SELECT),
            user,
            corrections::read,
        )?,
        unanswered: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY turn, question", knowledge_gaps::SELECT),
            user,
            knowledge_gaps::read,
        )?,
        drafts: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY at", desk::SELECT_DRAFT),
            user,
            desk::read_draft,
        )?,
        notes: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY at", desk::SELECT_NOTE),
            user,
            desk::read_note,
        )?,
        pins: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY kind, name", desk::SELECT_PIN),
            user,
            desk::read_pin,
        )?,
        ratings: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY asked_at", ratings::SELECT),
            user,
            ratings::read,
        )?,
        media: media::of_user(connection, user, u32::MAX)?,
        inbox: rows_of(connection, inbox, user, |row| {
            Ok(StoredMessage { message: inbox::read_inbound(row)?, answered: row.get(7)? })
        })?,
        outbox: rows_of(connection, &outbox, user, outbox::read_outgoing)?,
        alerts: rows_of(connection, &alerts, user, alerts::read_alert)?,
        bindings: rows_of(
            connection,
            "SELECT order_id, at FROM bindings WHERE user_id = ?1 ORDER BY at",
            user,
            read_requested,
        )?,
        lookups: rows_of(
            connection,
            "SELECT order_id, at FROM lookups WHERE user_id = ?1 ORDER BY at",
            user,
            read_requested,
        )?,
        quotes: rows_of(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY seq", ledger::SELECT_QUOTE),
            user,
            ledger::read_quote,
        )?,
        actions: super::actions::of_user(connection, user)?,
        events: super::events::events_of(connection, user)?,
        ..PersonalData::none(user)
    })
}

fn erase(connection: &Connection, user: &UserId, now: Timestamp) -> std::result::Result<Erased, BackendError> {
    let held: Option<(Option<i64>, Option<String>)> = connection
        .prepare_cached("SELECT due_at, worker FROM work WHERE user_id = ?1")?
        .query_row([user.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let held_until = match held {
        Some((Some(until), Some(_))) => Some(timestamp(until)?).filter(|until| *until > now),
        _ => None,
    };
    let delete = |table: &str| -> std::result::Result<u64, BackendError> {
        let sql = format!("DELETE FROM {table} WHERE user_id = ?1");
        Ok(connection.prepare_cached(&sql)?.execute([user.as_str()])? as u64)
    };
    // The wish itself stays, and names nobody.
    connection
        .prepare_cached("UPDATE opt_outs SET user_id = NULL, message = NULL WHERE user_id = ?1")?
        .execute([user.as_str()])?;
    super::identities::erase(connection, user)?;
    let nobody = format!("{ERASED}{}", uuid::Uuid::now_v7().simple());
    connection
        .prepare_cached("DELETE FROM lookups WHERE user_id = ?1")?
        .execute([lookup::answers_of(user).as_str()])?;
    Ok(Erased {
        // Without its row no claim of the conversation is current.
        conversations: delete("conversations")?.max(delete("work")?),
        chats: delete("chats")?,
        corrections: delete("corrections")?,
        unanswered: delete("knowledge_gaps")?,
        drafts: delete("drafts")?,
        notes: delete("notes")?,
        pins: delete("pins")?,
        ratings: delete("ratings")?,
        media: delete("media")?,
        inbox: delete("inbox")?,
        outbox: delete("outbox")?,
        alerts: delete("human_intervention_alerts")?,
        bindings: connection
            .prepare_cached("UPDATE bindings SET user_id = ?2, proof = 'erased' WHERE user_id = ?1")?
            .execute(params![user.as_str(), nobody])? as u64,
        lookups: delete("lookups")?,
        quotes: delete("quotes")?,
        actions: super::actions::erase(connection, user)?,
        events: super::events::erase(connection, user)?,
        audit: 0,
        held_until,
    })
}

impl SqliteStore {
    /// Checkpoints and truncates the log, unless a reader holds it for long.
    async fn truncate_log(&self) {
        let location = std::sync::Arc::clone(&self.location);
        if !location.has_log() {
            return;
        }
        let truncated = tokio::task::spawn_blocking(move || {
            let connection = location.open_writer()?;
            let outcome = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            outcome.map_err(|error| location.error(&error, "truncating the log"))
        });
        match truncated.await {
            Ok(Ok(0)) => {}
            outcome => tracing::warn!(?outcome, "the log could not be truncated: it holds what was erased until it is"),
        }
    }
}

#[async_trait]
impl Erasure for SqliteStore {
    async fn data_of(&self, user: &UserId) -> Result<PersonalData> {
        let user = user.clone();
        self.read("reading the data of a customer", move |connection| collect(connection, &user)).await
    }

    async fn erase_data_of(&self, user: &UserId, now: Timestamp) -> Result<Erased> {
        let user = user.clone();
        let erased = self.write("erasing the data of a customer", move |connection| erase(connection, &user, now));
        let erased = erased.await?;
        self.truncate_log().await;
        Ok(erased)
    }

    async fn replace_contents(&self, entries: &[AuditEntry]) -> Result<u64> {
        let entries = entries.to_vec();
        let replaced = self.write("erasing contents of the audit trail", move |connection| {
            let mut update = connection.prepare_cached("UPDATE audit SET content = ?3 WHERE seq = ?1 AND hash = ?2")?;
            let mut replaced = 0;
            for entry in &entries {
                replaced += update.execute(params![int(entry.seq), entry.hash, entry.content])? as u64;
            }
            Ok(replaced)
        });
        let replaced = replaced.await?;
        self.truncate_log().await;
        Ok(replaced)
    }
}

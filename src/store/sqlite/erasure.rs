//! Decides how the data of one customer is found and erased.
//!
//! It must never leave what was erased readable in the file: every writer overwrites what it frees (`connection.rs`), and the
//! log is emptied here.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{Bound, Erased, Erasure, KeptMessage, PersonalData, Result};
use super::{Fault, SqliteStore, alerts, chats, corrections, inbox, int, ledger, outbox, timestamp};
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{OrderId, UserId};

fn all<T>(
    connection: &Connection,
    sql: &str,
    user: &UserId,
    read: impl FnMut(&Row<'_>) -> std::result::Result<T, Fault>,
) -> std::result::Result<Vec<T>, Fault> {
    connection.prepare_cached(sql)?.query_and_then([user.as_str()], read)?.collect()
}

fn read_bound(row: &Row<'_>) -> std::result::Result<Bound, Fault> {
    let id: String = row.get(0)?;
    Ok(Bound { order_id: OrderId::new(&id), at: timestamp(row.get(1)?)? })
}

fn collect(connection: &Connection, user: &UserId) -> std::result::Result<PersonalData, Fault> {
    let chats = format!("SELECT {} FROM chats WHERE user_id = ?1 ORDER BY id", chats::COLUMNS);
    let outbox = format!("SELECT {} FROM outbox WHERE user_id = ?1 ORDER BY turn, sequence", outbox::COLUMNS);
    let alerts =
        format!("SELECT {} FROM human_intervention_alerts WHERE user_id = ?1 ORDER BY created_at", alerts::COLUMNS);
    let inbox = "SELECT id, user_id, sent_at, received_at, content, turn IS NOT NULL FROM inbox WHERE user_id = ?1 ORDER BY seq";
    Ok(PersonalData {
        chats: all(connection, &chats, user, chats::read_message)?,
        conversation: chats::conversation(connection, user)?,
        corrections: all(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY turn, message", corrections::SELECT),
            user,
            corrections::read,
        )?,
        inbox: all(connection, inbox, user, |row| {
            Ok(KeptMessage { message: inbox::read_inbound(row)?, answered: row.get(5)? })
        })?,
        outbox: all(connection, &outbox, user, outbox::read_outgoing)?,
        alerts: all(connection, &alerts, user, alerts::read_alert)?,
        bindings: all(
            connection,
            "SELECT order_id, at FROM bindings WHERE user_id = ?1 ORDER BY at",
            user,
            read_bound,
        )?,
        lookups: all(connection, "SELECT order_id, at FROM lookups WHERE user_id = ?1 ORDER BY at", user, read_bound)?,
        quotes: all(
            connection,
            &format!("{} WHERE user_id = ?1 ORDER BY seq", ledger::QUOTE),
            user,
            ledger::read_quote,
        )?,
        ..PersonalData::none(user)
    })
}

fn erase(connection: &Connection, user: &UserId, now: Timestamp) -> std::result::Result<Erased, Fault> {
    let held: Option<(Option<i64>, Option<String>)> = connection
        .prepare_cached("SELECT due_at, worker FROM work WHERE user_id = ?1")?
        .query_row([user.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let held_until = match held {
        Some((Some(until), Some(_))) => Some(timestamp(until)?).filter(|until| *until > now),
        _ => None,
    };
    let delete = |table: &str| -> std::result::Result<u64, Fault> {
        let sql = format!("DELETE FROM {table} WHERE user_id = ?1");
        Ok(connection.prepare_cached(&sql)?.execute([user.as_str()])? as u64)
    };
    let nobody = format!("erased/{}", uuid::Uuid::now_v7().simple());
    Ok(Erased {
        // Without it no claim is current.
        conversations: delete("conversations")?.max(delete("work")?),
        chats: delete("chats")?,
        corrections: delete("corrections")?,
        inbox: delete("inbox")?,
        outbox: delete("outbox")?,
        alerts: delete("human_intervention_alerts")?,
        bindings: connection
            .prepare_cached("UPDATE bindings SET user_id = ?2 WHERE user_id = ?1")?
            .execute(params![user.as_str(), nobody])? as u64,
        lookups: delete("lookups")?,
        quotes: delete("quotes")?,
        audit: 0,
        held_until,
    })
}

impl SqliteStore {
    /// Takes what is in the log over into the file and empties it, where no reader is in the way for long.
    async fn empty_log(&self) {
        let place = std::sync::Arc::clone(&self.place);
        if !place.has_log() {
            return;
        }
        let emptied = tokio::task::spawn_blocking(move || {
            let connection = place.open_writer()?;
            let outcome = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            outcome.map_err(|error| place.error(&error, "emptying the log"))
        });
        match emptied.await {
            Ok(Ok(0)) => {}
            outcome => tracing::warn!(?outcome, "the log could not be emptied: what was erased is in it until it is"),
        }
    }
}

#[async_trait]
impl Erasure for SqliteStore {
    async fn data_of(&self, user: &UserId) -> Result<PersonalData> {
        let user = user.clone();
        self.read("reading what is kept of a customer", move |connection| collect(connection, &user)).await
    }

    async fn erase_data_of(&self, user: &UserId, now: Timestamp) -> Result<Erased> {
        let user = user.clone();
        let erased = self.write("erasing what is kept of a customer", move |connection| erase(connection, &user, now));
        let erased = erased.await?;
        self.empty_log().await;
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
        self.empty_log().await;
        Ok(replaced)
    }
}

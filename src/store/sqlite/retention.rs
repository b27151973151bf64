//! Removing old rows, in small steps: other writers wait meanwhile. Also saves up to where the audit trail was trimmed.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{OptionalExtension as _, params};

use super::super::{Result, Retention, SweepReport, Sweepable};
use super::audit::{append, checkpoint};
use super::{BackendError, SqliteStore, int, later, micros};
use crate::domain::audit::Checkpoint;

/// The statement that removes the oldest rows: `?1` is the time before which, `?2` how many.
pub(super) fn removal(what: Sweepable) -> &'static str {
    match what {
        Sweepable::Chats => {
            "DELETE FROM chats WHERE id IN (SELECT id FROM chats WHERE at < ?1 ORDER BY at LIMIT ?2)"
        }
        Sweepable::Corrections => {
            "DELETE FROM corrections WHERE (user_id, turn, message) IN
             (SELECT user_id, turn, message FROM corrections WHERE said_at < ?1 ORDER BY said_at LIMIT ?2)"
        }
        Sweepable::Unanswered => {
            "DELETE FROM knowledge_gaps WHERE (user_id, turn, question) IN
             (SELECT user_id, turn, question FROM knowledge_gaps WHERE at < ?1 ORDER BY at LIMIT ?2)"
        }
        Sweepable::Drafts => {
            "DELETE FROM drafts WHERE (user_id, by, field) IN
             (SELECT user_id, by, field FROM drafts WHERE at < ?1 ORDER BY at LIMIT ?2)"
        }
        Sweepable::Notes => {
            "DELETE FROM notes WHERE (user_id, at, by, text) IN
             (SELECT user_id, at, by, text FROM notes WHERE at < ?1 ORDER BY at LIMIT ?2)"
        }
        Sweepable::Pins => {
            "DELETE FROM pins WHERE (user_id, kind, name) IN
             (SELECT user_id, kind, name FROM pins INDEXED BY pins_at
              WHERE at < ?1 AND (until IS NULL OR until < ?1)
                  AND NOT EXISTS (SELECT 1 FROM human_intervention_alerts AS alert
                      WHERE alert.user_id = pins.user_id AND alert.status = 'pending')
                  AND NOT EXISTS (SELECT 1 FROM chats WHERE chats.user_id = pins.user_id AND chats.at >= ?1)
              ORDER BY at LIMIT ?2)"
        }
        Sweepable::Media => {
            "DELETE FROM media WHERE id IN
             (SELECT id FROM media INDEXED BY media_at WHERE open = 0 AND at < ?1 AND NOT EXISTS
                  (SELECT 1 FROM human_intervention_alerts AS alert
                   WHERE alert.user_id = media.user_id AND alert.status = 'pending')
              ORDER BY at LIMIT ?2)"
        }
        Sweepable::Ratings => {
            "DELETE FROM ratings WHERE alert_id IN
             (SELECT alert_id FROM ratings WHERE asked_at < ?1 ORDER BY asked_at LIMIT ?2)"
        }
        Sweepable::ResolvedAlerts => {
            "DELETE FROM human_intervention_alerts WHERE id IN (SELECT id FROM human_intervention_alerts
             WHERE status = 'resolved' AND resolved_at < ?1 ORDER BY resolved_at LIMIT ?2)"
        }
        Sweepable::AnsweredMessages => {
            "DELETE FROM inbox WHERE seq IN
             (SELECT seq FROM inbox WHERE turn IS NOT NULL AND received_at < ?1 ORDER BY received_at LIMIT ?2)"
        }
        Sweepable::SentReplies => {
            "DELETE FROM outbox WHERE (user_id, turn, sequence) IN
             (SELECT user_id, turn, sequence FROM outbox WHERE state = 'sent' AND next_at < ?1 ORDER BY next_at LIMIT ?2)"
        }
        Sweepable::DeliveredEvents => {
            "DELETE FROM events WHERE seq IN
             (SELECT seq FROM events WHERE fanned_out = 1 AND at < ?1 AND NOT EXISTS
                  (SELECT 1 FROM event_dispatches WHERE event_id = events.id AND state <> 'delivered')
              ORDER BY at LIMIT ?2)"
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(document: &str) -> std::result::Result<T, BackendError> {
    serde_json::from_str(document)
        .map_err(|error| BackendError::Content(format!("what retention saved cannot be read: {error}")))
}

fn write(value: &impl serde::Serialize) -> std::result::Result<String, BackendError> {
    serde_json::to_string(value).map_err(|error| BackendError::Content(format!("it cannot be written: {error}")))
}

#[async_trait]
impl Retention for SqliteStore {
    async fn begin_sweep(
        &self,
        sweeper: &str,
        now: Timestamp,
        lease: SignedDuration,
        idle_since: Timestamp,
    ) -> Result<bool> {
        let sweeper = sweeper.to_owned();
        self.write("starting the retention job", move |connection| {
            let begun = connection
                .prepare_cached(
                    "INSERT INTO retention (id, sweeper, until) VALUES (1, ?1, ?3)
                     ON CONFLICT (id) DO UPDATE SET sweeper = excluded.sweeper, until = excluded.until
                     WHERE (sweeper IS NULL OR until <= ?2 OR sweeper = ?1) AND (last_at IS NULL OR last_at <= ?4)",
                )?
                .execute(params![sweeper, micros(now), micros(later(now, lease)), micros(idle_since)])?;
            Ok(begun == 1)
        })
        .await
    }

    async fn end_sweep(&self, sweeper: &str, report: &SweepReport) -> Result<()> {
        let (sweeper, report) = (sweeper.to_owned(), *report);
        self.write("saving the report of the retention job", move |connection| {
            connection
                .prepare_cached("UPDATE retention SET sweeper = NULL, last_at = ?2, last = ?3 WHERE sweeper = ?1")?
                .execute(params![sweeper, micros(report.at), write(&report)?])?;
            Ok(())
        })
        .await
    }

    async fn last_sweep(&self) -> Result<Option<SweepReport>> {
        self.read("reading the report of the retention job", |connection| {
            let mut statement = connection.prepare_cached("SELECT last FROM retention")?;
            let last: Option<Option<String>> = statement.query_row([], |row| row.get(0)).optional()?;
            last.flatten().map(|last| read(&last)).transpose()
        })
        .await
    }

    async fn sweep_step(&self, what: Sweepable, before: Timestamp, limit: u32) -> Result<u64> {
        // Nobody waits for it: it goes to the disk with the next durable write.
        self.write_without_sync("removing old data", move |connection| {
            Ok(connection.prepare_cached(removal(what))?.execute(params![micros(before), limit])? as u64)
        })
        .await
    }

    async fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        self.read("reading the audit trail", checkpoint).await
    }

    async fn move_checkpoint(&self, to: &Checkpoint, now: Timestamp) -> Result<()> {
        let (to, key) = (to.clone(), self.key());
        self.write("writing the audit trail", move |connection| {
            if checkpoint(connection)?.is_some_and(|there| there.seq >= to.seq) {
                return Ok(());
            }
            append(connection, &to.record(now), key.as_ref())?;
            connection
                .prepare_cached("INSERT OR REPLACE INTO audit_cut (id, seq, document) VALUES (1, ?1, ?2)")?
                .execute(params![int(to.seq), write(&to)?])?;
            Ok(())
        })
        .await
    }

    async fn remove_trimmed_entries(&self, limit: u32) -> Result<u64> {
        self.write_without_sync("removing old entries of the audit trail", move |connection| {
            let removed = connection
                .prepare_cached(
                    "DELETE FROM audit WHERE seq IN
                     (SELECT seq FROM audit WHERE seq <= (SELECT seq FROM audit_cut) ORDER BY seq LIMIT ?1)",
                )?
                .execute([limit])?;
            Ok(removed as u64)
        })
        .await
    }
}

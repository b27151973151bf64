//! Questions that no document answered.

use async_trait::async_trait;
use rusqlite::{Row, params};

use super::super::{KnowledgeGaps, Result};
use super::{BackendError, SqliteStore, count, int, micros, timestamp};
use crate::domain::ids::UserId;
use crate::domain::knowledge_gap::Unanswered;

/// Selects the columns that [`read`] reads.
pub(super) const SELECT: &str = "SELECT user_id, turn, question, text, at FROM knowledge_gaps";

pub(super) fn read(row: &Row<'_>) -> std::result::Result<Unanswered, BackendError> {
    Ok(Unanswered {
        user_id: UserId::new(row.get::<_, String>(0)?),
        turn: count(row.get(1)?)?,
        question: row.get(2)?,
        text: row.get(3)?,
        at: timestamp(row.get(4)?)?,
    })
}

#[async_trait]
impl KnowledgeGaps for SqliteStore {
    async fn record_unanswered(&self, question: &Unanswered) -> Result<()> {
        let one = question.clone();
        self.write_without_sync("saving an unanswered question", move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO knowledge_gaps (user_id, turn, question, text, at) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![one.user_id.as_str(), int(one.turn), one.question, one.text, micros(one.at)])?;
            Ok(())
        })
        .await
    }

    async fn unanswered(&self, limit: u32) -> Result<Vec<Unanswered>> {
        self.read("reading unanswered questions", move |connection| {
            let sql = format!("{SELECT} ORDER BY at DESC LIMIT ?1");
            connection.prepare_cached(&sql)?.query_and_then([limit], read)?.collect()
        })
        .await
    }
}

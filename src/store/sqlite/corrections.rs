//! Corrected labels, and messages that were classified with little confidence. A correction is saved only for a message
//! of the transcript.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Row, params};

use super::super::{Corrections, Result};
use super::{BackendError, SqliteStore, chats, count, int, micros, timestamp};
use crate::domain::correction::Correction;
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;

/// Selects the columns that [`read`] reads.
pub(super) const SELECT: &str =
    "SELECT user_id, turn, text, said_at, predicted_intent, predicted_sentiment, intent, sentiment,
    actor, at FROM corrections";

pub(super) fn read(row: &Row<'_>) -> std::result::Result<Correction, BackendError> {
    Ok(Correction {
        user_id: UserId::new(row.get::<_, String>(0)?),
        turn: count(row.get(1)?)?,
        text: row.get(2)?,
        said_at: timestamp(row.get(3)?)?,
        predicted_intent: row.get(4)?,
        predicted_sentiment: row.get(5)?,
        intent: row.get(6)?,
        sentiment: row.get(7)?,
        by: row.get(8)?,
        at: timestamp(row.get(9)?)?,
    })
}

#[async_trait]
impl Corrections for SqliteStore {
    async fn correct(&self, correction: &Correction) -> Result<bool> {
        let one = correction.clone();
        self.write("saving a correction", move |connection| {
            let saved = connection
                .prepare_cached(
                    "INSERT INTO corrections (user_id, turn, message, text, said_at, predicted_intent, predicted_sentiment,
                         intent, sentiment, actor, at)
                     SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11
                     WHERE EXISTS (SELECT 1 FROM chats WHERE user_id = ?1 AND role = 'user' AND turn = ?2 AND text = ?4
                         AND (intent IS NOT NULL OR sentiment IS NOT NULL))
                     ON CONFLICT DO UPDATE SET intent = coalesce(excluded.intent, intent),
                         sentiment = coalesce(excluded.sentiment, sentiment), actor = excluded.actor, at = excluded.at",
                )?
                .execute(params![
                    one.user_id.as_str(),
                    int(one.turn),
                    one.message(),
                    one.text,
                    micros(one.said_at),
                    one.predicted_intent,
                    one.predicted_sentiment,
                    one.intent,
                    one.sentiment,
                    one.by,
                    micros(one.at),
                ])?;
            Ok(saved == 1)
        })
        .await
    }

    async fn corrections_of(&self, user: &UserId) -> Result<Vec<Correction>> {
        let user = user.clone();
        self.read("reading corrections", move |connection| {
            let sql = format!("{SELECT} WHERE user_id = ?1 ORDER BY turn, message");
            connection.prepare_cached(&sql)?.query_and_then([user.as_str()], read)?.collect()
        })
        .await
    }

    async fn corrections(&self, from: Option<Timestamp>, until: Timestamp) -> Result<Vec<Correction>> {
        self.read("reading corrections", move |connection| {
            let sql = format!("{SELECT} WHERE said_at >= ?1 AND said_at < ?2 ORDER BY said_at, user_id, turn, message");
            let from = from.map_or(i64::MIN, micros);
            connection.prepare_cached(&sql)?.query_and_then([from, micros(until)], read)?.collect()
        })
        .await
    }

    async fn unsure_messages(&self, below: f64, limit: u32) -> Result<Vec<ChatMessage>> {
        self.read("reading unsure messages", move |connection| {
            let sql = format!(
                "SELECT {} FROM chats INDEXED BY chats_unsure WHERE intent_confidence < ?1 AND role = 'user'
                 ORDER BY intent_confidence, id LIMIT ?2",
                chats::COLUMNS
            );
            connection.prepare_cached(&sql)?.query_and_then(params![below, limit], chats::read_message)?.collect()
        })
        .await
    }
}

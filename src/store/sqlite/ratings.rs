//! What customers say of the team's work.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Row, params};

use super::super::{Ratings, Result};
use super::{BackendError, SqliteStore, micros, timestamp};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::rating::{Rating, Score};

/// Selects the columns that [`read`] reads.
pub(super) const SELECT: &str = "SELECT alert_id, user_id, agent, asked_at, score, answered_at FROM ratings";

pub(super) fn read(row: &Row<'_>) -> std::result::Result<Rating, BackendError> {
    Ok(Rating {
        alert_id: AlertId::new(row.get::<_, String>(0)?),
        user_id: UserId::new(row.get::<_, String>(1)?),
        agent: row.get(2)?,
        asked_at: timestamp(row.get(3)?)?,
        score: row.get::<_, Option<String>>(4)?.as_deref().and_then(Score::parse),
        answered_at: row.get::<_, Option<i64>>(5)?.map(timestamp).transpose()?,
    })
}

#[async_trait]
impl Ratings for SqliteStore {
    async fn begin_rating(&self, rating: &Rating) -> Result<bool> {
        let one = rating.clone();
        self.write("asking a customer", move |connection| {
            let sql = "INSERT OR IGNORE INTO ratings (alert_id, user_id, agent, asked_at) VALUES (?1, ?2, ?3, ?4)";
            let values = params![one.alert_id.as_str(), one.user_id.as_str(), one.agent, micros(one.asked_at)];
            Ok(connection.prepare_cached(sql)?.execute(values)? > 0)
        })
        .await
    }

    async fn rate(&self, alert: &AlertId, user: &UserId, score: Score, at: Timestamp) -> Result<bool> {
        let (alert, user) = (alert.clone(), user.clone());
        self.write("saving a customer's answer", move |connection| {
            let sql = "UPDATE ratings SET score = ?3, answered_at = ?4
                WHERE alert_id = ?1 AND user_id = ?2 AND score IS NULL";
            let values = params![alert.as_str(), user.as_str(), score.as_str(), micros(at)];
            Ok(connection.prepare_cached(sql)?.execute(values)? > 0)
        })
        .await
    }

    async fn ratings(&self, since: Timestamp, limit: u32) -> Result<Vec<Rating>> {
        self.read("reading customers' answers", move |connection| {
            let sql = format!("{SELECT} WHERE asked_at >= ?1 ORDER BY asked_at DESC LIMIT ?2");
            connection.prepare_cached(&sql)?.query_and_then(params![micros(since), limit], read)?.collect()
        })
        .await
    }
}

//! Updates the stats cache of a process from the file. It has to be updated in the same read transaction in which it is
//! counted from.

use jiff::Timestamp;
use rusqlite::Connection;

use super::super::stats_cache::{MAX_MESSAGES, StatsCache};
use super::{BackendError, count, timestamp};
use crate::domain::message::Role;
use crate::domain::stats::{ConversationCounter, ConversationRow};

/// A cache, and how far the transcript was read into it.
#[derive(Default)]
pub(super) struct SyncedStatsCache {
    cache: StatsCache,
    /// The id of the last message that is in it.
    last: i64,
    /// How often stats were asked for: a single request is not worth a cache.
    requests: u32,
}

impl SyncedStatsCache {
    /// Brings the cache up to date with what the connection sees at this moment. `false`: there is no cache, since the
    /// transcript is too large for one or, where `bounded`, this is the first request.
    pub(super) fn update(&mut self, connection: &Connection, bounded: bool) -> Result<bool, BackendError> {
        self.requests = self.requests.saturating_add(1);
        if bounded && self.requests == 1 {
            return Ok(false);
        }
        // Every read is one transaction: both statements see the same moment.
        let stored = count(connection.prepare_cached("SELECT count(*) FROM chats")?.query_row([], |row| row.get(0))?)?;
        if stored > MAX_MESSAGES {
            self.reset();
            return Ok(false);
        }
        let mut complete = self.read_new(connection)?;
        // Messages are added and removed, never changed, and an id is never given out twice. So where the numbers
        // agree, the messages are the same; otherwise some were removed.
        if complete && self.cache.len() != stored {
            self.reset();
            complete = self.read_new(connection)? && self.cache.len() == stored;
        }
        if !complete {
            self.reset();
        }
        Ok(complete)
    }

    /// Empties the cache: the next update reads everything.
    pub(super) fn reset(&mut self) {
        *self = Self { requests: self.requests, ..Self::default() };
    }

    fn read_new(&mut self, connection: &Connection) -> Result<bool, BackendError> {
        let mut statement = connection.prepare_cached(
            "SELECT id, user_id, role, at, turn, intent, sentiment, response_ms, intent_confidence, reused, degraded
             FROM chats WHERE id > ?1 ORDER BY id",
        )?;
        let mut rows = statement.query([self.last])?;
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            let role = text(2)?.unwrap_or_default();
            let message = ConversationRow {
                user: text(1)?.unwrap_or_default(),
                role: Role::parse(role)
                    .ok_or_else(|| BackendError::Content(format!("“{role}” is no role in a chat")))?,
                at: timestamp(row.get(3)?)?,
                turn: count(row.get(4)?)?,
                intent: text(5)?,
                sentiment: text(6)?,
                response_ms: row.get::<_, Option<i64>>(7)?.map(count).transpose()?,
                intent_confidence: row.get(8)?,
                reused: row.get(9)?,
                degraded: row.get(10)?,
            };
            // Rows come in the order of the transcript: all of them have the same position.
            if !self.cache.add(&message, 0) {
                return Ok(false);
            }
            self.last = row.get(0)?;
        }
        Ok(true)
    }

    /// Counts every message from a time on.
    pub(super) fn count(&self, from: Option<Timestamp>, counter: &mut ConversationCounter<'_>) {
        self.cache.count(from, counter);
    }
}

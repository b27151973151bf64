//! Decides how the book of a process is brought up to date from the file.
//!
//! It must never be counted from without having been brought up to date in the same reading.

use rusqlite::Connection;

use super::super::book::{Book, MOST_KEPT};
use super::{Fault, count, timestamp};
use crate::domain::figures::{TalkCounter, TalkRow};
use crate::domain::message::Role;
use jiff::Timestamp;

/// A book, and how far it was read.
#[derive(Default)]
pub(super) struct SyncedBook {
    book: Book,
    /// The last message that is in it.
    last: i64,
    /// How often figures were asked for: what is asked once is not worth a book.
    asked: u32,
}

impl SyncedBook {
    /// Brings the book up to date with what the connection sees at this moment. `false`: there is no book, since the
    /// transcript is too large for one or, where `bounded`, nothing was asked before.
    pub(super) fn read_on(&mut self, connection: &Connection, bounded: bool) -> Result<bool, Fault> {
        self.asked = self.asked.saturating_add(1);
        if bounded && self.asked == 1 {
            return Ok(false);
        }
        // Every reading is one transaction: both see the same moment.
        let there = count(connection.prepare_cached("SELECT count(*) FROM chats")?.query_row([], |row| row.get(0))?)?;
        if there > MOST_KEPT {
            *self = Self { asked: self.asked, ..Self::default() };
            return Ok(false);
        }
        let mut whole = self.take(connection)?;
        // Messages are added and removed, never changed; a number is never given out twice. So as many as were there, or as
        // came, are the same ones; otherwise some were removed.
        if whole && self.book.held() != there {
            *self = Self { asked: self.asked, ..Self::default() };
            whole = self.take(connection)? && self.book.held() == there;
        }
        if !whole {
            *self = Self { asked: self.asked, ..Self::default() };
        }
        Ok(whole)
    }

    fn take(&mut self, connection: &Connection) -> Result<bool, Fault> {
        let mut statement = connection.prepare_cached(
            "SELECT id, user_id, role, at, turn, intent, sentiment, response_ms, intent_confidence, reused, degraded
             FROM chats WHERE id > ?1 ORDER BY id",
        )?;
        let mut rows = statement.query([self.last])?;
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            let role = text(2)?.unwrap_or_default();
            let message = TalkRow {
                user: text(1)?.unwrap_or_default(),
                role: Role::parse(role).ok_or_else(|| Fault::Content(format!("“{role}” is no role in a chat")))?,
                at: timestamp(row.get(3)?)?,
                turn: count(row.get(4)?)?,
                intent: text(5)?,
                sentiment: text(6)?,
                response_ms: row.get::<_, Option<i64>>(7)?.map(count).transpose()?,
                intent_confidence: row.get(8)?,
                reused: row.get(9)?,
                degraded: row.get(10)?,
            };
            // They come in their order.
            if !self.book.add(&message, 0) {
                return Ok(false);
            }
            self.last = row.get(0)?;
        }
        Ok(true)
    }

    /// Counts every message from a time on.
    pub(super) fn count(&self, from: Option<Timestamp>, counter: &mut TalkCounter<'_>) {
        self.book.count(from, counter);
    }
}

//! Customers as receivers of messages, and tallies.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{Contacts, Result, Tally};
use super::events::Recorder;
use super::{BackendError, SqliteStore, count, int, micros, timestamp};
use crate::domain::event::Event;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::opt_out::{Preference, Source, suppression_key};
use crate::domain::sendable::Heard;

type Read<T> = std::result::Result<T, BackendError>;

fn read_preference(row: &Row<'_>) -> Read<Preference> {
    let source: String = row.get(2)?;
    Ok(Preference {
        stopped: row.get(0)?,
        at: timestamp(row.get(1)?)?,
        source: Source::parse(&source)
            .ok_or_else(|| BackendError::Content(format!("“{source}” is no source of an opt-out")))?,
        message: row.get::<_, Option<String>>(3)?.map(MessageId::new),
    })
}

fn preference(connection: &Connection, user: &UserId) -> Read<Option<Preference>> {
    let mut statement =
        connection.prepare_cached("SELECT stopped, at, source, message FROM opt_outs WHERE person = ?1")?;
    let mut rows = statement.query_and_then([suppression_key(user)], read_preference)?;
    rows.next().transpose()
}

fn record(connection: &Connection, recorder: Recorder, user: &UserId, wish: &Preference) -> Read<Option<Preference>> {
    let known = preference(connection, user)?;
    // Times are kept in microseconds: a redelivery must compare as the same.
    let wish = Preference { at: timestamp(micros(wish.at))?, ..wish.clone() };
    let Some(next) = Preference::after(known.as_ref(), &wish) else { return Ok(known) };
    connection
        .prepare_cached(
            "INSERT INTO opt_outs (person, user_id, stopped, at, source, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (person) DO UPDATE SET user_id = excluded.user_id, stopped = excluded.stopped, at = excluded.at,
                 source = excluded.source, message = excluded.message",
        )?
        .execute(params![
            suppression_key(user),
            user.as_str(),
            next.stopped,
            micros(next.at),
            next.source.as_str(),
            next.message.as_ref().map(MessageId::as_str),
        ])?;
    recorder.record(connection, |id| Event::preference(id, user, known.as_ref(), &next))?;
    Ok(Some(next))
}

#[async_trait]
impl Contacts for SqliteStore {
    async fn last_inbound(&self, user: &UserId) -> Result<Option<Heard>> {
        let user = user.clone();
        self.read("looking when a customer wrote", move |connection| {
            let sql = "SELECT sent_at, number FROM inbox INDEXED BY inbox_user
                       WHERE user_id = ?1
                           AND json_extract(content, '$.kind') NOT IN ('echo', 'number_changed', 'deleted')
                       ORDER BY sent_at DESC LIMIT 1";
            let mut statement = connection.prepare_cached(sql)?;
            let found = statement
                .query_row([user.as_str()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?)));
            found.optional()?.map(|(at, number)| Ok(Heard { at: timestamp(at)?, number })).transpose()
        })
        .await
    }

    async fn preference(&self, user: &UserId) -> Result<Option<Preference>> {
        let user = user.clone();
        self.read("reading an opt-out", move |connection| preference(connection, &user)).await
    }

    async fn record_preference(&self, user: &UserId, wish: &Preference) -> Result<Option<Preference>> {
        let (user, wish, recorder) = (user.clone(), wish.clone(), self.recorder);
        self.write("saving an opt-out", move |connection| record(connection, recorder, &user, &wish)).await
    }

    async fn undelivered(&self, user: &UserId) -> Result<u64> {
        let user = user.clone();
        self.read("counting undelivered messages", move |connection| {
            let sql =
                "SELECT count(*) FROM outbox INDEXED BY outbox_undelivered WHERE user_id = ?1 AND state = 'parked'";
            count(connection.prepare_cached(sql)?.query_row([user.as_str()], |row| row.get(0))?)
        })
        .await
    }

    async fn count(&self, what: &str, by: u64, at: Timestamp) -> Result<()> {
        let what = what.to_owned();
        self.write("counting", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO tallies (name, count, last) VALUES (?1, ?2, ?3)
                     ON CONFLICT (name) DO UPDATE SET count = count + excluded.count, last = max(last, excluded.last)",
                )?
                .execute(params![what, int(by), micros(at)])?;
            Ok(())
        })
        .await
    }

    async fn counted(&self, what: &str) -> Result<Option<Tally>> {
        let what = what.to_owned();
        self.read("reading a count", move |connection| {
            let mut statement = connection.prepare_cached("SELECT count, last FROM tallies WHERE name = ?1")?;
            let found = statement.query_row([what], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
            found
                .optional()?
                .map(|(number, last)| Ok(Tally { count: count(number)?, last: timestamp(last)? }))
                .transpose()
        })
        .await
    }
}

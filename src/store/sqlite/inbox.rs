//! Accepted messages and the claims on conversations. A claim that is no longer current changes nothing.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{
    Accepted, Backlog, Claim, Debounce, Finished, FinishedTurn, Inbox, Listener, MAX_CLAIMED_MESSAGES, Result,
    Unfinished, Wake, WorkState,
};
use super::{BackendError, SqliteStore, chats, count, int, later, micros, outbox, timestamp};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Context, Inbound};

/// Finds the conversation to claim: `?1` is now.
pub(super) const NEXT: &str =
    "SELECT user_id FROM work WHERE due_at IS NOT NULL AND due_at <= ?1 ORDER BY due_at LIMIT 1";
/// As [`NEXT`], of one customer: `?2`.
pub(super) const NEXT_OF: &str = "SELECT user_id FROM work WHERE user_id = ?2 AND due_at IS NOT NULL AND due_at <= ?1";
/// The waiting messages of a customer, in the order in which a turn answers them.
pub(super) const WAITING: &str = "SELECT id, user_id, sent_at, received_at, content, context, number FROM inbox
     WHERE user_id = ?1 AND turn IS NULL ORDER BY sent_at, seq LIMIT ?2";

fn next_due(connection: &Connection, only: Option<&str>, now: i64) -> rusqlite::Result<Option<String>> {
    match only {
        None => connection.prepare_cached(NEXT)?.query_row([now], |row| row.get(0)),
        Some(user) => connection.prepare_cached(NEXT_OF)?.query_row(params![now, user], |row| row.get(0)),
    }
    .optional()
}

pub(super) fn read_inbound(row: &Row<'_>) -> std::result::Result<Inbound, BackendError> {
    let content = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
    Ok(Inbound {
        id: MessageId::new(row.get::<_, String>(0)?),
        user_id: UserId::new(row.get::<_, String>(1)?),
        sent_at: timestamp(row.get(2)?)?,
        received_at: timestamp(row.get(3)?)?,
        content: serde_json::from_str(content)
            .map_err(|error| BackendError::Content(format!("a message in the inbox does not read: {error}")))?,
        context: match row.get_ref(5)?.as_str_or_null().map_err(rusqlite::Error::from)? {
            None => Context::default(),
            Some(context) => serde_json::from_str(context)
                .map_err(|error| BackendError::Content(format!("what a message refers to does not read: {error}")))?,
        },
        number: row.get(6)?,
    })
}

/// Saves messages; a conversation that becomes ready with them is due at `due`, and waits for more until `until`.
fn insert(
    connection: &Connection,
    messages: &[Inbound],
    now: i64,
    due: i64,
    until: i64,
) -> std::result::Result<Accepted, BackendError> {
    let mut accepted = Accepted::default();
    let mut insert = connection.prepare_cached(
        "INSERT INTO inbox (id, user_id, sent_at, received_at, content, context, number) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO NOTHING",
    )?;
    let mut ready = connection.prepare_cached(
        // The fencing number begins with the clock: a customer who was erased and writes again never gets one that a
        // claim from before the erasure has.
        "INSERT INTO work (user_id, due_at, fence, attempts, arrivals, waits_until) VALUES (?1, ?2, ?4, 0, 1, ?3)
         ON CONFLICT (user_id) DO UPDATE SET
             due_at = CASE WHEN due_at IS NULL THEN excluded.due_at
                 WHEN worker IS NULL AND waits_until IS NOT NULL
                     THEN max(due_at, min(excluded.due_at, waits_until))
                 ELSE due_at END,
             waits_until = CASE WHEN due_at IS NULL THEN excluded.waits_until ELSE waits_until END,
             arrivals = arrivals + 1,
             attempts = CASE WHEN parked_at IS NULL THEN attempts ELSE 0 END,
             error = CASE WHEN parked_at IS NULL THEN error END,
             parked_at = NULL",
    )?;
    for message in messages {
        let unwritten =
            |error: serde_json::Error| BackendError::Content(format!("a message cannot be written: {error}"));
        let content = serde_json::to_string(&message.content).map_err(unwritten)?;
        let context = (message.context != Context::default()).then(|| serde_json::to_string(&message.context));
        let user = message.user_id.as_str();
        let new = insert.execute(params![
            message.id.as_str(),
            user,
            micros(message.sent_at),
            micros(message.received_at),
            content,
            context.transpose().map_err(unwritten)?,
            message.number,
        ])?;
        if new == 0 {
            accepted.repeated += 1;
            continue;
        }
        accepted.new += 1;
        ready.execute(params![user, due, until, now])?;
    }
    Ok(accepted)
}

fn claim(
    connection: &Connection,
    only: Option<&str>,
    worker: &str,
    now: Timestamp,
    until: Timestamp,
) -> std::result::Result<Option<Claim>, BackendError> {
    while let Some(user) = next_due(connection, only, micros(now))? {
        let mut messages = connection
            .prepare_cached(WAITING)?
            .query_and_then(params![user, int(MAX_CLAIMED_MESSAGES as u64 + 1)], read_inbound)?
            .collect::<std::result::Result<Vec<_>, BackendError>>()?;
        if messages.is_empty() {
            connection
                .prepare_cached("UPDATE work SET due_at = NULL, worker = NULL WHERE user_id = ?1")?
                .execute([&user])?;
            continue;
        }
        let more = messages.len() > MAX_CLAIMED_MESSAGES;
        messages.truncate(MAX_CLAIMED_MESSAGES);
        let (fence, attempt, arrivals) = connection
            .prepare_cached(
                "UPDATE work SET due_at = ?2, worker = ?3, waits_until = NULL, fence = fence + 1,
                     attempts = attempts + 1
                 WHERE user_id = ?1 RETURNING fence, attempts, arrivals",
            )?
            .query_row(params![user, micros(until), worker], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?, row.get::<_, i64>(2)?))
            })?;
        return Ok(Some(Claim {
            user_id: UserId::new(user),
            worker: worker.to_owned(),
            fence: count(fence)?,
            until,
            attempt,
            arrivals: count(arrivals)?,
            more,
            messages,
        }));
    }
    Ok(None)
}

/// Closes a current claim: `set` assigns the columns of the conversation, with parameters from `?3` on. `false` where
/// it is not current.
fn close(connection: &Connection, claim: &Claim, set: &str, values: &[&dyn rusqlite::ToSql]) -> rusqlite::Result<bool> {
    let sql = format!("UPDATE work SET {set} WHERE user_id = ?1 AND fence = ?2 AND worker IS NOT NULL");
    let fence = int(claim.fence);
    let user = claim.user_id.as_str();
    let mut all: Vec<&dyn rusqlite::ToSql> = vec![&user, &fence];
    all.extend(values);
    Ok(connection.prepare_cached(&sql)?.execute(all.as_slice())? == 1)
}

fn finish(
    connection: &Connection,
    claim: &Claim,
    turn: &FinishedTurn,
    now: Timestamp,
) -> std::result::Result<Finished, BackendError> {
    let current = connection
        .prepare_cached("SELECT 1 FROM work WHERE user_id = ?1 AND fence = ?2 AND worker IS NOT NULL")?
        .exists(params![claim.user_id.as_str(), int(claim.fence)])?;
    if !current {
        return Ok(Finished::Lost);
    }
    // The first write: where it changes nothing, there is nothing to roll back.
    if !chats::save(connection, &turn.conversation)? {
        return Ok(Finished::Changed);
    }
    let set = "due_at = CASE WHEN ?3 OR arrivals <> ?4 THEN ?5 END, worker = NULL, attempts = 0, error = NULL";
    close(connection, claim, set, &[&claim.more, &int(claim.arrivals), &micros(now)])?;
    chats::insert(connection, &turn.said)?;
    chats::insert(connection, &turn.replies)?;
    outbox::insert(connection, &claim.user_id, &turn.outgoing)?;
    let mut answered = connection.prepare_cached("UPDATE inbox SET turn = ?2 WHERE id = ?1")?;
    for message in &claim.messages {
        answered.execute(params![message.id.as_str(), int(turn.conversation.turn)])?;
    }
    Ok(Finished::Saved)
}

fn read_unfinished(row: &Row<'_>) -> std::result::Result<Unfinished, BackendError> {
    let due: Option<i64> = row.get(1)?;
    let worker: Option<String> = row.get(2)?;
    let parked: Option<i64> = row.get(3)?;
    let state = match (parked, worker, due) {
        (Some(at), ..) => WorkState::Parked { at: timestamp(at)? },
        (None, Some(worker), Some(until)) => WorkState::InWork { worker, until: timestamp(until)? },
        (None, _, Some(due)) => WorkState::Waiting { due: timestamp(due)? },
        _ => return Err(BackendError::Content("a conversation with work has no due time".to_owned())),
    };
    Ok(Unfinished {
        user_id: UserId::new(row.get::<_, String>(0)?),
        state,
        attempts: row.get(4)?,
        error: row.get(5)?,
        messages: count(row.get(6)?)?,
        since: timestamp(row.get(7)?)?,
    })
}

#[async_trait]
impl Inbox for SqliteStore {
    async fn accept_debounced(&self, messages: &[Inbound], now: Timestamp, debounce: Debounce) -> Result<Accepted> {
        if messages.is_empty() {
            return Ok(Accepted::default());
        }
        let messages = messages.to_vec();
        let now_micros = micros(now);
        let due = micros(later(now, debounce.quiet));
        let until = micros(later(now, debounce.longest));
        let accepted = self
            .write("accepting messages", move |connection| insert(connection, &messages, now_micros, due, until))
            .await?;
        self.notifier.notify();
        Ok(accepted)
    }

    async fn claim(
        &self,
        only: Option<&UserId>,
        worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>> {
        let only = only.map(|user| user.as_str().to_owned());
        let user = only.clone();
        // Reading first keeps idle workers from taking the write lock.
        let due =
            self.read("looking for work", move |connection| Ok(next_due(connection, user.as_deref(), micros(now))?));
        if due.await?.is_none() {
            return Ok(None);
        }
        let worker = worker.to_owned();
        self.write("claiming a conversation", move |connection| {
            claim(connection, only.as_deref(), &worker, now, later(now, lease))
        })
        .await
    }

    async fn renew(&self, claim: &Claim, now: Timestamp, lease: SignedDuration) -> Result<bool> {
        let claim = claim.clone();
        self.write("renewing a lease", move |connection| {
            Ok(close(connection, &claim, "due_at = ?3", &[&micros(later(now, lease))])?)
        })
        .await
    }

    async fn finish(&self, claim: &Claim, turn: &FinishedTurn, now: Timestamp) -> Result<Finished> {
        let (claim, turn) = (claim.clone(), turn.clone());
        let finished = self.write("finishing a turn", move |connection| finish(connection, &claim, &turn, now)).await?;
        self.notifier.notify();
        Ok(finished)
    }

    async fn fail(&self, claim: &Claim, error: &str, retry_at: Option<Timestamp>, now: Timestamp) -> Result<bool> {
        let (claim, error) = (claim.clone(), error.to_owned());
        self.write("putting work back", move |connection| {
            let due = retry_at.map(micros);
            let parked = if due.is_none() { Some(micros(now)) } else { None };
            let set = "due_at = ?3, parked_at = ?4, error = ?5, worker = NULL";
            Ok(close(connection, &claim, set, &[&due, &parked, &error])?)
        })
        .await
    }

    async fn release(&self, claim: &Claim, now: Timestamp) -> Result<bool> {
        let claim = claim.clone();
        let released = self.write("giving work back", move |connection| {
            let set = "due_at = ?3, attempts = attempts - 1, worker = NULL";
            Ok(close(connection, &claim, set, &[&micros(now)])?)
        });
        let released = released.await?;
        self.notifier.notify();
        Ok(released)
    }

    async fn accepted_message(&self, user: &UserId, id: &MessageId) -> Result<Option<Inbound>> {
        let (user, id) = (user.as_str().to_owned(), id.as_str().to_owned());
        self.read("reading the inbox", move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, user_id, sent_at, received_at, content, context, number FROM inbox WHERE id = ?1 AND user_id = ?2",
            )?;
            statement.query_and_then([&id, &user], read_inbound)?.next().transpose()
        })
        .await
    }

    async fn unfinished(&self, limit: u32) -> Result<Vec<Unfinished>> {
        self.read("reading the inbox", move |connection| {
            // Two lists, each by its own index: parked conversations have no due time.
            let mut found = Vec::new();
            for (condition, order) in [("parked_at IS NOT NULL", "parked_at"), ("due_at IS NOT NULL", "due_at")] {
                let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
                let mut statement = connection.prepare_cached(&format!(
                    "SELECT work.user_id, due_at, worker, parked_at, attempts, error, count(*), min(received_at)
                     FROM (SELECT * FROM work WHERE {condition} ORDER BY {order} LIMIT ?1) work
                     JOIN inbox ON inbox.user_id = work.user_id AND inbox.turn IS NULL
                     GROUP BY work.user_id ORDER BY work.{order}"
                ))?;
                let rows = statement.query_and_then([left], read_unfinished)?;
                found.extend(rows.collect::<std::result::Result<Vec<_>, BackendError>>()?);
            }
            Ok(found)
        })
        .await
    }

    async fn retry_parked(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64> {
        let only = only.map(|user| user.as_str().to_owned());
        let retried = self.write("retrying parked work", move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE work SET due_at = ?1, parked_at = NULL, attempts = 0
                     WHERE parked_at IS NOT NULL AND (?2 IS NULL OR user_id = ?2)",
                )?
                .execute(params![micros(now), only])?;
            Ok(changed as u64)
        });
        let retried = retried.await?;
        self.notifier.notify();
        Ok(retried)
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.read("counting what is to do", |connection| {
            let (waiting, in_work, oldest): (i64, i64, Option<i64>) = connection
                .prepare_cached(
                    "SELECT count(*) FILTER (WHERE worker IS NULL), count(worker),
                            min(due_at) FILTER (WHERE worker IS NULL) FROM work WHERE due_at IS NOT NULL",
                )?
                .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            let number = |sql: &str| -> std::result::Result<u64, BackendError> {
                count(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
            };
            Ok(Backlog {
                waiting: count(waiting)?,
                in_work: count(in_work)?,
                parked: number("SELECT count(*) FROM work WHERE parked_at IS NOT NULL")?,
                oldest: oldest.map(timestamp).transpose()?,
                unsent: number("SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending')")?,
                unsent_parked: number("SELECT count(*) FROM outbox WHERE state = 'parked'")?,
            })
        })
        .await
    }
}

impl Wake for SqliteStore {
    fn listen(&self) -> Listener {
        self.notifier.listen()
    }
}

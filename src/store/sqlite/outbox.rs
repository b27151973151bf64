//! Messages to customers, until they are sent. A later message to a customer never overtakes an earlier one that waits.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{Outbox, Result};
use super::{BackendError, SqliteStore, count, int, later, micros, timestamp};
use crate::domain::ids::UserId;
use crate::domain::outgoing::{Delivery, Outgoing, Receipt, Status};

/// Finds a message by the identifier that the channel gave it: `?1`.
pub(super) const BY_PROVIDER: &str = "SELECT user_id, turn, sequence FROM outbox WHERE provider_id = ?1 LIMIT 1";

pub(super) const COLUMNS: &str =
    "user_id, turn, sequence, body, state, attempts, next_at, provider_id, error, answers, receipt, sent_at, waived";

// The planner would prefer the primary key, and read the sent messages of a customer too: the index is named where that
// matters.

/// Finds the message to send: `?1` is now.
pub(super) const NEXT: &str =
    "SELECT user_id, turn, sequence FROM outbox WHERE head = 1 AND next_at <= ?1 ORDER BY next_at LIMIT 1";
/// As [`NEXT`], of one customer: `?2`.
pub(super) const NEXT_OF: &str = "SELECT user_id, turn, sequence FROM outbox INDEXED BY outbox_unsent
     WHERE user_id = ?2 AND state IN ('queued', 'sending') AND head = 1 AND next_at <= ?1";
/// Clears `head` on the messages of a customer.
pub(super) const CLEAR_HEAD: &str = "UPDATE outbox INDEXED BY outbox_unsent SET head = 0 WHERE user_id = ?1 AND state IN ('queued', 'sending') AND head = 1";
/// Sets `head` on the earliest message of a customer that is neither sent nor parked.
pub(super) const SET_HEAD: &str = "UPDATE outbox SET head = 1 WHERE user_id = ?1 AND (turn, sequence) =
     (SELECT turn, sequence FROM outbox INDEXED BY outbox_unsent WHERE user_id = ?1 AND state IN ('queued', 'sending')
      ORDER BY turn, sequence LIMIT 1)";

pub(super) fn read_outgoing(row: &Row<'_>) -> std::result::Result<Outgoing, BackendError> {
    let body = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
    let state: String = row.get(4)?;
    Ok(Outgoing {
        user_id: UserId::new(row.get::<_, String>(0)?),
        turn: count(row.get(1)?)?,
        sequence: row.get(2)?,
        body: serde_json::from_str(body)
            .map_err(|error| BackendError::Content(format!("a message in the outbox does not read: {error}")))?,
        state: Delivery::parse(&state)
            .ok_or_else(|| BackendError::Content(format!("“{state}” is no state in the outbox")))?,
        attempts: row.get(5)?,
        next_at: timestamp(row.get(6)?)?,
        provider_id: row.get(7)?,
        error: row.get(8)?,
        waived: row.get(12)?,
        answers: row
            .get::<_, Option<String>>(9)?
            .map(|answers| serde_json::from_str(&answers))
            .transpose()
            .map_err(|error| BackendError::Content(format!("what a message answers does not read: {error}")))?,
        receipt: row
            .get::<_, Option<String>>(10)?
            .map(|word| Receipt::parse(&word).ok_or_else(|| BackendError::Content(format!("“{word}” is no receipt"))))
            .transpose()?,
        sent_at: row.get::<_, Option<i64>>(11)?.map(timestamp).transpose()?,
    })
}

/// Puts the messages of a turn at the end of their customer's queue.
pub(super) fn insert(
    connection: &Connection,
    user: &UserId,
    messages: &[Outgoing],
) -> std::result::Result<(), BackendError> {
    if messages.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO outbox (user_id, turn, sequence, body, state, attempts, next_at, head, answers)
         VALUES (?1, ?2, ?3, ?4, 'queued', 0, ?5, 0, ?6)",
    )?;
    for message in messages {
        let body = serde_json::to_string(&message.body)
            .map_err(|error| BackendError::Content(format!("a message cannot be written: {error}")))?;
        let next_at = micros(message.next_at);
        let answers = message.answers.as_ref().map(serde_json::to_string).transpose();
        let answers =
            answers.map_err(|error| BackendError::Content(format!("a message cannot be written: {error}")))?;
        statement.execute(params![user.as_str(), int(message.turn), message.sequence, body, next_at, answers])?;
    }
    move_head(connection, user.as_str())?;
    Ok(())
}

fn move_head(connection: &Connection, user: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(CLEAR_HEAD)?.execute([user])?;
    connection.prepare_cached(SET_HEAD)?.execute([user])?;
    Ok(())
}

/// Finds the message that has an identity: `?1` to `?3`.
const BY_IDENTITY: &str = "user_id = ?1 AND turn = ?2 AND sequence = ?3";

fn follow(
    connection: &Connection,
    status: &Status,
    now: Timestamp,
) -> std::result::Result<Option<Outgoing>, BackendError> {
    let key = match &status.identity {
        Some(of) => Some((of.user_id.as_str().to_owned(), int(of.turn), of.sequence)),
        None => connection
            .prepare_cached(BY_PROVIDER)?
            .query_row([&status.provider_id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?,
    };
    let Some((user, turn, sequence)) = key else { return Ok(None) };
    let found = connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM outbox WHERE {BY_IDENTITY}"))?
        .query_and_then(params![user, turn, sequence], read_outgoing)?
        .next()
        .transpose()?;
    let Some(next) = found.and_then(|message| message.with_status(status, now)) else { return Ok(None) };
    connection
        .prepare_cached(&format!(
            "UPDATE outbox SET state = ?4, next_at = ?5, provider_id = ?6, error = ?7, receipt = ?8, head = head AND ?9,
                 sent_at = ?10, waived = ?11
             WHERE {BY_IDENTITY}"
        ))?
        .execute(params![
            user,
            turn,
            sequence,
            next.state.as_str(),
            micros(next.next_at),
            next.provider_id,
            next.error,
            next.receipt.map(Receipt::as_str),
            next.state.is_open(),
            next.sent_at.map(micros),
            next.waived,
        ])?;
    move_head(connection, &user)?;
    Ok(Some(next))
}

impl SqliteStore {
    /// Ends the claim of a message where it is current: `set` assigns its columns, with parameters from `?5` on.
    async fn close_claim(
        &self,
        claimed: &Outgoing,
        set: &'static str,
        values: impl IntoIterator<Item = rusqlite::types::Value>,
    ) -> Result<bool> {
        let claimed = claimed.clone();
        let values: Vec<_> = values.into_iter().collect();
        let closed = self.write("saving the outcome of sending", move |connection| {
            let sql = format!(
                "UPDATE outbox SET {set} WHERE user_id = ?1 AND turn = ?2 AND sequence = ?3 AND attempts = ?4
                     AND state = 'sending'"
            );
            let (user, turn) = (claimed.user_id.as_str(), int(claimed.turn));
            let mut all: Vec<&dyn rusqlite::ToSql> = vec![&user, &turn, &claimed.sequence, &claimed.attempts];
            all.extend(values.iter().map(|value| value as &dyn rusqlite::ToSql));
            let changed = connection.prepare_cached(&sql)?.execute(all.as_slice())? == 1;
            if changed {
                move_head(connection, user)?;
            }
            Ok(changed)
        });
        let closed = closed.await?;
        self.notifier.notify();
        Ok(closed)
    }
}

#[async_trait]
impl Outbox for SqliteStore {
    async fn claim_outgoing(
        &self,
        only: Option<&UserId>,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Outgoing>> {
        let only = only.map(|user| user.as_str().to_owned());
        let user = only.clone();
        let due = self.read("looking for messages to send", move |connection| {
            Ok(match &user {
                None => connection.prepare_cached(NEXT)?.exists([micros(now)])?,
                Some(user) => connection.prepare_cached(NEXT_OF)?.exists(params![micros(now), user])?,
            })
        });
        if !due.await? {
            return Ok(None);
        }
        self.write("claiming a message to send", move |connection| {
            let next = if only.is_some() { NEXT_OF } else { NEXT };
            let mut statement = connection.prepare_cached(&format!(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1, next_at = ?3
                 WHERE (user_id, turn, sequence) = ({next}) RETURNING {COLUMNS}"
            ))?;
            let until = micros(later(now, lease));
            let mut rows = statement.query_and_then(params![micros(now), only, until], read_outgoing)?;
            rows.next().transpose()
        })
        .await
    }

    async fn sent(&self, claimed: &Outgoing, provider_id: &str, now: Timestamp) -> Result<bool> {
        let set = "state = 'sent', provider_id = ?5, next_at = ?6, error = NULL, receipt = NULL, sent_at = NULL,
            head = 0";
        self.close_claim(claimed, set, [provider_id.to_owned().into(), micros(now).into()]).await
    }

    async fn send_failed(
        &self,
        claimed: &Outgoing,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        let set = match retry_at {
            Some(_) => "state = 'queued', error = ?5, next_at = ?6",
            None => "state = 'parked', error = ?5, next_at = ?6, head = 0",
        };
        self.close_claim(claimed, set, [error.to_owned().into(), micros(retry_at.unwrap_or(now)).into()]).await
    }

    async fn postpone(&self, claimed: &Outgoing, why: &str, until: Timestamp, _now: Timestamp) -> Result<bool> {
        let set = "state = 'queued', error = ?5, next_at = ?6, waived = waived + 1";
        self.close_claim(claimed, set, [why.to_owned().into(), micros(until).into()]).await
    }

    async fn follow_status(&self, status: &Status, now: Timestamp) -> Result<Option<Outgoing>> {
        let status = status.clone();
        let followed =
            self.write("saving the status of a message", move |connection| follow(connection, &status, now)).await?;
        if followed.is_some() {
            self.notifier.notify();
        }
        Ok(followed)
    }

    async fn outgoing_with(&self, user: &UserId, provider_id: &str) -> Result<Option<Outgoing>> {
        let (user, provider) = (user.as_str().to_owned(), provider_id.to_owned());
        self.read("reading the outbox", move |connection| {
            // By the one index that has the identifier, which is as good as unique.
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox INDEXED BY outbox_provider
                 WHERE provider_id = ?1 AND provider_id IS NOT NULL AND user_id = ?2 LIMIT 1"
            ))?;
            statement.query_and_then([&provider, &user], read_outgoing)?.next().transpose()
        })
        .await
    }

    async fn outgoing_of(&self, user: &UserId, limit: u32) -> Result<Vec<Outgoing>> {
        let user = user.clone();
        self.read("reading the outbox", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE user_id = ?1 ORDER BY turn DESC, sequence DESC LIMIT ?2"
            ))?;
            let mut messages = statement
                .query_and_then(params![user.as_str(), limit], read_outgoing)?
                .collect::<std::result::Result<Vec<_>, BackendError>>()?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }

    async fn parked_outgoing(&self, limit: u32) -> Result<Vec<Outgoing>> {
        self.read("reading the outbox", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM outbox WHERE state = 'parked' ORDER BY next_at LIMIT ?1"
            ))?;
            statement.query_and_then([limit], read_outgoing)?.collect()
        })
        .await
    }

    async fn retry_outgoing(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64> {
        let only = only.map(|user| user.as_str().to_owned());
        let retried = self.write("retrying parked messages", move |connection| {
            let users = connection
                .prepare_cached(
                    "UPDATE outbox SET state = 'queued', next_at = ?1, provider_id = NULL, receipt = NULL,
                         sent_at = NULL, waived = attempts
                     WHERE state = 'parked' AND (?2 IS NULL OR user_id = ?2) RETURNING user_id",
                )?
                .query_map(params![micros(now), only], |row| row.get::<_, String>(0))?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let distinct: std::collections::BTreeSet<&String> = users.iter().collect();
            for user in distinct {
                move_head(connection, user)?;
            }
            Ok(users.len() as u64)
        });
        let retried = retried.await?;
        self.notifier.notify();
        Ok(retried)
    }
}

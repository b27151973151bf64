//! Events: each is a row that is written in the transaction of its fact.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params, params_from_iter};

use super::super::error::is_first;
use super::super::events::new_event_id;
use super::super::{ClosedEndpoint, Dispatch, DispatchSearch, DispatchState, EventBacklog, EventRoute, Events, Result};
use super::conditions::Conditions;
use super::{BackendError, SqliteStore, count, later, micros, timestamp};
use crate::domain::event::{Event, EventId};
use crate::domain::ids::UserId;

type Read<T> = std::result::Result<T, BackendError>;

/// Writes events in the transaction of their facts, where the store records any.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recorder {
    /// Whether the store records events.
    pub(super) on: bool,
}

impl Recorder {
    /// Writes the event that `of` makes with a new identifier, if it makes one.
    pub(super) fn record(self, connection: &Connection, of: impl FnOnce(EventId) -> Option<Event>) -> Read<()> {
        let Some(event) = self.on.then(new_event_id).and_then(of) else { return Ok(()) };
        connection.prepare_cached("INSERT INTO events (id, at, user_id, content) VALUES (?1, ?2, ?3, ?4)")?.execute(
            params![event.id.as_str(), micros(event.at), event.user_id.as_ref().map(UserId::as_str), write(&event)?],
        )?;
        Ok(())
    }
}

fn write(event: &Event) -> Read<String> {
    serde_json::to_string(event).map_err(|error| BackendError::Content(format!("an event cannot be written: {error}")))
}

fn read(content: &str) -> Read<Event> {
    serde_json::from_str(content)
        .map_err(|error| BackendError::Content(format!("a stored event cannot be read: {error}")))
}

/// The columns of a dispatch `d` and its event `e`.
const COLUMNS: &str = "e.content, d.endpoint, d.state, d.attempts, d.next_at, d.error, d.waived";

fn read_dispatch(row: &Row<'_>) -> Read<Dispatch> {
    let state: String = row.get(2)?;
    Ok(Dispatch {
        event: read(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?,
        endpoint: row.get(1)?,
        state: DispatchState::parse(&state)
            .ok_or_else(|| BackendError::Content(format!("“{state}” is no state of a dispatch")))?,
        attempts: row.get(3)?,
        next_at: timestamp(row.get(4)?)?,
        error: row.get(5)?,
        waived: row.get(6)?,
    })
}

/// The earliest new events. Those that cannot be read are of a newer version of the program: they are left to that, and the
/// others do not wait for them.
fn new_events(connection: &Connection, limit: u32) -> Read<Vec<Event>> {
    let mut statement =
        connection.prepare_cached("SELECT id, content FROM events WHERE fanned_out = 0 ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let (limit, mut new) = (usize::try_from(limit).unwrap_or(usize::MAX), Vec::new());
    while new.len() < limit
        && let Some(row) = rows.next()?
    {
        if let Ok(event) = read(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?) {
            new.push(event);
            continue;
        }
        let id: String = row.get(0)?;
        if is_first(&id) {
            tracing::warn!(id, "an event cannot be read here: it is left to a newer version of the program");
        }
    }
    Ok(new)
}

fn fan_out(connection: &Connection, new: &[Event], routes: &[EventRoute], now: Timestamp) -> Read<u64> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO event_dispatches (event_id, endpoint, state, attempts, next_at) VALUES (?1, ?2, 'waiting', 0, ?3)
         ON CONFLICT DO NOTHING",
    )?;
    let mut done = connection.prepare_cached("UPDATE events SET fanned_out = 1 WHERE id = ?1 AND fanned_out = 0")?;
    let mut count = 0;
    for event in new {
        // Since it was read, another process may have done it, or its customer was forgotten.
        if done.execute([event.id.as_str()])? == 0 {
            continue;
        }
        for route in routes.iter().filter(|route| route.types.contains(&event.event_type())) {
            insert.execute(params![event.id.as_str(), route.endpoint, micros(now)])?;
        }
        count += 1;
    }
    Ok(count)
}

/// Finds the dispatch to claim: `?1` is the endpoint, `?2` is now.
const NEXT: &str = "SELECT event_id FROM event_dispatches INDEXED BY event_dispatches_due
     WHERE endpoint = ?1 AND state IN ('waiting', 'sending') AND next_at <= ?2 ORDER BY next_at LIMIT 1";

fn claim(connection: &Connection, endpoint: &str, now: Timestamp, until: Timestamp) -> Read<Option<Dispatch>> {
    let id: Option<String> = connection
        .prepare_cached(&format!(
            "UPDATE event_dispatches SET state = 'sending', attempts = attempts + 1, next_at = ?3
             WHERE endpoint = ?1 AND event_id = ({NEXT}) RETURNING event_id"
        ))?
        .query_row(params![endpoint, micros(now), micros(until)], |row| row.get(0))
        .optional()?;
    let Some(id) = id else { return Ok(None) };
    let sql = format!(
        "SELECT {COLUMNS} FROM event_dispatches AS d JOIN events AS e ON e.id = d.event_id
         WHERE d.event_id = ?1 AND d.endpoint = ?2"
    );
    connection.prepare_cached(&sql)?.query_and_then(params![id, endpoint], read_dispatch)?.next().transpose()
}

/// What is left of a customer's events when they are forgotten, and how many there were. One that cannot be read goes.
pub(super) fn erase(connection: &Connection, user: &UserId) -> Read<u64> {
    let contents = contents_of(connection, user)?;
    for (id, content) in &contents {
        match read(content).ok().and_then(|event| event.without_customer()) {
            None => {
                connection.prepare_cached("DELETE FROM events WHERE id = ?1")?.execute([id])?;
            }
            Some(left) => {
                connection
                    .prepare_cached("UPDATE events SET user_id = NULL, content = ?2 WHERE id = ?1")?
                    .execute(params![id, write(&left)?])?;
            }
        }
    }
    Ok(contents.len() as u64)
}

/// The events of a customer that can be read, the earliest first.
pub(super) fn events_of(connection: &Connection, user: &UserId) -> Read<Vec<Event>> {
    let contents = contents_of(connection, user)?;
    let events = contents.iter().filter_map(|(id, content)| {
        read(content).inspect_err(|error| tracing::warn!(event = %id, ?error, "an event is passed over")).ok()
    });
    Ok(events.collect())
}

/// The id and the content of each event of a customer.
fn contents_of(connection: &Connection, user: &UserId) -> Read<Vec<(String, String)>> {
    let mut statement = connection.prepare_cached("SELECT id, content FROM events WHERE user_id = ?1 ORDER BY seq")?;
    let contents = statement.query_map([user.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(contents.collect::<rusqlite::Result<_>>()?)
}

impl SqliteStore {
    /// Ends the claim of a dispatch where it is current.
    async fn close_dispatch(
        &self,
        claimed: &Dispatch,
        state: DispatchState,
        at: Timestamp,
        error: Option<&str>,
    ) -> Result<bool> {
        let (id, endpoint, attempts) = (claimed.event.id.clone(), claimed.endpoint.clone(), claimed.attempts);
        let error = error.map(str::to_owned);
        self.write("saving the outcome of a delivery", move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE event_dispatches SET state = ?4, next_at = ?5, error = ?6
                     WHERE event_id = ?1 AND endpoint = ?2 AND attempts = ?3 AND state = 'sending'",
                )?
                .execute(params![id.as_str(), endpoint, attempts, state.as_str(), micros(at), error])?;
            Ok(changed == 1)
        })
        .await
    }
}

#[async_trait]
impl Events for SqliteStore {
    async fn fan_out(&self, routes: &[EventRoute], now: Timestamp, limit: u32) -> Result<u64> {
        let new = self.read("looking for events", move |connection| new_events(connection, limit)).await?;
        if new.is_empty() {
            return Ok(0);
        }
        let routes = routes.to_vec();
        self.write("finding the endpoints of events", move |connection| fan_out(connection, &new, &routes, now)).await
    }

    async fn claim_dispatch(&self, endpoint: &str, now: Timestamp, lease: SignedDuration) -> Result<Option<Dispatch>> {
        let name = endpoint.to_owned();
        let due = self.read("looking for events to deliver", move |connection| {
            Ok(connection.prepare_cached(NEXT)?.exists(params![name, micros(now)])?)
        });
        if !due.await? {
            return Ok(None);
        }
        let name = endpoint.to_owned();
        self.write("claiming an event to deliver", move |connection| claim(connection, &name, now, later(now, lease)))
            .await
    }

    async fn dispatched(&self, claimed: &Dispatch, now: Timestamp) -> Result<bool> {
        self.close_dispatch(claimed, DispatchState::Delivered, now, None).await
    }

    async fn dispatch_failed(
        &self,
        claimed: &Dispatch,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        let state = if retry_at.is_some() { DispatchState::Waiting } else { DispatchState::Parked };
        self.close_dispatch(claimed, state, retry_at.unwrap_or(now), Some(error)).await
    }

    async fn park_orphans(&self, endpoints: &[String], why: &str, before: Timestamp, now: Timestamp) -> Result<u64> {
        let (endpoints, why) = (endpoints.to_vec(), why.to_owned());
        self.write("parking events of unknown endpoints", move |connection| {
            let names = serde_json::to_string(&endpoints)
                .map_err(|error| BackendError::Content(format!("names cannot be written: {error}")))?;
            let parked = connection
                .prepare_cached(
                    "UPDATE event_dispatches SET state = 'parked', error = ?2, next_at = ?4
                     WHERE state IN ('waiting', 'sending') AND next_at < ?3
                         AND endpoint NOT IN (SELECT value FROM json_each(?1))",
                )?
                .execute(params![names, why, micros(before), micros(now)])?;
            Ok(parked as u64)
        })
        .await
    }

    async fn retry_dispatches(&self, event: Option<&EventId>, endpoint: Option<&str>, now: Timestamp) -> Result<u64> {
        let (event, endpoint) = (event.map(EventId::to_string), endpoint.map(str::to_owned));
        self.write("retrying parked events", move |connection| {
            let endpoints: Vec<String> = connection
                .prepare_cached(
                    "UPDATE event_dispatches SET state = 'waiting', waived = attempts, next_at = ?3
                     WHERE state = 'parked' AND (?1 IS NULL OR event_id = ?1) AND (?2 IS NULL OR endpoint = ?2)
                     RETURNING endpoint",
                )?
                .query_map(params![event, endpoint, micros(now)], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut open = connection.prepare_cached("DELETE FROM closed_endpoints WHERE endpoint = ?1")?;
            for name in endpoints.iter().chain(endpoint.as_ref()) {
                open.execute([name])?;
            }
            Ok(endpoints.len() as u64)
        })
        .await
    }

    async fn dispatches(&self, search: &DispatchSearch, limit: u32) -> Result<Vec<Dispatch>> {
        let search = search.clone();
        self.read("reading events", move |connection| {
            let mut conditions = Conditions::default();
            if !search.states.is_empty() {
                let states: Vec<String> = search.states.iter().map(|state| format!("'{}'", state.as_str())).collect();
                conditions.add(&format!("d.state IN ({})", states.join(", ")));
            }
            if let Some(endpoint) = search.endpoint {
                conditions.with("d.endpoint = ?#", endpoint);
            }
            if let Some(event) = search.event {
                conditions.with("d.event_id = ?#", event.to_string());
            }
            let (condition, values) = conditions.finish();
            let sql = format!(
                "SELECT {COLUMNS} FROM event_dispatches AS d JOIN events AS e ON e.id = d.event_id
                 WHERE {condition} ORDER BY e.seq DESC, d.endpoint LIMIT {limit}"
            );
            connection.prepare_cached(&sql)?.query_and_then(params_from_iter(values), read_dispatch)?.collect()
        })
        .await
    }

    async fn event(&self, id: &EventId) -> Result<Option<Event>> {
        let id = id.clone();
        self.read("reading an event", move |connection| {
            let content: Option<String> = connection
                .prepare_cached("SELECT content FROM events WHERE id = ?1")?
                .query_row([id.as_str()], |row| row.get(0))
                .optional()?;
            content.map(|content| read(&content)).transpose()
        })
        .await
    }

    async fn event_backlog(&self) -> Result<EventBacklog> {
        self.read("counting events", |connection| {
            let number =
                |sql: &str| -> Read<u64> { count(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?) };
            let oldest: Option<i64> = connection
                .prepare_cached(
                    "SELECT min(at) FROM (SELECT at FROM events WHERE fanned_out = 0
                     UNION ALL SELECT e.at FROM event_dispatches AS d JOIN events AS e ON e.id = d.event_id
                         WHERE d.state IN ('waiting', 'sending'))",
                )?
                .query_row([], |row| row.get(0))?;
            Ok(EventBacklog {
                new: number("SELECT count(*) FROM events WHERE fanned_out = 0")?,
                waiting: number("SELECT count(*) FROM event_dispatches WHERE state IN ('waiting', 'sending')")?,
                parked: number("SELECT count(*) FROM event_dispatches WHERE state = 'parked'")?,
                oldest: oldest.map(timestamp).transpose()?,
            })
        })
        .await
    }

    async fn close_endpoint(&self, endpoint: &ClosedEndpoint) -> Result<()> {
        let closed = endpoint.clone();
        self.write("closing an endpoint", move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO closed_endpoints (endpoint, target, at) VALUES (?1, ?2, ?3)")?
                .execute(params![closed.endpoint, closed.target, micros(closed.at)])?;
            Ok(())
        })
        .await
    }

    async fn closed_endpoints(&self) -> Result<Vec<ClosedEndpoint>> {
        self.read("reading endpoints", |connection| {
            let mut statement =
                connection.prepare_cached("SELECT endpoint, target, at FROM closed_endpoints ORDER BY endpoint")?;
            statement
                .query_and_then([], |row| {
                    Ok(ClosedEndpoint { endpoint: row.get(0)?, target: row.get(1)?, at: timestamp(row.get(2)?)? })
                })?
                .collect()
        })
        .await
    }
}

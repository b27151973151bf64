//! Alerts: at most one pending alert of a customer. Merging never lowers its urgency nor loses a reason.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::super::{Alerts, Result};
use super::conditions::{Conditions, contains_pattern};
use super::events::Recorder;
use super::{BackendError, SqliteStore, micros, timestamp};
use crate::domain::alert::{
    Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Handled, Handling, OF_NO_CUSTOMER, Priority, Reopened,
    Resolution,
};
use crate::domain::event::Event;
use crate::domain::ids::{AlertId, UserId};

pub(super) const COLUMNS: &str = "id, user_id, reason, last_message, priority, status, created_at, assignee, claimed_at, \
    resolved_at, resolved_by, note, reopened_at, reopened_by, bot_answers";

type Read<T> = std::result::Result<T, BackendError>;

fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    }
}

pub(super) fn read_alert(row: &Row<'_>) -> std::result::Result<Alert, BackendError> {
    let status: String = row.get(5)?;
    let time = |column: usize| row.get::<_, Option<i64>>(column)?.map(timestamp).transpose();
    Ok(Alert {
        id: AlertId::new(row.get::<_, String>(0)?),
        user_id: UserId::new(row.get::<_, String>(1)?),
        reason: row.get(2)?,
        last_message: row.get(3)?,
        priority: match row.get::<_, i64>(4)? {
            0 => Priority::Low,
            1 => Priority::Medium,
            2 => Priority::High,
            other => return Err(BackendError::Content(format!("{other} is no priority of an alert"))),
        },
        status: AlertStatus::parse(&status)
            .ok_or_else(|| BackendError::Content(format!("“{status}” is no status of an alert")))?,
        created_at: timestamp(row.get(6)?)?,
        bot_answers: row.get(14)?,
        handling: Handling {
            assignee: row.get(7)?,
            claimed_at: time(8)?,
            resolved_at: time(9)?,
            resolved_by: row.get(10)?,
            note: row.get(11)?,
            reopened_at: time(12)?,
            reopened_by: row.get(13)?,
        },
    })
}

fn find(connection: &Connection, id: &AlertId) -> Read<Option<Alert>> {
    let sql = format!("SELECT {COLUMNS} FROM human_intervention_alerts WHERE id = ?1");
    connection.prepare_cached(&sql)?.query_and_then([id.as_str()], read_alert)?.next().transpose()
}

fn pending(connection: &Connection, user: &UserId) -> Read<Option<Alert>> {
    let sql = format!("SELECT {COLUMNS} FROM human_intervention_alerts WHERE user_id = ?1 AND status = 'pending'");
    connection.prepare_cached(&sql)?.query_and_then([user.as_str()], read_alert)?.next().transpose()
}

fn list(connection: &Connection, search: &AlertSearch, limit: u32) -> Read<Vec<Alert>> {
    let mut conditions = Conditions::default();
    // Written as literals, so that the planner can use the partial indexes of a status.
    match search.status {
        None => {}
        Some(AlertStatus::Pending) => conditions.add("status = 'pending'"),
        Some(AlertStatus::Resolved) => conditions.add("status = 'resolved'"),
    }
    if let Some(priority) = search.priority {
        conditions.with("priority = ?#", rank(priority));
    }
    match &search.assignee {
        None => {}
        Some(AssigneeFilter::Unassigned) => conditions.add("assignee IS NULL"),
        Some(AssigneeFilter::Named(name)) => conditions.with("assignee = ?#", name.clone()),
    }
    if !search.text.is_empty() {
        let fits = ["reason", "last_message", "note", "user_id"].map(|name| format!("{name} LIKE ?# ESCAPE '\\'"));
        conditions.with(&format!("({})", fits.join(" OR ")), contains_pattern(&search.text));
    }
    if let Some(since) = search.resolved_since {
        conditions.with("resolved_at >= ?#", micros(since));
    }
    let order = match search.status {
        Some(AlertStatus::Resolved) => "resolved_at DESC, id",
        _ => "(status = 'pending') DESC, priority DESC, created_at",
    };
    let (condition, values) = conditions.finish();
    let sql =
        format!("SELECT {COLUMNS} FROM human_intervention_alerts WHERE {condition} ORDER BY {order} LIMIT {limit}");
    connection.prepare_cached(&sql)?.query_and_then(params_from_iter(values), read_alert)?.collect()
}

fn assign(
    connection: &Connection,
    id: &AlertId,
    from: Option<&str>,
    to: Option<&str>,
    at: Timestamp,
) -> Read<Assigned> {
    let sql = format!(
        "UPDATE human_intervention_alerts SET assignee = ?3, claimed_at = ?4
         WHERE id = ?1 AND status = 'pending' AND assignee IS ?2 AND assignee IS NOT ?3 RETURNING {COLUMNS}"
    );
    let since = to.map(|_| micros(at));
    let mut statement = connection.prepare_cached(&sql)?;
    let done = statement.query_and_then(params![id.as_str(), from, to, since], read_alert)?.next().transpose()?;
    if let Some(alert) = done {
        return Ok(Assigned::Done(alert));
    }
    Ok(match find(connection, id)?.filter(|alert| alert.status == AlertStatus::Pending) {
        None => Assigned::Gone,
        Some(alert) if alert.handling.assignee.as_deref() == to => Assigned::Done(alert),
        Some(alert) => Assigned::Held(alert),
    })
}

fn reopen(connection: &Connection, recorder: Recorder, id: &AlertId, by: &str, at: Timestamp) -> Read<Reopened> {
    let Some(alert) = find(connection, id)? else { return Ok(Reopened::Gone) };
    if alert.status == AlertStatus::Pending {
        return Ok(Reopened::Pending(alert));
    }
    if let Some(other) = pending(connection, &alert.user_id)? {
        return Ok(Reopened::Other(other));
    }
    let sql = format!(
        "UPDATE human_intervention_alerts
         SET status = 'pending', assignee = NULL, claimed_at = NULL, reopened_at = ?2, reopened_by = ?3
         WHERE id = ?1 RETURNING {COLUMNS}"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let done = statement.query_and_then(params![id.as_str(), micros(at), by], read_alert)?.next().transpose()?;
    let Some(alert) = done else { return Ok(Reopened::Gone) };
    recorder.record(connection, |id| Event::handed_over(id, &alert, at, true))?;
    Ok(Reopened::Done(alert))
}

#[async_trait]
impl Alerts for SqliteStore {
    async fn open_alert(&self, alert: &Alert) -> Result<Alert> {
        let (alert, recorder) = (alert.clone(), self.recorder);
        self.write("opening an alert", move |connection| {
            // Within one write transaction: nobody else changes the pending alert in between.
            if let Some(known) = pending(connection, &alert.user_id)? {
                let merged = known.merged_with(&alert);
                connection
                    .prepare_cached(
                        "UPDATE human_intervention_alerts SET priority = ?2, reason = ?3, last_message = ?4, bot_answers = ?5
                         WHERE id = ?1",
                    )?
                    .execute(params![
                        merged.id.as_str(),
                        rank(merged.priority),
                        merged.reason,
                        merged.last_message,
                        merged.bot_answers,
                    ])?;
                if merged.is_graver_than(&known) {
                    // The team hears of it once more.
                    connection
                        .prepare_cached("DELETE FROM alert_notices WHERE alert_id = ?1")?
                        .execute([merged.id.as_str()])?;
                }
                if known.bot_answers {
                    recorder.record(connection, |id| Event::handed_over(id, &merged, alert.created_at, false))?;
                }
                return Ok(merged);
            }
            connection
                .prepare_cached(
                    "INSERT INTO human_intervention_alerts
                         (id, user_id, reason, last_message, priority, status, created_at, bot_answers)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    alert.id.as_str(),
                    alert.user_id.as_str(),
                    alert.reason,
                    alert.last_message,
                    rank(alert.priority),
                    AlertStatus::Pending.as_str(),
                    micros(alert.created_at),
                    alert.bot_answers,
                ])?;
            recorder.record(connection, |id| Event::handed_over(id, &alert, alert.created_at, false))?;
            find(connection, &alert.id)?.ok_or(BackendError::Sql(rusqlite::Error::QueryReturnedNoRows))
        })
        .await
    }

    async fn pending_alert(&self, user: &UserId) -> Result<Option<Alert>> {
        let user = user.clone();
        self.read("reading an alert", move |connection| pending(connection, &user)).await
    }

    async fn alert(&self, id: &AlertId) -> Result<Option<Alert>> {
        let id = id.clone();
        self.read("reading an alert", move |connection| find(connection, &id)).await
    }

    async fn find_alerts(&self, search: &AlertSearch, limit: u32) -> Result<Vec<Alert>> {
        let search = search.clone();
        self.read("reading alerts", move |connection| list(connection, &search, limit)).await
    }

    async fn handled_alerts(&self, since: Option<Timestamp>, limit: u32) -> Result<Vec<Handled>> {
        // Without the texts, of which a page of figures needs none.
        const HANDLED: &str = "SELECT created_at, claimed_at, resolved_at, resolved_by FROM human_intervention_alerts
             WHERE status = 'resolved' AND resolved_at >= ?1 AND user_id NOT IN (?3, ?4) ORDER BY resolved_at DESC, id LIMIT ?2";
        self.read("reading alerts", move |connection| {
            let [one, other] = OF_NO_CUSTOMER;
            let since = since.map_or(i64::MIN, micros);
            let read = |row: &Row<'_>| {
                Ok::<_, BackendError>(Handled {
                    created_at: timestamp(row.get(0)?)?,
                    claimed_at: row.get::<_, Option<i64>>(1)?.map(timestamp).transpose()?,
                    resolved_at: timestamp(row.get(2)?)?,
                    by: row.get(3)?,
                })
            };
            connection.prepare_cached(HANDLED)?.query_and_then(params![since, limit, one, other], read)?.collect()
        })
        .await
    }

    async fn assign_alert(
        &self,
        id: &AlertId,
        from: Option<&str>,
        to: Option<&str>,
        at: Timestamp,
    ) -> Result<Assigned> {
        let (id, from, to) = (id.clone(), from.map(str::to_owned), to.map(str::to_owned));
        self.write("assigning an alert", move |connection| assign(connection, &id, from.as_deref(), to.as_deref(), at))
            .await
    }

    async fn resolve_alert(&self, id: &AlertId, resolution: &Resolution) -> Result<bool> {
        let (id, resolution, recorder) = (id.clone(), resolution.clone(), self.recorder);
        self.write("resolving an alert", move |connection| {
            let note = Some(resolution.note).filter(|note| !note.is_empty());
            let sql = format!(
                "UPDATE human_intervention_alerts SET status = 'resolved', resolved_at = ?2, resolved_by = ?3, note = ?4
                 WHERE id = ?1 AND status = 'pending' RETURNING {COLUMNS}"
            );
            let resolved = connection
                .prepare_cached(&sql)?
                .query_and_then(params![id.as_str(), micros(resolution.at), resolution.by, note], read_alert)?
                .next()
                .transpose()?;
            let Some(alert) = resolved else { return Ok(false) };
            recorder.record(connection, |id| Event::resolved(id, &alert, resolution.at))?;
            Ok(true)
        })
        .await
    }

    async fn reopen_alert(&self, id: &AlertId, by: &str, at: Timestamp) -> Result<Reopened> {
        let (id, by, recorder) = (id.clone(), by.to_owned(), self.recorder);
        self.write("reopening an alert", move |connection| reopen(connection, recorder, &id, &by, at)).await
    }

    async fn unsent_alerts(&self, channel: &str, since: Timestamp, at: Timestamp, limit: u32) -> Result<Vec<Alert>> {
        let channel = channel.to_owned();
        self.read("reading alerts", move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM human_intervention_alerts AS alert
                 WHERE status = 'pending' AND created_at >= ?1 AND NOT EXISTS (
                     SELECT 1 FROM alert_notices
                     WHERE alert_id = alert.id AND way = ?2 AND (until IS NULL OR until > ?3)
                 ) ORDER BY priority DESC, created_at LIMIT {limit}"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_and_then(params![micros(since), channel, micros(at)], read_alert)?.collect()
        })
        .await
    }

    async fn begin_notice(&self, id: &AlertId, channel: &str, at: Timestamp, until: Timestamp) -> Result<bool> {
        let (id, channel) = (id.clone(), channel.to_owned());
        self.write("claiming a notification", move |connection| {
            let changed = connection
                .prepare_cached(
                    "INSERT INTO alert_notices (alert_id, way, until) SELECT id, ?2, ?4 FROM human_intervention_alerts
                     WHERE id = ?1
                     ON CONFLICT DO UPDATE SET until = excluded.until WHERE until <= ?3",
                )?
                .execute(params![id.as_str(), channel, micros(at), micros(until)])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn end_notice(&self, id: &AlertId, channel: &str) -> Result<()> {
        let (id, channel) = (id.clone(), channel.to_owned());
        self.write("saving a notification", move |connection| {
            connection
                .prepare_cached("UPDATE alert_notices SET until = NULL WHERE alert_id = ?1 AND way = ?2")?
                .execute(params![id.as_str(), channel])?;
            Ok(())
        })
        .await
    }
}

//! Decides how alerts are kept: at most one pending alert for a customer.
//!
//! It must never lower the urgency of an alert, nor lose why it was raised.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::super::{Alerts, Result};
use super::conditions::{Conditions, literally};
use super::{Fault, SqliteStore, micros, timestamp};
use crate::domain::alert::{
    Alert, AlertSearch, AlertStatus, Assigned, Handling, Priority, Reopened, Settlement, Whose,
};
use crate::domain::ids::{AlertId, UserId};

pub(super) const COLUMNS: &str = "id, user_id, reason, last_message, priority, status, created_at, assignee, claimed_at, \
    resolved_at, resolved_by, note, reopened_at, reopened_by";

type Read<T> = std::result::Result<T, Fault>;

fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    }
}

pub(super) fn read_alert(row: &Row<'_>) -> std::result::Result<Alert, Fault> {
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
            other => return Err(Fault::Content(format!("{other} is no priority of an alert"))),
        },
        status: AlertStatus::parse(&status)
            .ok_or_else(|| Fault::Content(format!("“{status}” is no status of an alert")))?,
        created_at: timestamp(row.get(6)?)?,
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
    let mut wanted = Conditions::default();
    // Written out, so that the indexes of one status are seen to serve.
    match search.status {
        None => {}
        Some(AlertStatus::Pending) => wanted.add("status = 'pending'"),
        Some(AlertStatus::Resolved) => wanted.add("status = 'resolved'"),
    }
    if let Some(priority) = search.priority {
        wanted.with("priority = ?#", rank(priority));
    }
    match &search.whose {
        None => {}
        Some(Whose::Nobodys) => wanted.add("assignee IS NULL"),
        Some(Whose::Of(name)) => wanted.with("assignee = ?#", name.clone()),
    }
    if !search.text.is_empty() {
        let fits = ["reason", "last_message", "note", "user_id"].map(|name| format!("{name} LIKE ?# ESCAPE '\\'"));
        wanted.with(&format!("({})", fits.join(" OR ")), literally(&search.text));
    }
    let order = match search.status {
        Some(AlertStatus::Resolved) => "resolved_at DESC, id",
        _ => "(status = 'pending') DESC, priority DESC, created_at",
    };
    let (wanted, values) = wanted.finish();
    let sql = format!("SELECT {COLUMNS} FROM human_intervention_alerts WHERE {wanted} ORDER BY {order} LIMIT {limit}");
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

fn reopen(connection: &Connection, id: &AlertId, by: &str, at: Timestamp) -> Read<Reopened> {
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
    Ok(done.map_or(Reopened::Gone, Reopened::Done))
}

#[async_trait]
impl Alerts for SqliteStore {
    async fn open_alert(&self, alert: &Alert) -> Result<Alert> {
        let alert = alert.clone();
        self.write("opening an alert", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "INSERT INTO human_intervention_alerts
                     (id, user_id, reason, last_message, priority, status, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (user_id) WHERE status = 'pending'
                 DO UPDATE SET priority = max(priority, excluded.priority),
                     reason = CASE WHEN length(reason) > 4000 OR instr(reason, excluded.reason) THEN reason
                              ELSE reason || ' | ' || excluded.reason END,
                     last_message = excluded.last_message
                 RETURNING {COLUMNS}"
            ))?;
            let mut kept = statement.query_and_then(
                params![
                    alert.id.as_str(),
                    alert.user_id.as_str(),
                    alert.reason,
                    alert.last_message,
                    rank(alert.priority),
                    AlertStatus::Pending.as_str(),
                    micros(alert.created_at),
                ],
                read_alert,
            )?;
            kept.next().unwrap_or(Err(Fault::Sql(rusqlite::Error::QueryReturnedNoRows)))
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

    async fn settle_alert(&self, id: &AlertId, settlement: &Settlement) -> Result<bool> {
        let (id, settlement) = (id.clone(), settlement.clone());
        self.write("settling an alert", move |connection| {
            let note = Some(settlement.note).filter(|note| !note.is_empty());
            let changed = connection
                .prepare_cached(
                    "UPDATE human_intervention_alerts SET status = 'resolved', resolved_at = ?2, resolved_by = ?3, note = ?4
                     WHERE id = ?1 AND status = 'pending'",
                )?
                .execute(params![id.as_str(), micros(settlement.at), settlement.by, note])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn reopen_alert(&self, id: &AlertId, by: &str, at: Timestamp) -> Result<Reopened> {
        let (id, by) = (id.clone(), by.to_owned());
        self.write("opening an alert again", move |connection| reopen(connection, &id, &by, at)).await
    }

    async fn untold_alerts(&self, way: &str, since: Timestamp, at: Timestamp, limit: u32) -> Result<Vec<Alert>> {
        let way = way.to_owned();
        self.read("reading alerts", move |connection| {
            let sql = format!(
                "SELECT {COLUMNS} FROM human_intervention_alerts AS alert
                 WHERE status = 'pending' AND created_at >= ?1 AND NOT EXISTS (
                     SELECT 1 FROM alert_notices
                     WHERE alert_id = alert.id AND way = ?2 AND (until IS NULL OR until > ?3)
                 ) ORDER BY priority DESC, created_at LIMIT {limit}"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_and_then(params![micros(since), way, micros(at)], read_alert)?.collect()
        })
        .await
    }

    async fn begin_notice(&self, id: &AlertId, way: &str, at: Timestamp, until: Timestamp) -> Result<bool> {
        let (id, way) = (id.clone(), way.to_owned());
        self.write("taking on a notification", move |connection| {
            let changed = connection
                .prepare_cached(
                    "INSERT INTO alert_notices (alert_id, way, until) SELECT id, ?2, ?4 FROM human_intervention_alerts
                     WHERE id = ?1
                     ON CONFLICT DO UPDATE SET until = excluded.until WHERE until <= ?3",
                )?
                .execute(params![id.as_str(), way, micros(at), micros(until)])?;
            Ok(changed == 1)
        })
        .await
    }

    async fn end_notice(&self, id: &AlertId, way: &str) -> Result<()> {
        let (id, way) = (id.clone(), way.to_owned());
        self.write("noting a notification", move |connection| {
            connection
                .prepare_cached("UPDATE alert_notices SET until = NULL WHERE alert_id = ?1 AND way = ?2")?
                .execute(params![id.as_str(), way])?;
            Ok(())
        })
        .await
    }
}

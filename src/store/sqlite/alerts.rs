//! Decides how alerts are kept: at most one pending alert for a customer.
//!
//! It must never lower the urgency of an alert, nor lose why it was raised.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Row, params};

use super::super::{Alerts, Result};
use super::{Fault, SqliteStore, micros, timestamp};
use crate::domain::alert::{Alert, AlertStatus, Priority};
use crate::domain::ids::{AlertId, UserId};

pub(super) const COLUMNS: &str = "id, user_id, reason, last_message, priority, status, created_at";

fn rank(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Medium => 1,
        Priority::High => 2,
    }
}

pub(super) fn read_alert(row: &Row<'_>) -> std::result::Result<Alert, Fault> {
    let status: String = row.get(5)?;
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
        status: [AlertStatus::Pending, AlertStatus::Resolved]
            .into_iter()
            .find(|known| known.as_str() == status)
            .ok_or_else(|| Fault::Content(format!("“{status}” is no status of an alert")))?,
        created_at: timestamp(row.get(6)?)?,
    })
}

#[async_trait]
impl Alerts for SqliteStore {
    async fn open_alert(&self, alert: &Alert) -> Result<Alert> {
        let alert = alert.clone();
        self.write("opening an alert", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "INSERT INTO human_intervention_alerts ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
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
        self.read("reading an alert", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM human_intervention_alerts WHERE user_id = ?1 AND status = 'pending'"
            ))?;
            statement.query_and_then([user.as_str()], read_alert)?.next().transpose()
        })
        .await
    }

    async fn alert(&self, id: &AlertId) -> Result<Option<Alert>> {
        let id = id.clone();
        self.read("reading an alert", move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM human_intervention_alerts WHERE id = ?1"))?;
            statement.query_and_then([id.as_str()], read_alert)?.next().transpose()
        })
        .await
    }

    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        self.read("reading alerts", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM human_intervention_alerts
                 ORDER BY (status = 'pending') DESC, priority DESC, created_at LIMIT ?1"
            ))?;
            statement.query_and_then([limit], read_alert)?.collect()
        })
        .await
    }

    async fn resolve_alert(&self, id: &AlertId, at: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.write("resolving an alert", move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE human_intervention_alerts SET status = 'resolved', resolved_at = ?2
                     WHERE id = ?1 AND status = 'pending'",
                )?
                .execute(params![id.as_str(), micros(at)])?;
            Ok(changed == 1)
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

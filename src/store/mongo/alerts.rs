//! Decides how alerts are kept: at most one pending alert for a customer.
//!
//! It must never lower the urgency of an alert, nor lose why it was raised.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Document, doc, oid::ObjectId};

use super::super::{Alerts, Result};
use super::fault::Fault;
use super::schema::ALERTS;
use super::values::{epoch, optional_text, optional_time, says, text};
use super::{Base, MongoStore};
use crate::domain::alert::{Alert, AlertStatus, Priority};
use crate::domain::ids::{AlertId, UserId};

type Read<T> = std::result::Result<T, Fault>;

/// The longest reason that another one is added to, in bytes.
const LONGEST: usize = 4_000;

/// An alert from its document, whoever wrote it. The original keeps times as seconds since 1970.
fn read_alert(document: &Document) -> Read<Alert> {
    let status = optional_text(document, "status")?.unwrap_or_default();
    let priority = optional_text(document, "priority")?.unwrap_or_default();
    let raised = match optional_time(document, "created_at")? {
        Some(at) => Some(at),
        None => optional_time(document, "timestamp")?,
    };
    Ok(Alert {
        id: AlertId::new(text(document, "_id")?),
        user_id: UserId::new(text(document, "user_id")?),
        reason: optional_text(document, "reason")?.unwrap_or_default(),
        last_message: optional_text(document, "last_message")?.unwrap_or_default(),
        priority: Priority::parse(&priority.to_lowercase()).unwrap_or_default(),
        status: if status.to_lowercase() == AlertStatus::Pending.as_str() {
            AlertStatus::Pending
        } else {
            AlertStatus::Resolved
        },
        created_at: raised.unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// Finds an alert; those of the original have an identifier that the server made.
fn by_id(id: &AlertId) -> Document {
    match ObjectId::parse_str(id.as_str()) {
        Ok(made) => doc! {"_id": {"$in": [id.as_str(), made]}},
        Err(_) => doc! {"_id": id.as_str()},
    }
}

fn pending_of(user: &UserId) -> Document {
    doc! {"user_id": user.as_str(), "status": AlertStatus::Pending.as_str()}
}

async fn open(base: &Base, alert: &Alert) -> Read<Alert> {
    let alerts = base.collection(ALERTS);
    loop {
        let Some(found) = alerts.find_one(pending_of(&alert.user_id)).await? else {
            let document = doc! {
                "_id": alert.id.as_str(),
                "user_id": alert.user_id.as_str(),
                "reason": &alert.reason,
                "last_message": &alert.last_message,
                "priority": alert.priority.as_str(),
                "status": AlertStatus::Pending.as_str(),
                "created_at": epoch(alert.created_at),
                // The unique index holds only while this is true.
                "pending": true,
            };
            match alerts.insert_one(document.clone()).await.map_err(Fault::from) {
                Ok(_) => return read_alert(&document),
                Err(fault) if fault.is_duplicate() => super::pause().await,
                Err(fault) => return Err(fault),
            }
            continue;
        };
        let mut merged = read_alert(&found)?;
        if merged.id == alert.id && merged.reason.contains(&alert.reason) && merged.last_message == alert.last_message {
            return Ok(merged); // This very call, before its answer was lost.
        }
        let (reason, last, priority) = (merged.reason.clone(), merged.last_message.clone(), merged.priority);
        merged.priority = priority.max(alert.priority);
        if merged.reason.len() <= LONGEST && !merged.reason.contains(&alert.reason) {
            merged.reason = format!("{reason} | {}", alert.reason);
        }
        merged.last_message.clone_from(&alert.last_message);
        if (&merged.reason, &merged.last_message, merged.priority) == (&reason, &last, priority) {
            return Ok(merged);
        }
        // What was read decides whether the update is right.
        let mut filter = doc! {"status": AlertStatus::Pending.as_str()};
        for name in ["_id", "reason", "last_message", "priority"] {
            filter.insert(name, found.get(name).cloned().unwrap_or(mongodb::bson::Bson::Null));
        }
        let set = doc! {
            "reason": &merged.reason, "last_message": &merged.last_message, "priority": merged.priority.as_str(),
        };
        if alerts.update_one(filter, doc! {"$set": set}).await?.matched_count == 1 {
            return Ok(merged);
        }
        super::pause().await;
    }
}

async fn list(base: &Base, limit: u32) -> Read<Vec<Alert>> {
    let alerts = base.collection(ALERTS);
    let mut listed = Vec::new();
    // One list for each urgency, each in the order of its index: the words do not sort as they mean.
    let known = [Priority::High, Priority::Medium, Priority::Low].map(Priority::as_str);
    let (pending, resolved) = (AlertStatus::Pending.as_str(), AlertStatus::Resolved.as_str());
    let mut lists = Vec::new();
    for status in [pending, resolved] {
        lists.extend(known.map(|priority| doc! {"status": status, "priority": priority}));
        lists.push(doc! {"status": status, "priority": {"$nin": known.to_vec()}});
    }
    lists.push(doc! {"status": {"$nin": [pending, resolved]}});
    for filter in lists {
        let left = i64::from(limit) - i64::try_from(listed.len()).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        let found = alerts.find(filter).sort(doc! {"created_at": 1}).limit(left).await?;
        let documents: Vec<Document> = found.try_collect().await?;
        for document in &documents {
            listed.push(read_alert(document)?);
        }
    }
    Ok(listed)
}

async fn resolve(base: &Base, id: &AlertId, at: Timestamp) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let alerts = base.collection(ALERTS);
    let mut filter = by_id(id);
    filter.insert("status", AlertStatus::Pending.as_str());
    let update = doc! {
        "$set": {"status": AlertStatus::Resolved.as_str(), "resolved_at": epoch(at), "resolved_by_call": &call},
        "$unset": {"pending": ""},
    };
    if alerts.update_one(filter, update).await?.matched_count == 1 {
        return Ok(true);
    }
    let settled = alerts.find_one(by_id(id)).await?;
    Ok(settled.is_some_and(|settled| says(&settled, "resolved_by_call", &call)))
}

#[async_trait]
impl Alerts for MongoStore {
    async fn open_alert(&self, alert: &Alert) -> Result<Alert> {
        let alert = alert.clone();
        self.run("opening an alert", |base| async move { open(&base, &alert).await }).await
    }

    async fn pending_alert(&self, user: &UserId) -> Result<Option<Alert>> {
        let filter = pending_of(user);
        self.run("reading an alert", |base| async move {
            let found = base.collection(ALERTS).find_one(filter).await?;
            found.as_ref().map(read_alert).transpose()
        })
        .await
    }

    async fn alert(&self, id: &AlertId) -> Result<Option<Alert>> {
        let filter = by_id(id);
        self.run("reading an alert", |base| async move {
            let found = base.collection(ALERTS).find_one(filter).await?;
            found.as_ref().map(read_alert).transpose()
        })
        .await
    }

    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        self.run("reading alerts", |base| async move { list(&base, limit).await }).await
    }

    async fn resolve_alert(&self, id: &AlertId, at: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.run("resolving an alert", |base| async move { resolve(&base, &id, at).await }).await
    }
}

//! Decides how alerts are kept: at most one pending alert for a customer.
//!
//! It must never lower the urgency of an alert, nor lose why it was raised.
//!
//! The latest alert of a customer has a document of its own, named by the customer: that is what makes two pending ones
//! impossible. When the next one is raised, the settled one is first copied to a document under its own identifier.

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
pub(super) fn read_alert(document: &Document) -> Read<Alert> {
    let status = optional_text(document, "status")?.unwrap_or_default();
    let priority = optional_text(document, "priority")?.unwrap_or_default();
    let raised = match optional_time(document, "created_at")? {
        Some(at) => Some(at),
        None => optional_time(document, "timestamp")?,
    };
    Ok(Alert {
        id: AlertId::new(text(document, if document.contains_key("alert_id") { "alert_id" } else { "_id" })?),
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

/// Finds an alert; those of the original have only the identifier that the server made.
async fn find(base: &Base, id: &AlertId) -> Read<Option<Document>> {
    let alerts = base.collection(ALERTS);
    // The latest of a customer first: a copy of it may be there already.
    let filter = doc! {"alert_id": id.as_str()};
    let found: Vec<Document> = alerts.find(filter).limit(2).await?.try_collect().await?;
    let latest = found.iter().position(|document| text(document, "_id").is_ok_and(|own| own != id.as_str()));
    if let Some(document) = found.into_iter().nth(latest.unwrap_or(0)) {
        return Ok(Some(document));
    }
    match ObjectId::parse_str(id.as_str()) {
        Ok(made) => Ok(alerts.find_one(doc! {"_id": made}).await?),
        Err(_) => Ok(None),
    }
}

/// Where the latest alert of a customer is.
fn place_of(user: &UserId) -> String {
    format!("customer/{user}")
}

/// Takes the place of a customer's latest alert; `false` where somebody else was faster.
async fn take_place(base: &Base, alert: &Alert) -> Read<bool> {
    let alerts = base.collection(ALERTS);
    let place = place_of(&alert.user_id);
    let document = doc! {
        "_id": &place,
        "alert_id": alert.id.as_str(),
        "user_id": alert.user_id.as_str(),
        "reason": &alert.reason,
        "last_message": &alert.last_message,
        "priority": alert.priority.as_str(),
        "status": AlertStatus::Pending.as_str(),
        "created_at": epoch(alert.created_at),
    };
    let Some(mut settled) = alerts.find_one(doc! {"_id": &place}).await? else {
        return match alerts.insert_one(document).await.map_err(Fault::from) {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_duplicate() => Ok(false),
            Err(fault) => Err(fault),
        };
    };
    let before = text(&settled, "alert_id")?;
    settled.insert("_id", &before);
    match alerts.insert_one(settled).await.map_err(Fault::from) {
        Err(fault) if !fault.is_duplicate() => return Err(fault),
        _ => {}
    }
    let filter = doc! {"_id": &place, "alert_id": before, "status": {"$ne": AlertStatus::Pending.as_str()}};
    Ok(alerts.replace_one(filter, document).await?.matched_count == 1)
}

fn pending_of(user: &UserId) -> Document {
    doc! {"user_id": user.as_str(), "status": AlertStatus::Pending.as_str()}
}

async fn open(base: &Base, alert: &Alert) -> Read<Alert> {
    let alerts = base.collection(ALERTS);
    loop {
        let Some(found) = alerts.find_one(pending_of(&alert.user_id)).await? else {
            if take_place(base, alert).await? {
                return Ok(alert.clone());
            }
            super::pause().await;
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
            let alert = read_alert(document)?;
            // One that was copied and is still in its place counts once.
            if !listed.iter().any(|known: &Alert| known.id == alert.id) {
                listed.push(alert);
            }
        }
    }
    Ok(listed)
}

async fn resolve(base: &Base, id: &AlertId, at: Timestamp) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let alerts = base.collection(ALERTS);
    let Some(found) = find(base, id).await? else { return Ok(false) };
    let own = doc! {"_id": found.get("_id").cloned()};
    let mut filter = own.clone();
    filter.insert("status", AlertStatus::Pending.as_str());
    if let Some(id) = found.get("alert_id") {
        filter.insert("alert_id", id.clone());
    }
    let set = doc! {"status": AlertStatus::Resolved.as_str(), "resolved_at": epoch(at), "resolved_by_call": &call};
    if alerts.update_one(filter, doc! {"$set": set}).await?.matched_count == 1 {
        return Ok(true);
    }
    let settled = alerts.find_one(own).await?;
    Ok(settled.is_some_and(|settled| says(&settled, "resolved_by_call", &call)))
}

/// What finds the document of an alert, as long as it is this alert's.
async fn own(base: &Base, id: &AlertId) -> Read<Option<Document>> {
    let Some(found) = find(base, id).await? else { return Ok(None) };
    let mut filter = doc! {"_id": found.get("_id").cloned()};
    if let Some(id) = found.get("alert_id") {
        filter.insert("alert_id", id.clone());
    }
    Ok(Some(filter))
}

/// Takes a notification on. Where the answer is lost and the call is made again, nobody has it until its time is over.
async fn begin_notice(base: &Base, id: &AlertId, way: &str, at: Timestamp, until: Timestamp) -> Read<bool> {
    let Some(mut filter) = own(base, id).await? else { return Ok(false) };
    let name = format!("notices.{way}");
    filter.insert(format!("{name}.told"), doc! {"$ne": true});
    let (free, over) = (doc! {&name: {"$exists": false}}, doc! {format!("{name}.until"): {"$lte": epoch(at)}});
    filter.insert("$or", vec![free, over]);
    let take = doc! {"$set": {&name: {"until": epoch(until)}}};
    Ok(base.collection(ALERTS).update_one(filter, take).await?.matched_count == 1)
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
        let id = id.clone();
        self.run("reading an alert", |base| async move { find(&base, &id).await?.as_ref().map(read_alert).transpose() })
            .await
    }

    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        self.run("reading alerts", |base| async move { list(&base, limit).await }).await
    }

    async fn resolve_alert(&self, id: &AlertId, at: Timestamp) -> Result<bool> {
        let id = id.clone();
        self.run("resolving an alert", |base| async move { resolve(&base, &id, at).await }).await
    }

    async fn begin_notice(&self, id: &AlertId, way: &str, at: Timestamp, until: Timestamp) -> Result<bool> {
        let (id, way) = (id.clone(), way.to_owned());
        self.run("taking on a notification", |base| async move { begin_notice(&base, &id, &way, at, until).await })
            .await
    }

    async fn end_notice(&self, id: &AlertId, way: &str) -> Result<()> {
        let (id, way) = (id.clone(), way.to_owned());
        self.run("noting a notification", |base| async move {
            let Some(own) = own(&base, &id).await? else { return Ok(()) };
            let told = doc! {"$set": {format!("notices.{way}"): {"told": true}}};
            base.collection(ALERTS).update_one(own, told).await?;
            Ok(())
        })
        .await
    }
}

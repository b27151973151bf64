//! Decides how alerts are kept: at most one pending alert for a customer.
//!
//! It must never lower the urgency of an alert, nor lose why it was raised.
//!
//! The latest alert of a customer has a document of its own, named by the customer: that is what makes two pending ones
//! impossible. When the next one is raised, the settled one is first copied to a document under its own identifier. An
//! earlier one that is opened again takes that place in the same way.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use super::super::{Alerts, Result};
use super::fault::Fault;
use super::schema::ALERTS;
use super::values::{epoch, optional_text, optional_time, part, says, text};
use super::{Base, MongoStore};
use crate::domain::alert::{
    Alert, AlertSearch, AlertStatus, Assigned, Handling, Priority, Reopened, Settlement, Whose,
};
use crate::domain::ids::{AlertId, UserId};

type Read<T> = std::result::Result<T, Fault>;

/// What the place of a customer's latest alert begins with.
const PLACE: &str = "customer/";
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
        handling: read_handling(document)?,
    })
}

/// What the team made of it; the original knows nothing of all this.
fn read_handling(document: &Document) -> Read<Handling> {
    Ok(Handling {
        assignee: optional_text(document, "assignee")?,
        claimed_at: optional_time(document, "claimed_at")?,
        resolved_at: optional_time(document, "resolved_at")?,
        resolved_by: optional_text(document, "resolved_by")?,
        note: optional_text(document, "note")?,
        reopened_at: optional_time(document, "reopened_at")?,
        reopened_by: optional_text(document, "reopened_by")?,
    })
}

/// Whether a document is the place of a customer's latest alert.
pub(super) fn is_latest(document: &Document) -> bool {
    optional_text(document, "_id").ok().flatten().is_some_and(|id| id.starts_with(PLACE))
}

/// Finds an alert; those of the original have only the identifier that the server made.
async fn find(base: &Base, id: &AlertId) -> Read<Option<Document>> {
    let alerts = base.collection(ALERTS);
    // The latest of a customer first: a copy of it may be there already.
    let filter = doc! {"alert_id": id.as_str()};
    let found: Vec<Document> = alerts.find(filter).limit(2).await?.try_collect().await?;
    let latest = found.iter().position(is_latest);
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
    format!("{PLACE}{user}")
}

/// Takes the place of a customer's latest alert; `false` where somebody else was faster, or a pending one is there.
async fn take_place(base: &Base, user: &UserId, mut document: Document) -> Read<bool> {
    let alerts = base.collection(ALERTS);
    let place = place_of(user);
    document.insert("_id", &place);
    let Some(mut settled) = alerts.find_one(doc! {"_id": &place}).await? else {
        return match alerts.insert_one(document).await.map_err(Fault::from) {
            Ok(_) => Ok(true),
            Err(fault) if fault.is_duplicate() => Ok(false),
            Err(fault) => Err(fault),
        };
    };
    if says(&settled, "status", AlertStatus::Pending.as_str()) {
        return Ok(false);
    }
    let before = text(&settled, "alert_id")?;
    settled.insert("_id", &before);
    // A copy of it may be there from before it was opened again: it is replaced, unless it is the newer one.
    let mut copy = doc! {"_id": &before};
    if let Some(at) = settled.get("resolved_at") {
        copy.insert("resolved_at", doc! {"$lte": at.clone()});
    }
    match alerts.replace_one(copy, settled).upsert(true).await.map_err(Fault::from) {
        Err(fault) if !fault.is_duplicate() => return Err(fault),
        _ => {}
    }
    let filter = doc! {"_id": &place, "alert_id": before, "status": {"$ne": AlertStatus::Pending.as_str()}};
    Ok(alerts.replace_one(filter, document).await?.matched_count == 1)
}

fn written(alert: &Alert) -> Document {
    doc! {
        "alert_id": alert.id.as_str(),
        "user_id": alert.user_id.as_str(),
        "reason": &alert.reason,
        "last_message": &alert.last_message,
        "priority": alert.priority.as_str(),
        "status": AlertStatus::Pending.as_str(),
        "created_at": epoch(alert.created_at),
    }
}

fn pending_of(user: &UserId) -> Document {
    doc! {"user_id": user.as_str(), "status": AlertStatus::Pending.as_str()}
}

/// The pending alerts of customers, by their identities.
pub(super) async fn pending_of_many(base: &Base, users: &[&str]) -> Read<HashMap<String, Alert>> {
    let filter = doc! {"user_id": {"$in": users}, "status": AlertStatus::Pending.as_str()};
    let mut found = base.collection(ALERTS).find(filter).await?;
    let mut alerts = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let alert = read_alert(&document)?;
        alerts.entry(alert.user_id.as_str().to_owned()).or_insert(alert);
    }
    Ok(alerts)
}

async fn open(base: &Base, alert: &Alert) -> Read<Alert> {
    let alerts = base.collection(ALERTS);
    loop {
        let Some(found) = alerts.find_one(pending_of(&alert.user_id)).await? else {
            if take_place(base, &alert.user_id, written(alert)).await? {
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

async fn list(base: &Base, search: &AlertSearch, limit: u32) -> Read<Vec<Alert>> {
    let alerts = base.collection(ALERTS);
    let mut listed: Vec<(bool, Alert)> = Vec::new();
    let (pending, resolved) = (AlertStatus::Pending.as_str(), AlertStatus::Resolved.as_str());
    // One list for each urgency, each in the order of its index: the words do not sort as they mean.
    let known = [Priority::High, Priority::Medium, Priority::Low];
    let by_urgency = |status: &str| {
        let mut lists: Vec<(Document, &str, i32)> = known
            .into_iter()
            .filter(|priority| search.priority.is_none_or(|wanted| wanted == *priority))
            .map(|priority| (doc! {"status": status, "priority": priority.as_str()}, "created_at", 1))
            .collect();
        // What other programs wrote in another way.
        let others = doc! {"status": status, "priority": {"$nin": known.map(Priority::as_str).to_vec()}};
        lists.push((others, "created_at", 1));
        lists
    };
    let mut lists = match search.status {
        None => [by_urgency(pending), by_urgency(resolved)].concat(),
        Some(AlertStatus::Pending) => by_urgency(pending),
        Some(AlertStatus::Resolved) => vec![(doc! {"status": resolved}, "resolved_at", -1)],
    };
    lists.push((doc! {"status": {"$nin": [pending, resolved]}}, "created_at", 1));
    for (mut filter, field, direction) in lists {
        let left = i64::from(limit) - i64::try_from(listed.len()).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        match &search.whose {
            None => {}
            Some(Whose::Nobodys) => _ = filter.insert("assignee", Bson::Null),
            Some(Whose::Of(name)) => _ = filter.insert("assignee", name),
        }
        if !search.text.is_empty() {
            let fits = part(&search.text);
            let fields = ["reason", "last_message", "note", "user_id"];
            filter.insert("$or", fields.map(|field| doc! {field: fits.clone()}).to_vec());
        }
        let mut found = alerts.find(filter).sort(doc! {field: direction}).await?;
        while listed.len() < usize::try_from(limit).unwrap_or(usize::MAX)
            && let Some(document) = found.try_next().await?
        {
            let alert = read_alert(&document)?;
            let fits = search.status.is_none_or(|wanted| wanted == alert.status)
                && search.priority.is_none_or(|wanted| wanted == alert.priority);
            // One that was copied and is still in its place counts once, as it is there.
            let latest = is_latest(&document);
            match listed.iter_mut().find(|(_, known)| known.id == alert.id) {
                Some(known) if latest => *known = (latest, alert),
                Some(_) => {}
                None if fits => listed.push((latest, alert)),
                None => {}
            }
        }
    }
    Ok(listed.into_iter().map(|(_, alert)| alert).collect())
}

/// Finds exactly this document, as long as it holds this alert and the alert is pending.
fn still_pending(found: &Document) -> Document {
    let mut filter = doc! {"_id": found.get("_id").cloned(), "status": AlertStatus::Pending.as_str()};
    if let Some(id) = found.get("alert_id") {
        filter.insert("alert_id", id.clone());
    }
    filter
}

async fn assign(base: &Base, id: &AlertId, from: Option<&str>, to: Option<&str>, at: Timestamp) -> Read<Assigned> {
    let alerts = base.collection(ALERTS);
    let Some(found) = find(base, id).await? else { return Ok(Assigned::Gone) };
    let update = match to {
        Some(name) => doc! {"$set": {"assignee": name, "claimed_at": epoch(at)}},
        None => doc! {"$unset": {"assignee": "", "claimed_at": ""}},
    };
    if from != to {
        let mut filter = still_pending(&found);
        // Nobody is a field that is not there, or holds nothing.
        filter.insert("assignee", from.map_or(Bson::Null, Bson::from));
        alerts.update_one(filter, update).await?;
    }
    // What is there now tells, also where the answer to the update was lost.
    let Some(found) = find(base, id).await? else { return Ok(Assigned::Gone) };
    let alert = read_alert(&found)?;
    Ok(match alert.status {
        AlertStatus::Resolved => Assigned::Gone,
        AlertStatus::Pending if alert.handling.assignee.as_deref() == to => Assigned::Done(alert),
        AlertStatus::Pending => Assigned::Held(alert),
    })
}

async fn settle(base: &Base, id: &AlertId, settlement: &Settlement) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let alerts = base.collection(ALERTS);
    let Some(found) = find(base, id).await? else { return Ok(false) };
    let mut set = doc! {
        "status": AlertStatus::Resolved.as_str(), "resolved_at": epoch(settlement.at), "resolved_by_call": &call,
    };
    let mut unset = doc! {};
    let note = Some(&settlement.note).filter(|note| !note.is_empty());
    for (name, value) in [("resolved_by", settlement.by.as_ref()), ("note", note)] {
        match value {
            Some(value) => set.insert(name, value),
            None => unset.insert(name, ""),
        };
    }
    let mut update = doc! {"$set": set};
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    if alerts.update_one(still_pending(&found), update).await?.matched_count == 1 {
        return Ok(true);
    }
    let settled = alerts.find_one(doc! {"_id": found.get("_id").cloned()}).await?;
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

/// Pending alerts that nobody was told of. What an alert's age is not written as a number in is not too old.
async fn untold(base: &Base, way: &str, since: Timestamp, at: Timestamp, limit: u32) -> Read<Vec<Alert>> {
    let name = format!("notices.{way}");
    let old = doc! {"$not": {"$lt": epoch(since)}};
    let filter = doc! {
        "status": AlertStatus::Pending.as_str(),
        "created_at": &old,
        "timestamp": &old,
        format!("{name}.told"): {"$ne": true},
        format!("{name}.until"): {"$not": {"$gt": epoch(at)}},
    };
    let alerts = base.collection(ALERTS);
    let high = Priority::High.as_str();
    let mut untold: Vec<Alert> = Vec::new();
    for urgency in [Bson::from(high), doc! {"$ne": high}.into()] {
        let left = i64::from(limit) - i64::try_from(untold.len()).unwrap_or(i64::MAX);
        if left > 0 {
            let mut filter = filter.clone();
            filter.insert("priority", urgency);
            let found: Vec<Document> = alerts.find(filter).limit(left).await?.try_collect().await?;
            untold.extend(found.iter().map(read_alert).collect::<Read<Vec<_>>>()?);
        }
    }
    Ok(untold)
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

async fn reopen(base: &Base, id: &AlertId, by: &str, at: Timestamp) -> Read<Reopened> {
    let call = uuid::Uuid::now_v7().to_string();
    let alerts = base.collection(ALERTS);
    loop {
        let Some(found) = find(base, id).await? else { return Ok(Reopened::Gone) };
        let alert = read_alert(&found)?;
        if alert.status == AlertStatus::Pending {
            let ours = says(&found, "reopened_by_call", &call);
            return Ok(if ours { Reopened::Done(alert) } else { Reopened::Pending(alert) });
        }
        if let Some(other) = alerts.find_one(pending_of(&alert.user_id)).await? {
            let other = read_alert(&other)?;
            if other.id != *id {
                return Ok(Reopened::Other(other));
            }
            super::pause().await;
            continue; // This very one, opened by somebody else since it was read.
        }
        let set = doc! {
            "status": AlertStatus::Pending.as_str(), "reopened_at": epoch(at), "reopened_by": by,
            "reopened_by_call": &call,
        };
        if is_latest(&found) {
            let mut filter = doc! {"_id": found.get("_id").cloned(), "alert_id": id.as_str()};
            filter.insert("status", doc! {"$ne": AlertStatus::Pending.as_str()});
            let unset = doc! {"assignee": "", "claimed_at": ""};
            alerts.update_one(filter, doc! {"$set": set, "$unset": unset}).await?;
        } else {
            let mut document = found.clone();
            document.remove("assignee");
            document.remove("claimed_at");
            document.extend(set);
            document.insert("alert_id", id.as_str());
            document.insert("user_id", alert.user_id.as_str());
            if take_place(base, &alert.user_id, document).await? {
                // The place holds it now. Only what was read goes: it may have been settled and copied once more since.
                let mut filter = doc! {"_id": found.get("_id").cloned()};
                for name in ["resolved_at", "reopened_at"] {
                    filter.insert(name, found.get(name).cloned().unwrap_or_else(|| doc! {"$exists": false}.into()));
                }
                alerts.delete_one(filter).await?;
            }
        }
        super::pause().await; // What is there now tells.
    }
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

    async fn find_alerts(&self, search: &AlertSearch, limit: u32) -> Result<Vec<Alert>> {
        let search = search.clone();
        self.run("reading alerts", |base| async move { list(&base, &search, limit).await }).await
    }

    async fn assign_alert(
        &self,
        id: &AlertId,
        from: Option<&str>,
        to: Option<&str>,
        at: Timestamp,
    ) -> Result<Assigned> {
        let (id, from, to) = (id.clone(), from.map(str::to_owned), to.map(str::to_owned));
        self.run(
            "assigning an alert",
            |base| async move { assign(&base, &id, from.as_deref(), to.as_deref(), at).await },
        )
        .await
    }

    async fn settle_alert(&self, id: &AlertId, settlement: &Settlement) -> Result<bool> {
        let (id, settlement) = (id.clone(), settlement.clone());
        self.run("settling an alert", |base| async move { settle(&base, &id, &settlement).await }).await
    }

    async fn reopen_alert(&self, id: &AlertId, by: &str, at: Timestamp) -> Result<Reopened> {
        let (id, by) = (id.clone(), by.to_owned());
        self.run("opening an alert again", |base| async move { reopen(&base, &id, &by, at).await }).await
    }

    async fn untold_alerts(&self, way: &str, since: Timestamp, at: Timestamp, limit: u32) -> Result<Vec<Alert>> {
        let way = way.to_owned();
        self.run("reading alerts", |base| async move { untold(&base, &way, since, at, limit).await }).await
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

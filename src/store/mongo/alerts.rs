//! Alerts: at most one pending alert of a customer. Merging never lowers its urgency nor loses a reason.
//!
//! The latest alert of a customer has the document `customer/…`, so that there cannot be two pending ones. When the
//! next one is raised, the resolved one is first copied to a document under its own identifier. An earlier one that is
//! reopened takes the place of the latest in the same way.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use super::super::{Alerts, Result};
use super::error::BackendError;
use super::events::{self, attach, push};
use super::odd::{all_readable, readable};
use super::original::{is_naive, written_time};
use super::schema::ALERTS;
use super::values::{contains_pattern, date, epoch, is_text, optional_text, optional_time, text};
use super::{Base, MongoStore};
use crate::domain::alert::{
    Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Handling, Priority, Reopened, Resolution,
};
use crate::domain::event::Event;
use crate::domain::ids::{AlertId, UserId};

type Read<T> = std::result::Result<T, BackendError>;

/// True in an alert while which the bot goes on answering.
const BOT_ANSWERS: &str = "bot_answers";
/// The prefix of the `_id` of a customer's latest alert.
const PLACE: &str = "customer/";

/// Reads an alert, also one of the original, which stores times as seconds since 1970, and as text without a zone: that is in `zone`.
pub(super) fn read_alert(document: &Document, zone: &TimeZone) -> Read<Alert> {
    let status = words(document, "status").unwrap_or_default();
    let priority = words(document, "priority").unwrap_or_default();
    // What names its zone is exact.
    let mut exact = ["created_at", "timestamp"].into_iter().filter(|name| !is_naive(document, name));
    let raised = exact.find_map(|name| moment(document, name)).or_else(|| {
        ["created_at", "timestamp"].into_iter().find_map(|name| written_time(document, name, zone).ok().flatten())
    });
    Ok(Alert {
        id: AlertId::new(text(document, if document.contains_key("alert_id") { "alert_id" } else { "_id" })?),
        user_id: UserId::new(text(document, "user_id")?),
        reason: words(document, "reason").unwrap_or_default(),
        last_message: words(document, "last_message").unwrap_or_default(),
        priority: Priority::parse(&priority.to_lowercase()).unwrap_or_default(),
        status: if status.to_lowercase() == AlertStatus::Pending.as_str() {
            AlertStatus::Pending
        } else {
            AlertStatus::Resolved
        },
        created_at: raised.unwrap_or(Timestamp::UNIX_EPOCH),
        bot_answers: document.get_bool(BOT_ANSWERS).unwrap_or(false),
        handling: read_handling(document),
    })
}

/// How the team handled it; alerts of the original have none of this.
fn read_handling(document: &Document) -> Handling {
    Handling {
        assignee: words(document, "assignee"),
        claimed_at: moment(document, "claimed_at"),
        resolved_at: moment(document, "resolved_at"),
        resolved_by: words(document, "resolved_by"),
        note: words(document, "note"),
        reopened_at: moment(document, "reopened_at"),
        reopened_by: words(document, "reopened_by"),
    }
}

/// A text, or nothing where there is none or it is odd: a customer who waits for a person is not passed over for that.
fn words(document: &Document, field: &str) -> Option<String> {
    optional_text(document, field).ok().flatten()
}

/// A time, likewise.
fn moment(document: &Document, field: &str) -> Option<Timestamp> {
    optional_time(document, field).ok().flatten()
}

/// Whether a document is that of a customer's latest alert.
pub(super) fn is_latest(document: &Document) -> bool {
    optional_text(document, "_id").ok().flatten().is_some_and(|id| id.starts_with(PLACE))
}

/// Finds an alert; those of the original have only the identifier that the server generated.
async fn find(base: &Base, id: &AlertId) -> Read<Option<Document>> {
    let alerts = base.collection(ALERTS);
    // The document of the latest alert takes precedence: a copy of it may exist already.
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

/// The `_id` of the latest alert of a customer.
fn place_of(user: &UserId) -> String {
    format!("{PLACE}{user}")
}

/// Makes a document the latest alert of a customer; `false` where another writer was faster, or one is pending.
async fn take_place(base: &Base, user: &UserId, mut document: Document) -> Read<bool> {
    let alerts = base.collection(ALERTS);
    let place = place_of(user);
    document.insert("_id", &place);
    let Some(mut earlier) = alerts.find_one(doc! {"_id": &place}).await? else {
        return match alerts.insert_one(document).await.map_err(BackendError::from) {
            Ok(_) => Ok(true),
            Err(error) if error.is_duplicate() => Ok(false),
            Err(error) => Err(error),
        };
    };
    if is_text(&earlier, "status", AlertStatus::Pending.as_str()) {
        return Ok(false);
    }
    let known = earlier.get("alert_id").cloned().unwrap_or(Bson::Null);
    // One without an identifier gets one when it makes room.
    let before = text(&earlier, "alert_id").unwrap_or_else(|_| format!("ALERT_{}", uuid::Uuid::now_v7().simple()));
    earlier.insert("_id", &before);
    earlier.insert("alert_id", &before);
    // A copy may exist from before it was reopened: it is replaced, unless it is newer.
    let mut copy = doc! {"_id": &before};
    if let Some(at) = earlier.get("resolved_at") {
        copy.insert("resolved_at", doc! {"$lte": at.clone()});
    }
    match alerts.replace_one(copy, earlier).upsert(true).await.map_err(BackendError::from) {
        Err(error) if !error.is_duplicate() => return Err(error),
        _ => {}
    }
    let filter = doc! {"_id": &place, "alert_id": known, "status": {"$ne": AlertStatus::Pending.as_str()}};
    Ok(alerts.replace_one(filter, document).await?.matched_count == 1)
}

fn written(alert: &Alert) -> Document {
    let mut document = doc! {
        "alert_id": alert.id.as_str(),
        "user_id": alert.user_id.as_str(),
        "reason": &alert.reason,
        "last_message": &alert.last_message,
        "priority": alert.priority.as_str(),
        "status": AlertStatus::Pending.as_str(),
        "created_at": epoch(alert.created_at),
    };
    // Absent where the bot is silent, as in alerts of the original.
    if alert.bot_answers {
        document.insert(BOT_ANSWERS, true);
    }
    document
}

fn pending_of(user: &UserId) -> Document {
    doc! {"user_id": user.as_str(), "status": AlertStatus::Pending.as_str()}
}

/// Of several pending alerts of a customer, which the original raises, the one that stands for all: the most urgent, and of these
/// the first.
fn first_of(alerts: Vec<Alert>) -> Option<Alert> {
    alerts.into_iter().min_by_key(|alert| (std::cmp::Reverse(alert.priority), alert.created_at))
}

/// The pending alerts of customers, by their identities.
pub(super) async fn pending_of_many(base: &Base, users: &[&str]) -> Read<HashMap<String, Alert>> {
    let filter = doc! {"user_id": {"$in": users}, "status": AlertStatus::Pending.as_str()};
    let mut found = base.collection(ALERTS).find(filter).await?;
    let mut alerts = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let Some(alert) = readable(base.alert(&document), ALERTS, &document) else { continue };
        alerts.entry(alert.user_id.as_str().to_owned()).or_insert_with(Vec::new).push(alert);
    }
    Ok(alerts.into_iter().filter_map(|(user, alerts)| Some((user, first_of(alerts)?))).collect())
}

/// The document of the pending alert that stands for all of a customer.
async fn find_pending(base: &Base, user: &UserId) -> Read<Option<Document>> {
    let found: Vec<Document> = base.collection(ALERTS).find(pending_of(user)).await?.try_collect().await?;
    let Some(first) = first_of(all_readable(&found, ALERTS, |document| base.alert(document))) else { return Ok(None) };
    Ok(found.into_iter().find(|document| base.alert(document).is_ok_and(|alert| alert.id == first.id)))
}

async fn open(base: &Base, alert: &Alert) -> Read<Alert> {
    let alerts = base.collection(ALERTS);
    loop {
        let Some(found) = find_pending(base, &alert.user_id).await? else {
            let mut document = written(alert);
            attach(&mut document, events::made(base, |id| Event::handed_over(id, alert, alert.created_at, false))?);
            if take_place(base, &alert.user_id, document).await? {
                events::move_soon(base, ALERTS, place_of(&alert.user_id)).await;
                return Ok(alert.clone());
            }
            super::pause().await;
            continue;
        };
        let known = base.alert(&found)?;
        let merged = known.merged_with(alert);
        if merged == known {
            return Ok(merged); // Also where this very call was applied before, and its answer was lost.
        }
        // What was read decides whether the update is right.
        let mut filter = doc! {"status": AlertStatus::Pending.as_str()};
        for name in ["_id", "reason", "last_message", "priority", BOT_ANSWERS] {
            filter.insert(name, found.get(name).cloned().unwrap_or(mongodb::bson::Bson::Null));
        }
        let set = doc! {
            "reason": &merged.reason, "last_message": &merged.last_message, "priority": merged.priority.as_str(),
        };
        let mut update = doc! {"$set": set};
        let mut unset = Document::new();
        if merged.is_graver_than(&known) {
            // The team hears of it once more.
            unset.insert("notices", "");
        }
        if known.bot_answers && !merged.bot_answers {
            unset.insert(BOT_ANSWERS, "");
        }
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        if known.bot_answers && !merged.bot_answers {
            push(&mut update, events::made(base, |id| Event::handed_over(id, &merged, alert.created_at, false))?);
        }
        if alerts.update_one(filter, update).await?.matched_count == 1 {
            events::move_soon(base, ALERTS, found.get("_id").cloned()).await;
            return Ok(merged);
        }
        super::pause().await;
    }
}

async fn list(base: &Base, search: &AlertSearch, limit: u32) -> Read<Vec<Alert>> {
    let alerts = base.collection(ALERTS);
    let mut listed: Vec<(bool, Alert)> = Vec::new();
    let mut places: HashMap<AlertId, usize> = HashMap::new();
    let (pending, resolved) = (AlertStatus::Pending.as_str(), AlertStatus::Resolved.as_str());
    // One list for each priority, each in the order of its index: the names do not sort by priority.
    let known = [Priority::High, Priority::Medium, Priority::Low];
    let by_priority = |status: &str| {
        let mut lists: Vec<(Document, &str, i32)> = known
            .into_iter()
            .filter(|priority| search.priority.is_none_or(|wanted| wanted == *priority))
            .map(|priority| (doc! {"status": status, "priority": priority.as_str()}, "created_at", 1))
            .collect();
        // Other values, from other programs.
        let others = doc! {"status": status, "priority": {"$nin": known.map(Priority::as_str).to_vec()}};
        lists.push((others, "created_at", 1));
        lists
    };
    let mut lists = match search.status {
        None => [by_priority(pending), by_priority(resolved)].concat(),
        Some(AlertStatus::Pending) => by_priority(pending),
        Some(AlertStatus::Resolved) => vec![(doc! {"status": resolved}, "resolved_at", -1)],
    };
    lists.push((doc! {"status": {"$nin": [pending, resolved]}}, "created_at", 1));
    for (mut filter, field, direction) in lists {
        let left = i64::from(limit) - i64::try_from(listed.len()).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        match &search.assignee {
            None => {}
            Some(AssigneeFilter::Unassigned) => _ = filter.insert("assignee", Bson::Null),
            Some(AssigneeFilter::Named(name)) => _ = filter.insert("assignee", name),
        }
        if let Some(since) = search.resolved_since {
            // A server compares only values of one type: seconds or milliseconds, a date, or a text.
            let text = since.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            let times = [
                doc! {"resolved_at": {"$gte": epoch(since)}},
                doc! {"resolved_at": {"$gte": date(since)}},
                doc! {"resolved_at": {"$gte": text}},
            ];
            filter.insert("$and", vec![doc! {"$or": times.to_vec()}]);
        }
        if !search.text.is_empty() {
            let fits = contains_pattern(&search.text);
            let fields = ["reason", "last_message", "note", "user_id"];
            filter.insert("$or", fields.map(|field| doc! {field: fits.clone()}).to_vec());
        }
        let mut found = alerts.find(filter).sort(doc! {field: direction}).await?;
        while listed.len() < usize::try_from(limit).unwrap_or(usize::MAX)
            && let Some(document) = found.try_next().await?
        {
            let Some(alert) = readable(base.alert(&document), ALERTS, &document) else { continue };
            let fits = search.status.is_none_or(|wanted| wanted == alert.status)
                && search.priority.is_none_or(|wanted| wanted == alert.priority)
                && search.resolved_since.is_none_or(|since| alert.handling.resolved_at.is_some_and(|at| at >= since));
            // An alert with a copy counts once, as the document of the latest has it.
            let latest = is_latest(&document);
            match places.get(&alert.id).and_then(|place| listed.get_mut(*place)) {
                Some(known) if latest => *known = (latest, alert),
                None if fits => {
                    places.insert(alert.id.clone(), listed.len());
                    listed.push((latest, alert));
                }
                Some(_) | None => {}
            }
        }
    }
    Ok(listed.into_iter().map(|(_, alert)| alert).collect())
}

/// The filter for exactly this document, as long as it holds this alert and the alert is pending.
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
    let update = if let Some(name) = to {
        doc! {"$set": {"assignee": name, "claimed_at": epoch(at)}}
    } else {
        doc! {"$unset": {"assignee": "", "claimed_at": ""}}
    };
    if from != to {
        let mut filter = still_pending(&found);
        // An unassigned alert has no such field, or null.
        filter.insert("assignee", from.map_or(Bson::Null, Bson::from));
        alerts.update_one(filter, update).await?;
    }
    // The stored state decides, also where the answer to the update was lost.
    let Some(found) = find(base, id).await? else { return Ok(Assigned::Gone) };
    let alert = base.alert(&found)?;
    Ok(match alert.status {
        AlertStatus::Resolved => Assigned::Gone,
        AlertStatus::Pending if alert.handling.assignee.as_deref() == to => Assigned::Done(alert),
        AlertStatus::Pending => Assigned::Held(alert),
    })
}

/// The other alerts of a customer that are pending: the original raises one after the other, and what is resolved with the
/// customer is resolved. They are read before the first of them changes, so that none is among them that was raised or
/// reopened because of that change.
async fn others_pending(base: &Base, found: &Document, at: Timestamp) -> Read<Vec<Document>> {
    let Some(user) = words(found, "user_id") else { return Ok(Vec::new()) };
    let mut filter = pending_of(&UserId::new(user));
    filter.insert("_id", doc! {"$ne": found.get("_id").cloned()});
    filter.insert("created_at", doc! {"$not": {"$gt": epoch(at)}});
    Ok(base.collection(ALERTS).find(filter).await?.try_collect().await?)
}

async fn resolve(base: &Base, id: &AlertId, resolution: &Resolution) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let alerts = base.collection(ALERTS);
    loop {
        let Some(found) = find(base, id).await? else { return Ok(false) };
        let alert = base.alert(&found)?;
        if alert.status != AlertStatus::Pending {
            return Ok(is_text(&found, "resolved_by_call", &call));
        }
        let mut set = doc! {
            "status": AlertStatus::Resolved.as_str(), "resolved_at": epoch(resolution.at), "resolved_by_call": &call,
        };
        let mut unset = doc! {};
        let note = Some(&resolution.note).filter(|note| !note.is_empty());
        for (name, value) in [("resolved_by", resolution.by.as_ref()), ("note", note)] {
            match value {
                Some(value) => set.insert(name, value),
                None => unset.insert(name, ""),
            };
        }
        let mut update = doc! {"$set": set};
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        let others = others_pending(base, &found, resolution.at).await?;
        let of_others = update.clone();
        push(&mut update, events::made(base, |id| Event::resolved(id, &alert, resolution.at))?);
        // Whether it handed the conversation over decides whether there is an event.
        let mut filter = still_pending(&found);
        filter.insert(BOT_ANSWERS, found.get(BOT_ANSWERS).cloned().unwrap_or(Bson::Null));
        if alerts.update_one(filter, update).await?.matched_count == 1 {
            events::move_soon(base, ALERTS, found.get("_id").cloned()).await;
            for other in others {
                let mut filter = still_pending(&other);
                // One that was reopened since it was read is a matter of its own.
                for name in ["reopened_by_call", BOT_ANSWERS] {
                    filter.insert(name, other.get(name).cloned().unwrap_or(Bson::Null));
                }
                let mut update = of_others.clone();
                if is_latest(&other) {
                    let alert = base.alert(&other)?;
                    push(&mut update, events::made(base, |id| Event::resolved(id, &alert, resolution.at))?);
                }
                alerts.update_one(filter, update).await?;
                events::move_soon(base, ALERTS, other.get("_id").cloned()).await;
            }
            return Ok(true);
        }
        super::pause().await; // The next round reads the outcome.
    }
}

/// The filter for the document of an alert, as long as it holds this alert.
async fn document_of(base: &Base, id: &AlertId) -> Read<Option<Document>> {
    let Some(found) = find(base, id).await? else { return Ok(None) };
    let mut filter = doc! {"_id": found.get("_id").cloned()};
    if let Some(id) = found.get("alert_id") {
        filter.insert("alert_id", id.clone());
    }
    Ok(Some(filter))
}

/// Pending alerts whose notification was not sent. An alert whose time is not a number is not too old.
async fn unsent(base: &Base, channel: &str, since: Timestamp, at: Timestamp, limit: u32) -> Read<Vec<Alert>> {
    let name = format!("notices.{channel}");
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
    let mut unsent: Vec<Alert> = Vec::new();
    for priority in [Bson::from(high), doc! {"$ne": high}.into()] {
        let left = i64::from(limit) - i64::try_from(unsent.len()).unwrap_or(i64::MAX);
        if left > 0 {
            let mut filter = filter.clone();
            filter.insert("priority", priority);
            let found: Vec<Document> = alerts.find(filter).limit(left).await?.try_collect().await?;
            unsent.extend(all_readable(&found, ALERTS, |document| base.alert(document)));
        }
    }
    Ok(unsent)
}

/// Claims a notification. Where the answer is lost and the call is repeated, no caller has it until the claim expires.
async fn begin_notice(base: &Base, id: &AlertId, channel: &str, at: Timestamp, until: Timestamp) -> Read<bool> {
    let Some(mut filter) = document_of(base, id).await? else { return Ok(false) };
    let name = format!("notices.{channel}");
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
        let alert = base.alert(&found)?;
        if alert.status == AlertStatus::Pending {
            let ours = is_text(&found, "reopened_by_call", &call);
            if ours {
                events::move_soon(base, ALERTS, found.get("_id").cloned()).await;
                return Ok(Reopened::Done(alert));
            }
            return Ok(Reopened::Pending(alert));
        }
        if let Some(other) = find_pending(base, &alert.user_id).await? {
            let other = base.alert(&other)?;
            if other.id != *id {
                return Ok(Reopened::Other(other));
            }
            super::pause().await;
            continue; // This very alert, reopened by another caller since it was read.
        }
        let set = doc! {
            "status": AlertStatus::Pending.as_str(), "reopened_at": epoch(at), "reopened_by": by,
            "reopened_by_call": &call,
        };
        let event = events::made(base, |id| Event::handed_over(id, &alert, at, true))?;
        if is_latest(&found) {
            let mut filter = doc! {"_id": found.get("_id").cloned(), "alert_id": id.as_str()};
            filter.insert("status", doc! {"$ne": AlertStatus::Pending.as_str()});
            let unset = doc! {"assignee": "", "claimed_at": ""};
            let mut update = doc! {"$set": set, "$unset": unset};
            push(&mut update, event);
            alerts.update_one(filter, update).await?;
        } else {
            let mut document = found.clone();
            document.remove("assignee");
            document.remove("claimed_at");
            document.extend(set);
            document.insert("alert_id", id.as_str());
            document.insert("user_id", alert.user_id.as_str());
            attach(&mut document, event);
            if take_place(base, &alert.user_id, document).await? {
                // Only the copy that was read is removed: the alert may have been resolved and copied once more since.
                let mut filter = doc! {"_id": found.get("_id").cloned()};
                for name in ["resolved_at", "reopened_at"] {
                    filter.insert(name, found.get(name).cloned().unwrap_or_else(|| doc! {"$exists": false}.into()));
                }
                alerts.delete_one(filter).await?;
            }
        }
        super::pause().await; // The next round reads the outcome.
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
            let found: Vec<Document> = base.collection(ALERTS).find(filter).await?.try_collect().await?;
            Ok(first_of(all_readable(&found, ALERTS, |document| base.alert(document))))
        })
        .await
    }

    async fn alert(&self, id: &AlertId) -> Result<Option<Alert>> {
        let id = id.clone();
        self.run("reading an alert", |base| async move {
            let found = find(&base, &id).await?;
            Ok(found.and_then(|found| readable(base.alert(&found), ALERTS, &found)))
        })
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

    async fn resolve_alert(&self, id: &AlertId, resolution: &Resolution) -> Result<bool> {
        let (id, resolution) = (id.clone(), resolution.clone());
        self.run("resolving an alert", |base| async move { resolve(&base, &id, &resolution).await }).await
    }

    async fn reopen_alert(&self, id: &AlertId, by: &str, at: Timestamp) -> Result<Reopened> {
        let (id, by) = (id.clone(), by.to_owned());
        self.run("reopening an alert", |base| async move { reopen(&base, &id, &by, at).await }).await
    }

    async fn unsent_alerts(&self, channel: &str, since: Timestamp, at: Timestamp, limit: u32) -> Result<Vec<Alert>> {
        let channel = channel.to_owned();
        self.run("reading alerts", |base| async move { unsent(&base, &channel, since, at, limit).await }).await
    }

    async fn begin_notice(&self, id: &AlertId, channel: &str, at: Timestamp, until: Timestamp) -> Result<bool> {
        let (id, channel) = (id.clone(), channel.to_owned());
        self.run("claiming a notification", |base| async move { begin_notice(&base, &id, &channel, at, until).await })
            .await
    }

    async fn end_notice(&self, id: &AlertId, channel: &str) -> Result<()> {
        let (id, channel) = (id.clone(), channel.to_owned());
        self.run("saving a notification", |base| async move {
            let Some(mut filter) = document_of(&base, &id).await? else { return Ok(()) };
            // Where the alert became graver meanwhile, that is to be told as well.
            filter.insert(format!("notices.{channel}"), doc! {"$exists": true});
            let sent = doc! {"$set": {format!("notices.{channel}"): {"told": true}}};
            base.collection(ALERTS).update_one(filter, sent).await?;
            Ok(())
        })
        .await
    }
}

//! Events: one is part of the document of its fact (`pending_events`), put there by the update that makes the fact, and
//! moved to its own document, under its own key, afterwards. `events_waiting` is true until that was done: a process that
//! finds it completes what another one, which died, left undone.
//!
//! A dispatch has a document of its own, with `open` until it is delivered or parked. One whose event is gone is removed when
//! it is claimed.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::events::new_event_id;
use super::super::{ClosedEndpoint, Dispatch, DispatchSearch, DispatchState, EventBacklog, EventRoute, Events, Result};
use super::error::BackendError;
use super::odd::{all_readable, readable};
use super::schema::{ACTIONS, ALERTS, CLOSED_ENDPOINTS, DISPATCHES, EVENTS, OPT_OUTS, REFUNDS};
use super::values::{date, is_text, later, optional_small, optional_text, optional_time, text, time};
use super::{Base, MongoStore};
use crate::domain::event::{Event, EventId};
use crate::domain::ids::UserId;

type Read<T> = std::result::Result<T, BackendError>;

/// The events of a fact that are not moved yet, each as JSON.
const PENDING: &str = "pending_events";
/// True while there are some.
const WAITING: &str = "events_waiting";
/// The collections whose documents are facts.
const FACTS: [&str; 4] = [ACTIONS, ALERTS, OPT_OUTS, REFUNDS];
/// How many documents are read at a time.
const CANDIDATES: i64 = 16;
/// How many facts are looked after at a time.
const BATCH: i64 = 100;

fn write(event: &Event) -> Read<String> {
    serde_json::to_string(event).map_err(|error| BackendError::Content(format!("an event cannot be written: {error}")))
}

fn read(document: &Document) -> Read<Event> {
    serde_json::from_str(&text(document, "content")?)
        .map_err(|error| BackendError::Content(format!("a stored event cannot be read: {error}")))
}

/// The event that `of` makes with a new identifier, where the store records events.
pub(super) fn made(base: &Base, of: impl FnOnce(EventId) -> Option<Event>) -> Read<Option<String>> {
    base.events.then(new_event_id).and_then(of).as_ref().map(write).transpose()
}

/// Adds an event to a document that is about to be written whole.
pub(super) fn attach(document: &mut Document, event: Option<String>) {
    let Some(event) = event else { return };
    let mut pending = document.get_array(PENDING).cloned().unwrap_or_default();
    pending.push(event.into());
    document.insert(PENDING, pending);
    document.insert(WAITING, true);
}

/// Adds an event to an update. The update must match once only: applied twice, it would add the event twice.
pub(super) fn push(update: &mut Document, event: Option<String>) {
    let Some(event) = event else { return };
    update.insert("$push", doc! {PENDING: event});
    let mut set = update.get_document("$set").cloned().unwrap_or_default();
    set.insert(WAITING, true);
    update.insert("$set", set);
}

/// What is taken out of a fact when its customer is forgotten.
pub(super) fn fields() -> Document {
    doc! {PENDING: "", WAITING: ""}
}

/// Moves the events of one fact. It is completed later where this fails: the fact is stored with them.
pub(super) async fn move_soon(base: &Base, collection: &'static str, id: impl Into<Bson>) {
    if base.events
        && let Err(error) = move_out(base, collection, id.into()).await
    {
        tracing::warn!(?error, "an event is stored with its fact, and waits there for a moment");
    }
}

/// The document of an event that waits in its fact. What else the content holds is of no matter here: a newer version of the program
/// knows more types of events, and an older one that moves them must not lose them.
fn moved(content: &str) -> Option<Document> {
    let value: serde_json::Value = serde_json::from_str(content).ok()?;
    let at: Timestamp = value["at"].as_str()?.parse().ok()?;
    let mut document = doc! {"_id": value["id"].as_str()?, "at": date(at), "content": content, "new": true};
    if let Some(user) = value["user_id"].as_str() {
        document.insert("user_id", user);
    }
    Some(document)
}

/// Moves the events of one document.
pub(super) async fn move_out(base: &Base, collection: &'static str, id: Bson) -> Read<()> {
    let facts = base.collection(collection);
    let found = facts.find_one(doc! {"_id": id.clone(), WAITING: true}).projection(doc! {PENDING: 1}).await?;
    let Some(found) = found else { return Ok(()) };
    let pending = found.get(PENDING).cloned().unwrap_or(Bson::Null);
    for content in pending.as_array().into_iter().flatten() {
        let event = content.as_str().and_then(moved);
        let event = event.ok_or_else(|| BackendError::Content("what waits in it is no event".to_owned()));
        let Some(document) = readable(event, collection, &found) else { continue };
        match base.collection(EVENTS).insert_one(document).await.map_err(BackendError::from) {
            Err(error) if !error.is_duplicate() => return Err(error),
            _ => {}
        }
    }
    // Where another one was added meanwhile, both stay until the next time.
    let unchanged = doc! {"_id": id, PENDING: pending};
    facts.update_one(unchanged, doc! {"$unset": fields()}).await?;
    Ok(())
}

/// Moves the events that processes left with their facts because they died.
pub(super) async fn collect(base: &Base) -> Read<()> {
    for collection in FACTS {
        loop {
            let facts = base.collection(collection);
            let found = facts.find(doc! {WAITING: true}).limit(BATCH).projection(doc! {"_id": 1}).await?;
            let found: Vec<Document> = found.try_collect().await?;
            for document in &found {
                if let Some(id) = document.get("_id") {
                    move_out(base, collection, id.clone()).await?;
                }
            }
            if i64::try_from(found.len()).is_ok_and(|count| count < BATCH) {
                break;
            }
        }
    }
    Ok(())
}

fn dispatch_key(event: &EventId, endpoint: &str) -> String {
    format!("{event}/{endpoint}")
}

async fn fan_out(base: &Base, routes: &[EventRoute], now: Timestamp, limit: u32) -> Read<u64> {
    collect(base).await?;
    let events = base.collection(EVENTS);
    let mut new = events.find(doc! {"new": true}).sort(doc! {"_id": 1}).await?;
    let mut count = 0;
    while count < limit
        && let Some(document) = new.try_next().await?
    {
        // One that cannot be read is of a newer version of the program: it is named and left to that, and the others do not wait
        // for it.
        let Some(event) = readable(read(&document), EVENTS, &document) else { continue };
        for route in routes.iter().filter(|route| route.types.contains(&event.event_type())) {
            let dispatch = doc! {
                "_id": dispatch_key(&event.id, &route.endpoint), "event_id": event.id.as_str(),
                "event_at": date(event.at), "endpoint": &route.endpoint,
                "state": DispatchState::Waiting.as_str(), "open": true, "attempts": 0_i64, "waived": 0_i64,
                "next_at": date(now),
            };
            match base.collection(DISPATCHES).insert_one(dispatch).await.map_err(BackendError::from) {
                Err(error) if !error.is_duplicate() => return Err(error),
                _ => {}
            }
        }
        events.update_one(doc! {"_id": document.get("_id").cloned()}, doc! {"$unset": {"new": ""}}).await?;
        count += 1;
    }
    Ok(count.into())
}

fn read_dispatch(document: &Document, event: Event) -> Read<Dispatch> {
    let state = text(document, "state")?;
    Ok(Dispatch {
        event,
        endpoint: text(document, "endpoint")?,
        state: DispatchState::parse(&state)
            .ok_or_else(|| BackendError::Content(format!("“{state}” is no state of a dispatch")))?,
        attempts: optional_small(document, "attempts")?.unwrap_or(0),
        waived: optional_small(document, "waived")?.unwrap_or(0),
        next_at: time(document, "next_at")?,
        error: optional_text(document, "error")?,
    })
}

async fn claim(base: &Base, endpoint: &str, now: Timestamp, until: Timestamp) -> Read<Option<Dispatch>> {
    let dispatches = base.collection(DISPATCHES);
    loop {
        let due = doc! {"endpoint": endpoint, "open": true, "next_at": {"$lte": date(now)}};
        let found = dispatches.find(due).sort(doc! {"next_at": 1}).limit(CANDIDATES);
        let found: Vec<Document> = found.await?.try_collect().await?;
        if found.is_empty() {
            return Ok(None);
        }
        for document in &found {
            let mut filter = doc! {"open": true};
            for name in ["_id", "attempts", "next_at"] {
                filter.insert(name, document.get(name).cloned());
            }
            let update = doc! {
                "$set": {"state": DispatchState::Sending.as_str(), "next_at": date(until)}, "$inc": {"attempts": 1_i64},
            };
            let taken = dispatches.find_one_and_update(filter, update).return_document(ReturnDocument::After).await?;
            let Some(taken) = taken else { continue };
            let id = optional_text(&taken, "event_id")?;
            let event = base.collection(EVENTS).find_one(doc! {"_id": id}).await?;
            let dispatch = event.as_ref().map(read).transpose().and_then(|event| match event {
                Some(event) => read_dispatch(&taken, event).map(Some),
                None => Ok(None),
            });
            match readable(dispatch, DISPATCHES, &taken) {
                Some(Some(dispatch)) => return Ok(Some(dispatch)),
                // Its event is gone: the customer was forgotten.
                Some(None) => _ = dispatches.delete_one(doc! {"_id": taken.get("_id").cloned()}).await?,
                // It can never be sent.
                None => {
                    let set = doc! {"state": DispatchState::Parked.as_str(), "error": "it cannot be read"};
                    let filter = doc! {"_id": taken.get("_id").cloned()};
                    dispatches.update_one(filter, doc! {"$set": set, "$unset": {"open": ""}}).await?;
                }
            }
        }
        super::pause().await;
    }
}

/// Closes a claim that is current. An update that was applied and whose answer was lost is recognised by its
/// `settled_by`.
async fn close(
    base: &Base,
    claimed: &Dispatch,
    state: DispatchState,
    at: Timestamp,
    error: Option<&str>,
) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let dispatches = base.collection(DISPATCHES);
    let own = doc! {"_id": dispatch_key(&claimed.event.id, &claimed.endpoint)};
    let mut set = doc! {"state": state.as_str(), "next_at": date(at), "settled_by": &call};
    let mut unset = doc! {};
    match error {
        Some(error) => set.insert("error", error),
        None => unset.insert("error", ""),
    };
    if state != DispatchState::Waiting {
        unset.insert("open", "");
    }
    let mut update = doc! {"$set": set};
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    let mut filter = own.clone();
    filter.insert("attempts", i64::from(claimed.attempts));
    filter.insert("state", DispatchState::Sending.as_str());
    if dispatches.update_one(filter, update).await?.matched_count == 1 {
        return Ok(true);
    }
    let found = dispatches.find_one(own).await?;
    Ok(found.is_some_and(|found| is_text(&found, "settled_by", &call)))
}

async fn park_orphans(base: &Base, endpoints: &[String], why: &str, before: Timestamp, now: Timestamp) -> Read<u64> {
    let filter = doc! {"open": true, "next_at": {"$lt": date(before)}, "endpoint": {"$nin": endpoints}};
    let set = doc! {"state": DispatchState::Parked.as_str(), "error": why, "next_at": date(now)};
    let update = doc! {"$set": set, "$unset": {"open": ""}};
    Ok(base.collection(DISPATCHES).update_many(filter, update).await?.modified_count)
}

async fn retry(base: &Base, event: Option<&EventId>, endpoint: Option<&str>, now: Timestamp) -> Read<u64> {
    let dispatches = base.collection(DISPATCHES);
    let mut filter = doc! {"state": DispatchState::Parked.as_str()};
    if let Some(event) = event {
        filter.insert("event_id", event.as_str());
    }
    if let Some(endpoint) = endpoint {
        filter.insert("endpoint", endpoint);
    }
    let found: Vec<Document> = dispatches.find(filter).await?.try_collect().await?;
    let mut opened: BTreeSet<String> = endpoint.into_iter().map(str::to_owned).collect();
    opened.extend(found.iter().filter_map(|document| optional_text(document, "endpoint").ok().flatten()));
    // Before anything is due: what is claimed for a closed endpoint is parked again.
    for name in opened {
        base.collection(CLOSED_ENDPOINTS).delete_one(doc! {"_id": name}).await?;
    }
    let mut retried = 0;
    for document in &found {
        let attempts = document.get("attempts").cloned().unwrap_or(Bson::Int64(0));
        let parked = doc! {"_id": document.get("_id").cloned(), "state": DispatchState::Parked.as_str()};
        let set = doc! {
            "state": DispatchState::Waiting.as_str(), "open": true, "waived": attempts, "next_at": date(now),
        };
        retried += dispatches.update_one(parked, doc! {"$set": set}).await?.matched_count;
    }
    Ok(retried)
}

async fn list(base: &Base, search: &DispatchSearch, limit: u32) -> Read<Vec<Dispatch>> {
    let mut filter = doc! {};
    if !search.states.is_empty() {
        let states: Vec<&str> = search.states.iter().map(|state| state.as_str()).collect();
        filter.insert("state", doc! {"$in": states});
    }
    if let Some(endpoint) = &search.endpoint {
        filter.insert("endpoint", endpoint);
    }
    if let Some(event) = &search.event {
        filter.insert("event_id", event.as_str());
    }
    // Identifiers grow with the time.
    let latest = doc! {"event_id": -1, "endpoint": 1};
    let found = base.collection(DISPATCHES).find(filter).sort(latest).limit(limit.into()).await?;
    let found: Vec<Document> = found.try_collect().await?;
    let ids: BTreeSet<&str> = found.iter().filter_map(|document| document.get_str("event_id").ok()).collect();
    let ids: Vec<&str> = ids.into_iter().collect();
    let events = base.collection(EVENTS).find(doc! {"_id": {"$in": ids}}).await?;
    let events: Vec<Document> = events.try_collect().await?;
    let events: HashMap<String, Event> =
        all_readable(&events, EVENTS, read).into_iter().map(|event| (event.id.to_string(), event)).collect();
    Ok(found
        .iter()
        .filter_map(|document| {
            let event = events.get(document.get_str("event_id").ok()?)?.clone();
            readable(read_dispatch(document, event), DISPATCHES, document)
        })
        .collect())
}

async fn backlog(base: &Base) -> Read<EventBacklog> {
    let (events, dispatches) = (base.collection(EVENTS), base.collection(DISPATCHES));
    let oldest_new = events.find_one(doc! {"new": true}).sort(doc! {"_id": 1}).await?;
    let oldest_open = dispatches.find_one(doc! {"open": true}).sort(doc! {"event_at": 1}).await?;
    let at = |document: Option<Document>, field| document.and_then(|found| optional_time(&found, field).ok().flatten());
    Ok(EventBacklog {
        new: events.count_documents(doc! {"new": true}).await?,
        waiting: dispatches.count_documents(doc! {"open": true}).await?,
        parked: dispatches.count_documents(doc! {"state": DispatchState::Parked.as_str()}).await?,
        oldest: [at(oldest_new, "at"), at(oldest_open, "event_at")].into_iter().flatten().min(),
    })
}

/// Removes delivered events from before a time, at most `limit`.
pub(super) async fn sweep(base: &Base, before: Timestamp, limit: u32) -> Read<u64> {
    let (events, dispatches) = (base.collection(EVENTS), base.collection(DISPATCHES));
    let (mut removed, mut kept) = (0_u64, 0_u64);
    while removed < u64::from(limit) {
        let old = doc! {"new": {"$exists": false}, "at": {"$lt": date(before)}};
        let page = events.find(old).sort(doc! {"at": 1, "_id": 1}).skip(kept).limit(limit.into());
        let page: Vec<Document> = page.projection(doc! {"_id": 1}).await?.try_collect().await?;
        if page.is_empty() {
            break;
        }
        let ids: Vec<Bson> = page.iter().filter_map(|document| document.get("_id").cloned()).collect();
        // What waits or is parked stays, with its event.
        let open = doc! {"event_id": {"$in": ids.clone()}, "state": {"$ne": DispatchState::Delivered.as_str()}};
        let open = dispatches.find(open).projection(doc! {"event_id": 1}).await?;
        let open: Vec<Document> = open.try_collect().await?;
        let open: Vec<&Bson> = open.iter().filter_map(|document| document.get("event_id")).collect();
        let left = usize::try_from(u64::from(limit) - removed).unwrap_or(usize::MAX);
        let done: Vec<Bson> = ids.iter().filter(|id| !open.contains(id)).take(left).cloned().collect();
        kept += (ids.len() - done.len()) as u64;
        dispatches.delete_many(doc! {"event_id": {"$in": done.clone()}}).await?;
        removed += events.delete_many(doc! {"_id": {"$in": done}}).await?.deleted_count;
    }
    Ok(removed)
}

/// The events of a customer, the earliest first.
pub(super) async fn events_of(base: &Base, user: &UserId) -> Read<Vec<Event>> {
    collect(base).await?;
    let found = base.collection(EVENTS).find(doc! {"user_id": user.as_str()}).sort(doc! {"_id": 1}).await?;
    let found: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&found, EVENTS, read))
}

/// What is left of a customer's events when they are forgotten, and how many there were.
pub(super) async fn erase(base: &Base, user: &UserId) -> Read<u64> {
    collect(base).await?;
    let (events, mut erased) = (base.collection(EVENTS), 0);
    let found = events.find(doc! {"user_id": user.as_str()}).await?;
    let found: Vec<Document> = found.try_collect().await?;
    for document in &found {
        let own = doc! {"_id": document.get("_id").cloned()};
        if let Some(left) = read(document).ok().and_then(|event| event.without_customer()) {
            let update = doc! {"$set": {"content": write(&left)?}, "$unset": {"user_id": ""}};
            erased += events.update_one(own, update).await?.matched_count;
        } else {
            erased += events.delete_one(own).await?.deleted_count;
            base.collection(DISPATCHES).delete_many(doc! {"event_id": document.get("_id").cloned()}).await?;
        }
    }
    Ok(erased)
}

#[async_trait]
impl Events for MongoStore {
    async fn fan_out(&self, routes: &[EventRoute], now: Timestamp, limit: u32) -> Result<u64> {
        let routes = routes.to_vec();
        self.run("finding the endpoints of events", |base| async move { fan_out(&base, &routes, now, limit).await })
            .await
    }

    async fn claim_dispatch(&self, endpoint: &str, now: Timestamp, lease: SignedDuration) -> Result<Option<Dispatch>> {
        let endpoint = endpoint.to_owned();
        self.run(
            "claiming an event to deliver",
            |base| async move { claim(&base, &endpoint, now, later(now, lease)).await },
        )
        .await
    }

    async fn dispatched(&self, claimed: &Dispatch, now: Timestamp) -> Result<bool> {
        let claimed = claimed.clone();
        self.run("saving the outcome of a delivery", |base| async move {
            close(&base, &claimed, DispatchState::Delivered, now, None).await
        })
        .await
    }

    async fn dispatch_failed(
        &self,
        claimed: &Dispatch,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        let (claimed, error) = (claimed.clone(), error.to_owned());
        let state = if retry_at.is_some() { DispatchState::Waiting } else { DispatchState::Parked };
        self.run("saving the outcome of a delivery", |base| async move {
            close(&base, &claimed, state, retry_at.unwrap_or(now), Some(&error)).await
        })
        .await
    }

    async fn park_orphans(&self, endpoints: &[String], why: &str, before: Timestamp, now: Timestamp) -> Result<u64> {
        let (endpoints, why) = (endpoints.to_vec(), why.to_owned());
        self.run("parking events of unknown endpoints", |base| async move {
            park_orphans(&base, &endpoints, &why, before, now).await
        })
        .await
    }

    async fn retry_dispatches(&self, event: Option<&EventId>, endpoint: Option<&str>, now: Timestamp) -> Result<u64> {
        let (event, endpoint) = (event.cloned(), endpoint.map(str::to_owned));
        self.run("retrying parked events", |base| async move {
            retry(&base, event.as_ref(), endpoint.as_deref(), now).await
        })
        .await
    }

    async fn dispatches(&self, search: &DispatchSearch, limit: u32) -> Result<Vec<Dispatch>> {
        let search = search.clone();
        self.run("reading events", |base| async move {
            if limit == 0 { Ok(Vec::new()) } else { list(&base, &search, limit).await }
        })
        .await
    }

    async fn event(&self, id: &EventId) -> Result<Option<Event>> {
        let id = id.clone();
        self.run("reading an event", |base| async move {
            let found = base.collection(EVENTS).find_one(doc! {"_id": id.as_str()}).await?;
            found.as_ref().map(read).transpose()
        })
        .await
    }

    async fn event_backlog(&self) -> Result<EventBacklog> {
        self.run("counting events", |base| async move { backlog(&base).await }).await
    }

    async fn close_endpoint(&self, endpoint: &ClosedEndpoint) -> Result<()> {
        let closed = endpoint.clone();
        self.run("closing an endpoint", |base| async move {
            let endpoints = base.collection(CLOSED_ENDPOINTS);
            let document = doc! {"_id": &closed.endpoint, "target": &closed.target, "at": date(closed.at)};
            let filter = doc! {"_id": &closed.endpoint};
            super::upsert_with_retry(|| endpoints.replace_one(filter.clone(), &document).upsert(true)).await?;
            Ok(())
        })
        .await
    }

    async fn closed_endpoints(&self) -> Result<Vec<ClosedEndpoint>> {
        self.run("reading endpoints", |base| async move {
            let found = base.collection(CLOSED_ENDPOINTS).find(doc! {}).sort(doc! {"_id": 1}).await?;
            let found: Vec<Document> = found.try_collect().await?;
            Ok(all_readable(&found, CLOSED_ENDPOINTS, |document| {
                Ok(ClosedEndpoint {
                    endpoint: text(document, "_id")?,
                    target: text(document, "target")?,
                    at: time(document, "at")?,
                })
            }))
        })
        .await
    }
}

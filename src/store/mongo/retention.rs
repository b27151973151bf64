//! Removing old data, and trimming the audit trail. The original's times are of many types, so each is read before its
//! document is removed: the filter alone does not decide.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Bson, Document, doc};

use super::super::{Result, Retention, SweepReport, Sweepable};
use super::audit::{CUT, append, checkpoint};
use super::chats::recent;
use super::error::BackendError;
use super::schema::{
    ALERTS, AUDIT, AUDIT_HEAD, CHATS, CORRECTIONS, DRAFTS, HISTORY, INBOX, KNOWLEDGE_GAPS, MEDIA, META, NOTES, OUTBOX,
    PINS, RATINGS,
};
use super::values::{date, epoch, int, later, optional_time};
use super::{Base, MongoStore, events};
use crate::domain::alert::AlertStatus;
use crate::domain::audit::Checkpoint;
use crate::domain::ids::UserId;

type Read<T> = std::result::Result<T, BackendError>;

/// The `_id` of the state of the retention job, in the collection `meta`.
const STATE: &str = "retention";
async fn begin(base: &Base, sweeper: &str, now: Timestamp, until: Timestamp, idle_since: Timestamp) -> Read<bool> {
    let free = doc! {"$or": [{"until": {"$exists": false}}, {"until": {"$lte": date(now)}}, {"sweeper": sweeper}]};
    let idle = doc! {"$or": [{"last_at": {"$exists": false}}, {"last_at": {"$lte": date(idle_since)}}]};
    let filter = doc! {"_id": STATE, "$and": [free, idle]};
    let set = doc! {"$set": {"sweeper": sweeper, "until": date(until)}};
    match base.collection(META).update_one(filter, set).upsert(true).await.map_err(BackendError::from) {
        Ok(_) => Ok(true),
        // It exists, and is held or done.
        Err(error) if error.is_duplicate() => Ok(false),
        Err(error) => Err(error),
    }
}

async fn end(base: &Base, sweeper: &str, report: &SweepReport) -> Read<()> {
    let filter = doc! {"_id": STATE, "sweeper": sweeper};
    let last = bson::serialize_to_document(report)?;
    let update = doc! {
        "$set": {"last_at": date(report.at), "last": last}, "$unset": {"sweeper": "", "until": ""},
    };
    base.collection(META).update_one(filter, update).await?;
    Ok(())
}

async fn last(base: &Base) -> Read<Option<SweepReport>> {
    let found = base.collection(META).find_one(doc! {"_id": STATE}).await?;
    let last = found.as_ref().and_then(|found| found.get_document("last").ok());
    Ok(last.map(|last| bson::deserialize_from_document(last.clone())).transpose()?)
}

/// One kind of document: its collection, the field of its time, and further conditions.
struct Kind {
    collection: &'static str,
    field: &'static str,
    filter: Document,
}

fn kinds(what: Sweepable) -> Vec<Kind> {
    let gone = |field: &str| doc! {field: {"$exists": false}};
    match what {
        Sweepable::Chats => {
            [CHATS, HISTORY].map(|collection| Kind { collection, field: "timestamp", filter: doc! {} }).into()
        }
        Sweepable::Corrections => vec![Kind { collection: CORRECTIONS, field: "said_at", filter: doc! {} }],
        Sweepable::Unanswered => vec![Kind { collection: KNOWLEDGE_GAPS, field: "at", filter: doc! {} }],
        Sweepable::Drafts => vec![Kind { collection: DRAFTS, field: "at", filter: doc! {} }],
        Sweepable::Notes => vec![Kind { collection: NOTES, field: "at", filter: doc! {} }],
        Sweepable::Ratings => vec![Kind { collection: RATINGS, field: "asked_at", filter: doc! {} }],
        Sweepable::Media => vec![Kind { collection: MEDIA, field: "at", filter: gone("open") }],
        Sweepable::ResolvedAlerts => vec![
            Kind { collection: ALERTS, field: "resolved_at", filter: doc! {"status": "resolved"} },
            // The original does not save when an alert was resolved.
            Kind {
                collection: ALERTS,
                field: "created_at",
                filter: doc! {"status": "resolved", "resolved_at": {"$exists": false}},
            },
        ],
        Sweepable::AnsweredMessages => {
            vec![Kind { collection: INBOX, field: "received_at", filter: gone("waiting") }]
        }
        Sweepable::SentReplies => {
            let mut filter = gone("unmoved");
            filter.insert("state", "sent");
            vec![Kind { collection: OUTBOX, field: "next_at", filter }]
        }
        // Removed by `events::sweep`: two kinds of documents belong together. And by `remove_pins`: other documents keep them.
        Sweepable::DeliveredEvents | Sweepable::Pins => Vec::new(),
    }
}

/// The filters for times before one, for each type that a time may have: a server compares only values of one type.
fn ranges(field: &str, before: Timestamp) -> Vec<Document> {
    const MILLISECONDS: f64 = 1e11;
    let seconds = epoch(before);
    vec![
        doc! {field: {"$lt": date(before)}},
        doc! {field: {"$lt": seconds.min(MILLISECONDS)}},
        doc! {field: {"$gte": MILLISECONDS, "$lt": seconds * 1_000.0}},
        doc! {field: {"$gte": "", "$lt": before.strftime("%Y-%m-%dT%H:%M:%S").to_string()}},
    ]
}

/// The customers, of these or of all, for whom a person is awaited: the evidence stays.
async fn waiting(base: &Base, of: Option<Vec<Bson>>) -> Read<Vec<Bson>> {
    let mut pending = doc! {"status": AlertStatus::Pending.as_str()};
    if let Some(of) = of {
        pending.insert("user_id", doc! {"$in": of});
    }
    Ok(base.collection(ALERTS).distinct("user_id", pending).await?)
}

/// Whether a customer waits for a person, or wrote since.
async fn is_alive(base: &Base, user: &UserId, since: Timestamp) -> Read<bool> {
    let pending = doc! {"user_id": user.as_str(), "status": AlertStatus::Pending.as_str()};
    if base.collection(ALERTS).find_one(pending).projection(doc! {"_id": 1}).await?.is_some() {
        return Ok(true);
    }
    Ok(recent(base, user, 1).await?.last().is_some_and(|message| message.at >= since))
}

/// Removes old pins but those of conversations that go on.
async fn remove_pins(base: &Base, before: Timestamp, limit: u32) -> Read<u64> {
    let pins = base.collection(PINS);
    let ended = doc! {"$or": [{"until": Bson::Null}, {"until": {"$lt": date(before)}}]};
    let mut filter = doc! {"at": {"$lt": date(before)}};
    filter.extend(ended);
    let mut found = pins.find(filter.clone()).sort(doc! {"at": 1}).projection(doc! {"_id": 1, "user_id": 1}).await?;
    let mut alive: HashMap<UserId, bool> = HashMap::new();
    let mut old: Vec<Bson> = Vec::new();
    while old.len() < limit as usize
        && let Some(document) = found.try_next().await?
    {
        let Ok(user) = document.get_str("user_id").map(UserId::new) else { continue };
        let stays = match alive.get(&user) {
            Some(known) => *known,
            None => is_alive(base, &user, before).await?,
        };
        alive.insert(user, stays);
        old.extend(document.get("_id").filter(|_| !stays).cloned());
    }
    if old.is_empty() {
        return Ok(0);
    }
    // One that was pinned anew meanwhile stays.
    filter.insert("_id", doc! {"$in": old});
    Ok(pins.delete_many(filter).await?.deleted_count)
}

async fn step(base: &Base, what: Sweepable, before: Timestamp, limit: u32) -> Read<u64> {
    match what {
        Sweepable::DeliveredEvents => return events::sweep(base, before, limit).await,
        Sweepable::Pins => return remove_pins(base, before, limit).await,
        // An alert may hold an event that was not moved yet.
        Sweepable::ResolvedAlerts => events::collect(base).await?,
        _ => {}
    }
    let mut kinds = kinds(what);
    if what == Sweepable::Media {
        let users = waiting(base, None).await?;
        for kind in &mut kinds {
            kind.filter.insert("user_id", doc! {"$nin": users.clone()});
        }
    }
    let mut removed = 0;
    for kind in kinds {
        let collection = base.collection(kind.collection);
        for range in ranges(kind.field, before) {
            let left = i64::from(limit) - i64::try_from(removed).unwrap_or(i64::MAX);
            if left <= 0 {
                return Ok(removed);
            }
            let mut filter = kind.filter.clone();
            filter.extend(range);
            let order = doc! {kind.field: 1};
            let fields = doc! {"_id": 1, kind.field: 1, "user_id": 1};
            let found = collection.find(filter).sort(order).limit(left).projection(fields).await?;
            let found: Vec<Document> = found.try_collect().await?;
            let is_old =
                |document: &Document| matches!(optional_time(document, kind.field), Ok(Some(at)) if at < before);
            let found: Vec<Document> = found.into_iter().filter(is_old).collect();
            let all = |name: &str| found.iter().filter_map(|one| one.get(name).cloned()).collect::<Vec<Bson>>();
            let old = all("_id");
            if !old.is_empty() {
                let mut filter = doc! {"_id": {"$in": old}};
                filter.extend(kind.filter.clone());
                if what == Sweepable::Media {
                    // An alert may have been raised since the files were looked for.
                    filter.insert("user_id", doc! {"$nin": waiting(base, Some(all("user_id"))).await?});
                }
                removed += collection.delete_many(filter).await?.deleted_count;
            }
        }
    }
    Ok(removed)
}

async fn move_checkpoint(base: &Base, to: &Checkpoint, now: Timestamp) -> Read<()> {
    if checkpoint(base).await?.is_some_and(|there| there.seq >= to.seq) {
        return Ok(());
    }
    append(base, &to.record(now)).await?;
    let document = serde_json::to_string(to)
        .map_err(|error| BackendError::Content(format!("a checkpoint cannot be written: {error}")))?;
    // Forward only, whichever process does so at the same time.
    let filter = doc! {"_id": CUT, "seq": {"$lt": int(to.seq)}};
    let set = doc! {"$set": {"seq": int(to.seq), "document": document}};
    match base.collection(AUDIT_HEAD).update_one(filter, set).upsert(true).await.map_err(BackendError::from) {
        Err(error) if !error.is_duplicate() => Err(error),
        _ => Ok(()),
    }
}

async fn remove_trimmed(base: &Base, limit: u32) -> Read<u64> {
    let Some(cut) = checkpoint(base).await? else { return Ok(0) };
    let entries = base.collection(AUDIT);
    let filter = doc! {"_id": {"$lte": int(cut.seq)}};
    let found = entries.find(filter).sort(doc! {"_id": 1}).limit(limit.into()).projection(doc! {"_id": 1}).await?;
    let found: Vec<Document> = found.try_collect().await?;
    let ids: Vec<Bson> = found.iter().filter_map(|document| document.get("_id").cloned()).collect();
    if ids.is_empty() {
        return Ok(0);
    }
    Ok(entries.delete_many(doc! {"_id": {"$in": ids}}).await?.deleted_count)
}

#[async_trait]
impl Retention for MongoStore {
    async fn begin_sweep(
        &self,
        sweeper: &str,
        now: Timestamp,
        lease: SignedDuration,
        idle_since: Timestamp,
    ) -> Result<bool> {
        let sweeper = sweeper.to_owned();
        self.run("starting the retention job", |base| async move {
            begin(&base, &sweeper, now, later(now, lease), idle_since).await
        })
        .await
    }

    async fn end_sweep(&self, sweeper: &str, report: &SweepReport) -> Result<()> {
        let (sweeper, report) = (sweeper.to_owned(), *report);
        self.run("saving the report of the retention job", |base| async move { end(&base, &sweeper, &report).await })
            .await
    }

    async fn last_sweep(&self) -> Result<Option<SweepReport>> {
        self.run("reading the report of the retention job", |base| async move { last(&base).await }).await
    }

    async fn sweep_step(&self, what: Sweepable, before: Timestamp, limit: u32) -> Result<u64> {
        self.run("removing old data", |base| async move { step(&base, what, before, limit).await }).await
    }

    async fn checkpoint(&self) -> Result<Option<Checkpoint>> {
        self.run("reading the audit trail", |base| async move { checkpoint(&base).await }).await
    }

    async fn move_checkpoint(&self, to: &Checkpoint, now: Timestamp) -> Result<()> {
        let to = to.clone();
        self.run("writing the audit trail", |base| async move { move_checkpoint(&base, &to, now).await }).await
    }

    async fn remove_trimmed_entries(&self, limit: u32) -> Result<u64> {
        self.run("removing old entries of the audit trail", |base| async move { remove_trimmed(&base, limit).await })
            .await
    }
}

//! Accepted messages and the claims on conversations. A claim that is no longer current changes nothing.
//!
//! The document of a conversation is also its entry in the queue: `due`, `worker`, `fence`, `attempts`, `arrivals`,
//! `parked_at`, `error`. A field without a value is absent.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::{
    Accepted, Backlog, Claim, Debounce, Finished, FinishedTurn, Inbox, MAX_CLAIMED_MESSAGES, Result, Unfinished,
    WorkState,
};
use super::chats::{Commit, Committed, commit, distribute, distribute_rest, find};
use super::error::{BackendError, duplicates};
use super::odd::{all_readable, readable};
use super::schema::{CONVERSATIONS, INBOX, OUTBOX};
use super::values::{
    any_date, count, date, int, is_text, is_true, later, optional_small, optional_text, optional_time, optional_whole,
    text, time,
};
use super::{Base, MongoStore, outbox};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Context, Inbound};

type Read<T> = std::result::Result<T, BackendError>;

/// How many due conversations a claim reads at a time: other workers may be faster with the first ones.
const CANDIDATES: i64 = 16;
/// Conversations that are updated concurrently.
const CONCURRENCY: usize = 8;

/// The next place in the order of arrival: the caller's clock in microseconds, and always more than the one before in
/// this process.
fn arrival(now: Timestamp) -> i64 {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let now = now.as_microsecond();
    let next = |last: i64| Some(now.max(last + 1));
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).unwrap_or(now);
    now.max(last + 1)
}

fn write_inbound(message: &Inbound, arrived: i64) -> Read<Document> {
    let mut document = doc! {
        "_id": message.id.as_str(),
        "user_id": message.user_id.as_str(),
        "sent_at": date(message.sent_at),
        "received_at": date(message.received_at),
        "content": bson::serialize_to_document(&message.content)?,
        "arrived": arrived,
        "waiting": true,
    };
    if message.context != Context::default() {
        document.insert("context", bson::serialize_to_document(&message.context)?);
    }
    if let Some(number) = &message.number {
        document.insert("number", number);
    }
    Ok(document)
}

pub(super) fn read_inbound(document: &Document) -> Read<Inbound> {
    let content = document.get_document("content").cloned().unwrap_or_default();
    Ok(Inbound {
        id: MessageId::new(text(document, "_id")?),
        user_id: UserId::new(text(document, "user_id")?),
        sent_at: time(document, "sent_at")?,
        received_at: time(document, "received_at")?,
        content: bson::deserialize_from_document(content)?,
        context: match document.get_document("context") {
            Ok(context) => bson::deserialize_from_document(context.clone())?,
            Err(_) => Context::default(),
        },
        number: optional_text(document, "number")?,
    })
}

/// The messages of one batch for one conversation.
#[derive(Default)]
struct Arrived {
    new: i64,
    /// The arrival of the latest message.
    last: i64,
    /// The arrival of the latest message that was accepted before and is not answered.
    known: Option<i64>,
}

async fn accept(base: &Base, messages: &[Inbound], now: Timestamp, debounce: Debounce) -> Read<Accepted> {
    let inbox = base.collection(INBOX);
    let places: Vec<i64> = messages.iter().map(|_| arrival(now)).collect();
    let documents = messages
        .iter()
        .zip(&places)
        .map(|(message, place)| write_inbound(message, *place))
        .collect::<Read<Vec<_>>>()?;
    let mut repeated = duplicates(inbox.insert_many(documents).ordered(false).await)?;
    repeated.sort_unstable();
    let mut conversations: BTreeMap<String, Arrived> = BTreeMap::new();
    for (index, (message, place)) in messages.iter().zip(places).enumerate() {
        if repeated.binary_search(&index).is_err() {
            let arrived = conversations.entry(message.user_id.as_str().to_owned()).or_default();
            arrived.new += 1;
            arrived.last = place;
        }
    }
    if !repeated.is_empty() {
        let ids: Vec<&str> = repeated.iter().map(|index| messages[*index].id.as_str()).collect();
        let fields = doc! {"user_id": 1, "waiting": 1, "arrived": 1};
        let mut known = inbox.find(doc! {"_id": {"$in": ids}}).projection(fields).await?;
        while let Some(document) = known.try_next().await? {
            if is_true(&document, "waiting") {
                let known =
                    text(&document, "user_id").and_then(|user| Ok((user, optional_whole(&document, "arrived")?)));
                let Some((user, place)) = readable(known, INBOX, &document) else { continue };
                let arrived = conversations.entry(user).or_default();
                arrived.known = arrived.known.max(place);
            }
        }
    }
    let ready = conversations.into_iter().map(|(user, arrived)| make_ready(base, user, arrived, now, debounce));
    stream::iter(ready).buffer_unordered(CONCURRENCY).try_for_each(|()| async { Ok(()) }).await?;
    Ok(Accepted { new: (messages.len() - repeated.len()) as u64, repeated: repeated.len() as u64 })
}

/// Sets the due time of a conversation where it has none. Applied twice, or for a repeated message, it causes at most a
/// claim without messages.
async fn make_ready(base: &Base, user: String, arrived: Arrived, now: Timestamp, debounce: Debounce) -> Read<()> {
    let conversations = base.collection(CONVERSATIONS);
    let due = due_after(now, debounce);
    // The fencing number begins with the clock: a customer who was erased and writes again never gets one that a claim
    // from before the erasure has.
    let fence = doc! {"$ifNull": ["$fence", now.as_microsecond()]};
    let counted = |number: i64| doc! {"$add": [{"$ifNull": ["$arrivals", 0_i64]}, number]};
    if arrived.new > 0 {
        let parked = doc! {"$ne": [{"$type": "$parked_at"}, "missing"]};
        let mut set = due;
        set.insert("fence", fence);
        set.insert("arrivals", counted(arrived.new));
        set.insert("last_arrived", doc! {"$max": ["$last_arrived", arrived.last]});
        set.insert("attempts", doc! {"$cond": [&parked, 0_i64, {"$ifNull": ["$attempts", 0_i64]}]});
        set.insert("error", doc! {"$cond": [&parked, "$$REMOVE", "$error"]});
        let update = vec![doc! {"$set": set}, doc! {"$unset": "parked_at"}];
        super::upsert_with_retry(|| conversations.update_one(doc! {"_id": &user}, update.clone()).upsert(true)).await?;
    } else if let Some(known) = arrived.known {
        // The process that inserted the message may have died before this. A parked conversation that counted this
        // message or a later one stays parked: then the message was one of those that failed.
        let mut set = due;
        set.insert("fence", fence);
        set.insert(
            "arrivals",
            doc! {"$cond": [{"$eq": [{"$type": "$worker"}, "missing"]},
            {"$ifNull": ["$arrivals", 0_i64]}, counted(1)]},
        );
        let filter = doc! {"_id": &user, "$or": [{"parked_at": {"$exists": false}}, {"last_arrived": {"$lt": known}}]};
        let update = vec![doc! {"$set": set}, doc! {"$unset": "parked_at"}];
        let changed = conversations.update_one(filter, update.clone()).await?;
        if changed.matched_count == 0 && find(base, &UserId::new(user.as_str()), doc! {"_id": 1}).await?.is_none() {
            super::upsert_with_retry(|| conversations.update_one(doc! {"_id": &user}, update.clone()).upsert(true))
                .await?;
        }
    }
    Ok(())
}

/// The due time of a conversation with another message. `waits_until` is when it stops waiting for more, and absent
/// where it was claimed since.
fn due_after(now: Timestamp, debounce: Debounce) -> Document {
    let quiet = date(later(now, debounce.quiet));
    let absent = |field: &str| doc! {"$eq": [{"$type": field}, "missing"]};
    let waits = doc! {"$and": [absent("$worker"), {"$ne": [{"$type": "$waits_until"}, "missing"]}]};
    let moved = doc! {"$max": ["$due", {"$min": [quiet, "$waits_until"]}]};
    doc! {
        "due": {"$cond": [absent("$due"), quiet, {"$cond": [waits, moved, "$due"]}]},
        "waits_until": {"$cond": [absent("$due"), date(later(now, debounce.longest)), {"$ifNull": ["$waits_until", "$$REMOVE"]}]},
    }
}

/// The conversations that are due, the longest first.
async fn due(base: &Base, only: Option<&UserId>, now: Timestamp) -> Read<Vec<Document>> {
    // A key of another type is none of ours, and nobody could be answered under it.
    let mut filter = doc! {"due": {"$lte": date(now)}, "_id": {"$type": "string"}};
    if let Some(user) = only {
        filter.insert("_id", user.as_str());
    }
    let fields = doc! {"_id": 1, "due": 1};
    let conversations = base.collection(CONVERSATIONS);
    let found = conversations.find(filter).sort(doc! {"due": 1}).limit(CANDIDATES).projection(fields).await?;
    Ok(found.try_collect().await?)
}

async fn waiting(base: &Base, user: &UserId) -> Read<Vec<Inbound>> {
    let order = doc! {"sent_at": 1, "arrived": 1};
    let filter = doc! {"user_id": user.as_str(), "waiting": true};
    let limit = i64::try_from(MAX_CLAIMED_MESSAGES + 1).unwrap_or(i64::MAX);
    let found: Vec<Document> =
        base.collection(INBOX).find(filter).sort(order).limit(limit).await?.try_collect().await?;
    Ok(all_readable(&found, INBOX, read_inbound))
}

async fn claim(
    base: &Base,
    only: Option<&UserId>,
    worker: &str,
    now: Timestamp,
    until: Timestamp,
) -> Read<Option<Claim>> {
    let conversations = base.collection(CONVERSATIONS);
    loop {
        let candidates = due(base, only, now).await?;
        if candidates.is_empty() {
            return Ok(None);
        }
        for candidate in candidates {
            // Only where the due time is as it was read: of any number of callers one gets it.
            let filter = doc! {"_id": text(&candidate, "_id")?, "due": candidate.get_datetime("due").ok().copied()};
            let update = doc! {
                "$set": {"due": date(until), "worker": worker}, "$unset": {"waits_until": ""},
                "$inc": {"fence": 1_i64, "attempts": 1_i64},
            };
            let taken = conversations.find_one_and_update(filter, update).return_document(ReturnDocument::After);
            let fields = doc! {"fence": 1, "attempts": 1, "arrivals": 1, "unsettled": 1};
            if let Some(taken) = taken.projection(fields).await?
                && let Some(claim) = fill(base, &taken, worker, until).await?
            {
                return Ok(Some(claim));
            }
        }
        super::pause().await;
    }
}

/// The claim of a conversation, or `None` where it has no waiting messages.
async fn fill(base: &Base, taken: &Document, worker: &str, until: Timestamp) -> Read<Option<Claim>> {
    let user = UserId::new(text(taken, "_id")?);
    if let Ok(unsettled) = taken.get_document("unsettled") {
        distribute(base, &user, unsettled).await?;
    }
    let fence = count(taken, "fence")?;
    let arrivals = optional_whole(taken, "arrivals")?;
    let mut messages = waiting(base, &user).await?;
    if messages.is_empty() {
        // Unless another message arrived meanwhile: then it is claimed below, or due again when this lease ends.
        let mut filter = doc! {"_id": user.as_str(), "fence": int(fence), "worker": worker};
        filter.insert("arrivals", arrivals.map_or(doc! {"$exists": false}.into(), bson::Bson::Int64));
        let nothing = doc! {"$unset": {"due": "", "worker": ""}, "$set": {"attempts": 0_i64}};
        if base.collection(CONVERSATIONS).update_one(filter, nothing).await?.matched_count == 1 {
            return Ok(None);
        }
        messages = waiting(base, &user).await?;
        if messages.is_empty() {
            return Ok(None);
        }
    }
    let more = messages.len() > MAX_CLAIMED_MESSAGES;
    messages.truncate(MAX_CLAIMED_MESSAGES);
    let arrivals = u64::try_from(arrivals.unwrap_or(0)).unwrap_or(0);
    let attempt = optional_small(taken, "attempts")?.unwrap_or(1);
    Ok(Some(Claim { user_id: user, worker: worker.to_owned(), fence, until, attempt, arrivals, more, messages }))
}

/// The filter of a claim that is current.
fn current(claim: &Claim) -> Document {
    doc! {"_id": claim.user_id.as_str(), "fence": int(claim.fence), "worker": {"$exists": true}}
}

/// Closes a claim that is current. An update that was applied and whose answer was lost is recognised by its
/// `closed_by`.
async fn close(base: &Base, claim: &Claim, mut set: Document, mut update: Document) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    set.insert("closed_by", &call);
    update.insert("$set", set);
    update.get_document_mut("$unset").map(|unset| unset.insert("worker", "")).ok();
    if base.collection(CONVERSATIONS).update_one(current(claim), update).await?.matched_count == 1 {
        return Ok(true);
    }
    let found = find(base, &claim.user_id, doc! {"closed_by": 1}).await?;
    Ok(found.is_some_and(|found| is_text(&found, "closed_by", &call)))
}

async fn finish(base: &Base, claim: &Claim, turn: &FinishedTurn, now: Timestamp) -> Read<Finished> {
    let turn = Commit {
        conversation: turn.conversation.clone(),
        rows: turn.said.iter().chain(&turn.replies).cloned().collect(),
        outgoing: turn
            .outgoing
            .iter()
            .map(|message| outbox::write(&claim.user_id, message))
            .collect::<Read<Vec<Document>>>()?,
        answered: claim.messages.iter().map(|message| message.id.as_str().to_owned()).collect(),
        fence: Some(int(claim.fence)),
    };
    match commit(base, &turn).await? {
        Committed::Saved => {}
        Committed::Lost => return Ok(Finished::Lost),
        Committed::Changed => return Ok(Finished::Changed),
    }
    // The turn is saved from here on: what fails now is done by the worker that claims the conversation when its lease
    // ends.
    if let Err(error) = complete(base, claim, now).await {
        tracing::warn!(user = claim.user_id.masked(), ?error, "a turn is saved, and not distributed yet");
    }
    Ok(Finished::Saved)
}

async fn complete(base: &Base, claim: &Claim, now: Timestamp) -> Read<()> {
    distribute_rest(base, &claim.user_id).await?;
    let conversations = base.collection(CONVERSATIONS);
    let ours = doc! {"_id": claim.user_id.as_str(), "fence": int(claim.fence), "worker": {"$exists": false}};
    if !claim.more {
        let mut nothing_new = ours.clone();
        nothing_new.insert("arrivals", int(claim.arrivals));
        if conversations.update_one(nothing_new, doc! {"$unset": {"due": ""}}).await?.matched_count == 1 {
            return Ok(());
        }
    }
    conversations.update_one(ours, doc! {"$set": {"due": date(now)}}).await?;
    Ok(())
}

async fn unfinished(base: &Base, limit: u32) -> Read<Vec<Unfinished>> {
    let (conversations, inbox) = (base.collection(CONVERSATIONS), base.collection(INBOX));
    let mut listed = Vec::new();
    for field in ["parked_at", "due"] {
        let left = i64::from(limit) - i64::try_from(listed.len()).unwrap_or(i64::MAX);
        if left <= 0 {
            break;
        }
        let fields = doc! {"due": 1, "worker": 1, "parked_at": 1, "attempts": 1, "error": 1};
        let filter = doc! {field: {"$gte": any_date()}};
        let found = conversations.find(filter).sort(doc! {field: 1}).limit(left).projection(fields).await?;
        let found: Vec<Document> = found.try_collect().await?;
        let users = all_readable(&found, CONVERSATIONS, |document| text(document, "_id"));
        let pipeline = [
            doc! {"$match": {"user_id": {"$in": &users}, "waiting": true}},
            doc! {"$group": {"_id": "$user_id", "messages": {"$sum": 1_i64}, "since": {"$min": "$received_at"}}},
        ];
        let counted: Vec<Document> = inbox.aggregate(pipeline).await?.try_collect().await?;
        let counted: HashMap<&str, &Document> =
            counted.iter().filter_map(|document| Some((document.get_str("_id").ok()?, document))).collect();
        let read = |document: &Document, counted: &Document| -> Read<Unfinished> {
            let state = match (optional_time(document, "parked_at")?, optional_text(document, "worker")?) {
                (Some(at), _) => WorkState::Parked { at },
                (None, Some(worker)) => WorkState::InWork { worker, until: time(document, "due")? },
                (None, None) => WorkState::Waiting { due: time(document, "due")? },
            };
            Ok(Unfinished {
                user_id: UserId::new(text(document, "_id")?),
                state,
                attempts: optional_small(document, "attempts")?.unwrap_or(0),
                messages: count(counted, "messages")?,
                since: time(counted, "since")?,
                error: optional_text(document, "error")?,
            })
        };
        for document in &found {
            let counted = document.get_str("_id").ok().and_then(|user| counted.get(user));
            let Some(counted) = counted else { continue };
            listed.extend(readable(read(document, counted), CONVERSATIONS, document));
        }
    }
    Ok(listed)
}

async fn backlog(base: &Base) -> Read<Backlog> {
    let conversations = base.collection(CONVERSATIONS);
    let held = doc! {"$ne": [{"$type": "$worker"}, "missing"]};
    let pipeline = [
        doc! {"$match": {"due": {"$gte": any_date()}}},
        doc! {"$group": {"_id": held, "number": {"$sum": 1_i64}, "oldest": {"$min": "$due"}}},
    ];
    let mut backlog = Backlog::default();
    let mut groups = conversations.aggregate(pipeline).await?;
    while let Some(group) = groups.try_next().await? {
        if is_true(&group, "_id") {
            backlog.in_work = count(&group, "number")?;
        } else {
            backlog.waiting = count(&group, "number")?;
            backlog.oldest = optional_time(&group, "oldest")?;
        }
    }
    backlog.parked = conversations.count_documents(doc! {"parked_at": {"$gte": any_date()}}).await?;
    let outbox = base.collection(OUTBOX);
    backlog.unsent = outbox.count_documents(doc! {"pending": true}).await?;
    backlog.unsent_parked = outbox.count_documents(doc! {"state": "parked"}).await?;
    Ok(backlog)
}

#[async_trait]
impl Inbox for MongoStore {
    async fn accept_debounced(&self, messages: &[Inbound], now: Timestamp, debounce: Debounce) -> Result<Accepted> {
        if messages.is_empty() {
            return Ok(Accepted::default());
        }
        let messages = messages.to_vec();
        let accepted =
            self.run("accepting messages", |base| async move { accept(&base, &messages, now, debounce).await }).await?;
        self.notifier.notify();
        Ok(accepted)
    }

    async fn claim(
        &self,
        only: Option<&UserId>,
        worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>> {
        let (only, worker) = (only.cloned(), worker.to_owned());
        self.run("claiming a conversation", |base| async move {
            claim(&base, only.as_ref(), &worker, now, later(now, lease)).await
        })
        .await
    }

    async fn renew(&self, claim: &Claim, now: Timestamp, lease: SignedDuration) -> Result<bool> {
        let filter = current(claim);
        self.run("renewing a lease", |base| async move {
            let update = doc! {"$set": {"due": date(later(now, lease))}};
            Ok(base.collection(CONVERSATIONS).update_one(filter, update).await?.matched_count == 1)
        })
        .await
    }

    async fn finish(&self, claim: &Claim, turn: &FinishedTurn, now: Timestamp) -> Result<Finished> {
        let (claim, turn) = (claim.clone(), turn.clone());
        let finished =
            self.run("finishing a turn", |base| async move { finish(&base, &claim, &turn, now).await }).await?;
        self.notifier.notify();
        Ok(finished)
    }

    async fn fail(&self, claim: &Claim, error: &str, retry_at: Option<Timestamp>, now: Timestamp) -> Result<bool> {
        let (claim, error) = (claim.clone(), error.to_owned());
        self.run("putting work back", |base| async move {
            let (set, update) = match retry_at {
                Some(at) => (doc! {"error": error, "due": date(at)}, doc! {"$unset": {}}),
                None => (doc! {"error": error, "parked_at": date(now)}, doc! {"$unset": {"due": ""}}),
            };
            close(&base, &claim, set, update).await
        })
        .await
    }

    async fn release(&self, claim: &Claim, now: Timestamp) -> Result<bool> {
        let claim = claim.clone();
        let released = self.run("giving work back", |base| async move {
            let update = doc! {"$unset": {}, "$inc": {"attempts": -1_i64}};
            close(&base, &claim, doc! {"due": date(now)}, update).await
        });
        let released = released.await?;
        self.notifier.notify();
        Ok(released)
    }

    async fn accepted_message(&self, user: &UserId, id: &MessageId) -> Result<Option<Inbound>> {
        let filter = doc! {"_id": id.as_str(), "user_id": user.as_str()};
        self.run("reading the inbox", |base| async move {
            base.collection(INBOX).find_one(filter).await?.as_ref().map(read_inbound).transpose()
        })
        .await
    }

    async fn unfinished(&self, limit: u32) -> Result<Vec<Unfinished>> {
        self.run("reading the inbox", |base| async move { unfinished(&base, limit).await }).await
    }

    async fn retry_parked(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64> {
        let mut filter = doc! {"parked_at": {"$gte": any_date()}};
        if let Some(user) = only {
            filter.insert("_id", user.as_str());
        }
        let retried = self.run("retrying parked work", |base| async move {
            let update = doc! {"$set": {"due": date(now), "attempts": 0_i64}, "$unset": {"parked_at": ""}};
            Ok(base.collection(CONVERSATIONS).update_many(filter, update).await?.matched_count)
        });
        let retried = retried.await?;
        self.notifier.notify();
        Ok(retried)
    }

    async fn backlog(&self) -> Result<Backlog> {
        self.run("counting what is to do", |base| async move { backlog(&base).await }).await
    }
}

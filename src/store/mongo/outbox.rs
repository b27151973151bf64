//! Messages to customers, until they are sent. A later message to a customer never overtakes an earlier one that waits.
//!
//! `pending` is true until a message is sent or parked; `head` is true for the customer's earliest pending one, and only that
//! is claimed. A message that was sent or parked has `unmoved` until the next one was made the head: a process that
//! finds it completes what another one, which died, left undone.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::{Outbox, Result};
use super::error::BackendError;
use super::odd::{all_readable, readable};
use super::schema::OUTBOX;
use super::values::{
    count, date, int, is_text, is_true, later, optional_small, optional_text, optional_time, text, time,
};
use super::{Base, MongoStore};
use crate::domain::ids::UserId;
use crate::domain::outgoing::{Delivery, Outgoing, Receipt, Status};

type Read<T> = std::result::Result<T, BackendError>;

/// How many due messages a claim reads at a time: other workers may be faster with the first ones.
const CANDIDATES: i64 = 16;

fn key(user: &UserId, turn: u64, sequence: u32) -> String {
    format!("{user}/{turn}/{sequence}")
}

/// The document of a message that waits to be sent.
pub(super) fn write(user: &UserId, message: &Outgoing) -> Read<Document> {
    let mut document = doc! {
        "_id": key(user, message.turn, message.sequence),
        "user_id": user.as_str(),
        "turn": int(message.turn),
        "sequence": i64::from(message.sequence),
        "body": bson::serialize_to_document(&message.body)?,
        "state": Delivery::Queued.as_str(),
        "pending": true,
        "attempts": 0_i64,
        "next_at": date(message.next_at),
    };
    if let Some(answers) = &message.answers {
        document.insert("answers", bson::serialize_to_document(answers)?);
    }
    Ok(document)
}

pub(super) fn read(document: &Document) -> Read<Outgoing> {
    let state = text(document, "state")?;
    Ok(Outgoing {
        user_id: UserId::new(text(document, "user_id")?),
        turn: count(document, "turn")?,
        sequence: optional_small(document, "sequence")?.unwrap_or(0),
        body: bson::deserialize_from_document(document.get_document("body").cloned().unwrap_or_default())?,
        state: Delivery::parse(&state)
            .ok_or_else(|| BackendError::Content(format!("“{state}” is no state in the outbox")))?,
        attempts: optional_small(document, "attempts")?.unwrap_or(0),
        waived: optional_small(document, "waived")?.unwrap_or(0),
        next_at: time(document, "next_at")?,
        provider_id: optional_text(document, "provider_id")?,
        error: optional_text(document, "error")?,
        answers: document
            .get_document("answers")
            .ok()
            .map(|answers| bson::deserialize_from_document(answers.clone()))
            .transpose()?,
        receipt: optional_text(document, "receipt")?
            .map(|word| Receipt::parse(&word).ok_or_else(|| BackendError::Content(format!("“{word}” is no receipt"))))
            .transpose()?,
        sent_at: optional_time(document, "sent_at")?,
    })
}

/// Puts the messages of a turn at the end of their customer's queue; those that exist already stay as they are.
pub(super) async fn insert(base: &Base, user: &UserId, messages: Vec<Document>) -> Read<()> {
    if messages.is_empty() {
        return Ok(());
    }
    // One after the other: a later one must not be visible before an earlier one.
    for message in messages {
        match base.collection(OUTBOX).insert_one(message).await.map_err(BackendError::from) {
            Err(error) if !error.is_duplicate() => return Err(error),
            _ => {}
        }
    }
    move_head(base, user).await
}

/// Makes a customer's earliest pending message the head.
async fn move_head(base: &Base, user: &UserId) -> Read<()> {
    let outbox = base.collection(OUTBOX);
    let pending = doc! {"user_id": user.as_str(), "pending": true};
    let order = doc! {"turn": 1, "sequence": 1};
    let first = outbox.find_one(pending.clone()).sort(order).projection(doc! {"head": 1}).await?;
    let Some(first) = first else { return Ok(()) };
    let id = text(&first, "_id")?;
    if !is_true(&first, "head") {
        let filter = doc! {"_id": &id, "user_id": user.as_str(), "pending": true};
        outbox.update_one(filter, doc! {"$set": {"head": true}}).await?;
    }
    // There are others only after an earlier one was queued again.
    let mut others = pending;
    others.insert("head", true);
    others.insert("_id", doc! {"$ne": &id});
    outbox.update_many(others, doc! {"$unset": {"head": ""}}).await?;
    Ok(())
}

/// Moves the heads that processes left unmoved because they died.
async fn move_left_heads(base: &Base) -> Read<bool> {
    let outbox = base.collection(OUTBOX);
    let found: Vec<Document> = outbox.find(doc! {"unmoved": true}).limit(CANDIDATES).await?.try_collect().await?;
    for document in &found {
        let named = text(document, "user_id").and_then(|user| Ok((user, text(document, "_id")?)));
        if let Some((user, id)) = readable(named, OUTBOX, document) {
            complete_move(base, &UserId::new(user), &id).await?;
        } else {
            let filter = doc! {"_id": document.get("_id").cloned()};
            outbox.update_one(filter, doc! {"$unset": {"unmoved": ""}}).await?;
        }
    }
    Ok(!found.is_empty())
}

async fn complete_move(base: &Base, user: &UserId, id: &str) -> Read<()> {
    move_head(base, user).await?;
    let filter = doc! {"_id": id, "user_id": user.as_str()};
    base.collection(OUTBOX).update_one(filter, doc! {"$unset": {"unmoved": ""}}).await?;
    Ok(())
}

async fn claim(base: &Base, only: Option<&UserId>, now: Timestamp, until: Timestamp) -> Read<Option<Outgoing>> {
    let outbox = base.collection(OUTBOX);
    loop {
        let mut filter = doc! {"head": true, "next_at": {"$lte": date(now)}};
        if let Some(user) = only {
            filter.insert("pending", true);
            filter.insert("user_id", user.as_str());
        }
        let found = outbox.find(filter).sort(doc! {"next_at": 1}).limit(CANDIDATES);
        let found: Vec<Document> = found.await?.try_collect().await?;
        if found.is_empty() {
            if move_left_heads(base).await? {
                continue;
            }
            return Ok(None);
        }
        for document in &found {
            let mut filter = doc! {"head": true, "pending": true};
            for name in ["_id", "user_id", "attempts", "next_at"] {
                filter.insert(name, document.get(name).cloned());
            }
            let update = doc! {
                "$set": {"state": Delivery::Sending.as_str(), "next_at": date(until)}, "$inc": {"attempts": 1_i64},
            };
            let taken = outbox.find_one_and_update(filter, update).return_document(ReturnDocument::After).await?;
            let Some(taken) = taken else { continue };
            if let Some(message) = readable(read(&taken), OUTBOX, &taken) {
                return Ok(Some(message));
            }
            // It can never be sent: later ones of the customer do not wait for it.
            let mut filter = doc! {};
            for name in ["_id", "user_id"] {
                filter.insert(name, taken.get(name).cloned());
            }
            let set = doc! {"state": Delivery::Parked.as_str(), "error": "it cannot be read", "unmoved": true};
            outbox.update_one(filter, doc! {"$set": set, "$unset": {"head": "", "pending": ""}}).await?;
        }
        super::pause().await;
    }
}

/// Closes a claim that is current. An update that was applied and whose answer was lost is recognised by its
/// `settled_by`.
async fn close_claim(
    base: &Base,
    claimed: &Outgoing,
    mut set: Document,
    mut update: Document,
    over: bool,
) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let outbox = base.collection(OUTBOX);
    let user = &claimed.user_id;
    let id = key(user, claimed.turn, claimed.sequence);
    set.insert("settled_by", &call);
    if over {
        set.insert("unmoved", true);
    }
    update.insert("$set", set);
    let own = doc! {"_id": &id, "user_id": user.as_str()};
    let mut filter = own.clone();
    filter.insert("attempts", i64::from(claimed.attempts));
    filter.insert("state", Delivery::Sending.as_str());
    if outbox.update_one(filter, update).await?.matched_count == 0 {
        let found = outbox.find_one(own).await?;
        if !found.is_some_and(|found| is_text(&found, "settled_by", &call)) {
            return Ok(false);
        }
    }
    if over && let Err(error) = complete_move(base, user, &id).await {
        tracing::warn!(
            user = user.masked(),
            ?error,
            "the claim of a message is closed, and the next message waits for a moment"
        );
    }
    Ok(true)
}

/// Applies a status to a message. Where another writer changes the message meanwhile, the status is applied again.
async fn follow(base: &Base, status: &Status, now: Timestamp) -> Read<Option<Outgoing>> {
    let outbox = base.collection(OUTBOX);
    let named = if let Some(of) = &status.identity {
        doc! {"_id": key(&of.user_id, of.turn, of.sequence), "user_id": of.user_id.as_str()}
    } else {
        doc! {"provider_id": &status.provider_id}
    };
    loop {
        let Some(document) = outbox.find_one(named.clone()).await? else { return Ok(None) };
        let known = read(&document)?;
        let Some(next) = known.with_status(status, now) else { return Ok(None) };
        let closed = known.state.is_open() && !next.state.is_open();
        // It failed for the set-up, and is queued again.
        let opened = !known.state.is_open() && next.state.is_open();
        let mut set = doc! {
            "state": next.state.as_str(), "next_at": date(next.next_at), "waived": i64::from(next.waived),
        };
        let mut unset = Document::new();
        let receipt = next.receipt.map(|receipt| receipt.as_str().to_owned());
        for (name, value) in
            [("provider_id", next.provider_id.clone()), ("error", next.error.clone()), ("receipt", receipt)]
        {
            match value {
                Some(value) => set.insert(name, value),
                None => unset.insert(name, ""),
            };
        }
        match next.sent_at {
            Some(at) => set.insert("sent_at", date(at)),
            None => unset.insert("sent_at", ""),
        };
        if closed {
            set.insert("unmoved", true);
            unset.insert("head", "");
            unset.insert("pending", "");
        }
        if opened {
            set.insert("pending", true);
            set.insert("unmoved", true);
        }
        let mut filter = Document::new();
        for name in ["_id", "user_id", "state", "attempts", "receipt", "provider_id"] {
            let seen = document.get(name).cloned();
            filter.insert(name, seen.unwrap_or_else(|| doc! {"$exists": false}.into()));
        }
        let mut update = doc! {"$set": set, "$currentDate": {"told_at": true}};
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        if outbox.update_one(filter, update).await?.matched_count == 1 {
            if closed || opened {
                complete_move(base, &next.user_id, &key(&next.user_id, next.turn, next.sequence)).await?;
            }
            return Ok(Some(next));
        }
        super::pause().await;
    }
}

async fn retry(base: &Base, only: Option<&UserId>, now: Timestamp) -> Read<u64> {
    let outbox = base.collection(OUTBOX);
    let mut filter = doc! {"state": Delivery::Parked.as_str()};
    if let Some(user) = only {
        filter.insert("user_id", user.as_str());
    }
    let fields = doc! {"user_id": 1, "attempts": 1};
    let found: Vec<Document> = outbox.find(filter).projection(fields).await?.try_collect().await?;
    let mut retried = 0;
    for document in &found {
        let named = text(document, "_id").and_then(|id| Ok((id, UserId::new(text(document, "user_id")?))));
        let Some((id, user)) = readable(named, OUTBOX, document) else { continue };
        let filter = doc! {"_id": &id, "user_id": user.as_str(), "state": Delivery::Parked.as_str()};
        let set = doc! {
            "state": Delivery::Queued.as_str(), "pending": true, "next_at": date(now), "unmoved": true,
            "waived": document.get("attempts").cloned().unwrap_or(0_i64.into()),
        };
        let update = doc! {"$set": set, "$unset": {"provider_id": "", "receipt": "", "sent_at": ""}};
        retried += outbox.update_one(filter, update).await?.matched_count;
        complete_move(base, &user, &id).await?;
    }
    Ok(retried)
}

#[async_trait]
impl Outbox for MongoStore {
    async fn claim_outgoing(
        &self,
        only: Option<&UserId>,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Outgoing>> {
        let only = only.cloned();
        self.run("claiming a message to send", |base| async move {
            claim(&base, only.as_ref(), now, later(now, lease)).await
        })
        .await
    }

    async fn sent(&self, claimed: &Outgoing, provider_id: &str, now: Timestamp) -> Result<bool> {
        let (claimed, provider) = (claimed.clone(), provider_id.to_owned());
        let sent = self.run("saving the outcome of sending", |base| async move {
            let set = doc! {"state": Delivery::Sent.as_str(), "provider_id": provider, "next_at": date(now)};
            let update = doc! {"$unset": {"error": "", "receipt": "", "sent_at": "", "head": "", "pending": ""}};
            close_claim(&base, &claimed, set, update, true).await
        });
        let sent = sent.await?;
        self.notifier.notify();
        Ok(sent)
    }

    async fn send_failed(
        &self,
        claimed: &Outgoing,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool> {
        let (claimed, error) = (claimed.clone(), error.to_owned());
        let closed = self.run("saving the outcome of sending", |base| async move {
            let mut set = doc! {"error": error, "next_at": date(retry_at.unwrap_or(now))};
            let over = retry_at.is_none();
            let update = if over {
                set.insert("state", Delivery::Parked.as_str());
                doc! {"$unset": {"head": "", "pending": ""}}
            } else {
                set.insert("state", Delivery::Queued.as_str());
                doc! {}
            };
            close_claim(&base, &claimed, set, update, over).await
        });
        let closed = closed.await?;
        self.notifier.notify();
        Ok(closed)
    }

    async fn postpone(&self, claimed: &Outgoing, why: &str, until: Timestamp, _now: Timestamp) -> Result<bool> {
        let (claimed, why) = (claimed.clone(), why.to_owned());
        let closed = self.run("saving the outcome of sending", |base| async move {
            let set = doc! {"error": why, "next_at": date(until), "state": Delivery::Queued.as_str()};
            close_claim(&base, &claimed, set, doc! {"$inc": {"waived": 1_i64}}, false).await
        });
        let closed = closed.await?;
        self.notifier.notify();
        Ok(closed)
    }

    async fn follow_status(&self, status: &Status, now: Timestamp) -> Result<Option<Outgoing>> {
        let status = status.clone();
        let followed =
            self.run("saving the status of a message", |base| async move { follow(&base, &status, now).await }).await?;
        if followed.is_some() {
            self.notifier.notify();
        }
        Ok(followed)
    }

    async fn outgoing_with(&self, user: &UserId, provider_id: &str) -> Result<Option<Outgoing>> {
        let filter = doc! {"provider_id": provider_id, "user_id": user.as_str()};
        self.run("reading the outbox", |base| async move {
            base.collection(OUTBOX).find_one(filter).await?.as_ref().map(read).transpose()
        })
        .await
    }

    async fn outgoing_of(&self, user: &UserId, limit: u32) -> Result<Vec<Outgoing>> {
        let filter = doc! {"user_id": user.as_str()};
        self.run("reading the outbox", |base| async move {
            if limit == 0 {
                return Ok(Vec::new());
            }
            let latest = doc! {"turn": -1, "sequence": -1};
            let found = base.collection(OUTBOX).find(filter).sort(latest).limit(limit.into()).await?;
            let mut documents: Vec<Document> = found.try_collect().await?;
            documents.reverse();
            Ok(all_readable(&documents, OUTBOX, read))
        })
        .await
    }

    async fn parked_outgoing(&self, limit: u32) -> Result<Vec<Outgoing>> {
        self.run("reading the outbox", |base| async move {
            if limit == 0 {
                return Ok(Vec::new());
            }
            let filter = doc! {"state": Delivery::Parked.as_str()};
            let found = base.collection(OUTBOX).find(filter).sort(doc! {"next_at": 1}).limit(limit.into()).await?;
            let documents: Vec<Document> = found.try_collect().await?;
            Ok(all_readable(&documents, OUTBOX, read))
        })
        .await
    }

    async fn retry_outgoing(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64> {
        let only = only.cloned();
        let retried =
            self.run("retrying parked messages", |base| async move { retry(&base, only.as_ref(), now).await }).await?;
        self.notifier.notify();
        Ok(retried)
    }
}

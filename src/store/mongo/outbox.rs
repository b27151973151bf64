//! Decides how messages to customers are kept until they are sent.
//!
//! It must never let a later message to a customer overtake an earlier one that still waits.
//!
//! `pending` is true until a message is sent or given up; `head` is true for the customer's earliest pending one, and only
//! that is claimed. A message that is settled says `unmoved` until the next one was made the head: whoever finds that
//! makes up for a process that died in between.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{self, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::{Outbox, Result};
use super::fault::Fault;
use super::inbox::later;
use super::schema::OUTBOX;
use super::values::{count, date, holds, int, optional_small, optional_text, says, text, time};
use super::{Base, MongoStore};
use crate::domain::ids::UserId;
use crate::domain::outgoing::{Delivery, Outgoing, Receipt, Status};

type Read<T> = std::result::Result<T, Fault>;

/// How many messages a claim looks at, at a time: others may be faster with the first ones.
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
        state: Delivery::parse(&state).ok_or_else(|| Fault::Content(format!("“{state}” is no state in the outbox")))?,
        attempts: optional_small(document, "attempts")?.unwrap_or(0),
        next_at: time(document, "next_at")?,
        provider_id: optional_text(document, "provider_id")?,
        error: optional_text(document, "error")?,
        answers: document
            .get_document("answers")
            .ok()
            .map(|answers| bson::deserialize_from_document(answers.clone()))
            .transpose()?,
        receipt: optional_text(document, "receipt")?
            .map(|word| Receipt::parse(&word).ok_or_else(|| Fault::Content(format!("“{word}” is no receipt"))))
            .transpose()?,
    })
}

/// Puts the messages of a turn at the end of their customer's queue; those that are there already stay as they are.
pub(super) async fn spread(base: &Base, user: &UserId, messages: Vec<Document>) -> Read<()> {
    if messages.is_empty() {
        return Ok(());
    }
    // One after the other: a later one must not show before an earlier one.
    for message in messages {
        match base.collection(OUTBOX).insert_one(message).await.map_err(Fault::from) {
            Err(fault) if !fault.is_duplicate() => return Err(fault),
            _ => {}
        }
    }
    move_head(base, user).await
}

/// Makes a customer's earliest pending message the one that may be sent.
async fn move_head(base: &Base, user: &UserId) -> Read<()> {
    let outbox = base.collection(OUTBOX);
    let pending = doc! {"user_id": user.as_str(), "pending": true};
    let order = doc! {"turn": 1, "sequence": 1};
    let first = outbox.find_one(pending.clone()).sort(order).projection(doc! {"head": 1}).await?;
    let Some(first) = first else { return Ok(()) };
    let id = text(&first, "_id")?;
    if !holds(&first, "head") {
        let filter = doc! {"_id": &id, "user_id": user.as_str(), "pending": true};
        outbox.update_one(filter, doc! {"$set": {"head": true}}).await?;
    }
    // Only after an earlier one was queued again there is another.
    let mut others = pending;
    others.insert("head", true);
    others.insert("_id", doc! {"$ne": &id});
    outbox.update_many(others, doc! {"$unset": {"head": ""}}).await?;
    Ok(())
}

/// Makes up for processes that died between settling a message and moving the head.
async fn heal(base: &Base) -> Read<bool> {
    let outbox = base.collection(OUTBOX);
    let found: Vec<Document> = outbox.find(doc! {"unmoved": true}).limit(CANDIDATES).await?.try_collect().await?;
    for document in &found {
        moved(base, &UserId::new(text(document, "user_id")?), &text(document, "_id")?).await?;
    }
    Ok(!found.is_empty())
}

async fn moved(base: &Base, user: &UserId, id: &str) -> Read<()> {
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
            if heal(base).await? {
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
            if let Some(taken) = taken {
                return read(&taken).map(Some);
            }
        }
        super::pause().await;
    }
}

/// Settles a message whose claim is current. An update that was applied and whose answer was lost is known by its name.
async fn settle(base: &Base, claimed: &Outgoing, mut set: Document, mut update: Document, over: bool) -> Read<bool> {
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
        if !found.is_some_and(|found| says(&found, "settled_by", &call)) {
            return Ok(false);
        }
    }
    if over && let Err(fault) = moved(base, user, &id).await {
        tracing::warn!(user = user.masked(), ?fault, "a message is settled; the next one waits for a moment");
    }
    Ok(true)
}

/// Takes in news of a message. Whoever changes it meanwhile wins, and the news is looked at again.
async fn follow(base: &Base, status: &Status, now: Timestamp) -> Read<Option<Outgoing>> {
    let outbox = base.collection(OUTBOX);
    let named = match &status.identity {
        Some(of) => doc! {"_id": key(&of.user_id, of.turn, of.sequence), "user_id": of.user_id.as_str()},
        None => doc! {"provider_id": &status.provider_id},
    };
    loop {
        let Some(document) = outbox.find_one(named.clone()).await? else { return Ok(None) };
        let known = read(&document)?;
        let Some(next) = known.follow(status, now) else { return Ok(None) };
        let settled = known.state.is_open() && !next.state.is_open();
        let mut set = doc! {"state": next.state.as_str(), "next_at": date(next.next_at)};
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
        if settled {
            set.insert("unmoved", true);
            unset.insert("head", "");
            unset.insert("pending", "");
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
            if settled {
                moved(base, &next.user_id, &key(&next.user_id, next.turn, next.sequence)).await?;
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
    let fields = doc! {"user_id": 1};
    let found: Vec<Document> = outbox.find(filter).projection(fields).await?.try_collect().await?;
    let mut retried = 0;
    for document in &found {
        let (id, user) = (text(document, "_id")?, UserId::new(text(document, "user_id")?));
        let filter = doc! {"_id": &id, "user_id": user.as_str(), "state": Delivery::Parked.as_str()};
        let set = doc! {
            "state": Delivery::Queued.as_str(), "pending": true, "next_at": date(now), "unmoved": true,
        };
        let update = doc! {"$set": set, "$unset": {"provider_id": "", "receipt": ""}};
        retried += outbox.update_one(filter, update).await?.matched_count;
        moved(base, &user, &id).await?;
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
        let sent = self.run("settling a message to a customer", |base| async move {
            let set = doc! {"state": Delivery::Sent.as_str(), "provider_id": provider, "next_at": date(now)};
            let update = doc! {"$unset": {"error": "", "receipt": "", "head": "", "pending": ""}};
            settle(&base, &claimed, set, update, true).await
        });
        let sent = sent.await?;
        self.bell.ring();
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
        let settled = self.run("settling a message to a customer", |base| async move {
            let mut set = doc! {"error": error, "next_at": date(retry_at.unwrap_or(now))};
            let over = retry_at.is_none();
            let update = if over {
                set.insert("state", Delivery::Parked.as_str());
                doc! {"$unset": {"head": "", "pending": ""}}
            } else {
                set.insert("state", Delivery::Queued.as_str());
                doc! {}
            };
            settle(&base, &claimed, set, update, over).await
        });
        let settled = settled.await?;
        self.bell.ring();
        Ok(settled)
    }

    async fn follow_status(&self, status: &Status, now: Timestamp) -> Result<Option<Outgoing>> {
        let status = status.clone();
        let followed =
            self.run("taking in news of a message", |base| async move { follow(&base, &status, now).await }).await?;
        if followed.is_some() {
            self.bell.ring();
        }
        Ok(followed)
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
            documents.iter().map(read).collect()
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
            documents.iter().map(read).collect()
        })
        .await
    }

    async fn retry_outgoing(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64> {
        let only = only.cloned();
        let retried =
            self.run("retrying parked messages", |base| async move { retry(&base, only.as_ref(), now).await }).await?;
        self.bell.ring();
        Ok(retried)
    }
}

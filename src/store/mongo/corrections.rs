//! Corrected labels, and messages that were classified with little confidence. A correction is saved only for a message
//! of the transcript: the message is checked before and after, and erasure removes messages before corrections.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::super::{Corrections, Result};
use super::chats::distribute_rest;
use super::error::BackendError;
use super::odd::{all_readable, readable};
use super::schema::{CHATS, CORRECTIONS};
use super::values::{count, date, int, optional_text, text, time};
use super::{Base, MongoStore};
use crate::domain::correction::Correction;
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;

type Read<T> = std::result::Result<T, BackendError>;

pub(super) fn read(document: &Document) -> Read<Correction> {
    Ok(Correction {
        user_id: UserId::new(text(document, "user_id")?),
        turn: count(document, "turn")?,
        text: text(document, "text")?,
        said_at: time(document, "said_at")?,
        predicted_intent: optional_text(document, "predicted_intent")?,
        predicted_sentiment: optional_text(document, "predicted_sentiment")?,
        intent: optional_text(document, "intent")?,
        sentiment: optional_text(document, "sentiment")?,
        by: text(document, "by")?,
        at: time(document, "at")?,
    })
}

/// Whether the transcript holds the message.
async fn is_there(base: &Base, one: &Correction) -> Read<bool> {
    let filter = doc! {"user_id": one.user_id.as_str(), "turn": int(one.turn)};
    let mut found = base.collection(CHATS).find(filter).await?;
    while let Some(document) = found.try_next().await? {
        if readable(base.message(&document), CHATS, &document).is_some_and(|message| one.is_of(&message)) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn correct(base: &Base, one: &Correction) -> Read<bool> {
    distribute_rest(base, &one.user_id).await?;
    if !is_there(base, one).await? {
        return Ok(false);
    }
    let id = format!("{}/{}/{}", one.user_id, one.turn, one.message());
    let optional = |text: &Option<String>| text.as_ref().map_or(Bson::Null, |text| Bson::String(text.clone()));
    let mut set = doc! {"by": &one.by, "at": date(one.at)};
    for (name, label) in [("intent", &one.intent), ("sentiment", &one.sentiment)] {
        if let Some(label) = label {
            set.insert(name, label);
        }
    }
    let first = doc! {
        "turn": int(one.turn), "text": &one.text, "said_at": date(one.said_at),
        "predicted_intent": optional(&one.predicted_intent), "predicted_sentiment": optional(&one.predicted_sentiment),
    };
    let update = doc! {"$set": set, "$setOnInsert": first};
    let corrections = base.collection(CORRECTIONS);
    super::upsert_with_retry(|| {
        corrections
            .find_one_and_update(doc! {"_id": &id, "user_id": one.user_id.as_str()}, update.clone())
            .upsert(true)
            .projection(doc! {"_id": 1})
    })
    .await?;
    // The customer may have been erased meanwhile.
    if is_there(base, one).await? {
        return Ok(true);
    }
    corrections.delete_one(doc! {"_id": &id, "user_id": one.user_id.as_str()}).await?;
    Ok(false)
}

async fn list(base: &Base, filter: Document, order: Document) -> Read<Vec<Correction>> {
    let found = base.collection(CORRECTIONS).find(filter).sort(order).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&documents, CORRECTIONS, read))
}

async fn unsure(base: &Base, below: f64, limit: u32) -> Read<Vec<ChatMessage>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let filter = doc! {"intent_confidence": {"$gte": 0.0, "$lt": below}, "role": "user"};
    let order = doc! {"intent_confidence": 1};
    let found = base.collection(CHATS).find(filter).sort(order).limit(limit.into()).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&documents, CHATS, |document| base.message(document)))
}

#[async_trait]
impl Corrections for MongoStore {
    async fn correct(&self, correction: &Correction) -> Result<bool> {
        let one = correction.clone();
        self.run("saving a correction", |base| async move { correct(&base, &one).await }).await
    }

    async fn corrections_of(&self, user: &UserId) -> Result<Vec<Correction>> {
        let filter = doc! {"user_id": user.as_str()};
        let order = doc! {"user_id": 1, "turn": 1, "_id": 1};
        self.run("reading corrections", |base| async move { list(&base, filter, order).await }).await
    }

    async fn corrections(&self, from: Option<Timestamp>, until: Timestamp) -> Result<Vec<Correction>> {
        let mut range = doc! {"$lt": date(until)};
        if let Some(from) = from {
            range.insert("$gte", date(from));
        }
        let (filter, order) = (doc! {"said_at": range}, doc! {"said_at": 1, "_id": 1});
        self.run("reading corrections", |base| async move { list(&base, filter, order).await }).await
    }

    async fn unsure_messages(&self, below: f64, limit: u32) -> Result<Vec<ChatMessage>> {
        self.run("reading unsure messages", |base| async move { unsure(&base, below, limit).await }).await
    }
}

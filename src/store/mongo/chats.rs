//! Decides how the transcript and the state of conversations are kept, and how one update of a conversation holds a whole
//! turn until it is spread over the other collections.
//!
//! It must never overwrite a conversation that somebody else saved in the meantime, nor leave a part of a turn unspread for
//! good: whoever needs the conversation next spreads it first.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::{Conversations, Result, Talk, Transcript};
use super::alerts::pending_of_many;
use super::fault::{Fault, duplicates};
use super::schema::{CHATS, CONVERSATIONS, INBOX};
use super::values::{count, date, int, optional_text, optional_time, optional_whole, says, text, whole};
use super::{Base, MongoStore, outbox};
use crate::domain::conversation::Conversation;
use crate::domain::ids::UserId;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::Outgoing;

type Read<T> = std::result::Result<T, Fault>;

/// A row of the transcript, under its place in the conversation.
fn write_message(message: &ChatMessage, place: i64) -> Document {
    let optional = |text: &Option<String>| text.as_ref().map_or(Bson::Null, |text| Bson::String(text.clone()));
    let mut document = doc! {
        "_id": format!("{}/{place}", message.user_id),
        "user_id": message.user_id.as_str(),
        "place": place,
        "role": message.role.as_str(),
        "content": &message.text,
        "timestamp": date(message.at),
        "turn": int(message.turn),
        "intent": optional(&message.intent),
        "sentiment": optional(&message.sentiment),
        "response_ms": message.response_ms.map_or(Bson::Null, |taken| Bson::Int64(int(taken))),
    };
    let basis = &message.basis;
    for (name, share) in
        [("intent_confidence", basis.intent_confidence), ("sentiment_confidence", basis.sentiment_confidence)]
    {
        if let Some(share) = share {
            document.insert(name, share);
        }
    }
    for (name, flag) in [("reused", basis.reused), ("degraded", basis.degraded)] {
        if let Some(flag) = flag {
            document.insert(name, flag);
        }
    }
    document
}

/// The first of some fields that holds something: the names that other programs use.
fn first<T>(document: &Document, names: &[&str], read: fn(&Document, &str) -> Read<Option<T>>) -> Read<Option<T>> {
    for name in names {
        if let Some(value) = read(document, name)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// A row of the transcript, whoever wrote it.
pub(super) fn read_message(document: &Document) -> Read<ChatMessage> {
    let role = text(document, "role")?;
    let role = match role.to_lowercase().as_str() {
        "customer" | "human" => Role::User,
        "bot" | "ai" | "model" => Role::Assistant,
        known => Role::parse(known).ok_or_else(|| Fault::Content(format!("“{role}” is no role in a chat")))?,
    };
    let at = first(document, &["timestamp", "created_at", "at"], optional_time)?;
    let number = |name| optional_whole(document, name).map(|number| number.and_then(|it| u64::try_from(it).ok()));
    Ok(ChatMessage {
        user_id: UserId::new(text(document, "user_id")?),
        role,
        text: first(document, &["content", "message", "text"], optional_text)?.unwrap_or_default(),
        at: at.ok_or_else(|| Fault::Content("a message of the transcript has no time".to_owned()))?,
        turn: number("turn")?.unwrap_or(0),
        intent: optional_text(document, "intent")?,
        sentiment: optional_text(document, "sentiment")?,
        response_ms: number("response_ms")?,
        // What another program wrote there in another type says nothing.
        basis: Basis {
            intent_confidence: document.get_f64("intent_confidence").ok(),
            sentiment_confidence: document.get_f64("sentiment_confidence").ok(),
            reused: document.get_bool("reused").ok(),
            degraded: document.get_bool("degraded").ok(),
        },
    })
}

fn place(document: &Document) -> i64 {
    document.get_i64("place").unwrap_or(0)
}

/// What is kept of a conversation, or `None`.
pub(super) async fn find(base: &Base, user: &UserId, fields: Document) -> Read<Option<Document>> {
    Ok(base.collection(CONVERSATIONS).find_one(doc! {"_id": user.as_str()}).projection(fields).await?)
}

pub(super) fn read_conversation(document: Document) -> Read<Option<Conversation>> {
    if document.get("version").is_none() {
        return Ok(None); // Known only by messages so far.
    }
    let version = count(&document, "version")?;
    let state = document.get_document("state").map_err(|_| Fault::Content("a conversation has no state".to_owned()))?;
    let mut conversation: Conversation = bson::deserialize_from_document(state.clone())?;
    conversation.version = version;
    Ok(Some(conversation))
}

/// A turn that is to be kept whole.
pub(super) struct Commit {
    /// The conversation, with the version that was loaded.
    pub(super) conversation: Conversation,
    pub(super) rows: Vec<ChatMessage>,
    /// Documents for the outbox.
    pub(super) outgoing: Vec<Document>,
    /// Identifiers of the messages that the turn answers.
    pub(super) answered: Vec<String>,
    /// The fencing number under which it is kept; none where nobody has to hold the conversation.
    pub(super) fence: Option<i64>,
}

/// What became of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Committed {
    Kept,
    /// The claim is not current.
    Lost,
    /// Somebody else saved the conversation.
    Changed,
}

/// Keeps a turn with one update of its conversation; what belongs elsewhere is in `unsettled` then.
pub(super) async fn commit(base: &Base, commit: &Commit) -> Read<Committed> {
    // Names this call, so that an update that was applied and whose answer was lost is known again.
    let call = uuid::Uuid::now_v7().to_string();
    let user = &commit.conversation.user_id;
    let next = Conversation { version: commit.conversation.version + 1, ..commit.conversation.clone() };
    let state = bson::serialize_to_document(&next)?;
    let conversations = base.collection(CONVERSATIONS);
    let fields = doc! {"version": 1, "said": 1, "fence": 1, "worker": 1, "saved_by": 1, "unsettled": 1};
    loop {
        let found = find(base, user, fields.clone()).await?.unwrap_or_default();
        if says(&found, "saved_by", &call) {
            return Ok(Committed::Kept);
        }
        if let Some(fence) = commit.fence
            && (optional_whole(&found, "fence")? != Some(fence) || optional_text(&found, "worker")?.is_none())
        {
            return Ok(Committed::Lost);
        }
        let version = optional_whole(&found, "version")?;
        if version.unwrap_or(0) != int(commit.conversation.version) {
            return Ok(Committed::Changed);
        }
        if let Ok(unsettled) = found.get_document("unsettled") {
            settle(base, user, unsettled).await?;
            continue;
        }
        let said = optional_whole(&found, "said")?;
        let mut filter = doc! {"_id": user.as_str(), "unsettled": {"$exists": false}};
        for (name, seen) in [("version", version), ("said", said)] {
            filter.insert(name, seen.map_or(Bson::Document(doc! {"$exists": false}), Bson::Int64));
        }
        let rows: Vec<Document> =
            (said.unwrap_or(0) + 1..).zip(&commit.rows).map(|(place, message)| write_message(message, place)).collect();
        let total = said.unwrap_or(0) + i64::try_from(rows.len()).unwrap_or(0);
        let mut set = doc! {"state": &state, "version": int(next.version), "said": total, "saved_by": &call};
        if !(rows.is_empty() && commit.outgoing.is_empty() && commit.answered.is_empty()) {
            let unsettled = doc! {
                "call": &call, "turn": int(next.turn), "chats": rows, "outgoing": commit.outgoing.clone(),
                "answered": commit.answered.clone(),
            };
            set.insert("unsettled", unsettled);
        }
        let mut update = doc! {};
        if let Some(fence) = commit.fence {
            filter.insert("fence", fence);
            filter.insert("worker", doc! {"$exists": true});
            set.insert("attempts", 0_i64);
            // The due time stays at the end of the lease: were this process to die now, somebody else would find the
            // conversation then and spread what is unsettled.
            update.insert("$unset", doc! {"worker": "", "error": ""});
        }
        update.insert("$set", set);
        let saved = conversations.update_one(filter, update).upsert(commit.fence.is_none());
        match saved.await.map_err(Fault::from) {
            Ok(saved) if saved.matched_count == 1 || saved.upserted_id.is_some() => return Ok(Committed::Kept),
            // Somebody else was faster, or this very update was applied before: the document tells.
            Ok(_) => super::pause().await,
            Err(fault) if fault.is_duplicate() => super::pause().await,
            Err(fault) => return Err(fault),
        }
    }
}

/// Spreads what a turn left for the other collections, and forgets it. Any number of processes may do so at the same time,
/// and again.
pub(super) async fn settle(base: &Base, user: &UserId, unsettled: &Document) -> Read<()> {
    let call = text(unsettled, "call")?;
    let documents = |name: &str| -> Vec<Document> {
        let values = unsettled.get_array(name).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(Bson::as_document).cloned().collect()
    };
    let rows = documents("chats");
    if !rows.is_empty() {
        duplicates(base.collection(CHATS).insert_many(rows).ordered(false).await)?;
    }
    outbox::spread(base, user, documents("outgoing")).await?;
    let answered = unsettled.get_array("answered").cloned().unwrap_or_default();
    if !answered.is_empty() {
        let update = doc! {"$set": {"turn": whole(unsettled, "turn")?}, "$unset": {"waiting": ""}};
        base.collection(INBOX).update_many(doc! {"_id": {"$in": answered}}, update).await?;
    }
    let filter = doc! {"_id": user.as_str(), "unsettled.call": call};
    base.collection(CONVERSATIONS).update_one(filter, doc! {"$unset": {"unsettled": ""}}).await?;
    Ok(())
}

/// Spreads what a conversation still holds, if anything.
pub(super) async fn settle_left(base: &Base, user: &UserId) -> Read<()> {
    let found = find(base, user, doc! {"unsettled": 1}).await?;
    match found.as_ref().and_then(|found| found.get_document("unsettled").ok()) {
        Some(unsettled) => settle(base, user, unsettled).await,
        None => Ok(()),
    }
}

async fn append(base: &Base, messages: &[ChatMessage]) -> Read<()> {
    let mut users: Vec<&UserId> = Vec::new();
    for message in messages {
        if !users.contains(&&message.user_id) {
            users.push(&message.user_id);
        }
    }
    for user in users {
        let own: Vec<&ChatMessage> = messages.iter().filter(|message| message.user_id == *user).collect();
        let number = i64::try_from(own.len()).unwrap_or(0);
        let conversations = base.collection(CONVERSATIONS);
        // Places are given out once: a gap after a crash, or where this is applied twice, does no harm.
        let found = super::upserting(|| {
            conversations
                .find_one_and_update(doc! {"_id": user.as_str()}, doc! {"$inc": {"said": number}})
                .upsert(true)
                .return_document(ReturnDocument::After)
                .projection(doc! {"said": 1})
        });
        let said = whole(&found.await?.unwrap_or_default(), "said")?;
        let rows: Vec<Document> =
            (said - number + 1..).zip(own).map(|(place, message)| write_message(message, place)).collect();
        duplicates(base.collection(CHATS).insert_many(rows).ordered(false).await)?;
    }
    Ok(())
}

/// The last rows of a conversation, the oldest first.
pub(super) async fn recent(base: &Base, user: &UserId, limit: u32) -> Read<Vec<ChatMessage>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    // What a turn has not spread yet belongs to the transcript all the same. It is read first: what is spread meanwhile
    // is found in both places, and counts once.
    let held = find(base, user, doc! {"unsettled.chats": 1}).await?;
    let latest = doc! {"place": -1, "_id": -1};
    let found = base.collection(CHATS).find(doc! {"user_id": user.as_str()}).sort(latest).limit(limit.into()).await?;
    latest_of(found.try_collect().await?, held.as_ref(), limit)
}

/// The latest of rows of a conversation and of those that its document still holds, the oldest first.
fn latest_of(mut rows: Vec<Document>, held: Option<&Document>, limit: u32) -> Read<Vec<ChatMessage>> {
    let unsettled = held.and_then(|held| held.get_document("unsettled").ok());
    let held = unsettled.and_then(|unsettled| unsettled.get_array("chats").ok());
    for row in held.into_iter().flatten().filter_map(Bson::as_document) {
        if !rows.iter().any(|known| known.get("_id") == row.get("_id")) {
            rows.push(row.clone());
        }
    }
    // The latest first; those of the original have no place and come after ours.
    rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows.reverse();
    rows.iter().map(read_message).collect()
}

/// Conversations as they are listed. What all have in common is asked for at once.
pub(super) async fn talks(base: &Base, users: &[UserId]) -> Read<Vec<Talk>> {
    let names: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let fields = doc! {"version": 1, "state": 1, "unsettled.chats": 1};
    let found = base.collection(CONVERSATIONS).find(doc! {"_id": {"$in": &names}}).projection(fields).await?;
    let mut held: HashMap<String, Document> = HashMap::new();
    for document in found.try_collect::<Vec<Document>>().await? {
        held.insert(text(&document, "_id")?, document);
    }
    let mut alerts = pending_of_many(base, &names).await?;
    // By the index of conversations, which has the latest of each first.
    let steps = [
        doc! {"$match": {"user_id": {"$in": &names}}},
        doc! {"$sort": {"user_id": 1, "place": -1, "_id": -1}},
        doc! {"$group": {"_id": "$user_id", "last": {"$first": "$$ROOT"}}},
    ];
    let found = base.collection(CHATS).aggregate(steps).allow_disk_use(true).await?;
    let mut lasts: HashMap<String, Document> = HashMap::new();
    for document in found.try_collect::<Vec<Document>>().await? {
        let last = document.get_document("last").map_err(|_| Fault::Content("a group has no first".to_owned()))?;
        lasts.insert(text(&document, "_id")?, last.clone());
    }
    users
        .iter()
        .map(|user| {
            let held = held.remove(user.as_str());
            let rows = lasts.remove(user.as_str()).into_iter().collect();
            let last = latest_of(rows, held.as_ref(), 1)?.pop();
            let conversation = held.map(read_conversation).transpose()?.flatten();
            Ok(Talk { user_id: user.clone(), last, conversation, alert: alerts.remove(user.as_str()) })
        })
        .collect()
}

#[async_trait]
impl Transcript for MongoStore {
    async fn append_messages(&self, messages: &[ChatMessage]) -> Result<()> {
        let messages = messages.to_vec();
        self.run("saving messages", |base| async move { append(&base, &messages).await }).await
    }

    async fn recent_messages(&self, user: &UserId, limit: u32) -> Result<Vec<ChatMessage>> {
        let user = user.clone();
        self.run("reading messages", |base| async move { recent(&base, &user, limit).await }).await
    }
}

#[async_trait]
impl Conversations for MongoStore {
    async fn conversation(&self, user: &UserId) -> Result<Option<Conversation>> {
        let user = user.clone();
        self.run("reading a conversation", |base| async move {
            let found = find(&base, &user, doc! {"version": 1, "state": 1}).await?;
            found.map(read_conversation).transpose().map(Option::flatten)
        })
        .await
    }

    async fn save_turn(&self, conversation: &Conversation, replies: &[ChatMessage]) -> Result<bool> {
        let turn = Commit {
            conversation: conversation.clone(),
            rows: replies.to_vec(),
            outgoing: Vec::new(),
            answered: Vec::new(),
            fence: None,
        };
        self.run("saving a conversation", |base| async move {
            let kept = commit(&base, &turn).await? == Committed::Kept;
            if kept && !turn.rows.is_empty() {
                settle_left(&base, &turn.conversation.user_id).await?;
            }
            Ok(kept)
        })
        .await
    }

    async fn save_reply(&self, conversation: &Conversation, said: &ChatMessage, outgoing: &Outgoing) -> Result<bool> {
        let (conversation, said, outgoing) = (conversation.clone(), said.clone(), outgoing.clone());
        let saved = self
            .run("saving a reply", |base| async move {
                let turn = Commit {
                    rows: vec![said],
                    outgoing: vec![outbox::write(&conversation.user_id, &outgoing)?],
                    answered: Vec::new(),
                    fence: None,
                    conversation,
                };
                let kept = commit(&base, &turn).await? == Committed::Kept;
                if kept {
                    settle_left(&base, &turn.conversation.user_id).await?;
                }
                Ok(kept)
            })
            .await?;
        if saved {
            self.bell.ring();
        }
        Ok(saved)
    }
}

//! The transcript and the state of conversations. One update of a conversation holds a whole turn, until its documents
//! are distributed to the other collections; the next operation that needs the conversation completes an interrupted
//! distribution. A conversation is saved only over the version that was loaded.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::{ConversationSummary, Conversations, Result, Transcript};
use super::alerts::pending_of_many;
use super::error::{BackendError, duplicates};
use super::odd::{all_readable, readable};
use super::original::written_time;
use super::schema::{CHATS, CONVERSATIONS, HISTORY, INBOX, OPT_OUTS, OUTBOX};
use super::values::{count, date, int, is_text, optional_text, optional_whole, text, time, whole};
use super::{Base, MongoStore, outbox};
use crate::domain::conversation::Conversation;
use crate::domain::ids::UserId;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::opt_out::suppression_key;
use crate::domain::outgoing::{Delivery, Outgoing};

type Read<T> = std::result::Result<T, BackendError>;

/// The document of a message, under its place in the conversation.
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

/// The first of some fields that has a value: other programs use other names.
fn first<T>(document: &Document, names: &[&str], read: impl Fn(&Document, &str) -> Read<Option<T>>) -> Read<Option<T>> {
    for name in names {
        if let Some(value) = read(document, name)? {
            return Ok(Some(value));
        }
    }
    Ok(None)
}

/// Who wrote a message. The original says in `from` and `to` whether it was the customer or the system.
fn role(document: &Document) -> Read<Role> {
    let user = optional_text(document, "user_id").ok().flatten();
    for name in ["role", "from", "sender", "author", "direction"] {
        let Some(word) = optional_text(document, name)? else { continue };
        return match word.trim().to_lowercase().as_str() {
            "customer" | "human" | "client" | "in" | "inbound" | "incoming" => Ok(Role::User),
            "bot" | "ai" | "model" | "system" | "out" | "outbound" | "outgoing" => Ok(Role::Assistant),
            _ if user.as_deref() == Some(word.trim()) => Ok(Role::User),
            known => Role::parse(known).ok_or_else(|| BackendError::Content(format!("“{word}” is no role in a chat"))),
        };
    }
    Err(BackendError::Content("it says neither role nor from: who wrote it is not known".to_owned()))
}

/// Reads a message, also one that another program wrote; a time without a zone is in `zone`.
pub(super) fn read_message(document: &Document, zone: &TimeZone) -> Read<ChatMessage> {
    let role = role(document)?;
    let at = first(document, &["timestamp", "created_at", "at", "time", "date"], |document, name| {
        written_time(document, name, zone)
    })?;
    // One without a time of its own was said when the server got it.
    let at = at.or_else(|| match document.get("_id") {
        Some(Bson::ObjectId(id)) => Timestamp::from_millisecond(id.timestamp().timestamp_millis()).ok(),
        _ => None,
    });
    let number = |name| optional_whole(document, name).map(|number| number.and_then(|it| u64::try_from(it).ok()));
    Ok(ChatMessage {
        user_id: UserId::new(text(document, "user_id")?),
        role,
        text: first(document, &["content", "message", "text", "body"], optional_text)?.unwrap_or_default(),
        at: at.ok_or_else(|| BackendError::Content("a message of the transcript has no time".to_owned()))?,
        turn: number("turn")?.unwrap_or(0),
        intent: optional_text(document, "intent")?,
        sentiment: optional_text(document, "sentiment")?,
        response_ms: number("response_ms")?,
        // Values of another type, from another program, are ignored.
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

/// The document of a conversation, or `None`.
pub(super) async fn find(base: &Base, user: &UserId, fields: Document) -> Read<Option<Document>> {
    Ok(base.collection(CONVERSATIONS).find_one(doc! {"_id": user.as_str()}).projection(fields).await?)
}

pub(super) fn read_conversation(document: &Document) -> Read<Option<Conversation>> {
    if document.get("version").is_none() {
        return Ok(None); // Only messages so far.
    }
    let version = count(document, "version")?;
    let state =
        document.get_document("state").map_err(|_| BackendError::Content("a conversation has no state".to_owned()))?;
    let mut conversation: Conversation = bson::deserialize_from_document(state.clone())?;
    conversation.version = version;
    Ok(Some(conversation))
}

/// A turn to save as a whole.
pub(super) struct Commit {
    /// The conversation, with the version that was loaded.
    pub(super) conversation: Conversation,
    pub(super) rows: Vec<ChatMessage>,
    /// Documents for the outbox.
    pub(super) outgoing: Vec<Document>,
    /// Identifiers of the messages that the turn answers.
    pub(super) answered: Vec<String>,
    /// The fencing number of the claim; `None` where the conversation need not be claimed.
    pub(super) fence: Option<i64>,
}

/// The outcome of a commit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Committed {
    Saved,
    /// The claim is not current.
    Lost,
    /// Another writer saved the conversation.
    Changed,
}

/// Saves a turn with one update of its conversation; the documents for other collections are in `unsettled` then.
pub(super) async fn commit(base: &Base, commit: &Commit) -> Read<Committed> {
    // Identifies this call, so that an update that was applied and whose answer was lost is recognised.
    let call = uuid::Uuid::now_v7().to_string();
    let user = &commit.conversation.user_id;
    let next = Conversation { version: commit.conversation.version + 1, ..commit.conversation.clone() };
    let state = bson::serialize_to_document(&next)?;
    let conversations = base.collection(CONVERSATIONS);
    let fields = doc! {"version": 1, "said": 1, "fence": 1, "worker": 1, "saved_by": 1, "unsettled": 1};
    loop {
        let found = find(base, user, fields.clone()).await?.unwrap_or_default();
        if is_text(&found, "saved_by", &call) {
            return Ok(Committed::Saved);
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
            distribute(base, user, unsettled).await?;
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
            // The due time stays at the end of the lease: were this process to die now, another worker would claim the
            // conversation then and distribute the rest.
            update.insert("$unset", doc! {"worker": "", "error": ""});
        }
        update.insert("$set", set);
        let saved = conversations.update_one(filter, update).upsert(commit.fence.is_none());
        match saved.await.map_err(BackendError::from) {
            Ok(saved) if saved.matched_count == 1 || saved.upserted_id.is_some() => return Ok(Committed::Saved),
            // Another writer was faster, or this very update was applied before: the next round reads which.
            Ok(_) => super::pause().await,
            Err(error) if error.is_duplicate() => super::pause().await,
            Err(error) => return Err(error),
        }
    }
}

/// Writes the documents of a turn to the other collections, and then removes them from the conversation. Any number of
/// processes may do so at the same time, and again.
pub(super) async fn distribute(base: &Base, user: &UserId, unsettled: &Document) -> Read<()> {
    let call = text(unsettled, "call")?;
    let documents = |name: &str| -> Vec<Document> {
        let values = unsettled.get_array(name).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(Bson::as_document).cloned().collect()
    };
    let rows = documents("chats");
    if !rows.is_empty() {
        duplicates(base.collection(CHATS).insert_many(rows).ordered(false).await)?;
    }
    outbox::insert(base, user, documents("outgoing")).await?;
    let answered = unsettled.get_array("answered").cloned().unwrap_or_default();
    if !answered.is_empty() {
        let update = doc! {"$set": {"turn": whole(unsettled, "turn")?}, "$unset": {"waiting": ""}};
        base.collection(INBOX).update_many(doc! {"_id": {"$in": answered}}, update).await?;
    }
    let filter = doc! {"_id": user.as_str(), "unsettled.call": call};
    base.collection(CONVERSATIONS).update_one(filter, doc! {"$unset": {"unsettled": ""}}).await?;
    Ok(())
}

/// Distributes the documents that a conversation still holds, if any.
pub(super) async fn distribute_rest(base: &Base, user: &UserId) -> Read<()> {
    let found = find(base, user, doc! {"unsettled": 1}).await?;
    match found.as_ref().and_then(|found| found.get_document("unsettled").ok()) {
        Some(unsettled) => distribute(base, user, unsettled).await,
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
        // Places are given out once; gaps, after a crash or where this is applied twice, are allowed.
        let found = super::upsert_with_retry(|| {
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

/// The last messages of a conversation, the oldest first.
pub(super) async fn recent(base: &Base, user: &UserId, limit: u32) -> Read<Vec<ChatMessage>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    // Messages that are not distributed yet belong to the transcript all the same. They are read first: those that are
    // distributed meanwhile are found twice, and count once.
    let held = find(base, user, doc! {"unsettled.chats": 1}).await?;
    let latest = doc! {"place": -1, "_id": -1};
    let found = base.collection(CHATS).find(doc! {"user_id": user.as_str()}).sort(latest).limit(limit.into()).await?;
    let ours = latest_of(found.try_collect().await?, held.as_ref(), limit, &base.settings.zone);
    Ok(merged(of_original(base, user.as_str(), limit).await?, ours, limit))
}

/// Messages of the original and ours in the order of their times; those of one program stay in their order.
fn merged(mut older: Vec<ChatMessage>, ours: Vec<ChatMessage>, limit: u32) -> Vec<ChatMessage> {
    if older.is_empty() {
        return ours;
    }
    older.sort_by_key(|message| message.at);
    let mut all = Vec::with_capacity(older.len() + ours.len());
    let mut older = older.into_iter().peekable();
    for message in ours {
        while let Some(earlier) = older.next_if(|earlier| earlier.at <= message.at) {
            all.push(earlier);
        }
        all.push(message);
    }
    all.extend(older);
    let surplus = all.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    all.split_off(surplus)
}

/// The latest of the messages of a conversation and of those that its document still holds, the oldest first.
fn latest_of(mut rows: Vec<Document>, held: Option<&Document>, limit: u32, zone: &TimeZone) -> Vec<ChatMessage> {
    let unsettled = held.and_then(|held| held.get_document("unsettled").ok());
    let held = unsettled.and_then(|unsettled| unsettled.get_array("chats").ok());
    for row in held.into_iter().flatten().filter_map(Bson::as_document) {
        if !rows.iter().any(|known| known.get("_id") == row.get("_id")) {
            rows.push(row.clone());
        }
    }
    // The latest first; messages of the original have no place, and count as earlier.
    rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows.reverse();
    all_readable(&rows, CHATS, |document| read_message(document, zone))
}

/// How many documents are looked at for a readable one.
const LATEST_OF_ORIGINAL: u32 = 20;

/// The last message that the original knows of each customer.
async fn last_of_original(base: &Base, names: &[&str]) -> Read<HashMap<String, ChatMessage>> {
    let history = base.collection(HISTORY);
    let steps = [
        doc! {"$match": {"user_id": {"$in": names}}},
        doc! {"$sort": {"user_id": 1, "_id": -1}},
        doc! {"$group": {"_id": "$user_id", "last": {"$first": "$$ROOT"}}},
    ];
    let mut found = history.aggregate(steps).allow_disk_use(true).await?;
    let mut lasts = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let (Ok(user), Ok(last)) = (text(&document, "_id"), document.get_document("last")) else { continue };
        let message = match readable(read_message(last, &base.settings.zone), HISTORY, last) {
            Some(message) => Some(message),
            // One that cannot be read hides no earlier one.
            None => of_original(base, &user, LATEST_OF_ORIGINAL).await?.pop(),
        };
        if let Some(message) = message {
            lasts.insert(user, message);
        }
    }
    Ok(lasts)
}

/// The readable ones of the last messages that the original knows of a customer, in the order in which they were inserted.
async fn of_original(base: &Base, user: &str, limit: u32) -> Read<Vec<ChatMessage>> {
    let found =
        base.collection(HISTORY).find(doc! {"user_id": user}).sort(doc! {"_id": -1}).limit(limit.into()).await?;
    let mut found: Vec<Document> = found.try_collect().await?;
    found.reverse();
    Ok(all_readable(&found, HISTORY, |document| read_message(document, &base.settings.zone)))
}

/// Conversations as they are listed, with one query for each collection.
pub(super) async fn summaries(base: &Base, users: &[UserId]) -> Read<Vec<ConversationSummary>> {
    let names: Vec<&str> = users.iter().map(UserId::as_str).collect();
    let fields = doc! {"version": 1, "state": 1, "unsettled.chats": 1};
    let found = base.collection(CONVERSATIONS).find(doc! {"_id": {"$in": &names}}).projection(fields).await?;
    let mut held: HashMap<String, Document> = HashMap::new();
    for document in found.try_collect::<Vec<Document>>().await? {
        if let Some(user) = readable(text(&document, "_id"), CONVERSATIONS, &document) {
            held.insert(user, document);
        }
    }
    let mut alerts = pending_of_many(base, &names).await?;
    // The index of conversations has the latest message of each first.
    let steps = [
        doc! {"$match": {"user_id": {"$in": &names}}},
        doc! {"$sort": {"user_id": 1, "place": -1, "_id": -1}},
        doc! {"$group": {"_id": "$user_id", "last": {"$first": "$$ROOT"}}},
    ];
    let found = base.collection(CHATS).aggregate(steps).allow_disk_use(true).await?;
    let mut lasts: HashMap<String, Document> = HashMap::new();
    for document in found.try_collect::<Vec<Document>>().await? {
        if let (Ok(user), Ok(last)) = (text(&document, "_id"), document.get_document("last")) {
            lasts.insert(user, last.clone());
        }
    }
    let mut earlier = last_of_original(base, &names).await?;
    let mut undelivered: HashMap<String, u64> = HashMap::new();
    let filter = doc! {"user_id": {"$in": &names}, "state": Delivery::Parked.as_str()};
    let mut found = base.collection(OUTBOX).find(filter).projection(doc! {"user_id": 1}).await?;
    while let Some(document) = found.try_next().await? {
        *undelivered.entry(text(&document, "user_id")?).or_default() += 1;
    }
    let mut opted_out = HashMap::new();
    let keys: Vec<String> = users.iter().map(suppression_key).collect();
    let mut found = base.collection(OPT_OUTS).find(doc! {"_id": {"$in": keys}, "stopped": true}).await?;
    while let Some(document) = found.try_next().await? {
        opted_out.insert(text(&document, "_id")?, time(&document, "at")?);
    }
    let summary = |user: &UserId| {
        let held = held.remove(user.as_str());
        let rows = lasts.remove(user.as_str()).into_iter().collect();
        let ours = latest_of(rows, held.as_ref(), 1, &base.settings.zone);
        let last = merged(earlier.remove(user.as_str()).into_iter().collect(), ours, 1).pop();
        let read = |held: &Document| readable(read_conversation(held), CONVERSATIONS, held).flatten();
        let conversation = held.as_ref().and_then(read);
        ConversationSummary {
            user_id: user.clone(),
            last,
            conversation,
            alert: alerts.remove(user.as_str()),
            undelivered: undelivered.remove(user.as_str()).unwrap_or(0),
            opted_out: opted_out.remove(&suppression_key(user)),
        }
    };
    Ok(users.iter().map(summary).collect())
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
            found.as_ref().map(read_conversation).transpose().map(Option::flatten)
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
            let saved = commit(&base, &turn).await? == Committed::Saved;
            if saved && !turn.rows.is_empty() {
                distribute_rest(&base, &turn.conversation.user_id).await?;
            }
            Ok(saved)
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
                let saved = commit(&base, &turn).await? == Committed::Saved;
                if saved {
                    distribute_rest(&base, &turn.conversation.user_id).await?;
                }
                Ok(saved)
            })
            .await?;
        if saved {
            self.notifier.notify();
        }
        Ok(saved)
    }
}

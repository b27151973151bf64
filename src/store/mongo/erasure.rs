//! Decides how the data of one customer is found and erased.
//!
//! It must never leave a claim of that customer current: the conversation goes first, and with it the fencing number.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::super::{Bound, Erased, Erasure, KeptMessage, PersonalData, Result};
use super::fault::Fault;
use super::schema::{ALERTS, AUDIT, BINDINGS, CHATS, CONVERSATIONS, CORRECTIONS, INBOX, LOOKUPS, OUTBOX, QUOTES};
use super::values::{holds, int, optional_text, optional_time, text, time};
use super::{Base, MongoStore, alerts, chats, corrections, inbox, ledger, outbox};
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{OrderId, UserId};

type Read<T> = std::result::Result<T, Fault>;

async fn all<T>(
    base: &Base,
    collection: &str,
    user: &UserId,
    order: Document,
    read: impl Fn(&Document) -> Read<T>,
) -> Read<Vec<T>> {
    let found = base.collection(collection).find(doc! {"user_id": user.as_str()}).sort(order).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    documents.iter().map(read).collect()
}

async fn lookups(base: &Base, user: &UserId) -> Read<Vec<Bound>> {
    let found = base.collection(LOOKUPS).find_one(doc! {"_id": user.as_str()}).await?;
    let orders = found.as_ref().and_then(|found| found.get_array("orders").ok());
    let orders = orders.into_iter().flatten().filter_map(Bson::as_document);
    orders.map(|order| Ok(Bound { order_id: OrderId::new(&text(order, "id")?), at: time(order, "at")? })).collect()
}

async fn collect(base: &Base, user: &UserId) -> Read<PersonalData> {
    chats::settle_left(base, user).await?;
    let conversation = chats::find(base, user, doc! {"version": 1, "state": 1}).await?;
    Ok(PersonalData {
        chats: chats::recent(base, user, u32::MAX).await?,
        conversation: conversation.map(chats::read_conversation).transpose()?.flatten(),
        corrections: all(base, CORRECTIONS, user, doc! {"turn": 1, "_id": 1}, corrections::read).await?,
        inbox: all(base, INBOX, user, doc! {"sent_at": 1}, |document| {
            Ok(KeptMessage { message: inbox::read_inbound(document)?, answered: !holds(document, "waiting") })
        })
        .await?,
        outbox: all(base, OUTBOX, user, doc! {"turn": 1, "sequence": 1}, outbox::read).await?,
        alerts: all(base, ALERTS, user, doc! {"created_at": 1}, alerts::read_alert).await?,
        bindings: all(base, BINDINGS, user, doc! {}, |document| {
            Ok(Bound { order_id: OrderId::new(&text(document, "_id")?), at: time(document, "at")? })
        })
        .await?,
        lookups: lookups(base, user).await?,
        quotes: all(base, QUOTES, user, doc! {}, ledger::read_quote).await?,
        ..PersonalData::none(user)
    })
}

async fn erase(base: &Base, user: &UserId, now: Timestamp) -> Read<Erased> {
    let own = doc! {"_id": user.as_str()};
    let taken = base.collection(CONVERSATIONS).find_one_and_delete(own.clone()).await?;
    let mut erased = Erased { conversations: u64::from(taken.is_some()), ..Erased::default() };
    if let Some(taken) = taken {
        let busy = optional_text(&taken, "worker")?.is_some() || taken.contains_key("unsettled");
        erased.held_until = optional_time(&taken, "due")?.filter(|until| busy && *until > now);
    }
    let delete = async |name: &str| -> Read<u64> {
        Ok(base.collection(name).delete_many(doc! {"user_id": user.as_str()}).await?.deleted_count)
    };
    erased.chats = delete(CHATS).await?;
    // After the messages: a correction of one that is gone is not kept.
    erased.corrections = delete(CORRECTIONS).await?;
    erased.inbox = delete(INBOX).await?;
    erased.outbox = delete(OUTBOX).await?;
    erased.alerts = delete(ALERTS).await?;
    erased.quotes = delete(QUOTES).await?;
    erased.lookups = base.collection(LOOKUPS).delete_one(own).await?.deleted_count;
    let nobody = format!("erased/{}", uuid::Uuid::now_v7().simple());
    let update = doc! {"$set": {"user_id": nobody}};
    erased.bindings =
        base.collection(BINDINGS).update_many(doc! {"user_id": user.as_str()}, update).await?.modified_count;
    Ok(erased)
}

async fn replace(base: &Base, entries: &[AuditEntry]) -> Read<u64> {
    let mut replaced = 0;
    for entry in entries {
        let filter = doc! {"_id": int(entry.seq), "hash": &entry.hash};
        let update = doc! {"$set": {"content": &entry.content}};
        replaced += base.collection(AUDIT).update_one(filter, update).await?.matched_count;
    }
    Ok(replaced)
}

#[async_trait]
impl Erasure for MongoStore {
    async fn data_of(&self, user: &UserId) -> Result<PersonalData> {
        let user = user.clone();
        self.run("reading what is kept of a customer", |base| async move { collect(&base, &user).await }).await
    }

    async fn erase_data_of(&self, user: &UserId, now: Timestamp) -> Result<Erased> {
        let user = user.clone();
        self.run("erasing what is kept of a customer", |base| async move { erase(&base, &user, now).await }).await
    }

    async fn replace_contents(&self, entries: &[AuditEntry]) -> Result<u64> {
        let entries = entries.to_vec();
        self.run("erasing contents of the audit trail", |base| async move { replace(&base, &entries).await }).await
    }
}

//! Finding and erasing the data of one customer. The conversation is removed first, and with it the fencing number: no
//! claim of the customer stays current.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::super::{Erased, Erasure, PersonalData, RequestedOrder, Result, StoredMessage};
use super::error::BackendError;
use super::odd::{all_readable, readable};
use super::schema::{
    ALERTS, AUDIT, BINDINGS, CHATS, CONVERSATIONS, CORRECTIONS, DRAFTS, HISTORY, INBOX, KNOWLEDGE_GAPS, LOOKUPS, MEDIA,
    NOTES, OPT_OUTS, OUTBOX, PINS, QUOTES, RATINGS,
};
use super::values::{int, is_true, optional_time, text, time};
use super::{
    Base, MongoStore, actions, chats, corrections, desk, events, inbox, knowledge_gaps, ledger, media, outbox, ratings,
};
use crate::domain::audit::AuditEntry;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::lookup;
use crate::domain::ownership::ERASED;

type Read<T> = std::result::Result<T, BackendError>;

async fn documents_of<T>(
    base: &Base,
    collection: &'static str,
    user: &UserId,
    order: Document,
    read: impl Fn(&Document) -> Read<T>,
) -> Read<Vec<T>> {
    let found = base.collection(collection).find(doc! {"user_id": user.as_str()}).sort(order).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&documents, collection, read))
}

async fn lookups(base: &Base, user: &UserId) -> Read<Vec<RequestedOrder>> {
    let found = base.collection(LOOKUPS).find_one(doc! {"_id": user.as_str()}).await?;
    let orders = found.as_ref().and_then(|found| found.get_array("orders").ok());
    let orders = orders.into_iter().flatten().filter_map(Bson::as_document);
    let read = |order: &Document| -> Read<_> {
        Ok(RequestedOrder { order_id: OrderId::new(&text(order, "id")?), at: time(order, "at")? })
    };
    Ok(orders.filter_map(|order| readable(read(order), LOOKUPS, order)).collect())
}

async fn collect(base: &Base, user: &UserId) -> Read<PersonalData> {
    chats::distribute_rest(base, user).await?;
    let conversation = chats::find(base, user, doc! {"version": 1, "state": 1}).await?;
    Ok(PersonalData {
        chats: chats::recent(base, user, u32::MAX).await?,
        conversation: conversation
            .as_ref()
            .and_then(|held| readable(chats::read_conversation(held), CONVERSATIONS, held).flatten()),
        corrections: documents_of(base, CORRECTIONS, user, doc! {"turn": 1, "_id": 1}, corrections::read).await?,
        unanswered: documents_of(base, KNOWLEDGE_GAPS, user, doc! {"turn": 1, "_id": 1}, knowledge_gaps::read).await?,
        drafts: documents_of(base, DRAFTS, user, doc! {"at": 1}, desk::read_draft).await?,
        notes: documents_of(base, NOTES, user, doc! {"at": 1}, desk::read_note).await?,
        ratings: documents_of(base, RATINGS, user, doc! {"asked_at": 1}, ratings::read).await?,
        pins: documents_of(base, PINS, user, doc! {"kind": 1, "name": 1}, desk::read_pin).await?,
        media: documents_of(base, MEDIA, user, doc! {"at": -1, "place": 1}, media::read).await?,
        inbox: documents_of(base, INBOX, user, doc! {"sent_at": 1}, |document| {
            Ok(StoredMessage { message: inbox::read_inbound(document)?, answered: !is_true(document, "waiting") })
        })
        .await?,
        outbox: documents_of(base, OUTBOX, user, doc! {"turn": 1, "sequence": 1}, outbox::read).await?,
        alerts: documents_of(base, ALERTS, user, doc! {"created_at": 1}, |document| base.alert(document)).await?,
        bindings: documents_of(base, BINDINGS, user, doc! {}, |document| {
            Ok(RequestedOrder { order_id: OrderId::new(&text(document, "_id")?), at: time(document, "at")? })
        })
        .await?,
        lookups: lookups(base, user).await?,
        quotes: documents_of(base, QUOTES, user, doc! {}, ledger::read_quote).await?,
        actions: actions::of_user(base, user).await?,
        events: events::events_of(base, user).await?,
        ..PersonalData::none(user)
    })
}

async fn erase(base: &Base, user: &UserId, now: Timestamp) -> Read<Erased> {
    let own = doc! {"_id": user.as_str()};
    let taken = base.collection(CONVERSATIONS).find_one_and_delete(own.clone()).await?;
    let mut erased = Erased { conversations: u64::from(taken.is_some()), ..Erased::default() };
    if let Some(taken) = taken {
        // Whatever is odd in it: it is gone.
        let busy = taken.contains_key("worker") || taken.contains_key("unsettled");
        erased.held_until = optional_time(&taken, "due").ok().flatten().filter(|until| busy && *until > now);
    }
    let delete = async |name: &str| -> Read<u64> {
        Ok(base.collection(name).delete_many(doc! {"user_id": user.as_str()}).await?.deleted_count)
    };
    erased.chats = delete(CHATS).await? + delete(HISTORY).await?;
    // After the messages: a correction of a removed message is not saved.
    erased.corrections = delete(CORRECTIONS).await?;
    erased.unanswered = delete(KNOWLEDGE_GAPS).await?;
    erased.drafts = delete(DRAFTS).await?;
    erased.notes = delete(NOTES).await?;
    erased.pins = delete(PINS).await?;
    erased.ratings = delete(RATINGS).await?;
    erased.media = delete(MEDIA).await?;
    erased.inbox = delete(INBOX).await?;
    erased.outbox = delete(OUTBOX).await?;
    erased.alerts = delete(ALERTS).await?;
    erased.quotes = delete(QUOTES).await?;
    erased.lookups = base.collection(LOOKUPS).delete_one(own).await?.deleted_count;
    // The wish itself stays, and names nobody.
    let mut unnamed = events::fields();
    unnamed.extend(doc! {"user_id": "", "message": ""});
    let unnamed = doc! {"$unset": unnamed};
    base.collection(OPT_OUTS).update_many(doc! {"user_id": user.as_str()}, unnamed).await?;
    base.collection(LOOKUPS).delete_one(doc! {"_id": lookup::answers_of(user).as_str()}).await?;
    super::identities::erase(base, user).await?;
    erased.actions = actions::erase(base, user).await?;
    erased.events = events::erase(base, user).await?;
    let nobody = format!("{ERASED}{}", uuid::Uuid::now_v7().simple());
    let update = doc! {"$set": {"user_id": nobody, "proof": "erased"}};
    erased.bindings =
        base.collection(BINDINGS).update_many(doc! {"user_id": user.as_str()}, update).await?.modified_count;
    Ok(erased)
}

async fn replace_contents(base: &Base, entries: &[AuditEntry]) -> Read<u64> {
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
        self.run("reading the data of a customer", |base| async move { collect(&base, &user).await }).await
    }

    async fn erase_data_of(&self, user: &UserId, now: Timestamp) -> Result<Erased> {
        let user = user.clone();
        self.run("erasing the data of a customer", |base| async move { erase(&base, &user, now).await }).await
    }

    async fn replace_contents(&self, entries: &[AuditEntry]) -> Result<u64> {
        let entries = entries.to_vec();
        self.run("erasing contents of the audit trail", |base| async move { replace_contents(&base, &entries).await })
            .await
    }
}

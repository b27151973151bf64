//! The collections and indexes of the database. No index or collection is ever dropped, and a database of a newer
//! version is not written.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::super::StoreError;
use super::Base;
use super::error::BackendError;
use super::order_documents::TAILS;
use crate::domain::order::column;
use crate::domain::phone;

pub(super) const ORDERS: &str = "order_details";
pub(super) const BINDINGS: &str = "bindings";
pub(super) const LOOKUPS: &str = "lookups";
pub(super) const REFUNDS: &str = "refunds";
pub(super) const QUOTES: &str = "quotes";
pub(super) const ACTIONS: &str = "actions";
pub(super) const CHATS: &str = "chats";
/// The transcript of the original. It is never made here.
pub(super) const HISTORY: &str = "chat_history";
pub(super) const CONVERSATIONS: &str = "conversations";
pub(super) const CORRECTIONS: &str = "corrections";
pub(super) const KNOWLEDGE_GAPS: &str = "knowledge_gaps";
pub(super) const DRAFTS: &str = "drafts";
pub(super) const NOTES: &str = "notes";
pub(super) const RATINGS: &str = "ratings";
pub(super) const PINS: &str = "pins";
pub(super) const TEAM_ENTRIES: &str = "team_entries";
pub(super) const MEDIA: &str = "media";
pub(super) const INBOX: &str = "inbox";
pub(super) const OUTBOX: &str = "outbox";
pub(super) const OPT_OUTS: &str = "opt_outs";
pub(super) const ALERTS: &str = "human_intervention_alerts";
pub(super) const AUDIT: &str = "audit";
pub(super) const AUDIT_HEAD: &str = "audit_head";
pub(super) const IDENTITIES: &str = "identities";
pub(super) const NUMBER_CHANGES: &str = "number_changes";
pub(super) const EVENTS: &str = "events";
pub(super) const DISPATCHES: &str = "event_dispatches";
pub(super) const CLOSED_ENDPOINTS: &str = "closed_endpoints";
pub(super) const META: &str = "meta";

/// Every collection that this program or the original creates.
pub(super) const COLLECTIONS: [&str; 29] = [
    ORDERS,
    BINDINGS,
    LOOKUPS,
    REFUNDS,
    QUOTES,
    ACTIONS,
    CHATS,
    HISTORY,
    CONVERSATIONS,
    CORRECTIONS,
    KNOWLEDGE_GAPS,
    DRAFTS,
    NOTES,
    RATINGS,
    PINS,
    TEAM_ENTRIES,
    MEDIA,
    INBOX,
    OUTBOX,
    OPT_OUTS,
    ALERTS,
    AUDIT,
    AUDIT_HEAD,
    IDENTITIES,
    NUMBER_CHANGES,
    EVENTS,
    DISPATCHES,
    CLOSED_ENDPOINTS,
    META,
];

/// The newest schema version that is known here.
const KNOWN: i64 = 11;

/// The version from which on orders are found by their telephone numbers, however these are written.
const PHONES_INDEXED: i64 = 5;

/// An index beside `_id`.
struct Index {
    collection: &'static str,
    keys: &'static [(&'static str, i32)],
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Plain,
    /// No two documents with the same keys. Where the data has some already, a plain index is created instead, and
    /// `doctor` reports that.
    Unique,
}

const fn plain(collection: &'static str, keys: &'static [(&'static str, i32)]) -> Index {
    Index { collection, keys, kind: Kind::Plain }
}

/// None of them is partial: every planner uses plain indexes, and they are as fast where the first field is selective.
/// Uniqueness comes from `_id` wherever possible.
const INDEXES: &[Index] = &[
    Index { collection: ORDERS, keys: &[("Order ID", 1)], kind: Kind::Unique },
    plain(ORDERS, &[("phone_tails", 1), ("placed_at", -1), ("Order ID", -1)]),
    plain(ORDERS, &[("Customer Phone", 1)]),
    plain(ORDERS, &[("Other Phones", 1)]),
    plain(ORDERS, &[("display_key", 1)]),
    plain(ORDERS, &[("Display ID", 1)]),
    plain(ORDERS, &[("Shop Order ID", 1)]),
    plain(ORDERS, &[("Refund Amount", 1)]),
    plain(ORDERS, &[("Refund Requested", 1)]),
    plain(QUOTES, &[("order_id", 1), ("user_id", 1), ("created_at", -1), ("_id", -1)]),
    plain(QUOTES, &[("user_id", 1)]),
    plain(ACTIONS, &[("order_id", 1), ("id", 1)]),
    plain(ACTIONS, &[("id", 1)]),
    plain(ACTIONS, &[("open", 1), ("id", -1)]),
    plain(ACTIONS, &[("pending", 1)]),
    plain(ACTIONS, &[("user_id", 1), ("id", 1)]),
    plain(ACTIONS, &[("events_waiting", 1)]),
    plain(REFUNDS, &[("actor", 1), ("at", 1)]),
    plain(BINDINGS, &[("user_id", 1)]),
    plain(IDENTITIES, &[("user_id", 1)]),
    plain(NUMBER_CHANGES, &[("user_id", 1)]),
    plain(NUMBER_CHANGES, &[("old", 1)]),
    plain(REFUNDS, &[("at", -1), ("_id", -1)]),
    plain(REFUNDS, &[("state", 1), ("at", -1), ("_id", -1)]),
    plain(REFUNDS, &[("next_at", 1)]),
    plain(REFUNDS, &[("transaction_id", 1)]),
    plain(REFUNDS, &[("marked", 1)]),
    plain(CHATS, &[("user_id", 1), ("place", -1), ("_id", -1)]),
    plain(CHATS, &[("timestamp", 1)]),
    plain(CHATS, &[("intent", 1), ("timestamp", 1)]),
    plain(CHATS, &[("sentiment", 1), ("timestamp", 1)]),
    plain(CHATS, &[("intent_confidence", 1)]),
    plain(HISTORY, &[("user_id", 1), ("_id", -1)]),
    plain(HISTORY, &[("timestamp", 1)]),
    plain(CORRECTIONS, &[("user_id", 1), ("turn", 1), ("_id", 1)]),
    plain(CORRECTIONS, &[("said_at", 1), ("_id", 1)]),
    plain(KNOWLEDGE_GAPS, &[("user_id", 1), ("turn", 1), ("_id", 1)]),
    plain(KNOWLEDGE_GAPS, &[("at", 1)]),
    plain(DRAFTS, &[("user_id", 1)]),
    plain(DRAFTS, &[("by", 1), ("at", -1), ("_id", -1)]),
    plain(DRAFTS, &[("at", 1)]),
    plain(NOTES, &[("user_id", 1), ("at", -1), ("_id", -1)]),
    plain(NOTES, &[("at", 1)]),
    plain(RATINGS, &[("user_id", 1)]),
    plain(RATINGS, &[("asked_at", -1), ("_id", -1)]),
    plain(PINS, &[("user_id", 1), ("kind", 1), ("name", 1)]),
    plain(PINS, &[("kind", 1), ("name", 1), ("at", -1), ("_id", -1)]),
    plain(PINS, &[("kind", 1), ("at", -1), ("_id", -1)]),
    plain(PINS, &[("at", 1)]),
    plain(TEAM_ENTRIES, &[("kind", 1), ("owner", 1), ("name", 1)]),
    plain(MEDIA, &[("open", 1), ("next_at", 1)]),
    plain(MEDIA, &[("done_at", 1)]),
    plain(MEDIA, &[("user_id", 1), ("at", -1), ("place", 1)]),
    plain(MEDIA, &[("order_id", 1), ("at", -1), ("place", 1)]),
    plain(MEDIA, &[("sha256", 1)]),
    plain(MEDIA, &[("at", 1)]),
    plain(CONVERSATIONS, &[("due", 1)]),
    plain(CONVERSATIONS, &[("parked_at", 1)]),
    plain(INBOX, &[("user_id", 1), ("waiting", 1), ("sent_at", 1), ("arrived", 1)]),
    plain(INBOX, &[("received_at", 1)]),
    plain(OUTBOX, &[("head", 1), ("next_at", 1)]),
    plain(OUTBOX, &[("pending", 1), ("user_id", 1), ("turn", 1), ("sequence", 1)]),
    plain(OUTBOX, &[("user_id", 1), ("turn", 1), ("sequence", 1)]),
    plain(OUTBOX, &[("state", 1), ("next_at", 1)]),
    plain(OUTBOX, &[("unmoved", 1)]),
    plain(OUTBOX, &[("provider_id", 1)]),
    plain(OUTBOX, &[("told_at", 1)]),
    plain(OUTBOX, &[("user_id", 1), ("state", 1)]),
    plain(OPT_OUTS, &[("user_id", 1)]),
    plain(OPT_OUTS, &[("stopped", 1)]),
    plain(INBOX, &[("user_id", 1), ("sent_at", -1)]),
    plain(ALERTS, &[("user_id", 1), ("status", 1)]),
    plain(ALERTS, &[("status", 1), ("priority", 1), ("created_at", 1)]),
    plain(ALERTS, &[("status", 1), ("resolved_at", 1)]),
    plain(ALERTS, &[("alert_id", 1)]),
    plain(ALERTS, &[("events_waiting", 1)]),
    plain(OPT_OUTS, &[("events_waiting", 1)]),
    plain(REFUNDS, &[("events_waiting", 1)]),
    plain(EVENTS, &[("new", 1), ("_id", 1)]),
    plain(EVENTS, &[("user_id", 1)]),
    plain(EVENTS, &[("at", 1), ("_id", 1)]),
    plain(DISPATCHES, &[("endpoint", 1), ("open", 1), ("next_at", 1)]),
    plain(DISPATCHES, &[("open", 1), ("event_at", 1)]),
    plain(DISPATCHES, &[("event_id", 1), ("endpoint", 1)]),
    plain(DISPATCHES, &[("state", 1), ("event_id", -1), ("endpoint", 1)]),
];

impl Index {
    fn keys(&self) -> Document {
        self.keys.iter().map(|(name, direction)| ((*name).to_owned(), Bson::Int32(*direction))).collect()
    }

    fn model(&self) -> IndexModel {
        let unique = (self.kind != Kind::Plain).then_some(true);
        let options = IndexOptions::builder().unique(unique).build();
        IndexModel::builder().keys(self.keys()).options(options).build()
    }

    fn named(&self) -> String {
        let keys: Vec<_> = self
            .keys
            .iter()
            .map(|(name, direction)| format!("{name}{}", if *direction < 0 { " descending" } else { "" }))
            .collect();
        let unique = if self.kind == Kind::Plain { "" } else { " (unique)" };
        format!("{}: {}{unique}", self.collection, keys.join(", "))
    }
}

/// The keys of the indexes that a collection has, and whether each is unique.
async fn existing(collection: &Collection<Document>) -> Result<Vec<(Document, bool)>, BackendError> {
    const NO_COLLECTION: i32 = 26;
    let cursor = match collection.list_indexes().await {
        Ok(cursor) => cursor,
        Err(error) => {
            return match error.kind.as_ref() {
                mongodb::error::ErrorKind::Command(command) if command.code == NO_COLLECTION => Ok(Vec::new()),
                _ => Err(error.into()),
            };
        }
    };
    let found: Vec<IndexModel> = cursor.try_collect().await?;
    Ok(found
        .into_iter()
        .map(|model| {
            let unique = model.options.and_then(|options| options.unique).unwrap_or(false);
            (directions(&model.keys), unique)
        })
        .collect())
}

/// Servers return directions as any type of number.
fn directions(keys: &Document) -> Document {
    let direction = |value: &Bson| match value {
        Bson::Int64(number) => i32::try_from(*number).map_or_else(|_| value.clone(), Bson::Int32),
        Bson::Double(1.0) => Bson::Int32(1),
        Bson::Double(-1.0) => Bson::Int32(-1),
        other => other.clone(),
    };
    keys.iter().map(|(name, value)| (name.clone(), direction(value))).collect()
}

/// The schema version that is written in the database.
pub(super) async fn version(base: &Base) -> Result<Option<i64>, BackendError> {
    let found = base.collection(META).find_one(doc! {"_id": "schema"}).await?;
    found.map(|document| super::values::whole(&document, "version")).transpose()
}

/// Adds what finds the orders of earlier versions by their telephone numbers.
async fn index_phones(base: &Base) -> Result<(), BackendError> {
    let filter = doc! {column::PHONE: {"$gt": ""}};
    let fields = doc! {column::PHONE: 1};
    let found = base.collection(ORDERS).find(filter).projection(fields).await?;
    let mut orders = found.try_ready_chunks(1_000);
    while let Some(orders) = orders.try_next().await.map_err(|error| BackendError::from(error.1))? {
        let updates: Vec<Document> = orders
            .iter()
            .filter_map(|order| {
                let tail = phone::tail(order.get_str(column::PHONE).ok()?)?;
                Some(doc! {"q": {"_id": order.get("_id")?}, "u": {"$addToSet": {TAILS: tail}}})
            })
            .collect();
        if !updates.is_empty() {
            base.db.run_command(doc! {"update": ORDERS, "updates": updates, "ordered": false}).await?;
        }
    }
    Ok(())
}

/// Checks the schema version; with `create`, creates what is missing.
pub(super) async fn prepare(base: Base, create: bool) -> Result<(), BackendError> {
    let found = version(&base).await?;
    if let Some(found) = found.filter(|found| *found > KNOWN) {
        let path = base.shown.to_string();
        return Err(BackendError::Known(StoreError::Newer { path, found, known: KNOWN }));
    }
    if !create {
        if found.is_none() {
            let names = base.db.list_collection_names().await?;
            if !names.iter().any(|name| COLLECTIONS.contains(&name.as_str())) {
                return Err(BackendError::Known(StoreError::Missing { path: base.shown.to_string() }));
            }
        }
        return Ok(());
    }
    let mut missing: BTreeMap<&str, Vec<&Index>> = BTreeMap::new();
    let has_history = has_history(&base).await?;
    for name in COLLECTIONS {
        let wanted = wanted(name, has_history);
        if wanted.is_empty() {
            continue;
        }
        let there = existing(&base.collection(name)).await?;
        let lacking: Vec<_> =
            wanted.into_iter().filter(|index| !there.iter().any(|(keys, _)| *keys == index.keys())).collect();
        if !lacking.is_empty() {
            missing.insert(name, lacking);
        }
    }
    for (name, indexes) in missing {
        let collection = base.collection(name);
        match collection.create_indexes(indexes.iter().map(|index| index.model())).await {
            Ok(_) => {}
            Err(error) => {
                let error = BackendError::from(error);
                if !error.is_duplicate() || name != ORDERS {
                    return Err(error);
                }
                // The original's data may hold an order more than once: it stays readable, and doctor reports it.
                tracing::warn!("order_details holds an order id more than once: its index is not unique");
                for index in indexes {
                    let model = if index.kind == Kind::Unique {
                        IndexModel::builder().keys(index.keys()).build()
                    } else {
                        index.model()
                    };
                    collection.create_index(model).await?;
                }
            }
        }
    }
    if found.is_some_and(|found| found < KNOWN) {
        if found.is_some_and(|found| found < PHONES_INDEXED) {
            index_phones(&base).await?;
        }
        // The version keeps older programs away, which know neither trimmed audit trails nor that corrections and events
        // have to be erased.
        let older = doc! {"_id": "schema", "version": {"$lt": KNOWN}};
        base.collection(META).update_one(older, doc! {"$set": {"version": KNOWN}}).await?;
    }
    if found.is_none() {
        let set = doc! {"$setOnInsert": {"version": KNOWN}};
        match base
            .collection(META)
            .update_one(doc! {"_id": "schema"}, set)
            .upsert(true)
            .await
            .map_err(BackendError::from)
        {
            Err(error) if !error.is_duplicate() => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether the original's transcript is there: only then it has indexes.
async fn has_history(base: &Base) -> Result<bool, BackendError> {
    Ok(base.collection(HISTORY).estimated_document_count().await? > 0)
}

fn wanted(collection: &str, has_history: bool) -> Vec<&'static Index> {
    if collection == HISTORY && !has_history {
        return Vec::new();
    }
    INDEXES.iter().filter(|index| index.collection == collection).collect()
}

/// The needed indexes that exist.
pub(super) async fn existing_indexes(base: &Base) -> Result<Vec<String>, BackendError> {
    let (there, _) = compare(base).await?;
    Ok(there)
}

/// The problems of the database.
pub(super) async fn problems(base: &Base) -> Result<Vec<String>, BackendError> {
    // One that this program has not worked on yet lacks indexes, and nothing is wrong with it.
    if version(base).await?.is_none() {
        return Ok(Vec::new());
    }
    let (_, problems) = compare(base).await?;
    Ok(problems)
}

async fn compare(base: &Base) -> Result<(Vec<String>, Vec<String>), BackendError> {
    let (mut there, mut wrong) = (Vec::new(), Vec::new());
    let has_history = has_history(base).await?;
    for name in COLLECTIONS {
        let wanted = wanted(name, has_history);
        if wanted.is_empty() {
            continue;
        }
        let existing = existing(&base.collection(name)).await?;
        for index in wanted {
            match existing.iter().find(|(keys, _)| *keys == index.keys()) {
                None => wrong.push(format!("the index {} is missing", index.named())),
                Some((_, unique)) if index.kind != Kind::Plain && !unique => {
                    wrong.push(format!(
                        "the index {} is not unique, because documents with the same key were there before it",
                        index.named()
                    ));
                }
                Some(_) => there.push(index.named()),
            }
        }
    }
    Ok((there, wrong))
}

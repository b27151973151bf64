//! Decides which collections and indexes the database has, and whether it is one of ours.
//!
//! It must never drop an index or a collection, nor write to a database of a newer version.

use std::collections::BTreeMap;

use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Collection, IndexModel};

use super::super::StoreError;
use super::Base;
use super::fault::Fault;

pub(super) const ORDERS: &str = "order_details";
pub(super) const BINDINGS: &str = "bindings";
pub(super) const LOOKUPS: &str = "lookups";
pub(super) const REFUNDS: &str = "refunds";
pub(super) const QUOTES: &str = "quotes";
pub(super) const CHATS: &str = "chats";
pub(super) const CONVERSATIONS: &str = "conversations";
pub(super) const CORRECTIONS: &str = "corrections";
pub(super) const INBOX: &str = "inbox";
pub(super) const OUTBOX: &str = "outbox";
pub(super) const ALERTS: &str = "human_intervention_alerts";
pub(super) const AUDIT: &str = "audit";
pub(super) const AUDIT_HEAD: &str = "audit_head";
pub(super) const META: &str = "meta";

/// Every collection that this program or the original makes.
pub(super) const COLLECTIONS: [&str; 14] = [
    ORDERS,
    BINDINGS,
    LOOKUPS,
    REFUNDS,
    QUOTES,
    CHATS,
    CONVERSATIONS,
    CORRECTIONS,
    INBOX,
    OUTBOX,
    ALERTS,
    AUDIT,
    AUDIT_HEAD,
    META,
];

/// The newest schema version that is known here.
const KNOWN: i64 = 3;

/// An index beside `_id`.
struct Index {
    collection: &'static str,
    keys: &'static [(&'static str, i32)],
    kind: Kind,
}

#[derive(PartialEq, Eq)]
enum Kind {
    Plain,
    /// No two documents with the same keys. Where the data has some already, a plain index takes its place and `doctor`
    /// says so.
    Unique,
}

const fn plain(collection: &'static str, keys: &'static [(&'static str, i32)]) -> Index {
    Index { collection, keys, kind: Kind::Plain }
}

/// None of them is partial: a plain one serves every query whatever a planner makes of partial ones, and is as fast where
/// the first field tells the documents apart. What has to be unique is so by `_id` wherever that can be.
const INDEXES: &[Index] = &[
    Index { collection: ORDERS, keys: &[("Order ID", 1)], kind: Kind::Unique },
    plain(QUOTES, &[("order_id", 1), ("user_id", 1), ("created_at", -1), ("_id", -1)]),
    plain(QUOTES, &[("user_id", 1)]),
    plain(BINDINGS, &[("user_id", 1)]),
    plain(REFUNDS, &[("at", -1), ("_id", -1)]),
    plain(CHATS, &[("user_id", 1), ("place", -1), ("_id", -1)]),
    plain(CHATS, &[("timestamp", 1)]),
    plain(CHATS, &[("intent", 1), ("timestamp", 1)]),
    plain(CHATS, &[("sentiment", 1), ("timestamp", 1)]),
    plain(CHATS, &[("intent_confidence", 1)]),
    plain(CORRECTIONS, &[("user_id", 1), ("turn", 1), ("_id", 1)]),
    plain(CORRECTIONS, &[("said_at", 1), ("_id", 1)]),
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
    plain(ALERTS, &[("user_id", 1), ("status", 1)]),
    plain(ALERTS, &[("status", 1), ("priority", 1), ("created_at", 1)]),
    plain(ALERTS, &[("status", 1), ("resolved_at", 1)]),
    plain(ALERTS, &[("alert_id", 1)]),
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
async fn existing(collection: &Collection<Document>) -> Result<Vec<(Document, bool)>, Fault> {
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

/// Servers give directions back as any kind of number.
fn directions(keys: &Document) -> Document {
    let direction = |value: &Bson| match value {
        Bson::Int64(number) => i32::try_from(*number).map_or_else(|_| value.clone(), Bson::Int32),
        Bson::Double(number) if *number == 1.0 || *number == -1.0 => Bson::Int32(if *number > 0.0 { 1 } else { -1 }),
        other => other.clone(),
    };
    keys.iter().map(|(name, value)| (name.clone(), direction(value))).collect()
}

/// The schema version that is written in the database.
pub(super) async fn version(base: &Base) -> Result<Option<i64>, Fault> {
    let found = base.collection(META).find_one(doc! {"_id": "schema"}).await?;
    found.map(|document| super::values::whole(&document, "version")).transpose()
}

/// Checks that the database is understood; with `make`, makes what is missing.
pub(super) async fn prepare(base: Base, make: bool) -> Result<(), Fault> {
    let found = version(&base).await?;
    if let Some(found) = found.filter(|found| *found > KNOWN) {
        let path = base.shown.to_string();
        return Err(Fault::Known(StoreError::Newer { path, found, known: KNOWN }));
    }
    if !make {
        if found.is_none() {
            let names = base.db.list_collection_names().await?;
            if !names.iter().any(|name| COLLECTIONS.contains(&name.as_str())) {
                return Err(Fault::Known(StoreError::Missing { path: base.shown.to_string() }));
            }
        }
        return Ok(());
    }
    let mut missing: BTreeMap<&str, Vec<&Index>> = BTreeMap::new();
    for name in COLLECTIONS {
        let wanted: Vec<&Index> = INDEXES.iter().filter(|index| index.collection == name).collect();
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
                let fault = Fault::from(error);
                if !fault.is_duplicate() || name != ORDERS {
                    return Err(fault);
                }
                // The original's data may hold an order more than once: it stays readable, and doctor says so.
                tracing::warn!("order_details holds an order id more than once: its index is not unique");
                collection.create_index(IndexModel::builder().keys(indexes[0].keys()).build()).await?;
            }
        }
    }
    if found.is_some_and(|found| found < KNOWN) {
        // The indexes were all there was to do. From now on an older program, which does not know of trails that were
        // cut, nor that corrections have to be forgotten, keeps away.
        let older = doc! {"_id": "schema", "version": {"$lt": KNOWN}};
        base.collection(META).update_one(older, doc! {"$set": {"version": KNOWN}}).await?;
    }
    if found.is_none() {
        let set = doc! {"$setOnInsert": {"version": KNOWN}};
        match base.collection(META).update_one(doc! {"_id": "schema"}, set).upsert(true).await.map_err(Fault::from) {
            Err(fault) if !fault.is_duplicate() => return Err(fault),
            _ => {}
        }
    }
    Ok(())
}

/// The indexes that are there, of those that are needed.
pub(super) async fn listed(base: &Base) -> Result<Vec<String>, Fault> {
    let (there, _) = compare(base).await?;
    Ok(there)
}

/// What is wrong with the database.
pub(super) async fn problems(base: &Base) -> Result<Vec<String>, Fault> {
    let (_, mut problems) = compare(base).await?;
    if version(base).await?.is_none() {
        problems.push("it has no schema version yet: it is prepared when it is first opened for writing".to_owned());
    }
    Ok(problems)
}

async fn compare(base: &Base) -> Result<(Vec<String>, Vec<String>), Fault> {
    let (mut there, mut wrong) = (Vec::new(), Vec::new());
    for name in COLLECTIONS {
        let wanted: Vec<&Index> = INDEXES.iter().filter(|index| index.collection == name).collect();
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

//! Decides by what it is noticed that anything changed which the team's pages show.
//!
//! It must never read more than the latest document of its kind; a change that only removes documents is told by the audit.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use futures_util::try_join;
use mongodb::bson::{Bson, DateTime, Document, doc};

use super::Base;
use super::fault::Fault;
use super::schema::{ALERTS, AUDIT_HEAD, CHATS, OUTBOX, REFUNDS};
use super::values::{any_date, optional_time, optional_whole};

/// The latest times that were found. The next look begins there: the latest is then found at once by a server, too, that does
/// not go through an index backwards.
pub(super) type Known = Mutex<HashMap<&'static str, DateTime>>;

/// A kind of document whose latest tells of a change.
struct Kind {
    name: &'static str,
    collection: &'static str,
    filter: Document,
    field: &'static str,
}

/// The latest document of a kind by its time.
async fn latest(base: &Base, known: &Known, kind: Kind, more: &[&str]) -> Result<Option<Document>, Fault> {
    let Kind { name, collection, filter, field } = kind;
    let fields: Document = more.iter().chain([&field]).map(|field| ((*field).to_owned(), Bson::Int32(1))).collect();
    let find = async |filter: Document| {
        base.collection(collection).find_one(filter).sort(doc! {field: -1}).projection(fields.clone()).await
    };
    let since = known.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
    let mut found = None;
    if let Some(since) = since {
        let mut narrowed = filter.clone();
        narrowed.insert(field, doc! {"$gte": since});
        found = find(narrowed).await?;
    }
    if found.is_none() {
        // The first look, or the latest is gone.
        found = find(filter).await?;
    }
    let at = found.as_ref().and_then(|found| found.get_datetime(field).ok().copied());
    let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
    // Dates come after the other types that a time may have, so that from a date on there are only dates.
    match at {
        Some(at) => known.insert(name, at),
        None => known.remove(name),
    };
    Ok(found)
}

/// Another text than before, where anything changed.
pub(super) async fn mark(base: &Base, known: &Known) -> Result<String, Fault> {
    let (pending, resolved) = (doc! {"status": "pending"}, doc! {"status": "resolved"});
    let kinds = [
        Kind { name: "chats", collection: CHATS, filter: doc! {}, field: "timestamp" },
        Kind { name: "refunds", collection: REFUNDS, filter: doc! {}, field: "at" },
        Kind { name: "pending", collection: ALERTS, filter: pending, field: "created_at" },
        Kind { name: "resolved", collection: ALERTS, filter: resolved, field: "resolved_at" },
        Kind { name: "sent", collection: OUTBOX, filter: doc! {"state": "sent"}, field: "next_at" },
        Kind { name: "parked", collection: OUTBOX, filter: doc! {"state": "parked"}, field: "next_at" },
    ];
    let times = kinds.map(|kind| async move {
        let field = kind.field;
        let found = latest(base, known, kind, &[]).await?;
        found.map_or(Ok(None), |found| optional_time(&found, field))
    });
    // News of a sent message changes no time of it but this, by the server's clock.
    let told =
        Kind { name: "told", collection: OUTBOX, filter: doc! {"told_at": {"$gt": any_date()}}, field: "told_at" };
    let (head, alerts, times, news) = try_join!(
        async { Ok(base.collection(AUDIT_HEAD).find_one(doc! {"_id": "head"}).await?) },
        async { Ok(base.collection(ALERTS).count_documents(doc! {"status": "pending"}).await?) },
        try_join_all(times),
        latest(base, known, told, &["receipt"]),
    )?;
    let head = head.map_or(Ok(None), |head| optional_whole(&head, "seq"))?;
    Ok(format!("{head:?}/{alerts}/{times:?}/{news:?}"))
}

//! The change token: made of the latest document of each kind that the team's pages show. A change that only removes
//! documents is covered by its audit entry.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::future::try_join_all;
use futures_util::try_join;
use mongodb::bson::{Bson, DateTime, Document, doc};

use super::Base;
use super::error::BackendError;
use super::schema::{ALERTS, AUDIT_HEAD, CHATS, HISTORY, MEDIA, OUTBOX, REFUNDS};
use super::values::{any_date, optional_time, optional_whole};

/// The latest times that were found. The next query begins there, which is fast also on a server that does not scan an
/// index backwards.
pub(super) type LatestTimes = Mutex<HashMap<&'static str, DateTime>>;

/// A kind of document whose latest shows a change.
struct Kind {
    name: &'static str,
    collection: &'static str,
    filter: Document,
    field: &'static str,
}

/// The latest document of a kind by its time.
async fn latest(
    base: &Base,
    latest_times: &LatestTimes,
    kind: Kind,
    more: &[&str],
) -> Result<Option<Document>, BackendError> {
    let Kind { name, collection, filter, field } = kind;
    let fields: Document = more.iter().chain([&field]).map(|field| ((*field).to_owned(), Bson::Int32(1))).collect();
    let find = async |filter: Document| {
        base.collection(collection).find_one(filter).sort(doc! {field: -1}).projection(fields.clone()).await
    };
    let since = latest_times.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
    let mut found = None;
    if let Some(since) = since {
        let mut narrowed = filter.clone();
        narrowed.insert(field, doc! {"$gte": since});
        found = find(narrowed).await?;
    }
    if found.is_none() {
        // The first query, or the latest document was removed.
        found = find(filter).await?;
    }
    let at = found.as_ref().and_then(|found| found.get_datetime(field).ok().copied());
    let mut times = latest_times.lock().unwrap_or_else(PoisonError::into_inner);
    // Dates come after the other types that a time may have, so that from a date on there are only dates.
    match at {
        Some(at) => times.insert(name, at),
        None => times.remove(name),
    };
    Ok(found)
}

/// A text that differs from the one before where anything changed.
pub(super) async fn change_token(base: &Base, latest_times: &LatestTimes) -> Result<String, BackendError> {
    let (pending, resolved) = (doc! {"status": "pending"}, doc! {"status": "resolved"});
    let kinds = [
        Kind { name: "chats", collection: CHATS, filter: doc! {}, field: "timestamp" },
        Kind { name: "history", collection: HISTORY, filter: doc! {}, field: "timestamp" },
        Kind { name: "refunds", collection: REFUNDS, filter: doc! {}, field: "at" },
        Kind { name: "pending", collection: ALERTS, filter: pending, field: "created_at" },
        Kind { name: "resolved", collection: ALERTS, filter: resolved, field: "resolved_at" },
        Kind { name: "sent", collection: OUTBOX, filter: doc! {"state": "sent"}, field: "next_at" },
        Kind { name: "parked", collection: OUTBOX, filter: doc! {"state": "parked"}, field: "next_at" },
    ];
    let times = kinds.map(|kind| async move {
        let field = kind.field;
        let found = latest(base, latest_times, kind, &[]).await?;
        // One whose time is odd is there or is not.
        Ok::<_, BackendError>(found.map(|found| optional_time(&found, field).ok().flatten()))
    });
    // The status of a sent message changes only this time, by the server's clock.
    let receipts =
        Kind { name: "receipts", collection: OUTBOX, filter: doc! {"told_at": {"$gt": any_date()}}, field: "told_at" };
    let media =
        Kind { name: "media", collection: MEDIA, filter: doc! {"done_at": {"$gt": any_date()}}, field: "done_at" };
    let (head, alerts, times, receipt, media) = try_join!(
        async { Ok(base.collection(AUDIT_HEAD).find_one(doc! {"_id": "head"}).await?) },
        async { Ok(base.collection(ALERTS).count_documents(doc! {"status": "pending"}).await?) },
        try_join_all(times),
        latest(base, latest_times, receipts, &["receipt"]),
        latest(base, latest_times, media, &[]),
    )?;
    let head = head.and_then(|head| optional_whole(&head, "seq").ok().flatten());
    Ok(format!("{head:?}/{alerts}/{times:?}/{receipt:?}/{media:?}"))
}

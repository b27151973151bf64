//! What the original system and this program tell each other in one database: the names of the original's databases and
//! collections, the times that it writes without a zone, and the refunds of both.
//!
//! The original marks an order as paid back in the order's document, and looks there before it pays. So does this program: it
//! takes that mark first, in one update of one document, and records the refund afterwards. A mark of ours without a refund in
//! the ledger is what a crash left: it keeps the original from paying, and the next attempt goes on from there.

use futures_util::TryStreamExt as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, civil};
use mongodb::bson::{Bson, Document, doc};

use super::super::StoreError;
use super::error::BackendError;
use super::odd::readable;
use super::schema::{self, ALERTS, CHATS, COLLECTIONS, HISTORY, META, ORDERS, REFUNDS};
use super::values::{amount, is_empty, optional_time, to_amount};
use super::{Base, ledger};
use crate::domain::currency::{Amount, Currency, ShopMoney};
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::column;
use crate::domain::refund::Refund;

type Read<T> = std::result::Result<T, BackendError>;

/// The database that the original's code names; its documentation names the default of this program.
pub(super) const OTHER_DATABASE: &str = "grocery_shipping";

/// What `Refund Requested` holds where the money was paid back.
pub(super) const PROCESSED: &str = "Processed";
/// As it is searched for, whatever the case.
const PROCESSED_PATTERN: &str = "^\\s*processed\\s*$";
pub(super) const REFUND_AMOUNT: &str = "Refund Amount";
const REFUND_REASON: &str = "Refund Reason";
const REFUND_DATE: &str = "Refund Date";
/// Our transaction; the original writes none.
const REFUND_TRANSACTION: &str = "Refund Transaction";

/// How long after its time a document may be inserted, where the program that writes it is at work.
const AT_WORK: SignedDuration = SignedDuration::from_mins(10);

/// When the server's driver made the key of a document, where it did.
fn inserted(document: &Document) -> Option<Timestamp> {
    let Some(Bson::ObjectId(id)) = document.get("_id") else { return None };
    Timestamp::from_millisecond(id.timestamp().timestamp_millis()).ok()
}

/// A time, also one without a zone: that is the shop's, unless the document's key, which holds the moment of its making, shows
/// that it was written in UTC; and a date that lies after that moment was written in the shop's zone.
pub(super) fn written_time(document: &Document, field: &str, zone: &TimeZone) -> Read<Option<Timestamp>> {
    let local = |at: civil::DateTime| zone.to_ambiguous_timestamp(at).compatible().ok();
    let inserted = inserted(document);
    let near = |at: Timestamp| inserted.is_some_and(|inserted| at.duration_since(inserted).abs() <= AT_WORK);
    match document.get(field) {
        Some(Bson::String(text)) => {
            let text = text.trim();
            let naive = match text.parse::<Timestamp>() {
                Ok(_) => None,
                Err(_) => text.parse::<civil::DateTime>().ok(),
            };
            let Some(naive) = naive else { return optional_time(document, field) };
            let here = local(naive);
            let there = naive.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp());
            Ok(match (here, there) {
                (Some(here), Some(there)) if !near(here) && near(there) => Some(there),
                (here, there) => here.or(there),
            })
        }
        Some(Bson::DateTime(_)) => {
            let Some(at) = optional_time(document, field)? else { return Ok(None) };
            let late = inserted.is_some_and(|inserted| at.duration_since(inserted) > AT_WORK);
            let here = local(at.to_zoned(TimeZone::UTC).datetime()).filter(|here| late && near(*here));
            Ok(Some(here.unwrap_or(at)))
        }
        _ => optional_time(document, field),
    }
}

/// Whether a document's time is a text without a zone.
pub(super) fn is_naive(document: &Document, field: &str) -> bool {
    document
        .get(field)
        .and_then(Bson::as_str)
        .is_some_and(|text| text.trim().parse::<Timestamp>().is_err() && text.trim().parse::<civil::DateTime>().is_ok())
}

/// Whether an order's document says that it was paid back.
pub(super) fn is_paid_back(document: &Document) -> bool {
    let marked = document.get(column::REFUND_REQUESTED).and_then(Bson::as_str);
    marked.is_some_and(|word| word.trim().eq_ignore_ascii_case(PROCESSED)) || !is_empty(document.get(REFUND_AMOUNT))
}

/// How programs write an order's identifier: as here, in small letters, or as a number.
pub(super) fn written_ids(id: &OrderId) -> Vec<Bson> {
    let id = id.as_str();
    let mut written = vec![Bson::from(id)];
    let small = id.to_lowercase();
    if small != id {
        written.push(small.into());
    }
    // A number that begins with zero would not be written so.
    written.extend(id.parse::<i64>().ok().filter(|number| number.to_string() == id).map(Bson::Int64));
    written
}

/// The fields that tell who paid an order back, for a projection.
pub(super) fn mark_fields() -> Document {
    doc! {"_id": 0, column::ORDER_ID: 1, column::REFUND_REQUESTED: 1, REFUND_AMOUNT: 1, REFUND_TRANSACTION: 1}
}

/// Whether it was paid back by another program: a mark of ours counts by the ledger alone.
pub(super) fn is_paid_elsewhere(document: &Document) -> bool {
    is_paid_back(document) && is_empty(document.get(REFUND_TRANSACTION))
}

/// The fields of a mark.
fn mark_of(refund: &Refund, zone: &TimeZone) -> Document {
    doc! {
        column::REFUND_REQUESTED: PROCESSED,
        REFUND_AMOUNT: to_amount(refund.amount, refund.currency),
        REFUND_REASON: &refund.reason,
        REFUND_DATE: refund.at.to_zoned(zone.clone()).datetime().to_string(),
        REFUND_TRANSACTION: &refund.transaction_id,
    }
}

/// Marks the order of a refund, unless another program did. An order that is not there needs no mark: nobody pays for it.
///
/// # Errors
/// When another program paid the order back.
pub(super) async fn mark(base: &Base, refund: &Refund) -> Read<()> {
    let orders = base.collection(ORDERS);
    let order = doc! {column::ORDER_ID: {"$in": written_ids(&refund.order_id)}};
    let mut free = order.clone();
    free.insert(
        "$or",
        vec![
            doc! {REFUND_TRANSACTION: {"$exists": true, "$ne": Bson::Null}},
            doc! {column::REFUND_REQUESTED: {"$not": {"$regex": PROCESSED_PATTERN, "$options": "i"}}, REFUND_AMOUNT: Bson::Null},
        ],
    );
    // Both, where the original's data holds an order twice.
    let marked = orders.update_many(free, doc! {"$set": mark_of(refund, &base.settings.zone)}).await?;
    if marked.matched_count > 0 {
        return Ok(());
    }
    match orders.find_one(order).await? {
        Some(found) if is_paid_elsewhere(&found) => Err(BackendError::PaidElsewhere(refund.order_id.clone())),
        _ => Ok(()),
    }
}

/// Marks the orders of these ids that have a refund in the ledger and no mark: they came back, or the mark was lost.
pub(super) async fn mark_again(base: &Base, ids: &[String]) -> Read<u64> {
    let found = base.collection(REFUNDS).find(doc! {"_id": {"$in": ids}}).await?;
    mark_each(base, found.try_collect().await?).await
}

async fn mark_each(base: &Base, refunds: Vec<Document>) -> Read<u64> {
    let mut marked = 0;
    for document in refunds {
        let Some(refund) = readable(ledger::read_refund(&document), REFUNDS, &document) else { continue };
        let filter = doc! {
            column::ORDER_ID: {"$in": written_ids(&refund.order_id)}, REFUND_TRANSACTION: {"$ne": &refund.transaction_id},
            REFUND_AMOUNT: Bson::Null,
        };
        let set = doc! {"$set": mark_of(&refund, &base.settings.zone)};
        marked += base.collection(ORDERS).update_many(filter, set).await?.matched_count;
        let told = doc! {"$set": {"marked": true}};
        base.collection(REFUNDS).update_one(doc! {"_id": refund.order_id.as_str()}, told).await?;
    }
    Ok(marked)
}

/// Sets right what an import, a crash or an earlier version of this program left: every order that was paid back is marked, so
/// that the original beside us pays none again.
pub(super) async fn repair(base: &Base) -> Read<()> {
    let lost = doc! {
        REFUND_AMOUNT: {"$nin": [Bson::Null]}, column::REFUND_REQUESTED: {"$ne": PROCESSED},
    };
    let again = doc! {"$set": {column::REFUND_REQUESTED: PROCESSED}};
    let mut marked = base.collection(ORDERS).update_many(lost, again).await?.matched_count;
    let mut unmarked = base.collection(REFUNDS).find(doc! {"marked": Bson::Null}).await?;
    let mut batch = Vec::new();
    while let Some(document) = unmarked.try_next().await? {
        batch.push(document);
        if batch.len() == 500 {
            marked += mark_each(base, std::mem::take(&mut batch)).await?;
        }
    }
    marked += mark_each(base, batch).await?;
    if marked > 0 {
        tracing::info!(orders = marked, "orders that were paid back are marked as that again");
    }
    Ok(())
}

/// What another program paid back: how many orders, the sum of what can be read, and how many amounts cannot.
#[derive(Debug, Default)]
pub(super) struct PaidElsewhere {
    pub(super) orders: u64,
    pub(super) amount: Money,
    pub(super) unread: u64,
}

/// The orders that another program paid back, each with its amount and its time where they can be read.
pub(super) async fn paid_elsewhere(base: &Base) -> Read<Vec<(Document, Option<Money>, Option<Timestamp>)>> {
    let filter = doc! {
        "$or": [{column::REFUND_REQUESTED: {"$regex": PROCESSED_PATTERN, "$options": "i"}},
            {REFUND_AMOUNT: {"$nin": [Bson::Null]}}],
        REFUND_TRANSACTION: Bson::Null,
    };
    let found: Vec<Document> = base.collection(ORDERS).find(filter).await?.try_collect().await?;
    let mut paid = Vec::new();
    for document in found.into_iter().filter(is_paid_elsewhere) {
        // The original knows rupees only.
        let amount = amount(&document, REFUND_AMOUNT, Currency::INR).ok();
        let at = written_time(&document, REFUND_DATE, &base.settings.zone).ok().flatten();
        paid.push((document, amount, at));
    }
    Ok(paid)
}

async fn sum_elsewhere(base: &Base) -> Read<PaidElsewhere> {
    let mut sum = PaidElsewhere::default();
    for (_, amount, _) in paid_elsewhere(base).await? {
        sum.orders += 1;
        match amount {
            Some(amount) => {
                sum.amount = Money::from_minor_units(sum.amount.minor_units().saturating_add(amount.minor_units()));
            }
            None => sum.unread += 1,
        }
    }
    Ok(sum)
}

/// What a database holds: nothing of ours or the original's, data that this program has not worked on, or its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Nothing,
    Data,
    Ours,
}

async fn holds(db: &mongodb::Database) -> Holds {
    // Who may not look there has no data there.
    let names = db.list_collection_names().await.unwrap_or_default();
    if names.iter().any(|name| name == META)
        && db.collection::<Document>(META).find_one(doc! {"_id": "schema"}).await.is_ok_and(|found| found.is_some())
    {
        return Holds::Ours;
    }
    for name in [ORDERS, CHATS, HISTORY, ALERTS] {
        if names.iter().any(|there| there == name)
            && db.collection::<Document>(name).find_one(doc! {}).await.is_ok_and(|found| found.is_some())
        {
            return Holds::Data;
        }
    }
    Holds::Nothing
}

/// The database to work on, where nobody named one: the default, or that of the original where only it has data.
///
/// # Errors
/// When both hold data, and neither was worked on by this program.
pub(super) async fn choose(client: &mongodb::Client, default: &str, shown: &str) -> Result<String, StoreError> {
    if default != super::DEFAULT_DATABASE {
        return Ok(default.to_owned());
    }
    let (first, second) = (client.database(default), client.database(OTHER_DATABASE));
    Ok(match (holds(&first).await, holds(&second).await) {
        (Holds::Ours, _) | (_, Holds::Nothing) => default.to_owned(),
        (_, Holds::Ours) | (Holds::Nothing, Holds::Data) => {
            tracing::info!(database = OTHER_DATABASE, "the original's data is there: it is worked on");
            OTHER_DATABASE.to_owned()
        }
        (Holds::Data, Holds::Data) => {
            return Err(StoreError::TwoDatabases {
                path: shown.to_owned(),
                names: [default.to_owned(), OTHER_DATABASE.to_owned()],
            });
        }
    })
}

fn counted(number: u64, thing: &str) -> String {
    if number == 1 { format!("1 {thing}") } else { format!("{number} {thing}s") }
}

/// What there is of the original in the database, and what becomes of it, in lines; empty where it was never there.
pub(super) async fn report(base: &Base) -> Read<Vec<String>> {
    let names = base.db.list_collection_names().await?;
    let there = |name: &str| names.iter().any(|there| there == name);
    let mut lines = Vec::new();
    let count = async |name: &str, filter: Document| -> Read<u64> {
        if !there(name) {
            return Ok(0);
        }
        Ok(base.collection(name).count_documents(filter).await?)
    };
    let history = count(HISTORY, doc! {}).await?;
    if history > 0 {
        lines.push(format!("{} of transcript in {HISTORY}: read, and left as they are", counted(history, "line")));
    }
    let chats = count(CHATS, doc! {"place": Bson::Null}).await?;
    if chats > 0 {
        lines.push(format!("{} of other programs in {CHATS}: read, and left as they are", counted(chats, "message")));
    }
    let alerts = count(ALERTS, doc! {"alert_id": Bson::Null}).await?;
    if alerts > 0 {
        let pending = count(ALERTS, doc! {"alert_id": Bson::Null, "status": "pending"}).await?;
        lines.push(format!(
            "{} of another program, {pending} pending: shown to the team; several of one customer are settled together",
            counted(alerts, "alert")
        ));
    }
    let paid = sum_elsewhere(base).await?;
    if paid.orders > 0 {
        let unread = match paid.unread {
            0 => String::new(),
            unread => format!(" ({unread} without an amount that can be read)"),
        };
        lines.push(format!(
            "{} paid back by another program, {}{unread}: never paid again, and not counted as refunds of ours",
            counted(paid.orders, "order"),
            ShopMoney::default().show(Amount::new(paid.amount, Currency::INR))
        ));
    }
    if !lines.is_empty() || schema::version(base).await?.is_none() {
        let orders = count(ORDERS, doc! {}).await?;
        lines.insert(0, format!("{} in {ORDERS}: read as they are", counted(orders, "order")));
        let others: Vec<&str> = names
            .iter()
            .map(String::as_str)
            .filter(|name| !COLLECTIONS.contains(name) && !name.starts_with("system."))
            .collect();
        if !others.is_empty() {
            lines.push(format!("not read, because this program knows no such collection: {}", others.join(", ")));
        }
    }
    Ok(lines)
}

//! Decides how the team's figures are read from the database.
//!
//! It must never write, nor count by rules of its own: what is counted is in `domain/figures.rs`.
//!
//! Documents are read with the fields that are needed and added up here, not by the server: other programs write times and
//! amounts in many types, and an amount is either exact or damage.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Bson, DateTime, Document, doc};
use tokio::sync::Mutex;

use super::super::{Answers, Insights, Result, Search, TalksFound};
use super::alerts::{is_latest, read_alert};
use super::book::{self, SyncedBook};
use super::chats::read_message;
use super::fault::Fault;
use super::mark::mark;
use super::schema::{ALERTS, BINDINGS, CHATS, ORDERS, QUOTES, REFUNDS};
use super::values::{any_date, date, optional_text, paise, text, time};
use super::{Base, MongoStore};
use crate::domain::alert::AlertStatus;
use crate::domain::figures::{
    AlertRow, OrderFigures, Period, RefundFigures, TalkCounter, TalkFigures, raised_by_customer,
};
use crate::domain::ids::UserId;
use crate::domain::order::column;

type Read<T> = std::result::Result<T, Fault>;

/// How long reading everything may take.
const READING: Duration = Duration::from_secs(300);
/// How long to wait for the book where there is another way.
const SOON: Duration = Duration::from_millis(100);
/// What the database counts sooner than everything is read.
const SHORT: SignedDuration = SignedDuration::from_hours(36);
/// Messages that are looked through for conversations at most.
const MOST_SEARCHED: i64 = 200_000;
/// How many minutes back are looked through alone for the latest that fit.
const STEPS: [i64; 6] = [10, 40, 160, 640, 2_560, 10_240];
/// Orders that are asked for at once.
const ORDERS_AT_ONCE: usize = 1_000;

/// A customer, and when the latest message that fits was sent.
type Hit = (Option<DateTime>, String);

async fn talk(base: &Base, period: &Period, alerts: &[AlertRow], book: &Mutex<SyncedBook>) -> Read<TalkFigures> {
    let bounded = period.from.is_some();
    let short = period.from.is_some_and(|from| Timestamp::now().duration_since(from) < SHORT);
    // While everything is read, a short time is counted from the database.
    let book = if short { tokio::time::timeout(SOON, book.lock()).await.ok() } else { Some(book.lock().await) };
    if let Some(mut book) = book
        && book.read_on(base, bounded).await?
    {
        let mut counter = TalkCounter::new(period, raised_by_customer(alerts));
        book.count(period.read_from(), &mut counter);
        return Ok(counter.finish());
    }
    talk_of_the_database(base, period, alerts).await
}

pub(super) async fn talk_of_the_database(base: &Base, period: &Period, alerts: &[AlertRow]) -> Read<TalkFigures> {
    let mut filter = doc! {};
    if let Some(from) = period.read_from() {
        // Only dates compare with dates; what other programs wrote otherwise is read, and told apart below.
        filter.insert(
            "$or",
            vec![doc! {"timestamp": {"$gte": date(from)}}, doc! {"timestamp": {"$not": {"$type": "date"}}}],
        );
    }
    let order = doc! {"user_id": 1, "place": 1, "_id": 1};
    let chats = base.collection(CHATS);
    let found = chats.find(filter).projection(book::fields()).sort(order);
    let mut found = found.allow_disk_use(true).await?;
    let from = period.read_from();
    let mut counter = TalkCounter::new(period, raised_by_customer(alerts));
    while let Some(document) = found.try_next().await? {
        let message = read_message(&document)?;
        if from.is_none_or(|from| message.at >= from) {
            counter.add(&book::row(&message));
        }
    }
    Ok(counter.finish())
}

/// Platform and category of orders, by their ids.
async fn kinds(base: &Base, ids: &[String]) -> Read<HashMap<String, (String, String)>> {
    let mut kinds = HashMap::new();
    for ids in ids.chunks(ORDERS_AT_ONCE) {
        let filter = doc! {column::ORDER_ID: {"$in": ids.to_vec()}};
        let fields = doc! {column::ORDER_ID: 1, column::PLATFORM: 1, column::CATEGORY: 1};
        let mut found = base.collection(ORDERS).find(filter).projection(fields).await?;
        while let Some(document) = found.try_next().await? {
            let words = |name: &str| optional_text(&document, name).map(Option::unwrap_or_default);
            kinds.insert(text(&document, column::ORDER_ID)?, (words(column::CATEGORY)?, words(column::PLATFORM)?));
        }
    }
    Ok(kinds)
}

async fn refunds(base: &Base, period: &Period, platform: Option<&str>) -> Read<RefundFigures> {
    let filter = period.from.map_or_else(Document::new, |from| doc! {"at": {"$gte": date(from)}});
    let found = base.collection(REFUNDS).find(filter).sort(doc! {"at": -1, "_id": -1}).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    let ids: Vec<String> = documents.iter().map(|document| text(document, "_id")).collect::<Read<_>>()?;
    let kinds = kinds(base, &ids).await?;
    let mut figures = RefundFigures::default();
    for (document, id) in documents.iter().zip(&ids) {
        let kind = kinds.get(id).map(|(category, platform)| (category.as_str(), platform.as_str()));
        if platform.is_some_and(|platform| kind.is_none_or(|(_, of)| of != platform)) {
            continue;
        }
        let reason = optional_text(document, "reason")?.unwrap_or_default();
        figures.add(period, time(document, "at")?, paise(document, "amount_paise")?, &reason, kind);
    }
    Ok(figures)
}

async fn alerts(base: &Base) -> Read<Vec<AlertRow>> {
    let fields = doc! {"reason": 0, "last_message": 0};
    let mut found = base.collection(ALERTS).find(doc! {}).projection(fields).await?;
    let mut rows: HashMap<String, AlertRow> = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let alert = read_alert(&document)?;
        let pending = alert.status == AlertStatus::Pending;
        let row = AlertRow {
            user: alert.user_id.as_str().to_owned(),
            priority: alert.priority,
            pending,
            created_at: alert.created_at,
            resolved_at: if pending { None } else { alert.handling.resolved_at },
        };
        // One that was copied and is still in its place counts once, as it is there.
        let id = alert.id.as_str().to_owned();
        if is_latest(&document) || !rows.contains_key(&id) {
            rows.insert(id, row);
        }
    }
    let mut rows: Vec<AlertRow> = rows.into_values().collect();
    rows.sort_by_key(|row| row.created_at);
    Ok(rows)
}

/// Customers with a document that fits, each once.
async fn users(base: &Base, collection: &str, filter: Document) -> Read<Vec<String>> {
    let mut found = base.collection(collection).find(filter).projection(doc! {"user_id": 1}).await?;
    let mut users = BTreeSet::new();
    while let Some(document) = found.try_next().await? {
        users.extend(optional_text(&document, "user_id")?);
    }
    Ok(users.into_iter().collect())
}

/// What an index finds.
fn indexed(search: &Search, after: Option<DateTime>) -> Document {
    let mut filter = doc! {};
    let mut times = doc! {};
    if let Some(from) = search.from {
        times.insert("$gte", date(from));
    }
    if let Some(until) = search.until {
        times.insert("$lt", date(until));
    }
    if let Some(after) = after {
        times.insert("$gt", after);
    }
    if !times.is_empty() {
        filter.insert("timestamp", times);
    }
    for (name, value) in [("intent", &search.intent), ("sentiment", &search.sentiment)] {
        if let Some(value) = value {
            filter.insert(name, value);
        }
    }
    filter
}

/// The time of the message at which looking through ends, where there are more. What other programs wrote as another type
/// comes after every date.
async fn floor(base: &Base, search: &Search, depth: u32, book: &Mutex<SyncedBook>) -> Read<Option<DateTime>> {
    let counted = match tokio::time::timeout(SOON, book.lock()).await {
        Ok(book) => book.floor(search, usize::try_from(depth).unwrap_or(usize::MAX)),
        Err(_) => None,
    };
    let floor = match counted {
        Some(floor) => floor.map(date),
        None => floor_of_the_database(base, search, depth).await?,
    };
    let Some(floor) = floor else { return Ok(None) };
    // As many at one moment are looked through together, or a search that goes on would stay there.
    let before = DateTime::from_millis(floor.timestamp_millis() - 1);
    let stays = search.until.is_some_and(|until| date(until).timestamp_millis() <= floor.timestamp_millis() + 1);
    Ok(Some(if stays { before } else { floor }))
}

async fn floor_of_the_database(base: &Base, search: &Search, depth: u32) -> Read<Option<DateTime>> {
    let mut filter = indexed(search, None);
    if !filter.contains_key("timestamp") {
        filter.insert("timestamp", doc! {"$gte": any_date()});
    }
    let chats = base.collection(CHATS);
    let found = chats.find_one(filter).sort(doc! {"timestamp": -1}).skip(depth.into());
    let found = found.projection(doc! {"timestamp": 1, "_id": 0}).await?;
    Ok(found.and_then(|found| found.get_datetime("timestamp").ok().copied()))
}

/// Whether a text is part of a field. An expression: patterns would be compiled anew for each document by some servers.
fn holds(field: impl Into<Bson>, text: &str) -> Document {
    let as_text = doc! {"$convert": {"input": field.into(), "to": "string", "onError": "", "onNull": ""}};
    // Literal, since what begins with a dollar would name a field.
    doc! {"$gte": [{"$indexOfBytes": [{"$toLower": as_text}, {"$literal": text.to_ascii_lowercase()}]}, 0]}
}

/// What a message has to fit beside what indexes find, but for who answers.
fn fitting(search: &Search, known: &[String]) -> Vec<Document> {
    // As messages are read: the original has other names for what was said.
    let said = || doc! {"$ifNull": ["$content", {"$ifNull": ["$message", "$text"]}]};
    let mut all = Vec::new();
    if !search.text.is_empty() {
        all.push(doc! {"$or": [holds(said(), &search.text), holds("$user_id", &search.text)]});
    }
    if let Some(order) = &search.order {
        all.push(doc! {"$or": [holds(said(), order.as_str()), {"$in": ["$user_id", {"$literal": known.to_vec()}]}]});
    }
    if !search.user.is_empty() {
        all.push(holds("$user_id", &search.user));
    }
    all.into_iter().map(|expression| doc! {"$expr": expression}).collect()
}

/// Customers and the time of their latest message that fits, the latest first.
///
/// The latest minutes are looked through alone, then more: enough is found there as a rule, and a server that sorts what it
/// finds instead of going through the index backwards has little to sort.
async fn hits(
    base: &Base,
    filter: &Document,
    all: &[Document],
    limit: usize,
    from: Option<Timestamp>,
) -> Read<Vec<Hit>> {
    let (mut hits, mut seen) = (Vec::new(), HashSet::new());
    // What is told by its customer is found by another index.
    let top = if filter.contains_key("user_id") { None } else { from };
    let mut before = None;
    for minutes in STEPS {
        let Some(start) = top.and_then(|top| top.checked_sub(SignedDuration::from_mins(minutes)).ok()).map(date) else {
            break;
        };
        let mut times = filter.get_document("timestamp").cloned().unwrap_or_default();
        if times.get_datetime("$gte").is_ok_and(|least| *least >= start) {
            break;
        }
        times.insert("$gte", start);
        if let Some(before) = before {
            times.insert("$lt", before);
        }
        let mut narrowed = filter.clone();
        narrowed.insert("timestamp", times);
        hits_of(base, narrowed, all, limit, &mut seen, &mut hits).await?;
        if hits.len() >= limit {
            return Ok(hits);
        }
        before = Some(start);
    }
    hits_of(base, filter.clone(), all, limit, &mut seen, &mut hits).await?;
    Ok(hits)
}

/// Adds the customers that are not `seen` yet.
async fn hits_of(
    base: &Base,
    filter: Document,
    all: &[Document],
    limit: usize,
    seen: &mut HashSet<String>,
    hits: &mut Vec<Hit>,
) -> Read<()> {
    // In two steps, which a server may join: what the index finds, and of that what fits.
    let mut steps = vec![doc! {"$match": filter}];
    if !all.is_empty() {
        steps.push(doc! {"$match": {"$and": all.to_vec()}});
    }
    steps.extend([
        doc! {"$sort": {"timestamp": -1}},
        doc! {"$limit": MOST_SEARCHED},
        doc! {"$project": {"user_id": 1, "timestamp": 1}},
    ]);
    let mut found = base.collection(CHATS).aggregate(steps).allow_disk_use(true).await?;
    while hits.len() < limit
        && let Some(document) = found.try_next().await?
    {
        let user = text(&document, "user_id")?;
        if seen.insert(user.clone()) {
            hits.push((document.get_datetime("timestamp").ok().copied(), user));
        }
    }
    Ok(())
}

async fn find(base: &Base, search: &Search, limit: usize, depth: u32, book: &Mutex<SyncedBook>) -> Read<TalksFound> {
    let mut known = Vec::new();
    if let Some(order) = &search.order {
        known = users(base, BINDINGS, doc! {"_id": order.as_str()}).await?;
        known.extend(users(base, QUOTES, doc! {"order_id": order.as_str()}).await?);
    }
    let mut all = fitting(search, &known);
    // Whom a person answers are few, and an index finds what they wrote.
    let bounded = search.is_looked_through() && search.answers != Some(Answers::Person);
    let floor = if bounded { floor(base, search, depth, book).await? } else { None };
    let mut filter = indexed(search, floor);
    if let Some(answers) = search.answers {
        let waiting = users(base, ALERTS, doc! {"status": AlertStatus::Pending.as_str()}).await?;
        match answers {
            Answers::Person => drop(filter.insert("user_id", doc! {"$in": waiting})),
            Answers::Bot => all.push(doc! {"user_id": {"$nin": waiting}}),
        }
    }
    let from = search.until.unwrap_or_else(Timestamp::now);
    let mut found = hits(base, &filter, &all, limit, Some(from).filter(|_| floor.is_none())).await?;
    let mut unsearched_before = None;
    if let Some(floor) = floor {
        known.extend(search.names());
        let mut named = indexed(search, None);
        named.insert("user_id", doc! {"$in": known});
        found.extend(hits(base, &named, &all, limit, None).await?);
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut seen = HashSet::new();
        found.retain(|(_, user)| seen.insert(user.clone()));
        if found.len() < limit {
            unsearched_before = Timestamp::from_millisecond(floor.timestamp_millis() + 1).ok();
        }
        found.truncate(limit);
    }
    Ok(TalksFound { users: found.into_iter().map(|(_, user)| UserId::new(user)).collect(), unsearched_before })
}

#[async_trait]
impl Insights for MongoStore {
    async fn talk_figures(&self, period: &Period, alerts: &[AlertRow]) -> Result<TalkFigures> {
        let (period, alerts, book) = (period.clone(), alerts.to_vec(), Arc::clone(&self.book));
        let counted = self.run_within("counting conversations", READING, |base| async move {
            talk(&base, &period, &alerts, &book).await
        });
        counted.await
    }

    async fn order_figures(&self, period: &Period, platform: Option<&str>) -> Result<OrderFigures> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        let orders = Arc::clone(&self.orders);
        let counted = self.run_within("counting orders", READING, |base| async move {
            orders.figures(&base, &period, platform.as_deref()).await
        });
        counted.await
    }

    async fn refund_figures(&self, period: &Period, platform: Option<&str>) -> Result<RefundFigures> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        let counted = self.run_within("counting refunds", READING, |base| async move {
            refunds(&base, &period, platform.as_deref()).await
        });
        counted.await
    }

    async fn alert_rows(&self) -> Result<Vec<AlertRow>> {
        self.run_within("counting alerts", READING, |base| async move { alerts(&base).await }).await
    }

    async fn find_talks(&self, search: &Search, limit: u32, depth: u32) -> Result<TalksFound> {
        let (search, book) = (search.clone(), Arc::clone(&self.book));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = self.run_within("looking for conversations", READING, |base| async move {
            find(&base, &search, limit, depth, &book).await
        });
        found.await
    }

    async fn change_mark(&self) -> Result<String> {
        let known = Arc::clone(&self.known);
        self.run("looking for changes", |base| async move { mark(&base, &known).await }).await
    }
}

//! Reads from the database what `domain/stats` counts, and searches conversations.
//!
//! Documents are read with the fields that are needed and counted here, not by the server: other programs write times
//! and amounts in many types, and an amount that is not exact is an error.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Bson, DateTime, Document, doc};
use tokio::sync::Mutex;

use super::super::{AnsweredBy, ConversationsFound, Insights, Result, Search};
use super::alerts::is_latest;
use super::change_token::change_token;
use super::error::BackendError;
use super::ledger::CURRENCY;
use super::odd::{all_readable, readable};
use super::original;
use super::schema::{ALERTS, BINDINGS, CHATS, HISTORY, OPT_OUTS, ORDERS, OUTBOX, QUOTES, REFUNDS};
use super::stats_cache::{self, SyncedStatsCache};
use super::values::{any_date, currency, date, minor_units, optional_text, text, time};
use super::{Base, MongoStore};
use crate::domain::alert::AlertStatus;
use crate::domain::currency::{Amount, Currency};
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;
use crate::domain::order::column;
use crate::domain::outgoing::Delivery;
use crate::domain::refund::{ProviderKind, RefundState};
use crate::domain::stats::{
    AlertRow, ConversationCounter, ConversationStats, OrderStats, Period, RefundStats, raised_by_customer,
};

type Read<T> = std::result::Result<T, BackendError>;

/// The time limit for reading everything.
const READ_TIMEOUT: Duration = Duration::from_mins(5);
/// How long to wait for the cache where the database can be queried instead.
const CACHE_TIMEOUT: Duration = Duration::from_millis(100);
/// A period that is counted from the database faster than everything is read.
const SHORT_PERIOD: SignedDuration = SignedDuration::from_hours(36);
/// The most messages that one search sorts.
const MAX_SORTED: i64 = 200_000;
/// The periods, in minutes, that are searched one after the other before everything is.
const STEP_MINUTES: [i64; 6] = [10, 40, 160, 640, 2_560, 10_240];
/// Orders that are queried together.
const ORDER_BATCH: usize = 1_000;

/// A customer, and the time of the latest matching message.
type Hit = (Option<DateTime>, String);

async fn conversations(
    base: &Base,
    period: &Period,
    alerts: &[AlertRow],
    cache: &Mutex<SyncedStatsCache>,
) -> Read<ConversationStats> {
    let bounded = period.from.is_some();
    let short = period.from.is_some_and(|from| Timestamp::now().duration_since(from) < SHORT_PERIOD);
    // While another task reads everything, a short period is counted from the database.
    let cache =
        if short { tokio::time::timeout(CACHE_TIMEOUT, cache.lock()).await.ok() } else { Some(cache.lock().await) };
    if let Some(mut cache) = cache
        && cache.update(base, bounded).await?
    {
        let mut counter = ConversationCounter::new(period, raised_by_customer(alerts));
        cache.count(period.read_from(), &mut counter);
        return Ok(counter.finish());
    }
    conversations_from_database(base, period, alerts).await
}

pub(super) async fn conversations_from_database(
    base: &Base,
    period: &Period,
    alerts: &[AlertRow],
) -> Read<ConversationStats> {
    let mut filter = doc! {};
    if let Some(from) = period.read_from() {
        // Only dates compare with dates; times of other types are read, too, and compared below.
        filter.insert(
            "$or",
            vec![doc! {"timestamp": {"$gte": date(from)}}, doc! {"timestamp": {"$not": {"$type": "date"}}}],
        );
    }
    let order = doc! {"user_id": 1, "place": 1, "_id": 1};
    let chats = base.collection(CHATS);
    let found = chats.find(filter).projection(stats_cache::fields()).sort(order);
    let mut found = found.allow_disk_use(true).await?;
    let from = period.read_from();
    let mut counter = ConversationCounter::new(period, raised_by_customer(alerts));
    // What the original knows of a customer comes first, as it does in the conversation.
    let mut earlier = messages_of_original(base, from).await?;
    let mut before = |upto: Option<&str>, counter: &mut ConversationCounter<'_>| {
        while let Some(next) = earlier.first_entry()
            && upto.is_none_or(|user| next.key().as_str() <= user)
        {
            next.remove().iter().for_each(|message| counter.add(&stats_cache::row(message)));
        }
    };
    while let Some(document) = found.try_next().await? {
        let Some(message) = readable(base.message(&document), CHATS, &document) else { continue };
        if from.is_none_or(|from| message.at >= from) {
            before(Some(message.user_id.as_str()), &mut counter);
            counter.add(&stats_cache::row(&message));
        }
    }
    before(None, &mut counter);
    Ok(counter.finish())
}

/// The messages that the original saved, from a time on, by customer and in the order of their times.
async fn messages_of_original(base: &Base, from: Option<Timestamp>) -> Read<BTreeMap<String, Vec<ChatMessage>>> {
    let mut found = base.collection(HISTORY).find(doc! {}).projection(stats_cache::fields()).batch_size(10_000).await?;
    let mut messages: BTreeMap<String, Vec<ChatMessage>> = BTreeMap::new();
    while let Some(document) = found.try_next().await? {
        let Some(message) = readable(base.message(&document), HISTORY, &document) else { continue };
        if from.is_none_or(|from| message.at >= from) {
            messages.entry(message.user_id.as_str().to_owned()).or_default().push(message);
        }
    }
    for messages in messages.values_mut() {
        messages.sort_by_key(|message| message.at);
    }
    Ok(messages)
}

/// Platform and category of orders, by their ids.
async fn kinds(base: &Base, ids: &[String]) -> Read<HashMap<String, (String, String)>> {
    let mut kinds = HashMap::new();
    for ids in ids.chunks(ORDER_BATCH) {
        let filter = doc! {column::ORDER_ID: {"$in": ids.to_vec()}};
        let fields = doc! {column::ORDER_ID: 1, column::PLATFORM: 1, column::CATEGORY: 1};
        let mut found = base.collection(ORDERS).find(filter).projection(fields).await?;
        while let Some(document) = found.try_next().await? {
            // What is odd is of no known kind.
            let words = |name: &str| optional_text(&document, name).ok().flatten().unwrap_or_default();
            if let Ok(id) = text(&document, column::ORDER_ID) {
                kinds.insert(id, (words(column::CATEGORY), words(column::PLATFORM)));
            }
        }
    }
    Ok(kinds)
}

async fn refunds(base: &Base, period: &Period, platform: Option<&str>) -> Read<RefundStats> {
    let mut filter = period.from.map_or_else(Document::new, |from| doc! {"at": {"$gte": date(from)}});
    // One of before there were providers has no state: it was paid.
    filter.insert("state", doc! {"$in": [Bson::Null, Bson::String(RefundState::Paid.as_str().to_owned())]});
    let found = base.collection(REFUNDS).find(filter).sort(doc! {"at": -1, "_id": -1}).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    let read = |document: &Document| -> Read<_> {
        let reason = optional_text(document, "reason").ok().flatten().unwrap_or_default();
        let provider = document.get_document("route").ok().and_then(|route| route.get_str("provider").ok());
        let simulated = provider.is_none_or(|provider| provider == ProviderKind::Ledger.as_str());
        let amount = Amount::new(minor_units(document, "amount_paise")?, currency(document, CURRENCY)?);
        Ok((text(document, "_id")?, time(document, "at")?, amount, reason, simulated))
    };
    let paid = all_readable(&documents, REFUNDS, read);
    let ids: Vec<String> = paid.iter().map(|(id, ..)| id.clone()).collect();
    let kinds = kinds(base, &ids).await?;
    let mut stats = RefundStats::default();
    for (id, at, amount, reason, simulated) in &paid {
        let kind = kinds.get(id).map(|(category, platform)| (category.as_str(), platform.as_str()));
        if platform.is_some_and(|platform| kind.is_none_or(|(_, of)| of != platform)) {
            continue;
        }
        stats.add(period, *at, *amount, reason, kind, *simulated);
    }
    for (document, amount, at) in original::paid_elsewhere(base).await? {
        let of = optional_text(&document, column::PLATFORM).ok().flatten().unwrap_or_default();
        let in_period = at.map_or(period.from.is_none(), |at| period.holds(at));
        if in_period && platform.is_none_or(|platform| of == platform) {
            stats.elsewhere.add(Amount::new(amount.unwrap_or_default(), Currency::INR));
        }
    }
    Ok(stats)
}

async fn alerts(base: &Base) -> Read<Vec<AlertRow>> {
    let fields = doc! {"reason": 0, "last_message": 0};
    let mut found = base.collection(ALERTS).find(doc! {}).projection(fields).await?;
    let mut rows: HashMap<String, AlertRow> = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let Some(alert) = readable(base.alert(&document), ALERTS, &document) else { continue };
        let pending = alert.status == AlertStatus::Pending;
        let row = AlertRow {
            user: alert.user_id.as_str().to_owned(),
            priority: alert.priority,
            pending,
            created_at: alert.created_at,
            resolved_at: if pending { None } else { alert.handling.resolved_at },
        };
        // An alert with a copy counts once, as the document of the latest has it.
        let id = alert.id.as_str().to_owned();
        if is_latest(&document) || !rows.contains_key(&id) {
            rows.insert(id, row);
        }
    }
    let mut rows: Vec<AlertRow> = rows.into_values().collect();
    rows.sort_by_key(|row| row.created_at);
    Ok(rows)
}

/// Customers with a matching document, each once.
async fn users(base: &Base, collection: &str, filter: Document) -> Read<Vec<String>> {
    let mut found = base.collection(collection).find(filter).projection(doc! {"user_id": 1}).await?;
    let mut users = BTreeSet::new();
    while let Some(document) = found.try_next().await? {
        users.extend(optional_text(&document, "user_id").ok().flatten());
    }
    Ok(users.into_iter().collect())
}

/// The filter that an index serves.
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

/// The time of the message at which the scan ends, where more than `depth` messages match. Times of other types sort
/// after every date.
async fn cutoff(base: &Base, search: &Search, depth: u32, cache: &Mutex<SyncedStatsCache>) -> Read<Option<DateTime>> {
    let depth_limit = usize::try_from(depth).unwrap_or(usize::MAX);
    // The lock is released before the database is queried.
    let cached = match tokio::time::timeout(CACHE_TIMEOUT, cache.lock()).await {
        Ok(synced) => synced.cache().map(|cache| cache.search_cutoff(search, depth_limit)),
        Err(_) => None,
    };
    let cutoff = match cached {
        Some(cutoff) => cutoff.map(date),
        None => cutoff_from_database(base, search, depth).await?,
    };
    let Some(cutoff) = cutoff else { return Ok(None) };
    // Many messages of one moment are scanned together: otherwise a search that continues would stay at that moment.
    let before = DateTime::from_millis(cutoff.timestamp_millis() - 1);
    let stays = search.until.is_some_and(|until| date(until).timestamp_millis() <= cutoff.timestamp_millis() + 1);
    Ok(Some(if stays { before } else { cutoff }))
}

async fn cutoff_from_database(base: &Base, search: &Search, depth: u32) -> Read<Option<DateTime>> {
    let mut filter = indexed(search, None);
    if !filter.contains_key("timestamp") {
        filter.insert("timestamp", doc! {"$gte": any_date()});
    }
    let chats = base.collection(CHATS);
    let found = chats.find_one(filter).sort(doc! {"timestamp": -1}).skip(depth.into());
    let found = found.projection(doc! {"timestamp": 1, "_id": 0}).await?;
    Ok(found.and_then(|found| found.get_datetime("timestamp").ok().copied()))
}

/// Whether a field contains a text. An expression, because some servers compile a pattern anew for each document.
fn contains(field: impl Into<Bson>, text: &str) -> Document {
    let as_text = doc! {"$convert": {"input": field.into(), "to": "string", "onError": "", "onNull": ""}};
    // A literal, since a text that begins with a dollar would name a field.
    doc! {"$gte": [{"$indexOfBytes": [{"$toLower": as_text}, {"$literal": text.to_ascii_lowercase()}]}, 0]}
}

/// The conditions that no index serves, except who answers.
fn scanned(search: &Search, known: &[String]) -> Vec<Document> {
    // As messages are read: the original has other names for the text.
    let said = || doc! {"$ifNull": ["$content", {"$ifNull": ["$message", {"$ifNull": ["$text", "$body"]}]}]};
    let mut all = Vec::new();
    if !search.text.is_empty() {
        all.push(doc! {"$or": [contains(said(), &search.text), contains("$user_id", &search.text)]});
    }
    if let Some(order) = &search.order {
        all.push(doc! {"$or": [contains(said(), order.as_str()), {"$in": ["$user_id", {"$literal": known.to_vec()}]}]});
    }
    if !search.user.is_empty() {
        all.push(contains("$user_id", &search.user));
    }
    all.into_iter().map(|expression| doc! {"$expr": expression}).collect()
}

/// Customers and the time of their latest matching message, the latest first.
///
/// The latest minutes are searched first, then more: that is usually enough, and a server that sorts its results
/// instead of scanning the index backwards has little to sort.
async fn hits(
    base: &Base,
    filter: &Document,
    all: &[Document],
    limit: usize,
    from: Option<Timestamp>,
) -> Read<Vec<Hit>> {
    let (mut hits, mut seen) = (Vec::new(), HashSet::new());
    // A filter by customer is served by another index.
    let top = if filter.contains_key("user_id") { None } else { from };
    let mut before = None;
    for minutes in STEP_MINUTES {
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
    // Two stages, which a server may join: the indexed filter, then the scan.
    let mut steps = vec![doc! {"$match": filter}];
    if !all.is_empty() {
        steps.push(doc! {"$match": {"$and": all.to_vec()}});
    }
    steps.extend([
        doc! {"$sort": {"timestamp": -1}},
        doc! {"$limit": MAX_SORTED},
        doc! {"$project": {"user_id": 1, "timestamp": 1}},
    ]);
    let mut found = base.collection(CHATS).aggregate(steps).allow_disk_use(true).await?;
    while hits.len() < limit
        && let Some(document) = found.try_next().await?
    {
        let Some(user) = readable(text(&document, "user_id"), CHATS, &document) else { continue };
        if seen.insert(user.clone()) {
            hits.push((document.get_datetime("timestamp").ok().copied(), user));
        }
    }
    Ok(())
}

/// Customers whose messages in the original's transcript match. That one knows neither labels nor one type of time, so its
/// lines are read here.
async fn hits_of_original(base: &Base, search: &Search, filter: &Document, all: &[Document]) -> Read<Vec<Hit>> {
    if search.intent.is_some() || search.sentiment.is_some() {
        return Ok(Vec::new());
    }
    let mut filter = filter.clone();
    filter.remove("timestamp");
    let mut steps = vec![doc! {"$match": filter}];
    if !all.is_empty() {
        steps.push(doc! {"$match": {"$and": all.to_vec()}});
    }
    steps.extend([doc! {"$sort": {"_id": -1}}, doc! {"$limit": MAX_SORTED}, doc! {"$project": stats_cache::fields()}]);
    let mut found = base.collection(HISTORY).aggregate(steps).allow_disk_use(true).await?;
    let mut latest: HashMap<String, Timestamp> = HashMap::new();
    while let Some(document) = found.try_next().await? {
        let Some(message) = readable(base.message(&document), HISTORY, &document) else { continue };
        if search.from.is_some_and(|from| message.at < from) || search.until.is_some_and(|until| message.at >= until) {
            continue;
        }
        let known = latest.entry(message.user_id.as_str().to_owned()).or_insert(message.at);
        *known = (*known).max(message.at);
    }
    Ok(latest.into_iter().map(|(user, at)| (Some(date(at)), user)).collect())
}

async fn find(
    base: &Base,
    search: &Search,
    limit: usize,
    depth: u32,
    cache: &Mutex<SyncedStatsCache>,
) -> Read<ConversationsFound> {
    let mut known = Vec::new();
    if let Some(order) = &search.order {
        known = users(base, BINDINGS, doc! {"_id": order.as_str()}).await?;
        known.extend(users(base, QUOTES, doc! {"order_id": order.as_str()}).await?);
    }
    let mut all = scanned(search, &known);
    // Customers who are answered by a person are few, and an index finds their messages.
    let bounded = search.needs_scan() && !search.is_of_few();
    let cutoff = if bounded { cutoff(base, search, depth, cache).await? } else { None };
    let mut filter = indexed(search, cutoff);
    let mut among: Option<BTreeSet<String>> = None;
    let mut narrow = |these: Vec<String>| {
        let these: BTreeSet<String> = these.into_iter().collect();
        among = Some(match among.take() {
            Some(known) => known.intersection(&these).cloned().collect(),
            None => these,
        });
    };
    if let Some(answered_by) = search.answered_by {
        let waiting = users(base, ALERTS, doc! {"status": AlertStatus::Pending.as_str()}).await?;
        match answered_by {
            AnsweredBy::Person => narrow(waiting),
            AnsweredBy::Bot => all.push(doc! {"user_id": {"$nin": waiting}}),
        }
    }
    if search.undelivered {
        narrow(users(base, OUTBOX, doc! {"state": Delivery::Parked.as_str()}).await?);
    }
    if search.opted_out {
        narrow(users(base, OPT_OUTS, doc! {"stopped": true}).await?);
    }
    if let Some(among) = among {
        filter.insert("user_id", doc! {"$in": among.into_iter().collect::<Vec<_>>()});
    }
    let from = search.until.unwrap_or_else(Timestamp::now);
    let mut found = hits(base, &filter, &all, limit, Some(from).filter(|_| cutoff.is_none())).await?;
    let older = hits_of_original(base, search, &filter, &all).await?;
    if !older.is_empty() {
        found.extend(older);
        found.sort_by(|(one, first), (other, second)| (other, first).cmp(&(one, second)));
        let mut seen = HashSet::new();
        found.retain(|(_, user)| seen.insert(user.clone()));
        found.truncate(limit);
    }
    let mut unsearched_before = None;
    if let Some(cutoff) = cutoff {
        known.extend(search.identities());
        let mut named = indexed(search, None);
        named.insert("user_id", doc! {"$in": known});
        found.extend(hits(base, &named, &all, limit, None).await?);
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut seen = HashSet::new();
        found.retain(|(_, user)| seen.insert(user.clone()));
        if found.len() < limit {
            unsearched_before = Timestamp::from_millisecond(cutoff.timestamp_millis() + 1).ok();
        }
        found.truncate(limit);
    }
    Ok(ConversationsFound { users: found.into_iter().map(|(_, user)| UserId::new(user)).collect(), unsearched_before })
}

#[async_trait]
impl Insights for MongoStore {
    async fn conversation_stats(&self, period: &Period, alerts: &[AlertRow]) -> Result<ConversationStats> {
        let (period, alerts, cache) = (period.clone(), alerts.to_vec(), Arc::clone(&self.stats_cache));
        let counted = self.run_within("counting conversations", READ_TIMEOUT, |base| async move {
            conversations(&base, &period, &alerts, &cache).await
        });
        counted.await
    }

    async fn order_stats(&self, period: &Period, platform: Option<&str>) -> Result<OrderStats> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        let orders = Arc::clone(&self.order_stats_cache);
        let counted = self.run_within("counting orders", READ_TIMEOUT, |base| async move {
            orders.stats(&base, &period, platform.as_deref()).await
        });
        counted.await
    }

    async fn refund_stats(&self, period: &Period, platform: Option<&str>) -> Result<RefundStats> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        let counted = self.run_within("counting refunds", READ_TIMEOUT, |base| async move {
            refunds(&base, &period, platform.as_deref()).await
        });
        counted.await
    }

    async fn alert_rows(&self) -> Result<Vec<AlertRow>> {
        self.run_within("counting alerts", READ_TIMEOUT, |base| async move { alerts(&base).await }).await
    }

    async fn find_conversations(&self, search: &Search, limit: u32, depth: u32) -> Result<ConversationsFound> {
        let (search, cache) = (search.clone(), Arc::clone(&self.stats_cache));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let found = self.run_within("searching conversations", READ_TIMEOUT, |base| async move {
            find(&base, &search, limit, depth, &cache).await
        });
        found.await
    }

    async fn change_token(&self) -> Result<String> {
        let latest_times = Arc::clone(&self.latest_times);
        self.run("checking for changes", |base| async move { change_token(&base, &latest_times).await }).await
    }
}

//! Reads from the file what `domain/stats` counts, and searches conversations.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::DateTime;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::super::{AnsweredBy, ConversationsFound, Insights, Result, Search};
use super::conditions::{Conditions, contains_pattern};
use super::ledger::currency;
use super::stats_cache::SyncedStatsCache;
use super::{BackendError, SqliteStore, count, micros, timestamp};
use crate::domain::alert::Priority;
use crate::domain::currency::Amount;
use crate::domain::ids::UserId;
use crate::domain::message::Role;
use crate::domain::money::Money;
use crate::domain::stats::{
    AlertRow, ConversationCounter, ConversationRow, ConversationStats, OrderCell, OrderStats, PendingAlerts, Period,
    RefundStats, raised_by_customer,
};

type Read<T> = std::result::Result<T, BackendError>;

/// A text column, or the empty text.
fn text<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Read<Option<&'a str>> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// Locks the cache. A thread that panicked may have left it half updated: then it starts empty.
fn lock(cache: &Mutex<SyncedStatsCache>) -> MutexGuard<'_, SyncedStatsCache> {
    cache.lock().unwrap_or_else(|poisoned| {
        let mut guard = poisoned.into_inner();
        guard.reset();
        cache.clear_poison();
        guard
    })
}

/// Locks the cache, unless another thread holds it for longer than a tenth of a second, because it reads everything:
/// then a bounded period is counted from the file.
fn lock_with_timeout(cache: &Mutex<SyncedStatsCache>) -> Option<MutexGuard<'_, SyncedStatsCache>> {
    for _ in 0..50 {
        match cache.try_lock() {
            Ok(guard) => return Some(guard),
            Err(TryLockError::Poisoned(guard)) => {
                drop(guard);
                return Some(lock(cache));
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    None
}

fn conversations(
    connection: &Connection,
    period: &Period,
    alerts: &[AlertRow],
    cache: &Mutex<SyncedStatsCache>,
) -> Read<ConversationStats> {
    let bounded = period.from.is_some();
    let cache = if bounded { lock_with_timeout(cache) } else { Some(lock(cache)) };
    if let Some(mut cache) = cache
        && cache.update(connection, bounded)?
    {
        let mut counter = ConversationCounter::new(period, raised_by_customer(alerts));
        cache.count(period.read_from(), &mut counter);
        return Ok(counter.finish());
    }
    conversations_from_file(connection, period, alerts)
}

fn conversations_from_file(connection: &Connection, period: &Period, alerts: &[AlertRow]) -> Read<ConversationStats> {
    const COLUMNS: &str =
        "SELECT user_id, role, at, turn, intent, sentiment, response_ms, intent_confidence, reused, degraded
        FROM chats";
    let mut counter = ConversationCounter::new(period, raised_by_customer(alerts));
    let until = micros(period.until);
    let mut read = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> Read<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            let role = text(row, 1)?.unwrap_or_default();
            counter.add(&ConversationRow {
                user: text(row, 0)?.unwrap_or_default(),
                role: Role::parse(role)
                    .ok_or_else(|| BackendError::Content(format!("“{role}” is no role in a chat")))?,
                at: timestamp(row.get(2)?)?,
                turn: count(row.get(3)?)?,
                intent: text(row, 4)?,
                sentiment: text(row, 5)?,
                response_ms: row.get::<_, Option<i64>>(6)?.map(count).transpose()?,
                intent_confidence: row.get(7)?,
                reused: row.get(8)?,
                degraded: row.get(9)?,
            });
        }
        Ok(())
    };
    match period.read_from() {
        // A bounded period is found by the index of times and sorted; the whole transcript has an index in this order.
        Some(from) => read(
            &format!("{COLUMNS} INDEXED BY chats_at WHERE at >= ?1 AND at < ?2 ORDER BY user_id, id"),
            &[&micros(from), &until],
        )?,
        None => read(&format!("{COLUMNS} INDEXED BY chats_figures ORDER BY user_id, id"), &[])?,
    }
    Ok(counter.finish())
}

/// Counts pending alerts along the index of their urgency, which alone is read.
const PENDING: &str =
    "SELECT count(*), count(*) FILTER (WHERE priority = 2), max(created_at) FILTER (WHERE priority = 2)
     FROM human_intervention_alerts INDEXED BY alerts_urgency WHERE (status = 'pending') = 1";

/// A time as the column `placed_at` holds it: ISO text, which sorts in the order of time.
fn iso(local: DateTime) -> String {
    local.to_string()
}

fn orders(connection: &Connection, period: &Period, platform: Option<&str>) -> Read<OrderStats> {
    let (from, until) = period.local();
    let (from, until) = (from.map(iso), iso(until));
    let mut stats = OrderStats::default();
    let mut statement = connection.prepare_cached(
        "SELECT platform, category, rating, substr(placed_at, 12, 2), count(*), count(delayed), total(delayed),
                count(delivery_minutes), coalesce(sum(delivery_minutes), 0), coalesce(sum(value_paise), 0), total(refund_requested),
                count(value_paise), coalesce(currency, 'INR'), count(refund_requested)
         FROM order_details INDEXED BY orders_figures
         WHERE (?1 IS NULL OR platform = ?1) AND (?2 IS NULL OR (placed_at >= ?2 AND placed_at < ?3))
         GROUP BY platform, category, rating, substr(placed_at, 12, 2), currency",
    )?;
    let mut rows = statement.query(params![platform, from, until])?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`total` of 0 and 1 is a whole number")]
    let whole = |number: f64| number as u64;
    while let Some(row) = rows.next()? {
        let cell = OrderCell {
            rating: row.get(2)?,
            hour: text(row, 3)?.and_then(|hour| hour.parse().ok()),
            orders: count(row.get(4)?)?,
            delay_known: count(row.get(5)?)?,
            delayed: whole(row.get(6)?),
            timed: count(row.get(7)?)?,
            minutes: count(row.get(8)?)?,
            value: Money::from_minor_units(row.get(9)?),
            valued: count(row.get(11)?)?,
            currency: currency(row, 12)?,
            refund_requested: whole(row.get(10)?),
            refund_known: count(row.get(13)?)?,
        };
        stats.add(text(row, 0)?.unwrap_or_default(), text(row, 1)?.unwrap_or_default(), &cell);
    }
    if from.is_some() {
        let sql = "SELECT count(*) FROM order_details INDEXED BY orders_figures
                   WHERE (?1 IS NULL OR platform = ?1) AND placed_at IS NULL";
        stats.undated = count(connection.prepare_cached(sql)?.query_row([platform], |row| row.get(0))?)?;
    }
    Ok(stats)
}

fn refunds(connection: &Connection, period: &Period, platform: Option<&str>) -> Read<RefundStats> {
    let mut stats = RefundStats::default();
    let mut statement = connection.prepare_cached(
        "SELECT refunds.at, refunds.amount_paise, refunds.reason, category, platform,
                coalesce(json_extract(refunds.route, '$.provider'), 'ledger') = 'ledger', refunds.currency
         FROM refunds LEFT JOIN order_details USING (order_id)
         WHERE refunds.at >= ?1 AND refunds.at < ?2 AND (?3 IS NULL OR platform = ?3) AND refunds.state = 'paid'",
    )?;
    let from = period.from.map_or(i64::MIN, micros);
    let mut rows = statement.query(params![from, micros(period.until), platform])?;
    while let Some(row) = rows.next()? {
        let order = text(row, 3)?.zip(text(row, 4)?);
        let amount = Amount::new(Money::from_minor_units(row.get(1)?), currency(row, 6)?);
        stats.add(period, timestamp(row.get(0)?)?, amount, text(row, 2)?.unwrap_or_default(), order, row.get(5)?);
    }
    Ok(stats)
}

fn alerts(connection: &Connection) -> Read<Vec<AlertRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT user_id, priority, status, created_at,
                 CASE status WHEN 'pending' THEN NULL ELSE resolved_at END FROM human_intervention_alerts",
    )?;
    let rows = statement.query_and_then([], |row| {
        Ok(AlertRow {
            user: row.get(0)?,
            priority: match row.get::<_, i64>(1)? {
                0 => Priority::Low,
                1 => Priority::Medium,
                2 => Priority::High,
                other => return Err(BackendError::Content(format!("{other} is no priority of an alert"))),
            },
            pending: row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)? == "pending",
            created_at: timestamp(row.get(3)?)?,
            resolved_at: row.get::<_, Option<i64>>(4)?.map(timestamp).transpose()?,
        })
    })?;
    rows.collect()
}

/// The condition that a customer waits for a person.
const WAITS: &str = "user_id IN (SELECT user_id FROM human_intervention_alerts WHERE status = 'pending')";

/// The condition that a message to a customer was not delivered.
const UNDELIVERED: &str = "user_id IN (SELECT user_id FROM outbox WHERE state = 'parked')";
/// The condition that a customer wants no messages.
const OPTED_OUT: &str = "user_id IN (SELECT user_id FROM opt_outs WHERE user_id IS NOT NULL AND stopped = 1)";

/// Adds the conditions that no index serves.
fn add_scanned(search: &Search, wanted: &mut Conditions) {
    if !search.user.is_empty() {
        wanted.with("user_id LIKE ?# ESCAPE '\\'", contains_pattern(&search.user));
    }
    if !search.text.is_empty() {
        wanted.with("(text LIKE ?# ESCAPE '\\' OR user_id LIKE ?# ESCAPE '\\')", contains_pattern(&search.text));
    }
    if let Some(order) = &search.order {
        let (id, part) = (wanted.value(order.as_str().to_owned()), wanted.value(contains_pattern(order.as_str())));
        wanted.add(&format!("(text LIKE {part} ESCAPE '\\' OR user_id IN ({}))", customers_of_order(&id)));
    }
    match search.answered_by {
        None => {}
        Some(AnsweredBy::Person) => wanted.add(WAITS),
        Some(AnsweredBy::Bot) => wanted.add(&format!("NOT {WAITS}")),
    }
    if search.undelivered {
        wanted.add(UNDELIVERED);
    }
    if search.opted_out {
        wanted.add(OPTED_OUT);
    }
}

/// Selects the customers to whom an order is bound or quoted.
fn customers_of_order(id: &str) -> String {
    format!(
        "SELECT user_id FROM bindings WHERE order_id = {id}
         UNION SELECT user_id FROM quotes WHERE order_id = {id} AND user_id IS NOT NULL"
    )
}

/// The conditions that an index serves.
fn indexed(search: &Search) -> Conditions {
    let mut wanted = Conditions::default();
    if let Some(intent) = &search.intent {
        wanted.with("intent = ?#", intent.clone());
    }
    if let Some(sentiment) = &search.sentiment {
        // There are only three sentiments: with an intent, the index of intents selects better (the plus excludes this
        // one).
        wanted.with(if search.intent.is_some() { "+sentiment = ?#" } else { "sentiment = ?#" }, sentiment.clone());
    }
    if let Some(from) = search.from {
        wanted.with("at >= ?#", micros(from));
    }
    if let Some(until) = search.until {
        wanted.with("at < ?#", micros(until));
    }
    wanted
}

/// The time of the message at which the scan ends, where more than `depth` messages fit.
fn cutoff(connection: &Connection, search: &Search, depth: u32) -> Read<Option<i64>> {
    let (wanted, values) = indexed(search).finish();
    let sql = format!("SELECT at FROM chats WHERE {wanted} ORDER BY at DESC LIMIT 1 OFFSET {depth}");
    let mut statement = connection.prepare_cached(&sql)?;
    let cutoff: Option<i64> = statement.query_row(params_from_iter(values), |row| row.get(0)).optional()?;
    // Many messages of one moment are scanned together: otherwise a search that continues would stay at that moment.
    let stays = |cutoff: i64| search.until.is_some_and(|until| micros(until) <= cutoff.saturating_add(1));
    Ok(cutoff.map(|cutoff| if stays(cutoff) { cutoff.saturating_sub(1) } else { cutoff }))
}

/// Customers and the time of their latest message that fits, the latest first.
fn hits(connection: &Connection, from: &str, wanted: Conditions, limit: usize) -> Read<Vec<(i64, String)>> {
    let (wanted, values) = wanted.finish();
    let sql = format!("SELECT user_id, at FROM {from} WHERE {wanted} ORDER BY at DESC, id DESC");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let user = text(row, 0)?.unwrap_or_default();
        if !seen.contains(user) {
            seen.insert(user.to_owned());
            found.push((row.get(1)?, user.to_owned()));
        }
    }
    Ok(found)
}

fn find(connection: &Connection, search: &Search, limit: usize, depth: u32) -> Read<ConversationsFound> {
    const BY_USER: &str = "chats INDEXED BY chats_figures";
    let users = |found: Vec<(i64, String)>| found.into_iter().map(|(_, user)| UserId::new(user)).collect();
    let mut wanted = indexed(search);
    if search.is_of_few() {
        // They are few, and an index finds their messages.
        add_scanned(search, &mut wanted);
        let users = users(hits(connection, BY_USER, wanted, limit)?);
        return Ok(ConversationsFound { users, unsearched_before: None });
    }
    let cutoff = if search.needs_scan() { cutoff(connection, search, depth)? } else { None };
    if let Some(cutoff) = cutoff {
        wanted.with("at > ?#", cutoff);
    }
    add_scanned(search, &mut wanted);
    let mut found = hits(connection, "chats", wanted, limit)?;
    if let Some(cutoff) = cutoff {
        let mut named = indexed(search);
        let names = search.identities();
        let parameters: Vec<String> = names.into_iter().map(|name| named.value(name)).collect();
        let mut any = vec![format!("user_id IN ({})", parameters.join(", "))];
        if let Some(order) = &search.order {
            let id = named.value(order.as_str().to_owned());
            any.push(format!("user_id IN ({})", customers_of_order(&id)));
        }
        named.add(&format!("({})", any.join(" OR ")));
        add_scanned(search, &mut named);
        found.extend(hits(connection, BY_USER, named, limit)?);
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut seen = HashSet::new();
        found.retain(|(_, user)| seen.insert(user.clone()));
        let whole = found.len() >= limit;
        found.truncate(limit);
        let unsearched_before = if whole { None } else { Some(timestamp(cutoff.saturating_add(1))?) };
        return Ok(ConversationsFound { users: users(found), unsearched_before });
    }
    Ok(ConversationsFound { users: users(found), unsearched_before: None })
}

fn change_token(connection: &Connection) -> Read<String> {
    // Each component is the end of an index, or one row.
    let sql = "SELECT (SELECT coalesce(max(id), 0) FROM chats)
        || '/' || (SELECT coalesce(max(seq), 0) FROM audit)
        || '/' || (SELECT coalesce(max(rowid), 0) FROM refunds)
        || '/' || (SELECT count(*) FROM human_intervention_alerts WHERE status = 'pending')
        || '/' || (SELECT coalesce(max(rowid), 0) FROM human_intervention_alerts)
        || '/' || (SELECT coalesce(max(resolved_at), 0) FROM human_intervention_alerts WHERE status = 'resolved')
        || '/' || (SELECT coalesce(max(next_at), 0) FROM outbox WHERE state = 'sent')
        || '/' || (SELECT coalesce(max(next_at), 0) FROM outbox WHERE state = 'parked')
        || '/' || (SELECT coalesce(max(next_at), 0) FROM media WHERE open = 0)
        || '/' || (SELECT count FROM outbox_news)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

#[async_trait]
impl Insights for SqliteStore {
    async fn conversation_stats(&self, period: &Period, alerts: &[AlertRow]) -> Result<ConversationStats> {
        let (period, alerts, cache) = (period.clone(), alerts.to_vec(), Arc::clone(&self.stats_cache));
        self.read("counting conversations", move |connection| conversations(connection, &period, &alerts, &cache)).await
    }

    async fn order_stats(&self, period: &Period, platform: Option<&str>) -> Result<OrderStats> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        self.read("counting orders", move |connection| orders(connection, &period, platform.as_deref())).await
    }

    async fn refund_stats(&self, period: &Period, platform: Option<&str>) -> Result<RefundStats> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        self.read("counting refunds", move |connection| refunds(connection, &period, platform.as_deref())).await
    }

    async fn alert_rows(&self) -> Result<Vec<AlertRow>> {
        self.read("counting alerts", alerts).await
    }

    async fn pending_alerts(&self) -> Result<PendingAlerts> {
        self.read("counting alerts", |connection| {
            let mut statement = connection.prepare_cached(PENDING)?;
            let (all, high, newest) =
                statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, Option<i64>>(2)?)))?;
            Ok(PendingAlerts { all: count(all)?, high: count(high)?, newest: newest.map(timestamp).transpose()? })
        })
        .await
    }

    async fn find_conversations(&self, search: &Search, limit: u32, depth: u32) -> Result<ConversationsFound> {
        let search = search.clone();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read("searching conversations", move |connection| find(connection, &search, limit, depth)).await
    }

    async fn change_token(&self) -> Result<String> {
        self.read("checking for changes", change_token).await
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::domain::message::{Basis, ChatMessage};
    use crate::store::Transcript as _;

    #[tokio::test]
    async fn the_cache_counts_what_the_file_holds_whatever_came_and_went() {
        let store = SqliteStore::scratch().unwrap();
        let at = |second: i64| jiff::Timestamp::from_second(1_750_000_000 + second).unwrap();
        let said = |number: i64| ChatMessage {
            user_id: UserId::new(format!("user-{}", number % 17)),
            role: [Role::User, Role::Assistant, Role::Agent][usize::try_from(number % 5 / 2).unwrap()],
            text: "text".to_owned(),
            at: at(number * 4_001),
            turn: u64::try_from(number / 3).unwrap(),
            intent: (number % 2 == 0).then(|| format!("intent-{}", number % 4)),
            sentiment: (number % 3 == 0).then(|| "neutral".to_owned()),
            response_ms: (number % 5 == 3).then_some(u64::try_from(number).unwrap()),
            basis: Basis::default(),
        };
        let periods = [None, Some(200), Some(900)].map(|from: Option<i64>| Period {
            from: from.map(|from| at(from * 4_001)),
            until: at(5_000_000),
            zone: TimeZone::get("Asia/Kolkata").unwrap(),
            gap: SignedDuration::from_hours(24),
        });
        let check = async |doing: &str| {
            for period in &periods {
                // The first request is counted from the file, the next ones from the cache.
                for _ in 0..2 {
                    let counted = store.conversation_stats(period, &[]).await.unwrap();
                    let (file, of) = (period.clone(), "counting");
                    let read = store
                        .read(of, move |connection| conversations_from_file(connection, &file, &[]))
                        .await
                        .unwrap();
                    let sorted = |mut stats: ConversationStats| {
                        stats.responses.sort_unstable();
                        stats.response_points.values_mut().for_each(|taken| taken.sort_unstable());
                        stats
                    };
                    assert_eq!(sorted(counted), sorted(read), "{doing}, from {:?}", period.from);
                }
            }
        };
        check("nothing").await;
        store.append_messages(&(0..700).map(said).collect::<Vec<_>>()).await.unwrap();
        check("some").await;
        store.append_messages(&(700..1_200).map(said).collect::<Vec<_>>()).await.unwrap();
        check("more").await;
        let remove = |sql: &'static str| store.write("removing", move |connection| Ok(connection.execute(sql, [])?));
        remove("DELETE FROM chats WHERE user_id = 'user-3'").await.unwrap();
        check("a customer less").await;
        remove("DELETE FROM chats WHERE id < 90").await.unwrap();
        store.append_messages(&(1_200..1_260).map(said).collect::<Vec<_>>()).await.unwrap();
        check("some less, some more").await;
        // As many as were removed came: the last ones went.
        remove("DELETE FROM chats WHERE id > 1200").await.unwrap();
        store.append_messages(&(0..60).map(said).collect::<Vec<_>>()).await.unwrap();
        check("others").await;
        remove("DELETE FROM chats").await.unwrap();
        check("nothing again").await;
    }
}

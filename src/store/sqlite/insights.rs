//! Decides how the team's figures are read from the file.
//!
//! It must never write, nor count by rules of its own: what is counted is in `domain/figures.rs`.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::civil::DateTime;
use rusqlite::{Connection, OptionalExtension as _, params, params_from_iter};

use super::super::{Answers, Insights, Result, Search, TalksFound};
use super::book::SyncedBook;
use super::conditions::{Conditions, literally};
use super::{Fault, SqliteStore, count, micros, timestamp};
use crate::domain::alert::Priority;
use crate::domain::figures::{
    AlertRow, OrderCell, OrderFigures, Period, RefundFigures, TalkCounter, TalkFigures, TalkRow, raised_by_customer,
};
use crate::domain::ids::UserId;
use crate::domain::message::Role;
use crate::domain::money::Money;

type Read<T> = std::result::Result<T, Fault>;

/// A text column, or the empty text.
fn text<'a>(row: &'a rusqlite::Row<'_>, column: usize) -> Read<Option<&'a str>> {
    Ok(row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}

/// The book, unless it is away for long because everything is read: a short time is counted from the file then.
fn soon(book: &Mutex<SyncedBook>) -> Option<MutexGuard<'_, SyncedBook>> {
    for _ in 0..50 {
        match book.try_lock() {
            Ok(book) => return Some(book),
            Err(TryLockError::Poisoned(book)) => return Some(book.into_inner()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    None
}

fn talk(connection: &Connection, period: &Period, alerts: &[AlertRow], book: &Mutex<SyncedBook>) -> Read<TalkFigures> {
    let bounded = period.from.is_some();
    let book = if bounded { soon(book) } else { Some(book.lock().unwrap_or_else(PoisonError::into_inner)) };
    if let Some(mut book) = book
        && book.read_on(connection, bounded)?
    {
        let mut counter = TalkCounter::new(period, raised_by_customer(alerts));
        book.count(period.read_from(), &mut counter);
        return Ok(counter.finish());
    }
    talk_of_the_file(connection, period, alerts)
}

fn talk_of_the_file(connection: &Connection, period: &Period, alerts: &[AlertRow]) -> Read<TalkFigures> {
    const COLUMNS: &str =
        "SELECT user_id, role, at, turn, intent, sentiment, response_ms, intent_confidence, reused, degraded
        FROM chats";
    let mut counter = TalkCounter::new(period, raised_by_customer(alerts));
    let until = micros(period.until);
    let mut read = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| -> Read<()> {
        let mut statement = connection.prepare_cached(sql)?;
        let mut rows = statement.query(parameters)?;
        while let Some(row) = rows.next()? {
            let role = text(row, 1)?.unwrap_or_default();
            counter.add(&TalkRow {
                user: text(row, 0)?.unwrap_or_default(),
                role: Role::parse(role).ok_or_else(|| Fault::Content(format!("“{role}” is no role in a chat")))?,
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
        // A short time is found by the time and sorted; everything is there in its order already.
        Some(from) => read(
            &format!("{COLUMNS} INDEXED BY chats_at WHERE at >= ?1 AND at < ?2 ORDER BY user_id, id"),
            &[&micros(from), &until],
        )?,
        None => read(&format!("{COLUMNS} INDEXED BY chats_figures ORDER BY user_id, id"), &[])?,
    }
    Ok(counter.finish())
}

/// As the column `placed_at` holds it: ISO text, which sorts as the times do.
fn iso(local: DateTime) -> String {
    local.to_string()
}

fn orders(connection: &Connection, period: &Period, platform: Option<&str>) -> Read<OrderFigures> {
    let (from, until) = period.local();
    let (from, until) = (from.map(iso), iso(until));
    let mut figures = OrderFigures::default();
    let mut statement = connection.prepare_cached(
        "SELECT platform, category, rating, substr(placed_at, 12, 2), count(*), count(delayed), total(delayed),
                count(delivery_minutes), coalesce(sum(delivery_minutes), 0), coalesce(sum(value_paise), 0), total(refund_requested)
         FROM order_details INDEXED BY orders_figures
         WHERE (?1 IS NULL OR platform = ?1) AND (?2 IS NULL OR (placed_at >= ?2 AND placed_at < ?3))
         GROUP BY platform, category, rating, substr(placed_at, 12, 2)",
    )?;
    let mut rows = statement.query(params![platform, from, until])?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
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
            value: Money::from_paise(row.get(9)?),
            refund_requested: whole(row.get(10)?),
        };
        figures.add(text(row, 0)?.unwrap_or_default(), text(row, 1)?.unwrap_or_default(), &cell);
    }
    if from.is_some() {
        let sql = "SELECT count(*) FROM order_details INDEXED BY orders_figures
                   WHERE (?1 IS NULL OR platform = ?1) AND placed_at IS NULL";
        figures.undated = count(connection.prepare_cached(sql)?.query_row([platform], |row| row.get(0))?)?;
    }
    Ok(figures)
}

fn refunds(connection: &Connection, period: &Period, platform: Option<&str>) -> Read<RefundFigures> {
    let mut figures = RefundFigures::default();
    let mut statement = connection.prepare_cached(
        "SELECT refunds.at, refunds.amount_paise, refunds.reason, category, platform
         FROM refunds LEFT JOIN order_details USING (order_id)
         WHERE refunds.at >= ?1 AND refunds.at < ?2 AND (?3 IS NULL OR platform = ?3)",
    )?;
    let from = period.from.map_or(i64::MIN, micros);
    let mut rows = statement.query(params![from, micros(period.until), platform])?;
    while let Some(row) = rows.next()? {
        let order = text(row, 3)?.zip(text(row, 4)?);
        let amount = Money::from_paise(row.get(1)?);
        figures.add(period, timestamp(row.get(0)?)?, amount, text(row, 2)?.unwrap_or_default(), order);
    }
    Ok(figures)
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
                other => return Err(Fault::Content(format!("{other} is no priority of an alert"))),
            },
            pending: row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)? == "pending",
            created_at: timestamp(row.get(3)?)?,
            resolved_at: row.get::<_, Option<i64>>(4)?.map(timestamp).transpose()?,
        })
    })?;
    rows.collect()
}

/// Customers who wait for a person.
const WAITS: &str = "user_id IN (SELECT user_id FROM human_intervention_alerts WHERE status = 'pending')";

/// What a message has to fit beside what indexes find.
fn fitting(search: &Search, wanted: &mut Conditions) {
    if !search.user.is_empty() {
        wanted.with("user_id LIKE ?# ESCAPE '\\'", literally(&search.user));
    }
    if !search.text.is_empty() {
        wanted.with("(text LIKE ?# ESCAPE '\\' OR user_id LIKE ?# ESCAPE '\\')", literally(&search.text));
    }
    if let Some(order) = &search.order {
        let (id, part) = (wanted.value(order.as_str().to_owned()), wanted.value(literally(order.as_str())));
        wanted.add(&format!("(text LIKE {part} ESCAPE '\\' OR user_id IN ({}))", of_order(&id)));
    }
    match search.answers {
        None => {}
        Some(Answers::Person) => wanted.add(WAITS),
        Some(Answers::Bot) => wanted.add(&format!("NOT {WAITS}")),
    }
}

/// Customers to whom an order is bound or quoted.
fn of_order(id: &str) -> String {
    format!(
        "SELECT user_id FROM bindings WHERE order_id = {id}
         UNION SELECT user_id FROM quotes WHERE order_id = {id} AND user_id IS NOT NULL"
    )
}

/// What an index finds.
fn indexed(search: &Search) -> Conditions {
    let mut wanted = Conditions::default();
    if let Some(intent) = &search.intent {
        wanted.with("intent = ?#", intent.clone());
    }
    if let Some(sentiment) = &search.sentiment {
        // There are three of them: beside an intent their index would be the wrong one to take.
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

/// The time of the message at which looking through ends, where there are more.
fn floor(connection: &Connection, search: &Search, depth: u32) -> Read<Option<i64>> {
    let (wanted, values) = indexed(search).finish();
    let sql = format!("SELECT at FROM chats WHERE {wanted} ORDER BY at DESC LIMIT 1 OFFSET {depth}");
    let mut statement = connection.prepare_cached(&sql)?;
    let floor: Option<i64> = statement.query_row(params_from_iter(values), |row| row.get(0)).optional()?;
    // As many at one moment are looked through together, or a search that goes on would stay there.
    let stays = |floor: i64| search.until.is_some_and(|until| micros(until) <= floor.saturating_add(1));
    Ok(floor.map(|floor| if stays(floor) { floor.saturating_sub(1) } else { floor }))
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

fn find(connection: &Connection, search: &Search, limit: usize, depth: u32) -> Read<TalksFound> {
    const BY_USER: &str = "chats INDEXED BY chats_figures";
    let users = |found: Vec<(i64, String)>| found.into_iter().map(|(_, user)| UserId::new(user)).collect();
    let mut wanted = indexed(search);
    if search.answers == Some(Answers::Person) {
        // Those are few, and an index finds what they wrote.
        fitting(search, &mut wanted);
        let users = users(hits(connection, BY_USER, wanted, limit)?);
        return Ok(TalksFound { users, unsearched_before: None });
    }
    let floor = if search.is_looked_through() { floor(connection, search, depth)? } else { None };
    if let Some(floor) = floor {
        wanted.with("at > ?#", floor);
    }
    fitting(search, &mut wanted);
    let mut found = hits(connection, "chats", wanted, limit)?;
    if let Some(floor) = floor {
        let mut named = indexed(search);
        let names = search.names();
        let places: Vec<String> = names.into_iter().map(|name| named.value(name)).collect();
        let mut any = vec![format!("user_id IN ({})", places.join(", "))];
        if let Some(order) = &search.order {
            let id = named.value(order.as_str().to_owned());
            any.push(format!("user_id IN ({})", of_order(&id)));
        }
        named.add(&format!("({})", any.join(" OR ")));
        fitting(search, &mut named);
        found.extend(hits(connection, BY_USER, named, limit)?);
        found.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut seen = HashSet::new();
        found.retain(|(_, user)| seen.insert(user.clone()));
        let whole = found.len() >= limit;
        found.truncate(limit);
        let unsearched_before = if whole { None } else { Some(timestamp(floor.saturating_add(1))?) };
        return Ok(TalksFound { users: users(found), unsearched_before });
    }
    Ok(TalksFound { users: users(found), unsearched_before: None })
}

fn mark(connection: &Connection) -> Read<String> {
    // Each part is the end of an index, or one row.
    let sql = "SELECT (SELECT coalesce(max(id), 0) FROM chats)
        || '/' || (SELECT coalesce(max(seq), 0) FROM audit)
        || '/' || (SELECT coalesce(max(rowid), 0) FROM refunds)
        || '/' || (SELECT count(*) FROM human_intervention_alerts WHERE status = 'pending')
        || '/' || (SELECT coalesce(max(rowid), 0) FROM human_intervention_alerts)
        || '/' || (SELECT coalesce(max(resolved_at), 0) FROM human_intervention_alerts WHERE status = 'resolved')
        || '/' || (SELECT coalesce(max(next_at), 0) FROM outbox WHERE state = 'sent')
        || '/' || (SELECT coalesce(max(next_at), 0) FROM outbox WHERE state = 'parked')
        || '/' || (SELECT count FROM outbox_news)";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

#[async_trait]
impl Insights for SqliteStore {
    async fn talk_figures(&self, period: &Period, alerts: &[AlertRow]) -> Result<TalkFigures> {
        let (period, alerts, book) = (period.clone(), alerts.to_vec(), Arc::clone(&self.book));
        self.read("counting conversations", move |connection| talk(connection, &period, &alerts, &book)).await
    }

    async fn order_figures(&self, period: &Period, platform: Option<&str>) -> Result<OrderFigures> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        self.read("counting orders", move |connection| orders(connection, &period, platform.as_deref())).await
    }

    async fn refund_figures(&self, period: &Period, platform: Option<&str>) -> Result<RefundFigures> {
        let (period, platform) = (period.clone(), platform.map(str::to_owned));
        self.read("counting refunds", move |connection| refunds(connection, &period, platform.as_deref())).await
    }

    async fn alert_rows(&self) -> Result<Vec<AlertRow>> {
        self.read("counting alerts", alerts).await
    }

    async fn find_talks(&self, search: &Search, limit: u32, depth: u32) -> Result<TalksFound> {
        let search = search.clone();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        self.read("looking for conversations", move |connection| find(connection, &search, limit, depth)).await
    }

    async fn change_mark(&self) -> Result<String> {
        self.read("looking for changes", mark).await
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
    async fn the_book_counts_what_the_file_holds_whatever_came_and_went() {
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
                // The first time that something is asked for, it comes from the file; then from the book.
                for _ in 0..2 {
                    let counted = store.talk_figures(period, &[]).await.unwrap();
                    let (file, of) = (period.clone(), "counting");
                    let read =
                        store.read(of, move |connection| talk_of_the_file(connection, &file, &[])).await.unwrap();
                    let sorted = |mut figures: TalkFigures| {
                        figures.responses.sort_unstable();
                        figures.response_points.values_mut().for_each(|taken| taken.sort_unstable());
                        figures
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

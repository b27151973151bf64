//! Updates the stats cache of a process from the database.
//!
//! A message that was removed, or that was saved more than ten minutes after its own time, is detected by the number of
//! messages; then everything is read anew. That check does not run each time, so until then the stats may be outdated.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Document, doc};

use super::super::stats_cache::{MAX_MESSAGES, StatsCache};
use super::Base;
use super::error::BackendError;
use super::odd::readable;
use super::schema::{CHATS, HISTORY};
use super::values::{date, epoch};
use crate::domain::message::ChatMessage;
use crate::domain::stats::{ConversationCounter, ConversationRow};

/// How far before the latest message new ones are searched: clocks differ, and a turn saves its messages when it ends.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// Everything is read again at the earliest after this many times the duration of the last full read.
const FULL_READ_FACTOR: u32 = 10;
/// Messages are counted again at the earliest after this many times the duration of the last count: some servers know
/// the number, others scan the collection.
const COUNT_FACTOR: u32 = 100;

/// Sorts after every text that begins with a digit, as times do.
const AFTER_DIGITS: &str = ":";

/// All fields but the text of the message.
pub(super) fn fields() -> Document {
    doc! {
        "user_id": 1, "place": 1, "role": 1, "from": 1, "sender": 1, "author": 1, "direction": 1, "timestamp": 1,
        "created_at": 1, "at": 1, "time": 1, "date": 1, "turn": 1, "intent": 1,
        "sentiment": 1, "response_ms": 1, "intent_confidence": 1, "reused": 1, "degraded": 1,
    }
}

/// A message for counting.
pub(super) fn row(message: &ChatMessage) -> ConversationRow<'_> {
    ConversationRow {
        user: message.user_id.as_str(),
        role: message.role,
        at: message.at,
        turn: message.turn,
        intent: message.intent.as_deref(),
        sentiment: message.sentiment.as_deref(),
        response_ms: message.response_ms,
        intent_confidence: message.basis.intent_confidence,
        reused: message.basis.reused,
        degraded: message.basis.degraded,
    }
}

/// When a read began, and how long it took.
#[derive(Clone, Copy)]
pub(super) struct Timing {
    pub(super) at: Instant,
    pub(super) took: Duration,
}

impl Timing {
    /// Whether less time has passed since then than this many times its duration.
    pub(super) fn is_within(self, times: u32) -> bool {
        self.at.elapsed() < self.took * times
    }
}

/// A cache, and how far the transcript was read into it.
#[derive(Default)]
pub(super) struct SyncedStatsCache {
    cache: StatsCache,
    /// How often stats were asked for: a single request is not worth a cache.
    requests: u32,
    /// The last full read; `None`: there is no cache.
    full_read: Option<Timing>,
    last_count: Option<Timing>,
    /// The time of the latest message that is in it, but not after the moment of its reading.
    newest: Timestamp,
    /// The messages of the last minutes that are in it.
    recent: HashMap<String, Timestamp>,
    /// Messages that cannot be read: they are counted by the server, and not held.
    unreadable: HashSet<String>,
    /// The error of the server's estimate at the last full read.
    estimate_error: i128,
}

impl SyncedStatsCache {
    /// Brings the cache up to date. `false`: there is no cache, since the transcript is too large for one or, where
    /// `bounded`, this is the first request.
    pub(super) async fn update(&mut self, base: &Base, bounded: bool) -> Result<bool, BackendError> {
        self.requests = self.requests.saturating_add(1);
        if bounded && self.requests == 1 {
            return Ok(false);
        }
        let Some(full_read) = self.full_read else { return self.read_all(base).await };
        let skip_count =
            full_read.is_within(FULL_READ_FACTOR) || self.last_count.is_some_and(|count| count.is_within(COUNT_FACTOR));
        let before = if skip_count { None } else { Some(self.estimate(base).await?) };
        if !self.read_new(base, Some(self.horizon())).await? || self.cache.len() > MAX_MESSAGES {
            return Ok(self.reset());
        }
        let Some(before) = before else { return Ok(true) };
        let after = self.estimate(base).await?;
        let held = self.held() + self.estimate_error;
        // Some may have been added meanwhile.
        if (before.min(after)..=before.max(after)).contains(&held) { Ok(true) } else { self.read_all(base).await }
    }

    async fn read_all(&mut self, base: &Base) -> Result<bool, BackendError> {
        let at = Instant::now();
        self.reset();
        let before = self.estimate(base).await?;
        if before > MAX_MESSAGES.into() || !self.read_new(base, None).await? {
            return Ok(self.reset());
        }
        let after = self.estimate(base).await?;
        let held = self.held();
        self.estimate_error = if held < before { before - held } else { (after - held).min(0) };
        self.full_read = Some(Timing { at, took: at.elapsed() });
        Ok(true)
    }

    /// Empties the cache; there is none until everything is read. Always `false`.
    fn reset(&mut self) -> bool {
        *self = Self { requests: self.requests, newest: Timestamp::MIN, ..Self::default() };
        false
    }

    /// The messages that are in it, and those that cannot be.
    fn held(&self) -> i128 {
        i128::from(self.cache.len()) + self.unreadable.len() as i128
    }

    /// The number of messages in the metadata of the collection.
    async fn estimate(&mut self, base: &Base) -> Result<i128, BackendError> {
        let at = Instant::now();
        let (ours, older) = (base.collection(CHATS), base.collection(HISTORY));
        let (ours, older) = futures_util::try_join!(async { ours.estimated_document_count().await }, async {
            older.estimated_document_count().await
        })?;
        let count = ours.saturating_add(older);
        self.last_count = Some(Timing { at, took: at.elapsed() });
        Ok(count.into())
    }

    /// The cache, where there is one. It may lack the latest messages.
    pub(super) fn cache(&self) -> Option<&StatsCache> {
        self.full_read.map(|_| &self.cache)
    }

    /// Reads new messages from a time on, or everything. `false` where there are too many labels.
    async fn read_new(&mut self, base: &Base, from: Option<Timestamp>) -> Result<bool, BackendError> {
        // A filter for each type that a time may have, so that the index serves.
        let filters = from.map_or_else(
            || vec![Document::new()],
            |from| {
                // With both bounds: some servers otherwise read the index to its end, whatever the type.
                // A text without a zone may be of any.
                let text = from.saturating_sub(SignedDuration::from_hours(15)).unwrap_or(Timestamp::MIN);
                let kinds = [
                    doc! {"$gte": date(from)},
                    doc! {"$gte": epoch(from), "$lte": f64::INFINITY},
                    doc! {"$gte": text.to_string(), "$lt": AFTER_DIGITS},
                ];
                kinds.map(|kind| doc! {"timestamp": kind}).to_vec()
            },
        );
        for filter in filters {
            for collection in [CHATS, HISTORY] {
                if !self.read_matching(base, collection, from, filter.clone()).await? {
                    return Ok(false);
                }
            }
        }
        self.prune();
        Ok(true)
    }

    async fn read_matching(
        &mut self,
        base: &Base,
        collection: &'static str,
        from: Option<Timestamp>,
        filter: Document,
    ) -> Result<bool, BackendError> {
        let now = Timestamp::now();
        let mut found = base.collection(collection).find(filter).projection(fields()).batch_size(10_000).await?;
        let mut most = self.recent.len() * 2 + 10_000;
        while let Some(document) = found.try_next().await? {
            let Some(message) = readable(base.message(&document), collection, &document) else {
                // It is counted by the server all the same.
                self.unreadable.insert(document.get("_id").map(ToString::to_string).unwrap_or_default());
                continue;
            };
            let name = document.get("_id").map(ToString::to_string).unwrap_or_default();
            if from.is_some_and(|from| message.at < from) || self.recent.contains_key(&name) {
                continue;
            }
            // Messages of the original have no place: they come before ours, in the order of their times.
            let place = document
                .get_i64("place")
                .unwrap_or_else(|_| (i64::MIN / 2).saturating_add(message.at.as_microsecond()));
            if !self.cache.add(&row(&message), place) {
                return Ok(false);
            }
            self.newest = self.newest.max(message.at.min(now));
            if message.at >= self.horizon() {
                self.recent.insert(name, message.at);
            }
            if self.recent.len() > most {
                self.prune();
                most = self.recent.len() * 2 + 10_000;
            }
        }
        Ok(true)
    }

    /// Messages from before this time are not searched again.
    fn horizon(&self) -> Timestamp {
        self.newest.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN)
    }

    fn prune(&mut self) {
        let horizon = self.horizon();
        self.recent.retain(|_, at| *at >= horizon);
    }

    /// Counts every message from a time on.
    pub(super) fn count(&self, from: Option<Timestamp>, counter: &mut ConversationCounter<'_>) {
        self.cache.count(from, counter);
    }
}

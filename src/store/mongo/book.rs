//! Decides how the book of a process is brought up to date from the database.
//!
//! It must never count a message twice. A message that was removed, or that came in later than ten minutes after its own
//! time, is noticed by the number of messages, and everything is read anew: not at every turn, so until then figures may be
//! those of before.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Document, doc};

use super::super::Search;
use super::super::book::{Book, MOST_KEPT};
use super::Base;
use super::chats::read_message;
use super::fault::Fault;
use super::schema::CHATS;
use super::values::{date, epoch};
use crate::domain::figures::{TalkCounter, TalkRow};
use crate::domain::message::ChatMessage;

/// How far back is looked for messages that are new: clocks differ, and a turn keeps its messages when it ends.
const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How many times as long as reading everything took it is not done again.
const TIMES: u32 = 10;
/// How many times as long as counting messages took they are not counted again: a server that knows their number answers at
/// once, another one looks at all of them.
const SELDOM: u32 = 100;

/// After every text that begins with a digit, as times do.
const AFTER_DIGITS: &str = ":";

/// The fields without what was said.
pub(super) fn fields() -> Document {
    doc! {
        "user_id": 1, "place": 1, "role": 1, "timestamp": 1, "created_at": 1, "at": 1, "turn": 1, "intent": 1,
        "sentiment": 1, "response_ms": 1, "intent_confidence": 1, "reused": 1, "degraded": 1,
    }
}

/// A message as it is counted.
pub(super) fn row(message: &ChatMessage) -> TalkRow<'_> {
    TalkRow {
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

/// When something was done, and how long that took.
#[derive(Clone, Copy)]
pub(super) struct Done {
    pub(super) at: Instant,
    pub(super) took: Duration,
}

impl Done {
    pub(super) fn within(self, times: u32) -> bool {
        self.at.elapsed() < self.took * times
    }
}

/// A book, and how far it was read.
#[derive(Default)]
pub(super) struct SyncedBook {
    book: Book,
    /// How often figures were asked for: what is asked once is not worth a book.
    asked: u32,
    /// When everything was read, and when the number of messages was last looked at.
    whole: Option<Done>,
    numbered: Option<Done>,
    /// The time of the latest message that is in it, but not after the moment of its reading.
    newest: Timestamp,
    /// The messages of the last minutes that are in it.
    recent: HashMap<String, Timestamp>,
    /// How many more the server said there were than there were: it estimates.
    surplus: i128,
}

impl SyncedBook {
    /// Brings the book up to date. `false`: there is no book, since the transcript is too large for one or, where `bounded`,
    /// nothing was asked before.
    pub(super) async fn read_on(&mut self, base: &Base, bounded: bool) -> Result<bool, Fault> {
        self.asked = self.asked.saturating_add(1);
        if bounded && self.asked == 1 {
            return Ok(false);
        }
        let Some(whole) = self.whole else { return self.read_all(base).await };
        let rest = whole.within(TIMES) || self.numbered.is_some_and(|numbered| numbered.within(SELDOM));
        let before = if rest { None } else { Some(self.estimate(base).await?) };
        if !self.take(base, Some(self.horizon())).await? || self.book.held() > MOST_KEPT {
            return Ok(self.forget());
        }
        let Some(before) = before else { return Ok(true) };
        let after = self.estimate(base).await?;
        let held = i128::from(self.book.held()) + self.surplus;
        // Some may have come while it was read.
        if (before.min(after)..=before.max(after)).contains(&held) { Ok(true) } else { self.read_all(base).await }
    }

    async fn read_all(&mut self, base: &Base) -> Result<bool, Fault> {
        let at = Instant::now();
        self.forget();
        let before = self.estimate(base).await?;
        if before > MOST_KEPT.into() || !self.take(base, None).await? {
            return Ok(self.forget());
        }
        let after = self.estimate(base).await?;
        let held = i128::from(self.book.held());
        self.surplus = if held < before { before - held } else { (after - held).min(0) };
        self.whole = Some(Done { at, took: at.elapsed() });
        Ok(true)
    }

    /// Starts anew; there is no book until everything is read.
    fn forget(&mut self) -> bool {
        *self = Self { asked: self.asked, newest: Timestamp::MIN, ..Self::default() };
        false
    }

    /// How many messages there are, as the server knows without looking.
    async fn estimate(&mut self, base: &Base) -> Result<i128, Fault> {
        let at = Instant::now();
        let count = base.collection(CHATS).estimated_document_count().await?;
        self.numbered = Some(Done { at, took: at.elapsed() });
        Ok(count.into())
    }

    /// As [`Book::floor`]; `None` where there is no book.
    pub(super) fn floor(&self, search: &Search, depth: usize) -> Option<Option<Timestamp>> {
        self.whole.map(|_| self.book.floor(search, depth))
    }

    /// Takes what is new from a time on, or everything. `false` where there are too many words.
    async fn take(&mut self, base: &Base, from: Option<Timestamp>) -> Result<bool, Fault> {
        // Every kind of time that a message may carry is found by the index.
        let filters = from.map_or_else(
            || vec![Document::new()],
            |from| {
                // With both ends: some servers read an index on to its end, whatever type is compared with.
                let kinds = [
                    doc! {"$gte": date(from)},
                    doc! {"$gte": epoch(from), "$lte": f64::INFINITY},
                    doc! {"$gte": from.to_string(), "$lt": AFTER_DIGITS},
                ];
                kinds.map(|kind| doc! {"timestamp": kind}).to_vec()
            },
        );
        for filter in filters {
            if !self.take_some(base, from, filter).await? {
                return Ok(false);
            }
        }
        self.prune();
        Ok(true)
    }

    async fn take_some(&mut self, base: &Base, from: Option<Timestamp>, filter: Document) -> Result<bool, Fault> {
        let now = Timestamp::now();
        let mut found = base.collection(CHATS).find(filter).projection(fields()).batch_size(10_000).await?;
        let mut most = self.recent.len() * 2 + 10_000;
        while let Some(document) = found.try_next().await? {
            let message = read_message(&document)?;
            let name = document.get("_id").map(ToString::to_string).unwrap_or_default();
            if from.is_some_and(|from| message.at < from) || self.recent.contains_key(&name) {
                continue;
            }
            // Those of the original have no place: before ours, in the order of their times.
            let place = match document.get_i64("place") {
                Ok(place) => place,
                Err(_) => (i64::MIN / 2).saturating_add(message.at.as_microsecond()),
            };
            if !self.book.add(&row(&message), place) {
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

    /// Messages of before are not looked for again.
    fn horizon(&self) -> Timestamp {
        self.newest.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN)
    }

    fn prune(&mut self) {
        let horizon = self.horizon();
        self.recent.retain(|_, at| *at >= horizon);
    }

    /// Counts every message from a time on.
    pub(super) fn count(&self, from: Option<Timestamp>, counter: &mut TalkCounter<'_>) {
        self.book.count(from, counter);
    }
}

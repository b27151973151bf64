//! The transcript without its text, in memory, so that conversation stats are counted without reading all messages each
//! time. A backend brings it up to date before it counts.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Search;
use crate::domain::message::Role;
use crate::domain::stats::{ConversationCounter, ConversationRow};

/// The most messages that are cached, some sixty bytes each; a larger transcript is read anew each time.
pub(super) const MAX_MESSAGES: u64 = 4_000_000;
/// The most distinct labels (intents, sentiments).
const MAX_LABELS: usize = u16::MAX as usize - 1;

/// A message without its text.
struct CachedMessage {
    at: Timestamp,
    turn: u64,
    /// Its position in the conversation.
    position: i64,
    response_ms: Option<u32>,
    /// NaN where it is not known: half the size of an option.
    intent_confidence: f64,
    reused: Option<bool>,
    degraded: Option<bool>,
    intent: Option<u16>,
    sentiment: Option<u16>,
    role: Role,
}

/// The messages of one customer, in the order of the conversation.
struct Customer {
    name: Box<str>,
    latest: Timestamp,
    messages: Vec<CachedMessage>,
}

/// There are more than [`MAX_LABELS`] labels.
struct TooManyLabels;

/// All messages, without their text.
#[derive(Default)]
pub(super) struct StatsCache {
    len: u64,
    customers: Vec<Customer>,
    /// The index of each customer.
    indexes: HashMap<Box<str>, usize>,
    labels: Vec<Box<str>>,
    label_ids: HashMap<Box<str>, u16>,
}

impl StatsCache {
    /// The number of messages.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// Adds a message; those of one position in a conversation stay in the order in which they come. `false` and
    /// nothing added where there are too many labels.
    pub(super) fn add(&mut self, message: &ConversationRow<'_>, position: i64) -> bool {
        let (Ok(intent), Ok(sentiment)) = (self.label_id(message.intent), self.label_id(message.sentiment)) else {
            return false;
        };
        let cached = CachedMessage {
            at: message.at,
            turn: message.turn,
            position,
            response_ms: message.response_ms.map(|taken| u32::try_from(taken).unwrap_or(u32::MAX)),
            intent_confidence: message.intent_confidence.unwrap_or(f64::NAN),
            reused: message.reused,
            degraded: message.degraded,
            intent,
            sentiment,
            role: message.role,
        };
        let customer = self.customer(message.user);
        customer.latest = customer.latest.max(message.at);
        let index = match customer.messages.last() {
            Some(last) if last.position > position => customer.messages.partition_point(|one| one.position <= position),
            _ => customer.messages.len(),
        };
        customer.messages.insert(index, cached);
        self.len += 1;
        true
    }

    fn customer(&mut self, name: &str) -> &mut Customer {
        let index = self.indexes.get(name).copied().unwrap_or_else(|| {
            self.indexes.insert(name.into(), self.customers.len());
            self.customers.push(Customer { name: name.into(), latest: Timestamp::MIN, messages: Vec::new() });
            self.customers.len() - 1
        });
        &mut self.customers[index]
    }

    /// The id of a label, where there is one.
    fn label_id(&mut self, label: Option<&str>) -> Result<Option<u16>, TooManyLabels> {
        let Some(label) = label else { return Ok(None) };
        if let Some(id) = self.label_ids.get(label) {
            return Ok(Some(*id));
        }
        let id = u16::try_from(self.labels.len()).ok().filter(|_| self.labels.len() < MAX_LABELS);
        let id = id.ok_or(TooManyLabels)?;
        self.labels.push(label.into());
        self.label_ids.insert(label.into(), id);
        Ok(Some(id))
    }

    /// The time of the message before which there are `depth` later ones, among those that match the time, intent and
    /// sentiment of the search; `None` where there are not so many.
    pub(super) fn search_cutoff(&self, search: &Search, depth: usize) -> Option<Timestamp> {
        let id = |label: &Option<String>| match label {
            Some(label) => self.label_ids.get(label.as_str()).copied().map(Some),
            None => Some(None),
        };
        let (intent, sentiment) = (id(&search.intent)?, id(&search.sentiment)?);
        let from = search.from.unwrap_or(Timestamp::MIN);
        let matches = |message: &&CachedMessage| {
            message.at >= from
                && search.until.is_none_or(|until| message.at < until)
                && intent.is_none_or(|intent| message.intent == Some(intent))
                && sentiment.is_none_or(|sentiment| message.sentiment == Some(sentiment))
        };
        let customers = self.customers.iter().filter(|customer| customer.latest >= from);
        let mut times: Vec<Timestamp> =
            customers.flat_map(|customer| customer.messages.iter().filter(matches).map(|message| message.at)).collect();
        if times.len() <= depth {
            return None;
        }
        let (_, cutoff, _) = times.select_nth_unstable_by(depth, |one, other| other.cmp(one));
        Some(*cutoff)
    }

    /// Counts every message from a time on.
    pub(super) fn count(&self, from: Option<Timestamp>, counter: &mut ConversationCounter<'_>) {
        let label = |id: Option<u16>| id.and_then(|id| self.labels.get(usize::from(id))).map(AsRef::as_ref);
        let from = from.unwrap_or(Timestamp::MIN);
        for customer in self.customers.iter().filter(|customer| customer.latest >= from) {
            for message in customer.messages.iter().filter(|message| message.at >= from) {
                counter.add(&ConversationRow {
                    user: &customer.name,
                    role: message.role,
                    at: message.at,
                    turn: message.turn,
                    intent: label(message.intent),
                    sentiment: label(message.sentiment),
                    response_ms: message.response_ms.map(u64::from),
                    intent_confidence: Some(message.intent_confidence).filter(|confidence| !confidence.is_nan()),
                    reused: message.reused,
                    degraded: message.degraded,
                });
            }
        }
    }
}

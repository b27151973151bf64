//! Decides what of the transcript a process keeps in memory, so that the team's figures are counted without reading
//! everything each time.
//!
//! It must never hold what a customer wrote. Whoever counts from it brings it up to date first.

use std::collections::HashMap;

use jiff::Timestamp;

use super::Search;
use crate::domain::figures::{TalkCounter, TalkRow};
use crate::domain::message::Role;

/// Messages that are kept at most, some sixty bytes each; a larger transcript is read anew each time.
pub(super) const MOST_KEPT: u64 = 4_000_000;
/// Words (intents, sentiments) that are told apart at most.
const MOST_WORDS: usize = u16::MAX as usize - 1;

/// A message without its text.
struct Kept {
    at: Timestamp,
    turn: u64,
    /// Where it stands in its conversation.
    place: i64,
    response_ms: Option<u32>,
    /// No number where none is known: half the size of an option.
    intent_confidence: f64,
    reused: Option<bool>,
    degraded: Option<bool>,
    intent: Option<u16>,
    sentiment: Option<u16>,
    role: Role,
}

/// The messages of one customer, in their order.
struct Customer {
    name: Box<str>,
    latest: Timestamp,
    messages: Vec<Kept>,
}

/// Everything said, without the words.
#[derive(Default)]
pub(super) struct Book {
    held: u64,
    customers: Vec<Customer>,
    places: HashMap<Box<str>, usize>,
    words: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u16>,
}

impl Book {
    /// How many messages are in it.
    pub(super) fn held(&self) -> u64 {
        self.held
    }

    /// Adds a message; those of one place in a conversation stay in the order in which they come. `false` and nothing added
    /// where there are too many words.
    pub(super) fn add(&mut self, message: &TalkRow<'_>, place: i64) -> bool {
        let (Some(intent), Some(sentiment)) = (self.number(message.intent), self.number(message.sentiment)) else {
            return false;
        };
        let kept = Kept {
            at: message.at,
            turn: message.turn,
            place,
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
        let after = match customer.messages.last() {
            Some(last) if last.place > place => customer.messages.partition_point(|one| one.place <= place),
            _ => customer.messages.len(),
        };
        customer.messages.insert(after, kept);
        self.held += 1;
        true
    }

    fn customer(&mut self, name: &str) -> &mut Customer {
        let place = match self.places.get(name) {
            Some(place) => *place,
            None => {
                self.places.insert(name.into(), self.customers.len());
                self.customers.push(Customer { name: name.into(), latest: Timestamp::MIN, messages: Vec::new() });
                self.customers.len() - 1
            }
        };
        &mut self.customers[place]
    }

    /// The number of a word, where there is one; `None` where there are too many words.
    #[allow(clippy::option_option)]
    fn number(&mut self, word: Option<&str>) -> Option<Option<u16>> {
        let Some(word) = word else { return Some(None) };
        if let Some(number) = self.numbers.get(word) {
            return Some(Some(*number));
        }
        let number = u16::try_from(self.words.len()).ok().filter(|_| self.words.len() < MOST_WORDS)?;
        self.words.push(word.into());
        self.numbers.insert(word.into(), number);
        Some(Some(number))
    }

    /// The time of the message before which there are `depth` later ones, among those that fit what the search asks of their
    /// time, intent and sentiment; `None` where there are not so many.
    pub(super) fn floor(&self, search: &Search, depth: usize) -> Option<Timestamp> {
        let number = |word: &Option<String>| match word {
            Some(word) => self.numbers.get(word.as_str()).copied().map(Some),
            None => Some(None),
        };
        let (intent, sentiment) = (number(&search.intent)?, number(&search.sentiment)?);
        let from = search.from.unwrap_or(Timestamp::MIN);
        let fits = |message: &&Kept| {
            message.at >= from
                && search.until.is_none_or(|until| message.at < until)
                && intent.is_none_or(|intent| message.intent == Some(intent))
                && sentiment.is_none_or(|sentiment| message.sentiment == Some(sentiment))
        };
        let customers = self.customers.iter().filter(|customer| customer.latest >= from);
        let mut times: Vec<Timestamp> =
            customers.flat_map(|customer| customer.messages.iter().filter(fits).map(|message| message.at)).collect();
        if times.len() <= depth {
            return None;
        }
        let (_, floor, _) = times.select_nth_unstable_by(depth, |one, other| other.cmp(one));
        Some(*floor)
    }

    /// Counts every message from a time on.
    pub(super) fn count(&self, from: Option<Timestamp>, counter: &mut TalkCounter<'_>) {
        let word =
            |number: Option<u16>| number.and_then(|number| self.words.get(usize::from(number))).map(AsRef::as_ref);
        let from = from.unwrap_or(Timestamp::MIN);
        for customer in self.customers.iter().filter(|customer| customer.latest >= from) {
            for message in customer.messages.iter().filter(|message| message.at >= from) {
                counter.add(&TalkRow {
                    user: &customer.name,
                    role: message.role,
                    at: message.at,
                    turn: message.turn,
                    intent: word(message.intent),
                    sentiment: word(message.sentiment),
                    response_ms: message.response_ms.map(u64::from),
                    intent_confidence: Some(message.intent_confidence).filter(|sure| !sure.is_nan()),
                    reused: message.reused,
                    degraded: message.degraded,
                });
            }
        }
    }
}

//! Decides what of the transcript a process keeps in memory, so that the team's figures are counted without reading the
//! whole file each time.
//!
//! It must never hold what a customer wrote, nor be counted from without having been brought up to date in the same reading.

use std::collections::HashMap;

use rusqlite::Connection;

use super::{Fault, count, timestamp};
use crate::domain::figures::{TalkCounter, TalkRow};
use crate::domain::message::Role;
use jiff::Timestamp;

/// Messages that are kept at most, some fifty bytes each; a larger transcript is read from the file.
const MOST_KEPT: u64 = 4_000_000;
/// Words (intents, sentiments) that are told apart at most.
const MOST_WORDS: usize = u16::MAX as usize - 1;

/// A message without its text.
struct Kept {
    at: Timestamp,
    turn: u64,
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
    /// The last message that is in it.
    last: i64,
    /// How many are.
    held: u64,
    customers: Vec<Customer>,
    places: HashMap<Box<str>, usize>,
    words: Vec<Box<str>>,
    numbers: HashMap<Box<str>, u16>,
    /// How often figures were asked for: what is asked once is not worth a book.
    asked: u32,
}

impl Book {
    /// Brings the book up to date with what the connection sees at this moment. `false`: there is no book, since the
    /// transcript is too large for one or, where `bounded`, nothing was asked before.
    pub(super) fn read_on(&mut self, connection: &Connection, bounded: bool) -> Result<bool, Fault> {
        self.asked = self.asked.saturating_add(1);
        if bounded && self.asked == 1 {
            return Ok(false);
        }
        // Every reading is one transaction: both see the same moment.
        let there = count(connection.prepare_cached("SELECT count(*) FROM chats")?.query_row([], |row| row.get(0))?)?;
        if there > MOST_KEPT {
            *self = Self { asked: self.asked, ..Self::default() };
            return Ok(false);
        }
        let mut whole = self.take(connection)?;
        // Messages are added and removed, never changed; a number is never given out twice. So as many as were there, or as
        // came, are the same ones; otherwise some were removed.
        if whole && self.held != there {
            *self = Self { asked: self.asked, ..Self::default() };
            whole = self.take(connection)? && self.held == there;
        }
        if !whole {
            *self = Self { asked: self.asked, ..Self::default() };
        }
        Ok(whole)
    }

    fn take(&mut self, connection: &Connection) -> Result<bool, Fault> {
        let mut statement = connection.prepare_cached(
            "SELECT id, user_id, role, at, turn, intent, sentiment, response_ms, intent_confidence, reused, degraded
             FROM chats WHERE id > ?1 ORDER BY id",
        )?;
        let mut rows = statement.query([self.last])?;
        while let Some(row) = rows.next()? {
            let text = |column: usize| row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from);
            let role = text(2)?.unwrap_or_default();
            let role = Role::parse(role).ok_or_else(|| Fault::Content(format!("“{role}” is no role in a chat")))?;
            let (Some(intent), Some(sentiment)) = (self.number(text(5)?), self.number(text(6)?)) else {
                return Ok(false);
            };
            let taken = row.get::<_, Option<i64>>(7)?.map(count).transpose()?;
            let at = timestamp(row.get(3)?)?;
            let message = Kept {
                at,
                turn: count(row.get(4)?)?,
                response_ms: taken.map(|taken| u32::try_from(taken).unwrap_or(u32::MAX)),
                intent_confidence: row.get::<_, Option<f64>>(8)?.unwrap_or(f64::NAN),
                reused: row.get(9)?,
                degraded: row.get(10)?,
                intent,
                sentiment,
                role,
            };
            let customer = self.customer(text(1)?.unwrap_or_default());
            customer.latest = customer.latest.max(at);
            customer.messages.push(message);
            self.last = row.get(0)?;
            self.held += 1;
        }
        Ok(true)
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

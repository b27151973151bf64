//! A conversation as it would be held on WhatsApp, without WhatsApp: what `simulate` and `bench` hold.
//!
//! It must never answer by itself: every message takes the same path as a customer's.

use std::sync::Arc;
use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use super::InputError;
use super::scenarios::Line;
use crate::agent::{Incoming, TurnReport};
use crate::channels::{Channel, CollectingChannel};
use crate::domain::ids::UserId;
use crate::domain::outgoing::Outgoing;
use crate::inbox::{Sender, Worker, clock_from};
use crate::store::Store;

/// How far a conversation may move the clock in total: a hundred years, far from the end of the calendar.
const MAX_OFFSET: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);

/// A conversation with one customer, on a clock of its own.
pub(super) struct Chat {
    worker: Worker,
    sender: Sender,
    channel: Arc<CollectingChannel>,
    user: UserId,
    offset: SignedDuration,
}

/// What came of a message.
pub(super) struct Heard {
    /// The message.
    pub(super) incoming: Incoming,
    /// When it came.
    pub(super) now: Timestamp,
    /// What the program did.
    pub(super) report: TurnReport,
    /// What left for the customer.
    pub(super) sent: Vec<Outgoing>,
    /// How long it took.
    pub(super) milliseconds: f64,
}

impl Chat {
    /// A conversation on a store.
    pub(super) fn new(store: &Arc<dyn Store>, worker: Worker, user: UserId) -> Self {
        let channel = Arc::new(CollectingChannel::default());
        let sender = Sender::new(Arc::clone(store), Arc::clone(&channel) as Arc<dyn Channel>);
        Self { worker, sender, channel, user, offset: SignedDuration::ZERO }
    }

    /// Who writes.
    pub(super) fn user(&self) -> &UserId {
        &self.user
    }

    /// Moves the clock, says a line, and sends what is answered; `None` for a line that only moves the clock.
    ///
    /// # Errors
    /// When the clock is moved too far, or the store fails.
    pub(super) async fn say(&mut self, line: &Line) -> anyhow::Result<Option<Heard>> {
        self.offset = self.offset.checked_add(line.later).filter(|offset| *offset <= MAX_OFFSET).ok_or_else(|| {
            InputError::with_hint("the clock was moved by more than a hundred years", "move it by less")
        })?;
        if line.text.is_empty() {
            return Ok(None);
        }
        let now = Timestamp::now() + self.offset;
        let incoming = Incoming::typed(line.text.clone());
        let started = Instant::now();
        let report = self.worker.take_turn(&self.user, &incoming, now).await?;
        self.sender.drain(Some(&self.user), &clock_from(Timestamp::now() + self.offset)).await?;
        let milliseconds = started.elapsed().as_secs_f64() * 1_000.0;
        Ok(Some(Heard { incoming, now, report, sent: self.channel.take(), milliseconds }))
    }
}

//! How customers' messages become turns and replies are sent: who works on what, when, and what happens after an error.
//! The agent never runs before the message is durable, and a reply only leaves together with the state that it belongs
//! to.
//!
//! The store holds all of it: which conversation is due, who works on it, what is to be sent. What is in memory here
//! only makes it quicker, and any number of processes may run a [`Pool`] on one store. That is also why this is no
//! general job queue: the order within a conversation, the leases and the outbox are part of the store's transactions.

mod jobs;
mod media;
mod parsed;
mod pool;
mod ratings;
mod reply;
mod retention_job;
mod retry;
mod sender;
mod wishes;
mod worker;

use std::sync::Arc;

use jiff::Timestamp;

pub use jobs::{JobQueue, run_jobs};
pub use pool::{Pool, PoolSettings};
pub use retry::Backoff;
pub use sender::Sender;
pub use worker::{Outcome, TurnObserver, Worker};

/// A source of the current time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// A clock that starts at `now` and runs on from there.
pub fn clock_from(now: Timestamp) -> Clock {
    let started = std::time::Instant::now();
    Arc::new(move || now.saturating_add(started.elapsed()).unwrap_or(Timestamp::MAX))
}

/// A random number from 0 to 1 that spreads waits.
fn jitter() -> f64 {
    rand::random()
}

#[cfg(test)]
mod media_tests;
#[cfg(test)]
mod photo_tests;
#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod tests;

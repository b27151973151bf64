//! Decides how customers' messages become turns and replies leave: who works on what, when, and what becomes of failures.
//!
//! It must never run the agent before the message is durable, nor hand out a reply that is not kept with the state it
//! belongs to.
//!
//! The store holds all of it: which conversation is due, who works on it, what is to be sent. What is in memory here
//! only makes it quicker, and any number of processes may run a [`Pool`] on one store.

mod keeper;
mod pool;
mod reading;
mod reply;
mod retry;
mod sender;
mod takeover;
mod worker;

use std::sync::Arc;

use jiff::Timestamp;

pub use pool::{Pool, PoolSettings};
pub use retry::Backoff;
pub use sender::Sender;
pub use takeover::taken_over;
pub use worker::{Outcome, Witness, Worker};

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock.
pub fn system_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// A clock that shows `now` at this moment and goes on from there.
pub fn clock_from(now: Timestamp) -> Clock {
    let started = std::time::Instant::now();
    Arc::new(move || now.saturating_add(started.elapsed()).unwrap_or(Timestamp::MAX))
}

/// A number from 0 to 1 by which waits are spread.
fn luck() -> f64 {
    rand::random()
}

#[cfg(test)]
mod pool_tests;
#[cfg(test)]
mod tests;

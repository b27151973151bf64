//! Decides how long a message waits before it leaves, so that the channel's limits are kept: for each customer, and for
//! all of them together.
//!
//! It must never let one customer's messages hold up another's, nor grow without bound.
//!
//! Each limit is a bucket that fills steadily. Taking from an empty one makes a debt, and the wait is what it takes to
//! fill up again: so waits are in order, and nobody asks twice.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::UserId;

/// Customers that are kept before those with a full bucket are forgotten.
const KEPT: usize = 10_000;
/// For how long everything is slower after the channel asked for it.
const SLOW: Duration = Duration::from_secs(600);
/// How much slower.
const SLOWER: f64 = 0.25;

/// How fast messages may leave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Messages a second to all customers together.
    pub per_second: f64,
    /// Seconds between two messages to one customer, in the long run.
    pub pair_seconds: f64,
    /// Messages that one customer may be sent at once before that holds.
    pub pair_burst: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { per_second: 80.0, pair_seconds: 6.0, pair_burst: 10.0 }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// Takes one out and returns the seconds until it was there.
    fn take(&mut self, rate: f64, most: f64, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * rate;
        self.left = (self.left + gained).min(most) - 1.0;
        self.at = now;
        (-self.left / rate).max(0.0)
    }
}

#[derive(Debug)]
struct State {
    all: Bucket,
    pairs: HashMap<UserId, Bucket>,
    slow_until: Option<Instant>,
}

/// The buckets of one sending number.
#[derive(Debug)]
pub(super) struct Pace {
    limits: Limits,
    state: Mutex<State>,
}

impl Pace {
    pub(super) fn new(limits: Limits, now: Instant) -> Self {
        let all = Bucket { left: limits.per_second, at: now };
        Self { limits, state: Mutex::new(State { all, pairs: HashMap::new(), slow_until: None }) }
    }

    /// Takes a place for a message to a customer, and returns how long it has to wait for it.
    pub(super) fn reserve(&self, user: &UserId, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Limits { per_second, pair_seconds, pair_burst } = self.limits;
        let slow = state.slow_until.is_some_and(|until| now < until);
        let rate = if slow { per_second * SLOWER } else { per_second };
        let all = state.all.take(rate, per_second, now);
        let pair_rate = 1.0 / pair_seconds;
        if state.pairs.len() >= KEPT && !state.pairs.contains_key(user) {
            let full = |bucket: &Bucket| {
                bucket.left + now.saturating_duration_since(bucket.at).as_secs_f64() * pair_rate >= pair_burst
            };
            state.pairs.retain(|_, bucket| !full(bucket));
        }
        let new = Bucket { left: pair_burst, at: now };
        let pair = state.pairs.entry(user.clone()).or_insert(new).take(pair_rate, pair_burst, now);
        Duration::from_secs_f64(all.max(pair))
    }

    /// Gives a place back that was not used.
    pub(super) fn give_back(&self, user: &UserId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.all.left += 1.0;
        if let Some(pair) = state.pairs.get_mut(user) {
            pair.left += 1.0;
        }
    }

    /// Takes a place for something that can as well be left out; whether there was one.
    pub(super) fn spare(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = self.limits.per_second;
        let gained = now.saturating_duration_since(state.all.at).as_secs_f64() * rate;
        let there = (state.all.left + gained).min(rate) > rate / 2.0;
        if there {
            state.all.take(rate, rate, now);
        }
        there
    }

    /// Sends everything more slowly for a while.
    pub(super) fn slow_down(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.slow_until = Some(now + SLOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(wait: Duration) -> f64 {
        (wait.as_secs_f64() * 1_000.0).round() / 1_000.0
    }

    #[test]
    fn a_customer_gets_a_burst_and_then_one_message_in_six_seconds() {
        let now = Instant::now();
        let pace = Pace::new(Limits { pair_burst: 3.0, ..Limits::default() }, now);
        let one = UserId::new("1");
        let waits: Vec<f64> = (0..5).map(|_| seconds(pace.reserve(&one, now))).collect();
        assert_eq!(waits, [0.0, 0.0, 0.0, 6.0, 12.0]);
        assert_eq!(seconds(pace.reserve(&UserId::new("2"), now)), 0.0, "nobody else waits for that");
        let later = now + Duration::from_secs(60);
        assert_eq!(seconds(pace.reserve(&one, later)), 0.0);
    }

    #[test]
    fn all_together_keep_the_limit_and_a_quarter_of_it_when_asked_to() {
        let now = Instant::now();
        let pace = Pace::new(Limits::default(), now);
        let user = |number: u32| UserId::new(number.to_string());
        let waits: Vec<f64> = (0..160).map(|number| pace.reserve(&user(number), now).as_secs_f64()).collect();
        assert!(waits[..80].iter().all(|wait| *wait == 0.0));
        assert!((waits[159] - 1.0).abs() < 0.001, "{}", waits[159]);
        assert!(!pace.spare(now), "what can be left out is");
        let later = now + Duration::from_secs(10);
        assert!(pace.spare(later));
        pace.slow_down(later);
        let waits: Vec<f64> = (200..300).map(|number| pace.reserve(&user(number), later).as_secs_f64()).collect();
        assert!((waits[99] - 21.0 / 20.0).abs() < 0.001, "{}", waits[99]);
        let much_later = later + SLOW;
        assert_eq!(pace.reserve(&user(1_000), much_later), Duration::ZERO);
    }

    #[test]
    fn customers_who_were_quiet_are_forgotten() {
        let now = Instant::now();
        let pace = Pace::new(Limits { per_second: 1e9, ..Limits::default() }, now);
        for number in 0..KEPT {
            pace.reserve(&UserId::new(number.to_string()), now);
        }
        pace.reserve(&UserId::new("new"), now + Duration::from_secs(7));
        assert_eq!(pace.state.lock().unwrap().pairs.len(), 1);
    }
}

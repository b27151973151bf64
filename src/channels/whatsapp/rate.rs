//! Rate limits of sending: how long a message waits before it is sent, for each customer and for all of them. One
//! customer's messages never delay another's.
//!
//! Each limit is a token bucket that may go into debt: the wait is the time until the debt is refilled. So the waits of
//! several messages are in order, and nobody has to ask twice. A rate limiter that only answers whether a message may
//! be sent now would not keep that order.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::domain::ids::UserId;

/// The number of customers from which on those with a full bucket are removed.
const MOST_CUSTOMERS: usize = 10_000;
/// How long everything is sent more slowly after the service asked for it.
const SLOW_PERIOD: Duration = Duration::from_mins(10);
/// The factor of the rate during that time.
const SLOW_FACTOR: f64 = 0.25;

/// How fast messages may be sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RateLimits {
    /// Messages per second to all customers.
    pub per_second: f64,
    /// Seconds between two messages to one customer, on average.
    pub pair_seconds: f64,
    /// Messages to one customer that may be sent at once before that limit applies.
    pub pair_burst: f64,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { per_second: 80.0, pair_seconds: 6.0, pair_burst: 10.0 }
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Takes a token and returns the seconds until it is available. `rate` is in tokens per second.
    fn take(&mut self, rate: f64, capacity: f64, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * rate;
        self.tokens = (self.tokens + gained).min(capacity) - 1.0;
        self.at = now;
        (-self.tokens / rate).max(0.0)
    }
}

#[derive(Debug)]
struct State {
    all: Bucket,
    pairs: HashMap<UserId, Bucket>,
    slow_until: Option<Instant>,
}

/// The rate limiter of one sending number.
#[derive(Debug)]
pub(super) struct RateLimiter {
    limits: RateLimits,
    state: Mutex<State>,
}

impl RateLimiter {
    pub(super) fn new(limits: RateLimits, now: Instant) -> Self {
        let all = Bucket { tokens: limits.per_second, at: now };
        Self { limits, state: Mutex::new(State { all, pairs: HashMap::new(), slow_until: None }) }
    }

    /// Reserves a message to a customer, and returns how long it has to wait.
    pub(super) fn reserve(&self, user: &UserId, now: Instant) -> Duration {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let RateLimits { per_second, pair_seconds, pair_burst } = self.limits;
        let slow = state.slow_until.is_some_and(|until| now < until);
        let rate = if slow { per_second * SLOW_FACTOR } else { per_second };
        let all = state.all.take(rate, per_second, now);
        let pair_rate = 1.0 / pair_seconds;
        if state.pairs.len() >= MOST_CUSTOMERS && !state.pairs.contains_key(user) {
            let full = |bucket: &Bucket| {
                bucket.tokens + now.saturating_duration_since(bucket.at).as_secs_f64() * pair_rate >= pair_burst
            };
            state.pairs.retain(|_, bucket| !full(bucket));
        }
        let new = Bucket { tokens: pair_burst, at: now };
        let pair = state.pairs.entry(user.clone()).or_insert(new).take(pair_rate, pair_burst, now);
        Duration::from_secs_f64(all.max(pair))
    }

    /// Cancels a reservation that was not used.
    pub(super) fn cancel(&self, user: &UserId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.all.tokens += 1.0;
        if let Some(pair) = state.pairs.get_mut(user) {
            pair.tokens += 1.0;
        }
    }

    /// Reserves an optional request: only where more than half of the capacity is free. Returns whether it was
    /// reserved.
    pub(super) fn try_reserve_optional(&self, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = self.limits.per_second;
        let gained = now.saturating_duration_since(state.all.at).as_secs_f64() * rate;
        let free = (state.all.tokens + gained).min(rate) > rate / 2.0;
        if free {
            state.all.take(rate, rate, now);
        }
        free
    }

    /// Sends everything more slowly for a while.
    pub(super) fn slow_down(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.slow_until = Some(now + SLOW_PERIOD);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounded to milliseconds: the waits are computed in floating point.
    fn milliseconds(wait: Duration) -> u128 {
        (wait + Duration::from_micros(500)).as_millis()
    }

    #[test]
    fn a_customer_gets_a_burst_and_then_one_message_in_six_seconds() {
        let now = Instant::now();
        let limiter = RateLimiter::new(RateLimits { pair_burst: 3.0, ..RateLimits::default() }, now);
        let one = UserId::new("1");
        let waits: Vec<u128> = (0..5).map(|_| milliseconds(limiter.reserve(&one, now))).collect();
        assert_eq!(waits, [0, 0, 0, 6_000, 12_000]);
        assert_eq!(milliseconds(limiter.reserve(&UserId::new("2"), now)), 0, "nobody else waits for that");
        let later = now + Duration::from_mins(1);
        assert_eq!(milliseconds(limiter.reserve(&one, later)), 0);
    }

    #[test]
    fn all_together_keep_the_limit_and_a_quarter_of_it_when_asked_to() {
        let now = Instant::now();
        let limiter = RateLimiter::new(RateLimits::default(), now);
        let user = |number: u32| UserId::new(number.to_string());
        let waits: Vec<f64> = (0..160).map(|number| limiter.reserve(&user(number), now).as_secs_f64()).collect();
        assert!(waits[..80].iter().all(|wait| *wait == 0.0));
        assert!((waits[159] - 1.0).abs() < 0.001, "{}", waits[159]);
        assert!(!limiter.try_reserve_optional(now), "what can be left out is");
        let later = now + Duration::from_secs(10);
        assert!(limiter.try_reserve_optional(later));
        limiter.slow_down(later);
        let waits: Vec<f64> = (200..300).map(|number| limiter.reserve(&user(number), later).as_secs_f64()).collect();
        assert!((waits[99] - 21.0 / 20.0).abs() < 0.001, "{}", waits[99]);
        let much_later = later + SLOW_PERIOD;
        assert_eq!(limiter.reserve(&user(1_000), much_later), Duration::ZERO);
    }

    #[test]
    fn customers_who_were_quiet_are_forgotten() {
        let now = Instant::now();
        let limiter = RateLimiter::new(RateLimits { per_second: 1e9, ..RateLimits::default() }, now);
        for number in 0..MOST_CUSTOMERS {
            limiter.reserve(&UserId::new(number.to_string()), now);
        }
        limiter.reserve(&UserId::new("new"), now + Duration::from_secs(7));
        assert_eq!(limiter.state.lock().unwrap().pairs.len(), 1);
    }
}

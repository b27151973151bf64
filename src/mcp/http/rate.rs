//! How many requests one address may send: the limit a second, which a burst may use up at once.
//!
//! Its memory is bounded: addresses that have been quiet are dropped.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use governor::clock::{Clock, DefaultClock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::http::client::Client;

/// Addresses that are remembered at most.
const MAX_ADDRESSES: usize = 10_000;

/// After this time without a request, an address has its whole limit again.
const REFILL: Duration = Duration::from_secs(1);

/// The limit of every address.
pub(super) struct RateLimit<C: Clock = DefaultClock> {
    limiter: RateLimiter<IpAddr, HashMapStateStore<IpAddr>, C, NoOpMiddleware<C::Instant>>,
    /// When each remembered address sent its last request.
    last_request: Mutex<HashMap<IpAddr, C::Instant>>,
    clock: C,
}

impl RateLimit {
    /// At most `per_second` requests a second from each address; 0 counts as 1.
    pub(super) fn new(per_second: u32) -> Self {
        Self::with_clock(per_second, DefaultClock::default())
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    fn with_clock(per_second: u32, clock: C) -> Self {
        let quota = Quota::per_second(NonZeroU32::new(per_second).unwrap_or(NonZeroU32::MIN));
        Self { limiter: RateLimiter::hashmap_with_clock(quota, clock.clone()), last_request: Mutex::default(), clock }
    }

    /// Counts a request; whether it may pass.
    fn admit(&self, address: IpAddr) -> bool {
        let now = self.clock.now();
        let mut last_request = self.last_request.lock().unwrap_or_else(PoisonError::into_inner);
        // Only a new address can be one too many: strangers do not lock out who is known.
        if last_request.len() >= MAX_ADDRESSES && !last_request.contains_key(&address) {
            last_request.retain(|_, last| Duration::from(now.duration_since(*last)) < REFILL);
            self.limiter.retain_recent();
            if last_request.len() >= MAX_ADDRESSES {
                return false;
            }
        }
        last_request.insert(address, now);
        drop(last_request);
        self.limiter.check_key(&address).is_ok()
    }
}

/// Lets a request through, or answers that it came too soon.
pub(super) async fn check(State(limit): State<Arc<RateLimit>>, request: Request<Body>, next: Next) -> Response {
    if limit.admit(Client::of(request.extensions()).address) {
        return next.run(request).await;
    }
    let later = [(header::RETRY_AFTER, "1")];
    (StatusCode::TOO_MANY_REQUESTS, later, "too many requests from this address; try again in a second\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;

    use super::*;

    #[test]
    fn a_limit_is_used_up_and_refills_for_each_address_alone() {
        let clock = FakeRelativeClock::default();
        let limit = RateLimit::with_clock(10, clock.clone());
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        assert_eq!((0..15).filter(|_| limit.admit(one)).count(), 10);
        assert!(limit.admit(other));
        clock.advance(Duration::from_millis(550));
        assert_eq!((0..15).filter(|_| limit.admit(one)).count(), 5);
        clock.advance(Duration::from_mins(1));
        assert_eq!((0..15).filter(|_| limit.admit(one)).count(), 10);
    }

    #[test]
    fn quiet_addresses_are_dropped() {
        let clock = FakeRelativeClock::default();
        let limit = RateLimit::with_clock(10, clock.clone());
        for number in 0..u32::try_from(MAX_ADDRESSES).unwrap() {
            assert!(limit.admit(IpAddr::from(number.to_be_bytes())));
        }
        let new = IpAddr::from([200, 0, 0, 1]);
        assert!(!limit.admit(new), "as many addresses as are remembered are all busy");
        assert!(limit.admit(IpAddr::from(7_u32.to_be_bytes())), "a known address is still served");
        clock.advance(Duration::from_secs(2));
        assert!(limit.admit(new));
        assert_eq!(limit.limiter.len(), 1);
    }
}

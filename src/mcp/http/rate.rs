//! Decides how many requests one address may send: a bucket that fills steadily and holds a second's worth.
//!
//! It must never grow without bound: addresses that have been quiet are forgotten.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Addresses that are kept at most before the quiet ones are looked for.
const KEPT: usize = 10_000;

/// The buckets of all addresses.
pub(super) struct Rate {
    per_second: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl Rate {
    pub(super) fn new(per_second: u32) -> Self {
        Self { per_second: f64::from(per_second.max(1)), buckets: Mutex::default() }
    }

    /// Takes one request out of an address's bucket, if there is one.
    fn admit(&self, address: IpAddr, now: Instant) -> bool {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = |bucket: &Bucket| now.saturating_duration_since(bucket.at).as_secs_f64() >= 1.0;
        if buckets.len() >= KEPT && !buckets.contains_key(&address) {
            // A bucket that had a second to fill is as good as none.
            buckets.retain(|_, bucket| !full(bucket));
            if buckets.len() >= KEPT {
                return false;
            }
        }
        let bucket = buckets.entry(address).or_insert(Bucket { left: self.per_second, at: now });
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        bucket.left = (bucket.left + gained).min(self.per_second);
        bucket.at = now;
        let admitted = bucket.left >= 1.0;
        if admitted {
            bucket.left -= 1.0;
        }
        admitted
    }
}

/// Lets a request through, or answers that it came too soon.
pub(super) async fn check(State(rate): State<Arc<Rate>>, request: Request<Body>, next: Next) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip().to_canonical());
    // Without an address all share one bucket.
    let address = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    if rate.admit(address, Instant::now()) {
        return next.run(request).await;
    }
    let later = [(header::RETRY_AFTER, "1")];
    (StatusCode::TOO_MANY_REQUESTS, later, "too many requests from this address; try again in a second\n")
        .into_response()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_for_each_address_alone() {
        let rate = Rate::new(10);
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Instant::now();
        assert_eq!((0..15).filter(|_| rate.admit(one, now)).count(), 10);
        assert!(rate.admit(other, now));
        let later = now + Duration::from_millis(550);
        assert_eq!((0..15).filter(|_| rate.admit(one, later)).count(), 5);
        assert_eq!((0..15).filter(|_| rate.admit(one, later + Duration::from_secs(60))).count(), 10);
    }

    #[test]
    fn quiet_addresses_are_forgotten() {
        let rate = Rate::new(10);
        let now = Instant::now();
        for number in 0..u32::try_from(KEPT).unwrap() {
            assert!(rate.admit(IpAddr::from(number.to_be_bytes()), now));
        }
        let new = IpAddr::from([200, 0, 0, 1]);
        assert!(!rate.admit(new, now), "as many addresses as are kept are all busy");
        assert!(rate.admit(new, now + Duration::from_secs(2)));
        assert_eq!(rate.buckets.lock().unwrap().len(), 1);
    }
}

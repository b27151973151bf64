//! Decides when what is old is removed: once an hour, by whichever process is first.
//!
//! It must never end the work beside it: a sweep that fails is tried again later.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::Clock;
use crate::domain::retention::KeepFor;
use crate::store::{Store, sweep};

/// The time from the beginning of one sweep to the next, whoever makes it.
const EVERY: SignedDuration = SignedDuration::from_hours(1);
/// How often each process looks whether it is time.
const LOOK: Duration = Duration::from_mins(5);

/// Removes what is old until `stop`.
pub(super) async fn keep(store: &dyn Store, keep: &KeepFor, clock: &Clock, stop: &CancellationToken) {
    if keep.is_for_ever() {
        return;
    }
    let work = async {
        loop {
            let now = clock();
            let idle_since = now.saturating_sub(EVERY).unwrap_or(now);
            if let Err(error) = sweep(store, keep, now, idle_since).await {
                tracing::warn!(%error, "what is old could not be removed; trying again later");
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        // In the middle of a sweep too: each step is whole, and the next sweep goes on.
        () = stop.cancelled() => {}
        () = work => {}
    }
}

//! The retention job: removes old data once an hour, in whichever process is first. An error never ends the work beside
//! it; the next run continues.

use std::time::Duration;

use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::Clock;
use crate::domain::retention::RetentionPolicy;
use crate::store::{Store, sweep};

/// The time from the beginning of one sweep to the next, in any process.
const SWEEP_INTERVAL: SignedDuration = SignedDuration::from_hours(1);
/// How often each process checks whether a sweep is due.
const CHECK_INTERVAL: Duration = Duration::from_mins(5);

/// Removes old data until `stop`.
pub(super) async fn run(store: &dyn Store, policy: &RetentionPolicy, clock: &Clock, stop: &CancellationToken) {
    if policy.keeps_everything() {
        return;
    }
    let work = async {
        loop {
            let now = clock();
            let idle_since = now.saturating_sub(SWEEP_INTERVAL).unwrap_or(now);
            if let Err(error) = sweep(store, policy, now, idle_since).await {
                tracing::warn!(%error, "what is old could not be removed; trying again later");
            }
            tokio::time::sleep(CHECK_INTERVAL).await;
        }
    };
    tokio::select! {
        // Also in the middle of a sweep: each step is atomic, and the next sweep continues.
        () = stop.cancelled() => {}
        () = work => {}
    }
}

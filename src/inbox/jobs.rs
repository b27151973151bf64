//! The one loop that claims work of the store and does several jobs at once: turns, messages to send, files to fetch. All work is
//! claimed, so the process can be killed at any moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Backoff, jitter};
use crate::store::{Store, StoreError};

/// The backoff of claims while the store fails.
const CLAIM_RETRY: Backoff =
    Backoff { first: SignedDuration::from_millis(250), longest: SignedDuration::from_secs(5), attempts: u32::MAX };

/// A queue of jobs in the store.
#[async_trait]
pub trait JobQueue: Clone + Send + Sync + 'static {
    /// One claimed piece of work.
    type Job: Send + 'static;

    /// Claims a job that is due; `None` where none is.
    async fn claim(&self) -> Result<Option<Self::Job>, StoreError>;

    /// Does it, and saves what came of it.
    async fn run(&self, job: Self::Job);
}

/// Claims one job after the other, runs up to `limit` of them at once, and looks for more every `poll`, and when the store has
/// news. After `stop` nothing new is begun, and what was begun is completed.
pub async fn run_jobs<Q: JobQueue>(
    store: &dyn Store,
    queue: Q,
    (limit, poll): (usize, Duration),
    stop: &CancellationToken,
) {
    let permits = Arc::new(Semaphore::new(limit.max(1)));
    let mut listener = store.listen();
    let mut tasks = JoinSet::new();
    let mut failures = 0;
    loop {
        let permit = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            permit = Arc::clone(&permits).acquire_owned() => permit,
        };
        while tasks.try_join_next().is_some() {}
        match queue.claim().await {
            Ok(Some(job)) => {
                failures = 0;
                let queue = queue.clone();
                tasks.spawn(async move {
                    queue.run(job).await;
                    drop(permit);
                });
            }
            Ok(None) => {
                failures = 0;
                drop(permit);
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = listener.wait(poll) => {}
                }
            }
            Err(error) => {
                failures += 1;
                let wait = CLAIM_RETRY.wait(failures, jitter()).unwrap_or(CLAIM_RETRY.longest);
                tracing::warn!(%error, failures, "work cannot be claimed from the store; trying again in {wait:#}");
                let wait = Duration::try_from(wait).unwrap_or(Duration::from_secs(1));
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(wait) => {}
                }
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

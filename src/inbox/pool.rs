//! Runs several turns and sends several messages at once, and polls for more. All work is claimed in the store, so the
//! process can be killed at any moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Clock, Sender, Worker, jitter, retention_job};
use crate::agent::Agent;
use crate::channels::Channel;
use crate::domain::outgoing::Outgoing;
use crate::domain::retention::RetentionPolicy;
use crate::store::{Claim, Listener, Store, StoreError};

/// The settings of a [`Pool`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Turns that run at once.
    pub turns: usize,
    /// Messages that are sent at once.
    pub sends: usize,
    /// The lease of a conversation, or a message: the longest delay after a process was killed.
    pub lease: SignedDuration,
    /// How often to poll for work that falls due, or that other processes received.
    pub poll: Duration,
    /// The backoff of failed turns.
    pub retry: Backoff,
    /// The backoff of failed messages.
    pub send_retry: Backoff,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            turns: 4,
            sends: 4,
            lease: SignedDuration::from_secs(30),
            poll: Duration::from_millis(250),
            retry: Backoff::TURNS,
            send_retry: Backoff::SENDING,
        }
    }
}

/// The backoff of claims while the store fails.
const CLAIM_RETRY: Backoff =
    Backoff { first: SignedDuration::from_millis(250), longest: SignedDuration::from_secs(5), attempts: u32::MAX };

/// Runs turns and sends messages until it is stopped.
pub struct Pool {
    worker: Worker,
    sender: Sender,
    settings: PoolSettings,
    retention: RetentionPolicy,
    clock: Clock,
}

impl Pool {
    /// A pool on a store.
    pub fn new(
        store: Arc<dyn Store>,
        agent: Agent,
        channel: Arc<dyn Channel>,
        settings: PoolSettings,
        clock: Clock,
    ) -> Self {
        let worker = Worker::new(Arc::clone(&store), agent).with_lease(settings.lease).with_retry(settings.retry);
        let worker = worker.with_limits(channel.limits());
        let sender = Sender::new(store, channel).with_lease(settings.lease).with_retry(settings.send_retry);
        Self { worker, sender, settings, retention: RetentionPolicy::default(), clock }
    }

    /// Also runs the retention job with this policy.
    #[must_use]
    pub fn with_retention(self, retention: RetentionPolicy) -> Self {
        Self { retention, ..self }
    }

    /// A pool of an existing worker, which shows customers through the channel that a reply is being written.
    pub fn with_worker(worker: Worker, channel: &Arc<dyn Channel>, settings: PoolSettings, clock: Clock) -> Self {
        let sender = Sender::new(Arc::clone(worker.store()), Arc::clone(channel));
        let sender = sender.with_lease(settings.lease).with_retry(settings.send_retry);
        let worker = worker.with_lease(settings.lease).with_retry(settings.retry).with_channel(Arc::clone(channel));
        Self { worker, sender, settings, retention: RetentionPolicy::default(), clock }
    }

    /// The sender of the pool.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Works until `stop`; then nothing new is started, and what was started is completed. If the future is dropped
    /// instead, other processes continue the work after its lease.
    pub async fn run(&self, stop: CancellationToken) {
        let turns = TurnJobs { worker: self.worker.clone(), clock: Arc::clone(&self.clock) };
        let outbox = SendJobs { sender: self.sender.clone(), clock: Arc::clone(&self.clock) };
        let store = self.worker.store().as_ref();
        tokio::join!(
            self.run_jobs(turns, self.settings.turns, &stop),
            self.run_jobs(outbox, self.settings.sends, &stop),
            retention_job::run(store, &self.retention, &self.clock, &stop)
        );
    }

    /// Claims one job after the other and runs up to `limit` of them at once.
    async fn run_jobs<Q: JobQueue>(&self, queue: Q, limit: usize, stop: &CancellationToken) {
        let permits = Arc::new(Semaphore::new(limit.max(1)));
        let mut listener = self.worker.store().listen();
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
                    self.wait_for_work(&mut listener, stop).await;
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

    async fn wait_for_work(&self, listener: &mut Listener, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.wait(self.settings.poll) => {}
        }
    }
}

/// A queue of jobs in the store.
#[async_trait]
trait JobQueue: Clone + Send + Sync + 'static {
    type Job: Send + 'static;

    async fn claim(&self) -> Result<Option<Self::Job>, StoreError>;

    async fn run(&self, job: Self::Job);
}

#[derive(Clone)]
struct TurnJobs {
    worker: Worker,
    clock: Clock,
}

#[async_trait]
impl JobQueue for TurnJobs {
    type Job = Claim;

    async fn claim(&self) -> Result<Option<Claim>, StoreError> {
        self.worker.claim(None, &self.clock).await
    }

    async fn run(&self, claim: Claim) {
        self.worker.work(claim, &self.clock).await;
    }
}

#[derive(Clone)]
struct SendJobs {
    sender: Sender,
    clock: Clock,
}

#[async_trait]
impl JobQueue for SendJobs {
    type Job = Outgoing;

    async fn claim(&self) -> Result<Option<Outgoing>, StoreError> {
        self.sender.claim(None, (self.clock)()).await
    }

    async fn run(&self, message: Outgoing) {
        if let Err(error) = self.sender.send(&message, &self.clock).await {
            let user = message.user_id.masked();
            tracing::warn!(user, %error, "the outcome of sending a message could not be saved");
        }
    }
}

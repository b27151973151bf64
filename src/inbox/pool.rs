//! Runs several turns and sends several messages at once, and polls for more. All work is claimed in the store, so the
//! process can be killed at any moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Clock, JobQueue, Sender, Worker, retention_job, run_jobs};
use crate::agent::Agent;
use crate::channels::Channel;
use crate::domain::outgoing::Outgoing;
use crate::domain::retention::RetentionPolicy;
use crate::store::{Claim, Store, StoreError};

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
        let (store, poll) = (self.worker.store().as_ref(), self.settings.poll);
        tokio::join!(
            run_jobs(store, turns, (self.settings.turns, poll), &stop),
            run_jobs(store, outbox, (self.settings.sends, poll), &stop),
            retention_job::run(store, &self.retention, &self.clock, &stop)
        );
    }
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

//! Decides how many turns and messages are worked on at once, and when to look for more.
//!
//! It must never hold work that the store does not know of: it can be killed at any moment.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Clock, Sender, Worker, keeper, luck};
use crate::agent::Agent;
use crate::channels::Channel;
use crate::domain::outgoing::Outgoing;
use crate::domain::retention::KeepFor;
use crate::store::{Claim, Listener, Store, StoreError};

/// How a [`Pool`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSettings {
    /// Turns that run at once.
    pub turns: usize,
    /// Messages that are sent at once.
    pub sends: usize,
    /// How long a conversation, or a message, is held without a sign of life: what a killed process delays at most.
    pub lease: SignedDuration,
    /// How often to look for what falls due and what other processes took in.
    pub poll: Duration,
    /// How failed turns are tried again.
    pub retry: Backoff,
    /// How failed messages are tried again.
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

/// The longest wait between two looks at a store that fails.
const OUTAGE: Backoff =
    Backoff { first: SignedDuration::from_millis(250), longest: SignedDuration::from_secs(5), attempts: u32::MAX };

/// Answers and sends until it is told to stop.
pub struct Pool {
    worker: Worker,
    sender: Sender,
    settings: PoolSettings,
    keep: KeepFor,
    clock: Clock,
}

impl Pool {
    /// A pool over a store.
    pub fn new(
        store: Arc<dyn Store>,
        agent: Agent,
        channel: Arc<dyn Channel>,
        settings: PoolSettings,
        clock: Clock,
    ) -> Self {
        let worker = Worker::new(Arc::clone(&store), agent).with_lease(settings.lease).with_retry(settings.retry);
        let sender = Sender::new(store, channel).with_lease(settings.lease).with_retry(settings.send_retry);
        Self { worker, sender, settings, keep: KeepFor::default(), clock }
    }

    /// Has what is older than this removed, every hour, by one of the processes on the store.
    #[must_use]
    pub fn with_retention(self, keep: KeepFor) -> Self {
        Self { keep, ..self }
    }

    /// A pool of a worker whose channel also shows customers that they are being answered.
    pub fn of(worker: Worker, channel: &Arc<dyn Channel>, settings: PoolSettings, clock: Clock) -> Self {
        let sender = Sender::new(Arc::clone(worker.store()), Arc::clone(channel));
        let sender = sender.with_lease(settings.lease).with_retry(settings.send_retry);
        let worker = worker.with_lease(settings.lease).with_retry(settings.retry).with_channel(Arc::clone(channel));
        Self { worker, sender, settings, keep: KeepFor::default(), clock }
    }

    /// What sends.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Works until `stop`; then nothing new is begun, and what was begun is brought to its end. Dropping it instead
    /// leaves what was begun to whoever finds it after its lease.
    pub async fn run(&self, stop: CancellationToken) {
        let answering = Answering { worker: self.worker.clone(), clock: Arc::clone(&self.clock) };
        let sending = Sending { sender: self.sender.clone(), clock: Arc::clone(&self.clock) };
        let (turns, sends) = (self.settings.turns, self.settings.sends);
        let store = self.worker.store().as_ref();
        tokio::join!(
            self.each(answering, turns, &stop),
            self.each(sending, sends, &stop),
            keeper::keep(store, &self.keep, &self.clock, &stop)
        );
    }

    /// Claims one piece of work after the other and does up to `limit` of them at once.
    async fn each<W: Work>(&self, work: W, limit: usize, stop: &CancellationToken) {
        let places = Arc::new(Semaphore::new(limit.max(1)));
        let mut listener = self.worker.store().listen();
        let mut tasks = JoinSet::new();
        let mut failures = 0;
        loop {
            let place = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            while tasks.try_join_next().is_some() {}
            match work.claim().await {
                Ok(Some(piece)) => {
                    failures = 0;
                    let work = work.clone();
                    tasks.spawn(async move {
                        work.carry_out(piece).await;
                        drop(place);
                    });
                }
                Ok(None) => {
                    failures = 0;
                    drop(place);
                    self.rest(&mut listener, stop).await;
                }
                Err(error) => {
                    failures += 1;
                    let wait = OUTAGE.wait(failures, luck()).unwrap_or(OUTAGE.longest);
                    tracing::warn!(%error, failures, "the store cannot be asked for work; trying again in {wait:#}");
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

    async fn rest(&self, listener: &mut Listener, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = listener.wait(self.settings.poll) => {}
        }
    }
}

/// A kind of work that is claimed piece by piece.
#[async_trait]
trait Work: Clone + Send + Sync + 'static {
    type Piece: Send + 'static;

    async fn claim(&self) -> Result<Option<Self::Piece>, StoreError>;

    async fn carry_out(&self, piece: Self::Piece);
}

#[derive(Clone)]
struct Answering {
    worker: Worker,
    clock: Clock,
}

#[async_trait]
impl Work for Answering {
    type Piece = Claim;

    async fn claim(&self) -> Result<Option<Claim>, StoreError> {
        self.worker.claim(None, &self.clock).await
    }

    async fn carry_out(&self, claim: Claim) {
        self.worker.work(claim, &self.clock).await;
    }
}

#[derive(Clone)]
struct Sending {
    sender: Sender,
    clock: Clock,
}

#[async_trait]
impl Work for Sending {
    type Piece = Outgoing;

    async fn claim(&self) -> Result<Option<Outgoing>, StoreError> {
        self.sender.claim(None, (self.clock)()).await
    }

    async fn carry_out(&self, message: Outgoing) {
        if let Err(error) = self.sender.send(&message, &self.clock).await {
            let user = message.user_id.masked();
            tracing::warn!(user, %error, "what became of a message could not be kept");
        }
    }
}

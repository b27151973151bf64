//! Decides how many turns and messages are worked on at once, and when to look for more.
//!
//! It must never hold work that the store does not know of: it can be killed at any moment.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Backoff, Clock, Sender, Worker, luck};
use crate::agent::Agent;
use crate::channels::Channel;
use crate::store::{Listener, Store, StoreError};

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
        Self { worker, sender, settings, clock }
    }

    /// Works until `stop`; then nothing new is begun, and what was begun is brought to its end. Dropping it instead
    /// leaves what was begun to whoever finds it after its lease.
    pub async fn run(&self, stop: CancellationToken) {
        let answering = self.each(
            self.settings.turns,
            &stop,
            async || self.worker.claim(None, &self.clock).await,
            |claim| {
                let (worker, clock) = (self.worker.clone(), Arc::clone(&self.clock));
                async move {
                    worker.work(claim, &clock).await;
                }
            },
        );
        let sending = self.each(
            self.settings.sends,
            &stop,
            async || self.sender.claim(None, (self.clock)()).await,
            |message| {
                let (sender, clock) = (self.sender.clone(), Arc::clone(&self.clock));
                async move {
                    if let Err(error) = sender.send(&message, &clock).await {
                        let user = message.user_id.masked();
                        tracing::warn!(user, %error, "what became of a message could not be kept");
                    }
                }
            },
        );
        tokio::join!(answering, sending);
    }

    /// Claims one piece of work after the other and does up to `limit` of them at once.
    async fn each<T, W>(
        &self,
        limit: usize,
        stop: &CancellationToken,
        claim: impl AsyncFn() -> Result<Option<T>, StoreError>,
        work: impl Fn(T) -> W,
    ) where
        W: Future<Output = ()> + Send + 'static,
    {
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
            match claim().await {
                Ok(Some(claimed)) => {
                    failures = 0;
                    let work = work(claimed);
                    tasks.spawn(async move {
                        work.await;
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

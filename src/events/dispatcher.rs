//! Delivers stored events: each endpoint by itself, so that one that does not answer delays no other. When an attempt is made
//! again, and when none is, is decided here; what is to be sent and what came of it is in the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Clock, Courier, Endpoint, Outcome};
use crate::store::{ClosedEndpoint, Dispatch, EventRoute, Store, StoreError};
use crate::support::handoff;
use crate::telemetry::metric;

/// How many events are taken at once to find their endpoints.
const BATCH: u32 = 200;
/// How often a process asks again which endpoints want no more.
const CLOSED_POLL: Duration = Duration::from_secs(5);
/// How often, and after how long, what waits for an endpoint that is not in the settings is parked.
const ORPHAN_POLL: Duration = Duration::from_hours(1);
const ORPHAN_AGE: SignedDuration = SignedDuration::from_hours(24);

/// How long attempts that were begun are waited for at the end.
const GRACE: Duration = Duration::from_secs(5);

/// When an attempt is made again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(pub Vec<SignedDuration>);

impl Default for Schedule {
    /// Eight attempts within about 28 hours, as Standard Webhooks suggest: at once, then after 5 seconds, 5 and 30 minutes, 2,
    /// 5, 10 and 10 hours.
    fn default() -> Self {
        Self([5, 5 * 60, 30 * 60, 2 * 3_600, 5 * 3_600, 10 * 3_600, 10 * 3_600].map(SignedDuration::from_secs).to_vec())
    }
}

impl Schedule {
    /// The wait after failed attempt number `attempt` (1 is the first), or `None` where it was the last. `jitter` is from 0
    /// to 1: the wait is up to a fifth shorter or longer.
    pub fn wait(&self, attempt: u32, jitter: f64) -> Option<SignedDuration> {
        let place = usize::try_from(attempt.saturating_sub(1)).ok()?;
        let wait = self.0.get(place)?;
        let seconds = wait.as_secs_f64() * (0.8 + 0.4 * jitter.clamp(0.0, 1.0));
        Some(SignedDuration::try_from_secs_f64(seconds).unwrap_or(*wait))
    }
}

/// How a [`Dispatcher`] works.
#[derive(Debug, Clone)]
pub struct DispatcherSettings {
    /// Requests to one endpoint at a time.
    pub at_once: usize,
    /// How long a claim holds: longer than a request may take. After that, another process may send the same.
    pub lease: SignedDuration,
    /// How often it is looked for new events.
    pub poll: Duration,
    /// The first and the longest pause of an endpoint that fails: it is not asked with everything that waits.
    pub pause: (Duration, Duration),
    /// When an attempt is made again.
    pub schedule: Schedule,
}

impl DispatcherSettings {
    /// For requests that take at most `timeout`.
    pub fn new(timeout: Duration) -> Self {
        let lease = SignedDuration::try_from(timeout * 2).unwrap_or(SignedDuration::from_mins(2));
        let pause = (Duration::from_millis(500), Duration::from_secs(30));
        Self { at_once: 8, lease, poll: Duration::from_millis(500), pause, schedule: Schedule::default() }
    }
}

/// Delivers stored events to endpoints.
#[derive(Clone)]
pub struct Dispatcher {
    store: Arc<dyn Store>,
    endpoints: Vec<Arc<Endpoint>>,
    courier: Courier,
    settings: DispatcherSettings,
    clock: Clock,
}

/// Whether an endpoint can be asked for more at the moment.
#[derive(Debug, Default)]
struct Health {
    failures: u32,
    until: Option<Instant>,
}

impl Health {
    /// Requests that may be made at a time: one, to try, where the last one failed, and none during a pause.
    fn allows(&self, at_once: usize) -> usize {
        match self.until {
            Some(until) if Instant::now() < until => 0,
            _ if self.failures > 0 => 1,
            _ => at_once.max(1),
        }
    }

    /// An attempt failed; `asked` is the wait that the endpoint asks for.
    fn fail(&mut self, asked: Option<SignedDuration>, (first, longest): (Duration, Duration)) {
        let doubled = first * 2_u32.pow(self.failures.min(10));
        let asked = asked.and_then(|asked| Duration::try_from(asked).ok()).unwrap_or_default();
        self.failures += 1;
        self.until = Some(Instant::now() + doubled.max(asked).min(longest));
    }
}

impl Dispatcher {
    /// A dispatcher to these endpoints.
    pub fn new(
        store: Arc<dyn Store>,
        endpoints: Vec<Arc<Endpoint>>,
        courier: Courier,
        settings: DispatcherSettings,
        clock: Clock,
    ) -> Self {
        Self { store, endpoints, courier, settings, clock }
    }

    /// Works until `stop` is cancelled; attempts that were begun have a few seconds to end. Those that
    /// do not, and all where the future is dropped, are made again after their lease.
    pub async fn run(&self, stop: CancellationToken) {
        if self.endpoints.is_empty() {
            return;
        }
        let endpoints = self.endpoints.iter().map(|endpoint| self.run_endpoint(endpoint, &stop));
        tokio::join!(self.fan_out(&stop), futures_util::future::join_all(endpoints));
    }

    /// Finds the endpoints of new events.
    async fn fan_out(&self, stop: &CancellationToken) {
        let routes: Vec<EventRoute> = self.endpoints.iter().map(|endpoint| endpoint.route()).collect();
        let names: Vec<String> = routes.iter().map(|route| route.endpoint.clone()).collect();
        let mut orphans = Instant::now();
        let mut failing = false;
        loop {
            let now = (self.clock)();
            let mut work = self.store.fan_out(&routes, now, BATCH).await;
            if work.is_ok() && orphans <= Instant::now() {
                orphans = Instant::now() + ORPHAN_POLL;
                let before = now.saturating_sub(ORPHAN_AGE).unwrap_or(Timestamp::MIN);
                let why = "there is no endpoint of this name in the settings any more";
                work = work.and(self.store.park_orphans(&names, why, before, now).await.map(|_| 0));
            }
            match work {
                Ok(0) => failing = false,
                // There may be more.
                Ok(_) if !stop.is_cancelled() => continue,
                Ok(_) => {}
                Err(error) if failing => tracing::debug!(%error, "events cannot be read"),
                Err(error) => {
                    failing = true;
                    tracing::warn!(%error, "events cannot be read from the store; trying again");
                }
            }
            if self.sleep(stop).await {
                return;
            }
        }
    }

    /// Waits for the next poll; `true` where it is to end.
    async fn sleep(&self, stop: &CancellationToken) -> bool {
        tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(self.settings.poll) => false,
        }
    }

    async fn run_endpoint(&self, endpoint: &Arc<Endpoint>, stop: &CancellationToken) {
        let mut attempts = JoinSet::new();
        let mut health = Health::default();
        let (mut closed, mut asked) = (false, None::<Instant>);
        loop {
            if closed || asked.is_none_or(|asked| asked.elapsed() >= CLOSED_POLL) {
                match self.is_closed(endpoint).await {
                    Ok(found) => (closed, asked) = (found, Some(Instant::now())),
                    Err(error) => tracing::warn!(%error, "endpoints cannot be read from the store; trying again"),
                }
            }
            let mut waits = asked.is_none();
            while !waits && attempts.len() < health.allows(self.settings.at_once) && !stop.is_cancelled() {
                match self.store.claim_dispatch(endpoint.name(), (self.clock)(), self.settings.lease).await {
                    Ok(Some(dispatch)) => {
                        let (this, endpoint) = (self.clone(), Arc::clone(endpoint));
                        attempts.spawn(async move { this.attempt(&endpoint, &dispatch, closed).await });
                    }
                    Ok(None) => waits = true,
                    Err(error) => {
                        tracing::warn!(%error, "events cannot be claimed from the store; trying again");
                        waits = true;
                    }
                }
            }
            if stop.is_cancelled() {
                break;
            }
            let ended = tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = attempts.join_next() => Some(ended),
                () = tokio::time::sleep(self.settings.poll) => None,
            };
            match ended {
                Some(Ok(Outcome::Delivered(_))) => health = Health::default(),
                Some(Ok(Outcome::Failed { retry_after, .. })) => health.fail(retry_after, self.settings.pause),
                Some(Ok(Outcome::Gone)) => (closed, asked) = (true, Some(Instant::now())),
                Some(Err(error)) => tracing::error!(%error, endpoint = endpoint.name(), "a delivery ended early"),
                None => {}
            }
        }
        // What an endpoint does not answer now is sent again after its lease.
        let ended = async { while attempts.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(GRACE, ended).await;
    }

    async fn is_closed(&self, endpoint: &Endpoint) -> Result<bool, StoreError> {
        let closed = self.store.closed_endpoints().await?;
        Ok(closed.iter().any(|one| one.endpoint == endpoint.name() && one.target == endpoint.target()))
    }

    /// Makes an attempt and saves what came of it. An endpoint that wants no more is not asked: `closed` is what was known
    /// before the claim, and somebody may have opened it again since.
    async fn attempt(&self, endpoint: &Endpoint, dispatch: &Dispatch, closed: bool) -> Outcome {
        let closed = closed && self.is_closed(endpoint).await.unwrap_or(true);
        let outcome =
            if closed { Outcome::Gone } else { self.courier.deliver(endpoint, &dispatch.event, (self.clock)()).await };
        if let Err(error) = self.save(endpoint, dispatch, &outcome, closed).await {
            let event = dispatch.event.id.as_str();
            tracing::warn!(event, endpoint = endpoint.name(), %error, "what came of a delivery could not be saved");
        }
        outcome
    }

    async fn save(
        &self,
        endpoint: &Endpoint,
        dispatch: &Dispatch,
        outcome: &Outcome,
        closed: bool,
    ) -> Result<(), StoreError> {
        let (name, now, event) = (endpoint.name(), (self.clock)(), dispatch.event.id.as_str());
        let count = |result: &'static str| {
            metrics::counter!(metric::EVENTS, "endpoint" => name.to_owned(), "result" => result).increment(1);
        };
        match outcome {
            Outcome::Delivered(status) => {
                tracing::debug!(event, endpoint = name, status, "an event was delivered");
                self.store.dispatched(dispatch, now).await?;
                count("delivered");
            }
            Outcome::Failed { reason, retry_after } => {
                let wait = self.settings.schedule.wait(dispatch.attempt(), rand::random());
                let retry_at = wait.map(|wait| {
                    let wait = retry_after.map_or(wait, |asked| asked.max(wait));
                    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
                });
                tracing::info!(
                    event,
                    endpoint = name,
                    reason,
                    attempt = dispatch.attempt(),
                    "an event was not delivered"
                );
                if retry_at.is_none() {
                    // Before it is parked: where the process dies in between, the alert is there.
                    let alert =
                        format!("Events do not reach the endpoint {name} ({reason}): ecomres events list --parked");
                    handoff::report_events(self.store.as_ref(), name, &alert, now).await?;
                }
                self.store.dispatch_failed(dispatch, reason, retry_at, now).await?;
                count(if retry_at.is_some() { "again" } else { "parked" });
            }
            Outcome::Gone => {
                if !closed {
                    let gone = ClosedEndpoint { endpoint: name.to_owned(), target: endpoint.target(), at: now };
                    self.store.close_endpoint(&gone).await?;
                    let alert = format!(
                        "The endpoint {name} answers 410 Gone: it gets no more events until ecomres events retry --endpoint {name}"
                    );
                    handoff::report_events(self.store.as_ref(), name, &alert, now).await?;
                }
                let why = "it answered 410 Gone: it wants no more events";
                self.store.dispatch_failed(dispatch, why, None, now).await?;
                count("gone");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_attempts_within_28_hours() {
        let schedule = Schedule::default();
        let waits: Vec<_> = (1..=8).map(|attempt| schedule.wait(attempt, 0.5).map(|wait| wait.as_secs())).collect();
        let expected = [Some(5), Some(300), Some(1_800), Some(7_200), Some(18_000), Some(36_000), Some(36_000), None];
        assert_eq!(waits, expected);
        assert_eq!(
            (schedule.wait(1, 0.0), schedule.wait(1, 1.0)),
            (Some(SignedDuration::from_secs(4)), Some(SignedDuration::from_secs(6)))
        );
    }

    #[test]
    fn an_endpoint_that_fails_is_tried_with_one_request_after_a_pause() {
        let pause = DispatcherSettings::new(Duration::from_secs(20)).pause;
        let mut health = Health::default();
        assert_eq!(health.allows(8), 8);
        health.fail(None, pause);
        assert_eq!(health.allows(8), 0, "a pause");
        health.until = Some(Instant::now());
        assert_eq!(health.allows(8), 1);
        for _ in 0..40 {
            health.fail(Some(SignedDuration::from_hours(20)), pause);
        }
        assert!(health.until.is_some_and(|until| until <= Instant::now() + pause.1), "the other events wait less");
    }
}

//! Sends refunds that wait, and finds out what became of those that were sent. Any number of processes may do so on one store:
//! each refund is claimed for the time of a lease, and everything stored after it was lost is refused.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{Found, Moved, Payout, Providers, RefundProvider, Report, Sent, Telling, change, minor_units};
use crate::domain::audit::SYSTEM;
use crate::domain::refund::{Change, Refund, Step};
use crate::store::{Result, Store};
use crate::support::handoff;

/// The wait after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(2);

/// A source of the current time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The settings of a [`RefundJob`].
#[derive(Debug, Clone, Copy)]
pub struct JobSettings {
    /// For how long a refund is claimed, by the clock: the longest delay after a process was killed.
    pub lease: SignedDuration,
    /// How long a provider may take to answer. Three times that is less than a lease.
    pub answer: Duration,
    /// How often to look for refunds that are due.
    pub poll: Duration,
}

impl Default for JobSettings {
    fn default() -> Self {
        Self { lease: SignedDuration::from_secs(90), answer: Duration::from_secs(20), poll: Duration::from_millis(500) }
    }
}

/// Moves refunds on.
#[derive(Clone)]
pub struct RefundJob {
    store: Arc<dyn Store>,
    providers: Providers,
    telling: Telling,
    settings: JobSettings,
    clock: Clock,
    /// How often a message to a customer is saved again after their conversation went on meanwhile.
    save_attempts: u32,
}

impl RefundJob {
    /// A job on a store, with the providers whose keys are set.
    pub fn new(
        store: Arc<dyn Store>,
        providers: Providers,
        telling: Telling,
        settings: JobSettings,
        clock: Clock,
    ) -> Self {
        Self { store, providers, telling, settings, clock, save_attempts: handoff::SAVE_ATTEMPTS }
    }

    /// Works until `stop`. A request that was begun is completed; where the process is killed instead, others look it up.
    pub async fn run(&self, stop: CancellationToken) {
        loop {
            let wait = match self.run_next().await {
                Ok(true) => Duration::ZERO,
                Ok(false) => self.settings.poll,
                Err(error) => {
                    tracing::warn!(%error, "refunds cannot be moved on; trying again");
                    STORE_RETRY
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// Does what is due now, one refund after the other; returns how often something was done.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_due(&self) -> Result<u64> {
        let mut count = 0;
        while self.run_next().await? {
            count += 1;
        }
        Ok(count)
    }

    /// Does the next step of the refund that has been due for longest; `false` where none is.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn run_next(&self) -> Result<bool> {
        let claimed_at = (self.clock)();
        let Some(refund) = self.store.claim_refund(claimed_at, self.settings.lease).await? else { return Ok(false) };
        let Some(refund) = self.ask_person_where_stuck(refund).await? else { return Ok(true) };
        match refund.progress.step() {
            Step::Rest => {
                self.advance(&refund, Change::Told).await?;
            }
            Step::Announce => self.announce(refund).await?,
            step @ (Step::Submit | Step::LookUp | Step::Poll) => self.ask_provider(refund, step, claimed_at).await?,
        }
        Ok(true)
    }

    /// Stores a change; `None` where it was not stored: somebody else has the refund now.
    async fn advance(&self, refund: &Refund, what: Change) -> Result<Option<Refund>> {
        match change(self.store.as_ref(), SYSTEM, refund, what, (self.clock)()).await? {
            Moved::Done(refund) => Ok(Some(*refund)),
            Moved::Overtaken => {
                tracing::info!(transaction = refund.transaction_id, "a refund was changed elsewhere meanwhile");
                Ok(None)
            }
            Moved::Impossible(error) => {
                tracing::warn!(transaction = refund.transaction_id, %error, "a refund was changed elsewhere meanwhile");
                Ok(None)
            }
        }
    }

    async fn ask_person_where_stuck(&self, refund: Refund) -> Result<Option<Refund>> {
        let now = (self.clock)();
        if !refund.progress.is_stuck(now) {
            return Ok(Some(refund));
        }
        handoff::report_stuck_refund(self.store.as_ref(), &refund, now).await?;
        self.advance(&refund, Change::Alerted).await
    }

    /// Tells the team of a failure, and the customer of what became of the refund. What was told is not told again.
    async fn announce(&self, refund: Refund) -> Result<()> {
        let now = (self.clock)();
        let refund = if refund.progress.needs_alert() {
            handoff::report_failed_refund(self.store.as_ref(), &refund, now).await?;
            match self.advance(&refund, Change::Alerted).await? {
                Some(refund) => refund,
                None => return Ok(()),
            }
        } else {
            refund
        };
        let store = self.store.as_ref();
        if refund.progress.untold && !self.telling.tell(store, &refund, self.save_attempts, now).await? {
            // It is due again once this claim ends.
            return Ok(());
        }
        self.advance(&refund, Change::Told).await.map(drop)
    }

    async fn ask_provider(&self, refund: Refund, step: Step, claimed_at: Timestamp) -> Result<()> {
        let route = &refund.route;
        let Some(provider) = self.providers.get(route.provider).cloned() else {
            let reason = format!("there are no keys of {} here", route.provider.as_str());
            return self.advance(&refund, Change::Unknown { reason }).await.map(drop);
        };
        let Some(units) = minor_units(refund.amount, refund.currency, route.provider) else {
            let reason = format!("{} counts no such parts of {}", route.provider.as_str(), refund.currency);
            return self.advance(&refund, Change::Failed { id: None, reason }).await.map(drop);
        };
        let payout = Payout { refund, units };
        match step {
            Step::Submit => self.send(provider.as_ref(), payout, claimed_at).await,
            Step::Poll => {
                let next = match self.within_lease(provider.look_up(&payout)).await {
                    Some(Found::Has(Report::Pending { .. }) | Found::CannotBeAsked) => Change::Unchanged,
                    Some(Found::Has(report)) => reported(report),
                    Some(Found::Nothing) => {
                        Change::Unknown { reason: "the provider does not know it any more".to_owned() }
                    }
                    Some(Found::Unknown { reason }) => Change::Unknown { reason },
                    None => Change::Unknown { reason: "no answer in time".to_owned() },
                };
                self.advance(&payout.refund, next).await.map(drop)
            }
            _ => self.look_up(provider.as_ref(), payout, claimed_at).await,
        }
    }

    /// Finds out what became of a request; sends it again where the provider has none and still knows the key.
    async fn look_up(&self, provider: &dyn RefundProvider, payout: Payout, claimed_at: Timestamp) -> Result<()> {
        let next = match self.within_lease(provider.look_up(&payout)).await {
            Some(Found::Has(report)) => reported(report),
            Some(Found::Nothing | Found::CannotBeAsked) => {
                if payout.refund.progress.may_send(payout.refund.route.provider.key_lifetime(), (self.clock)()) {
                    return self.send(provider, payout, claimed_at).await;
                }
                let reason =
                    "it was sent too long ago to be sent again without the danger of paying twice; look at the \
                    provider's pages and settle it: ecomres refunds settle"
                        .to_owned();
                Change::Unknown { reason }
            }
            Some(Found::Unknown { reason }) => Change::Unknown { reason },
            None => Change::Unknown { reason: "no answer in time".to_owned() },
        };
        self.advance(&payout.refund, next).await.map(drop)
    }

    async fn send(&self, provider: &dyn RefundProvider, payout: Payout, claimed_at: Timestamp) -> Result<()> {
        // Durable before it leaves: whoever finds it looks it up.
        let Some(refund) = self.advance(&payout.refund, Change::Sending).await? else { return Ok(()) };
        let payout = Payout { refund, ..payout };
        // A process that was stopped for long has lost its claim, and others know more.
        let waited = (self.clock)().duration_since(claimed_at);
        if waited >= self.settings.lease / 3 {
            let reason = "the process was too slow to send it".to_owned();
            return self.advance(&payout.refund, Change::NotSent { reason }).await.map(drop);
        }
        let next = match self.within_lease(provider.send(&payout)).await {
            Some(Sent::Has(report)) => reported(report),
            Some(Sent::TurnedAway { reason }) => Change::NotSent { reason },
            Some(Sent::Unknown { reason }) => Change::Unknown { reason },
            // An earlier request may be why: what the provider has decides.
            Some(Sent::Refused { reason }) => match self.within_lease(provider.look_up(&payout)).await {
                Some(Found::Has(report)) => reported(report),
                Some(Found::Nothing | Found::CannotBeAsked) => Change::Failed { id: None, reason },
                Some(Found::Unknown { reason: why }) => Change::Unknown { reason: format!("{reason}; {why}") },
                None => Change::Unknown { reason },
            },
            None => Change::Unknown { reason: "no answer in time".to_owned() },
        };
        self.advance(&payout.refund, next).await.map(drop)
    }

    /// An answer that comes in time.
    async fn within_lease<T>(&self, asking: impl Future<Output = T> + Send) -> Option<T> {
        tokio::time::timeout(self.settings.answer, asking).await.ok()
    }
}

fn reported(report: Report) -> Change {
    match report {
        Report::Pending { id } => Change::Accepted { id },
        Report::Paid { id } => Change::Paid { id },
        Report::Failed { id, reason } => Change::Failed { id, reason },
    }
}

#[cfg(test)]
#[path = "job_tests.rs"]
mod tests;

//! Decides how the messages of the outbox reach a channel, and what becomes of those that it does not take.
//!
//! It must never send a message that it has not claimed, nor let one wait behind another customer's failures.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;
use uuid::Uuid;

use super::{Backoff, Clock, luck};
use crate::channels::{Channel, SendError, Verdict};
use crate::domain::alert::{Alert, AlertStatus, Handling, Priority};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::outgoing::{Outgoing, Receipt, Status};
use crate::domain::words::excerpt;
use crate::store::{Store, StoreError};
use crate::telemetry::metric;

/// The channel's number for a message that came too late after the customer's last one.
const OUTSIDE_WINDOW: i64 = 131_047;

fn count(message: &Outgoing, result: &'static str) {
    metrics::counter!(metric::SENDS, "kind" => message.body.kind(), "result" => result).increment(1);
}

/// Sends what is in the outbox.
#[derive(Clone)]
pub struct Sender {
    store: Arc<dyn Store>,
    channel: Arc<dyn Channel>,
    lease: SignedDuration,
    retry: Backoff,
}

impl Sender {
    /// A sender from a store to a channel.
    pub fn new(store: Arc<dyn Store>, channel: Arc<dyn Channel>) -> Self {
        Self { store, channel, lease: SignedDuration::from_secs(60), retry: Backoff::SENDING }
    }

    /// Changes how long a message is held while it is being sent.
    #[must_use]
    pub fn with_lease(self, lease: SignedDuration) -> Self {
        Self { lease, ..self }
    }

    /// Changes how failures are tried again.
    #[must_use]
    pub fn with_retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// Claims a message that is due, or one that is due to one customer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim(&self, only: Option<&UserId>, now: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        self.store.claim_outgoing(only, now, self.lease).await
    }

    /// Sends a claimed message and records what became of it; whether the channel took it.
    ///
    /// # Errors
    /// When the store fails. A message that the channel took is then sent again after its lease: the one gap there is.
    pub async fn send(&self, message: &Outgoing, clock: &Clock) -> Result<bool, StoreError> {
        // Well within the lease: nobody else may begin while this attempt could still succeed.
        let limit = Duration::try_from(self.lease / 2).unwrap_or(Duration::from_secs(1));
        let message_id = message.answers.as_ref().map_or("", |answers| answers.message.as_str());
        let span = tracing::info_span!("send", user = message.user_id.masked(), message_id, turn = message.turn);
        let taken = match tokio::time::timeout(limit, self.channel.send(message).instrument(span.clone())).await {
            Ok(taken) => taken,
            Err(_) => Err(SendError {
                reason: format!("no answer for {} s", limit.as_secs()),
                retry_after: None,
                verdict: Verdict::Again,
            }),
        };
        let (user, now) = (message.user_id.masked(), clock());
        let (recorded, took) = match taken {
            Ok(id) => {
                count(message, "sent");
                tracing::info!(parent: &span, sequence = message.sequence, provider_id = id.0, "a message is sent");
                (self.store.sent(message, &id.0, now).await?, true)
            }
            Err(error) => {
                let wait = match error.verdict {
                    Verdict::Again => self.retry.wait(message.attempts, luck()),
                    Verdict::GiveUp => None,
                    // Nobody's fault: it does not count.
                    Verdict::Paused => Some(SignedDuration::from_secs(10)),
                };
                let asked = error.retry_after.and_then(|asked| SignedDuration::try_from(asked).ok());
                let wait = wait.map(|wait| wait.max(asked.unwrap_or(SignedDuration::ZERO)));
                let retry_at = wait.and_then(|wait| now.checked_add(wait).ok());
                match retry_at {
                    Some(at) => tracing::warn!(user, %error, %at, "a message is sent again later"),
                    None => tracing::error!(user, %error, "a message could not be sent and is parked"),
                }
                count(
                    message,
                    match error.verdict {
                        Verdict::Paused => "paused",
                        Verdict::Again if retry_at.is_some() => "again",
                        Verdict::Again | Verdict::GiveUp => "gave_up",
                    },
                );
                let recorded = self.store.send_failed(message, &error.reason, retry_at, now).await?;
                if recorded && error.verdict == Verdict::GiveUp {
                    self.tell_team(message, &error.reason, now).await?;
                }
                (recorded, false)
            }
        };
        if !recorded {
            tracing::info!(
                user,
                turn = message.turn,
                "a message was settled, or claimed again, while it was being sent"
            );
        }
        Ok(took)
    }

    /// Takes in what the channel tells of a message. One that did not arrive because the customer was away for too long
    /// is for the team.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn follow(&self, status: &Status, now: Timestamp) -> Result<(), StoreError> {
        metrics::counter!(metric::RECEIPTS, "receipt" => status.receipt.as_str()).increment(1);
        let Some(message) = self.store.follow_status(status, now).await? else { return Ok(()) };
        if status.receipt == Receipt::Failed {
            let why = status.error.as_deref().unwrap_or("no reason given");
            tracing::warn!(user = message.user_id.masked(), turn = message.turn, why, "a message did not arrive");
            if status.code == Some(OUTSIDE_WINDOW) {
                self.tell_team(&message, why, now).await?;
            }
        }
        Ok(())
    }

    async fn tell_team(&self, message: &Outgoing, why: &str, now: Timestamp) -> Result<(), StoreError> {
        let alert = Alert {
            id: AlertId::new(format!("ALERT_{}", Uuid::now_v7().simple())),
            user_id: message.user_id.clone(),
            reason: format!("A message to the customer could not be delivered: {}", excerpt(why, 300)),
            last_message: format!("(to the customer) {}", excerpt(message.body.text(), 1_000)),
            priority: Priority::Medium,
            status: AlertStatus::Pending,
            created_at: now,
            handling: Handling::default(),
        };
        self.store.open_alert(&alert).await?;
        metrics::counter!(metric::HAND_OVERS, "by" => "failure").increment(1);
        Ok(())
    }

    /// Sends everything that is due, or that is due to one customer, one after the other; how many the channel took.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn drain(&self, only: Option<&UserId>, clock: &Clock) -> Result<u64, StoreError> {
        let mut count = 0;
        while let Some(message) = self.claim(only, clock()).await? {
            count += u64::from(self.send(&message, clock).await?);
        }
        Ok(count)
    }
}

//! Decides how the messages of the outbox reach a channel, and what becomes of those that it does not take.
//!
//! It must never send a message that it has not claimed, nor let one wait behind another customer's failures.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Backoff, Clock, luck};
use crate::channels::{Channel, SendError};
use crate::domain::ids::UserId;
use crate::domain::outgoing::Outgoing;
use crate::store::{Store, StoreError};

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
        let taken = match tokio::time::timeout(limit, self.channel.send(message)).await {
            Ok(taken) => taken,
            Err(_) => Err(SendError {
                reason: format!("no answer for {} s", limit.as_secs()),
                retry_after: None,
                permanent: false,
            }),
        };
        let (user, now) = (message.user_id.masked(), clock());
        let (recorded, took) = match taken {
            Ok(id) => (self.store.sent(message, &id.0, now).await?, true),
            Err(error) => {
                let wait = self.retry.wait(message.attempts, luck()).filter(|_| !error.permanent);
                let asked = error.retry_after.and_then(|asked| SignedDuration::try_from(asked).ok());
                let wait = wait.map(|wait| wait.max(asked.unwrap_or(SignedDuration::ZERO)));
                let retry_at = wait.and_then(|wait| now.checked_add(wait).ok());
                match retry_at {
                    Some(at) => tracing::warn!(user, %error, %at, "a message is sent again later"),
                    None => tracing::error!(user, %error, "a message could not be sent and is parked"),
                }
                (self.store.send_failed(message, &error.reason, retry_at, now).await?, false)
            }
        };
        if !recorded {
            tracing::warn!(user, turn = message.turn, "a message was claimed again while it was being sent");
        }
        Ok(took)
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

//! Sends the messages of the outbox through a channel, and handles those that it does not accept. Only claimed messages
//! are sent, and one customer's errors never delay another's messages. What is sent is decided here, at the moment of sending:
//! this is the only place that makes a [`Sendable`].

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::Instrument as _;

use super::{Backoff, Clock, jitter};
use crate::channels::{Channel, Fault, SendError, SendErrorKind};
use crate::domain::ids::UserId;
use crate::domain::outgoing::{Outgoing, Receipt, Status};
use crate::domain::rating::is_question;
use crate::domain::sendable::{Contact, Refused, Sendable};
use crate::store::{Store, StoreError};
use crate::support::{handoff, identities};
use crate::telemetry::metric;

/// The shortest wait before the next attempt while the channel is paused.
const PAUSED_WAIT: SignedDuration = SignedDuration::from_secs(1);

/// How many of a customer's latest messages are searched for the one that a status is about.
const RECENT: u32 = 200;

/// How many failures of messages that nobody knows yet are kept: more than are being sent at once.
const EARLY: usize = 256;

/// Failures without the message's identity that may have overtaken the answer to the send, with whose fault each is. Those of
/// messages that another program sent are pushed out by later ones.
#[derive(Debug, Clone, Default)]
struct EarlyFailures(Arc<Mutex<VecDeque<(Status, Fault)>>>);

impl EarlyFailures {
    fn keep(&self, status: &Status, fault: Fault) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == EARLY {
            kept.pop_front();
        }
        kept.push_back((status.clone(), fault));
    }

    fn take(&self, provider_id: &str) -> Option<(Status, Fault)> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = kept.iter().position(|(status, _)| status.provider_id == provider_id)?;
        kept.remove(place)
    }
}

fn count(message: &Outgoing, result: &'static str) {
    metrics::counter!(metric::SENDS, "kind" => message.body.kind(), "result" => result).increment(1);
}

/// Sends the messages of the outbox.
#[derive(Clone)]
pub struct Sender {
    store: Arc<dyn Store>,
    channel: Arc<dyn Channel>,
    lease: SignedDuration,
    retry: Backoff,
    /// Whether there may be an alert about the set-up; at first nobody knows.
    alerted: Arc<AtomicBool>,
    early: EarlyFailures,
}

impl Sender {
    /// A sender from a store to a channel.
    pub fn new(store: Arc<dyn Store>, channel: Arc<dyn Channel>) -> Self {
        let alerted = Arc::new(AtomicBool::new(true));
        Self {
            store,
            channel,
            lease: SignedDuration::from_secs(60),
            retry: Backoff::SENDING,
            alerted,
            early: EarlyFailures::default(),
        }
    }

    /// Changes the lease of a message while it is being sent.
    #[must_use]
    pub fn with_lease(self, lease: SignedDuration) -> Self {
        Self { lease, ..self }
    }

    /// Changes the backoff after errors.
    #[must_use]
    pub fn with_retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// Claims a message that is due, or one that is due to one customer. None is claimed while the channel is paused and no
    /// attempt is due: so nothing is claimed and put back all the time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim(&self, only: Option<&UserId>, now: Timestamp) -> Result<Option<Outgoing>, StoreError> {
        if !self.channel.may_send() {
            return Ok(None);
        }
        self.store.claim_outgoing(only, now, self.lease).await
    }

    /// What may be sent of a message now. Only what is no prompt reply needs more than the message itself.
    async fn sendable(&self, message: &Outgoing, now: Timestamp) -> Result<Result<Sendable, Refused>, StoreError> {
        let window = self.channel.limits().free_text_window;
        let contact = if Sendable::is_prompt_reply(message, window, now) {
            Contact::default()
        } else {
            self.store.contact(&message.user_id).await?
        };
        Ok(Sendable::new(message, &contact, self.channel.template().as_ref(), window, now))
    }

    /// Sends a claimed message and records the outcome; returns whether the channel accepted it.
    ///
    /// # Errors
    /// When the store fails. A message that the channel accepted is then sent again after its lease: delivery is at
    /// least once in this one case.
    pub async fn send(&self, message: &Outgoing, clock: &Clock) -> Result<bool, StoreError> {
        // Well within the lease: no other worker may start while this attempt could still succeed.
        let timeout = Duration::try_from(self.lease / 2).unwrap_or(Duration::from_secs(1));
        let message_id = message.answers.as_ref().map_or("", |answers| answers.message.as_str());
        let span = tracing::info_span!("send", user = message.user_id.masked(), message_id, turn = message.turn);
        let sendable = match self.sendable(message, clock()).await? {
            Ok(sendable) => sendable,
            Err(refused) => return self.refuse(message, &refused, clock()).await,
        };
        // The customer may have another number by now, and somebody else the former one.
        let sent = match identities::address_of(self.store.as_ref(), &message.user_id).await? {
            Some(address) => {
                let addressed = sendable.addressed_to(address);
                let sending = self.channel.send(&addressed).instrument(span.clone());
                tokio::time::timeout(timeout, sending).await.unwrap_or_else(|_| {
                    Err(SendError {
                        reason: format!("no answer for {} s", timeout.as_secs()),
                        retry_after: None,
                        kind: SendErrorKind::Transient,
                    })
                })
            }
            None => Err(SendError {
                reason: "the customer's number belongs to somebody else now".to_owned(),
                retry_after: None,
                kind: SendErrorKind::Permanent,
            }),
        };
        let now = clock();
        let (recorded, accepted) = match sent {
            Ok(id) => {
                count(message, "sent");
                tracing::info!(parent: &span, sequence = message.sequence, provider_id = id.0, "a message is sent");
                // Before and after: an offer that failed must not be live in between.
                self.record_early(message, &id.0, now).await?;
                let recorded = self.store.sent(message, &id.0, now).await?;
                self.record_early(message, &id.0, now).await?;
                self.note_mended(now).await?;
                (recorded, true)
            }
            Err(error) => (self.record_error(message, &error, now).await?, false),
        };
        if !recorded {
            tracing::info!(
                user = message.user_id.masked(),
                turn = message.turn,
                "a message was completed, or claimed again, while it was being sent"
            );
        }
        Ok(accepted)
    }

    /// Records that the channel did not accept a message: it is sent again later, or parked.
    async fn record_error(&self, message: &Outgoing, error: &SendError, now: Timestamp) -> Result<bool, StoreError> {
        let user = message.user_id.masked();
        let asked = error.retry_after.and_then(|asked| SignedDuration::try_from(asked).ok());
        let at = |wait: SignedDuration| now.checked_add(wait.max(asked.unwrap_or(SignedDuration::ZERO))).ok();
        if error.kind == SendErrorKind::Paused {
            // Not an error of this message: it is no attempt.
            let until = at(PAUSED_WAIT).unwrap_or(now);
            tracing::warn!(user, %error, %until, "a message waits for the set-up");
            count(message, "paused");
            let recorded = self.store.postpone(message, &error.reason, until, now).await?;
            self.report_set_up(&error.reason, now).await?;
            return Ok(recorded);
        }
        let wait = match error.kind {
            SendErrorKind::Permanent => None,
            _ => self.retry.wait(message.counted_attempts(), jitter()),
        };
        let retry_at = wait.and_then(at);
        if let Some(at) = retry_at {
            tracing::warn!(user, %error, %at, "a message is sent again later");
        } else {
            tracing::error!(user, %error, "a message could not be sent and is parked");
        }
        count(message, if retry_at.is_some() { "again" } else { "gave_up" });
        let recorded = self.store.send_failed(message, &error.reason, retry_at, now).await?;
        if recorded && error.kind == SendErrorKind::Permanent {
            handoff::report_undelivered(self.store.as_ref(), message, &error.reason, now).await?;
        }
        Ok(recorded)
    }

    /// Parks a message that must not be sent. The team is told, unless the customer asked for silence, or it only asked them how the
    /// team did.
    async fn refuse(&self, message: &Outgoing, refused: &Refused, now: Timestamp) -> Result<bool, StoreError> {
        let reason = refused.to_string();
        tracing::warn!(
            user = message.user_id.masked(),
            reason,
            hint = refused.hint(),
            "a message must not be sent and is parked"
        );
        count(message, "gave_up");
        let recorded = self.store.send_failed(message, &reason, None, now).await?;
        if recorded && !matches!(refused, Refused::OptedOut { .. }) && !is_question(&message.body) {
            handoff::report_undelivered(self.store.as_ref(), message, &reason, now).await?;
        }
        Ok(false)
    }

    async fn report_set_up(&self, reason: &str, now: Timestamp) -> Result<(), StoreError> {
        self.alerted.store(true, Ordering::Relaxed);
        handoff::report_set_up(self.store.as_ref(), reason, now).await
    }

    /// Resolves the alert about the set-up, if there is one, once the channel sends again.
    async fn note_mended(&self, now: Timestamp) -> Result<(), StoreError> {
        if self.alerted.load(Ordering::Relaxed) && self.channel.unavailable_reason().is_none() {
            self.alerted.store(false, Ordering::Relaxed);
            handoff::resolve_set_up(self.store.as_ref(), now).await?;
        }
        Ok(())
    }

    /// Records a status report of a message. Where the message was not delivered, the team is alerted; where that is the
    /// set-up's fault, the message is queued again, and the alert is one about the set-up.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record_status(&self, status: &Status, now: Timestamp) -> Result<(), StoreError> {
        metrics::counter!(metric::RECEIPTS, "receipt" => status.receipt.as_str()).increment(1);
        let fault = self.channel.note_status(status);
        let status = Status { again: fault == Fault::SetUp, ..status.clone() };
        self.apply_status(&status, fault, now).await
    }

    /// Records the failure of a message whose report overtook the answer to the send.
    async fn record_early(&self, message: &Outgoing, provider_id: &str, now: Timestamp) -> Result<(), StoreError> {
        let Some((status, fault)) = self.early.take(provider_id) else { return Ok(()) };
        let status = Status { identity: Some(message.identity()), ..status };
        self.apply_status(&status, fault, now).await
    }

    async fn apply_status(&self, status: &Status, fault: Fault, now: Timestamp) -> Result<(), StoreError> {
        let error = status.error.as_deref().unwrap_or("no reason given");
        let mut alerted = false;
        // The alert comes first where the message is known: the report comes again if this process dies in between, and then
        // it changes nothing any more.
        if status.receipt == Receipt::Failed
            && fault == Fault::Message
            && let Some(message) = self.named_by(status).await?
            && message.with_status(status, now).is_some()
        {
            handoff::report_undelivered(self.store.as_ref(), &message, error, now).await?;
            alerted = true;
        }
        let mut followed = self.store.follow_status(status, now).await?;
        if followed.is_none() && status.receipt == Receipt::Failed && status.identity.is_none() {
            self.early.keep(status, fault);
            // It may have become known before it was kept.
            followed = self.store.follow_status(status, now).await?;
        }
        if status.receipt != Receipt::Failed {
            return self.note_mended(now).await;
        }
        if fault == Fault::SetUp {
            self.report_set_up(&format!("messages fail after they were accepted: {error}"), now).await?;
        }
        let Some(message) = followed else { return Ok(()) };
        let (user, turn) = (message.user_id.masked(), message.turn);
        tracing::warn!(user, turn, error, again = message.state.is_open(), "a message was not delivered");
        if fault == Fault::Message && !alerted {
            handoff::report_undelivered(self.store.as_ref(), &message, error, now).await?;
        }
        Ok(())
    }

    /// The message whose identity a status carries.
    async fn named_by(&self, status: &Status) -> Result<Option<Outgoing>, StoreError> {
        let Some(identity) = &status.identity else { return Ok(None) };
        let sent = self.store.outgoing_of(&identity.user_id, RECENT).await?;
        Ok(sent.into_iter().find(|message| message.identity() == *identity))
    }

    /// Sends everything that is due, or that is due to one customer, one after the other; returns how many messages the
    /// channel accepted.
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

//! Decides how a claimed conversation becomes a turn: load, run the agent, keep what was said and remembered.
//!
//! It must never keep an outcome whose claim was lost, nor answer a claim with anything but all of its messages.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use uuid::Uuid;

use super::reading::{ACKNOWLEDGED, DECLINED, Reading};
use super::{Backoff, Clock, clock_from, luck, reply, taken_over};
use crate::agent::{Agent, Incoming, TurnReport};
use crate::channels::Channel;
use crate::domain::alert::Alert;
use crate::domain::conversation::{Conversation, Mode, TriageCause, WaitingFor};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Content, Inbound};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{Answered, Body, Identity, Outgoing};
use crate::domain::words::excerpt;
use crate::store::{Claim, Finished, FinishedTurn, Store, StoreError};
use crate::telemetry::metric;

/// How many earlier messages the model sees.
const HISTORY: u32 = 20;
/// How often a turn is run again after somebody else changed the conversation meanwhile.
const RERUNS: u32 = 3;
/// How often a turn that somebody waits for looks whether it may begin.
const LOOK: Duration = Duration::from_millis(20);

/// What became of a claim.
#[derive(Debug)]
pub enum Outcome {
    /// The turn is kept.
    Answered(Box<TurnReport>),
    /// Somebody else has the conversation by now: what was done here is dropped.
    Lost,
    /// It failed, and is tried again or parked.
    Failed(StoreError),
}

/// Sees the turns that are kept, such as to record them.
pub trait Witness: Send + Sync {
    /// A turn whose messages hold words is kept. The worker waits for this: it must be quick, and it cannot fail.
    fn saw(&self, user: &UserId, incoming: &Incoming, at: Timestamp, report: &TurnReport);
}

/// Works claimed conversations off.
#[derive(Clone)]
pub struct Worker {
    store: Arc<dyn Store>,
    agent: Agent,
    name: String,
    lease: SignedDuration,
    retry: Backoff,
    channel: Option<Arc<dyn Channel>>,
    witness: Option<Arc<dyn Witness>>,
}

/// How long a conversation waits at most for its next attempt after its process died.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_mins(5);

impl Worker {
    /// A worker over a store, with a name of its own.
    pub fn new(store: Arc<dyn Store>, agent: Agent) -> Self {
        let name = format!("{}-{}", std::process::id(), Uuid::now_v7().simple());
        let lease = SignedDuration::from_secs(30);
        Self { store, agent, name, lease, retry: Backoff::TURNS, channel: None, witness: None }
    }

    /// Changes how long a conversation is held without a sign of life.
    #[must_use]
    pub fn with_lease(self, lease: SignedDuration) -> Self {
        Self { lease, ..self }
    }

    /// Changes how failures are tried again.
    #[must_use]
    pub fn with_retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// Shows customers through a channel that they are being answered.
    #[must_use]
    pub fn with_channel(self, channel: Arc<dyn Channel>) -> Self {
        Self { channel: Some(channel), ..self }
    }

    /// Shows every turn that is kept to a witness.
    #[must_use]
    pub fn with_witness(self, witness: Arc<dyn Witness>) -> Self {
        Self { witness: Some(witness), ..self }
    }

    /// Where it works.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Claims what is due, or what is due of one customer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim(&self, only: Option<&UserId>, clock: &Clock) -> Result<Option<Claim>, StoreError> {
        self.store.claim(only, &self.name, clock(), self.lease).await
    }

    /// Runs the turn of a claim, with a heartbeat, and keeps it; a failure is put back, to be tried again or parked.
    pub async fn work(&self, claim: Claim, clock: &Clock) -> Outcome {
        let shown = claim.user_id.masked();
        if claim.attempt > self.retry.attempts {
            let reason = format!("{} attempts ended without an outcome: their process died", claim.attempt - 1);
            let error = StoreError::Backend { doing: "answering", reason };
            self.put_back(&claim, &error, None, clock()).await;
            return Outcome::Failed(error);
        }
        let lease = lease_of(self.lease, claim.attempt);
        if lease > self.lease {
            match self.store.renew(&claim, clock(), lease).await {
                Ok(true) => {}
                Ok(false) => return Outcome::Lost,
                Err(error) => tracing::warn!(user = shown, %error, "the longer lease could not be kept"),
            }
        }
        let mut heartbeat = self.heartbeat(&claim, clock, lease);
        // A fault in the program must cost one turn and not the worker.
        // The latest message's identifier names the work from the webhook to the sending of the reply.
        let message_id = claim.messages.last().map_or("", |message| message.id.as_str());
        let span = tracing::info_span!("turn", user = shown, message_id);
        let turn = AssertUnwindSafe(self.turn(&claim, clock).instrument(span)).catch_unwind();
        let outcome = tokio::select! {
            biased;
            outcome = turn => outcome,
            // The heartbeat only ends when the lease is lost.
            _ = &mut heartbeat => Ok(Ok(None)),
        };
        drop(heartbeat);
        let error = match outcome {
            Ok(Ok(Some(report))) => {
                measure(&report);
                return Outcome::Answered(Box::new(report));
            }
            Ok(Ok(None)) => {
                metrics::counter!(metric::TURNS, "outcome" => "lost").increment(1);
                tracing::warn!(user = shown, "the lease was lost: the outcome of the turn is dropped");
                return Outcome::Lost;
            }
            Ok(Err(error)) => error,
            Err(panic) => StoreError::Backend { doing: "answering", reason: told(panic.as_ref()) },
        };
        metrics::counter!(metric::TURNS, "outcome" => "failed").increment(1);
        let now = clock();
        let retry_at = self.retry.wait(claim.attempt, luck()).and_then(|wait| now.checked_add(wait).ok());
        self.put_back(&claim, &error, retry_at, now).await;
        Outcome::Failed(error)
    }

    /// Takes messages in as a channel does and runs their turn here and now, for callers that show the outcome. Waits
    /// while somebody else works on the conversation; messages that wait there already become part of the turn. The
    /// reply is in the outbox as well.
    ///
    /// # Errors
    /// When the store fails: the message is then either not kept at all, or waits in the inbox. Also when the
    /// conversation is held for too long.
    pub async fn take_turn(
        &self,
        user: &UserId,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<TurnReport, StoreError> {
        let clock = clock_from(now);
        self.store.accept(&inbound(user, incoming, now), now).await?;
        let patience = now.saturating_add(self.lease).unwrap_or(Timestamp::MAX);
        let mut listener = self.store.listen();
        loop {
            if let Some(claim) = self.claim(Some(user), &clock).await? {
                match self.work(claim, &clock).await {
                    Outcome::Answered(report) => return Ok(*report),
                    Outcome::Failed(error) => return Err(error),
                    Outcome::Lost => {}
                }
            }
            if clock() > patience {
                let reason = "another process holds the conversation, or has answered".to_owned();
                return Err(StoreError::Backend { doing: "answering", reason });
            }
            listener.wait(LOOK).await;
        }
    }

    /// Renews the lease three times in its usual length; ends when it is lost.
    fn heartbeat(&self, claim: &Claim, clock: &Clock, lease: SignedDuration) -> AbortOnDropHandle<()> {
        let (store, claim, clock) = (Arc::clone(&self.store), claim.clone(), Arc::clone(clock));
        let beat = Duration::try_from(self.lease / 3).unwrap_or(Duration::from_secs(1));
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(beat).await;
                match store.renew(&claim, clock(), lease).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    // The fencing number decides at the end whether the turn counts: a store that is away for a moment
                    // ends nothing.
                    Err(error) => tracing::warn!(user = claim.user_id.masked(), %error, "no heartbeat"),
                }
            }
        }))
    }

    async fn put_back(&self, claim: &Claim, error: &StoreError, retry_at: Option<Timestamp>, now: Timestamp) {
        let user = claim.user_id.masked();
        match retry_at {
            Some(at) => tracing::warn!(user, attempt = claim.attempt, %error, %at, "a turn failed and is tried again"),
            None => tracing::error!(user, attempt = claim.attempt, %error, "a turn failed and is parked"),
        }
        if let Err(error) = self.store.fail(claim, &error.to_string(), retry_at, now).await {
            tracing::warn!(user, %error, "the failure could not be kept: the lease will run out");
        }
    }

    /// `None`: the claim is lost.
    async fn turn(&self, claim: &Claim, clock: &Clock) -> Result<Option<TurnReport>, StoreError> {
        let reading = Reading::of(&claim.messages);
        if let Some(echo) = &reading.echo {
            taken_over(self.store.as_ref(), echo, clock()).await?;
        }
        for run in 0..=RERUNS {
            let conversation = self.load(claim, &reading.incoming).await?;
            if run == 0 && conversation.mode == Mode::Bot && reading.has_words() {
                self.show_work(claim);
            }
            let now = clock();
            let mut report = if reading.has_words() {
                let history = self.store.recent_messages(&claim.user_id, HISTORY).await?;
                self.agent.run(conversation, history, &reading.incoming, now).await
            } else {
                without_words(conversation, &reading)
            };
            let turn = finished_turn(claim, &reading, &report, now);
            match self.store.finish(claim, &turn, clock()).await? {
                Finished::Kept => {
                    tracing::info!(turn = report.conversation.turn, replies = turn.outgoing.len(), "a turn is kept");
                    report.conversation.version += 1;
                    if let Some(witness) = self.witness.as_ref().filter(|_| reading.has_words()) {
                        witness.saw(&claim.user_id, &reading.incoming, now, &report);
                    }
                    return Ok(Some(report));
                }
                Finished::Lost => return Ok(None),
                Finished::Changed => {
                    let user = claim.user_id.masked();
                    tracing::warn!(user, "the conversation changed meanwhile: the turn runs again");
                }
            }
        }
        let reason = "somebody else kept changing it".to_owned();
        Err(StoreError::Backend { doing: "saving a conversation", reason })
    }

    /// Tells the customer that the message was read and is being answered, beside the turn.
    fn show_work(&self, claim: &Claim) {
        let (Some(channel), Some(last)) = (&self.channel, claim.messages.last()) else { return };
        let (channel, user, message) = (Arc::clone(channel), claim.user_id.clone(), last.id.clone());
        tokio::spawn(async move { channel.working_on(&user, &message).await });
    }

    async fn load(&self, claim: &Claim, incoming: &Incoming) -> Result<Conversation, StoreError> {
        let stored = self.store.conversation(&claim.user_id).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(claim.user_id.clone()));
        let alert = self.store.pending_alert(&claim.user_id).await?;
        let alert = alert.filter(|alert| claim.attempt == 1 || !raised_by(alert, incoming));
        conversation.follow_alert(alert.as_ref().map(|alert| &alert.id));
        Ok(conversation)
    }
}

/// How long an attempt holds the conversation where its process dies: from the fourth on twice as long each time. A
/// process that dies takes all down that is in work at that moment, and whoever was there by chance must not have used up
/// their attempts within a few seconds of dying and starting.
fn lease_of(usual: SignedDuration, attempt: u32) -> SignedDuration {
    let doubled = usual.saturating_mul(1 << attempt.saturating_sub(3).min(10));
    doubled.min(LONGEST_LEASE.max(usual))
}

/// Whether an earlier attempt of this very turn asked for the person: then it was not told to the customer yet, and the
/// bot still has to say so.
fn raised_by(alert: &Alert, incoming: &Incoming) -> bool {
    let told = alert.last_message.trim_end_matches('…');
    !told.is_empty() && excerpt(incoming.text().trim(), 4_000).starts_with(told)
}

/// The turn of messages that hold no words: something that cannot be read is declined, the rest noted.
fn without_words(mut conversation: Conversation, reading: &Reading) -> TurnReport {
    conversation.turn += 1;
    let declined = reading.declined && conversation.mode == Mode::Bot;
    if declined {
        // Only what the reply just before offered can be agreed to.
        conversation.offered.clear();
        if conversation.waiting_for == WaitingFor::Consent {
            conversation.waiting_for = WaitingFor::Nothing;
        }
    }
    TurnReport {
        triage: conversation.triage.clone(),
        conversation,
        reply: declined.then(|| DECLINED.to_owned()),
        cause: TriageCause::Cached,
        calls: Vec::new(),
        guard: None,
        basis: Basis::default(),
        elapsed: Duration::ZERO,
    }
}

/// Counts what a turn came to.
fn measure(report: &TurnReport) {
    let outcome = if report.reply.is_some() { "answered" } else { "silent" };
    metrics::counter!(metric::TURNS, "outcome" => outcome).increment(1);
    metrics::histogram!(metric::TURN_SECONDS).record(report.elapsed.as_secs_f64());
    if report.reply.is_some() {
        let cause = match report.cause {
            TriageCause::FirstMessage => "first_message",
            TriageCause::Gap => "gap",
            TriageCause::TopicChange => "topic_change",
            TriageCause::Cached => "cached",
        };
        metrics::counter!(metric::TRIAGE, "cause" => cause).increment(1);
    }
    for call in &report.calls {
        let status = call.result["status"].as_str().unwrap_or_default();
        let refused = call.result.get("error").is_some() || matches!(status, "error" | "denied");
        let result = if refused { "refused" } else { "done" };
        // A model can make names up, and there must be no end of labels.
        let known =
            ["query_order_database", "check_refund_eligibility", "process_refund", "request_human_intervention"];
        let tool = known.into_iter().find(|known| *known == call.tool).unwrap_or("other");
        metrics::counter!(metric::TOOL_CALLS, "tool" => tool, "result" => result).increment(1);
    }
    if let Some(what) = report.guard {
        metrics::counter!(metric::GUARD, "what" => what).increment(1);
    }
    if report.reply.is_some() && matches!(report.conversation.mode, Mode::HandedOver { .. }) {
        metrics::counter!(metric::HAND_OVERS, "by" => "bot").increment(1);
    }
}

/// What somebody says at the console, as a channel would hand it in.
fn inbound(user: &UserId, incoming: &Incoming, now: Timestamp) -> Vec<Inbound> {
    let last = incoming.texts.len().saturating_sub(1);
    let messages = incoming.texts.iter().enumerate().map(|(place, text)| Inbound {
        id: MessageId::new(format!("console-{}", Uuid::now_v7().simple())),
        user_id: user.clone(),
        sent_at: now,
        received_at: now,
        content: match &incoming.pressed {
            Some(quote) if place == last => Content::Button { text: text.clone(), payload: quote.as_str().to_owned() },
            _ => Content::Text { text: text.clone() },
        },
    });
    messages.collect()
}

fn finished_turn(claim: &Claim, reading: &Reading, report: &TurnReport, now: Timestamp) -> FinishedTurn {
    let number = report.conversation.turn;
    let message = |role, text: &str, at| ChatMessage {
        user_id: claim.user_id.clone(),
        role,
        text: text.to_owned(),
        at,
        turn: number,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    let said = claim.messages.iter().map(|said| {
        if matches!(said.content, Content::Echo { .. }) {
            return message(Role::Agent, &said.content.told(), said.received_at);
        }
        ChatMessage {
            intent: report.triage.as_ref().map(|triage| triage.intent.clone()),
            sentiment: report.triage.as_ref().map(|triage| triage.sentiment.clone()),
            basis: report.basis.of_message(),
            ..message(Role::User, &said.content.told(), said.received_at)
        }
    });
    let waited = claim
        .messages
        .iter()
        .map(|said| said.received_at)
        .min()
        .map_or(SignedDuration::ZERO, |first| now.duration_since(first).max(SignedDuration::ZERO));
    let took = u128::try_from(waited.as_millis()).unwrap_or(0) + report.elapsed.as_millis();
    let reply = report.reply.as_deref().map(|text| ChatMessage {
        response_ms: u64::try_from(took).ok(),
        intent: report.triage.as_ref().map(|triage| triage.intent.clone()),
        sentiment: report.triage.as_ref().map(|triage| triage.sentiment.clone()),
        basis: report.basis.of_reply(),
        ..message(Role::Assistant, text, now)
    });
    let bodies = match (report.reply.as_deref(), &reading.acknowledged) {
        (Some(text), _) => reply::bodies(text, &report.conversation),
        (None, Some(to)) if report.conversation.mode == Mode::Bot && !reading.has_words() => {
            vec![Body::Reaction { emoji: ACKNOWLEDGED.to_owned(), to: to.clone() }]
        }
        (None, _) => Vec::new(),
    };
    let answers = answered(&claim.messages);
    let outgoing = (0..).zip(bodies).map(|(sequence, body)| Outgoing {
        // Which message is meant is shown once.
        answers: answers.clone().map(|answers| Answered { quote: answers.quote && sequence == 0, ..answers }),
        ..Outgoing::new(Identity { user_id: claim.user_id.clone(), turn: number, sequence }, body, now)
    });
    FinishedTurn {
        conversation: report.conversation.clone(),
        said: said.collect(),
        replies: reply.into_iter().collect(),
        outgoing: outgoing.into_iter().collect(),
    }
}

/// What a reply to these messages answers.
fn answered(messages: &[Inbound]) -> Option<Answered> {
    let own = || messages.iter().filter(|message| !matches!(message.content, Content::Echo { .. }));
    let last = own().next_back()?;
    let at = own().map(|message| message.sent_at).max()?;
    Some(Answered { message: last.id.clone(), at, quote: own().count() > 1 })
}

/// What a panic says.
fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("a fault in the program: {}", text.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_doubles_from_the_fourth_attempt_on_up_to_five_minutes() {
        let seconds = |usual: i64| {
            [0, 1, 3, 4, 5, 6, 7, 8, 60, u32::MAX]
                .map(|attempt| lease_of(SignedDuration::from_secs(usual), attempt).as_secs())
        };
        assert_eq!(seconds(30), [30, 30, 30, 60, 120, 240, 300, 300, 300, 300]);
        assert_eq!(seconds(600), [600; 10], "a longer one that somebody chose stays");
    }
}

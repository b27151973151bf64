//! Turns a claimed conversation into a turn: load the state, run the agent, save the outcome. An outcome whose claim
//! was lost is never saved, and a turn always answers all messages of its claim.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;
use uuid::Uuid;

use super::parsed::ParsedMessages;
use super::wishes::{self, Wishes};
use super::{Backoff, Clock, clock_from, jitter, media, ratings, reply};
use crate::agent::{Agent, Incoming, TurnReport};
use crate::channels::{Channel, whatsapp};
use crate::domain::alert::Alert;
use crate::domain::consent::{LiveOffers, own_words};
use crate::domain::conversation::{Conversation, Mode, TriageCause, WaitingFor};
use crate::domain::ids::{AlertId, IdPatterns, MessageId, OrderId, UserId};
use crate::domain::inbound::{Content, Context, Given, Inbound};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{Answered, Body, ChannelLimits, Identity, Outgoing};
use crate::domain::rating;
use crate::domain::sentences::{Language, channel, choices};
use crate::store::{Claim, Finished, FinishedTurn, MediaFolder, Store, StoreError};
use crate::support::handoff;
use crate::telemetry::metric;

/// How many earlier messages the model sees.
const HISTORY: u32 = 20;
/// How many of the latest messages to a customer are searched for the last one that says something.
const LATEST_SENT: u32 = 16;
/// How often a turn is run again after another writer changed the conversation meanwhile.
const RERUNS: u32 = 3;
/// How often a turn that a caller waits for checks whether it may start.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The outcome of a claim.
#[derive(Debug)]
pub enum Outcome {
    /// The turn was saved.
    Answered(Box<TurnReport>),
    /// Another worker has the conversation by now: the turn was discarded.
    Lost,
    /// It waits for the words of a recording, and is claimed again in a moment.
    Waits,
    /// It failed, and will be tried again or is parked.
    Failed(StoreError),
}

/// Observes the turns that were saved, for example to record them.
pub trait TurnObserver: Send + Sync {
    /// Called after a turn was saved in which something was written, or given that is no words. The worker waits for this: it must be
    /// quick, and it cannot fail.
    fn on_turn(&self, user: &UserId, incoming: &Incoming, at: Timestamp, report: &TurnReport);
}

/// Runs the turns of claimed conversations.
#[derive(Clone)]
pub struct Worker {
    store: Arc<dyn Store>,
    agent: Agent,
    name: String,
    lease: SignedDuration,
    retry: Backoff,
    channel: Option<Arc<dyn Channel>>,
    limits: ChannelLimits,
    observer: Option<Arc<dyn TurnObserver>>,
    hears: bool,
    sees: bool,
}

/// The longest lease: the longest wait for the next attempt after a process died.
const LONGEST_LEASE: SignedDuration = SignedDuration::from_mins(5);

impl Worker {
    /// A worker on a store, with a unique name and the limits of WhatsApp.
    pub fn new(store: Arc<dyn Store>, agent: Agent) -> Self {
        let name = format!("{}-{}", std::process::id(), Uuid::now_v7().simple());
        let lease = SignedDuration::from_secs(30);
        // A photo that nobody could see is not asked for.
        let takes_photos = store.media_folder().is_some_and(MediaFolder::takes);
        let agent = if takes_photos { agent } else { agent.without_photos() };
        Self {
            store,
            agent,
            name,
            lease,
            retry: Backoff::TURNS,
            channel: None,
            limits: whatsapp::LIMITS,
            observer: None,
            hears: false,
            sees: false,
        }
    }

    /// Changes the lease of a conversation.
    #[must_use]
    pub fn with_lease(self, lease: SignedDuration) -> Self {
        Self { lease, ..self }
    }

    /// Changes the backoff after errors.
    #[must_use]
    pub fn with_retry(self, retry: Backoff) -> Self {
        Self { retry, ..self }
    }

    /// Uses the limits of a channel, and shows customers through it that a reply is being written.
    #[must_use]
    pub fn with_channel(self, channel: Arc<dyn Channel>) -> Self {
        Self { limits: channel.limits(), channel: Some(channel), ..self }
    }

    /// Changes the limits of replies.
    #[must_use]
    pub fn with_limits(self, limits: ChannelLimits) -> Self {
        Self { limits, ..self }
    }

    /// Waits for the words of recordings where somebody writes them down.
    #[must_use]
    pub fn with_hearing(self, hears: bool) -> Self {
        Self { hears, ..self }
    }

    /// Asks about the orders that a service reads on photos, where one looks at them.
    #[must_use]
    pub fn with_seeing(self, sees: bool) -> Self {
        Self { sees, ..self }
    }

    /// Asks for no photo: nobody can send one here.
    #[must_use]
    pub fn without_photos(self) -> Self {
        Self { agent: self.agent.without_photos(), ..self }
    }

    /// Whether somebody writes recordings down, and keeps them for that.
    fn hears(&self) -> bool {
        self.hears && self.store.media_folder().is_some_and(MediaFolder::takes)
    }

    /// Passes every saved turn to an observer.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn TurnObserver>) -> Self {
        Self { observer: Some(observer), ..self }
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Claims a conversation that is due, or that of one customer.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn claim(&self, only: Option<&UserId>, clock: &Clock) -> Result<Option<Claim>, StoreError> {
        self.store.claim(only, &self.name, clock(), self.lease).await
    }

    /// Runs the turn of a claim, with a heartbeat, and saves it; after an error the claim is released, to be tried
    /// again or parked.
    pub async fn work(&self, claim: Claim, clock: &Clock) -> Outcome {
        let shown = claim.user_id.masked();
        if claim.attempt > self.retry.attempts {
            let reason = format!("{} attempts ended without an outcome: their process died", claim.attempt - 1);
            let error = StoreError::Backend { doing: "answering", reason };
            self.record_failure(&claim, &error, None, clock()).await;
            return Outcome::Failed(error);
        }
        let claim =
            match media::heard(self.store.as_ref(), &claim, (self.hears(), self.agent.needs_photos()), clock()).await {
                Ok(Some(heard)) => heard,
                Ok(None) => return self.wait_for_words(&claim, clock()).await,
                Err(error) => {
                    let retry_at = self.retry_at(&claim, clock());
                    self.record_failure(&claim, &error, retry_at, clock()).await;
                    return Outcome::Failed(error);
                }
            };
        let lease = lease_of(self.lease, claim.attempt);
        if lease > self.lease {
            match self.store.renew(&claim, clock(), lease).await {
                Ok(true) => {}
                Ok(false) => return Outcome::Lost,
                Err(error) => tracing::warn!(user = shown, %error, "the longer lease could not be saved"),
            }
        }
        let mut heartbeat = self.heartbeat(&claim, clock, lease);
        // The latest message's identifier is logged from the webhook to the sending of the reply.
        let message_id = claim.messages.last().map_or("", |message| message.id.as_str());
        let span = tracing::info_span!("turn", user = shown, message_id);
        // A panic must cost one turn and not the worker.
        let turn = AssertUnwindSafe(self.turn(&claim, clock).instrument(span)).catch_unwind();
        let outcome = tokio::select! {
            biased;
            outcome = turn => outcome,
            // The heartbeat ends only when the lease is lost.
            _ = &mut heartbeat => Ok(Ok(None)),
        };
        drop(heartbeat);
        let error = match outcome {
            Ok(Ok(Some(report))) => {
                record_metrics(&report);
                return Outcome::Answered(Box::new(report));
            }
            Ok(Ok(None)) => {
                metrics::counter!(metric::TURNS, "outcome" => "lost").increment(1);
                tracing::warn!(user = shown, "the lease was lost: the turn is discarded");
                return Outcome::Lost;
            }
            Ok(Err(error)) => error,
            Err(panic) => StoreError::Backend { doing: "answering", reason: panic_message(panic.as_ref()) },
        };
        metrics::counter!(metric::TURNS, "outcome" => "failed").increment(1);
        let now = clock();
        self.record_failure(&claim, &error, self.retry_at(&claim, now), now).await;
        Outcome::Failed(error)
    }

    /// When a turn that failed is tried again; `None`: not any more.
    fn retry_at(&self, claim: &Claim, now: Timestamp) -> Option<Timestamp> {
        self.retry.wait(claim.attempt, jitter()).and_then(|wait| now.checked_add(wait).ok())
    }

    /// Gives a claim back until it is looked again whether its recordings are written down: this is no attempt.
    async fn wait_for_words(&self, claim: &Claim, now: Timestamp) -> Outcome {
        let again = now.saturating_add(media::LOOK_AGAIN).unwrap_or(now);
        match self.store.release(claim, again).await {
            Ok(true) => Outcome::Waits,
            Ok(false) => Outcome::Lost,
            // The lease ends by itself.
            Err(error) => Outcome::Failed(error),
        }
    }

    /// Accepts messages as a channel does and runs their turn at once, for callers that show the outcome. Waits while
    /// another worker has the conversation; messages that wait there already become part of the turn. The reply is in
    /// the outbox as well.
    ///
    /// # Errors
    /// When the store fails: the message is then either not saved at all, or waits in the inbox. Also when another
    /// worker has the conversation for longer than the lease.
    pub async fn take_turn(
        &self,
        user: &UserId,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<TurnReport, StoreError> {
        let clock = clock_from(now);
        self.record_shown(user, now).await?;
        self.store.accept(&inbound(user, incoming, now), now).await?;
        let deadline = now.saturating_add(self.lease).unwrap_or(Timestamp::MAX);
        let mut listener = self.store.listen();
        loop {
            if let Some(claim) = self.claim(Some(user), &clock).await? {
                match self.work(claim, &clock).await {
                    Outcome::Answered(report) => return Ok(*report),
                    Outcome::Failed(error) => return Err(error),
                    Outcome::Lost | Outcome::Waits => {}
                }
            }
            if clock() > deadline {
                let reason = "another process holds the conversation, or has answered".to_owned();
                return Err(StoreError::Backend { doing: "answering", reason });
            }
            listener.wait(CHECK_INTERVAL).await;
        }
    }

    /// Records that what was answered before was accepted: the caller of a turn shows its outcome, so whoever writes has
    /// read it.
    async fn record_shown(&self, user: &UserId, now: Timestamp) -> Result<(), StoreError> {
        // Due by now also where the clock of the turn before ran on.
        let due = now.saturating_add(self.lease).unwrap_or(Timestamp::MAX);
        while let Some(message) = self.store.claim_outgoing(Some(user), due, self.lease).await? {
            self.store.sent(&message, &format!("console-{}", message.identity()), now).await?;
        }
        Ok(())
    }

    /// Renews the lease three times in its usual duration; ends when it is lost.
    fn heartbeat(&self, claim: &Claim, clock: &Clock, lease: SignedDuration) -> AbortOnDropHandle<()> {
        let (store, claim, clock) = (Arc::clone(&self.store), claim.clone(), Arc::clone(clock));
        let interval = Duration::try_from(self.lease / 3).unwrap_or(Duration::from_secs(1));
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(interval).await;
                match store.renew(&claim, clock(), lease).await {
                    Ok(true) => {}
                    Ok(false) => return,
                    // The fencing token decides at the end whether the turn counts: a short outage of the store ends
                    // nothing.
                    Err(error) => {
                        tracing::warn!(user = claim.user_id.masked(), %error, "the lease could not be renewed");
                    }
                }
            }
        }))
    }

    async fn record_failure(&self, claim: &Claim, error: &StoreError, retry_at: Option<Timestamp>, now: Timestamp) {
        let user = claim.user_id.masked();
        if let Some(at) = retry_at {
            tracing::warn!(user, attempt = claim.attempt, %error, %at, "a turn failed and is tried again");
        } else {
            tracing::error!(user, attempt = claim.attempt, %error, "a turn failed and is parked");
        }
        if let Err(error) = self.store.fail(claim, &error.to_string(), retry_at, now).await {
            tracing::warn!(user, %error, "the error could not be saved: the lease will expire");
        }
    }

    /// `None`: the claim is lost.
    async fn turn(&self, claim: &Claim, clock: &Clock) -> Result<Option<TurnReport>, StoreError> {
        let mut parsed = ParsedMessages::parse(&claim.messages);
        if !self.store.media_folder().is_some_and(MediaFolder::takes) {
            parsed.without_files();
        }
        // The alert that an earlier run of this very turn raised.
        let mut raised: Option<AlertId> = None;
        let live = match self.store.conversation(&claim.user_id).await? {
            Some(conversation) => self.live_offers(&conversation).await?,
            None => None,
        };
        let wishes = wishes::record(self.store.as_ref(), claim, &mut parsed, live.as_ref(), clock()).await?;
        let answers = ratings::record(self.store.as_ref(), claim, &mut parsed, clock()).await?;
        if let Some(echo) = &parsed.echo {
            handoff::take_over_from_app(self.store.as_ref(), echo, clock()).await?;
        }
        let mut incoming = parsed.incoming.clone();
        incoming.about = self.orders_replied_to(claim, &incoming).await?;
        for run in 0..=RERUNS {
            let history = self.store.recent_messages(&claim.user_id, HISTORY).await?;
            let conversation = self.load(claim, &incoming, &history, raised.as_ref(), clock()).await?;
            let spoken_of = media::order_spoken_of(&conversation, clock()).cloned();
            incoming.offers = self.live_offers(&conversation).await?;
            let is_for_the_bot = parsed.has_text() || incoming.given.is_some();
            if run == 0 && conversation.mode == Mode::Bot && is_for_the_bot && !wishes.are_all() {
                self.show_typing(claim);
            }
            let now = clock();
            if self.agent.needs_photos() || self.sees {
                (incoming.photos, incoming.seen) = media::shown(self.store.as_ref(), &claim.user_id, clock()).await?;
            }
            if !parsed.has_text() && !parsed.evidence.is_empty() && conversation.waiting_for == WaitingFor::Photo {
                incoming.given = Some(Given::Photo);
            }
            let gives = incoming.is_given_alone() && conversation.mode == Mode::Bot && !parsed.needs_person();
            let mut report = if parsed.has_text() || gives {
                self.agent.run(conversation, history.clone(), &incoming, now).await
            } else {
                let in_vain = conversation.waits_in_vain(now, self.agent.remind());
                let in_vain = in_vain.filter(|_| parsed.holds_more_than_words());
                if let Some(waited) = in_vain {
                    let sent = incoming.sent_text();
                    handoff::report_waiting(self.store.as_ref(), &claim.user_id, &sent, waited, now).await?;
                }
                turn_without_text(conversation, &parsed, &wishes, in_vain.map(|_| now))
            };
            media::thank(&mut report, &parsed, &history);
            let hours = (&mut report, self.agent.next_opening(now));
            let unheard = media::pass_on(self.store.as_ref(), claim, &parsed, &history, hours, now).await?;
            raised = unheard.or(raised);
            media::attach(self.store.as_ref(), &report, &parsed, spoken_of.as_ref(), now).await?;
            wishes.confirm(&mut report);
            answers.thank(&mut report);
            let turn = finished_turn(claim, &parsed, &mut report, &self.limits, now);
            match self.store.finish(claim, &turn, clock()).await? {
                Finished::Saved => {
                    tracing::info!(turn = report.conversation.turn, replies = turn.outgoing.len(), "a turn is saved");
                    report.conversation.version += 1;
                    if let Some(observer) = self.observer.as_ref().filter(|_| parsed.has_text()) {
                        observer.on_turn(&claim.user_id, &incoming, now, &report);
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
        let reason = "another writer changed it each time".to_owned();
        Err(StoreError::Backend { doing: "saving a conversation", reason })
    }

    /// The offers that the customer can agree to in this turn: those of the last message, once the channel accepted it.
    async fn live_offers(&self, conversation: &Conversation) -> Result<Option<LiveOffers>, StoreError> {
        if conversation.offered.is_empty() {
            return Ok(None);
        }
        let outbox = self.store.outgoing_of(&conversation.user_id, LATEST_SENT).await?;
        Ok(LiveOffers::find(&conversation.offered, &outbox))
    }

    /// The orders of the messages that these reply to, whether the bot, the team or the customer wrote them.
    async fn orders_replied_to(&self, claim: &Claim, incoming: &Incoming) -> Result<Vec<OrderId>, StoreError> {
        let mut orders: Vec<OrderId> = Vec::new();
        for id in incoming.said.iter().filter_map(|said| said.about.as_ref()) {
            let to_customer = self.store.outgoing_with(&claim.user_id, id.as_str()).await?;
            let text = match to_customer {
                Some(message) => message.body.text().to_owned(),
                None => match self.store.accepted_message(&claim.user_id, id).await? {
                    Some(message) => own_words(message.content.text()).into_owned(),
                    None => continue,
                },
            };
            for order in self.agent.orders_in(&text) {
                if !orders.contains(&order) {
                    orders.push(order);
                }
            }
        }
        Ok(orders)
    }

    /// Shows the customer that a reply is being written, without delaying the turn.
    fn show_typing(&self, claim: &Claim) {
        let (Some(channel), Some(last)) = (&self.channel, claim.messages.last()) else { return };
        let (channel, user, message) = (Arc::clone(channel), claim.user_id.clone(), last.id.clone());
        let number = last.number.clone();
        tokio::spawn(async move { channel.show_typing(&user, &message, number.as_deref()).await });
    }

    async fn load(
        &self,
        claim: &Claim,
        incoming: &Incoming,
        history: &[ChatMessage],
        raised: Option<&AlertId>,
        now: Timestamp,
    ) -> Result<Conversation, StoreError> {
        let stored = self.store.conversation(&claim.user_id).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(claim.user_id.clone()));
        let alert = self.store.pending_alert(&claim.user_id).await?;
        // The customer does not know yet of an alert that an earlier attempt of this very turn raised: the bot has to
        // say so.
        let sent = incoming.sent_text();
        let own = |alert: &Alert| raised == Some(&alert.id) || (claim.attempt > 1 && alert.quotes(&sent));
        let alert = alert.filter(|alert| !alert.bot_answers && !own(alert));
        conversation.follow_alert(alert.as_ref().map(|alert| &alert.id));
        if let Some(alert) = alert {
            // Whoever claimed the matter or wrote, and is not heard of for long, is waited for like nobody.
            let raised = alert.handling.reopened_at.unwrap_or(alert.created_at);
            let mut written = history.iter().rev().filter(|message| message.role == Role::Agent);
            let written = written.next().map(|message| message.at).filter(|at| *at >= raised);
            let heard = written.max(alert.handling.claimed_at);
            conversation.waiting_since = conversation.waiting_since.max(Some(raised)).max(heard);
            conversation.claimed = heard.is_some_and(|at| now.duration_since(at) < self.agent.remind());
        }
        Ok(conversation)
    }
}

/// The lease of an attempt: from the fourth attempt on it doubles each time. A process that crashes fails all turns
/// that run at that moment, and a few seconds of crashing and restarting must not use up the attempts of unrelated
/// conversations.
fn lease_of(usual: SignedDuration, attempt: u32) -> SignedDuration {
    let doubled = usual.saturating_mul(1 << attempt.saturating_sub(3).min(10));
    doubled.min(LONGEST_LEASE.max(usual))
}

/// The turn of messages without text: what nobody can read is declined, the rest only recorded. `reminded_at`: when the team was told
/// that the customer still waits.
fn turn_without_text(
    mut conversation: Conversation,
    parsed: &ParsedMessages,
    wishes: &Wishes,
    reminded_at: Option<Timestamp>,
) -> TurnReport {
    conversation.turn += 1;
    let bot = conversation.mode == Mode::Bot;
    let declined = bot && parsed.unreadable && parsed.evidence.is_empty() && !parsed.needs_person();
    if (bot && parsed.holds_more_than_words()) || wishes.are_all() {
        // Only an offer of the reply just before can be agreed to.
        conversation.offered.clear();
        if conversation.waiting_for == WaitingFor::Consent {
            conversation.waiting_for = WaitingFor::Nothing;
        }
    }
    let language = Language::of(&conversation);
    let reply = if declined {
        Some(channel::only_text(language).to_owned())
    } else if reminded_at.is_some() {
        conversation.waiting_since = reminded_at;
        Some(choices::still_waiting(language).to_owned())
    } else {
        None
    };
    TurnReport {
        triage: conversation.triage.clone(),
        conversation,
        reply,
        cause: TriageCause::Cached,
        calls: Vec::new(),
        guard: None,
        basis: Basis::default(),
        patterns: IdPatterns::default(),
        elapsed: Duration::ZERO,
    }
}

/// Counts a turn in the metrics.
fn record_metrics(report: &TurnReport) {
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
        let tool = call.label();
        metrics::counter!(metric::TOOL_CALLS, "tool" => tool, "result" => result).increment(1);
    }
    if let Some(what) = report.guard {
        metrics::counter!(metric::GUARD, "what" => what).increment(1);
    }
    if report.asked_for_person() {
        metrics::counter!(metric::HAND_OVERS, "by" => "bot").increment(1);
    }
}

/// Messages from the console, as a channel would deliver them.
fn inbound(user: &UserId, incoming: &Incoming, now: Timestamp) -> Vec<Inbound> {
    let last = incoming.texts.len().saturating_sub(1);
    let messages = incoming.texts.iter().enumerate().map(|(place, text)| Inbound {
        id: MessageId::new(format!("console-{}", Uuid::now_v7().simple())),
        user_id: user.clone(),
        sent_at: now,
        received_at: now,
        number: None,
        content: match &incoming.pressed {
            Some(press) if place == last => {
                Content::Button { text: text.clone(), payload: press.id(usize::MAX).unwrap_or_default() }
            }
            _ => Content::Text { text: text.clone() },
        },
        context: Context::default(),
    });
    messages.collect()
}

fn finished_turn(
    claim: &Claim,
    parsed: &ParsedMessages,
    report: &mut TurnReport,
    limits: &ChannelLimits,
    now: Timestamp,
) -> FinishedTurn {
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
            return message(Role::Agent, &said.content.transcript_text(), said.received_at);
        }
        if ratings::is_answer(said) {
            let intent = Some(rating::LABEL.to_owned());
            return ChatMessage { intent, ..message(Role::User, &said.content.transcript_text(), said.received_at) };
        }
        ChatMessage {
            intent: report.triage.as_ref().map(|triage| triage.intent.clone()),
            sentiment: report.triage.as_ref().map(|triage| triage.sentiment.clone()),
            basis: report.basis.of_message(),
            ..message(Role::User, &said.content.transcript_text(), said.received_at)
        }
    });
    let waited = claim
        .messages
        .iter()
        .map(|said| said.received_at)
        .min()
        .map_or(SignedDuration::ZERO, |first| now.duration_since(first).max(SignedDuration::ZERO));
    let took = u128::try_from(waited.as_millis()).unwrap_or(0) + report.elapsed.as_millis();
    let about_team = claim.messages.iter().all(ratings::is_answer);
    let reply = report.reply.as_deref().map(|text| match &report.triage {
        _ if about_team => {
            ChatMessage { intent: Some(rating::LABEL.to_owned()), ..message(Role::Assistant, text, now) }
        }
        triage => ChatMessage {
            response_ms: u64::try_from(took).ok(),
            intent: triage.as_ref().map(|triage| triage.intent.clone()),
            sentiment: triage.as_ref().map(|triage| triage.sentiment.clone()),
            basis: report.basis.of_reply(),
            ..message(Role::Assistant, text, now)
        },
    });
    let bodies = match (report.reply.as_deref(), &parsed.acknowledged) {
        (Some(text), _) => reply::bodies(text, &mut report.conversation, limits),
        (None, Some(to)) if report.conversation.mode == Mode::Bot && !parsed.has_text() => {
            vec![Body::Reaction { emoji: channel::ACKNOWLEDGED.to_owned(), to: to.clone() }]
        }
        (None, _) => Vec::new(),
    };
    let answers = answered(&claim.messages);
    let outgoing = (0..).zip(bodies).map(|(sequence, body)| Outgoing {
        // Only the first message quotes.
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

/// The message that a reply to these messages answers.
fn answered(messages: &[Inbound]) -> Option<Answered> {
    let own = || messages.iter().filter(|message| !matches!(message.content, Content::Echo { .. }));
    let last = own().next_back()?;
    let at = own().map(|message| message.sent_at).max()?;
    let lag = own().map(|message| message.received_at.duration_since(message.sent_at)).min();
    Some(Answered { message: last.id.clone(), at, quote: own().count() > 1, lag, number: last.number.clone() })
}

/// The error message of a panic.
fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("internal error: {}", text.unwrap_or_default())
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

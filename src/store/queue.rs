//! The inbox and the outbox as work queues: work is claimed under a lease, its outcome is saved once, and none is lost.
//! Of two workers with the same work the fencing number decides whose outcome is saved, not the clock.
//!
//! # The rules, for every backend
//!
//! Time is a parameter: `now` is the caller's clock, and a backend reads none of its own. Each conversation has one due
//! time or none, and that is the whole queue:
//!
//! | conversation | due time |
//! |---|---|
//! | has no waiting message, or is parked | none |
//! | became ready | the `now` of the [`Inbox::accept`] that made it ready, of the finish or release before, or of the retry |
//! | waits for more messages | the debounce time of [`Inbox::accept_debounced`] after its latest message |
//! | waits for a retry after an error | the `retry_at` of [`Inbox::fail`] |
//! | is in work | the end of the lease |
//!
//! A claim takes the conversation whose due time is the earliest and not after `now`: so it finds ready, retried and
//! abandoned conversations with one index, however many messages are stored. Every claim raises the conversation's
//! fencing number, which never falls. A claim is *current* while its number is the conversation's and it was not closed
//! by finish, fail or release; an expired lease alone does not end it, only another claim does.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;

use super::Result;
use crate::domain::conversation::Conversation;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::Inbound;
use crate::domain::message::ChatMessage;
use crate::domain::outgoing::{Outgoing, Status};

/// The most messages that one claim hands out; the rest makes the next turn.
pub const MAX_CLAIMED_MESSAGES: usize = 100;

/// How many messages of a batch were new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Messages that were saved.
    pub new: u64,
    /// Messages that were dropped, because their identifier was known already, in the store or earlier in the same
    /// batch.
    pub repeated: u64,
}

/// How long a turn waits for more messages of the customer before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Debounce {
    /// The silence after the latest message.
    pub quiet: SignedDuration,
    /// The longest wait, from the first message on.
    pub longest: SignedDuration,
}

/// A conversation that a worker holds, with the messages to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The customer.
    pub user_id: UserId,
    /// The worker that holds it.
    pub worker: String,
    /// The fencing number: larger than that of every earlier claim of this conversation.
    pub fence: u64,
    /// When the lease ends, as of the claim or the last renewal.
    pub until: Timestamp,
    /// How often these messages were claimed without being finished, this time included: 1 is the first. Claims of
    /// workers that died count; claims that were released do not.
    pub attempt: u32,
    /// How many messages of this customer were ever accepted before the claim: where there are more at the finish, the
    /// conversation is due again.
    pub arrivals: u64,
    /// Whether more than [`MAX_CLAIMED_MESSAGES`] messages waited, so that some are left for the next turn.
    pub more: bool,
    /// The waiting messages, at least one and at most [`MAX_CLAIMED_MESSAGES`]: the earliest `sent_at` first, of the
    /// same the one that arrived first.
    pub messages: Vec<Inbound>,
}

/// The outcome of a turn, saved as a whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedTurn {
    /// The conversation after the turn; its `version` is the one that was loaded (0: there was none).
    pub conversation: Conversation,
    /// The messages of the customer, for the transcript.
    pub said: Vec<ChatMessage>,
    /// The replies, for the transcript, after `said`.
    pub replies: Vec<ChatMessage>,
    /// The messages to send, queued, with the identities of this turn.
    pub outgoing: Vec<Outgoing>,
}

/// Whether a turn was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// All of it, durably, with the conversation's next version.
    Saved,
    /// Nothing: the claim is no longer current. Another worker answers, or has answered.
    Lost,
    /// Nothing: the claim is current, and another writer saved the conversation since it was loaded. The turn has to be
    /// run again on the saved state.
    Changed,
}

/// A conversation with unanswered messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// The customer.
    pub user_id: UserId,
    /// Its state in the queue.
    #[serde(flatten)]
    pub state: WorkState,
    /// How often it was claimed since it was last finished.
    pub attempts: u32,
    /// How many of its messages are unanswered.
    pub messages: u64,
    /// When the first of them arrived.
    pub since: Timestamp,
    /// The error of the last attempt, if it failed.
    pub error: Option<String>,
}

/// The state of a conversation that has unanswered messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WorkState {
    /// It waits for a worker.
    Waiting {
        /// When it may be claimed.
        due: Timestamp,
    },
    /// A worker holds it.
    InWork {
        /// The worker.
        worker: String,
        /// When the lease ends, unless it is renewed.
        until: Timestamp,
    },
    /// It was given up, until it is retried or the customer writes again.
    Parked {
        /// When.
        at: Timestamp,
    },
}

/// How much work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Backlog {
    /// Conversations that wait for a worker, or for a retry.
    pub waiting: u64,
    /// Conversations that a worker holds.
    pub in_work: u64,
    /// Conversations that were given up.
    pub parked: u64,
    /// When the oldest due conversation without a worker became due.
    pub oldest: Option<Timestamp>,
    /// Replies that are not sent yet.
    pub unsent: u64,
    /// Replies that were given up.
    pub unsent_parked: u64,
}

/// Messages of customers, and the claims on their conversations.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Saves messages, all of them durable (on the disk, or acknowledged by a majority) when this returns. A message
    /// whose identifier is known is dropped, even where it differs otherwise or was answered long ago.
    ///
    /// A conversation with a new message and without a due time gets `now` as its due time; a parked one is tried again
    /// with all its waiting messages, from attempt 1 and without an error. One that has a due time keeps it. A
    /// conversation in work keeps its claim: it becomes ready when it is finished.
    ///
    /// A backend without transactions over several documents does the same for repeated messages that are not answered,
    /// so that their redelivery repairs a crash in between.
    async fn accept(&self, messages: &[Inbound], now: Timestamp) -> Result<Accepted> {
        self.accept_debounced(messages, now, Debounce::default()).await
    }

    /// Saves messages as [`Inbox::accept`] does, and waits for more: a conversation that gets its due time here
    /// gets `now + quiet`. One that waits since such a call, and was not claimed since, has its due time moved to
    /// `now + quiet`, never to more than that call's `longest` after it, and never to an earlier time.
    async fn accept_debounced(&self, messages: &[Inbound], now: Timestamp, debounce: Debounce) -> Result<Accepted>;

    /// Claims the conversation whose due time is the earliest and not after `now`; with `only`, that customer's, if it
    /// is due. Of any number of callers in any number of processes one gets it. Its due time becomes `now + lease`.
    ///
    /// `None` when nothing is due. A conversation that turns out to have no waiting message loses its due time, and the
    /// next one is claimed.
    async fn claim(
        &self,
        only: Option<&UserId>,
        worker: &str,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Claim>>;

    /// Heartbeat: moves the end of the lease to `now + lease`. `false`, and nothing is changed, when the claim is not
    /// current.
    async fn renew(&self, claim: &Claim, now: Timestamp, lease: SignedDuration) -> Result<bool>;

    /// Saves a turn, all of it or nothing, and closes the claim: the conversation with its next version, the
    /// transcript, the outgoing messages, and the claim's messages as answered. Durable when this returns.
    ///
    /// The conversation is then without a due time, or due at `now` where `claim.more` or another message arrived since
    /// the claim. Attempts and error start afresh.
    async fn finish(&self, claim: &Claim, turn: &FinishedTurn, now: Timestamp) -> Result<Finished>;

    /// Closes the claim after a failure: the same messages are due again at `retry_at`, or, with `None`, the
    /// conversation is parked at `now`. The error is saved either way. `false`, and nothing is changed, when the claim
    /// is not current.
    async fn fail(&self, claim: &Claim, error: &str, retry_at: Option<Timestamp>, now: Timestamp) -> Result<bool>;

    /// Releases the claim without an outcome, as a worker does that is asked to stop: due at `now`, and this attempt
    /// does not count.
    /// `false`, and nothing is changed, when the claim is not current.
    async fn release(&self, claim: &Claim, now: Timestamp) -> Result<bool>;

    /// A message of a customer that was accepted, answered or not; `None` where there is none, or it is another's.
    async fn accepted_message(&self, user: &UserId, id: &MessageId) -> Result<Option<Inbound>>;

    /// The conversations with unanswered messages, at most `limit`: the parked ones by the time they were parked, then
    /// the others by their due time.
    async fn unfinished(&self, limit: u32) -> Result<Vec<Unfinished>>;

    /// Makes parked conversations due at `now`, from attempt 1: all, or that of one customer. Returns how many there
    /// were. The error stays visible until the next finish.
    async fn retry_parked(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64>;

    /// How much work waits in the inbox and the outbox.
    async fn backlog(&self) -> Result<Backlog>;
}

/// Messages to customers, until they are sent. [`Inbox::finish`] queues them.
///
/// Delivery is at least once: a message that the channel accepted, and whose worker died before [`Outbox::sent`], is
/// sent again.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims a message to send: queued and due at `now`, or being sent under a lease that ran out. Of one customer
    /// only the earliest message by (turn, sequence) that is neither sent nor parked can be claimed, so that a later
    /// one never overtakes it. Among those, the one that has been due longest; with `only`, that of one customer.
    ///
    /// The message comes back with its state [`Sending`](crate::domain::outgoing::Delivery::Sending), `attempts` raised
    /// by one, and `next_at = now + lease`.
    async fn claim_outgoing(
        &self,
        only: Option<&UserId>,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Outgoing>>;

    /// Records that a claimed message was sent, with the identifier that the channel gave it; clears its error, receipt
    /// and `sent_at`.
    /// `false`, and nothing is changed, when it was claimed again since (its `attempts` differ) or is no longer being sent.
    async fn sent(&self, claimed: &Outgoing, provider_id: &str, now: Timestamp) -> Result<bool>;

    /// Records that sending failed: queued again for `retry_at`, or, with `None`, parked. `false` as with
    /// [`Outbox::sent`].
    async fn send_failed(
        &self,
        claimed: &Outgoing,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool>;

    /// Records that a claimed message could not be tried, because the channel accepts nothing: queued again for `until`, and
    /// this was no attempt of it. `false` as with [`Outbox::sent`].
    async fn postpone(&self, claimed: &Outgoing, why: &str, until: Timestamp, now: Timestamp) -> Result<bool>;

    /// Applies a status that a channel reports, by the rules of [`Outgoing::with_status`], and returns the changed message,
    /// or
    /// `None` where nothing changes or there is no such message. The message is found by its identity where the status has
    /// one, else by the channel's identifier. A message that is thereby sent or parked can no longer be sent under its
    /// claim.
    async fn follow_status(&self, status: &Status, now: Timestamp) -> Result<Option<Outgoing>>;

    /// The message to a customer that has this identifier of the channel; `None` where there is none.
    async fn outgoing_with(&self, user: &UserId, provider_id: &str) -> Result<Option<Outgoing>>;

    /// The last `limit` messages to a customer, the oldest first.
    async fn outgoing_of(&self, user: &UserId, limit: u32) -> Result<Vec<Outgoing>>;

    /// The parked messages, in the order in which they were parked, at most `limit`.
    async fn parked_outgoing(&self, limit: u32) -> Result<Vec<Outgoing>>;

    /// Queues parked messages again, due at `now`: all, or those to one customer. Returns how many there were.
    /// `attempts` keeps counting, and none so far counts any more (`waived`); the channel's identifier, receipt and `sent_at` are cleared.
    async fn retry_outgoing(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64>;
}

/// Wakes waiting workers when there may be work.
pub trait Wake: Send + Sync {
    /// A listener that is notified, from now on, of everything that makes work: [`Inbox::accept`], [`Inbox::finish`]
    /// and the retries in this process, and in other processes where the server has change streams.
    fn listen(&self) -> Listener;
}

/// Notifies listeners that there may be work: a backend holds one.
#[derive(Debug)]
pub struct Notifier(watch::Sender<()>);

impl Notifier {
    /// A notifier without listeners.
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes every listener that waits, and lets the next wait of every other return at once.
    pub fn notify(&self) {
        self.0.send_replace(());
    }

    /// A new listener.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Default for Notifier {
    fn default() -> Self {
        Self::new()
    }
}

/// Listens to a [`Notifier`]. A notification between two waits is not missed: poll for work, wait, then poll again.
#[derive(Debug, Clone)]
pub struct Listener(watch::Receiver<()>);

impl Listener {
    /// Waits for a notification, or for `at_most`: work of other processes and work that becomes due is only found by
    /// polling.
    pub async fn wait(&mut self, at_most: Duration) {
        let notified = tokio::time::timeout(at_most, async {
            if self.0.changed().await.is_err() {
                // The store was dropped: there are no more notifications.
                std::future::pending::<()>().await;
            }
        });
        let _ = notified.await;
    }
}

//! Decides what can be asked of the inbox and the outbox: work that is claimed, done once and never lost.
//!
//! It must never let two workers keep the outcome of the same work: the fencing number decides, not the clock.
//!
//! # The rules, for every backend
//!
//! Time is a parameter: `now` is the caller's clock, and a backend reads none of its own. Each conversation has one due
//! time or none, and that is the whole queue:
//!
//! | the conversation | its due time |
//! |---|---|
//! | has nothing to answer, or is parked | none |
//! | became ready | the `now` of the [`Inbox::accept`] that made it ready, of the finish or release before, or of the retry |
//! | may have more to come | as long after its latest message as [`Inbox::accept_patiently`] was told to wait |
//! | waits for another try after a failure | the `retry_at` of [`Inbox::fail`] |
//! | is in work | the end of the lease |
//!
//! A claim takes the conversation whose due time is the earliest and not after `now`: so it finds ready, retried and
//! abandoned conversations with one index, however many messages are stored. Every claim raises the conversation's
//! fencing number, which never falls. A claim is *current* while its number is the conversation's and it was not closed
//! by finish, fail or release; a lease that ran out alone does not end it, only somebody else's claim does.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use tokio::sync::watch;

use super::Result;
use crate::domain::conversation::Conversation;
use crate::domain::ids::UserId;
use crate::domain::inbound::Inbound;
use crate::domain::message::ChatMessage;
use crate::domain::outgoing::{Outgoing, Status};

/// The most messages that one claim hands out; the rest makes the next turn.
pub const BURST: usize = 100;

/// What became of messages that were handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Messages that are kept now and were not before.
    pub new: u64,
    /// Messages whose identifier was known already, in the store or earlier in the same batch.
    pub repeated: u64,
}

/// How long a customer who has written is left to write more, before a turn begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Patience {
    /// The silence after the latest message that is waited for.
    pub quiet: SignedDuration,
    /// How long is waited at most, from the first message on.
    pub longest: SignedDuration,
}

/// A conversation that a worker holds, with the messages to answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose conversation.
    pub user_id: UserId,
    /// Who holds it.
    pub worker: String,
    /// The fencing number: larger than that of every earlier claim of this conversation.
    pub fence: u64,
    /// When somebody else may take it, as of the claim or the last renewal.
    pub until: Timestamp,
    /// How often these messages were claimed without being finished, this time included: 1 is the first. Workers that
    /// died count; claims that were released do not.
    pub attempt: u32,
    /// How many messages of this customer were accepted before the claim, ever: more at the finish means that there is
    /// more to do.
    pub arrivals: u64,
    /// Whether more than [`BURST`] messages waited, so that some are left for the next turn.
    pub more: bool,
    /// The waiting messages, at least one and at most [`BURST`]: the earliest `sent_at` first, of the same the one that
    /// arrived first.
    pub messages: Vec<Inbound>,
}

/// What a turn came to, kept as a whole or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedTurn {
    /// The conversation after the turn; its `version` is the one that was loaded (0: there was none).
    pub conversation: Conversation,
    /// What the customer said, for the transcript.
    pub said: Vec<ChatMessage>,
    /// What was replied, for the transcript; it follows what was said.
    pub replies: Vec<ChatMessage>,
    /// What is to be sent, queued, with the identities of this turn.
    pub outgoing: Vec<Outgoing>,
}

/// Whether a turn was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// All of it, durable, with the conversation's next version.
    Kept,
    /// Nothing: the claim is no longer current. Somebody else answers, or has answered.
    Lost,
    /// Nothing: the claim is current, and the conversation was saved by somebody else since it was loaded. The turn has
    /// to be run again on what is there now.
    Changed,
}

/// A conversation with unanswered messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unfinished {
    /// Whose conversation.
    pub user_id: UserId,
    /// What is happening with it.
    #[serde(flatten)]
    pub state: WorkState,
    /// How often it was claimed since it was last finished.
    pub attempts: u32,
    /// How many of its messages are unanswered.
    pub messages: u64,
    /// When the first of them to arrive reached the program.
    pub since: Timestamp,
    /// Why the last attempt failed, if it did.
    pub error: Option<String>,
}

/// What is happening with a conversation that has unanswered messages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum WorkState {
    /// It waits for a worker.
    Waiting {
        /// From when on it may be claimed.
        due: Timestamp,
    },
    /// A worker holds it.
    InWork {
        /// Who.
        worker: String,
        /// Until when, unless it is renewed.
        until: Timestamp,
    },
    /// It was given up, until somebody retries it or the customer writes again.
    Parked {
        /// When.
        at: Timestamp,
    },
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Backlog {
    /// Conversations that wait for a worker, for another try too.
    pub waiting: u64,
    /// Conversations that a worker holds.
    pub in_work: u64,
    /// Conversations that were given up.
    pub parked: u64,
    /// When the oldest due conversation that nobody holds became due.
    pub oldest: Option<Timestamp>,
    /// Replies that are not sent yet.
    pub unsent: u64,
    /// Replies that were given up.
    pub unsent_parked: u64,
}

/// Messages of customers, and who is answering them.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// Keeps messages, all of them durable (on the disk, or acknowledged by a majority) when this returns. A message
    /// whose identifier is known is dropped, whoever accepted it and whenever, also when it differs otherwise or was
    /// answered long ago.
    ///
    /// A conversation with a new message and without a due time gets `now` as its due time; a parked one is tried again
    /// with all its waiting messages, from attempt 1 and without an error. One that has a due time keeps it. A
    /// conversation in work is not disturbed: it becomes ready when it is finished.
    ///
    /// A backend without transactions over several documents does the second part for repeated messages that are not
    /// answered too, so that the redelivery heals a crash in between.
    async fn accept(&self, messages: &[Inbound], now: Timestamp) -> Result<Accepted> {
        self.accept_patiently(messages, now, Patience::default()).await
    }

    /// Keeps messages as [`Inbox::accept`] does, and waits for more to come: a conversation that gets its due time here
    /// gets `now + quiet`. One that waits since such a call, and was not claimed since, has its due time moved to
    /// `now + quiet`, never to more than that call's `longest` after it, and never to an earlier time.
    async fn accept_patiently(&self, messages: &[Inbound], now: Timestamp, patience: Patience) -> Result<Accepted>;

    /// Claims the conversation whose due time is the earliest and not after `now`; with `only`, that customer's, if it
    /// is due. Of any number of callers in any number of processes one gets it. Its due time becomes `now + lease`.
    ///
    /// `None` when nothing is due. A conversation that turns out to have no waiting message loses its due time and the
    /// next one is looked for.
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

    /// Keeps a turn, all of it or nothing, and closes the claim: the conversation with its next version, the transcript,
    /// the outgoing messages, and the claim's messages as answered. Durable when this returns.
    ///
    /// The conversation is then without a due time, or due at `now` where `claim.more` or another message arrived since
    /// the claim. Attempts and error start afresh.
    async fn finish(&self, claim: &Claim, turn: &FinishedTurn, now: Timestamp) -> Result<Finished>;

    /// Closes the claim after a failure: the same messages are due again at `retry_at`, or, with `None`, the
    /// conversation is parked at `now`. The error is kept either way. `false`, and nothing is changed, when the claim is
    /// not current.
    async fn fail(&self, claim: &Claim, error: &str, retry_at: Option<Timestamp>, now: Timestamp) -> Result<bool>;

    /// Gives the claim back undone, as a worker does that is told to stop: due at `now`, and this attempt does not count.
    /// `false`, and nothing is changed, when the claim is not current.
    async fn release(&self, claim: &Claim, now: Timestamp) -> Result<bool>;

    /// The conversations with unanswered messages, at most `limit`: the parked ones by the time they were parked, then
    /// the others by their due time.
    async fn unfinished(&self, limit: u32) -> Result<Vec<Unfinished>>;

    /// Makes parked conversations due at `now`, from attempt 1: all, or that of one customer. How many there were. The
    /// error stays visible until the next finish.
    async fn retry_parked(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64>;

    /// How much there is to do in the inbox and the outbox.
    async fn backlog(&self) -> Result<Backlog>;
}

/// Messages to customers, until they are sent. [`Inbox::finish`] puts them there.
///
/// Sending is at least once, with one gap: a message that the channel took, and whose worker died before
/// [`Outbox::sent`], is sent again.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Claims a message to send: queued and due at `now`, or being sent under a lease that ran out. Of one customer only the
    /// earliest message by (turn, sequence) that is neither sent nor parked can be claimed, so that a later one never
    /// overtakes it. Among those, the one that has been due longest; with `only`, that of one customer.
    ///
    /// The message comes back with its state [`Sending`](crate::domain::outgoing::Delivery::Sending), `attempts` raised
    /// by one, and `next_at = now + lease`.
    async fn claim_outgoing(
        &self,
        only: Option<&UserId>,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<Outgoing>>;

    /// Records that a claimed message was sent, as what the channel calls it; clears its error and receipt. `false`, and nothing is
    /// changed, when it was claimed again since (its `attempts` differ) or is no longer being sent.
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

    /// Takes in what a channel tells of a message, by the rules of [`Outgoing::follow`]: the message after it, or `None`
    /// where nothing is changed, or no such message is known. The message is found by its identity where the news has
    /// one, else by what the channel calls it. A message that is settled so is no longer being sent.
    async fn follow_status(&self, status: &Status, now: Timestamp) -> Result<Option<Outgoing>>;

    /// The last `limit` messages to a customer, the oldest first.
    async fn outgoing_of(&self, user: &UserId, limit: u32) -> Result<Vec<Outgoing>>;

    /// The messages that were given up, the earliest given up first, at most `limit`.
    async fn parked_outgoing(&self, limit: u32) -> Result<Vec<Outgoing>>;

    /// Queues parked messages again, due at `now`: all, or those to one customer. How many there were. `attempts` goes on
    /// counting; what the channel called the message and told of it is forgotten.
    async fn retry_outgoing(&self, only: Option<&UserId>, now: Timestamp) -> Result<u64>;
}

/// Tells waiting workers that there may be something to do.
pub trait Wake: Send + Sync {
    /// A listener that hears everything from now on that makes work: [`Inbox::accept`], [`Inbox::finish`] and the
    /// retries in this process, and in other processes where the server tells of them.
    fn listen(&self) -> Listener;
}

/// Rings when there may be something to do: a backend holds one.
#[derive(Debug)]
pub struct Bell(watch::Sender<()>);

impl Bell {
    /// A bell that nobody listens to yet.
    pub fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// Wakes every listener that waits, and lets the next wait of every other return at once.
    pub fn ring(&self) {
        self.0.send_replace(());
    }

    /// A new listener.
    pub fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Default for Bell {
    fn default() -> Self {
        Self::new()
    }
}

/// Hears a [`Bell`]. What rang between two waits is not missed: look for work, then wait, then look again.
#[derive(Debug, Clone)]
pub struct Listener(watch::Receiver<()>);

impl Listener {
    /// Waits until the bell rings, or for `at_most`: what other processes do and what falls due is only found by
    /// looking again.
    pub async fn wait(&mut self, at_most: Duration) {
        let rung = tokio::time::timeout(at_most, async {
            if self.0.changed().await.is_err() {
                // The store is gone, and rings no more.
                std::future::pending::<()>().await;
            }
        });
        let _ = rung.await;
    }
}

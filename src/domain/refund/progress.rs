//! How far a refund is: from the request to the money, as a pure state machine.
//!
//! It must never let a request be sent again that may have been carried out, except under the same idempotency key, while the
//! provider still knows that key, and after the provider said that it has no such refund. Nothing leads out of `paid` or
//! `failed` but a person.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Who moves the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProviderKind {
    /// Nobody: a row in the ledger stands for it. The refund is simulated.
    #[default]
    Ledger,
    /// The shop's own program, which is told and confirms.
    Webhook,
    /// Razorpay.
    Razorpay,
    /// Stripe.
    Stripe,
}

impl ProviderKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Ledger, Self::Webhook, Self::Razorpay, Self::Stripe];

    /// The word for it in settings and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ledger => "ledger",
            Self::Webhook => "webhook",
            Self::Razorpay => "razorpay",
            Self::Stripe => "stripe",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether no money moves.
    pub fn is_simulated(self) -> bool {
        self == Self::Ledger
    }

    /// Whether a payment can be paid back through it: services pay back only payments that were made with them.
    pub fn takes_payment(self, payment: Option<&str>) -> bool {
        let begins = |starts: &[&str]| payment.is_some_and(|id| starts.iter().any(|start| id.starts_with(start)));
        match self {
            Self::Ledger | Self::Webhook => true,
            Self::Razorpay => begins(&["pay_"]),
            Self::Stripe => begins(&["pi_", "ch_", "py_"]),
        }
    }

    /// For how long after its first use an idempotency key surely prevents a second payment; `None`: for ever.
    ///
    /// Stripe removes keys that are at least 24 hours old (<https://docs.stripe.com/api/idempotent_requests>); Razorpay names
    /// no time (<https://razorpay.com/docs/api/refunds/normal-refunds-idempotent>), so it is trusted for no longer. An hour is
    /// left for clocks that differ. A shop that takes our webhooks recognises their identifier for ever: that is its contract.
    pub fn key_lifetime(self) -> Option<SignedDuration> {
        match self {
            Self::Ledger | Self::Webhook => None,
            Self::Razorpay | Self::Stripe => Some(SignedDuration::from_hours(23)),
        }
    }
}

/// How the money of a refund goes back: decided when it is approved, and never changed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Route {
    /// Who moves it.
    pub provider: ProviderKind,
    /// The payment that is paid back, by the provider's identifier.
    pub payment_id: Option<String>,
}

/// The state of a refund, as customers and tools are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum RefundState {
    /// It is on record, and no provider has said that it has it.
    Requested,
    /// The provider has it and has not paid yet, as far as it said.
    Submitted,
    /// The provider says that it paid; of [`ProviderKind::Ledger`]: it is on record.
    #[default]
    Paid,
    /// It will not be paid, unless a person tries again.
    Failed,
}

impl RefundState {
    /// The word for it in tools, tables and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Submitted => "submitted",
            Self::Paid => "paid",
            Self::Failed => "failed",
        }
    }

    /// Reads [`Self::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Requested, Self::Submitted, Self::Paid, Self::Failed].into_iter().find(|state| state.as_str() == word)
    }

    /// Whether nothing more happens by itself.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Paid | Self::Failed)
    }
}

/// The most waiting before something is tried again.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(15);
/// The most and the least waiting before the provider is asked again whether it paid.
const POLLS: (SignedDuration, SignedDuration) = (SignedDuration::from_secs(5), SignedDuration::from_hours(1));
/// After so long without a way forward a person is asked.
pub const STUCK_AFTER: SignedDuration = SignedDuration::from_mins(30);
/// After so long without a confirmation a person is asked: the services take up to ten business days.
pub const OVERDUE_AFTER: SignedDuration = SignedDuration::from_hours(24 * 14);

/// How long after a request was sent a person may not say yet that it was not paid: it may still arrive.
pub const STILL_ARRIVING: SignedDuration = SignedDuration::from_mins(10);

/// How far a refund is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Progress {
    /// The state.
    pub state: RefundState,
    /// Which attempt this is, from 1: each has an idempotency key of its own, and only a person begins another.
    pub attempt: u32,
    /// When this attempt began.
    pub began_at: Option<Timestamp>,
    /// Requests of this attempt that left, or may have, and may have been carried out.
    pub requests: u32,
    /// When the first of them left: its key is known to the provider from then on.
    pub sent_at: Option<Timestamp>,
    /// When the latest of them left; `None` also where an earlier version of the program sent it.
    pub last_sent_at: Option<Timestamp>,
    /// When the provider said that it has the refund.
    pub submitted_at: Option<Timestamp>,
    /// When it was found to be paid, or failed.
    pub settled_at: Option<Timestamp>,
    /// The provider's identifier of the refund.
    pub provider_id: Option<String>,
    /// Why it failed.
    pub reason: Option<String>,
    /// What keeps it from going on, as was seen last.
    pub problem: Option<String>,
    /// How often in a row there was one.
    pub problems: u32,
    /// Whether the customer has still to be told that it was paid, or failed.
    pub untold: bool,
    /// Whether the team was alerted in this attempt.
    pub alerted: bool,
    /// When there is something to do, or when the lease of whoever does it ends; `None`: never.
    pub next_at: Option<Timestamp>,
    /// Raised by every change: who saw an earlier one changes nothing.
    pub version: u64,
}

/// What is to be done for a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// No request of this attempt was sent: send it. From the second attempt on only where [`Step::LookUp`] finds nothing.
    Submit,
    /// A request may have been carried out: ask the provider for it.
    LookUp,
    /// The provider has it: ask how far it is.
    Poll,
    /// It is settled: alert, and tell the customer.
    Announce,
    /// Nothing.
    Rest,
}

/// What happened to a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A request is about to leave. Durable before it does.
    Sending,
    /// The request was turned away before anything was done: wrong keys, too many requests, no connection.
    NotSent {
        /// Why.
        reason: String,
    },
    /// Nobody knows what became of a request, or a question was not answered.
    Unknown {
        /// What was seen.
        reason: String,
    },
    /// The provider has it.
    Accepted {
        /// Its identifier, where the provider gives one.
        id: Option<String>,
    },
    /// The provider says that it paid.
    Paid {
        /// Its identifier, where the provider gives one.
        id: Option<String>,
    },
    /// The provider says that it does not pay.
    Failed {
        /// Its identifier, where the provider gives one.
        id: Option<String>,
        /// Why.
        reason: String,
    },
    /// The provider was asked, and nothing is new.
    Unchanged,
    /// The team was alerted.
    Alerted,
    /// The customer was told, or is not to be told.
    Told,
    /// A person wants it tried again, after it failed.
    Again,
    /// A person found out that it was paid, or that it was not.
    Found {
        /// Whether it was paid.
        paid: bool,
        /// What they say about it.
        note: String,
    },
}

/// A change that the state does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a refund that is {from} cannot become {to}", from = .from.as_str())]
pub struct Impossible {
    /// What it is.
    pub from: RefundState,
    /// What was wanted.
    pub to: &'static str,
}

impl Progress {
    /// The progress of a refund that was approved at `at`.
    pub fn begin(provider: ProviderKind, at: Timestamp) -> Self {
        let begun = Self { attempt: 1, began_at: Some(at), ..Self::default() };
        if provider.is_simulated() {
            return Self { settled_at: Some(at), ..begun };
        }
        Self { state: RefundState::Requested, next_at: Some(at), ..begun }
    }

    /// What is to be done.
    pub fn step(&self) -> Step {
        match self.state {
            RefundState::Requested if self.requests == 0 && self.attempt <= 1 => Step::Submit,
            RefundState::Requested => Step::LookUp,
            RefundState::Submitted => Step::Poll,
            RefundState::Paid | RefundState::Failed if self.untold || self.needs_alert() => Step::Announce,
            RefundState::Paid | RefundState::Failed => Step::Rest,
        }
    }

    /// Whether a request may leave under the key of this attempt at `now`, once the provider said that it has no such refund.
    pub fn may_send(&self, lifetime: Option<SignedDuration>, now: Timestamp) -> bool {
        if self.state != RefundState::Requested {
            return false;
        }
        match (self.sent_at, lifetime) {
            (None, _) | (_, None) => true,
            (Some(sent), Some(lifetime)) => now >= sent && now.duration_since(sent) < lifetime,
        }
    }

    /// Whether a request of this attempt left so short a time ago that it may still arrive, and be paid.
    pub fn may_still_arrive(&self, now: Timestamp) -> bool {
        let sent = self.last_sent_at.or(self.sent_at).filter(|_| self.requests > 0);
        self.state == RefundState::Requested && sent.is_some_and(|sent| now.duration_since(sent) < STILL_ARRIVING)
    }

    /// Whether the team has to be alerted of a failure.
    pub fn needs_alert(&self) -> bool {
        self.state == RefundState::Failed && !self.alerted
    }

    /// Whether a person has to be asked, as it goes on by itself no more, or too slowly.
    pub fn is_stuck(&self, now: Timestamp) -> bool {
        if self.alerted || self.state.is_settled() {
            return false;
        }
        let longer = |since: Option<Timestamp>, than| since.is_some_and(|since| now.duration_since(since) >= than);
        (self.problem.is_some() && longer(self.began_at, STUCK_AFTER)) || longer(self.submitted_at, OVERDUE_AFTER)
    }

    /// The progress after a change at `now`; `version` and what the change does not touch stay.
    ///
    /// # Errors
    /// When the state does not allow the change: then nothing may be stored.
    pub fn after(&self, change: Change, now: Timestamp) -> Result<Self, Impossible> {
        let mut next = self.clone();
        let wrong = |to| Err(Impossible { from: self.state, to });
        match change {
            Change::Sending => {
                if self.state != RefundState::Requested {
                    return wrong("sent");
                }
                next.requests = next.requests.saturating_add(1);
                next.sent_at.get_or_insert(now);
                next.last_sent_at = Some(now);
            }
            Change::NotSent { reason } => {
                if self.state != RefundState::Requested {
                    return wrong("unsent");
                }
                next.requests = next.requests.saturating_sub(1);
                if next.requests == 0 {
                    (next.sent_at, next.last_sent_at) = (None, None);
                }
                next.note_problem(reason, now);
            }
            Change::Unknown { reason } => {
                if self.state.is_settled() {
                    return wrong("unknown");
                }
                next.note_problem(reason, now);
            }
            Change::Accepted { id } => {
                if self.state.is_settled() {
                    return wrong("submitted");
                }
                next.submit(id, now);
            }
            Change::Unchanged => {
                if self.state.is_settled() {
                    return wrong("asked about");
                }
                next.no_problem();
                next.next_at = Some(next.poll_at(now));
            }
            Change::Paid { id } => {
                if self.state.is_settled() {
                    return wrong("paid");
                }
                next.settle(RefundState::Paid, id, None, now);
            }
            Change::Failed { id, reason } => {
                if self.state.is_settled() {
                    return wrong("failed");
                }
                next.settle(RefundState::Failed, id, Some(reason), now);
            }
            Change::Alerted => next.alerted = true,
            Change::Told => {
                next.untold = false;
                if self.state.is_settled() && !next.needs_alert() {
                    next.next_at = None;
                }
            }
            Change::Again => {
                if self.state != RefundState::Failed {
                    return wrong("tried again");
                }
                next = Self {
                    state: RefundState::Requested,
                    attempt: self.attempt.saturating_add(1),
                    began_at: Some(now),
                    next_at: Some(now),
                    version: self.version,
                    ..Self::default()
                };
            }
            Change::Found { paid: true, note } => {
                if self.state == RefundState::Paid {
                    return wrong("paid");
                }
                next.settle(RefundState::Paid, None, Some(note), now);
            }
            Change::Found { paid: false, note } => {
                if self.state == RefundState::Failed {
                    return wrong("failed");
                }
                next.settle(RefundState::Failed, None, Some(note), now);
                // Whoever found it out works on it.
                next.alerted = true;
            }
        }
        Ok(next)
    }

    fn submit(&mut self, id: Option<String>, now: Timestamp) {
        self.state = RefundState::Submitted;
        self.submitted_at.get_or_insert(now);
        self.provider_id = id.or(self.provider_id.take());
        self.no_problem();
        self.next_at = Some(self.poll_at(now));
    }

    fn settle(&mut self, state: RefundState, id: Option<String>, reason: Option<String>, now: Timestamp) {
        self.state = state;
        self.settled_at = Some(now);
        self.provider_id = id.or(self.provider_id.take());
        self.reason = reason;
        self.no_problem();
        self.untold = true;
        // Whoever was asked before because it did not go on has not heard of this.
        self.alerted = false;
        self.next_at = Some(now);
    }

    fn no_problem(&mut self) {
        self.problem = None;
        self.problems = 0;
    }

    fn note_problem(&mut self, reason: String, now: Timestamp) {
        self.problem = Some(reason);
        self.problems = self.problems.saturating_add(1);
        let wait = SignedDuration::from_secs(1_i64 << self.problems.min(10)).min(LONGEST_WAIT);
        self.next_at = now.checked_add(wait).ok();
    }

    /// A tenth of the time that the provider has it already, within [`POLLS`].
    fn poll_at(&self, now: Timestamp) -> Timestamp {
        let age = self.submitted_at.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        let wait = (age / 10).clamp(POLLS.0, POLLS.1);
        now.checked_add(wait).unwrap_or(Timestamp::MAX)
    }
}

/// The reference by which a provider's record of a refund is recognised as this one's, whichever attempt made it: 32 letters
/// and digits that name nobody.
pub fn reference(transaction: &str) -> String {
    hashed(transaction)
}

/// The idempotency key of an attempt: 40 letters, digits and hyphens, which every provider takes.
pub fn idempotency_key(transaction: &str, attempt: u32) -> String {
    format!("ecomres-{}", hashed(&format!("{transaction}#{attempt}")))
}

fn hashed(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..16])
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;

//! What may be done for whom: looking an order up, quoting and paying a refund, handing over to a person.
//!
//! Identity, amount and consent never come from what a model claims, and a refused order looks exactly like an unknown
//! one.

pub mod actions;
mod actor;
pub mod alerts;
pub mod desk;
pub mod duty;
pub mod handoff;
pub mod identities;
pub mod knowledge;
pub mod opt_out;
pub mod orders;
pub mod rating;
mod recognise;
mod refunds;
mod twins;

use std::sync::{Arc, Mutex};
use std::time::Instant;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::action::ActionPolicy;
use crate::domain::alert::Alert;
use crate::domain::audit::AuditRecord;
use crate::domain::caller::{Caller, Verification};
use crate::domain::ids::{IdPatterns, LivePatterns, UserId};
use crate::domain::message::ChatMessage;
use crate::domain::ownership::Proof;
use crate::domain::phone::Country;
use crate::domain::refund::RefundPolicy;
use crate::knowledge::Library;
pub use crate::knowledge::Passage;
use crate::store::{Store, StoreError};
pub use actions::{ActionOutcome, Decided};
pub use actor::Actor;
pub use handoff::HandoffRequest;
pub use recognise::Recognised;
pub use refunds::{PayOutcome, QuoteOutcome};

/// The shop's rules, from the settings.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The refund policy.
    pub policy: RefundPolicy,
    /// What else may be done to orders.
    pub actions: ActionPolicy,
    /// What the settings say of identifiers.
    pub patterns: IdPatterns,
    /// Who may see an order that has no telephone number.
    pub verification: Verification,
    /// What a customer is asked for, before an order is bound to them.
    pub claim_proof: Vec<Proof>,
    /// Distinct orders that one identity may look up within the window of [`lookup`](crate::domain::lookup).
    pub daily_limit: u32,
    /// The country of telephone numbers without a country code.
    pub country: Country,
    /// The time zone of the orders' dates.
    pub zone: TimeZone,
}

impl Rules {
    /// What customers are asked for besides an order id: nothing, unless orders are claimed.
    pub fn proofs_asked(&self) -> &[Proof] {
        if self.verification == Verification::Claim { &self.claim_proof } else { &[] }
    }
}

/// On whose behalf, and when, something is done.
#[derive(Debug, Clone)]
pub struct Context {
    /// On whose behalf.
    pub caller: Caller,
    /// The time.
    pub now: Timestamp,
}

/// The use cases, on a store.
#[derive(Clone)]
pub struct SupportService {
    store: Arc<dyn Store>,
    rules: Arc<Rules>,
    ids: LivePatterns,
    library: Arc<Library>,
    /// When the forms of the shop's ids were read last.
    ids_looked_at: Arc<Mutex<Option<Instant>>>,
}

impl SupportService {
    /// A service on a store, with the shop's rules.
    pub fn new(store: Arc<dyn Store>, rules: Rules) -> Self {
        Self {
            ids: LivePatterns::new(rules.patterns.clone()),
            store,
            rules: Arc::new(rules),
            library: Arc::default(),
            ids_looked_at: Arc::default(),
        }
    }

    /// The shop's rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Asks for a person, as [`handoff::request`] does.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn request_handoff(&self, context: &Context, request: HandoffRequest) -> Result<Alert, StoreError> {
        handoff::request(self.store.as_ref(), context, request).await
    }

    /// The last `limit` messages of a conversation, the oldest first. Only for the team: the caller is not checked.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn transcript(&self, user: &UserId, limit: u32) -> Result<Vec<ChatMessage>, StoreError> {
        self.store.recent_messages(user, limit).await
    }

    /// Appends the record of a call that changed nothing to the audit trail, without waiting for the disk.
    ///
    /// # Errors
    /// When the store fails: then the result of the call must not be returned.
    pub async fn append_audit_without_sync(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.store.append_audit_without_sync(record).await.map(drop)
    }

    /// Whether the store answers.
    pub async fn is_ready(&self) -> bool {
        self.store.audit_length().await.is_ok()
    }

    /// Appends the record of a call to the audit trail.
    ///
    /// # Errors
    /// When the store fails: then the call must not be made.
    pub async fn append_audit(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.store.append_audit(record).await.map(drop)
    }

    fn local(&self, now: Timestamp) -> DateTime {
        now.to_zoned(self.rules.zone.clone()).datetime()
    }
}

#[cfg(test)]
mod tests;

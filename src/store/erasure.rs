//! Decides in which steps the data of one customer is shown and erased.
//!
//! It must never touch the refund ledger, nor erase anything from the audit trail before that is on record, nor put on
//! record who it was.
//!
//! What is on record of an erasure is a reference: SHA-256 over a salt and the identity. The salt is handed out once, with
//! the receipt, and kept nowhere: who has the receipt can show that their data was erased, and the trail alone says of
//! nobody that they were a customer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Result, Store};
use crate::domain::alert::Alert;
use crate::domain::audit::{AuditEntry, AuditPhase, AuditRecord, FORGET, SYSTEM, forget_record};
use crate::domain::conversation::Conversation;
use crate::domain::correction::Correction;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::inbound::Inbound;
use crate::domain::message::ChatMessage;
use crate::domain::outgoing::Outgoing;
use crate::domain::refund::{Quote, Refund};

/// Entries of the audit trail that are read at once.
const PAGE: u32 = 1_000;
/// Entries whose erasure is put on record at once.
const BATCH: usize = 200;
/// The longest wait for a turn that somebody was working on: its worker hears within a third of its lease that it lost
/// the conversation.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message in the inbox, and whether it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptMessage {
    /// The message.
    #[serde(flatten)]
    pub message: Inbound,
    /// Whether a turn answered it.
    pub answered: bool,
}

/// An order that a customer asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bound {
    /// The order.
    pub order_id: OrderId,
    /// When.
    pub at: Timestamp,
}

/// What is kept of a customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonalData {
    /// Who.
    pub user_id: UserId,
    /// What was said, the oldest first.
    pub chats: Vec<ChatMessage>,
    /// What is remembered of the conversation.
    pub conversation: Option<Conversation>,
    /// Labels that people gave the customer's messages.
    pub corrections: Vec<Correction>,
    /// Messages as they arrived.
    pub inbox: Vec<KeptMessage>,
    /// Replies as they were to be sent.
    pub outbox: Vec<Outgoing>,
    /// Requests for a person.
    pub alerts: Vec<Alert>,
    /// Orders that answer to this customer alone.
    pub bindings: Vec<Bound>,
    /// Orders that the customer asked for in the last 24 hours.
    pub lookups: Vec<Bound>,
    /// Offers of refunds.
    pub quotes: Vec<Quote>,
    /// Refunds that the customer asked for. They are never erased.
    pub refunds: Vec<Refund>,
    /// Entries of the audit trail that say something of the customer.
    pub audit: Vec<AuditEntry>,
}

impl PersonalData {
    /// Nothing of a customer.
    pub fn none(user: &UserId) -> Self {
        Self {
            user_id: user.clone(),
            chats: Vec::new(),
            conversation: None,
            corrections: Vec::new(),
            inbox: Vec::new(),
            outbox: Vec::new(),
            alerts: Vec::new(),
            bindings: Vec::new(),
            lookups: Vec::new(),
            quotes: Vec::new(),
            refunds: Vec::new(),
            audit: Vec::new(),
        }
    }

    /// Whether there is nothing to erase. Refunds stay, and do not count.
    pub fn is_empty(&self) -> bool {
        *self == Self { refunds: self.refunds.clone(), ..Self::none(&self.user_id) }
    }
}

/// How much was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Messages of the transcript.
    pub chats: u64,
    /// Corrected labels of messages.
    pub corrections: u64,
    /// Conversations: 1, or 0 where there was none.
    pub conversations: u64,
    /// Messages of the inbox.
    pub inbox: u64,
    /// Replies in the outbox, also those that were not sent yet.
    pub outbox: u64,
    /// Alerts.
    pub alerts: u64,
    /// Bindings: the order stays bound, to nobody.
    pub bindings: u64,
    /// Lookups.
    pub lookups: u64,
    /// Quotes.
    pub quotes: u64,
    /// Entries of the audit trail, of which only what the books need is left.
    pub audit: u64,
    /// Until when somebody held the conversation.
    #[serde(skip)]
    pub held_until: Option<Timestamp>,
}

impl std::ops::AddAssign for Erased {
    fn add_assign(&mut self, more: Self) {
        self.chats += more.chats;
        self.corrections += more.corrections;
        self.conversations += more.conversations;
        self.inbox += more.inbox;
        self.outbox += more.outbox;
        self.alerts += more.alerts;
        self.bindings += more.bindings;
        self.lookups += more.lookups;
        self.quotes += more.quotes;
        self.audit += more.audit;
        self.held_until = self.held_until.max(more.held_until);
    }
}

/// Showing and erasing what is kept of one customer.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// All that is kept of a customer, without refunds and audit trail.
    async fn data_of(&self, user: &UserId) -> Result<PersonalData>;
    /// Erases all of that; bindings stay, to nobody, so that nobody else gets at the orders. Whoever holds the
    /// conversation has lost it: nothing of a turn in work is kept, and the fencing number of a later claim is another.
    /// `held_until` tells until when that somebody may go on unaware.
    async fn erase_data_of(&self, user: &UserId, now: Timestamp) -> Result<Erased>;
    /// Replaces the contents of entries of the audit trail, known by place and hash. That this may be done has to be on
    /// record before. How many there were.
    async fn replace_contents(&self, entries: &[AuditEntry]) -> Result<u64>;
}

/// A customer was forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// What stands for the customer in the audit trail: SHA-256 over the salt and the identity, in hexadecimal.
    pub reference: String,
    /// The salt, in hexadecimal; it is kept nowhere else.
    pub salt: String,
    /// How much was erased.
    pub erased: Erased,
}

/// All that is kept of a customer.
///
/// # Errors
/// When the store fails.
pub async fn personal_data(store: &dyn Store, user: &UserId) -> Result<PersonalData> {
    let mut data = store.data_of(user).await?;
    let actor = format!("customer:{user}");
    data.refunds = store.refunds(u32::MAX).await?.into_iter().filter(|refund| refund.actor == actor).collect();
    data.audit = mentioning(store, user).await?;
    Ok(data)
}

async fn mentioning(store: &dyn Store, user: &UserId) -> Result<Vec<AuditEntry>> {
    let mut found = Vec::new();
    let mut next = store.checkpoint().await?.map_or(0, |checkpoint| checkpoint.seq) + 1;
    loop {
        let page = store.audit_entries(next, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        next = last.seq + 1;
        found.extend(page.into_iter().filter(|entry| entry.mentions(user)));
    }
}

/// Erases what is kept of a customer, but for the refunds, and puts that on record. Where somebody works on the
/// conversation, waits until they know that they lost it, and erases what they still wrote. Run again, it completes what
/// was begun.
///
/// # Errors
/// When the store fails: a part may be erased by then.
pub async fn forget(store: &dyn Store, user: &UserId, clock: &(dyn Fn() -> Timestamp + Sync)) -> Result<Forgotten> {
    let salt = format!("{:032x}", rand::random::<u128>());
    let reference = reference(&salt, user);
    let mut erased = store.erase_data_of(user, clock()).await?;
    if let Some(until) = erased.held_until {
        let wait = Duration::try_from(until.duration_since(clock())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(wait.min(PATIENCE)).await;
    }
    erased += store.erase_data_of(user, clock()).await?;
    for batch in mentioning(store, user).await?.chunks(BATCH) {
        let left: Vec<AuditEntry> = batch.iter().map(AuditEntry::erased).collect();
        store.append_audit(&forget_record(&reference, &left, clock())).await?;
        erased.audit += store.replace_contents(&left).await?;
    }
    let done = AuditRecord {
        at: clock(),
        actor: SYSTEM.to_owned(),
        action: FORGET.to_owned(),
        phase: AuditPhase::Finished,
        arguments: json!({"reference": reference}),
        result: serde_json::to_value(erased).unwrap_or(Value::Null),
    };
    store.append_audit(&done).await?;
    Ok(Forgotten { reference, salt, erased })
}

fn reference(salt: &str, user: &UserId) -> String {
    let digest = Sha256::new().chain_update(salt).chain_update(user.as_str()).finalize();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

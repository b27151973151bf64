//! Exporting and erasing the data of one customer. The refund ledger is not touched, and an erasure is on record before
//! anything of the audit trail is erased.
//!
//! The record of an erasure names nobody; it holds a reference: SHA-256 over a salt and the identity. The salt is
//! handed out once, with the receipt, and not stored: who has the receipt can show that their data was erased, and the
//! trail alone does not tell who was a customer.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::media_folder::{own as own_media_folder, remove_unused};
use super::{Result, Store};
use crate::domain::action::Action;
use crate::domain::alert::Alert;
use crate::domain::audit::{AuditEntry, AuditPhase, AuditRecord, FORGET, SYSTEM, forget_record};
use crate::domain::conversation::Conversation;
use crate::domain::correction::Correction;
use crate::domain::desk::{Draft, Note, Pin};
use crate::domain::event::Event;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::inbound::Inbound;
use crate::domain::knowledge_gap::Unanswered;
use crate::domain::media::MediaFile;
use crate::domain::message::ChatMessage;
use crate::domain::opt_out::Preference;
use crate::domain::outgoing::Outgoing;
use crate::domain::rating::Rating;
use crate::domain::refund::{Proposal, Refund};

/// Entries of the audit trail that are read in one query.
const PAGE: u32 = 1_000;
/// Entries whose erasure is recorded in one entry.
const BATCH: usize = 200;
/// The longest wait for a turn in work: its worker learns within a third of its lease that it lost the conversation.
const MAX_LEASE_WAIT: Duration = Duration::from_mins(1);

/// A message in the inbox, and whether it was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoredMessage {
    /// The message.
    #[serde(flatten)]
    pub message: Inbound,
    /// Whether a turn answered it.
    pub answered: bool,
}

/// An order that a customer asked for, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RequestedOrder {
    /// The order.
    pub order_id: OrderId,
    /// When it was asked for.
    pub at: Timestamp,
}

/// The data of one customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PersonalData {
    /// The customer.
    pub user_id: UserId,
    /// Other identities that lead to the customer.
    pub identities: Vec<UserId>,
    /// The transcript, the oldest message first.
    pub chats: Vec<ChatMessage>,
    /// The state of the conversation.
    pub conversation: Option<Conversation>,
    /// Labels that people gave the customer's messages.
    pub corrections: Vec<Correction>,
    /// Questions that no document answered.
    pub unanswered: Vec<Unanswered>,
    /// What the team has written to the customer, or about them, and not sent.
    pub drafts: Vec<Draft>,
    /// Internal notes of the team.
    pub notes: Vec<Note>,
    /// What the team pinned to the conversation.
    pub pins: Vec<Pin>,
    /// What the customer was asked about the team's work, and answered.
    pub ratings: Vec<Rating>,
    /// What is known of the files that the customer sent.
    pub media: Vec<MediaFile>,
    /// Messages as they arrived.
    pub inbox: Vec<StoredMessage>,
    /// Replies as they were to be sent.
    pub outbox: Vec<Outgoing>,
    /// Requests for a person.
    pub alerts: Vec<Alert>,
    /// Orders that only this customer may see.
    pub bindings: Vec<RequestedOrder>,
    /// Orders that the customer asked for in the last 24 hours.
    pub lookups: Vec<RequestedOrder>,
    /// What was proposed.
    pub quotes: Vec<Proposal>,
    /// What was done to the customer's orders on their word.
    pub actions: Vec<Action>,
    /// Events about the customer, for the shop's other systems.
    pub events: Vec<Event>,
    /// Refunds that the customer asked for. They are never erased.
    pub refunds: Vec<Refund>,
    /// The customer's latest wish about messages. It is never erased, but then names nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preference: Option<Preference>,
    /// Entries of the audit trail that mention the customer.
    pub audit: Vec<AuditEntry>,
}

impl PersonalData {
    /// No data of a customer.
    pub fn none(user: &UserId) -> Self {
        Self {
            user_id: user.clone(),
            identities: Vec::new(),
            chats: Vec::new(),
            conversation: None,
            corrections: Vec::new(),
            unanswered: Vec::new(),
            drafts: Vec::new(),
            notes: Vec::new(),
            pins: Vec::new(),
            ratings: Vec::new(),
            media: Vec::new(),
            inbox: Vec::new(),
            outbox: Vec::new(),
            alerts: Vec::new(),
            bindings: Vec::new(),
            lookups: Vec::new(),
            quotes: Vec::new(),
            actions: Vec::new(),
            events: Vec::new(),
            refunds: Vec::new(),
            preference: None,
            audit: Vec::new(),
        }
    }

    /// Whether there is nothing to erase. Refunds and the wish about messages stay, and do not count.
    pub fn is_empty(&self) -> bool {
        let stays =
            Self { refunds: self.refunds.clone(), preference: self.preference.clone(), ..Self::none(&self.user_id) };
        *self == stays
    }
}

/// How much was erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Erased {
    /// Messages of the transcript.
    pub chats: u64,
    /// Corrected labels of messages.
    pub corrections: u64,
    /// Questions that no document answered.
    pub unanswered: u64,
    /// Drafts of the team.
    pub drafts: u64,
    /// Internal notes of the team.
    pub notes: u64,
    /// What the team pinned to the conversation.
    pub pins: u64,
    /// Questions about the team's work, with their answers.
    pub ratings: u64,
    /// Files that the customer sent, with their contents, unless somebody else sent the same.
    pub media: u64,
    /// Conversations: 1, or 0 where there was none.
    pub conversations: u64,
    /// Messages of the inbox.
    pub inbox: u64,
    /// Replies in the outbox, also those that were not sent yet.
    pub outbox: u64,
    /// Alerts.
    pub alerts: u64,
    /// Bindings: the order stays bound, to a placeholder.
    pub bindings: u64,
    /// Lookups.
    pub lookups: u64,
    /// Quotes.
    pub quotes: u64,
    /// Actions on orders: they lose the customer and their words, and stay.
    pub actions: u64,
    /// Events: those of refunds lose the customer and stay.
    pub events: u64,
    /// Entries of the audit trail, of which only what accounting needs is left.
    pub audit: u64,
    /// When the lease of a worker that held the conversation ends.
    #[serde(skip)]
    pub held_until: Option<Timestamp>,
}

impl std::ops::AddAssign for Erased {
    fn add_assign(&mut self, more: Self) {
        self.chats += more.chats;
        self.corrections += more.corrections;
        self.unanswered += more.unanswered;
        self.drafts += more.drafts;
        self.notes += more.notes;
        self.pins += more.pins;
        self.ratings += more.ratings;
        self.media += more.media;
        self.conversations += more.conversations;
        self.inbox += more.inbox;
        self.outbox += more.outbox;
        self.alerts += more.alerts;
        self.bindings += more.bindings;
        self.lookups += more.lookups;
        self.quotes += more.quotes;
        self.actions += more.actions;
        self.events += more.events;
        self.audit += more.audit;
        self.held_until = self.held_until.max(more.held_until);
    }
}

/// Exporting and erasing the data of one customer.
#[async_trait]
pub trait Erasure: Send + Sync {
    /// The data of a customer, without refunds and audit trail.
    async fn data_of(&self, user: &UserId) -> Result<PersonalData>;
    /// Erases all of that; bindings stay, to a placeholder, so that nobody else gets access to the orders. A worker
    /// that holds the conversation has lost it: nothing of a turn in work is saved, and the fencing number of a later
    /// claim is another.
    /// `held_until` is when the lease of that worker ends.
    async fn erase_data_of(&self, user: &UserId, now: Timestamp) -> Result<Erased>;
    /// Replaces the contents of entries of the audit trail, identified by place and hash, and returns how many there
    /// were. Their erasure has to be on record before.
    async fn replace_contents(&self, entries: &[AuditEntry]) -> Result<u64>;
}

/// The receipt of an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ErasureReceipt {
    /// The customer's pseudonym in the audit trail: SHA-256 over the salt and the identity, in hexadecimal.
    pub reference: String,
    /// The salt, in hexadecimal; it is not stored.
    pub salt: String,
    /// How much was erased.
    pub erased: Erased,
}

/// All data of a customer.
///
/// # Errors
/// When the store fails.
pub async fn personal_data(store: &dyn Store, user: &UserId) -> Result<PersonalData> {
    let mut data = store.data_of(user).await?;
    data.identities = store.identities_of(user).await?.into_iter().map(|one| one.identity).collect();
    let actor = crate::domain::caller::actor_of(user);
    data.refunds = store.refunds(u32::MAX).await?.into_iter().filter(|refund| refund.actor == actor).collect();
    data.preference = store.preference(user).await?;
    data.audit = entries_about(store, user).await?;
    Ok(data)
}

async fn entries_about(store: &dyn Store, user: &UserId) -> Result<Vec<AuditEntry>> {
    let mut found = Vec::new();
    let mut next = store.checkpoint().await?.map_or(0, |checkpoint| checkpoint.seq) + 1;
    loop {
        let page = store.audit_entries(next, PAGE).await?;
        let Some(last) = page.last() else { return Ok(found) };
        next = last.seq + 1;
        found.extend(page.into_iter().filter(|entry| entry.mentions(user)));
    }
}

/// Erases the data of a customer, except refunds, and records that. Where a worker holds the conversation, waits until
/// its lease is over, and erases what it still wrote. Run again, it completes an erasure that was interrupted.
///
/// # Errors
/// When the store fails: some of the data may be erased by then.
pub async fn forget(
    store: &dyn Store,
    user: &UserId,
    clock: &(dyn Fn() -> Timestamp + Sync),
) -> Result<ErasureReceipt> {
    let salt = format!("{:032x}", rand::random::<u128>());
    let reference = reference(&salt, user);
    let files = store.media_of(user, u32::MAX).await?;
    // Before anything is erased: what they sent has to go as well.
    own_media_folder(store).await?;
    let mut erased = store.erase_data_of(user, clock()).await?;
    if let Some(until) = erased.held_until {
        let wait = Duration::try_from(until.duration_since(clock())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(wait.min(MAX_LEASE_WAIT)).await;
    }
    erased += store.erase_data_of(user, clock()).await?;
    remove_unused(store, files.into_iter().filter_map(|file| file.sha256).collect()).await?;
    for batch in entries_about(store, user).await?.chunks(BATCH) {
        let replacements: Vec<AuditEntry> = batch.iter().map(AuditEntry::erased).collect();
        store.append_audit(&forget_record(&reference, &replacements, clock())).await?;
        erased.audit += store.replace_contents(&replacements).await?;
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
    Ok(ErasureReceipt { reference, salt, erased })
}

fn reference(salt: &str, user: &UserId) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(user.as_str()).finalize())
}

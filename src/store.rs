//! The store: the traits that every backend implements, and opening one. Rules about money and people are in `domain`;
//! a backend only stores what they decided.

mod actions;
mod audit_key;
mod contacts;
mod corrections;
mod desk;
mod erasure;
mod error;
mod events;
mod identities;
mod knowledge_gaps;
mod media;
mod media_folder;
pub mod mongo;
mod queue;
mod ratings;
mod retention;
pub mod sqlite;
mod staged;
mod stats_cache;
mod trail;

#[cfg(test)]
mod contract;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use futures_util::try_join;
use jiff::{SignedDuration, Timestamp};

use crate::domain::address::without_credentials;
use crate::domain::alert::{Alert, AlertSearch, AlertStatus, Assigned, Handled, Reopened, Resolution};
use crate::domain::audit::{AuditCheck, AuditEntry, AuditRecord};
use crate::domain::conversation::Conversation;
use crate::domain::ids::{AlertId, IdForms, OrderId, QuoteId, UserId};
use crate::domain::message::{ChatMessage, Role};
use crate::domain::order::Order;
pub use crate::domain::order::UpsertOutcome;
use crate::domain::outgoing::Outgoing;
use crate::domain::ownership::{Binding, Proof};
use crate::domain::phone::Country;
use crate::domain::refund::{ApprovedRefund, Progress, Proposal, Refund, RefundState};
use crate::domain::sendable::{Contact, Heard};
use crate::domain::stats::{AlertRow, ConversationStats, OrderStats, PendingAlerts, Period, RefundStats};
use crate::files::beside;
pub use actions::{Actions, Closed, RecordedAction};
pub use audit_key::{AuditKeySource, KEY_FILE_END, KeyPlace, LoadedKey};
pub use contacts::{Contacts, OTHER_NUMBERS, Tally};
pub use corrections::Corrections;
pub use desk::Desk;
pub use erasure::{
    Erased, Erasure, ErasureReceipt, PersonalData, RequestedOrder, StoredMessage, forget, personal_data,
};
pub use error::{Result, StoreError};
pub use events::{ClosedEndpoint, Dispatch, DispatchSearch, DispatchState, EventBacklog, EventRoute, Events};
pub use identities::Identities;
pub use knowledge_gaps::KnowledgeGaps;
pub use media::MediaFiles;
pub use media::MediaWork;
pub use media_folder::{
    KeepError, Kept, MediaFolder, NewContent, is_open_to_others, own as own_media_folder, remove_unused, tidy,
};
pub use mongo::MongoSettings;
pub use queue::{
    Accepted, Backlog, Claim, Debounce, Finished, FinishedTurn, Inbox, Listener, MAX_CLAIMED_MESSAGES, Notifier,
    Outbox, Unfinished, Wake, WorkState,
};
pub use ratings::Ratings;
pub use retention::{Retention, SweepReport, Sweepable, sweep};
pub use staged::StagedStore;

/// How a store is opened.
#[derive(Debug, Clone, Default)]
pub struct StoreSettings {
    /// How a server is used.
    pub server: MongoSettings,
    /// Where the key of the audit trail comes from.
    pub audit_key: AuditKeySource,
    /// Whether events are recorded with their facts: somebody wants them.
    pub events: bool,
    /// Where the contents of media files lie.
    pub media: MediaSettings,
}

/// Where the contents of media files lie. By default none are added; what is there is shown and removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MediaSettings {
    /// The folder; none: beside the store, or, of a server, in the folder that the program was started from.
    pub folder: Option<PathBuf>,
    /// The most bytes that it holds; 0: none are added.
    pub quota: u64,
}

impl StoreSettings {
    /// The folder of media files of a store at this location.
    fn media_folder(&self, location: &str) -> MediaFolder {
        let named = match (&self.media.folder, mongo::is_mongo(location)) {
            (Some(folder), _) => folder.clone(),
            (None, true) => PathBuf::from(format!("{}{MEDIA_END}", self.server.database)),
            // No other store has the same name.
            (None, false) => return MediaFolder::new(beside(Path::new(location), MEDIA_END), self.media.quota),
        };
        MediaFolder::new(named, self.media.quota).that_may_be_shared()
    }
}

/// What is added to the name of a store for its folder of media files.
const MEDIA_END: &str = ".media";

/// Opens the store at a location, with the usual settings for a server: a file for the embedded store, or a
/// `mongodb://` address. Blocks until the store is open.
///
/// # Errors
/// When it cannot be opened as a store, or the location names a backend that this build does not have.
pub fn open(location: &str) -> Result<Arc<dyn Store>> {
    open_with(location, &StoreSettings::default())
}

/// As [`open`], with settings. The key of the audit trail is made where there is none and the source is a file.
///
/// # Errors
/// As [`open`].
pub fn open_with(location: &str, settings: &StoreSettings) -> Result<Arc<dyn Store>> {
    if mongo::is_mongo(location) {
        let key = audit_key::load(&settings.audit_key, None, true)?;
        let store = mongo::MongoStore::open_keyed(location, &settings.server, key, false)?;
        return Ok(Arc::new(store.recording_events(settings.events).with_media(Some(settings.media_folder(location)))));
    }
    let store = sqlite::SqliteStore::open_keyed(file(location)?, &settings.audit_key, sqlite::KeyUse::Made)?;
    Ok(Arc::new(store.recording_events(settings.events).with_media(Some(settings.media_folder(location)))))
}

/// Opens the store at a location, and begins a part of the audit trail that the key of the settings signs, on record:
/// also where another key signed until then, or none although one was there.
///
/// # Errors
/// As [`open`].
pub fn begin_signing(location: &str, settings: &StoreSettings) -> Result<Arc<dyn Store>> {
    if mongo::is_mongo(location) {
        let key = audit_key::load(&settings.audit_key, None, true)?;
        return Ok(Arc::new(mongo::MongoStore::open_keyed(location, &settings.server, key, true)?));
    }
    Ok(Arc::new(sqlite::SqliteStore::open_keyed(file(location)?, &settings.audit_key, sqlite::KeyUse::Begun)?))
}

/// Opens the store at a location for reading: nothing is created or changed.
///
/// # Errors
/// As [`open`], and when there is no store.
pub fn open_read_only(location: &str) -> Result<Arc<dyn Store>> {
    open_read_only_with(location, &StoreSettings::default())
}

/// As [`open_read_only`], with the settings for a server.
///
/// # Errors
/// As [`open_read_only`].
pub fn open_read_only_with(location: &str, settings: &StoreSettings) -> Result<Arc<dyn Store>> {
    if mongo::is_mongo(location) {
        let key = audit_key::load(&settings.audit_key, None, false)?;
        let store = mongo::MongoStore::open_read_only_keyed(location, &settings.server, key)?;
        return Ok(Arc::new(store.with_media(Some(settings.media_folder(location)))));
    }
    let store = sqlite::SqliteStore::open_read_only_keyed(file(location)?, &settings.audit_key)?;
    Ok(Arc::new(store.with_media(Some(settings.media_folder(location)))))
}

/// Copies the store at a location to a file, while it is in use.
///
/// # Errors
/// As [`sqlite::backup`], and when the location names no file.
pub fn backup(location: &str, to: &Path, replace: bool) -> Result<sqlite::BackupReport> {
    match file_path(location)? {
        Some(file) => sqlite::backup(file, to, replace),
        None => Err(StoreError::NoFile { path: display_location(location) }),
    }
}

/// The file that a location names; `None` where it is a server.
///
/// # Errors
/// When the location is empty or names a backend that this build does not have.
pub fn file_path(location: &str) -> Result<Option<&Path>> {
    if mongo::is_mongo(location) { Ok(None) } else { file(location).map(Some) }
}

/// A location for display: without credentials.
pub fn display_location(location: &str) -> String {
    let address = location.contains("://") || looks_like_address(location);
    if address { without_credentials(location) } else { location.to_owned() }
}

/// Whether something that is no file was meant as an address.
fn looks_like_address(location: &str) -> bool {
    mongo::is_mistyped(location) && !Path::new(location).exists()
}

fn file(location: &str) -> Result<&Path> {
    if location.trim().is_empty() {
        return Err(StoreError::NoName);
    }
    if location.contains("://") {
        return Err(StoreError::Unsupported { uri: without_credentials(location) });
    }
    if looks_like_address(location) {
        let reason = "it does not begin with mongodb:// or mongodb+srv://".to_owned();
        return Err(StoreError::Address { path: without_credentials(location), reason });
    }
    Ok(Path::new(location))
}

/// How many of the latest messages are searched for the customer's last one.
const HEARD_MESSAGES: u32 = 200;

/// The most orders of one name that [`Orders::orders_named`] gives.
pub const NAMED_ALIKE: u32 = 10;

/// How an import treats orders that are in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImportMode {
    /// New orders are added, known ones replaced, unless the known one is newer (`Updated At`).
    #[default]
    Upsert,
    /// New orders are added, known ones are left as they are and counted.
    Append,
    /// All orders are removed first. Refunds, quotes and bindings stay.
    Replace,
}

/// What one batch of an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BatchOutcome {
    /// Orders that were not there before.
    pub added: u64,
    /// Orders that were there and were replaced.
    pub updated: u64,
    /// Orders that were there and were left unchanged.
    pub kept: u64,
    /// Orders that came earlier in the same import: the later one counts, with [`ImportMode::Append`] the first.
    pub repeated: u64,
}

/// An import in progress: nothing is visible before [`OrderImport::commit`]; dropping it discards everything.
///
/// What the commit promises differs. The embedded store makes all orders visible at once, or none. On a server, each
/// order becomes visible by itself: others may see some old and some new orders while it runs, and where the process or
/// the connection is lost, only some of the orders are imported. Every write is idempotent: the same import, run again,
/// completes it.
#[async_trait]
pub trait OrderImport: Send {
    /// The orders that are written from now on come from a file that lacks these columns: with [`ImportMode::Upsert`] an order that
    /// is there keeps what it has in them.
    fn lacking(&mut self, columns: Vec<&'static str>);
    /// Writes a batch of orders.
    async fn write(&mut self, orders: Vec<Order>) -> Result<BatchOutcome>;
    /// Makes it all visible and durable.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// Orders, and who may see them.
#[async_trait]
pub trait Orders: Send + Sync {
    /// An order, or `None`.
    async fn order(&self, id: &OrderId) -> Result<Option<Order>>;
    /// The orders whose id or display id is this, letters' case and a leading `#` aside; at most [`NAMED_ALIKE`].
    async fn orders_named(&self, name: &str) -> Result<Vec<OrderId>>;
    /// The order that the shop's system calls so inside (`OrderDetails::shop_id`): the one that it changed last, where there are
    /// several.
    async fn order_of_shop(&self, shop_id: &str) -> Result<Option<Order>>;
    /// Of orders that are not in the store, those that are there, or may be, under another id
    /// ([`Order::is_twin_of`](crate::domain::order::Order::is_twin_of)): their own id, and that one.
    async fn twins_of(&self, orders: &[Order]) -> Result<Vec<(OrderId, OrderId)>>;
    /// The orders with this telephone number (E.164, with or without `+`), the latest first and those without a date last,
    /// at most `limit`. `home`: the country of numbers that an order holds without a country code. Whether an order is
    /// still that of whoever has the number now is for `domain/ownership` to say.
    async fn orders_of_number(&self, number: &str, home: Country, limit: u32) -> Result<Vec<Order>>;
    /// Saves an order that the shop sent, as [`settle`](crate::domain::order::settle) decides: atomic, also among many
    /// writers; refunds, quotes and bindings stay.
    async fn upsert_order(&self, order: &Order) -> Result<UpsertOutcome> {
        let outcomes = self.upsert_orders(std::slice::from_ref(order)).await?;
        Ok(outcomes.into_iter().next().unwrap_or(UpsertOutcome::Unchanged))
    }
    /// As [`Orders::upsert_order`], in their order, with one outcome for each. The embedded store saves all of them or
    /// none; on a server each is saved by itself, and what was cut off is completed by sending it again.
    async fn upsert_orders(&self, orders: &[Order]) -> Result<Vec<UpsertOutcome>>;
    /// What is known of the forms of the orders' ids: of all that were imported or upserted. Where nothing is known yet, the
    /// ids are looked at once.
    async fn order_id_forms(&self) -> Result<IdForms>;
    /// Orders by their ids, without the first `skipped` of them, at most `limit`. What cannot be read is left out.
    async fn orders_by_id(&self, skipped: u64, limit: u32) -> Result<Vec<Order>>;
    /// How many orders there are.
    async fn count_orders(&self) -> Result<u64>;
    /// Starts an import.
    async fn begin_import(&self, mode: ImportMode) -> Result<Box<dyn OrderImport>>;
    /// Binds an order to the first identity that asks, and returns the identity it is bound to.
    /// Atomic: of many callers, in any number of processes, one wins. Bindings outlive the order.
    async fn bind_order(&self, id: &OrderId, user: &UserId, at: Timestamp) -> Result<UserId>;
    /// The identity an order is bound to.
    async fn binding(&self, id: &OrderId) -> Result<Option<UserId>> {
        Ok(self.binding_of(id).await?.map(|binding| binding.user_id))
    }
    /// The whole binding of an order.
    async fn binding_of(&self, id: &OrderId) -> Result<Option<Binding>>;
    /// The orders that are bound to an identity, the latest binding first, at most `limit`.
    async fn bound_orders(&self, user: &UserId, limit: u32) -> Result<Vec<OrderId>>;
    /// Binds an order to an identity that knew something of it, and returns the identity it is bound to: this one, unless
    /// another one had shown that before. A binding without a proof is replaced. Atomic, as [`Orders::bind_order`].
    async fn prove_binding(&self, id: &OrderId, user: &UserId, proof: Proof, at: Timestamp) -> Result<UserId>;
    /// Removes the binding of an order, and returns it.
    async fn unbind_order(&self, id: &OrderId) -> Result<Option<Binding>>;
    /// Records that an identity asked for an order, and returns whether it stays within `limit` distinct orders in the
    /// last 24 hours. An order already recorded in that time never counts again; one over the limit is not recorded.
    async fn try_record_lookup(&self, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> Result<bool>;
}

/// A refund in the ledger, and whether it was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The one refund of the order.
    pub refund: Refund,
    /// Whether it had been paid before this call.
    pub already: bool,
}

/// Proposals, called quotes here as before, and refunds.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Saves a proposal of any kind.
    async fn save_quote(&self, quote: &Proposal) -> Result<()>;
    /// The latest proposal of a refund for an order that was made to this identity (`None`: to an operator).
    async fn latest_quote(&self, order: &OrderId, user: Option<&UserId>) -> Result<Option<Proposal>>;
    /// The proposal with this identifier.
    async fn quote(&self, id: &QuoteId) -> Result<Option<Proposal>>;
    /// The refund of an order, if one was approved.
    async fn refund_of(&self, order: &OrderId) -> Result<Option<Refund>>;
    /// Records a refund unless the order has one: at most one for each order, whatever runs at the same time, and
    /// durable before this returns.
    async fn record_refund(&self, approved: ApprovedRefund) -> Result<Recorded>;
    /// The refunds on behalf of this actor since a time.
    async fn refunds_of(&self, actor: &str, since: Timestamp) -> Result<Vec<Refund>>;
    /// All refunds, the latest first, at most `limit`.
    async fn refunds(&self, limit: u32) -> Result<Vec<Refund>>;
    /// The refund with this transaction id.
    async fn refund(&self, transaction: &str) -> Result<Option<Refund>>;
    /// Refunds in one of these states, the latest first, at most `limit`.
    async fn refunds_in(&self, states: &[RefundState], limit: u32) -> Result<Vec<Refund>>;
    /// Claims the refund that has been due for longest at `now`, until the lease ends: of many callers, in any number of
    /// processes, one gets it. Its version is raised.
    async fn claim_refund(&self, now: Timestamp, lease: SignedDuration) -> Result<Option<Refund>>;
    /// Stores how far a refund is, under the next version, unless another writer was faster: `false` and nothing stored
    /// where its version is no longer that of `refund`. Durable before this returns.
    async fn advance_refund(&self, refund: &Refund, progress: &Progress) -> Result<bool>;
}

/// The messages of conversations.
#[async_trait]
pub trait Transcript: Send + Sync {
    /// Adds messages in their order.
    async fn append_messages(&self, messages: &[ChatMessage]) -> Result<()>;
    /// The last `limit` messages of a conversation, the oldest first.
    async fn recent_messages(&self, user: &UserId, limit: u32) -> Result<Vec<ChatMessage>>;
}

/// The state of conversations.
#[async_trait]
pub trait Conversations: Send + Sync {
    /// The conversation of a customer, if there is one.
    async fn conversation(&self, user: &UserId) -> Result<Option<Conversation>>;
    /// Saves a conversation whose `version` is the stored one (0: none yet) and stores it with the next version.
    /// `false` and nothing saved when another writer was faster.
    async fn save_conversation(&self, conversation: &Conversation) -> Result<bool> {
        self.save_turn(conversation, &[]).await
    }
    /// Saves a conversation as [`Conversations::save_conversation`] does, and adds the turn's replies to the
    /// transcript: both or neither.
    async fn save_turn(&self, conversation: &Conversation, replies: &[ChatMessage]) -> Result<bool>;
    /// Saves a conversation as [`Conversations::save_conversation`] does, adds what a member of the team said to the
    /// transcript, and queues it for the customer: all of it or nothing. The message's turn must be the conversation's,
    /// and one that no message to the customer had before.
    async fn save_reply(&self, conversation: &Conversation, said: &ChatMessage, outgoing: &Outgoing) -> Result<bool>;
}

/// Requests for a person.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Saves an alert, unless the customer has a pending one: then this one is merged into that one, which is returned.
    /// Its reason is appended, its last message replaces the earlier one, and the higher priority of the two holds.
    async fn open_alert(&self, alert: &Alert) -> Result<Alert>;
    /// The pending alert of a customer.
    async fn pending_alert(&self, user: &UserId) -> Result<Option<Alert>>;
    /// The alert with this identifier.
    async fn alert(&self, id: &AlertId) -> Result<Option<Alert>>;
    /// Alerts, pending first, then by priority and age, at most `limit`.
    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        self.find_alerts(&AlertSearch::default(), limit).await
    }
    /// Alerts that fit, at most `limit`: pending first, then by priority and age; where only resolved ones are
    /// searched, the one that was resolved last first.
    async fn find_alerts(&self, search: &AlertSearch, limit: u32) -> Result<Vec<Alert>>;
    /// How long alerts of customers took that were resolved at or after `since` (`None`: whenever), the latest first, at most `limit`.
    async fn handled_alerts(&self, since: Option<Timestamp>, limit: u32) -> Result<Vec<Handled>> {
        let resolved =
            AlertSearch { status: Some(AlertStatus::Resolved), resolved_since: since, ..AlertSearch::default() };
        Ok(self.find_alerts(&resolved, limit).await?.iter().filter_map(Handled::of).collect())
    }
    /// Assigns a pending alert of `from` (`None`: unassigned) to `to` (`None`: unassigned). Atomic: of many callers who
    /// want the same alert one gets it, and the others get the alert with its assignee. Done, too, where `to` has it
    /// already.
    async fn assign_alert(&self, id: &AlertId, from: Option<&str>, to: Option<&str>, at: Timestamp)
    -> Result<Assigned>;
    /// Resolves an alert; `false` and nothing changed where there is no such pending alert.
    async fn resolve_alert(&self, id: &AlertId, resolution: &Resolution) -> Result<bool>;
    /// Makes a resolved alert pending again, and unassigned, unless the customer has another pending one. Its
    /// resolution stays on record.
    async fn reopen_alert(&self, id: &AlertId, by: &str, at: Timestamp) -> Result<Reopened>;
    /// Pending alerts raised at or after `since` for which no notification was sent through a channel, such as `mail`,
    /// and which no caller has claimed for sending until after `at`; at most `limit`, those of high priority first.
    async fn unsent_alerts(&self, channel: &str, since: Timestamp, at: Timestamp, limit: u32) -> Result<Vec<Alert>>;
    /// Claims the notification of an alert through a channel, such as `mail`, until a time: `false` where it was sent,
    /// or where another caller has claimed it until after `at`. Of many callers, in any number of processes, one gets
    /// `true`.
    async fn begin_notice(&self, id: &AlertId, channel: &str, at: Timestamp, until: Timestamp) -> Result<bool>;
    /// Saves, permanently, that the notification of an alert was sent through this channel.
    async fn end_notice(&self, id: &AlertId, channel: &str) -> Result<()>;
}

/// The audit trail: append-only and hash-chained. Only [`Retention`] and [`Erasure`] remove anything, on record.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Seals a record at the end of the chain; durable before this returns. Any number of processes may append.
    async fn append_audit(&self, record: &AuditRecord) -> Result<AuditEntry>;
    /// Seals a record as [`Audit::append_audit`] does, for a call that changed nothing: when this returns it survives
    /// the end of this process, and is on the disk with the next durable write. A power cut may take the last such
    /// records, never one from the middle: the chain holds.
    async fn append_audit_without_sync(&self, record: &AuditRecord) -> Result<AuditEntry> {
        self.append_audit(record).await
    }
    /// Up to `limit` entries from place `from` (1 is the first) on.
    async fn audit_entries(&self, from: u64, limit: u32) -> Result<Vec<AuditEntry>>;
    /// The place of the last entry, without reading the chain; 0 where there is none.
    async fn audit_length(&self) -> Result<u64>;
    /// The key that entries are signed with, and where it came from.
    fn audit_key(&self) -> Option<LoadedKey> {
        None
    }
    /// Checks the whole chain, also that its end was not cut off, and the signatures where the key is there.
    async fn check_audit(&self) -> Result<AuditCheck>;
    /// Compares the trail with the ledger: each refund that the trail says was paid is in the ledger with the same
    /// amount and transaction, and each refund in the ledger has a call on record, or is one of those that the entries
    /// agreed with which were removed for their age; and each is in the state that its latest recorded change says. The first
    /// place where they differ.
    async fn check_refunds(&self) -> Result<Option<(u64, String)>>;
}

/// Who answers a customer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnsweredBy {
    /// The bot: no alert of the customer is pending.
    Bot,
    /// A person.
    Person,
}

/// A search for conversations: those with a message that matches all of this. `None` and empty text match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// A substring of the message or of the customer's identity. Whether case matters beyond the letters A to Z depends
    /// on the backend.
    pub text: String,
    /// A substring of the customer's identity.
    pub user: String,
    /// An order that the message names, or that is bound or quoted to the customer.
    pub order: Option<OrderId>,
    /// The intent of the message.
    pub intent: Option<String>,
    /// The sentiment of the message.
    pub sentiment: Option<String>,
    /// Who answers the customer now.
    pub answered_by: Option<AnsweredBy>,
    /// Only customers with a message to them that was given up, or failed after it had been sent.
    pub undelivered: bool,
    /// Only customers who want no messages.
    pub opted_out: bool,
    /// Only messages from then on.
    pub from: Option<Timestamp>,
    /// Only messages before then.
    pub until: Option<Timestamp>,
}

impl Search {
    /// The whole identities that the searched substrings may stand for.
    pub(crate) fn identities(&self) -> Vec<String> {
        [&self.user, &self.text]
            .into_iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether only a few customers can match, whose messages an index finds.
    pub(crate) fn is_of_few(&self) -> bool {
        self.answered_by == Some(AnsweredBy::Person) || self.undelivered || self.opted_out
    }

    /// Whether messages have to be scanned, since no index serves the search.
    pub(crate) fn needs_scan(&self) -> bool {
        !self.text.is_empty() || !self.user.is_empty() || self.order.is_some()
    }
}

/// The result of a search.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConversationsFound {
    /// Customers, the one with the latest fitting message first.
    pub users: Vec<UserId>,
    /// Where the scan stopped: messages before this moment were not searched; a search up to it continues there.
    pub unsearched_before: Option<Timestamp>,
}

/// Statistics and searches for the team. Nothing here changes anything.
#[async_trait]
pub trait Insights: Send + Sync {
    /// The stats of conversations in a period. Hand-overs are counted from `alerts`.
    async fn conversation_stats(&self, period: &Period, alerts: &[AlertRow]) -> Result<ConversationStats>;
    /// The stats of orders in a period, of one platform or all. Where the period has a beginning, only orders with a
    /// date count.
    async fn order_stats(&self, period: &Period, platform: Option<&str>) -> Result<OrderStats>;
    /// The stats of refunds that were paid in a period, of one platform or all.
    async fn refund_stats(&self, period: &Period, platform: Option<&str>) -> Result<RefundStats>;
    /// Every alert, resolved ones too, each once.
    async fn alert_rows(&self) -> Result<Vec<AlertRow>>;
    /// How many alerts are pending: every page shows it.
    async fn pending_alerts(&self) -> Result<PendingAlerts> {
        Ok(PendingAlerts::of(&self.alert_rows().await?))
    }
    /// Customers in whose conversation a message matches, at most `limit`. Where messages have to be scanned for a
    /// text, a substring of an identity or an order, the latest `depth` of those that match otherwise are scanned; a
    /// customer with exactly that identity, or with the order bound or quoted, is found whenever they wrote.
    async fn find_conversations(&self, search: &Search, limit: u32, depth: u32) -> Result<ConversationsFound>;
    /// A token that changes when a message was said or sent, the status of a sent message changed, a refund was paid,
    /// an audit entry was written, or an alert was raised, resolved or reopened. Cheap: it is polled every second.
    async fn change_token(&self) -> Result<String>;
}

/// The state of a store, as `doctor` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// The backend and its version, such as `SQLite 3.50.4`.
    pub backend: String,
    /// Its location, without credentials.
    pub location: String,
    /// Whether this process may write it.
    pub writable: bool,
    /// The schema version.
    pub schema: i64,
    /// Problems that an integrity check found; empty where there are none.
    pub problems: Vec<String>,
    /// The indexes that the queries need and that exist.
    pub indexes: Vec<String>,
}

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ConversationSummary {
    /// The customer.
    pub user_id: UserId,
    /// The last message.
    pub last: Option<ChatMessage>,
    /// Its state.
    pub conversation: Option<Conversation>,
    /// The pending request for a person.
    pub alert: Option<Alert>,
    /// How many messages to the customer were not delivered.
    pub undelivered: u64,
    /// Since when the customer wants no messages.
    pub opted_out: Option<Timestamp>,
}

/// Everything that a backend offers.
#[async_trait]
pub trait Store:
    Orders
    + Ledger
    + Actions
    + Transcript
    + Conversations
    + Corrections
    + Desk
    + KnowledgeGaps
    + Ratings
    + MediaFiles
    + Alerts
    + Events
    + Audit
    + Inbox
    + Outbox
    + Contacts
    + Wake
    + Retention
    + Erasure
    + Identities
    + Insights
{
    /// Checks the store as a whole.
    async fn health(&self) -> Result<StoreHealth>;

    /// Documents that cannot be read, in words: they are passed over. The embedded store holds none that another program
    /// wrote.
    async fn unreadable(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// What another program left that this one took over from, and what becomes of it, in lines. The embedded store has no
    /// such program beside it.
    async fn moved_over(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// How many messages one search scans: as many as keep a page responsive.
    fn search_limit(&self) -> u32;

    /// The conversations of customers, in their order.
    async fn conversation_summaries(&self, users: &[UserId]) -> Result<Vec<ConversationSummary>> {
        try_join_all(users.iter().map(|user| async move {
            let (last, conversation, alert, undelivered, preference) = try_join!(
                self.recent_messages(user, 1),
                self.conversation(user),
                self.pending_alert(user),
                self.undelivered(user),
                self.preference(user)
            )?;
            Ok(ConversationSummary {
                user_id: user.clone(),
                last: last.into_iter().next(),
                conversation,
                alert,
                undelivered,
                opted_out: Contact { heard: None, preference }.opted_out(),
            })
        }))
        .await
    }

    /// What is known of a customer as a receiver of messages. Where the inbox holds nothing of them any more, the transcript
    /// says when they wrote.
    async fn contact(&self, user: &UserId) -> Result<Contact> {
        let (mut heard, preference) = try_join!(self.last_inbound(user), self.preference(user))?;
        if heard.is_none() {
            let said = self.recent_messages(user, HEARD_MESSAGES).await?;
            let last = said.into_iter().rev().find(|message| message.role == Role::User);
            heard = last.map(|message| Heard { at: message.at, number: None });
        }
        Ok(Contact { heard, preference })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_is_not_there_is_named_without_secrets() {
        match open("postgres://bot:s3cret@db.example/shop").map(|_| ()) {
            Err(StoreError::Unsupported { uri }) => assert_eq!(uri, "postgres://db.example"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_connection_string_is_named_without_its_secrets() {
        for (uri, shown) in [
            ("mongodb://bot:s3cret@db.example:27017/shop", "mongodb://db.example:27017"),
            ("mongodb+srv://bot:p@ss/w?rd@cluster.example/?tls=true", "mongodb+srv://cluster.example"),
            ("mongodb://one.example,two.example/?password=s3cret", "mongodb://one.example,two.example"),
            ("shop.db", "shop.db"),
        ] {
            assert_eq!(display_location(uri), shown);
        }
    }

    #[test]
    fn a_mistyped_connection_string_is_no_file_and_shows_no_password() {
        for typed in [
            "mongodb:/mia:W0rd@db.example/shop",
            "MongoDB:mia:W0rd@db.example/shop",
            "mongodb//mia:W0rd@db.example/shop",
            "mongodb+srv:/mia:W0rd@db.example/shop",
            "mongo:mia:W0rd@x/y@db.example/shop",
            "mia:W0rd@db.example",
        ] {
            let error = open(typed).err().unwrap();
            assert!(matches!(&error, StoreError::Address { path, .. } if path == "db.example"), "{error:?}");
            assert_eq!(display_location(typed), "db.example");
        }
        for file in ["shop@home.db", "a:b.db", "mongodb", "mongodb/shop.db", "C:\\shop.db"] {
            assert_eq!((display_location(file).as_str(), file_path(file).is_ok()), (file, true));
        }
    }
}

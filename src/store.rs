//! Decides what can be asked of a store: the ports that every backend implements.
//!
//! It must never hold a rule about money or people: those are in `domain`, and a backend only keeps what they decided.

mod book;
mod corrections;
mod erasure;
mod fault;
mod fresh;
pub mod mongo;
mod queue;
mod retention;
pub mod sqlite;
mod trail;

#[cfg(test)]
mod contract;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;
use futures_util::try_join;
use jiff::Timestamp;

use crate::domain::alert::{Alert, AlertSearch, Assigned, Reopened, Settlement};
use crate::domain::audit::{AuditCheck, AuditEntry, AuditRecord};
use crate::domain::conversation::Conversation;
use crate::domain::figures::{AlertRow, OrderFigures, Period, RefundFigures, TalkFigures};
use crate::domain::ids::{AlertId, OrderId, QuoteId, UserId};
use crate::domain::message::ChatMessage;
use crate::domain::order::Order;
use crate::domain::outgoing::Outgoing;
use crate::domain::refund::{ApprovedRefund, Quote, Refund};
pub use corrections::Corrections;
pub use erasure::{Bound, Erased, Erasure, Forgotten, KeptMessage, PersonalData, forget, personal_data};
pub use fault::{Result, StoreError};
pub use fresh::Fresh;
pub use mongo::MongoSettings;
pub use queue::{
    Accepted, BURST, Backlog, Bell, Claim, Finished, FinishedTurn, Inbox, Listener, Outbox, Patience, Unfinished, Wake,
    WorkState,
};
pub use retention::{Retention, SweepReport, Sweepable, sweep};

/// Opens the store at a location, with the usual settings for a server: a file for the embedded store, or a `mongodb://`
/// address. Blocks until the store is there.
///
/// # Errors
/// When it cannot be opened as a store, or the location names a backend that this build does not have.
pub fn open(location: &str) -> Result<Arc<dyn Store>> {
    open_with(location, &MongoSettings::default())
}

/// As [`open`], with the settings for a server.
///
/// # Errors
/// As [`open`].
pub fn open_with(location: &str, settings: &MongoSettings) -> Result<Arc<dyn Store>> {
    if mongo::is_mongo(location) {
        return Ok(Arc::new(mongo::MongoStore::open(location, settings)?));
    }
    Ok(Arc::new(sqlite::SqliteStore::open(file(location)?)?))
}

/// Opens the store at a location only to look at it: nothing is made or changed.
///
/// # Errors
/// As [`open`], and when there is no store.
pub fn look(location: &str) -> Result<Arc<dyn Store>> {
    look_with(location, &MongoSettings::default())
}

/// As [`look`], with the settings for a server.
///
/// # Errors
/// As [`look`].
pub fn look_with(location: &str, settings: &MongoSettings) -> Result<Arc<dyn Store>> {
    if mongo::is_mongo(location) {
        return Ok(Arc::new(mongo::MongoStore::look(location, settings)?));
    }
    Ok(Arc::new(sqlite::SqliteStore::look(file(location)?)?))
}

/// Copies the store at a location to a file, while it is in use.
///
/// # Errors
/// As [`sqlite::backup`], and when the location names no file.
pub fn backup(location: &str, to: &Path, replace: bool) -> Result<sqlite::BackupReport> {
    match place(location)? {
        Some(file) => sqlite::backup(file, to, replace),
        None => Err(StoreError::NoFile { path: shown(location) }),
    }
}

/// The file that a location names; `None` for a server.
///
/// # Errors
/// When the location is empty or names a backend that this build does not have.
pub fn place(location: &str) -> Result<Option<&Path>> {
    if mongo::is_mongo(location) { Ok(None) } else { file(location).map(Some) }
}

/// A location as it may be shown: without credentials.
pub fn shown(location: &str) -> String {
    if location.contains("://") { without_credentials(location) } else { location.to_owned() }
}

fn file(location: &str) -> Result<&Path> {
    if location.trim().is_empty() {
        return Err(StoreError::NoName);
    }
    if location.contains("://") {
        return Err(StoreError::Unsupported { uri: without_credentials(location) });
    }
    Ok(Path::new(location))
}

/// Scheme and hosts of a connection string. Path and options go too: options can hold passwords.
fn without_credentials(uri: &str) -> String {
    let (scheme, rest) = uri.split_once("://").unwrap_or(("", uri));
    // A password may hold any of `/?@` where somebody forgot to escape it: only what follows the last `@` is shown.
    let hosts = rest.rsplit('@').next().unwrap_or_default();
    let hosts = hosts.split(['/', '?']).next().unwrap_or_default();
    format!("{scheme}://{hosts}")
}

/// How an import treats what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ImportMode {
    /// New orders are added, known ones replaced.
    #[default]
    Upsert,
    /// New orders are added, known ones are left as they are and counted.
    Append,
    /// All orders are removed first. Refunds, quotes and bindings stay.
    Replace,
}

/// What one batch of an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Orders that were not there before.
    pub added: u64,
    /// Orders that were there and were replaced.
    pub updated: u64,
    /// Orders that were there and were left alone.
    pub kept: u64,
    /// Orders that came earlier in the same import: the later one counts, with [`ImportMode::Append`] the first.
    pub repeated: u64,
}

/// An import in progress: nothing shows before [`OrderImport::commit`]; dropping it undoes everything.
///
/// What the commit promises differs. The embedded store makes all orders visible at once, or none. On a server, each order
/// becomes visible by itself: others may see some orders of before and some of after while it runs, and where the process or
/// the connection is lost for good, a part is kept. Everything in it is idempotent: the same import, run again, completes it.
#[async_trait]
pub trait OrderImport: Send {
    /// Writes a batch of orders.
    async fn write(&mut self, orders: Vec<Order>) -> Result<Written>;
    /// Makes it all visible and durable.
    async fn commit(self: Box<Self>) -> Result<()>;
}

/// Orders, and who may see them.
#[async_trait]
pub trait Orders: Send + Sync {
    /// An order, or `None`.
    async fn order(&self, id: &OrderId) -> Result<Option<Order>>;
    /// How many orders there are.
    async fn count_orders(&self) -> Result<u64>;
    /// Starts an import.
    async fn begin_import(&self, mode: ImportMode) -> Result<Box<dyn OrderImport>>;
    /// Binds an order to the first identity that asks, for ever, and returns the identity it is bound to.
    /// Atomic: of many callers, in any number of processes, one wins. Bindings outlive the order.
    async fn bind_order(&self, id: &OrderId, user: &UserId, at: Timestamp) -> Result<UserId>;
    /// The identity an order is bound to.
    async fn binding(&self, id: &OrderId) -> Result<Option<UserId>>;
    /// Notes that an identity asked for an order and says whether it stays within `limit` distinct orders in the last
    /// 24 hours. An order already noted in that time never counts again; one over the limit is not noted.
    async fn note_lookup(&self, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> Result<bool>;
}

/// A refund in the ledger, and whether it was there before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The one refund of the order.
    pub refund: Refund,
    /// Whether it had been paid before this call.
    pub already: bool,
}

/// Quotes and refunds.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Keeps a quote.
    async fn save_quote(&self, quote: &Quote) -> Result<()>;
    /// The latest quote for an order that was made to this identity (`None`: to an operator).
    async fn latest_quote(&self, order: &OrderId, user: Option<&UserId>) -> Result<Option<Quote>>;
    /// The quote with this identifier.
    async fn quote(&self, id: &QuoteId) -> Result<Option<Quote>>;
    /// The refund of an order, if one was paid.
    async fn refund_of(&self, order: &OrderId) -> Result<Option<Refund>>;
    /// Records a refund unless the order has one: at most one for each order, whatever runs at the same time, and
    /// durable before this returns.
    async fn record_refund(&self, approved: ApprovedRefund) -> Result<Recorded>;
    /// All refunds, the latest first, at most `limit`.
    async fn refunds(&self, limit: u32) -> Result<Vec<Refund>>;
}

/// What was said.
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
    /// Saves a conversation as [`Conversations::save_conversation`] does, and adds the turn's replies to the transcript:
    /// both or neither.
    async fn save_turn(&self, conversation: &Conversation, replies: &[ChatMessage]) -> Result<bool>;
    /// Saves a conversation as [`Conversations::save_conversation`] does, adds what a member of the team said to the
    /// transcript, and queues it for the customer: all of it or nothing. The message's turn must be the conversation's,
    /// and one that no message to the customer had before.
    async fn save_reply(&self, conversation: &Conversation, said: &ChatMessage, outgoing: &Outgoing) -> Result<bool>;
}

/// Requests for a person.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Keeps an alert, unless the customer has a pending one: then the reason and last message are added to that one, it
    /// is made as urgent as this one where this one is more urgent, and it is returned.
    async fn open_alert(&self, alert: &Alert) -> Result<Alert>;
    /// The pending alert of a customer.
    async fn pending_alert(&self, user: &UserId) -> Result<Option<Alert>>;
    /// The alert with this identifier.
    async fn alert(&self, id: &AlertId) -> Result<Option<Alert>>;
    /// Alerts, pending first, then by priority and age, at most `limit`.
    async fn alerts(&self, limit: u32) -> Result<Vec<Alert>> {
        self.find_alerts(&AlertSearch::default(), limit).await
    }
    /// Alerts that fit, at most `limit`: pending first, then by priority and age; where only settled ones are looked for,
    /// the one that was settled last first.
    async fn find_alerts(&self, search: &AlertSearch, limit: u32) -> Result<Vec<Alert>>;
    /// Gives a pending alert that `from` has (`None`: nobody) to `to` (`None`: nobody). Atomic: of many who want the same
    /// alert one gets it, and the others are told who has it. Where `to` has it already, it is done.
    async fn assign_alert(&self, id: &AlertId, from: Option<&str>, to: Option<&str>, at: Timestamp)
    -> Result<Assigned>;
    /// Settles an alert; `false` and nothing changed where there is no such pending alert.
    async fn settle_alert(&self, id: &AlertId, settlement: &Settlement) -> Result<bool>;
    /// Settles an alert of which neither who did it nor what was done is known.
    async fn resolve_alert(&self, id: &AlertId, at: Timestamp) -> Result<bool> {
        self.settle_alert(id, &Settlement { at, by: None, note: String::new() }).await
    }
    /// Makes a settled alert pending again, and nobody's, unless the customer has another pending one. How it was settled
    /// stays known.
    async fn reopen_alert(&self, id: &AlertId, by: &str, at: Timestamp) -> Result<Reopened>;
    /// Pending alerts raised at or after `since` of which nobody was told in one way, such as `mail`, and which nobody has
    /// taken on to tell until after `at`; at most `limit`, those of high priority first.
    async fn untold_alerts(&self, way: &str, since: Timestamp, at: Timestamp, limit: u32) -> Result<Vec<Alert>>;
    /// Takes it on to tell somebody of an alert in one way, such as `mail`: `false` where that was done, or where somebody
    /// else took it on and has until after `at`. Of many callers, in any number of processes, one is told `true`.
    async fn begin_notice(&self, id: &AlertId, way: &str, at: Timestamp, until: Timestamp) -> Result<bool>;
    /// Remembers that an alert was told of in this way, for ever.
    async fn end_notice(&self, id: &AlertId, way: &str) -> Result<()>;
}

/// The audit trail: append-only and hash-chained. Only [`Retention`] and [`Erasure`] take anything away, on record.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Seals a record at the end of the chain; durable before this returns. Chains stay whole with many processes.
    async fn append_audit(&self, record: &AuditRecord) -> Result<AuditEntry>;
    /// Seals a record as [`Audit::append_audit`] does, for a call that changed nothing: kept before this returns whatever
    /// becomes of this process, and on the disk with the next thing that is written. A power cut may take the last such
    /// records, never one from the middle: the chain holds.
    async fn note_audit(&self, record: &AuditRecord) -> Result<AuditEntry> {
        self.append_audit(record).await
    }
    /// Up to `limit` entries from place `from` (1 is the first) on.
    async fn audit_entries(&self, from: u64, limit: u32) -> Result<Vec<AuditEntry>>;
    /// The place of the last entry, without reading the chain; 0 where there is none.
    async fn audit_length(&self) -> Result<u64>;
    /// Checks the whole chain, also that its end was not cut off.
    async fn check_audit(&self) -> Result<AuditCheck>;
    /// Compares the trail with the ledger: each refund that the trail says was paid is in the ledger with the same
    /// amount and transaction, and each refund in the ledger has a call on record, or is one of those that the entries
    /// agreed with which were removed for their age. The first place where they differ.
    async fn check_refunds(&self) -> Result<Option<(u64, String)>>;
}

/// Who answers a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// The bot: no alert of the customer is pending.
    Bot,
    /// A person.
    Person,
}

/// Which conversations are looked for: those with a message that all of this fits. What is `None` or empty does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Search {
    /// A part of what was said, or of the customer's identity. Whether case matters beyond the letters A to Z depends on
    /// the backend.
    pub text: String,
    /// A part of the customer's identity.
    pub user: String,
    /// An order that the message names, or that is bound or quoted to the customer.
    pub order: Option<OrderId>,
    /// What triage made of the message.
    pub intent: Option<String>,
    /// How it sounded.
    pub sentiment: Option<String>,
    /// Who answers the customer now.
    pub answers: Option<Answers>,
    /// Only what was said from then on.
    pub from: Option<Timestamp>,
    /// Only what was said before then.
    pub until: Option<Timestamp>,
}

impl Search {
    /// The identity that a part of one may be meant as, where it is looked for.
    pub(crate) fn names(&self) -> Vec<String> {
        [&self.user, &self.text]
            .into_iter()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether messages have to be looked through, since no index finds what fits.
    pub(crate) fn is_looked_through(&self) -> bool {
        !self.text.is_empty() || !self.user.is_empty() || self.order.is_some()
    }
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TalksFound {
    /// Customers, the one with the latest fitting message first.
    pub users: Vec<UserId>,
    /// Where messages from before this moment were not looked through; a search up to it goes on there.
    pub unsearched_before: Option<Timestamp>,
}

/// What the team's figures are counted from. Nothing here changes anything.
#[async_trait]
pub trait Insights: Send + Sync {
    /// What conversations of a period come to. Hand-overs are told by `alerts`.
    async fn talk_figures(&self, period: &Period, alerts: &[AlertRow]) -> Result<TalkFigures>;
    /// What orders of a period come to, of one platform or all. With a beginning, only orders that have a date.
    async fn order_figures(&self, period: &Period, platform: Option<&str>) -> Result<OrderFigures>;
    /// What the refunds that were paid in a period come to, of one platform or all.
    async fn refund_figures(&self, period: &Period, platform: Option<&str>) -> Result<RefundFigures>;
    /// Every alert, settled ones too, each once.
    async fn alert_rows(&self) -> Result<Vec<AlertRow>>;
    /// Customers in whose conversation a message fits, at most `limit`. Where messages have to be looked through for a text, a
    /// part of an identity or an order, that is done with the latest `depth` of those that fit otherwise; whoever has just
    /// that identity, or the order bound or quoted, is found whenever they wrote.
    async fn find_talks(&self, search: &Search, limit: u32, depth: u32) -> Result<TalksFound>;
    /// A text that is another one when something was said, sent, refunded or put on record, news of a sent message came, or
    /// an alert was raised, settled or opened again, since it was asked for last. Cheap: it is asked for every second.
    async fn change_mark(&self) -> Result<String>;
}

/// What `doctor` shows of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreHealth {
    /// The backend and its version, such as `SQLite 3.50.4`.
    pub backend: String,
    /// Where it is.
    pub location: String,
    /// Whether this process may write it.
    pub writable: bool,
    /// The schema version.
    pub schema: i64,
    /// What an integrity check found wrong; empty where all is well.
    pub problems: Vec<String>,
    /// The indexes that the store's queries need and that are there.
    pub indexes: Vec<String>,
}

/// A conversation in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Talk {
    /// Whose.
    pub user_id: UserId,
    /// What was said last.
    pub last: Option<ChatMessage>,
    /// What is remembered of it.
    pub conversation: Option<Conversation>,
    /// The pending request for a person.
    pub alert: Option<Alert>,
}

/// Everything a backend offers.
#[async_trait]
pub trait Store:
    Orders
    + Ledger
    + Transcript
    + Conversations
    + Corrections
    + Alerts
    + Audit
    + Inbox
    + Outbox
    + Wake
    + Retention
    + Erasure
    + Insights
{
    /// Looks at the store as a whole.
    async fn health(&self) -> Result<StoreHealth>;

    /// How many messages are looked through for a text at a time: as many as take no longer than a page may.
    fn depth(&self) -> u32;

    /// The conversations of customers, in their order.
    async fn talks_of(&self, users: &[UserId]) -> Result<Vec<Talk>> {
        try_join_all(users.iter().map(|user| async move {
            let (last, conversation, alert) =
                try_join!(self.recent_messages(user, 1), self.conversation(user), self.pending_alert(user))?;
            Ok(Talk { user_id: user.clone(), last: last.into_iter().next(), conversation, alert })
        }))
        .await
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
            assert_eq!(super::shown(uri), shown);
        }
    }
}

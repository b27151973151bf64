//! Decides how the ports of the store are kept in a MongoDB database: the collections, their indexes, and which single
//! document carries each promise.
//!
//! It must never need a transaction: correctness rests on atomic operations on one document and on unique keys alone, so
//! that a standalone server, a replica set and a sharded cluster behave alike.
//!
//! Every write is acknowledged by a majority and journaled; reads see what a majority has. Every operation stays right
//! when the driver, or whoever calls, applies it twice. Amounts are whole paise, but for `order_details`, whose
//! `Order Value (INR)` is in rupees as in the original (a double of at most two decimals is exact). Times are dates, cut to
//! the millisecond.
//!
//! | collection | `_id` | shard key | what it carries |
//! |---|---|---|---|
//! | `order_details` | made by the server | `{"Order ID": 1}` | one document for each order, under the original's names |
//! | `bindings` | order id | `{_id: "hashed"}` | the first identity that asked |
//! | `lookups` | customer | `{_id: "hashed"}` | the orders asked for in 24 hours |
//! | `refunds` | order id | `{_id: "hashed"}` | at most one refund of an order, for ever |
//! | `quotes` | quote id | `{_id: "hashed"}` | |
//! | `chats` | `customer/place` | `{user_id: 1}` | the transcript; the place comes from the conversation |
//! | `conversations` | customer | `{_id: "hashed"}` | state, version, claim, due time: the commit point of a turn |
//! | `corrections` | `customer/turn/digest of the text` | `{user_id: 1}` | labels that people gave |
//! | `inbox` | message id | `{_id: "hashed"}` | a redelivery is dropped by its key |
//! | `outbox` | `customer/turn/sequence` | `{user_id: 1}` | |
//! | `human_intervention_alerts` | `customer/…`, before that alert id | `{_id: "hashed"}` | the latest alert of a customer, so that one at most is pending |
//! | `audit` | place | not sharded | the chain: of two writers of a place one gets it |
//! | `audit_head` | `head`, `cut` | not sharded | where the chain ends; up to where it was removed |
//! | `meta` | `schema`, `retention` | not sharded | the schema version; who removes what is old, and when that was done last |
//!
//! Each shard key is in the filter of every write of one document, and in that of what is asked for each message; what
//! looks for work or for what is old asks all shards, and takes the first few by an index. The unique keys are `_id` and,
//! for orders, the shard key itself: nothing else has to be unique across shards. The audit trail is one chain, so it is one
//! shard's.
//!
//! A turn is one update of its conversation, which holds everything that the other collections are to get in
//! `unsettled`; that is spread afterwards, each document by a key of its own, and by whoever comes next where the process
//! died in between.

mod address;
mod alerts;
mod audit;
mod book;
mod chats;
mod corrections;
mod driver;
mod erasure;
mod fault;
mod import;
mod inbox;
mod insights;
mod ledger;
mod mark;
mod order_book;
mod orders;
mod outbox;
mod retention;
mod schema;
mod values;
mod wake;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::options::ClientOptions;
use mongodb::{Client, Collection, Database};
use tokio_util::task::AbortOnDropHandle;

use self::fault::Fault;
use super::{Bell, Result, Store, StoreError, StoreHealth, Talk};
use crate::domain::ids::UserId;

pub use address::is_mongo;

/// How a MongoDB server is used; what the connection string itself says about the pool and the database goes before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MongoSettings {
    /// The database, where the connection string names none.
    pub database: String,
    /// How long a server is looked for.
    pub connect: Duration,
    /// How long one operation may take.
    pub operation: Duration,
    /// Connections at most, to each server.
    pub pool: u32,
}

impl Default for MongoSettings {
    fn default() -> Self {
        Self {
            database: "ecommerce_support".to_owned(),
            connect: Duration::from_secs(10),
            operation: Duration::from_secs(30),
            pool: 32,
        }
    }
}

/// A store in a MongoDB database.
pub struct MongoStore {
    base: Base,
    bell: Arc<Bell>,
    watching: OnceLock<AbortOnDropHandle<()>>,
    /// What the team's figures are counted from.
    book: Arc<tokio::sync::Mutex<book::SyncedBook>>,
    orders: Arc<order_book::OrderBook>,
    /// From when on a change is looked for.
    known: Arc<mark::Known>,
}

/// What an operation works on.
#[derive(Clone)]
struct Base {
    db: Database,
    /// Its place in messages: scheme, hosts and database.
    shown: Arc<str>,
    settings: MongoSettings,
}

impl MongoStore {
    /// Opens a store, and makes its indexes where they are not there yet. Blocks until a server answers.
    ///
    /// # Errors
    /// When the connection string cannot be used, no server answers in time, the server refuses, or the store is newer.
    pub fn open(uri: &str, settings: &MongoSettings) -> Result<Self> {
        let (uri, settings) = (uri.to_owned(), settings.clone());
        driver::wait(async move { Self::connect(&uri, settings, |_| {}, true).await })
    }

    /// Opens a store only to look at it: nothing is made or changed.
    ///
    /// # Errors
    /// As [`MongoStore::open`], and when the database holds nothing of this program or of the original.
    pub fn look(uri: &str, settings: &MongoSettings) -> Result<Self> {
        let (uri, settings) = (uri.to_owned(), settings.clone());
        driver::wait(async move { Self::connect(&uri, settings, |_| {}, false).await })
    }

    async fn connect(
        uri: &str,
        settings: MongoSettings,
        change: impl FnOnce(&mut ClientOptions),
        make: bool,
    ) -> Result<Self> {
        let mut options = address::parse(uri, &settings).await?;
        change(&mut options);
        let database = options.default_database.clone().unwrap_or_else(|| settings.database.clone());
        let shown: Arc<str> = format!("{}/{database}", address::shown(uri)).into();
        let limit = settings.connect + settings.operation;
        let base = {
            let failed =
                |error: mongodb::error::Error| Fault::from(error).into_error(&shown, "opening the store", limit);
            let client = Client::with_options(options).map_err(failed)?;
            Base { db: client.database(&database), shown: Arc::clone(&shown), settings }
        };
        base.limited("opening the store", limit, schema::prepare(base.clone(), make)).await?;
        Ok(Self {
            base,
            bell: Arc::default(),
            watching: OnceLock::new(),
            book: Arc::default(),
            known: Arc::default(),
            orders: Arc::default(),
        })
    }

    /// Runs an operation on the driver's own threads: a caller may come from any runtime, and one that goes away does not
    /// cut an operation short.
    async fn run<T: Send + 'static, F>(&self, doing: &'static str, work: impl FnOnce(Base) -> F) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, Fault>> + Send + 'static,
    {
        let limit = self.base.settings.operation;
        self.run_within(doing, limit, work).await
    }

    /// As [`MongoStore::run`], for work of many operations.
    async fn run_within<T: Send + 'static, F>(
        &self,
        doing: &'static str,
        limit: Duration,
        work: impl FnOnce(Base) -> F,
    ) -> Result<T>
    where
        F: Future<Output = std::result::Result<T, Fault>> + Send + 'static,
    {
        let (base, work) = (self.base.clone(), work(self.base.clone()));
        driver::run(doing, async move { base.limited(doing, limit, work).await }).await
    }
}

impl Base {
    /// Runs an operation for at most `limit`. Only inside the driver's runtime.
    async fn limited<T>(
        &self,
        doing: &'static str,
        limit: Duration,
        work: impl Future<Output = std::result::Result<T, Fault>>,
    ) -> Result<T> {
        match tokio::time::timeout(limit, work).await {
            Ok(outcome) => outcome.map_err(|fault| fault.into_error(&self.shown, doing, limit)),
            Err(_) => Err(StoreError::Slow { path: self.shown.to_string(), doing, seconds: limit.as_secs() }),
        }
    }

    fn collection(&self, name: &str) -> Collection<Document> {
        self.db.collection(name)
    }
}

/// Waits a moment before something is tried again that somebody else was faster with.
async fn pause() {
    tokio::time::sleep(Duration::from_micros(rand::random_range(200..5_000))).await;
}

/// Runs an upsert by `_id`: of two that insert at the same time one is refused, and then finds the other's document.
async fn upserting<A, T>(make: impl Fn() -> A) -> std::result::Result<T, Fault>
where
    A: IntoFuture<Output = mongodb::error::Result<T>>,
{
    loop {
        match make().await.map_err(Fault::from) {
            Err(fault) if fault.is_duplicate() => pause().await,
            outcome => return outcome,
        }
    }
}

impl fmt::Debug for MongoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoStore").field("shown", &self.base.shown).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for MongoStore {
    async fn health(&self) -> Result<StoreHealth> {
        self.run_within("checking the store", self.base.settings.operation * 4, |base| async move {
            let build = base.db.run_command(doc! {"buildInfo": 1}).await?;
            let hello = base.db.run_command(doc! {"hello": 1}).await?;
            let writable = hello.get_bool("isWritablePrimary").or_else(|_| hello.get_bool("ismaster")).unwrap_or(false)
                && !hello.get_bool("readOnly").unwrap_or(false);
            Ok(StoreHealth {
                backend: format!("MongoDB protocol {}", build.get_str("version").unwrap_or("of an unknown version")),
                location: base.shown.to_string(),
                writable,
                schema: schema::version(&base).await?.unwrap_or(0),
                problems: schema::problems(&base).await?,
                indexes: schema::listed(&base).await?,
            })
        })
        .await
    }

    /// A server takes longer than a file.
    fn depth(&self) -> u32 {
        5_000
    }

    async fn talks_of(&self, users: &[UserId]) -> Result<Vec<Talk>> {
        let users = users.to_vec();
        self.run("reading conversations", |base| async move { chats::talks(&base, &users).await }).await
    }
}

#[cfg(test)]
mod tests;

//! The contract against a server, and what only MongoDB has. They run where `TEST_MONGO_URI` points, each test in a
//! database of its own, which is dropped afterwards; `tests/mongo.sh` starts a server for them.
//!
//! The server of `tests/mongo.sh` speaks MongoDB's protocol and is not MongoDB. What it lacks: its planner passes
//! partial indexes over, so that none is needed by a query here; its plans scan a collection for `_id` and something
//! else, so that queries are held against the indexes instead; a retried write is applied twice.

use std::sync::Arc;

use uuid::Uuid;

use super::*;
use crate::store::contract::TestStore;

mod actions;
mod documents;
mod errors;
mod odd;
mod original;
mod plans;
mod stats_cache;
mod turns;

const URI: &str = "TEST_MONGO_URI";

/// A database of a test, dropped with the last handle.
pub(super) struct Scratch {
    pub(super) name: String,
}

impl Scratch {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { name: format!("ecomres_test_{}", Uuid::now_v7().simple()) })
    }

    pub(super) fn settings(&self) -> MongoSettings {
        MongoSettings { database: self.name.clone(), pool: 8, ..MongoSettings::default() }
    }

    pub(super) fn open(&self) -> MongoStore {
        MongoStore::open(&uri(), &self.settings()).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let name = self.name.clone();
        let dropped = driver::wait(async move {
            let client = Client::with_uri_str(uri()).await.map_err(|error| error.to_string());
            let outcome = match client {
                Ok(client) => client.database(&name).drop().await.map_err(|error| error.to_string()),
                Err(error) => Err(error),
            };
            Ok(outcome)
        });
        if !std::thread::panicking() {
            dropped.unwrap().unwrap();
        }
    }
}

pub(super) fn uri() -> String {
    std::env::var(URI).expect("TEST_MONGO_URI names the server to test against")
}

/// Runs an operation on the database of a store, past the store.
pub(super) async fn raw<T: Send + 'static, F>(store: &MongoStore, work: impl FnOnce(Base) -> F) -> T
where
    F: Future<Output = std::result::Result<T, BackendError>> + Send + 'static,
{
    store.run("testing", work).await.unwrap()
}

mod contract {
    use super::*;

    fn fresh() -> TestStore {
        let scratch = Scratch::new();
        let open = move || -> Arc<dyn Store> { Arc::new(scratch.open().recording_events(true)) };
        TestStore { store: open(), again: Box::new(open) }
    }

    crate::store::contract::contract_tests!(ignored "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI", fresh());
}

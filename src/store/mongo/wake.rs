//! Decides how waiting workers hear of what other processes brought: by a change stream where the server has them.
//!
//! It must never be what work is found by: whoever waits looks again after a while anyway.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use mongodb::bson::{Document, doc};
use tokio_util::task::AbortOnDropHandle;

use super::super::{Bell, Listener, Wake};
use super::schema::{CONVERSATIONS, OUTBOX};
use super::{Base, MongoStore, driver};

/// The wait before a stream that broke is opened again.
const AGAIN: Duration = Duration::from_secs(5);

/// What makes work: a conversation that got a message, and a reply that may be sent.
fn interesting() -> Document {
    doc! {"$match": {"$or": [
        {"ns.coll": CONVERSATIONS, "operationType": "insert"},
        {"ns.coll": CONVERSATIONS, "updateDescription.updatedFields.arrivals": {"$exists": true}},
        {"ns.coll": OUTBOX, "updateDescription.updatedFields.head": true},
    ]}}
}

/// Rings the bell for as long as there is one.
async fn watch(base: Base, bell: Weak<Bell>) {
    loop {
        match base.db.watch().pipeline([interesting()]).await {
            Ok(mut changes) => {
                while let Some(change) = changes.next().await {
                    if let Err(error) = change {
                        tracing::debug!(%error, "the change stream broke");
                        break;
                    }
                    match bell.upgrade() {
                        Some(bell) => bell.ring(),
                        None => return,
                    }
                }
            }
            // A standalone server has no change streams, and a user may lack the permission: then looking again now and
            // then is what there is.
            Err(error) if matches!(*error.kind, mongodb::error::ErrorKind::Command(_)) => {
                tracing::debug!(%error, "no change streams here");
                return;
            }
            Err(error) => tracing::debug!(%error, "no change stream at the moment"),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

impl Wake for MongoStore {
    fn listen(&self) -> Listener {
        let watching = || driver::spawn(watch(self.base.clone(), Arc::downgrade(&self.bell))).ok();
        if self.watching.get().is_none()
            && let Some(task) = watching()
        {
            // Dropped at once where another thread was faster, and with the store otherwise.
            let _ = self.watching.set(AbortOnDropHandle::new(task));
        }
        self.bell.listen()
    }
}

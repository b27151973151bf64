//! Notifies waiting workers of work from other processes, by a change stream where the server has them. It only
//! shortens the wait: workers poll after a while anyway.

use std::ops::ControlFlow;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures_util::{FutureExt as _, StreamExt as _};
use mongodb::bson::{Document, doc};
use tokio_util::task::AbortOnDropHandle;

use super::super::error::panic_message;
use super::super::{Listener, Notifier, Wake};
use super::schema::{CONVERSATIONS, OUTBOX};
use super::{Base, MongoStore, driver};

/// The wait before a stream that broke is opened again.
const RETRY_DELAY: Duration = Duration::from_secs(5);

/// The changes that make work: a conversation that got a message, and a reply that may be sent.
fn work_filter() -> Document {
    doc! {"$match": {"$or": [
        {"ns.coll": CONVERSATIONS, "operationType": "insert"},
        {"ns.coll": CONVERSATIONS, "updateDescription.updatedFields.arrivals": {"$exists": true}},
        {"ns.coll": OUTBOX, "updateDescription.updatedFields.head": true},
    ]}}
}

/// Notifies for as long as the store exists; goes on after a panic.
async fn watch(base: Base, notifier: Weak<Notifier>) {
    loop {
        match AssertUnwindSafe(follow_stream(&base, &notifier)).catch_unwind().await {
            Ok(ControlFlow::Break(())) => return,
            Ok(ControlFlow::Continue(())) => {}
            Err(panic) => {
                tracing::error!(error = panic_message(&*panic), "an error in the program stopped the change stream");
            }
        }
        tokio::time::sleep(RETRY_DELAY).await;
    }
}

/// Opens a change stream and notifies until it breaks.
async fn follow_stream(base: &Base, notifier: &Weak<Notifier>) -> ControlFlow<()> {
    match base.db.watch().pipeline([work_filter()]).await {
        Ok(mut changes) => {
            while let Some(change) = changes.next().await {
                if let Err(error) = change {
                    tracing::debug!(%error, "the change stream broke");
                    break;
                }
                match notifier.upgrade() {
                    Some(notifier) => notifier.notify(),
                    None => return ControlFlow::Break(()),
                }
            }
        }
        // A standalone server has no change streams, and a user may lack the permission: then workers only poll.
        Err(error) if matches!(*error.kind, mongodb::error::ErrorKind::Command(_)) => {
            tracing::debug!(%error, "no change streams here");
            return ControlFlow::Break(());
        }
        Err(error) => tracing::debug!(%error, "no change stream at the moment"),
    }
    ControlFlow::Continue(())
}

impl Wake for MongoStore {
    fn listen(&self) -> Listener {
        let watching = || driver::spawn(watch(self.base.clone(), Arc::downgrade(&self.notifier))).ok();
        if self.watching.get().is_none()
            && let Some(task) = watching()
        {
            // Aborted at once where another thread was faster, and with the store otherwise.
            let _ = self.watching.set(AbortOnDropHandle::new(task));
        }
        self.notifier.listen()
    }
}

//! Decides what becomes of a webhook that was read: messages to the inbox, news to the outbox, echoes to the team.
//!
//! It must never return before all of it is kept, and never keep a message twice.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use crate::channels::whatsapp::payload::Batch;
use crate::inbox::{Sender, taken_over};
use crate::store::{Patience, Store, StoreError};
use crate::telemetry::metric;

/// News of messages that are taken in at the same time.
const AT_ONCE: usize = 32;

/// Takes webhooks in.
#[derive(Clone)]
pub struct Intake {
    store: Arc<dyn Store>,
    sender: Sender,
    patience: Patience,
}

impl Intake {
    /// An intake to a store; `sender` takes in the news of what it sent.
    pub fn new(store: Arc<dyn Store>, sender: Sender, patience: Patience) -> Self {
        Self { store, sender, patience }
    }

    /// Keeps everything that a webhook holds. What was kept before a failure stays, and is known when it comes again.
    ///
    /// # Errors
    /// When the store fails: the webhook has to come again.
    pub async fn take_in(&self, batch: &Batch, now: Timestamp) -> Result<(), StoreError> {
        if !batch.messages.is_empty() {
            let accepted = self.store.accept_patiently(&batch.messages, now, self.patience).await?;
            for message in &batch.messages {
                let (user, message_id) = (message.user_id.masked(), message.id.as_str());
                tracing::info!(user, message_id, kind = message.content.kind(), "a message is kept");
                metrics::counter!(metric::MESSAGES, "kind" => message.content.kind()).increment(1);
            }
            metrics::counter!(metric::REPEATED).increment(accepted.repeated);
        }
        for echo in &batch.echoes {
            // Kept first: where this process dies before the next step, whoever works on the conversation does it.
            let accepted = self.store.accept(std::slice::from_ref(echo), now).await?;
            if accepted.new > 0 && taken_over(self.store.as_ref(), echo, now).await? {
                tracing::info!(user = echo.user_id.masked(), "a member of the team has taken over");
            }
        }
        let news = batch.statuses.iter().cloned().map(|status| {
            let sender = self.sender.clone();
            async move { sender.follow(&status, now).await }
        });
        stream::iter(news).buffer_unordered(AT_ONCE).try_collect::<Vec<()>>().await?;
        metrics::counter!(metric::PASSED_OVER).increment(batch.passed_over.into());
        Ok(())
    }
}

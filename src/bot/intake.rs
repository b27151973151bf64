//! Stores a parsed webhook: messages in the inbox, receipts in the outbox, echoes as messages of the team, wishes about
//! messages. What is of a number that is not the shop's is only counted.

use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;

use crate::channels::whatsapp::payload::Batch;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::media::MediaFile;
use crate::inbox::Sender;
use crate::store::{Debounce, MediaFolder, OTHER_NUMBERS, Store, StoreError};
use crate::support::{handoff, identities, opt_out};
use crate::telemetry::metric;

/// Receipts that are stored at the same time.
const CONCURRENCY: usize = 32;

/// Stores webhooks.
#[derive(Clone)]
pub struct Intake {
    store: Arc<dyn Store>,
    sender: Sender,
    debounce: Debounce,
    numbers: Arc<[String]>,
}

impl Intake {
    /// An intake to a store for the shop's numbers, by the channel's identifiers; `sender` handles the receipts of what it
    /// sent.
    pub fn new(store: Arc<dyn Store>, sender: Sender, debounce: Debounce, numbers: Vec<String>) -> Self {
        Self { store, sender, debounce, numbers: numbers.into() }
    }

    /// Stores everything that a webhook holds. What was stored before an error stays, and is recognised when the webhook
    /// comes again.
    ///
    /// # Errors
    /// When the store fails: the webhook has to be sent again.
    pub async fn accept(&self, mut batch: Batch, now: Timestamp) -> Result<(), StoreError> {
        batch.keep_own(&self.numbers);
        if batch.of_others > 0 {
            metrics::counter!(metric::OF_OTHERS).increment(batch.of_others.into());
            tracing::debug!(parts = batch.of_others, "a webhook is of another number of the account");
            self.store.count(OTHER_NUMBERS, batch.of_others.into(), now).await?;
        }
        let batch = self.of_customers(batch, now).await?;
        if !batch.messages.is_empty() {
            // Before the messages: no turn is to begin that does not know of them.
            if self.store.media_folder().is_some_and(MediaFolder::takes) {
                self.store.note_media(&MediaFile::all(&batch.messages)).await?;
            }
            let accepted = self.store.accept_debounced(&batch.messages, now, self.debounce).await?;
            for message in &batch.messages {
                let (user, message_id) = (message.user_id.masked(), message.id.as_str());
                tracing::info!(user, message_id, kind = message.content.kind(), "a message is stored");
                metrics::counter!(metric::MESSAGES, "kind" => message.content.kind()).increment(1);
            }
            metrics::counter!(metric::REPEATED).increment(accepted.repeated);
        }
        for echo in &batch.echoes {
            // Stored first: where this process dies before the next step, the worker of the conversation does it.
            let accepted = self.store.accept(std::slice::from_ref(echo), now).await?;
            if accepted.new > 0 && handoff::take_over_from_app(self.store.as_ref(), echo, now).await? {
                tracing::info!(user = echo.user_id.masked(), "a member of the team has taken over");
            }
        }
        for stated in &batch.preferences {
            opt_out::record(self.store.as_ref(), &stated.user_id, &stated.preference, now).await?;
        }
        let receipts = batch.statuses.iter().cloned().map(|status| {
            let sender = self.sender.clone();
            async move { sender.record_status(&status, now).await }
        });
        stream::iter(receipts).buffer_unordered(CONCURRENCY).try_collect::<Vec<()>>().await?;
        metrics::counter!(metric::PASSED_OVER).increment(batch.passed_over.into());
        Ok(())
    }

    /// Joins the identities of which the webhook says that they are one customer's, and returns what it holds under the
    /// customers whom it is about.
    async fn of_customers(&self, mut batch: Batch, now: Timestamp) -> Result<Batch, StoreError> {
        let store = self.store.as_ref();
        let mut told = Vec::new();
        for change in &batch.number_changes {
            told.push((change.event.clone(), identities::number_changed(store, change, now).await?));
        }
        for same in &batch.same {
            identities::same_person(store, same, now).await?;
        }
        let inbound = batch.messages.iter_mut().chain(&mut batch.echoes);
        let addressed = batch.statuses.iter_mut().filter_map(|status| status.identity.as_mut());
        let users = inbound
            .map(|message| (Some(&message.id), &mut message.user_id))
            .chain(addressed.map(|identity| (None, &mut identity.user_id)))
            .chain(batch.preferences.iter_mut().map(|stated| (None, &mut stated.user_id)));
        let mut users: Vec<(Option<&MessageId>, &mut UserId)> = users.collect();
        let named: Vec<UserId> = users.iter().map(|(_, user)| (**user).clone()).collect();
        if !named.is_empty() {
            let customers = identities::customers_of(store, &named).await?;
            for ((message, user), customer) in users.iter_mut().zip(customers) {
                // Who changed their number says so under the former one.
                let changed = told.iter().find(|(event, _)| message.is_some_and(|message| message == event));
                **user = changed.map_or(customer, |(_, customer)| customer.clone());
            }
        }
        Ok(batch)
    }
}

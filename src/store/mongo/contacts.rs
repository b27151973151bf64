//! Customers as receivers of messages, and tallies.

use async_trait::async_trait;
use jiff::Timestamp;
use mongodb::bson::{Bson, Document, doc};

use super::super::{Contacts, Result, Tally};
use super::error::BackendError;
use super::events::{self, attach, push};
use super::schema::{INBOX, META, OPT_OUTS, OUTBOX};
use super::values::{count, date, int, is_true, optional_text, text, time};
use super::{Base, MongoStore};
use crate::domain::event::Event;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::opt_out::{Preference, Source, suppression_key};
use crate::domain::outgoing::Delivery;
use crate::domain::sendable::Heard;

type Read<T> = std::result::Result<T, BackendError>;

fn read_preference(document: &Document) -> Read<Preference> {
    let source = text(document, "source")?;
    Ok(Preference {
        stopped: is_true(document, "stopped"),
        at: time(document, "at")?,
        source: Source::parse(&source)
            .ok_or_else(|| BackendError::Content(format!("“{source}” is no source of an opt-out")))?,
        message: optional_text(document, "message")?.map(MessageId::new),
    })
}

async fn preference(base: &Base, user: &UserId) -> Read<Option<Preference>> {
    let found = base.collection(OPT_OUTS).find_one(doc! {"_id": suppression_key(user)}).await?;
    found.as_ref().map(read_preference).transpose()
}

async fn record(base: &Base, user: &UserId, wish: &Preference) -> Read<Option<Preference>> {
    let opt_outs = base.collection(OPT_OUTS);
    // Times are kept in milliseconds: a redelivery must compare as the same.
    let at = Timestamp::from_millisecond(wish.at.as_millisecond()).unwrap_or(wish.at);
    let wish = Preference { at, ..wish.clone() };
    loop {
        let known = preference(base, user).await?;
        let Some(next) = Preference::after(known.as_ref(), &wish) else { return Ok(known) };
        let message = next.message.as_ref().map_or(Bson::Null, |message| message.as_str().into());
        let set = doc! {
            "user_id": user.as_str(), "stopped": next.stopped, "at": date(next.at), "source": next.source.as_str(),
            "message": message,
        };
        let event = events::made(base, |id| Event::preference(id, user, known.as_ref(), &next))?;
        let saved = if let Some(known) = &known {
            let filter = doc! {"_id": suppression_key(user), "stopped": known.stopped, "at": date(known.at)};
            let mut update = doc! {"$set": set};
            push(&mut update, event);
            opt_outs.update_one(filter, update).await?.matched_count == 1
        } else {
            let mut document = set;
            document.insert("_id", suppression_key(user));
            attach(&mut document, event);
            match opt_outs.insert_one(document).await.map_err(BackendError::from) {
                Ok(_) => true,
                Err(error) if error.is_duplicate() => false,
                Err(error) => return Err(error),
            }
        };
        if saved {
            events::move_soon(base, OPT_OUTS, suppression_key(user)).await;
            return Ok(Some(next));
        }
        super::pause().await;
    }
}

#[async_trait]
impl Contacts for MongoStore {
    async fn last_inbound(&self, user: &UserId) -> Result<Option<Heard>> {
        let user = user.clone();
        self.run("looking when a customer wrote", |base| async move {
            let filter = doc! {
                "user_id": user.as_str(), "content.kind": {"$nin": ["echo", "number_changed", "deleted"]},
            };
            let fields = doc! {"sent_at": 1, "number": 1};
            let latest = doc! {"sent_at": -1};
            let found = base.collection(INBOX).find_one(filter).sort(latest).projection(fields).await?;
            let heard = |document: &Document| {
                Ok(Heard { at: time(document, "sent_at")?, number: optional_text(document, "number")? })
            };
            found.as_ref().map(heard).transpose()
        })
        .await
    }

    async fn preference(&self, user: &UserId) -> Result<Option<Preference>> {
        let user = user.clone();
        self.run("reading an opt-out", |base| async move { preference(&base, &user).await }).await
    }

    async fn record_preference(&self, user: &UserId, wish: &Preference) -> Result<Option<Preference>> {
        let (user, wish) = (user.clone(), wish.clone());
        self.run("saving an opt-out", |base| async move { record(&base, &user, &wish).await }).await
    }

    async fn undelivered(&self, user: &UserId) -> Result<u64> {
        let filter = doc! {"user_id": user.as_str(), "state": Delivery::Parked.as_str()};
        self.run("counting undelivered messages", |base| async move {
            Ok(base.collection(OUTBOX).count_documents(filter).await?)
        })
        .await
    }

    async fn count(&self, what: &str, by: u64, at: Timestamp) -> Result<()> {
        let id = format!("tally/{what}");
        self.run("counting", |base| async move {
            let update = doc! {"$inc": {"count": int(by)}, "$max": {"last": date(at)}};
            loop {
                let counted = base.collection(META).update_one(doc! {"_id": &id}, update.clone()).upsert(true).await;
                match counted.map_err(BackendError::from) {
                    // Another process counted for the first time at the same moment.
                    Err(error) if error.is_duplicate() => super::pause().await,
                    counted => return counted.map(drop),
                }
            }
        })
        .await
    }

    async fn counted(&self, what: &str) -> Result<Option<Tally>> {
        let id = format!("tally/{what}");
        self.run("reading a count", |base| async move {
            let found = base.collection(META).find_one(doc! {"_id": id}).await?;
            let tally =
                |document: &Document| Ok(Tally { count: count(document, "count")?, last: time(document, "last")? });
            found.as_ref().map(tally).transpose()
        })
        .await
    }
}

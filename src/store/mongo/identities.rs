//! Identities that lead to customers, and numbers that were given up.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Document, doc};

use super::super::{Identities, Result};
use super::error::BackendError;
use super::schema::{BINDINGS, IDENTITIES, NUMBER_CHANGES, QUOTES};
use super::values::{date, text, time};
use super::{Base, MongoStore};
use crate::domain::identity::{Identity, NumberChange};
use crate::domain::ids::{MessageId, UserId};

type Read<T> = std::result::Result<T, BackendError>;

fn read_identity(document: &Document) -> Read<Identity> {
    Ok(Identity {
        identity: UserId::new(text(document, "_id")?),
        customer: UserId::new(text(document, "user_id")?),
        at: time(document, "at")?,
    })
}

fn read_change(document: &Document) -> Read<NumberChange> {
    Ok(NumberChange {
        event: MessageId::new(text(document, "_id")?),
        old: UserId::new(text(document, "old")?),
        new: UserId::new(text(document, "new")?),
        customer: UserId::new(text(document, "user_id")?),
        at: time(document, "at")?,
    })
}

async fn all<T>(base: &Base, collection: &str, filter: Document, read: fn(&Document) -> Read<T>) -> Read<Vec<T>> {
    let documents: Vec<Document> = base.collection(collection).find(filter).await?.try_collect().await?;
    documents.iter().map(read).collect()
}

fn named(users: &[UserId]) -> Vec<&str> {
    users.iter().map(UserId::as_str).collect()
}

async fn save(base: &Base, one: &Identity, replace: bool) -> Read<Identity> {
    let identities = base.collection(IDENTITIES);
    let document = doc! {"_id": one.identity.as_str(), "user_id": one.customer.as_str(), "at": date(one.at)};
    match identities.insert_one(document).await.map_err(BackendError::from) {
        Ok(_) => {}
        Err(error) if error.is_duplicate() && replace => {
            let older = doc! {"_id": one.identity.as_str(), "at": {"$lt": date(one.at)}};
            let set = doc! {"$set": {"user_id": one.customer.as_str(), "at": date(one.at)}};
            identities.update_one(older, set).await?;
        }
        Err(error) if error.is_duplicate() => {}
        Err(error) => return Err(error),
    }
    let found = all(base, IDENTITIES, doc! {"_id": one.identity.as_str()}, read_identity).await?.pop();
    Ok(found.unwrap_or_else(|| one.clone()))
}

async fn save_change(base: &Base, one: &NumberChange) -> Read<NumberChange> {
    let document = doc! {
        "_id": one.event.as_str(),
        "old": one.old.as_str(),
        "new": one.new.as_str(),
        "user_id": one.customer.as_str(),
        "at": date(one.at),
    };
    match base.collection(NUMBER_CHANGES).insert_one(document).await.map_err(BackendError::from) {
        Err(error) if !error.is_duplicate() => return Err(error),
        _ => {}
    }
    let found = all(base, NUMBER_CHANGES, doc! {"_id": one.event.as_str()}, read_change).await?.pop();
    Ok(found.unwrap_or_else(|| one.clone()))
}

#[async_trait]
impl Identities for MongoStore {
    async fn identities(&self, of: &[UserId]) -> Result<Vec<Identity>> {
        let filter = doc! {"_id": {"$in": named(of)}};
        self.run("reading identities", |base| {
            let filter = filter.clone();
            async move { all(&base, IDENTITIES, filter, read_identity).await }
        })
        .await
    }

    async fn identities_of(&self, customer: &UserId) -> Result<Vec<Identity>> {
        let filter = doc! {"user_id": customer.as_str()};
        self.run("reading identities", |base| {
            let filter = filter.clone();
            async move { all(&base, IDENTITIES, filter, read_identity).await }
        })
        .await
    }

    async fn save_identity(&self, identity: &Identity, replace: bool) -> Result<Identity> {
        let one = identity.clone();
        self.run("saving an identity", |base| {
            let one = one.clone();
            async move { save(&base, &one, replace).await }
        })
        .await
    }

    async fn remove_identities(&self, customer: &UserId, identities: &[UserId]) -> Result<()> {
        let filter = doc! {"_id": {"$in": named(identities)}, "user_id": customer.as_str()};
        self.run("removing identities", |base| {
            let filter = filter.clone();
            async move { Ok(base.collection(IDENTITIES).delete_many(filter).await.map(drop)?) }
        })
        .await
    }

    async fn save_number_change(&self, change: &NumberChange) -> Result<NumberChange> {
        let one = change.clone();
        self.run("saving a change of number", |base| {
            let one = one.clone();
            async move { save_change(&base, &one).await }
        })
        .await
    }

    async fn number_changes(&self, customer: &UserId, identities: &[UserId]) -> Result<Vec<NumberChange>> {
        let filter = doc! {"$or": [{"user_id": customer.as_str()}, {"old": {"$in": named(identities)}}]};
        self.run("reading changes of numbers", |base| {
            let filter = filter.clone();
            async move { all(&base, NUMBER_CHANGES, filter, read_change).await }
        })
        .await
    }

    async fn rebind(&self, from: &UserId, to: &UserId, since: Option<Timestamp>) -> Result<()> {
        let (from, to) = (from.clone(), to.clone());
        self.run("joining two identities", |base| {
            let (from, to) = (from.clone(), to.clone());
            async move {
                for (collection, field) in [(BINDINGS, "at"), (QUOTES, "created_at")] {
                    let mut filter = doc! {"user_id": from.as_str()};
                    if let Some(since) = since {
                        filter.insert(field, doc! {"$gte": date(since)});
                    }
                    let set = doc! {"$set": {"user_id": to.as_str()}};
                    base.collection(collection).update_many(filter, set).await?;
                }
                super::actions::rebind(&base, &from, &to, since).await
            }
        })
        .await
    }
}

/// Removes what leads to a customer, and what the customer gave up.
pub(super) async fn erase(base: &Base, user: &UserId) -> Read<()> {
    for collection in [IDENTITIES, NUMBER_CHANGES] {
        base.collection(collection).delete_many(doc! {"user_id": user.as_str()}).await?;
    }
    Ok(())
}

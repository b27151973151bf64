//! Drafts and notes of the team.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use super::super::{Desk, Result};
use super::error::BackendError;
use super::odd::all_readable;
use super::schema::{DRAFTS, NOTES};
use super::values::{date, text, time};
use super::{Base, MongoStore};
use crate::domain::correction::message_key;
use crate::domain::desk::{Draft, Note};
use crate::domain::ids::UserId;

type Read<T> = std::result::Result<T, BackendError>;

pub(super) fn read_draft(document: &Document) -> Read<Draft> {
    Ok(Draft {
        by: text(document, "by")?,
        user_id: UserId::new(text(document, "user_id")?),
        field: text(document, "field")?,
        text: text(document, "text")?,
        at: time(document, "at")?,
    })
}

pub(super) fn read_note(document: &Document) -> Read<Note> {
    Ok(Note {
        user_id: UserId::new(text(document, "user_id")?),
        by: text(document, "by")?,
        text: text(document, "text")?,
        at: time(document, "at")?,
    })
}

async fn save_draft(base: &Base, one: &Draft) -> Read<()> {
    let id = format!("{}/{}/{}", one.user_id, one.by, one.field);
    let (drafts, own) = (base.collection(DRAFTS), doc! {"_id": &id, "user_id": one.user_id.as_str()});
    if one.text.is_empty() {
        drafts.delete_one(own).await?;
        return Ok(());
    }
    let set = doc! {"$set": {"by": &one.by, "field": &one.field, "text": &one.text, "at": date(one.at)}};
    super::upsert_with_retry(|| {
        drafts.find_one_and_update(own.clone(), set.clone()).upsert(true).projection(doc! {"_id": 1})
    })
    .await?;
    Ok(())
}

async fn add_note(base: &Base, one: &Note) -> Read<()> {
    let id = format!("{}/{}/{}/{}", one.user_id, one.at.as_millisecond(), one.by, message_key(&one.text));
    let notes = base.collection(NOTES);
    let first = doc! {"$setOnInsert": {"by": &one.by, "text": &one.text, "at": date(one.at)}};
    super::upsert_with_retry(|| {
        notes
            .find_one_and_update(doc! {"_id": &id, "user_id": one.user_id.as_str()}, first.clone())
            .upsert(true)
            .projection(doc! {"_id": 1})
    })
    .await?;
    Ok(())
}

/// The latest documents first.
async fn latest(base: &Base, collection: &'static str, filter: Document, limit: u32) -> Read<Vec<Document>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let order = doc! {"at": -1, "_id": -1};
    Ok(base.collection(collection).find(filter).sort(order).limit(limit.into()).await?.try_collect().await?)
}

#[async_trait]
impl Desk for MongoStore {
    async fn save_draft(&self, draft: &Draft) -> Result<()> {
        let one = draft.clone();
        self.run("saving a draft", |base| async move { save_draft(&base, &one).await }).await
    }

    async fn drafts_of(&self, by: &str, limit: u32) -> Result<Vec<Draft>> {
        let filter = doc! {"by": by};
        let found = self.run("reading drafts", |base| async move { latest(&base, DRAFTS, filter, limit).await });
        Ok(all_readable(&found.await?, DRAFTS, read_draft))
    }

    async fn add_note(&self, note: &Note) -> Result<()> {
        let one = note.clone();
        self.run("saving a note", |base| async move { add_note(&base, &one).await }).await
    }

    async fn notes_of(&self, user: &UserId, limit: u32) -> Result<Vec<Note>> {
        let filter = doc! {"user_id": user.as_str()};
        let found = self.run("reading notes", |base| async move { latest(&base, NOTES, filter, limit).await });
        let mut notes = all_readable(&found.await?, NOTES, read_note);
        notes.reverse();
        Ok(notes)
    }
}

//! What the team keeps: drafts and notes, pins and entries.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};

use super::super::{Desk, Result};
use super::error::BackendError;
use super::odd::all_readable;
use super::schema::{DRAFTS, NOTES, PINS, TEAM_ENTRIES};
use super::values::{date, optional_time, text, time};
use super::{Base, MongoStore};
use crate::domain::correction::message_key;
use crate::domain::desk::{Draft, EntryKind, Note, Pin, PinKind, TeamEntry};
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

pub(super) fn read_pin(document: &Document) -> Read<Pin> {
    let kind = text(document, "kind")?;
    Ok(Pin {
        user_id: UserId::new(text(document, "user_id")?),
        kind: PinKind::parse(&kind).ok_or_else(|| BackendError::Content(format!("“{kind}” is no kind of pin")))?,
        name: text(document, "name")?,
        by: text(document, "by")?,
        at: time(document, "at")?,
        until: optional_time(document, "until")?,
    })
}

fn pin_id(user: &UserId, kind: PinKind, name: &str) -> String {
    format!("{user}/{}/{name}", kind.as_str())
}

async fn save_pin(base: &Base, one: &Pin) -> Read<()> {
    let own = doc! {"_id": pin_id(&one.user_id, one.kind, &one.name), "user_id": one.user_id.as_str()};
    let set = doc! {
        "kind": one.kind.as_str(), "name": &one.name, "by": &one.by, "at": date(one.at), "until": one.until.map(date),
    };
    let (pins, set) = (base.collection(PINS), doc! {"$set": set});
    super::upsert_with_retry(|| {
        pins.find_one_and_update(own.clone(), set.clone()).upsert(true).projection(doc! {"_id": 1})
    })
    .await?;
    Ok(())
}

fn entry_id(kind: EntryKind, owner: &str, name: &str) -> String {
    format!("{}/{owner}/{name}", kind.as_str())
}

fn read_entry(document: &Document, kind: EntryKind) -> Read<TeamEntry> {
    Ok(TeamEntry {
        kind,
        owner: text(document, "owner")?,
        name: text(document, "name")?,
        value: text(document, "value")?,
        at: time(document, "at")?,
    })
}

async fn save_entry(base: &Base, one: &TeamEntry) -> Read<()> {
    let own = doc! {"_id": entry_id(one.kind, &one.owner, &one.name)};
    let set = doc! {
        "kind": one.kind.as_str(), "owner": &one.owner, "name": &one.name, "value": &one.value, "at": date(one.at),
    };
    let (entries, set) = (base.collection(TEAM_ENTRIES), doc! {"$set": set});
    super::upsert_with_retry(|| {
        entries.find_one_and_update(own.clone(), set.clone()).upsert(true).projection(doc! {"_id": 1})
    })
    .await?;
    Ok(())
}

async fn replace_entry(base: &Base, before: Option<&str>, one: &TeamEntry) -> Read<bool> {
    let (entries, id) = (base.collection(TEAM_ENTRIES), entry_id(one.kind, &one.owner, &one.name));
    if let Some(before) = before {
        let set = doc! {"$set": {"value": &one.value, "at": date(one.at)}};
        return Ok(entries.update_one(doc! {"_id": id, "value": before}, set).await?.matched_count > 0);
    }
    let first = doc! {
        "_id": id, "kind": one.kind.as_str(), "owner": &one.owner, "name": &one.name, "value": &one.value, "at": date(one.at),
    };
    match entries.insert_one(first).await.map_err(BackendError::from) {
        Ok(_) => Ok(true),
        Err(error) if error.is_duplicate() => Ok(false),
        Err(error) => Err(error),
    }
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

    async fn save_pin(&self, pin: &Pin) -> Result<()> {
        let one = pin.clone();
        self.run("saving a pin", |base| async move { save_pin(&base, &one).await }).await
    }

    async fn remove_pin(&self, user: &UserId, kind: PinKind, name: &str) -> Result<bool> {
        let own = doc! {"_id": pin_id(user, kind, name)};
        self.run(
            "removing a pin",
            |base| async move { Ok(base.collection(PINS).delete_one(own).await?.deleted_count > 0) },
        )
        .await
    }

    async fn pins_of(&self, user: &UserId) -> Result<Vec<Pin>> {
        let filter = doc! {"user_id": user.as_str()};
        let found = self.run("reading pins", |base| async move {
            let found = base.collection(PINS).find(filter).sort(doc! {"kind": 1, "name": 1}).await?;
            let found: Vec<Document> = found.try_collect().await?;
            Ok(found)
        });
        Ok(all_readable(&found.await?, PINS, read_pin))
    }

    async fn pins(&self, kind: PinKind, name: Option<&str>, limit: u32) -> Result<Vec<Pin>> {
        let mut filter = doc! {"kind": kind.as_str()};
        if let Some(name) = name {
            filter.insert("name", name);
        }
        let found = self.run("reading pins", |base| async move { latest(&base, PINS, filter, limit).await });
        Ok(all_readable(&found.await?, PINS, read_pin))
    }

    async fn save_entry(&self, entry: &TeamEntry) -> Result<()> {
        let one = entry.clone();
        self.run("saving what a member keeps", |base| async move { save_entry(&base, &one).await }).await
    }

    async fn replace_entry(&self, before: Option<&str>, entry: &TeamEntry) -> Result<bool> {
        let (before, one) = (before.map(str::to_owned), entry.clone());
        self.run(
            "changing what the team keeps",
            |base| async move { replace_entry(&base, before.as_deref(), &one).await },
        )
        .await
    }

    async fn remove_entry(&self, kind: EntryKind, owner: &str, name: &str) -> Result<bool> {
        let own = doc! {"_id": entry_id(kind, owner, name)};
        self.run("removing what a member keeps", |base| async move {
            Ok(base.collection(TEAM_ENTRIES).delete_one(own).await?.deleted_count > 0)
        })
        .await
    }

    async fn entries(&self, kind: EntryKind, owner: Option<&str>) -> Result<Vec<TeamEntry>> {
        let mut filter = doc! {"kind": kind.as_str()};
        if let Some(owner) = owner {
            filter.insert("owner", owner);
        }
        let found = self.run("reading what members keep", |base| async move {
            let found = base.collection(TEAM_ENTRIES).find(filter).sort(doc! {"owner": 1, "name": 1}).await?;
            let found: Vec<Document> = found.try_collect().await?;
            Ok(found)
        });
        Ok(all_readable(&found.await?, TEAM_ENTRIES, |document| read_entry(document, kind)))
    }
}

//! Files that customers' messages hold.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Bson, Document, doc};
use mongodb::options::ReturnDocument;

use super::super::media::owner_at;
use super::super::{MediaFiles, MediaFolder, MediaWork, Result};
use super::error::BackendError;
use super::odd::{all_readable, readable};
use super::schema::{MEDIA, META};
use super::values::{date, int, is_text, later, optional_small, optional_text, text, time};
use super::{Base, MongoStore};
use crate::domain::ids::{MessageId, OrderId, UserId};
use crate::domain::inbound::Media;
use crate::domain::media::{MediaFile, MediaId, MediaState};

type Read<T> = std::result::Result<T, BackendError>;

/// The `_id` of the name of this store, in the collection `meta`.
const OWNER: &str = "media_owner";
/// How many due documents are read at a time.
const CANDIDATES: i64 = 16;

pub(super) fn read(document: &Document) -> Read<MediaFile> {
    let odd = |what: &str| BackendError::Content(format!("“{what}” of a media file cannot be read"));
    let (id, kind, state) = (text(document, "_id")?, text(document, "kind")?, text(document, "state")?);
    Ok(MediaFile {
        id: MediaId::parse(&id).ok_or_else(|| odd(&id))?,
        user_id: UserId::new(text(document, "user_id")?),
        message: MessageId::new(text(document, "message")?),
        kind: Media::parse(&kind).ok_or_else(|| odd(&kind))?,
        source: text(document, "source")?,
        at: time(document, "at")?,
        state: MediaState::parse(&state).ok_or_else(|| odd(&state))?,
        tries: optional_small(document, "tries")?.unwrap_or(0),
        next_at: time(document, "next_at")?,
        mime: optional_text(document, "mime")?,
        size: optional_small(document, "size")?,
        sha256: optional_text(document, "sha256")?,
        // A recording without words has a transcript that is empty.
        transcript: document.get_str("transcript").ok().map(str::to_owned),
        order_id: optional_text(document, "order_id")?.map(|order| OrderId::new(&order)),
        error: optional_text(document, "error")?,
        seen: document.get_str("seen").ok().and_then(|seen| serde_json::from_str(seen).ok()),
        place: optional_small(document, "place")?.unwrap_or(0),
    })
}

async fn note(base: &Base, file: &MediaFile) -> Read<()> {
    let mut first = doc! {
        "user_id": file.user_id.as_str(), "message": file.message.as_str(), "kind": file.kind.as_str(),
        "source": &file.source, "at": date(file.at), "state": file.state.as_str(), "tries": i64::from(file.tries),
        "next_at": date(file.next_at), "place": i64::from(file.place),
    };
    if file.state.is_open() {
        first.insert("open", true);
    }
    let media = base.collection(MEDIA);
    super::upsert_with_retry(|| {
        media
            .find_one_and_update(doc! {"_id": file.id.as_str()}, doc! {"$setOnInsert": first.clone()})
            .upsert(true)
            .projection(doc! {"_id": 1})
    })
    .await?;
    Ok(())
}

async fn claim(base: &Base, work: MediaWork, now: Timestamp, until: Timestamp) -> Read<Option<MediaFile>> {
    let media = base.collection(MEDIA);
    let mut due = doc! {"open": true, "next_at": {"$lte": date(now)}};
    if let Some(looks) = work.looks() {
        let compare = if looks { "$eq" } else { "$ne" };
        due.insert("state", doc! {compare: MediaState::Unseen.as_str()});
    }
    loop {
        let found = media.find(due.clone()).sort(doc! {"next_at": 1}).limit(CANDIDATES);
        let found: Vec<Document> = found.await?.try_collect().await?;
        if found.is_empty() {
            return Ok(None);
        }
        for document in &found {
            let mut filter = doc! {"open": true};
            for name in ["_id", "tries", "next_at"] {
                filter.insert(name, document.get(name).cloned());
            }
            let update = doc! {"$set": {"next_at": date(until)}, "$inc": {"tries": 1_i64}};
            let taken = media.find_one_and_update(filter, update).return_document(ReturnDocument::After).await?;
            let Some(taken) = taken else { continue };
            if let Some(file) = readable(read(&taken), MEDIA, &taken) {
                return Ok(Some(file));
            }
            // It can never be fetched.
            let own = doc! {"_id": taken.get("_id").cloned()};
            media.update_one(own, doc! {"$unset": {"open": ""}}).await?;
        }
        super::pause().await;
    }
}

/// An update that was applied and whose answer was lost is recognised by its `saved_by`.
async fn save(base: &Base, claimed: &MediaFile, outcome: &MediaFile) -> Read<bool> {
    let call = uuid::Uuid::now_v7().to_string();
    let media = base.collection(MEDIA);
    let own = doc! {"_id": claimed.id.as_str()};
    let tries = if claimed.state == outcome.state { claimed.tries } else { 0 };
    let mut set = doc! {
        "state": outcome.state.as_str(), "tries": i64::from(tries), "next_at": date(outcome.next_at), "saved_by": &call,
    };
    let mut unset = doc! {};
    let values: [(&str, Option<Bson>); 8] = [
        ("open", outcome.state.is_open().then_some(Bson::Boolean(true))),
        // What open pages follow.
        ("done_at", (!outcome.state.is_open()).then(|| Bson::DateTime(date(outcome.next_at)))),
        ("mime", outcome.mime.clone().map(Bson::String)),
        ("size", outcome.size.map(|size| Bson::Int64(int(size)))),
        ("sha256", outcome.sha256.clone().map(Bson::String)),
        ("transcript", outcome.transcript.clone().map(Bson::String)),
        ("error", outcome.error.clone().map(Bson::String)),
        ("seen", outcome.seen.as_ref().and_then(|seen| serde_json::to_string(seen).ok()).map(Bson::String)),
    ];
    for (name, value) in values {
        match value {
            Some(value) => set.insert(name, value),
            None => unset.insert(name, ""),
        };
    }
    let mut update = doc! {"$set": set};
    if !unset.is_empty() {
        update.insert("$unset", unset);
    }
    let mut filter = own.clone();
    filter.insert("state", claimed.state.as_str());
    filter.insert("tries", i64::from(claimed.tries));
    if media.update_one(filter, update).await?.matched_count == 1 {
        return Ok(true);
    }
    let found = media.find_one(own).await?;
    Ok(found.is_some_and(|found| is_text(&found, "saved_by", &call)))
}

async fn latest(base: &Base, filter: Document, limit: u32) -> Read<Vec<MediaFile>> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    let found = base.collection(MEDIA).find(filter).sort(doc! {"at": -1, "place": 1}).limit(limit.into()).await?;
    let documents: Vec<Document> = found.try_collect().await?;
    Ok(all_readable(&documents, MEDIA, read))
}

async fn attach(base: &Base, user: &UserId, since: Timestamp, order: &OrderId) -> Read<u64> {
    let filter = doc! {
        "user_id": user.as_str(), "at": {"$gte": date(since)}, "order_id": {"$exists": false},
        "kind": {"$in": ["image", "video", "document"]}, "source": {"$ne": ""},
    };
    let set = doc! {"$set": {"order_id": order.as_str()}};
    Ok(base.collection(MEDIA).update_many(filter, set).await?.modified_count)
}

#[async_trait]
impl MediaFiles for MongoStore {
    fn media_folder(&self) -> Option<&MediaFolder> {
        self.media_folder.as_ref()
    }

    async fn media_owner(&self) -> Result<String> {
        self.run("reading whose media files these are", |base| async move {
            let first = doc! {"name": uuid::Uuid::now_v7().simple().to_string()};
            let meta = base.collection(META);
            let found = super::upsert_with_retry(|| {
                meta.find_one_and_update(doc! {"_id": OWNER}, doc! {"$setOnInsert": first.clone()})
                    .upsert(true)
                    .return_document(ReturnDocument::After)
            })
            .await?;
            let missing = || BackendError::Content("the name of the store is missing".to_owned());
            Ok(owner_at(&text(&found.ok_or_else(missing)?, "name")?, &base.address))
        })
        .await
    }

    async fn note_media(&self, files: &[MediaFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let files = files.to_vec();
        self.run("noting media files", |base| async move {
            for file in &files {
                note(&base, file).await?;
            }
            Ok(())
        })
        .await
    }

    async fn claim_media_for(
        &self,
        work: MediaWork,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<MediaFile>> {
        let until = later(now, lease);
        self.run("claiming a media file", |base| async move { claim(&base, work, now, until).await }).await
    }

    async fn save_media(&self, claimed: &MediaFile, outcome: &MediaFile) -> Result<bool> {
        let (claimed, outcome) = (claimed.clone(), outcome.clone());
        self.run("saving a media file", |base| async move { save(&base, &claimed, &outcome).await }).await
    }

    async fn media_file(&self, id: &MediaId) -> Result<Option<MediaFile>> {
        let id = id.as_str().to_owned();
        self.run("reading a media file", |base| async move {
            let found = base.collection(MEDIA).find_one(doc! {"_id": id}).await?;
            found.as_ref().map(read).transpose()
        })
        .await
    }

    async fn media_of(&self, user: &UserId, limit: u32) -> Result<Vec<MediaFile>> {
        let filter = doc! {"user_id": user.as_str()};
        self.run("reading media files", |base| async move { latest(&base, filter, limit).await }).await
    }

    async fn media_of_order(&self, order: &OrderId, limit: u32) -> Result<Vec<MediaFile>> {
        let filter = doc! {"order_id": order.as_str()};
        self.run("reading media files", |base| async move { latest(&base, filter, limit).await }).await
    }

    async fn attach_media(&self, user: &UserId, since: Timestamp, order: &OrderId) -> Result<u64> {
        let (user, order) = (user.clone(), order.clone());
        self.run("attaching media files", |base| async move { attach(&base, &user, since, &order).await }).await
    }

    async fn media_contents(&self, digests: &[String]) -> Result<Vec<String>> {
        let digests = digests.to_vec();
        self.run("reading media files", |base| async move {
            // One answer for each content, however many files have it.
            let stages = [doc! {"$match": {"sha256": {"$in": digests}}}, doc! {"$group": {"_id": "$sha256"}}];
            let documents: Vec<Document> = base.collection(MEDIA).aggregate(stages).await?.try_collect().await?;
            let mut used: Vec<String> =
                documents.iter().filter_map(|document| document.get_str("_id").ok().map(str::to_owned)).collect();
            used.sort();
            Ok(used)
        })
        .await
    }
}

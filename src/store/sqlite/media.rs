//! Files that customers' messages hold.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::media::owner_at;
use super::super::{MediaFiles, MediaFolder, MediaWork, Result};
use super::{BackendError, SqliteStore, count, int, later, micros, timestamp};
use crate::domain::ids::{MessageId, OrderId, UserId};
use crate::domain::inbound::Media;
use crate::domain::media::{MediaFile, MediaId, MediaState};

type Read<T> = std::result::Result<T, BackendError>;

/// The columns that [`read`] reads.
const COLUMNS: &str = "id, user_id, message, kind, source, at, state, tries, next_at, mime, size, sha256, transcript, order_id, error, \
     place, seen";
/// Finds the file to claim: `?1` is now, `?2` whether photos are looked at, or nothing.
pub(super) const NEXT: &str = "SELECT id FROM media WHERE open = 1 AND next_at <= ?1 AND (?2 IS NULL OR (state = 'unseen') = ?2) \
     ORDER BY next_at LIMIT 1";
/// Finds the files of a customer.
pub(super) const OF_USER: &str = "SELECT id FROM media WHERE user_id = ?1 ORDER BY at DESC, place LIMIT ?2";
/// Finds the files of an order.
pub(super) const OF_ORDER: &str = "SELECT id FROM media WHERE order_id = ?1 ORDER BY at DESC, place LIMIT ?2";
/// Whether a file has a content.
pub(super) const HAS: &str = "SELECT 1 FROM media WHERE sha256 = ?1 LIMIT 1";

fn read(row: &Row<'_>) -> Read<MediaFile> {
    let odd = |what: &str| BackendError::Content(format!("“{what}” of a media file cannot be read"));
    let (id, kind, state): (String, String, String) = (row.get(0)?, row.get(3)?, row.get(6)?);
    let size: Option<i64> = row.get(10)?;
    let order: Option<String> = row.get(13)?;
    Ok(MediaFile {
        id: MediaId::parse(&id).ok_or_else(|| odd(&id))?,
        user_id: UserId::new(row.get::<_, String>(1)?),
        message: MessageId::new(row.get::<_, String>(2)?),
        kind: Media::parse(&kind).ok_or_else(|| odd(&kind))?,
        source: row.get(4)?,
        at: timestamp(row.get(5)?)?,
        state: MediaState::parse(&state).ok_or_else(|| odd(&state))?,
        tries: row.get(7)?,
        next_at: timestamp(row.get(8)?)?,
        mime: row.get(9)?,
        size: size.map(count).transpose()?,
        sha256: row.get(11)?,
        transcript: row.get(12)?,
        order_id: order.map(|order| OrderId::new(&order)),
        error: row.get(14)?,
        place: row.get(15)?,
        seen: row.get::<_, Option<String>>(16)?.and_then(|seen| serde_json::from_str(&seen).ok()),
    })
}

/// The files whose identifiers a query selects, in its order.
fn find(connection: &Connection, ids: &str, values: impl rusqlite::Params) -> Read<Vec<MediaFile>> {
    let ids: Vec<String> =
        connection.prepare_cached(ids)?.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut one = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM media WHERE id = ?1"))?;
    let mut found = Vec::new();
    for id in ids {
        found.extend(one.query_and_then([id], read)?.next().transpose()?);
    }
    Ok(found)
}

pub(super) fn of_user(connection: &Connection, user: &UserId, limit: u32) -> Read<Vec<MediaFile>> {
    find(connection, OF_USER, params![user.as_str(), limit])
}

fn note(connection: &Connection, files: &[MediaFile]) -> Read<()> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO media (id, user_id, message, kind, source, at, state, open, tries, next_at, place)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (id) DO NOTHING",
    )?;
    for file in files {
        insert.execute(params![
            file.id.as_str(),
            file.user_id.as_str(),
            file.message.as_str(),
            file.kind.as_str(),
            file.source,
            micros(file.at),
            file.state.as_str(),
            file.state.is_open(),
            file.tries,
            micros(file.next_at),
            file.place,
        ])?;
    }
    Ok(())
}

fn save(connection: &Connection, claimed: &MediaFile, outcome: &MediaFile) -> Read<bool> {
    let tries = if claimed.state == outcome.state { claimed.tries } else { 0 };
    let saved = connection
        .prepare_cached(
            "UPDATE media SET state = ?4, open = ?5, tries = ?6, next_at = ?7, mime = ?8, size = ?9, sha256 = ?10,
                 transcript = ?11, error = ?12, seen = ?13
             WHERE id = ?1 AND state = ?2 AND tries = ?3",
        )?
        .execute(params![
            claimed.id.as_str(),
            claimed.state.as_str(),
            claimed.tries,
            outcome.state.as_str(),
            outcome.state.is_open(),
            tries,
            micros(outcome.next_at),
            outcome.mime,
            outcome.size.map(int),
            outcome.sha256,
            outcome.transcript,
            outcome.error,
            outcome.seen.as_ref().and_then(|seen| serde_json::to_string(seen).ok()),
        ])?;
    Ok(saved == 1)
}

#[async_trait]
impl MediaFiles for SqliteStore {
    fn media_folder(&self) -> Option<&MediaFolder> {
        self.media_folder.as_ref()
    }

    async fn media_owner(&self) -> Result<String> {
        let found = |connection: &Connection| -> Read<Option<String>> {
            let mut found = connection.prepare_cached("SELECT name FROM media_owner")?;
            Ok(found.query_row([], |row| row.get(0)).optional()?)
        };
        let path = &self.location.path;
        // A store in memory is at no place.
        let address = std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        let address = address.to_string_lossy();
        if let Some(name) = self.read("reading whose media files these are", found).await? {
            return Ok(owner_at(&name, &address));
        }
        let name = uuid::Uuid::now_v7().simple().to_string();
        let name = self
            .write("noting whose media files these are", move |connection| {
                connection
                    .execute("INSERT INTO media_owner (id, name) VALUES (1, ?1) ON CONFLICT (id) DO NOTHING", [name])?;
                found(connection)?.ok_or_else(|| BackendError::Content("the name of the store is missing".to_owned()))
            })
            .await?;
        Ok(owner_at(&name, &address))
    }

    async fn note_media(&self, files: &[MediaFile]) -> Result<()> {
        if files.is_empty() {
            return Ok(());
        }
        let files = files.to_vec();
        self.write("noting media files", move |connection| note(connection, &files)).await
    }

    async fn claim_media_for(
        &self,
        work: MediaWork,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<MediaFile>> {
        let due = move |connection: &Connection| -> Read<Option<String>> {
            let mut next = connection.prepare_cached(NEXT)?;
            Ok(next.query_row(params![micros(now), work.looks()], |row| row.get(0)).optional()?)
        };
        // Reading first keeps idle jobs from taking the write lock.
        if self.read("looking for media files", due).await?.is_none() {
            return Ok(None);
        }
        self.write("claiming a media file", move |connection| {
            let Some(id) = due(connection)? else { return Ok(None) };
            let sql = format!("UPDATE media SET tries = tries + 1, next_at = ?2 WHERE id = ?1 RETURNING {COLUMNS}");
            let until = micros(later(now, lease));
            connection.prepare_cached(&sql)?.query_and_then(params![id, until], read)?.next().transpose()
        })
        .await
    }

    async fn save_media(&self, claimed: &MediaFile, outcome: &MediaFile) -> Result<bool> {
        let (claimed, outcome) = (claimed.clone(), outcome.clone());
        self.write("saving a media file", move |connection| save(connection, &claimed, &outcome)).await
    }

    async fn media_file(&self, id: &MediaId) -> Result<Option<MediaFile>> {
        let id = id.as_str().to_owned();
        self.read("reading a media file", move |connection| {
            Ok(find(connection, "SELECT id FROM media WHERE id = ?1", [id])?.pop())
        })
        .await
    }

    async fn media_of(&self, user: &UserId, limit: u32) -> Result<Vec<MediaFile>> {
        let user = user.clone();
        self.read("reading media files", move |connection| of_user(connection, &user, limit)).await
    }

    async fn media_of_order(&self, order: &OrderId, limit: u32) -> Result<Vec<MediaFile>> {
        let order = order.as_str().to_owned();
        self.read("reading media files", move |connection| find(connection, OF_ORDER, params![order, limit])).await
    }

    async fn attach_media(&self, user: &UserId, since: Timestamp, order: &OrderId) -> Result<u64> {
        let (user, order) = (user.as_str().to_owned(), order.as_str().to_owned());
        self.write("attaching media files", move |connection| {
            let attached = connection
                .prepare_cached(
                    "UPDATE media SET order_id = ?3 WHERE user_id = ?1 AND at >= ?2 AND order_id IS NULL
                         AND kind IN ('image', 'video', 'document') AND source <> ''",
                )?
                .execute(params![user, micros(since), order])?;
            Ok(attached as u64)
        })
        .await
    }

    async fn media_contents(&self, digests: &[String]) -> Result<Vec<String>> {
        let digests = digests.to_vec();
        self.read("reading media files", move |connection| {
            let mut has = connection.prepare_cached(HAS)?;
            let mut found = Vec::new();
            for digest in digests {
                if has.exists([&digest])? {
                    found.push(digest);
                }
            }
            Ok(found)
        })
        .await
    }
}

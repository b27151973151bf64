//! The store in one SQLite file: the tables, and the threads that read and write them.
//!
//! A write is acknowledged when it is on the disk; records of calls that changed nothing, and what a retention job
//! removes, follow with the next write (`write_without_sync`).
//!
//! Several processes may use one file: every write is one `BEGIN IMMEDIATE` transaction in WAL mode with
//! `synchronous=FULL`; where a group holds only work that need not be on the disk at once, with `NORMAL`. Amounts are whole
//! paise, times are microseconds since 1970 UTC (truncated), the local time of an order is ISO text.

mod actions;
mod alerts;
mod audit;
mod backup;
mod chats;
mod conditions;
mod connection;
mod contacts;
mod corrections;
mod desk;
mod erasure;
mod events;
mod id_forms;
mod identities;
mod import;
mod inbox;
mod insights;
mod knowledge_gaps;
mod ledger;
mod media;
mod order_rows;
mod orders;
mod outbox;
mod ratings;
mod retention;
mod schema;
mod stats_cache;
mod threads;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

pub use self::backup::{BackupReport, backup};
use self::connection::Location;
use self::threads::{Readers, Writer};
use super::audit_key::{self, AuditKeySource, LoadedKey};
use super::{MediaFolder, Notifier, Result, Store, StoreError, StoreHealth};
use crate::domain::audit::AuditKey;

/// How long a call waits for the lock of another process that is writing.
pub const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Copies all tables of orders between two databases of this version.
fn copy_orders(from: &Connection, to: &Connection) -> rusqlite::Result<()> {
    let known = "SELECT name FROM sqlite_master WHERE type = 'table' AND name IN ('order_details', 'order_phones')";
    let mut tables = from.prepare(known)?;
    let tables = tables.query_map([], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
    let transaction = to.unchecked_transaction()?;
    for table in tables {
        // Columns that are computed are not among them.
        let mut names = from.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let names = names.query_map([&table], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()?;
        let (columns, names) = (names.len(), names.join(", "));
        let mut read = from.prepare(&format!("SELECT {names} FROM {table}"))?;
        let marks = vec!["?"; columns].join(", ");
        let mut write = to.prepare(&format!("INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|place| row.get::<_, rusqlite::types::Value>(place));
            write.execute(rusqlite::params_from_iter(values.collect::<rusqlite::Result<Vec<_>>>()?))?;
        }
    }
    transaction.commit()
}

/// The embedded store: one SQLite file.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    location: Arc<Location>,
    notifier: Notifier,
    /// What the conversation stats are counted from.
    stats_cache: Arc<Mutex<stats_cache::SyncedStatsCache>>,
    /// What the audit trail is signed with.
    audit_key: Option<LoadedKey>,
    /// Writes events with their facts.
    recorder: events::Recorder,
    /// Where the contents of media files lie.
    media_folder: Option<MediaFolder>,
}

/// Whether a key of the audit trail is made, and put into use on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyUse {
    /// The one that is there is used.
    Known,
    /// One is made where there is none.
    Made,
    /// As well, and a trail that is signed with another one continues with it.
    Begun,
}

impl SqliteStore {
    /// Opens a store, and creates it where there is none. The key of the audit trail is the one beside it, if there is
    /// one: none is made.
    ///
    /// # Errors
    /// When the file cannot be opened, read or written, is no store, is damaged, newer, or locked for too long; when the
    /// audit trail is signed with another key.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, BUSY_TIMEOUT)
    }

    /// Opens a store whose calls wait at most `timeout` for the locks of other processes.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with(path: &Path, timeout: Duration) -> Result<Self> {
        Self::with_key(Location::file(path, timeout), &AuditKeySource::default(), KeyUse::Known)
    }

    /// Opens a store with a key of the audit trail.
    ///
    /// # Errors
    /// As [`SqliteStore::open`], and when the key cannot be read or made.
    pub(super) fn open_keyed(path: &Path, source: &AuditKeySource, using: KeyUse) -> Result<Self> {
        Self::with_key(Location::file(path, BUSY_TIMEOUT), source, using)
    }

    /// Creates a store in a file that will be moved to `place`, which messages name.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub(super) fn make_for(path: &Path, place: &Path) -> Result<Self> {
        Self::at(Location::file_for(path, place, BUSY_TIMEOUT))
    }

    /// Opens an existing store for reading: nothing is created or changed, and neither the file nor its folder has to
    /// be writable.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read or is no store of this version.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        Self::open_read_only_keyed(path, &AuditKeySource::default())
    }

    /// As [`SqliteStore::open_read_only`], with a key to check the audit trail.
    ///
    /// # Errors
    /// As [`SqliteStore::open_read_only`], and when the key cannot be read.
    pub(super) fn open_read_only_keyed(path: &Path, source: &AuditKeySource) -> Result<Self> {
        let (location, connection) = Location::existing(path, BUSY_TIMEOUT, schema::KNOWN)?;
        let key = match audit_key::load(source, Some(path), false) {
            // Whoever may look at the store need not be the one who may read its key.
            Err(error) if matches!(source, AuditKeySource::BesideTheStore) => {
                tracing::warn!(%error, "the signatures of the audit trail are not checked");
                None
            }
            loaded => loaded?,
        };
        Self::with(location, connection, key)
    }

    /// Opens an empty store in memory that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory left.
    pub fn scratch() -> Result<Self> {
        Self::at(Location::scratch(BUSY_TIMEOUT))
    }

    /// Opens a store in memory with the orders of a store in a file, which is only read: refunds, bindings and conversations stay
    /// where they are, and nothing that happens here changes it.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read or is no store of this version.
    pub fn scratch_with_orders_of(path: &Path) -> Result<Self> {
        let (source, from) = Location::existing(path, BUSY_TIMEOUT, schema::KNOWN)?;
        let location = Location::scratch(BUSY_TIMEOUT);
        let to = location.open()?;
        copy_orders(&from, &to)
            .map_err(|error| StoreError::Open { path: source.shown(), reason: error.to_string() })?;
        Self::with(location, to, None)
    }

    /// A copy of this store in memory, as it is now, that is gone when it is dropped: nothing that happens to it changes this one.
    ///
    /// # Errors
    /// When this store cannot be read, or there is no memory left.
    pub fn scratch_copy(&self) -> Result<Self> {
        let from = self.location.open_reader()?;
        let location = Location::scratch(BUSY_TIMEOUT);
        let mut to = location.open()?;
        backup::copy_all(&from, &mut to).map_err(|error| location.error(&error, "copying a store"))?;
        Self::with(location, to, None)
    }

    fn at(location: Location) -> Result<Self> {
        let connection = location.open()?;
        Self::with(location, connection, None)
    }

    fn with_key(location: Location, source: &AuditKeySource, using: KeyUse) -> Result<Self> {
        let mut connection = location.open()?;
        let key = location.settle_key(&mut connection, source, using)?;
        Self::with(location, connection, key)
    }

    fn with(location: Location, connection: Connection, audit_key: Option<LoadedKey>) -> Result<Self> {
        let location = Arc::new(location);
        Ok(Self {
            writer: Writer::start(connection, location.clone())?,
            readers: Readers::start(&location)?,
            location,
            notifier: Notifier::new(),
            stats_cache: Arc::default(),
            audit_key,
            recorder: events::Recorder::default(),
            media_folder: None,
        })
    }

    /// This store, which records events with their facts, or does not.
    #[must_use]
    pub fn recording_events(self, on: bool) -> Self {
        Self { recorder: events::Recorder { on }, ..self }
    }

    /// This store, with the folder of the contents of media files.
    #[must_use]
    pub fn with_media(self, media_folder: Option<MediaFolder>) -> Self {
        Self { media_folder, ..self }
    }

    /// The key that entries are signed with.
    fn key(&self) -> Option<AuditKey> {
        self.audit_key.as_ref().map(|loaded| loaded.key.clone())
    }

    /// The file; of a store in memory, its name there.
    pub fn path(&self) -> &Path {
        &self.location.path
    }

    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(doing, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(doing, work).await
    }

    /// As [`SqliteStore::write`], without waiting for the disk.
    async fn write_without_sync<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
    ) -> Result<T> {
        self.writer.run_without_sync(doing, work).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.location.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn health(&self) -> Result<StoreHealth> {
        let location = Arc::clone(&self.location);
        self.read("checking the store", move |connection| {
            Ok(StoreHealth {
                backend: format!("SQLite {}", rusqlite::version()),
                location: location.shown(),
                writable: location.is_writable(connection),
                schema: schema::version(connection)?,
                problems: connection::problems(connection),
                indexes: schema::indexes(connection)?,
            })
        })
        .await
    }

    fn search_limit(&self) -> u32 {
        50_000
    }
}

/// Why a piece of work on a connection failed.
#[derive(Debug)]
enum BackendError {
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// Stored data cannot be read as what it should be.
    Content(String),
    /// The work panicked, with this message.
    Panicked(String),
    /// The audit trail is signed with another key than the one here, if there is one.
    OtherKey { signed: String, here: Option<String> },
    /// The audit trail does not end as the key here, of this identifier, signed it.
    Unvouched(String),
    /// The key of this identifier signed the audit trail before the one that does now.
    FormerKey(String),
}

impl From<rusqlite::Error> for BackendError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl BackendError {
    fn into_error(self, location: &Location, doing: &'static str) -> StoreError {
        match self {
            Self::Sql(error) => location.error(&error, doing),
            Self::Content(reason) => StoreError::Damaged { path: location.shown(), reason },
            Self::Panicked(reason) => StoreError::Panicked { doing, reason },
            Self::OtherKey { signed, here } => audit_key::other_key(location.shown(), signed, here.as_deref()),
            Self::Unvouched(key) => StoreError::Unvouched { path: location.shown(), key },
            Self::FormerKey(key) => StoreError::FormerKey { path: location.shown(), key },
        }
    }
}

/// A count as SQLite stores it.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time as it is stored: microseconds since 1970 UTC.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Reads a time.
fn timestamp(micros: i64) -> std::result::Result<Timestamp, BackendError> {
    Timestamp::from_microsecond(micros).map_err(|_| BackendError::Content(format!("{micros} is not a time")))
}

/// The end of a lease; saturates at the end of the calendar.
fn later(now: Timestamp, lease: SignedDuration) -> Timestamp {
    now.saturating_add(lease).unwrap_or(Timestamp::MAX)
}

/// Reads a count.
fn count(number: i64) -> std::result::Result<u64, BackendError> {
    u64::try_from(number).map_err(|_| BackendError::Content(format!("{number} is not a count")))
}

#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod tests;

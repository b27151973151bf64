//! Decides how the ports of the store are kept in one SQLite file: the tables, and who reads and writes them when.
//!
//! It must never say that something is kept before it is on the disk (a note that something was read excepted), nor hold
//! a rule about money or people.
//!
//! Several processes may use one file: every write is one `BEGIN IMMEDIATE` transaction in WAL mode with
//! `synchronous=FULL`; where a group holds only notes about reading, with `NORMAL`. Amounts are whole paise, times are microseconds since 1970 UTC (what is kept of a time is cut
//! to that), the local time of an order is ISO text.

mod alerts;
mod audit;
mod backup;
mod book;
mod chats;
mod conditions;
mod connection;
mod corrections;
mod erasure;
mod import;
mod inbox;
mod insights;
mod ledger;
mod orders;
mod outbox;
mod retention;
mod schema;
mod threads;

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::Connection;

pub use self::backup::{BackupReport, backup};
use self::connection::Place;
use self::threads::{Readers, Writer};
use super::{Bell, Result, Store, StoreError, StoreHealth};

/// How long a call waits for another process that is writing.
pub const WAIT: Duration = Duration::from_secs(10);

/// The embedded store: one SQLite file.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    place: Arc<Place>,
    bell: Bell,
    /// What the team's figures are counted from.
    book: Arc<Mutex<book::SyncedBook>>,
}

impl SqliteStore {
    /// Opens a store, and makes it where there is none.
    ///
    /// # Errors
    /// When the file cannot be opened, read or written, is no store, is damaged, newer, or locked for too long.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, WAIT)
    }

    /// Opens a store whose calls wait at most `wait` for other processes.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub fn open_with(path: &Path, wait: Duration) -> Result<Self> {
        Self::at(Place::file(path, wait))
    }

    /// Makes a store in a file that will be moved to `place`, which messages name.
    ///
    /// # Errors
    /// As [`SqliteStore::open`].
    pub(super) fn make_for(path: &Path, place: &Path) -> Result<Self> {
        Self::at(Place::file_for(path, place, WAIT))
    }

    /// Opens a store that is there already, only to look at it: nothing is made or changed, and a file or folder that
    /// may not be written is no obstacle.
    ///
    /// # Errors
    /// When there is no such file, or it cannot be read or is no store of this version.
    pub fn look(path: &Path) -> Result<Self> {
        let (place, connection) = Place::existing(path, WAIT, schema::KNOWN)?;
        Self::with(place, connection)
    }

    /// Opens an empty store in memory that is gone when it is dropped.
    ///
    /// # Errors
    /// When there is no memory left.
    pub fn scratch() -> Result<Self> {
        Self::at(Place::scratch(WAIT))
    }

    fn at(place: Place) -> Result<Self> {
        let connection = place.open()?;
        Self::with(place, connection)
    }

    fn with(place: Place, connection: Connection) -> Result<Self> {
        let place = Arc::new(place);
        Ok(Self {
            writer: Writer::start(connection, place.clone())?,
            readers: Readers::start(&place)?,
            place,
            bell: Bell::new(),
            book: Arc::default(),
        })
    }

    /// Where the store is; of a scratch store, its name in memory.
    pub fn path(&self) -> &Path {
        &self.place.path
    }

    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        self.readers.run(doing, work).await
    }

    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        self.writer.run(doing, work).await
    }

    /// As [`SqliteStore::write`], without waiting for the disk.
    async fn write_soon<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    ) -> Result<T> {
        self.writer.run_soon(doing, work).await
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.place.path).finish_non_exhaustive()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn health(&self) -> Result<StoreHealth> {
        let place = Arc::clone(&self.place);
        self.read("checking the store", move |connection| {
            Ok(StoreHealth {
                backend: format!("SQLite {}", rusqlite::version()),
                location: place.shown(),
                writable: place.is_writable(connection),
                schema: schema::version(connection)?,
                problems: connection::problems(connection),
                indexes: schema::indexes(connection)?,
            })
        })
        .await
    }

    fn depth(&self) -> u32 {
        50_000
    }
}

/// Why a piece of work on a connection failed.
#[derive(Debug)]
enum Fault {
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// What is stored does not read as what it should be.
    Content(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl Fault {
    fn into_error(self, place: &Place, doing: &'static str) -> StoreError {
        match self {
            Self::Sql(error) => place.error(&error, doing),
            Self::Content(reason) => StoreError::Damaged { path: place.shown(), reason },
        }
    }
}

/// A count as SQLite keeps it.
fn int(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A time as it is kept: microseconds since 1970 UTC.
fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// Reads a time.
fn timestamp(micros: i64) -> std::result::Result<Timestamp, Fault> {
    Timestamp::from_microsecond(micros).map_err(|_| Fault::Content(format!("{micros} is not a time")))
}

/// Reads a count.
fn count(number: i64) -> std::result::Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::Content(format!("{number} is not a count")))
}

#[cfg(test)]
mod queue_tests;
#[cfg(test)]
mod tests;

//! Decides how a connection to the file is opened and which cause an error of SQLite has.
//!
//! It must never change a file before it is known to be a store that this program understands.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::super::{Result, StoreError};
use super::schema::{self, Found};

/// Where a store is and how it is opened.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    pub(super) wait: Duration,
    /// The folder to remove when nobody uses the store any more.
    scratch: Option<PathBuf>,
}

impl Place {
    pub(super) fn file(path: &Path, wait: Duration) -> Self {
        Self { path: path.to_owned(), wait, scratch: None }
    }

    pub(super) fn scratch(wait: Duration) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("ecomres-scratch-{}", uuid::Uuid::now_v7()));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&folder).map_err(|error| StoreError::Open {
            path: folder.display().to_string(),
            reason: format!("no folder for temporary files can be made: {error}"),
        })?;
        Ok(Self { path: folder.join("store.db"), wait, scratch: Some(folder) })
    }

    pub(super) fn shown(&self) -> String {
        self.path.display().to_string()
    }

    /// Opens the first connection: makes the file where there is none, and brings its schema up to date.
    pub(super) fn open(&self) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let mut connection = self.connect(flags)?;
        let doing = "opening the store";
        match self.patiently(|| schema::look(&connection)).map_err(|error| self.error(&error, doing))? {
            Found::Newer(found) => {
                return Err(StoreError::Newer { path: self.shown(), found, known: schema::KNOWN });
            }
            Found::Foreign => {
                return Err(StoreError::Damaged {
                    path: self.shown(),
                    reason: "it is an SQLite database of another program".to_owned(),
                });
            }
            Found::Ours => {}
        }
        if connection.is_readonly("main").map_err(|error| self.error(&error, doing))? {
            return Err(StoreError::Unwritable { path: self.shown(), reason: "the file is read-only".to_owned() });
        }
        self.patiently(|| prepare_writer(&connection, self.scratch.is_some()))
            .map_err(|error| self.error(&error, doing))?;
        self.patiently(|| schema::migrate(&mut connection)).map_err(|error| self.error(&error, doing))?;
        Ok(connection)
    }

    /// Opens another connection for writing, to a store that is known to be fine.
    pub(super) fn open_writer(&self) -> Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.patiently(|| prepare_writer(&connection, self.scratch.is_some()))
            .map_err(|error| self.error(&error, "opening the store"))?;
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn open_reader(&self) -> Result<Connection> {
        // Reading in WAL mode writes to the shared-memory file beside the store: the file itself must be writable.
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        self.patiently(|| connection.pragma_update(None, "query_only", true))
            .map_err(|error| self.error(&error, "opening the store"))?;
        Ok(connection)
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection> {
        let opened = Connection::open_with_flags(&self.path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .and_then(|connection| connection.busy_timeout(self.wait).map(|()| connection));
        let connection = opened.map_err(|error| self.error(&error, "opening the store"))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// Tries again while the file is locked: some steps (the change to WAL, recovery after a crash) report a lock
    /// at once, without the wait that SQLite makes elsewhere.
    fn patiently<T>(&self, mut work: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let start = Instant::now();
        loop {
            match work() {
                Err(error) if is_busy(&error) && start.elapsed() < self.wait => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                other => return other,
            }
        }
    }

    /// The error of the store for an error of SQLite.
    pub(super) fn error(&self, error: &rusqlite::Error, doing: &'static str) -> StoreError {
        let path = self.shown();
        let Some(code) = error.sqlite_error_code() else {
            let reason = error.to_string();
            return match error {
                rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..) => StoreError::Damaged { path, reason },
                _ => StoreError::Backend { doing, reason },
            };
        };
        let extended = error.sqlite_error().map_or(0, |detail| detail.extended_code);
        match code {
            ErrorCode::CannotOpen => StoreError::Open { path, reason: self.why_closed() },
            ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
                StoreError::Open { path, reason: "there is no permission".to_owned() }
            }
            ErrorCode::NotADatabase => {
                StoreError::Damaged { path, reason: "the file is not an SQLite database".to_owned() }
            }
            ErrorCode::DatabaseCorrupt => {
                StoreError::Damaged { path, reason: "the database image is malformed".to_owned() }
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                StoreError::Locked { path, seconds: self.wait.as_secs() }
            }
            ErrorCode::DiskFull => StoreError::Unwritable { path, reason: "the disk is full".to_owned() },
            ErrorCode::ReadOnly => StoreError::Unwritable { path, reason: "it is read-only".to_owned() },
            ErrorCode::SystemIoFailure if WRITE_FAULTS.contains(&extended) => {
                StoreError::Unwritable { path, reason: format!("the disk reports a fault ({})", plain(error)) }
            }
            _ => StoreError::Backend { doing, reason: plain(error) },
        }
    }

    /// Why the file cannot be opened: SQLite only says that it cannot.
    fn why_closed(&self) -> String {
        if self.path.is_dir() {
            return "it is a folder".to_owned();
        }
        let folder = match self.path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        match fs::metadata(folder) {
            Ok(about) if !about.is_dir() => return format!("{} is not a folder", folder.display()),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return format!("the folder {} does not exist", folder.display());
            }
            Err(error) => return format!("the folder {} cannot be read: {error}", folder.display()),
        }
        match fs::OpenOptions::new().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => error.to_string(),
            _ => format!("no file can be written in the folder {}", folder.display()),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(folder) = &self.scratch {
            // What is left behind is in the folder for temporary files.
            let _ = fs::remove_dir_all(folder);
        }
    }
}

const WRITE_FAULTS: [i32; 4] =
    [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE];

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn plain(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

fn prepare_writer(connection: &Connection, scratch: bool) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    // A file system without shared memory keeps another journal, which is as safe and only slower.
    tracing::debug!(mode, "journal");
    connection.pragma_update(None, "synchronous", if scratch { "OFF" } else { "FULL" })?;
    // Only macOS knows the difference: there an ordinary fsync does not reach the disk.
    connection.pragma_update(None, "fullfsync", !scratch)
}

/// What an integrity check finds wrong.
pub(super) fn problems(connection: &Connection) -> Vec<String> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    match check() {
        Ok(found) => found.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => vec![plain(&error)],
    }
}

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
    /// The file; of a scratch store, a name in memory.
    pub(super) path: PathBuf,
    pub(super) wait: Duration,
    access: Access,
    /// What it is called in messages, where that is not its path.
    name: Option<String>,
}

/// How the connections to a store are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// For reading and writing.
    Full,
    /// In this process's memory: nothing can be left behind, however the process ends.
    Memory,
    /// Only to look, as a process that may write: with the log and the locks of others.
    Look,
    /// Only to look, as a process that may not write the file.
    ReadOnly,
    /// Only to look, without log and locks: neither file nor folder may be written.
    Frozen,
}

impl Place {
    pub(super) fn file(path: &Path, wait: Duration) -> Self {
        Self { path: path.to_owned(), wait, access: Access::Full, name: None }
    }

    /// A file that will be at another place once it is complete, and is called by that.
    pub(super) fn file_for(path: &Path, place: &Path, wait: Duration) -> Self {
        Self { name: Some(place.display().to_string()), ..Self::file(path, wait) }
    }

    pub(super) fn scratch(wait: Duration) -> Self {
        let name = format!("file:/ecomres-{}?vfs=memdb", uuid::Uuid::now_v7());
        Self { path: name.into(), wait, access: Access::Memory, name: Some("in memory".to_owned()) }
    }

    /// A store that is there already, of the schema version `oldest` or a later one, only to look at, and its first
    /// connection. Nothing is made or changed.
    pub(super) fn existing(path: &Path, wait: Duration, oldest: i64) -> Result<(Self, Connection)> {
        let mut place = Self { path: path.to_owned(), wait, access: Access::Look, name: None };
        match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { path: place.shown() });
            }
            Ok(about) if about.is_dir() => {
                return Err(StoreError::Open { path: place.shown(), reason: "it is a folder".to_owned() });
            }
            _ => {}
        }
        let mut outcome = place.look(oldest);
        if matches!(outcome, Err(StoreError::Open { .. } | StoreError::Unwritable { .. })) {
            place.access = Access::ReadOnly;
            outcome = place.look(oldest);
        }
        if matches!(outcome, Err(StoreError::Open { .. } | StoreError::Unwritable { .. })) {
            let mut log = path.as_os_str().to_owned();
            log.push("-wal");
            if fs::metadata(&log).is_ok_and(|about| about.len() > 0) {
                let reason = format!(
                    "the folder {} is read-only, and what was written last is in {}, which cannot be read there",
                    folder_of(path).display(),
                    Path::new(&log).display()
                );
                return Err(StoreError::Open { path: place.shown(), reason });
            }
            place.access = Access::Frozen;
            outcome = place.look(oldest);
        }
        outcome.map(|connection| (place, connection))
    }

    /// Whether this process may write the store, as far as opening it showed.
    pub(super) fn is_writable(&self, connection: &Connection) -> bool {
        matches!(self.access, Access::Full | Access::Memory | Access::Look)
            && !connection.is_readonly("main").unwrap_or(true)
    }

    /// Whether what is written goes to a log first.
    pub(super) fn has_log(&self) -> bool {
        self.access == Access::Full
    }

    pub(super) fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// Opens the first connection: makes the file where there is none, and brings its schema up to date.
    pub(super) fn open(&self) -> Result<Connection> {
        let mut connection = self.connect(true)?;
        self.understood(&connection)?;
        let doing = "opening the store";
        if connection.is_readonly("main").map_err(|error| self.error(&error, doing))? {
            return Err(StoreError::Unwritable { path: self.shown(), reason: "the file is read-only".to_owned() });
        }
        self.patiently(|| self.prepare_writer(&connection)).map_err(|error| self.error(&error, doing))?;
        self.patiently(|| schema::migrate(&mut connection)).map_err(|error| self.error(&error, doing))?;
        Ok(connection)
    }

    /// Looks whether the file is a store that this program understands.
    fn understood(&self, connection: &Connection) -> Result<()> {
        let found = self.patiently(|| schema::look(connection));
        match found.map_err(|error| self.error(&error, "opening the store"))? {
            Found::Newer(found) => Err(StoreError::Newer { path: self.shown(), found, known: schema::KNOWN }),
            Found::Foreign => Err(StoreError::Damaged {
                path: self.shown(),
                reason: "it is an SQLite database of another program".to_owned(),
            }),
            Found::Ours => Ok(()),
        }
    }

    /// Opens a connection to a store whose tables must be there already.
    fn look(&self, oldest: i64) -> Result<Connection> {
        let connection = self.open_reader()?;
        self.understood(&connection)?;
        let version = schema::version(&connection).map_err(|error| self.error(&error, "opening the store"))?;
        if (1..oldest).contains(&version) {
            return Err(StoreError::Older { path: self.shown(), found: version, known: schema::KNOWN });
        }
        if version < oldest {
            let reason = format!("its schema version is {version}, and {} is needed", schema::KNOWN);
            return Err(StoreError::Damaged { path: self.shown(), reason });
        }
        Ok(connection)
    }

    /// Opens another connection for writing, to a store that is known to be fine.
    pub(super) fn open_writer(&self) -> Result<Connection> {
        let connection = self.connect(false)?;
        self.patiently(|| self.prepare_writer(&connection)).map_err(|error| self.error(&error, "opening the store"))?;
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn open_reader(&self) -> Result<Connection> {
        // Reading in WAL mode writes to the shared-memory file beside the store: where it may, it is opened to write.
        let connection = self.connect(false)?;
        self.patiently(|| connection.pragma_update(None, "query_only", true))
            .map_err(|error| self.error(&error, "opening the store"))?;
        Ok(connection)
    }

    fn prepare_writer(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.access == Access::Memory {
            return Ok(());
        }
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        // A file system without shared memory keeps another journal, which is as safe and only slower.
        tracing::debug!(mode, "journal");
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What is removed is overwritten: somebody may have asked for it to be gone.
        connection.pragma_update(None, "secure_delete", true)?;
        // Another thread keeps the log short; the writer steps in only where that one never finds an end.
        connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
        // Only macOS knows the difference: there an ordinary fsync does not reach the disk.
        connection.pragma_update(None, "fullfsync", true)
    }

    fn connect(&self, create: bool) -> Result<Connection> {
        let (read_write, uri) = (OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_URI);
        let flags = match self.access {
            Access::Full if create => read_write | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Full | Access::Look => read_write,
            Access::Memory => read_write | OpenFlags::SQLITE_OPEN_CREATE | uri,
            Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Frozen => OpenFlags::SQLITE_OPEN_READ_ONLY | uri,
        } | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match self.access {
            Access::Frozen => Connection::open_with_flags(frozen(&self.path), flags),
            _ => Connection::open_with_flags(&self.path, flags),
        };
        let opened = opened.and_then(|connection| connection.busy_timeout(self.wait).map(|()| connection));
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
            ErrorCode::ReadOnly if FOLDER_FAULTS.contains(&extended) => {
                let reason = format!("the folder {} is read-only", folder_of(&self.path).display());
                StoreError::Unwritable { path, reason }
            }
            ErrorCode::ReadOnly => StoreError::Unwritable { path, reason: "it is read-only".to_owned() },
            ErrorCode::SystemIoFailure if WRITE_FAULTS.contains(&extended) => {
                StoreError::Unwritable { path, reason: format!("the disk reports a fault ({})", plain(error)) }
            }
            _ => match plain(error) {
                reason if LOST.iter().any(|start| reason.starts_with(start)) => StoreError::Damaged { path, reason },
                reason => StoreError::Backend { doing, reason },
            },
        }
    }

    /// Why the file cannot be opened: SQLite only says that it cannot.
    fn why_closed(&self) -> String {
        if self.path.is_dir() {
            return "it is a folder".to_owned();
        }
        let folder = folder_of(&self.path);
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

const WRITE_FAULTS: [i32; 4] =
    [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE];

const FOLDER_FAULTS: [i32; 2] = [ffi::SQLITE_READONLY_DIRECTORY, ffi::SQLITE_READONLY_CANTINIT];

/// How SQLite says that another program took away a part of the schema.
const LOST: [&str; 2] = ["no such table", "no such column"];

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn plain(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

/// The name under which SQLite opens a file that nobody can change.
fn frozen(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut name = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => name.push(char::from(*byte)),
            // Windows: the name is `file:///C:/folder/file`.
            b'\\' if cfg!(windows) => name.push('/'),
            other => name += &format!("%{other:02X}"),
        }
    }
    if cfg!(windows) && !name.starts_with("file:/") {
        name.insert_str(5, "///");
    }
    name + "?immutable=1"
}

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
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

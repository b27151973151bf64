//! Opens connections to the file, and maps the errors of SQLite to those of the store.
//!
//! A file is changed only after it is known to be a store of this program, of a version that it understands.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior, ffi};

use super::super::audit_key::{self, AuditKeySource, LoadedKey};
use super::super::{Result, StoreError};
use super::schema::{self, FileKind};
use super::{BackendError, KeyUse, audit};
use crate::files::{self, folder_of};

/// Where a store is and how it is opened.
#[derive(Debug)]
pub(super) struct Location {
    /// The file; of a store in memory, its name there.
    pub(super) path: PathBuf,
    /// How long a call waits for the lock of another process.
    pub(super) timeout: Duration,
    access: Access,
    /// Its name in messages, where that is not its path.
    name: Option<String>,
}

/// How the connections to a store are opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// For reading and writing.
    Full,
    /// In the memory of this process: nothing is left behind, however it ends.
    Memory,
    /// For reading only, with the log and the locks of other processes, as a process that may write the file.
    ReadShared,
    /// For reading only, as a process that may not write the file.
    ReadOnly,
    /// For reading only, without log and locks: neither file nor folder may be written.
    Immutable,
}

impl Location {
    pub(super) fn file(path: &Path, timeout: Duration) -> Self {
        Self { path: path.to_owned(), timeout, access: Access::Full, name: None }
    }

    /// A file that will be moved to `place` once it is complete; messages name that path.
    pub(super) fn file_for(path: &Path, place: &Path, timeout: Duration) -> Self {
        Self { name: Some(place.display().to_string()), ..Self::file(path, timeout) }
    }

    pub(super) fn scratch(timeout: Duration) -> Self {
        let name = format!("file:/ecomres-{}?vfs=memdb", uuid::Uuid::now_v7());
        Self { path: name.into(), timeout, access: Access::Memory, name: Some("in memory".to_owned()) }
    }

    /// An existing store of the schema version `oldest` or a later one, for reading, and its first connection. Nothing
    /// is created or changed.
    pub(super) fn existing(path: &Path, timeout: Duration, oldest: i64) -> Result<(Self, Connection)> {
        let mut location = Self { path: path.to_owned(), timeout, access: Access::ReadShared, name: None };
        match fs::metadata(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(StoreError::Missing { path: location.shown() });
            }
            Ok(about) if about.is_dir() => {
                return Err(StoreError::Open { path: location.shown(), reason: "it is a folder".to_owned() });
            }
            _ => {}
        }
        let mut outcome = location.open_existing(oldest);
        if matches!(outcome, Err(StoreError::Open { .. } | StoreError::Unwritable { .. })) {
            location.access = Access::ReadOnly;
            outcome = location.open_existing(oldest);
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
                return Err(StoreError::Open { path: location.shown(), reason });
            }
            location.access = Access::Immutable;
            outcome = location.open_existing(oldest);
        }
        outcome.map(|connection| (location, connection))
    }

    /// Whether this process may write the store, as far as is known from opening it.
    pub(super) fn is_writable(&self, connection: &Connection) -> bool {
        matches!(self.access, Access::Full | Access::Memory | Access::ReadShared)
            && !connection.is_readonly("main").unwrap_or(true)
    }

    /// Whether writes go to a write-ahead log first.
    pub(super) fn has_log(&self) -> bool {
        self.access == Access::Full
    }

    /// Its name in messages.
    pub(super) fn shown(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.path.display().to_string())
    }

    /// Opens the first connection: creates the file where there is none, and migrates its schema.
    pub(super) fn open(&self) -> Result<Connection> {
        let mut connection = self.connect(true)?;
        self.check_schema(&connection)?;
        if self.access == Access::Full {
            // Of versions that left this to the umask.
            for end in ["", "-wal", "-shm"] {
                files::close_to_everybody(&files::beside(&self.path, end));
            }
        }
        let doing = "opening the store";
        if connection.is_readonly("main").map_err(|error| self.error(&error, doing))? {
            return Err(StoreError::Unwritable { path: self.shown(), reason: "the file is read-only".to_owned() });
        }
        self.retry_while_busy(|| self.prepare_writer(&connection)).map_err(|error| self.error(&error, doing))?;
        self.retry_while_busy(|| schema::migrate(&mut connection)).map_err(|error| self.error(&error, doing))?;
        Ok(connection)
    }

    /// Loads the key of the audit trail, and puts it into use on record where it was made for a trail without one.
    pub(super) fn settle_key(
        &self,
        connection: &mut Connection,
        source: &AuditKeySource,
        using: KeyUse,
    ) -> Result<Option<LoadedKey>> {
        let failed = |error: BackendError| error.into_error(self, "opening the store");
        let busy = |error: rusqlite::Error| self.error(&error, "opening the store");
        let signed = audit::signed_with(connection).map_err(failed)?;
        // No key is made for a trail that is signed with another one.
        let make = using == KeyUse::Begun || (using == KeyUse::Made && signed.is_none());
        let Some(key) = audit_key::load(source, Some(&self.path), make)? else {
            return match signed {
                Some(signed) => Err(audit_key::other_key(self.shown(), signed, None)),
                None => Ok(None),
            };
        };
        if !audit::is_settled(connection, &key.key).map_err(failed)? {
            self.retry_while_busy(|| {
                let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
                let begun = audit::begin(&transaction, &key, using == KeyUse::Begun);
                transaction.commit()?;
                Ok(begun)
            })
            .map_err(busy)?
            .map_err(failed)?;
        }
        Ok(Some(key))
    }

    /// Checks that the file is a store of a version that this program understands.
    fn check_schema(&self, connection: &Connection) -> Result<()> {
        let found = self.retry_while_busy(|| schema::identify(connection));
        match found.map_err(|error| self.error(&error, "opening the store"))? {
            FileKind::Newer(found) => Err(StoreError::Newer { path: self.shown(), found, known: schema::KNOWN }),
            FileKind::Foreign => Err(StoreError::Damaged {
                path: self.shown(),
                reason: "it is an SQLite database of another program".to_owned(),
            }),
            FileKind::Ours => Ok(()),
        }
    }

    /// Opens a reading connection to a store whose tables must exist.
    fn open_existing(&self, oldest: i64) -> Result<Connection> {
        let connection = self.open_reader()?;
        self.check_schema(&connection)?;
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

    /// Opens another connection for writing, to a store that was checked before.
    pub(super) fn open_writer(&self) -> Result<Connection> {
        let connection = self.connect(false)?;
        self.retry_while_busy(|| self.prepare_writer(&connection))
            .map_err(|error| self.error(&error, "opening the store"))?;
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn open_reader(&self) -> Result<Connection> {
        // Reading in WAL mode writes to the shared-memory file beside the store: where it may, it is opened to write.
        let connection = self.connect(false)?;
        self.retry_while_busy(|| connection.pragma_update(None, "query_only", true))
            .map_err(|error| self.error(&error, "opening the store"))?;
        Ok(connection)
    }

    fn prepare_writer(&self, connection: &Connection) -> rusqlite::Result<()> {
        if self.access == Access::Memory {
            return Ok(());
        }
        let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
        // On a file system without shared memory SQLite keeps another journal mode, which is as safe and slower.
        tracing::debug!(mode, "journal");
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Removed rows are overwritten: a customer may have asked for erasure.
        connection.pragma_update(None, "secure_delete", true)?;
        // The thread `store-log` checkpoints; the writer does so only where the log grows past this many pages all the
        // same.
        connection.pragma_update(None, "wal_autocheckpoint", 16_000)?;
        // Only macOS makes a difference: there an ordinary fsync does not reach the disk.
        connection.pragma_update(None, "fullfsync", true)
    }

    fn connect(&self, create: bool) -> Result<Connection> {
        if create && self.access == Access::Full {
            // Where it cannot be made, or is there, SQLite goes on. Its log and its index get the mode of the file.
            let _ = files::create_new(&self.path);
        }
        let (read_write, uri) = (OpenFlags::SQLITE_OPEN_READ_WRITE, OpenFlags::SQLITE_OPEN_URI);
        let flags = match self.access {
            Access::Full if create => read_write | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Full | Access::ReadShared => read_write,
            Access::Memory => read_write | OpenFlags::SQLITE_OPEN_CREATE | uri,
            Access::ReadOnly => OpenFlags::SQLITE_OPEN_READ_ONLY,
            Access::Immutable => OpenFlags::SQLITE_OPEN_READ_ONLY | uri,
        } | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = match self.access {
            Access::Immutable => Connection::open_with_flags(immutable_uri(&self.path), flags),
            _ => Connection::open_with_flags(&self.path, flags),
        };
        let opened = opened.and_then(|connection| connection.busy_timeout(self.timeout).map(|()| connection));
        let connection = opened.map_err(|error| self.error(&error, "opening the store"))?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    }

    /// Retries while the file is locked: some steps (the change to WAL, recovery after a crash) report a lock at once,
    /// without the busy timeout of SQLite.
    fn retry_while_busy<T>(&self, mut work: impl FnMut() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let start = Instant::now();
        loop {
            match work() {
                Err(error) if is_busy(&error) && start.elapsed() < self.timeout => {
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
            ErrorCode::CannotOpen => StoreError::Open { path, reason: self.reason_not_opened() },
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
                StoreError::Locked { path, seconds: self.timeout.as_secs() }
            }
            ErrorCode::DiskFull => StoreError::Unwritable { path, reason: "the disk is full".to_owned() },
            ErrorCode::ReadOnly if FOLDER_ERRORS.contains(&extended) => {
                let reason = format!("the folder {} is read-only", folder_of(&self.path).display());
                StoreError::Unwritable { path, reason }
            }
            ErrorCode::ReadOnly => StoreError::Unwritable { path, reason: "it is read-only".to_owned() },
            ErrorCode::SystemIoFailure if WRITE_ERRORS.contains(&extended) => {
                StoreError::Unwritable { path, reason: format!("the disk reports an error ({})", message(error)) }
            }
            _ => match message(error) {
                reason if MISSING_SCHEMA.iter().any(|start| reason.starts_with(start)) => {
                    StoreError::Damaged { path, reason }
                }
                reason => StoreError::Backend { doing, reason },
            },
        }
    }

    /// Why the file cannot be opened; SQLite gives no reason.
    fn reason_not_opened(&self) -> String {
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

const WRITE_ERRORS: [i32; 4] =
    [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_FSYNC, ffi::SQLITE_IOERR_DIR_FSYNC, ffi::SQLITE_IOERR_TRUNCATE];

const FOLDER_ERRORS: [i32; 2] = [ffi::SQLITE_READONLY_DIRECTORY, ffi::SQLITE_READONLY_CANTINIT];

/// The beginnings of SQLite's messages where another program removed a part of the schema.
const MISSING_SCHEMA: [&str; 2] = ["no such table", "no such column"];

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn message(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(message)) => message.clone(),
        other => other.to_string(),
    }
}

/// The URI under which SQLite opens a file that nobody can change.
fn immutable_uri(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut name = "file:".to_owned();
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => name.push(char::from(*byte)),
            // Windows: the name is `file:///C:/folder/file`.
            b'\\' if cfg!(windows) => name.push('/'),
            other => {
                name.push('%');
                name += &hex::encode_upper([*other]);
            }
        }
    }
    if cfg!(windows) && !name.starts_with("file:/") {
        name.insert_str(5, "///");
    }
    name + "?immutable=1"
}

/// The problems that an integrity check finds.
pub(super) fn problems(connection: &Connection) -> Vec<String> {
    let check = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("PRAGMA integrity_check(20)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    match check() {
        Ok(found) => found.into_iter().filter(|line| line != "ok").collect(),
        Err(error) => vec![message(&error)],
    }
}

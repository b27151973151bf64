//! Copies a store while it is in use. Either a whole, checked copy is at its destination afterwards, or nothing.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::super::{Result, StoreError};
use super::connection::{self, Location};
use super::{BUSY_TIMEOUT, schema};
use crate::files::{self, WorkFolder, beside, folder_of};

/// How the folders begin in which copies are made.
const WORK: &str = ".ecomres-backup-";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The bytes of the copy.
    pub bytes: u64,
    /// Its schema version.
    pub schema: i64,
}

/// Copies a whole database over another one.
pub(super) fn copy_all(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    let copy = Backup::new(from, to)?;
    // In one step: with smaller steps every write of another connection would restart the copy.
    copy.step(-1).map(|_| ())
}

/// Copies the store at `from` to the file `to`, as it is at one moment, while others read and write it. The copy is
/// made beside its destination, checked, and moved there; `replace` allows it to replace a file. Only its owner may read
/// it. What a killed process left of an earlier copy is removed. The key of the audit trail is not in the store, and so
/// not in the copy.
///
/// # Errors
/// When there is no store, it is damaged, or the copy cannot be written; when there is something at `to` and `replace`
/// does not allow it, or `to` is in use or the store itself.
pub fn backup(from: &Path, to: &Path, replace: bool) -> Result<BackupReport> {
    let (location, source) = Location::existing(from, BUSY_TIMEOUT, 1)?;
    let shown = to.display().to_string();
    let unwritable = |reason: String| StoreError::Unwritable { path: shown.clone(), reason };
    let refused = |reason: String, hint| StoreError::Copy { path: shown.clone(), reason, hint };
    if to.is_dir() {
        return Err(refused("it is a folder".to_owned(), "name a file in it"));
    }
    if !folder_of(to).is_dir() {
        let reason = format!("the folder {} does not exist", folder_of(to).display());
        return Err(refused(reason, "make the folder first, or name a file in another"));
    }
    if std::fs::symlink_metadata(to).is_ok() {
        let canonical = |path: &Path| path.canonicalize().ok();
        if canonical(to).is_some() && canonical(to) == canonical(from) {
            return Err(refused("it is the store itself".to_owned(), "name another file"));
        }
        if !replace {
            return Err(StoreError::Exists { path: shown });
        }
        // SQLite would take the leftover log of another database for the log of the copy.
        if let Some(log) = ["-wal", "-journal"].map(|end| beside(to, end)).into_iter().find(|log| log.exists()) {
            let reason = format!("what is there is in use, or was not closed: {} is beside it", log.display());
            return Err(refused(reason, "end the program that uses it, or name another file"));
        }
    }
    let folder = WorkFolder::beside(to, WORK).map_err(|error| unwritable(error.to_string()))?;
    let made = folder.path().join("copy.db");
    // Before SQLite makes it, as everybody may read it.
    files::create_new(&made).map_err(|error| unwritable(error.to_string()))?;
    let target_location = Location::file_for(&made, to, BUSY_TIMEOUT);
    let failed = |error: &rusqlite::Error| target_location.error(error, "making a backup");
    let mut target = Connection::open(&made).map_err(|error| failed(&error))?;
    copy_all(&source, &mut target).map_err(|error| failed(&error))?;
    let problems = connection::problems(&target);
    if !problems.is_empty() {
        return Err(StoreError::Damaged { path: location.shown(), reason: problems.join("; ") });
    }
    let schema = schema::version(&target).map_err(|error| failed(&error))?;
    target.close().map_err(|(_, error)| failed(&error))?;
    let finish = || -> std::io::Result<u64> {
        let file = std::fs::File::options().read(true).write(true).open(&made)?;
        file.sync_all()?;
        let bytes = file.metadata()?.len();
        let made = tempfile::TempPath::try_from_path(&made)?;
        if replace {
            made.persist(to).map_err(|error| error.error)?;
        } else {
            made.persist_noclobber(to).map_err(|error| error.error)?;
        }
        #[cfg(unix)]
        std::fs::File::open(folder_of(to))?.sync_all()?;
        Ok(bytes)
    };
    let bytes = finish().map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => StoreError::Exists { path: shown.clone() },
        _ => unwritable(error.to_string()),
    })?;
    Ok(BackupReport { bytes, schema })
}

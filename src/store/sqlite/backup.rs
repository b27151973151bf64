//! Decides how a store is copied while it is in use.
//!
//! It must never change the store, nor leave anything but a whole copy at the place of the copy.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::backup::Backup;

use super::super::{Result, StoreError};
use super::connection::{self, Place, folder_of};
use super::{WAIT, schema};

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackupReport {
    /// The bytes of the copy.
    pub bytes: u64,
    /// Its schema version.
    pub schema: i64,
}

/// Copies the store at `from` to the file `to`, as it is at one moment, while others read and write it. The copy is made
/// beside its place, checked, and moved there; `replace` allows it to take the place of a file.
///
/// # Errors
/// When there is no store, it is damaged, or the copy cannot be written; when there is something at `to` and `replace`
/// does not allow it, or `to` is in use or the store itself.
pub fn backup(from: &Path, to: &Path, replace: bool) -> Result<BackupReport> {
    let (place, source) = Place::existing(from, WAIT, 1)?;
    let shown = to.display().to_string();
    let unwritable = |reason: String| StoreError::Unwritable { path: shown.clone(), reason };
    if std::fs::symlink_metadata(to).is_ok() {
        let same = |path: &Path| path.canonicalize().ok();
        if same(to).is_some() && same(to) == same(from) {
            return Err(unwritable("it is the store itself".to_owned()));
        }
        if !replace {
            return Err(StoreError::Exists { path: shown });
        }
        // A log that is left of another database would be taken for the log of the copy.
        if let Some(log) = ["-wal", "-journal"].map(|end| beside(to, end)).into_iter().find(|log| log.exists()) {
            return Err(unwritable(format!("it is in use, or was not closed: {} is beside it", log.display())));
        }
    }
    let new = tempfile::Builder::new()
        .prefix(".ecomres-backup-")
        .tempdir_in(folder_of(to))
        .map_err(|error| unwritable(error.to_string()))?;
    let made = new.path().join("copy.db");
    let target_place = Place::file_for(&made, to, WAIT);
    let failed = |error: &rusqlite::Error| target_place.error(error, "making a backup");
    let mut target = Connection::open(&made).map_err(|error| failed(&error))?;
    {
        let copy = Backup::new(&source, &mut target).map_err(|error| failed(&error))?;
        // All in one step, and so one moment of the store: in smaller ones every write of others would begin it anew.
        copy.step(-1).map_err(|error| failed(&error))?;
    }
    let problems = connection::problems(&target);
    if !problems.is_empty() {
        return Err(StoreError::Damaged { path: place.shown(), reason: problems.join("; ") });
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

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

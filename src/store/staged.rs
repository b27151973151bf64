//! A new store file that is created in a temporary folder beside its destination, filled, and moved there when it is
//! complete. An existing file is never replaced.

use std::path::PathBuf;
use std::sync::Arc;

use super::sqlite::SqliteStore;
use super::{Result, Store, StoreError, file_path};
use crate::files::{WorkFolder, folder_of};

/// A new store that is not at its destination yet. Dropping it removes it.
pub struct StagedStore {
    store: Arc<dyn Store>,
    folder: WorkFolder,
    destination: PathBuf,
}

impl StagedStore {
    /// Begins a new store for a location, or `None` where something exists there already, or no file can or has to be
    /// created: then [`open`](super::open) opens it, or returns why it cannot be used.
    ///
    /// # Errors
    /// When the location names no file, or the new file cannot be opened as a store.
    pub fn begin(location: &str) -> Result<Option<Self>> {
        let Some(destination) = file_path(location)? else { return Ok(None) };
        let destination = destination.to_owned();
        if std::fs::symlink_metadata(&destination).is_ok() {
            return Ok(None);
        }
        let Ok(folder) = WorkFolder::beside(&destination, ".ecomres-new-") else {
            return Ok(None);
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::make_for(&folder.path().join(NAME), &destination)?);
        Ok(Some(Self { store, folder, destination }))
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Moves the store to its destination. No other handle to it may be left.
    ///
    /// # Errors
    /// When something exists at its destination by now, or it cannot be moved.
    pub fn persist(self) -> Result<()> {
        let Self { store, folder, destination } = self;
        // Closing the last connection checkpoints the log into the file.
        drop(store);
        let failed = |reason: String| StoreError::Unwritable { path: destination.display().to_string(), reason };
        let made =
            tempfile::TempPath::try_from_path(folder.path().join(NAME)).map_err(|error| failed(error.to_string()))?;
        made.persist_noclobber(&destination).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => failed("another process has made it meanwhile".to_owned()),
            _ => failed(error.error.to_string()),
        })?;
        // The directory entry must be on the disk, too, before this returns.
        #[cfg(unix)]
        std::fs::File::open(folder_of(&destination))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed(error.to_string()))?;
        Ok(())
    }
}

const NAME: &str = "store.db";

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let location = path.to_str().unwrap();
        let entries = || std::fs::read_dir(folder.path()).unwrap().count();
        drop(StagedStore::begin(location).unwrap().unwrap());
        assert_eq!(entries(), 0);

        let (fresh, late) =
            (StagedStore::begin(location).unwrap().unwrap(), StagedStore::begin(location).unwrap().unwrap());
        assert!(!path.exists());
        fresh.persist().unwrap();
        assert!(late.persist().unwrap_err().to_string().contains("another process has made it meanwhile"));
        assert_eq!(entries(), 1);
        assert!(StagedStore::begin(location).unwrap().is_none());
        let store = super::super::open_read_only(location).unwrap();
        assert_eq!(store.count_orders().await.unwrap(), 0);
    }
}

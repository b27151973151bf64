//! Decides how a new store comes into being together with what it is to hold: made in a folder beside its place, and
//! moved there when it is complete.
//!
//! It must never replace anything that is at its place already, nor leave an empty store there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::sqlite::SqliteStore;
use super::{Result, Store, StoreError, place};

/// A new store that is not at its place yet. Dropping it removes it.
pub struct Fresh {
    store: Arc<dyn Store>,
    folder: tempfile::TempDir,
    place: PathBuf,
}

impl Fresh {
    /// Begins a new store for a location, or `None` where there is something already, or no file can or has to be made: then
    /// [`open`](super::open) finds it, or says why it cannot be used.
    ///
    /// # Errors
    /// When the location names no file, or the new file cannot be opened as a store.
    pub fn begin(location: &str) -> Result<Option<Self>> {
        let Some(place) = place(location)? else { return Ok(None) };
        let place = place.to_owned();
        if std::fs::symlink_metadata(&place).is_ok() {
            return Ok(None);
        }
        let Ok(folder) = tempfile::Builder::new().prefix(".ecomres-new-").tempdir_in(folder_of(&place)) else {
            return Ok(None);
        };
        let store: Arc<dyn Store> = Arc::new(SqliteStore::make_for(&folder.path().join(NAME), &place)?);
        Ok(Some(Self { store, folder, place }))
    }

    /// The store.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Moves the store to its place. Nobody may hold a handle to it any more.
    ///
    /// # Errors
    /// When there is something at its place by now, or it cannot be moved.
    pub fn keep(self) -> Result<()> {
        let Self { store, folder, place } = self;
        // The last connection takes what is in the log over into the file.
        drop(store);
        let failed = |reason: String| StoreError::Unwritable { path: place.display().to_string(), reason };
        let made =
            tempfile::TempPath::try_from_path(folder.path().join(NAME)).map_err(|error| failed(error.to_string()))?;
        made.persist_noclobber(&place).map_err(|error| match error.error.kind() {
            std::io::ErrorKind::AlreadyExists => failed("another process has made it meanwhile".to_owned()),
            _ => failed(error.error.to_string()),
        })?;
        // The name must be on the disk too before this says that it is kept.
        #[cfg(unix)]
        std::fs::File::open(folder_of(&place))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| failed(error.to_string()))?;
        Ok(())
    }
}

const NAME: &str = "store.db";

fn folder_of(place: &Path) -> &Path {
    place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let location = path.to_str().unwrap();
        let entries = || std::fs::read_dir(folder.path()).unwrap().count();
        drop(Fresh::begin(location).unwrap().unwrap());
        assert_eq!(entries(), 0);

        let (fresh, late) = (Fresh::begin(location).unwrap().unwrap(), Fresh::begin(location).unwrap().unwrap());
        assert!(!path.exists());
        fresh.keep().unwrap();
        assert!(late.keep().unwrap_err().to_string().contains("another process has made it meanwhile"));
        assert_eq!(entries(), 1);
        assert!(Fresh::begin(location).unwrap().is_none());
        let store = super::super::look(location).unwrap();
        assert_eq!(store.count_orders().await.unwrap(), 0);
    }
}

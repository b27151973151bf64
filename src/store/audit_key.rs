//! Where the key that signs the audit trail comes from. It is never in the store, and no backup of the store holds it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{Result, StoreError};
use crate::domain::audit::{AuditKey, KEY_BYTES};
use crate::files;

/// What the name of the key's file ends with where it lies beside the store.
pub const KEY_FILE_END: &str = ".audit-key";

/// Where a key is to be taken from.
#[derive(Debug, Clone, Default)]
pub enum AuditKeySource {
    /// The file beside the store's file, which is made where there is none. A server has no such file: nothing is signed.
    #[default]
    BesideTheStore,
    /// This file, which is made where there is none.
    File(PathBuf),
    /// This key, of the environment or the settings.
    Given(AuditKey),
}

/// Where a key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyPlace {
    /// The environment or the settings.
    Settings,
    /// A file; whether it is in the folder of the store.
    File {
        /// Its path.
        path: PathBuf,
        /// Whether whoever may write the store's folder may probably write it as well.
        beside: bool,
    },
}

impl fmt::Display for KeyPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Settings => f.write_str("the environment"),
            Self::File { path, .. } => write!(f, "{}", path.display()),
        }
    }
}

/// A key, and where it came from.
#[derive(Debug, Clone)]
pub struct LoadedKey {
    /// The key.
    pub key: AuditKey,
    /// Where it is.
    pub place: KeyPlace,
    /// Whether it was made at this moment.
    pub made: bool,
}

/// The error for a trail that is signed with another key.
pub(super) fn other_key(path: String, signed: String, here: Option<&str>) -> StoreError {
    let here = here.map_or_else(|| "this process has no key".to_owned(), |here| format!("this process has {here}"));
    StoreError::OtherKey { path, signed, here }
}

/// The key that a source gives for a store, whose file is named where it has one. `make` allows it to be made.
///
/// # Errors
/// When the file cannot be read or made, or holds no key.
pub(super) fn load(source: &AuditKeySource, store: Option<&Path>, make: bool) -> Result<Option<LoadedKey>> {
    let path = match (source, store) {
        (AuditKeySource::Given(key), _) => {
            return Ok(Some(LoadedKey { key: key.clone(), place: KeyPlace::Settings, made: false }));
        }
        (AuditKeySource::File(path), _) => path.clone(),
        (AuditKeySource::BesideTheStore, Some(store)) => files::beside(store, KEY_FILE_END),
        (AuditKeySource::BesideTheStore, None) => return Ok(None),
    };
    let shown = path.display().to_string();
    let failed = |reason: String| StoreError::KeyFile { path: shown.clone(), reason };
    let place = KeyPlace::File { beside: store.is_some_and(|store| same_folder(store, &path)), path: path.clone() };
    let loaded = |key, made| Ok(Some(LoadedKey { key, place: place.clone(), made }));
    if let Some(key) = read(&path).map_err(failed)? {
        files::close_to_everybody(&path);
        return loaded(key, false);
    }
    if !make {
        return Ok(None);
    }
    match create(&path).map_err(|error| failed(error.to_string()))? {
        Some(key) => {
            tracing::info!(
                file = shown,
                key = key.id(),
                "made the key that signs the audit trail: keep a copy of it apart from the store and its backups"
            );
            loaded(key, true)
        }
        // Another process was faster.
        None => match read(&path).map_err(failed)? {
            Some(key) => loaded(key, false),
            None => Err(failed("it was removed a moment ago".to_owned())),
        },
    }
}

/// Reads the file of a key; `None` where there is none.
fn read(path: &Path) -> std::result::Result<Option<AuditKey>, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    AuditKey::parse(&lines.collect::<String>()).map(Some)
}

/// Makes the file of a new key; `None` where there is a file by now. Nobody ever sees half a key.
fn create(path: &Path) -> io::Result<Option<AuditKey>> {
    let bytes: [u8; KEY_BYTES] = rand::random();
    let key = AuditKey::new(&bytes).map_err(io::Error::other)?;
    let text = format!(
        "# Signs the audit trail of ecomres. Whoever has this key can forge entries; without it they cannot be checked.\n\
         # Keep it where whoever may write the store may not write, and a copy apart from the backups of the store.\n{}\n",
        hex::encode(bytes)
    );
    // Of a mode that only its owner may read.
    let mut file = tempfile::Builder::new().prefix(".ecomres-key-").tempfile_in(files::folder_of(path))?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Ok(_) => Ok(Some(key)),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(error) => Err(error.error),
    }
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let folder = |path: &Path| files::folder_of(path).canonicalize().ok();
    folder(one).is_some_and(|of_one| folder(other) == Some(of_one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("shop.db");
        let source = AuditKeySource::BesideTheStore;
        assert!(load(&source, Some(&store), false).unwrap().is_none());
        assert!(load(&source, None, true).unwrap().is_none(), "a server has no file");
        let made = load(&source, Some(&store), true).unwrap().unwrap();
        let path = folder.path().join("shop.db.audit-key");
        assert!(made.made && made.place == KeyPlace::File { path: path.clone(), beside: true });
        let again = load(&source, Some(&store), true).unwrap().unwrap();
        assert_eq!((again.key.id(), again.made), (made.key.id(), false));
        assert_eq!(files::others(&path).unwrap(), files::Others::None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let elsewhere = tempfile::tempdir().unwrap();
        let named = AuditKeySource::File(elsewhere.path().join("key"));
        let loaded = load(&named, Some(&store), true).unwrap().unwrap();
        assert!(matches!(loaded.place, KeyPlace::File { beside: false, .. }) && loaded.key.id() != made.key.id());
        std::fs::write(&path, "# only a comment\n").unwrap();
        let error = load(&source, Some(&store), true).unwrap_err();
        assert!(error.to_string().contains("shop.db.audit-key"), "{error}");
    }

    #[test]
    fn of_many_that_make_it_at_once_all_have_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("shop.db");
        let ids: Vec<String> = std::thread::scope(|scope| {
            let tasks: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| load(&AuditKeySource::BesideTheStore, Some(&store), true).unwrap().unwrap()))
                .collect();
            tasks.into_iter().map(|task| task.join().unwrap().key.id().to_owned()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

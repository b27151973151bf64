//! Replaces the model in a folder by another: a whole folder for a whole folder, so that nobody sees files of both. The old
//! one stays beside it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::NluError;
use crate::model::inspect::check;
use crate::model::location::ModelLocation;
use crate::model::summary::NEEDED;

/// A model that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The folder that holds the new model now.
    pub folder: PathBuf,
    /// Where the one is that it held before; `None` where there was none.
    pub previous: Option<PathBuf>,
}

/// Puts a copy of a model folder in the place of another, which stays as `NAME.backup-STAMP` beside it. The copy is
/// checked against its reference logits before anything is moved. On Linux the two change places in one step; elsewhere
/// the place is empty for a moment.
///
/// # Errors
/// The new folder is not whole or does not compute its reference logits, or a folder cannot be written or moved: what was
/// there stays.
pub fn replace_model(new: impl Into<ModelLocation>, to: &Path, stamp: &str) -> Result<Replaced, NluError> {
    let new = match new.into() {
        ModelLocation::BuiltIn => ModelLocation::BuiltIn,
        ModelLocation::Folder(new) => std::fs::canonicalize(&new).map_err(|error| NluError::io(&new, error))?.into(),
    };
    let destination = Destination::of(to)?;
    if new.folder() == Some(&destination.folder) {
        let reason = "is the folder that is to be replaced";
        return Err(NluError::format(
            &destination.folder,
            reason,
            "train into a folder of its own: ecomres train --out DIR",
        ));
    }
    let copy = destination.beside(&format!("new-{stamp}"))?;
    let outcome = copy_model(&new, &copy).and_then(|()| check(&copy).map(drop)).and_then(|()| {
        if destination.folder.exists() {
            return destination.swap(&copy, &format!("backup-{stamp}")).map(Some);
        }
        std::fs::rename(&copy, &destination.folder).map_err(|error| NluError::io(&destination.folder, error))?;
        Ok(None)
    });
    if outcome.is_err() {
        // What is left of the copy is of no use; where there is nothing, nothing is to be removed.
        let _ = std::fs::remove_dir_all(&copy);
    }
    let previous = outcome?;
    destination.sync()?;
    Ok(Replaced { folder: destination.folder, previous })
}

/// Puts the latest backup back in its place; what it replaces stays as `NAME.undone-STAMP`.
///
/// # Errors
/// There is no backup, it does not compute its reference logits, or it cannot be moved: what is there stays.
pub fn restore_model(to: &Path, stamp: &str) -> Result<Replaced, NluError> {
    let destination = Destination::of(to)?;
    let prefix = format!("{}.backup-", destination.name);
    let entries = std::fs::read_dir(&destination.parent).map_err(|error| NluError::io(&destination.parent, error))?;
    let backups = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| {
        path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix))
    });
    let Some(latest) = backups.max() else {
        let reason = format!("has no backup beside it: there is no {prefix}…");
        return Err(NluError::format(
            &destination.folder,
            reason,
            "only what `ecomres model promote` replaced can be brought back",
        ));
    };
    check(&latest)?;
    let previous = if destination.folder.exists() {
        Some(destination.swap(&latest, &format!("undone-{stamp}"))?)
    } else {
        std::fs::rename(&latest, &destination.folder).map_err(|error| NluError::io(&destination.folder, error))?;
        None
    };
    destination.sync()?;
    Ok(Replaced { folder: destination.folder, previous })
}

/// A folder and what surrounds it.
struct Destination {
    folder: PathBuf,
    parent: PathBuf,
    name: String,
}

impl Destination {
    /// The folder itself where a link leads to it.
    fn of(to: &Path) -> Result<Self, NluError> {
        let folder = match std::fs::canonicalize(to) {
            Ok(folder) => folder,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::path::absolute(to).map_err(|error| NluError::io(to, error))?
            }
            Err(error) => return Err(NluError::io(to, error)),
        };
        match (folder.parent(), folder.file_name()) {
            (Some(parent), Some(name)) => {
                let (parent, name) = (parent.to_owned(), name.to_string_lossy().into_owned());
                Ok(Self { folder, parent, name })
            }
            _ => Err(NluError::format(&folder, "cannot be replaced", "name a folder inside of another")),
        }
    }

    /// A path beside the folder where nothing is yet.
    fn beside(&self, what: &str) -> Result<PathBuf, NluError> {
        let path = self.parent.join(format!("{}.{what}", self.name));
        if path.exists() {
            return Err(NluError::format(&path, "is there already", "wait a second and try again, or move it away"));
        }
        Ok(path)
    }

    /// Lets `other` take the place of the folder, which is named `what` then.
    fn swap(&self, other: &Path, what: &str) -> Result<PathBuf, NluError> {
        let aside = self.beside(what)?;
        let moved = |from: &Path, to: &Path| std::fs::rename(from, to).map_err(|error| NluError::io(from, error));
        match exchange(other, &self.folder) {
            Ok(true) => moved(other, &aside)?,
            Ok(false) => {
                moved(&self.folder, &aside)?;
                if let Err(error) = moved(other, &self.folder) {
                    moved(&aside, &self.folder)?;
                    return Err(error);
                }
            }
            Err(source) => {
                let reason = format!("cannot be exchanged: {source}");
                let hint = "the folder above it has to be writable, and the folder itself no mount point";
                return Err(NluError::format(&self.folder, reason, hint));
            }
        }
        Ok(aside)
    }

    /// The new names are on the disk when this returns.
    fn sync(&self) -> Result<(), NluError> {
        let synced = File::open(&self.parent).and_then(|folder| folder.sync_all());
        synced.map_err(|error| NluError::io(&self.parent, error))
    }
}

/// Lets two folders change places in one step; `false` where the system does not know how to.
#[cfg(target_os = "linux")]
fn exchange(one: &Path, other: &Path) -> io::Result<bool> {
    use rustix::fs::{CWD, RenameFlags, renameat_with};
    use rustix::io::Errno;

    match renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        Err(Errno::NOSYS | Errno::INVAL | Errno::OPNOTSUPP) => Ok(false),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn exchange(_: &Path, _: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Copies the files of a model folder, on the disk when this returns; the checkpoint of a training stays behind.
fn copy_model(from: &ModelLocation, to: &Path) -> Result<(), NluError> {
    let names = from.files()?;
    if let Some(name) = NEEDED.into_iter().find(|needed| !names.iter().any(|name| name == needed)) {
        return Err(NluError::Missing { path: from.path(name) });
    }
    std::fs::create_dir(to).map_err(|error| NluError::io(to, error))?;
    for name in names.iter().filter(|name| !name.ends_with(".partial")) {
        let target = to.join(name);
        let copied = match from {
            ModelLocation::BuiltIn => std::fs::write(&target, from.read(name)?),
            // With its permissions.
            ModelLocation::Folder(_) => std::fs::copy(from.path(name), &target).map(drop),
        };
        copied.map_err(|error| NluError::io(&from.path(name), error))?;
        File::open(&target).and_then(|file| file.sync_all()).map_err(|error| NluError::io(&target, error))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiny() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model")
    }

    fn with_readme(dir: &Path, text: &str) -> PathBuf {
        std::fs::create_dir_all(dir).unwrap();
        for entry in std::fs::read_dir(tiny()).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, dir.join(path.file_name().unwrap())).unwrap();
        }
        std::fs::write(dir.join("README.md"), text).unwrap();
        dir.to_owned()
    }

    fn readme(dir: &Path) -> String {
        std::fs::read_to_string(dir.join("README.md")).unwrap()
    }

    #[test]
    fn a_model_is_replaced_kept_and_brought_back() {
        let dir = tempfile::tempdir().unwrap();
        let (to, new) = (dir.path().join("live"), with_readme(&dir.path().join("new"), "one"));
        let first = replace_model(&new, &to, "20260101T000000Z").unwrap();
        assert_eq!((readme(&to).as_str(), first.previous), ("one", None));
        with_readme(&new, "two");
        let second = replace_model(&new, &to, "20260102T000000Z").unwrap();
        assert_eq!((readme(&to).as_str(), readme(second.previous.as_ref().unwrap()).as_str()), ("two", "one"));
        assert!(second.previous.unwrap().ends_with("live.backup-20260102T000000Z"));
        assert!(new.exists(), "what was promoted stays where it was");
        let third = restore_model(&to, "20260103T000000Z").unwrap();
        assert_eq!((readme(&to).as_str(), readme(third.previous.as_ref().unwrap()).as_str()), ("one", "two"));
        let error = restore_model(&to, "20260104T000000Z").unwrap_err();
        assert!(error.to_string().contains("no backup"), "{error}");
        assert!(replace_model(&to, &to, "x").unwrap_err().to_string().contains("to be replaced"));
    }

    #[test]
    fn what_is_not_whole_or_computes_something_else_replaces_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let (to, new) = (with_readme(&dir.path().join("live"), "old"), with_readme(&dir.path().join("new"), "new"));
        std::fs::remove_file(new.join("tokenizer.json")).unwrap();
        let error = replace_model(&new, &to, "a").unwrap_err();
        assert!(matches!(&error, NluError::Missing { path } if path.ends_with("tokenizer.json")), "{error}");
        let new = with_readme(&new, "new");
        let reference = std::fs::read_to_string(new.join("reference_logits.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_str(&reference).unwrap();
        json["cases"][0]["intent_logits"][0] = 77.0.into();
        std::fs::write(new.join("reference_logits.json"), json.to_string()).unwrap();
        let error = replace_model(&new, &to, "a").unwrap_err();
        assert!(matches!(error, NluError::Reference { .. }), "{error}");
        assert_eq!(readme(&to), "old");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside");
    }
}

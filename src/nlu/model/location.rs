//! Where the files of a model are read from: a folder, or the program itself.
//!
//! The files inside the program are never copied to the heap.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Serialize, Serializer};

use crate::NluError;

/// Name of the file with the tensors.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// Where a model is. Shown, and in JSON, `built-in` or the path of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ModelLocation {
    /// The shipped model, inside the program.
    #[default]
    BuiltIn,
    /// A folder in the Hugging Face layout.
    Folder(PathBuf),
}

impl ModelLocation {
    /// What names the shipped model on a command line and in the settings.
    pub const BUILT_IN: &str = "built-in";

    /// What a user names: `built-in`, or a folder, which need not exist. A folder that is called so is `./built-in`.
    pub fn named(name: &Path) -> Self {
        if name.as_os_str() == Self::BUILT_IN { Self::BuiltIn } else { Self::Folder(name.to_owned()) }
    }

    /// The model that a user names, else the shipped one.
    ///
    /// # Errors
    /// The folder does not exist.
    pub fn find(name: Option<&Path>) -> Result<Self, NluError> {
        match name.map_or(Self::BuiltIn, Self::named) {
            Self::Folder(folder) if !folder.is_dir() => Err(NluError::NoModel { folder }),
            location => Ok(location),
        }
    }

    /// `./model`, where it is another model than the shipped one: earlier builds used it without being told.
    pub fn unused_folder() -> Option<&'static Path> {
        let folder = Path::new("model");
        Self::differs_from_shipped(folder).then_some(folder)
    }

    /// Whether a folder is one of a model that is not the shipped one. `training.json` holds the hash of the weights, so it is
    /// compared whole; of the weights only the length, to read no megabytes at each start.
    fn differs_from_shipped(folder: &Path) -> bool {
        if !folder.join("config.json").is_file() {
            return false;
        }
        let shipped = |file: &str| ecomres_model::file(file).unwrap_or_default();
        let weights = std::fs::metadata(folder.join("model.safetensors")).map_or(0, |file| file.len());
        weights != shipped("model.safetensors").len() as u64
            || std::fs::read(folder.join("training.json")).unwrap_or_default() != shipped("training.json")
    }

    /// The folder, where it is one.
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::BuiltIn => None,
            Self::Folder(folder) => Some(folder),
        }
    }

    /// What errors call the model.
    pub(crate) fn name(&self) -> &Path {
        self.folder().unwrap_or(Path::new(Self::BUILT_IN))
    }

    /// What errors call one of its files.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.name().join(file)
    }

    /// The content of one of its files.
    ///
    /// # Errors
    /// The file is not there or cannot be read.
    pub(crate) fn read(&self, file: &str) -> Result<Cow<'static, [u8]>, NluError> {
        let path = self.path(file);
        match self {
            Self::BuiltIn => ecomres_model::file(file).map(Cow::Borrowed).ok_or(NluError::Missing { path }),
            Self::Folder(_) => std::fs::read(&path).map(Cow::Owned).map_err(|error| NluError::io(&path, error)),
        }
    }

    /// The content of one of its files that is inside the program.
    pub(crate) fn read_built_in(&self, file: &str) -> Option<&'static [u8]> {
        match self {
            Self::BuiltIn => ecomres_model::file(file),
            Self::Folder(_) => None,
        }
    }

    /// Whether one of its files is there.
    pub(crate) fn has(&self, file: &str) -> bool {
        match self {
            Self::BuiltIn => ecomres_model::file(file).is_some(),
            Self::Folder(folder) => folder.join(file).exists(),
        }
    }

    /// The names of its files, sorted.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub(crate) fn files(&self) -> Result<Vec<String>, NluError> {
        let Self::Folder(folder) = self else {
            return Ok(ecomres_model::NAMES.iter().map(|name| (*name).to_owned()).collect());
        };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(|error| NluError::io(folder, error))? {
            let path = entry.map_err(|error| NluError::io(folder, error))?.path();
            if let Some(name) = path.file_name().filter(|_| path.is_file()) {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

impl fmt::Display for ModelLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name().display().fmt(f)
    }
}

impl Serialize for ModelLocation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.name().serialize(serializer)
    }
}

impl From<PathBuf> for ModelLocation {
    fn from(folder: PathBuf) -> Self {
        Self::Folder(folder)
    }
}

impl From<&PathBuf> for ModelLocation {
    fn from(folder: &PathBuf) -> Self {
        Self::Folder(folder.clone())
    }
}

impl From<&Path> for ModelLocation {
    fn from(folder: &Path) -> Self {
        Self::Folder(folder.to_owned())
    }
}

impl From<&ModelLocation> for ModelLocation {
    fn from(location: &ModelLocation) -> Self {
        location.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> ModelLocation {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model").into()
    }

    #[test]
    fn every_shipped_file_is_built_in_byte_for_byte() {
        let names = shipped().files().unwrap();
        assert_eq!(ModelLocation::BuiltIn.files().unwrap(), names);
        for name in names {
            assert!(ModelLocation::BuiltIn.has(&name));
            assert!(ModelLocation::BuiltIn.read(&name).unwrap() == shipped().read(&name).unwrap(), "{name}");
        }
        let error = ModelLocation::BuiltIn.read("other.json").unwrap_err();
        assert_eq!(error.to_string(), "built-in/other.json does not exist");
    }

    #[test]
    fn the_built_in_model_is_found_unless_another_is_named() {
        assert_eq!(ModelLocation::find(None).unwrap(), ModelLocation::BuiltIn);
        assert_eq!(ModelLocation::find(Some(Path::new("built-in"))).unwrap(), ModelLocation::BuiltIn);
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(ModelLocation::find(Some(dir.path())).unwrap().folder(), Some(dir.path()));
        let error = ModelLocation::find(Some(Path::new("./built-in"))).unwrap_err();
        assert!(error.to_string().contains("./built-in") && error.hint().unwrap().contains("--model"), "{error}");
    }

    #[test]
    fn another_model_in_a_folder_is_told_from_the_shipped_one() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!ModelLocation::differs_from_shipped(folder.path()), "no model");
        for name in shipped().files().unwrap() {
            std::fs::write(folder.path().join(&name), shipped().read(&name).unwrap()).unwrap();
        }
        assert!(!ModelLocation::differs_from_shipped(folder.path()), "a copy");
        // A training of the same length: only the hash in its record differs.
        let record = String::from_utf8(shipped().read("training.json").unwrap().to_vec()).unwrap();
        let other: String = record.chars().map(|c| if c == 'a' { 'b' } else { c }).collect();
        assert_ne!(record, other);
        std::fs::write(folder.path().join("training.json"), &other).unwrap();
        assert!(ModelLocation::differs_from_shipped(folder.path()));
    }

    #[test]
    fn a_location_is_shown_as_one_word_or_a_path() {
        assert_eq!(ModelLocation::BuiltIn.to_string(), "built-in");
        assert_eq!(serde_json::to_string(&ModelLocation::BuiltIn).unwrap(), "\"built-in\"");
        let folder = ModelLocation::from(Path::new("a/b"));
        assert_eq!((folder.to_string().as_str(), serde_json::to_string(&folder).unwrap().as_str()), ("a/b", "\"a/b\""));
    }
}

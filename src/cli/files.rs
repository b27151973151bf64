//! How commands write their result files: never half a file, and no file is replaced without being told to.

use std::borrow::Cow;
use std::path::Path;

use super::{Global, InputError};
use crate::files;
use crate::files::csv::restored;
use crate::nlu::Dataset;

/// Writes a file that only its owner may read, beside its place first, and then moves it there.
///
/// # Errors
/// The file cannot be written; what was there before still is.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), InputError> {
    files::write_whole(path, bytes).map_err(|error| {
        InputError::with_hint(
            format!("{} cannot be written: {error}", path.display()),
            "name a place that may be written and has room",
        )
    })
}

/// Takes off what `label export` put before texts that a spreadsheet would take for formulas.
pub(super) fn restore(dataset: &mut Dataset) {
    for example in &mut dataset.examples {
        if let Cow::Owned(text) = restored(&example.text) {
            example.text = text;
        }
    }
}

/// Refuses to overwrite a file unless `--yes` is given.
///
/// # Errors
/// The file exists.
pub(super) fn refuse_existing(path: &Path, global: &Global) -> Result<(), InputError> {
    if path.exists() && !global.yes {
        let message = format!("{} exists already", path.display());
        return Err(InputError::with_hint(message, "add --yes to overwrite it, or name another file"));
    }
    Ok(())
}

/// Makes a folder and those above it.
///
/// # Errors
/// The folder cannot be made.
pub(super) fn make_folder(dir: &Path) -> Result<(), InputError> {
    std::fs::create_dir_all(dir).map_err(|error| {
        InputError::with_hint(format!("{} cannot be made: {error}", dir.display()), "name another folder")
    })
}

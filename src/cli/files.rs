//! Decides how a command writes its result files.
//!
//! It must never leave half a file behind, nor replace what it was not told to replace.

use std::path::{Path, PathBuf};

use super::{Global, Problem};

/// Writes a file beside its place and then moves it there.
///
/// # Errors
/// The file cannot be written; what was there before still is.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".partial");
    let beside = PathBuf::from(beside);
    std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, path)).map_err(|error| {
        // Often there is nothing to remove: the write itself may have failed.
        let _ = std::fs::remove_file(&beside);
        Problem::with_hint(
            format!("{} cannot be written: {error}", path.display()),
            "name a place that may be written and has room",
        )
    })
}

/// Refuses a file that is there already, unless every question is answered with yes.
///
/// # Errors
/// The file exists.
pub(super) fn refuse_existing(path: &Path, global: &Global) -> Result<(), Problem> {
    if path.exists() && !global.yes {
        let message = format!("{} exists already", path.display());
        return Err(Problem::with_hint(message, "add --yes to overwrite it, or name another file"));
    }
    Ok(())
}

/// Makes a folder and those above it.
///
/// # Errors
/// The folder cannot be made.
pub(super) fn make_folder(dir: &Path) -> Result<(), Problem> {
    std::fs::create_dir_all(dir).map_err(|error| {
        Problem::with_hint(format!("{} cannot be made: {error}", dir.display()), "name another folder")
    })
}

//! Files that only their owner may read, whatever the umask is, and folders to work in of which a killed process leaves
//! nothing for long.

pub mod csv;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The age at which a working folder without a lock was left behind: its process died before it made the lock.
const LEFT_BEHIND: Duration = Duration::from_hours(1);
/// The file in a working folder that is locked as long as its process is at work.
const LOCK: &str = "in-use";

/// Creates a file that only its owner may read and write; none may be there.
///
/// # Errors
/// When it cannot be created, or there is one.
pub fn create_new(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Writes a file that only its owner may read, whole or not at all: beside its place first, then it is moved there. What a
/// killed process left of that is overwritten the next time.
///
/// # Errors
/// When it cannot be written; what was there before still is.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = beside(path, ".partial");
    // Nothing that somebody else put there is written through.
    match fs::remove_file(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = create_new(&beside).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    });
    if written.is_err() {
        // Often there is nothing to remove: the write itself may have failed.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// A path with something added to the name of the file.
pub fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The folder that a file is in.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Who besides its owner may do something with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// Nobody.
    None,
    /// Its group.
    Group,
    /// Every user of this machine.
    Everybody,
}

/// Who besides its owner may do something with a file. Systems without such modes: nobody.
///
/// # Errors
/// When it cannot be looked at.
pub fn others(path: &Path) -> io::Result<Others> {
    let about = fs::metadata(path)?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&about.permissions());
        if mode & 0o007 != 0 {
            return Ok(Others::Everybody);
        }
        if mode & 0o070 != 0 {
            return Ok(Others::Group);
        }
    }
    let _ = about;
    Ok(Others::None)
}

/// Takes the permissions of everybody but its owner from a file that every user may do something with. A file that only
/// the group may read was made so by somebody: it stays. Where the file is not ours to change, nothing happens.
pub fn close_to_everybody(path: &Path) {
    if !matches!(others(path), Ok(Others::Everybody)) {
        return;
    }
    #[cfg(unix)]
    if let Err(error) = fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600)) {
        tracing::warn!(file = %path.display(), %error, "every user of this machine may read this file: chmod 600");
    }
}

/// A folder beside the place of a file that is being made. It is removed when it is dropped; what a killed process left
/// is removed when the next one begins.
#[derive(Debug)]
pub struct WorkFolder {
    folder: tempfile::TempDir,
    _lock: File,
}

impl WorkFolder {
    /// Makes a folder beside `place`, whose name begins with `prefix`, and removes those that were left behind.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn beside(place: &Path, prefix: &str) -> io::Result<Self> {
        let parent = folder_of(place);
        remove_left(parent, prefix);
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let folder = builder.tempdir_in(parent)?;
        let lock = create_new(&folder.path().join(LOCK))?;
        // Where a file system knows no locks, only what is old is removed.
        if lock.try_lock().is_err() {
            tracing::debug!("a working folder could not be locked");
        }
        Ok(Self { folder, _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes working folders whose processes are gone.
fn remove_left(parent: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(prefix)
            && entry.file_type().is_ok_and(|kind| kind.is_dir());
        if is_ours && is_left(&entry.path()) {
            match fs::remove_dir_all(entry.path()) {
                Ok(()) => tracing::info!(folder = %entry.path().display(), "removed what a killed process left"),
                Err(error) => {
                    tracing::warn!(folder = %entry.path().display(), %error, "a killed process left this folder");
                }
            }
        }
    }
}

fn is_left(folder: &Path) -> bool {
    if let Ok(lock) = File::open(folder.join(LOCK)) {
        return lock.try_lock().is_ok();
    }
    let age = fs::metadata(folder).and_then(|about| about.modified()).map(|at| at.elapsed().unwrap_or_default());
    age.is_ok_and(|age| age > LEFT_BEHIND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_working_folder_goes_with_its_process_and_no_other_does() {
        let parent = tempfile::tempdir().unwrap();
        let place = parent.path().join("copy.db");
        let names = || fs::read_dir(parent.path()).unwrap().count();
        let first = WorkFolder::beside(&place, ".work-").unwrap();
        fs::write(first.path().join("half"), "half").unwrap();
        let second = WorkFolder::beside(&place, ".work-").unwrap();
        assert!(first.path().exists(), "its process is at work");
        drop(second);
        assert_eq!(names(), 1);
        // Killed: the lock is given back, and nobody removes the folder.
        let WorkFolder { folder, _lock: lock } = first;
        let left = folder.keep();
        drop(lock);
        fs::create_dir(parent.path().join(".other-1")).unwrap();
        fs::create_dir(parent.path().join(".work-begun-a-moment-ago")).unwrap();
        fs::write(parent.path().join(".work-file"), "").unwrap();
        let third = WorkFolder::beside(&place, ".work-").unwrap();
        assert!(!left.exists());
        drop(third);
        assert_eq!(names(), 3, "what is not ours, or not known to be left, stays");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_what_is_written() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("export.csv");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        // Left half written by a killed process, for everybody to read.
        fs::write(beside(&path, ".partial"), "half").unwrap();
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        write_whole(&path, b"whole").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"whole".to_vec(), 0o600));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let missing = folder.path().join("nowhere").join("export.csv");
        assert!(write_whole(&missing, b"x").is_err());

        for (before, after, who) in [
            (0o644, 0o600, Others::None),
            (0o666, 0o600, Others::None),
            (0o640, 0o640, Others::Group),
            (0o600, 0o600, Others::None),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
            close_to_everybody(&path);
            assert_eq!((mode(&path), others(&path).unwrap()), (after, who), "{before:o}");
        }
    }
}

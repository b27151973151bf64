//! The contents of media files: a folder in which each lies under its SHA-256, so that the same content is there once. Only its
//! owner reads it. A content is there whole or not at all, and is removed once no file has it any more.
//!
//! The order of writing is: the content, then what is known of it. A process that is killed in between leaves a content that
//! nobody has, which [`tidy`] removes. A lock is held from the moment a content is in its place until it is noted, and while contents
//! are looked up and removed: the same content that another customer sends meanwhile is not removed with the one that goes.

use std::fs::{self, File, TryLockError};
use std::io::{self, ErrorKind, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256};

use super::{Result, Store, StoreError};
use crate::files;

/// The age from which on a content that no file has was left behind: until then somebody may be about to note it.
const LEFT_BEHIND: Duration = Duration::from_hours(1);
/// What the names of contents that are being written begin with.
const PARTIAL: &str = ".partial-";
/// The file that whoever notes or removes contents locks.
const LOCK: &str = ".lock";
/// How long is waited for it, for less than any lease, and how often it is tried.
const LOCK_WAIT: Duration = Duration::from_secs(5);
const LOCK_RETRY: Duration = Duration::from_millis(2);
/// The file that says whose contents these are.
const OWNER: &str = ".store";
/// How long the bytes of all contents are known: other processes add some, too.
const COUNTED_FOR: Duration = Duration::from_secs(5);
/// How much of a content is read at a time.
const PART: usize = 64 * 1_024;
/// How many digests are asked for at once.
const BATCH: usize = 500;

/// A folder of contents. Cloning it is cheap.
#[derive(Debug, Clone)]
pub struct MediaFolder {
    path: Arc<Path>,
    quota: u64,
    may_be_shared: bool,
    /// The bytes of all contents, and when they were counted.
    counted: Arc<Mutex<Option<(Instant, u64)>>>,
}

/// A content in its place. Nobody removes it before this is dropped: note it, then drop this.
#[derive(Debug)]
pub struct Kept {
    /// Its digest.
    pub digest: String,
    /// Its bytes.
    pub size: u64,
    _lock: Lock,
}

/// The lock of a folder, until it is dropped or the process ends.
#[derive(Debug)]
struct Lock(#[expect(dead_code, reason = "dropping it unlocks")] Option<File>);

/// Why a content was not kept.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The folder holds as much as it may.
    #[error("the folder of media files is full: [media] quota_mb")]
    Full,
    /// The disk says no.
    #[error("the content cannot be written: {0}")]
    Disk(#[from] io::Error),
}

/// A content that is being written. Dropping it removes it.
#[derive(Debug)]
pub struct NewContent {
    file: tempfile::NamedTempFile,
    digest: Sha256,
    size: u64,
    left: u64,
}

impl NewContent {
    /// Adds bytes.
    ///
    /// # Errors
    /// When they would not fit into the folder, or cannot be written.
    pub fn write(&mut self, bytes: &[u8]) -> std::result::Result<(), KeepError> {
        let more = bytes.len() as u64;
        self.size += more;
        if self.size > self.left {
            return Err(KeepError::Full);
        }
        self.digest.update(bytes);
        Ok(self.file.write_all(bytes)?)
    }

    /// Bytes so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The SHA-256 of what was written so far, in hexadecimal.
    pub fn digest(&self) -> String {
        hex::encode(self.digest.clone().finalize())
    }
}

impl MediaFolder {
    /// A folder that holds at most `quota` bytes; it is made with the first content. Where that is 0 it takes none, and what it
    /// holds from before is shown and removed all the same.
    pub fn new(path: PathBuf, quota: u64) -> Self {
        Self { path: path.into(), quota, may_be_shared: false, counted: Arc::default() }
    }

    /// This folder, which other stores could name as well: it says whose contents it holds, see [`own`].
    #[must_use]
    pub fn that_may_be_shared(self) -> Self {
        Self { may_be_shared: true, ..self }
    }

    /// Whether it takes new contents.
    pub fn takes(&self) -> bool {
        self.quota > 0
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The most bytes it holds.
    pub fn quota(&self) -> u64 {
        self.quota
    }

    /// Begins a content. Blocks.
    ///
    /// # Errors
    /// When the folder is full, or cannot be made or read.
    pub fn begin(&self) -> std::result::Result<NewContent, KeepError> {
        self.make()?;
        let left = self.quota.saturating_sub(self.used_lately()?);
        if left == 0 {
            return Err(KeepError::Full);
        }
        let file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(&*self.path)?;
        Ok(NewContent { file, digest: Sha256::new(), size: 0, left })
    }

    /// Puts a content into its place. It is on the disk when this returns. Blocks.
    ///
    /// # Errors
    /// When it cannot be moved there.
    pub fn keep(&self, content: NewContent) -> io::Result<Kept> {
        let (digest, size) = (content.digest(), content.size());
        content.file.as_file().sync_all()?;
        let lock = self.lock()?;
        content.file.persist(self.place(&digest)).map_err(|error| error.error)?;
        #[cfg(unix)]
        File::open(&*self.path)?.sync_all()?;
        if let Some((_, used)) = self.counted.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            *used += size;
        }
        Ok(Kept { digest, size, _lock: lock })
    }

    /// Waits until nobody else notes or removes contents. Blocks.
    fn lock(&self) -> io::Result<Lock> {
        self.lock_within(LOCK_WAIT)
    }

    fn lock_within(&self, wait: Duration) -> io::Result<Lock> {
        let file = own_file(File::options().create(true).truncate(false).write(true)).open(self.path.join(LOCK))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(Some(file))),
                // What they keep apart is a matter of milliseconds.
                Err(TryLockError::Error(error)) if has_no_locks(&error) => return Ok(Lock(None)),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begun.elapsed() >= wait => {
                    return Err(io::Error::new(ErrorKind::TimedOut, "another process holds the lock of the folder"));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_RETRY),
            }
        }
    }

    /// A content; `None` where it is not there. Blocks.
    ///
    /// # Errors
    /// When it cannot be read, or is another one than its name says.
    pub fn read(&self, digest: &str) -> io::Result<Option<Vec<u8>>> {
        let Some((mut file, _)) = self.open(digest)? else { return Ok(None) };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// A content to be read in parts, and its size; `None` where it is not there. Blocks, and holds no more than a part in memory.
    ///
    /// # Errors
    /// When it cannot be read, or is another one than its name says.
    pub fn open(&self, digest: &str) -> io::Result<Option<(File, u64)>> {
        if !is_digest(digest) {
            return Ok(None);
        }
        let mut file = match File::open(self.place(digest)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let (mut found, mut size, mut part) = (Sha256::new(), 0, vec![0; PART]);
        loop {
            let read = file.read(&mut part)?;
            if read == 0 {
                break;
            }
            found.update(&part[..read]);
            size += read as u64;
        }
        if hex::encode(found.finalize()) != digest {
            return Err(io::Error::new(ErrorKind::InvalidData, "the content is another one than its name says"));
        }
        file.rewind()?;
        Ok(Some((file, size)))
    }

    /// A content of so many bytes, of which a part is to be read; `None` where it is not there. Blocks, and reads nothing: that it is what
    /// its name says was checked when it was kept.
    ///
    /// # Errors
    /// When it cannot be opened, or has another length.
    pub fn open_for_part(&self, digest: &str, size: u64) -> io::Result<Option<(File, u64)>> {
        if !is_digest(digest) {
            return Ok(None);
        }
        let file = match File::open(self.place(digest)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        if file.metadata()?.len() != size {
            return Err(io::Error::new(ErrorKind::InvalidData, "the content has another length than was noted"));
        }
        Ok(Some((file, size)))
    }

    /// Removes a content, if it is there. Blocks.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, digest: &str) -> io::Result<()> {
        if !is_digest(digest) {
            return Ok(());
        }
        match fs::remove_file(self.place(digest)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Bytes of all contents. Blocks.
    ///
    /// # Errors
    /// When the folder is there and cannot be read.
    pub fn used(&self) -> io::Result<u64> {
        Ok(self.entries()?.iter().map(|entry| entry.size).sum())
    }

    /// As [`MediaFolder::used`], as it was a few seconds ago, with what this process added since.
    fn used_lately(&self) -> io::Result<u64> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, used)) = counted.filter(|(at, _)| at.elapsed() < COUNTED_FOR) {
            return Ok(used);
        }
        let used = self.used()?;
        *counted = Some((Instant::now(), used));
        Ok(used)
    }

    /// As [`MediaFolder::read`], on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As [`MediaFolder::read`].
    pub async fn content(&self, digest: &str) -> Result<Option<Vec<u8>>> {
        let (folder, digest) = (self.clone(), digest.to_owned());
        blocking("reading a media file", move || folder.read(&digest)).await
    }

    /// As [`MediaFolder::open`], on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As [`MediaFolder::open`].
    pub async fn opened(&self, digest: &str) -> Result<Option<(File, u64)>> {
        let (folder, digest) = (self.clone(), digest.to_owned());
        blocking("reading a media file", move || folder.open(&digest)).await
    }

    /// As [`MediaFolder::open_for_part`], on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As [`MediaFolder::open_for_part`].
    pub async fn opened_for_part(&self, digest: &str, size: u64) -> Result<Option<(File, u64)>> {
        let (folder, digest) = (self.clone(), digest.to_owned());
        blocking("reading a media file", move || folder.open_for_part(&digest, size)).await
    }

    /// Whose contents the folder holds: this store's from now on, where it says nothing. `None` where there is no folder, and none is
    /// needed. Blocks.
    fn owner(&self, own: &str) -> io::Result<Option<String>> {
        if self.takes() {
            self.make()?;
        } else if !self.path.exists() {
            return Ok(None);
        }
        let place = self.path.join(OWNER);
        let mut file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(&*self.path)?;
        file.write_all(own.as_bytes())?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(&place) {
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {}
            persisted => drop(persisted.map_err(|error| error.error)?),
        }
        Ok(Some(fs::read_to_string(&place)?.trim().to_owned()))
    }

    fn place(&self, digest: &str) -> PathBuf {
        self.path.join(digest)
    }

    fn make(&self) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let entries = match fs::read_dir(&*self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            // Another process may have removed it meanwhile.
            let Ok(about) = entry.metadata() else { continue };
            let name = entry.file_name().to_string_lossy().into_owned();
            if about.is_file() && (is_digest(&name) || name.starts_with(PARTIAL)) {
                let age = about.modified().ok().and_then(|at| SystemTime::now().duration_since(at).ok());
                found.push(Entry { name, size: about.len(), age: age.unwrap_or_default() });
            }
        }
        Ok(found)
    }
}

/// A file of the folder.
struct Entry {
    name: String,
    size: u64,
    age: Duration,
}

/// Whether a file system has no locks, or a server of files has nobody who keeps them.
fn has_no_locks(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(rustix::io::Errno::NOLCK.raw_os_error()) {
        return true;
    }
    error.kind() == ErrorKind::Unsupported
}

/// Files that only their owner reads.
fn own_file(options: &mut fs::OpenOptions) -> &mut fs::OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

fn is_digest(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Runs what reads or writes the folder on a thread that may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let failed = |reason: String| StoreError::Backend { doing, reason };
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome.map_err(|error| failed(error.to_string())),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Makes the folder the store's own, where it could be another's: a store removes what it does not know, so two must not share one.
///
/// # Errors
/// When it holds the contents of another store, or cannot be looked at; when the store fails.
pub async fn own(store: &dyn Store) -> Result<()> {
    let Some(folder) = store.media_folder().filter(|folder| folder.may_be_shared) else { return Ok(()) };
    let own = store.media_owner().await?;
    let (looked, name) = (folder.clone(), own.clone());
    let owner = blocking("looking at the folder of media files", move || looked.owner(&name)).await?;
    if owner.is_some_and(|owner| owner != own) {
        return Err(StoreError::FolderOfAnother { path: folder.path().display().to_string() });
    }
    Ok(())
}

/// Removes those of these contents that no file has any more.
///
/// # Errors
/// When the store fails, or a content cannot be removed; when the folder is another store's.
pub async fn remove_unused(store: &dyn Store, digests: Vec<String>) -> Result<()> {
    let Some(folder) = store.media_folder().filter(|folder| folder.path().exists()) else { return Ok(()) };
    if digests.is_empty() {
        return Ok(());
    }
    own(store).await?;
    for batch in digests.chunks(BATCH) {
        // From the look into the store until all is removed: what is noted meanwhile is kept before or after both.
        let locking = folder.clone();
        let lock = blocking("locking the folder of media files", move || locking.lock()).await?;
        let used = store.media_contents(batch).await?;
        let unused: Vec<String> = batch.iter().filter(|digest| !used.contains(digest)).cloned().collect();
        let folder = folder.clone();
        blocking("removing media files", move || {
            let _lock = lock;
            unused.iter().try_for_each(|digest| folder.remove(digest))
        })
        .await?;
    }
    Ok(())
}

/// Removes every content that no file has, and that is not about to be noted: what was swept, and what killed processes left.
///
/// # Errors
/// As [`remove_unused`].
pub async fn tidy(store: &dyn Store) -> Result<()> {
    let Some(folder) = store.media_folder() else { return Ok(()) };
    own(store).await?;
    let (reading, removing) = (folder.clone(), folder.clone());
    let old = blocking("reading the folder of media files", move || {
        Ok(reading
            .entries()?
            .into_iter()
            .filter(|entry| entry.age > LEFT_BEHIND)
            .map(|entry| entry.name)
            .collect::<Vec<_>>())
    });
    let (partial, whole): (Vec<String>, Vec<String>) =
        old.await?.into_iter().partition(|name| name.starts_with(PARTIAL));
    blocking("removing media files", move || {
        for name in partial {
            match fs::remove_file(removing.path.join(name)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    })
    .await?;
    remove_unused(store, whole).await
}

/// Whether somebody else than its owner may do something with the folder, where it is there.
///
/// # Errors
/// When it cannot be looked at.
pub fn is_open_to_others(folder: &MediaFolder) -> io::Result<bool> {
    match files::others(folder.path()) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        others => Ok(others? != files::Others::None),
    }
}

#[cfg(test)]
#[path = "media_folder_tests.rs"]
mod tests;

//! The contents of media files: a folder in which each lies under its SHA-256, so that the same content is there once. Only its
//! owner reads it. A content is there whole or not at all, and is removed once no file has it any more.
//!
//! The order of writing is: the content, then what is known of it. A process that is killed in between leaves a content that
//! nobody has, which [`tidy`] removes.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use sha2::{Digest as _, Sha256};

use super::{Result, Store, StoreError};
use crate::files;

/// The age from which on a content that no file has was left behind: until then somebody may be about to note it.
const LEFT_BEHIND: Duration = Duration::from_hours(1);
/// What the names of contents that are being written begin with.
const PARTIAL: &str = ".partial-";
/// How many digests are asked for at once.
const BATCH: usize = 500;

/// A folder of contents. Cloning it is cheap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaFolder {
    path: Arc<Path>,
    quota: u64,
}

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
    /// A folder that holds at most `quota` bytes; it is made with the first content.
    pub fn new(path: PathBuf, quota: u64) -> Self {
        Self { path: path.into(), quota }
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
        let left = self.quota.saturating_sub(self.used()?);
        if left == 0 {
            return Err(KeepError::Full);
        }
        let file = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(&*self.path)?;
        Ok(NewContent { file, digest: Sha256::new(), size: 0, left })
    }

    /// Puts a content into its place, and returns its digest. It is on the disk when this returns. Blocks.
    ///
    /// # Errors
    /// When it cannot be moved there.
    pub fn keep(&self, content: NewContent) -> io::Result<String> {
        let digest = content.digest();
        content.file.as_file().sync_all()?;
        content.file.persist(self.place(&digest)).map_err(|error| error.error)?;
        #[cfg(unix)]
        File::open(&*self.path)?.sync_all()?;
        Ok(digest)
    }

    /// A content; `None` where it is not there. Blocks.
    ///
    /// # Errors
    /// When it cannot be read, or is another one than its name says.
    pub fn read(&self, digest: &str) -> io::Result<Option<Vec<u8>>> {
        if !is_digest(digest) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        match File::open(self.place(digest)) {
            Ok(mut file) => file.read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        if hex::encode(Sha256::digest(&bytes)) != digest {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the content is another one than its name says"));
        }
        Ok(Some(bytes))
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
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
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

    /// As [`MediaFolder::read`], on a thread that may wait for the disk.
    ///
    /// # Errors
    /// As [`MediaFolder::read`].
    pub async fn content(&self, digest: &str) -> Result<Option<Vec<u8>>> {
        let (folder, digest) = (self.clone(), digest.to_owned());
        blocking("reading a media file", move || folder.read(&digest)).await
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
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
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

/// Removes those of these contents that no file has any more.
///
/// # Errors
/// When the store fails, or a content cannot be removed.
pub async fn remove_unused(store: &dyn Store, digests: Vec<String>) -> Result<()> {
    let Some(folder) = store.media_folder() else { return Ok(()) };
    for batch in digests.chunks(BATCH) {
        let used = store.media_contents(batch).await?;
        let unused: Vec<String> = batch.iter().filter(|digest| !used.contains(digest)).cloned().collect();
        let folder = folder.clone();
        blocking("removing media files", move || unused.iter().try_for_each(|digest| folder.remove(digest))).await?;
    }
    Ok(())
}

/// Removes every content that no file has, and that is not about to be noted: what was swept, and what killed processes left.
///
/// # Errors
/// As [`remove_unused`].
pub async fn tidy(store: &dyn Store) -> Result<()> {
    let Some(folder) = store.media_folder() else { return Ok(()) };
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
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
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
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        others => Ok(others? != files::Others::None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(folder: &MediaFolder, bytes: &[u8]) -> String {
        let mut content = folder.begin().unwrap();
        content.write(bytes).unwrap();
        folder.keep(content).unwrap()
    }

    #[test]
    fn a_content_is_there_once_and_whole_and_its_owners_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = MediaFolder::new(place.path().join("shop.db.media"), 100);
        assert_eq!(folder.used().unwrap(), 0, "it is not there yet");
        let digest = kept(&folder, b"a photo");
        assert_eq!((kept(&folder, b"a photo"), folder.used().unwrap()), (digest.clone(), 7));
        assert_eq!(folder.read(&digest).unwrap().unwrap(), b"a photo");
        let mut half = folder.begin().unwrap();
        half.write(b"half").unwrap();
        drop(half);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(folder.path()), mode(&folder.place(&digest))), (0o700, 0o600));
            assert!(!is_open_to_others(&folder).unwrap());
        }
        // What somebody changed is not taken for it, and no name leads out of the folder.
        fs::write(folder.place(&digest), "another").unwrap();
        assert!(folder.read(&digest).is_err());
        fs::write(place.path().join("secret"), "x").unwrap();
        assert_eq!(folder.read("../secret").unwrap(), None);
        folder.remove("../secret").unwrap();
        assert!(place.path().join("secret").exists());
        folder.remove(&digest).unwrap();
        folder.remove(&digest).unwrap();
        assert_eq!(folder.read(&digest).unwrap(), None);
    }

    #[test]
    fn a_full_folder_takes_nothing_more() {
        let place = tempfile::tempdir().unwrap();
        let folder = MediaFolder::new(place.path().join("media"), 10);
        kept(&folder, b"12345");
        let mut content = folder.begin().unwrap();
        content.write(b"1234").unwrap();
        assert!(matches!(content.write(b"56"), Err(KeepError::Full)));
        drop(content);
        kept(&folder, b"67890");
        assert!(matches!(folder.begin(), Err(KeepError::Full)));
    }

    #[tokio::test]
    async fn contents_go_with_their_customers_and_what_was_left_behind_goes() {
        use crate::domain::ids::{MessageId, UserId};
        use crate::domain::inbound::{Content, Context, Inbound, Media};
        use crate::domain::media::{MediaFile, MediaState};
        use crate::store::sqlite::SqliteStore;
        use crate::store::{MediaFiles as _, forget};
        use jiff::{SignedDuration, Timestamp};

        let place = tempfile::tempdir().unwrap();
        let folder = MediaFolder::new(place.path().join("media"), 1_000);
        let store = SqliteStore::scratch().unwrap().with_media(Some(folder.clone()));
        let shared = kept(&folder, b"the same photo");
        let own = kept(&folder, b"a photo of one");
        for (user, message, content) in [("1", "a", &shared), ("1", "b", &own), ("2", "c", &shared)] {
            let message = Inbound {
                id: MessageId::new(message),
                user_id: UserId::new(user),
                sent_at: Timestamp::UNIX_EPOCH,
                received_at: Timestamp::UNIX_EPOCH,
                number: None,
                content: Content::Media { media: Media::Image, caption: String::new(), file: "9".to_owned() },
                context: Context::default(),
            };
            store.note_media(&[MediaFile::of(&message).unwrap()]).await.unwrap();
            let claimed =
                store.claim_media(Timestamp::UNIX_EPOCH, SignedDuration::from_secs(9)).await.unwrap().unwrap();
            let done = MediaFile { state: MediaState::Stored, sha256: Some(content.clone()), ..claimed.clone() };
            assert!(store.save_media(&claimed, &done).await.unwrap());
        }
        forget(&store, &UserId::new("1"), &Timestamp::now).await.unwrap();
        assert_eq!(folder.read(&own).unwrap(), None);
        assert!(folder.read(&shared).unwrap().is_some(), "another customer sent the same");
        // A content that is not noted yet may be in a moment; one that was left behind long ago, and half of one, go.
        let fresh = kept(&folder, b"not noted yet");
        let left = kept(&folder, b"left behind");
        let half = folder.path().join(".partial-x");
        fs::write(&half, "half").unwrap();
        for path in [&folder.place(&left), &half, &folder.place(&shared)] {
            let long_ago = SystemTime::now() - 2 * LEFT_BEHIND;
            File::options().write(true).open(path).unwrap().set_modified(long_ago).unwrap();
        }
        tidy(&store).await.unwrap();
        assert_eq!((folder.read(&left).unwrap(), half.exists()), (None, false));
        assert!(folder.read(&fresh).unwrap().is_some() && folder.read(&shared).unwrap().is_some());
    }
}

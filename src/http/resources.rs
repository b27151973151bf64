//! What the system gives: how many files and connections may be open, and how full a disk is.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// Descriptors that are kept for everything but clients' connections: the store, the channel, mail, models, listeners.
const FEWEST_RESERVED: u64 = 96;
const MOST_RESERVED: u64 = 512;
/// Connections that are served even where next to no descriptors are left.
const FEWEST_CONNECTIONS: u64 = 16;
/// Connections that are served at most, however many descriptors there are: each also takes memory.
const MOST_CONNECTIONS: u64 = 2_048;

/// Raises the limit of open files as far as it may be, and says how many connections it leaves place for.
pub fn connections_within_the_limit_of_files() -> usize {
    // Not allowed, or not known on this system: what is there has to do.
    let limit = rlimit::increase_nofile_limit(u64::MAX).or_else(|_| current_limit()).unwrap_or(1_024);
    usize::try_from(connections(limit)).unwrap_or(usize::MAX)
}

#[cfg(unix)]
fn current_limit() -> io::Result<u64> {
    rlimit::getrlimit(rlimit::Resource::NOFILE).map(|(soft, _)| soft)
}

#[cfg(not(unix))]
fn current_limit() -> io::Result<u64> {
    Err(io::ErrorKind::Unsupported.into())
}

/// The connections for a limit of open files: three quarters of it, with a reserve in any case.
fn connections(files: u64) -> u64 {
    let reserved = (files / 4).clamp(FEWEST_RESERVED, MOST_RESERVED);
    files.saturating_sub(reserved).clamp(FEWEST_CONNECTIONS, MOST_CONNECTIONS)
}

/// The disk that a file is on.
#[derive(Debug, Clone)]
pub struct Disk {
    folder: PathBuf,
}

/// What a disk has to have left: a twentieth of it, and 64 MiB where a twentieth is more.
const MOST_BYTES_LEFT: u64 = 64 * 1_024 * 1_024;

impl Disk {
    /// The disk of a file, which need not be there.
    pub fn of(file: &Path) -> Self {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self { folder: folder.to_owned() }
    }

    /// Whether there is place left, and a small file can be written and brought to the disk. It takes as long as the disk
    /// does: not for a thread that serves requests.
    ///
    /// # Errors
    /// Why nothing can be written soon, in one sentence.
    pub fn check(&self) -> Result<(), String> {
        #[cfg(unix)]
        {
            let disk = rustix::fs::statvfs(&self.folder)
                .map_err(|error| format!("the disk of {} cannot be asked: {error}", self.folder.display()))?;
            let (left, whole) = (disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize);
            enough(left, whole)
                .map_err(|told| format!("the disk of {} is nearly full: {told}", self.folder.display()))?;
        }
        self.write().map_err(|error| format!("nothing can be written in {}: {error}", self.folder.display()))
    }

    fn write(&self) -> io::Result<()> {
        use std::io::Write as _;
        // Without a name, so that nothing of it stays, however the process ends.
        let mut probe = tempfile::tempfile_in(&self.folder)?;
        probe.write_all(&[0; 4_096])?;
        probe.sync_data()
    }
}

/// A disk that is asked about often: what was found is told for a moment, so that asking costs next to nothing.
#[derive(Debug, Clone)]
pub struct WatchedDisk(Arc<Watch>);

#[derive(Debug)]
struct Watch {
    disk: Disk,
    last: Mutex<Option<(Instant, Result<(), String>)>>,
}

/// How long what was found is told.
const FRESH: Duration = Duration::from_secs(1);

impl WatchedDisk {
    /// The disk of a file.
    pub fn of(file: &Path) -> Self {
        Self(Arc::new(Watch { disk: Disk::of(file), last: Mutex::default() }))
    }

    /// As [`Disk::check`], without holding up others.
    ///
    /// # Errors
    /// As [`Disk::check`].
    pub async fn check(&self) -> Result<(), String> {
        // One looks, and the others wait for what it finds.
        let mut last = self.0.last.lock().await;
        if let Some((at, found)) = last.as_ref()
            && at.elapsed() < FRESH
        {
            return found.clone();
        }
        let disk = self.0.disk.clone();
        let found =
            tokio::task::spawn_blocking(move || disk.check()).await.unwrap_or_else(|error| Err(error.to_string()));
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

#[cfg(unix)]
fn enough(left: u64, whole: u64) -> Result<(), String> {
    let needed = (whole / 20).min(MOST_BYTES_LEFT);
    if left >= needed {
        return Ok(());
    }
    let kib = |bytes: u64| bytes / 1_024;
    Err(format!("{} KiB are left, and it takes {} KiB", kib(left), kib(needed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_descriptors_for_everything_else() {
        for (files, expected) in
            [(64, 16), (128, 32), (256, 160), (1_024, 768), (4_096, 2_048), (20_000, 2_048), (u64::MAX, 2_048)]
        {
            assert_eq!(connections(files), expected, "{files}");
        }
        assert!(connections_within_the_limit_of_files() >= 16);
    }

    #[test]
    fn a_disk_with_place_passes_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        Disk::of(&folder.path().join("shop.db")).check().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert_eq!(Disk::of(Path::new("shop.db")).folder, Path::new("."));
    }

    #[test]
    fn a_full_disk_and_one_that_is_gone_are_told() {
        let mib = 1_024 * 1_024;
        assert!(enough(70 * mib, 1_000_000 * mib).is_ok() && enough(4 * mib, 64 * mib).is_ok());
        for (left, whole) in [(0, 64 * mib), (3 * mib, 64 * mib), (60 * mib, 1_000_000 * mib)] {
            assert!(enough(left, whole).unwrap_err().contains("KiB are left"), "{left} of {whole}");
        }
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::of(&folder.path().join("gone/shop.db"));
        assert!(disk.check().unwrap_err().contains("gone"));
    }
}

//! `ecomres import --watch`: imports what appears or changes in a folder, each file once, also over restarts.
//!
//! A file is read only when nobody writes it any more, and from a copy that was whole: half a file is never imported. What was
//! imported is remembered by its content, beside the files; a file that cannot be used stays, with the reason beside it.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Mode, Options, interrupted};
use crate::cli::output::visible;
use crate::cli::{Global, InputError, app};
use crate::files::{WorkFolder, write_whole};
use crate::store::{self, StoreError};

/// How often the folder is looked at.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long a file must not have changed.
const QUIET: Duration = Duration::from_secs(2);
/// How long a file waits where the store could not be used.
const AGAIN: Duration = Duration::from_secs(10);
/// What is remembered, in the folder.
const RECORD: &str = ".ecomres-imported.jsonl";
/// The end of the name of a file that says why another one was not imported.
const REASON: &str = ".reason.txt";
/// The folder of a copy, in a working folder.
const INSIDE: &str = "copy";
/// Ends of the names that programs give files which are not whole yet.
const UNFINISHED: [&str; 9] =
    [".part", ".partial", ".tmp", ".temp", ".crdownload", ".download", ".filepart", ".swp", ".lock"];

/// What became of a file.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    /// It was imported.
    Imported,
    /// Its content was imported before.
    Known,
    /// It changed while it was read: it is looked at again.
    Changed,
    /// It cannot be used; the reason, which is also beside it.
    Failed(String),
    /// It has to wait, since the store cannot be used; why.
    Waits(String),
}

/// Watches a folder until Ctrl-C, or until the process is asked to end: a file that is being imported then is not, and is the next
/// time.
pub(super) fn run(folder: &Path, options: &Options, global: &Global) -> anyhow::Result<()> {
    if matches!(options.mode, Mode::Replace) {
        let hint = "leave --mode out: what a file holds replaces what is known of these orders";
        return Err(InputError::with_hint(
            "--watch does not go with --mode replace: each file would remove all orders",
            hint,
        )
        .into());
    }
    let config = app::load_config(global)?;
    let location = app::store_location(global, &config);
    // From whichever folder it is started.
    let place = match store::file_path(location)? {
        Some(file) => std::path::absolute(file).unwrap_or_else(|_| file.to_owned()).display().to_string(),
        None => store::display_location(location),
    };
    let mut watched = Folder::open(folder, place)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut stop = {
        let _inside = runtime.enter();
        Box::pin(interrupted().context("listening for signals")?)
    };
    let say = |line: &str| {
        if !global.quiet {
            eprintln!("{}", visible(line));
        }
    };
    say(&format!("watching {}; Ctrl-C ends it", folder.display()));
    let mut stopped = |wait: Duration| runtime.block_on(async { tokio::time::timeout(wait, &mut stop).await.is_ok() });
    loop {
        let files = watched.ready(Instant::now()).with_context(|| format!("reading {}", folder.display()))?;
        for name in files {
            let shown = folder.join(&name).display().to_string();
            let mut import = |copy: &Path| {
                let one = Options {
                    files: vec![copy.to_owned()],
                    watch: None,
                    unattended: true,
                    shown_as: Some(shown.clone()),
                    ..options.clone()
                };
                super::import_and_tell(&one, global)
            };
            match watched.take(&name, Instant::now(), &mut import) {
                Ok(Taken::Imported | Taken::Known | Taken::Changed) => {}
                Ok(Taken::Failed(reason)) => eprintln!("error: {}", visible(&reason)),
                Ok(Taken::Waits(why)) => eprintln!("warning: {} waits: {}", name.display(), visible(&why)),
                Err(error) if error.chain().any(is_interruption) => return Ok(()),
                Err(error) => return Err(error),
            }
            if stopped(Duration::ZERO) {
                return Ok(());
            }
        }
        if stopped(INTERVAL) {
            return Ok(());
        }
    }
}

/// What tells two states of a file apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    /// Its place on the disk: a file that was moved here over another one is another one.
    inode: u64,
}

impl Stamp {
    fn of(about: &Metadata) -> Self {
        #[cfg(unix)]
        let inode = std::os::unix::fs::MetadataExt::ino(about);
        #[cfg(not(unix))]
        let inode = 0;
        Self { length: about.len(), modified: about.modified().ok(), inode }
    }

    /// How long ago it was written, by the clock of the disk.
    fn age(&self) -> Option<Duration> {
        SystemTime::now().duration_since(self.modified?).ok()
    }
}

/// A file of the folder, as it was looked at last.
#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    since: Instant,
    done: bool,
    not_before: Option<Instant>,
}

/// One line of what is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    name: String,
    sha256: String,
    store: String,
    imported: bool,
    at: Timestamp,
}

/// A folder that is watched.
#[derive(Debug)]
struct Folder {
    path: PathBuf,
    store: String,
    record: File,
    entries: Vec<Entry>,
    seen: HashMap<OsString, Seen>,
}

impl Folder {
    /// Begins to watch a folder, for one store.
    ///
    /// # Errors
    /// When it is no folder that can be written, or another process watches it.
    fn open(path: &Path, store: String) -> anyhow::Result<Self> {
        if !path.is_dir() {
            let what = if path.exists() { "is no folder" } else { "does not exist" };
            let hint = "name a folder that orders are put into, such as ecomres import --watch incoming";
            return Err(InputError::with_hint(format!("{} {what}", path.display()), hint).into());
        }
        let place = path.join(RECORD);
        let open = OpenOptions::new().read(true).append(true).create(true).open(&place);
        let record = open.map_err(|error| {
            let hint = "what was imported is remembered there, so the folder has to be writable";
            InputError::with_hint(format!("{} cannot be written: {error}", place.display()), hint)
        })?;
        if let Err(fs::TryLockError::WouldBlock) = record.try_lock() {
            let message = format!("another ecomres import --watch works on {}", path.display());
            return Err(InputError::with_hint(message, "end it first, or watch another folder").into());
        }
        let mut text = String::new();
        (&record).read_to_string(&mut text).with_context(|| format!("reading {}", place.display()))?;
        // A line that a killed process did not finish is none.
        let entries = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        if !(text.is_empty() || text.ends_with('\n')) {
            (&record).write_all(b"\n").with_context(|| format!("writing {}", place.display()))?;
        }
        Ok(Self { path: path.to_owned(), store, record, entries, seen: HashMap::new() })
    }

    /// The files that are whole and were not looked at since they changed, those that were written first at the front.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn ready(&mut self, now: Instant) -> io::Result<Vec<OsString>> {
        let mut there = HashMap::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            // It may be gone by now, or not ours to see: then it is not there.
            if let Ok(about) = fs::metadata(self.path.join(&name))
                && about.is_file()
                && may_be_orders(&name)
            {
                there.insert(name, Stamp::of(&about));
            }
        }
        self.seen.retain(|name, _| there.contains_key(name));
        let mut ready = Vec::new();
        for (name, stamp) in there {
            let fresh = || Seen { stamp, since: now, done: false, not_before: None };
            let seen = self.seen.entry(name.clone()).or_insert_with(fresh);
            if seen.stamp != stamp {
                *seen = fresh();
            }
            // What was moved here, or lay here before, was written a while ago.
            let quiet = now.duration_since(seen.since) >= QUIET || stamp.age().is_some_and(|age| age >= QUIET);
            let due = seen.not_before.is_none_or(|at| now >= at);
            if !seen.done && quiet && due && stamp.length > 0 && !is_being_written(&self.path.join(&name)) {
                ready.push((stamp.modified, name));
            }
        }
        ready.sort();
        Ok(ready.into_iter().map(|(_, name)| name).collect())
    }

    /// Imports a file, unless its content was before. `import` gets the path of a whole copy, and returns the rows that it could not
    /// use: they are told beside the file.
    ///
    /// # Errors
    /// When what happened cannot be remembered, or `import` was interrupted.
    fn take(
        &mut self,
        name: &OsStr,
        now: Instant,
        import: &mut dyn FnMut(&Path) -> anyhow::Result<Vec<String>>,
    ) -> anyhow::Result<Taken> {
        let path = self.path.join(name);
        let shown = name.to_string_lossy().into_owned();
        let Some((work, sha256)) = Self::copy(&path, name)? else {
            self.seen.remove(name);
            return Ok(Taken::Changed);
        };
        let settle = |seen: &mut HashMap<OsString, Seen>, again: Option<Instant>| {
            if let Some(seen) = seen.get_mut(name) {
                seen.done = again.is_none();
                seen.not_before = again;
            }
        };
        let reason_file = self.path.join(format!("{shown}{REASON}"));
        if self.is_known(&shown, &sha256, &reason_file) {
            settle(&mut self.seen, None);
            return Ok(Taken::Known);
        }
        let copy = work.path().join(INSIDE).join(name);
        let in_place = |text: String| text.replace(&copy.display().to_string(), &path.display().to_string());
        let mut skipped = Vec::new();
        let taken = match import(&copy) {
            Ok(bad) => {
                skipped = bad;
                Taken::Imported
            }
            Err(error) if error.chain().any(is_interruption) => return Err(error),
            Err(error) if error.chain().any(is_of_the_store) => {
                settle(&mut self.seen, Some(now + AGAIN));
                return Ok(Taken::Waits(in_place(format!("{error:#}"))));
            }
            Err(error) => {
                let hint = crate::cli::error::hint(&error).map(|hint| format!("\nhint: {hint}"));
                Taken::Failed(in_place(format!("{error:#}{}", hint.unwrap_or_default())))
            }
        };
        match &taken {
            Taken::Failed(reason) => {
                let told = format!(
                    "{reason}\n\n{shown} was not imported. Correct it, or remove this file to have it tried again.\n"
                );
                write_whole(&reason_file, told.as_bytes())
                    .with_context(|| format!("writing {}", reason_file.display()))?;
            }
            Taken::Imported if !skipped.is_empty() => {
                let told = format!(
                    "{}\n\nThese rows of {shown} were not imported; the others were. Correct them and put the file here again.\n",
                    in_place(skipped.join("\n"))
                );
                write_whole(&reason_file, told.as_bytes())
                    .with_context(|| format!("writing {}", reason_file.display()))?;
            }
            // Of a former try.
            _ => drop(fs::remove_file(&reason_file)),
        }
        let imported = taken == Taken::Imported;
        self.remember(Entry { name: shown, sha256, store: self.store.clone(), imported, at: Timestamp::now() })?;
        settle(&mut self.seen, None);
        Ok(taken)
    }

    /// Whether a content was imported: the last one of this name, or, of a name that is new, any. A file that becomes again what it
    /// was before is imported again: others of its versions came between. One that failed is tried again without its reason.
    fn is_known(&self, name: &str, sha256: &str, reason_file: &Path) -> bool {
        let of_store = || self.entries.iter().rev().filter(|entry| entry.store == self.store);
        match of_store().find(|entry| entry.name == name) {
            Some(last) => last.sha256 == sha256 && (last.imported || reason_file.exists()),
            None => of_store().any(|entry| entry.imported && entry.sha256 == sha256),
        }
    }

    fn remember(&mut self, entry: Entry) -> anyhow::Result<()> {
        let mut line = serde_json::to_string(&entry)?;
        line.push('\n');
        self.record
            .write_all(line.as_bytes())
            .and_then(|()| self.record.sync_data())
            .with_context(|| format!("remembering what was imported in {}", self.path.join(RECORD).display()))?;
        self.entries.push(entry);
        Ok(())
    }

    /// Copies a file to a folder of its own and takes its SHA-256; `None` where it changed meanwhile.
    fn copy(path: &Path, name: &OsStr) -> anyhow::Result<Option<(WorkFolder, String)>> {
        let work = WorkFolder::beside(path, ".ecomres-watch-").context("making a folder to work in")?;
        let Ok(mut source) = File::open(path) else { return Ok(None) };
        let before = Stamp::of(&source.metadata().with_context(|| format!("looking at {}", path.display()))?);
        fs::create_dir(work.path().join(INSIDE)).context("making a folder to work in")?;
        let mut copy = crate::files::create_new(&work.path().join(INSIDE).join(name)).context("copying a file")?;
        let (mut hash, mut buffer, mut length) = (Sha256::new(), vec![0; 64 * 1024], 0_u64);
        loop {
            let count = source.read(&mut buffer).with_context(|| format!("reading {}", path.display()))?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            copy.write_all(&buffer[..count]).context("copying a file")?;
            length += count as u64;
        }
        let after = fs::metadata(path).ok().map(|about| Stamp::of(&about));
        let whole = after == Some(before) && before.length == length;
        Ok(whole.then(|| (work, hex::encode(hash.finalize()))))
    }
}

/// Whether a name may be that of orders: no hidden file, no reason of ours, nothing that a program has not finished.
fn may_be_orders(name: &OsStr) -> bool {
    let name = name.to_string_lossy().to_lowercase();
    let unfinished = UNFINISHED.iter().any(|end| name.ends_with(end));
    !(name.starts_with(['.', '~']) || name.ends_with('~') || name.ends_with(REASON) || unfinished)
}

fn is_of_the_store(cause: &(dyn std::error::Error + 'static)) -> bool {
    let inside = cause.downcast_ref::<crate::import::ImportError>();
    cause.is::<StoreError>() || matches!(inside, Some(crate::import::ImportError::Store(_)))
}

fn is_interruption(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref(), Some(crate::import::ImportError::Interrupted))
}

/// Whether a process of this user holds a file open for writing, as far as the system tells: a program that pauses while it
/// writes is not done. Where the system tells nothing, the time that a file did not change for has to do.
#[cfg(target_os = "linux")]
fn is_being_written(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(wanted) = fs::metadata(path) else { return false };
    let Ok(processes) = fs::read_dir("/proc") else { return false };
    let processes = processes
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().bytes().all(|digit| digit.is_ascii_digit()));
    let is_held = |process: fs::DirEntry| {
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { return false };
        open.flatten().any(|descriptor| {
            let same = fs::metadata(descriptor.path())
                .is_ok_and(|about| about.ino() == wanted.ino() && about.dev() == wanted.dev());
            same && {
                let about =
                    fs::read_to_string(process.path().join("fdinfo").join(descriptor.file_name())).unwrap_or_default();
                let flags = about.lines().find_map(|line| line.strip_prefix("flags:"));
                let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok()).unwrap_or(0);
                // O_WRONLY or O_RDWR.
                flags & 3 != 0
            }
        })
    };
    processes.into_iter().any(is_held)
}

#[cfg(not(target_os = "linux"))]
fn is_being_written(_: &Path) -> bool {
    false
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;

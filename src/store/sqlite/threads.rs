//! The threads that work on the file: one writes, a few read, one checkpoints the write-ahead log.
//!
//! A writer is answered when its transaction is on the disk, unless it asked for less. A job that panics is answered
//! with an error and rolled back; its thread serves the next job.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::error::{Result, StoreError, panic_message};
use super::BackendError;
use super::connection::Location;

/// Writers that share one transaction, and so one wait for the disk, at most.
const MAX_GROUP: usize = 256;
/// Threads that read.
const READERS: usize = 3;
/// How long the log grows before it is checkpointed, while more is being written.
const CHECKPOINT_DELAY: Duration = Duration::from_millis(200);

/// A piece of work that waits for its turn.
trait Job: Send {
    /// Whether the caller is answered only once it is on the disk.
    fn is_durable(&self) -> bool;
    /// Does it; `false` where it failed or panicked.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Answers the caller. `error`: why its transaction could not be committed.
    fn reply(self: Box<Self>, location: &Location, error: Option<&rusqlite::Error>);
    /// Answers the caller without having run.
    fn reject(self: Box<Self>, error: StoreError);
}

struct Task<T, F> {
    doing: &'static str,
    durable: bool,
    work: Option<F>,
    outcome: Option<std::result::Result<T, BackendError>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send,
{
    fn is_durable(&self) -> bool {
        self.durable
    }

    fn run(&mut self, connection: &Connection) -> bool {
        self.outcome = self.work.take().map(|work| guarded(|| work(connection)));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn reply(self: Box<Self>, location: &Location, error: Option<&rusqlite::Error>) {
        let answer = match (self.outcome, error) {
            (Some(Err(error)), _) => Err(error.into_error(location, self.doing)),
            (_, Some(error)) => Err(location.error(error, self.doing)),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(stopped(self.doing)),
        };
        // The caller may no longer wait: the work is done all the same.
        let _ = self.reply.send(answer);
    }

    fn reject(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

/// Runs work that may panic. Unwinding drops its statements, which resets them, and the caller
/// rolls the transaction back as after any other error.
pub(super) fn guarded<T>(
    work: impl FnOnce() -> std::result::Result<T, BackendError>,
) -> std::result::Result<T, BackendError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(BackendError::Panicked(panic_message(&*panic))))
}

fn stopped(doing: &'static str) -> StoreError {
    StoreError::Backend { doing, reason: "the thread of the store has stopped".to_owned() }
}

async fn submit<T, F>(jobs: Option<&Sender<Box<dyn Job>>>, doing: &'static str, durable: bool, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let task = Task { doing, durable, work: Some(work), outcome: None, reply };
    if jobs.is_none_or(|jobs| jobs.send(Box::new(task)).is_err()) {
        return Err(stopped(doing));
    }
    answer.await.unwrap_or_else(|_| Err(stopped(doing)))
}

pub(super) fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(|error| StoreError::Backend { doing: "starting a thread of the store", reason: error.to_string() })
}

/// The one thread that writes.
pub(super) struct Writer {
    jobs: Option<Sender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, location: Arc<Location>) -> Result<Self> {
        let (jobs, queue) = channel();
        let (written, commits) = sync_channel(1);
        let same = Arc::clone(&location);
        let checkpointer = spawn("store-log", move || checkpoint_log(&same, &commits))?;
        let writer = spawn("store-writer", move || write_all(&connection, &location, &queue, &written))?;
        Ok(Self { jobs: Some(jobs), threads: vec![writer, checkpointer] })
    }

    pub(super) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
    {
        submit(self.jobs.as_ref(), doing, true, work).await
    }

    /// Runs work that survives the end of this process, and need not be on the disk at once: a power cut may take
    /// the last of it, never something from the middle. Whatever is written after it takes it to the disk.
    pub(super) async fn run_without_sync<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
    {
        submit(self.jobs.as_ref(), doing, false, work).await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn write_all(connection: &Connection, location: &Location, queue: &Receiver<Box<dyn Job>>, written: &SyncSender<()>) {
    // As the connection was opened: `synchronous=FULL`.
    let mut durable = true;
    while let Ok(first) = queue.recv() {
        let mut group = vec![first];
        group.extend(queue.try_iter().take(MAX_GROUP - 1));
        let begun = set_durable(connection, &mut durable, group.iter().any(|job| job.is_durable()))
            .and_then(|()| connection.execute_batch("BEGIN IMMEDIATE"));
        if let Err(error) = begun {
            for job in group {
                job.reply(location, Some(&error));
            }
            continue;
        }
        if durable {
            // Jobs that were queued while this group waited for the lock join it.
            let room = MAX_GROUP - group.len();
            group.extend(queue.try_iter().take(room));
        }
        let error = write_group(connection, &mut group).err();
        if error.is_some() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        for job in group {
            job.reply(location, error.as_ref());
        }
        // A full channel holds a signal that was not read yet: one is enough.
        let _ = written.try_send(());
    }
}

/// Checkpoints the log beside the writer: SQLite would otherwise do so in the writer, every few hundred messages, and
/// let those that come meanwhile wait for the disk.
fn checkpoint_log(location: &Location, commits: &Receiver<()>) {
    let mut connection: Option<Connection> = None;
    while commits.recv().is_ok() {
        let due = Instant::now() + CHECKPOINT_DELAY;
        loop {
            match commits.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                // The last connection does it when it is closed.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if connection.is_none() && location.has_log() {
            connection = location.open_writer().ok();
        }
        if let Some(connection) = &connection
            && let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            tracing::debug!(%error, "the log is not checkpointed for now");
        }
    }
}

/// Sets whether the next transactions wait for the disk. SQLite takes that only between transactions.
fn set_durable(connection: &Connection, durable: &mut bool, wanted: bool) -> rusqlite::Result<()> {
    if *durable != wanted {
        connection.pragma_update(None, "synchronous", if wanted { "FULL" } else { "NORMAL" })?;
        *durable = wanted;
    }
    Ok(())
}

/// Does the work of a group in the open transaction and commits it. Work that fails is undone alone.
fn write_group(connection: &Connection, group: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    for job in group {
        connection.execute_batch("SAVEPOINT job")?;
        if !job.run(connection) {
            // A full disk or an I/O error ends the whole transaction: then there is no savepoint to go back to, and
            // the whole group is rolled back.
            connection.execute_batch("ROLLBACK TO job")?;
        }
        connection.execute_batch("RELEASE job")?;
    }
    connection.execute_batch("COMMIT")
}

/// The threads that read, each with its own connection.
pub(super) struct Readers {
    jobs: Option<Sender<Box<dyn Job>>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(location: &Arc<Location>) -> Result<Self> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let threads = (0..READERS)
            .map(|_| {
                let (location, queue) = (location.clone(), queue.clone());
                spawn("store-reader", move || read_all(&location, &queue))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { jobs: Some(jobs), threads })
    }

    pub(super) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, BackendError> + Send + 'static,
    {
        submit(self.jobs.as_ref(), doing, true, work).await
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.jobs = None;
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn read_all(location: &Location, queue: &Mutex<Receiver<Box<dyn Job>>>) {
    // Opened when it is first needed: most commands need one of these threads, not all.
    let mut connection: Option<Connection> = None;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut job) = next else { return };
        if connection.is_none() {
            match location.open_reader() {
                Ok(opened) => connection = Some(opened),
                Err(error) => {
                    job.reject(error);
                    continue;
                }
            }
        }
        if let Some(connection) = &connection {
            // One snapshot for all statements of the work.
            let error = connection.execute_batch("BEGIN").err();
            if error.is_none() {
                job.run(connection);
            }
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
            job.reply(location, error.as_ref());
        }
    }
}

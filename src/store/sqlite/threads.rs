//! Decides which thread runs a piece of work on the file: one writes, a few read, one keeps the log short.
//!
//! It must never answer a writer before its transaction is on the disk.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::super::{Result, StoreError};
use super::Fault;
use super::connection::Place;

/// Writers that share one transaction, and so one wait for the disk, at most.
const GROUP: usize = 256;
/// Threads that read.
const READERS: usize = 3;
/// How long what was written stays in the log only, while more is being written.
const IN_THE_LOG: Duration = Duration::from_millis(200);

/// A piece of work that waits for its turn.
trait Job: Send {
    /// Does it; `false` where it failed.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Tells the caller. `failure`: why what was done is not kept.
    fn finish(self: Box<Self>, place: &Place, failure: Option<&rusqlite::Error>);
    /// Tells the caller that the work cannot be done.
    fn refuse(self: Box<Self>, error: StoreError);
}

struct Task<T, F> {
    doing: &'static str,
    work: Option<F>,
    outcome: Option<std::result::Result<T, Fault>>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Job for Task<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        self.outcome = self.work.take().map(|work| work(connection));
        matches!(self.outcome, Some(Ok(_)))
    }

    fn finish(self: Box<Self>, place: &Place, failure: Option<&rusqlite::Error>) {
        let answer = match (self.outcome, failure) {
            (Some(Err(fault)), _) => Err(fault.into_error(place, self.doing)),
            (_, Some(error)) => Err(place.error(error, self.doing)),
            (Some(Ok(value)), None) => Ok(value),
            (None, None) => Err(stopped(self.doing)),
        };
        // Nobody waits any more: the work is done all the same.
        let _ = self.reply.send(answer);
    }

    fn refuse(self: Box<Self>, error: StoreError) {
        let _ = self.reply.send(Err(error));
    }
}

fn stopped(doing: &'static str) -> StoreError {
    StoreError::Backend { doing, reason: "the thread of the store has stopped".to_owned() }
}

async fn ask<T, F>(jobs: Option<&Sender<Box<dyn Job>>>, doing: &'static str, work: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let task = Task { doing, work: Some(work), outcome: None, reply };
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
    pub(super) fn start(connection: Connection, place: Arc<Place>) -> Result<Self> {
        let (jobs, queue) = channel();
        let (written, news) = sync_channel(1);
        let same = Arc::clone(&place);
        let keeper = spawn("store-log", move || keep_log_short(&same, &news))?;
        let writer = spawn("store-writer", move || write_all(&connection, &place, &queue, &written))?;
        Ok(Self { jobs: Some(jobs), threads: vec![writer, keeper] })
    }

    pub(super) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    {
        ask(self.jobs.as_ref(), doing, work).await
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

fn write_all(connection: &Connection, place: &Place, queue: &Receiver<Box<dyn Job>>, written: &SyncSender<()>) {
    while let Ok(first) = queue.recv() {
        if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
            first.finish(place, Some(&error));
            continue;
        }
        // Whoever queued up while this one waited for the lock or the disk comes along.
        let mut group = vec![first];
        group.extend(queue.try_iter().take(GROUP - 1));
        let failure = write_group(connection, &mut group).err();
        if failure.is_some() && !connection.is_autocommit() {
            let _ = connection.execute_batch("ROLLBACK");
        }
        for job in group {
            job.finish(place, failure.as_ref());
        }
        // Where it has not heard of the last one yet, it need not hear of this one.
        let _ = written.try_send(());
    }
}

/// Takes what was written over from the log into the file, beside the writer: it would otherwise do so itself, every
/// few hundred messages, and let those that come meanwhile wait for the disk.
fn keep_log_short(place: &Place, written: &Receiver<()>) {
    let mut connection: Option<Connection> = None;
    while written.recv().is_ok() {
        let due = Instant::now() + IN_THE_LOG;
        loop {
            match written.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(()) => {}
                Err(RecvTimeoutError::Timeout) => break,
                // The last connection does it when it is closed.
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        if connection.is_none() && place.has_log() {
            connection = place.open_writer().ok();
        }
        if let Some(connection) = &connection
            && let Err(error) = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))
        {
            tracing::debug!(%error, "the log stays as it is for now");
        }
    }
}

/// Does the work of a group in the open transaction and commits it. Work that fails is undone alone.
fn write_group(connection: &Connection, group: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    for job in group {
        connection.execute_batch("SAVEPOINT job")?;
        if !job.run(connection) {
            // A full disk or a fault of it ends the whole transaction: then there is no savepoint to go back to, and
            // nothing of the group is kept.
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
    pub(super) fn start(place: &Arc<Place>) -> Result<Self> {
        let (jobs, queue) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let threads = (0..READERS)
            .map(|_| {
                let (place, queue) = (place.clone(), queue.clone());
                spawn("store-reader", move || read_all(&place, &queue))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self { jobs: Some(jobs), threads })
    }

    pub(super) async fn run<T, F>(&self, doing: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> std::result::Result<T, Fault> + Send + 'static,
    {
        ask(self.jobs.as_ref(), doing, work).await
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

fn read_all(place: &Place, queue: &Mutex<Receiver<Box<dyn Job>>>) {
    // Opened when it is first needed: most commands need one of these threads, not all.
    let mut connection: Option<Connection> = None;
    loop {
        let next = match queue.lock() {
            Ok(queue) => queue.recv(),
            Err(_) => return,
        };
        let Ok(mut job) = next else { return };
        if connection.is_none() {
            match place.open_reader() {
                Ok(opened) => connection = Some(opened),
                Err(error) => {
                    job.refuse(error);
                    continue;
                }
            }
        }
        if let Some(connection) = &connection {
            // One snapshot for all statements of the work.
            let failure = connection.execute_batch("BEGIN").err();
            if failure.is_none() {
                job.run(connection);
            }
            if !connection.is_autocommit() {
                let _ = connection.execute_batch("ROLLBACK");
            }
            job.finish(place, failure.as_ref());
        }
    }
}

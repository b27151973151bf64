//! Fetches the files of customers' messages, and has recordings written down: durable work, after the webhook was acknowledged. Any
//! number of processes may do so on one store: each file is claimed for the time of a lease.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::channels::{ContentSink, FetchError, Hope, MediaSource};
use crate::domain::inbound::Media;
use crate::domain::media::{HEAD, MediaFile, MediaState, UNKNOWN_TYPE, type_of};
use crate::domain::words::excerpt;
use crate::inbox::{Backoff, Clock};
use crate::llm::transcriber::Transcriber;
use crate::store::{KeepError, MediaFolder, NewContent, Result, Store, StoreError, remove_unused, tidy};
use crate::support::handoff;
use crate::telemetry::metric;

/// How often a busy service, or a wrong set-up, is tried: over about a week, for less long than Meta keeps the files.
const FETCHING: Backoff =
    Backoff { first: SignedDuration::from_secs(2), longest: SignedDuration::from_hours(1), attempts: 170 };
/// How often a content is fetched again that was not as described.
const DOUBTFUL: u32 = 3;
/// How often a recording is sent to a service that cannot hear it now: over about ten seconds, since the customer waits.
const HEARING: Backoff =
    Backoff { first: SignedDuration::from_secs(1), longest: SignedDuration::from_secs(8), attempts: 4 };
/// The wait after the store failed.
const STORE_RETRY: Duration = Duration::from_secs(2);
/// How often contents are removed that no file has.
const TIDY_INTERVAL: Duration = Duration::from_hours(1);
/// The longest reason that is stored.
const LONGEST_REASON: usize = 300;

/// The settings of a [`MediaJob`].
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// For how long a file is claimed: the longest delay after a process was killed.
    pub lease: SignedDuration,
    /// Files that are worked on at once.
    pub at_once: usize,
    /// How often to look for files that are due.
    pub poll: Duration,
}

/// Fetches and hears files.
#[derive(Clone)]
pub struct MediaJob {
    store: Arc<dyn Store>,
    source: Arc<dyn MediaSource>,
    transcriber: Option<Arc<Transcriber>>,
    settings: Settings,
    clock: Clock,
}

/// What takes a content: the file that is being written, and its first bytes.
struct Writing {
    folder: MediaFolder,
    content: NewContent,
    head: Vec<u8>,
}

impl ContentSink for Writing {
    // A few kilobytes at a time, into the system's memory: no thread waits for the disk here.
    fn take(&mut self, bytes: &[u8]) -> std::result::Result<(), FetchError> {
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        self.content.write(bytes).map_err(|error| unkept(&error))
    }

    fn begin_anew(&mut self) -> std::result::Result<(), FetchError> {
        self.head.clear();
        self.content = self.folder.begin().map_err(|error| unkept(&error))?;
        Ok(())
    }

    fn digest(&self) -> String {
        self.content.digest()
    }
}

fn unkept(error: &KeepError) -> FetchError {
    tracing::error!(%error, "a file of a customer cannot be kept");
    FetchError::passing(error.to_string())
}

impl MediaJob {
    /// A job on a store, with the files' source, and what hears recordings.
    pub fn new(
        store: Arc<dyn Store>,
        source: Arc<dyn MediaSource>,
        transcriber: Option<Arc<Transcriber>>,
        settings: Settings,
        clock: Clock,
    ) -> Self {
        Self { store, source, transcriber, settings, clock }
    }

    /// Works until `stop`. What was begun is completed; where the process is killed instead, another one does it after the lease.
    pub async fn run(&self, stop: CancellationToken) {
        if self.store.media_folder().is_none() {
            return;
        }
        tokio::join!(self.run_due_files(&stop), self.run_tidying(&stop));
    }

    async fn run_due_files(&self, stop: &CancellationToken) {
        let permits = Arc::new(Semaphore::new(self.settings.at_once.max(1)));
        let mut listener = self.store.listen();
        let mut tasks = JoinSet::new();
        loop {
            let permit = tokio::select! {
                biased;
                () = stop.cancelled() => break,
                permit = Arc::clone(&permits).acquire_owned() => permit,
            };
            while tasks.try_join_next().is_some() {}
            let wait = match self.store.claim_media((self.clock)(), self.settings.lease).await {
                Ok(Some(file)) => {
                    let job = self.clone();
                    tasks.spawn(async move {
                        job.work(file).await;
                        drop(permit);
                    });
                    continue;
                }
                Ok(None) => self.settings.poll,
                Err(error) => {
                    tracing::warn!(%error, "files of customers cannot be claimed; trying again");
                    STORE_RETRY
                }
            };
            drop(permit);
            tokio::select! {
                () = stop.cancelled() => break,
                () = listener.wait(wait) => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn run_tidying(&self, stop: &CancellationToken) {
        loop {
            if let Err(error) = tidy(self.store.as_ref()).await {
                tracing::warn!(%error, "contents that no file has could not be removed; trying again later");
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(TIDY_INTERVAL) => {}
            }
        }
    }

    /// Does the next step of a claimed file.
    async fn work(&self, file: MediaFile) {
        let (user, message_id) = (file.user_id.masked(), file.message.to_string());
        let done = match file.state {
            MediaState::Waiting => self.fetch(&file).await,
            MediaState::Unheard => self.hear(&file).await,
            MediaState::Stored | MediaState::Failed => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(user, message_id, %error, "what became of a file could not be saved: it is taken up again");
        }
    }

    async fn fetch(&self, file: &MediaFile) -> Result<()> {
        // Before the lease ends: no other process may begin while this one still writes.
        let limit = Duration::try_from(self.settings.lease * 3 / 4).unwrap_or(Duration::from_secs(1));
        let fetched = tokio::time::timeout(limit, self.fetch_content(file)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(FetchError::passing("it took too long")));
        let now = (self.clock)();
        match fetched {
            Ok((digest, size, mime)) => {
                let hears = file.kind == Media::Audio && self.transcriber.is_some();
                let outcome = MediaFile {
                    state: if hears { MediaState::Unheard } else { MediaState::Stored },
                    next_at: now,
                    mime: Some(mime.to_owned()),
                    size: Some(size),
                    sha256: Some(digest.clone()),
                    error: None,
                    ..file.clone()
                };
                count(file, "stored");
                self.record(file, &outcome, Some(digest)).await
            }
            Err(error) => self.record_unfetched(file, &error, now).await,
        }
    }

    /// Fetches a content into the folder: its digest, size and type.
    async fn fetch_content(&self, file: &MediaFile) -> std::result::Result<(String, u64, &'static str), FetchError> {
        let Some(folder) = self.store.media_folder().cloned() else {
            return Err(FetchError::passing("there is no folder for the files of customers"));
        };
        let unwritten = |error: &dyn std::fmt::Display| FetchError::passing(format!("it cannot be written: {error}"));
        let beginning = folder.clone();
        let content = tokio::task::spawn_blocking(move || beginning.begin()).await;
        let content = content.map_err(|error| unwritten(&error))?.map_err(|error| unkept(&error))?;
        let mut writing = Writing { folder: folder.clone(), content, head: Vec::with_capacity(HEAD) };
        self.source.fetch(&file.source, file.kind, &mut writing).await?;
        let (size, mime) = (writing.content.size(), type_of(file.kind, &writing.head));
        let kept = tokio::task::spawn_blocking(move || folder.keep(writing.content)).await;
        let digest = kept.map_err(|error| unwritten(&error))?.map_err(|error| unwritten(&error))?;
        Ok((digest, size, mime))
    }

    /// Saves that a content was not fetched: it is tried again, or given up. The team learns of a photo that it will not see.
    async fn record_unfetched(&self, file: &MediaFile, error: &FetchError, now: Timestamp) -> Result<()> {
        let wait = match error.hope {
            Hope::Later => FETCHING.wait(file.tries, rand::random()),
            Hope::Doubtful if file.tries < DOUBTFUL => FETCHING.wait(file.tries, rand::random()),
            Hope::Doubtful | Hope::None => None,
        };
        let (user, message_id) = (file.user_id.masked(), file.message.as_str());
        let Some(retry_at) = wait.and_then(|wait| at(now, wait, error.retry_after)) else {
            tracing::error!(user, message_id, %error, "a file of a customer could not be fetched and is given up");
            count(file, "gave_up");
            // Who was forgotten meanwhile stays so.
            let found = self.store.media_file(&file.id).await?;
            let is_ours = found.is_some_and(|now| now.state == file.state && now.tries == file.tries);
            if file.is_evidence() && is_ours {
                handoff::report_unfetched(self.store.as_ref(), file, now).await?;
            }
            let outcome = MediaFile { state: MediaState::Failed, next_at: now, ..with_reason(file, &error.reason) };
            return self.record(file, &outcome, None).await;
        };
        tracing::warn!(user, message_id, %error, at = %retry_at, "a file of a customer is fetched again later");
        count(file, "again");
        self.record(file, &MediaFile { next_at: retry_at, ..with_reason(file, &error.reason) }, None).await
    }

    async fn hear(&self, file: &MediaFile) -> Result<()> {
        let heard = match (&self.transcriber, file.sha256.as_deref(), self.store.media_folder()) {
            (Some(transcriber), Some(digest), Some(folder)) => match folder.content(digest).await {
                Ok(Some(recording)) => {
                    let mime = file.mime.as_deref().unwrap_or(UNKNOWN_TYPE);
                    // Within the lease, so that no other process sends the same recording once more.
                    let limit = Duration::try_from(self.settings.lease * 3 / 4).unwrap_or(STORE_RETRY);
                    match tokio::time::timeout(limit, transcriber.hear(recording, mime)).await {
                        Ok(heard) => heard.map_err(|error| (error.to_string(), error)),
                        Err(_) => return self.end_unheard(file, "the service did not answer in time").await,
                    }
                }
                Ok(None) => return self.end_unheard(file, "its content is not there").await,
                Err(StoreError::Backend { reason, .. }) => return self.end_unheard(file, &reason).await,
                Err(error) => return Err(error),
            },
            _ => return self.end_unheard(file, "nothing is set up that hears recordings").await,
        };
        let now = (self.clock)();
        match heard {
            Ok(transcript) => {
                count(file, "heard");
                let outcome = MediaFile {
                    state: MediaState::Stored,
                    next_at: now,
                    transcript: Some(transcript),
                    error: None,
                    ..file.clone()
                };
                self.record(file, &outcome, None).await
            }
            Err((reason, error)) => {
                let wait = error.passes.then(|| HEARING.wait(file.tries, rand::random())).flatten();
                let Some(retry_at) = wait.and_then(|wait| at(now, wait, error.retry_after)) else {
                    return self.end_unheard(file, &reason).await;
                };
                tracing::warn!(user = file.user_id.masked(), reason, at = %retry_at, "a recording is heard again later");
                self.record(file, &MediaFile { next_at: retry_at, ..with_reason(file, &reason) }, None).await
            }
        }
    }

    /// Saves that a recording is there and was not written down: a person listens to it.
    async fn end_unheard(&self, file: &MediaFile, reason: &str) -> Result<()> {
        tracing::error!(user = file.user_id.masked(), reason, "a recording could not be written down");
        count(file, "unheard");
        let outcome = MediaFile { state: MediaState::Stored, next_at: (self.clock)(), ..with_reason(file, reason) };
        self.record(file, &outcome, None).await
    }

    /// Saves an outcome. A content of a file that is gone meanwhile, or was claimed by another process, is removed where nothing
    /// else has it.
    async fn record(&self, claimed: &MediaFile, outcome: &MediaFile, digest: Option<String>) -> Result<()> {
        if self.store.save_media(claimed, outcome).await? {
            return Ok(());
        }
        tracing::info!(user = claimed.user_id.masked(), "a file was taken up elsewhere, or is gone, meanwhile");
        remove_unused(self.store.as_ref(), digest.into_iter().collect()).await
    }
}

fn count(file: &MediaFile, result: &'static str) {
    metrics::counter!(metric::MEDIA, "kind" => file.kind.as_str(), "result" => result).increment(1);
}

fn with_reason(file: &MediaFile, reason: &str) -> MediaFile {
    MediaFile { error: Some(excerpt(reason, LONGEST_REASON)), ..file.clone() }
}

/// When something is tried again: after the wait, and not before the service wants.
fn at(now: Timestamp, wait: SignedDuration, asked: Option<Duration>) -> Option<Timestamp> {
    let asked = asked.and_then(|asked| SignedDuration::try_from(asked).ok()).unwrap_or(SignedDuration::ZERO);
    now.checked_add(wait.max(asked)).ok()
}

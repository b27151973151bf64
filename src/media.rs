//! Fetches the files of customers' messages, has recordings written down and photos looked at: durable work, after the webhook was acknowledged. Any
//! number of processes may do so on one store: each file is claimed for the time of a lease.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::channels::{ContentSink, FetchError, Hope, MediaSource};
use crate::domain::inbound::Media;
use crate::domain::media::{HEAD, MediaFile, MediaState, UNKNOWN_TYPE, is_picture, type_of};
use crate::domain::picture;
use crate::domain::view::View;
use crate::domain::words::excerpt;
use crate::inbox::{Backoff, Clock, JobQueue, run_jobs};
use crate::llm::media_service::ServiceError;
use crate::llm::transcriber::Transcriber;
use crate::llm::vision::Viewer;
use crate::store::{
    KeepError, Kept, MediaFolder, MediaWork, NewContent, Result, Store, StoreError, remove_unused, tidy,
};
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
/// Photos that are looked at at once, beside the files that are fetched and heard: who speaks waits for no picture.
const LOOKING_AT_ONCE: usize = 2;
/// The longest side of a picture that a service looks at, in pixels.
const LONGEST_SIDE: u32 = 1_024;
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
    viewer: Option<Arc<Viewer>>,
    /// Pictures are decoded one after the other: each may take much memory.
    decoding: Arc<Semaphore>,
    settings: Settings,
    clock: Clock,
    /// What is claimed.
    work: MediaWork,
}

/// How many bytes are gathered before a thread that may wait for the disk writes them.
const GATHERED: usize = 256 * 1_024;

/// What takes a content: the file that is being written, its first bytes, and what is not written yet.
struct Writing {
    folder: MediaFolder,
    /// None only while it is being written, and after that failed.
    content: Option<NewContent>,
    gathered: Vec<u8>,
    head: Vec<u8>,
}

impl Writing {
    async fn begin(folder: MediaFolder) -> std::result::Result<Self, FetchError> {
        let content = Self::begun(&folder).await?;
        Ok(Self { folder, content: Some(content), gathered: Vec::new(), head: Vec::with_capacity(HEAD) })
    }

    async fn begun(folder: &MediaFolder) -> std::result::Result<NewContent, FetchError> {
        let folder = folder.clone();
        apart(move || folder.begin()).await?.map_err(|error| unkept(&error))
    }

    /// Writes what was gathered.
    async fn write(&mut self) -> std::result::Result<&NewContent, FetchError> {
        let failed = || FetchError::passing("it could not be written");
        if !self.gathered.is_empty() {
            let (gathered, mut content) = (std::mem::take(&mut self.gathered), self.content.take().ok_or_else(failed)?);
            let written = apart(move || content.write(&gathered).map(|()| (content, gathered))).await?;
            let (content, mut gathered) = written.map_err(|error| unkept(&error))?;
            gathered.clear();
            (self.content, self.gathered) = (Some(content), gathered);
        }
        self.content.as_ref().ok_or_else(failed)
    }

    /// Puts the content into its place.
    async fn keep(mut self) -> std::result::Result<Kept, FetchError> {
        self.write().await?;
        let (folder, content) = (self.folder, self.content);
        let content = content.ok_or_else(|| FetchError::passing("it could not be written"))?;
        let kept = apart(move || folder.keep(content)).await?;
        kept.map_err(|error| unkept(&KeepError::Disk(error)))
    }
}

#[async_trait]
impl ContentSink for Writing {
    async fn take(&mut self, bytes: &[u8]) -> std::result::Result<(), FetchError> {
        let wanted = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..wanted]);
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= GATHERED {
            self.write().await?;
        }
        Ok(())
    }

    async fn begin_anew(&mut self) -> std::result::Result<(), FetchError> {
        self.head.clear();
        self.gathered.clear();
        self.content = Some(Self::begun(&self.folder).await?);
        Ok(())
    }

    async fn digest(&mut self) -> std::result::Result<String, FetchError> {
        Ok(self.write().await?.digest())
    }
}

/// Runs what waits for the disk on a thread that may.
async fn apart<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> std::result::Result<T, FetchError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| FetchError::passing(error.to_string()))
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
        let decoding = Arc::new(Semaphore::new(1));
        Self { store, source, transcriber, viewer: None, decoding, settings, clock, work: MediaWork::Any }
    }

    /// The same, and what looks at photos.
    #[must_use]
    pub fn with_viewer(self, viewer: Option<Arc<Viewer>>) -> Self {
        Self { viewer, ..self }
    }

    /// Works until `stop`. What was begun is completed; where the process is killed instead, another one does it after the lease.
    pub async fn run(&self, stop: CancellationToken) {
        let Some(folder) = self.store.media_folder() else { return };
        // Where nothing is taken any more, what is old still goes.
        let fetching = async {
            if folder.takes() {
                let of = |work, at_once| {
                    let job = Self { work, ..self.clone() };
                    run_jobs(self.store.as_ref(), job, (at_once, self.settings.poll), &stop)
                };
                tokio::join!(of(MediaWork::Fetching, self.settings.at_once), of(MediaWork::Looking, LOOKING_AT_ONCE));
            }
        };
        tokio::join!(fetching, self.run_tidying(&stop));
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

    async fn fetch(&self, file: &MediaFile) -> Result<()> {
        // Before the lease ends: no other process may begin while this one still writes.
        let limit = Duration::try_from(self.settings.lease * 3 / 4).unwrap_or(Duration::from_secs(1));
        let fetched = tokio::time::timeout(limit, self.fetch_content(file)).await;
        let fetched = fetched.unwrap_or_else(|_| Err(FetchError::passing("it took too long")));
        let now = (self.clock)();
        match fetched {
            Ok((kept, mime)) => {
                let state = match file.kind {
                    Media::Audio if self.transcriber.is_some() => MediaState::Unheard,
                    Media::Image if self.viewer.is_some() && is_picture(mime) => MediaState::Unseen,
                    _ => MediaState::Stored,
                };
                let outcome = MediaFile {
                    state,
                    next_at: now,
                    mime: Some(mime.to_owned()),
                    size: Some(kept.size),
                    sha256: Some(kept.digest.clone()),
                    error: None,
                    ..file.clone()
                };
                count(file, "stored");
                self.record(file, &outcome, Some(kept)).await
            }
            Err(error) => self.record_unfetched(file, &error, now).await,
        }
    }

    /// Fetches a content into the folder: what is in its place, and its type.
    async fn fetch_content(&self, file: &MediaFile) -> std::result::Result<(Kept, &'static str), FetchError> {
        let Some(folder) = self.store.media_folder().cloned() else {
            return Err(FetchError::passing("there is no folder for the files of customers"));
        };
        let mut writing = Writing::begin(folder).await?;
        self.source.fetch(&file.source, file.kind, &mut writing).await?;
        let mime = type_of(file.kind, &writing.head);
        Ok((writing.keep().await?, mime))
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

    /// Has a service look at a photo, made anew from its pixels: where it was taken leaves for nobody.
    async fn see(&self, file: &MediaFile) -> Result<()> {
        let limit = Duration::try_from(self.settings.lease * 3 / 4).unwrap_or(STORE_RETRY);
        let seen = tokio::time::timeout(limit, self.look(file)).await;
        let seen = seen.unwrap_or_else(|_| Err(unseen("it took too long", true)));
        let now = (self.clock)();
        match seen {
            Ok(view) => {
                count(file, "seen");
                let outcome = MediaFile {
                    state: MediaState::Stored,
                    next_at: now,
                    seen: Some(view),
                    error: None,
                    ..file.clone()
                };
                self.record(file, &outcome, None).await
            }
            Err(error) => {
                let wait = error.passes.then(|| HEARING.wait(file.tries, rand::random())).flatten();
                let user = file.user_id.masked();
                let Some(retry_at) = wait.and_then(|wait| at(now, wait, error.retry_after)) else {
                    tracing::warn!(user, %error, "nobody could look at a photo but the team");
                    count(file, "unseen");
                    // The photo is there all the same: that is no error of it.
                    return self
                        .record(file, &MediaFile { state: MediaState::Stored, next_at: now, ..file.clone() }, None)
                        .await;
                };
                tracing::warn!(user, %error, at = %retry_at, "a photo is looked at again later");
                self.record(file, &MediaFile { next_at: retry_at, ..file.clone() }, None).await
            }
        }
    }

    async fn look(&self, file: &MediaFile) -> std::result::Result<View, ServiceError> {
        let failed = |reason: String| unseen(&reason, false);
        let (Some(viewer), Some(digest), Some(folder)) =
            (&self.viewer, file.sha256.clone(), self.store.media_folder().cloned())
        else {
            return Err(unseen("nothing is set up that looks at photos", false));
        };
        let mime = file.mime.clone().unwrap_or_default();
        let Ok(place) = Arc::clone(&self.decoding).acquire_owned().await else {
            return Err(unseen("the program ends", true));
        };
        let made = tokio::task::spawn_blocking(move || {
            let _place = place;
            let content = folder.read(&digest).map_err(|error| error.to_string())?;
            let content = content.ok_or_else(|| "its content is not there".to_owned())?;
            picture::as_jpeg(&mime, &content, LONGEST_SIDE).map_err(|error| error.to_string())
        });
        let jpeg = made.await.map_err(|error| failed(error.to_string()))?.map_err(failed)?;
        viewer.look(&jpeg).await
    }

    /// Saves that a recording is there and was not written down: a person listens to it.
    async fn end_unheard(&self, file: &MediaFile, reason: &str) -> Result<()> {
        tracing::error!(user = file.user_id.masked(), reason, "a recording could not be written down");
        count(file, "unheard");
        let outcome = MediaFile { state: MediaState::Stored, next_at: (self.clock)(), ..with_reason(file, reason) };
        self.record(file, &outcome, None).await
    }

    /// Saves an outcome. A content of a file that is gone meanwhile, or was claimed by another process, is removed where nothing
    /// else has it; until the outcome is saved nobody removes it.
    async fn record(&self, claimed: &MediaFile, outcome: &MediaFile, kept: Option<Kept>) -> Result<()> {
        let saved = self.store.save_media(claimed, outcome).await?;
        let digest = kept.map(|kept| kept.digest);
        if saved {
            return Ok(());
        }
        tracing::info!(user = claimed.user_id.masked(), "a file was taken up elsewhere, or is gone, meanwhile");
        remove_unused(self.store.as_ref(), digest.into_iter().collect()).await
    }
}

#[async_trait]
impl JobQueue for MediaJob {
    type Job = MediaFile;

    async fn claim(&self) -> Result<Option<MediaFile>> {
        self.store.claim_media_for(self.work, (self.clock)(), self.settings.lease).await
    }

    /// Does the next step of a claimed file.
    async fn run(&self, file: MediaFile) {
        let (user, message_id) = (file.user_id.masked(), file.message.to_string());
        let done = match file.state {
            MediaState::Waiting => self.fetch(&file).await,
            MediaState::Unheard => self.hear(&file).await,
            MediaState::Unseen => self.see(&file).await,
            MediaState::Stored | MediaState::Failed => Ok(()),
        };
        if let Err(error) = done {
            tracing::warn!(user, message_id, %error, "what became of a file could not be saved: it is taken up again");
        }
    }
}

fn unseen(reason: &str, passes: bool) -> ServiceError {
    ServiceError { reason: reason.to_owned(), passes, retry_after: None }
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

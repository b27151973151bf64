//! The port to the contents of files that customers sent.

use std::time::Duration;

use async_trait::async_trait;

use crate::domain::inbound::Media;

/// How often fetching a file is worth while.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hope {
    /// It may succeed later: the service is busy, cannot be reached, or the set-up is wrong.
    Later,
    /// What came was not what was told; that may have been an accident.
    Doubtful,
    /// It never will: the file is gone, or too large.
    None,
}

/// Why a content was not fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct FetchError {
    /// The reason, in one sentence.
    pub reason: String,
    /// Whether it may succeed later.
    pub hope: Hope,
    /// The time that the channel asks to wait.
    pub retry_after: Option<Duration>,
}

impl FetchError {
    /// An error that may pass.
    pub fn passing(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hope: Hope::Later, retry_after: None }
    }

    /// An error of what came.
    pub fn doubtful(reason: impl Into<String>) -> Self {
        Self { hope: Hope::Doubtful, ..Self::passing(reason) }
    }

    /// An error for good.
    pub fn for_good(reason: impl Into<String>) -> Self {
        Self { hope: Hope::None, ..Self::passing(reason) }
    }
}

/// Takes the bytes of a content as they come.
#[async_trait]
pub trait ContentSink: Send {
    /// Takes some bytes.
    ///
    /// # Errors
    /// When they cannot be kept.
    async fn take(&mut self, bytes: &[u8]) -> Result<(), FetchError>;

    /// Forgets what it took: the content begins anew.
    ///
    /// # Errors
    /// When no other can be begun.
    async fn begin_anew(&mut self) -> Result<(), FetchError>;

    /// The SHA-256 of what it took, in hexadecimal.
    ///
    /// # Errors
    /// When some of it cannot be kept.
    async fn digest(&mut self) -> Result<String, FetchError>;
}

/// Where the contents of files come from.
#[async_trait]
pub trait MediaSource: Send + Sync {
    /// Fetches a content by the channel's identifier of its file. When this returns, the sink holds all of it, as the channel
    /// described it.
    ///
    /// # Errors
    /// Why it was not fetched; the sink holds nothing of use then.
    async fn fetch(&self, file: &str, kind: Media, sink: &mut dyn ContentSink) -> Result<(), FetchError>;
}

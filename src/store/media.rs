//! Files that customers' messages hold: what is known of each, and which of them is to be fetched or heard next. The contents lie
//! in a [`MediaFolder`].

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::{MediaFolder, Result};
use crate::domain::ids::{OrderId, UserId};
use crate::domain::media::{MediaFile, MediaId};

/// What is known of files. It goes with its customer, and by retention with the chats.
#[async_trait]
pub trait MediaFiles: Send + Sync {
    /// Where the contents lie; none: this process keeps none.
    fn media_folder(&self) -> Option<&MediaFolder>;

    /// Notes files that arrived; durable when this returns. A known one stays as it is.
    async fn note_media(&self, files: &[MediaFile]) -> Result<()>;

    /// Claims the file that has been due for the longest at `now` until the lease ends: of many callers, in any number of
    /// processes, one gets it. Its `tries` is raised.
    async fn claim_media(&self, now: Timestamp, lease: SignedDuration) -> Result<Option<MediaFile>>;

    /// Saves what became of a claimed file: state, time, type, size, digest, transcript and error. A file in another state than
    /// before begins with no tries. `false`, and nothing is changed, where it was claimed again since, or is gone.
    async fn save_media(&self, claimed: &MediaFile, outcome: &MediaFile) -> Result<bool>;

    /// One file; `None` where there is none.
    async fn media_file(&self, id: &MediaId) -> Result<Option<MediaFile>>;

    /// The files of a customer, the latest first, at most `limit`.
    async fn media_of(&self, user: &UserId, limit: u32) -> Result<Vec<MediaFile>>;

    /// The files that are evidence for an order, the latest first, at most `limit`.
    async fn media_of_order(&self, order: &OrderId, limit: u32) -> Result<Vec<MediaFile>>;

    /// Makes what a customer has sent since a time, and is evidence for no order yet, evidence for this one; returns how many
    /// files. Recordings and stickers are evidence for none.
    async fn attach_media(&self, user: &UserId, since: Timestamp, order: &OrderId) -> Result<u64>;

    /// Those of these digests that a file still has.
    async fn media_contents(&self, digests: &[String]) -> Result<Vec<String>>;
}

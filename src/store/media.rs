//! Files that customers' messages hold: what is known of each, and which of them is to be fetched or heard next. The contents lie
//! in a [`MediaFolder`].

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};

use super::{MediaFolder, Result};
use crate::domain::ids::{OrderId, UserId};
use crate::domain::media::{MediaFile, MediaId};

/// What is to be done with a file that is claimed: what takes long keeps nobody waiting for the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaWork {
    /// Whatever there is.
    Any,
    /// Contents are fetched, and recordings heard.
    Fetching,
    /// Photos are looked at.
    Looking,
}

impl MediaWork {
    /// Whether it is looking; none where it does not matter.
    pub(super) fn looks(self) -> Option<bool> {
        match self {
            Self::Any => None,
            Self::Fetching => Some(false),
            Self::Looking => Some(true),
        }
    }
}

/// The name of a store at an address: a copy of the store has the name, and not the address.
pub(super) fn owner_at(name: &str, address: &str) -> String {
    format!("{name}-{}", hex::encode(&Sha256::digest(address)[..8]))
}

/// What is known of files. It goes with its customer, and by retention with the chats.
#[async_trait]
pub trait MediaFiles: Send + Sync {
    /// Where the contents lie; none: this process keeps none.
    fn media_folder(&self) -> Option<&MediaFolder>;

    /// The name by which a folder of contents is this store's and no other's: random, made where there is none, with what tells its
    /// address; the same for every process. A copy of the store, as a backup is one, has another.
    async fn media_owner(&self) -> Result<String>;

    /// Notes files that arrived; durable when this returns. A known one stays as it is.
    async fn note_media(&self, files: &[MediaFile]) -> Result<()>;

    /// Claims the file that has been due for the longest at `now` until the lease ends: of many callers, in any number of
    /// processes, one gets it. Its `tries` is raised.
    async fn claim_media(&self, now: Timestamp, lease: SignedDuration) -> Result<Option<MediaFile>> {
        self.claim_media_for(MediaWork::Any, now, lease).await
    }

    /// The same, of the files with which this is to be done.
    async fn claim_media_for(
        &self,
        work: MediaWork,
        now: Timestamp,
        lease: SignedDuration,
    ) -> Result<Option<MediaFile>>;

    /// Saves what became of a claimed file: state, time, type, size, digest, transcript, view and error. A file in another state than
    /// before begins with no tries. `false`, and nothing is changed, where it was claimed again since, or is gone.
    async fn save_media(&self, claimed: &MediaFile, outcome: &MediaFile) -> Result<bool>;

    /// One file; `None` where there is none.
    async fn media_file(&self, id: &MediaId) -> Result<Option<MediaFile>>;

    /// The files of a customer, the latest first, of one moment by their place, at most `limit`.
    async fn media_of(&self, user: &UserId, limit: u32) -> Result<Vec<MediaFile>>;

    /// The files that are evidence for an order, in the same order, at most `limit`.
    async fn media_of_order(&self, order: &OrderId, limit: u32) -> Result<Vec<MediaFile>>;

    /// Makes what a customer has sent since a time, and is evidence for no order yet, evidence for this one; returns how many
    /// files. Recordings and stickers are evidence for none.
    async fn attach_media(&self, user: &UserId, since: Timestamp, order: &OrderId) -> Result<u64>;

    /// Those of these digests that a file still has.
    async fn media_contents(&self, digests: &[String]) -> Result<Vec<String>>;
}

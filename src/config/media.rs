//! The `media` section: where files of customers are kept.

use serde::Deserialize;

/// Files that customers send.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MediaConfig {
    /// Their folder; empty: the one beside the store.
    pub folder: String,
    /// How many megabytes it holds at most; 0: nothing is fetched.
    pub quota_mb: u32,
}

//! Decides whether the bot can do its work now, part by part.
//!
//! It must never wait for a part that hangs, nor change anything by looking.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::channels::Channel;
use crate::store::Store;

/// How long a part may take to tell how it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Something that the bot needs.
#[async_trait]
pub trait Part: Send + Sync {
    /// What it is.
    fn name(&self) -> &'static str;
    /// Why it cannot work, where that is so.
    async fn trouble(&self) -> Option<String>;
}

/// A part that cannot work, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which part.
    pub part: &'static str,
    /// Why.
    pub why: String,
}

/// The parts that cannot work at this time.
pub async fn trouble_of(parts: &[Arc<dyn Part>]) -> Vec<Trouble> {
    let looks = parts.iter().map(|part| async move {
        let why = match tokio::time::timeout(PATIENCE, part.trouble()).await {
            Ok(why) => why,
            Err(_) => Some(format!("it does not answer within {} s", PATIENCE.as_secs())),
        };
        why.map(|why| Trouble { part: part.name(), why })
    });
    futures_util::future::join_all(looks).await.into_iter().flatten().collect()
}

/// The store, as a part.
pub struct StorePart(pub Arc<dyn Store>);

#[async_trait]
impl Part for StorePart {
    fn name(&self) -> &'static str {
        "store"
    }

    async fn trouble(&self) -> Option<String> {
        self.0.audit_length().await.err().map(|error| error.to_string())
    }
}

/// The channel, as a part.
pub struct ChannelPart(pub Arc<dyn Channel>);

#[async_trait]
impl Part for ChannelPart {
    fn name(&self) -> &'static str {
        "whatsapp"
    }

    async fn trouble(&self) -> Option<String> {
        self.0.trouble()
    }
}

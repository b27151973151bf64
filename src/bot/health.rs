//! Whether the bot can do its work now: the checks behind `/readyz`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::channels::Channel;
use crate::http::resources::WatchedDisk;
use crate::store::Store;

/// How long one check may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A check of something that the bot needs. It leaves nothing behind.
#[async_trait]
pub trait HealthCheck: Send + Sync {
    /// The component, in one word.
    fn name(&self) -> &'static str;
    /// Checks it.
    ///
    /// # Errors
    /// Why it cannot work now, in one sentence.
    async fn check(&self) -> Result<(), String>;
}

/// A component that cannot work, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// [`HealthCheck::name`].
    pub component: &'static str,
    /// Why it cannot work.
    pub reason: String,
}

/// Runs all checks at the same time; a check that takes longer than two seconds has failed.
pub async fn failed_checks(checks: &[Arc<dyn HealthCheck>]) -> Vec<FailedCheck> {
    let outcomes = checks.iter().map(|check| async move {
        let outcome = tokio::time::timeout(TIMEOUT, check.check()).await;
        let outcome = outcome.unwrap_or_else(|_| Err(format!("it does not answer within {} s", TIMEOUT.as_secs())));
        outcome.err().map(|reason| FailedCheck { component: check.name(), reason })
    });
    futures_util::future::join_all(outcomes).await.into_iter().flatten().collect()
}

/// Whether the store can be read.
pub struct StoreCheck(pub Arc<dyn Store>);

#[async_trait]
impl HealthCheck for StoreCheck {
    fn name(&self) -> &'static str {
        "store"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.audit_length().await.map(drop).map_err(|error| error.to_string())
    }
}

/// Whether the disk of the store has place.
pub struct DiskCheck(pub WatchedDisk);

#[async_trait]
impl HealthCheck for DiskCheck {
    fn name(&self) -> &'static str {
        "disk"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.check().await
    }
}

/// Whether the channel can send.
pub struct ChannelCheck(pub Arc<dyn Channel>);

#[async_trait]
impl HealthCheck for ChannelCheck {
    fn name(&self) -> &'static str {
        "whatsapp"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.unavailable_reason().map_or(Ok(()), Err)
    }
}

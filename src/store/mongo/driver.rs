//! Decides on which threads the driver works: those of one runtime of its own, for the whole process.
//!
//! It must never depend on the runtime of a caller: that may be of one thread, without timers, or gone before the
//! connections are.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

use super::super::{Result, StoreError};

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::result::Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let builder = Builder::new_multi_thread().worker_threads(2).thread_name("store-mongo").enable_all().build();
        builder.map_err(|error| error.to_string())
    });
    made.as_ref().map_err(|reason| StoreError::Backend { doing: "starting the driver", reason: reason.clone() })
}

/// Runs work to its end there, also when nobody waits for it any more.
pub(super) async fn run<T: Send + 'static>(
    doing: &'static str,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match runtime()?.spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(StoreError::Backend { doing, reason: error.to_string() }),
    }
}

/// Starts work there that goes on beside.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<tokio::task::JoinHandle<()>> {
    Ok(runtime()?.spawn(work))
}

/// Blocks the calling thread until the work is done there.
pub(super) fn wait<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    let (done, outcome) = std::sync::mpsc::sync_channel(1);
    runtime()?.spawn(async move {
        let _ = done.send(work.await);
    });
    let stopped = |_| StoreError::Backend { doing: "opening the store", reason: "the driver has stopped".to_owned() };
    outcome.recv().map_err(stopped)?
}

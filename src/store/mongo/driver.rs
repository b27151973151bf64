//! The runtime of the driver, one for the whole process: the runtime of a caller may be of one thread, without timers,
//! or gone before the connections are.

use std::future::Future;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinError;

use super::super::error::{Result, StoreError, panic_message};

fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: OnceLock<std::result::Result<Runtime, String>> = OnceLock::new();
    let made = RUNTIME.get_or_init(|| {
        let builder = Builder::new_multi_thread().worker_threads(2).thread_name("store-mongo").enable_all().build();
        builder.map_err(|error| error.to_string())
    });
    made.as_ref().map_err(|reason| StoreError::Backend { doing: "starting the driver", reason: reason.clone() })
}

/// Runs work to its end there, also when the caller no longer waits for it.
pub(super) async fn run<T: Send + 'static>(
    doing: &'static str,
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    match runtime()?.spawn(work).await {
        Ok(outcome) => outcome,
        Err(error) => Err(ended(doing, error)),
    }
}

/// Why a task has no outcome: it panicked, or the runtime was shut down.
fn ended(doing: &'static str, error: JoinError) -> StoreError {
    match error.try_into_panic() {
        Ok(panic) => StoreError::Panicked { doing, reason: panic_message(&*panic) },
        Err(error) => StoreError::Backend { doing, reason: error.to_string() },
    }
}

/// Starts work there in the background.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Result<tokio::task::JoinHandle<()>> {
    Ok(runtime()?.spawn(work))
}

/// Blocks the calling thread until the work is done there.
pub(super) fn wait<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    const DOING: &str = "opening the store";
    let (done, outcome) = std::sync::mpsc::sync_channel(1);
    let task = runtime()?.spawn(work);
    runtime()?.spawn(async move {
        let _ = done.send(task.await.unwrap_or_else(|error| Err(ended(DOING, error))));
    });
    let stopped = |_| StoreError::Backend { doing: DOING, reason: "the driver has stopped".to_owned() };
    outcome.recv().map_err(stopped)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_panics_is_answered_with_an_error_and_the_next_one_is_done() {
        let panicking = async { panic!("a bug of {}", "the test") };
        match run::<()>("testing", panicking).await {
            Err(error @ StoreError::Panicked { .. }) => {
                assert_eq!(error.to_string(), "an error in the program stopped testing: a bug of the test");
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(run("testing", async { Ok(1) }).await.unwrap(), 1);
        let outcome = tokio::task::spawn_blocking(|| wait::<()>(async { panic!("a bug") })).await.unwrap();
        assert!(matches!(outcome, Err(StoreError::Panicked { .. })), "{outcome:?}");
    }
}

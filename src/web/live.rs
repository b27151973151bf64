//! Decides when open pages are told to look again.
//!
//! It must never ask the store more than once a second, however many pages are open, nor at all while none is.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::store::Store;

/// How often the store is asked whether something changed.
const EVERY: Duration = Duration::from_secs(1);
/// Pages that are told at once.
const MOST_PAGES: usize = 1_000;

/// Knows whether something changed.
pub(super) struct Live {
    store: Arc<dyn Store>,
    changes: Arc<watch::Sender<u64>>,
    stop: CancellationToken,
    watching: OnceLock<()>,
}

impl Live {
    pub(super) fn new(store: Arc<dyn Store>, stop: CancellationToken) -> Self {
        Self { store, changes: Arc::new(watch::Sender::new(0)), stop, watching: OnceLock::new() }
    }

    /// Tells open pages to look again, though the store is as it was: what is shown of it was counted anew.
    pub(super) fn tell(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    fn subscribe(&self) -> Option<watch::Receiver<u64>> {
        if self.changes.receiver_count() >= MOST_PAGES {
            return None;
        }
        let receiver = self.changes.subscribe();
        self.watching.get_or_init(|| {
            tokio::spawn(watch_store(Arc::clone(&self.store), Arc::clone(&self.changes), self.stop.clone()));
        });
        Some(receiver)
    }
}

async fn watch_store(store: Arc<dyn Store>, changes: Arc<watch::Sender<u64>>, stop: CancellationToken) {
    let mut known: Option<String> = None;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        // What changes meanwhile is told to whoever comes next: their page may be a moment older than their connection.
        if changes.receiver_count() == 0 {
            continue;
        }
        match store.change_mark().await {
            Ok(mark) => {
                if known.as_ref().is_some_and(|known| *known != mark) {
                    changes.send_modify(|count| *count += 1);
                }
                known = Some(mark);
            }
            Err(error) => tracing::warn!(%error, "changes cannot be seen at the moment"),
        }
    }
}

/// A stream that says `change` whenever something changed.
pub(super) async fn events(State(desk): State<Desk>) -> Response {
    let Some(receiver) = desk.live.subscribe() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    let stop = desk.settings.stop.clone();
    let hello = Event::default().event("hello").retry(Duration::from_secs(3)).data("0");
    let events = stream::unfold((receiver, stop, Some(hello)), |(mut receiver, stop, hello)| async move {
        if let Some(hello) = hello {
            return Some((Ok::<_, Infallible>(hello), (receiver, stop, None)));
        }
        let changed = tokio::select! {
            () = stop.cancelled() => return None,
            changed = receiver.changed() => changed,
        };
        changed.ok()?;
        let count = *receiver.borrow_and_update();
        Some((Ok(Event::default().event("change").data(count.to_string())), (receiver, stop, None)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response()
}

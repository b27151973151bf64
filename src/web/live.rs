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
use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Desk;
use crate::domain::alert::Priority;
use crate::domain::figures::AlertRow;
use crate::store::Store;

/// How often the store is asked whether something changed.
const EVERY: Duration = Duration::from_secs(1);
/// Pages that are told at once.
const MOST_PAGES: usize = 1_000;

/// Who waits for a person at the moment, as every page shows and its script rings for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(super) struct Waiting {
    /// How many alerts are pending.
    pub(super) pending: u64,
    /// How many of them are urgent.
    pub(super) high: u64,
    /// When the latest of the urgent ones was raised, in milliseconds since 1970.
    pub(super) newest: i64,
}

impl Waiting {
    pub(super) fn of(rows: &[AlertRow]) -> Self {
        let pending = || rows.iter().filter(|alert| alert.pending);
        let high = || pending().filter(|alert| alert.priority == Priority::High);
        Self {
            pending: pending().count() as u64,
            high: high().count() as u64,
            newest: high().map(|alert| alert.created_at).max().map_or(0, Timestamp::as_millisecond),
        }
    }
}

/// What open pages are told.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Change {
    /// How many changes there were.
    count: u64,
    #[serde(flatten)]
    waiting: Waiting,
}

/// Knows whether something changed.
pub(super) struct Live {
    store: Arc<dyn Store>,
    changes: Arc<watch::Sender<Change>>,
    stop: CancellationToken,
    watching: OnceLock<()>,
}

impl Live {
    pub(super) fn new(store: Arc<dyn Store>, stop: CancellationToken) -> Self {
        Self { store, changes: Arc::new(watch::Sender::new(Change::default())), stop, watching: OnceLock::new() }
    }

    /// Tells open pages to look again, though the store is as it was: what is shown of it was counted anew.
    pub(super) fn tell(&self) {
        self.changes.send_modify(|change| change.count += 1);
    }

    fn subscribe(&self) -> Option<watch::Receiver<Change>> {
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

async fn watch_store(store: Arc<dyn Store>, changes: Arc<watch::Sender<Change>>, stop: CancellationToken) {
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
                    // Counted once for all pages, also those that nobody looks at and that do not load anew.
                    match store.alert_rows().await {
                        Ok(rows) => {
                            let waiting = Waiting::of(&rows);
                            changes.send_modify(|change| *change = Change { count: change.count + 1, waiting });
                        }
                        Err(error) => {
                            tracing::warn!(%error, "alerts cannot be counted at the moment");
                            continue;
                        }
                    }
                }
                known = Some(mark);
            }
            Err(error) => tracing::warn!(%error, "changes cannot be seen at the moment"),
        }
    }
}

/// A stream that says `change` whenever something changed, with who waits for a person then.
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
        let change = *receiver.borrow_and_update();
        let data = serde_json::to_string(&change).unwrap_or_default();
        Some((Ok(Event::default().event("change").data(data)), (receiver, stop, None)))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(20))).into_response()
}

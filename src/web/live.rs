//! Notifies open pages of changes, so that they load their content again.
//!
//! The store is polled at most once a second, however many pages are open, and not at all while none is.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, interval_at};
use tokio_util::sync::CancellationToken;

use super::AppState;
use super::access::Session;
use super::presence::{Looking, Other};
use crate::domain::stats::PendingAlerts;
use crate::store::Store;

/// How often the store is asked whether something changed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// After how much silence a page is told that the connection is still there: it cannot see that by itself.
const TICK: Duration = Duration::from_secs(20);
/// Pages that are notified at the same time.
const MAX_PAGES: usize = 1_000;

/// The pending alerts, as every page shows them and its script sounds for.
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
    pub(super) fn of(pending: &PendingAlerts) -> Self {
        let newest = pending.newest.map_or(0, Timestamp::as_millisecond);
        Self { pending: pending.all, high: pending.high, newest }
    }
}

/// What open pages are notified of.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Change {
    /// How many changes there were.
    count: u64,
    #[serde(flatten)]
    waiting: Waiting,
}

/// The changes of the store, for all open pages.
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

    /// Notifies open pages though the store did not change: sections were counted again.
    pub(super) fn notify(&self) {
        self.changes.send_modify(|change| change.count += 1);
    }

    fn subscribe(&self) -> Option<watch::Receiver<Change>> {
        if self.changes.receiver_count() >= MAX_PAGES {
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
            () = tokio::time::sleep(POLL_INTERVAL) => {}
        }
        // A change meanwhile is sent to the next page: it may be a moment older than its connection.
        if changes.receiver_count() == 0 {
            continue;
        }
        match store.change_token().await {
            Ok(token) => {
                if known.as_ref().is_some_and(|known| *known != token) {
                    // Counted once for all pages, including those in the background, which do not reload.
                    match store.pending_alerts().await {
                        Ok(pending) => {
                            let waiting = Waiting::of(&pending);
                            changes.send_modify(|change| *change = Change { count: change.count + 1, waiting });
                        }
                        Err(error) => {
                            tracing::warn!(%error, "alerts cannot be counted at the moment");
                            continue;
                        }
                    }
                }
                known = Some(token);
            }
            Err(error) => tracing::warn!(%error, "changes cannot be seen at the moment"),
        }
    }
}

/// Which conversation a page shows, if it shows one.
#[derive(Debug, Deserialize)]
pub(super) struct Shown {
    user: Option<String>,
}

/// What one open page is told.
struct Stream {
    changes: watch::Receiver<Change>,
    people: watch::Receiver<u64>,
    looking: Option<Looking>,
    /// Who else was told to be there; `None`: they have to be told, whoever it is.
    told: Option<Vec<Other>>,
    hello: bool,
    stop: CancellationToken,
    /// Whose page it is: the request that opened it, and the token of its session.
    state: AppState,
    headers: HeaderMap,
    csrf: String,
    /// When to look whether the session is still one.
    looks: Interval,
}

impl Stream {
    /// Whether the session that the page was opened with is still one.
    async fn may_go_on(&self) -> bool {
        let (access, store) = (&self.state.settings.access, self.state.store());
        let now = access.current(store, &self.headers, self.state.now()).await;
        now.is_some_and(|session| session.csrf == self.csrf)
    }

    async fn next(&mut self) -> Option<Event> {
        if std::mem::take(&mut self.hello) {
            return Some(Event::default().event("hello").retry(Duration::from_secs(3)).data("0"));
        }
        loop {
            // Also at the beginning: others may have been there before.
            if let Some(looking) = &self.looking {
                let others = looking.others();
                if self.told.as_ref() != Some(&others) {
                    let data = serde_json::to_string(&others).unwrap_or_default();
                    self.told = Some(others);
                    return Some(Event::default().event("who").data(data));
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                _ = self.looks.tick() => if !self.may_go_on().await {
                    return None;
                },
                changed = self.changes.changed() => {
                    changed.ok()?;
                    if !self.may_go_on().await {
                        return None;
                    }
                    let change = *self.changes.borrow_and_update();
                    let data = serde_json::to_string(&change).unwrap_or_default();
                    return Some(Event::default().event("change").data(data));
                }
                changed = self.people.changed(), if self.looking.is_some() => {
                    changed.ok()?;
                    // Whoever goes on typing is told again: pages forget it after a moment.
                    self.told = self.told.take().filter(|told| !Looking::goes_on(told));
                }
            }
        }
    }
}

/// A stream with an event `change` whenever something changed, with the pending alerts at that time, and, for the page of a
/// conversation, `who` whenever somebody else opens or leaves it, or types. It ends with the session.
pub(super) async fn events(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    headers: HeaderMap,
    Query(shown): Query<Shown>,
) -> Response {
    let Some(changes) = state.live.subscribe() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages are open\n").into_response();
    };
    let looking = shown.user.and_then(|user| state.presence.look(&user, session.name()));
    let (people, stop) = (state.presence.changes(), state.settings.stop.clone());
    let looks = interval_at(Instant::now() + TICK, TICK);
    let (told, csrf) = (Some(Vec::new()), session.csrf);
    let stream =
        Stream { changes, people, looking, told, hello: true, stop, state: state.clone(), headers, csrf, looks };
    let events = stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<_, Infallible>(event), stream))
    });
    Sse::new(events)
        .keep_alive(KeepAlive::new().interval(TICK).event(Event::default().event("tick").data("0")))
        .into_response()
}

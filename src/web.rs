//! Decides which pages the team sees over HTTP, who sees them, and when they are told to look again.
//!
//! It must never render what customers wrote as HTML, nor let anything be changed without a session's own token.

mod access;
mod actions;
mod alerts;
mod assets;
mod audit;
mod charts;
mod forms;
mod labels;
mod layout;
mod live;
mod pages;
mod people;
mod talks;

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;

pub use access::{Access, AccessError};
pub use people::{Role, User, hash_password};

use crate::insights::{ModelFacts, ModelSource};
use crate::store::{Store, StoreError};

/// No script, style or picture but the dashboard's own files; nothing inline; never inside another page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// How long requests in flight are waited for at the end.
const LONGEST_FAREWELL: Duration = Duration::from_secs(10);

/// What the dashboard is made of.
pub struct Settings {
    /// What is shown.
    pub store: Arc<dyn Store>,
    /// Who may see it.
    pub access: Access,
    /// The shop's clock: days are its days.
    pub zone: TimeZone,
    /// Silence after which a new conversation begins.
    pub gap: SignedDuration,
    /// Within how many seconds a customer is to be answered.
    pub response_target_seconds: u32,
    /// What is known of the model that reads messages.
    pub model: ModelSource,
    /// The time.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    /// Cancelled when the server ends.
    pub stop: CancellationToken,
}

/// What every request works on.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

pub(crate) struct Inner {
    settings: Settings,
    live: live::Live,
    kept: pages::Kept,
    /// Set once counting ahead has begun.
    warmed: OnceLock<()>,
    checked: audit::Checked,
}

impl std::ops::Deref for Desk {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Inner {
    fn store(&self) -> &dyn Store {
        self.settings.store.as_ref()
    }

    fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// What is known of the model; a folder that was replaced is read anew.
    async fn model(&self) -> Option<Arc<ModelFacts>> {
        let facts = Arc::clone(&self.settings.model.facts);
        // Hashing the weights takes a moment.
        tokio::task::spawn_blocking(move || facts()).await.ok().flatten()
    }
}

/// Why a page cannot be shown.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The store fails.
    Store(StoreError),
    /// There is no such thing.
    Missing,
    /// What was asked for makes no sense.
    Wrong(&'static str),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, told) = match &self {
            Self::Store(error) => {
                tracing::error!(%error, "a page could not be made");
                (StatusCode::SERVICE_UNAVAILABLE, "The store cannot be read at the moment.")
            }
            Self::Missing => (StatusCode::NOT_FOUND, "There is nothing here."),
            Self::Wrong(why) => (StatusCode::BAD_REQUEST, *why),
        };
        (status, layout::bare("Not possible", told)).into_response()
    }
}

/// The pages, with everything that guards them. Serve it with the address of the peer
/// (`into_make_service_with_connect_info::<SocketAddr>`), which the limit of logins goes by.
pub fn router(settings: Settings) -> Router {
    let live = live::Live::new(Arc::clone(&settings.store), settings.stop.clone());
    let inner = Inner {
        settings,
        live,
        kept: pages::Kept::default(),
        warmed: OnceLock::new(),
        checked: audit::Checked::default(),
    };
    let desk = Desk(Arc::new(inner));
    let header = |name, value| SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value));
    Router::new()
        .route("/", get(pages::overview))
        .route("/analytics", get(pages::analytics))
        .route("/alerts", get(alerts::list))
        .route("/alerts/claim", post(alerts::claim))
        .route("/alerts/release", post(alerts::release))
        .route("/alerts/resolve", post(alerts::resolve))
        .route("/alerts/resolve-many", post(alerts::resolve_many))
        .route("/alerts/reopen", post(alerts::reopen))
        .route("/conversations", get(talks::list))
        .route("/conversation", get(talks::view))
        .route("/conversation/take-over", post(talks::take_over))
        .route("/conversation/reply", post(talks::reply))
        .route("/conversation/return", post(talks::give_back))
        .route("/conversation/label", post(labels::correct))
        .route("/quality", get(labels::quality))
        .route("/audit", get(audit::page))
        .route("/events", get(live::events))
        .route("/login", get(access::login_page).post(access::log_in))
        .route("/logout", post(access::log_out))
        .route("/assets/{name}", get(assets::file))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .fallback(|| async { Trouble::Missing })
        .layer(axum::middleware::from_fn_with_state(desk.clone(), access::check))
        .layer(header(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        // Not "no-referrer": with that, browsers name no origin in forms either, and each would be taken for another site's.
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(CompressionLayer::new())
        .layer(CatchPanicLayer::new())
        .with_state(desk)
}

async fn ready(State(desk): State<Desk>) -> (StatusCode, &'static str) {
    if desk.settings.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n");
    }
    match desk.store().audit_length().await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n"),
    }
}

/// Serves until `stop` is cancelled.
///
/// # Errors
/// When serving itself failed.
pub async fn serve(app: Router, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let ended = stop.clone();
    let serving = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { ended.cancelled().await });
    let farewell = async {
        stop.cancelled().await;
        tokio::time::sleep(LONGEST_FAREWELL).await;
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = farewell => Ok(()),
    }
}

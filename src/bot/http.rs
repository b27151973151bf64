//! Decides what each request to the bot is answered: Meta's verification, webhooks, health, figures.
//!
//! It must never parse what is not signed, tell whether a token came close, or drop a webhook that it cannot keep: Meta
//! brings again what is answered with 503.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::{Intake, Part, trouble_of};
use crate::channels::whatsapp::{payload, signature};
use crate::inbox::Clock;
use crate::store::Store;
use crate::telemetry::metric;

/// The largest webhook, in bytes: Meta's own limit.
pub const LARGEST_WEBHOOK: usize = 3 * 1024 * 1024;
/// Webhooks that are worked on at once; more of them wait.
const AT_ONCE: usize = 256;
/// How long a webhook may take, a slow sender's bytes included.
const LONGEST: Duration = Duration::from_secs(25);
/// How long requests in flight are waited for at the end.
const LONGEST_FAREWELL: Duration = Duration::from_secs(15);

/// What a [`Server`] is made of.
pub struct ServerSettings {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// What takes webhooks in.
    pub intake: Intake,
    /// What webhooks are signed with; none: whoever reaches the address may send them.
    pub app_secret: Option<SecretString>,
    /// What Meta shows when it verifies the address; nothing passes where it is empty.
    pub verify_token: SecretString,
    /// What has to work for the bot to be ready.
    pub parts: Vec<Arc<dyn Part>>,
    /// The figures.
    pub figures: PrometheusHandle,
    /// The time.
    pub clock: Clock,
    /// Cancelled when the bot ends: it is not ready any more.
    pub stop: CancellationToken,
}

/// Answers requests.
#[derive(Clone)]
pub struct Server(Arc<ServerSettings>);

impl Server {
    /// A server.
    pub fn new(settings: ServerSettings) -> Self {
        Self(Arc::new(settings))
    }
}

/// The routes of the bot: `/webhook` and `/` for Meta, `/healthz`, `/readyz` and `/metrics`.
pub fn routes(server: Server) -> Router {
    let webhook = || get(verify).post(receive);
    Router::new()
        .route("/webhook", webhook())
        .route("/", webhook())
        .layer(DefaultBodyLimit::max(LARGEST_WEBHOOK))
        // A flood waits its turn: what is not answered in time is brought again.
        .layer(GlobalConcurrencyLimitLayer::new(AT_ONCE))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, LONGEST))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(figures))
        .layer(CatchPanicLayer::new())
        .with_state(server)
}

/// What Meta asks when an address is entered.
#[derive(Debug, Deserialize)]
struct Verification {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

async fn verify(State(Server(server)): State<Server>, Query(asked): Query<Verification>) -> Response {
    let (Some(mode), Some(token), Some(challenge)) = (asked.mode, asked.token, asked.challenge) else {
        return (StatusCode::BAD_REQUEST, "this address takes the webhooks of the WhatsApp Business Platform\n")
            .into_response();
    };
    let expected = server.verify_token.expose_secret().as_bytes();
    let right: bool = token.as_bytes().ct_eq(expected).into();
    if mode != "subscribe" || !right || expected.is_empty() {
        tracing::warn!("a verification with another VERIFY_TOKEN was turned away");
        return (StatusCode::FORBIDDEN, "the verify token is another one\n").into_response();
    }
    ([(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], challenge).into_response()
}

async fn receive(State(Server(server)): State<Server>, headers: HeaderMap, body: Bytes) -> Response {
    if let Some(secret) = &server.app_secret {
        let given = headers.get_all(signature::HEADER).iter().map(|value| value.as_bytes());
        if let Err(refused) = signature::check(secret, &body, given) {
            metrics::counter!(metric::WEBHOOKS, "result" => "unsigned", "why" => refused.as_str()).increment(1);
            tracing::warn!(%refused, "a webhook was turned away");
            return (StatusCode::UNAUTHORIZED, "the signature does not fit\n").into_response();
        }
    }
    let counted =
        |result: &'static str| metrics::counter!(metric::WEBHOOKS, "result" => result, "why" => "").increment(1);
    let now = (server.clock)();
    let batch = match payload::read(&body, now) {
        Ok(batch) => batch,
        Err(error) => {
            counted("malformed");
            tracing::warn!(%error, "a webhook was turned away");
            return (StatusCode::BAD_REQUEST, "this is no webhook\n").into_response();
        }
    };
    match server.intake.take_in(&batch, now).await {
        Ok(()) => {
            counted("accepted");
            StatusCode::OK.into_response()
        }
        Err(error) => {
            counted("failed");
            tracing::error!(%error, "a webhook could not be kept: it has to come again");
            let again = [(header::RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, again, "it could not be kept, bring it again\n").into_response()
        }
    }
}

async fn ready(State(Server(server)): State<Server>) -> (StatusCode, String) {
    if server.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n".to_owned());
    }
    let troubles = trouble_of(&server.parts).await;
    if troubles.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let lines: Vec<String> = troubles.iter().map(|trouble| format!("{}: {}\n", trouble.part, trouble.why)).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines.concat())
}

async fn figures(State(Server(server)): State<Server>) -> Response {
    if let Ok(Ok(backlog)) = tokio::time::timeout(Duration::from_secs(2), server.store.backlog()).await {
        #[allow(clippy::cast_precision_loss)]
        let number = |count: u64| count as f64;
        let conversations = |state: &'static str, count: u64| {
            metrics::gauge!(metric::CONVERSATIONS, "state" => state).set(number(count));
        };
        conversations("waiting", backlog.waiting);
        conversations("in_work", backlog.in_work);
        conversations("parked", backlog.parked);
        let now = (server.clock)();
        let age = backlog.oldest.map_or(0.0, |since| now.duration_since(since).as_secs_f64().max(0.0));
        metrics::gauge!(metric::QUEUE_AGE).set(age);
        metrics::gauge!(metric::UNSENT, "state" => "unsent").set(number(backlog.unsent));
        metrics::gauge!(metric::UNSENT, "state" => "parked").set(number(backlog.unsent_parked));
    }
    server.figures.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], server.figures.render()).into_response()
}

/// Serves until `stop` is cancelled. Then no new connection is taken, and the requests in flight are answered.
///
/// # Errors
/// When serving itself failed.
pub async fn serve(app: Router, listener: TcpListener, stop: CancellationToken) -> std::io::Result<()> {
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Answers are small: they must not wait for more to send.
        let _ = stream.set_nodelay(true);
    });
    let ended = stop.clone();
    let serving = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { ended.cancelled().await });
    let farewell = async {
        stop.cancelled().await;
        tokio::time::sleep(LONGEST_FAREWELL).await;
    };
    tokio::select! {
        served = serving.into_future() => served,
        () = farewell => {
            tracing::warn!("requests were still open after {} s", LONGEST_FAREWELL.as_secs());
            Ok(())
        }
    }
}

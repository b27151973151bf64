//! The routes of the bot: Meta's verification, webhooks, health, metrics.
//!
//! A webhook that cannot be stored is answered with 503, so that Meta sends it again. Nothing of a body is received that has
//! no signature to be checked against, and a place for work is taken only once all of it is there: whoever sends slowly, or
//! never to the end, takes nothing from those who do.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, Request, State};
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::TimeoutLayer;

use super::{HealthCheck, Intake, failed_checks};
use crate::channels::whatsapp::{payload, signature};
use crate::http::body::BodyPlaces;
use crate::http::client::Client;
use crate::http::connections::Connections;
use crate::http::guesses::{GuessLimit, is_long};
use crate::inbox::Clock;
use crate::store::Store;
use crate::telemetry::metric;

/// The largest webhook, in bytes: Meta's own limit.
pub const LARGEST_WEBHOOK: usize = 3 * 1024 * 1024;
/// Webhooks that are processed at the same time; more of them wait.
const CONCURRENCY: usize = 256;
/// Bytes of all webhooks together that are coming in or being processed.
const MOST_BODY_BYTES: usize = 64 * 1024 * 1024;
/// How long the body of a webhook may take to come in.
const BODY_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a webhook may take, including the time to receive it.
const TIMEOUT: Duration = Duration::from_secs(25);
/// How long requests in flight are waited for at the end.
pub const SHUTDOWN_GRACE: Duration = Duration::from_secs(15);

/// What a [`Server`] needs.
pub struct ServerSettings {
    /// Where everything is stored.
    pub store: Arc<dyn Store>,
    /// Stores webhooks.
    pub intake: Intake,
    /// The secret that webhooks are signed with; `None`: whoever reaches the address may send them.
    pub app_secret: Option<SecretString>,
    /// The token that Meta sends when it verifies the address; where it is empty, no verification succeeds.
    pub verify_token: SecretString,
    /// The connections of clients, which are counted.
    pub connections: Arc<Connections>,
    /// What has to succeed for the bot to be ready.
    pub checks: Vec<Arc<dyn HealthCheck>>,
    /// The recorder of metrics.
    pub metrics: PrometheusHandle,
    /// What `/metrics` has to be asked with. `None`: it is not served beside the webhooks, and without a lock at an address of
    /// its own ([`metrics_routes`]).
    pub metrics_token: Option<SecretString>,
    /// The time.
    pub clock: Clock,
    /// Cancelled when the bot ends: then it is not ready any more.
    pub stop: CancellationToken,
}

/// Answers requests.
#[derive(Clone)]
pub struct Server(Arc<Inner>);

struct Inner {
    settings: ServerSettings,
    bodies: Arc<BodyPlaces>,
    work: Semaphore,
    guesses: GuessLimit,
}

impl std::ops::Deref for Inner {
    type Target = ServerSettings;

    fn deref(&self) -> &ServerSettings {
        &self.settings
    }
}

impl Server {
    /// A server.
    pub fn new(settings: ServerSettings) -> Self {
        Self(Arc::new(Inner {
            settings,
            bodies: BodyPlaces::new(MOST_BODY_BYTES),
            work: Semaphore::new(CONCURRENCY),
            guesses: GuessLimit::default(),
        }))
    }
}

/// The routes of the bot: `/webhook` and `/` for Meta, `/healthz`, `/readyz`, and `/metrics` for whoever has its token.
pub fn routes(server: Server) -> Router {
    let webhook = || get(verify).post(receive);
    Router::new()
        .route("/webhook", webhook())
        .route("/", webhook())
        // What is not answered in time is sent again by Meta.
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(public_metrics))
        .layer(CatchPanicLayer::new())
        .with_state(server)
}

/// The route `/metrics` for an address of its own, which only those reach who may see it; with a token only with it.
pub fn metrics_routes(server: Server) -> Router {
    Router::new().route("/metrics", get(own_metrics)).layer(CatchPanicLayer::new()).with_state(server)
}

/// The query of Meta's verification, when an address is entered.
#[derive(Debug, Deserialize)]
struct WebhookVerification {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    token: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

async fn verify(
    State(Server(server)): State<Server>,
    extensions: Extensions,
    Query(asked): Query<WebhookVerification>,
) -> Response {
    let (Some(mode), Some(token), Some(challenge)) = (asked.mode, asked.token, asked.challenge) else {
        return (StatusCode::BAD_REQUEST, "this address takes the webhooks of the WhatsApp Business Platform\n")
            .into_response();
    };
    let client = Client::of(&extensions);
    let expected = server.verify_token.expose_secret();
    let matches: bool = token.as_bytes().ct_eq(expected.as_bytes()).into();
    let beyond_guessing = matches && is_long(expected);
    if !beyond_guessing && !server.guesses.may_guess(&client) {
        return too_many_guesses();
    }
    if mode != "subscribe" || !matches || expected.is_empty() {
        server.guesses.record(&client);
        tracing::warn!("a verification with another VERIFY_TOKEN was refused");
        return (StatusCode::FORBIDDEN, "the verify token is another one\n").into_response();
    }
    ([(header::X_CONTENT_TYPE_OPTIONS, "nosniff")], challenge).into_response()
}

fn too_many_guesses() -> Response {
    let later = [(header::RETRY_AFTER, "60")];
    (StatusCode::TOO_MANY_REQUESTS, later, "too many wrong tokens came from this address\n").into_response()
}

fn unsigned(refused: signature::Refused) -> Response {
    metrics::counter!(metric::WEBHOOKS, "result" => "unsigned", "why" => refused.as_str()).increment(1);
    tracing::warn!(%refused, "a webhook was refused");
    (StatusCode::UNAUTHORIZED, "the signature does not fit\n").into_response()
}

async fn receive(State(Server(server)): State<Server>, request: Request<Body>) -> Response {
    let (head, body) = request.into_parts();
    let signatures = || head.headers.get_all(signature::HEADER).iter().map(HeaderValue::as_bytes);
    if server.app_secret.is_some()
        && let Err(refused) = signature::given(signatures())
    {
        return unsigned(refused);
    }
    let received = match server.bodies.receive(&head.headers, body, LARGEST_WEBHOOK, BODY_TIMEOUT).await {
        Ok(received) => received,
        Err(error) => {
            metrics::counter!(metric::WEBHOOKS, "result" => "unread", "why" => error.as_str()).increment(1);
            return error.into_response();
        }
    };
    let body = &received.bytes;
    let Ok(_work) = server.work.acquire().await else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    if let Some(secret) = &server.app_secret
        && let Err(refused) = signature::check(secret, body, signatures())
    {
        return unsigned(refused);
    }
    let count =
        |result: &'static str| metrics::counter!(metric::WEBHOOKS, "result" => result, "why" => "").increment(1);
    let now = (server.clock)();
    let batch = match payload::read(body, now) {
        Ok(batch) => batch,
        Err(error) => {
            count("malformed");
            tracing::warn!(%error, "a webhook was refused");
            return (StatusCode::BAD_REQUEST, "this is no webhook\n").into_response();
        }
    };
    match server.intake.accept(batch, now).await {
        Ok(()) => {
            count("accepted");
            StatusCode::OK.into_response()
        }
        Err(error) => {
            count("failed");
            tracing::error!(%error, "a webhook could not be stored: Meta has to send it again");
            let again = [(header::RETRY_AFTER, "5")];
            (StatusCode::SERVICE_UNAVAILABLE, again, "it could not be stored, send it again\n").into_response()
        }
    }
}

async fn ready(State(Server(server)): State<Server>) -> (StatusCode, String) {
    if server.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n".to_owned());
    }
    let failed = failed_checks(&server.checks).await;
    if failed.is_empty() {
        return (StatusCode::OK, "ready\n".to_owned());
    }
    let lines: Vec<String> = failed.iter().map(|check| format!("{}: {}\n", check.component, check.reason)).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines.concat())
}

/// `/metrics` at the address that webhooks come to, which anybody may reach.
async fn public_metrics(State(Server(server)): State<Server>, extensions: Extensions, headers: HeaderMap) -> Response {
    let Some(token) = &server.metrics_token else {
        let told =
            "metrics are not served here: set [metrics] token, or an address of their own with [metrics] listen\n";
        return (StatusCode::NOT_FOUND, told).into_response();
    };
    match refusal(&server, token, &extensions, &headers) {
        None => metrics_page(&server).await,
        Some(refused) => refused,
    }
}

async fn own_metrics(State(Server(server)): State<Server>, extensions: Extensions, headers: HeaderMap) -> Response {
    if let Some(token) = &server.metrics_token
        && let Some(refused) = refusal(&server, token, &extensions, &headers)
    {
        return refused;
    }
    metrics_page(&server).await
}

/// Why a request for metrics is refused, where it does not carry their token.
fn refusal(server: &Inner, token: &SecretString, extensions: &Extensions, headers: &HeaderMap) -> Option<Response> {
    let client = Client::of(extensions);
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = token.expose_secret();
    let right = given.is_some_and(|(_, given)| given.trim().as_bytes().ct_eq(token.as_bytes()).into());
    if right && is_long(token) {
        return None;
    }
    if !server.guesses.may_guess(&client) {
        return Some(too_many_guesses());
    }
    if right {
        return None;
    }
    if headers.contains_key(header::AUTHORIZATION) {
        server.guesses.record(&client);
    }
    let challenge = [(header::WWW_AUTHENTICATE, "Bearer realm=\"ecomres metrics\"")];
    Some((StatusCode::UNAUTHORIZED, challenge, "a bearer token is needed: [metrics] token\n").into_response())
}

async fn metrics_page(server: &Inner) -> Response {
    #[expect(clippy::cast_precision_loss, reason = "gauges are f64; counts of rows and connections are far below 2^53")]
    let number = |count: u64| count as f64;
    let connections = server.connections.counts();
    metrics::gauge!(metric::CONNECTIONS).set(number(connections.open));
    for (why, count) in
        [("displaced", connections.displaced), ("late", connections.late), ("refused", connections.refused)]
    {
        metrics::counter!(metric::CONNECTIONS_CLOSED, "why" => why).absolute(count);
    }
    if let Ok(Ok(backlog)) = tokio::time::timeout(Duration::from_secs(2), server.store.backlog()).await {
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
    if let Ok(Ok(events)) = tokio::time::timeout(Duration::from_secs(2), server.store.event_backlog()).await {
        let age = events.oldest.map_or(0.0, |at| (server.clock)().duration_since(at).as_secs_f64().max(0.0));
        metrics::gauge!(metric::EVENT_AGE).set(age);
        metrics::gauge!(metric::UNDELIVERED_EVENTS, "state" => "waiting").set(number(events.new + events.waiting));
        metrics::gauge!(metric::UNDELIVERED_EVENTS, "state" => "parked").set(number(events.parked));
    }
    server.metrics.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], server.metrics.render()).into_response()
}

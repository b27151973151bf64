//! The protocol over HTTP, and its limits: token, host, origin, size, rate, time, sessions.

mod gate;
mod manners;
mod rate;
mod sessions;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use super::Server;
use crate::http::connections::Connections;
use crate::http::host::is_local;
use crate::http::resources::WatchedDisk;
use crate::http::serve::serve_and_drain;
use gate::Gate;
use rate::RateLimit;
use sessions::Sessions;

/// The largest request, in bytes.
pub const LARGEST_REQUEST: usize = 1_048_576;
/// How long a request may take until its answer begins, including the time to receive it.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// How long calls in flight are waited for when the server ends.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(20);
/// How long streams have to end after that.
const STREAMS_GRACE: Duration = Duration::from_secs(5);

/// What opens the server.
#[derive(Debug, Clone)]
pub enum Lock {
    /// Every request must carry this token.
    Token(SecretString),
    /// Nothing does: somebody said that nobody else reaches this machine, and requests that come from anywhere else, as far
    /// as they show it, are refused.
    Alone,
}

/// What may reach the server.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// What opens it.
    pub lock: Lock,
    /// Names that the server is reached by, besides `localhost` and addresses in digits.
    pub allowed_hosts: Vec<String>,
    /// Web pages that may call, such as `https://app.example.com`, besides those of this machine where `local` is set.
    pub allowed_origins: Vec<String>,
    /// Whether the server is bound to this machine only.
    pub local: bool,
    /// Requests a second from one address.
    pub requests_per_second: u32,
    /// Ends the sessions when it is cancelled.
    pub stop: CancellationToken,
}

/// Errors of the server.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Other machines could call without a token.
    #[error("{address} can be reached from other machines, and no token is set")]
    NoToken {
        /// The address to listen at.
        address: SocketAddr,
    },
    /// Whoever is alone listens at an address of this machine only.
    #[error("{address} can be reached from other machines, and --i-am-alone is for this machine only")]
    NotAlone {
        /// The address to listen at.
        address: SocketAddr,
    },
    /// Serving itself failed.
    #[error("serving failed: {0}")]
    Serve(String),
}

impl HttpError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoToken { .. } => Some("set MCP_TOKEN in the environment or .env, or listen at 127.0.0.1".to_owned()),
            Self::NotAlone { .. } => Some("set MCP_TOKEN instead, or listen at 127.0.0.1".to_owned()),
            Self::Serve(_) => None,
        }
    }
}

impl Lock {
    /// The lock of a server at an address: the token that is set; without one nothing, where somebody says that they are
    /// `alone`; otherwise a token made up now, which whoever starts the server has to be shown.
    ///
    /// # Errors
    /// When other machines reach the address and no token is set.
    pub fn find(address: SocketAddr, token: &SecretString, alone: bool) -> Result<(Self, Option<MadeUp>), HttpError> {
        if !token.expose_secret().trim().is_empty() {
            return Ok((Self::Token(token.clone()), None));
        }
        match (is_local(address.ip()), alone) {
            (true, true) => Ok((Self::Alone, None)),
            (true, false) => {
                let token = hex::encode(rand::random::<[u8; 24]>());
                Ok((Self::Token(token.clone().into()), Some(MadeUp(token))))
            }
            (false, true) => Err(HttpError::NotAlone { address }),
            (false, false) => Err(HttpError::NoToken { address }),
        }
    }
}

/// A token that was made up for one run of the server.
pub struct MadeUp(
    /// The token.
    pub String,
);

/// The route `/mcp`, with everything that guards it. Serve it with [`crate::http::serve`]: the rate limit goes by the
/// address of the peer.
pub fn router(server: &Server, options: &HttpOptions) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_max_request_body_bytes(LARGEST_REQUEST)
        .with_cancellation_token(options.stop.clone())
        // The gate checks both, for every request and with its own rules.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let template = server.clone();
    let sessions = Arc::new(Sessions::default());
    let service = StreamableHttpService::new(move || Ok(template.session()), sessions, config);
    Router::new()
        .route_service("/mcp", service)
        // Of this route alone: the paths of others, and those that nobody serves, have nothing to do with its token.
        .route_layer(axum::middleware::from_fn(manners::apply))
        .route_layer(axum::middleware::map_response(end_of_session))
        .route_layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, REQUEST_TIMEOUT))
        .route_layer(axum::middleware::from_fn_with_state(Arc::new(Gate::new(options)), gate::check))
        .route_layer(axum::middleware::from_fn_with_state(
            Arc::new(RateLimit::new(options.requests_per_second)),
            rate::check,
        ))
}

/// A session that was ended is gone, not merely about to be: some clients take 202 for an error.
async fn end_of_session(method: Method, response: Response) -> Response {
    if method == Method::DELETE && response.status() == StatusCode::ACCEPTED {
        return StatusCode::NO_CONTENT.into_response();
    }
    response
}

/// The routes `/healthz` (the process answers) and `/readyz` (it can serve calls, and the disk of the store, where it is on
/// one, has place).
pub fn health(server: Server, disk: Option<WatchedDisk>, stop: CancellationToken) -> Router {
    let state = (server, disk, stop);
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(state)
}

type Health = (Server, Option<WatchedDisk>, CancellationToken);

async fn ready(State((server, disk, stop)): State<Health>) -> (StatusCode, String) {
    if stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n".to_owned());
    }
    if !server.is_ready().await {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n".to_owned());
    }
    match disk {
        Some(disk) => match disk.check().await {
            Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
            Err(told) => (StatusCode::SERVICE_UNAVAILABLE, format!("disk: {told}\n")),
        },
        None => (StatusCode::OK, "ready\n".to_owned()),
    }
}

/// What the server is served with besides its options.
pub struct Serving {
    /// The connections of the process.
    pub connections: Arc<Connections>,
    /// The disk of the store, where it is on one.
    pub disk: Option<WatchedDisk>,
}

/// Serves `/mcp`, `/healthz` and `/readyz` until `stop` is cancelled. Then no new connection is taken, calls in flight
/// are finished, and the sessions end.
///
/// # Errors
/// When serving itself failed.
pub async fn serve(
    server: Server,
    mut options: HttpOptions,
    serving: Serving,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), HttpError> {
    let sessions = CancellationToken::new();
    options.stop = sessions.clone();
    let app = router(&server, &options).merge(health(server.clone(), serving.disk, stop.clone()));
    let drain = async {
        let finished = async {
            server.finish_calls().await;
            // The answers of the last calls are still on their way out.
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        if tokio::time::timeout(SHUTDOWN_GRACE, finished).await.is_err() {
            tracing::warn!("calls were still running after {} s", SHUTDOWN_GRACE.as_secs());
        }
        // Streams that wait for notifications never end by themselves.
        sessions.cancel();
        tokio::time::sleep(STREAMS_GRACE).await;
    };
    let served = serve_and_drain(&serving.connections, app, listener, stop, drain).await;
    served.map_err(|error| HttpError::Serve(error.to_string()))
}

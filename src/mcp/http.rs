//! Decides who may speak the protocol over HTTP, and how much: token, host, origin, size, rate.
//!
//! It must never serve a request of a web page that was not allowed by name, nor hold a call that never ends.

mod gate;
mod rate;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::timeout::TimeoutLayer;

use super::Server;
use gate::Gate;
use rate::Rate;

/// The largest request.
pub const LARGEST_REQUEST: usize = 1_048_576;
/// The longest that a request may take until its answer begins, a slow sender's included.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);
/// How long calls in flight are waited for when the server ends.
const LONGEST_FAREWELL: Duration = Duration::from_secs(20);

/// What may reach the server.
#[derive(Debug, Clone)]
pub struct HttpOptions {
    /// The token that every request must carry; none: whoever reaches the address may call.
    pub token: Option<SecretString>,
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

/// Why the server cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// Nobody but this machine may be served without a token.
    #[error("{address} can be reached from other machines, and no token is set")]
    NoToken {
        /// Where it was to listen.
        address: SocketAddr,
    },
    /// The address cannot be listened at.
    #[error("{address} cannot be listened at: {reason}")]
    Bind {
        /// Where it was to listen.
        address: SocketAddr,
        /// What the system says.
        reason: String,
    },
    /// Serving itself failed.
    #[error("serving failed: {0}")]
    Fault(String),
}

impl HttpError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoToken { .. } => Some("set MCP_TOKEN in the environment or .env, or listen at 127.0.0.1".to_owned()),
            Self::Bind { .. } => {
                Some("end the program that uses the port, or name another address, such as 127.0.0.1:8002".to_owned())
            }
            Self::Fault(_) => None,
        }
    }
}

/// Checks that whoever can reach an address has to show a token.
///
/// # Errors
/// When the address is not this machine's own and there is no token.
pub fn check_exposure(address: SocketAddr, token: Option<&SecretString>) -> Result<(), HttpError> {
    if token.is_some() || is_local(address.ip()) { Ok(()) } else { Err(HttpError::NoToken { address }) }
}

/// Whether only this machine reaches an address.
pub fn is_local(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// The route `/mcp`, with everything that guards it. Serve it with the address of the peer
/// (`into_make_service_with_connect_info::<SocketAddr>`), which the rate limit goes by.
pub fn router(server: &Server, options: &HttpOptions) -> Router {
    let config = StreamableHttpServerConfig::default()
        .with_json_response(true)
        .with_max_request_body_bytes(LARGEST_REQUEST)
        .with_cancellation_token(options.stop.clone())
        // The gate checks both, for every request and with its own rules.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    let template = server.clone();
    let sessions = Arc::new(LocalSessionManager::default());
    let service = StreamableHttpService::new(move || Ok(template.session()), sessions, config);
    Router::new()
        .route_service("/mcp", service)
        .layer(axum::middleware::map_response(settled))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, LONGEST_REQUEST))
        .layer(axum::middleware::from_fn_with_state(Arc::new(Gate::new(options)), gate::check))
        .layer(axum::middleware::from_fn_with_state(Arc::new(Rate::new(options.requests_per_second)), rate::check))
}

/// A session that was ended is gone, not merely about to be: some clients take 202 for a failure.
async fn settled(method: Method, response: Response) -> Response {
    if method == Method::DELETE && response.status() == StatusCode::ACCEPTED {
        return StatusCode::NO_CONTENT.into_response();
    }
    response
}

/// The routes `/healthz` (the process answers) and `/readyz` (it can serve calls).
pub fn health(server: Server, stop: CancellationToken) -> Router {
    Router::new().route("/healthz", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state((server, stop))
}

async fn ready(State((server, stop)): State<(Server, CancellationToken)>) -> (StatusCode, &'static str) {
    if stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "ending\n");
    }
    if !server.is_ready().await {
        return (StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read\n");
    }
    (StatusCode::OK, "ready\n")
}

/// Listens at an address.
///
/// # Errors
/// When it cannot be listened at.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, HttpError> {
    TcpListener::bind(address).await.map_err(|error| HttpError::Bind { address, reason: error.to_string() })
}

/// Serves `/mcp`, `/healthz` and `/readyz` until `stop` is cancelled. Then no new connection is taken, calls in flight
/// are finished, and the sessions end.
///
/// # Errors
/// When serving itself failed.
pub async fn serve(
    server: Server,
    mut options: HttpOptions,
    listener: TcpListener,
    stop: CancellationToken,
) -> Result<(), HttpError> {
    let sessions = CancellationToken::new();
    options.stop = sessions.clone();
    let app = router(&server, &options).merge(health(server.clone(), stop.clone()));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // Answers are small: they must not wait for more to send.
        let _ = stream.set_nodelay(true);
    });
    let ended = stop.clone();
    let serving = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(async move { ended.cancelled().await });
    let farewell = async {
        stop.cancelled().await;
        let finished = async {
            server.finish_calls().await;
            // The answers of the last calls are still on their way out.
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        if tokio::time::timeout(LONGEST_FAREWELL, finished).await.is_err() {
            tracing::warn!("calls were still running after {} s", LONGEST_FAREWELL.as_secs());
        }
        // Streams that wait for news never end by themselves.
        sessions.cancel();
        tokio::time::sleep(Duration::from_secs(5)).await;
    };
    tokio::select! {
        served = serving.into_future() => served.map_err(|error| HttpError::Fault(error.to_string())),
        () = farewell => Ok(()),
    }
}

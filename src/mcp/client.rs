//! Decides how tools of another server are reached: one connection that is kept, and made anew when it breaks.
//!
//! It must never send a call twice that may have changed something, nor wait for an answer without end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    Implementation, ProtocolVersion, ServerResult, Tool,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, Peer, PeerRequestOptions, RoleClient,
    RunningService, ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::child_process::TokioChildProcess;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::domain::words::excerpt;
use crate::net::{self, innermost};
use crate::tools::{RemoteError, RemoteTools};

/// How long a call may take.
pub const LONGEST_CALL: Duration = Duration::from_secs(30);
/// How long connecting may take, all attempts together.
const LONGEST_CONNECT: Duration = Duration::from_secs(15);

/// Where another server is.
#[derive(Debug, Clone)]
pub enum Target {
    /// At an address.
    Http {
        /// `http://…/mcp` or `https://…`.
        url: String,
        /// The token it wants.
        token: Option<SecretString>,
    },
    /// A program that is started and spoken to over its standard input and output.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

impl Target {
    /// Reads `http://…`, `https://…` or a command line; words with spaces stand in quotes.
    ///
    /// # Errors
    /// One sentence that says what is wrong with it.
    pub fn parse(text: &str, token: Option<SecretString>) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with("http://") || text.starts_with("https://") {
            return match text.parse::<axum::http::Uri>() {
                Ok(uri) if uri.host().is_some() => Ok(Self::Http { url: text.to_owned(), token }),
                _ => Err(format!("“{}” is no address such as http://127.0.0.1:8001/mcp", excerpt(text, 100))),
            };
        }
        let mut words = split(text).ok_or_else(|| format!("a quote in “{}” is not closed", excerpt(text, 100)))?;
        if words.is_empty() {
            return Err("it is empty; name http://HOST:8001/mcp or a command such as \"ecomres mcp\"".to_owned());
        }
        let program = words.remove(0);
        Ok(Self::Command { program, arguments: words })
    }

    /// The server as it may be named in messages: no path, no arguments, which can hold secrets.
    fn shown(&self) -> String {
        match self {
            Self::Http { url, .. } => {
                let hosts = url.split_once("://").map_or("", |(_, rest)| rest).split(['/', '?']).next().unwrap_or("");
                hosts.rsplit('@').next().unwrap_or_default().to_owned()
            }
            Self::Command { program, .. } => program.clone(),
        }
    }
}

/// Splits a command line at spaces outside of quotes; `None` where a quote is not closed.
fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let (mut word, mut begun, mut quote) = (String::new(), false, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.push(c),
            None if c == '"' || c == '\'' => (quote, begun) = (Some(c), true),
            None if c.is_whitespace() => {
                if begun {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            None => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

type Connection = RunningService<RoleClient, ClientConfig>;

/// A client of one server. Calls run side by side over its one connection.
pub struct Client {
    target: Target,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Client {
    /// A client that connects when it is first used.
    pub fn new(target: Target) -> Self {
        Self { target, connection: Mutex::default() }
    }

    /// Connects now, so that a wrong address shows before the first customer writes.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(&self) -> Result<(), RemoteError> {
        self.connected().await.map(drop)
    }

    /// The tools the server has.
    ///
    /// # Errors
    /// When it cannot be reached or does not tell.
    pub async fn tools(&self) -> Result<Vec<Tool>, RemoteError> {
        let connection = self.connected().await?;
        let listed = tokio::time::timeout(LONGEST_CALL, connection.peer().list_all_tools()).await;
        match listed {
            Ok(Ok(tools)) => Ok(tools),
            Ok(Err(error)) => Err(self.unreachable(error.to_string())),
            Err(_) => Err(self.unreachable("its tools could not be listed in time".to_owned())),
        }
    }

    fn unreachable(&self, reason: String) -> RemoteError {
        RemoteError::Unreachable { server: self.target.shown(), reason: excerpt(&reason, 300) }
    }

    /// The connection; where there is none, it is made, with growing pauses between the attempts.
    async fn connected(&self) -> Result<Arc<Connection>, RemoteError> {
        let mut kept = self.connection.lock().await;
        if let Some(connection) = kept.as_ref().filter(|kept| !kept.is_closed() && !kept.peer().is_transport_closed()) {
            return Ok(Arc::clone(connection));
        }
        *kept = None;
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(6)
            .with_jitter();
        let attempts = (|| open(&self.target)).retry(pauses).when(|error| error.again).notify(|error, pause| {
            tracing::warn!(server = %self.target.shown(), reason = %error.reason, ?pause, "connecting again");
        });
        let connection = match tokio::time::timeout(LONGEST_CONNECT, attempts).await {
            Ok(Ok(connection)) => Arc::new(connection),
            Ok(Err(error)) => return Err(self.unreachable(error.reason)),
            Err(_) => return Err(self.unreachable("it could not be connected to in time".to_owned())),
        };
        *kept = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Forgets a connection that broke; the next call makes another.
    async fn drop_broken(&self, broken: &Arc<Connection>) {
        let mut kept = self.connection.lock().await;
        if kept.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, broken)) {
            *kept = None;
        }
    }
}

/// Why an attempt to connect failed, and whether another may do better.
struct Refused {
    reason: String,
    again: bool,
}

async fn open(target: &Target) -> Result<Connection, Refused> {
    let about = Implementation::new("ecomres", env!("CARGO_PKG_VERSION"));
    let client = ClientConfig::new(ClientCapabilities::default(), about);
    let lifecycle =
        ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::V_2026_07_28], legacy_version: None };
    let opened = match target {
        Target::Http { url, token } => {
            let http = net::client(Duration::from_secs(5), None)
                .map_err(|error| Refused { reason: error.to_string(), again: false })?;
            let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                .max_concurrent_requests(64)
                .reinit_on_expired_session(true);
            if let Some(token) = token {
                config = config.auth_header(token.expose_secret());
            }
            client.serve_with_lifecycle(StreamableHttpClientTransport::with_client(http, config), lifecycle).await
        }
        Target::Command { program, arguments } => {
            let mut command = Command::new(program);
            command.args(arguments);
            let child = TokioChildProcess::new(command)
                .map_err(|error| Refused { reason: format!("it cannot be started: {error}"), again: false })?;
            client.serve_with_lifecycle(child, lifecycle).await
        }
    };
    opened.map_err(|error| Refused {
        // A server that wants another token, or is none at all, stays so.
        again: !error.is_authorization_required()
            && matches!(
                error,
                ClientInitializeError::TransportError { .. } | ClientInitializeError::ConnectionClosed(_)
            ),
        reason: innermost(&error),
    })
}

async fn ask(peer: &Peer<RoleClient>, name: &str, arguments: Value) -> Result<CallToolResult, ServiceError> {
    let mut call = CallToolRequestParams::new(name.to_owned());
    call.arguments = arguments.as_object().cloned();
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(call));
    let sent = peer.send_request_with_option(request, PeerRequestOptions::with_timeout(LONGEST_CALL)).await?;
    match sent.await_response().await? {
        ServerResult::CallToolResult(result) => Ok(result),
        _ => Err(ServiceError::UnexpectedResponse),
    }
}

#[async_trait]
impl RemoteTools for Client {
    async fn call(&self, name: &str, arguments: Value, again: bool) -> Result<Value, RemoteError> {
        for attempt in 0.. {
            let connection = self.connected().await?;
            let error = match ask(connection.peer(), name, arguments.clone()).await {
                Ok(result) => return answer(result),
                Err(error) => error,
            };
            let broken = matches!(error, ServiceError::TransportClosed | ServiceError::TransportSend(_));
            if broken {
                self.drop_broken(&connection).await;
            }
            // What was sent may have been done: only a call that changes nothing is sent once more.
            if !(broken && again && attempt == 0) {
                return Err(match error {
                    ServiceError::McpError(error) => RemoteError::Refused(excerpt(&error.message, 300)),
                    ServiceError::Timeout { .. } => {
                        self.unreachable(format!("no answer within {} s", LONGEST_CALL.as_secs()))
                    }
                    other => self.unreachable(innermost(&other)),
                });
            }
        }
        Err(self.unreachable("no answer".to_owned()))
    }
}

/// The JSON of an answer: the structured one, else its text.
fn answer(result: CallToolResult) -> Result<Value, RemoteError> {
    let texts = result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str());
    let text = texts.collect::<Vec<_>>().join("\n");
    let read = || serde_json::from_str::<Value>(&text).ok().filter(Value::is_object);
    if result.is_error == Some(true) {
        let told = read().and_then(|value| value["error"].as_str().map(str::to_owned));
        return Err(RemoteError::Refused(excerpt(&told.unwrap_or(text), 500)));
    }
    let value = result.structured_content.filter(Value::is_object).or_else(read);
    Ok(value.unwrap_or_else(|| json!({"text": excerpt(&text, 20_000)})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_addresses_or_commands() {
        let parse = |text: &str| Target::parse(text, None);
        assert!(matches!(parse("http://127.0.0.1:8001/mcp"), Ok(Target::Http { .. })));
        let Ok(Target::Command { program, arguments }) = parse(" 'my ecomres' mcp --store \"a b.db\" ") else {
            panic!()
        };
        assert_eq!(
            (program.as_str(), arguments),
            ("my ecomres", vec!["mcp".into(), "--store".into(), "a b.db".into()])
        );
        for (wrong, told) in [("", "empty"), ("http://", "no address"), ("ecomres 'mcp", "not closed")] {
            assert!(parse(wrong).unwrap_err().contains(told), "{wrong}");
        }
    }

    #[test]
    fn a_server_is_named_without_its_secrets() {
        let target = Target::parse("https://user:pass@tools.example.com:8443/mcp?key=x", None).unwrap();
        assert_eq!(target.shown(), "tools.example.com:8443");
    }
}

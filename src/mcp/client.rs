//! A client of another server: one connection, which is opened again when it breaks.
//!
//! A call that may have changed something is never sent twice, and no answer is waited for without a limit.

mod probing;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, ClientRequest,
    CustomResult, Implementation, ListToolsRequest, PaginatedRequestParams, ProtocolVersion, ServerResult, Tool,
};
use rmcp::service::{
    ClientInitializeError, ClientLifecycleMode, ClientServiceExt as _, Peer, PeerRequestOptions, RoleClient,
    RunningService, ServiceError,
};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::child_process::TokioChildProcess;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::sync::Mutex;

use crate::domain::words::excerpt;
use crate::net::{self, innermost};
use crate::tools::{RemoteError, RemoteTools};
use probing::Probing;

/// How long a call may take.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);
/// How long connecting to an address may take, with all attempts.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Pages of a list of tools that are read.
const MAX_PAGES: usize = 100;
/// How long a program may take to start, unless it is said otherwise.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// The address or command of another server.
#[derive(Debug, Clone)]
pub enum Target {
    /// At an address.
    Http {
        /// `http://…/mcp` or `https://…`.
        url: String,
        /// The bearer token that it needs.
        token: Option<SecretString>,
    },
    /// A program that is started, with the protocol on its standard input and output.
    Command {
        /// The program.
        program: String,
        /// Its arguments.
        arguments: Vec<String>,
    },
}

impl Target {
    /// Parses `http://…`, `https://…` or a command line; words with spaces are quoted.
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

    /// The server as it may be named in messages: without path and arguments, which can hold secrets.
    fn display_name(&self) -> String {
        match self {
            Self::Http { url, .. } => crate::domain::address::hosts(url).to_owned(),
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
    connect: Duration,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Client {
    /// A client that connects when it is first used.
    pub fn new(target: Target) -> Self {
        let connect = match target {
            Target::Http { .. } => CONNECT_TIMEOUT,
            Target::Command { .. } => START_TIMEOUT,
        };
        Self { target, connect, connection: Mutex::default() }
    }

    /// The same with another time that a program may take until it answers. An address has 15 s at most.
    #[must_use]
    pub fn with_start_time(mut self, start: Duration) -> Self {
        self.connect = match self.target {
            Target::Http { .. } => start.min(CONNECT_TIMEOUT),
            Target::Command { .. } => start,
        };
        self
    }

    /// The server as it may be named in messages.
    pub fn server(&self) -> String {
        self.target.display_name()
    }

    /// Connects now, and sees that the server has these tools.
    ///
    /// # Errors
    /// When it cannot be reached, or lacks one.
    pub async fn require(&self, names: &[&str]) -> Result<(), RemoteError> {
        let tools = self.tools().await?;
        let missing: Vec<&str> =
            names.iter().copied().filter(|name| tools.iter().all(|tool| tool.name.as_ref() != *name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(RemoteError::Missing { server: self.server(), tools: missing.join(", ") })
    }

    /// Connects now, so that a wrong address is reported before the first customer writes.
    ///
    /// # Errors
    /// When the server cannot be reached.
    pub async fn connect(&self) -> Result<(), RemoteError> {
        self.connected().await.map(drop)
    }

    /// The tools the server has.
    ///
    /// # Errors
    /// When it cannot be reached or does not list them.
    pub async fn tools(&self) -> Result<Vec<Tool>, RemoteError> {
        let connection = self.connected().await?;
        let listed = tokio::time::timeout(CALL_TIMEOUT, list_tools(connection.peer())).await;
        match listed {
            Ok(Ok(tools)) => Ok(tools),
            Ok(Err(error)) => Err(self.unreachable(&error.to_string())),
            Err(_) => Err(self.unreachable("its tools could not be listed in time")),
        }
    }

    fn unreachable(&self, reason: &str) -> RemoteError {
        RemoteError::Unreachable { server: self.target.display_name(), reason: excerpt(reason, 300) }
    }

    /// The connection; where there is none, it is opened, with growing pauses between the attempts.
    async fn connected(&self) -> Result<Arc<Connection>, RemoteError> {
        let mut current = self.connection.lock().await;
        if let Some(connection) =
            current.as_ref().filter(|current| !current.is_closed() && !current.peer().is_transport_closed())
        {
            return Ok(Arc::clone(connection));
        }
        *current = None;
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(6)
            .with_jitter();
        let mut said = false;
        let attempts = (|| open(&self.target)).retry(pauses).when(|error| error.retry).notify(|error, pause| {
            if said {
                tracing::debug!(server = %self.target.display_name(), reason = %error.reason, ?pause, "connecting again");
            } else {
                tracing::warn!(server = %self.target.display_name(), reason = %error.reason, "connecting again");
                said = true;
            }
        });
        let connection = match tokio::time::timeout(self.connect, attempts).await {
            Ok(Ok(connection)) => Arc::new(connection),
            Ok(Err(error)) => return Err(self.unreachable(&error.reason)),
            Err(_) => {
                let waited = self.connect.as_secs();
                return Err(self.unreachable(&format!("it gave no answer within {waited} s")));
            }
        };
        *current = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Drops a broken connection; the next call opens another.
    async fn drop_broken(&self, broken: &Arc<Connection>) {
        let mut current = self.connection.lock().await;
        if current.as_ref().is_some_and(|current| Arc::ptr_eq(current, broken)) {
            *current = None;
        }
    }
}

/// Why an attempt to connect failed, and what else makes sense.
struct ConnectError {
    reason: String,
    /// Another attempt.
    retry: bool,
    /// The handshake of older servers.
    older: bool,
}

impl ConnectError {
    fn final_one(reason: String) -> Self {
        Self { reason, retry: false, older: false }
    }
}

/// Connects; where a server does not bear to be asked for its revision, as the servers of before.
async fn open(target: &Target) -> Result<Connection, ConnectError> {
    let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
    let lifecycle = ClientLifecycleMode::Auto { preferred_versions, legacy_version: None };
    match open_as(target, lifecycle).await {
        Err(first) if first.older => match open_as(target, ClientLifecycleMode::Initialize).await {
            Err(second) => Err(ConnectError { reason: first.reason, ..second }),
            opened => opened,
        },
        opened => opened,
    }
}

async fn open_as(target: &Target, lifecycle: ClientLifecycleMode) -> Result<Connection, ConnectError> {
    let about = Implementation::new("ecomres", env!("CARGO_PKG_VERSION"));
    let client = ClientConfig::new(ClientCapabilities::default(), about);
    let opened = match target {
        Target::Http { url, token } => {
            let http = net::client(Duration::from_secs(5), None)
                .map_err(|error| ConnectError::final_one(error.to_string()))?;
            let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                .max_concurrent_requests(64)
                .reinit_on_expired_session(true);
            if let Some(token) = token {
                config = config.auth_header(token.expose_secret());
            }
            let transport = StreamableHttpClientTransport::with_client(http, config);
            client.serve_with_lifecycle(Probing::new(transport), lifecycle).await
        }
        Target::Command { program, arguments } => {
            let mut command = Command::new(program);
            command.args(arguments);
            let child = TokioChildProcess::new(command)
                .map_err(|error| ConnectError::final_one(format!("it cannot be started: {error}")))?;
            client.serve_with_lifecycle(Probing::new(child), lifecycle).await
        }
    };
    opened.map_err(|error| {
        // Another attempt does not help against a wrong token, or where there is no MCP server.
        let permitted = !error.is_authorization_required();
        let broken =
            matches!(error, ClientInitializeError::TransportError { .. } | ClientInitializeError::ConnectionClosed(_));
        ConnectError { retry: permitted && broken, older: permitted, reason: cause(&error) }
    })
}

/// Why no session began, without the names of this program's types.
fn cause(error: &ClientInitializeError) -> String {
    match error {
        // It does not name its error as the source.
        ClientInitializeError::TransportError { error, .. } => {
            match error.error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
                Some(StreamableHttpError::Client(error)) => innermost(error),
                _ => innermost(error.error.as_ref()),
            }
        }
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => cause(fallback),
        ClientInitializeError::JsonRpcError(error) => format!("it refuses: {}", error.message),
        ClientInitializeError::ConnectionClosed(_) => "it closed the connection before it answered".to_owned(),
        ClientInitializeError::ExpectedInitResponse(_) | ClientInitializeError::ExpectedInitResult(_) => {
            "what it answers is not of the protocol".to_owned()
        }
        other => innermost(other),
    }
}

async fn call_tool(peer: &Peer<RoleClient>, name: &str, arguments: Value) -> Result<CallToolResult, ServiceError> {
    let mut call = CallToolRequestParams::new(name.to_owned());
    call.arguments = arguments.as_object().cloned();
    let request = ClientRequest::CallToolRequest(CallToolRequest::new(call));
    let sent = peer.send_request_with_option(request, PeerRequestOptions::with_timeout(CALL_TIMEOUT)).await?;
    match sent.await_response().await? {
        ServerResult::CallToolResult(result) => Ok(result),
        ServerResult::CustomResult(CustomResult(mut value)) => {
            drop_nulls(&mut value);
            serde_json::from_value(value).map_err(|_| ServiceError::UnexpectedResponse)
        }
        _ => Err(ServiceError::UnexpectedResponse),
    }
}

/// All tools of a server, page by page. A tool that is described too oddly to be called is passed over.
async fn list_tools(peer: &Peer<RoleClient>) -> Result<Vec<Tool>, ServiceError> {
    let (mut tools, mut cursor) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let page = PaginatedRequestParams::default().with_cursor(cursor);
        let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(page));
        let sent = peer.send_request_with_option(request, PeerRequestOptions::with_timeout(CALL_TIMEOUT)).await?;
        cursor = match sent.await_response().await? {
            ServerResult::ListToolsResult(page) => {
                tools.extend(page.tools);
                page.next_cursor
            }
            // Some servers write null for what they leave out, or leave out the schema of a tool without arguments.
            ServerResult::CustomResult(CustomResult(mut page)) if page["tools"].is_array() => {
                for tool in page["tools"].as_array_mut().into_iter().flatten() {
                    drop_nulls(tool);
                    if tool.is_object() && !tool["inputSchema"].is_object() {
                        tool["inputSchema"] = json!({"type": "object"});
                    }
                    match serde_json::from_value(tool.take()) {
                        Ok(tool) => tools.push(tool),
                        Err(error) => tracing::warn!(%error, "a tool of another server cannot be read"),
                    }
                }
                page["nextCursor"].as_str().map(str::to_owned)
            }
            _ => return Err(ServiceError::UnexpectedResponse),
        };
        if cursor.is_none() {
            break;
        }
    }
    Ok(tools)
}

/// Takes out what is null: it was left out.
fn drop_nulls(value: &mut Value) {
    if let Some(map) = value.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
}

#[async_trait]
impl RemoteTools for Client {
    async fn call(&self, name: &str, arguments: Value, repeatable: bool) -> Result<Value, RemoteError> {
        for attempt in 0.. {
            let connection = self.connected().await?;
            let error = match call_tool(connection.peer(), name, arguments.clone()).await {
                Ok(result) => return answer(result),
                Err(error) => error,
            };
            let broken = matches!(error, ServiceError::TransportClosed | ServiceError::TransportSend(_));
            if broken {
                self.drop_broken(&connection).await;
            }
            // What was sent may have been executed: only a call that may be repeated is sent once more.
            if !(broken && repeatable && attempt == 0) {
                return Err(match error {
                    ServiceError::McpError(error) => RemoteError::Refused(excerpt(&error.message, 300)),
                    ServiceError::Timeout { .. } => {
                        self.unreachable(&format!("no answer within {} s", CALL_TIMEOUT.as_secs()))
                    }
                    other => self.unreachable(&innermost(&other)),
                });
            }
        }
        Err(self.unreachable("no answer"))
    }
}

/// The JSON of an answer: the structured content, else the JSON in its text, else its text as `{"text": …}`.
fn answer(result: CallToolResult) -> Result<Value, RemoteError> {
    let texts = result.content.iter().filter_map(|block| block.as_text()).map(|text| text.text.as_str());
    let text = texts.collect::<Vec<_>>().join("\n");
    let read = || serde_json::from_str::<Value>(&text).ok().filter(Value::is_object);
    if result.is_error == Some(true) {
        let message = read().and_then(|value| value["error"].as_str().map(str::to_owned));
        return Err(RemoteError::Refused(excerpt(&message.unwrap_or(text), 500)));
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
        for (wrong, part) in [("", "empty"), ("http://", "no address"), ("ecomres 'mcp", "not closed")] {
            assert!(parse(wrong).unwrap_err().contains(part), "{wrong}");
        }
    }

    #[test]
    fn a_server_is_named_without_its_secrets() {
        let target = Target::parse("https://user:pass@tools.example.com:8443/mcp?key=x", None).unwrap();
        assert_eq!(target.display_name(), "tools.example.com:8443");
    }
}

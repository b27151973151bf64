//! Decides how the protocol runs over standard input and output: when it starts, and when it ends.
//!
//! It must never end because of what a client sends, nor outlive the client: end of input, a signal and a closed pipe
//! all end it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use rmcp::ServiceExt as _;
use rmcp::model::{ClientJsonRpcMessage, JsonRpcMessage};
use rmcp::service::{RoleServer, RxJsonRpcMessage, ServerInitializeError, TxJsonRpcMessage};
use rmcp::transport::Transport;
use rmcp::transport::async_rw::AsyncRwTransport;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::Server;

/// The longest line that is read: a call with the largest arguments fits several times.
pub const LONGEST_LINE: usize = 1_048_576;

/// Why serving ended with an error.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The client asked for a version of the protocol that is not spoken here.
    #[error("the client could not be served: {0}")]
    Refused(String),
    /// The task that serves failed.
    #[error("serving failed: {0}")]
    Fault(String),
}

impl StdioError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(_) => Some("use a client that speaks MCP 2024-11-05 or newer".to_owned()),
            Self::Fault(_) => None,
        }
    }
}

/// Serves one client until its input ends, the pipe to it breaks, or `stop` is cancelled; calls in flight are finished.
///
/// # Errors
/// When no version of the protocol could be agreed on, or serving itself failed.
pub async fn serve<R, W>(server: Server, input: R, output: W, stop: CancellationToken) -> Result<(), StdioError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let output = Watched { inner: output, stop: stop.clone() };
    let transport = AsyncRwTransport::new_server(input, output).with_max_line_length(LONGEST_LINE);
    let transport = Patient { inner: transport, begun: false };
    let running = match server.clone().serve_with_ct(transport, stop.clone()).await {
        Ok(running) => running,
        Err(ServerInitializeError::InitializeFailed(error)) => return Err(StdioError::Refused(error.message.into())),
        // The client went away before it began.
        Err(error) => {
            tracing::debug!(%error, "no session");
            return Ok(());
        }
    };
    let ended = running.waiting().await;
    server.finish_calls().await;
    ended.map(drop).map_err(|error| StdioError::Fault(error.to_string()))
}

/// A transport that passes over whatever comes before the first request: nothing can be meant by it.
struct Patient<T> {
    inner: T,
    begun: bool,
}

impl<T: Transport<RoleServer>> Transport<RoleServer> for Patient<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        loop {
            let message: ClientJsonRpcMessage = self.inner.receive().await?;
            self.begun |= matches!(message, JsonRpcMessage::Request(_));
            if self.begun {
                return Some(message);
            }
            tracing::debug!("a message before the first request is passed over");
        }
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        self.inner.close().await
    }
}

/// A writer that ends the session as soon as nobody reads any more.
struct Watched<W> {
    inner: W,
    stop: CancellationToken,
}

impl<W> Watched<W> {
    fn seen<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.stop.cancel();
        }
        outcome
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for Watched<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.seen(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        self.seen(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

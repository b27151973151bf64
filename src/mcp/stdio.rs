//! The protocol over standard input and output. End of input, a signal and a closed pipe end it; what a client sends never
//! does, before `initialize` or after it. Every request with an id gets an answer.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use rmcp::ServiceExt as _;
use rmcp::model::{
    ClientJsonRpcMessage, ClientRequest, GetMeta as _, JsonRpcMessage, ProtocolVersion, RequestId, ServerResult,
};
use rmcp::service::{RoleServer, RxJsonRpcMessage, ServerInitializeError, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::Server;
use super::manners::{self, INVALID_REQUEST, PARSE_ERROR, Refusal};

/// The longest line that is read, in bytes: a call with the largest arguments fits several times.
pub const LONGEST_LINE: usize = 1_048_576;
/// How much of a longer line is kept to find its id.
const KEPT_OF_LONG_LINE: usize = 65_536;
/// Messages that wait to be taken up.
const WAITING: usize = 8;

/// Errors of the server.
#[derive(Debug, thiserror::Error)]
pub enum StdioError {
    /// The client asked for a version of the protocol that is not spoken here.
    #[error("the client could not be served: {0}")]
    Refused(String),
    /// The task that serves failed.
    #[error("serving failed: {0}")]
    Serve(String),
}

impl StdioError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused(_) => Some("use a client that speaks MCP 2024-11-05 or newer".to_owned()),
            Self::Serve(_) => None,
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
    let output = StopOnError { inner: output, stop: stop.clone() };
    let running = match server.clone().serve_with_ct(Frames::new(input, output), stop.clone()).await {
        Ok(running) => running,
        Err(ServerInitializeError::InitializeFailed(error)) => return Err(StdioError::Refused(error.message.into())),
        // The client disconnected before it began.
        Err(error) => {
            tracing::debug!(%error, "no session");
            return Ok(());
        }
    };
    let ended = running.waiting().await;
    server.finish_calls().await;
    ended.map(drop).map_err(|error| StdioError::Serve(error.to_string()))
}

/// The messages of a client, put right; what is wrong is answered here.
struct Frames<W> {
    messages: mpsc::Receiver<ClientJsonRpcMessage>,
    output: Arc<Output<W>>,
    reader: JoinHandle<()>,
}

impl<W: AsyncWrite + Send + Unpin + 'static> Frames<W> {
    fn new(input: impl AsyncRead + Send + Unpin + 'static, output: W) -> Self {
        let (sender, messages) = mpsc::channel(WAITING);
        let output = Arc::new(Output {
            writer: tokio::sync::Mutex::new(Some(output)),
            batches: Mutex::default(),
            revision: Mutex::default(),
            asked: Mutex::default(),
            open: AtomicBool::new(false),
        });
        let reader = tokio::spawn(read_lines(BufReader::new(input), Arc::clone(&output), sender));
        Self { messages, output, reader }
    }
}

impl<W> Drop for Frames<W> {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

impl<W: AsyncWrite + Send + Unpin + 'static> Transport<RoleServer> for Frames<W> {
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleServer>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        let output = Arc::clone(&self.output);
        async move { output.send(&item).await }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleServer>> {
        self.messages.recv().await
    }

    async fn close(&mut self) -> Result<(), Self::Error> {
        match self.output.writer.lock().await.take() {
            Some(mut writer) => writer.shutdown().await,
            None => Ok(()),
        }
    }
}

/// What the client reads, and what is known of the session.
struct Output<W> {
    writer: tokio::sync::Mutex<Option<W>>,
    batches: Mutex<Vec<Batch>>,
    /// The revision that `initialize` agreed on.
    revision: Mutex<Option<String>>,
    /// The revision that `initialize` asked for: messages may come before it is answered.
    asked: Mutex<Option<String>>,
    /// Whether the session has begun: before that, a message that is no request would end it.
    open: AtomicBool,
}

/// Requests that came together and are answered together.
struct Batch {
    pending: Vec<Value>,
    answers: Vec<Value>,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    async fn send(&self, item: &TxJsonRpcMessage<RoleServer>) -> io::Result<()> {
        if let JsonRpcMessage::Response(response) = item
            && let ServerResult::InitializeResult(result) = &response.result
        {
            let revision = result.protocol_version.as_str().to_owned();
            // A second `initialize` is answered and changes nothing.
            self.revision.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(revision);
        }
        let id = match item {
            JsonRpcMessage::Response(response) => Some(response.id.clone()),
            JsonRpcMessage::Error(error) => error.id.clone(),
            _ => None,
        };
        match id.map(RequestId::into_json_value).filter(|id| self.is_batched(id)) {
            Some(id) => match self.complete(&id, serde_json::to_value(item)?) {
                Some(answers) => self.write(&serde_json::to_vec(&answers)?).await,
                None => Ok(()),
            },
            None => self.write(&serde_json::to_vec(item)?).await,
        }
    }

    fn is_batched(&self, id: &Value) -> bool {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.iter().any(|batch| batch.pending.contains(id))
    }

    /// Adds an answer to its batch; gives all of them where it was the last.
    fn complete(&self, id: &Value, answer: Value) -> Option<Vec<Value>> {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let at = batches.iter().position(|batch| batch.pending.contains(id))?;
        batches[at].pending.retain(|pending| pending != id);
        batches[at].answers.push(answer);
        batches[at].pending.is_empty().then(|| batches.swap_remove(at).answers)
    }

    async fn refuse(&self, refusal: &Refusal) -> io::Result<()> {
        self.write(&serde_json::to_vec(&refusal.to_json())?).await
    }

    async fn write(&self, line: &[u8]) -> io::Result<()> {
        let mut writer = self.writer.lock().await;
        let Some(writer) = writer.as_mut() else {
            return Err(io::Error::new(io::ErrorKind::NotConnected, "the output is closed"));
        };
        writer.write_all(line).await?;
        writer.write_all(b"\n").await?;
        writer.flush().await
    }

    /// The messages of a frame to serve; what else there is to say to it is written.
    async fn take(&self, frame: &[u8]) -> io::Result<Vec<ClientJsonRpcMessage>> {
        let frame = frame.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(frame).trim_ascii();
        if frame.is_empty() {
            return Ok(Vec::new());
        }
        let message = match serde_json::from_slice::<Value>(frame) {
            Ok(Value::Array(list)) => return self.take_batch(list).await,
            Ok(message) => message,
            // What does not even look like a message may be anything, such as a line of a log: two programs that
            // answered each other's would never end.
            Err(_) if !frame.starts_with(b"{") && !frame.starts_with(b"[") => return Ok(Vec::new()),
            Err(error) => {
                let why = format!("it is no JSON: {error}");
                self.refuse(&Refusal::new(manners::id_at_start(frame), PARSE_ERROR, why)).await?;
                return Ok(Vec::new());
            }
        };
        self.forget_cancelled(&message).await?;
        match manners::tidy(message).and_then(manners::read) {
            Ok(message) => Ok(self.admit(message).await?.into_iter().collect()),
            Err(refusal) => {
                if let Some(refusal) = refusal {
                    self.refuse(&refusal).await?;
                }
                Ok(Vec::new())
            }
        }
    }

    async fn take_batch(&self, list: Vec<Value>) -> io::Result<Vec<ClientJsonRpcMessage>> {
        let known = |revision: &Mutex<Option<String>>| revision.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let revision = known(&self.revision).or_else(|| known(&self.asked));
        let refusal = if self.open.load(Ordering::Acquire) {
            // A session that began without `initialize` has the revision that has none.
            manners::refuse_batch(&list, Some(revision.as_deref().unwrap_or("2026-07-28")))
        } else {
            Some(Refusal::new(
                Value::Null,
                INVALID_REQUEST,
                "a batch before initialize: send initialize alone and first",
            ))
        };
        if let Some(refusal) = refusal {
            for refusal in manners::for_each_id(&list, &refusal) {
                self.refuse(&refusal).await?;
            }
            return Ok(Vec::new());
        }
        let mut batch = Batch { pending: Vec::new(), answers: Vec::new() };
        let mut messages = Vec::new();
        for message in list {
            self.forget_cancelled(&message).await?;
            let id = message.get("id").cloned();
            match manners::tidy(message).and_then(manners::read) {
                Ok(message) => {
                    if matches!(message, JsonRpcMessage::Request(_)) {
                        batch.pending.extend(id);
                    }
                    messages.extend(self.admit(message).await?);
                }
                Err(refusal) => batch.answers.extend(refusal.map(|refusal| refusal.to_json())),
            }
        }
        if !batch.pending.is_empty() {
            self.batches.lock().unwrap_or_else(PoisonError::into_inner).push(batch);
        } else if !batch.answers.is_empty() {
            self.write(&serde_json::to_vec(&batch.answers)?).await?;
        }
        Ok(messages)
    }

    /// A request that is cancelled gets no answer: the others of its batch do not wait for it.
    async fn forget_cancelled(&self, message: &Value) -> io::Result<()> {
        if message["method"] != "notifications/cancelled" {
            return Ok(());
        }
        let id = &message["params"]["requestId"];
        let answers = {
            let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
            let at = batches.iter().position(|batch| batch.pending.contains(id));
            at.and_then(|at| {
                batches[at].pending.retain(|pending| pending != id);
                batches[at].pending.is_empty().then(|| batches.swap_remove(at).answers)
            })
        };
        match answers.filter(|answers| !answers.is_empty()) {
            Some(answers) => self.write(&serde_json::to_vec(&answers)?).await,
            None => Ok(()),
        }
    }

    /// Whether a message is passed on: before the session has begun, only requests are that may begin it.
    async fn admit(&self, message: ClientJsonRpcMessage) -> io::Result<Option<ClientJsonRpcMessage>> {
        if let JsonRpcMessage::Request(request) = &message {
            let begins = match &request.request {
                ClientRequest::InitializeRequest(initialize) => {
                    let revision = initialize.params.protocol_version.as_str().to_owned();
                    self.asked.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(revision);
                    true
                }
                ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
                other => {
                    let meta = other.get_meta();
                    if meta.protocol_version().is_none() && !self.open.load(Ordering::Acquire) {
                        let id = request.id.clone().into_json_value();
                        let why = "the session has not begun: send initialize first";
                        self.refuse(&Refusal::new(id, INVALID_REQUEST, why)).await?;
                        return Ok(None);
                    }
                    meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
                        && meta.protocol_version().is_some_and(|it| ProtocolVersion::KNOWN_VERSIONS.contains(&it))
                }
            };
            if begins {
                self.open.store(true, Ordering::Release);
            }
            return Ok(Some(message));
        }
        let open = self.open.load(Ordering::Acquire);
        if !open {
            tracing::debug!("a message before the first request is skipped");
        }
        Ok(open.then_some(message))
    }
}

/// Reads lines until the input ends or nobody takes its messages any more.
async fn read_lines<W: AsyncWrite + Unpin>(
    mut input: impl AsyncBufRead + Unpin,
    output: Arc<Output<W>>,
    messages: mpsc::Sender<ClientJsonRpcMessage>,
) {
    loop {
        let mut line = Vec::new();
        let taken = match read_line(&mut input, &mut line).await {
            Ok(Line::End) | Err(_) => return,
            Ok(Line::Whole) => output.take(&line).await,
            Ok(Line::TooLong) => {
                tracing::warn!(longest = LONGEST_LINE, "a message is too long and was not read");
                let why = format!("the message holds more than {LONGEST_LINE} bytes");
                let refusal = Refusal::new(manners::id_at_start(&line), INVALID_REQUEST, why);
                output.refuse(&refusal).await.map(|()| Vec::new())
            }
        };
        let Ok(taken) = taken else { return };
        for message in taken {
            if messages.send(message).await.is_err() {
                return;
            }
        }
    }
}

enum Line {
    Whole,
    /// Only its beginning was kept.
    TooLong,
    End,
}

async fn read_line(input: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<Line> {
    let mut length = 0;
    loop {
        let available = input.fill_buf().await?;
        if available.is_empty() {
            return Ok(if length == 0 {
                Line::End
            } else if length > LONGEST_LINE {
                Line::TooLong
            } else {
                Line::Whole
            });
        }
        let newline = available.iter().position(|byte| *byte == b'\n');
        let part = &available[..newline.unwrap_or(available.len())];
        length += part.len();
        if length <= LONGEST_LINE {
            line.extend_from_slice(part);
        } else if line.len() > KEPT_OF_LONG_LINE {
            line.truncate(KEPT_OF_LONG_LINE);
            line.shrink_to_fit();
        }
        let taken = part.len() + usize::from(newline.is_some());
        input.consume(taken);
        if newline.is_some() {
            return Ok(if length > LONGEST_LINE { Line::TooLong } else { Line::Whole });
        }
    }
}

/// A writer that ends the session with the first error: nobody reads any more.
struct StopOnError<W> {
    inner: W,
    stop: CancellationToken,
}

impl<W> StopOnError<W> {
    fn stop_on_error<T>(&self, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(outcome, Poll::Ready(Err(_))) {
            self.stop.cancel();
        }
        outcome
    }
}

impl<W: AsyncWrite + Unpin> AsyncWrite for StopOnError<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.stop_on_error(outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        self.stop_on_error(outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

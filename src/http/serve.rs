//! Listening at an address, and serving there until a token is cancelled.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::{Request, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::client::Ends;
use super::connections::{Connection, Connections, Listed, Phase};
use super::traffic::{Outgoing, Received, Watched};

/// Connections that the system keeps until they are taken: one that finds no place there comes again a second later.
const WAITING: u32 = 4_096;
/// How often it is looked for connections whose time is up.
const SWEEP: Duration = Duration::from_secs(1);
/// How long nothing is accepted after the system refused a connection, and after what time it is said again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
const WARN_AGAIN: Duration = Duration::from_mins(1);
/// The largest head of a request, and what is held of an answer that is not taken, in bytes.
const MOST_BUFFERED: usize = 32 * 1_024;

/// An address that cannot be listened at.
#[derive(Debug, thiserror::Error)]
#[error("{address} cannot be listened at: {reason}")]
pub struct ListenError {
    address: SocketAddr,
    reason: String,
}

impl ListenError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("end the program that uses the port, or name another address, such as 127.0.0.1:8002".to_owned())
    }
}

/// Listens at an address; port 0 stands for any free one.
///
/// # Errors
/// When the address is not this machine's, or is in use.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, ListenError> {
    bind(address).map_err(|error| ListenError { address, reason: error.to_string() })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // So that it can be listened at again right after a restart. On Windows it means something else.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

/// Serves until `stop` is cancelled. Then no new connection is taken, and requests in flight have `grace` to be answered.
/// Connections have the limits and the times of [`Connections::of_process`].
///
/// # Errors
/// When the address of the listener cannot be read.
pub async fn serve(app: Router, listener: TcpListener, stop: CancellationToken, grace: Duration) -> io::Result<()> {
    serve_within(&Connections::of_process(), app, listener, stop, grace).await
}

/// As [`serve()`], among these connections.
///
/// # Errors
/// As [`serve()`].
pub async fn serve_within(
    connections: &Arc<Connections>,
    app: Router,
    listener: TcpListener,
    stop: CancellationToken,
    grace: Duration,
) -> io::Result<()> {
    serve_and_drain(connections, app, listener, stop, async {
        tokio::time::sleep(grace).await;
        tracing::warn!("requests were still open after {} s", grace.as_secs());
    })
    .await
}

/// As [`serve_within`], where `drain` begins when `stop` is cancelled: requests that are still in flight at its end are
/// dropped.
///
/// # Errors
/// As [`serve()`].
pub async fn serve_and_drain(
    connections: &Arc<Connections>,
    app: Router,
    listener: TcpListener,
    stop: CancellationToken,
    drain: impl Future<Output = ()>,
) -> io::Result<()> {
    let server = Server {
        connections: Arc::clone(connections),
        app,
        local: listener.local_addr()?,
        stop: stop.clone(),
        dropped: CancellationToken::new(),
    };
    let open = TaskTracker::new();
    let taking = async {
        tokio::select! {
            () = server.take(&listener, &open) => {}
            () = sweep(connections) => {}
            () = stop.cancelled() => {}
        }
    };
    taking.await;
    drop(listener);
    open.close();
    // What is not finished at the end of the time is dropped with these tasks' sockets.
    tokio::select! {
        () = open.wait() => {}
        () = drain => server.dropped.cancel(),
    }
    Ok(())
}

/// Ends connections whose time is up, for ever.
async fn sweep(connections: &Connections) {
    loop {
        tokio::time::sleep(SWEEP).await;
        connections.sweep();
    }
}

struct Server {
    connections: Arc<Connections>,
    app: Router,
    local: SocketAddr,
    stop: CancellationToken,
    /// Cancelled at the end of the drain.
    dropped: CancellationToken,
}

impl Server {
    /// Takes connections, for ever.
    async fn take(&self, listener: &TcpListener, open: &TaskTracker) {
        let mut warned = None::<Instant>;
        let mut warn = |what: &str| {
            if warned.is_none_or(|warned| warned.elapsed() > WARN_AGAIN) {
                warned = Some(Instant::now());
                tracing::warn!("{what}");
            }
        };
        loop {
            let (stream, peer) = match listener.accept().await {
                Ok(taken) => taken,
                Err(error) if is_of_the_client(&error) => continue,
                Err(error) => {
                    // Mostly: no descriptors are left. What waits is taken as soon as some are given back.
                    let told = self.connections.give_back_some();
                    warn(&format!("no connection can be taken: {error}; {told} that did nothing are closed"));
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let local = stream.local_addr().unwrap_or(self.local);
            let Some(listed) = self.connections.admit(Ends { peer, local }).await else {
                warn("connections are refused: all that there may be have work to do");
                continue;
            };
            // Answers are small: they must not wait for more to send.
            let _ = stream.set_nodelay(true);
            open.spawn(converse(
                self.connections.clone(),
                self.app.clone(),
                stream,
                listed,
                [&self.stop, &self.dropped].map(Clone::clone),
            ));
        }
    }
}

/// Whether an error of accepting is about one connection only.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Answers the requests of one connection.
async fn converse(
    connections: Arc<Connections>,
    app: Router,
    stream: TcpStream,
    listed: Listed,
    [stop, dropped]: [CancellationToken; 2],
) {
    let connection = Arc::clone(&listed.connection);
    let service = service_fn(|request: Request<Incoming>| answer(&connections, &app, &connection, request));
    let stream = TokioIo::new(Watched::new(stream, Arc::clone(&connection)));
    {
        let served = http1::Builder::new().max_buf_size(MOST_BUFFERED).serve_connection(stream, service);
        let mut served = pin!(served);
        let mut stopping = false;
        loop {
            tokio::select! {
                outcome = served.as_mut() => {
                    if let Err(error) = outcome {
                        tracing::trace!(%error, "a connection ended");
                    }
                    break;
                }
                () = connection.told_to_go.notified() => if connection.has_to_go() { break },
                () = stop.cancelled(), if !stopping => {
                    stopping = true;
                    served.as_mut().graceful_shutdown();
                }
                () = dropped.cancelled() => break,
            }
        }
    }
    // The socket is closed: its place is free.
    drop(listed);
}

async fn answer(
    connections: &Arc<Connections>,
    app: &Router,
    connection: &Arc<Connection>,
    mut request: Request<Incoming>,
) -> Result<Response<Outgoing>, Infallible> {
    connection.enter(if request.body().is_end_stream() { Phase::Work } else { Phase::Body });
    let ends = connection.ends();
    let client = connections.proxies().client(ends.peer.ip(), request.headers());
    let Some(counted) = connections.count_request(&ends, &client) else {
        let later = [(header::RETRY_AFTER, "1")];
        let told =
            (StatusCode::TOO_MANY_REQUESTS, later, "this client has too many requests in work\n").into_response();
        connection.enter(Phase::Answer);
        return Ok(told.map(|body| Outgoing::new(body, Arc::clone(connection), None)));
    };
    request.extensions_mut().insert(ends);
    request.extensions_mut().insert(client);
    let request = request.map(|body| Body::new(Received::new(body, Arc::clone(connection))));
    let response = app.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
    let endless = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    connection.enter(if endless { Phase::Stream } else { Phase::Answer });
    Ok(response.map(|body| Outgoing::new(body, Arc::clone(connection), Some(counted))))
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::http::client::{Client, TrustedProxies};
    use crate::http::connections::Limits;

    /// Serves one request that takes `work`, and stops while it runs; what was answered, and how long the end took.
    async fn stopped_during(work: Duration, grace: Duration) -> (String, Duration) {
        let begun = CancellationToken::new();
        let inside = begun.clone();
        let app = Router::new().route(
            "/",
            get(move || async move {
                inside.cancel();
                tokio::time::sleep(work).await;
                "done"
            }),
        );
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(app, listener, stop.clone(), grace));
        let mut client = TcpStream::connect(address).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
        begun.cancelled().await;
        let since = Instant::now();
        stop.cancel();
        server.await.unwrap().unwrap();
        let took = since.elapsed();
        let mut answer = String::new();
        if took < grace {
            client.read_to_string(&mut answer).await.unwrap();
            assert!(TcpStream::connect(address).await.is_err(), "no new connection is taken");
        }
        (answer, took)
    }

    #[tokio::test]
    async fn a_request_in_flight_is_answered_before_the_end() {
        let (answer, _) = stopped_during(Duration::from_millis(100), Duration::from_secs(20)).await;
        assert!(answer.ends_with("done"), "{answer}");
    }

    #[tokio::test]
    async fn a_request_that_takes_too_long_does_not_hold_up_the_end() {
        let (_, took) = stopped_during(Duration::from_mins(1), Duration::from_millis(50)).await;
        assert!(took < Duration::from_secs(20), "{took:?}");
    }

    #[tokio::test]
    async fn an_address_in_use_is_named_with_a_hint() {
        let taken = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = taken.local_addr().unwrap();
        let error = listen(address).await.unwrap_err();
        assert!(error.to_string().starts_with(&format!("{address} cannot be listened at")), "{error}");
        assert!(error.hint().is_some());
    }

    /// A server with places for eight connections.
    async fn small() -> (SocketAddr, Arc<Connections>, CancellationToken) {
        let limits = Limits { connections: 8, per_address: 8 };
        let connections = Connections::new(limits, TrustedProxies::default());
        let app = Router::new().route(
            "/",
            get(async |Extension(ends): Extension<Ends>, Extension(client): Extension<Client>| {
                format!("{} {}", ends.local.port(), client.address)
            }),
        );
        let app = app.route("/slow", get(async || tokio::time::sleep(Duration::from_millis(300)).await));
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let (all, ending) = (Arc::clone(&connections), stop.clone());
        tokio::spawn(async move { serve_within(&all, app, listener, ending, Duration::from_secs(1)).await });
        (address, connections, stop)
    }

    async fn ask(address: SocketAddr, path: &str) -> String {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_request_is_answered_however_many_say_nothing_or_speak_slowly() {
        let (address, connections, stop) = small().await;
        let mut others = Vec::new();
        for number in 0..40 {
            let mut other = TcpStream::connect(address).await.unwrap();
            let begun: &[u8] = match number % 3 {
                0 => b"",
                1 => b"GET / HTTP/1.1\r\nHo",
                _ => b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
            };
            let _ = other.write_all(begun).await;
            others.push(other);
            if number % 4 == 0 {
                let answer = ask(address, "/").await;
                assert!(answer.ends_with(&format!("{} 127.0.0.1", address.port())), "{answer}");
            }
            assert!(connections.counts().open <= 8);
        }
        let mut first = Vec::new();
        // Closed, with or without an answer to what it never finished.
        let closed = tokio::time::timeout(Duration::from_secs(20), others[0].read_to_end(&mut first)).await;
        assert!(closed.is_ok(), "the first gave way");
        // A third was answered, and closed with that: its bodies are not awaited.
        assert!(connections.counts().displaced >= 15, "{:?}", connections.counts());
        stop.cancel();
    }

    #[tokio::test]
    async fn what_is_in_work_is_not_closed_for_others() {
        let (address, _, stop) = small().await;
        let slow: Vec<_> = (0..4).map(|_| tokio::spawn(ask(address, "/slow"))).collect();
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut others = Vec::new();
        for _ in 0..20 {
            others.push(TcpStream::connect(address).await.unwrap());
        }
        for answer in slow {
            assert!(answer.await.unwrap().starts_with("HTTP/1.1 200"));
        }
        stop.cancel();
    }
}

//! The server over HTTP: who is let in, how much, and how it ends.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{piped, shop, signal, terminate, wait};
use crate::cli::{ecomres, run};

/// `ecomres mcp --http`, at a free port.
pub(crate) struct Server {
    pub child: Child,
    pub url: String,
    pub address: String,
}

/// An answer.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        // A stream holds the message in its data lines.
        let data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim)
            .rfind(|data| !data.is_empty());
        serde_json::from_str(data.unwrap_or(&self.body)).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<String> {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    }
}

const ORDER: &str = "query_order_database";

fn stateless(method: &str, mut params: Value) -> String {
    params["_meta"] = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string()
}

fn order_call() -> String {
    stateless("tools/call", json!({"name": ORDER, "arguments": {"order_id": "ORD000003"}}))
}

const MODERN: [(&str, &str); 3] =
    [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", ORDER)];

impl Server {
    pub(crate) fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::at("127.0.0.1:0", folder, arguments, environment)
    }

    pub(crate) fn at(address: &str, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = ecomres(folder);
        command.args(["mcp", "--http", address]).args(arguments).envs(environment.iter().copied());
        if environment.iter().all(|(name, _)| *name != "MCP_TOKEN") {
            command.arg("--i-am-alone");
        }
        let mut child = piped(&command).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert!(errors.read_line(&mut line).unwrap() > 0, "it ended before it served");
            if let Some((_, rest)) = line.split_once("initialising at ") {
                break rest.split(',').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
        let port = url.trim_end_matches("/mcp").rsplit(':').next().unwrap();
        Self { child, address: format!("127.0.0.1:{port}"), url }
    }

    fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // A request that is refused early may no longer be read to its end.
        let _ = stream
            .write_all(format!("{head}Connection: close\r\nContent-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {head}: {text}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let chunked = head.to_lowercase().contains("transfer-encoding: chunked");
        Answer { status, head: head.to_owned(), body: if chunked { unchunk(body) } else { body.to_owned() } }
    }

    fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address), "")
    }

    fn post_to(&self, host: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        );
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        self.send(&head, body)
    }

    fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        self.post_to(&self.address, &[&MODERN, headers].concat(), body)
    }

    /// Starts a session of the older generation and returns its id.
    fn session(&self) -> String {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
        }});
        let answer = self.post_to(&self.address, &[], &hello.to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
        let id = answer.header("mcp-session-id").unwrap();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(self.post_to(&self.address, &[("mcp-session-id", &id)], &ready).status, 202);
        id
    }

    fn order_in(&self, session: &str) -> Value {
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": ORDER, "arguments": {"order_id": "ORD000003"}
        }});
        let headers = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];
        self.post_to(&self.address, &headers, &call.to_string()).json()
    }

    /// Resident memory in KiB.
    #[cfg(target_os = "linux")]
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn unchunk(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        whole += &rest[..size];
        body = rest[size..].trim_start_matches("\r\n");
    }
    whole
}

#[test]
fn both_generations_are_served() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    assert_eq!((server.get("/healthz").status, server.get("/readyz").status), (200, 200));
    let answer = server.post(&[], &order_call());
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.header("content-type").unwrap().starts_with("application/json"));
    assert_eq!(answer.json()["result"]["structuredContent"]["Order Value (INR)"], 599);
    assert_eq!(answer.header("mcp-session-id"), None, "no session without initialize");
    let session = server.session();
    assert_eq!(server.order_in(&session)["result"]["structuredContent"]["Order ID"], "ORD000003");
    let end =
        server.send(&format!("DELETE /mcp HTTP/1.1\r\nHost: {}\r\nMcp-Session-Id: {session}\r\n", server.address), "");
    assert_eq!(end.status, 204);
    let gone = server.post_to(
        &server.address,
        &[("mcp-session-id", &session)],
        &json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}).to_string(),
    );
    assert_eq!(gone.status, 404);
}

#[test]
fn a_token_is_wanted_where_others_can_reach_it() {
    let folder = shop();
    let server =
        Server::at("0.0.0.0:0", folder.path(), &["--store", "shop.db"], &[("MCP_TOKEN", "s3cret-of-the-tests")]);
    let answer = server.post(&[], &order_call());
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    assert_eq!(server.post(&[("authorization", "Bearer wrong")], &order_call()).status, 401);
    assert_eq!(server.post(&[("authorization", "Bearer s3cret-of-the-tests")], &order_call()).status, 200);
    assert_eq!(server.get("/healthz").status, 200, "health checks need no token");
    assert_eq!(server.get("/favicon.ico").status, 404, "nor does what is not there");
}

#[test]
fn without_a_token_one_is_made_up_and_shown() {
    let folder = shop();
    let mut command = ecomres(folder.path());
    command.args(["mcp", "--http", "127.0.0.1:0", "--store", "shop.db", "--quiet"]);
    let mut child = piped(&command).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
    let token = line.trim().split_once("Authorization: Bearer ").unwrap_or_else(|| panic!("{line}")).1;
    assert_eq!(token.len(), 48, "{line}");
    let _ = child.kill();
    let _ = child.wait();
}

#[test]
fn being_alone_is_for_direct_requests_of_this_machine() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    assert_eq!(server.post(&[], &order_call()).status, 200);
    for header in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via", "CF-Connecting-IP", "X-Envoy-External-Address"] {
        let refused = server.post(&[(header, "127.0.0.1")], &order_call());
        assert_eq!(refused.status, 403, "{header}");
        assert!(refused.body.contains("says that a proxy forwarded it") && refused.body.contains("MCP_TOKEN"));
    }
    let port = server.address.rsplit(':').next().unwrap();
    for host in ["localhost", "127.0.0.1", "shop.example.com", "localhost:1", &format!("x@localhost:{port}")] {
        assert_eq!(server.post_to(host, &MODERN, &order_call()).status, 403, "{host}");
    }
    assert_eq!(server.post_to(&format!("localhost:{port}"), &MODERN, &order_call()).status, 200);
    // As a proxy speaks that was told nothing but where to forward to.
    let head = format!("POST /mcp HTTP/1.0\r\nHost: {}\r\nContent-Type: application/json\r\n", server.address);
    assert_eq!(server.send(&head, &order_call()).status, 403);
    let (code, _, err) =
        run(ecomres(folder.path()).args(["mcp", "--http", "0.0.0.0:0", "--i-am-alone", "--store", "shop.db"]));
    assert!(code == 1 && err.contains("--i-am-alone is for this machine only") && err.contains("hint: "), "{err}");
}

#[test]
fn rebound_names_foreign_pages_and_large_bodies_are_refused() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    assert_eq!(server.post_to("evil.example.com", &MODERN, &order_call()).status, 403);
    assert_eq!(server.post(&[("origin", "http://evil.example.com")], &order_call()).status, 403);
    assert_eq!(server.post(&[("origin", "http://localhost:6274")], &order_call()).status, 200);
    for origin in ["http://localhost@evil.example.com", "http://localhost:80@evil.example.com", "http://evil@localhost"]
    {
        assert_eq!(server.post(&[("origin", origin)], &order_call()).status, 403, "{origin}");
    }
    let large = stateless("tools/call", json!({"name": ORDER, "arguments": {"order_id": "x".repeat(1_100_000)}}));
    assert_eq!(server.post(&[], &large).status, 413);
    // Said by its length: it is not waited for.
    let mut slow = TcpStream::connect(&server.address).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = format!("POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Length: 5000000\r\n\r\n{{", server.address);
    slow.write_all(head.as_bytes()).unwrap();
    let mut told = [0; 12];
    slow.read_exact(&mut told).unwrap();
    assert_eq!(&told, b"HTTP/1.1 413");
    let within = stateless("tools/call", json!({"name": ORDER, "arguments": {"order_id": "x".repeat(300_000)}}));
    assert_eq!(server.post(&[], &within).json()["result"]["isError"], true);
    for nonsense in ["", "{", "[]", "{}", "null", "\u{0}"] {
        let status = server.post(&[], nonsense).status;
        assert!((400..500).contains(&status), "{nonsense}: {status}");
    }
    assert_eq!(server.post(&[], &order_call()).status, 200);
}

#[test]
fn too_many_requests_are_refused_with_a_time_to_wait() {
    let folder = shop();
    let limit = [("ECOMRES_MCP__REQUESTS_PER_SECOND", "3")];
    let server = Server::start(folder.path(), &["--store", "shop.db"], &limit);
    let answers: Vec<Answer> = (0..20).map(|_| server.post(&[], &order_call())).collect();
    let refused = answers.iter().find(|answer| answer.status == 429).expect("twenty at once pass a limit of three");
    assert_eq!(refused.header("retry-after").as_deref(), Some("1"));
    std::thread::sleep(Duration::from_millis(1_200));
    assert_eq!(server.post(&[], &order_call()).status, 200);
}

#[test]
fn calls_in_flight_are_finished_when_it_ends() {
    let folder = shop();
    let mut server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    let session = server.session();
    // A stream that waits for news must not hold up the end.
    let mut stream = TcpStream::connect(&server.address).unwrap();
    let listen = format!(
        "GET /mcp HTTP/1.1\r\nHost: {}\r\nAccept: text/event-stream\r\nMcp-Session-Id: {session}\r\n\r\n",
        server.address
    );
    stream.write_all(listen.as_bytes()).unwrap();
    let mut first = [0_u8; 12];
    stream.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let text = "where is my order, it is late. ".repeat(200);
    let read = stateless("tools/call", json!({"name": "smart_triage_nlu", "arguments": {"text": text}}));
    let headers =
        [("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "smart_triage_nlu")];
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..4).map(|_| scope.spawn(|| server.post_to(&server.address, &headers, &read).status)).collect();
        std::thread::sleep(Duration::from_millis(60));
        terminate(&server.child);
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers, [200; 4]);
    let begun = Instant::now();
    assert_eq!(wait(&mut server.child, Duration::from_secs(15)), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[cfg(target_os = "linux")]
#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = shop();
    for (second, code) in [("TERM", 143), ("INT", 130)] {
        let mut server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
        // A request whose body never comes keeps the orderly end waiting for seconds.
        let mut slow = TcpStream::connect(&server.address).unwrap();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: 100\r\n\r\n{{",
            server.address
        );
        slow.write_all(head.as_bytes()).unwrap();
        assert_eq!(server.get("/readyz").status, 200);
        let begun = Instant::now();
        terminate(&server.child);
        // The first signal has been seen as soon as no new connection is taken.
        while TcpStream::connect(&server.address).is_ok() {
            assert!(begun.elapsed() < Duration::from_secs(3), "it still takes connections");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(server.child.try_wait().unwrap(), None, "one signal lets it finish");
        signal(&server.child, second);
        assert_eq!(wait(&mut server.child, Duration::from_secs(10)), Some(code), "SIG{second}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    }
}

#[test]
fn two_hundred_sessions_at_once_and_memory_stays_flat() {
    let folder = shop();
    let server =
        Server::start(folder.path(), &["--store", "shop.db"], &[("ECOMRES_MCP__REQUESTS_PER_SECOND", "100000")]);
    let round = || {
        let sessions: Vec<String> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..25).map(|_| server.session()).collect::<Vec<_>>())).collect();
            starts.into_iter().flat_map(|start| start.join().unwrap()).collect()
        });
        assert_eq!(sessions.len(), 200);
        for session in &sessions {
            assert_eq!(server.order_in(session)["result"]["structuredContent"]["Order ID"], "ORD000003");
        }
        for session in &sessions {
            server.send(
                &format!("DELETE /mcp HTTP/1.1\r\nHost: {}\r\nMcp-Session-Id: {session}\r\n", server.address),
                "",
            );
        }
        server.memory()
    };
    round();
    let (before, after) = (round(), round());
    assert!(after < before + 8_192, "{before} KiB grew to {after} KiB");
}

#[test]
fn clients_that_do_not_say_what_they_take_are_served() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    let post = |accept: Option<&str>, headers: &[(&str, &str)], body: &str| {
        let mut head = format!("POST /mcp HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n", server.address);
        for (name, value) in accept.map(|accept| ("Accept", accept)).iter().chain(headers) {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        server.send(&head, body)
    };
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}});
    for accept in [None, Some("*/*"), Some("application/json")] {
        let modern = post(accept, &MODERN, &order_call());
        assert_eq!(modern.status, 200, "{accept:?}: {}", modern.body);
        assert_eq!(modern.json()["result"]["structuredContent"]["Order ID"], "ORD000003");
        // Also with a session, whose answers are streams for those who take them.
        let begun = post(accept, &[], &hello.to_string());
        assert_eq!(begun.status, 200, "{accept:?}: {}", begun.body);
        assert!(begun.header("content-type").unwrap().starts_with("application/json"), "{}", begun.head);
        let session = begun.header("mcp-session-id").unwrap();
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": ORDER, "arguments": "{\"order_id\":\"ORD000003\"}"
        }});
        let called = post(accept, &[("mcp-session-id", &session)], &call.to_string());
        assert_eq!(called.json()["result"]["structuredContent"]["Order ID"], "ORD000003", "{}", called.body);
        assert!(called.header("content-type").unwrap().starts_with("application/json"), "{}", called.head);
    }
    for accept in ["text/html", "text/event-stream", ""] {
        let other = post(Some(accept), &MODERN, &order_call());
        assert!(other.status == 406 && other.body.contains("application/json must be accepted"), "{}", other.body);
        assert!(!other.body.contains("both"), "{}", other.body);
    }
}

#[test]
fn what_is_wrong_over_http_is_told_with_its_id() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    let session = server.session();
    let ask = |body: &str| server.post_to(&server.address, &[("mcp-session-id", &session)], body);
    let answer = ask(&json!({"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {}}).to_string());
    assert_eq!(
        (answer.status, &answer.json()["id"], &answer.json()["error"]["code"]),
        (200, &json!(9), &json!(-32_602))
    );
    let answer = ask("{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"tools/call");
    assert_eq!(
        (answer.status, &answer.json()["id"], &answer.json()["error"]["code"]),
        (400, &json!(10), &json!(-32_700))
    );
    let large =
        json!({"jsonrpc": "2.0", "id": 11, "method": "ping", "params": {"x": "y".repeat(1_100_000)}}).to_string();
    assert_eq!(ask(&large).status, 413);
    let batch = json!([
        {"jsonrpc": "2.0", "id": 12, "method": "ping"},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 13, "method": "tools/call", "params": {"name": ORDER, "arguments": {"order_id": "ORD000003"}}},
        {"jsonrpc": "2.0", "id": 14, "method": "prompts/get"},
    ]);
    let answer = ask(&batch.to_string());
    let list = answer.json();
    assert_eq!((answer.status, list.as_array().map(Vec::len)), (200, Some(3)), "{}", answer.body);
    assert_eq!(list[1]["result"]["structuredContent"]["Order ID"], "ORD000003");
    assert_eq!(list[2]["error"]["code"], -32_602);
    let headers = [("mcp-session-id", session.as_str()), ("mcp-protocol-version", "2025-11-25")];
    let refused = server.post_to(&server.address, &headers, &batch.to_string());
    assert!(refused.status == 400 && refused.body.contains("2025-11-25"), "{}", refused.body);
}

//! The server over HTTP: who is let in, how much, and how it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::client::{piped, shop, terminate, wait};
use crate::cli::ecomres;

/// `ecomres mcp --http`, at a free port.
pub struct Server {
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
    pub fn start(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::at("127.0.0.1:0", folder, arguments, environment)
    }

    pub fn at(address: &str, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut command = ecomres(folder);
        command.args(["mcp", "--http", address]).args(arguments).envs(environment.iter().copied());
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
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n"), "")
    }

    fn post_to(&self, host: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut head = format!(
            "POST /mcp HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
        );
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        self.send(&head, body)
    }

    fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        self.post_to("localhost", &[&MODERN, headers].concat(), body)
    }

    /// Starts a session of the older generation and returns its id.
    fn session(&self) -> String {
        let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}
        }});
        let answer = self.post_to("localhost", &[], &hello.to_string());
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.json()["result"]["protocolVersion"], "2025-11-25");
        let id = answer.header("mcp-session-id").unwrap();
        let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
        assert_eq!(self.post_to("localhost", &[("mcp-session-id", &id)], &ready).status, 202);
        id
    }

    fn order_in(&self, session: &str) -> Value {
        let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": ORDER, "arguments": {"order_id": "ORD000003"}
        }});
        let headers = [("mcp-session-id", session), ("mcp-protocol-version", "2025-11-25")];
        self.post_to("localhost", &headers, &call.to_string()).json()
    }

    /// Resident memory in KiB, where the system tells.
    fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        status.lines().find(|line| line.starts_with("VmRSS"))?.split_whitespace().nth(1)?.parse().ok()
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
    let end = server.send(&format!("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\n"), "");
    assert_eq!(end.status, 204);
    let gone = server.post_to(
        "localhost",
        &[("mcp-session-id", &session)],
        &json!({"jsonrpc": "2.0", "id": 3, "method": "tools/list"}).to_string(),
    );
    assert_eq!(gone.status, 404);
}

#[test]
fn a_token_is_wanted_where_others_can_reach_it() {
    let folder = shop();
    let server = Server::at("0.0.0.0:0", folder.path(), &["--store", "shop.db"], &[("MCP_TOKEN", "s3cret")]);
    let answer = server.post(&[], &order_call());
    assert_eq!(answer.status, 401);
    assert!(answer.header("www-authenticate").unwrap().starts_with("Bearer"));
    assert_eq!(server.post(&[("authorization", "Bearer wrong")], &order_call()).status, 401);
    assert_eq!(server.post(&[("authorization", "Bearer s3cret")], &order_call()).status, 200);
    assert_eq!(server.get("/healthz").status, 200, "whoever watches needs no token");
}

#[test]
fn rebound_names_foreign_pages_and_large_bodies_are_refused() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    assert_eq!(server.post_to("evil.example.com", &MODERN, &order_call()).status, 403);
    assert_eq!(server.post(&[("origin", "http://evil.example.com")], &order_call()).status, 403);
    assert_eq!(server.post(&[("origin", "http://localhost:6274")], &order_call()).status, 200);
    let large = stateless("tools/call", json!({"name": ORDER, "arguments": {"order_id": "x".repeat(1_100_000)}}));
    assert_eq!(server.post(&[], &large).status, 413);
    let within = stateless("tools/call", json!({"name": ORDER, "arguments": {"order_id": "x".repeat(300_000)}}));
    assert_eq!(server.post(&[], &within).json()["result"]["isError"], true);
    for nonsense in ["", "{", "[]", "{}", "null", "\u{0}"] {
        let status = server.post(&[], nonsense).status;
        assert!((400..500).contains(&status), "{nonsense}: {status}");
    }
    assert_eq!(server.post(&[], &order_call()).status, 200);
}

#[test]
fn too_many_requests_are_told_to_wait() {
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
        "GET /mcp HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\nMcp-Session-Id: {session}\r\n\r\n"
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
            (0..4).map(|_| scope.spawn(|| server.post_to("localhost", &headers, &read).status)).collect();
        std::thread::sleep(Duration::from_millis(60));
        terminate(&server.child);
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert_eq!(answers, [200; 4]);
    let begun = Instant::now();
    assert_eq!(wait(&mut server.child, Duration::from_secs(15)), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
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
            server.send(&format!("DELETE /mcp HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {session}\r\n"), "");
        }
        server.memory()
    };
    round();
    let (Some(before), Some(after)) = (round(), round()) else {
        return eprintln!("memory is not told here");
    };
    assert!(after < before + 8_192, "{before} KiB grew to {after} KiB");
}

//! Calls one tool of an MCP server over and over and prints the calls a second. Only the standard library: the driver
//! must cost as little as possible beside the server, on the same cores.
//!
//!     mcp_driver stdio COUNT PROGRAM ARGUMENTS…
//!     mcp_driver http COUNT CONNECTIONS HOST:PORT

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

const CALL: &str = r#""method":"tools/call","params":{"name":"query_order_database","arguments":{"order_id":"ORD000003"}"#;
const META: &str = r#","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},"io.modelcontextprotocol/clientCapabilities":{}}"#;

/// Whether an answer holds the order.
fn is_order(answer: &str) -> bool {
    answer.contains("Beverages") && answer.contains("ORD000003")
}

fn stdio(count: u32, program: &str, arguments: &[String]) {
    let mut child =
        Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    let mut ask = |message: &str, line: &mut String| {
        input.write_all(message.as_bytes()).unwrap();
        line.clear();
        output.read_line(line).unwrap();
    };
    ask("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},\"clientInfo\":{\"name\":\"bench\",\"version\":\"1\"}}}\n", &mut line);
    let first = format!("{{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}}\n{{\"jsonrpc\":\"2.0\",\"id\":1,{CALL}}}}}\n");
    ask(&first, &mut line);
    let begun = Instant::now();
    for id in 2..count + 2 {
        ask(&format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},{CALL}}}}}\n"), &mut line);
        assert!(is_order(&line), "{line}");
    }
    println!("{:.0}", f64::from(count) / begun.elapsed().as_secs_f64());
    drop(input);
    child.wait().unwrap();
}

/// Sends one call and reads its answer, with a length or in chunks.
fn post(stream: &mut BufReader<TcpStream>, request: &[u8]) -> String {
    stream.get_mut().write_all(request).unwrap();
    let (mut length, mut chunked, mut line) = (0, false, String::new());
    loop {
        line.clear();
        assert!(stream.read_line(&mut line).unwrap() > 0, "the connection was closed");
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        chunked |= lower.starts_with("transfer-encoding: chunked");
        if line == "\r\n" {
            break;
        }
    }
    let mut body = Vec::new();
    if !chunked {
        body.resize(length, 0);
        stream.read_exact(&mut body).unwrap();
    }
    while chunked {
        line.clear();
        stream.read_line(&mut line).unwrap();
        let size = usize::from_str_radix(line.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        stream.read_exact(&mut chunk).unwrap();
        body.extend_from_slice(&chunk[..size]);
        if size == 0 {
            break;
        }
    }
    String::from_utf8(body).unwrap()
}

fn http(count: u32, connections: u32, address: &str) {
    let left = AtomicU32::new(count);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let stream = TcpStream::connect(address).unwrap();
                stream.set_nodelay(true).unwrap();
                let mut stream = BufReader::new(stream);
                let body = format!("{{\"jsonrpc\":\"2.0\",\"id\":1,{CALL}{META}}}}}");
                let request = format!(
                    "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\nMCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: query_order_database\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                );
                while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                    let answer = post(&mut stream, request.as_bytes());
                    assert!(is_order(&answer), "{answer}");
                }
            });
        }
    });
    println!("{:.0}", f64::from(count) / begun.elapsed().as_secs_f64());
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count = arguments[1].parse().unwrap();
    match arguments[0].as_str() {
        "stdio" => stdio(count, &arguments[2], &arguments[3..]),
        _ => http(count, arguments[2].parse().unwrap(), &arguments[3]),
    }
}

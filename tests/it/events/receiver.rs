//! A receiver of events on a plain socket, so that it can cut its answers anywhere. It checks every request with the verifier of
//! the crate `standardwebhooks`, and holds every payload against the schema that `ecomres events schema` prints. The deliveries
//! are saved in the target folder for `tests/events.sh`, which checks both with other programs.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ecomres::domain::event::{EventType, SigningSecret, schema};
use ecomres::events::{Endpoint, EndpointSettings};
use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What a receiver does with a request that it has read.
#[derive(Debug, Clone)]
pub(super) enum Answer {
    /// Says this, and closes the connection.
    Says(Vec<u8>),
    /// Says nothing, and keeps the connection.
    Hangs,
}

pub(super) fn status(code: u16) -> Answer {
    Answer::Says(format!("HTTP/1.1 {code} Word\r\ncontent-length: 0\r\n\r\n").into_bytes())
}

/// A request that came.
#[derive(Debug, Clone)]
pub(super) struct Received {
    pub(super) id: String,
    pub(super) payload: Value,
    pub(super) body: String,
    pub(super) headers: HeaderMap,
}

impl Received {
    pub(super) fn kind(&self) -> &str {
        self.payload["type"].as_str().unwrap()
    }
}

/// A receiver of events.
pub(super) struct Receiver {
    pub(super) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    _stop: tokio_util::sync::DropGuard,
}

impl Receiver {
    /// Answers request number n, from 0, with `answer(n, request)`. Each must be signed with `secret`.
    pub(super) async fn start(
        secret: &str,
        answer: impl Fn(usize, &Received) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let (all, answer, secret) = (Arc::clone(&received), Arc::new(answer), secret.to_owned());
        let work = async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (all, answer, secret) = (Arc::clone(&all), Arc::clone(&answer), secret.clone());
                tokio::spawn(async move {
                    let Some((mut stream, request)) = read(stream, &secret).await else { return };
                    let number = {
                        let mut all = all.lock().unwrap();
                        all.push(request.clone());
                        all.len() - 1
                    };
                    match answer(number, &request) {
                        Answer::Says(bytes) => {
                            let _ = stream.write_all(&bytes).await;
                            let _ = stream.shutdown().await;
                        }
                        Answer::Hangs => tokio::time::sleep(Duration::from_mins(1)).await,
                    }
                });
            }
        };
        let stopped = stop.clone();
        tokio::spawn(async move {
            tokio::select! { () = stopped.cancelled() => {}, () = work => {} }
        });
        Self { url, received, _stop: stop.drop_guard() }
    }

    pub(super) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(super) async fn wait_for(&self, count: usize) -> Vec<Received> {
        let begun = Instant::now();
        while self.received().len() < count {
            assert!(begun.elapsed() < Duration::from_secs(30), "only {:?}", self.received());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.received()
    }
}

/// Reads one request and checks it; `None` where the sender closed before it was whole (it was killed).
async fn read(mut stream: TcpStream, secret: &str) -> Option<(TcpStream, Received)> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /hook HTTP/1.1"));
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(name.parse::<HeaderName>().unwrap(), value.parse::<HeaderValue>().unwrap());
    }
    let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
    while bytes.len() < end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[end..].to_vec()).unwrap();
    assert_eq!(headers["content-type"], "application/json");
    Webhook::new(secret).unwrap().verify(body.as_bytes(), &headers).expect("it is signed");
    let payload: Value = serde_json::from_str(&body).unwrap();
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    assert!(id.starts_with("evt_") && !id.contains('.'), "{id}");
    let of = EventType::parse(payload["type"].as_str().unwrap()).expect("a known type");
    if let Err(wrong) = validate(&schema(of), &schema(of), &payload, "") {
        panic!("{wrong}: {payload:#}");
    }
    let received = Received { id, payload, body, headers };
    save(&received, secret);
    Some((stream, received))
}

/// Saves a delivery for `tests/events.sh`.
fn save(received: &Received, secret: &str) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("events");
    std::fs::create_dir_all(&folder).unwrap();
    let header = |name: &str| received.headers[name].to_str().unwrap();
    let delivery = serde_json::json!({
        "secret": secret, "body": received.body, "headers": {
            "webhook-id": header("webhook-id"), "webhook-timestamp": header("webhook-timestamp"),
            "webhook-signature": header("webhook-signature"),
        },
    });
    let name = format!("{}-{}.json", received.kind(), &received.id[received.id.len() - 2..]);
    std::fs::write(folder.join(name), delivery.to_string()).unwrap();
}

/// Holds a value against a schema, as far as the schemas of events go: a keyword that is not known here fails. More than a
/// schema says: what it does not name must not be there.
pub(super) fn validate(root: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let wrong = |what: &str| Err(format!("{place} {what}: {value}"));
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere");
        return validate(root, target, value, place);
    }
    if let Some(choices) = schema["anyOf"].as_array().or(schema["oneOf"].as_array()) {
        if choices.iter().any(|choice| validate(root, choice, value, place).is_ok()) {
            return Ok(());
        }
        return wrong("is none of the choices");
    }
    for (keyword, rule) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$schema" | "$defs" | "title" | "description" | "properties" | "default" => {}
            "type" => {
                let names = rule.as_array().cloned().unwrap_or_else(|| vec![rule.clone()]);
                let is = |name: &Value| match name.as_str().unwrap() {
                    "object" => value.is_object(),
                    "string" => value.is_string(),
                    "array" => value.is_array(),
                    "number" => value.is_number(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_u64(),
                    "null" => value.is_null(),
                    other => panic!("the type {other} is not known here"),
                };
                if !names.iter().any(is) {
                    return wrong(&format!("is not {rule}"));
                }
            }
            "const" if rule == value => {}
            "const" => return wrong(&format!("is not {rule}")),
            "enum" if rule.as_array().unwrap().contains(value) => {}
            "enum" => return wrong(&format!("is none of {rule}")),
            "format" if rule == "uint32" => {}
            "minimum" if rule == 0 => {}
            "format" if rule == "date-time" => {
                if value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_err()) {
                    return wrong("is no time");
                }
            }
            "required" => {
                for name in rule.as_array().unwrap() {
                    if value.get(name.as_str().unwrap()).is_none() {
                        return wrong(&format!("lacks {name}"));
                    }
                }
            }
            "items" => {
                for one in value.as_array().into_iter().flatten() {
                    validate(root, rule, one, place)?;
                }
            }
            other => panic!("the keyword {other} is not known here"),
        }
    }
    for (name, inside) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(name) {
            None => return wrong(&format!("holds {name}, of which the schema says nothing")),
            Some(rule) => validate(root, rule, inside, &format!("{place}/{name}"))?,
        }
    }
    Ok(())
}

pub(super) fn secret(byte: u8) -> String {
    SigningSecret::write(&[byte; 32])
}

pub(super) fn endpoint(name: &str, url: &str, secrets: &[String], types: &[&str]) -> Arc<Endpoint> {
    let settings = EndpointSettings {
        name: name.to_owned(),
        url: url.into(),
        secrets: secrets.iter().map(|text| SecretString::from(text.as_str())).collect(),
        types: types.iter().map(|text| (*text).to_owned()).collect(),
    };
    Arc::new(Endpoint::new(&settings).unwrap())
}

//! The manners of clients: what of a message is put right before it is read, and else the true reason why not. Pure.
//!
//! Every request with an id gets an answer. A message is changed only where it can mean one thing: `null` for absent,
//! arguments as the text of an object, an `initialize` that leaves out who the client is.

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, JsonRpcMessage};
use serde_json::{Map, Value, json};

use crate::domain::words::excerpt;

/// The text is no JSON.
pub(super) const PARSE_ERROR: i64 = -32_700;
/// The message is no request.
pub(super) const INVALID_REQUEST: i64 = -32_600;
/// The parameters of a request are missing or wrong.
pub(super) const INVALID_PARAMS: i64 = -32_602;

/// The most messages of a batch.
pub(super) const LARGEST_BATCH: usize = 32;
/// The most requests of a refused batch that are answered each: a megabyte of them must not make many of answers.
const MOST_REFUSALS: usize = 1_000;
/// The revisions that have batches.
const WITH_BATCHES: [&str; 2] = ["2025-03-26", "2024-11-05"];
/// What an `initialize` without a revision is answered with: the oldest that is widely spoken.
const DEFAULT_REVISION: &str = "2025-03-26";
/// How much of a frame is searched for its id.
const SEARCHED_BYTES: usize = 65_536;

/// Why a message is not served.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// The id of the request, or null.
    pub id: Value,
    /// The code of JSON-RPC.
    pub code: i64,
    /// The reason, for a person.
    pub message: String,
}

impl Refusal {
    pub(super) fn new(id: Value, code: i64, message: impl Into<String>) -> Self {
        Self { id, code, message: message.into() }
    }

    /// The answer on the wire.
    pub(super) fn to_json(&self) -> Value {
        json!({"jsonrpc": "2.0", "id": self.id, "error": {"code": self.code, "message": self.message}})
    }
}

/// Why a batch is not served at all; `revision`: what the session speaks.
pub(super) fn refuse_batch(list: &[Value], revision: Option<&str>) -> Option<Refusal> {
    let why = match revision {
        Some(revision) if !WITH_BATCHES.contains(&revision) => {
            format!("revision {revision} of the protocol has no batches: send the messages one by one")
        }
        _ if list.is_empty() => "the batch is empty".to_owned(),
        _ if list.len() > LARGEST_BATCH => {
            format!("the batch holds {} messages; {LARGEST_BATCH} are the most", list.len())
        }
        _ if list.iter().any(|message| message["method"] == "initialize") => {
            "initialize may not be part of a batch: send it alone and first".to_owned()
        }
        _ => return None,
    };
    Some(Refusal::new(Value::Null, INVALID_REQUEST, why))
}

/// The refusal of a batch as the answer to each request in it; where none has an id, to nobody in particular.
pub(super) fn for_each_id(list: &[Value], refusal: &Refusal) -> Vec<Refusal> {
    let is_id = |id: &&Value| id.is_string() || id.is_i64();
    let requests = list.iter().filter(|message| message.get("method").is_some());
    let ids = requests.filter_map(|message| message.get("id").filter(is_id)).take(MOST_REFUSALS);
    let refusals: Vec<Refusal> = ids.map(|id| Refusal { id: id.clone(), ..refusal.clone() }).collect();
    if refusals.is_empty() { vec![refusal.clone()] } else { refusals }
}

/// Puts a message right. `None` as the error: it cannot be read, and nobody waits for an answer.
pub(super) fn tidy(mut message: Value) -> Result<Value, Option<Refusal>> {
    let Some(map) = message.as_object_mut() else {
        return Err(Some(Refusal::new(Value::Null, INVALID_REQUEST, "a message must be a JSON object")));
    };
    let Some(method) = map.get("method").and_then(Value::as_str).map(str::to_owned) else {
        let answers = map.contains_key("result") || map.contains_key("error");
        return match map.get("id") {
            _ if answers => Ok(message),
            Some(id) if id.is_string() || id.is_i64() => {
                Err(Some(Refusal::new(id.clone(), INVALID_REQUEST, "method: it is missing; it must be a text")))
            }
            _ => Err(Some(Refusal::new(Value::Null, INVALID_REQUEST, "it is no request: it has no method"))),
        };
    };
    let notification = !map.contains_key("id");
    let id = map.get("id").cloned().unwrap_or(Value::Null);
    let refused = |code: i64, why: String| if notification { None } else { Some(Refusal::new(id.clone(), code, why)) };
    if !(notification || id.is_string() || id.is_i64()) {
        let shown = if id.is_number() { id.clone() } else { Value::Null };
        return Err(Some(Refusal::new(shown, INVALID_REQUEST, "id: it must be a text or a whole number")));
    }
    if map.get("jsonrpc").is_some_and(|version| version != "2.0") {
        return Err(refused(INVALID_REQUEST, "jsonrpc: it must be \"2.0\"".to_owned()));
    }
    map.insert("jsonrpc".to_owned(), json!("2.0"));
    if map.get("params").is_some_and(Value::is_null) {
        map.remove("params");
    }
    let mut params = match map.remove("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params,
        Some(_) => return Err(refused(INVALID_PARAMS, "params: it must be an object".to_owned())),
    };
    let had_none = params.is_empty();
    check(&method, &mut params).map_err(|why| refused(INVALID_PARAMS, why))?;
    if !(had_none && params.is_empty()) {
        map.insert("params".to_owned(), Value::Object(params));
    }
    Ok(message)
}

/// Reads a message that was put right.
pub(super) fn read(message: Value) -> Result<ClientJsonRpcMessage, Option<Refusal>> {
    let id = message.get("id").cloned();
    let method = message["method"].as_str().unwrap_or_default().to_owned();
    let wrong = |code: i64, why: String| id.clone().map(|id| Refusal::new(id, code, why));
    match serde_json::from_value::<ClientJsonRpcMessage>(message) {
        // What has a known method and is not read as that has other parameters.
        Ok(JsonRpcMessage::Request(request))
            if matches!(request.request, ClientRequest::CustomRequest(_)) && is_known(&method) =>
        {
            Err(wrong(INVALID_PARAMS, format!("the parameters of {method} are not those of the protocol")))
        }
        Ok(message) => Ok(message),
        Err(_) if is_known(&method) => {
            Err(wrong(INVALID_PARAMS, format!("the parameters of {method} are not those of the protocol")))
        }
        Err(_) => Err(wrong(INVALID_REQUEST, "it is no message of the protocol".to_owned())),
    }
}

fn is_known(method: &str) -> bool {
    matches!(
        method,
        "initialize"
            | "ping"
            | "server/discover"
            | "tools/list"
            | "tools/call"
            | "resources/list"
            | "resources/read"
            | "resources/templates/list"
            | "prompts/list"
            | "prompts/get"
            | "logging/setLevel"
    )
}

/// Puts the parameters of a method right. The error completes “invalid params: …”.
fn check(method: &str, params: &mut Map<String, Value>) -> Result<(), String> {
    params.retain(|_, value| !value.is_null());
    if let Some(meta) = params.get_mut("_meta") {
        let Some(meta) = meta.as_object_mut() else { return Err("_meta: it must be an object".to_owned()) };
        meta.retain(|_, value| !value.is_null());
        if meta.get("progressToken").is_some_and(|token| !token.is_string() && !token.is_i64()) {
            return Err("_meta.progressToken: it must be a text or a whole number".to_owned());
        }
    }
    match method {
        "initialize" => {
            if !params.get("protocolVersion").is_some_and(Value::is_string) {
                params.insert("protocolVersion".to_owned(), json!(DEFAULT_REVISION));
            }
            if !params.get("capabilities").is_some_and(Value::is_object) {
                params.insert("capabilities".to_owned(), json!({}));
            }
            let about = params.remove("clientInfo");
            let mut about = about.and_then(|about| about.as_object().cloned()).unwrap_or_default();
            about.retain(|_, value| !value.is_null());
            for (key, default) in [("name", "unnamed"), ("version", "0")] {
                if !about.get(key).is_some_and(Value::is_string) {
                    about.insert(key.to_owned(), json!(default));
                }
            }
            params.insert("clientInfo".to_owned(), Value::Object(about));
            Ok(())
        }
        "tools/call" => {
            text(params, "name", "the name of a tool; tools/list has them")?;
            arguments(params)
        }
        "prompts/get" => {
            text(params, "name", "the name of a prompt; prompts/list has them")?;
            arguments(params)
        }
        "resources/read" => text(params, "uri", "the address of a resource; resources/list has them"),
        "logging/setLevel" => {
            text(params, "level", "debug, info, notice, warning, error, critical, alert or emergency")
        }
        "tools/list" | "resources/list" | "resources/templates/list" | "prompts/list" => match params.get("cursor") {
            Some(cursor) if !cursor.is_string() => Err("cursor: it must be a text".to_owned()),
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

fn text(params: &Map<String, Value>, key: &str, what: &str) -> Result<(), String> {
    match params.get(key) {
        Some(Value::String(_)) => Ok(()),
        None => Err(format!("{key}: it is missing; give {what}")),
        Some(other) => Err(format!("{key}: it is {}; give {what}", excerpt(&other.to_string(), 60))),
    }
}

/// Arguments as an object, also where they were sent as the text of one.
fn arguments(params: &mut Map<String, Value>) -> Result<(), String> {
    let wrong = |given: &Value| {
        format!("arguments: they are {}; give an object, or the text of one", excerpt(&given.to_string(), 60))
    };
    let read = match params.get("arguments") {
        None | Some(Value::Object(_)) => return Ok(()),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => match serde_json::from_str::<Value>(text) {
            Ok(read @ Value::Object(_)) => read,
            // Twice over.
            Ok(Value::String(inner)) => serde_json::from_str(&inner)
                .ok()
                .filter(Value::is_object)
                .ok_or_else(|| wrong(&Value::String(text.clone())))?,
            Ok(Value::Null) => json!({}),
            _ => return Err(wrong(&Value::String(text.clone()))),
        },
        Some(other) => return Err(wrong(other)),
    };
    params.insert("arguments".to_owned(), read);
    Ok(())
}

/// The id of a frame that cannot be read as a whole, where it stands near its beginning; else null.
pub(super) fn id_at_start(frame: &[u8]) -> Value {
    let frame = &frame[..frame.len().min(SEARCHED_BYTES)];
    let (mut depth, mut at) = (0_usize, 0);
    // A key or a value: the first is followed by a colon.
    let mut key: Option<&[u8]> = None;
    while let Some(byte) = frame.get(at) {
        match byte {
            b'"' => {
                let Some(end) = end_of_string(frame, at) else { return Value::Null };
                let whole = &frame[at..end];
                let is_value = key.is_some();
                if depth == 1 && key == Some(b"\"id\"") {
                    return serde_json::from_slice(whole).unwrap_or(Value::Null);
                }
                key = if is_value { None } else { key };
                let after = frame[end..].iter().position(|byte| !byte.is_ascii_whitespace()).map(|next| end + next);
                if !is_value && after.is_some_and(|after| frame[after] == b':') {
                    key = Some(whole);
                }
                at = end;
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                key = None;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                key = None;
            }
            b',' => key = None,
            b'-' | b'0'..=b'9' if depth == 1 && key == Some(b"\"id\"") => {
                let number = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
                let end = frame[at..].iter().position(|byte| !number(byte)).map(|length| at + length);
                let read = end.and_then(|end| serde_json::from_slice::<Value>(&frame[at..end]).ok());
                return read.filter(Value::is_i64).unwrap_or(Value::Null);
            }
            _ => {}
        }
        at += 1;
    }
    Value::Null
}

/// Where a string that begins at a place ends: behind its quote.
fn end_of_string(frame: &[u8], start: usize) -> Option<usize> {
    let mut escaped = false;
    for (index, byte) in frame.iter().enumerate().skip(start + 1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(index + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(method: &str, params: &Value) -> Value {
        json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
    }

    fn refusal(message: Value) -> Refusal {
        match tidy(message).and_then(read) {
            Err(Some(refusal)) => refusal,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_can_mean_one_thing_is_put_right() {
        let call = |arguments: Value| request("tools/call", &json!({"name": "t", "arguments": arguments}));
        let whole = call(json!({"order_id": "ORD000003"}));
        for given in [json!("{\"order_id\":\"ORD000003\"}"), json!("\"{\\\"order_id\\\":\\\"ORD000003\\\"}\"")] {
            assert_eq!(tidy(call(given)).unwrap(), whole);
        }
        assert_eq!(tidy(whole.clone()).unwrap(), whole);
        assert_eq!(tidy(call(Value::Null)).unwrap()["params"], json!({"name": "t"}));
        assert_eq!(tidy(call(json!(""))).unwrap()["params"]["arguments"], json!({}));
        let thin = tidy(json!({"id": 1, "method": "initialize"})).unwrap();
        assert_eq!(thin["params"]["clientInfo"], json!({"name": "unnamed", "version": "0"}));
        assert!(matches!(read(thin), Ok(JsonRpcMessage::Request(_))));
        let named =
            json!({"protocolVersion": "2025-06-18", "capabilities": null, "clientInfo": {"name": "x", "title": null}});
        let named = tidy(request("initialize", &named)).unwrap();
        assert_eq!(named["params"]["clientInfo"], json!({"name": "x", "version": "0"}));
        assert_eq!(named["params"]["protocolVersion"], "2025-06-18");
        for params in [Value::Null, json!({}), json!({"cursor": null}), json!({"_meta": null})] {
            assert!(read(tidy(request("tools/list", &params)).unwrap()).is_ok(), "{params}");
        }
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_id_and_reason() {
        for (method, params, reason) in [
            ("tools/call", json!({}), "name: it is missing"),
            ("tools/call", json!({"name": 5}), "name: it is 5"),
            ("tools/call", json!({"name": "t", "arguments": [1]}), "arguments: they are [1]"),
            ("tools/call", json!({"name": "t", "arguments": "{"}), "arguments: they are \"{\""),
            ("tools/call", json!([]), "params: it must be an object"),
            ("resources/read", json!({}), "uri: it is missing"),
            ("prompts/get", Value::Null, "name: it is missing"),
            ("logging/setLevel", json!({}), "level: it is missing"),
            ("logging/setLevel", json!({"level": "loud"}), "logging/setLevel"),
            ("tools/list", json!({"cursor": 5}), "cursor"),
            ("tools/list", json!({"_meta": 5}), "_meta"),
            ("tools/list", json!({"_meta": {"progressToken": {}}}), "progressToken"),
        ] {
            let refused = refusal(request(method, &params));
            assert_eq!((refused.code, &refused.id), (INVALID_PARAMS, &json!(7)), "{method} {params}");
            assert!(refused.message.contains(reason), "{}", refused.message);
        }
        for (message, id) in [
            (json!({"jsonrpc": "1.0", "id": 7, "method": "ping"}), json!(7)),
            (json!({"jsonrpc": "2.0", "id": "x"}), json!("x")),
            (json!({"jsonrpc": "2.0", "id": null, "method": "ping"}), Value::Null),
            (json!({"jsonrpc": "2.0", "id": 1.5, "method": "ping"}), json!(1.5)),
            (json!(5), Value::Null),
        ] {
            let refused = refusal(message);
            assert_eq!((refused.code, refused.id), (INVALID_REQUEST, id));
        }
        let cancelled = json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": [1]});
        assert_eq!(tidy(cancelled), Err(None), "nobody waits for an answer to a notification");
    }

    #[test]
    fn batches_belong_to_old_revisions() {
        let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
        assert_eq!(refuse_batch(std::slice::from_ref(&ping), Some("2025-03-26")), None);
        assert_eq!(refuse_batch(std::slice::from_ref(&ping), None), None);
        for (list, revision, reason) in [
            (vec![ping.clone()], Some("2025-11-25"), "2025-11-25"),
            (vec![], None, "empty"),
            (vec![ping.clone(); 33], None, "33"),
            (vec![json!({"method": "initialize"})], None, "initialize"),
        ] {
            assert!(refuse_batch(&list, revision).unwrap().message.contains(reason));
        }
    }

    #[test]
    fn an_id_is_found_at_the_start_of_a_broken_frame() {
        for (frame, id) in [
            ("{\"jsonrpc\":\"2.0\",\"id\":12,\"method\":\"xxx", json!(12)),
            ("{\"jsonrpc\":\"2.0\", \"id\" : \"a\\\"b\" ,\"params\":{", json!("a\"b")),
            ("{\"params\":{\"id\":5,\"x\":[{\"id\":6}]},\"id\":-7,", json!(-7)),
            ("{\"a\":\"id\",\"id\":1}", json!(1)),
            ("{\"params\":{\"id\":5", Value::Null),
            ("{\"id\":1.5,\"x", Value::Null),
            ("{\"id\":12", Value::Null),
            ("[{\"id\":12,", Value::Null),
            ("nonsense", Value::Null),
            ("", Value::Null),
        ] {
            assert_eq!(id_at_start(frame.as_bytes()), id, "{frame}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_searched(bytes in prop::collection::vec(any::<u8>(), 0..200), text in r#"[{}\[\]",:id0-9\\ ]{0,80}"#) {
            id_at_start(&bytes);
            id_at_start(text.as_bytes());
        }

        #[test]
        fn the_id_of_a_whole_frame_is_its_id(id in any::<i64>(), method in "[a-z/]{0,20}", text in ".{0,40}") {
            let frame = json!({"jsonrpc": "2.0", "params": {"id": text, "x": [text]}, "method": method, "id": id, "z": 1});
            prop_assert_eq!(id_at_start(frame.to_string().as_bytes()), json!(id));
        }
    }
}

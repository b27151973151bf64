//! The manners of clients over HTTP: which answers they take, what of their messages is put right, and batches.

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;

use super::LARGEST_REQUEST;
use crate::mcp::manners::{self, INVALID_PARAMS, INVALID_REQUEST, PARSE_ERROR, Refusal};

/// The largest answer that is turned from a stream into one JSON, in bytes.
const LARGEST_ANSWER: usize = 8_388_608;
const BOTH: HeaderValue = HeaderValue::from_static("application/json, text/event-stream");
const STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// What a client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepted {
    /// JSON and streams, by their names.
    Both,
    /// JSON, or anything, or it does not say: it gets JSON.
    Json,
    /// Something else.
    Other,
}

/// Puts a request right, and its answer into the form that the client takes.
pub(super) async fn apply(mut request: Request, next: Next) -> Response {
    if request.method() == Method::GET && takes_anything(request.headers()) {
        request.headers_mut().insert(header::ACCEPT, STREAM);
    }
    if request.method() != Method::POST {
        return next.run(request).await;
    }
    let accepted = accepted(request.headers());
    if accepted == Accepted::Other {
        let why = "application/json must be accepted: answers are JSON; Accept names something else only";
        return refuse(StatusCode::NOT_ACCEPTABLE, &Refusal::new(Value::Null, INVALID_REQUEST, why));
    }
    let too_large = || {
        let why = format!("the request holds more than {LARGEST_REQUEST} bytes");
        refuse(StatusCode::PAYLOAD_TOO_LARGE, &Refusal::new(Value::Null, INVALID_REQUEST, why))
    };
    let length =
        request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > LARGEST_REQUEST as u64) {
        return too_large();
    }
    let (parts, body) = request.into_parts();
    let body = match to_bytes(body, LARGEST_REQUEST).await {
        Ok(body) => body,
        Err(error) if error.to_string().contains("limit") => return too_large(),
        Err(_) => return (StatusCode::BAD_REQUEST, "the request was cut off\n").into_response(),
    };
    let message = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(list)) => return batch(&parts, list, &next).await,
        Ok(message) => message,
        Err(error) => {
            let why = format!("it is no JSON: {error}");
            return refuse(StatusCode::BAD_REQUEST, &Refusal::new(manners::id_at_start(&body), PARSE_ERROR, why));
        }
    };
    match manners::tidy(message.clone()) {
        // What needed nothing goes on as it came.
        Ok(tidied) if tidied == message => {
            // A stream that was asked for by its method never ends.
            let accepted = if message["method"] == "subscriptions/listen" && accepted == Accepted::Json {
                Accepted::Both
            } else {
                accepted
            };
            forward(&parts, body.into(), accepted, &next).await
        }
        Ok(tidied) => forward(&parts, tidied.to_string().into(), accepted, &next).await,
        Err(Some(refusal)) => {
            // A request that was understood is answered, one that is none is refused.
            let status = if refusal.code == INVALID_PARAMS { StatusCode::OK } else { StatusCode::BAD_REQUEST };
            refuse(status, &refusal)
        }
        Err(None) => (StatusCode::BAD_REQUEST, "the notification cannot be read\n").into_response(),
    }
}

async fn forward(parts: &Parts, body: Body, accepted: Accepted, next: &Next) -> Response {
    let mut request = Request::from_parts(parts.clone(), body);
    request.headers_mut().remove(header::CONTENT_LENGTH);
    request.headers_mut().insert(header::ACCEPT, BOTH);
    let response = next.clone().run(request).await;
    let stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    if accepted == Accepted::Json && stream { whole(response).await } else { response }
}

/// A stream as its one answer: the message that has a result or an error.
async fn whole(response: Response) -> Response {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, LARGEST_ANSWER).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&body);
    let messages = text.lines().filter_map(|line| serde_json::from_str::<Value>(line.strip_prefix("data:")?).ok());
    let answer = messages.into_iter().find(|message| message.get("result").is_some() || message.get("error").is_some());
    let Some(answer) = answer else {
        return (StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be given as one JSON\n").into_response();
    };
    parts.headers.insert(header::CONTENT_TYPE, JSON);
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.remove(header::TRANSFER_ENCODING);
    Response::from_parts(parts, answer.to_string().into())
}

/// A batch, one message after the other. A revision that is not named is the one that has batches.
async fn batch(parts: &Parts, list: Vec<Value>, next: &Next) -> Response {
    let revision = parts.headers.get("mcp-protocol-version").map(|revision| revision.to_str().unwrap_or("?"));
    if let Some(refusal) = manners::refuse_batch(&list, revision) {
        let mut refusals = manners::for_each_id(&list, &refusal);
        if refusals.len() == 1 {
            return refuse(StatusCode::BAD_REQUEST, &refusals.remove(0));
        }
        let refusals: Vec<Value> = refusals.iter().map(Refusal::to_json).collect();
        return (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, JSON)], Value::Array(refusals).to_string())
            .into_response();
    }
    let mut answers = Vec::new();
    for message in list {
        let tidied = match manners::tidy(message) {
            Ok(tidied) => tidied,
            Err(refusal) => {
                answers.extend(refusal.map(|refusal| refusal.to_json()));
                continue;
            }
        };
        let id = tidied.get("id").cloned().filter(|_| tidied.get("method").is_some());
        let response = forward(parts, tidied.to_string().into(), Accepted::Json, next).await;
        let Some(id) = id else { continue };
        let status = response.status();
        let body = to_bytes(response.into_body(), LARGEST_ANSWER).await.unwrap_or_default();
        answers.push(serde_json::from_slice::<Value>(&body).unwrap_or_else(|_| {
            let why = format!("{}: {}", status.as_u16(), String::from_utf8_lossy(&body).trim());
            Refusal::new(id, INVALID_REQUEST, why).to_json()
        }));
    }
    if answers.is_empty() {
        return StatusCode::ACCEPTED.into_response();
    }
    ([(header::CONTENT_TYPE, JSON)], Value::Array(answers).to_string()).into_response()
}

fn refuse(status: StatusCode, refusal: &Refusal) -> Response {
    (status, [(header::CONTENT_TYPE, JSON)], refusal.to_json().to_string()).into_response()
}

/// The media types that a client names and does not refuse.
fn media(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges = values.flat_map(|value| value.split(',')).filter(|range| {
        let weight =
            range.split(';').skip(1).find_map(|part| part.trim().strip_prefix("q=")?.trim().parse::<f32>().ok());
        weight.is_none_or(|weight| weight > 0.0)
    });
    ranges.filter_map(|range| range.split(';').next()).map(|range| range.trim().to_ascii_lowercase()).collect()
}

fn accepted(headers: &HeaderMap) -> Accepted {
    let media = media(headers);
    let has = |names: &[&str]| media.iter().any(|range| names.contains(&range.as_str()));
    let json = has(&["application/json", "application/*", "*/*"]) || !headers.contains_key(header::ACCEPT);
    match (json, has(&["text/event-stream"])) {
        (true, true) => Accepted::Both,
        (true, false) => Accepted::Json,
        (false, _) => Accepted::Other,
    }
}

fn takes_anything(headers: &HeaderMap) -> bool {
    media(headers).iter().any(|range| matches!(range.as_str(), "*/*" | "text/*"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_takes_is_read() {
        let of = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::ACCEPT, value.parse().unwrap());
            }
            accepted(&headers)
        };
        assert_eq!(of(Some("application/json, text/event-stream")), Accepted::Both);
        assert_eq!(of(Some("text/event-stream;q=0.5, */*;q=0.1")), Accepted::Both);
        for json in [
            None,
            Some("*/*"),
            Some("application/json"),
            Some("application/*; q=0.8"),
            Some("*/*, text/event-stream;q=0"),
        ] {
            assert_eq!(of(json), Accepted::Json, "{json:?}");
        }
        for other in ["text/html", "text/event-stream", "application/json;q=0"] {
            assert_eq!(of(Some(other)), Accepted::Other, "{other}");
        }
    }
}

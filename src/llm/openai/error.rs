//! Classifies failed requests: whether to send one again, to another model, or not at all.
//!
//! It must never retry what the service refused for good.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;

use super::parameters::named;
use crate::domain::words::excerpt;
use crate::llm::LlmError;

/// Why a request got no answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RequestError {
    /// The service cannot be reached, or the connection broke.
    Network(String),
    /// No answer in time.
    Timeout,
    /// The service takes no request now, by its answer or by the limits it reported before.
    Busy {
        /// 0: known before it was asked.
        status: u16,
        /// When to try again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The model made a call that cannot be read, or called an unknown tool.
    ToolUse {
        /// The unknown tool.
        unknown: Option<String>,
    },
    /// The service refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its reason as one sentence, shortened.
        message: String,
        /// The optional parameters of a request that it names.
        names: Vec<&'static str>,
    },
    /// The answer cannot be used.
    Unusable(String),
}

impl RequestError {
    /// Reads an answer that is no success.
    pub(super) fn of(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let read = serde_json::from_slice::<Value>(body).unwrap_or(Value::Null);
        let read = read.as_array().and_then(|list| list.first()).unwrap_or(&read);
        let code = read["error"]["code"].as_str().unwrap_or_default();
        let number = status.as_u16();
        let message = told(body);
        match number {
            400 if code == "tool_use_failed" => Self::ToolUse { unknown: unknown_tool(&message) },
            408 | 409 | 429 | 498 | 500..=599 => Self::Busy { status: number, retry_after },
            400 | 422 => Self::Refused { status: number, message, names: named(body) },
            _ => Self::Refused { status: number, message, names: Vec::new() },
        }
    }

    /// Whether the same request may succeed in a moment.
    pub(super) fn is_retryable(&self) -> bool {
        matches!(self, Self::Network(_) | Self::Busy { .. })
    }

    /// Whether another model of the same service may answer.
    pub(super) fn try_another_model(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Timeout | Self::Unusable(_) => true,
            // The key and the network are the same for every model.
            Self::Refused { status, .. } => !matches!(status, 401..=403),
            Self::Network(_) | Self::ToolUse { .. } => false,
        }
    }

    /// How long to wait before a retry, if the service said so.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The label in metrics.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Network(_) => "network",
            Self::Timeout => "late",
            Self::Busy { status: 429 | 0, .. } => "rate_limit",
            Self::Busy { status: 498, .. } => "capacity",
            Self::Busy { .. } => "server",
            Self::ToolUse { .. } => "tool_use",
            Self::Refused { .. } => "refused",
            Self::Unusable(_) => "unusable",
        }
    }
}

impl From<RequestError> for LlmError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Network(reason) => Self::Unavailable(reason),
            RequestError::Timeout => Self::Timeout,
            RequestError::Busy { status: 0, .. } => Self::Unavailable("its rate limit is used up".to_owned()),
            RequestError::Busy { status, .. } => Self::Unavailable(format!("it answers with {status}")),
            RequestError::ToolUse { unknown: Some(tool) } => {
                Self::Unusable(format!("it calls “{tool}”, which is no tool"))
            }
            RequestError::ToolUse { unknown: None } => Self::Unusable("it made no call that can be read".to_owned()),
            RequestError::Refused { status, message, .. } => Self::Refused { status, message },
            RequestError::Unusable(what) => Self::Unusable(what),
        }
    }
}

/// The body of an error as one sentence, whatever its shape.
fn told(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let sentence = match serde_json::from_slice::<Value>(body) {
        Ok(read) => {
            let messages = messages_of(&read);
            if messages.is_empty() { text.into_owned() } else { messages.join("; ") }
        }
        Err(_) if text.trim_start().starts_with('<') => "it answers with a page instead of JSON".to_owned(),
        Err(_) => text.into_owned(),
    };
    let sentence = sentence.split_whitespace().collect::<Vec<_>>().join(" ");
    if sentence.is_empty() { "it gives no reason".to_owned() } else { excerpt(&sentence, 300) }
}

/// The fields of an error that say what is wrong.
const MESSAGES: [&str; 10] =
    ["error", "message", "detail", "details", "errors", "msg", "error_description", "error_message", "reason", "title"];

/// What an error says, in the shapes of `OpenAI` and Groq (`error.message`), vLLM (`message`), `FastAPI` (`detail`), xAI and
/// Ollama (`error`), Gemini (a list) and others.
pub(super) fn messages_of(body: &Value) -> Vec<String> {
    let mut found = Vec::new();
    collect(body, 0, &mut found);
    found
}

fn collect(value: &Value, depth: usize, found: &mut Vec<String>) {
    if depth > 6 || found.len() >= 8 {
        return;
    }
    match value {
        Value::String(text) if !text.trim().is_empty() => found.push(text.trim().to_owned()),
        Value::Array(list) => list.iter().for_each(|value| collect(value, depth + 1, found)),
        Value::Object(map) => {
            // `FastAPI` says where, and what.
            if let (Some(place), Some(what)) = (map.get("loc").and_then(Value::as_array), map.get("msg")) {
                let path = place.iter().map(|part| part.as_str().map_or_else(|| part.to_string(), str::to_owned));
                let what = what.as_str().unwrap_or("it is wrong");
                return found.push(format!("{}: {what}", path.collect::<Vec<_>>().join(".")));
            }
            // The first that says something: the others repeat it.
            for key in MESSAGES {
                let before = found.len();
                if let Some(inside) = map.get(key) {
                    collect(inside, depth + 1, found);
                }
                if found.len() > before {
                    return;
                }
            }
        }
        _ => {}
    }
}

/// The tool in “attempted to call tool 'x' which was not in request.tools”.
fn unknown_tool(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("attempted to call tool")?;
    let name = rest.trim_start().trim_start_matches(['\'', '"', '`']);
    let end = name.find(['\'', '"', '`', ' ']).unwrap_or(name.len());
    Some(excerpt(&name[..end], 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> RequestError {
        RequestError::of(StatusCode::from_u16(status).unwrap(), Some(Duration::from_secs(3)), body.as_bytes())
    }

    #[test]
    fn errors_are_distinguished() {
        for status in [408, 409, 429, 498, 500, 502, 503, 504] {
            let error = of(status, "{\"error\":{\"message\":\"x\",\"code\":\"y\"}}");
            assert!(error.is_retryable() && error.try_another_model(), "{status}");
            assert_eq!(error.retry_after(), Some(Duration::from_secs(3)));
        }
        for status in [400, 401, 403, 404, 413, 422] {
            assert!(!of(status, "<html>").is_retryable(), "{status}");
        }
        assert!(!of(401, "").try_another_model() && of(404, "").try_another_model());
        let unknown = of(
            400,
            r#"{"error":{"message":"tool call validation failed: attempted to call tool 'listFiles' which was not in request.tools","code":"tool_use_failed"}}"#,
        );
        assert_eq!(unknown, RequestError::ToolUse { unknown: Some("listFiles".into()) });
        let failed = of(400, r#"{"error":{"message":"Failed to call a function.","code":"tool_use_failed"}}"#);
        assert_eq!(failed, RequestError::ToolUse { unknown: None });
        assert!(!failed.is_retryable() && !failed.try_another_model());
        assert_eq!(of(400, r#"{"error":{"message":"no","code":17}}"#).code(), "refused");
    }

    #[test]
    fn an_error_of_any_shape_is_one_sentence() {
        for (body, expected) in [
            (r#"{"error":{"message":"Invalid API Key","type":"x","code":"y"}}"#, "Invalid API Key"),
            (r#"{"object":"error","message":"no such model","type":"NotFoundError","code":404}"#, "no such model"),
            (
                r#"{"detail":[{"loc":["body","tool_choice"],"msg":"extra fields not permitted","type":"v"},{"loc":["body","messages",0],"msg":"wrong"}]}"#,
                "body.tool_choice: extra fields not permitted; body.messages.0: wrong",
            ),
            (r#"{"detail":"Not authenticated"}"#, "Not authenticated"),
            (
                r#"{"code":"The caller lacks permission","error":"Your team has no credits."}"#,
                "Your team has no credits.",
            ),
            (
                r#"[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]"#,
                "API key not valid.",
            ),
            (r#"{"error":"model 'x' not found,\n try pulling it"}"#, "model 'x' not found, try pulling it"),
            (r#"{"error":{"message":{"detail":"deep"}}}"#, "deep"),
            ("<html><h1>502</h1>", "it answers with a page instead of JSON"),
            ("upstream error", "upstream error"),
            ("", "it gives no reason"),
        ] {
            let RequestError::Refused { message, .. } = of(404, body) else { panic!("{body}") };
            assert_eq!(message, expected, "{body}");
        }
        let RequestError::Refused { names, .. } = of(422, r#"{"detail":[{"loc":["body","temperature"],"msg":"no"}]}"#)
        else {
            panic!()
        };
        assert_eq!(names, ["temperature"]);
        let RequestError::Refused { names, .. } = of(404, r#"{"error":"temperature"}"#) else { panic!() };
        assert!(names.is_empty(), "only a request that is wrong may be changed");
    }
}

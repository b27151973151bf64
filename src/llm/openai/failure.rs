//! Decides what a failed request means: whether to send it again, to another model, or not at all.
//!
//! It must never send again what the service refused for good.

use std::time::Duration;

use reqwest::StatusCode;

use super::wire::ErrorBody;
use crate::domain::words::excerpt;
use crate::llm::LlmError;

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    /// The service cannot be reached, or the connection broke.
    Network(String),
    /// No answer in time.
    Late,
    /// The service cannot take more now: by its own word, or by what it said of its limits before.
    Busy {
        /// 0: known before it was asked.
        status: u16,
        /// When to come again, if it said so.
        retry_after: Option<Duration>,
    },
    /// The model made no call that can be read, or called a tool that there is none of.
    ToolUse {
        /// The tool that is not there.
        unknown: Option<String>,
    },
    /// The service refused.
    Refused {
        /// The HTTP status.
        status: u16,
        /// Its reason, shortened.
        message: String,
    },
    /// What came is no answer.
    Unusable(String),
}

impl Failure {
    /// Reads an answer that is no success.
    pub fn of(status: StatusCode, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let error = serde_json::from_slice::<ErrorBody>(body).unwrap_or_default().error;
        let code = error.code.as_ref().and_then(|code| code.as_str()).unwrap_or_default();
        let number = status.as_u16();
        match number {
            400 if code == "tool_use_failed" => Self::ToolUse { unknown: unknown_tool(&error.message) },
            408 | 409 | 429 | 498 | 500..=599 => Self::Busy { status: number, retry_after },
            _ => Self::Refused { status: number, message: excerpt(error.message.trim(), 200) },
        }
    }

    /// Whether the same request may do better in a moment.
    pub fn again(&self) -> bool {
        matches!(self, Self::Network(_) | Self::Busy { .. })
    }

    /// Whether another model of the same service may do better.
    pub fn another_model(&self) -> bool {
        match self {
            Self::Busy { .. } | Self::Late | Self::Unusable(_) => true,
            // The key and the network are the same for every model.
            Self::Refused { status, .. } => !matches!(status, 401..=403),
            Self::Network(_) | Self::ToolUse { .. } => false,
        }
    }

    /// When the service wants to be asked again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Busy { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A short word for counters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Network(_) => "network",
            Self::Late => "late",
            Self::Busy { status: 429 | 0, .. } => "rate_limit",
            Self::Busy { status: 498, .. } => "capacity",
            Self::Busy { .. } => "server",
            Self::ToolUse { .. } => "tool_use",
            Self::Refused { .. } => "refused",
            Self::Unusable(_) => "unusable",
        }
    }
}

impl From<Failure> for LlmError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Network(reason) => Self::Unavailable(reason),
            Failure::Late => Self::Late,
            Failure::Busy { status: 0, .. } => Self::Unavailable("its rate limit is used up".to_owned()),
            Failure::Busy { status, .. } => Self::Unavailable(format!("it answers with {status}")),
            Failure::ToolUse { unknown: Some(tool) } => Self::Unusable(format!("it calls “{tool}”, which is no tool")),
            Failure::ToolUse { unknown: None } => Self::Unusable("it made no call that can be read".to_owned()),
            Failure::Refused { status, message } => Self::Refused { status, message },
            Failure::Unusable(what) => Self::Unusable(what),
        }
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

    fn of(status: u16, body: &str) -> Failure {
        Failure::of(StatusCode::from_u16(status).unwrap(), Some(Duration::from_secs(3)), body.as_bytes())
    }

    #[test]
    fn errors_are_told_apart() {
        for status in [408, 409, 429, 498, 500, 502, 503, 504] {
            let failure = of(status, "{\"error\":{\"message\":\"x\",\"code\":\"y\"}}");
            assert!(failure.again() && failure.another_model(), "{status}");
            assert_eq!(failure.retry_after(), Some(Duration::from_secs(3)));
        }
        for status in [400, 401, 403, 404, 413, 422] {
            assert!(!of(status, "<html>").again(), "{status}");
        }
        assert!(!of(401, "").another_model() && of(404, "").another_model());
        let unknown = of(
            400,
            r#"{"error":{"message":"tool call validation failed: attempted to call tool 'listFiles' which was not in request.tools","code":"tool_use_failed"}}"#,
        );
        assert_eq!(unknown, Failure::ToolUse { unknown: Some("listFiles".into()) });
        let failed = of(400, r#"{"error":{"message":"Failed to call a function.","code":"tool_use_failed"}}"#);
        assert_eq!(failed, Failure::ToolUse { unknown: None });
        assert!(!failed.again() && !failed.another_model());
        assert_eq!(of(400, r#"{"error":{"message":"no","code":17}}"#).code(), "refused");
    }
}

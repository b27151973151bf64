//! What the services that hear recordings and look at pictures have in common: how they are reached, what their answers may hold and
//! what a failure means.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use secrecy::SecretString;

use crate::domain::words::excerpt;
use crate::net::innermost;
use crate::telemetry::metric;

/// The settings of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the service is, such as `https://api.groq.com/openai/v1`.
    pub base_url: String,
    /// Its key.
    pub api_key: SecretString,
    /// The model that hears or sees.
    pub model: String,
    /// How long one request may take.
    pub request: Duration,
    /// How long connecting may take.
    pub connect: Duration,
}

/// Why a recording was not written down, or a picture not described.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct ServiceError {
    /// The reason, in one sentence.
    pub reason: String,
    /// Whether the same request may succeed later.
    pub passes: bool,
    /// The time that the service asks to wait.
    pub retry_after: Option<Duration>,
}

/// An error that the same request would meet again.
pub(super) fn failed(reason: String) -> ServiceError {
    ServiceError { reason, passes: false, retry_after: None }
}

/// Counts a request by its outcome, and how long it took.
pub(super) async fn measured<T>(
    model: &str,
    request: impl Future<Output = Result<T, ServiceError>>,
) -> Result<T, ServiceError> {
    let started = Instant::now();
    let answered = request.await;
    let result = match &answered {
        Ok(_) => "ok",
        Err(error) if error.passes => "server",
        Err(_) => "refused",
    };
    counter!(metric::LLM_REQUESTS, "model" => model.to_owned(), "result" => result).increment(1);
    histogram!(metric::LLM_REQUEST_SECONDS, "model" => model.to_owned()).record(started.elapsed().as_secs_f64());
    answered
}

/// The body of a service's answer, of at most `longest` bytes.
pub(super) async fn answer(request: reqwest::RequestBuilder, longest: usize) -> Result<Vec<u8>, ServiceError> {
    let unreachable = |error: reqwest::Error| ServiceError {
        reason: excerpt(&innermost(&error.without_url()), 300),
        passes: true,
        retry_after: None,
    };
    let mut answer = request.send().await.map_err(unreachable)?;
    let status = answer.status();
    let asked = answer.headers().get(reqwest::header::RETRY_AFTER);
    let asked: Option<u64> = asked.and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > longest {
            return Err(failed(format!("its answer holds more than {longest} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    if status.is_success() {
        return Ok(body);
    }
    let number = status.as_u16();
    Err(ServiceError {
        // The body may repeat the key.
        reason: format!("the service answers with {number}"),
        passes: matches!(number, 408 | 409 | 425 | 429 | 498 | 500..=599),
        retry_after: asked.map(|seconds| Duration::from_secs(seconds.min(60))),
    })
}

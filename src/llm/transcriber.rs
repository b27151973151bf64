//! Writes down what a recording says, by a service with OpenAI's interface (`audio/transcriptions`). The language is left to the
//! service: whoever speaks need not speak the language that they wrote before.

use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use crate::domain::address;
use crate::domain::media::extension;
use crate::domain::words::excerpt;
use crate::net::{self, innermost};
use crate::telemetry::metric;

/// The largest answer that is read.
const MAX_RESPONSE_BYTES: usize = 256 * 1_024;
/// The longest transcript, in characters: as much as a customer can write in one message.
const LONGEST: usize = 4_096;

/// The settings of a [`Transcriber`].
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the service is, such as `https://api.groq.com/openai/v1`.
    pub base_url: String,
    /// Its key.
    pub api_key: SecretString,
    /// The model that hears.
    pub model: String,
    /// How long one request may take.
    pub request: Duration,
    /// How long connecting may take.
    pub connect: Duration,
}

/// Why a recording was not written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct HearError {
    /// The reason, in one sentence.
    pub reason: String,
    /// Whether the same request may succeed later.
    pub passes: bool,
    /// The time that the service asks to wait.
    pub retry_after: Option<Duration>,
}

/// A client of one service.
pub struct Transcriber {
    http: reqwest::Client,
    settings: Settings,
}

impl Transcriber {
    /// A client. It connects when it is first used.
    ///
    /// # Errors
    /// When no HTTP client can be made here.
    pub fn new(settings: Settings) -> Result<Self, HearError> {
        let http = net::client(settings.connect, Some(settings.request)).map_err(|error| failed(error.to_string()))?;
        Ok(Self { http, settings })
    }

    /// The service's name for messages: no path, no user.
    pub fn host(&self) -> String {
        address::hosts(&self.settings.base_url).to_owned()
    }

    /// The model that hears.
    pub fn model(&self) -> &str {
        &self.settings.model
    }

    /// What a recording of this type says; empty where nothing is said.
    ///
    /// # Errors
    /// Why there is no transcript.
    pub async fn hear(&self, recording: Vec<u8>, mime: &str) -> Result<String, HearError> {
        let started = Instant::now();
        let heard = self.ask(recording, mime).await;
        let model = || self.settings.model.clone();
        let result = match &heard {
            Ok(_) => "ok",
            Err(error) if error.passes => "server",
            Err(_) => "refused",
        };
        counter!(metric::LLM_REQUESTS, "model" => model(), "result" => result).increment(1);
        histogram!(metric::LLM_REQUEST_SECONDS, "model" => model()).record(started.elapsed().as_secs_f64());
        heard
    }

    async fn ask(&self, recording: Vec<u8>, mime: &str) -> Result<String, HearError> {
        let url = format!("{}/audio/transcriptions", self.settings.base_url.trim_end_matches('/'));
        let (kind, body) = form(&self.settings.model, mime, &recording);
        let request = self.http.post(url).bearer_auth(self.settings.api_key.expose_secret());
        let unreachable = |error: reqwest::Error| HearError {
            reason: excerpt(&innermost(&error.without_url()), 300),
            passes: true,
            retry_after: None,
        };
        let mut answer =
            request.header(reqwest::header::CONTENT_TYPE, kind).body(body).send().await.map_err(unreachable)?;
        let status = answer.status();
        let asked = answer.headers().get(reqwest::header::RETRY_AFTER);
        let asked: Option<u64> = asked.and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(failed(format!("its answer holds more than {MAX_RESPONSE_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            let number = status.as_u16();
            return Err(HearError {
                // The body may repeat the key.
                reason: format!("the service answers with {number}"),
                passes: matches!(number, 408 | 409 | 425 | 429 | 498 | 500..=599),
                retry_after: asked.map(|seconds| Duration::from_secs(seconds.min(60))),
            });
        }
        let text = serde_json::from_slice::<Value>(&body).ok();
        let text = text.as_ref().and_then(|body| body["text"].as_str());
        let text = text.ok_or_else(|| failed("its answer holds no text".to_owned()))?;
        Ok(excerpt(text.trim(), LONGEST))
    }
}

fn failed(reason: String) -> HearError {
    HearError { reason, passes: false, retry_after: None }
}

/// The type and the bytes of a form (RFC 7578) with a recording and what is wanted of it.
fn form(model: &str, mime: &str, recording: &[u8]) -> (String, Vec<u8>) {
    // Random, so that nothing in the recording can end its part.
    let boundary = format!("ecomres-{:032x}", rand::random::<u128>());
    let mut body = Vec::with_capacity(recording.len() + 512);
    for (name, value) in [("model", model), ("response_format", "json")] {
        let part =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n", value.trim());
        body.extend_from_slice(part.as_bytes());
    }
    let file = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"recording.{}\"\r\n\
         Content-Type: {mime}\r\n\r\n",
        extension(mime)
    );
    body.extend_from_slice(file.as_bytes());
    body.extend_from_slice(recording);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body)
}

#[cfg(test)]
mod tests {
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    async fn asked(answer: ResponseTemplate) -> (Result<String, HearError>, Vec<u8>) {
        let service = MockServer::start().await;
        Mock::given(method("POST"))
            .and(path("/v1/audio/transcriptions"))
            .and(header("authorization", "Bearer key"))
            .respond_with(answer)
            .mount(&service)
            .await;
        let transcriber = Transcriber::new(Settings {
            base_url: format!("{}/v1/", service.uri()),
            api_key: SecretString::from("key"),
            model: "whisper".to_owned(),
            request: Duration::from_secs(2),
            connect: Duration::from_secs(1),
        });
        let heard = transcriber.unwrap().hear(b"OggS\r\n--x".to_vec(), "audio/ogg").await;
        let requests = service.received_requests().await.unwrap();
        (heard, requests.first().map(|request| request.body.clone()).unwrap_or_default())
    }

    #[tokio::test]
    async fn a_recording_is_sent_as_a_form_and_its_words_come_back() {
        let (heard, body) =
            asked(ResponseTemplate::new(200).set_body_json(serde_json::json!({"text": " hola \n"}))).await;
        assert_eq!(heard.unwrap(), "hola");
        let body = String::from_utf8_lossy(&body);
        for part in [
            "name=\"model\"\r\n\r\nwhisper\r\n",
            "name=\"response_format\"\r\n\r\njson\r\n",
            "filename=\"recording.ogg\"",
        ] {
            assert!(body.contains(part), "{body}");
        }
        assert!(body.contains("\r\n\r\nOggS\r\n--x\r\n--ecomres-") && !body.contains("language"), "{body}");
        let long = "x".repeat(10_000);
        let (heard, _) = asked(ResponseTemplate::new(200).set_body_json(serde_json::json!({"text": long}))).await;
        assert!(heard.unwrap().chars().count() <= LONGEST + 1);
    }

    #[tokio::test]
    async fn what_may_pass_is_told_from_what_does_not() {
        let (heard, _) = asked(ResponseTemplate::new(429).insert_header("retry-after", "7")).await;
        let error = heard.unwrap_err();
        assert_eq!((error.passes, error.retry_after), (true, Some(Duration::from_secs(7))));
        let (heard, _) = asked(ResponseTemplate::new(401).set_body_string("key is wrong")).await;
        let error = heard.unwrap_err();
        assert!(!error.passes && !error.to_string().contains("key"));
        let (heard, _) = asked(ResponseTemplate::new(200).set_body_string("<html>")).await;
        assert!(!heard.unwrap_err().passes);
    }
}

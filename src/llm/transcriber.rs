//! Writes down what a recording says, by a service with OpenAI's interface (`audio/transcriptions`). The language is left to the
//! service: whoever speaks need not speak the language that they wrote before.

use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::media_service::{ServiceError, Settings, answer, failed, measured};
use crate::domain::address;
use crate::domain::media::extension;
use crate::domain::words::excerpt;
use crate::net;

/// The largest answer that is read.
const MAX_RESPONSE_BYTES: usize = 256 * 1_024;
/// The longest transcript, in characters: as much as a customer can write in one message.
const LONGEST: usize = 4_096;

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
    pub fn new(settings: Settings) -> Result<Self, ServiceError> {
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
    pub async fn hear(&self, recording: Vec<u8>, mime: &str) -> Result<String, ServiceError> {
        measured(&self.settings.model, self.ask(recording, mime)).await
    }

    async fn ask(&self, recording: Vec<u8>, mime: &str) -> Result<String, ServiceError> {
        let url = format!("{}/audio/transcriptions", self.settings.base_url.trim_end_matches('/'));
        let (kind, body) = form(&self.settings.model, mime, &recording);
        let request = self.http.post(url).bearer_auth(self.settings.api_key.expose_secret());
        let body = answer(request.header(reqwest::header::CONTENT_TYPE, kind).body(body), MAX_RESPONSE_BYTES).await?;
        let text = serde_json::from_slice::<Value>(&body).ok();
        let text = text.as_ref().and_then(|body| body["text"].as_str());
        let text = text.ok_or_else(|| failed("its answer holds no text".to_owned()))?;
        Ok(excerpt(text.trim(), LONGEST))
    }
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
    use std::time::Duration;

    use secrecy::SecretString;
    use wiremock::matchers::{header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;

    async fn asked(answer: ResponseTemplate) -> (Result<String, ServiceError>, Vec<u8>) {
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

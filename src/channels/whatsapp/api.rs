//! The channel that sends through the Graph API, from each of the shop's numbers. The token is never shown.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::error_code::{ApiError, ErrorClass, classify};
use super::gate::{FIRST_WAIT, Gate};
use super::limits::{LIMITS, PAIR_LIMIT};
use super::rate::{RateLimiter, RateLimits};
use super::upload::{self, FileSource};
use super::wire;
use crate::channels::{Channel, Fault, SendError, SendErrorKind, SentId};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::outgoing::{Body, ChannelLimits, Receipt, Status, Template};
use crate::domain::sendable::Sendable;
use crate::domain::words::excerpt;
use crate::net;

/// The timeout of one request, and the longest wait for the rate limits.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(8);
/// The timeout of uploading a file.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(20);
/// The shortest wait of a message after the service asked to slow down.
const SLOW_DOWN_WAIT: Duration = Duration::from_mins(1);

/// How the Graph API is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its address, such as `https://graph.facebook.com`.
    pub base_url: String,
    /// Its version, such as `v25.0`.
    pub version: String,
    /// The identifiers of the shop's numbers, at least one: a reply leaves from the number that the customer wrote to, and
    /// from the first where that is not known.
    pub phone_ids: Vec<String>,
    /// The access token.
    pub token: SecretString,
    /// The template that is sent outside of the window.
    pub template: Option<Template>,
    /// How fast messages may be sent, from each number.
    pub rate: RateLimits,
}

/// The channel to customers on WhatsApp.
pub struct WhatsApp {
    http: reqwest::Client,
    settings: Settings,
    numbers: Vec<Number>,
    files: Option<FileSource>,
}

/// One of the shop's numbers.
struct Number {
    id: String,
    url: String,
    rate: RateLimiter,
    gate: Mutex<Gate>,
}

impl Number {
    fn gate(&self) -> MutexGuard<'_, Gate> {
        self.gate.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The address of the API is invalid, or no number is named.
#[derive(Debug, thiserror::Error)]
#[error("the Graph API cannot be reached: {0}")]
pub struct SetupError(String);

impl SetupError {
    pub(super) fn new(reason: String) -> Self {
        Self(reason)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("whatsapp.graph_url is usually https://graph.facebook.com".to_owned())
    }
}

/// A request that was not accepted.
enum Refusal {
    /// There was no answer.
    Unreachable(String),
    /// The API said no.
    Answered { status: u16, headers: HeaderMap, error: ApiError },
}

impl WhatsApp {
    /// A channel that sends from the shop's numbers.
    ///
    /// # Errors
    /// When the address is invalid, or no number is named.
    pub fn new(settings: Settings) -> Result<Self, SetupError> {
        Self::with_pause(settings, FIRST_WAIT)
    }

    /// As [`WhatsApp::new`]; the first pause after an error of the set-up is this long.
    pub(super) fn with_pause(settings: Settings, pause: Duration) -> Result<Self, SetupError> {
        let http = net::client(Duration::from_secs(4), Some(REQUEST_TIMEOUT))
            .map_err(|error| SetupError(error.to_string()))?;
        let base = settings.base_url.trim_end_matches('/');
        let number = |id: &String| {
            let url = format!("{base}/{}/{id}/messages", settings.version);
            reqwest::Url::parse(&url).map_err(|error| SetupError(format!("{url} is no address: {error}")))?;
            let (rate, gate) = (RateLimiter::new(settings.rate, Instant::now()), Mutex::new(Gate::new(pause)));
            Ok(Number { id: id.clone(), url, rate, gate })
        };
        let numbers = settings.phone_ids.iter().map(number).collect::<Result<Vec<_>, SetupError>>()?;
        if numbers.is_empty() {
            return Err(SetupError("no number to send from is named".to_owned()));
        }
        Ok(Self { http, settings, numbers, files: None })
    }

    /// The same, with where the files lie that the team sends.
    #[must_use]
    pub fn with_files(self, files: Option<FileSource>) -> Self {
        Self { files, ..self }
    }

    /// Uploads the file that a message holds, and returns the API's identifier of it.
    async fn upload(&self, number: &Number, message: &Sendable) -> Result<Option<String>, SendError> {
        let Body::File { sha256, mime, name, .. } = message.body() else { return Ok(None) };
        let permanent =
            |reason: &str| SendError { reason: reason.to_owned(), retry_after: None, kind: SendErrorKind::Permanent };
        let files = self.files.clone().ok_or_else(|| permanent("files are not kept here ([media] quota_mb)"))?;
        let digest = sha256.clone();
        let read = tokio::task::spawn_blocking(move || files(&digest)).await;
        let content = match read {
            Ok(Ok(Some(content))) => content,
            Ok(Ok(None)) => return Err(permanent("the file is not there any more")),
            Ok(Err(_)) | Err(_) => return Err(permanent("the file cannot be read")),
        };
        let (kind, body) = upload::form(mime, name, &content);
        let url = format!("{}media", number.url.trim_end_matches("messages"));
        let request = self.http.post(url).bearer_auth(self.settings.token.expose_secret());
        let request = request.header(CONTENT_TYPE, kind).timeout(UPLOAD_TIMEOUT).body(body);
        let answer = Self::answered(request).await.map_err(|refusal| self.refused(number, message, &refusal))?;
        let id = answer["id"].as_str().map(str::to_owned);
        id.map(Some).ok_or_else(|| permanent("the channel did not say what it calls the file"))
    }

    /// The number with this identifier, else the first.
    fn number(&self, id: Option<&str>) -> &Number {
        let named = id.and_then(|id| self.numbers.iter().find(|number| number.id == id));
        named.unwrap_or(&self.numbers[0])
    }

    async fn post(&self, number: &Number, request: &Value) -> Result<Value, Refusal> {
        let token = self.settings.token.expose_secret();
        Self::answered(self.http.post(&number.url).bearer_auth(token).json(request)).await
    }

    async fn answered(request: reqwest::RequestBuilder) -> Result<Value, Refusal> {
        let answer = request.send().await;
        // The address would only make the message longer.
        let unreachable =
            |error: reqwest::Error| Refusal::Unreachable(excerpt(&net::innermost(&error.without_url()), 300));
        let answer = answer.map_err(unreachable)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(unreachable)?;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() && body.get("error").is_none() {
            return Ok(body);
        }
        Err(Refusal::Answered { status: status.as_u16(), headers, error: ApiError::of(&body["error"]) })
    }

    /// Turns a refusal into the error for the sender, and slows down or closes the number where it says so.
    fn refused(&self, number: &Number, message: &Sendable, refusal: &Refusal) -> SendError {
        let (status, headers, error) = match refusal {
            Refusal::Unreachable(reason) => {
                return SendError { reason: reason.clone(), retry_after: None, kind: SendErrorKind::Transient };
            }
            Refusal::Answered { status, headers, error } => (*status, headers, error),
        };
        let code = error.code;
        let named = code.map_or_else(|| format!("HTTP {status}"), |code| format!("{code}, HTTP {status}"));
        let reason = format!("{} ({named})", error.told());
        let asked =
            headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        let asked = asked.map(|seconds: u64| Duration::from_secs(seconds.min(86_400)));
        let class = classify(status, error);
        let answer = |kind, retry_after| SendError { reason: reason.clone(), retry_after, kind };
        match class {
            // The limit of one customer: an earlier attempt would fail as well.
            ErrorClass::Retry if code == Some(PAIR_LIMIT) => {
                let pair = Duration::from_secs_f64(self.settings.rate.pair_seconds);
                answer(SendErrorKind::Transient, Some(asked.unwrap_or(pair).max(pair)))
            }
            ErrorClass::Retry => answer(SendErrorKind::Transient, asked),
            ErrorClass::SlowDown => {
                number.rate.slow_down(Instant::now());
                answer(SendErrorKind::Transient, Some(asked.unwrap_or(SLOW_DOWN_WAIT).max(SLOW_DOWN_WAIT)))
            }
            ErrorClass::GiveUp => answer(SendErrorKind::Permanent, None),
            ErrorClass::Token | ErrorClass::SetUp | ErrorClass::Suspect => {
                let identity = message.message().identity().to_string();
                if class == ErrorClass::Suspect && number.gate().suspect(&identity) {
                    return answer(SendErrorKind::Permanent, None);
                }
                let what = if class == ErrorClass::Token {
                    "the access token is not accepted"
                } else {
                    "the set-up of the WhatsApp account does not allow it"
                };
                let reason = format!("sending is paused, {what}: {reason}");
                let wait = number.gate().refused(&reason, Instant::now());
                SendError { reason, retry_after: Some(wait), kind: SendErrorKind::Paused }
            }
        }
    }
}

#[async_trait]
impl Channel for WhatsApp {
    async fn send(&self, message: &Sendable) -> Result<SentId, SendError> {
        let number = self.number(message.number());
        let user = message.address();
        let paused = |(reason, wait)| SendError { reason, retry_after: Some(wait), kind: SendErrorKind::Paused };
        if let Some(refused) = number.gate().keeps_out(Instant::now()) {
            return Err(paused(refused));
        }
        let wait = number.rate.reserve(user, Instant::now());
        if wait > REQUEST_TIMEOUT {
            number.rate.cancel(user);
            let reason = "the limit of messages to this customer, or to all, is reached".to_owned();
            return Err(SendError { reason, retry_after: Some(wait), kind: SendErrorKind::Transient });
        }
        tokio::time::sleep(wait).await;
        // Others may have been refused meanwhile.
        let entered = number.gate().enter(Instant::now());
        entered.map_err(paused).inspect_err(|_| number.rate.cancel(user))?;
        let mut request = wire::request(message);
        if let Some(file) = self.upload(number, message).await?
            && let Some(kind) = request["type"].as_str().map(str::to_owned)
        {
            request[kind]["id"] = file.into();
        }
        match self.post(number, &request).await {
            Ok(answer) => {
                // It was accepted also where the identifier is missing: its statuses come with its own identity.
                let id = answer["messages"][0]["id"].as_str().unwrap_or_default().to_owned();
                number.gate().accepted(&id, Instant::now());
                Ok(SentId(id))
            }
            Err(refusal) => Err(self.refused(number, message, &refusal)),
        }
    }

    fn limits(&self) -> ChannelLimits {
        LIMITS
    }

    fn template(&self) -> Option<Template> {
        self.settings.template.clone()
    }

    fn note_status(&self, status: &Status) -> Fault {
        let number = self.number(status.number.as_deref());
        match status.receipt {
            Receipt::Failed => {
                let text = status.error.clone().unwrap_or_default();
                let error = ApiError { code: status.code, text, ..ApiError::default() };
                let class = classify(400, &error);
                // What is only suspected may be this message's fault: it was accepted.
                if !class.is_set_up() || class == ErrorClass::Suspect {
                    return Fault::Message;
                }
                let reason = format!(
                    "sending is paused, messages fail because of the set-up of the WhatsApp account: {}",
                    error.told()
                );
                number.gate().reported(&reason, Instant::now());
                Fault::SetUp
            }
            Receipt::Sent | Receipt::Delivered | Receipt::Read => {
                number.gate().confirmed(&status.provider_id);
                Fault::Message
            }
            Receipt::Deleted => Fault::Message,
        }
    }

    fn may_send(&self) -> bool {
        let now = Instant::now();
        self.numbers.iter().any(|number| number.gate().lets_in(now))
    }

    async fn show_typing(&self, user: &UserId, message: &MessageId, number: Option<&str>) {
        let number = self.number(number);
        let paused = number.gate().reason().is_some();
        if paused || !number.rate.try_reserve_optional(Instant::now()) {
            return;
        }
        // What is refused here says nothing about messages: the next one finds out.
        if self.post(number, &wire::read_with_typing(message)).await.is_err() {
            tracing::debug!(user = user.masked(), "a message could not be marked as read");
        }
    }

    fn unavailable_reason(&self) -> Option<String> {
        let closed: Vec<String> = self
            .numbers
            .iter()
            .filter_map(|number| {
                let reason = number.gate().reason()?.to_owned();
                Some(if self.numbers.len() == 1 { reason } else { format!("{}: {reason}", number.id) })
            })
            .collect();
        (!closed.is_empty()).then(|| closed.join("; "))
    }
}

//! Decides how a message reaches the Graph API, and what its answer means.
//!
//! It must never send outside of the 24-hour window what is no template, nor show the token.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::pace::{Limits, Pace};
use super::verdict::{Class, judge};
use super::wire;
use crate::channels::{Channel, SendError, SentId, Verdict};
use crate::domain::ids::{MessageId, UserId};
use crate::domain::outgoing::{Body, Outgoing};
use crate::domain::words::excerpt;
use crate::net;

/// How long a customer's message lets anything be sent to them.
const WINDOW: SignedDuration = SignedDuration::from_hours(24);
/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// The usual pause after token trouble.
const PAUSE: Duration = Duration::from_secs(30);
/// How long a message waits at least where everything was to be slower.
const SLOWER: Duration = Duration::from_secs(60);

/// How the Graph API is reached.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where it is, such as `https://graph.facebook.com`.
    pub base_url: String,
    /// Its version, such as `v25.0`.
    pub version: String,
    /// The sending number's identifier.
    pub phone_id: String,
    /// The token that messages are sent with.
    pub token: SecretString,
    /// What is sent outside of the window.
    pub template: Option<Template>,
    /// How fast messages may leave.
    pub limits: Limits,
}

/// An approved template whose text has one place, for the reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its language.
    pub language: String,
}

/// The channel to customers on WhatsApp.
pub struct WhatsApp {
    http: reqwest::Client,
    url: String,
    settings: Settings,
    pace: Pace,
    paused: Mutex<Option<Paused>>,
    /// After token trouble: how long until one message tries again.
    pub(super) pause: Duration,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

#[derive(Debug, Clone)]
struct Paused {
    why: String,
    until: Instant,
}

/// The address of the API is none.
#[derive(Debug, thiserror::Error)]
#[error("the Graph API cannot be reached: {0}")]
pub struct SetupError(String);

impl SetupError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("whatsapp.graph_url is usually https://graph.facebook.com".to_owned())
    }
}

impl WhatsApp {
    /// A channel that sends from one number.
    ///
    /// # Errors
    /// When the address is none.
    pub fn new(settings: Settings, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Result<Self, SetupError> {
        let http =
            net::client(Duration::from_secs(4), Some(PATIENCE)).map_err(|error| SetupError(error.to_string()))?;
        let base = settings.base_url.trim_end_matches('/');
        let url = format!("{base}/{}/{}/messages", settings.version, settings.phone_id);
        reqwest::Url::parse(&url).map_err(|error| SetupError(format!("{url} is no address: {error}")))?;
        let pace = Pace::new(settings.limits, Instant::now());
        Ok(Self { http, url, settings, pace, paused: Mutex::new(None), pause: PAUSE, clock })
    }

    async fn post(&self, request: &Value) -> Result<Value, SendError> {
        let token = self.settings.token.expose_secret();
        let answer = self.http.post(&self.url).bearer_auth(token).json(request).send().await;
        let again = |reason: String| SendError { reason, retry_after: None, verdict: Verdict::Again };
        // The address holds no secret, and says nothing new.
        let answer = answer.map_err(|error| again(excerpt(&net::innermost(&error.without_url()), 300)))?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = answer.bytes().await.map_err(|error| again(excerpt(&net::innermost(&error.without_url()), 300)))?;
        let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() && body.get("error").is_none() {
            self.resume();
            return Ok(body);
        }
        Err(self.refused(status.as_u16(), &headers, &body))
    }

    fn refused(&self, status: u16, headers: &HeaderMap, body: &Value) -> SendError {
        let error = &body["error"];
        let code = error["code"].as_i64();
        let told =
            error["error_data"]["details"].as_str().or_else(|| error["message"].as_str()).unwrap_or("no reason given");
        let number = code.map_or_else(|| format!("HTTP {status}"), |code| format!("{code}, HTTP {status}"));
        let reason = format!("{} ({number})", excerpt(told.trim(), 300));
        let asked =
            headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()).and_then(|text| text.trim().parse().ok());
        let asked = asked.map(|seconds: u64| Duration::from_secs(seconds.min(86_400)));
        let error = |verdict, retry_after| SendError { reason: reason.clone(), retry_after, verdict };
        match judge(status, code) {
            // The limit of a pair: there is no use in coming back sooner.
            Class::Retry if code == Some(131_056) => {
                let pair = Duration::from_secs_f64(self.settings.limits.pair_seconds);
                error(Verdict::Again, Some(asked.unwrap_or(pair).max(pair)))
            }
            Class::Retry => error(Verdict::Again, asked),
            Class::SlowDown => {
                self.pace.slow_down(Instant::now());
                error(Verdict::Again, Some(asked.unwrap_or(SLOWER).max(SLOWER)))
            }
            Class::GiveUp => error(Verdict::GiveUp, None),
            Class::Token => {
                self.pause(&reason);
                error(Verdict::Paused, Some(self.pause))
            }
        }
    }

    fn pause(&self, why: &str) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.is_none() {
            tracing::error!(why, "sending is paused: the token is not accepted");
        }
        *paused = Some(Paused { why: why.to_owned(), until: Instant::now() + self.pause });
    }

    fn resume(&self) {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        if paused.take().is_some() {
            tracing::warn!("the token is accepted again: sending goes on");
        }
    }

    /// Why nothing is to be tried at this moment. When the pause is over, whoever asks first tries alone.
    fn held_back(&self) -> Option<SendError> {
        let mut paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        let found = paused.as_mut()?;
        let now = Instant::now();
        if now >= found.until {
            found.until = now + self.pause;
            return None;
        }
        let retry_after = Some(found.until - now);
        Some(SendError { reason: found.why.clone(), retry_after, verdict: Verdict::Paused })
    }

    /// What is really sent: outside of the window, only a template is taken.
    fn allowed(&self, message: &Outgoing) -> Result<Body, SendError> {
        let closed = message
            .answers
            .as_ref()
            .is_some_and(|answers| answers.at.saturating_add(WINDOW).is_ok_and(|end| (self.clock)() >= end));
        if !closed || matches!(message.body, Body::Template { .. }) {
            return Ok(message.body.clone());
        }
        let Some(template) = self.settings.template.as_ref().filter(|_| !matches!(message.body, Body::Reaction { .. }))
        else {
            let reason = "the customer wrote more than 24 hours ago, and no template is set".to_owned();
            return Err(SendError { reason, retry_after: None, verdict: Verdict::GiveUp });
        };
        Ok(Body::Template {
            name: template.name.clone(),
            language: template.language.clone(),
            parameters: vec![message.body.text().to_owned()],
        })
    }
}

#[async_trait]
impl Channel for WhatsApp {
    async fn send(&self, message: &Outgoing) -> Result<SentId, SendError> {
        if let Some(held_back) = self.held_back() {
            return Err(held_back);
        }
        let body = self.allowed(message)?;
        let wait = self.pace.reserve(&message.user_id, Instant::now());
        if wait > PATIENCE {
            self.pace.give_back(&message.user_id);
            let reason = "the limit of messages to this customer, or to all, is reached".to_owned();
            return Err(SendError { reason, retry_after: Some(wait), verdict: Verdict::Again });
        }
        tokio::time::sleep(wait).await;
        let answer = self.post(&wire::request(message, &body)).await?;
        let id = answer["messages"][0]["id"].as_str();
        // It was taken, whatever it is called: news of it comes with its identity.
        Ok(SentId(id.unwrap_or_default().to_owned()))
    }

    async fn working_on(&self, user: &UserId, message: &MessageId) {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if paused || !self.pace.spare(Instant::now()) {
            return;
        }
        if let Err(error) = self.post(&wire::working_on(message)).await {
            tracing::debug!(user = user.masked(), %error, "a message could not be marked as read");
        }
    }

    fn trouble(&self) -> Option<String> {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner);
        paused.as_ref().map(|paused| format!("sending is paused, the access token is not accepted: {}", paused.why))
    }
}

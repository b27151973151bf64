//! A client of Groq, or of any service with OpenAI's interface.
//!
//! It must never wait longer than the turn's deadline, exceed the service's rate limits, or show the key.

mod completion;
mod error;
mod parameters;
mod rate_limit;
mod text_calls;
mod wire;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use metrics::{counter, histogram};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::message::Message;
use super::{ChatModel, ChatReply, ChatRequest, LlmError, budget, prompt};
use crate::domain::address;
use crate::domain::mask::Mask;
use crate::domain::words::excerpt;
use crate::net::{self, innermost};
use crate::telemetry::metric;
use crate::tools::ToolSpec;
use completion::{Completion, is_same_model, model_names};
use error::RequestError;
use parameters::{CLOSED_SCHEMAS, Refused};
use rate_limit::RateLimit;
use wire::{Request, Tool};

/// The largest answer that is read.
const MAX_RESPONSE_BYTES: usize = 1_048_576;
/// The longest wait before a request; where the service wants more, another model or the playbook answers.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Retries of a request.
const RETRIES: usize = 2;
/// The shortest time for an answer: with less left, no request is sent.
const MIN_TIME: Duration = Duration::from_millis(200);

/// The settings of a client.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the service is, such as `https://api.groq.com/openai/v1`.
    pub base_url: String,
    /// Its key.
    pub api_key: SecretString,
    /// The model that is asked first, and the one that is asked where it cannot answer.
    pub models: Vec<String>,
    /// Randomness of the answer, from 0 (always the likeliest token) to 2.
    pub temperature: f64,
    /// The most tokens of an answer.
    pub max_tokens: u32,
    /// The `reasoning_effort` of models that have one; empty for others.
    pub reasoning_effort: String,
    /// How long one request may take.
    pub request: Duration,
    /// How long all requests of a turn may take together.
    pub turn: Duration,
    /// How long connecting may take.
    pub connect: Duration,
    /// The settings of the prompt.
    pub prompt: prompt::Settings,
    /// Whether personal data is hidden.
    pub mask: bool,
}

/// A client of one service.
pub struct OpenAi {
    http: reqwest::Client,
    settings: Settings,
    models: RwLock<Vec<String>>,
    rate_limits: Mutex<HashMap<String, RateLimit>>,
    /// What each model's service refused in a request.
    refused: Mutex<HashMap<String, Refused>>,
}

/// What a service did with a request for one harmless call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// The model that was asked.
    pub model: String,
    /// Whether it made a call, and how.
    pub calls: TrialCall,
    /// The parameters that its service refuses, which are left out.
    pub refused: Vec<&'static str>,
    /// How long it took, with what was asked again.
    pub elapsed: Duration,
}

/// How a model made a call that it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialCall {
    /// As the interface has it.
    Plain,
    /// Written into its text, from which it is read.
    AsText,
    /// Not at all: it answered in words.
    None,
}

/// The models of a service, compared with those in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelList {
    /// The wanted models that the service offers.
    pub usable: Vec<String>,
    /// The wanted models that it does not offer.
    pub missing: Vec<String>,
    /// All models that it offers.
    pub available: Vec<String>,
}

impl OpenAi {
    /// A client. It connects when it is first used.
    ///
    /// # Errors
    /// When no HTTP client can be made here.
    pub fn new(settings: Settings) -> Result<Self, LlmError> {
        let http = net::client(settings.connect, Some(settings.request))
            .map_err(|error| LlmError::Unavailable(error.to_string()))?;
        let models = settings.models.iter().filter(|model| !model.is_empty()).cloned().collect();
        Ok(Self {
            http,
            settings,
            models: RwLock::new(models),
            rate_limits: Mutex::default(),
            refused: Mutex::default(),
        })
    }

    /// The service's name for messages: no path, no user.
    pub fn host(&self) -> String {
        address::hosts(&self.settings.base_url).to_owned()
    }

    /// Lists the service's models. From then on only wanted models that it offers are asked.
    ///
    /// # Errors
    /// When the service cannot be reached, refuses, or gives no list.
    pub async fn list_models(&self) -> Result<ModelList, LlmError> {
        let request = self.http.get(self.address("models")).timeout(self.settings.connect.max(MIN_TIME));
        let answer = self.exchange(request, None).await?;
        let mut available = model_names(&answer)
            .filter(|names| !names.is_empty())
            .ok_or_else(|| RequestError::Unusable("its list of models cannot be read, or is empty".to_owned()))?;
        available.sort();
        let wanted = self.settings.models.iter().filter(|model| !model.is_empty()).cloned();
        let (usable, missing): (Vec<_>, Vec<_>) =
            wanted.partition(|model| available.iter().any(|listed| is_same_model(listed, model)));
        self.models.write().unwrap_or_else(PoisonError::into_inner).clone_from(&usable);
        Ok(ModelList { usable, missing, available })
    }

    fn address(&self, what: &str) -> String {
        format!("{}/{what}", self.settings.base_url.trim_end_matches('/'))
    }

    /// Makes one request for a harmless call, to see what the service can do.
    ///
    /// # Errors
    /// When it gives no answer that can be used.
    pub async fn try_call(&self) -> Result<Trial, LlmError> {
        let model = self.models.read().unwrap_or_else(PoisonError::into_inner).first().cloned();
        let model = model.ok_or_else(|| LlmError::NoModel { host: self.host() })?;
        let spec = ToolSpec {
            name: "report_ready".into(),
            title: "Report".into(),
            description: "Reports that the connection works. It does nothing else.".into(),
            input: json!({
                "type": "object",
                "properties": {"word": {"type": "string", "description": "The word of the request."}},
                "required": ["word"],
                "additionalProperties": false,
            }),
            output: json!({"type": "object"}),
            writes: false,
            idempotent: true,
            destructive: false,
        };
        let begun = Instant::now();
        let tool = Tool::new(&spec);
        let prepared = PreparedRequest {
            messages: vec![
                Message::System { content: "You check a connection. Answer with a call of the tool.".to_owned() },
                Message::User { content: "Call report_ready with the word “ready”.".to_owned() },
            ],
            open_tools: vec![tool.open()],
            tools: vec![tool],
            names: vec![&spec.name],
            tokens: u64::from(self.settings.max_tokens) + 200,
            deadline: begun + self.settings.turn.max(self.settings.request),
        };
        let Completion { reply, as_text } = self.ask(&prepared, &model).await?;
        let calls = match (reply.calls.is_empty(), as_text) {
            (true, _) => TrialCall::None,
            (false, true) => TrialCall::AsText,
            (false, false) => TrialCall::Plain,
        };
        let refused = self.refused(&model, |refused| refused.names());
        Ok(Trial { model, calls, refused, elapsed: begun.elapsed() })
    }

    /// Asks one model, again where that may help.
    async fn ask(&self, prepared: &PreparedRequest<'_>, model: &str) -> Result<Completion, RequestError> {
        let temperature = self.settings.temperature;
        let unknown = match self.ask_as_permitted(prepared, model, &prepared.messages, temperature).await {
            Err(RequestError::ToolUse { unknown }) => unknown,
            other => return other,
        };
        // Once more, with a lower temperature and the names of the tools.
        let mut messages = prepared.messages.clone();
        let names = prepared.names.join(", ");
        messages.push(Message::System {
            content: match unknown {
                Some(tool) => format!("There is no tool “{}”. There are: {names}.", excerpt(&tool, 64)),
                None => format!("Your last call could not be read. Call one of {names}, or answer in plain words."),
            },
        });
        self.ask_as_permitted(prepared, model, &messages, temperature / 4.0).await
    }

    /// Sends a request without the parameters that the model's service refused; where it names one that was sent, again
    /// without that one, which is remembered. Each round has at least one parameter less than the one before.
    async fn ask_as_permitted(
        &self,
        prepared: &PreparedRequest<'_>,
        model: &str,
        messages: &[Message],
        temperature: f64,
    ) -> Result<Completion, RequestError> {
        let settings = &self.settings;
        let effort = Some(settings.reasoning_effort.as_str()).filter(|effort| !effort.is_empty());
        let tools = !prepared.tools.is_empty();
        loop {
            let refused = self.refused(model, |refused| refused.clone());
            let sent = refused.sent(tools, effort.is_some());
            let has = |name: &str| sent.contains(&name);
            let request = Request {
                model,
                messages,
                tools: if refused.permits(CLOSED_SCHEMAS) { &prepared.tools } else { &prepared.open_tools },
                tool_choice: has("tool_choice").then_some("auto"),
                parallel_tool_calls: has("parallel_tool_calls").then_some(false),
                temperature: has("temperature").then_some(temperature),
                max_completion_tokens: has("max_completion_tokens").then_some(settings.max_tokens),
                max_tokens: has("max_tokens").then_some(settings.max_tokens),
                reasoning_effort: effort.filter(|_| has("reasoning_effort")),
            };
            let answer = self.send_with_retries(prepared, &request).await;
            let Err(RequestError::Refused { status, message, names }) = &answer else { return answer };
            let without: Vec<&'static str> = names.iter().copied().filter(|name| has(name)).collect();
            if without.is_empty() {
                return answer;
            }
            tracing::info!(
                model,
                status,
                without = without.join(", "),
                reason = message,
                "the language model is asked again without what its service refuses"
            );
            self.refused(model, |refused| refused.learn(without));
        }
    }

    fn refused<T>(&self, model: &str, with: impl FnOnce(&mut Refused) -> T) -> T {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        with(refused.entry(model.to_owned()).or_default())
    }

    async fn send_with_retries(
        &self,
        prepared: &PreparedRequest<'_>,
        request: &Request<'_>,
    ) -> Result<Completion, RequestError> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(MAX_WAIT)
            .with_max_times(RETRIES)
            .with_jitter();
        (|| self.send(prepared, request))
            .retry(pauses)
            .when(RequestError::is_retryable)
            .adjust(|error, pause| {
                let wait = pause?.max(error.retry_after().unwrap_or_default());
                let in_time = Instant::now() + wait + MIN_TIME < prepared.deadline;
                (wait <= MAX_WAIT && in_time).then_some(wait)
            })
            .notify(|error, pause| {
                tracing::info!(model = request.model, why = error.code(), ?pause, "the language model is asked again");
            })
            .await
    }

    async fn send(&self, prepared: &PreparedRequest<'_>, request: &Request<'_>) -> Result<Completion, RequestError> {
        let wait = self.rate_limit(request.model, |limit| limit.wait(prepared.tokens, Instant::now()));
        if wait > MAX_WAIT || Instant::now() + wait + MIN_TIME > prepared.deadline {
            return Err(if wait.is_zero() {
                RequestError::Timeout
            } else {
                RequestError::Busy { status: 0, retry_after: Some(wait) }
            });
        }
        tokio::time::sleep(wait).await;
        let started = Instant::now();
        let left = prepared.deadline.saturating_duration_since(started);
        let http =
            self.http.post(self.address("chat/completions")).json(request).timeout(left.min(self.settings.request));
        let answer = self.exchange(http, Some(request.model)).await;
        let code = answer.as_ref().err().map_or("ok", RequestError::code);
        counter!(metric::LLM_REQUESTS, "model" => request.model.to_owned(), "result" => code).increment(1);
        histogram!(metric::LLM_REQUEST_SECONDS, "model" => request.model.to_owned())
            .record(started.elapsed().as_secs_f64());
        let completion = completion::read(&answer?, &prepared.names)?;
        tracing::debug!(
            model = request.model,
            milliseconds = started.elapsed().as_millis(),
            "the language model answered"
        );
        Ok(completion)
    }

    /// Sends a request and reads its answer, limited in size; `model`: whose rate limits the answer reports.
    async fn exchange(&self, request: reqwest::RequestBuilder, model: Option<&str>) -> Result<Vec<u8>, RequestError> {
        let failed = |error: reqwest::Error| {
            if error.is_timeout() && !error.is_connect() {
                RequestError::Timeout
            } else {
                // The error itself names the address, its cause does not.
                RequestError::Network(innermost(&error.without_url()))
            }
        };
        let mut answer = request.bearer_auth(self.settings.api_key.expose_secret()).send().await.map_err(failed)?;
        let status = answer.status();
        let limited = matches!(status.as_u16(), 429 | 498 | 503);
        if let Some(model) = model {
            self.rate_limit(model, |limit| limit.update(answer.headers(), limited, Instant::now()));
        }
        let retry_after = rate_limit::retry_after(answer.headers());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MAX_RESPONSE_BYTES {
                return Err(RequestError::Unusable(format!("it holds more than {MAX_RESPONSE_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            Ok(body)
        } else {
            Err(RequestError::of(status, retry_after, &self.without_key(&body)))
        }
    }

    /// An error may repeat the key that was wrong: it is told and logged.
    fn without_key(&self, body: &[u8]) -> Vec<u8> {
        let key = self.settings.api_key.expose_secret();
        let text = String::from_utf8_lossy(body);
        if key.len() < 8 { body.to_vec() } else { text.replace(key, "…").into_bytes() }
    }

    fn rate_limit<T>(&self, model: &str, with: impl FnOnce(&mut RateLimit) -> T) -> T {
        let mut rate_limits = self.rate_limits.lock().unwrap_or_else(PoisonError::into_inner);
        with(rate_limits.entry(model.to_owned()).or_default())
    }
}

/// What is the same for every model and attempt.
struct PreparedRequest<'a> {
    messages: Vec<Message>,
    tools: Vec<Tool<'a>>,
    /// The same tools with schemas that say less.
    open_tools: Vec<Tool<'a>>,
    names: Vec<&'a str>,
    tokens: u64,
    deadline: Instant,
}

#[async_trait]
impl ChatModel for OpenAi {
    fn name(&self) -> &str {
        self.settings.models.first().map_or("none", String::as_str)
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        let mut mask = Mask::new(request.facts.patterns.clone(), self.settings.mask);
        let tools: Vec<Tool<'_>> = request.tools.iter().map(Tool::new).collect();
        let described = serde_json::to_string(&tools).unwrap_or_default();
        let others = budget::tokens(&described) + u64::from(self.settings.max_tokens);
        let messages = prompt::messages(&self.settings.prompt, request, &mut mask, others);
        let asked: u64 = messages.iter().map(|message| budget::tokens(&message.text())).sum();
        let prepared = PreparedRequest {
            messages,
            open_tools: tools.iter().map(Tool::open).collect(),
            tools,
            names: request.tools.iter().map(|spec| spec.name.as_ref()).collect(),
            tokens: asked + others,
            deadline: request.started + self.settings.turn,
        };
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut last = LlmError::NoModel { host: self.host() };
        for model in models {
            match self.ask(&prepared, &model).await {
                Ok(Completion { mut reply, .. }) => {
                    if mask.has_unknown(&reply.text) {
                        // What a customer would read instead is no answer; another model may do better.
                        last = LlmError::Unusable("it holds a placeholder that stands for nothing".to_owned());
                        tracing::info!(model, reason = %last, "this model gave no answer");
                        continue;
                    }
                    reply.text = mask.show(&reply.text);
                    for call in &mut reply.calls {
                        call.arguments = mask.show_json(&call.arguments);
                    }
                    return Ok(reply);
                }
                Err(error) => {
                    let (try_another, why) = (error.try_another_model(), error.code());
                    last = error.into();
                    tracing::info!(model, why, reason = %last, "this model gave no answer");
                    if !try_another {
                        break;
                    }
                }
            }
        }
        Err(last)
    }
}

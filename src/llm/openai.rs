//! Decides how a remote model is asked: Groq, or any service with the same interface.
//!
//! It must never wait longer than the turn has time, ask against the service's limits, or show its key.

mod failure;
mod pace;
mod wire;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use metrics::{counter, histogram};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::mask::Mask;
use super::{ChatModel, ChatReply, ChatRequest, LlmError, ToolCall, budget, prompt};
use crate::domain::ids::IdPatterns;
use crate::domain::words::excerpt;
use crate::net::{self, innermost};
use failure::Failure;
use pace::Pace;
use wire::{Answer, Models, Request, Tool};
pub use wire::{Call, Function, Message};

/// The largest answer that is read.
const LARGEST: usize = 1_048_576;
/// The longest wait for a service that asks for one; where it wants more, another model or the playbook answers.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// How often a request is sent again.
const RETRIES: usize = 2;
/// Time that an answer needs at least: with less than that nothing is begun.
const SHORTEST: Duration = Duration::from_millis(200);

/// What the client goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the service is, such as `https://api.groq.com/openai/v1`.
    pub base_url: String,
    /// Its key.
    pub api_key: SecretString,
    /// The model that is asked first, and the one that is asked where it cannot answer.
    pub models: Vec<String>,
    /// From 0 (always the likeliest word) to 2.
    pub temperature: f64,
    /// The most tokens of an answer.
    pub max_tokens: u32,
    /// How long models that think are to think; empty for others.
    pub reasoning_effort: String,
    /// How long one request may take.
    pub request: Duration,
    /// How long all requests of a turn may take together.
    pub turn: Duration,
    /// How long connecting may take.
    pub connect: Duration,
    /// What the model is told.
    pub prompt: prompt::Settings,
    /// How identifiers look.
    pub patterns: IdPatterns,
    /// Whether personal data is hidden.
    pub mask: bool,
}

/// A client of one service.
pub struct OpenAi {
    http: reqwest::Client,
    settings: Settings,
    models: RwLock<Vec<String>>,
    paces: Mutex<HashMap<String, Pace>>,
}

/// What a service has of the models that are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The wanted models that are there.
    pub usable: Vec<String>,
    /// The wanted models that are not.
    pub missing: Vec<String>,
    /// All models that are there.
    pub there: Vec<String>,
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
        Ok(Self { http, settings, models: RwLock::new(models), paces: Mutex::default() })
    }

    /// The service's name for messages: no path, no user.
    pub fn host(&self) -> String {
        let rest = self.settings.base_url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or_default();
        authority.rsplit('@').next().unwrap_or_default().to_owned()
    }

    /// Asks the service which models it has. From then on only wanted models that are there are asked.
    ///
    /// # Errors
    /// When it does not tell.
    pub async fn look(&self) -> Result<Found, LlmError> {
        let request = self.http.get(self.address("models")).timeout(self.settings.connect.max(SHORTEST));
        let answer = self.exchange(request, None).await?;
        let listed: Models = serde_json::from_slice(&answer)
            .map_err(|error| Failure::Unusable(format!("its list of models cannot be read: {error}")))?;
        let there = listed.data.into_iter().filter(|model| model.active != Some(false)).map(|model| model.id);
        let mut there: Vec<String> = there.collect();
        there.sort();
        let wanted = self.settings.models.iter().filter(|model| !model.is_empty()).cloned();
        let (usable, missing): (Vec<_>, Vec<_>) = wanted.partition(|model| there.contains(model));
        self.models.write().unwrap_or_else(PoisonError::into_inner).clone_from(&usable);
        Ok(Found { usable, missing, there })
    }

    fn address(&self, what: &str) -> String {
        format!("{}/{what}", self.settings.base_url.trim_end_matches('/'))
    }

    /// Asks one model, again where that may help.
    async fn ask(&self, question: &Question<'_>, model: &str) -> Result<ChatReply, Failure> {
        let settings = &self.settings;
        let mut request = Request {
            model,
            messages: &question.messages,
            tools: &question.tools,
            tool_choice: (!question.tools.is_empty()).then_some("auto"),
            parallel_tool_calls: (!question.tools.is_empty()).then_some(false),
            temperature: settings.temperature,
            max_completion_tokens: settings.max_tokens,
            reasoning_effort: Some(settings.reasoning_effort.as_str()).filter(|effort| !effort.is_empty()),
        };
        let unknown = match self.ask_again(question, &request).await {
            Err(Failure::ToolUse { unknown }) => unknown,
            other => return other,
        };
        // Once more, calmer; a model that made a tool up is told which there are.
        request.temperature = settings.temperature / 4.0;
        let mut messages = question.messages.clone();
        let names = question.names.join(", ");
        messages.push(Message::System {
            content: match unknown {
                Some(tool) => format!("There is no tool “{}”. There are: {names}.", excerpt(&tool, 64)),
                None => format!("Your last call could not be read. Call one of {names}, or answer in plain words."),
            },
        });
        request.messages = &messages;
        self.ask_again(question, &request).await
    }

    async fn ask_again(&self, question: &Question<'_>, request: &Request<'_>) -> Result<ChatReply, Failure> {
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(250))
            .with_max_delay(LONGEST_WAIT)
            .with_max_times(RETRIES)
            .with_jitter();
        (|| self.send(question, request))
            .retry(pauses)
            .when(Failure::again)
            .adjust(|failure, pause| {
                let wait = pause?.max(failure.retry_after().unwrap_or_default());
                let in_time = Instant::now() + wait + SHORTEST < question.deadline;
                (wait <= LONGEST_WAIT && in_time).then_some(wait)
            })
            .notify(|failure, pause| {
                tracing::info!(
                    model = request.model,
                    why = failure.code(),
                    ?pause,
                    "the language model is asked again"
                );
            })
            .await
    }

    async fn send(&self, question: &Question<'_>, request: &Request<'_>) -> Result<ChatReply, Failure> {
        let wait = self.pace(request.model, |pace| pace.wait(question.tokens, Instant::now()));
        if wait > LONGEST_WAIT || Instant::now() + wait + SHORTEST > question.deadline {
            return Err(if wait.is_zero() {
                Failure::Late
            } else {
                Failure::Busy { status: 0, retry_after: Some(wait) }
            });
        }
        tokio::time::sleep(wait).await;
        let begun = Instant::now();
        let left = question.deadline.saturating_duration_since(begun);
        let http =
            self.http.post(self.address("chat/completions")).json(request).timeout(left.min(self.settings.request));
        let answer = self.exchange(http, Some(request.model)).await;
        let code = answer.as_ref().err().map_or("ok", Failure::code);
        counter!("ecomres_llm_requests_total", "model" => request.model.to_owned(), "result" => code).increment(1);
        histogram!("ecomres_llm_request_seconds", "model" => request.model.to_owned())
            .record(begun.elapsed().as_secs_f64());
        let reply = read(&answer?)?;
        tracing::debug!(
            model = request.model,
            milliseconds = begun.elapsed().as_millis(),
            "the language model answered"
        );
        Ok(reply)
    }

    /// Sends a request and reads its answer, in bounds; `model`: whose limits the answer tells.
    async fn exchange(&self, request: reqwest::RequestBuilder, model: Option<&str>) -> Result<Vec<u8>, Failure> {
        let failed = |error: reqwest::Error| {
            if error.is_timeout() && !error.is_connect() {
                Failure::Late
            } else {
                // The error itself names the address, its cause does not.
                Failure::Network(innermost(&error.without_url()))
            }
        };
        let mut answer = request.bearer_auth(self.settings.api_key.expose_secret()).send().await.map_err(failed)?;
        let status = answer.status();
        let limited = matches!(status.as_u16(), 429 | 498 | 503);
        if let Some(model) = model {
            self.pace(model, |pace| pace.learn(answer.headers(), limited, Instant::now()));
        }
        let retry_after = pace::retry_after(answer.headers());
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(failed)? {
            if body.len() + part.len() > LARGEST {
                return Err(Failure::Unusable(format!("it holds more than {LARGEST} bytes")));
            }
            body.extend_from_slice(&part);
        }
        if status.is_success() { Ok(body) } else { Err(Failure::of(status, retry_after, &body)) }
    }

    fn pace<T>(&self, model: &str, with: impl FnOnce(&mut Pace) -> T) -> T {
        let mut paces = self.paces.lock().unwrap_or_else(PoisonError::into_inner);
        with(paces.entry(model.to_owned()).or_default())
    }
}

/// What is the same for every model and attempt.
struct Question<'a> {
    messages: Vec<Message>,
    tools: Vec<Tool<'a>>,
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
        let mut mask = Mask::new(self.settings.patterns.clone(), self.settings.mask);
        let tools: Vec<Tool<'_>> = request.tools.iter().map(Tool::new).collect();
        let described = serde_json::to_string(&tools).unwrap_or_default();
        let others = budget::tokens(&described) + u64::from(self.settings.max_tokens);
        let messages = prompt::messages(&self.settings.prompt, request, &mut mask, others);
        let asked: u64 = messages.iter().map(|message| budget::tokens(&message.text())).sum();
        let question = Question {
            messages,
            tools,
            names: request.tools.iter().map(|spec| spec.name.as_ref()).collect(),
            tokens: asked + others,
            deadline: request.begun + self.settings.turn,
        };
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut last = LlmError::NoModel { host: self.host() };
        for model in models {
            match self.ask(&question, &model).await {
                Ok(mut reply) => {
                    reply.text = mask.show(&reply.text);
                    for call in &mut reply.calls {
                        call.arguments = mask.show_json(&call.arguments);
                    }
                    return Ok(reply);
                }
                Err(failure) => {
                    let other = failure.another_model();
                    tracing::info!(model, why = failure.code(), "this model gave no answer");
                    last = failure.into();
                    if !other {
                        break;
                    }
                }
            }
        }
        Err(last)
    }
}

/// Reads a completion.
fn read(body: &[u8]) -> Result<ChatReply, Failure> {
    let unusable = |what: &str| Failure::Unusable(what.to_owned());
    let answer: Answer = serde_json::from_slice(body)
        .map_err(|error| Failure::Unusable(format!("it is no chat completion: {error}")))?;
    if let Some(usage) = answer.usage {
        counter!("ecomres_llm_tokens_total", "kind" => "prompt").increment(usage.prompt_tokens);
        counter!("ecomres_llm_tokens_total", "kind" => "completion").increment(usage.completion_tokens);
    }
    let choice = answer.choices.into_iter().next().ok_or_else(|| unusable("it holds no choice"))?;
    let text = choice.message.content.unwrap_or_default();
    let calls = choice.message.tool_calls.unwrap_or_default().into_iter().enumerate().map(|(index, call)| {
        let id = if call.id.is_empty() { format!("call_{index}") } else { excerpt(&call.id, 64) };
        // Some models let the marks of their own format slip into the name.
        let name = call.function.name.split("<|").next().unwrap_or_default().trim().to_owned();
        ToolCall { id, name, arguments: arguments(&call.function.arguments) }
    });
    let calls: Vec<ToolCall> = calls.collect();
    let cut = choice.finish_reason.as_deref() == Some("length");
    match (calls.is_empty(), text.trim().is_empty()) {
        (true, true) => Err(unusable(if cut { "it was cut off before a word" } else { "it is empty" })),
        // Half a sentence is no answer for a customer.
        (true, false) if cut => Err(unusable("it was cut off")),
        _ => Ok(ChatReply { calls, text, notes: None, degraded: Some(false) }),
    }
}

/// A call's arguments. What is no JSON goes to the tool as text, which says so to the model.
fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return Value::Object(serde_json::Map::new());
    }
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(excerpt(text, 2_000)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(message: &Value, finish: &str) -> Vec<u8> {
        json!({"choices": [{"message": message, "finish_reason": finish}]}).to_string().into_bytes()
    }

    #[test]
    fn completions_are_read() {
        assert_eq!(read(&body(&json!({"content": "Hello"}), "stop")).unwrap().text, "Hello");
        let call = |arguments: &str| json!({"content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "t", "arguments": arguments}}]});
        let calls = read(&body(&call("{\"order_id\":\"ORD000003\"}"), "tool_calls")).unwrap().calls;
        assert_eq!((calls[0].name.as_str(), &calls[0].arguments), ("t", &json!({"order_id": "ORD000003"})));
        let broken = read(&body(&call("{\"order_id\": ORD"), "tool_calls")).unwrap().calls;
        assert_eq!(broken[0].arguments, json!("{\"order_id\": ORD"));
        assert_eq!(read(&body(&call(""), "tool_calls")).unwrap().calls[0].arguments, json!({}));
        let slipped = json!({"tool_calls": [{"function": {"name": "t<|channel|>commentary", "arguments": "{}"}}]});
        let calls = read(&body(&slipped, "tool_calls")).unwrap().calls;
        assert_eq!((calls[0].name.as_str(), calls[0].id.as_str()), ("t", "call_0"));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for (body, expected) in [
            (b"<html>".to_vec(), "no chat completion"),
            (b"{\"choices\":[]}".to_vec(), "no choice"),
            (body(&json!({"content": "  "}), "stop"), "empty"),
            (body(&json!({"content": null}), "length"), "cut off"),
            (body(&json!({"content": "Your refund of"}), "length"), "cut off"),
        ] {
            let Err(Failure::Unusable(what)) = read(&body) else { panic!("{expected}") };
            assert!(what.contains(expected), "{what}");
        }
    }
}

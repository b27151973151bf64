//! A remote model with the playbook as its fallback: a turn that the remote model cannot finish, the playbook does.
//!
//! It must never leave a customer without an answer, nor omit what the remote model had already done.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use metrics::{counter, gauge};
use serde_json::Value;

use super::breaker::{Breaker, Settings as BreakerSettings};
use super::{ChatModel, ChatReply, ChatRequest, Facts, LlmError, Round, ToolCall, playbook};
use crate::domain::ids::OrderId;
use crate::domain::sentences::{Language, handoff};
use crate::telemetry::metric;
use crate::tools::{CANCEL, CHANGE, HUMAN, REFUND, RETURN};

/// Prefix of the ids of the playbook's calls: a turn that it took over stays with it.
const PLAYBOOK_CALL_PREFIX: &str = "playbook_";
/// Invalid calls of the remote model in one turn: the first is reported to it, after the second the playbook takes over.
const WRONG_CALLS: usize = 2;

/// A remote model with the playbook behind it.
pub struct Degraded {
    remote: Arc<dyn ChatModel>,
    playbook: Arc<dyn ChatModel>,
    breaker: Mutex<Breaker>,
    turn: Duration,
}

impl Degraded {
    /// Both models; `turn`: how long all requests of a turn to the remote one may take.
    pub fn new(
        remote: Arc<dyn ChatModel>,
        playbook: Arc<dyn ChatModel>,
        breaker: BreakerSettings,
        turn: Duration,
    ) -> Self {
        Self { remote, playbook, breaker: Mutex::new(Breaker::new(breaker)), turn }
    }

    fn breaker<T>(&self, with: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.breaker.lock().unwrap_or_else(PoisonError::into_inner);
        let result = with(&mut breaker);
        gauge!(metric::LLM_BREAKER_OPEN).set(if breaker.is_open(Instant::now()) { 1.0 } else { 0.0 });
        result
    }

    /// The remote model's answer, or the metric label for why there is none.
    async fn ask_remote(&self, request: &ChatRequest) -> Result<ChatReply, &'static str> {
        if begun(request) {
            return Err("begun");
        }
        if request.rounds.iter().filter(|round| round.wrong).count() >= WRONG_CALLS {
            return Err("wrong_calls");
        }
        let left = (request.started + self.turn).saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err("late");
        }
        if !self.breaker(|breaker| breaker.allows(Instant::now())) {
            return Err("breaker_open");
        }
        let error = match tokio::time::timeout(left, self.remote.chat(request)).await {
            Ok(Ok(reply)) => {
                self.breaker(Breaker::succeeded);
                return Ok(ChatReply { degraded: Some(false), ..reply });
            }
            Ok(Err(error)) => error,
            Err(_) => LlmError::Timeout,
        };
        tracing::warn!(model = self.remote.name(), %error, "the language model gave no answer");
        if error.is_outage() {
            if self.breaker(|breaker| breaker.failed(Instant::now())) {
                tracing::warn!(model = self.remote.name(), "the language model is left alone for a while");
            }
        } else {
            self.breaker(Breaker::succeeded);
        }
        Err(error.code())
    }

    /// The playbook's answer, continuing what the remote model has done in this turn.
    async fn ask_playbook(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        let mut left: Vec<&Round> = request.rounds.iter().collect();
        let mut own = ChatRequest { rounds: Vec::new(), ..request.clone() };
        loop {
            let mut reply = ChatReply { degraded: Some(true), ..self.playbook.chat(&own).await? };
            let Some(call) = reply.calls.first().cloned() else {
                reply.text = with_actions(&reply.text, &left, &request.facts);
                return Ok(reply);
            };
            // A result that the remote model already has is not requested again.
            if let Some(index) = left.iter().position(|round| answers(round, &call)) {
                own.rounds.push(Round { call, ..left.remove(index).clone() });
            } else {
                for (index, call) in reply.calls.iter_mut().enumerate() {
                    call.id = format!("{PLAYBOOK_CALL_PREFIX}{}_{index}", request.rounds.len() + 1);
                }
                return Ok(reply);
            }
        }
    }
}

#[async_trait]
impl ChatModel for Degraded {
    fn name(&self) -> &str {
        self.remote.name()
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        match self.ask_remote(request).await {
            Ok(reply) => Ok(reply),
            Err("begun") => self.ask_playbook(request).await,
            Err(why) => {
                count(why, request);
                self.ask_playbook(request).await
            }
        }
    }

    async fn chat_by_playbook(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        if !begun(request) {
            count("guard", request);
        }
        self.ask_playbook(request).await
    }
}

/// Whether the playbook has the turn already.
fn begun(request: &ChatRequest) -> bool {
    request.rounds.iter().any(|round| round.call.id.starts_with(PLAYBOOK_CALL_PREFIX))
}

fn count(why: &'static str, request: &ChatRequest) {
    counter!(metric::LLM_DEGRADED, "why" => why).increment(1);
    tracing::warn!(why, rounds = request.rounds.len(), "the playbook answers in place of the language model");
}

/// Whether an earlier call is the wanted one, with a result that is still valid.
fn answers(round: &Round, call: &ToolCall) -> bool {
    if round.wrong || round.call.name != call.name {
        return false;
    }
    let id = |value: &Value| value["order_id"].as_str().map(|id| id.trim().to_uppercase());
    let status = round.result["status"].as_str();
    match call.name.as_str() {
        HUMAN => status == Some("success"),
        // A denial may have had another cause, such as another amount. A second call cannot pay twice.
        REFUND => {
            matches!(status, Some("success" | "already_refunded")) && id(&round.call.arguments) == id(&call.arguments)
        }
        // Only why it is wished may be said in other words.
        CANCEL | CHANGE | RETURN => {
            let wished = |arguments: &Value| {
                let mut wished = arguments.as_object().cloned().unwrap_or_default();
                wished.remove("reason");
                wished.remove("order_id");
                wished
            };
            id(&round.call.arguments) == id(&call.arguments) && wished(&round.call.arguments) == wished(&call.arguments)
        }
        _ => {
            let part = |arguments: &Value| arguments.get("items").cloned();
            id(&round.call.arguments) == id(&call.arguments) && part(&round.call.arguments) == part(&call.arguments)
        }
    }
}

/// The reply, preceded by what the remote model did in this turn without the playbook's knowledge.
fn with_actions(reply: &str, left: &[&Round], facts: &Facts) -> String {
    let (language, money) = (Language::of(&facts.conversation), &facts.money);
    let succeeded = |round: &&&Round| round.result["status"] == "success";
    let told = |round: &&Round| {
        let (arguments, result) = (&round.call.arguments, &round.result);
        let order = OrderId::new([result, arguments].iter().find_map(|of| of["order_id"].as_str()).unwrap_or_default());
        let order = facts.conversation.name_of(&order);
        match round.call.name.as_str() {
            REFUND => Some(playbook::refunded(language, money, result, order)),
            tool @ (CANCEL | CHANGE | RETURN) => {
                Some(playbook::done(language, money, tool, (arguments, result), order))
            }
            _ => None,
        }
    };
    let mut lines: Vec<String> = left.iter().filter(succeeded).filter_map(told).collect();
    let handed_over = left.iter().filter(succeeded).any(|round| round.call.name == HUMAN);
    lines.push(if handed_over { handoff::done(language).to_owned() } else { reply.to_owned() });
    lines.join("\n")
}

#[cfg(test)]
#[path = "degraded_tests.rs"]
mod tests;

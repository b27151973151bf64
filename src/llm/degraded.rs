//! Decides who answers a turn: the remote model while it can, the playbook where it cannot.
//!
//! It must never leave a customer without an answer, nor silent about what the remote model had already done.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use metrics::{counter, gauge};
use serde_json::Value;

use super::breaker::{Breaker, Settings as BreakerSettings};
use super::{ChatModel, ChatReply, ChatRequest, LlmError, Round, ToolCall};
use crate::tools::{HUMAN, REFUND};

/// What the calls of the playbook are called: a turn that it took over stays with it.
const OURS: &str = "playbook_";
/// Wrong calls of the remote model in one turn: the first is told to it, with the second it is done.
const WRONG_CALLS: usize = 2;

/// A remote model with the playbook behind it.
pub struct Degraded {
    remote: Arc<dyn ChatModel>,
    playbook: Arc<dyn ChatModel>,
    breaker: Mutex<Breaker>,
    turn: Duration,
}

impl Degraded {
    /// Both models; `turn`: how long the remote one may take in all for one turn.
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
        let told = with(&mut breaker);
        gauge!("ecomres_llm_breaker_open").set(if breaker.is_open(Instant::now()) { 1.0 } else { 0.0 });
        told
    }

    /// The remote model's answer, or the short word for why there is none.
    async fn ask_remote(&self, request: &ChatRequest) -> Result<ChatReply, &'static str> {
        if request.rounds.iter().any(|round| round.call.id.starts_with(OURS)) {
            return Err("begun");
        }
        if request.rounds.iter().filter(|round| round.wrong).count() >= WRONG_CALLS {
            return Err("wrong_calls");
        }
        let left = (request.begun + self.turn).saturating_duration_since(Instant::now());
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
            Err(_) => LlmError::Late,
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

    /// The playbook's answer, on top of what the remote model has done in this turn.
    async fn ask_playbook(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        let mut left: Vec<&Round> = request.rounds.iter().collect();
        let mut own = ChatRequest { rounds: Vec::new(), ..request.clone() };
        loop {
            let mut reply = ChatReply { degraded: Some(true), ..self.playbook.chat(&own).await? };
            let Some(call) = reply.calls.first().cloned() else {
                reply.text = with_what_was_done(&reply.text, &left);
                return Ok(reply);
            };
            // What is there already is not asked for again.
            match left.iter().position(|round| answers(round, &call)) {
                Some(index) => own.rounds.push(Round { call, ..left.remove(index).clone() }),
                None => {
                    for (index, call) in reply.calls.iter_mut().enumerate() {
                        call.id = format!("{OURS}{}_{index}", request.rounds.len() + 1);
                    }
                    return Ok(reply);
                }
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
                counter!("ecomres_llm_degraded_total", "why" => why).increment(1);
                tracing::warn!(
                    why,
                    rounds = request.rounds.len(),
                    "the playbook answers in place of the language model"
                );
                self.ask_playbook(request).await
            }
        }
    }
}

/// Whether a call that was made is the one that is wanted, with a result that still holds.
fn answers(round: &Round, call: &ToolCall) -> bool {
    if round.wrong || round.call.name != call.name {
        return false;
    }
    let id = |value: &Value| value["order_id"].as_str().map(|id| id.trim().to_uppercase());
    let status = round.result["status"].as_str();
    match call.name.as_str() {
        HUMAN => status == Some("success"),
        // A denial may have had another cause: another amount, for one. Paying again pays nothing twice.
        REFUND => {
            matches!(status, Some("success" | "already_refunded")) && id(&round.call.arguments) == id(&call.arguments)
        }
        _ => id(&round.call.arguments) == id(&call.arguments),
    }
}

/// The reply, after what the remote model did in this turn and the playbook does not know of.
fn with_what_was_done(reply: &str, left: &[&Round]) -> String {
    let status = |round: &&&Round| round.result["status"].as_str().unwrap_or_default().to_owned();
    if left.iter().any(|round| round.call.name == HUMAN && status(&round) == "success") {
        return "I've asked a member of our team to take over. They can see this whole conversation and will reply here."
            .to_owned();
    }
    let mut lines: Vec<String> = left
        .iter()
        .filter(|round| round.call.name == REFUND && status(round) == "success")
        .map(|round| {
            let text = |name: &str| round.result[name].as_str().unwrap_or_default();
            let amount = crate::domain::money::Money::from_json(&round.result["amount_refunded"]);
            let amount = amount.map(|amount| amount.to_string()).unwrap_or_default();
            format!(
                "Done: {amount} for order {} has been refunded. Your transaction id is {}.",
                text("order_id"),
                text("transaction_id")
            )
        })
        .collect();
    lines.push(reply.to_owned());
    lines.join("\n")
}

#[cfg(test)]
#[path = "degraded_tests.rs"]
mod tests;

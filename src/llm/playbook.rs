//! Answers without a language model: which tool to call or what to reply, by rules.
//!
//! It must never state a fact that no tool result of the turn and no answer of the shop holds.
//!
//! The plan is a function of the facts and of the tool results so far: each round runs it from the start, up to the
//! first call whose result is missing. So it has no state.

mod answers;
mod changes;
mod cues;
pub mod faq;
mod items;
mod matchers;
mod money;
mod notes;
mod plan;
mod proposals;
mod questions;
mod refusal;
mod results;
mod said;
mod tracking;
mod urgent;
mod which_order;
mod wish;
mod wishes;
mod writes;

use async_trait::async_trait;

use super::{ChatModel, ChatReply, ChatRequest, LlmError};
use crate::domain::ownership::Proof;
use crate::domain::wish::Wish;
use faq::Faq;
pub(super) use money::refunded;
use plan::Plan;
pub(super) use proposals::done;
pub use results::status as order_status;

/// What a customer says is wrong with what came: as the model reads the topic of their message, or by its words.
pub fn fault_told(topic: &str, text: &str) -> Option<Wish> {
    match topic {
        "damaged_item" | "bad_quality" => Some(Wish::Damaged),
        "wrong_item" => Some(Wish::WrongItem),
        "missing_item" => Some(Wish::MissingItem),
        _ => wish::complaint(&said::Said::new(text)),
    }
}

/// The offline counterpart of a language model.
#[derive(Debug, Clone)]
pub struct Playbook {
    settings: Settings,
}

/// The settings of the playbook.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Questions it may answer.
    pub faq: Faq,
    /// Whether an order needs the customer id as well.
    pub strict: bool,
    /// What customers are asked for besides an order id; empty: nothing.
    pub proofs: Vec<Proof>,
    /// Below this confidence of the intent the customer is asked to explain.
    pub clarify_below: f64,
    /// Above this confidence a negative message counts as very negative.
    pub very_negative: f64,
    /// Replies in a row that did not help before a person is asked in.
    pub failures: u32,
}

impl Playbook {
    /// A playbook with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings }
    }
}

#[async_trait]
impl ChatModel for Playbook {
    fn name(&self) -> &'static str {
        "playbook"
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        Ok(match Plan::new(&self.settings, &request.facts, &request.rounds, &request.history).run() {
            Ok(reply) => reply,
            Err(call) => ChatReply { calls: vec![call], ..ChatReply::default() },
        })
    }

    async fn chat_by_playbook(&self, request: &ChatRequest) -> Result<ChatReply, LlmError> {
        self.chat(request).await
    }
}

#[cfg(test)]
mod answers_tests;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod outcome_tests;
#[cfg(test)]
mod plan_tests;

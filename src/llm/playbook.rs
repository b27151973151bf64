//! Decides, without any language model, what to do next in a conversation: which tool to call or what to say.
//!
//! It must never state a fact that no tool result of the turn and no written answer holds.
//!
//! The plan is a function of the facts and of the tool results so far: each round it runs from the start, and stops at
//! the first call whose result is not there yet. So it needs no state of its own.

pub mod faq;
mod intents;
mod phrases;
mod plan;

use async_trait::async_trait;

use super::{ChatModel, ChatReply, ChatRequest, LlmError};
use crate::domain::ids::IdPatterns;
use faq::Faq;
use plan::Plan;

/// The offline counterpart of a language model.
#[derive(Debug, Clone)]
pub struct Playbook {
    settings: Settings,
}

/// What the playbook goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Questions it may answer.
    pub faq: Faq,
    /// How identifiers look.
    pub patterns: IdPatterns,
    /// Whether an order needs the customer id as well.
    pub strict: bool,
    /// Below this confidence the customer is asked to explain.
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
        Ok(match Plan::new(&self.settings, &request.facts, &request.rounds).run() {
            Ok(reply) => reply,
            Err(call) => ChatReply { calls: vec![call], ..ChatReply::default() },
        })
    }
}

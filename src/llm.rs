//! Decides how a language model is asked: the port that remote models and the offline playbook share.
//!
//! It must never run a tool: it answers with text or with calls, and the agent decides what becomes of them.

pub mod playbook;
pub mod scripted;

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::conversation::{Conversation, Pending, Triage, TriageCause, WaitingFor};
use crate::domain::ids::OrderId;
use crate::domain::message::ChatMessage;
use crate::tools::ToolSpec;

/// What the agent knows about the turn.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the customer wrote in this turn.
    pub text: String,
    /// What the customer wants and how they sound.
    pub triage: Triage,
    /// Whether the triage was made for this message, and why.
    pub cause: TriageCause,
    /// The orders that this turn names.
    pub named_orders: Vec<OrderId>,
    /// The conversation, this turn's identifiers included; what it waits for is from the turn before.
    pub conversation: Conversation,
}

/// A question to the model: one round of a turn.
#[derive(Debug, Clone)]
pub struct ChatRequest {
    /// What the agent knows.
    pub facts: Facts,
    /// Earlier messages, the oldest first, without this turn's.
    pub history: Vec<ChatMessage>,
    /// The tools this turn has called so far, with their results.
    pub rounds: Vec<Round>,
    /// The tools there are.
    pub tools: Arc<[ToolSpec]>,
}

/// A call the model wants made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names the call within the turn.
    pub id: String,
    /// The tool.
    pub name: String,
    /// Its arguments as JSON.
    pub arguments: Value,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Round {
    /// The call.
    pub call: ToolCall,
    /// The tool's JSON.
    pub result: Value,
}

/// The model's answer: calls to make, or a reply for the customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChatReply {
    /// Calls to make before the next round; empty when the text is the reply.
    pub calls: Vec<ToolCall>,
    /// The reply.
    pub text: String,
    /// What the model knows about how the conversation goes on. Remote models give none.
    pub notes: Option<Notes>,
}

/// How the conversation goes on after a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// What the reply asks for.
    pub waiting_for: WaitingFor,
    /// What stays to be done.
    pub pending: Option<Pending>,
    /// Whether the reply failed to help; failures in a row bring in a person.
    pub failed: bool,
}

/// Why a model gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum LlmError {
    /// The model cannot be asked now.
    #[error("the language model gave no answer: {0}")]
    Unavailable(String),
}

/// A language model.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// The model's name, for logs.
    fn name(&self) -> &str;
    /// Answers one round.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, LlmError>;
}

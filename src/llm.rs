//! Decides how a language model is asked: the port that remote models and the offline playbook share.
//!
//! It must never run a tool: it answers with text or with calls, and the agent decides what becomes of them.

pub mod breaker;
pub mod budget;
pub mod degraded;
pub mod mask;
pub mod openai;
pub mod playbook;
pub mod prompt;
pub mod scripted;

use std::sync::Arc;
use std::time::Instant;

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
    /// When the turn began: a customer waits from then on.
    pub begun: Instant,
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
    /// Whether the call itself was wrong: no such tool, or arguments that do not fit.
    pub wrong: bool,
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
    /// Whether another model answers in place of a remote one that could not; `None` where there is no remote one.
    pub degraded: Option<bool>,
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The model cannot be asked now.
    #[error("the language model cannot be asked: {0}")]
    Unavailable(String),
    /// There was no answer within the time that a turn has.
    #[error("the language model gave no answer in time")]
    Late,
    /// The service refuses: the key, the model, the request.
    #[error("the language model's service refuses with {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the service says.
        message: String,
    },
    /// What came cannot be used.
    #[error("the language model's answer cannot be used: {0}")]
    Unusable(String),
    /// None of the models is there.
    #[error("none of the models in the settings is at {host}")]
    NoModel {
        /// The service.
        host: String,
    },
}

impl LlmError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unavailable(_) => "see that [llm] base_url can be reached from here".to_owned(),
            Self::Late => "raise [llm] timeout_seconds and turn_seconds, or take a quicker model".to_owned(),
            Self::Refused { status: 401 | 403, .. } => "put a valid key into GROQ_API_KEY".to_owned(),
            Self::Refused { .. } | Self::NoModel { .. } => {
                "set [llm] model and fallback_model to models that `ecomres doctor` lists".to_owned()
            }
            Self::Unusable(_) => return None,
        })
    }

    /// Whether the service is at fault, as opposed to one answer of it.
    pub fn is_outage(&self) -> bool {
        !matches!(self, Self::Unusable(_))
    }

    /// A short word for counters.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Late => "late",
            Self::Refused { .. } => "refused",
            Self::Unusable(_) => "unusable",
            Self::NoModel { .. } => "no_model",
        }
    }
}

/// A language model.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// The model's name, for logs.
    fn name(&self) -> &str;
    /// Answers one round.
    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply, LlmError>;
}

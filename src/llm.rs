//! The interface of language models, which remote models and the offline playbook implement.
//!
//! A model must never run a tool: it answers with text or with calls, and the agent carries them out.

pub mod breaker;
pub mod budget;
pub mod degraded;
pub mod media_service;
pub mod message;
pub mod openai;
pub mod playbook;
pub mod prompt;
pub mod scripted;
pub mod transcriber;
pub mod vision;

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::conversation::{Conversation, Pending, Triage, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::{IdPatterns, OrderId};
use crate::domain::inbound::Given;
use crate::domain::message::ChatMessage;
use crate::tools::ToolSpec;

/// Rounds with tool calls in one turn; with more, a person is asked in.
pub const MAX_ROUNDS: usize = 6;

/// What the agent knows about the turn.
#[derive(Debug, Clone)]
pub struct Facts {
    /// What the customer wrote in this turn.
    pub text: String,
    /// What the customer wants and how they sound.
    pub triage: Triage,
    /// Whether this message was classified, and why.
    pub cause: TriageCause,
    /// The orders that this turn names, or those of the message that it replies to.
    pub named_orders: Vec<OrderId>,
    /// Orders that the message would name, were letters digits.
    pub suspected: Vec<OrderId>,
    /// Orders that a picture of the customer's names: they are asked about, and not taken.
    pub seen: Vec<OrderId>,
    /// What ids look like, for this customer.
    pub patterns: IdPatterns,
    /// Whether this is the customer's own answer to what was said here: not forwarded, no edit of an earlier message, no
    /// button of another program.
    pub is_answer: bool,
    /// Whether it is the customer's own word, some of it spoken: it agrees to no proposal.
    pub is_by_voice: bool,
    /// What the customer gave that is no words: an order is changed to it only where they agree to that.
    pub given: Option<Given>,
    /// The conversation, this turn's identifiers included; what it waits for is from the turn before.
    pub conversation: Conversation,
    /// The shop's own currency, and how it writes amounts.
    pub money: ShopMoney,
}

/// A request to the model: one round of a turn.
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
    /// When the turn started: the limits on its time count from here.
    pub started: Instant,
}

/// A call the model wants made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Identifies the call within the turn.
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
    /// Whether the call was invalid: no such tool, or wrong arguments.
    pub wrong: bool,
}

/// The model's answer: calls to make, or a reply for the customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ChatReply {
    /// Calls to make before the next round; empty when the text is the reply.
    pub calls: Vec<ToolCall>,
    /// The reply.
    pub text: String,
    /// Who wrote the reply.
    pub author: Author,
    /// What the model knows about how the conversation goes on. Remote models give none.
    pub notes: Option<Notes>,
    /// Whether another model answers in place of a remote one that could not; `None` where there is no remote one.
    pub degraded: Option<bool>,
}

/// Who wrote a text: what a language model wrote is judged sentence by sentence before it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Author {
    /// A language model.
    #[default]
    Model,
    /// The program, from its own sentences and tool results.
    Program,
}

/// How the conversation goes on after a reply.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notes {
    /// What the reply asks for.
    pub waiting_for: WaitingFor,
    /// The request that is still open.
    pub pending: Option<Pending>,
    /// The orders of which the reply asks whether one of them is meant, the likeliest first.
    pub suggested: Vec<OrderId>,
    /// Whether the reply failed to help; failures in a row bring in a person.
    pub failed: bool,
    /// The orders that the reply is about, also those that the customer did not name: they are remembered as if named.
    pub about: Vec<OrderId>,
}

/// Why a model gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LlmError {
    /// The model cannot be asked now.
    #[error("the language model cannot be asked: {0}")]
    Unavailable(String),
    /// There was no answer within the time that a turn has.
    #[error("the language model gave no answer in time")]
    Timeout,
    /// The service refuses: the key, the model, the request.
    #[error("the language model's service refuses with {status}: {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the service says.
        message: String,
    },
    /// The answer cannot be used.
    #[error("the language model's answer cannot be used: {0}")]
    Unusable(String),
    /// The service offers none of the models.
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
            Self::Timeout => "raise [llm] timeout_seconds and turn_seconds, or take a quicker model".to_owned(),
            Self::Refused { status: 401 | 403, .. } => "put a valid key into GROQ_API_KEY".to_owned(),
            Self::Refused { status: 400 | 422, .. } => {
                "see that [llm] base_url and model name a service that does chat completions with tools".to_owned()
            }
            Self::Refused { .. } | Self::NoModel { .. } => {
                "set [llm] model and fallback_model to models that `ecomres doctor` lists".to_owned()
            }
            Self::Unusable(_) => return None,
        })
    }

    /// Whether the service failed, as opposed to a single answer.
    pub fn is_outage(&self) -> bool {
        !matches!(self, Self::Unusable(_))
    }

    /// The label in metrics.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Timeout => "late",
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
    /// Answers one round by the playbook behind the model, on the rounds that the model has made: its own reply was held back.
    /// A model without a playbook behind it has no such answer.
    async fn chat_by_playbook(&self, _request: &ChatRequest) -> Result<ChatReply, LlmError> {
        Err(LlmError::Unavailable("no playbook is behind it".to_owned()))
    }
}

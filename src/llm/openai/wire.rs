//! Decides how a request and an answer look on the wire: chat completions as Groq and compatible services have them.
//!
//! It must never send a field that the service does not know: some refuse the whole request.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tools::ToolSpec;

/// A request for one completion.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Request<'a> {
    pub model: &'a str,
    pub messages: &'a [Message],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub tools: &'a [Tool<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    pub temperature: f64,
    pub max_completion_tokens: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<&'a str>,
}

/// One message of a conversation with the model.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Message {
    /// Instructions.
    System {
        /// The text.
        content: String,
    },
    /// What the customer wrote.
    User {
        /// The text.
        content: String,
    },
    /// What the bot, or a person of the team, answered, or a call that the model asked for.
    Assistant {
        /// The text.
        #[serde(skip_serializing_if = "Option::is_none")]
        content: Option<String>,
        /// The calls.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tool_calls: Vec<Call>,
    },
    /// What a tool answered.
    Tool {
        /// Which call it answers.
        tool_call_id: String,
        /// The tool's JSON.
        content: String,
    },
}

impl Message {
    /// The text of it, a call's arguments included.
    pub fn text(&self) -> String {
        match self {
            Self::System { content } | Self::User { content } | Self::Tool { content, .. } => content.clone(),
            Self::Assistant { content, tool_calls } => {
                let calls = tool_calls.iter().map(|call| format!("{} {}", call.function.name, call.function.arguments));
                content.iter().cloned().chain(calls).collect::<Vec<_>>().join(" ")
            }
        }
    }
}

/// A call, as both sides write it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Names the call.
    #[serde(default)]
    pub id: String,
    /// Always `function`.
    #[serde(default = "function", rename = "type")]
    pub kind: String,
    /// What is called.
    pub function: Function,
}

/// The function of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Function {
    /// The tool.
    #[serde(default)]
    pub name: String,
    /// Its arguments, as the text of a JSON object.
    #[serde(default)]
    pub arguments: String,
}

fn function() -> String {
    "function".to_owned()
}

/// A tool as it is described to the model.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    function: Definition<'a>,
}

#[derive(Debug, Clone, Serialize)]
struct Definition<'a> {
    name: &'a str,
    description: &'a str,
    parameters: &'a Value,
}

impl<'a> Tool<'a> {
    pub fn new(spec: &'a ToolSpec) -> Self {
        let function = Definition { name: &spec.name, description: &spec.description, parameters: &spec.input };
        Self { kind: "function", function }
    }
}

/// A completion.
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    #[serde(default)]
    pub choices: Vec<Choice>,
    #[serde(default)]
    pub usage: Option<Usage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    pub message: Said,
    #[serde(default)]
    pub finish_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    #[serde(default)]
    pub content: Option<String>,
    #[serde(default)]
    pub tool_calls: Option<Vec<Call>>,
}

/// What a completion cost.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub prompt_tokens: u64,
    #[serde(default)]
    pub completion_tokens: u64,
}

/// What `/models` tells.
#[derive(Debug, Deserialize)]
pub(super) struct Models {
    pub data: Vec<Model>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Model {
    pub id: String,
    /// Groq lists models that are withdrawn with `false`.
    #[serde(default)]
    pub active: Option<bool>,
}

/// The body of an error.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorBody {
    #[serde(default)]
    pub error: ErrorDetail,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct ErrorDetail {
    #[serde(default)]
    pub message: String,
    /// A word with most services, a number with some.
    #[serde(default)]
    pub code: Option<Value>,
}

//! The messages of a chat completion, as the prompt composes them and services with OpenAI's interface read them. They
//! never hold a field beyond those: some services refuse the whole request.

use serde::{Deserialize, Serialize};

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

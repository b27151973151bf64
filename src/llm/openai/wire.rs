//! The JSON of chat completions, as Groq and compatible services have it.
//!
//! It must never send a field that the service does not know: some refuse the whole request.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use super::parameters::CLOSED_SCHEMAS;
use crate::llm::message::Message;
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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u32>,
    /// The earlier name of the same, for services that know no other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<&'a str>,
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
    parameters: Cow<'a, Value>,
}

impl<'a> Tool<'a> {
    pub(super) fn new(spec: &'a ToolSpec) -> Self {
        let function =
            Definition { name: &spec.name, description: &spec.description, parameters: Cow::Borrowed(&spec.input) };
        Self { kind: "function", function }
    }

    /// The same without what some services refuse in a schema.
    pub(super) fn open(&self) -> Self {
        let mut tool = self.clone();
        without_key(tool.function.parameters.to_mut(), CLOSED_SCHEMAS);
        tool
    }
}

fn without_key(value: &mut Value, key: &str) {
    match value {
        Value::Object(map) => {
            map.remove(key);
            map.values_mut().for_each(|value| without_key(value, key));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| without_key(value, key)),
        _ => {}
    }
}

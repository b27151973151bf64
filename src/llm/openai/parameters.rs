//! Parameters that a request can do without, and which of them a service refused: it is asked again without those, and
//! they are left out from then on.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::error::messages_of;
use crate::domain::pattern::pattern;

/// The schema key that some services refuse in the description of a tool.
pub(super) const CLOSED_SCHEMAS: &str = "additionalProperties";

/// What a request can do without, by its name on the wire. `max_tokens` is sent only where `max_completion_tokens` was
/// refused.
const OPTIONAL: [&str; 7] = [
    "tool_choice",
    "parallel_tool_calls",
    "temperature",
    "max_completion_tokens",
    "max_tokens",
    "reasoning_effort",
    CLOSED_SCHEMAS,
];

static NAMED: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let word = |name: &str| pattern(&format!(r"(?i)\b{}\b", name.replace('_', "[_ -]")));
    OPTIONAL.iter().map(|name| (*name, word(name))).collect()
});
/// A request that is too long names the limit of an answer beside its own length, and does not refuse it.
static TOO_LONG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)context[_ -]?(?:length|window|size)|too many (?:input )?tokens|prompt is too long"));

/// Parameters that a model's service refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refused(BTreeSet<&'static str>);

impl Refused {
    /// Whether a parameter may be sent.
    pub(super) fn permits(&self, name: &str) -> bool {
        !self.0.contains(name)
    }

    /// The optional parameters of a request that leaves out what was refused; `effort`: whether there is one to send.
    pub(super) fn sent(&self, tools: bool, effort: bool) -> Vec<&'static str> {
        let wanted = |name: &str| match name {
            "tool_choice" | "parallel_tool_calls" | CLOSED_SCHEMAS => tools,
            "reasoning_effort" => effort,
            "max_tokens" => !self.permits("max_completion_tokens"),
            _ => true,
        };
        OPTIONAL.into_iter().filter(|name| self.permits(name) && wanted(name)).collect()
    }

    /// Leaves out these from now on.
    pub(super) fn learn(&mut self, names: impl IntoIterator<Item = &'static str>) {
        self.0.extend(names);
    }

    /// What is left out.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().copied().collect()
    }
}

/// The optional parameters that the body of an error names: in the field for that, else anywhere in its message.
pub(super) fn named(body: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(body);
    let read = serde_json::from_slice::<Value>(body).unwrap_or_else(|_| Value::String(text.clone().into_owned()));
    let messages = messages_of(&read).join(" ");
    if TOO_LONG.is_match(&messages) {
        return Vec::new();
    }
    let mut fields = Vec::new();
    fields_of(&read, 0, &mut fields);
    let in_fields = find(&fields.join(" "));
    if in_fields.is_empty() { find(&messages) } else { in_fields }
}

fn find(text: &str) -> Vec<&'static str> {
    NAMED.iter().filter(|(_, word)| word.is_match(text)).map(|(name, _)| *name).collect()
}

/// The texts of `param` and `loc`, wherever they are.
fn fields_of(value: &Value, depth: usize, found: &mut Vec<String>) {
    if depth > 6 {
        return;
    }
    match value {
        Value::Array(list) => list.iter().for_each(|value| fields_of(value, depth + 1, found)),
        Value::Object(map) => {
            for (key, value) in map {
                match (key.as_str(), value) {
                    ("param" | "parameter", Value::String(name)) => found.push(name.clone()),
                    ("loc", Value::Array(path)) => {
                        found.extend(path.iter().filter_map(Value::as_str).map(str::to_owned));
                    }
                    // What was sent, given back.
                    ("input" | "ctx", _) => {}
                    _ => fields_of(value, depth + 1, found),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameter_is_found_in_every_shape() {
        for (body, expected) in [
            (
                r#"{"error":{"message":"Unsupported value","type":"invalid_request_error","param":"temperature","code":"unsupported_value"}}"#,
                vec!["temperature"],
            ),
            (
                r#"{"error":{"message":"Unsupported parameter: 'max_completion_tokens'. Use 'max_tokens' instead."}}"#,
                vec!["max_completion_tokens", "max_tokens"],
            ),
            (
                r#"{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'reasoning_effort'), 'msg': 'no'}]","code":400}"#,
                vec!["reasoning_effort"],
            ),
            (
                r#"{"detail":[{"type":"extra_forbidden","loc":["body","tool_choice"],"msg":"Extra inputs","input":{"temperature":1}}]}"#,
                vec!["tool_choice"],
            ),
            (r#"{"detail":"parallel_tool_calls is not known here"}"#, vec!["parallel_tool_calls"]),
            (
                r#"{"code":"Client specified an invalid argument","error":"Argument not supported on this model: reasoning_effort"}"#,
                vec!["reasoning_effort"],
            ),
            (
                r#"[{"error":{"code":400,"message":"Unknown name \"parallel_tool_calls\": Cannot find field.","status":"INVALID_ARGUMENT"}}]"#,
                vec!["parallel_tool_calls"],
            ),
            (r#"{"error":"json: unknown field \"tool_choice\""}"#, vec!["tool_choice"]),
            ("\"auto\" tool choice requires a parser", vec!["tool_choice"]),
            (r#"{"error":{"message":"Unknown name \"additionalProperties\" at 'tools[0]'"}}"#, vec![CLOSED_SCHEMAS]),
            (r#"{"error":{"message":"Invalid API key"}}"#, vec![]),
            (
                r#"{"error":{"message":"maximum context length is 8192, you asked for 9000 (1024 in max_completion_tokens)"}}"#,
                vec![],
            ),
            ("<html>", vec![]),
        ] {
            assert_eq!(named(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn what_is_refused_is_left_out_and_the_answers_limit_has_two_names() {
        let mut refused = Refused::default();
        assert!(refused.sent(true, false).contains(&"max_completion_tokens"));
        assert!(!refused.sent(true, false).contains(&"max_tokens"));
        refused.learn(["max_completion_tokens"]);
        assert!(
            refused.sent(true, true).contains(&"max_tokens") && refused.sent(true, true).contains(&"reasoning_effort")
        );
        refused.learn(["max_tokens", "temperature"]);
        assert_eq!(refused.sent(false, false), Vec::<&str>::new());
        assert_eq!(refused.names(), ["max_completion_tokens", "max_tokens", "temperature"]);
    }
}

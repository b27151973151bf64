//! Reads completions and lists of models as services of many makers write them: what is null is absent, what is not needed
//! may be anything, and texts that hold calls or thoughts are taken apart.

use metrics::counter;
use reqwest::StatusCode;
use serde_json::Value;

use super::error::RequestError;
use super::text_calls::{self, Reading};
use crate::domain::words::excerpt;
use crate::llm::{ChatReply, ToolCall};
use crate::telemetry::metric;

/// A completion that was read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Completion {
    /// The reply.
    pub reply: ChatReply,
    /// Whether its calls were written as text.
    pub as_text: bool,
}

/// Parses a completion; `offered`: the names of the tools.
///
/// # Errors
/// When it holds neither words nor calls that can be used.
pub(super) fn read(body: &[u8], offered: &[&str]) -> Result<Completion, RequestError> {
    let unusable = |what: &str| RequestError::Unusable(what.to_owned());
    let answer: Value = serde_json::from_slice(body)
        .map_err(|error| RequestError::Unusable(format!("it is no chat completion: {error}")))?;
    count_tokens(&answer["usage"]);
    let choices = answer["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
    let Some(choice) = choices.iter().find(|choice| choice["message"].is_object()).or(choices.first()) else {
        // Some services pass an error of their own provider on as a success.
        return Err(match &answer["error"] {
            Value::Null if !answer.is_object() => unusable("it is no chat completion"),
            Value::Null => unusable("it holds no choice"),
            error => {
                let status =
                    error["code"].as_u64().or_else(|| error["status"].as_u64()).and_then(|code| code.try_into().ok());
                let status = status.and_then(|code: u16| StatusCode::from_u16(code).ok());
                let status = status.filter(|status| !status.is_success()).unwrap_or(StatusCode::BAD_GATEWAY);
                RequestError::of(status, None, body)
            }
        });
    };
    let message = &choice["message"];
    let text = text_of(&message["content"]).or_else(|| text_of(&choice["text"])).unwrap_or_default();
    let calls = calls_of(message, offered);
    let reply = |calls, text| ChatReply { calls, text, degraded: Some(false), ..ChatReply::default() };
    if !calls.is_empty() {
        return Ok(Completion { reply: reply(calls, text), as_text: false });
    }
    let reason = choice["finish_reason"].as_str().unwrap_or_default().to_lowercase();
    let cut = matches!(reason.as_str(), "length" | "max_tokens" | "max_output_tokens");
    if text.trim().is_empty() {
        return Err(unusable(if cut { "it was cut off before a word" } else { "it is empty" }));
    }
    match text_calls::read(&text, offered) {
        Reading::Calls(written) => {
            let calls = written.into_iter().enumerate().map(|(index, call)| ToolCall {
                id: format!("call_{index}"),
                name: call.name,
                arguments: call.arguments,
            });
            Ok(Completion { reply: reply(calls.collect(), String::new()), as_text: true })
        }
        // Half a sentence is no answer for a customer.
        Reading::Words(_) if cut => Err(unusable("it was cut off")),
        Reading::Words(words) => Ok(Completion { reply: reply(Vec::new(), words), as_text: false }),
        Reading::Unusable(why) => Err(unusable(why)),
    }
}

/// A text: as such, or in parts, of which those of other kinds (pictures, thoughts) are passed over.
fn text_of(content: &Value) -> Option<String> {
    match content {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<String> = parts
                .iter()
                .filter(|part| {
                    let kind = part["type"].as_str().unwrap_or("text");
                    matches!(kind, "text" | "output_text") && part["thought"] != true
                })
                .filter_map(text_of)
                .collect();
            (!texts.is_empty()).then(|| texts.concat())
        }
        Value::Object(part) => ["text", "value", "content"].iter().find_map(|key| part.get(*key).and_then(text_of)),
        _ => None,
    }
}

/// The calls of a message: a list, a single one, or one of the first generation (`function_call`).
fn calls_of(message: &Value, offered: &[&str]) -> Vec<ToolCall> {
    let calls: Vec<&Value> = match (&message["tool_calls"], &message["function_call"]) {
        (Value::Array(calls), _) if !calls.is_empty() => calls.iter().collect(),
        (call @ Value::Object(_), _) | (_, call @ Value::Object(_)) => vec![call],
        _ => Vec::new(),
    };
    let objects = calls.into_iter().filter(|call| call.is_object()).enumerate();
    objects
        .map(|(index, call)| {
            let function = if call["function"].is_object() { &call["function"] } else { call };
            // Some models leak tokens of their own format into the name.
            let written = function["name"].as_str().unwrap_or_default();
            let bare = || written.split("<|").next().unwrap_or_default().trim().to_owned();
            let name = text_calls::offered_name(written, offered).map_or_else(bare, str::to_owned);
            let given = ["arguments", "parameters", "args", "input"].iter().map(|key| &function[*key]);
            let given = given.into_iter().find(|value| !value.is_null()).unwrap_or(&Value::Null);
            let arguments = match text_calls::arguments(given) {
                Value::String(text) => Value::String(excerpt(&text, 2_000)),
                read => read,
            };
            let id = match &call["id"] {
                Value::String(id) if !id.is_empty() => excerpt(id, 64),
                Value::Number(id) => id.to_string(),
                _ => format!("call_{index}"),
            };
            ToolCall { id, name, arguments }
        })
        .collect()
}

/// Counts what a completion cost, where that is a number.
fn count_tokens(usage: &Value) {
    for (kind, names) in
        [("prompt", ["prompt_tokens", "input_tokens"]), ("completion", ["completion_tokens", "output_tokens"])]
    {
        if let Some(count) = names.iter().find_map(|name| tokens(&usage[*name])) {
            counter!(metric::LLM_TOKENS, "kind" => kind).increment(count);
        }
    }
}

/// A count as a number or its text; a negative or impossible one is none.
fn tokens(value: &Value) -> Option<u64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small positive number"
    )]
    (0.0..1e15).contains(&number).then_some(number as u64)
}

/// The names of a list of models: `{"data": […]}`, `{"models": […]}` or the list alone; each an object or a name. Those
/// that are said not to be active are left out. `None` where it is no list.
pub(super) fn model_names(body: &[u8]) -> Option<Vec<String>> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let list = ["data", "models", "result"].iter().find_map(|key| answer[*key].as_array()).or(answer.as_array())?;
    let name = |model: &Value| {
        let named = model.as_str().or_else(|| ["id", "name", "model"].iter().find_map(|key| model[*key].as_str()));
        named.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty())
    };
    Some(list.iter().filter(|model| model["active"] != false).filter_map(name).collect())
}

/// Whether a listed name is the wanted one: services write `models/` before it, or `:latest` behind.
pub(super) fn is_same_model(listed: &str, wanted: &str) -> bool {
    let bare = |name: &str| {
        let name = name.strip_prefix("models/").unwrap_or(name);
        name.strip_suffix(":latest").unwrap_or(name).to_owned()
    };
    bare(listed) == bare(wanted)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const OFFERED: [&str; 2] = ["query_order_database", "process_refund"];

    fn body(message: &Value, finish: &Value) -> Vec<u8> {
        json!({"choices": [{"message": message, "finish_reason": finish}]}).to_string().into_bytes()
    }

    fn reply(message: &Value) -> ChatReply {
        read(&body(message, &json!("stop")), &OFFERED).unwrap().reply
    }

    #[test]
    fn completions_are_read() {
        assert_eq!(reply(&json!({"content": "Hello"})).text, "Hello");
        let call = |arguments: &Value| json!({"content": null, "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "t", "arguments": arguments}}]});
        let calls = reply(&call(&json!("{\"order_id\":\"ORD000003\"}"))).calls;
        assert_eq!((calls[0].name.as_str(), &calls[0].arguments), ("t", &json!({"order_id": "ORD000003"})));
        assert_eq!(
            reply(&call(&json!({"order_id": "ORD000003"}))).calls[0].arguments,
            json!({"order_id": "ORD000003"})
        );
        let broken = reply(&call(&json!("{\"order_id\": ORD"))).calls;
        assert_eq!(broken[0].arguments, json!("{\"order_id\": ORD"));
        assert_eq!(reply(&call(&json!(""))).calls[0].arguments, json!({}));
        assert_eq!(reply(&call(&Value::Null)).calls[0].arguments, json!({}));
        let slipped = json!({"tool_calls": [{"function": {"name": "t<|channel|>commentary", "arguments": "{}"}}]});
        let calls = reply(&slipped).calls;
        assert_eq!((calls[0].name.as_str(), calls[0].id.as_str()), ("t", "call_0"));
        let spaced = json!({"tool_calls": [{"id": 7, "type": null, "function": {"name": "functions.process_refund"}}]});
        let calls = reply(&spaced).calls;
        assert_eq!((calls[0].name.as_str(), calls[0].id.as_str()), ("process_refund", "7"));
        let old = json!({"content": null, "function_call": {"name": "process_refund", "arguments": "{}"}});
        assert_eq!(reply(&old).calls[0].name, "process_refund");
    }

    #[test]
    fn contents_are_texts_parts_or_nothing() {
        for (content, text) in [
            (
                json!([{"type": "text", "text": "Hel"}, {"type": "image_url", "image_url": {}}, {"type": "output_text", "text": "lo"}]),
                "Hello",
            ),
            (
                json!([{"type": "thinking", "thinking": "x", "text": "x"}, {"type": "text", "text": {"value": "Hello"}}]),
                "Hello",
            ),
            (json!(["Hel", "lo"]), "Hello"),
            (json!({"type": "text", "text": "Hello"}), "Hello"),
        ] {
            assert_eq!(reply(&json!({"content": content})).text, text, "{content}");
        }
        let odd = json!({"id": null, "choices": [null, {"message": {"role": null, "content": "Hello", "tool_calls": null}, "finish_reason": "eos"}],
            "usage": {"prompt_tokens": -3, "completion_tokens": "4.5", "details": {"x": [1e300]}}});
        assert_eq!(read(odd.to_string().as_bytes(), &OFFERED).unwrap().reply.text, "Hello");
    }

    #[test]
    fn an_unusable_answer_is_described() {
        for (body, expected) in [
            (b"<html>".to_vec(), "no chat completion"),
            (b"[]".to_vec(), "no chat completion"),
            (b"{\"choices\":[]}".to_vec(), "no choice"),
            (b"{\"id\":null,\"choices\":null}".to_vec(), "no choice"),
            (body(&json!({"content": "  "}), &json!("stop")), "empty"),
            (body(&json!({"content": []}), &Value::Null), "empty"),
            (body(&json!({"content": null}), &json!("length")), "cut off"),
            (body(&json!({"content": "Your refund of"}), &json!("MAX_TOKENS")), "cut off"),
            (body(&json!({"content": "<tool_call>{\"name\":\"other\"}</tool_call>"}), &json!("stop")), "marks"),
            (body(&json!({"content": "all thought</think>"}), &json!("stop")), "thoughts"),
        ] {
            let Err(RequestError::Unusable(what)) = read(&body, &OFFERED) else { panic!("{expected}") };
            assert!(what.contains(expected), "{what}");
        }
        let passed_on = json!({"error": {"code": 429, "message": "the provider is busy"}}).to_string();
        assert!(matches!(read(passed_on.as_bytes(), &OFFERED), Err(RequestError::Busy { status: 429, .. })));
    }

    #[test]
    fn a_call_in_the_text_is_a_call() {
        let written =
            json!({"content": "<tool_call>{\"name\":\"process_refund\",\"arguments\":{\"order_id\":\"A1\"}}"});
        let read = read(&body(&written, &json!("stop")), &OFFERED).unwrap();
        assert!(read.as_text && read.reply.text.is_empty());
        assert_eq!(
            (read.reply.calls[0].name.as_str(), &read.reply.calls[0].arguments),
            ("process_refund", &json!({"order_id": "A1"}))
        );
    }

    #[test]
    fn lists_of_models_have_many_shapes() {
        for list in [
            json!({"object": "list", "data": [{"id": "a"}, {"id": "gone", "active": false}, {"id": "models/b"}]}),
            json!({"models": [{"name": "a"}, {"name": "models/b"}]}),
            json!([{"id": "a"}, {"model": "models/b"}, null, 5]),
            json!(["a", "models/b"]),
        ] {
            assert_eq!(model_names(list.to_string().as_bytes()).unwrap(), ["a", "models/b"], "{list}");
        }
        assert_eq!(model_names(b"{}"), None);
        assert!(is_same_model("models/b", "b") && is_same_model("b:latest", "b") && !is_same_model("b2", "b"));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[a-z<|>{}\":]{0,12}".prop_map(Value::from),
        ];
        let key = prop::sample::select(vec![
            "message",
            "content",
            "tool_calls",
            "function",
            "name",
            "arguments",
            "id",
            "text",
            "type",
        ]);
        leaf.prop_recursive(4, 32, 4, move |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((key.clone(), inner), 0..5)
                    .prop_map(|pairs| pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_answer_is_read_or_described(message in any_json(), usage in any_json()) {
            let answer = json!({"choices": [{"message": message}], "usage": usage});
            match read(answer.to_string().as_bytes(), &OFFERED) {
                Ok(read) => prop_assert!(!read.reply.calls.is_empty() || !read.reply.text.trim().is_empty()),
                Err(error) => prop_assert!(matches!(error, RequestError::Unusable(_))),
            }
        }
    }
}

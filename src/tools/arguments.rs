//! Reads arguments, and describes wrong ones: the field, what was found there, and what belongs there.
//!
//! It must never guess: an argument that is not understood is an error, never a default.

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::ToolSpec;
use crate::domain::words::excerpt;

/// Reads a tool's arguments.
///
/// # Errors
/// One sentence that names the field and the fix.
pub(super) fn read<T: DeserializeOwned>(spec: Option<&ToolSpec>, arguments: Value) -> Result<T, String> {
    let mut arguments = if arguments.is_null() { json!({}) } else { arguments };
    if let Some(given) = arguments.as_object_mut() {
        // Null is what some write for an argument that they leave out.
        given.retain(|_, value| !value.is_null());
    }
    let name = spec.map_or("the tool", |spec| spec.name.as_ref());
    let found = spec.and_then(|spec| explain(&spec.input, &arguments));
    serde_json::from_value(arguments)
        .map_err(|error| found.unwrap_or_else(|| format!("the arguments of {name} are wrong: {error}")))
}

/// What is wrong with arguments, by the schema they should follow.
fn explain(schema: &Value, arguments: &Value) -> Option<String> {
    let properties = schema["properties"].as_object()?;
    let names = || properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
    let Some(given) = arguments.as_object() else {
        return Some(format!("the arguments are {}; give an object with {}", shown(arguments), names()));
    };
    if let Some(unknown) = given.keys().find(|name| !properties.contains_key(*name)) {
        return Some(format!("{}: there is no such argument; there are: {}", excerpt(unknown, 40), names()));
    }
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !given.contains_key(*name)) {
        return Some(format!("{missing}: it is missing; give {}", wanted(schema, &properties[missing])));
    }
    given.iter().find_map(|(name, value)| {
        let property = &properties[name];
        (!fits(schema, property, value))
            .then(|| format!("{name}: it is {}; give {}", shown(value), wanted(schema, property)))
    })
}

/// The schemas that a property may follow: itself, what it refers to, or each of its alternatives.
fn alternatives<'a>(schema: &'a Value, property: &'a Value) -> Vec<&'a Value> {
    if let Some(definition) = property["$ref"].as_str().and_then(|path| path.strip_prefix('#')) {
        return schema.pointer(definition).into_iter().flat_map(|found| alternatives(schema, found)).collect();
    }
    for key in ["anyOf", "oneOf"] {
        if let Some(choices) = property[key].as_array() {
            return choices.iter().flat_map(|choice| alternatives(schema, choice)).collect();
        }
    }
    vec![property]
}

fn types(property: &Value) -> Vec<&str> {
    match &property["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        kind => kind.as_str().into_iter().collect(),
    }
}

fn fits(schema: &Value, property: &Value, value: &Value) -> bool {
    alternatives(schema, property).into_iter().any(|choice| {
        let kinds = types(choice);
        let kind = kinds.is_empty()
            || kinds.iter().any(|kind| match *kind {
                "string" => value.is_string(),
                "number" => value.is_number(),
                "integer" => value.is_i64() || value.is_u64(),
                "boolean" => value.is_boolean(),
                "null" => value.is_null(),
                "object" => value.is_object(),
                "array" => value.is_array(),
                _ => true,
            });
        kind && choice.get("const").is_none_or(|only| only == value)
            && choice["enum"].as_array().is_none_or(|words| words.contains(value))
    })
}

/// What belongs into a property: its kind or its words, and what it means.
fn wanted(schema: &Value, property: &Value) -> String {
    let choices = alternatives(schema, property);
    let listed = choices.iter().flat_map(|choice| choice["enum"].as_array().into_iter().flatten());
    let words: Vec<&str> = listed.filter_map(Value::as_str).collect();
    let kind = if words.is_empty() {
        let mut kinds: Vec<&str> =
            choices.iter().flat_map(|choice| types(choice)).filter(|kind| *kind != "null").collect();
        kinds.dedup();
        format!("a {}", kinds.join(" or "))
    } else {
        words.join(", ")
    };
    match property["description"].as_str() {
        Some(meaning) => format!("{kind}: {meaning}"),
        None => kind,
    }
}

fn shown(value: &Value) -> String {
    excerpt(&value.to_string(), 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::{HumanArguments, OrderArguments, RefundArguments, catalogue};

    fn error<T: DeserializeOwned + std::fmt::Debug>(name: &str, arguments: Value) -> String {
        let specs = catalogue();
        read::<T>(specs.iter().find(|spec| spec.name == name), arguments).unwrap_err()
    }

    #[test]
    fn wrong_arguments_are_described_with_field_and_fix() {
        let order = "query_order_database";
        assert_eq!(
            error::<OrderArguments>(order, json!({})),
            "order_id: it is missing; give a string: The order id, such as ORD000003."
        );
        assert_eq!(
            error::<OrderArguments>(order, json!({"order_id": 5})),
            "order_id: it is 5; give a string: The order id, such as ORD000003."
        );
        assert_eq!(
            error::<OrderArguments>(order, json!({"order_id": "ORD000003", "user": 1})),
            "user: there is no such argument; there are: order_id"
        );
        assert_eq!(error::<OrderArguments>(order, json!([1])), "the arguments are [1]; give an object with order_id");
        let refund = error::<RefundArguments>("process_refund", json!({"order_id": "ORD000003", "reason": 7}));
        assert!(refund.starts_with("reason: it is 7; give a string: "), "{refund}");
        let human = error::<HumanArguments>("request_human_intervention", json!({"reason": "x", "priority": "urgent"}));
        assert!(human.starts_with("priority: it is \"urgent\"; give low, medium, high: "), "{human}");
    }
}

//! The JSON Schema of what is posted.

use serde_json::{Map, Value, json};

use super::{FIELDS, Kind};
use crate::domain::order::{OrderState, PaymentState};

/// The JSON Schema (draft 2020-12) of a body: one order, or a list of them.
pub fn schema() -> Value {
    let mut properties = Map::new();
    for field in FIELDS {
        let main = field.names.first().copied().unwrap_or(field.column);
        let mut about = kind_schema(field.kind);
        let others: Vec<String> = std::iter::once(field.column)
            .chain(field.names.iter().skip(1).copied())
            .map(|name| format!("“{name}”"))
            .collect();
        about["description"] = format!("{} Also: {}.", field.about, others.join(", ")).into();
        properties.insert(main.to_owned(), about);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Orders for POST /orders of ecomres",
        "description": "One order, a list of orders, or an object with a list “orders”. A document is a whole order: what it does not hold \
            is not known afterwards. Names count by their letters and digits, in any case: order_id, orderId and “Order ID” are one. \
            Unknown fields change nothing, but for those that say that money went back.",
        "oneOf": [
            {"$ref": "#/$defs/order"},
            {"type": "array", "items": {"$ref": "#/$defs/order"}},
            {"type": "object", "properties": {"orders": {"type": "array", "items": {"$ref": "#/$defs/order"}}}, "required": ["orders"]},
        ],
        "$defs": {"order": {
            "type": "object",
            "properties": properties,
            "anyOf": [{"required": ["order_id"]}, {"required": ["Order ID"]}, {"required": ["order_number"]}, {"required": ["id"]}],
            "additionalProperties": true,
        }},
    })
}

fn kind_schema(kind: Kind) -> Value {
    let words = |words: &[&str]| json!({"type": ["string", "null"], "enum": words.iter().map(|word| Value::from(*word)).chain([Value::Null]).collect::<Vec<_>>()});
    match kind {
        Kind::Id => json!({"type": ["string", "integer"], "maxLength": 64}),
        Kind::Text => json!({"type": ["string", "number", "null"]}),
        Kind::Amount => json!({"type": ["string", "number", "null"], "minimum": 0, "examples": ["599.00"]}),
        Kind::Time => json!({"type": ["string", "integer", "null"], "examples": ["2026-11-20T18:05:00+05:30"]}),
        Kind::Count => json!({"type": ["integer", "string", "null"], "minimum": 0}),
        Kind::Stars => json!({"type": ["integer", "string", "null"], "minimum": 1, "maximum": 5}),
        Kind::Flag => json!({"type": ["boolean", "string", "null"]}),
        Kind::State => words(&OrderState::ALL.map(|(word, _)| word)),
        Kind::Payment => words(&PaymentState::ALL.map(|(word, _)| word)),
        Kind::Currency => json!({"type": ["string", "null"], "pattern": "^[A-Za-z]{3}$", "examples": ["INR"]}),
        Kind::Link => json!({"type": ["string", "null"], "pattern": "^https?://"}),
        Kind::Phones => json!({"type": ["array", "string", "number", "null"], "items": {"type": ["string", "number"]}}),
        Kind::Address => json!({"type": ["string", "object", "null"]}),
        Kind::Lines => json!({"type": ["array", "string", "null"], "items": {"type": "object", "properties": {
            "sku": {"type": ["string", "number", "null"]},
            "name": {"type": ["string", "number", "null"]},
            "quantity": {"type": ["integer", "string", "null"], "minimum": 1, "default": 1},
            "price": {"type": ["string", "number", "null"], "minimum": 0, "description": "The price of one."},
        }}}),
    }
}

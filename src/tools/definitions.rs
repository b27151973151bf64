//! Decides how each tool is described to whoever may call it: name, purpose, arguments, result.
//!
//! It must never rename a tool or a field of the original system.

use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::alert::Priority;

/// Reads a message: intent and sentiment.
pub const TRIAGE: &str = "smart_triage_nlu";
/// Looks an order up.
pub const ORDER: &str = "query_order_database";
/// Quotes a refund.
pub const CHECK_REFUND: &str = "check_refund_eligibility";
/// Pays a refund.
pub const REFUND: &str = "process_refund";
/// Asks for a person.
pub const HUMAN: &str = "request_human_intervention";

/// A tool as a caller sees it.
#[derive(Debug, Clone)]
pub struct ToolSpec {
    /// The name it is called by.
    pub name: &'static str,
    /// The name people see.
    pub title: &'static str,
    /// What it does and when to call it.
    pub description: &'static str,
    /// JSON Schema of the arguments.
    pub input: Value,
    /// JSON Schema of the result.
    pub output: Value,
    /// Whether it changes anything.
    pub writes: bool,
    /// Whether a repeat does no more than the first call.
    pub idempotent: bool,
}

/// Arguments of [`TRIAGE`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageArguments {
    /// The customer's message, word for word.
    pub text: String,
}

/// Arguments of [`ORDER`] and [`CHECK_REFUND`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
}

/// Arguments of [`REFUND`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
    /// The refund_amount that check_refund_eligibility gave, in INR. It is only compared: the amount is computed.
    #[schemars(with = "Option<f64>")]
    pub amount: Option<Value>,
    /// Why the customer wants the money back, in a few words.
    #[serde(default)]
    pub reason: String,
}

/// Arguments of [`HUMAN`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HumanArguments {
    /// The customer. In a conversation it is known and this is ignored.
    pub user_id: Option<String>,
    /// Why a person is needed, for the person who takes over.
    pub reason: String,
    /// What the customer wrote last. In a conversation it is known and this is ignored.
    pub last_message: Option<String>,
    /// How urgent it is; medium when left out.
    pub priority: Option<Priority>,
}

fn input<T: JsonSchema>() -> Value {
    let mut schema = schema_for!(T).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
        map.remove("title");
        map.remove("description");
    }
    schema
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

/// All tools, in the order they are usually called.
pub fn catalogue() -> Vec<ToolSpec> {
    let number = || json!({"type": "number"});
    let text = || json!({"type": "string"});
    vec![
        ToolSpec {
            name: TRIAGE,
            title: "Read a message",
            description: "Reads a customer's message with the shop's own model: what they want (intent), how they sound \
                (sentiment), each with its confidence. The first message of a conversation has been read already; call \
                this when the customer changes the subject.",
            input: input::<TriageArguments>(),
            output: object(
                json!({"intent": text(), "intent_confidence": number(), "sentiment": text(), "sentiment_confidence": number()}),
                &["intent", "intent_confidence", "sentiment", "sentiment_confidence"],
            ),
            writes: false,
            idempotent: true,
        },
        ToolSpec {
            name: ORDER,
            title: "Look an order up",
            description: "Gives the facts of one order of this customer: platform, category, value, delivery time, delay, \
                status. Call it whenever the customer names an order id, before saying anything about the order. An \
                order that is unknown or not this customer's gives an error.",
            input: input::<OrderArguments>(),
            output: object(json!({"Order ID": text(), "error": text()}), &[]),
            writes: false,
            idempotent: true,
        },
        ToolSpec {
            name: CHECK_REFUND,
            title: "Quote a refund",
            description: "Says whether the shop's policy refunds an order and how much, and keeps the offer for a limited \
                time. Call it before any refund, tell the customer the amount, and ask for a plain yes.",
            input: input::<OrderArguments>(),
            output: object(
                json!({
                    "eligible": {"type": "boolean"}, "order_id": text(), "order_value": number(),
                    "refund_amount": number(), "shipping_fee": number(), "reason": text(),
                    "quote_id": {"type": ["string", "null"]}, "expires_at": {"type": ["string", "null"]}
                }),
                &[],
            ),
            writes: true,
            idempotent: true,
        },
        ToolSpec {
            name: REFUND,
            title: "Pay a refund",
            description: "Pays the refund of an order, once. Call it only in the turn in which the customer plainly agrees \
                to the amount that check_refund_eligibility gave in an earlier turn. The amount is computed from the \
                policy; another amount is refused. A second call returns the first refund.",
            input: input::<RefundArguments>(),
            output: object(
                json!({
                    "status": text(), "transaction_id": text(), "amount_refunded": number(), "currency": text(),
                    "estimated_arrival": text(), "code": text(), "message": text()
                }),
                &["status"],
            ),
            writes: true,
            idempotent: true,
        },
        ToolSpec {
            name: HUMAN,
            title: "Ask for a person",
            description: "Hands the conversation to a member of the team, who sees the reason and the history. Call it when \
                the customer asks for a person, is very upset about something complex, or cannot be helped here. The bot \
                is silent afterwards until the team returns the conversation.",
            input: input::<HumanArguments>(),
            output: object(json!({"status": text(), "alert_id": text(), "message": text()}), &["status"]),
            writes: true,
            idempotent: true,
        },
    ]
}

//! Decides how each tool is described to whoever may call it: name, purpose, arguments, result.
//!
//! It must never rename a tool or a field of the original system.

use std::borrow::Cow;

use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::domain::alert::Priority;
use crate::domain::money::Money;
use crate::domain::order::column;

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
    pub name: Cow<'static, str>,
    /// The name people see.
    pub title: Cow<'static, str>,
    /// What it does and when to call it.
    pub description: Cow<'static, str>,
    /// JSON Schema of the arguments.
    pub input: Value,
    /// JSON Schema of the result.
    pub output: Value,
    /// Whether it changes anything.
    pub writes: bool,
    /// Whether a repeat does no more than the first call.
    pub idempotent: bool,
    /// Whether it does something that cannot be taken back.
    pub destructive: bool,
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

impl RefundArguments {
    /// The amount that is named, if one is.
    ///
    /// # Errors
    /// When it is no amount.
    pub fn amount(&self) -> Result<Option<Money>, String> {
        let named = self.amount.as_ref().filter(|amount| !amount.is_null());
        named
            .map(Money::from_json)
            .transpose()
            .map_err(|error| format!("amount: {error}; give a number such as 599, or leave it out"))
    }
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
    #[schemars(with = "Option<String>", extend("enum" = ["low", "medium", "high"]))]
    pub priority: Option<Priority>,
}

fn input<T: JsonSchema>() -> Value {
    let mut schema = schema_for!(T).to_value();
    if let Some(map) = schema.as_object_mut() {
        map.remove("$schema");
        map.remove("title");
        map.remove("description");
        // An argument that may be left out needs no null besides: several clients know one type for each field only.
        for property in map.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten() {
            if let Some(property) = property.1.as_object_mut() {
                property.remove("format");
                let kind = property.get("type").and_then(Value::as_array).and_then(|kinds| kinds.first()).cloned();
                if let Some(kind) = kind {
                    property.insert("type".to_owned(), kind);
                }
            }
        }
    }
    schema
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn number(description: &str) -> Value {
    json!({"type": "number", "description": description})
}

fn flag(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

fn optional(kind: &str, description: &str) -> Value {
    json!({"anyOf": [{"type": kind}, {"type": "null"}], "description": description})
}

/// All tools, in the order they are usually called.
pub fn catalogue() -> Vec<ToolSpec> {
    vec![triage(), order(), check_refund(), refund(), human()]
}

fn triage() -> ToolSpec {
    let fields = ["intent", "intent_confidence", "sentiment", "sentiment_confidence"];
    ToolSpec {
        name: TRIAGE.into(),
        title: "Read a message".into(),
        description: "Reads a customer's message with the shop's own model: what they want (intent), how they sound \
            (sentiment), each with its confidence. The first message of a conversation has been read already; call \
            this when the customer changes the subject."
            .into(),
        input: input::<TriageArguments>(),
        output: object(
            json!({
                "intent": text("What the customer wants, such as track_order."),
                "intent_confidence": number("From 0 to 1, four decimals."),
                "sentiment": text("positive, neutral or negative."),
                "sentiment_confidence": number("From 0 to 1, four decimals."),
            }),
            &fields,
        ),
        writes: false,
        idempotent: true,
        destructive: false,
    }
}

fn order() -> ToolSpec {
    let yes_no = |description| json!({"anyOf": [{"type": "string", "enum": ["Yes", "No"]}, {"type": "null"}], "description": description});
    ToolSpec {
        name: ORDER.into(),
        title: "Look an order up".into(),
        description: "Gives the facts of one order of this customer: platform, category, value, delivery time, delay, \
            status. Call it whenever the customer names an order id, before saying anything about the order. An \
            order that is unknown or not this customer's gives an error."
            .into(),
        input: input::<OrderArguments>(),
        output: object(
            json!({
                column::ORDER_ID: text("The order."),
                column::CUSTOMER_ID: text("The customer it belongs to."),
                column::PLATFORM: text("The shop or app it was placed with."),
                column::PLACED: text("When it was placed, as the source has it."),
                column::DELIVERY_MINUTES: optional("integer", "Minutes from order to delivery."),
                column::CATEGORY: text("What was bought."),
                column::VALUE: number("What was paid, in INR."),
                column::FEEDBACK: text("What the customer wrote about it."),
                column::RATING: optional("integer", "Stars from 1 to 5."),
                column::DELAY: yes_no("Whether the delivery was late."),
                column::REFUND_REQUESTED: yes_no("Whether money was asked back when the data was taken."),
                column::PHONE: text("The telephone number the order answers to."),
                column::DATE: text("The date of the order."),
                column::STATUS: text("Where the order is, in the shop's words."),
                "error": text("Instead of the order: it was not found."),
            }),
            &[],
        ),
        writes: false,
        idempotent: true,
        destructive: false,
    }
}

fn check_refund() -> ToolSpec {
    ToolSpec {
        name: CHECK_REFUND.into(),
        title: "Quote a refund".into(),
        description: "Says whether the shop's policy refunds an order and how much, and keeps the offer for a limited \
            time. Call it before any refund, tell the customer the amount, and ask for a plain yes."
            .into(),
        input: input::<OrderArguments>(),
        output: object(
            json!({
                "eligible": flag("Whether the policy refunds the order."),
                "order_id": text("The order."),
                "order_value": number("What was paid, in INR."),
                "refund_amount": number("What the customer would get, in INR."),
                "shipping_fee": number("What the shop would keep, in INR."),
                "reason": text("Why, as a sentence for the customer."),
                "quote_id": optional("string", "The offer; null where there is none."),
                "expires_at": optional("string", "Until when it can be accepted, in UTC."),
                "needs_person": flag("Whether a person may still decide otherwise."),
                "already_refunded": flag("Whether the order was refunded before."),
                "transaction_id": text("The refund that was paid before."),
                "amount_refunded": number("What was paid back before, in INR."),
                "error": text("The order was not found."),
            }),
            &["eligible", "reason"],
        ),
        writes: true,
        idempotent: true,
        destructive: false,
    }
}

fn refund() -> ToolSpec {
    ToolSpec {
        name: REFUND.into(),
        title: "Pay a refund".into(),
        description:
            "Pays the refund of an order, once. Call it only in the turn in which the customer plainly agrees \
            to the amount that check_refund_eligibility gave in an earlier turn. The amount is computed from the \
            policy; another amount is refused. A second call returns the first refund."
                .into(),
        input: input::<RefundArguments>(),
        output: object(
            json!({
                "status": {
                    "type": "string", "enum": ["success", "already_refunded", "denied", "error"],
                    "description": "What became of it."
                },
                "transaction_id": text("RFND_<UTC yyyymmddHHMMSS>_<order>."),
                "amount_refunded": number("What the customer gets, in INR."),
                "currency": text("INR."),
                "estimated_arrival": text("When the money arrives."),
                "order_id": text("The order."),
                "code": text("Why not, as a short word."),
                "message": text("Why not, and what to do about it."),
                "refund_amount": number("The right amount, where another was named."),
            }),
            &["status"],
        ),
        writes: true,
        idempotent: true,
        destructive: true,
    }
}

fn human() -> ToolSpec {
    ToolSpec {
        name: HUMAN.into(),
        title: "Ask for a person".into(),
        description:
            "Hands the conversation to a member of the team, who sees the reason and the history. Call it when \
            the customer asks for a person, is very upset about something complex, or cannot be helped here. The bot \
            is silent afterwards until the team returns the conversation."
                .into(),
        input: input::<HumanArguments>(),
        output: object(
            json!({
                "status": text("success."),
                "alert_id": text("The alert the team sees."),
                "message": text("What happens next."),
                "priority": {"type": "string", "enum": ["low", "medium", "high"], "description": "How urgent it is."},
            }),
            &["status"],
        ),
        writes: true,
        idempotent: true,
        destructive: false,
    }
}

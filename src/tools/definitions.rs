//! The description of each tool: name, purpose, and JSON Schemas of arguments and result.
//!
//! It must never rename a tool or a field of the original system.

use std::borrow::Cow;

use schemars::{JsonSchema, schema_for};
use serde::Deserialize;
use serde_json::{Value, json};

use super::actions::{self, ItemArgument, ItemArguments};
use crate::domain::alert::Priority;
use crate::domain::money::Decimal;
use crate::domain::order::{OrderState, PLACED_AT, PaymentState, column};

/// Reads a message: intent and sentiment.
pub const TRIAGE: &str = "smart_triage_nlu";
/// Looks an order up.
pub const ORDER: &str = "query_order_database";
/// Lists the customer's own orders.
pub const FIND_ORDERS: &str = "find_orders";
/// Quotes a refund.
pub const CHECK_REFUND: &str = "check_refund_eligibility";
/// Pays a refund.
pub const REFUND: &str = "process_refund";
/// Cancels an order.
pub const CANCEL: &str = "cancel_order";
/// Changes an order.
pub const CHANGE: &str = "change_order";
/// Arranges that something goes back.
pub const RETURN: &str = "return_order";
/// Says how far a refund is.
pub const REFUND_STATUS: &str = "refund_status";
/// Finds what the shop's documents say.
pub const KNOWLEDGE: &str = "search_knowledge";
/// Asks for a person.
pub const HUMAN: &str = "request_human_intervention";

/// All of them.
pub const NAMES: [&str; 11] =
    [TRIAGE, ORDER, FIND_ORDERS, CHECK_REFUND, REFUND, CANCEL, CHANGE, RETURN, REFUND_STATUS, KNOWLEDGE, HUMAN];

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
    /// Whether a repeated call changes nothing more.
    pub idempotent: bool,
    /// Whether its effect cannot be undone.
    pub destructive: bool,
}

/// The order id in the descriptions, in whose place an id like the shop's is shown.
const EXAMPLE: &str = "ORD000003";

impl ToolSpec {
    /// The same for a program that acts for the team: it needs no proposal, and what it calls for is done at once.
    #[must_use]
    pub fn for_operators(&self) -> Self {
        Self { description: self.description.replace(actions::ASKS, actions::AT_ONCE).into(), ..self.clone() }
    }

    /// The same with an example of the shop's order ids.
    #[must_use]
    pub(super) fn with_example(&self, example: &str) -> Self {
        let mut spec = self.clone();
        let fields = spec.input.get_mut("properties").and_then(Value::as_object_mut);
        for field in fields.into_iter().flatten().filter_map(|(_, field)| field.get_mut("description")) {
            if let Some(text) = field.as_str().filter(|text| text.contains(EXAMPLE)) {
                *field = text.replace(EXAMPLE, example).into();
            }
        }
        spec
    }
}

/// Arguments of [`TRIAGE`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TriageArguments {
    /// The customer's message, word for word.
    pub text: String,
}

/// Arguments of [`ORDER`] and [`REFUND_STATUS`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
}

/// Arguments of [`CHECK_REFUND`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckRefundArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
    /// The items that are wrong, by name or sku as the order has them; the whole order when left out.
    #[serde(default)]
    #[schemars(with = "Option<Vec<ItemArguments>>")]
    pub items: Vec<ItemArgument>,
}

/// Arguments of [`FIND_ORDERS`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FindOrdersArguments {
    /// The customer's WhatsApp number with its country code. In a conversation it is known and this is ignored.
    pub user_id: Option<String>,
}

/// Arguments of [`KNOWLEDGE`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeArguments {
    /// The customer's question, in their own words and language, without order ids.
    pub query: String,
}

/// Arguments of [`REFUND`].
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundArguments {
    /// The order id, such as ORD000003.
    pub order_id: String,
    #[expect(clippy::doc_markdown, reason = "the text is the description in the schema")]
    /// The refund_amount that check_refund_eligibility gave. It is only compared: the amount is computed.
    #[schemars(with = "Option<f64>")]
    pub amount: Option<Value>,
    /// The items, as in check_refund_eligibility; the whole order when left out.
    #[expect(clippy::doc_markdown, reason = "the text is the description in the schema")]
    #[serde(default)]
    #[schemars(with = "Option<Vec<ItemArguments>>")]
    pub items: Vec<ItemArgument>,
    /// Why the customer wants the money back, in a few words.
    #[serde(default)]
    pub reason: String,
}

/// The most decimals that a currency has.
const MOST_DECIMALS: u32 = 4;

/// The amount that an argument names, if it names one.
///
/// # Errors
/// When it is no amount.
pub(super) fn named_amount(argument: Option<&Value>) -> Result<Option<Decimal>, String> {
    let named = argument.filter(|amount| !amount.is_null());
    named
        .map(Decimal::from_json)
        .transpose()
        .map_err(|error| error.to_string())
        // Whether the order's currency has so many decimals is decided with the order.
        .and_then(|amount| match amount {
            Some(amount) if amount.in_units(MOST_DECIMALS).is_none() => {
                Err(format!("“{amount}” has more decimals than any currency has"))
            }
            amount => Ok(amount),
        })
        .map_err(|error| format!("amount: {error}; give a number such as 599, or leave it out"))
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

pub(super) fn input<T: JsonSchema>() -> Value {
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

pub(super) fn object(properties: Value, required: &[&str]) -> Value {
    let fields = [("type", json!("object")), ("properties", properties), ("required", json!(required))];
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

pub(super) fn number(description: &str) -> Value {
    json!({"type": "number", "description": description})
}

pub(super) fn flag(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

pub(super) fn optional(kind: &str, description: &str) -> Value {
    json!({"anyOf": [{"type": kind}, {"type": "null"}], "description": description})
}

pub(super) fn words(description: &str, words: &[&str]) -> Value {
    json!({"type": "string", "enum": words, "description": description})
}

fn lines() -> Value {
    let line = object(
        json!({
            "sku": text("The shop's number of the article."),
            "name": text("What it is called."),
            "quantity": {"type": "integer", "description": "How many."},
            "price": number("The price of one, in the order's currency."),
        }),
        &["name", "quantity"],
    );
    json!({"type": "array", "items": line, "description": "What was ordered."})
}

/// All tools, in the order they are usually called.
pub fn catalogue() -> Vec<ToolSpec> {
    vec![
        triage(),
        order(),
        find_orders(),
        check_refund(),
        refund(),
        refund_status(),
        actions::cancel(),
        actions::change(),
        actions::give_back(),
        knowledge(),
        human(),
    ]
}

fn triage() -> ToolSpec {
    let fields = ["intent", "intent_confidence", "sentiment", "sentiment_confidence"];
    ToolSpec {
        name: TRIAGE.into(),
        title: "Read a message".into(),
        description: "Reads a customer's message with the shop's own model: what they want (intent), how they sound \
            (sentiment), and what else the model has a head for, each with its confidence. The first message of a conversation has been read already; call \
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
    let yes_no = |description: &str| json!({"anyOf": [{"type": "string", "enum": ["Yes", "No"]}, {"type": "null"}], "description": description});
    let properties = [
        (column::ORDER_ID, text("The order.")),
        (column::CUSTOMER_ID, text("The customer it belongs to.")),
        (column::PLATFORM, text("The shop or app it was placed with.")),
        (column::PLACED, text("When it was placed, as the source has it.")),
        (column::DELIVERY_MINUTES, optional("integer", "Minutes from order to delivery.")),
        (column::CATEGORY, text("What was bought.")),
        (column::VALUE, optional("number", "What was paid, in the order's currency; null where it is not known.")),
        (column::FEEDBACK, text("What the customer wrote about it.")),
        (column::RATING, optional("integer", "Stars from 1 to 5.")),
        (column::DELAY, yes_no("Whether the delivery was late.")),
        (column::REFUND_REQUESTED, yes_no("Whether money was asked back when the data was taken.")),
        (column::PHONE, text("The telephone number the order answers to.")),
        (column::DATE, text("The date of the order.")),
        (column::STATUS, text("Where the order is, in the shop's words.")),
        (column::DISPLAY_ID, text("The number that the customer knows.")),
        (column::CUSTOMER_NAME, text("The customer's name.")),
        (column::EMAIL, text("The customer's e-mail address.")),
        (
            column::OTHER_PHONES,
            json!({"type": "array", "items": {"type": "string"}, "description": "Further telephone numbers that the order answers to."}),
        ),
        (column::STATE, words("Where the order is.", &OrderState::ALL.map(|(word, _)| word))),
        (column::ITEMS, lines()),
        (column::SHIPPING, number("What the delivery cost, part of the value.")),
        (column::TAX, number("The taxes, part of the value.")),
        (column::DISCOUNT, number("What was taken off.")),
        (column::CURRENCY, text("The currency of all amounts, where it is not the shop's: an ISO 4217 code.")),
        (column::PAYMENT_METHOD, text("How it is paid, in the shop's words.")),
        (column::PAYMENT_STATUS, words("What was paid.", &PaymentState::ALL.map(|(word, _)| word))),
        (column::PAYMENT_ID, text("The payment at the shop's payment service.")),
        (column::ADDRESS, text("Where it goes.")),
        (column::POSTAL_CODE, text("The postal code of the address.")),
        (column::CARRIER, text("Who brings it.")),
        (column::TRACKING_NUMBER, text("The carrier's number.")),
        (column::TRACKING_URL, text("Where its way can be followed.")),
        (column::DELIVERED_AT, text("When it was delivered, on the shop's clock.")),
        (column::UPDATED_AT, text("When the shop changed it last, in UTC.")),
        (
            PLACED_AT,
            optional(
                "string",
                "When it was placed, on the shop's clock, as far as that is known; for members of the team only.",
            ),
        ),
        ("error", text("Instead of the order: it was not found.")),
    ];
    ToolSpec {
        name: ORDER.into(),
        title: "Look an order up".into(),
        description: "Gives the facts of one order of this customer: platform, category, items, value, payment, \
            status, carrier and tracking, delivery time, delay. Call it whenever the customer names an order id, before saying anything about the order. An \
            order that is unknown or not this customer's gives an error."
            .into(),
        input: input::<OrderArguments>(),
        output: object(properties.into_iter().collect(), &[]),
        writes: false,
        idempotent: true,
        destructive: false,
    }
}

fn find_orders() -> ToolSpec {
    let order = object(
        json!({
            "order_id": text("The order."),
            "display_id": text("The number that the customer knows, where it is another one."),
            "date": optional("string", "When it was placed; null where that is not known."),
            "status": optional("string", "Where it is."),
            "total": optional("number", "What was paid, in the order's currency."),
            "currency": text("The currency, where it is not the shop's: an ISO 4217 code."),
            "payment_status": words("What was paid.", &PaymentState::ALL.map(|(word, _)| word)),
            "items": lines(),
        }),
        &["order_id"],
    );
    ToolSpec {
        name: FIND_ORDERS.into(),
        title: "Find the customer's orders".into(),
        description: "Lists the orders that belong to the telephone number this customer writes from, the latest first, \
            at most 10: id, date, status, total, items. Call it when the customer asks about an order and names none, \
            before asking for an order id; then name the order that fits and let the customer confirm it. An empty list \
            means that no order is known by this number."
            .into(),
        input: input::<FindOrdersArguments>(),
        output: object(
            json!({"orders": {"type": "array", "items": order, "description": "The orders, the latest first."}}),
            &["orders"],
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
        description: "Says whether the shop's policy refunds an order, or some items of it, and how much, and keeps the offer for a limited \
            time. Call it before any refund, tell the customer the amount, and ask for a plain yes."
            .into(),
        input: input::<CheckRefundArguments>(),
        output: object(
            json!({
                "eligible": flag("Whether the policy refunds the order."),
                "order_id": text("The order."),
                "order_value": number("What was paid, in the order's currency."),
                "refund_amount": number("What the customer would get."),
                "currency": text("The currency of all amounts, by ISO 4217, such as INR."),
                "shipping_fee": number("What the shop would keep."),
                "reason": text("Why, as a sentence for the customer."),
                "quote_id": optional("string", "The offer; null where there is none."),
                "expires_at": optional("string", "Until when it can be accepted, in UTC."),
                "items": {"type": "array", "items": {"type": "object"}, "description": "The items that it is for; the whole order where absent."},
                "code": text("Why not, as a short word."),
                "needs_person": flag("Whether a person may still decide otherwise."),
                "already_refunded": flag("Whether the order was refunded before."),
                "state": state(&[], "How far the refund of before is."),
                "transaction_id": text("The refund of before."),
                "amount_refunded": number("Its amount."),
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
            "Requests the refund of an order, once, and pays it where the shop pays at once: state says which. Call it only \
            in the turn in which the customer plainly agrees to the amount that check_refund_eligibility gave in an earlier \
            turn. The amount is computed from the policy; another amount is refused. A second call returns the first refund."
                .into(),
        input: input::<RefundArguments>(),
        output: object(
            json!({
                "status": {
                    "type": "string", "enum": ["success", "already_refunded", "denied", "error"],
                    "description": "What became of it."
                },
                "transaction_id": text("RFND_<UTC yyyymmddHHMMSS>_<order>."),
                "amount_refunded": number("What the customer gets."),
                "currency": text("The currency of all amounts, by ISO 4217, such as INR."),
                "state": state(&[], "How far it is: requested is not paid."),
                "simulated": flag("Whether no money moves: the shop has no payment service here."),
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

fn refund_status() -> ToolSpec {
    ToolSpec {
        name: REFUND_STATUS.into(),
        title: "See how far a refund is".into(),
        description: "Says how far the refund of an order is: none, requested, submitted (the payment service has it), paid or \
            failed (the team looks into it). Call it whenever the customer asks about a refund that was requested before; only \
            paid means that the money was sent."
            .into(),
        input: input::<OrderArguments>(),
        output: object(
            json!({
                "order_id": text("The order."),
                "state": state(&["none"], "How far it is."),
                "amount": optional("number", "What the customer gets; null where there is none."),
                "transaction_id": optional("string", "RFND_<UTC yyyymmddHHMMSS>_<order>."),
                "requested_at": optional("string", "When it was requested, in UTC."),
                "expected_by": optional("string", "The day by which the money is expected: YYYY-MM-DD."),
                "simulated": flag("Whether no money moves: the shop has no payment service here."),
                "error": text("The order was not found."),
            }),
            &["state"],
        ),
        writes: false,
        idempotent: true,
        destructive: false,
    }
}

fn knowledge() -> ToolSpec {
    let passage = object(
        json!({
            "id": text("What the passage is called."),
            "title": text("The document, and the headings above the passage."),
            "text": text("What the document says, word for word."),
            "source": text("Where it can be read: the file and the line."),
            "score": number("How much of the question it holds, from 0 to 1."),
            "part": number("Where two things are asked: 1 for what answers the second."),
        }),
        &["id", "title", "text", "source", "score"],
    );
    ToolSpec {
        name: KNOWLEDGE.into(),
        title: "Find an answer in the shop's documents".into(),
        description: "Finds what the shop's own documents say about a general question: delivery, returns, payment, warranty, \
            opening hours, membership and the like. Call it for every question that is not about one order, and answer with the \
            sentences of the passages, word for word where they state a fact. Where answerable is false no document answers it: say \
            that you do not know, and offer a person."
            .into(),
        input: input::<KnowledgeArguments>(),
        output: object(
            json!({
                "answerable": flag("Whether a document answers the question."),
                "passages": {"type": "array", "items": passage, "description": "What answers it, the best first; empty where nothing does."},
            }),
            &["answerable", "passages"],
        ),
        writes: false,
        idempotent: true,
        destructive: false,
    }
}

fn state(more: &[&str], description: &str) -> Value {
    let words: Vec<&str> = more.iter().copied().chain(["requested", "submitted", "paid", "failed"]).collect();
    json!({"type": "string", "enum": words, "description": description})
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

//! The data of each type of event, and the schemas of payloads. Fields may be added to a type; none is renamed, removed or
//! given another meaning.

use jiff::Timestamp;
use schemars::{JsonSchema, schema_for};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::action::Action;
use super::super::alert::Priority;
use super::super::currency::Currency;
use super::super::ids::UserId;
use super::super::money::Money;
use super::super::opt_out::Source;
use super::super::order::Item;
use super::super::refund::{Refund, RefundState};
use super::{Event, EventData, EventId, EventType};

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Customer")]
pub struct CustomerData {
    /// Who they are on WhatsApp: their number in digits, or what WhatsApp gives in its place. Only with `[events]
    /// customer_identity = true`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The same with all but the last four characters masked.
    pub masked: String,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Amount")]
pub struct AmountData {
    /// The amount in units of the currency, as a decimal number in text, such as `599.00`.
    pub value: String,
    /// The currency, as three letters (ISO 4217).
    pub currency: String,
}

impl AmountData {
    /// An amount in a currency.
    pub fn new(amount: Money, currency: Currency) -> Self {
        let (sign, minor) = (if amount < Money::ZERO { "-" } else { "" }, amount.minor_units().unsigned_abs());
        let (one, width) = (10_u64.pow(currency.minor_units()), currency.minor_units() as usize);
        let decimals = if width == 0 { String::new() } else { format!(".{:0width$}", minor % one) };
        Self { value: format!("{sign}{}{decimals}", minor / one), currency: currency.code().to_owned() }
    }
}

/// The data of `refund.…`: the refund as it is after the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Refund")]
pub struct RefundData {
    /// The refund's own identifier: the same in all of its events, and in `transaction_id` of the tools.
    pub refund_id: String,
    /// The order.
    pub order_id: String,
    /// What the customer gets.
    pub amount: AmountData,
    /// What was deducted.
    pub fee: AmountData,
    /// Why, in the words of who asked for it. Empty where the customer was forgotten since.
    pub reason: String,
    /// The customer who asked for it; absent where the team did, or the customer was forgotten since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerData>,
    /// Who pays it: `ledger` where it is only booked, and no money moves.
    pub provider: String,
    /// Whether it is only booked here, and somebody else has to move the money.
    pub simulated: bool,
    /// Which attempt to pay it this is, from 1: after a failure a person may begin another, and the states begin anew.
    pub attempt: u32,
    /// What the provider calls it, once it has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_reference: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl RefundData {
    /// A refund as it is.
    pub fn of(refund: &Refund) -> Self {
        let currency = refund.currency;
        Self {
            refund_id: refund.transaction_id.clone(),
            order_id: refund.order_id.to_string(),
            amount: AmountData::new(refund.amount, currency),
            fee: AmountData::new(refund.fee, currency),
            reason: refund.reason.clone(),
            customer: None,
            provider: refund.route.provider.as_str().to_owned(),
            simulated: refund.is_simulated(),
            attempt: refund.progress.attempt,
            provider_reference: refund.progress.provider_id.clone(),
            failure: refund.progress.reason.clone().filter(|_| refund.state() == RefundState::Failed),
        }
    }
}

/// An item of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Item")]
pub struct ItemData {
    /// The shop's number of the article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What it is called.
    pub name: String,
    /// How many.
    pub quantity: u32,
}

/// The data of `order.cancelled`, `order.changed` and `return.requested`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Action")]
pub struct ActionData {
    /// The action's own identifier, as in `ecomres orders actions`.
    pub action_id: String,
    /// The order.
    pub order_id: String,
    /// The customer who asked for it; absent where the team did, or the customer was forgotten since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerData>,
    /// Why, in the words of who asked for it. Empty where the customer was forgotten since.
    pub reason: String,
    /// What is changed: `address`, `delivery_slot`, `phone` or `instructions`. Of `order.changed` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What it is afterwards. Absent where the customer was forgotten since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What goes back; the whole order where there is none. Of `return.requested` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemData>,
    /// What the customer gets for it: `refund`, `replacement` or `exchange`. Of `return.requested` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// What the customer wants instead, in an exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<String>,
    /// What the customer gets back with it, or will get once the shop has what goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<AmountData>,
    /// The refund that was requested with it; it has events of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refund_id: Option<String>,
}

impl ActionData {
    /// An action as it is.
    pub fn of(action: &Action) -> Self {
        let details = &action.details;
        let item = |item: &Item| ItemData { sku: item.sku.clone(), name: item.name.clone(), quantity: item.quantity };
        Self {
            action_id: action.id.clone(),
            order_id: action.order_id.to_string(),
            customer: None,
            reason: action.reason.clone(),
            field: details.change.as_ref().map(|change| change.field.as_str().to_owned()),
            value: details.change.as_ref().map(|change| change.value.clone()),
            items: details.items.iter().map(item).collect(),
            resolution: details.resolution.map(|resolution| resolution.as_str().to_owned()),
            wish: details.wish.clone(),
            amount: action.amount.map(|amount| AmountData::new(amount.money, amount.currency)),
            refund_id: action.transaction_id.clone(),
        }
    }

    /// Takes out what a person wrote.
    pub(super) fn forget(&mut self) {
        self.reason = String::new();
        (self.value, self.wish) = (None, None);
    }
}

/// The data of `conversation.handed_over`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HandedOver")]
pub struct HandedOverData {
    /// The alert that asks for a person.
    pub alert_id: String,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerData>,
    /// Why a person is asked for.
    pub reason: String,
    /// How urgent it is.
    pub priority: Priority,
    /// Whether the alert was resolved before, and is open again.
    pub reopened: bool,
}

/// The data of `conversation.resolved`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Resolved")]
pub struct ResolvedData {
    /// The alert that was resolved.
    pub alert_id: String,
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerData>,
    /// When it was raised.
    #[schemars(schema_with = "time")]
    pub raised_at: Timestamp,
}

/// The data of `conversation.opted_out` and `conversation.opted_in`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Preference")]
pub struct PreferenceData {
    /// The customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerData>,
    /// Where they said so: in a message, or in the settings of WhatsApp (`channel`).
    #[schemars(schema_with = "source")]
    pub source: Source,
}

/// The data of `endpoint.test`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Test")]
pub struct TestData {
    /// The endpoint that is tried, by its name in the settings.
    pub endpoint: String,
}

fn time(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "format": "date-time"})
}

fn source(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "string", "enum": [Source::Message.as_str(), Source::Channel.as_str()]})
}

/// The JSON schema (2020-12) of the payload of a type.
pub fn schema(of: EventType) -> Value {
    let data = match of {
        EventType::RefundRequested | EventType::RefundSubmitted | EventType::RefundPaid | EventType::RefundFailed => {
            schema_for!(RefundData)
        }
        EventType::OrderCancelled | EventType::OrderChanged | EventType::ReturnRequested => schema_for!(ActionData),
        EventType::HandedOver => schema_for!(HandedOverData),
        EventType::Resolved => schema_for!(ResolvedData),
        EventType::OptedOut | EventType::OptedIn => schema_for!(PreferenceData),
        EventType::Test => schema_for!(TestData),
    };
    let mut data = data.to_value();
    // What the schema of the data refers to is looked up from the root of the whole.
    let definitions = data.as_object_mut().and_then(|data| {
        data.remove("$schema");
        data.remove("$defs")
    });
    let mut whole = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": of.as_str(),
        "description": of.meaning(),
        "type": "object",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": of.as_str()},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened"},
            "data": data,
        },
    });
    if let Some(definitions) = definitions {
        whole["$defs"] = definitions;
    }
    whole
}

/// An event of a type with made-up data, for documents and tests.
pub fn example(of: EventType) -> Event {
    let customer = None;
    let amount = |value: &str| AmountData { value: value.to_owned(), currency: Currency::INR.code().to_owned() };
    let refund = |provider_reference: Option<&str>, failure: Option<&str>| RefundData {
        refund_id: "RFND_20260601100000_ORD000003".to_owned(),
        order_id: "ORD000003".to_owned(),
        amount: amount("569.05"),
        fee: amount("29.95"),
        reason: "two bottles were broken".to_owned(),
        customer: None,
        provider: "stripe".to_owned(),
        simulated: false,
        attempt: 1,
        provider_reference: provider_reference.map(str::to_owned),
        failure: failure.map(str::to_owned),
    };
    let action = || ActionData {
        action_id: "ACT_0197".to_owned(),
        order_id: "ORD000003".to_owned(),
        customer: None,
        reason: "ordered by mistake".to_owned(),
        field: None,
        value: None,
        items: Vec::new(),
        resolution: None,
        wish: None,
        amount: None,
        refund_id: None,
    };
    let data = match of {
        EventType::RefundRequested => EventData::RefundRequested(refund(None, None)),
        EventType::RefundSubmitted => EventData::RefundSubmitted(refund(Some("re_1"), None)),
        EventType::RefundPaid => EventData::RefundPaid(refund(Some("re_1"), None)),
        EventType::RefundFailed => EventData::RefundFailed(refund(Some("re_1"), Some("the card was closed"))),
        EventType::OrderCancelled => EventData::OrderCancelled(ActionData {
            amount: Some(amount("599.00")),
            refund_id: Some("RFND_20260601100000_ORD000003".to_owned()),
            ..action()
        }),
        EventType::OrderChanged => EventData::OrderChanged(ActionData {
            field: Some("address".to_owned()),
            value: Some("9 Hill View, Pune 411045".to_owned()),
            ..action()
        }),
        EventType::ReturnRequested => EventData::ReturnRequested(ActionData {
            items: vec![ItemData { sku: Some("BRD".to_owned()), name: "Brown Bread".to_owned(), quantity: 1 }],
            resolution: Some("replacement".to_owned()),
            ..action()
        }),
        EventType::HandedOver => EventData::HandedOver(HandedOverData {
            alert_id: "ALERT_0197".to_owned(),
            customer,
            reason: "the customer asks for a person".to_owned(),
            priority: Priority::High,
            reopened: false,
        }),
        EventType::Resolved => EventData::Resolved(ResolvedData {
            alert_id: "ALERT_0197".to_owned(),
            customer,
            raised_at: Timestamp::UNIX_EPOCH,
        }),
        EventType::OptedOut => EventData::OptedOut(PreferenceData { customer, source: Source::Message }),
        EventType::OptedIn => EventData::OptedIn(PreferenceData { customer, source: Source::Channel }),
        EventType::Test => EventData::Test(TestData { endpoint: "erp".to_owned() }),
    };
    let user_id = (of != EventType::Test).then(|| UserId::new("919876543210"));
    Event { id: EventId::new("evt_01977f3a"), at: Timestamp::UNIX_EPOCH, user_id, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_decimal_text() {
        for (paise, text) in [(59_900, "599.00"), (2_845, "28.45"), (5, "0.05"), (0, "0.00"), (-1_001, "-10.01")] {
            assert_eq!(AmountData::new(Money::from_minor_units(paise), Currency::INR).value, text);
        }
        for (code, text) in [("JPY", "1250"), ("KWD", "1.250")] {
            assert_eq!(AmountData::new(Money::from_minor_units(1_250), Currency::new(code).unwrap()).value, text);
        }
    }
}

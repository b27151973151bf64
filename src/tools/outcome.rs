//! Decides how the outcome of a tool is worded as the documented JSON.
//!
//! It must never show the internals of a fault, nor anything of an order that was not found for this caller.

use serde_json::{Value, json};

use super::ToolResult;
use crate::desk::{PayOutcome, QuoteOutcome};
use crate::domain::alert::Alert;
use crate::domain::ids::OrderId;
use crate::domain::order::Order;
use crate::domain::refund::{CURRENCY, Denial, Quote, Refund, Refusal};
use crate::nlu::Prediction;

/// What a tool call came to, as a value.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// A message was read.
    Triaged(Prediction),
    /// An order was found.
    Order(Box<Order>),
    /// No such order for this caller.
    NotFound(OrderId),
    /// A refund was offered.
    Quoted(Quote),
    /// The policy refuses a refund.
    Refused(OrderId, Refusal),
    /// A refund was paid, now or (`already`) before.
    Refunded {
        /// The refund.
        refund: Refund,
        /// Whether it had been paid before.
        already: bool,
    },
    /// A refund was not paid.
    Denied(OrderId, Denial),
    /// A person was asked for.
    HandedOver(Alert),
    /// A tool of a third party answered: nothing in it says what happened here.
    Foreign,
    /// The call itself was wrong.
    WrongCall(String),
    /// Something failed inside.
    Fault,
}

impl ToolResult {
    pub(super) fn triaged(prediction: Prediction) -> Self {
        let value = json!({
            "intent": prediction.intent,
            "intent_confidence": four_decimals(prediction.intent_confidence),
            "sentiment": prediction.sentiment,
            "sentiment_confidence": four_decimals(prediction.sentiment_confidence),
        });
        Self { value, outcome: Outcome::Triaged(prediction) }
    }

    pub(super) fn order(order: Order) -> Self {
        Self { value: Value::Object(order.to_json()), outcome: Outcome::Order(Box::new(order)) }
    }

    pub(super) fn not_found(id: OrderId) -> Self {
        Self { value: json!({"error": not_found_text(&id)}), outcome: Outcome::NotFound(id) }
    }

    pub(super) fn quoted(id: OrderId, outcome: QuoteOutcome) -> Self {
        match outcome {
            QuoteOutcome::NotFound => {
                let value = json!({"eligible": false, "reason": not_found_text(&id), "error": not_found_text(&id)});
                Self { value, outcome: Outcome::NotFound(id) }
            }
            QuoteOutcome::AlreadyRefunded { order, refund } => Self {
                value: json!({
                    "eligible": false,
                    "order_id": id.as_str(),
                    "order_value": order.value.to_json(),
                    "refund_amount": 0,
                    "shipping_fee": 0,
                    "reason": "This order has already been refunded.",
                    "quote_id": null,
                    "expires_at": null,
                    "already_refunded": true,
                    "transaction_id": refund.transaction_id,
                    "amount_refunded": refund.amount.to_json(),
                }),
                outcome: Outcome::Refunded { refund, already: true },
            },
            QuoteOutcome::Refused { order, refusal } => Self {
                value: json!({
                    "eligible": false,
                    "order_id": id.as_str(),
                    "order_value": order.value.to_json(),
                    "refund_amount": 0,
                    "shipping_fee": 0,
                    "reason": refusal.reason(),
                    "quote_id": null,
                    "expires_at": null,
                    "needs_person": refusal.needs_person(),
                }),
                outcome: Outcome::Refused(id, refusal),
            },
            QuoteOutcome::Quoted(quote) => Self {
                value: json!({
                    "eligible": true,
                    "order_id": id.as_str(),
                    "order_value": quote.order_value.to_json(),
                    "refund_amount": quote.amount.to_json(),
                    "shipping_fee": quote.fee.to_json(),
                    "reason": "The order is eligible for a refund under the shop's policy.",
                    "quote_id": quote.id.as_str(),
                    "expires_at": quote.expires_at.to_string(),
                }),
                outcome: Outcome::Quoted(quote),
            },
        }
    }

    pub(super) fn paid(id: OrderId, outcome: PayOutcome, arrival: &str) -> Self {
        match outcome {
            PayOutcome::NotFound => Self {
                value: json!({"status": "error", "code": "not_found", "message": not_found_text(&id)}),
                outcome: Outcome::NotFound(id),
            },
            PayOutcome::Denied(denial) => {
                let mut value = json!({"status": "denied", "code": denial.code(), "message": denial.message()});
                if let (Denial::WrongAmount { right }, Some(map)) = (&denial, value.as_object_mut()) {
                    map.insert("refund_amount".into(), right.to_json());
                }
                Self { value, outcome: Outcome::Denied(id, denial) }
            }
            PayOutcome::Paid(recorded) => {
                let refund = recorded.refund;
                let value = json!({
                    "status": if recorded.already { "already_refunded" } else { "success" },
                    "transaction_id": refund.transaction_id,
                    "amount_refunded": refund.amount.to_json(),
                    "currency": CURRENCY,
                    "estimated_arrival": arrival,
                    "order_id": refund.order_id.as_str(),
                });
                Self { value, outcome: Outcome::Refunded { refund, already: recorded.already } }
            }
        }
    }

    pub(super) fn handed_over(alert: Alert) -> Self {
        let value = json!({
            "status": "success",
            "alert_id": alert.id.as_str(),
            "message": "A member of the support team has been asked to take over this conversation.",
            "priority": alert.priority,
        });
        Self { value, outcome: Outcome::HandedOver(alert) }
    }

    pub(super) fn wrong(message: String) -> Self {
        Self { value: json!({"error": message}), outcome: Outcome::WrongCall(message) }
    }

    pub(super) fn fault(tool: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(tool, %error, "a tool failed");
        let value = json!({"error": "the tool failed; nothing was changed that is not on record", "status": "error"});
        Self { value, outcome: Outcome::Fault }
    }

    /// Whether the call was wrong or failed, as opposed to an answer that says no.
    pub fn is_error(&self) -> bool {
        matches!(self.outcome, Outcome::WrongCall(_) | Outcome::Fault)
    }
}

fn not_found_text(id: &OrderId) -> String {
    format!("Order {id} was not found.")
}

/// A confidence as JSON with four decimals.
fn four_decimals(value: f32) -> Value {
    let rounded = (f64::from(value) * 10_000.0).round() / 10_000.0;
    Value::from(rounded)
}

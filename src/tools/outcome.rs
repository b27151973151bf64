//! Writes the outcome of a tool as the documented JSON.
//!
//! It must never show the internals of an error, nor anything of an order that was not found for this caller.

use serde_json::{Value, json};

use super::ToolResult;
use crate::domain::action::{Action, ActionRefusal};
use crate::domain::alert::Alert;
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::order::{Item, Order, OrderState, column};
use crate::domain::ownership::Seen;
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::{Denial, Proposal, Refund, RefundState, Refusal};
use crate::domain::sentences::{self, Language};
use crate::nlu::Prediction;
use crate::support::{Passage, PayOutcome, QuoteOutcome};

/// The language of all results: the callers are language models and programs.
const LANGUAGE: Language = Language::English;

/// The code of what is not offered before the customer has shown what is wrong.
pub const PHOTO_AWAITED: &str = "photo_awaited";

/// The outcome of a tool call.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "one at a time, read at once")]
pub enum Outcome {
    /// A message was classified.
    Triaged(Prediction),
    /// An order was found.
    Order(Box<Order>),
    /// An order was found that is not known to be the customer's: only where it is may be told.
    Unproven(OrderId),
    /// The customer's own orders, the latest first.
    Orders(Vec<Order>),
    /// No such order for this caller.
    NotFound(OrderId),
    /// A refund was offered.
    Quoted(Proposal),
    /// Something else than a refund was proposed.
    Proposed(Proposal),
    /// Something else than a refund is not done, and why.
    Declined(OrderId, ProposalKind, ActionRefusal),
    /// Something else than a refund was done, now or (`already`) before.
    Acted {
        /// What.
        action: Action,
        /// The refund that it brought.
        refund: Option<Refund>,
        /// Whether it had been done before.
        already: bool,
    },
    /// The policy refuses a refund.
    Refused(OrderId, Refusal),
    /// A refund was approved, now or (`already`) before. How far it is, the refund says.
    Refunded {
        /// The refund.
        refund: Refund,
        /// Whether it had been approved before.
        already: bool,
    },
    /// How far the refund of an order is; none where it has no refund.
    RefundStatus(OrderId, Option<Refund>),
    /// A refund was not paid.
    Denied(OrderId, Denial),
    /// What the shop's documents say; empty where none answers.
    Knowledge(Vec<Passage>),
    /// A refund or a return is not offered before the customer has shown what is wrong.
    PhotoAwaited(OrderId),
    /// A person was asked for.
    HandedOver(Alert),
    /// A tool of a third party answered: its JSON is no evidence of what happened here.
    Foreign,
    /// The call was invalid: no such tool, or wrong arguments.
    WrongCall(String),
    /// The tool failed.
    Failed,
}

impl Outcome {
    /// The order that was found by the order tool, whether or not it is known to be the customer's.
    pub fn order_shown(&self) -> Option<&OrderId> {
        match self {
            Self::Order(order) => Some(&order.id),
            Self::Unproven(id) => Some(id),
            _ => None,
        }
    }
}

impl ToolResult {
    pub(super) fn triaged(prediction: Prediction) -> Self {
        let mut value = json!({
            "intent": prediction.intent,
            "intent_confidence": four_decimals(prediction.intent_confidence),
            "sentiment": prediction.sentiment,
            "sentiment_confidence": four_decimals(prediction.sentiment_confidence),
        });
        for (head, found) in &prediction.heads {
            value[head] = found.label.as_str().into();
            value[format!("{head}_confidence")] = four_decimals(found.confidence);
        }
        Self { value, outcome: Outcome::Triaged(prediction) }
    }

    pub(super) fn order(seen: Seen) -> Self {
        let value = Value::Object(seen.to_json());
        let outcome = if seen.proven { Outcome::Order(Box::new(seen.order)) } else { Outcome::Unproven(seen.order.id) };
        Self { value, outcome }
    }

    pub(super) fn orders(orders: Vec<Order>) -> Self {
        let listed: Vec<Value> = orders.iter().map(listed).collect();
        Self { value: json!({"orders": listed}), outcome: Outcome::Orders(orders) }
    }

    pub(super) fn photo_awaited(order: OrderId) -> Self {
        let value = json!({
            "eligible": false, "status": "refused", "code": PHOTO_AWAITED, "order_id": order.as_str(),
            "reason": sentences::media::ask_for_photo(LANGUAGE),
        });
        Self { value, outcome: Outcome::PhotoAwaited(order) }
    }

    pub(super) fn not_found(id: OrderId) -> Self {
        Self { value: json!({"error": not_found_text(&id)}), outcome: Outcome::NotFound(id) }
    }

    pub(super) fn quoted(id: OrderId, outcome: QuoteOutcome, money: &ShopMoney) -> Self {
        match outcome {
            QuoteOutcome::NotFound => {
                let value = json!({"eligible": false, "reason": not_found_text(&id), "error": not_found_text(&id)});
                Self { value, outcome: Outcome::NotFound(id) }
            }
            QuoteOutcome::AlreadyRefunded { order, refund } => Self {
                value: json!({
                    "eligible": false,
                    "order_id": id.as_str(),
                    "order_value": order.value.map(|value| value.to_json(order.currency())),
                    "refund_amount": 0,
                    "shipping_fee": 0,
                    "currency": order.currency(),
                    "reason": match refund.state() {
                        RefundState::Paid => sentences::refunds::order_already_refunded(LANGUAGE),
                        RefundState::Failed => sentences::refunds::failed_before(LANGUAGE),
                        _ => sentences::refunds::under_way(LANGUAGE),
                    },
                    "quote_id": null,
                    "expires_at": null,
                    "already_refunded": refund.state() == RefundState::Paid,
                    "state": refund.state(),
                    "transaction_id": refund.transaction_id,
                    "amount_refunded": refund.refunded().to_json(),
                }),
                outcome: Outcome::Refunded { refund, already: true },
            },
            QuoteOutcome::Refused { order, refusal } => Self {
                value: json!({
                    "eligible": false,
                    "order_id": id.as_str(),
                    "order_value": order.value.map(|value| value.to_json(order.currency())),
                    "refund_amount": 0,
                    "shipping_fee": 0,
                    "currency": order.currency(),
                    "reason": refusal.reason(LANGUAGE, money),
                    "quote_id": null,
                    "expires_at": null,
                    "code": refusal.code(),
                    "needs_person": refusal.needs_person(),
                }),
                outcome: Outcome::Refused(id, refusal),
            },
            QuoteOutcome::Quoted(quote) => Self {
                value: with_items(
                    &quote.details.items,
                    json!({
                        "eligible": true,
                        "order_id": id.as_str(),
                        "order_value": quote.order_value.to_json(quote.currency),
                        "refund_amount": quote.amount.to_json(quote.currency),
                        "shipping_fee": quote.fee.to_json(quote.currency),
                        "currency": quote.currency,
                        "reason": sentences::refunds::eligible(LANGUAGE),
                        "quote_id": quote.id.as_str(),
                        "expires_at": quote.expires_at.to_string(),
                    }),
                ),
                outcome: Outcome::Quoted(quote),
            },
        }
    }

    pub(super) fn paid(id: OrderId, outcome: PayOutcome, arrival: &str, money: &ShopMoney) -> Self {
        match outcome {
            PayOutcome::NotFound => Self {
                value: json!({"status": "error", "code": "not_found", "message": not_found_text(&id)}),
                outcome: Outcome::NotFound(id),
            },
            PayOutcome::Denied(denial) => {
                let mut value =
                    json!({"status": "denied", "code": denial.code(), "message": denial.message(LANGUAGE, money)});
                if let (Denial::WrongAmount { right }, Some(map)) = (&denial, value.as_object_mut()) {
                    map.insert("refund_amount".into(), right.to_json());
                    map.insert("currency".into(), right.currency.code().into());
                }
                Self { value, outcome: Outcome::Denied(id, denial) }
            }
            PayOutcome::Paid(recorded) => {
                let refund = recorded.refund;
                let items = refund.items.clone();
                let value = with_items(
                    &items,
                    json!({
                        "status": if recorded.already { "already_refunded" } else { "success" },
                        "transaction_id": refund.transaction_id,
                        "amount_refunded": refund.refunded().to_json(),
                        "currency": refund.currency,
                        "estimated_arrival": arrival,
                        "order_id": refund.order_id.as_str(),
                        "state": refund.state(),
                        "simulated": refund.is_simulated(),
                    }),
                );
                Self { value, outcome: Outcome::Refunded { refund, already: recorded.already } }
            }
        }
    }

    #[expect(clippy::option_option, reason = "no such order for the caller, and an order without a refund")]
    pub(super) fn refund_status(id: OrderId, found: Option<Option<Refund>>, arrival: &str) -> Self {
        let Some(refund) = found else {
            let value = json!({"state": "none", "error": not_found_text(&id)});
            return Self { value, outcome: Outcome::NotFound(id) };
        };
        let value = match &refund {
            None => json!({
                "order_id": id.as_str(), "state": "none", "amount": null, "transaction_id": null, "requested_at": null,
                "expected_by": null,
            }),
            Some(refund) => json!({
                "order_id": id.as_str(),
                "state": refund.state(),
                "amount": refund.amount.to_json(refund.currency),
                "currency": refund.currency,
                "transaction_id": refund.transaction_id,
                "requested_at": refund.at.to_string(),
                "expected_by": refund.expected_by(arrival).map(|day| day.to_string()),
                "simulated": refund.is_simulated(),
            }),
        };
        Self { value, outcome: Outcome::RefundStatus(id, refund) }
    }

    pub(super) fn knowledge(passages: Vec<Passage>) -> Self {
        let value = json!({"answerable": !passages.is_empty(), "passages": passages});
        Self { value, outcome: Outcome::Knowledge(passages) }
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

    pub(super) fn failed(tool: &str, error: &dyn std::error::Error) -> Self {
        tracing::error!(tool, %error, "a tool failed");
        let value = json!({"error": "the tool failed; nothing was changed that is not on record", "status": "error"});
        Self { value, outcome: Outcome::Failed }
    }

    /// Whether the call was wrong or failed, as opposed to an answer that says no.
    pub fn is_error(&self) -> bool {
        matches!(self.outcome, Outcome::WrongCall(_) | Outcome::Failed)
    }
}

/// A result with the items that it is for, where it is not for the whole order.
fn with_items(items: &[Item], mut value: Value) -> Value {
    if !items.is_empty() {
        value["items"] = super::actions::items_json(items);
    }
    value
}

/// An order in a list.
fn listed(order: &Order) -> Value {
    let mut whole = order.to_json();
    let date = order.placed_at.map(|at| at.date().to_string()).or_else(|| order.date.clone());
    let arrived = order.delivery_minutes.map(|_| OrderState::Delivered.as_str().to_owned());
    let state = order.details.state.map(|state| state.as_str().to_owned());
    let mut map = serde_json::Map::new();
    map.insert("order_id".into(), order.id.as_str().into());
    if let Some(shown) = &order.details.display_id {
        map.insert("display_id".into(), shown.as_str().into());
    }
    map.insert("date".into(), date.into());
    map.insert("status".into(), state.or_else(|| order.status.clone()).or(arrived).into());
    map.insert("total".into(), order.value.map_or(Value::Null, |value| value.to_json(order.currency())));
    for (name, column) in
        [("currency", column::CURRENCY), ("payment_status", column::PAYMENT_STATUS), ("items", column::ITEMS)]
    {
        if let Some(value) = whole.remove(column) {
            map.insert(name.into(), value);
        }
    }
    Value::Object(map)
}

pub(super) fn not_found_text(id: &OrderId) -> String {
    format!("Order {id} was not found.")
}

/// A confidence as JSON with four decimals.
fn four_decimals(value: f32) -> Value {
    let rounded = (f64::from(value) * 10_000.0).round() / 10_000.0;
    Value::from(rounded)
}

//! Decides how tools that run on another server are called, and what their JSON means here.
//!
//! It must never let what that server says loosen a rule: whose order it is, how much the policy gives at most, and
//! whether the customer agreed are decided here, before it is asked and whatever it answers.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::arguments::read;
use super::{
    CHECK_REFUND, HUMAN, HumanArguments, ORDER, OrderArguments, Outcome, REFUND, RefundArguments, TRIAGE, ToolResult,
    ToolSpec, Toolbox, TriageArguments,
};
use crate::desk::{Context, HandOver, PayOutcome, QuoteOutcome};
use crate::domain::alert::Priority;
use crate::domain::ids::{AlertId, OrderId, QuoteId};
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::refund::{Denial, Quote, Refund, Refusal};
use crate::domain::words::excerpt;
use crate::nlu::Prediction;

/// Why another server gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RemoteError {
    /// It cannot be reached, or did not answer in time.
    #[error("the tool server {server} did not answer: {reason}")]
    Unreachable {
        /// Which server.
        server: String,
        /// What was seen.
        reason: String,
    },
    /// It says that the call is wrong or that it failed.
    #[error("the tool server refused the call: {0}")]
    Refused(String),
}

impl RemoteError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreachable { .. } => {
                Some("check that the server runs, such as ecomres mcp --http 127.0.0.1:8001, and MCP_TOKEN".to_owned())
            }
            Self::Refused(_) => None,
        }
    }
}

/// Tools of another server.
#[async_trait]
pub trait RemoteTools: Send + Sync {
    /// Calls a tool and gives its JSON. `again` says whether a call that may have run may be sent once more.
    async fn call(&self, name: &str, arguments: Value, again: bool) -> Result<Value, RemoteError>;
}

/// A tool of another server under a name of ours.
#[derive(Clone)]
pub struct ForeignTool {
    /// How it is described here.
    pub spec: ToolSpec,
    /// What it is called there.
    pub name: String,
    /// Who runs it.
    pub server: Arc<dyn RemoteTools>,
}

impl ForeignTool {
    pub(super) async fn run(&self, arguments: Value) -> ToolResult {
        match self.server.call(&self.name, arguments, !self.spec.writes).await {
            Ok(value) => ToolResult { value, outcome: Outcome::Foreign },
            Err(error) => failed(&self.spec.name, &error),
        }
    }
}

impl Toolbox {
    /// Runs one of the catalogue's tools on another server.
    pub(super) async fn run_remote(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        name: &str,
        arguments: Value,
    ) -> Result<ToolResult, String> {
        let spec = self.spec(name);
        match name {
            TRIAGE => {
                let arguments: TriageArguments = read(spec, arguments)?;
                let answer = remote.call(TRIAGE, json!({"text": arguments.text}), true).await;
                Ok(answer.map_or_else(|error| failed(TRIAGE, &error), |value| triaged(&value)))
            }
            ORDER => {
                let arguments: OrderArguments = read(spec, arguments)?;
                let id = self.order_id(&arguments.order_id)?;
                Ok(match self.order_elsewhere(remote, context, &id).await {
                    Ok(Some(order)) => ToolResult::order(order),
                    Ok(None) => ToolResult::not_found(id),
                    Err(failure) => *failure,
                })
            }
            CHECK_REFUND => {
                let arguments: OrderArguments = read(spec, arguments)?;
                let id = self.order_id(&arguments.order_id)?;
                Ok(self.quote_elsewhere(remote, context, id).await.unwrap_or_else(|failure| *failure))
            }
            REFUND => {
                let arguments: RefundArguments = read(spec, arguments)?;
                let id = self.order_id(&arguments.order_id)?;
                let amount = arguments.amount()?;
                let reason = excerpt(arguments.reason.trim(), 500);
                Ok(self.pay_elsewhere(remote, context, id, amount, &reason).await.unwrap_or_else(|failure| *failure))
            }
            HUMAN => {
                let arguments: HumanArguments = read(spec, arguments)?;
                let request = Self::hand_over_request(context, arguments)?;
                Ok(self.hand_over_elsewhere(remote, context, request).await.unwrap_or_else(|failure| *failure))
            }
            other => Err(self.no_such_tool(other)),
        }
    }

    /// The order as the other server has it, if the caller may see it.
    async fn order_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: &OrderId,
    ) -> Result<Option<Order>, Box<ToolResult>> {
        // An order that the customer did not name is not even asked for.
        if context.caller.customer().is_some_and(|customer| !customer.named_orders.contains(id)) {
            return Ok(None);
        }
        let fault = |error: &dyn std::error::Error| Box::new(failed(ORDER, error));
        let value = remote.call(ORDER, json!({"order_id": id}), true).await.map_err(|error| fault(&error))?;
        let order = Order::from_json(&value).filter(|order| order.id == *id);
        if order.is_none() && !value["error"].is_string() {
            return Err(Box::new(unreadable(ORDER, &value)));
        }
        self.desk().admit(context, id, order).await.map_err(|error| fault(&error))
    }

    async fn quote_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: OrderId,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fault = |error: &dyn std::error::Error| Box::new(failed(CHECK_REFUND, error));
        let Some(order) = self.order_elsewhere(remote, context, &id).await? else {
            return Ok(ToolResult::quoted(id, QuoteOutcome::NotFound));
        };
        let value = remote.call(CHECK_REFUND, json!({"order_id": id}), true).await.map_err(|error| fault(&error))?;
        let read = || {
            Some(match value["eligible"].as_bool()? {
                true => Ok(quote(context, &order, &value)?),
                false if value["transaction_id"].is_string() => Err(QuoteOutcome::AlreadyRefunded {
                    refund: refund(context, &order, &value)?,
                    order: order.clone(),
                }),
                false => Err(QuoteOutcome::Refused {
                    refusal: Refusal::Elsewhere { reason: excerpt(value["reason"].as_str()?, 500) },
                    order: order.clone(),
                }),
            })
        };
        let outcome = match read().ok_or_else(|| Box::new(unreadable(CHECK_REFUND, &value)))? {
            Err(outcome) => outcome,
            Ok(offer) => match self.desk().keep_offer(context, &order, offer).await.map_err(|error| fault(&error))? {
                Ok(offer) => QuoteOutcome::Quoted(offer),
                Err(refusal) => QuoteOutcome::Refused { order, refusal },
            },
        };
        Ok(ToolResult::quoted(id, outcome))
    }

    async fn pay_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: OrderId,
        amount: Option<Money>,
        reason: &str,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fault = |error: &dyn std::error::Error| Box::new(failed(REFUND, error));
        let arrival = &self.desk().rules().policy.estimated_arrival;
        let Some(order) = self.order_elsewhere(remote, context, &id).await? else {
            return Ok(ToolResult::paid(id, PayOutcome::NotFound, arrival));
        };
        let agreed = self.desk().agreed(context, &order, amount).await.map_err(|error| fault(&error))?;
        let quote = match agreed {
            Ok(quote) => quote,
            Err(denial) => return Ok(ToolResult::paid(id, PayOutcome::Denied(denial), arrival)),
        };
        // A customer gets what they agreed to: the other server pays that amount or none.
        let agreed = context.caller.customer().and(quote.as_ref()).map(|quote| quote.amount).or(amount);
        let call = json!({"order_id": id, "amount": agreed.map(Money::to_json), "reason": reason});
        let value = remote.call(REFUND, call, false).await.map_err(|error| fault(&error))?;
        let outcome = match value["status"].as_str() {
            Some(status @ ("success" | "already_refunded")) => {
                let refund = refund(context, &order, &value).ok_or_else(|| Box::new(unreadable(REFUND, &value)))?;
                if status == "success" && agreed.is_some_and(|agreed| agreed != refund.amount) {
                    tracing::error!(order = %id, "the other server paid another amount than was agreed");
                }
                Outcome::Refunded { refund, already: status == "already_refunded" }
            }
            Some("denied") => {
                let right = Money::from_json(&value["refund_amount"]).ok().filter(|_| value["code"] == "wrong_amount");
                let reason = excerpt(value["message"].as_str().unwrap_or("The refund was denied."), 500);
                let refused = Denial::Policy(Refusal::Elsewhere { reason });
                Outcome::Denied(id, right.map_or(refused, |right| Denial::WrongAmount { right }))
            }
            _ if value["code"] == "not_found" => Outcome::NotFound(id),
            _ => return Err(Box::new(unreadable(REFUND, &value))),
        };
        Ok(ToolResult { value, outcome })
    }

    async fn hand_over_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        mut request: HandOver,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let (user, message) = match context.caller.customer() {
            Some(customer) => (customer.user.as_str(), customer.text.as_str()),
            None => (request.user_id.as_str(), request.last_message.as_str()),
        };
        let call = json!({
            "user_id": user,
            "reason": request.reason,
            "last_message": excerpt(message, 4_000),
            "priority": request.priority,
        });
        let fault = |error: &dyn std::error::Error| Box::new(failed(HUMAN, error));
        let value = remote.call(HUMAN, call, false).await.map_err(|error| fault(&error))?;
        let id = value["alert_id"].as_str().filter(|_| value["status"] == "success");
        request.id = Some(AlertId::new(id.ok_or_else(|| Box::new(unreadable(HUMAN, &value)))?));
        request.priority = value["priority"].as_str().and_then(Priority::parse).unwrap_or(request.priority);
        // The conversation is kept here: here it must be silent until the alert is settled.
        let alert = self.desk().hand_over(context, request).await.map_err(|error| fault(&error))?;
        Ok(ToolResult { value, outcome: Outcome::HandedOver(alert) })
    }
}

fn triaged(value: &Value) -> ToolResult {
    #[allow(clippy::cast_possible_truncation)]
    let share = |name: &str| value[name].as_f64().filter(|share| (0.0..=1.0).contains(share)).map(|share| share as f32);
    let read = || {
        Some(Prediction {
            intent: value["intent"].as_str()?.to_owned(),
            intent_confidence: share("intent_confidence")?,
            sentiment: value["sentiment"].as_str()?.to_owned(),
            sentiment_confidence: share("sentiment_confidence")?,
            intents: Vec::new(),
            sentiments: Vec::new(),
        })
    };
    read().map_or_else(|| unreadable(TRIAGE, value), ToolResult::triaged)
}

fn quote(context: &Context, order: &Order, value: &Value) -> Option<Quote> {
    let customer = context.caller.customer();
    Some(Quote {
        id: QuoteId::new(value["quote_id"].as_str()?),
        order_id: order.id.clone(),
        user_id: customer.map(|customer| customer.user.clone()),
        order_value: order.value,
        amount: Money::from_json(&value["refund_amount"]).ok()?,
        fee: Money::from_json(&value["shipping_fee"]).ok()?,
        turn: customer.map(|customer| customer.turn),
        created_at: context.now,
        expires_at: value["expires_at"].as_str()?.parse().ok()?,
    })
}

fn refund(context: &Context, order: &Order, value: &Value) -> Option<Refund> {
    let amount = Money::from_json(&value["amount_refunded"]).ok()?;
    Some(Refund {
        transaction_id: value["transaction_id"].as_str()?.to_owned(),
        order_id: order.id.clone(),
        amount,
        fee: order.value.minus(amount),
        quote_id: None,
        reason: String::new(),
        actor: context.caller.actor(),
        at: context.now,
    })
}

fn failed(tool: &str, error: &dyn std::error::Error) -> ToolResult {
    ToolResult::fault(tool, error)
}

/// An answer that is not the documented JSON.
fn unreadable(tool: &str, value: &Value) -> ToolResult {
    let fields: Vec<&String> = value.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    tracing::error!(tool, ?fields, "the other server's answer is not the documented one");
    ToolResult::fault(tool, &RemoteError::Refused("its answer is not the documented one".to_owned()))
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;

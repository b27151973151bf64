//! Calls tools that run on another server, and checks their JSON.
//!
//! It must never let what that server says loosen a rule: whose order it is, the largest refund of the policy, and
//! whether the customer agreed are decided here, before the call and whatever it answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::SignedDuration;
use serde_json::{Value, json};
use uuid::Uuid;

use super::actions::named;
use super::arguments::read;
use super::definitions::named_amount;
use super::{
    CANCEL, CHANGE, CHECK_REFUND, CancelArguments, ChangeArguments, CheckRefundArguments, FIND_ORDERS, HUMAN,
    HumanArguments, KNOWLEDGE, KnowledgeArguments, ORDER, OrderArguments, Outcome, REFUND, REFUND_STATUS, RETURN,
    RefundArguments, ReturnArguments, TRIAGE, ToolResult, ToolSpec, Toolbox, TriageArguments,
};
use crate::domain::alert::Priority;
use crate::domain::currency::{Amount, Currency};
use crate::domain::ids::{AlertId, OrderId, QuoteId, UserId, transport_phone};
use crate::domain::money::{Decimal, Money};
use crate::domain::order::{Item, NamedItem, Order, PLACED_AT};
use crate::domain::ownership::{Access, Seen};
use crate::domain::proposal::{Details, ProposalKind};
use crate::domain::refund::{Denial, Progress, Proposal, ProviderKind, Refund, RefundState, Refusal, Route};
use crate::domain::sentences::{self, Language};
use crate::domain::words::excerpt;
use crate::nlu::{HeadPrediction, INTENT, Prediction, SENTIMENT};
use crate::support::orders::OWN_ORDERS;
use crate::support::{Context, HandoffRequest, Passage, PayOutcome, QuoteOutcome};

/// The most passages of another server that are used, and characters of one.
const PASSAGES: usize = 5;
const LONGEST_PASSAGE: usize = 2_000;

/// The most numbers of one customer that another server is asked for.
const NUMBERS_ASKED: usize = 3;

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
    /// It is not a server of these tools.
    #[error("the tool server {server} lacks tools that are needed: {tools}")]
    Missing {
        /// Which server.
        server: String,
        /// The names that it does not have.
        tools: String,
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
            Self::Missing { .. } => Some(
                "name a server with all tools of `ecomres mcp`, without --read-only; other servers belong into [[mcp.servers]]"
                    .to_owned(),
            ),
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
            // The model may say it in other words, or call with other arguments. The address of a server is not its business.
            Err(error) => {
                let mut result = failed(&self.spec.name, &error);
                let told = match error {
                    RemoteError::Refused(told) => told,
                    _ => "the server of this tool did not answer; it may answer later".to_owned(),
                };
                result.value = json!({"status": "error", "error": excerpt(&told, 500)});
                result
            }
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
        let spec = spec.as_ref();
        match name {
            TRIAGE => {
                let arguments: TriageArguments = read(spec, arguments)?;
                let answer = remote.call(TRIAGE, json!({"text": arguments.text}), true).await;
                Ok(answer.map_or_else(|error| failed(TRIAGE, &error), |value| triaged(&value)))
            }
            ORDER => {
                let arguments: OrderArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                Ok(match self.order_elsewhere(remote, context, &id, Access::See).await {
                    Ok(Some(seen)) => ToolResult::order(seen),
                    Ok(None) => ToolResult::not_found(id),
                    Err(failure) => *failure,
                })
            }
            FIND_ORDERS => {
                let user = Self::whose_orders(context, &read(spec, arguments)?)?;
                Ok(self.orders_elsewhere(remote, context, &user).await.unwrap_or_else(|failure| *failure))
            }
            CHECK_REFUND => {
                let arguments: CheckRefundArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                let named = named(&arguments.items)?;
                Ok(self.quote_elsewhere(remote, context, id, &named).await.unwrap_or_else(|failure| *failure))
            }
            REFUND => {
                let arguments: RefundArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                let amount = named_amount(arguments.amount.as_ref())?;
                let named = named(&arguments.items)?;
                let reason = excerpt(arguments.reason.trim(), 500);
                Ok(self
                    .pay_elsewhere(remote, context, (id, &named), amount, &reason)
                    .await
                    .unwrap_or_else(|failure| *failure))
            }
            REFUND_STATUS => {
                let arguments: OrderArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                Ok(self.refund_status_elsewhere(remote, context, id).await.unwrap_or_else(|failure| *failure))
            }
            CANCEL => {
                let arguments: CancelArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                let named = named_amount(arguments.amount.as_ref())?;
                self.act_elsewhere(remote, context, (id, named), |_| Ok(Ok(arguments.wish()))).await
            }
            CHANGE => {
                let arguments: ChangeArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                let wish = arguments.wish(self.support().rules().country)?;
                self.act_elsewhere(remote, context, (id, None), |_| Ok(Ok(wish))).await
            }
            RETURN => {
                let arguments: ReturnArguments = read(spec, arguments)?;
                let id = self.order_id(context, &arguments.order_id).await?;
                let (language, money, _) = self.words(context);
                let order = id.clone();
                let declined = |refusal| ToolResult::declined(order, ProposalKind::Return, refusal, (language, money));
                let wish = |order: Option<&Order>| Ok(arguments.wish(order)?.map_err(declined));
                let named = named_amount(arguments.amount.as_ref())?;
                self.act_elsewhere(remote, context, (id, named), wish).await
            }
            KNOWLEDGE => {
                let arguments: KnowledgeArguments = read(spec, arguments)?;
                let query = Self::query(&arguments)?;
                Ok(self.knowledge_elsewhere(remote, context, &query).await.unwrap_or_else(|failure| *failure))
            }
            HUMAN => {
                let arguments: HumanArguments = read(spec, arguments)?;
                let request = Self::handoff_request(context, arguments)?;
                Ok(self.hand_over_elsewhere(remote, context, request).await.unwrap_or_else(|failure| *failure))
            }
            other => Err(self.no_such_tool(other)),
        }
    }

    /// The order as the other server has it, if the caller may see it.
    pub(super) async fn order_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: &OrderId,
        access: Access,
    ) -> Result<Option<Seen>, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(ORDER, error));
        // An order that cannot be the customer's is not even asked for.
        if let Some(customer) = context.caller.customer()
            && !customer.named_orders.contains(id)
            && self.support().numbers_of(&customer.user).await.map_err(|error| fail(&error))?.is_empty()
        {
            return Ok(None);
        }
        let order = self.fetch(remote, context, id).await?;
        self.support().record_lookup_of(context, id, order, access).await.map_err(|error| fail(&error))
    }

    /// The order as another server has it; none where that does not say when it was placed, and that decides whose it is.
    async fn fetch(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: &OrderId,
    ) -> Result<Option<Order>, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(ORDER, error));
        let value = remote.call(ORDER, json!({"order_id": id}), true).await.map_err(|error| fail(&error))?;
        let order = Order::from_json(&value).filter(|order| order.id == *id);
        if order.is_none() && !value["error"].is_string() {
            return Err(Box::new(unreadable(ORDER, &value)));
        }
        let Some(order) = order else { return Ok(None) };
        if value.get(PLACED_AT).is_none()
            && let Some(customer) = context.caller.customer()
        {
            // A number that the customer gave up may be somebody else's since.
            let country = self.support().rules().country;
            let own = self.support().numbers_of(&customer.user).await.map_err(|error| fail(&error))?;
            let mut former = own.iter().filter(|own| own.until.is_some());
            if former.any(|own| order.numbers(country).any(|number| number == own.number)) {
                tracing::warn!(order = %id, "the other server does not say when an order of a former number was placed");
                return Ok(None);
            }
        }
        Ok(Some(order))
    }

    /// The customer's orders as the other server lists them. Each is asked for by itself: whose it is is decided here.
    async fn orders_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        user: &UserId,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(FIND_ORDERS, error));
        let mut numbers: Vec<String> = transport_phone(user).into_iter().collect();
        if context.caller.customer().is_some() {
            let own = self.support().numbers_of(user).await.map_err(|error| fail(&error))?;
            numbers = own.into_iter().map(|own| own.number).collect();
        }
        let mut found: Vec<Order> = Vec::new();
        for number in numbers.iter().take(NUMBERS_ASKED) {
            let value =
                remote.call(FIND_ORDERS, json!({"user_id": number}), true).await.map_err(|error| fail(&error))?;
            let listed = value["orders"].as_array().ok_or_else(|| Box::new(unreadable(FIND_ORDERS, &value)))?;
            for one in listed.iter().take(OWN_ORDERS) {
                let Some(id) = one["order_id"].as_str().map(OrderId::new) else { continue };
                if found.iter().any(|known| known.id == id) {
                    continue;
                }
                let Some(order) = self.fetch(remote, context, &id).await? else { continue };
                let theirs = context.caller.customer().is_none()
                    || self.support().has_number(user, &order).await.map_err(|error| fail(&error))?;
                if theirs {
                    found.push(order);
                }
            }
        }
        found.truncate(OWN_ORDERS);
        Ok(ToolResult::orders(found))
    }

    async fn quote_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: OrderId,
        named: &[NamedItem],
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(CHECK_REFUND, error));
        let Some(Seen { order, .. }) = self.order_elsewhere(remote, context, &id, Access::Money).await? else {
            return Ok(ToolResult::quoted(id, QuoteOutcome::NotFound, &self.support().rules().policy.money));
        };
        let items = match order.items_named(named) {
            Ok(items) => items,
            Err(name) => {
                let outcome = QuoteOutcome::Refused { order, refusal: Refusal::ItemUnknown { name } };
                return Ok(ToolResult::quoted(id, outcome, &self.support().rules().policy.money));
            }
        };
        let call = with_items(json!({"order_id": id}), &items);
        let value = remote.call(CHECK_REFUND, call, true).await.map_err(|error| fail(&error))?;
        let read = || {
            Some(match value["eligible"].as_bool()? {
                true => Ok(quote(context, (&order, &items), &value, self.support().rules().policy.quote_valid)?),
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
            Ok(offer) => {
                match self
                    .support()
                    .save_remote_quote(context, (&order, &items), offer)
                    .await
                    .map_err(|error| fail(&error))?
                {
                    Ok(offer) => QuoteOutcome::Quoted(offer),
                    Err(refusal) => QuoteOutcome::Refused { order, refusal },
                }
            }
        };
        Ok(ToolResult::quoted(id, outcome, &self.support().rules().policy.money))
    }

    async fn pay_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        (id, named): (OrderId, &[NamedItem]),
        amount: Option<Decimal>,
        reason: &str,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(REFUND, error));
        let policy = &self.support().rules().policy;
        let (arrival, money) = (&policy.estimated_arrival, &policy.money);
        let Some(Seen { order, .. }) = self.order_elsewhere(remote, context, &id, Access::Money).await? else {
            return Ok(ToolResult::paid(id, PayOutcome::NotFound, arrival, money));
        };
        let items = match order.items_named(named) {
            Ok(items) => items,
            Err(name) => {
                let denial = Denial::Policy(Refusal::ItemUnknown { name });
                return Ok(ToolResult::paid(id, PayOutcome::Denied(denial), arrival, money));
            }
        };
        let meant = (!named.is_empty()).then_some(items.as_slice());
        let agreed = self.support().consented_quote(context, &order, meant, amount).await;
        let agreed = agreed.map_err(|error| fail(&error))?;
        let quote = match agreed {
            Ok(quote) => quote,
            Err(denial) => return Ok(ToolResult::paid(id, PayOutcome::Denied(denial), arrival, money)),
        };
        let customer = context.caller.customer().is_some();
        let agreed_items = quote.as_ref().filter(|_| customer).map(|quote| quote.details.items.clone());
        if customer && !named.is_empty() && agreed_items.as_ref() != Some(&items) {
            return Ok(ToolResult::paid(id, PayOutcome::Denied(Denial::QuoteOutdated), arrival, money));
        }
        let items = agreed_items.unwrap_or(items);
        // A customer gets what they agreed to: the other server pays that amount or none.
        let named = amount.and_then(|amount| amount.to_money(order.currency()).ok());
        let named = named.map(|amount| Amount::new(amount, order.currency()));
        let agreed = context.caller.customer().and(quote.as_ref()).map(Proposal::refunded).or(named);
        let call = json!({"order_id": id, "amount": agreed.map(Amount::to_json), "reason": reason});
        let call = with_items(call, &items);
        let value = remote.call(REFUND, call, false).await.map_err(|error| fail(&error))?;
        let outcome = match value["status"].as_str() {
            Some(status @ ("success" | "already_refunded")) => {
                let refund = refund(context, &order, &value).ok_or_else(|| Box::new(unreadable(REFUND, &value)))?;
                if status == "success" && agreed.is_some_and(|agreed| agreed != refund.refunded()) {
                    tracing::error!(order = %id, "the other server paid another amount than was agreed");
                }
                Outcome::Refunded { refund, already: status == "already_refunded" }
            }
            Some("denied") => {
                let right = amount_of(&order, &value, "refund_amount").filter(|_| value["code"] == "wrong_amount");
                let reason =
                    excerpt(value["message"].as_str().unwrap_or(sentences::refunds::denied(Language::English)), 500);
                let refused = Denial::Policy(Refusal::Elsewhere { reason });
                Outcome::Denied(id, right.map_or(refused, |right| Denial::WrongAmount { right }))
            }
            _ if value["code"] == "not_found" => Outcome::NotFound(id),
            _ => return Err(Box::new(unreadable(REFUND, &value))),
        };
        Ok(ToolResult { value, outcome })
    }

    async fn refund_status_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        id: OrderId,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(REFUND_STATUS, error));
        let Some(Seen { order, .. }) = self.order_elsewhere(remote, context, &id, Access::Money).await? else {
            return Ok(ToolResult::refund_status(id, None, ""));
        };
        let value = remote.call(REFUND_STATUS, json!({"order_id": id}), true).await.map_err(|error| fail(&error))?;
        if value["state"] == "none" {
            return Ok(ToolResult::refund_status(id, Some(None), ""));
        }
        let told = json!({
            "amount_refunded": value["amount"], "transaction_id": value["transaction_id"], "state": value["state"],
        });
        let read = value["state"].is_string().then(|| refund(context, &order, &told)).flatten();
        let refund = read.ok_or_else(|| Box::new(unreadable(REFUND_STATUS, &value)))?;
        Ok(ToolResult { value, outcome: Outcome::RefundStatus(id, Some(refund)) })
    }

    /// What the other server's documents say. What they do not answer is kept here, where the conversation is.
    async fn knowledge_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        query: &str,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let fail = |error: &dyn std::error::Error| Box::new(failed(KNOWLEDGE, error));
        let value = remote.call(KNOWLEDGE, json!({"query": query}), true).await.map_err(|error| fail(&error))?;
        let listed = value["passages"].as_array().ok_or_else(|| Box::new(unreadable(KNOWLEDGE, &value)))?;
        let passages: Vec<Passage> = listed.iter().take(PASSAGES).filter_map(passage).collect();
        if passages.is_empty() {
            self.support().record_gap(context, query).await.map_err(|error| fail(&error))?;
        }
        Ok(ToolResult::knowledge(passages))
    }

    async fn hand_over_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        mut request: HandoffRequest,
    ) -> Result<ToolResult, Box<ToolResult>> {
        let (user, message) = match context.caller.customer() {
            Some(customer) => (customer.user.as_str(), customer.sent.as_str()),
            None => (request.user_id.as_str(), request.last_message.as_str()),
        };
        let call = json!({
            "user_id": user,
            "reason": request.reason,
            "last_message": excerpt(message, 4_000),
            "priority": request.priority,
        });
        let fail = |error: &dyn std::error::Error| Box::new(failed(HUMAN, error));
        let value = remote.call(HUMAN, call, false).await.map_err(|error| fail(&error))?;
        let id = value["alert_id"].as_str().filter(|_| value["status"] == "success");
        request.id = Some(AlertId::new(id.ok_or_else(|| Box::new(unreadable(HUMAN, &value)))?));
        request.priority = value["priority"].as_str().and_then(Priority::parse).unwrap_or(request.priority);
        // The conversation is stored here: the bot must be silent here until the alert is resolved.
        let alert = self.support().request_handoff(context, request).await.map_err(|error| fail(&error))?;
        Ok(ToolResult { value, outcome: Outcome::HandedOver(alert) })
    }
}

/// A passage of another server's documents.
fn passage(value: &Value) -> Option<Passage> {
    let field = |name: &str| Some(excerpt(value[name].as_str()?, LONGEST_PASSAGE)).filter(|text| !text.is_empty());
    #[expect(clippy::cast_possible_truncation, reason = "a share from 0 to 1")]
    let score = value["score"].as_f64().unwrap_or(0.0).clamp(0.0, 1.0) as f32;
    let part = value["part"].as_u64().and_then(|part| usize::try_from(part).ok()).unwrap_or_default();
    Some(Passage {
        id: field("id")?,
        title: field("title")?,
        text: field("text")?,
        source: field("source")?,
        score,
        part,
    })
}

fn triaged(value: &Value) -> ToolResult {
    #[expect(clippy::cast_possible_truncation, reason = "a share from 0 to 1, shown with four decimals")]
    let share = |name: &str| value[name].as_f64().filter(|share| (0.0..=1.0).contains(share)).map(|share| share as f32);
    let read = || {
        Some(Prediction {
            intent: value["intent"].as_str()?.to_owned(),
            intent_confidence: share("intent_confidence")?,
            sentiment: value["sentiment"].as_str()?.to_owned(),
            sentiment_confidence: share("sentiment_confidence")?,
            intents: Vec::new(),
            sentiments: Vec::new(),
            heads: heads(value, &share),
        })
    };
    read().map_or_else(|| unreadable(TRIAGE, value), ToolResult::triaged)
}

/// What other heads say: each has its label under its name, and its confidence beside it.
fn heads(value: &Value, share: &dyn Fn(&str) -> Option<f32>) -> BTreeMap<String, HeadPrediction> {
    let names = value.as_object().into_iter().flat_map(|fields| fields.keys());
    let heads =
        names.filter_map(|name| name.strip_suffix("_confidence")).filter(|head| ![INTENT, SENTIMENT].contains(head));
    let read = |head: &str| {
        let label = value[head].as_str()?.to_owned();
        Some((
            head.to_owned(),
            HeadPrediction { label, confidence: share(&format!("{head}_confidence"))?, labels: Vec::new() },
        ))
    };
    heads.filter_map(read).collect()
}

/// An amount of another server's answer. One that names a currency has to name the order's.
fn amount_of(order: &Order, value: &Value, name: &str) -> Option<Amount> {
    let currency = order.currency();
    let said = match &value["currency"] {
        Value::Null => Some(currency),
        said => Currency::new(said.as_str()?),
    };
    let money = Money::from_json(&value[name], currency).ok()?;
    (said == Some(currency)).then(|| Amount::new(money, currency))
}

fn with_items(mut call: Value, items: &[Item]) -> Value {
    if !items.is_empty() {
        call["items"] = super::actions::items_json(items);
    }
    call
}

fn quote(
    context: &Context,
    (order, items): (&Order, &[Item]),
    value: &Value,
    valid: SignedDuration,
) -> Option<Proposal> {
    let customer = context.caller.customer();
    let Amount { money: amount, currency } = amount_of(order, value, "refund_amount")?;
    Some(Proposal {
        // What may be left out is decided here: the offer is kept, and accepted, here.
        id: match &value["quote_id"] {
            Value::String(id) if !id.trim().is_empty() => QuoteId::new(id.as_str()),
            Value::Number(id) => QuoteId::new(id.to_string()),
            _ => QuoteId::new(format!("QUOTE_{}", Uuid::now_v7().simple())),
        },
        kind: ProposalKind::Refund,
        details: Details { items: items.to_vec(), ..Details::default() },
        order_id: order.id.clone(),
        user_id: customer.map(|customer| customer.user.clone()),
        order_value: order.value?,
        amount,
        fee: match &value["shipping_fee"] {
            Value::Null => order.value?.minus(amount),
            fee => Money::from_json(fee, currency).ok()?,
        },
        currency,
        turn: customer.map(|customer| customer.turn),
        created_at: context.now,
        expires_at: match &value["expires_at"] {
            Value::Null => context.now.checked_add(valid).ok()?,
            until => until.as_str()?.parse().ok()?,
        },
    })
}

pub(super) fn refund(context: &Context, order: &Order, value: &Value) -> Option<Refund> {
    let Amount { money: amount, currency } = amount_of(order, value, "amount_refunded")?;
    let state = match &value["state"] {
        Value::Null => RefundState::Paid,
        state => RefundState::parse(state.as_str()?)?,
    };
    let provider = value["provider"].as_str().and_then(ProviderKind::parse).unwrap_or_default();
    Some(Refund {
        transaction_id: value["transaction_id"].as_str()?.to_owned(),
        order_id: order.id.clone(),
        amount,
        fee: order.value.unwrap_or(amount).minus(amount),
        currency,
        quote_id: None,
        items: Vec::new(),
        reason: String::new(),
        actor: context.caller.actor(),
        at: context.now,
        route: Route { provider, ..Route::default() },
        // What the other server says of it; one that says nothing of states has paid.
        progress: Progress { state, attempt: 1, ..Progress::default() },
    })
}

pub(super) fn failed(tool: &str, error: &dyn std::error::Error) -> ToolResult {
    ToolResult::failed(tool, error)
}

/// An answer that is not the documented JSON.
pub(super) fn unreadable(tool: &str, value: &Value) -> ToolResult {
    let fields: Vec<&String> = value.as_object().into_iter().flatten().map(|(name, _)| name).collect();
    tracing::error!(tool, ?fields, "the other server's answer is not the documented one");
    ToolResult::failed(tool, &RemoteError::Refused("its answer is not the documented one".to_owned()))
}

#[cfg(test)]
#[path = "remote_tests.rs"]
mod tests;

//! What another server does to orders. It takes this program for an operator, who needs nobody's consent: that, whose order it is,
//! and what the policy allows are decided here, before it is asked.

use serde_json::{Map, Value};

use super::remote::{RemoteTools, failed, refund, unreadable};
use super::{CANCEL, CHANGE, Outcome, RETURN, ToolResult, Toolbox};
use crate::domain::action::{Action, Wish};
use crate::domain::currency::Amount;
use crate::domain::ids::OrderId;
use crate::domain::money::Decimal;
use crate::domain::order::Order;
use crate::domain::ownership::{Access, Seen};
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::Refusal;
use crate::domain::words::excerpt;
use crate::support::{ActionOutcome, Context, Decided};

/// The tool that does a wish.
fn tool(kind: ProposalKind) -> &'static str {
    match kind {
        ProposalKind::Change => CHANGE,
        ProposalKind::Return => RETURN,
        ProposalKind::Cancel | ProposalKind::Refund => CANCEL,
    }
}

/// A wish as the arguments of its tool. `agreed`: the money that goes back with it; the other server does it with that or not at all.
fn arguments(order: &OrderId, wish: &Wish, agreed: Amount) -> Value {
    let mut call = Map::new();
    call.insert("order_id".into(), order.as_str().into());
    if wish.kind != ProposalKind::Change {
        call.insert("reason".into(), wish.reason.as_str().into());
        call.insert("amount".into(), agreed.to_json());
    }
    if let Some(change) = &wish.details.change {
        call.insert(change.field.as_str().into(), change.value.as_str().into());
    }
    if let Some(resolution) = wish.details.resolution {
        call.insert("resolution".into(), resolution.as_str().into());
    }
    if let Some(wish) = &wish.details.wish {
        call.insert("details".into(), wish.as_str().into());
    }
    if !wish.details.items.is_empty() {
        call.insert("items".into(), super::actions::items_json(&wish.details.items));
    }
    Value::Object(call)
}

impl Toolbox {
    /// Does a wish on another server, once the caller agreed here.
    pub(super) async fn act_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        (id, named): (OrderId, Option<Decimal>),
        wish: impl FnOnce(Option<&Order>) -> Result<Result<Wish, ToolResult>, String>,
    ) -> Result<ToolResult, String> {
        let seen = match self.order_elsewhere(remote, context, &id, Access::Money).await {
            Ok(seen) => seen,
            Err(failure) => return Ok(*failure),
        };
        let wish = match wish(seen.as_ref().map(|seen| &seen.order))? {
            Ok(wish) => wish,
            Err(result) => return Ok(result),
        };
        let Some(Seen { order, .. }) = seen else {
            return Ok(ToolResult::acted((id, &wish), ActionOutcome::NotFound, self.words(context)));
        };
        Ok(self.agreed_elsewhere(remote, context, &order, (&wish, named)).await.unwrap_or_else(|failure| *failure))
    }

    async fn agreed_elsewhere(
        &self,
        remote: &dyn RemoteTools,
        context: &Context,
        order: &Order,
        (wish, named): (&Wish, Option<Decimal>),
    ) -> Result<ToolResult, Box<ToolResult>> {
        let name = tool(wish.kind);
        let fail = |error: &dyn std::error::Error| Box::new(failed(name, error));
        let decided = self.support().decide_action(context, order, wish, named).await;
        let approved = match decided.map_err(|error| fail(&error))? {
            Decided::Ends(outcome) => {
                return Ok(ToolResult::acted((order.id.clone(), wish), outcome, self.words(context)));
            }
            Decided::Approved(approved) => approved,
        };
        let call = arguments(&order.id, wish, approved.amount(order.currency()));
        let value = remote.call(name, call, false).await.map_err(|error| fail(&error))?;
        let status = value["status"].as_str().unwrap_or_default();
        let outcome = match status {
            "success" | "already_done" => {
                let paid = value["transaction_id"].is_string();
                let refund = paid.then(|| refund(context, order, &value)).flatten();
                if paid && refund.is_none() {
                    return Err(Box::new(unreadable(name, &value)));
                }
                let action = approved.action().clone();
                let agreed = action.amount.filter(|_| !action.owes_money());
                if status == "success" && refund.as_ref().map(super::super::domain::refund::Refund::refunded) != agreed
                {
                    tracing::error!(order = %order.id, "the other server paid another amount than was agreed");
                }
                let action = Action {
                    id: value["action_id"].as_str().map_or(action.id, str::to_owned),
                    transaction_id: refund.as_ref().map(|refund| refund.transaction_id.clone()),
                    ..action
                };
                Outcome::Acted { action, refund, already: status == "already_done" }
            }
            "refused" if value["code"] == "not_found" => Outcome::NotFound(order.id.clone()),
            "refused" => {
                if value["code"] == "wrong_amount" {
                    tracing::error!(order = %order.id, "the other server's policy pays back another amount than was agreed");
                }
                let reason = excerpt(value["reason"].as_str().unwrap_or_default(), 500);
                Outcome::Declined(order.id.clone(), wish.kind, Refusal::Elsewhere { reason }.into())
            }
            _ => return Err(Box::new(unreadable(name, &value))),
        };
        Ok(ToolResult { value, outcome })
    }
}

//! What is done to orders on a customer's word beside paying them back: proposals, consent, and what was agreed to. Every action
//! goes through [`ActionPolicy::approve`], and is done once.
//!
//! [`ActionPolicy::approve`]: crate::domain::action::ActionPolicy::approve

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Context, SupportService, handoff, twins};
use crate::domain::action::{Action, ActionRefusal, ActionRequest, ApprovedAction, Ground, Wish};
use crate::domain::caller::actor_of;
use crate::domain::consent::LiveOffers;
use crate::domain::currency::Amount;
use crate::domain::ids::{OrderId, QuoteId, UserId};
use crate::domain::money::Decimal;
use crate::domain::order::{Item, Order};
use crate::domain::ownership::{Access, Seen};
use crate::domain::proposal::{Agreed, Proposal, ProposalKind, agreed};
use crate::domain::refund::{Refund, Refusal};
use crate::store::{Closed, Store, StoreError};

/// What became of a wish.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, read at once")]
pub enum ActionOutcome {
    /// Unknown, or not the caller's.
    NotFound,
    /// Not done, and why.
    Refused(ActionRefusal),
    /// Nothing was done: the customer has to agree to this first.
    Proposed(Proposal),
    /// Done now, or (`already`) before.
    Done {
        /// What was done.
        action: Action,
        /// The refund that it brought.
        refund: Option<Refund>,
        /// Whether it had been done before.
        already: bool,
    },
}

/// What is decided of a wish before anything is done.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "one at a time, read at once")]
pub enum Decided {
    /// It ends here.
    Ends(ActionOutcome),
    /// It may be done.
    Approved(ApprovedAction),
}

/// Days of a month, for the limit of refunds.
const MONTH_HOURS: i64 = 24 * 30;

impl SupportService {
    /// Does something to an order, once, or proposes it: a customer has to agree to a proposal of an earlier turn. `named`: what the
    /// caller says goes back with it; another amount is refused.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn act(
        &self,
        context: &Context,
        id: &OrderId,
        wish: &Wish,
        named: Option<Decimal>,
    ) -> Result<ActionOutcome, StoreError> {
        let Some(Seen { order, .. }) = self.record_lookup(context, id, Access::Money).await? else {
            return Ok(ActionOutcome::NotFound);
        };
        match self.decide_action(context, &order, wish, named).await? {
            Decided::Ends(outcome) => Ok(outcome),
            Decided::Approved(approved) => {
                let recorded = self.store.record_action(approved).await?;
                Ok(ActionOutcome::Done { action: recorded.action, refund: recorded.refund, already: recorded.already })
            }
        }
    }

    /// What would come of a wish, as [`Self::act`] decides it: a proposal with what goes back, a refusal, or that it was done before.
    /// Nothing is done, and nothing saved.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn foresee(&self, context: &Context, id: &OrderId, wish: &Wish) -> Result<ActionOutcome, StoreError> {
        let Some(Seen { order, .. }) = self.record_lookup(context, id, Access::Money).await? else {
            return Ok(ActionOutcome::NotFound);
        };
        let before = self.store.actions_of(&order.id).await?;
        let refund = self.store.refund_of(&order.id).await?;
        if let Some(same) = self.rules.actions.done_before(wish, &before) {
            return Ok(ActionOutcome::Done { action: same.clone(), refund: None, already: true });
        }
        let ground = Ground { order: &order, before: &before, refund: refund.as_ref(), local: self.local(context.now) };
        let request = ActionRequest { wish, named: None, caller: &context.caller, now: context.now, id: "" };
        let proposal = self.rules.actions.propose(&self.rules.policy, QuoteId::new(""), ground, &request);
        Ok(match proposal {
            Err(refusal) => ActionOutcome::Refused(refusal),
            Ok(proposal) if self.exceeds_month(context, proposal.kind, proposal.money()).await? => {
                ActionOutcome::Refused(Refusal::MonthLimit.into())
            }
            Ok(proposal) => ActionOutcome::Proposed(proposal),
        })
    }

    /// Decides about a wish for an order of the caller's: by the shop's policy, by what was done before, and by whether the
    /// caller agreed. Where consent is all that is missing, a proposal is saved. `named`: as in [`Self::act`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn decide_action(
        &self,
        context: &Context,
        order: &Order,
        wish: &Wish,
        named: Option<Decimal>,
    ) -> Result<Decided, StoreError> {
        let ends = |outcome| Ok(Decided::Ends(outcome));
        let before = self.store.actions_of(&order.id).await?;
        let refund = self.store.refund_of(&order.id).await?;
        if let Some(same) = self.rules.actions.done_before(wish, &before) {
            let refund = refund.filter(|refund| same.transaction_id.as_ref() == Some(&refund.transaction_id));
            return ends(ActionOutcome::Done { action: same.clone(), refund, already: true });
        }
        if matches!(wish.kind, ProposalKind::Cancel | ProposalKind::Return)
            && twins::is_refunded_elsewhere(self.store.as_ref(), order, Some(self.rules.country)).await?
        {
            return ends(ActionOutcome::Refused(Refusal::RefundedTwin.into()));
        }
        let ground = Ground { order, before: &before, refund: refund.as_ref(), local: self.local(context.now) };
        let action_id = format!("ACT_{}", Uuid::now_v7().simple());
        let request = ActionRequest { wish, named, caller: &context.caller, now: context.now, id: &action_id };
        let policy = &self.rules.actions;
        let known = self.offered_proposal(context, &order.id, wish).await?;
        let patterns = self.patterns_for(&context.caller);
        let consent = agreed(known.as_ref(), wish.kind, &order.id, &context.caller, &patterns, context.now);
        if let Ok(consent) = consent {
            match self.approved(&consent, ground, &request, context).await? {
                Err(refusal) => return ends(ActionOutcome::Refused(refusal)),
                Ok(Some(approved)) => return Ok(Decided::Approved(approved)),
                Ok(None) => {}
            }
        }
        let proposal_id = QuoteId::new(format!("PROP_{}", Uuid::now_v7().simple()));
        match policy.propose(&self.rules.policy, proposal_id, ground, &request) {
            Err(refusal) => ends(ActionOutcome::Refused(refusal)),
            Ok(proposal) if self.exceeds_month(context, proposal.kind, proposal.money()).await? => {
                ends(ActionOutcome::Refused(Refusal::MonthLimit.into()))
            }
            Ok(proposal) => {
                self.store.save_quote(&proposal).await?;
                ends(ActionOutcome::Proposed(proposal))
            }
        }
    }

    async fn approved(
        &self,
        consent: &Agreed<'_>,
        ground: Ground<'_>,
        request: &ActionRequest<'_>,
        context: &Context,
    ) -> Result<Result<Option<ApprovedAction>, ActionRefusal>, StoreError> {
        let approved = self.rules.actions.approve(&self.rules.policy, consent, ground, request);
        let Ok(Some(approved)) = approved else { return Ok(approved) };
        if self.exceeds_month(context, approved.action().kind, approved.action().amount).await? {
            return Ok(Err(Refusal::MonthLimit.into()));
        }
        Ok(Ok(Some(approved)))
    }

    /// Whether the money of an action is more than a customer gets in a month without a person. An order that is called off costs
    /// the shop nothing; what goes back does.
    async fn exceeds_month(
        &self,
        context: &Context,
        kind: ProposalKind,
        amount: Option<Amount>,
    ) -> Result<bool, StoreError> {
        match amount.filter(|_| kind == ProposalKind::Return) {
            Some(amount) => self.is_over_limit(context, amount).await,
            None => Ok(false),
        }
    }

    /// The live proposal of this wish, else any that the customer can agree to for this order, from which nothing follows.
    async fn offered_proposal(
        &self,
        context: &Context,
        id: &OrderId,
        wish: &Wish,
    ) -> Result<Option<Proposal>, StoreError> {
        let mut live = self.live_proposals(context, id, wish.kind).await?;
        let same = live.iter().position(|proposal| proposal.details.is_same(&wish.details));
        Ok((!live.is_empty()).then(|| live.swap_remove(same.unwrap_or_default())))
    }

    /// The proposals of a kind for an order that the customer can agree to in this turn.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn live_proposals(
        &self,
        context: &Context,
        id: &OrderId,
        kind: ProposalKind,
    ) -> Result<Vec<Proposal>, StoreError> {
        let mut live = Vec::new();
        let offers = context.caller.customer().and_then(|customer| customer.offers.as_deref());
        for offered in offers.map(LiveOffers::quotes).unwrap_or_default() {
            let proposal = self.store.quote(offered).await?;
            live.extend(proposal.filter(|proposal| proposal.order_id == *id && proposal.kind == kind));
        }
        Ok(live)
    }

    /// Whether a customer got, or was promised, as much in a month as the shop pays without a person.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn is_over_limit(&self, context: &Context, amount: Amount) -> Result<bool, StoreError> {
        let policy = &self.rules.actions;
        let Some(customer) = context.caller.customer() else { return Ok(false) };
        if policy.monthly_refunds == 0 && policy.monthly_amount.is_none() {
            return Ok(false);
        }
        let since = context.now.saturating_sub(SignedDuration::from_hours(MONTH_HOURS)).unwrap_or(Timestamp::MIN);
        // What was paid to them under another identity names that one for ever.
        let mut identities: Vec<UserId> = vec![customer.user.clone()];
        let others = self.store.identities_of(&customer.user).await?;
        identities.extend(others.into_iter().map(|one| one.identity).filter(|one| *one != customer.user));
        let mut given = Vec::new();
        for identity in &identities {
            let refunds = self.store.refunds_of(&actor_of(identity), since).await?;
            given.extend(refunds.iter().map(Refund::refunded));
            // The money of returns that the shop waits for is in no refund yet.
            let actions = self.store.actions_for(identity).await?;
            given.extend(actions.iter().filter(|action| action.owes_money()).filter_map(|action| action.amount));
        }
        Ok(policy.is_over_limit(&self.rules.policy.money, &given, amount))
    }

    /// Why an order, or some items of it, are not paid back by themselves after what was done to it before.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn refuses_refund(&self, order: &Order, items: &[Item]) -> Result<Option<Refusal>, StoreError> {
        let before = self.store.actions_of(&order.id).await?;
        let ground = Ground { order, before: &before, refund: None, local: self.local(Timestamp::UNIX_EPOCH) };
        if let Some(refusal) = ground.refuses_refund(items) {
            return Ok(Some(refusal));
        }
        let elsewhere = twins::is_refunded_elsewhere(self.store.as_ref(), order, Some(self.rules.country)).await?;
        Ok(elsewhere.then_some(Refusal::RefundedTwin))
    }

    /// What was done to an order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn actions_of(&self, id: &OrderId) -> Result<Vec<Action>, StoreError> {
        self.store.actions_of(id).await
    }
}

/// Marks an action as carried out by a member of the team, with a record of it; money that waits for it goes back by the policy,
/// once. `None`: there is no such action.
///
/// # Errors
/// When the store fails.
pub async fn finish(
    store: &dyn Store,
    policy: Option<&crate::domain::refund::RefundPolicy>,
    actor: &Actor,
    id: &str,
) -> Result<Option<Closed>, StoreError> {
    let Some(action) = store.action(id).await? else { return Ok(None) };
    let order = store.order(&action.order_id).await?;
    let refund = match (policy, &order, action.owes_money()) {
        (Some(policy), Some(order), true) if !twins::is_refunded_elsewhere(store, order, None).await? => {
            policy.approve_return(order, &action, &actor.actor(), actor.now)
        }
        _ => None,
    };
    let arguments = json!({"action_id": id, "order_id": action.order_id, "pays": refund.is_some()});
    actor.record_start(store, FINISH, &arguments).await?;
    let closed = store.close_action(id, &actor.name, actor.now, refund).await?;
    let mut result = match &closed {
        Some(closed) => {
            json!({"status": if closed.already { "already_done" } else { "success" }, "order_id": action.order_id})
        }
        None => json!({"status": "not_found"}),
    };
    // Its refund alone: where the order has another one, this money is not paid.
    if let Some(refund) = closed.as_ref().and_then(|closed| closed.refund.as_ref()) {
        result["transaction_id"] = refund.transaction_id.as_str().into();
        result["amount_refunded"] = refund.refunded().to_json();
        result["currency"] = refund.currency.code().into();
        result[crate::domain::audit::LEDGER] = refund.unchanging();
    }
    let unpaid = closed.as_ref().filter(|closed| closed.action.leaves_money());
    if let Some(amount) = unpaid.and_then(|closed| closed.action.amount) {
        result["not_paid"] = amount.to_json();
        result["currency"] = amount.currency.code().into();
    }
    // Before the record, and also where it was closed before: a call that was cut off in between has told nobody.
    if let Some(closed) = unpaid {
        handoff::report_unpaid_action(store, &closed.action, actor.now).await?;
    }
    actor.record_end(store, FINISH, arguments, result).await?;
    Ok(closed)
}

/// The action in the audit trail by which the team says that an order's action was carried out.
const FINISH: &str = "finish_action";

#[cfg(test)]
#[path = "actions_tests.rs"]
mod tests;

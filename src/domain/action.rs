//! Actions: what is done to an order beside paying it back, and which of it the shop's policy allows. [`ActionPolicy::approve`]
//! is the only way to an [`ApprovedAction`].

mod policy;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::currency::{Amount, Currency};
use super::ids::{OrderId, UserId};
use super::money::Money;
use super::order::{Order, OrderState};
use super::proposal::{ChangeField, Details, ProposalKind, Resolution};
use super::refund::{ApprovedRefund, Refund};
pub use policy::{ActionPolicy, ActionRefusal, ActionRequest, Ground, RefundOnReturn, Wish};

/// That somebody of the team did what an action asks of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Something that was done to an order, and that the shop has to carry out in its own systems.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// Its identifier.
    pub id: String,
    /// What was done: anything but a refund.
    pub kind: ProposalKind,
    /// The order.
    pub order_id: OrderId,
    /// The customer it was done for; none where the team did it, or the customer was forgotten.
    pub user_id: Option<UserId>,
    /// On whose behalf.
    pub actor: String,
    /// Why, in the words of who asked for it.
    pub reason: String,
    /// What it is about.
    pub details: Details,
    /// What the customer gets back with it, or will get once the shop has what goes back.
    pub amount: Option<Amount>,
    /// The refund that it brought, where it brought one.
    pub transaction_id: Option<String>,
    /// When.
    pub at: Timestamp,
    /// Whether the shop carried it out.
    pub done: Option<Done>,
}

impl Action {
    /// `open` or `done`.
    pub fn state(&self) -> &'static str {
        if self.done.is_some() { "done" } else { "open" }
    }

    /// What was done, for the team.
    pub fn summary(&self) -> String {
        let details = &self.details;
        let items = || {
            let named: Vec<String> =
                details.items.iter().map(|item| format!("{} × {}", item.quantity, item.name)).collect();
            if named.is_empty() { "the whole order".to_owned() } else { named.join(", ") }
        };
        match self.kind {
            ProposalKind::Refund => "refund".to_owned(),
            ProposalKind::Cancel => "cancel it, and stop its delivery".to_owned(),
            ProposalKind::Change => details.change.as_ref().map_or_else(String::new, |change| {
                format!("change the {}: {}", change.field.as_str().replace('_', " "), change.value)
            }),
            ProposalKind::Return => {
                let what = details.resolution.map_or("refund", Resolution::as_str);
                let wish = details.wish.as_deref().map_or_else(String::new, |wish| format!(": {wish}"));
                format!("take back {} for a {what}{wish}", items())
            }
        }
    }

    /// What an order is after it. A telephone number, a time and a note are the carrier's business: they stand in the action
    /// alone, since the number of an order says whose it is.
    pub fn apply(&self, order: &Order) -> Option<Order> {
        let mut changed = order.clone();
        match (self.kind, &self.details.change) {
            (ProposalKind::Cancel, _) => {
                changed.details.state = Some(OrderState::Cancelled);
                if changed.status.is_some() {
                    changed.status = Some("Cancelled".to_owned());
                }
            }
            (ProposalKind::Change, Some(change)) if change.field == ChangeField::Address => {
                changed.details.address = Some(change.value.clone());
                changed.details.postal_code = None;
            }
            _ => return None,
        }
        // What the shop sent before does not undo it.
        changed.details.updated_at = order.details.updated_at.max(Some(self.at));
        Some(changed)
    }

    /// Whether it waits for the money that the shop pays once it has what goes back.
    pub fn owes_money(&self) -> bool {
        self.done.is_none()
            && self.kind == ProposalKind::Return
            && self.details.resolution == Some(Resolution::Refund)
            && self.transaction_id.is_none()
            && self.amount.is_some()
    }

    /// Whether somebody has to pay for it by hand: it is carried out, and its money went nowhere.
    pub fn leaves_money(&self) -> bool {
        let pays = self.kind == ProposalKind::Cancel || Self { done: None, ..self.clone() }.owes_money();
        pays && self.done.is_some() && self.transaction_id.is_none() && self.amount.is_some()
    }

    /// The refund of its order, where that is the money of this action: the one that was planned for it, or one of the whole
    /// order. An order has one refund, and `held`, which is in the ledger, may be an earlier one: also for as much of the same
    /// articles it is other money. Refunds of two parts that were planned within one second have the same transaction id.
    pub fn paid_by(&self, planned: &str, held: Refund) -> Option<Refund> {
        let items = if self.kind == ProposalKind::Return { self.details.items.as_slice() } else { &[] };
        let holds_it = held.items.is_empty() || (held.transaction_id == planned && held.items == items);
        (held.order_id == self.order_id && holds_it).then_some(held)
    }

    /// What is left of it when its customer is forgotten: what the shop still has to do, and nobody's words.
    #[must_use]
    pub fn without_customer(&self) -> Self {
        let actor = if self.user_id.is_some() { super::audit::ERASED_CUSTOMER } else { &self.actor };
        Self {
            user_id: None,
            actor: actor.to_owned(),
            reason: String::new(),
            details: self.details.without_words(),
            ..self.clone()
        }
    }
}

/// An action that may be done. Only [`ActionPolicy::approve`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedAction {
    action: Action,
    key: String,
    refund: Option<ApprovedRefund>,
}

impl ApprovedAction {
    /// The action, the key that it is stored under once, and the refund that belongs to it.
    pub fn into_parts(self) -> (Action, String, Option<Refund>) {
        let refund = self.refund.map(ApprovedRefund::into_refund);
        let transaction_id = refund.as_ref().map(|refund| refund.transaction_id.clone());
        (Action { transaction_id, ..self.action }, self.key, refund)
    }

    /// The action.
    pub fn action(&self) -> &Action {
        &self.action
    }

    /// What goes back with it, in the currency of its order: zero where nothing does.
    pub fn amount(&self, currency: Currency) -> Amount {
        self.action.amount.unwrap_or(Amount::new(Money::ZERO, currency))
    }
}

/// The key of an action: the same for the same wish, so that it is carried out once. `before`: how many changes of the order
/// there were, since a change may be taken back and made again.
fn key(kind: ProposalKind, order: &OrderId, details: &Details, before: usize) -> String {
    let what = match kind {
        ProposalKind::Cancel => String::new(),
        _ => serde_json::to_string(details).unwrap_or_default(),
    };
    let before = if kind == ProposalKind::Change { before } else { 0 };
    let digest = Sha256::digest(format!("{before}/{what}").as_bytes());
    format!("{kind}/{order}/{}", hex::encode(&digest[..12]))
}

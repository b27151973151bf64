//! What tool results of a conversation have shown: the only amounts and claims that a reply may contain.

use serde::{Deserialize, Serialize};

use crate::domain::currency::Amount;
use crate::domain::ids::OrderId;
use crate::domain::refund::{Refund, RefundState};

/// What tool results of the conversation have shown.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Known {
    /// Amounts of money, the most recent last.
    #[serde(default)]
    pub amounts: Vec<Amount>,
    /// Refunds that were paid, the most recent last.
    #[serde(default)]
    pub refunds: Vec<PaidRefund>,
    /// Orders that were shown to the customer, the most recent last.
    #[serde(default)]
    pub orders: Vec<OrderId>,
    /// Which order an amount is of, the most recent last.
    #[serde(default)]
    pub order_amounts: Vec<OrderAmount>,
}

/// An amount of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderAmount {
    /// The order.
    pub order_id: OrderId,
    /// The amount.
    pub amount: Amount,
}

/// A refund that a tool requested or paid, or told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidRefund {
    /// Its order.
    pub order_id: OrderId,
    /// What the customer gets.
    pub amount: Amount,
    /// Its transaction.
    pub transaction_id: String,
    /// How far it was when a tool told of it.
    #[serde(default, skip_serializing_if = "is_paid")]
    pub state: RefundState,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_paid(state: &RefundState) -> bool {
    *state == RefundState::Paid
}

impl PaidRefund {
    /// What a tool told of a refund.
    pub fn of(refund: &Refund) -> Self {
        Self {
            order_id: refund.order_id.clone(),
            amount: refund.refunded(),
            transaction_id: refund.transaction_id.clone(),
            state: refund.state(),
        }
    }
}

impl Known {
    /// Adds amounts, at most 64 are kept.
    pub fn add_amounts(&mut self, amounts: impl IntoIterator<Item = Amount>) {
        for amount in amounts {
            if !self.amounts.contains(&amount) {
                self.amounts.push(amount);
            }
        }
        let surplus = self.amounts.len().saturating_sub(64);
        self.amounts.drain(..surplus);
    }

    /// Adds an amount of an order, at most 64 are kept.
    pub fn add_order_amount(&mut self, order_id: OrderId, amount: Amount) {
        self.add_amounts([amount]);
        let of = OrderAmount { order_id, amount };
        self.order_amounts.retain(|known| *known != of);
        self.order_amounts.push(of);
        let surplus = self.order_amounts.len().saturating_sub(64);
        self.order_amounts.drain(..surplus);
    }

    /// The orders that an amount is of.
    pub fn orders_of(&self, amount: Amount) -> impl Iterator<Item = &OrderId> {
        self.order_amounts.iter().filter(move |known| known.amount == amount).map(|known| &known.order_id)
    }

    /// Adds a refund, or how far a known one is now; at most 16 are kept.
    pub fn add_refund(&mut self, refund: PaidRefund) {
        match self.refunds.iter_mut().find(|known| known.transaction_id == refund.transaction_id) {
            Some(known) => *known = refund,
            None => self.refunds.push(refund),
        }
        let surplus = self.refunds.len().saturating_sub(16);
        self.refunds.drain(..surplus);
    }

    /// Adds an order that was shown, at most 16 are kept.
    pub fn add_order(&mut self, order: &OrderId) {
        self.orders.retain(|known| known != order);
        self.orders.push(order.clone());
        let surplus = self.orders.len().saturating_sub(16);
        self.orders.drain(..surplus);
    }

    /// The transactions of the refunds that were paid.
    pub fn transactions(&self) -> impl Iterator<Item = &str> {
        self.refunds.iter().map(|refund| refund.transaction_id.as_str())
    }
}

//! Actions on orders: the trait that every backend implements.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::domain::action::{Action, ApprovedAction};
use crate::domain::ids::{OrderId, UserId};
use crate::domain::refund::{ApprovedRefund, Refund};

/// An action that is on record, and whether it was before.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedAction {
    /// The action.
    pub action: Action,
    /// The refund that belongs to it.
    pub refund: Option<Refund>,
    /// Whether it had been done before this call.
    pub already: bool,
}

/// An action that the team carried out, and whether it was so before.
#[derive(Debug, Clone, PartialEq)]
pub struct Closed {
    /// The action.
    pub action: Action,
    /// The refund that was recorded with it, or before, for the same.
    pub refund: Option<Refund>,
    /// Whether it had been carried out before this call.
    pub already: bool,
}

/// Actions on orders, and the team's list of them. None is ever removed.
#[async_trait]
pub trait Actions: Send + Sync {
    /// Does an action unless one of the same key was done: what the order is after it, the refund that belongs to it, its event and
    /// the action itself, all of it or nothing, and durable before this returns. On a server the action is stored first, and whoever
    /// finds it completes the rest. A refund that the order has already stays the only one: where it is not for what this action
    /// pays, the action has none.
    async fn record_action(&self, approved: ApprovedAction) -> Result<RecordedAction>;
    /// The actions of an order, the first first.
    async fn actions_of(&self, order: &OrderId) -> Result<Vec<Action>>;
    /// The actions that were done for a customer, the first first.
    async fn actions_for(&self, user: &UserId) -> Result<Vec<Action>>;
    /// The action with this identifier.
    async fn action(&self, id: &str) -> Result<Option<Action>>;
    /// Actions, the latest first, at most `limit`; only those that the shop has to carry out, or all.
    async fn actions(&self, open: bool, limit: u32) -> Result<Vec<Action>>;
    /// Notes that the team carried an action out, and records the refund that waited for it; once. Where the order has a refund that is
    /// not for what this action pays, the action has none. `None`: there is no such action.
    async fn close_action(
        &self,
        id: &str,
        by: &str,
        at: Timestamp,
        refund: Option<ApprovedRefund>,
    ) -> Result<Option<Closed>>;
}

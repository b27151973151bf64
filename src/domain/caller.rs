//! Decides who is asking for something to be done.
//!
//! It must never be built from what a model says: the channel and the inbox fill it in.

use serde::{Deserialize, Serialize};

use super::ids::{OrderId, QuoteId, UserId};

/// On whose behalf a tool runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// A customer in a conversation.
    Customer(Customer),
    /// A member of the team (an MCP client, a command line): no conversation, no consent, all orders.
    Operator {
        /// Who, for the audit trail.
        name: String,
    },
}

/// A customer and what this turn of the conversation allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    /// The identity that the transport vouches for.
    pub user: UserId,
    /// The turn that is being worked on, from 1.
    pub turn: u64,
    /// What the customer wrote in this turn, word for word.
    pub text: String,
    /// The quotes that the reply before this turn put to the customer, with their orders.
    pub offered: Vec<QuoteId>,
    /// The quote that a reply button of this turn carries.
    pub pressed: Option<QuoteId>,
    /// The orders that the customer named so far in this conversation: no other order is looked up for them.
    pub named_orders: Vec<OrderId>,
    /// The customer identifiers that the customer wrote so far in this conversation.
    pub customer_ids: Vec<String>,
}

impl Caller {
    /// The customer, where it is one.
    pub fn customer(&self) -> Option<&Customer> {
        match self {
            Self::Customer(customer) => Some(customer),
            Self::Operator { .. } => None,
        }
    }

    /// The name for the audit trail.
    pub fn actor(&self) -> String {
        match self {
            Self::Customer(customer) => format!("customer:{}", customer.user),
            Self::Operator { name } => format!("operator:{name}"),
        }
    }
}

/// Who may see an order that has no telephone number. One that has a number answers to that number only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// The first identity that asks binds the order.
    Claim,
    /// The customer must have written the order's customer id.
    Strict,
    /// Anybody who knows the order id.
    Off,
}

//! On whose behalf something is done. Only the channel and the inbox fill this in, never what a model says.

use serde::{Deserialize, Serialize};

use super::consent::{LiveOffers, Said};
use super::ids::{OrderId, OrderNames, UserId};
use super::sentences::Language;

/// On whose behalf a tool runs.
#[expect(clippy::large_enum_variant, reason = "one is made for a turn, and nearly all are customers")]
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
    /// The identity, as the transport authenticated it.
    pub user: UserId,
    /// The current turn, from 1.
    pub turn: u64,
    /// What the customer wrote in this turn, word for word, without what it quotes of others.
    pub text: String,
    /// The language in which they are answered.
    pub language: Language,
    /// The offers that can be agreed to in this turn.
    pub offers: Option<Box<LiveOffers>>,
    /// What is known of the turn's messages beside their words.
    pub said: Vec<Said>,
    /// The orders that the customer named so far in this conversation: no other order is looked up for them.
    pub named_orders: Vec<OrderId>,
    /// By which names the customer calls orders.
    pub names: OrderNames,
    /// The customer identifiers that the customer wrote so far in this conversation.
    pub customer_ids: Vec<String>,
    /// Whether the reply before this turn asked for something that only the buyer of an order knows.
    pub proof_asked: bool,
    /// What the customer has to show by the shop's policy, and has shown.
    pub showing: Showing,
    /// What the customer sent in this turn, words or not, as the team reads it.
    pub sent: String,
}

/// What a customer has to show by the shop's policy, and has shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Showing {
    /// The orders with a fault that has to be shown; none for one of which the order is not known yet: it may be any.
    pub faults: Vec<Option<OrderId>>,
    /// The orders of the photos that may show one; none for a photo that is with no order yet.
    pub photos: Vec<Option<OrderId>>,
}

impl Showing {
    /// Whether something is wrong with this order that has to be shown, and no photo of it is there.
    pub fn lacks_photo_of(&self, order: &OrderId) -> bool {
        let is_of = |of: &Option<OrderId>| of.as_ref().is_none_or(|of| of == order);
        self.faults.iter().any(is_of) && !self.photos.iter().any(is_of)
    }
}

impl Caller {
    /// The customer; `None` for an operator.
    pub fn customer(&self) -> Option<&Customer> {
        match self {
            Self::Customer(customer) => Some(customer),
            Self::Operator { .. } => None,
        }
    }

    /// The language of what is said to them: a customer's own, and English for the team and programs.
    pub fn language(&self) -> Language {
        self.customer().map_or_else(Language::default, |customer| customer.language)
    }

    /// The name for the audit trail.
    pub fn actor(&self) -> String {
        match self {
            Self::Customer(customer) => actor_of(&customer.user),
            Self::Operator { name } => format!("operator:{name}"),
        }
    }
}

/// The name of a customer for the audit trail.
pub fn actor_of(user: &UserId) -> String {
    format!("{CUSTOMER}{user}")
}

/// The customer whom such a name is of; none where it is an operator's.
pub fn customer_in(actor: &str) -> Option<UserId> {
    actor.strip_prefix(CUSTOMER).filter(|user| !user.is_empty()).map(UserId::new)
}

/// What the name of a customer begins with in the audit trail.
const CUSTOMER: &str = "customer:";

/// Who may see an order without a telephone number. An order with one is shown to that number only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verification {
    /// The first identity that asks; the order is bound to it.
    Claim,
    /// A customer who wrote the order's customer id.
    Strict,
    /// Anybody who knows the order id.
    Off,
}

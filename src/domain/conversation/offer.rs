//! What was put to the customer, and where.

use serde::{Deserialize, Serialize};

use crate::domain::currency::Amount;
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::proposal::{Details, Meaning, Proposal, ProposalKind, Resolution};

/// A proposal that was put to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The quote.
    pub quote_id: QuoteId,
    /// Its order.
    pub order_id: OrderId,
    /// What the customer would get; unknown of offers that an earlier version made.
    #[serde(default)]
    pub amount: Option<Amount>,
    /// The message to the customer that shows it; none where no single message does.
    #[serde(default)]
    pub shown_in: Option<MessagePlace>,
    /// What is offered.
    #[serde(default, skip_serializing_if = "is_refund")]
    pub kind: ProposalKind,
    /// What the customer would get for what goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// The sentence that the customer is shown; none of the refund of a whole order, which its amount tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub says: Option<String>,
    /// What it is about, beside order and amount: by it the call can be made again that proposed it.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_refund(kind: &ProposalKind) -> bool {
    *kind == ProposalKind::Refund
}

impl Offer {
    /// The offer of a refund that no message shows yet.
    pub fn new(quote_id: QuoteId, order_id: OrderId, amount: Amount) -> Self {
        let (kind, amount) = (ProposalKind::Refund, Some(amount));
        let details = Details::default();
        Self { quote_id, order_id, amount, shown_in: None, kind, resolution: None, says: None, details }
    }

    /// A proposal that no message shows yet; `says`: the sentence that will show it.
    pub fn of(proposal: &Proposal, says: String) -> Self {
        let plain = proposal.kind == ProposalKind::Refund && proposal.details.is_empty();
        Self {
            quote_id: proposal.id.clone(),
            order_id: proposal.order_id.clone(),
            amount: proposal.money(),
            shown_in: None,
            kind: proposal.kind,
            resolution: proposal.details.resolution,
            says: (!plain).then_some(says),
            details: proposal.details.clone(),
        }
    }

    /// What an answer to it is about.
    pub fn meaning(&self) -> Meaning {
        let money = self.kind == ProposalKind::Refund || self.amount.is_some();
        Meaning { kind: self.kind, resolution: self.resolution, money }
    }
}

/// Which of the messages to a customer: with the customer it is its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MessagePlace {
    /// The turn that it answers.
    pub turn: u64,
    /// Its place among the messages of that turn, from 0.
    pub sequence: u32,
}

//! Proposals: what the program would do to an order, which the customer has to agree to first. [`agreed`] is the only way to
//! an [`Agreed`], without which nothing is approved.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::consent::{Consent, NoConsent};
use super::currency::{Amount, Currency};
use super::ids::{IdPatterns, OrderId, QuoteId, UserId};
use super::money::Money;
use super::order::Item;
use super::refund::Denial;

/// What is proposed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProposalKind {
    /// Money goes back.
    #[default]
    Refund,
    /// An order is called off.
    Cancel,
    /// Something of an order is changed.
    Change,
    /// Something goes back to the shop.
    Return,
}

impl ProposalKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Refund, Self::Cancel, Self::Change, Self::Return];

    /// The word in stores and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Cancel => "cancel",
            Self::Change => "change",
            Self::Return => "return",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it is a refund.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
    pub(super) fn is_refund(&self) -> bool {
        *self == Self::Refund
    }
}

impl fmt::Display for ProposalKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the customer gets for what goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resolution {
    /// The money.
    Refund,
    /// The same article once more.
    Replacement,
    /// Another article.
    Exchange,
}

impl Resolution {
    /// The word in stores and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refund => "refund",
            Self::Replacement => "replacement",
            Self::Exchange => "exchange",
        }
    }
}

/// What of an order can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeField {
    /// Where it goes.
    Address,
    /// When it comes.
    DeliverySlot,
    /// Whom the carrier calls.
    Phone,
    /// What the carrier is to know.
    Instructions,
}

impl ChangeField {
    /// The word in stores and JSON: the name of the tool's argument.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::DeliverySlot => "delivery_slot",
            Self::Phone => "phone",
            Self::Instructions => "instructions",
        }
    }
}

/// A change of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderChange {
    /// What is changed.
    pub field: ChangeField,
    /// What it is afterwards.
    pub value: String,
}

/// What a proposal is about, beside its order and amount.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Details {
    /// The items; none where it is about the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
    /// What is changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<OrderChange>,
    /// What the customer gets for what goes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<Resolution>,
    /// What the customer wants instead, in an exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<String>,
}

impl Details {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether both say the same; spaces and letters' case in what people wrote do not matter.
    pub fn is_same(&self, other: &Self) -> bool {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let change = |details: &Self| details.change.as_ref().map(|change| (change.field, plain(&change.value)));
        let wish = |details: &Self| details.wish.as_deref().map(plain);
        self.items == other.items
            && self.resolution == other.resolution
            && change(self) == change(other)
            && wish(self) == wish(other)
    }

    /// Without what a person wrote.
    #[must_use]
    pub fn without_words(&self) -> Self {
        Self { change: None, wish: None, ..self.clone() }
    }
}

/// What an answer to a proposal is about: the words that name it are part of a yes to it, and of no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Meaning {
    /// What is proposed.
    pub kind: ProposalKind,
    /// What the customer gets for what goes back.
    pub resolution: Option<Resolution>,
    /// Whether money goes back with it.
    pub money: bool,
}

impl Meaning {
    /// Of the refund of an order.
    pub const REFUND: Self = Self { kind: ProposalKind::Refund, resolution: None, money: true };
}

/// Something that the program would do to an order, which waits for a yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its identifier.
    pub id: QuoteId,
    /// What is proposed.
    #[serde(default, skip_serializing_if = "ProposalKind::is_refund")]
    pub kind: ProposalKind,
    /// What it is about, beside order and amount.
    #[serde(default, skip_serializing_if = "Details::is_empty")]
    pub details: Details,
    /// The order.
    pub order_id: OrderId,
    /// The customer it was made to; none for an operator.
    pub user_id: Option<UserId>,
    /// What was paid for what it is about; zero where no money goes back.
    pub order_value: Money,
    /// What the customer would get; zero where no money goes back.
    pub amount: Money,
    /// The fee that would be deducted.
    pub fee: Money,
    /// The currency of these amounts, the order's.
    #[serde(default)]
    pub currency: Currency,
    /// The turn of the conversation it was made in; none for an operator.
    pub turn: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

impl Proposal {
    /// What the customer would get.
    pub fn refunded(&self) -> Amount {
        Amount::new(self.amount, self.currency)
    }

    /// As well, where that is any money at all.
    pub fn money(&self) -> Option<Amount> {
        (self.kind == ProposalKind::Refund || self.amount > Money::ZERO).then(|| self.refunded())
    }

    /// What an answer to it is about.
    pub fn meaning(&self) -> Meaning {
        Meaning { kind: self.kind, resolution: self.details.resolution, money: self.money().is_some() }
    }
}

/// That somebody who may say so agreed: a customer to a live proposal, or an operator, who needs none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreed<'a> {
    proposal: Option<&'a Proposal>,
}

impl<'a> Agreed<'a> {
    /// The proposal that was agreed to; an operator may have none.
    pub fn proposal(&self) -> Option<&'a Proposal> {
        self.proposal
    }
}

/// Whether the caller agreed to what is done to an order. A customer needs a proposal of this kind that was made to them in an
/// earlier turn and has not expired, and [`Consent`] to it: it is live, and the messages of this turn plainly agree to it. An
/// operator needs none.
///
/// # Errors
/// What is missing for a customer's consent.
pub fn agreed<'a>(
    proposal: Option<&'a Proposal>,
    kind: ProposalKind,
    order: &OrderId,
    caller: &Caller,
    patterns: &IdPatterns,
    now: Timestamp,
) -> Result<Agreed<'a>, Denial> {
    let proposal = proposal.filter(|proposal| proposal.order_id == *order && proposal.kind == kind);
    let Caller::Customer(customer) = caller else { return Ok(Agreed { proposal }) };
    let proposal = proposal.filter(|one| one.user_id.as_ref() == Some(&customer.user)).ok_or(Denial::NoQuote)?;
    if now >= proposal.expires_at {
        return Err(Denial::QuoteExpired);
    }
    if proposal.turn.is_none_or(|turn| turn >= customer.turn) {
        return Err(Denial::SameTurn);
    }
    match Consent::given(customer.offers.as_deref(), &customer.said, &customer.text) {
        Ok(consent) if consent.covers(proposal, patterns) => Ok(Agreed { proposal: Some(proposal) }),
        Err(NoConsent::NothingLive) => Err(Denial::NothingOffered),
        Ok(_) | Err(NoConsent::Earlier | NoConsent::Elsewhere) => Err(Denial::NoConsent),
    }
}

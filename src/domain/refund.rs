//! Decides who gets how much money back: the refund policy, quotes, and the one way to an approved refund.
//!
//! It must never approve more than the policy allows, and nothing else can make an [`ApprovedRefund`].

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::consent;
use super::ids::{IdPatterns, OrderId, QuoteId, UserId};
use super::money::{Money, Percent};
use super::order::Order;

/// The shop's rules for refunds, from the `refund` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPolicy {
    /// Categories that are never refunded automatically, compared without case.
    pub refused_categories: Vec<String>,
    /// The share of the order value that is kept for shipping.
    pub shipping_fee: Percent,
    /// Refunds above this go to a person.
    pub max_automatic: Option<Money>,
    /// Days after the order within which a refund may be asked for; only for orders whose date is known.
    pub window_days: Option<u32>,
    /// How long a quote can be accepted.
    pub quote_valid: SignedDuration,
    /// What the customer is told about when the money arrives.
    pub estimated_arrival: String,
}

/// What the policy says about one order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The order is refunded.
    Eligible {
        /// What the customer gets.
        amount: Money,
        /// What the shop keeps.
        fee: Money,
    },
    /// The order is not refunded, and why.
    Refused(Refusal),
}

/// Why an order is not refunded automatically.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The category is excluded.
    Category(String),
    /// The window has passed.
    TooLate {
        /// Its length in days.
        days: u32,
    },
    /// There is nothing to give back.
    NothingPaid,
    /// The amount is for a person to decide.
    AboveLimit {
        /// The largest automatic refund.
        limit: Money,
    },
    /// Another server decided, in its own words.
    Elsewhere {
        /// Its reason.
        reason: String,
    },
}

impl Refusal {
    /// Whether a person may still decide otherwise.
    pub fn needs_person(&self) -> bool {
        matches!(self, Self::AboveLimit { .. })
    }

    /// The reason as a sentence for the customer.
    pub fn reason(&self) -> String {
        match self {
            Self::Category(category) => format!("{category} orders cannot be refunded under the shop's policy."),
            Self::TooLate { days } => format!("Refunds can be asked for within {days} days of the order."),
            Self::NothingPaid => "Nothing was paid for this order.".to_owned(),
            Self::AboveLimit { limit } => {
                format!("Refunds above {limit} are decided by a member of the team.")
            }
            Self::Elsewhere { reason } => reason.clone(),
        }
    }
}

impl RefundPolicy {
    /// The policy in sentences, for whoever explains it.
    pub fn sentences(&self) -> Vec<String> {
        let mut said = vec![if self.shipping_fee.is_zero() {
            "A refund is the full order value, once for each order.".to_owned()
        } else {
            format!("A refund is the order value less {} for shipping, once for each order.", self.shipping_fee)
        }];
        if !self.refused_categories.is_empty() {
            said.push(format!("Not refunded: {}.", self.refused_categories.join(", ")));
        }
        if let Some(limit) = self.max_automatic {
            said.push(Refusal::AboveLimit { limit }.reason());
        }
        if let Some(days) = self.window_days {
            said.push(Refusal::TooLate { days }.reason());
        }
        said.push(format!("After a refund was paid, the money arrives within {}.", self.estimated_arrival));
        said
    }

    /// What the policy says about an order at a time. `now` is the shop's local time, as the order's is.
    pub fn decide(&self, order: &Order, now: DateTime) -> Verdict {
        if self.refused_categories.iter().any(|refused| refused.trim().eq_ignore_ascii_case(order.category.trim())) {
            return Verdict::Refused(Refusal::Category(order.category.clone()));
        }
        if let (Some(days), Some(placed)) = (self.window_days, order.placed_at) {
            let limit = placed.saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
            if now > limit {
                return Verdict::Refused(Refusal::TooLate { days });
            }
        }
        let fee = order.value.share(self.shipping_fee);
        let amount = order.value.minus(fee);
        if amount <= Money::ZERO {
            return Verdict::Refused(Refusal::NothingPaid);
        }
        match self.max_automatic {
            Some(limit) if amount > limit => Verdict::Refused(Refusal::AboveLimit { limit }),
            _ => Verdict::Eligible { amount, fee },
        }
    }

    /// A quote for an order that the policy refunds.
    ///
    /// # Errors
    /// The refusal, where the policy does not refund it.
    pub fn quote(
        &self,
        id: QuoteId,
        order: &Order,
        caller: &Caller,
        now: Timestamp,
        local: DateTime,
    ) -> Result<Quote, Refusal> {
        match self.decide(order, local) {
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Eligible { amount, fee } => Ok(Quote {
                id,
                order_id: order.id.clone(),
                user_id: caller.customer().map(|customer| customer.user.clone()),
                order_value: order.value,
                amount,
                fee,
                turn: caller.customer().map(|customer| customer.turn),
                created_at: now,
                expires_at: now.saturating_add(self.quote_valid).unwrap_or(Timestamp::MAX),
            }),
        }
    }

    /// Approves the refund of an order, or says why not. This is the only way to an [`ApprovedRefund`].
    ///
    /// For a customer it takes a live quote of an earlier turn that the last reply put to this customer, and a message
    /// of this turn that plainly agrees. An operator needs no quote; the policy holds all the same.
    ///
    /// # Errors
    /// The denial: what is missing or wrong.
    pub fn approve(&self, request: &RefundRequest<'_>) -> Result<ApprovedRefund, Denial> {
        let order = request.order;
        let (amount, fee) = match self.decide(order, request.local) {
            Verdict::Eligible { amount, fee } => (amount, fee),
            Verdict::Refused(refusal) => return Err(Denial::Policy(refusal)),
        };
        let quote = request.consented()?;
        if request.caller.customer().is_some() && quote.is_some_and(|quote| quote.amount != amount) {
            return Err(Denial::QuoteOutdated);
        }
        if let Some(asked) = request.amount
            && asked != amount
        {
            return Err(Denial::WrongAmount { right: amount });
        }
        Ok(ApprovedRefund {
            order_id: order.id.clone(),
            amount,
            fee,
            quote_id: quote.map(|quote| quote.id.clone()),
            reason: request.reason.to_owned(),
            actor: request.caller.actor(),
            at: request.now,
        })
    }
}

/// Everything an approval depends on.
#[derive(Debug, Clone, Copy)]
pub struct RefundRequest<'a> {
    /// The order as it is stored now.
    pub order: &'a Order,
    /// The latest quote for it, of this customer.
    pub quote: Option<&'a Quote>,
    /// Who asks.
    pub caller: &'a Caller,
    /// The amount that was named, if any: only compared, never used.
    pub amount: Option<Money>,
    /// Why, in the caller's words.
    pub reason: &'a str,
    /// How identifiers look.
    pub patterns: &'a IdPatterns,
    /// The time.
    pub now: Timestamp,
    /// The same time on the shop's clock.
    pub local: DateTime,
}

impl<'a> RefundRequest<'a> {
    /// The quote of this order that the refund follows. A customer needs one, and has agreed to it; an operator does not.
    ///
    /// # Errors
    /// What is missing of a customer's consent.
    pub fn consented(&self) -> Result<Option<&'a Quote>, Denial> {
        let order = self.order;
        let quote = self.quote.filter(|quote| quote.order_id == order.id);
        let Caller::Customer(customer) = self.caller else { return Ok(quote) };
        let quote = quote.filter(|quote| quote.user_id.as_ref() == Some(&customer.user)).ok_or(Denial::NoQuote)?;
        if self.now >= quote.expires_at {
            return Err(Denial::QuoteExpired);
        }
        if quote.turn.is_none_or(|turn| turn >= customer.turn) {
            return Err(Denial::SameTurn);
        }
        // A button says which quote is meant; the words beside it still have to agree.
        let pressed_another = customer.pressed.as_ref().is_some_and(|pressed| *pressed != quote.id);
        let agreed = !pressed_another
            && customer.offered.contains(&quote.id)
            && consent::agrees_to(&customer.text, &order.id, quote.amount, self.patterns);
        if agreed { Ok(Some(quote)) } else { Err(Denial::NoConsent) }
    }
}

/// An offer to refund an order, put to a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// Its identifier.
    pub id: QuoteId,
    /// The order.
    pub order_id: OrderId,
    /// The customer it was made to; none for an operator.
    pub user_id: Option<UserId>,
    /// What was paid.
    pub order_value: Money,
    /// What the customer would get.
    pub amount: Money,
    /// What the shop would keep.
    pub fee: Money,
    /// The turn of the conversation it was made in; none for an operator.
    pub turn: Option<u64>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it can be accepted.
    pub expires_at: Timestamp,
}

/// Why a refund was not paid. A denial is data, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denial {
    /// The policy refuses.
    Policy(Refusal),
    /// No quote was made to this customer for this order.
    NoQuote,
    /// The quote is too old.
    QuoteExpired,
    /// The order changed since the quote.
    QuoteOutdated,
    /// The quote was made in this very turn: the customer has not seen it yet.
    SameTurn,
    /// The customer's message does not plainly agree.
    NoConsent,
    /// Another amount was named.
    WrongAmount {
        /// The amount the policy gives.
        right: Money,
    },
}

impl Denial {
    /// A short word for counters and JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Policy(refusal) if refusal.needs_person() => "needs_person",
            Self::Policy(_) => "not_eligible",
            Self::NoQuote => "no_quote",
            Self::QuoteExpired => "quote_expired",
            Self::QuoteOutdated => "quote_outdated",
            Self::SameTurn | Self::NoConsent => "consent_needed",
            Self::WrongAmount { .. } => "wrong_amount",
        }
    }

    /// What to do about it, for the model or the operator.
    pub fn message(&self) -> String {
        match self {
            Self::Policy(refusal) => refusal.reason(),
            Self::NoQuote => {
                "Call check_refund_eligibility for this order and tell the customer the amount first.".to_owned()
            }
            Self::QuoteExpired => {
                "The quote has expired: call check_refund_eligibility again and ask the customer anew.".to_owned()
            }
            Self::QuoteOutdated => {
                "The order changed since the quote: call check_refund_eligibility again and ask the customer anew."
                    .to_owned()
            }
            Self::SameTurn | Self::NoConsent => {
                "The customer has not agreed yet: ask for a plain yes, and pay in the turn that brings it.".to_owned()
            }
            Self::WrongAmount { right } => format!("The amount for this order is {right}, no other."),
        }
    }
}

/// A refund that may be paid. Only [`RefundPolicy::approve`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedRefund {
    order_id: OrderId,
    amount: Money,
    fee: Money,
    quote_id: Option<QuoteId>,
    reason: String,
    actor: String,
    at: Timestamp,
}

impl ApprovedRefund {
    /// The refund as it is recorded.
    pub fn into_refund(self) -> Refund {
        Refund {
            transaction_id: transaction_id(&self.order_id, self.at),
            order_id: self.order_id,
            amount: self.amount,
            fee: self.fee,
            quote_id: self.quote_id,
            reason: self.reason,
            actor: self.actor,
            at: self.at,
        }
    }

    /// The order.
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }
}

/// A refund that was paid: at most one for each order, for ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// `RFND_<UTC yyyymmddHHMMSS>_<order>`.
    pub transaction_id: String,
    /// The order.
    pub order_id: OrderId,
    /// What the customer gets.
    pub amount: Money,
    /// What the shop keeps.
    pub fee: Money,
    /// The quote it follows.
    pub quote_id: Option<QuoteId>,
    /// Why, in the caller's words.
    pub reason: String,
    /// On whose behalf.
    pub actor: String,
    /// When.
    pub at: Timestamp,
}

/// The currency of all amounts.
pub const CURRENCY: &str = "INR";

fn transaction_id(order: &OrderId, at: Timestamp) -> String {
    format!("RFND_{}_{order}", at.strftime("%Y%m%d%H%M%S"))
}

#[cfg(test)]
#[path = "refund_tests.rs"]
mod tests;

//! The refund policy, quotes, and approval. [`RefundPolicy::approve`] is the only way to an [`ApprovedRefund`], and it
//! never approves more than the policy allows.

mod progress;
mod record;
mod refusal;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::action::Action;
use super::caller::{Caller, actor_of};
use super::currency::{Amount, Currency, ShopMoney};
use super::ids::{IdPatterns, OrderId, QuoteId};
use super::money::{Decimal, Money, Percent};
use super::order::{Item, Order, PaymentState};
pub use super::proposal::Proposal;
use super::proposal::{self, Agreed, Details, ProposalKind};
use super::sentences::{self, Language};
pub use progress::{
    Change, Impossible, OVERDUE_AFTER, Progress, ProviderKind, RefundState, Route, STILL_ARRIVING, STUCK_AFTER, Step,
    idempotency_key, reference,
};
pub use record::Refund;
pub use refusal::Refusal;

/// The shop's rules for refunds, from the `refund` section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundPolicy {
    /// Categories that are never refunded automatically, compared without case.
    pub refused_categories: Vec<String>,
    /// The share of the order value that is deducted for shipping.
    pub shipping_fee: Percent,
    /// Refunds above this go to a person: an amount of the shop's own currency.
    pub max_automatic: Option<Money>,
    /// The shop's own currency, and how amounts are written.
    pub money: ShopMoney,
    /// Days after the order within which a refund may be requested; only for orders with a known date.
    pub window_days: Option<u32>,
    /// How long a quote can be accepted.
    pub quote_valid: SignedDuration,
    /// When the money arrives, as customers are told.
    pub estimated_arrival: String,
    /// Who moves the money.
    pub provider: ProviderKind,
}

/// The decision of the policy about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The order is refunded.
    Eligible {
        /// What the customer gets.
        amount: Money,
        /// The fee that is deducted.
        fee: Money,
    },
    /// The order is not refunded, and why.
    Refused(Refusal),
}

/// How far ahead of the shop's clock the time of an order may be: a day, by which clocks and zones differ.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// Whether a time of an order can have been by now. A later one was read or written wrongly, and would be inside every window.
pub(super) fn has_come(at: DateTime, now: DateTime) -> bool {
    at <= now.saturating_add(AHEAD)
}

/// Whether the shop paid something of an order back, tried to, or got nothing for it.
fn is_settled(order: &Order) -> bool {
    order.details.payment_state.is_some_and(|state| state != PaymentState::Paid)
}

impl RefundPolicy {
    /// The policy in English sentences, for the language model and the administrator.
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
            said.push(Refusal::AboveLimit { limit: self.money.own(limit) }.reason(Language::English, &self.money));
        }
        if let Some(days) = self.window_days {
            said.push(Refusal::TooLate { days }.reason(Language::English, &self.money));
        }
        said.push(format!("After a refund was paid, the money arrives within {}.", self.estimated_arrival));
        said
    }

    /// Decides about an order. `now` is the shop's local time, as the order's time is.
    pub fn decide(&self, order: &Order, now: DateTime) -> Verdict {
        self.decide_part(order, &[], now)
    }

    /// Decides about some items of an order; about all of it where none are named.
    pub fn decide_part(&self, order: &Order, items: &[Item], now: DateTime) -> Verdict {
        if let Some(refusal) = self.unpayable(order) {
            return Verdict::Refused(refusal);
        }
        if self.refused_categories.iter().any(|refused| refused.trim().eq_ignore_ascii_case(order.category.trim())) {
            return Verdict::Refused(Refusal::Category(order.category.clone()));
        }
        if let Some(days) = self.window_days {
            // A date that could not be read is in no window, nor is one that is still to come.
            let Some(placed) = order.placed_at.filter(|placed| has_come(*placed, now)) else {
                return Verdict::Refused(Refusal::DateUnknown { days });
            };
            let limit = placed.saturating_add(SignedDuration::from_hours(24 * i64::from(days)));
            if now > limit {
                return Verdict::Refused(Refusal::TooLate { days });
            }
        }
        let Some(value) = order.value else { return Verdict::Refused(Refusal::ValueUnknown) };
        let value = match items {
            [] => value,
            items => match order.price_of(items) {
                Some(price) => price,
                None => return Verdict::Refused(Refusal::ItemPriceUnknown),
            },
        };
        let fee = value.share(self.shipping_fee);
        self.payable(order, value.minus(fee), fee)
    }

    /// Decides what goes back with an order that is called off before it left: all that was paid. `None`: nothing was paid, or it
    /// went back already.
    ///
    /// # Errors
    /// Why it is not paid back without a person.
    pub fn decide_cancellation(&self, order: &Order) -> Result<Option<Money>, Refusal> {
        match self.unpayable(order) {
            Some(Refusal::NothingPaid | Refusal::RefundedByShop) => return Ok(None),
            Some(refusal) => return Err(refusal),
            None => {}
        }
        let Some(value) = order.value else { return Err(Refusal::ValueUnknown) };
        if value <= Money::ZERO {
            return Ok(None);
        }
        match self.payable(order, value, Money::ZERO) {
            Verdict::Eligible { amount, .. } => Ok(Some(amount)),
            Verdict::Refused(refusal) => Err(refusal),
        }
    }

    /// The refusal of an order whose money is not in the shop, or may not be. A service that pays back a payment of its own
    /// never pays more than it took, so that it needs no other record.
    fn unpayable(&self, order: &Order) -> Option<Refusal> {
        let payment = order.details.payment_id.as_deref();
        let is_held = !self.provider.takes_payment(None) && self.provider.takes_payment(payment);
        let unknown = !order.is_paid() && !is_held;
        Refusal::by_state(order).or_else(|| unknown.then_some(Refusal::PaidUnknown))
    }

    fn payable(&self, order: &Order, amount: Money, fee: Money) -> Verdict {
        if amount <= Money::ZERO {
            return Verdict::Refused(Refusal::NothingPaid);
        }
        if !self.provider.takes_payment(order.details.payment_id.as_deref()) {
            return Verdict::Refused(Refusal::PaymentUnknown);
        }
        match self.max_automatic {
            Some(_) if order.currency() != self.money.currency() => {
                Verdict::Refused(Refusal::OtherCurrency { currency: order.currency() })
            }
            Some(limit) if amount > limit => Verdict::Refused(Refusal::AboveLimit { limit: self.money.own(limit) }),
            _ => Verdict::Eligible { amount, fee },
        }
    }

    /// Until when a proposal that is made now can be accepted.
    pub fn expiry(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.quote_valid).unwrap_or(Timestamp::MAX)
    }

    /// A quote for an order that the policy refunds, or for some of its items.
    ///
    /// # Errors
    /// The refusal, where the policy does not refund it.
    pub fn quote(
        &self,
        id: QuoteId,
        (order, items): (&Order, &[Item]),
        caller: &Caller,
        now: Timestamp,
        local: DateTime,
    ) -> Result<Proposal, Refusal> {
        match self.decide_part(order, items, local) {
            Verdict::Refused(refusal) => Err(refusal),
            Verdict::Eligible { amount, fee } => Ok(Proposal {
                id,
                kind: ProposalKind::Refund,
                details: Details { items: items.to_vec(), ..Details::default() },
                order_id: order.id.clone(),
                user_id: caller.customer().map(|customer| customer.user.clone()),
                order_value: order.value.unwrap_or_default(),
                amount,
                fee,
                currency: order.currency(),
                turn: caller.customer().map(|customer| customer.turn),
                created_at: now,
                expires_at: self.expiry(now),
            }),
        }
    }

    /// Approves the refund of an order, or says why not. This is the only way to an [`ApprovedRefund`].
    ///
    /// A customer needs an unexpired quote of an earlier turn, and consent to it: its offer is live, and the messages
    /// of this turn plainly agree to it. An operator needs no quote; the policy applies all the same.
    ///
    /// # Errors
    /// The denial: what is missing or wrong.
    pub fn approve(&self, request: &RefundRequest<'_>) -> Result<ApprovedRefund, Denial> {
        let order = request.order;
        let (amount, fee) = match self.decide_part(order, request.items, request.local) {
            Verdict::Eligible { amount, fee } => (amount, fee),
            Verdict::Refused(refusal) => return Err(Denial::Policy(refusal)),
        };
        let quote = request.consented_quote()?;
        let right = Amount::new(amount, order.currency());
        let differs = |quote: &Proposal| quote.refunded() != right || quote.details.items != request.items;
        if request.caller.customer().is_some() && quote.is_some_and(differs) {
            return Err(Denial::QuoteOutdated);
        }
        if request.amount.is_some_and(|asked| !is_amount(asked, right)) {
            return Err(Denial::WrongAmount { right });
        }
        Ok(ApprovedRefund {
            order_id: order.id.clone(),
            amount,
            fee,
            currency: right.currency,
            quote_id: quote.map(|quote| quote.id.clone()),
            reason: request.reason.to_owned(),
            actor: request.caller.actor(),
            at: request.now,
            route: self.route(order),
            items: request.items.to_vec(),
        })
    }

    /// Approves what goes back with something that was agreed to, such as the cancellation of an order.
    pub(super) fn approve_with(
        &self,
        agreed: &Agreed<'_>,
        order: &Order,
        (amount, fee, items): (Money, Money, &[Item]),
        (caller, reason, now): (&Caller, &str, Timestamp),
    ) -> ApprovedRefund {
        ApprovedRefund {
            order_id: order.id.clone(),
            amount,
            fee,
            currency: order.currency(),
            quote_id: agreed.proposal().map(|proposal| proposal.id.clone()),
            reason: reason.to_owned(),
            actor: caller.actor(),
            at: now,
            route: self.route(order),
            items: items.to_vec(),
        }
    }

    /// Approves the money of a return that the shop has: what was agreed to with it, in the order's currency, and no more than
    /// was paid. It counts as asked for by the customer. `None` where the shop paid something back already, or got nothing.
    pub fn approve_return(&self, order: &Order, action: &Action, by: &str, now: Timestamp) -> Option<ApprovedRefund> {
        let amount = action.amount.filter(|amount| amount.currency == order.currency())?;
        let right = action.owes_money() && action.order_id == order.id && amount.money > Money::ZERO;
        let paid = order.value.is_none_or(|value| amount.money <= value);
        (right && paid && !is_settled(order) && self.provider.takes_payment(order.details.payment_id.as_deref())).then(
            || ApprovedRefund {
                order_id: order.id.clone(),
                amount: amount.money,
                fee: Money::ZERO,
                currency: amount.currency,
                quote_id: None,
                reason: action.reason.clone(),
                actor: action.user_id.as_ref().map_or_else(|| by.to_owned(), actor_of),
                at: now,
                route: self.route(order),
                items: action.details.items.clone(),
            },
        )
    }

    fn route(&self, order: &Order) -> Route {
        let payment_id = order.details.payment_id.clone().filter(|_| !self.provider.is_simulated());
        Route { provider: self.provider, payment_id }
    }
}

/// Everything that an approval depends on.
#[derive(Debug, Clone, Copy)]
pub struct RefundRequest<'a> {
    /// The order as it is stored now.
    pub order: &'a Order,
    /// The latest quote for it, of this customer.
    pub quote: Option<&'a Proposal>,
    /// Who asks.
    pub caller: &'a Caller,
    /// The items; none: the whole order.
    pub items: &'a [Item],
    /// The requested amount in units of the order's currency, if any: only compared, never used.
    pub amount: Option<Decimal>,
    /// Why, in the caller's words.
    pub reason: &'a str,
    /// The patterns of identifiers.
    pub patterns: &'a IdPatterns,
    /// The time.
    pub now: Timestamp,
    /// The same time on the shop's clock.
    pub local: DateTime,
}

impl<'a> RefundRequest<'a> {
    /// The quote that the refund is based on. A customer must have agreed to one; an operator needs none.
    ///
    /// # Errors
    /// What is missing for a customer's consent.
    pub fn consented_quote(&self) -> Result<Option<&'a Proposal>, Denial> {
        let order = &self.order.id;
        let agreed = proposal::agreed(self.quote, ProposalKind::Refund, order, self.caller, self.patterns, self.now)?;
        Ok(agreed.proposal())
    }
}

/// Whether a number is this amount, in units of its currency.
pub fn is_amount(number: Decimal, amount: Amount) -> bool {
    number.to_money(amount.currency) == Ok(amount.money)
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
    /// No offer is live: the message that shows it did not reach the customer, or something was said after it.
    NothingOffered,
    /// The customer's message does not plainly agree to the offer, or is no answer to it.
    NoConsent,
    /// Another amount was named.
    WrongAmount {
        /// The amount the policy gives.
        right: Amount,
    },
    /// The refund of this order was approved before and could not be paid: a person decides whether it is tried again.
    FailedBefore,
}

impl Denial {
    /// The code for metrics and JSON.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Policy(refusal) if refusal.needs_person() => "needs_person",
            Self::Policy(_) => "not_eligible",
            Self::NoQuote => "no_quote",
            Self::QuoteExpired => "quote_expired",
            Self::QuoteOutdated => "quote_outdated",
            Self::SameTurn | Self::NothingOffered | Self::NoConsent => "consent_needed",
            Self::WrongAmount { .. } => "wrong_amount",
            Self::FailedBefore => "refund_failed",
        }
    }

    /// What to do about it, for the model or the operator; a reason of the policy is also shown to the customer.
    pub fn message(&self, language: Language, money: &ShopMoney) -> String {
        match self {
            Self::Policy(refusal) => refusal.reason(language, money),
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
            Self::NothingOffered => {
                "No offer is open: call check_refund_eligibility again, tell the customer the amount and ask for a yes."
                    .to_owned()
            }
            Self::SameTurn => {
                "The customer has not agreed yet: ask for a plain yes, and pay in the turn that brings it.".to_owned()
            }
            Self::NoConsent => {
                "The customer has not agreed to this: call check_refund_eligibility again, and ask for a plain yes; pay in \
                 the turn that brings it."
                    .to_owned()
            }
            Self::WrongAmount { right } => sentences::refunds::wrong_amount(language, money.show(*right)),
            Self::FailedBefore => sentences::refunds::failed_before(language).to_owned(),
        }
    }
}

/// A refund that may be paid. Only [`RefundPolicy::approve`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovedRefund {
    order_id: OrderId,
    amount: Money,
    fee: Money,
    currency: Currency,
    quote_id: Option<QuoteId>,
    reason: String,
    actor: String,
    at: Timestamp,
    route: Route,
    items: Vec<Item>,
}

impl ApprovedRefund {
    /// The refund as it is recorded.
    pub fn into_refund(self) -> Refund {
        Refund {
            transaction_id: transaction_id(&self.order_id, self.at),
            order_id: self.order_id,
            amount: self.amount,
            fee: self.fee,
            currency: self.currency,
            quote_id: self.quote_id,
            reason: self.reason,
            actor: self.actor,
            at: self.at,
            progress: Progress::begin(self.route.provider, self.at),
            route: self.route,
            items: self.items,
        }
    }

    /// The order.
    pub fn order_id(&self) -> &OrderId {
        &self.order_id
    }

    /// What the customer gets.
    pub fn refunded(&self) -> Amount {
        Amount::new(self.amount, self.currency)
    }

    /// The same, on behalf of somebody else.
    #[cfg(test)]
    pub(crate) fn set_actor_for_tests(&mut self, actor: &str) {
        actor.clone_into(&mut self.actor);
    }
}

fn transaction_id(order: &OrderId, at: Timestamp) -> String {
    format!("RFND_{}_{order}", at.strftime("%Y%m%d%H%M%S"))
}

#[cfg(test)]
#[path = "refund_tests.rs"]
mod tests;

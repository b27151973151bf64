//! Decides the way of a refund: quote, consent, payment, once.
//!
//! It must never pay outside [`RefundPolicy::approve`], which holds every rule about amount and consent.
//!
//! [`RefundPolicy::approve`]: crate::domain::refund::RefundPolicy::approve

use uuid::Uuid;

use super::{Context, Desk};
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::refund::{Denial, Quote, Refund, RefundRequest, Refusal, Verdict};
use crate::store::{Recorded, StoreError};

/// What asking for a quote came to.
#[derive(Debug, Clone, PartialEq)]
pub enum QuoteOutcome {
    /// Unknown, or not the caller's.
    NotFound,
    /// The order has been refunded before.
    AlreadyRefunded {
        /// The order.
        order: Order,
        /// Its refund.
        refund: Refund,
    },
    /// The policy refuses.
    Refused {
        /// The order.
        order: Order,
        /// Why.
        refusal: Refusal,
    },
    /// An offer, kept in the store.
    Quoted(Quote),
}

/// What asking for a refund came to.
#[derive(Debug, Clone, PartialEq)]
pub enum PayOutcome {
    /// Unknown, or not the caller's.
    NotFound,
    /// Not paid, and why.
    Denied(Denial),
    /// Paid now, or before.
    Paid(Recorded),
}

impl Desk {
    /// Quotes the refund of an order.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn quote(&self, context: &Context, id: &OrderId) -> Result<QuoteOutcome, StoreError> {
        let Some(order) = self.look_up(context, id).await? else { return Ok(QuoteOutcome::NotFound) };
        if let Some(refund) = self.store.refund_of(id).await? {
            return Ok(QuoteOutcome::AlreadyRefunded { order, refund });
        }
        let quote_id = QuoteId::new(format!("QUOTE_{}", Uuid::now_v7().simple()));
        match self.rules.policy.quote(quote_id, &order, &context.caller, context.now, self.local(context.now)) {
            Err(refusal) => Ok(QuoteOutcome::Refused { order, refusal }),
            Ok(quote) => {
                self.store.save_quote(&quote).await?;
                Ok(QuoteOutcome::Quoted(quote))
            }
        }
    }

    /// Pays the refund of an order, once. `amount` is only compared with the right one, never used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pay(
        &self,
        context: &Context,
        id: &OrderId,
        amount: Option<Money>,
        reason: &str,
    ) -> Result<PayOutcome, StoreError> {
        let Some(order) = self.look_up(context, id).await? else { return Ok(PayOutcome::NotFound) };
        if let Some(refund) = self.store.refund_of(id).await? {
            return Ok(PayOutcome::Paid(Recorded { refund, already: true }));
        }
        let quote = self.offered_quote(context, id).await?;
        let approved = self.rules.policy.approve(&RefundRequest {
            order: &order,
            quote: quote.as_ref(),
            caller: &context.caller,
            amount,
            reason,
            patterns: &self.rules.patterns,
            now: context.now,
            local: self.local(context.now),
        });
        match approved {
            Err(denial) => Ok(PayOutcome::Denied(denial)),
            Ok(approved) => Ok(PayOutcome::Paid(self.store.record_refund(approved).await?)),
        }
    }

    /// Keeps an offer that was made elsewhere to the caller, unless it gives back more than the policy here allows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keep_offer(
        &self,
        context: &Context,
        order: &Order,
        offer: Quote,
    ) -> Result<Result<Quote, Refusal>, StoreError> {
        match self.rules.policy.decide(order, self.local(context.now)) {
            Verdict::Refused(refusal) => return Ok(Err(refusal)),
            Verdict::Eligible { amount, .. } if offer.amount > amount || offer.amount <= Money::ZERO => {
                return Ok(Err(Refusal::AboveLimit { limit: amount }));
            }
            Verdict::Eligible { .. } => {}
        }
        self.store.save_quote(&offer).await?;
        Ok(Ok(offer))
    }

    /// The quote that the caller agreed to for an order, before it is paid elsewhere. An operator needs none.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn agreed(
        &self,
        context: &Context,
        order: &Order,
        amount: Option<Money>,
    ) -> Result<Result<Option<Quote>, Denial>, StoreError> {
        let quote = self.offered_quote(context, &order.id).await?;
        let request = RefundRequest {
            order,
            quote: quote.as_ref(),
            caller: &context.caller,
            amount,
            reason: "",
            patterns: &self.rules.patterns,
            now: context.now,
            local: self.local(context.now),
        };
        Ok(match (request.consented(), context.caller.customer()) {
            (Err(denial), _) => Err(denial),
            (Ok(Some(quote)), Some(_)) if amount.is_some_and(|amount| amount != quote.amount) => {
                Err(Denial::WrongAmount { right: quote.amount })
            }
            (Ok(quote), _) => Ok(quote.cloned()),
        })
    }

    /// The quote that was put to the customer for this order, else the latest one: it says what is missing.
    async fn offered_quote(&self, context: &Context, id: &OrderId) -> Result<Option<Quote>, StoreError> {
        let Some(customer) = context.caller.customer() else { return self.store.latest_quote(id, None).await };
        for offered in &customer.offered {
            if let Some(quote) = self.store.quote(offered).await?
                && quote.order_id == *id
            {
                return Ok(Some(quote));
            }
        }
        self.store.latest_quote(id, Some(&customer.user)).await
    }
}

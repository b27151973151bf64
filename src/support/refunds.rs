//! Refunds: quote, consent, payment. Every payment goes through [`RefundPolicy::approve`], which has all rules about
//! amount and consent, and an order is refunded once.
//!
//! [`RefundPolicy::approve`]: crate::domain::refund::RefundPolicy::approve

use uuid::Uuid;

use super::{Context, SupportService};
use crate::domain::currency::Amount;
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::money::{Decimal, Money};
use crate::domain::order::{Item, NamedItem, Order};
use crate::domain::ownership::{Access, Seen};
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::{Denial, Proposal, Refund, RefundRequest, RefundState, Refusal, Verdict, is_amount};
use crate::store::{Recorded, StoreError};

/// The outcome of asking for a quote.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, read at once")]
pub enum QuoteOutcome {
    /// Unknown, or not the caller's.
    NotFound,
    /// A refund of the order was approved before: how far it is, it says.
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
    /// An offer, saved in the store.
    Quoted(Proposal),
}

/// The outcome of asking for a refund.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time, read at once")]
pub enum PayOutcome {
    /// Unknown, or not the caller's.
    NotFound,
    /// Not paid, and why.
    Denied(Denial),
    /// Approved now, or before: how far it is, the refund says.
    Paid(Recorded),
}

/// Whether items are named that a refund of the order is not for. Where none are, the refund of before is meant.
fn is_other_part(refund: &Refund, items: &[Item]) -> bool {
    !items.is_empty() && !refund.items.is_empty() && refund.items != items
}

impl SupportService {
    /// Makes and saves a quote for the refund of an order, or of some of its items.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn create_quote(
        &self,
        context: &Context,
        id: &OrderId,
        named: &[NamedItem],
    ) -> Result<QuoteOutcome, StoreError> {
        let Some(Seen { order, .. }) = self.record_lookup(context, id, Access::Money).await? else {
            return Ok(QuoteOutcome::NotFound);
        };
        let items = match order.items_named(named) {
            Ok(items) => items,
            Err(name) => return Ok(QuoteOutcome::Refused { order, refusal: Refusal::ItemUnknown { name } }),
        };
        if let Some(refund) = self.store.refund_of(id).await? {
            if is_other_part(&refund, &items) {
                return Ok(QuoteOutcome::Refused { order, refusal: Refusal::SecondPart });
            }
            return Ok(QuoteOutcome::AlreadyRefunded { order, refund });
        }
        if let Some(refusal) = self.refuses_refund(&order, &items).await? {
            return Ok(QuoteOutcome::Refused { order, refusal });
        }
        let quote_id = QuoteId::new(format!("QUOTE_{}", Uuid::now_v7().simple()));
        match self.rules.policy.quote(quote_id, (&order, &items), &context.caller, context.now, self.local(context.now))
        {
            Err(refusal) => Ok(QuoteOutcome::Refused { order, refusal }),
            Ok(quote) if self.is_over_limit(context, quote.refunded()).await? => {
                Ok(QuoteOutcome::Refused { order, refusal: Refusal::MonthLimit })
            }
            Ok(quote) => {
                self.store.save_quote(&quote).await?;
                Ok(QuoteOutcome::Quoted(quote))
            }
        }
    }

    /// Pays the refund of an order, once. `amount` is only compared with the amount of the policy, never used.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pay(
        &self,
        context: &Context,
        (id, named): (&OrderId, &[NamedItem]),
        amount: Option<Decimal>,
        reason: &str,
    ) -> Result<PayOutcome, StoreError> {
        let Some(Seen { order, .. }) = self.record_lookup(context, id, Access::Money).await? else {
            return Ok(PayOutcome::NotFound);
        };
        let policy = |refusal| Ok(PayOutcome::Denied(Denial::Policy(refusal)));
        let mut items = match order.items_named(named) {
            Ok(items) => items,
            Err(name) => return policy(Refusal::ItemUnknown { name }),
        };
        if let Some(refund) = self.store.refund_of(id).await? {
            if is_other_part(&refund, &items) {
                return policy(Refusal::SecondPart);
            }
            if refund.state() == RefundState::Failed {
                return Ok(PayOutcome::Denied(Denial::FailedBefore));
            }
            return Ok(PayOutcome::Paid(Recorded { refund, already: true }));
        }
        let quote = match self.offered_quote(context, id, (!named.is_empty()).then_some(items.as_slice())).await? {
            Ok(quote) => quote,
            Err(denial) => return Ok(PayOutcome::Denied(denial)),
        };
        if named.is_empty() && context.caller.customer().is_some() {
            // What the customer agreed to, where it is not named once more.
            items = quote.as_ref().map(|quote| quote.details.items.clone()).unwrap_or_default();
        }
        if let Some(refusal) = self.refuses_refund(&order, &items).await? {
            return policy(refusal);
        }
        let patterns = self.patterns_for(&context.caller);
        let approved = self.rules.policy.approve(&RefundRequest {
            order: &order,
            quote: quote.as_ref(),
            caller: &context.caller,
            items: &items,
            amount,
            reason,
            patterns: &patterns,
            now: context.now,
            local: self.local(context.now),
        });
        match approved {
            Err(denial) => Ok(PayOutcome::Denied(denial)),
            Ok(approved) if self.is_over_limit(context, approved.refunded()).await? => policy(Refusal::MonthLimit),
            Ok(approved) => Ok(PayOutcome::Paid(self.store.record_refund(approved).await?)),
        }
    }

    /// The refund of an order that the caller may know of: `None` where there is no such order for them, `Some(None)` where
    /// it has no refund.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refund_status(&self, context: &Context, id: &OrderId) -> Result<Option<Option<Refund>>, StoreError> {
        if self.record_lookup(context, id, Access::Money).await?.is_none() {
            return Ok(None);
        }
        self.store.refund_of(id).await.map(Some)
    }

    /// Saves an offer that another server made to the caller, unless its amount exceeds what the policy here allows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save_remote_quote(
        &self,
        context: &Context,
        (order, items): (&Order, &[Item]),
        offer: Proposal,
    ) -> Result<Result<Proposal, Refusal>, StoreError> {
        match self.rules.policy.decide_part(order, items, self.local(context.now)) {
            Verdict::Refused(refusal) => return Ok(Err(refusal)),
            Verdict::Eligible { amount, .. }
                if offer.currency != order.currency() || offer.amount > amount || offer.amount <= Money::ZERO =>
            {
                return Ok(Err(Refusal::AboveLimit { limit: Amount::new(amount, order.currency()) }));
            }
            Verdict::Eligible { .. } => {}
        }
        self.store.save_quote(&offer).await?;
        Ok(Ok(offer))
    }

    /// The quote that the caller agreed to for an order, before another server pays it. An operator needs none. `items`: those that
    /// are named; of several quotes the one for them is meant.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn consented_quote(
        &self,
        context: &Context,
        order: &Order,
        items: Option<&[Item]>,
        amount: Option<Decimal>,
    ) -> Result<Result<Option<Proposal>, Denial>, StoreError> {
        let quote = match self.offered_quote(context, &order.id, items).await? {
            Ok(quote) => quote,
            Err(denial) => return Ok(Err(denial)),
        };
        let patterns = self.patterns_for(&context.caller);
        let request = RefundRequest {
            order,
            quote: quote.as_ref(),
            caller: &context.caller,
            items: &[],
            amount,
            reason: "",
            patterns: &patterns,
            now: context.now,
            local: self.local(context.now),
        };
        Ok(match (request.consented_quote(), context.caller.customer()) {
            (Err(denial), _) => Err(denial),
            (Ok(Some(quote)), Some(_)) if amount.is_some_and(|amount| !is_amount(amount, quote.refunded())) => {
                Err(Denial::WrongAmount { right: quote.refunded() })
            }
            (Ok(quote), _) => Ok(quote.cloned()),
        })
    }

    /// The quote of this order, and of these items where some are named, that the customer can agree to; else the latest one, from
    /// which a denial says what is missing. Denied where two for different items can be agreed to and none is named: a yes says
    /// not which.
    async fn offered_quote(
        &self,
        context: &Context,
        id: &OrderId,
        items: Option<&[Item]>,
    ) -> Result<Result<Option<Proposal>, Denial>, StoreError> {
        let user = context.caller.customer().map(|customer| &customer.user);
        let mut live = self.live_proposals(context, id, ProposalKind::Refund).await?;
        let Some(first) = live.first() else { return self.store.latest_quote(id, user).await.map(Ok) };
        let place = match items {
            Some(items) => live.iter().position(|quote| quote.details.items == items),
            None if live.iter().any(|quote| quote.details.items != first.details.items) => {
                return Ok(Err(Denial::NoConsent));
            }
            None => None,
        };
        Ok(Ok(Some(live.swap_remove(place.unwrap_or_default()))))
    }
}

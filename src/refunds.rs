//! Moves the money of refunds: who pays it ([`RefundProvider`]), and the job that sends, looks up and tells.
//!
//! It must never send what is not durably recorded, and never decide what the state machine of
//! [`domain::refund`](crate::domain::refund) does not allow.

mod amounts;
mod answers;
mod changes;
mod confirm;
mod job;
mod razorpay;
mod stripe;
mod telling;
mod webhook;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::refund::{ProviderKind, Refund};

pub use amounts::minor_units;
pub use changes::{Moved, change};
pub use confirm::{Confirmations, routes};
pub use job::{Clock, JobSettings, RefundJob};
pub use razorpay::Razorpay;
pub use stripe::Stripe;
pub use telling::Telling;
pub use webhook::RefundWebhook;

/// A refund as a provider is asked for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payout {
    /// The refund.
    pub refund: Refund,
    /// Its amount in the smallest unit of its currency, as the provider counts.
    pub units: i64,
}

/// What a provider says of a refund that it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// It has it and has not paid yet.
    Pending {
        /// Its identifier.
        id: Option<String>,
    },
    /// It paid.
    Paid {
        /// Its identifier.
        id: Option<String>,
    },
    /// It does not pay.
    Failed {
        /// Its identifier.
        id: Option<String>,
        /// Why.
        reason: String,
    },
}

/// What came of sending a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// The provider has it.
    Has(Report),
    /// The provider refuses this request, and always will.
    Refused {
        /// Why.
        reason: String,
    },
    /// Nothing was done: no connection, wrong keys, too many requests.
    TurnedAway {
        /// Why.
        reason: String,
    },
    /// It may have been carried out.
    Unknown {
        /// What was seen.
        reason: String,
    },
}

/// What came of asking for a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The provider has it.
    Has(Report),
    /// The provider has none: it may be sent under the same key.
    Nothing,
    /// The provider cannot be asked, only told again under the same key, or it calls back by itself.
    CannotBeAsked,
    /// Nobody answered, or not understandably.
    Unknown {
        /// What was seen.
        reason: String,
    },
}

/// Who moves the money.
///
/// Every request of one attempt carries the same idempotency key, [`Refund::idempotency_key`], under which a provider pays once.
#[async_trait]
pub trait RefundProvider: Send + Sync {
    /// Which one it is.
    fn kind(&self) -> ProviderKind;
    /// Asks for the payment. May be called again with the same payout.
    async fn send(&self, payout: &Payout) -> Sent;
    /// Asks what became of it: any attempt that was paid or may be, and this attempt where it failed.
    async fn look_up(&self, payout: &Payout) -> Found;
    /// Checks keys and connection, without moving money: what was found, in words.
    ///
    /// # Errors
    /// What is wrong, in words.
    async fn check(&self) -> Result<String, String>;
}

/// The providers whose keys are set, by their kinds. Refunds of a provider that was in use before are finished by it.
#[derive(Clone, Default)]
pub struct Providers(HashMap<ProviderKind, Arc<dyn RefundProvider>>);

impl Providers {
    /// Adds a provider.
    pub fn add(&mut self, provider: Arc<dyn RefundProvider>) {
        self.0.insert(provider.kind(), provider);
    }

    /// The provider of this kind.
    pub fn get(&self, kind: ProviderKind) -> Option<&Arc<dyn RefundProvider>> {
        self.0.get(&kind)
    }

    /// All of them, in the order of [`ProviderKind::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn RefundProvider>> {
        ProviderKind::ALL.iter().filter_map(|kind| self.0.get(kind))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod fixtures {
    use super::*;
    use crate::domain::ids::OrderId;
    use crate::domain::money::Money;
    use crate::domain::refund::{Progress, Route};

    /// A refund of ₹599 for a payment.
    pub(super) fn payout(provider: ProviderKind, payment: &str) -> Payout {
        let at = "2026-06-01T10:00:00Z".parse().unwrap();
        let route = Route { provider, payment_id: Some(payment.to_owned()) };
        let refund = Refund {
            transaction_id: "RFND_20260601100000_ORD000003".to_owned(),
            order_id: OrderId::new("ORD000003"),
            amount: Money::from_rupees(599),
            fee: Money::ZERO,
            currency: crate::domain::currency::Currency::INR,
            quote_id: None,
            items: Vec::new(),
            reason: "never arrived".to_owned(),
            actor: "customer:919876543210".to_owned(),
            at,
            route,
            progress: Progress::begin(provider, at),
        };
        Payout { refund, units: 59_900 }
    }
}

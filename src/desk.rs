//! Decides what may be done for whom: looking an order up, quoting and paying a refund, handing over to a person.
//!
//! It must never trust an identity, an amount or a consent that a model claims, and never tell a refused order from an
//! unknown one.

mod refunds;
pub mod team;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::domain::alert::{Alert, AlertStatus, Handling, Priority};
use crate::domain::audit::AuditRecord;
use crate::domain::caller::{Caller, Customer, Verification};
use crate::domain::ids::{AlertId, IdPatterns, OrderId, UserId, order_phone, transport_phone};
use crate::domain::message::ChatMessage;
use crate::domain::order::Order;
use crate::domain::refund::RefundPolicy;
use crate::domain::words::excerpt;
use crate::store::{Store, StoreError};
pub use refunds::{PayOutcome, QuoteOutcome};

/// The shop's rules, as the settings give them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// The refund policy.
    pub policy: RefundPolicy,
    /// How identifiers look.
    pub patterns: IdPatterns,
    /// Who may see an order that has no telephone number.
    pub verification: Verification,
    /// Distinct orders that one identity may ask for in 24 hours.
    pub daily_limit: u32,
    /// The country code of telephone numbers that lack one.
    pub phone_country: String,
    /// The zone of the orders' dates.
    pub zone: TimeZone,
}

/// For whom, and when, something is done.
#[derive(Debug, Clone)]
pub struct Context {
    /// On whose behalf.
    pub caller: Caller,
    /// The time.
    pub now: Timestamp,
}

/// The use cases, over a store.
#[derive(Clone)]
pub struct Desk {
    store: Arc<dyn Store>,
    rules: Arc<Rules>,
}

/// What a request for a person holds.
#[derive(Debug, Clone)]
pub struct HandOver {
    /// What the alert is called, where it was raised elsewhere already.
    pub id: Option<AlertId>,
    /// Whose conversation, as the arguments say; a customer's own identity always wins.
    pub user_id: String,
    /// Why.
    pub reason: String,
    /// What the customer wrote last.
    pub last_message: String,
    /// How urgent.
    pub priority: Priority,
}

impl Desk {
    /// A desk over a store, with the shop's rules.
    pub fn new(store: Arc<dyn Store>, rules: Rules) -> Self {
        Self { store, rules: Arc::new(rules) }
    }

    /// The shop's rules.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The order, if the caller may see it. `None` means unknown or not theirs: the two are never told apart. A customer
    /// sees only orders they have named themselves.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn look_up(&self, context: &Context, id: &OrderId) -> Result<Option<Order>, StoreError> {
        if context.caller.customer().is_some_and(|customer| !customer.named_orders.contains(id)) {
            return Ok(None);
        }
        let order = self.store.order(id).await?;
        self.admit(context, id, order).await
    }

    /// What was found for an order id, in this store or elsewhere, if the caller may see it: the rules of
    /// [`Desk::look_up`].
    ///
    /// # Errors
    /// When the store fails.
    pub async fn admit(
        &self,
        context: &Context,
        id: &OrderId,
        order: Option<Order>,
    ) -> Result<Option<Order>, StoreError> {
        let Caller::Customer(customer) = &context.caller else { return Ok(order) };
        if !customer.named_orders.contains(id) {
            return Ok(None);
        }
        let phone = order.as_ref().and_then(|order| order.phone.as_deref()).filter(|phone| !phone.trim().is_empty());
        if let Some(phone) = phone {
            let own = transport_phone(&customer.user);
            if own.is_some() && own == order_phone(phone, &self.rules.phone_country) {
                return Ok(order);
            }
        }
        if self.store.binding(id).await?.as_ref() == Some(&customer.user) && phone.is_none() {
            return Ok(order);
        }
        // Asking for what is not known to be theirs counts, whether it exists or not: trying many ids must not pay.
        if !self.store.note_lookup(id, &customer.user, context.now, self.rules.daily_limit).await? {
            return Ok(None);
        }
        match &order {
            Some(found) if phone.is_none() && self.may_claim(customer, found, context.now).await? => Ok(order),
            _ => Ok(None),
        }
    }

    async fn may_claim(&self, customer: &Customer, order: &Order, now: Timestamp) -> Result<bool, StoreError> {
        match self.rules.verification {
            Verification::Off => Ok(true),
            Verification::Strict => self.proves(customer, order, now).await,
            Verification::Claim => {
                let bound = self.store.bind_order(&order.id, &customer.user, now).await?;
                Ok(bound == customer.user)
            }
        }
    }

    /// Whether the customer wrote the order's customer id. Every wrong one counts as an order asked for, so that ids
    /// cannot be tried out.
    async fn proves(&self, customer: &Customer, order: &Order, now: Timestamp) -> Result<bool, StoreError> {
        let wanted = order.customer_id.trim();
        for given in &customer.customer_ids {
            if !wanted.is_empty() && given.eq_ignore_ascii_case(wanted) {
                return Ok(true);
            }
            let attempt = OrderId::new(&format!("{}/{given}", order.id));
            if !self.store.note_lookup(&attempt, &customer.user, now, self.rules.daily_limit).await? {
                return Ok(false);
            }
        }
        Ok(false)
    }

    /// Asks for a person. A customer with a pending alert keeps that one, made more urgent if need be.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hand_over(&self, context: &Context, request: HandOver) -> Result<Alert, StoreError> {
        let (user_id, last_message) = match &context.caller {
            Caller::Customer(customer) => (customer.user.clone(), customer.text.clone()),
            Caller::Operator { .. } => (UserId::new(request.user_id), request.last_message),
        };
        let id = request.id.unwrap_or_else(|| AlertId::new(format!("ALERT_{}", Uuid::now_v7().simple())));
        let alert = Alert {
            id,
            user_id,
            reason: excerpt(request.reason.trim(), 500),
            last_message: excerpt(last_message.trim(), 4_000),
            priority: request.priority,
            status: AlertStatus::Pending,
            created_at: context.now,
            handling: Handling::default(),
        };
        self.store.open_alert(&alert).await
    }

    /// The last `limit` messages of a conversation, the oldest first. Only for the team: it asks nobody who they are.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn transcript(&self, user: &UserId, limit: u32) -> Result<Vec<ChatMessage>, StoreError> {
        self.store.recent_messages(user, limit).await
    }

    /// Puts a call on record that changed nothing; it need not wait for the disk.
    ///
    /// # Errors
    /// When the store fails: what is not on record is not told.
    pub async fn note_on_record(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.store.note_audit(record).await.map(drop)
    }

    /// Whether the store answers.
    pub async fn is_ready(&self) -> bool {
        self.store.audit_length().await.is_ok()
    }

    /// Puts a call on record.
    ///
    /// # Errors
    /// When the store fails: what is not on record is not done.
    pub async fn put_on_record(&self, record: &AuditRecord) -> Result<(), StoreError> {
        self.store.append_audit(record).await.map(drop)
    }

    fn local(&self, now: Timestamp) -> DateTime {
        now.to_zoned(self.rules.zone.clone()).datetime()
    }
}

#[cfg(test)]
mod tests;

//! Records of the shop that an operator can read: an order, the refund policy, a conversation.
//!
//! It must never be offered to a customer or a model that speaks to one: only an operator reads records, and each
//! reading is in the audit trail.

use serde_json::{Value, json};

use super::Toolbox;
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::caller::Caller;
use crate::domain::ids::UserId;
use crate::domain::ownership::Access;
use crate::domain::words::excerpt;
use crate::support::Context;

/// Messages of a conversation that are shown, at most.
const MESSAGES: u32 = 200;

/// Which record is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordName {
    /// An order, by its id.
    Order(String),
    /// The rules about refunds that hold now.
    RefundPolicy,
    /// What a customer and the shop said to each other last, by the customer's identity.
    Conversation(String),
}

/// Why a record is not shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The name itself is wrong.
    #[error("{0}")]
    Wrong(String),
    /// There is none, or it is not for this caller.
    #[error("there is no such record")]
    NotFound,
    /// Something failed inside.
    #[error("the record cannot be read now")]
    Failed,
}

impl RecordError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Failed => Some("try again; the log of the server says what failed".to_owned()),
            Self::Wrong(_) | Self::NotFound => None,
        }
    }
}

impl Toolbox {
    /// Reads a record for an operator, and puts that on record.
    ///
    /// # Errors
    /// When there is no such record, the caller is a customer, or the store fails.
    pub async fn read_record(&self, context: &Context, name: &RecordName) -> Result<Value, RecordError> {
        if !matches!(context.caller, Caller::Operator { .. }) {
            return Err(RecordError::NotFound);
        }
        let found = self.find_record(context, name).await;
        let (action, argument) = match name {
            RecordName::Order(id) => ("read_order", json!({"order_id": excerpt(id, 64)})),
            RecordName::RefundPolicy => ("read_refund_policy", json!({})),
            RecordName::Conversation(user) => ("read_conversation", json!({"user_id": excerpt(user, 64)})),
        };
        let record = AuditRecord {
            at: context.now,
            actor: context.caller.actor(),
            action: action.to_owned(),
            phase: AuditPhase::Finished,
            arguments: argument,
            result: json!({"found": found.is_ok()}),
        };
        // What is not on record is not shown.
        self.support().append_audit_without_sync(&record).await.map_err(|error| failed(&error))?;
        found
    }

    async fn find_record(&self, context: &Context, name: &RecordName) -> Result<Value, RecordError> {
        match name {
            RecordName::RefundPolicy => Ok(self.policy()),
            RecordName::Order(id) => {
                let id = self.order_id(context, id).await.map_err(RecordError::Wrong)?;
                let order =
                    self.support().record_lookup(context, &id, Access::See).await.map_err(|error| failed(&error))?;
                order.map(|seen| Value::Object(seen.to_json())).ok_or(RecordError::NotFound)
            }
            RecordName::Conversation(user) => {
                let user = UserId::new(user.trim());
                let messages = self.support().transcript(&user, MESSAGES).await.map_err(|error| failed(&error))?;
                if messages.is_empty() {
                    return Err(RecordError::NotFound);
                }
                Ok(json!({"user_id": user, "messages": messages}))
            }
        }
    }

    fn policy(&self) -> Value {
        let policy = &self.support().rules().policy;
        json!({
            "refused_categories": policy.refused_categories,
            "shipping_fee": policy.shipping_fee.to_string(),
            "max_automatic": policy.max_automatic.map(|limit| policy.money.own(limit).to_json()),
            "window_days": policy.window_days,
            "quote_minutes": policy.quote_valid.as_secs() / 60,
            "estimated_arrival": policy.estimated_arrival,
            "currency": policy.money.currency(),
            "rules": [
                "An order is refunded at most once, for ever.",
                "The amount is computed from the policy; an amount that a caller names is only compared.",
                "A customer pays nothing back without a quote and a later plain yes.",
            ],
        })
    }
}

fn failed(error: &dyn std::error::Error) -> RecordError {
    tracing::error!(%error, "a record could not be read");
    RecordError::Failed
}

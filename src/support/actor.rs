//! A member of the team who changes something, and the audit records of the change.

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::store::{Result, Store};

/// A member of the team who changes something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The name they log in with.
    pub name: String,
    /// The time of the change.
    pub now: Timestamp,
}

impl Actor {
    /// The name for the audit trail.
    pub fn actor(&self) -> String {
        format!("operator:{}", self.name)
    }

    /// Appends a record of a change to the audit trail: before it without a result, and after it with one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(
        &self,
        store: &dyn Store,
        action: &str,
        arguments: Value,
        phase: AuditPhase,
        result: Value,
    ) -> Result<()> {
        let record =
            AuditRecord { at: self.now, actor: self.actor(), action: action.to_owned(), phase, arguments, result };
        store.append_audit(&record).await?;
        Ok(())
    }

    pub(super) async fn record_start(&self, store: &dyn Store, action: &str, arguments: &Value) -> Result<()> {
        self.record(store, action, arguments.clone(), AuditPhase::Started, Value::Null).await
    }

    pub(super) async fn record_end(
        &self,
        store: &dyn Store,
        action: &str,
        arguments: Value,
        result: Value,
    ) -> Result<()> {
        self.record(store, action, arguments, AuditPhase::Finished, result).await
    }
}

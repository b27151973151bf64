//! Decides when the audit trail and the ledger tell the same about a refund.
//!
//! It must never take a refund for recorded that no entry names.

use serde_json::Value;

use crate::domain::audit::{AuditEntry, AuditPhase};
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::refund::Refund;
use crate::domain::words::excerpt;

/// The tool whose calls pay; it is named here because a trail outlives the program that wrote it.
pub(super) const REFUND: &str = "process_refund";

/// What an entry says about a call that pays: the order, and the result where the call is on record to have paid.
pub(super) fn refund_call(entry: &AuditEntry) -> Option<(OrderId, Option<Value>)> {
    let record = entry.record().filter(|record| record.action == REFUND)?;
    let order = OrderId::new(record.arguments["order_id"].as_str()?);
    let paid = record.phase == AuditPhase::Finished && record.result["status"] == "success";
    Some((order, paid.then_some(record.result)))
}

/// How the ledger differs from what a call is on record to have paid.
pub(super) fn differs(refund: Option<&Refund>, order: &OrderId, result: &Value) -> Option<String> {
    let Some(refund) = refund else {
        return Some(format!("the refund of {order} that it records is not in the ledger"));
    };
    if result["transaction_id"] != refund.transaction_id.as_str() {
        let recorded = result["transaction_id"].as_str().unwrap_or("no transaction");
        return Some(format!(
            "it records {recorded} for {order}, and the ledger holds {}",
            excerpt(&refund.transaction_id, 80)
        ));
    }
    match Money::from_json(&result["amount_refunded"]) {
        Ok(amount) if amount == refund.amount => None,
        Ok(amount) => Some(format!("it records {amount} for {order}, and the ledger holds {}", refund.amount)),
        Err(error) => Some(format!("the amount that it records for {order} cannot be read: {error}")),
    }
}

/// What is told of a refund in the ledger that no entry names.
pub(super) fn unrecorded(transaction: &str, order: &OrderId) -> String {
    format!("the ledger holds refund {transaction} of {order}, and no entry records it")
}

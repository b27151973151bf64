//! Decides when the audit trail and the ledger tell the same about a refund.
//!
//! It must never take a refund for recorded that no entry names.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::domain::audit::{AuditEntry, AuditPhase, Checkpoint};
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

/// How many refunds the ledger holds of before a time, and a digest of them, whatever their order.
pub(super) fn ledger_before(refunds: &[Refund], before: Timestamp) -> (u64, String) {
    let mut old: Vec<&Refund> = refunds.iter().filter(|refund| refund.at < before).collect();
    old.sort_by(|one, other| one.order_id.cmp(&other.order_id));
    let mut hasher = Sha256::new();
    for refund in &old {
        hasher.update(format!("{}|{}|{}\n", refund.order_id, refund.transaction_id, refund.amount.paise()));
    }
    (old.len() as u64, hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Why the refunds whose calls were removed from the trail are not those that it agreed with then.
pub(super) fn changed_since(refunds: &[Refund], checkpoint: &Checkpoint) -> Option<(u64, String)> {
    let (count, digest) = ledger_before(refunds, checkpoint.before);
    if (count, &digest) == (checkpoint.refunds, &checkpoint.ledger) {
        return None;
    }
    let why = format!(
        "the {} refunds of before {} that the removed entries agreed with are not the {count} that the ledger holds now",
        checkpoint.refunds, checkpoint.before
    );
    Some((checkpoint.seq, why))
}

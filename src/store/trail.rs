//! Compares the audit trail with the refund ledger.

use std::collections::{HashMap, HashSet};
use std::sync::Once;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::domain::audit::{
    AuditEntry, AuditKey, AuditPhase, AuditRecord, Checkpoint, LEDGER, PAYING, REFUND_STATE, SIGNING, SYSTEM,
};
use crate::domain::currency::Currency;
use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::refund::{Refund, RefundState};
use crate::domain::words::excerpt;

/// The tool whose calls pay; a constant of its own, because a trail outlives the program that wrote it.
pub(super) const REFUND_TOOL: &str = "process_refund";

/// What the trail says of the calls that pay, in the order of its entries.
///
/// A refund is vouched for by a call that is on record to have paid it, or by one that began and whose end is not on
/// record: its process may have died after it paid. A call that ended otherwise, denied or failed, vouches for nothing.
#[derive(Debug, Default)]
pub(super) struct RefundRecords {
    paid: HashSet<OrderId>,
    /// Calls that began and did not end, by their orders.
    open: HashMap<OrderId, u32>,
    /// How the states of refunds changed.
    changes: HashMap<OrderId, StateChanges>,
}

/// What the trail says of the state of one refund.
#[derive(Debug, Default)]
struct StateChanges {
    /// The state before the first change that was made.
    first: Option<RefundState>,
    /// The state after the last change that was made.
    last: Option<RefundState>,
    /// Changes that began and did not end, from and to: their process may have died after the ledger was written.
    open: Vec<(RefundState, RefundState)>,
}

impl RefundRecords {
    /// Notes an entry; returns the order and the result where it is one of a call that paid.
    pub(super) fn note(&mut self, entry: &AuditEntry) -> Option<(OrderId, Value)> {
        if let Some(record) = entry.record().filter(|record| record.action == REFUND_STATE) {
            self.note_change(&record);
            return None;
        }
        let pays = |record: &AuditRecord| record.action == REFUND_TOOL || PAYING.contains(&record.action.as_str());
        let record = entry.record().filter(pays)?;
        let named = OrderId::new(record.arguments["order_id"].as_str()?);
        let open = self.open.entry(named.clone()).or_default();
        match record.phase {
            AuditPhase::Started => *open += 1,
            AuditPhase::Finished => *open = open.saturating_sub(1),
        }
        // What else pays does not always.
        let paid = record.action == REFUND_TOOL || record.result["transaction_id"].is_string();
        if paid && record.phase == AuditPhase::Finished && record.result["status"] == "success" {
            // Trails of before hold the order as the caller called it, which may be another name of it.
            let told = [&record.result[LEDGER]["order_id"], &record.result["order_id"]];
            let order = told.into_iter().find_map(Value::as_str).map_or(named, OrderId::new);
            self.paid.insert(order.clone());
            return Some((order, record.result));
        }
        None
    }

    fn note_change(&mut self, record: &AuditRecord) -> Option<()> {
        let order = OrderId::new(record.arguments["order_id"].as_str()?);
        let state = |name: &str| record.arguments[name].as_str().and_then(RefundState::parse);
        let (from, to) = (state("from")?, state("to")?);
        let changes = self.changes.entry(order).or_default();
        match record.phase {
            AuditPhase::Started => changes.open.push((from, to)),
            AuditPhase::Finished => {
                if let Some(place) = changes.open.iter().position(|open| *open == (from, to)) {
                    changes.open.remove(place);
                }
                if record.result["status"] == "success" {
                    changes.first.get_or_insert(from);
                    changes.last = Some(to);
                }
            }
        }
        Some(())
    }

    /// How the state of a refund in the ledger differs from what the trail says of it, if it does. `before`: the time of the
    /// cut, if the trail was cut: what did not change since is held against the digest.
    pub(super) fn state_difference(&self, refund: &Refund, before: Option<Timestamp>) -> Option<String> {
        let held = refund.state();
        let begun = if refund.is_simulated() { RefundState::Paid } else { RefundState::Requested };
        let changes = self.changes.get(&refund.order_id);
        if changes.is_some_and(|changes| changes.open.iter().any(|(_, to)| *to == held)) {
            return None;
        }
        let said = match changes.and_then(|changes| changes.last) {
            Some(last) => last,
            None if before.is_some_and(|before| refund.at < before) => return None,
            None => begun,
        };
        (said != held).then(|| {
            format!(
                "the ledger says that the refund of {} is {}, and the entries that it is {}",
                refund.order_id,
                held.as_str(),
                said.as_str()
            )
        })
    }

    /// The state that a refund had before the first noted entry.
    pub(super) fn state_before(&self, refund: &Refund) -> RefundState {
        let held = refund.state();
        let Some(changes) = self.changes.get(&refund.order_id) else { return held };
        let open = || changes.open.iter().find(|(_, to)| *to == held).map(|(from, _)| *from);
        changes.first.or_else(open).unwrap_or(held)
    }

    /// Whether a refund of this order may be in the ledger.
    pub(super) fn vouch_for(&self, order: &OrderId) -> bool {
        self.paid.contains(order) || self.open.get(order).is_some_and(|open| *open > 0)
    }
}

/// The record with which a part of the trail begins that a key signs. `before` is the key that signed until then.
pub(super) fn begin_signing(key: &AuditKey, before: Option<&str>, length: u64, now: Timestamp) -> AuditRecord {
    AuditRecord {
        at: now,
        actor: SYSTEM.to_owned(),
        action: SIGNING.to_owned(),
        phase: AuditPhase::Finished,
        arguments: json!({"key": key.id(), "before": before}),
        result: json!({"entries_before": length}),
    }
}

/// What is wrong with an empty trail that no key signed as empty, in a store that worked.
pub(super) const WIPED: &str = "there are no entries and no signed end, although the store holds work: the trail was removed, or \
    `ecomres audit-key --begin` was not run since the key is there";

/// What is wrong with an end that another key signed.
pub(super) fn signed_by_other(signed: &str, here: &AuditKey) -> String {
    format!("the trail is signed with the key {signed}, and the key here is {}", here.id())
}

/// Whether an entry was signed with a key, or says that a part began or ended that the key signed.
pub(super) fn names_key(entry: &AuditEntry, key: &AuditKey) -> bool {
    entry.key_id() == Some(key.id())
        || entry.record().is_some_and(|record| {
            record.action == SIGNING
                && record.actor == SYSTEM
                && ["key", "before"].iter().any(|name| record.arguments[*name] == key.id())
        })
}

/// Says, once, that the end of the trail was changed behind the store's back: from then on nothing is written.
pub(super) fn report_forged_end() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        tracing::error!(
            "the end of the audit trail is not the one that was signed: somebody changed the store; ecomres report audit --verify"
        );
    });
}

/// How the ledger differs from the recorded result of a call that paid, if it does.
pub(super) fn difference(refund: Option<&Refund>, order: &OrderId, result: &Value) -> Option<String> {
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
    match Money::from_json(&result["amount_refunded"], refund.currency) {
        Ok(amount) if amount == refund.amount => difference_of_rest(refund, order, result),
        Ok(amount) => {
            let shown = |amount: Money| amount.to_json(refund.currency);
            let (recorded, held) = (shown(amount), shown(refund.amount));
            Some(format!("it records {recorded} for {order}, and the ledger holds {held} {}", refund.currency))
        }
        Err(error) => Some(format!("the amount that it records for {order} cannot be read: {error}")),
    }
}

/// How the rest of a refund differs from what is recorded of it: what was erased, or never recorded, is left out.
fn difference_of_rest(refund: &Refund, order: &OrderId, result: &Value) -> Option<String> {
    let held = serde_json::to_value(refund).ok()?;
    let recorded = result.get(LEDGER)?.as_object()?;
    let (name, told) = recorded.iter().find(|(name, told)| held.get(name.as_str()) != Some(told))?;
    let there = held.get(name.as_str()).map_or_else(|| "nothing".to_owned(), Value::to_string);
    let (told, there) = (excerpt(&told.to_string(), 80), excerpt(&there, 80));
    Some(format!("it records {told} as the {name} of {order}'s refund, and the ledger holds {there}"))
}

/// Describes a refund in the ledger that no entry records.
pub(super) fn unrecorded(transaction: &str, order: &OrderId) -> String {
    format!("the ledger holds refund {transaction} of {order}, and no entry records it")
}

/// The number of refunds in the ledger from before a time, and a digest of them that does not depend on their order. They
/// count with the states that they had before the entries that `records` holds.
pub(super) fn ledger_before(refunds: &[Refund], before: Timestamp, records: &RefundRecords) -> (u64, String) {
    digest_before(refunds, before, |refund| {
        let quote = refund.quote_id.as_ref().map_or("", |quote| quote.as_str());
        // As JSON: no text can pass for two columns. Rupees are not named: digests of before there was a choice still hold.
        let mut columns = json!([
            refund.order_id,
            refund.transaction_id,
            refund.amount.minor_units(),
            refund.fee.minor_units(),
            quote,
            refund.reason,
            refund.actor,
            refund.at.as_microsecond()
        ]);
        // Those of the ledger alone have neither: a checkpoint of before there were others still holds.
        if let Some(columns) = columns.as_array_mut().filter(|_| !refund.is_simulated()) {
            columns.push(json!([refund.route, records.state_before(refund)]));
        }
        if let (false, Some(columns)) = (refund.currency == Currency::INR, columns.as_array_mut()) {
            columns.push(refund.currency.code().into());
        }
        if let (false, Some(columns)) = (refund.items.is_empty(), columns.as_array_mut()) {
            columns.push(json!(refund.items));
        }
        columns.to_string()
    })
}

/// As [`ledger_before`], of the columns that versions before this one looked at.
fn some_before(refunds: &[Refund], before: Timestamp) -> (u64, String) {
    digest_before(refunds, before, |refund| {
        format!("{}|{}|{}", refund.order_id, refund.transaction_id, refund.amount.minor_units())
    })
}

fn digest_before(refunds: &[Refund], before: Timestamp, line: impl Fn(&Refund) -> String) -> (u64, String) {
    let mut old: Vec<&Refund> = refunds.iter().filter(|refund| refund.at < before).collect();
    old.sort_by(|one, other| one.order_id.cmp(&other.order_id));
    let mut hasher = Sha256::new();
    for refund in &old {
        hasher.update(line(refund) + "\n");
    }
    (old.len() as u64, hex::encode(hasher.finalize()))
}

/// How the refunds from before a checkpoint differ from those that the removed entries agreed with, if they do.
/// `records` holds the entries after it.
pub(super) fn changed_since(
    refunds: &[Refund],
    checkpoint: &Checkpoint,
    records: &RefundRecords,
) -> Option<(u64, String)> {
    let (count, digest) = ledger_before(refunds, checkpoint.before, records);
    let said = (checkpoint.refunds, &checkpoint.ledger);
    // A digest of one kind is none of the other: the checkpoint decides which columns count.
    if (count, &digest) == said || (count, &some_before(refunds, checkpoint.before).1) == said {
        return None;
    }
    let why = format!(
        "the {} refunds of before {} that the removed entries agreed with are not the {count} that the ledger holds now",
        checkpoint.refunds, checkpoint.before
    );
    Some((checkpoint.seq, why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::audit::GENESIS;

    #[test]
    fn a_call_vouches_for_the_order_that_it_paid_by_whatever_name_it_was_called() {
        let id = OrderId::new("ORD000030");
        for result in [
            json!({"status": "success", "transaction_id": "RFND_1", "order_id": "ORD000030"}),
            json!({"status": "success", "transaction_id": "RFND_1", "ledger": {"order_id": "ORD000030"}}),
        ] {
            let record = |phase, result: Value| AuditRecord {
                at: Timestamp::UNIX_EPOCH,
                actor: "operator:x".to_owned(),
                action: REFUND_TOOL.to_owned(),
                phase,
                arguments: json!({"order_id": "1001"}),
                result,
            };
            let mut records = RefundRecords::default();
            let started = AuditEntry::seal(1, GENESIS, &record(AuditPhase::Started, Value::Null), 1, None);
            assert_eq!(records.note(&started), None);
            let finished = AuditEntry::seal(2, &started.hash, &record(AuditPhase::Finished, result.clone()), 2, None);
            assert_eq!(records.note(&finished), Some((id.clone(), result)));
            assert!(records.vouch_for(&id) && !records.vouch_for(&OrderId::new("1001")));
        }
    }
}

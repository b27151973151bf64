//! What remains of entries that retention removes or that are erased for a customer, and which entries record it.
//!
//! A chain of hashes cannot be changed, and personal data has to be deletable. So an erased entry keeps its place, its
//! hash and the hash before it, and its content is replaced by what remains without the person (that a refund was paid
//! stays: accounting law requires it). An entry that is written before the erasure holds a digest of what will remain.
//! The salt is erased with the content: the content cannot be guessed from the hash. Removed entries are recorded by an
//! entry that holds the place and hash of the last of them. Nothing may ever be removed or erased without such an
//! entry.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::entry::{AuditEntry, AuditPhase, AuditRecord, SYSTEM};
use crate::domain::ids::UserId;

/// The action of an entry that records an erasure.
pub const FORGET: &str = "forget";
/// The action of an entry that records up to where entries were removed.
pub const RETENTION: &str = "retention";
/// The actor of an erased entry that was a customer's.
pub const ERASED_CUSTOMER: &str = "customer:(erased)";
/// The word for an erased content in reports.
pub(super) const ERASED: &str = "erased";

/// How an erased content begins; a complete one begins with its salt.
const ERASED_PREFIX: &str = r#"{"erased":true"#;
/// The tool whose calls pay, and the fields of its result that accounting needs.
const REFUND: &str = "process_refund";
/// What else may pay: tools that do something to an order, and the team's word that something came back.
pub const PAYING: [&str; 3] = ["cancel_order", "return_order", "finish_action"];
/// What the recorded result of a call that paid holds of the ledger's row.
pub const LEDGER: &str = "ledger";
/// The action of an entry that records how a refund's state changes: `order_id`, `from` and `to` in its arguments.
pub const REFUND_STATE: &str = "refund_state";
/// The columns of it that name nobody.
const LEDGER_FIELDS: [&str; 4] = ["order_id", "fee", "quote_id", "at"];
const ACCOUNTING_FIELDS: [&str; 4] = ["status", "transaction_id", "amount_refunded", "currency"];

/// Up to where entries were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The place of the last removed entry.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// All removed entries are older than this.
    pub before: Timestamp,
    /// How many refunds before that time the ledger held.
    pub refunds: u64,
    /// SHA-256 over those refunds, which the removed entries agreed with.
    pub ledger: String,
}

impl Checkpoint {
    /// The record that is appended before the entries are removed.
    pub fn record(&self, now: Timestamp) -> AuditRecord {
        AuditRecord {
            at: now,
            actor: SYSTEM.to_owned(),
            action: RETENTION.to_owned(),
            phase: AuditPhase::Started,
            // Texts and numbers: it always serialises.
            arguments: serde_json::to_value(self).unwrap_or_default(),
            result: Value::Null,
        }
    }

    /// Whether a record is the one of this checkpoint.
    pub(super) fn is_recorded_by(&self, record: &AuditRecord) -> bool {
        record.action == RETENTION
            && record.is_intent()
            && serde_json::from_value(record.arguments.clone()).is_ok_and(|said: Self| said == *self)
    }
}

/// The record that is appended before the contents of entries are erased: their places with digests of what will
/// remain. `reference` stands for the customer.
pub fn forget_record(reference: &str, left: &[AuditEntry], now: Timestamp) -> AuditRecord {
    let erased: Map<String, Value> =
        left.iter().map(|entry| (entry.seq.to_string(), Value::String(entry.content_digest()))).collect();
    AuditRecord {
        at: now,
        actor: SYSTEM.to_owned(),
        action: FORGET.to_owned(),
        phase: AuditPhase::Started,
        arguments: json!({"reference": reference, "erased": erased}),
        result: Value::Null,
    }
}

/// The places that a record names as erased, with digests of what remains there.
pub(super) fn recorded_erasures(record: &AuditRecord) -> Vec<(u64, String)> {
    if record.action != FORGET || !record.is_intent() {
        return Vec::new();
    }
    let erased = record.arguments.get("erased").and_then(Value::as_object).into_iter().flatten();
    erased.filter_map(|(seq, digest)| Some((seq.parse().ok()?, digest.as_str()?.to_owned()))).collect()
}

impl AuditRecord {
    /// Whether it says what is about to be done. The outcome of a call, such as of one that was denied, vouches for
    /// nothing that was removed.
    fn is_intent(&self) -> bool {
        self.phase == AuditPhase::Started && self.result.is_null()
    }
}

impl AuditEntry {
    /// Whether its content was erased.
    pub fn is_erased(&self) -> bool {
        self.content.starts_with(ERASED_PREFIX)
    }

    /// Whether it mentions a customer: as the actor, or somewhere in arguments or result.
    pub fn mentions(&self, user: &UserId) -> bool {
        let name = user.as_str();
        if name.is_empty() || self.is_erased() {
            return false;
        }
        let Some(record) = self.record() else { return contains_name(&self.content, name) };
        record.actor.strip_prefix("customer:") == Some(name)
            || any_text(&record.arguments, &|text| contains_name(text, name))
            || any_text(&record.result, &|text| contains_name(text, name))
    }

    /// The entry without personal data: what remains when its content is erased.
    #[must_use]
    pub fn erased(&self) -> Self {
        let content = match self.record() {
            None => format!("{ERASED_PREFIX}}}"),
            Some(record) => {
                let paying = record.action == REFUND || PAYING.contains(&record.action.as_str());
                let retain = |value: &Value, names: &[&str]| {
                    let fields = names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())));
                    let fields: Map<String, Value> = fields.filter(|_| paying).collect();
                    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
                };
                let mut result = retain(&record.result, &ACCOUNTING_FIELDS);
                if let Some(paid) = record.result.get(LEDGER)
                    && let Some(left) = result.as_object_mut()
                {
                    left.insert(LEDGER.to_owned(), retain(paid, &LEDGER_FIELDS));
                }
                let actor = if record.actor.starts_with("customer:") { ERASED_CUSTOMER } else { &record.actor };
                let left = AuditRecord {
                    actor: actor.to_owned(),
                    arguments: retain(&record.arguments, &["order_id"]),
                    result,
                    ..record.clone()
                };
                let left = serde_json::to_string(&left).unwrap_or_default();
                format!("{ERASED_PREFIX},{}", left.strip_prefix('{').unwrap_or("}"))
            }
        };
        Self { content, ..self.clone() }
    }

    /// The record, where it is one of the program itself about removing or erasing.
    pub(super) fn removal_record(&self) -> Option<AuditRecord> {
        if !self.content.contains(FORGET) && !self.content.contains(RETENTION) {
            return None;
        }
        self.record().filter(|record| record.actor == SYSTEM)
    }
}

/// Whether a text contains a name that is not part of a longer word or number.
fn contains_name(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.into_iter().chain(after).any(char::is_alphanumeric)
    })
}

fn any_text(value: &Value, wanted: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => wanted(text),
        Value::Number(number) => wanted(&number.to_string()),
        Value::Array(values) => values.iter().any(|value| any_text(value, wanted)),
        Value::Object(values) => values.iter().any(|(key, value)| wanted(key) || any_text(value, wanted)),
        Value::Null | Value::Bool(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whole() {
        for (text, found) in [("91", true), ("call 91.", true), ("919", false), ("a91", false), ("9 1", false)] {
            assert_eq!(contains_name(text, "91"), found, "{text}");
        }
    }
}

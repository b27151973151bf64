//! Decides what is left of entries that retention removes or a customer wants erased, and which entry vouches for that.
//!
//! It must never let anything be removed or erased that no later, chained entry of the system itself names.
//!
//! A chain of hashes cannot be changed, and personal data has to go: so an erased entry keeps its place, its hash and the
//! hash before it, and its content is replaced by what is left without the person (that a refund was paid stays: the law
//! wants the books). A later entry, written before the erasure, holds a digest of what is left. The salt goes with the
//! content: what it said cannot be guessed from the hash. Removed entries are vouched for by an entry that holds the place
//! and hash of the last of them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{AuditEntry, AuditPhase, AuditRecord, hexadecimal};
use crate::domain::ids::UserId;

/// The actor of what the program does by itself, or at the command line.
pub const SYSTEM: &str = "system";
/// The action of an entry that says whose data was erased.
pub const FORGET: &str = "forget";
/// The action of an entry that says up to where entries were removed.
pub const RETENTION: &str = "retention";
/// The actor of an entry whose customer was forgotten.
pub const ERASED_CUSTOMER: &str = "customer:(erased)";
/// What is said of a content that is not there any more.
pub(super) const ERASED: &str = "erased";

/// How an erased content begins; a whole one begins with its salt.
const MARK: &str = r#"{"erased":true"#;
/// The tool whose calls pay, and what of its result the books need.
const REFUND: &str = "process_refund";
const BOOKED: [&str; 3] = ["status", "transaction_id", "amount_refunded"];

/// Up to where entries were removed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The place of the last removed entry.
    pub seq: u64,
    /// Its hash.
    pub hash: String,
    /// All removed entries were of before this time.
    pub before: Timestamp,
    /// How many refunds the ledger held of before that time.
    pub refunds: u64,
    /// SHA-256 over those refunds: the removed entries agreed with them.
    pub ledger: String,
}

impl Checkpoint {
    /// What is put on record before the entries are removed.
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

    /// Whether a record vouches for this.
    pub(super) fn is_said_by(&self, record: &AuditRecord) -> bool {
        record.action == RETENTION
            && serde_json::from_value(record.arguments.clone()).is_ok_and(|said: Self| said == *self)
    }
}

/// What is put on record before the contents of entries are erased: their places with digests of what will be left.
/// `reference` stands for the customer.
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

/// The places that a record says were erased, with digests of what is left there.
pub(super) fn vouched_erasures(record: &AuditRecord) -> Vec<(u64, String)> {
    if record.action != FORGET {
        return Vec::new();
    }
    let erased = record.arguments.get("erased").and_then(Value::as_object).into_iter().flatten();
    erased.filter_map(|(seq, digest)| Some((seq.parse().ok()?, digest.as_str()?.to_owned()))).collect()
}

impl AuditEntry {
    /// Whether its content was erased.
    pub fn is_erased(&self) -> bool {
        self.content.starts_with(MARK)
    }

    /// Whether it says something of a customer: as the one who acted, or somewhere in arguments or result.
    pub fn mentions(&self, user: &UserId) -> bool {
        let name = user.as_str();
        if name.is_empty() || self.is_erased() {
            return false;
        }
        let Some(record) = self.record() else { return holds(&self.content, name) };
        record.actor.strip_prefix("customer:") == Some(name)
            || any_text(&record.arguments, &|text| holds(text, name))
            || any_text(&record.result, &|text| holds(text, name))
    }

    /// The entry without the person: what is left when its content is erased.
    #[must_use]
    pub fn erased(&self) -> Self {
        let content = match self.record() {
            None => format!("{MARK}}}"),
            Some(record) => {
                let paying = record.action == REFUND;
                let kept = |value: &Value, names: &[&str]| {
                    let kept = names.iter().filter_map(|name| Some(((*name).to_owned(), value.get(name)?.clone())));
                    let kept: Map<String, Value> = kept.filter(|_| paying).collect();
                    if kept.is_empty() { Value::Null } else { Value::Object(kept) }
                };
                let actor = if record.actor.starts_with("customer:") { ERASED_CUSTOMER } else { &record.actor };
                let left = AuditRecord {
                    actor: actor.to_owned(),
                    arguments: kept(&record.arguments, &["order_id"]),
                    result: kept(&record.result, &BOOKED),
                    ..record.clone()
                };
                let left = serde_json::to_string(&left).unwrap_or_default();
                format!("{MARK},{}", left.strip_prefix('{').unwrap_or("}"))
            }
        };
        Self { content, ..self.clone() }
    }

    /// A digest of the content alone.
    pub(super) fn content_digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.content.as_bytes());
        hexadecimal(hasher)
    }

    /// The record, where it is one of the program itself about removing or erasing.
    pub(super) fn upkeep(&self) -> Option<AuditRecord> {
        if !self.content.contains(FORGET) && !self.content.contains(RETENTION) {
            return None;
        }
        self.record().filter(|record| record.actor == SYSTEM)
    }
}

/// Whether a text holds a name that does not go on before or after it.
fn holds(text: &str, name: &str) -> bool {
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
    use super::super::tests::{chain, verify};
    use super::super::{AuditCheck, AuditVerifier};
    use super::*;

    fn next(entries: &[AuditEntry], record: &AuditRecord) -> AuditEntry {
        let last = entries.last().unwrap();
        AuditEntry::seal(last.seq + 1, &last.hash, record, 7)
    }

    /// A chain of 5 with a record of the erasure of two, which are erased.
    fn forgotten() -> Vec<AuditEntry> {
        let mut entries = chain(5);
        let left = vec![entries[1].erased(), entries[3].erased()];
        entries.push(next(&entries, &forget_record("somebody", &left, Timestamp::UNIX_EPOCH)));
        for entry in left {
            let place = usize::try_from(entry.seq).unwrap() - 1;
            entries[place] = entry;
        }
        entries
    }

    #[test]
    fn an_erased_entry_holds_no_person_and_what_the_books_need() {
        let entry = &chain(1)[0];
        assert!(entry.mentions(&UserId::new("1")) && !entry.is_erased());
        let erased = entry.erased();
        assert!(erased.is_erased() && !erased.mentions(&UserId::new("1")));
        let record = erased.record().unwrap();
        assert_eq!((record.actor.as_str(), record.action.as_str()), (ERASED_CUSTOMER, REFUND));
        assert_eq!(
            (record.arguments["order_id"].as_str(), record.result["status"].as_str()),
            (Some("ORD000001"), Some("success"))
        );
        assert!(!erased.content.contains("salt"), "{}", erased.content);
    }

    #[test]
    fn names_are_found_whole() {
        for (text, found) in [("91", true), ("call 91.", true), ("919", false), ("a91", false), ("9 1", false)] {
            assert_eq!(holds(text, "91"), found, "{text}");
        }
    }

    #[test]
    fn an_erasure_that_is_on_record_holds_and_no_other() {
        let entries = forgotten();
        assert_eq!(verify(&entries, Some(6)), AuditCheck { erased: 2, ..AuditCheck::whole(6) });

        let mut more = entries.clone();
        more[2] = more[2].erased();
        assert_eq!(verify(&more, None).broken.unwrap().0, 3, "one that is not named");

        let mut altered = entries.clone();
        altered[1].content = altered[1].content.replace("success", "refused");
        assert_eq!(verify(&altered, None).broken.unwrap().0, 2, "what is left is sealed too");

        let mut denied = entries.clone();
        denied.truncate(5);
        assert_eq!(verify(&denied, None).broken.unwrap().0, 2, "without the record");
        denied.push(next(&denied, &AuditRecord { actor: "operator:x".to_owned(), ..entries[5].record().unwrap() }));
        assert_eq!(verify(&denied, None).broken.unwrap().0, 2, "only the program itself vouches");
    }

    #[test]
    fn entries_that_were_removed_are_vouched_for() {
        let mut entries = chain(5);
        let checkpoint = Checkpoint {
            seq: 3,
            hash: entries[2].hash.clone(),
            before: Timestamp::UNIX_EPOCH,
            refunds: 0,
            ledger: String::new(),
        };
        let check = |entries: &[AuditEntry], checkpoint: &Checkpoint| {
            let mut verifier = AuditVerifier::after(Some(checkpoint));
            entries.iter().for_each(|entry| verifier.check(entry));
            verifier.finish(Some(6))
        };
        entries.push(next(&entries, &checkpoint.record(Timestamp::UNIX_EPOCH)));
        assert_eq!(check(&entries[3..], &checkpoint), AuditCheck { removed: 3, ..AuditCheck::whole(3) });
        assert_eq!(verify(&entries, Some(6)).broken, None, "also before they are removed");
        let further = Checkpoint { seq: 4, hash: entries[3].hash.clone(), ..checkpoint.clone() };
        assert!(check(&entries[4..], &further).broken.unwrap().1.contains("no entry says"));
        assert!(check(&entries[4..], &checkpoint).broken.is_some(), "more than that is missing");
        assert!(check(&entries[3..], &Checkpoint { refunds: 1, ..checkpoint }).broken.is_some());
    }
}

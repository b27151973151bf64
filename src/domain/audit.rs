//! Decides how the audit trail is chained: each entry's hash covers its content and the hash before it.
//!
//! It must never change an entry: a correction is a new entry. What the law wants removed is removed so that the chain still
//! holds, and only where a later entry says so (`audit/upkeep.rs`).

mod upkeep;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use upkeep::{Checkpoint, ERASED_CUSTOMER, FORGET, RETENTION, SYSTEM, forget_record};
use upkeep::{ERASED, vouched_erasures};

/// What is about to be recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// On whose behalf: `customer:…`, `operator:…` or `system`.
    pub actor: String,
    /// What was done: a tool's name, or `forget`, `import`….
    pub action: String,
    /// `started` is written before a tool that changes something runs, `finished` after any tool ran.
    pub phase: AuditPhase,
    /// The arguments as JSON.
    pub arguments: serde_json::Value,
    /// The result as JSON; null while started.
    pub result: serde_json::Value,
}

/// The two moments that are recorded of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AuditPhase {
    /// Before a call that changes something.
    Started,
    /// After a call.
    Finished,
}

/// A record in its place in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// The hash of the entry before, 64 zeros for the first.
    pub previous: String,
    /// SHA-256 over place, previous hash and content, in hexadecimal.
    pub hash: String,
    /// The content exactly as it was hashed: the record as JSON, with a salt, so that nobody can find out by guessing what
    /// an entry said whose content was erased. Of an erased entry, what is left of the record.
    pub content: String,
}

/// The content of an entry.
#[derive(Serialize)]
struct Salted<'a> {
    salt: String,
    #[serde(flatten)]
    record: &'a AuditRecord,
}

/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

impl AuditEntry {
    /// Seals a record at a place in the chain. `salt` is any number that nobody can guess.
    pub fn seal(seq: u64, previous: &str, record: &AuditRecord, salt: u128) -> Self {
        // A record holds only texts, numbers and JSON values: it always serialises.
        let content = serde_json::to_string(&Salted { salt: format!("{salt:032x}"), record }).unwrap_or_default();
        let hash = digest(seq, previous, &content);
        Self { seq, previous: previous.to_owned(), hash, content }
    }

    /// The record inside, where the content still reads as one.
    pub fn record(&self) -> Option<AuditRecord> {
        serde_json::from_str(&self.content).ok()
    }
}

fn digest(seq: u64, previous: &str, content: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(seq.to_be_bytes());
    hasher.update(previous.as_bytes());
    hasher.update(content.as_bytes());
    hexadecimal(hasher)
}

fn hexadecimal(hasher: Sha256) -> String {
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What checking the chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditCheck {
    /// Entries looked at.
    pub entries: u64,
    /// Entries before those, which were removed because they were old, as an entry says.
    pub removed: u64,
    /// Entries whose content was erased at the wish of a customer, as an entry says of each.
    pub erased: u64,
    /// The first place where the chain does not hold, and why.
    pub broken: Option<(u64, String)>,
}

impl AuditCheck {
    /// A chain of so many entries that holds, with nothing removed or erased.
    pub fn whole(entries: u64) -> Self {
        Self { entries, removed: 0, erased: 0, broken: None }
    }
}

/// Checks entries one after another, in the order of their places.
#[derive(Debug, Clone)]
pub struct AuditVerifier {
    expected_seq: u64,
    previous: String,
    broken: Option<(u64, String)>,
    /// Up to where entries were removed, until an entry says so.
    unproven: Option<Checkpoint>,
    removed: u64,
    /// What is left of the erased entries that no entry has vouched for yet: a digest of each, by its place.
    erased: BTreeMap<u64, String>,
    erasures: u64,
}

impl Default for AuditVerifier {
    fn default() -> Self {
        Self::after(None)
    }
}

impl AuditVerifier {
    /// For a chain whose entries up to a checkpoint were removed.
    pub fn after(checkpoint: Option<&Checkpoint>) -> Self {
        let removed = checkpoint.map_or(0, |checkpoint| checkpoint.seq);
        Self {
            expected_seq: removed + 1,
            previous: checkpoint.map_or_else(|| GENESIS.to_owned(), |checkpoint| checkpoint.hash.clone()),
            broken: None,
            unproven: checkpoint.cloned(),
            removed,
            erased: BTreeMap::new(),
            erasures: 0,
        }
    }

    /// Looks at the next entry.
    pub fn check(&mut self, entry: &AuditEntry) {
        if self.broken.is_none() {
            let found = if entry.seq != self.expected_seq {
                Some(format!("entry {} is missing", self.expected_seq))
            } else if entry.previous != self.previous {
                Some("it does not name the entry before it".to_owned())
            } else if entry.is_erased() {
                self.erased.insert(entry.seq, entry.content_digest());
                self.erasures += 1;
                None
            } else if entry.hash != digest(entry.seq, &entry.previous, &entry.content) {
                Some("its content does not match its hash".to_owned())
            } else {
                self.take_word_of(entry);
                None
            };
            self.broken = found.map(|why| (entry.seq, why));
        }
        self.expected_seq = entry.seq + 1;
        self.previous.clone_from(&entry.hash);
    }

    /// What an entry says was removed or erased before it.
    fn take_word_of(&mut self, entry: &AuditEntry) {
        if self.unproven.is_none() && self.erased.is_empty() {
            return;
        }
        let Some(record) = entry.upkeep() else { return };
        if self.unproven.as_ref().is_some_and(|checkpoint| checkpoint.is_said_by(&record)) {
            self.unproven = None;
        }
        for (seq, digest) in vouched_erasures(&record) {
            if self.erased.get(&seq) == Some(&digest) {
                self.erased.remove(&seq);
            }
        }
    }

    /// The outcome. `head` is the place of the last entry that the store believes it wrote, where it keeps that.
    pub fn finish(self, head: Option<u64>) -> AuditCheck {
        let last = self.expected_seq - 1;
        let cut = head.filter(|head| *head > last);
        let cut = cut.map(|head| (last + 1, format!("the last {} entries are missing", head - last)));
        let unproven = self.unproven.map(|checkpoint| {
            (
                checkpoint.seq,
                format!("the entries up to {} are missing, and no entry says that they were removed", checkpoint.seq),
            )
        });
        let erased = self.erased.into_keys().next();
        let erased = erased.map(|seq| (seq, format!("it was {ERASED}, and no later entry says so")));
        AuditCheck {
            entries: last - self.removed,
            removed: self.removed,
            erased: self.erasures,
            broken: self.broken.or(cut).or(unproven).or(erased),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn chain(count: u64) -> Vec<AuditEntry> {
        let mut previous = GENESIS.to_owned();
        (1..=count)
            .map(|seq| {
                let record = AuditRecord {
                    at: Timestamp::UNIX_EPOCH,
                    actor: "customer:1".into(),
                    action: "process_refund".into(),
                    phase: AuditPhase::Finished,
                    arguments: serde_json::json!({"order_id": format!("ORD{seq:06}")}),
                    result: serde_json::json!({"status": "success"}),
                };
                let entry = AuditEntry::seal(seq, &previous, &record, seq.into());
                previous.clone_from(&entry.hash);
                entry
            })
            .collect()
    }

    pub(super) fn verify(entries: &[AuditEntry], head: Option<u64>) -> AuditCheck {
        let mut verifier = AuditVerifier::default();
        entries.iter().for_each(|entry| verifier.check(entry));
        verifier.finish(head)
    }

    #[test]
    fn an_untouched_chain_holds() {
        assert_eq!(verify(&chain(5), Some(5)), AuditCheck::whole(5));
        assert_eq!(verify(&[], Some(0)).broken, None);
    }

    #[test]
    fn every_kind_of_tampering_is_found() {
        let mut edited = chain(5);
        edited[2].content = edited[2].content.replace("success", "refused");
        assert_eq!(verify(&edited, None).broken.unwrap().0, 3);

        let mut removed = chain(5);
        removed.remove(1);
        assert_eq!(verify(&removed, None).broken.unwrap().0, 3);

        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert!(verify(&swapped, None).broken.is_some());

        let mut resealed = chain(5);
        let mut record = resealed[2].record().unwrap();
        record.actor = "operator:x".into();
        resealed[2] = AuditEntry::seal(3, &resealed[2].previous.clone(), &record, 3);
        assert_eq!(verify(&resealed, None).broken.unwrap().0, 4);

        let mut cut = chain(5);
        cut.truncate(3);
        assert_eq!(verify(&cut, Some(5)).broken.unwrap().0, 4);
    }
}

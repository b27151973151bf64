//! Checks the chain entry by entry. Removed entries and erased contents count as valid only where a later entry of the
//! program itself names them.

use std::collections::BTreeMap;

use serde::Serialize;

use super::entry::{AuditEntry, GENESIS};
use super::key::AuditKey;
use super::removal::{Checkpoint, ERASED, recorded_erasures};

/// The outcome of checking the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditCheck {
    /// Entries that were checked.
    pub entries: u64,
    /// Entries before those that retention removed, as a later entry records.
    pub removed: u64,
    /// Entries whose content was erased for a customer, each recorded by a later entry.
    pub erased: u64,
    /// Entries whose signature was checked with the key.
    pub signed: u64,
    /// Entries with a signature that could not be checked, because the key is not here.
    pub unchecked: u64,
    /// The first invalid place, and why it is invalid.
    pub broken: Option<(u64, String)>,
}

impl AuditCheck {
    /// A valid chain of this many entries, with nothing removed or erased.
    pub fn whole(entries: u64) -> Self {
        Self { entries, removed: 0, erased: 0, signed: 0, unchecked: 0, broken: None }
    }
}

/// Checks entries one after another, in the order of their places.
#[derive(Debug, Clone)]
pub struct AuditVerifier {
    expected_seq: u64,
    previous: String,
    broken: Option<(u64, String)>,
    /// Up to where entries were removed, as long as no entry that records it was seen.
    unrecorded_removal: Option<Checkpoint>,
    removed: u64,
    /// Erased entries that no later entry has recorded yet: the digest of what remains, by place.
    unrecorded_erasures: BTreeMap<u64, String>,
    erased: u64,
    key: Option<AuditKey>,
    signed: u64,
    unchecked: u64,
    /// The other key that signed the latest entry that the key here did not sign.
    other: Option<String>,
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
            unrecorded_removal: checkpoint.cloned(),
            removed,
            unrecorded_erasures: BTreeMap::new(),
            erased: 0,
            key: None,
            signed: 0,
            unchecked: 0,
            other: None,
        }
    }

    /// Also checks signatures: from the first entry on that this key signed, it has to have signed each.
    #[must_use]
    pub fn with_key(self, key: Option<AuditKey>) -> Self {
        Self { key, ..self }
    }

    /// How many entries the key was found to have signed so far.
    pub fn signed(&self) -> u64 {
        self.signed
    }

    /// Checks the next entry.
    pub fn check(&mut self, entry: &AuditEntry) {
        if self.broken.is_none() {
            let found = if entry.seq != self.expected_seq {
                Some(format!("entry {} is missing", self.expected_seq))
            } else if entry.previous != self.previous {
                Some("it does not name the entry before it".to_owned())
            } else if entry.is_erased() {
                self.unrecorded_erasures.insert(entry.seq, entry.content_digest());
                self.erased += 1;
                None
            } else if !entry.has_valid_hash() {
                Some("its content does not match its hash".to_owned())
            } else if let Some(why) = self.wrong_signature(entry) {
                Some(why)
            } else {
                self.note_removals(entry);
                None
            };
            self.broken = found.map(|why| (entry.seq, why));
        }
        self.expected_seq = entry.seq + 1;
        self.previous.clone_from(&entry.hash);
    }

    /// What is wrong with the signature of an entry, if anything; counts it where it holds.
    fn wrong_signature(&mut self, entry: &AuditEntry) -> Option<String> {
        match (&self.key, entry.key_id()) {
            (Some(key), Some(id)) if id == key.id() => {
                if !entry.is_signed_by(key) {
                    return Some(format!("its signature is not that of the key {id}"));
                }
                self.signed += 1;
                None
            }
            // The part before: what begins the signed part vouches for it.
            (Some(_), id) if self.signed == 0 => {
                self.other = id.map(str::to_owned);
                None
            }
            (Some(key), Some(id)) => {
                Some(format!("it is signed with the key {id}, and the entries before with {}", key.id()))
            }
            (Some(key), None) => {
                Some(format!("it is not signed, and the entries before are signed with the key {}", key.id()))
            }
            (None, Some(_)) => {
                self.unchecked += 1;
                None
            }
            (None, None) if self.unchecked > 0 => Some("it is not signed, and the entries before are".to_owned()),
            (None, None) => None,
        }
    }

    /// Notes what an entry records as removed or erased before it.
    fn note_removals(&mut self, entry: &AuditEntry) {
        if self.unrecorded_removal.is_none() && self.unrecorded_erasures.is_empty() {
            return;
        }
        let Some(record) = entry.removal_record() else { return };
        if self.unrecorded_removal.as_ref().is_some_and(|checkpoint| checkpoint.is_recorded_by(&record)) {
            self.unrecorded_removal = None;
        }
        for (seq, digest) in recorded_erasures(&record) {
            if self.unrecorded_erasures.get(&seq) == Some(&digest) {
                self.unrecorded_erasures.remove(&seq);
            }
        }
    }

    /// The outcome. `head` is the place of the last entry that the store wrote, where the store knows it.
    pub fn finish(self, head: Option<u64>) -> AuditCheck {
        let last = self.expected_seq - 1;
        let cut = head.filter(|head| *head > last);
        let cut = cut.map(|head| (last + 1, format!("the last {} entries are missing", head - last)));
        let removal = self.unrecorded_removal.map(|checkpoint| {
            (
                checkpoint.seq,
                format!("the entries up to {} are missing, and no entry says that they were removed", checkpoint.seq),
            )
        });
        let erasure = self.unrecorded_erasures.into_keys().next();
        let erasure = erasure.map(|seq| (seq, format!("it was {ERASED}, and no later entry says so")));
        let entries = last - self.removed;
        // Whoever may write the store can leave all signatures out; whoever has the key knows that they should be there.
        let unsigned = self.key.filter(|_| self.signed == 0 && entries > self.erased).map(|key| {
            let place = self.removed + 1;
            if let Some(other) = self.other {
                return (
                    place,
                    format!("the entries are signed with the key {other}, and the key here is {}", key.id()),
                );
            }
            (
                place,
                format!(
                    "none of the entries is signed with the key {}: they were put in the place of the signed ones, or \
                     `ecomres audit-key --begin` was not run since the key is there",
                    key.id()
                ),
            )
        });
        AuditCheck {
            entries,
            removed: self.removed,
            erased: self.erased,
            signed: self.signed,
            unchecked: self.unchecked,
            broken: self.broken.or(cut).or(removal).or(erasure).or(unsigned),
        }
    }
}

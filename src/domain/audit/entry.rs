//! Records and their place in the chain: the hash of each entry covers its place, its content and the hash before it.
//! No entry is ever changed; a correction is a new entry. What retention and erasure take away is in `removal.rs`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::key::{AuditKey, SIGNED_PREFIX, Signature};

/// The actor of what the program does by itself, or at the command line.
pub const SYSTEM: &str = "system";
/// The hash before the first entry.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

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

/// The two moments of a call that are recorded.
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
    /// The content exactly as it was hashed: the record as JSON, with a random salt, so that the content of an erased
    /// entry cannot be guessed from its hash; where the trail is signed, the signature and the key's identifier before
    /// that. Of an erased entry, what remains of the record.
    pub content: String,
}

/// The content of an entry.
#[derive(Serialize)]
struct Salted<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    salt: String,
    #[serde(flatten)]
    record: &'a AuditRecord,
}

impl AuditEntry {
    /// Seals a record at a place in the chain, and signs it with a key. `salt` is a random number.
    pub fn seal(seq: u64, previous: &str, record: &AuditRecord, salt: u128, key: Option<&AuditKey>) -> Self {
        let salted = Salted { key: key.map(AuditKey::id), salt: format!("{salt:032x}"), record };
        // A record holds only texts, numbers and JSON values: it always serialises.
        let mut content = serde_json::to_string(&salted).unwrap_or_default();
        if let Some(key) = key {
            let rest = format!("\",{}", content.strip_prefix('{').unwrap_or("}"));
            content = format!("{SIGNED_PREFIX}{}{rest}", key.sign_entry(seq, previous, &rest));
        }
        let hash = digest(seq, previous, &content);
        Self { seq, previous: previous.to_owned(), hash, content }
    }

    /// The identifier of the key that the entry says it was signed with.
    pub fn key_id(&self) -> Option<&str> {
        Signature::of(&self.content).map(|signature| signature.key)
    }

    /// Whether it carries the signature of this key over its place, the hash before it and its content.
    pub fn is_signed_by(&self, key: &AuditKey) -> bool {
        let signature = Signature::of(&self.content);
        signature.is_some_and(|signature| key.signed_entry(self.seq, &self.previous, &signature))
    }

    /// The record inside, where the content still reads as one.
    pub fn record(&self) -> Option<AuditRecord> {
        serde_json::from_str(&self.content).ok()
    }

    /// Whether the hash is that of the place, the previous hash and the content.
    pub(super) fn has_valid_hash(&self) -> bool {
        self.hash == digest(self.seq, &self.previous, &self.content)
    }

    /// SHA-256 of the content alone, in hexadecimal.
    pub(super) fn content_digest(&self) -> String {
        hex::encode(Sha256::digest(&self.content))
    }
}

fn digest(seq: u64, previous: &str, content: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(seq.to_be_bytes());
    hasher.update(previous.as_bytes());
    hasher.update(content.as_bytes());
    hex::encode(hasher.finalize())
}

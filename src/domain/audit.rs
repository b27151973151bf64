//! The audit trail: a chain of hashed and signed records. The modules use each other in one direction only: `key` (signs)
//! ← `entry` (what is recorded) ← `removal` (what retention and erasure take away, and the entries that must record it)
//! ← `verifier` (checks the chain). The trail never says less than what was done: entries are removed or erased only on record.

mod entry;
mod key;
mod removal;
mod verifier;

pub use entry::{AuditEntry, AuditPhase, AuditRecord, GENESIS, SYSTEM};
pub use key::{AuditKey, KEY_BYTES, SIGNING, SignedHead};
pub use removal::{Checkpoint, ERASED_CUSTOMER, FORGET, LEDGER, PAYING, REFUND_STATE, RETENTION, forget_record};
pub use verifier::{AuditCheck, AuditVerifier};

#[cfg(test)]
mod tests;

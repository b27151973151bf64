//! The audit trail: the entries, and apart from them where the chain ends. Only `retention.rs` and `erasure.rs` change
//! or remove entries, on record.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::audit_key::LoadedKey;
use super::super::trail::{
    REFUND_TOOL, RefundRecords, WIPED, begin_signing, changed_since, difference, names_key, report_forged_end,
    signed_by_other, unrecorded,
};
use super::super::{Audit, Result};
use super::{BackendError, SqliteStore, count, int, ledger, micros};
use crate::domain::audit::{
    AuditCheck, AuditEntry, AuditKey, AuditRecord, AuditVerifier, Checkpoint, GENESIS, PAYING, REFUND_STATE,
};
use crate::domain::ids::OrderId;

const SELECT_ENTRY: &str = "SELECT seq, previous, hash, content FROM audit";

fn read_entry(row: &Row<'_>) -> std::result::Result<AuditEntry, BackendError> {
    Ok(AuditEntry { seq: count(row.get(0)?)?, previous: row.get(1)?, hash: row.get(2)?, content: row.get(3)? })
}

/// The end of the chain as it was saved.
struct Head {
    seq: u64,
    hash: String,
    /// The identifier of the key that signed it, and the signature.
    signature: Option<(String, String)>,
}

impl Head {
    fn key(&self) -> Option<&str> {
        self.signature.as_ref().map(|(key, _)| key.as_str())
    }

    /// Whether it is the end that this key signed.
    fn is_signed_by(&self, key: &AuditKey) -> bool {
        self.signature.as_ref().is_some_and(|(id, mac)| id == key.id() && key.signed_end(self.seq, &self.hash, mac))
    }

    /// Whether the entry that it names is there; of an empty trail, whether there are none.
    fn is_there(&self, connection: &Connection) -> std::result::Result<bool, BackendError> {
        let sql = if self.seq == 0 {
            "SELECT ?1 = 0 AND ?2 <> '' AND NOT EXISTS (SELECT 1 FROM audit)"
        } else {
            "SELECT EXISTS (SELECT 1 FROM audit WHERE seq = ?1 AND hash = ?2)"
        };
        Ok(connection.prepare_cached(sql)?.query_row(params![int(self.seq), self.hash], |row| row.get(0))?)
    }
}

/// The end of the chain.
fn head(connection: &Connection) -> std::result::Result<Head, BackendError> {
    let mut statement = connection.prepare_cached("SELECT seq, hash, key, mac FROM audit_head")?;
    let read = |row: &Row<'_>| {
        let (seq, hash): (i64, String) = (row.get(0)?, row.get(1)?);
        let (key, mac): (Option<String>, Option<String>) = (row.get(2)?, row.get(3)?);
        Ok((seq, hash, key.zip(mac)))
    };
    match statement.query_row([], read).optional()? {
        Some((seq, hash, signature)) => Ok(Head { seq: count(seq)?, hash, signature }),
        None => Ok(Head { seq: 0, hash: GENESIS.to_owned(), signature: None }),
    }
}

/// Up to where entries of the audit trail were removed.
pub(super) fn checkpoint(connection: &Connection) -> std::result::Result<Option<Checkpoint>, BackendError> {
    let mut statement = connection.prepare_cached("SELECT document FROM audit_cut")?;
    let found: Option<String> = statement.query_row([], |row| row.get(0)).optional()?;
    let read = |document: String| serde_json::from_str(&document);
    let unreadable = |error| BackendError::Content(format!("what retention saved cannot be read: {error}"));
    found.map(read).transpose().map_err(unreadable)
}

/// Seals a record at the end of the chain, signed where there is a key: the chain then has to end as the key signed it.
pub(super) fn append(
    connection: &Connection,
    record: &AuditRecord,
    key: Option<&AuditKey>,
) -> std::result::Result<AuditEntry, BackendError> {
    let head = head(connection)?;
    match (head.key(), key) {
        (None, None) => {}
        (Some(signed), key) if key.is_none_or(|key| key.id() != signed) => return Err(other_key(signed, key)),
        (_, Some(key)) if head.is_signed_by(key) && head.is_there(connection)? => {}
        // To go on would vouch for what somebody else put there, or took away.
        (_, key) => {
            report_forged_end();
            return Err(BackendError::Unvouched(key.map_or_else(String::new, |key| key.id().to_owned())));
        }
    }
    let signer = key;
    append_after(connection, &head, record, signer)
}

fn other_key(signed: &str, key: Option<&AuditKey>) -> BackendError {
    BackendError::OtherKey { signed: signed.to_owned(), here: key.map(|key| key.id().to_owned()) }
}

fn append_after(
    connection: &Connection,
    head: &Head,
    record: &AuditRecord,
    signer: Option<&AuditKey>,
) -> std::result::Result<AuditEntry, BackendError> {
    let entry = AuditEntry::seal(head.seq + 1, &head.hash, record, rand::random(), signer);
    connection
        .prepare_cached("INSERT INTO audit (seq, previous, hash, content) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![int(entry.seq), entry.previous, entry.hash, entry.content])?;
    save_head(connection, entry.seq, &entry.hash, signer)?;
    Ok(entry)
}

fn save_head(
    connection: &Connection,
    seq: u64,
    hash: &str,
    signer: Option<&AuditKey>,
) -> std::result::Result<(), BackendError> {
    let mac = signer.map(|key| key.sign_end(seq, hash));
    connection
        .prepare_cached("INSERT OR REPLACE INTO audit_head (id, seq, hash, key, mac) VALUES (1, ?1, ?2, ?3, ?4)")?
        .execute(params![int(seq), hash, signer.map(AuditKey::id), mac])?;
    Ok(())
}

/// The last entry, where it can be read.
fn last(connection: &Connection) -> Option<AuditEntry> {
    // Damage is told by whoever checks the trail.
    let mut statement = connection.prepare_cached(&format!("{SELECT_ENTRY} ORDER BY seq DESC LIMIT 1")).ok()?;
    statement.query_and_then([], read_entry).ok()?.next()?.ok()
}

/// The key that the chain is signed with, if it is. Where the saved end does not say so, the last entry does.
pub(super) fn signed_with(connection: &Connection) -> std::result::Result<Option<String>, BackendError> {
    match head(connection)?.signature {
        Some((key, _)) => Ok(Some(key)),
        None => Ok(last(connection).and_then(|entry| entry.key_id().map(str::to_owned))),
    }
}

/// Whether the chain ends as this key signed it.
pub(super) fn is_settled(connection: &Connection, key: &AuditKey) -> std::result::Result<bool, BackendError> {
    let head = head(connection)?;
    Ok(head.is_signed_by(key) && head.is_there(connection)?)
}

/// Whether the store holds anything that is not there without entries of the trail, where it was signed from the first.
fn has_worked(connection: &Connection) -> std::result::Result<bool, BackendError> {
    let tables =
        ["audit", "audit_cut", "chats", "inbox", "outbox", "conversations", "bindings", "lookups", "quotes", "refunds"];
    let any = tables.map(|table| format!("EXISTS (SELECT 1 FROM {table})")).join(" OR ");
    Ok(connection.query_row(&format!("SELECT {any}"), [], |row| row.get(0))?)
}

/// Whether a key signed a part of the chain, or gave it up, as the entries that are there say.
fn has_signed(connection: &Connection, key: &AuditKey) -> std::result::Result<bool, BackendError> {
    let mut statement = connection.prepare_cached(&format!("{SELECT_ENTRY} WHERE instr(content, ?1) > 0"))?;
    for entry in statement.query_and_then([key.id()], read_entry)? {
        if names_key(&entry?, key) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Begins a part that this key signs, on record, unless the chain ends as the key signed it. An empty chain in a store
/// that never worked is signed as empty: from then on it is known that there was one. A chain that is signed with
/// another key, or that was not signed although the key was there, is continued only where `always`.
pub(super) fn begin(
    connection: &Connection,
    loaded: &LoadedKey,
    always: bool,
) -> std::result::Result<(), BackendError> {
    let (mut head, last, key) = (head(connection)?, last(connection), &loaded.key);
    let before = head.key().or(last.as_ref().and_then(AuditEntry::key_id)).map(str::to_owned);
    match before.as_deref() {
        Some(_) if head.is_signed_by(key) && head.is_there(connection)? => return Ok(()),
        Some(signed) if signed != key.id() && !always => return Err(other_key(signed, Some(key))),
        Some(signed) if signed != key.id() && has_signed(connection, key)? => {
            return Err(BackendError::FormerKey(key.id().to_owned()));
        }
        None if head.seq == 0 && last.is_none() && ((loaded.made && !always) || !has_worked(connection)?) => {
            return save_head(connection, 0, GENESIS, Some(key));
        }
        _ if !always && (!loaded.made || before.is_some()) => {
            return Err(BackendError::Unvouched(key.id().to_owned()));
        }
        _ => {}
    }
    // Where the end was lost, the entries say it.
    if let Some(last) = last.filter(|last| last.seq > head.seq) {
        head = Head { seq: last.seq, hash: last.hash, signature: None };
    }
    let record = begin_signing(key, before.as_deref(), head.seq, Timestamp::now());
    append_after(connection, &head, &record, Some(key)).map(drop)
}

#[async_trait]
impl Audit for SqliteStore {
    async fn append_audit(&self, record: &AuditRecord) -> Result<AuditEntry> {
        let (record, key) = (record.clone(), self.key());
        self.write("writing the audit trail", move |connection| append(connection, &record, key.as_ref())).await
    }

    async fn append_audit_without_sync(&self, record: &AuditRecord) -> Result<AuditEntry> {
        let (record, key) = (record.clone(), self.key());
        let work = move |connection: &Connection| append(connection, &record, key.as_ref());
        self.write_without_sync("writing the audit trail", work).await
    }

    async fn audit_entries(&self, from: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        self.read("reading the audit trail", move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("{SELECT_ENTRY} WHERE seq >= ?1 ORDER BY seq LIMIT ?2"))?;
            statement.query_and_then(params![int(from), limit], read_entry)?.collect()
        })
        .await
    }

    async fn audit_length(&self) -> Result<u64> {
        self.read("reading the audit trail", |connection| {
            let last: Option<i64> = connection.query_row("SELECT max(seq) FROM audit", [], |row| row.get(0))?;
            count(last.unwrap_or(0))
        })
        .await
    }

    fn audit_key(&self) -> Option<LoadedKey> {
        self.audit_key.clone()
    }

    async fn check_audit(&self) -> Result<AuditCheck> {
        let key = self.key();
        self.read("checking the audit trail", move |connection| {
            let saved = head(connection)?;
            let checkpoint = checkpoint(connection)?;
            let mut verifier = AuditVerifier::after(checkpoint.as_ref()).with_key(key.clone());
            let mut end = checkpoint.map_or_else(|| (0, GENESIS.to_owned()), |cut| (cut.seq, cut.hash));
            let mut statement = connection.prepare_cached(&format!("{SELECT_ENTRY} WHERE seq > ?1 ORDER BY seq"))?;
            for entry in statement.query_and_then([int(end.0)], read_entry)? {
                let entry = entry?;
                verifier.check(&entry);
                end = (entry.seq, entry.hash);
            }
            let mut check = verifier.finish(Some(saved.seq));
            // Entries that were sealed or inserted past the store form a valid chain of their own: the stored end
            // tells.
            if check.broken.is_none() && (end.0, &end.1) != (saved.seq, &saved.hash) {
                check.broken = Some((end.0, "it is not the entry that was written last".to_owned()));
            }
            // The stored end can be moved as well, but not signed.
            if check.broken.is_none() {
                let why = match (&key, saved.key()) {
                    (Some(key), _) if saved.is_signed_by(key) => None,
                    (Some(key), Some(signed)) if signed != key.id() => Some(signed_by_other(signed, key)),
                    (Some(_), _) if saved.seq > 0 => {
                        Some("it is not signed as the last entry: entries after it may be missing".to_owned())
                    }
                    (Some(_), _) if has_worked(connection)? => Some(WIPED.to_owned()),
                    _ => None,
                };
                check.broken = why.map(|why| (end.0, why));
            }
            // That it is empty is signed, too.
            if key.is_none() && saved.key().is_some() {
                check.unchecked = check.unchecked.max(1);
            }
            Ok(check)
        })
        .await
    }

    async fn check_refunds(&self) -> Result<Option<(u64, String)>> {
        self.read("comparing the audit trail with the ledger", |connection| {
            let mut records = RefundRecords::default();
            let checkpoint = checkpoint(connection)?;
            let (begin, proven) = checkpoint.as_ref().map_or((0, i64::MIN), |cut| (cut.seq, micros(cut.before)));
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT_ENTRY} WHERE seq > ?2 AND (instr(content, ?1) > 0 OR instr(content, ?3) > 0
                    OR instr(content, ?4) > 0 OR instr(content, ?5) > 0 OR instr(content, ?6) > 0) ORDER BY seq"
            ))?;
            let [cancel, give_back, finish] = PAYING;
            let named = params![REFUND_TOOL, int(begin), REFUND_STATE, cancel, give_back, finish];
            for entry in statement.query_and_then(named, read_entry)? {
                let entry = entry?;
                if let Some((order, result)) = records.note(&entry)
                    && let Some(why) = difference(ledger::refund_of(connection, &order)?.as_ref(), &order, &result)
                {
                    return Ok(Some((entry.seq, why)));
                }
            }
            let all = ledger::refunds(connection, u32::MAX)?;
            if let Some(cut) = &checkpoint
                && let Some(why) = changed_since(&all, cut, &records)
            {
                return Ok(Some(why));
            }
            let end = || -> std::result::Result<u64, BackendError> {
                let length: Option<i64> = connection.query_row("SELECT max(seq) FROM audit", [], |row| row.get(0))?;
                Ok(count(length.unwrap_or(0))? + 1)
            };
            let before = checkpoint.as_ref().map(|cut| cut.before);
            for refund in &all {
                if let Some(why) = records.state_difference(refund, before) {
                    return Ok(Some((end()?, why)));
                }
            }
            let mut statement =
                connection.prepare_cached("SELECT order_id, transaction_id FROM refunds WHERE at >= ?1 ORDER BY at")?;
            let refunds =
                statement.query_map([proven], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            for refund in refunds {
                let (order, transaction) = refund?;
                let order = OrderId::new(&order);
                if !records.vouch_for(&order) {
                    return Ok(Some((end()?, unrecorded(&transaction, &order))));
                }
            }
            Ok(None)
        })
        .await
    }
}

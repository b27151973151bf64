//! Decides how the audit trail is kept: the entries, and apart from them where the chain ends.
//!
//! It must never change or remove an entry: `retention.rs` and `erasure.rs` do, on record.

use std::collections::HashSet;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::super::trail::{REFUND, changed_since, differs, refund_call, unrecorded};
use super::super::{Audit, Result};
use super::retention::checkpoint;
use super::{Fault, SqliteStore, count, int, ledger, micros};
use crate::domain::audit::{AuditCheck, AuditEntry, AuditRecord, AuditVerifier, GENESIS};
use crate::domain::ids::OrderId;

const ENTRY: &str = "SELECT seq, previous, hash, content FROM audit";

fn read_entry(row: &Row<'_>) -> std::result::Result<AuditEntry, Fault> {
    Ok(AuditEntry { seq: count(row.get(0)?)?, previous: row.get(1)?, hash: row.get(2)?, content: row.get(3)? })
}

/// The place and hash of the last entry.
fn head(connection: &Connection) -> std::result::Result<(u64, String), Fault> {
    let mut statement = connection.prepare_cached("SELECT seq, hash FROM audit_head")?;
    let found: Option<(i64, String)> = statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    match found {
        Some((seq, hash)) => Ok((count(seq)?, hash)),
        None => Ok((0, GENESIS.to_owned())),
    }
}

/// Seals a record at the end of the chain.
pub(super) fn append(connection: &Connection, record: &AuditRecord) -> std::result::Result<AuditEntry, Fault> {
    let (last, previous) = head(connection)?;
    let entry = AuditEntry::seal(last + 1, &previous, record, rand::random());
    connection
        .prepare_cached("INSERT INTO audit (seq, previous, hash, content) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![int(entry.seq), entry.previous, entry.hash, entry.content])?;
    connection
        .prepare_cached("INSERT OR REPLACE INTO audit_head (id, seq, hash) VALUES (1, ?1, ?2)")?
        .execute(params![int(entry.seq), entry.hash])?;
    Ok(entry)
}

#[async_trait]
impl Audit for SqliteStore {
    async fn append_audit(&self, record: &AuditRecord) -> Result<AuditEntry> {
        let record = record.clone();
        self.write("writing the audit trail", move |connection| append(connection, &record)).await
    }

    async fn note_audit(&self, record: &AuditRecord) -> Result<AuditEntry> {
        let record = record.clone();
        self.write_soon("writing the audit trail", move |connection| append(connection, &record)).await
    }

    async fn audit_entries(&self, from: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        self.read("reading the audit trail", move |connection| {
            let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE seq >= ?1 ORDER BY seq LIMIT ?2"))?;
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

    async fn check_audit(&self) -> Result<AuditCheck> {
        self.read("checking the audit trail", |connection| {
            let (last, hash) = head(connection)?;
            let checkpoint = checkpoint(connection)?;
            let mut verifier = AuditVerifier::after(checkpoint.as_ref());
            let mut end = checkpoint.map_or_else(|| (0, GENESIS.to_owned()), |cut| (cut.seq, cut.hash));
            let mut statement = connection.prepare_cached(&format!("{ENTRY} WHERE seq > ?1 ORDER BY seq"))?;
            for entry in statement.query_and_then([int(end.0)], read_entry)? {
                let entry = entry?;
                verifier.check(&entry);
                end = (entry.seq, entry.hash);
            }
            let mut check = verifier.finish(Some(last));
            // An end that was sealed anew, or entries put in behind the store's back, agree with themselves.
            if check.broken.is_none() && end != (last, hash) {
                check.broken = Some((end.0, "it is not the entry that was written last".to_owned()));
            }
            Ok(check)
        })
        .await
    }

    async fn check_refunds(&self) -> Result<Option<(u64, String)>> {
        self.read("comparing the audit trail with the ledger", |connection| {
            let mut on_record: HashSet<OrderId> = HashSet::new();
            let checkpoint = checkpoint(connection)?;
            if let Some(checkpoint) = &checkpoint
                && let Some(why) = changed_since(&ledger::refunds(connection, u32::MAX)?, checkpoint)
            {
                return Ok(Some(why));
            }
            let (begin, proven) = checkpoint.map_or((0, i64::MIN), |cut| (cut.seq, micros(cut.before)));
            let mut statement = connection
                .prepare_cached(&format!("{ENTRY} WHERE seq > ?2 AND instr(content, ?1) > 0 ORDER BY seq"))?;
            for entry in statement.query_and_then(params![REFUND, int(begin)], read_entry)? {
                let entry = entry?;
                let Some((order, paid)) = refund_call(&entry) else { continue };
                if let Some(result) = paid
                    && let Some(why) = differs(ledger::refund_of(connection, &order)?.as_ref(), &order, &result)
                {
                    return Ok(Some((entry.seq, why)));
                }
                on_record.insert(order);
            }
            let mut statement =
                connection.prepare_cached("SELECT order_id, transaction_id FROM refunds WHERE at >= ?1 ORDER BY at")?;
            let refunds =
                statement.query_map([proven], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
            for refund in refunds {
                let (order, transaction) = refund?;
                let order = OrderId::new(&order);
                if !on_record.contains(&order) {
                    let length: Option<i64> =
                        connection.query_row("SELECT max(seq) FROM audit", [], |row| row.get(0))?;
                    return Ok(Some((count(length.unwrap_or(0))? + 1, unrecorded(&transaction, &order))));
                }
            }
            Ok(None)
        })
        .await
    }
}

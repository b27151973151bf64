//! Decides how the audit trail is kept: the entries, each under its place, and apart from them where the chain ends.
//!
//! It must never change or remove an entry: `retention.rs` and `erasure.rs` do, on record.

use std::collections::HashSet;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use tokio::sync::Mutex;

use super::super::trail::{changed_since, differs, refund_call, unrecorded};
use super::super::{Audit, Result};
use super::fault::Fault;
use super::ledger;
use super::retention::checkpoint;
use super::schema::{AUDIT, AUDIT_HEAD};
use super::values::{count, int, text};
use super::{Base, MongoStore};
use crate::domain::audit::{AuditCheck, AuditEntry, AuditRecord, AuditVerifier, Checkpoint, GENESIS};
use crate::domain::ids::OrderId;

type Read<T> = std::result::Result<T, Fault>;

/// How long a whole trail may take to read.
const READING: Duration = Duration::from_secs(3_600);

/// Writers of one process take turns: only those of other processes are found out by the unique key.
static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

fn read_entry(document: &Document) -> Read<AuditEntry> {
    Ok(AuditEntry {
        seq: count(document, "_id")?,
        previous: text(document, "previous")?,
        hash: text(document, "hash")?,
        content: text(document, "content")?,
    })
}

async fn last(base: &Base) -> Read<(u64, String)> {
    match base.collection(AUDIT).find_one(doc! {}).sort(doc! {"_id": -1}).await? {
        Some(document) => Ok((count(&document, "_id")?, text(&document, "hash")?)),
        None => Ok((0, GENESIS.to_owned())),
    }
}

/// Where the chain ends, as far as that was noted: it may lag behind after a crash, and is never ahead.
async fn head(base: &Base) -> Read<(u64, String)> {
    match base.collection(AUDIT_HEAD).find_one(doc! {"_id": "head"}).await? {
        Some(document) => Ok((count(&document, "seq")?, text(&document, "hash")?)),
        None => Ok((0, GENESIS.to_owned())),
    }
}

/// Seals a record at the end of the chain.
pub(super) async fn append(base: &Base, record: &AuditRecord) -> Read<AuditEntry> {
    // Names this call: an entry that was written and whose answer was lost is known again, and one that somebody else
    // wrote with the same content is not taken for it.
    let call = uuid::Uuid::now_v7().to_string();
    let _turn = TURN.lock().await;
    let entries = base.collection(AUDIT);
    let (noted, end) = tokio::try_join!(head(base), last(base))?;
    // Entries that were removed from the end stay missed for ever: their places are never given out again.
    let (mut place, mut previous) = if noted.0 > end.0 { noted } else { end };
    let entry = loop {
        let entry = AuditEntry::seal(place + 1, &previous, record, rand::random());
        let document = doc! {
            "_id": int(entry.seq), "previous": &entry.previous, "hash": &entry.hash, "content": &entry.content,
            "call": &call,
        };
        match entries.insert_one(document).await.map_err(Fault::from) {
            Ok(_) => break entry,
            Err(fault) if fault.is_duplicate() => {}
            Err(fault) => return Err(fault),
        }
        let taken = entries.find_one(doc! {"_id": int(entry.seq)}).await?;
        match taken {
            Some(taken) if text(&taken, "call").ok().as_ref() == Some(&call) => break entry,
            Some(taken) => (place, previous) = (entry.seq, text(&taken, "hash")?),
            None => super::pause().await, // Not yet at a majority.
        }
    };
    note_head(base, &entry).await?;
    Ok(entry)
}

/// Moves the head forward, never back.
async fn note_head(base: &Base, entry: &AuditEntry) -> Read<()> {
    let heads = base.collection(AUDIT_HEAD);
    let place = int(entry.seq);
    loop {
        let behind = doc! {"_id": "head", "seq": {"$lt": place}};
        let noted = doc! {"$set": {"seq": place, "hash": &entry.hash}};
        match heads.update_one(behind, noted).upsert(true).await.map_err(Fault::from) {
            Ok(_) => return Ok(()),
            // It is further already, or was made at this moment.
            Err(fault) if fault.is_duplicate() => {}
            Err(fault) => return Err(fault),
        }
        match heads.find_one(doc! {"_id": "head"}).await? {
            Some(head) if count(&head, "seq")? >= entry.seq => return Ok(()),
            _ => super::pause().await,
        }
    }
}

async fn check(base: &Base) -> Read<AuditCheck> {
    loop {
        // The head first: what is written meanwhile comes after it.
        let (cut, noted) = (checkpoint(base).await?, head(base).await?);
        let check = check_against(base, cut.as_ref(), &noted).await?;
        // Where either end moved meanwhile, a suspicion may be only that.
        if check.broken.is_none() || (head(base).await? == noted && checkpoint(base).await? == cut) {
            return Ok(check);
        }
    }
}

async fn check_against(base: &Base, cut: Option<&Checkpoint>, (noted, hash): &(u64, String)) -> Read<AuditCheck> {
    let mut verifier = AuditVerifier::after(cut);
    let mut at_head = (*noted == 0).then(|| GENESIS.to_owned());
    let mut length = cut.map_or(0, |cut| cut.seq);
    let mut found = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(length)}}).sort(doc! {"_id": 1}).await?;
    while let Some(document) = found.try_next().await? {
        let entry = read_entry(&document)?;
        verifier.check(&entry);
        length = entry.seq;
        if entry.seq == *noted {
            at_head = Some(entry.hash);
        }
    }
    let mut check = verifier.finish(Some(*noted));
    // A process that died may have left one entry that it did not note; a chain without a head was robbed of it.
    if check.broken.is_none() && (at_head.as_ref() != Some(hash) || (*noted == 0 && length > 1)) {
        check.broken = Some((length, "it is not the entry that was written last".to_owned()));
    }
    Ok(check)
}

async fn compare(base: &Base) -> Read<Option<(u64, String)>> {
    loop {
        let cut = checkpoint(base).await?;
        let found = compare_after(base, cut.as_ref()).await?;
        if found.is_none() || checkpoint(base).await? == cut {
            return Ok(found);
        }
    }
}

async fn compare_after(base: &Base, cut: Option<&Checkpoint>) -> Read<Option<(u64, String)>> {
    if let Some(cut) = cut
        && let Some(why) = changed_since(&ledger::refunds(base, 0).await?, cut)
    {
        return Ok(Some(why));
    }
    let mut on_record: HashSet<OrderId> = HashSet::new();
    let mut length = cut.map_or(0, |cut| cut.seq);
    let mut found = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(length)}}).sort(doc! {"_id": 1}).await?;
    while let Some(document) = found.try_next().await? {
        let entry = read_entry(&document)?;
        length = entry.seq;
        let Some((order, paid)) = refund_call(&entry) else { continue };
        if let Some(result) = paid
            && let Some(why) = differs(ledger::refund_of(base, &order).await?.as_ref(), &order, &result)
        {
            return Ok(Some((entry.seq, why)));
        }
        on_record.insert(order);
    }
    let mut refunds = ledger::refunds(base, 0).await?;
    refunds.reverse();
    // A refund that is being paid is on record before it is in the ledger: only what came after the trail was read may
    // be missing there.
    for refund in refunds {
        if on_record.contains(&refund.order_id) || cut.is_some_and(|cut| refund.at < cut.before) {
            continue;
        }
        let mut late = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(length)}}).sort(doc! {"_id": 1}).await?;
        let mut recorded = false;
        while let Some(document) = late.try_next().await? {
            recorded |= refund_call(&read_entry(&document)?).is_some_and(|(order, _)| order == refund.order_id);
        }
        if !recorded {
            return Ok(Some((length + 1, unrecorded(&refund.transaction_id, &refund.order_id))));
        }
    }
    Ok(None)
}

#[async_trait]
impl Audit for MongoStore {
    async fn append_audit(&self, record: &AuditRecord) -> Result<AuditEntry> {
        let record = record.clone();
        self.run("writing the audit trail", |base| async move { append(&base, &record).await }).await
    }

    async fn audit_entries(&self, from: u64, limit: u32) -> Result<Vec<AuditEntry>> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        self.run("reading the audit trail", |base| async move {
            let filter = doc! {"_id": {"$gte": int(from)}};
            let found = base.collection(AUDIT).find(filter).sort(doc! {"_id": 1}).limit(limit.into()).await?;
            let documents: Vec<Document> = found.try_collect().await?;
            documents.iter().map(read_entry).collect()
        })
        .await
    }

    async fn audit_length(&self) -> Result<u64> {
        self.run("reading the audit trail", |base| async move { Ok(last(&base).await?.0) }).await
    }

    async fn check_audit(&self) -> Result<AuditCheck> {
        self.run_within("checking the audit trail", READING, |base| async move { check(&base).await }).await
    }

    async fn check_refunds(&self) -> Result<Option<(u64, String)>> {
        let doing = "comparing the audit trail with the ledger";
        self.run_within(doing, READING, |base| async move { compare(&base).await }).await
    }
}

//! The audit trail: the entries, each under its place, and apart from them where the chain ends. Only `retention.rs`
//! and
//! `erasure.rs` change or remove entries, on record.

use std::cmp::Ordering;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use mongodb::bson::{Document, doc};
use tokio::sync::Mutex;

use super::super::audit_key::{self, LoadedKey};
use super::super::trail::{
    RefundRecords, WIPED, begin_signing, changed_since, difference, names_key, report_forged_end, signed_by_other,
    unrecorded,
};
use super::super::{Audit, Result, StoreError};
use super::error::BackendError;
use super::ledger;
use super::odd::{all_readable, readable};
use super::schema::{AUDIT, AUDIT_HEAD, BINDINGS, CHATS, CONVERSATIONS, INBOX, LOOKUPS, OUTBOX, QUOTES, REFUNDS};
use super::values::{count, int, optional_text, text};
use super::{Base, MongoStore};
use crate::domain::audit::{AuditCheck, AuditEntry, AuditKey, AuditRecord, AuditVerifier, Checkpoint, GENESIS};
use crate::domain::refund::Refund;

type Read<T> = std::result::Result<T, BackendError>;

/// The time limit for reading the whole trail.
const READ_TIMEOUT: Duration = Duration::from_hours(1);

/// Writers of one process take turns: only those of other processes conflict on the unique key.
static TURN: LazyLock<Mutex<()>> = LazyLock::new(Mutex::default);

fn read_entry(document: &Document) -> Read<AuditEntry> {
    Ok(AuditEntry {
        seq: count(document, "_id")?,
        previous: text(document, "previous")?,
        hash: text(document, "hash")?,
        content: text(document, "content")?,
    })
}

/// An end of the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    seq: u64,
    hash: String,
    /// The identifier of the key that signed it.
    key: Option<String>,
    /// The signature, of a saved end.
    mac: Option<String>,
    /// Whether the entry itself carries the signature of the key here.
    signed: bool,
    /// Whether the entry can be read: what the saved end vouches for is not there otherwise.
    readable: bool,
}

impl End {
    fn none() -> Self {
        Self { seq: 0, hash: GENESIS.to_owned(), key: None, mac: None, signed: false, readable: true }
    }

    fn of(base: &Base, entry: &AuditEntry) -> Self {
        let signed = base.audit_key.as_ref().is_some_and(|loaded| entry.is_signed_by(&loaded.key));
        let key = entry.key_id().map(str::to_owned);
        Self { seq: entry.seq, hash: entry.hash.clone(), key, mac: None, signed, readable: true }
    }

    /// Whether it is an end that this key signed: as an entry that is not saved as the end yet, or as the saved end.
    fn is_signed_by(&self, key: &AuditKey) -> bool {
        let saved = self.mac.as_ref().map(|mac| key.signed_end(self.seq, &self.hash, mac));
        self.key.as_deref() == Some(key.id()) && saved.unwrap_or(self.signed)
    }
}

async fn last(base: &Base) -> Read<End> {
    // Only places: a key of another type is none of ours.
    match base.collection(AUDIT).find_one(doc! {"_id": {"$gte": 0_i64}}).sort(doc! {"_id": -1}).await? {
        Some(document) => end_at(base, &document),
        None => Ok(End::none()),
    }
}

/// The end at an entry. After one that cannot be read the trail goes on, unsigned; a check says that it is broken there.
fn end_at(base: &Base, document: &Document) -> Read<End> {
    match readable(read_entry(document), AUDIT, document) {
        Some(entry) => Ok(End::of(base, &entry)),
        None => Ok(End {
            seq: count(document, "_id")?,
            hash: text(document, "hash").unwrap_or_else(|_| GENESIS.to_owned()),
            readable: false,
            ..End::none()
        }),
    }
}

/// The saved end of the chain: it may lag behind after a crash, and is never ahead.
async fn head(base: &Base) -> Read<End> {
    match base.collection(AUDIT_HEAD).find_one(doc! {"_id": "head"}).await? {
        Some(document) => Ok(End {
            seq: count(&document, "seq")?,
            hash: text(&document, "hash")?,
            key: optional_text(&document, "key")?,
            mac: optional_text(&document, "mac")?,
            signed: false,
            readable: true,
        }),
        None => Ok(End::none()),
    }
}

/// The end that the next entry follows, and the key that signs there. Entries that were removed from the end stay
/// missing: their places are never given out again.
async fn end(base: &Base) -> Read<End> {
    let (saved, last) = tokio::try_join!(head(base), last(base))?;
    Ok(match saved.seq.cmp(&last.seq) {
        Ordering::Greater => saved,
        // An erased entry does not tell its key; the saved end does.
        Ordering::Equal if last.readable => End { hash: last.hash, ..saved },
        Ordering::Equal => End { mac: None, hash: last.hash, ..saved },
        Ordering::Less => last,
    })
}

fn other_key(base: &Base, signed: &str) -> BackendError {
    let here = base.audit_key.as_ref().map(|loaded| loaded.key.id());
    BackendError::Known(audit_key::other_key(base.shown.to_string(), signed.to_owned(), here))
}

/// To go on would vouch for what somebody else put there, or took away.
fn unvouched(base: &Base, key: &AuditKey) -> BackendError {
    BackendError::Known(StoreError::Unvouched { path: base.shown.to_string(), key: key.id().to_owned() })
}

/// Whether the store holds anything that is not there without entries of the trail, where it was signed from the first.
async fn has_worked(base: &Base) -> Read<bool> {
    for name in [CHATS, INBOX, OUTBOX, CONVERSATIONS, BINDINGS, LOOKUPS, QUOTES, REFUNDS, AUDIT] {
        // Messages of the original have no place.
        let ours = if name == CHATS {
            doc! {"place": {"$exists": true}}
        } else {
            doc! {}
        };
        if base.collection(name).find_one(ours).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(base.collection(AUDIT_HEAD).find_one(doc! {"_id": CUT}).await?.is_some())
}

/// Whether the key here signed a part of the chain, or gave it up, as the entries that are there say.
async fn has_signed(base: &Base, key: &AuditKey) -> Read<bool> {
    let mut found = base.collection(AUDIT).find(doc! {"content": {"$regex": key.id()}}).await?;
    while let Some(document) = found.try_next().await? {
        if readable(read_entry(&document), AUDIT, &document).is_some_and(|entry| names_key(&entry, key)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Signs that the chain is empty, unless another process began it.
async fn sign_empty(base: &Base, key: &AuditKey) -> Read<()> {
    let head = doc! {"_id": "head", "seq": 0_i64, "hash": GENESIS, "key": key.id(), "mac": key.sign_end(0, GENESIS)};
    match base.collection(AUDIT_HEAD).insert_one(head).await.map_err(BackendError::from) {
        Err(error) if !error.is_duplicate() => Err(error),
        _ => Ok(()),
    }
}

/// Begins a part that the key here signs, on record, where `always`, unless the chain ends as the key signed it. An empty
/// chain in a store that never worked is signed as empty: from then on it is known that there was one. A trail that is
/// signed with another key, or was not signed although the key was there, is an error otherwise.
pub(super) async fn settle_key(base: &Base, always: bool) -> Read<()> {
    let end = end(base).await?;
    let Some(loaded) = base.audit_key.as_deref() else {
        return end.key.map_or(Ok(()), |signed| Err(other_key(base, &signed)));
    };
    let key = &loaded.key;
    match end.key.as_deref() {
        Some(_) if end.is_signed_by(key) => return Ok(()),
        Some(signed) if signed != key.id() && !always => return Err(other_key(base, signed)),
        Some(signed) if signed != key.id() && has_signed(base, key).await? => {
            let (path, key) = (base.shown.to_string(), key.id().to_owned());
            return Err(BackendError::Known(StoreError::FormerKey { path, key }));
        }
        None if end.seq == 0 && ((loaded.made && !always) || !has_worked(base).await?) => {
            return sign_empty(base, key).await;
        }
        before if !always && (!loaded.made || before.is_some()) => return Err(unvouched(base, key)),
        _ => {}
    }
    let record = begin_signing(key, end.key.as_deref(), end.seq, Timestamp::now());
    append_signed(base, &record, true).await.map(drop)
}

/// The `_id` of the document that holds the checkpoint, in the collection of the head.
pub(super) const CUT: &str = "cut";

/// Up to where entries of the audit trail were removed.
pub(super) async fn checkpoint(base: &Base) -> Read<Option<Checkpoint>> {
    let found = base.collection(AUDIT_HEAD).find_one(doc! {"_id": CUT}).await?;
    let Some(found) = found else { return Ok(None) };
    let text = found.get_str("document").unwrap_or_default();
    let damaged = |error| BackendError::Content(format!("the checkpoint of the audit trail cannot be read: {error}"));
    serde_json::from_str(text).map(Some).map_err(damaged)
}

/// Seals a record at the end of the chain, signed where there is a key: the chain then has to end as the key signed it.
pub(super) async fn append(base: &Base, record: &AuditRecord) -> Read<AuditEntry> {
    append_signed(base, record, false).await
}

/// The key that signs after this end.
fn signer<'a>(base: &'a Base, end: &End, begin: bool) -> Read<Option<&'a AuditKey>> {
    let key = base.audit_key.as_ref().map(|loaded| &loaded.key);
    match (end.key.as_deref(), key) {
        (_, Some(key)) if begin => Ok(Some(key)),
        (Some(signed), Some(key)) if signed == key.id() && end.is_signed_by(key) => Ok(Some(key)),
        (Some(signed), key) if key.is_none_or(|key| key.id() != signed) => Err(other_key(base, signed)),
        (_, Some(key)) => {
            report_forged_end();
            Err(unvouched(base, key))
        }
        (_, None) => Ok(None),
    }
}

async fn append_signed(base: &Base, record: &AuditRecord, begin: bool) -> Read<AuditEntry> {
    // Identifies this call: an entry that was written and whose answer was lost is recognised, and one that another
    // writer wrote with the same content is not taken for it.
    let call = uuid::Uuid::now_v7().to_string();
    let _turn = TURN.lock().await;
    let entries = base.collection(AUDIT);
    let mut place = end(base).await?;
    let (entry, mac) = loop {
        let signer = signer(base, &place, begin)?;
        let entry = AuditEntry::seal(place.seq + 1, &place.hash, record, rand::random(), signer);
        let mac = signer.map(|key| key.sign_end(entry.seq, &entry.hash));
        let document = doc! {
            "_id": int(entry.seq), "previous": &entry.previous, "hash": &entry.hash, "content": &entry.content,
            "call": &call,
        };
        match entries.insert_one(document).await.map_err(BackendError::from) {
            Ok(_) => break (entry, mac),
            Err(error) if error.is_duplicate() => {}
            Err(error) => return Err(error),
        }
        let taken = entries.find_one(doc! {"_id": int(entry.seq)}).await?;
        match taken {
            Some(taken) if text(&taken, "call").ok().as_ref() == Some(&call) => break (entry, mac),
            Some(taken) => place = end_at(base, &taken)?,
            None => super::pause().await, // A majority does not have it yet.
        }
    };
    advance_head(base, &entry, mac).await?;
    Ok(entry)
}

/// Moves the head forward, never back.
async fn advance_head(base: &Base, entry: &AuditEntry, mac: Option<String>) -> Read<()> {
    let heads = base.collection(AUDIT_HEAD);
    let place = int(entry.seq);
    loop {
        let behind = doc! {"_id": "head", "seq": {"$lt": place}};
        let mut update = doc! {"$set": {"seq": place, "hash": &entry.hash}};
        if let (Some(key), Some(mac)) = (entry.key_id(), &mac) {
            update.insert("$set", doc! {"seq": place, "hash": &entry.hash, "key": key, "mac": mac});
        } else {
            update.insert("$unset", doc! {"key": "", "mac": ""});
        }
        match heads.update_one(behind, update).upsert(true).await.map_err(BackendError::from) {
            Ok(_) => return Ok(()),
            // It is further already, or was created at this moment.
            Err(error) if error.is_duplicate() => {}
            Err(error) => return Err(error),
        }
        match heads.find_one(doc! {"_id": "head"}).await? {
            Some(head) if count(&head, "seq")? >= entry.seq => return Ok(()),
            _ => super::pause().await,
        }
    }
}

async fn check(base: &Base) -> Read<AuditCheck> {
    loop {
        // The head first: entries that are written meanwhile come after it.
        let (cut, saved) = (checkpoint(base).await?, head(base).await?);
        let check = check_against(base, cut.as_ref(), &saved).await?;
        // Where either end moved meanwhile, the check may be wrong: it is repeated.
        if check.broken.is_none() || (head(base).await? == saved && checkpoint(base).await? == cut) {
            return Ok(check);
        }
    }
}

async fn check_against(base: &Base, cut: Option<&Checkpoint>, saved: &End) -> Read<AuditCheck> {
    let key = base.audit_key.as_ref().map(|loaded| loaded.key.clone());
    let mut verifier = AuditVerifier::after(cut).with_key(key.clone());
    let mut at_head = (saved.seq == 0).then(|| GENESIS.to_owned());
    let mut length = cut.map_or(0, |cut| cut.seq);
    let mut signed_at_head = false;
    let mut found = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(length)}}).sort(doc! {"_id": 1}).await?;
    while let Some(document) = found.try_next().await? {
        // A place that cannot be read is one that is missing.
        let Some(entry) = readable(read_entry(&document), AUDIT, &document) else { continue };
        verifier.check(&entry);
        length = entry.seq;
        if entry.seq == saved.seq {
            signed_at_head = verifier.signed() > 0;
            at_head = Some(entry.hash);
        }
    }
    let mut check = verifier.finish(Some(saved.seq));
    // A process that died may have left one entry after the saved end; a longer chain without a saved end was tampered
    // with.
    if check.broken.is_none() && (at_head.as_ref() != Some(&saved.hash) || (saved.seq == 0 && length > 1)) {
        check.broken = Some((length, "it is not the entry that was written last".to_owned()));
    }
    // The saved end can be moved as well, but not signed.
    let is_signed = key.as_ref().is_some_and(|key| saved.is_signed_by(key));
    let behind = check.signed > 0 && !signed_at_head && length > saved.seq + 1;
    if check.broken.is_none() && (behind || (signed_at_head && !is_signed)) {
        let why = "it is not signed as the last entry: entries after it may be missing".to_owned();
        check.broken = Some((saved.seq, why));
    }
    if check.broken.is_none()
        && let Some(key) = &key
        && !is_signed
        && length == 0
    {
        let why = match saved.key.as_deref() {
            Some(signed) if signed != key.id() => Some(signed_by_other(signed, key)),
            _ => has_worked(base).await?.then(|| WIPED.to_owned()),
        };
        check.broken = why.map(|why| (0, why));
    }
    // That it is empty is signed, too.
    if key.is_none() && saved.key.is_some() {
        check.unchecked = check.unchecked.max(1);
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
    // Read before the entries: a change is on record before it is in the ledger.
    let old = ledger::refunds(base, 0).await?;
    let mut records = RefundRecords::default();
    let mut length = cut.map_or(0, |cut| cut.seq);
    let mut found = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(length)}}).sort(doc! {"_id": 1}).await?;
    while let Some(document) = found.try_next().await? {
        // A place that cannot be read is one that is missing.
        let Some(entry) = readable(read_entry(&document), AUDIT, &document) else { continue };
        length = entry.seq;
        if let Some((order, result)) = records.note(&entry)
            && let Some(why) = difference(ledger::refund_of(base, &order).await?.as_ref(), &order, &result)
        {
            return Ok(Some((entry.seq, why)));
        }
    }
    let mut refunds = ledger::refunds(base, 0).await?;
    refunds.reverse();
    if let Some(cut) = cut
        && let Some(why) = changed_since(&refunds, cut, &records)
        // A state that changed while the entries were read is in the list of before, or in the one of after.
        && changed_since(&old, cut, &records).is_some()
    {
        return Ok(Some(why));
    }
    // A refund is on record before it is in the ledger: only entries that were written after the trail was read may be
    // missing here.
    let before = cut.map(|cut| cut.before);
    for refund in refunds {
        let vouched =
            |records: &RefundRecords| records.vouch_for(&refund.order_id) || before.is_some_and(|cut| refund.at < cut);
        if vouched(&records) && records.state_difference(&refund, before).is_none() {
            continue;
        }
        let mut late = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(length)}}).sort(doc! {"_id": 1}).await?;
        while let Some(document) = late.try_next().await? {
            // A place that cannot be read is one that is missing.
            let Some(entry) = readable(read_entry(&document), AUDIT, &document) else { continue };
            length = entry.seq;
            records.note(&entry);
        }
        if !vouched(&records) {
            return Ok(Some((length + 1, unrecorded(&refund.transaction_id, &refund.order_id))));
        }
        // It may have gone further since it was read; what it is now has to be on record in any case.
        let now = ledger::refund_of(base, &refund.order_id).await?.unwrap_or(refund);
        if let Some(why) = records.state_difference(&now, before)
            && ledger::refund_of(base, &now.order_id).await?.is_some_and(|latest| latest.progress == now.progress)
            && no_late_change(base, &mut records, &mut length, &now, before).await?
        {
            return Ok(Some((length + 1, why)));
        }
    }
    Ok(None)
}

/// Whether the state of a refund differs from the trail also with the entries that were written since.
async fn no_late_change(
    base: &Base,
    records: &mut RefundRecords,
    length: &mut u64,
    refund: &Refund,
    before: Option<Timestamp>,
) -> Read<bool> {
    let mut late = base.collection(AUDIT).find(doc! {"_id": {"$gt": int(*length)}}).sort(doc! {"_id": 1}).await?;
    while let Some(document) = late.try_next().await? {
        let Some(entry) = readable(read_entry(&document), AUDIT, &document) else { continue };
        *length = entry.seq;
        records.note(&entry);
    }
    Ok(records.state_difference(refund, before).is_some())
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
            Ok(all_readable(&documents, AUDIT, read_entry))
        })
        .await
    }

    async fn audit_length(&self) -> Result<u64> {
        self.run("reading the audit trail", |base| async move { Ok(last(&base).await?.seq) }).await
    }

    fn audit_key(&self) -> Option<LoadedKey> {
        self.base.audit_key.as_deref().cloned()
    }

    async fn check_audit(&self) -> Result<AuditCheck> {
        self.run_within("checking the audit trail", READ_TIMEOUT, |base| async move { check(&base).await }).await
    }

    async fn check_refunds(&self) -> Result<Option<(u64, String)>> {
        let doing = "comparing the audit trail with the ledger";
        self.run_within(doing, READ_TIMEOUT, |base| async move { compare(&base).await }).await
    }
}

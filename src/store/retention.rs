//! Decides in which steps what is old is removed: a little at a time, and of the audit trail only what still holds.
//!
//! It must never remove what waits for an answer or a person, nor a refund, nor cut an audit trail that is broken or at
//! odds with the ledger: then it is evidence.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::trail::ledger_before;
use super::{Result, Store};
use crate::domain::audit::{AuditEntry, Checkpoint};
use crate::domain::retention::KeepFor;

/// How many rows one step removes at most.
const STEP: u32 = 500;
/// What others get between two steps.
const BREATH: Duration = Duration::from_millis(5);
/// How long a sweep that gives no sign of its end keeps others away.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// Entries of the audit trail that are read at once.
const PAGE: u32 = 1_000;

/// What a sweep removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweepable {
    /// Messages of the transcript, by their time.
    Chats,
    /// Corrected labels, by the time of the messages they are of.
    Corrections,
    /// Alerts that were settled, by when they were.
    SettledAlerts,
    /// Messages of customers that were answered, by when they arrived.
    AnsweredMessages,
    /// Replies that were sent, by when they were.
    SentReplies,
}

/// What a sweep came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// When it began.
    pub at: Timestamp,
    /// Messages of the transcript that were removed.
    pub chats: u64,
    /// Corrected labels that were.
    #[serde(default)]
    pub corrections: u64,
    /// Settled alerts that were.
    pub alerts: u64,
    /// Answered messages that were.
    pub inbox: u64,
    /// Sent replies that were.
    pub outbox: u64,
    /// Entries of the audit trail that were.
    pub audit: u64,
    /// Whether the audit trail was left as it is, because it does not hold or the ledger does not agree.
    #[serde(default)]
    pub trail_broken: bool,
}

impl SweepReport {
    /// Nothing was removed.
    pub fn none(at: Timestamp) -> Self {
        Self { at, chats: 0, corrections: 0, alerts: 0, inbox: 0, outbox: 0, audit: 0, trail_broken: false }
    }
}

/// Removing what is old.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Lets one sweeper begin: `false` where another one has begun and neither ended nor its lease run out, or where a
    /// sweep began after `idle_since`.
    async fn begin_sweep(
        &self,
        sweeper: &str,
        now: Timestamp,
        lease: SignedDuration,
        idle_since: Timestamp,
    ) -> Result<bool>;
    /// Notes the end of a sweep, and lets the next one begin.
    async fn end_sweep(&self, sweeper: &str, report: &SweepReport) -> Result<()>;
    /// The last sweep that ended.
    async fn last_sweep(&self) -> Result<Option<SweepReport>>;
    /// Removes what is of before a time, the oldest first, at most `limit`. How much it was: less than `limit` means that
    /// nothing is left.
    async fn sweep_step(&self, what: Sweepable, before: Timestamp, limit: u32) -> Result<u64>;
    /// Up to where entries of the audit trail were removed.
    async fn checkpoint(&self) -> Result<Option<Checkpoint>>;
    /// Puts a checkpoint on record and keeps it, unless there is one at the same place or further; from then on the
    /// entries up to it do not count.
    async fn move_checkpoint(&self, to: &Checkpoint, now: Timestamp) -> Result<()>;
    /// Removes entries that do not count any more, at most `limit`. How many it were.
    async fn remove_cut_entries(&self, limit: u32) -> Result<u64>;
}

/// Removes what is older than it is to be kept. `None` where another process is at it, or did it since `idle_since`.
///
/// # Errors
/// When the store fails: what was removed until then is, and the rest is found again.
pub async fn sweep(
    store: &dyn Store,
    keep: &KeepFor,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<SweepReport>> {
    // Its own name: a beginning that was kept and whose answer was lost is known again.
    let sweeper = &format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple());
    if !store.begin_sweep(sweeper, now, LEASE, idle_since).await? {
        return Ok(None);
    }
    let begun = Instant::now();
    let mut report = SweepReport::none(now);
    let before = |kept: SignedDuration| now.saturating_sub(kept).unwrap_or(Timestamp::MIN);
    if let Some(before) = keep.chats.map(before) {
        report.chats = steps(store, Sweepable::Chats, before).await?;
        report.corrections = steps(store, Sweepable::Corrections, before).await?;
        report.alerts = steps(store, Sweepable::SettledAlerts, before).await?;
    }
    if let Some(before) = keep.inbox.map(before) {
        report.inbox = steps(store, Sweepable::AnsweredMessages, before).await?;
        report.outbox = steps(store, Sweepable::SentReplies, before).await?;
    }
    if let Some(before) = keep.audit_before(now) {
        match cut(store, before, now).await? {
            Cut::Done(removed) => report.audit = removed,
            Cut::Broken(place, why) => {
                report.trail_broken = true;
                tracing::error!(place, why, "the audit trail is broken: nothing of it is removed");
            }
        }
    }
    store.end_sweep(sweeper, &report).await?;
    tracing::info!(?report, took = ?begun.elapsed(), "old data is removed");
    Ok(Some(report))
}

async fn steps(store: &dyn Store, what: Sweepable, before: Timestamp) -> Result<u64> {
    let mut removed = 0;
    loop {
        let step = store.sweep_step(what, before, STEP).await?;
        removed += step;
        if step < u64::from(STEP) {
            return Ok(removed);
        }
        tokio::time::sleep(BREATH).await;
    }
}

/// What became of cutting the trail.
enum Cut {
    /// So many entries are gone.
    Done(u64),
    /// It does not hold, there and for this reason: nothing was cut.
    Broken(u64, String),
}

/// Removes the entries from the beginning of the trail on that are of before a time, up to the first that is not.
async fn cut(store: &dyn Store, before: Timestamp, now: Timestamp) -> Result<Cut> {
    let last = store.checkpoint().await?;
    let begin = last.as_ref().map_or(0, |checkpoint| checkpoint.seq);
    // What a sweep that was killed left.
    let mut removed = remove(store).await?;
    let is_old = |entry: &AuditEntry| entry.record().is_none_or(|record| record.at < before);
    let first = store.audit_entries(begin + 1, 1).await?;
    if !first.first().is_some_and(is_old) {
        return Ok(Cut::Done(removed));
    }
    let mut check = store.check_audit().await?;
    if check.broken.is_none() {
        check.broken = store.check_refunds().await?;
    }
    if let Some((place, why)) = check.broken {
        return Ok(Cut::Broken(place, why));
    }
    let mut end = None;
    let mut next = begin + 1;
    'pages: loop {
        let page = store.audit_entries(next, PAGE).await?;
        let Some(latest) = page.last().map(|entry| entry.seq) else { break };
        for entry in page {
            if !is_old(&entry) {
                break 'pages;
            }
            end = Some((entry.seq, entry.hash));
        }
        next = latest + 1;
    }
    // A record of a removal that has nothing else to tell is not replaced by the next one for ever.
    let Some((seq, hash)) = end.filter(|(seq, _)| *seq > begin + 1) else { return Ok(Cut::Done(removed)) };
    let (refunds, ledger) = ledger_before(&store.refunds(u32::MAX).await?, before);
    store.move_checkpoint(&Checkpoint { seq, hash, before, refunds, ledger }, now).await?;
    removed += remove(store).await?;
    Ok(Cut::Done(removed))
}

async fn remove(store: &dyn Store) -> Result<u64> {
    let mut removed = 0;
    loop {
        let step = store.remove_cut_entries(STEP).await?;
        removed += step;
        if step < u64::from(STEP) {
            return Ok(removed);
        }
        tokio::time::sleep(BREATH).await;
    }
}

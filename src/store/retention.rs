//! The retention job: removes old data in small steps. What waits for an answer or a person stays, and every refund.
//! The audit trail is trimmed only where its chain holds and it agrees with the ledger: otherwise it is evidence.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::media_folder::tidy;
use super::trail::{RefundRecords, ledger_before};
use super::{Result, Store};
use crate::domain::audit::{AuditEntry, Checkpoint};
use crate::domain::retention::RetentionPolicy;

/// How many rows one step removes at most.
const STEP_ROWS: u32 = 500;
/// The pause between two steps, for other writers.
const STEP_PAUSE: Duration = Duration::from_millis(5);
/// How long a sweep that was interrupted keeps other processes from starting one.
const LEASE: SignedDuration = SignedDuration::from_mins(10);
/// Entries of the audit trail that are read at once.
const PAGE: u32 = 1_000;

/// A kind of data that a sweep removes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweepable {
    /// Messages of the transcript, by their time.
    Chats,
    /// Corrected labels, by the time of their messages.
    Corrections,
    /// Questions that no document answered, by their time.
    Unanswered,
    /// Drafts of the team, by their time.
    Drafts,
    /// Internal notes of the team, by their time.
    Notes,
    /// What the team pinned to conversations, by its time. What is put away until later, and the pins of customers who wait for a
    /// person or wrote lately, stay.
    Pins,
    /// Media files of which nothing is left to do, by the time of their messages.
    Media,
    /// Questions about the team's work with their answers, by the time of the question.
    Ratings,
    /// Resolved alerts, by the time of their resolution.
    ResolvedAlerts,
    /// Answered messages of customers, by the time of their arrival.
    AnsweredMessages,
    /// Sent replies, by the time of sending.
    SentReplies,
    /// Events that every endpoint has that wanted them, by their time.
    DeliveredEvents,
}

/// What a sweep removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// When it began.
    pub at: Timestamp,
    /// Messages of the transcript that were removed.
    pub chats: u64,
    /// Corrected labels that were removed.
    #[serde(default)]
    pub corrections: u64,
    /// Unanswered questions that were removed.
    #[serde(default)]
    pub unanswered: u64,
    /// Drafts, internal notes and pins of the team that were removed.
    #[serde(default)]
    pub notes: u64,
    /// Media files that were removed.
    #[serde(default)]
    pub media: u64,
    /// Resolved alerts that were removed.
    pub alerts: u64,
    /// Answered messages that were removed.
    pub inbox: u64,
    /// Sent replies that were removed.
    pub outbox: u64,
    /// Delivered events that were removed.
    #[serde(default)]
    pub events: u64,
    /// Entries of the audit trail that were removed.
    pub audit: u64,
    /// Whether the audit trail was not trimmed, because its chain is broken or the ledger differs from it.
    #[serde(default)]
    pub trail_broken: bool,
}

impl SweepReport {
    /// Nothing was removed.
    pub fn none(at: Timestamp) -> Self {
        Self {
            at,
            chats: 0,
            corrections: 0,
            unanswered: 0,
            notes: 0,
            media: 0,
            alerts: 0,
            inbox: 0,
            outbox: 0,
            events: 0,
            audit: 0,
            trail_broken: false,
        }
    }
}

/// Removing old data.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Lets one sweeper begin: `false` while another one has begun, not ended, and holds a lease that has not expired,
    /// or where a sweep began after `idle_since`.
    async fn begin_sweep(
        &self,
        sweeper: &str,
        now: Timestamp,
        lease: SignedDuration,
        idle_since: Timestamp,
    ) -> Result<bool>;
    /// Saves the report of a sweep, and lets the next one begin.
    async fn end_sweep(&self, sweeper: &str, report: &SweepReport) -> Result<()>;
    /// The report of the last sweep that ended.
    async fn last_sweep(&self) -> Result<Option<SweepReport>>;
    /// Removes data from before a time, the oldest first, at most `limit`, and returns how much: less than `limit`
    /// means that nothing is left.
    async fn sweep_step(&self, what: Sweepable, before: Timestamp, limit: u32) -> Result<u64>;
    /// Up to where entries of the audit trail were removed.
    async fn checkpoint(&self) -> Result<Option<Checkpoint>>;
    /// Records and saves a checkpoint, unless there is one at the same place or further; from then on the entries up to
    /// it may be removed.
    async fn move_checkpoint(&self, to: &Checkpoint, now: Timestamp) -> Result<()>;
    /// Removes entries up to the checkpoint, at most `limit`, and returns how many there were.
    async fn remove_trimmed_entries(&self, limit: u32) -> Result<u64>;
}

/// Removes data that is older than its retention period. `None` where another process is doing so, or did since
/// `idle_since`.
///
/// # Errors
/// When the store fails: what was removed until then stays removed, and the next sweep removes the rest.
pub async fn sweep(
    store: &dyn Store,
    retention: &RetentionPolicy,
    now: Timestamp,
    idle_since: Timestamp,
) -> Result<Option<SweepReport>> {
    // A unique name, so that a retried `begin_sweep` whose first answer was lost is recognised.
    let sweeper = &format!("{}-{}", std::process::id(), uuid::Uuid::now_v7().simple());
    if !store.begin_sweep(sweeper, now, LEASE, idle_since).await? {
        return Ok(None);
    }
    let begun = Instant::now();
    let mut report = SweepReport::none(now);
    let before = |age: SignedDuration| now.saturating_sub(age).unwrap_or(Timestamp::MIN);
    if let Some(before) = retention.chats.map(before) {
        report.chats = remove_in_steps(store, Sweepable::Chats, before).await?;
        report.corrections = remove_in_steps(store, Sweepable::Corrections, before).await?;
        report.unanswered = remove_in_steps(store, Sweepable::Unanswered, before).await?;
        report.notes = remove_in_steps(store, Sweepable::Drafts, before).await?
            + remove_in_steps(store, Sweepable::Notes, before).await?
            + remove_in_steps(store, Sweepable::Pins, before).await?;
        report.media = remove_in_steps(store, Sweepable::Media, before).await?;
        if report.media > 0 {
            tidy(store).await?;
        }
        remove_in_steps(store, Sweepable::Ratings, before).await?;
        report.alerts = remove_in_steps(store, Sweepable::ResolvedAlerts, before).await?;
    }
    if let Some(before) = retention.inbox.map(before) {
        report.inbox = remove_in_steps(store, Sweepable::AnsweredMessages, before).await?;
        report.outbox = remove_in_steps(store, Sweepable::SentReplies, before).await?;
    }
    if let Some(before) = retention.events.map(before) {
        report.events = remove_in_steps(store, Sweepable::DeliveredEvents, before).await?;
    }
    if let Some(before) = retention.audit_before(now) {
        match trim_audit(store, before, now).await? {
            Trimmed::Done(removed) => report.audit = removed,
            Trimmed::Broken(place, why) => {
                report.trail_broken = true;
                tracing::error!(place, why, "the audit trail is broken: it is not trimmed");
            }
        }
    }
    store.end_sweep(sweeper, &report).await?;
    tracing::info!(?report, took = ?begun.elapsed(), "old data was removed");
    Ok(Some(report))
}

async fn remove_in_steps(store: &dyn Store, what: Sweepable, before: Timestamp) -> Result<u64> {
    let mut removed = 0;
    loop {
        let step = store.sweep_step(what, before, STEP_ROWS).await?;
        removed += step;
        if step < u64::from(STEP_ROWS) {
            return Ok(removed);
        }
        tokio::time::sleep(STEP_PAUSE).await;
    }
}

/// The outcome of trimming the audit trail.
enum Trimmed {
    /// This many entries were removed.
    Done(u64),
    /// The chain is broken at this place, for this reason: nothing was removed.
    Broken(u64, String),
}

/// Removes the entries at the beginning of the trail that are from before a time, up to the first that is not.
async fn trim_audit(store: &dyn Store, before: Timestamp, now: Timestamp) -> Result<Trimmed> {
    let last = store.checkpoint().await?;
    let begin = last.as_ref().map_or(0, |checkpoint| checkpoint.seq);
    // What an interrupted sweep left.
    let mut removed = remove_trimmed(store).await?;
    let is_old = |entry: &AuditEntry| entry.record().is_none_or(|record| record.at < before);
    let first = store.audit_entries(begin + 1, 1).await?;
    if !first.first().is_some_and(is_old) {
        return Ok(Trimmed::Done(removed));
    }
    let mut check = store.check_audit().await?;
    if check.broken.is_none() {
        check.broken = store.check_refunds().await?;
    }
    if let Some((place, why)) = check.broken {
        return Ok(Trimmed::Broken(place, why));
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
    // A single old entry is the record of the last trimming: replacing it by another such record would go on for ever.
    let Some((seq, hash)) = end.filter(|(seq, _)| *seq > begin + 1) else { return Ok(Trimmed::Done(removed)) };
    let (refunds, ledger) = ledger_at(store, seq, before).await?;
    store.move_checkpoint(&Checkpoint { seq, hash, before, refunds, ledger }, now).await?;
    removed += remove_trimmed(store).await?;
    Ok(Trimmed::Done(removed))
}

/// Count and digest of the refunds from before a time, with the states that the entries up to a place say.
async fn ledger_at(store: &dyn Store, seq: u64, before: Timestamp) -> Result<(u64, String)> {
    let refunds = store.refunds(u32::MAX).await?;
    let mut records = RefundRecords::default();
    // Only what a provider pays changes its state.
    if refunds.iter().any(|refund| !refund.is_simulated()) {
        let mut next = seq + 1;
        loop {
            let page = store.audit_entries(next, PAGE).await?;
            let Some(latest) = page.last().map(|entry| entry.seq) else { break };
            for entry in &page {
                records.note(entry);
            }
            next = latest + 1;
        }
    }
    Ok(ledger_before(&refunds, before, &records))
}

async fn remove_trimmed(store: &dyn Store) -> Result<u64> {
    let mut removed = 0;
    loop {
        let step = store.remove_trimmed_entries(STEP_ROWS).await?;
        removed += step;
        if step < u64::from(STEP_ROWS) {
            return Ok(removed);
        }
        tokio::time::sleep(STEP_PAUSE).await;
    }
}

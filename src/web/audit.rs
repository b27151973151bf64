//! The page of the audit trail, and the cache of the last check of its chain.

use std::time::{Duration, Instant};

use axum::extract::{Extension, RawQuery, State};
use jiff::Timestamp;
use maud::{Markup, html};
use tokio::sync::Mutex;

use super::access::Session;
use super::forms::{Fields, encode};
use super::{AppState, Inner, PageError, layout};
use crate::domain::audit::AuditCheck;
use crate::domain::words::excerpt;

/// Entries that are searched, and those that are shown.
const MAX_READ: u32 = 5_000;
const MAX_SHOWN: usize = 100;
/// How many times its own duration a check stays valid.
const VALIDITY_FACTOR: u32 = 20;

struct Check {
    end: u64,
    at: Timestamp,
    when: Instant,
    took: Duration,
    outcome: AuditCheck,
}

/// The last check of the chain.
#[derive(Default)]
pub(super) struct CheckCache(Mutex<Option<Check>>);

impl Inner {
    /// Checks chain and ledger, or returns the last check while it is valid.
    async fn check(&self) -> Result<(Timestamp, AuditCheck), PageError> {
        let end = self.store().audit_length().await?;
        let mut last = self.audit.0.lock().await;
        if let Some(known) = last.as_ref() {
            let age = known.when.elapsed();
            if age < known.took * VALIDITY_FACTOR || (known.end == end && age < Duration::from_mins(1)) {
                return Ok((known.at, known.outcome.clone()));
            }
        }
        let when = Instant::now();
        let mut outcome = self.store().check_audit().await?;
        if outcome.broken.is_none() {
            outcome.broken = self.store().check_refunds().await?;
        }
        let at = self.now();
        *last = Some(Check { end, at, when, took: when.elapsed(), outcome: outcome.clone() });
        Ok((at, outcome))
    }
}

pub(super) async fn page(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let text = fields.get("q").to_lowercase();
    let (at, check) = state.check().await?;
    let end = state.store().audit_length().await?;
    let until = fields.get("before").parse::<u64>().map_or(end, |before| before.saturating_sub(1).min(end));
    let from = until.saturating_sub(u64::from(MAX_READ)) + 1;
    let mut entries = state.store().audit_entries(from, MAX_READ).await?;
    entries.retain(|entry| entry.seq <= until);
    let mut matching =
        entries.iter().rev().filter(|entry| text.is_empty() || entry.content.to_lowercase().contains(&text));
    let shown: Vec<_> = matching.by_ref().take(MAX_SHOWN).collect();
    // Older ones begin where these end; where fewer were found, where the search ended.
    let older = match (matching.next(), shown.last()) {
        (Some(_), Some(last)) => Some(last.seq),
        _ => Some(from).filter(|from| *from > 1 && !entries.is_empty()),
    };
    let zone = &state.settings.zone;
    let main = html! {
        div.heading { h1 { "Audit" } p.about { "every call of a tool and every change, each chained to the one before" } }
        @match &check.broken {
            None => {
                p.told.good {
                    "The chain holds: " (check.entries) " entries, and the refunds agree with it. Checked "
                    (layout::time(at, zone)) "."
                    @if check.signed > 0 { " " (check.signed) " of them are signed with the key." }
                    @if check.removed > 0 { " " (check.removed) " older entries were removed for their age, on record." }
                    @if check.erased > 0 { " " (check.erased) " were erased for customers who were forgotten, on record." }
                }
            }
            Some((place, why)) => { p.warning role="alert" { "The chain is broken at entry " (place) ": " (why) } }
        }
        form.filters method="get" action="/audit" {
            label { "Search the latest 5,000 " input type="search" name="q" value=(fields.get("q")); }
            button type="submit" { "Search" }
        }
        @if shown.is_empty() {
            p.nothing {
                @if text.is_empty() { "Nothing is on record yet: calls of tools and changes of the team will stand here." }
                @else { "None of these 5,000 entries holds “" (fields.get("q")) "”." }
            }
        } @else {
            div.scroll.card tabindex="0" role="region" aria-label="Entries" {
                table {
                    thead {
                        tr {
                            th.n scope="col" { "Place" }
                            @for name in ["Time", "Actor", "Call", "Phase", "Arguments", "Result"] { th scope="col" { (name) } }
                        }
                    }
                    tbody {
                        @for entry in shown {
                            tr {
                                td.n { (entry.seq) }
                                @if let Some(record) = entry.record() {
                                    td { (layout::time(record.at, zone)) }
                                    td { (record.actor) }
                                    td { (record.action) }
                                    td { span.chip { (format!("{:?}", record.phase).to_lowercase()) } }
                                    td.json { (excerpt(&record.arguments.to_string(), 300)) }
                                    td.json { (excerpt(&record.result.to_string(), 300)) }
                                } @else {
                                    td colspan="6" { "its content cannot be read" }
                                }
                            }
                        }
                    }
                }
            }
        }
        p.paging {
            @if until < end { a href=(format!("/audit?q={}", encode(fields.get("q")))) { "← Latest" } }
            @if let Some(before) = older {
                a href=(format!("/audit?q={}&before={before}", encode(fields.get("q")))) { "Older entries →" }
            }
        }
    };
    Ok(layout::page("/audit", "Audit", &session, state.pending().await?, &main))
}

//! Decides how the audit trail is shown, and when its chain is checked anew.
//!
//! It must never say that the chain holds without having checked it.

use std::time::{Duration, Instant};

use axum::extract::{Extension, RawQuery, State};
use jiff::Timestamp;
use maud::{Markup, html};
use tokio::sync::Mutex;

use super::access::Session;
use super::forms::Fields;
use super::{Desk, Inner, Trouble, layout};
use crate::domain::audit::AuditCheck;
use crate::domain::words::excerpt;

/// Entries that are looked through, and those that are shown.
const MOST_READ: u32 = 5_000;
const MOST_SHOWN: usize = 100;
/// How many times as long as it took a check holds.
const TIMES: u32 = 20;

struct Check {
    end: u64,
    at: Timestamp,
    when: Instant,
    took: Duration,
    outcome: AuditCheck,
}

/// The last check of the chain.
#[derive(Default)]
pub(super) struct Checked(Mutex<Option<Check>>);

impl Inner {
    /// Checks chain and ledger, unless that was done just now.
    async fn check(&self) -> Result<(Timestamp, AuditCheck), Trouble> {
        let end = self.store().audit_length().await?;
        let mut last = self.checked.0.lock().await;
        if let Some(known) = last.as_ref() {
            let age = known.when.elapsed();
            if age < known.took * TIMES || (known.end == end && age < Duration::from_secs(60)) {
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
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let text = fields.get("q").to_lowercase();
    let (at, check) = desk.check().await?;
    let end = desk.store().audit_length().await?;
    let from = end.saturating_sub(u64::from(MOST_READ)) + 1;
    let entries = desk.store().audit_entries(from, MOST_READ).await?;
    let fits = entries.iter().rev().filter(|entry| text.is_empty() || entry.content.to_lowercase().contains(&text));
    let zone = &desk.settings.zone;
    let main = html! {
        div.heading { h1 { "Audit" } p.about { "every call of a tool and every change, each chained to the one before" } }
        @match &check.broken {
            None => {
                p.told.good {
                    "The chain holds: " (check.entries) " entries, and the refunds agree with it. Checked "
                    (layout::time(at, zone)) "."
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
        @let shown: Vec<_> = fits.take(MOST_SHOWN).collect();
        @if shown.is_empty() {
            p.nothing {
                @if text.is_empty() { "Nothing is on record yet: calls of tools and changes of the team will stand here." }
                @else { "None of the latest 5,000 entries holds “" (fields.get("q")) "”." }
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
    };
    Ok(layout::page("/audit", "Audit", &session, desk.pending().await?, main))
}

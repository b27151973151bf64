//! `ecomres retention`: runs the retention job once.

use anyhow::Context as _;
use clap::Args;
use jiff::Timestamp;

use super::output::Output;
use super::{Global, InputError, app};
use crate::store::{self, SweepReport};

/// Remove what is older than the settings say it is kept
#[derive(Debug, Args)]
#[command(
    after_help = "Without [retention] settings everything is kept for ever. Refunds are never removed, nor what waits for an \
    answer or a person. While messages are answered this happens every hour by itself.\n\n\
    Examples:\n  ECOMRES_RETENTION__CHATS_DAYS=90 ecomres retention\n  ecomres retention --json"
)]
pub struct Options {}

pub(super) fn run(_: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let keep = config.retention_policy();
    if keep.keeps_everything() {
        return Err(InputError::with_hint(
            "nothing is to be removed: all [retention] settings are 0, for ever",
            "set chats_days, inbox_days or audit_days; ecomres doctor --settings tells what they mean",
        )
        .into());
    }
    let (location, settings) = (app::store_location(global, &config), app::server_settings(&config));
    let store = app::open_existing_store(location, &settings)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let now = Timestamp::now();
    let Some(report) = runtime.block_on(store::sweep(store.as_ref(), &keep, now, now))? else {
        return Err(InputError::with_hint(
            format!("another process is removing what is old from {}", store::display_location(location)),
            "wait for it: ecomres doctor shows when it is done",
        )
        .into());
    };
    let mut output = Output::stdout();
    if global.json {
        output.json(&report)?;
    } else {
        output.line(format!("Removed: {}.", removed(&report)))?;
    }
    if report.trail_broken {
        return Err(InputError::with_hint(
            "the audit trail was not cut, because it is broken",
            "ecomres report audit --verify shows where",
        )
        .into());
    }
    Ok(())
}

/// What a sweep removed, in words.
pub(super) fn removed(report: &SweepReport) -> String {
    let parts = [
        (report.chats, "messages of the transcript"),
        (report.corrections, "corrected labels"),
        (report.unanswered, "unanswered questions"),
        (report.notes, "drafts, notes and tags of the team"),
        (report.media, "files of customers"),
        (report.alerts, "resolved alerts"),
        (report.inbox, "answered messages"),
        (report.outbox, "sent replies"),
        (report.events, "delivered events"),
        (report.audit, "entries of the audit trail"),
    ];
    let removed: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    if removed.is_empty() { "nothing was old enough".to_owned() } else { removed.join(", ") }
}

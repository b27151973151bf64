//! Decides how what the store holds is shown to the team: for now the audit trail.
//!
//! It must never change anything.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::app::verify_audit;
use super::output::{Output, visible};
use super::{Global, Problem, look_at_store};
use crate::domain::audit::AuditCheck;
use crate::domain::words::excerpt;

/// Show what the store has on record
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ecomres report audit\n  ecomres report audit --verify")]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The audit trail: every tool call, hash-chained
    ///
    /// The store is only looked at; it may be read-only.
    #[command(after_help = "Examples:\n  ecomres report audit --last 20\n  ecomres report audit --verify --json")]
    Audit {
        /// Check the whole chain, and that it and the refunds agree; exit code 1 when they do not
        #[arg(long)]
        verify: bool,
        /// How many of the latest entries to show
        #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true,
            value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        last: u32,
    },
}

/// How many entries there are, and what is not there any more.
pub(super) fn entries(check: &AuditCheck) -> String {
    let mut told = format!("{} entries", check.entries);
    if check.removed > 0 {
        told += &format!(" after {} that were removed for their age", check.removed);
    }
    if check.erased > 0 {
        told += &format!(", {} of them erased for customers who were forgotten", check.erased);
    }
    told
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let What::Audit { verify, last } = options.what;
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the runtime")?;
    let store = look_at_store(global)?;
    let mut output = Output::stdout();
    runtime.block_on(async {
        if verify {
            let check = verify_audit(store.as_ref()).await?;
            if global.json {
                output.json(&check)?;
            } else if check.broken.is_none() {
                output.line(format!(
                    "The audit trail holds: {}, each chained to the one before, and the refunds agree with it.",
                    entries(&check)
                ))?;
            }
            return match check.broken {
                None => Ok(()),
                Some((place, why)) => Err(Problem::with_hint(
                    format!("the audit trail is broken at entry {place}: {why}"),
                    "keep this file as evidence, and compare it with a backup",
                )
                .into()),
            };
        }
        let end = store.audit_length().await?;
        let from = end.saturating_sub(u64::from(last)) + 1;
        for entry in store.audit_entries(from, last).await? {
            if global.json {
                let record = entry.record();
                output.json(
                    &json!({"seq": entry.seq, "hash": entry.hash, "previous": entry.previous, "record": record}),
                )?;
            } else if let Some(record) = entry.record() {
                let phase = serde_json::to_value(record.phase)?.as_str().unwrap_or_default().to_owned();
                let line = format!(
                    "{:>6}  {}  {:<28} {:<26} {:<8} {} → {}",
                    entry.seq,
                    record.at.strftime("%Y-%m-%d %H:%M:%SZ"),
                    record.actor,
                    record.action,
                    phase,
                    excerpt(&record.arguments.to_string(), 80),
                    excerpt(&record.result.to_string(), 120),
                );
                output.line(visible(&line))?;
            } else {
                output.line(format!("{:>6}  (its content cannot be read)", entry.seq))?;
            }
        }
        Ok(())
    })
}

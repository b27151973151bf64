//! Decides how what the store holds is shown to the team: its figures, and the audit trail.
//!
//! It must never change anything.

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use super::app::{self, verify_audit};
use super::output::{Output, visible};
use super::{Global, Problem, look_at_store, quality};
use crate::domain::audit::AuditCheck;
use crate::domain::words::excerpt;
use crate::insights::{self, Part, Range, Section};

/// Show what the store has on record: figures, and the audit trail
#[derive(Debug, Args)]
#[command(
    after_help = "The store is only looked at; it may be read-only. Figures are those of the dashboard; days are the shop's days.\n\n\
    Examples:\n  ecomres report overview --range 24h\n  ecomres report orders --range all --format csv > orders.csv\n  \
    ecomres report all --range 2026-01-01..2026-01-31 --format html > january.html\n  ecomres report audit --verify"
)]
pub struct Options {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// What a team lead looks at first: customers, response times, hand-overs, refunds, ratings
    #[command(after_help = "Example:\n  ecomres report overview --range 24h")]
    Overview(Figures),
    /// Orders, delays, delivery times and ratings, by platform and category
    #[command(after_help = "Example:\n  ecomres report orders --range all --format csv")]
    Orders(Figures),
    /// Refunds that were paid, by day, category, platform and reason
    #[command(after_help = "Example:\n  ecomres report refunds --range 30d --platform JioMart")]
    Refunds(Figures),
    /// Requests for a person, and how long they wait
    #[command(after_help = "Example:\n  ecomres report alerts --range 7d")]
    Alerts(Figures),
    /// Who wrote, in how many conversations, and how fast the answers were
    #[command(after_help = "Example:\n  ecomres report conversations --range 7d --format md")]
    Conversations(Figures),
    /// What customers wanted and how they sounded, how sure the model was, what people corrected, and drift
    #[command(after_help = "Example:\n  ecomres report nlu --range 30d")]
    Nlu(Figures),
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
    /// Everything
    #[command(after_help = "Example:\n  ecomres report all --range 30d --format html > report.html")]
    All(Figures),
}

/// Which time, and how it is written.
#[derive(Debug, Args)]
struct Figures {
    /// 1h, 24h, 7d, 30d, all, or two days such as 2026-01-01..2026-01-31
    #[arg(long, value_name = "RANGE", default_value = "7d")]
    range: String,
    /// How it is written; --json means --format json
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Only orders and refunds of this platform
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Columns, on a terminal with bars
    Table,
    /// One JSON object for each part
    Json,
    /// One value a row
    Csv,
    /// One HTML file with charts, for mailing
    Html,
    /// Markdown
    Md,
}

/// Prints the figures of some parts.
fn figures(asked: &Figures, parts: &[Part], global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let range = Range::parse(&asked.range)?;
    let zone = config.zone()?;
    let options = insights::Options {
        period: range.period(Timestamp::now(), &zone, config.triage.gap()),
        range,
        platform: asked.platform.clone(),
        response_target_seconds: config.dashboard.response_target_seconds,
        clarify_below: config.triage.clarify_below,
        model: if parts.contains(&Part::Quality) { quality::facts(global, &config) } else { None },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the runtime")?;
    let store = look_at_store(global)?;
    let sections: Vec<Section> = runtime.block_on(async {
        let mut sections = Vec::with_capacity(parts.len());
        for part in parts {
            sections.push(insights::build(store.as_ref(), *part, &options).await?);
        }
        anyhow::Ok(sections)
    })?;
    let mut output = Output::stdout();
    match if global.json { Format::Json } else { asked.format } {
        Format::Json => {
            for section in &sections {
                output.json(&section.to_json())?;
            }
        }
        Format::Csv => output.text(insights::csv(&sections))?,
        Format::Html => output.text(insights::page("Support report", &sections))?,
        Format::Md => {
            for section in &sections {
                output.line(insights::markdown(section))?;
            }
        }
        Format::Table => {
            for section in &sections {
                output.line(visible(&insights::plain(section, Output::is_terminal())))?;
            }
        }
    }
    Ok(())
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
    let (verify, last) = match options.what {
        What::Audit { verify, last } => (verify, last),
        What::Overview(asked) => return figures(&asked, &[Part::Overview], global),
        What::Orders(asked) => return figures(&asked, &[Part::Orders], global),
        What::Refunds(asked) => return figures(&asked, &[Part::Refunds], global),
        What::Alerts(asked) => return figures(&asked, &[Part::Alerts], global),
        What::Conversations(asked) => return figures(&asked, &[Part::Conversations], global),
        What::Nlu(asked) => return figures(&asked, &[Part::Nlu, Part::Quality], global),
        What::All(asked) => return figures(&asked, &Part::ALL, global),
    };
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

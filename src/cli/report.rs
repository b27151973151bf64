//! `ecomres report`: shows the stats of the store, and the audit trail. The store is opened read-only.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use serde_json::json;

use super::app::{self, verify_audit};
use super::output::{Output, visible};
use super::{Global, InputError, anchor, open_store_read_only, quality};
use crate::domain::audit::{AuditCheck, SignedHead};
use crate::domain::words::excerpt;
use crate::insights::{self, Range, ReportSection, Section};
use crate::store::{Store, StoreError};

/// Show what the store has on record: statistics, and the audit trail
#[derive(Debug, Args)]
#[command(
    after_help = "The store is only looked at; it may be read-only. Statistics are those of the dashboard; days are the shop's days.\n\n\
    Examples:\n  ecomres report overview --range 24h\n  ecomres report orders --range all --format csv > orders.csv\n  \
    ecomres report all --range 2026-01-01..2026-01-31 --format html > january.html\n  ecomres report audit --verify"
)]
pub struct Options {
    #[command(subcommand)]
    report: Report,
}

#[derive(Debug, Subcommand)]
enum Report {
    /// What a team lead looks at first: customers, response times, hand-overs, refunds, ratings
    #[command(after_help = "Example:\n  ecomres report overview --range 24h")]
    Overview(StatsArgs),
    /// Orders, delays, delivery times and ratings, by platform and category
    #[command(after_help = "Example:\n  ecomres report orders --range all --format csv")]
    Orders(StatsArgs),
    /// Refunds that were paid, by day, category, platform and reason
    #[command(after_help = "Example:\n  ecomres report refunds --range 30d --platform JioMart")]
    Refunds(StatsArgs),
    /// Requests for a person, and how long they wait
    #[command(after_help = "Example:\n  ecomres report alerts --range 7d")]
    Alerts(StatsArgs),
    /// Who wrote, in how many conversations, and how fast the answers were
    #[command(after_help = "Example:\n  ecomres report conversations --range 7d --format md")]
    Conversations(StatsArgs),
    /// What customers wanted and how they sounded, how sure the model was, what people corrected, and drift
    #[command(after_help = "Example:\n  ecomres report nlu --range 30d")]
    Nlu(StatsArgs),
    /// The audit trail: every tool call, hash-chained
    ///
    /// The store is only looked at; it may be read-only.
    #[command(after_help = "Examples:\n  ecomres report audit --last 20\n  ecomres report audit --verify --json\n  \
        ecomres report audit --verify --heads /var/log/ecomres.log")]
    Audit {
        /// Check the whole chain, its signatures, and that it and the refunds agree; exit code 1 when they do not, or where
        /// signatures are not checked because the key is not here
        #[arg(long)]
        verify: bool,
        /// Also hold it against a head that was published, as the log shows it (ecomres-audit-head:…); repeat for more
        #[arg(long, value_name = "HEAD", requires = "verify")]
        head: Vec<String>,
        /// Also hold it against every head in a file, such as a log
        #[arg(long, value_name = "FILE", requires = "verify")]
        heads: Option<PathBuf>,
        /// How many of the latest entries to show
        #[arg(long, value_name = "N", default_value_t = 20, allow_negative_numbers = true,
            value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        last: u32,
    },
    /// Everything
    #[command(after_help = "Example:\n  ecomres report all --range 30d --format html > report.html")]
    All(StatsArgs),
}

/// The range and the format.
#[derive(Debug, Args)]
struct StatsArgs {
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

/// Prints some sections.
fn print_sections(args: &StatsArgs, wanted: &[ReportSection], global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    let range = Range::parse(&args.range)?;
    let zone = config.zone()?;
    let options = insights::Options {
        period: range.period(Timestamp::now(), &zone, config.triage.gap()),
        range,
        platform: args.platform.clone(),
        money: config.money(),
        response_target_seconds: config.dashboard.response_target_seconds,
        clarify_below: config.triage.clarify_below,
        model: if wanted.contains(&ReportSection::Quality) { quality::facts(global, &config) } else { None },
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the runtime")?;
    let store = open_store_read_only(global)?;
    let sections: Vec<Section> = runtime.block_on(async {
        let mut sections = Vec::with_capacity(wanted.len());
        for section in wanted {
            sections.push(insights::build(store.as_ref(), *section, &options).await?);
        }
        anyhow::Ok(sections)
    })?;
    let mut output = Output::stdout();
    match if global.json { Format::Json } else { args.format } {
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

/// How many entries there are, and how many were removed or erased.
pub(super) fn entries(check: &AuditCheck) -> String {
    let mut text = super::import::counted(check.entries, "entry");
    if check.removed > 0 {
        let _ = write!(text, " after {} that were removed for their age", check.removed);
    }
    if check.erased > 0 {
        let _ = write!(text, ", {} of them erased for customers who were forgotten", check.erased);
    }
    text
}

/// What to do where the key is not here.
const KEY_WANTED: &str =
    "Give this process the key that the others have: ECOMRES_AUDIT_KEY, or ECOMRES_AUDIT__KEY_FILE for its file";

/// Which signatures were checked.
pub(super) fn signatures(check: &AuditCheck) -> String {
    match (check.signed, check.unchecked) {
        (0, 0) => "Nothing of it is signed: whoever may write the store can write another one in its place.".to_owned(),
        (0, unchecked) => {
            let unchecked = super::import::counted(unchecked, "entry");
            format!("The signatures of {unchecked} were not checked: the key is not here. {KEY_WANTED}.")
        }
        (signed, _) if signed + check.erased >= check.entries => "Every entry is signed with the key.".to_owned(),
        (1, _) => "The latest entry is signed with the key, and vouches for those before.".to_owned(),
        (signed, _) => {
            format!("The latest {signed} entries are signed with the key; the first of them vouches for those before.")
        }
    }
}

/// The published heads that the trail is to be held against.
fn published(texts: &[String], file: Option<&Path>) -> Result<Vec<SignedHead>, InputError> {
    const HINT: &str =
        "a head looks like ecomres-audit-head:1:PLACE:HASH:TIME:KEY:SIGNATURE; bot, serve, dashboard and mcp log them";
    let mut heads = Vec::new();
    for text in texts {
        let found = SignedHead::find_in(text);
        if found.is_empty() {
            return Err(InputError::with_hint(format!("“{}” is no head of an audit trail", excerpt(text, 60)), HINT));
        }
        heads.extend(found);
    }
    if let Some(path) = file {
        // A log may hold anything.
        let bytes = std::fs::read(path).map_err(|error| {
            InputError::with_hint(format!("{} cannot be read: {error}", path.display()), "name a log of ecomres")
        })?;
        let found = SignedHead::find_in(&String::from_utf8_lossy(&bytes));
        if found.is_empty() {
            return Err(InputError::with_hint(
                format!("there is no head of an audit trail in {}", path.display()),
                HINT,
            ));
        }
        heads.extend(found);
    }
    Ok(heads)
}

/// The first head that the trail contradicts, or that is forged.
async fn against(store: &dyn Store, heads: &[SignedHead]) -> Result<Option<(u64, String)>, StoreError> {
    let key = store.audit_key();
    for head in heads {
        if let (Some(loaded), Some((id, _))) = (&key, &head.signature)
            && id == loaded.key.id()
            && !head.is_signed_by(&loaded.key)
        {
            return Ok(Some((
                head.seq,
                "the published head of it is forged: its signature is not that of the key".into(),
            )));
        }
        if let Some(why) = anchor::contradiction(store, head).await? {
            return Ok(Some((head.seq, why)));
        }
    }
    Ok(None)
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let (verify, last, published) = match options.report {
        Report::Audit { verify, last, head, heads } => (verify, last, published(&head, heads.as_deref())?),
        Report::Overview(args) => return print_sections(&args, &[ReportSection::Overview], global),
        Report::Orders(args) => return print_sections(&args, &[ReportSection::Orders], global),
        Report::Refunds(args) => return print_sections(&args, &[ReportSection::Refunds], global),
        Report::Alerts(args) => return print_sections(&args, &[ReportSection::Alerts], global),
        Report::Conversations(args) => return print_sections(&args, &[ReportSection::Conversations], global),
        Report::Nlu(args) => return print_sections(&args, &[ReportSection::Nlu, ReportSection::Quality], global),
        Report::All(args) => return print_sections(&args, &ReportSection::ALL, global),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().context("starting the runtime")?;
    let store = open_store_read_only(global)?;
    let mut output = Output::stdout();
    runtime.block_on(async {
        if verify {
            let mut check = verify_audit(store.as_ref()).await?;
            if check.broken.is_none() {
                check.broken = against(store.as_ref(), &published).await?;
            }
            if global.json {
                output.json(&check)?;
            } else if check.broken.is_none() {
                output.line(format!(
                    "The audit trail holds: {}, each chained to the one before, and the refunds agree with it.",
                    entries(&check)
                ))?;
                output.line(signatures(&check))?;
                if !published.is_empty() {
                    let heads = super::import::counted(published.len() as u64, "published head");
                    output.line(format!("It agrees with {heads}."))?;
                }
            }
            return match check.broken {
                None if check.unchecked == 0 => Ok(()),
                None => {
                    Err(InputError::with_hint("the signatures of the audit trail were not checked", KEY_WANTED).into())
                }
                Some((place, why)) => Err(InputError::with_hint(
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

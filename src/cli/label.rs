//! The command `label`: makes training rows of orders and support tickets.
#![expect(clippy::doc_markdown, reason = "the docs of arguments are the help, which shows backticks")]

mod export;

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::files::{refuse_existing, write};
use super::output::Output;
use super::{Global, InputError};
use crate::files::csv::Table;
use crate::nlu::{LABEL_RULES, LabelColumns, LabelRules, Labelling, Summary};

/// Make training rows of order feedback and support tickets, by rules
///
/// Each distinct text becomes one row. The rules are in data/label_rules.toml: words and ratings for orders, a table of
/// intents for tickets. What no rule fits is not guessed.
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true,
    after_help = "Examples:\n  ecomres label --orders orders.csv --out feedback.csv\n  ecomres label export --out corrected.csv\n  ecomres label --orders orders.csv --support tickets.csv --out rows.csv --unlabelled rest.csv\n  ecomres label --show-rules > my_rules.toml"
)]
pub struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    /// CSV files of orders, with feedback and rating
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present_any = ["support", "show_rules"])]
    orders: Vec<PathBuf>,
    /// CSV files of support tickets, with intents of another system
    #[arg(long, value_name = "FILE", num_args = 1..)]
    support: Vec<PathBuf>,
    /// CSV file to write: text, intent, sentiment, source, rows
    #[arg(long, value_name = "FILE", required_unless_present = "show_rules")]
    out: Option<PathBuf>,
    /// CSV file to write what no rule fits to, with the reason
    #[arg(long, value_name = "FILE")]
    unlabelled: Option<PathBuf>,
    /// Rules to use [default: those of data/label_rules.toml]
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Print the default rules, to change them
    #[arg(long)]
    show_rules: bool,
    /// Column with the message [default: what the rules say]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    text_column: Option<String>,
    /// Column with the rating in files of orders [default: what the rules say]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    rating_column: Option<String>,
    /// Column with the intent in files of tickets [default: what the rules say]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    intent_column: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Export(export::Options),
}

/// Runs the command.
///
/// # Errors
/// Rules or files that cannot be read, or a file that exists or cannot be written.
pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    if let Some(Action::Export(export)) = &options.action {
        return export::run(export, global);
    }
    let mut output = Output::stdout();
    if options.show_rules {
        output.text(LABEL_RULES)?;
        return Ok(());
    }
    for path in options.out.iter().chain(&options.unlabelled) {
        refuse_existing(path, global)?;
    }
    let rules = read_rules(options.rules.as_deref())?;
    let columns = |given: &Option<String>| LabelColumns { text: options.text_column.clone(), given: given.clone() };
    let mut labelling = Labelling::default();
    for path in &options.orders {
        labelling.orders(path, &rules, &columns(&options.rating_column))?;
    }
    for path in &options.support {
        labelling.support(path, &rules, &columns(&options.intent_column))?;
    }
    let (labelled, unlabelled, summary) = labelling.finish();
    if let Some(path) = &options.out {
        write(path, &csv_of(&["text", "intent", "sentiment", "source", "rows"], &labelled)?)?;
    }
    if let Some(path) = &options.unlabelled {
        write(path, &csv_of(&["text", "given", "source", "rows", "reason"], &unlabelled)?)?;
    }
    if global.json {
        output.json_pretty(&summary)?;
        return Ok(());
    }
    print_summary(&summary, &mut output)?;
    for path in options.out.iter().chain(&options.unlabelled) {
        output.line(format!("written: {}", path.display()))?;
    }
    Ok(())
}

fn read_rules(path: Option<&Path>) -> anyhow::Result<LabelRules> {
    let Some(path) = path else { return Ok(LabelRules::parse(LABEL_RULES, "the default rules")?) };
    let text = std::fs::read_to_string(path).map_err(|error| {
        InputError::with_hint(
            format!("{} cannot be read: {error}", path.display()),
            "`ecomres label --show-rules` prints rules to start from",
        )
    })?;
    Ok(LabelRules::parse(&text, &path.display().to_string())?)
}

/// The header is written even where there is no row.
fn csv_of(header: &[&str], rows: &[impl serde::Serialize]) -> anyhow::Result<Vec<u8>> {
    let mut table = Table::new();
    table.row(header)?;
    for row in rows {
        table.serialize(row)?;
    }
    Ok(table.finish().context("writing the rows")?.into_bytes())
}

fn print_summary(summary: &Summary, output: &mut Output) -> anyhow::Result<()> {
    output.line(format!("{} rows read, {} without text", summary.rows, summary.empty))?;
    output.line(format!(
        "  labelled    {:>8} rows, {:>8} distinct texts",
        summary.labelled_rows, summary.labelled_texts
    ))?;
    output.line(format!(
        "  unlabelled  {:>8} rows, {:>8} distinct texts",
        summary.unlabelled_rows, summary.unlabelled_texts
    ))?;
    if summary.outvoted_rows > 0 {
        output.line(format!(
            "  {} rows follow other rows with the same text that a rule labels differently",
            summary.outvoted_rows
        ))?;
    }
    for (title, counts) in [("intent", &summary.intents), ("sentiment", &summary.sentiments)] {
        output.line(format!("\n  {title:<30} texts"))?;
        for (label, count) in counts {
            output.line(format!("  {:<30} {count:>5}", if label.is_empty() { "(none)" } else { label }))?;
        }
    }
    output.line("")?;
    Ok(())
}

//! Decides how a model's figures on labelled messages are asked for.
//!
//! It must never score a model on data that it does not know the labels of.

mod chart;
mod files;
mod font;
mod png;
mod show;

use std::path::PathBuf;

use super::Global;
use super::app::{load_engine_on, model_folder};
use super::output::Output;
use super::train::share;
use crate::nlu::{Columns, Dataset, DeviceChoice, Judging, evaluate};

pub use show::print_figures;

/// Test the classifier on labelled messages.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres eval --data data/test.csv\n  ecomres eval --data data/test.csv --out report\n  ecomres eval --data tickets.csv --intent-column category --json"
)]
pub struct Options {
    /// CSV files with text and labels
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// Also write metrics.json, predictions.csv and the confusion matrices as SVG and PNG into this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnOptions,
    /// Show at most N mistakes
    #[arg(long, value_name = "N", default_value_t = 50)]
    mistakes: usize,
    /// Count intents below this confidence as withheld [default: what the model's config.json says]
    #[arg(long, value_name = "P", value_parser = share)]
    abstain_below: Option<f64>,
    /// Rows with this intent are out of scope: right is to withhold the answer
    #[arg(long, value_name = "LABEL", default_values = ["oos", "out_of_scope"])]
    out_of_scope: Vec<String>,
    /// What to compute on: a card needs a build with --features wgpu or cuda
    #[arg(long, value_name = "auto|cpu|wgpu|cuda", default_value_t)]
    device: DeviceChoice,
}

/// Names of the columns in data files.
#[derive(Debug, Clone, clap::Args)]
pub struct ColumnOptions {
    /// Column with the message [default: text]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    text_column: Option<String>,
    /// Column with the intent [default: intent or intent_label]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    intent_column: Option<String>,
    /// Column with the sentiment [default: sentiment or sentiment_label, where there is one]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    sentiment_column: Option<String>,
    /// Column with the paraphrase group, whose rows stay together [default: group, where there is one]
    #[arg(long, value_name = "NAME", help_heading = "Columns")]
    group_column: Option<String>,
}

impl From<ColumnOptions> for Columns {
    fn from(options: ColumnOptions) -> Self {
        Self {
            text: options.text_column,
            intent: options.intent_column,
            sentiment: options.sentiment_column,
            group: options.group_column,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// No usable model, data that cannot be read or has labels the model does not know, or a folder that cannot be
/// written.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let dir = model_folder(global)?;
    let dataset = Dataset::read(&options.data, &options.columns.into())?;
    let judging =
        Judging { abstain_below: options.abstain_below.map(|share| share as f32), out_of_scope: options.out_of_scope };
    let evaluation = evaluate(&load_engine_on(&dir, options.device)?, &dataset, &judging)?;
    let written = match &options.out {
        Some(out) => files::write_all(out, &evaluation)?,
        None => Vec::new(),
    };
    let mut output = Output::stdout();
    if global.json {
        output.json_pretty(&evaluation)?;
        return Ok(());
    }
    show::print_all(&evaluation, options.mistakes, &mut output)?;
    if !written.is_empty() {
        output.line("")?;
    }
    for path in written {
        output.line(format!("written: {}", path.display()))?;
    }
    Ok(())
}

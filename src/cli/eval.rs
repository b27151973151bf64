//! The command `eval`: scores of a model on labelled messages.
//!
//! Data with a label that the model does not know is never scored: that is an error.

mod chart;
mod files;
mod font;

use std::path::PathBuf;

use super::app::{load_engine_on, model_location};
use super::arguments::{ColumnOptions, confidence};
use super::files::restore;
use super::output::Output;
use super::{Global, scores};
use crate::nlu::{Columns, Dataset, DeviceChoice, EvaluationOptions, INTENT, SENTIMENT, evaluate};

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
    #[arg(long, value_name = "P", value_parser = confidence)]
    abstain_below: Option<f32>,
    /// Rows with this intent are out of scope: right is to withhold the answer
    #[arg(long, value_name = "LABEL", default_values = ["oos", "out_of_scope"])]
    out_of_scope: Vec<String>,
    /// What to compute on: a card needs a build with --features wgpu or cuda
    #[arg(long, value_name = "auto|cpu|wgpu|cuda", default_value_t)]
    device: DeviceChoice,
}

/// Runs the command.
///
/// # Errors
/// No usable model, data that cannot be read or has labels the model does not know, or a folder that cannot be
/// written.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let location = model_location(global)?;
    let engine = load_engine_on(&location, options.device)?;
    let info = engine.info();
    let mut heads: Vec<&str> = info.other_heads.keys().map(String::as_str).collect();
    for (head, labels) in [(SENTIMENT, &info.sentiments), (INTENT, &info.intents)] {
        if !labels.is_empty() {
            heads.insert(0, head);
        }
    }
    let columns = Columns::from(options.columns).for_heads(heads);
    let mut dataset = Dataset::read(&options.data, &columns)?;
    restore(&mut dataset);
    let judging = EvaluationOptions { abstain_below: options.abstain_below, out_of_scope: options.out_of_scope };
    let evaluation = evaluate(&engine, &dataset, &judging)?;
    let written = match &options.out {
        Some(out) => files::write_all(out, &evaluation)?,
        None => Vec::new(),
    };
    let mut output = Output::stdout();
    if global.json {
        output.json_pretty(&evaluation)?;
        return Ok(());
    }
    scores::print_all(&evaluation, options.mistakes, &mut output)?;
    if !written.is_empty() {
        output.line("")?;
    }
    for path in written {
        output.line(format!("written: {}", path.display()))?;
    }
    Ok(())
}

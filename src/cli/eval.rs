//! Decides how a model's figures on labelled messages are shown.
//!
//! It must never round a figure so far that two models look the same.

use std::path::PathBuf;

use super::Global;
use super::output::Output;
use crate::nlu::{Columns, Dataset, Evaluation, Mistake, TaskReport, evaluate_folder, locate_model};

/// Test the classifier on labelled messages.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres eval --data data/test.csv\n  ecomres eval --data tickets.csv --intent-column category --json"
)]
pub struct Options {
    /// CSV files with text and labels
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    columns: ColumnOptions,
    /// Show at most N mistakes
    #[arg(long, value_name = "N", default_value_t = 50)]
    mistakes: usize,
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
/// No usable model, or data that cannot be read or has labels the model does not know.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let dir = locate_model(global.model.as_deref())?;
    let dataset = Dataset::read(&options.data, &options.columns.into())?;
    let evaluation = evaluate_folder(&dir, &dataset)?;
    let mut output = Output::stdout();
    if global.json {
        output.json_pretty(&evaluation)?;
        return Ok(());
    }
    output.line(format!("{} rows, model {}", evaluation.test_info.rows, dir.display()))?;
    print_figures(&evaluation, &mut output)?;
    print_mistakes(&evaluation.mistakes, options.mistakes, &mut output)
}

/// Shows both tasks' figures and confusion matrices.
///
/// # Errors
/// Standard output cannot be written to.
pub fn print_figures(evaluation: &Evaluation, output: &mut Output) -> anyhow::Result<()> {
    for (task, report) in
        [("intent", &evaluation.intent_classification), ("sentiment", &evaluation.sentiment_classification)]
    {
        if let Some(report) = report {
            output.line("")?;
            print_task(task, report, output)?;
        }
    }
    Ok(())
}

fn print_task(task: &str, report: &TaskReport, output: &mut Output) -> anyhow::Result<()> {
    output.line(format!(
        "{task}: accuracy {:.4}  balanced accuracy {:.4}  macro F1 {:.4}  weighted F1 {:.4}",
        report.accuracy, report.balanced_accuracy, report.f1_macro, report.f1_weighted
    ))?;
    output.line(format!(
        "{:width$}  mean confidence {:.4}  expected calibration error {:.4}",
        "",
        report.mean_confidence,
        report.expected_calibration_error,
        width = task.len() - 1
    ))?;
    let width = report.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(5);
    output.line(format!("\n  {:width$}  precision  recall      F1   rows", "label"))?;
    for label in &report.labels {
        let Some(class) = report.per_class_metrics.get(label) else { continue };
        output.line(format!(
            "  {label:width$}     {:.4}  {:.4}  {:.4}  {:>5}",
            class.precision, class.recall, class.f1, class.support
        ))?;
    }
    // A matrix wider than a screen helps nobody; its pairs are in the mistakes.
    if report.labels.len() <= 20 {
        let numbers: String = (1..=report.labels.len()).map(|number| format!("{number:>5}")).collect();
        output.line(format!("\n  {:>width$}  {numbers}", "true \\ predicted", width = width + 4))?;
        for (number, (label, row)) in report.labels.iter().zip(&report.confusion_matrix).enumerate() {
            let cells: String = row
                .iter()
                .map(|count| if *count == 0 { format!("{:>5}", "·") } else { format!("{count:>5}") })
                .collect();
            output.line(format!("  {:>2}  {label:width$}  {cells}", number + 1))?;
        }
    }
    Ok(())
}

fn print_mistakes(mistakes: &[Mistake], most: usize, output: &mut Output) -> anyhow::Result<()> {
    if mistakes.is_empty() {
        return Ok(());
    }
    output.line(format!("\n{} rows wrong in either task, the most confident first", mistakes.len()))?;
    for mistake in mistakes.iter().take(most) {
        let mut parts = Vec::new();
        if mistake.intent_is_wrong() {
            let truth = mistake.intent.as_deref().unwrap_or("");
            parts.push(format!("{truth} → {} {:.2}", mistake.predicted_intent, mistake.intent_confidence));
        }
        if mistake.sentiment_is_wrong() {
            let truth = mistake.sentiment.as_deref().unwrap_or("");
            parts.push(format!("{truth} → {} {:.2}", mistake.predicted_sentiment, mistake.sentiment_confidence));
        }
        output.line(format!("  {}  {}\n      {}", mistake.place, parts.join(", "), mistake.text))?;
    }
    Ok(())
}

//! Decides how two models are compared from a command line, and when one may take the place of the other.
//!
//! It must never let a worse model, or one that is not whole, take the place of another.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::super::app::model_folder;
use super::super::eval::ColumnOptions;
use super::super::output::Output;
use super::super::{Global, Problem};
use crate::nlu::{
    Columns, Comparison, Dataset, Facts, Paired, Replaced, compare, facts, locate_model, replace_model, restore_model,
};

/// Which models, on which rows.
#[derive(Debug, clap::Args)]
pub struct CompareOptions {
    /// Model folder
    first: PathBuf,
    /// Model folder that may be better
    second: PathBuf,
    #[command(flatten)]
    data: Data,
}

/// Labelled rows.
#[derive(Debug, clap::Args)]
struct Data {
    /// CSV files with text and labels that neither model was trained on
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    #[command(flatten)]
    columns: ColumnOptions,
}

/// Which model takes whose place.
#[derive(Debug, clap::Args)]
pub struct PromoteOptions {
    /// Model folder to copy into the place
    #[arg(required_unless_present = "undo", conflicts_with = "undo")]
    new: Option<PathBuf>,
    /// Folder whose model is replaced [default: the model in use]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// CSV files with text and labels that neither model was trained on
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "undo", conflicts_with = "undo")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    columns: ColumnOptions,
    /// Promote it although it is significantly worse, or knows other labels
    #[arg(long)]
    force: bool,
    /// Bring the model back that was replaced last
    #[arg(long, conflicts_with = "force")]
    undo: bool,
}

fn read(data: &[PathBuf], columns: ColumnOptions) -> anyhow::Result<Dataset> {
    let mut rows = Dataset::read(data, &Columns::from(columns))?;
    // A text that is there twice would count twice.
    rows.deduplicate();
    Ok(rows)
}

pub(super) fn run_compare(options: CompareOptions, global: &Global) -> anyhow::Result<()> {
    let (first, second) = (locate_model(Some(&options.first))?, locate_model(Some(&options.second))?);
    let rows = read(&options.data.data, options.data.columns)?;
    let found = compare(&first, &second, &rows)?;
    let mut output = Output::stdout();
    if global.json {
        output.json_pretty(&json!({"first": first, "second": second, "comparison": found}))?;
        return Ok(());
    }
    for line in table(&first, &second, &found) {
        output.line(line)?;
    }
    Ok(())
}

fn table(first: &Path, second: &Path, found: &Comparison) -> Vec<String> {
    let mut lines =
        vec![format!("A  {}", first.display()), format!("B  {}", second.display()), format!("{} rows", found.rows)];
    for (task, paired) in [("intent", &found.intent), ("sentiment", &found.sentiment)] {
        if let Some(paired) = paired {
            lines.push(String::new());
            lines.extend(of_task(task, paired));
        }
    }
    lines.push(String::new());
    lines.push(verdict(found).to_owned());
    lines
}

fn of_task(task: &str, paired: &Paired) -> Vec<String> {
    let row = |name: &str, [a, b]: [f64; 2], [low, high]: [f64; 2]| {
        format!("  {name:<10} {a:>8.4} {b:>8.4} {:>+9.4}   {low:+.4} to {high:+.4}", b - a)
    };
    vec![
        format!("{task} ({} rows)        A        B     B − A   95 % interval (paired bootstrap)", paired.rows),
        row("accuracy", paired.accuracy, paired.accuracy_difference),
        row("macro F1", paired.f1_macro, paired.f1_difference),
        format!(
            "  only A right {}, only B right {}: McNemar's exact test p = {:.4}",
            paired.only_first, paired.only_second, paired.mcnemar_p
        ),
    ]
}

fn verdict(found: &Comparison) -> &'static str {
    if found.worse {
        "B is significantly worse: it is not promoted without --force."
    } else if found.better {
        "B is significantly better."
    } else {
        "Chance alone explains the differences."
    }
}

pub(super) fn run_promote(options: PromoteOptions, global: &Global) -> anyhow::Result<()> {
    let to = match &options.to {
        Some(folder) => folder.clone(),
        None => model_folder(global)?,
    };
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut output = Output::stdout();
    let Some(new) = &options.new else {
        let restored = restore_model(&to, &stamp)?;
        return tell(&mut output, global, "brought back", &restored, None);
    };
    let new = locate_model(Some(new))?;
    let candidate = facts(&new)?;
    let there = to.join("config.json").is_file();
    let mut found = None;
    if there {
        let current = facts(&to)?;
        let other_labels = labels_differ(&current, &candidate);
        if let Some(told) = other_labels.filter(|_| !options.force) {
            return Err(Problem::with_hint(
                format!("{} knows other labels than {}: {told}", new.display(), to.display()),
                "what acts on intents knows them by name; add --force if that is meant",
            )
            .into());
        }
        let comparison = compare(&to, &new, &read(&options.data, options.columns)?)?;
        if comparison.worse && !options.force {
            let worse = [("intent", &comparison.intent), ("sentiment", &comparison.sentiment)];
            let told: Vec<String> = worse
                .into_iter()
                .filter_map(|(task, paired)| {
                    paired.as_ref().filter(|paired| paired.is_worse()).map(|one| told(task, one))
                })
                .collect();
            return Err(Problem::with_hint(
                format!("{} is significantly worse than {}: {}", new.display(), to.display(), told.join("; ")),
                "train longer or on more rows; `ecomres model compare` shows both, --force promotes it all the same",
            )
            .into());
        }
        found = Some(comparison);
    }
    let replaced = replace_model(&new, &to, &stamp)?;
    tell(&mut output, global, "promoted", &replaced, found.as_ref())
}

fn told(task: &str, paired: &Paired) -> String {
    format!(
        "{task} accuracy {:.4} against {:.4} (p = {:.4}), macro F1 {:.4} against {:.4}",
        paired.accuracy[1], paired.accuracy[0], paired.mcnemar_p, paired.f1_macro[1], paired.f1_macro[0]
    )
}

/// The labels that one of the two knows alone.
fn labels_differ(current: &Facts, candidate: &Facts) -> Option<String> {
    let mut parts = Vec::new();
    for (before, after) in [(&current.intents, &candidate.intents), (&current.sentiments, &candidate.sentiments)] {
        parts.extend(before.iter().filter(|label| !after.contains(label)).map(|label| format!("without {label}")));
        parts.extend(after.iter().filter(|label| !before.contains(label)).map(|label| format!("with {label}")));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn tell(
    output: &mut Output,
    global: &Global,
    what: &str,
    replaced: &Replaced,
    found: Option<&Comparison>,
) -> anyhow::Result<()> {
    if global.json {
        output.json_pretty(
            &json!({"status": what, "folder": replaced.folder, "kept": replaced.kept, "comparison": found}),
        )?;
        return Ok(());
    }
    if let Some(found) = found {
        output.line(verdict(found))?;
    }
    output.line(format!("{what}: {}", replaced.folder.display()))?;
    if let Some(kept) = &replaced.kept {
        output.line(format!("what was there before: {}", kept.display()))?;
    }
    output.line("`ecomres serve`, `bot` and `mcp` that use this folder load it within seconds.")?;
    Ok(())
}

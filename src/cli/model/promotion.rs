//! The commands `model compare` and `model promote`.
//!
//! A worse model, or one that lacks a file, never replaces another without `--force`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::json;

use super::super::app::model_location;
use super::super::arguments::ColumnOptions;
use super::super::files::restore;
use super::super::output::Output;
use super::super::{Global, InputError};
use crate::nlu::{
    Columns, Comparison, Dataset, INTENT, ModelLocation, ModelSummary, NluError, PairedComparison, Replaced, SENTIMENT,
    compare, replace_model, restore_model,
};

/// Which models, on which rows.
#[derive(Debug, clap::Args)]
pub(super) struct CompareOptions {
    /// Model folder, or built-in
    first: PathBuf,
    /// Model folder, or built-in, that may be better
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
pub(super) struct PromoteOptions {
    /// Model folder to copy into the place
    #[arg(required_unless_present = "undo", conflicts_with = "undo")]
    new: Option<PathBuf>,
    /// Folder whose model is replaced [default: the folder of the model in use]
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
    restore(&mut rows);
    // A text that is there twice would count twice.
    rows.deduplicate();
    Ok(rows)
}

pub(super) fn run_compare(options: CompareOptions, global: &Global) -> anyhow::Result<()> {
    let find = |name: &Path| ModelLocation::find(Some(name));
    let (first, second) = (find(&options.first)?, find(&options.second)?);
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

fn table(first: &ModelLocation, second: &ModelLocation, found: &Comparison) -> Vec<String> {
    let mut lines = vec![format!("A  {first}"), format!("B  {second}"), format!("{} rows", found.rows)];
    for (head, paired) in heads(found) {
        lines.push(String::new());
        lines.extend(of_task(head, paired));
    }
    lines.push(String::new());
    lines.push(verdict(found).to_owned());
    lines
}

/// What was compared, by head.
fn heads(found: &Comparison) -> impl Iterator<Item = (&str, &PairedComparison)> {
    let own = [(INTENT, &found.intent), (SENTIMENT, &found.sentiment)].into_iter();
    let own = own.filter_map(|(head, paired)| Some((head, paired.as_ref()?)));
    own.chain(found.other_heads.iter().map(|(head, paired)| (head.as_str(), paired)))
}

fn of_task(task: &str, paired: &PairedComparison) -> Vec<String> {
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
    let in_use = || model_location(global);
    let to = match &options.to {
        Some(folder) => folder.clone(),
        None => match in_use()? {
            ModelLocation::Folder(folder) => folder,
            ModelLocation::BuiltIn => return Err(nothing_to_replace().into()),
        },
    };
    let stamp = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let mut output = Output::stdout();
    let Some(new) = &options.new else {
        let restored = restore_model(&to, &stamp)?;
        return show(&mut output, global, "brought back", &restored, None);
    };
    let new = ModelLocation::find(Some(new))?;
    let candidate = ModelSummary::read(&new)?;
    // Where the folder holds nothing yet, the new model follows the built-in one if that is in use.
    let replaces = if to.join("config.json").is_file() {
        Some(ModelLocation::Folder(to.clone()))
    } else {
        match in_use() {
            Ok(location) => Some(location).filter(|location| *location == ModelLocation::BuiltIn),
            // The settings may name the very folder that this makes.
            Err(error) if matches!(error.downcast_ref(), Some(NluError::NoModel { .. })) => None,
            Err(error) => return Err(error),
        }
    };
    // Also where nothing is compared: rows that are named and not there were meant to decide.
    let rows = read(&options.data, options.columns)?;
    let mut found = None;
    if let Some(current) = replaces.filter(|current| *current != new) {
        let other_labels = labels_differ(&ModelSummary::read(&current)?, &candidate);
        if let Some(differences) = other_labels.filter(|_| !options.force) {
            return Err(InputError::with_hint(
                format!("{new} knows other labels than {current}: {differences}"),
                "what acts on intents knows them by name; add --force if that is meant",
            )
            .into());
        }
        let comparison = compare(&current, &new, &rows)?;
        if comparison.worse && !options.force {
            let worse: Vec<String> = heads(&comparison)
                .filter(|(_, paired)| paired.is_worse())
                .map(|(head, paired)| scores(head, paired))
                .collect();
            return Err(InputError::with_hint(
                format!("{new} is significantly worse than {current}: {}", worse.join("; ")),
                "train longer or on more rows; `ecomres model compare` shows both, --force promotes it all the same",
            )
            .into());
        }
        found = Some(comparison);
    }
    let replaced = replace_model(&new, &to, &stamp)?;
    show(&mut output, global, "promoted", &replaced, found.as_ref())
}

fn nothing_to_replace() -> InputError {
    InputError::with_hint(
        "the model in use is the built-in one, which is no folder that can be replaced",
        "name a folder with --to DIR, and use it with --model DIR or [model] folder in the settings",
    )
}

fn scores(task: &str, paired: &PairedComparison) -> String {
    format!(
        "{task} accuracy {:.4} against {:.4} (p = {:.4}), macro F1 {:.4} against {:.4}",
        paired.accuracy[1], paired.accuracy[0], paired.mcnemar_p, paired.f1_macro[1], paired.f1_macro[0]
    )
}

/// The labels that one of the two knows alone.
fn labels_differ(current: &ModelSummary, candidate: &ModelSummary) -> Option<String> {
    let mut differences = Vec::new();
    let none = Vec::new();
    let others = current.other_heads.iter().map(|(head, labels)| {
        (labels, candidate.other_heads.get(head).unwrap_or(&none)) // A head that is new is no loss.
    });
    let own = [(&current.intents, &candidate.intents), (&current.sentiments, &candidate.sentiments)];
    for (before, after) in own.into_iter().chain(others) {
        differences
            .extend(before.iter().filter(|label| !after.contains(label)).map(|label| format!("without {label}")));
        differences.extend(after.iter().filter(|label| !before.contains(label)).map(|label| format!("with {label}")));
    }
    (!differences.is_empty()).then(|| differences.join(", "))
}

fn show(
    output: &mut Output,
    global: &Global,
    what: &str,
    replaced: &Replaced,
    found: Option<&Comparison>,
) -> anyhow::Result<()> {
    if global.json {
        output.json_pretty(
            &json!({"status": what, "folder": replaced.folder, "kept": replaced.previous, "comparison": found}),
        )?;
        return Ok(());
    }
    if let Some(found) = found {
        output.line(verdict(found))?;
    }
    output.line(format!("{what}: {}", replaced.folder.display()))?;
    if let Some(previous) = &replaced.previous {
        output.line(format!("what was there before: {}", previous.display()))?;
    }
    output.line("`ecomres serve`, `bot` and `mcp` that use this folder load it within seconds.")?;
    Ok(())
}

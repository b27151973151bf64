//! The files that an evaluation writes: the scores, every prediction, and the confusion matrices as pictures.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::files::{make_folder, write};
use super::chart::confusion;
use crate::files::csv::Table;
use crate::nlu::{EvaluatedRow, Evaluation, INTENT, SENTIMENT};

/// Writes all files into a folder and returns their paths.
///
/// # Errors
/// The folder cannot be written.
pub(super) fn write_all(dir: &Path, evaluation: &Evaluation) -> anyhow::Result<Vec<PathBuf>> {
    make_folder(dir)?;
    let mut written = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let path = dir.join(name);
        write(&path, bytes)?;
        written.push(path);
        Ok(())
    };
    let mut metrics = serde_json::to_string_pretty(evaluation).context("writing metrics.json")?;
    metrics.push('\n');
    put("metrics.json", metrics.as_bytes())?;
    put("predictions.csv", &predictions(evaluation)?)?;
    for (task, found) in evaluation.heads() {
        if let Some(report) = found.report {
            let chart = confusion(task, report);
            put(&format!("confusion_matrix_{task}.svg"), chart.svg().as_bytes())?;
            put(&format!("confusion_matrix_{task}.png"), &chart.png()?)?;
        }
    }
    Ok(written)
}

fn predictions(evaluation: &Evaluation) -> anyhow::Result<Vec<u8>> {
    let threshold = evaluation.abstention.as_ref().map_or(0.0, |found| found.at_threshold.threshold);
    let mut table = Table::new();
    let own = |head: &str| {
        [head.to_owned(), format!("predicted_{head}"), format!("{head}_confidence"), format!("{head}_correct")]
    };
    let mut header = vec!["place".to_owned(), "text".to_owned()];
    header.extend(own(INTENT).into_iter().chain(own(SENTIMENT)));
    header.extend(["abstained".to_owned(), "out_of_scope".to_owned()]);
    header.extend(evaluation.other_heads.keys().flat_map(|head| own(head)));
    table.row(&header)?;
    // An unlabelled cell is neither right nor wrong.
    let verdict = |label: &Option<String>, wrong: bool| match label {
        None => "",
        Some(_) if wrong => "false",
        Some(_) => "true",
    };
    for row in &evaluation.rows {
        let EvaluatedRow { place, text, intent, sentiment, predicted_intent, predicted_sentiment, .. } = row;
        let cells = |label: &Option<String>, predicted: &str, confidence: f32, verdict: &str| {
            [label.clone().unwrap_or_default(), predicted.to_owned(), format!("{confidence:.4}"), verdict.to_owned()]
        };
        let right = if row.out_of_scope { "" } else { verdict(intent, row.intent_is_wrong()) };
        let mut shown = vec![place.clone(), text.clone()];
        shown.extend(cells(intent, predicted_intent, row.intent_confidence, right));
        let right = verdict(sentiment, row.sentiment_is_wrong());
        shown.extend(cells(sentiment, predicted_sentiment, row.sentiment_confidence, right));
        shown.extend([f64::from(row.intent_confidence) < threshold, row.out_of_scope].map(|yes| yes.to_string()));
        for one in row.other_heads.values() {
            shown.extend(cells(&one.label, &one.predicted, one.confidence, verdict(&one.label, one.is_wrong())));
        }
        table.row(&shown)?;
    }
    Ok(table.finish().context("writing predictions.csv")?.into_bytes())
}

//! Decides which files an evaluation leaves: the figures, every prediction, and the confusion matrices as pictures.
//!
//! It must never touch another file of the folder.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::files::{make_folder, write};
use super::chart::confusion;
use crate::nlu::{Evaluation, Judged};

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
    for (task, report) in
        [("intent", &evaluation.intent_classification), ("sentiment", &evaluation.sentiment_classification)]
    {
        if let Some(report) = report {
            let chart = confusion(task, report);
            put(&format!("confusion_matrix_{task}.svg"), chart.svg().as_bytes())?;
            put(&format!("confusion_matrix_{task}.png"), &chart.png())?;
        }
    }
    Ok(written)
}

fn predictions(evaluation: &Evaluation) -> anyhow::Result<Vec<u8>> {
    let threshold = evaluation.abstention.as_ref().map_or(0.0, |found| found.at_threshold.threshold);
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record([
        "place",
        "text",
        "intent",
        "predicted_intent",
        "intent_confidence",
        "intent_correct",
        "sentiment",
        "predicted_sentiment",
        "sentiment_confidence",
        "sentiment_correct",
        "abstained",
        "out_of_scope",
    ])?;
    // An unlabelled cell is neither right nor wrong.
    let verdict = |label: &Option<String>, wrong: bool| match label {
        None => "",
        Some(_) if wrong => "false",
        Some(_) => "true",
    };
    for row in &evaluation.rows {
        let Judged { place, text, intent, sentiment, predicted_intent, predicted_sentiment, .. } = row;
        csv.write_record([
            place.as_str(),
            text,
            intent.as_deref().unwrap_or(""),
            predicted_intent,
            &format!("{:.4}", row.intent_confidence),
            if row.out_of_scope { "" } else { verdict(intent, row.intent_is_wrong()) },
            sentiment.as_deref().unwrap_or(""),
            predicted_sentiment,
            &format!("{:.4}", row.sentiment_confidence),
            verdict(sentiment, row.sentiment_is_wrong()),
            if f64::from(row.intent_confidence) < threshold { "true" } else { "false" },
            if row.out_of_scope { "true" } else { "false" },
        ])?;
    }
    csv.into_inner().context("writing predictions.csv")
}

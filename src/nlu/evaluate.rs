//! Decides how a model does on labelled rows, and which of them it got wrong.
//!
//! It must never score a label the model does not know as merely wrong: that is an error in the data.

use std::path::Path;

use serde::Serialize;

use super::dataset::{Dataset, Example};
use super::engine::Engine;
use super::inspect::FileInfo;
use super::metrics::{Outcome, TaskReport, report};
use super::model::ModelInfo;
use super::{NluError, Prediction};

/// A model's figures on one data set.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Figures of the intents, where rows have them.
    pub intent_classification: Option<TaskReport>,
    /// Figures of the sentiments, where rows have them.
    pub sentiment_classification: Option<TaskReport>,
    /// Confidences by task.
    pub confidence_scores: Confidences,
    /// What was tested with what.
    pub test_info: TestInfo,
    /// The rows that were predicted wrong in either task, the most confident mistakes first.
    pub mistakes: Vec<Mistake>,
}

/// Confidence figures of both tasks.
#[derive(Debug, Clone, Serialize)]
pub struct Confidences {
    /// Of the predicted intents.
    pub intent: Confidence,
    /// Of the predicted sentiments.
    pub sentiment: Confidence,
}

/// How sure a task's predictions were.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Confidence {
    /// Mean over all rows.
    pub mean: f64,
    /// Median over all rows.
    pub median: f64,
    /// Share of rows at 0.9 or above.
    pub high_share: f64,
}

/// What was tested with what.
#[derive(Debug, Clone, Serialize)]
pub struct TestInfo {
    /// The model folder.
    pub model: std::path::PathBuf,
    /// Data files with their hashes.
    pub files: Vec<FileInfo>,
    /// Rows tested.
    pub rows: usize,
}

/// A row that was predicted wrong.
#[derive(Debug, Clone, Serialize)]
pub struct Mistake {
    /// `file:line`.
    pub place: String,
    /// The message.
    pub text: String,
    /// Its intent.
    pub intent: Option<String>,
    /// What was predicted.
    pub predicted_intent: String,
    /// How sure the model was.
    pub intent_confidence: f32,
    /// Its sentiment.
    pub sentiment: Option<String>,
    /// What was predicted.
    pub predicted_sentiment: String,
    /// How sure the model was.
    pub sentiment_confidence: f32,
}

impl Mistake {
    /// Whether the intent is wrong.
    pub fn intent_is_wrong(&self) -> bool {
        self.intent.as_ref().is_some_and(|truth| *truth != self.predicted_intent)
    }

    /// Whether the sentiment is wrong.
    pub fn sentiment_is_wrong(&self) -> bool {
        self.sentiment.as_ref().is_some_and(|truth| *truth != self.predicted_sentiment)
    }
}

/// Runs a model over labelled rows.
///
/// # Errors
/// A row has a label the model does not know, or the model fails.
pub fn evaluate(engine: &Engine, dataset: &Dataset) -> Result<Evaluation, NluError> {
    let info = engine.info();
    let truths = dataset.examples.iter().map(|row| numbers(info, dataset, row)).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<String> = dataset.examples.iter().map(|row| row.text.clone()).collect();
    let predictions = engine.classify_batch_blocking(&texts)?;
    let outcomes =
        |truth: fn(&Numbers) -> Option<usize>, labels: &[String], predicted: fn(&Prediction) -> (&str, f32)| {
            let pairs = truths.iter().zip(&predictions).filter_map(|(truths, prediction)| {
                let (label, confidence) = predicted(prediction);
                let predicted = labels.iter().position(|known| known == label)?;
                Some(Outcome { truth: truth(truths)?, predicted, confidence })
            });
            report(labels, &pairs.collect::<Vec<_>>())
        };
    let mut mistakes: Vec<Mistake> = dataset
        .examples
        .iter()
        .zip(&predictions)
        .map(|(row, prediction)| Mistake {
            place: dataset.place(row),
            text: row.text.clone(),
            intent: row.intent.clone(),
            predicted_intent: prediction.intent.clone(),
            intent_confidence: prediction.intent_confidence,
            sentiment: row.sentiment.clone(),
            predicted_sentiment: prediction.sentiment.clone(),
            sentiment_confidence: prediction.sentiment_confidence,
        })
        .filter(|row| row.intent_is_wrong() || row.sentiment_is_wrong())
        .collect();
    let weight = |row: &Mistake| {
        let intent = if row.intent_is_wrong() { row.intent_confidence } else { 0.0 };
        let sentiment = if row.sentiment_is_wrong() { row.sentiment_confidence } else { 0.0 };
        intent.max(sentiment)
    };
    mistakes.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    Ok(Evaluation {
        intent_classification: outcomes(|t| t.0, &info.intents, |p| (&p.intent, p.intent_confidence)),
        sentiment_classification: outcomes(|t| t.1, &info.sentiments, |p| (&p.sentiment, p.sentiment_confidence)),
        confidence_scores: Confidences {
            intent: confidence(predictions.iter().map(|p| p.intent_confidence)),
            sentiment: confidence(predictions.iter().map(|p| p.sentiment_confidence)),
        },
        test_info: TestInfo { model: info.folder.clone(), files: dataset.files.clone(), rows: predictions.len() },
        mistakes,
    })
}

/// Loads a model folder and runs it over labelled rows.
///
/// # Errors
/// Like [`Engine::load`] and [`evaluate`].
pub fn evaluate_folder(dir: &Path, dataset: &Dataset) -> Result<Evaluation, NluError> {
    evaluate(&Engine::load(dir)?, dataset)
}

/// Numbers of a row's intent and sentiment in the model's classifiers, where it has them.
type Numbers = (Option<usize>, Option<usize>);

fn numbers(info: &ModelInfo, dataset: &Dataset, row: &Example) -> Result<Numbers, NluError> {
    let find = |task: &str, label: &Option<String>, known: &[String]| match label {
        // A model trained on intents only is not tested on sentiments.
        None => Ok(None),
        Some(_) if known.is_empty() => Ok(None),
        Some(label) => match known.iter().position(|one| one == label) {
            Some(number) => Ok(Some(number)),
            None => Err(NluError::data(
                format!("{}: the model does not know the {task} {label:?}", dataset.place(row)),
                format!("it knows {}; correct the label or empty the cell", known.join(", ")),
            )),
        },
    };
    Ok((find("intent", &row.intent, &info.intents)?, find("sentiment", &row.sentiment, &info.sentiments)?))
}

fn confidence(values: impl Iterator<Item = f32>) -> Confidence {
    let mut values: Vec<f64> = values.map(f64::from).collect();
    if values.is_empty() {
        return Confidence::default();
    }
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    Confidence {
        mean: values.iter().sum::<f64>() / count,
        median: f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]),
        high_share: values.iter().filter(|value| **value >= 0.9).count() as f64 / count,
    }
}

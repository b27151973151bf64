//! Decides how a model does on labelled rows, and which of them it got wrong.
//!
//! It must never score a label the model does not know as merely wrong: that is an error in the data.

use std::path::Path;

use serde::Serialize;

use super::bootstrap::{Intervals, RESAMPLES, intervals};
use super::config::ModelConfig;
use super::dataset::{Dataset, Example};
use super::engine::Engine;
use super::inspect::FileInfo;
use super::metrics::{Outcome, TaskReport, calibration_error, report};
use super::model::ModelInfo;
use super::selective::{Abstention, OutOfScope, abstention, out_of_scope};
use super::{NluError, Prediction, Scored};

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
    /// 95 % intervals of the headline figures of either task, by bootstrap over the rows.
    pub confidence_intervals: Tasks<Option<Intervals>>,
    /// What the temperatures do.
    pub calibration: Tasks<Option<Calibration>>,
    /// What withholding unsure intents does.
    pub abstention: Option<Abstention>,
    /// How well rows that no label of the model covers are told apart, where there are any.
    pub out_of_scope: Option<OutOfScope>,
    /// The rows that were predicted wrong in either task, the most confident mistakes first.
    pub mistakes: Vec<Judged>,
    /// All rows in their order.
    #[serde(skip)]
    pub rows: Vec<Judged>,
}

/// One value for each task.
#[derive(Debug, Clone, Serialize)]
pub struct Tasks<T> {
    /// Of the intents.
    pub intent: T,
    /// Of the sentiments.
    pub sentiment: T,
}

/// What a temperature does to the confidences of the labelled rows.
#[derive(Debug, Clone, Serialize)]
pub struct Calibration {
    /// The divisor of the logits that is stored with the model; 1 leaves them alone.
    pub temperature: f64,
    /// Expected calibration error without it.
    pub error_before: f64,
    /// Expected calibration error with it.
    pub error_after: f64,
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
    /// Rows left out because they have no text or no label.
    pub unlabelled: usize,
    /// Resamples behind the confidence intervals.
    pub bootstrap_resamples: usize,
}

/// A row and what was predicted.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
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
    /// Whether no label of the model covers it.
    pub out_of_scope: bool,
    /// Its sentiment.
    pub sentiment: Option<String>,
    /// What was predicted.
    pub predicted_sentiment: String,
    /// How sure the model was.
    pub sentiment_confidence: f32,
}

impl Judged {
    /// Whether the intent is wrong. A row out of scope has no right one.
    pub fn intent_is_wrong(&self) -> bool {
        !self.out_of_scope && self.intent.as_ref().is_some_and(|truth| *truth != self.predicted_intent)
    }

    /// Whether the sentiment is wrong.
    pub fn sentiment_is_wrong(&self) -> bool {
        self.sentiment.as_ref().is_some_and(|truth| *truth != self.predicted_sentiment)
    }
}

/// What counts as what in a test.
#[derive(Debug, Clone, Default)]
pub struct Judging {
    /// Intents below this confidence count as withheld; `None` takes what the model's folder says, and 0 where it says
    /// nothing.
    pub abstain_below: Option<f32>,
    /// Names in the column of the intent for rows that no label of the model covers.
    pub out_of_scope: Vec<String>,
}

impl Judging {
    fn is_outside(&self, row: &Example, known: &[String]) -> bool {
        row.intent.as_ref().is_some_and(|intent| self.out_of_scope.contains(intent) && !known.contains(intent))
    }
}

/// Runs a model over labelled rows.
///
/// # Errors
/// A row has a label the model does not know, or the model fails.
pub fn evaluate(engine: &Engine, dataset: &Dataset, judging: &Judging) -> Result<Evaluation, NluError> {
    let info = engine.info();
    let config = ModelConfig::read(&info.folder)?;
    check_labels(info, dataset, judging)?;
    let texts: Vec<String> = dataset.examples.iter().map(|row| row.text.clone()).collect();
    let predictions = engine.classify_batch_blocking(&texts)?;
    let judged = |(row, prediction): (&Example, &Prediction)| Judged {
        place: dataset.place(row),
        text: row.text.clone(),
        intent: row.intent.clone(),
        predicted_intent: prediction.intent.clone(),
        intent_confidence: prediction.intent_confidence,
        out_of_scope: judging.is_outside(row, &info.intents),
        sentiment: row.sentiment.clone(),
        predicted_sentiment: prediction.sentiment.clone(),
        sentiment_confidence: prediction.sentiment_confidence,
    };
    let rows: Vec<Judged> = dataset.examples.iter().zip(&predictions).map(judged).collect();
    let mut mistakes: Vec<Judged> =
        rows.iter().filter(|row| row.intent_is_wrong() || row.sentiment_is_wrong()).cloned().collect();
    let weight = |row: &Judged| {
        let intent = if row.intent_is_wrong() { row.intent_confidence } else { 0.0 };
        let sentiment = if row.sentiment_is_wrong() { row.sentiment_confidence } else { 0.0 };
        intent.max(sentiment)
    };
    mistakes.sort_by(|a, b| weight(b).total_cmp(&weight(a)));
    let pairs = || dataset.examples.iter().zip(&predictions);
    let intents: Vec<Verdict<'_>> = pairs()
        .filter_map(|(row, prediction)| Verdict::of(&info.intents, row.intent.as_ref(), &prediction.intents))
        .collect();
    let sentiments: Vec<Verdict<'_>> = pairs()
        .filter_map(|(row, prediction)| Verdict::of(&info.sentiments, row.sentiment.as_ref(), &prediction.sentiments))
        .collect();
    let (intent_outcomes, sentiment_outcomes) = (outcomes(&intents), outcomes(&sentiments));
    let threshold = judging.abstain_below.or(config.abstain_below).unwrap_or(0.0);
    let outside: Vec<f32> = rows.iter().filter(|row| row.out_of_scope).map(|row| row.intent_confidence).collect();
    Ok(Evaluation {
        intent_classification: report(&info.intents, &intent_outcomes),
        sentiment_classification: report(&info.sentiments, &sentiment_outcomes),
        confidence_scores: Confidences {
            intent: confidence(predictions.iter().map(|p| p.intent_confidence)),
            sentiment: confidence(predictions.iter().map(|p| p.sentiment_confidence)),
        },
        test_info: TestInfo {
            model: info.folder.clone(),
            files: dataset.files.clone(),
            rows: rows.len(),
            unlabelled: dataset.unlabelled,
            bootstrap_resamples: RESAMPLES,
        },
        confidence_intervals: Tasks {
            intent: intervals(info.intents.len(), &intent_outcomes),
            sentiment: intervals(info.sentiments.len(), &sentiment_outcomes),
        },
        calibration: Tasks {
            intent: calibration(&intents, config.intent_temperature),
            sentiment: calibration(&sentiments, config.sentiment_temperature),
        },
        abstention: abstention(&intent_outcomes, threshold),
        out_of_scope: out_of_scope(&intent_outcomes, &outside, threshold),
        mistakes,
        rows,
    })
}

/// Loads a model folder and runs it over labelled rows.
///
/// # Errors
/// Like [`Engine::load`] and [`evaluate`].
pub fn evaluate_folder(dir: &Path, dataset: &Dataset) -> Result<Evaluation, NluError> {
    evaluate(&Engine::load(dir)?, dataset, &Judging::default())
}

/// A labelled row in numbers, with all that was predicted for it.
struct Verdict<'a> {
    outcome: Outcome,
    ranked: &'a [Scored],
}

impl<'a> Verdict<'a> {
    /// `None` where the row has no label, or the model was trained without this task.
    fn of(labels: &[String], truth: Option<&String>, ranked: &'a [Scored]) -> Option<Self> {
        let number = |label: &String| labels.iter().position(|known| known == label);
        let best = ranked.first()?;
        let outcome = Outcome { truth: number(truth?)?, predicted: number(&best.label)?, confidence: best.confidence };
        Some(Self { outcome, ranked })
    }

    /// The outcome as it would be at temperature 1: the confidences are `softmax(logits / t)`, so their logarithms
    /// times `t` are the logits up to a constant. Ranks are the same at every temperature.
    fn uncalibrated(&self, temperature: f32) -> Outcome {
        if temperature == 1.0 {
            return self.outcome;
        }
        let powers: Vec<f64> =
            self.ranked.iter().map(|one| f64::from(one.confidence).powf(f64::from(temperature))).collect();
        let confidence = powers[0] / powers.iter().sum::<f64>();
        Outcome { confidence: confidence as f32, ..self.outcome }
    }
}

fn outcomes(verdicts: &[Verdict<'_>]) -> Vec<Outcome> {
    verdicts.iter().map(|verdict| verdict.outcome).collect()
}

fn calibration(verdicts: &[Verdict<'_>], temperature: f32) -> Option<Calibration> {
    let before: Vec<Outcome> = verdicts.iter().map(|verdict| verdict.uncalibrated(temperature)).collect();
    (!verdicts.is_empty()).then(|| Calibration {
        temperature: f64::from(temperature),
        error_before: calibration_error(&before),
        error_after: calibration_error(&outcomes(verdicts)),
    })
}

/// Refuses data with labels the model does not know; the message names the first and counts the others.
fn check_labels(info: &ModelInfo, dataset: &Dataset, judging: &Judging) -> Result<(), NluError> {
    type Label = fn(&Example) -> &Option<String>;
    let tasks: [(&str, Label, &[String]); 2] =
        [("intent", |row| &row.intent, &info.intents), ("sentiment", |row| &row.sentiment, &info.sentiments)];
    for (task, label, known) in tasks {
        // A model trained on intents only is not tested on sentiments.
        if known.is_empty() {
            continue;
        }
        let mut unknown = dataset
            .examples
            .iter()
            .filter(|row| task != "intent" || !judging.is_outside(row, known))
            .filter_map(|row| label(row).as_ref().filter(|label| !known.contains(label)).map(|label| (row, label)));
        let Some((row, first)) = unknown.next() else { continue };
        let (mut rows, mut others) = (1, std::collections::BTreeSet::new());
        for (_, label) in unknown {
            rows += 1;
            if label != first {
                others.insert(label.as_str());
            }
        }
        let mut reason = format!("{}: the model does not know the {task} {first:?}", dataset.place(row));
        if !others.is_empty() {
            let others: Vec<&str> = others.into_iter().collect();
            reason += &format!(", nor {}", others.join(", "));
        }
        return Err(NluError::data(
            format!("{reason} ({rows} of {} rows)", dataset.examples.len()),
            format!(
                "it knows {}; correct the labels, empty their cells, or name what is out of scope with --out-of-scope LABEL",
                known.join(", ")
            ),
        ));
    }
    Ok(())
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

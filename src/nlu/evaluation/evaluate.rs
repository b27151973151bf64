//! Evaluates a model on labelled rows. A label that the model does not know is an error in the data, not a wrong prediction.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::data::dataset::{Dataset, Example};
use crate::evaluation::bootstrap::{Intervals, RESAMPLES, intervals};
use crate::evaluation::metrics::{Outcome, TaskReport, calibration_error, report};
use crate::evaluation::selective::{Abstention, OutOfScope, abstention, out_of_scope};
use crate::model::config::ModelConfig;
use crate::model::inspect::FileInfo;
use crate::model::labels::{INTENT, SENTIMENT};
use crate::model::loaded::ModelInfo;
use crate::serving::engine::Engine;
use crate::{ModelLocation, NluError, Prediction, Scored};

/// A model's scores on one data set.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Scores of the intents, where rows have them.
    pub intent_classification: Option<TaskReport>,
    /// Scores of the sentiments, where rows have them.
    pub sentiment_classification: Option<TaskReport>,
    /// Confidences by task.
    pub confidence_scores: Confidences,
    /// The model and the data of the test.
    pub test_info: TestInfo,
    /// 95 % intervals of the main scores of either task, by bootstrap over the rows.
    pub confidence_intervals: Tasks<Option<Intervals>>,
    /// Effect of the temperatures.
    pub calibration: Tasks<Option<Calibration>>,
    /// The same of the model's other heads, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_heads: BTreeMap<String, HeadEvaluation>,
    /// Effect of withholding unsure intents.
    pub abstention: Option<Abstention>,
    /// How well rows that no label of the model covers are detected, where there are any.
    pub out_of_scope: Option<OutOfScope>,
    /// The rows that were predicted wrong in either task, the most confident mistakes first.
    pub mistakes: Vec<EvaluatedRow>,
    /// All rows in their order.
    #[serde(skip)]
    pub rows: Vec<EvaluatedRow>,
}

/// A head's scores.
#[derive(Debug, Clone, Serialize)]
pub struct HeadEvaluation {
    /// Its scores, where rows have its labels.
    pub report: Option<TaskReport>,
    /// Its confidences over all rows.
    pub confidence: Confidence,
    /// 95 % intervals of its main scores.
    pub intervals: Option<Intervals>,
    /// Effect of its temperature.
    pub calibration: Option<Calibration>,
}

/// A head's scores where they are.
#[derive(Debug, Clone, Copy)]
pub struct HeadView<'a> {
    /// See [`HeadEvaluation::report`].
    pub report: Option<&'a TaskReport>,
    /// See [`HeadEvaluation::confidence`].
    pub confidence: &'a Confidence,
    /// See [`HeadEvaluation::intervals`].
    pub intervals: Option<&'a Intervals>,
    /// See [`HeadEvaluation::calibration`].
    pub calibration: Option<&'a Calibration>,
}

impl Evaluation {
    /// All heads with their scores, intent and sentiment first.
    pub fn heads(&self) -> Vec<(&str, HeadView<'_>)> {
        let (intervals, calibration) = (&self.confidence_intervals, &self.calibration);
        let mut heads = vec![
            (
                INTENT,
                HeadView {
                    report: self.intent_classification.as_ref(),
                    confidence: &self.confidence_scores.intent,
                    intervals: intervals.intent.as_ref(),
                    calibration: calibration.intent.as_ref(),
                },
            ),
            (
                SENTIMENT,
                HeadView {
                    report: self.sentiment_classification.as_ref(),
                    confidence: &self.confidence_scores.sentiment,
                    intervals: intervals.sentiment.as_ref(),
                    calibration: calibration.sentiment.as_ref(),
                },
            ),
        ];
        heads.extend(self.other_heads.iter().map(|(head, found)| {
            let HeadEvaluation { report, confidence, intervals, calibration } = found;
            let (report, intervals, calibration) = (report.as_ref(), intervals.as_ref(), calibration.as_ref());
            (head.as_str(), HeadView { report, confidence, intervals, calibration })
        }));
        heads
    }
}

/// One value for each task.
#[derive(Debug, Clone, Serialize)]
pub struct Tasks<T> {
    /// Of the intents.
    pub intent: T,
    /// Of the sentiments.
    pub sentiment: T,
}

/// Effect of a temperature on the confidences of the labelled rows.
#[derive(Debug, Clone, Serialize)]
pub struct Calibration {
    /// The divisor of the logits that is stored with the model; 1 does not change them.
    pub temperature: f64,
    /// Expected calibration error without it.
    pub error_before: f64,
    /// Expected calibration error with it.
    pub error_after: f64,
}

/// Confidences of both tasks.
#[derive(Debug, Clone, Serialize)]
pub struct Confidences {
    /// Of the predicted intents.
    pub intent: Confidence,
    /// Of the predicted sentiments.
    pub sentiment: Confidence,
}

/// Confidences of a task's predictions.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Confidence {
    /// Mean over all rows.
    pub mean: f64,
    /// Median over all rows.
    pub median: f64,
    /// Share of rows at 0.9 or above.
    pub high_share: f64,
}

/// The model and the data of a test.
#[derive(Debug, Clone, Serialize)]
pub struct TestInfo {
    /// Where the model is.
    pub model: ModelLocation,
    /// What computed: `cpu`, or a card by its kind and name.
    pub device: String,
    /// Data files with their hashes.
    pub files: Vec<FileInfo>,
    /// Rows tested.
    pub rows: usize,
    /// Rows left out because they have no text or no label.
    pub unlabelled: usize,
    /// Resamples behind the confidence intervals.
    pub bootstrap_resamples: usize,
}

/// A row and its predictions.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluatedRow {
    /// `file:line`.
    pub place: String,
    /// The message.
    pub text: String,
    /// Its intent.
    pub intent: Option<String>,
    /// The predicted intent.
    pub predicted_intent: String,
    /// Confidence of the predicted intent.
    pub intent_confidence: f32,
    /// Whether no label of the model covers it.
    pub out_of_scope: bool,
    /// Its sentiment.
    pub sentiment: Option<String>,
    /// The predicted sentiment.
    pub predicted_sentiment: String,
    /// Confidence of the predicted sentiment.
    pub sentiment_confidence: f32,
    /// What the other heads say, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_heads: BTreeMap<String, EvaluatedLabel>,
}

/// What another head says of a row.
#[derive(Debug, Clone, Serialize)]
pub struct EvaluatedLabel {
    /// The label of the row, where it has one.
    pub label: Option<String>,
    /// The predicted label.
    pub predicted: String,
    /// Its confidence.
    pub confidence: f32,
}

impl EvaluatedLabel {
    /// Whether the prediction is wrong.
    pub fn is_wrong(&self) -> bool {
        self.label.as_ref().is_some_and(|truth| *truth != self.predicted)
    }
}

impl EvaluatedRow {
    /// Whether the intent is wrong. A row out of scope has no right one.
    pub fn intent_is_wrong(&self) -> bool {
        !self.out_of_scope && self.intent.as_ref().is_some_and(|truth| *truth != self.predicted_intent)
    }

    /// The confidence of its most confident mistake; `None` where every head is right.
    fn worst_mistake(&self) -> Option<f32> {
        let intent = self.intent_is_wrong().then_some(self.intent_confidence);
        let sentiment = self.sentiment_is_wrong().then_some(self.sentiment_confidence);
        let others = self.other_heads.values().filter(|one| one.is_wrong()).map(|one| one.confidence);
        intent.into_iter().chain(sentiment).chain(others).reduce(f32::max)
    }

    /// Whether the sentiment is wrong.
    pub fn sentiment_is_wrong(&self) -> bool {
        self.sentiment.as_ref().is_some_and(|truth| *truth != self.predicted_sentiment)
    }
}

/// Options of an evaluation.
#[derive(Debug, Clone, Default)]
pub struct EvaluationOptions {
    /// Intents below this confidence count as withheld; `None` takes the threshold of the model's folder, or
    /// 0 where it has none.
    pub abstain_below: Option<f32>,
    /// Names in the column of the intent for rows that no label of the model covers.
    pub out_of_scope: Vec<String>,
}

impl EvaluationOptions {
    fn is_outside(&self, label: Option<&str>, known: &[String]) -> bool {
        let is_in = |list: &[String], label: &str| list.iter().any(|one| one == label);
        label.is_some_and(|label| is_in(&self.out_of_scope, label) && !is_in(known, label))
    }
}

/// Runs a model over labelled rows.
///
/// # Errors
/// A row has a label the model does not know, or the model fails.
pub fn evaluate(engine: &Engine, dataset: &Dataset, options: &EvaluationOptions) -> Result<Evaluation, NluError> {
    let info = engine.info();
    let config = ModelConfig::read(&info.location)?;
    check_labels(info, dataset, options)?;
    let texts: Vec<String> = dataset.examples.iter().map(|row| row.text.clone()).collect();
    let predictions = engine.classify_batch_blocking(&texts)?;
    let evaluated = |(row, prediction): (&Example, &Prediction)| EvaluatedRow {
        place: dataset.place(row),
        text: row.text.clone(),
        intent: dataset.label(row, INTENT).map(str::to_owned),
        predicted_intent: prediction.intent.clone(),
        intent_confidence: prediction.intent_confidence,
        out_of_scope: options.is_outside(dataset.label(row, INTENT), &info.intents),
        sentiment: dataset.label(row, SENTIMENT).map(str::to_owned),
        predicted_sentiment: prediction.sentiment.clone(),
        sentiment_confidence: prediction.sentiment_confidence,
        other_heads: prediction
            .heads
            .iter()
            .map(|(head, found)| {
                let label = dataset.label(row, head).map(str::to_owned);
                let (predicted, confidence) = (found.label.clone(), found.confidence);
                (head.clone(), EvaluatedLabel { label, predicted, confidence })
            })
            .collect(),
    };
    let rows: Vec<EvaluatedRow> = dataset.examples.iter().zip(&predictions).map(evaluated).collect();
    let mut mistakes: Vec<EvaluatedRow> = rows.iter().filter(|row| row.worst_mistake().is_some()).cloned().collect();
    mistakes.sort_by(|a, b| b.worst_mistake().unwrap_or(0.0).total_cmp(&a.worst_mistake().unwrap_or(0.0)));
    let scored = |head: &str, labels: &[String]| {
        let pairs = dataset.examples.iter().zip(&predictions);
        let ranked: Vec<RankedOutcome<'_>> = pairs
            .filter_map(|(row, one)| RankedOutcome::of(labels, dataset.label(row, head), one.ranked(head)))
            .collect();
        let outcomes = outcomes(&ranked);
        let confidences = predictions.iter().map(|one| one.ranked(head).first().map_or(0.0, |best| best.confidence));
        let found = HeadEvaluation {
            report: report(labels, &outcomes),
            confidence: confidence(confidences),
            intervals: intervals(labels.len(), &outcomes),
            calibration: calibration(&ranked, config.temperature(head)),
        };
        (found, outcomes)
    };
    let (intent, intent_outcomes) = scored(INTENT, &info.intents);
    let (sentiment, _) = scored(SENTIMENT, &info.sentiments);
    let others = info.other_heads.iter().map(|(head, labels)| (head.clone(), scored(head, labels).0));
    let threshold = options.abstain_below.or(config.abstain_below).unwrap_or(0.0);
    let outside: Vec<f32> = rows.iter().filter(|row| row.out_of_scope).map(|row| row.intent_confidence).collect();
    Ok(Evaluation {
        other_heads: others.collect(),
        intent_classification: intent.report,
        sentiment_classification: sentiment.report,
        confidence_scores: Confidences { intent: intent.confidence, sentiment: sentiment.confidence },
        test_info: TestInfo {
            model: info.location.clone(),
            device: engine.device().to_owned(),
            files: dataset.files.clone(),
            rows: rows.len(),
            unlabelled: dataset.unlabelled,
            bootstrap_resamples: RESAMPLES,
        },
        confidence_intervals: Tasks { intent: intent.intervals, sentiment: sentiment.intervals },
        calibration: Tasks { intent: intent.calibration, sentiment: sentiment.calibration },
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
pub fn evaluate_folder(location: impl Into<ModelLocation>, dataset: &Dataset) -> Result<Evaluation, NluError> {
    evaluate(&Engine::load(location)?, dataset, &EvaluationOptions::default())
}

/// The outcome of a labelled row, with the confidences of all labels.
struct RankedOutcome<'a> {
    outcome: Outcome,
    ranked: &'a [Scored],
}

impl<'a> RankedOutcome<'a> {
    /// `None` where the row has no label, or the model was trained without this task.
    fn of(labels: &[String], truth: Option<&str>, ranked: &'a [Scored]) -> Option<Self> {
        let number = |label: &str| labels.iter().position(|known| known == label);
        let best = ranked.first()?;
        let outcome = Outcome { truth: number(truth?)?, predicted: number(&best.label)?, confidence: best.confidence };
        Some(Self { outcome, ranked })
    }

    /// The outcome as it would be at temperature 1: the confidences are `softmax(logits / t)`, so their logarithms
    /// times `t` are the logits up to a constant. Ranks are the same at every temperature.
    #[expect(clippy::float_cmp, reason = "exactly 1 means that there is none")]
    #[expect(clippy::cast_possible_truncation, reason = "confidences are in `f32`")]
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

fn outcomes(rows: &[RankedOutcome<'_>]) -> Vec<Outcome> {
    rows.iter().map(|row| row.outcome).collect()
}

fn calibration(rows: &[RankedOutcome<'_>], temperature: f32) -> Option<Calibration> {
    let before: Vec<Outcome> = rows.iter().map(|row| row.uncalibrated(temperature)).collect();
    (!rows.is_empty()).then(|| Calibration {
        temperature: f64::from(temperature),
        error_before: calibration_error(&before),
        error_after: calibration_error(&outcomes(rows)),
    })
}

/// Fails for data with labels that the model does not know; the message names the first and counts the others.
fn check_labels(info: &ModelInfo, dataset: &Dataset, options: &EvaluationOptions) -> Result<(), NluError> {
    let others = info.other_heads.iter().map(|(head, labels)| (head.as_str(), labels));
    for (task, known) in [(INTENT, &info.intents), (SENTIMENT, &info.sentiments)].into_iter().chain(others) {
        // A model without this head is not tested on it.
        if known.is_empty() {
            continue;
        }
        let mut unknown = dataset
            .examples
            .iter()
            .filter_map(|row| Some((row, dataset.label(row, task)?)))
            .filter(|(_, label)| task != INTENT || !options.is_outside(Some(label), known))
            .filter(|(_, label)| !known.iter().any(|one| one == label));
        let Some((row, first)) = unknown.next() else { continue };
        let (mut rows, mut others) = (1, std::collections::BTreeSet::new());
        for (_, label) in unknown {
            rows += 1;
            if label != first {
                others.insert(label);
            }
        }
        let mut reason = format!("{}: the model does not know the {task} {first:?}", dataset.place(row));
        if !others.is_empty() {
            let others: Vec<&str> = others.into_iter().collect();
            reason = format!("{reason}, nor {}", others.join(", "));
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

#[expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]
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

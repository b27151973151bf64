//! Decides what is written after a training: the folder, its calibration, its reference logits and its model card.
//!
//! It must never report figures of anything but the stored weights.

use std::path::PathBuf;

use serde::Serialize;

use super::NluError;
use super::bootstrap::Intervals;
use super::config::ModelConfig;
use super::dataset::Dataset;
use super::evaluate::{Evaluation, evaluate_folder};
use super::facts::{TRAINING, Training};
use super::inspect::{Case, REFERENCE, Reference, describe_file};
use super::labels::Labels;
use super::metrics::{Outcome, TaskReport, fit_temperature};
use super::model::{Model, ModelInfo, pretty, probabilities, write_folder};
use super::packed::Arithmetic;
use super::selective::{fit_novelty_threshold, fit_threshold};
use super::settings::{Start, TrainOptions};
use super::weights::{Precision, Weights, write_beside};

/// What [`finish`] needs of a training that is over.
pub(crate) struct Trained<'a> {
    pub(crate) options: &'a TrainOptions,
    pub(crate) config: &'a ModelConfig,
    pub(crate) labels: &'a Labels,
    pub(crate) weights: Weights,
    pub(crate) train: &'a Dataset,
    pub(crate) validation: &'a Dataset,
    pub(crate) start: &'a Start,
    pub(crate) best_epoch: usize,
    pub(crate) epochs: usize,
    pub(crate) seconds: f64,
    pub(crate) base_hash: &'a str,
}

/// What came out of a training.
#[derive(Debug, Clone, Serialize)]
pub struct Finished {
    /// The folder that was written.
    pub folder: PathBuf,
    /// Epoch whose weights were kept, from 1.
    pub best_epoch: usize,
    /// Epochs that were run.
    pub epochs: usize,
    /// Seconds of training, validation included.
    pub seconds: f64,
    /// SHA-256 of the weights file.
    pub sha256: String,
    /// Figures of the stored weights on the validation rows.
    pub validation: Option<Evaluation>,
}

/// Texts of the reference logits: short, empty, long, shouted, and with characters no vocabulary has.
const TEXTS: [&str; 6] = [
    "where is my order?",
    "",
    "I WANT MY MONEY BACK NOW!!! ORD000003",
    "mera order kab aayega bhai",
    "😡👎",
    "The rider was polite and on time, but two of the five items were missing and the milk had leaked over everything. \
     I have already written twice and nobody answered. Please send the missing ones or tell me whom I can talk to.",
];

pub(crate) fn finish(trained: &Trained<'_>) -> Result<Finished, NluError> {
    let out = &trained.options.out;
    let mut config = trained.config.clone();
    let write = |config: &_| {
        write_folder(out, config, trained.labels, &trained.weights, trained.options.precision, &trained.options.base)
    };
    write(&config)?;
    // Calibrated as it will serve, and one model at a time: several would need more memory than the training.
    calibrate(&mut config, &Model::serve(out, Arithmetic::default())?, trained.validation)?;
    let mut json = config.to_json();
    json["torch_dtype"] = if trained.options.precision == Precision::F16 { "float16" } else { "float32" }.into();
    write_beside(&out.join("config.json"), pretty(&json).as_bytes())?;
    let model = Model::load(out)?;
    write_beside(&out.join(REFERENCE), pretty(&reference(&model)?).as_bytes())?;
    let info = model.info.clone();
    drop(model);
    let validation = match trained.validation.examples.is_empty() {
        true => None,
        false => Some(evaluate_folder(out, trained.validation)?),
    };
    let finished = Finished {
        folder: out.clone(),
        best_epoch: trained.best_epoch,
        epochs: trained.epochs,
        seconds: trained.seconds,
        sha256: describe_file(&out.join("model.safetensors"))?.sha256,
        validation,
    };
    let training = Training::of(&finished.sha256, trained.train, finished.validation.as_ref());
    write_beside(&out.join(TRAINING), pretty(&training).as_bytes())?;
    write_beside(&out.join("MODEL_CARD.md"), card(trained, &finished, &info).as_bytes())?;
    Ok(finished)
}

/// Fits the temperatures and the abstention threshold on the validation rows; leaves 1 and none where there are none.
fn calibrate(config: &mut ModelConfig, model: &Model, validation: &Dataset) -> Result<(), NluError> {
    let (mut intents, mut sentiments) = (Vec::new(), Vec::new());
    for group in validation.examples.chunks(16) {
        let ids = group.iter().map(|row| model.tokenizer.encode(&row.text)).collect::<Result<Vec<_>, _>>()?;
        for (row, scores) in group.iter().zip(model.scores(&ids)?) {
            let number = |label: &Option<String>, known: &[String]| {
                label.as_ref().and_then(|label| known.iter().position(|one| one == label))
            };
            intents.extend(number(&row.intent, &model.labels.intents).map(|n| (n, scores.intent)));
            sentiments.extend(number(&row.sentiment, &model.labels.sentiments).map(|n| (n, scores.sentiment)));
        }
    }
    let fit = |rows: &[(usize, Vec<f32>)]| {
        fit_temperature(&rows.iter().map(|(truth, logits)| (*truth, logits.as_slice())).collect::<Vec<_>>())
    };
    (config.intent_temperature, config.sentiment_temperature) = (fit(&intents), fit(&sentiments));
    let outcome = |(truth, logits): &(usize, Vec<f32>)| {
        let shares = probabilities(logits, config.intent_temperature).into_iter().enumerate();
        let (predicted, confidence) = shares.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Outcome { truth: *truth, predicted, confidence })
    };
    let outcomes: Vec<Outcome> = intents.iter().filter_map(outcome).collect();
    config.abstain_below =
        [fit_threshold(&outcomes), fit_novelty_threshold(&outcomes)].into_iter().flatten().reduce(f32::max);
    Ok(())
}

fn reference(model: &Model) -> Result<Reference, NluError> {
    let mut cases = Vec::new();
    for text in TEXTS {
        let input_ids = model.tokenizer.encode(text)?;
        let scores = model.scores(std::slice::from_ref(&input_ids))?.remove(0);
        let (intent_logits, sentiment_logits) = (scores.intent, scores.sentiment);
        cases.push(Case { text: text.to_owned(), input_ids, intent_logits, sentiment_logits });
    }
    let made_by = format!("ecomres {} from the stored weights", env!("CARGO_PKG_VERSION"));
    Ok(Reference { made_by, tolerance: 1e-4, cases })
}

fn card(trained: &Trained<'_>, finished: &Finished, info: &ModelInfo) -> String {
    let options = trained.options;
    let mut text = format!(
        "# Model card\n\nA DistilBERT encoder ({} layers, width {}, {} pooling, {} parameters as {}) with one linear \
         classifier per task, trained by `ecomres train` {}.\n\n",
        info.layers,
        info.dim,
        info.pooling,
        info.parameters,
        options.precision,
        env!("CARGO_PKG_VERSION"),
    );
    text += &format!("- intents: {}\n- sentiments: {}\n", info.intents.join(", "), info.sentiments.join(", "));
    text += &format!("- weights: sha256 {}\n- base model: sha256 {}\n", finished.sha256, trained.base_hash);
    text += "- `tokenizer.json` is authoritative: it may turn emoji into words, which `vocab.txt` alone does not\n";
    text += "\n## Data\n\n| file | bytes | sha256 |\n|---|---|---|\n";
    let own = if trained.options.validation.is_empty() { &[] } else { trained.validation.files.as_slice() };
    for (file, use_) in
        trained.train.files.iter().map(|file| (file, "")).chain(own.iter().map(|file| (file, " (validation)")))
    {
        text += &format!("| {}{use_} | {} | {} |\n", file.name, file.bytes, file.sha256);
    }
    let start = trained.start;
    text += &format!(
        "\n{} rows to train on, {} to validate with; left out: {} duplicates, {} conflicts, {} without label.\n",
        start.rows,
        start.validation_rows,
        start.duplicates,
        start.conflicts.len(),
        start.unlabelled
    );
    text += &format!(
        "\n## Training\n\nEpoch {} of {} kept, {:.0} s. Settings:\n\n```json\n{}```\n",
        finished.best_epoch,
        finished.epochs,
        finished.seconds,
        pretty(options)
    );
    if let Some(validation) = &finished.validation {
        text += "\n## Figures on the validation rows\n";
        let (intervals, calibration) = (&validation.confidence_intervals, &validation.calibration);
        text += &figures("Intent", validation.intent_classification.as_ref(), intervals.intent.as_ref());
        text += &figures("Sentiment", validation.sentiment_classification.as_ref(), intervals.sentiment.as_ref());
        for (task, found) in [("intents", &calibration.intent), ("sentiments", &calibration.sentiment)] {
            if let Some(found) = found {
                text += &format!(
                    "\nThe confidences of the {task} are calibrated with temperature {:.3}: expected calibration error \
                     {:.4} before, {:.4} after.\n",
                    found.temperature, found.error_before, found.error_after
                );
            }
        }
        if let Some(found) = validation.abstention.as_ref().filter(|found| found.at_threshold.threshold > 0.0) {
            text += &format!(
                "\nIntents below a confidence of {:.2} are better withheld (`abstain_below` in `config.json`): {:.1} % \
                 are answered then, {:.1} % of them right.\n",
                found.at_threshold.threshold,
                100.0 * found.at_threshold.coverage,
                100.0 * found.at_threshold.accuracy.unwrap_or(0.0)
            );
        }
        text += "\nThe epoch was chosen and the confidences were calibrated on these rows, so the figures lean to \
                 the good side; `ecomres eval` on other data tells more.\n";
    }
    text
}

fn figures(task: &str, report: Option<&TaskReport>, intervals: Option<&Intervals>) -> String {
    let (Some(report), Some(intervals)) = (report, intervals) else { return String::new() };
    let mut text = format!(
        "\n{task}: accuracy {:.4} (95 % interval {:.3} to {:.3}), balanced accuracy {:.4}, macro F1 {:.4}, weighted F1 {:.4}, expected calibration \
         error {:.4} ({} rows).\n\n| label | precision | recall | F1 | rows |\n|---|---|---|---|---|\n",
        report.accuracy,
        intervals.accuracy[0],
        intervals.accuracy[1],
        report.balanced_accuracy,
        report.f1_macro,
        report.f1_weighted,
        report.expected_calibration_error,
        report.rows
    );
    for (label, class) in &report.per_class_metrics {
        text += &format!(
            "| {label} | {:.3} | {:.3} | {:.3} | {} |\n",
            class.precision, class.recall, class.f1, class.support
        );
    }
    text
}

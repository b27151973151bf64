//! Writes the results of a training: the folder, its calibration, its reference logits and its model card. All scores are
//! those of the stored weights.

use std::path::PathBuf;

use serde::Serialize;

use crate::NluError;
use crate::data::dataset::Dataset;
use crate::evaluation::bootstrap::Intervals;
use crate::evaluation::evaluate::{Evaluation, evaluate_folder};
use crate::evaluation::metrics::{Outcome, TaskReport, fit_temperature};
use crate::evaluation::selective::{fit_novelty_threshold, fit_threshold};
use crate::model::config::ModelConfig;
use crate::model::folder::{pretty, write_folder};
use crate::model::inspect::{Case, REFERENCE, Reference, describe_file};
use crate::model::labels::Labels;
use crate::model::loaded::{Model, ModelInfo, probabilities};
use crate::model::location::ModelLocation;
use crate::model::summary::{TRAINING, TrainingRecord};
use crate::model::weights::{Precision, Weights, write_beside};
use crate::packed::Arithmetic;
use crate::training::settings::{Start, TrainOptions};

/// What [`finish`] needs of a training.
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

/// Result of a training.
#[derive(Debug, Clone, Serialize)]
pub struct Finished {
    /// The folder that was written.
    pub folder: PathBuf,
    /// Epoch whose weights were saved, from 1.
    pub best_epoch: usize,
    /// Epochs that were run.
    pub epochs: usize,
    /// Seconds of training, validation included.
    pub seconds: f64,
    /// SHA-256 of the weights file.
    pub sha256: String,
    /// Scores of the stored weights on the validation rows.
    pub validation: Option<Evaluation>,
}

/// Texts of the reference logits: short, empty, long, in capitals, and with characters that no vocabulary has.
pub(crate) const TEXTS: [&str; 6] = [
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
    // Calibrated with the computation that will serve. One model at a time: several would need more memory than training.
    calibrate(&mut config, &Model::serve(out, Arithmetic::default())?, trained.validation)?;
    let mut json = config.to_json();
    json["torch_dtype"] = if trained.options.precision == Precision::F16 { "float16" } else { "float32" }.into();
    write_beside(&out.join("config.json"), pretty(&json).as_bytes())?;
    let model = Model::load(out)?;
    write_beside(&out.join(REFERENCE), pretty(&reference(&model)?).as_bytes())?;
    let info = model.info.clone();
    drop(model);
    let validation =
        if trained.validation.examples.is_empty() { None } else { Some(evaluate_folder(out, trained.validation)?) };
    let finished = Finished {
        folder: out.clone(),
        best_epoch: trained.best_epoch,
        epochs: trained.epochs,
        seconds: trained.seconds,
        sha256: describe_file(&out.join("model.safetensors"))?.sha256,
        validation,
    };
    let training = TrainingRecord::of(&finished.sha256, trained.train, finished.validation.as_ref());
    write_beside(&out.join(TRAINING), pretty(&training).as_bytes())?;
    write_beside(&out.join("MODEL_CARD.md"), card(trained, &finished, &info).as_bytes())?;
    Ok(finished)
}

/// Fits the temperatures and the abstention threshold on the validation rows; without rows they are 1 and `None`.
fn calibrate(config: &mut ModelConfig, model: &Model, validation: &Dataset) -> Result<(), NluError> {
    let mut labelled: Vec<Vec<(usize, Vec<f32>)>> = vec![Vec::new(); model.labels.heads.len()];
    for group in validation.examples.chunks(16) {
        let ids = group.iter().map(|row| model.tokenizer.encode(&row.text)).collect::<Result<Vec<_>, _>>()?;
        for (row, scores) in group.iter().zip(model.scores(&ids)?) {
            for ((head, logits), labelled) in model.labels.heads.iter().zip(scores).zip(&mut labelled) {
                let truth = validation.label(row, &head.name);
                let truth = truth.and_then(|label| head.labels.iter().position(|one| one == label));
                labelled.extend(truth.map(|truth| (truth, logits)));
            }
        }
    }
    let fit = |rows: &Vec<(usize, Vec<f32>)>| {
        fit_temperature(&rows.iter().map(|(truth, logits)| (*truth, logits.as_slice())).collect::<Vec<_>>())
    };
    let fitted: Vec<f32> = labelled.iter().map(fit).collect();
    let (first, temperature) = (labelled.first().into_iter().flatten(), fitted.first().copied().unwrap_or(1.0));
    let outcome = |(truth, logits): &(usize, Vec<f32>)| {
        let probabilities = probabilities(logits, temperature).into_iter().enumerate();
        let (predicted, confidence) = probabilities.max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Outcome { truth: *truth, predicted, confidence })
    };
    let outcomes: Vec<Outcome> = first.filter_map(outcome).collect();
    let threshold = [fit_threshold(&outcomes), fit_novelty_threshold(&outcomes)].into_iter().flatten().reduce(f32::max);
    let names = model.labels.heads.iter().map(|head| head.name.clone());
    config.calibrate(names.zip(fitted).collect(), threshold);
    Ok(())
}

/// Writes the reference logits of a model folder that has none: what it computes now. Returns how many texts they are.
///
/// # Errors
/// The model cannot be loaded, is not a folder, or the file cannot be written.
pub fn write_reference(location: &ModelLocation) -> Result<usize, NluError> {
    let path = location.path(REFERENCE);
    let Some(folder) = location.folder() else { return Err(NluError::Missing { path }) };
    let reference = reference(&Model::load(location)?)?;
    write_beside(&folder.join(REFERENCE), pretty(&reference).as_bytes())?;
    Ok(reference.cases.len())
}

/// Compares the two computations of a model, that of training and that which serves, on the texts of a reference: their number
/// and the largest difference of a logit.
///
/// # Errors
/// The model cannot be loaded.
pub fn compare_computations(location: &ModelLocation) -> Result<(usize, f32), NluError> {
    let slow = reference(&Model::load(location)?)?;
    let fast = reference(&Model::serve(location, Arithmetic::default())?)?;
    let pairs = slow.cases.iter().zip(&fast.cases).flat_map(|(one, other)| one.all_logits().zip(other.all_logits()));
    let largest =
        pairs.map(|(one, other)| (one - other).abs()).fold(0.0_f32, |a, b| if b.is_nan() { b } else { a.max(b) });
    Ok((slow.cases.len(), largest))
}

fn reference(model: &Model) -> Result<Reference, NluError> {
    let mut cases = Vec::new();
    for text in TEXTS {
        let input_ids = model.tokenizer.encode(text)?;
        let scores = model.scores(std::slice::from_ref(&input_ids))?.remove(0);
        cases.push(Case::of(text, input_ids, &model.labels, scores));
    }
    let made_by = format!("ecomres {} from the stored weights", env!("CARGO_PKG_VERSION"));
    Ok(Reference { made_by, tolerance: 1e-4, cases })
}

#[expect(clippy::format_push_string, reason = "`write!` would add an error that cannot happen")]
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
    for (name, labels) in [("intents", &info.intents), ("sentiments", &info.sentiments)] {
        if !labels.is_empty() {
            text += &format!("- {name}: {}\n", labels.join(", "));
        }
    }
    for (head, labels) in &info.other_heads {
        text += &format!("- {head}: {}\n", labels.join(", "));
    }
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
        text += "\n## Scores on the validation rows\n";
        let heads = validation.heads();
        for (head, found) in &heads {
            let mut name = (*head).to_owned();
            name[..1].make_ascii_uppercase();
            text += &score_table(&name, found.report, found.intervals);
        }
        for (head, found) in &heads {
            if let Some(found) = found.calibration {
                text += &format!(
                    "\nThe confidences of the {head} head are calibrated with temperature {:.3}: expected calibration error \
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
        text += "\nThe epoch was chosen and the confidences were calibrated on these rows, so the scores are \
                 optimistic; run `ecomres eval` on other data.\n";
    }
    text
}

#[expect(clippy::format_push_string, reason = "`write!` would add an error that cannot happen")]
fn score_table(task: &str, report: Option<&TaskReport>, intervals: Option<&Intervals>) -> String {
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

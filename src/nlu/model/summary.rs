//! What is known of a model without loading it: hash, labels, and what it was trained on.
//!
//! A record of a training counts only where it carries the hash of the weights that are there.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::NluError;
use crate::data::dataset::Dataset;
use crate::evaluation::evaluate::Evaluation;
use crate::evaluation::metrics::TaskReport;
use crate::model::config::ModelConfig;
use crate::model::inspect::FileInfo;
use crate::model::labels::{INTENT, Labels, SENTIMENT};
use crate::model::loaded::other_heads;
use crate::model::location::{ModelLocation, WEIGHTS};

/// Name of the file in which `train` writes what it trained on.
pub(crate) const TRAINING: &str = "training.json";
/// The files that a model needs to answer.
pub(crate) const NEEDED: [&str; 4] = ["config.json", "label_info.json", "model.safetensors", "tokenizer.json"];

/// What a model was trained on, and how it did on the validation rows. Content of `training.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingRecord {
    /// SHA-256 of the weights that came of it, in hexadecimal.
    pub weights_sha256: String,
    /// Rows that were trained on.
    pub rows: u64,
    /// Rows of each intent.
    pub intents: BTreeMap<String, u64>,
    /// Rows of each sentiment.
    pub sentiments: BTreeMap<String, u64>,
    /// Scores of the intents on the validation rows.
    pub intent_scores: Option<TrainingScores>,
    /// Scores of the sentiments on the validation rows.
    pub sentiment_scores: Option<TrainingScores>,
    /// Rows of each label of the other heads, by the head's name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_heads: BTreeMap<String, BTreeMap<String, u64>>,
    /// Scores of the other heads on the validation rows.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_scores: BTreeMap<String, TrainingScores>,
}

/// How a model did on its validation rows, by which its best epoch was chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrainingScores {
    /// Validation rows.
    pub rows: u64,
    /// Share of them that was read right.
    pub accuracy: f64,
    /// Mean F1 of the labels.
    pub f1_macro: f64,
    /// Expected calibration error.
    pub calibration_error: f64,
}

impl TrainingRecord {
    pub(crate) fn of(sha256: &str, train: &Dataset, validation: Option<&Evaluation>) -> Self {
        let count = |head: &str| {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for label in train.examples.iter().filter_map(|row| train.label(row, head)) {
                *counts.entry(label.to_owned()).or_default() += 1;
            }
            counts
        };
        let others = || train.heads.iter().filter(|head| *head != INTENT && *head != SENTIMENT);
        let scores = |report: Option<&TaskReport>| {
            report.map(|report| TrainingScores {
                rows: report.rows as u64,
                accuracy: report.accuracy,
                f1_macro: report.f1_macro,
                calibration_error: report.expected_calibration_error,
            })
        };
        Self {
            weights_sha256: sha256.to_owned(),
            rows: train.examples.len() as u64,
            intents: count(INTENT),
            sentiments: count(SENTIMENT),
            other_heads: others().map(|head| (head.clone(), count(head))).collect(),
            other_scores: others()
                .filter_map(|head| {
                    let found = validation?.other_heads.get(head)?;
                    Some((head.clone(), scores(found.report.as_ref())?))
                })
                .collect(),
            intent_scores: scores(validation.and_then(|validation| validation.intent_classification.as_ref())),
            sentiment_scores: scores(validation.and_then(|validation| validation.sentiment_classification.as_ref())),
        }
    }
}

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelSummary {
    /// Where it is.
    #[serde(rename = "folder")]
    pub location: ModelLocation,
    /// SHA-256 of the weights, in hexadecimal.
    pub sha256: String,
    /// Size of the weights in bytes.
    pub bytes: u64,
    /// The network in one line.
    pub network: String,
    /// Intents in the order of the classifier.
    pub intents: Vec<String>,
    /// Sentiments in the order of the classifier.
    pub sentiments: Vec<String>,
    /// The labels of its other heads, by the head's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_heads: BTreeMap<String, Vec<String>>,
    /// Intents below this confidence are better withheld, where the folder says so.
    pub abstain_below: Option<f64>,
    /// What it was trained on; `None` where no record is there, or one of other weights.
    pub training: Option<TrainingRecord>,
}

impl ModelSummary {
    /// Reads it without loading the model: the weights are only hashed.
    ///
    /// # Errors
    /// A file that is needed cannot be read or understood.
    pub fn read(location: impl Into<ModelLocation>) -> Result<Self, NluError> {
        let location = location.into();
        let config = ModelConfig::read(&location)?;
        let labels = Labels::read(&location)?;
        let weights = FileInfo::of(&location, WEIGHTS)?;
        let training = match location.read(TRAINING) {
            Ok(text) => {
                let training: TrainingRecord = serde_json::from_slice(&text).map_err(|error| {
                    let path = location.path(TRAINING);
                    NluError::format(&path, format!("is not what train writes: {error}"), "remove it, or train again")
                })?;
                Some(training).filter(|training| training.weights_sha256 == weights.sha256)
            }
            Err(NluError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            location,
            sha256: weights.sha256,
            bytes: weights.bytes,
            network: format!(
                "DistilBERT, {} layers, width {}, {} pooling",
                config.n_layers, config.dim, config.pooling
            ),
            intents: labels.of(INTENT).to_vec(),
            sentiments: labels.of(SENTIMENT).to_vec(),
            other_heads: other_heads(&labels),
            abstain_below: config.abstain_below.map(f64::from),
            training,
        })
    }
}

/// Sizes, times and inodes of a model's files: another value where any of them was written or replaced since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<Option<(u64, Option<SystemTime>, u64)>>);

impl Fingerprint {
    /// That of a folder, where a file that is missing counts as such; that of the built-in model is always the same.
    pub fn of(location: impl Into<ModelLocation>) -> Self {
        let ModelLocation::Folder(dir) = location.into() else { return Self(vec![Some((0, None, 0)); NEEDED.len()]) };
        let stamp = |name: &str| {
            let found = std::fs::metadata(dir.join(name)).ok()?;
            Some((found.len(), found.modified().ok(), inode(&found)))
        };
        Self(NEEDED.iter().copied().chain([crate::model::inspect::REFERENCE, TRAINING]).map(stamp).collect())
    }

    /// Whether every file that is needed to answer is there.
    pub fn is_whole(&self) -> bool {
        self.0.iter().take(NEEDED.len()).all(Option::is_some)
    }
}

#[cfg(unix)]
fn inode(file: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(file)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../model")
    }

    /// The file beside the shipped weights holds what the data that they were trained on comes to.
    #[test]
    fn the_shipped_model_tells_what_it_was_trained_on() {
        let summary = ModelSummary::read(shipped()).unwrap();
        let training = summary.training.expect("it is of these weights");
        let files = ["train", "train_hinglish", "train_more", "train_languages"];
        let data = files.map(|name| shipped().join(format!("../data/{name}.csv")));
        let mut rows = Dataset::read(&data, &crate::Columns::default()).unwrap();
        rows.deduplicate();
        let counted = TrainingRecord::of(&summary.sha256, &rows, None);
        assert_eq!((training.rows, &training.intents), (counted.rows, &counted.intents));
        assert_eq!(training.sentiments, counted.sentiments);
        let card = std::fs::read_to_string(shipped().join("MODEL_CARD.md")).unwrap();
        for (task, scores) in [("Intent", &training.intent_scores), ("Sentiment", &training.sentiment_scores)] {
            let scores = scores.as_ref().unwrap();
            assert!(card.contains(&format!("{task}: accuracy {:.4} ", scores.accuracy)), "{task}");
            assert!(card.contains(&format!("macro F1 {:.4}", scores.f1_macro)), "{task}");
            assert!(
                card.contains(&format!("calibration error {:.4} ({} rows)", scores.calibration_error, scores.rows))
            );
        }
    }

    #[test]
    fn what_is_of_other_weights_is_not_told() {
        let dir = tempfile::tempdir().unwrap();
        for name in NEEDED.iter().chain(&[TRAINING]) {
            std::fs::copy(shipped().join(name), dir.path().join(name)).unwrap();
        }
        assert!(ModelSummary::read(dir.path()).unwrap().training.is_some());
        let before = Fingerprint::of(dir.path());
        assert!(before.is_whole());
        assert_eq!(before, Fingerprint::of(dir.path()));
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model/model.safetensors");
        std::fs::copy(tiny, dir.path().join("model.safetensors")).unwrap();
        assert!(ModelSummary::read(dir.path()).unwrap().training.is_none());
        assert_ne!(before, Fingerprint::of(dir.path()));
        std::fs::remove_file(dir.path().join("config.json")).unwrap();
        assert!(!Fingerprint::of(dir.path()).is_whole());
    }
}

//! Decides what is told of a model folder without loading the model: hash, labels, and what it was trained on.
//!
//! It must never tell what belongs to other weights than those in the folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::NluError;
use super::config::ModelConfig;
use super::dataset::{Dataset, Example};
use super::evaluate::Evaluation;
use super::inspect::describe_file;
use super::labels::Labels;
use super::metrics::TaskReport;

/// Name of the file in which `train` writes what it trained on.
pub(crate) const TRAINING: &str = "training.json";
/// The files that a folder needs to answer; the last one is checked where it is there.
pub(crate) const NEEDED: [&str; 4] = ["config.json", "label_info.json", "model.safetensors", "tokenizer.json"];

/// What a model was trained on, and how it did on the validation rows. Content of `training.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// SHA-256 of the weights that came of it, in hexadecimal.
    pub weights_sha256: String,
    /// Rows that were trained on.
    pub rows: u64,
    /// Rows of each intent.
    pub intents: BTreeMap<String, u64>,
    /// Rows of each sentiment.
    pub sentiments: BTreeMap<String, u64>,
    /// Figures of the intents on the validation rows.
    pub intent_scores: Option<TrainingScores>,
    /// Figures of the sentiments on the validation rows.
    pub sentiment_scores: Option<TrainingScores>,
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

impl Training {
    pub(crate) fn of(sha256: &str, train: &Dataset, validation: Option<&Evaluation>) -> Self {
        let count = |pick: fn(&Example) -> &Option<String>| {
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for label in train.examples.iter().filter_map(|row| pick(row).as_ref()) {
                *counts.entry(label.clone()).or_default() += 1;
            }
            counts
        };
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
            intents: count(|row| &row.intent),
            sentiments: count(|row| &row.sentiment),
            intent_scores: scores(validation.and_then(|validation| validation.intent_classification.as_ref())),
            sentiment_scores: scores(validation.and_then(|validation| validation.sentiment_classification.as_ref())),
        }
    }
}

/// What is known of a model folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Facts {
    /// The folder.
    pub folder: PathBuf,
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
    /// Intents below this confidence are better withheld, where the folder says so.
    pub abstain_below: Option<f64>,
    /// What it was trained on; `None` where the folder does not tell, or tells it of other weights.
    pub training: Option<Training>,
}

/// Reads what is known of a model folder. The weights are only hashed.
///
/// # Errors
/// A file that is needed cannot be read or understood.
pub fn facts(dir: &Path) -> Result<Facts, NluError> {
    let config = ModelConfig::read(dir)?;
    let labels = Labels::read(dir)?;
    let weights = describe_file(&dir.join("model.safetensors"))?;
    let path = dir.join(TRAINING);
    let training = match std::fs::read_to_string(&path) {
        Ok(text) => {
            let training: Training = serde_json::from_str(&text).map_err(|error| {
                NluError::format(&path, format!("is not what train writes: {error}"), "remove it, or train again")
            })?;
            Some(training).filter(|training| training.weights_sha256 == weights.sha256)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(NluError::io(&path, error)),
    };
    Ok(Facts {
        folder: dir.to_owned(),
        sha256: weights.sha256,
        bytes: weights.bytes,
        network: format!("DistilBERT, {} layers, width {}, {} pooling", config.n_layers, config.dim, config.pooling),
        intents: labels.intents,
        sentiments: labels.sentiments,
        abstain_below: config.abstain_below.map(f64::from),
        training,
    })
}

/// What a folder's files looked like at a moment: another one where any of them was written or replaced since.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(Vec<Option<(u64, Option<SystemTime>, u64)>>);

impl Fingerprint {
    /// Looks at a folder; what is not there counts as such.
    pub fn of(dir: &Path) -> Self {
        let look = |name: &str| {
            let found = std::fs::metadata(dir.join(name)).ok()?;
            Some((found.len(), found.modified().ok(), inode(&found)))
        };
        Self(NEEDED.iter().copied().chain([super::inspect::REFERENCE, TRAINING]).map(look).collect())
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
    use super::*;

    fn shipped() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("model")
    }

    /// The file beside the shipped weights holds what the data that they were trained on comes to.
    #[test]
    fn the_shipped_model_tells_what_it_was_trained_on() {
        let facts = facts(&shipped()).unwrap();
        let training = facts.training.expect("it is of these weights");
        let data = shipped().join("../data/train.csv");
        let mut rows = Dataset::read(&[data], &super::super::Columns::default()).unwrap();
        rows.deduplicate();
        let counted = Training::of(&facts.sha256, &rows, None);
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
        assert!(facts(dir.path()).unwrap().training.is_some());
        let before = Fingerprint::of(dir.path());
        assert!(before.is_whole());
        assert_eq!(before, Fingerprint::of(dir.path()));
        let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model/model.safetensors");
        std::fs::copy(tiny, dir.path().join("model.safetensors")).unwrap();
        assert!(facts(dir.path()).unwrap().training.is_none());
        assert_ne!(before, Fingerprint::of(dir.path()));
        std::fs::remove_file(dir.path().join("config.json")).unwrap();
        assert!(!Fingerprint::of(dir.path()).is_whole());
    }
}

//! What a customer's message wants (intent) and how it sounds (sentiment): a DistilBERT classifier, its training, its
//! evaluation, and how it is served.
//!
//! What is done about a message is never decided here. No other package names burn.

mod data;
mod error;
mod evaluation;
mod model;
mod packed;
mod serving;
mod training;

use std::collections::BTreeMap;
use std::path::Path;

use async_trait::async_trait;
use serde::{Deserialize, Serialize, Serializer};

pub use data::dataset::{Columns, Conflict, Dataset, Example, HeadColumn, USUAL_HEADS};
pub use data::label_rules::{LABEL_RULES, LabelRules, OrderRules, RuleLabels, SupportRules};
pub use data::labelling::{LabelColumns, LabelledText, Labelling, Summary, UnlabelledText};
pub use error::NluError;
pub use evaluation::bootstrap::{Interval, Intervals};
pub use evaluation::compare::{Comparison, PairedComparison, SIGNIFICANCE_LEVEL, compare, mcnemar};
pub use evaluation::evaluate::{
    Calibration, Confidence, Confidences, EvaluatedLabel, EvaluatedRow, Evaluation, EvaluationOptions, HeadEvaluation,
    HeadView, Tasks, TestInfo, evaluate, evaluate_folder,
};
pub use evaluation::metrics::{ClassReport, TaskReport};
pub use evaluation::selective::{Abstention, Coverage, OutOfScope};
pub use evaluation::timing::{Timing, compare_speed};
pub use model::config::{ModelConfig, Pooling};
pub use model::convert::{ConvertOptions, convert};
pub use model::inspect::{Check, FileInfo, FolderInfo, TensorInfo, check, inspect};
pub use model::labels::{Head, INTENT, INTENTS, Labels, SENTIMENT, SENTIMENTS, is_name};
pub use model::loaded::ModelInfo;
pub use model::location::ModelLocation;
pub use model::summary::{Fingerprint, ModelSummary, TrainingRecord, TrainingScores};
pub use model::weights::Precision;
pub use packed::Arithmetic;
pub use serving::device::{ComputeDevice, DeviceChoice};
pub use serving::engine::Engine;
pub use serving::promote::{Replaced, replace_model, restore_model};
pub use serving::reloading::{Reload, ReloadingEngine};
pub use serving::verify::{DeviceCheck, check_device, device_for};
pub use training::finish::{Finished, compare_computations, write_reference};
pub use training::settings::{Computation, Epoch, Event, HeadScores, Start, Step, TrainOptions};
pub use training::train::{default_learning_rate, train};

/// Reads weights from the bytes of a `safetensors` file and returns how many tensors are usable: for `tests/fuzz`.
#[doc(hidden)]
pub fn count_tensors(bytes: &[u8]) -> Result<usize, NluError> {
    Ok(model::weights::Weights::parse(Path::new("memory"), bytes)?.tensors.len())
}

/// What the message wants, how it sounds, and what else the model says of it.
///
/// Where the model has no head for intents, or sentiments, theirs is empty, its confidence 0.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The most likely intent.
    pub intent: String,
    /// Its probability, from 0 to 1; four decimals in JSON.
    #[serde(serialize_with = "four_decimals")]
    pub intent_confidence: f32,
    /// The most likely sentiment.
    pub sentiment: String,
    /// Its probability, from 0 to 1; four decimals in JSON.
    #[serde(serialize_with = "four_decimals")]
    pub sentiment_confidence: f32,
    /// All intents, the most likely first.
    pub intents: Vec<Scored>,
    /// All sentiments, the most likely first.
    pub sentiments: Vec<Scored>,
    /// What the model's other heads say, by their names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub heads: BTreeMap<String, HeadPrediction>,
}

/// What one head says of a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadPrediction {
    /// The most likely label.
    pub label: String,
    /// Its probability, from 0 to 1; four decimals in JSON.
    #[serde(serialize_with = "four_decimals")]
    pub confidence: f32,
    /// All labels, the most likely first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<Scored>,
}

impl Prediction {
    /// From the ranked labels of each head.
    fn of<'a>(ranked: impl Iterator<Item = (&'a str, Vec<Scored>)>) -> Self {
        let best = |list: &[Scored]| list.first().map(|top| (top.label.clone(), top.confidence)).unwrap_or_default();
        let mut found = Self::default();
        for (head, labels) in ranked {
            let (label, confidence) = best(&labels);
            match head {
                model::labels::INTENT => {
                    (found.intent, found.intent_confidence, found.intents) = (label, confidence, labels);
                }
                model::labels::SENTIMENT => {
                    (found.sentiment, found.sentiment_confidence, found.sentiments) = (label, confidence, labels);
                }
                other => {
                    found.heads.insert(other.to_owned(), HeadPrediction { label, confidence, labels });
                }
            }
        }
        found
    }

    /// The labels of a head, the most likely first; none where the model has no such head.
    pub fn ranked(&self, head: &str) -> &[Scored] {
        match head {
            model::labels::INTENT => &self.intents,
            model::labels::SENTIMENT => &self.sentiments,
            other => self.heads.get(other).map_or(&[], |found| &found.labels),
        }
    }
}

/// One label and its probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The label.
    pub label: String,
    /// Its probability, from 0 to 1; four decimals in JSON.
    #[serde(serialize_with = "four_decimals")]
    pub confidence: f32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn four_decimals<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*value) * 1e4).round() / 1e4)
}

/// Anything that classifies messages: the [`Engine`], or a fixed answer in a test.
#[async_trait]
pub trait Classifier: Send + Sync {
    /// Classifies one message.
    ///
    /// # Errors
    /// The model is overloaded, has stopped or failed.
    async fn classify(&self, text: &str) -> Result<Prediction, NluError>;
}

//! Decides what a customer's message wants (intent) and how it sounds (sentiment).
//!
//! It must never decide what to do about a message, and it is the only module that names burn.

mod activation;
mod augment;
mod batching;
mod bootstrap;
mod checkpoint;
mod compare;
mod config;
mod convert;
mod dataset;
mod device;
mod distilbert;
mod dropout;
mod emoji;
mod engine;
mod error;
mod evaluate;
mod facts;
mod finish;
mod inspect;
mod label_rules;
mod labelling;
mod labels;
mod learner;
mod live;
mod metrics;
mod model;
mod optimizer;
mod packed;
mod promote;
mod prototype;
mod schedule;
mod selective;
mod settings;
mod tokenizer;
mod train;
mod vocabulary;
mod weights;

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use serde::{Deserialize, Serialize, Serializer};

pub use bootstrap::{Interval, Intervals};
pub use compare::{Comparison, Paired, SIGNIFICANT, compare, mcnemar};
pub use config::{ModelConfig, Pooling};
pub use convert::{ConvertOptions, convert};
pub use dataset::{Columns, Conflict, Dataset, Example};
pub use device::{DeviceChoice, Located, locate};
pub use engine::Engine;
pub use error::NluError;
pub use evaluate::{
    Calibration, Confidence, Confidences, Evaluation, Judged, Judging, Tasks, TestInfo, evaluate, evaluate_folder,
};
pub use facts::{Facts, Fingerprint, Training, TrainingScores, facts};
pub use finish::Finished;
pub use inspect::{Check, FileInfo, FolderInfo, TensorInfo, check, inspect};
pub use label_rules::{LABEL_RULES, LabelRules, OrderRules, RuleLabels, SupportRules};
pub use labelling::{LabelColumns, LabelledText, Labelling, Summary, UnlabelledText};
pub use labels::{INTENTS, Labels, SENTIMENTS};
pub use live::{Live, Look};
pub use metrics::{ClassReport, TaskReport};
pub use model::ModelInfo;
pub use packed::{Arithmetic, Timing, compare_speed};
pub use promote::{Replaced, replace_model, restore_model};
pub use selective::{Abstention, Coverage, OutOfScope};
pub use settings::{Computation, Epoch, Event, Start, Step, TrainOptions};
pub use train::{train, usual_rate};
pub use weights::Precision;

/// What the message wants and how it sounds.
///
/// Where the model was trained on intents only, `sentiment` is empty, its confidence 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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

fn four_decimals<S: Serializer>(value: &f32, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((f64::from(*value) * 1e4).round() / 1e4)
}

/// Anything that can tell what a message wants: the [`Engine`], or a fixed answer in a test.
#[async_trait]
pub trait Classifier: Send + Sync {
    /// Classifies one message.
    ///
    /// # Errors
    /// The model is overloaded, has stopped or failed.
    async fn classify(&self, text: &str) -> Result<Prediction, NluError>;
}

/// Finds the model folder: the given one, else `./model`, else the folders beside the executable where a build or an
/// installation has it.
///
/// # Errors
/// The given folder does not exist, or none of the usual places holds a `config.json`; the message lists them.
pub fn locate_model(explicit: Option<&Path>) -> Result<PathBuf, NluError> {
    if let Some(dir) = explicit {
        return if dir.is_dir() { Ok(dir.to_owned()) } else { Err(NluError::NoModel { tried: vec![dir.to_owned()] }) };
    }
    let mut tried = vec![PathBuf::from("model")];
    if let Some(beside) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        for relative in ["model", "../share/ecomres/model", "../../model", "../../../model"] {
            tried.push(beside.join(relative));
        }
    }
    match tried.iter().position(|dir| dir.join("config.json").is_file()) {
        Some(found) => Ok(tried.swap_remove(found)),
        None => Err(NluError::NoModel { tried }),
    }
}

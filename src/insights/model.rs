//! Facts about the model that classifies messages, as the report shows them.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Facts about the model that classifies messages.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelFacts {
    /// Its folder.
    pub folder: String,
    /// SHA-256 of its weights, in hexadecimal.
    pub sha256: String,
    /// The network in one line.
    pub network: String,
    /// The intents that it distinguishes.
    pub intents: Vec<String>,
    /// The sentiments that it distinguishes.
    pub sentiments: Vec<String>,
    /// The labels of its other heads, by the head's name.
    pub other_heads: BTreeMap<String, Vec<String>>,
    /// What it was trained on, where the folder holds that.
    pub training: Option<TrainingFacts>,
}

/// What a model was trained on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainingFacts {
    /// Rows.
    pub rows: u64,
    /// Rows of each intent.
    pub intents: BTreeMap<String, u64>,
    /// Scores on the validation rows.
    pub scores: Vec<TrainingScore>,
}

/// The scores of a model in one task on the validation rows of its training.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingScore {
    /// `Intent`, `Sentiment`, or the name of another head.
    pub task: String,
    /// Validation rows.
    pub rows: u64,
    /// The share of correct labels, from 0 to 1.
    pub accuracy: f64,
    /// The mean F1 of the labels, from 0 to 1.
    pub f1_macro: f64,
    /// The expected calibration error, from 0 to 1.
    pub calibration_error: f64,
}

/// Where the facts about the model come from, and the confidence from which on the bot acts on an intent.
#[derive(Clone)]
pub struct ModelSource {
    /// Below this confidence in the intent the bot asks instead.
    pub clarify_below: f64,
    /// Reads the model folder; `None` where there is none that can be read. May block on files.
    pub facts: Arc<dyn Fn() -> Option<Arc<ModelFacts>> + Send + Sync>,
}

impl ModelSource {
    /// Facts that do not change.
    pub fn fixed(clarify_below: f64, facts: Option<ModelFacts>) -> Self {
        let facts = facts.map(Arc::new);
        Self { clarify_below, facts: Arc::new(move || facts.clone()) }
    }
}

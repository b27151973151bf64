//! Describes a model in full, and checks that it still computes its reference logits. Never changes it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::NluError;
use crate::model::labels::{INTENT, Labels, SENTIMENT};
use crate::model::loaded::{Model, ModelInfo};
use crate::model::location::ModelLocation;
use crate::model::scores::Scores;
use crate::model::weights::Weights;
use crate::packed::Arithmetic;

/// One file of a model.
#[derive(Debug, Clone, Serialize)]
pub struct FileInfo {
    /// Name within the folder.
    pub name: String,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256 of its content, in hexadecimal.
    pub sha256: String,
}

/// One tensor of the weights.
#[derive(Debug, Clone, Serialize)]
pub struct TensorInfo {
    /// Name in the Hugging Face layout.
    pub name: String,
    /// Length of each axis.
    pub shape: Vec<usize>,
}

/// Everything [`inspect`] finds.
#[derive(Debug, Clone, Serialize)]
pub struct FolderInfo {
    /// The model itself.
    #[serde(flatten)]
    pub model: ModelInfo,
    /// Its files by name.
    pub files: Vec<FileInfo>,
    /// The tensors by name.
    pub tensors: Vec<TensorInfo>,
}

/// Loads a model and describes it.
///
/// # Errors
/// The model cannot be loaded.
pub fn inspect(location: impl Into<ModelLocation>) -> Result<FolderInfo, NluError> {
    let location = location.into();
    let model = Model::load(&location)?.info;
    let weights = Weights::of(&location)?;
    let tensors =
        weights.tensors.iter().map(|(name, stored)| TensorInfo { name: name.clone(), shape: stored.shape.clone() });
    let files = location.files()?.iter().map(|name| FileInfo::of(&location, name)).collect::<Result<_, _>>()?;
    Ok(FolderInfo { model, files, tensors: tensors.collect() })
}

impl FileInfo {
    /// One file of a model.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn of(location: &ModelLocation, name: &str) -> Result<Self, NluError> {
        Ok(Self::new(name, &location.read(name)?))
    }

    fn new(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), bytes: bytes.len() as u64, sha256: format!("{:x}", Sha256::digest(bytes)) }
    }
}

/// Name, size and hash of one file.
///
/// # Errors
/// The file cannot be read.
pub(crate) fn describe_file(path: &Path) -> Result<FileInfo, NluError> {
    let bytes = std::fs::read(path).map_err(|error| NluError::io(path, error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
    Ok(FileInfo::new(&name, &bytes))
}

/// Name of the file with reference logits.
pub(crate) const REFERENCE: &str = "reference_logits.json";

/// Content of `reference_logits.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Reference {
    /// What computed the numbers.
    pub(crate) made_by: String,
    /// Largest absolute difference allowed.
    pub(crate) tolerance: f32,
    /// The texts and their numbers.
    pub(crate) cases: Vec<Case>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) text: String,
    pub(crate) input_ids: Vec<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) intent_logits: Vec<f32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sentiment_logits: Vec<f32>,
    /// Of the other heads.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) other_logits: BTreeMap<String, Vec<f32>>,
}

impl Case {
    pub(crate) fn of(text: &str, input_ids: Vec<u32>, labels: &Labels, scores: Scores) -> Self {
        let mut case = Self {
            text: text.to_owned(),
            input_ids,
            intent_logits: Vec::new(),
            sentiment_logits: Vec::new(),
            other_logits: BTreeMap::new(),
        };
        for (head, logits) in labels.heads.iter().zip(scores) {
            match head.name.as_str() {
                INTENT => case.intent_logits = logits,
                SENTIMENT => case.sentiment_logits = logits,
                other => drop(case.other_logits.insert(other.to_owned(), logits)),
            }
        }
        case
    }

    /// The logits of all heads, one after the other.
    pub(crate) fn all_logits(&self) -> impl Iterator<Item = f32> {
        let others = self.other_logits.values().flatten();
        self.intent_logits.iter().chain(&self.sentiment_logits).chain(others).copied()
    }

    /// The logits of each head, as far as there are some.
    fn logits(&self, head: &str) -> &[f32] {
        match head {
            INTENT => &self.intent_logits,
            SENTIMENT => &self.sentiment_logits,
            other => self.other_logits.get(other).map_or(&[], Vec::as_slice),
        }
    }
}

/// Outcome of [`check`].
#[derive(Debug, Clone, Serialize)]
pub struct Check {
    /// Texts compared.
    pub cases: usize,
    /// Largest absolute difference of a logit.
    pub largest_difference: f32,
    /// Largest difference allowed.
    pub tolerance: f32,
    /// What computed the reference.
    pub made_by: String,
}

/// Compares what a model computes with its `reference_logits.json`, one text at a time and all in one
/// padded batch.
///
/// # Errors
/// The model cannot be loaded, has no reference, or computes something else.
pub fn check(location: impl Into<ModelLocation>) -> Result<Check, NluError> {
    let location = location.into();
    check_model(&location, &Model::load(&location)?, 1.0)
}

/// The same for the computation that serves customers, which rounds otherwise: ten times the difference is allowed.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_served(location: &ModelLocation, arithmetic: Arithmetic) -> Result<Check, NluError> {
    check_model(location, &Model::serve(location, arithmetic)?, 10.0)
}

fn check_model(location: &ModelLocation, model: &Model, factor: f32) -> Result<Check, NluError> {
    let path = location.path(REFERENCE);
    let reference: Reference = serde_json::from_slice(&location.read(REFERENCE)?)
        .map_err(|error| NluError::format(&path, format!("is no reference: {error}"), "train or convert again"))?;
    let tolerance = reference.tolerance * factor;
    let mut rows = Vec::new();
    for (number, case) in reference.cases.iter().enumerate() {
        let ids = model.tokenizer.encode(&case.text)?;
        if ids != case.input_ids {
            let reason = format!("case {number} has tokens {:?}, tokenizer.json makes {ids:?}", case.input_ids);
            return Err(NluError::format(&path, reason, "tokenizer.json and the reference must be of the same model"));
        }
        rows.push(ids);
    }
    let batch = model.scores(&rows)?;
    let mut largest = 0.0_f32;
    for (number, (case, ids)) in reference.cases.iter().zip(&rows).enumerate() {
        let alone = model.scores(std::slice::from_ref(ids))?;
        for scores in [&alone[0], &batch[number]] {
            let difference = distance(case, &model.labels, scores);
            if difference.is_nan() || difference > tolerance {
                return Err(NluError::Reference { path, case: number, difference, tolerance });
            }
            largest = largest.max(difference);
        }
    }
    Ok(Check { cases: reference.cases.len(), largest_difference: largest, tolerance, made_by: reference.made_by })
}

/// Largest absolute difference; infinite where the counts differ.
fn distance(case: &Case, labels: &Labels, scores: &Scores) -> f32 {
    let heads = || labels.heads.iter().map(|head| case.logits(&head.name)).zip(scores);
    if heads().any(|(expected, found)| expected.len() != found.len()) {
        return f32::INFINITY;
    }
    let differences = heads().flat_map(|(expected, found)| expected.iter().zip(found).map(|(a, b)| (a - b).abs()));
    differences.fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

//! Decides what is told about a model folder, and whether it still computes what it once did.
//!
//! It must never change the folder.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::NluError;
use super::model::{Model, ModelInfo, Scores};
use super::packed::Arithmetic;
use super::weights::Weights;

/// One file of a model folder.
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
    /// The folder's files by name.
    pub files: Vec<FileInfo>,
    /// The tensors by name.
    pub tensors: Vec<TensorInfo>,
}

/// Loads a folder and describes it.
///
/// # Errors
/// Anything that keeps the folder from being loaded.
pub fn inspect(dir: &Path) -> Result<FolderInfo, NluError> {
    let model = Model::load(dir)?.info;
    let weights = Weights::read(&dir.join("model.safetensors"))?;
    let tensors =
        weights.tensors.iter().map(|(name, stored)| TensorInfo { name: name.clone(), shape: stored.shape.clone() });
    let mut files = Vec::new();
    let entries = std::fs::read_dir(dir).map_err(|error| NluError::io(dir, error))?;
    for entry in entries {
        let path = entry.map_err(|error| NluError::io(dir, error))?.path();
        if path.is_file() {
            files.push(describe_file(&path)?);
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(FolderInfo { model, files, tensors: tensors.collect() })
}

/// Name, size and hash of one file.
///
/// # Errors
/// The file cannot be read.
pub fn describe_file(path: &Path) -> Result<FileInfo, NluError> {
    let bytes = std::fs::read(path).map_err(|error| NluError::io(path, error))?;
    let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    Ok(FileInfo { name, bytes: bytes.len() as u64, sha256: format!("{:x}", Sha256::digest(&bytes)) })
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
    pub(crate) intent_logits: Vec<f32>,
    pub(crate) sentiment_logits: Vec<f32>,
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

/// Compares what the model computes with the folder's `reference_logits.json`, one text at a time and all in one
/// padded batch.
///
/// # Errors
/// The folder cannot be loaded, has no reference, or computes something else.
pub fn check(dir: &Path) -> Result<Check, NluError> {
    check_model(dir, &Model::load(dir)?, 1.0)
}

/// The same for the computation that serves customers, which rounds otherwise: ten times the difference is allowed.
///
/// # Errors
/// As [`check`].
pub(crate) fn check_served(dir: &Path, arithmetic: Arithmetic) -> Result<Check, NluError> {
    check_model(dir, &Model::serve(dir, arithmetic)?, 10.0)
}

fn check_model(dir: &Path, model: &Model, slack: f32) -> Result<Check, NluError> {
    let path = dir.join(REFERENCE);
    let text = std::fs::read_to_string(&path).map_err(|error| NluError::io(&path, error))?;
    let reference: Reference = serde_json::from_str(&text)
        .map_err(|error| NluError::format(&path, format!("is no reference: {error}"), "train or convert again"))?;
    let tolerance = reference.tolerance * slack;
    let mut rows = Vec::new();
    for (number, case) in reference.cases.iter().enumerate() {
        let ids = model.tokenizer.encode(&case.text)?;
        if ids != case.input_ids {
            let reason = format!("case {number} has tokens {:?}, tokenizer.json makes {ids:?}", case.input_ids);
            return Err(NluError::format(&path, reason, "tokenizer.json and the reference must be of the same model"));
        }
        rows.push(ids);
    }
    let together = model.scores(&rows)?;
    let mut largest = 0.0_f32;
    for (number, (case, ids)) in reference.cases.iter().zip(&rows).enumerate() {
        let alone = model.scores(std::slice::from_ref(ids))?;
        for scores in [&alone[0], &together[number]] {
            let difference = distance(case, scores);
            if difference.is_nan() || difference > tolerance {
                return Err(NluError::Reference { path, case: number, difference, tolerance });
            }
            largest = largest.max(difference);
        }
    }
    Ok(Check { cases: reference.cases.len(), largest_difference: largest, tolerance, made_by: reference.made_by })
}

/// Largest absolute difference; infinite where the counts differ.
fn distance(case: &Case, scores: &Scores) -> f32 {
    if case.intent_logits.len() != scores.intent.len() || case.sentiment_logits.len() != scores.sentiment.len() {
        return f32::INFINITY;
    }
    let expected = case.intent_logits.iter().chain(&case.sentiment_logits);
    let found = scores.intent.iter().chain(&scores.sentiment);
    expected.zip(found).map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

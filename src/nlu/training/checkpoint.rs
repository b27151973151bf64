//! Checkpoints, from which an interrupted training resumes with the same result. One made with other data or settings is
//! refused.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::NluError;
use crate::model::weights::{Precision, Weights};

/// The highest validation score of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Best {
    pub(crate) score: f64,
    /// Its epoch, from 0.
    pub(crate) epoch: usize,
    /// Epoch whose weights are saved: this one or a later one that is as good.
    pub(crate) kept: usize,
}

/// How far a training has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// Hash of the data, the base model and every setting that changes the result.
    pub(crate) fingerprint: String,
    /// Current epoch, from 0.
    pub(crate) epoch: usize,
    /// Batches of that epoch that are done.
    pub(crate) batches: usize,
    /// Optimizer steps taken in all.
    pub(crate) steps: usize,
    /// The best epoch so far.
    pub(crate) best: Option<Best>,
    /// Seconds of work so far.
    #[serde(default)]
    pub(crate) seconds: f64,
}

/// Folder of the checkpoint within the model folder.
pub(crate) fn folder(out: &Path) -> PathBuf {
    out.join("checkpoint")
}

/// Writes weights and optimizer state under `last`.
pub(crate) fn save(out: &Path, progress: &Progress, mut weights: Weights) -> Result<(), NluError> {
    let dir = folder(out);
    std::fs::create_dir_all(&dir).map_err(|error| NluError::io(&dir, error))?;
    let text = serde_json::to_string(progress).map_err(|error| NluError::Internal(error.to_string()))?;
    weights.metadata.insert("progress".to_owned(), text);
    weights.write(&dir.join("last.safetensors"), Precision::F32)
}

/// Writes the weights of the epoch that is the best so far.
pub(crate) fn save_best(out: &Path, weights: &Weights) -> Result<(), NluError> {
    let dir = folder(out);
    std::fs::create_dir_all(&dir).map_err(|error| NluError::io(&dir, error))?;
    weights.write(&dir.join("best.safetensors"), Precision::F32)
}

/// Reads what [`save`] wrote.
///
/// # Errors
/// There is no checkpoint, it is damaged, or it belongs to another training.
pub(crate) fn load(out: &Path, fingerprint: &str) -> Result<(Progress, Weights), NluError> {
    let path = folder(out).join("last.safetensors");
    if !path.exists() {
        return Err(NluError::training(
            format!("{} does not exist: there is nothing to resume", path.display()),
            "run without --resume",
        ));
    }
    let weights = Weights::read(&path)?;
    let progress: Progress =
        weights.metadata.get("progress").and_then(|text| serde_json::from_str(text).ok()).ok_or_else(|| {
            NluError::format(&path, "holds no progress of a training", "delete it and run without --resume")
        })?;
    if progress.fingerprint != fingerprint {
        return Err(NluError::training(
            format!("{} was made with other data, settings or base model", path.display()),
            "resume with the same files and flags, or run without --resume to start anew",
        ));
    }
    Ok((progress, weights))
}

/// Reads what [`save_best`] wrote.
pub(crate) fn load_best(out: &Path) -> Result<Weights, NluError> {
    Weights::read(&folder(out).join("best.safetensors"))
}

/// Removes the checkpoint after the model is written.
pub(crate) fn remove(out: &Path) -> Result<(), NluError> {
    let dir = folder(out);
    match std::fs::remove_dir_all(&dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(NluError::io(&dir, error)),
        _ => Ok(()),
    }
}

//! Errors of the model, its files and its training data. Every message names the file, tensor, line or value.

use std::path::{Path, PathBuf};

/// What can go wrong between a message and its prediction, or between a data file and a model.
#[derive(Debug, thiserror::Error)]
pub enum NluError {
    /// No model folder where one was named.
    #[error("there is no model folder {}", .folder.display())]
    NoModel {
        /// The folder that was named.
        folder: PathBuf,
    },
    /// A file of the model folder or a data file is not there.
    #[error("{} does not exist", .path.display())]
    Missing {
        /// The file that is missing.
        path: PathBuf,
    },
    /// The operating system refused a read or a write.
    #[error("{}: {source}", .path.display())]
    Io {
        /// The file concerned.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A file of the model folder cannot be understood.
    #[error("{}: {reason}", .path.display())]
    Format {
        /// The file concerned.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The weights lack a tensor that the configuration asks for.
    #[error("{}: tensor {name} is missing", .path.display())]
    MissingTensor {
        /// The weights file.
        path: PathBuf,
        /// Name of the tensor in the Hugging Face layout.
        name: String,
    },
    /// A tensor has another shape than the configuration asks for.
    #[error("{}: tensor {name} has shape {found:?}, expected {expected:?}", .path.display())]
    WrongShape {
        /// The weights file.
        path: PathBuf,
        /// Name of the tensor in the Hugging Face layout.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape the configuration and the label set ask for.
        expected: Vec<usize>,
    },
    /// The label set and the classifier disagree on how many labels there are.
    #[error("{}: {labels} {head} labels in label_info.json, but {head}_classifier has {rows} rows", .path.display())]
    LabelCount {
        /// The model folder.
        path: PathBuf,
        /// The head, such as `intent`.
        head: String,
        /// Labels named in `label_info.json`.
        labels: usize,
        /// Rows of the classifier in the weights.
        rows: usize,
    },
    /// Too many messages wait for the model.
    #[error("the model is busy: {waiting} messages are waiting already")]
    Overloaded {
        /// Length of the queue.
        waiting: usize,
    },
    /// The model's thread has ended.
    #[error("the model has stopped")]
    Stopped,
    /// The computation failed in a way no input should cause.
    #[error("the model failed: {0}")]
    Internal(String),
    /// Training or evaluation data that cannot be used.
    #[error("{reason}")]
    Data {
        /// What is wrong, with file and line where there is one.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// Training cannot go on.
    #[error("{reason}")]
    Training {
        /// What happened, with the step.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The device that was asked for is not there.
    #[error("{reason}")]
    Device {
        /// What was searched for.
        reason: String,
        /// What to do about it.
        hint: String,
    },
    /// The user stopped the training.
    #[error("stopped at step {step}, the checkpoint is saved in {}", .checkpoint.display())]
    Interrupted {
        /// Optimizer steps done.
        step: usize,
        /// Where training can resume from.
        checkpoint: PathBuf,
    },
    /// A folder's reference logits are not what the model computes.
    #[error("{}: case {case} differs from its reference logits by {difference:.2e}, allowed {tolerance:.0e}", .path.display())]
    Reference {
        /// The file with the reference.
        path: PathBuf,
        /// Index of the first case that differs.
        case: usize,
        /// Largest absolute difference.
        difference: f32,
        /// Largest difference allowed.
        tolerance: f32,
    },
}

impl NluError {
    /// What the user can do about it, where there is something.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::NoModel { .. } => {
                "name a folder that holds config.json with --model DIR, or leave it out for the built-in model"
                    .to_owned()
            }
            Self::Missing { path } if path.extension().is_some_and(|e| e == "csv") => "check the path".to_owned(),
            Self::Missing { .. } => "a model folder holds model.safetensors, config.json, label_info.json and \
                                     tokenizer.json; copy the missing file there or name another folder"
                .to_owned(),
            Self::Io { .. } => "check that the path exists and may be read and written".to_owned(),
            Self::Format { hint, .. }
            | Self::Data { hint, .. }
            | Self::Training { hint, .. }
            | Self::Device { hint, .. } => hint.clone(),
            Self::MissingTensor { .. } | Self::WrongShape { .. } => {
                "config.json and model.safetensors must come from the same model; a BERT encoder folder needs \
                 `ecomres model convert` first"
                    .to_owned()
            }
            Self::LabelCount { .. } => {
                "label_info.json must come from the same training as model.safetensors".to_owned()
            }
            Self::Overloaded { .. } => "try again in a moment".to_owned(),
            Self::Interrupted { .. } => "run the same command with --resume to go on".to_owned(),
            Self::Reference { .. } => {
                "the weights were changed or damaged; take the folder from its source again".to_owned()
            }
            Self::Stopped | Self::Internal(_) => return None,
        };
        Some(text)
    }

    /// Whether this is an unexpected error (exit code 2) and not bad input or data (exit code 1).
    pub fn is_internal(&self) -> bool {
        matches!(self, Self::Stopped | Self::Internal(_))
    }

    /// An input/output error at a path; "not found" gets its own variant.
    pub(crate) fn io(path: &Path, source: std::io::Error) -> Self {
        if source.kind() == std::io::ErrorKind::NotFound {
            Self::Missing { path: path.to_owned() }
        } else {
            Self::Io { path: path.to_owned(), source }
        }
    }

    pub(crate) fn format(path: &Path, reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), reason: reason.into(), hint: hint.into() }
    }

    pub(crate) fn data(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Data { reason: reason.into(), hint: hint.into() }
    }

    pub(crate) fn training(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Training { reason: reason.into(), hint: hint.into() }
    }
}

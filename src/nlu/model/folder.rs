//! How a model folder is written.

use std::path::Path;

use serde::Serialize;

use crate::NluError;
use crate::model::config::{CONFIG, ModelConfig};
use crate::model::labels::{LABELS, Labels};
use crate::model::location::{ModelLocation, WEIGHTS};
use crate::model::weights::{Precision, Weights, write_beside};

/// Files a tokenizer consists of; copied as they are.
const TOKENIZER_FILES: [&str; 4] = ["tokenizer.json", "tokenizer_config.json", "vocab.txt", "special_tokens_map.json"];

/// Writes a model folder: weights, configuration, labels, and the tokenizer files of `tokenizer_from`.
///
/// # Errors
/// A file cannot be written or the tokenizer's files cannot be read.
pub(crate) fn write_folder(
    dir: &Path,
    config: &ModelConfig,
    labels: &Labels,
    weights: &Weights,
    precision: Precision,
    tokenizer_from: &ModelLocation,
) -> Result<(), NluError> {
    std::fs::create_dir_all(dir).map_err(|error| NluError::io(dir, error))?;
    for name in TOKENIZER_FILES {
        if tokenizer_from.folder() != Some(dir) && tokenizer_from.has(name) {
            write_beside(&dir.join(name), &tokenizer_from.read(name)?)?;
        }
    }
    let mut json = config.to_json();
    let dtype = if precision == Precision::F16 { "float16" } else { "float32" };
    json["torch_dtype"] = dtype.into();
    write_beside(&dir.join(CONFIG), pretty(&json).as_bytes())?;
    write_beside(&dir.join(LABELS), pretty(&labels.to_json()).as_bytes())?;
    weights.write(&dir.join(WEIGHTS), precision)
}

pub(crate) fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

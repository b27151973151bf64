//! Decides how a BERT encoder becomes a DistilBERT that computes the same numbers.
//!
//! It must never approximate: a source it cannot carry over exactly is an error.

use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};

use super::config::{ModelConfig, Pooling};
use super::labels::Labels;
use super::model::{pretty, write_folder};
use super::weights::{Precision, Stored, Weights, write_beside};
use super::{NluError, emoji};

/// Settings of [`convert`].
#[derive(Debug, Clone)]
pub struct ConvertOptions {
    /// Number format of the written weights.
    pub precision: Precision,
    /// How the sentence vector is pooled.
    pub pooling: Pooling,
    /// Seed of the fresh classifiers.
    pub seed: u64,
    /// Whether emoji become words in `tokenizer.json`.
    pub emoji: bool,
}

/// Writes a BERT encoder folder as a DistilBERT folder with fresh classifiers for this project's labels.
///
/// # Errors
/// The source is no BERT encoder, lacks a tensor, or the destination cannot be written.
pub fn convert(source: &Path, destination: &Path, options: &ConvertOptions) -> Result<(), NluError> {
    let (config, mut weights) = read_encoder(source, Some(options.pooling))?;
    let labels = Labels::of_this_project();
    fresh_classifiers(&mut weights, config.dim, &labels, options.seed);
    write_folder(destination, &config, &labels, &weights, options.precision, source)?;
    let path = destination.join("tokenizer.json");
    if options.emoji && path.exists() {
        let text = std::fs::read_to_string(&path).map_err(|error| NluError::io(&path, error))?;
        let mut tokenizer = serde_json::from_str(&text).map_err(|error| {
            NluError::format(
                &path,
                format!("is not JSON: {error}"),
                "take tokenizer.json from the model's source again",
            )
        })?;
        emoji::teach(&mut tokenizer);
        write_beside(&path, pretty(&tokenizer).as_bytes())?;
    }
    Ok(())
}

/// Adds classifiers drawn from N(0, 0.02²), as BERT's are, with zero biases.
pub(crate) fn fresh_classifiers(weights: &mut Weights, dim: usize, labels: &Labels, seed: u64) {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    for (task, rows) in [("intent", labels.intents.len()), ("sentiment", labels.sentiments.len())] {
        if rows == 0 {
            continue;
        }
        let values = (0..rows * dim).map(|_| 0.02 * standard_normal(&mut random)).collect();
        weights.put(format!("{task}_classifier.weight"), [rows, dim], values);
        weights.put(format!("{task}_classifier.bias"), [rows], vec![0.0; rows]);
    }
}

/// One draw from N(0, 1) by the Box–Muller transform.
fn standard_normal(random: &mut impl Rng) -> f32 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    ((-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}

/// Reads only the encoder of a DistilBERT or BERT folder, under DistilBERT's names. `pooling` overrides what the
/// configuration says; a BERT's says nothing, and gets `cls` where nothing is given.
///
/// # Errors
/// The folder holds neither, or tensors are missing.
pub(crate) fn read_encoder(dir: &Path, pooling: Option<Pooling>) -> Result<(ModelConfig, Weights), NluError> {
    let (config, is_bert) = read_config(dir, pooling)?;
    let file = dir.join("model.safetensors");
    if is_bert {
        let weights = from_bert(Weights::read(&file)?, &config, file)?;
        return Ok((config, weights));
    }
    let read = Weights::read(&file)?;
    let mut weights = Weights::empty(file);
    weights.precision = read.precision;
    for (name, stored) in read.tensors {
        // A bare encoder, as `transformers` saves it without a head, has no prefix.
        if name.starts_with("distilbert.") {
            weights.tensors.insert(name, stored);
        } else if name.starts_with("embeddings.") || name.starts_with("transformer.") {
            weights.tensors.insert(format!("distilbert.{name}"), stored);
        }
    }
    Ok((config, weights))
}

/// The settings of an encoder, and whether its tensors have BERT's names.
pub(crate) fn read_config(dir: &Path, pooling: Option<Pooling>) -> Result<(ModelConfig, bool), NluError> {
    let path = dir.join("config.json");
    let text = std::fs::read_to_string(&path).map_err(|error| NluError::io(&path, error))?;
    if serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|config| config["model_type"] == "bert") {
        return Ok((ModelConfig::read_bert(dir, pooling.unwrap_or_default())?, true));
    }
    let mut config = ModelConfig::read(dir)?;
    config.pooling = pooling.unwrap_or(config.pooling);
    Ok((config, false))
}

/// Names within one BERT layer and their counterparts.
const LAYER: [(&str, &str); 8] = [
    ("attention.self.query", "attention.q_lin"),
    ("attention.self.key", "attention.k_lin"),
    ("attention.self.value", "attention.v_lin"),
    ("attention.output.dense", "attention.out_lin"),
    ("attention.output.LayerNorm", "sa_layer_norm"),
    ("intermediate.dense", "ffn.lin1"),
    ("output.dense", "ffn.lin2"),
    ("output.LayerNorm", "output_layer_norm"),
];

fn from_bert(mut source: Weights, config: &ModelConfig, path: PathBuf) -> Result<Weights, NluError> {
    let prefix = if source.tensors.keys().any(|name| name.starts_with("bert.")) { "bert." } else { "" };
    let mut weights = Weights::empty(path.clone());
    weights.precision = source.precision;
    let mut take = |name: String| -> Result<Stored, NluError> {
        let name = format!("{prefix}{name}");
        // Very old checkpoints call a norm's weight and bias gamma and beta.
        let old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        source
            .tensors
            .remove(&name)
            .or_else(|| source.tensors.remove(&old))
            .ok_or(NluError::MissingTensor { path: path.clone(), name })
    };
    for part in ["weight", "bias"] {
        let norm = take(format!("embeddings.LayerNorm.{part}"))?;
        weights.tensors.insert(format!("distilbert.embeddings.LayerNorm.{part}"), norm);
        for number in 0..config.n_layers {
            for (from, to) in LAYER {
                let stored = take(format!("encoder.layer.{number}.{from}.{part}"))?;
                weights.tensors.insert(format!("distilbert.transformer.layer.{number}.{to}.{part}"), stored);
            }
        }
    }
    let words = take("embeddings.word_embeddings.weight".to_owned())?;
    weights.tensors.insert("distilbert.embeddings.word_embeddings.weight".to_owned(), words);
    let mut positions = take("embeddings.position_embeddings.weight".to_owned())?;
    let types = take("embeddings.token_type_embeddings.weight".to_owned())?;
    // DistilBERT has no token types. A single text has type 0 everywhere, so its vector joins every position.
    let first = types.values.get(..config.dim).ok_or_else(|| NluError::WrongShape {
        path: path.clone(),
        name: format!("{prefix}embeddings.token_type_embeddings.weight"),
        found: types.shape.clone(),
        expected: vec![2, config.dim],
    })?;
    for row in positions.values.chunks_mut(config.dim) {
        row.iter_mut().zip(first).for_each(|(position, kind)| *position += kind);
    }
    weights.tensors.insert("distilbert.embeddings.position_embeddings.weight".to_owned(), positions);
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_classifiers_are_small_seeded_and_of_the_right_size() {
        let draw = |seed| {
            let mut weights = Weights::empty("test");
            fresh_classifiers(&mut weights, 64, &Labels::of_this_project(), seed);
            weights.tensors
        };
        let weights = draw(1);
        assert_eq!(weights, draw(1));
        assert_ne!(weights, draw(2));
        let values = &weights["intent_classifier.weight"].values;
        let deviation = (values.iter().map(|v| v * v).sum::<f32>() / values.len() as f32).sqrt();
        assert_eq!(weights["intent_classifier.weight"].shape, [9, 64]);
        assert!((0.018..0.022).contains(&deviation), "{deviation}");
    }
}

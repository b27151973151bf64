//! How a BERT encoder becomes a DistilBERT that computes the same numbers.
//!
//! Nothing is approximated: a source that cannot be carried over exactly is an error.

use std::path::Path;

use rand::{Rng, SeedableRng};

use crate::NluError;
use crate::data::emoji;
use crate::model::config::{CONFIG, ModelConfig, Pooling};
use crate::model::folder::{pretty, write_folder};
use crate::model::labels::Labels;
use crate::model::location::{ModelLocation, WEIGHTS};
use crate::model::weights::{Precision, StoredTensor, Weights, write_beside};

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
pub fn convert(source: impl Into<ModelLocation>, destination: &Path, options: &ConvertOptions) -> Result<(), NluError> {
    let source = source.into();
    let (config, mut weights) = read_encoder(&source, Some(options.pooling))?;
    let labels = Labels::of_this_project();
    fresh_classifiers(&mut weights, config.dim, &labels, options.seed);
    write_folder(destination, &config, &labels, &weights, options.precision, &source)?;
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
        emoji::add_replacements(&mut tokenizer);
        write_beside(&path, pretty(&tokenizer).as_bytes())?;
    }
    Ok(())
}

/// Adds classifiers drawn from N(0, 0.02²), as BERT's are, with zero biases.
pub(crate) fn fresh_classifiers(weights: &mut Weights, dim: usize, labels: &Labels, seed: u64) {
    let mut random = rand::rngs::StdRng::seed_from_u64(seed);
    for (head, rows) in labels.sizes() {
        let values = (0..rows * dim).map(|_| 0.02 * standard_normal(&mut random)).collect();
        weights.put(format!("{head}_classifier.weight"), [rows, dim], values);
        weights.put(format!("{head}_classifier.bias"), [rows], vec![0.0; rows]);
    }
}

/// One draw from N(0, 1) by the Box–Muller transform.
#[expect(clippy::cast_possible_truncation, reason = "the weights are f32")]
fn standard_normal(random: &mut impl Rng) -> f32 {
    let (u, v): (f64, f64) = (random.random(), random.random());
    ((-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()) as f32
}

/// Reads only the encoder of a DistilBERT or BERT folder, under DistilBERT's names. `pooling` overrides what the
/// configuration says; a BERT's says nothing, and gets `cls` where nothing is given.
///
/// # Errors
/// The folder holds neither, or tensors are missing.
pub(crate) fn read_encoder(
    location: &ModelLocation,
    pooling: Option<Pooling>,
) -> Result<(ModelConfig, Weights), NluError> {
    let (config, is_bert) = read_config(location, pooling)?;
    let file = location.path(WEIGHTS);
    let read = Weights::of(location)?;
    if is_bert {
        let weights = from_bert(read, &config, &file)?;
        return Ok((config, weights));
    }
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
pub(crate) fn read_config(location: &ModelLocation, pooling: Option<Pooling>) -> Result<(ModelConfig, bool), NluError> {
    let text = location.read(CONFIG)?;
    if serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|config| config["model_type"] == "bert") {
        return Ok((ModelConfig::read_bert(location, pooling.unwrap_or_default())?, true));
    }
    let mut config = ModelConfig::read(location)?;
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

fn from_bert(mut source: Weights, config: &ModelConfig, path: &Path) -> Result<Weights, NluError> {
    let prefix = if source.tensors.keys().any(|name| name.starts_with("bert.")) { "bert." } else { "" };
    let mut weights = Weights::empty(path);
    weights.precision = source.precision;
    let mut take = |name: String| -> Result<StoredTensor, NluError> {
        let name = format!("{prefix}{name}");
        // Very old checkpoints call a norm's weight and bias gamma and beta.
        let old = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta");
        source
            .tensors
            .remove(&name)
            .or_else(|| source.tensors.remove(&old))
            .ok_or(NluError::MissingTensor { path: path.to_owned(), name })
    };
    for kind in ["weight", "bias"] {
        let norm = take(format!("embeddings.LayerNorm.{kind}"))?;
        weights.tensors.insert(format!("distilbert.embeddings.LayerNorm.{kind}"), norm);
        for number in 0..config.n_layers {
            for (from, to) in LAYER {
                let stored = take(format!("encoder.layer.{number}.{from}.{kind}"))?;
                weights.tensors.insert(format!("distilbert.transformer.layer.{number}.{to}.{kind}"), stored);
            }
        }
    }
    let words = take("embeddings.word_embeddings.weight".to_owned())?;
    weights.tensors.insert("distilbert.embeddings.word_embeddings.weight".to_owned(), words);
    let mut positions = take("embeddings.position_embeddings.weight".to_owned())?;
    let types = take("embeddings.token_type_embeddings.weight".to_owned())?;
    // DistilBERT has no token types. A single text has type 0 everywhere, so its vector joins every position.
    let first = types.values.get(..config.dim).ok_or_else(|| NluError::WrongShape {
        path: path.to_owned(),
        name: format!("{prefix}embeddings.token_type_embeddings.weight"),
        found: types.shape.clone(),
        expected: vec![2, config.dim],
    })?;
    for row in positions.values.chunks_mut(config.dim) {
        row.iter_mut().zip(first).for_each(|(position, first)| *position += first);
    }
    weights.tensors.insert("distilbert.embeddings.position_embeddings.weight".to_owned(), positions);
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "a few hundred values")]
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

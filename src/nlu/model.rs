//! Decides what a model folder is: which files it holds, that they agree with each other, and how it is written.
//!
//! It must never load a folder whose parts contradict each other.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use serde::Serialize;

use super::config::{ModelConfig, Pooling};
use super::distilbert::{Network, TokenBatch};
use super::labels::Labels;
use super::packed::{Arithmetic, PackedNetwork, Source};
use super::tokenizer::Tokenizer;
use super::weights::{Precision, Weights, write_beside};
use super::{NluError, Prediction, Scored};

/// What a loaded model is.
#[derive(Debug, Clone, Serialize)]
pub struct ModelInfo {
    /// The folder it was loaded from.
    pub folder: PathBuf,
    /// Width of a token's vector.
    pub dim: usize,
    /// Transformer layers.
    pub layers: usize,
    /// Attention heads per layer.
    pub heads: usize,
    /// Width between the feed-forward layers.
    pub hidden_dim: usize,
    /// Rows of the word embedding.
    pub vocab_size: usize,
    /// Longest input in tokens.
    pub max_tokens: usize,
    /// How the sentence vector is made.
    pub pooling: Pooling,
    /// Number of weights.
    pub parameters: usize,
    /// Number format of the stored weights.
    pub precision: Precision,
    /// Intents in the order of the classifier's rows.
    pub intents: Vec<String>,
    /// Sentiments in the order of the classifier's rows.
    pub sentiments: Vec<String>,
}

/// A model in memory, ready to answer on the thread that owns it.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) info: ModelInfo,
    pub(crate) config: ModelConfig,
    pub(crate) labels: Labels,
    pub(crate) tokenizer: Tokenizer,
    network: Computation,
}

/// Who computes the logits.
#[derive(Debug)]
enum Computation {
    /// burn, as in training.
    Reference(Box<Network>),
    /// The forward pass of our own, several times faster and half the memory.
    Packed(Box<PackedNetwork>),
}

/// Rows of logits for one text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scores {
    pub(crate) intent: Vec<f32>,
    pub(crate) sentiment: Vec<f32>,
}

impl Model {
    /// Loads a folder for the reference computation, which is that of training.
    pub(crate) fn load(dir: &Path) -> Result<Self, NluError> {
        Self::load_on(dir, &Device::flex())
    }

    /// The same on any device that burn has.
    pub(crate) fn load_on(dir: &Path, device: &Device) -> Result<Self, NluError> {
        Self::load_with(dir, |config, labels| {
            let mut weights = Weights::read(&dir.join("model.safetensors"))?;
            check_label_counts(dir, labels, |name| weights.rows(name))?;
            let parameters = weights.tensors.values().map(|stored| stored.values.len()).sum();
            let precision = weights.precision;
            let counts = (labels.intents.len(), labels.sentiments.len());
            let network = Network::from_weights(config, config.vocab_size, counts, &mut weights, device)?;
            Ok((Computation::Reference(Box::new(network)), parameters, precision))
        })
    }

    /// Loads a folder for answering customers: fast, in little memory, on the CPU.
    pub(crate) fn serve(dir: &Path, arithmetic: Arithmetic) -> Result<Self, NluError> {
        Self::load_with(dir, |config, labels| {
            let mut source = Source::open(&dir.join("model.safetensors"))?;
            check_label_counts(dir, labels, |name| source.rows(name))?;
            let counts = (labels.intents.len(), labels.sentiments.len());
            let network = PackedNetwork::load(config, counts, arithmetic, &mut source)?;
            Ok((Computation::Packed(Box::new(network)), source.parameters(), source.precision()))
        })
    }

    fn load_with(
        dir: &Path,
        network: impl FnOnce(&ModelConfig, &Labels) -> Result<(Computation, usize, Precision), NluError> + Send,
    ) -> Result<Self, NluError> {
        if !dir.is_dir() {
            return Err(NluError::Missing { path: dir.to_owned() });
        }
        let config = ModelConfig::read(dir)?;
        let labels = Labels::read(dir)?;
        // Reading 45 MB of weights and building the tokenizer take as long as each other: side by side.
        let (network, tokenizer) = rayon::join(
            || network(&config, &labels),
            || Tokenizer::read(dir, config.vocab_size, config.max_position_embeddings),
        );
        let ((network, parameters, precision), tokenizer) = (network?, tokenizer?);
        let info = describe(dir, &config, &labels, parameters, precision);
        Ok(Self { info, config, labels, tokenizer, network })
    }

    /// Logits of texts that were tokenized already, as one batch.
    pub(crate) fn scores<R: AsRef<[u32]>>(&self, rows: &[R]) -> Result<Vec<Scores>, NluError> {
        match &self.network {
            Computation::Reference(network) => scores(network, rows),
            Computation::Packed(network) => network.scores(rows),
        }
    }

    /// Turns logits into ranked labels with calibrated confidences.
    pub(crate) fn predict(&self, scores: &Scores) -> Prediction {
        let intents = ranked(&self.labels.intents, &scores.intent, self.config.intent_temperature);
        let sentiments = ranked(&self.labels.sentiments, &scores.sentiment, self.config.sentiment_temperature);
        let best = |list: &[Scored]| list.first().map(|top| (top.label.clone(), top.confidence)).unwrap_or_default();
        let (intent, intent_confidence) = best(&intents);
        let (sentiment, sentiment_confidence) = best(&sentiments);
        Prediction { intent, intent_confidence, sentiment, sentiment_confidence, intents, sentiments }
    }
}

/// Logits of one padded batch.
pub(crate) fn scores<R: AsRef<[u32]>>(network: &Network, rows: &[R]) -> Result<Vec<Scores>, NluError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let logits = network.forward(&TokenBatch::new(rows), None);
    let values = |tensor: burn::tensor::Tensor<2>| {
        let [_, columns] = tensor.dims();
        tensor
            .into_data()
            .try_into_vec::<f32>()
            .map(|values| (values, columns))
            .map_err(|error| NluError::Fault(format!("the logits cannot be read: {error:?}")))
    };
    let (intent, intents) = values(logits.intent)?;
    let (sentiment, sentiments) = logits.sentiment.map(values).transpose()?.unwrap_or((Vec::new(), 0));
    Ok((0..rows.len())
        .map(|row| Scores {
            intent: intent[row * intents..(row + 1) * intents].to_vec(),
            sentiment: sentiment[row * sentiments..(row + 1) * sentiments].to_vec(),
        })
        .collect())
}

/// `softmax(logits / temperature)`.
pub(crate) fn probabilities(logits: &[f32], temperature: f32) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| ((logit - highest) / temperature).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn ranked(labels: &[String], logits: &[f32], temperature: f32) -> Vec<Scored> {
    let mut list: Vec<Scored> = labels
        .iter()
        .zip(probabilities(logits, temperature))
        .map(|(label, confidence)| Scored { label: label.clone(), confidence })
        .collect();
    list.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    list
}

fn check_label_counts(dir: &Path, labels: &Labels, rows_of: impl Fn(&str) -> Option<usize>) -> Result<(), NluError> {
    for (task, count) in [("intent", labels.intents.len()), ("sentiment", labels.sentiments.len())] {
        if let Some(rows) = rows_of(&format!("{task}_classifier.weight"))
            && rows != count
        {
            return Err(NluError::LabelCount { path: dir.to_owned(), task, labels: count, rows });
        }
    }
    Ok(())
}

fn describe(dir: &Path, config: &ModelConfig, labels: &Labels, parameters: usize, precision: Precision) -> ModelInfo {
    ModelInfo {
        folder: dir.to_owned(),
        dim: config.dim,
        layers: config.n_layers,
        heads: config.n_heads,
        hidden_dim: config.hidden_dim,
        vocab_size: config.vocab_size,
        max_tokens: config.max_position_embeddings,
        pooling: config.pooling,
        parameters,
        precision,
        intents: labels.intents.clone(),
        sentiments: labels.sentiments.clone(),
    }
}

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
    tokenizer_from: &Path,
) -> Result<(), NluError> {
    std::fs::create_dir_all(dir).map_err(|error| NluError::io(dir, error))?;
    for name in TOKENIZER_FILES {
        let (from, to) = (tokenizer_from.join(name), dir.join(name));
        if from == to || !from.exists() {
            continue;
        }
        let bytes = std::fs::read(&from).map_err(|error| NluError::io(&from, error))?;
        write_beside(&to, &bytes)?;
    }
    let mut json = config.to_json();
    let dtype = if precision == Precision::F16 { "float16" } else { "float32" };
    json["torch_dtype"] = dtype.into();
    write_beside(&dir.join("config.json"), pretty(&json).as_bytes())?;
    write_beside(&dir.join("label_info.json"), pretty(&labels.to_json()).as_bytes())?;
    weights.write(&dir.join("model.safetensors"), precision)
}

pub(crate) fn pretty(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_default();
    text.push('\n');
    text
}

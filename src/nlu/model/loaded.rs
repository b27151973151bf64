//! A model in memory: its files, which must agree with each other, and the network that computes the logits.

use std::collections::BTreeMap;

use burn::tensor::Device;
use serde::Serialize;

use crate::model::config::{ModelConfig, Pooling};
use crate::model::distilbert::Network;
use crate::model::labels::{INTENT, Labels, SENTIMENT};
use crate::model::location::ModelLocation;
use crate::model::read_back::read_all;
use crate::model::scores::Scores;
use crate::model::tokenizer::Tokenizer;
use crate::model::weights::{Precision, Weights};
use crate::packed::{Arithmetic, PackedNetwork, Source};
use crate::{NluError, Prediction, Scored};

/// What a loaded model is.
#[derive(Debug, Clone, Serialize)]
pub struct ModelInfo {
    /// Where it was loaded from.
    #[serde(rename = "folder")]
    pub location: ModelLocation,
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
    /// Intents in the order of the classifier's rows; none where the model has no such head.
    pub intents: Vec<String>,
    /// Sentiments in the order of the classifier's rows; none where the model has no such head.
    pub sentiments: Vec<String>,
    /// The labels of its other heads, by the head's name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_heads: BTreeMap<String, Vec<String>>,
}

/// A model in memory, ready to answer on the thread that owns it.
#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) info: ModelInfo,
    pub(crate) config: ModelConfig,
    pub(crate) labels: Labels,
    pub(crate) tokenizer: Tokenizer,
    network: AnyNetwork,
}

/// The network that computes the logits.
#[derive(Debug)]
enum AnyNetwork {
    /// burn, as in training.
    Reference(Box<Network>),
    /// The kernels of [`crate::packed`]: several times faster, half the memory.
    Packed(Box<PackedNetwork>),
}

impl Model {
    /// Loads a folder for the reference computation, which is that of training.
    pub(crate) fn load(location: impl Into<ModelLocation>) -> Result<Self, NluError> {
        Self::load_on(location, &Device::flex(), false)
    }

    /// The same on any device that burn has; `on_card` computes as a graphics card does.
    pub(crate) fn load_on(
        location: impl Into<ModelLocation>,
        device: &Device,
        on_card: bool,
    ) -> Result<Self, NluError> {
        let location = location.into();
        Self::load_with(&location, |config, labels| {
            let mut weights = Weights::of(&location)?;
            check_label_counts(&location, labels, |name| weights.rows(name))?;
            let parameters = weights.tensors.values().map(|stored| stored.values.len()).sum();
            let precision = weights.precision;
            let network = Network::from_weights(config, config.vocab_size, &labels.sizes(), &mut weights, device)?;
            let network = if on_card { network.for_card() } else { network };
            Ok((AnyNetwork::Reference(Box::new(network)), parameters, precision))
        })
    }

    /// Loads a folder for answering customers: fast, in little memory, on the CPU.
    pub(crate) fn serve(location: impl Into<ModelLocation>, arithmetic: Arithmetic) -> Result<Self, NluError> {
        let location = location.into();
        Self::load_with(&location, |config, labels| {
            let mut source = Source::open(&location)?;
            check_label_counts(&location, labels, |name| source.rows(name))?;
            let network = PackedNetwork::load(config, &labels.sizes(), arithmetic, &mut source)?;
            Ok((AnyNetwork::Packed(Box::new(network)), source.parameters(), source.precision()))
        })
    }

    fn load_with(
        location: &ModelLocation,
        network: impl FnOnce(&ModelConfig, &Labels) -> Result<(AnyNetwork, usize, Precision), NluError> + Send,
    ) -> Result<Self, NluError> {
        if let Some(folder) = location.folder().filter(|folder| !folder.is_dir()) {
            return Err(NluError::Missing { path: folder.to_owned() });
        }
        let config = ModelConfig::read(location)?;
        let labels = Labels::read(location)?;
        // Reading 45 MB of weights and building the tokenizer take as long as each other: side by side.
        let (network, tokenizer) = rayon::join(
            || network(&config, &labels),
            || {
                Tokenizer::read(location, config.vocab_size, config.max_position_embeddings)
                    .map(|tokenizer| tokenizer.transliterating(config.transliterate))
            },
        );
        let ((network, parameters, precision), tokenizer) = (network?, tokenizer?);
        let mut info = describe(location, &config, &labels, parameters, precision);
        info.max_tokens = tokenizer.limit();
        Ok(Self { info, config, labels, tokenizer, network })
    }

    /// Logits of texts that were tokenized already, as one batch.
    pub(crate) fn scores<R: AsRef<[u32]>>(&self, rows: &[R]) -> Result<Vec<Scores>, NluError> {
        match &self.network {
            AnyNetwork::Reference(network) => scores(network, rows),
            AnyNetwork::Packed(network) => network.scores(rows),
        }
    }

    /// Whether a graphics card computes.
    pub(crate) fn is_on_card(&self) -> bool {
        matches!(&self.network, AnyNetwork::Reference(network) if network.is_on_card())
    }

    /// Turns logits into ranked labels with calibrated confidences.
    pub(crate) fn predict(&self, scores: &Scores) -> Prediction {
        let heads = self.labels.heads.iter().zip(scores);
        Prediction::of(heads.map(|(head, logits)| {
            (head.name.as_str(), ranked(&head.labels, logits, self.config.temperature(&head.name)))
        }))
    }
}

/// Logits of one padded batch.
pub(crate) fn scores<R: AsRef<[u32]>>(network: &Network, rows: &[R]) -> Result<Vec<Scores>, NluError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let logits = network.forward(&network.batch(rows), None);
    let columns: Vec<usize> = logits.iter().map(|logits| logits.dims()[1]).collect();
    let heads: Vec<(Vec<f32>, usize)> = read_all(logits)?.into_iter().zip(columns).collect();
    let of = |row: usize| heads.iter().map(|(all, labels)| all[row * labels..(row + 1) * labels].to_vec()).collect();
    Ok((0..rows.len()).map(of).collect())
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

fn check_label_counts(
    location: &ModelLocation,
    labels: &Labels,
    rows_of: impl Fn(&str) -> Option<usize>,
) -> Result<(), NluError> {
    for (head, count) in labels.sizes() {
        if let Some(rows) = rows_of(&format!("{head}_classifier.weight"))
            && rows != count
        {
            return Err(NluError::LabelCount { path: location.name().to_owned(), head, labels: count, rows });
        }
    }
    Ok(())
}

/// The labels of the heads beside intent and sentiment.
pub(crate) fn other_heads(labels: &Labels) -> BTreeMap<String, Vec<String>> {
    let others = labels.heads.iter().filter(|head| head.name != INTENT && head.name != SENTIMENT);
    others.map(|head| (head.name.clone(), head.labels.clone())).collect()
}

fn describe(
    location: &ModelLocation,
    config: &ModelConfig,
    labels: &Labels,
    parameters: usize,
    precision: Precision,
) -> ModelInfo {
    ModelInfo {
        location: location.clone(),
        dim: config.dim,
        layers: config.n_layers,
        heads: config.n_heads,
        hidden_dim: config.hidden_dim,
        vocab_size: config.vocab_size,
        max_tokens: config.max_position_embeddings,
        pooling: config.pooling,
        parameters,
        precision,
        intents: labels.of(INTENT).to_vec(),
        sentiments: labels.of(SENTIMENT).to_vec(),
        other_heads: other_heads(labels),
    }
}

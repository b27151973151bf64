//! Decides how a model is trained on the CPU: the forward pass of `distilbert` with dropout and the way back from its
//! loss to the gradient of every weight, by hand, on rows of different lengths without padding.
//!
//! It must never compute other gradients than burn does for the same batch and the same dropout, nor let a result
//! depend on how many threads there are.

mod attention;
mod kernels;
mod layer;
mod loss;
mod norm;
mod parameters;
mod passes;
#[cfg(test)]
mod tests;

use std::sync::Mutex;

use self::attention::Scratch;
use self::kernels::TrainingKernels;
use self::layer::{Layer, Unpacked};
pub(in crate::nlu) use self::loss::Objective;
use self::norm::Norm;
use self::parameters::Parameter;
use self::passes::Tape;
use super::kernels::PANEL;
use super::linear::{Linear, Workers};
use super::memory::{Buffer, Rows};
use crate::nlu::NluError;
use crate::nlu::config::{Activation, ModelConfig, Pooling};
use crate::nlu::optimizer::AdamW;
use crate::nlu::weights::Weights;

/// DistilBERT with its classifiers while it is trained.
pub(in crate::nlu) struct Trainee {
    parameters: Vec<Parameter>,
    /// Numbers of the word and position embedding among the parameters.
    words: usize,
    positions: usize,
    norm: Norm,
    blocks: Vec<Block>,
    /// The classifiers of intents and sentiments.
    tasks: [Option<Layer>; 2],
    heads: usize,
    dim: usize,
    gelu: bool,
    mean_pooling: bool,
    /// Rates of dropout: after embeddings and feed-forward layers, on attention, before the classifiers.
    dropout: [f64; 3],
    tools: Tools,
    tape: Tape,
    /// Whether the layers' panels hold the parameters as they are.
    packed: bool,
}

struct Block {
    /// Query, key and value side by side.
    qkv: Layer,
    out: Layer,
    attention_norm: Norm,
    lin1: Layer,
    lin2: Layer,
    norm: Norm,
}

/// Who computes, and memory for it.
struct Tools {
    workers: Workers,
    kernels: &'static TrainingKernels,
    /// Both sides of the outer products of a weight's gradient.
    strips: Buffer<f32>,
    panels: Buffer<f32>,
    sums: Buffer<f32>,
    scratch: Vec<Mutex<Scratch>>,
}

impl Tools {
    fn new(workers: Workers, kernels: &'static TrainingKernels) -> Self {
        let none = || Buffer::zeros(0);
        let scratch = attention::scratch(workers.team.threads());
        Self { workers, kernels, strips: none(), panels: none(), sums: none(), scratch }
    }
}

/// Which rows are one sentence, and where a padded batch would have them.
struct Sentences {
    /// Sentence `i` is the rows `starts[i] .. starts[i + 1]`.
    starts: Vec<usize>,
    /// Tokens of the longest.
    width: usize,
    /// Each token's number in the padded batch.
    places: Vec<usize>,
}

impl Sentences {
    fn new(texts: &[&[u32]]) -> Self {
        let width = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let (mut starts, mut places) = (vec![0], Vec::new());
        for (sentence, text) in texts.iter().enumerate() {
            places.extend(sentence * width..sentence * width + text.len());
            starts.push(places.len());
        }
        Self { starts, width, places }
    }

    fn count(&self) -> usize {
        self.starts.len() - 1
    }

    /// The rows of each sentence.
    fn split<'a>(&self, rows: &'a mut Rows) -> Vec<&'a mut [f32]> {
        let stride = rows.stride();
        let mut rest = rows.all_mut();
        let lengths = self.starts.windows(2).map(|ends| ends[1] - ends[0]);
        lengths.map(|length| rest.split_off_mut(..length * stride).unwrap_or_default()).collect()
    }
}

impl Trainee {
    /// Takes the weights of the Hugging Face layout; the word embedding has `word_rows` rows, `labels` are the
    /// numbers of intents and sentiments.
    ///
    /// # Errors
    /// A tensor is missing or has another shape.
    pub(in crate::nlu) fn new(
        config: &ModelConfig,
        word_rows: usize,
        labels: (usize, usize),
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        let workers = Workers::full(super::kernels::available()[0], rayon::current_num_threads());
        Self::with(Tools::new(workers, kernels::available()[0]), config, word_rows, labels, weights)
    }

    fn with(
        tools: Tools,
        config: &ModelConfig,
        word_rows: usize,
        labels: (usize, usize),
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        let (dim, hidden) = (config.dim, config.hidden_dim);
        let mut from = Source { weights, parameters: Vec::new() };
        let words = from.embedding("distilbert.embeddings.word_embeddings.weight", [word_rows, dim])?;
        let shape = [config.max_position_embeddings, dim];
        let positions = from.embedding("distilbert.embeddings.position_embeddings.weight", shape)?;
        let norm = from.norm("distilbert.embeddings.LayerNorm", dim)?;
        let mut blocks = Vec::with_capacity(config.n_layers);
        for number in 0..config.n_layers {
            let at = format!("distilbert.transformer.layer.{number}");
            let attention = ["q_lin", "k_lin", "v_lin"].map(|name| format!("{at}.attention.{name}"));
            blocks.push(Block {
                qkv: from.layer(&attention, dim, dim)?,
                out: from.layer(&[format!("{at}.attention.out_lin")], dim, dim)?,
                attention_norm: from.norm(&format!("{at}.sa_layer_norm"), dim)?,
                lin1: from.layer(&[format!("{at}.ffn.lin1")], dim, hidden)?,
                lin2: from.layer(&[format!("{at}.ffn.lin2")], hidden, dim)?,
                norm: from.norm(&format!("{at}.output_layer_norm"), dim)?,
            });
        }
        let intent = from.layer(&["intent_classifier".to_owned()], dim, labels.0)?;
        let sentiment = match labels.1 {
            0 => None,
            rows => Some(from.layer(&["sentiment_classifier".to_owned()], dim, rows)?),
        };
        let tape = Tape::new(config.n_layers);
        Ok(Self {
            parameters: from.parameters,
            words,
            positions,
            norm,
            blocks,
            tasks: [Some(intent), sentiment],
            heads: config.n_heads,
            dim,
            gelu: config.activation == Activation::Gelu,
            mean_pooling: config.pooling == Pooling::Mean,
            dropout: [config.dropout, config.attention_dropout, config.classifier_dropout],
            tools,
            tape,
            packed: false,
        })
    }

    /// Takes one step with the gradients that were added up since the last, and forgets them; `rate` gives a
    /// parameter's learning rate. Returns the norm of the gradient before clipping; where that is not finite, nothing
    /// has changed.
    pub(in crate::nlu) fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) -> f64 {
        let Tools { workers, kernels, .. } = &mut self.tools;
        let _awake = workers.team.wake();
        let norm = parameters::update(&mut self.parameters, kernels, &mut workers.team, optimizer, rate);
        self.parameters.iter_mut().for_each(Parameter::clear);
        self.packed = false;
        norm
    }

    /// The weights in the layout of the Hugging Face format.
    pub(in crate::nlu) fn export(&self, path: impl Into<std::path::PathBuf>) -> Weights {
        parameters::export(&self.parameters, path)
    }

    /// Packs the weights, where they have changed since.
    fn pack(&mut self) {
        if !std::mem::replace(&mut self.packed, true) {
            let parameters = &self.parameters;
            let blocks = self.blocks.iter_mut().flat_map(|block| {
                let Block { qkv, out, lin1, lin2, .. } = block;
                [qkv, out, lin1, lin2]
            });
            let layers = blocks.chain(self.tasks.iter_mut().flatten());
            let unpacked: Vec<Unpacked<'_>> = layers.flat_map(|layer| layer.unpacked(parameters)).collect();
            layer::pack(&mut self.tools.workers.team, unpacked, parameters);
        }
    }
}

/// Takes parameters out of a weights file.
struct Source<'a> {
    weights: &'a mut Weights,
    parameters: Vec<Parameter>,
}

impl Source<'_> {
    fn embedding(&mut self, name: &str, shape: [usize; 2]) -> Result<usize, NluError> {
        let values = self.weights.take(name, &shape)?;
        self.parameters.push(Parameter::embedding(name.to_owned(), shape, values));
        Ok(self.parameters.len() - 1)
    }

    fn norm(&mut self, name: &str, dim: usize) -> Result<Norm, NluError> {
        for part in ["weight", "bias"] {
            let name = format!("{name}.{part}");
            let values = self.weights.take(&name, &[dim])?;
            self.parameters.push(Parameter::dense(name, vec![dim], values));
        }
        Ok(Norm(self.parameters.len() - 2))
    }

    fn layer(&mut self, names: &[String], inputs: usize, outputs: usize) -> Result<Layer, NluError> {
        let mut layers = Vec::with_capacity(names.len());
        for name in names {
            layers.push((self.parameters.len(), outputs));
            self.parameters.extend(parameters::linear(self.weights, name, inputs, outputs)?);
        }
        Ok(Layer::new(inputs, &layers))
    }
}

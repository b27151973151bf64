//! Training on the CPU: the forward pass of `distilbert` with dropout and the backward pass to the gradient of every weight,
//! written by hand, on sentences of different lengths without padding.
//!
//! The gradients are those of burn for the same batch and the same dropout, and no result depends on the number of threads.

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
pub(crate) use self::loss::Objective;
use self::norm::Norm;
use self::parameters::Parameter;
use self::passes::Tape;
use super::linear::Executor;
use super::memory::{Buffer, Rows};
use crate::NluError;
use crate::model::config::{Activation, ModelConfig, Pooling};
use crate::model::weights::Weights;
use crate::training::optimizer::AdamW;

/// `DistilBERT` with its classifiers while it is trained.
pub(crate) struct TrainingNetwork {
    parameters: Vec<Parameter>,
    /// Indices of the word and position embedding among the parameters.
    words: usize,
    positions: usize,
    norm: Norm,
    blocks: Vec<Block>,
    /// The classifiers, in the order of the model's heads.
    classifiers: Vec<Layer>,
    heads: usize,
    dim: usize,
    gelu: bool,
    mean_pooling: bool,
    /// Rates of dropout: after embeddings and feed-forward layers, on attention, before the classifiers.
    dropout: [f64; 3],
    workspace: TrainingWorkspace,
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

/// Kernels, threads and scratch memory.
struct TrainingWorkspace {
    executor: Executor,
    kernels: &'static TrainingKernels,
    /// The factors of the outer products of a weight's gradient.
    strips: Buffer<f32>,
    panels: Buffer<f32>,
    sums: Buffer<f32>,
    scratch: Vec<Mutex<Scratch>>,
}

impl TrainingWorkspace {
    fn new(executor: Executor, kernels: &'static TrainingKernels) -> Self {
        let none = || Buffer::zeros(0);
        let scratch = attention::scratch(executor.pool.threads());
        Self { executor, kernels, strips: none(), panels: none(), sums: none(), scratch }
    }
}

/// The rows of each sentence, and their positions in a padded batch, by which dropout masks are drawn.
struct Sentences {
    /// Sentence `i` is the rows `starts[i] .. starts[i + 1]`.
    starts: Vec<usize>,
    /// Tokens of the longest sentence.
    width: usize,
    /// Each token's index in the padded batch.
    padded_index: Vec<usize>,
}

impl Sentences {
    fn new(texts: &[&[u32]]) -> Self {
        let width = texts.iter().map(|text| text.len()).max().unwrap_or(0);
        let (mut starts, mut padded_index) = (vec![0], Vec::new());
        for (sentence, text) in texts.iter().enumerate() {
            padded_index.extend(sentence * width..sentence * width + text.len());
            starts.push(padded_index.len());
        }
        Self { starts, width, padded_index }
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

impl TrainingNetwork {
    /// Takes the weights of the Hugging Face layout; the word embedding has `word_rows` rows, `labels` are the
    /// rows of each classifier.
    ///
    /// # Errors
    /// A tensor is missing or has another shape.
    pub(crate) fn new(
        config: &ModelConfig,
        word_rows: usize,
        labels: &[(String, usize)],
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        let executor = Executor::full(super::kernels::available()[0], rayon::current_num_threads());
        Self::with(TrainingWorkspace::new(executor, kernels::available()[0]), config, word_rows, labels, weights)
    }

    fn with(
        workspace: TrainingWorkspace,
        config: &ModelConfig,
        word_rows: usize,
        labels: &[(String, usize)],
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        let (dim, hidden) = (config.dim, config.hidden_dim);
        let mut from = ParameterReader { weights, parameters: Vec::new() };
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
        let classifiers = labels.iter().map(|(name, rows)| from.layer(&[format!("{name}_classifier")], dim, *rows));
        let classifiers = classifiers.collect::<Result<_, _>>()?;
        let tape = Tape::new(config.n_layers, labels.len());
        Ok(Self {
            parameters: from.parameters,
            words,
            positions,
            norm,
            blocks,
            classifiers,
            heads: config.n_heads,
            dim,
            gelu: config.activation == Activation::Gelu,
            mean_pooling: config.pooling == Pooling::Mean,
            dropout: [config.dropout, config.attention_dropout, config.classifier_dropout],
            workspace,
            tape,
            packed: false,
        })
    }

    /// Takes one optimizer step with the gradients accumulated since the last and clears them; `rate` gives a parameter's
    /// learning rate. Returns the norm of the gradient before clipping; where that is not finite, no weight has changed.
    pub(crate) fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) -> f64 {
        let TrainingWorkspace { executor, kernels, .. } = &mut self.workspace;
        let _guard = executor.pool.wake();
        let norm = parameters::update(&mut self.parameters, kernels, &mut executor.pool, optimizer, rate);
        self.parameters.iter_mut().for_each(Parameter::clear);
        self.packed = false;
        norm
    }

    /// The weights in the layout of the Hugging Face format.
    pub(crate) fn export(&self, path: impl Into<std::path::PathBuf>) -> Weights {
        parameters::export(&self.parameters, path)
    }

    /// Packs the weights where they have changed since the last call.
    fn pack(&mut self) {
        if !std::mem::replace(&mut self.packed, true) {
            let parameters = &self.parameters;
            let blocks = self.blocks.iter_mut().flat_map(|block| {
                let Block { qkv, out, lin1, lin2, .. } = block;
                [qkv, out, lin1, lin2]
            });
            let layers = blocks.chain(&mut self.classifiers);
            let unpacked: Vec<Unpacked<'_>> = layers.flat_map(|layer| layer.unpacked(parameters)).collect();
            layer::pack(&mut self.workspace.executor.pool, unpacked, parameters);
        }
    }
}

/// Takes parameters out of a weights file.
struct ParameterReader<'a> {
    weights: &'a mut Weights,
    parameters: Vec<Parameter>,
}

impl ParameterReader<'_> {
    fn embedding(&mut self, name: &str, shape: [usize; 2]) -> Result<usize, NluError> {
        let values = self.weights.take(name, &shape)?;
        self.parameters.push(Parameter::embedding(name.to_owned(), shape, values));
        Ok(self.parameters.len() - 1)
    }

    fn norm(&mut self, name: &str, dim: usize) -> Result<Norm, NluError> {
        for suffix in ["weight", "bias"] {
            let name = format!("{name}.{suffix}");
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

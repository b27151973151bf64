//! The forward pass that serves predictions: on the CPU, with weights packed for its kernels, and equal to the reference in
//! `model/distilbert` but for rounding. `packed/training` trains on the same kernels.

mod attention;
mod bytes;
mod kernels;
mod linear;
mod memory;
mod simd;
mod source;
mod sync;
#[cfg(test)]
mod tests;
mod thread_pool;
#[cfg(test)]
mod thread_pool_tests;
mod training;

use std::sync::{Mutex, PoisonError};

use self::attention::{Scratch, attend};
use self::kernels::Kernels;
pub use self::linear::Arithmetic;
use self::linear::{Epilogue, Executor, Linear};
use self::memory::Rows;
pub(crate) use self::source::Source;
use self::source::Tensor;
pub(crate) use self::training::{Objective, TrainingNetwork};
use crate::NluError;
use crate::model::config::{Activation, ModelConfig, Pooling};
use crate::model::scores::Scores;

/// More threads gain little: a short sentence is limited by the memory bandwidth for the weights.
const MAX_THREADS: usize = 4;

/// Rows up to which layer normalization is done by one thread.
const MIN_SHARED_ROWS: usize = 64;

/// DistilBERT with its classifiers, weights packed for one kind of processor.
pub(crate) struct PackedNetwork {
    words: Tensor,
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    /// The classifiers, in the order of the model's heads.
    classifiers: Vec<Linear>,
    heads: usize,
    dim: usize,
    vocabulary: usize,
    longest: usize,
    gelu: bool,
    mean_pooling: bool,
    /// Names of the kernels, shown by `Debug`.
    instructions: [&'static str; 2],
    workspace: Mutex<Workspace>,
}

struct Layer {
    /// Query, key and value side by side.
    qkv: Linear,
    out: Linear,
    attention_norm: Norm,
    lin1: Linear,
    lin2: Linear,
    norm: Norm,
}

struct Norm {
    gamma: Vec<f32>,
    beta: Vec<f32>,
}

/// Kernels, threads and activations, reused from one pass to the next.
struct Workspace {
    executor: Executor,
    scratch: Vec<Mutex<Scratch>>,
    x: Rows,
    qkv: Rows,
    context: Rows,
    hidden: Rows,
    sum: Rows,
    pooled: Rows,
    logits: Rows,
}

impl std::fmt::Debug for PackedNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackedNetwork").field("instructions", &self.instructions).finish_non_exhaustive()
    }
}

impl PackedNetwork {
    /// Packs the weights of an open file for this processor. `labels` are the rows of each classifier.
    ///
    /// # Errors
    /// A tensor is missing, has another shape than the configuration asks for, or cannot be read.
    pub(crate) fn load(
        config: &ModelConfig,
        labels: &[(String, usize)],
        arithmetic: Arithmetic,
        source: &mut Source,
    ) -> Result<Self, NluError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let executor = Executor::new(kernels::available()[0], bytes::available()[0], threads);
        Self::with(executor, arithmetic, config, labels, source)
    }

    fn with(
        executor: Executor,
        arithmetic: Arithmetic,
        config: &ModelConfig,
        labels: &[(String, usize)],
        source: &mut Source,
    ) -> Result<Self, NluError> {
        let (dim, hidden) = (config.dim, config.hidden_dim);
        let mut from = Packer { kernels: executor.kernels, arithmetic, source };
        let words = from.source.take("distilbert.embeddings.word_embeddings.weight", &[config.vocab_size, dim])?;
        let longest = config.max_position_embeddings;
        let positions = from.source.take("distilbert.embeddings.position_embeddings.weight", &[longest, dim])?;
        let norm = from.norm("distilbert.embeddings.LayerNorm", dim)?;
        let mut layers = Vec::with_capacity(config.n_layers);
        for number in 0..config.n_layers {
            let at = format!("distilbert.transformer.layer.{number}");
            let attention = ["q_lin", "k_lin", "v_lin"].map(|name| format!("{at}.attention.{name}"));
            layers.push(Layer {
                qkv: from.linear(&attention, dim, dim)?,
                out: from.linear(&[format!("{at}.attention.out_lin")], dim, dim)?,
                attention_norm: from.norm(&format!("{at}.sa_layer_norm"), dim)?,
                lin1: from.linear(&[format!("{at}.ffn.lin1")], dim, hidden)?,
                lin2: from.linear(&[format!("{at}.ffn.lin2")], hidden, dim)?,
                norm: from.norm(&format!("{at}.output_layer_norm"), dim)?,
            });
        }
        // The classifiers are too small to gain from fewer bits.
        from.arithmetic = Arithmetic::Full;
        let classifiers = labels.iter().map(|(name, rows)| from.linear(&[format!("{name}_classifier")], dim, *rows));
        let classifiers = classifiers.collect::<Result<_, _>>()?;
        Ok(Self {
            words,
            positions,
            norm,
            layers,
            classifiers,
            heads: config.n_heads,
            dim,
            vocabulary: config.vocab_size,
            longest,
            gelu: config.activation == Activation::Gelu,
            mean_pooling: config.pooling == Pooling::Mean,
            instructions: executor.instructions(),
            workspace: Mutex::new(Workspace::new(executor)),
        })
    }

    /// Logits of tokenized texts. All tokens go through the linear layers together and nothing is padded, so a text
    /// has the same logits in every batch.
    ///
    /// # Errors
    /// A text without tokens, with more tokens than the model has positions, or with a token it has no row for.
    pub(crate) fn scores<R: AsRef<[u32]>>(&self, texts: &[R]) -> Result<Vec<Scores>, NluError> {
        for text in texts {
            let text = text.as_ref();
            if text.is_empty() || text.len() > self.longest {
                return Err(NluError::Internal(format!("{} tokens, expected 1 to {}", text.len(), self.longest)));
            }
            if let Some(token) = text.iter().find(|token| **token as usize >= self.vocabulary) {
                return Err(NluError::Internal(format!("token {token}, the vocabulary has {}", self.vocabulary)));
            }
        }
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        // After a panic the workspace may be used again: a pass writes all that it reads.
        let workspace = &mut *self.workspace.lock().unwrap_or_else(PoisonError::into_inner);
        let _guard = workspace.executor.pool.wake();
        let starts = self.embed(texts, workspace);
        for layer in &self.layers {
            self.layer(layer, &starts, workspace);
        }
        self.pool(&starts, workspace);
        let mut scores = vec![Scores::with_capacity(self.classifiers.len()); texts.len()];
        for classifier in &self.classifiers {
            classifier.multiply(&mut workspace.executor, &workspace.pooled, Epilogue::None, &mut workspace.logits);
            scores.iter_mut().enumerate().for_each(|(text, of)| of.push(workspace.logits.row(text).to_vec()));
        }
        Ok(scores)
    }

    /// Writes the sums of word and position vectors, normalized; returns where each text begins.
    fn embed<R: AsRef<[u32]>>(&self, texts: &[R], workspace: &mut Workspace) -> Vec<usize> {
        let mut starts = vec![0];
        let mut end = 0;
        for text in texts {
            end += text.as_ref().len();
            starts.push(end);
        }
        workspace.x.resize(end, self.dim);
        let mut position_vector = vec![0.0; self.dim];
        for (text, start) in texts.iter().zip(&starts) {
            for (position, token) in text.as_ref().iter().enumerate() {
                let row = workspace.x.row_mut(start + position);
                self.words.row(*token as usize, row);
                self.positions.row(position, &mut position_vector);
                row.iter_mut().zip(&position_vector).for_each(|(sum, position)| *sum += position);
            }
        }
        self.norm.apply(&mut workspace.executor, &mut workspace.x);
        starts
    }

    fn layer(&self, layer: &Layer, starts: &[usize], workspace: &mut Workspace) {
        let Workspace { executor, scratch, x, qkv, context, hidden, sum, .. } = workspace;
        layer.qkv.multiply(executor, x, Epilogue::None, qkv);
        attend(executor.kernels, &mut executor.pool, qkv, starts, self.heads, scratch, context);
        layer.out.multiply(executor, context, Epilogue::Add(x), sum);
        layer.attention_norm.apply(executor, sum);
        let activation = if self.gelu { Epilogue::Gelu } else { Epilogue::Relu };
        layer.lin1.multiply(executor, sum, activation, hidden);
        layer.lin2.multiply(executor, hidden, Epilogue::Add(sum), x);
        layer.norm.apply(executor, x);
    }

    /// One vector per text: that of its first token, or the mean.
    fn pool(&self, starts: &[usize], workspace: &mut Workspace) {
        let Workspace { x, pooled, .. } = workspace;
        pooled.resize(starts.len() - 1, self.dim);
        for (text, ends) in starts.windows(2).enumerate() {
            let (first, last) = (ends[0], ends[1]);
            let to = pooled.row_mut(text);
            to.copy_from_slice(x.row(first));
            if self.mean_pooling {
                for row in first + 1..last {
                    to.iter_mut().zip(x.row(row)).for_each(|(sum, x)| *sum += x);
                }
                #[expect(clippy::cast_precision_loss, reason = "a text has far fewer than 2^24 tokens")]
                let factor = 1.0 / (last - first) as f32;
                for sum in to {
                    *sum *= factor;
                }
            }
        }
    }
}

impl Norm {
    fn apply(&self, executor: &mut Executor, rows: &mut Rows) {
        let kernels = executor.kernels;
        rows.for_each(&mut executor.pool, MIN_SHARED_ROWS, |row| kernels.normalize(row, &self.gamma, &self.beta));
    }
}

impl Workspace {
    fn new(executor: Executor) -> Self {
        let scratch = (0..executor.pool.threads()).map(|_| Mutex::new(Scratch::new())).collect();
        let [x, qkv, context, hidden, sum, pooled, logits] = std::array::from_fn(|_| Rows::new());
        Self { executor, scratch, x, qkv, context, hidden, sum, pooled, logits }
    }
}

/// Takes tensors out of a file and packs them.
struct Packer<'a> {
    kernels: &'static Kernels,
    arithmetic: Arithmetic,
    source: &'a mut Source,
}

impl Packer<'_> {
    fn linear(&mut self, names: &[String], inputs: usize, outputs: usize) -> Result<Linear, NluError> {
        let mut layers = Vec::with_capacity(names.len());
        for name in names {
            let weight = self.source.take(&format!("{name}.weight"), &[outputs, inputs])?;
            let bias = self.source.take(&format!("{name}.bias"), &[outputs])?;
            layers.push((weight, bias.to_vec()));
        }
        Ok(Linear::pack(self.kernels, self.arithmetic, inputs, &layers))
    }

    fn norm(&mut self, name: &str, dim: usize) -> Result<Norm, NluError> {
        let gamma = self.source.take(&format!("{name}.weight"), &[dim])?.to_vec();
        let beta = self.source.take(&format!("{name}.bias"), &[dim])?.to_vec();
        Ok(Norm { gamma, beta })
    }
}

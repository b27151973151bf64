//! Decides how a prediction is computed where a customer waits for it: a forward pass of our own on the CPU.
//!
//! It must never compute anything but what the network in `distilbert` does, and never train.

mod attention;
mod bytes;
mod kernels;
mod linear;
mod memory;
mod simd;
mod source;
mod team;
#[cfg(test)]
mod tests;
mod timing;
mod training;

use std::sync::{Mutex, PoisonError};

use self::attention::{Scratch, attend};
use self::kernels::Kernels;
use self::linear::{After, Linear, Workers};
use self::memory::Rows;
pub(super) use self::source::Source;
use self::source::Tensor;
pub use self::timing::{Timing, compare_speed};
pub(super) use self::training::{Objective, Trainee};
use super::NluError;
use super::config::{Activation, ModelConfig, Pooling};
use super::model::Scores;

/// More threads gain little: a short sentence is limited by how fast the weights come from memory.
const MOST_THREADS: usize = 4;

/// Rows below which layer normalization is not worth sharing.
const FEW_ROWS: usize = 64;

/// How the products of the encoder's linear layers are computed where a customer waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arithmetic {
    /// In `f32`, with the weights as they are in the file: the same answers as in training.
    #[default]
    Full,
    /// With weights and inputs of eight bits and a scale for each output and each token: a third of the time with
    /// VNNI instructions (and none to gain without them), half of the memory, confidences that differ in the second
    /// digit, and about one label in 500 that is another.
    Int8,
}

/// DistilBERT with its classifiers, weights packed for one kind of processor.
pub(super) struct PackedNetwork {
    words: Tensor,
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    intent: Linear,
    sentiment: Option<Linear>,
    heads: usize,
    dim: usize,
    vocabulary: usize,
    longest: usize,
    gelu: bool,
    mean_pooling: bool,
    /// Names of the kernels, for a developer who wonders.
    instructions: [&'static str; 2],
    bench: Mutex<Bench>,
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

/// Who computes and on what: kept from one pass to the next.
struct Bench {
    workers: Workers,
    heads: Vec<Mutex<Scratch>>,
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
    /// Packs the weights of an open file for this processor. `labels` are the numbers of intents and sentiments.
    ///
    /// # Errors
    /// A tensor is missing, has another shape than the configuration asks for, or cannot be read.
    pub(super) fn load(
        config: &ModelConfig,
        labels: (usize, usize),
        arithmetic: Arithmetic,
        source: &mut Source,
    ) -> Result<Self, NluError> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
        let workers = Workers::new(kernels::available()[0], bytes::available()[0], threads);
        Self::with(workers, arithmetic, config, labels, source)
    }

    fn with(
        workers: Workers,
        arithmetic: Arithmetic,
        config: &ModelConfig,
        (intents, sentiments): (usize, usize),
        source: &mut Source,
    ) -> Result<Self, NluError> {
        let (dim, hidden) = (config.dim, config.hidden_dim);
        let mut from = Packer { kernels: workers.kernels, arithmetic, source };
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
        let intent = from.linear(&["intent_classifier".to_owned()], dim, intents)?;
        let sentiment = match sentiments {
            0 => None,
            rows => Some(from.linear(&["sentiment_classifier".to_owned()], dim, rows)?),
        };
        Ok(Self {
            words,
            positions,
            norm,
            layers,
            intent,
            sentiment,
            heads: config.n_heads,
            dim,
            vocabulary: config.vocab_size,
            longest,
            gelu: config.activation == Activation::Gelu,
            mean_pooling: config.pooling == Pooling::Mean,
            instructions: workers.instructions(),
            bench: Mutex::new(Bench::new(workers)),
        })
    }

    /// Logits of tokenized texts. All tokens go through the linear layers together and nothing is padded, so a text
    /// has the same logits in every company.
    ///
    /// # Errors
    /// A text without tokens, with more tokens than the model has positions, or with a token it has no row for.
    pub(super) fn scores<R: AsRef<[u32]>>(&self, texts: &[R]) -> Result<Vec<Scores>, NluError> {
        for text in texts {
            let text = text.as_ref();
            if text.is_empty() || text.len() > self.longest {
                return Err(NluError::Fault(format!("{} tokens, expected 1 to {}", text.len(), self.longest)));
            }
            if let Some(token) = text.iter().find(|token| **token as usize >= self.vocabulary) {
                return Err(NluError::Fault(format!("token {token}, the vocabulary has {}", self.vocabulary)));
            }
        }
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        // A pass that failed leaves nothing behind that the next one reads.
        let bench = &mut *self.bench.lock().unwrap_or_else(PoisonError::into_inner);
        let _awake = bench.workers.team.wake();
        let starts = self.embed(texts, bench);
        for layer in &self.layers {
            self.layer(layer, &starts, bench);
        }
        self.pool(&starts, bench);
        let nothing = After::Nothing;
        self.intent.multiply(&mut bench.workers, &bench.pooled, nothing, &mut bench.logits);
        let intents: Vec<Vec<f32>> = (0..texts.len()).map(|text| bench.logits.row(text).to_vec()).collect();
        let Some(sentiment) = &self.sentiment else {
            return Ok(intents.into_iter().map(|intent| Scores { intent, sentiment: Vec::new() }).collect());
        };
        sentiment.multiply(&mut bench.workers, &bench.pooled, nothing, &mut bench.logits);
        let rows = intents.into_iter().enumerate();
        Ok(rows.map(|(text, intent)| Scores { intent, sentiment: bench.logits.row(text).to_vec() }).collect())
    }

    /// Sums of word and position vectors, normalized; where each text begins.
    fn embed<R: AsRef<[u32]>>(&self, texts: &[R], bench: &mut Bench) -> Vec<usize> {
        let mut starts = vec![0];
        let mut end = 0;
        for text in texts {
            end += text.as_ref().len();
            starts.push(end);
        }
        bench.x.resize(end, self.dim);
        let mut position_vector = vec![0.0; self.dim];
        for (text, start) in texts.iter().zip(&starts) {
            for (position, token) in text.as_ref().iter().enumerate() {
                let row = bench.x.row_mut(start + position);
                self.words.row(*token as usize, row);
                self.positions.row(position, &mut position_vector);
                row.iter_mut().zip(&position_vector).for_each(|(sum, position)| *sum += position);
            }
        }
        self.norm.apply(&mut bench.workers, &mut bench.x);
        starts
    }

    fn layer(&self, layer: &Layer, starts: &[usize], bench: &mut Bench) {
        let Bench { workers, heads, x, qkv, context, hidden, sum, .. } = bench;
        layer.qkv.multiply(workers, x, After::Nothing, qkv);
        attend(workers.kernels, &mut workers.team, qkv, starts, self.heads, heads, context);
        layer.out.multiply(workers, context, After::Add(x), sum);
        layer.attention_norm.apply(workers, sum);
        let activation = if self.gelu { After::Gelu } else { After::Relu };
        layer.lin1.multiply(workers, sum, activation, hidden);
        layer.lin2.multiply(workers, hidden, After::Add(sum), x);
        layer.norm.apply(workers, x);
    }

    /// One vector per text: that of its first token, or the mean.
    fn pool(&self, starts: &[usize], bench: &mut Bench) {
        let Bench { x, pooled, .. } = bench;
        pooled.resize(starts.len() - 1, self.dim);
        for (text, ends) in starts.windows(2).enumerate() {
            let (first, last) = (ends[0], ends[1]);
            let to = pooled.row_mut(text);
            to.copy_from_slice(x.row(first));
            if self.mean_pooling {
                for row in first + 1..last {
                    to.iter_mut().zip(x.row(row)).for_each(|(sum, x)| *sum += x);
                }
                let share = 1.0 / (last - first) as f32;
                to.iter_mut().for_each(|sum| *sum *= share);
            }
        }
    }
}

impl Norm {
    fn apply(&self, workers: &mut Workers, rows: &mut Rows) {
        let kernels = workers.kernels;
        rows.each(&mut workers.team, FEW_ROWS, |row| kernels.normalize(row, &self.gamma, &self.beta));
    }
}

impl Bench {
    fn new(workers: Workers) -> Self {
        let heads = (0..workers.team.threads()).map(|_| Mutex::new(Scratch::new())).collect();
        let [x, qkv, context, hidden, sum, pooled, logits] = std::array::from_fn(|_| Rows::new());
        Self { workers, heads, x, qkv, context, hidden, sum, pooled, logits }
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

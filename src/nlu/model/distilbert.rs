//! The reference network in burn: DistilBERT (Sanh et al., 2019) with one linear classifier per task.
//!
//! Padding never changes a result.
#![expect(clippy::cast_precision_loss, reason = "lengths and widths are far below 2²⁴")]

use burn::module::{Module, Param};
use burn::nn::{Embedding, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::softmax;
use burn::tensor::module::attention;
use burn::tensor::ops::AttentionModuleOptions;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

use crate::NluError;
use crate::model::activation::{gelu, gelu_on_card};
use crate::model::config::{Activation, ModelConfig, Pooling};
use crate::model::dropout::Dropout;
use crate::model::weights::{Weights, transpose};

/// `LayerNorm`'s epsilon in DistilBERT (and BERT).
const EPSILON: f64 = 1e-12;

/// Field names are those of the Hugging Face layout, so that a parameter's path is its name in the weights file.
#[derive(Module, Debug)]
pub(crate) struct Network {
    distilbert: Encoder,
    /// One for each head, in their order; the optimizer calls `heads.0` by the first head's name.
    heads: Vec<Linear>,
    #[module(skip)]
    head_names: Vec<String>,
    mean_pooling: bool,
    classifier_dropout: f64,
    /// Nothing is copied to the host within a pass, and all batches of one width run the same kernels.
    on_card: bool,
}

#[derive(Module, Debug)]
struct Encoder {
    embeddings: Embeddings,
    transformer: Transformer,
}

#[derive(Module, Debug)]
#[expect(clippy::struct_field_names, reason = "the names of the Hugging Face layout")]
struct Embeddings {
    word_embeddings: Embedding,
    position_embeddings: Embedding,
    layer_norm: LayerNorm,
    dropout: f64,
}

#[derive(Module, Debug)]
struct Transformer {
    layer: Vec<Block>,
}

#[derive(Module, Debug)]
struct Block {
    attention: SelfAttention,
    sa_layer_norm: LayerNorm,
    ffn: FeedForward,
    output_layer_norm: LayerNorm,
}

#[derive(Module, Debug)]
struct SelfAttention {
    q_lin: Linear,
    k_lin: Linear,
    v_lin: Linear,
    out_lin: Linear,
    heads: usize,
    dropout: f64,
}

#[derive(Module, Debug)]
struct FeedForward {
    lin1: Linear,
    lin2: Linear,
    gelu: bool,
    dropout: f64,
}

/// Token numbers of a few sentences, padded to the longest of them.
#[derive(Debug, Clone)]
pub(crate) struct TokenBatch {
    ids: Vec<i32>,
    lengths: Vec<usize>,
    width: usize,
}

impl TokenBatch {
    /// Pads rows to the longest one. Rows must not be empty.
    pub(crate) fn new<R: AsRef<[u32]>>(rows: &[R]) -> Self {
        let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().len()).collect();
        let width = lengths.iter().copied().max().unwrap_or(0);
        Self::padded(rows, width)
    }

    /// Pads rows to `width`, which none exceeds.
    fn padded<R: AsRef<[u32]>>(rows: &[R], width: usize) -> Self {
        let lengths: Vec<usize> = rows.iter().map(|row| row.as_ref().len()).collect();
        let mut ids = vec![0; rows.len() * width];
        for (row, padded) in rows.iter().zip(ids.chunks_mut(width.max(1))) {
            for (id, place) in row.as_ref().iter().zip(padded) {
                *place = id.cast_signed();
            }
        }
        Self { ids, lengths, width }
    }

    /// Tokens with padding.
    pub(crate) fn tokens(&self) -> usize {
        self.ids.len()
    }

    fn is_padded(&self) -> bool {
        self.lengths.iter().any(|length| *length < self.width)
    }

    /// `yes` at the places of tokens, `no` at padding, row after row.
    fn fill<T: Copy>(&self, no: T, yes: impl Fn(usize) -> T) -> Vec<T> {
        let mut out = vec![no; self.lengths.len() * self.width];
        for (length, row) in self.lengths.iter().zip(out.chunks_mut(self.width)) {
            row[..*length].fill(yes(*length));
        }
        out
    }
}

impl Network {
    /// The names of the heads, in their order.
    pub(crate) fn head_names(&self) -> &[String] {
        &self.head_names
    }

    /// Builds the network from weights in the Hugging Face layout, taking them out of `weights`.
    ///
    /// The word embedding may have any number of rows: training keeps only the rows its data uses.
    pub(crate) fn from_weights(
        config: &ModelConfig,
        word_rows: usize,
        heads: &[(String, usize)],
        weights: &mut Weights,
        device: &Device,
    ) -> Result<Self, NluError> {
        let mut from = ParameterReader { weights, device };
        let dim = config.dim;
        let embeddings = Embeddings {
            word_embeddings: from.embedding("distilbert.embeddings.word_embeddings", word_rows, dim)?,
            position_embeddings: from.embedding(
                "distilbert.embeddings.position_embeddings",
                config.max_position_embeddings,
                dim,
            )?,
            layer_norm: from.norm("distilbert.embeddings.LayerNorm", dim)?,
            dropout: config.dropout,
        };
        let mut layer = Vec::with_capacity(config.n_layers);
        for number in 0..config.n_layers {
            let at = format!("distilbert.transformer.layer.{number}");
            layer.push(Block {
                attention: SelfAttention {
                    q_lin: from.linear(&format!("{at}.attention.q_lin"), dim, dim)?,
                    k_lin: from.linear(&format!("{at}.attention.k_lin"), dim, dim)?,
                    v_lin: from.linear(&format!("{at}.attention.v_lin"), dim, dim)?,
                    out_lin: from.linear(&format!("{at}.attention.out_lin"), dim, dim)?,
                    heads: config.n_heads,
                    dropout: config.attention_dropout,
                },
                sa_layer_norm: from.norm(&format!("{at}.sa_layer_norm"), dim)?,
                ffn: FeedForward {
                    lin1: from.linear(&format!("{at}.ffn.lin1"), dim, config.hidden_dim)?,
                    lin2: from.linear(&format!("{at}.ffn.lin2"), config.hidden_dim, dim)?,
                    gelu: config.activation == Activation::Gelu,
                    dropout: config.dropout,
                },
                output_layer_norm: from.norm(&format!("{at}.output_layer_norm"), dim)?,
            });
        }
        Ok(Self {
            distilbert: Encoder { embeddings, transformer: Transformer { layer } },
            heads: heads
                .iter()
                .map(|(name, rows)| from.linear(&format!("{name}_classifier"), dim, *rows))
                .collect::<Result<_, _>>()?,
            head_names: heads.iter().map(|(name, _)| name.clone()).collect(),
            mean_pooling: config.pooling == Pooling::Mean,
            classifier_dropout: config.classifier_dropout,
            on_card: false,
        })
    }

    /// The same network as a graphics card computes it: the same numbers to rounding, without a copy to the host.
    pub(crate) fn for_card(self) -> Self {
        Self { on_card: true, ..self }
    }

    pub(crate) fn is_on_card(&self) -> bool {
        self.on_card
    }

    /// Pads rows as suits the device: on a card to one of a few widths, because each width has kernels of its own to compile
    /// and to tune.
    pub(crate) fn batch<R: AsRef<[u32]>>(&self, rows: &[R]) -> TokenBatch {
        if !self.on_card {
            return TokenBatch::new(rows);
        }
        let [positions, _] = self.distilbert.embeddings.position_embeddings.weight.dims();
        let longest = rows.iter().map(|row| row.as_ref().len()).max().unwrap_or(0);
        TokenBatch::padded(rows, card_width(longest).min(positions).max(longest))
    }

    /// The unscaled scores of each head, shape `[rows, labels]`; `dropout` is given while training.
    pub(crate) fn forward(&self, batch: &TokenBatch, mut dropout: Option<&mut Dropout>) -> Vec<Tensor<2>> {
        let (rows, width) = (batch.lengths.len(), batch.width);
        let device = self.distilbert.embeddings.word_embeddings.weight.device();
        let mut x = self.distilbert.embeddings.forward(batch, &device, dropout.as_deref_mut());
        let mask = Mask::new(batch, &device, dropout.is_some(), self.on_card);
        for block in &self.distilbert.transformer.layer {
            x = block.forward(x, (rows, width), &mask, dropout.as_deref_mut());
        }
        let [_, dim] = x.dims();
        let x: Tensor<3> = x.reshape([rows, width, dim]);
        let pooled: Tensor<2> = if self.mean_pooling {
            let share = batch.fill(0.0, |length| 1.0 / length as f32);
            let share = Tensor::<3>::from_data(TensorData::new(share, [rows, 1, width]), &device);
            share.matmul(x).reshape([rows, dim])
        } else {
            x.slice([0..rows, 0..1]).reshape([rows, dim])
        };
        let pooled = drop(dropout, pooled, self.classifier_dropout);
        self.heads.iter().map(|head| head.forward(pooled.clone())).collect()
    }
}

/// The width that a card pads a batch to whose longest row has so many tokens: multiples of 8, from 64 on of 64.
fn card_width(longest: usize) -> usize {
    longest.next_multiple_of(if longest > 64 { 64 } else { 8 }).max(8)
}

fn drop<const D: usize>(dropout: Option<&mut Dropout>, x: Tensor<D>, rate: f64) -> Tensor<D> {
    match dropout {
        Some(dropout) => dropout.apply(x, rate),
        None => x,
    }
}

/// What keeps attention away from padding; nothing where no row is padded.
struct Mask {
    /// True at padding, shape `[rows, 1, 1, width]`; for the fused attention.
    padding: Option<Tensor<4, Bool>>,
    /// Large negative numbers at padding, same shape; for the attention with dropout.
    penalty: Option<Tensor<4>>,
    /// See [`Network::on_card`].
    on_card: bool,
}

impl Mask {
    fn new(batch: &TokenBatch, device: &Device, training: bool, on_card: bool) -> Self {
        let shape = [batch.lengths.len(), 1, 1, batch.width];
        let mut mask = Self { padding: None, penalty: None, on_card };
        let needed = on_card || batch.is_padded();
        if needed && training {
            let penalty = batch.fill(-1e9, |_| 0.0);
            mask.penalty = Some(Tensor::from_data(TensorData::new(penalty, shape), device));
        } else if needed {
            let padding = batch.fill(true, |_| false);
            mask.padding = Some(Tensor::from_data(TensorData::new(padding, shape), device));
        }
        mask
    }
}

impl Embeddings {
    /// Sum of word and position vectors, shape `[rows · width, dim]`.
    fn forward(&self, batch: &TokenBatch, device: &Device, dropout: Option<&mut Dropout>) -> Tensor<2> {
        let (rows, width) = (batch.lengths.len(), batch.width);
        let ids = Tensor::<2, Int>::from_data(TensorData::new(batch.ids.clone(), [rows, width]), device);
        let words = self.word_embeddings.forward(ids);
        let [_, _, dim] = words.dims();
        let positions = self.position_embeddings.weight.val().narrow(0, 0, width).unsqueeze::<3>();
        let x = (words + positions).reshape([rows * width, dim]);
        drop(dropout, self.layer_norm.forward(x), self.dropout)
    }
}

impl Block {
    fn forward(&self, x: Tensor<2>, size: (usize, usize), mask: &Mask, mut dropout: Option<&mut Dropout>) -> Tensor<2> {
        let attended = self.attention.forward(x.clone(), size, mask, dropout.as_deref_mut());
        let x = self.sa_layer_norm.forward(attended + x);
        let fed = self.ffn.forward(x.clone(), mask.on_card, dropout);
        self.output_layer_norm.forward(fed + x)
    }
}

impl SelfAttention {
    /// Input and output `[rows · width, dim]`: two dimensions, because burn's CPU backend takes twice as long for
    /// products with three when the width is a multiple of 32.
    fn forward(
        &self,
        x: Tensor<2>,
        (rows, width): (usize, usize),
        mask: &Mask,
        dropout: Option<&mut Dropout>,
    ) -> Tensor<2> {
        let [_, dim] = x.dims();
        let head = dim / self.heads;
        let split = |x: Tensor<2>| x.reshape([rows, width, self.heads, head]).swap_dims(1, 2);
        let q = split(self.q_lin.forward(x.clone()));
        let k = split(self.k_lin.forward(x.clone()));
        let v = split(self.v_lin.forward(x));
        let context: Tensor<4> = match dropout {
            // burn's fused attention has no dropout.
            None => attention(q, k, v, mask.padding.clone(), None, AttentionModuleOptions::default()),
            Some(dropout) => {
                let mut scores = q.matmul(k.swap_dims(2, 3)) * (1.0 / (head as f64).sqrt());
                if let Some(penalty) = &mask.penalty {
                    scores = scores + penalty.clone();
                }
                dropout.apply(softmax(scores, 3), self.dropout).matmul(v)
            }
        };
        self.out_lin.forward(context.swap_dims(1, 2).reshape([rows * width, dim]))
    }
}

impl FeedForward {
    fn forward(&self, x: Tensor<2>, on_card: bool, dropout: Option<&mut Dropout>) -> Tensor<2> {
        let x = self.lin1.forward(x);
        let x = match (self.gelu, on_card) {
            (true, true) => gelu_on_card(x),
            (true, false) => gelu(x),
            (false, _) => burn::tensor::activation::relu(x),
        };
        drop(dropout, self.lin2.forward(x), self.dropout)
    }
}

/// Takes parameters out of a weights file onto a device.
struct ParameterReader<'a> {
    weights: &'a mut Weights,
    device: &'a Device,
}

impl ParameterReader<'_> {
    fn linear(&mut self, name: &str, inputs: usize, outputs: usize) -> Result<Linear, NluError> {
        let weight = self.weights.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.weights.take(&format!("{name}.bias"), &[outputs])?;
        // The file has one row per output, burn one row per input.
        let weight = transpose(&weight, outputs, inputs);
        Ok(Linear {
            weight: Param::from_data(TensorData::new(weight, [inputs, outputs]), self.device),
            bias: Some(Param::from_data(TensorData::new(bias, [outputs]), self.device)),
        })
    }

    fn embedding(&mut self, name: &str, rows: usize, dim: usize) -> Result<Embedding, NluError> {
        let weight = self.weights.take(&format!("{name}.weight"), &[rows, dim])?;
        Ok(Embedding { weight: Param::from_data(TensorData::new(weight, [rows, dim]), self.device) })
    }

    fn norm(&mut self, name: &str, dim: usize) -> Result<LayerNorm, NluError> {
        let gamma = self.weights.take(&format!("{name}.weight"), &[dim])?;
        let beta = self.weights.take(&format!("{name}.bias"), &[dim])?;
        let mut norm = LayerNormConfig::new(dim).with_epsilon(EPSILON).init(self.device);
        norm.gamma = Param::from_data(TensorData::new(gamma, [dim]), self.device);
        norm.beta = Some(Param::from_data(TensorData::new(beta, [dim]), self.device));
        Ok(norm)
    }
}

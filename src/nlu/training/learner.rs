//! The implementations of training: the packed kernels, burn as the reference, or burn on a graphics card. They differ only in
//! rounding and in which activations are dropped.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::NluError;
use crate::model::config::ModelConfig;
use crate::model::distilbert::{Network, TokenBatch};
use crate::model::dropout::Dropout;
use crate::model::loaded::scores;
use crate::model::read_back::read_values;
use crate::model::scores::Scores;
use crate::model::weights::Weights;
use crate::packed::{Objective, TrainingNetwork};
use crate::training::card::CardLearner;
use crate::training::optimizer::{AdamW, NamedGradients, accumulate, export, named_gradients};
use crate::training::settings::Computation;

/// Fewest rows worth a thread.
const MIN_SLICE: usize = 8;

/// A model that is being trained, with the gradients since its last step.
pub(crate) enum Learner {
    /// The packed kernels, on the CPU.
    Own(Box<TrainingNetwork>),
    /// burn, on the CPU.
    Reference(Box<Reference>),
    /// burn, on a graphics card.
    Card(Box<CardLearner>),
}

/// What one step found.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) losses: Losses,
    /// Norm of the gradient before clipping.
    pub(crate) gradient_norm: f64,
}

/// The losses of a batch, or of several together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Losses {
    /// Weighted sum over the heads.
    pub(crate) total: f64,
    /// Of each head, in their order.
    pub(crate) heads: Vec<Option<f64>>,
}

impl Losses {
    pub(crate) fn of(heads: Vec<Option<f64>>, weights: &[f64]) -> Self {
        let total = heads.iter().zip(weights).filter_map(|(loss, weight)| Some((*loss)? * weight)).sum();
        Self { total, heads }
    }

    /// Adds those of more rows.
    pub(crate) fn add(&mut self, more: &Self) {
        self.total += more.total;
        self.heads.resize(more.heads.len().max(self.heads.len()), None);
        for (sum, value) in self.heads.iter_mut().zip(&more.heads) {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value);
            }
        }
    }
}

impl Learner {
    /// Takes the weights of the Hugging Face layout; the word embedding has `word_rows` rows, `labels` are the
    /// rows of each classifier.
    pub(crate) fn new(
        (computation, card): (Computation, Option<Device>),
        config: &ModelConfig,
        word_rows: usize,
        labels: &[(String, usize)],
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        Ok(match (computation, card) {
            (Computation::Own, None) => Self::Own(Box::new(TrainingNetwork::new(config, word_rows, labels, weights)?)),
            (_, Some(card)) => Self::Card(Box::new(CardLearner::new(card, config, word_rows, labels, weights)?)),
            (Computation::Reference, None) => {
                let device = Device::flex().autodiff();
                let network = Network::from_weights(config, word_rows, labels, weights, &device)?;
                Self::Reference(Box::new(Reference {
                    device,
                    max_slices: rayon::current_num_threads(),
                    network: Some(network),
                    gradients: NamedGradients::new(),
                }))
            }
        })
    }

    /// Whether a graphics card computes.
    pub(crate) fn is_on_card(&self) -> bool {
        matches!(self, Self::Card(_))
    }

    /// Adds the gradients of a batch and returns its losses; those of a card come with [`Learner::figures`] instead. `seed` and
    /// `stream` say which activations are dropped.
    pub(crate) fn accumulate_gradients(
        &mut self,
        texts: &[&[u32]],
        objective: &Objective,
        seed: u64,
        stream: u64,
    ) -> Result<Losses, NluError> {
        match self {
            Self::Own(network) => {
                let losses = network.accumulate_gradients(texts, Dropout::new(seed, stream), objective);
                Ok(Losses::of(losses, &objective.weights))
            }
            Self::Reference(reference) => reference.accumulate_gradients(texts, objective, seed, stream),
            Self::Card(card) => {
                card.accumulate_gradients(texts, objective, seed, stream)?;
                Ok(Losses::default())
            }
        }
    }

    /// Takes one step with the gradients since the last and clears them; returns their norm before clipping, which is `None`
    /// while it is still on a card. Where it is not finite, no weight has changed.
    pub(crate) fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) -> Option<f64> {
        match self {
            Self::Own(network) => Some(network.update(optimizer, rate)),
            Self::Reference(reference) => Some(reference.update(optimizer, rate)),
            Self::Card(card) => {
                card.update(optimizer, rate);
                None
            }
        }
    }

    /// What the steps on a card found since the last call, in their order; with few of them nothing, unless `all` are asked
    /// for.
    pub(crate) fn figures(&mut self, all: bool) -> Result<Vec<Figures>, NluError> {
        match self {
            Self::Own(_) | Self::Reference(_) => Ok(Vec::new()),
            Self::Card(card) => card.figures(all),
        }
    }

    /// The weights in the layout of the Hugging Face format.
    pub(crate) fn export(&self, path: impl Into<std::path::PathBuf>) -> Result<Weights, NluError> {
        match self {
            Self::Own(network) => Ok(network.export(path)),
            Self::Reference(reference) => export(reference.network(), path),
            Self::Card(card) => card.export(path),
        }
    }

    /// Puts the moments of the optimizer into a checkpoint.
    pub(crate) fn save_moments(&self, optimizer: &AdamW, weights: &mut Weights) -> Result<(), NluError> {
        match self {
            Self::Own(_) | Self::Reference(_) => {
                optimizer.save(weights);
                Ok(())
            }
            Self::Card(card) => card.save_moments(optimizer, weights),
        }
    }

    /// Logits of tokenized texts.
    pub(crate) fn scores(&mut self, texts: &[&[u32]]) -> Result<Vec<Scores>, NluError> {
        match self {
            Self::Own(network) => Ok(network.scores(texts)),
            Self::Reference(reference) => scores(&reference.network().valid(), texts),
            Self::Card(card) => card.scores(texts),
        }
    }
}

/// Training with burn's automatic differentiation.
pub(crate) struct Reference {
    device: Device,
    /// Number of slices that a batch is split into at most.
    max_slices: usize,
    /// `None` only within [`Reference::update`].
    network: Option<Network>,
    gradients: NamedGradients,
}

/// Losses and gradients of a slice of a batch.
struct SliceGradients {
    gradients: NamedGradients,
    losses: Losses,
}

impl Reference {
    #[expect(clippy::expect_used, reason = "`update` puts the network back before it returns")]
    fn network(&self) -> &Network {
        self.network.as_ref().expect("the network is only taken within `update`")
    }

    /// Computes a batch in slices, each on a thread: burn's smaller products use one core only, so that several slices
    /// together keep all cores busy.
    fn accumulate_gradients(
        &mut self,
        texts: &[&[u32]],
        objective: &Objective,
        seed: u64,
        stream: u64,
    ) -> Result<Losses, NluError> {
        let threads = self.max_slices.min(texts.len().div_ceil(MIN_SLICE)).max(1);
        let size = texts.len().div_ceil(threads);
        let compute = |(number, texts_of_slice): (usize, &[&[u32]])| {
            let slice = |matrix: &Option<Vec<f32>>| {
                matrix.as_ref().map(|all| {
                    let labels = all.len() / texts.len();
                    all[number * size * labels..][..texts_of_slice.len() * labels].to_vec()
                })
            };
            let targets = objective.targets.iter().map(slice).collect();
            let (weights, batch_weight) = (objective.weights.clone(), objective.batch_weight);
            let objective = Objective { targets, weights, batch_weight };
            let dropout = Dropout::new(seed.wrapping_add(number as u64) ^ (number as u64) << 32, stream);
            // A copy with parameters of its own in the graph; two threads must not share one graph.
            self.slice_gradients(&self.network().valid().train(), texts_of_slice, objective, dropout)
        };
        let slices: Result<Vec<SliceGradients>, NluError> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                texts.chunks(size).enumerate().map(|slice| scope.spawn(move || compute(slice))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().map_err(|_| NluError::Internal("a training thread panicked".to_owned()))?)
                .collect()
        });
        let mut losses = Losses::default();
        for slice in slices? {
            losses.add(&slice.losses);
            accumulate(&mut self.gradients, slice.gradients);
        }
        Ok(losses)
    }

    fn slice_gradients(
        &self,
        network: &Network,
        texts: &[&[u32]],
        objective: Objective,
        mut dropout: Dropout,
    ) -> Result<SliceGradients, NluError> {
        let logits = network.forward(&TokenBatch::new(texts), Some(&mut dropout));
        let Objective { targets, weights, batch_weight } = objective;
        let head = |(logits, targets): (Tensor<2>, Option<Vec<f32>>)| {
            let targets = Tensor::<2>::from_data(TensorData::new(targets?, logits.shape()), &self.device);
            Some(-(log_softmax(logits, 1) * targets).sum() * batch_weight)
        };
        let found: Vec<Option<Tensor<1>>> = logits.into_iter().zip(targets).map(head).collect();
        let value = |loss: &Option<Tensor<1>>| {
            let values = loss.clone().map(|loss| read_values(loss.inner())).transpose()?;
            Ok(values.and_then(|values| values.first().copied()).map(f64::from))
        };
        let losses = Losses::of(found.iter().map(value).collect::<Result<_, NluError>>()?, &weights);
        let weighted = found.into_iter().zip(weights).filter_map(|(loss, weight)| Some(loss? * weight));
        let gradients = match weighted.reduce(|a, b| a + b) {
            Some(total) => named_gradients(network, total.backward()),
            None => NamedGradients::new(),
        };
        Ok(SliceGradients { gradients, losses })
    }

    #[expect(clippy::expect_used, reason = "the network is put back before this returns")]
    fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) -> f64 {
        let gradients = std::mem::take(&mut self.gradients);
        let network = self.network.take().expect("the network is only taken within `update`");
        let (network, norm) = optimizer.step(network, gradients, rate, &self.device);
        self.network = Some(network);
        norm
    }

    /// The gradients of a batch in one slice.
    #[cfg(test)]
    pub(crate) fn gradients(
        config: &ModelConfig,
        labels: &[(String, usize)],
        weights: &mut Weights,
        texts: &[&[u32]],
        objective: Objective,
        dropout: Dropout,
    ) -> Result<(NamedGradients, Losses), NluError> {
        let device = Device::flex().autodiff();
        let network = Network::from_weights(config, config.vocab_size, labels, weights, &device)?;
        let reference = Self { device, max_slices: 1, network: None, gradients: NamedGradients::new() };
        let slice = reference.slice_gradients(&network, texts, objective, dropout)?;
        Ok((slice.gradients, slice.losses))
    }
}

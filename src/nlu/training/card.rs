//! Training on a graphics card with burn's automatic differentiation.
//!
//! Weights, gradients, moments and the decision whether a step is taken stay on the card. Losses and norms are read together
//! after every [`STEPS_PER_READ`] steps, so that the card never waits for the host within a step.

use std::panic::{AssertUnwindSafe, catch_unwind};

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use crate::NluError;
use crate::model::config::ModelConfig;
use crate::model::distilbert::Network;
use crate::model::dropout::Dropout;
use crate::model::loaded::scores;
use crate::model::read_back::{panicked, read_values};
use crate::model::scores::Scores;
use crate::model::weights::Weights;
use crate::packed::Objective;
use crate::training::card_optimizer::{CardAdamW, CardGradients, collect};
use crate::training::learner::{Figures, Losses};
use crate::training::optimizer::{AdamW, export};

/// Steps whose figures are read together.
const STEPS_PER_READ: usize = 16;

/// A model that is trained on a card, with the gradients since its last step.
pub(crate) struct CardLearner {
    /// With automatic differentiation.
    device: Device,
    /// `None` only within [`CardLearner::update`].
    network: Option<Network>,
    /// Takes over the state of the host's optimizer at the first step.
    optimizer: Option<CardAdamW>,
    gradients: CardGradients,
    /// Losses of the current step.
    losses: HeadLosses,
    /// Weight of each head's loss.
    weights: Vec<f64>,
    /// Figures of the steps since the last read.
    unread: Vec<Unread>,
    /// Parts that a batch is computed in, so that it fits into the card's memory.
    parts: usize,
    /// The most padded tokens that were seen to fit.
    fits: usize,
    /// Rows that are said not to fit.
    #[cfg(test)]
    pub(super) too_many_rows: usize,
}

/// The loss of each head, on the card; `None` without labels.
type HeadLosses = Vec<Option<Tensor<1>>>;

/// Figures of a step that are still on the card.
struct Unread {
    /// The losses of the heads with labels, then the gradient's norm.
    values: Tensor<1>,
    /// Which heads have labels.
    labelled: Vec<bool>,
    /// Weight of each head's loss.
    weights: Vec<f64>,
}

impl CardLearner {
    /// Takes the weights of the Hugging Face layout onto the card.
    pub(crate) fn new(
        card: Device,
        config: &ModelConfig,
        word_rows: usize,
        labels: &[(String, usize)],
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        let device = card.autodiff();
        let network = Network::from_weights(config, word_rows, labels, weights, &device)?.for_card();
        Ok(Self {
            device,
            network: Some(network),
            optimizer: None,
            gradients: CardGradients::new(),
            losses: Vec::new(),
            weights: Vec::new(),
            unread: Vec::new(),
            parts: 1,
            fits: 0,
            #[cfg(test)]
            too_many_rows: usize::MAX,
        })
    }

    #[expect(clippy::expect_used, reason = "`update` puts the network back before it returns")]
    fn network(&self) -> &Network {
        self.network.as_ref().expect("the network is only taken within `update`")
    }

    /// Adds the gradients of a batch. Where the card has too little memory for it, it is computed in halves from then on:
    /// that changes which activations are dropped, and nothing else.
    pub(super) fn accumulate_gradients(
        &mut self,
        texts: &[&[u32]],
        objective: &Objective,
        seed: u64,
        stream: u64,
    ) -> Result<(), NluError> {
        loop {
            // burn reports some failures of a card by a panic.
            let computed = catch_unwind(AssertUnwindSafe(|| self.compute(texts, objective, seed, stream)));
            let (gradients, losses, size) = match computed.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))) {
                Ok(found) => found,
                Err(error) if is_out_of_memory(&error) && self.parts < texts.len() => {
                    self.parts = (self.parts * 2).min(texts.len());
                    tracing::warn!(
                        "the card has too little memory: batches are computed in {} parts from here on ({error})",
                        self.parts
                    );
                    self.device.memory_cleanup();
                    continue;
                }
                Err(error) => return Err(error),
            };
            self.fits = self.fits.max(size);
            for (name, values) in gradients {
                let sum = self.gradients.remove(&name).map(|before| before + values.clone()).unwrap_or(values);
                self.gradients.insert(name, sum);
            }
            add(&mut self.losses, losses);
            self.weights.clone_from(&objective.weights);
            return Ok(());
        }
    }

    /// Gradients and losses of a batch, and the padded tokens of its largest part.
    fn compute(
        &self,
        texts: &[&[u32]],
        objective: &Objective,
        seed: u64,
        stream: u64,
    ) -> Result<(CardGradients, HeadLosses, usize), NluError> {
        let (mut gradients, mut losses, mut largest) = (CardGradients::new(), Vec::new(), 0);
        let size = texts.len().div_ceil(self.parts);
        for (number, part) in texts.chunks(size).enumerate() {
            #[cfg(test)]
            if part.len() >= self.too_many_rows {
                return Err(NluError::Internal(format!("out of memory with {} rows", part.len())));
            }
            let seed = seed ^ (number as u64).rotate_left(32);
            let mut dropout = Dropout::on_device(seed, stream);
            let batch = self.network().batch(part);
            let logits = self.network().forward(&batch, Some(&mut dropout));
            let of_head = |(logits, targets): (Tensor<2>, &Option<Vec<f32>>)| {
                let [_, labels] = logits.dims();
                let targets = targets.as_ref()?[number * size * labels..][..part.len() * labels].to_vec();
                let targets = Tensor::<2>::from_data(TensorData::new(targets, logits.shape()), &self.device);
                Some(-(log_softmax(logits, 1) * targets).sum() * objective.batch_weight)
            };
            let found: HeadLosses = logits.into_iter().zip(&objective.targets).map(of_head).collect();
            let weighted = found.iter().zip(&objective.weights);
            let weighted = weighted.filter_map(|(loss, weight)| Some(loss.clone()? * *weight));
            if let Some(total) = weighted.reduce(|a, b| a + b) {
                collect(self.network(), total.backward(), &mut gradients);
                // What does not fit is seen only where something of it is read: once for each size that is the largest so far,
                // and of every gradient.
                if batch.tokens() > self.fits {
                    let squares = gradients.values().map(|values| values.clone().square().sum());
                    read_values(Tensor::cat(squares.collect(), 0))?;
                }
            }
            largest = largest.max(batch.tokens());
            add(&mut losses, found.into_iter().map(|loss| Some(loss?.inner())).collect());
        }
        Ok((gradients, losses, largest))
    }

    /// Takes one step with the gradients since the last and clears them. Where their norm is not finite, no weight changes.
    #[expect(clippy::expect_used, reason = "the network is put back before this returns")]
    pub(super) fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) {
        let device = self.device.clone().inner();
        let gradients = std::mem::take(&mut self.gradients);
        let network = self.network.take().expect("the network is only taken within `update`");
        let optimizer = self.optimizer.get_or_insert_with(|| CardAdamW::new(optimizer, &device));
        let (network, norm) = optimizer.step(network, gradients, rate, &device);
        self.network = Some(network);
        let losses = std::mem::take(&mut self.losses);
        let labelled = losses.iter().map(Option::is_some).collect();
        let values = Tensor::cat(losses.into_iter().flatten().chain([norm]).collect(), 0);
        self.unread.push(Unread { values, labelled, weights: std::mem::take(&mut self.weights) });
    }

    /// The figures of the steps since the last call, in their order: of all, or none where only a few are to be read.
    ///
    /// # Errors
    /// The card failed.
    pub(super) fn figures(&mut self, all: bool) -> Result<Vec<Figures>, NluError> {
        if self.unread.is_empty() || !(all || self.unread.len() >= STEPS_PER_READ) {
            return Ok(Vec::new());
        }
        let unread = std::mem::take(&mut self.unread);
        let values = read_values(Tensor::cat(unread.iter().map(|step| step.values.clone()).collect(), 0))?;
        let mut values = values.into_iter().map(f64::from);
        let mut next = || values.next().unwrap_or(f64::NAN);
        let of_step = |step: Unread| {
            let heads = step.labelled.into_iter().map(|labelled| labelled.then(&mut next)).collect();
            Figures { losses: Losses::of(heads, &step.weights), gradient_norm: next() }
        };
        Ok(unread.into_iter().map(of_step).collect())
    }

    /// The weights in the layout of the Hugging Face format.
    pub(super) fn export(&self, path: impl Into<std::path::PathBuf>) -> Result<Weights, NluError> {
        export(self.network(), path)
    }

    /// Puts the optimizer's moments into a checkpoint.
    pub(super) fn save_moments(&self, optimizer: &AdamW, weights: &mut Weights) -> Result<(), NluError> {
        if let Some(on_card) = &self.optimizer {
            return on_card.save(weights);
        }
        optimizer.save(weights);
        Ok(())
    }

    /// Logits of tokenized texts.
    pub(super) fn scores(&self, texts: &[&[u32]]) -> Result<Vec<Scores>, NluError> {
        scores(&self.network().valid(), texts)
    }

    /// The gradients since the last step, read back.
    #[cfg(test)]
    pub(super) fn gradients(&self) -> crate::training::optimizer::NamedGradients {
        let read = |values: &Tensor<2>| read_values(values.clone()).expect("read");
        self.gradients.iter().map(|(name, values)| (name.clone(), read(values))).collect()
    }

    /// The parts of a batch.
    #[cfg(test)]
    pub(super) fn parts(&self) -> usize {
        self.parts
    }
}

/// Adds the losses of another batch, or another part of one.
fn add(total: &mut HeadLosses, more: HeadLosses) {
    total.resize(more.len().max(total.len()), None);
    for (sum, loss) in total.iter_mut().zip(more) {
        *sum = match (sum.take(), loss) {
            (Some(sum), Some(loss)) => Some(sum + loss),
            (sum, loss) => sum.or(loss),
        };
    }
}

/// Whether an error says that a card has too little memory. burn has no error of its own for it: these are the words of wgpu and
/// of cubecl.
fn is_out_of_memory(error: &NluError) -> bool {
    let text = error.to_string().to_lowercase();
    ["out of memory", "out-of-memory", "out of device memory", "outofmemory", "can't allocate", "not enough memory"]
        .iter()
        .any(|words| text.contains(words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_little_memory_is_told_from_other_failures() {
        let failed = |text: &str| panicked(&text.to_owned());
        for text in [
            "wgpu error: Out of Memory",
            "out of device memory allocating 1073741824 bytes",
            "can't allocate buffer of size: 1073741824",
            "Can't allocate 4096 bytes: every page size the memory tracks still holds live allocations",
            "An out-of-memory error happened during launch",
        ] {
            assert!(is_out_of_memory(&failed(text)), "{text}");
        }
        for text in ["The device is poisoned", "wgpu error: Validation Error"] {
            assert!(!is_out_of_memory(&failed(text)), "{text}");
        }
    }
}

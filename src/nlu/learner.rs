//! Decides who computes the steps of a training: the pass of our own, or burn as the reference.
//!
//! It must never let the two differ in anything but rounding and which activations are dropped.

use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};

use super::NluError;
use super::config::ModelConfig;
use super::distilbert::{Network, TokenBatch};
use super::dropout::Dropout;
use super::model::{Scores, scores};
use super::optimizer::{AdamW, NamedGradients, accumulate, export, named_gradients};
use super::packed::{Objective, Trainee};
use super::settings::Computation;
use super::weights::Weights;

/// Fewest rows worth a thread.
const MIN_PART: usize = 8;

/// A model that is being trained, with the gradients since its last step.
pub(crate) enum Learner {
    /// The pass of our own, on the CPU.
    Own(Box<Trainee>),
    /// burn, on any device it has.
    Reference(Box<Reference>),
}

/// The losses of a batch, or of several together.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Losses {
    /// Weighted sum of both tasks.
    pub(crate) total: f64,
    pub(crate) intent: Option<f64>,
    pub(crate) sentiment: Option<f64>,
}

impl Losses {
    fn of([intent, sentiment]: [Option<f64>; 2], weights: [f64; 2]) -> Self {
        let total = intent.map_or(0.0, |loss| loss * weights[0]) + sentiment.map_or(0.0, |loss| loss * weights[1]);
        Self { total, intent, sentiment }
    }

    /// Adds those of more rows.
    pub(crate) fn add(&mut self, more: &Self) {
        let add = |sum: &mut Option<f64>, value: Option<f64>| {
            if let Some(value) = value {
                *sum = Some(sum.unwrap_or(0.0) + value);
            }
        };
        self.total += more.total;
        add(&mut self.intent, more.intent);
        add(&mut self.sentiment, more.sentiment);
    }
}

impl Learner {
    /// Takes the weights of the Hugging Face layout; the word embedding has `word_rows` rows, `labels` are the
    /// numbers of intents and sentiments.
    pub(crate) fn new(
        (computation, card): (Computation, Option<Device>),
        config: &ModelConfig,
        word_rows: usize,
        labels: (usize, usize),
        weights: &mut Weights,
    ) -> Result<Self, NluError> {
        Ok(match (computation, card) {
            (Computation::Own, None) => Self::Own(Box::new(Trainee::new(config, word_rows, labels, weights)?)),
            (_, card) => {
                // A card does a whole batch at once.
                let most_parts = if card.is_some() { 1 } else { rayon::current_num_threads() };
                let device = card.unwrap_or_else(Device::flex).autodiff();
                let network = Network::from_weights(config, word_rows, labels, weights, &device)?;
                Self::Reference(Box::new(Reference {
                    device,
                    most_parts,
                    network: Some(network),
                    gradients: NamedGradients::new(),
                }))
            }
        })
    }

    /// Adds the gradients of a batch and returns its losses. `seed` and `stream` say which activations are dropped.
    pub(crate) fn learn(
        &mut self,
        texts: &[&[u32]],
        objective: &Objective,
        seed: u64,
        stream: u64,
    ) -> Result<Losses, NluError> {
        match self {
            Self::Own(trainee) => {
                let losses = trainee.learn(texts, Dropout::new(seed, stream), objective);
                Ok(Losses::of(losses, objective.weights))
            }
            Self::Reference(reference) => reference.learn(texts, objective, seed, stream),
        }
    }

    /// Takes one step with the gradients since the last, and forgets them; returns their norm before clipping. Where
    /// that is not finite, nothing has changed.
    pub(crate) fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) -> f64 {
        match self {
            Self::Own(trainee) => trainee.update(optimizer, rate),
            Self::Reference(reference) => reference.update(optimizer, rate),
        }
    }

    /// The weights in the layout of the Hugging Face format.
    pub(crate) fn export(&self, path: impl Into<std::path::PathBuf>) -> Weights {
        match self {
            Self::Own(trainee) => trainee.export(path),
            Self::Reference(reference) => export(reference.network(), path),
        }
    }

    /// Logits of tokenized texts.
    pub(crate) fn scores(&mut self, texts: &[&[u32]]) -> Result<Vec<Scores>, NluError> {
        match self {
            Self::Own(trainee) => Ok(trainee.scores(texts)),
            Self::Reference(reference) => scores(&reference.network().valid(), texts),
        }
    }
}

/// Training with burn's automatic differentiation.
pub(crate) struct Reference {
    device: Device,
    /// Into how many a batch is cut at most.
    most_parts: usize,
    /// Taken only within a step.
    network: Option<Network>,
    gradients: NamedGradients,
}

/// Loss and gradients of a part of a batch.
struct Part {
    gradients: NamedGradients,
    losses: Losses,
}

impl Reference {
    fn network(&self) -> &Network {
        self.network.as_ref().expect("the network is only away within a step")
    }

    /// Computes a batch in parts on a thread each: burn's smaller products use one core only, so one part's keep the
    /// cores busy while another's do not.
    fn learn(&mut self, texts: &[&[u32]], objective: &Objective, seed: u64, stream: u64) -> Result<Losses, NluError> {
        let threads = self.most_parts.min(texts.len().div_ceil(MIN_PART)).max(1);
        let size = texts.len().div_ceil(threads);
        let work = |(number, part): (usize, &[&[u32]])| {
            let slice = |matrix: &Option<Vec<f32>>| {
                matrix.as_ref().map(|all| {
                    let labels = all.len() / texts.len();
                    all[number * size * labels..][..part.len() * labels].to_vec()
                })
            };
            let [intents, sentiments] = &objective.targets;
            let targets = [slice(intents), slice(sentiments)];
            let objective = Objective { targets, weights: objective.weights, share: objective.share };
            let dropout = Dropout::new(seed.wrapping_add(number as u64) ^ (number as u64) << 32, stream);
            // A copy with parameters of its own in the graph; two threads must not share one graph.
            self.part(&self.network().valid().train(), part, objective, dropout)
        };
        let parts: Result<Vec<Part>, NluError> = std::thread::scope(|scope| {
            let parts: Vec<_> = texts.chunks(size).enumerate().map(|part| scope.spawn(move || work(part))).collect();
            parts
                .into_iter()
                .map(|part| part.join().map_err(|_| NluError::Fault("a training thread panicked".to_owned())))
                .collect()
        });
        let mut losses = Losses::default();
        for part in parts? {
            losses.add(&part.losses);
            accumulate(&mut self.gradients, part.gradients);
        }
        Ok(losses)
    }

    fn part(&self, network: &Network, texts: &[&[u32]], objective: Objective, mut dropout: Dropout) -> Part {
        let logits = network.forward(&TokenBatch::new(texts), Some(&mut dropout));
        let Objective { targets: [intents, sentiments], weights, share } = objective;
        let task = |logits: Tensor<2>, targets: Option<Vec<f32>>| {
            let targets = Tensor::<2>::from_data(TensorData::new(targets?, logits.shape()), &self.device);
            Some(-(log_softmax(logits, 1) * targets).sum() * share)
        };
        let intent = task(logits.intent, intents);
        let sentiment = logits.sentiment.and_then(|logits| task(logits, sentiments));
        let value = |loss: &Option<Tensor<1>>| loss.as_ref().map(|loss| f64::from(loss.clone().into_scalar::<f32>()));
        let losses = Losses::of([value(&intent), value(&sentiment)], weights);
        let weighted = [intent.map(|loss| loss * weights[0]), sentiment.map(|loss| loss * weights[1])];
        let gradients = match weighted.into_iter().flatten().reduce(|a, b| a + b) {
            Some(total) => named_gradients(network, total.backward()),
            None => NamedGradients::new(),
        };
        Part { gradients, losses }
    }

    fn update(&mut self, optimizer: &mut AdamW, rate: impl Fn(&str) -> f64) -> f64 {
        let gradients = std::mem::take(&mut self.gradients);
        let network = self.network.take().expect("the network is only away within a step");
        let (network, norm) = optimizer.step(network, gradients, rate, &self.device);
        self.network = Some(network);
        norm
    }

    /// The gradients of a batch in one part.
    #[cfg(test)]
    pub(crate) fn gradients(
        config: &ModelConfig,
        labels: (usize, usize),
        weights: &mut Weights,
        texts: &[&[u32]],
        objective: Objective,
        dropout: Dropout,
    ) -> Result<(NamedGradients, Losses), NluError> {
        let device = Device::flex().autodiff();
        let network = Network::from_weights(config, config.vocab_size, labels, weights, &device)?;
        let reference = Self { device, most_parts: 1, network: None, gradients: NamedGradients::new() };
        let part = reference.part(&network, texts, objective, dropout);
        Ok((part.gradients, part.losses))
    }
}

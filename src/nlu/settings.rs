//! Decides what can be asked of a training, and what it tells while it goes on.
//!
//! It must never hold a default: those are on the command line.

use std::path::PathBuf;

use serde::Serialize;

use super::config::Pooling;
use super::dataset::{Columns, Conflict};
use super::device::DeviceChoice;
use super::weights::Precision;

/// Who computes the steps of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Computation {
    /// A pass of our own on the CPU.
    #[default]
    Own,
    /// burn with automatic differentiation: slower, the same gradients to rounding, other dropout.
    Reference,
}

/// Everything a training depends on.
#[derive(Debug, Clone, Serialize)]
pub struct TrainOptions {
    /// Files to train on.
    #[serde(skip)]
    pub data: Vec<PathBuf>,
    /// Files to validate with; without any, a share of the rows is set aside.
    #[serde(skip)]
    pub validation: Vec<PathBuf>,
    /// Folder to write.
    #[serde(skip)]
    pub out: PathBuf,
    /// Folder whose encoder training starts from: DistilBERT or BERT.
    #[serde(skip)]
    pub base: PathBuf,
    /// Names of the columns.
    #[serde(skip)]
    pub columns: Columns,
    /// Whether to go on from the checkpoint in `out`.
    #[serde(skip)]
    pub resume: bool,
    /// Number format of the written weights.
    #[serde(skip)]
    pub precision: Precision,
    /// Who computes.
    pub computation: Computation,
    /// On what it computes. A card needs the reference computation and takes it.
    pub device: DeviceChoice,
    /// Passes over the training rows; `None` takes enough for 3,000 steps, 6 to 30.
    pub epochs: Option<usize>,
    /// Rows computed together.
    pub batch_size: usize,
    /// Batches whose gradients are added up for one step.
    pub accumulate: usize,
    /// Peak learning rate of the encoder.
    pub lr: f64,
    /// Peak learning rate of the classifiers.
    pub head_lr: f64,
    /// Factor from one layer's learning rate to that of the layer below; 1 for none.
    pub layer_decay: f64,
    /// Share of the steps in which the rates rise from 0, before they fall to 0 again.
    pub warmup: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Largest norm of the gradient.
    pub clip: f64,
    /// Dropout everywhere; `None` leaves the rates of the base model.
    pub dropout: Option<f64>,
    /// Share of the target probability spread over all labels.
    pub label_smoothing: f64,
    /// Share of the words that are misspelt or left out, anew in each epoch.
    pub augment: f64,
    /// Whether rare labels weigh more.
    pub balanced: bool,
    /// Weight of the intents' loss.
    pub intent_weight: f64,
    /// Weight of the sentiments' loss.
    pub sentiment_weight: f64,
    /// Epochs without a better validation score after which training stops; `None` takes a third of the epochs, at
    /// least 3.
    pub patience: Option<usize>,
    /// Share of the rows set aside for validation.
    pub val_split: f64,
    /// Seed of everything random.
    pub seed: u64,
    /// How the sentence vector is made; `None` leaves that of the base model.
    pub pooling: Option<Pooling>,
    /// Longest input in tokens while training; longer texts are cut.
    pub max_tokens: usize,
}

/// What is told while training goes on.
#[derive(Debug)]
pub enum Event<'a> {
    /// The rows are read and split; training begins.
    Start(&'a Start),
    /// One step was taken.
    Step(&'a Step),
    /// One epoch is over.
    Epoch(&'a Epoch),
}

/// What training begins with.
#[derive(Debug, Clone, Serialize)]
pub struct Start {
    /// Rows to train on.
    pub rows: usize,
    /// Rows to validate with.
    pub validation_rows: usize,
    /// Rows left out as duplicates.
    pub duplicates: usize,
    /// Rows left out because the same text came with other labels.
    pub conflicts: Vec<Conflict>,
    /// Rows without text or label.
    pub unlabelled: usize,
    /// Intents found.
    pub intents: usize,
    /// Sentiments found.
    pub sentiments: usize,
    /// Steps in all.
    pub steps: usize,
    /// Steps done before, where training is resumed.
    pub steps_done: usize,
    /// Rows in all steps.
    pub all_rows: usize,
    /// Validation rows whose text is trained on as well.
    pub shared: usize,
    /// What there is to say about the device.
    pub notice: Option<String>,
}

/// One step, as a line of `metrics.jsonl`.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Number of the step, from 1.
    pub step: usize,
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Weighted sum of the losses.
    pub loss: f64,
    /// Mean cross-entropy of the intents, where the batch has any.
    pub intent_loss: Option<f64>,
    /// Mean cross-entropy of the sentiments, where the batch has any.
    pub sentiment_loss: Option<f64>,
    /// Learning rate of the top layer of the encoder.
    pub lr: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Rows in this step.
    pub rows: usize,
    /// Seconds this step took.
    pub seconds: f64,
}

/// One epoch, as a line of `metrics.jsonl`.
#[derive(Debug, Clone, Serialize)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean loss of its steps.
    pub train_loss: f64,
    /// Mean macro F1 of the tasks on the validation rows.
    pub score: Option<f64>,
    /// Validation accuracy of the intents.
    pub intent_accuracy: Option<f64>,
    /// Validation macro F1 of the intents.
    pub intent_f1_macro: Option<f64>,
    /// Validation accuracy of the sentiments.
    pub sentiment_accuracy: Option<f64>,
    /// Validation macro F1 of the sentiments.
    pub sentiment_f1_macro: Option<f64>,
    /// Whether its weights take the place of those kept so far.
    pub kept: bool,
    /// Seconds since training began, validation included.
    pub seconds: f64,
}

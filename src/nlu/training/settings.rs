//! Options and progress events of a training. The defaults are those of the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use crate::data::dataset::{Columns, Conflict};
use crate::model::config::Pooling;
use crate::model::location::ModelLocation;
use crate::model::weights::Precision;
use crate::serving::device::DeviceChoice;

/// The implementation that computes the steps of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Computation {
    /// The packed kernels on the CPU.
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
    /// The model whose encoder training starts from: DistilBERT or BERT.
    #[serde(skip)]
    pub base: ModelLocation,
    /// Names of the columns.
    #[serde(skip)]
    pub columns: Columns,
    /// Whether to resume from the checkpoint in `out`.
    #[serde(skip)]
    pub resume: bool,
    /// Number format of the written weights.
    #[serde(skip)]
    pub precision: Precision,
    /// The implementation of the steps.
    pub computation: Computation,
    /// The device. A graphics card always uses the reference computation.
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
    /// Share of the words that are misspelt or left out, drawn again for each epoch.
    pub augment: f64,
    /// Whether rare labels have a higher weight.
    pub balanced: bool,
    /// Weight of each head's loss, by the head's name; 1 for a head that is not named.
    pub head_weights: BTreeMap<String, f64>,
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

/// Progress of a training.
#[derive(Debug)]
pub enum Event<'a> {
    /// The rows are read and split; training begins.
    Start(&'a Start),
    /// One step was taken.
    Step(&'a Step),
    /// One epoch is over.
    Epoch(&'a Epoch),
}

/// The data and the plan of a training.
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
    /// The heads, each with the number of its labels.
    pub heads: Vec<(String, usize)>,
    /// Places and labels of the rows whose label no other row has.
    pub single_labels: Vec<String>,
    /// Steps in all.
    pub steps: usize,
    /// Steps done before, where training is resumed.
    pub steps_done: usize,
    /// Rows in all steps.
    pub all_rows: usize,
    /// Validation rows whose text is trained on as well.
    pub shared: usize,
    /// A remark on the device, for the user.
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
    /// Mean cross-entropy of each head that the batch has labels of.
    pub losses: BTreeMap<String, f64>,
    /// Learning rate of the top layer of the encoder.
    pub lr: f64,
    /// Norm of the gradient before clipping.
    pub gradient_norm: f64,
    /// Rows in this step.
    pub rows: usize,
    /// Seconds this step took.
    pub seconds: f64,
}

/// How one head did on the validation rows.
#[derive(Debug, Clone, Serialize)]
pub struct HeadScores {
    /// The head.
    pub head: String,
    /// Share of the rows that it reads right.
    pub accuracy: f64,
    /// Mean F1 of the labels.
    pub f1_macro: f64,
}

/// One epoch, as a line of `metrics.jsonl`.
#[derive(Debug, Clone, Serialize)]
pub struct Epoch {
    /// Number of the epoch, from 1.
    pub epoch: usize,
    /// Mean loss of its steps.
    pub train_loss: f64,
    /// Mean macro F1 of the heads on the validation rows.
    pub score: Option<f64>,
    /// Validation scores of each head that validation rows have labels of.
    pub heads: Vec<HeadScores>,
    /// Whether its weights replace those of earlier epochs.
    pub kept: bool,
    /// Seconds since training began, validation included.
    pub seconds: f64,
}

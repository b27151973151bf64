//! The command `train`: starts a training and shows its progress. The first Ctrl-C ends it at a checkpoint.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::app::model_location;
use super::arguments::{ColumnOptions, Dtype, Pool, below_one, positive, share};
use super::output::Output;
use super::{Global, InputError, scores};
use crate::nlu::{
    Computation, DeviceChoice, Epoch, Event, INTENT, ModelLocation, SENTIMENT, Start, Step, TrainOptions,
    default_learning_rate, is_name, train,
};

/// Train a classifier on CSV files: of intents, sentiments, and any other labels.
///
/// Each column of labels is a head of the model. Where none is named with --head, the columns intent, sentiment, topic and
/// urgency are taken, as far as they are there. An empty cell means “not labelled”.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres train --data data/train.csv --out my-model\n  ecomres train --data a.csv b.csv --base encoder --out my-model --epochs 4\n  ecomres train --data tickets.csv --intent-column category --out my-model\n  ecomres train --data tickets.csv --head team=assigned_to --head sentiment --out my-model\n  ecomres train --data data/train.csv --out my-model --resume"
)]
pub struct Options {
    /// CSV files with text and labels
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    data: Vec<PathBuf>,
    /// CSV files to validate with, instead of setting rows aside
    #[arg(long, value_name = "FILE", num_args = 1..)]
    validation: Vec<PathBuf>,
    /// Folder to write the model to
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Folder of the encoder to start from, DistilBERT or BERT [default: the built-in model]
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,
    /// Go on from the checkpoint in the output folder
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    columns: ColumnOptions,
    /// Passes over the data [default: enough for 3,000 steps, 6 to 30]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    epochs: Option<u16>,
    /// Messages per batch
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=4096))]
    batch_size: u16,
    /// Batches whose gradients make one step
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    accumulate: u16,
    /// Peak learning rate of the encoder [default: 2e-4 up to a width of 384, less for wider ones: 5e-5 at 768]
    #[arg(long, value_parser = positive)]
    lr: Option<f64>,
    /// Peak learning rate of the classifiers
    #[arg(long, default_value_t = 1e-3, value_parser = positive)]
    head_lr: f64,
    /// Factor from one layer's learning rate to that of the layer below
    #[arg(long, default_value_t = 1.0, value_parser = share)]
    layer_decay: f64,
    /// Share of the steps in which the learning rate rises
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    warmup: f64,
    /// Decay of the weights, relative to the learning rate
    #[arg(long, default_value_t = 0.01, value_parser = share)]
    weight_decay: f64,
    /// Largest norm of the gradient
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    clip: f64,
    /// Dropout everywhere [default: what the base model says]
    #[arg(long, value_parser = below_one)]
    dropout: Option<f64>,
    /// Share of the target probability spread over all labels
    #[arg(long, default_value_t = 0.05, value_parser = below_one)]
    label_smoothing: f64,
    /// Share of the words that are misspelt or left out, anew in each epoch
    #[arg(long, default_value_t = 0.1, value_parser = below_one)]
    augment: f64,
    /// Let rare labels weigh more
    #[arg(long)]
    class_weights: bool,
    /// Weight of the intents in the loss
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    intent_weight: f64,
    /// Weight of the sentiments in the loss
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    sentiment_weight: f64,
    /// Weight of any head in the loss, 1 where none is given
    #[arg(long, value_name = "NAME=WEIGHT", value_parser = head_weight)]
    head_weight: Vec<(String, f64)>,
    /// Stop after this many epochs without a better validation score [default: a third of them, at least 3]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    patience: Option<u16>,
    /// Share of the messages set aside for validation, by group or else by intent
    #[arg(long, default_value_t = 0.1, value_parser = below_one)]
    val_split: f64,
    /// Seed of everything random: the same seed gives the same model
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// How one vector is made of a sentence [default: what the base model says]
    #[arg(long, value_enum)]
    pooling: Option<Pool>,
    /// Longer messages are cut to this many tokens while training
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(3..))]
    max_tokens: u16,
    /// Number format of the written weights
    #[arg(long, value_enum, default_value_t = Dtype::F16)]
    dtype: Dtype,
    /// What to compute on: a card needs a build with --features wgpu or cuda
    #[arg(long, value_name = "auto|cpu|wgpu|cuda", default_value_t)]
    device: DeviceChoice,
    /// Compute with burn, which the computation of our own is tested against: slower
    #[arg(long, hide = true)]
    reference: bool,
}

/// Runs the command.
///
/// # Errors
/// Data, base model or settings that cannot be used, or an interruption.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    if options.out.join("model.safetensors").exists() && !options.resume && !global.yes {
        let message = format!("{} already holds a model", options.out.display());
        return Err(InputError::with_hint(message, "name another folder, or add --yes to replace it").into());
    }
    let base = match &options.base {
        Some(base) => ModelLocation::find(Some(base))?,
        None => model_location(global)?,
    };
    let lr = options.lr.map_or_else(|| default_learning_rate(&base), Ok)?;
    let options = TrainOptions {
        data: options.data,
        validation: options.validation,
        out: options.out,
        base,
        columns: options.columns.into(),
        resume: options.resume,
        precision: options.dtype.into(),
        computation: if options.reference { Computation::Reference } else { Computation::Own },
        device: options.device,
        epochs: options.epochs.map(usize::from),
        batch_size: options.batch_size.into(),
        accumulate: options.accumulate.into(),
        lr,
        head_lr: options.head_lr,
        layer_decay: options.layer_decay,
        warmup: options.warmup,
        weight_decay: options.weight_decay,
        clip: options.clip,
        dropout: options.dropout,
        label_smoothing: options.label_smoothing,
        augment: options.augment,
        balanced: options.class_weights,
        head_weights: [(INTENT, options.intent_weight), (SENTIMENT, options.sentiment_weight)]
            .map(|(head, weight)| (head.to_owned(), weight))
            .into_iter()
            .chain(options.head_weight)
            .collect(),
        patience: options.patience.map(usize::from),
        val_split: options.val_split,
        seed: options.seed,
        pooling: options.pooling.map(Into::into),
        max_tokens: options.max_tokens.into(),
    };
    let stop = stop_on_interrupt();
    let mut progress = Progress::new(global.quiet);
    let finished = train(&options, &mut |event| progress.show(&event), &stop)?;
    progress.bar.finish_and_clear();
    let mut output = Output::stdout();
    if global.json {
        output.json(&finished)?;
        return Ok(());
    }
    output.line(format!(
        "{}: epoch {} of {} kept, {:.0} s",
        finished.folder.display(),
        finished.best_epoch,
        finished.epochs,
        finished.seconds
    ))?;
    if let Some(validation) = &finished.validation {
        scores::print_scores(validation, &mut output)?;
    }
    Ok(())
}

/// `NAME=WEIGHT`.
fn head_weight(text: &str) -> Result<(String, f64), String> {
    let (name, weight) = text.split_once('=').ok_or("expected NAME=WEIGHT")?;
    if !is_name(name) {
        return Err(format!("{name:?} is no name of a head"));
    }
    Ok((name.to_owned(), positive(weight)?))
}

/// A flag that the first Ctrl-C sets; the second one ends the process as usual.
#[expect(clippy::exit, reason = "who presses Ctrl-C twice does not want to wait for the training")]
fn stop_on_interrupt() -> Arc<AtomicBool> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    std::thread::spawn(move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_io().build() else { return };
        while runtime.block_on(tokio::signal::ctrl_c()).is_ok() {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            eprintln!("stopping after this step; press Ctrl-C again to end at once");
        }
    });
    stop
}

/// Draws the progress on standard error.
struct Progress {
    bar: ProgressBar,
    begin: Instant,
    rows: usize,
    loss: Option<f64>,
    quiet: bool,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(0) };
        Self { bar, begin: Instant::now(), rows: 0, loss: None, quiet }
    }

    fn show(&mut self, event: &Event<'_>) {
        match event {
            Event::Start(start) => self.start(start),
            Event::Step(step) => self.step(step),
            Event::Epoch(epoch) => self.epoch(epoch),
        }
    }

    fn note(&self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| eprintln!("{text}"));
        }
    }

    fn start(&mut self, start: &Start) {
        self.note(&format!(
            "{} rows to train on, {} to validate with, {}, {} steps",
            start.rows,
            start.validation_rows,
            start
                .heads
                .iter()
                .map(|(head, labels)| format!("{labels} labels of {head}"))
                .collect::<Vec<_>>()
                .join(", "),
            start.steps
        ));
        if let Some(first) = start.single_labels.first() {
            let others = match start.single_labels.len() - 1 {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            self.bar.suspend(|| {
                tracing::warn!("a label that no other row has cannot be checked, only learnt: {first}{others}");
            });
        }
        if let Some(notice) = &start.notice {
            self.note(notice);
        }
        if start.shared > 0 {
            let rows = if start.shared == 1 { "row is" } else { "rows are" };
            self.bar.suspend(|| {
                tracing::warn!(
                    "{} validation {rows} also trained on: the scores look better than they are",
                    start.shared
                );
            });
        }
        if start.duplicates + start.unlabelled > 0 {
            self.note(&format!(
                "left out: {} duplicates, {} rows without text or label",
                start.duplicates, start.unlabelled
            ));
        }
        for conflict in start.conflicts.iter().take(10) {
            self.note(&format!("conflict: kept {}, left out {}: {}", conflict.kept, conflict.dropped, conflict.text));
        }
        if start.conflicts.len() > 10 {
            self.note(&format!("and {} conflicts more", start.conflicts.len() - 10));
        }
        self.bar.set_draw_target(if self.quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() });
        self.bar.set_length(start.steps as u64);
        self.bar.set_position(start.steps_done as u64);
        self.bar.reset_eta();
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} steps  {msg}  {eta} left") {
            self.bar.set_style(style);
        }
        self.begin = Instant::now();
    }

    #[expect(clippy::cast_precision_loss, reason = "a speed needs three digits")]
    fn step(&mut self, step: &Step) {
        self.rows += step.rows;
        let loss = self.loss.map_or(step.loss, |before| 0.95 * before + 0.05 * step.loss);
        self.loss = Some(loss);
        let speed = self.rows as f64 / self.begin.elapsed().as_secs_f64();
        self.bar.set_message(format!("epoch {}  loss {loss:.4}  {speed:.0} samples/s", step.epoch));
        self.bar.inc(1);
    }

    fn epoch(&mut self, epoch: &Epoch) {
        let scores = epoch
            .heads
            .iter()
            .map(|scores| format!("  {} accuracy {:.4}  F1 {:.4}", scores.head, scores.accuracy, scores.f1_macro));
        self.note(&format!(
            "epoch {}  loss {:.4}{}{}  {:.0} s",
            epoch.epoch,
            epoch.train_loss,
            scores.collect::<String>(),
            if epoch.kept { "" } else { "  (an earlier one is better)" },
            epoch.seconds
        ));
    }
}

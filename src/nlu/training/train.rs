//! The training loop: which rows, which steps, when to stop, which weights are saved.
//!
//! The same data, settings and device give the same result, and the folder holds either the old model or the finished new one.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::Serialize;

use crate::NluError;
use crate::data::batching::{Row, batches, class_weights};
use crate::data::dataset::Dataset;
use crate::evaluation::metrics::{Outcome, report};
use crate::model::config::ModelConfig;
use crate::model::convert::{fresh_classifiers, read_config, read_encoder};
use crate::model::inspect::FileInfo;
use crate::model::labels::{Head, Labels};
use crate::model::loaded::probabilities;
use crate::model::location::{ModelLocation, WEIGHTS};
use crate::model::scores::Scores;
use crate::model::tokenizer::Tokenizer;
use crate::model::vocabulary::Vocabulary;
use crate::model::weights::Weights;
use crate::serving::device::{ComputeDevice, find_device};
use crate::serving::verify::verified_for_training;
use crate::training::batches::{Batch, Batches, Preparer};
use crate::training::checkpoint::{self, Best, Progress};
use crate::training::finish::{Finished, Trained, finish};
use crate::training::learner::{Figures, Learner, Losses};
use crate::training::optimizer::{AdamW, Settings};
use crate::training::prototype::init_classifiers;
use crate::training::rows::{Rows, augment, encode, fingerprint, read_data, shared_texts};
use crate::training::schedule::{as_good, learning_rate, planned_epochs, schedule};
use crate::training::settings::{Epoch, Event, HeadScores, Start, Step, TrainOptions};

/// Trains a model and writes its folder.
///
/// `observe` is called for every step; a true `stop` ends the training after the current step, with a checkpoint.
///
/// # Errors
/// Data that cannot be trained on, a base model that cannot be read, a loss that is not finite, a folder that cannot
/// be written, or [`NluError::Interrupted`].
pub fn train(
    options: &TrainOptions,
    observe: &mut dyn FnMut(Event<'_>),
    stop: &AtomicBool,
) -> Result<Finished, NluError> {
    train_on(options, find_device(options.device)?, observe, stop)
}

/// The same on a device that is there.
pub(crate) fn train_on(
    options: &TrainOptions,
    device: ComputeDevice,
    observe: &mut dyn FnMut(Event<'_>),
    stop: &AtomicBool,
) -> Result<Finished, NluError> {
    let mut run = Run::prepare(options, device)?;
    observe(Event::Start(&run.start));
    let mut log = run.open_log()?;
    run.since = Instant::now();
    while run.progress.epoch < run.epochs && run.bad_epochs() < run.patience {
        let loss = run.epoch(observe, stop, &mut log)?;
        let reports = run.validate()?;
        let epoch = run.close_epoch(loss, reports)?;
        write_line(&mut log, &epoch, &run.options.out)?;
        observe(Event::Epoch(&epoch));
    }
    let finished = run.finish()?;
    checkpoint::remove(&options.out)?;
    Ok(finished)
}

/// A running training.
struct Run<'a> {
    options: &'a TrainOptions,
    config: ModelConfig,
    labels: Labels,
    learner: Learner,
    optimizer: AdamW,
    /// Holds the training rows.
    preparer: Arc<Preparer>,
    validation_rows: Vec<Row>,
    train: Dataset,
    validation: Dataset,
    vocabulary: Vocabulary,
    best: Option<Weights>,
    progress: Progress,
    epochs: usize,
    patience: usize,
    start: Start,
    base_hash: String,
    /// The time from here on is not yet in `progress`.
    since: Instant,
    /// Steps whose figures are not known yet, and since when they run. On a card they are read some steps later.
    unread: VecDeque<Unread>,
    lap: Instant,
}

/// What is known of a step when it begins.
struct Unread {
    step: usize,
    lr: f64,
    rows: usize,
}

/// Peak learning rate for an encoder in a folder.
///
/// # Errors
/// Its settings cannot be read.
pub fn default_learning_rate(base: &ModelLocation) -> Result<f64, NluError> {
    read_config(base, None).map(|(config, _)| crate::training::schedule::default_learning_rate(config.dim))
}

impl<'a> Run<'a> {
    fn prepare(options: &'a TrainOptions, device: ComputeDevice) -> Result<Self, NluError> {
        let Rows { train, validation, labels, single_labels } = read_data(options)?;
        let (mut config, mut weights) = read_encoder(&options.base, options.pooling)?;
        if let Some(rate) = options.dropout {
            (config.dropout, config.attention_dropout, config.classifier_dropout) = (rate, rate, rate);
        }
        config.calibrate(BTreeMap::new(), None);
        let base_hash = FileInfo::of(&options.base, WEIGHTS)?.sha256;
        let longest = options.max_tokens.clamp(3, config.max_position_embeddings);
        let tokenizer =
            Tokenizer::read(&options.base, config.vocab_size, longest)?.transliterating(config.transliterate);
        let mut rows = encode(&tokenizer, &train, &labels)?;
        let per_epoch = rows.len().div_ceil(options.batch_size).div_ceil(options.accumulate);
        let epochs = options.epochs.unwrap_or_else(|| planned_epochs(per_epoch));
        augment(&tokenizer, &train, &mut rows, epochs, options)?;
        let mut validation_rows = encode(&tokenizer, &validation, &labels)?;
        let vocabulary = Vocabulary::shrink(&mut weights, &config, &mut rows, &mut validation_rows)?;
        fresh_classifiers(&mut weights, config.dim, &labels, options.seed);
        let located = verified_for_training(device, &config, &weights, &labels, &rows)?;
        let weights_of = |(at, (_, labels)): (usize, &(String, usize))| {
            let truths: Vec<Option<usize>> = rows.iter().map(|row| row.labels[at]).collect();
            class_weights(&truths, *labels, options.balanced)
        };
        let sizes = labels.sizes();
        let class_weights = sizes.iter().enumerate().map(weights_of).collect();
        let head_weight = |head: &Head| options.head_weights.get(&head.name).copied().unwrap_or(1.0);
        let head_weights = labels.heads.iter().map(head_weight).collect();
        #[expect(clippy::cast_possible_truncation, reason = "settings need no more digits than an `f32` has")]
        let label_smoothing = options.label_smoothing as f32;
        #[expect(clippy::cast_possible_truncation, reason = "settings need no more digits than an `f32` has")]
        let mut optimizer = AdamW::new(Settings {
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            weight_decay: options.weight_decay as f32,
            clip: options.clip as f32,
        });
        let fingerprint = fingerprint(options, &base_hash, &train, &validation);
        let mut progress = Progress { fingerprint, epoch: 0, batches: 0, steps: 0, best: None, seconds: 0.0 };
        let mut best = None;
        if options.resume {
            let (found, mut saved) = checkpoint::load(&options.out, &progress.fingerprint)?;
            optimizer.restore(&mut saved, found.steps);
            if found.best.is_some() {
                best = Some(checkpoint::load_best(&options.out)?);
            }
            progress = found;
            weights = saved;
        } else {
            init_classifiers(&mut weights, &config, (options.computation, &located), &rows, &labels)?;
        }
        let learner =
            Learner::new((options.computation, located.card), &config, vocabulary.rows(), &sizes, &mut weights)?;
        let start = Start {
            rows: rows.len(),
            validation_rows: validation_rows.len(),
            duplicates: train.duplicates,
            conflicts: train.conflicts.clone(),
            unlabelled: train.unlabelled,
            heads: sizes,
            single_labels,
            steps: per_epoch * epochs,
            steps_done: progress.steps,
            all_rows: rows.len() * epochs,
            shared: shared_texts(&train, &validation),
            notice: located.notice,
        };
        Ok(Self {
            options,
            config,
            labels,
            learner,
            optimizer,
            preparer: Arc::new(Preparer { rows, class_weights, head_weights, label_smoothing }),
            validation_rows,
            train,
            validation,
            vocabulary,
            best,
            progress,
            epochs,
            patience: options.patience.unwrap_or_else(|| (epochs / 3).max(3)).max(1),
            start,
            base_hash,
            since: Instant::now(),
            unread: VecDeque::new(),
            lap: Instant::now(),
        })
    }

    fn open_log(&self) -> Result<File, NluError> {
        let out = &self.options.out;
        std::fs::create_dir_all(out).map_err(|error| NluError::io(out, error))?;
        let path = out.join("metrics.jsonl");
        let file = if self.options.resume {
            File::options().append(true).create(true).open(&path)
        } else {
            File::create(&path)
        };
        file.map_err(|error| NluError::io(&path, error))
    }

    /// The rest of the current epoch; returns the mean loss of its steps.
    fn epoch(
        &mut self,
        observe: &mut dyn FnMut(Event<'_>),
        stop: &AtomicBool,
        log: &mut File,
    ) -> Result<f64, NluError> {
        for row in &mut Arc::make_mut(&mut self.preparer).rows {
            if let Some(ids) = row.augmented.get(self.progress.epoch) {
                row.ids.clone_from(ids);
            }
        }
        let lengths: Vec<usize> = self.preparer.rows.iter().map(|row| row.ids.len()).collect();
        let batches = batches(&lengths, self.options.batch_size, self.options.seed, self.progress.epoch);
        let rest = batches[self.progress.batches.min(batches.len())..].chunks(self.options.accumulate);
        let mut rest = Batches::new(&self.preparer, rest.map(<[_]>::to_vec).collect(), self.learner.is_on_card())?;
        let (mut losses, mut steps) = (0.0, 0);
        let mut report = |(finished, failure): (Vec<Step>, Option<NluError>)| {
            for step in finished {
                losses += step.loss;
                steps += 1;
                write_line(log, &step, &self.options.out)?;
                observe(Event::Step(&step));
            }
            failure.map_or(Ok(()), Err)
        };
        loop {
            if stop.load(Ordering::Relaxed) {
                let figures = self.learner.figures(true)?;
                report(self.finished(figures))?;
                self.add_time();
                self.save_checkpoint()?;
                let checkpoint = checkpoint::folder(&self.options.out);
                return Err(NluError::Interrupted { step: self.progress.steps, checkpoint });
            }
            let Some(group) = rest.next()? else { break };
            report(self.step(&group)?)?;
            self.progress.batches += group.len();
        }
        let figures = self.learner.figures(true)?;
        report(self.finished(figures))?;
        Ok(losses / f64::from(steps.max(1)))
    }

    /// One optimizer step over a few batches; returns the steps whose figures are known now.
    fn step(&mut self, group: &[Batch]) -> Result<(Vec<Step>, Option<NluError>), NluError> {
        if self.unread.is_empty() {
            self.lap = Instant::now();
        }
        let number = self.progress.steps;
        let mut losses = Losses::default();
        for (at, batch) in group.iter().enumerate() {
            let stream = (number * self.options.accumulate + at) as u64;
            let ids: Vec<&[u32]> = batch.ids.iter().map(Vec::as_slice).collect();
            losses.add(&self.learner.accumulate_gradients(&ids, &batch.objective, self.options.seed, stream)?);
        }
        let rate = schedule(number, self.start.steps, self.options.warmup);
        let (options, layers) = (self.options, self.config.n_layers);
        let rates = |name: &str| rate * learning_rate(options, layers, name);
        let norm = self.learner.update(&mut self.optimizer, rates);
        self.progress.steps += 1;
        let rows = group.iter().map(|batch| batch.ids.len()).sum();
        self.unread.push_back(Unread { step: self.progress.steps, lr: rate * options.lr, rows });
        let figures = match norm {
            Some(gradient_norm) => vec![Figures { losses, gradient_norm }],
            None => self.learner.figures(false)?,
        };
        Ok(self.finished(figures))
    }

    /// The steps that figures have come of, in their order, and why there are no more where one is not finite.
    fn finished(&mut self, figures: Vec<Figures>) -> (Vec<Step>, Option<NluError>) {
        #[expect(clippy::cast_precision_loss, reason = "a few steps")]
        let seconds = self.lap.elapsed().as_secs_f64() / figures.len().max(1) as f64;
        let mut steps = Vec::with_capacity(figures.len());
        let begun = self.unread.drain(..figures.len().min(self.unread.len()));
        for (Figures { losses, gradient_norm }, Unread { step, lr, rows }) in figures.into_iter().zip(begun) {
            if !losses.total.is_finite() || !gradient_norm.is_finite() {
                let failure = NluError::training(
                    format!("the loss is {} and the gradient's norm {gradient_norm} at step {step}", losses.total),
                    "lower --lr; what was learned up to the last epoch is in the checkpoint",
                );
                return (steps, Some(failure));
            }
            let (epoch, loss) = (self.progress.epoch + 1, losses.total);
            let losses = self.labels.heads.iter().zip(&losses.heads).filter_map(by_name).collect();
            steps.push(Step { step, epoch, loss, losses, lr, gradient_norm, rows, seconds });
        }
        (steps, None)
    }

    /// Scores of the heads on the validation rows.
    fn validate(&mut self) -> Result<Vec<HeadScores>, NluError> {
        let results = score_rows(&mut self.learner, &self.validation_rows)?;
        Ok(head_scores(&self.labels, &self.validation_rows, &results))
    }

    /// Epochs since the one with the highest score.
    fn bad_epochs(&self) -> usize {
        self.progress.best.map_or(0, |best| self.progress.epoch.saturating_sub(best.epoch + 1))
    }

    fn close_epoch(&mut self, train_loss: f64, heads: Vec<HeadScores>) -> Result<Epoch, NluError> {
        self.add_time();
        #[expect(clippy::cast_precision_loss, reason = "a few heads")]
        let score =
            (!heads.is_empty()).then(|| heads.iter().map(|scores| scores.f1_macro).sum::<f64>() / heads.len() as f64);
        let current = Best { score: score.unwrap_or(0.0), epoch: self.progress.epoch, kept: self.progress.epoch };
        // Without validation rows the last epoch counts as the best.
        let (best, replaces) = match (score, self.progress.best) {
            (Some(score), Some(before)) => {
                let replaces = as_good(score, before.score, self.validation_rows.len());
                let best = if score > before.score { current } else { before };
                (Best { kept: if replaces { current.kept } else { before.kept }, ..best }, replaces)
            }
            _ => (current, true),
        };
        self.progress.best = Some(best);
        if replaces {
            let weights = self.learner.export(&self.options.out)?;
            checkpoint::save_best(&self.options.out, &weights)?;
            self.best = Some(weights);
        }
        self.progress.epoch += 1;
        self.progress.batches = 0;
        self.save_checkpoint()?;
        Ok(Epoch {
            epoch: self.progress.epoch,
            train_loss,
            score,
            heads,
            kept: replaces,
            seconds: self.progress.seconds,
        })
    }

    /// Adds the time since the last call to the progress.
    fn add_time(&mut self) {
        self.progress.seconds += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
    }

    fn save_checkpoint(&self) -> Result<(), NluError> {
        let mut weights = self.learner.export(&self.options.out)?;
        self.learner.save_moments(&self.optimizer, &mut weights)?;
        checkpoint::save(&self.options.out, &self.progress, weights)
    }

    /// Writes the folder with the weights of the best epoch.
    fn finish(self) -> Result<Finished, NluError> {
        let Self { options, config, labels, learner, optimizer, preparer, train, validation, vocabulary, .. } = self;
        let progress = self.progress;
        let mut weights = self.best.map_or_else(|| learner.export(&options.out), Ok)?;
        // `finish` loads the model again to score it: the memory of the training is freed before.
        drop((learner, optimizer, preparer));
        vocabulary.grow(&mut weights, &config);
        finish(&Trained {
            options,
            config: &config,
            labels: &labels,
            weights,
            train: &train,
            validation: &validation,
            start: &self.start,
            best_epoch: progress.best.map_or(0, |best| best.kept + 1),
            epochs: progress.epoch,
            seconds: progress.seconds,
            base_hash: &self.base_hash,
        })
    }
}

/// Logits of rows, in their order.
fn score_rows(learner: &mut Learner, rows: &[Row]) -> Result<Vec<Scores>, NluError> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| rows[*row].ids.len());
    let mut results = vec![Scores::new(); rows.len()];
    for group in order.chunks(32) {
        let ids: Vec<&[u32]> = group.iter().map(|row| rows[*row].ids.as_slice()).collect();
        for (row, one) in group.iter().zip(learner.scores(&ids)?) {
            results[*row] = one;
        }
    }
    Ok(results)
}

/// The scores of the heads that rows have labels of.
fn head_scores(labels: &Labels, rows: &[Row], results: &[Scores]) -> Vec<HeadScores> {
    let outcome = |truth: Option<usize>, logits: &[f32]| {
        let probabilities = probabilities(logits, 1.0);
        let (predicted, confidence) = probabilities.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Outcome { truth: truth?, predicted, confidence })
    };
    let scores = |(at, head): (usize, &Head)| {
        let outcomes: Vec<Outcome> =
            rows.iter().zip(results).filter_map(|(row, one)| outcome(row.labels[at], &one[at])).collect();
        let report = report(&head.labels, &outcomes)?;
        Some(HeadScores { head: head.name.clone(), accuracy: report.accuracy, f1_macro: report.f1_macro })
    };
    labels.heads.iter().enumerate().filter_map(scores).collect()
}

/// The loss of a head under its name, where the rows had labels of it.
fn by_name((head, loss): (&Head, &Option<f64>)) -> Option<(String, f64)> {
    Some((head.name.clone(), (*loss)?))
}

fn write_line(log: &mut File, value: &impl Serialize, out: &Path) -> Result<(), NluError> {
    let mut line = serde_json::to_string(value).map_err(|error| NluError::Internal(error.to_string()))?;
    line.push('\n');
    log.write_all(line.as_bytes()).map_err(|error| NluError::io(&out.join("metrics.jsonl"), error))
}

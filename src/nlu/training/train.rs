//! The training loop: which rows, which steps, when to stop, which weights are saved.
//!
//! The same data, settings and device give the same result, and the folder holds either the old model or the finished new one.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::NluError;
use crate::data::augment::with_typos;
use crate::data::batching::{Row, batches, class_weights, targets};
use crate::data::dataset::{Dataset, Example};
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
use crate::packed::Objective;
use crate::serving::device::find_device;
use crate::training::checkpoint::{self, Best, Progress};
use crate::training::finish::{Finished, Trained, finish};
use crate::training::learner::{Learner, Losses};
use crate::training::optimizer::{AdamW, Settings};
use crate::training::prototype::init_classifiers;
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
    let mut run = Run::prepare(options)?;
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
    rows: Vec<Row>,
    validation_rows: Vec<Row>,
    train: Dataset,
    validation: Dataset,
    /// Of each head.
    class_weights: Vec<Vec<f32>>,
    vocabulary: Vocabulary,
    best: Option<Weights>,
    progress: Progress,
    epochs: usize,
    patience: usize,
    start: Start,
    base_hash: String,
    /// The time from here on is not yet in `progress`.
    since: Instant,
}

/// Peak learning rate for an encoder in a folder.
///
/// # Errors
/// Its settings cannot be read.
pub fn default_learning_rate(base: &ModelLocation) -> Result<f64, NluError> {
    read_config(base, None).map(|(config, _)| crate::training::schedule::default_learning_rate(config.dim))
}

impl<'a> Run<'a> {
    fn prepare(options: &'a TrainOptions) -> Result<Self, NluError> {
        let located = find_device(options.device)?;
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
        let weights_of = |(at, (_, labels)): (usize, &(String, usize))| {
            let truths: Vec<Option<usize>> = rows.iter().map(|row| row.labels[at]).collect();
            class_weights(&truths, *labels, options.balanced)
        };
        let sizes = labels.sizes();
        let class_weights = sizes.iter().enumerate().map(weights_of).collect();
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
            rows,
            validation_rows,
            train,
            validation,
            class_weights,
            vocabulary,
            best,
            progress,
            epochs,
            patience: options.patience.unwrap_or_else(|| (epochs / 3).max(3)).max(1),
            start,
            base_hash,
            since: Instant::now(),
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
        for row in &mut self.rows {
            if let Some(ids) = row.augmented.get(self.progress.epoch) {
                row.ids.clone_from(ids);
            }
        }
        let lengths: Vec<usize> = self.rows.iter().map(|row| row.ids.len()).collect();
        let batches = batches(&lengths, self.options.batch_size, self.options.seed, self.progress.epoch);
        let (mut losses, mut steps) = (0.0, 0);
        for group in batches[self.progress.batches.min(batches.len())..].chunks(self.options.accumulate) {
            if stop.load(Ordering::Relaxed) {
                self.add_time();
                self.save_checkpoint()?;
                let checkpoint = checkpoint::folder(&self.options.out);
                return Err(NluError::Interrupted { step: self.progress.steps, checkpoint });
            }
            let step = self.step(group)?;
            self.progress.batches += group.len();
            losses += step.loss;
            steps += 1;
            write_line(log, &step, &self.options.out)?;
            observe(Event::Step(&step));
        }
        Ok(losses / f64::from(steps.max(1)))
    }

    /// One optimizer step over a few batches.
    fn step(&mut self, group: &[Vec<usize>]) -> Result<Step, NluError> {
        let begin = Instant::now();
        let number = self.progress.steps;
        let mut losses = Losses::default();
        for (at, batch) in group.iter().enumerate() {
            let stream = (number * self.options.accumulate + at) as u64;
            #[expect(clippy::cast_precision_loss, reason = "a step has few batches")]
            losses.add(&self.accumulate_gradients(batch, stream, 1.0 / group.len() as f64)?);
        }
        let rate = schedule(number, self.start.steps, self.options.warmup);
        let (options, layers) = (self.options, self.config.n_layers);
        let rates = |name: &str| rate * learning_rate(options, layers, name);
        let gradient_norm = self.learner.update(&mut self.optimizer, rates);
        if !losses.total.is_finite() || !gradient_norm.is_finite() {
            return Err(NluError::training(
                format!("the loss is {} and the gradient's norm {gradient_norm} at step {}", losses.total, number + 1),
                "lower --lr; what was learned up to the last epoch is in the checkpoint",
            ));
        }
        self.progress.steps += 1;
        Ok(Step {
            step: self.progress.steps,
            epoch: self.progress.epoch + 1,
            loss: losses.total,
            losses: self.labels.heads.iter().zip(&losses.heads).filter_map(by_name).collect(),
            lr: rate * self.options.lr,
            gradient_norm,
            rows: group.iter().map(Vec::len).sum(),
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    /// Adds the gradients of one batch; `batch_weight` is its weight in the step.
    fn accumulate_gradients(&mut self, batch: &[usize], stream: u64, batch_weight: f64) -> Result<Losses, NluError> {
        let rows: Vec<&Row> = batch.iter().map(|row| &self.rows[*row]).collect();
        #[expect(clippy::cast_possible_truncation, reason = "a share needs no more digits than an `f32` has")]
        let smoothing = self.options.label_smoothing as f32;
        let of_head = |(head, weights): (usize, &Vec<f32>)| {
            targets(&rows.iter().map(|row| row.labels[head]).collect::<Vec<_>>(), weights, smoothing)
        };
        let weight = |head: &Head| self.options.head_weights.get(&head.name).copied().unwrap_or(1.0);
        let objective = Objective {
            targets: self.class_weights.iter().enumerate().map(of_head).collect(),
            weights: self.labels.heads.iter().map(weight).collect(),
            batch_weight,
        };
        let ids: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
        self.learner.accumulate_gradients(&ids, &objective, self.options.seed, stream)
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
            let weights = self.learner.export(&self.options.out);
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
        let mut weights = self.learner.export(&self.options.out);
        self.optimizer.save(&mut weights);
        checkpoint::save(&self.options.out, &self.progress, weights)
    }

    /// Writes the folder with the weights of the best epoch.
    fn finish(self) -> Result<Finished, NluError> {
        let Self { options, config, labels, learner, optimizer, rows, train, validation, vocabulary, progress, .. } =
            self;
        let mut weights = self.best.unwrap_or_else(|| learner.export(&options.out));
        // `finish` loads the model again to score it: the memory of the training is freed before.
        drop((learner, optimizer, rows));
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

/// What a training works on.
struct Rows {
    train: Dataset,
    validation: Dataset,
    labels: Labels,
    single_labels: Vec<String>,
}

/// Reads, cleans and splits the rows.
fn read_data(options: &TrainOptions) -> Result<Rows, NluError> {
    let mut train = Dataset::read(&options.data, &options.columns)?;
    train.deduplicate();
    let (labels, single_labels) = (train.labels()?, train.single_labels());
    if !options.validation.is_empty() {
        let heads = labels.heads.iter().map(|head| head.name.as_str());
        let validation = Dataset::read(&options.validation, &options.columns.for_heads(heads))?;
        return Ok(Rows { train, validation, labels, single_labels });
    }
    let (rows, aside) = train.split(options.val_split, options.seed);
    let pick = |rows: &[usize]| rows.iter().map(|row| train.examples[*row].clone()).collect();
    let (heads, files) = (train.heads.clone(), train.files.clone());
    let validation = Dataset { heads, examples: pick(&aside), files, ..Dataset::default() };
    train.examples = pick(&rows);
    Ok(Rows { train, validation, labels, single_labels })
}

/// Validation rows whose text is trained on as well: they make the scores look better than they are.
fn shared_texts(train: &Dataset, validation: &Dataset) -> usize {
    let known: HashSet<&str> = train.examples.iter().map(|row| row.text.as_str()).collect();
    validation.examples.iter().filter(|row| known.contains(row.text.as_str())).count()
}

fn encode(tokenizer: &Tokenizer, dataset: &Dataset, labels: &Labels) -> Result<Vec<Row>, NluError> {
    let number = |row: &Example, head: &Head| match dataset.label(row, &head.name) {
        None => Ok(None),
        Some(label) => head.labels.iter().position(|one| one == label).map(Some).ok_or_else(|| {
            NluError::data(
                format!("{}: label {label:?} does not occur in the training rows", dataset.place(row)),
                "add training rows with it, or remove it from the validation file",
            )
        }),
    };
    dataset
        .examples
        .par_iter()
        .map(|row| {
            Ok(Row {
                ids: tokenizer.encode(&row.text)?,
                augmented: Vec::new(),
                labels: labels.heads.iter().map(|head| number(row, head)).collect::<Result<_, _>>()?,
            })
        })
        .collect()
}

/// Adds the training rows with misspellings of each epoch.
fn augment(
    tokenizer: &Tokenizer,
    train: &Dataset,
    rows: &mut [Row],
    epochs: usize,
    options: &TrainOptions,
) -> Result<(), NluError> {
    if options.augment == 0.0 {
        return Ok(());
    }
    rows.par_iter_mut().zip(&train.examples).enumerate().try_for_each(|(number, (row, example))| {
        let seed = |epoch| options.seed ^ ((number * epochs + epoch) as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let encode = |epoch| tokenizer.encode(&with_typos(&example.text, options.augment, seed(epoch)));
        row.augmented = (0..epochs).map(encode).collect::<Result<_, _>>()?;
        Ok(())
    })
}

fn fingerprint(options: &TrainOptions, base: &str, train: &Dataset, validation: &Dataset) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_string(options).unwrap_or_default());
    hash.update(base);
    for dataset in [train, validation] {
        hash.update(format!("{:?}", dataset.heads));
        for row in &dataset.examples {
            hash.update(format!("{:?}", (&row.text, &row.labels)));
        }
    }
    format!("{:x}", hash.finalize())
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

//! Decides how a model is trained: which rows, which steps, when to stop, what is kept.
//!
//! It must never leave a folder without either the old model or the finished new one, and never give another result
//! for the same data, settings and device.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::NluError;
use super::augment::retyped;
use super::batching::{Row, batches, class_weights, targets};
use super::checkpoint::{self, Best, Progress};
use super::config::ModelConfig;
use super::convert::{fresh_classifiers, read_config, read_encoder};
use super::dataset::{Dataset, Example};
use super::device::locate;
use super::finish::{Finished, Trained, finish};
use super::inspect::describe_file;
use super::labels::Labels;
use super::learner::{Learner, Losses};
use super::metrics::{Outcome, TaskReport, report};
use super::model::{Scores, probabilities};
use super::optimizer::{AdamW, Settings};
use super::packed::Objective;
use super::prototype::put_classifiers;
use super::schedule::{as_good, learning_rate, planned_epochs, schedule};
use super::settings::{Epoch, Event, Start, Step, TrainOptions};
use super::tokenizer::Tokenizer;
use super::vocabulary::Vocabulary;
use super::weights::Weights;

/// Trains a model and writes its folder.
///
/// `observe` hears of every step; a true `stop` ends the training after the step under way, with a checkpoint.
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
    let finished = run.conclude()?;
    checkpoint::remove(&options.out)?;
    Ok(finished)
}

/// A training under way.
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
    class_weights: (Vec<f32>, Vec<f32>),
    vocabulary: Vocabulary,
    best: Option<Weights>,
    progress: Progress,
    epochs: usize,
    patience: usize,
    start: Start,
    base_hash: String,
    /// Since when time is not yet in `progress`.
    since: Instant,
}

/// Peak learning rate that suits the encoder in a folder.
///
/// # Errors
/// The folder's settings cannot be read.
pub fn usual_rate(base: &Path) -> Result<f64, NluError> {
    read_config(base, None).map(|(config, _)| super::schedule::usual_rate(config.dim))
}

impl<'a> Run<'a> {
    fn prepare(options: &'a TrainOptions) -> Result<Self, NluError> {
        let located = locate(options.device)?;
        let (train, validation, labels) = read_data(options)?;
        let (mut config, mut weights) = read_encoder(&options.base, options.pooling)?;
        if let Some(rate) = options.dropout {
            (config.dropout, config.attention_dropout, config.classifier_dropout) = (rate, rate, rate);
        }
        (config.intent_temperature, config.sentiment_temperature, config.abstain_below) = (1.0, 1.0, None);
        let base_hash = describe_file(&options.base.join("model.safetensors"))?.sha256;
        let longest = options.max_tokens.clamp(3, config.max_position_embeddings);
        let tokenizer = Tokenizer::read(&options.base, config.vocab_size, longest)?;
        let mut rows = encode(&tokenizer, &train, &labels)?;
        let per_epoch = rows.len().div_ceil(options.batch_size).div_ceil(options.accumulate);
        let epochs = options.epochs.unwrap_or_else(|| planned_epochs(per_epoch));
        retype(&tokenizer, &train, &mut rows, epochs, options)?;
        let mut validation_rows = encode(&tokenizer, &validation, &labels)?;
        let vocabulary = Vocabulary::shrink(&mut weights, &config, &mut rows, &mut validation_rows)?;
        fresh_classifiers(&mut weights, config.dim, &labels, options.seed);
        let column = |pick: fn(&Row) -> Option<usize>| rows.iter().map(pick).collect::<Vec<_>>();
        let class_weights = (
            class_weights(&column(|row| row.intent), labels.intents.len(), options.balanced),
            class_weights(&column(|row| row.sentiment), labels.sentiments.len(), options.balanced),
        );
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
            put_classifiers(&mut weights, &config, (options.computation, &located), &rows, &labels)?;
        }
        let counts = (labels.intents.len(), labels.sentiments.len());
        let learner =
            Learner::new((options.computation, located.card), &config, vocabulary.rows(), counts, &mut weights)?;
        let start = Start {
            rows: rows.len(),
            validation_rows: validation_rows.len(),
            duplicates: train.duplicates,
            conflicts: train.conflicts.clone(),
            unlabelled: train.unlabelled,
            intents: counts.0,
            sentiments: counts.1,
            steps: per_epoch * epochs,
            steps_done: progress.steps,
            all_rows: rows.len() * epochs,
            shared: shared(&train, &validation),
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

    /// The rest of the epoch under way; returns the mean loss of its steps.
    fn epoch(
        &mut self,
        observe: &mut dyn FnMut(Event<'_>),
        stop: &AtomicBool,
        log: &mut File,
    ) -> Result<f64, NluError> {
        for row in &mut self.rows {
            if let Some(typed) = row.typed.get(self.progress.epoch) {
                row.ids.clone_from(typed);
            }
        }
        let lengths: Vec<usize> = self.rows.iter().map(|row| row.ids.len()).collect();
        let batches = batches(&lengths, self.options.batch_size, self.options.seed, self.progress.epoch);
        let (mut losses, mut steps) = (0.0, 0);
        for group in batches[self.progress.batches.min(batches.len())..].chunks(self.options.accumulate) {
            if stop.load(Ordering::Relaxed) {
                self.note_time();
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
            losses.add(&self.learn(batch, stream, 1.0 / group.len() as f64)?);
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
            intent_loss: losses.intent,
            sentiment_loss: losses.sentiment,
            lr: rate * self.options.lr,
            gradient_norm,
            rows: group.iter().map(Vec::len).sum(),
            seconds: begin.elapsed().as_secs_f64(),
        })
    }

    /// Adds the gradients of one batch; `share` is its weight in the step.
    fn learn(&mut self, batch: &[usize], stream: u64, share: f64) -> Result<Losses, NluError> {
        let rows: Vec<&Row> = batch.iter().map(|row| &self.rows[*row]).collect();
        let smoothing = self.options.label_smoothing as f32;
        let column = |pick: fn(&Row) -> Option<usize>| rows.iter().map(|row| pick(row)).collect::<Vec<_>>();
        let objective = Objective {
            targets: [
                targets(&column(|row| row.intent), &self.class_weights.0, smoothing),
                targets(&column(|row| row.sentiment), &self.class_weights.1, smoothing),
            ],
            weights: [self.options.intent_weight, self.options.sentiment_weight],
            share,
        };
        let ids: Vec<&[u32]> = rows.iter().map(|row| row.ids.as_slice()).collect();
        self.learner.learn(&ids, &objective, self.options.seed, stream)
    }

    /// Figures of both tasks on the validation rows.
    fn validate(&mut self) -> Result<(Option<TaskReport>, Option<TaskReport>), NluError> {
        let results = score_rows(&mut self.learner, &self.validation_rows)?;
        Ok(task_reports(&self.labels, &self.validation_rows, &results))
    }

    /// Epochs since the one with the highest score.
    fn bad_epochs(&self) -> usize {
        self.progress.best.map_or(0, |best| self.progress.epoch.saturating_sub(best.epoch + 1))
    }

    fn close_epoch(
        &mut self,
        train_loss: f64,
        (intent, sentiment): (Option<TaskReport>, Option<TaskReport>),
    ) -> Result<Epoch, NluError> {
        self.note_time();
        let parts: Vec<f64> = [&intent, &sentiment].into_iter().flatten().map(|report| report.f1_macro).collect();
        let score = (!parts.is_empty()).then(|| parts.iter().sum::<f64>() / parts.len() as f64);
        let this = Best { score: score.unwrap_or(0.0), epoch: self.progress.epoch, kept: self.progress.epoch };
        // Without validation rows the last epoch is the best there is.
        let (best, kept) = match (score, self.progress.best) {
            (Some(score), Some(before)) => {
                let kept = as_good(score, before.score, self.validation_rows.len());
                let best = if score > before.score { this } else { before };
                (Best { kept: if kept { this.kept } else { before.kept }, ..best }, kept)
            }
            _ => (this, true),
        };
        self.progress.best = Some(best);
        if kept {
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
            intent_accuracy: intent.as_ref().map(|report| report.accuracy),
            intent_f1_macro: intent.as_ref().map(|report| report.f1_macro),
            sentiment_accuracy: sentiment.as_ref().map(|report| report.accuracy),
            sentiment_f1_macro: sentiment.as_ref().map(|report| report.f1_macro),
            kept,
            seconds: self.progress.seconds,
        })
    }

    /// Adds the time since it was last called.
    fn note_time(&mut self) {
        self.progress.seconds += self.since.elapsed().as_secs_f64();
        self.since = Instant::now();
    }

    fn save_checkpoint(&self) -> Result<(), NluError> {
        let mut weights = self.learner.export(&self.options.out);
        self.optimizer.save(&mut weights);
        checkpoint::save(&self.options.out, &self.progress, weights)
    }

    /// Writes the folder of the kept epoch.
    fn conclude(self) -> Result<Finished, NluError> {
        let Self { options, config, labels, learner, optimizer, rows, train, validation, vocabulary, progress, .. } =
            self;
        let mut weights = self.best.unwrap_or_else(|| learner.export(&options.out));
        // The model is loaded once more to be measured: the training's own memory must not be there beside it.
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

/// Reads, cleans and splits the rows.
fn read_data(options: &TrainOptions) -> Result<(Dataset, Dataset, Labels), NluError> {
    let mut train = Dataset::read(&options.data, &options.columns)?;
    train.deduplicate();
    let labels = train.labels()?;
    if !options.validation.is_empty() {
        let validation = Dataset::read(&options.validation, &options.columns)?;
        return Ok((train, validation, labels));
    }
    let (kept, aside) = train.split(options.val_split, options.seed);
    let pick = |rows: &[usize]| rows.iter().map(|row| train.examples[*row].clone()).collect();
    let validation = Dataset { examples: pick(&aside), files: train.files.clone(), ..Dataset::default() };
    train.examples = pick(&kept);
    Ok((train, validation, labels))
}

/// Validation rows whose text is trained on as well: they make the scores look better than they are.
fn shared(train: &Dataset, validation: &Dataset) -> usize {
    let known: HashSet<&str> = train.examples.iter().map(|row| row.text.as_str()).collect();
    validation.examples.iter().filter(|row| known.contains(row.text.as_str())).count()
}

fn encode(tokenizer: &Tokenizer, dataset: &Dataset, labels: &Labels) -> Result<Vec<Row>, NluError> {
    let number = |row: &Example, label: &Option<String>, known: &[String]| match label {
        None => Ok(None),
        Some(label) => known.iter().position(|one| one == label).map(Some).ok_or_else(|| {
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
                typed: Vec::new(),
                intent: number(row, &row.intent, &labels.intents)?,
                sentiment: number(row, &row.sentiment, &labels.sentiments)?,
            })
        })
        .collect()
}

/// Types the training rows anew for each epoch.
fn retype(
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
        let typed = |epoch| tokenizer.encode(&retyped(&example.text, options.augment, seed(epoch)));
        row.typed = (0..epochs).map(typed).collect::<Result<_, _>>()?;
        Ok(())
    })
}

fn fingerprint(options: &TrainOptions, base: &str, train: &Dataset, validation: &Dataset) -> String {
    let mut hash = Sha256::new();
    hash.update(serde_json::to_string(options).unwrap_or_default());
    hash.update(base);
    for dataset in [train, validation] {
        for row in &dataset.examples {
            hash.update(format!("{:?}", (&row.text, &row.intent, &row.sentiment)));
        }
    }
    format!("{:x}", hash.finalize())
}

/// Logits of rows, in their order.
fn score_rows(learner: &mut Learner, rows: &[Row]) -> Result<Vec<Scores>, NluError> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| rows[*row].ids.len());
    let mut results = vec![Scores { intent: Vec::new(), sentiment: Vec::new() }; rows.len()];
    for group in order.chunks(32) {
        let ids: Vec<&[u32]> = group.iter().map(|row| rows[*row].ids.as_slice()).collect();
        for (row, one) in group.iter().zip(learner.scores(&ids)?) {
            results[*row] = one;
        }
    }
    Ok(results)
}

fn task_reports(labels: &Labels, rows: &[Row], results: &[Scores]) -> (Option<TaskReport>, Option<TaskReport>) {
    let outcome = |truth: Option<usize>, logits: &[f32]| {
        let shares = probabilities(logits, 1.0);
        let (predicted, confidence) = shares.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Outcome { truth: truth?, predicted, confidence })
    };
    let pairs = || rows.iter().zip(results);
    let intents: Vec<Outcome> = pairs().filter_map(|(row, one)| outcome(row.intent, &one.intent)).collect();
    let sentiments: Vec<Outcome> = pairs().filter_map(|(row, one)| outcome(row.sentiment, &one.sentiment)).collect();
    (report(&labels.intents, &intents), report(&labels.sentiments, &sentiments))
}

fn write_line(log: &mut File, value: &impl Serialize, out: &Path) -> Result<(), NluError> {
    let mut line = serde_json::to_string(value).map_err(|error| NluError::Fault(error.to_string()))?;
    line.push('\n');
    log.write_all(line.as_bytes()).map_err(|error| NluError::io(&out.join("metrics.jsonl"), error))
}

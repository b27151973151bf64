//! Training as a graphics card computes it, against the kernels of the processor, on `fixtures/tiny-model`.
//!
//! Each test runs on burn's CPU backend, which needs no card, and again on a card: `tests/card.sh`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;

use crate::NluError;
use crate::data::batching::targets;
use crate::data::dataset::Columns;
use crate::model::config::ModelConfig;
use crate::model::loaded::Model;
use crate::model::read_back;
use crate::model::scores::Scores;
use crate::model::weights::{Precision, Weights};
use crate::packed::Objective;
use crate::serving::device::{ComputeDevice, DeviceChoice};
use crate::training::card::CardLearner;
use crate::training::learner::{Figures, Learner, Reference};
use crate::training::optimizer::{AdamW, NamedGradients, Settings};
use crate::training::settings::{Computation, Event, TrainOptions};
use crate::training::train::train_on;

/// Held by a test that draws masks.
static ALONE: Mutex<()> = Mutex::new(());

/// The tests, each twice.
macro_rules! on_both {
    ($($name:ident)*) => {
        mod on_the_cpu {
            $(
                #[test]
                fn $name() {
                    // burn's generator of random numbers is the process's: one of these at a time.
                    let _alone = super::ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    super::$name(&burn::tensor::Device::flex());
                }
            )*
        }

        #[cfg(any(feature = "wgpu", feature = "cuda"))]
        mod on_a_card {
            $(
                #[test]
                #[ignore = "needs a Vulkan driver: tests/card.sh"]
                fn $name() { super::$name(&super::first_card()); }
            )*
        }
    };
}

on_both! {
    logits_and_gradients_are_those_of_the_processor
    ten_steps_and_a_resumed_training_are_those_of_the_processor
    no_step_reads_back
    a_gradient_that_is_not_finite_moves_nothing
    dropout_follows_the_seed
    a_batch_that_does_not_fit_is_halved
    training_learns_as_on_the_processor
}

/// The first card there is. Without one the tests on a card fail.
#[cfg(any(feature = "wgpu", feature = "cuda"))]
pub(super) fn first_card() -> Device {
    let choice = if cfg!(feature = "wgpu") { DeviceChoice::Wgpu } else { DeviceChoice::Cuda };
    let found = crate::serving::device::find_device(choice).expect("a card");
    eprintln!("{}", found.name);
    found.card.expect("a card")
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model")
}

/// The tiny model without dropout, and rows for it.
struct Sample {
    config: ModelConfig,
    labels: Vec<(String, usize)>,
    texts: Vec<Vec<u32>>,
    objective: Objective,
}

impl Sample {
    fn new() -> Self {
        let model = Model::load(folder()).expect("loaded");
        let mut config = model.config.clone();
        (config.dropout, config.attention_dropout, config.classifier_dropout) = (0.0, 0.0, 0.0);
        let texts =
            ["where is my order", "money back please", "thank you", "hello my order is late again and again", "hi"];
        let texts: Vec<_> = texts.iter().map(|text| model.tokenizer.encode(text).expect("encoded")).collect();
        let labels = model.labels.sizes();
        let head = |(head, (_, labels)): (usize, &(String, usize))| {
            let truths: Vec<_> =
                (0..texts.len()).map(|row| (row + head != 1).then_some((row + head) % labels)).collect();
            targets(&truths, &vec![1.0; *labels], 0.1)
        };
        let targets = labels.iter().enumerate().map(head).collect();
        let objective = Objective { targets, weights: vec![1.0, 0.7][..labels.len()].to_vec(), batch_weight: 0.5 };
        Self { config, labels, texts, objective }
    }

    fn texts(&self) -> Vec<&[u32]> {
        self.texts.iter().map(Vec::as_slice).collect()
    }

    fn card(&self, device: &Device) -> CardLearner {
        self.card_from(device, &mut weights())
    }

    fn card_from(&self, device: &Device, weights: &mut Weights) -> CardLearner {
        let (config, words) = (&self.config, self.config.vocab_size);
        CardLearner::new(device.clone(), config, words, &self.labels, weights).expect("loaded")
    }

    fn processor(&self) -> Learner {
        let (config, words) = (&self.config, self.config.vocab_size);
        Learner::new((Computation::Own, None), config, words, &self.labels, &mut weights()).expect("loaded")
    }
}

fn weights() -> Weights {
    Weights::read(&folder().join("model.safetensors")).expect("read")
}

/// With an epsilon large enough that rounding is not amplified.
fn optimizer() -> AdamW {
    AdamW::new(Settings { beta1: 0.9, beta2: 0.999, epsilon: 1e-2, weight_decay: 0.1, clip: 1.0 })
}

fn rate(name: &str) -> f64 {
    if name.contains("classifier") { 0.02 } else { 0.01 }
}

/// One step of two batches on a card.
fn step(card: &mut CardLearner, optimizer: &mut AdamW, sample: &Sample, number: u64) {
    for batch in 0..2 {
        card.accumulate_gradients(&sample.texts(), &sample.objective, 1, number * 2 + batch).expect("learnt");
    }
    card.update(optimizer, rate);
}

fn largest(pairs: impl Iterator<Item = (f32, f32)>) -> f32 {
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() { f32::INFINITY } else { a.max(b) })
}

fn difference(one: &[Scores], other: &[Scores]) -> f32 {
    assert_eq!(one.len(), other.len());
    largest(one.iter().flatten().flatten().copied().zip(other.iter().flatten().flatten().copied()))
}

fn same_weights(found: &Weights, expected: &Weights, allowed: f32) {
    assert!(found.tensors.keys().eq(expected.tensors.keys()));
    for (name, expected) in &expected.tensors {
        let found = &found.tensors[name];
        assert_eq!(found.shape, expected.shape, "{name}");
        let distance = largest(found.values.iter().copied().zip(expected.values.iter().copied()));
        assert!(distance <= allowed, "{name}: {distance}");
    }
}

fn length(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

fn same_gradients(found: &NamedGradients, expected: &NamedGradients) {
    assert!(found.keys().eq(expected.keys()));
    let whole = length(expected.values().flatten().copied());
    for (name, expected) in expected {
        let distance = length(found[name].iter().zip(expected).map(|(a, b)| a - b));
        let size = length(expected.iter().copied());
        assert!(distance <= 1e-3 * size + 1e-5 * whole, "{name}: {distance} of {size}");
    }
}

fn logits_and_gradients_are_those_of_the_processor(device: &Device) {
    let sample = Sample::new();
    let mut card = sample.card(device);
    let logits = card.scores(&sample.texts()).expect("scored");
    let expected = sample.processor().scores(&sample.texts()).expect("scored");
    let distance = difference(&logits, &expected);
    assert!(distance < 1e-3, "{distance}");
    // The served computation, which has another attention than training has.
    let model = Model::load_on(folder(), device, true).expect("loaded");
    let distance = difference(&model.scores(&sample.texts()).expect("scored"), &expected);
    assert!(distance < 1e-3, "{distance}");
    card.accumulate_gradients(&sample.texts(), &sample.objective, 1, 0).expect("learnt");
    let (expected, losses) = Reference::gradients(
        &sample.config,
        &sample.labels,
        &mut weights(),
        &sample.texts(),
        sample.objective.clone(),
        crate::model::dropout::Dropout::new(1, 0),
    )
    .expect("learnt");
    same_gradients(&card.gradients(), &expected);
    card.update(&mut optimizer(), rate);
    let figures = card.figures(true).expect("read").remove(0);
    assert!((figures.losses.total - losses.total).abs() < 1e-4 * losses.total, "{figures:?} {losses:?}");
    let norm = length(expected.values().flatten().copied());
    assert!((figures.gradient_norm - norm).abs() < 1e-3 * norm, "{figures:?} {norm}");
}

fn ten_steps_and_a_resumed_training_are_those_of_the_processor(device: &Device) {
    let sample = Sample::new();
    let (mut card, mut own) = (sample.card(device), sample.processor());
    let mut optimizers = [optimizer(), optimizer()];
    let mut checkpoint = None;
    let mut expected = Vec::new();
    for number in 0..10 {
        step(&mut card, &mut optimizers[0], &sample, number);
        let mut losses = 0.0;
        for batch in 0..2 {
            let found = own.accumulate_gradients(&sample.texts(), &sample.objective, 1, number * 2 + batch);
            losses += found.expect("learnt").total;
        }
        expected.push((losses, own.update(&mut optimizers[1], rate).expect("known")));
        if number == 4 {
            let mut saved = card.export("test").expect("exported");
            card.save_moments(&optimizers[0], &mut saved).expect("saved");
            let mut of_processor = own.export("test").expect("exported");
            optimizers[1].save(&mut of_processor);
            same_weights(&saved, &of_processor, 1e-3);
            checkpoint = Some(saved);
        }
    }
    let figures = card.figures(true).expect("read");
    assert_eq!(figures.len(), 10);
    for (Figures { losses, gradient_norm }, (loss, norm)) in figures.iter().zip(&expected) {
        assert!((losses.total - loss).abs() < 1e-3 * loss, "{} {loss}", losses.total);
        assert!((gradient_norm - norm).abs() < 1e-2 * norm, "{gradient_norm} {norm}");
    }
    assert!(expected[9].0 < 0.9 * expected[0].0, "it learns: {expected:?}");
    let whole = card.export("test").expect("exported");
    same_weights(&whole, &own.export("test").expect("exported"), 2e-3);
    // On with five steps from the checkpoint, once on the device and once on the processor.
    let mut saved = checkpoint.expect("saved");
    let mut resumed = optimizer();
    resumed.restore(&mut saved, 5);
    let mut card = sample.card_from(device, &mut saved);
    // A checkpoint that is written before the next step still has the moments.
    let mut again = Weights::empty("test");
    card.save_moments(&resumed, &mut again).expect("saved");
    assert!(again.tensors.keys().any(|name| name.starts_with("second.")));
    for number in 5..10 {
        step(&mut card, &mut resumed, &sample, number);
    }
    same_weights(&card.export("test").expect("exported"), &whole, 1e-5);
}

fn no_step_reads_back(device: &Device) {
    let mut sample = Sample::new();
    // Dropout as well.
    (sample.config.dropout, sample.config.attention_dropout, sample.config.classifier_dropout) = (0.1, 0.1, 0.1);
    let (mut card, mut optimizer) = (sample.card(device), optimizer());
    // The first batch of a size is read, to see whether it fits.
    step(&mut card, &mut optimizer, &sample, 0);
    let before = read_back::count();
    assert!(before > 0);
    for number in 1..5 {
        step(&mut card, &mut optimizer, &sample, number);
        assert!(card.figures(false).expect("none are read").is_empty());
    }
    assert_eq!(read_back::count(), before, "a step has read something back");
    assert_eq!(card.figures(true).expect("read").len(), 5);
    assert_eq!(read_back::count(), before + 1, "the figures of all steps come at once");
    for number in 5..21 {
        step(&mut card, &mut optimizer, &sample, number);
    }
    assert_eq!(card.figures(false).expect("read").len(), 16, "after so many steps they are read");
}

fn a_gradient_that_is_not_finite_moves_nothing(device: &Device) {
    let sample = Sample::new();
    for wrong in [f32::NAN, f32::INFINITY, 1e30] {
        let (mut card, mut optimizers) = (sample.card(device), [optimizer(), optimizer()]);
        let mut broken = sample.objective.clone();
        if let Some(Some(targets)) = broken.targets.first_mut() {
            targets.fill(wrong);
        }
        let before = card.export("test").expect("exported");
        card.accumulate_gradients(&sample.texts(), &broken, 1, 0).expect("computed");
        card.update(&mut optimizers[0], rate);
        let figures = card.figures(true).expect("read").remove(0);
        assert!(!figures.gradient_norm.is_finite(), "{figures:?}");
        same_weights(&card.export("test").expect("exported"), &before, 0.0);
        // The step did not count: the next one is as the first of another training.
        let mut other = sample.card(device);
        step(&mut card, &mut optimizers[0], &sample, 1);
        step(&mut other, &mut optimizers[1], &sample, 1);
        same_weights(&card.export("test").expect("exported"), &other.export("test").expect("exported"), 1e-6);
        assert!(largest_move(&before, &card) > 1e-3);
    }
}

fn largest_move(before: &Weights, card: &CardLearner) -> f32 {
    let after = card.export("test").expect("exported");
    let of = |name: &String| {
        let pairs = before.tensors[name].values.iter().copied().zip(after.tensors[name].values.iter().copied());
        largest(pairs)
    };
    before.tensors.keys().map(of).fold(0.0, f32::max)
}

fn dropout_follows_the_seed(device: &Device) {
    let mut sample = Sample::new();
    (sample.config.dropout, sample.config.attention_dropout) = (0.3, 0.3);
    let gradients = |seed: u64, stream: u64| {
        let mut card = sample.card(device);
        card.accumulate_gradients(&sample.texts(), &sample.objective, seed, stream).expect("learnt");
        card.gradients()
    };
    let first = gradients(1, 2);
    assert_eq!(first, gradients(1, 2));
    assert_ne!(first, gradients(2, 2));
    assert_ne!(first, gradients(1, 3));
    // The gradient of dropped activations is that of the kept ones: its mean over many masks is near the one without dropout.
    let mut plain = Sample::new().card(device);
    plain.accumulate_gradients(&sample.texts(), &sample.objective, 1, 2).expect("learnt");
    let without = plain.gradients();
    let bias = &without["intent_classifier.bias"];
    let mut sum = vec![0.0_f32; bias.len()];
    for stream in 0..20 {
        let found = gradients(1, stream);
        sum.iter_mut().zip(&found["intent_classifier.bias"]).for_each(|(sum, value)| *sum += value / 20.0);
    }
    let distance = length(sum.iter().zip(bias).map(|(a, b)| a - b));
    assert!(distance < 0.5 * length(bias.iter().copied()), "{sum:?} {bias:?}");
}

fn a_batch_that_does_not_fit_is_halved(device: &Device) {
    let sample = Sample::new();
    let (mut whole, mut halved) = (sample.card(device), sample.card(device));
    halved.too_many_rows = 3;
    for card in [&mut whole, &mut halved] {
        card.accumulate_gradients(&sample.texts(), &sample.objective, 1, 0).expect("learnt");
    }
    assert_eq!((whole.parts(), halved.parts()), (1, 4), "five rows, two at a time");
    same_gradients(&halved.gradients(), &whole.gradients());
    let mut figures = [&mut whole, &mut halved].map(|card| {
        card.update(&mut optimizer(), rate);
        card.figures(true).expect("read").remove(0)
    });
    let [whole, halved] = &mut figures;
    assert!((whole.losses.total - halved.losses.total).abs() < 1e-4, "{whole:?} {halved:?}");
    // One row that does not fit is an error.
    let mut none = sample.card(device);
    none.too_many_rows = 1;
    let error = none.accumulate_gradients(&sample.texts(), &sample.objective, 1, 0).expect_err("too large");
    assert!(error.to_string().contains("out of memory"), "{error}");
}

/// Messages whose words tell their label, as a file.
#[expect(clippy::format_push_string, reason = "`write!` would add an error that cannot happen")]
fn rows(dir: &Path) -> PathBuf {
    let mut text = "text,intent,sentiment\n".to_owned();
    let words = [("where is my order", "order_status"), ("money back please", "refund"), ("thank you", "other")];
    for number in 0..96 {
        let (words, intent) = words[number % 3];
        let more = ["now", "hello", "my order", "please", "again", "late"];
        let (one, two) = (more[number % 6], more[number / 6 % 6]);
        let feeling = if number % 2 == 0 { "positive" } else { "negative" };
        text += &format!("{one} {words} {two} {number},{intent},{feeling}\n");
    }
    let path = dir.join("rows.csv");
    std::fs::write(&path, text).expect("written");
    path
}

fn options(data: &Path, out: &Path) -> TrainOptions {
    TrainOptions {
        data: vec![data.to_owned()],
        validation: Vec::new(),
        out: out.to_owned(),
        base: (&folder()).into(),
        columns: Columns::default(),
        resume: false,
        precision: Precision::F32,
        computation: Computation::Own,
        device: DeviceChoice::Auto,
        epochs: Some(4),
        batch_size: 8,
        accumulate: 1,
        lr: 2e-3,
        head_lr: 1e-2,
        layer_decay: 1.0,
        warmup: 0.1,
        weight_decay: 0.01,
        clip: 1.0,
        dropout: Some(0.0),
        label_smoothing: 0.05,
        augment: 0.0,
        balanced: false,
        head_weights: std::collections::BTreeMap::new(),
        patience: Some(9),
        val_split: 0.1,
        seed: 7,
        pooling: None,
        max_tokens: 40,
    }
}

/// Trains and returns the mean loss of each epoch, and the numbers of the steps that were shown.
fn learn(
    options: &TrainOptions,
    device: &ComputeDevice,
    stop_at: Option<usize>,
) -> (Vec<f64>, Vec<usize>, Result<(), NluError>) {
    let (losses, steps, stop) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()), AtomicBool::new(false));
    let mut observe = |event: Event<'_>| match event {
        Event::Start(start) => assert_eq!(start.notice, device.notice),
        Event::Step(step) => {
            steps.borrow_mut().push(step.step);
            assert!(step.gradient_norm > 0.0 && step.loss > 0.0 && step.losses.len() == 2, "{step:?}");
            if stop_at.is_some_and(|at| step.step >= at) {
                stop.store(true, Ordering::Relaxed);
            }
        }
        Event::Epoch(epoch) => losses.borrow_mut().push(epoch.train_loss),
    };
    let result = train_on(options, device.clone(), &mut observe, &stop).map(drop);
    (losses.into_inner(), steps.into_inner(), result)
}

fn training_learns_as_on_the_processor(device: &Device) {
    let dir = tempfile::tempdir().expect("a folder");
    let data = rows(dir.path());
    let card = ComputeDevice {
        card: Some(device.clone()),
        named: true,
        name: "card".to_owned(),
        notice: Some("computing on a card".to_owned()),
    };
    let [own, whole, parts] = ["own", "whole", "parts"].map(|name| options(&data, &dir.path().join(name)));
    let (expected, _, result) = learn(&own, &ComputeDevice::cpu(), None);
    result.expect("trained");
    let (losses, steps, result) = learn(&whole, &card, None);
    result.expect("trained");
    assert_eq!(steps, (1..=44).collect::<Vec<_>>(), "every step is shown once");
    let lines = std::fs::read_to_string(whole.out.join("metrics.jsonl")).expect("read");
    assert_eq!(lines.lines().count(), 44 + 4);
    eprintln!("losses of the epochs: {losses:?}, on the processor {expected:?}");
    assert!(losses[3] < 0.8 * losses[0], "{losses:?}");
    for (found, expected) in losses.iter().zip(&expected) {
        assert!((found - expected).abs() < 0.02 * expected, "{losses:?} {expected:?}");
    }
    // With dropout, whose masks are not those of the processor, it learns as well. Interrupted and resumed, it is the same
    // training.
    let [whole, parts] = [("dropped", whole), ("parts", parts)].map(|(name, options)| TrainOptions {
        dropout: Some(0.1),
        out: dir.path().join(name),
        ..options
    });
    let (losses, steps, result) = learn(&whole, &card, None);
    result.expect("trained");
    assert!(losses[3] < 0.8 * losses[0], "{losses:?}");
    let (mut resumed_losses, before, result) = learn(&parts, &card, Some(17));
    assert!(matches!(result, Err(NluError::Interrupted { .. })), "{result:?}");
    let resumed = TrainOptions { resume: true, ..parts.clone() };
    let (more, after, result) = learn(&resumed, &card, None);
    result.expect("trained");
    assert_eq!([before, after].concat(), steps);
    resumed_losses.extend(more);
    assert_eq!(resumed_losses.len(), losses.len());
    for (resumed, whole) in resumed_losses.iter().zip(&losses) {
        assert!((resumed - whole).abs() < 1e-4 * whole, "{resumed_losses:?} {losses:?}");
    }
    let [mut whole, mut parts] = [&whole, &parts]
        .map(|options| options.out.join("model.safetensors"))
        .map(|path| Weights::read(&path).expect("read"));
    // The gradient of the keys' biases is rounding error only, which the optimizer makes as large as any other.
    for weights in [&mut whole, &mut parts] {
        weights.tensors.retain(|name, _| !name.ends_with("k_lin.bias"));
    }
    same_weights(&parts, &whole, 1e-3);
}

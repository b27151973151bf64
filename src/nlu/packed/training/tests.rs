//! Compares gradients, steps and logits of every kernel variant that this processor has with those of burn.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::kernels;
use super::super::tests::Sample;
use super::*;
use crate::data::batching::targets;
use crate::model::dropout::Dropout;
use crate::model::loaded::Model;
use crate::model::weights::Precision;
use crate::training::learner::{Learner, Losses, Reference};
use crate::training::optimizer::Settings;
use crate::training::settings::Computation;

type Gradients = BTreeMap<String, Vec<f32>>;

fn variants() -> Vec<(&'static kernels::Kernels, &'static TrainingKernels)> {
    kernels::available().into_iter().zip(super::kernels::available()).collect()
}

fn objective(random: &mut StdRng, labels: &[(String, usize)], rows: usize) -> Objective {
    let mut head = |labels: usize| {
        let truths: Vec<_> = (0..rows)
            .map(|_| (labels > 0 && random.random_bool(0.8)).then(|| random.random_range(0..labels)))
            .collect();
        let weights: Vec<f32> = (0..labels).map(|_| random.random_range(0.5..2.0)).collect();
        targets(&truths, &weights, 0.1)
    };
    let targets = labels.iter().map(|(_, labels)| head(*labels)).collect();
    Objective { targets, weights: [1.5, 0.7, 1.0, 0.2][..labels.len()].to_vec(), batch_weight: 0.5 }
}

fn network(
    sample: &Sample,
    (forward, kernels): (&'static kernels::Kernels, &'static TrainingKernels),
    threads: usize,
) -> TrainingNetwork {
    let workspace = TrainingWorkspace::new(Executor::full(forward, threads), kernels);
    let config = &sample.config;
    TrainingNetwork::with(workspace, config, config.vocab_size, &sample.labels, &mut sample.weights()).expect("loaded")
}

fn gradients(network: &TrainingNetwork) -> Gradients {
    network.parameters.iter().filter_map(Parameter::whole_gradient).collect()
}

fn length(values: impl Iterator<Item = f32>) -> f64 {
    values.map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
}

/// The tolerance is relative to each tensor's gradient, plus a millionth of the norm of all: the gradient of the keys' biases,
/// and all of it for a task with a single label, is rounding error only.
fn agree(found: &Gradients, expected: &Gradients, name: &str) {
    let whole = length(expected.values().flatten().copied());
    assert!(found.keys().eq(expected.keys()), "{name}: {:?} {:?}", found.keys(), expected.keys());
    for (parameter, expected) in expected {
        let difference = length(found[parameter].iter().zip(expected).map(|(a, b)| a - b));
        let size = length(expected.iter().copied());
        assert!(difference <= 1e-4 * size + 1e-6 * whole + 1e-7, "{name}: {parameter}: {difference} of {size}");
    }
}

fn close(found: &[Option<f64>], expected: &Losses) {
    assert_eq!(found.len(), expected.heads.len());
    for (found, expected) in found.iter().zip(&expected.heads) {
        assert_eq!(found.is_some(), expected.is_some());
        let (found, expected) = (found.unwrap_or(0.0), expected.unwrap_or(0.0));
        assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{found} {expected}");
    }
}

fn same_gradients(mut sample: Sample, random: &mut StdRng, thread_counts: &[usize]) {
    let rate = |random: &mut StdRng| if random.random_bool(0.3) { 0.0 } else { random.random_range(0.05..0.5) };
    let config = &mut sample.config;
    (config.dropout, config.attention_dropout, config.classifier_dropout) = (rate(random), rate(random), rate(random));
    let texts: Vec<&[u32]> = sample.texts.iter().map(Vec::as_slice).collect();
    let objective = objective(random, &sample.labels, texts.len());
    let dropout = Dropout::new(random.random(), random.random());
    let (expected, losses) = Reference::gradients(
        &sample.config,
        &sample.labels,
        &mut sample.weights(),
        &texts,
        objective.clone(),
        dropout.clone(),
    )
    .expect("loaded");
    for (number, variant) in variants().into_iter().enumerate() {
        let mut first = None;
        for &threads in thread_counts {
            let mut network = network(&sample, variant, threads);
            let found = network.accumulate_gradients(&texts, dropout.clone(), &objective);
            close(&found, &losses);
            if expected.is_empty() {
                assert!(gradients(&network).is_empty());
                continue;
            }
            let found = gradients(&network);
            agree(&found, &expected, &format!("variant {number}, {threads} threads, {:?}", sample.config));
            // Bit for bit, however many threads there are.
            assert_eq!(first.get_or_insert_with(|| found.clone()), &found);
            // A second batch is added to the first.
            network.accumulate_gradients(&texts, dropout.clone(), &objective);
            let twice: Gradients =
                expected.iter().map(|(name, all)| (name.clone(), all.iter().map(|x| 2.0 * x).collect())).collect();
            agree(&gradients(&network), &twice, "twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn gradients_are_those_of_automatic_differentiation(seed: u64) {
        let random = &mut StdRng::seed_from_u64(seed);
        let heads = random.random_range(1..5);
        let sizes = [heads * random.random_range(3..20), random.random_range(1..4), random.random_range(1..90)];
        let sample = Sample::sized(random, sizes, heads, Precision::F32);
        same_gradients(sample, random, &[1, 2, 3]);
    }
}

#[test]
fn gradients_of_the_usual_width_are_those_of_automatic_differentiation() {
    let random = &mut StdRng::seed_from_u64(5);
    let mut sample = Sample::sized(random, [384, 1, 1536], 12, Precision::F32);
    let vocabulary = u32::try_from(sample.config.vocab_size).expect("small");
    // More tokens than one block of outer products takes.
    let longest = sample.config.max_position_embeddings;
    let count = 1200 / longest + 1;
    sample.texts = (0..count).map(|_| (0..longest).map(|_| random.random_range(0..vocabulary)).collect()).collect();
    same_gradients(sample, random, &[2]);
}

/// `AdamW` with an epsilon large enough that rounding is not amplified.
fn optimizer() -> AdamW {
    AdamW::new(Settings { beta1: 0.9, beta2: 0.999, epsilon: 1e-2, weight_decay: 0.1, clip: 1.0 })
}

#[test]
fn steps_are_those_of_the_reference_whatever_the_batch_leaves_out() {
    for seed in 0..4 {
        let random = &mut StdRng::seed_from_u64(seed);
        let mut sample = Sample::sized(random, [24, 2, 40], 2, Precision::F32);
        let config = &mut sample.config;
        (config.dropout, config.attention_dropout, config.classifier_dropout) = (0.0, 0.0, 0.0);
        let vocabulary = u32::try_from(sample.config.vocab_size).expect("small");
        for variant in variants() {
            let mut own = Learner::Own(Box::new(network(&sample, variant, 2)));
            let mut reference = Learner::new(
                (Computation::Reference, None),
                &sample.config,
                sample.config.vocab_size,
                &sample.labels,
                &mut sample.weights(),
            )
            .expect("loaded");
            let mut optimizers = [optimizer(), optimizer()];
            for step in 0..5 {
                // Each step has other words; one has no labels of the last head, one no labels at all.
                let texts: Vec<Vec<u32>> = (0..9)
                    .map(|text| (0..3 + text % 4).map(|_| random.random_range(0..vocabulary / 2 + 1)).collect())
                    .collect();
                let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
                let mut objective = objective(random, &sample.labels, texts.len());
                if step == 1 {
                    objective.targets.pop();
                    objective.targets.push(None);
                }
                if step == 3 {
                    objective.targets.fill(None);
                }
                let rate = |name: &str| if name.contains("classifier") { 0.02 } else { 0.01 };
                let mut norms = [0.0; 2];
                for ((learner, optimizer), norm) in
                    [&mut own, &mut reference].into_iter().zip(&mut optimizers).zip(&mut norms)
                {
                    learner.accumulate_gradients(&texts, &objective, 1, step).expect("learnt");
                    *norm = learner.update(optimizer, rate).expect("known");
                }
                assert!((norms[0] - norms[1]).abs() <= 1e-4 * norms[1], "{norms:?}");
            }
            let [found, expected] = [&own, &reference].map(|learner| learner.export("test").expect("exported").tensors);
            assert!(found.keys().eq(expected.keys()));
            for (name, expected) in &expected {
                let found = &found[name];
                assert_eq!(found.shape, expected.shape);
                for (a, b) in found.values.iter().zip(&expected.values) {
                    assert!((a - b).abs() < 1e-4, "{name}: {a} {b}");
                }
            }
            let [mut saved, mut other] = [Weights::empty("a"), Weights::empty("b")];
            optimizers[0].save(&mut saved);
            optimizers[1].save(&mut other);
            assert!(saved.tensors.keys().eq(other.tensors.keys()));
            for (name, moments) in &other.tensors {
                for (a, b) in saved.tensors[name].values.iter().zip(&moments.values) {
                    assert!((a - b).abs() < 1e-4, "{name}: {a} {b}");
                }
            }
            // What the next epoch's validation sees.
            let texts: Vec<&[u32]> = sample.texts.iter().map(Vec::as_slice).collect();
            let [found, expected] = [&mut own, &mut reference].map(|learner| learner.scores(&texts).expect("scored"));
            for (a, b) in found.iter().zip(&expected) {
                assert_eq!(a.len(), sample.labels.len());
                let pairs = a.iter().flatten().zip(b.iter().flatten());
                pairs.for_each(|(a, b)| assert!((a - b).abs() < 2e-3, "{a} {b}"));
            }
        }
    }
}

#[test]
fn moments_of_a_checkpoint_move_rows_that_the_next_steps_do_not_use() {
    let sample = Sample::sized(&mut StdRng::seed_from_u64(3), [24, 1, 40], 2, Precision::F32);
    let learn = |network: &mut TrainingNetwork, optimizer: &mut AdamW, word: u32| {
        let objective = Objective {
            targets: (0..sample.labels.len())
                .map(|head| (head == 0).then(|| vec![1.0 / 2.0; 2 * sample.labels[0].1]))
                .collect(),
            weights: vec![1.0; sample.labels.len()],
            batch_weight: 1.0,
        };
        network.accumulate_gradients(&[&[word, word], &[word]], Dropout::new(1, u64::from(word)), &objective);
        assert!(network.update(optimizer, |_| 0.01) > 0.0);
    };
    let variant = variants()[0];
    let (mut whole, mut whole_optimizer) = (network(&sample, variant, 1), optimizer());
    learn(&mut whole, &mut whole_optimizer, 1);
    let mut checkpoint = whole.export("test");
    whole_optimizer.save(&mut checkpoint);
    let mut resumed_optimizer = optimizer();
    resumed_optimizer.restore(&mut checkpoint, 1);
    let workspace = TrainingWorkspace::new(Executor::full(variant.0, 1), variant.1);
    let config = &sample.config;
    let mut resumed =
        TrainingNetwork::with(workspace, config, config.vocab_size, &sample.labels, &mut checkpoint).expect("loaded");
    let before = resumed.export("test").tensors;
    learn(&mut whole, &mut whole_optimizer, 2);
    learn(&mut resumed, &mut resumed_optimizer, 2);
    let after = resumed.export("test").tensors;
    assert_eq!(after, whole.export("test").tensors);
    let words = "distilbert.embeddings.word_embeddings.weight";
    let row = |number: usize| number * config.dim..(number + 1) * config.dim;
    for (number, moved) in [(0, false), (1, true), (2, true), (3, false)] {
        assert_eq!(before[words].values[row(number)] != after[words].values[row(number)], moved, "{number}");
    }
}

#[test]
fn the_tiny_model_has_the_gradients_of_automatic_differentiation_and_the_logits_it_serves() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model");
    let model = Model::load(&folder).expect("loaded");
    let labels = model.labels.sizes();
    let texts = ["where is my order", "money back please", "thank you", "hello my order is late again"];
    let ids: Vec<Vec<u32>> = texts.iter().map(|text| model.tokenizer.encode(text).expect("encoded")).collect();
    let ids: Vec<&[u32]> = ids.iter().map(Vec::as_slice).collect();
    let read = || Weights::read(&folder.join("model.safetensors")).expect("read");
    let config = &model.config;
    let mut network = TrainingNetwork::new(config, config.vocab_size, &labels, &mut read()).expect("loaded");
    let (found, served) = (network.scores(&ids), model.scores(&ids).expect("scored"));
    for (a, b) in found.iter().zip(&served) {
        let pairs = a.iter().flatten().zip(b.iter().flatten());
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-4, "{a} {b}"));
    }
    let objective = objective(&mut StdRng::seed_from_u64(2), &labels, ids.len());
    let dropout = Dropout::new(7, 3);
    let expected = Reference::gradients(config, &labels, &mut read(), &ids, objective.clone(), dropout.clone());
    let (expected, losses) = expected.expect("loaded");
    close(&network.accumulate_gradients(&ids, dropout, &objective), &losses);
    agree(&gradients(&network), &expected, "tiny model");
    let norm = length(expected.values().flatten().copied());
    let moved = network.update(&mut optimizer(), |_| 0.0);
    assert!((moved - norm).abs() < 1e-4 * norm, "{moved} {norm}");
    assert!(gradients(&network).is_empty());
}

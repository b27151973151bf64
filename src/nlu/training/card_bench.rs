//! Rates on a graphics card: `tests/bench/card.sh`.

use std::time::Instant;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::card_tests::first_card;
use crate::data::batching::targets;
use crate::model::config::ModelConfig;
use crate::model::weights::Weights;
use crate::packed::Objective;
use crate::training::learner::Learner;
use crate::training::optimizer::{AdamW, Settings};
use crate::training::settings::Computation;

/// Steps that are not timed: kernels are compiled and tuned in them.
const WARM_UP: usize = 6;
/// Seconds that each rate is measured for at most.
const SECONDS: f64 = 8.0;
/// Rows of the word embedding.
const WORDS: usize = 8000;

/// An encoder of six layers with random weights, and two heads.
fn network(dim: usize) -> (ModelConfig, Vec<(String, usize)>, Weights) {
    // The script runs this in the root of the repository, which may be another one than it was built in.
    let mut config = ModelConfig::read(std::path::Path::new("fixtures/tiny-model")).expect("read");
    (config.dim, config.n_layers, config.n_heads, config.hidden_dim) = (dim, 6, 12, 4 * dim);
    (config.vocab_size, config.max_position_embeddings) = (WORDS, 512);
    let labels = vec![("intent".to_owned(), 9), ("sentiment".to_owned(), 3)];
    let (mut random, mut weights) = (StdRng::seed_from_u64(1), Weights::empty("bench"));
    let mut put = |name: String, shape: &[usize], mean: f32, spread: f32| {
        let values = (0..shape.iter().product()).map(|_| mean + random.random_range(-spread..=spread)).collect();
        weights.put(name, shape, values);
    };
    put("distilbert.embeddings.word_embeddings.weight".to_owned(), &[WORDS, dim], 0.0, 0.05);
    put("distilbert.embeddings.position_embeddings.weight".to_owned(), &[512, dim], 0.0, 0.05);
    let mut norms = vec!["distilbert.embeddings.LayerNorm".to_owned()];
    let mut layers: Vec<(String, usize, usize)> =
        labels.iter().map(|(head, rows)| (format!("{head}_classifier"), *rows, dim)).collect();
    for number in 0..6 {
        let at = format!("distilbert.transformer.layer.{number}");
        layers.extend(["q_lin", "k_lin", "v_lin", "out_lin"].map(|name| (format!("{at}.attention.{name}"), dim, dim)));
        layers.extend([(format!("{at}.ffn.lin1"), 4 * dim, dim), (format!("{at}.ffn.lin2"), dim, 4 * dim)]);
        norms.extend([format!("{at}.sa_layer_norm"), format!("{at}.output_layer_norm")]);
    }
    for (name, outputs, inputs) in layers {
        put(format!("{name}.weight"), &[outputs, inputs], 0.0, 0.035);
        put(format!("{name}.bias"), &[outputs], 0.0, 0.0);
    }
    for name in norms {
        put(format!("{name}.weight"), &[dim], 1.0, 0.0);
        put(format!("{name}.bias"), &[dim], 0.0, 0.0);
    }
    (config, labels, weights)
}

fn batch(rows: usize, tokens: usize, labels: &[(String, usize)]) -> (Vec<Vec<u32>>, Objective) {
    let mut random = StdRng::seed_from_u64(2);
    let words = u32::try_from(WORDS).expect("small");
    let texts = (0..rows).map(|_| (0..tokens).map(|_| random.random_range(0..words)).collect()).collect();
    let targets_of = |(_, labels): &(String, usize)| {
        targets(&(0..rows).map(|row| Some(row % labels)).collect::<Vec<_>>(), &vec![1.0; *labels], 0.05)
    };
    let targets = labels.iter().map(targets_of).collect();
    (texts, Objective { targets, weights: vec![1.0; labels.len()], batch_weight: 1.0 })
}

/// Training steps: rows a second, and the loss of the last.
fn train(learner: &mut Learner, rows: usize, tokens: usize, labels: &[(String, usize)]) -> f64 {
    let (texts, objective) = batch(rows, tokens, labels);
    let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
    let settings = Settings { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.01, clip: 1.0 };
    let mut optimizer = AdamW::new(settings);
    let mut step = |learner: &mut Learner, number: u64| {
        learner.accumulate_gradients(&texts, &objective, 1, number).expect("learnt");
        learner.update(&mut optimizer, |_| 1e-4);
    };
    let warm_up = if learner.is_on_card() { WARM_UP } else { 1 };
    (0..warm_up).for_each(|number| step(learner, number as u64));
    learner.figures(true).expect("read");
    let (begin, mut steps) = (Instant::now(), 0_u32);
    while begin.elapsed().as_secs_f64() < SECONDS && steps < 100 {
        // As many as the card is given before it is asked.
        for number in 0..if learner.is_on_card() { 10 } else { 1 } {
            step(learner, u64::from(steps) + number);
            steps += 1;
        }
        learner.figures(true).expect("read");
    }
    f64::from(steps) * f64::from(u32::try_from(rows).expect("few")) / begin.elapsed().as_secs_f64()
}

#[test]
#[ignore = "measures a graphics card: tests/bench/card.sh"]
fn rates() {
    let card = first_card();
    for dim in [384, 768] {
        let (config, labels, weights) = network(dim);
        let new = |device| Learner::new((Computation::Own, device), &config, WORDS, &labels, &mut weights.clone());
        let (mut on_card, mut on_cpu) = (new(Some(card.clone())).expect("loaded"), new(None).expect("loaded"));
        let (texts, _) = batch(8, 30, &labels);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        let (found, expected) = (on_card.scores(&texts).expect("scored"), on_cpu.scores(&texts).expect("scored"));
        let pairs = found.iter().flatten().flatten().zip(expected.iter().flatten().flatten());
        let distance = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        println!("width {dim}: largest difference of a logit from the processor {distance:.1e}, allowed 1e-3");
        assert!(distance < 1e-3, "{distance}");
        for (rows, tokens) in [(32, 32), (128, 64), (512, 128)] {
            println!("width {dim}, {rows}x{tokens}: trains {:.0} rows/s", train(&mut on_card, rows, tokens, &labels));
        }
        println!("width {dim}, 32x32 on the processor: trains {:.0} rows/s", train(&mut on_cpu, 32, 32, &labels));
        let (texts, _) = batch(512, 32, &labels);
        let texts: Vec<&[u32]> = texts.iter().map(Vec::as_slice).collect();
        on_card.scores(&texts).expect("scored");
        let begin = Instant::now();
        (0..5).for_each(|_| drop(on_card.scores(&texts).expect("scored")));
        println!("width {dim}, 512x32: evaluates {:.0} rows/s", 5.0 * 512.0 / begin.elapsed().as_secs_f64());
    }
}

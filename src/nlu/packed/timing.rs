//! Decides how the forward pass of our own is timed beside the reference: in one run, taking turns.
//!
//! It must never time two computations that do not agree.

use std::path::Path;
use std::time::{Duration, Instant};

use super::Arithmetic;
use crate::nlu::NluError;
use crate::nlu::model::{Model, Scores};

/// Largest difference of a logit between the two computations.
const TOLERANCE: f32 = 1e-3;

/// Passes in a turn: the first finds the other's weights in the cache, the others their own, as in a process that
/// computes nothing else.
const TURN: usize = 5;

/// How long forward passes over one batch took, tokenizing left out; the shortest first.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Texts in the batch.
    pub rows: usize,
    /// Tokens of each text.
    pub tokens: usize,
    /// The passes that customers are served with.
    pub packed: Vec<Duration>,
    /// The same with [`Arithmetic::Int8`].
    pub int8: Vec<Duration>,
    /// The passes of the reference, which trains.
    pub reference: Vec<Duration>,
}

/// Times the forward pass that customers are served with beside that of the reference, on texts of random tokens.
///
/// `shapes` are pairs of rows and tokens. For each, all take turns for about as long as `budget`, one turn of five
/// passes at least.
///
/// # Errors
/// The folder cannot be loaded, a text is longer than the model allows, or the results disagree.
pub fn compare_speed(dir: &Path, shapes: &[(usize, usize)], budget: Duration) -> Result<Vec<Timing>, NluError> {
    let models = [Model::serve(dir, Arithmetic::Full)?, Model::serve(dir, Arithmetic::Int8)?, Model::load(dir)?];
    shapes.iter().map(|(rows, tokens)| compare(&models, *rows, *tokens, budget)).collect()
}

fn compare(models: &[Model; 3], rows: usize, tokens: usize, budget: Duration) -> Result<Timing, NluError> {
    let vocabulary = models[0].info.vocab_size as u64;
    // A linear congruential generator (Knuth's MMIX): which tokens does not matter, only that they are many.
    let mut state = 1_u64;
    let mut token = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) % vocabulary) as u32
    };
    let texts: Vec<Vec<u32>> = (0..rows).map(|_| (0..tokens).map(|_| token()).collect()).collect();
    let distance = distance(&models[0].scores(&texts)?, &models[2].scores(&texts)?);
    if distance.is_nan() || distance > TOLERANCE {
        return Err(NluError::Fault(format!("{rows}x{tokens} tokens: logits differ by {distance:.1e}")));
    }
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let start = Instant::now();
    while times[0].is_empty() || start.elapsed() < budget {
        for (model, times) in models.iter().zip(&mut times) {
            for _ in 0..TURN {
                let start = Instant::now();
                model.scores(&texts)?;
                times.push(start.elapsed());
            }
        }
    }
    times.iter_mut().for_each(|times| times.sort());
    let [packed, int8, reference] = times;
    Ok(Timing { rows, tokens, packed, int8, reference })
}

fn distance(a: &[Scores], b: &[Scores]) -> f32 {
    let logits = |scores: &[Scores]| -> Vec<f32> {
        scores.iter().flat_map(|scores| scores.intent.iter().chain(&scores.sentiment).copied()).collect()
    };
    let pairs = logits(a).into_iter().zip(logits(b));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

//! Times the packed forward pass beside the reference: in one run, taking turns, after checking that they agree.

use std::time::{Duration, Instant};

use crate::model::loaded::Model;
use crate::model::scores::Scores;
use crate::packed::Arithmetic;
use crate::{ModelLocation, NluError};

/// Largest difference of a logit between the two computations.
const TOLERANCE: f32 = 1e-3;

/// Passes in a turn: the first finds the other computation's weights in the cache, the next ones their own, as in a process
/// that computes nothing else.
const PASSES_PER_TURN: usize = 5;

/// How long forward passes over one batch took, tokenizing left out; the shortest first.
#[derive(Debug, Clone)]
pub struct Timing {
    /// Texts in the batch.
    pub rows: usize,
    /// Tokens of each text.
    pub tokens: usize,
    /// The packed passes, which serve.
    pub packed: Vec<Duration>,
    /// The same with [`Arithmetic::Int8`].
    pub int8: Vec<Duration>,
    /// The passes of the reference, which trains.
    pub reference: Vec<Duration>,
}

/// Times the forward pass that serves beside that of the reference, on texts of random tokens.
///
/// `shapes` are pairs of rows and tokens. For each, all take turns for about as long as `budget`, one turn of five
/// passes at least.
///
/// # Errors
/// The folder cannot be loaded, a text is longer than the model allows, or the results disagree.
pub fn compare_speed(
    location: impl Into<ModelLocation>,
    shapes: &[(usize, usize)],
    budget: Duration,
) -> Result<Vec<Timing>, NluError> {
    let at = &location.into();
    let models = [Model::serve(at, Arithmetic::Full)?, Model::serve(at, Arithmetic::Int8)?, Model::load(at)?];
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
        return Err(NluError::Internal(format!("{rows}x{tokens} tokens: logits differ by {distance:.1e}")));
    }
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let start = Instant::now();
    while times[0].is_empty() || start.elapsed() < budget {
        for (model, times) in models.iter().zip(&mut times) {
            for _ in 0..PASSES_PER_TURN {
                let start = Instant::now();
                model.scores(&texts)?;
                times.push(start.elapsed());
            }
        }
    }
    for times in &mut times {
        times.sort();
    }
    let [packed, int8, reference] = times;
    Ok(Timing { rows, tokens, packed, int8, reference })
}

fn distance(a: &[Scores], b: &[Scores]) -> f32 {
    let logits = |scores: &[Scores]| -> Vec<f32> { scores.iter().flatten().flatten().copied().collect() };
    let pairs = logits(a).into_iter().zip(logits(b));
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timing_takes_turns_and_needs_agreement() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/tiny-model");
        let timings = compare_speed(&folder, &[(1, 4), (3, 7)], std::time::Duration::ZERO).expect("timed");
        let shapes: Vec<_> = timings.iter().map(|timing| (timing.rows, timing.tokens)).collect();
        assert_eq!(shapes, [(1, 4), (3, 7)]);
        for times in timings.iter().flat_map(|timing| [&timing.packed, &timing.int8, &timing.reference]) {
            assert!(times.len() >= 5 && times.is_sorted() && !times[0].is_zero());
        }
        assert!(compare_speed(&folder, &[(1, 41)], std::time::Duration::ZERO).is_err());
    }
}

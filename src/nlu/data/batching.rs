//! Batches of training rows and the targets of their loss, determined by the seed, the epoch and the rows.

use rand::seq::SliceRandom;
use rand::{SeedableRng, rngs::StdRng};

/// A row ready for the network.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Token ids.
    pub(crate) ids: Vec<u32>,
    /// Token ids of the message with the misspellings of each epoch; empty without augmentation.
    pub(crate) augmented: Vec<Vec<u32>>,
    /// Index of each head's label, in the order of the heads, where it is labelled.
    pub(crate) labels: Vec<Option<usize>>,
}

/// Batches whose rows are sorted by length as one pool; more would mix rows less, fewer would pad more.
const POOL: usize = 32;

/// One epoch's batches: every row once, in random order, rows of similar length together.
pub(crate) fn batches(lengths: &[usize], size: usize, seed: u64, epoch: usize) -> Vec<Vec<usize>> {
    let mut random = StdRng::seed_from_u64(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ epoch as u64);
    let mut order: Vec<usize> = (0..lengths.len()).collect();
    order.shuffle(&mut random);
    let mut batches: Vec<Vec<usize>> = Vec::with_capacity(lengths.len().div_ceil(size));
    for pool in order.chunks_mut(size * POOL) {
        pool.sort_by_key(|row| lengths[*row]);
        batches.extend(pool.chunks(size).map(<[usize]>::to_vec));
    }
    batches.shuffle(&mut random);
    batches
}

/// The factors of one task's log-probabilities: a `[rows, labels]` matrix of smoothed one-hot rows, weighted
/// by class and divided by the sum of the weights; zero rows where the task is not labelled. `None` where no row is.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^24 labels")]
pub(crate) fn targets(truths: &[Option<usize>], weights: &[f32], smoothing: f32) -> Option<Vec<f32>> {
    let labels = weights.len();
    let total: f32 = truths.iter().flatten().map(|label| weights[*label]).sum();
    if total <= 0.0 {
        return None;
    }
    let mut matrix = vec![0.0; truths.len() * labels];
    for (truth, row) in truths.iter().zip(matrix.chunks_mut(labels)) {
        if let Some(label) = truth {
            let share = weights[*label] / total;
            row.fill(smoothing / labels as f32 * share);
            row[*label] += (1.0 - smoothing) * share;
        }
    }
    Some(matrix)
}

/// Weights of a task's classes: all 1, or inversely proportional to their frequency with mean 1 over the rows.
#[expect(clippy::cast_precision_loss, reason = "a weight needs no more digits than an `f32` has")]
pub(crate) fn class_weights(truths: &[Option<usize>], labels: usize, balanced: bool) -> Vec<f32> {
    if !balanced {
        return vec![1.0; labels];
    }
    let mut counts = vec![0_usize; labels];
    truths.iter().flatten().for_each(|label| counts[*label] += 1);
    let rows: usize = counts.iter().sum();
    counts.iter().map(|count| rows as f32 / (labels as f32 * (*count).max(1) as f32)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_row_is_in_one_batch(lengths in proptest::collection::vec(1usize..100, 1..500), size in 1usize..40) {
            let batches = batches(&lengths, size, 1, 0);
            let mut rows: Vec<usize> = batches.iter().flatten().copied().collect();
            rows.sort_unstable();
            prop_assert_eq!(rows, (0..lengths.len()).collect::<Vec<_>>());
            prop_assert!(batches.iter().all(|batch| batch.len() <= size));
        }
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn batches_are_seeded_differ_by_epoch_and_pad_little() {
        let lengths: Vec<usize> = (0..1000).map(|n| 5 + n * 7919 % 60).collect();
        let first = batches(&lengths, 16, 3, 0);
        assert_eq!(first, batches(&lengths, 16, 3, 0));
        assert_ne!(first, batches(&lengths, 16, 3, 1));
        let padded: usize =
            first.iter().map(|batch| batch.len() * batch.iter().map(|row| lengths[*row]).max().unwrap_or(0)).sum();
        let tokens: usize = lengths.iter().sum();
        assert!((padded as f64) < tokens as f64 * 1.1, "{padded} {tokens}");
    }

    #[test]
    fn targets_are_smoothed_weighted_and_masked() {
        let matrix = targets(&[Some(1), None, Some(0)], &[1.0, 3.0], 0.2).expect("labelled rows");
        let expected = [0.075, 0.675, 0.0, 0.0, 0.225, 0.025];
        assert!(matrix.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{matrix:?}");
        assert_eq!(targets(&[None, None], &[1.0, 1.0], 0.0), None);
    }

    #[test]
    fn balanced_weights_are_inverse_frequencies() {
        let truths = [Some(0), Some(0), Some(0), Some(1), None];
        assert_eq!(class_weights(&truths, 2, true), [4.0 / 6.0, 2.0]);
        assert_eq!(class_weights(&truths, 2, false), [1.0, 1.0]);
    }
}

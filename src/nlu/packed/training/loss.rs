//! Decides what is minimized: the cross-entropy of each task with its smoothed and weighted targets.
//!
//! It must never look at a task that has no label in the batch.

use super::Rows;

/// What a batch is compared with.
pub(in crate::nlu) struct Objective {
    /// For intents and sentiments: what the log-probabilities are multiplied with, a row per sentence; nothing where
    /// the batch has no label.
    pub(in crate::nlu) targets: [Option<Vec<f32>>; 2],
    /// Weight of each task's loss.
    pub(in crate::nlu) weights: [f64; 2],
    /// Weight of the batch in the step.
    pub(in crate::nlu) share: f64,
}

/// The loss `-share · sum(targets · log softmax(logits))`, and its gradient times `weight` in place of the logits.
pub(super) fn cross_entropy(logits: &mut Rows, targets: &[f32], share: f64, weight: f64) -> f64 {
    let labels = logits.width();
    let mut loss = 0.0;
    for (row, targets) in targets.chunks_exact(labels).enumerate() {
        let row = logits.row_mut(row);
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, |a, b| if b > a || b.is_nan() { b } else { a });
        let powers: Vec<f64> = row.iter().map(|logit| f64::from(logit - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        let all: f64 = targets.iter().map(|target| f64::from(*target)).sum();
        for ((logit, target), power) in row.iter_mut().zip(targets).zip(powers) {
            let target = f64::from(*target);
            loss -= target * (f64::from(*logit - largest) - sum.ln());
            *logit = (share * weight * (all * power / sum - target)) as f32;
        }
    }
    loss * share
}

//! The loss: the cross-entropy of each head with its smoothed and weighted targets.

use crate::packed::memory::Rows;

/// The targets of a batch and the weights of its losses.
#[derive(Clone)]
pub(crate) struct Objective {
    /// For each head: the factors of the log-probabilities, a row per sentence; `None` where the batch has no label.
    pub(crate) targets: Vec<Option<Vec<f32>>>,
    /// Weight of each head's loss.
    pub(crate) weights: Vec<f64>,
    /// Weight of the batch in the step.
    pub(crate) batch_weight: f64,
}

/// Returns the loss `-batch_weight · sum(targets · log softmax(logits))` and writes its gradient, times `weight`, in place
/// of the logits.
#[expect(clippy::cast_possible_truncation, reason = "gradients are in `f32`")]
pub(super) fn cross_entropy(logits: &mut Rows, targets: &[f32], batch_weight: f64, weight: f64) -> f64 {
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
            *logit = (batch_weight * weight * (all * power / sum - target)) as f32;
        }
    }
    loss * batch_weight
}

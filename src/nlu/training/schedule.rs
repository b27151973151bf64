//! Learning rates: per parameter and per step; how many epochs there are and which of them is saved.

#![expect(clippy::cast_precision_loss, reason = "steps, rows and widths are far below 2^52")]

use crate::training::settings::TrainOptions;

/// Peak learning rate of one parameter.
pub(crate) fn learning_rate(options: &TrainOptions, layers: usize, name: &str) -> f64 {
    let depth = if name.contains("_classifier.") {
        return options.head_lr;
    } else if let Some(rest) = name.strip_prefix("distilbert.transformer.layer.") {
        let number = rest.split('.').next().and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
        layers.saturating_sub(number + 1)
    } else {
        layers
    };
    options.lr * options.layer_decay.powi(i32::try_from(depth).unwrap_or(i32::MAX))
}

/// Peak learning rate of an encoder `dim` wide where none is set: 2e-4 was best of 1e-4 to 3e-4 at the width of the shipped
/// model; wider ones are tuned with less, BERT with 5e-5 at most (Devlin et al., 2019, appendix A.3).
pub(crate) fn default_learning_rate(dim: usize) -> f64 {
    2e-4 * (384.0 / dim.max(384) as f64).powi(2)
}

/// Passes over the data where none are set: enough for 3,000 steps, 6 to 30.
pub(crate) fn planned_epochs(steps_per_epoch: usize) -> usize {
    3_000_usize.div_ceil(steps_per_epoch.max(1)).clamp(6, 30)
}

/// Whether the weights of an epoch replace those of earlier ones. Later weights, learnt in smaller steps, generalize better;
/// so they do, unless their score on the `rows` of validation is more than one standard error below the highest (Breiman et
/// al., 1984, section 3.4.3).
pub(crate) fn as_good(score: f64, highest: f64, rows: usize) -> bool {
    score >= highest - (highest * (1.0 - highest) / rows.max(1) as f64).sqrt()
}

/// Factor on the learning rates at a step: linear warm-up from 0, then linear decay to 0.
pub(crate) fn schedule(step: usize, steps: usize, warmup: f64) -> f64 {
    let rise = (steps as f64 * warmup).ceil();
    let step = step as f64;
    if step < rise { (step + 1.0) / rise } else { ((steps as f64 - step) / (steps as f64 - rise).max(1.0)).max(0.0) }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the results are exact")]
mod tests {
    use super::*;

    #[test]
    fn wider_encoders_learn_in_smaller_steps() {
        assert_eq!([32, 384, 768].map(default_learning_rate), [2e-4, 2e-4, 5e-5]);
    }

    #[test]
    fn few_rows_are_seen_more_often() {
        assert_eq!([1, 14, 250, 10_000].map(planned_epochs), [30, 30, 12, 6]);
    }

    #[test]
    fn a_later_epoch_is_kept_unless_it_is_clearly_worse() {
        for (score, highest, rows, kept) in
            [(0.93, 0.93, 1_000, true), (0.923, 0.93, 1_000, true), (0.92, 0.93, 1_000, false), (0.92, 0.93, 50, true)]
        {
            assert_eq!(as_good(score, highest, rows), kept, "{score} after {highest} on {rows}");
        }
        assert!(as_good(1.0, 1.0, 10) && !as_good(0.99, 1.0, 10));
    }

    #[test]
    fn the_rate_rises_then_falls_to_zero() {
        let rates: Vec<f64> = (0..=10).map(|step| schedule(step, 10, 0.2)).collect();
        assert_eq!(rates[..3], [0.5, 1.0, 1.0]);
        assert!(rates[2..].windows(2).all(|pair| pair[1] < pair[0]));
        assert_eq!(rates[10], 0.0);
        assert_eq!(schedule(0, 10, 0.0), 1.0);
        assert_eq!(schedule(0, 1, 0.1), 1.0);
    }
}

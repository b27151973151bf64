//! Decides how large a step each parameter takes at each point of a training.
//!
//! It must never return a negative rate.

use super::settings::TrainOptions;

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
    options.lr * options.layer_decay.powi(depth as i32)
}

/// Passes over the data where nobody says how many: few rows are seen often, many rows at least six times.
pub(crate) fn planned_epochs(steps_per_epoch: usize) -> usize {
    2_000_usize.div_ceil(steps_per_epoch.max(1)).clamp(6, 30)
}

/// Factor on the learning rates at a step: up from 0, then down to 0, both linearly.
pub(crate) fn schedule(step: usize, steps: usize, warmup: f64) -> f64 {
    let rise = (steps as f64 * warmup).ceil();
    let step = step as f64;
    if step < rise { (step + 1.0) / rise } else { ((steps as f64 - step) / (steps as f64 - rise).max(1.0)).max(0.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_seen_more_often() {
        assert_eq!([1, 14, 250, 10_000].map(planned_epochs), [30, 30, 8, 6]);
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

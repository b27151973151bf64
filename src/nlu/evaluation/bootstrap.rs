//! Confidence intervals of scores by bootstrap. Every resample has a fixed seed, so that the same rows give the same interval.

use rand::{Rng, SeedableRng, rngs::SmallRng};
use rayon::prelude::*;
use serde::Serialize;

use crate::evaluation::metrics::{Confusion, Headline, Outcome};

/// Resamples drawn. The 25th and the 975th of 1,000 are where the percentile method has the ends of a 95 % interval.
pub(crate) const RESAMPLES: usize = 1000;

/// Lower and upper end of an interval.
pub type Interval = [f64; 2];

/// 95 % intervals of a task's headline scores, by the percentile bootstrap over rows (Efron, 1979).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Intervals {
    /// Of the accuracy.
    pub accuracy: Interval,
    /// Of the balanced accuracy.
    pub balanced_accuracy: Interval,
    /// Of the macro F1.
    pub f1_macro: Interval,
    /// Of the weighted F1.
    pub f1_weighted: Interval,
}

/// Computes the intervals; `None` without rows. A resample's scores leave out the labels that it does not have.
pub(crate) fn intervals(labels: usize, outcomes: &[Outcome]) -> Option<Intervals> {
    if outcomes.is_empty() {
        return None;
    }
    let resample = |number: usize| {
        let mut random = SmallRng::seed_from_u64(number as u64);
        let drawn = (0..outcomes.len()).map(|_| outcomes[random.random_range(0..outcomes.len())]);
        Confusion::of(labels, drawn).headline()
    };
    let headlines: Vec<Headline> = (0..RESAMPLES).into_par_iter().map(resample).collect();
    let ends = |pick: fn(&Headline) -> f64| {
        let mut values: Vec<f64> = headlines.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        [values[RESAMPLES / 40 - 1], values[RESAMPLES - RESAMPLES / 40 - 1]]
    };
    Some(Intervals {
        accuracy: ends(|one| one.accuracy),
        balanced_accuracy: ends(|one| one.balanced_accuracy),
        f1_macro: ends(|one| one.f1_macro),
        f1_weighted: ends(|one| one.f1_weighted),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(right: usize, of: usize) -> Vec<Outcome> {
        (0..of)
            .map(|n| Outcome { truth: n % 2, predicted: (n + usize::from(n >= right)) % 2, confidence: 0.5 })
            .collect()
    }

    #[test]
    fn the_interval_is_about_that_of_the_normal_approximation() {
        // 90 % of 400 rows: 1.96 · sqrt(0.9 · 0.1 / 400) = 0.0294.
        let found = intervals(2, &rows(360, 400)).expect("rows");
        assert!((found.accuracy[0] - (0.9 - 0.0294)).abs() < 0.006, "{:?}", found.accuracy);
        assert!((found.accuracy[1] - (0.9 + 0.0294)).abs() < 0.006, "{:?}", found.accuracy);
        assert!(found.f1_macro[0] < 0.9 && found.f1_macro[1] > 0.9);
        assert_eq!(intervals(2, &rows(360, 400)), Some(found));
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "the results are exact")]
    fn one_row_and_no_row() {
        assert_eq!(intervals(2, &rows(1, 1)).expect("one row").accuracy, [1.0, 1.0]);
        assert_eq!(intervals(2, &rows(0, 1)).expect("one row").accuracy, [0.0, 0.0]);
        assert_eq!(intervals(2, &[]), None);
    }

    #[test]
    fn fewer_rows_have_wider_intervals() {
        let width = |of: usize| {
            let [low, high] = intervals(2, &rows(of * 9 / 10, of)).expect("rows").accuracy;
            high - low
        };
        assert!(width(40) > 2.0 * width(400));
    }
}

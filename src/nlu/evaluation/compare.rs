//! Compares two models on the same labelled rows, with significance tests of the difference.

#![expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]

use std::collections::{BTreeMap, HashMap};

use rand::{Rng, SeedableRng, rngs::SmallRng};
use rayon::prelude::*;
use serde::Serialize;

use crate::data::dataset::Dataset;
use crate::evaluation::bootstrap::{Interval, RESAMPLES};
use crate::evaluation::metrics::{Confusion, Outcome};
use crate::model::labels::{INTENT, SENTIMENT};
use crate::serving::engine::Engine;
use crate::{ModelLocation, NluError, Prediction, Scored};

/// P-value below which a difference counts as significant.
pub const SIGNIFICANCE_LEVEL: f64 = 0.05;

/// Two models on the same rows.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Rows that both classified.
    pub rows: usize,
    /// Rows left out because they have no text or no label.
    pub unlabelled: usize,
    /// Of the intents, where rows have them and both models predict them.
    pub intent: Option<PairedComparison>,
    /// Of the sentiments, likewise.
    pub sentiment: Option<PairedComparison>,
    /// Of the other heads, likewise, by their names.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub other_heads: BTreeMap<String, PairedComparison>,
    /// Whether the second is significantly worse in any head.
    pub worse: bool,
    /// Whether the second is significantly better in one head and worse in none.
    pub better: bool,
}

/// Two models on the labelled rows of one task. Differences are the second less the first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PairedComparison {
    /// Labelled rows.
    pub rows: usize,
    /// Accuracy of each.
    pub accuracy: [f64; 2],
    /// Macro F1 of each.
    pub f1_macro: [f64; 2],
    /// Rows that only the first predicts right.
    pub only_first: usize,
    /// Rows that only the second predicts right.
    pub only_second: usize,
    /// P-value of `McNemar`'s exact test, two-sided.
    pub mcnemar_p: f64,
    /// 95 % interval of the difference in accuracy, by the paired bootstrap over rows.
    pub accuracy_difference: Interval,
    /// 95 % interval of the difference in macro F1, likewise.
    pub f1_difference: Interval,
}

impl PairedComparison {
    /// Whether the second is significantly worse: `McNemar`'s test below 0.05 with fewer rows right, or the interval of the
    /// difference in macro F1 wholly below 0.
    pub fn is_worse(&self) -> bool {
        (self.mcnemar_p < SIGNIFICANCE_LEVEL && self.only_second < self.only_first) || self.f1_difference[1] < 0.0
    }

    /// Whether the second is significantly better, by the same rule the other way round.
    pub fn is_better(&self) -> bool {
        (self.mcnemar_p < SIGNIFICANCE_LEVEL && self.only_second > self.only_first) || self.f1_difference[0] > 0.0
    }
}

/// P-value of `McNemar`'s exact test, two-sided, from the rows that only one of two models predicts right:
/// `min(1, 2 · P(X ≤ min))` with `X` binomial over both counts with probability ½.
pub fn mcnemar(only_first: usize, only_second: usize) -> f64 {
    let (few, all) = (only_first.min(only_second), only_first + only_second);
    // In logarithms: 2^-n underflows for n above 1,074.
    let mut log_choose = 0.0_f64;
    let log_half = all as f64 * 0.5_f64.ln();
    let mut sum = 0.0;
    for k in 0..=few {
        if k > 0 {
            log_choose += ((all - k + 1) as f64).ln() - (k as f64).ln();
        }
        sum += (log_choose + log_half).exp();
    }
    (2.0 * sum).min(1.0)
}

/// The outcomes of both models on one row.
type Pair = (Outcome, Outcome);

fn paired(labels: usize, pairs: &[Pair]) -> Option<PairedComparison> {
    if pairs.is_empty() {
        return None;
    }
    let only_first = pairs.iter().filter(|(a, b)| a.is_right() && !b.is_right()).count();
    let only_second = pairs.iter().filter(|(a, b)| !a.is_right() && b.is_right()).count();
    let headlines = |drawn: &[Pair]| {
        let first = Confusion::of(labels, drawn.iter().map(|(a, _)| *a)).headline();
        let second = Confusion::of(labels, drawn.iter().map(|(_, b)| *b)).headline();
        (first, second)
    };
    let (first, second) = headlines(pairs);
    let resample = |number: usize| {
        let mut random = SmallRng::seed_from_u64(number as u64);
        let drawn: Vec<Pair> = (0..pairs.len()).map(|_| pairs[random.random_range(0..pairs.len())]).collect();
        let (first, second) = headlines(&drawn);
        (second.accuracy - first.accuracy, second.f1_macro - first.f1_macro)
    };
    let differences: Vec<(f64, f64)> = (0..RESAMPLES).into_par_iter().map(resample).collect();
    let ends = |pick: fn(&(f64, f64)) -> f64| {
        let mut values: Vec<f64> = differences.iter().map(pick).collect();
        values.sort_by(f64::total_cmp);
        [values[RESAMPLES / 40 - 1], values[RESAMPLES - RESAMPLES / 40 - 1]]
    };
    Some(PairedComparison {
        rows: pairs.len(),
        accuracy: [first.accuracy, second.accuracy],
        f1_macro: [first.f1_macro, second.f1_macro],
        only_first,
        only_second,
        mcnemar_p: mcnemar(only_first, only_second),
        accuracy_difference: ends(|one| one.0),
        f1_difference: ends(|one| one.1),
    })
}

/// The rows of one task. A label that a model does not know is one that it predicts wrong.
fn pairs(dataset: &Dataset, predictions: (&[Prediction], &[Prediction]), head: &str) -> (usize, Vec<Pair>) {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut number = |label: &str| {
        let next = numbers.len();
        *numbers.entry(label.to_owned()).or_insert(next)
    };
    let mut pairs = Vec::new();
    for (row, (one, other)) in dataset.examples.iter().zip(predictions.0.iter().zip(predictions.1)) {
        // A model without this head has no prediction.
        let (Some(truth), Some(one), Some(other)) =
            (dataset.label(row, head), one.ranked(head).first(), other.ranked(head).first())
        else {
            continue;
        };
        let truth = number(truth);
        let mut outcome =
            |best: &Scored| Outcome { truth, predicted: number(&best.label), confidence: best.confidence };
        pairs.push((outcome(one), outcome(other)));
    }
    (numbers.len(), pairs)
}

/// Classifies labelled rows with two models, one after the other.
///
/// # Errors
/// A folder cannot be loaded, a model fails, or the rows and the models have no task in common.
pub fn compare(
    first: impl Into<ModelLocation>,
    second: impl Into<ModelLocation>,
    dataset: &Dataset,
) -> Result<Comparison, NluError> {
    let texts: Vec<String> = dataset.examples.iter().map(|row| row.text.clone()).collect();
    let classify = |location: ModelLocation| Engine::load(location)?.classify_batch_blocking(&texts);
    compare_predictions(dataset, &classify(first.into())?, &classify(second.into())?)
}

fn compare_predictions(dataset: &Dataset, first: &[Prediction], second: &[Prediction]) -> Result<Comparison, NluError> {
    let of_head = |head: &str| {
        let (labels, rows) = pairs(dataset, (first, second), head);
        paired(labels, &rows)
    };
    let (intent, sentiment) = (of_head(INTENT), of_head(SENTIMENT));
    let others = dataset.heads.iter().filter(|head| *head != INTENT && *head != SENTIMENT);
    let other_heads: BTreeMap<String, PairedComparison> =
        others.filter_map(|head| Some((head.clone(), of_head(head)?))).collect();
    if intent.is_none() && sentiment.is_none() && other_heads.is_empty() {
        return Err(NluError::data(
            "no row has a label of a head that both models have",
            "name a file with the columns text and intent or sentiment",
        ));
    }
    let tasks = || intent.iter().chain(&sentiment).chain(other_heads.values());
    let worse = tasks().any(PairedComparison::is_worse);
    let better = !worse && tasks().any(PairedComparison::is_better);
    let (rows, unlabelled) = (dataset.examples.len(), dataset.unlabelled);
    Ok(Comparison { rows, unlabelled, intent, sentiment, other_heads, worse, better })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `only_first`, `only_second`, both right, both wrong.
    fn rows(only_first: usize, only_second: usize, both: usize, none: usize) -> Vec<Pair> {
        let pair = |first: bool, second: bool| {
            move |n: usize| {
                let truth = n % 3;
                let outcome = |right: bool| Outcome {
                    truth,
                    predicted: if right { truth } else { (truth + 1) % 3 },
                    confidence: 0.9,
                };
                (outcome(first), outcome(second))
            }
        };
        (0..only_first)
            .map(pair(true, false))
            .chain((0..only_second).map(pair(false, true)))
            .chain((0..both).map(pair(true, true)))
            .chain((0..none).map(pair(false, false)))
            .collect()
    }

    /// `scipy.stats.binomtest(min, n, 0.5).pvalue`.
    #[test]
    fn mcnemar_is_the_exact_binomial_test() {
        for (first, second, p) in [
            (0, 0, 1.0),
            (1, 0, 1.0),
            (5, 5, 1.0),
            (0, 5, 0.0625),
            (0, 6, 0.03125),
            (2, 10, 0.038_574_218_75),
            (10, 2, 0.038_574_218_75),
            (40, 60, 0.056_887_933_640_980_79),
        ] {
            let found = mcnemar(first, second);
            assert!((found - p).abs() < 1e-9, "{first} {second}: {found}");
        }
        // Far beyond what 2^-n can be written as.
        let found = mcnemar(1_450, 1_550);
        assert!(found > 0.05 && found < 0.08, "{found}");
    }

    #[test]
    fn a_difference_that_chance_explains_is_none() {
        let same = paired(3, &rows(10, 11, 200, 20)).unwrap();
        assert!(!same.is_worse() && !same.is_better(), "{same:?}");
        assert!(same.accuracy_difference[0] < 0.0 && same.accuracy_difference[1] > 0.0);
        assert!((same.accuracy[0] - 210.0 / 241.0).abs() < 1e-12 && (same.accuracy[1] - 211.0 / 241.0).abs() < 1e-12);
        let worse = paired(3, &rows(40, 5, 200, 20)).unwrap();
        assert!(worse.is_worse() && !worse.is_better(), "{worse:?}");
        assert!(worse.f1_difference[1] < 0.0 && worse.mcnemar_p < 1e-6);
        let better = paired(3, &rows(5, 40, 200, 20)).unwrap();
        assert!(better.is_better() && !better.is_worse(), "{better:?}");
        assert_eq!(paired(3, &[]), None);
    }

    #[test]
    fn equal_models_are_equal() {
        let found = paired(3, &rows(0, 0, 30, 3)).unwrap();
        assert_eq!((found.mcnemar_p, found.accuracy_difference, found.f1_difference), (1.0, [0.0; 2], [0.0; 2]));
        assert!(!found.is_worse() && !found.is_better());
    }

    /// About ±1.96 · sqrt(b + c) / n for rare differences.
    #[test]
    fn the_interval_is_about_that_of_the_normal_approximation() {
        let found = paired(3, &rows(30, 30, 900, 40)).unwrap();
        let half = 1.96 * 60.0_f64.sqrt() / 1_000.0;
        assert!((found.accuracy_difference[0] + half).abs() < 0.004, "{found:?}");
        assert!((found.accuracy_difference[1] - half).abs() < 0.004, "{found:?}");
    }
}

//! Selective prediction: scores of the answers above a confidence threshold, and how the threshold is fitted. A withheld
//! answer never counts as right.

#![expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]

use serde::Serialize;

use crate::evaluation::metrics::Outcome;

/// Shares of answered rows at which the accuracy is reported.
const COVERAGES: [f64; 7] = [1.0, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5];

/// Accuracy of the answered rows that a threshold is fitted to.
const TARGET_ACCURACY: f64 = 0.95;

/// Coverage and accuracy where answers below a threshold are withheld.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    /// Share of the rows that are answered.
    pub coverage: f64,
    /// Least confidence of an answered row.
    pub threshold: f64,
    /// Share of the answered rows that are right; `None` where none is answered.
    pub accuracy: Option<f64>,
}

/// Effect of withholding unsure answers of a task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Abstention {
    /// At the threshold in force.
    pub at_threshold: Coverage,
    /// Accuracy of the withheld answers; `None` where none is withheld.
    pub accuracy_of_withheld: Option<f64>,
    /// At fixed shares of answered rows, those of highest confidence first.
    pub accuracy_at_coverage: Vec<Coverage>,
}

/// Scores of withholding answers below `threshold`; `None` without rows.
pub(crate) fn abstention(outcomes: &[Outcome], threshold: f32) -> Option<Abstention> {
    let sorted = by_confidence(outcomes);
    let rows = sorted.len();
    let accuracy = |outcomes: &[Outcome]| {
        (!outcomes.is_empty())
            .then(|| outcomes.iter().filter(|one| one.is_right()).count() as f64 / outcomes.len() as f64)
    };
    let least = f64::from(sorted.last()?.confidence);
    let answered = sorted.partition_point(|one| one.confidence >= threshold);
    let at_share = |share: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count of rows")]
        let count = ((rows as f64 * share).round() as usize).clamp(1, rows);
        let threshold = sorted.get(count - 1).map_or(least, |one| f64::from(one.confidence));
        Coverage { coverage: count as f64 / rows as f64, threshold, accuracy: accuracy(&sorted[..count]) }
    };
    Some(Abstention {
        at_threshold: Coverage {
            coverage: answered as f64 / rows as f64,
            threshold: f64::from(threshold),
            accuracy: accuracy(&sorted[..answered]),
        },
        accuracy_of_withheld: accuracy(&sorted[answered..]),
        accuracy_at_coverage: COVERAGES.iter().map(|share| at_share(*share)).collect(),
    })
}

/// The lowest threshold at which 95 % of the answered rows are right, rounded down to two digits; `None` where that
/// is so without one, or where it would withhold more than half: such a model needs training, not a threshold.
pub(crate) fn fit_threshold(outcomes: &[Outcome]) -> Option<f32> {
    let sorted = by_confidence(outcomes);
    let (mut right, mut most) = (0_usize, 0_usize);
    for (at, outcome) in sorted.iter().enumerate() {
        right += usize::from(outcome.is_right());
        // Rows of the same confidence are answered together or not at all.
        let ends = sorted.get(at + 1).is_none_or(|next| next.confidence < outcome.confidence);
        if ends && right as f64 >= TARGET_ACCURACY * (at + 1) as f64 {
            most = at + 1;
        }
    }
    if most == sorted.len() || most * 2 < sorted.len() {
        return None;
    }
    // Below the last answered row and above the first withheld one, with two digits where possible.
    let (answered, withheld) = (sorted[most - 1].confidence, sorted[most].confidence);
    let rounded = (answered * 100.0).floor() / 100.0;
    Some(if rounded > withheld { rounded } else { answered })
}

/// Share of the right answers that a threshold against messages out of scope may withhold.
const WITHHELD_RIGHT: f64 = 0.05;

/// The threshold against messages out of scope, fitted without any such message: 5 % of the right answers lie below it.
/// `None` with fewer than 20 right answers, of which 5 % is less than one.
pub(crate) fn fit_novelty_threshold(outcomes: &[Outcome]) -> Option<f32> {
    let mut right: Vec<f32> = outcomes.iter().filter(|one| one.is_right()).map(|one| one.confidence).collect();
    right.sort_by(f32::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a count of rows")]
    let below = (right.len() as f64 * WITHHELD_RIGHT) as usize;
    (below > 0).then(|| (right[below] * 100.0).floor() / 100.0)
}

/// How well confidence separates messages that no label covers from the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OutOfScope {
    /// Rows that no label of the model covers.
    pub rows: usize,
    /// Share of them whose answer is withheld.
    pub withheld: f64,
    /// Share of the other rows whose answer is withheld.
    pub withheld_in_scope: f64,
    /// Share of all rows that are right: answered right in scope, or withheld out of scope.
    pub accuracy: f64,
    /// Probability that a row in scope gets a higher confidence than one out of scope (area under the ROC curve).
    pub auroc: f64,
}

/// Scores of detecting rows out of scope by a confidence below `threshold`; `None` where either side has no row.
pub(crate) fn out_of_scope(inside: &[Outcome], outside: &[f32], threshold: f32) -> Option<OutOfScope> {
    if inside.is_empty() || outside.is_empty() {
        return None;
    }
    let withheld = outside.iter().filter(|confidence| **confidence < threshold).count();
    let refused = inside.iter().filter(|one| one.confidence < threshold).count();
    let right = inside.iter().filter(|one| one.confidence >= threshold && one.is_right()).count();
    let mut sorted = outside.to_vec();
    sorted.sort_by(f32::total_cmp);
    // Mann-Whitney: ties count half.
    let wins: f64 = inside
        .iter()
        .map(|one| {
            let below = sorted.partition_point(|other| *other < one.confidence);
            let upto = sorted.partition_point(|other| *other <= one.confidence);
            f64::midpoint(below as f64, upto as f64)
        })
        .sum();
    let (ins, outs) = (inside.len() as f64, outside.len() as f64);
    Some(OutOfScope {
        rows: outside.len(),
        withheld: withheld as f64 / outs,
        withheld_in_scope: refused as f64 / ins,
        accuracy: (right + withheld) as f64 / (ins + outs),
        auroc: wins / (ins * outs),
    })
}

fn by_confidence(outcomes: &[Outcome]) -> Vec<Outcome> {
    let mut sorted = outcomes.to_vec();
    sorted.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(right: bool, confidence: f32) -> Outcome {
        Outcome { truth: 0, predicted: usize::from(!right), confidence }
    }

    #[test]
    fn scores_at_the_threshold_and_at_fixed_shares() {
        let rows = [row(true, 0.9), row(false, 0.2), row(true, 0.8), row(false, 0.6)];
        let found = abstention(&rows, 0.6).expect("rows");
        assert_eq!((found.at_threshold.coverage, found.at_threshold.accuracy), (0.75, Some(2.0 / 3.0)));
        assert_eq!(found.accuracy_of_withheld, Some(0.0));
        let half = found.accuracy_at_coverage.last().expect("50 %");
        assert_eq!((half.coverage, half.accuracy), (0.5, Some(1.0)));
        assert!((half.threshold - 0.8).abs() < 1e-6);
    }

    #[test]
    fn nothing_answered_nothing_withheld_nothing_at_all() {
        let rows = [row(true, 0.9)];
        assert_eq!(abstention(&rows, 1.0).expect("a row").at_threshold.accuracy, None);
        assert_eq!(abstention(&rows, 0.0).expect("a row").accuracy_of_withheld, None);
        assert_eq!(abstention(&[], 0.5), None);
        assert_eq!(fit_threshold(&[]), None);
    }

    #[test]
    fn the_threshold_is_the_lowest_that_will_do() {
        // 19 right, then 1 wrong at 0.5 (95 % of 20), then only wrong ones.
        let mut rows: Vec<Outcome> = (0..19).map(|n| row(true, 0.99 - n as f32 * 0.01)).collect();
        rows.push(row(false, 0.5));
        rows.extend([row(false, 0.4), row(false, 0.3)]);
        let threshold = fit_threshold(&rows).expect("a threshold");
        assert!((0.4..=0.5).contains(&threshold), "{threshold}");
        assert_eq!(abstention(&rows, threshold).expect("rows").at_threshold.accuracy, Some(0.95));
        assert_eq!(fit_threshold(&rows[..20]), None, "good enough without one");
        assert_eq!(fit_threshold(&[row(false, 0.9), row(true, 0.8)]), None, "hopeless");
    }

    #[test]
    fn the_novelty_threshold_withholds_a_twentieth_of_the_right_answers() {
        let rows: Vec<Outcome> = (0..100).map(|n| row(true, n as f32 / 100.0)).collect();
        assert_eq!(fit_novelty_threshold(&rows), Some(0.05));
        assert_eq!(fit_novelty_threshold(&rows[..19]), None, "too few to say");
    }

    #[test]
    fn rows_out_of_scope_are_detected_by_their_confidence() {
        let inside = [row(true, 0.9), row(true, 0.4), row(false, 0.8)];
        let found = out_of_scope(&inside, &[0.3, 0.8], 0.5).expect("both sides");
        assert_eq!((found.rows, found.withheld), (2, 0.5));
        assert!((found.withheld_in_scope - 1.0 / 3.0).abs() < 1e-9);
        assert!((found.accuracy - 2.0 / 5.0).abs() < 1e-9, "one right answer and one withheld of five");
        // Pairs won: 0.9 beats both, 0.4 beats one, 0.8 beats one and ties with one.
        assert!((found.auroc - 4.5 / 6.0).abs() < 1e-9, "{}", found.auroc);
        assert_eq!(out_of_scope(&inside, &[], 0.5), None);
    }

    proptest! {
        #[test]
        fn a_fitted_threshold_keeps_its_promise(rows in prop::collection::vec((any::<bool>(), 0.0_f32..=1.0), 0..60)) {
            let rows: Vec<Outcome> = rows.into_iter().map(|(right, confidence)| row(right, confidence)).collect();
            if let Some(threshold) = fit_threshold(&rows) {
                let found = abstention(&rows, threshold).expect("rows").at_threshold;
                prop_assert!(found.coverage >= 0.5);
                prop_assert!(found.accuracy.expect("half is answered") >= TARGET_ACCURACY - 1e-9);
            }
        }
    }
}

//! Scores of predictions: accuracy, precision, recall, F1, calibration error; and the fit of the temperature.

#![expect(clippy::cast_precision_loss, reason = "counts of rows are far below 2^52")]

use std::collections::BTreeMap;

use serde::Serialize;

/// Scores of one label.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassReport {
    /// Share of the rows predicted as this label that have it.
    pub precision: f64,
    /// Share of the rows with this label that were predicted so.
    pub recall: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Rows with this label.
    pub support: usize,
}

/// Scores of one task.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskReport {
    /// Labelled rows.
    pub rows: usize,
    /// Share of rows predicted right.
    pub accuracy: f64,
    /// Mean recall of the labels that occur.
    pub balanced_accuracy: f64,
    /// Mean F1 of the labels that occur or were predicted.
    pub f1_macro: f64,
    /// Mean F1, weighted by support.
    pub f1_weighted: f64,
    /// Mean precision of the labels that occur or were predicted.
    pub precision_macro: f64,
    /// Mean precision, weighted by support.
    pub precision_weighted: f64,
    /// Mean recall of the labels that occur or were predicted; a label that does not occur counts as 0, as in
    /// scikit-learn, and unlike in the balanced accuracy.
    pub recall_macro: f64,
    /// Mean recall, weighted by support: the accuracy.
    pub recall_weighted: f64,
    /// Scores by label.
    pub per_class_metrics: BTreeMap<String, ClassReport>,
    /// Labels that the model knows and no row has: they were not tested.
    pub untested_labels: Vec<String>,
    /// The labels in the order of the matrix.
    pub labels: Vec<String>,
    /// Rows by true label (first index) and predicted label (second index).
    pub confusion_matrix: Vec<Vec<usize>>,
    /// Expected calibration error over 15 bins of equal width (Guo et al., 2017).
    pub expected_calibration_error: f64,
    /// Mean confidence of the predicted labels.
    pub mean_confidence: f64,
}

/// One labelled row: indices of the true and the predicted label, and the confidence of the latter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Outcome {
    /// Index of the true label.
    pub(crate) truth: usize,
    /// Index of the predicted label.
    pub(crate) predicted: usize,
    /// Confidence of the prediction, from 0 to 1.
    pub(crate) confidence: f32,
}

impl Outcome {
    /// Whether the prediction is right.
    pub(crate) fn is_right(&self) -> bool {
        self.truth == self.predicted
    }
}

const BINS: usize = 15;

/// Expected calibration error over 15 bins of equal width (Guo et al., 2017); 0 without rows.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bin from 0 to 15")]
pub(crate) fn calibration_error(outcomes: &[Outcome]) -> f64 {
    let mut bins = [(0.0_f64, 0_usize); BINS];
    for outcome in outcomes {
        let bin = ((f64::from(outcome.confidence) * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += f64::from(outcome.confidence);
        bins[bin].1 += usize::from(outcome.is_right());
    }
    let rows = outcomes.len().max(1) as f64;
    bins.iter().map(|(confidence, right)| (confidence - *right as f64).abs() / rows).sum()
}

/// Rows by true and predicted label.
#[derive(Debug, Clone)]
pub(crate) struct Confusion {
    /// Rows by true label (first index) and predicted label (second index).
    pub(crate) matrix: Vec<Vec<usize>>,
}

/// The main scores of a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Headline {
    /// See [`TaskReport::accuracy`].
    pub(crate) accuracy: f64,
    /// See [`TaskReport::balanced_accuracy`].
    pub(crate) balanced_accuracy: f64,
    /// See [`TaskReport::f1_macro`].
    pub(crate) f1_macro: f64,
    /// See [`TaskReport::f1_weighted`].
    pub(crate) f1_weighted: f64,
}

impl Confusion {
    /// Counts outcomes.
    pub(crate) fn of(labels: usize, outcomes: impl Iterator<Item = Outcome>) -> Self {
        let mut matrix = vec![vec![0_usize; labels]; labels];
        outcomes.for_each(|outcome| matrix[outcome.truth][outcome.predicted] += 1);
        Self { matrix }
    }

    /// Scores of each label, and how many rows were predicted as it.
    fn classes(&self) -> Vec<(ClassReport, usize)> {
        let mut predicted = vec![0_usize; self.matrix.len()];
        for row in &self.matrix {
            predicted.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
        }
        let class = |(number, row): (usize, &Vec<usize>)| {
            let (hits, support, predicted) = (row[number] as f64, row.iter().sum::<usize>(), predicted[number]);
            let share = |of: usize| if of == 0 { 0.0 } else { hits / of as f64 };
            let f1 = if support + predicted == 0 { 0.0 } else { 2.0 * hits / (support + predicted) as f64 };
            (ClassReport { precision: share(predicted), recall: share(support), f1, support }, predicted)
        };
        self.matrix.iter().enumerate().map(class).collect()
    }

    /// The main scores; all 0 without rows.
    pub(crate) fn headline(&self) -> Headline {
        let classes = self.classes();
        let rows: usize = classes.iter().map(|(class, _)| class.support).sum();
        let hits: usize = self.matrix.iter().enumerate().map(|(number, row)| row[number]).sum();
        let weighted: f64 = classes.iter().map(|(class, _)| class.f1 * class.support as f64).sum();
        Headline {
            accuracy: hits as f64 / rows.max(1) as f64,
            balanced_accuracy: mean(classes.iter().filter(|one| one.0.support > 0).map(|one| one.0.recall)),
            f1_macro: mean(seen(&classes).map(|class| class.f1)),
            f1_weighted: weighted / rows.max(1) as f64,
        }
    }
}

/// Labels that occur or were predicted.
fn seen(classes: &[(ClassReport, usize)]) -> impl Iterator<Item = &ClassReport> {
    classes.iter().filter(|(class, predicted)| class.support + predicted > 0).map(|(class, _)| class)
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    sum / count.max(1) as f64
}

/// Computes a task's scores; `None` without any row.
pub(crate) fn report(labels: &[String], outcomes: &[Outcome]) -> Option<TaskReport> {
    if outcomes.is_empty() {
        return None;
    }
    let rows = outcomes.len();
    let confusion = Confusion::of(labels.len(), outcomes.iter().copied());
    let headline = confusion.headline();
    let classes = confusion.classes();
    let weighted = |value: fn(&ClassReport) -> f64| {
        classes.iter().map(|(class, _)| value(class) * class.support as f64).sum::<f64>() / rows as f64
    };
    let untested = labels.iter().zip(&classes).filter(|(_, (class, _))| class.support == 0);
    Some(TaskReport {
        rows,
        accuracy: headline.accuracy,
        balanced_accuracy: headline.balanced_accuracy,
        f1_macro: headline.f1_macro,
        f1_weighted: headline.f1_weighted,
        precision_macro: mean(seen(&classes).map(|class| class.precision)),
        precision_weighted: weighted(|class| class.precision),
        recall_macro: mean(seen(&classes).map(|class| class.recall)),
        recall_weighted: weighted(|class| class.recall),
        untested_labels: untested.map(|(label, _)| label.clone()).collect(),
        expected_calibration_error: calibration_error(outcomes),
        mean_confidence: mean(outcomes.iter().map(|outcome| f64::from(outcome.confidence))),
        per_class_metrics: labels.iter().cloned().zip(classes.into_iter().map(|(class, _)| class)).collect(),
        labels: labels.to_vec(),
        confusion_matrix: confusion.matrix,
    })
}

/// The temperature that makes logits most likely (Guo et al., 2017), within 0.25 and 4; 1 without rows.
///
/// The likelihood has one minimum in `1 / temperature`, so a golden-section search finds it.
#[expect(clippy::cast_possible_truncation, reason = "confidences are in `f32`")]
pub(crate) fn fit_temperature(rows: &[(usize, &[f32])]) -> f32 {
    if rows.is_empty() {
        return 1.0;
    }
    let loss = |inverse: f64| {
        rows.iter()
            .map(|(truth, logits)| {
                let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let scaled = |logit: f32| f64::from(logit - highest) * inverse;
                logits.iter().map(|logit| scaled(*logit).exp()).sum::<f64>().ln() - scaled(logits[*truth])
            })
            .sum::<f64>()
    };
    let ratio = (5.0_f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.25, 4.0);
    for _ in 0..40 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    (2.0 / (low + high)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(pairs: &[(usize, usize)]) -> Vec<Outcome> {
        pairs
            .iter()
            .map(|(truth, predicted)| Outcome { truth: *truth, predicted: *predicted, confidence: 0.9 })
            .collect()
    }

    /// Scores of `sklearn.metrics` for `y_true = [0,0,0,1,1,2]`, `y_pred = [0,0,1,1,2,2]`.
    #[test]
    fn scores_are_those_of_the_textbook() {
        let labels = ["a", "b", "c", "unused"].map(str::to_owned);
        let report = report(&labels, &outcomes(&[(0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 2)])).expect("rows");
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(report.accuracy, 4.0 / 6.0);
        near(report.balanced_accuracy, (2.0 / 3.0 + 0.5 + 1.0) / 3.0);
        near(report.per_class_metrics["a"].f1, 0.8);
        near(report.per_class_metrics["b"].f1, 0.5);
        near(report.per_class_metrics["c"].f1, 2.0 / 3.0);
        near(report.f1_macro, (0.8 + 0.5 + 2.0 / 3.0) / 3.0);
        near(report.f1_weighted, (0.8 * 3.0 + 0.5 * 2.0 + 2.0 / 3.0) / 6.0);
        near(report.precision_macro, (1.0 + 0.5 + 0.5) / 3.0);
        near(report.precision_weighted, (3.0 + 2.0 * 0.5 + 0.5) / 6.0);
        near(report.recall_macro, report.balanced_accuracy);
        near(report.recall_weighted, report.accuracy);
        assert_eq!(report.untested_labels, ["unused"]);
        near(report.expected_calibration_error, f64::from(0.9_f32) - 4.0 / 6.0);
        assert_eq!(report.confusion_matrix[1], [0, 1, 1, 0]);
    }

    /// As `sklearn.metrics` has it with `zero_division=0`: `y_true = [0, 0]`, `y_pred = [0, 1]`.
    #[test]
    fn a_label_that_was_predicted_and_never_occurs_counts_in_the_macro_scores_only() {
        let labels = ["a", "b"].map(str::to_owned);
        let report = report(&labels, &outcomes(&[(0, 0), (0, 1)])).expect("rows");
        assert_eq!((report.balanced_accuracy, report.recall_macro, report.precision_macro), (0.5, 0.25, 0.5));
        assert_eq!(report.per_class_metrics["b"], ClassReport { precision: 0.0, recall: 0.0, f1: 0.0, support: 0 });
    }

    #[test]
    fn one_row_is_enough() {
        let right = report(&["a".to_owned(), "b".to_owned()], &outcomes(&[(1, 1)])).expect("one row");
        assert_eq!((right.accuracy, right.balanced_accuracy, right.f1_macro, right.f1_weighted), (1.0, 1.0, 1.0, 1.0));
        let wrong = report(&["a".to_owned(), "b".to_owned()], &outcomes(&[(1, 0)])).expect("one row");
        assert_eq!((wrong.accuracy, wrong.balanced_accuracy, wrong.f1_macro, wrong.f1_weighted), (0.0, 0.0, 0.0, 0.0));
    }

    #[test]
    fn no_rows_no_report() {
        assert_eq!(report(&["a".to_owned()], &[]), None);
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "without rows it is exactly 1")]
    fn temperature_cools_the_overconfident_and_leaves_the_calibrated() {
        // Two labels, logit difference d: the calibrated share of right answers is 1 / (1 + exp(-d)).
        let logits = [4.0_f32, 0.0];
        let rows: Vec<(usize, &[f32])> = (0..100).map(|n| (usize::from(n >= 88), logits.as_slice())).collect();
        // 88 % right belongs to a difference of ln(0.88 / 0.12) = 1.992.
        assert!((fit_temperature(&rows) - 4.0 / 1.992).abs() < 0.02);
        let rows: Vec<(usize, &[f32])> = (0..1000).map(|n| (usize::from(n >= 982), logits.as_slice())).collect();
        assert!((fit_temperature(&rows) - 1.0).abs() < 0.02);
        assert_eq!(fit_temperature(&[]), 1.0);
    }
}

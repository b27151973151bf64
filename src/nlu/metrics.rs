//! Decides how good a set of predictions is.
//!
//! It must never count a row without a label.

use std::collections::BTreeMap;

use serde::Serialize;

/// Figures of one label.
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

/// Figures of one task.
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
    /// Figures by label.
    pub per_class_metrics: BTreeMap<String, ClassReport>,
    /// The labels in the order of the matrix.
    pub labels: Vec<String>,
    /// Rows by true label (first index) and predicted label (second index).
    pub confusion_matrix: Vec<Vec<usize>>,
    /// Expected calibration error over 15 bins of equal width (Guo et al., 2017).
    pub expected_calibration_error: f64,
    /// Mean confidence of the predicted labels.
    pub mean_confidence: f64,
}

/// One labelled row: numbers of the true and the predicted label, and the confidence of the latter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// Number of the true label.
    pub truth: usize,
    /// Number of the predicted label.
    pub predicted: usize,
    /// Confidence of the prediction, from 0 to 1.
    pub confidence: f32,
}

const BINS: usize = 15;

/// Computes a task's figures; `None` without any row.
pub fn report(labels: &[String], outcomes: &[Outcome]) -> Option<TaskReport> {
    if outcomes.is_empty() {
        return None;
    }
    let rows = outcomes.len();
    let mut matrix = vec![vec![0_usize; labels.len()]; labels.len()];
    let mut bins = [(0_usize, 0.0_f64, 0_usize); BINS];
    for outcome in outcomes {
        matrix[outcome.truth][outcome.predicted] += 1;
        let bin = ((f64::from(outcome.confidence) * BINS as f64) as usize).min(BINS - 1);
        bins[bin].0 += 1;
        bins[bin].1 += f64::from(outcome.confidence);
        bins[bin].2 += usize::from(outcome.truth == outcome.predicted);
    }
    let mut classes = BTreeMap::new();
    let (mut recalls, mut scores, mut weighted) = (Vec::new(), Vec::new(), 0.0);
    for (number, label) in labels.iter().enumerate() {
        let hits = matrix[number][number] as f64;
        let support: usize = matrix[number].iter().sum();
        let predicted: usize = matrix.iter().map(|row| row[number]).sum();
        let share = |of: usize| if of == 0 { 0.0 } else { hits / of as f64 };
        let (precision, recall) = (share(predicted), share(support));
        let f1 = if support + predicted == 0 { 0.0 } else { 2.0 * hits / (support + predicted) as f64 };
        if support > 0 {
            recalls.push(recall);
        }
        if support + predicted > 0 {
            scores.push(f1);
        }
        weighted += f1 * support as f64 / rows as f64;
        classes.insert(label.clone(), ClassReport { precision, recall, f1, support });
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len().max(1) as f64;
    let right: usize = (0..labels.len()).map(|number| matrix[number][number]).sum();
    Some(TaskReport {
        rows,
        accuracy: right as f64 / rows as f64,
        balanced_accuracy: mean(&recalls),
        f1_macro: mean(&scores),
        f1_weighted: weighted,
        per_class_metrics: classes,
        labels: labels.to_vec(),
        confusion_matrix: matrix,
        expected_calibration_error: bins
            .iter()
            .map(|(_, confidence, right)| (confidence - *right as f64).abs() / rows as f64)
            .sum(),
        mean_confidence: outcomes.iter().map(|outcome| f64::from(outcome.confidence)).sum::<f64>() / rows as f64,
    })
}

/// The temperature that makes logits most likely (Guo et al., 2017), within 0.25 and 4; 1 without rows.
///
/// The likelihood has one minimum in `1 / temperature`, so a golden-section search finds it.
pub fn fit_temperature(rows: &[(usize, &[f32])]) -> f32 {
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

    /// Figures of `sklearn.metrics` for y_true = [0,0,0,1,1,2], y_pred = [0,0,1,1,2,2].
    #[test]
    fn figures_are_those_of_the_textbook() {
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
        near(report.expected_calibration_error, 0.9f32 as f64 - 4.0 / 6.0);
        assert_eq!(report.confusion_matrix[1], [0, 1, 1, 0]);
    }

    #[test]
    fn no_rows_no_report() {
        assert_eq!(report(&["a".to_owned()], &[]), None);
    }

    #[test]
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

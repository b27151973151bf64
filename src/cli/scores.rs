//! How the scores of a model are shown in a terminal.
//!
//! They are never rounded so far that two models look the same.

use super::output::Output;
use crate::nlu::{
    Abstention, Calibration, Confidence, Coverage, EvaluatedRow, Evaluation, INTENT, Interval, Intervals, OutOfScope,
    TaskReport,
};

/// A matrix wider than a screen helps nobody; its largest cells are listed instead.
const WIDEST_MATRIX: usize = 20;
/// Pairs listed where the matrix is too wide.
const PAIRS: usize = 15;

/// Shows everything that was found, and the worst mistakes.
///
/// # Errors
/// Standard output cannot be written to.
pub(super) fn print_all(evaluation: &Evaluation, mistakes: usize, output: &mut Output) -> anyhow::Result<()> {
    let info = &evaluation.test_info;
    output.line(format!("{} rows, model {}", info.rows, info.model))?;
    if info.unlabelled > 0 {
        output.line(format!("{} rows left out: no text or no label", info.unlabelled))?;
    }
    print_scores(evaluation, output)?;
    print_mistakes(&evaluation.mistakes, mistakes, output)
}

/// Shows the scores and confusion matrices of all heads.
///
/// # Errors
/// Standard output cannot be written to.
pub(super) fn print_scores(evaluation: &Evaluation, output: &mut Output) -> anyhow::Result<()> {
    for (task, found) in evaluation.heads() {
        let (Some(report), Some(intervals), Some(calibration)) = (found.report, found.intervals, found.calibration)
        else {
            continue;
        };
        output.line("")?;
        print_headline(task, report, intervals, output)?;
        print_confidence(report, calibration, found.confidence, output)?;
        if task == INTENT
            && let Some(abstention) = &evaluation.abstention
        {
            print_abstention(abstention, output)?;
        }
        if task == INTENT
            && let Some(found) = &evaluation.out_of_scope
        {
            print_out_of_scope(found, output)?;
        }
        print_classes(report, output)?;
        print_matrix(report, output)?;
    }
    Ok(())
}

fn print_headline(task: &str, report: &TaskReport, intervals: &Intervals, output: &mut Output) -> anyhow::Result<()> {
    output.line(format!("{:<38} 95 % interval", format!("{task} ({} rows)", report.rows)))?;
    let rows: [(&str, f64, Interval); 4] = [
        ("accuracy", report.accuracy, intervals.accuracy),
        ("balanced accuracy", report.balanced_accuracy, intervals.balanced_accuracy),
        ("macro F1", report.f1_macro, intervals.f1_macro),
        ("weighted F1", report.f1_weighted, intervals.f1_weighted),
    ];
    for (name, value, [low, high]) in rows {
        output.line(format!("  {name:<28} {value:.4}  {low:.4} to {high:.4}"))?;
    }
    output.line(format!(
        "  {:<28} {:.4}  {:.4}",
        "macro precision, recall", report.precision_macro, report.recall_macro
    ))?;
    let (precision, recall) = (report.precision_weighted, report.recall_weighted);
    output.line(format!("  {:<28} {precision:.4}  {recall:.4}", "weighted precision, recall"))?;
    Ok(())
}

fn print_confidence(
    report: &TaskReport,
    calibration: &Calibration,
    confidence: &Confidence,
    output: &mut Output,
) -> anyhow::Result<()> {
    output.line(format!(
        "  {:<28} mean {:.4}  median {:.4}  {:.1} % at 0.9 or above",
        "confidence",
        confidence.mean,
        confidence.median,
        100.0 * confidence.high_share
    ))?;
    output.line(format!(
        "  {:<28} {:.4} before, {:.4} after temperature {:.3}",
        "expected calibration error",
        calibration.error_before,
        report.expected_calibration_error,
        calibration.temperature
    ))?;
    Ok(())
}

fn print_out_of_scope(found: &OutOfScope, output: &mut Output) -> anyhow::Result<()> {
    output.line(format!(
        "  {:<28} {} rows: {:.1} % withheld, beside {:.1} % in scope; AUROC {:.4}; treated right, all rows {:.4}",
        "out of scope",
        found.rows,
        100.0 * found.withheld,
        100.0 * found.withheld_in_scope,
        found.auroc,
        found.accuracy
    ))?;
    Ok(())
}

fn print_abstention(abstention: &Abstention, output: &mut Output) -> anyhow::Result<()> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let accuracy = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{share:.4}"));
    let Coverage { coverage, threshold, accuracy: right } = &abstention.at_threshold;
    if *threshold > 0.0 {
        output.line(format!(
            "  {:<28} {} answered with accuracy {}, the rest would have {}",
            format!("withheld below {threshold:.2}"),
            percent(*coverage),
            accuracy(*right),
            accuracy(abstention.accuracy_of_withheld)
        ))?;
    }
    let points: Vec<String> = abstention
        .accuracy_at_coverage
        .iter()
        .map(|point| format!("{:.0} %: {}", 100.0 * point.coverage, accuracy(point.accuracy)))
        .collect();
    output.line(format!("  {:<28} {}", "accuracy of the surest", points.join("  ")))?;
    Ok(())
}

fn print_classes(report: &TaskReport, output: &mut Output) -> anyhow::Result<()> {
    let width = label_width(report);
    output.line(format!("\n  {:width$}  precision  recall      F1   rows", "label"))?;
    for label in &report.labels {
        let Some(class) = report.per_class_metrics.get(label) else { continue };
        output.line(format!(
            "  {label:width$}     {:.4}  {:.4}  {:.4}  {:>5}{}",
            class.precision,
            class.recall,
            class.f1,
            class.support,
            if class.support == 0 { "  not tested" } else { "" }
        ))?;
    }
    if !report.untested_labels.is_empty() {
        output.line(format!(
            "  {} of {} labels have no row: they take no part in the balanced accuracy, and in the macro scores only \
             where they were predicted",
            report.untested_labels.len(),
            report.labels.len()
        ))?;
    }
    Ok(())
}

fn label_width(report: &TaskReport) -> usize {
    report.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0).max(5)
}

fn print_matrix(report: &TaskReport, output: &mut Output) -> anyhow::Result<()> {
    let width = label_width(report);
    if report.labels.len() > WIDEST_MATRIX {
        return print_pairs(report, output);
    }
    let numbers: String = (1..=report.labels.len()).map(|number| format!("{number:>5}")).collect::<Vec<_>>().concat();
    output.line(format!("\n  {:>width$}  {numbers}", "true \\ predicted", width = width + 4))?;
    for (number, (label, row)) in report.labels.iter().zip(&report.confusion_matrix).enumerate() {
        let cells: String =
            row.iter().map(|count| if *count == 0 { format!("{:>5}", "·") } else { format!("{count:>5}") }).collect();
        output.line(format!("  {:>2}  {label:width$}  {cells}", number + 1))?;
    }
    Ok(())
}

fn print_pairs(report: &TaskReport, output: &mut Output) -> anyhow::Result<()> {
    let mut pairs = Vec::new();
    for (truth, row) in report.confusion_matrix.iter().enumerate() {
        for (predicted, count) in row.iter().enumerate() {
            if truth != predicted && *count > 0 {
                pairs.push((*count, truth, predicted));
            }
        }
    }
    pairs.sort_by_key(|(count, truth, predicted)| (std::cmp::Reverse(*count), *truth, *predicted));
    if pairs.is_empty() {
        return Ok(());
    }
    output.line("\n  most often mistaken (--out DIR draws the whole matrix)")?;
    for (count, truth, predicted) in pairs.into_iter().take(PAIRS) {
        output.line(format!("  {count:>5}  {} → {}", report.labels[truth], report.labels[predicted]))?;
    }
    Ok(())
}

fn print_mistakes(mistakes: &[EvaluatedRow], most: usize, output: &mut Output) -> anyhow::Result<()> {
    if mistakes.is_empty() || most == 0 {
        return Ok(());
    }
    output.line(format!("\n{} rows wrong in some head, the most confident first", mistakes.len()))?;
    for mistake in mistakes.iter().take(most) {
        let mut wrong = Vec::new();
        if mistake.intent_is_wrong() {
            let truth = mistake.intent.as_deref().unwrap_or("");
            wrong.push(format!("{truth} → {} {:.2}", mistake.predicted_intent, mistake.intent_confidence));
        }
        if mistake.sentiment_is_wrong() {
            let truth = mistake.sentiment.as_deref().unwrap_or("");
            wrong.push(format!("{truth} → {} {:.2}", mistake.predicted_sentiment, mistake.sentiment_confidence));
        }
        for one in mistake.other_heads.values().filter(|one| one.is_wrong()) {
            let truth = one.label.as_deref().unwrap_or("");
            wrong.push(format!("{truth} → {} {:.2}", one.predicted, one.confidence));
        }
        output.line(format!("  {}  {}\n      {}", mistake.place, wrong.join(", "), mistake.text))?;
    }
    Ok(())
}

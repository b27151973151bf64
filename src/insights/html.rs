//! The report as one HTML file that can be mailed: no script, and no external resources. `maud` escapes all text.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::elements::{Chart, Section, Series, Table};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2330;\
background:#fff}h1{font-size:1.5rem}h2{margin-top:2.5rem;border-bottom:1px solid #d5dae3;padding-bottom:.3rem}h3{font-size:1rem;\
margin:1.5rem 0 .4rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid \
#e6e9ef;vertical-align:top}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}small,.note{color:#566072}\
svg{display:block;width:100%;height:auto}.wide{overflow-x:auto}@media(prefers-color-scheme:dark){body{background:#12161d;color:#e3e8f0}th,td,h2{\
border-color:#2c3440}small,.note{color:#a3aebf}}";
const COLOURS: [&str; 6] = ["#2f6fde", "#c2570c", "#16837a", "#8b5cf6", "#b8326f", "#6b7280"];

/// The colour of a line: sentiments have colours of their own.
fn colour(name: &str, number: usize) -> &'static str {
    match name {
        "positive" => "#1a9a5c",
        "neutral" | "target" => "#64748b",
        "negative" => "#dc4c3f",
        _ => COLOURS[number % COLOURS.len()],
    }
}

/// Sections as one page.
pub fn page(title: &str, sections: &[Section]) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                @for section in sections {
                    (markup_of(section))
                }
            }
        }
    };
    markup.into_string()
}

fn markup_of(section: &Section) -> Markup {
    html! {
        h2 { (section.title) " " small { (section.about) } }
        @if !section.stats.is_empty() {
            table {
                tbody {
                    @for stat in &section.stats {
                        tr { th scope="row" { (stat.label) } td.n { (stat.shown()) } td { small { (stat.note) } } }
                    }
                }
            }
        }
        @for series in section.series.iter().filter(|series| !series.is_empty()) {
            h3 { (series.title) }
            @if matches!(series.chart, Chart::Lines | Chart::Stack) { (lines(series)) } @else { (bars(series)) }
        }
        @for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
            h3 { (table.title) }
            (rows(table))
        }
        @for note in &section.notes { p.note { (note) } }
    }
}

fn rows(table: &Table) -> Markup {
    html! {
        div.wide {
            table {
                thead { tr { @for name in &table.columns { th scope="col" { (name) } } } }
                tbody { @for cells in &table.rows { tr { @for cell in cells { td { (cell) } } } } }
            }
        }
    }
}

fn maximum(series: &Series) -> f64 {
    series.lines.iter().flat_map(|line| &line.values).filter_map(|value| *value).fold(0.0, f64::max)
}

fn bars(series: &Series) -> Markup {
    let maximum = maximum(series);
    let width = |value: Option<f64>| if maximum > 0.0 { value.unwrap_or(0.0).max(0.0) / maximum * 100.0 } else { 0.0 };
    html! {
        table {
            tbody {
                @for (index, label) in series.labels.iter().enumerate() {
                    @for (number, line) in series.lines.iter().enumerate() {
                        @let value = line.values.get(index).copied().flatten();
                        tr {
                            th scope="row" { (label) @if series.lines.len() > 1 { ", " (line.name) } }
                            td.n { (series.unit.show(value)) }
                            td width="60%" {
                                svg viewBox="0 0 100 4" preserveAspectRatio="none" height="12" aria-hidden="true" {
                                    rect width=(format!("{:.2}", width(value))) height="4"
                                        fill=(COLOURS[number % COLOURS.len()]) {}
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The runs of known values, with their indexes: a line is interrupted where a value is not known.
fn runs(values: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let indexed: Vec<(usize, Option<f64>)> = values.iter().copied().enumerate().collect();
    indexed
        .split(|(_, value)| value.is_none())
        .map(|run| run.iter().filter_map(|&(index, value)| value.map(|value| (index, value))).collect::<Vec<_>>())
        .filter(|run| !run.is_empty())
        .collect()
}

fn lines(series: &Series) -> Markup {
    let maximum = maximum(series);
    #[expect(clippy::cast_precision_loss, reason = "a chart has a few hundred points")]
    let point = |index: usize, value: f64| {
        let x = if series.labels.len() > 1 { index as f64 / (series.labels.len() - 1) as f64 * 600.0 } else { 300.0 };
        let y = if maximum > 0.0 { 118.0 - value.max(0.0) / maximum * 110.0 } else { 118.0 };
        (x, y)
    };
    html! {
        svg viewBox="0 0 600 120" role="img" aria-label=(series.title) {
            line x1="0" y1="118" x2="600" y2="118" stroke="#9aa4b2" {}
            @for (number, line) in series.lines.iter().enumerate() {
                @let colour = colour(&line.name, number);
                @for run in runs(&line.values) {
                    @if let [(index, value)] = run[..] {
                        // A point without neighbours is no line.
                        @let (x, y) = point(index, value);
                        circle cx=(format!("{x:.1}")) cy=(format!("{y:.1}")) r="3" fill=(colour) {}
                    } @else {
                        @let points: Vec<String> = run.iter()
                            .map(|&(index, value)| point(index, value)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                        polyline points=(points.join(" ")) fill="none" stroke-width="2" stroke=(colour)
                            stroke-dasharray=[(line.name == "target").then_some("6 5")] {}
                    }
                }
            }
        }
        p.note {
            @if let (Some(first), Some(last)) = (series.labels.first(), series.labels.last()) {
                (first) " to " (last) "; at most " (series.unit.show(Some(maximum)))
            }
            @for (number, line) in series.lines.iter().enumerate() {
                " "
                svg width="12" height="12" viewBox="0 0 12 12" style="display:inline;width:12px" aria-hidden="true" {
                    rect width="12" height="12" fill=(colour(&line.name, number)) {}
                }
                " " (line.name)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_ends_where_nothing_is_known() {
        let known = runs(&[None, Some(1.0), Some(2.0), None, None, Some(3.0), None]);
        assert_eq!(known, [vec![(1, 1.0), (2, 2.0)], vec![(5, 3.0)]]);
        assert!(runs(&[None, None]).is_empty() && runs(&[]).is_empty());
    }

    #[test]
    fn what_customers_wrote_is_no_markup() {
        let mut section = Section::new("refunds", "Refunds", "all time".to_owned());
        section.tables = vec![Table {
            key: "reasons",
            title: "Reasons",
            columns: vec!["Reason"],
            rows: vec![vec!["<script>alert(1)</script>".to_owned()]],
        }];
        let page = page("Report", &[section]);
        assert!(!page.contains("<script") && page.contains("&lt;script&gt;alert(1)"), "{page}");
    }
}

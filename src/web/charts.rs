//! Decides how figures, series and tables look on a page.
//!
//! It must never leave a chart without its numbers beside it: they are there for everybody who cannot see it.

use maud::{Markup, html};
use serde_json::json;

use crate::insights::{Section, Series, Table};

/// The single figures of a section, those of `keys`, in their order; all where there are none.
pub(super) fn figures(section: &Section, keys: &[&str]) -> Markup {
    let chosen = section.figures.iter().filter(|figure| keys.is_empty() || keys.contains(&figure.key));
    html! {
        dl.figures {
            @for figure in chosen {
                div.card {
                    dt { (figure.label) }
                    dd { (figure.shown()) }
                    @if !figure.note.is_empty() { dd.note { (figure.note) } }
                }
            }
        }
    }
}

/// The series of a section, each as a chart with its numbers.
pub(super) fn series(section: &Section) -> Markup {
    html! {
        div.charts { @for series in &section.series { (chart(series)) } }
    }
}

fn chart(series: &Series) -> Markup {
    let data = json!({
        "key": series.key, "kind": series.chart, "unit": series.unit, "title": series.title, "labels": series.labels,
        "lines": series.lines,
    });
    html! {
        figure.card {
            figcaption { (series.title) }
            @if series.is_empty() {
                p.nothing { "Nothing in this time" }
            } @else {
                div.chart data-chart=(data.to_string()) role="img" aria-label=(format!("Chart: {}", series.title)) {}
                details {
                    summary { "Numbers" }
                    div.scroll tabindex="0" role="region" aria-label=(series.title) {
                        table {
                            thead {
                                tr {
                                    th scope="col" { "" }
                                    @for line in &series.lines { th.n scope="col" { (line.name) } }
                                }
                            }
                            tbody {
                                @for (index, label) in series.labels.iter().enumerate() {
                                    tr {
                                        th scope="row" { (label) }
                                        @for line in &series.lines {
                                            td.n { (series.unit.show(line.values.get(index).copied().flatten())) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The tables of a section.
pub(super) fn tables(section: &Section) -> Markup {
    html! { @for one in &section.tables { (table(one)) } }
}

fn table(table: &Table) -> Markup {
    html! {
        section.card {
            h3 { (table.title) }
            @if table.rows.is_empty() {
                p.nothing { "Nothing in this time" }
            } @else {
                div.scroll tabindex="0" role="region" aria-label=(table.title) {
                    table {
                        thead { tr { @for name in &table.columns { th scope="col" { (name) } } } }
                        tbody { @for cells in &table.rows { tr { @for cell in cells { td { (cell) } } } } }
                    }
                }
            }
        }
    }
}

/// What has to be known beside.
pub(super) fn notes(section: &Section) -> Markup {
    html! { @for note in &section.notes { p.note { (note) } } }
}

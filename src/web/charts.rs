//! The markup of single numbers, series and tables. Every chart has its numbers beside it, for whoever cannot see it.

use maud::{Markup, html};
use serde_json::json;

use super::customer::{customer_link, order_link};
use crate::domain::currency::Currency;
use crate::domain::ids::{OrderId, UserId};
use crate::insights::{Section, Series, Stat, Table, Unit};

/// The class for the number of columns on a wide page, chosen so that no row is left half empty.
fn columns(stats: usize) -> &'static str {
    match stats {
        0..=2 => "by-2",
        3 => "by-3",
        count if count > 6 && count.is_multiple_of(6) => "by-6",
        count if count.is_multiple_of(4) => "by-4",
        count if count.is_multiple_of(3) => "by-3",
        _ => "by-4",
    }
}

/// Whether a number is highlighted: pending alerts of which some are urgent.
fn is_urgent(stat: &Stat) -> bool {
    stat.key == "pending_alerts" && stat.value.is_some_and(|value| value > 0.0) && !stat.note.starts_with("0 ")
}

/// The single numbers of a section; `address` of a key is where those lead that are counted in a number.
pub(super) fn stats(section: &Section, address: &dyn Fn(&str) -> Option<String>) -> Markup {
    stats_with(section, None, address)
}

/// The same, each beside what it was in the time before.
pub(super) fn stats_with(
    section: &Section,
    before: Option<&Section>,
    address: &dyn Fn(&str) -> Option<String>,
) -> Markup {
    html! {
        dl.figures.(columns(section.stats.len())) {
            @for stat in &section.stats {
                div class=[is_urgent(stat).then_some("urgent")] {
                    dt { @match address(stat.key) { Some(address) => a href=(address) { (stat.label) }, None => (stat.label) } }
                    dd { (stat.shown()) }
                    @if let Some(delta) = before.and_then(|before| delta(stat, before)) { dd.note.delta { (delta) } }
                    @if !stat.note.is_empty() { dd.note { (stat.note) } }
                }
            }
        }
    }
}

/// How a number differs from that of the time before, in words; `None` where there is nothing to compare.
fn delta(stat: &Stat, before: &Section) -> Option<String> {
    // What waits now is of no time.
    if stat.key == "pending_alerts" {
        return None;
    }
    let was = before.stats.iter().find(|one| one.key == stat.key)?.value?;
    let now = stat.value?;
    let sign = |difference: f64| if difference > 0.0 { "▲" } else { "▼" };
    if matches!(stat.unit, Unit::Share) {
        let points = (now - was) * 100.0;
        return (points.abs() >= 0.05).then(|| format!("{} {:.1} points", sign(points), points.abs()));
    }
    if was == 0.0 {
        return (now > 0.0).then(|| "▲ none before".to_owned());
    }
    let percent = (now - was) / was.abs() * 100.0;
    (percent.abs() >= 0.5).then(|| format!("{} {:.0} %", sign(percent), percent.abs()))
}

/// The series of a section, each as a chart with its numbers. Hours and days are the shop's.
pub(super) fn series(section: &Section) -> Markup {
    html! {
        div.charts { @for series in &section.series { (chart(section.key, series)) } }
    }
}

fn chart(section: &str, series: &Series) -> Markup {
    let data = json!({
        "key": series.key, "kind": series.chart, "unit": series.unit, "locale": series.unit.locale(), "title": series.title, "labels": series.labels,
        "lines": series.lines,
    });
    html! {
        figure.card data-key=(format!("{section}/{}", series.key)) {
            figcaption { (series.title) }
            @if series.is_empty() {
                p.nothing { (empty_text(series.key)) }
            } @else {
                div.chart data-chart=(data.to_string()) role="img" aria-label=(format!("Chart: {}", series.title)) {}
                details.numbers {
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

/// The text in place of an empty chart.
fn empty_text(key: &str) -> &'static str {
    match key {
        "intents" | "sentiment" | "sentiments" => "Nobody wrote in this time. Choose a longer one above.",
        "response_trend" => "The bot answered nobody in this time. Choose a longer one above.",
        "delays_by_hour" => "No order of this time has an hour of the day.",
        "ratings" | "orders_by_platform" | "delivery_by_platform" | "delays_by_category" | "delivery_by_category" => {
            "No order of this time. Those without a date are under “All”."
        }
        key if key.starts_with("refunds") => "No refund was paid in this time.",
        _ => "Nothing in this time. Choose a longer one above.",
    }
}

/// Whether every cell of a column is a number, an amount or a dash.
fn is_numeric(table: &Table, column: usize) -> bool {
    let number = |cell: &str| {
        let digits = cell.find(|c: char| c.is_ascii_digit()).unwrap_or(cell.len());
        let sign = cell[..digits].trim_start_matches('-').trim();
        let leads = digits < cell.len() && (sign.is_empty() || !Currency::from_symbol(sign).is_empty());
        cell == "—" || (leads && cell.chars().count() < 20 && !cell.contains(':'))
    };
    table.rows.iter().all(|cells| cells.get(column).is_some_and(|cell| number(cell)))
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
                p.nothing { "Nothing in this time." }
            } @else {
                div.scroll tabindex="0" role="region" aria-label=(table.title) {
                    @let numeric: Vec<bool> = (0..table.columns.len()).map(|column| is_numeric(table, column)).collect();
                    table {
                        thead {
                            tr {
                                @for (name, numeric) in table.columns.iter().zip(&numeric) {
                                    th class=[numeric.then_some("n")] scope="col" { (name) }
                                }
                            }
                        }
                        tbody {
                            @for cells in &table.rows {
                                tr { @for ((cell, numeric), name) in cells.iter().zip(&numeric).zip(&table.columns) { td class=[numeric.then_some("n")] { (linked(name, cell)) } } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A cell of a table: what is an order or a customer leads to it.
fn linked(column: &str, cell: &str) -> Markup {
    match column {
        _ if cell == "—" || cell.is_empty() => html! { (cell) },
        "Order" => order_link(&OrderId::new(cell)),
        "Customer" => customer_link(&UserId::new(cell)),
        _ => html! { (cell) },
    }
}

/// The notes of a section.
pub(super) fn notes(section: &Section) -> Markup {
    html! { @for note in &section.notes { p.note { (note) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_numbers_are_recognised() {
        let row = |cells: [&str; 4]| cells.map(str::to_owned).to_vec();
        let table = Table {
            key: "t",
            title: "T",
            columns: vec!["Name", "Orders", "Value", "Time"],
            rows: vec![row(["A", "1,200", "₹5.50", "2026-01-01 10:00"]), row(["9 lives", "—", "-3", "—"])],
        };
        let numeric: Vec<bool> = (0..4).map(|column| is_numeric(&table, column)).collect();
        assert_eq!(numeric, [false, true, true, false]);
    }
}

//! Writes sections as text: plain columns (with bars on a terminal), CSV, and Markdown. A cell never becomes a formula
//! of a spreadsheet, nor markup.

use std::fmt::Write as _;

use super::elements::{Chart, Section, Series, Table};
use crate::files::csv;

/// The width of the longest bar.
const BAR: u8 = 24;
/// One to eight eighths of a block.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A section as columns of text; with bars and sparklines where `drawn`.
pub fn plain(section: &Section, drawn: bool) -> String {
    let mut out = format!("{} ({})\n", section.title, section.about);
    let width = section.stats.iter().map(|stat| stat.label.chars().count()).max().unwrap_or(0);
    for stat in &section.stats {
        let note = if stat.note.is_empty() { String::new() } else { format!("  ({})", stat.note) };
        let _ = writeln!(out, "  {:<width$}  {}{note}", stat.label, stat.shown());
    }
    for series in &section.series {
        let _ = writeln!(out, "\n{}", series.title);
        out += &if series.is_empty() { "  nothing in this time\n".to_owned() } else { values(series, drawn) };
    }
    for table in &section.tables {
        let _ = writeln!(out, "\n{}", table.title);
        out += &if table.rows.is_empty() { "  nothing\n".to_owned() } else { columns(table) };
    }
    for note in &section.notes {
        let _ = writeln!(out, "\nnote: {note}");
    }
    out
}

fn values(series: &Series, drawn: bool) -> String {
    let mut out = String::new();
    let over_time = matches!(series.chart, Chart::Lines | Chart::Stack);
    if drawn && over_time {
        let width = series.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        for line in &series.lines {
            let last = series.unit.show(line.values.iter().rev().find_map(|value| *value));
            let _ = writeln!(out, "  {:<width$}  {}  {last}", line.name, sparkline(&line.values));
        }
        if let (Some(first), Some(last)) = (series.labels.first(), series.labels.last()) {
            let _ = writeln!(out, "  {:<width$}  {first} to {last}", "");
        }
        return out;
    }
    let width = series.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let maximum = series.lines.iter().flat_map(|line| &line.values).filter_map(|value| *value).fold(0.0, f64::max);
    for (index, label) in series.labels.iter().enumerate() {
        let _ = write!(out, "  {label:<width$}");
        for line in &series.lines {
            let value = line.values.get(index).copied().flatten();
            let named = if series.lines.len() > 1 { format!("{} ", line.name) } else { String::new() };
            let _ = write!(out, "  {named}{}", series.unit.show(value));
            if drawn && series.lines.len() == 1 {
                let _ = write!(out, "  {}", bar(value.unwrap_or(0.0), maximum));
            }
        }
        out.push('\n');
    }
    out
}

/// A bar of blocks, whose length is the share of the maximum.
fn bar(value: f64, maximum: f64) -> String {
    if value <= 0.0 || maximum <= 0.0 {
        return String::new();
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 192")]
    let eighths = ((value / maximum).min(1.0) * f64::from(BAR * 8)).round().max(1.0) as usize;
    let mut bar: String = std::iter::repeat_n(EIGHTHS[7], eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

/// A line of blocks, whose heights are the shares of the maximum. Where there are more than sixty values, each block is
/// the maximum of a group.
fn sparkline(values: &[Option<f64>]) -> String {
    let groups = values.len().div_ceil(60).max(1);
    let drawn: Vec<Option<f64>> =
        values.chunks(groups).map(|group| group.iter().filter_map(|value| *value).reduce(f64::max)).collect();
    let maximum = drawn.iter().filter_map(|value| *value).fold(0.0, f64::max);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 7")]
    let block = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if maximum <= 0.0 => SPARKS[0],
        Some(value) => SPARKS[((value / maximum).clamp(0.0, 1.0) * 7.0).round() as usize],
    };
    drawn.iter().map(block).collect()
}

fn columns(table: &Table) -> String {
    let width = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([table.columns[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let cells: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| {
                format!("{}{}", cell.replace(['\n', '\t'], " "), " ".repeat(width - cell.chars().count()))
            })
            .collect();
        format!("  {}\n", cells.join("  ").trim_end())
    };
    let mut out = line(table.columns.clone());
    for row in &table.rows {
        out += &line(row.iter().map(String::as_str).collect());
    }
    out
}

/// Sections as CSV, one value a row: section, group, label, line, value. Tables have a row for each cell.
pub fn csv(sections: &[Section]) -> String {
    let mut table = csv::Table::new();
    // In memory nothing fails.
    let mut add = |cells: [&str; 5]| table.row(cells).unwrap_or_default();
    add(["section", "group", "label", "line", "value"]);
    let value = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for section in sections {
        let mut row = |[section, group, label, line]: [&str; 4], value: String| {
            add([section, group, label, line, &value]);
        };
        for stat in &section.stats {
            row([section.key, "figures", stat.key, ""], value(stat.value));
        }
        for series in &section.series {
            for line in &series.lines {
                for (label, number) in series.labels.iter().zip(&line.values) {
                    row([section.key, series.key, label, &line.name], value(*number));
                }
            }
        }
        for rows in &section.tables {
            for (index, cells) in rows.rows.iter().enumerate() {
                for (column, cell) in rows.columns.iter().zip(cells) {
                    row([section.key, rows.key, &(index + 1).to_string(), column], cell.clone());
                }
            }
        }
    }
    table.finish().unwrap_or_default()
}

/// A section as Markdown.
pub fn markdown(section: &Section) -> String {
    let safe = |cell: &str| {
        let mut safe = String::new();
        for c in cell.chars() {
            match c {
                '\n' | '\r' => safe.push(' '),
                '<' => safe += "&lt;",
                '\\' | '|' | '[' | ']' | '*' | '_' | '`' | '#' | '!' => {
                    safe.push('\\');
                    safe.push(c);
                }
                c => safe.push(c),
            }
        }
        safe
    };
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head = |names: &[String]| format!("{}|{}\n", row(names), " --- |".repeat(names.len()));
    let mut out = format!("## {} ({})\n\n", section.title, safe(&section.about));
    out += &head(&["Figure".to_owned(), "Value".to_owned(), "Note".to_owned()]);
    for stat in &section.stats {
        out += &row(&[stat.label.to_owned(), stat.shown(), safe(&stat.note)]);
    }
    for series in section.series.iter().filter(|series| !series.is_empty()) {
        let _ = writeln!(out, "\n### {}\n", series.title);
        let names = series.lines.iter().map(|line| safe(&line.name));
        out += &head(&[String::new()].into_iter().chain(names).collect::<Vec<_>>());
        for (index, label) in series.labels.iter().enumerate() {
            let cells = series.lines.iter().map(|line| series.unit.show(line.values.get(index).copied().flatten()));
            out += &row(&[safe(label)].into_iter().chain(cells).collect::<Vec<_>>());
        }
    }
    for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
        let _ = writeln!(out, "\n### {}\n", table.title);
        out += &head(&table.columns.iter().map(|name| safe(name)).collect::<Vec<_>>());
        for cells in &table.rows {
            out += &row(&cells.iter().map(|cell| safe(cell)).collect::<Vec<_>>());
        }
    }
    for note in &section.notes {
        let _ = writeln!(out, "\n> {}", safe(note));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::elements::{Stat, Unit};
    use super::*;

    fn section() -> Section {
        let mut section = Section::new("orders", "Orders", "all time".to_owned());
        section.stats = vec![Stat::count("orders", "Orders", 123_456).with("of the file")];
        section.series = vec![
            Series::one(
                "bars",
                "Bars",
                Chart::Bars,
                Unit::Count,
                [("a".to_owned(), Some(8.0)), ("bb".to_owned(), Some(1.0)), ("c".to_owned(), None)],
            ),
            Series::one(
                "days",
                "Days",
                Chart::Lines,
                Unit::Count,
                [("1".to_owned(), Some(0.0)), ("2".to_owned(), None), ("3".to_owned(), Some(4.0))],
            ),
        ];
        section.tables = vec![Table {
            key: "reasons",
            title: "Reasons",
            columns: vec!["Reason", "Refunds"],
            rows: vec![
                vec!["=cmd|' /C calc'!A0".to_owned(), "-2".to_owned()],
                vec!["<b>a</b>, \"b\"".to_owned(), "1".to_owned()],
            ],
        }];
        section
    }

    #[test]
    fn a_terminal_gets_bars_and_a_pipe_does_not() {
        let drawn = plain(&section(), true);
        assert!(drawn.contains("Orders  1,23,456  (of the file)"), "{drawn}");
        assert!(drawn.contains(&format!("a   8  {}\n", "█".repeat(24))) && drawn.contains("bb  1  ███\n"), "{drawn}");
        assert!(drawn.contains("▁ █  4"), "{drawn}");
        let piped = plain(&section(), false);
        assert!(!piped.contains(['█', '▁']) && piped.contains("  3  4\n"), "{piped}");
    }

    #[test]
    fn a_spreadsheet_gets_no_formula_and_markdown_no_markup() {
        let csv = csv(&[section()]);
        assert!(csv.contains("orders,figures,orders,,123456\n") && csv.contains("orders,bars,bb,Bars,1\n"), "{csv}");
        assert!(csv.contains("orders,reasons,1,Reason,'=cmd|' /C calc'!A0\n"), "{csv}");
        assert!(csv.contains("orders,reasons,1,Refunds,-2\n") && csv.contains("\"<b>a</b>, \"\"b\"\"\""), "{csv}");
        let markdown = markdown(&section());
        assert!(markdown.contains("&lt;b>a&lt;/b>") && markdown.contains("cmd\\|"), "{markdown}");
    }
}

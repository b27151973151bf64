//! Decides how figures are written as text: for a terminal, as plain columns, as CSV, as Markdown.
//!
//! It must never let a cell of customers' words move the cursor or become a formula of a spreadsheet.

use super::shape::{Chart, Section, Series, Table};

const BAR: usize = 24;
/// Eighths of a block, from one on.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];
const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A section as columns of text; with bars and sparklines where `drawn`.
pub fn plain(section: &Section, drawn: bool) -> String {
    let mut out = format!("{} ({})\n", section.title, section.about);
    let width = section.figures.iter().map(|figure| figure.label.chars().count()).max().unwrap_or(0);
    for figure in &section.figures {
        let note = if figure.note.is_empty() { String::new() } else { format!("  ({})", figure.note) };
        out += &format!("  {:<width$}  {}{note}\n", figure.label, figure.shown());
    }
    for series in &section.series {
        out += &format!("\n{}\n", series.title);
        out += &if series.is_empty() { "  nothing in this time\n".to_owned() } else { values(series, drawn) };
    }
    for table in &section.tables {
        out += &format!("\n{}\n", table.title);
        out += &if table.rows.is_empty() { "  nothing\n".to_owned() } else { columns(table) };
    }
    for note in &section.notes {
        out += &format!("\nnote: {note}\n");
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
            out += &format!("  {:<width$}  {}  {last}\n", line.name, sparkline(&line.values));
        }
        if let (Some(first), Some(last)) = (series.labels.first(), series.labels.last()) {
            out += &format!("  {:<width$}  {first} to {last}\n", "");
        }
        return out;
    }
    let width = series.labels.iter().map(|label| label.chars().count()).max().unwrap_or(0);
    let most = series.lines.iter().flat_map(|line| &line.values).filter_map(|value| *value).fold(0.0, f64::max);
    for (index, label) in series.labels.iter().enumerate() {
        out += &format!("  {label:<width$}");
        for line in &series.lines {
            let value = line.values.get(index).copied().flatten();
            let named = if series.lines.len() > 1 { format!("{} ", line.name) } else { String::new() };
            out += &format!("  {named}{}", series.unit.show(value));
            if drawn && series.lines.len() == 1 {
                out += &format!("  {}", bar(value.unwrap_or(0.0), most));
            }
        }
        out.push('\n');
    }
    out
}

/// A bar of blocks, as long as the value is of the largest.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
fn bar(value: f64, most: f64) -> String {
    if value <= 0.0 || most <= 0.0 {
        return String::new();
    }
    let eighths = ((value / most).min(1.0) * (BAR * 8) as f64).round().max(1.0) as usize;
    let mut bar: String = std::iter::repeat_n(EIGHTHS[7], eighths / 8).collect();
    if !eighths.is_multiple_of(8) {
        bar.push(EIGHTHS[eighths % 8 - 1]);
    }
    bar
}

/// A line of blocks, as high as the values are of the largest. More than sixty points are drawn by the largest of each group.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn sparkline(values: &[Option<f64>]) -> String {
    let groups = values.len().div_ceil(60).max(1);
    let drawn: Vec<Option<f64>> =
        values.chunks(groups).map(|group| group.iter().filter_map(|value| *value).reduce(f64::max)).collect();
    let most = drawn.iter().filter_map(|value| *value).fold(0.0, f64::max);
    let block = |value: &Option<f64>| match value {
        None => ' ',
        Some(_) if most <= 0.0 => SPARKS[0],
        Some(value) => SPARKS[((value / most).clamp(0.0, 1.0) * 7.0).round() as usize],
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

/// A cell that no spreadsheet takes for a formula.
fn harmless(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err() {
        format!("'{cell}")
    } else {
        cell.to_owned()
    }
}

fn quoted(cells: &[String]) -> String {
    let cells: Vec<String> = cells
        .iter()
        .map(|cell| {
            let cell = harmless(cell);
            if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
        })
        .collect();
    cells.join(",") + "\n"
}

/// Sections as CSV, one value a row: section, group, label, line, value. Tables have a row for each cell.
pub fn csv(sections: &[Section]) -> String {
    let mut out = "section,group,label,line,value\n".to_owned();
    let value = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    for section in sections {
        let mut row = |cells: [&str; 4], value: String| {
            let mut cells: Vec<String> = cells.map(str::to_owned).to_vec();
            cells.push(value);
            out += &quoted(&cells);
        };
        for figure in &section.figures {
            row([section.key, "figures", figure.key, ""], value(figure.value));
        }
        for series in &section.series {
            for line in &series.lines {
                for (label, number) in series.labels.iter().zip(&line.values) {
                    row([section.key, series.key, label, &line.name], value(*number));
                }
            }
        }
        for table in &section.tables {
            for (index, cells) in table.rows.iter().enumerate() {
                for (column, cell) in table.columns.iter().zip(cells) {
                    row([section.key, table.key, &(index + 1).to_string(), column], cell.clone());
                }
            }
        }
    }
    out
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
    let head = |names: &[String]| row(names) + &format!("|{}\n", " --- |".repeat(names.len()));
    let mut out = format!("## {} ({})\n\n", section.title, safe(&section.about));
    out += &head(&["Figure".to_owned(), "Value".to_owned(), "Note".to_owned()]);
    for figure in &section.figures {
        out += &row(&[figure.label.to_owned(), figure.shown(), safe(&figure.note)]);
    }
    for series in section.series.iter().filter(|series| !series.is_empty()) {
        out += &format!("\n### {}\n\n", series.title);
        let names = series.lines.iter().map(|line| safe(&line.name));
        out += &head(&[String::new()].into_iter().chain(names).collect::<Vec<_>>());
        for (index, label) in series.labels.iter().enumerate() {
            let cells = series.lines.iter().map(|line| series.unit.show(line.values.get(index).copied().flatten()));
            out += &row(&[safe(label)].into_iter().chain(cells).collect::<Vec<_>>());
        }
    }
    for table in section.tables.iter().filter(|table| !table.rows.is_empty()) {
        out += &format!("\n### {}\n\n", table.title);
        out += &head(&table.columns.iter().map(|name| safe(name)).collect::<Vec<_>>());
        for cells in &table.rows {
            out += &row(&cells.iter().map(|cell| safe(cell)).collect::<Vec<_>>());
        }
    }
    for note in &section.notes {
        out += &format!("\n> {}\n", safe(note));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::shape::{Figure, Unit};
    use super::*;

    fn section() -> Section {
        let mut section = Section::new("orders", "Orders", "all time".to_owned());
        section.figures = vec![Figure::count("orders", "Orders", 123_456).with("of the file")];
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

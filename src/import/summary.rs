//! What is said about a file: what it is, how its columns are read, how many rows it has, and what was left out of them.

use std::collections::HashSet;

use serde::Serialize;

use super::error::RowError;
use super::header::Header;
use super::is_zero;
use super::mapping::{How, Mapping, Samples, Suggestion, examples};
use super::preset::{Part, Preset};
use super::row::Readers;
use super::source::{Input, Table};
use super::values::DecimalMark;

/// One column that is used, as the summary says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnUse {
    /// Its name in the file.
    pub column: String,
    /// What it holds.
    pub field: &'static str,
    /// How that is known.
    pub how: How,
    /// How its cells are read, where that is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_as: Option<String>,
    /// Some of its cells.
    #[serde(skip)]
    pub examples: Vec<String>,
}

/// The counts of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// Which file.
    pub file: String,
    /// What it is, such as `CSV with “;”`.
    pub format: String,
    /// The encoding of its text.
    pub encoding: String,
    /// Whose export it is.
    pub preset: Option<&'static str>,
    /// The line of its header; 0 where it has none.
    pub header_line: u64,
    /// Rows with content above the header.
    pub rows_above_header: u64,
    /// The columns that are used.
    pub columns: Vec<ColumnUse>,
    /// Columns that are not used.
    pub unknown_columns: Vec<String>,
    /// Columns that may hold something, and are not used.
    #[serde(rename = "proposals")]
    pub suggestions: Vec<Suggestion>,
    /// Rows, bad ones included.
    pub rows: u64,
    /// Orders.
    pub orders: u64,
    /// Lines of these orders.
    pub lines: u64,
    /// Rows that were not usable.
    pub bad_rows: u64,
    /// Orders whose date is no date: the text is kept, the date stays empty.
    pub dates_not_readable: u64,
    /// Other values that cannot be read, and are left out.
    pub values_left_out: u64,
    /// Telephone numbers that are none, where the country is known: bad rows, or further numbers that are left out.
    pub phones_not_plausible: u64,
    /// Orders whose id does not match the pattern, where there is one.
    pub ids_not_like_pattern: u64,
    /// Rows between the first and the last of one order, where each is the whole order.
    #[serde(skip)]
    pub(super) repeated: u64,
    /// Rows that are no orders, such as sums.
    #[serde(skip_serializing_if = "is_zero")]
    pub sums_left_out: u64,
    /// Sheets that may hold orders, and are not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sheets_not_read: Vec<String>,
    /// Sheets that are hidden, and are not read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sheets_hidden: Vec<String>,
    /// Columns that are read as the settings file says, since their own values leave it open.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub read_by_settings: Vec<String>,
    /// What was left out of rows that are used, or read in another way than it is written: the first of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<RowError>,
    /// How many more notes there are.
    #[serde(skip_serializing_if = "is_zero")]
    pub more_notes: u64,
}

/// Notes about a file that are kept.
const MOST_NOTES: usize = 20;

impl FileSummary {
    pub(super) fn note(&mut self, note: RowError) {
        if self.notes.len() < MOST_NOTES {
            self.notes.push(note);
        } else {
            self.more_notes += 1;
        }
    }
}

pub(super) fn summary_of(
    input: &Input,
    table: &Table,
    header: &Header,
    mapping: &Mapping,
    readers: &Readers,
    samples: &Samples,
) -> FileSummary {
    let name = |column: usize| mapping.names.get(column).cloned().unwrap_or_default();
    let shown = |column: usize| samples.get(column).map(|cells| examples(cells)).unwrap_or_default();
    let mut columns: Vec<ColumnUse> = mapping
        .uses
        .iter()
        .map(|found| ColumnUse {
            column: name(found.column),
            field: found.field.name(),
            how: found.how,
            read_as: read_as(found.column, readers),
            examples: shown(found.column),
        })
        .collect();
    for (column, part) in
        mapping.parts.iter().filter(|(column, _)| !mapping.uses.iter().any(|found| found.column == *column))
    {
        let field = match part {
            Part::Price => "Order Value (INR), added up",
            Part::Tax if readers.taxes_on_top => "Tax, added up, on top of the prices",
            Part::Tax => "Tax, added up, inside the prices",
            Part::Shipping => "Shipping Fee, added up",
            Part::Discount => "Discount, added up",
        };
        let how = How::Preset;
        columns.push(ColumnUse {
            column: name(*column),
            field,
            how,
            read_as: read_as(*column, readers),
            examples: shown(*column),
        });
    }
    columns.sort_by_key(|found| header.names.iter().position(|name| *name == found.column));
    let used: HashSet<usize> =
        mapping.uses.iter().map(|found| found.column).chain(mapping.parts.iter().map(|(column, _)| *column)).collect();
    let unknown = header.names.iter().enumerate().filter(|(column, name)| !used.contains(column) && !name.is_empty());
    FileSummary {
        file: input.name().to_owned(),
        format: table.kind(),
        encoding: table.encoding().to_owned(),
        preset: mapping.preset.map(Preset::name),
        header_line: header.line,
        rows_above_header: header.above as u64,
        columns,
        unknown_columns: unknown.map(|(_, name)| name.clone()).collect(),
        suggestions: mapping.suggestions.clone(),
        rows: 0,
        orders: 0,
        lines: 0,
        bad_rows: 0,
        dates_not_readable: 0,
        values_left_out: 0,
        phones_not_plausible: 0,
        ids_not_like_pattern: 0,
        repeated: 0,
        sums_left_out: 0,
        sheets_not_read: table.unread().to_vec(),
        sheets_hidden: table.hidden().to_vec(),
        read_by_settings: by_settings(mapping, readers),
        notes: Vec::new(),
        more_notes: 0,
    }
}

/// What the settings file decides: `“Date” day-first`.
fn by_settings(mapping: &Mapping, readers: &Readers) -> Vec<String> {
    let [dates, decimal] = readers.settings.kept;
    let mut said = Vec::new();
    for column in &readers.by_settings {
        let name = mapping.names.get(*column).map_or("", String::as_str);
        if let Some(reader) = readers.dates.get(column) {
            said.extend(reader.order().filter(|_| dates).map(|order| format!("“{name}” {}", order.name())));
        } else if let Some(mark) = readers.settings.decimal.filter(|_| decimal) {
            let mark = if mark == DecimalMark::Comma { "comma" } else { "point" };
            said.push(format!("“{name}” with a decimal {mark}"));
        }
    }
    said
}

/// How the cells of a column are read, where the column had to decide it.
fn read_as(column: usize, readers: &Readers) -> Option<String> {
    if let Some(dates) = readers.dates.get(&column) {
        return dates.order().map(|order| order.name().to_owned());
    }
    match readers.amounts.get(&column)?.mark()? {
        DecimalMark::Comma => Some("decimal comma".to_owned()),
        DecimalMark::Point => None,
    }
}

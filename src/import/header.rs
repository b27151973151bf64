//! Finds the row that names the columns: title rows may stand above it.

use super::error::ImportError;
use super::field::{plain, recognized};
use super::source::{Row, Rows, Table};

/// Rows that are looked at.
const LOOKED_AT: usize = 60;

/// The header of a file.
#[derive(Debug, Clone)]
pub(super) struct Header {
    /// The names of the columns; empty ones have none.
    pub(super) names: Vec<String>,
    /// The line where it ends; 0 where the file has none, as JSON.
    pub(super) last_line: u64,
    /// The line where it stands.
    pub(super) line: u64,
    /// Rows with content above it.
    pub(super) above: usize,
}

/// How many names of columns a row holds; `known` are further names, without case and punctuation.
fn names_in(row: &Row, known: &[String]) -> usize {
    let mut seen = std::collections::HashSet::new();
    let is_name = |cell: &&str| {
        let cell = cell.trim_matches('\'');
        cell.chars().count() <= 80 && (recognized(cell).is_some() || known.contains(&plain(cell)))
    };
    row.cells.iter().filter(is_name).filter(|cell| seen.insert(plain(cell))).count()
}

/// How much the first rows of a sheet look like a table of orders, and which of them names the columns.
pub(super) fn score(rows: &[Row], known: &[String]) -> Score {
    let names = rows.iter().map(|row| names_in(row, known)).max().unwrap_or_default();
    let header = rows.get(place_of(rows, known));
    let columns = header.map(|row| row.cells.iter().map(plain).collect()).unwrap_or_default();
    // Of sheets with the same names, the one that has rows.
    Score { much: names * 1_000 + rows.len(), names, columns, line: header.map_or(0, |row| row.line) }
}

/// What the first rows of a sheet look like.
#[derive(Debug, Clone)]
pub(super) struct Score {
    /// The best sheet has the most.
    pub(super) much: usize,
    /// How many names of columns its header holds.
    pub(super) names: usize,
    /// The names of its columns, without case and punctuation.
    pub(super) columns: Vec<String>,
    /// Where the header stands.
    pub(super) line: u64,
}

impl Header {
    /// Whether a row is above the rows of orders.
    pub(super) fn covers(&self, row: &Row) -> bool {
        row.part == 0 && row.line <= self.last_line
    }

    /// Finds the header of a file.
    pub(super) fn find(file: &str, table: &Table, known: &[String]) -> Result<Self, ImportError> {
        if let Table::Json(objects) = table {
            return Ok(Self { names: objects.columns().to_vec(), last_line: 0, line: 0, above: 0 });
        }
        let mut rows = table.rows()?;
        let first = first_rows(rows.as_mut())?;
        let place = place_of(&first, known);
        let Some(row) = first.get(place) else { return Err(ImportError::Empty { file: file.to_owned() }) };
        let mut names: Vec<String> = row.cells.iter().map(|name| name.trim_matches('\'').trim().to_owned()).collect();
        while names.last().is_some_and(String::is_empty) {
            names.pop();
        }
        Ok(Self { names, last_line: row.last_line, line: row.line, above: place })
    }
}

fn first_rows(rows: &mut dyn Rows) -> Result<Vec<Row>, ImportError> {
    let mut first = Vec::new();
    let mut row = Row::default();
    while first.len() < LOOKED_AT && rows.next(&mut row)? {
        first.push(std::mem::take(&mut row));
    }
    Ok(first)
}

/// The row with the most names of columns; where no row has two, the first that is as wide as those below it.
fn place_of(rows: &[Row], known: &[String]) -> usize {
    let found = rows.iter().map(|row| names_in(row, known)).enumerate();
    // The first of those with as many.
    let best = found.rev().max_by_key(|(_, count)| *count).unwrap_or_default();
    let filled = |row: &Row| row.cells.iter().filter(|cell| !cell.is_empty()).count();
    if best.1 >= 2 || best.1 == 1 && rows.get(best.0).is_some_and(|row| filled(row) == 1) && best.0 == 0 {
        return best.0;
    }
    let widest = rows.iter().map(filled).max().unwrap_or_default();
    let wide = |row: &Row| filled(row) * 2 > widest;
    rows.iter().position(wide).unwrap_or_default()
}

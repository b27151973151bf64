//! CSV as it leaves the program: a spreadsheet that opens it finds no formula in what others wrote.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, which can call programs and send what
//! is in the sheet elsewhere. Such a cell gets an apostrophe before it, which a spreadsheet reads as “this is text”;
//! [`restored`] takes it off where a file of ours is read again. Numbers stay numbers. This is the only module that
//! may name `csv::Writer` (clippy: `disallowed-types`).

use std::borrow::Cow;
use std::io;
use std::sync::LazyLock;

use regex::Regex;

/// What begins a formula; the wide and small forms are folded into the plain ones by some spreadsheets.
const BEGINS: [char; 13] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫', '−'];
/// Where a spreadsheet of another language or setting may begin another cell.
const SEPARATORS: [char; 4] = [';', '\t', '\n', '\r'];

/// Whether a character before a formula hides it from a reader and not from a spreadsheet.
fn is_skipped(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | '«' | '»' | '\u{ad}' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// Whether a text is a number, of a telephone too, an amount or a percentage: those have no names to call.
fn is_number(text: &str) -> bool {
    #[expect(clippy::expect_used, reason = "a constant pattern, which a test compiles")]
    static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^[+-]?(\p{Sc}\u{A0}?)?[0-9]+([., '\u{A0}\u{202F}][0-9]+)*([eE][+-]?[0-9]+)?%?(\u{A0}?\p{Sc})?$")
            .expect("a valid pattern")
    });
    NUMBER.is_match(text)
}

/// Whether a spreadsheet may take a part of a cell for a formula.
fn is_formula(part: &str) -> bool {
    if part.starts_with('\'') || part == "-" || is_number(part) {
        return false;
    }
    part.trim_start_matches(is_skipped).starts_with(BEGINS)
}

/// A cell that no spreadsheet takes for a formula.
pub fn disarmed(cell: &str) -> Cow<'_, str> {
    let hidden = cell.starts_with(['\t', '\r', '\n']);
    if !hidden && !cell.split(SEPARATORS).any(is_formula) {
        return Cow::Borrowed(cell);
    }
    let mut safe = String::with_capacity(cell.len() + 2);
    if hidden {
        safe.push('\'');
    }
    for part in cell.split_inclusive(SEPARATORS) {
        if is_formula(part.trim_end_matches(SEPARATORS)) {
            safe.push('\'');
        }
        safe += part;
    }
    Cow::Owned(safe)
}

/// A cell of a file of ours as it was before [`disarmed`].
pub fn restored(cell: &str) -> Cow<'_, str> {
    if !cell.contains('\'') {
        return Cow::Borrowed(cell);
    }
    let cell = match cell.strip_prefix('\'') {
        Some(rest) if rest.starts_with(['\t', '\r', '\n']) => rest,
        _ => cell,
    };
    let parts = cell.split_inclusive(SEPARATORS).map(|part| match part.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_end_matches(SEPARATORS)) => rest,
        _ => part,
    });
    Cow::Owned(parts.collect())
}

/// Rows of CSV, each cell disarmed.
#[expect(clippy::disallowed_types, reason = "only this module writes CSV")]
pub struct Table(csv::Writer<Vec<u8>>);

#[expect(clippy::disallowed_types, reason = "only this module writes CSV")]
impl Table {
    /// A table without a header.
    pub fn new() -> Self {
        Self(csv::WriterBuilder::new().has_headers(false).flexible(true).from_writer(Vec::new()))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// Never in memory; the writer's own type of error.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) -> io::Result<()> {
        for cell in cells {
            self.0.write_field(disarmed(cell.as_ref()).as_bytes())?;
        }
        Ok(self.0.write_record(None::<&[u8]>)?)
    }

    /// Adds the fields of a value as a row.
    ///
    /// # Errors
    /// When the value is no row of plain values.
    pub fn serialize(&mut self, row: impl serde::Serialize) -> io::Result<()> {
        let mut plain = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        plain.serialize(row)?;
        let bytes = plain.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(bytes.as_slice());
        let mut record = csv::StringRecord::new();
        while reader.read_record(&mut record)? {
            self.row(&record)?;
        }
        Ok(())
    }

    /// The table as text.
    ///
    /// # Errors
    /// Never in memory; the writer's own type of error.
    pub fn finish(self) -> io::Result<String> {
        let bytes = self.0.into_inner().map_err(|error| io::Error::other(error.to_string()))?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn formulas_are_disarmed_and_numbers_stay() {
        for (cell, safe) in [
            ("=1+1", "'=1+1"),
            ("  =SUM(A1)", "'  =SUM(A1)"),
            ("\u{200b}@x", "'\u{200b}@x"),
            ("＝cmd", "'＝cmd"),
            ("\"=1\"", "'\"=1\""),
            ("\t=1", "'\t'=1"),
            ("\rhello", "'\rhello"),
            ("late; =HYPERLINK(1)", "late;' =HYPERLINK(1)"),
            ("two\n-lines-", "two\n'-lines-"),
            ("+91 98765 43210", "+91 98765 43210"),
            ("+1-2", "'+1-2"),
            ("-", "-"),
            ("-2", "-2"),
            ("-1,299.50", "-1,299.50"),
            ("-₹500", "-₹500"),
            ("-1.234,50\u{A0}€", "-1.234,50\u{A0}€"),
            ("-¥500", "-¥500"),
            ("-ABC5", "'-ABC5"),
            ("+12%", "+12%"),
            ("-1e-7", "-1e-7"),
            ("1-2", "1-2"),
            ("", ""),
            ("a=b", "a=b"),
            ("'=1", "'=1"),
        ] {
            assert_eq!(disarmed(cell), safe, "{cell:?}");
        }
    }

    #[test]
    fn rows_are_quoted_where_they_have_to_be() {
        let mut table = Table::new();
        table.row(["text", "value"]).unwrap();
        table.row(["a, \"b\"", "-2"]).unwrap();
        table.serialize(("=x", -0.5, "")).unwrap();
        assert_eq!(table.finish().unwrap(), "text,value\n\"a, \"\"b\"\"\",-2\n'=x,-0.5,\n");
    }

    proptest! {
        #[test]
        fn no_cell_is_a_formula_and_texts_come_back(text in "([=+@;\"' \t\r\n\u{200b}＝﹣x1-]|\\PC){0,12}") {
            let safe = disarmed(&text).into_owned();
            for part in safe.split(SEPARATORS) {
                let armed = part.trim_start_matches(|c| is_skipped(c) && c != '\'').starts_with(BEGINS);
                prop_assert!(!armed || part == "-" || is_number(part), "{safe:?}");
            }
            prop_assert!(!safe.starts_with(['\t', '\r', '\n']));
            prop_assert_eq!(disarmed(&safe), safe.as_str(), "twice is once");
            // What began with an apostrophe itself may lose it.
            if !text.split(SEPARATORS).any(|part| part.starts_with('\'')) {
                let restored = restored(&safe);
                prop_assert_eq!(restored.as_ref(), text.as_str());
            }
        }
    }
}

//! Workbooks (XLSX, XLSB, XLS, ODS): finds the sheet with the orders, and writes it, row by row, to a temporary file of text, so that a long
//! sheet takes no memory. Dates become ISO text, numbers lose the noise of binary fractions. Sheets with the same header are one table.

mod formats;
mod ods;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use calamine::{Data, DataRef, ExcelDateTime, Ods, Reader as _, SheetVisible, Sheets, Style, Xls, Xlsb, Xlsx};

use self::formats::Shown;
use self::ods::Currencies;
use super::super::error::ImportError;
use super::super::header;
use super::{Bytes, Input, Row, Rows};

/// Rows of each sheet that are looked at to find the one with orders.
const LOOKED_AT: u32 = 60;
/// Stands for a formula that has no value in the file: what wrote it has not calculated it.
pub(in crate::import) const NO_VALUE: &str = "#NOVALUE!";

/// What the first rows of a sheet look like.
pub(in crate::import) type Score<'a> = &'a dyn Fn(&[Row]) -> header::Score;

/// Columns beyond this one are not read: a sheet has 16,384.
const WIDEST: u32 = 1_000;

/// Whether a file is a workbook: a ZIP archive, or a compound file of old Excel versions.
pub(super) fn is_workbook(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04") || start.starts_with(&[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1])
}

/// A sheet of a workbook.
#[derive(Debug, Clone)]
pub(in crate::import) struct Sheet {
    input: Input,
    format: &'static str,
    /// The sheets that are read, the one whose header is read first.
    names: Vec<String>,
    /// Other sheets with names of columns.
    unread: Vec<String>,
    /// Sheets that are hidden: what a shop has put away is not among its orders.
    hidden: Vec<String>,
    /// How many sheets there are.
    sheets: usize,
    rows: Arc<File>,
}

impl Sheet {
    /// Opens the sheet whose first rows `score` finds best.
    pub(super) fn open(input: &Input, score: Score<'_>) -> Result<Self, ImportError> {
        // The content is anybody's: a fault of the reader must not end the program.
        catch_unwind(AssertUnwindSafe(|| Self::read(input, score)))
            .unwrap_or_else(|_| Err(not_readable(input, "the workbook is damaged")))
    }

    fn read(input: &Input, score: Score<'_>) -> Result<Self, ImportError> {
        let (mut book, format) = open_book(input)?;
        let all = book.sheets_metadata().to_vec();
        let is_hidden = |sheet: &&calamine::Sheet| sheet.visible != SheetVisible::Visible;
        let mut hidden: Vec<String> = all.iter().filter(is_hidden).map(|sheet| sheet.name.clone()).collect();
        if hidden.len() == all.len() {
            hidden.clear();
        }
        let names: Vec<String> = book.sheet_names().into_iter().filter(|name| !hidden.contains(name)).collect();
        let mut found: Vec<(header::Score, String)> = Vec::new();
        for name in &names {
            let mut first = Vec::new();
            let read = each_row(&mut book, name, Some(LOOKED_AT), &Currencies::new(), &mut |line, cells| {
                let cells: csv::StringRecord = cells.iter().collect();
                first.push(Row { cells, line: u64::from(line) + 1, ..Row::default() });
                Ok(())
            });
            // A sheet that cannot be read, such as a chart, holds no orders; unless it is the only one.
            if names.len() == 1 {
                read.map_err(|reason| not_readable(input, &reason))?;
            }
            if !first.is_empty() {
                found.push((score(&first), name.clone()));
            }
        }
        // The first of those with as much.
        let best = found.iter().rev().max_by_key(|(score, _)| score.much).cloned();
        let Some((best, name)) = best else { return Err(ImportError::Empty { file: input.name().to_owned() }) };
        let mut parts = vec![(name.clone(), 0)];
        let mut unread = Vec::new();
        for (score, other) in found.into_iter().filter(|(_, other)| *other != name) {
            if score.columns == best.columns {
                parts.push((other, score.line));
            } else if score.names >= 2 {
                unread.push(other);
            }
        }
        let currencies = if format == "ODS" { ods::currencies(input) } else { Currencies::new() };
        let failed = |error: std::io::Error| input.failed(1, &error);
        let mut spool = BufWriter::new(tempfile::tempfile().map_err(failed)?);
        for (part, (name, above)) in parts.iter().enumerate() {
            each_row(&mut book, name, None, &currencies, &mut |line, cells| {
                if u64::from(line) < *above {
                    return Ok(());
                }
                serde_json::to_writer(&mut spool, &(part, line + 1, cells)).map_err(|error| error.to_string())?;
                spool.write_all(b"\n").map_err(|error| error.to_string())
            })
            .map_err(|reason| not_readable(input, &reason))?;
        }
        let rows = spool.into_inner().map_err(|error| input.failed(1, &error.error()))?;
        let sheets = names.len() + hidden.len();
        let names = parts.into_iter().map(|(name, _)| name).collect();
        Ok(Self { input: input.clone(), format, names, unread, hidden, sheets, rows: Arc::new(rows) })
    }

    pub(super) fn kind(&self) -> String {
        let named: Vec<String> = self.names.iter().map(|name| format!("“{name}”")).collect();
        let what = if named.len() == 1 { "sheet" } else { "sheets" };
        let of = if self.sheets == named.len() { String::new() } else { format!(" of {}", self.sheets) };
        format!("{}, {what} {}{of}", self.format, named.join(", "))
    }

    pub(super) fn name(&self, part: usize) -> Option<&str> {
        self.names.get(part).map(String::as_str)
    }

    pub(super) fn hidden(&self) -> &[String] {
        &self.hidden
    }

    pub(super) fn unread(&self) -> &[String] {
        &self.unread
    }

    pub(super) fn rows(&self) -> Result<SheetRows, ImportError> {
        let failed = |error: std::io::Error| self.input.failed(1, &error);
        let mut file = self.rows.try_clone().map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        Ok(SheetRows { input: self.input.clone(), reader: BufReader::new(file), text: String::new() })
    }
}

/// What is done with the number and the cells of a row.
type EachRow<'a> = &'a mut dyn FnMut(u32, &[String]) -> Result<(), String>;

fn not_readable(input: &Input, reason: &str) -> ImportError {
    ImportError::Workbook { file: input.name().to_owned(), reason: reason.to_owned() }
}

fn open_book(input: &Input) -> Result<(Sheets<Bytes>, &'static str), ImportError> {
    let failed = |reason: String| {
        let locked = reason.to_lowercase().contains("password") || reason.to_lowercase().contains("encrypted");
        let damaged = format!("it is damaged, or no workbook ({})", reason.trim_start_matches("Zip error: "));
        not_readable(input, if locked { "it is locked with a password" } else { &damaged })
    };
    let mut start = [0; 4];
    std::io::Read::read_exact(&mut input.open()?, &mut start).map_err(|error| input.failed(1, &error))?;
    if start.first() != Some(&b'P') {
        return match Xls::new(input.open()?) {
            Ok(book) => Ok((Sheets::Xls(book), "XLS")),
            // A workbook with a password is a compound file, too.
            Err(old) => match Xlsx::new(input.open()?) {
                Ok(book) => Ok((Sheets::Xlsx(book), "XLSX")),
                Err(new) if new.to_string().to_lowercase().contains("password") => Err(failed(new.to_string())),
                Err(_) => Err(failed(old.to_string())),
            },
        };
    }
    let xlsx = match Xlsx::new(input.open()?) {
        Ok(book) => return Ok((Sheets::Xlsx(book), "XLSX")),
        Err(error) => error.to_string(),
    };
    if let Ok(book) = Ods::new(input.open()?) {
        return Ok((Sheets::Ods(book), "ODS"));
    }
    if let Ok(book) = Xlsb::new(input.open()?) {
        Ok((Sheets::Xlsb(book), "XLSB"))
    } else {
        // A whole archive that holds something else.
        let archive = zip::ZipArchive::new(input.open()?).is_ok_and(|archive| {
            ["[Content_Types].xml", "content.xml"].iter().all(|name| archive.index_for_name(name).is_none())
        });
        let what = "an archive";
        Err(if archive { ImportError::NoTable { file: input.name().to_owned(), what } } else { failed(xlsx) })
    }
}

/// Calls `each` for every row that is not blank, with its place from 0 and its cells as text. `currencies`: those of cells that the
/// reader does not tell.
fn each_row(
    book: &mut Sheets<Bytes>,
    name: &str,
    most: Option<u32>,
    currencies: &Currencies,
    each: EachRow<'_>,
) -> Result<(), String> {
    let mut cells: Vec<String> = Vec::new();
    if let Sheets::Xlsx(book) = book {
        let without_value = if most.is_some() { HashSet::new() } else { without_value(book, name)? };
        let mut reader = book.worksheet_cells_reader(name).map_err(|error| error.to_string())?;
        let formats: Vec<Option<Shown>> = reader.styles().iter().map(format_of).collect();
        let mut current = None;
        while let Some((cell, style)) = reader.next_cell_with_style_id().map_err(|error| error.to_string())? {
            let (row, place) = cell.get_position();
            if current.is_some_and(|current| current != row) {
                finish(&mut cells, current.unwrap_or_default(), each)?;
                if most.is_some_and(|most| row > most) {
                    return Ok(());
                }
            }
            current = Some(row);
            let text = match cell.get_value() {
                DataRef::SharedString(text) => text.trim().to_owned(),
                DataRef::Empty if without_value.contains(&(row, place)) => NO_VALUE.to_owned(),
                other => {
                    let number = matches!(other, DataRef::Int(_) | DataRef::Float(_));
                    let text = text(&Data::from(other.clone()));
                    let shown = formats.get(style).and_then(Option::as_ref).filter(|_| number);
                    shown.map_or(text.clone(), |shown| shown.apply(&text))
                }
            };
            put(&mut cells, place, text);
        }
        return current.map_or(Ok(()), |row| finish(&mut cells, row, each));
    }
    let range = book.worksheet_range(name).map_err(|error| error.to_string())?;
    let (top, left) = range.start().unwrap_or_default();
    for (row, values) in (top..).zip(range.rows()).take(most.map_or(usize::MAX, |most| most as usize)) {
        for (place, value) in (left..).zip(values) {
            let text = text(value);
            let currency = if currencies.is_empty() || !matches!(value, Data::Int(_) | Data::Float(_)) {
                None
            } else {
                currencies.get(&(name.to_owned(), row, place))
            };
            put(&mut cells, place, currency.map_or(text.clone(), |currency| format!("{currency} {text}")));
        }
        finish(&mut cells, row, each)?;
    }
    Ok(())
}

/// The cells whose formula has no value.
fn without_value(book: &mut Xlsx<Bytes>, name: &str) -> Result<HashSet<(u32, u32)>, String> {
    let mut reader = book.worksheet_cells_reader(name).map_err(|error| error.to_string())?;
    let mut found = HashSet::new();
    while let Some(cell) = reader.next_cell_with_formula_metadata().map_err(|error| error.to_string())? {
        if cell.formula.is_some() && matches!(cell.value, DataRef::Empty) {
            found.insert(cell.pos);
        }
    }
    Ok(found)
}

/// What a style shows beside digits. Those that every program has are written in its own country's way.
fn format_of(style: &Style) -> Option<Shown> {
    const OWN: u32 = 164;
    let format = style.number_format.as_ref()?;
    if format.format_id.is_some_and(|id| id < OWN) { None } else { Shown::of(&format.format_code) }
}

fn put(cells: &mut Vec<String>, place: u32, text: String) {
    if text.is_empty() || place >= WIDEST {
        return;
    }
    let place = place as usize;
    if cells.len() <= place {
        cells.resize(place + 1, String::new());
    }
    if let Some(slot) = cells.get_mut(place) {
        *slot = text;
    }
}

fn finish(cells: &mut Vec<String>, row: u32, each: EachRow<'_>) -> Result<(), String> {
    // A row of formulas without values is the sum below a table.
    if cells.iter().any(|cell| !cell.trim().is_empty() && cell != NO_VALUE) {
        each(row, cells)?;
    }
    cells.clear();
    Ok(())
}

fn text(value: &Data) -> String {
    match value {
        Data::Empty => String::new(),
        Data::String(text) | Data::DateTimeIso(text) | Data::DurationIso(text) => text.trim().to_owned(),
        Data::Int(number) => number.to_string(),
        Data::Float(number) => decimal(*number),
        Data::Bool(yes) => if *yes { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(moment) => date(moment),
        Data::Error(error) => error.to_string(),
    }
}

/// A number as Excel shows it: with the 15 digits it is exact to. One with more digits was rounded, and is shown as such.
fn decimal(number: f64) -> String {
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    if rounded.abs() >= 1e15 { format!("{rounded:E}").replace('E', "E+") } else { rounded.to_string() }
}

/// A date as `2026-11-20 18:05:00`, `2026-11-20`, or `18:05:00` where it is a time of day.
fn date(moment: &ExcelDateTime) -> String {
    let serial = moment.as_f64();
    if !(0.0..2_958_466.0).contains(&serial) {
        return decimal(serial);
    }
    // Half a millisecond more, so that 18:05 is not 18:04:59.999.
    let (year, month, day, hour, minute, second, milli) = moment.to_ymd_hms_milli();
    let (mut clock, mut carry) = ((u32::from(hour) * 60 + u32::from(minute)) * 60 + u32::from(second), false);
    if milli >= 500 {
        clock += 1;
        if clock == 24 * 60 * 60 {
            (clock, carry) = (0, true);
        }
    }
    let time = format!("{:02}:{:02}:{:02}", clock / 3600, clock / 60 % 60, clock % 60);
    if moment.is_duration() || serial < 1.0 {
        return time;
    }
    let date = i16::try_from(year).ok().zip(i8::try_from(month).ok()).zip(i8::try_from(day).ok());
    let date = date.and_then(|((year, month), day)| jiff::civil::Date::new(year, month, day).ok());
    let Some(date) = date.and_then(|date| if carry { date.tomorrow().ok() } else { Some(date) }) else {
        return decimal(serial);
    };
    if clock == 0 { date.to_string() } else { format!("{date} {time}") }
}

/// The rows of a sheet.
pub(super) struct SheetRows {
    input: Input,
    reader: BufReader<File>,
    text: String,
}

impl Rows for SheetRows {
    fn next(&mut self, row: &mut Row) -> Result<bool, ImportError> {
        self.text.clear();
        if self.reader.read_line(&mut self.text).map_err(|error| self.input.failed(1, &error))? == 0 {
            return Ok(false);
        }
        let (part, line, cells): (usize, u64, Vec<String>) =
            serde_json::from_str(&self.text).map_err(|error| self.input.failed(row.line, &error))?;
        row.cells.clear();
        for cell in cells {
            row.cells.push_field(&cell);
        }
        row.part = part;
        row.line = line;
        row.last_line = line;
        row.recoded = false;
        row.broken = None;
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_noise_and_dates_become_text() {
        assert_eq!(decimal(0.1 + 0.2), "0.3");
        assert_eq!(decimal(6001.0), "6001");
        assert_eq!(decimal(919_876_543_210.0), "919876543210");
        assert_eq!(decimal(40_812_300_000_000_000.0), "4.08123E+16");
        let moment = |serial| ExcelDateTime::new(serial, calamine::ExcelDateTimeType::DateTime, false);
        assert_eq!(date(&moment(46_346.753_472_222_22)), "2026-11-20 18:05:00");
        assert_eq!(date(&moment(46_346.0)), "2026-11-20");
        assert_eq!(date(&moment(0.753_472_222_22)), "18:05:00");
    }
}

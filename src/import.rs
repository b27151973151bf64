//! Decides how files of orders become rows of the store, and what is told about those that do not.
//!
//! It must never hold a whole file in memory, nor leave a part of an import behind.

mod dates;
mod error;
mod header;
mod row;
mod text;

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

pub use self::error::{ImportError, RowError};
use self::header::Header;
use self::text::Text;
use crate::domain::ids::{IdPatterns, order_phone};
use crate::domain::order::Order;
use crate::store::{ImportMode, Store, Written};

/// Orders that are handed to the store at a time.
const BATCH: usize = 2_000;
/// Batches that are read ahead while the store writes.
const AHEAD: usize = 2;

/// What an import does.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// How known orders are treated.
    pub mode: ImportMode,
    /// Only look: write nothing.
    pub dry_run: bool,
    /// Stop at the first bad row and write nothing.
    pub strict: bool,
}

/// What was found in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileSummary {
    /// Which file.
    pub file: String,
    /// How its text was read.
    pub encoding: String,
    /// Rows, bad ones included.
    pub rows: u64,
    /// Rows that could not be used.
    pub bad_rows: u64,
    /// Rows whose date is no date: the text is kept, the date stays empty.
    pub dates_not_readable: u64,
    /// Rows whose telephone number is no plausible one, where [`OrderReader::expecting`] was told how they look.
    pub phones_not_plausible: u64,
    /// Rows whose order id does not look as in messages, where [`OrderReader::expecting`] was told how they look.
    pub ids_not_like_pattern: u64,
    /// Columns that mean nothing here.
    pub unknown_columns: Vec<String>,
}

/// What an import did, or with `dry_run` would have done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImportSummary {
    /// `upsert`, `append` or `replace`.
    pub mode: &'static str,
    /// Whether nothing was written.
    pub dry_run: bool,
    /// Rows of all files, bad ones included.
    pub rows: u64,
    /// Orders that were not there before.
    pub added: u64,
    /// Orders that were there and were replaced.
    pub updated: u64,
    /// Orders that were there and were left alone.
    pub kept: u64,
    /// Rows whose order came earlier in the same import.
    pub repeated: u64,
    /// Rows that could not be used.
    pub bad_rows: u64,
    /// Rows whose date is no date.
    pub dates_not_readable: u64,
    /// Rows whose telephone number is no plausible one: they were imported, and answer to nobody.
    pub phones_not_plausible: u64,
    /// Rows whose order id would not be found in a message: they were imported all the same.
    pub ids_not_like_pattern: u64,
    /// Each file.
    pub files: Vec<FileSummary>,
}

/// The word for a mode.
pub fn mode_name(mode: ImportMode) -> &'static str {
    match mode {
        ImportMode::Upsert => "upsert",
        ImportMode::Append => "append",
        ImportMode::Replace => "replace",
    }
}

/// Reads orders from one CSV file, a row at a time.
pub struct OrderReader {
    rows: csv::Reader<Text>,
    header: Header,
    record: csv::ByteRecord,
    summary: FileSummary,
    recoded_rows: u64,
    base_encoding: &'static str,
    expected: Option<(IdPatterns, String)>,
}

impl fmt::Debug for OrderReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OrderReader").field("summary", &self.summary).finish_non_exhaustive()
    }
}

impl OrderReader {
    /// Opens a file and reads its header.
    ///
    /// # Errors
    /// As [`OrderReader::new`], and when the file cannot be opened.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let name = path.display().to_string();
        Self::new(&name, open_file(path)?)
    }

    /// Reads the header of a source; `name` stands for it in messages.
    ///
    /// # Errors
    /// When the source is empty, is no text, or its header does not name every column once.
    pub fn new(name: &str, source: impl Read + Send + 'static) -> Result<Self, ImportError> {
        let (text, base_encoding) = Text::new(name, Box::new(source))?;
        let delimiter = text.delimiter();
        let mut rows = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // Only a line feed ends a row: a carriage return before it is trimmed off the last cell. So a row ends
            // exactly where its line does, and the line number of a row can be told.
            .terminator(csv::Terminator::Any(b'\n'))
            .buffer_capacity(64 * 1024)
            .from_reader(text);
        let mut record = csv::ByteRecord::new();
        let found = loop {
            rows.get_ref().begin_row();
            let more = rows.read_byte_record(&mut record).map_err(|error| read_error(name, 1, &error))?;
            if !more {
                return Err(ImportError::Empty { file: name.to_owned() });
            }
            if !is_blank(&record) {
                break record.iter().map(|cell| text::decode(cell).0.trim().to_owned()).collect::<Vec<String>>();
            }
        };
        let header = Header::read(name, &found)?;
        let summary = FileSummary {
            file: name.to_owned(),
            encoding: base_encoding.to_owned(),
            rows: 0,
            bad_rows: 0,
            dates_not_readable: 0,
            phones_not_plausible: 0,
            ids_not_like_pattern: 0,
            unknown_columns: header.unknown.clone(),
        };
        Ok(Self { rows, header, record, summary, recoded_rows: 0, base_encoding, expected: None })
    }

    /// Counts the order ids and telephone numbers that do not look as the shop's settings say.
    #[must_use]
    pub fn expecting(mut self, patterns: IdPatterns, phone_country: &str) -> Self {
        self.expected = Some((patterns, phone_country.to_owned()));
        self
    }

    /// The next order, or why its row is bad; `None` at the end.
    ///
    /// # Errors
    /// When the source cannot be read on.
    pub fn read_next(&mut self) -> Result<Option<Result<Order, RowError>>, ImportError> {
        let mut before;
        loop {
            self.rows.get_ref().begin_row();
            before = self.rows.position().line();
            let more = self
                .rows
                .read_byte_record(&mut self.record)
                .map_err(|error| read_error(&self.summary.file, before, &error))?;
            if !more {
                return Ok(None);
            }
            if !is_blank(&self.record) {
                break;
            }
        }
        self.summary.rows += 1;
        // Every row ends with a line feed (`Text` adds the last one), so it starts as many lines before this one as
        // there are line feeds in its cells: the reader's own position counts blank lines before it too. Only a quote
        // that is never closed takes the last line feed with it.
        let inner = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
        let line = self.rows.position().line().saturating_sub(1 + inner).max(before);
        if self.record.as_slice().ends_with(b"\n") && self.rows.get_ref().ended_inside_quotes() {
            let reason = "a quote is opened in this row and never closed: all that follows is one cell".to_owned();
            return Ok(Some(Err(self.bad_row(line, None, reason))));
        }
        let parsed = row::read(&self.header, &self.record);
        self.recoded_rows += u64::from(parsed.recoded);
        if self.recoded_rows > 0 && parsed.recoded {
            self.summary.encoding = format!(
                "Windows-1252 ({} {} not {})",
                self.recoded_rows,
                if self.recoded_rows == 1 { "row is" } else { "rows are" },
                self.base_encoding
            );
        }
        match parsed.order {
            Ok(order) => {
                self.summary.dates_not_readable +=
                    u64::from(order.placed_at.is_none() && !(order.placed.is_empty() && order.date.is_none()));
                if let Some((patterns, country)) = &self.expected {
                    let lost = order.phone.as_deref().is_some_and(|phone| order_phone(phone, country).is_none());
                    self.summary.phones_not_plausible += u64::from(lost);
                    self.summary.ids_not_like_pattern += u64::from(!patterns.is_order(order.id.as_str()));
                }
                Ok(Some(Ok(order)))
            }
            Err(bad) => {
                let mut reason = bad.reason;
                if inner > 0 && bad.column.is_none() {
                    reason += &format!("; the row goes on to line {}: is a quote not closed?", line + inner);
                }
                Ok(Some(Err(self.bad_row(line, bad.column, reason))))
            }
        }
    }

    fn bad_row(&mut self, line: u64, column: Option<&'static str>, reason: String) -> RowError {
        self.summary.bad_rows += 1;
        RowError { file: self.summary.file.clone(), line, column, reason }
    }

    /// What was found so far.
    pub fn summary(&self) -> &FileSummary {
        &self.summary
    }
}

/// Opens a file for reading, with a reason a person understands where it cannot be.
///
/// # Errors
/// When there is no such file, it is a folder, or it may not be read.
pub fn open_file(path: &Path) -> Result<std::fs::File, ImportError> {
    let failed = |reason: String| ImportError::Open { file: path.display().to_string(), reason };
    if path.is_dir() {
        return Err(failed("it is a folder".to_owned()));
    }
    std::fs::File::open(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => failed("there is no such file".to_owned()),
        std::io::ErrorKind::PermissionDenied => failed("there is no permission to read it".to_owned()),
        _ => failed(error.to_string()),
    })
}

/// Spreadsheets end many exports with lines that hold only delimiters.
fn is_blank(record: &csv::ByteRecord) -> bool {
    record.as_slice().iter().all(u8::is_ascii_whitespace)
}

fn read_error(file: &str, line: u64, error: &csv::Error) -> ImportError {
    let reason = match error.kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    };
    ImportError::Read { file: file.to_owned(), line, reason }
}

enum Parsed {
    Rows { orders: Vec<Order>, bad: Vec<RowError> },
    Failed(ImportError),
}

/// Imports files, whose headers were read already, as one unit: all of it is written or nothing.
///
/// `on_bad_row` hears of every row that cannot be used, in its order, while the import goes on.
///
/// # Errors
/// When a file cannot be read on, no row can be used, a row is bad and `strict` is set, or the store fails.
pub async fn import(
    store: &dyn Store,
    files: Vec<OrderReader>,
    options: ImportOptions,
    on_bad_row: impl FnMut(&RowError),
) -> Result<ImportSummary, ImportError> {
    import_until(store, files, options, std::future::pending(), on_bad_row).await
}

/// As [`import`], until `stop` comes true: then nothing is written. An import that is being made durable at that moment
/// is finished.
///
/// # Errors
/// As [`import`], and [`ImportError::Interrupted`].
pub async fn import_until(
    store: &dyn Store,
    files: Vec<OrderReader>,
    options: ImportOptions,
    stop: impl Future<Output = ()>,
    mut on_bad_row: impl FnMut(&RowError),
) -> Result<ImportSummary, ImportError> {
    let mut interrupted = std::pin::pin!(stop);
    let names = files.iter().map(|file| file.summary.file.clone()).collect::<Vec<_>>().join(", ");
    let mut target = store.begin_import(options.mode).await?;
    let (batches, mut parsed) = mpsc::channel(AHEAD);
    let (finished, summaries) = oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    // A plain thread, not one of the runtime: nobody waits for it when it hangs on a silent pipe.
    std::thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(move || {
            let _ = finished.send(parse(files, &batches, &stopped));
        })
        .map_err(|error| ImportError::Read { file: names.clone(), line: 1, reason: error.to_string() })?;

    let mut written = Written::default();
    let mut first_bad = None;
    let outcome = async {
        loop {
            let batch = tokio::select! {
                biased;
                () = &mut interrupted => return Err(ImportError::Interrupted),
                batch = parsed.recv() => batch,
            };
            let Some(batch) = batch else { break };
            let (orders, bad) = match batch {
                Parsed::Rows { orders, bad } => (orders, bad),
                Parsed::Failed(error) => return Err(error),
            };
            for row in bad {
                if options.strict {
                    return Err(ImportError::BadRow(row));
                }
                on_bad_row(&row);
                first_bad.get_or_insert(row);
            }
            if !orders.is_empty() {
                let batch = target.write(orders).await?;
                written.added += batch.added;
                written.updated += batch.updated;
                written.kept += batch.kept;
                written.repeated += batch.repeated;
            }
        }
        Ok(())
    }
    .await;
    stop.store(true, Ordering::Relaxed);
    outcome?;
    let files = summaries.await.unwrap_or_default();
    let total = |of: fn(&FileSummary) -> u64| files.iter().map(of).sum::<u64>();
    let (rows, bad_rows) = (total(|file| file.rows), total(|file| file.bad_rows));
    if let Some(first) = first_bad.filter(|_| bad_rows == rows) {
        return Err(ImportError::AllBad { files: names, first });
    }
    if rows == 0 && options.mode == ImportMode::Replace {
        return Err(ImportError::NothingToReplaceWith { files: names });
    }
    if !options.dry_run {
        target.commit().await?;
    }
    Ok(ImportSummary {
        mode: mode_name(options.mode),
        dry_run: options.dry_run,
        rows,
        added: written.added,
        updated: written.updated,
        kept: written.kept,
        repeated: written.repeated,
        bad_rows,
        dates_not_readable: total(|file| file.dates_not_readable),
        phones_not_plausible: total(|file| file.phones_not_plausible),
        ids_not_like_pattern: total(|file| file.ids_not_like_pattern),
        files,
    })
}

fn parse(files: Vec<OrderReader>, batches: &mpsc::Sender<Parsed>, stop: &AtomicBool) -> Vec<FileSummary> {
    let mut summaries = Vec::with_capacity(files.len());
    for mut file in files {
        let (mut orders, mut bad) = (Vec::with_capacity(BATCH), Vec::new());
        loop {
            let next = match file.read_next() {
                Ok(next) => next,
                Err(error) => {
                    let _ = batches.blocking_send(Parsed::Failed(error));
                    return summaries;
                }
            };
            let end = next.is_none();
            match next {
                Some(Ok(order)) => orders.push(order),
                Some(Err(row)) => bad.push(row),
                None => {}
            }
            if end || orders.len() + bad.len() == BATCH {
                let orders = std::mem::replace(&mut orders, Vec::with_capacity(BATCH));
                let rows = Parsed::Rows { orders, bad: std::mem::take(&mut bad) };
                if stop.load(Ordering::Relaxed) || batches.blocking_send(rows).is_err() {
                    return summaries;
                }
            }
            if end {
                break;
            }
        }
        summaries.push(file.summary);
    }
    summaries
}

#[cfg(test)]
mod tests;

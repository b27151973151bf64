//! Imports orders from files of any kind: text with delimiters, workbooks, JSON. Files are streamed, and an import is applied as a whole
//! or not at all.

mod error;
mod field;
mod given_back;
mod header;
mod lines;
mod mapping;
mod preset;
mod reader;
mod row;
mod source;
mod summary;
mod survey;
pub mod values;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

pub use self::error::{ImportError, RowError};
pub use self::field::Field;
pub use self::lines::LinesFile;
pub use self::mapping::{Choice, How, Suggestion};
pub use self::preset::Preset;
pub use self::reader::{OrderReader, Settings};
pub use self::source::Input;
pub use self::summary::{ColumnUse, FileSummary};
use crate::domain::order::Order;
use crate::store::{BatchOutcome, ImportMode, Store};

/// Orders that are passed to the store together.
const BATCH: usize = 2_000;
/// Orders under another id that are named.
const MOST_TWINS: usize = 5;
/// Batches that are read ahead while the store writes.
const READ_AHEAD: usize = 2;

/// What an import does.
#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// How known orders are treated.
    pub mode: ImportMode,
    /// Check only: write nothing.
    pub dry_run: bool,
    /// Stop at the first bad row and write nothing.
    pub strict: bool,
}

/// The result of an import, or with `dry_run` of one that was not applied.
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
    /// Orders that were there and were left unchanged.
    pub kept: u64,
    /// Rows whose order came earlier in the same import.
    pub repeated: u64,
    /// New orders that are, or may be, in the store under another id.
    #[serde(skip_serializing_if = "is_zero")]
    pub twins: u64,
    /// The first of them, with that id.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_twins: Vec<(String, String)>,
    /// Lines of the orders.
    pub lines: u64,
    /// Rows that were not usable.
    pub bad_rows: u64,
    /// Orders whose date is no date.
    pub dates_not_readable: u64,
    /// Other values that cannot be read, and were left out.
    pub values_left_out: u64,
    /// Bad rows whose telephone number is none, or not certainly one; and further numbers that were left out.
    pub phones_not_plausible: u64,
    /// Orders whose id would not be recognised in a message: they were imported all the same.
    pub ids_not_like_pattern: u64,
    /// Each file.
    pub files: Vec<FileSummary>,
    /// The file with the lines of the orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_file: Option<FileSummary>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// The name of a mode.
pub fn mode_name(mode: ImportMode) -> &'static str {
    match mode {
        ImportMode::Upsert => "upsert",
        ImportMode::Append => "append",
        ImportMode::Replace => "replace",
    }
}

enum Parsed {
    /// The rows from now on are those of a file that lacks these columns.
    Lacks(Vec<&'static str>),
    Rows {
        orders: Vec<Order>,
        bad: Vec<RowError>,
    },
    Failed(ImportError),
}

/// Imports files, whose headers were read already, as one unit: everything is written or nothing.
///
/// `on_bad_row` is called for every row that is not usable, in order, while the import goes on.
///
/// # Errors
/// When a file cannot be read further, no row is usable, a row is bad and `strict` is set, or the store fails.
pub async fn import(
    store: &dyn Store,
    files: Vec<OrderReader>,
    options: ImportOptions,
    on_bad_row: impl FnMut(&RowError),
) -> Result<ImportSummary, ImportError> {
    import_until(store, files, options, std::future::pending(), on_bad_row).await
}

/// As [`import`], until `stop` completes: then nothing is written. A commit that has begun is finished.
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
    let lines = files.iter().find_map(OrderReader::lines_file).cloned();
    let names = files.iter().map(|file| file.summary().file.clone()).collect::<Vec<_>>().join(", ");
    let mut target = store.begin_import(options.mode).await?;
    let (batches, mut parsed) = mpsc::channel(READ_AHEAD);
    let (finished, summaries) = oneshot::channel();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let lines_read = lines.clone();
    // A plain thread, not one of the runtime: the process can end while it blocks on a pipe.
    std::thread::Builder::new()
        .name("import-reader".to_owned())
        .spawn(move || {
            let _ = finished.send(parse(files, lines_read.as_ref(), &batches, &stopped));
        })
        .map_err(|error| ImportError::Read { file: names.clone(), line: 1, reason: error.to_string() })?;

    let mut written = BatchOutcome::default();
    let (mut twins, mut first_twins) = (0, Vec::new());
    let looks_for_twins = options.mode != ImportMode::Replace && store.count_orders().await? > 0;
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
                Parsed::Lacks(columns) => {
                    target.lacking(columns);
                    continue;
                }
                Parsed::Failed(error) => return Err(error),
            };
            for row in bad {
                if options.strict {
                    return Err(ImportError::BadRow(Box::new(row)));
                }
                on_bad_row(&row);
                if lines.as_ref().is_none_or(|lines| lines.name() != row.file) {
                    first_bad.get_or_insert(row);
                }
            }
            if !orders.is_empty() {
                if looks_for_twins {
                    let found = store.twins_of(&orders).await?;
                    twins += found.len() as u64;
                    let more = MOST_TWINS.saturating_sub(first_twins.len());
                    first_twins
                        .extend(found.iter().take(more).map(|(own, known)| (own.to_string(), known.to_string())));
                }
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
    let (rows, orders) = (total(|file| file.rows), total(|file| file.orders));
    if let Some(first) = first_bad.filter(|_| orders == 0) {
        return Err(ImportError::AllBad { files: names, first: Box::new(first) });
    }
    if rows == 0 && options.mode == ImportMode::Replace {
        return Err(ImportError::NothingToReplaceWith { files: names });
    }
    if !options.dry_run {
        target.commit().await?;
    }
    let lines_file = lines.map(|lines| lines.summary());
    Ok(ImportSummary {
        mode: mode_name(options.mode),
        dry_run: options.dry_run,
        rows,
        added: written.added,
        updated: written.updated,
        kept: written.kept,
        repeated: written.repeated + total(|file| file.repeated),
        twins,
        first_twins,
        lines: total(|file| file.lines),
        bad_rows: total(|file| file.bad_rows) + lines_file.as_ref().map_or(0, |file| file.bad_rows),
        dates_not_readable: total(|file| file.dates_not_readable),
        values_left_out: total(|file| file.values_left_out),
        phones_not_plausible: total(|file| file.phones_not_plausible),
        ids_not_like_pattern: total(|file| file.ids_not_like_pattern),
        files,
        lines_file,
    })
}

fn parse(
    files: Vec<OrderReader>,
    lines: Option<&LinesFile>,
    batches: &mpsc::Sender<Parsed>,
    stop: &AtomicBool,
) -> Vec<FileSummary> {
    let tell = |bad: Vec<RowError>| batches.blocking_send(Parsed::Rows { orders: Vec::new(), bad }).is_ok();
    if lines.is_some_and(|lines| !lines.bad.is_empty() && !tell(lines.bad.clone())) {
        return Vec::new();
    }
    let mut summaries = Vec::with_capacity(files.len());
    for mut file in files {
        if batches.blocking_send(Parsed::Lacks(file.lacks())).is_err() {
            return summaries;
        }
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
        summaries.push(file.summary().clone());
    }
    let orphans = lines.map(LinesFile::orphans).unwrap_or_default();
    if !orphans.is_empty() {
        tell(orphans);
    }
    summaries
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod formats_tests;

#[cfg(test)]
mod given_back_tests;

#[cfg(test)]
mod sheets_tests;

#[cfg(test)]
mod json_tests;

#[cfg(test)]
mod doubt_tests;

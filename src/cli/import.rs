//! Decides how an import is asked for, watched and summed up on a terminal.
//!
//! It must never replace orders without a yes.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::app::{self, load_config, store_location};
use super::output::{Output, visible};
use super::{Global, Problem};
use crate::import::{FileSummary, ImportOptions, ImportSummary, OrderReader, import_until, open_file};
use crate::store::sqlite::SqliteStore;
use crate::store::{self, Fresh, ImportMode, Store, StoreError};

/// Bad rows that are shown one by one.
const SHOWN: u64 = 20;

/// Read orders from CSV files into the store
///
/// All files together are one unit: they are imported as a whole or, after an error or Ctrl-C, not at all (into MongoDB
/// order by order once all files are read; the same import, run again, completes one that was cut off). Refunds,
/// quotes and bindings of orders stay whatever is imported. A row that cannot be used is skipped, shown and counted.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres import orders.csv\n  ecomres import --dry-run january.csv february.csv\n  \
    ecomres sample orders | ecomres import - --store shop.db"
)]
pub struct Options {
    /// CSV files with a header line; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How orders that are in the store already are treated
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Read and check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Stop at the first bad row and write nothing
    #[arg(long)]
    strict: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum Mode {
    /// Add new orders, replace known ones
    #[default]
    Upsert,
    /// Add new orders, leave known ones as they are
    Append,
    /// Remove all orders first (asks, or takes --yes)
    Replace,
}

impl From<Mode> for ImportMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Upsert => Self::Upsert,
            Mode::Append => Self::Append,
            Mode::Replace => Self::Replace,
        }
    }
}

/// Runs the command.
///
/// # Errors
/// A file cannot be used, the answer was no, or the store fails.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let start = Instant::now();
    let bar = progress_bar(&options.files, global);
    let config = load_config(global)?;
    let location = store_location(global, &config);
    let place = store::place(location)?;
    let patterns = config.patterns()?;
    // Every header is read before anything is asked or opened: most mistakes show there.
    let files = options.files.iter().map(|path| open(path, &bar)).collect::<anyhow::Result<Vec<_>>>()?;
    let files = files.into_iter().map(|file| file.expecting(patterns.clone(), &config.shop.phone_country)).collect();
    let wanted = ImportOptions { mode: options.mode.into(), dry_run: options.dry_run, strict: options.strict };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Whether there is a database is only known by asking for it.
    let new = place.is_some_and(|place| !place.exists());
    let settings = app::server_settings(&config);
    if wanted.mode == ImportMode::Replace && !wanted.dry_run && !global.yes {
        let orders = if new { 0 } else { runtime.block_on(store::open_with(location, &settings)?.count_orders())? };
        ask(&store::shown(location), orders, options.files.iter().any(|path| is_stdin(path)))?;
    }
    let stop = {
        let _inside = runtime.enter();
        interrupted()?
    };
    // Only looking must not make a file, and an import that fails must not leave an empty one.
    let mut fresh = None;
    let store: Arc<dyn Store> = if options.dry_run && new {
        Arc::new(SqliteStore::scratch()?)
    } else if options.dry_run && place.is_none() {
        match store::look_with(location, &settings) {
            Err(StoreError::Missing { .. }) => Arc::new(SqliteStore::scratch()?),
            found => found?,
        }
    } else {
        fresh = Fresh::begin(location)?;
        match &fresh {
            Some(fresh) => Arc::clone(fresh.store()),
            None => store::open_with(location, &settings)?,
        }
    };
    let mut bad = 0;
    let summary = runtime.block_on(async {
        import_until(store.as_ref(), files, wanted, stop, |row| {
            bad += 1;
            if bad <= SHOWN && !global.quiet {
                bar.suspend(|| eprintln!("{}", visible(&row.to_string())));
            }
        })
        .await
    });
    bar.finish_and_clear();
    if bad > SHOWN && !global.quiet {
        eprintln!("… and {} more bad rows", bad - SHOWN);
    }
    let summary = summary?;
    drop(store);
    if let Some(fresh) = fresh {
        fresh.keep()?;
    }
    if summary.rows == 0 && !global.quiet {
        eprintln!("warning: there are no rows below the header");
    }
    let mut output = Output::stdout();
    if global.json {
        let mut value = serde_json::to_value(&summary)?;
        value["milliseconds"] = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX).into();
        output.json(&value)?;
    } else {
        output.text(as_text(&summary, start.elapsed()))?;
    }
    output.flush()?;
    Ok(())
}

/// Comes true at Ctrl-C, or when the process is asked to end; listening begins at once.
#[cfg(unix)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Comes true at Ctrl-C; listening begins at once.
#[cfg(windows)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(ctrl_c.recv().await) })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn open(path: &Path, bar: &ProgressBar) -> anyhow::Result<OrderReader> {
    if is_stdin(path) {
        return Ok(OrderReader::new("standard input", bar.wrap_read(io::stdin()))?);
    }
    let file: Box<dyn Read + Send> = Box::new(bar.wrap_read(open_file(path)?));
    Ok(OrderReader::new(&path.display().to_string(), file)?)
}

/// A bar over the bytes of all files; a spinner where a pipe does not tell its length.
fn progress_bar(files: &[PathBuf], global: &Global) -> ProgressBar {
    if global.quiet || !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let sizes = files.iter().map(|path| match std::fs::metadata(path) {
        Ok(about) if about.is_file() => Some(about.len()),
        _ => None,
    });
    let (length, template) = match sizes.sum::<Option<u64>>() {
        Some(length) => (Some(length), "{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}"),
        None => (None, "{spinner} {bytes} {bytes_per_sec}"),
    };
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

fn ask(store: &str, orders: u64, from_stdin: bool) -> anyhow::Result<()> {
    if from_stdin || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Problem::with_hint(
            format!("replacing all orders of {store} needs a yes, and there is no terminal to ask on"),
            "add --yes, or --dry-run to see what would happen",
        )
        .into());
    }
    eprint!("Replace all {} orders in {store}? Refunds stay. [y/N] ", grouped(orders));
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Problem::new(format!("nothing was changed: the orders of {store} stay")).into()),
    }
}

fn as_text(summary: &ImportSummary, took: Duration) -> String {
    let seconds = took.as_secs_f64();
    let names: Vec<&str> = summary.files.iter().map(|file| file.file.as_str()).collect();
    let verb = if summary.dry_run { "would import" } else { "imported" };
    let orders = summary.added + summary.updated;
    let mut text = format!("{verb} {} from {} in {seconds:.1} s\n", counted(orders, "order"), names.join(", "));
    let mut line = |count: u64, what: &str| {
        if count > 0 {
            text += &format!("  {:>9}  {what}\n", grouped(count));
        }
    };
    line(summary.added, "new");
    line(summary.updated, "replaced");
    line(summary.kept, "known, left as they were");
    let repeated = if summary.mode == "append" {
        "repeated within the import: the first counts"
    } else {
        "repeated within the import: the last counts"
    };
    line(summary.repeated, repeated);
    line(summary.bad_rows, "bad rows, skipped");
    line(summary.dates_not_readable, "dates not readable, kept as text");
    line(
        summary.phones_not_plausible,
        "warning: telephone numbers that are none; nobody is shown these orders: see shop.phone_country",
    );
    line(summary.ids_not_like_pattern, "warning: order ids that are not found in messages: see orders.pattern");
    for FileSummary { file, encoding, unknown_columns, .. } in &summary.files {
        if !encoding.starts_with("UTF-8") {
            text += &format!("  {file}: read as {encoding}\n");
        }
        if !unknown_columns.is_empty() {
            let columns = counted(unknown_columns.len() as u64, "column");
            text += &format!("  {file}: {columns} not used: {}\n", unknown_columns.join(", "));
        }
    }
    if summary.dry_run {
        text += "  nothing was written (--dry-run)\n";
    }
    text
}

/// `100,000 orders`, `1 order`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `100,000`.
fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

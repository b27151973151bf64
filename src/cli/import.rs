//! `ecomres import`: imports orders with a progress bar and a summary. Replacing all orders has to be confirmed.

mod ask;
mod kept;
mod summary;
mod watch;

use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use super::app::{self, load_config, store_location};
use super::output::{Output, visible};
use super::{Global, InputError};
use crate::config::Config;
use crate::import::values::{DateContext, DateOrder, DecimalMark};
use crate::import::{
    Choice, ImportError, ImportOptions, Input, LinesFile, OrderReader, Preset, Settings, import_until,
};
use crate::store::sqlite::SqliteStore;
use crate::store::{self, ImportMode, StagedStore, Store, StoreError};

pub(super) use self::summary::counted;

/// The most bad rows that are shown.
const MAX_SHOWN: u64 = 20;

/// Read orders from files of any shop into the store
///
/// CSV (any delimiter and encoding), XLSX, ODS, XLS, JSON and JSONL are told apart by their content. Exports of Shopify,
/// WooCommerce and Amazon are recognised; of other files, columns whose names are certain are taken, and what is not
/// certain is proposed: `--map` says it, and is kept in ecomres.toml. Only an order's id is compulsory. Dates and amounts
/// that can be read in two ways are asked about or refused, never guessed.
///
/// All files together are one unit: they are imported as a whole or, after an error or Ctrl-C, not at all (into MongoDB
/// order by order once all files are read; the same import, run again, completes one that was cut off). Refunds,
/// quotes and bindings of orders stay whatever is imported. A row that cannot be used is skipped, shown and counted.
#[derive(Debug, Clone, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres import shopify_orders.csv\n  ecomres import --dry-run january.csv february.xlsx\n  \
    ecomres import orders.xlsx --map \"Ref=Order ID\" --map \"Betrag=Order Value (INR)\"\n  \
    ecomres import orders.csv --lines items.csv\n  \
    ecomres sample orders | ecomres import - --store shop.db"
)]
pub struct Options {
    /// Files with orders; - reads standard input
    #[arg(required_unless_present = "watch", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Import what appears or changes in this folder, each file once it is whole, until Ctrl-C; also beside `ecomres serve`
    #[arg(long, value_name = "DIR", conflicts_with_all = ["files", "dry_run"])]
    watch: Option<PathBuf>,
    /// Whether nobody is asked
    #[arg(skip)]
    unattended: bool,
    /// How messages call the only file
    #[arg(skip)]
    shown_as: Option<String>,
    /// How orders that are in the store already are treated
    #[arg(long, value_enum, default_value_t)]
    mode: Mode,
    /// Read and check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Stop at the first bad row and write nothing
    #[arg(long)]
    strict: bool,
    /// Whose export it is [default: as the header shows]
    #[arg(long, value_enum, value_name = "SHOP")]
    from: Option<From>,
    /// What a column holds: the name of a column, =, and a field such as “Order ID”, or “ignore” (repeatable)
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = parse_choice)]
    map: Vec<Choice>,
    /// How dates are read that can be read in two ways
    #[arg(long, value_enum, value_name = "ORDER")]
    dates: Option<Dates>,
    /// What stands before the decimals of amounts that can be read in two ways
    #[arg(long, value_enum, value_name = "MARK")]
    decimal: Option<Decimal>,
    /// A second file with the lines of the orders: in every row an order's id, and an item's name, quantity and price
    #[arg(long, value_name = "FILE")]
    lines: Option<PathBuf>,
}

fn parse_choice(text: &str) -> Result<Choice, String> {
    Choice::parse(text)
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum From {
    /// The orders export, or JSON of the Admin API
    Shopify,
    /// An export of a plugin or of Analytics, or JSON of the REST API
    Woocommerce,
    /// An order report
    Amazon,
    /// The eleven columns of `ecomres sample orders`
    Original,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
#[expect(clippy::enum_variant_names, reason = "the variants name the words of the flag")]
enum Dates {
    /// 31/12/2026
    DayFirst,
    /// 12/31/2026
    MonthFirst,
    /// 26/12/31
    YearFirst,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Decimal {
    /// 1,299.50
    Point,
    /// 1.299,50
    Comma,
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

impl std::convert::From<Mode> for ImportMode {
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
pub fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    if let Some(folder) = &options.watch {
        return watch::run(folder, options, global);
    }
    import_and_tell(options, global).map(drop)
}

/// Imports the files, prints the summary, and returns the rows that could not be used, as they were shown.
fn import_and_tell(options: &Options, global: &Global) -> anyhow::Result<Vec<String>> {
    let mut bad = Vec::new();
    let mut output = Output::stdout();
    output.text(import(options, global, &mut bad)?)?;
    output.flush()?;
    Ok(bad)
}

/// Bad rows that are kept for the file beside a watched one.
const MOST_KEPT: usize = 1_000;

/// Imports the files, and returns what is printed about it.
fn import(options: &Options, global: &Global, told: &mut Vec<String>) -> anyhow::Result<String> {
    let start = Instant::now();
    let bar = progress_bar(&options.files, global);
    let config = load_config(global)?;
    let location = store_location(global, &config);
    let place = store::file_path(location)?;
    let mut settings = settings(options, &config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stop = {
        let _inside = runtime.enter();
        interrupted()?
    };
    let mut stop = std::pin::pin!(stop);
    // Files are looked at before a question is asked or a store opened: most errors are found there.
    let mut until_stopped = Interruptible { runtime: &runtime, stop: stop.as_mut() };
    let mut files = Vec::new();
    let mut learnt = Vec::new();
    for path in &options.files {
        files.push(open(path, options, global, &mut settings, &mut learnt, &mut until_stopped, &bar)?);
    }
    if let Some(path) = &options.lines {
        let (path, settings) = (path.clone(), settings.clone());
        let lines = until_stopped.run(move || LinesFile::read(&Input::file(&path)?, &settings))?;
        // Files are about different orders: each takes what is its own.
        files = files.into_iter().map(|file| file.with_lines(lines.clone())).collect();
    }
    let import_options = ImportOptions { mode: options.mode.into(), dry_run: options.dry_run, strict: options.strict };
    // Whether a database on a server exists is known only after connecting.
    let new = place.is_some_and(|place| !place.exists());
    let server = app::server_settings(&config);
    if import_options.mode == ImportMode::Replace && !import_options.dry_run && !global.yes {
        let orders = if new { 0 } else { runtime.block_on(store::open_with(location, &server)?.count_orders())? };
        ask::replace(&store::display_location(location), orders, options.files.iter().any(|path| is_stdin(path)))?;
    }
    // A dry run must not create a file, and an import that fails must not leave an empty one.
    let mut staged = None;
    let store: Arc<dyn Store> = if options.dry_run && new {
        Arc::new(SqliteStore::scratch()?)
    } else if options.dry_run && place.is_none() {
        match store::open_read_only_with(location, &server) {
            Err(StoreError::Missing { .. }) => Arc::new(SqliteStore::scratch()?),
            found => found?,
        }
    } else {
        staged = StagedStore::begin(location)?;
        match &staged {
            Some(staged) => Arc::clone(staged.store()),
            None => store::open_with(location, &server)?,
        }
    };
    let mut bad = 0;
    let summary = runtime.block_on(async {
        import_until(store.as_ref(), files, import_options, stop, |row| {
            bad += 1;
            if told.len() < MOST_KEPT {
                told.push(row.to_string());
            }
            if bad <= MAX_SHOWN && !global.quiet {
                bar.suspend(|| eprintln!("{}", visible(&row.to_string())));
            }
        })
        .await
    });
    bar.finish_and_clear();
    if bad > MAX_SHOWN && !global.quiet {
        eprintln!("… and {} more bad rows", bad - MAX_SHOWN);
    }
    let summary = summary?;
    drop(store);
    if let Some(staged) = staged {
        staged.persist()?;
    }
    if summary.rows == 0 && !global.quiet {
        eprintln!("warning: there are no rows below the header");
    }
    if !options.dry_run {
        learnt.extend(options.map.iter().cloned());
        kept::keep(&learnt, settings.dates.map(DateOrder::name), options.decimal.map(Decimal::name), &config, global);
    }
    if global.json {
        let mut value = serde_json::to_value(&summary)?;
        value["milliseconds"] = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX).into();
        return Ok(format!("{}\n", serde_json::to_string(&value)?));
    }
    Ok(visible(&summary::as_text(&summary, start.elapsed())).into_owned())
}

impl Dates {
    const fn order(self) -> DateOrder {
        match self {
            Self::DayFirst => DateOrder::DayFirst,
            Self::MonthFirst => DateOrder::MonthFirst,
            Self::YearFirst => DateOrder::YearFirst,
        }
    }
}

impl Decimal {
    const fn name(self) -> &'static str {
        match self {
            Self::Point => "point",
            Self::Comma => "comma",
        }
    }

    const fn mark(self) -> DecimalMark {
        match self {
            Self::Point => DecimalMark::Point,
            Self::Comma => DecimalMark::Comma,
        }
    }
}

/// How files are read: by the flags, else by the settings.
fn settings(options: &Options, config: &Config) -> anyhow::Result<Settings> {
    let kept = settings_of(config)?;
    let from = match options.from {
        Some(From::Shopify) => Some(Preset::Shopify),
        Some(From::Woocommerce) => Some(Preset::WooCommerce),
        Some(From::Amazon) => Some(Preset::Amazon),
        Some(From::Original) => Some(Preset::Original),
        None => kept.from,
    };
    let mut choices = options.map.clone();
    let said = |known: &Choice| options.map.iter().any(|choice| choice.column == known.column);
    choices.extend(kept.choices.into_iter().filter(|known| !said(known)));
    Ok(Settings {
        from,
        choices,
        dates: options.dates.map(Dates::order).or(kept.dates),
        decimal: options.decimal.map(Decimal::mark).or(kept.decimal),
        kept: [options.dates.is_none(), options.decimal.is_none()],
        ..kept
    })
}

/// How files are read, by the settings.
pub(super) fn settings_of(config: &Config) -> anyhow::Result<Settings> {
    let kept = &config.import;
    let choices = kept.columns.iter().map(|(column, field)| match Choice::new(column, field) {
        Ok(choice) => Ok(Choice { required: false, ..choice }),
        Err(reason) => Err(InputError::with_hint(format!("import.columns: {reason}"), "correct it in ecomres.toml")),
    });
    Ok(Settings {
        from: Preset::parse(&kept.from),
        choices: choices.collect::<Result<_, _>>()?,
        dates: DateOrder::parse(&kept.dates),
        decimal: match kept.decimal.as_str() {
            "point" => Some(DecimalMark::Point),
            "comma" => Some(DecimalMark::Comma),
            _ => None,
        },
        country: Some(config.country()?),
        currency: config.money().currency(),
        context: DateContext::new(config.zone()?, Timestamp::now()),
        patterns: Some(config.patterns()?),
        ..Settings::default()
    })
}

/// Runs what blocks, such as reading a pipe, until Ctrl-C.
struct Interruptible<'a, F> {
    runtime: &'a tokio::runtime::Runtime,
    stop: Pin<&'a mut F>,
}

impl<F: Future<Output = ()>> Interruptible<'_, F> {
    fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
    ) -> Result<T, ImportError> {
        let (finished, outcome) = tokio::sync::oneshot::channel();
        // A plain thread, not one of the runtime: the process can end while it blocks.
        std::thread::Builder::new()
            .name("import-survey".to_owned())
            .spawn(move || drop(finished.send(work())))
            .map_err(|error| ImportError::Open { file: "the file".to_owned(), reason: error.to_string() })?;
        let stop = self.stop.as_mut();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = stop => Err(ImportError::Interrupted),
                outcome = outcome => outcome.unwrap_or(Err(ImportError::Interrupted)),
            }
        })
    }
}

/// Completes at Ctrl-C, or when the process is asked to end; listening begins at once.
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

/// Completes at Ctrl-C; listening begins at once.
#[cfg(windows)]
fn interrupted() -> io::Result<impl Future<Output = ()>> {
    let mut ctrl_c = tokio::signal::windows::ctrl_c()?;
    Ok(async move { drop(ctrl_c.recv().await) })
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Opens a file; on a terminal, what is not certain is asked.
fn open(
    path: &Path,
    options: &Options,
    global: &Global,
    settings: &mut Settings,
    learnt: &mut Vec<Choice>,
    until_stopped: &mut Interruptible<'_, impl Future<Output = ()>>,
    bar: &ProgressBar,
) -> anyhow::Result<OrderReader> {
    let from_stdin = options.files.iter().any(|path| is_stdin(path));
    let terminal =
        !from_stdin && !options.unattended && !global.quiet && io::stdin().is_terminal() && io::stderr().is_terminal();
    let input = {
        let (path, bar) = (path.to_owned(), bar.clone());
        let shown = options.shown_as.clone();
        until_stopped.run(move || {
            if is_stdin(&path) {
                Input::stream("standard input", bar.wrap_read(io::stdin()))
            } else {
                let input = Input::file(&path)?;
                Ok(match shown {
                    Some(name) => input.called(name),
                    None => input,
                })
            }
        })?
    };
    // What is kept in the settings, or said with --map, is not asked again.
    let known = !settings.choices.is_empty();
    let mut suggested = false;
    loop {
        let (source, how) = (input.clone(), settings.clone());
        let opened = until_stopped.run(move || OrderReader::with(&source, &how));
        let reader = match opened {
            Err(ImportError::AmbiguousDates { column, why, .. }) if terminal && settings.dates.is_none() => {
                settings.dates = Some(ask::dates(input.name(), &column, &why)?);
                continue;
            }
            Err(ImportError::NoId { near: Some(near), file, .. }) if terminal && !global.yes => {
                let choice = ask::id(&file, &near)?;
                settings.choices.push(choice.clone());
                learnt.push(choice);
                continue;
            }
            opened => opened?,
        };
        let summary = reader.summary();
        if terminal && !global.yes && !known && !options.dry_run && summary.preset.is_none() {
            let chosen = ask::columns(summary, !suggested)?;
            suggested = true;
            if !chosen.is_empty() {
                settings.choices.extend(chosen.iter().cloned());
                learnt.extend(chosen);
                continue;
            }
        }
        return Ok(reader);
    }
}

/// A spinner while standard input is read: nobody knows how long it is.
fn progress_bar(files: &[PathBuf], global: &Global) -> ProgressBar {
    if global.quiet || !io::stderr().is_terminal() || !files.iter().any(|path| is_stdin(path)) {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    bar.set_style(
        ProgressStyle::with_template("{spinner} {bytes} {bytes_per_sec}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}

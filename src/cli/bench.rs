//! `ecomres bench`: a shop's own scripted conversations, played against the program and judged.
//!
//! Every conversation runs in a scratch store of its own: no store that is in use is touched, and nothing leaves.

mod show;
mod stage;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use futures_util::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressDrawTarget};

use self::stage::Stage;
use super::output::Output;
use super::scenarios::{CLOCK_HINT, read_line};
use super::{Global, InputError, app};
use crate::bench::case::{Case, CaseError, Cases};
use crate::bench::judge::judge;
use crate::bench::table::{Figures, Verdict};
use crate::bench::text;

/// Hold your own scripted conversations, judge them, and show how many end as they should
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ecomres bench cases.jsonl --orders orders.csv --fails\n\n--help shows the form of a case.",
    after_long_help = include_str!("bench/help.txt")
)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub struct Options {
    /// Files with cases, one JSON object a line
    #[arg(value_name = "CASES.jsonl", required_unless_present = "words")]
    files: Vec<PathBuf>,
    /// Orders for the scratch stores: any file that import reads [default: those of the store, else the sample orders]
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// The shop's documents [default: where the bot reads them]
    #[arg(long, value_name = "FOLDER")]
    knowledge: Option<PathBuf>,
    /// Only these cases: ids, parts of categories, lang:hi; with commas
    #[arg(long, value_name = "WHICH", value_delimiter = ',')]
    only: Vec<String>,
    /// Show the conversations of these cases: ids as in --only, fails, or all
    #[arg(long, value_name = "WHICH", value_delimiter = ',')]
    show: Vec<String>,
    /// One line for each case that fails
    #[arg(long)]
    fails: bool,
    /// End with 1 where fewer than so many of a hundred cases pass
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    bar: Option<f64>,
    /// Answer with the built-in playbook, even where a language model is set up
    #[arg(long)]
    offline: bool,
    /// How many conversations are held at once
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = jobs)]
    jobs: usize,
    /// Only look for faults in the cases
    #[arg(long)]
    check: bool,
    /// Show the lists of words that patterns may name, and what they mean
    #[arg(long)]
    words: bool,
}

fn percent(text: &str) -> Result<f64, String> {
    text.trim_end_matches('%')
        .trim()
        .parse()
        .ok()
        .filter(|bar| (0.0..=100.0).contains(bar))
        .ok_or_else(|| "expected 0 to 100".to_owned())
}

fn jobs(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|jobs| (1..=64).contains(jobs)).ok_or_else(|| "expected 1 to 64".to_owned())
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let mut output = Output::stdout();
    if options.words {
        return show::words(&mut output, global.json, text::lists());
    }
    if let (Some(store), Some(_)) = (&global.store, &options.orders) {
        return Err(InputError::with_hint(
            format!("--orders and --store {store} both say where the orders come from"),
            "leave one out: every conversation has a scratch store of its own anyway",
        )
        .into());
    }
    let mut config = app::load_config(global)?;
    if let Some(folder) = &options.knowledge {
        if !folder.is_dir() {
            return Err(InputError::with_hint(
                format!("--knowledge: {} is no folder", folder.display()),
                "name the folder with the shop's documents",
            )
            .into());
        }
        config.knowledge.folder = folder.display().to_string();
    }
    let cases = read(&options.files, global)?;
    let chosen = chosen(&cases, options)?;
    let engine = app::load_engine(global, &config)?;
    let runtime = app::small_runtime()?;
    let verdicts = runtime.block_on(async {
        let model = app::chat_model(&config, options.offline || options.check).await?;
        let stage = Stage::prepare(global, config, options.orders.as_deref(), &cases, (engine, model)).await?;
        if options.check {
            anyhow::Ok(None)
        } else {
            hold(Arc::new(stage), chosen, options.jobs, global).await.map(Some)
        }
    })?;
    let Some(verdicts) = verdicts else {
        output.line(format!("{} cases, nothing wrong with their form", cases.len()))?;
        return Ok(());
    };
    show::verdicts(&mut output, &verdicts, options, global)?;
    let rate = Figures::of(&verdicts).pass_rate();
    match options.bar {
        Some(bar) if rate < bar => Err(InputError::new(format!("{rate:.1} % pass, and the bar is {bar} %")).into()),
        _ => Ok(()),
    }
}

/// Reads the files, and says which fields are not part of the form.
fn read(files: &[PathBuf], global: &Global) -> anyhow::Result<Vec<Case>> {
    let mut cases = Cases::default();
    for path in files {
        let (name, before) = (path.display().to_string(), cases.cases.len());
        cases.read(&name, &text_of(path)?).map_err(shown)?;
        for case in &cases.cases[before..] {
            for (field, text) in case.texts().filter(|(_, text)| text.starts_with('+')) {
                let place = format!("{name}:{}: {field}", case.line);
                let line = read_line(text)
                    .map_err(|problem| InputError::with_hint(format!("{place}: {problem}"), CLOCK_HINT))?;
                if line.is_none_or(|line| line.text.is_empty()) {
                    return Err(InputError::with_hint(
                        format!("{place}: the clock moves, and nothing is said"),
                        "write the message behind it: \"+26h any news?\"",
                    )
                    .into());
                }
            }
        }
    }
    if !global.quiet {
        for (field, case) in &cases.not_read {
            eprintln!("the field “{field}” is no part of a case and not read (first in {case})");
        }
    }
    Ok(cases.cases)
}

fn text_of(path: &Path) -> Result<String, InputError> {
    let hint = "a file of cases is UTF-8 text with one JSON object a line; ecomres bench --help shows one";
    std::fs::read_to_string(path)
        .map_err(|error| InputError::with_hint(format!("{} cannot be read: {error}", path.display()), hint))
}

fn shown(error: CaseError) -> InputError {
    InputError::with_hint(error.to_string(), error.hint)
}

/// Whether a word of --only or --show means a case.
fn means(word: &str, case: &Case) -> bool {
    match word.strip_prefix("lang:") {
        Some(lang) => case.lang == lang,
        None => case.id == word || case.category.contains(word),
    }
}

/// The cases that are to be held: those of --only, else those that --show names, else all.
fn chosen(cases: &[Case], options: &Options) -> Result<Vec<Case>, InputError> {
    let words = |given: &'static str, words: &[String]| -> Result<Vec<String>, InputError> {
        let words: Vec<String> =
            words.iter().map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect();
        let is_known = |word: &String| {
            (given == "--show" && ["fails", "all"].contains(&word.as_str()))
                || cases.iter().any(|case| means(word, case))
        };
        match words.iter().find(|word| !is_known(word)) {
            Some(unknown) => Err(InputError::with_hint(
                format!("{given}: no case is called “{unknown}”, nor its category or language"),
                "ids are whole, categories may be parts of them, languages are lang:en",
            )),
            None => Ok(words),
        }
    };
    let only = words("--only", &options.only)?;
    let mut shown = words("--show", &options.show)?;
    if shown.iter().any(|word| ["fails", "all"].contains(&word.as_str())) {
        shown.clear();
    }
    let chosen = if only.is_empty() { &shown } else { &only };
    let is_chosen = |case: &&Case| chosen.is_empty() || chosen.iter().any(|word| means(word, case));
    Ok(cases.iter().filter(is_chosen).cloned().collect())
}

/// Holds the conversations, some at once, and judges them, in the order of the cases.
async fn hold(stage: Arc<Stage>, cases: Vec<Case>, jobs: usize, global: &Global) -> anyhow::Result<Vec<Verdict>> {
    let bar = if global.quiet || !std::io::stderr().is_terminal() {
        ProgressBar::hidden()
    } else {
        ProgressBar::with_draw_target(u64::try_from(cases.len()).ok(), ProgressDrawTarget::stderr())
    };
    let held = cases.into_iter().map(|case| {
        let (stage, runtime) = (Arc::clone(&stage), tokio::runtime::Handle::current());
        // Reading a message computes for long: on a thread of its own it keeps no other conversation.
        tokio::task::spawn_blocking(move || {
            let log = runtime.block_on(stage.hold(&case))?;
            let wrong = judge(&case, &log, &stage.world().articles);
            anyhow::Ok(Verdict { case, log, wrong })
        })
    });
    let mut held = stream::iter(held).buffered(jobs);
    let mut verdicts = Vec::new();
    while let Some(verdict) = held.next().await {
        verdicts.push(verdict.context("a conversation ended in the middle")??);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(verdicts)
}

//! `ecomres knowledge`: imports and checks the shop's documents, asks them a question, and lists what they do not answer.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::output::{Output, visible};
use super::{Global, InputError, app};
use crate::config::Config;
use crate::knowledge::{self, KnowledgeError, Problem};
use crate::support::knowledge::gaps;

/// The shop's documents: import and check them, ask them, and see what customers asked that they do not answer
#[derive(Debug, Args)]
#[command(
    after_help = "Documents are Markdown (.md), text (.txt) and HTML (.html) files in the folder of [knowledge] folder; without that setting, in the \
    folder “knowledge” beside the store. A change is seen within seconds, without a restart.\n\n\
    Examples:\n  ecomres knowledge import ./help-pages\n  ecomres knowledge ask \"how long do refunds take?\"\n  ecomres knowledge gaps"
)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Copy the documents of a folder to where the bot reads them; those of the same names are replaced
    #[command(after_help = "Example:\n  ecomres knowledge import ./help-pages --store shop.db")]
    Import {
        /// The folder with the documents
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Say what of the documents cannot be read, is empty or is there twice; or how well they answer questions
    #[command(
        after_help = "A file of questions holds one JSON object on each line: id, question, passages (document and heading of what answers it, one \
        for each thing that is asked; none where no document does), and where wanted folder (within FOLDER), language, holds (what the \
        passage has to say), or (other passages that are right) and part.\n\n\
        Examples:\n  ecomres knowledge check\n  ecomres knowledge check ./help-pages --json\n  \
        ecomres knowledge check ./help-pages --questions questions.jsonl --mistakes"
    )]
    Check {
        /// The folder [default: where the bot reads them]
        #[arg(value_name = "FOLDER")]
        folder: Option<PathBuf>,
        /// Questions of which it is known what answers them: how many are answered rightly, and how many that no document answers
        #[arg(long, value_name = "FILE")]
        questions: Option<PathBuf>,
        /// Only the questions of this part
        #[arg(long, value_name = "NAME", requires = "questions")]
        part: Option<String>,
        /// Also which questions were answered wrongly
        #[arg(long, requires = "questions")]
        mistakes: bool,
        /// What the search sees of each question instead, one JSON object on each line: for tests/knowledge/answers.py
        #[arg(long, requires = "questions", hide = true)]
        examples: bool,
    },
    /// Ask a question: the passages that answer it, as the bot finds them
    #[command(after_help = "Example:\n  ecomres knowledge ask \"do you deliver on Sundays?\"")]
    Ask {
        /// The question
        #[arg(value_name = "QUESTION")]
        question: String,
    },
    /// What customers asked and no document answers, the most frequent first
    #[command(
        after_help = "Questions are kept without order ids and numbers, as long as the messages they stood in. What a document answers by now \
        is left out.\n\nExamples:\n  ecomres knowledge gaps\n  ecomres knowledge gaps --all --json"
    )]
    Gaps {
        /// Also what is answered by now
        #[arg(long)]
        all: bool,
        /// How many, at most
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
    },
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    match options.command {
        Command::Import { folder } => import(global, &config, &folder),
        Command::Check { folder, questions: None, .. } => check(global, &config, folder),
        Command::Check { folder, questions: Some(file), part, mistakes, examples } => {
            let folder = folder.unwrap_or_else(|| app::knowledge_place(global, &config));
            measure(global, &config, &folder, &Asking { file, part, mistakes, examples })
        }
        Command::Ask { question } => ask(global, &config, &question),
        Command::Gaps { all, limit } => list_gaps(global, &config, all, limit),
    }
}

fn wrong(error: &KnowledgeError) -> InputError {
    InputError::with_hint(error.to_string(), error.hint())
}

fn listed(problems: &[Problem]) -> Vec<serde_json::Value> {
    problems.iter().map(|one| json!({"place": one.place, "problem": one.what})).collect()
}

fn import(global: &Global, config: &Config, from: &Path) -> anyhow::Result<()> {
    let to = app::knowledge_place(global, config);
    let imported = knowledge::import(from, &to).map_err(|error| wrong(&error))?;
    let checked = knowledge::check(&to).map_err(|error| wrong(&error))?;
    for one in &imported.left_out {
        eprintln!("warning: {} is left out: {}", visible(&one.place), one.what);
    }
    let mut output = Output::stdout();
    if global.json {
        output.json(&json!({
            "folder": to, "copied": imported.copied, "documents": checked.documents, "passages": checked.chunks,
            "left_out": listed(&imported.left_out),
        }))?;
    } else {
        output.line(format!(
            "{} documents copied to {}: {} passages can be found there.",
            imported.copied,
            to.display(),
            checked.chunks
        ))?;
    }
    Ok(())
}

fn check(global: &Global, config: &Config, folder: Option<PathBuf>) -> anyhow::Result<()> {
    let folder = folder.unwrap_or_else(|| app::knowledge_place(global, config));
    let checked = knowledge::check(&folder).map_err(|error| wrong(&error))?;
    let mut output = Output::stdout();
    if global.json {
        output.json(&json!({
            "folder": folder, "documents": checked.documents, "passages": checked.chunks, "words": checked.words,
            "problems": listed(&checked.problems),
        }))?;
    } else {
        output.line(format!(
            "{}: {} documents, {} passages, {} words",
            folder.display(),
            checked.documents,
            checked.chunks,
            checked.words
        ))?;
        for one in &checked.problems {
            output.line(format!("{}: {}", visible(&one.place), one.what))?;
        }
    }
    if checked.chunks == 0 {
        return Err(wrong(&KnowledgeError::Empty { path: folder.display().to_string() }).into());
    }
    Ok(())
}

/// What is asked of the documents, to see how well they answer.
struct Asking {
    file: PathBuf,
    part: Option<String>,
    mistakes: bool,
    examples: bool,
}

fn measure(global: &Global, config: &Config, folder: &Path, asking: &Asking) -> anyhow::Result<()> {
    let place = visible(&asking.file.display().to_string()).into_owned();
    let read = |error: &dyn std::fmt::Display| {
        let hint = "one JSON object on each line, with id, question and passages: see ecomres knowledge check --help";
        InputError::with_hint(format!("{place} cannot be read as questions: {error}"), hint)
    };
    let text = std::fs::read_to_string(&asking.file).map_err(|error| read(&error))?;
    let mut asked = knowledge::questions(&text).map_err(|error| read(&error))?;
    asked.retain(|one| asking.part.as_ref().is_none_or(|part| one.part == *part));
    if asked.is_empty() {
        return Err(read(&"there is no question in it, or none of that part").into());
    }
    knowledge::check(folder).map_err(|error| wrong(&error))?;
    let built_in = app::built_in_answers(config)?;
    let mut output = Output::stdout();
    if asking.examples {
        for example in knowledge::examples(folder, &asked, &built_in) {
            output.line(example.to_string())?;
        }
        return Ok(());
    }
    let measured = knowledge::measure(folder, &asked, &built_in);
    if global.json {
        let mut value = measured.to_json();
        if asking.mistakes {
            value["mistakes"] = json!(measured.mistakes);
        }
        output.json(&value)?;
        return Ok(());
    }
    for line in measured.lines() {
        output.line(line)?;
    }
    for one in measured.mistakes.iter().filter(|_| asking.mistakes) {
        output.line(format!("{}: {} — {}", visible(&one.id), one.what, visible(&one.question)))?;
        for found in &one.found {
            output.line(format!("    {}", visible(found)))?;
        }
    }
    Ok(())
}

fn ask(global: &Global, config: &Config, question: &str) -> anyhow::Result<()> {
    let found = app::library(global, config)?.search(question);
    let mut output = Output::stdout();
    if global.json {
        output.json(&json!({"answerable": !found.is_empty(), "passages": found}))?;
    } else if found.is_empty() {
        output.line("No document answers this.")?;
    } else {
        for passage in &found {
            output.line(format!("{}\n  {} ({})\n", passage.text, visible(&passage.title), visible(&passage.source)))?;
        }
    }
    Ok(())
}

fn list_gaps(global: &Global, config: &Config, all: bool, limit: usize) -> anyhow::Result<()> {
    let store = app::open_existing_store(app::store_location(global, config), &app::server_settings(config))?;
    let library = app::library(global, config)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let mut found = runtime.block_on(gaps(store.as_ref(), &library, all))?;
    found.truncate(limit);
    let mut output = Output::stdout();
    if global.json {
        output.json(&json!({"gaps": found}))?;
    } else if found.is_empty() {
        output.line("Nothing was asked that no document answers.")?;
    } else {
        let zone = config.zone()?;
        for gap in &found {
            let day = gap.last_at.to_zoned(zone.clone()).date();
            let example = gap.examples.first().map_or(gap.question.as_str(), String::as_str);
            output.line(format!("{:>4} ×  {day}  {}", gap.count, visible(example)))?;
        }
    }
    Ok(())
}

//! Decides how texts reach the classifier from a command line, and how its answers are shown.
//!
//! It must never alter a text.

use std::io::{self, BufRead, IsTerminal};

use serde_json::{Value, json};

use super::Global;
use super::output::Output;
use crate::nlu::{Engine, Prediction, Scored, locate_model};

/// Lines read ahead from a pipe, so that they are computed in batches.
const LINES: usize = 64;

/// Tell what messages want and how they sound.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres predict \"where is my order?\"\n  ecomres predict --json --top-k 3 < messages.txt"
)]
pub struct Options {
    /// Messages; without any, one per line from standard input
    texts: Vec<String>,
    /// Show the K most likely labels of each task
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,
}

/// Runs the command.
///
/// # Errors
/// No usable model, or standard input cannot be read.
pub fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    let engine = Engine::load(&locate_model(global.model.as_deref())?)?;
    let mut output = Output::stdout();
    let top_k = usize::from(options.top_k);
    if !options.texts.is_empty() {
        return show(&engine, &options.texts, top_k, global.json, &mut output);
    }
    let stdin = io::stdin().lock();
    // Somebody who types waits for each answer; a pipe does not.
    let ahead = if stdin.is_terminal() { 1 } else { LINES };
    let mut texts = Vec::with_capacity(ahead);
    for line in stdin.split(b'\n') {
        let line = line?;
        texts.push(String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned());
        if texts.len() == ahead {
            show(&engine, &texts, top_k, global.json, &mut output)?;
            texts.clear();
        }
    }
    show(&engine, &texts, top_k, global.json, &mut output)
}

fn show(engine: &Engine, texts: &[String], top_k: usize, json: bool, output: &mut Output) -> anyhow::Result<()> {
    for (text, prediction) in texts.iter().zip(engine.classify_batch_blocking(texts)?) {
        if json {
            output.json(&as_json(text, &prediction, top_k))?;
        } else {
            output.line(as_line(text, &prediction, top_k))?;
        }
    }
    output.flush()?;
    Ok(())
}

fn as_json(text: &str, prediction: &Prediction, top_k: usize) -> Value {
    let mut value = json!(prediction);
    if let Value::Object(map) = &mut value {
        if top_k > 1 {
            for key in ["intents", "sentiments"] {
                if let Some(Value::Array(list)) = map.get_mut(key) {
                    list.truncate(top_k);
                }
            }
        } else {
            map.shift_remove("intents");
            map.shift_remove("sentiments");
        }
        map.insert("text".to_owned(), text.into());
    }
    value
}

fn as_line(text: &str, prediction: &Prediction, top_k: usize) -> String {
    let list = |scored: &[Scored]| {
        let shown = scored.iter().take(top_k).map(|one| format!("{} {:.4}", one.label, one.confidence));
        shown.collect::<Vec<_>>().join(", ")
    };
    format!("{}\t{}\t{}", list(&prediction.intents), list(&prediction.sentiments), text.trim())
}

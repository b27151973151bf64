//! The command `predict`: reads messages and shows what the classifier makes of them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::app::{load_engine_on, model_location};
use super::arguments::confidence;
use super::output::Output;
use super::{Global, InputError};
use crate::files::csv::restored;
use crate::nlu::{DeviceChoice, Engine, ModelConfig, Prediction, Scored};

/// Lines read ahead from a file or a pipe, so that they are computed in batches.
const LINES: usize = 64;

/// Tell what messages want, how they sound, and what else the model says of them.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ecomres predict \"where is my order?\"\n  ecomres predict --json --top-k 3 < messages.txt\n  ecomres predict --batch messages.csv --json --abstain-below 0.5"
)]
pub struct Options {
    /// Messages; without any, one per line from standard input
    texts: Vec<String>,
    /// Read the messages from a file: one per line, or the text column of a .csv
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    batch: Option<PathBuf>,
    /// Column with the message in a .csv
    #[arg(long, value_name = "NAME", default_value = "text", requires = "batch")]
    text_column: String,
    /// Show the K most likely labels of each task
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    top_k: u16,
    /// Mark an intent below this confidence as one not to act on [default: what the model's config.json says, or 0]
    #[arg(long, value_name = "P", value_parser = confidence)]
    abstain_below: Option<f32>,
    /// What to compute on; auto takes a card for --batch only. A card needs a build with --features wgpu or cuda
    #[arg(long, value_name = "auto|cpu|wgpu|cuda", default_value_t)]
    device: DeviceChoice,
}

/// Runs the command.
///
/// # Errors
/// No usable model, or the messages cannot be read.
pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    let location = model_location(global)?;
    // For a few messages a card is not worth its start.
    let device = if options.batch.is_none() && options.device == DeviceChoice::Auto {
        DeviceChoice::Cpu
    } else {
        options.device
    };
    let engine = load_engine_on(&location, device)?;
    let threshold = match options.abstain_below {
        Some(threshold) => threshold,
        None => ModelConfig::read(&location)?.abstain_below.unwrap_or(0.0),
    };
    let show = Show { engine, top_k: usize::from(options.top_k), threshold, json: global.json };
    let mut output = Output::stdout();
    if !options.texts.is_empty() {
        return show.texts(&options.texts, &mut output);
    }
    let Some(path) = &options.batch else {
        let stdin = io::stdin().lock();
        // Somebody who types waits for each answer; a pipe does not.
        let ahead = if stdin.is_terminal() { 1 } else { LINES };
        return show.stream(stdin.split(b'\n').map(|line| Ok(text_of(&line?))), ahead, &mut output);
    };
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv")) {
        return show.stream(cells(path, &options.text_column)?, LINES, &mut output);
    }
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    let lines = BufReader::new(file).split(b'\n').map(|line| match line {
        Ok(line) => Ok(text_of(&line)),
        Err(error) => Err(unreadable(path, &error).into()),
    });
    show.stream(lines, LINES, &mut output)
}

/// A line without its end; bytes that are no text become replacement characters.
fn text_of(line: &[u8]) -> String {
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> InputError {
    InputError::with_hint(format!("{} cannot be read: {error}", path.display()), "name a text file or a .csv file")
}

/// The cells of one column.
fn cells(path: &Path, column: &str) -> anyhow::Result<impl Iterator<Item = anyhow::Result<String>>> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_path(path).map_err(|e| unreadable(path, &e))?;
    let header = reader.byte_headers().map_err(|error| unreadable(path, &error))?.clone();
    let names: Vec<String> =
        header.iter().map(|name| text_of(name).trim_start_matches('\u{FEFF}').trim().to_owned()).collect();
    let at = names.iter().position(|name| name.eq_ignore_ascii_case(column)).ok_or_else(|| {
        InputError::with_hint(
            format!("{}: no column {column}, found {}", path.display(), names.join(", ")),
            "name the column with --text-column",
        )
    })?;
    let path = path.to_owned();
    Ok(reader.into_byte_records().map(move |record| match record {
        Ok(record) => Ok(record.get(at).map(|cell| restored(&text_of(cell)).into_owned()).unwrap_or_default()),
        Err(error) => Err(unreadable(&path, &error).into()),
    }))
}

struct Show {
    engine: Engine,
    top_k: usize,
    threshold: f32,
    json: bool,
}

impl Show {
    /// Shows answers as the texts come in, in groups of `ahead`.
    fn stream(
        &self,
        texts: impl Iterator<Item = anyhow::Result<String>>,
        ahead: usize,
        output: &mut Output,
    ) -> anyhow::Result<()> {
        let mut group = Vec::with_capacity(ahead);
        for text in texts {
            group.push(text?);
            if group.len() == ahead {
                self.texts(&group, output)?;
                group.clear();
            }
        }
        self.texts(&group, output)
    }

    fn texts(&self, texts: &[String], output: &mut Output) -> anyhow::Result<()> {
        for (text, prediction) in texts.iter().zip(self.engine.classify_batch_blocking(texts)?) {
            if self.json {
                output.json(&self.as_json(text, &prediction))?;
            } else {
                output.line(self.as_line(text, &prediction))?;
            }
        }
        output.flush()?;
        Ok(())
    }

    fn abstains(&self, prediction: &Prediction) -> bool {
        prediction.intent_confidence < self.threshold
    }

    fn as_json(&self, text: &str, prediction: &Prediction) -> Value {
        let mut value = json!(prediction);
        if let Value::Object(map) = &mut value {
            if self.top_k > 1 {
                for key in ["intents", "sentiments"] {
                    if let Some(Value::Array(list)) = map.get_mut(key) {
                        list.truncate(self.top_k);
                    }
                }
            } else {
                map.shift_remove("intents");
                map.shift_remove("sentiments");
            }
            if let Some(Value::Object(heads)) = map.get_mut("heads") {
                for head in heads.values_mut().filter_map(Value::as_object_mut) {
                    match head.get_mut("labels") {
                        Some(Value::Array(list)) if self.top_k > 1 => list.truncate(self.top_k),
                        _ => drop(head.shift_remove("labels")),
                    }
                }
            }
            map.insert("abstained".to_owned(), self.abstains(prediction).into());
            map.insert("text".to_owned(), text.into());
        }
        value
    }

    fn as_line(&self, text: &str, prediction: &Prediction) -> String {
        let list = |scored: &[Scored]| {
            let shown = scored.iter().take(self.top_k).map(|one| format!("{} {:.4}", one.label, one.confidence));
            shown.collect::<Vec<_>>().join(", ")
        };
        let unsure = if self.abstains(prediction) { "unsure: " } else { "" };
        let own = [&prediction.intents, &prediction.sentiments].into_iter();
        let heads = own.filter(|ranked| !ranked.is_empty()).chain(prediction.heads.values().map(|head| &head.labels));
        let heads: Vec<String> = heads.map(|ranked| list(ranked)).collect();
        format!("{unsure}{}\t{}", heads.join("\t"), shown(text.trim()))
    }
}

/// A text on one line, without characters that steer a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

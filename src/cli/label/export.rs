//! The command `label export`: corrected and unsure messages of the store as rows to train with.
//!
//! Without `--raw` no customer's number, address or card is ever written.
#![expect(clippy::doc_markdown, reason = "the docs of arguments are the help, which shows backticks")]

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::Serialize;

use super::super::app;
use super::super::arguments::share;
use super::super::files::{refuse_existing, write};
use super::super::output::Output;
use super::super::recording::unmask;
use super::super::{Global, open_store_read_only};
use super::csv_of;
use crate::domain::correction::Correction;
use crate::domain::ids::IdPatterns;
use crate::domain::mask::Mask;
use crate::domain::message::ChatMessage;

const HEADER: [&str; 7] =
    ["text", "intent", "sentiment", "source", "predicted_intent", "predicted_sentiment", "intent_confidence"];

/// Write corrected and unsure messages as a file for train
///
/// Corrected messages have the labels that people gave on the dashboard. Messages that the model was unsure of come without
/// labels: fill in intent and sentiment, or leave a cell empty, which train passes over. Each text is there once; the
/// latest correction counts.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Telephone numbers, addresses and cards are replaced by made-up ones. The file holds what customers wrote: what\n\
    `ecomres forget` erases later stays in it.\n\n\
    Examples:\n  ecomres label export --out corrected.csv\n  ecomres label export --below 0.6 --limit 200 > todo.csv\n  \
    ecomres train --data data/train.csv corrected.csv --out new-model"
)]
pub(super) struct Options {
    /// CSV file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also write messages whose intent was read with less confidence; 0 for none [default: [triage] clarify_below]
    #[arg(long, value_name = "CONFIDENCE", value_parser = share)]
    below: Option<f64>,
    /// Write at most N of those, the least sure first
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u32,
    /// Give messages that nobody corrected the labels that the model gave them
    #[arg(long)]
    keep_predictions: bool,
    /// Leave telephone numbers, addresses and cards as they are
    #[arg(long)]
    raw: bool,
}

/// One row to train with.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct Row {
    text: String,
    intent: String,
    sentiment: String,
    source: &'static str,
    predicted_intent: String,
    predicted_sentiment: String,
    intent_confidence: String,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Summary {
    /// Rows with labels of people.
    corrected: usize,
    /// Rows that the model was unsure of.
    unsure: usize,
    /// Messages left out because their text was there already.
    repeated: usize,
}

/// Runs the command.
///
/// # Errors
/// A store that cannot be read, or a file that exists or cannot be written.
pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    if let Some(path) = &options.out {
        refuse_existing(path, global)?;
    }
    let config = app::load_config(global)?;
    let below = options.below.unwrap_or(config.triage.clarify_below);
    let store = open_store_read_only(global)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("starting the runtime")?;
    let (corrections, unsure) = runtime.block_on(async {
        let corrections = store.corrections(None, Timestamp::MAX).await?;
        let unsure = if below > 0.0 { store.unsure_messages(below, options.limit).await? } else { Vec::new() };
        anyhow::Ok((corrections, unsure))
    })?;
    let patterns = runtime.block_on(app::patterns(&config, store.as_ref()))?;
    let (rows, summary) = rows(corrections, &unsure, options.keep_predictions, |text| {
        if options.raw { text.to_owned() } else { without_personal_data(text, &patterns) }
    });
    let csv = csv_of(&HEADER, &rows)?;
    let message = format!(
        "{} corrected messages, {} that the model was unsure of (below {below}); {} with a text that was there already",
        summary.corrected, summary.unsure, summary.repeated
    );
    let mut output = Output::stdout();
    if let Some(path) = &options.out {
        write(path, &csv)?;
        if global.json {
            output.json_pretty(&summary)?;
        } else {
            output.line(message)?;
            output.line(format!("written: {}", path.display()))?;
        }
    } else {
        output.text(String::from_utf8(csv).context("writing the rows")?)?;
        if !global.quiet {
            eprintln!("{message}");
        }
    }
    Ok(())
}

/// With made-up numbers and addresses: nobody writes `[PHONE_1]`, and the model learns what people write.
fn without_personal_data(text: &str, patterns: &IdPatterns) -> String {
    unmask(&Mask::new(patterns.clone(), true).hide(text))
}

fn rows(
    mut corrections: Vec<Correction>,
    unsure: &[ChatMessage],
    keep_predictions: bool,
    shown: impl Fn(&str) -> String,
) -> (Vec<Row>, Summary) {
    let mut summary = Summary::default();
    let mut rows: Vec<Row> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let predicted =
        |label: &Option<String>| if keep_predictions { label.clone().unwrap_or_default() } else { String::new() };
    // Of two corrections of the same text the later one counts.
    corrections.sort_by_key(|one| std::cmp::Reverse(one.at));
    for one in corrections {
        let text = shown(one.text.trim());
        if text.is_empty() {
            continue;
        }
        if let Some(place) = places.get(&text) {
            summary.repeated += 1;
            let row = &mut rows[*place];
            for (cell, label) in [(&mut row.intent, one.intent), (&mut row.sentiment, one.sentiment)] {
                if cell.is_empty() {
                    *cell = label.unwrap_or_default();
                }
            }
            continue;
        }
        places.insert(text.clone(), rows.len());
        rows.push(Row {
            text,
            intent: one.intent.unwrap_or_default(),
            sentiment: one.sentiment.unwrap_or_default(),
            source: "corrected",
            predicted_intent: one.predicted_intent.unwrap_or_default(),
            predicted_sentiment: one.predicted_sentiment.unwrap_or_default(),
            intent_confidence: String::new(),
        });
    }
    if keep_predictions {
        for row in &mut rows {
            for (cell, label) in
                [(&mut row.intent, &row.predicted_intent), (&mut row.sentiment, &row.predicted_sentiment)]
            {
                if cell.is_empty() {
                    cell.clone_from(label);
                }
            }
        }
    }
    summary.corrected = rows.len();
    for message in unsure {
        let text = shown(message.text.trim());
        if text.is_empty() {
            continue;
        }
        if places.contains_key(&text) {
            summary.repeated += 1;
            continue;
        }
        places.insert(text.clone(), rows.len());
        rows.push(Row {
            text,
            intent: predicted(&message.intent),
            sentiment: predicted(&message.sentiment),
            source: "unsure",
            predicted_intent: message.intent.clone().unwrap_or_default(),
            predicted_sentiment: message.sentiment.clone().unwrap_or_default(),
            intent_confidence: message.basis.intent_confidence.map(|share| format!("{share:.4}")).unwrap_or_default(),
        });
    }
    summary.unsure = rows.len() - summary.corrected;
    (rows, summary)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;
    use crate::domain::message::{Basis, Role};

    fn message(text: &str, turn: u64) -> ChatMessage {
        ChatMessage {
            user_id: UserId::new("1"),
            role: Role::User,
            text: text.to_owned(),
            at: Timestamp::UNIX_EPOCH,
            turn,
            intent: Some("other".to_owned()),
            sentiment: Some("neutral".to_owned()),
            response_ms: None,
            basis: Basis { intent_confidence: Some(0.25), ..Basis::default() },
        }
    }

    fn correction(text: &str, second: i64, intent: Option<&str>, sentiment: Option<&str>) -> Correction {
        Correction {
            intent: intent.map(str::to_owned),
            sentiment: sentiment.map(str::to_owned),
            ..Correction::of(&message(text, 1), "operator:a", Timestamp::from_second(second).unwrap())
        }
    }

    fn cells(rows: &[Row]) -> Vec<[&str; 4]> {
        rows.iter().map(|row| [row.text.as_str(), &row.intent, &row.sentiment, row.source]).collect()
    }

    #[test]
    fn each_text_is_there_once_and_the_latest_correction_counts() {
        let corrections = || {
            vec![
                correction("where", 1, Some("track_order"), Some("negative")),
                correction(" where ", 3, Some("report_delivery_delay"), None),
                correction("refund", 2, None, Some("negative")),
            ]
        };
        let unsure = [message("where", 4), message("hm", 5), message("hm", 6), message("  ", 7)];
        let (found, summary) = rows(corrections(), &unsure, false, str::to_owned);
        let expected = [
            ["where", "report_delivery_delay", "negative", "corrected"],
            ["refund", "", "negative", "corrected"],
            ["hm", "", "", "unsure"],
        ];
        assert_eq!(cells(&found), expected);
        assert_eq!(summary, Summary { corrected: 2, unsure: 1, repeated: 3 });
        assert_eq!((found[2].predicted_intent.as_str(), found[2].intent_confidence.as_str()), ("other", "0.2500"));
        let (found, _) = rows(corrections(), &unsure, true, str::to_owned);
        assert_eq!(
            cells(&found)[1..],
            [["refund", "other", "negative", "corrected"], ["hm", "other", "neutral", "unsure"]]
        );
    }

    #[test]
    fn personal_data_is_made_up_and_ids_stay() {
        let shown = without_personal_data("call 98765 43210 or a@b.in about ORD000003", &IdPatterns::default());
        assert_eq!(shown, "call 90000 00001 or someone2@example.com about ORD000003");
    }
}

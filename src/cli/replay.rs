//! Decides whether recorded conversations still come out as they did: replies and tool calls, turn by turn.
//!
//! It must never touch a store that is in use: every session runs in a scratch store of its own.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use serde_json::{Value, json};

use super::output::{Output, visible};
use super::recording::{self, Call, Turn};
use super::{Global, Problem, app};
use crate::agent::Incoming;
use crate::config::Config;
use crate::domain::ids::{QuoteId, UserId};
use crate::domain::words::excerpt;
use crate::inbox::Worker;
use crate::llm::ChatModel;
use crate::nlu::Engine;
use crate::store::Store;
use crate::store::sqlite::SqliteStore;

/// Run recorded conversations again, and show what comes out otherwise than it did
#[derive(Debug, Args)]
#[command(
    after_help = "For checking a new model, prompt or policy before it goes live. Each session runs in a scratch store, at \
        the times on record, with the model that the settings name. Exit code 1 when anything differs.\n\nExamples:\n  \
        ecomres simulate --scenario all --record before.jsonl\n  ecomres replay before.jsonl\n  \
        ecomres replay before.jsonl --calls-only --orders orders.csv --json"
)]
pub struct Options {
    /// Recordings, as `ecomres simulate --record` and `ecomres bot --record` write them
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Orders for the scratch stores [default: the sample orders]
    #[arg(long, value_name = "FILE.csv")]
    orders: Option<PathBuf>,
    /// Compare tool calls only: another model words its replies otherwise
    #[arg(long)]
    calls_only: bool,
    /// Answer with the built-in playbook, even where a language model is set up
    #[arg(long)]
    offline: bool,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    if global.store.is_some() {
        return Err(Problem::with_hint(
            "--store names a store, and a replay works in scratch stores only",
            "leave it out; --orders FILE.csv gives the scratch stores their orders",
        )
        .into());
    }
    let config = app::load_config(global)?;
    let recordings: Vec<(String, Vec<Turn>)> = options
        .files
        .iter()
        .map(|path| Ok((path.display().to_string(), recording::read(path)?)))
        .collect::<Result<_, Problem>>()?;
    let engine = app::load_engine(global, &config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("starting the runtime")?;
    let mut output = Output::stdout();
    let (count, different) = runtime.block_on(async {
        let model = app::chat_model(&config, options.offline).await?;
        let parts = Parts { config, engine, model, options: &options };
        let (mut count, mut different) = (0, 0);
        for (name, turns) in &recordings {
            for session in turns.chunk_by(|one, next| one.session == next.session) {
                let worker = parts.worker().await?;
                for (index, turn) in session.iter().enumerate() {
                    let now = parts.again(&worker, turn).await?;
                    let same = parts.same(turn, &now);
                    count += 1;
                    different += usize::from(!same);
                    if global.json {
                        output.json(&event(name, index + 1, turn, &now, same))?;
                    } else if !same {
                        show(&mut output, name, index + 1, turn, &now)?;
                    }
                }
            }
        }
        anyhow::Ok((count, different))
    })?;
    if different > 0 {
        return Err(Problem::new(format!("{different} of {count} turns came out otherwise")).into());
    }
    if !global.json {
        output.line(format!("{count} turns came out as they did"))?;
    }
    Ok(())
}

struct Parts<'a> {
    config: Config,
    engine: Engine,
    model: Arc<dyn ChatModel>,
    options: &'a Options,
}

impl Parts<'_> {
    async fn worker(&self) -> anyhow::Result<Worker> {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch()?);
        app::load_orders(&store, self.options.orders.as_deref()).await?;
        let toolbox = app::toolbox(&self.config, Arc::clone(&store), Arc::new(self.engine.clone()))?;
        let toolbox = app::bot_tools(&self.config, toolbox, None).await?;
        app::worker(&self.config, store, toolbox, Arc::clone(&self.model))
    }

    /// Runs a turn again, in the form it is kept in.
    async fn again(&self, worker: &Worker, turn: &Turn) -> anyhow::Result<Turn> {
        let user = UserId::new(turn.user.as_str());
        let offered = worker.store().conversation(&user).await?.map(|known| known.offered).unwrap_or_default();
        let quote = |pressed: &str| {
            let offer = offered.iter().find(|offer| offer.order_id.as_str() == pressed);
            offer.map_or_else(|| QuoteId::new(pressed), |offer| offer.quote_id.clone())
        };
        let incoming =
            Incoming { texts: vec![recording::stand_ins(&turn.text)], pressed: turn.pressed.as_deref().map(quote) };
        let report = worker.take_turn(&user, &incoming, turn.at).await?;
        let session = turn.session.as_deref();
        Ok(recording::turn(session, &turn.user, &offered, &incoming, turn.at, &report, &self.config.patterns()?))
    }

    fn same(&self, before: &Turn, now: &Turn) -> bool {
        let calls = |turn: &Turn| turn.tool_calls.iter().map(comparable).collect::<Vec<_>>();
        calls(before) == calls(now) && (self.options.calls_only || before.replies == now.replies)
    }
}

/// A call without what is worded anew each time, or not looked at by the tool.
fn comparable(call: &Call) -> (String, Value) {
    let mut arguments = call.arguments.clone();
    if let Some(fields) = arguments.as_object_mut() {
        for worded in ["reason", "user_id", "last_message", "text"] {
            fields.remove(worded);
        }
    }
    (call.tool.clone(), arguments)
}

fn event(file: &str, number: usize, before: &Turn, now: &Turn, same: bool) -> Value {
    let came = |turn: &Turn| json!({"replies": turn.replies, "tool_calls": turn.tool_calls});
    json!({
        "file": file,
        "session": before.session,
        "turn": number,
        "user": before.user,
        "text": before.text,
        "same": same,
        "before": came(before),
        "now": came(now),
    })
}

fn show(output: &mut Output, file: &str, number: usize, before: &Turn, now: &Turn) -> anyhow::Result<()> {
    let session = before.session.as_deref().map(|session| format!(", {session}")).unwrap_or_default();
    output.line(format!("{file}{session}, turn {number}: {}", visible(&excerpt(&before.text, 120))))?;
    let lines = |turn: &Turn| -> Vec<String> {
        let calls = turn.tool_calls.iter().map(comparable).map(|(tool, arguments)| format!("{tool} {arguments}"));
        let replies = turn.replies.iter().flat_map(|reply| reply.lines()).map(|line| format!("“{line}”"));
        calls.chain(replies).collect()
    };
    let (old, new) = (lines(before), lines(now));
    // What begins and ends alike needs no mark.
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(old, new)| old == new).count();
    let mut put = |mark: char, line: &String| output.line(format!("  {mark} {}", visible(&excerpt(line, 400))));
    old[..start].iter().try_for_each(|line| put(' ', line))?;
    old[start..old.len() - end].iter().try_for_each(|line| put('-', line))?;
    new[start..new.len() - end].iter().try_for_each(|line| put('+', line))?;
    old[old.len() - end..].iter().try_for_each(|line| put(' ', line))?;
    Ok(())
}

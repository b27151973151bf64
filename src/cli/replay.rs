//! `ecomres replay`: runs recorded conversations again, and compares replies and tool calls turn by turn.
//!
//! Every session runs in a scratch store of its own: no store that is in use is touched.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde_json::{Value, json};

use super::output::{Output, visible};
use super::recording::{self, Call, Turn};
use super::{Global, InputError, app};
use crate::agent::Incoming;
use crate::config::Config;
use crate::domain::ids::UserId;
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
        the recorded times, with the model that the settings name. Exit code 1 when anything differs.\n\nExamples:\n  \
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

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    if global.store.is_some() {
        return Err(InputError::with_hint(
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
        .collect::<Result<_, InputError>>()?;
    let engine = app::load_engine(global, &config)?;
    let runtime = app::small_runtime()?;
    let mut output = Output::stdout();
    let (count, different) = runtime.block_on(async {
        let model = app::chat_model(&config, options.offline).await?;
        let replay = Replay { global, config, engine, model, options };
        let (mut count, mut different) = (0, 0);
        for (name, turns) in &recordings {
            for session in turns.chunk_by(|one, next| one.session == next.session) {
                let worker = replay.worker().await?;
                for (index, turn) in session.iter().enumerate() {
                    let now = replay.run_turn(&worker, turn).await?;
                    let same = replay.same(turn, &now);
                    count += 1;
                    different += usize::from(!same);
                    if global.json {
                        output.json(&event(name, index + 1, turn, &now, same))?;
                    } else if !same {
                        print_difference(&mut output, name, index + 1, turn, &now)?;
                    }
                }
            }
        }
        anyhow::Ok((count, different))
    })?;
    if different > 0 {
        return Err(InputError::new(format!("{different} of {count} turns came out otherwise")).into());
    }
    if !global.json {
        output.line(format!("{count} turns came out as they did"))?;
    }
    Ok(())
}

struct Replay<'a> {
    global: &'a Global,
    config: Config,
    engine: Engine,
    model: Arc<dyn ChatModel>,
    options: &'a Options,
}

impl Replay<'_> {
    async fn worker(&self) -> anyhow::Result<Worker> {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch()?);
        app::load_orders(&store, self.options.orders.as_deref(), &self.config).await?;
        let toolbox = app::toolbox(self.global, &self.config, Arc::clone(&store), Arc::new(self.engine.clone()))?;
        let toolbox = app::bot_tools(self.global, &self.config, toolbox, None, app::TOOLS_TIMEOUT).await?;
        app::worker(&self.config, store, toolbox, Arc::clone(&self.model))
    }

    /// Runs a turn again, and returns it as it is recorded.
    async fn run_turn(&self, worker: &Worker, turn: &Turn) -> anyhow::Result<Turn> {
        let user = UserId::new(turn.user.as_str());
        let offered = worker.store().conversation(&user).await?.map(|known| known.offered).unwrap_or_default();
        let pressed = turn.pressed.as_deref().map(|pressed| recording::press(pressed, &offered));
        let incoming = Incoming { pressed, ..Incoming::typed(recording::unmask(&turn.text)) };
        let report = worker.take_turn(&user, &incoming, turn.at).await?;
        let session = turn.session.as_deref();
        Ok(recording::turn(session, &turn.user, &offered, &incoming, turn.at, &report))
    }

    fn same(&self, before: &Turn, now: &Turn) -> bool {
        let calls = |turn: &Turn| turn.tool_calls.iter().map(comparable).collect::<Vec<_>>();
        calls(before) == calls(now) && (self.options.calls_only || before.replies == now.replies)
    }
}

/// A call without the arguments that are worded differently each time, or ignored by the tool.
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
    let outcome = |turn: &Turn| json!({"replies": turn.replies, "tool_calls": turn.tool_calls});
    json!({
        "file": file,
        "session": before.session,
        "turn": number,
        "user": before.user,
        "text": before.text,
        "same": same,
        "before": outcome(before),
        "now": outcome(now),
    })
}

fn print_difference(output: &mut Output, file: &str, number: usize, before: &Turn, now: &Turn) -> anyhow::Result<()> {
    let session = before.session.as_deref().map(|session| format!(", {session}")).unwrap_or_default();
    output.line(format!("{file}{session}, turn {number}: {}", visible(&excerpt(&before.text, 120))))?;
    let lines = |turn: &Turn| -> Vec<String> {
        let calls = turn.tool_calls.iter().map(comparable).map(|(tool, arguments)| format!("{tool} {arguments}"));
        let replies = turn.replies.iter().flat_map(|reply| reply.lines()).map(|line| format!("“{line}”"));
        calls.chain(replies).collect()
    };
    let (old, new) = (lines(before), lines(now));
    // Equal lines at the beginning and at the end are shown without a sign.
    let start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(old, new)| old == new).count();
    let mut put = |sign: char, line: &String| output.line(format!("  {sign} {}", visible(&excerpt(line, 400))));
    old[..start].iter().try_for_each(|line| put(' ', line))?;
    old[start..old.len() - end].iter().try_for_each(|line| put('-', line))?;
    new[start..new.len() - end].iter().try_for_each(|line| put('+', line))?;
    old[old.len() - end..].iter().try_for_each(|line| put(' ', line))?;
    Ok(())
}

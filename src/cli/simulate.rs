//! `ecomres simulate`: conversations without WhatsApp, from a scenario, a script or the keyboard.
//!
//! It must never answer by itself: every message takes the same path as a customer's.

use std::io::{BufRead, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use clap::{ArgGroup, Args};
use serde_json::{Value, json};

use super::app;
use super::chat::{Chat, Heard};
use super::output::{Output, visible};
use super::recording::Recorder;
use super::scenarios::{CLOCK_HINT, Line, Scenario, read_line};
use super::{Global, InputError};
use crate::agent::TurnReport;
use crate::config::Config;
use crate::domain::conversation::{Mode, TriageCause};
use crate::domain::ids::UserId;
use crate::domain::words::excerpt;
use crate::llm::ChatModel;
use crate::nlu::Engine;
use crate::store::sqlite::SqliteStore;
use crate::store::{self, AuditKeySource, Store, StoreError};

/// Hold a conversation with the bot: a ready scenario, a script, or you
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("source").required(true).args(["scenario", "script", "interactive"]),
    after_help = "Works in a scratch store that is gone afterwards, unless --store names one: with the orders of ecomres.db where some were \
        imported and you write yourself, else with sample orders.\n\n\
        Examples:\n  ecomres simulate --scenario refund\n  ecomres simulate --scenario refund --orders orders.csv\n  \
        ecomres simulate --script messages.txt --json\n  ecomres simulate --interactive --store ecomres.db --user-id 919876543210\n\n\
        A script holds one customer message a line; `+25h` at the start of a line moves the clock first (s, m, h, d), \
        and lines that start with “# ” are remarks; --script - reads standard input."
)]
pub struct Options {
    /// A ready conversation
    #[arg(long, value_enum)]
    scenario: Option<Scenario>,
    /// A file of customer messages, one a line; - reads standard input
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Write the messages yourself; end with Ctrl-D
    #[arg(long)]
    interactive: bool,
    /// Who writes, as WhatsApp would name them; orders with a telephone number answer to that number only
    #[arg(long, value_name = "ID", default_value = "simulated-customer")]
    user_id: String,
    /// Orders for the scratch store [default: the sample orders]
    #[arg(long, value_name = "FILE.csv")]
    orders: Option<PathBuf>,
    #[expect(clippy::doc_markdown, reason = "the text is the help of the flag")]
    /// Call the tools of another server instead of this program's: http://HOST:8001/mcp, or a command that starts one
    #[arg(long, value_name = "TARGET")]
    tools: Option<String>,
    /// Answer with the built-in playbook, even where a language model is set up
    #[arg(long)]
    offline: bool,
    /// Keep the conversation in a new file, without personal data, for `ecomres replay`
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
}

#[expect(clippy::needless_pass_by_value, reason = "every command takes its options by value")]
pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    if options.user_id.trim().is_empty() {
        return Err(InputError::with_hint(
            "--user-id is empty",
            "give any name or number, such as --user-id 919876543210",
        )
        .into());
    }
    if global.store.is_some() && options.orders.is_some() {
        return Err(InputError::with_hint(
            "--orders is for the scratch store, and --store names another",
            "load the orders first: ecomres import FILE.csv --store PATH",
        )
        .into());
    }
    if let (Some(store), Some(Scenario::All)) = (&global.store, options.scenario) {
        return Err(InputError::with_hint(
            "--scenario all gives each conversation a store of its own, and --store names one for all",
            format!("leave --store out, or hold one conversation: ecomres simulate --scenario refund --store {store}"),
        )
        .into());
    }
    let config = app::load_config(global)?;
    let script = options.script.as_deref().map(read_script).transpose()?;
    let engine = app::load_engine(global, &config)?;
    let runtime = app::small_runtime()?;
    let orders = options.orders.as_deref();
    let model = runtime.block_on(app::chat_model(&config, options.offline))?;
    let mut recorder =
        options.record.as_deref().map(|path| Recorder::create(path).map_err(anyhow::Error::from)).transpose()?;
    let scripted = script.is_some();
    let setup = Setup { config, engine, model, global, orders, tools: options.tools.as_deref(), scripted };
    let user = UserId::new(options.user_id.trim());
    let mut output = Output::stdout();
    runtime.block_on(async {
        if let Some(scenario) = options.scenario {
            let scripts = scenario.expand();
            for (name, script) in &scripts {
                // Each scenario has a store of its own, so that none sees what another did to an order.
                let mut session = setup.session(user.clone(), Some(name)).await?;
                if scripts.len() > 1 && !global.json {
                    output.line(format!("── {name} ──"))?;
                }
                session.run_script(&mut output, &mut recorder, read_lines(name, script)?).await?;
                if scripts.len() > 1 && !global.json {
                    output.line("")?;
                }
            }
            return Ok(());
        }
        let mut session = setup.session(user, None).await?;
        match script {
            Some(lines) => session.run_script(&mut output, &mut recorder, lines).await,
            None => session.interact(&mut output, &mut recorder).await,
        }
    })
}

fn read_script(path: &Path) -> anyhow::Result<Vec<Line>> {
    let hint = "a script is a UTF-8 text file with one customer message a line";
    let (name, bytes) = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        ("standard input".to_owned(), std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes))
    } else {
        (path.display().to_string(), std::fs::read(path))
    };
    let bytes =
        bytes.map_err(|error| InputError::with_hint(format!("the script {name} cannot be read: {error}"), hint))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let line = valid.matches('\n').count() + 1;
        InputError::with_hint(format!("{name}:{line}: this line is not UTF-8"), hint)
    })?;
    let lines = read_lines(&name, text.trim_start_matches('\u{feff}'))?;
    if lines.is_empty() {
        return Err(InputError::with_hint(format!("the script {name} holds no message"), hint).into());
    }
    Ok(lines)
}

fn read_lines(name: &str, text: &str) -> Result<Vec<Line>, InputError> {
    let lines = text.lines().enumerate().filter_map(|(index, line)| {
        read_line(line)
            .map_err(|reason| InputError::with_hint(format!("{name}:{}: {reason}", index + 1), CLOCK_HINT))
            .transpose()
    });
    lines.collect()
}

struct Setup<'a> {
    config: Config,
    engine: Engine,
    model: Arc<dyn ChatModel>,
    global: &'a Global,
    orders: Option<&'a Path>,
    tools: Option<&'a str>,
    /// Whether the customer's lines are read from a file.
    scripted: bool,
}

impl Setup<'_> {
    /// The store that `--store` names. A copy of a store mostly comes without the key that lies beside the store: trying
    /// something out in it does not ask for that key, and the trail says from where on another one signs.
    fn named_store(&self, location: &str) -> anyhow::Result<Arc<dyn Store>> {
        let settings = app::server_settings(&self.config);
        match app::open_existing_store(location, &settings) {
            Err(StoreError::OtherKey { .. }) if matches!(settings.audit_key, AuditKeySource::BesideTheStore) => {
                if !self.global.quiet {
                    eprintln!("{location} is here without the key of its audit trail: a new key signs from now on");
                }
                Ok(store::begin_signing(location, &settings)?)
            }
            opened => Ok(opened?),
        }
    }

    /// For a conversation that somebody holds: the shop's own orders, in a scratch store, where some were imported.
    async fn own_orders(&self, scenario: Option<&'static str>) -> anyhow::Result<Option<Arc<dyn Store>>> {
        if scenario.is_some() || self.scripted || self.orders.is_some() {
            return Ok(None);
        }
        let location = &self.config.store.location;
        let Some(path) = crate::store::file_path(location)?.filter(|path| path.exists()) else { return Ok(None) };
        let store: Arc<dyn Store> = match SqliteStore::scratch_with_orders_of(path) {
            Ok(store) => Arc::new(store),
            Err(error) => {
                tracing::warn!(%error, "the sample orders are used");
                return Ok(None);
            }
        };
        let orders = store.count_orders().await?;
        if orders > 0 && !self.global.quiet && !self.global.json {
            let orders = super::import::counted(orders, "order");
            eprintln!("{orders} of {location}, in a scratch store: nothing that is said here changes {location}");
        }
        Ok((orders > 0).then_some(store))
    }

    async fn session(&self, user: UserId, scenario: Option<&'static str>) -> anyhow::Result<Session> {
        let store: Arc<dyn Store> = if let Some(location) = &self.global.store {
            let store = self.named_store(location)?;
            if store.count_orders().await? == 0 && self.tools.is_none() {
                let location = crate::store::display_location(location);
                return Err(InputError::with_hint(
                    format!("the store {location} holds no orders"),
                    format!("ecomres import FILE.csv --store {location}"),
                )
                .into());
            }
            store
        } else if let Some(store) = self.own_orders(scenario).await? {
            store
        } else {
            let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch()?);
            app::load_orders(&store, self.orders, &self.config).await?;
            store
        };
        let toolbox = app::toolbox(self.global, &self.config, Arc::clone(&store), Arc::new(self.engine.clone()))?;
        let toolbox = app::bot_tools(self.global, &self.config, toolbox, self.tools, app::TOOLS_TIMEOUT).await?;
        let worker = app::worker(&self.config, Arc::clone(&store), toolbox, Arc::clone(&self.model))?.without_photos();
        let chat = Chat::new(&store, worker, user);
        Ok(Session { chat, scenario, json: self.global.json, verbose: !self.global.quiet })
    }
}

struct Session {
    chat: Chat,
    scenario: Option<&'static str>,
    json: bool,
    verbose: bool,
}

impl Session {
    async fn run_script(
        &mut self,
        output: &mut Output,
        recorder: &mut Option<Recorder>,
        lines: impl IntoIterator<Item = Line>,
    ) -> anyhow::Result<()> {
        for line in lines {
            self.run_line(output, recorder, line, true).await?;
        }
        Ok(())
    }

    async fn interact(&mut self, output: &mut Output, recorder: &mut Option<Recorder>) -> anyhow::Result<()> {
        let prompt = std::io::stdin().is_terminal();
        if prompt {
            eprintln!("Write as a customer would; Ctrl-D ends the conversation, +25h moves the clock.");
        }
        let mut stdin = std::io::stdin().lock();
        let mut bytes = Vec::new();
        let mut number = 0;
        loop {
            if prompt {
                eprint!("you: ");
            }
            bytes.clear();
            if stdin.read_until(b'\n', &mut bytes).context("reading standard input")? == 0 {
                return Ok(());
            }
            number += 1;
            match read_line(&String::from_utf8_lossy(&bytes)) {
                Ok(None) => {}
                Ok(Some(line)) => {
                    self.run_line(output, recorder, line, !prompt).await?;
                    output.flush()?;
                }
                Err(reason) if prompt => eprintln!("{}: {CLOCK_HINT}", visible(&reason)),
                Err(reason) => {
                    return Err(InputError::with_hint(format!("standard input:{number}: {reason}"), CLOCK_HINT).into());
                }
            }
        }
    }

    async fn run_line(
        &mut self,
        output: &mut Output,
        recorder: &mut Option<Recorder>,
        line: Line,
        echo: bool,
    ) -> anyhow::Result<()> {
        let Some(heard) = self.chat.say(&line).await? else { return Ok(()) };
        if let Some(recorder) = recorder {
            recorder.add(self.scenario, self.chat.user(), &heard.incoming, heard.now, &heard.report)?;
        }
        if self.json {
            output.json(&self.event(&line, &heard))?;
            return Ok(());
        }
        if !line.later.is_zero() {
            output.line(format!("      ({:#} later)", line.later))?;
        }
        if echo {
            output.line(format!("you:  {}", visible(&excerpt(&line.text, 500))))?;
        }
        if self.verbose {
            for detail in details(&heard.report, heard.milliseconds) {
                output.line(format!("      · {}", visible(&detail)))?;
            }
        }
        for message in &heard.sent {
            output.line(format!("bot:  {}", visible(message.body.text()).replace('\n', "\n      ")))?;
        }
        if heard.sent.is_empty() {
            output.line("      (the bot is silent: a person has been asked to answer)")?;
        }
        Ok(())
    }

    fn event(&self, line: &Line, heard: &Heard) -> Value {
        let report = &heard.report;
        let conversation = &report.conversation;
        let triage = report.triage.as_ref().map(|triage| {
            json!({
                "intent": triage.intent,
                "intent_confidence": four_decimals(triage.intent_confidence),
                "sentiment": triage.sentiment,
                "sentiment_confidence": four_decimals(triage.sentiment_confidence),
                "cached": report.cause == TriageCause::Cached || matches!(conversation.mode, Mode::HandedOver { .. }) && report.reply.is_none(),
                "cause": report.cause,
            })
        });
        json!({
            "scenario": self.scenario,
            "user_id": self.chat.user(),
            "turn": conversation.turn,
            "at": heard.now.to_string(),
            "message": line.text,
            "triage": triage,
            "tools": report.calls,
            "reply": report.reply,
            "guard": report.guard,
            "context": {
                "mode": conversation.mode,
                "waiting_for": conversation.waiting_for,
                "pending": conversation.pending,
                "order_ids": conversation.order_ids,
                "offered": conversation.offered,
                "failures": conversation.failures,
            },
            "milliseconds": (heard.milliseconds * 10.0).round() / 10.0,
        })
    }
}

/// Triage, tool calls, guard and time of a turn, one line each.
fn details(report: &TurnReport, milliseconds: f64) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(triage), Some(_)) = (&report.triage, &report.reply) {
        let why = match report.cause {
            TriageCause::FirstMessage => "read: first message",
            TriageCause::Gap => "read: after a long gap",
            TriageCause::TopicChange => "read: the subject may have changed",
            TriageCause::Cached => "cached",
        };
        lines.push(format!(
            "{} {:.0} %, {} {:.0} % ({why})",
            triage.intent,
            triage.intent_confidence * 100.0,
            triage.sentiment,
            triage.sentiment_confidence * 100.0,
        ));
    }
    for call in &report.calls {
        lines.push(format!(
            "{} {} → {}",
            call.tool,
            excerpt(&call.arguments.to_string(), 100),
            excerpt(&call.result.to_string(), 220)
        ));
    }
    if let Some(guard) = report.guard {
        lines.push(format!("a reply was held back: {guard}"));
    }
    lines.push(format!("{milliseconds:.0} ms"));
    lines
}

fn four_decimals(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

//! Decides how the bot is started: which parts it is made of, where it listens, and how it ends.
//!
//! It must never serve webhooks that nobody signed unless it was told to in so many words.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use async_trait::async_trait;
use axum::Router;
use clap::Args;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use super::mcp::{open_store, stop_on_signal};
use super::recording::Journal;
use super::{Global, Problem, app};
use crate::bot::{
    ChannelPart, Intake, Mail, Notifier, NotifyError, Part, Post, Server, ServerSettings, StorePart, Way, routes, serve,
};
use crate::channels::Channel;
use crate::channels::whatsapp::{Limits, Settings, Template, WhatsApp};
use crate::config::{AlertsConfig, Config, WhatsAppConfig};
use crate::inbox::{Pool, PoolSettings, Witness, system_clock};
use crate::mcp::http::listen;
use crate::nlu::Classifier;
use crate::store::{Patience, Store};
use crate::telemetry::metric;
use crate::tools::Toolbox;
use crate::web;

/// How often the bot looks for what fell due: bursts end at odd moments.
const POLL: Duration = Duration::from_millis(50);
/// How long replies are still sent after the last turn has ended.
const LONGEST_DRAIN: Duration = Duration::from_secs(15);

/// Answer customers on WhatsApp: takes webhooks in, works turns off, sends replies
#[derive(Debug, Args)]
#[group(skip)]
#[command(
    after_help = "Needs VERIFY_TOKEN, APP_SECRET, ACCESS_TOKEN and PHONE_ID in .env or the environment. Meta reaches it over HTTPS \
    only:\nput a proxy or a tunnel in front, and enter https://YOUR-HOST/webhook as the callback address of the app, with the \
    field “messages”\n(and “smb_message_echoes” where people also answer from the business app).\n\n\
    Served: /webhook and / (webhooks), /healthz, /readyz, /metrics. Ctrl-C or SIGTERM ends it: requests, turns and replies \
    that were\nbegun are finished; what waits is kept for the next start.\n\n\
    Examples:\n  ecomres bot --store shop.db\n  ecomres bot --bind 0.0.0.0 --port 8000\n  ecomres bot --record turns            # then: ecomres replay turns/*.jsonl\n  \
    ecomres bot --insecure-webhook        # to try it out without APP_SECRET"
)]
pub struct Options {
    #[command(flatten)]
    pub(super) listen: Listen,
    /// Call the tools of another server instead of this program's: http://HOST:8001/mcp, or a command that starts one
    #[arg(long, value_name = "TARGET")]
    pub(super) tools: Option<String>,
    /// Answer with the built-in playbook only, whatever GROQ_API_KEY says
    #[arg(long)]
    pub(super) offline: bool,
    /// Keep every turn in a new file in this folder, without personal data, for `ecomres replay`
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
}

/// Where it listens, and to whom.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Listen {
    /// The address to listen at; 0.0.0.0 for all of this machine's
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) bind: IpAddr,
    /// The port to listen at; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub(super) port: u16,
    /// Take webhooks that nobody signed: whoever reaches the address can then write as any customer
    #[arg(long)]
    pub(super) insecure_webhook: bool,
}

pub(super) fn run(options: Options, global: &Global) -> anyhow::Result<()> {
    start(&options, global, |_, _, _, _| Ok(Beside { routes: Router::new(), dashboard: None }))
}

/// What is served besides the bot.
pub(super) struct Beside {
    /// At the same address.
    pub(super) routes: Router,
    /// The dashboard, at its own.
    pub(super) dashboard: Option<(SocketAddr, Router)>,
}

/// Starts the bot, with what else is served, and works until it is told to end.
pub(super) fn start(
    options: &Options,
    global: &Global,
    beside: impl Fn(&Config, &Arc<dyn Store>, &Toolbox, &CancellationToken) -> anyhow::Result<Beside>,
) -> anyhow::Result<()> {
    let config = app::load_config(global)?;
    check(&config.whatsapp, options.listen.insecure_webhook)?;
    let say = |line: String| {
        if !global.quiet {
            eprintln!("{line}");
        }
    };
    if options.listen.insecure_webhook && config.whatsapp.app_secret.expose_secret().is_empty() {
        eprintln!("warning: webhooks are not checked: whoever reaches the address can write as any customer");
    }
    let ways = ways(&config.alerts)?;
    let figures = metric::start();
    let begun = Instant::now();
    let engine = app::live_engine(global, &config)?;
    say(format!("model loaded in {} ms", begun.elapsed().as_millis()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        let store = open_store(global, &config)?;
        let location = app::store_location(global, &config);
        match store.count_orders().await? {
            0 => eprintln!("warning: the store holds no orders; ecomres import FILE.csv --store {location}"),
            orders => say(format!("database connected: {orders} orders")),
        }
        let clock = system_clock();
        let channel: Arc<dyn Channel> =
            Arc::new(WhatsApp::new(channel_settings(&config.whatsapp), Arc::clone(&clock))?);
        let toolbox = app::toolbox(&config, Arc::clone(&store), Arc::clone(&engine) as Arc<dyn Classifier>)?;
        let stop = stop_on_signal();
        let others = beside(&config, &store, &toolbox, &stop)?;
        let toolbox = app::bot_tools(&config, toolbox, options.tools.as_deref()).await?;
        let model = app::chat_model(&config, options.offline).await?;
        let worker = app::worker(&config, Arc::clone(&store), toolbox, model)?;
        let journal = match &options.record {
            Some(folder) => Some(Arc::new(Journal::begin(folder, config.patterns()?)?)),
            None => None,
        };
        let worker = match &journal {
            Some(journal) => worker.with_witness(Arc::clone(journal) as Arc<dyn Witness>),
            None => worker,
        };
        let pool = Pool::of(worker, &channel, pool_settings(&config.whatsapp), Arc::clone(&clock));
        let pool = pool.with_retention(config.retention.keep_for());
        let secret = Some(config.whatsapp.app_secret.clone()).filter(|secret| !secret.expose_secret().is_empty());
        let parts: Vec<Arc<dyn Part>> =
            vec![Arc::new(StorePart(Arc::clone(&store))), Arc::new(ModelPart(engine)), Arc::new(ChannelPart(channel))];
        let server = Server::new(ServerSettings {
            store: Arc::clone(&store),
            intake: Intake::new(Arc::clone(&store), pool.sender().clone(), patience(&config.whatsapp)),
            app_secret: secret,
            verify_token: config.whatsapp.verify_token.clone(),
            parts,
            figures,
            clock: Arc::clone(&clock),
            stop: stop.clone(),
        });
        let listener = listen(SocketAddr::new(options.listen.bind, options.listen.port)).await?;
        let address = listener.local_addr().context("reading the address")?;
        let notifier = Notifier::new(Arc::clone(&store), ways, Arc::clone(&clock));
        let dashboard = match others.dashboard {
            Some((at, pages)) => Some((listen(at).await?, pages)),
            None => None,
        };
        if let Some((listener, _)) = &dashboard {
            say(format!("dashboard at http://{}/", listener.local_addr().context("reading the address")?));
        }
        say(format!("bot listening at http://{address}/webhook"));
        let shown = async {
            match dashboard {
                Some((listener, pages)) => web::serve(pages, listener, stop.clone()).await,
                None => Ok(()),
            }
        };
        let app = routes(server).merge(others.routes);
        let (served, (), (), shown) =
            tokio::join!(serve(app, listener, stop.clone()), pool.run(stop.clone()), notifier.run(stop.clone()), shown);
        if let Some(left_out) = journal.map(|journal| journal.end()).filter(|left_out| *left_out > 0) {
            eprintln!(
                "warning: {left_out} turns are not in the recording: they came faster than they could be written"
            );
        }
        served.context("serving webhooks")?;
        shown.context("serving the dashboard")?;
        // The last turns put their replies into the outbox after sending had ended.
        match tokio::time::timeout(LONGEST_DRAIN, pool.sender().drain(None, &clock)).await {
            Ok(sent) => say(format!("ended; {} replies were sent at the end", sent?)),
            Err(_) => eprintln!("warning: some replies were not sent in time; they are sent after the next start"),
        }
        Ok(())
    })
}

/// Checks that the bot can work, and that nobody else can speak for Meta.
fn check(settings: &WhatsAppConfig, insecure: bool) -> Result<(), Problem> {
    let empty = |secret: &SecretString| secret.expose_secret().is_empty();
    let required = [
        ("VERIFY_TOKEN", empty(&settings.verify_token)),
        ("ACCESS_TOKEN", empty(&settings.access_token)),
        ("PHONE_ID", settings.phone_id.is_empty()),
    ];
    let missing: Vec<&str> = required.into_iter().filter_map(|(name, missing)| missing.then_some(name)).collect();
    if empty(&settings.app_secret) && !insecure {
        return Err(Problem::with_hint(
            "APP_SECRET is not set, so nobody could tell Meta's webhooks from anybody else's",
            "copy it from the app's basic settings into .env; to try the bot out without it: --insecure-webhook",
        ));
    }
    if !missing.is_empty() {
        return Err(Problem::with_hint(
            format!("{} {} not set", missing.join(", "), if missing.len() == 1 { "is" } else { "are" }),
            format!(
                "{}=… in .env: the app's page “WhatsApp > API setup” shows them, VERIFY_TOKEN is your own choice",
                missing[0]
            ),
        ));
    }
    if settings.phone_id.contains(|c: char| !c.is_ascii_alphanumeric()) {
        return Err(Problem::with_hint(
            "PHONE_ID is not the identifier of a number",
            "it is the “Phone number ID” of the page “WhatsApp > API setup”, not the number itself",
        ));
    }
    Ok(())
}

fn channel_settings(settings: &WhatsAppConfig) -> Settings {
    let template = settings.template.trim();
    Settings {
        base_url: settings.graph_url.trim().to_owned(),
        version: settings.graph_version.trim().to_owned(),
        phone_id: settings.phone_id.clone(),
        token: settings.access_token.clone(),
        template: (!template.is_empty())
            .then(|| Template { name: template.to_owned(), language: settings.template_language.trim().to_owned() }),
        limits: Limits {
            per_second: settings.messages_per_second.into(),
            pair_burst: settings.pair_burst.into(),
            ..Limits::default()
        },
    }
}

fn pool_settings(settings: &WhatsAppConfig) -> PoolSettings {
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    PoolSettings {
        turns: count(settings.turns_at_once),
        sends: count(settings.sends_at_once),
        lease: SignedDuration::from_secs(settings.lease_seconds.into()),
        poll: POLL,
        ..PoolSettings::default()
    }
}

/// How the team hears of new alerts.
fn ways(settings: &AlertsConfig) -> Result<Vec<Box<dyn Way>>, NotifyError> {
    let mut ways: Vec<Box<dyn Way>> = Vec::new();
    let url = settings.webhook_url.trim();
    if !url.is_empty() {
        ways.push(Box::new(Post::new(url)?));
    }
    let server = settings.smtp_url.expose_secret();
    if !server.trim().is_empty() {
        ways.push(Box::new(Mail::new(server, &settings.mail_from, &settings.mail_to)?));
    }
    Ok(ways)
}

fn patience(settings: &WhatsAppConfig) -> Patience {
    let quiet = SignedDuration::from_millis(settings.burst_ms.into());
    Patience { quiet, longest: SignedDuration::from_millis(settings.burst_longest_ms.into()).max(quiet) }
}

/// The intent and sentiment model, as a part.
struct ModelPart(Arc<dyn Classifier>);

#[async_trait]
impl Part for ModelPart {
    fn name(&self) -> &'static str {
        "model"
    }

    async fn trouble(&self) -> Option<String> {
        self.0.classify("hello").await.err().map(|error| error.to_string())
    }
}

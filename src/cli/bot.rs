//! `ecomres bot`: builds the bot from the settings, serves it, and ends it in order.
//!
//! Webhooks without a signature are only accepted with `--insecure-webhook`.

use std::io;
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
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::anchor::Anchor;
use super::mcp::open_store;
use super::recording::Journal;
use super::{Global, InputError, app};
use crate::bot::{
    self, AlertNotifier, AlertSink, ChannelCheck, DiskCheck, HealthCheck, Intake, MailSink, NotifyError, Server,
    ServerSettings, StoreCheck, WebhookSink, metrics_routes, routes,
};
use crate::channels::Channel;
use crate::channels::whatsapp::{FileSource, GraphMedia, RateLimits, Settings, Template, WhatsApp};
use crate::config::{AlertsConfig, Config, MetricsConfig, WhatsAppConfig};
use crate::domain::words::excerpt;
use crate::http::connections::Connections;
use crate::http::host::is_local;
use crate::http::serve::{listen, serve_within};
use crate::http::shutdown;
use crate::inbox::{Clock, Pool, PoolSettings, TurnObserver, system_clock};
use crate::llm::transcriber::Transcriber;
use crate::media::{self, MediaJob};
use crate::nlu::Classifier;
use crate::orders_api::{self, OrdersLock, OrdersServer, OrdersSettings, ShopContext};
use crate::refunds::{self, Confirmations};
use crate::store::{self, Debounce, Store, StoreError};
use crate::telemetry::metric;
use crate::tools::Toolbox;
use crate::web;

/// How often the bot polls for due conversations: bursts of messages end at any time.
const POLL: Duration = Duration::from_millis(50);
/// Files of customers that are fetched at once, and how often they are looked for.
const MEDIA_AT_ONCE: usize = 4;
const MEDIA_POLL: Duration = Duration::from_millis(250);
/// How long replies are still sent after the last turn has ended.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(15);

/// Answer customers on WhatsApp: receives webhooks, processes turns, sends replies
#[derive(Debug, Args)]
#[group(skip)]
#[expect(clippy::doc_markdown, reason = "clap shows these comments as help")]
#[command(
    after_help = "Needs VERIFY_TOKEN, APP_SECRET, ACCESS_TOKEN and PHONE_ID in .env or the environment. Meta reaches it over HTTPS \
    only:\nput a proxy or a tunnel in front, and enter https://YOUR-HOST/webhook as the callback address of the app, with the \
    field “messages”\n(and “smb_message_echoes” where people also answer from the business app, “user_preferences” for opt-outs in WhatsApp).\n\n\
    Served: /webhook and / (webhooks), /orders (live orders: with [orders] token or a secret of Shopify or WooCommerce), /refunds/…\n(confirmations of refunds, with [refund.webhook]), /healthz, /readyz, and /metrics with [metrics] token or at [metrics] listen. Ctrl-C or SIGTERM ends it: requests, turns and replies \
    that were\nbegun are finished; what waits is stored for the next start.\n\n\
    Examples:\n  ecomres bot --store shop.db\n  ecomres bot --bind 0.0.0.0 --port 8000\n  ecomres bot --record turns            # then: ecomres replay turns/*.jsonl\n  \
    ecomres bot --insecure-webhook        # without APP_SECRET; the other three are needed all the same"
)]
pub struct Options {
    #[command(flatten)]
    pub(super) listen: Listen,
    /// Call the tools of another server instead of this program's: http://HOST:8001/mcp, or a command that starts one
    #[arg(long, value_name = "TARGET")]
    pub(super) tools: Option<String>,
    /// Answer with the built-in playbook only, and send recordings and photos to nobody, whatever GROQ_API_KEY says
    #[arg(long)]
    pub(super) offline: bool,
    /// Record every turn in a new file in this folder, without personal data, for `ecomres replay`
    #[arg(long, value_name = "DIR")]
    pub(super) record: Option<PathBuf>,
}

/// The address, and which webhooks are accepted.
#[derive(Debug, Clone, Args)]
#[group(skip)]
pub(super) struct Listen {
    /// The address to listen at; 0.0.0.0 for all of this machine's
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(super) bind: IpAddr,
    /// The port to listen at; 0 for any free one
    #[arg(long, value_name = "PORT", default_value_t = 8000)]
    pub(super) port: u16,
    /// Accept webhooks without a signature: whoever reaches the address can then write as any customer
    #[arg(long)]
    pub(super) insecure_webhook: bool,
}

pub(super) fn run(options: &Options, global: &Global) -> anyhow::Result<()> {
    start(options, global, |_, _, _, _| Ok(AdditionalServices { routes: Router::new(), dashboard: None }))
}

/// What is served together with the bot.
pub(super) struct AdditionalServices {
    /// At the same address.
    pub(super) routes: Router,
    /// The dashboard, at its own.
    pub(super) dashboard: Option<(SocketAddr, Router)>,
}

/// What is served at an address of its own beside the webhooks.
struct Beside {
    listener: TcpListener,
    address: SocketAddr,
    app: Router,
    grace: Duration,
}

impl Beside {
    async fn listen(at: Option<(SocketAddr, Router)>, grace: Duration) -> anyhow::Result<Option<Self>> {
        let Some((at, app)) = at else { return Ok(None) };
        let listener = listen(at).await?;
        let address = listener.local_addr().context("reading the address")?;
        Ok(Some(Self { listener, address, app, grace }))
    }

    async fn serve(beside: Option<Self>, connections: &Arc<Connections>, stop: &CancellationToken) -> io::Result<()> {
        match beside {
            Some(beside) => serve_within(connections, beside.app, beside.listener, stop.clone(), beside.grace).await,
            None => Ok(()),
        }
    }
}

/// Starts the bot, with what is served together with it, and works until a signal.
#[expect(clippy::too_many_lines, reason = "everything that runs beside each other, started in one place")]
pub(super) fn start(
    options: &Options,
    global: &Global,
    companions: impl FnOnce(&Config, &Arc<dyn Store>, &Toolbox, &CancellationToken) -> anyhow::Result<AdditionalServices>,
) -> anyhow::Result<()> {
    let config = app::load_served_config(global)?;
    check_and_warn(&config, options)?;
    let say = |line: String| {
        if !global.quiet {
            eprintln!("{line}");
        }
    };
    let sinks = sinks(&config.alerts)?;
    let metrics_address = metrics_address(&config.metrics)?;
    let connections = app::connections(&config)?;
    let metrics = metric::start();
    let begun = Instant::now();
    let engine = app::reloading_engine(global, &config)?;
    say(format!("model loaded in {} ms", begun.elapsed().as_millis()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the runtime")?;
    runtime.block_on(async {
        let store = match open_store(global, &config) {
            Err(error) if begins_without_orders(&config, &error) => {
                let location = app::store_location(global, &config);
                say(format!(
                    "the store {} is new: its orders come over POST /orders",
                    store::display_location(location)
                ));
                store::open_with(location, &app::server_settings(&config))?
            }
            opened => opened?,
        };
        store::own_media_folder(store.as_ref()).await?;
        let location = store::display_location(app::store_location(global, &config));
        match store.count_orders().await? {
            0 => eprintln!("warning: the store holds no orders; ecomres import FILE.csv --store {location}"),
            orders => say(format!("database connected: {orders} orders")),
        }
        let clock = system_clock();
        let files = store.media_folder().cloned().map(|folder| {
            let source: FileSource = Arc::new(move |digest: &str| folder.read(digest));
            source
        });
        let channel = WhatsApp::new(channel_settings(&config.whatsapp))?.with_files(files);
        let channel: Arc<dyn Channel> = Arc::new(channel);
        let toolbox = app::toolbox(global, &config, Arc::clone(&store), Arc::clone(&engine) as Arc<dyn Classifier>)?;
        let stop = shutdown::on_signal().context("listening for signals")?;
        let others = companions(&config, &store, &toolbox, &stop)?;
        let toolbox = app::bot_tools(global, &config, toolbox, options.tools.as_deref(), Duration::ZERO).await?;
        let model = app::chat_model(&config, options.offline).await?;
        let worker = app::worker(&config, Arc::clone(&store), toolbox, model)?;
        let worker = worker.with_hearing(!options.offline && config.llm.transcribes_with().is_some());
        let worker = worker.with_seeing(!options.offline && config.llm.sees_with().is_some());
        let begin = |folder: &PathBuf| Journal::begin(folder).map(Arc::new);
        let journal = options.record.as_ref().map(begin).transpose()?;
        let worker = match &journal {
            Some(journal) => worker.with_observer(Arc::clone(journal) as Arc<dyn TurnObserver>),
            None => worker,
        };
        let pool = Pool::with_worker(worker, &channel, pool_settings(&config.whatsapp), Arc::clone(&clock))
            .with_retention(config.retention_policy());
        let disk = app::store_disk(global, &config).map(|disk| Arc::new(DiskCheck(disk)) as Arc<dyn HealthCheck>);
        let mut checks: Vec<Arc<dyn HealthCheck>> = vec![
            Arc::new(StoreCheck(Arc::clone(&store))),
            Arc::new(ModelCheck(engine)),
            Arc::new(ChannelCheck(channel)),
        ];
        checks.extend(disk);
        let server = Server::new(ServerSettings {
            store: Arc::clone(&store),
            intake: Intake::new(
                Arc::clone(&store),
                pool.sender().clone(),
                debounce(&config.whatsapp),
                config.whatsapp.phone_ids(),
            ),
            app_secret: set(&config.whatsapp.app_secret),
            verify_token: config.whatsapp.verify_token.clone(),
            connections: Arc::clone(&connections),
            checks,
            metrics,
            metrics_token: set(&config.metrics.token),
            clock: Arc::clone(&clock),
            stop: stop.clone(),
        });
        let listener = listen(SocketAddr::new(options.listen.bind, options.listen.port)).await?;
        let address = listener.local_addr().context("reading the address")?;
        let dispatcher = super::events::dispatcher(&config, &store, &clock)?;
        let notifier = AlertNotifier::new(Arc::clone(&store), sinks, Arc::clone(&clock));
        let dashboard = Beside::listen(others.dashboard, web::SHUTDOWN_GRACE).await?;
        if let Some(beside) = &dashboard {
            say(format!("dashboard at http://{}/", beside.address));
        }
        let metrics_app = metrics_address.map(|at| (at, metrics_routes(server.clone())));
        let metrics = Beside::listen(metrics_app, bot::SHUTDOWN_GRACE).await?;
        if let Some(beside) = &metrics {
            say(format!("metrics at http://{}/metrics", beside.address));
        }
        let orders = orders_routes(&config, &store, &clock)?;
        if let Some((_, openers)) = &orders {
            say(format!("live orders at http://{address}/orders, for whoever has {openers}"));
        }
        say(format!("bot listening at http://{address}/webhook"));
        let orders = orders.map_or_else(Router::new, |(routes, _)| routes);
        let refunds = confirmations(&config, &store, &clock)?;
        let app = routes(server).merge(others.routes).merge(orders).merge(refunds);
        let refund_job = app::refund_job(&config, Arc::clone(&store), Arc::clone(&clock))?;
        // Whoever wants no service for answers wants none for recordings.
        let transcriber = if options.offline { None } else { app::transcriber(&config)? };
        let viewer = if options.offline { None } else { app::viewer(&config)? };
        let media_job = media_job(&config, &store, transcriber, &clock)?.with_viewer(viewer);
        let anchor = Anchor::new(Arc::clone(&store), &config.audit)?;
        let (served, (), (), (), dashboard_served, metrics_served, (), (), ()) = tokio::join!(
            serve_within(&connections, app, listener, stop.clone(), bot::SHUTDOWN_GRACE),
            pool.run(stop.clone()),
            notifier.run(stop.clone()),
            dispatcher.run(stop.clone()),
            Beside::serve(dashboard, &connections, &stop),
            Beside::serve(metrics, &connections, &stop),
            anchor.run(stop.clone()),
            refund_job.run(stop.clone()),
            media_job.run(stop.clone())
        );
        if let Some(left_out) = journal.map(|journal| journal.end()).filter(|left_out| *left_out > 0) {
            eprintln!(
                "warning: {left_out} turns are not in the recording: they came faster than they could be written"
            );
        }
        served.context("serving webhooks")?;
        dashboard_served.context("serving the dashboard")?;
        metrics_served.context("serving the metrics")?;
        // The last turns wrote their replies to the outbox after sending had ended.
        match tokio::time::timeout(DRAIN_TIMEOUT, pool.sender().drain(None, &clock)).await {
            Ok(sent) => say(format!("ended; {} replies were sent at the end", sent?)),
            Err(_) => eprintln!("warning: some replies were not sent in time; they are sent after the next start"),
        }
        Ok(())
    })
}

/// What fetches the files of customers, and has their recordings written down.
fn media_job(
    config: &Config,
    store: &Arc<dyn Store>,
    transcriber: Option<Arc<Transcriber>>,
    clock: &Clock,
) -> anyhow::Result<MediaJob> {
    let whatsapp = &config.whatsapp;
    let source = GraphMedia::new(&whatsapp.graph_url, &whatsapp.graph_version, whatsapp.access_token.clone())?;
    let settings = media::Settings {
        // A large file takes longer than a message does.
        lease: SignedDuration::from_secs(2 * i64::from(whatsapp.lease_seconds)),
        at_once: MEDIA_AT_ONCE,
        poll: MEDIA_POLL,
    };
    Ok(MediaJob::new(Arc::clone(store), Arc::new(source), transcriber, settings, Arc::clone(clock)))
}

/// The route at which the shop's own program confirms refunds, where there is one.
fn confirmations(config: &Config, store: &Arc<dyn Store>, clock: &Clock) -> anyhow::Result<Router> {
    let Some(secret) = set(&config.refund.webhook.secret) else { return Ok(Router::new()) };
    let confirmations = Confirmations::new(Arc::clone(store), &secret, Arc::clone(clock)).map_err(InputError::new)?;
    Ok(refunds::routes(confirmations))
}

/// The route of live orders, and what opens it; `None` where nothing does.
fn orders_routes(config: &Config, store: &Arc<dyn Store>, clock: &Clock) -> anyhow::Result<Option<(Router, String)>> {
    let settings = &config.orders;
    let lock = OrdersLock::find(&settings.token, &settings.shopify_secret, &settings.woocommerce_secret);
    let Some(lock) = lock else { return Ok(None) };
    let openers = lock.opened_by().join(" or ");
    let server = OrdersServer::new(OrdersSettings {
        store: Arc::clone(store),
        lock,
        shop: ShopContext { zone: config.zone()?, country: config.country()?, currency: config.money().currency() },
        clock: Arc::clone(clock),
    });
    Ok(Some((orders_api::routes(server), openers)))
}

/// Whether the store is not there yet, and need not be: a shop whose systems send its orders never imports a file.
fn begins_without_orders(config: &Config, error: &anyhow::Error) -> bool {
    let settings = &config.orders;
    let is_sent = OrdersLock::find(&settings.token, &settings.shopify_secret, &settings.woocommerce_secret).is_some();
    is_sent && matches!(error.downcast_ref(), Some(StoreError::Missing { .. }))
}

/// Checks what the bot needs, and warns of what is open.
fn check_and_warn(config: &Config, options: &Options) -> Result<(), InputError> {
    check(&config.whatsapp, options.listen.insecure_webhook)?;
    if options.listen.insecure_webhook && config.whatsapp.app_secret.expose_secret().is_empty() {
        eprintln!("warning: webhooks are not checked: whoever reaches the address can write as any customer");
    }
    if metrics_are_open(config) {
        eprintln!("warning: {OPEN_METRICS}");
    }
    if config.refund.provider().is_simulated() {
        eprintln!("warning: {SIMULATED_REFUNDS}");
    }
    Ok(())
}

/// A secret that is set.
fn set(secret: &SecretString) -> Option<SecretString> {
    Some(secret.clone()).filter(|secret| !secret.expose_secret().trim().is_empty())
}

/// Checks that everything is set, and that nobody else can send webhooks.
fn check(settings: &WhatsAppConfig, insecure: bool) -> Result<(), InputError> {
    let empty = |secret: &SecretString| secret.expose_secret().is_empty();
    let required = [
        ("VERIFY_TOKEN", empty(&settings.verify_token)),
        ("ACCESS_TOKEN", empty(&settings.access_token)),
        ("PHONE_ID", settings.phone_ids().is_empty()),
    ];
    let missing: Vec<&str> = required.into_iter().filter_map(|(name, missing)| missing.then_some(name)).collect();
    if empty(&settings.app_secret) && !insecure {
        return Err(InputError::with_hint(
            "APP_SECRET is not set, so Meta's webhooks cannot be distinguished from anybody else's",
            "copy it from the app's basic settings into .env; to try the bot out without it: --insecure-webhook",
        ));
    }
    if !missing.is_empty() {
        return Err(InputError::with_hint(
            format!("{} {} not set", missing.join(", "), if missing.len() == 1 { "is" } else { "are" }),
            format!(
                "{}=… in .env: the app's page “WhatsApp > API setup” shows them, VERIFY_TOKEN is your own choice",
                missing[0]
            ),
        ));
    }
    Ok(())
}

/// Checks the settings of the bot as its parts read them. Those that are not set are asked for when it starts.
///
/// # Errors
/// The first that is wrong.
pub(super) fn check_settings(config: &Config) -> anyhow::Result<()> {
    let whatsapp = &config.whatsapp;
    let is_id = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric());
    if !whatsapp.phone_id.trim().is_empty() && !whatsapp.phone_id.split(',').all(|part| is_id(part.trim())) {
        return Err(InputError::with_hint(
            "PHONE_ID is not the identifier of a number, or several with one comma between two",
            "it is the “Phone number ID” of the page “WhatsApp > API setup”, not the number itself",
        )
        .into());
    }
    sinks(&config.alerts)?;
    super::events::endpoints(config)?;
    metrics_address(&config.metrics)?;
    if !whatsapp.phone_id.trim().is_empty() {
        WhatsApp::new(channel_settings(whatsapp))?;
    }
    Ok(())
}

/// What to say where no money moves.
pub(super) const SIMULATED_REFUNDS: &str = "refunds are simulated: they are put on record here and count as paid, and nobody \
    moves money; [refund] provider names who does";

/// What to say where [`metrics_are_open`].
pub(super) const OPEN_METRICS: &str = "[metrics] listen can be reached from other machines, and there is no [metrics] token: whoever comes reads the metrics";

/// Whether other machines reach the metrics without a token.
pub(super) fn metrics_are_open(config: &Config) -> bool {
    let address = metrics_address(&config.metrics).ok().flatten();
    set(&config.metrics.token).is_none() && address.is_some_and(|address| !is_local(address.ip()))
}

fn channel_settings(settings: &WhatsAppConfig) -> Settings {
    Settings {
        base_url: settings.graph_url.trim().to_owned(),
        version: settings.graph_version.trim().to_owned(),
        phone_ids: settings.phone_ids(),
        token: settings.access_token.clone(),
        template: template(settings),
        rate: RateLimits {
            per_second: settings.messages_per_second.into(),
            pair_burst: settings.pair_burst.into(),
            ..RateLimits::default()
        },
    }
}

/// The template for messages outside of the window, if one is set.
pub(super) fn template(settings: &WhatsAppConfig) -> Option<Template> {
    let name = settings.template.trim();
    (!name.is_empty())
        .then(|| Template { name: name.to_owned(), language: settings.template_language.trim().to_owned() })
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

/// The address of their own at which metrics are served.
fn metrics_address(settings: &MetricsConfig) -> Result<Option<SocketAddr>, InputError> {
    let address = settings.listen.trim();
    if address.is_empty() {
        return Ok(None);
    }
    address.parse().map(Some).map_err(|_| {
        InputError::with_hint(
            format!("[metrics] listen is “{}”, which is no address with a port", excerpt(address, 60)),
            "name one such as 127.0.0.1:9464",
        )
    })
}

/// The sinks for notifications of alerts.
fn sinks(settings: &AlertsConfig) -> Result<Vec<Box<dyn AlertSink>>, NotifyError> {
    let mut sinks: Vec<Box<dyn AlertSink>> = Vec::new();
    let url = settings.webhook_url.trim();
    if !url.is_empty() {
        sinks.push(Box::new(WebhookSink::new(url)?));
    }
    let server = settings.smtp_url.expose_secret();
    if !server.trim().is_empty() {
        sinks.push(Box::new(MailSink::new(server, &settings.mail_from, &settings.mail_to)?));
    }
    Ok(sinks)
}

fn debounce(settings: &WhatsAppConfig) -> Debounce {
    let quiet = SignedDuration::from_millis(settings.burst_ms.into());
    Debounce { quiet, longest: SignedDuration::from_millis(settings.burst_longest_ms.into()).max(quiet) }
}

/// Whether the model classifies.
struct ModelCheck(Arc<dyn Classifier>);

#[async_trait]
impl HealthCheck for ModelCheck {
    fn name(&self) -> &'static str {
        "model"
    }

    async fn check(&self) -> Result<(), String> {
        self.0.classify("hello").await.map(drop).map_err(|error| error.to_string())
    }
}

//! Decides how the parts are put together from the settings and flags.
//!
//! It must never hold a rule of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Once};
use std::time::Duration;

use anyhow::Context as _;
use indicatif::ProgressBar;
use secrecy::{ExposeSecret as _, SecretString};

use super::{Global, InputError, bot, dashboard};
use crate::agent::guard::ShopTexts;
use crate::agent::{Agent, Settings as AgentSettings};
use crate::channels::whatsapp::LIMITS;
use crate::config::{Config, Sources};
use crate::domain::audit::AuditCheck;
use crate::domain::caller::Verification;
use crate::domain::currency::Currency;
use crate::domain::ids::{IdPatterns, Source};
use crate::domain::money::Money;
use crate::domain::ownership::Proof;
use crate::domain::refund::ProviderKind;
use crate::domain::sentences::{Language, identification};
use crate::http::client::{ClientHeader, Network, TrustedProxies};
use crate::http::connections::{Connections, Limits};
use crate::http::guesses::SHORTEST_TOKEN;
use crate::http::resources::WatchedDisk;
use crate::import::{self, ImportOptions, Input, OrderReader};
use crate::inbox::{Clock, Worker};
use crate::knowledge::{self, Chunk, Library, Translation};
use crate::llm::breaker::Settings as BreakerSettings;
use crate::llm::degraded::Degraded;
use crate::llm::media_service::Settings as MediaServiceSettings;
use crate::llm::openai::{ModelList, OpenAi, Settings as RemoteSettings};
use crate::llm::playbook::faq::{self, Faq};
use crate::llm::playbook::{Playbook, Settings as PlaybookSettings};
use crate::llm::transcriber::Transcriber;
use crate::llm::vision::Viewer;
use crate::llm::{ChatModel, prompt};
use crate::mcp::client::{Client, Target};
use crate::mcp::foreign::{self, ForeignServer};
use crate::nlu::{Classifier, DeviceChoice, Engine, ModelLocation, NluError, ReloadingEngine, device_for};
use crate::refunds::{JobSettings, Providers, Razorpay, RefundJob, RefundProvider, RefundWebhook, Stripe, Telling};
use crate::store::{self, AuditKeySource, ImportMode, MediaSettings, MongoSettings, Store, StoreError, StoreSettings};
use crate::support::{Rules, SupportService};
use crate::tools::{Toolbox, catalogue};

/// A runtime for a command that talks to one customer, or to one program, at a time.
pub(super) fn small_runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().context("starting the runtime")
}

/// How long a single conversation waits for the tools of third parties before it begins without them.
pub(super) const TOOLS_TIMEOUT: Duration = Duration::from_secs(2);

/// Some commands read the settings more than once.
static NOTICES_SAID: Once = Once::new();

/// How often a long-running process checks whether another model is in its folder.
const MODEL_POLL: Duration = Duration::from_secs(2);

/// Reads the settings, with the flags on top.
///
/// # Errors
/// When a settings file, `.env` or a variable is wrong.
pub fn load_config(global: &Global) -> anyhow::Result<Config> {
    let config = Config::load(&Sources::process(global.config.clone()))?;
    NOTICES_SAID.call_once(|| config.notices.iter().for_each(|notice| tracing::warn!("{notice}")));
    Ok(config)
}

/// Where the store is: the flag, else the settings.
pub fn store_location<'a>(global: &'a Global, config: &'a Config) -> &'a str {
    global.store.as_deref().unwrap_or(&config.store.location)
}

/// The disk that the store is on; none where it is a server's.
pub(super) fn store_disk(global: &Global, config: &Config) -> Option<WatchedDisk> {
    let location = store_location(global, config);
    (!location.contains("://")).then(|| WatchedDisk::of(Path::new(location)))
}

/// Reads the settings for something that is served, and checks all of them before anything is opened.
///
/// # Errors
/// As [`load_config`] and [`check_settings`].
pub(super) fn load_served_config(global: &Global) -> anyhow::Result<Config> {
    let config = load_config(global)?;
    check_settings(&config)?;
    Ok(config)
}

/// Checks the settings as whole parts read them: what is served asks here before it starts, and `doctor` asks the same.
///
/// # Errors
/// The first setting that would keep something from starting.
pub(super) fn check_settings(config: &Config) -> anyhow::Result<()> {
    load_faq(config)?;
    check_knowledge(config)?;
    trusted_proxies(config)?;
    config.claim_proof()?;
    bot::check_settings(config)?;
    refund_providers(config)?;
    dashboard::access(config, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), false)?;
    let users = config.dashboard.users.iter();
    let tokens = [
        ("MCP_TOKEN ([mcp] token)".to_owned(), &config.mcp.token),
        ("[metrics] token".to_owned(), &config.metrics.token),
        ("ORDERS_TOKEN ([orders] token)".to_owned(), &config.orders.token),
        ("[orders] shopify_secret".to_owned(), &config.orders.shopify_secret),
        ("[orders] woocommerce_secret".to_owned(), &config.orders.woocommerce_secret),
        ("[dashboard] token".to_owned(), &config.dashboard.token),
    ];
    let named = users.map(|user| (format!("the token of {} in [[dashboard.users]]", user.name.trim()), &user.token));
    for (place, token) in tokens.into_iter().chain(named) {
        let count = token.expose_secret().trim().chars().count();
        if (1..SHORTEST_TOKEN).contains(&count) {
            return Err(InputError::with_hint(
                format!("{place} has fewer than {SHORTEST_TOKEN} characters: strangers would find it by trying"),
                "make a random one: openssl rand -hex 32; a password is set as its hash, password_hash",
            )
            .into());
        }
    }
    Ok(())
}

/// The proxies whose word about a client's address counts.
fn trusted_proxies(config: &Config) -> Result<Vec<Network>, InputError> {
    let networks = config.server.trusted_proxies.iter().map(|proxy| proxy.parse());
    networks.collect::<Result<_, String>>().map_err(|wrong| {
        InputError::with_hint(
            format!("[server] trusted_proxies: {wrong}"),
            "name the addresses that your proxy connects from, such as [\"127.0.0.1\", \"::1\"]",
        )
    })
}

/// How many connections clients may have, and whose word about a client's address counts.
pub(super) fn connections(config: &Config) -> Result<Arc<Connections>, InputError> {
    let server = &config.server;
    let networks = trusted_proxies(config)?;
    // Other words were refused when the settings were read.
    let header = ClientHeader::parse(&server.client_header).unwrap_or_default();
    let count = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    let limits = Limits::of_system(count(server.connections), count(server.connections_per_address));
    tracing::info!(connections = limits.connections, per_address = limits.per_address, "connections are limited");
    Ok(Connections::new(limits, TrustedProxies::new(networks, header)))
}

/// What to say where the key of the audit trail lies beside the store.
pub(super) const KEY_BESIDE: &str = "warning: the key lies beside the store: whoever may write there can forge both; [audit] \
    key_file or ECOMRES_AUDIT_KEY keeps it elsewhere";

/// How the settings say that the store is opened.
pub(super) fn server_settings(config: &Config) -> StoreSettings {
    let store = &config.store;
    StoreSettings {
        server: MongoSettings {
            database: store.database.clone(),
            connect: Duration::from_secs(store.connect_seconds.into()),
            operation: Duration::from_secs(store.timeout_seconds.into()),
            pool: store.pool_size,
            // One that is none is said where it is used first.
            zone: config.zone().unwrap_or(jiff::tz::TimeZone::UTC),
        },
        audit_key: match config.audit.key() {
            Some(key) => AuditKeySource::Given(key),
            None if config.audit.key_file.trim().is_empty() => AuditKeySource::BesideTheStore,
            None => AuditKeySource::File(config.audit.key_file.trim().into()),
        },
        events: config.events.is_on(),
        media: MediaSettings {
            folder: Some(config.media.folder.trim()).filter(|folder| !folder.is_empty()).map(PathBuf::from),
            quota: u64::from(config.media.quota_mb) * 1_000_000,
        },
    }
}

/// Opens the store that the flags and settings name, only to look at it: it must be there.
///
/// # Errors
/// When the settings are wrong or the store cannot be opened.
pub fn open_store_read_only(global: &Global) -> anyhow::Result<Arc<dyn Store>> {
    let config = load_config(global)?;
    Ok(store::open_read_only_with(store_location(global, &config), &server_settings(&config))?)
}

/// Opens a store that must be there already: a mistyped place must not make one. An older one is brought up to date.
pub(super) fn open_existing_store(location: &str, settings: &StoreSettings) -> Result<Arc<dyn Store>, StoreError> {
    match store::open_read_only_with(location, settings) {
        Ok(_) | Err(StoreError::Older { .. }) => store::open_with(location, settings),
        Err(error) => Err(error),
    }
}

/// Checks the audit trail: the chain itself, and that it and the ledger tell the same.
pub(super) async fn verify_audit(store: &dyn Store) -> Result<AuditCheck, StoreError> {
    let mut check = store.check_audit().await?;
    if check.broken.is_none() {
        check.broken = store.check_refunds().await?;
    }
    Ok(check)
}

/// Loads the model that the flag or the settings name, else the built-in one.
pub(super) fn load_engine(global: &Global, config: &Config) -> anyhow::Result<Engine> {
    Ok(Engine::load(configured_model(global, config)?)?)
}

/// Loads the same for a long-running process: a model that is put into its folder later answers without a restart.
pub(super) fn reloading_engine(global: &Global, config: &Config) -> anyhow::Result<Arc<ReloadingEngine>> {
    let engine = ReloadingEngine::load(configured_model(global, config)?)?;
    engine.watch(MODEL_POLL)?;
    Ok(engine)
}

/// The model that the flag or the settings name, else the built-in one.
pub(super) fn model_location(global: &Global) -> anyhow::Result<ModelLocation> {
    match &global.model {
        Some(folder) => Ok(ModelLocation::find(Some(folder))?),
        None => Ok(configured_model(global, &load_config(global)?)?),
    }
}

/// The same, where the settings are read already.
pub(super) fn configured_model(global: &Global, config: &Config) -> Result<ModelLocation, NluError> {
    let configured = (!config.model.folder.is_empty()).then(|| Path::new(config.model.folder.as_str()));
    if global.model.is_none()
        && configured.is_none()
        && let Some(folder) = ModelLocation::unused_folder()
    {
        let folder = folder.display();
        tracing::warn!(
            "the built-in model answers, not ./{folder}: name it with --model {folder} or [model] folder = \"{folder}\""
        );
    }
    ModelLocation::find(global.model.as_deref().or(configured))
}

/// Loads a model onto the device that was asked for.
pub(super) fn load_engine_on(location: &ModelLocation, device: DeviceChoice) -> anyhow::Result<Engine> {
    let device = device_for(location, device)?;
    if let Some(notice) = &device.notice {
        tracing::warn!("{notice}");
    }
    Ok(Engine::load_on(location, &device)?)
}

/// The questions and answers of the shop.
pub(super) fn load_faq(config: &Config) -> anyhow::Result<Faq> {
    let (name, text) = if config.shop.faq.is_empty() {
        ("the shipped data/faq.toml".to_owned(), faq::SHIPPED.to_owned())
    } else {
        let text = std::fs::read_to_string(&config.shop.faq).map_err(|error| {
            InputError::with_hint(
                format!("the questions and answers in {} cannot be read: {error}", config.shop.faq),
                "name an existing UTF-8 file in [shop] faq, or leave it empty for the shipped one",
            )
        })?;
        (config.shop.faq.clone(), text)
    };
    let minutes = config.refund.quote_minutes.to_string();
    let fill = [("arrival", config.refund.estimated_arrival.as_str()), ("quote_minutes", minutes.as_str())];
    Faq::read(&text, &fill)
        .map_err(|error| InputError::with_hint(format!("{name}: {}", error.trim()), "data/faq.toml shows the form"))
        .context("the questions and answers are wrong")
}

/// Where the shop's documents are: as the setting says, else in the folder `knowledge` beside the store.
pub(super) fn knowledge_place(global: &Global, config: &Config) -> PathBuf {
    let set = config.knowledge.folder.trim();
    if !set.is_empty() {
        return set.into();
    }
    let location = store_location(global, config);
    let beside = Path::new(location).parent().filter(|_| !location.contains("://"));
    beside.unwrap_or(Path::new("")).join("knowledge")
}

/// The shop's documents, and behind them its general questions and answers.
///
/// # Errors
/// When the questions and answers are wrong, or the folder of the settings is not there.
pub(super) fn library(global: &Global, config: &Config) -> anyhow::Result<Arc<Library>> {
    check_knowledge(config)?;
    Ok(Arc::new(Library::open(Some(knowledge_place(global, config)), built_in_answers(config)?)))
}

/// The general questions and answers that are there without documents.
///
/// # Errors
/// When they are wrong.
pub(super) fn built_in_answers(config: &Config) -> anyhow::Result<Vec<Chunk>> {
    let faq = load_faq(config)?;
    let translation = |(code, name, answer): (&str, &str, &str)| Translation {
        language: code.to_owned(),
        title: name.to_owned(),
        text: answer.to_owned(),
    };
    let chunk = |(name, words, answer): (&str, String, &str)| Chunk {
        translations: faq.translations(name).map(translation).collect(),
        ..knowledge::built_in(name, &words, answer)
    };
    let answers = faq.entries().map(chunk).collect();
    Ok(answers)
}

/// Whether the folder of the settings is there; a default place need not be.
fn check_knowledge(config: &Config) -> Result<(), InputError> {
    let set = config.knowledge.folder.trim();
    if set.is_empty() || Path::new(set).is_dir() {
        return Ok(());
    }
    Err(InputError::with_hint(
        format!("[knowledge] folder: {set} is no folder"),
        "name the folder with the shop's documents, or leave the setting empty",
    ))
}

/// What ids look like: as a setting says, else as the ids of the store's orders do.
///
/// # Errors
/// When the settings are wrong or the store fails.
pub(super) async fn patterns(config: &Config, store: &dyn Store) -> anyhow::Result<IdPatterns> {
    let set = config.patterns()?;
    if set.source() == Source::Setting {
        return Ok(set);
    }
    Ok(set.learnt(&store.order_id_forms().await?))
}

/// The tools, over a store and a model.
pub(super) fn toolbox(
    global: &Global,
    config: &Config,
    store: Arc<dyn Store>,
    classifier: Arc<dyn Classifier>,
) -> anyhow::Result<Toolbox> {
    toolbox_with(config, store, classifier, library(global, config)?)
}

/// The same with documents that were read before: for many conversations, each on a store of its own.
pub(super) fn toolbox_with(
    config: &Config,
    store: Arc<dyn Store>,
    classifier: Arc<dyn Classifier>,
    library: Arc<Library>,
) -> anyhow::Result<Toolbox> {
    let rules = Rules {
        policy: config.policy()?,
        actions: config.actions()?,
        patterns: config.patterns()?,
        verification: config.orders.verification,
        daily_limit: config.orders.daily_limit,
        claim_proof: config.claim_proof()?,
        country: config.country()?,
        zone: config.zone()?,
    };
    let support = SupportService::new(store, rules).with_knowledge(library);
    Ok(Toolbox::new(support, classifier))
}

/// The tools for a bot: run by another server where one is named, with those of third parties from the settings. Third
/// parties are connected to in the background; `patience`: how long their first attempts are waited for.
///
/// # Errors
/// When the other server is named wrongly, cannot be reached, or lacks a tool.
pub(super) async fn bot_tools(
    global: &Global,
    config: &Config,
    toolbox: Toolbox,
    remote: Option<&str>,
    patience: Duration,
) -> anyhow::Result<Toolbox> {
    let secret = |token: &SecretString| Some(token.clone()).filter(|token| !token.expose_secret().is_empty());
    let start = Duration::from_secs(config.mcp.start_seconds.into());
    let mut toolbox = toolbox;
    if let Some(remote) = remote {
        let limits = &toolbox.support().rules().actions;
        if limits.monthly_refunds > 0 || limits.monthly_amount.is_some() {
            return Err(InputError::with_hint(
                "--tools and the limits of a month, [policy] monthly_refunds and monthly_amount, do not go together: refunds that \
                 another server pays are counted nowhere here",
                "leave --tools out and run the bot on the shop's own store, or leave the limits out",
            )
            .into());
        }
        let target = Target::parse(remote, secret(&config.mcp.token)).map_err(|why| {
            InputError::with_hint(
                format!("--tools names no tool server: {why}"),
                "such as --tools http://127.0.0.1:8001/mcp or --tools \"ecomres mcp --store shop.db\"",
            )
        })?;
        let client = Client::new(target).with_start_time(start);
        // It may take a minute to start: a spinner on a terminal says that something happens.
        let spinner = if global.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
        spinner.set_message(format!("waiting for the tool server {}, {} s at most", client.server(), start.as_secs()));
        spinner.enable_steady_tick(Duration::from_millis(120));
        let catalogue = catalogue();
        let names: Vec<&str> = catalogue.iter().map(|spec| spec.name.as_ref()).collect();
        let connected = client.require(&names).await;
        spinner.finish_and_clear();
        connected.map_err(|error| {
            let hint = error.hint().unwrap_or_default();
            InputError::with_hint(error.to_string(), hint)
        })?;
        toolbox = toolbox.with_remote(Arc::new(client));
    }
    let servers = config.mcp.servers.iter().map(|server| {
        let place = if server.url.is_empty() { &server.command } else { &server.url };
        let target = Target::parse(place, secret(&server.token))
            .map_err(|why| InputError::new(format!("[[mcp.servers]] {}: {why}", server.name)))?;
        Ok(ForeignServer { prefix: server.name.clone(), target, allow: server.allow.clone(), start })
    });
    let servers = servers.collect::<Result<Vec<_>, InputError>>()?;
    let toolbox = toolbox.with_foreign(Vec::new());
    let shared = toolbox.clone();
    let tried = foreign::connect_in_background(servers, move |tools| shared.add_foreign(tools));
    // Late tools are offered from the next turn on.
    let _ = tokio::time::timeout(patience, tried).await;
    Ok(toolbox)
}

/// Who moves the money of refunds: every provider whose keys are set. The one of the settings has to be set up whole.
///
/// # Errors
/// What is missing or wrong.
pub(super) fn refund_providers(config: &Config) -> anyhow::Result<Providers> {
    let refund = &config.refund;
    let is_set = |secret: &SecretString| !secret.expose_secret().trim().is_empty();
    let groups = [
        (
            ProviderKind::Webhook,
            vec![
                ("[refund.webhook] url", !refund.webhook.url.trim().is_empty()),
                ("[refund.webhook] secret", is_set(&refund.webhook.secret)),
            ],
        ),
        (
            ProviderKind::Razorpay,
            vec![
                ("[refund.razorpay] key_id", !refund.razorpay.key_id.trim().is_empty()),
                ("[refund.razorpay] key_secret", is_set(&refund.razorpay.key_secret)),
            ],
        ),
        (ProviderKind::Stripe, vec![("[refund.stripe] secret_key", is_set(&refund.stripe.secret_key))]),
    ];
    let mut providers = Providers::default();
    for (kind, group) in groups {
        let missing: Vec<&str> = group.iter().filter(|(_, set)| !set).map(|(name, _)| *name).collect();
        let wanted = refund.provider() == kind;
        if missing.len() == group.len() && !wanted {
            continue;
        }
        if let Some(first) = missing.first() {
            let (verb, them) = if missing.len() == 1 { ("is", "it") } else { ("are", "them") };
            return Err(InputError::with_hint(
                format!("{} {verb} not set, and refunds through {} need {them}", missing.join(", "), kind.as_str()),
                format!(
                    "set {} or {first} in ecomres.toml, or choose another [refund] provider",
                    setting_variable(first)
                ),
            )
            .into());
        }
        let provider: Arc<dyn RefundProvider> = match kind {
            ProviderKind::Ledger => continue,
            ProviderKind::Webhook => {
                Arc::new(RefundWebhook::new(&refund.webhook.url, &refund.webhook.secret).map_err(|wrong| {
                    InputError::with_hint(
                        wrong,
                        "an address that begins with https://, and a secret such as `echo \"whsec_$(openssl rand -base64 32)\"` makes",
                    )
                })?)
            }
            ProviderKind::Razorpay => {
                let keys = &refund.razorpay;
                Arc::new(Razorpay::new(&keys.url, &keys.key_id, keys.key_secret.clone())?)
            }
            ProviderKind::Stripe => Arc::new(Stripe::new(&refund.stripe.url, refund.stripe.secret_key.clone())?),
        };
        providers.add(provider);
    }
    Ok(providers)
}

/// The variable that stands for a setting such as `[refund.stripe] secret_key`.
fn setting_variable(setting: &str) -> String {
    let key = setting.trim_start_matches('[').replace("] ", "__").replace('.', "__");
    format!("ECOMRES_{}", key.to_uppercase())
}

/// What moves refunds on.
///
/// # Errors
/// As [`refund_providers`].
pub(super) fn refund_job(config: &Config, store: Arc<dyn Store>, clock: Clock) -> anyhow::Result<RefundJob> {
    let telling = Telling {
        limits: LIMITS,
        template: bot::template(&config.whatsapp),
        arrival: config.refund.estimated_arrival.clone(),
        money: config.money(),
    };
    Ok(RefundJob::new(store, refund_providers(config)?, telling, JobSettings::default(), clock))
}

/// What customers are asked for, before an order is bound to them.
fn proofs_asked(config: &Config) -> anyhow::Result<Vec<Proof>> {
    let asks = config.orders.verification == Verification::Claim;
    Ok(if asks { config.claim_proof()? } else { Vec::new() })
}

/// The offline counterpart of a language model.
fn playbook(config: &Config) -> anyhow::Result<Playbook> {
    Ok(Playbook::new(PlaybookSettings {
        faq: load_faq(config)?,
        strict: config.orders.verification == Verification::Strict,
        proofs: proofs_asked(config)?,
        clarify_below: config.triage.clarify_below,
        very_negative: config.escalation.very_negative,
        failures: config.escalation.failures,
    }))
}

/// The client of the remote model that the settings name.
pub(super) fn remote_model(config: &Config) -> anyhow::Result<OpenAi> {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    let llm = &config.llm;
    let policy = config.policy()?;
    let mut rules = policy.sentences();
    if policy.money.currency() != Currency::INR {
        // The column of the value is called by rupees, whatever they are.
        let example = policy.money.show(policy.money.own(Money::from_minor_units(123_450)));
        rules.push(format!(
            "Amounts of tools are in the currency that the result names, never in rupees because of a column's name; the shop's is {}, written like {example}.",
            policy.money.currency()
        ));
    }
    if config.orders.verification == Verification::Strict {
        rules.push("The customer must write the order's customer id as well; one looks like CUST1234.".to_owned());
    }
    let proofs = proofs_asked(config)?;
    if !proofs.is_empty() {
        let what = identification::what_only_the_buyer_knows(Language::English, &proofs);
        rules.push(format!(
            "An order that is not found may need more than its id. Then ask once for {what}, in the same words whether the \
             order exists or not; when the customer answers, call the tool again."
        ));
    }
    let settings = RemoteSettings {
        base_url: llm.base_url.clone(),
        api_key: llm.api_key.clone(),
        models: llm.models(),
        temperature: llm.temperature,
        max_tokens: llm.max_tokens,
        reasoning_effort: llm.reasoning_effort.clone(),
        request: seconds(llm.timeout_seconds),
        turn: seconds(llm.turn_seconds),
        connect: seconds(llm.connect_seconds),
        prompt: prompt::Settings {
            zone: config.zone()?,
            policy: rules,
            answers: load_faq(config)?.answers().map(str::to_owned).collect(),
            budget: llm.token_budget.into(),
            result: llm.result_tokens.into(),
        },
        mask: config.privacy.mask,
    };
    Ok(OpenAi::new(settings)?)
}

/// What writes recordings of customers down, where the settings name a model for it.
///
/// # Errors
/// When no HTTP client can be made here.
pub(super) fn transcriber(config: &Config) -> anyhow::Result<Option<Arc<Transcriber>>> {
    let Some(model) = config.llm.transcribes_with() else { return Ok(None) };
    Ok(Some(Arc::new(Transcriber::new(media_service(config, model))?)))
}

fn media_service(config: &Config, model: &str) -> MediaServiceSettings {
    MediaServiceSettings {
        base_url: config.llm.base_url.clone(),
        api_key: config.llm.api_key.clone(),
        model: model.to_owned(),
        request: Duration::from_secs(config.llm.timeout_seconds.into()),
        connect: Duration::from_secs(config.llm.connect_seconds.into()),
    }
}

/// What looks at photos of customers, where the settings name a model for it.
///
/// # Errors
/// When no HTTP client can be made here.
pub(super) fn viewer(config: &Config) -> anyhow::Result<Option<Arc<Viewer>>> {
    let Some(model) = config.llm.sees_with() else { return Ok(None) };
    Ok(Some(Arc::new(Viewer::new(media_service(config, model))?)))
}

/// Who answers customers: the remote model with the playbook behind it, or the playbook alone where there is no key or
/// `offline` is wanted. A remote model that cannot be reached is a warning: the playbook answers until it can.
pub(super) async fn chat_model(config: &Config, offline: bool) -> anyhow::Result<Arc<dyn ChatModel>> {
    let playbook = Arc::new(playbook(config)?);
    if offline || !config.llm.is_remote() {
        return Ok(playbook);
    }
    let remote = remote_model(config)?;
    match remote.list_models().await {
        Ok(models) => {
            for missing in &models.missing {
                tracing::warn!("{}", missing_model(missing, &remote.host(), &models));
            }
        }
        Err(error) => tracing::warn!(host = remote.host(), %error, "the models could not be listed"),
    }
    let breaker = BreakerSettings {
        failures: config.llm.breaker_failures,
        pause: Duration::from_secs(config.llm.breaker_seconds.into()),
    };
    let turn = Duration::from_secs(config.llm.turn_seconds.into());
    Ok(Arc::new(Degraded::new(Arc::new(remote), playbook, breaker, turn)))
}

/// What to say of a model that is not there.
pub(super) fn missing_model(missing: &str, host: &str, models: &ModelList) -> String {
    let instead = match models.usable.first() {
        Some(usable) => format!("{usable} is asked instead"),
        None => "the playbook answers".to_owned(),
    };
    let available = if models.available.is_empty() { "none".to_owned() } else { models.available.join(", ") };
    format!("the model “{missing}” is not at {host}: {instead}; there are: {available}")
}

/// The parts that answer customers, over a store, tools and a model.
pub(super) fn worker(
    config: &Config,
    store: Arc<dyn Store>,
    toolbox: Toolbox,
    model: Arc<dyn ChatModel>,
) -> anyhow::Result<Worker> {
    let faq = load_faq(config)?;
    let patterns = config.patterns()?;
    let policy = config.policy()?.sentences();
    let money = config.money();
    let texts = faq.answers().chain(policy.iter().map(String::as_str));
    let shop_texts = ShopTexts::read(texts, &patterns, &money);
    let settings = AgentSettings {
        patterns,
        money,
        gap: config.triage.gap(),
        remind: config.escalation.remind(),
        hours: config.opening_hours()?,
        shop_texts,
        needs_photo: config.needs_photo()?,
    };
    Ok(Worker::new(store, Agent::new(toolbox, model, settings)))
}

/// The sample orders that a scratch store starts with: what `ecomres sample orders` writes.
const SAMPLE: &[u8] = include_bytes!("../../fixtures/orders.csv");

/// Fills a scratch store: from a file, or with the sample orders.
pub(super) async fn load_orders(store: &Arc<dyn Store>, file: Option<&Path>, config: &Config) -> anyhow::Result<()> {
    let input = file.map(Input::file).transpose()?;
    load_orders_from(store, input.as_ref(), config).await
}

/// The same from what was read of a file before.
pub(super) async fn load_orders_from(
    store: &Arc<dyn Store>,
    input: Option<&Input>,
    config: &Config,
) -> anyhow::Result<()> {
    let reader = match input {
        Some(input) => OrderReader::with(input, &super::import::settings_of(config)?)?,
        None => OrderReader::new("the sample orders", SAMPLE)?,
    };
    let options = ImportOptions { mode: ImportMode::Upsert, dry_run: false, strict: false };
    let mut bad = 0_u64;
    import::import(store.as_ref(), vec![reader], options, |row| {
        bad += 1;
        if bad <= 5 {
            tracing::warn!("{row}");
        }
    })
    .await?;
    if bad > 5 {
        tracing::warn!("… and {} more rows that cannot be used", bad - 5);
    }
    Ok(())
}

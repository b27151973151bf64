//! Decides how the parts are put together from the settings and flags.
//!
//! It must never hold a rule of its own.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use secrecy::{ExposeSecret as _, SecretString};

use super::{Global, Problem};
use crate::agent::guard::Written;
use crate::agent::{Agent, Settings as AgentSettings};
use crate::config::{Config, Sources};
use crate::desk::{Desk, Rules};
use crate::domain::audit::AuditCheck;
use crate::domain::caller::Verification;
use crate::import::{self, ImportOptions, OrderReader};
use crate::inbox::Worker;
use crate::llm::breaker::Settings as BreakerSettings;
use crate::llm::degraded::Degraded;
use crate::llm::openai::{Found, OpenAi, Settings as RemoteSettings};
use crate::llm::playbook::faq::{self, Faq};
use crate::llm::playbook::{Playbook, Settings as PlaybookSettings};
use crate::llm::{ChatModel, prompt};
use crate::mcp::client::{Client, Target};
use crate::mcp::foreign::{self, ForeignServer};
use crate::nlu::{Classifier, DeviceChoice, Engine, Live, locate, locate_model};
use crate::store::{self, ImportMode, MongoSettings, Store, StoreError};
use crate::tools::Toolbox;

/// How often a process that stays looks whether another model is in its folder.
const MODEL_LOOK: Duration = Duration::from_secs(2);

/// Reads the settings, with the flags on top.
///
/// # Errors
/// When a settings file, `.env` or a variable is wrong.
pub fn load_config(global: &Global) -> anyhow::Result<Config> {
    Ok(Config::load(&Sources::process(global.config.clone()))?)
}

/// Where the store is: the flag, else the settings.
pub fn store_location<'a>(global: &'a Global, config: &'a Config) -> &'a str {
    global.store.as_deref().unwrap_or(&config.store.location)
}

/// How the settings say that a server is used.
pub(super) fn server_settings(config: &Config) -> MongoSettings {
    let store = &config.store;
    MongoSettings {
        database: store.database.clone(),
        connect: Duration::from_secs(store.connect_seconds.into()),
        operation: Duration::from_secs(store.timeout_seconds.into()),
        pool: store.pool_size,
    }
}

/// Opens the store that the flags and settings name, only to look at it: it must be there.
///
/// # Errors
/// When the settings are wrong or the store cannot be opened.
pub fn look_at_store(global: &Global) -> anyhow::Result<Arc<dyn Store>> {
    let config = load_config(global)?;
    Ok(store::look_with(store_location(global, &config), &server_settings(&config))?)
}

/// Opens a store that must be there already: a mistyped place must not make one. An older one is brought up to date.
pub(super) fn open_existing_store(location: &str, settings: &MongoSettings) -> Result<Arc<dyn Store>, StoreError> {
    match store::look_with(location, settings) {
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

/// Loads the model that the flag or the settings name, else the shipped one.
pub(super) fn load_engine(global: &Global, config: &Config) -> anyhow::Result<Engine> {
    Ok(Engine::load(&configured_model(global, config)?)?)
}

/// Loads the same for a process that stays: a model that takes its place in the folder later answers without a restart.
pub(super) fn live_engine(global: &Global, config: &Config) -> anyhow::Result<Arc<Live>> {
    let live = Live::load(&configured_model(global, config)?)?;
    live.watch(MODEL_LOOK)?;
    Ok(live)
}

/// The model folder that the flag or the settings name, else the shipped one.
pub(super) fn model_folder(global: &Global) -> anyhow::Result<PathBuf> {
    match &global.model {
        Some(folder) => Ok(locate_model(Some(folder))?),
        None => configured_model(global, &load_config(global)?),
    }
}

pub(super) fn configured_model(global: &Global, config: &Config) -> anyhow::Result<PathBuf> {
    let configured = (!config.model.folder.is_empty()).then(|| Path::new(config.model.folder.as_str()));
    Ok(locate_model(global.model.as_deref().or(configured))?)
}

/// Loads a model onto the device that was asked for.
pub(super) fn load_engine_on(folder: &Path, device: DeviceChoice) -> anyhow::Result<Engine> {
    let located = locate(device)?;
    if let Some(notice) = &located.notice {
        tracing::warn!("{notice}");
    }
    Ok(Engine::load_on(folder, &located)?)
}

/// The questions and answers of the shop.
pub(super) fn load_faq(config: &Config) -> anyhow::Result<Faq> {
    let (name, text) = if config.shop.faq.is_empty() {
        ("the shipped data/faq.toml".to_owned(), faq::SHIPPED.to_owned())
    } else {
        let text = std::fs::read_to_string(&config.shop.faq).map_err(|error| {
            Problem::with_hint(
                format!("the questions and answers in {} cannot be read: {error}", config.shop.faq),
                "name an existing UTF-8 file in [shop] faq, or leave it empty for the shipped one",
            )
        })?;
        (config.shop.faq.clone(), text)
    };
    let minutes = config.refund.quote_minutes.to_string();
    let fill = [("arrival", config.refund.estimated_arrival.as_str()), ("quote_minutes", minutes.as_str())];
    Faq::read(&text, &fill)
        .map_err(|error| Problem::with_hint(format!("{name}: {}", error.trim()), "data/faq.toml shows the form"))
        .context("the questions and answers are wrong")
}

/// The tools, over a store and a model.
pub(super) fn toolbox(
    config: &Config,
    store: Arc<dyn Store>,
    classifier: Arc<dyn Classifier>,
) -> anyhow::Result<Toolbox> {
    let rules = Rules {
        policy: config.policy()?,
        patterns: config.patterns()?,
        verification: config.orders.verification,
        daily_limit: config.orders.daily_limit,
        phone_country: config.shop.phone_country.clone(),
        zone: config.zone()?,
    };
    Ok(Toolbox::new(Desk::new(store, rules), classifier))
}

/// The tools for a bot: run by another server where one is named, with those of third parties from the settings.
///
/// # Errors
/// When the other server is named wrongly or cannot be reached.
pub(super) async fn bot_tools(config: &Config, toolbox: Toolbox, remote: Option<&str>) -> anyhow::Result<Toolbox> {
    let secret = |token: &SecretString| Some(token.clone()).filter(|token| !token.expose_secret().is_empty());
    let mut toolbox = toolbox;
    if let Some(remote) = remote {
        let target = Target::parse(remote, secret(&config.mcp.token)).map_err(|why| {
            Problem::with_hint(
                format!("--tools names no tool server: {why}"),
                "such as --tools http://127.0.0.1:8001/mcp or --tools \"ecomres mcp --store shop.db\"",
            )
        })?;
        let client = Client::new(target);
        client.connect().await.map_err(|error| {
            let hint = error.hint().unwrap_or_default();
            Problem::with_hint(error.to_string(), hint)
        })?;
        toolbox = toolbox.with_remote(Arc::new(client));
    }
    let servers = config.mcp.servers.iter().map(|server| {
        let place = if server.url.is_empty() { &server.command } else { &server.url };
        let target = Target::parse(place, secret(&server.token))
            .map_err(|why| Problem::new(format!("[[mcp.servers]] {}: {why}", server.name)))?;
        Ok(ForeignServer { prefix: server.name.clone(), target, allow: server.allow.clone() })
    });
    let servers = servers.collect::<Result<Vec<_>, Problem>>()?;
    Ok(toolbox.with_foreign(foreign::tools_of(servers).await))
}

/// The offline counterpart of a language model.
fn playbook(config: &Config) -> anyhow::Result<Playbook> {
    Ok(Playbook::new(PlaybookSettings {
        faq: load_faq(config)?,
        patterns: config.patterns()?,
        strict: config.orders.verification == Verification::Strict,
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
    if config.orders.verification == Verification::Strict {
        rules.push("The customer must write the order's customer id as well; one looks like CUST1234.".to_owned());
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
        patterns: config.patterns()?,
        mask: config.privacy.mask,
    };
    Ok(OpenAi::new(settings)?)
}

/// Who answers customers: the remote model with the playbook behind it, or the playbook alone where there is no key or
/// `offline` is wanted. A remote model that cannot be reached is a warning: the playbook answers until it can.
pub(super) async fn chat_model(config: &Config, offline: bool) -> anyhow::Result<Arc<dyn ChatModel>> {
    let playbook = Arc::new(playbook(config)?);
    if offline || !config.llm.is_remote() {
        return Ok(playbook);
    }
    let remote = remote_model(config)?;
    match remote.look().await {
        Ok(found) => {
            for missing in &found.missing {
                tracing::warn!("{}", missing_model(missing, &remote.host(), &found));
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
pub(super) fn missing_model(missing: &str, host: &str, found: &Found) -> String {
    let instead = match found.usable.first() {
        Some(usable) => format!("{usable} is asked instead"),
        None => "the playbook answers".to_owned(),
    };
    let there = if found.there.is_empty() { "none".to_owned() } else { found.there.join(", ") };
    format!("the model “{missing}” is not at {host}: {instead}; there are: {there}")
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
    let written = Written::read(faq.answers().chain(policy.iter().map(String::as_str)), &patterns);
    let settings = AgentSettings { patterns, gap: config.triage.gap(), written };
    Ok(Worker::new(store, Agent::new(toolbox, model, settings)))
}

/// The sample orders that a scratch store starts with: what `ecomres sample orders` writes.
const SAMPLE: &[u8] = include_bytes!("../../fixtures/orders.csv");

/// Fills a scratch store: from a file, or with the sample orders.
pub(super) async fn load_orders(store: &Arc<dyn Store>, file: Option<&Path>) -> anyhow::Result<()> {
    let reader = match file {
        Some(path) => OrderReader::open(path)?,
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

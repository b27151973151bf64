//! The settings: the defaults, a settings file, `.env` and the environment, where the later source takes precedence. An
//! unknown key or an invalid value is an error that names it; secrets are never shown.

pub mod dotenv;
mod error;
mod events;
mod llm;
mod media;
mod people;
mod policy;
mod refund;
mod servers;
mod setting;
mod shown;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::action::ActionPolicy;
use crate::domain::audit::AuditKey;
use crate::domain::caller::Verification;
use crate::domain::currency::{Currency, ShopMoney};
use crate::domain::ids::IdPatterns;
use crate::domain::money::Money;
use crate::domain::opening_hours::OpeningHours;
use crate::domain::ownership::Proof;
use crate::domain::phone::Country;
use crate::domain::refund::RefundPolicy;
use crate::domain::retention::RetentionPolicy;
use crate::domain::target::Targets;
use crate::domain::wish::Wish;
pub use error::ConfigError;
pub use events::{EndpointConfig, EventsConfig, FIRST_ENDPOINT};
pub use llm::{LlmConfig, PrivacyConfig};
pub use media::MediaConfig;
pub use people::{CannedReplyConfig, DashboardUserConfig, TeamConfig};
pub use policy::PolicyConfig;
pub use refund::{Preset, RazorpayConfig, RefundConfig, RefundWebhookConfig, StripeConfig};
pub use servers::McpServerConfig;
use setting::{SETTINGS, suggestion};

/// The defaults, which are also the reference.
pub const DEFAULTS: &str = include_str!("config/default.toml");

/// Variables with names of their own: those of the original system, `MCP_TOKEN`, `ORDERS_TOKEN`, `ECOMRES_AUDIT_KEY` and
/// `ECOMRES_EVENTS_SECRET`; each with its setting.
const NAMED_VARIABLES: [(&str, &str); 11] = [
    ("MONGO_URI", "store.location"),
    ("ECOMRES_AUDIT_KEY", "audit.key"),
    ("ECOMRES_EVENTS_SECRET", "events.secret"),
    ("GROQ_API_KEY", "llm.api_key"),
    ("MCP_TOKEN", "mcp.token"),
    ("ORDERS_TOKEN", "orders.token"),
    ("VERIFY_TOKEN", "whatsapp.verify_token"),
    ("APP_ID", "whatsapp.app_id"),
    ("APP_SECRET", "whatsapp.app_secret"),
    ("ACCESS_TOKEN", "whatsapp.access_token"),
    ("PHONE_ID", "whatsapp.phone_id"),
];

/// The variable for logging, which is no setting.
const LOG_VARIABLE: &str = "ECOMRES_LOG";

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The store.
    pub store: StoreConfig,
    /// How long old data is kept.
    pub retention: RetentionConfig,
    /// The key and the published heads of the audit trail.
    pub audit: AuditConfig,
    /// The intent and sentiment model.
    pub model: ModelConfig,
    /// The shop itself.
    pub shop: ShopConfig,
    /// The shop's documents.
    pub knowledge: KnowledgeConfig,
    /// Orders, and who may see them.
    pub orders: OrdersConfig,
    /// How files of orders are read.
    pub import: ImportConfig,
    /// The refund policy.
    pub refund: RefundConfig,
    /// What else may be done to orders.
    pub policy: PolicyConfig,
    /// When a message is classified anew.
    pub triage: TriageConfig,
    /// When a conversation is handed over to a person.
    pub escalation: EscalationConfig,
    /// The remote language model.
    pub llm: LlmConfig,
    /// Files that customers send.
    pub media: MediaConfig,
    /// What is hidden from a remote model.
    pub privacy: PrivacyConfig,
    /// What clients reach over HTTP, whatever is served there.
    pub server: ServerConfig,
    /// Metrics.
    pub metrics: MetricsConfig,
    /// The tool server.
    pub mcp: McpConfig,
    /// The WhatsApp Business Cloud API.
    pub whatsapp: WhatsAppConfig,
    /// Notifications of alerts.
    pub alerts: AlertsConfig,
    /// Where events of the shop are delivered.
    pub events: EventsConfig,
    /// The pages of the support team.
    pub dashboard: DashboardConfig,
    /// How the team writes.
    pub team: TeamConfig,
    /// What is odd about `.env`, a sentence each with its line and no value: said before anything else.
    #[serde(skip)]
    pub notices: Vec<String>,
    /// Every setting by its key, with its value (of what may be a secret only whether it is set) and where it was set.
    #[serde(skip)]
    pub shown: Vec<(String, String, String)>,
}

/// The pages of the support team.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardConfig {
    /// The argon2 hash of the password; empty: none.
    pub password_hash: SecretString,
    /// A token that gives access to the pages as well; empty: none.
    pub token: SecretString,
    /// Members of the team who log in by their names.
    pub users: Vec<DashboardUserConfig>,
    /// Host names under which the pages are served.
    pub allowed_hosts: Vec<String>,
    /// The target for answering a customer, in seconds.
    pub response_target_seconds: u32,
}

/// Notifications of alerts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertsConfig {
    /// The URL to which every new alert is posted; empty: none.
    pub webhook_url: String,
    /// The mail server, with credentials; empty: no mail.
    pub smtp_url: SecretString,
    /// The sender of mail.
    pub mail_from: String,
    /// The recipients of mail.
    pub mail_to: Vec<String>,
}

impl fmt::Debug for AlertsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Webhook and mail addresses often contain secrets.
        f.debug_struct("AlertsConfig")
            .field("post", &!self.webhook_url.is_empty())
            .field("mail", &self.mail_to)
            .finish_non_exhaustive()
    }
}

/// The store.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// A file, or a `mongodb://` address.
    pub location: String,
    /// The database, where the address names none.
    pub database: String,
    /// Seconds that connecting to a server may take.
    pub connect_seconds: u32,
    /// Seconds that one operation of a server may take.
    pub timeout_seconds: u32,
    /// The most connections to each server.
    pub pool_size: u32,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may hold a password.
        let address = self.location.contains("://") || self.location.contains('@');
        let location = if address { "an address" } else { self.location.as_str() };
        f.debug_struct("StoreConfig").field("location", &location).finish_non_exhaustive()
    }
}

/// How long old data is kept, in days; 0: for ever.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// The transcript, and resolved alerts.
    pub chats_days: u32,
    /// Messages that were answered, and replies that were sent.
    pub inbox_days: u32,
    /// The audit trail.
    pub audit_days: u32,
    /// Events that were delivered.
    pub events_days: u32,
}

/// The key and the published heads of the audit trail.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditConfig {
    /// The key itself, in hexadecimal or base64; empty: the one in the file.
    pub key: SecretString,
    /// The file of the key; empty: the one beside the store.
    pub key_file: String,
    /// The URL to which heads are posted, which may be a secret; empty: none.
    pub anchor_url: SecretString,
    /// Minutes after which a head is published, where there are new entries.
    pub head_minutes: u32,
    /// New entries after which a head is published.
    pub head_entries: u32,
}

impl AuditConfig {
    /// The key of the settings, if there is one. Values that are no key were refused when they were read.
    pub fn key(&self) -> Option<AuditKey> {
        let text = self.key.expose_secret();
        if text.trim().is_empty() { None } else { AuditKey::parse(text).ok() }
    }
}

/// The intent and sentiment model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Its folder; empty: the built-in model.
    pub folder: String,
}

/// The shop itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopConfig {
    /// The time zone of times without one.
    pub timezone: String,
    /// The country of telephone numbers without one, by two letters.
    pub country: String,
    /// The currency, by its code; empty: the country's.
    pub currency: String,
    /// The former way to say it: a country code; empty: unset.
    pub phone_country: String,
    /// The file of general questions and answers; empty: the shipped one.
    pub faq: String,
}

/// The shop's documents.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnowledgeConfig {
    /// Their folder; empty: the folder `knowledge` beside the store.
    pub folder: String,
}

/// How files of orders are read.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportConfig {
    /// Whose exports they are; empty: as their headers show.
    pub from: String,
    /// How dates are read that can be read in two ways; empty: not at all.
    pub dates: String,
    /// What stands before the decimals of amounts that can be read in two ways; empty: it is not known.
    pub decimal: String,
    /// What columns hold, by their names in the file.
    pub columns: BTreeMap<String, String>,
}

/// Orders, and who may see them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrdersConfig {
    /// A regular expression for order ids.
    pub pattern: String,
    /// A regular expression for customer ids.
    pub customer_pattern: String,
    /// Who may see an order without a telephone number.
    pub verification: Verification,
    /// Distinct orders that one identity may ask for in 24 hours.
    pub daily_limit: u32,
    /// What a customer is asked for, before an order is bound to them.
    pub claim_proof: Vec<String>,
    /// What `POST /orders` is asked with; empty: none.
    pub token: SecretString,
    /// The secrets that Shopify signs webhooks with, with commas between; empty: none are accepted.
    pub shopify_secret: SecretString,
    /// The secret that WooCommerce signs webhooks with; empty: none are accepted.
    pub woocommerce_secret: SecretString,
}

/// When a message is classified anew.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriageConfig {
    /// Hours of silence.
    pub gap_hours: u32,
    /// Below this confidence, from 0 to 1, the customer is asked to clarify.
    pub clarify_below: f64,
}

impl TriageConfig {
    /// The silence after which a message is classified anew.
    pub fn gap(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.gap_hours))
    }
}

/// When a conversation is handed over to a person.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationConfig {
    /// Confidence above which a negative message counts as very negative.
    pub very_negative: f64,
    /// Replies in a row that did not help.
    pub failures: u32,
    /// Hours after which a customer who writes again is told that a person has been asked for.
    pub remind_hours: u32,
    /// When people of the team answer, such as `Mon-Fri 09:00-18:00`; empty: nothing is said about it.
    pub hours: Vec<String>,
}

impl EscalationConfig {
    /// How long a customer waits for a person before the bot says so again.
    pub fn remind(&self) -> SignedDuration {
        SignedDuration::from_hours(self.remind_hours.into())
    }
}

/// What clients reach over HTTP, whatever is served there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerConfig {
    /// Addresses and networks of the proxies whose word about a client's address counts.
    pub trusted_proxies: Vec<String>,
    /// The header in which they name the client.
    pub client_header: String,
    /// The most connections at the same time; 0: as many as the limit of open files has place for.
    pub connections: u32,
    /// The most connections of one address; 0: a quarter of all.
    pub connections_per_address: u32,
}

/// Metrics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsConfig {
    /// The token that `/metrics` is asked with; empty: none.
    pub token: SecretString,
    /// The address of their own at which they are served; empty: none.
    pub listen: String,
}

/// The tool server (Model Context Protocol).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    /// The token that every request over HTTP must carry.
    pub token: SecretString,
    /// Host names under which the server is reached.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call.
    pub allowed_origins: Vec<String>,
    /// The most requests a second from one address.
    pub requests_per_second: u32,
    /// Seconds that another tool server may take to start.
    pub start_seconds: u32,
    /// Tool servers of third parties.
    pub servers: Vec<McpServerConfig>,
}

/// The WhatsApp Business Cloud API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// The token with which Meta verifies the webhook.
    pub verify_token: SecretString,
    /// The id of the app.
    pub app_id: String,
    /// The key with which webhooks are signed.
    pub app_secret: SecretString,
    /// The token with which messages are sent.
    pub access_token: SecretString,
    /// The ids of the shop's telephone numbers, with commas between; the first sends where none was written to.
    pub phone_id: String,
    /// The URL of the Graph API.
    pub graph_url: String,
    /// Its version.
    pub graph_version: String,
    /// The template for messages outside of the 24-hour window; empty: none.
    pub template: String,
    /// Its language.
    pub template_language: String,
    /// Milliseconds of silence after which a turn begins.
    pub burst_ms: u32,
    /// The most milliseconds that a turn waits.
    pub burst_longest_ms: u32,
    /// Turns that run concurrently.
    pub turns_at_once: u32,
    /// Messages that are sent concurrently.
    pub sends_at_once: u32,
    /// Seconds until the lease of a conversation or a message expires without a heartbeat.
    pub lease_seconds: u32,
    /// The most messages a second to all customers.
    pub messages_per_second: u32,
    /// Messages to one customer before the pair rate limit applies.
    pub pair_burst: u32,
}

impl WhatsAppConfig {
    /// The ids of the shop's telephone numbers.
    pub fn phone_ids(&self) -> Vec<String> {
        self.phone_id.split(',').map(str::trim).filter(|id| !id.is_empty()).map(str::to_owned).collect()
    }

    /// The variables that the bot needs and that are not set, in their usual order; all four when the group is unused. The
    /// variable `APP_ID` of the original system is read, and nothing needs it.
    pub fn missing(&self) -> Vec<&'static str> {
        let secret = |value: &SecretString| value.expose_secret().is_empty();
        [
            ("VERIFY_TOKEN", secret(&self.verify_token)),
            ("APP_SECRET", secret(&self.app_secret)),
            ("ACCESS_TOKEN", secret(&self.access_token)),
            ("PHONE_ID", self.phone_ids().is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
        .collect()
    }
}

/// The sources of settings besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The settings file; without one, `ecomres.toml` is used where it exists.
    pub file: Option<PathBuf>,
    /// The folder with `ecomres.toml` and `.env`.
    pub folder: PathBuf,
    /// The environment.
    pub environment: Vec<(OsString, OsString)>,
}

impl Sources {
    /// The current folder and the environment of this process.
    pub fn process(file: Option<PathBuf>) -> Self {
        Self { file, folder: PathBuf::new(), environment: std::env::vars_os().collect() }
    }
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// When a named file cannot be read, or a key or value is wrong: the error names the source and the key.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULTS));
        let mut origins: BTreeMap<String, String> = BTreeMap::new();
        let mut from = |values: &[Setting], place: &str| {
            origins.extend(values.iter().map(|(key, _)| (key.clone(), place.to_owned())));
        };
        let named = sources.file.clone();
        let usual = sources.folder.join("ecomres.toml");
        if let Some(path) = named.or_else(|| usual.exists().then_some(usual)) {
            let values = read_file(&path)?;
            from(&values, &path.display().to_string());
            figment = with_values(figment, values);
        }
        let dotenv = sources.folder.join(".env");
        let mut notices = Vec::new();
        if dotenv.exists() {
            for (name, value) in read_dotenv(&dotenv, &sources.environment, &mut notices)? {
                let values = read_variable(&format!("{}: ", dotenv.display()), &name, &value)?;
                from(&values, &format!("{} {name}", dotenv.display()));
                figment = with_values(figment, values);
            }
        }
        for (name, value) in &sources.environment {
            let Some(name) = name.to_str() else { continue };
            if let Some(value) = value.to_str() {
                let values = read_variable("", name, value)?;
                from(&values, name);
                figment = with_values(figment, values);
            } else if is_ours(name) {
                return Err(ConfigError::Invalid(format!("the value of {name} is not UTF-8")));
            }
        }
        // Every value was validated: an error here can only be in the defaults.
        let read = figment.extract().map_err(|error| {
            ConfigError::Invalid(format!("the setting {} cannot be used: {}", error.path.join("."), error.kind))
        });
        let shown = SETTINGS.iter().map(|(key, kind)| {
            let value = figment.find_value(key).ok();
            let origin = origins.get(*key).cloned().unwrap_or_default();
            ((*key).to_owned(), shown::shown(*kind, value.as_ref()), origin)
        });
        let shown = shown.collect();
        read.map(|config: Self| Self { notices, shown, ..config })
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never in a released build: a test checks that the defaults are valid.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::load(&Sources { folder: PathBuf::from("/nonexistent"), ..Sources::default() })
    }

    /// The patterns of identifiers.
    ///
    /// # Errors
    /// When a pattern is no regular expression.
    pub fn patterns(&self) -> Result<IdPatterns, ConfigError> {
        IdPatterns::new(&self.orders.pattern, &self.orders.customer_pattern)
            .map_err(|error| ConfigError::Invalid(format!("orders.pattern or orders.customer_pattern: {error}")))
    }

    /// The shop's own currency, and how it writes amounts: as its country does, where that is the country's money.
    pub fn money(&self) -> ShopMoney {
        let country = self.shop.country.trim();
        // Other texts were refused when the settings were read.
        let named = Currency::new(&self.shop.currency);
        let currency = named.or_else(|| ShopMoney::currency_of(country)).unwrap_or_default();
        ShopMoney::new(currency, Some(country))
    }

    /// The shop's time zone.
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn zone(&self) -> Result<TimeZone, ConfigError> {
        TimeZone::get(&self.shop.timezone).map_err(|_| {
            ConfigError::Invalid(format!(
                "shop.timezone is “{}”, which is no time zone such as Asia/Kolkata",
                self.shop.timezone
            ))
        })
    }

    /// What a customer is asked for, before an order is bound to them.
    ///
    /// # Errors
    /// When a name is no kind of proof.
    pub fn claim_proof(&self) -> Result<Vec<Proof>, ConfigError> {
        let kind = |name: &String| {
            let known = Proof::ALL.map(|(name, _)| name).join(", ");
            Proof::parse(name)
                .ok_or_else(|| ConfigError::Invalid(format!("orders.claim_proof holds “{name}”; there are: {known}")))
        };
        self.orders.claim_proof.iter().map(kind).collect()
    }

    /// The country of telephone numbers without a country code.
    ///
    /// # Errors
    /// When there is no such country.
    pub fn country(&self) -> Result<Country, ConfigError> {
        let shop = &self.shop;
        let (key, text) = match shop.phone_country.as_str() {
            "" => ("country", &shop.country),
            _ => ("phone_country", &shop.phone_country),
        };
        Country::parse(text)
            .ok_or_else(|| ConfigError::Invalid(format!("shop.{key} is “{text}”, which is no country such as IN")))
    }

    /// The retention periods for a sweep. Those of events hold where there are events.
    pub fn retention_policy(&self) -> RetentionPolicy {
        let set = &self.retention;
        let events = if self.events.is_on() { set.events_days } else { 0 };
        RetentionPolicy::from_days(set.chats_days, set.inbox_days, set.audit_days).with_events(events)
    }

    /// The refund policy.
    ///
    /// # Errors
    /// When a value is invalid.
    pub fn policy(&self) -> Result<RefundPolicy, ConfigError> {
        self.refund.policy(self.money())
    }

    /// What the team promises its customers.
    ///
    /// # Errors
    /// When its hours cannot be used.
    pub fn targets(&self) -> Result<Targets, ConfigError> {
        let (minutes, hours) = (self.team.first_reply_minutes, self.team.resolve_hours);
        Ok(Targets {
            first_reply: (minutes > 0).then(|| SignedDuration::from_mins(minutes.into())),
            resolution: (hours > 0).then(|| SignedDuration::from_hours(hours.into())),
            hours: self.opening_hours()?,
        })
    }

    /// The most that an agent lets go back to a customer; `None`: what the policy allows.
    ///
    /// # Errors
    /// When it is no amount of the shop's currency.
    pub fn agent_refund_limit(&self) -> Result<Option<Money>, ConfigError> {
        let limit = Money::from_json(&self.team.agent_refund_limit, self.money().currency())
            .map_err(|error| ConfigError::Invalid(format!("team.agent_refund_limit: {error}")))?;
        Ok((limit > Money::ZERO).then_some(limit))
    }

    /// When people of the team answer.
    ///
    /// # Errors
    /// When an entry or the time zone cannot be used.
    pub fn opening_hours(&self) -> Result<OpeningHours, ConfigError> {
        let entries = self.escalation.hours.iter().map(String::as_str);
        OpeningHours::parse(entries, self.zone()?).map_err(|entry| {
            ConfigError::Invalid(format!(
                "escalation.hours holds “{entry}”, which is no time such as “Mon-Fri 09:00-18:00”"
            ))
        })
    }

    /// Faults that a customer has to show before something is offered for them.
    ///
    /// # Errors
    /// When one is not known.
    pub fn needs_photo(&self) -> Result<Vec<Wish>, ConfigError> {
        self.policy.needs_photo()
    }

    /// What else may be done to orders.
    ///
    /// # Errors
    /// When a value cannot be used.
    pub fn actions(&self) -> Result<ActionPolicy, ConfigError> {
        self.policy.policy(self.money())
    }
}

/// A key with its value.
type Setting = (String, toml::Value);

fn with_values(figment: Figment, values: Vec<Setting>) -> Figment {
    values.into_iter().fold(figment, |figment, (key, value)| figment.merge(Serialized::default(&key, value)))
}

fn read_file(path: &Path) -> Result<Vec<Setting>, ConfigError> {
    let failed = |reason: String| ConfigError::Invalid(format!("{}{reason}", path.display()));
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
    let sections = toml::from_str::<toml::Table>(&text).map_err(|error| {
        let before = text.get(..error.span().map_or(0, |span| span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        failed(format!(":{line}: {}", error.message().lines().collect::<Vec<_>>().join("; ")))
    })?;
    let mut found = Vec::new();
    for (section, keys) in &sections {
        let inside = |key: &str| key.split_once('.').is_some_and(|(known, _)| known == section);
        let Some(keys) = keys.as_table() else {
            return Err(failed(format!(": “{section}” stands outside of any section")));
        };
        if !SETTINGS.iter().any(|(key, _)| inside(key)) {
            let known = SETTINGS.iter().filter_map(|(key, _)| key.split_once('.')).map(|(name, _)| name.to_owned());
            return Err(failed(format!(": there is no section [{section}]{}", suggestion(section, known))));
        }
        // A section inside a section: `[refund.stripe]`.
        let mut flat: Vec<(String, &toml::Value)> = Vec::new();
        for (name, value) in keys {
            let nested = format!("{section}.{name}.");
            match value.as_table() {
                Some(table) if SETTINGS.iter().any(|(key, _)| key.starts_with(&nested)) => {
                    flat.extend(table.iter().map(|(inner, value)| (format!("{name}.{inner}"), value)));
                }
                _ => flat.push((name.clone(), value)),
            }
        }
        for (name, value) in &flat {
            let key = format!("{section}.{name}");
            let Some(kind) = setting::kind(&key) else {
                let known = SETTINGS.iter().filter(|(key, _)| inside(key));
                let known = known.filter_map(|(key, _)| key.split_once('.')).map(|(_, name)| name.to_owned());
                return Err(failed(format!(": there is no setting “{key}”{}", suggestion(name, known))));
            };
            let value = kind.read(value).map_err(|reason| failed(format!(": {key} {reason}")))?;
            found.push((key, value));
        }
    }
    Ok(found)
}

/// The variables of `.env`, the last of each name. What is odd about one of ours is noticed; one that cannot be read is an
/// error. Its values are secrets and are never shown.
fn read_dotenv(
    path: &Path,
    environment: &[(OsString, OsString)],
    notices: &mut Vec<String>,
) -> Result<Vec<(String, String)>, ConfigError> {
    let unreadable =
        |error: &dyn std::fmt::Display| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let failed = |line: usize, reason: String| ConfigError::DotEnv {
        path: path.to_owned(),
        reason: format!("line {line}: {reason}"),
    };
    let bytes = std::fs::read(path).map_err(|error| unreadable(&error))?;
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(unreadable(&"it is UTF-16"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let line = error.as_bytes()[..error.utf8_error().valid_up_to()].split(|byte| *byte == b'\n').count();
        unreadable(&format!("line {line} is not UTF-8"))
    })?;
    let read = dotenv::parse(&text);
    let mut notice = |line: usize, what: String| notices.push(format!("{}: line {line}: {what}", path.display()));
    for dotenv::Unreadable { line, reason, text } in &read.unreadable {
        if let Some(name) = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').find(|word| is_ours(word)) {
            return Err(failed(*line, format!("{name} cannot be read: {reason}")));
        }
        notice(*line, format!("it is passed over, because {reason}"));
    }
    let variable = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.to_string_lossy().into_owned())
    };
    let mut values: Vec<dotenv::Resolved> = Vec::new();
    for found in dotenv::resolve(&read.assignments, variable) {
        let dotenv::Resolved { name, value, line, unset } = &found;
        if !is_ours(name) {
            let bare: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if is_ours(&bare.to_uppercase()) && NAMED_VARIABLES.iter().any(|(known, _)| *known == bare.to_uppercase()) {
                notice(*line, format!("“{name}” is another name than {}, and is passed over", bare.to_uppercase()));
            }
            continue;
        }
        match value {
            None => notice(*line, format!("{name} has no “=”, and is not set")),
            Some(value) if value.contains('\0') => {
                return Err(failed(*line, format!("the value of {name} holds a zero byte")));
            }
            Some(value) => {
                if value.starts_with(['“', '”', '‘', '’', '„']) {
                    notice(*line, format!("{name} begins with a typographic quote, which belongs to the value"));
                }
                let inside = value.lines().skip(1).filter_map(|line| line.split_once('='));
                if let Some((other, _)) = inside.into_iter().find(|(other, _)| is_ours(other.trim())) {
                    notice(
                        *line,
                        format!("the quotes of {name} go over several lines and hold {} as well", other.trim()),
                    );
                }
            }
        }
        for unset in unset {
            notice(*line, format!("${{{unset}}} in {name} is not set: nothing is put in its place"));
        }
        if let Some(at) = values.iter().position(|earlier| earlier.name == *name) {
            let earlier = values.remove(at);
            if earlier.value != *value {
                notice(*line, format!("{name} is set in line {} as well: this one holds", earlier.line));
            }
        }
        values.push(found);
    }
    Ok(values.into_iter().filter_map(|found| Some((found.name, found.value?))).collect())
}

/// Whether a variable belongs to this program.
fn is_ours(name: &str) -> bool {
    (name.starts_with("ECOMRES_") && name != LOG_VARIABLE) || NAMED_VARIABLES.iter().any(|(known, _)| *known == name)
}

/// The setting that a variable stands for, if it is one of ours. An unknown name is an error, so that a misspelt limit
/// is not ignored.
fn read_variable(source: &str, name: &str, value: &str) -> Result<Vec<Setting>, ConfigError> {
    if !is_ours(name) {
        return Ok(Vec::new());
    }
    let known = NAMED_VARIABLES.iter().find(|(known, _)| *known == name);
    if known.is_some() && value.is_empty() {
        return Ok(Vec::new());
    }
    let key = if let Some((_, key)) = known {
        (*key).to_owned()
    } else {
        let rest = name.trim_start_matches("ECOMRES_").to_lowercase();
        rest.replace("__", ".")
    };
    let Some(kind) = setting::kind(&key) else {
        let nearest = suggestion(name, SETTINGS.iter().map(|(key, _)| setting::variable(key)));
        return Err(ConfigError::Invalid(format!("{source}the variable {name} stands for no setting{nearest}")));
    };
    let value = kind.read_variable(value).map_err(|reason| ConfigError::Invalid(format!("{source}{name} {reason}")))?;
    Ok(vec![(key, value)])
}

#[cfg(test)]
mod tests;

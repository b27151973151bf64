//! Decides which settings hold: the defaults, a settings file, `.env`, the environment, in this order.
//!
//! It must never show a secret, and never guess: an unknown key or an impossible value is an error that names it.

mod fault;
mod llm;
mod people;
mod refund;
mod servers;
mod setting;

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Serialized, Toml};
use jiff::SignedDuration;
use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use crate::domain::caller::Verification;
use crate::domain::ids::IdPatterns;
use crate::domain::refund::RefundPolicy;
use crate::domain::retention::KeepFor;
pub use fault::ConfigError;
pub use llm::{LlmConfig, PrivacyConfig};
pub use people::DashboardUserConfig;
pub use refund::{Preset, RefundConfig};
pub use servers::McpServerConfig;
use setting::{SETTINGS, suggestion};

/// The defaults, which are also the reference.
pub const DEFAULTS: &str = include_str!("config/default.toml");

/// The names that users of the original system have in their `.env`, `MCP_TOKEN`, and the settings they stand for.
const KNOWN_VARIABLES: [(&str, &str); 8] = [
    ("MONGO_URI", "store.location"),
    ("GROQ_API_KEY", "llm.api_key"),
    ("MCP_TOKEN", "mcp.token"),
    ("VERIFY_TOKEN", "whatsapp.verify_token"),
    ("APP_ID", "whatsapp.app_id"),
    ("APP_SECRET", "whatsapp.app_secret"),
    ("ACCESS_TOKEN", "whatsapp.access_token"),
    ("PHONE_ID", "whatsapp.phone_id"),
];

/// The variable that is about logging, not a setting.
const LOG: &str = "ECOMRES_LOG";

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept.
    pub store: StoreConfig,
    /// How long what is not needed any more is kept.
    pub retention: RetentionConfig,
    /// The intent and sentiment model.
    pub model: ModelConfig,
    /// The shop itself.
    pub shop: ShopConfig,
    /// Orders and who may see them.
    pub orders: OrdersConfig,
    /// The refund policy.
    pub refund: RefundConfig,
    /// When a message is read afresh.
    pub triage: TriageConfig,
    /// When a person is asked in.
    pub escalation: EscalationConfig,
    /// The remote language model.
    pub llm: LlmConfig,
    /// What a remote model does not see.
    pub privacy: PrivacyConfig,
    /// The tool server.
    pub mcp: McpConfig,
    /// The WhatsApp Business Cloud API.
    pub whatsapp: WhatsAppConfig,
    /// Who hears of alerts.
    pub alerts: AlertsConfig,
    /// The pages of the support team.
    pub dashboard: DashboardConfig,
}

/// The pages of the support team.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardConfig {
    /// The argon2 hash of the password; empty: none.
    pub password_hash: SecretString,
    /// What opens the pages as well; empty: none.
    pub token: SecretString,
    /// Members of the team who log in by their names.
    pub users: Vec<DashboardUserConfig>,
    /// Names that this machine is reached by.
    pub allowed_hosts: Vec<String>,
    /// Within how many seconds a customer is to be answered.
    pub response_target_seconds: u32,
}

/// Who hears of alerts.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlertsConfig {
    /// Where every new alert is posted to; empty: nowhere.
    pub webhook_url: String,
    /// The mail server, with credentials; empty: no mail.
    pub smtp_url: SecretString,
    /// Whom mail comes from.
    pub mail_from: String,
    /// Who gets mail.
    pub mail_to: Vec<String>,
}

impl fmt::Debug for AlertsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Such addresses are often secret themselves.
        f.debug_struct("AlertsConfig")
            .field("post", &!self.webhook_url.is_empty())
            .field("mail", &self.mail_to)
            .finish()
    }
}

/// Where everything is kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// A file, or a `mongodb://` address.
    pub location: String,
    /// The database, where the address names none.
    pub database: String,
    /// Seconds for which a server is looked for.
    pub connect_seconds: u32,
    /// Seconds that one operation of a server may take.
    pub timeout_seconds: u32,
    /// Connections at most, to each server.
    pub pool_size: u32,
}

impl fmt::Debug for StoreConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address may hold a password.
        let address = self.location.contains("://");
        let location = if address { "an address" } else { self.location.as_str() };
        f.debug_struct("StoreConfig").field("location", &location).finish_non_exhaustive()
    }
}

/// How long what is not needed any more is kept, in days; 0: for ever.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetentionConfig {
    /// The transcript, and settled alerts.
    pub chats_days: u32,
    /// Messages that were answered, and replies that were sent.
    pub inbox_days: u32,
    /// The audit trail.
    pub audit_days: u32,
}

impl RetentionConfig {
    /// As a sweep wants it.
    pub fn keep_for(&self) -> KeepFor {
        KeepFor::days(self.chats_days, self.inbox_days, self.audit_days)
    }
}

/// The intent and sentiment model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Its folder; empty: found by itself.
    pub folder: String,
}

/// The shop itself.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShopConfig {
    /// The zone of times that are written without one.
    pub timezone: String,
    /// The country code of telephone numbers that lack one.
    pub phone_country: String,
    /// The file of general questions and answers; empty: the shipped one.
    pub faq: String,
}

/// Orders and who may see them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrdersConfig {
    /// How an order id looks.
    pub pattern: String,
    /// How a customer id looks.
    pub customer_pattern: String,
    /// Who may see an order without a telephone number.
    pub verification: Verification,
    /// Distinct orders that one identity may ask for in 24 hours.
    pub daily_limit: u32,
}

/// When a message is read afresh.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriageConfig {
    /// Hours of silence.
    pub gap_hours: u32,
    /// Below this confidence the customer is asked to explain.
    pub clarify_below: f64,
}

impl TriageConfig {
    /// The silence after which a message is read afresh.
    pub fn gap(&self) -> SignedDuration {
        SignedDuration::from_hours(i64::from(self.gap_hours))
    }
}

/// When a person is asked in.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EscalationConfig {
    /// Confidence above which a negative message counts as very negative.
    pub very_negative: f64,
    /// Replies in a row that did not help.
    pub failures: u32,
}

/// The tool server (Model Context Protocol).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct McpConfig {
    /// What every request over HTTP must carry.
    pub token: SecretString,
    /// Names that the server is reached by.
    pub allowed_hosts: Vec<String>,
    /// Web pages that may call.
    pub allowed_origins: Vec<String>,
    /// Requests a second from one address.
    pub requests_per_second: u32,
    /// Tool servers of third parties.
    pub servers: Vec<McpServerConfig>,
}

/// The WhatsApp Business Cloud API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatsAppConfig {
    /// What Meta sends to prove that it is asking.
    pub verify_token: SecretString,
    /// The app.
    pub app_id: String,
    /// The key that webhooks are signed with.
    pub app_secret: SecretString,
    /// The token that messages are sent with.
    pub access_token: SecretString,
    /// The sending telephone number's id.
    pub phone_id: String,
    /// Where the Graph API is.
    pub graph_url: String,
    /// Its version.
    pub graph_version: String,
    /// The template that is sent outside of the 24-hour window; empty: none.
    pub template: String,
    /// Its language.
    pub template_language: String,
    /// Milliseconds of silence that a turn waits for.
    pub burst_ms: u32,
    /// Milliseconds that it waits at most.
    pub burst_longest_ms: u32,
    /// Conversations that are worked on at once.
    pub turns_at_once: u32,
    /// Messages that are sent at once.
    pub sends_at_once: u32,
    /// Seconds for which a conversation or a message is held without a sign of life.
    pub lease_seconds: u32,
    /// Messages a second to all customers.
    pub messages_per_second: u32,
    /// Messages to one customer before the limit of a pair holds.
    pub pair_burst: u32,
}

impl WhatsAppConfig {
    /// The variables that are not set, in their usual order; all five when the group is unused.
    pub fn missing(&self) -> Vec<&'static str> {
        let secret = |value: &SecretString| value.expose_secret().is_empty();
        [
            ("VERIFY_TOKEN", secret(&self.verify_token)),
            ("APP_ID", self.app_id.is_empty()),
            ("APP_SECRET", secret(&self.app_secret)),
            ("ACCESS_TOKEN", secret(&self.access_token)),
            ("PHONE_ID", self.phone_id.is_empty()),
        ]
        .into_iter()
        .filter_map(|(name, missing)| missing.then_some(name))
        .collect()
    }
}

/// Where settings are read from besides the defaults.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The settings file that was named; without one, `ecomres.toml` is used where it exists.
    pub file: Option<PathBuf>,
    /// The folder that `ecomres.toml` and `.env` are looked for in.
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
        let named = sources.file.clone();
        let usual = sources.folder.join("ecomres.toml");
        if let Some(path) = named.or_else(|| usual.exists().then_some(usual)) {
            figment = with_values(figment, read_file(&path)?);
        }
        let dotenv = sources.folder.join(".env");
        if dotenv.exists() {
            for (name, value) in read_dotenv(&dotenv)? {
                figment = with_values(figment, read_variable(&format!("{}: ", dotenv.display()), &name, &value)?);
            }
        }
        for (name, value) in &sources.environment {
            let Some(name) = name.to_str() else { continue };
            if let Some(value) = value.to_str() {
                figment = with_values(figment, read_variable("", name, value)?);
            } else if is_ours(name) {
                return Err(ConfigError::Invalid(format!("the value of {name} is not UTF-8")));
            }
        }
        // Every value was read as what it must be: what is left can only be a fault of the defaults.
        figment.extract().map_err(|error| {
            ConfigError::Invalid(format!("the setting {} cannot be used: {}", error.path.join("."), error.kind))
        })
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never in a released build: a test holds that the defaults are valid.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::load(&Sources { folder: PathBuf::from("/nonexistent"), ..Sources::default() })
    }

    /// How identifiers look.
    ///
    /// # Errors
    /// When a pattern is no regular expression.
    pub fn patterns(&self) -> Result<IdPatterns, ConfigError> {
        IdPatterns::new(&self.orders.pattern, &self.orders.customer_pattern)
            .map_err(|error| ConfigError::Invalid(format!("orders.pattern or orders.customer_pattern: {error}")))
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

    /// The refund policy.
    ///
    /// # Errors
    /// When a value is impossible.
    pub fn policy(&self) -> Result<RefundPolicy, ConfigError> {
        self.refund.policy()
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
        for (name, value) in keys {
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

fn read_dotenv(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let unreadable =
        |error: &dyn std::fmt::Display| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() };
    let failed = |reason: String| ConfigError::DotEnv { path: path.to_owned(), reason };
    let lines = dotenvy::from_path_iter(path).map_err(|error| unreadable(&error))?;
    lines
        .enumerate()
        .map(|(index, line)| {
            line.map_err(|error| match error {
                dotenvy::Error::Io(error) => unreadable(&error),
                // The parser's error quotes the line, which may hold a secret.
                _ => failed(format!("assignment {} is not NAME=value", index + 1)),
            })
        })
        .collect()
}

/// Whether a variable is meant for this program.
fn is_ours(name: &str) -> bool {
    (name.starts_with("ECOMRES_") && name != LOG) || KNOWN_VARIABLES.iter().any(|(known, _)| *known == name)
}

/// The setting that a variable stands for, if it is one of ours. A name that means nothing is an error: a limit that
/// does not hold must not pass unseen.
fn read_variable(source: &str, name: &str, value: &str) -> Result<Vec<Setting>, ConfigError> {
    if !is_ours(name) {
        return Ok(Vec::new());
    }
    let known = KNOWN_VARIABLES.iter().find(|(known, _)| *known == name);
    if known.is_some() && value.is_empty() {
        return Ok(Vec::new());
    }
    let key = match known {
        Some((_, key)) => (*key).to_owned(),
        None => {
            let rest = name.trim_start_matches("ECOMRES_").to_lowercase();
            rest.split_once("__").map(|(section, key)| format!("{section}.{key}")).unwrap_or_default()
        }
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

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
mod sources;
mod whatsapp;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

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
pub use servers::{McpConfig, McpServerConfig, MetricsConfig, ServerConfig};
use setting::SETTINGS;
use sources::Settings;
pub use sources::Sources;
pub use whatsapp::WhatsAppConfig;

/// The defaults, which are also the reference.
pub const DEFAULTS: &str = include_str!("config/default.toml");

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

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// When a named file cannot be read, or a key or value is wrong: the error names the source and the key.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let Settings { figment, origins, notices } = sources.read()?;
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

#[cfg(test)]
mod tests;

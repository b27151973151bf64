//! Decides which settings hold: the defaults, a settings file, `.env`, the environment, in this order.
//!
//! It must never show a secret, and never guess: an unknown key or an impossible value is an error that names it.

mod refund;

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
pub use refund::{Preset, RefundConfig};

/// The defaults, which are also the reference.
pub const DEFAULTS: &str = include_str!("config/default.toml");

/// The names that users of the original system have in their `.env`, and the settings they stand for.
const KNOWN_VARIABLES: [(&str, &str); 7] = [
    ("MONGO_URI", "store.location"),
    ("GROQ_API_KEY", "llm.api_key"),
    ("VERIFY_TOKEN", "whatsapp.verify_token"),
    ("APP_ID", "whatsapp.app_id"),
    ("APP_SECRET", "whatsapp.app_secret"),
    ("ACCESS_TOKEN", "whatsapp.access_token"),
    ("PHONE_ID", "whatsapp.phone_id"),
];

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where everything is kept.
    pub store: StoreConfig,
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
    /// The WhatsApp Business Cloud API.
    pub whatsapp: WhatsAppConfig,
}

/// Where everything is kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreConfig {
    /// A file, or a `mongodb://` address.
    pub location: String,
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

/// The remote language model.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LlmConfig {
    /// The API key.
    pub api_key: SecretString,
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

/// Why the settings do not hold.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A named file is not there or cannot be read.
    #[error("the settings file {path} cannot be read: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// A line of `.env` is no assignment.
    #[error("{path} cannot be read: {reason}")]
    DotEnv {
        /// Which file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// A key or value is wrong.
    #[error("{0}")]
    Invalid(String),
}

impl ConfigError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unreadable { .. } => {
                "name an existing file with --config, or leave the flag out for the defaults".into()
            }
            Self::DotEnv { .. } => "write one NAME=value a line; put values with spaces or # into quotes".into(),
            Self::Invalid(_) => "all settings with their meaning are in src/config/default.toml".into(),
        })
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
    pub environment: Vec<(String, String)>,
}

impl Sources {
    /// The current folder and the environment of this process.
    pub fn process(file: Option<PathBuf>) -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect();
        Self { file, folder: PathBuf::new(), environment }
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
            let text = std::fs::read_to_string(&path)
                .map_err(|error| ConfigError::Unreadable { path: path.clone(), reason: error.to_string() })?;
            toml::from_str::<toml::Table>(&text)
                .map_err(|error| ConfigError::Invalid(format!("{}: {}", path.display(), error.to_string().trim())))?;
            figment = figment.merge(Toml::file_exact(&path));
        }
        let dotenv = sources.folder.join(".env");
        if dotenv.exists() {
            figment = with_variables(figment, &read_dotenv(&dotenv)?);
        }
        figment = with_variables(figment, &sources.environment);
        let config: Self = figment.extract().map_err(|error| ConfigError::Invalid(describe(error)))?;
        config.check()?;
        Ok(config)
    }

    /// The defaults alone.
    ///
    /// # Errors
    /// Never in a released build: a test holds that the defaults are valid.
    pub fn defaults() -> Result<Self, ConfigError> {
        Self::load(&Sources { folder: PathBuf::from("/nonexistent"), ..Sources::default() })
    }

    fn check(&self) -> Result<(), ConfigError> {
        self.patterns()?;
        self.zone()?;
        self.policy()?;
        let share = |name: &str, value: f64| {
            (0.0..=1.0)
                .contains(&value)
                .then_some(())
                .ok_or_else(|| ConfigError::Invalid(format!("{name} is {value}; it must be from 0 to 1")))
        };
        share("triage.clarify_below", self.triage.clarify_below)?;
        share("escalation.very_negative", self.escalation.very_negative)
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

fn read_dotenv(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let failed = |reason: String| ConfigError::DotEnv { path: path.to_owned(), reason };
    let lines = dotenvy::from_path_iter(path).map_err(|error| failed(error.to_string()))?;
    // The parser's error quotes the line, which may hold a secret.
    lines
        .enumerate()
        .map(|(index, line)| line.map_err(|_| failed(format!("assignment {} is not NAME=value", index + 1))))
        .collect()
}

fn with_variables(mut figment: Figment, variables: &[(String, String)]) -> Figment {
    for (name, value) in variables {
        let key = match KNOWN_VARIABLES.iter().find(|(known, _)| known == name) {
            Some((_, key)) if !value.is_empty() => (*key).to_owned(),
            Some(_) => continue,
            None => match name.strip_prefix("ECOMRES_").and_then(|rest| rest.split_once("__")) {
                Some((section, key)) => format!("{}.{}", section.to_lowercase(), key.to_lowercase()),
                None => continue,
            },
        };
        // A bare word is text; what reads as a TOML number, list or flag is that.
        let text_only = KNOWN_VARIABLES.iter().any(|(known, _)| known == name);
        let parsed = (!text_only)
            .then(|| toml::from_str::<toml::Table>(&format!("v = {value}")).ok()?.remove("v"))
            .flatten()
            .filter(|value| !value.is_datetime())
            .unwrap_or_else(|| toml::Value::String(value.clone()));
        figment = figment.merge(Serialized::default(&key, parsed));
    }
    figment
}

/// The error in words: which key, from where, and what would be right.
fn describe(error: figment::Error) -> String {
    let Some(error) = error.into_iter().next() else { return "the settings cannot be read".to_owned() };
    let key = error.path.join(".");
    let source = error.metadata.as_ref().and_then(|metadata| metadata.source.as_ref()).map(ToString::to_string);
    let source = source.map(|source| format!(" (in {source})")).unwrap_or_default();
    match &error.kind {
        figment::error::Kind::UnknownField(field, expected) => {
            let nearest = expected
                .iter()
                .map(|known| (strsim::damerau_levenshtein(field, known), known))
                .min()
                .filter(|(distance, _)| *distance <= 3)
                .map(|(_, known)| format!("; did you mean “{known}”?"))
                .unwrap_or_default();
            format!("there is no setting “{key}”{source}{nearest}")
        }
        kind => format!("the setting “{key}” is wrong{source}: {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Money;

    fn load(toml: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ecomres.toml"), toml).unwrap();
        Config::load(&Sources {
            file: None,
            folder: folder.path().to_owned(),
            environment: environment.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect(),
        })
    }

    #[test]
    fn the_defaults_are_valid_and_refund_in_full() {
        let config = Config::defaults().unwrap();
        let policy = config.policy().unwrap();
        assert!(policy.refused_categories.is_empty());
        assert!(policy.shipping_fee.is_zero());
        assert_eq!(policy.max_automatic, None);
        assert_eq!(config.orders.verification, Verification::Claim);
    }

    #[test]
    fn the_grocery_preset_and_overrides() {
        let policy = load("[refund]\npreset = 'grocery'\nmax_automatic = '1,500'", &[]).unwrap().policy().unwrap();
        assert_eq!(policy.refused_categories.len(), 5);
        assert_eq!(policy.shipping_fee.to_string(), "5 %");
        assert_eq!(policy.max_automatic, Some(Money::from_rupees(1_500)));
        let policy =
            load("", &[("ECOMRES_REFUND__PRESET", "grocery"), ("ECOMRES_REFUND__SHIPPING_FEE_PERCENT", "2.5")]);
        assert_eq!(policy.unwrap().policy().unwrap().shipping_fee.to_string(), "2.5 %");
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let config = load("[store]\nlocation = 'a.db'", &[("MONGO_URI", "mongodb://h/x")]).unwrap();
        assert_eq!(config.store.location, "mongodb://h/x");
        let config = load("[store]\nlocation = 'a.db'", &[("MONGO_URI", "")]).unwrap();
        assert_eq!(config.store.location, "a.db");
        let config = load("", &[("APP_ID", "0123456789"), ("PHONE_ID", "42")]).unwrap();
        assert_eq!(config.whatsapp.app_id, "0123456789");
        assert_eq!(config.whatsapp.missing(), ["VERIFY_TOKEN", "APP_SECRET", "ACCESS_TOKEN"]);
    }

    #[test]
    fn wrong_settings_are_named() {
        for (toml, expected) in [
            ("[refund]\npresett = 'grocery'", "there is no setting “refund.presett”"),
            ("[refund]\npresett = 'grocery'", "did you mean “preset”?"),
            ("[refund]\npreset = 'groceri'", "refund.preset"),
            ("[refund]\nshipping_fee_percent = 120", "refund.shipping_fee_percent"),
            ("[refund]\nmax_automatic = 'lots'", "max_automatic"),
            ("[shop]\ntimezone = 'Mars/Olympus'", "Mars/Olympus"),
            ("[orders]\npattern = '('", "orders.pattern"),
            ("[triage]\ngap_hours = 'x'", "triage.gap_hours"),
            ("[escalation]\nvery_negative = 9", "escalation.very_negative"),
            ("[stores]\nlocation = 'x'", "stores"),
            ("nonsense", "ecomres.toml"),
        ] {
            let error = load(toml, &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{toml}: {error}");
        }
    }

    #[test]
    fn secrets_never_show() {
        let config = load("", &[("ACCESS_TOKEN", "tok-very-secret")]).unwrap();
        assert!(!format!("{config:?}").contains("very-secret"));
    }
}

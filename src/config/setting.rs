//! Decides which settings there are and what each may hold, whichever source it comes from.
//!
//! It must never show the value of a text setting, which may be a secret, nor take a value that means something else.

use std::fmt::Display;

use jiff::tz::TimeZone;
use toml::Value;

use super::{people, servers};
use crate::domain::ids::IdPatterns;
use crate::domain::money::Money;
use crate::domain::words::excerpt;

/// What a setting may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any text.
    Text,
    /// Any text but an empty one.
    NotEmpty,
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// A number of days, from this one on, or 0.
    Days(i64),
    /// A number from 0 to 1.
    Share,
    /// A number from 0 to 2.
    UpToTwo,
    /// true or false.
    Flag,
    /// An `http://` or `https://` address.
    Url,
    /// An amount of money of 0 or more.
    Amount,
    /// A percentage from 0 to less than 100.
    Percent,
    /// A list of texts.
    List,
    /// The tool servers of third parties: only in a settings file.
    Servers,
    /// The members of the team: only in a settings file.
    Users,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// The country code of a telephone number.
    CountryCode,
    /// How order ids look.
    OrderPattern,
    /// How customer ids look.
    CustomerPattern,
    /// A time zone.
    Zone,
}

/// A hundred years.
const MOST_DAYS: i64 = 36_500;

/// All settings, with the optional ones that `default.toml` only names in remarks.
pub(super) const SETTINGS: &[(&str, Kind)] = &[
    ("store.location", Kind::NotEmpty),
    ("store.database", Kind::NotEmpty),
    ("store.connect_seconds", Kind::Whole(1, 600)),
    ("store.timeout_seconds", Kind::Whole(1, 3_600)),
    ("store.pool_size", Kind::Whole(1, 1_000)),
    ("retention.chats_days", Kind::Days(1)),
    ("retention.inbox_days", Kind::Days(7)),
    ("retention.audit_days", Kind::Days(1)),
    ("model.folder", Kind::Text),
    ("shop.timezone", Kind::Zone),
    ("shop.phone_country", Kind::CountryCode),
    ("shop.faq", Kind::Text),
    ("orders.pattern", Kind::OrderPattern),
    ("orders.customer_pattern", Kind::CustomerPattern),
    ("orders.verification", Kind::OneOf(&["claim", "strict", "off"])),
    ("orders.daily_limit", Kind::Whole(1, 1_000_000)),
    ("refund.preset", Kind::OneOf(&["default", "grocery"])),
    ("refund.refused_categories", Kind::List),
    ("refund.shipping_fee_percent", Kind::Percent),
    ("refund.max_automatic", Kind::Amount),
    ("refund.window_days", Kind::Whole(1, 3_650)),
    ("refund.quote_minutes", Kind::Whole(1, 10_080)),
    ("refund.estimated_arrival", Kind::NotEmpty),
    ("triage.gap_hours", Kind::Whole(1, 87_600)),
    ("triage.clarify_below", Kind::Share),
    ("escalation.very_negative", Kind::Share),
    ("escalation.failures", Kind::Whole(1, 1_000)),
    ("llm.api_key", Kind::Text),
    ("llm.base_url", Kind::Url),
    ("llm.model", Kind::NotEmpty),
    ("llm.fallback_model", Kind::Text),
    ("llm.temperature", Kind::UpToTwo),
    ("llm.max_tokens", Kind::Whole(64, 100_000)),
    ("llm.reasoning_effort", Kind::OneOf(&["", "none", "default", "low", "medium", "high"])),
    ("llm.timeout_seconds", Kind::Whole(1, 600)),
    ("llm.turn_seconds", Kind::Whole(1, 600)),
    ("llm.connect_seconds", Kind::Whole(1, 60)),
    ("llm.token_budget", Kind::Whole(3_000, 1_000_000)),
    ("llm.result_tokens", Kind::Whole(100, 100_000)),
    ("llm.breaker_failures", Kind::Whole(1, 1_000)),
    ("llm.breaker_seconds", Kind::Whole(1, 3_600)),
    ("privacy.mask", Kind::Flag),
    ("mcp.token", Kind::Text),
    ("mcp.allowed_hosts", Kind::List),
    ("mcp.allowed_origins", Kind::List),
    ("mcp.requests_per_second", Kind::Whole(1, 1_000_000)),
    ("mcp.servers", Kind::Servers),
    ("whatsapp.verify_token", Kind::Text),
    ("whatsapp.app_id", Kind::Text),
    ("whatsapp.app_secret", Kind::Text),
    ("whatsapp.access_token", Kind::Text),
    ("whatsapp.phone_id", Kind::Text),
    ("whatsapp.graph_url", Kind::NotEmpty),
    ("whatsapp.graph_version", Kind::NotEmpty),
    ("whatsapp.template", Kind::Text),
    ("whatsapp.template_language", Kind::NotEmpty),
    ("whatsapp.burst_ms", Kind::Whole(0, 60_000)),
    ("whatsapp.burst_longest_ms", Kind::Whole(0, 600_000)),
    ("whatsapp.turns_at_once", Kind::Whole(1, 1_000)),
    ("whatsapp.sends_at_once", Kind::Whole(1, 1_000)),
    ("whatsapp.lease_seconds", Kind::Whole(1, 600)),
    ("whatsapp.messages_per_second", Kind::Whole(1, 10_000)),
    ("whatsapp.pair_burst", Kind::Whole(1, 1_000)),
    ("alerts.webhook_url", Kind::Text),
    ("alerts.smtp_url", Kind::Text),
    ("alerts.mail_from", Kind::Text),
    ("alerts.mail_to", Kind::List),
    ("dashboard.password_hash", Kind::Text),
    ("dashboard.token", Kind::Text),
    ("dashboard.users", Kind::Users),
    ("dashboard.allowed_hosts", Kind::List),
    ("dashboard.response_target_seconds", Kind::Whole(1, 86_400)),
];

/// What a setting may hold, if there is such a setting.
pub(super) fn kind(key: &str) -> Option<Kind> {
    SETTINGS.iter().find(|(known, _)| *known == key).map(|(_, kind)| *kind)
}

/// The variable that stands for a setting.
pub(super) fn variable(key: &str) -> String {
    format!("ECOMRES_{}", key.replace('.', "__").to_uppercase())
}

/// What comes close to a wrong name: “; did you mean …?”, or nothing.
pub(super) fn suggestion(wrong: &str, known: impl Iterator<Item = String>) -> String {
    known
        .map(|known| (strsim::damerau_levenshtein(wrong, &known), known))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, known)| format!("; did you mean “{known}”?"))
        .unwrap_or_default()
}

/// Words that no identifier may look like: a pattern that finds one would find an order in every message.
const PLAIN: &str = "Hi HELLO please where is my order I want a refund for it thanks ok yes no in a one-word reply";

impl Kind {
    /// Reads a value from a settings file. The error completes “the setting …”.
    pub(super) fn read(self, value: &Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Whole(..) | Self::Days(_), Value::Integer(number)) => self.whole(Some(*number), number),
            (Self::Share | Self::UpToTwo, Value::Float(number)) => self.number(Some(*number), number),
            #[allow(clippy::cast_precision_loss)]
            (Self::Share | Self::UpToTwo, Value::Integer(number)) => self.number(Some(*number as f64), number),
            (Self::Flag, Value::Boolean(_)) => Ok(value.clone()),
            (Self::List, Value::Array(list)) if list.iter().all(Value::is_str) => Ok(value.clone()),
            (Self::Servers, Value::Array(list)) => servers::check(list).map(|()| value.clone()),
            (Self::Users, Value::Array(list)) => people::check(list).map(|()| value.clone()),
            (Self::Amount | Self::Percent, Value::Integer(number)) => self.text(&number.to_string()),
            (Self::Amount | Self::Percent, Value::Float(number)) => self.text(&number.to_string()),
            (
                Self::Whole(..)
                | Self::Days(_)
                | Self::Share
                | Self::UpToTwo
                | Self::Flag
                | Self::List
                | Self::Servers
                | Self::Users,
                _,
            ) => Err(wrong(&type_of(value), &self.wanted())),
            (_, Value::String(text)) => self.text(text),
            // `phone_country = 91` can mean one thing only.
            (_, Value::Integer(number)) => self.text(&number.to_string()),
            (_, other) => Err(wrong(&type_of(other), &self.wanted())),
        }
    }

    /// Reads the value of a variable. The error completes “the setting …”.
    pub(super) fn read_variable(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Whole(..) | Self::Days(_) => self.whole(text.trim().parse().ok(), &shown(text)),
            Self::Share | Self::UpToTwo => self.number(text.trim().parse().ok(), &shown(text)),
            Self::Flag => match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(Value::Boolean(true)),
                "false" | "no" | "off" | "0" => Ok(Value::Boolean(false)),
                _ => Err(wrong(&shown(text), &self.wanted())),
            },
            Self::List if text.trim_start().starts_with('[') => toml::from_str::<toml::Table>(&format!("v = {text}"))
                .ok()
                .and_then(|mut table| table.remove("v"))
                .filter(|value| value.as_array().is_some_and(|list| list.iter().all(Value::is_str)))
                .ok_or_else(|| wrong(&shown(text), &self.wanted())),
            Self::List => {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                Ok(Value::Array(names.map(|name| Value::String(name.to_owned())).collect()))
            }
            Self::Servers => Err("can only be set in a settings file, as [[mcp.servers]]".to_owned()),
            Self::Users => Err("can only be set in a settings file, as [[dashboard.users]]".to_owned()),
            _ => self.text(text),
        }
    }

    fn text(self, text: &str) -> Result<Value, String> {
        let refused = || Err(wrong(&shown(text), &self.wanted()));
        let trimmed = text.trim();
        let kept = match self {
            Self::NotEmpty if trimmed.is_empty() => return Err("is empty".to_owned()),
            Self::OneOf(words) if !words.contains(&trimmed) => return refused(),
            Self::OneOf(_) => trimmed,
            Self::Amount => match Money::parse(text) {
                Ok(amount) if amount >= Money::ZERO => text,
                _ => return refused(),
            },
            Self::Percent => match Money::parse(trimmed.trim_end_matches(['%', ' '])) {
                Ok(percent) if (0..10_000).contains(&percent.paise()) => trimmed,
                _ => return refused(),
            },
            Self::CountryCode => {
                let digits = trimmed.strip_prefix('+').unwrap_or(trimmed);
                let code = (1..=3).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
                if !code || digits.starts_with('0') {
                    return refused();
                }
                digits
            }
            Self::OrderPattern | Self::CustomerPattern => {
                self.pattern(text)?;
                text
            }
            Self::Url => {
                let rest = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
                if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with(['/', '?', ':']) || rest.contains(' ')) {
                    return refused();
                }
                trimmed
            }
            Self::Zone if TimeZone::get(trimmed).is_err() => return refused(),
            Self::Zone => trimmed,
            _ => text,
        };
        Ok(Value::String(kept.to_owned()))
    }

    fn pattern(self, text: &str) -> Result<(), String> {
        let (order, customer) = match self {
            Self::OrderPattern => (text, IdPatterns::CUSTOMER),
            _ => (IdPatterns::ORDER, text),
        };
        let patterns = IdPatterns::new(order, customer).map_err(|error| {
            // The parser draws a picture of the place; its last line says what is wrong.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("is {}, which is no regular expression: {reason}", shown(text))
        })?;
        let first = |text: &str| match self {
            Self::OrderPattern => patterns.orders_in(text).into_iter().next().map(|id| id.as_str().to_owned()),
            _ => patterns.customers_in(text).into_iter().next(),
        };
        match first("").or_else(|| first(PLAIN)) {
            None => Ok(()),
            Some(found) if found.is_empty() => {
                Err(format!("is {}, which finds an id in every message, even an empty one", shown(text)))
            }
            Some(found) => {
                Err(format!("is {}, which takes plain words for an id, such as {}", shown(text), shown(&found)))
            }
        }
    }

    fn whole(self, number: Option<i64>, found: &dyn Display) -> Result<Value, String> {
        match (self, number) {
            (Self::Whole(least, most), Some(number)) if (least..=most).contains(&number) => Ok(Value::Integer(number)),
            (Self::Days(least), Some(number)) if number == 0 || (least..=MOST_DAYS).contains(&number) => {
                Ok(Value::Integer(number))
            }
            _ => Err(wrong(&found.to_string(), &self.wanted())),
        }
    }

    fn number(self, number: Option<f64>, found: &dyn Display) -> Result<Value, String> {
        let most = if self == Self::UpToTwo { 2.0 } else { 1.0 };
        match number.filter(|number| (0.0..=most).contains(number)) {
            Some(number) => Ok(Value::Float(number)),
            None => Err(wrong(&found.to_string(), &self.wanted())),
        }
    }

    fn wanted(self) -> String {
        match self {
            Self::Text | Self::NotEmpty => "text in quotes".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Days(least) => format!("0 (for ever) or a whole number of days from {least} to {MOST_DAYS}"),
            Self::Share => "a number from 0 to 1".to_owned(),
            Self::UpToTwo => "a number from 0 to 2".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::Url => "an address such as https://api.example.com/v1".to_owned(),
            Self::Amount => "an amount such as 2000, not below 0 and with at most two decimals".to_owned(),
            Self::Percent => "a percentage from 0 to less than 100 with at most two decimals".to_owned(),
            Self::Servers => "one or more sections [[mcp.servers]]".to_owned(),
            Self::Users => "one or more sections [[dashboard.users]]".to_owned(),
            Self::List => "a list of names such as [\"Beverages\", \"Snacks\"]".to_owned(),
            Self::OneOf(words) => words.join(" or "),
            Self::CountryCode => "a country code of 1 to 3 digits such as 91".to_owned(),
            Self::OrderPattern | Self::CustomerPattern => "a regular expression in quotes".to_owned(),
            Self::Zone => "a time zone such as Asia/Kolkata".to_owned(),
        }
    }
}

fn wrong(found: &str, wanted: &str) -> String {
    format!("is {found}; it must be {wanted}")
}

fn shown(text: &str) -> String {
    format!("“{}”", excerpt(text, 60).escape_debug())
}

fn type_of(value: &Value) -> String {
    match value {
        Value::String(text) => shown(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(date) => date.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a section".to_owned(),
    }
}

//! All settings, and the validation of their values from any source. The value of a text setting, which may be a
//! secret, is never shown.

use std::fmt::Display;

use jiff::tz::TimeZone;
use toml::Value;

use super::{events, people, servers};
use crate::domain::address::without_credentials;
use crate::domain::audit::AuditKey;
use crate::domain::currency::{Currency, CurrencyError};
use crate::domain::money::Decimal;
use crate::domain::phone::Country;
use crate::domain::words::excerpt;

/// The values that a setting allows.
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
    /// As well, or empty.
    OptionalUrl,
    /// The key of the audit trail, or empty.
    AuditKey,
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
    /// Sections `[[team.replies]]`.
    Replies,
    /// The endpoints of events: only in a settings file.
    Endpoints,
    /// What deliveries are signed with, or empty.
    SigningSecret,
    /// A list of types of events.
    EventTypes,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A country, by two letters.
    Country,
    /// A currency by its code, or nothing.
    Currency,
    /// The country code of a telephone number, or nothing.
    CountryCode,
    /// What columns of imported files hold: only in a settings file.
    Columns,
    /// Days by category: only in a settings file.
    Windows,
    /// How order ids look.
    OrderPattern,
    /// How customer ids look.
    CustomerPattern,
    /// A time zone.
    Zone,
}

/// The states before which something can be done to an order.
const STATES: &[&str] = &["confirmed", "packed", "out for delivery", "delivered"];

/// A hundred years.
const MOST_DAYS: i64 = 36_500;

/// All settings, with the optional ones that are only in comments of `default.toml`.
pub(super) const SETTINGS: &[(&str, Kind)] = &[
    ("store.location", Kind::NotEmpty),
    ("store.database", Kind::NotEmpty),
    ("store.connect_seconds", Kind::Whole(1, 600)),
    ("store.timeout_seconds", Kind::Whole(1, 3_600)),
    ("store.pool_size", Kind::Whole(1, 1_000)),
    ("retention.chats_days", Kind::Days(1)),
    ("retention.inbox_days", Kind::Days(7)),
    ("retention.audit_days", Kind::Days(1)),
    ("retention.events_days", Kind::Days(1)),
    ("audit.key", Kind::AuditKey),
    ("audit.key_file", Kind::Text),
    ("audit.anchor_url", Kind::OptionalUrl),
    ("audit.head_minutes", Kind::Whole(1, 1_440)),
    ("audit.head_entries", Kind::Whole(1, 1_000_000)),
    ("model.folder", Kind::Text),
    ("shop.timezone", Kind::Zone),
    ("shop.country", Kind::Country),
    ("shop.currency", Kind::Currency),
    ("shop.phone_country", Kind::CountryCode),
    ("shop.faq", Kind::Text),
    ("knowledge.folder", Kind::Text),
    ("orders.pattern", Kind::OrderPattern),
    ("orders.customer_pattern", Kind::CustomerPattern),
    ("orders.verification", Kind::OneOf(&["claim", "strict", "off"])),
    ("orders.daily_limit", Kind::Whole(1, 1_000_000)),
    ("orders.claim_proof", Kind::List),
    ("orders.token", Kind::Text),
    ("orders.shopify_secret", Kind::Text),
    ("orders.woocommerce_secret", Kind::Text),
    ("import.from", Kind::OneOf(&["", "shopify", "woocommerce", "amazon", "original"])),
    ("import.dates", Kind::OneOf(&["", "day-first", "month-first", "year-first"])),
    ("import.decimal", Kind::OneOf(&["", "point", "comma"])),
    ("import.columns", Kind::Columns),
    ("refund.preset", Kind::OneOf(&["default", "grocery"])),
    ("refund.refused_categories", Kind::List),
    ("refund.shipping_fee_percent", Kind::Percent),
    ("refund.max_automatic", Kind::Amount),
    ("refund.window_days", Kind::Whole(1, 3_650)),
    ("refund.quote_minutes", Kind::Whole(1, 10_080)),
    ("refund.estimated_arrival", Kind::NotEmpty),
    ("refund.provider", Kind::OneOf(&["ledger", "webhook", "razorpay", "stripe"])),
    ("refund.webhook.url", Kind::OptionalUrl),
    ("refund.webhook.secret", Kind::Text),
    ("refund.razorpay.key_id", Kind::Text),
    ("refund.razorpay.key_secret", Kind::Text),
    ("refund.razorpay.url", Kind::Url),
    ("refund.stripe.secret_key", Kind::Text),
    ("refund.stripe.url", Kind::Url),
    ("policy.cancel_until", Kind::OneOf(STATES)),
    ("policy.change_until", Kind::OneOf(STATES)),
    ("policy.return_window_days", Kind::Whole(0, 3_650)),
    ("policy.return_windows", Kind::Windows),
    ("policy.photo_required", Kind::List),
    ("policy.needs_photo", Kind::List),
    ("policy.never_returned", Kind::List),
    ("policy.monthly_refunds", Kind::Whole(0, 1_000)),
    ("policy.monthly_amount", Kind::Amount),
    ("policy.exchange", Kind::Flag),
    ("policy.replacement", Kind::Flag),
    ("policy.refund_on_return", Kind::OneOf(&["on_receipt", "at_once"])),
    ("triage.gap_hours", Kind::Whole(1, 87_600)),
    ("triage.clarify_below", Kind::Share),
    ("escalation.very_negative", Kind::Share),
    ("escalation.failures", Kind::Whole(1, 1_000)),
    ("escalation.remind_hours", Kind::Whole(1, 8_760)),
    ("escalation.hours", Kind::List),
    ("llm.api_key", Kind::Text),
    ("llm.base_url", Kind::Url),
    ("llm.model", Kind::NotEmpty),
    ("llm.fallback_model", Kind::Text),
    ("llm.transcribe_model", Kind::Text),
    ("llm.vision_model", Kind::Text),
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
    ("media.folder", Kind::Text),
    ("media.quota_mb", Kind::Whole(0, 10_000_000)),
    ("privacy.mask", Kind::Flag),
    ("server.trusted_proxies", Kind::List),
    ("server.client_header", Kind::OneOf(&["X-Forwarded-For", "Forwarded", "X-Real-IP"])),
    ("server.connections", Kind::Whole(0, 1_000_000)),
    ("server.connections_per_address", Kind::Whole(0, 1_000_000)),
    ("metrics.token", Kind::Text),
    ("metrics.listen", Kind::Text),
    ("mcp.token", Kind::Text),
    ("mcp.allowed_hosts", Kind::List),
    ("mcp.allowed_origins", Kind::List),
    ("mcp.requests_per_second", Kind::Whole(1, 1_000_000)),
    ("mcp.start_seconds", Kind::Whole(1, 600)),
    ("mcp.servers", Kind::Servers),
    ("whatsapp.verify_token", Kind::Text),
    ("whatsapp.app_id", Kind::Text),
    ("whatsapp.app_secret", Kind::Text),
    ("whatsapp.access_token", Kind::Text),
    ("whatsapp.phone_id", Kind::Text),
    ("whatsapp.graph_url", Kind::NotEmpty),
    ("whatsapp.graph_version", Kind::NotEmpty),
    ("whatsapp.account_id", Kind::Text),
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
    ("events.url", Kind::OptionalUrl),
    ("events.secret", Kind::SigningSecret),
    ("events.previous_secret", Kind::SigningSecret),
    ("events.types", Kind::EventTypes),
    ("events.customer_identity", Kind::Flag),
    ("events.timeout_seconds", Kind::Whole(1, 60)),
    ("events.endpoints", Kind::Endpoints),
    ("dashboard.password_hash", Kind::Text),
    ("dashboard.token", Kind::Text),
    ("dashboard.users", Kind::Users),
    ("dashboard.allowed_hosts", Kind::List),
    ("dashboard.response_target_seconds", Kind::Whole(1, 86_400)),
    ("team.replies", Kind::Replies),
    ("team.agent_refund_limit", Kind::Amount),
    ("team.first_reply_minutes", Kind::Whole(0, 525_600)),
    ("team.resolve_hours", Kind::Whole(0, 8_760)),
    ("team.round_robin", Kind::Flag),
    ("team.ask_rating", Kind::Flag),
];

/// The values that a setting allows, if there is such a setting.
pub(super) fn kind(key: &str) -> Option<Kind> {
    SETTINGS.iter().find(|(known, _)| *known == key).map(|(_, kind)| *kind)
}

/// The variable that stands for a setting.
pub(super) fn variable(key: &str) -> String {
    format!("ECOMRES_{}", key.replace('.', "__").to_uppercase())
}

/// The known name that is closest to a wrong one, as “; did you mean …?”, or nothing.
pub(super) fn suggestion(wrong: &str, known: impl Iterator<Item = String>) -> String {
    known
        .map(|known| (strsim::damerau_levenshtein(wrong, &known), known))
        .min()
        .filter(|(distance, _)| *distance <= 3)
        .map(|(_, known)| format!("; did you mean “{known}”?"))
        .unwrap_or_default()
}

/// Words that a pattern of identifiers must not match: otherwise it would find an order in every message.
const PLAIN: &str = "Hi HELLO please where is my order I want a refund for it thanks ok yes no in a one-word reply";

impl Kind {
    /// Reads a value from a settings file. The error completes “the setting …”.
    pub(super) fn read(self, value: &Value) -> Result<Value, String> {
        match (self, value) {
            (Self::Whole(..) | Self::Days(_), Value::Integer(number)) => self.whole(Some(*number), number),
            (Self::Share | Self::UpToTwo, Value::Float(number)) => self.number(Some(*number), number),
            #[expect(clippy::cast_precision_loss, reason = "only 0, 1 and 2 are accepted")]
            (Self::Share | Self::UpToTwo, Value::Integer(number)) => self.number(Some(*number as f64), number),
            (Self::Flag, Value::Boolean(_)) => Ok(value.clone()),
            (Self::List, Value::Array(list)) if list.iter().all(Value::is_str) => Ok(value.clone()),
            (Self::Servers, Value::Array(list)) => servers::check(list).map(|()| value.clone()),
            (Self::Users, Value::Array(list)) => people::check(list).map(|()| value.clone()),
            (Self::Replies, Value::Array(list)) => people::check_replies(list).map(|()| value.clone()),
            (Self::Endpoints, Value::Array(list)) => events::check(list).map(|()| value.clone()),
            (Self::EventTypes, Value::Array(list)) if list.iter().all(Value::is_str) => {
                list.iter().filter_map(Value::as_str).try_for_each(events::check_type).map(|()| value.clone())
            }
            (Self::Columns, Value::Table(table)) if table.values().all(Value::is_str) => Ok(value.clone()),
            (Self::Windows, Value::Table(table)) if table.values().all(is_days) => Ok(value.clone()),
            (Self::Amount | Self::Percent, Value::Float(number)) => self.text(&number.to_string()),
            (
                Self::Whole(..)
                | Self::Days(_)
                | Self::Share
                | Self::UpToTwo
                | Self::Flag
                | Self::List
                | Self::Servers
                | Self::Users
                | Self::Replies
                | Self::Endpoints
                | Self::EventTypes
                | Self::Windows
                | Self::Columns,
                _,
            ) => Err(refused(&type_of(value), &self.expected())),
            (_, Value::String(text)) => self.text(text),
            // Amounts and percentages, and texts that look like numbers, such as `phone_country = 91`.
            (_, Value::Integer(number)) => self.text(&number.to_string()),
            (_, other) => Err(refused(&type_of(other), &self.expected())),
        }
    }

    /// Reads the value of a variable. The error completes “the setting …”.
    pub(super) fn read_variable(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Whole(..) | Self::Days(_) => self.whole(text.trim().parse().ok(), &quoted(text)),
            Self::Share | Self::UpToTwo => self.number(text.trim().parse().ok(), &quoted(text)),
            Self::Flag => match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok(Value::Boolean(true)),
                "false" | "no" | "off" | "0" => Ok(Value::Boolean(false)),
                _ => Err(refused(&quoted(text), &self.expected())),
            },
            Self::EventTypes => self.read(&Self::List.read_variable(text)?),
            Self::List if text.trim_start().starts_with('[') => toml::from_str::<toml::Table>(&format!("v = {text}"))
                .ok()
                .and_then(|mut table| table.remove("v"))
                .filter(|value| value.as_array().is_some_and(|list| list.iter().all(Value::is_str)))
                .ok_or_else(|| refused(&quoted(text), &self.expected())),
            Self::List => {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                Ok(Value::Array(names.map(|name| Value::String(name.to_owned())).collect()))
            }
            Self::Servers => Err("can only be set in a settings file, as [[mcp.servers]]".to_owned()),
            Self::Replies => Err("can only be set in a settings file, as [[team.replies]]".to_owned()),
            Self::Users => Err("can only be set in a settings file, as [[dashboard.users]]".to_owned()),
            Self::Endpoints => Err("can only be set in a settings file, as [[events.endpoints]]".to_owned()),
            Self::Windows => Err("can only be set in a settings file, as [policy.return_windows]".to_owned()),
            Self::Columns => Err("can only be set in a settings file, as [import.columns]".to_owned()),
            _ => self.text(text),
        }
    }

    fn text(self, text: &str) -> Result<Value, String> {
        let refuse = || Err(refused(&quoted(text), &self.expected()));
        let trimmed = text.trim();
        let value = match self {
            Self::NotEmpty if trimmed.is_empty() => return Err("is empty".to_owned()),
            Self::OneOf(words) if !words.contains(&trimmed) => return refuse(),
            Self::Amount => match Decimal::from_json(&text.into()) {
                Ok(amount) if !amount.is_negative() => text,
                _ => return refuse(),
            },
            Self::Percent => match Decimal::parse(trimmed.trim_end_matches(['%', ' '])) {
                Ok(percent) if percent.in_units(2).is_some_and(|percent| (0..10_000).contains(&percent)) => trimmed,
                _ => return refuse(),
            },
            Self::Country if trimmed.len() != 2 || Country::parse(trimmed).is_none() => return refuse(),
            Self::CountryCode => {
                let digits = trimmed.strip_prefix('+').unwrap_or(trimmed);
                let code = digits.bytes().all(|digit| digit.is_ascii_digit()) && Country::parse(digits).is_some();
                if !code && !digits.is_empty() {
                    return refuse();
                }
                digits
            }
            // What the imported ids look like.
            Self::OrderPattern if trimmed.is_empty() => "",
            Self::OrderPattern | Self::CustomerPattern => {
                Self::pattern(text)?;
                text
            }
            Self::AuditKey | Self::Currency | Self::OptionalUrl if trimmed.is_empty() => trimmed,
            Self::Currency => match Currency::parse(trimmed) {
                Ok(currency) => currency.code(),
                Err(CurrencyError::Unknown(_)) => return refuse(),
                Err(error @ CurrencyError::Ambiguous { .. }) => return Err(format!("cannot be used: {error}")),
            },
            // The value is a secret.
            Self::AuditKey => match AuditKey::parse(trimmed) {
                Ok(_) => trimmed,
                Err(why) => return Err(format!("cannot be used as a key: {why}")),
            },
            Self::SigningSecret => {
                events::check_secret(trimmed)?;
                trimmed
            }
            Self::Url | Self::OptionalUrl => {
                let rest = trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://"));
                if rest.is_none_or(|rest| rest.is_empty() || rest.starts_with(['/', '?', ':']) || rest.contains(' ')) {
                    // It may hold a password.
                    return Err(refused(&quoted(&without_credentials(trimmed)), &self.expected()));
                }
                trimmed
            }
            Self::Zone if TimeZone::get(trimmed).is_err() => return refuse(),
            Self::Country | Self::OneOf(_) | Self::Zone => trimmed,
            _ => text,
        };
        Ok(Value::String(value.to_owned()))
    }

    fn pattern(text: &str) -> Result<(), String> {
        let pattern = regex::RegexBuilder::new(text).case_insensitive(true).build().map_err(|error| {
            // The parser shows the pattern with a marker; the last line of its message is the reason.
            let error = error.to_string();
            let reason = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("is {}, which is no regular expression: {reason}", quoted(text))
        })?;
        let first = |text: &str| pattern.find(text).map(|hit| hit.as_str().to_uppercase());
        match first("").or_else(|| first(PLAIN)) {
            None => Ok(()),
            Some(found) if found.is_empty() => {
                Err(format!("is {}, which finds an id in every message, even an empty one", quoted(text)))
            }
            Some(found) => {
                Err(format!("is {}, which takes plain words for an id, such as {}", quoted(text), quoted(&found)))
            }
        }
    }

    fn whole(self, number: Option<i64>, found: &dyn Display) -> Result<Value, String> {
        match (self, number) {
            (Self::Whole(least, most), Some(number)) if (least..=most).contains(&number) => Ok(Value::Integer(number)),
            (Self::Days(least), Some(number)) if number == 0 || (least..=MOST_DAYS).contains(&number) => {
                Ok(Value::Integer(number))
            }
            _ => Err(refused(&found.to_string(), &self.expected())),
        }
    }

    fn number(self, number: Option<f64>, found: &dyn Display) -> Result<Value, String> {
        let most = if self == Self::UpToTwo { 2.0 } else { 1.0 };
        match number.filter(|number| (0.0..=most).contains(number)) {
            Some(number) => Ok(Value::Float(number)),
            None => Err(refused(&found.to_string(), &self.expected())),
        }
    }

    fn expected(self) -> String {
        match self {
            Self::Text | Self::NotEmpty => "text in quotes".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Days(least) => format!("0 (for ever) or a whole number of days from {least} to {MOST_DAYS}"),
            Self::Share => "a number from 0 to 1".to_owned(),
            Self::UpToTwo => "a number from 0 to 2".to_owned(),
            Self::Flag => "true or false".to_owned(),
            Self::AuditKey => "32 bytes or more in hexadecimal or base64".to_owned(),
            Self::Url | Self::OptionalUrl => "an address such as https://api.example.com/v1".to_owned(),
            Self::Amount => "an amount such as 2000, not below 0".to_owned(),
            Self::Percent => "a percentage from 0 to less than 100 with at most two decimals".to_owned(),
            Self::Servers => "one or more sections [[mcp.servers]]".to_owned(),
            Self::Replies => "one or more sections [[team.replies]]".to_owned(),
            Self::Users => "one or more sections [[dashboard.users]]".to_owned(),
            Self::Endpoints => "one or more sections [[events.endpoints]]".to_owned(),
            Self::SigningSecret => "whsec_ and 24 to 64 bytes in base64".to_owned(),
            Self::EventTypes => "a list of types such as [\"refund.*\", \"conversation.handed_over\"]".to_owned(),
            Self::Columns => {
                "a section [import.columns] with lines such as \"Total\" = \"Order Value (INR)\"".to_owned()
            }
            Self::Windows => "a section [policy.return_windows] with lines such as \"Electronics\" = 10".to_owned(),
            Self::List => "a list of names such as [\"Beverages\", \"Snacks\"]".to_owned(),
            Self::OneOf(words) => words.join(" or "),
            Self::Country => "a country of two letters such as IN".to_owned(),
            Self::Currency => "a currency of ISO 4217, three letters such as INR, USD or EUR".to_owned(),
            Self::CountryCode => "a country code of 1 to 3 digits such as 91".to_owned(),
            Self::OrderPattern | Self::CustomerPattern => "a regular expression in quotes".to_owned(),
            Self::Zone => "a time zone such as Asia/Kolkata".to_owned(),
        }
    }
}

fn is_days(value: &Value) -> bool {
    value.as_integer().is_some_and(|days| (0..=3_650).contains(&days))
}

fn refused(found: &str, expected: &str) -> String {
    format!("is {found}; it must be {expected}")
}

fn quoted(text: &str) -> String {
    format!("“{}”", excerpt(text, 60).escape_debug())
}

fn type_of(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Boolean(flag) => flag.to_string(),
        Value::Datetime(date) => date.to_string(),
        Value::Array(_) => "a list".to_owned(),
        Value::Table(_) => "a section".to_owned(),
    }
}

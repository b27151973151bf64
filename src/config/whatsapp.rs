//! WhatsApp in the settings.

use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

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
    /// The id of the WhatsApp Business account, whose templates the team may choose from; empty: none.
    pub account_id: String,
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

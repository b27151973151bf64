//! The `refund` section, and the policy that it describes. A value that cannot be read is an error, not a default.

use jiff::SignedDuration;
use secrecy::SecretString;
use serde::Deserialize;

use super::error::ConfigError;
use crate::domain::currency::ShopMoney;
use crate::domain::money::{Money, Percent};
use crate::domain::refund::{ProviderKind, RefundPolicy};

/// The `refund` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundConfig {
    /// The policy to start from.
    pub preset: Preset,
    /// Categories that are not refunded automatically.
    pub refused_categories: Option<Vec<String>>,
    /// The share that is kept for shipping.
    pub shipping_fee_percent: Option<Percent>,
    /// Refunds above this, in the shop's currency, go to a person.
    pub max_automatic: Option<serde_json::Value>,
    /// Days in which a refund can be asked for.
    pub window_days: Option<u32>,
    /// Minutes for which an offer can be accepted.
    pub quote_minutes: u32,
    /// When the money arrives, as customers are told.
    pub estimated_arrival: String,
    /// Who moves the money: a word of [`ProviderKind`].
    pub provider: String,
    /// The shop's own program.
    pub webhook: RefundWebhookConfig,
    /// Razorpay.
    pub razorpay: RazorpayConfig,
    /// Stripe.
    pub stripe: StripeConfig,
}

/// The shop's own program, which moves the money.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundWebhookConfig {
    /// Where requests are posted to; empty: nowhere.
    pub url: String,
    /// What requests and confirmations are signed with: `whsec_` and base64.
    pub secret: SecretString,
}

/// Razorpay, with the shop's keys.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RazorpayConfig {
    /// The key's identifier, `rzp_live_…`.
    pub key_id: String,
    /// The key's secret.
    pub key_secret: SecretString,
    /// Where the service is.
    pub url: String,
}

/// Stripe, with the shop's key.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StripeConfig {
    /// The key, `sk_live_…` or `rk_live_…`.
    pub secret_key: SecretString,
    /// Where the service is.
    pub url: String,
}

/// Ready-made policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The full order value, once.
    Default,
    /// No food, 5 % for shipping.
    Grocery,
}

impl RefundConfig {
    /// Who moves the money. Other words were refused when the settings were read.
    pub fn provider(&self) -> ProviderKind {
        ProviderKind::parse(self.provider.trim()).unwrap_or_default()
    }

    pub(super) fn policy(&self, money: ShopMoney) -> Result<RefundPolicy, ConfigError> {
        let (categories, fee): (&[&str], _) = match self.preset {
            Preset::Default => (&[], Percent::default()),
            Preset::Grocery => {
                (&["Beverages", "Snacks", "Dairy", "Fruits & Vegetables", "Grocery"], Percent::from_basis_points(500))
            }
        };
        let max_automatic = self
            .max_automatic
            .as_ref()
            .map(|limit| Money::from_json(limit, money.currency()))
            .transpose()
            .map_err(|error| ConfigError::Invalid(format!("refund.max_automatic: {error}")))?;
        Ok(RefundPolicy {
            refused_categories: self
                .refused_categories
                .clone()
                .unwrap_or_else(|| categories.iter().map(|category| (*category).to_owned()).collect()),
            shipping_fee: self.shipping_fee_percent.unwrap_or(fee),
            max_automatic,
            money,
            window_days: self.window_days,
            quote_valid: SignedDuration::from_mins(i64::from(self.quote_minutes)),
            estimated_arrival: self.estimated_arrival.clone(),
            provider: self.provider(),
        })
    }
}

//! Decides how the `refund` section becomes a refund policy.
//!
//! It must never widen what was written: a value that cannot be read is an error, not a default.

use jiff::SignedDuration;
use serde::Deserialize;

use super::ConfigError;
use crate::domain::money::{Money, Percent};
use crate::domain::refund::RefundPolicy;

/// The `refund` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefundConfig {
    /// The policy to start from.
    pub preset: Preset,
    /// Categories that are never refunded automatically.
    pub refused_categories: Option<Vec<String>>,
    /// The share that is kept for shipping.
    pub shipping_fee_percent: Option<Percent>,
    /// Refunds above this (INR) go to a person.
    pub max_automatic: Option<serde_json::Value>,
    /// Days in which a refund can be asked for.
    pub window_days: Option<u32>,
    /// Minutes for which an offer can be accepted.
    pub quote_minutes: u32,
    /// When the money arrives.
    pub estimated_arrival: String,
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
    pub(super) fn policy(&self) -> Result<RefundPolicy, ConfigError> {
        let (categories, fee): (&[&str], _) = match self.preset {
            Preset::Default => (&[], Percent::default()),
            Preset::Grocery => {
                (&["Beverages", "Snacks", "Dairy", "Fruits & Vegetables", "Grocery"], Percent::from_basis_points(500))
            }
        };
        let max_automatic = self
            .max_automatic
            .as_ref()
            .map(Money::from_json)
            .transpose()
            .map_err(|error| ConfigError::Invalid(format!("refund.max_automatic: {error}")))?;
        Ok(RefundPolicy {
            refused_categories: self
                .refused_categories
                .clone()
                .unwrap_or_else(|| categories.iter().map(|category| (*category).to_owned()).collect()),
            shipping_fee: self.shipping_fee_percent.unwrap_or(fee),
            max_automatic,
            window_days: self.window_days,
            quote_valid: SignedDuration::from_mins(i64::from(self.quote_minutes)),
            estimated_arrival: self.estimated_arrival.clone(),
        })
    }
}

//! The `policy` section: what may be done to orders, and until when. A value that cannot be read is an error, not a default.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::ConfigError;
use crate::domain::action::{ActionPolicy, RefundOnReturn};
use crate::domain::currency::ShopMoney;
use crate::domain::money::Money;
use crate::domain::order::OrderState;
use crate::domain::wish::Wish;

/// The `policy` section.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyConfig {
    /// The state before which an order can be called off.
    pub cancel_until: String,
    /// The state before which an order can be changed.
    pub change_until: String,
    /// Days in which something can go back; 0: for ever.
    pub return_window_days: u32,
    /// As well, by category.
    pub return_windows: BTreeMap<String, u32>,
    /// Categories of which a photo is looked at.
    pub photo_required: Vec<String>,
    /// Faults that have to be shown.
    pub needs_photo: Vec<String>,
    /// Categories and words of what never goes back.
    pub never_returned: Vec<String>,
    /// Refunds of a customer in 30 days without a person; 0: any number.
    pub monthly_refunds: u32,
    /// Their sum, in the shop's currency.
    pub monthly_amount: Option<serde_json::Value>,
    /// Whether something is exchanged.
    pub exchange: bool,
    /// Whether something is replaced.
    pub replacement: bool,
    /// When the money of a return is paid.
    pub refund_on_return: String,
}

impl PolicyConfig {
    /// The faults that have to be shown.
    pub(super) fn needs_photo(&self) -> Result<Vec<Wish>, ConfigError> {
        let fault = |word: &String| {
            Wish::FAULTS.into_iter().find(|(_, name)| name == word).map(|(fault, _)| fault).ok_or_else(|| {
                let known = Wish::FAULTS.map(|(_, name)| name).join(", ");
                ConfigError::Invalid(format!("policy.needs_photo holds “{word}”, which is none of: {known}"))
            })
        };
        self.needs_photo.iter().map(fault).collect()
    }

    pub(super) fn policy(&self, money: ShopMoney) -> Result<ActionPolicy, ConfigError> {
        let state = |name: &str, word: &str| {
            OrderState::parse(word)
                .ok_or_else(|| ConfigError::Invalid(format!("policy.{name}: “{word}” is no state of an order")))
        };
        let amount = self.monthly_amount.as_ref().map(|limit| Money::from_json(limit, money.currency())).transpose();
        Ok(ActionPolicy {
            cancel_until: state("cancel_until", &self.cancel_until)?,
            change_until: state("change_until", &self.change_until)?,
            return_window_days: self.return_window_days,
            return_windows: self.return_windows.clone(),
            photo_required: self.photo_required.clone(),
            never_returned: self.never_returned.clone(),
            monthly_refunds: self.monthly_refunds,
            monthly_amount: amount.map_err(|error| ConfigError::Invalid(format!("policy.monthly_amount: {error}")))?,
            exchange: self.exchange,
            replacement: self.replacement,
            refund_on_return: match self.refund_on_return.as_str() {
                "at_once" => RefundOnReturn::AtOnce,
                _ => RefundOnReturn::OnReceipt,
            },
        })
    }
}

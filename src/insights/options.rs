//! Which sections of the report there are, and what they are about.

use std::sync::Arc;

use super::elements::Section;
use super::model::ModelFacts;
use super::range::Range;
use crate::domain::currency::ShopMoney;
use crate::domain::stats::Period;

/// The sections of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReportSection {
    /// The most important numbers.
    Overview,
    /// Orders, delays, ratings.
    Orders,
    /// Refunds that were paid.
    Refunds,
    /// Requests for a person.
    Alerts,
    /// Customers, messages, and response times.
    Conversations,
    /// Intents and sentiments.
    Nlu,
    /// The model, its confidence, and corrections.
    Quality,
    /// The audit trail.
    Audit,
}

impl ReportSection {
    /// All, in the order of the whole report.
    pub const ALL: [Self; 8] = [
        Self::Overview,
        Self::Orders,
        Self::Refunds,
        Self::Alerts,
        Self::Conversations,
        Self::Nlu,
        Self::Quality,
        Self::Audit,
    ];
}

/// What a section is about.
#[derive(Debug, Clone)]
pub struct Options {
    /// The range, as it was requested.
    pub range: Range,
    /// The same as a period, as of now.
    pub period: Period,
    /// Only orders and refunds of this platform.
    pub platform: Option<String>,
    /// The shop's own currency: amounts of others are told apart.
    pub money: ShopMoney,
    /// The target for answering a customer, in seconds.
    pub response_target_seconds: u32,
    /// Below this confidence in the intent, from 0 to 1, the bot asks instead of acting.
    pub clarify_below: f64,
    /// Facts about the model that classifies messages.
    pub model: Option<Arc<ModelFacts>>,
}

impl Options {
    /// An empty section with these options.
    pub(super) fn section(&self, key: &'static str, title: &'static str) -> Section {
        let about = match &self.platform {
            Some(platform) => format!("{}, {platform}", self.range.title()),
            None => self.range.title(),
        };
        Section::new(key, title, about)
    }
}

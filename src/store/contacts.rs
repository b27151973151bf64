//! What is known of customers as receivers of messages: when they wrote last, and whether they want messages at all. Also
//! how often webhooks came that are not the shop's.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::domain::ids::UserId;
use crate::domain::opt_out::Preference;
use crate::domain::sendable::Heard;

/// How often something happened, and when last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// How often.
    pub count: u64,
    /// When last.
    pub last: Timestamp,
}

/// The tally of messages, statuses and echoes of numbers that are not the shop's.
pub const OTHER_NUMBERS: &str = "other_numbers";

/// Customers as receivers of messages.
#[async_trait]
pub trait Contacts: Send + Sync {
    /// The customer's latest message in the inbox, by the channel's clock; notes of the channel and what the team wrote do not
    /// count.
    async fn last_inbound(&self, user: &UserId) -> Result<Option<Heard>>;

    /// The customer's latest wish about messages.
    async fn preference(&self, user: &UserId) -> Result<Option<Preference>>;

    /// Records a wish by the rules of [`Preference::after`], and returns what holds then. Durable when this returns. It is
    /// kept under a key that names nobody, outlives every retention setting, and stays when the customer is forgotten.
    async fn record_preference(&self, user: &UserId, wish: &Preference) -> Result<Option<Preference>>;

    /// How many messages to a customer were given up, or failed after they had been sent.
    async fn undelivered(&self, user: &UserId) -> Result<u64>;

    /// Counts what happened `by` times, the last time at `at`.
    async fn count(&self, what: &str, by: u64, at: Timestamp) -> Result<()>;

    /// How often that was counted; `None` where it never was.
    async fn counted(&self, what: &str) -> Result<Option<Tally>>;
}

//! What customers say of the team's work.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::domain::ids::{AlertId, UserId};
use crate::domain::rating::{Rating, Score};

/// Questions to customers about the team's work, and their answers. They go with their customer, and by retention with the alerts.
#[async_trait]
pub trait Ratings: Send + Sync {
    /// Saves that a customer is asked about an alert: `false` where they were before. Of many callers one gets `true`.
    async fn begin_rating(&self, rating: &Rating) -> Result<bool>;
    /// Saves what a customer answers, once: `false` where they were not asked, or have answered.
    async fn rate(&self, alert: &AlertId, user: &UserId, score: Score, at: Timestamp) -> Result<bool>;
    /// The questions since a time, the latest first, at most `limit`.
    async fn ratings(&self, since: Timestamp, limit: u32) -> Result<Vec<Rating>>;
}

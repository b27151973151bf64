//! Which customer writes under which identity. What it means is in `domain/identity.rs`, what is done with it in
//! `support/identities.rs`.

use async_trait::async_trait;
use jiff::Timestamp;

use super::Result;
use crate::domain::identity::{Identity, NumberChange};
use crate::domain::ids::UserId;

/// Identities that lead to customers. An identity without an entry is its own customer.
#[async_trait]
pub trait Identities: Send + Sync {
    /// The entries of these identities.
    async fn identities(&self, of: &[UserId]) -> Result<Vec<Identity>>;
    /// The entries that lead to a customer.
    async fn identities_of(&self, customer: &UserId) -> Result<Vec<Identity>>;
    /// Saves an entry, unless there is one that is as new (`replace`), or any. Returns the entry that holds. Atomic.
    async fn save_identity(&self, identity: &Identity, replace: bool) -> Result<Identity>;
    /// Removes entries of identities that lead to this customer.
    async fn remove_identities(&self, customer: &UserId, identities: &[UserId]) -> Result<()>;
    /// Saves that a number was given up, unless its event is known. Returns what is saved under the event.
    async fn save_number_change(&self, change: &NumberChange) -> Result<NumberChange>;
    /// What was given up by this customer, and who gave these identities up.
    async fn number_changes(&self, customer: &UserId, identities: &[UserId]) -> Result<Vec<NumberChange>>;
    /// Gives one customer the bound orders and the quotes of another, those since a time or all.
    async fn rebind(&self, from: &UserId, to: &UserId, since: Option<Timestamp>) -> Result<()>;
}

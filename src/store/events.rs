//! Events and their ways to the shop's endpoints. An event is stored in the same step as the fact that it tells of: neither is
//! ever there without the other. Where the store does not record events ([`super::StoreSettings`]), there are none.
//!
//! # The rules, for every backend
//!
//! A fact is stored with its event. [`Events::fan_out`] makes a *dispatch* of each new event for every endpoint that wants
//! it, once: an endpoint that is added later gets later events only. A dispatch waits until its time, is claimed under a
//! lease for one attempt, and then delivered, put back with a later time, or parked. Every claim raises the number of
//! attempts, which outdates earlier claims: of two processes one closes it. Time is a parameter, as in the inbox.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use uuid::Uuid;

use super::Result;
use crate::domain::event::{Event, EventId, EventType};

/// An identifier for a new event.
pub(crate) fn new_event_id() -> EventId {
    EventId::of(Uuid::now_v7())
}

/// Which events an endpoint gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRoute {
    /// The endpoint's name.
    pub endpoint: String,
    /// The types that it wants.
    pub types: Vec<EventType>,
}

/// How far a dispatch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DispatchState {
    /// It waits for its next attempt.
    Waiting,
    /// A process makes an attempt.
    Sending,
    /// It is no longer tried, until somebody retries it.
    Parked,
    /// The endpoint has it.
    Delivered,
}

impl DispatchState {
    /// The word used in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Sending => "sending",
            Self::Parked => "parked",
            Self::Delivered => "delivered",
        }
    }

    /// Reads the word used in the store.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Sending, Self::Parked, Self::Delivered].into_iter().find(|state| state.as_str() == text)
    }
}

/// An event on its way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispatch {
    /// The event.
    pub event: Event,
    /// The endpoint's name.
    pub endpoint: String,
    /// How far it is.
    pub state: DispatchState,
    /// How often it was claimed: it only grows, and outdates earlier claims.
    pub attempts: u32,
    /// How many of these attempts do not count, because somebody retried it since.
    pub waived: u32,
    /// When it may be claimed; while it is being sent, the end of the lease; afterwards, when it was delivered or parked.
    pub next_at: Timestamp,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

impl Dispatch {
    /// The number of this attempt, since it was made or somebody retried it: 1 is the first.
    pub fn attempt(&self) -> u32 {
        self.attempts.saturating_sub(self.waived)
    }
}

/// What dispatches are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DispatchSearch {
    /// Only with these states; empty: all.
    pub states: Vec<DispatchState>,
    /// Only of this endpoint.
    pub endpoint: Option<String>,
    /// Only of this event.
    pub event: Option<EventId>,
}

/// How many events wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct EventBacklog {
    /// Events that no endpoint was looked for yet.
    pub new: u64,
    /// Dispatches that wait or are being sent.
    pub waiting: u64,
    /// Dispatches that are no longer tried.
    pub parked: u64,
    /// When the oldest of those that wait happened.
    pub oldest: Option<Timestamp>,
}

/// An endpoint that said it wants no more events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClosedEndpoint {
    /// Its name.
    pub endpoint: String,
    /// A digest of its address then: another address is another endpoint.
    #[serde(skip)]
    pub target: String,
    /// When.
    pub at: Timestamp,
}

/// Events, and their ways to the shop's endpoints.
#[async_trait]
pub trait Events: Send + Sync {
    /// Makes the dispatches of up to `limit` new events, the earliest first, and returns how many events there were.
    async fn fan_out(&self, routes: &[EventRoute], now: Timestamp, limit: u32) -> Result<u64>;
    /// Claims the dispatch to an endpoint that is due for the longest; its time becomes `now + lease`. Of any number of
    /// callers one gets it.
    async fn claim_dispatch(&self, endpoint: &str, now: Timestamp, lease: SignedDuration) -> Result<Option<Dispatch>>;
    /// Saves that the endpoint has a claimed event. `false`, and nothing is changed, where the claim is not current.
    async fn dispatched(&self, claimed: &Dispatch, now: Timestamp) -> Result<bool>;
    /// Saves that an attempt failed: it waits until `retry_at`, or is parked where there is none. `false` as
    /// [`Events::dispatched`].
    async fn dispatch_failed(
        &self,
        claimed: &Dispatch,
        error: &str,
        retry_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<bool>;
    /// Parks what waits since before `before` for endpoints that are none of these, and returns how many.
    async fn park_orphans(&self, endpoints: &[String], why: &str, before: Timestamp, now: Timestamp) -> Result<u64>;
    /// Makes parked dispatches due, from attempt 1 on: those of an event, of an endpoint, or all. Their endpoints are open
    /// again. Returns how many dispatches.
    async fn retry_dispatches(&self, event: Option<&EventId>, endpoint: Option<&str>, now: Timestamp) -> Result<u64>;
    /// Dispatches, the one with the latest event first, at most `limit`.
    async fn dispatches(&self, search: &DispatchSearch, limit: u32) -> Result<Vec<Dispatch>>;
    /// An event.
    async fn event(&self, id: &EventId) -> Result<Option<Event>>;
    /// How many events wait.
    async fn event_backlog(&self) -> Result<EventBacklog>;
    /// Saves that an endpoint wants no more events.
    async fn close_endpoint(&self, endpoint: &ClosedEndpoint) -> Result<()>;
    /// The endpoints that want no more.
    async fn closed_endpoints(&self) -> Result<Vec<ClosedEndpoint>>;
}

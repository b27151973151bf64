//! Tells the shop's other systems what happened: stored events leave as signed requests (Standard Webhooks), at least once.
//! What is delivered was stored with its fact before; nothing here makes an event of anything.
//!
//! One process or many may run a [`Dispatcher`] on one store: each delivery is claimed there. A receiver can get the same event
//! twice (where a process died after the answer, or the answer was lost), and knows it by its `webhook-id`. Events of one order or
//! customer may arrive in another order than they happened; `timestamp` tells.

mod delivery;
mod dispatcher;
mod endpoint;

use std::sync::Arc;

use jiff::Timestamp;

pub use delivery::{Courier, Outcome};
pub use dispatcher::{Dispatcher, DispatcherSettings, Schedule};
pub use endpoint::{Endpoint, EndpointError, EndpointSettings};

/// A source of the current time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

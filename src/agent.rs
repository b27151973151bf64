//! Decides how a turn of a conversation runs: triage when needed, rounds of model and tools, a checked reply.
//!
//! It must never write to the store: what it does goes through the tools, what it remembers it hands back.

mod driver;
pub mod guard;
pub mod reply;
pub mod turn;

pub use driver::{Agent, CallRecord, TurnReport};
pub use turn::{Incoming, Settings};

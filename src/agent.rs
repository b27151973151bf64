//! Runs a turn of a conversation: triage where needed, rounds of model and tools, a checked reply.
//!
//! It must never write to the store: it acts through the tools and returns the conversation that is to be saved.

mod compose;
mod driver;
pub mod guard;
pub mod reply;
pub mod turn;

pub use driver::{Agent, CallRecord, TurnReport};
pub use turn::{Incoming, Settings};

//! Decides what the words of the trade mean: orders, money, conversations, refunds, alerts.
//!
//! It must never do I/O nor read a clock: the time is always a parameter.

pub mod alert;
pub mod audit;
pub mod caller;
pub mod consent;
pub mod conversation;
pub mod correction;
pub mod figures;
pub mod ids;
pub mod inbound;
pub mod message;
pub mod money;
pub mod order;
pub mod outgoing;
pub mod refund;
pub mod retention;
pub mod topic;
pub mod words;

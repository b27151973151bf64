//! Decides how customers are reached over the WhatsApp Business Cloud API, and what its webhooks mean.
//!
//! It must never take a webhook for Meta's before its signature was checked, nor let one odd message spoil its batch.
//!
//! | module | decides |
//! |---|---|
//! | `signature` | whether a webhook is Meta's |
//! | `payload` | what a webhook holds: messages, echoes, news of messages |
//! | `wire` | how a message to a customer is written for the Graph API |
//! | `verdict` | what an error of the Graph API means |
//! | `pace` | how fast messages may leave |
//! | `api` | sends, through the others |

mod api;
mod pace;
pub mod payload;
pub mod signature;
mod verdict;
pub mod wire;

pub use api::{Settings, SetupError, Template, WhatsApp};
pub use pace::Limits;

#[cfg(test)]
mod api_tests;

#![doc = include_str!("README.md")]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod agent;
pub mod bench;
pub mod bot;
pub mod channels;
pub mod cli;
pub mod config;
pub mod domain;
pub mod events;
pub mod files;
pub mod http;
pub mod import;
pub mod inbox;
pub mod insights;
pub mod knowledge;
pub mod llm;
pub mod mcp;
pub mod media;
pub mod net;
pub mod orders_api;
pub mod refunds;
pub mod store;
pub mod support;
pub mod telemetry;
#[cfg(test)]
pub(crate) mod testing;
pub mod tools;
pub mod web;

pub use ecomres_nlu as nlu;

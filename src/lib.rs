#![doc = include_str!("README.md")]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod agent;
pub mod bot;
pub mod channels;
pub mod cli;
pub mod config;
pub mod desk;
pub mod domain;
pub mod import;
pub mod inbox;
pub mod insights;
pub mod llm;
pub mod mcp;
pub mod net;
pub mod nlu;
pub mod store;
pub mod telemetry;
#[cfg(test)]
pub(crate) mod testing;
pub mod tools;
pub mod web;

#![doc = include_str!("README.md")]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod cli;
pub mod config;
pub mod domain;
pub mod nlu;
pub mod store;

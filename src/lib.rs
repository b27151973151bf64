#![doc = include_str!("README.md")]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod cli;
pub mod nlu;

//! The integration tests, in one binary.

mod architecture;
mod chaos;
mod cli;
mod data;
mod eval;
mod import;
mod inbox;
mod label;
mod mcp;
mod nlu;
mod simulate;
mod store;
mod train;
mod whatsapp;

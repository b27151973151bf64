//! The integration tests, in one binary.

mod architecture;
mod cli;
mod data;
mod import;
mod nlu;
mod simulate;
mod store;
mod train;

//! The integration tests, in one binary.

mod architecture;
mod cli;
mod data;
mod nlu;
mod simulate;
mod train;

//! The integration tests, in one binary.

mod import;
mod nlu;
mod store;
mod train;

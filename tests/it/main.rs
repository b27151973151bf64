//! The integration tests, in one binary.

mod nlu;
mod train;

//! Training: from labelled messages to the weights of a model.

pub(crate) mod batches;
pub(crate) mod card;
#[cfg(all(test, any(feature = "wgpu", feature = "cuda")))]
mod card_bench;
pub(crate) mod card_optimizer;
#[cfg(test)]
mod card_tests;
pub(crate) mod checkpoint;
pub(crate) mod finish;
pub(crate) mod learner;
pub(crate) mod optimizer;
pub(crate) mod prototype;
pub(crate) mod rows;
pub(crate) mod schedule;
pub(crate) mod settings;
pub(crate) mod train;

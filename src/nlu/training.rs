//! Training: from labelled messages to the weights of a model.

pub(crate) mod checkpoint;
pub(crate) mod finish;
pub(crate) mod learner;
pub(crate) mod optimizer;
pub(crate) mod prototype;
pub(crate) mod schedule;
pub(crate) mod settings;
pub(crate) mod train;

//! Scores of a model on labelled messages, and the comparison of two models.

pub(crate) mod bootstrap;
pub(crate) mod compare;
pub(crate) mod evaluate;
pub(crate) mod metrics;
pub(crate) mod selective;
pub(crate) mod timing;

//! The labelled messages that a model is trained and scored on: reading, labelling by rules, augmenting and batching.

pub(crate) mod augment;
pub(crate) mod batching;
pub(crate) mod dataset;
pub(crate) mod emoji;
pub(crate) mod label_rules;
pub(crate) mod labelling;
pub(crate) mod transliterate;

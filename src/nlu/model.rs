//! A model: its configuration, weights, tokenizer and labels, and where their files are.

pub(crate) mod activation;
pub(crate) mod config;
pub(crate) mod convert;
pub(crate) mod distilbert;
pub(crate) mod dropout;
pub(crate) mod folder;
pub(crate) mod inspect;
pub(crate) mod labels;
pub(crate) mod loaded;
pub(crate) mod location;
pub(crate) mod read_back;
pub(crate) mod scores;
pub(crate) mod summary;
pub(crate) mod tokenizer;
pub(crate) mod vocabulary;
pub(crate) mod weights;

//! Which model answers, on which device, and how one model replaces another.

pub(crate) mod device;
pub(crate) mod engine;
pub(crate) mod promote;
pub(crate) mod reloading;
pub(crate) mod verify;

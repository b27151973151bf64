//! The thread pool on loom's primitives.

#![cfg(test)]

/// Stands in for `packed/sync.rs`.
mod sync {
    pub(super) use loom::cell::UnsafeCell;
    pub(super) use loom::hint::spin_loop;
    pub(super) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(super) use loom::sync::{Arc, Mutex};
    pub(super) use loom::thread::{Builder, JoinHandle, park, yield_now};
    pub(super) use std::sync::PoisonError;
}
#[path = "../../../src/nlu/packed/thread_pool.rs"]
mod thread_pool;

mod tests;

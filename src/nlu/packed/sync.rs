//! The synchronization primitives of the thread pool. `tests/loom` puts those of loom in their place and checks the pool
//! under every interleaving of its threads.

pub(super) use std::hint::spin_loop;
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Arc, Mutex, PoisonError};
pub(super) use std::thread::{Builder, JoinHandle, park, yield_now};

/// [`std::cell::UnsafeCell`] with the interface of loom's, which records when each access begins and ends.
pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

impl<T> UnsafeCell<T> {
    pub(super) fn new(value: T) -> Self {
        Self(std::cell::UnsafeCell::new(value))
    }

    /// Calls `read` with a pointer to the value; whether it may be read is for the caller to ensure.
    pub(super) fn with<R>(&self, read: impl FnOnce(*const T) -> R) -> R {
        read(self.0.get())
    }

    /// Calls `write` with a pointer to the value; whether it may be written is for the caller to ensure.
    pub(super) fn with_mut<R>(&self, write: impl FnOnce(*mut T) -> R) -> R {
        write(self.0.get())
    }
}

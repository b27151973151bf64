//! Each test runs once for every order in which the threads may act and every value that a load may see.
//!
//! That the model notices a mistake was tried out by weakening the pool in one place at a time. It fails when
//! `ThreadPool::run` publishes the job with `Relaxed`, when `Shared::claim` succeeds with `Relaxed`, when `run_chunks`
//! counts a chunk as done with `Relaxed`, when `run` waits for that with `Relaxed`, when a worker counts a chunk as done
//! before the job, and when `wake` or the pool's drop does not unpark.

#![expect(unsafe_code, reason = "loom's cell reports accesses that are not synchronized")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use loom::cell::UnsafeCell;

use crate::thread_pool::ThreadPool;

/// Enough for each mistake named above; one more makes the tests fifty times as slow.
const PREEMPTIONS: usize = 2;

/// A number without synchronization: two accesses, one of them a write, that are not ordered fail the model.
struct Plain(UnsafeCell<usize>);

// SAFETY: loom checks every access.
unsafe impl Sync for Plain {}

impl Plain {
    fn new() -> Self {
        Self(UnsafeCell::new(0))
    }

    fn add(&self, more: usize) {
        // SAFETY: loom checks that nobody else accesses the number.
        self.0.with_mut(|number| unsafe { *number += more });
    }

    fn get(&self) -> usize {
        // SAFETY: loom checks that nobody else writes the number.
        self.0.with(|number| unsafe { *number })
    }
}

fn plain<const N: usize>() -> [Plain; N] {
    std::array::from_fn(|_| Plain::new())
}

/// Runs `test` in every order in which threads are interrupted at most [`PREEMPTIONS`] times.
fn check(test: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(PREEMPTIONS);
    model.check(test);
}

fn values<const N: usize>(numbers: &[Plain; N]) -> [usize; N] {
    numbers.each_ref().map(Plain::get)
}

#[test]
fn every_chunk_is_done_once_before_the_call_returns() {
    check(|| {
        let mut pool = ThreadPool::new(2);
        let _guard = pool.wake();
        let done = plain::<3>();
        pool.run(3, &|_, chunk| done[chunk].add(1));
        // Read without synchronization: the call must have ordered it.
        assert_eq!(values(&done), [1; 3]);
    });
}

#[test]
fn three_threads_share_the_chunks() {
    check(|| {
        let mut pool = ThreadPool::new(3);
        assert_eq!(pool.threads(), 3);
        // Not woken: that two workers spin side by side for ever is an order, too, and it has no end.
        let done = plain::<2>();
        pool.run(2, &|_, chunk| done[chunk].add(1));
        assert_eq!(values(&done), [1; 2]);
    });
}

/// A worker that is late for one call claims a chunk of the next, with the job of the next.
#[test]
fn no_worker_reads_a_job_after_its_call() {
    check(|| {
        let mut pool = ThreadPool::new(2);
        let _guard = pool.wake();
        for round in 1..=2 {
            let done = plain::<2>();
            pool.run(2, &|_, chunk| done[chunk].add(round));
            assert_eq!(values(&done), [round; 2]);
        }
    });
}

/// Parked workers are woken, and those that are about to park as well: otherwise the drop would wait for ever.
#[test]
fn no_wake_up_is_lost() {
    check(|| {
        let mut pool = ThreadPool::new(2);
        let asleep = plain::<2>();
        pool.run(2, &|_, chunk| asleep[chunk].add(1));
        assert_eq!(values(&asleep), [1; 2]);
        drop(pool.wake());
        drop(pool);
    });
}

/// The caller waits for the worker's chunk, which only a woken worker does.
#[test]
fn a_woken_worker_takes_part() {
    check(|| {
        let mut pool = ThreadPool::new(2);
        drop(pool.wake());
        let _guard = pool.wake();
        let together = loom::sync::atomic::AtomicUsize::new(0);
        pool.run(2, &|_, _| {
            together.fetch_add(1, loom::sync::atomic::Ordering::Relaxed);
            while together.load(loom::sync::atomic::Ordering::Relaxed) < 2 {
                loom::thread::yield_now();
            }
        });
    });
}

#[test]
fn a_panic_reaches_the_caller_and_leaves_the_pool_usable() {
    check(|| {
        let mut pool = ThreadPool::new(2);
        let _guard = pool.wake();
        let outcome = catch_unwind(AssertUnwindSafe(|| pool.run(2, &|_, chunk| assert!(chunk != 1, "expected"))));
        assert!(outcome.is_err());
        let done = plain::<2>();
        pool.run(2, &|_, chunk| done[chunk].add(1));
        assert_eq!(values(&done), [1; 2]);
    });
}

#[test]
fn items_come_back_in_their_order() {
    check(|| {
        let mut pool = ThreadPool::new(2);
        let _guard = pool.wake();
        assert_eq!(pool.for_each(vec![1, 2], |_, number, item| *item += 10 * number), [1, 12]);
    });
}

//! The thread pool on the system's threads; `tests/loom` checks it under every interleaving.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::thread_pool::ThreadPool;

#[test]
fn every_chunk_is_done_once() {
    for threads in [1, 2, 3] {
        let mut pool = ThreadPool::new(threads);
        for round in 0..200 {
            let guard = (round % 3 > 0).then(|| pool.wake());
            let count = round % 40;
            let seen = Mutex::new(vec![0; count]);
            pool.run(count, &|thread, chunk| {
                assert!(thread < threads);
                seen.lock().expect("lock")[chunk] += 1;
            });
            assert!(seen.into_inner().expect("lock").iter().all(|times| *times == 1));
            drop(guard);
        }
    }
}

#[test]
fn a_panic_reaches_the_caller_and_leaves_the_pool_usable() {
    let mut pool = ThreadPool::new(2);
    let _guard = pool.wake();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        pool.run(8, &|_, chunk| assert!(chunk != 5, "five"));
    }));
    assert!(outcome.is_err());
    let sum = AtomicUsize::new(0);
    pool.run(8, &|_, chunk| {
        sum.fetch_add(chunk, Ordering::Relaxed);
    });
    assert_eq!(sum.into_inner(), 28);
}

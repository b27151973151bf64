//! Decides which thread computes which part of one forward pass: whoever is free takes the next part.
//!
//! It must never return before every part is done, and never keep a processor busy between two passes.

#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Rounds of waiting after which a thread offers its processor to others: about 20 µs, more than any part takes.
const PATIENCE: u32 = 4096;

/// What is done: called with the number of the worker (0 is the caller's thread) and of the part.
type Task<'a> = &'a (dyn Fn(usize, usize) + Sync + 'a);

/// A few threads that wait for parts of a forward pass.
///
/// Waking a sleeping thread takes as long as a whole product of a short sentence, so helpers spin from
/// [`Team::wake`] until the guard it returns is dropped, and sleep outside. A parallel section costs below 0.2 µs so;
/// rayon's costs 1 µs more on one of its own threads and 10 to 20 µs more on any other, thirty times for each message.
pub(super) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

/// On a line of its own: what is written often must not share a cache line with what is read often.
#[repr(align(64))]
struct Line<T>(T);

struct Shared {
    /// Number of parts in the upper half, the next part to take in the lower.
    parts: Line<AtomicU64>,
    /// Parts that are done.
    done: Line<AtomicUsize>,
    /// What to do. Only read by who has taken a part; only written while no part is left to take or being done.
    task: UnsafeCell<Option<Task<'static>>>,
    awake: AtomicBool,
    over: AtomicBool,
    failed: AtomicBool,
}

// SAFETY: `task` is the only field that is not `Sync` already. `Team::run` writes it while no other thread may read it
// and publishes it with `parts` (release); a reader has taken a part from `parts` (acquire) before.
unsafe impl Sync for Shared {}
// SAFETY: a `Task` is a reference to something `Sync`.
unsafe impl Send for Shared {}

impl Shared {
    /// Takes parts and does them until none is left; whether there was one.
    fn work(&self, worker: usize) -> bool {
        let mut worked = false;
        while let Some(part) = self.take() {
            worked = true;
            // SAFETY: this thread has taken a part that is not done, so `run` has written the task and waits.
            let task = unsafe { *self.task.get() };
            let outcome = catch_unwind(AssertUnwindSafe(|| task.map(|task| task(worker, part))));
            if outcome.is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
            self.done.0.fetch_add(1, Ordering::Release);
        }
        worked
    }

    fn take(&self) -> Option<usize> {
        let mut seen = self.parts.0.load(Ordering::Relaxed);
        loop {
            let (count, next) = (seen >> 32, seen & 0xffff_ffff);
            if next >= count {
                return None;
            }
            match self.parts.0.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(next as usize),
                Err(now) => seen = now,
            }
        }
    }
}

impl Team {
    /// A team of `threads` threads, the caller's included. Where the system gives no more threads, it has fewer.
    pub(super) fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            parts: Line(AtomicU64::new(0)),
            done: Line(AtomicUsize::new(0)),
            task: UnsafeCell::new(None),
            awake: AtomicBool::new(false),
            over: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        });
        let helpers = (1..threads).map_while(|worker| {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("nlu-{worker}")).spawn(move || help(&shared, worker)).ok()
        });
        Self { helpers: helpers.collect(), shared }
    }

    /// Threads in the team.
    pub(super) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Wakes the helpers until the guard is dropped.
    pub(super) fn wake(&self) -> Awake {
        self.shared.awake.store(true, Ordering::SeqCst);
        for helper in &self.helpers {
            helper.thread().unpark();
        }
        Awake(Arc::clone(&self.shared))
    }

    /// Does the parts `0..count` of a task on all threads that are awake and returns when all are done.
    ///
    /// # Panics
    /// When the task does.
    pub(super) fn run(&mut self, count: usize, task: Task<'_>) {
        if self.helpers.is_empty() || count < 2 {
            (0..count).for_each(|part| task(0, part));
            return;
        }
        let shared = &*self.shared;
        let count32 = u32::try_from(count).expect("parts are counted with 32 bits");
        shared.done.0.store(0, Ordering::Relaxed);
        // SAFETY: only the lifetime changes. The reference is read by who has taken a part, and this function does not
        // return before all parts are done. As it takes `&mut self` and every earlier call has seen all its parts done,
        // there is no part to take now, hence no reader.
        unsafe { *shared.task.get() = Some(std::mem::transmute::<Task<'_>, Task<'static>>(task)) };
        shared.parts.0.store(u64::from(count32) << 32, Ordering::Release);
        shared.work(0);
        let mut waited = 0;
        while shared.done.0.load(Ordering::Acquire) < count {
            pause(&mut waited);
        }
        assert!(!shared.failed.swap(false, Ordering::Relaxed), "a part of the forward pass has failed");
    }
}

impl Team {
    /// Does something to each of a few things, which it is also told the numbers of.
    pub(super) fn share<T: Send>(&mut self, things: Vec<T>, work: impl Fn(usize, usize, &mut T) + Sync) -> Vec<T> {
        let things: Vec<Mutex<T>> = things.into_iter().map(Mutex::new).collect();
        self.run(things.len(), &|worker, part| {
            work(worker, part, &mut things[part].lock().unwrap_or_else(PoisonError::into_inner));
        });
        things.into_iter().map(|thing| thing.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches every panic of a task, so there is nothing to learn from how it ended.
            let _ = helper.join();
        }
    }
}

/// The helpers are awake.
pub(super) struct Awake(Arc<Shared>);

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.awake.store(false, Ordering::SeqCst);
    }
}

fn help(shared: &Shared, worker: usize) {
    let mut waited = 0;
    while !shared.over.load(Ordering::Relaxed) {
        if shared.work(worker) {
            waited = 0;
        } else if shared.awake.load(Ordering::SeqCst) {
            pause(&mut waited);
        } else {
            waited = 0;
            std::thread::park();
        }
    }
}

fn pause(waited: &mut u32) {
    *waited += 1;
    if waited.is_multiple_of(PATIENCE) { std::thread::yield_now() } else { std::hint::spin_loop() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once() {
        for threads in [1, 2, 3] {
            let mut team = Team::new(threads);
            for round in 0..200 {
                let awake = (round % 3 > 0).then(|| team.wake());
                let count = round % 40;
                let seen = Mutex::new(vec![0; count]);
                team.run(count, &|worker, part| {
                    assert!(worker < threads);
                    seen.lock().expect("lock")[part] += 1;
                });
                assert!(seen.into_inner().expect("lock").iter().all(|times| *times == 1));
                drop(awake);
            }
        }
    }

    #[test]
    fn a_panic_reaches_the_caller_and_leaves_the_team_usable() {
        let mut team = Team::new(2);
        let _awake = team.wake();
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            team.run(8, &|_, part| assert!(part != 5, "five"));
        }));
        assert!(outcome.is_err());
        let sum = AtomicUsize::new(0);
        team.run(8, &|_, part| {
            sum.fetch_add(part, Ordering::Relaxed);
        });
        assert_eq!(sum.into_inner(), 28);
    }
}

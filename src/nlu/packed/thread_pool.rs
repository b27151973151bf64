//! A thread pool for the chunks of one forward pass: whichever thread is free claims the next chunk.
//!
//! No call returns before all of its chunks are done, and no thread spins between two passes.

#![expect(unsafe_code, reason = "the workers read a job that borrows from its caller, without a lock")]

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::sync::{
    Arc, AtomicBool, AtomicU64, AtomicUsize, Builder, JoinHandle, Mutex, Ordering, PoisonError, UnsafeCell, park,
    spin_loop, yield_now,
};

/// Rounds of spinning after which a thread offers its processor to others: about 20 µs, more than any chunk takes.
const SPIN_LIMIT: u32 = 4096;

/// What is done for each chunk: called with the numbers of the thread (0 is the caller's) and of the chunk.
type Job<'a> = &'a (dyn Fn(usize, usize) + Sync + 'a);

/// A few threads that wait for chunks of a forward pass.
///
/// Waking a parked thread takes as long as a whole product of a short sentence, so the workers spin from
/// [`ThreadPool::wake`] until the guard it returns is dropped, and are parked outside. A parallel section costs below
/// 0.2 µs so; rayon's costs 1 µs more on one of its own threads and 10 to 20 µs more on any other, thirty times for each
/// message.
pub(super) struct ThreadPool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

/// On a cache line of its own: what is written often must not share one with what is read often.
#[repr(align(64))]
struct CacheAligned<T>(T);

struct Shared {
    /// Number of chunks in the upper half, the next chunk to claim in the lower.
    chunks: CacheAligned<AtomicU64>,
    /// Chunks that are done.
    done: CacheAligned<AtomicUsize>,
    /// Only read by a thread that has claimed a chunk; only written while no chunk is left to claim or being done.
    job: UnsafeCell<Option<Job<'static>>>,
    /// Whether idle workers spin and are not parked.
    spinning: AtomicBool,
    shutdown: AtomicBool,
    panicked: AtomicBool,
}

// SAFETY: `job` is the only field that is not `Sync` already. `ThreadPool::run` writes it while no other thread may read
// it and publishes it with `chunks` (release); a reader has claimed a chunk from `chunks` (acquire) before.
unsafe impl Sync for Shared {}
// SAFETY: a `Job` is a reference to something `Sync`.
unsafe impl Send for Shared {}

impl Shared {
    /// Claims chunks and does them until none is left; returns whether there was one.
    fn run_chunks(&self, thread: usize) -> bool {
        let mut found = false;
        while let Some(chunk) = self.claim() {
            found = true;
            // SAFETY: this thread has claimed a chunk that is not done, so `run` has written the job and waits.
            let job = self.job.with(|job| unsafe { *job });
            let outcome = catch_unwind(AssertUnwindSafe(|| job.map(|job| job(thread, chunk))));
            if outcome.is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.done.0.fetch_add(1, Ordering::Release);
        }
        found
    }

    fn claim(&self) -> Option<usize> {
        let mut seen = self.chunks.0.load(Ordering::Relaxed);
        loop {
            let (count, next) = (seen >> 32, seen & 0xffff_ffff);
            if next >= count {
                return None;
            }
            // `seen` may be the value of an earlier call that a later one has set again: then a chunk of the later is claimed.
            match self.chunks.0.compare_exchange_weak(seen, seen + 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return usize::try_from(next).ok(),
                Err(now) => seen = now,
            }
        }
    }
}

impl ThreadPool {
    /// A pool of `threads` threads, the caller's included. Where the system gives no more threads, it has fewer.
    pub(super) fn new(threads: usize) -> Self {
        let shared = Arc::new(Shared {
            chunks: CacheAligned(AtomicU64::new(0)),
            done: CacheAligned(AtomicUsize::new(0)),
            job: UnsafeCell::new(None),
            spinning: AtomicBool::new(false),
            shutdown: AtomicBool::new(false),
            panicked: AtomicBool::new(false),
        });
        let workers = (1..threads).map_while(|thread| {
            let shared = Arc::clone(&shared);
            Builder::new().name(format!("nlu-{thread}")).spawn(move || worker_loop(&shared, thread)).ok()
        });
        Self { workers: workers.collect(), shared }
    }

    /// Threads in the pool, the caller's included.
    pub(super) fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Lets the workers spin until the guard is dropped. Outside, the caller's thread does all chunks.
    pub(super) fn wake(&self) -> SpinGuard {
        self.shared.spinning.store(true, Ordering::SeqCst);
        for worker in &self.workers {
            worker.thread().unpark();
        }
        SpinGuard(Arc::clone(&self.shared))
    }

    /// Does the chunks `0..count` of a job on all threads that are awake and returns when all are done.
    ///
    /// # Panics
    /// When the job does.
    pub(super) fn run(&mut self, count: usize, job: Job<'_>) {
        if self.workers.is_empty() || count < 2 {
            (0..count).for_each(|chunk| job(0, chunk));
            return;
        }
        let shared = &*self.shared;
        assert!(u32::try_from(count).is_ok(), "chunks are counted with 32 bits");
        shared.done.0.store(0, Ordering::Relaxed);
        // SAFETY: only the lifetime changes. The reference is read by a thread that has claimed a chunk, and this function
        // does not return before all chunks are done.
        let job = unsafe { std::mem::transmute::<Job<'_>, Job<'static>>(job) };
        // SAFETY: as this function takes `&mut self` and every earlier call has seen all its chunks done, there is no chunk
        // to claim now, hence no reader.
        shared.job.with_mut(|slot| unsafe { *slot = Some(job) });
        shared.chunks.0.store((count as u64) << 32, Ordering::Release);
        shared.run_chunks(0);
        let mut rounds = 0;
        while shared.done.0.load(Ordering::Acquire) < count {
            spin(&mut rounds);
        }
        assert!(!shared.panicked.swap(false, Ordering::Relaxed), "a chunk of the forward pass panicked");
    }

    /// Calls `apply` with the numbers of a thread and of an item, and the item, for each of a few; returns the items.
    ///
    /// # Panics
    /// When `apply` does.
    pub(super) fn for_each<T: Send>(&mut self, items: Vec<T>, apply: impl Fn(usize, usize, &mut T) + Sync) -> Vec<T> {
        let items: Vec<Mutex<T>> = items.into_iter().map(Mutex::new).collect();
        self.run(items.len(), &|thread, item| {
            apply(thread, item, &mut items[item].lock().unwrap_or_else(PoisonError::into_inner));
        });
        items.into_iter().map(|item| item.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

impl Drop for ThreadPool {
    fn drop(&mut self) {
        self.shared.shutdown.store(true, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches every panic of a job, so there is no error to report.
            let _ = worker.join();
        }
    }
}

/// Idle workers spin until it is dropped.
pub(super) struct SpinGuard(Arc<Shared>);

impl Drop for SpinGuard {
    fn drop(&mut self) {
        self.0.spinning.store(false, Ordering::SeqCst);
    }
}

/// Runs chunks until the pool is dropped; spins or parks while there are none.
fn worker_loop(shared: &Shared, thread: usize) {
    let mut rounds = 0;
    while !shared.shutdown.load(Ordering::Relaxed) {
        if shared.run_chunks(thread) {
            rounds = 0;
        } else if shared.spinning.load(Ordering::SeqCst) {
            spin(&mut rounds);
        } else {
            rounds = 0;
            park();
        }
    }
}

fn spin(rounds: &mut u32) {
    *rounds += 1;
    if rounds.is_multiple_of(SPIN_LIMIT) { yield_now() } else { spin_loop() }
}

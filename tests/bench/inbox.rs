//! Prints what the inbox of the embedded store can take: messages a second, waits, and claims among many messages.
//!
//! ```text
//! cargo bench --bench inbox -- [STORED MESSAGES] [SECONDS] [FOLDER]
//! ```
//! Every acknowledged message is on the disk (`synchronous=FULL`). The folder should be on the disk to be measured: one
//! in memory shows nothing.
#![expect(clippy::print_stdout, reason = "the measured numbers are its output")]
#![expect(clippy::expect_used, reason = "it fails where a task has panicked")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ecomres::domain::conversation::Conversation;
use ecomres::domain::ids::{MessageId, UserId};
use ecomres::domain::inbound::{Content, Context, Inbound};
use ecomres::store::sqlite::SqliteStore;
use ecomres::store::{Conversations, FinishedTurn, Inbox, MAX_CLAIMED_MESSAGES, StoreError};
use jiff::{SignedDuration, Timestamp};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const LEASE: SignedDuration = SignedDuration::from_secs(30);
const CUSTOMERS: u64 = 2_000;

static NEXT: AtomicU64 = AtomicU64::new(0);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let (Ok(stored), Ok(seconds)) = (number(0, 1_000_000), number(1, 5)) else {
        eprintln!("the arguments are the number of stored messages, and seconds");
        return ExitCode::from(2);
    };
    let folder = arguments.get(2).map_or_else(std::env::temp_dir, PathBuf::from);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let shown = runtime.map_err(|error| error.to_string()).and_then(|runtime| {
        let folder = tempfile::tempdir_in(folder).map_err(|error| error.to_string())?;
        runtime.block_on(show(folder.path(), stored, Duration::from_secs(seconds))).map_err(|error| error.to_string())
    });
    match shown {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A message that was never seen, of one of the customers; the identifiers come in no order, as a channel's do.
fn message() -> Inbound {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = Timestamp::now();
    Inbound {
        id: MessageId::new(format!("wamid.{:016x}{number}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15))),
        user_id: UserId::new(format!("9198{:08}", number % CUSTOMERS)),
        sent_at: now,
        received_at: now,
        number: None,
        content: Content::Text {
            text: "Hello, where is my order ORD000123? It should have been here an hour ago.".into(),
        },
        context: Context::default(),
    }
}

#[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 messages")]
async fn show(folder: &Path, stored: u64, span: Duration) -> Result<(), StoreError> {
    let store = Arc::new(SqliteStore::open(&folder.join("rate.db"))?);
    for (callers, batch) in [(1, 1), (64, 1), (512, 1), (16, 50)] {
        let (count, seconds, waits) = take_in(&store, callers, batch, span).await?;
        println!(
            "accept: {callers:>3} callers with batches of {batch:>2}: {:>8.0} messages/s, p50 {:.2} ms, p99 {:.2} ms",
            count as f64 / seconds,
            at(&waits, 0.5),
            at(&waits, 0.99)
        );
    }
    drop(store);

    let store = Arc::new(SqliteStore::open(&folder.join("steady.db"))?);
    let waits = steady(&store, 1_000, span).await?;
    println!(
        "accept: 1000/s, one message a call: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
        at(&waits, 0.5),
        at(&waits, 0.99),
        at(&waits, 1.0)
    );
    drop(store);

    let store = SqliteStore::open(&folder.join("claims.db"))?;
    let mut medians = Vec::new();
    let mut filled = 0;
    for size in [stored / 100, stored] {
        filled = fill(&store, filled, size).await?;
        // Of as many conversations, with one message each, however many messages are stored.
        let waiting: Vec<Inbound> = (0..500).map(|_| message()).collect();
        filled += store.accept(&waiting, Timestamp::now()).await?.new;
        let mut waits = Vec::new();
        // A claim is due again after its lease, by a time that passes a millisecond a claim.
        let base = Timestamp::now();
        for round in 0..2_000_i64 {
            let now = base + SignedDuration::from_millis(round);
            let begun = Instant::now();
            let claim = store.claim(None, "bench", now, SignedDuration::from_millis(100)).await?;
            waits.push(begun.elapsed());
            assert!(claim.is_some_and(|claim| !claim.messages.is_empty()), "nothing was due");
        }
        waits.sort_unstable();
        println!(
            "claim: among {filled} messages: p50 {:.3} ms, p90 {:.3} ms, p99 {:.3} ms",
            at(&waits, 0.5),
            at(&waits, 0.9),
            at(&waits, 0.99)
        );
        medians.push(at(&waits, 0.5));
        answer(&store).await?;
    }
    println!("claim: {:.2} times as long among {filled} as among {}", medians[1] / medians[0], stored / 100);
    Ok(())
}

/// The wait below which `share` of all waits are, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a place in a list"
)]
fn at(sorted: &[Duration], share: f64) -> f64 {
    let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, |wait| wait.as_secs_f64() * 1e3)
}

/// As many messages as can be taken in by callers that each wait for their acknowledgement.
async fn take_in(
    store: &Arc<SqliteStore>,
    callers: usize,
    batch: usize,
    span: Duration,
) -> Result<(u64, f64, Vec<Duration>), StoreError> {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|_| {
            let store = Arc::clone(store);
            tokio::spawn(async move {
                let mut waits = Vec::new();
                let mut count = 0;
                while begun.elapsed() < span {
                    let messages: Vec<Inbound> = (0..batch).map(|_| message()).collect();
                    let asked = Instant::now();
                    count += store.accept(&messages, Timestamp::now()).await?.new;
                    waits.push(asked.elapsed());
                }
                Ok::<_, StoreError>((count, waits))
            })
        })
        .collect();
    let (mut count, mut waits) = (0, Vec::new());
    for task in tasks {
        let (more, some) = task.await.expect("a caller panicked")?;
        count += more;
        waits.extend(some);
    }
    let seconds = begun.elapsed().as_secs_f64();
    waits.sort_unstable();
    Ok((count, seconds, waits))
}

/// A message each `1/rate` seconds, whether or not the one before is acknowledged: waits are counted from the moment the
/// message was due.
async fn steady(store: &Arc<SqliteStore>, rate: u32, span: Duration) -> Result<Vec<Duration>, StoreError> {
    let begun = Instant::now();
    let count = u32::try_from(span.as_secs()).unwrap_or(5) * rate;
    let mut tasks = Vec::new();
    for number in 0..count {
        let due = begun + Duration::from_secs(1) * number / rate;
        tokio::time::sleep_until(due.into()).await;
        let store = Arc::clone(store);
        tasks.push(tokio::spawn(async move {
            store.accept(&[message()], Timestamp::now()).await?;
            Ok::<_, StoreError>(due.elapsed())
        }));
    }
    let mut waits = Vec::new();
    for task in tasks {
        waits.push(task.await.expect("a caller panicked")?);
    }
    waits.sort_unstable();
    Ok(waits)
}

/// Fills the store up to `size` messages and answers them all; how many there are.
async fn fill(store: &SqliteStore, filled: u64, size: u64) -> Result<u64, StoreError> {
    let mut there = filled;
    while there < size {
        let most = CUSTOMERS * MAX_CLAIMED_MESSAGES as u64;
        let batch: Vec<Inbound> = (0..most.min(size - there)).map(|_| message()).collect();
        there += store.accept(&batch, Timestamp::now()).await?.new;
        answer(store).await?;
    }
    Ok(there)
}

/// Answers everything that waits, also what a claim still holds.
async fn answer(store: &SqliteStore) -> Result<(), StoreError> {
    let far = Timestamp::now() + SignedDuration::from_hours(1);
    while let Some(claim) = store.claim(None, "bench", far, LEASE).await? {
        let stored = store.conversation(&claim.user_id).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(claim.user_id.clone()));
        conversation.turn += 1;
        let (said, replies, outgoing) = (Vec::new(), Vec::new(), Vec::new());
        store.finish(&claim, &FinishedTurn { conversation, said, replies, outgoing }, far).await?;
    }
    Ok(())
}

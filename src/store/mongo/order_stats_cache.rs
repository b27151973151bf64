//! Caches orders for the order stats. Only stats are counted from it: answers to customers and refunds read the
//! database.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::TryStreamExt as _;
use jiff::civil;
use mongodb::bson::{Document, doc};
use tokio::sync::Mutex;

use super::Base;
use super::error::BackendError;
use super::odd::readable;
use super::order_documents::read_columns;
use super::schema::ORDERS;
use super::stats_cache::Timing;
use crate::domain::order::{Order, column};
use crate::domain::stats::{OrderCell, OrderStats, Period};

/// Orders are read again at the earliest after this many times the duration of the last read, so that reading takes at
/// most a hundredth of the time. A change of their number, and an import of this process, is seen at once.
const READ_FACTOR: u32 = 100;
/// The most orders that are cached, some hundred bytes each; more are read anew each time.
const MAX_ORDERS: usize = 500_000;

/// An order without what identifies it.
struct CachedOrder {
    platform: Arc<str>,
    category: Arc<str>,
    placed_at: Option<civil::DateTime>,
    cell: OrderCell,
}

/// The orders of one read.
struct Snapshot {
    orders: Vec<CachedOrder>,
    read: Timing,
    /// The number of orders that the server estimated, and the number of imports of this process.
    version: (u64, u64),
}

/// A cache of all orders, unless there are too many.
#[derive(Default)]
pub(super) struct OrderStatsCache {
    snapshot: Mutex<Option<Snapshot>>,
    /// The number of imports of this process.
    pub(super) imports: Arc<AtomicU64>,
}

/// An order as a cell of its own.
fn cell(order: &Order) -> OrderCell {
    OrderCell {
        orders: 1,
        delay_known: u64::from(order.delayed.is_some()),
        delayed: u64::from(order.delayed == Some(true)),
        timed: u64::from(order.delivery_minutes.is_some()),
        minutes: order.delivery_minutes.unwrap_or(0).into(),
        valued: u64::from(order.value.is_some()),
        value: order.value.unwrap_or_default(),
        currency: order.currency(),
        refund_known: u64::from(order.refund_requested.is_some()),
        refund_requested: u64::from(order.refund_requested == Some(true)),
        rating: order.rating,
        hour: order.placed_at.and_then(|at| u8::try_from(at.hour()).ok()),
    }
}

/// Adds an order where it is of the period.
fn add(
    stats: &mut OrderStats,
    period: &Period,
    (platform, category): (&str, &str),
    at: Option<civil::DateTime>,
    cell: &OrderCell,
) {
    match (period.local(), at) {
        ((Some(_), _), None) => stats.undated += 1,
        ((Some(from), until), Some(at)) if at < from || at >= until => {}
        _ => stats.add(platform, category, cell),
    }
}

/// Calls `visit` with every matching order until it returns `false`. Whole documents are read: nearly every field is
/// needed, and a projection takes a server longer.
async fn for_each_order(
    base: &Base,
    filter: Document,
    mut visit: impl FnMut(&Order) -> bool,
) -> Result<(), BackendError> {
    let mut found = base.collection(ORDERS).find(filter).batch_size(10_000).await?;
    while let Some(document) = found.try_next().await? {
        let Some(order) = readable(read_columns(&document), ORDERS, &document) else { continue };
        if !visit(&order) {
            break;
        }
    }
    Ok(())
}

impl OrderStatsCache {
    /// The stats of the orders in a period.
    pub(super) async fn stats(
        &self,
        base: &Base,
        period: &Period,
        platform: Option<&str>,
    ) -> Result<OrderStats, BackendError> {
        let mut snapshot = self.snapshot.lock().await;
        let version = (base.collection(ORDERS).estimated_document_count().await?, self.imports.load(Ordering::SeqCst));
        if !snapshot.as_ref().is_some_and(|known| known.version == version && known.read.is_within(READ_FACTOR)) {
            *snapshot = read(base, version).await?;
        }
        let mut stats = OrderStats::default();
        if let Some(snapshot) = &*snapshot {
            let of_platform = |order: &&CachedOrder| platform.is_none_or(|platform| *order.platform == *platform);
            for order in snapshot.orders.iter().filter(of_platform) {
                add(&mut stats, period, (&order.platform, &order.category), order.placed_at, &order.cell);
            }
            return Ok(stats);
        }
        drop(snapshot);
        let filter = platform.map_or_else(Document::new, |platform| doc! {column::PLATFORM: platform});
        for_each_order(base, filter, |order| {
            add(&mut stats, period, (&order.platform, &order.category), order.placed_at, &cell(order));
            true
        })
        .await?;
        Ok(stats)
    }
}

/// Reads all orders; `None` where there are too many to cache.
async fn read(base: &Base, version: (u64, u64)) -> Result<Option<Snapshot>, BackendError> {
    if usize::try_from(version.0).is_ok_and(|count| count > MAX_ORDERS) {
        return Ok(None);
    }
    let at = Instant::now();
    let (mut orders, mut words) = (Vec::new(), HashSet::<Arc<str>>::new());
    let mut word = |text: &str| {
        if let Some(word) = words.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = text.into();
        words.insert(Arc::clone(&word));
        word
    };
    for_each_order(base, Document::new(), |order| {
        orders.push(CachedOrder {
            platform: word(&order.platform),
            category: word(&order.category),
            placed_at: order.placed_at,
            cell: cell(order),
        });
        orders.len() <= MAX_ORDERS
    })
    .await?;
    Ok((orders.len() <= MAX_ORDERS).then(|| Snapshot { orders, read: Timing { at, took: at.elapsed() }, version }))
}

//! Decides how long orders that were read for the team's figures are counted again without asking the server.
//!
//! It must never be what an answer to a customer or a refund is decided by: those ask the server.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::TryStreamExt as _;
use jiff::civil;
use mongodb::bson::{Document, doc};
use tokio::sync::Mutex;

use super::Base;
use super::book::Done;
use super::fault::Fault;
use super::orders::read_order;
use super::schema::ORDERS;
use crate::domain::figures::{OrderCell, OrderFigures, Period};
use crate::domain::order::{Order, column};

/// How many times as long as reading the orders took they are not read again, so that it takes a hundredth of the time. A change
/// of their number, and what this process imports, is seen at once.
const TIMES: u32 = 100;
/// Orders that are kept at most, some hundred bytes each; more are read anew each time.
const MOST_KEPT: usize = 500_000;

/// An order without what identifies it.
struct Kept {
    platform: Arc<str>,
    category: Arc<str>,
    placed_at: Option<civil::DateTime>,
    cell: OrderCell,
}

/// Orders as they were read.
struct Orders {
    kept: Vec<Kept>,
    read: Done,
    /// How many the server said there were, and how often this process had imported.
    mark: (u64, u64),
}

/// What orders are counted from.
#[derive(Default)]
pub(super) struct OrderBook {
    orders: Mutex<Option<Orders>>,
    /// How often this process imported.
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
        value: order.value,
        refund_requested: u64::from(order.refund_requested == Some(true)),
        rating: order.rating,
        hour: order.placed_at.and_then(|at| u8::try_from(at.hour()).ok()),
    }
}

/// Adds an order where it is of the period.
fn add(
    figures: &mut OrderFigures,
    period: &Period,
    (platform, category): (&str, &str),
    at: Option<civil::DateTime>,
    cell: &OrderCell,
) {
    match (period.local(), at) {
        ((Some(_), _), None) => figures.undated += 1,
        ((Some(from), until), Some(at)) if at < from || at >= until => {}
        _ => figures.add(platform, category, cell),
    }
}

/// Calls `take` with every order that fits. Whole documents: nearly every field is needed, and leaving the others out takes a
/// server longer than sending them.
async fn each(base: &Base, filter: Document, mut take: impl FnMut(&Order) -> bool) -> Result<(), Fault> {
    let mut found = base.collection(ORDERS).find(filter).batch_size(10_000).await?;
    while let Some(document) = found.try_next().await? {
        if !take(&read_order(&document)?) {
            break;
        }
    }
    Ok(())
}

impl OrderBook {
    /// What the orders come to.
    pub(super) async fn figures(
        &self,
        base: &Base,
        period: &Period,
        platform: Option<&str>,
    ) -> Result<OrderFigures, Fault> {
        let mut orders = self.orders.lock().await;
        let mark = (base.collection(ORDERS).estimated_document_count().await?, self.imports.load(Ordering::SeqCst));
        if !orders.as_ref().is_some_and(|orders| orders.mark == mark && orders.read.within(TIMES)) {
            *orders = read(base, mark).await?;
        }
        let mut figures = OrderFigures::default();
        if let Some(orders) = &*orders {
            let of_platform = |kept: &&Kept| platform.is_none_or(|platform| *kept.platform == *platform);
            for kept in orders.kept.iter().filter(of_platform) {
                add(&mut figures, period, (&kept.platform, &kept.category), kept.placed_at, &kept.cell);
            }
            return Ok(figures);
        }
        drop(orders);
        let filter = platform.map_or_else(Document::new, |platform| doc! {column::PLATFORM: platform});
        each(base, filter, |order| {
            add(&mut figures, period, (&order.platform, &order.category), order.placed_at, &cell(order));
            true
        })
        .await?;
        Ok(figures)
    }
}

/// Reads all orders; `None` where there are too many to be kept.
async fn read(base: &Base, mark: (u64, u64)) -> Result<Option<Orders>, Fault> {
    if usize::try_from(mark.0).is_ok_and(|count| count > MOST_KEPT) {
        return Ok(None);
    }
    let at = Instant::now();
    let (mut kept, mut words) = (Vec::new(), HashSet::<Arc<str>>::new());
    let mut word = |text: &str| match words.get(text) {
        Some(word) => Arc::clone(word),
        None => {
            let word: Arc<str> = text.into();
            words.insert(Arc::clone(&word));
            word
        }
    };
    each(base, Document::new(), |order| {
        kept.push(Kept {
            platform: word(&order.platform),
            category: word(&order.category),
            placed_at: order.placed_at,
            cell: cell(order),
        });
        kept.len() <= MOST_KEPT
    })
    .await?;
    Ok((kept.len() <= MOST_KEPT).then(|| Orders { kept, read: Done { at, took: at.elapsed() }, mark }))
}

//! Decides how an import reaches the database: gathered in a temporary file here, then written in unordered batches.
//!
//! It must never touch refunds, quotes or bindings, nor show anything before the commit.
//!
//! The commit is made of single-document writes: while it runs, others see some orders as they were and some as they will
//! be, and a process that dies in it leaves it half done. Each write is idempotent, so running the same import again
//! completes it; a connection that breaks is waited for, and the batches that were not acknowledged are written again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use mongodb::Collection;
use mongodb::bson::{self, Bson, Document, RawDocumentBuf, doc, oid::ObjectId};

use super::super::{ImportMode, OrderImport, Result, StoreError, Written};
use super::fault::{DUPLICATE, Fault, duplicates};
use super::orders::write_order;
use super::schema::ORDERS;
use super::{Base, driver};
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, column};

type Read<T> = std::result::Result<T, Fault>;

const DOING: &str = "importing orders";
/// Orders that are written at a time.
const BATCH: usize = 2_000;
/// Batches that are on their way at the same time.
const AT_ONCE: usize = 3;
/// How long a lost connection is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// An import whose orders wait in a temporary file.
pub(super) struct MongoImport {
    base: Base,
    mode: ImportMode,
    staged: BufWriter<File>,
    /// For each order of this import, the place of the one that counts.
    places: HashMap<OrderId, usize>,
    /// For each place, whether the store had the order.
    known: Vec<bool>,
    /// Whether the store had no orders at all at the beginning; `None` until that was asked.
    empty: Option<bool>,
    /// Counted up where orders were written.
    imports: Arc<AtomicU64>,
}

impl MongoImport {
    pub(super) fn begin(base: Base, mode: ImportMode, imports: Arc<AtomicU64>) -> Result<Self> {
        let staged = tempfile::tempfile().map_err(|error| scratch(&error))?;
        let staged = BufWriter::with_capacity(1 << 20, staged);
        Ok(Self { base, mode, staged, places: HashMap::new(), known: Vec::new(), empty: None, imports })
    }

    /// The orders of a batch that the store has.
    async fn lookup(&mut self, orders: &[Order]) -> Result<HashMap<String, ()>> {
        let ids: Vec<String> = orders.iter().map(|order| order.id.as_str().to_owned()).collect();
        let (base, empty) = (self.base.clone(), self.empty);
        let (empty, known) = driver::run(DOING, async move {
            patiently(&base, || async {
                let collection = base.collection(ORDERS);
                let empty = match empty {
                    Some(empty) => empty,
                    None => collection.find_one(doc! {}).sort(doc! {column::ORDER_ID: 1}).await?.is_none(),
                };
                let mut known = HashMap::new();
                if !empty {
                    let fields = doc! {"_id": 0, column::ORDER_ID: 1};
                    let filter = doc! {column::ORDER_ID: {"$in": &ids}};
                    let mut found = collection.find(filter).projection(fields).batch_size(100_000).await?;
                    while let Some(document) = found.try_next().await? {
                        known.insert(document.get_str(column::ORDER_ID).unwrap_or_default().to_owned(), ());
                    }
                }
                Ok((empty, known))
            })
            .await
        })
        .await?;
        self.empty = Some(empty);
        Ok(known)
    }

    fn stage(&mut self, order: &Order, known: bool) -> Result<()> {
        let (set, _) = write_order(order);
        // The identifier is made here, so that a write that is repeated is refused by it.
        let mut document = doc! {"_id": ObjectId::new()};
        document.extend(set);
        let bytes =
            document.to_vec().map_err(|error| StoreError::Backend { doing: DOING, reason: error.to_string() })?;
        self.staged.write_all(&bytes).map_err(|error| scratch(&error))?;
        self.known.push(known);
        Ok(())
    }
}

fn scratch(error: &std::io::Error) -> StoreError {
    StoreError::Unwritable { path: std::env::temp_dir().display().to_string(), reason: error.to_string() }
}

#[async_trait]
impl OrderImport for MongoImport {
    async fn write(&mut self, orders: Vec<Order>) -> Result<Written> {
        let known = self.lookup(&orders).await?;
        let mut written = Written::default();
        for order in orders {
            let known = known.contains_key(order.id.as_str());
            let place = self.known.len();
            if known && self.mode == ImportMode::Append {
                written.kept += 1;
                continue;
            }
            if self.places.contains_key(&order.id) {
                written.repeated += 1;
                if self.mode == ImportMode::Append {
                    continue;
                }
            } else if known && self.mode == ImportMode::Upsert {
                written.updated += 1;
            } else {
                written.added += 1;
            }
            self.stage(&order, known)?;
            self.places.insert(order.id, place);
        }
        Ok(written)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let Self { base, mode, staged, places, known, imports, .. } = *self;
        let mut file = staged.into_inner().map_err(|error| scratch(error.error()))?;
        file.seek(SeekFrom::Start(0)).map_err(|error| scratch(&error))?;
        let done = driver::run(DOING, async move {
            let staged =
                Staged { rows: BufReader::with_capacity(1 << 20, file), places: &places, known: &known, next: 0 };
            stream::iter(staged)
                .map(|batch| async {
                    let batch = batch?;
                    patiently(&base, || write(&base, mode, &batch)).await
                })
                .buffer_unordered(AT_ONCE)
                .try_collect::<Vec<()>>()
                .await?;
            if mode == ImportMode::Replace {
                // Only now: there is no moment without the orders that stay.
                patiently(&base, || remove_others(&base, &places)).await?;
            }
            Ok(())
        })
        .await;
        imports.fetch_add(1, Ordering::SeqCst);
        done
    }
}

/// Orders that are written together.
#[derive(Default)]
struct Batch {
    /// Those that the store did not have.
    new: Vec<RawDocumentBuf>,
    /// Those that it had.
    known: Vec<RawDocumentBuf>,
}

/// The orders that count, in batches.
struct Staged<'a> {
    rows: BufReader<File>,
    places: &'a HashMap<OrderId, usize>,
    known: &'a [bool],
    next: usize,
}

impl Iterator for Staged<'_> {
    type Item = Result<Batch>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Batch::default();
        while self.next < self.known.len() && batch.new.len() + batch.known.len() < BATCH {
            let damaged = |reason: String| StoreError::Backend { doing: DOING, reason };
            let row = match RawDocumentBuf::from_reader(&mut self.rows) {
                Ok(row) => row,
                Err(error) => return Some(Err(damaged(error.to_string()))),
            };
            let place = self.next;
            self.next += 1;
            let counts = row.get_str(column::ORDER_ID).map(|id| self.places.get(&OrderId::new(id)) == Some(&place));
            match counts {
                Ok(true) if self.known[place] => batch.known.push(row),
                Ok(true) => batch.new.push(row),
                Ok(false) => {}
                Err(error) => return Some(Err(damaged(error.to_string()))),
            }
        }
        (!batch.new.is_empty() || !batch.known.is_empty()).then_some(Ok(batch))
    }
}

/// Runs an idempotent piece of an import, again and again while the connection is lost.
async fn patiently<T, F: Future<Output = Read<T>>>(base: &Base, work: impl Fn() -> F) -> Result<T> {
    let begun = Instant::now();
    let limit = base.settings.operation;
    let mut wait = Duration::from_millis(100);
    loop {
        let fault = match tokio::time::timeout(limit, work()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(fault)) if fault.is_passing() && begun.elapsed() < PATIENCE => fault,
            Ok(Err(fault)) => return Err(fault.into_error(&base.shown, DOING, limit)),
            Err(_) if begun.elapsed() < PATIENCE => continue,
            Err(_) => {
                let path = base.shown.to_string();
                return Err(StoreError::Slow { path, doing: DOING, seconds: limit.as_secs() });
            }
        };
        tracing::warn!(error = %fault.into_error(&base.shown, DOING, limit), "the import waits for the server");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(5));
    }
}

async fn write(base: &Base, mode: ImportMode, batch: &Batch) -> Read<()> {
    let collection: Collection<RawDocumentBuf> = base.db.collection(ORDERS);
    let mut known: Vec<&RawDocumentBuf> = batch.known.iter().collect();
    if !batch.new.is_empty() {
        let there = duplicates(collection.insert_many(&batch.new).ordered(false).await)?;
        known.extend(there.iter().map(|index| &batch.new[*index]));
    }
    if mode != ImportMode::Append && !known.is_empty() {
        update(base, &known).await?;
    }
    Ok(())
}

/// Replaces orders that are there; the fields that other programs added stay.
async fn update(base: &Base, orders: &[&RawDocumentBuf]) -> Read<()> {
    let mut updates = Vec::with_capacity(orders.len());
    for order in orders {
        let mut set: Document = bson::deserialize_from_slice(order.as_bytes())?;
        set.remove("_id");
        let mut update = doc! {};
        let unset: Document = [column::DATE, column::STATUS]
            .into_iter()
            .filter(|name| !set.contains_key(name))
            .map(|name| (name.to_owned(), Bson::String(String::new())))
            .collect();
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        let filter = doc! {column::ORDER_ID: set.get(column::ORDER_ID).cloned()};
        update.insert("$set", set);
        // All of them, where the original's data holds an order more than once.
        updates.push(doc! {"q": filter, "u": update, "upsert": true, "multi": true});
    }
    loop {
        let command = doc! {
            "update": ORDERS, "updates": updates.clone(), "ordered": false,
            "writeConcern": {"w": "majority", "j": true},
        };
        let reply = base.db.run_command(command).await?;
        if let Ok(concern) = reply.get_document("writeConcernError") {
            return Err(refused(concern));
        }
        let failed = reply.get_array("writeErrors").cloned().unwrap_or_default();
        if failed.is_empty() {
            return Ok(());
        }
        let mut again = Vec::new();
        for error in failed.iter().filter_map(Bson::as_document) {
            let number = |name: &str| super::values::whole(error, name);
            if number("code")? != i64::from(DUPLICATE) {
                return Err(refused(error));
            }
            // Somebody inserted it between the look and the insert of this very update.
            again.extend(usize::try_from(number("index")?).ok().and_then(|index| updates.get(index).cloned()));
        }
        updates = again;
        super::pause().await;
    }
}

fn refused(error: &Document) -> Fault {
    let reason = error.get_str("errmsg").unwrap_or("the server gives no reason").to_owned();
    Fault::Known(StoreError::Backend { doing: DOING, reason })
}

/// Removes the orders that are not part of the import.
async fn remove_others(base: &Base, places: &HashMap<OrderId, usize>) -> Read<()> {
    let collection = base.collection(ORDERS);
    let fields = doc! {"_id": 0, column::ORDER_ID: 1};
    let order = doc! {column::ORDER_ID: 1};
    let mut found = collection.find(doc! {}).projection(fields).sort(order).await?;
    let mut others: Vec<Bson> = Vec::new();
    while let Some(document) = found.try_next().await? {
        let id = document.get(column::ORDER_ID).cloned().unwrap_or(Bson::Null);
        if !id.as_str().is_some_and(|id| places.contains_key(&OrderId::new(id)) && OrderId::new(id).as_str() == id) {
            others.push(id);
        }
    }
    for some in others.chunks(1_000) {
        collection.delete_many(doc! {column::ORDER_ID: {"$in": some}}).await?;
    }
    Ok(())
}

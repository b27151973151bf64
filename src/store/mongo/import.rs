//! Importing orders: they are staged in a temporary file, then written in unordered batches at the commit.
//!
//! The commit consists of single-document writes: while it runs, others see some old and some new orders, and a process
//! that dies in it leaves it incomplete. Each write is idempotent, so running the same import again completes it; after
//! a connection was lost, the batches that were not acknowledged are written again.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _, SeekFrom, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use mongodb::Collection;
use mongodb::bson::{self, Bson, Document, RawDocumentBuf, doc, oid::ObjectId};

use super::super::{BatchOutcome, ImportMode, OrderImport, Result, StoreError};
use super::error::{BackendError, DUPLICATE, duplicates};
use super::id_forms;
use super::odd::readable;
use super::order_documents::{TAILS, read_order, removable, replacing, write_order};
use super::original;
use super::schema::ORDERS;
use super::values::optional_time;
use super::{Base, driver};
use crate::domain::ids::{IdForms, OrderId};
use crate::domain::order::{Order, column};

type Read<T> = std::result::Result<T, BackendError>;

const DOING: &str = "importing orders";
/// Orders that are written together.
const BATCH: usize = 2_000;
/// Batches that are written concurrently.
const CONCURRENCY: usize = 3;
/// How long writing is retried while the connection is lost.
const RETRY_TIMEOUT: Duration = Duration::from_mins(1);

/// An import whose orders wait in a temporary file.
pub(super) struct MongoImport {
    base: Base,
    mode: ImportMode,
    staged: BufWriter<File>,
    /// For each order of this import, the place of the one that counts.
    places: HashMap<OrderId, usize>,
    /// For each place, whether the store had the order.
    known: Vec<bool>,
    /// Whether the store had no orders at the beginning; `None` until that was queried.
    empty: Option<bool>,
    /// What the ids look like.
    forms: IdForms,
    /// The number of imports of this process.
    imports: Arc<AtomicU64>,
    /// Columns that the file of the orders lacks.
    lacks: Vec<&'static str>,
}

/// An order that the store has.
struct Known {
    /// When the shop changed it last.
    changed: Option<Timestamp>,
    /// What of it stays, where the file lacks columns.
    order: Option<Order>,
}

impl MongoImport {
    pub(super) fn begin(base: Base, mode: ImportMode, imports: Arc<AtomicU64>) -> Result<Self> {
        let staged = tempfile::tempfile().map_err(|error| temp_file_error(&error))?;
        let staged = BufWriter::with_capacity(1 << 20, staged);
        Ok(Self {
            base,
            mode,
            staged,
            places: HashMap::new(),
            known: Vec::new(),
            empty: None,
            forms: IdForms::default(),
            imports,
            lacks: Vec::new(),
        })
    }

    /// The orders of a batch that the store has, and when the shop changed them last.
    async fn lookup(&mut self, orders: &[Order]) -> Result<HashMap<String, Known>> {
        let ids: Vec<String> = orders.iter().map(|order| order.id.as_str().to_owned()).collect();
        let (base, empty) = (self.base.clone(), self.empty);
        let keeps = self.keeps();
        let (empty, known) = driver::run(DOING, async move {
            retry_while_lost(&base, || async {
                let collection = base.collection(ORDERS);
                let empty = match empty {
                    Some(empty) => empty,
                    None => collection.find_one(doc! {}).sort(doc! {column::ORDER_ID: 1}).await?.is_none(),
                };
                let mut known = HashMap::new();
                if !empty {
                    let fields = doc! {"_id": 0, column::ORDER_ID: 1, column::UPDATED_AT: 1};
                    let filter = doc! {column::ORDER_ID: {"$in": &ids}};
                    let find = collection.find(filter).batch_size(100_000);
                    let mut found = if keeps { find.await? } else { find.projection(fields).await? };
                    while let Some(document) = found.try_next().await? {
                        let id = document.get_str(column::ORDER_ID).unwrap_or_default().to_owned();
                        let changed = optional_time(&document, column::UPDATED_AT).unwrap_or_default();
                        // One that cannot be read is replaced.
                        let order = keeps.then(|| readable(read_order(&document), ORDERS, &document)).flatten();
                        known.insert(id, Known { changed, order });
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

    /// Whether orders that are there keep something.
    fn keeps(&self) -> bool {
        self.mode == ImportMode::Upsert && !self.lacks.is_empty()
    }

    fn stage(&mut self, order: &Order, known: bool) -> Result<()> {
        let set = write_order(order);
        // The identifier is generated here, so that a repeated write fails as a duplicate.
        let mut document = doc! {"_id": ObjectId::new()};
        document.extend(set);
        let bytes =
            document.to_vec().map_err(|error| StoreError::Backend { doing: DOING, reason: error.to_string() })?;
        self.staged.write_all(&bytes).map_err(|error| temp_file_error(&error))?;
        self.known.push(known);
        Ok(())
    }
}

fn temp_file_error(error: &std::io::Error) -> StoreError {
    StoreError::Unwritable { path: std::env::temp_dir().display().to_string(), reason: error.to_string() }
}

#[async_trait]
impl OrderImport for MongoImport {
    fn lacking(&mut self, columns: Vec<&'static str>) {
        self.lacks = columns;
    }

    async fn write(&mut self, orders: Vec<Order>) -> Result<BatchOutcome> {
        let known = self.lookup(&orders).await?;
        let mut written = BatchOutcome::default();
        for mut order in orders {
            let found = known.get(order.id.as_str());
            let stored = found.map(|known| known.changed);
            if let Some(stored) = found.and_then(|known| known.order.as_ref()) {
                order = order.keeping_columns(stored, &self.lacks);
            }
            let (known, place) = (stored.is_some(), self.known.len());
            // What is older never replaces what is newer.
            let changed = order.details.updated_at.map(Timestamp::as_millisecond);
            let stale = self.mode == ImportMode::Upsert
                && matches!((stored.flatten(), changed), (Some(stored), Some(changed)) if changed < stored.as_millisecond());
            if known && (self.mode == ImportMode::Append || stale) {
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
            self.forms.observe_order(&order);
            self.stage(&order, known)?;
            self.places.insert(order.id, place);
        }
        Ok(written)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let Self { base, mode, staged, places, known, imports, forms, .. } = *self;
        let mut file = staged.into_inner().map_err(|error| temp_file_error(error.error()))?;
        file.seek(SeekFrom::Start(0)).map_err(|error| temp_file_error(&error))?;
        let done = driver::run(DOING, async move {
            let staged =
                Staged { rows: BufReader::with_capacity(1 << 20, file), places: &places, known: &known, next: 0 };
            stream::iter(staged)
                .map(|batch| async {
                    let batch = batch?;
                    retry_while_lost(&base, || write(&base, mode, &batch)).await
                })
                .buffer_unordered(CONCURRENCY)
                .try_for_each(|()| async { Ok(()) })
                .await?;
            if mode == ImportMode::Replace {
                // Last, so that orders that stay are visible all the time.
                retry_while_lost(&base, || remove_others(&base, &places)).await?;
            }
            retry_while_lost(&base, || id_forms::learn(&base, &forms, mode == ImportMode::Replace)).await?;
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

/// Runs an idempotent step of an import, and retries it while the connection is lost.
async fn retry_while_lost<T, F: Future<Output = Read<T>>>(base: &Base, work: impl Fn() -> F) -> Result<T> {
    let begun = Instant::now();
    let limit = base.settings.operation;
    let mut wait = Duration::from_millis(100);
    loop {
        let error = match tokio::time::timeout(limit, work()).await {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(error)) if error.is_transient() && begun.elapsed() < RETRY_TIMEOUT => error,
            Ok(Err(error)) => return Err(error.into_error(&base.shown, DOING, limit)),
            Err(_) if begun.elapsed() < RETRY_TIMEOUT => continue,
            Err(_) => {
                let path = base.shown.to_string();
                return Err(StoreError::Slow { path, doing: DOING, seconds: limit.as_secs() });
            }
        };
        tracing::warn!(error = %error.into_error(&base.shown, DOING, limit), "the import waits for the server");
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
        // Orders that were gone and come back: those that were paid back stay paid back for the original as well.
        let ids: Vec<String> =
            batch.new.iter().filter_map(|row| row.get_str(column::ORDER_ID).ok().map(str::to_owned)).collect();
        original::mark_again(base, &ids).await?;
    }
    if mode != ImportMode::Append && !known.is_empty() {
        update(base, mode, &known).await?;
    }
    Ok(())
}

/// Replaces known orders; fields that other programs added stay.
async fn update(base: &Base, mode: ImportMode, orders: &[&RawDocumentBuf]) -> Read<()> {
    let mut updates = Vec::with_capacity(orders.len());
    for order in orders {
        let mut set: Document = bson::deserialize_from_slice(order.as_bytes())?;
        set.remove("_id");
        let mut update = doc! {};
        let unset: Document = removable()
            .filter(|name| !set.contains_key(name))
            .map(|name| (name.to_owned(), Bson::String(String::new())))
            .collect();
        if !unset.is_empty() {
            update.insert("$unset", unset);
        }
        let mut filter = doc! {column::ORDER_ID: set.get(column::ORDER_ID).cloned()};
        // Unless the shop sent a newer one while this import went on. That one would not be found, and inserted again.
        let changed = set.get(column::UPDATED_AT).filter(|_| mode == ImportMode::Upsert).cloned();
        let upsert = changed.is_none();
        if let Some(changed) = changed {
            filter.insert(column::UPDATED_AT, doc! {"$not": {"$gt": changed}});
        }
        // What is left of former numbers does no harm: who finds an order by them reads its numbers.
        if let Some(tails) = set.remove(TAILS) {
            update.insert("$addToSet", doc! {TAILS: {"$each": tails}});
        }
        update.insert("$set", set);
        // All of them, where the original's data holds an order more than once.
        updates.extend(replacing(&filter, update, upsert));
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
            // Another writer inserted it between the query and the insert of this upsert.
            again.extend(usize::try_from(number("index")?).ok().and_then(|index| updates.get(index).cloned()));
        }
        updates = again;
        super::pause().await;
    }
}

fn refused(error: &Document) -> BackendError {
    let reason = error.get_str("errmsg").unwrap_or("the server gives no reason").to_owned();
    BackendError::Known(StoreError::Backend { doing: DOING, reason })
}

/// Removes the orders that are not part of the import.
async fn remove_others(base: &Base, places: &HashMap<OrderId, usize>) -> Read<()> {
    let collection = base.collection(ORDERS);
    let order = doc! {column::ORDER_ID: 1};
    let mut found = collection.find(doc! {}).projection(original::mark_fields()).sort(order).await?;
    let mut others: Vec<Bson> = Vec::new();
    while let Some(document) = found.try_next().await? {
        // Only its document says that another program paid it back: were it to come again without that, it would be paid
        // once more.
        if original::is_paid_elsewhere(&document) {
            continue;
        }
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

//! Importing orders: they are staged in a temporary table, then moved over in one transaction. The write lock is not
//! held while the import waits for more rows.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::{BatchOutcome, ImportMode, OrderImport, Result, StoreError};
use super::connection::Location;
use super::id_forms;
use super::order_rows::{COLUMNS, VALUES, index_phones, insert_order, read_order};
use super::threads::{guarded, spawn};
use crate::domain::ids::IdForms;
use crate::domain::order::Order;

/// Columns that the file of the orders lacks.
type Lacks = Arc<[&'static str]>;

/// A request to the thread of an import.
enum Step {
    Write(Vec<Order>, Lacks, oneshot::Sender<Result<BatchOutcome>>),
    Commit(oneshot::Sender<Result<()>>),
}

/// An import with its own connection. Dropping it drops the temporary table.
pub(super) struct SqliteImport {
    steps: Option<Sender<Step>>,
    thread: Option<JoinHandle<()>>,
    lacks: Lacks,
}

impl Drop for SqliteImport {
    fn drop(&mut self) {
        self.steps = None;
        // Its connection and temporary table are gone when this returns: the file can then be moved or removed.
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl SqliteImport {
    pub(super) async fn begin(location: Arc<Location>, mode: ImportMode) -> Result<Self> {
        let (steps, queue) = channel();
        let (ready, started) = oneshot::channel();
        let thread = spawn("store-import", move || match begin(&location) {
            Ok(connection) => {
                let _ = ready.send(Ok(()));
                run(connection, &location, mode, &queue);
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        })?;
        let import = Self { steps: Some(steps), thread: Some(thread), lacks: Arc::default() };
        started.await.unwrap_or_else(|_| Err(stopped()))?;
        Ok(import)
    }

    fn send(&self, step: Step) -> Result<()> {
        let steps = self.steps.as_ref().ok_or_else(stopped)?;
        steps.send(step).map_err(|_| stopped())
    }
}

fn stopped() -> StoreError {
    StoreError::Backend { doing: DOING, reason: "the thread of the import has stopped".to_owned() }
}

const DOING: &str = "importing orders";

#[async_trait]
impl OrderImport for SqliteImport {
    fn lacking(&mut self, columns: Vec<&'static str>) {
        self.lacks = columns.into();
    }

    async fn write(&mut self, orders: Vec<Order>) -> Result<BatchOutcome> {
        let (reply, answer) = oneshot::channel();
        self.send(Step::Write(orders, Arc::clone(&self.lacks), reply))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.send(Step::Commit(reply))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn begin(location: &Location) -> Result<Connection> {
    let connection = location.open_writer()?;
    // The caches bound the memory of an import of any length; what does not fit goes to a temporary file.
    connection
        .execute_batch(
            "PRAGMA temp_store = FILE; PRAGMA main.cache_size = -24000; PRAGMA temp.cache_size = -24000;
             PRAGMA temp.journal_mode = MEMORY;
             CREATE TEMP TABLE staged (
                order_id TEXT PRIMARY KEY NOT NULL, customer_id, platform, placed, placed_at, delivery_minutes,
                category, value_paise, feedback, rating, delayed, refund_requested, phone, date, status, details,
                other_phones, display_key, updated_at
             ) WITHOUT ROWID;",
        )
        .map_err(|error| location.error(&error, DOING))?;
    Ok(connection)
}

fn run(mut connection: Connection, location: &Location, mode: ImportMode, queue: &Receiver<Step>) {
    let mut forms = IdForms::default();
    while let Ok(step) = queue.recv() {
        match step {
            Step::Write(orders, lacks, reply) => {
                for order in &orders {
                    forms.observe_order(order);
                }
                let written = guarded(|| Ok(stage(&mut connection, mode, orders, &lacks)?));
                let written = written.map_err(|error| error.into_error(location, DOING));
                let _ = reply.send(written);
            }
            Step::Commit(reply) => {
                let merged = guarded(|| Ok(merge(&mut connection, mode, forms)?));
                let merged = merged.map_err(|error| error.into_error(location, DOING));
                drop(connection);
                let _ = reply.send(merged);
                return;
            }
        }
    }
}

fn stage(
    connection: &mut Connection,
    mode: ImportMode,
    orders: Vec<Order>,
    lacks: &[&'static str],
) -> rusqlite::Result<BatchOutcome> {
    // The transaction reads a snapshot to look up known orders, and holds no lock of the file.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut written = BatchOutcome::default();
    {
        let mut insert = transaction
            .prepare_cached(&format!("INSERT INTO temp.staged ({COLUMNS}) VALUES {VALUES} ON CONFLICT DO NOTHING"))?;
        let mut replace =
            transaction.prepare_cached(&format!("INSERT OR REPLACE INTO temp.staged ({COLUMNS}) VALUES {VALUES}"))?;
        let mut known = transaction.prepare_cached("SELECT updated_at FROM main.order_details WHERE order_id = ?1")?;
        let keeps = mode == ImportMode::Upsert && !lacks.is_empty();
        let mut kept =
            transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM main.order_details WHERE order_id = ?1"))?;
        let mut earlier =
            transaction.prepare_cached(&format!("SELECT {COLUMNS} FROM temp.staged WHERE order_id = ?1"))?;
        for mut order in orders {
            let stored: Option<Option<i64>> = match mode {
                ImportMode::Replace => None,
                _ => known.query_row([order.id.as_str()], |row| row.get(0)).optional()?,
            };
            if keeps && stored.is_some() {
                let stored = kept.query_row([order.id.as_str()], read_order)?;
                order = order.keeping_columns(&stored, lacks);
            }
            let (known, changed) = (stored.is_some(), order.details.updated_at.map(Timestamp::as_millisecond));
            // What is older never replaces what is newer.
            let stale = matches!((stored.flatten(), changed), (Some(stored), Some(changed)) if changed < stored);
            if known && (mode == ImportMode::Append || stale) {
                written.kept += 1;
            } else if insert_order(&mut insert, &order)? == 0 {
                written.repeated += 1;
                if keeps {
                    let staged = earlier.query_row([order.id.as_str()], read_order)?;
                    order = order.keeping_columns(&staged, lacks);
                }
                if mode != ImportMode::Append {
                    insert_order(&mut replace, &order)?;
                }
            } else if known {
                written.updated += 1;
            } else {
                written.added += 1;
            }
        }
    }
    transaction.commit()?;
    Ok(written)
}

fn merge(connection: &mut Connection, mode: ImportMode, forms: IdForms) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // An order keeps its telephone number when a file comes without one: otherwise the next stranger to ask could claim
    // it.
    let any = |what: &str| {
        transaction
            .query_row(&format!("SELECT EXISTS (SELECT 1 FROM {what} IS NOT NULL)"), [], |row| row.get::<_, bool>(0))
    };
    let phones_known = any("main.order_details WHERE coalesce(phone, other_phones)")?;
    if mode != ImportMode::Append && phones_known {
        for column in ["phone", "other_phones"] {
            transaction.execute(
                &format!(
                    "UPDATE temp.staged SET {column} = (SELECT known.{column} FROM main.order_details AS known
                         WHERE known.order_id = staged.order_id) WHERE {column} IS NULL"
                ),
                [],
            )?;
        }
    }
    if mode == ImportMode::Upsert && any("main.order_details WHERE updated_at")? {
        // Orders that the shop sent while the import went on; and what tells no time stays as new as it was.
        transaction.execute(
            "DELETE FROM temp.staged WHERE updated_at < (SELECT known.updated_at FROM main.order_details AS known
                 WHERE known.order_id = staged.order_id)",
            [],
        )?;
        transaction.execute(
            "UPDATE temp.staged SET updated_at = (SELECT known.updated_at FROM main.order_details AS known
                 WHERE known.order_id = staged.order_id) WHERE updated_at IS NULL",
            [],
        )?;
    }
    if mode == ImportMode::Replace {
        transaction.execute("DELETE FROM main.order_details", [])?;
        transaction.execute("DELETE FROM main.order_phones", [])?;
    } else if phones_known && mode == ImportMode::Upsert {
        transaction
            .execute("DELETE FROM main.order_phones WHERE order_id IN (SELECT order_id FROM temp.staged)", [])?;
    }
    index_phones(&transaction, "temp.staged")?;
    let verb = if mode == ImportMode::Append { "INSERT OR IGNORE" } else { "INSERT OR REPLACE" };
    transaction
        .execute(&format!("{verb} INTO main.order_details ({COLUMNS}) SELECT {COLUMNS} FROM temp.staged"), [])?;
    let forms = match id_forms::saved(&transaction)? {
        _ if mode == ImportMode::Replace => forms,
        Some(mut known) => {
            known.merge(forms);
            known
        }
        None => id_forms::of_all(&transaction)?,
    };
    id_forms::save(&transaction, &forms)?;
    transaction.commit()
}

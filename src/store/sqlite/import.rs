//! Decides how an import reaches the file: gathered in a temporary table, then moved over in one transaction.
//!
//! It must never hold the write lock while it waits for more rows: a slow source would stop every other writer.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::super::{ImportMode, OrderImport, Result, StoreError, Written};
use super::connection::Place;
use super::orders::{COLUMNS, insert_order};
use super::threads::spawn;
use crate::domain::order::Order;

/// What the thread of an import is asked to do.
enum Step {
    Write(Vec<Order>, oneshot::Sender<Result<Written>>),
    Commit(oneshot::Sender<Result<()>>),
}

/// An import with its own connection. Dropping it drops the temporary table.
pub(super) struct SqliteImport {
    steps: Option<Sender<Step>>,
    thread: Option<JoinHandle<()>>,
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
    pub(super) async fn begin(place: Arc<Place>, mode: ImportMode) -> Result<Self> {
        let (steps, queue) = channel();
        let (ready, started) = oneshot::channel();
        let thread = spawn("store-import", move || match begin(&place) {
            Ok(connection) => {
                let _ = ready.send(Ok(()));
                run(connection, &place, mode, &queue);
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        })?;
        let import = Self { steps: Some(steps), thread: Some(thread) };
        started.await.unwrap_or_else(|_| Err(stopped()))?;
        Ok(import)
    }

    fn ask(&self, step: Step) -> Result<()> {
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
    async fn write(&mut self, orders: Vec<Order>) -> Result<Written> {
        let (reply, answer) = oneshot::channel();
        self.ask(Step::Write(orders, reply))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        let (reply, answer) = oneshot::channel();
        self.ask(Step::Commit(reply))?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn begin(place: &Place) -> Result<Connection> {
    let connection = place.open_writer()?;
    // The caches bound the memory of an import of any length; what does not fit goes to a temporary file.
    connection
        .execute_batch(
            "PRAGMA temp_store = FILE; PRAGMA main.cache_size = -24000; PRAGMA temp.cache_size = -24000;
             PRAGMA temp.journal_mode = MEMORY;
             CREATE TEMP TABLE staged (
                order_id TEXT PRIMARY KEY NOT NULL, customer_id, platform, placed, placed_at, delivery_minutes,
                category, value_paise, feedback, rating, delayed, refund_requested, phone, date, status
             ) WITHOUT ROWID;",
        )
        .map_err(|error| place.error(&error, DOING))?;
    Ok(connection)
}

fn run(mut connection: Connection, place: &Place, mode: ImportMode, queue: &Receiver<Step>) {
    while let Ok(step) = queue.recv() {
        match step {
            Step::Write(orders, reply) => {
                let written = stage(&mut connection, mode, &orders).map_err(|error| place.error(&error, DOING));
                let _ = reply.send(written);
            }
            Step::Commit(reply) => {
                let merged = merge(&mut connection, mode).map_err(|error| place.error(&error, DOING));
                drop(connection);
                let _ = reply.send(merged);
                return;
            }
        }
    }
}

fn stage(connection: &mut Connection, mode: ImportMode, orders: &[Order]) -> rusqlite::Result<Written> {
    // The transaction holds a snapshot to look known orders up in, and no lock that anybody waits for.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred)?;
    let mut written = Written::default();
    {
        let values = "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
        let mut insert = transaction
            .prepare_cached(&format!("INSERT INTO temp.staged ({COLUMNS}) VALUES {values} ON CONFLICT DO NOTHING"))?;
        let mut replace =
            transaction.prepare_cached(&format!("INSERT OR REPLACE INTO temp.staged ({COLUMNS}) VALUES {values}"))?;
        let mut known =
            transaction.prepare_cached("SELECT EXISTS (SELECT 1 FROM main.order_details WHERE order_id = ?1)")?;
        for order in orders {
            let known: bool = mode != ImportMode::Replace && known.query_row([order.id.as_str()], |row| row.get(0))?;
            if known && mode == ImportMode::Append {
                written.kept += 1;
            } else if insert_order(&mut insert, order)? == 0 {
                written.repeated += 1;
                if mode != ImportMode::Append {
                    insert_order(&mut replace, order)?;
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

fn merge(connection: &mut Connection, mode: ImportMode) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // An order that answered to a telephone number goes on answering to it when a file comes without one: otherwise the
    // next stranger to ask could claim it.
    let phones = "SELECT EXISTS (SELECT 1 FROM main.order_details WHERE phone IS NOT NULL)";
    if mode != ImportMode::Append && transaction.query_row(phones, [], |row| row.get::<_, bool>(0))? {
        transaction.execute(
            "UPDATE temp.staged SET phone = (SELECT known.phone FROM main.order_details AS known
                 WHERE known.order_id = staged.order_id) WHERE phone IS NULL",
            [],
        )?;
    }
    if mode == ImportMode::Replace {
        transaction.execute("DELETE FROM main.order_details", [])?;
    }
    let verb = if mode == ImportMode::Append { "INSERT OR IGNORE" } else { "INSERT OR REPLACE" };
    transaction
        .execute(&format!("{verb} INTO main.order_details ({COLUMNS}) SELECT {COLUMNS} FROM temp.staged"), [])?;
    transaction.commit()
}

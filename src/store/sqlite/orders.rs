//! Orders, bindings and lookups. An order that is imported again keeps its binding.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{ImportMode, NAMED_ALIKE, OrderImport, Orders, Result};
use super::id_forms;
use super::import::SqliteImport;
use super::order_rows::{COLUMNS, VALUES, index_phones_of, insert_order, read_order};
use super::{BackendError, SqliteStore, count, micros, timestamp};
use crate::domain::ids::{IdForms, OrderId, UserId};
use crate::domain::lookup::{self, LookupDecision};
use crate::domain::order::{Order, UpsertOutcome, name_key, settle};
use crate::domain::ownership::{Binding, Proof};
use crate::domain::phone::{self, Country};

/// Finds orders by a name.
pub(super) const NAMED: &str = "SELECT order_id FROM order_details WHERE order_id IN (?1, '#' || ?1)
     UNION SELECT order_id FROM order_details WHERE display_key = ?1 ORDER BY order_id LIMIT ?2";
/// Finds orders by the last digits of a number.
pub(super) const OF_TAIL: &str =
    "SELECT order_id FROM order_phones WHERE tail = ?1 ORDER BY placed_at DESC, order_id DESC";

fn read_binding(connection: &Connection, order: &OrderId) -> std::result::Result<Option<Binding>, BackendError> {
    let mut statement = connection.prepare_cached("SELECT user_id, at, proof FROM bindings WHERE order_id = ?1")?;
    let row = statement.query_row([order.as_str()], |row| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?)));
    let Some((user, at, proof)) = row.optional()? else { return Ok(None) };
    Ok(Some(Binding { order_id: order.clone(), user_id: UserId::new(user), at: timestamp(at)?, proof }))
}

pub(super) fn order(connection: &Connection, id: &OrderId) -> std::result::Result<Option<Order>, BackendError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {COLUMNS} FROM order_details WHERE order_id = ?1"))?;
    Ok(statement.query_row([id.as_str()], read_order).optional()?)
}

fn upsert(connection: &Connection, new: &Order) -> std::result::Result<UpsertOutcome, BackendError> {
    let (outcome, changed) = settle(order(connection, &new.id)?.as_ref(), new);
    if let Some(order) = changed {
        replace(connection, &order)?;
    }
    Ok(outcome)
}

/// Writes an order in the place of the stored one.
pub(super) fn replace(connection: &Connection, order: &Order) -> std::result::Result<(), BackendError> {
    let insert = format!("INSERT OR REPLACE INTO order_details ({COLUMNS}) VALUES {VALUES}");
    let mut insert = connection.prepare_cached(&insert)?;
    insert_order(&mut insert, order)?;
    index_phones_of(connection, order)?;
    Ok(())
}

/// The stored order that a new one is, or may be, under another id.
fn twin(connection: &Connection, new: &Order) -> std::result::Result<Option<OrderId>, BackendError> {
    const THERE: &str = "SELECT EXISTS (SELECT 1 FROM order_details WHERE order_id = ?1)";
    const ALIKE: &str = "SELECT order_id FROM order_details WHERE order_id IN (?1, '#' || ?1)
         UNION SELECT order_id FROM order_details WHERE display_key = ?1
         UNION SELECT order_id FROM order_details WHERE shop_id = ?1 AND shop_id IS NOT NULL LIMIT ?2";
    if connection.prepare_cached(THERE)?.query_row([new.id.as_str()], |row| row.get(0))? {
        return Ok(None);
    }
    let keys = new.keys();
    let mut found: Vec<OrderId> = Vec::new();
    let read = |row: &Row<'_>| Ok::<_, rusqlite::Error>(OrderId::new(row.get_ref(0)?.as_str()?));
    let mut alike = connection.prepare_cached(ALIKE)?;
    for key in &keys {
        for id in alike.query_map(params![key, NAMED_ALIKE], read)? {
            found.push(id?);
        }
    }
    // Zeros that a spreadsheet dropped are found among the orders of the number.
    let mut of_tail = connection.prepare_cached(OF_TAIL)?;
    for tail in new.phones().filter_map(phone::tail) {
        for id in of_tail.query_map([tail], read)?.take(NAMED_ALIKE as usize) {
            let id = id?;
            if !Order::new(id.clone()).keys().is_disjoint(&keys) {
                found.push(id);
            }
        }
    }
    for id in found {
        if order(connection, &id)?.is_some_and(|known| known.is_twin_of(new)) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

#[async_trait]
impl Orders for SqliteStore {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>> {
        let id = id.clone();
        self.read("reading an order", move |connection| order(connection, &id)).await
    }

    async fn orders_named(&self, name: &str) -> Result<Vec<OrderId>> {
        let key = name_key(name);
        self.read("finding an order", move |connection| {
            let mut statement = connection.prepare_cached(NAMED)?;
            let found =
                statement.query_map(params![key, NAMED_ALIKE], |row| Ok(OrderId::new(row.get_ref(0)?.as_str()?)))?;
            Ok(found.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn order_of_shop(&self, shop_id: &str) -> Result<Option<Order>> {
        const OF_SHOP: &str = "SELECT order_id FROM order_details WHERE shop_id = ?1 AND shop_id IS NOT NULL ORDER BY updated_at DESC, order_id LIMIT 1";
        let shop_id = shop_id.to_owned();
        self.read("finding an order", move |connection| {
            let mut statement = connection.prepare_cached(OF_SHOP)?;
            let id = statement.query_row([shop_id], |row| Ok(OrderId::new(row.get_ref(0)?.as_str()?))).optional()?;
            id.map_or(Ok(None), |id| order(connection, &id))
        })
        .await
    }

    async fn twins_of(&self, orders: &[Order]) -> Result<Vec<(OrderId, OrderId)>> {
        let orders = orders.to_vec();
        self.read("finding orders under another id", move |connection| {
            let mut twins = Vec::new();
            for new in orders {
                if let Some(known) = twin(connection, &new)? {
                    twins.push((new.id, known));
                }
            }
            Ok(twins)
        })
        .await
    }

    async fn orders_of_number(&self, number: &str, home: Country, limit: u32) -> Result<Vec<Order>> {
        let Some((number, tail)) = phone::searched(number) else { return Ok(Vec::new()) };
        self.read("finding the orders of a number", move |connection| {
            let mut found = Vec::new();
            let mut statement = connection.prepare_cached(OF_TAIL)?;
            let mut rows = statement.query([tail])?;
            while found.len() < usize::try_from(limit).unwrap_or(usize::MAX)
                && let Some(row) = rows.next()?
            {
                let order = order(connection, &OrderId::new(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?))?;
                found.extend(order.filter(|order| order.numbers(home).any(|own| own == number)));
            }
            Ok(found)
        })
        .await
    }

    async fn upsert_orders(&self, orders: &[Order]) -> Result<Vec<UpsertOutcome>> {
        let orders = orders.to_vec();
        self.write("saving orders", move |connection| {
            let upserted = orders.iter().map(|order| upsert(connection, order));
            let outcomes = upserted.collect::<std::result::Result<Vec<_>, BackendError>>()?;
            let added = orders.iter().zip(&outcomes).filter(|(_, outcome)| **outcome == UpsertOutcome::Added);
            id_forms::learn(connection, added.map(|(order, _)| order))?;
            Ok(outcomes)
        })
        .await
    }

    async fn order_id_forms(&self) -> Result<IdForms> {
        let (forms, is_saved) = self
            .read("reading the forms of order ids", |connection| {
                Ok(match id_forms::saved(connection)? {
                    Some(forms) => (forms, true),
                    None => (id_forms::of_all(connection)?, false),
                })
            })
            .await?;
        if !is_saved {
            // A store that is only read, or busy, is looked at again the next time.
            let saved = self
                .write("saving the forms of order ids", |connection| {
                    let forms = id_forms::of_all(connection)?;
                    Ok(id_forms::save(connection, &forms)?)
                })
                .await;
            if let Err(error) = saved {
                tracing::debug!(%error, "the forms of order ids are not saved");
            }
        }
        Ok(forms)
    }

    async fn orders_by_id(&self, skipped: u64, limit: u32) -> Result<Vec<Order>> {
        let skipped = i64::try_from(skipped).unwrap_or(i64::MAX);
        self.read("reading orders", move |connection| {
            let sql = format!("SELECT {COLUMNS} FROM order_details ORDER BY order_id LIMIT ?1 OFFSET ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let rows = statement.query_map(params![limit, skipped], read_order)?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }

    async fn count_orders(&self) -> Result<u64> {
        self.read("counting orders", |connection| {
            count(connection.query_row("SELECT count(*) FROM order_details", [], |row| row.get(0))?)
        })
        .await
    }

    async fn begin_import(&self, mode: ImportMode) -> Result<Box<dyn OrderImport>> {
        Ok(Box::new(SqliteImport::begin(self.location.clone(), mode).await?))
    }

    async fn binding_of(&self, id: &OrderId) -> Result<Option<Binding>> {
        let order = id.clone();
        self.read("reading a binding", move |connection| read_binding(connection, &order)).await
    }

    async fn bound_orders(&self, user: &UserId, limit: u32) -> Result<Vec<OrderId>> {
        let user = user.clone();
        self.read("reading the orders of a customer", move |connection| {
            let sql = "SELECT order_id FROM bindings WHERE user_id = ?1 ORDER BY at DESC, order_id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let read = |row: &Row<'_>| Ok::<_, BackendError>(OrderId::new(&row.get::<_, String>(0)?));
            let rows = statement.query_and_then(params![user.as_str(), limit], read)?;
            rows.collect()
        })
        .await
    }

    async fn prove_binding(&self, id: &OrderId, user: &UserId, proof: Proof, at: Timestamp) -> Result<UserId> {
        let (order, user) = (id.clone(), user.clone());
        self.write("binding an order", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO bindings (order_id, user_id, at, proof) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (order_id) DO UPDATE SET user_id = ?2, at = ?3, proof = ?4 WHERE proof IS NULL",
                )?
                .execute(params![order.as_str(), user.as_str(), micros(at), proof.as_str()])?;
            Ok(read_binding(connection, &order)?.map_or(user, |binding| binding.user_id))
        })
        .await
    }

    async fn unbind_order(&self, id: &OrderId) -> Result<Option<Binding>> {
        let order = id.clone();
        self.write("removing a binding", move |connection| {
            let bound = read_binding(connection, &order)?;
            connection.prepare_cached("DELETE FROM bindings WHERE order_id = ?1")?.execute([order.as_str()])?;
            Ok(bound)
        })
        .await
    }

    async fn bind_order(&self, id: &OrderId, user: &UserId, at: Timestamp) -> Result<UserId> {
        const BOUND: &str = "SELECT user_id FROM bindings WHERE order_id = ?1";
        if let Some(user) = self.binding(id).await? {
            return Ok(user); // It is bound: no need to write, nor to wait for the disk.
        }
        let (order, user) = (id.clone(), user.clone());
        self.write("binding an order", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO bindings (order_id, user_id, at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                )?
                .execute(params![order.as_str(), user.as_str(), micros(at)])?;
            let bound: String = connection.prepare_cached(BOUND)?.query_row([order.as_str()], |row| row.get(0))?;
            Ok(UserId::new(bound))
        })
        .await
    }

    async fn try_record_lookup(&self, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> Result<bool> {
        const NOTED: &str = "SELECT EXISTS (SELECT 1 FROM lookups WHERE user_id = ?1 AND order_id = ?2 AND at > ?3)";
        let since = micros(lookup::window_start(at));
        let (order, asker) = (id.clone(), user.clone());
        let noted: bool = self
            .read("reading lookups", move |connection| {
                let mut statement = connection.prepare_cached(NOTED)?;
                Ok(statement.query_row(params![asker.as_str(), order.as_str(), since], |row| row.get(0))?)
            })
            .await?;
        if noted {
            return Ok(true);
        }
        let (order, asker) = (id.clone(), user.clone());
        self.write("noting a lookup", move |connection| {
            let (order, asker) = (order.as_str(), asker.as_str());
            connection
                .prepare_cached("DELETE FROM lookups WHERE user_id = ?1 AND at <= ?2")?
                .execute(params![asker, since])?;
            let noted: bool =
                connection.prepare_cached(NOTED)?.query_row(params![asker, order, since], |row| row.get(0))?;
            let distinct: i64 = connection
                .prepare_cached("SELECT count(*) FROM lookups WHERE user_id = ?1")?
                .query_row([asker], |row| row.get(0))?;
            match lookup::decide(noted, u64::try_from(distinct).unwrap_or(0), limit) {
                LookupDecision::Counted => return Ok(true),
                LookupDecision::Refuse => return Ok(false),
                LookupDecision::Count => {}
            }
            connection
                .prepare_cached("INSERT INTO lookups (user_id, order_id, at) VALUES (?1, ?2, ?3)")?
                .execute(params![asker, order, micros(at)])?;
            Ok(true)
        })
        .await
    }
}

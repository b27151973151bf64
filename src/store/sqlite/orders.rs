//! Decides how orders, bindings and lookups are kept.
//!
//! It must never let an order that is imported again lose its binding.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Statement, params};

use super::super::{ImportMode, OrderImport, Orders, Result};
use super::import::SqliteImport;
use super::{SqliteStore, count, micros};
use crate::domain::ids::{OrderId, UserId};
use crate::domain::money::Money;
use crate::domain::order::Order;

/// The columns of an order, in the order of [`read_order`] and [`insert_order`].
pub(super) const COLUMNS: &str = "order_id, customer_id, platform, placed, placed_at, delivery_minutes, category,
    value_paise, feedback, rating, delayed, refund_requested, phone, date, status";

/// The time within which the distinct orders an identity asks for are counted.
const LOOKUP_WINDOW: SignedDuration = SignedDuration::from_hours(24);

fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let placed_at: Option<String> = row.get(4)?;
    let placed_at = placed_at
        .map(|text| text.parse())
        .transpose()
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(4, Type::Text, Box::new(error)))?;
    Ok(Order {
        id: OrderId::new(row.get_ref(0)?.as_str()?),
        customer_id: row.get(1)?,
        platform: row.get(2)?,
        placed: row.get(3)?,
        placed_at,
        delivery_minutes: row.get(5)?,
        category: row.get(6)?,
        value: Money::from_paise(row.get(7)?),
        feedback: row.get(8)?,
        rating: row.get(9)?,
        delayed: row.get(10)?,
        refund_requested: row.get(11)?,
        phone: row.get(12)?,
        date: row.get(13)?,
        status: row.get(14)?,
    })
}

/// Runs an insert of all columns; the number of rows that it changed.
pub(super) fn insert_order(statement: &mut Statement<'_>, order: &Order) -> rusqlite::Result<usize> {
    statement.execute(params![
        order.id.as_str(),
        order.customer_id,
        order.platform,
        order.placed,
        order.placed_at.map(|at| at.to_string()),
        order.delivery_minutes,
        order.category,
        order.value.paise(),
        order.feedback,
        order.rating,
        order.delayed,
        order.refund_requested,
        order.phone,
        order.date,
        order.status,
    ])
}

#[async_trait]
impl Orders for SqliteStore {
    async fn order(&self, id: &OrderId) -> Result<Option<Order>> {
        let id = id.clone();
        self.read("reading an order", move |connection| {
            let mut statement =
                connection.prepare_cached(&format!("SELECT {COLUMNS} FROM order_details WHERE order_id = ?1"))?;
            Ok(statement.query_row([id.as_str()], read_order).optional()?)
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
        Ok(Box::new(SqliteImport::begin(self.place.clone(), mode).await?))
    }

    async fn binding(&self, id: &OrderId) -> Result<Option<UserId>> {
        let order = id.clone();
        self.read("reading a binding", move |connection| {
            let mut statement = connection.prepare_cached("SELECT user_id FROM bindings WHERE order_id = ?1")?;
            Ok(statement.query_row([order.as_str()], |row| row.get::<_, String>(0)).optional()?.map(UserId::new))
        })
        .await
    }

    async fn bind_order(&self, id: &OrderId, user: &UserId, at: Timestamp) -> Result<UserId> {
        const BOUND: &str = "SELECT user_id FROM bindings WHERE order_id = ?1";
        if let Some(user) = self.binding(id).await? {
            return Ok(user); // A binding never changes: no need to write, nor to wait for the disk.
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

    async fn note_lookup(&self, id: &OrderId, user: &UserId, at: Timestamp, limit: u32) -> Result<bool> {
        const NOTED: &str = "SELECT EXISTS (SELECT 1 FROM lookups WHERE user_id = ?1 AND order_id = ?2 AND at > ?3)";
        let since = micros(at.saturating_sub(LOOKUP_WINDOW).unwrap_or(Timestamp::MIN));
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
            if noted {
                return Ok(true);
            }
            let others: i64 = connection
                .prepare_cached("SELECT count(*) FROM lookups WHERE user_id = ?1")?
                .query_row([asker], |row| row.get(0))?;
            if others >= i64::from(limit) {
                return Ok(false);
            }
            connection
                .prepare_cached("INSERT INTO lookups (user_id, order_id, at) VALUES (?1, ?2, ?3)")?
                .execute(params![asker, order, micros(at)])?;
            Ok(true)
        })
        .await
    }
}

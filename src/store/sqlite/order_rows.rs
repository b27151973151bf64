//! The rows of the table `order_details`, and of `order_phones`.

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, Statement, params};
use serde_json::{Map, Value, json};

use crate::domain::ids::OrderId;
use crate::domain::money::Money;
use crate::domain::order::{Order, OrderDetails, column, name_key};
use crate::domain::phone;

/// The columns of an order, in the order of [`read_order`] and [`insert_order`].
pub(super) const COLUMNS: &str = "order_id, customer_id, platform, placed, placed_at, delivery_minutes, category,
    value_paise, feedback, rating, delayed, refund_requested, phone, date, status, details, other_phones, display_key,
    updated_at";
/// A place for each of them.
pub(super) const VALUES: &str =
    "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

fn damaged(column: usize) -> impl Fn(Box<dyn std::error::Error + Send + Sync + 'static>) -> rusqlite::Error {
    move |error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
}

pub(super) fn read_order(row: &Row<'_>) -> rusqlite::Result<Order> {
    let placed_at: Option<String> = row.get(4)?;
    let placed_at = placed_at.map(|text| text.parse()).transpose();
    Ok(Order {
        id: OrderId::new(row.get_ref(0)?.as_str()?),
        customer_id: row.get(1)?,
        platform: row.get(2)?,
        placed: row.get(3)?,
        placed_at: placed_at.map_err(|error: jiff::Error| damaged(4)(error.into()))?,
        delivery_minutes: row.get(5)?,
        category: row.get(6)?,
        value: row.get::<_, Option<i64>>(7)?.map(Money::from_minor_units),
        feedback: row.get(8)?,
        rating: row.get(9)?,
        delayed: row.get(10)?,
        refund_requested: row.get(11)?,
        phone: row.get(12)?,
        date: row.get(13)?,
        status: row.get(14)?,
        details: read_details(row)?,
    })
}

fn read_details(row: &Row<'_>) -> rusqlite::Result<OrderDetails> {
    let paise = |amount: &Value| amount.as_i64().map(Money::from_minor_units);
    let mut details = match row.get_ref(15)?.as_str_or_null()? {
        None => OrderDetails::default(),
        Some(text) => {
            let stored: Value = serde_json::from_str(text).map_err(|error| damaged(15)(error.into()))?;
            OrderDetails::read(&stored, paise, |_| {})
        }
    };
    if let Some(phones) = row.get_ref(16)?.as_str_or_null()? {
        details.other_phones = serde_json::from_str(phones).map_err(|error| damaged(16)(error.into()))?;
    }
    let updated_at = row.get::<_, Option<i64>>(18)?.map(Timestamp::from_millisecond).transpose();
    details.updated_at = updated_at.map_err(|error| damaged(18)(error.into()))?;
    Ok(details)
}

/// Runs an insert of all columns; the number of rows that it changed.
pub(super) fn insert_order(statement: &mut Statement<'_>, order: &Order) -> rusqlite::Result<usize> {
    let details = &order.details;
    let mut stored = Map::new();
    details.write(&mut stored, |amount| amount.minor_units().into());
    for name in [column::OTHER_PHONES, column::UPDATED_AT] {
        stored.shift_remove(name);
    }
    statement.execute(params![
        order.id.as_str(),
        order.customer_id,
        order.platform,
        order.placed,
        order.placed_at.map(|at| at.to_string()),
        order.delivery_minutes,
        order.category,
        order.value.map(Money::minor_units),
        order.feedback,
        order.rating,
        order.delayed,
        order.refund_requested,
        order.phone,
        order.date,
        order.status,
        (!stored.is_empty()).then(|| Value::Object(stored).to_string()),
        (!details.other_phones.is_empty()).then(|| json!(details.other_phones).to_string()),
        details.display_id.as_deref().map(name_key).filter(|key| !key.is_empty()),
        details.updated_at.map(Timestamp::as_millisecond),
    ])
}

/// Adds what finds the orders of a table by their telephone numbers.
pub(super) fn index_phones(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    let mut orders = connection.prepare(&format!(
        "SELECT order_id, coalesce(placed_at, ''), phone, other_phones FROM {table}
         WHERE phone IS NOT NULL OR other_phones IS NOT NULL"
    ))?;
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO main.order_phones VALUES (?1, ?2, ?3)")?;
    let mut rows = orders.query([])?;
    while let Some(row) = rows.next()? {
        let (id, placed_at) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let others: Vec<String> = match row.get_ref(3)?.as_str_or_null()? {
            Some(phones) => serde_json::from_str(phones).unwrap_or_default(),
            None => Vec::new(),
        };
        let phone = row.get_ref(2)?.as_str_or_null()?;
        for tail in phone.into_iter().chain(others.iter().map(String::as_str)).filter_map(phone::tail) {
            insert.execute(params![tail, placed_at, id])?;
        }
    }
    Ok(())
}

/// As [`index_phones`], for one order, in place of its former numbers.
pub(super) fn index_phones_of(connection: &Connection, order: &Order) -> rusqlite::Result<()> {
    let id = order.id.as_str();
    connection.prepare_cached("DELETE FROM order_phones WHERE order_id = ?1")?.execute([id])?;
    let placed_at = order.placed_at.map(|at| at.to_string()).unwrap_or_default();
    for tail in order.phones().filter_map(phone::tail) {
        connection
            .prepare_cached("INSERT OR IGNORE INTO order_phones VALUES (?1, ?2, ?3)")?
            .execute(params![tail, placed_at, id])?;
    }
    Ok(())
}

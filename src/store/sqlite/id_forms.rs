//! What is known of the forms of order ids: kept beside the orders, and learnt with them. It must never hold an id.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::BackendError;
use crate::domain::ids::IdForms;
use crate::domain::order::Order;

/// What was saved; `None` where the ids were not looked at yet, or by an other version.
pub(super) fn saved(connection: &Connection) -> rusqlite::Result<Option<IdForms>> {
    let mut statement = connection.prepare_cached("SELECT forms FROM order_id_forms WHERE id = 1")?;
    let forms: Option<String> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(forms.and_then(|forms| serde_json::from_str(&forms).ok()))
}

/// Saves the forms.
pub(super) fn save(connection: &Connection, forms: &IdForms) -> rusqlite::Result<()> {
    let forms = serde_json::to_string(forms).unwrap_or_default();
    connection
        .prepare_cached(
            "INSERT INTO order_id_forms (id, forms) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET forms = ?1",
        )?
        .execute(params![forms])?;
    Ok(())
}

/// Looks at the ids of all orders.
pub(super) fn of_all(connection: &Connection) -> rusqlite::Result<IdForms> {
    let mut forms = IdForms::default();
    let mut statement = connection.prepare("SELECT order_id, display_key FROM order_details")?;
    let mut rows = statement.query([])?;
    let mut shown = false;
    while let Some(row) = rows.next()? {
        forms.observe(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?, false);
        shown |= row.get_ref(1)? != rusqlite::types::ValueRef::Null;
    }
    if shown {
        // The signs of a number that customers know are in the details only.
        let mut statement = connection.prepare(
            "SELECT details ->> '$.\"Display ID\"' FROM order_details WHERE display_key IS NOT NULL AND json_valid(details)",
        )?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Ok(id) = row.get_ref(0)?.as_str() {
                forms.observe(id, true);
            }
        }
    }
    Ok(forms)
}

/// Learns from the orders that a writer added; nothing where all are to be looked at yet.
pub(super) fn learn<'a>(connection: &Connection, orders: impl Iterator<Item = &'a Order>) -> Result<(), BackendError> {
    let mut orders = orders.peekable();
    if orders.peek().is_none() {
        return Ok(());
    }
    let Some(mut forms) = saved(connection)? else { return Ok(()) };
    let mut changed = false;
    for order in orders {
        changed |= forms.observe_order(order);
    }
    if changed {
        save(connection, &forms)?;
    }
    Ok(())
}

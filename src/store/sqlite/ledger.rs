//! Decides how quotes and refunds are kept.
//!
//! It must never keep two refunds of one order, nor remove one.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::super::{Ledger, Recorded, Result};
use super::{Fault, SqliteStore, count, int, micros, timestamp};
use crate::domain::ids::{OrderId, QuoteId, UserId};
use crate::domain::money::Money;
use crate::domain::refund::{ApprovedRefund, Quote, Refund};

pub(super) const QUOTE: &str = "SELECT id, order_id, user_id, order_value_paise, amount_paise, fee_paise, turn, created_at, expires_at FROM quotes";
const REFUND: &str =
    "SELECT transaction_id, order_id, amount_paise, fee_paise, quote_id, reason, actor, at FROM refunds";

pub(super) fn read_quote(row: &Row<'_>) -> std::result::Result<Quote, Fault> {
    Ok(Quote {
        id: QuoteId::new(row.get::<_, String>(0)?),
        order_id: OrderId::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
        user_id: row.get::<_, Option<String>>(2)?.map(UserId::new),
        order_value: Money::from_paise(row.get(3)?),
        amount: Money::from_paise(row.get(4)?),
        fee: Money::from_paise(row.get(5)?),
        turn: row.get::<_, Option<i64>>(6)?.map(count).transpose()?,
        created_at: timestamp(row.get(7)?)?,
        expires_at: timestamp(row.get(8)?)?,
    })
}

fn read_refund(row: &Row<'_>) -> std::result::Result<Refund, Fault> {
    Ok(Refund {
        transaction_id: row.get(0)?,
        order_id: OrderId::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
        amount: Money::from_paise(row.get(2)?),
        fee: Money::from_paise(row.get(3)?),
        quote_id: row.get::<_, Option<String>>(4)?.map(QuoteId::new),
        reason: row.get(5)?,
        actor: row.get(6)?,
        at: timestamp(row.get(7)?)?,
    })
}

pub(super) fn refund_of(connection: &Connection, order: &OrderId) -> std::result::Result<Option<Refund>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{REFUND} WHERE order_id = ?1"))?;
    statement.query_and_then([order.as_str()], read_refund)?.next().transpose()
}

/// The latest refunds.
pub(super) fn refunds(connection: &Connection, limit: u32) -> std::result::Result<Vec<Refund>, Fault> {
    let mut statement = connection.prepare_cached(&format!("{REFUND} ORDER BY at DESC, rowid DESC LIMIT ?1"))?;
    statement.query_and_then([limit], read_refund)?.collect()
}

#[async_trait]
impl Ledger for SqliteStore {
    async fn save_quote(&self, quote: &Quote) -> Result<()> {
        let quote = quote.clone();
        self.write("saving a quote", move |connection| {
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO quotes
                        (id, order_id, user_id, order_value_paise, amount_paise, fee_paise, turn, created_at, expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?
                .execute(params![
                    quote.id.as_str(),
                    quote.order_id.as_str(),
                    quote.user_id.as_ref().map(UserId::as_str),
                    quote.order_value.paise(),
                    quote.amount.paise(),
                    quote.fee.paise(),
                    quote.turn.map(int),
                    micros(quote.created_at),
                    micros(quote.expires_at),
                ])?;
            Ok(())
        })
        .await
    }

    async fn latest_quote(&self, order: &OrderId, user: Option<&UserId>) -> Result<Option<Quote>> {
        let (order, user) = (order.clone(), user.cloned());
        self.read("reading a quote", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{QUOTE} WHERE order_id = ?1 AND user_id IS ?2 ORDER BY created_at DESC, seq DESC LIMIT 1"
            ))?;
            statement
                .query_and_then(params![order.as_str(), user.as_ref().map(UserId::as_str)], read_quote)?
                .next()
                .transpose()
        })
        .await
    }

    async fn quote(&self, id: &QuoteId) -> Result<Option<Quote>> {
        let id = id.clone();
        self.read("reading a quote", move |connection| {
            let mut statement = connection.prepare_cached(&format!("{QUOTE} WHERE id = ?1"))?;
            statement.query_and_then([id.as_str()], read_quote)?.next().transpose()
        })
        .await
    }

    async fn refund_of(&self, order: &OrderId) -> Result<Option<Refund>> {
        let order = order.clone();
        self.read("reading a refund", move |connection| refund_of(connection, &order)).await
    }

    async fn record_refund(&self, approved: ApprovedRefund) -> Result<Recorded> {
        self.write("recording a refund", move |connection| {
            let refund = approved.into_refund();
            let added = connection
                .prepare_cached(
                    "INSERT INTO refunds
                        (order_id, transaction_id, amount_paise, fee_paise, quote_id, reason, actor, at)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (order_id) DO NOTHING",
                )?
                .execute(params![
                    refund.order_id.as_str(),
                    refund.transaction_id,
                    refund.amount.paise(),
                    refund.fee.paise(),
                    refund.quote_id.as_ref().map(QuoteId::as_str),
                    refund.reason,
                    refund.actor,
                    micros(refund.at),
                ])?;
            // What is stored is returned, also to the first caller: everybody gets the same.
            let stored = refund_of(connection, &refund.order_id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Ok(Recorded { refund: stored, already: added == 0 })
        })
        .await
    }

    async fn refunds(&self, limit: u32) -> Result<Vec<Refund>> {
        self.read("reading refunds", move |connection| refunds(connection, limit)).await
    }
}

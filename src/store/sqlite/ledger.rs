//! Quotes and refunds. An order has at most one refund, and no refund is ever removed.

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::super::{Ledger, Recorded, Result};
use super::events::Recorder;
use super::{BackendError, SqliteStore, count, int, micros, timestamp};
use crate::domain::currency::Currency;
use crate::domain::event::Event;
use crate::domain::ids::{OrderId, QuoteId, UserId};
use crate::domain::money::Money;
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::{ApprovedRefund, Progress, Proposal, ProviderKind, Refund, RefundState, Route};
use crate::domain::words::excerpt;

pub(super) const SELECT_QUOTE: &str = "SELECT id, order_id, user_id, order_value_paise, amount_paise, fee_paise, turn, created_at, expires_at, currency, kind, details FROM quotes";
const REFUND_COLUMNS: &str = "transaction_id, order_id, amount_paise, fee_paise, quote_id, reason, actor, at, route, progress, state, next_at, version, currency, items";

pub(super) fn read_quote(row: &Row<'_>) -> std::result::Result<Proposal, BackendError> {
    Ok(Proposal {
        id: QuoteId::new(row.get::<_, String>(0)?),
        kind: {
            let kind: String = row.get(10)?;
            ProposalKind::parse(&kind)
                .ok_or_else(|| BackendError::Content(format!("“{}” is no kind of a proposal", excerpt(&kind, 20))))?
        },
        details: from_json(row, 11)?.unwrap_or_default(),
        order_id: OrderId::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
        user_id: row.get::<_, Option<String>>(2)?.map(UserId::new),
        order_value: Money::from_minor_units(row.get(3)?),
        amount: Money::from_minor_units(row.get(4)?),
        fee: Money::from_minor_units(row.get(5)?),
        currency: currency(row, 9)?,
        turn: row.get::<_, Option<i64>>(6)?.map(count).transpose()?,
        created_at: timestamp(row.get(7)?)?,
        expires_at: timestamp(row.get(8)?)?,
    })
}

/// The currency in a column.
pub(super) fn currency(row: &Row<'_>, column: usize) -> std::result::Result<Currency, BackendError> {
    let code = row.get_ref(column)?.as_str().map_err(rusqlite::Error::from)?;
    Currency::new(code).ok_or_else(|| BackendError::Content(format!("“{}” is no currency", excerpt(code, 20))))
}

fn read_refund(row: &Row<'_>) -> std::result::Result<Refund, BackendError> {
    Ok(Refund {
        transaction_id: row.get(0)?,
        order_id: OrderId::new(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
        amount: Money::from_minor_units(row.get(2)?),
        fee: Money::from_minor_units(row.get(3)?),
        currency: currency(row, 13)?,
        quote_id: row.get::<_, Option<String>>(4)?.map(QuoteId::new),
        reason: row.get(5)?,
        actor: row.get(6)?,
        at: timestamp(row.get(7)?)?,
        items: from_json(row, 14)?.unwrap_or_default(),
        route: from_json(row, 8)?.unwrap_or_default(),
        progress: read_progress(row)?,
    })
}

/// A refund of before there were providers was paid when it was recorded.
fn read_progress(row: &Row<'_>) -> std::result::Result<Progress, BackendError> {
    let at = timestamp(row.get(7)?)?;
    let progress = from_json(row, 9)?.unwrap_or_else(|| Progress::begin(ProviderKind::Ledger, at));
    let state: String = row.get(10)?;
    Ok(Progress {
        state: RefundState::parse(&state)
            .ok_or_else(|| BackendError::Content(format!("“{state}” is no state of a refund")))?,
        next_at: row.get::<_, Option<i64>>(11)?.map(timestamp).transpose()?,
        version: count(row.get(12)?)?,
        ..progress
    })
}

fn from_json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> std::result::Result<Option<T>, BackendError> {
    let text: Option<String> = row.get(column)?;
    let read = text.map(|text| serde_json::from_str(&text)).transpose();
    read.map_err(|error| BackendError::Content(format!("a refund: {error}")))
}

fn to_json(value: &impl Serialize) -> std::result::Result<String, BackendError> {
    serde_json::to_string(value).map_err(|error| BackendError::Content(error.to_string()))
}

pub(super) fn refund_of(connection: &Connection, order: &OrderId) -> std::result::Result<Option<Refund>, BackendError> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {REFUND_COLUMNS} FROM refunds WHERE order_id = ?1"))?;
    statement.query_and_then([order.as_str()], read_refund)?.next().transpose()
}

/// Finds the refunds in some states, `words` between quotes.
pub(super) fn refunds_in(words: &str) -> String {
    format!("SELECT {REFUND_COLUMNS} FROM refunds WHERE state IN ({words}) ORDER BY at DESC, rowid DESC LIMIT ?1")
}

/// Finds the refunds of somebody: `?1` is the time since when, `?2` the actor.
pub(super) fn refunds_of() -> String {
    format!("SELECT {REFUND_COLUMNS} FROM refunds WHERE at >= ?1 AND actor = ?2 ORDER BY at")
}

/// The latest refunds.
pub(super) fn refunds(connection: &Connection, limit: u32) -> std::result::Result<Vec<Refund>, BackendError> {
    let mut statement = connection
        .prepare_cached(&format!("SELECT {REFUND_COLUMNS} FROM refunds ORDER BY at DESC, rowid DESC LIMIT ?1"))?;
    statement.query_and_then([limit], read_refund)?.collect()
}

/// Records a refund unless the order has one.
pub(super) fn record(
    connection: &Connection,
    recorder: Recorder,
    refund: &Refund,
) -> std::result::Result<Recorded, BackendError> {
    let kept = refund.is_simulated();
    let route = (refund.route != Route::default()).then(|| to_json(&refund.route)).transpose()?;
    let progress = (!kept).then(|| to_json(&refund.progress)).transpose()?;
    let items = (!refund.items.is_empty()).then(|| to_json(&refund.items)).transpose()?;
    let added = connection
        .prepare_cached(
            "INSERT INTO refunds
                (order_id, transaction_id, amount_paise, fee_paise, quote_id, reason, actor, at, route, progress, state, next_at,
                 currency, items)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (order_id) DO NOTHING",
        )?
        .execute(params![
            refund.order_id.as_str(),
            refund.transaction_id,
            refund.amount.minor_units(),
            refund.fee.minor_units(),
            refund.quote_id.as_ref().map(QuoteId::as_str),
            refund.reason,
            refund.actor,
            micros(refund.at),
            route,
            progress,
            refund.progress.state.as_str(),
            refund.progress.next_at.map(micros),
            refund.currency.code(),
            items,
        ])?;
    // The stored refund is returned, also to the first caller: every caller gets the same.
    let stored = refund_of(connection, &refund.order_id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    if added == 1 {
        recorder.record(connection, |id| Some(Event::of_refund(id, &stored)))?;
    }
    Ok(Recorded { refund: stored, already: added == 0 })
}

#[async_trait]
impl Ledger for SqliteStore {
    async fn save_quote(&self, quote: &Proposal) -> Result<()> {
        let quote = quote.clone();
        self.write("saving a quote", move |connection| {
            let details = (!quote.details.is_empty()).then(|| to_json(&quote.details)).transpose()?;
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO quotes
                        (id, order_id, user_id, order_value_paise, amount_paise, fee_paise, turn, created_at, expires_at,
                         currency, kind, details)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
                )?
                .execute(params![
                    quote.id.as_str(),
                    quote.order_id.as_str(),
                    quote.user_id.as_ref().map(UserId::as_str),
                    quote.order_value.minor_units(),
                    quote.amount.minor_units(),
                    quote.fee.minor_units(),
                    quote.turn.map(int),
                    micros(quote.created_at),
                    micros(quote.expires_at),
                    quote.currency.code(),
                    quote.kind.as_str(),
                    details,
                ])?;
            Ok(())
        })
        .await
    }

    async fn latest_quote(&self, order: &OrderId, user: Option<&UserId>) -> Result<Option<Proposal>> {
        let (order, user) = (order.clone(), user.cloned());
        self.read("reading a quote", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT_QUOTE} WHERE order_id = ?1 AND user_id IS ?2 AND kind = 'refund' ORDER BY created_at DESC, seq DESC LIMIT 1"
            ))?;
            statement
                .query_and_then(params![order.as_str(), user.as_ref().map(UserId::as_str)], read_quote)?
                .next()
                .transpose()
        })
        .await
    }

    async fn quote(&self, id: &QuoteId) -> Result<Option<Proposal>> {
        let id = id.clone();
        self.read("reading a quote", move |connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT_QUOTE} WHERE id = ?1"))?;
            statement.query_and_then([id.as_str()], read_quote)?.next().transpose()
        })
        .await
    }

    async fn refund_of(&self, order: &OrderId) -> Result<Option<Refund>> {
        let order = order.clone();
        self.read("reading a refund", move |connection| refund_of(connection, &order)).await
    }

    async fn record_refund(&self, approved: ApprovedRefund) -> Result<Recorded> {
        let recorder = self.recorder;
        self.write("recording a refund", move |connection| record(connection, recorder, &approved.into_refund())).await
    }

    async fn refunds_of(&self, actor: &str, since: Timestamp) -> Result<Vec<Refund>> {
        let actor = actor.to_owned();
        self.read("reading refunds", move |connection| {
            let mut statement = connection.prepare_cached(&refunds_of())?;
            statement.query_and_then(params![micros(since), actor], read_refund)?.collect()
        })
        .await
    }

    async fn refunds(&self, limit: u32) -> Result<Vec<Refund>> {
        self.read("reading refunds", move |connection| refunds(connection, limit)).await
    }

    async fn refund(&self, transaction: &str) -> Result<Option<Refund>> {
        let transaction = transaction.to_owned();
        self.read("reading a refund", move |connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT {REFUND_COLUMNS} FROM refunds WHERE transaction_id = ?1"))?;
            statement.query_and_then([transaction], read_refund)?.next().transpose()
        })
        .await
    }

    async fn refunds_in(&self, states: &[RefundState], limit: u32) -> Result<Vec<Refund>> {
        let words: Vec<String> = states.iter().map(|state| format!("'{}'", state.as_str())).collect();
        let words = words.join(", ");
        self.read("reading refunds", move |connection| {
            let mut statement = connection.prepare_cached(&refunds_in(&words))?;
            statement.query_and_then([limit], read_refund)?.collect()
        })
        .await
    }

    async fn claim_refund(&self, now: Timestamp, lease: SignedDuration) -> Result<Option<Refund>> {
        // Looked for first: a poll that finds nothing writes nothing.
        let due = self
            .read("looking for due refunds", move |connection| {
                let mut statement = connection
                    .prepare_cached("SELECT 1 FROM refunds WHERE next_at IS NOT NULL AND next_at <= ?1 LIMIT 1")?;
                Ok(statement.exists([micros(now)])?)
            })
            .await?;
        if !due {
            return Ok(None);
        }
        let until = now.saturating_add(lease).unwrap_or(Timestamp::MAX);
        self.write("claiming a refund", move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "UPDATE refunds SET next_at = ?2, version = version + 1 WHERE order_id =
                    (SELECT order_id FROM refunds WHERE next_at IS NOT NULL AND next_at <= ?1 ORDER BY next_at LIMIT 1)
                 RETURNING {REFUND_COLUMNS}"
            ))?;
            let claimed = statement.query_and_then(params![micros(now), micros(until)], read_refund)?.next();
            claimed.transpose()
        })
        .await
    }

    async fn advance_refund(&self, refund: &Refund, progress: &Progress) -> Result<bool> {
        let (refund, progress, recorder) = (refund.clone(), progress.clone(), self.recorder);
        self.write("storing how far a refund is", move |connection| {
            let changed = connection
                .prepare_cached(
                    "UPDATE refunds SET progress = ?3, state = ?4, next_at = ?5, version = version + 1
                     WHERE order_id = ?1 AND version = ?2",
                )?
                .execute(params![
                    refund.order_id.as_str(),
                    int(refund.progress.version),
                    to_json(&progress)?,
                    progress.state.as_str(),
                    progress.next_at.map(micros),
                ])?;
            if changed > 0 && progress.state != refund.progress.state {
                let after = Refund { progress, ..refund };
                recorder.record(connection, |id| Some(Event::of_refund(id, &after)))?;
            }
            Ok(changed > 0)
        })
        .await
    }
}

//! Actions on orders: each is one transaction with what it changes, the refund that it brings, and its event.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::super::{Actions, Closed, RecordedAction, Result};
use super::events::Recorder;
use super::{BackendError, SqliteStore, ledger, micros, orders, timestamp};
use crate::domain::action::{Action, ApprovedAction, Done};
use crate::domain::audit::ERASED_CUSTOMER;
use crate::domain::currency::{Amount, Currency};
use crate::domain::event::Event;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::money::Money;
use crate::domain::proposal::ProposalKind;
use crate::domain::refund::{ApprovedRefund, Refund};

type Read<T> = std::result::Result<T, BackendError>;

const SELECT: &str = "SELECT id, kind, order_id, user_id, actor, reason, details, amount_paise, currency, transaction_id, at, done_by, done_at FROM actions";

fn read(row: &Row<'_>) -> Read<Action> {
    let kind: String = row.get(1)?;
    let details: String = row.get(6)?;
    let amount: Option<i64> = row.get(7)?;
    let currency: Option<String> = row.get(8)?;
    let odd = |what: &str| BackendError::Content(format!("an action: {what}"));
    Ok(Action {
        id: row.get(0)?,
        kind: ProposalKind::parse(&kind).ok_or_else(|| odd("its kind"))?,
        order_id: OrderId::new(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?),
        user_id: row.get::<_, Option<String>>(3)?.map(UserId::new),
        actor: row.get(4)?,
        reason: row.get(5)?,
        details: serde_json::from_str(&details).map_err(|error| odd(&error.to_string()))?,
        amount: match (amount, currency) {
            (Some(amount), Some(code)) => {
                let currency = Currency::new(&code).ok_or_else(|| odd("its currency"))?;
                Some(Amount::new(Money::from_minor_units(amount), currency))
            }
            _ => None,
        },
        transaction_id: row.get(9)?,
        at: timestamp(row.get(10)?)?,
        done: match (row.get::<_, Option<String>>(11)?, row.get::<_, Option<i64>>(12)?) {
            (Some(by), Some(at)) => Some(Done { by, at: timestamp(at)? }),
            _ => None,
        },
    })
}

fn find(connection: &Connection, column: &str, value: &str) -> Read<Option<Action>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {column} = ?1"))?;
    statement.query_and_then([value], read)?.next().transpose()
}

fn insert(connection: &Connection, key: &str, action: &Action) -> Read<bool> {
    let details = serde_json::to_string(&action.details).map_err(|error| BackendError::Content(error.to_string()))?;
    let added = connection
        .prepare_cached(
            "INSERT INTO actions (id, key, kind, order_id, user_id, actor, reason, details, amount_paise, currency, transaction_id, at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![
            action.id,
            key,
            action.kind.as_str(),
            action.order_id.as_str(),
            action.user_id.as_ref().map(UserId::as_str),
            action.actor,
            action.reason,
            details,
            action.amount.map(|amount| amount.money.minor_units()),
            action.amount.map(|amount| amount.currency.code()),
            action.transaction_id,
            micros(action.at),
        ])?;
    Ok(added > 0)
}

/// Records a refund that belongs to an action. The order's one refund may be an earlier one: where that is for something else,
/// nothing is paid for this action.
fn record_refund(
    connection: &Connection,
    recorder: Recorder,
    action: &Action,
    refund: &Refund,
) -> Read<Option<Refund>> {
    let recorded = ledger::record(connection, recorder, refund)?;
    let paid = action.paid_by(&refund.transaction_id, recorded.refund);
    connection
        .prepare_cached("UPDATE actions SET transaction_id = ?2 WHERE id = ?1")?
        .execute(params![action.id, paid.as_ref().map(|refund| &refund.transaction_id)])?;
    Ok(paid)
}

fn record(connection: &Connection, recorder: Recorder, approved: ApprovedAction) -> Read<RecordedAction> {
    let (action, key, refund) = approved.into_parts();
    if !insert(connection, &key, &action)? {
        let stored = find(connection, "key", &key)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        let refund = ledger::refund_of(connection, &stored.order_id)?;
        let refund = refund.filter(|refund| stored.transaction_id.as_ref() == Some(&refund.transaction_id));
        return Ok(RecordedAction { action: stored, refund, already: true });
    }
    if let Some(order) = orders::order(connection, &action.order_id)?
        && let Some(changed) = action.apply(&order)
    {
        orders::replace(connection, &changed)?;
    }
    let refund = match refund {
        Some(refund) => record_refund(connection, recorder, &action, &refund)?,
        None => None,
    };
    let stored = find(connection, "id", &action.id)?.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
    recorder.record(connection, |id| Event::of_action(id, &stored))?;
    Ok(RecordedAction { action: stored, refund, already: false })
}

fn close(
    connection: &Connection,
    recorder: Recorder,
    id: &str,
    (by, at): (&str, Timestamp),
    refund: Option<Refund>,
) -> Read<Option<Closed>> {
    let changed = connection
        .prepare_cached("UPDATE actions SET done_by = ?2, done_at = ?3 WHERE id = ?1 AND done_at IS NULL")?
        .execute(params![id, by, micros(at)])?;
    let Some(action) = find(connection, "id", id)? else { return Ok(None) };
    let refund = match refund.filter(|_| changed > 0) {
        Some(refund) => record_refund(connection, recorder, &action, &refund)?,
        None => None,
    };
    Ok(find(connection, "id", id)?.map(|action| Closed { action, refund, already: changed == 0 }))
}

/// The actions of a customer that can be read.
pub(super) fn of_user(connection: &Connection, user: &UserId) -> Read<Vec<Action>> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE user_id = ?1 ORDER BY seq"))?;
    let mut actions = Vec::new();
    for action in statement.query_and_then([user.as_str()], read)? {
        match action {
            Err(BackendError::Content(odd)) => tracing::warn!("an action is passed over: {odd}"),
            action => actions.push(action?),
        }
    }
    Ok(actions)
}

/// What is left of a customer's actions when they are forgotten, and how many there were. One that cannot be read keeps
/// nothing but its order.
pub(super) fn erase(connection: &Connection, user: &UserId) -> Read<u64> {
    let mut erased = 0;
    for action in of_user(connection, user)? {
        let left = action.without_customer();
        let details = serde_json::to_string(&left.details).map_err(|error| BackendError::Content(error.to_string()))?;
        erased += connection
            .prepare_cached("UPDATE actions SET user_id = NULL, actor = ?2, reason = ?3, details = ?4 WHERE id = ?1")?
            .execute(params![left.id, left.actor, left.reason, details])?;
    }
    erased += connection
        .prepare_cached(
            "UPDATE actions SET user_id = NULL, actor = ?2, reason = '', details = '{}' WHERE user_id = ?1",
        )?
        .execute([user.as_str(), ERASED_CUSTOMER])?;
    Ok(erased as u64)
}

#[async_trait]
impl Actions for SqliteStore {
    async fn record_action(&self, approved: ApprovedAction) -> Result<RecordedAction> {
        let recorder = self.recorder;
        self.write("recording an action", move |connection| record(connection, recorder, approved)).await
    }

    async fn actions_of(&self, order: &OrderId) -> Result<Vec<Action>> {
        let order = order.clone();
        self.read("reading the actions of an order", move |connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE order_id = ?1 ORDER BY seq"))?;
            statement.query_and_then([order.as_str()], read)?.collect()
        })
        .await
    }

    async fn actions_for(&self, user: &UserId) -> Result<Vec<Action>> {
        let user = user.clone();
        self.read("reading the actions of a customer", move |connection| of_user(connection, &user)).await
    }

    async fn action(&self, id: &str) -> Result<Option<Action>> {
        let id = id.to_owned();
        self.read("reading an action", move |connection| find(connection, "id", &id)).await
    }

    async fn actions(&self, open: bool, limit: u32) -> Result<Vec<Action>> {
        let which = if open { "WHERE done_at IS NULL" } else { "" };
        self.read("reading actions", move |connection| {
            let mut statement = connection.prepare_cached(&format!("{SELECT} {which} ORDER BY seq DESC LIMIT ?1"))?;
            statement.query_and_then([limit], read)?.collect()
        })
        .await
    }

    async fn close_action(
        &self,
        id: &str,
        by: &str,
        at: Timestamp,
        refund: Option<ApprovedRefund>,
    ) -> Result<Option<Closed>> {
        let (id, by, recorder) = (id.to_owned(), by.to_owned(), self.recorder);
        let refund = refund.map(ApprovedRefund::into_refund);
        self.write("closing an action", move |connection| close(connection, recorder, &id, (&by, at), refund)).await
    }
}

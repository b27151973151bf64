//! Identities that lead to customers, and numbers that were given up.

use async_trait::async_trait;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::super::{Identities, Result};
use super::{BackendError, SqliteStore, micros, timestamp};
use crate::domain::identity::{Identity, NumberChange};
use crate::domain::ids::{MessageId, UserId};

type Read<T> = std::result::Result<T, BackendError>;

fn read_identity(row: &Row<'_>) -> Read<Identity> {
    Ok(Identity {
        identity: UserId::new(row.get::<_, String>(0)?),
        customer: UserId::new(row.get::<_, String>(1)?),
        at: timestamp(row.get(2)?)?,
    })
}

fn read_change(row: &Row<'_>) -> Read<NumberChange> {
    Ok(NumberChange {
        event: MessageId::new(row.get::<_, String>(0)?),
        old: UserId::new(row.get::<_, String>(1)?),
        new: UserId::new(row.get::<_, String>(2)?),
        customer: UserId::new(row.get::<_, String>(3)?),
        at: timestamp(row.get(4)?)?,
    })
}

fn find(connection: &Connection, identity: &UserId) -> Read<Option<Identity>> {
    let mut statement =
        connection.prepare_cached("SELECT identity, user_id, at FROM identities WHERE identity = ?1")?;
    let mut rows = statement.query([identity.as_str()])?;
    rows.next()?.map(read_identity).transpose()
}

fn changes(connection: &Connection, column: &str, value: &str) -> Read<Vec<NumberChange>> {
    let sql = format!("SELECT event, old, new, user_id, at FROM number_changes WHERE {column} = ?1");
    connection.prepare_cached(&sql)?.query_and_then([value], read_change)?.collect()
}

#[async_trait]
impl Identities for SqliteStore {
    async fn identities(&self, of: &[UserId]) -> Result<Vec<Identity>> {
        let of = of.to_vec();
        self.read("reading identities", move |connection| {
            of.iter().filter_map(|identity| find(connection, identity).transpose()).collect()
        })
        .await
    }

    async fn identities_of(&self, customer: &UserId) -> Result<Vec<Identity>> {
        let customer = customer.clone();
        self.read("reading identities", move |connection| {
            connection
                .prepare_cached("SELECT identity, user_id, at FROM identities WHERE user_id = ?1")?
                .query_and_then([customer.as_str()], read_identity)?
                .collect()
        })
        .await
    }

    async fn save_identity(&self, identity: &Identity, replace: bool) -> Result<Identity> {
        let one = identity.clone();
        self.write("saving an identity", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO identities (identity, user_id, at) VALUES (?1, ?2, ?3)
                     ON CONFLICT (identity) DO UPDATE SET user_id = ?2, at = ?3 WHERE ?4 AND at < ?3",
                )?
                .execute(params![one.identity.as_str(), one.customer.as_str(), micros(one.at), replace])?;
            Ok(find(connection, &one.identity)?.unwrap_or(one))
        })
        .await
    }

    async fn remove_identities(&self, customer: &UserId, identities: &[UserId]) -> Result<()> {
        let (customer, identities) = (customer.clone(), identities.to_vec());
        self.write("removing identities", move |connection| {
            let mut delete =
                connection.prepare_cached("DELETE FROM identities WHERE identity = ?1 AND user_id = ?2")?;
            for identity in &identities {
                delete.execute([identity.as_str(), customer.as_str()])?;
            }
            Ok(())
        })
        .await
    }

    async fn save_number_change(&self, change: &NumberChange) -> Result<NumberChange> {
        let one = change.clone();
        self.write("saving a change of number", move |connection| {
            connection
                .prepare_cached(
                    "INSERT INTO number_changes (event, old, new, user_id, at) VALUES (?1, ?2, ?3, ?4, ?5)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![
                    one.event.as_str(),
                    one.old.as_str(),
                    one.new.as_str(),
                    one.customer.as_str(),
                    micros(one.at)
                ])?;
            Ok(changes(connection, "event", one.event.as_str())?.pop().unwrap_or(one))
        })
        .await
    }

    async fn number_changes(&self, customer: &UserId, identities: &[UserId]) -> Result<Vec<NumberChange>> {
        let (customer, identities) = (customer.clone(), identities.to_vec());
        self.read("reading changes of numbers", move |connection| {
            let mut found = changes(connection, "user_id", customer.as_str())?;
            for identity in &identities {
                for change in changes(connection, "old", identity.as_str())? {
                    if !found.contains(&change) {
                        found.push(change);
                    }
                }
            }
            Ok(found)
        })
        .await
    }

    async fn rebind(&self, from: &UserId, to: &UserId, since: Option<Timestamp>) -> Result<()> {
        let (from, to, since) = (from.clone(), to.clone(), since.map_or(i64::MIN, micros));
        self.write("joining two identities", move |connection| {
            for sql in [
                "UPDATE bindings SET user_id = ?2 WHERE user_id = ?1 AND at >= ?3",
                "UPDATE quotes SET user_id = ?2 WHERE user_id = ?1 AND created_at >= ?3",
                "UPDATE actions SET user_id = ?2 WHERE user_id = ?1 AND at >= ?3",
            ] {
                connection.prepare_cached(sql)?.execute(params![from.as_str(), to.as_str(), since])?;
            }
            Ok(())
        })
        .await
    }
}

/// Removes what leads to a customer, and what the customer gave up.
pub(super) fn erase(connection: &Connection, user: &UserId) -> Read<()> {
    let known: Option<String> = connection
        .prepare_cached("SELECT identity FROM identities WHERE user_id = ?1 LIMIT 1")?
        .query_row([user.as_str()], |row| row.get(0))
        .optional()?;
    if known.is_some() {
        connection.prepare_cached("DELETE FROM identities WHERE user_id = ?1")?.execute([user.as_str()])?;
    }
    connection.prepare_cached("DELETE FROM number_changes WHERE user_id = ?1")?.execute([user.as_str()])?;
    Ok(())
}

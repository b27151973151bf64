//! Decides the tables of the file and how an older file becomes a current one.
//!
//! It must never touch a file that a newer version or another program wrote.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as a store of this program (`PRAGMA application_id`): “ecom”.
const APPLICATION: i32 = 0x6563_6F6D;

/// The schema, one step a version. A step that was released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
];

/// The newest schema version that is known here.
#[allow(clippy::cast_possible_wrap)]
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Empty, or a store of this or an older version.
    Ours,
    /// A store of a newer version.
    Newer(i64),
    /// A database of another program.
    Foreign,
}

/// The schema version of the file (`PRAGMA user_version`).
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The indexes of the file, beside those that keys make.
pub(super) fn indexes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT tbl_name || ': ' || name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Looks at a file without changing it.
pub(super) fn look(connection: &Connection) -> rusqlite::Result<Found> {
    // One statement, one snapshot: another process may be making the tables at this moment.
    let (application, version, tables): (i32, i64, i64) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(match application {
        APPLICATION if version > KNOWN => Found::Newer(version),
        APPLICATION => Found::Ours,
        0 if version == 0 && tables == 0 => Found::Ours,
        _ => Found::Foreign,
    })
}

/// Brings the file to the current version, in one transaction.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    migrate_through(connection, MIGRATIONS)
}

fn migrate_through(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let done = |version: i64| usize::try_from(version).unwrap_or(0);
    if done(version(connection)?) >= steps.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have done it while this one waited.
    let from = done(version(&transaction)?);
    for step in steps.iter().skip(from) {
        transaction.execute_batch(step)?;
    }
    if from < steps.len() {
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        transaction.pragma_update(None, "user_version", i64::try_from(steps.len()).unwrap_or(i64::MAX))?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_run_once_and_in_order() {
        let mut connection = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE a (x); INSERT INTO a VALUES (1);";
        let second = "UPDATE a SET x = x + 1;";
        migrate_through(&mut connection, &[first]).unwrap();
        migrate_through(&mut connection, &[first, second]).unwrap();
        migrate_through(&mut connection, &[first, second]).unwrap();
        let x: i64 = connection.query_row("SELECT x FROM a", [], |row| row.get(0)).unwrap();
        assert_eq!((x, version(&connection).unwrap()), (2, 2));
    }

    #[test]
    fn a_failed_step_leaves_the_file_as_it_was() {
        let mut connection = Connection::open_in_memory().unwrap();
        assert!(migrate_through(&mut connection, &["CREATE TABLE a (x)", "CREATE TABLE a (x)"]).is_err());
        assert_eq!(version(&connection).unwrap(), 0);
        assert_eq!(look(&connection).unwrap(), Found::Ours);
    }

    #[test]
    fn other_databases_are_recognised() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert_eq!(look(&connection).unwrap(), Found::Foreign);
    }
}

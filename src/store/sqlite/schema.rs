//! The schema of the file, and its migrations. A file of a newer version or of another program is left as it is.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as a store of this program (`PRAGMA application_id`): “ecom”.
const APPLICATION: i32 = 0x6563_6F6D;

/// The schema, one migration a version. A migration that was released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
    include_str!("schema_5.sql"),
    include_str!("schema_6.sql"),
    include_str!("schema_7.sql"),
    include_str!("schema_8.sql"),
    include_str!("schema_9.sql"),
    include_str!("schema_10.sql"),
    include_str!("schema_11.sql"),
    include_str!("schema_12.sql"),
    include_str!("schema_13.sql"),
    include_str!("schema_14.sql"),
    include_str!("schema_15.sql"),
    include_str!("schema_16.sql"),
    include_str!("schema_17.sql"),
    include_str!("schema_18.sql"),
    include_str!("schema_19.sql"),
    include_str!("schema_20.sql"),
    include_str!("schema_21.sql"),
    include_str!("schema_22.sql"),
    include_str!("schema_23.sql"),
    include_str!("schema_24.sql"),
    include_str!("schema_25.sql"),
];

/// The version from which on orders are found by their telephone numbers.
const PHONES_INDEXED: usize = 14;

/// The newest schema version that is known here.
#[expect(clippy::cast_possible_wrap, reason = "there are a few migrations")]
pub(super) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// What a file is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FileKind {
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

/// The indexes of the file, without those that SQLite makes for keys.
pub(super) fn indexes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT tbl_name || ': ' || name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY 1",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Tells what a file is, without changing it.
pub(super) fn identify(connection: &Connection) -> rusqlite::Result<FileKind> {
    // One statement, one snapshot: another process may be making the tables at this moment.
    let (application, version, tables): (i32, i64, i64) = connection.query_row(
        "SELECT (SELECT application_id FROM pragma_application_id), (SELECT user_version FROM pragma_user_version),
                (SELECT count(*) FROM sqlite_schema)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(match application {
        APPLICATION if version > KNOWN => FileKind::Newer(version),
        APPLICATION => FileKind::Ours,
        0 if version == 0 && tables == 0 => FileKind::Ours,
        _ => FileKind::Foreign,
    })
}

/// Migrates the file to the current version, in one transaction.
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
    if (1..PHONES_INDEXED).contains(&from) && steps.len() >= PHONES_INDEXED {
        super::order_rows::index_phones(&transaction, "main.order_details")?;
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
        assert_eq!(identify(&connection).unwrap(), FileKind::Ours);
    }

    #[test]
    fn other_databases_are_recognised() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE theirs (x)").unwrap();
        assert_eq!(identify(&connection).unwrap(), FileKind::Foreign);
    }
}

//! What an administrator does to a store in years: upgrade it from every version that there ever was.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::cli::ecomres;

/// Marks a file as a store of this program.
const APPLICATION: i64 = 0x6563_6F6D;

/// The migrations, oldest first, as they lie in the source: a new one is tried without another line here.
fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/sqlite");
    let read = |number| std::fs::read_to_string(folder.join(format!("schema_{number}.sql")));
    let all: Vec<String> = (1..).map_while(|number| read(number).ok()).collect();
    let files = std::fs::read_dir(&folder).unwrap().filter(|file| {
        let name = file.as_ref().unwrap().file_name().into_string().unwrap();
        name.starts_with("schema_") && Path::new(&name).extension().is_some_and(|extension| extension == "sql")
    });
    assert_eq!(all.len(), files.count(), "the numbers have no gap");
    all
}

/// A store as version `version` left it, with an order, its refund, a binding, a conversation, a message and an alert.
fn old_store(folder: &Path, migrations: &[String], version: usize) -> PathBuf {
    let path = folder.join(format!("version-{version}.db"));
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    for migration in &migrations[..version] {
        connection.execute_batch(migration).unwrap();
    }
    connection.pragma_update(None, "application_id", APPLICATION).unwrap();
    connection.pragma_update(None, "user_version", i64::try_from(version).unwrap()).unwrap();
    connection
        .execute_batch(
            "INSERT INTO order_details (order_id, customer_id, platform, placed, category, value_paise, feedback)
                 VALUES ('ORD000003', 'CUST2824', 'JioMart', '19:29.5', 'Beverages', 59900, 'Fine');
             INSERT INTO refunds (order_id, transaction_id, amount_paise, fee_paise, reason, actor, at)
                 VALUES ('ORD000003', 'RFND_20260101120000_ORD000003', 59900, 0, 'missing', 'customer:a', 1);
             INSERT INTO bindings (order_id, user_id, at) VALUES ('ORD000003', 'a', 1);
             INSERT INTO chats (user_id, role, text, at, turn) VALUES ('a', 'user', 'hi', 1, 7);
             INSERT INTO conversations VALUES ('a', 3, '{\"user_id\":\"a\",\"turn\":7,\"mode\":{\"kind\":\"bot\"}}');
             INSERT INTO human_intervention_alerts (id, user_id, reason, last_message, priority, status, created_at)
                 VALUES ('alert', 'a', 'asked', 'a person please', 1, 'pending', 1);",
        )
        .unwrap();
    if version >= 2 {
        connection
            .execute_batch(
                "INSERT INTO inbox (id, user_id, sent_at, received_at, content, turn)
                     VALUES ('m', 'a', 1, 1, '{\"kind\":\"text\",\"text\":\"hi\"}', 7);
                 INSERT INTO outbox (user_id, turn, sequence, body, state, attempts, next_at, provider_id, head)
                     VALUES ('a', 7, 0, '{\"kind\":\"text\",\"text\":\"hello\"}', 'sent', 1, 1, 'wamid.1', 0);",
            )
            .unwrap();
    }
    path
}

/// Tables with their columns, indexes and triggers, in an order that does not tell how they came about.
fn shape(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut all = rows(
        "SELECT m.name || '.' || c.name || ' ' || c.type || ' ' || c.\"notnull\" || ' ' || c.pk
         FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'",
    );
    all.extend(rows("SELECT sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL"));
    all.sort();
    all
}

fn succeeds(folder: &Path, arguments: &[&str]) -> String {
    let output = ecomres(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_store_of_every_earlier_version_becomes_one_of_today() {
    let folder = tempfile::tempdir().unwrap();
    let migrations = migrations();
    let fresh = folder.path().join("fresh.db");
    succeeds(folder.path(), &["sample", "orders", "--rows", "1", "--out", "one.csv"]);
    succeeds(folder.path(), &["import", "one.csv", "--mode", "upsert", "--store", "fresh.db"]);
    for version in 1..migrations.len() {
        let path = old_store(folder.path(), &migrations, version);
        let name = path.file_name().unwrap().to_str().unwrap();
        // Whatever only reads refuses an older file, and leaves it as it is; whatever writes upgrades it.
        succeeds(folder.path(), &["import", "one.csv", "--mode", "upsert", "--store", name]);
        assert_eq!(shape(&path), shape(&fresh), "from version {version}");
        let connection = Connection::open(&path).unwrap();
        let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(one("PRAGMA integrity_check"), "ok");
        assert_eq!(one("SELECT transaction_id FROM refunds"), "RFND_20260101120000_ORD000003");
        assert_eq!(one("SELECT user_id FROM bindings WHERE order_id = 'ORD000003'"), "a");
        assert_eq!(one("SELECT text FROM chats"), "hi");
        drop(connection);
        let alerts = succeeds(folder.path(), &["alerts", "list", "--json", "--store", name]);
        assert!(alerts.contains("asked"), "{alerts}");
        let inbox = succeeds(folder.path(), &["inbox", "list", "--json", "--store", name]);
        assert!(!inbox.contains("parked\":1"), "{inbox}");
    }
}

#[test]
fn a_newer_store_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let migrations = migrations();
    let path = old_store(folder.path(), &migrations, migrations.len());
    let newer = i64::try_from(migrations.len() + 1).unwrap();
    Connection::open(&path).unwrap().pragma_update(None, "user_version", newer).unwrap();
    let before = std::fs::read(&path).unwrap();
    let name = path.file_name().unwrap().to_str().unwrap();
    let output = ecomres(folder.path()).args(["alerts", "list", "--store", name]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("hint:"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

//! Tests of what only SQLite has: query plans, migrations and backups.

use std::path::PathBuf;

use super::*;
use crate::domain::conversation::Conversation;
use crate::domain::ids::{MessageId, UserId};
use crate::domain::inbound::{Content, Context, Inbound};
use crate::store::{Accepted, Conversations, Inbox, Orders, Sweepable, Transcript};

fn message(id: &str) -> Inbound {
    Inbound {
        id: MessageId::new(id),
        user_id: UserId::new("a"),
        sent_at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        number: None,
        content: Content::Text { text: "hello".to_owned() },
        context: Context::default(),
    }
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<rusqlite::Result<Vec<_>>>();
    steps.unwrap()
}

/// However many messages are stored, each of these reads a range of an index that holds only unfinished work.
#[test]
fn claims_are_found_by_an_index_and_never_sorted() {
    let store = SqliteStore::scratch().unwrap();
    let connection = store.location.open_reader().unwrap();
    let (failed, own) = (ledger::refunds_in("'failed'"), ledger::refunds_of());
    for (sql, index) in [
        (inbox::NEXT, "work_due (due_at>? AND due_at<?)"),
        (inbox::NEXT_OF, "PRIMARY KEY (user_id=?)"),
        (inbox::WAITING, "inbox_waiting (user_id=?)"),
        (outbox::NEXT, "outbox_due (next_at<?)"),
        (outbox::NEXT_OF, "outbox_unsent (user_id=?)"),
        (outbox::SET_HEAD, "PRIMARY KEY (user_id=? AND turn=? AND sequence=?)"),
        (outbox::SET_HEAD, "outbox_unsent (user_id=?)"),
        (outbox::CLEAR_HEAD, "outbox_unsent (user_id=?)"),
        (outbox::BY_PROVIDER, "outbox_provider (provider_id=?)"),
        ("UPDATE inbox SET turn = ?2 WHERE id = ?1", "sqlite_autoindex_inbox_1 (id=?)"),
        (retention::removal(Sweepable::Chats), "chats_at (at<?)"),
        (retention::removal(Sweepable::Corrections), "corrections_said (said_at<?)"),
        (retention::removal(Sweepable::Unanswered), "knowledge_gaps_at (at<?)"),
        (retention::removal(Sweepable::Drafts), "drafts_at (at<?)"),
        (retention::removal(Sweepable::Notes), "notes_at (at<?)"),
        (retention::removal(Sweepable::Media), "media_at (at<?)"),
        (retention::removal(Sweepable::Pins), "pins_at (at<?)"),
        (media::NEXT, "media_open (open=? AND next_at<?)"),
        (media::OF_USER, "media_user (user_id=?)"),
        (media::OF_ORDER, "media_order (order_id=?)"),
        (media::HAS, "media_content (sha256=?)"),
        ("DELETE FROM media WHERE user_id = ?1", "media_user (user_id=?)"),
        ("SELECT max(next_at) FROM media WHERE open = 0", "media_open (open=?)"),
        (retention::removal(Sweepable::ResolvedAlerts), "alerts_resolved (resolved_at<?)"),
        (retention::removal(Sweepable::AnsweredMessages), "inbox_answered (received_at<?)"),
        (retention::removal(Sweepable::SentReplies), "outbox_sent (next_at<?)"),
        ("DELETE FROM inbox WHERE user_id = ?1", "inbox_user (user_id=?)"),
        ("DELETE FROM chats WHERE user_id = ?1", "chats_figures (user_id=?)"),
        ("DELETE FROM quotes WHERE user_id = ?1", "quotes_user (user_id=?)"),
        (orders::OF_TAIL, "PRIMARY KEY (tail=?)"),
        ("DELETE FROM order_phones WHERE order_id = ?1", "order_phones_order (order_id=?)"),
        ("UPDATE bindings SET user_id = ?2 WHERE user_id = ?1", "bindings_user (user_id=?)"),
        (failed.as_str(), "refunds_state (state=?)"),
        (own.as_str(), "refunds_actor (actor=? AND at>?)"),
    ] {
        let plan = plan(&connection, sql);
        assert!(plan.iter().any(|step| step.contains(index)), "{sql}: {plan:#?}");
        let slow = |step: &String| step.starts_with("SCAN") && !step.contains("INDEX") || step.contains("TEMP B-TREE");
        assert!(!plan.iter().any(slow), "{sql}: {plan:#?}");
    }
}

#[test]
fn refunds_of_several_states_are_found_by_an_index() {
    let store = SqliteStore::scratch().unwrap();
    let plan = plan(&store.location.open_reader().unwrap(), &ledger::refunds_in("'requested', 'submitted'"));
    assert!(plan.iter().any(|step| step.contains("refunds_state (state=?)")), "{plan:#?}");
}

#[test]
fn orders_are_named_through_indexes() {
    let store = SqliteStore::scratch().unwrap();
    let plan = plan(&store.location.open_reader().unwrap(), orders::NAMED);
    for index in ["PRIMARY KEY (order_id=?)", "orders_shown (display_key=?)"] {
        assert!(plan.iter().any(|step| step.contains(index)), "{plan:#?}");
    }
    assert!(!plan.iter().any(|step| step.starts_with("SCAN order_details")), "{plan:#?}");
}

/// A store as the first version left it, with a conversation in it.
fn old_store(folder: &tempfile::TempDir) -> PathBuf {
    let path = folder.path().join("old.db");
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    connection.execute_batch(include_str!("schema_1.sql")).unwrap();
    connection.execute_batch("PRAGMA application_id = 0x65636F6D; PRAGMA user_version = 1").unwrap();
    let document = serde_json::to_string(&Conversation { turn: 7, ..Conversation::new(UserId::new("a")) }).unwrap();
    connection.execute("INSERT INTO conversations VALUES ('a', 3, ?1)", [document]).unwrap();
    connection
        .execute_batch("INSERT INTO chats (user_id, role, text, at, turn) VALUES ('a', 'user', 'hi', 0, 7)")
        .unwrap();
    connection
        .execute_batch(
            "INSERT INTO order_details VALUES
                 ('ORD000001', 'C', 'P', '', '2025-06-01T10:00:00', 5, 'Dairy', 100, '', 4, 0, 1, '098450-12345', NULL, 'Packed'),
                 ('ORD000002', 'C', 'P', '', NULL, NULL, 'Dairy', 200, '', NULL, NULL, NULL, NULL, NULL, NULL)",
        )
        .unwrap();
    path
}

#[tokio::test]
async fn an_older_store_is_upgraded_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = old_store(&folder);
    match SqliteStore::open_read_only(&path) {
        Err(error @ StoreError::Older { found: 1, .. }) => {
            assert!(error.to_string().contains("schema version 1"), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("ecomres backup")), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let store = SqliteStore::open(&path).unwrap();
    let health = store.health().await.unwrap();
    assert_eq!((health.schema, health.problems), (schema::KNOWN, vec![]));
    let user = UserId::new("a");
    let stored = store.conversation(&user).await.unwrap().unwrap();
    assert_eq!((stored.turn, stored.version), (7, 3));
    assert_eq!(store.recent_messages(&user, 9).await.unwrap().len(), 1);
    let india = crate::domain::phone::Country::parse("IN").unwrap();
    let found = store.orders_of_number("+919845012345", india, 5).await.unwrap();
    assert_eq!((found.len(), found[0].id.as_str(), found[0].status.as_deref()), (1, "ORD000001", Some("Packed")));
    assert_eq!(store.count_orders().await.unwrap(), 2);
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(store.accept(&[message("1")], now).await.unwrap(), Accepted { new: 1, repeated: 0 });
    drop(store);
    let again = SqliteStore::open_read_only(&path).unwrap();
    assert_eq!(again.backlog().await.unwrap().waiting, 1);
}

#[tokio::test]
async fn a_backup_is_whole_while_the_store_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("store.db"), folder.path().join("copy.db"));
    let store = Arc::new(SqliteStore::open(&path).unwrap());
    let writing = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..400 {
                store.accept(&[message(&format!("m{number}"))], Timestamp::UNIX_EPOCH).await.unwrap();
            }
        })
    };
    for _ in 0..5 {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let (from, to) = (path.clone(), copy.clone());
        let report = tokio::task::spawn_blocking(move || backup::backup(&from, &to, true)).await.unwrap().unwrap();
        assert_eq!(report.schema, schema::KNOWN);
        assert_eq!(report.bytes, std::fs::metadata(&copy).unwrap().len());
        let seen = SqliteStore::open_read_only(&copy).unwrap();
        assert_eq!(seen.health().await.unwrap().problems, Vec::<String>::new());
        drop(seen);
    }
    writing.await.unwrap();
    backup::backup(&path, &copy, true).unwrap();
    let restored = SqliteStore::open(&copy).unwrap();
    let lease = jiff::SignedDuration::from_secs(1);
    assert!(restored.claim(None, "w", Timestamp::UNIX_EPOCH, lease).await.unwrap().unwrap().more);
    drop(restored);
    let mut left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.retain(|name| !name.starts_with("store.db"));
    assert_eq!(left, ["copy.db"], "nothing else is left");
}

#[test]
fn a_backup_replaces_only_what_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (old_store(&folder), folder.path().join("copy.db"));
    assert_eq!(backup::backup(&path, &copy, false).unwrap().schema, 1, "also before an upgrade");
    assert!(matches!(backup::backup(&path, &copy, false), Err(StoreError::Exists { .. })));
    backup::backup(&path, &copy, true).unwrap();
    let itself = folder.path().join(".").join("old.db");
    assert!(backup::backup(&path, &itself, true).unwrap_err().to_string().contains("the store itself"));
    std::fs::write(folder.path().join("copy.db-wal"), "left behind").unwrap();
    assert!(backup::backup(&path, &copy, true).unwrap_err().to_string().contains("in use"));
    assert!(backup::backup(&path, &folder.path().join("none/copy.db"), false).is_err());
    assert!(matches!(backup::backup(&folder.path().join("x.db"), &copy, true), Err(StoreError::Missing { .. })));
    std::fs::write(folder.path().join("text.db"), "no database, but long enough to be looked at").unwrap();
    assert!(matches!(
        backup::backup(&folder.path().join("text.db"), &folder.path().join("y.db"), false),
        Err(StoreError::Damaged { .. })
    ));
    assert!(!folder.path().join("y.db").exists());
}

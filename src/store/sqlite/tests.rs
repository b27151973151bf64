//! The contract on both kinds of store, and what only SQLite has.

use std::sync::Arc;

use jiff::SignedDuration;

use super::*;
use crate::domain::audit::{AuditCheck, AuditPhase, AuditRecord, forget_record};
use crate::domain::retention::KeepFor;
use crate::store::contract::{Fresh, approved};
use crate::store::{Audit, Erasure, Ledger, Orders, sweep};

mod on_a_file {
    use super::*;

    fn fresh() -> Fresh {
        // The folder is removed with the last handle.
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let open = move || -> Arc<dyn Store> { Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap()) };
        Fresh { store: open(), again: Box::new(open) }
    }

    crate::store::contract::contract_tests!(fresh());
}

mod in_scratch {
    use super::*;

    fn fresh() -> Fresh {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
        let same = store.clone();
        Fresh { store, again: Box::new(move || same.clone()) }
    }

    crate::store::contract::contract_tests!(fresh());
}

fn record() -> AuditRecord {
    AuditRecord {
        at: Timestamp::UNIX_EPOCH,
        actor: "system".to_owned(),
        action: "import".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::Value::Null,
        result: serde_json::Value::Null,
    }
}

#[tokio::test]
async fn a_scratch_store_leaves_nothing_behind() {
    let store = SqliteStore::scratch().unwrap();
    let place = Arc::clone(&store.place);
    store.append_audit(&record()).await.unwrap();
    let import = store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    assert_eq!(place.shown(), "in memory");
    assert!(!store.path().exists());
    drop((store, import));
    let tables = schema::version(&place.open_reader().unwrap()).unwrap();
    assert_eq!(tables, 0, "its memory is given back with the last connection");
}

#[tokio::test]
async fn what_was_done_to_the_trail_behind_the_stores_back_is_found() {
    for (tampering, place) in [
        ("DELETE FROM audit WHERE seq > 3", 4),
        ("DELETE FROM audit", 1),
        ("DELETE FROM audit WHERE seq = 2", 3),
        ("UPDATE audit SET content = replace(content, 'import', 'export') WHERE seq = 2", 2),
        ("UPDATE audit_head SET seq = 4", 5),
        ("DELETE FROM audit_head", 5),
    ] {
        let store = SqliteStore::scratch().unwrap();
        for _ in 0..5 {
            store.append_audit(&record()).await.unwrap();
        }
        assert_eq!(store.check_audit().await.unwrap(), AuditCheck::whole(5));
        store.place.open_writer().unwrap().execute_batch(tampering).unwrap();
        let check = store.check_audit().await.unwrap();
        assert_eq!(check.broken.map(|(seq, _)| seq), Some(place), "{tampering}");
    }
}

/// A trail of which entry 2 was erased and entries 1 to 3 of another were removed, on record.
#[tokio::test]
async fn removing_or_erasing_behind_the_stores_back_is_found() {
    for (tampering, place) in [
        ("UPDATE audit SET content = '{\"erased\":true}' WHERE seq = 5", 5),
        ("UPDATE audit SET content = replace(content, 'import', 'export') WHERE seq = 4", 4),
        ("DELETE FROM audit_cut", 4),
        ("DELETE FROM audit WHERE seq = 4", 5),
        ("UPDATE audit_cut SET document = replace(document, '\"refunds\":0', '\"refunds\":1')", 3),
    ] {
        let store = SqliteStore::scratch().unwrap();
        let old = |second| AuditRecord { at: Timestamp::from_second(second).unwrap(), ..record() };
        for second in [0, 0, 0, 20 * 86_400, 20 * 86_400] {
            store.append_audit(&old(second)).await.unwrap();
        }
        let entries = store.audit_entries(4, 1).await.unwrap();
        let left = [entries[0].erased()];
        store.append_audit(&forget_record("somebody", &left, Timestamp::UNIX_EPOCH)).await.unwrap();
        assert_eq!(store.replace_contents(&left).await.unwrap(), 1);
        let now = Timestamp::from_second(25 * 86_400).unwrap();
        let swept = sweep(&store, &KeepFor::days(0, 0, 10), now, now).await.unwrap().unwrap();
        assert_eq!((swept.audit, swept.trail_broken), (3, false));
        let sound = AuditCheck { removed: 3, erased: 1, ..AuditCheck::whole(4) };
        assert_eq!(store.check_audit().await.unwrap(), sound);
        store.place.open_writer().unwrap().execute_batch(tampering).unwrap();
        let check = store.check_audit().await.unwrap();
        assert_eq!(check.broken.map(|(seq, _)| seq), Some(place), "{tampering}");
    }
}

#[tokio::test]
async fn a_refund_of_before_the_cut_that_was_changed_is_found() {
    for tampering in
        ["DELETE FROM refunds", "UPDATE refunds SET amount_paise = 1", "UPDATE refunds SET transaction_id = 'RFND_1'"]
    {
        let store = SqliteStore::scratch().unwrap();
        let paid = store.record_refund(approved(1)).await.unwrap().refund;
        for _ in 0..2 {
            let record = AuditRecord {
                at: paid.at,
                action: "process_refund".to_owned(),
                arguments: serde_json::json!({"order_id": paid.order_id}),
                ..record()
            };
            store.append_audit(&record).await.unwrap();
        }
        let now = paid.at + SignedDuration::from_hours(24 * 30);
        assert_eq!(sweep(&store, &KeepFor::days(0, 0, 10), now, now).await.unwrap().unwrap().audit, 2);
        assert_eq!(store.check_refunds().await.unwrap(), None);
        store.place.open_writer().unwrap().execute_batch(tampering).unwrap();
        assert_eq!(store.check_refunds().await.unwrap().map(|(seq, _)| seq), Some(2), "{tampering}");
    }
}

#[tokio::test]
async fn a_failed_writer_undoes_only_its_own_work() {
    let store = Arc::new(SqliteStore::scratch().unwrap());
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = move |connection: &Connection| {
                    connection.execute("INSERT INTO bindings VALUES (?1, 'u', 0)", [number.to_string()])?;
                    if number % 2 == 0 { Ok(()) } else { Err(Fault::Content("refused".to_owned())) }
                };
                store.write("testing", work).await
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().is_ok(), number % 2 == 0);
    }
    let kept = store.read("testing", |connection| {
        let kept: i64 = connection.query_row("SELECT count(*) FROM bindings", [], |row| row.get(0))?;
        Ok(kept)
    });
    assert_eq!(kept.await.unwrap(), 20);
}

#[tokio::test]
async fn a_full_disk_is_named_and_the_store_goes_on_after_it() {
    let store = SqliteStore::scratch().unwrap();
    store.append_audit(&record()).await.unwrap();
    let limit = |pages: i64| {
        store.write("testing", move |connection| {
            Ok(connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |row| row.get::<_, i64>(0))?)
        })
    };
    let pages = limit(1).await.unwrap(); // Never less than there are.
    limit(pages).await.unwrap();
    let big = AuditRecord { actor: "x".repeat(100_000), ..record() };
    match store.append_audit(&big).await {
        Err(error @ StoreError::Unwritable { .. }) => {
            assert!(error.to_string().contains("the disk is full"), "{error}")
        }
        other => panic!("{other:?}"),
    }
    limit(1_000_000).await.unwrap();
    store.append_audit(&big).await.unwrap();
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck::whole(2));
}

#[tokio::test]
async fn orders_that_do_not_read_are_damage_and_not_a_crash() {
    let store = SqliteStore::scratch().unwrap();
    let other = store.place.open_writer().unwrap();
    other
        .execute_batch(
            "INSERT INTO order_details VALUES ('ORD000001', '', '', '', 'not a date', 1, '', 1, '', 1, 0, 0, NULL, NULL, NULL);
             INSERT INTO order_details VALUES ('ORD000002', '', '', '', NULL, -1, '', 1, '', 999, 0, 0, NULL, NULL, NULL);",
        )
        .unwrap();
    for id in ["ORD000001", "ORD000002"] {
        let found = store.order(&crate::domain::ids::OrderId::new(id)).await;
        assert!(matches!(found, Err(StoreError::Damaged { .. })), "{found:?}");
    }
}

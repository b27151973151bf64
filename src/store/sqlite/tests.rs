//! The contract on both kinds of store, and what only SQLite has.

use std::sync::Arc;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use rusqlite::params;

use super::*;
use crate::domain::audit::{AuditCheck, AuditEntry, AuditPhase, AuditRecord, GENESIS, forget_record};
use crate::domain::ids::UserId;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::retention::RetentionPolicy;
use crate::domain::stats::Period;
use crate::store::contract::{TestStore, approved};
use crate::store::{Audit, Erasure, Insights, Ledger, Orders, Transcript, sweep};

mod on_a_file {
    use super::*;

    fn fresh() -> TestStore {
        // The folder is removed with the last handle.
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let open = move || -> Arc<dyn Store> {
            Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap().recording_events(true))
        };
        TestStore { store: open(), again: Box::new(open) }
    }

    crate::store::contract::contract_tests!(fresh());
}

mod in_scratch {
    use super::*;

    fn fresh() -> TestStore {
        let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap().recording_events(true));
        let same = store.clone();
        TestStore { store, again: Box::new(move || same.clone()) }
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
    let location = Arc::clone(&store.location);
    store.append_audit(&record()).await.unwrap();
    let import = store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    assert_eq!(location.shown(), "in memory");
    assert!(!store.path().exists());
    drop((store, import));
    let tables = schema::version(&location.open_reader().unwrap()).unwrap();
    assert_eq!(tables, 0, "its memory is given back with the last connection");
}

#[tokio::test]
async fn a_scratch_copy_holds_all_and_changes_nothing() {
    let store = SqliteStore::scratch().unwrap();
    store.append_audit(&record()).await.unwrap();
    let (one, other) = (store.scratch_copy().unwrap(), store.scratch_copy().unwrap());
    one.append_audit(&record()).await.unwrap();
    one.append_audit(&record()).await.unwrap();
    let lengths =
        [store.audit_length().await.unwrap(), one.audit_length().await.unwrap(), other.audit_length().await.unwrap()];
    assert_eq!(lengths, [1, 3, 1]);
    drop(store);
    assert_eq!(other.check_audit().await.unwrap().broken, None, "a copy lives by itself");
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
        store.location.open_writer().unwrap().execute_batch(tampering).unwrap();
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
        let swept = sweep(&store, &RetentionPolicy::from_days(0, 0, 10), now, now).await.unwrap().unwrap();
        assert_eq!((swept.audit, swept.trail_broken), (3, false));
        let sound = AuditCheck { removed: 3, erased: 1, ..AuditCheck::whole(4) };
        assert_eq!(store.check_audit().await.unwrap(), sound);
        store.location.open_writer().unwrap().execute_batch(tampering).unwrap();
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
                result: serde_json::json!({"status": "success", "transaction_id": paid.transaction_id,
                    "amount_refunded": paid.refunded().to_json()}),
                ..record()
            };
            store.append_audit(&record).await.unwrap();
        }
        let now = paid.at + SignedDuration::from_hours(24 * 30);
        assert_eq!(sweep(&store, &RetentionPolicy::from_days(0, 0, 10), now, now).await.unwrap().unwrap().audit, 2);
        assert_eq!(store.check_refunds().await.unwrap(), None);
        store.location.open_writer().unwrap().execute_batch(tampering).unwrap();
        assert_eq!(store.check_refunds().await.unwrap().map(|(seq, _)| seq), Some(2), "{tampering}");
    }
}

/// A store on a file with the key beside it, and its trail: five entries.
async fn signed(folder: &Path) -> SqliteStore {
    let store = SqliteStore::open_keyed(&folder.join("shop.db"), &AuditKeySource::default(), KeyUse::Made).unwrap();
    for _ in 0..5 {
        store.append_audit(&record()).await.unwrap();
    }
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck { signed: 5, ..AuditCheck::whole(5) });
    store
}

/// Writes the chain anew from an entry on, as one can who may write the file and has no key: every hash fits.
fn seal_again(connection: &Connection, change: impl Fn(&mut Vec<AuditRecord>)) {
    let mut statement = connection.prepare("SELECT content FROM audit ORDER BY seq").unwrap();
    let contents = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut records: Vec<AuditRecord> =
        contents.map(|content| serde_json::from_str(&content.unwrap()).unwrap()).collect();
    change(&mut records);
    connection.execute_batch("DELETE FROM audit").unwrap();
    let (mut previous, mut last) = (GENESIS.to_owned(), 0);
    for (seq, record) in (1..).zip(&records) {
        let entry = AuditEntry::seal(seq, &previous, record, 7, None);
        let row = params![int(entry.seq), entry.previous, entry.hash, entry.content];
        connection.execute("INSERT INTO audit VALUES (?1, ?2, ?3, ?4)", row).unwrap();
        (previous, last) = (entry.hash, entry.seq);
    }
    connection.execute("UPDATE audit_head SET seq = ?1, hash = ?2", params![int(last), previous]).unwrap();
}

#[tokio::test]
async fn a_trail_whose_hashes_all_fit_is_held_against_its_key() {
    type Change = Box<dyn Fn(&Connection)>;
    let rewrite =
        |change: fn(&mut Vec<AuditRecord>)| -> Change { Box::new(move |connection| seal_again(connection, change)) };
    let sql = |batch: &'static str| -> Change { Box::new(move |connection| connection.execute_batch(batch).unwrap()) };
    let ways: Vec<(&str, Change)> = vec![
        ("rewritten", rewrite(|records| records[2].actor = "operator:x".to_owned())),
        ("nothing changed, all sealed again", rewrite(|_| {})),
        ("inserted", rewrite(|records| records.insert(2, record()))),
        ("reordered", rewrite(|records| records.swap(1, 3))),
        ("deleted in the middle", rewrite(|records| drop(records.remove(2)))),
        ("deleted at the beginning", rewrite(|records| drop(records.remove(0)))),
        ("appended", rewrite(|records| records.push(record()))),
        ("all but one deleted", rewrite(|records| records.truncate(1))),
        (
            "the end cut off, the stored end with it",
            sql("DELETE FROM audit WHERE seq > 3;
                 UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)"),
        ),
        (
            "the last cut off, the stored end with it and not signed",
            sql("DELETE FROM audit WHERE seq > 4;
                 UPDATE audit_head SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4), key = NULL, mac = NULL"),
        ),
        ("the signature of the end removed", sql("UPDATE audit_head SET mac = NULL")),
    ];
    for (told, tampering) in ways {
        let folder = tempfile::tempdir().unwrap();
        let store = signed(folder.path()).await;
        tampering(&store.location.open_writer().unwrap());
        let check = store.check_audit().await.unwrap();
        assert!(check.broken.is_some(), "{told}: {check:?}");
        // What the store writes afterwards covers nothing up.
        if store.append_audit(&record()).await.is_ok() {
            let check = store.check_audit().await.unwrap();
            assert!(check.broken.is_some(), "{told}, and more: {check:?}");
        }
    }
}

#[tokio::test]
async fn an_old_trail_goes_on_signed_and_every_process_needs_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let (path, key) = (folder.path().join("shop.db"), folder.path().join("shop.db.audit-key"));
    let old = SqliteStore::open(&path).unwrap();
    for _ in 0..3 {
        old.append_audit(&record()).await.unwrap();
    }
    let new = || SqliteStore::open_keyed(&path, &AuditKeySource::default(), KeyUse::Made);
    let store = new().unwrap();
    store.append_audit(&record()).await.unwrap();
    let check = store.check_audit().await.unwrap();
    assert_eq!(check, AuditCheck { signed: 2, ..AuditCheck::whole(5) }, "the first of them says so");
    let begun = store.audit_entries(4, 1).await.unwrap()[0].record().unwrap();
    assert_eq!((begun.action.as_str(), begun.actor.as_str()), ("audit_key", "system"));
    // One that was open before, without the key, is told so and writes nothing.
    let error = old.append_audit(&record()).await.unwrap_err();
    assert!(matches!(error, StoreError::OtherKey { .. }) && error.hint().unwrap().contains("same key"), "{error}");
    let (one, two) = (new().unwrap(), new().unwrap());
    for store in [&one, &two, &one] {
        store.append_audit(&record()).await.unwrap();
    }
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck { signed: 5, ..AuditCheck::whole(8) });
    // The old part computed anew does not fit what follows.
    let changed = "UPDATE audit SET content = replace(content, 'import', 'export') WHERE seq = 2";
    store.location.open_writer().unwrap().execute_batch(changed).unwrap();
    assert_eq!(store.check_audit().await.unwrap().broken.unwrap().0, 2);
    let back = "UPDATE audit SET content = replace(content, 'export', 'import') WHERE seq = 2";
    store.location.open_writer().unwrap().execute_batch(back).unwrap();

    let lost = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let error = new().unwrap_err();
    assert!(error.to_string().contains("this process has no key"), "{error}");
    assert!(!key.exists(), "no other one is made for it");
    let other = AuditKeySource::Given(AuditKey::new(&[9; 32]).unwrap());
    let error = SqliteStore::open_keyed(&path, &other, KeyUse::Made).unwrap_err();
    assert!(matches!(error, StoreError::OtherKey { .. }), "{error}");
    let seen = SqliteStore::open_read_only(&path).unwrap().check_audit().await.unwrap();
    assert_eq!((seen.broken, seen.unchecked), (None, 5), "the hashes are checked all the same");
    // It is lost: the trail goes on with another one, on record.
    let again = SqliteStore::open_keyed(&path, &other, KeyUse::Begun).unwrap();
    again.append_audit(&record()).await.unwrap();
    assert_eq!(again.check_audit().await.unwrap(), AuditCheck { signed: 2, ..AuditCheck::whole(10) });
    let begun = again.audit_entries(9, 1).await.unwrap()[0].record().unwrap();
    assert_eq!(begun.arguments["before"], check_id(&lost));
}

fn check_id(file: &[u8]) -> String {
    let text = String::from_utf8(file.to_vec()).unwrap();
    AuditKey::parse(text.lines().last().unwrap()).unwrap().id().to_owned()
}

#[tokio::test]
async fn a_trail_in_the_place_of_the_signed_one_is_never_signed_silently() {
    let folder = tempfile::tempdir().unwrap();
    drop(signed(folder.path()).await);
    let path = folder.path().join("shop.db");
    {
        let connection = Connection::open(&path).unwrap();
        seal_again(&connection, |records| records[0].actor = "operator:x".to_owned());
        connection.execute_batch("UPDATE audit_head SET key = NULL, mac = NULL").unwrap();
    }
    let error = SqliteStore::open_keyed(&path, &AuditKeySource::default(), KeyUse::Made).unwrap_err();
    assert!(matches!(error, StoreError::Unvouched { .. }), "{error}");
    let store = SqliteStore::open_read_only(&path).unwrap();
    let (_, why) = store.check_audit().await.unwrap().broken.unwrap();
    assert!(why.contains("none of the entries is signed"), "{why}");
}

#[tokio::test]
async fn a_removed_trail_is_found_and_nothing_is_written_after_it() {
    const NOTHING: &str = "seq = 0, hash = '0000000000000000000000000000000000000000000000000000000000000000'";
    for tampering in [
        format!("DELETE FROM audit; UPDATE audit_head SET {NOTHING}, key = NULL, mac = NULL; DELETE FROM refunds"),
        "DELETE FROM audit; DELETE FROM audit_head; DELETE FROM refunds".to_owned(),
        format!("DELETE FROM audit; UPDATE audit_head SET {NOTHING}; DELETE FROM refunds"),
        "DELETE FROM audit; DELETE FROM refunds".to_owned(),
        "DELETE FROM audit_head".to_owned(),
        "UPDATE audit_head SET key = NULL, mac = NULL".to_owned(),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let store = signed(folder.path()).await;
        store.record_refund(approved(1)).await.unwrap();
        let connection = store.location.open_writer().unwrap();
        connection.execute("INSERT INTO lookups VALUES ('1', 'ORD000001', 1)", []).unwrap();
        connection.execute_batch(&tampering).unwrap();
        assert!(store.check_audit().await.unwrap().broken.is_some(), "{tampering}");
        let error = store.append_audit(&record()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unvouched { .. }) && error.hint().is_some(), "{tampering}: {error}");
        let open = |using| SqliteStore::open_keyed(&path, &AuditKeySource::default(), using);
        assert!(matches!(open(KeyUse::Made).unwrap_err(), StoreError::Unvouched { .. }), "{tampering}");
        // With the file of the key gone as well, none is made while anything tells that there was one.
        if tampering == "DELETE FROM audit_head" {
            let other = AuditKeySource::Given(AuditKey::new(&[9; 32]).unwrap());
            let error = SqliteStore::open_keyed(&path, &other, KeyUse::Made).unwrap_err();
            assert!(matches!(error, StoreError::OtherKey { .. }), "{error}");
        }
        open(KeyUse::Begun).unwrap().append_audit(&record()).await.unwrap();
        open(KeyUse::Made).unwrap().append_audit(&record()).await.unwrap();
    }
}

#[tokio::test]
async fn that_a_trail_is_empty_is_signed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let open = || SqliteStore::open_keyed(&path, &AuditKeySource::default(), KeyUse::Made).unwrap();
    drop(open());
    let store = open();
    // A customer writes before any tool is called.
    let message = "INSERT INTO lookups VALUES ('1', 'ORD000001', 1)";
    store.location.open_writer().unwrap().execute_batch(message).unwrap();
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck::whole(0));
    drop(store);
    let other = AuditKeySource::Given(AuditKey::new(&[9; 32]).unwrap());
    let (_, why) =
        SqliteStore::open_read_only_keyed(&path, &other).unwrap().check_audit().await.unwrap().broken.unwrap();
    assert!(why.contains("the key here is"), "{why}");
    assert!(matches!(SqliteStore::open_keyed(&path, &other, KeyUse::Made).unwrap_err(), StoreError::OtherKey { .. }));
    let store = open();
    store.append_audit(&record()).await.unwrap();
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck { signed: 1, ..AuditCheck::whole(1) });
    // A key that is new to a store that worked without one has to be put into use.
    let (old, given) = (folder.path().join("old.db"), AuditKeySource::Given(AuditKey::new(&[7; 32]).unwrap()));
    SqliteStore::open(&old).unwrap().location.open_writer().unwrap().execute_batch(message).unwrap();
    assert!(matches!(SqliteStore::open_keyed(&old, &given, KeyUse::Made).unwrap_err(), StoreError::Unvouched { .. }));
    let store = SqliteStore::open_keyed(&old, &given, KeyUse::Begun).unwrap();
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck { signed: 1, ..AuditCheck::whole(1) });
}

#[tokio::test]
async fn a_key_that_was_given_up_is_not_put_into_use_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let key = |number| AuditKeySource::Given(AuditKey::new(&[number; 32]).unwrap());
    let begin = |number| SqliteStore::open_keyed(&path, &key(number), KeyUse::Begun);
    for number in [1, 2] {
        begin(number).unwrap().append_audit(&record()).await.unwrap();
    }
    let error = begin(1).unwrap_err();
    assert!(matches!(error, StoreError::FormerKey { .. }) && error.hint().unwrap().contains("openssl"), "{error}");
    let store = begin(2).unwrap();
    let check = store.check_audit().await.unwrap();
    assert_eq!((check.entries, check.signed, check.broken), (3, 2, None), "nothing was written meanwhile");
    drop(store);
    begin(3).unwrap();
    assert!(matches!(begin(2).unwrap_err(), StoreError::FormerKey { .. }));
    assert!(matches!(begin(1).unwrap_err(), StoreError::FormerKey { .. }));
}

#[tokio::test]
async fn every_column_of_the_ledger_is_held_against_the_trail() {
    let now = Timestamp::from_second(1_790_000_000).unwrap();
    for (change, erased) in [
        ("fee_paise = fee_paise + 1", true),
        ("at = at + 1", true),
        ("quote_id = 'QUOTE_X'", true),
        ("actor = 'operator:x'", false),
        ("reason = 'another'", false),
    ] {
        for (cut, forget) in [(false, false), (true, false), (false, true)] {
            let store = SqliteStore::scratch().unwrap();
            let paid = store.record_refund(approved(1)).await.unwrap().refund;
            let paying = AuditRecord {
                at: paid.at,
                action: "process_refund".to_owned(),
                arguments: serde_json::json!({"order_id": paid.order_id}),
                result: serde_json::json!({"status": "success", "transaction_id": paid.transaction_id,
                    "amount_refunded": paid.refunded().to_json(), "ledger": paid}),
                ..record()
            };
            let entry = store.append_audit(&paying).await.unwrap();
            store.append_audit(&AuditRecord { at: paid.at, ..record() }).await.unwrap();
            if cut {
                let now = now.max(paid.at) + SignedDuration::from_hours(24 * 30);
                let swept = sweep(&store, &RetentionPolicy::from_days(0, 0, 10), now, now).await.unwrap().unwrap();
                assert_eq!(swept.audit, 2);
            }
            let connection = store.location.open_writer().unwrap();
            if forget {
                let left = entry.erased();
                assert!(!left.content.contains(&paid.actor), "{}", left.content);
                connection.execute("UPDATE audit SET content = ?1 WHERE seq = 1", [&left.content]).unwrap();
            }
            assert_eq!(store.check_refunds().await.unwrap(), None, "{change}");
            connection.execute_batch(&format!("UPDATE refunds SET {change}")).unwrap();
            let found = store.check_refunds().await.unwrap().is_some();
            assert_eq!(found, !forget || erased, "{change}, cut {cut}, forgotten {forget}");
        }
    }
}

/// A row of the ledger that nobody paid, for an order whose refund was asked for and denied.
#[tokio::test]
async fn a_denied_or_failed_call_vouches_for_no_refund() {
    let call = |phase, result: serde_json::Value| AuditRecord {
        action: "process_refund".to_owned(),
        arguments: serde_json::json!({"order_id": "ORD000001"}),
        phase,
        result,
        ..record()
    };
    let started = || call(AuditPhase::Started, serde_json::Value::Null);
    let ended = |status: &str| call(AuditPhase::Finished, serde_json::json!({"status": status}));
    for (told, calls, vouched) in [
        ("denied", vec![started(), ended("denied")], false),
        ("failed", vec![started(), ended("error")], false),
        ("asked after it was written into the ledger", vec![started(), ended("already_refunded")], false),
        ("denied twice", vec![started(), started(), ended("denied"), ended("denied")], false),
        ("only an end", vec![ended("denied")], false),
        ("none", vec![], false),
        ("its process died after it paid", vec![started()], true),
        ("died, and was asked for again", vec![started(), started(), ended("already_refunded")], true),
    ] {
        let store = SqliteStore::scratch().unwrap();
        for call in &calls {
            store.append_audit(call).await.unwrap();
        }
        store.record_refund(approved(1)).await.unwrap();
        let found = store.check_refunds().await.unwrap();
        assert_eq!(found.is_none(), vouched, "{told}: {found:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_reads_the_store_and_its_copies() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.db");
    let modes = || {
        let mut modes: Vec<(String, u32)> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.file_name().into_string().unwrap(), entry.metadata().unwrap().permissions().mode() & 0o777)
            })
            .collect();
        modes.sort();
        modes
    };
    let store = signed(folder.path()).await;
    super::backup(&path, &folder.path().join("copy.db"), false).unwrap();
    assert_eq!(modes().len(), 5, "{:?}", modes());
    assert!(modes().iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes());
    drop(store);
    // One of an earlier version, which left that to the umask.
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let _store = SqliteStore::open(&path).unwrap();
    assert!(modes().iter().all(|(_, mode)| *mode == 0o600), "{:?}", modes());
    let copy = std::fs::read(folder.path().join("copy.db")).unwrap();
    let key = std::fs::read_to_string(folder.path().join("shop.db.audit-key")).unwrap();
    let secret = key.lines().last().unwrap();
    assert!(!copy.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "the copy holds no key");
}

#[tokio::test]
async fn a_failed_writer_undoes_only_its_own_work() {
    let store = Arc::new(SqliteStore::scratch().unwrap());
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = move |connection: &Connection| {
                    connection.execute(
                        "INSERT INTO bindings (order_id, user_id, at) VALUES (?1, 'u', 0)",
                        [number.to_string()],
                    )?;
                    if number % 2 == 0 { Ok(()) } else { Err(BackendError::Content("refused".to_owned())) }
                };
                store.write("testing", work).await
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        assert_eq!(task.await.unwrap().is_ok(), number % 2 == 0);
    }
    let saved = store.read("testing", |connection| {
        let saved: i64 = connection.query_row("SELECT count(*) FROM bindings", [], |row| row.get(0))?;
        Ok(saved)
    });
    assert_eq!(saved.await.unwrap(), 20);
}

/// Asserts that a job was answered with the error of its panic.
fn assert_panicked<T: std::fmt::Debug>(outcome: Result<T>) {
    match outcome {
        Err(error @ StoreError::Panicked { .. }) => {
            assert_eq!(error.to_string(), "an error in the program stopped testing: a bug");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_writer_that_panics_is_rolled_back_and_the_next_one_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(&folder.path().join("store.db")).unwrap());
    // The others of its transaction are not touched.
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let work = move |connection: &Connection| {
                    connection.execute(
                        "INSERT INTO bindings (order_id, user_id, at) VALUES (?1, 'u', 0)",
                        [number.to_string()],
                    )?;
                    assert!(number % 2 == 0, "a bug");
                    Ok(())
                };
                store.write("testing", work).await
            })
        })
        .collect();
    for (number, task) in tasks.into_iter().enumerate() {
        let outcome = task.await.unwrap();
        if number % 2 == 0 { outcome.unwrap() } else { assert_panicked(outcome) }
    }
    // A statement that is being read while its job panics is reset.
    let reading = |connection: &Connection| -> std::result::Result<(), BackendError> {
        connection.execute("INSERT INTO bindings (order_id, user_id, at) VALUES ('last', 'u', 0)", [])?;
        let mut statement = connection.prepare_cached("SELECT order_id FROM bindings")?;
        let mut rows = statement.query([])?;
        assert!(rows.next()?.is_none(), "a bug");
        Ok(())
    };
    assert_panicked(store.write("testing", reading).await);
    store.append_audit(&record()).await.unwrap();
    let count = |connection: &Connection| -> std::result::Result<i64, BackendError> {
        Ok(connection.query_row("SELECT count(*) FROM bindings", [], |row| row.get(0))?)
    };
    assert_eq!(store.read("testing", count).await.unwrap(), 20);
    assert_eq!(store.write("testing", count).await.unwrap(), 20);
    assert_eq!(store.check_audit().await.unwrap(), AuditCheck::whole(1));
}

#[tokio::test]
async fn readers_that_panic_serve_the_next_ones() {
    let store = SqliteStore::scratch().unwrap();
    store.append_audit(&record()).await.unwrap();
    for _ in 0..20 {
        let reading = |connection: &Connection| -> std::result::Result<(), BackendError> {
            let mut statement = connection.prepare_cached("SELECT seq FROM audit")?;
            let mut rows = statement.query([])?;
            assert!(rows.next()?.is_none(), "a bug");
            Ok(())
        };
        assert_panicked(store.read("testing", reading).await);
        assert_eq!(store.audit_length().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_panic_while_the_stats_cache_is_locked_empties_it() {
    let store = SqliteStore::scratch().unwrap();
    let said = ChatMessage {
        user_id: UserId::new("a"),
        role: Role::User,
        text: "hello".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    store.append_messages(&[said]).await.unwrap();
    let until = Timestamp::from_second(10).unwrap();
    let period = Period { from: None, until, zone: TimeZone::UTC, gap: SignedDuration::from_hours(24) };
    assert_eq!(store.conversation_stats(&period, &[]).await.unwrap().messages, 1);
    let cache = Arc::clone(&store.stats_cache);
    let panicking = move |_: &Connection| -> std::result::Result<(), BackendError> {
        let _locked = cache.lock().unwrap();
        panic!("a bug")
    };
    assert_panicked(store.read("testing", panicking).await);
    assert_eq!(store.conversation_stats(&period, &[]).await.unwrap().messages, 1);
    assert!(!store.stats_cache.is_poisoned());
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
            assert!(error.to_string().contains("the disk is full"), "{error}");
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
    let other = store.location.open_writer().unwrap();
    other
        .execute_batch(
            "INSERT INTO order_details (order_id, customer_id, platform, placed, placed_at, category, feedback)
                 VALUES ('ORD000001', '', '', '', 'not a date', '', '');
             INSERT INTO order_details (order_id, customer_id, platform, placed, category, feedback, rating)
                 VALUES ('ORD000002', '', '', '', '', '', 999);
             INSERT INTO order_details (order_id, customer_id, platform, placed, category, feedback, details)
                 VALUES ('ORD000003', '', '', '', '', '', 'no JSON');",
        )
        .unwrap();
    for id in ["ORD000001", "ORD000002", "ORD000003"] {
        let found = store.order(&crate::domain::ids::OrderId::new(id)).await;
        assert!(matches!(found, Err(StoreError::Damaged { .. })), "{found:?}");
    }
}

#[tokio::test]
async fn events_of_a_newer_version_are_left_to_it() {
    use crate::domain::event::EventType;
    use crate::store::{EventRoute, Events};
    let store = SqliteStore::scratch().unwrap().recording_events(true);
    let unknown = r#"{"id":"evt_0","at":"2026-06-01T10:00:00Z","type":"of.tomorrow","data":{"endpoint":"x"}}"#;
    let insert = format!("INSERT INTO events (id, at, content) VALUES ('evt_0', 0, '{unknown}')");
    store.location.open_writer().unwrap().execute_batch(&insert).unwrap();
    store.record_refund(approved(1)).await.unwrap();
    let routes = [EventRoute { endpoint: "all".to_owned(), types: EventType::matching("*") }];
    let now = Timestamp::UNIX_EPOCH;
    assert_eq!(store.fan_out(&routes, now, 1).await.unwrap(), 1, "the others do not wait for it");
    assert_eq!(store.fan_out(&routes, now, 1).await.unwrap(), 0);
    assert_eq!(store.event_backlog().await.unwrap().new, 1, "it is still new");
    // The newer version knows it.
    let known = "UPDATE events SET content = replace(content, 'of.tomorrow', 'endpoint.test') WHERE id = 'evt_0'";
    store.location.open_writer().unwrap().execute_batch(known).unwrap();
    assert_eq!(store.fan_out(&routes, now, 1).await.unwrap(), 1);
}

/// What another program, or a fault of the disk, made of a row keeps nobody from being forgotten.
#[tokio::test]
async fn what_cannot_be_read_is_erased_as_well() {
    let store = SqliteStore::scratch().unwrap();
    let connection = store.location.open_writer().unwrap();
    connection
        .execute_batch(
            "INSERT INTO events (id, at, user_id, content) VALUES ('evt_odd', 0, 'u', '{\"id\":');
             INSERT INTO actions (id, kind, order_id, user_id, actor, reason, details, at, key)
             VALUES ('ACT_1', 'unheard of', 'ORD000001', 'u', 'customer:u', 'says Asha', '{', 0, 'k')",
        )
        .unwrap();
    let data = store.data_of(&UserId::new("u")).await.unwrap();
    assert!(data.events.is_empty() && data.actions.is_empty());
    let erased = store.erase_data_of(&UserId::new("u"), Timestamp::UNIX_EPOCH).await.unwrap();
    assert_eq!((erased.events, erased.actions), (1, 1));
    let left: (Option<String>, String, String) = connection
        .query_row("SELECT user_id, actor, reason FROM actions", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(left, (None, "customer:(erased)".to_owned(), String::new()));
    let events: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(events, 0);
}

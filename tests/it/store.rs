//! The embedded store between processes, and files that are no good store.
//!
//! Several tests run this test binary again as another process: the ignored test [`child`] then does what
//! `ECOMRES_TEST_CHILD` says.

use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecomres::domain::audit::{AuditCheck, AuditPhase, AuditRecord};
use ecomres::domain::caller::Caller;
use ecomres::domain::ids::{IdPatterns, OrderId};
use ecomres::domain::money::{Money, Percent};
use ecomres::domain::order::{Order, OrderDetails};
use ecomres::domain::refund::{ApprovedRefund, ProviderKind, RefundPolicy, RefundRequest};
use ecomres::store::sqlite::SqliteStore;
use ecomres::store::{Audit, Ledger, Orders, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

fn order_id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

fn approved(number: u32) -> ApprovedRefund {
    let order = Order {
        id: order_id(number),
        customer_id: "CUST1".to_owned(),
        platform: "JioMart".to_owned(),
        placed: String::new(),
        placed_at: None,
        delivery_minutes: Some(25),
        category: "Beverages".to_owned(),
        value: Some(Money::from_rupees(599)),
        feedback: String::new(),
        rating: None,
        delayed: None,
        refund_requested: None,
        phone: None,
        date: None,
        status: None,
        details: OrderDetails::default(),
    };
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
        provider: ProviderKind::Ledger,
        money: ecomres::domain::currency::ShopMoney::default(),
    };
    let request = RefundRequest {
        order: &order,
        quote: None,
        caller: &Caller::Operator { name: format!("process {}", std::process::id()) },
        items: &[],
        amount: None,
        reason: "items missing",
        patterns: &IdPatterns::default(),
        now: Timestamp::now(),
        local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0),
    };
    policy.approve(&request).unwrap()
}

fn record(number: u64) -> AuditRecord {
    AuditRecord {
        at: Timestamp::UNIX_EPOCH,
        actor: format!("process {}", std::process::id()),
        action: "test".to_owned(),
        phase: AuditPhase::Finished,
        arguments: number.into(),
        result: serde_json::Value::Null,
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap().block_on(future)
}

/// Starts this test binary again to do `task` in `folder`.
fn start(task: &str, folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::child", "--ignored", "--nocapture", "--test-threads", "1"])
        .env("ECOMRES_TEST_CHILD", task)
        .env("ECOMRES_TEST_FOLDER", folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Runs `count` processes that begin at the same moment; the numbers they say, one list for each.
fn together(count: usize, task: &str, folder: &Path) -> Vec<Vec<u64>> {
    let _ = std::fs::remove_file(folder.join("go"));
    let children: Vec<Child> = (0..count).map(|_| start(task, folder)).collect();
    let deadline = Instant::now() + Duration::from_mins(1);
    for child in &children {
        while !folder.join(format!("ready-{}", child.id())).exists() {
            assert!(Instant::now() < deadline, "a process did not start");
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    std::fs::write(folder.join("go"), "").unwrap();
    let said = children.into_iter().map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{task}: {output:?}");
        String::from_utf8(output.stdout).unwrap().lines().filter_map(said).collect()
    });
    said.collect()
}

fn said(line: &str) -> Option<u64> {
    line.strip_prefix("said ")?.parse().ok()
}

fn say(number: u64) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "said {number}").unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn child() {
    let variable = |name| std::env::var(name).expect("only tests of several processes start this");
    let (task, folder) = (variable("ECOMRES_TEST_CHILD"), PathBuf::from(variable("ECOMRES_TEST_FOLDER")));
    println!(); // The harness has begun a line of its own.
    let open = || SqliteStore::open(&folder.join("store.db")).unwrap();
    let ready = || {
        std::fs::write(folder.join(format!("ready-{}", std::process::id())), "").unwrap();
        while !folder.join("go").exists() {
            std::hint::spin_loop();
        }
    };
    match task.as_str() {
        "create" => {
            ready();
            let store = open();
            wait(store.append_audit(&record(0))).unwrap();
            say(1);
        }
        "refund" => {
            let store = Arc::new(open());
            ready();
            wait(async {
                let tasks = (0..64).map(|_| {
                    let store = store.clone();
                    tokio::spawn(async move { store.record_refund(approved(3)).await.unwrap() })
                });
                for task in tasks.collect::<Vec<_>>() {
                    say(u64::from(!task.await.unwrap().already));
                }
            });
        }
        "audit" => {
            let store = open();
            ready();
            for number in 0..150 {
                say(wait(store.append_audit(&record(number))).unwrap().seq);
            }
        }
        // Prints the number of each refund once it is acknowledged, until it is killed.
        "endless" => {
            let store = open();
            let first = wait(store.refunds(u32::MAX)).unwrap().len();
            wait(async {
                for number in u32::try_from(first).unwrap().. {
                    store.append_audit(&record(u64::from(number))).await.unwrap();
                    assert!(!store.record_refund(approved(number)).await.unwrap().already);
                    say(u64::from(number));
                }
            });
        }
        other => panic!("unknown task {other}"),
    }
}

#[test]
fn refunds_of_two_processes_pay_once() {
    let folder = tempfile::tempdir().unwrap();
    let said = together(2, "refund", folder.path());
    assert_eq!(said.iter().map(Vec::len).sum::<usize>(), 128);
    assert_eq!(said.iter().flatten().sum::<u64>(), 1, "paid more or less than once");
    let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    assert_eq!(wait(store.refunds(10)).unwrap().len(), 1);
}

#[test]
fn the_audit_chain_of_two_processes_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut places: Vec<u64> = together(2, "audit", folder.path()).concat();
    places.sort_unstable();
    assert_eq!(places, (1..=300).collect::<Vec<_>>());
    let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
    assert_eq!(wait(store.check_audit()).unwrap(), AuditCheck::whole(300));
}

#[test]
fn a_new_file_may_be_made_by_several_processes_at_once() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(together(4, "create", folder.path()), vec![vec![1]; 4]);
        let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
        assert_eq!(wait(store.check_audit()).unwrap(), AuditCheck::whole(4));
    }
}

#[test]
fn a_killed_process_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut kept = 0;
    for round in 0..5 {
        let mut child = start("endless", folder.path());
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = Vec::new();
        while told.len() < 40 + 37 * round {
            told.extend(said(&lines.next().unwrap().unwrap()));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        told.extend(lines.map_while(Result::ok).filter_map(|line| said(&line)));
        assert_eq!(told.first(), Some(&kept));

        let store = SqliteStore::open(&folder.path().join("store.db")).unwrap();
        for number in told {
            let refund = wait(store.refund_of(&order_id(u32::try_from(number).unwrap()))).unwrap();
            assert!(refund.is_some(), "refund {number} was acknowledged and is gone");
        }
        kept = wait(store.refunds(u32::MAX)).unwrap().len() as u64;
        assert_eq!(wait(store.check_audit()).unwrap().broken, None);
        assert_eq!(wait(store.health()).unwrap().problems, Vec::<String>::new());
    }
}

fn failed(path: &Path) -> StoreError {
    SqliteStore::open_with(path, Duration::from_millis(200)).unwrap_err()
}

#[test]
fn files_that_are_no_store_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let text = "dear diary, ".repeat(100);
    std::fs::write(&path, &text).unwrap();
    assert!(matches!(failed(&path), StoreError::Damaged { .. }));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);

    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE theirs (x); PRAGMA user_version = 3").unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = failed(&path);
    assert!(error.to_string().ends_with("it is an SQLite database of another program"), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = folder.path().join("newer.db");
    drop(SqliteStore::open(&path).unwrap());
    Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    assert!(matches!(failed(&path), StoreError::Newer { found: 99, .. }));
}

#[test]
fn a_damaged_store_is_named_by_the_health_check_or_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    wait(async {
        for number in 0..200 {
            store.append_audit(&record(number)).await.unwrap();
        }
    });
    drop(store);
    let length = std::fs::metadata(&path).unwrap().len();
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(length - 4_096)).unwrap();
    file.write_all(&[0xA5; 4_096]).unwrap();
    let store = SqliteStore::open(&path).unwrap();
    let health = wait(store.health()).unwrap();
    assert!(!health.problems.is_empty());
    drop(store);

    file.set_len(4_096).unwrap();
    let outcome = SqliteStore::open(&path).and_then(|store| wait(store.check_audit()));
    assert!(matches!(outcome, Err(StoreError::Damaged { .. })), "{outcome:?}");
}

#[test]
fn a_locked_store_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(SqliteStore::open(&path).unwrap());
    let holder = Connection::open(&path).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let store = SqliteStore::open_with(&path, Duration::from_secs(1)).unwrap();
    let start = Instant::now();
    let error = wait(store.append_audit(&record(1))).unwrap_err();
    assert!(matches!(error, StoreError::Locked { seconds: 1, .. }), "{error}");
    assert!(start.elapsed() >= Duration::from_millis(900));
    assert_eq!(wait(store.count_orders()).unwrap(), 0, "reading goes on");

    holder.execute_batch("COMMIT").unwrap();
    assert_eq!(wait(store.append_audit(&record(1))).unwrap().seq, 1);

    let fresh = folder.path().join("fresh.db");
    let holder = Connection::open(&fresh).unwrap();
    holder.execute_batch("BEGIN EXCLUSIVE").unwrap();
    assert!(matches!(failed(&fresh), StoreError::Locked { .. }));
}

#[test]
fn places_where_no_store_can_be_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let reason = |path: &Path| match failed(path) {
        StoreError::Open { reason, .. } => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(folder.path()), "it is a folder");
    let nowhere = folder.path().join("nowhere");
    assert_eq!(reason(&nowhere.join("store.db")), format!("the folder {} does not exist", nowhere.display()));
    std::fs::write(&nowhere, "").unwrap();
    assert!(reason(&nowhere.join("store.db")).contains("nowhere"));
    // The administrator may write anywhere but here.
    if cfg!(target_os = "linux") {
        assert_eq!(reason(Path::new("/proc/store.db")), "no file can be written in the folder /proc");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_or_file_without_write_permission_is_named() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(SqliteStore::open(&path).unwrap());
    let set = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    set(&path, 0o444);
    set(folder.path(), 0o555);
    let seen = SqliteStore::open_read_only(&path).and_then(|store| wait(store.check_audit()));
    assert_eq!(seen.unwrap(), AuditCheck::whole(0), "reading needs no permission to write");
    if std::fs::write(folder.path().join("probe"), "").is_ok() {
        // Permissions do not hold for the administrator.
        run_as_an_ordinary_user("store::a_folder_or_file_without_write_permission_is_named");
        return;
    }
    let (file, folder_error) = (failed(&path), failed(&folder.path().join("other.db")));
    set(folder.path(), 0o755);
    assert!(matches!(file, StoreError::Unwritable { .. }), "{file}");
    assert!(matches!(folder_error, StoreError::Open { .. }), "{folder_error}");
}

/// Runs one test of this binary again, in a process of the user “nobody”.
#[cfg(unix)]
fn run_as_an_ordinary_user(test: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65_534;
    // The target folder may be closed to others.
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = folder.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
    let mut command = Command::new(&copy);
    command.args(["--exact", test]).current_dir(folder.path()).uid(NOBODY).gid(NOBODY);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{output:?}");
}

fn call(number: u32, phase: AuditPhase, result: serde_json::Value) -> AuditRecord {
    AuditRecord {
        action: "process_refund".to_owned(),
        phase,
        arguments: serde_json::json!({"order_id": order_id(number).as_str()}),
        result,
        ..record(0)
    }
}

#[test]
fn a_ledger_that_contradicts_the_audit_trail_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = SqliteStore::open(&path).unwrap();
    wait(async {
        for number in 1..=2 {
            store.append_audit(&call(number, AuditPhase::Started, serde_json::Value::Null)).await.unwrap();
            let refund = store.record_refund(approved(number)).await.unwrap().refund;
            let result = serde_json::json!({"status": "success", "transaction_id": refund.transaction_id,
                "amount_refunded": refund.refunded().to_json()});
            store.append_audit(&call(number, AuditPhase::Finished, result)).await.unwrap();
        }
        // Paid, and the process ended before the end of the call was on record.
        store.append_audit(&call(3, AuditPhase::Started, serde_json::Value::Null)).await.unwrap();
        store.record_refund(approved(3)).await.unwrap();
    });
    assert_eq!(wait(store.audit_length()).unwrap(), 5);
    assert_eq!(wait(store.check_refunds()).unwrap(), None);
    drop(store);
    for (tampering, place, told) in [
        ("DELETE FROM refunds WHERE order_id = 'ORD000002'", 4, "is not in the ledger"),
        ("UPDATE refunds SET amount_paise = 1 WHERE order_id = 'ORD000001'", 2, "it records 599 for ORD000001"),
        ("UPDATE refunds SET transaction_id = 'RFND_X' WHERE order_id = 'ORD000001'", 2, "the ledger holds RFND_X"),
        ("UPDATE refunds SET order_id = 'ORD000009' WHERE order_id = 'ORD000003'", 6, "no entry records it"),
        ("DELETE FROM audit; DELETE FROM audit_head", 1, "no entry records it"),
    ] {
        // Each a name of its own, and no copy of the file alone: whoever has it open may still be closing it, with its log.
        let copy = folder.path().join(format!("copy-{}.db", tampering.len()));
        ecomres::store::sqlite::backup(&path, &copy, false).unwrap();
        Connection::open(&copy).unwrap().execute_batch(tampering).unwrap();
        let (at, why) = wait(SqliteStore::open_read_only(&copy).unwrap().check_refunds()).unwrap().unwrap();
        assert_eq!(at, place, "{tampering}: {why}");
        assert!(why.contains(told), "{tampering}: {why}");
    }
}

#[test]
fn opening_read_only_changes_nothing_and_needs_a_store() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let error = SqliteStore::open_read_only(&path).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    std::fs::write(&path, "").unwrap();
    let error = SqliteStore::open_read_only(&path).unwrap_err();
    assert!(error.to_string().contains("its schema version is 0"), "{error}");
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);

    wait(SqliteStore::open(&path).unwrap().append_audit(&record(1))).unwrap();
    let store = SqliteStore::open_read_only(&path).unwrap();
    assert_eq!(wait(store.audit_length()).unwrap(), 1);
    assert!(wait(store.append_audit(&record(2))).is_err());
    drop(store);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

    Connection::open(&path).unwrap().execute_batch("DROP TABLE audit").unwrap();
    let error = wait(SqliteStore::open(&path).unwrap().check_audit()).unwrap_err();
    assert!(
        matches!(error, StoreError::Damaged { .. }) && error.to_string().contains("no such table: audit"),
        "{error}"
    );
}

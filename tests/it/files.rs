//! What the program leaves on the disk: who may read it, what a killed process leaves, what a spreadsheet finds in it, and
//! whether the audit trail can be held against what was published of it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::time::Duration;

use ecomres::domain::ids::UserId;
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::store::sqlite::SqliteStore;
use ecomres::store::{Store as _, Transcript as _};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::cli::{ecomres, run};
use crate::mcp::client::{Session, piped, shop, terminate, wait};

fn said(turn: u64, text: &str) -> ChatMessage {
    ChatMessage {
        user_id: UserId::new("customer-1"),
        role: Role::User,
        text: text.to_owned(),
        at: Timestamp::from_second(1_780_000_000 + i64::try_from(turn).unwrap()).unwrap(),
        turn,
        intent: Some("other".to_owned()),
        sentiment: Some("neutral".to_owned()),
        response_ms: None,
        basis: Basis { intent_confidence: Some(0.1), ..Basis::default() },
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[cfg(unix)]
#[test]
fn whatever_the_umask_is_only_the_owner_reads_what_is_written() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.csv");
    let open = |arguments: &[&str]| {
        // A shell sets the umask: everybody may read and write what is made.
        let plain = ecomres(folder.path());
        let mut command = assert_cmd::Command::new("sh");
        command
            .current_dir(folder.path())
            .env_clear()
            .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(arguments);
        let (code, _, err) = run(&mut command);
        assert_eq!(code, 0, "{arguments:?}: {err}");
    };
    open(&["import", fixtures.to_str().unwrap(), "--store", "shop.db"]);
    open(&["simulate", "--scenario", "refund", "--store", "shop.db", "--record", "turns.jsonl", "--json"]);
    open(&["backup", "copy.db", "--store", "shop.db"]);
    let store = SqliteStore::open(&folder.path().join("shop.db")).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(store.append_messages(&[said(90, "hm")])).unwrap();
    open(&["label", "export", "--out", "labels.csv", "--below", "0.9", "--store", "shop.db"]);
    open(&["forget", "customer-1", "--out", "data.json", "--yes", "--store", "shop.db"]);
    let files = names(folder.path());
    for wanted in ["shop.db", "shop.db-wal", "shop.db.audit-key", "copy.db", "turns.jsonl", "labels.csv", "data.json"] {
        assert!(files.iter().any(|name| name == wanted), "{wanted} is not in {files:?}");
    }
    for name in files {
        let mode = std::fs::metadata(folder.path().join(&name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name} has mode {mode:o}");
    }
}

#[test]
fn a_killed_backup_leaves_nothing_half_and_nothing_for_long() {
    let folder = shop();
    {
        let connection = Connection::open(folder.path().join("shop.db")).unwrap();
        // 30 MB, so that copying and checking take a moment.
        connection
            .execute_batch(
                "CREATE TABLE padding (x);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
                 INSERT INTO padding SELECT randomblob(100000) FROM n;",
            )
            .unwrap();
    }
    let to = folder.path().join("backups");
    std::fs::create_dir(&to).unwrap();
    let backup = |name: &str| {
        let mut command = ecomres(folder.path());
        command.args(["backup", "--store", "shop.db"]).arg(to.join(name));
        command
    };
    let mut left = 0;
    for number in 0..12_u64 {
        let mut child = piped(&backup(&format!("{number}.db"))).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(10 + number * 12));
        child.kill().unwrap();
        child.wait().unwrap();
        left += names(&to).iter().filter(|name| name.starts_with('.')).count();
        for name in names(&to).iter().filter(|name| !name.starts_with('.')) {
            let store = SqliteStore::open_read_only(&to.join(name)).unwrap();
            let health = tokio::runtime::Runtime::new().unwrap().block_on(store.health()).unwrap();
            assert_eq!(health.problems, Vec::<String>::new(), "{name} is whole");
        }
    }
    println!("a killed backup left a folder {left} times");
    let (code, _, err) = run(&mut backup("last.db"));
    assert_eq!(code, 0, "{err}");
    assert!(names(&to).iter().all(|name| !name.starts_with('.')), "{:?}", names(&to));
    assert!(!names(&to).iter().any(|name| name.contains("audit-key")));
}

#[test]
fn no_csv_holds_a_formula_and_our_own_files_are_read_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let texts =
        ["=HYPERLINK(\"http://x\")", "  +1+1", "\u{200b}@SUM(A1)", "＝1", "-5", "- not good", "fine; =1+1", "plain"];
    let store = SqliteStore::open(&folder.path().join("shop.db")).unwrap();
    let messages: Vec<ChatMessage> = (1..).zip(texts).map(|(turn, text)| said(turn, text)).collect();
    tokio::runtime::Runtime::new().unwrap().block_on(store.append_messages(&messages)).unwrap();
    drop(store);
    let (code, out, err) =
        run(ecomres(folder.path()).args(["label", "export", "--below", "0.9", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    let rows: Vec<String> =
        csv::Reader::from_reader(out.as_bytes()).records().map(|record| record.unwrap()[0].to_owned()).collect();
    assert_eq!(rows.len(), texts.len(), "{out}");
    for row in &rows {
        let armed = row
            .trim_start_matches(|c: char| c.is_whitespace() || c == '\u{200b}')
            .starts_with(['=', '+', '-', '@', '＝']);
        assert!(!armed || row == "-5", "{row}");
    }
    std::fs::write(folder.path().join("todo.csv"), &out).unwrap();
    let (code, out, err) = run(ecomres(folder.path()).args(["predict", "--batch", "todo.csv", "--json"]));
    assert_eq!(code, 0, "{err}");
    let read: Vec<String> = out
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["text"].as_str().unwrap().to_owned())
        .collect();
    for text in texts {
        assert!(read.iter().any(|read| read == text.trim()), "{text:?} is not in {read:?}");
    }
}

/// Calls a tool a few times, so that there is a trail.
fn call(folder: &Path, times: u32) {
    let mut session = Session::start(folder, &[]);
    session.initialize("2025-06-18");
    for _ in 0..times {
        session.call("query_order_database", serde_json::json!({"order_id": "ORD000003"}));
    }
    assert_eq!(session.end().0, Some(0));
}

/// The heads that a dashboard publishes until it is ended.
fn published(folder: &Path) -> Vec<String> {
    let mut child = piped(ecomres(folder).args(["dashboard", "--store", "shop.db", "--port", "0"])).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines.find(|line| line.as_ref().unwrap().contains("dashboard at ")).unwrap().unwrap();
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
    lines.map(|line| line.unwrap()).filter(|line| line.contains("ecomres-audit-head:1:")).collect()
}

/// The identifier of a key, as `audit-key --json` tells it.
fn key_id(folder: &Path, secret: &str) -> String {
    let mut command = ecomres(folder);
    let (_, out, err) =
        run(command.env("ECOMRES_AUDIT_KEY", secret).args(["audit-key", "--json", "--store", "shop.db"]));
    let told: serde_json::Value = serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{err}"));
    told["key"].as_str().unwrap().to_owned()
}

/// Behind the program's back the trail is taken away, and the refund with it.
#[test]
fn with_a_removed_trail_nothing_is_paid_again() {
    let folder = shop();
    call(folder.path(), 3);
    let wipe = "DELETE FROM audit; DELETE FROM refunds;
        UPDATE audit_head SET seq = 0, hash = '0000000000000000000000000000000000000000000000000000000000000000', key = NULL, mac = NULL";
    let store = rusqlite::Connection::open(folder.path().join("shop.db")).unwrap();
    store.execute("INSERT INTO lookups VALUES ('1', 'ORD000001', 1)", []).unwrap();
    store.execute_batch(wipe).unwrap();
    drop(store);
    let on =
        |arguments: &[&str]| run(ecomres(folder.path()).args(arguments).args(["--store", "shop.db"]).write_stdin(""));
    let (code, out, err) = on(&["report", "audit", "--verify"]);
    assert!(code == 1 && err.contains("the trail was removed"), "{out}{err}");
    let (code, out, _) = on(&["doctor"]);
    assert!(code == 1 && out.contains("❌ audit"), "{out}");
    let (code, _, err) = on(&["mcp"]);
    assert!(code == 1 && err.contains("does not end as the key") && err.contains("audit-key --begin"), "{err}");
    let (code, out, err) = on(&["audit-key", "--begin"]);
    assert!(code == 0 && out.contains("signed 1 of the 1 entry"), "{out}{err}");
    assert_eq!(on(&["mcp"]).0, 0);
}

#[test]
fn a_trail_is_held_against_its_key_and_against_what_was_published() {
    let folder = shop();
    let verify = |more: &[&str]| {
        run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]).args(more))
    };
    call(folder.path(), 3);
    std::fs::copy(folder.path().join("shop.db"), folder.path().join("earlier.db")).unwrap();
    call(folder.path(), 3);
    let (code, out, err) = verify(&[]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("6 entries") && out.contains("Every entry is signed with the key"), "{out}");
    let heads = published(folder.path());
    assert!(!heads.is_empty(), "published at the end");
    std::fs::write(folder.path().join("log"), format!("some other line\n{}\n", heads.join("\n"))).unwrap();
    let (code, out, err) = verify(&["--heads", "log"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("agrees with"), "{out}");
    // One that was not published by whoever has the key.
    let forged = heads[0].replace("head:1:6:", "head:1:5:");
    let (code, _, err) = verify(&["--head", &forged]);
    assert!(code == 1 && err.contains("forged"), "{err}");
    let (code, _, err) = verify(&["--head", "no head"]);
    assert!(code == 1 && err.contains("is no head") && err.contains("hint:"), "{err}");

    // The store of before is put in its place: all of it holds, but not against what was published.
    let whole = std::fs::read(folder.path().join("shop.db")).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.path().join(format!("shop.db{end}")));
    }
    std::fs::copy(folder.path().join("earlier.db"), folder.path().join("shop.db")).unwrap();
    assert_eq!(verify(&[]).0, 0);
    let (code, _, err) = verify(&["--heads", "log"]);
    assert!(code == 1 && err.contains("it ends at entry 3") && err.contains("had 6 entries"), "{err}");
    // And goes on from there.
    call(folder.path(), 4);
    let (code, _, err) = verify(&["--heads", "log"]);
    assert!(code == 1 && err.contains("entry 6 is another one"), "{err}");

    // Without the key the signatures are not checked, and that is said.
    std::fs::write(folder.path().join("shop.db"), whole).unwrap();
    let key = folder.path().join("shop.db.audit-key");
    let secret = std::fs::read_to_string(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let (code, out, err) = verify(&[]);
    assert!(code == 1 && out.contains("were not checked: the key is not here"), "{out}");
    assert!(err.contains("hint:") && err.contains("ECOMRES_AUDIT__KEY_FILE"), "{err}");
    let (code, out, _) = run(ecomres(folder.path()).args(["doctor", "--store", "shop.db"]));
    assert!(code == 1 && out.contains("❌ audit key"), "{out}");
    let (code, _, err) = run(ecomres(folder.path()).args(["mcp", "--store", "shop.db"]).write_stdin(""));
    assert!(code == 1 && err.contains("this process has no key") && err.contains("hint:"), "{err}");
    // From the environment, in another place than the store.
    let secret = secret.lines().last().unwrap();
    let mut command = ecomres(folder.path());
    let (code, out, err) =
        run(command.env("ECOMRES_AUDIT_KEY", secret).args(["report", "audit", "--verify", "--store", "shop.db"]));
    let signer = key_id(folder.path(), secret);
    let wrong = ecomres(folder.path())
        .env("ECOMRES_AUDIT_KEY", "42".repeat(32))
        .args(["report", "audit", "--verify", "--store", "shop.db"])
        .output()
        .unwrap();
    let wrong = String::from_utf8(wrong.stderr).unwrap();
    assert!(wrong.contains(&format!("signed with the key {signer}")), "{wrong}");
    assert!(code == 0 && out.contains("Every entry is signed"), "{out}{err}");
    let mut command = ecomres(folder.path());
    let (_, out, err) = run(command.env("ECOMRES_AUDIT_KEY", secret).args(["doctor", "--store", "shop.db"]));
    assert!(out.contains("in the environment") && !format!("{out}{err}").contains(secret), "{out}{err}");
    let mut command = ecomres(folder.path());
    let (code, _, err) = run(command.env("ECOMRES_AUDIT_KEY", "too-short-secret").args(["doctor"]));
    assert!(code == 1 && !err.contains("too-short-secret"), "{err}");
    // A new key, on record.
    let (code, out, err) = run(ecomres(folder.path()).args(["audit-key", "--begin", "--store", "shop.db"]));
    assert!(
        code == 0 && out.contains("signed 1 of the 7 entries") && err.contains("lies beside the store"),
        "{out}{err}"
    );
    call(folder.path(), 1);
    let (code, out, _) = verify(&[]);
    assert!(code == 0 && out.contains("The latest 2 entries are signed"), "{out}");
}

#[test]
fn no_password_of_an_address_is_shown() {
    const SECRET: &str = "hunter2-secret";
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("MONGO_URI", format!("mongodb://me:{SECRET}@127.0.0.1:1/shop?password={SECRET}")),
        ("ECOMRES_LLM__BASE_URL", format!("http://me:{SECRET}@127.0.0.1:1/v1?key={SECRET}")),
        ("GROQ_API_KEY", SECRET.to_owned()),
        ("ECOMRES_ALERTS__WEBHOOK_URL", format!("http://127.0.0.1:1/{SECRET}")),
        ("ECOMRES_AUDIT__ANCHOR_URL", format!("http://me:{SECRET}@127.0.0.1:1/{SECRET}")),
        ("ECOMRES_STORE__CONNECT_SECONDS", "1".to_owned()),
    ];
    for arguments in [
        &["doctor"][..],
        &["report", "overview"],
        &["backup", "x.db"],
        &["alerts", "list"],
        &["dashboard", "--port", "0"],
        &["inbox", "list"],
    ] {
        let mut command = ecomres(folder.path());
        let (_, out, err) =
            run(command.envs(settings.iter().map(|(name, value)| (name, value))).args(["-vv"]).args(arguments));
        assert!(!format!("{out}{err}").contains(SECRET), "{arguments:?}: {out}{err}");
    }
    // Also where the address itself is wrong.
    for (name, value) in [
        ("ECOMRES_LLM__BASE_URL", format!("htp://me:{SECRET}@host")),
        ("ECOMRES_AUDIT__ANCHOR_URL", format!("htp://me:{SECRET}@host")),
        ("MONGO_URI", format!("postgres://me:{SECRET}@host/db")),
    ] {
        let mut command = ecomres(folder.path());
        let (code, out, err) = run(command.env(name, value).args(["report", "overview"]));
        assert!(code == 1 && !format!("{out}{err}").contains(SECRET), "{name}: {out}{err}");
    }
}

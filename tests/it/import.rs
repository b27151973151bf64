//! `ecomres import` and `ecomres sample`, as they are run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use ecomres::domain::ids::OrderId;
use ecomres::domain::money::Money;
use ecomres::domain::order::Order;
use tempfile::TempDir;

const HEADER: &str = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,\
    Order Value (INR),Customer Feedback,Service Rating,Delivery Delay,Refund Requested";

/// A folder of its own for each test; the command runs in it.
struct Desk {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        std::fs::write(self.path(name), content).unwrap();
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecomres"));
        command
            .current_dir(self.folder.path())
            .env_remove("COLUMNS")
            .env_remove("MONGO_URI")
            .env_remove("ECOMRES_STORE__LOCATION")
            .env_remove("RUST_LOG");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "")
    }

    fn run_with(&self, arguments: &[&str], input: impl Into<Vec<u8>>) -> Ended {
        let output = self.command().args(arguments).write_stdin(input).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Imports into `shop.db` and returns the summary.
    fn import(&self, arguments: &[&str]) -> serde_json::Value {
        let ended = self.run(&[&["import", "--store", "shop.db", "--json"], arguments].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        serde_json::from_str(&ended.stdout).unwrap()
    }

    /// Orders in `shop.db`.
    fn count(&self) -> u64 {
        let store = ecomres::store::open(self.path("shop.db").to_str().unwrap()).unwrap();
        wait(store.count_orders()).unwrap()
    }

    fn order(&self, id: &str) -> Option<Order> {
        let store = ecomres::store::open(self.path("shop.db").to_str().unwrap()).unwrap();
        wait(store.order(&OrderId::new(id))).unwrap()
    }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn row(id: &str) -> String {
    format!("{id},CUST1,JioMart,19:29.5,30,Dairy,279,Fine,5,No,No")
}

fn table(rows: &[String]) -> String {
    rows.iter().fold(format!("{HEADER}\n"), |table, row| table + row.as_str() + "\n")
}

#[test]
fn help() {
    let ended = Desk::new().run(&["sample", "orders", "--help"]);
    assert_eq!(ended.code, Some(0));
    insta::assert_snapshot!("help", ended.stdout);
}

#[test]
fn errors_say_what_was_found_and_what_to_do() {
    let desk = Desk::new();
    let good = table(&[row("ORD1")]);
    desk.file("empty.csv", "")
        .file("blank.csv", "\r\n\r\n")
        .file("near.csv", good.replace("Order Value (INR)", "Order value").replace("Order ID", "order_id"))
        .file("lacking.csv", good.replace("Service Rating,", ""))
        .file("double.csv", good.replace("Platform", "ORDER ID"))
        .file("book.xlsx", b"PK\x03\x04\x14\0\x06\0")
        .file("bad.csv", table(&[row("ORD1"), row("ORD2").replace("279", "2x79"), row("ORD3")]))
        .file("all-bad.csv", table(&[row(""), row("ORD2").replace("279", "")]))
        .file("header.csv", format!("{HEADER}\n"))
        .file("open.csv", table(&["ORD1,C,P,,1,Dairy,1,\"oops,5,No,No".to_owned()]))
        .file("good.csv", &good)
        .file("no.db", "this is a letter, not a database, and it is long enough to be looked at");
    std::fs::create_dir(desk.path("folder")).unwrap();
    let mut shown = String::new();
    for arguments in [
        "missing.csv",
        "folder",
        "empty.csv",
        "blank.csv",
        "near.csv",
        "lacking.csv",
        "double.csv",
        "book.xlsx",
        "--strict bad.csv",
        "all-bad.csv",
        "open.csv",
        "--mode replace --yes header.csv",
        "--mode replace good.csv",
        "good.csv --store folder",
        "good.csv --store nowhere/shop.db",
        "good.csv --store no.db",
        "good.csv --store good.csv/shop.db",
        "good.csv --store postgres://bot:s3cret@db.example/shop",
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let store: &[&str] = if arguments.contains("--store") { &[] } else { &["--store", "shop.db"] };
        let ended = desk.run(&[&["import"], words.as_slice(), store].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments}: {ended:?}");
        writeln!(shown, "$ ecomres import {arguments}\n{}", ended.stderr).unwrap();
    }
    insta::assert_snapshot!("errors", shown);
    assert_eq!(
        std::fs::read_to_string(desk.path("no.db")).unwrap().len(),
        71,
        "a file that is no store is not touched"
    );
    assert_eq!(desk.count(), 0);
}

#[test]
fn bad_arguments_exit_with_2() {
    let desk = Desk::new();
    for arguments in
        [vec!["import"], vec!["import", "a.csv", "--mode", "merge"], vec!["sample", "orders", "--rows", "0"]]
    {
        assert_eq!(desk.run(&arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn bad_rows_are_skipped_shown_and_counted() {
    let desk = Desk::new();
    let mut rows: Vec<String> = (1..=30).map(|number| row(&format!("ORD{number}")).replace("279", "free")).collect();
    rows.insert(10, row("ORD000100"));
    let ended = desk.file("orders.csv", table(&rows)).run(&["import", "--store", "shop.db", "orders.csv"]);
    assert_eq!(ended.code, Some(0));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], "orders.csv:2: Order Value (INR): “free” is not an amount");
    assert_eq!(lines[10], "orders.csv:13: Order Value (INR): “free” is not an amount");
    assert_eq!(lines[20], "… and 10 more bad rows");
    let took = regex::Regex::new(r"in \d+\.\d s").unwrap().replace(&ended.stdout, "in [time]").into_owned();
    insta::assert_snapshot!("summary", took);
    assert_eq!(desk.count(), 1);
    let quiet = desk.run(&["import", "--store", "shop.db", "orders.csv", "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_summary_as_json() {
    let desk = Desk::new();
    let with_more = table(&[row("ORD2") + ",x", row("ORD3") + ",x"]).replace("Requested", "Requested,Rider");
    desk.file("a.csv", table(&[row("ORD1"), row("ORD2"), row("")])).file("b.csv", with_more);
    let mut summary = desk.import(&["a.csv", "b.csv", "--quiet"]);
    assert!(summary["milliseconds"].take().is_u64());
    insta::assert_json_snapshot!("json", summary);
}

#[test]
fn files_as_spreadsheets_write_them() {
    let text = table(&[row("ORD1").replace("Fine", "Café – très bien")]);
    let cases: [(&str, Vec<u8>, &str); 5] = [
        ("crlf.csv", text.replace('\n', "\r\n").into_bytes(), "UTF-8"),
        ("bom.csv", format!("\u{FEFF}{text}").into_bytes(), "UTF-8 with BOM"),
        ("latin.csv", encoding_rs::WINDOWS_1252.encode(&text).0.into_owned(), "Windows-1252 (1 row is not UTF-8)"),
        ("semicolon.csv", text.replace(',', ";").into_bytes(), "UTF-8"),
        ("tab.csv", text.trim_end().replace(',', "\t").into_bytes(), "UTF-8"),
    ];
    for (name, bytes, encoding) in cases {
        let desk = Desk::new();
        let summary = desk.file(name, bytes).import(&[name]);
        assert_eq!((&summary["added"], &summary["files"][0]["encoding"]), (&1.into(), &encoding.into()), "{name}");
        let order = desk.order("ORD1").unwrap();
        assert_eq!((order.feedback.as_str(), order.refund_requested), ("Café – très bien", Some(false)), "{name}");
    }
}

#[test]
fn modes_and_dry_runs() {
    let desk = Desk::new();
    desk.file("a.csv", table(&[row("ORD1"), row("ORD2")]));
    desk.file("b.csv", table(&[row("ord2").replace("Dairy", "Snacks"), row("ORD3")]));
    let counts = |summary: &serde_json::Value| ["added", "updated", "kept"].map(|key| summary[key].as_u64().unwrap());

    assert_eq!(counts(&desk.import(&["a.csv", "--dry-run"])), [2, 0, 0]);
    assert!(!desk.path("shop.db").exists(), "only looking makes no file");
    assert_eq!(counts(&desk.import(&["a.csv"])), [2, 0, 0]);
    assert_eq!(counts(&desk.import(&["b.csv", "--dry-run"])), [1, 1, 0]);
    assert_eq!(desk.count(), 2);
    assert_eq!(counts(&desk.import(&["b.csv", "--mode", "append"])), [1, 0, 1]);
    assert_eq!(desk.order("ORD2").unwrap().category, "Dairy");
    assert_eq!(counts(&desk.import(&["b.csv"])), [0, 2, 0]);
    assert_eq!(desk.order("ORD2").unwrap().category, "Snacks");
    assert_eq!(counts(&desk.import(&["a.csv", "--mode", "replace", "--dry-run"])), [2, 0, 0]);
    assert_eq!(desk.count(), 3);
    assert_eq!(counts(&desk.import(&["a.csv", "--mode", "replace", "--yes"])), [2, 0, 0]);
    assert_eq!(desk.count(), 2);
}

#[test]
fn a_first_import_that_fails_leaves_nothing_behind() {
    let desk = Desk::new();
    desk.file("bad.csv", table(&[row("ORD1").replace("279", "free")]));
    for arguments in [vec!["bad.csv"], vec!["--strict", "bad.csv"], vec!["--mode", "replace", "bad.csv"]] {
        let ended = desk.run(&[&["import", "--store", "shop.db"], arguments.as_slice()].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let left: Vec<_> = std::fs::read_dir(desk.folder.path()).unwrap().map(|at| at.unwrap().file_name()).collect();
        assert_eq!(left, ["bad.csv"], "{arguments:?}");
    }
    assert_eq!(desk.run(&["import", "bad.csv", "--store", ""]).code, Some(1));
}

#[test]
fn what_would_be_found_by_nobody_is_counted() {
    let desk = Desk::new();
    let header = HEADER.to_owned() + ",Customer Phone";
    let rows =
        [row("ORD000001") + ",98765 43210", row("ORD000002") + ",12", row("X-3") + ",", row("ORD000004") + ",n.a."];
    desk.file("a.csv", header + "\n" + rows.join("\n").as_str());
    let summary = desk.import(&["a.csv"]);
    assert_eq!(summary["added"], 4);
    assert_eq!((&summary["phones_not_plausible"], &summary["ids_not_like_pattern"]), (&2.into(), &1.into()));
    let ended = desk.run(&["import", "--store", "shop.db", "a.csv"]);
    assert!(ended.stdout.contains("2  warning: telephone numbers"), "{ended:?}");
    assert!(ended.stdout.contains("1  warning: order ids"), "{ended:?}");
}

#[test]
fn made_up_orders_are_written_whole_or_not_at_all() {
    let desk = Desk::new();
    let sample =
        |out: &str, more: &[&str]| desk.run(&[&["sample", "orders", "--rows", "3", "--out", out], more].concat());
    std::fs::create_dir(desk.path("folder")).unwrap();
    assert!(sample("folder", &["--yes"]).stderr.starts_with("error: folder is a folder\n  hint: "));
    assert!(sample("nowhere/a.csv", &[]).stderr.contains("the folder nowhere does not exist"));
    assert_eq!(sample("folder/a.csv", &[]).code, Some(0));
    assert_eq!(std::fs::read_dir(desk.path("folder")).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(desk.path("folder/a.csv")).unwrap().lines().count(), 4);
    if cfg!(target_os = "linux") {
        let ended = sample("/dev/full", &["--yes"]);
        assert!(ended.stderr.contains("/dev/full cannot be written"), "{ended:?}");
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ecomres"));
        let ended = command.args(["sample", "orders"]).stdout(full).output().unwrap();
        let told = String::from_utf8(ended.stderr).unwrap();
        assert_eq!(ended.status.code(), Some(1));
        assert!(told.contains("cannot be written to standard output") && told.contains("hint: "), "{told}");
    }
    for (arguments, told) in [(["--rows", "-1"], "1..=999999"), (["--seed", "-1"], "a whole number from 0")] {
        let ended = desk.run(&[&["sample", "orders"], arguments.as_slice()].concat());
        assert!(ended.code == Some(2) && ended.stderr.contains(told), "{ended:?}");
    }
}

#[test]
fn a_header_alone_is_a_warning() {
    let desk = Desk::new();
    let ended = desk.file("header.csv", HEADER).run(&["import", "--store", "shop.db", "header.csv"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), "warning: there are no rows below the header\n"));
}

#[test]
fn standard_input_is_a_file_too() {
    let desk = Desk::new();
    let ended = desk.run_with(&["import", "--store", "shop.db", "-"], table(&[row("ORD1"), row("")]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "standard input:3: Order ID: the cell is empty\n");
    let refused = desk.run_with(&["import", "--store", "shop.db", "-", "--mode", "replace"], table(&[row("ORD2")]));
    assert_eq!(refused.code, Some(1));
    assert_eq!(desk.count(), 1);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_store_as_it_was() {
    use std::io::Write as _;

    let desk = Desk::new();
    desk.file("a.csv", table(&[row("ORD1")])).import(&["a.csv"]);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_ecomres"))
        .args(["import", "--mode", "replace", "--yes", "--store"])
        .args([desk.path("shop.db").as_path(), Path::new("-")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let rows: Vec<String> = (0..20_000).map(|number| row(&format!("ORD{number:06}"))).collect();
    // More than pipe and read-ahead hold: once this is written, batches are in the hands of the store.
    let mut input = child.stdin.take().unwrap();
    input.write_all(table(&rows).as_bytes()).unwrap();
    assert_eq!(desk.count(), 1, "others read and write meanwhile");
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("the import was interrupted: nothing was written"), "{told}");
    drop(input);
    assert_eq!(desk.count(), 1);
    assert!(desk.order("ORD1").is_some());
}

#[test]
fn the_fixture_is_what_the_command_makes() {
    let desk = Desk::new();
    let fixture = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.csv")).unwrap();
    let ended = desk.run(&["sample", "orders"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout == fixture, "run `ecomres sample orders --out fixtures/orders.csv --yes`");

    assert_eq!(desk.run(&["sample", "orders", "--out", "orders.csv"]).code, Some(0));
    let again = desk.run(&["sample", "orders", "--out", "orders.csv"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(
        again.stderr,
        "error: orders.csv exists already\n  hint: add --yes to overwrite it, or name another file\n"
    );
    assert_eq!(desk.run(&["sample", "orders", "--out", "orders.csv", "--yes"]).code, Some(0));

    let summary = desk.import(&["orders.csv"]);
    let counts = ["added", "bad_rows", "dates_not_readable"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [500, 0, 0]);
    let demo = desk.order("ORD000003").unwrap();
    assert_eq!((demo.category.as_str(), demo.value, demo.phone), ("Beverages", Money::from_rupees(599), None));
    assert!(desk.order("ORD000021").unwrap().phone.is_some());
}

#[test]
fn the_real_orders() {
    let real = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/orders_100k.csv");
    if !real.exists() {
        eprintln!("skipped: {} is not there", real.display());
        return;
    }
    let desk = Desk::new();
    let summary = desk.import(&[real.to_str().unwrap()]);
    let counts = ["rows", "added", "bad_rows", "dates_not_readable"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [100_000, 100_000, 0, 100_000]);
    assert_eq!(desk.count(), 100_000);
    let demo = desk.order("ORD000003").unwrap();
    assert_eq!((demo.category.as_str(), demo.value), ("Beverages", Money::from_rupees(599)));
    assert_eq!((demo.placed_at, demo.refund_requested), (None, Some(true)));
    // What another reader finds in the file is what the store returns.
    let mut reader = csv::Reader::from_path(real).unwrap();
    for record in reader.records().step_by(9_973) {
        let record = record.unwrap();
        let json = desk.order(&record[0]).unwrap().to_json();
        for (name, cell) in HEADER.split(',').zip(&record) {
            let stored = &json[name];
            let stored = stored.as_str().map_or_else(|| stored.to_string(), str::to_owned);
            assert_eq!(stored, cell, "{}: {name}", &record[0]);
        }
    }
}

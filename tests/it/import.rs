//! `ecomres import` and `ecomres sample`, as they are run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use ecomres::domain::ids::OrderId;
use ecomres::domain::money::Money;
use ecomres::domain::order::Order;
use tempfile::TempDir;

use crate::shared;

const HEADER: &str = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,\
    Order Value (INR),Customer Feedback,Service Rating,Delivery Delay,Refund Requested";

/// A folder of its own for each test; the command runs in it.
struct Shop {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Shop {
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
    let ended = Shop::new().run(&["sample", "orders", "--help"]);
    assert_eq!(ended.code, Some(0));
    insta::assert_snapshot!("help", ended.stdout);
}

#[test]
fn errors_say_what_was_found_and_what_to_do() {
    let shop = Shop::new();
    let good = table(&[row("ORD1")]);
    shop.file("empty.csv", "")
        .file("blank.csv", "\r\n\r\n")
        .file("near.csv", good.replace("Order ID", "Ref"))
        .file("lacking.csv", "Day,Sum\n2026-11-20,5\n2026-11-21,6\n")
        .file("dates.csv", "Order ID,Date,Total\nA1,05/03/2026,5\nA2,06/03/2026,6\n")
        .file("empty.json", "[]")
        .file("items.csv", "Order ID,Price\nA1,5\n")
        .file("double.csv", good.replace("Platform", "ORDER ID"))
        .file("book.xlsx", b"PK\x03\x04\x14\0\x06\0")
        .file("bad.csv", table(&[row("ORD1"), row("ORD2").replace("279", "2x79"), row("ORD3")]))
        .file("all-bad.csv", table(&[row(""), row("ORD2").replace("279", "")]))
        .file("header.csv", format!("{HEADER}\n"))
        .file("open.csv", table(&["ORD1,C,P,,1,Dairy,1,\"oops,5,No,No".to_owned()]))
        .file("good.csv", &good)
        .file("no.db", "this is a letter, not a database, and it is long enough to be looked at");
    std::fs::create_dir(shop.path("folder")).unwrap();
    let mut shown = String::new();
    for arguments in [
        "missing.csv",
        "folder",
        "empty.csv",
        "blank.csv",
        "near.csv",
        "lacking.csv",
        "double.csv",
        "dates.csv",
        "empty.json",
        "good.csv --map Totl=Order_Value",
        "good.csv --lines items.csv",
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
        let ended = shop.run(&[&["import"], words.as_slice(), store].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{arguments}: {ended:?}");
        writeln!(shown, "$ ecomres import {arguments}\n{}", ended.stderr).unwrap();
    }
    insta::assert_snapshot!("errors", shown);
    assert_eq!(
        std::fs::read_to_string(shop.path("no.db")).unwrap().len(),
        71,
        "a file that is no store is not touched"
    );
    assert_eq!(shop.count(), 0);
}

#[test]
fn bad_arguments_exit_with_2() {
    let shop = Shop::new();
    for arguments in [
        vec!["import"],
        vec!["import", "a.csv", "--mode", "merge"],
        vec!["import", "a.csv", "--map", "Total"],
        vec!["import", "a.csv", "--map", "Total=Order Valu"],
        vec!["import", "a.csv", "--dates", "soon"],
        vec!["sample", "orders", "--rows", "0"],
    ] {
        assert_eq!(shop.run(&arguments).code, Some(2), "{arguments:?}");
    }
}

#[test]
fn bad_rows_are_skipped_shown_and_counted() {
    let shop = Shop::new();
    let mut rows: Vec<String> = (1..=30).map(|number| row(&format!("ORD{number}")).replace("279", "free")).collect();
    rows.insert(10, row("ORD000100"));
    let ended = shop.file("orders.csv", table(&rows)).run(&["import", "--store", "shop.db", "orders.csv"]);
    assert_eq!(ended.code, Some(0));
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 21);
    assert_eq!(lines[0], "orders.csv:2: Order Value (INR): “free” is not an amount");
    assert_eq!(lines[10], "orders.csv:13: Order Value (INR): “free” is not an amount");
    assert_eq!(lines[20], "… and 10 more bad rows");
    let took = regex::Regex::new(r"in \d+\.\d s").unwrap().replace(&ended.stdout, "in [time]").into_owned();
    insta::assert_snapshot!("summary", took);
    assert_eq!(shop.count(), 1);
    let quiet = shop.run(&["import", "--store", "shop.db", "orders.csv", "--quiet"]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (Some(0), ""));
}

#[test]
fn the_summary_as_json() {
    let shop = Shop::new();
    let with_more = table(&[row("ORD2") + ",x", row("ORD3") + ",x"]).replace("Requested", "Requested,Rider");
    shop.file("a.csv", table(&[row("ORD1"), row("ORD2"), row("")])).file("b.csv", with_more);
    let mut summary = shop.import(&["a.csv", "b.csv", "--quiet"]);
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
        let shop = Shop::new();
        let summary = shop.file(name, bytes).import(&[name]);
        assert_eq!((&summary["added"], &summary["files"][0]["encoding"]), (&1.into(), &encoding.into()), "{name}");
        let order = shop.order("ORD1").unwrap();
        assert_eq!((order.feedback.as_str(), order.refund_requested), ("Café – très bien", Some(false)), "{name}");
    }
}

#[test]
fn modes_and_dry_runs() {
    let shop = Shop::new();
    shop.file("a.csv", table(&[row("ORD1"), row("ORD2")]));
    shop.file("b.csv", table(&[row("ord2").replace("Dairy", "Snacks"), row("ORD3")]));
    let counts = |summary: &serde_json::Value| ["added", "updated", "kept"].map(|key| summary[key].as_u64().unwrap());

    assert_eq!(counts(&shop.import(&["a.csv", "--dry-run"])), [2, 0, 0]);
    assert!(!shop.path("shop.db").exists(), "only looking makes no file");
    assert_eq!(counts(&shop.import(&["a.csv"])), [2, 0, 0]);
    assert_eq!(counts(&shop.import(&["b.csv", "--dry-run"])), [1, 1, 0]);
    assert_eq!(shop.count(), 2);
    assert_eq!(counts(&shop.import(&["b.csv", "--mode", "append"])), [1, 0, 1]);
    assert_eq!(shop.order("ORD2").unwrap().category, "Dairy");
    assert_eq!(counts(&shop.import(&["b.csv"])), [0, 2, 0]);
    assert_eq!(shop.order("ORD2").unwrap().category, "Snacks");
    assert_eq!(counts(&shop.import(&["a.csv", "--mode", "replace", "--dry-run"])), [2, 0, 0]);
    assert_eq!(shop.count(), 3);
    assert_eq!(counts(&shop.import(&["a.csv", "--mode", "replace", "--yes"])), [2, 0, 0]);
    assert_eq!(shop.count(), 2);
}

#[test]
fn a_first_import_that_fails_leaves_nothing_behind() {
    let shop = Shop::new();
    shop.file("bad.csv", table(&[row("ORD1").replace("279", "free")]));
    for arguments in [vec!["bad.csv"], vec!["--strict", "bad.csv"], vec!["--mode", "replace", "bad.csv"]] {
        let ended = shop.run(&[&["import", "--store", "shop.db"], arguments.as_slice()].concat());
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let left: Vec<_> = std::fs::read_dir(shop.folder.path()).unwrap().map(|at| at.unwrap().file_name()).collect();
        assert_eq!(left, ["bad.csv"], "{arguments:?}");
    }
    assert_eq!(shop.run(&["import", "bad.csv", "--store", ""]).code, Some(1));
}

#[test]
fn a_telephone_number_is_read_or_its_row_is_refused() {
    let shop = Shop::new();
    let header = HEADER.to_owned() + ",Customer Phone";
    let phones = [
        ("99200 11223", None),
        ("'+960 912 3456", None),
        ("919920011223.0", None),
        ("(011) 2653 4471", None),
        ("9.19920011223E+11", None),
        ("", None),
        ("n/a", None),
        ("9.92E+09", Some("a spreadsheet has shortened it, and its last digits are lost")),
        ("99200 11223 extn 7", Some("it holds letters: write the number alone, without an extension")),
        ("99200 11223; 99200 11224", Some("it holds more than one number: leave the one that writes on WhatsApp")),
        ("12", Some("it is no telephone number in IN: write it with + and the country code, as text")),
    ];
    let rows: Vec<String> =
        phones.iter().enumerate().map(|(at, (phone, _))| row(&format!("ORD{at:06}")) + "," + *phone).collect();
    shop.file("a.csv", header.clone() + "\n" + rows.join("\n").as_str());
    let ended = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for (at, (phone, reason)) in phones.iter().enumerate() {
        let line = format!("a.csv:{}: Customer Phone: ", at + 2);
        let order = shop.order(&format!("ORD{at:06}"));
        if let Some(reason) = reason {
            assert!(ended.stderr.contains(&format!("{line}“{phone}”: {reason}")), "{}", ended.stderr);
            assert!(order.is_none());
        } else {
            let kept = order.unwrap().phone;
            let written = Some(*phone).filter(|phone| phone.contains(char::is_numeric));
            assert_eq!(kept.as_deref(), written, "as it was written");
        }
    }
    assert!(ended.stdout.contains("4  of the bad rows for their telephone number"), "{ended:?}");
    let strict = shop.run(&["import", "--store", "shop.db", "--strict", "a.csv"]);
    assert!(strict.stderr.contains("a.csv:9: Customer Phone: “9.92E+09”"), "{strict:?}");

    // The same file of a shop elsewhere.
    shop.file("b.csv", header + "\n" + (row("ORD000050") + ",011 15 2345-6789").as_str());
    assert_eq!(shop.run(&["import", "--store", "shop.db", "b.csv"]).code, Some(1));
    shop.file("ecomres.toml", "[shop]\ncountry = 'AR'\n");
    assert_eq!(shop.run(&["import", "--store", "shop.db", "b.csv"]).code, Some(0));
}

#[test]
fn an_order_id_that_a_spreadsheet_shortened_is_refused() {
    let shop = Shop::new();
    shop.file("a.csv", [HEADER, &row("7.31204E+14"), &row("ORD000001")].join("\n"));
    let ended = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert!(ended.stderr.contains("a.csv:2: Order ID: “7.31204E+14”: a spreadsheet has shortened it"), "{ended:?}");
    assert_eq!(shop.count(), 1);
}

#[test]
fn orders_that_no_customer_can_find_are_counted() {
    let shop = Shop::new();
    let header = HEADER.to_owned() + ",Customer Phone";
    let rows =
        [row("ORD000001") + ",98765 43210", row("ORD000002") + ",12", row("X-3") + ",", row("ORD000004") + ",n/a"];
    shop.file("a.csv", header + "\n" + rows.join("\n").as_str());
    let summary = shop.import(&["a.csv"]);
    assert_eq!((&summary["added"], &summary["bad_rows"]), (&3.into(), &1.into()));
    assert_eq!(
        (&summary["phones_not_plausible"], &summary["ids_not_like_pattern"]),
        (&1.into(), &0.into()),
        "learnt from the ids"
    );
    let ended = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert!(ended.stdout.contains("1  of the bad rows for their telephone number"), "{ended:?}");
    assert!(!ended.stdout.contains("warning: order ids"), "{ended:?}");
    shop.file("ecomres.toml", "[orders]\npattern = '\\bORD\\d{6}\\b'\n");
    let ended = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert!(ended.stdout.contains("1  warning: order ids"), "{ended:?}");
}

#[test]
fn generated_orders_are_written_whole_or_not_at_all() {
    let shop = Shop::new();
    let sample =
        |out: &str, more: &[&str]| shop.run(&[&["sample", "orders", "--rows", "3", "--out", out], more].concat());
    std::fs::create_dir(shop.path("folder")).unwrap();
    assert!(sample("folder", &["--yes"]).stderr.starts_with("error: folder is a folder\n  hint: "));
    assert!(sample("nowhere/a.csv", &[]).stderr.contains("the folder nowhere does not exist"));
    assert_eq!(sample("folder/a.csv", &[]).code, Some(0));
    assert_eq!(std::fs::read_dir(shop.path("folder")).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(shop.path("folder/a.csv")).unwrap().lines().count(), 4);
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
        let ended = shop.run(&[&["sample", "orders"], arguments.as_slice()].concat());
        assert!(ended.code == Some(2) && ended.stderr.contains(told), "{ended:?}");
    }
}

#[test]
fn a_header_alone_is_a_warning() {
    let shop = Shop::new();
    let ended = shop.file("header.csv", HEADER).run(&["import", "--store", "shop.db", "header.csv"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), "warning: there are no rows below the header\n"));
}

#[test]
fn standard_input_is_a_file_too() {
    let shop = Shop::new();
    let ended = shop.run_with(&["import", "--store", "shop.db", "-"], table(&[row("ORD1"), row("")]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "standard input:3: Order ID: the cell is empty\n");
    let refused = shop.run_with(&["import", "--store", "shop.db", "-", "--mode", "replace"], table(&[row("ORD2")]));
    assert_eq!(refused.code, Some(1));
    assert_eq!(shop.count(), 1);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_the_store_as_it_was() {
    use std::io::Write as _;

    let shop = Shop::new();
    shop.file("a.csv", table(&[row("ORD1")])).import(&["a.csv"]);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_ecomres"))
        .args(["import", "--mode", "replace", "--yes", "--store"])
        .args([shop.path("shop.db").as_path(), Path::new("-")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let rows: Vec<String> = (0..20_000).map(|number| row(&format!("ORD{number:06}"))).collect();
    // More than pipe and read-ahead hold: once this is written, batches are in the hands of the store.
    let mut input = child.stdin.take().unwrap();
    input.write_all(table(&rows).as_bytes()).unwrap();
    assert_eq!(shop.count(), 1, "others read and write meanwhile");
    let signalled = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(signalled.success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(130));
    let told = String::from_utf8(ended.stderr).unwrap();
    assert!(told.contains("the import was interrupted: nothing was written"), "{told}");
    drop(input);
    assert_eq!(shop.count(), 1);
    assert!(shop.order("ORD1").is_some());
}

#[test]
fn the_fixture_is_what_the_command_makes() {
    let shop = Shop::new();
    let fixture = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.csv")).unwrap();
    let ended = shop.run(&["sample", "orders"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert!(ended.stdout == fixture, "run `ecomres sample orders --out fixtures/orders.csv --yes`");

    assert_eq!(shop.run(&["sample", "orders", "--out", "orders.csv"]).code, Some(0));
    let again = shop.run(&["sample", "orders", "--out", "orders.csv"]);
    assert_eq!(again.code, Some(1));
    assert_eq!(
        again.stderr,
        "error: orders.csv exists already\n  hint: add --yes to overwrite it, or name another file\n"
    );
    assert_eq!(shop.run(&["sample", "orders", "--out", "orders.csv", "--yes"]).code, Some(0));

    let summary = shop.import(&["orders.csv"]);
    let counts = ["added", "bad_rows", "dates_not_readable"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [500, 0, 0]);
    let demo = shop.order("ORD000003").unwrap();
    assert_eq!((demo.category.as_str(), demo.value, demo.phone), ("Beverages", Some(Money::from_rupees(599)), None));
    assert!(shop.order("ORD000021").unwrap().phone.is_some());
}

const SHOPIFY: &str = "Name,Email,Financial Status,Fulfillment Status,Currency,Shipping,Taxes,Total,Created at,Lineitem quantity,\
    Lineitem name,Lineitem price,Lineitem sku,Shipping Phone,Id\n\
    #1001,a@example.com,paid,fulfilled,INR,50.00,0.00,599.00,2026-11-20 18:04:00 +0530,1,Coffee,349.00,C5,+91 90000 00001,6001\n\
    #1001,a@example.com,,,,,,,2026-11-20 18:04:00 +0530,2,Tumbler,100.00,,,\n";

#[test]
fn an_export_of_a_shop_needs_nothing_said() {
    let shop = Shop::new();
    shop.file("shopify_orders.csv", SHOPIFY);
    let ended = shop.run(&["import", "--store", "shop.db", "--dry-run", "shopify_orders.csv"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    let took = regex::Regex::new(r"in \d+\.\d s").unwrap().replace(&ended.stdout, "in [time]").into_owned();
    insta::assert_snapshot!("dry_run_of_an_export", took);
    let summary = shop.import(&["shopify_orders.csv"]);
    assert_eq!((&summary["added"], &summary["lines"]), (&1.into(), &2.into()));
    assert_eq!(summary["files"][0]["preset"], "shopify");
    let order = shop.order("#1001").unwrap();
    assert_eq!((order.value, order.phone.as_deref()), (Some(Money::from_rupees(599)), Some("+91 90000 00001")));
    assert_eq!(order.placed_at.unwrap().to_string(), "2026-11-20T18:04:00", "the shop's time");
}

#[test]
fn imported_orders_can_be_talked_about_at_once() {
    let shop = Shop::new();
    shop.file("shopify_orders.csv", SHOPIFY);
    assert_eq!(shop.run(&["import", "shopify_orders.csv"]).code, Some(0));
    let arguments = ["simulate", "--interactive", "--offline", "--user-id", "919000000001"];
    let before = std::fs::read(shop.path("ecomres.db")).unwrap();
    let ended = shop.run_with(&arguments, "hello\n");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("1 order of ecomres.db, in a scratch store"), "{ended:?}");
    assert!(std::fs::read(shop.path("ecomres.db")).unwrap() == before, "a trial changes nothing");
}

#[test]
fn what_is_said_about_columns_is_kept() {
    let shop = Shop::new();
    let text = "Ref,When,Paid,Handset\nX-1,05/03/2026,\"1.299,00\",9876543210\nX-2,06/03/2026,\"7,50\",\n";
    shop.file("a.csv", text).file("ecomres.toml", "# mine\n[shop]\ncountry = \"IN\"\n");
    let refused = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("add --map \"Ref=Order ID\""), "{refused:?}");
    let said = [
        "--map",
        "Ref=Order ID",
        "--map",
        "When=Order Date",
        "--map",
        "Paid=Order Value (INR)",
        "--map",
        "Handset=Customer Phone",
    ];
    let refused = shop.run(&[&["import", "--store", "shop.db", "a.csv"], said.as_slice()].concat());
    assert!(refused.stderr.contains("hint: add --dates day-first or --dates month-first"), "{refused:?}");
    let said = [said.as_slice(), &["--dates", "day-first"]].concat();
    let dry = shop.run(&[&["import", "--store", "shop.db", "--dry-run", "a.csv"], said.as_slice()].concat());
    assert_eq!(dry.code, Some(0), "{dry:?}");
    assert!(!std::fs::read_to_string(shop.path("ecomres.toml")).unwrap().contains("import"), "a dry run keeps nothing");
    let ended = shop.run(&[&["import", "--store", "shop.db", "a.csv"], said.as_slice()].concat());
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("kept in "), "{ended:?}");
    let kept = std::fs::read_to_string(shop.path("ecomres.toml")).unwrap();
    assert!(
        kept.starts_with("# mine\n[shop]\ncountry = \"IN\"\n") && kept.contains("\"Ref\" = \"Order ID\""),
        "{kept}"
    );
    let order = shop.order("X-1").unwrap();
    assert_eq!((order.value, order.phone.as_deref()), (Some(Money::from_rupees(1299)), Some("9876543210")));
    assert_eq!(order.placed_at.unwrap().date().to_string(), "2026-03-05");
    let again = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""), "{again:?}");
    assert_eq!(shop.count(), 2);
}

#[test]
fn lines_of_a_second_file() {
    let shop = Shop::new();
    shop.file("orders.csv", table(&[row("ORD1")]))
        .file("items.csv", "Order ID,Product,Qty,Price\nORD1,Tea,2,5\nORD1,Ghee,0,9\n,x,1,1\n");
    let ended = shop.run(&["import", "--store", "shop.db", "orders.csv", "--lines", "items.csv"]);
    let told = "items.csv:3: Qty: the quantity is “0”: the line “Ghee” is left out\nitems.csv:4: Order ID: the cell is empty\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), told), "{ended:?}");
    assert!(ended.stdout.starts_with("imported 1 order with 1 line from orders.csv"), "{ended:?}");
    assert!(ended.stdout.contains("2  bad rows, skipped"), "{ended:?}");

    // Half of an order's lines, and lines of orders that are not there.
    let shop = Shop::new();
    let items = "Order ID,Item Name,Quantity,Price\nL-101,Tea,2,100\nL-101,Mug,1,abc\nL-102,Bowl,1,100\nl-102,,1,100\nL-103,Cup,1,5\nL-104,Jar,-1,5\nL-104,Lid,one,5\nL-9,Ghost,1,5\n";
    shop.file("orders.csv", "Order ID,Total\nL-101,300\nL-102,100\nL-103,5\nL-104,5\n").file("items.csv", items);
    let summary = shop.import(&["orders.csv", "--lines", "items.csv"]);
    assert_eq!((&summary["bad_rows"], &summary["lines"]), (&4.into(), &2.into()), "{summary}");
    assert_eq!(summary["lines_file"]["bad_rows"], 4, "{summary}");
    let lines = |id: &str| shop.order(id).unwrap().details.lines.into_iter().map(|line| line.name).collect::<Vec<_>>();
    assert_eq!(lines("L-101"), [""; 0], "one of its rows cannot be used");
    assert_eq!(lines("L-102"), [""; 0]);
    assert_eq!(lines("L-103"), ["Cup"]);
    assert_eq!(lines("L-104"), ["Lid (one)"]);
    let strict = shop.run(&["import", "--store", "shop.db", "--strict", "orders.csv", "--lines", "items.csv"]);
    assert_eq!(strict.code, Some(1), "{strict:?}");
    let dry = shop.run(&["import", "--store", "shop.db", "--dry-run", "orders.csv", "--lines", "items.csv"]);
    assert!(dry.stdout.contains("items.csv: CSV") && dry.stdout.contains("Item Name"), "{dry:?}");
    assert!(dry.stderr.contains("items.csv:9: there is no order L-9"), "{dry:?}");
}

#[test]
fn what_is_no_order_or_not_what_it_seems_is_said() {
    let shop = Shop::new();
    shop.file(
        "sums.csv",
        "Order ID,Date,Customer,Total\nT-1001,2026-11-20,Asha,100\nT-1002,2026-11-21,Ben,200\nGrand Total,,,300\n",
    );
    let ended = shop.run(&["import", "--store", "shop.db", "sums.csv"]);
    assert!(ended.stdout.contains("1  rows with sums below the orders, left out"), "{ended:?}");
    assert!(ended.stdout.contains("sums.csv:4: Order ID: “GRAND TOTAL” is no order"), "{ended:?}");
    assert_eq!(shop.count(), 2);
    shop.file(
        "counts.csv",
        "Order ID,Total,Item Name,Quantity\nQ-1,3,Tea,two\nQ-2,3,Tea,1.5\nQ-3,3,Tea,-2\nQ-4,3,Tea,0\n",
    );
    let ended = shop.run(&["import", "--store", "shop.db", "counts.csv"]);
    for said in ["“two” is no whole number", "“1.5” is no whole number", "the quantity is “-2”", "the quantity is “0”"]
    {
        assert!(ended.stdout.contains(said), "{said}: {ended:?}");
    }
    shop.file("euros.csv", "Order ID,Total\nE-1,\"1,299.00 €\"\nE-2,20\nE-3,₹30\n");
    let ended = shop.run(&["import", "--store", "shop.db", "euros.csv"]);
    assert!(ended.stdout.starts_with("imported 1 order"), "{ended:?}");
    assert!(
        ended.stderr.contains("euros.csv:3: Total: “20” names no currency") && ended.stderr.contains("[shop] currency"),
        "{ended:?}"
    );
    shop.file("open.csv", "Order ID,Total\nA-1,1.200\nA-2,7\n");
    let ended = shop.run(&["import", "--store", "shop.db", "open.csv"]);
    assert!(ended.stderr.contains("--decimal comma or --decimal point"), "{ended:?}");
    for (name, bytes, what) in [
        ("page.csv", b"<html><table><tr><td>Order ID</td></tr></table></html>".to_vec(), "a web page (HTML)"),
        ("paper.csv", b"%PDF-1.7\nabc".to_vec(), "a PDF"),
        ("packed.csv", b"\x1f\x8b\x08xx".to_vec(), "a compressed file"),
        ("list.json", b"[1,2,\"x\"]".to_vec(), "holds no objects"),
    ] {
        let ended = shop.file(name, bytes).run(&["import", "--store", "shop.db", name]);
        assert!(ended.code == Some(1) && ended.stderr.contains(what), "{name}: {ended:?}");
    }
}

#[test]
fn what_the_settings_decide_is_said() {
    let shop = Shop::new();
    shop.file("ecomres.toml", "[import]\ndates = \"day-first\"\ndecimal = \"comma\"\n");
    shop.file("a.csv", "Order ID,Date,Total\nA-1,03/04/2026,1.200\n");
    let ended = shop.run(&["import", "--store", "shop.db", "a.csv"]);
    assert!(
        ended.stdout.contains(
            "as [import] dates and decimal of the settings say: “Date” day-first, “Total” with a decimal comma"
        ),
        "{ended:?}"
    );
}

#[test]
fn rubbish_is_refused_with_a_sentence() {
    let shop = Shop::new();
    for (name, bytes) in [
        ("picture.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("letter.pdf", b"%PDF-1.7\n\0\0".to_vec()),
        ("half.xlsx", b"PK\x03\x04\x14\0\0\0".to_vec()),
        ("half.xls", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1\0\0".to_vec()),
        ("half.json", b"{\"orders\": [{\"order_id\": \"A".to_vec()),
        ("one.txt", b"hello".to_vec()),
        ("zeros.csv", vec![0; 10_000]),
    ] {
        let ended = shop.file(name, bytes).run(&["import", "--store", "shop.db", name]);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{name}: {ended:?}");
        assert!(ended.stderr.contains(name) && ended.stderr.contains("hint: "), "{name}: {ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
    }
    assert!(!shop.path("shop.db").exists());
}

/// What another reader finds in a file is what the store returns, in every `step`th row; returns how many were compared.
fn compare_with_the_file(shop: &Shop, file: &Path, step: usize) -> usize {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let mut compared = 0;
    for record in reader.records().step_by(step) {
        let record = record.unwrap();
        let json = shop.order(&record[0]).unwrap().to_json();
        for (name, cell) in HEADER.split(',').zip(&record) {
            let stored = &json[name];
            if let Some(number) = stored.as_f64() {
                // `813.50` is stored as the number that it is.
                assert_eq!(cell.parse(), Ok(number), "{}: {name}", &record[0]);
            } else if stored.is_null() {
                assert_eq!(cell, "", "{}: {name}", &record[0]);
            } else {
                let stored = stored.as_str().map_or_else(|| stored.to_string(), str::to_owned);
                assert_eq!(stored, cell, "{}: {name}", &record[0]);
            }
        }
        compared += 1;
    }
    compared
}

#[test]
fn the_sample_orders_are_stored_as_they_are_written() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/orders.csv");
    let shop = Shop::new();
    assert_eq!(shop.import(&[file.to_str().unwrap()])["added"], 500);
    assert_eq!(compare_with_the_file(&shop, &file, 25), 20);
}

#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn the_real_orders() {
    let real = shared("data/orders_100k.csv");
    let shop = Shop::new();
    let summary = shop.import(&[real.to_str().unwrap()]);
    let counts = ["rows", "added", "bad_rows", "dates_not_readable"].map(|key| summary[key].as_u64().unwrap());
    assert_eq!(counts, [100_000, 100_000, 0, 100_000]);
    assert_eq!(shop.count(), 100_000);
    let demo = shop.order("ORD000003").unwrap();
    assert_eq!((demo.category.as_str(), demo.value), ("Beverages", Some(Money::from_rupees(599))));
    assert_eq!((demo.placed_at, demo.refund_requested), (None, Some(true)));
    assert_eq!(compare_with_the_file(&shop, &real, 9_973), 11);
}

#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn files_of_other_shops() {
    let case = |name: &str| shared(&format!("cases/{name}"));
    let import = |name: &str| {
        let shop = Shop::new();
        let summary = shop.import(&[case(name).to_str().unwrap()]);
        (shop, summary)
    };
    let (shop, summary) = import("10-shopify-export.csv");
    assert_eq!((&summary["added"], &summary["lines"], &summary["bad_rows"]), (&2.into(), &3.into(), &0.into()));
    assert_eq!(shop.order("#1001").unwrap().value, Some(Money::from_rupees(599)));
    let (shop, summary) = import("11-woocommerce-export.csv");
    assert_eq!((&summary["added"], &summary["lines"]), (&1.into(), &1.into()));
    assert_eq!(shop.order("1501").unwrap().phone.as_deref(), Some("09876543210"));
    let (shop, _) = import("23-us-dates.csv");
    assert_eq!(shop.order("ORD900001").unwrap().placed_at.unwrap().date().to_string(), "2025-12-01");
    let (shop, _) = import("24-two-digit-years.csv");
    assert_eq!(shop.order("ORD900001").unwrap().placed_at.unwrap().date().to_string(), "2026-11-20");
    let (shop, summary) = import("26-phones-from-excel.csv");
    assert_eq!(summary["bad_rows"].as_u64().unwrap() + shop.count(), 11);
    assert!(shop.order("ORD900201").is_none() && shop.order("ORD900204").is_some());
    let (shop, _) = import("27-amounts.csv");
    assert_eq!(shop.order("ORD900100").unwrap().value, Some(Money::from_minor_units(12_345_650)));
    assert!(shop.order("ORD900110").is_none() && shop.order("ORD900112").is_none());
    for name in ["29-sep-line.csv", "32-title-rows.csv"] {
        assert_eq!(import(name).1["added"], 1, "{name}");
    }
}

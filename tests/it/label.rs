//! `ecomres label`: training rows of orders and tickets that `eval` and `train` can read.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use ecomres::domain::correction::Correction;
use ecomres::domain::ids::UserId;
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::nlu::{Columns, Dataset};
use ecomres::store::{Corrections as _, Transcript as _, sqlite::SqliteStore};
use jiff::Timestamp;
use tempfile::TempDir;

use crate::cli::{ecomres, run};
use crate::shared;

struct Case {
    dir: TempDir,
}

impl Case {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            std::fs::write(dir.path().join(name), content).unwrap();
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn label(&self, arguments: &[&str]) -> (i32, String, String) {
        run(ecomres(self.dir.path()).arg("label").args(arguments))
    }

    /// Text, intent and sentiment of a written file.
    fn rows(&self, name: &str) -> Vec<[String; 3]> {
        let mut reader = csv::Reader::from_path(self.path(name)).unwrap();
        let record = |record: Result<csv::StringRecord, csv::Error>| {
            let record = record.unwrap();
            [0, 1, 2].map(|at| record[at].to_owned())
        };
        reader.records().map(record).collect()
    }
}

const ORDERS: &str = "Order ID,Customer Feedback,Service Rating\n1,Loved it!,5\n2,\"Two items missing, sad\",2\n\
                      3,Loved it!,5\n4,Loved it!,1\n5,,4\n6,Fine,unrated\n";
const TICKETS: &str = "flags,instruction,category,intent\nB,cancel order {{Order Number}},ORDER,cancel_order\n\
                       B,i need a human,CONTACT,contact_human_agent\nB,sing a song,FUN,sing\n";

#[test]
fn orders_and_tickets_become_rows_that_a_dataset_reads() {
    let case = Case::new(&[("orders.csv", ORDERS), ("tickets.csv", TICKETS)]);
    let (code, out, err) =
        case.label(&["--orders", "orders.csv", "--support", "tickets.csv", "--out", "o.csv", "--unlabelled", "u.csv"]);
    assert_eq!(code, 0, "{err}");
    insta::assert_snapshot!("label_summary", out);
    let feedback = "provide_feedback_on_service";
    let expected = [
        ["Loved it!", feedback, "positive"],
        ["Two items missing, sad", "report_order_content_issue", "negative"],
        ["cancel order ORD104732", "request_refund", "neutral"],
        ["i need a human", "request_human_agent", "neutral"],
    ];
    assert_eq!(case.rows("o.csv"), expected.map(|row| row.map(str::to_owned)));
    let rest = case.rows("u.csv");
    assert_eq!(rest.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(), ["Fine", "sing a song"]);
    assert_eq!((rest[0][1].as_str(), rest[1][1].as_str()), ("unrated", "sing"));
    let read = Dataset::read(&[case.path("o.csv")], &Columns::default()).unwrap();
    assert_eq!(read.examples.len(), 4);
}

#[test]
fn own_rules_and_own_columns_are_used() {
    let case = Case::new(&[("data.csv", "said,kind\nhello,hi there\n"), ("rules.toml", "")]);
    let (code, shown, _) = case.label(&["--show-rules"]);
    assert_eq!(code, 0);
    let mine = shown.replacen("track_order = \"track_order\"", "hi_there = \"greeting\"", 1);
    std::fs::write(case.path("rules.toml"), mine).unwrap();
    let arguments = ["--support", "data.csv", "--out", "o.csv", "--rules", "rules.toml"];
    let (code, _, err) = case.label(&arguments);
    assert_eq!(code, 1);
    assert!(err.contains("data.csv: no column instruction") && err.contains("--text-column"), "{err}");
    let columns = ["--text-column", "said", "--intent-column", "kind", "--json"];
    let (code, out, err) = case.label(&[arguments.as_slice(), &columns].concat());
    assert_eq!(code, 0, "{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&summary["labelled_rows"], &summary["intents"]["greeting"]), (&1.into(), &1.into()));
    assert_eq!(case.rows("o.csv"), [["hello", "greeting", "neutral"].map(str::to_owned)]);
}

#[test]
fn nothing_is_overwritten_unasked_and_bad_rules_are_reported() {
    let case = Case::new(&[("orders.csv", ORDERS), ("o.csv", "precious"), ("rules.toml", "[orders]\ntext = 4\n")]);
    let (code, _, err) = case.label(&["--orders", "orders.csv", "--out", "o.csv"]);
    assert_eq!(code, 1);
    assert!(err.contains("o.csv exists already") && err.contains("--yes"), "{err}");
    assert_eq!(std::fs::read(case.path("o.csv")).unwrap(), b"precious");
    let (code, _, err) = case.label(&["--orders", "orders.csv", "--out", "new.csv", "--rules", "rules.toml"]);
    assert_eq!(code, 1);
    assert!(err.contains("rules.toml: line 2") && err.contains("--show-rules"), "{err}");
    assert!(!case.path("new.csv").exists());
    assert_eq!(case.label(&["--out", "new.csv"]).0, 2, "nothing to label");
    assert_eq!(case.label(&["--orders", "orders.csv", "--out", "o.csv", "--yes"]).0, 0);
}

/// A store with two corrected messages, one of them with a telephone number, and one that the model was unsure of.
async fn corrected(folder: &Path) {
    let store = SqliteStore::open(&folder.join("shop.db")).unwrap();
    let said = |turn: u64, text: &str, confidence: f64| ChatMessage {
        user_id: UserId::new("919876543210"),
        role: Role::User,
        text: text.to_owned(),
        at: Timestamp::from_second(1_750_000_000 + i64::try_from(turn).unwrap()).unwrap(),
        turn,
        intent: Some("other".to_owned()),
        sentiment: Some("neutral".to_owned()),
        response_ms: None,
        basis: Basis { intent_confidence: Some(confidence), ..Basis::default() },
    };
    let messages = [
        said(1, "money back, \"now\"", 0.9),
        said(2, "call 98765 43210", 0.2),
        said(3, "hm", 0.3),
        said(4, "hello", 0.99),
    ];
    store.append_messages(&messages).await.unwrap();
    for (message, intent) in [(&messages[0], "request_refund"), (&messages[1], "request_human_agent")] {
        let one = Correction {
            intent: Some(intent.to_owned()),
            sentiment: Some("negative".to_owned()),
            ..Correction::of(message, "operator:a", message.at)
        };
        assert!(store.correct(&one).await.unwrap());
    }
}

#[test]
fn corrected_and_unsure_messages_are_rows_that_train_takes() {
    let case = Case::new(&[]);
    tokio::runtime::Runtime::new().unwrap().block_on(corrected(case.dir.path()));
    let (code, out, err) = case.label(&["export", "--store", "shop.db", "--out", "o.csv", "--below", "0.5"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("2 corrected messages, 1 that the model was unsure of (below 0.5)"), "{out}");
    let expected = [
        ["call 90000 00001", "request_human_agent", "negative"],
        ["money back, \"now\"", "request_refund", "negative"],
        ["hm", "", ""],
    ];
    assert_eq!(case.rows("o.csv"), expected.map(|row| row.map(str::to_owned)));
    let (code, out, _) = case.label(&["export", "--store", "shop.db", "--below", "0", "--raw"]);
    assert!(code == 0 && out.starts_with("text,intent,sentiment,source,") && out.contains("98765 43210"), "{out}");
    assert!(!out.contains("hm,"), "{out}");
    let (code, _, err) = case.label(&["export", "--store", "shop.db", "--out", "o.csv"]);
    assert!(code == 1 && err.contains("exists already"), "{err}");
    assert_eq!(case.label(&["export", "--orders", "x.csv"]).0, 2);

    // As it is, beside rows that are there already: the one without labels is passed over.
    let mut rows = "text,intent,sentiment\n".to_owned();
    for n in 0..10 {
        writeln!(rows, "refund please {n},request_refund,negative\na person please {n},request_human_agent,neutral")
            .unwrap();
    }
    std::fs::write(case.path("rows.csv"), rows).unwrap();
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model");
    let arguments = ["train", "--data", "rows.csv", "o.csv", "--out", "new", "--epochs", "1", "--quiet"];
    let (code, _, err) = run(ecomres(case.dir.path()).args(arguments).arg("--base").arg(tiny));
    assert_eq!(code, 0, "{err}");
    let card = std::fs::read_to_string(case.path("new/MODEL_CARD.md")).unwrap();
    assert!(card.contains("| o.csv |") && card.contains("1 without label"), "{card}");
}

#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn all_feedback_of_the_real_orders_is_labelled() {
    let orders = shared("data/orders_100k.csv");
    let case = Case::new(&[]);
    let (code, out, err) = case.label(&["--orders", orders.to_str().unwrap(), "--out", "o.csv", "--json"]);
    assert_eq!(code, 0, "{err}");
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&summary["rows"], &summary["labelled_texts"]), (&100_000.into(), &13.into()));
    assert_eq!((&summary["unlabelled_rows"], &summary["outvoted_rows"]), (&0.into(), &0.into()));
    let expected = serde_json::json!({
        "provide_feedback_on_service": 9, "report_delivery_delay": 1, "report_order_content_issue": 3
    });
    assert_eq!(summary["intents"], expected);
    assert_eq!(summary["sentiments"], serde_json::json!({"negative": 6, "neutral": 1, "positive": 6}));
}

//! `ecomres eval` and `ecomres predict` on the tiny model of `fixtures`; no test depends on what it happens to predict.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

fn tiny_model() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tiny-model")
}

struct Case {
    dir: TempDir,
    model: PathBuf,
}

impl Case {
    fn new(data: &str) -> Self {
        let dir = tempfile::tempdir().expect("temporary folder");
        std::fs::write(dir.path().join("data.csv"), data).expect("written");
        Self { dir, model: tiny_model() }
    }

    /// With a copy of the model whose `config.json` is changed.
    fn with_config(data: &str, key: &str, value: f64) -> Self {
        let mut case = Self::new(data);
        case.model = case.path("model");
        std::fs::create_dir(&case.model).expect("made");
        for entry in std::fs::read_dir(tiny_model()).expect("fixture") {
            let path = entry.expect("entry").path();
            std::fs::copy(&path, case.model.join(path.file_name().expect("name"))).expect("copied");
        }
        let path = case.model.join("config.json");
        let mut config: Value = serde_json::from_slice(&std::fs::read(&path).expect("read")).expect("JSON");
        config[key] = value.into();
        std::fs::write(path, config.to_string()).expect("written");
        case
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Exit code, standard output, standard error.
    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::cargo_bin("ecomres").expect("binary");
        let output = command.current_dir(self.dir.path()).arg("--model").arg(&self.model).args(arguments).output();
        let output = output.expect("run");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    fn eval(&self, more: &[&str]) -> Value {
        let (code, out, err) = self.run(&[&["eval", "--json", "--data", "data.csv"], more].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).expect("JSON")
    }
}

/// Rows of a few labels; what the model makes of them does not matter.
fn some_rows() -> String {
    let mut data = "text,intent,sentiment\n".to_owned();
    for n in 0..30 {
        for (text, intent, sentiment) in [
            ("where is my order", "track_order", "neutral"),
            ("i want my money back", "request_refund", "negative"),
            ("thank you so much", "provide_feedback_on_service", "positive"),
        ] {
            writeln!(data, "{text} {n},{intent},{sentiment}").unwrap();
        }
    }
    data
}

#[test]
fn the_report_folder_holds_scores_predictions_and_pictures_that_agree() {
    let case = Case::new(&some_rows());
    let shown = case.eval(&["--out", "report/deep"]);
    let read = |name: &str| std::fs::read(case.path("report/deep").join(name)).expect(name);
    assert_eq!(serde_json::from_slice::<Value>(&read("metrics.json")).expect("JSON"), shown);
    for task in ["intent", "sentiment"] {
        assert!(read(&format!("confusion_matrix_{task}.png")).starts_with(b"\x89PNG\r\n\x1a\n"));
        let svg = String::from_utf8(read(&format!("confusion_matrix_{task}.svg"))).expect("UTF-8");
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
    }
    let predictions = read("predictions.csv");
    let mut predictions = csv::Reader::from_reader(predictions.as_slice());
    let rows: Vec<csv::StringRecord> = predictions.records().map(|row| row.expect("row")).collect();
    assert_eq!(rows.len(), 90);
    let share = |column: usize| {
        let right = rows.iter().filter(|row| &row[column] == "true").count();
        f64::from(u32::try_from(right).expect("90 at most")) / 90.0
    };
    for (task, column) in [("intent_classification", 5), ("sentiment_classification", 9)] {
        assert!((share(column) - shown[task]["accuracy"].as_f64().expect("number")).abs() < 1e-9);
        for key in ["balanced_accuracy", "f1_weighted", "f1_macro", "precision_macro", "recall_weighted"] {
            assert!(shown[task][key].is_number(), "{task}.{key}");
        }
        assert!(shown[task]["per_class_metrics"].as_object().expect("map").len() >= 3);
    }
    for task in ["intent", "sentiment"] {
        for score in ["accuracy", "balanced_accuracy", "f1_macro", "f1_weighted"] {
            let value = shown[format!("{task}_classification")][score].as_f64().expect("number");
            let interval = &shown["confidence_intervals"][task][score];
            let (low, high) = (interval[0].as_f64().expect("low"), interval[1].as_f64().expect("high"));
            assert!(low <= value && value <= high, "{task}.{score}: {low} {value} {high}");
        }
        for number in ["mean", "median", "high_share"] {
            assert!(shown["confidence_scores"][task][number].is_number(), "{task}.{number}");
        }
    }
    assert_eq!(shown, case.eval(&[]), "the same rows give the same intervals");
}

#[test]
fn calibration_error_before_and_after_are_those_of_the_two_models() {
    let plain = Case::new(&some_rows()).eval(&[]);
    let cooled = Case::with_config(&some_rows(), "intent_temperature", 2.5).eval(&[]);
    let number = |value: &Value| value.as_f64().expect("number");
    let before = &plain["calibration"]["intent"];
    assert!((number(&before["error_before"]) - number(&before["error_after"])).abs() < 1e-9);
    let both = &cooled["calibration"]["intent"];
    assert_eq!(both["temperature"], 2.5);
    assert!((number(&both["error_before"]) - number(&before["error_after"])).abs() < 1e-4, "{both} {before}");
    assert!((number(&both["error_before"]) - number(&both["error_after"])).abs() > 1e-3, "{both}");
    let report = &cooled["intent_classification"];
    assert_eq!(report["expected_calibration_error"], both["error_after"]);
}

#[test]
fn all_unknown_labels_are_named_at_once_with_the_known_ones() {
    let case = Case::new("text,intent\nhi,track_order\nhello,greeting\nbye,farewell\nho,greeting\n");
    let (code, out, err) = case.run(&["eval", "--data", "data.csv"]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(
        err.contains("data.csv:3: the model does not know the intent \"greeting\", nor farewell (3 of 4 rows)"),
        "{err}"
    );
    assert!(err.contains("hint: it knows manage_order"), "{err}");
}

#[test]
fn a_label_without_a_row_is_reported_and_not_scored() {
    let case = Case::new("text,intent\nwhere is my order,track_order\nmy order,track_order\n,other\n");
    let report = case.eval(&[])["intent_classification"].clone();
    assert_eq!(report["untested_labels"].as_array().map(Vec::len), Some(8));
    assert_eq!(report["balanced_accuracy"], report["accuracy"]);
    assert_eq!(report["per_class_metrics"]["other"]["support"], 0);
    let (_, out, _) = case.run(&["eval", "--data", "data.csv"]);
    assert!(out.contains("8 of 9 labels have no row") && out.contains("not tested"), "{out}");
    assert!(out.contains("1 rows left out: no text or no label"), "{out}");
}

#[test]
fn one_row_is_scored_and_no_row_is_refused() {
    let case = Case::new("text,intent,sentiment\nwhere is my order,track_order,\n");
    let found = case.eval(&["--out", "report"]);
    let accuracy = found["intent_classification"]["accuracy"].as_f64().expect("number");
    assert!([0.0, 1.0].contains(&accuracy), "{accuracy}");
    assert_eq!(found["confidence_intervals"]["intent"]["accuracy"], serde_json::json!([accuracy, accuracy]));
    assert!(found["sentiment_classification"].is_null());
    assert!(found["confidence_intervals"]["sentiment"].is_null() && found["calibration"]["sentiment"].is_null());
    assert!(!case.path("report/confusion_matrix_sentiment.png").exists());

    let (code, _, err) = Case::new("text,intent\n,track_order\n").run(&["eval", "--data", "data.csv"]);
    assert_eq!(code, 1);
    assert!(err.contains("no labelled row (1 rows without text or label)"), "{err}");
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let case = Case::new(&some_rows());
    let (code, _, err) = case.run(&["eval", "--data", "data.csv", "--out", "data.csv/report"]);
    assert_eq!(code, 1, "{err}");
    assert!(err.contains("data.csv/report cannot be made") && err.contains("hint:"), "{err}");
}

#[test]
fn the_abstention_threshold_is_the_models_or_the_given_one() {
    let stored = Case::with_config(&some_rows(), "abstain_below", 0.35);
    let at = |value: &Value| value["abstention"]["at_threshold"]["threshold"].as_f64().expect("number");
    assert!((at(&stored.eval(&[])) - 0.35).abs() < 1e-6);
    assert!((at(&stored.eval(&["--abstain-below", "0.6"])) - 0.6).abs() < 1e-6);
    let nobody = Case::new(&some_rows()).eval(&["--abstain-below", "1"]);
    assert_eq!(nobody["abstention"]["at_threshold"]["coverage"], 0.0);
    assert!(nobody["abstention"]["at_threshold"]["accuracy"].is_null());
    let points = nobody["abstention"]["accuracy_at_coverage"].as_array().expect("list");
    assert_eq!(points[0]["accuracy"], nobody["intent_classification"]["accuracy"]);
    assert_eq!(stored.run(&["eval", "--data", "data.csv", "--abstain-below", "2"]).0, 2);
}

#[test]
fn predict_abstains_below_the_given_or_the_stored_confidence() {
    let plain = Case::new("");
    let answer = |case: &Case, more: &[&str]| -> Value {
        let (code, out, err) = case.run(&[&["predict", "--json", "where is my order"], more].concat());
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).expect("JSON")
    };
    assert_eq!(answer(&plain, &[])["abstained"], false);
    assert_eq!(answer(&plain, &["--abstain-below", "1"])["abstained"], true);
    let stored = Case::with_config("", "abstain_below", 1.0);
    let unsure = answer(&stored, &[]);
    assert_eq!(unsure["abstained"], true);
    assert_eq!(unsure["intent"], answer(&plain, &[])["intent"], "the best guess is still given");
    assert_eq!(answer(&stored, &["--abstain-below", "0"])["abstained"], false);
    let (_, out, _) = stored.run(&["predict", "where is my order"]);
    assert!(out.starts_with("unsure: "), "{out}");
    assert_eq!(plain.run(&["predict", "a", "--abstain-below", "-1"]).0, 2);
}

#[test]
fn predict_reads_lines_and_columns_of_a_file() {
    let case = Case::new("id,Message\n1,\"where is it, my order\"\n2,\n3,\"two\nlines\"\n4\n");
    let texts = |arguments: &[&str]| -> Vec<String> {
        let (code, out, err) = case.run(&[&["predict", "--json"], arguments].concat());
        assert_eq!(code, 0, "{err}");
        let value = |line: &str| serde_json::from_str::<Value>(line).expect("JSON");
        out.lines().map(|line| value(line)["text"].as_str().expect("text").to_owned()).collect()
    };
    let read = texts(&["--batch", "data.csv", "--text-column", "message"]);
    assert_eq!(read, ["where is it, my order", "", "two\nlines", ""]);
    let lines = (0..150).fold(String::new(), |lines, n| lines + format!("message {n}\r\n").as_str());
    std::fs::write(case.path("lines.txt"), lines).expect("written");
    let read = texts(&["--batch", "lines.txt"]);
    assert_eq!((read.len(), read[149].as_str()), (150, "message 149"));

    let (code, _, err) = case.run(&["predict", "--batch", "data.csv"]);
    assert_eq!(code, 1);
    assert!(err.contains("data.csv: no column text, found id, Message") && err.contains("--text-column"), "{err}");
    let (code, _, err) = case.run(&["predict", "--batch", "nowhere.txt"]);
    assert_eq!(code, 1);
    assert!(err.contains("nowhere.txt cannot be read"), "{err}");
    assert_eq!(case.run(&["predict", "text", "--batch", "lines.txt"]).0, 2);
}

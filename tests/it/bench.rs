//! Scripted conversations with the real program, the shipped model, and the cases of `fixtures/bench`, two of which are wrong on purpose.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::{ecomres, run};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/bench").join(name)
}

/// Runs the command on the cases of the fixture, in an empty folder.
fn bench(arguments: &[&str]) -> (i32, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = ecomres(folder.path());
    command.arg("bench").arg(fixture("cases.jsonl")).arg("--orders").arg(fixture("orders.csv"));
    let outcome = run(command.arg("--knowledge").arg(fixture("knowledge")).args(["--offline", "-q"]).args(arguments));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    outcome
}

#[test]
fn each_case_ends_as_it_should_and_the_wrong_ones_fail() {
    let (code, out, err) = bench(&["--json"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let result: Value = serde_json::from_str(&out).unwrap();
    let cases = result["cases"].as_array().unwrap();
    for case in cases {
        let is_wrong = case["id"].as_str().unwrap().ends_with("-wrong");
        assert_eq!(case["passed"], !is_wrong, "{case:#}");
    }
    let of = |id: &str| cases.iter().find(|case| case["id"] == id).unwrap();
    let reasons = |id: &str| -> Vec<&str> {
        of(id)["reasons"].as_array().unwrap().iter().map(|reason| reason["kind"].as_str().unwrap()).collect()
    };
    assert_eq!(reasons("way-wrong"), ["says", "language"]);
    assert_eq!(reasons("cancel-wrong"), ["not_done", "money"]);
    assert_eq!(of("cancel-1")["money"], serde_json::json!({"ORD700003": 400.0}));
    assert_eq!(of("cancel-1")["seen"], "acted");
    assert_eq!(of("person-1")["log"].as_array().unwrap().len(), 2, "a day later the customer asks again");
    let summary = &result["summary"];
    assert_eq!((&summary["cases"], &summary["passed"]), (&10.into(), &8.into()));
    assert_eq!((&summary["danger"], &summary["danger_missed"]), (&1.into(), &0.into()));
    assert_eq!((&summary["money_wrong"], &summary["money_too_much"]), (&1.into(), &0.into()));
    assert_eq!(result["languages"]["es"]["resolved"], 1);
    assert_eq!(result["categories"]["where is it"]["passed"], 2);
}

#[test]
fn the_table_the_conversations_and_the_bar() {
    let (code, out, err) = bench(&["--only", "where is it,lang:es", "--fails", "--bar", "67"]);
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("66.7 % pass, and the bar is 67 %"), "{err}");
    assert!(out.starts_with("way-wrong  where is it  says the wrong thing"), "{out}");
    assert!(out.contains("passed: 2 of 3 (67 %)"), "{out}");
    let (code, out, err) = bench(&["--show", "way-en", "--bar", "100"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("customer (line 1): where is my tea?") && out.contains("PASSED: talked"), "{out}");
    assert!(!out.contains("way-wrong"), "{out}");
}

#[test]
fn wrong_cases_and_options_are_told_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    let cases = folder.path().join("mine.jsonl");
    let case =
        |more: &str| format!("{{\"id\": \"a\", \"category\": \"c\", \"lang\": \"en\", \"turns\": [\"hi\"], {more}}}\n");
    for (text, error, hint) in [
        (
            case(r#""customer": "ORD000003", "expect": {"outcome": "answered", "musst": []}"#),
            "mine.jsonl:1: expect.musst: there is no such field",
            "must_not",
        ),
        (
            case(r#""customer": "ORD999999", "expect": {"outcome": "answered"}"#),
            "case a: customer: there is no order ORD999999",
            "--orders",
        ),
        (
            case(r#""phone": "1", "expect": {"outcome": "answered"}"#).replace("hi", "+5 weeks later"),
            "mine.jsonl:1: turns[0]: “+5”",
            "+25h",
        ),
        (
            case(r#""phone": "1", "expect": {"outcome": "answered"}"#).replace("hi", "+5h"),
            "mine.jsonl:1: turns[0]: the clock moves, and nothing is said",
            "any news",
        ),
    ] {
        std::fs::write(&cases, text).unwrap();
        let (code, out, err) = run(ecomres(folder.path()).args(["bench", "mine.jsonl"]));
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains(error) && err.contains("hint: ") && err.contains(hint), "{err}");
    }
    let (code, _, err) = bench(&["--only", "no such case"]);
    assert_eq!(code, 1);
    assert!(err.contains("no case is called “no such case”"), "{err}");
    let (code, out, _) = bench(&["--check"]);
    assert_eq!((code, out.as_str()), (0, "10 cases, nothing wrong with their form\n"));
    let (code, out, _) = run(ecomres(folder.path()).args(["bench", "--words"]));
    assert!(code == 0 && out.contains("<OUT>           the order is on its way"), "{out}");
    let (code, _, _) = run(ecomres(folder.path()).arg("bench"));
    assert_eq!(code, 2, "a file is needed");
}

#[test]
fn the_conversations_of_the_imaginary_shop_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let cases = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/cases");
    let mut command = ecomres(folder.path());
    command.arg("bench").arg(cases.join("cases.jsonl")).arg("--orders").arg(cases.join("orders.csv"));
    let (code, out, err) = run(command.arg("--knowledge").arg(cases.join("knowledge")).args(["--offline", "--check"]));
    assert_eq!(code, 0, "{out}{err}");
}

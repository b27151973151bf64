//! Conversations that are recorded and run again.

use std::path::Path;

use serde_json::Value;

use crate::cli::{ecomres, run};

fn record(folder: &Path, arguments: &[&str]) -> String {
    let (code, _, err) = run(ecomres(folder).args(["simulate", "--record", "before.jsonl"]).args(arguments));
    assert_eq!(code, 0, "{err}");
    std::fs::read_to_string(folder.join("before.jsonl")).unwrap()
}

#[test]
fn what_was_recorded_comes_out_again() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = record(folder.path(), &["--scenario", "all"]);
    assert!(recorded.lines().count() > 20);
    let (code, out, err) = run(ecomres(folder.path()).args(["replay", "before.jsonl"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(out, format!("{} turns came out as they did\n", recorded.lines().count()));
}

#[test]
fn what_comes_out_otherwise_is_shown_and_ends_with_1() {
    let folder = tempfile::tempdir().unwrap();
    record(folder.path(), &["--scenario", "refund"]);
    let mut grocery = ecomres(folder.path());
    let (code, out, err) = run(grocery.env("ECOMRES_REFUND__PRESET", "grocery").args(["replay", "before.jsonl"]));
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("- “I can refund ₹599 for order ORD000003.”"), "{out}");
    assert!(out.contains("+ ") && out.contains("cannot be refunded"), "{out}");
    assert!(err.contains("of 3 turns came out otherwise"), "{err}");
    let mut grocery = ecomres(folder.path());
    grocery.env("ECOMRES_REFUND__PRESET", "grocery").args(["replay", "before.jsonl", "--json", "--calls-only"]);
    let (code, out, _) = run(&mut grocery);
    assert_eq!(code, 1);
    let events: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().map(|event| event["same"].as_bool().unwrap()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(events[2]["before"]["tool_calls"][0]["tool"], "process_refund");
}

#[test]
fn a_recording_holds_no_personal_data_and_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("said.txt"), "my number is 98765 43210, mail a.k@example.com\nagent please\n")
        .unwrap();
    let recorded = record(folder.path(), &["--script", "said.txt", "--user-id", "919876543210"]);
    for personal in ["98765", "919876543210", "a.k@example.com"] {
        assert!(!recorded.contains(personal), "{recorded}");
    }
    assert!(recorded.contains("\"user\":\"customer-1\"") && recorded.contains("[PHONE_1]"), "{recorded}");
    let (code, _, err) = run(ecomres(folder.path()).args(["replay", "before.jsonl", "--quiet"]));
    assert_eq!(code, 0, "{err}");
    let again = ["simulate", "--scenario", "order", "--record", "before.jsonl"];
    let (code, _, err) = run(ecomres(folder.path()).args(again));
    assert_eq!(code, 1);
    assert!(err.contains("before.jsonl cannot be made") && err.contains("hint:"), "{err}");
}

#[test]
fn rubbish_gives_one_sentence_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("broken.jsonl"), "\n{\"user\": 5}\n").unwrap();
    std::fs::write(folder.path().join("empty.jsonl"), "").unwrap();
    for (arguments, expected) in [
        (vec!["nowhere.jsonl"], "nowhere.jsonl cannot be read"),
        (vec!["broken.jsonl"], "broken.jsonl:2: this is no recorded turn"),
        (vec!["empty.jsonl"], "holds no turn"),
        (vec!["broken.jsonl", "--store", "shop.db"], "scratch stores only"),
    ] {
        let (code, out, err) = run(ecomres(folder.path()).arg("replay").args(&arguments));
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}");
        assert!(err.contains(expected) && err.contains("hint:") && !err.contains("panicked"), "{arguments:?}: {err}");
    }
}

//! Conversations that are recorded, at the console and by the bot, and run again.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{ecomres, run};
use crate::whatsapp::Bot;

fn record(folder: &Path, arguments: &[&str]) -> String {
    let (code, _, err) = run(ecomres(folder).args(["simulate", "--record", "before.jsonl"]).args(arguments));
    assert_eq!(code, 0, "{err}");
    std::fs::read_to_string(folder.join("before.jsonl")).unwrap()
}

#[test]
fn a_recording_replays_identically() {
    let folder = tempfile::tempdir().unwrap();
    let recorded = record(folder.path(), &["--scenario", "all"]);
    assert!(recorded.lines().count() > 20);
    let (code, out, err) = run(ecomres(folder.path()).args(["replay", "before.jsonl"]));
    assert_eq!(code, 0, "{out}{err}");
    assert_eq!(out, format!("{} turns came out as they did\n", recorded.lines().count()));
}

#[test]
fn differences_are_shown_and_end_with_1() {
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
fn a_recording_holds_no_personal_data_and_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("said.txt"),
        "where is my order? my number is 98765 43210, mail a.k@example.com\nagent please\n",
    )
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
    assert!(err.contains("before.jsonl cannot be created") && err.contains("hint:"), "{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_the_bot_replays_identically() {
    let (one, other) = ("919876500001", "919876500002");
    let mut bot = Bot::start(&["bot", "--record", "kept/turns"], &[]).await;
    bot.write(one, "I want a refund for ORD000003").await;
    let offer = bot.reply(one, 1).await;
    bot.write(other, "where is ORD000001? my mail is a.k@example.com").await;
    bot.reply(other, 1).await;
    let id = &offer["interactive"]["action"]["buttons"][0]["reply"]["id"];
    let press = json!({"type": "button_reply", "button_reply": {"id": id, "title": "Yes, refund"}});
    bot.deliver(&bot.message(one, "interactive", &press)).await;
    bot.reply(one, 2).await;
    bot.deliver(&bot.message(other, "location", &json!({"latitude": 1, "longitude": 2}))).await;
    bot.reply(other, 2).await;
    assert_eq!(bot.end(), Some(0));

    let files: Vec<_> = std::fs::read_dir(bot.folder.path().join("kept/turns")).unwrap().collect();
    let [Ok(file)] = files.as_slice() else { panic!("{files:?}") };
    let recorded = std::fs::read_to_string(file.path()).unwrap();
    for personal in ["98765", "a.k@example.com"] {
        assert!(!recorded.contains(personal), "{recorded}");
    }
    let turns: Vec<Value> = recorded.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let who: Vec<_> = turns.iter().map(|turn| turn["user"].as_str().unwrap()).collect();
    assert_eq!(who, ["customer-1", "customer-2", "customer-1"], "what holds no words is no turn: {recorded}");
    assert_eq!(turns[2]["pressed"], "ORD000003");
    assert_eq!(turns[2]["tool_calls"][0]["tool"], "process_refund");
    let replay = |arguments: &[&str]| run(ecomres(bot.folder.path()).arg("replay").arg(file.path()).args(arguments));
    let (code, out, err) = replay(&[]);
    assert_eq!((code, out.as_str()), (0, "3 turns came out as they did\n"), "{err}");

    // One that cannot be written is told at the start.
    std::fs::write(bot.folder.path().join("full"), "").unwrap();
    let mut refused = ecomres(bot.folder.path());
    refused.args(["bot", "--record", "full", "--port", "0", "--store", "shop.db", "--insecure-webhook"]);
    let (code, _, err) = run(refused.envs([("VERIFY_TOKEN", "v"), ("ACCESS_TOKEN", "t"), ("PHONE_ID", "42")]));
    assert_eq!(code, 1);
    assert!(err.contains("the folder full for recordings cannot be created") && err.contains("hint:"), "{err}");
}

#[test]
fn unusable_input_gives_one_sentence_and_a_hint() {
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

//! Conversations with the real program, the shipped model and real files.

use std::path::Path;

use serde_json::Value;

use crate::cli::{ecomres, run};
use crate::mcp::client::shop;

/// As a shop has it that set nothing: an order is bound to whoever knows something of it.
fn with_defaults(folder: &Path) -> assert_cmd::Command {
    let mut command = ecomres(folder);
    command.env_remove("ECOMRES_ORDERS__CLAIM_PROOF");
    command
}

fn events(folder: &Path, arguments: &[&str]) -> Vec<Value> {
    let (code, out, err) = run(with_defaults(folder).arg("simulate").args(arguments).arg("--json"));
    assert_eq!(code, 0, "{arguments:?}: {err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn called(event: &Value) -> Vec<&str> {
    event["tools"].as_array().unwrap().iter().map(|call| call["tool"].as_str().unwrap()).collect()
}

fn check_documented_refund(events: &[Value]) {
    assert_eq!(events.len(), 3);
    assert!(events[0]["reply"].as_str().unwrap().contains("order id"), "{}", events[0]);
    assert_eq!(events[0]["triage"]["cached"], false);
    assert_eq!(called(&events[1]), ["query_order_database", "check_refund_eligibility"]);
    assert_eq!(events[1]["triage"]["cached"], true);
    assert_eq!(events[1]["tools"][0]["result"]["Product Category"], "Beverages");
    assert!(events[1]["reply"].as_str().unwrap().contains("₹599"), "{}", events[1]);
    assert_eq!(called(&events[2]), ["process_refund"]);
    let refund = &events[2]["tools"][0]["result"];
    assert_eq!((refund["status"].as_str(), refund["amount_refunded"].as_i64()), (Some("success"), Some(599)));
    let transaction = refund["transaction_id"].as_str().unwrap();
    assert!(transaction.starts_with("RFND_") && transaction.ends_with("_ORD000003"), "{transaction}");
    assert!(events[2]["reply"].as_str().unwrap().contains(transaction));
}

#[test]
fn the_documented_refund_on_the_sample_orders() {
    let folder = tempfile::tempdir().unwrap();
    check_documented_refund(&events(folder.path(), &["--scenario", "refund"]));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a scratch store leaves nothing behind");
}

#[test]
fn the_documented_refund_on_imported_orders_is_paid_once() {
    let folder = shop();
    check_documented_refund(&events(folder.path(), &["--scenario", "refund", "--store", "shop.db"]));
    // The same customer, the same order, another day: paid once.
    let again = events(folder.path(), &["--scenario", "refund", "--store", "shop.db"]);
    assert!(again.iter().all(|event| !called(event).contains(&"process_refund")), "{again:?}");
    assert!(again[1]["reply"].as_str().unwrap().contains("already been refunded"), "{}", again[1]);
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("holds"), "{out}");
}

#[test]
fn every_scenario_ends_as_it_should() {
    let folder = tempfile::tempdir().unwrap();
    let all = events(folder.path(), &["--scenario", "all"]);
    let of = |name: &str| all.iter().filter(|event| event["scenario"] == name).collect::<Vec<_>>();
    let refunds = |name: &str| {
        of(name)
            .iter()
            .flat_map(|event| event["tools"].as_array().unwrap().clone())
            .filter(|call| call["tool"] == "process_refund" && call["result"]["status"] == "success")
            .map(|call| call["arguments"]["order_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let handed_over = |name: &str| of(name).iter().any(|event| called(event).contains(&"request_human_intervention"));
    for event in &all {
        assert_eq!(event["guard"], Value::Null, "{event}");
    }
    assert!(refunds("general").is_empty() && !handed_over("general"));
    assert!(refunds("order").is_empty() && !handed_over("order"));
    assert_eq!(of("order").iter().filter(|event| event["triage"]["cause"] == "gap").count(), 1, "the day in between");
    assert_eq!(refunds("refund"), ["ORD000003"]);
    assert_eq!(refunds("complaint"), ["ORD000004"]);
    assert_eq!(refunds("vague"), ["ORD000012"]);
    assert_eq!(refunds("multi"), ["ORD000006", "ORD000007"]);
    for name in ["human", "frustrated", "complex"] {
        assert!(refunds(name).is_empty() && handed_over(name), "{name}: {:#?}", of(name));
    }
    assert_eq!(of("human")[1]["reply"], Value::Null, "the bot is silent after a hand-over");
}

#[test]
fn an_order_needs_something_that_only_its_buyer_knows() {
    let folder = shop();
    let talk = |user: &str, says: &str| {
        std::fs::write(folder.path().join("script.txt"), says).unwrap();
        events(folder.path(), &["--script", "script.txt", "--store", "shop.db", "--user-id", user])
    };
    // The same question for an order that exists and for one that does not, and the same answer to a wrong answer.
    let replies = |events: &[Value], id: &str| -> Vec<String> {
        events.iter().map(|event| event["reply"].as_str().unwrap().replace(id, "ORDER")).collect()
    };
    let unknown = talk("919900000001", "where is ORD888888\nCUST9999\n");
    let other = talk("919900000002", "where is ORD000003\nCUST9999\n");
    assert_eq!(replies(&unknown, "ORD888888"), replies(&other, "ORD000003"));
    assert!(other[0]["reply"].as_str().unwrap().contains("customer id"), "{}", other[0]);
    assert_eq!(other[0]["context"]["waiting_for"], "proof", "{}", other[0]);

    let right = talk("919900000003", "I want my money back for ORD000003\nwhy do you need that?\nit was 599\nyes\n");
    assert_eq!(called(&right[2]), ["query_order_database", "check_refund_eligibility"], "{}", right[2]);
    assert_eq!(called(&right[3]), ["process_refund"], "{}", right[3]);
    let late = talk("919900000004", "refund ORD000003, CUST6815\n");
    assert!(!late[0]["reply"].as_str().unwrap().contains("599"), "it is somebody else's: {}", late[0]);

    let orders =
        |arguments: &[&str]| run(ecomres(folder.path()).args(["orders"]).args(arguments).args(["--store", "shop.db"]));
    let (code, out, err) = orders(&["show", "ord000003"]);
    assert!(
        code == 0
            && out.contains("bound to 919900000003")
            && out.contains("amount")
            && out.contains("refund: ₹599, paid (simulated)"),
        "{out}{err}"
    );
    let (code, out, _) = orders(&["unbind", "ORD000003", "--by", "desk", "--reason", "a test"]);
    assert!(code == 0 && out.contains("bound to nobody now"), "{out}");
    let (code, _, err) = orders(&["unbind", "ORD000003", "--reason", "again"]);
    assert!(code == 1 && err.contains("ORD000003 is bound to nobody") && err.contains("hint: "), "{err}");
    for without in [&["unbind", "ORD000003"][..], &["unbind", "ORD000003", "--reason", " "]] {
        let (code, _, err) = orders(without);
        assert!(code == 2 && err.contains("--reason"), "{err}");
    }
    assert_eq!(orders(&["show", "ORD888888"]).0, 1);
    let (_, audit, _) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert!(audit.contains("holds"), "{audit}");
}

#[test]
fn a_fraud_is_answered_with_a_warning_and_a_person() {
    let folder = tempfile::tempdir().unwrap();
    let says = "a man from your company rang me and wants my otp for the refund\nhello?\n";
    std::fs::write(folder.path().join("script.txt"), says).unwrap();
    let events = events(folder.path(), &["--script", "script.txt"]);
    let reply = events[0]["reply"].as_str().unwrap();
    assert!(reply.contains("We never ask for an OTP") && reply.contains("member of our team"), "{reply}");
    assert_eq!(called(&events[0]), ["request_human_intervention"]);
    assert_eq!(events[0]["tools"][0]["arguments"]["priority"], "high");
    assert_eq!(events[1]["reply"], Value::Null, "a person answers");
}

#[test]
fn a_script_moves_the_clock() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("script.txt"), "# a remark\nHi\n\n+23h hello\n+25h hello again\n").unwrap();
    let events = events(folder.path(), &["--script", "script.txt", "--user-id", "919876543210"]);
    let causes: Vec<&str> = events.iter().map(|event| event["triage"]["cause"].as_str().unwrap()).collect();
    assert_eq!(causes, ["first_message", "cached", "gap"]);
}

#[test]
fn messages_can_be_piped_in() {
    let folder = tempfile::tempdir().unwrap();
    let big = "please help ".repeat(9_000);
    let mut input = b"hello\n\xff\xfe broken bytes\n".to_vec();
    input.extend(big.as_bytes());
    input.extend("\n🙂🙂🙂\n".as_bytes());
    let (code, out, err) = run(ecomres(folder.path()).args(["simulate", "--interactive", "--json"]).write_stdin(input));
    assert_eq!(code, 0, "{err}");
    let replies: Vec<Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(replies.len(), 4);
    assert!(replies.iter().all(|event| event["reply"].is_string()), "{replies:?}");
}

#[test]
fn unusable_input_gives_one_sentence_and_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("latin.txt"), b"hello\nna\xefve\n").unwrap();
    std::fs::write(folder.path().join("empty.txt"), "# nothing\n").unwrap();
    std::fs::write(folder.path().join("broken.db"), "not a database, whatever it is called; long enough to be read")
        .unwrap();
    std::fs::write(folder.path().join("no_orders.csv"), "a,b\n1,2\n").unwrap();
    std::fs::write(folder.path().join("clock.txt"), "hello\n\n+2w hello\n").unwrap();
    drop(ecomres::store::open(folder.path().join("empty.db").to_str().unwrap()).unwrap());
    for (arguments, expected) in [
        (vec!["--script", "nowhere.txt"], "nowhere.txt"),
        (vec!["--script", "latin.txt"], "latin.txt:2"),
        (vec!["--script", "empty.txt"], "holds no message"),
        (vec!["--scenario", "order", "--store", "broken.db"], "broken.db"),
        (vec!["--scenario", "order", "--store", "no/such/folder/x.db"], "no/such/folder"),
        (vec!["--scenario", "order", "--model", "nowhere"], "nowhere"),
        (vec!["--scenario", "order", "--orders", "no_orders.csv"], "Order ID"),
        (vec!["--scenario", "order", "--orders", "nowhere.csv"], "nowhere.csv"),
        (vec!["--scenario", "order", "--user-id", " "], "--user-id"),
        (vec!["--scenario", "all", "--store", "empty.db"], "--scenario all"),
        (vec!["--scenario", "order", "--store", "empty.db"], "the store empty.db holds no orders"),
        (vec!["--scenario", "order", "--store", "missing.db"], "the store missing.db does not exist"),
        (vec!["--script", "clock.txt"], "clock.txt:3: “+2w”"),
    ] {
        let (code, out, err) = run(ecomres(folder.path()).arg("simulate").args(&arguments));
        assert_eq!(code, 1, "{arguments:?}: {err}");
        assert_eq!(out, "", "{arguments:?}");
        assert!(err.contains(expected) && err.contains("hint:") && err.starts_with("error: "), "{arguments:?}: {err}");
        assert!(!err.contains("panicked"), "{err}");
    }
}

#[test]
fn a_script_may_be_piped_and_shows_no_control_characters() {
    let folder = tempfile::tempdir().unwrap();
    let script = "hello \u{1b}[31mred\n";
    let (code, out, err) = run(ecomres(folder.path()).args(["simulate", "--script", "-"]).write_stdin(script));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("you:  hello \\u{1b}[31mred") && !out.contains('\u{1b}'), "{out}");
}

#[test]
fn a_resolved_alert_gives_the_conversation_back_to_the_bot() {
    let folder = shop();
    std::fs::write(folder.path().join("ask.txt"), "get me a real person please\n").unwrap();
    std::fs::write(folder.path().join("again.txt"), "where is ORD000001\n").unwrap();
    let again = |folder: &Path| events(folder, &["--script", "again.txt", "--store", "shop.db"]);
    events(folder.path(), &["--script", "ask.txt", "--store", "shop.db"]);
    let silent = events(folder.path(), &["--script", "ask.txt", "--store", "shop.db"]);
    assert_eq!(silent[0]["reply"], Value::Null);

    let (code, out, err) = run(ecomres(folder.path()).args(["alerts", "list", "--json", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    let alert: Value = serde_json::from_str(out.trim()).unwrap();
    let id = alert["id"].as_str().unwrap();
    let resolve = |id: &str| run(ecomres(folder.path()).args(["alerts", "resolve", id, "--store", "shop.db"]));
    let (code, _, err) = resolve("ALERT_none");
    assert!(code == 1 && err.contains("ALERT_none") && err.contains("hint:"), "{err}");
    assert_eq!(resolve(id).0, 0);
    assert_eq!(resolve(id).0, 1, "it is resolved once");
    assert!(again(folder.path())[0]["reply"].as_str().unwrap().contains("ORD000001"));

    let (code, _, err) = run(ecomres(folder.path()).args(["alerts", "list", "--store", "typo.db"]));
    assert!(code == 1 && err.contains("typo.db"), "{err}");
    assert!(!folder.path().join("typo.db").exists());
}

//! Order ids of any shop, with the real program: learnt at the import, found in messages, shown in questions; and customers
//! whose number has orders, who are never asked for an id.

use std::path::Path;

use serde_json::Value;

use crate::cli::{ecomres, run};

const HEADER: &str = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,Order Value (INR),\
    Customer Feedback,Service Rating,Delivery Delay,Refund Requested,Customer Phone,Delivery Status";

/// A shop with these orders: id, date, telephone number, status.
fn shop(orders: &[(&str, &str, &str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let rows = orders.iter().enumerate().map(|(number, (id, date, phone, status))| {
        format!("{id},CUST{:04},Web,{date} 10:00:00,,Dairy,{},,,No,No,{phone},{status}", number + 1, 100 * (number + 1))
    });
    let text = std::iter::once(HEADER.to_owned()).chain(rows).collect::<Vec<_>>().join("\n");
    std::fs::write(folder.path().join("orders.csv"), text).unwrap();
    let (code, out, err) = run(ecomres(folder.path()).args(["import", "orders.csv", "--store", "shop.db"]));
    assert_eq!(code, 0, "{out}{err}");
    assert!(!out.contains("not found in messages"), "{out}");
    folder
}

fn hash_shop() -> tempfile::TempDir {
    shop(&[
        ("#1001", "2026-11-20", "+91 98450 12345", "Delivered"),
        ("#1002", "2026-11-21", "+91 98450 12345", "Out for delivery"),
        ("#1003", "2026-11-22", "+91 98450 12345", "Cancelled"),
        ("#1004", "2026-11-22", "+91 98450 54321", "Out for delivery"),
    ])
}

/// What is said and called in a conversation.
fn talk(folder: &Path, user: &str, messages: &[&str]) -> Vec<Value> {
    held(folder, user, messages, false)
}

/// The same where an order needs a proof of its buyer's, as in a shop.
fn talk_to_a_shop(folder: &Path, user: &str, messages: &[&str]) -> Vec<Value> {
    held(folder, user, messages, true)
}

fn held(folder: &Path, user: &str, messages: &[&str], proof: bool) -> Vec<Value> {
    std::fs::write(folder.join("script.txt"), messages.join("\n")).unwrap();
    let arguments = ["simulate", "--script", "script.txt", "--store", "shop.db", "--json", "--user-id", user];
    let mut command = ecomres(folder);
    if proof {
        command.env_remove("ECOMRES_ORDERS__CLAIM_PROOF");
    }
    let (code, out, err) = run(command.args(arguments));
    assert_eq!(code, 0, "{err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn reply(event: &Value) -> &str {
    event["reply"].as_str().unwrap_or_default()
}

/// The orders that a turn's tools were called for.
fn looked_up(event: &Value) -> Vec<&str> {
    let calls = event["tools"].as_array().unwrap();
    calls.iter().filter_map(|call| call["arguments"]["order_id"].as_str()).collect()
}

#[test]
fn ids_are_learnt_found_and_shown() {
    let folder = hash_shop();
    let (code, out, err) = run(ecomres(folder.path()).args(["orders", "forms", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("#1001 (4 seen): anywhere"), "{out}");
    for text in [
        "where is order 1001",
        "1001",
        "it is 1001",
        "where is #1001?",
        "mera order १००१ kahan hai",
        "#10O1",
        "where is #10O1",
    ] {
        // What was said before would count.
        let folder = hash_shop();
        let mut events = talk(folder.path(), "919845012345", &[text]);
        if text.ends_with("#10O1") {
            assert!(reply(&events[0]).contains("Do you mean order #1001?"), "{}", events[0]);
            events = talk(folder.path(), "919845012345", &[text, "yes"]);
            events.remove(0);
        }
        assert_eq!(looked_up(&events[0]), ["#1001"], "{text}: {}", events[0]);
        assert!(reply(&events[0]).contains("#1001"), "{text}: {}", events[0]);
    }
    // A customer without orders is asked for an id, with one that looks like the shop's.
    let events = talk(folder.path(), "919800000001", &["where is my order?", "I paid 1001 rupees for it", "1001"]);
    assert!(reply(&events[0]).contains("order id: it looks like #1001"), "{}", events[0]);
    assert!(looked_up(&events[1]).is_empty(), "{}", events[1]);
    assert_eq!(looked_up(&events[2]), ["#1001"]);
    assert!(
        !reply(&events[2]).contains("Delivered") && !reply(&events[2]).contains("₹"),
        "a stranger's: {}",
        events[2]
    );
}

#[test]
fn who_has_orders_is_never_asked_for_an_id() {
    let folder = hash_shop();
    let events = talk(folder.path(), "919845012345", &["where is my order?"]);
    // One of the three is on its way: it is named.
    assert_eq!(looked_up(&events[0]), ["#1002"], "{}", events[0]);
    assert!(reply(&events[0]).contains("Order #1002") && reply(&events[0]).contains("on its way"), "{}", events[0]);

    // Money: the offer still wants a yes of its own.
    let folder = hash_shop();
    let events = talk(folder.path(), "919845012345", &["I want a refund", "1001", "yes"]);
    assert!(reply(&events[0]).contains("Is it about order #1002"), "{}", events[0]);
    assert!(reply(&events[1]).contains("Shall I go ahead?"), "{}", events[1]);
    assert!(events[1]["tools"].as_array().unwrap().iter().all(|call| call["tool"] != "process_refund"));
    assert!(reply(&events[2]).contains("₹100 for order #1001 has been refunded"), "{}", events[2]);

    // “No” asks which one it is.
    let folder = hash_shop();
    let events = talk(folder.path(), "919845012345", &["I want a refund", "no", "#1001"]);
    assert!(reply(&events[1]).contains("Which order is it then?"), "{}", events[1]);
    assert_eq!(looked_up(&events[2])[0], "#1001", "{}", events[2]);
}

#[test]
fn one_number_after_the_other_is_noticed() {
    let folder = shop(&ORDERS);
    let messages: Vec<String> = (1001..1009).map(|number| format!("where is order {number}")).collect();
    let messages: Vec<&str> = messages.iter().map(String::as_str).collect();
    let events = talk(folder.path(), "919800000009", &messages);
    assert!(events.iter().all(|event| !reply(event).contains("₹")), "{events:?}");
    let (code, out, err) = run(ecomres(folder.path()).args(["alerts", "list", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("one order number after the other") || out.contains("more orders in a day"), "{out}");
}

/// Orders of somebody else, one after the other.
const ORDERS: [(&str, &str, &str, &str); 9] = [
    ("#1001", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1002", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1003", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1004", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1005", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1006", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1007", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1008", "2026-01-01", "+91 98450 54321", "Delivered"),
    ("#1009", "2026-01-01", "+91 98450 54321", "Delivered"),
];

#[test]
fn a_setting_overrides_and_doctor_tells() {
    let folder = hash_shop();
    let (_, out, _) = run(ecomres(folder.path()).args(["doctor", "--store", "shop.db"]));
    assert!(out.contains("order ids") && out.contains("like #1001, learnt from the orders"), "{out}");
    let mut command = ecomres(folder.path());
    command.env("ECOMRES_ORDERS__PATTERN", r"\bOD\d{18}\b");
    let (_, out, _) = run(command.args(["doctor", "--store", "shop.db"]));
    assert!(out.contains("those of the orders look like #1001"), "{out}");
    let mut command = ecomres(folder.path());
    command.env("ECOMRES_ORDERS__PATTERN", r"\bOD\d{18}\b");
    std::fs::write(folder.path().join("script.txt"), "Where is OD430012345678901000").unwrap();
    let arguments = ["simulate", "--script", "script.txt", "--store", "shop.db", "--json"];
    let (code, out, err) = run(command.args(arguments));
    assert_eq!(code, 0, "{err}");
    let event: Value = serde_json::from_str(out.lines().next().unwrap()).unwrap();
    assert_eq!(event["triage"]["intent"], "track_order", "{event}");
    assert_eq!(looked_up(&event), ["OD430012345678901000"]);
}

/// A shop whose ids are plain numbers, as WooCommerce numbers orders; without telephone numbers.
#[test]
fn a_number_that_is_asked_for_as_a_proof_is_one() {
    let orders = [("1501", "2026-11-20", "", "Delivered"), ("1502", "2026-11-21", "", "Out for delivery")];
    for messages in [["where is order 1501", "100"], ["1501", "100"], ["where is order 1501", "it was 100"]] {
        let folder = shop(&orders);
        let events = talk_to_a_shop(folder.path(), "919845012345", &messages);
        assert!(reply(&events[0]).contains("I can't show 1501 with the id alone"), "{}", events[0]);
        assert_eq!(looked_up(&events[1]), ["1501"], "{messages:?}: {}", events[1]);
        assert!(reply(&events[1]).contains("₹100"), "{messages:?}: {}", events[1]);
    }
    // The proof is a number that is another order's id.
    let folder = shop(&[("100", "2026-11-20", "", "Delivered"), ("101", "2026-11-21", "", "Delivered")]);
    let events = talk_to_a_shop(folder.path(), "919845012345", &["where is order 101", "200"]);
    assert!(reply(&events[1]).contains("Order 101") && reply(&events[1]).contains("₹200"), "{}", events[1]);
}

#[test]
fn ones_own_order_goes_before_a_strangers_of_the_same_number() {
    let orders = [("#1005", "2026-11-20", "+91 98450 12345", "Delivered"), ("1005", "2026-11-21", "", "Delivered")];
    for message in ["where is order 1005", "1005", "where is #1005"] {
        let folder = shop(&orders);
        let events = talk_to_a_shop(folder.path(), "919845012345", &[message]);
        assert_eq!(looked_up(&events[0]), ["#1005"], "{message}: {}", events[0]);
    }
    let folder = shop(&orders);
    let events = talk_to_a_shop(folder.path(), "919800000001", &["where is order 1005"]);
    assert!(!reply(&events[0]).contains("₹"), "{}", events[0]);
}

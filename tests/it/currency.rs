//! Shops in other currencies than rupees, with the real program: from the import to the sentence about a refund.

use std::path::Path;

use serde_json::{Value, json};

use crate::cli::{ecomres, run};

/// A shop that sells in another currency: its settings, and the value of its order.
struct Shop {
    settings: &'static str,
    currency: &'static str,
    value: &'static str,
}

const EURO: Shop = Shop { settings: "country = \"DE\"", currency: "EUR", value: "1234.50" };
const YEN: Shop = Shop { settings: "currency = \"JPY\"\ncountry = \"JP\"", currency: "JPY", value: "1235" };
/// The country is not the currency's: the currency's customs count.
const DINAR: Shop = Shop { settings: "currency = \"kwd\"", currency: "KWD", value: "1.250" };

impl Shop {
    /// Imports its order ORD000003, and ORD000004 of another currency.
    fn open(&self) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ecomres.toml"), format!("[shop]\n{}\n", self.settings)).unwrap();
        let header = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,\
            Order Value (INR),Customer Feedback,Service Rating,Delivery Delay,Refund Requested,Currency";
        let row = |id: &str, value: &str, currency: &str| {
            format!("{id},CUST0003,Shop,2026-01-02 10:00,30,Books,{value},Fine,5,No,No,{currency}")
        };
        let rows = [header.to_owned(), row("ORD000003", self.value, self.currency), row("ORD000004", "75.20", "USD")];
        std::fs::write(folder.path().join("orders.csv"), rows.join("\n") + "\n").unwrap();
        let (code, _, err) = run(ecomres(folder.path()).args(["import", "orders.csv", "--store", "shop.db"]));
        assert_eq!(code, 0, "{err}");
        folder
    }
}

/// What the bot answers to these messages, one event each.
fn talk(folder: &Path, said: &[&str]) -> Vec<Value> {
    let arguments = ["simulate", "--interactive", "--json", "--offline", "--store", "shop.db"];
    let mut command = ecomres(folder);
    command.args(arguments).write_stdin(said.join("\n") + "\n");
    let (code, out, err) = run(&mut command);
    assert_eq!(code, 0, "{err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn reply(event: &Value) -> String {
    event["reply"].as_str().unwrap_or_default().replace('\u{A0}', " ")
}

fn result<'a>(event: &'a Value, tool: &str) -> &'a Value {
    let calls = event["tools"].as_array().unwrap();
    &calls.iter().find(|call| call["tool"] == tool).unwrap_or_else(|| panic!("no {tool}: {event}"))["result"]
}

/// Imports, quotes, refuses a yes to an amount of another currency, pays, and reports.
fn check(shop: &Shop, shown: &str, amount: &Value, wrong: &str) {
    let folder = shop.open();
    let events = talk(folder.path(), &["I want a refund for ORD000003", wrong, "yes"]);
    let quote = result(&events[0], "check_refund_eligibility");
    assert_eq!((&quote["currency"], &quote["refund_amount"]), (&json!(shop.currency), amount), "{quote}");
    assert!(reply(&events[0]).contains(&format!("I can refund {shown} for order ORD000003.")), "{}", reply(&events[0]));
    let paid = |event: &Value| {
        event["tools"]
            .as_array()
            .unwrap()
            .iter()
            .any(|call| call["tool"] == "process_refund" && call["result"]["status"] == "success")
    };
    assert!(!paid(&events[1]), "“{wrong}” is no yes to {shown}: {}", events[1]);
    let refund = result(&events[2], "process_refund");
    assert_eq!((&refund["status"], &refund["currency"]), (&json!("success"), &json!(shop.currency)), "{refund}");
    assert_eq!(&refund["amount_refunded"], amount);
    let done = reply(&events[2]);
    assert!(done.contains(&format!("Done: {shown} for order ORD000003 has been refunded.")), "{done}");
    let (_, out, _) = run(ecomres(folder.path()).args(["orders", "show", "ORD000003", "--store", "shop.db"]));
    assert!(out.replace('\u{A0}', " ").contains(&format!("refund: {shown}, paid (simulated) (RFND_")), "{out}");
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!(code, 0, "{out}{err}");
    // One order in the shop's currency, and one in dollars that is in none of its sums.
    let (_, out, _) = run(ecomres(folder.path()).args(["report", "orders", "--range", "all", "--store", "shop.db"]));
    let out = out.replace('\u{A0}', " ");
    assert!(out.contains(shown), "{out}");
    let others = format!("The amounts are those in {}. Orders in other currencies: 1 in USD (", shop.currency);
    assert!(out.contains(&others), "{out}");
}

#[test]
fn a_shop_in_euros() {
    check(&EURO, "1.234,50 €", &json!(1234.5), "yes, refund $1,234.50");
}

#[test]
fn a_shop_in_yen() {
    check(&YEN, "¥1,235", &json!(1235), "yes ₹1235");
}

#[test]
fn a_shop_in_dinars() {
    check(&DINAR, "KWD 1.250", &json!(1.25), "yes, refund 1250");
}

#[test]
fn a_yes_may_name_the_amount_as_the_shop_or_others_write_it() {
    let folder = EURO.open();
    let events = talk(folder.path(), &["refund ORD000003", "yes, refund 1234.50 euros"]);
    assert_eq!(result(&events[1], "process_refund")["status"], "success");
}

#[test]
fn above_a_limit_another_currency_is_for_a_person() {
    let folder = EURO.open();
    let settings = "[shop]\ncountry = \"DE\"\n[refund]\nmax_automatic = \"2000\"\n";
    std::fs::write(folder.path().join("ecomres.toml"), settings).unwrap();
    let events = talk(folder.path(), &["I want a refund for ORD000004"]);
    let refused = result(&events[0], "check_refund_eligibility");
    assert_eq!((&refused["eligible"], &refused["needs_person"]), (&json!(false), &json!(true)), "{refused}");
    assert!(reply(&events[0]).contains("Refunds of orders in US Dollar (USD) are decided by a member of the team."));
    let folder = EURO.open();
    std::fs::write(folder.path().join("ecomres.toml"), settings).unwrap();
    let events = talk(folder.path(), &["I want a refund for ORD000003"]);
    assert_eq!(result(&events[0], "check_refund_eligibility")["eligible"], true, "{}", events[0]);
}

#[test]
fn a_currency_that_is_none_is_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    for (text, said) in [("RUPIA", "three letters such as INR, USD or EUR"), ("$", "can be USD or CAD")] {
        std::fs::write(folder.path().join("ecomres.toml"), format!("[shop]\ncurrency = \"{text}\"\n")).unwrap();
        let (code, _, err) = run(ecomres(folder.path()).args(["report", "orders", "--store", "shop.db"]));
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(said) && err.contains("shop.currency"), "{err}");
    }
    let file = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,\
        Order Value (INR),Customer Feedback,Service Rating,Delivery Delay,Refund Requested,Currency\n\
        ORD000001,CUST1,S,2026-01-02 10:00,30,Books,5.5,Fine,5,No,No,JPY\n\
        ORD000002,CUST1,S,2026-01-02 10:00,30,Books,5.5,Fine,5,No,No,QQQ\n";
    std::fs::write(folder.path().join("ecomres.toml"), "").unwrap();
    std::fs::write(folder.path().join("orders.csv"), file).unwrap();
    let (_, out, err) = run(ecomres(folder.path()).args(["import", "orders.csv", "--store", "shop.db"]));
    let told = format!("{out}{err}");
    assert!(told.contains("JPY") && told.contains("QQQ"), "{told}");
}

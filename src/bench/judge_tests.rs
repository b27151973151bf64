use serde_json::{Value, json};

use super::*;
use crate::bench::case::Cases;
use crate::bench::log::{Call, How};

/// A case with these expectations.
fn case(expect: &Value) -> Case {
    let line = json!({
        "id": "one", "category": "test", "lang": "en", "customer": "ORD1", "turns": ["first", "second", "third"], "expect": expect,
    });
    let mut cases = Cases::default();
    cases.read("test.jsonl", &line.to_string()).unwrap();
    cases.cases.remove(0)
}

fn call(tool: &str, arguments: Value, result: Value) -> Call {
    Call { tool: tool.to_owned(), arguments, result }
}

fn refund(order: &str, amount: f64, transaction: &str) -> Call {
    let result = json!({"status": "success", "amount_refunded": amount, "transaction_id": transaction});
    call("process_refund", json!({"order_id": order, "amount": amount}), result)
}

fn handed(priority: &str) -> Call {
    let result = json!({"status": "success", "alert_id": "a", "priority": priority});
    call("request_human_intervention", json!({"priority": "low"}), result)
}

/// Messages of scripted lines, with replies and calls.
fn log(entries: Vec<(&str, Vec<Call>)>) -> Vec<Entry> {
    let entry = |(at, (reply, tools)): (usize, (&str, Vec<Call>))| Entry {
        number: at + 1,
        how: How::Line(at + 1),
        customer: "…".to_owned(),
        reply: Some(reply.to_owned()).filter(|reply| !reply.is_empty()),
        with_person: false,
        tools,
        waiting_for: "nothing".to_owned(),
        triage: None,
        fault: None,
        attempt: at + 1,
    };
    entries.into_iter().enumerate().map(entry).collect()
}

fn articles() -> Articles {
    let article = |sku: &str, name: &str| Article { sku: sku.to_owned(), name: name.to_owned() };
    let lines = vec![article("TEA", "Green Tea 100 g"), article("MUG", "Blue Mug"), article("SPN", "Spoon")];
    [(OrderId::new("ORD1"), lines)].into()
}

/// The kinds of what is wrong.
fn wrong(expect: &Value, log: &[Entry]) -> Vec<Kind> {
    judge(&case(expect), log, &articles()).iter().map(|reason| reason.kind).collect()
}

#[test]
fn a_call_counts_where_it_succeeded_with_the_wanted_arguments() {
    let wanted = |args: Value| json!({"outcome": "acted", "needs": [{"tool": "change_order", "args": args}]});
    let made = |status: &str| {
        let arguments = json!({"order_id": "ord1", "address": "4th floor, Orchid Tower, Bengaluru 560048"});
        log(vec![("done", vec![call("change_order", arguments, json!({"status": status}))])])
    };
    for args in [
        json!({"order_id": "ORD1"}),
        json!({"order_id": ["ORD9", "ORD1"]}),
        json!({"order_id": "ORD1", "address": "~orchid"}),
        json!({"address": {"all": ["~orchid", "~560048"]}}),
        json!({"change": "~(?=.*560048)(?=.*orchid)"}),
    ] {
        assert_eq!(wrong(&wanted(args.clone()), &made("success")), [], "{args}");
        assert_eq!(wrong(&wanted(args.clone()), &made("already_done")), [], "{args}: done before");
        for status in ["needs_confirmation", "refused", "error"] {
            assert_eq!(wrong(&wanted(args.clone()), &made(status)), [Kind::NotDone], "{args}: {status}");
        }
    }
    for args in [
        json!({"order_id": "ORD2"}),
        json!({"phone": "~."}),
        json!({"change": "~lotus"}),
        json!({"change": "~ord1"}),
        json!({"address": {"all": ["~orchid", "~lotus"]}}),
    ] {
        assert_eq!(wrong(&wanted(args.clone()), &made("success")), [Kind::NotDone], "{args}");
    }
    let any = json!({"outcome": "answered", "needs": [{"any": [{"tool": "find_orders"}, {"tool": "refund_status"}]}]});
    assert_eq!(wrong(&any, &log(vec![("…", vec![call("find_orders", json!({}), json!({"orders": []}))])])), []);
    assert_eq!(
        wrong(&any, &log(vec![("…", vec![call("find_orders", json!({}), json!({"error": "no"}))])])),
        [Kind::NotDone]
    );
}

#[test]
fn items_are_exactly_the_wanted_ones() {
    let wanted = |items: &[&str]| json!({"outcome": "acted", "needs": [{"tool": "return_order", "args": {"order_id": "ORD1", "items": items}}]});
    let given = |items: Value| {
        let arguments = json!({"order_id": "ORD1", "items": items, "resolution": "refund"});
        log(vec![("…", vec![call("return_order", arguments, json!({"status": "success"}))])])
    };
    for items in [
        json!(["TEA"]),
        json!([{"name": "Green Tea 100 g"}]),
        json!([{"sku": "tea", "quantity": 1}]),
        json!("green tea"),
    ] {
        assert_eq!(wrong(&wanted(&["Green Tea"]), &given(items.clone())), [], "{items}");
        assert_eq!(wrong(&wanted(&["TEA"]), &given(items.clone())), [], "{items}");
        assert_eq!(wrong(&wanted(&["Green Tea", "Blue Mug"]), &given(items.clone())), [Kind::NotDone], "{items}");
        assert_eq!(wrong(&wanted(&["Spoon"]), &given(items.clone())), [Kind::NotDone], "{items}");
    }
    for all in [json!([]), Value::Null] {
        assert_eq!(wrong(&wanted(&["Tea", "Mug", "Spoon"]), &given(all.clone())), [], "none named is the whole order");
        assert_eq!(wrong(&wanted(&["Tea"]), &given(all)), [Kind::NotDone]);
    }
}

#[test]
fn money_is_exact_and_each_transaction_counts_once() {
    let paid = |calls: Vec<Call>| log(vec![("…", calls)]);
    let total = |amount: Value| json!({"outcome": "acted", "money": amount, "may": ["process_refund"]});
    let sixty = || vec![refund("ORD1", 60.0, "t1")];
    assert_eq!(wrong(&total(json!(60)), &paid(sixty())), []);
    assert_eq!(wrong(&total(json!([50, 60])), &paid(sixty())), []);
    assert_eq!(wrong(&total(json!({"ORD1": 60})), &paid(sixty())), []);
    for other in [json!(61), json!([1, 2]), json!({"ORD1": 61}), json!({"ORD2": 60}), json!({"ORD1": 60, "ORD2": 5})] {
        assert_eq!(wrong(&total(other.clone()), &paid(sixty())), [Kind::Money], "{other}");
    }
    assert_eq!(
        wrong(&json!({"outcome": "answered", "may": ["process_refund"]}), &paid(sixty())),
        [Kind::Money],
        "0 if not said"
    );
    // The same transaction told of twice, and a text as the amount.
    let mut twice = sixty();
    twice.push(call(
        "cancel_order",
        json!({"order_id": "ORD1"}),
        json!({"status": "success", "amount_refunded": "60.00", "transaction_id": "t1"}),
    ));
    let cancel = json!({"outcome": "acted", "money": 60, "may": ["process_refund", "cancel_order"]});
    assert_eq!(wrong(&cancel, &paid(twice)), []);
    let two = vec![refund("ORD1", 60.0, "t1"), refund("ORD1", 40.0, "t2")];
    assert_eq!(wrong(&total(json!(100)), &paid(two)), []);
    // What is only proposed pays nothing.
    let proposed =
        call("process_refund", json!({"order_id": "ORD1"}), json!({"status": "denied", "amount_refunded": 60}));
    assert_eq!(wrong(&total(json!(60)), &paid(vec![proposed])), [Kind::Money]);
}

#[test]
fn what_nobody_wished_must_not_be_done() {
    let cancel = || call("cancel_order", json!({"order_id": "ORD1"}), json!({"status": "success"}));
    let first = log(vec![("…", vec![cancel()]), ("…", vec![])]);
    assert_eq!(wrong(&json!({"outcome": "answered"}), &first), [Kind::NotWished]);
    assert_eq!(wrong(&json!({"outcome": "answered", "may": ["cancel_order"]}), &first), []);
    let forbid = |forbidden: Value| json!({"outcome": "answered", "may": ["cancel_order"], "forbid": [forbidden]});
    assert_eq!(wrong(&forbid(json!("cancel_order")), &first), [Kind::NotWished]);
    assert_eq!(wrong(&forbid(json!({"tool": "cancel_order", "at": 1})), &first), [Kind::NotWished]);
    assert_eq!(wrong(&forbid(json!({"tool": "cancel_order", "at": 2})), &first), []);
    assert_eq!(wrong(&forbid(json!({"tool": "cancel_order", "args": {"order_id": "ORD2"}})), &first), []);
    // A refund in place of a return pays what is due: the money is judged, not the tool.
    let paid = log(vec![("…", vec![refund("ORD1", 60.0, "t1")])]);
    assert_eq!(wrong(&json!({"outcome": "acted", "money": 60}), &paid), []);
}

#[test]
fn a_person_comes_when_and_as_the_case_says() {
    let at = |message: usize, priority: &str| {
        let mut entries = vec![("…", vec![]), ("… …", vec![]), ("… … …", vec![])];
        entries[message - 1].1.push(handed(priority));
        log(entries)
    };
    let want = |handover: Value| json!({"outcome": "handed_over", "handover": handover});
    assert_eq!(wrong(&want(json!({"by": 2})), &at(2, "low")), []);
    assert_eq!(wrong(&want(json!({"by": 2})), &at(3, "low")), [Kind::NoPerson]);
    assert_eq!(wrong(&json!({"outcome": "handed_over"}), &at(3, "low")), [Kind::NoPerson], "two attempts if not said");
    assert_eq!(wrong(&want(json!({"by": 1})), &log(vec![("…", vec![])])), [Kind::NoPerson]);
    assert_eq!(wrong(&want(json!({"by": 3, "not_before": 2})), &at(1, "low")), [Kind::NeedlessPerson]);
    let danger = json!({"by": 1, "at_once": true, "priority": "high"});
    assert_eq!(wrong(&want(danger.clone()), &at(1, "high")), []);
    assert_eq!(wrong(&want(danger.clone()), &at(1, "medium")), [Kind::Priority]);
    assert_eq!(wrong(&want(danger.clone()), &at(2, "high")), [Kind::NoPerson]);
    // An answer to a question is no scripted line, and no attempt.
    let mut answered = at(2, "high");
    answered[1].how = How::Answer("order_id".to_owned());
    answered[1].attempt = 1;
    assert_eq!(wrong(&want(danger), &answered), [Kind::NoPerson]);
    assert_eq!(wrong(&want(json!({"by": 1})), &answered), []);
    // A person who has the conversation without a call that says so.
    let mut taken = log(vec![("…", vec![])]);
    taken[0].with_person = true;
    assert_eq!(wrong(&want(json!({"by": 1})), &taken), []);
    assert_eq!(wrong(&want(json!({"by": 1, "priority": "high"})), &taken), [Kind::Priority]);
    assert_eq!(wrong(&json!({"outcome": "answered"}), &at(1, "low")), [Kind::NeedlessPerson]);
    assert_eq!(wrong(&json!({"outcome": "answered", "handover_ok": true}), &at(1, "low")), []);
}

#[test]
fn words_are_looked_for_where_the_case_says() {
    let said = log(vec![("It is on its way.", vec![]), ("It costs ₹1,299.", vec![])]);
    for (must, is_right) in [
        (json!("<OUT>"), true),
        (json!("\\b1299\\b"), true),
        (json!("delivered"), false),
        (json!({"re": "way", "at": 1}), true),
        (json!({"re": "way", "at": 2}), false),
        (json!({"re": "way", "from": 2}), false),
        (json!({"re": "1299", "from": 1}), true),
    ] {
        let expected: &[Kind] = if is_right { &[] } else { &[Kind::Says] };
        assert_eq!(wrong(&json!({"outcome": "answered", "must": [must]}), &said), expected, "{must}");
        let against: &[Kind] = if is_right { &[Kind::Says] } else { &[] };
        assert_eq!(wrong(&json!({"outcome": "answered", "must_not": [must]}), &said), against, "{must}");
    }
    // What follows a line before the next one belongs to it.
    let mut followed = said;
    followed[1].how = How::Again;
    assert_eq!(wrong(&json!({"outcome": "answered", "must": [{"re": "1299", "at": 1}]}), &followed), []);
}

#[test]
fn replies_are_in_the_customers_language() {
    let said = log(vec![
        ("Su pedido está en camino y llegará hoy por la tarde.", vec![]),
        ("Your order is on its way and should be with you soon.", vec![]),
        ("OK 👍", vec![]),
    ]);
    assert_eq!(wrong(&json!({"outcome": "answered", "lang": ["es"]}), &said), [Kind::Language]);
    assert_eq!(wrong(&json!({"outcome": "answered", "lang": "en", "lang_from": 2}), &said), []);
    assert_eq!(wrong(&json!({"outcome": "answered", "lang": ["en", "es"]}), &said), []);
    assert_eq!(wrong(&json!({"outcome": "answered"}), &said), []);
}

#[test]
fn of_several_right_ends_the_nearest_counts() {
    let expect = json!({
        "any": [{"outcome": "acted", "money": 60}, {"outcome": "handed_over", "handover": {"by": 1}, "must": ["colleague"]}],
        "must": ["sorry"],
    });
    let paid = log(vec![("Sorry! Done.", vec![refund("ORD1", 60.0, "t")])]);
    assert_eq!(wrong(&expect, &paid), []);
    assert_eq!(wrong(&expect, &log(vec![("Sorry, a colleague will answer.", vec![handed("low")])])), []);
    assert_eq!(wrong(&expect, &log(vec![("Sorry, somebody will answer.", vec![handed("low")])])), [Kind::Says]);
    assert_eq!(
        wrong(&expect, &log(vec![("Done.", vec![refund("ORD1", 60.0, "t")])])),
        [Kind::Says],
        "must of all is kept"
    );
    assert_eq!(case(&expect).expect.ways.len(), 2);
}

#[test]
fn loops_length_silence_faults_and_claims_are_wrong_everywhere() {
    let plain = json!({"outcome": "answered"});
    let loops = log(vec![("Which order?", vec![]), ("which  order?", vec![]), ("Which order?", vec![])]);
    assert_eq!(wrong(&plain, &loops), [Kind::Loop]);
    assert_eq!(wrong(&json!({"outcome": "answered", "same": 3}), &loops), []);
    assert_eq!(wrong(&json!({"outcome": "answered", "same": 3, "max_turns": 2}), &loops), [Kind::TooLong]);
    let silent = log(vec![("", vec![])]);
    assert_eq!(wrong(&plain, &silent), [Kind::Silence]);
    assert_eq!(wrong(&json!({"outcome": "answered", "silence_ok": true}), &silent), []);
    let mut failed = log(vec![("", vec![])]);
    failed[0].fault = Some("the store is gone".to_owned());
    assert_eq!(wrong(&plain, &failed), [Kind::Fault]);
    let claims = log(vec![("I have cancelled your order.", vec![])]);
    assert_eq!(wrong(&plain, &claims), [Kind::Claim]);
    assert_eq!(wrong(&json!({"outcome": "answered", "claims_ok": true}), &claims), []);
    let done = call("cancel_order", json!({"order_id": "ORD1"}), json!({"status": "success"}));
    let told = log(vec![("I have cancelled your order.", vec![done])]);
    assert_eq!(wrong(&json!({"outcome": "acted", "needs": [{"tool": "cancel_order"}]}), &told), []);
}

#[test]
fn a_wish_is_met_whatever_the_language() {
    let expect = json!({"outcome": "answered", "must": ["camino"], "lang": ["en"]});
    let said = log(vec![("Su pedido está en camino y llegará hoy por la tarde.", vec![])]);
    assert!(is_met(&case(&expect), &said, &articles()));
    assert!(!is_met(&case(&expect), &log(vec![("Hola", vec![])]), &articles()));
}

//! Clients with manners of their own, over pipes: each request with an id gets an answer, and nothing ends the session.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Session, shop};

const WAIT: Duration = Duration::from_secs(20);
const ORDER: &str = "query_order_database";

fn order_call(id: &Value, arguments: &Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": ORDER, "arguments": arguments}})
}

fn answer(session: &mut Session, line: &str) -> Value {
    session.send(line);
    session.line(WAIT).unwrap_or_else(|| panic!("no answer to {}", &line[..line.len().min(200)]))
}

#[test]
fn nothing_before_initialize_ends_it() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#;
    for silent in
        ["hello?", "", "\u{1b}[32mINFO\u{1b}[0m started", notification, r#"{"jsonrpc":"2.0","id":4,"result":{}}"#]
    {
        session.send(silent);
    }
    session.try_send_bytes(b"\xff\xfe\x00\n");
    for (line, id, code) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#, json!(1), -32_600),
        (r#"{"jsonrpc":"2.0","id":"a","method":"no/such"}"#, json!("a"), -32_600),
        (r#"{"jsonrpc":"2.0","id":2,"method":"tools/call"}"#, json!(2), -32_602),
        (r#"[{"jsonrpc":"2.0","id":3,"method":"ping"}]"#, json!(3), -32_600),
        ("[]", Value::Null, -32_600),
        (r#"{"jsonrpc":"2.0","id":5,"method":"pi"#, json!(5), -32_700),
        (r#"{"jsonrpc":"2.0","id":6}"#, json!(6), -32_600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, Value::Null, -32_600),
    ] {
        let answer = answer(&mut session, line);
        assert_eq!((&answer["id"], answer["error"]["code"].as_i64()), (&id, Some(code)), "{line}: {answer}");
        session.send(notification);
    }
    let early = answer(&mut session, r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#);
    assert!(early["error"]["message"].as_str().unwrap().contains("send initialize first"), "{early}");
    assert_eq!(answer(&mut session, r#"{"jsonrpc":"2.0","id":7,"method":"ping"}"#)["result"], json!({}));
    // Who it is is left out, and so is what it can do.
    let hello = answer(
        &mut session,
        r#"{"jsonrpc":"2.0","id":8,"method":"initialize","params":{"protocolVersion":"2025-06-18"}}"#,
    );
    assert_eq!(hello["result"]["protocolVersion"], "2025-06-18", "{hello}");
    let order = session.call(ORDER, json!({"order_id": "ORD000003"}));
    assert_eq!(order["structuredContent"]["Order ID"], "ORD000003");
    let (code, errors) = session.end();
    assert!(code == Some(0) && !errors.contains("panicked"), "{errors}");
}

#[test]
fn every_request_with_an_id_is_answered() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-11-25");
    for (method, params, reason) in [
        ("tools/call", json!({}), "name: it is missing"),
        ("tools/call", Value::Null, "name: it is missing"),
        ("tools/call", json!([1]), "params: it must be an object"),
        ("tools/call", json!({"name": ORDER, "arguments": "no json"}), "arguments"),
        ("resources/read", json!({}), "uri: it is missing"),
        ("prompts/get", json!({"name": 5}), "name: it is 5"),
        ("logging/setLevel", json!({"level": "loud"}), "logging/setLevel"),
        ("tools/list", json!({"_meta": []}), "_meta"),
    ] {
        let answer = session.ask(method, params);
        assert_eq!(answer["error"]["code"], -32_602, "{method}: {answer}");
        assert!(answer["error"]["message"].as_str().unwrap().contains(reason), "{method}: {answer}");
    }
    assert_eq!(session.ask("no/such", json!({}))["error"]["code"], -32_601);
    for arguments in [json!("{\"order_id\":\"ORD000003\"}"), json!({"order_id": "ORD000003"})] {
        let answer = answer(&mut session, &order_call(&json!("text"), &arguments).to_string());
        assert_eq!(answer["result"]["structuredContent"]["Order ID"], "ORD000003", "{answer}");
    }
    // A call that is too long is answered by its id, wherever the id can be found.
    let long = order_call(&json!(77), &json!({"order_id": "x".repeat(3_000_000)})).to_string();
    let refused = answer(&mut session, &long);
    assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(77), &json!(-32_600)), "{refused}");
    assert!(refused["error"]["message"].as_str().unwrap().contains("1048576"), "{refused}");
    let hidden = format!("{{\"params\":\"{}\",\"id\":78}}", "x".repeat(2_000_000));
    assert_eq!(answer(&mut session, &hidden)["id"], Value::Null);
    let deep = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":79,\"method\":\"ping\",\"params\":{}{}}}",
        "[".repeat(500),
        "]".repeat(500)
    );
    assert_eq!(answer(&mut session, &deep)["id"], 79);
    let odd = r#"{"jsonrpc":"2.0","id":80,"method":"tools/call","params":{"name":"\ud800"}}"#;
    assert_eq!(answer(&mut session, odd)["id"], 80);
    assert_eq!(session.call(ORDER, json!({"order_id": "ORD000003"}))["structuredContent"]["Order ID"], "ORD000003");
    let batch = format!("[{}]", order_call(&json!(81), &json!({"order_id": "ORD000003"})));
    let refused = answer(&mut session, &batch);
    assert!(refused["error"]["message"].as_str().unwrap().contains("2025-11-25"), "{refused}");
    assert_eq!(refused["id"], 81);
    session.send(r#"[{"jsonrpc":"2.0","id":82,"method":"ping"},{"jsonrpc":"2.0","id":"b","method":"ping"}]"#);
    let ids: Vec<Value> = (0..2).map(|_| session.line(WAIT).unwrap()["id"].clone()).collect();
    assert_eq!(ids, [json!(82), json!("b")], "each waits for an answer");
}

#[test]
fn a_batch_right_after_initialize_is_of_the_revision_that_was_asked_for() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    session.send(r#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-03-26"}}"#);
    session.send(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    session.send(r#"[{"jsonrpc":"2.0","id":2,"method":"ping"},{"jsonrpc":"2.0","id":3,"method":"ping"}]"#);
    assert_eq!(session.line(WAIT).unwrap()["result"]["protocolVersion"], "2025-03-26");
    let answers = session.line(WAIT).unwrap();
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "{answers}");
}

#[test]
fn a_batch_is_answered_together_where_the_revision_has_them() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-03-26");
    let batch = json!([
        order_call(&json!(1_001), &json!("{\"order_id\":\"ORD000003\"}")),
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}},
        {"jsonrpc": "2.0", "id": "p", "method": "ping"},
        {"jsonrpc": "2.0", "id": 1_002, "method": "tools/call", "params": {}},
        5,
    ]);
    let answers = answer(&mut session, &batch.to_string());
    let answers = answers.as_array().unwrap_or_else(|| panic!("{answers}"));
    let of =
        |id: &Value| answers.iter().find(|answer| answer["id"] == *id).unwrap_or_else(|| panic!("{id}: {answers:?}"));
    assert_eq!(answers.len(), 4, "{answers:?}");
    assert_eq!(of(&json!(1_001))["result"]["structuredContent"]["Order ID"], "ORD000003");
    assert_eq!(of(&json!("p"))["result"], json!({}));
    assert_eq!(of(&json!(1_002))["error"]["code"], -32_602);
    assert_eq!(of(&Value::Null)["error"]["code"], -32_600);
    assert_eq!(session.call(ORDER, json!({"order_id": "ORD000003"}))["structuredContent"]["Order ID"], "ORD000003");
}

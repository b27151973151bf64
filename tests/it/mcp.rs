//! The tool server as its clients meet it: the real program, over pipes and over HTTP.

pub(crate) mod client;
mod frames;
mod http;
mod manners;
mod remote;

use std::time::Duration;

use serde_json::{Value, json};

use crate::cli::{ecomres, run};
use client::{Session, shop};

const TOOLS: [&str; 11] = [
    "smart_triage_nlu",
    "query_order_database",
    "find_orders",
    "check_refund_eligibility",
    "process_refund",
    "refund_status",
    "cancel_order",
    "change_order",
    "return_order",
    "search_knowledge",
    "request_human_intervention",
];

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[test]
fn a_session_of_the_generation_with_initialize() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    let hello = session.initialize("2025-11-25");
    assert_eq!(hello["protocolVersion"], "2025-11-25");
    assert_eq!(hello["serverInfo"]["name"], "ecomres");
    for capability in ["tools", "resources", "prompts", "logging"] {
        assert!(hello["capabilities"][capability].is_object(), "{capability}");
    }
    let tools = session.ask("tools/list", json!({}))["result"]["tools"].clone();
    assert_eq!(names(&tools), TOOLS);
    for tool in tools.as_array().unwrap() {
        assert!(tool["title"].is_string() && tool["description"].as_str().unwrap().contains("all"), "{tool}");
        assert_eq!((&tool["inputSchema"]["type"], &tool["outputSchema"]["type"]), (&json!("object"), &json!("object")));
        let pays = tool["name"] == "process_refund" || tool["name"] == "cancel_order";
        assert_eq!(tool["annotations"]["destructiveHint"], pays);
        // A client of this server acts for the team: nothing waits for a second call.
        assert!(!tool["description"].as_str().unwrap().contains("needs_confirmation"), "{tool}");
        assert_eq!(tool["annotations"]["idempotentHint"], true);
        let reads = ["smart_triage_nlu", "query_order_database", "find_orders", "refund_status", "search_knowledge"]
            .contains(&tool["name"].as_str().unwrap());
        assert_eq!(tool["annotations"]["readOnlyHint"], reads);
    }
    let order = session.call("query_order_database", json!({"order_id": "ORD000003"}));
    assert_eq!(order["structuredContent"]["Order Value (INR)"], 599);
    let text: Value = serde_json::from_str(order["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, order["structuredContent"], "the documented JSON is the text too");
    let read = session.call("smart_triage_nlu", json!({"text": "where is my order"}));
    assert_eq!(read["structuredContent"]["intent"], "track_order");
    let refund = json!({"order_id": "ORD000003", "amount": 599, "reason": "broken"});
    let quote = session.call("check_refund_eligibility", json!({"order_id": "ORD000003"}));
    assert_eq!(quote["structuredContent"]["refund_amount"], 599);
    let wrong = session.call("process_refund", json!({"order_id": "ORD000003", "amount": 5990}));
    assert_eq!(wrong["structuredContent"]["code"], "wrong_amount");
    assert_eq!(session.call("process_refund", refund.clone())["structuredContent"]["status"], "success");
    assert_eq!(session.call("process_refund", refund)["structuredContent"]["status"], "already_refunded");
    let (code, errors) = session.end();
    assert_eq!(code, Some(0), "{errors}");
    for line in ["model loaded", "database connected", "server initialising"] {
        assert!(errors.contains(line), "{line} is not in:\n{errors}");
    }
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--store", "shop.db"]));
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("operator:mcp:test") && out.contains("process_refund"), "{out}");
}

#[test]
fn a_session_of_the_stateless_generation() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    session.stateless = true;
    let about = session.ask("server/discover", json!({}))["result"].clone();
    assert!(about["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")), "{about}");
    assert_eq!(about["resultType"], "complete");
    let tools = session.ask("tools/list", json!({}))["result"].clone();
    assert_eq!(names(&tools["tools"]), TOOLS);
    assert!(tools["ttlMs"].is_u64(), "{tools}");
    let order = session.call("query_order_database", json!({"order_id": "ORD000003"}));
    assert_eq!(
        (&order["resultType"], &order["structuredContent"]["Order ID"]),
        (&json!("complete"), &json!("ORD000003"))
    );
    assert_eq!(session.end().0, Some(0));
}

#[test]
fn wrong_calls_name_the_field_and_the_fix() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-06-18");
    for (tool, arguments, told) in [
        ("query_order_database", json!({}), "order_id: it is missing; give a string: The order id, such as ORD000003."),
        ("query_order_database", json!({"order_id": 3}), "order_id: it is 3; give a string"),
        ("query_order_database", json!({"order_id": "3"}), "one looks like ORD"),
        ("query_order_database", json!({"order_id": "ORD000003", "all": true}), "all: there is no such argument"),
        ("process_refund", json!({"order_id": "ORD000003", "amount": "much"}), "amount: "),
        ("request_human_intervention", json!({"reason": "x", "priority": "now"}), "give low, medium, high"),
        ("request_human_intervention", json!({"reason": "x"}), "user_id: it is empty"),
    ] {
        let result = session.call(tool, arguments);
        assert_eq!(result["isError"], true, "{result}");
        let text = result["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(told), "{told}: {text}");
    }
    let unknown = session.ask("tools/call", json!({"name": "drop_tables", "arguments": {}}));
    assert_eq!(unknown["error"]["code"], -32602, "{unknown}");
    assert!(unknown["error"]["message"].as_str().unwrap().contains("query_order_database"));
    assert!(session.ask("no/such/method", json!({}))["error"]["code"].is_i64());
}

#[test]
fn resources_and_prompts() {
    let folder = shop();
    std::fs::write(folder.path().join("script.txt"), "where is ORD000001\n").unwrap();
    let (code, _, err) = run(ecomres(folder.path()).args([
        "simulate",
        "--script",
        "script.txt",
        "--user-id",
        "a b",
        "--store",
        "shop.db",
    ]));
    assert_eq!(code, 0, "{err}");
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-11-25");
    let listed = session.ask("resources/list", json!({}))["result"]["resources"].clone();
    assert_eq!(listed[0]["uri"], "ecomres://policy/refund");
    let templates = session.ask("resources/templates/list", json!({}))["result"]["resourceTemplates"].clone();
    assert_eq!(templates[0]["uriTemplate"], "ecomres://orders/{id}");
    let mut read = |uri: &str| {
        let answer = session.ask("resources/read", json!({"uri": uri}));
        let text = answer["result"]["contents"][0]["text"].as_str();
        text.map(|text| serde_json::from_str::<Value>(text).unwrap()).ok_or_else(|| answer["error"]["code"].clone())
    };
    assert_eq!(read("ecomres://policy/refund").unwrap()["currency"], "INR");
    assert_eq!(read("ecomres://orders/ord000003").unwrap()["Order ID"], "ORD000003");
    let conversation = read("ecomres://conversations/a%20b").unwrap();
    assert_eq!(conversation["messages"][0]["text"], "where is ORD000001");
    for wrong in ["ecomres://orders/ORD999999", "ecomres://conversations/nobody", "ecomres://x", "file:///etc/passwd"] {
        assert_eq!(read(wrong).unwrap_err(), -32002, "{wrong}");
    }
    let prompts = session.ask("prompts/list", json!({}))["result"]["prompts"].clone();
    assert_eq!(names(&prompts), ["triage_and_resolve", "refund_walkthrough"]);
    let prompt = session
        .ask("prompts/get", json!({"name": "refund_walkthrough", "arguments": {"order_id": "ORD000003"}}))["result"]
        .clone();
    assert!(prompt["messages"][0]["content"]["text"].as_str().unwrap().contains("ORD000003"));
    let missing = session.ask("prompts/get", json!({"name": "refund_walkthrough"}));
    assert_eq!(missing["error"]["code"], -32602);
}

#[test]
fn progress_and_log_only_where_they_are_asked_for() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-11-25");
    let call = json!({"name": "query_order_database", "arguments": {"order_id": "ORD000003"}});
    session.ask("tools/call", call.clone());
    assert_eq!(session.notifications, Vec::<Value>::new());
    let mut with_progress = call.clone();
    with_progress["_meta"] = json!({"progressToken": "p1"});
    session.ask("tools/call", with_progress);
    let steps: Vec<(&str, f64)> = session
        .notifications
        .iter()
        .filter(|note| note["method"] == "notifications/progress")
        .map(|note| (note["params"]["progressToken"].as_str().unwrap(), note["params"]["progress"].as_f64().unwrap()))
        .collect();
    assert_eq!(steps, [("p1", 0.0), ("p1", 1.0)]);
    session.notifications.clear();
    session.ask("logging/setLevel", json!({"level": "info"}));
    session.ask("tools/call", call);
    assert_eq!(session.notifications.len(), 1);
    assert_eq!(session.notifications[0]["params"]["data"]["event"], "finished");
}

#[test]
fn the_team_does_to_orders_what_the_tools_say() {
    let folder = shop();
    let orders = json!([
        {"order_id": "ORD700001", "status": "packed", "total": "262.00", "payment_status": "paid", "address": "27 Temple Road"},
        {"order_id": "ORD700002", "status": "delivered", "total": "108.00", "payment_status": "paid", "order_date": "2026-06-01",
         "items": [{"sku": "MLK", "name": "Milk", "quantity": 1, "price": "58"}, {"sku": "BRD", "name": "Bread", "quantity": 1, "price": "50"}]},
    ]);
    std::fs::write(folder.path().join("orders.json"), orders.to_string()).unwrap();
    let (code, _, err) = run(ecomres(folder.path()).args(["import", "orders.json", "--store", "shop.db", "--yes"]));
    assert_eq!(code, 0, "{err}");
    std::fs::write(folder.path().join("ecomres.toml"), "[policy]\nreturn_window_days = 0\n").unwrap();
    let mut session = Session::start(folder.path(), &[]);
    session.initialize("2025-11-25");
    let mut call = |name: &str, arguments: Value| session.call(name, arguments)["structuredContent"].clone();
    let changed = call("change_order", json!({"order_id": "ORD700001", "address": "9 Hill View, Pune 411045"}));
    assert_eq!(changed["status"], "success", "{changed}");
    let seen = call("query_order_database", json!({"order_id": "ORD700001"}));
    assert_eq!(seen["Address"], "9 Hill View, Pune 411045");
    let cancelled = call("cancel_order", json!({"order_id": "ORD700001", "reason": "by mistake"}));
    assert_eq!((&cancelled["status"], &cancelled["amount_refunded"]), (&json!("success"), &json!(262)), "{cancelled}");
    let again = call("cancel_order", json!({"order_id": "ORD700001"}));
    assert_eq!((&again["status"], &again["transaction_id"]), (&json!("already_done"), &cancelled["transaction_id"]));
    let back =
        call("return_order", json!({"order_id": "ORD700002", "resolution": "refund", "items": [{"name": "bread"}]}));
    assert_eq!((&back["status"], &back["amount"]), (&json!("success"), &json!(50)), "{back}");
    drop(session);
    let tell = |arguments: &[&str]| {
        let (code, out, err) = run(ecomres(folder.path()).args(arguments).args(["--store", "shop.db", "--json"]));
        assert_eq!(code, 0, "{arguments:?}: {out}{err}");
        serde_json::from_str::<Value>(&out).unwrap()
    };
    let open = tell(&["orders", "actions", "--open"]);
    let kinds: Vec<&str> =
        open["actions"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["return", "cancel", "change"], "{open}");
    let done = tell(&["orders", "done", back["action_id"].as_str().unwrap(), "--by", "desk"]);
    assert!(done["status"] == "done" && done["transaction_id"].is_string(), "{done}");
    let again = tell(&["orders", "done", back["action_id"].as_str().unwrap()]);
    assert_eq!((&again["status"], &again["transaction_id"]), (&json!("already_done"), &Value::Null));
    assert_eq!(tell(&["orders", "actions", "--open"])["actions"].as_array().unwrap().len(), 2);
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn read_only_leaves_out_what_pays_and_alerts() {
    let folder = shop();
    let mut session = Session::start(folder.path(), &["--read-only"]);
    session.initialize("2025-11-25");
    let tools = session.ask("tools/list", json!({}))["result"]["tools"].clone();
    assert_eq!(names(&tools), [TOOLS[0], TOOLS[1], TOOLS[2], TOOLS[3], TOOLS[5], TOOLS[9]]);
    let refund = session.ask("tools/call", json!({"name": "process_refund", "arguments": {"order_id": "ORD000003"}}));
    assert_eq!(refund["error"]["code"], -32602, "{refund}");
}

#[test]
fn nothing_but_the_protocol_reaches_standard_output() {
    let folder = shop();
    std::fs::write(folder.path().join("broken.db"), "this is no database, but it is long enough to be looked at")
        .unwrap();
    for (arguments, told) in [
        (vec!["--store", "missing.db"], "missing.db does not exist"),
        (vec!["--store", "broken.db"], "broken.db"),
        (vec!["--model", "nowhere"], "nowhere"),
        (vec!["--http", "0.0.0.0:0", "--store", "shop.db"], "no token is set"),
    ] {
        let (code, out, err) = run(ecomres(folder.path()).arg("mcp").args(&arguments));
        assert_eq!((code, out.as_str()), (1, ""), "{arguments:?}: {err}");
        assert!(err.contains(told) && err.contains("hint: "), "{err}");
    }
    // An empty shop is served, with a warning where it belongs.
    let mut session = Session::spawn(ecomres(folder.path()).args(["mcp", "-vvv"]));
    session.initialize("2025-11-25");
    let order = session.call("query_order_database", json!({"order_id": "ORD000001"}));
    assert_eq!(order["structuredContent"]["error"], "Order ORD000001 was not found.");
    let (code, errors) = session.end();
    assert!(code == Some(0) && errors.contains("holds no orders"), "{errors}");
}

#[test]
fn the_server_ends_with_its_client() {
    let folder = shop();
    let mut early = Session::start(folder.path(), &[]);
    early.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string());
    assert_eq!(early.end().0, Some(0), "input that ends before anything was asked");

    let mut stopped = Session::start(folder.path(), &[]);
    stopped.initialize("2025-11-25");
    stopped.terminate();
    assert_eq!(stopped.wait(Duration::from_secs(10)), Some(0), "SIGTERM");

    let mut deaf = Session::start(folder.path(), &[]);
    deaf.initialize("2025-11-25");
    deaf.close_output();
    for id in 100..200 {
        // The first answers may still fit into the pipe.
        if !deaf.try_send(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/list"}).to_string()) {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(deaf.wait(Duration::from_secs(10)), Some(0), "a pipe that nobody reads");
}

#[test]
fn a_conversation_runs_on_the_tools_of_another_process() {
    let folder = shop();
    let command = format!("'{}' mcp --quiet --store shop.db", assert_cmd::cargo::cargo_bin("ecomres").display());
    let server = http::Server::start(folder.path(), &["--store", "shop.db"], &[]);
    for (target, order) in [(command.as_str(), "refund"), (server.url.as_str(), "complaint")] {
        let (code, out, err) =
            run(ecomres(folder.path()).args(["simulate", "--json", "--scenario", order, "--tools", target]));
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("RFND_") && out.contains("\"status\":\"success\""), "{target}: {out}");
    }
    let (code, out, err) = run(ecomres(folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!(code, 0, "{out}{err}");
    let (code, _, err) =
        run(ecomres(folder.path()).args(["simulate", "--scenario", "order", "--tools", "http://127.0.0.1:9/mcp"]));
    assert!(code == 1 && err.contains("127.0.0.1:9") && err.contains("hint: "), "{err}");
}

#[test]
fn foreign_servers_that_are_wrong_or_unreachable_are_reported() {
    let folder = shop();
    let simulate = |settings: &str| {
        std::fs::write(folder.path().join("ecomres.toml"), settings).unwrap();
        run(ecomres(folder.path()).args(["simulate", "--scenario", "order"]))
    };
    let (code, _, err) = simulate("[[mcp.servers]]\nname = 'x'\nurl = 'http://127.0.0.1:9/mcp'\n");
    assert!(code == 1 && err.contains("mcp.servers") && err.contains("x needs allow"), "{err}");
    let away = "[[mcp.servers]]\nname = 'x'\ncommand = 'no-such-program-here'\nallow = ['*']\n";
    let (code, _, err) = simulate(away);
    assert!(code == 0 && err.contains("its tools are not offered"), "{code} {err}");
}

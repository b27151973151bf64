//! Tools of another server as a bot calls them: side by side, and again after the server was away.

use std::time::{Duration, Instant};

use ecomres::mcp::client::{Client, Target};
use ecomres::mcp::foreign::{ForeignServer, tools_of};
use ecomres::tools::{ORDER, REFUND, RemoteError, RemoteTools};
use serde_json::{Value, json};

use super::client::{shop, terminate, wait};
use super::http::Server;

fn client(target: &str, token: Option<&str>) -> Client {
    Client::new(Target::parse(target, token.map(|token| token.to_owned().into())).unwrap())
}

async fn order(client: &Client) -> Result<Value, RemoteError> {
    client.call(ORDER, json!({"order_id": "ORD000003"}), true).await
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_run_side_by_side_and_outlive_a_restart() {
    let folder = shop();
    let fast = [("ECOMRES_MCP__REQUESTS_PER_SECOND", "100000")];
    let mut server = Server::start(folder.path(), &["--store", "shop.db"], &fast);
    let client = client(&server.url, None);
    let calls = (0..64).map(|_| order(&client));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(answer.unwrap()["Order ID"], "ORD000003");
    }
    let wrong = client.call(ORDER, json!({"order_id": 3}), true).await.unwrap_err();
    assert!(matches!(&wrong, RemoteError::Refused(told) if told.contains("order_id: it is 3")), "{wrong}");

    terminate(&server.child);
    assert_eq!(wait(&mut server.child, Duration::from_secs(15)), Some(0));
    let begun = Instant::now();
    let refund = client.call(REFUND, json!({"order_id": "ORD000003"}), false).await.unwrap_err();
    assert!(matches!(refund, RemoteError::Unreachable { .. }), "{refund}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let again = Server::at(&server.address, folder.path(), &["--store", "shop.db"], &fast);
    assert_eq!(order(&client).await.unwrap()["Order ID"], "ORD000003");
    drop(again);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_ended_is_started_again() {
    let folder = shop();
    let program = assert_cmd::cargo::cargo_bin("ecomres");
    // It is ended after two seconds, whoever is served.
    let command = format!("'{}' mcp --quiet --store '{}'", program.display(), folder.path().join("shop.db").display());
    let ends = client(&format!("timeout 2 {command}"), None);
    assert_eq!(order(&ends).await.unwrap()["Order ID"], "ORD000003");
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(order(&ends).await.unwrap()["Order ID"], "ORD000003");
    let missing = order(&client("no-such-program-here", None)).await.unwrap_err();
    assert!(missing.to_string().contains("no-such-program-here") && missing.hint().is_some(), "{missing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_shown_and_a_wrong_one_is_told_at_once() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[("MCP_TOKEN", "s3cret")]);
    assert_eq!(order(&client(&server.url, Some("s3cret"))).await.unwrap()["Order ID"], "ORD000003");
    let begun = Instant::now();
    let refused = order(&client(&server.url, Some("wrong"))).await.unwrap_err();
    assert!(matches!(refused, RemoteError::Unreachable { .. }), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn of_third_parties_only_what_is_allowed_is_offered() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    let offered = async |allow: &[&str]| {
        let target = Target::parse(&server.url, None).unwrap();
        let allow = allow.iter().map(|name| (*name).to_owned()).collect();
        let tools = tools_of(vec![ForeignServer { prefix: "other".into(), target, allow }]).await;
        tools.into_iter().map(|tool| tool.spec.name.into_owned()).collect::<Vec<_>>()
    };
    let harmless = ["other_smart_triage_nlu", "other_query_order_database", "other_request_human_intervention"];
    assert_eq!(offered(&["*"]).await, harmless, "nothing about money");
    assert_eq!(offered(&["process_refund"]).await, ["other_process_refund"]);
    assert_eq!(offered(&["no_such_tool"]).await, Vec::<String>::new());
}

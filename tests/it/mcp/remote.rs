//! Tools of another server as a bot calls them: side by side, and again after the server was away.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use ecomres::mcp::client::{Client, Target};
use ecomres::mcp::foreign::{ForeignServer, connect_in_background, tools_of};
use ecomres::tools::{ORDER, REFUND, RemoteError, RemoteTools};
use serde_json::{Value, json};

use super::client::{shop, terminate, wait};
use super::http::Server;
use crate::cli::{ecomres, run};

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

#[test]
fn a_server_that_is_not_there_is_told_in_one_sentence() {
    let folder = shop();
    std::fs::write(folder.path().join("says.txt"), "hello\n").unwrap();
    let arguments = ["simulate", "--tools", "http://127.0.0.1:1/mcp", "--script", "says.txt"];
    let (code, _, err) = run(ecomres(folder.path()).args(arguments));
    assert!(
        code == 1 && err.contains("did not answer: ") && err.contains("refused") && err.contains("hint: "),
        "{err}"
    );
    assert!(!err.contains("rmcp") && !err.contains("Transport ["), "{err}");
    assert!(err.matches("WARN").count() <= 1, "{err}");
}

#[test]
fn limits_of_a_month_and_the_tools_of_another_server_are_refused_together() {
    let folder = shop();
    for limit in [("ECOMRES_POLICY__MONTHLY_REFUNDS", "2"), ("ECOMRES_POLICY__MONTHLY_AMOUNT", "5000")] {
        let arguments = ["simulate", "--tools", "http://127.0.0.1:1/mcp", "--scenario", "order"];
        let (code, _, err) = run(ecomres(folder.path()).args(arguments).env(limit.0, limit.1));
        assert!(code != 0 && err.contains("do not go together") && err.contains("hint: "), "{limit:?}: {err}");
    }
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
async fn a_token_is_sent_and_a_wrong_one_is_reported_at_once() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[("MCP_TOKEN", "s3cret-of-the-tests")]);
    assert_eq!(order(&client(&server.url, Some("s3cret-of-the-tests"))).await.unwrap()["Order ID"], "ORD000003");
    let begun = Instant::now();
    let refused = order(&client(&server.url, Some("wrong"))).await.unwrap_err();
    assert!(matches!(refused, RemoteError::Unreachable { .. }), "{refused}");
    assert!(!refused.to_string().contains("wrong"), "{refused}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_allowed_tools_of_foreign_servers_are_offered() {
    let folder = shop();
    let server = Server::start(folder.path(), &["--store", "shop.db"], &[]);
    let offered = async |allow: &[&str]| {
        let target = Target::parse(&server.url, None).unwrap();
        let allow = allow.iter().map(|name| (*name).to_owned()).collect();
        let tools =
            tools_of(vec![ForeignServer { prefix: "other".into(), target, allow, start: Duration::from_secs(20) }])
                .await;
        tools.into_iter().map(|tool| tool.spec.name.into_owned()).collect::<Vec<_>>()
    };
    let harmless = ["other_smart_triage_nlu", "other_find_orders", "other_request_human_intervention"];
    assert_eq!(offered(&["*"]).await, harmless, "nothing about money");
    assert_eq!(offered(&["process_refund"]).await, ["other_process_refund"]);
    assert_eq!(offered(&["no_such_tool"]).await, Vec::<String>::new());
}

/// A server in a few lines of a shell, which answers by what a line contains; `$id` is the id of the request.
fn shell(folder: &std::path::Path, name: &str, answers: &[(&str, Value)]) -> String {
    let mut script = "while read -r line; do\n\
        id=$(printf '%s' \"$line\" | sed -n 's/.*\"id\":\\([0-9]*\\).*/\\1/p')\n\
        case $line in\n"
        .to_owned();
    for (part, result) in answers {
        let body = json!({"jsonrpc": "2.0", "id": 987, "result": result}).to_string().replace('\'', "");
        let body = body.replace("987", "'$id'");
        writeln!(script, "*'{part}'*) printf '%s\\n' '{body}';;").unwrap();
    }
    script += "esac\ndone\n";
    let path = folder.join(name);
    std::fs::write(&path, script).unwrap();
    format!("sh '{}'", path.display())
}

fn handshake() -> Value {
    json!({"protocolVersion": "2025-06-18", "capabilities": {"tools": {}}, "serverInfo": {"name": "s", "version": "1"}})
}

fn lists(names: &[&str]) -> Value {
    let tools: Vec<Value> = names.iter().map(|name| json!({"name": name, "inputSchema": {"type": "object"}})).collect();
    json!({"tools": tools})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_discovery_with_nothing_or_never_is_asked_as_older_ones() {
    let folder = tempfile::tempdir().unwrap();
    let handshake = handshake();
    let listed = lists(&["track"]);
    let empty = shell(
        folder.path(),
        "empty.sh",
        &[("server/discover", json!({})), ("\"initialize\"", handshake.clone()), ("tools/list", listed.clone())],
    );
    let begun = Instant::now();
    let tools = client(&empty, None).tools().await.unwrap();
    assert_eq!(tools[0].name, "track");
    assert!(begun.elapsed() < Duration::from_secs(8), "it need not wait: {:?}", begun.elapsed());
    let silent = shell(folder.path(), "silent.sh", &[("\"initialize\"", handshake), ("tools/list", listed)]);
    assert_eq!(client(&silent, None).tools().await.unwrap()[0].name, "track");
    // One that ends at the first message it does not know.
    let path = folder.path().join("proud.sh");
    let inner = silent.trim_start_matches("sh ").trim_matches('\'');
    let script = format!(
        "read -r first; case $first in *server/discover*) exit 1;; esac\n(printf '%s\\n' \"$first\"; cat) | sh '{inner}'\n"
    );
    std::fs::write(&path, script).unwrap();
    let proud = client(&format!("sh '{}'", path.display()), None);
    assert_eq!(proud.tools().await.unwrap()[0].name, "track");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_starts_slowly_is_waited_for_and_its_late_answer_is_none() {
    let folder = shop();
    let program = assert_cmd::cargo::cargo_bin("ecomres");
    let store = folder.path().join("shop.db");
    let path = folder.path().join("slow.sh");
    std::fs::write(&path, format!("sleep 12; exec '{}' mcp --quiet --store '{}'", program.display(), store.display()))
        .unwrap();
    let target = format!("sh '{}'", path.display());
    let slow = client(&target, None);
    let begun = Instant::now();
    assert_eq!(order(&slow).await.unwrap()["Order ID"], "ORD000003");
    assert!(begun.elapsed() > Duration::from_secs(11));
    let impatient = client(&target, None).with_start_time(Duration::from_secs(2));
    let begun = Instant::now();
    let late = order(&impatient).await.unwrap_err();
    assert!(late.to_string().contains("no answer within 2 s") && begun.elapsed() < Duration::from_secs(6), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_tools_is_refused_by_their_names() {
    let folder = shop();
    let whole = format!(
        "'{}' mcp --quiet --store '{}'",
        assert_cmd::cargo::cargo_bin("ecomres").display(),
        folder.path().join("shop.db").display()
    );
    client(&whole, None).require(&[ORDER, REFUND]).await.unwrap();
    let reading = client(&format!("{whole} --read-only"), None).require(&[ORDER, REFUND]).await.unwrap_err();
    assert!(matches!(&reading, RemoteError::Missing { tools, .. } if tools == REFUND), "{reading}");
    let other = shell(
        folder.path(),
        "other.sh",
        &[("server/discover", json!({})), ("\"initialize\"", handshake()), ("tools/list", lists(&["x"]))],
    );
    let (code, _, err) = run(ecomres(folder.path()).args(["simulate", "--scenario", "order", "--tools", &other]));
    assert!(
        code == 1 && err.contains("smart_triage_nlu") && err.contains("process_refund") && err.contains("hint: "),
        "{err}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_server_delays_nothing_and_its_tools_appear_once_it_answers() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("ready");
    let working = shell(
        folder.path(),
        "working.sh",
        &[("server/discover", json!({})), ("\"initialize\"", handshake()), ("tools/list", lists(&["track"]))],
    );
    let gate = folder.path().join("gate.sh");
    std::fs::write(&gate, format!("[ -e '{}' ] || exit 1; exec {working}", mark.display())).unwrap();
    let server = ForeignServer {
        prefix: "courier".into(),
        target: Target::parse(&format!("sh '{}'", gate.display()), None).unwrap(),
        allow: vec!["*".into()],
        start: Duration::from_secs(3),
    };
    let (sender, mut found) = tokio::sync::mpsc::unbounded_channel();
    let begun = Instant::now();
    let tried = connect_in_background(vec![server], move |tools| sender.send(tools).unwrap());
    assert!(begun.elapsed() < Duration::from_millis(500));
    tried.await;
    assert!(found.try_recv().is_err(), "it does not answer yet");
    std::fs::write(&mark, "").unwrap();
    let tools = tokio::time::timeout(Duration::from_secs(20), found.recv()).await.unwrap().unwrap();
    assert_eq!(tools[0].spec.name, "courier_track");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_odd_server_leaves_out_is_not_missed() {
    let folder = tempfile::tempdir().unwrap();
    let tools = json!({"nextCursor": null, "tools": [
        {"name": "track", "title": null, "description": null, "inputSchema": null, "annotations": null},
        {"name": "bare"},
        {"title": "nameless"},
    ]});
    let odd = shell(
        folder.path(),
        "odd.sh",
        &[
            ("server/discover", json!({})),
            ("\"initialize\"", handshake()),
            ("tools/list", tools),
            ("\"track\"", json!({"content": null, "structuredContent": {"where": "near"}, "isError": null})),
            ("\"bare\"", json!({"content": [{"type": "text", "text": "parcel 1 is not known"}], "isError": true})),
        ],
    );
    let odd = client(&odd, None);
    let names: Vec<String> = odd.tools().await.unwrap().into_iter().map(|tool| tool.name.into_owned()).collect();
    assert_eq!(names, ["track", "bare"]);
    assert_eq!(odd.call("track", json!({}), true).await.unwrap(), json!({"where": "near"}));
    let told = odd.call("bare", json!({}), true).await.unwrap_err();
    assert!(matches!(&told, RemoteError::Refused(told) if told == "parcel 1 is not known"), "{told}");
}

/// A server over HTTP of a generation that knows no discovery, and says so in its own way.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_server_over_http_is_asked_as_one() {
    use wiremock::matchers::{body_string_contains, method};
    use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

    struct Answers(Value);
    impl Respond for Answers {
        fn respond(&self, request: &Request) -> ResponseTemplate {
            let asked: Value = serde_json::from_slice(&request.body).unwrap();
            ResponseTemplate::new(200).set_body_json(json!({"jsonrpc": "2.0", "id": asked["id"], "result": self.0}))
        }
    }
    for (name, discovery) in [
        ("refuses", Some(ResponseTemplate::new(400).set_body_string("Bad Request: no valid session ID"))),
        ("has no such page", Some(ResponseTemplate::new(404))),
        ("answers with nothing", None),
    ] {
        let server = MockServer::start().await;
        let asked = |what: &str| Mock::given(method("POST")).and(body_string_contains(what));
        match discovery {
            Some(answer) => asked("server/discover").respond_with(answer).mount(&server).await,
            None => asked("server/discover").respond_with(Answers(json!({}))).mount(&server).await,
        }
        asked("\"initialize\"").respond_with(Answers(handshake())).mount(&server).await;
        asked("notifications/").respond_with(ResponseTemplate::new(202)).mount(&server).await;
        asked("tools/list").respond_with(Answers(lists(&["track"]))).mount(&server).await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(405)).mount(&server).await;
        let begun = Instant::now();
        let tools = client(&format!("{}/mcp", server.uri()), None).tools().await;
        assert_eq!(tools.unwrap_or_else(|error| panic!("{name}: {error}"))[0].name, "track");
        assert!(begun.elapsed() < Duration::from_secs(9), "{name}: {:?}", begun.elapsed());
    }
}

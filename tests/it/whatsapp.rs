//! The bot as Meta and customers meet it: the real program, with a stand-in for the Graph API.
//!
//! Meta's own samples are read from `../shared/fixtures/whatsapp`, by tests that `.ci/run` runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use ecomres::channels::whatsapp::{payload, signature, wire};
use ecomres::domain::ids::{MessageId, UserId};
use ecomres::domain::outgoing::{Answered, Body, Choice, Identity, Outgoing};
use ecomres::domain::sendable::{Contact, Sendable};
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::cli::{ecomres, run};
use crate::mcp::client::{piped, shop, terminate, wait};
use crate::shared;

pub(crate) const SECRET: &str = "app-secret";
const CUSTOMER: &str = "919876500001";

pub(crate) fn header(body: &[u8], secret: &str) -> String {
    let signature = signature::sign(&SecretString::from(secret), body);
    format!("sha256={}", hex::encode(signature))
}

/// Takes every message, and names each differently.
pub(crate) struct Taken(pub(crate) AtomicU32);

impl Respond for Taken {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        if body["status"] == "read" {
            return ResponseTemplate::new(200).set_body_json(json!({"success": true}));
        }
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        ResponseTemplate::new(200).set_body_json(json!({"messages": [{"id": format!("wamid.out.{number}")}]}))
    }
}

/// A running bot.
pub(crate) struct Bot {
    child: Child,
    url: String,
    http: reqwest::Client,
    pub(crate) graph: MockServer,
    pub folder: TempDir,
    next: AtomicU32,
}

impl Bot {
    pub(crate) async fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::start_on(MockServer::start().await, arguments, environment).await
    }

    /// As [`Bot::start`], with this stand-in for the Graph API, which may stand in for other services as well.
    pub(crate) async fn start_on(graph: MockServer, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let posts = Mock::given(method("POST")).and(path("/v25.0/42/messages"));
        posts.respond_with(Taken(AtomicU32::new(0))).mount(&graph).await;
        Mock::given(method("POST"))
            .and(path_regex("^/alerts$"))
            .respond_with(ResponseTemplate::new(200))
            .mount(&graph)
            .await;
        let folder = shop();
        let (child, url) = Self::process(&graph, folder.path(), arguments, environment);
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        Self { child, url, http, graph, folder, next: AtomicU32::new(0) }
    }

    /// Kills the process as it is, and starts another one on the same store.
    pub(crate) fn kill_and_start(&mut self, arguments: &[&str], environment: &[(&str, &str)]) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        (self.child, self.url) = Self::process(&self.graph, self.folder.path(), arguments, environment);
    }

    fn process(graph: &MockServer, folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> (Child, String) {
        let mut command = ecomres(folder);
        command.args(arguments).args(["--port", "0", "--store", "shop.db"]);
        for (name, value) in [
            ("VERIFY_TOKEN", "verify-me"),
            ("APP_SECRET", SECRET),
            ("ACCESS_TOKEN", "token"),
            ("PHONE_ID", "42"),
            ("ECOMRES_WHATSAPP__GRAPH_URL", &graph.uri()),
            ("ECOMRES_WHATSAPP__BURST_MS", "150"),
            ("ECOMRES_METRICS__TOKEN", "metrics-token-of-16"),
            ("ECOMRES_ALERTS__WEBHOOK_URL", &format!("{}/alerts", graph.uri())),
        ]
        .into_iter()
        .chain(environment.iter().copied())
        {
            command.env(name, value);
        }
        let mut child = piped(&command).spawn().unwrap();
        let mut errors = BufReader::new(child.stderr.take().unwrap());
        let url = loop {
            let mut line = String::new();
            assert!(errors.read_line(&mut line).unwrap() > 0, "it ended before it listened");
            if let Some((_, url)) = line.trim().split_once("bot listening at ") {
                break url.trim_end_matches("/webhook").to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::stderr()));
        (child, url)
    }

    pub(crate) async fn post(&self, body: Vec<u8>, signature: Option<&str>) -> u16 {
        let mut request = self.http.post(format!("{}/webhook", self.url)).body(body);
        if let Some(signature) = signature {
            request = request.header("X-Hub-Signature-256", signature);
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// Posts a body with these headers elsewhere; the answer as JSON, or as text.
    pub(crate) async fn post_to(&self, path: &str, headers: &[(&str, &str)], body: String) -> (u16, Value) {
        let mut request = self.http.post(format!("{}{path}", self.url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub(crate) async fn deliver(&self, value: &Value) {
        let change = json!({"field": "messages", "value": value});
        let body =
            json!({"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": [change]}]}).to_string();
        let signature = header(body.as_bytes(), SECRET);
        assert_eq!(self.post(body.into_bytes(), Some(&signature)).await, 200);
    }

    /// A message of a customer; it comes later than all before it.
    pub(crate) fn message(&self, from: &str, kind: &str, inside: &Value) -> Value {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let sent = Timestamp::now().as_second().to_string();
        json!({"messaging_product": "whatsapp", "contacts": [{"wa_id": from}], "messages": [
            {"from": from, "id": format!("wamid.in.{from}.{number}"), "timestamp": sent, "type": kind, kind: inside},
        ]})
    }

    pub(crate) async fn write(&self, from: &str, text: &str) {
        self.deliver(&self.message(from, "text", &json!({"body": text}))).await;
    }

    /// What was sent to a customer so far, read receipts left out.
    pub(crate) async fn sent(&self, to: &str) -> Vec<Value> {
        let requests = self.graph.received_requests().await.unwrap();
        let bodies = requests.iter().filter_map(|request| request.body_json::<Value>().ok());
        bodies.filter(|body| body["to"] == to || body["recipient"] == to).collect()
    }

    /// Waits for the message with this number, from 1, to a customer.
    pub(crate) async fn reply(&self, to: &str, number: usize) -> Value {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(20) {
            if let Some(body) = self.sent(to).await.get(number - 1) {
                return body.clone();
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no message {number} to {to}: {:#?}", self.sent(to).await);
    }

    /// The identifier that the Graph API gave to the message that was sent last, to whomever.
    pub(crate) async fn last_id(&self) -> String {
        let requests = self.graph.received_requests().await.unwrap();
        let bodies = requests.iter().filter(|request| request.url.path().ends_with("/messages"));
        let sent =
            bodies.filter_map(|request| request.body_json::<Value>().ok()).filter(|body| body["status"] != "read");
        format!("wamid.out.{}", sent.count() - 1)
    }

    /// Waits long enough for a turn that would answer, and checks that none did.
    pub(crate) async fn silence(&self, to: &str, so_far: usize) {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        assert_eq!(self.sent(to).await.len(), so_far, "{:#?}", self.sent(to).await);
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.get_with(path, Some("metrics-token-of-16")).await
    }

    async fn get_with(&self, path: &str, token: Option<&str>) -> (u16, String) {
        let mut request = self.http.get(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    pub(crate) fn alerts(&self) -> Vec<Value> {
        let mut command = ecomres(self.folder.path());
        let (code, out, err) = run(command.args(["alerts", "list", "--json", "--store", "shop.db"]));
        assert_eq!(code, 0, "{err}");
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn end(&mut self) -> Option<i32> {
        terminate(&self.child);
        wait(&mut self.child, Duration::from_secs(30))
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn said(body: &Value) -> String {
    let text = body["text"]["body"].as_str().or_else(|| body["interactive"]["body"]["text"].as_str());
    text.unwrap_or_else(|| panic!("no text: {body:#}")).to_owned()
}

pub(crate) fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "“{part}” is not in: {text}");
    }
}

#[test]
#[ignore = "reads ../shared: .ci/run runs it"]
fn metas_signatures_are_verified() {
    let folder = shared("fixtures/whatsapp");
    let vectors: Value =
        serde_json::from_slice(&std::fs::read(folder.join("signature/vectors.json")).unwrap()).unwrap();
    let vectors = vectors.as_array().unwrap();
    assert!(vectors.len() >= 2);
    for vector in vectors {
        let word = |name: &str| vector[name].as_str().unwrap();
        let body = std::fs::read(folder.join("signature").join(word("body_file"))).unwrap();
        let secret = SecretString::from(word("secret"));
        let check = |body: &[u8]| signature::check(&secret, body, [word("header").as_bytes()]);
        assert_eq!(check(&body).is_ok(), vector["valid"].as_bool().unwrap(), "{}", word("name"));
        let again = serde_json::to_vec(&serde_json::from_slice::<Value>(&body).unwrap()).unwrap();
        assert!(again == body || check(&again).is_err(), "only the bytes as they came count");
    }
}

/// Some customers have an identifier instead of a telephone number.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_without_a_number_is_answered_with_a_template_when_it_is_late() {
    let mut bot = Bot::start(&["bot"], &[("ECOMRES_WHATSAPP__TEMPLATE", "reply_waiting")]).await;
    let message = json!({
        "contacts": [{"profile": {"name": "Asha", "username": "asha"}, "user_id": "IN.1"}],
        "messages": [{"from_user_id": "IN.1", "id": "wamid.1", "timestamp": "1750000000", "type": "text", "text": {"body": "Hello"}}],
    });
    bot.deliver(&message).await;
    let reply = bot.reply("IN.1", 1).await;
    assert!(reply.get("to").is_none(), "{reply:#}");
    assert_eq!(reply["template"]["name"], "reply_waiting", "after 24 hours only a template may be sent");
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "reads ../shared: .ci/run runs it"]
async fn every_sample_of_meta_is_accepted() {
    let mut bot = Bot::start(
        &["bot"],
        &[
            ("ECOMRES_WHATSAPP__TEMPLATE", "reply_waiting"),
            // The number of most samples; one has a placeholder, which is replaced below.
            ("PHONE_ID", "42,106540352242922"),
        ],
    )
    .await;
    let mut read = 0;
    for entry in std::fs::read_dir(shared("fixtures/whatsapp/webhooks")).unwrap() {
        let path = entry.unwrap().path();
        let body = std::fs::read_to_string(&path).unwrap().replace("business-phone-id", "42").into_bytes();
        let batch = payload::read(&body, Timestamp::now()).unwrap();
        let holds = batch.messages.len() + batch.statuses.len() + batch.echoes.len();
        assert!(holds == 1 || path.to_string_lossy().contains("group_") && batch.passed_over == 1, "{path:?}");
        let signature = header(&body, SECRET);
        assert_eq!(bot.post(body, Some(&signature)).await, 200, "{path:?}");
        read += 1;
    }
    assert!(read >= 17);
    let reply = bot.reply("CO.1047385771169864", 1).await;
    assert!(reply.get("to").is_none(), "a customer without a number is answered all the same");
    assert_eq!(reply["template"]["name"], "reply_waiting", "the sample is old: only a template may be sent");
    assert_eq!(bot.end(), Some(0));
}

/// Meta's word joins identities: the conversation goes on, the answers go to the new number, and nobody else gets anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_stays_one_when_the_number_changes_or_an_identity_is_added() {
    const NEW: &str = "919900112233";
    let mut bot = Bot::start(&["bot"], &[]).await;
    bot.write(CUSTOMER, "I want a refund for ORD000003, items are missing").await;
    holds(&said(&bot.reply(CUSTOMER, 1).await), &["₹599"]);
    let sent = Timestamp::now().as_second().to_string();
    let changed = json!({"messages": [{"from": CUSTOMER, "id": "wamid.changed", "timestamp": sent, "type": "system",
        "system": {"body": "…", "wa_id": NEW, "type": "user_changed_number"}}]});
    bot.deliver(&changed).await;
    bot.deliver(&changed).await;
    bot.write(CUSTOMER, "and who am I? where is ORD000003").await;
    let stranger = said(&bot.reply(CUSTOMER, 2).await);
    assert!(!stranger.contains("599") && !stranger.contains("Delivered"), "the next holder of the number: {stranger}");
    bot.write(NEW, "where is ORD000003").await;
    let reply = bot.reply(NEW, 1).await;
    holds(&said(&reply), &["ORD000003", "₹599", "Shall I go ahead?"]);
    let turn = reply["biz_opaque_callback_data"].as_str().unwrap().to_owned();
    assert!(turn.ends_with(CUSTOMER) && !turn.starts_with("ecomres:1:"), "the conversation goes on: {turn}");
    // A number and another identity in one webhook, and then the identity alone.
    let mut both = bot.message(NEW, "text", &json!({"body": "hello again"}));
    both["messages"][0]["from_user_id"] = "IN.42".into();
    bot.deliver(&both).await;
    bot.reply(NEW, 2).await;
    let hidden = json!({"contacts": [{"user_id": "IN.42"}], "messages": [{"from_user_id": "IN.42", "id": "wamid.hidden",
        "timestamp": sent, "type": "text", "text": {"body": "please refund ORD000003"}}]});
    bot.deliver(&hidden).await;
    holds(&said(&bot.reply(NEW, 3).await), &["₹599"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_signed_webhooks_are_accepted() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    let body = json!({"entry": []}).to_string().into_bytes();
    let right = header(&body, SECRET);
    assert_eq!(bot.post(body.clone(), Some(&right)).await, 200);
    assert_eq!(bot.post(body.clone(), None).await, 401);
    assert_eq!(bot.post(body.clone(), Some("sha256=zz")).await, 401);
    assert_eq!(bot.post(body.clone(), Some(&header(&body, "another"))).await, 401);
    assert_eq!(bot.post(b"no json".to_vec(), Some(&header(b"no json", SECRET))).await, 400);
    let large = vec![b' '; 3 * 1024 * 1024 + 1];
    assert_eq!(bot.post(large.clone(), Some(&header(&large, SECRET))).await, 413);
    let mut whole = br#"{"entry":[]}"#.to_vec();
    whole.resize(3 * 1024 * 1024, b' ');
    assert_eq!(bot.post(whole.clone(), Some(&header(&whole, SECRET))).await, 200, "Meta's largest");

    for path in ["/webhook", "/"] {
        let asked =
            |token: &str| format!("{path}?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        assert_eq!(bot.get(&asked("verify-me")).await, (200, "1158201444".to_owned()));
        assert_eq!(bot.get(&asked("verify-mf")).await.0, 403);
        assert_eq!(bot.get(path).await.0, 400);
    }
    assert_eq!(bot.get("/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(bot.get("/readyz").await, (200, "ready\n".to_owned()));
    assert_eq!(bot.get_with("/metrics", None).await.0, 401);
    assert_eq!(bot.get_with("/metrics", Some("metrics-tokem")).await.0, 401);
    let (code, metrics) = bot.get("/metrics").await;
    assert_eq!(code, 200);
    holds(
        &metrics,
        &[
            r#"ecomres_webhooks_total{result="unsigned",why="missing"} 1"#,
            r#"ecomres_webhooks_total{result="unsigned",why="malformed"} 1"#,
            r#"ecomres_webhooks_total{result="unsigned",why="wrong"} 1"#,
            r#"ecomres_webhooks_total{result="malformed",why=""} 1"#,
            "# TYPE ecomres_queue_age_seconds gauge",
            "# TYPE ecomres_connections gauge",
            r#"ecomres_connections_closed_total{why="displaced"} 0"#,
        ],
    );
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_documented_refund_is_agreed_to_with_a_button() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    bot.write(CUSTOMER, "Hi, I want a refund for my last order, some items never made it into the bag").await;
    holds(&said(&bot.reply(CUSTOMER, 1).await), &["order id"]);
    bot.write(CUSTOMER, "ORD000003").await;
    let offer = bot.reply(CUSTOMER, 2).await;
    holds(&said(&offer), &["₹599", "ORD000003"]);
    let buttons = offer["interactive"]["action"]["buttons"].as_array().unwrap();
    let titles: Vec<_> = buttons.iter().map(|button| button["reply"]["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Yes, refund", "No"]);
    assert_eq!(offer["biz_opaque_callback_data"], format!("ecomres:2:0:{CUSTOMER}"));

    // A button with somebody else's quote agrees to nothing.
    let press = |id: &str| json!({"type": "button_reply", "button_reply": {"id": id, "title": "Yes, refund"}});
    bot.deliver(&bot.message(CUSTOMER, "interactive", &press("yes:QUOTE_of_another"))).await;
    let refused = bot.reply(CUSTOMER, 3).await;
    assert!(!said(&refused).contains("RFND_"), "{refused:#}");
    bot.write(CUSTOMER, "I want a refund for ORD000003").await;
    let offer = bot.reply(CUSTOMER, 4).await;
    let id = offer["interactive"]["action"]["buttons"][0]["reply"]["id"].as_str().unwrap().to_owned();
    let pressed = bot.message(CUSTOMER, "interactive", &press(&id));
    bot.deliver(&pressed).await;
    holds(&said(&bot.reply(CUSTOMER, 5).await), &["₹599", "RFND_", "_ORD000003"]);
    bot.deliver(&pressed).await;
    bot.silence(CUSTOMER, 5).await;

    // Each turn that the bot answers is shown as read and as being answered.
    let requests = bot.graph.received_requests().await.unwrap();
    let receipts = requests.iter().filter_map(|request| request.body_json::<Value>().ok());
    assert_eq!(
        receipts.filter(|body| body["status"] == "read" && body["typing_indicator"]["type"] == "text").count(),
        5
    );
    let (_, metrics) = bot.get("/metrics").await;
    holds(
        &metrics,
        &[
            "ecomres_messages_repeated_total 1",
            r#"ecomres_tool_calls_total{tool="process_refund",result="done"} 1"#,
            r#"ecomres_tool_calls_total{tool="process_refund",result="refused"} 1"#,
            r#"ecomres_sends_total{kind="buttons",result="sent"}"#,
        ],
    );
    assert_eq!(bot.end(), Some(0));
    let (code, out, err) = run(ecomres(bot.folder.path()).args(["report", "audit", "--verify", "--store", "shop.db"]));
    assert_eq!(code, 0, "{out}{err}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_takes_over_and_gives_back() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    bot.write(CUSTOMER, "I want to talk to a human agent").await;
    holds(&said(&bot.reply(CUSTOMER, 1).await), &["member of our team"]);
    bot.write(CUSTOMER, "hello? I want a human agent").await;
    bot.silence(CUSTOMER, 1).await;
    let alerts = bot.alerts();
    assert_eq!(alerts.len(), 1);
    let id = alerts[0]["id"].as_str().unwrap();
    let mut posted = Vec::new();
    for _ in 0..100 {
        let requests = bot.graph.received_requests().await.unwrap();
        posted = requests.iter().filter(|request| request.url.path() == "/alerts").cloned().collect();
        if !posted.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(posted[0].body_json::<Value>().unwrap()["alert_id"], id, "the alert is posted to the team");
    let resolve = ["alerts", "resolve", id, "--store", "shop.db"];
    assert_eq!(run(ecomres(bot.folder.path()).args(resolve)).0, 0);
    bot.write(CUSTOMER, "where is my order ORD000001").await;
    holds(&said(&bot.reply(CUSTOMER, 2).await), &["ORD000001"]);

    // Somebody answers from the business app: the bot is silent from then on.
    let sent = Timestamp::now().as_second();
    let echo = json!({"message_echoes": [
        {"from": "1555", "to": CUSTOMER, "id": "wamid.echo", "timestamp": sent, "type": "text", "text": {"body": "I'll see to it"}},
    ]});
    bot.deliver(&echo).await;
    bot.write(CUSTOMER, "thanks, and ORD000002?").await;
    bot.silence(CUSTOMER, 2).await;
    let alerts = bot.alerts();
    assert_eq!(alerts.len(), 1);
    holds(alerts[0]["reason"].as_str().unwrap(), &["business app"]);
    let id = alerts[0]["id"].as_str().unwrap();
    assert_eq!(run(ecomres(bot.folder.path()).args(["alerts", "resolve", id, "--store", "shop.db"])).0, 0);
    bot.deliver(&echo).await;
    bot.write(CUSTOMER, "where is my order ORD000001").await;
    holds(&said(&bot.reply(CUSTOMER, 3).await), &["ORD000001"]);
    assert!(bot.alerts().is_empty(), "a redelivery does not take over again");

    // What cannot be read is declined, a sticker gets a sign, a reaction nothing.
    bot.deliver(&bot.message(CUSTOMER, "poll", &json!({}))).await;
    holds(&said(&bot.reply(CUSTOMER, 4).await), &["only read text"]);
    bot.deliver(&bot.message(CUSTOMER, "sticker", &json!({"id": "2"}))).await;
    let sign = bot.reply(CUSTOMER, 5).await;
    assert_eq!((&sign["type"], sign["reaction"]["message_id"].as_str().is_some()), (&json!("reaction"), true));
    bot.deliver(&bot.message(CUSTOMER, "reaction", &json!({"message_id": "w", "emoji": "👍"}))).await;
    bot.silence(CUSTOMER, 5).await;

    // A reply that came too late is for the team.
    let request = bot.reply(CUSTOMER, 4).await;
    let status = |status: &str, error: Value| {
        json!({"statuses": [{"id": "wamid.out.3", "status": status, "timestamp": sent.to_string(), "recipient_id": CUSTOMER,
            "biz_opaque_callback_data": request["biz_opaque_callback_data"], "errors": error}]})
    };
    bot.deliver(&status("sent", json!([]))).await;
    bot.deliver(&status("failed", json!([{"code": 131_047, "title": "Re-engagement message"}]))).await;
    let alerts = bot.alerts();
    assert_eq!(alerts.len(), 1);
    holds(alerts[0]["reason"].as_str().unwrap(), &["could not be delivered", "131047"]);
    assert_eq!(bot.end(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_burst_is_one_reply_and_nothing_is_lost_at_the_end() {
    let mut bot = Bot::start(&["bot"], &[("ECOMRES_WHATSAPP__BURST_MS", "600")]).await;
    for text in ["hello", "where is my order", "ORD000001"] {
        bot.write(CUSTOMER, text).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let reply = bot.reply(CUSTOMER, 1).await;
    holds(&said(&reply), &["ORD000001"]);
    assert!(reply["context"]["message_id"].as_str().unwrap().ends_with(".2"), "it shows what it answers: {reply:#}");
    bot.silence(CUSTOMER, 1).await;
    // What was acknowledged just before the end is answered after the next start.
    bot.write(CUSTOMER, "and ORD000002?").await;
    assert_eq!(bot.end(), Some(0));
    let (code, out, _) = run(ecomres(bot.folder.path()).args(["inbox", "list", "--json", "--store", "shop.db"]));
    assert_eq!(code, 0);
    let answered = bot.sent(CUSTOMER).await.len();
    assert!(answered == 2 || out.contains(CUSTOMER), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_that_cannot_be_stored_is_refused_and_accepted_again() {
    let bot = Bot::start(&["serve"], &[("MCP_TOKEN", "s3cret-of-the-tests")]).await;
    let lock = rusqlite::Connection::open(bot.folder.path().join("shop.db")).unwrap();
    lock.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = json!({"entry": [{"changes": [{"value": bot.message(CUSTOMER, "text", &json!({"body": "hello"}))}]}]});
    let body = body.to_string().into_bytes();
    let signature = header(&body, SECRET);
    assert_eq!(bot.post(body.clone(), Some(&signature)).await, 503);
    lock.execute_batch("ROLLBACK").unwrap();
    assert_eq!(bot.post(body.clone(), Some(&signature)).await, 200);
    bot.reply(CUSTOMER, 1).await;

    // The tools are served beside it, to whoever has their token.
    assert_eq!(initialize(&bot, None, &[]).await.0, 401);
    let (status, text) = initialize(&bot, Some("s3cret-of-the-tests"), &[]).await;
    assert_eq!(status, 200);
    holds(&text, &["serverInfo", "ecomres"]);
}

/// Begins a session at `/mcp` beside the webhooks.
async fn initialize(bot: &Bot, token: Option<&str>, headers: &[(&str, &str)]) -> (u16, String) {
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"},
    }});
    let mut request = bot.http.post(format!("{}/mcp", bot.url)).json(&hello);
    request = request.header("accept", "application/json, text/event-stream");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_no_lock_is_not_served_beside_the_webhooks() {
    for command in ["bot", "serve"] {
        let bot = Bot::start(&[command], &[("ECOMRES_METRICS__TOKEN", "")]).await;
        assert_eq!(initialize(&bot, None, &[]).await.0, 404, "{command}");
        let (code, told) = bot.get_with("/metrics", None).await;
        assert_eq!(code, 404, "{command}");
        holds(&told, &["[metrics] token", "[metrics] listen"]);
        assert_eq!(bot.get_with("/healthz", None).await.0, 200);
    }
    let bot = Bot::start(&["serve", "--i-am-alone", "--dashboard-port", "0"], &[]).await;
    assert_eq!(initialize(&bot, None, &[]).await.0, 200, "a direct request of this machine");
    for forwarded in [("x-forwarded-for", "203.0.113.9"), ("via", "1.1 proxy"), ("host", "shop.example.com")] {
        let (status, told) = initialize(&bot, None, &[forwarded]).await;
        assert_eq!(status, 403, "{forwarded:?}");
        holds(&told, &["--i-am-alone", "MCP_TOKEN"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_an_address_of_their_own() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let own = taken.local_addr().unwrap().to_string();
    drop(taken);
    let settings = [("ECOMRES_METRICS__LISTEN", own.as_str()), ("ECOMRES_METRICS__TOKEN", "")];
    let bot = Bot::start(&["bot"], &settings).await;
    bot.write(CUSTOMER, "hello").await;
    let answer = bot.http.get(format!("http://{own}/metrics")).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    holds(&answer.text().await.unwrap(), &[r#"ecomres_webhooks_total{result="accepted",why=""} 1"#]);
    assert_eq!(bot.get_with("/metrics", None).await.0, 404);
    assert_eq!(bot.http.get(format!("http://{own}/webhook")).send().await.unwrap().status().as_u16(), 404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_expired_token_ends_readiness_and_loses_nothing() {
    let mut bot = Bot::start(&["bot"], &[]).await;
    bot.graph.reset().await;
    let expired = json!({"error": {"message": "Session has expired", "type": "OAuthException", "code": 190}});
    let refused = Mock::given(method("POST")).respond_with(ResponseTemplate::new(401).set_body_json(expired));
    refused.mount(&bot.graph).await;
    bot.write(CUSTOMER, "where is my order ORD000001").await;
    let (mut code, mut why) = (0, String::new());
    for _ in 0..100 {
        (code, why) = bot.get("/readyz").await;
        if code == 503 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(code, 503);
    holds(&why, &["whatsapp: ", "access token is not accepted", "Session has expired"]);
    assert_eq!(bot.get("/healthz").await.0, 200);
    assert_eq!(bot.end(), Some(0));
    let (_, out, _) = run(ecomres(bot.folder.path()).args(["doctor", "--json", "--store", "shop.db"]));
    holds(&out, &["1 replies to send, 0 parked"]);
}

#[test]
fn the_bot_starts_only_with_what_it_needs() {
    let folder = shop();
    let start = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut command = ecomres(folder.path());
        command.args(["bot", "--port", "0", "--store", "shop.db"]).args(arguments).envs(environment.iter().copied());
        run(&mut command)
    };
    let (code, out, err) = start(&[("VERIFY_TOKEN", "v"), ("ACCESS_TOKEN", "t"), ("PHONE_ID", "42")], &[]);
    assert_eq!((code, out.as_str()), (1, ""));
    holds(&err, &["APP_SECRET is not set", "hint:", "--insecure-webhook"]);
    let (code, _, err) = start(&[("VERIFY_TOKEN", "v"), ("PHONE_ID", "42")], &["--insecure-webhook"]);
    assert_eq!(code, 1);
    holds(&err, &["ACCESS_TOKEN is not set", "hint:"]);
    let (code, _, err) =
        start(&[("VERIFY_TOKEN", "v"), ("ACCESS_TOKEN", "t"), ("PHONE_ID", "+91 98765")], &["--insecure-webhook"]);
    assert_eq!(code, 1);
    holds(&err, &["PHONE_ID is not the identifier"]);
}

/// What `tests/whatsapp.sh` runs, with the addresses of two mocks of Meta's description in the environment: one as it is,
/// and one that knows the field for callback data, which the description lacks.
#[tokio::test]
#[ignore = "tests/whatsapp.sh runs it"]
async fn metas_description_allows_every_kind_of_message() {
    let (plain, amended) = (std::env::var("GRAPH_MOCK").unwrap(), std::env::var("GRAPH_MOCK_AMENDED").unwrap());
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::new();
    let choices = |count: u32| {
        (0..count).map(|number| Choice::new(format!("yes:{number}"), format!("Yes, refund {number}"))).collect()
    };
    let bodies = [
        Body::Text { text: "Your order is on its way 🙂".into() },
        Body::Text { text: "word ".repeat(2_000) },
        Body::Buttons { text: "Shall I go ahead?".into(), buttons: choices(2) },
        Body::List { text: "Which one?".into(), button: "Choose".into(), rows: choices(10) },
        Body::Template { name: "reply_waiting".into(), language: "en".into(), parameters: vec!["one\ntwo".into()] },
        Body::Reaction { emoji: "🙂".into(), to: MessageId::new("wamid.1") },
    ];
    let mut requests = Vec::new();
    for (sequence, body) in (0..).zip(&bodies) {
        let identity = Identity { user_id: UserId::new(CUSTOMER), turn: 1, sequence };
        for quote in [false, true] {
            let now = Timestamp::now();
            let answers =
                Some(Answered { message: MessageId::new("wamid.in"), at: now, quote, lag: None, number: None });
            let message = Outgoing { answers, ..Outgoing::new(identity.clone(), body.clone(), now) };
            let window = SignedDuration::from_hours(24);
            let sendable = Sendable::new(&message, &Contact::default(), None, window, now).unwrap();
            requests.push((body.kind(), wire::request(&sendable)));
        }
    }
    requests.push(("working on", wire::read_with_typing(&MessageId::new("wamid.in"))));
    for (kind, mut request) in requests {
        for url in [&amended, &plain] {
            if url == &plain {
                request.as_object_mut().unwrap().remove("biz_opaque_callback_data");
            }
            let answer =
                http.post(format!("{url}/v25.0/42/messages")).bearer_auth("token").json(&request).send().await.unwrap();
            let (status, message) = (answer.status().as_u16(), answer.text().await.unwrap());
            assert_eq!(status, 200, "{kind} is refused: {request:#}\n{message}");
        }
        println!("accepted: {kind}");
    }
}

//! The pages of the support team over HTTP: the real router on a real port, with a store in memory.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecomres::domain::alert::{Alert, AlertStatus, Handling, Priority};
use ecomres::domain::conversation::Conversation;
use ecomres::domain::ids::{AlertId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::insights::{ModelFacts, ModelSource, TrainingFacts};
use ecomres::store::Store;
use ecomres::store::sqlite::SqliteStore;
use ecomres::web::{Access, Settings, hash_password, router, serve};
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use crate::cli::{ecomres, run};
use crate::mcp::client::{piped, shop, terminate, wait};

const ATTACK: &str = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'></textarea>";
pub(crate) const CUSTOMER: &str = "91<b>98765";

pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) http: reqwest::Client,
    stop: CancellationToken,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let plain = reqwest::redirect::Policy::none();
    reqwest::Client::builder().redirect(plain).timeout(Duration::from_secs(20)).build().unwrap()
}

fn facts() -> ModelFacts {
    let label = |label: &str| label.to_owned();
    let intents = [("track_order".to_owned(), 7), ("request_refund".to_owned(), 3)].into();
    ModelFacts {
        folder: "model".to_owned(),
        sha256: "0123456789abcdef".to_owned(),
        network: "DistilBERT".to_owned(),
        intents: vec![label("track_order"), label("request_refund")],
        sentiments: vec![label("negative"), label("neutral"), label("positive")],
        training: Some(TrainingFacts { rows: 10, intents, scores: Vec::new() }),
    }
}

/// A dashboard over a store in which one customer attacks it with everything that is shown.
async fn dashboard(password: &str, token: &str) -> Page {
    let hash = if password.is_empty() { String::new() } else { hash_password(password).unwrap() };
    let (hash, token) = (SecretString::from(hash), SecretString::from(token.to_owned()));
    locked(|address| Access::new(address, &hash, &token, &[]).unwrap()).await
}

/// As `dashboard`, with any lock.
pub(crate) async fn locked(access: impl FnOnce(SocketAddr) -> Access) -> Page {
    let store: Arc<dyn Store> = Arc::new(SqliteStore::scratch().unwrap());
    let now = Timestamp::now();
    let user = UserId::new(CUSTOMER);
    let said = |role, text: &str, seconds: i64| ChatMessage {
        user_id: user.clone(),
        role,
        text: text.to_owned(),
        at: now - SignedDuration::from_secs(seconds),
        turn: 1,
        intent: (role == Role::User).then(|| ATTACK.to_owned()),
        sentiment: (role == Role::User).then(|| "negative".to_owned()),
        response_ms: (role == Role::Assistant).then_some(1_500),
        basis: Basis::default(),
    };
    store.append_messages(&[said(Role::User, ATTACK, 60), said(Role::Assistant, "Sorry!", 58)]).await.unwrap();
    let mut conversation = Conversation::new(user.clone());
    conversation.turn = 1;
    store.save_conversation(&conversation).await.unwrap();
    let alert = Alert {
        id: AlertId::new("ALERT_1"),
        user_id: user,
        reason: ATTACK.to_owned(),
        last_message: ATTACK.to_owned(),
        priority: Priority::High,
        status: AlertStatus::Pending,
        created_at: now,
        handling: Handling::default(),
    };
    store.open_alert(&alert).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let access = access(address);
    let stop = CancellationToken::new();
    let app = router(Settings {
        store: Arc::clone(&store),
        access,
        zone: TimeZone::get("Asia/Kolkata").unwrap(),
        gap: SignedDuration::from_hours(24),
        response_target_seconds: 5,
        model: ModelSource::fixed(0.45, Some(facts())),
        clock: Arc::new(Timestamp::now),
        stop: stop.clone(),
    });
    tokio::spawn(serve(app, listener, stop.clone()));
    Page { url: format!("http://{address}"), store, http: client(), stop }
}

impl Page {
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, String) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub(crate) async fn post(&self, path: &str, fields: &[(&str, &str)], cookie: &str) -> reqwest::Response {
        let body: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let request = self.http.post(format!("{}{path}", self.url)).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(body.join("&")).send().await.unwrap()
    }
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) fn csrf(page: &str) -> String {
    page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_answers_and_shows_no_markup_of_customers() {
    let page = dashboard("", "").await;
    let user = encoded(CUSTOMER);
    let chat = format!("/conversation?user={user}");
    let attack = format!("/conversations?q={}", encoded(ATTACK));
    for path in [
        "/",
        "/?range=24h",
        "/?from=2026-01-01&to=2026-01-02",
        "/alerts",
        "/alerts?status=all&priority=high&q=script",
        "/conversations",
        "/conversations?mode=person&range=7d&intent=x",
        &attack,
        &chat,
        "/analytics",
        "/analytics?range=all&platform=%3Cscript%3E",
        "/quality",
        "/quality?range=all",
        "/audit",
        "/audit?q=%3Cscript%3E",
    ] {
        let (status, text) = page.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {text}");
        assert!(text.contains("<main"), "{path}");
        let lower = text.to_lowercase();
        for markup in ["<script>", "<img", "onerror=alert(2)>", "<b>98765", "style="] {
            assert!(!lower.contains(markup), "{path} holds {markup}");
        }
    }
    let (_, alerts) = page.get("/alerts").await;
    assert!(alerts.contains("&lt;script&gt;alert(1)"), "it is shown as text");
    let (_, overview) = page.get("/").await;
    assert!(overview.contains("Customers served") && overview.contains("1.5 s"), "{overview}");
    for (path, status) in [
        ("/?range=week", StatusCode::BAD_REQUEST),
        ("/nothing", StatusCode::NOT_FOUND),
        ("/conversation?user=stranger", StatusCode::NOT_FOUND),
        ("/assets/../Cargo.toml", StatusCode::NOT_FOUND),
        ("/assets/%2e%2e%2fCargo.toml", StatusCode::NOT_FOUND),
        ("/healthz", StatusCode::OK),
        ("/readyz", StatusCode::OK),
    ] {
        assert_eq!(page.get(path).await.0, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_forbid_what_they_do_not_need_and_load_only_their_own_files() {
    let page = dashboard("", "").await;
    let answer = page.http.get(&page.url).send().await.unwrap();
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let text = answer.text().await.unwrap();
    let packed = page.http.get(&page.url).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(packed.headers()["content-encoding"], "gzip");
    let mut bytes = packed.bytes().await.unwrap().len();
    print!("the first page, packed: {bytes} bytes of HTML");
    let sources: Vec<&str> = text.split("=\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(sources.len() >= 5, "{sources:?}");
    assert!(!text.contains("src=\"http") && !text.contains("href=\"http"));
    for source in sources {
        let get = |tag: &str| {
            let request = page.http.get(format!("{}/assets/{source}", page.url)).header("accept-encoding", "gzip");
            request.header("if-none-match", tag).send()
        };
        let answer = get("").await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{source}");
        let headers = answer.headers().clone();
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable", "{source}");
        if !source.starts_with("icon") {
            assert_eq!(headers["content-encoding"], "gzip", "{source}");
        }
        let length = answer.bytes().await.unwrap().len();
        print!(", {length} of {}", source.split('?').next().unwrap());
        bytes += length;
        let again = get(headers["etag"].to_str().unwrap()).await.unwrap();
        assert_eq!((again.status(), again.bytes().await.unwrap().len()), (StatusCode::NOT_MODIFIED, 0), "{source}");
    }
    println!(": {bytes} together");
    assert!(bytes < 300_000, "the first page takes {bytes} bytes");
    // An older page names another content: it gets what is there now, and does not keep it.
    let older = page.http.get(format!("{}/assets/app.css?0000", page.url)).send().await.unwrap();
    assert_eq!(older.headers()["cache-control"], "no-cache");
    assert!(older.headers().get("content-encoding").is_none() && older.text().await.unwrap().contains("--bg"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_name_gets_nothing() {
    let page = dashboard("", "").await;
    let request = page.http.get(&page.url).header("host", "evil.example.com");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_settled_by_a_form_of_this_session_only() {
    let page = dashboard("", "").await;
    let (_, text) = page.get("/alerts").await;
    let token = csrf(&text);
    let pending = async || page.store.pending_alert(&UserId::new(CUSTOMER)).await.unwrap().is_some();
    for fields in
        [vec![("id", "ALERT_1")], vec![("id", "ALERT_1"), ("csrf", "")], vec![("id", "ALERT_1"), ("csrf", "0")]]
    {
        assert_eq!(page.post("/alerts/resolve", &fields, "").await.status(), StatusCode::FORBIDDEN);
    }
    let request = page.http.post(format!("{}/alerts/resolve", page.url)).header("origin", "http://evil.example.com");
    let answer = request.body(format!("id=ALERT_1&csrf={token}")).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(pending().await);
    let note = "refund was explained <i>by phone</i>";
    let answer = page.post("/alerts/resolve", &[("id", "ALERT_1"), ("note", note), ("csrf", &token)], "").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(answer.headers()["location"], "/alerts?told=resolved");
    assert!(!pending().await);
    let (_, audit) = page.get("/audit?q=resolve_alert").await;
    assert!(audit.contains("The chain holds") && audit.contains("&lt;i&gt;by phone"), "{audit}");
    let kept = page.store.alert(&AlertId::new("ALERT_1")).await.unwrap().unwrap().handling;
    assert_eq!((kept.resolved_by.as_deref(), kept.note.as_deref()), (Some("dashboard"), Some(note)));
    let (_, settled) = page.get("/alerts?status=resolved").await;
    assert!(settled.contains("Settled by dashboard") && settled.contains("&lt;i&gt;by phone"), "{settled}");
    let again = page.post("/alerts/resolve", &[("id", "ALERT_1"), ("csrf", &token)], "").await;
    assert_eq!(again.headers()["location"], "/alerts?told=gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_is_answered_through_the_outbox_and_given_back() {
    let page = dashboard("", "").await;
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    let (_, text) = page.get(&chat).await;
    let token = csrf(&text);
    let user = UserId::new(CUSTOMER);
    let send = async |path: &str, more: &[(&str, &str)]| {
        let mut fields = vec![("user", CUSTOMER), ("csrf", token.as_str())];
        fields.extend(more);
        let answer = page.post(path, &fields, "").await;
        answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    assert!(send("/conversation/reply", &[("text", "A person here: <b>hello</b>")]).await.ends_with("told=queued"));
    let waiting = page.store.outgoing_of(&user, 9).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].body.text()), (1, "A person here: <b>hello</b>"));
    let (_, text) = page.get(&chat).await;
    assert!(text.contains("waits to be sent") && text.contains("&lt;b&gt;hello"), "{text}");
    assert!(send("/conversation/return", &[]).await.ends_with("told=returned"));
    assert!(page.store.pending_alert(&user).await.unwrap().is_none());
    assert!(send("/conversation/reply", &[("text", "too late")]).await.ends_with("told=bot"));
    assert!(send("/conversation/take-over", &[]).await.ends_with("told=taken"));
    assert!(page.store.pending_alert(&user).await.unwrap().is_some());
    let stranger = page.post("/conversation/take-over", &[("user", "stranger"), ("csrf", &token)], "").await;
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    assert_eq!(page.store.check_audit().await.unwrap().broken, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_intent_is_corrected_with_a_form_and_shows_on_the_page_of_quality() {
    let page = dashboard("", "").await;
    let chat = format!("/conversation?user={}", encoded(CUSTOMER));
    let (_, text) = page.get(&chat).await;
    let token = csrf(&text);
    let field = |name: &str| {
        let mark = format!("name=\"{name}\" value=\"");
        text.split(mark.as_str()).nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    assert!(text.contains("<summary>Correct</summary>") && text.contains("value=\"request_refund\""), "{text}");
    assert_eq!(text.matches("<details class=\"relabel\"").count(), 1, "the bot's reply cannot be corrected");
    let (turn, message) = (field("turn"), field("message"));
    let send = async |more: &[(&str, &str)]| {
        let mut fields = vec![("user", CUSTOMER), ("turn", turn.as_str()), ("message", message.as_str())];
        fields.extend(more);
        let answer = page.post("/conversation/label", &fields, "").await;
        let to = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
        (answer.status(), to.unwrap_or_default())
    };
    let user = UserId::new(CUSTOMER);
    assert_eq!(send(&[("intent", "request_refund")]).await.0, StatusCode::FORBIDDEN, "no token");
    assert_eq!(send(&[("csrf", &token), ("intent", ATTACK)]).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(send(&[("csrf", &token)]).await.0, StatusCode::BAD_REQUEST);
    assert!(page.store.corrections_of(&user).await.unwrap().is_empty());
    for more in [("intent", "track_order"), ("sentiment", "neutral"), ("intent", "request_refund")] {
        let (status, to) = send(&[("csrf", &token), more]).await;
        assert_eq!(status, StatusCode::SEE_OTHER);
        assert!(to.contains("told=corrected#m1-"), "{to}");
    }
    let kept = page.store.corrections_of(&user).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!((kept[0].intent.as_deref(), kept[0].sentiment.as_deref()), (Some("request_refund"), Some("neutral")));
    assert_eq!((kept[0].text.as_str(), kept[0].by.as_str()), (ATTACK, "dashboard"));
    let (_, text) = page.get(&chat).await;
    assert!(text.contains("A person says:") && text.contains("(dashboard)"), "{text}");
    let (status, to) = {
        let fields =
            [("user", CUSTOMER), ("csrf", &token), ("turn", "7"), ("message", &message), ("intent", "track_order")];
        let answer = page.post("/conversation/label", &fields, "").await;
        (answer.status(), answer.headers()["location"].to_str().unwrap().to_owned())
    };
    assert!(status == StatusCode::SEE_OTHER && to.ends_with("told=nomessage"), "{to}");
    let (_, text) = page.get("/quality").await;
    for shown in
        ["Corrected intents", "request_refund</td><td class=\"n\">1</td>", "Drift of the intents", "0123456789ab…"]
    {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert_eq!(page.store.audit_length().await.unwrap(), 6, "each change before and after");
    assert_eq!(page.store.check_audit().await.unwrap().broken, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_told_within_two_seconds() {
    let page = dashboard("", "").await;
    let answer = page.http.get(format!("{}/events", page.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut events = answer.bytes_stream();
    let first = events.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: hello"));
    // Nothing changes, nothing is told.
    assert!(tokio::time::timeout(Duration::from_millis(2_500), events.next()).await.is_err());
    assert!(page.store.resolve_alert(&AlertId::new("ALERT_1"), Timestamp::now()).await.unwrap());
    let begun = Instant::now();
    let told = tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().unwrap().unwrap();
    assert!(String::from_utf8_lossy(&told).contains("event: change"), "{told:?}");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    page.stop.cancel();
    assert!(
        tokio::time::timeout(Duration::from_secs(5), events.next()).await.unwrap().is_none(),
        "it ends with the server"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_locked_dashboard_wants_a_login() {
    let page = dashboard("correct horse battery", "").await;
    for path in ["/", "/alerts", "/conversations", "/analytics", "/audit"] {
        assert_eq!(page.get(path).await.0, StatusCode::SEE_OTHER, "{path}");
    }
    assert_eq!(page.get("/events").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(page.get("/healthz").await.0, StatusCode::OK);
    assert_eq!(page.post("/alerts/resolve", &[("id", "ALERT_1")], "").await.status(), StatusCode::UNAUTHORIZED);
    let (status, form) = page.get("/login").await;
    assert!(status == StatusCode::OK && form.contains("type=\"password\""));
    assert_eq!(page.post("/login", &[("word", "wrong")], "").await.status(), StatusCode::UNAUTHORIZED);
    let answer = page.post("/login", &[("word", "correct horse battery")], "").await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let get = async |path: &str| {
        let answer = page.http.get(format!("{}{path}", page.url)).header("cookie", &cookie).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    let (status, text) = get("/alerts").await;
    assert_eq!(status, StatusCode::OK);
    let token = csrf(&text);
    assert_eq!(page.post("/alerts/resolve", &[("id", "ALERT_1")], &cookie).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(page.post("/logout", &[("csrf", &token)], &cookie).await.status(), StatusCode::SEE_OTHER);
    assert_eq!(get("/alerts").await.0, StatusCode::SEE_OTHER, "the session is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_stopped() {
    let page = dashboard("", "a-long-token").await;
    for _ in 0..5 {
        assert_eq!(page.post("/login", &[("word", "guess")], "").await.status(), StatusCode::UNAUTHORIZED);
    }
    let right = page.post("/login", &[("word", "a-long-token")], "").await;
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[test]
fn the_program_serves_the_pages_and_refuses_to_be_open() {
    let folder = shop();
    let (code, _, err) = run(ecomres(folder.path()).args(["dashboard", "--store", "shop.db", "--bind", "0.0.0.0"]));
    assert_eq!(code, 1);
    assert!(err.contains("neither password nor token") && err.contains("hint:"), "{err}");
    let (code, out, _) =
        run(ecomres(folder.path()).args(["dashboard", "--hash-password"]).write_stdin("long enough\n"));
    assert_eq!(code, 0);
    assert!(out.starts_with("$argon2id$"), "{out}");
    let (code, _, _) = run(ecomres(folder.path()).args(["dashboard", "--hash-password"]).write_stdin("short\n"));
    assert_eq!(code, 1);
    let mut child =
        piped(ecomres(folder.path()).args(["dashboard", "--store", "shop.db", "--port", "0"])).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let url = lines.find_map(|line| line.unwrap().split_once("dashboard at ").map(|(_, url)| url.to_owned())).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let text =
        runtime.block_on(async { client().get(format!("{url}analytics")).send().await.unwrap().text().await.unwrap() });
    assert!(text.contains("Orders by platform"), "{text}");
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
}

#[test]
fn the_report_tells_the_same_in_every_format() {
    let folder = shop();
    let report =
        |arguments: &[&str]| run(ecomres(folder.path()).args(["report", "--store", "shop.db"]).args(arguments));
    let (code, out, err) = report(&["orders", "--range", "all", "--json"]);
    assert_eq!(code, 0, "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let orders = json["figures"]["orders"].as_f64().unwrap();
    assert!(orders > 10.0);
    let platforms = json["series"]["orders_by_platform"]["lines"]["Orders by platform"].as_array().unwrap();
    assert_eq!(platforms.iter().map(|value| value.as_f64().unwrap()).sum::<f64>(), orders);
    let (_, csv, _) = report(&["orders", "--range", "all", "--format", "csv"]);
    assert!(csv.contains(&format!("orders,figures,orders,,{orders}\n")), "{csv}");
    let (_, table, _) = report(&["orders", "--range", "all"]);
    assert!(table.contains("By platform") && !table.contains('█'), "{table}");
    let (_, html, _) = report(&["all", "--range", "all", "--format", "html"]);
    assert!(html.starts_with("<!DOCTYPE html>") && html.contains("<svg") && !html.contains("<script"), "{html}");
    let (code, markdown, _) = report(&["all", "--range", "30d", "--format", "md"]);
    assert!(code == 0 && markdown.contains("## Overview") && markdown.contains("## Audit trail"), "{markdown}");
    let (code, _, err) = report(&["overview", "--range", "fortnight"]);
    assert_eq!(code, 1);
    assert!(err.contains("fortnight") && err.contains("hint:"), "{err}");
    let (code, out, err) = report(&["nlu", "--range", "all", "--json"]);
    assert_eq!(code, 0, "{err}");
    let parts: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&parts[0]["section"], &parts[1]["section"]), (&"nlu".into(), &"quality".into()));
    assert_eq!(parts[1]["figures"]["stability_index"], serde_json::Value::Null, "nobody wrote yet");
    let facts = parts[1]["tables"]["model"].as_array().unwrap();
    assert!(facts.iter().any(|row| row["What"] == "Trained on" && row["Value"] == "19,739 messages"), "{facts:?}");
    let (code, _, _) = report(&["audit", "--verify"]);
    assert_eq!(code, 0);
}

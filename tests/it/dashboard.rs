//! The pages of the support team over HTTP: the real router on a real port, with a store in memory.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecomres::domain::alert::{Alert, AlertStatus, Handling, Priority, Resolution};
use ecomres::domain::conversation::Conversation;
use ecomres::domain::ids::{AlertId, UserId};
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::domain::opt_out::{Preference, Source};
use ecomres::domain::outgoing::{Body, Template};
use ecomres::http::client::{ClientHeader, TrustedProxies};
use ecomres::http::connections::{Connections, Limits};
use ecomres::http::serve::serve_within;
use ecomres::insights::{ModelFacts, ModelSource, TrainingFacts};
use ecomres::knowledge::Library;
use ecomres::store::Store;
use ecomres::store::sqlite::SqliteStore;
use ecomres::web::{Access, CannedReply, SHUTDOWN_GRACE, Settings, hash_password, router};
use futures_util::StreamExt as _;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;

use crate::cli::{ecomres, run};
use crate::mcp::client::{piped, shop, terminate, wait};

const ATTACK: &str = "<script>alert(1)</script><img src=x onerror=alert(2)> \"'></textarea>";
pub(crate) const CUSTOMER: &str = "91<b>98765";

pub(crate) struct Page {
    pub(crate) url: String,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) documents: PathBuf,
    pub(crate) http: reqwest::Client,
    stop: CancellationToken,
}

impl Drop for Page {
    fn drop(&mut self) {
        self.stop.cancel();
        let _ = std::fs::remove_dir_all(&self.documents);
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
        other_heads: std::collections::BTreeMap::new(),
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
    if password.is_empty() && token.expose_secret().is_empty() {
        return locked(|address| Access::alone(address).unwrap()).await;
    }
    locked(|address| Access::new(address, &hash, &token, &[]).unwrap()).await
}

/// As `dashboard`, with any lock.
pub(crate) async fn locked(access: impl FnOnce(SocketAddr) -> Access) -> Page {
    served(&Connections::of_process(), access, |settings| settings).await
}

/// The same among these connections.
pub(crate) async fn served(
    connections: &Arc<Connections>,
    access: impl FnOnce(SocketAddr) -> Access,
    change: impl FnOnce(Settings) -> Settings,
) -> Page {
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
        bot_answers: false,
        handling: Handling::default(),
    };
    store.open_alert(&alert).await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let access = access(address);
    let stop = CancellationToken::new();
    // Made only where an answer is written.
    let documents = std::env::temp_dir().join(format!("ecomres-documents-{}", address.port()));
    let app = router(change(Settings {
        store: Arc::clone(&store),
        access,
        zone: TimeZone::get("Asia/Kolkata").unwrap(),
        gap: SignedDuration::from_hours(24),
        money: ecomres::domain::currency::ShopMoney::default(),
        policy: None,
        tools: None,
        agent_limit: None,
        setup: None,
        targets: ecomres::domain::target::Targets::default(),
        round_robin: false,
        ask_rating: true,
        limits: ecomres::channels::whatsapp::LIMITS,
        template: Some(Template { name: "reply_waiting".to_owned(), language: "en".to_owned() }),
        response_target_seconds: 5,
        model: ModelSource::fixed(0.45, Some(facts())),
        replies: vec![CannedReply { name: "late".to_owned(), text: "Dear {name}, {order_id} is late.".to_owned() }],
        home: ecomres::domain::phone::Country::parse("IN").unwrap(),
        library: Arc::new(Library::open(Some(documents.clone()), Vec::new())),
        clock: Arc::new(Timestamp::now),
        disk: None,
        stop: stop.clone(),
    }));
    let (connections, ending) = (Arc::clone(connections), stop.clone());
    tokio::spawn(async move { serve_within(&connections, app, listener, ending, SHUTDOWN_GRACE).await });
    Page { url: format!("http://{address}"), store, documents, http: client(), stop }
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
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

pub(crate) fn csrf(page: &str) -> String {
    page.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_answers_and_shows_no_markup_of_customers() {
    let page = dashboard("", "").await;
    let user = encoded(CUSTOMER);
    let order = ecomres::domain::ids::OrderId::new("ORD000007");
    page.store.bind_order(&order, &UserId::new(CUSTOMER), Timestamp::now()).await.unwrap();
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
        "/conversations?queue=unassigned",
        "/conversations?queue=bot&page=2",
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
async fn outside_the_window_the_page_offers_the_template_only_and_after_an_opt_out_nothing() {
    let page = dashboard("", "").await;
    let late = UserId::new("919876511111");
    let now = Timestamp::now();
    let said = ChatMessage {
        user_id: late.clone(),
        role: Role::User,
        text: "is anybody there?".to_owned(),
        at: now - SignedDuration::from_hours(30),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: Basis::default(),
    };
    page.store.append_messages(&[said]).await.unwrap();
    let chat = format!("/conversation?user={late}");
    let (_, text) = page.get(&chat).await;
    let shown = async || page.get(&chat).await.1;
    assert!(!text.contains("id=\"reply\""), "the bot answers");
    let csrf = csrf(&shown().await);
    let send = async |action: &str, text: &str| {
        let fields = [("csrf", csrf.as_str()), ("user", late.as_str()), ("text", text)];
        let answer = page.post(&format!("/conversation/{action}"), &fields, "").await;
        answer.headers()["location"].to_str().unwrap().to_owned()
    };
    send("take-over", "").await;
    let text = shown().await;
    assert!(text.contains("Template only") && text.contains("reply_waiting"), "{text}");
    assert!(!text.contains("<textarea id=\"reply\"") && text.contains("<input id=\"reply\" name=\"text\""), "{text}");
    assert!(send("reply", "your parcel is here").await.ends_with("told=queued"));
    let queued = page.store.outgoing_of(&late, 9).await.unwrap();
    assert!(matches!(&queued[0].body, Body::Template { name, .. } if name == "reply_waiting"), "{queued:?}");

    let stop = Preference { stopped: true, at: now, source: Source::Channel, message: None };
    page.store.record_preference(&late, &stop).await.unwrap();
    let text = shown().await;
    assert!(text.contains("Opted out") && text.contains("opted out") && !text.contains("name=\"text\""), "{text}");
    assert!(send("reply", "an offer").await.ends_with("told=optedout"));

    let now = Timestamp::now();
    let message = page.store.claim_outgoing(None, now, SignedDuration::from_secs(9)).await.unwrap().unwrap();
    assert!(page.store.send_failed(&message, "not on WhatsApp", None, now).await.unwrap());
    for filter in ["undelivered", "opted_out"] {
        let (_, list) = page.get(&format!("/conversations?only={filter}")).await;
        assert!(list.contains(late.as_str()) && !list.contains("91&lt;b&gt;98765"), "{filter}: {list}");
        assert!(list.contains("1 undelivered") && list.contains("opted out"), "{list}");
    }
    let text = shown().await;
    assert!(text.contains("not delivered") && text.contains("Not delivered: not on WhatsApp"), "{text}");
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
    println!(": {bytes} in total");
    assert!(bytes < 300_000, "the first page takes {bytes} bytes");
    // An older page names another content: it gets what is there now, and does not keep it.
    let older = page.http.get(format!("{}/assets/app.css?0000", page.url)).send().await.unwrap();
    assert_eq!(older.headers()["cache-control"], "no-cache");
    assert!(older.headers().get("content-encoding").is_none() && older.text().await.unwrap().contains("--bg"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_for_another_host_are_refused() {
    let page = dashboard("", "").await;
    let request = page.http.get(&page.url).header("host", "evil.example.com");
    assert_eq!(request.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_resolved_only_by_a_form_of_this_session() {
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
    let (_, resolved) = page.get("/alerts?status=resolved").await;
    assert!(resolved.contains("Resolved by dashboard") && resolved.contains("&lt;i&gt;by phone"), "{resolved}");
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
async fn a_change_reaches_open_pages_within_two_seconds() {
    let page = dashboard("", "").await;
    let answer = page.http.get(format!("{}/events", page.url)).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let mut events = answer.bytes_stream();
    let first = events.next().await.unwrap().unwrap();
    assert!(String::from_utf8_lossy(&first).contains("event: hello"));
    // Nothing changes, nothing is told.
    assert!(tokio::time::timeout(Duration::from_millis(2_500), events.next()).await.is_err());
    let resolution = Resolution { at: Timestamp::now(), by: None, note: String::new() };
    assert!(page.store.resolve_alert(&AlertId::new("ALERT_1"), &resolution).await.unwrap());
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
async fn a_locked_dashboard_requires_a_login() {
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
async fn repeated_wrong_passwords_are_refused() {
    let page = dashboard("", "a-long-token").await;
    let known = page.post("/login", &[("word", "a-long-token")], "").await;
    let mut cookies = known.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap());
    let device = cookies.find(|cookie| cookie.starts_with("ecomres_device=")).unwrap().split(';').next().unwrap();
    // Whoever comes from this machine may be somebody behind a proxy.
    for _ in 0..30 {
        assert_eq!(page.post("/login", &[("word", "guess")], "").await.status(), StatusCode::UNAUTHORIZED);
    }
    let right = page.post("/login", &[("word", "a-long-token")], "").await;
    assert_eq!(right.status(), StatusCode::TOO_MANY_REQUESTS);
    // The browser of somebody of the team is not locked out by what strangers do.
    let right = page.post("/login", &[("word", "a-long-token")], device).await;
    assert_eq!(right.status(), StatusCode::SEE_OTHER);
    let forged = device.replace("ecomres_device=", "ecomres_device=0");
    assert_eq!(page.post("/login", &[("word", "guess")], &forged).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logins_are_limited_by_the_client_that_a_trusted_proxy_names() {
    let proxies = TrustedProxies::new(vec!["127.0.0.1".parse().unwrap()], ClientHeader::XForwardedFor);
    let connections = Connections::new(Limits { connections: 100, per_address: 50 }, proxies);
    let hash = SecretString::from(String::new());
    let token = SecretString::from("a-long-token");
    let page =
        served(&connections, |address| Access::new(address, &hash, &token, &[]).unwrap(), |settings| settings).await;
    let log_in = async |client: &str, word: &str| {
        let request = page.http.post(format!("{}/login", page.url)).header("x-forwarded-for", client);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(format!("word={word}")).send().await.unwrap().status()
    };
    for _ in 0..5 {
        assert_eq!(log_in("198.51.100.1, 203.0.113.9", "guess").await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(log_in("198.51.100.2, 203.0.113.9", "a-long-token").await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in("198.51.100.7", "a-long-token").await, StatusCode::SEE_OTHER, "others are let in");
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
    // Without a lock it shows a link, and nothing but the link opens it.
    let (mut child, url, mut lines) = started(folder.path(), &[]);
    let link = lines.find_map(|line| {
        line.unwrap().split_once("log in with this link, while this runs: ").map(|(_, url)| url.to_owned())
    });
    let link = link.unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let http = client();
        let closed = http.get(format!("{url}analytics")).send().await.unwrap();
        assert_eq!(
            (closed.status(), closed.headers()["location"].to_str().unwrap()),
            (StatusCode::SEE_OTHER, "/login?next=%2Fanalytics")
        );
        let wrong = http.get(format!("{url}login?key=0000")).send().await.unwrap();
        assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
        let opened = http.get(&link).send().await.unwrap();
        assert_eq!(opened.status(), StatusCode::SEE_OTHER);
        let cookie = opened.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let page = http.get(format!("{url}analytics")).header("cookie", cookie).send().await.unwrap();
        assert!(page.text().await.unwrap().contains("Orders by platform"));
    });
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));

    // Whoever says that they are alone needs none; what was forwarded is refused with the reason.
    let (mut child, url, _lines) = started(folder.path(), &["--i-am-alone"]);
    runtime.block_on(async {
        let http = client();
        let page = http.get(format!("{url}analytics")).send().await.unwrap();
        assert!(page.text().await.unwrap().contains("Orders by platform"));
        let refused = http.get(format!("{url}analytics")).header("x-forwarded-for", "127.0.0.1").send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
        let told = refused.text().await.unwrap();
        assert!(told.contains("x-forwarded-for") && told.contains("password_hash"), "{told}");
        let named = http.get(format!("{url}analytics")).header("host", "shop.example.com").send().await.unwrap();
        assert_eq!(named.status(), StatusCode::FORBIDDEN);
    });
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
}

pub(crate) type Lines = std::io::Lines<std::io::BufReader<std::process::ChildStderr>>;

/// `ecomres dashboard` at a free port: its process, its address, and what it says after that.
pub(crate) fn started(folder: &std::path::Path, arguments: &[&str]) -> (std::process::Child, String, Lines) {
    let mut command = ecomres(folder);
    command.args(["dashboard", "--store", "shop.db", "--port", "0"]).args(arguments);
    let mut child = piped(&command).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stderr.take().unwrap()));
    let url = lines.find_map(|line| line.unwrap().split_once("dashboard at ").map(|(_, url)| url.to_owned())).unwrap();
    (child, url, lines)
}

#[test]
fn the_report_has_the_same_numbers_in_every_format() {
    let folder = shop();
    let report =
        |arguments: &[&str]| run(ecomres(folder.path()).args(["report", "--store", "shop.db"]).args(arguments));
    let (code, out, err) = report(&["orders", "--range", "all", "--json"]);
    assert_eq!(code, 0, "{err}");
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    let orders = json["figures"]["orders"].as_f64().unwrap();
    assert!(orders > 10.0);
    let platforms = json["series"]["orders_by_platform"]["lines"]["Orders by platform"].as_array().unwrap();
    let sum: f64 = platforms.iter().map(|value| value.as_f64().unwrap()).sum();
    assert!((sum - orders).abs() < 0.5, "{sum}, {orders}");
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
    let training: serde_json::Value = serde_json::from_str(include_str!("../../model/training.json")).unwrap();
    let rows = training["rows"].as_u64().unwrap();
    let trained = format!("{},{:03} messages", rows / 1_000, rows % 1_000);
    assert!(facts.iter().any(|row| row["What"] == "Trained on" && row["Value"] == trained.as_str()), "{facts:?}");
    let (code, _, _) = report(&["audit", "--verify"]);
    assert_eq!(code, 0);
}

//! Events that leave for the shop's other systems: what a receiver gets, whatever it answers and whatever is killed.

mod killed;
mod receiver;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecomres::domain::alert::{Alert, AlertStatus, Priority, Quoted};
use ecomres::domain::caller::Caller;
use ecomres::domain::event::{EventType, SigningSecret, schema};
use ecomres::domain::ids::{AlertId, IdPatterns, OrderId, UserId};
use ecomres::domain::money::{Money, Percent};
use ecomres::domain::order::{Order, OrderDetails};
use ecomres::domain::refund::{ProviderKind, RefundPolicy, RefundRequest};
use ecomres::events::{Courier, Dispatcher, DispatcherSettings, Endpoint, Schedule};
use ecomres::inbox::system_clock;
use ecomres::store::sqlite::SqliteStore;
use ecomres::store::{DispatchSearch, DispatchState, Store};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use standardwebhooks::Webhook;
use tokio_util::sync::CancellationToken;

use self::receiver::{Answer, Receiver, endpoint, secret, status, validate};
use crate::cli::{ecomres, run};

/// A dispatcher in a hurry: `attempts` in all, a few milliseconds between.
struct Running {
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Running {
    fn start(store: &Arc<dyn Store>, endpoints: Vec<Arc<Endpoint>>, attempts: usize) -> Self {
        let settings = DispatcherSettings {
            poll: Duration::from_millis(10),
            pause: (Duration::from_millis(1), Duration::from_millis(5)),
            schedule: Schedule(vec![SignedDuration::from_millis(10); attempts - 1]),
            ..DispatcherSettings::new(Duration::from_secs(20))
        };
        let courier = Courier::new(Duration::from_millis(400), true).unwrap();
        let dispatcher = Dispatcher::new(Arc::clone(store), endpoints, courier, settings, system_clock());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move { dispatcher.run(stopped).await });
        Self { stop, task }
    }

    async fn end(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }
}

fn scratch() -> Arc<dyn Store> {
    Arc::new(SqliteStore::scratch().unwrap().recording_events(true))
}

fn alert(id: &str, user: &str) -> Alert {
    let message = Quoted::FromCustomer("hello");
    Alert::raise(AlertId::new(id), UserId::new(user), "a person, please", message, Priority::High, Timestamp::now())
}

async fn settled(store: &Arc<dyn Store>) {
    let begun = Instant::now();
    loop {
        let backlog = store.event_backlog().await.unwrap();
        if backlog.new + backlog.waiting == 0 {
            return;
        }
        assert!(begun.elapsed() < Duration::from_mins(1), "{backlog:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn parked(store: &Arc<dyn Store>) -> Vec<String> {
    let search = DispatchSearch { states: vec![DispatchState::Parked], ..DispatchSearch::default() };
    let found = store.dispatches(&search, 100).await.unwrap();
    found.into_iter().map(|one| one.error.unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_comes_again_after_every_fault_until_it_is_taken() {
    let elsewhere = Receiver::start(&secret(1), |_, _| status(204)).await;
    let whole = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n";
    let moved = format!("HTTP/1.1 307 Moved\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url);
    let mut faults =
        vec![status(500), status(404), status(401), status(100), Answer::Says(moved.into_bytes()), Answer::Hangs];
    faults.push(Answer::Says(b"no HTTP at all\r\n\r\n".to_vec()));
    // The answer is cut at every byte.
    faults.extend((0..whole.len()).map(|length| Answer::Says(whole[..length].to_vec())));
    let count = faults.len();
    let receiver = Receiver::start(&secret(1), move |number, _| {
        faults.get(number).cloned().unwrap_or_else(|| Answer::Says(whole.to_vec()))
    })
    .await;
    let store = scratch();
    store.open_alert(&alert("ALERT_1", "919876500001")).await.unwrap();
    let running = Running::start(&store, vec![endpoint("erp", &receiver.url, &[secret(1)], &[])], count + 10);
    let received = receiver.wait_for(count + 1).await;
    settled(&store).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.end().await;
    assert_eq!(receiver.received().len(), count + 1, "it is taken, and does not come again");
    assert!(elsewhere.received().is_empty(), "a redirect is not followed");
    let distinct: BTreeSet<(&str, &str)> = received.iter().map(|one| (one.id.as_str(), one.body.as_str())).collect();
    assert_eq!(distinct.len(), 1, "the same event at every attempt");
    let data = &received[0].payload["data"];
    assert_eq!(
        (data["alert_id"].as_str(), data["customer"]["identity"].as_str()),
        (Some("ALERT_1"), Some("919876500001"))
    );
    assert!(store.pending_alert(&UserId::new("events")).await.unwrap().is_none(), "nobody was alerted for nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_taken_is_parked_and_the_team_alerted_once() {
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let receiver = Receiver::start(&secret(1), move |_, _| {
        status(if is_broken.load(std::sync::atomic::Ordering::SeqCst) { 503 } else { 200 })
    })
    .await;
    let store = scratch();
    for number in 0..5 {
        store.open_alert(&alert(&format!("ALERT_{number}"), &format!("91987650000{number}"))).await.unwrap();
    }
    let running = Running::start(&store, vec![endpoint("erp", &receiver.url, &[secret(1)], &[])], 3);
    settled(&store).await;
    assert_eq!(parked(&store).await, vec!["it answers 503"; 5]);
    assert_eq!(receiver.received().len(), 15, "three attempts each");
    let told = store.pending_alert(&UserId::new("events")).await.unwrap().unwrap();
    assert_eq!(told.reason.matches("endpoint erp").count(), 1, "{}", told.reason);
    assert_eq!(told.status, AlertStatus::Pending);
    assert!(store.dispatches(&DispatchSearch::default(), 99).await.unwrap().len() == 5, "that alert is no event");
    // Mended, and tried again.
    broken.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(store.retry_dispatches(None, None, Timestamp::now()).await.unwrap(), 5);
    settled(&store).await;
    running.end().await;
    assert!(parked(&store).await.is_empty());
    let taken: BTreeSet<String> = receiver.received()[15..].iter().map(|one| one.id.clone()).collect();
    assert_eq!(taken.len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_gone_gets_nothing_more_until_somebody_says_so() {
    let receiver = Receiver::start(&secret(1), |number, _| status(if number == 0 { 410 } else { 200 })).await;
    let store = scratch();
    store.open_alert(&alert("ALERT_1", "919876500001")).await.unwrap();
    let erp = endpoint("erp", &receiver.url, &[secret(1)], &[]);
    let running = Running::start(&store, vec![Arc::clone(&erp)], 3);
    receiver.wait_for(1).await;
    settled(&store).await;
    store.open_alert(&alert("ALERT_2", "919876500002")).await.unwrap();
    settled(&store).await;
    running.end().await;
    // Another process knows it too.
    let running = Running::start(&store, vec![Arc::clone(&erp)], 3);
    store.open_alert(&alert("ALERT_3", "919876500003")).await.unwrap();
    settled(&store).await;
    running.end().await;
    assert_eq!((receiver.received().len(), parked(&store).await.len()), (1, 3));
    let told = store.pending_alert(&UserId::new("events")).await.unwrap().unwrap();
    assert!(told.reason.contains("410 Gone") && told.reason.contains("events retry --endpoint erp"), "{}", told.reason);
    // The same name at another address is another endpoint.
    let moved = Receiver::start(&secret(1), |_, _| status(200)).await;
    store.open_alert(&alert("ALERT_4", "919876500004")).await.unwrap();
    let running = Running::start(&store, vec![endpoint("erp", &moved.url, &[secret(1)], &[])], 3);
    moved.wait_for(1).await;
    running.end().await;
    assert_eq!(store.retry_dispatches(None, Some("erp"), Timestamp::now()).await.unwrap(), 3);
    let running = Running::start(&store, vec![erp], 3);
    receiver.wait_for(4).await;
    settled(&store).await;
    running.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_hangs_delays_no_other_and_each_gets_its_types() {
    let hanging = Receiver::start(&secret(1), |_, _| Answer::Hangs).await;
    let quick = Receiver::start(&secret(2), |_, _| status(200)).await;
    let money = Receiver::start(&secret(3), |_, _| status(200)).await;
    let store = scratch();
    let endpoints = vec![
        endpoint("hanging", &hanging.url, &[secret(1)], &[]),
        endpoint("quick", &quick.url, &[secret(2)], &["conversation.*"]),
        endpoint("money", &money.url, &[secret(3)], &["refund.paid"]),
    ];
    let running = Running::start(&store, endpoints, 50);
    for number in 0..20 {
        store.open_alert(&alert(&format!("ALERT_{number}"), &format!("9198765{number:05}"))).await.unwrap();
    }
    pay(&store, 1).await;
    let begun = Instant::now();
    let received = quick.wait_for(20).await;
    money.wait_for(1).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(received.iter().all(|one| one.kind() == "conversation.handed_over"));
    assert_eq!((quick.received().len(), money.received().len()), (20, 1));
    running.stop.cancel();
    running.task.await.unwrap();
}

#[tokio::test]
async fn while_a_secret_is_changed_both_hold() {
    let (old, new) = (secret(1), secret(2));
    for known in [&old, &new] {
        // A receiver that knows one of them.
        let receiver = Receiver::start(known, |_, _| status(200)).await;
        let store = scratch();
        store.open_alert(&alert("ALERT_1", "919876500001")).await.unwrap();
        let running = Running::start(&store, vec![endpoint("erp", &receiver.url, &[new.clone(), old.clone()], &[])], 2);
        let received = receiver.wait_for(1).await;
        running.end().await;
        let signatures = received[0].headers["webhook-signature"].to_str().unwrap();
        assert_eq!(signatures.split(' ').count(), 2);
        let verify = |secret: &str, body: &str| {
            Webhook::new(secret).unwrap().verify(body.as_bytes(), &received[0].headers).is_ok()
        };
        assert!(verify(&old, &received[0].body) && verify(&new, &received[0].body));
        assert!(!verify(&secret(3), &received[0].body) && !verify(&old, &format!("{} ", received[0].body)));
    }
}

fn order(number: u32) -> Order {
    Order {
        value: Some(Money::from_rupees(599)),
        category: "Dairy".to_owned(),
        delivery_minutes: Some(30),
        details: OrderDetails::default(),
        ..Order::new(OrderId::new(&format!("ORD{number:06}")))
    }
}

/// Pays a refund for an order.
async fn pay(store: &Arc<dyn Store>, number: u32) {
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
        provider: ProviderKind::Ledger,
        money: ecomres::domain::currency::ShopMoney::default(),
    };
    let request = RefundRequest {
        order: &order(number),
        quote: None,
        caller: &Caller::Operator { name: "test".to_owned() },
        items: &[],
        amount: None,
        reason: "items missing",
        patterns: &IdPatterns::default(),
        now: Timestamp::now(),
        local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0),
    };
    store.record_refund(policy.approve(&request).unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bot_tells_the_shops_systems_and_the_terminal_shows_it() {
    use crate::whatsapp::Bot;

    let answers = Arc::new(std::sync::atomic::AtomicU16::new(200));
    let answer = Arc::clone(&answers);
    let receiver =
        Receiver::start(&secret(1), move |_, _| status(answer.load(std::sync::atomic::Ordering::SeqCst))).await;
    let key = secret(1);
    let environment = [("ECOMRES_EVENTS__URL", receiver.url.as_str()), ("ECOMRES_EVENTS_SECRET", key.as_str())];
    let bot = Bot::start(&["bot"], &environment).await;
    bot.write("919876500001", "I want to talk to a human agent").await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].kind(), "conversation.handed_over");
    let customer = &received[0].payload["data"]["customer"];
    assert_eq!((customer["masked"].as_str(), customer.get("identity")), (Some("********0001"), None));
    // Another process makes the next fact; the bot delivers it.
    let folder = bot.folder.path().to_owned();
    let events = |arguments: &[&str]| {
        let mut command = ecomres(&folder);
        command.args(arguments).args(["--store", "shop.db"]);
        run(command.envs(environment))
    };
    let alert = received[0].payload["data"]["alert_id"].as_str().unwrap().to_owned();
    let (code, _, err) = events(&["alerts", "resolve", &alert, "--note", "done"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(receiver.wait_for(2).await[1].kind(), "conversation.resolved");
    bot.write("919876500001", "STOP").await;
    assert_eq!(receiver.wait_for(3).await[2].kind(), "conversation.opted_out");
    bot.write("919876500001", "START").await;
    assert_eq!(receiver.wait_for(4).await[3].kind(), "conversation.opted_in");

    let begun = Instant::now();
    let listed = loop {
        let (code, out, err) = events(&["events", "list", "--json"]);
        assert_eq!((code, err.as_str()), (0, ""));
        let listed: Value = serde_json::from_str(&out).unwrap();
        if listed["backlog"]["waiting"] == 0 || begun.elapsed() > Duration::from_secs(10) {
            break listed;
        }
    };
    assert_eq!(listed["events"].as_array().unwrap().len(), 4);
    assert_eq!(listed["events"][0]["state"], "delivered", "{listed:#}");
    let id = listed["events"][0]["id"].as_str().unwrap();
    assert_eq!(id, receiver.received()[3].id);
    let (code, out, _) = events(&["events", "show", id]);
    assert!(
        code == 0 && out.contains("\"type\": \"conversation.opted_in\"") && out.contains("shop: delivered, 1"),
        "{out}"
    );
    let (code, out, _) = events(&["doctor"]);
    assert!(code <= 1 && out.contains("✅ events     shop at 127.0.0.1:"), "{out}");
    assert!(!out.contains("/hook") && !out.contains(&secret(1)), "{out}");
    let (code, out, _) = events(&["events", "send-test"]);
    assert!(code == 0 && out.contains("it answers 200: it takes events"), "{out}");
    assert_eq!(receiver.received().last().unwrap().kind(), "endpoint.test");

    // It wants no more.
    answers.store(410, std::sync::atomic::Ordering::SeqCst);
    let (code, _, err) = events(&["events", "send-test"]);
    assert!(code == 1 && err.contains("shop took no event") && err.contains("hint:"), "{err}");
    bot.write("919876500001", "STOP").await;
    let begun = Instant::now();
    let told = loop {
        let (_, out, _) = events(&["events", "list", "--parked"]);
        if out.contains("conversation.opted_out") || begun.elapsed() > Duration::from_secs(10) {
            break out;
        }
    };
    assert!(told.contains("0 to deliver; 1 parked") && told.contains("it answered 410 Gone"), "{told}");
    let (_, out, _) = events(&["doctor"]);
    assert!(out.contains("shop answered 410 Gone and gets none"), "{out}");
    let (code, _, err) = events(&["events", "retry", "evt_no"]);
    assert!(code == 1 && err.contains("no such event is parked"), "{err}");
    answers.store(200, std::sync::atomic::Ordering::SeqCst);
    let before = receiver.received().len();
    let (code, out, _) = events(&["events", "retry", "--endpoint", "shop"]);
    assert!(code == 0 && out.contains("1 event. The endpoint gets events again."), "{out}");
    assert_eq!(receiver.wait_for(before + 1).await[before].kind(), "conversation.opted_out");
}

#[test]
fn what_cannot_be_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let doctor = |settings: &[(&str, &str)]| {
        let (_, out, _) = run(ecomres(folder.path()).arg("doctor").envs(settings.iter().copied()));
        out
    };
    let (url, key) = ("ECOMRES_EVENTS__URL", "ECOMRES_EVENTS_SECRET");
    let good = secret(1);
    for (settings, expected) in [
        (vec![(url, "https://erp.example/h1dden")], "it has no secret"),
        (vec![(url, "http://erp.example/h1dden"), (key, &good)], "http:// is for addresses of this machine only"),
        (vec![(url, "erp.example/h1dden"), (key, &good)], "ECOMRES_EVENTS__URL is “erp.example”"),
        (vec![(key, "whsec_h1dden")], "ECOMRES_EVENTS_SECRET cannot be used as a secret"),
        (vec![("ECOMRES_EVENTS__TYPES", "refund.payed")], "did you mean “refund.paid”?"),
    ] {
        let out = doctor(&settings);
        let settings_line = out.lines().take(2).collect::<Vec<_>>().join("\n");
        assert!(settings_line.contains("❌") && settings_line.contains(expected), "{settings:?}: {out}");
        assert!(!out.contains("/h1dden") && !out.contains("whsec_h1dden") && !out.contains(&good), "{out}");
    }
    let run = |arguments: &[&str]| run(ecomres(folder.path()).args(arguments));
    let (code, _, err) = run(&["events", "send-test"]);
    assert!(code == 1 && err.contains("no endpoint is set") && err.contains("hint:"), "{err}");
    let (code, _, err) = run(&["events", "schema", "refund.payd"]);
    assert!(code == 1 && err.contains("refund.paid"), "{err}");
    let (code, made, err) = run(&["events", "secret"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(SigningSecret::parse(&made).is_ok() && run(&["events", "secret"]).1 != made, "{made}");
    let (code, out, _) = run(&["events", "schema", "refund.paid"]);
    assert_eq!(code, 0);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap(), schema(EventType::RefundPaid));
    let (_, types, _) = run(&["events", "schema"]);
    assert_eq!(types.lines().count(), EventType::ALL.len());
    // The schemas are kept: whoever changes one sees it here.
    let all: BTreeMap<&str, Value> = EventType::ALL.map(|of| (of.as_str(), schema(of))).into_iter().collect();
    insta::assert_json_snapshot!("event_schemas", all);
    for of in EventType::ALL {
        let (_, out, _) = run(&["events", "schema", of.as_str(), "--example"]);
        let example: Value = serde_json::from_str(&out).unwrap();
        validate(&schema(of), &schema(of), &example, "").unwrap();
        // The check above can fail.
        let mut wrong = example.clone();
        wrong["data"] = Value::from(5);
        assert!(validate(&schema(of), &schema(of), &wrong, "").is_err());
    }
}

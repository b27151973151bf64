//! Processes that are killed between a fact and the delivery of its event.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecomres::domain::alert::{AlertStatus, Resolution};
use ecomres::domain::ids::{AlertId, MessageId, UserId};
use ecomres::domain::opt_out::{Preference, Source};
use ecomres::events::{Courier, Dispatcher, DispatcherSettings, Schedule};
use ecomres::inbox::system_clock;
use ecomres::store::Store;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::SmallRng;
use rand::{Rng as _, SeedableRng as _};
use tokio_util::sync::CancellationToken;

use super::receiver::{Answer, Received, Receiver, endpoint, secret, status};
use super::{alert, parked, pay};

/// A process that does what the tests of killed processes want: facts, and deliveries, as `ecomres serve` has both.
#[test]
#[ignore = "other tests run it in a process of its own"]
fn worker() {
    let variable = |name| std::env::var(name).expect("only the tests of killed processes start this");
    let (location, url) = (variable("ECOMRES_TEST_STORE"), variable("ECOMRES_TEST_URL"));
    let first: u32 = variable("ECOMRES_TEST_FIRST").parse().unwrap();
    std::thread::spawn(|| {
        while std::io::stdin().read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        #[expect(clippy::exit, reason = "the other threads work for ever")]
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let settings = ecomres::store::StoreSettings { events: true, ..Default::default() };
        let store = ecomres::store::open_with(&location, &settings).unwrap();
        let settings = DispatcherSettings {
            lease: SignedDuration::from_millis(1_000),
            poll: Duration::from_millis(10),
            pause: (Duration::from_millis(1), Duration::from_millis(20)),
            schedule: Schedule(vec![SignedDuration::from_millis(20); 10_000]),
            ..DispatcherSettings::new(Duration::from_secs(1))
        };
        let courier = Courier::new(Duration::from_millis(500), true).unwrap();
        let endpoints = vec![endpoint("erp", &url, &[secret(1)], &[])];
        let dispatcher = Dispatcher::new(Arc::clone(&store), endpoints, courier, settings, system_clock());
        tokio::spawn(async move { dispatcher.run(CancellationToken::new()).await });
        for number in first..first + 15 {
            let user = UserId::new(format!("customer-{number}"));
            store.open_alert(&alert(&format!("ALERT_{number}"), user.as_str())).await.unwrap();
            pay(&store, number).await;
            let wish = Preference {
                stopped: true,
                at: Timestamp::now(),
                source: Source::Message,
                message: Some(MessageId::new(format!("stop-{number}"))),
            };
            store.record_preference(&user, &wish).await.unwrap();
            let resolution = Resolution { at: Timestamp::now(), by: None, note: String::new() };
            store.resolve_alert(&AlertId::new(format!("ALERT_{number}")), &resolution).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
}

fn start_worker(location: &str, url: &str, first: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "events::killed::worker", "--ignored", "--nocapture", "--test-threads", "1"])
        .env("ECOMRES_TEST_STORE", location)
        .env("ECOMRES_TEST_URL", url)
        .env("ECOMRES_TEST_FIRST", first.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_processes_lose_no_event_and_make_none_up() {
    let folder = tempfile::tempdir().unwrap();
    killed(folder.path().join("store.db").to_str().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn killed_processes_lose_no_event_on_a_server() {
    let server = std::env::var("TEST_MONGO_URI").expect("TEST_MONGO_URI names the server to test against");
    let (hosts, options) = server.split_once("/?").expect("TEST_MONGO_URI ends with /?OPTIONS");
    let name = format!("ecomres_events_{}", uuid::Uuid::now_v7().simple());
    killed(&format!("{hosts}/{name}?{options}")).await;
    mongodb::Client::with_uri_str(&server).await.unwrap().database(&name).drop().await.unwrap();
}

/// Kills processes at random moments between a fact and its delivery. `ECOMRES_EVENT_KILLS` says how often.
async fn killed(location: &str) {
    let kills: u32 = std::env::var("ECOMRES_EVENT_KILLS").map_or(40, |text| text.parse().unwrap());
    let seed = std::env::var("ECOMRES_CHAOS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("ECOMRES_CHAOS_SEED={seed} ECOMRES_EVENT_KILLS={kills}");
    let mut rng = SmallRng::seed_from_u64(seed);
    // Some are refused, some answers are lost.
    let receiver = Receiver::start(&secret(1), |number, _| match number % 7 {
        3 => status(500),
        5 => Answer::Says(Vec::new()),
        _ => status(200),
    })
    .await;
    let (place, url) = (location.to_owned(), receiver.url.clone());
    let opened = tokio::task::spawn_blocking(move || ecomres::store::open(&place).unwrap());
    let store = opened.await.unwrap();
    let begun = Instant::now();
    for round in 0..kills {
        let mut children: Vec<Child> =
            (0..2).map(|one| start_worker(location, &url, 1 + (round * 2 + one) * 20)).collect();
        tokio::time::sleep(Duration::from_millis(rng.random_range(20..400))).await;
        for child in &mut children {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
    // One that lives delivers what they left.
    let mut last = start_worker(location, &url, 900_000);
    let done = async {
        loop {
            let facts = facts(&store).await;
            let backlog = store.event_backlog().await.unwrap();
            let delivered: BTreeSet<(String, String)> = receiver.received().iter().map(of_fact).collect();
            if facts.contains(&("refund.paid".to_owned(), "ORD900014".to_owned()))
                && facts.is_subset(&delivered)
                && backlog.new + backlog.waiting == 0
            {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(90), done).await;
    last.kill().unwrap();
    last.wait().unwrap();
    let (facts, received) = (facts(&store).await, receiver.received());
    let delivered: BTreeSet<(String, String)> = received.iter().map(of_fact).collect();
    let lost: Vec<_> = facts.difference(&delivered).collect();
    assert!(in_time.is_ok() && lost.is_empty(), "not delivered: {lost:?}");
    let invented: Vec<_> = delivered.difference(&facts).collect();
    assert!(invented.is_empty(), "never happened: {invented:?}");
    // One event of each fact, under one identifier.
    let mut ids: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for one in &received {
        ids.entry(of_fact(one)).or_default().insert(&one.id);
    }
    assert!(ids.values().all(|ids| ids.len() == 1), "{ids:?}");
    println!(
        "{} facts, {} requests, {} processes killed in {:.1} s",
        facts.len(),
        received.len(),
        kills * 2,
        begun.elapsed().as_secs_f64()
    );
    assert!(facts.len() > 60 && parked(&store).await.is_empty());
}

/// What happened, from the ledger, the alerts and the wishes: a type with what it is about.
async fn facts(store: &Arc<dyn Store>) -> BTreeSet<(String, String)> {
    let mut facts = BTreeSet::new();
    let fact = |kind: &str, of: &str| (kind.to_owned(), of.to_owned());
    for refund in store.refunds(u32::MAX).await.unwrap() {
        facts.insert(fact("refund.paid", refund.order_id.as_str()));
    }
    for alert in store.alerts(u32::MAX).await.unwrap() {
        facts.insert(fact("conversation.handed_over", alert.id.as_str()));
        if alert.status == AlertStatus::Resolved {
            facts.insert(fact("conversation.resolved", alert.id.as_str()));
        }
        if store.preference(&alert.user_id).await.unwrap().is_some_and(|wish| wish.stopped) {
            facts.insert(fact("conversation.opted_out", alert.user_id.as_str()));
        }
    }
    facts
}

fn of_fact(received: &Received) -> (String, String) {
    let data = &received.payload["data"];
    let of = data["order_id"].as_str().or(data["alert_id"].as_str()).or(data["customer"]["identity"].as_str());
    (received.kind().to_owned(), of.unwrap().to_owned())
}

//! What many open pages cost, and how long the data of each page takes at the size of a busy shop.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ecomres::domain::desk::{Pin, PinKind};
use ecomres::domain::ids::UserId;
use ecomres::domain::message::{Basis, ChatMessage, Role};
use ecomres::store::Store;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use jiff::Timestamp;

use crate::cli::ecomres;
use crate::crowd::{import_orders, write_business, write_customers, write_messages};
use crate::mcp::client::{piped, terminate, wait};

/// Open pages.
const PAGES: usize = 200;
/// Requests of each page that are measured.
const REQUESTS: usize = 40;

/// Seconds of processor time that a process has used. Only Linux has this file.
fn processor_seconds(process: u32) -> f64 {
    let line = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<&str> = line.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = fields[11].parse::<u32>().unwrap() + fields[12].parse::<u32>().unwrap();
    f64::from(ticks) / 100.0
}

fn percentile(sorted: &[Duration], share: usize) -> f64 {
    sorted[(sorted.len() * share / 100).min(sorted.len() - 1)].as_secs_f64() * 1_000.0
}

/// A store that is not there yet: a file, or a database of the server that `WATCH_MONGO_URI` names.
fn place(folder: &Path) -> String {
    let Ok(server) = std::env::var("WATCH_MONGO_URI") else {
        return folder.join("shop.db").to_str().unwrap().to_owned();
    };
    let (hosts, options) = server.split_once("/?").expect("WATCH_MONGO_URI ends with /?OPTIONS");
    format!("{hosts}/ecomres_watch_{}?{options}", uuid::Uuid::now_v7().simple())
}

/// Puts orders, messages and business into a new store.
async fn fill(folder: &Path, location: &str) -> Arc<dyn Store> {
    let messages = std::env::var("WATCH_MESSAGES").map_or(200_000, |count| count.parse().unwrap());
    import_orders(folder, location);
    let store: Arc<dyn Store> = ecomres::store::open(location).unwrap();
    let begun = Instant::now();
    let now = Timestamp::now();
    let on_server = location.starts_with("mongodb");
    let written = if on_server {
        write_customers(store.as_ref(), messages, now).await
    } else {
        write_messages(store.as_ref(), messages, now).await
    };
    write_business(store.as_ref(), now).await;
    let seconds = begun.elapsed().as_secs_f64();
    let kind = if on_server { "the server" } else { "SQLite" };
    println!("{location}: {written} messages and 100,000 orders on {kind}, written in {seconds:.1} s");
    store
}

/// `WATCH_MESSAGES` sets how many messages there are; `WATCH_STORE` names a store that was filled before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes and measures: tests/bench/dashboard.sh"]
#[expect(clippy::too_many_lines, reason = "one measurement after the other on one store")]
async fn open_pages_cost_little_and_load_fast() {
    let folder = tempfile::tempdir().unwrap();
    let (location, store) = if let Ok(location) = std::env::var("WATCH_STORE") {
        let store = ecomres::store::open(&location).unwrap();
        (location, store)
    } else {
        let location = place(folder.path());
        let store = fill(folder.path(), &location).await;
        (location, store)
    };
    let mut command = ecomres(folder.path());
    command.args(["dashboard", "--store", &location, "--port", "0", "--i-am-alone"]);
    let mut child = piped(&command).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let url = lines.find_map(|line| line.unwrap().split_once("dashboard at ").map(|(_, url)| url.to_owned())).unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().build().unwrap();

    let ask = async |page: &str| {
        let begun = Instant::now();
        let answer = http.get(format!("{url}{page}")).send().await.unwrap();
        assert!(answer.status().is_success(), "{page}");
        let text = answer.text().await.unwrap();
        assert!(text.contains("<main"), "{page}");
        begun.elapsed()
    };
    let tagged = store.find_conversations(&ecomres::store::Search::default(), 300, 3_000).await.unwrap().users;
    for user_id in tagged {
        let (name, by) = ("late".to_owned(), "desk".to_owned());
        store
            .save_pin(&Pin { user_id, kind: PinKind::Tag, name, by, at: Timestamp::now(), until: None })
            .await
            .unwrap();
    }
    let latest = store.find_conversations(&ecomres::store::Search::default(), 1, 1).await.unwrap().users.remove(0);
    let chat = format!("conversation?user={latest}");
    let pages = [
        "",
        "?range=1h",
        "?range=24h",
        "?range=30d",
        "?range=all",
        "alerts",
        "conversations",
        "conversations?q=ORD000777",
        "conversations?q=said%20by%20nobody",
        "conversations?order=ORD000777",
        "conversations?mode=person",
        &chat,
        "analytics",
        "analytics?range=30d&platform=Blinkit",
        "audit",
        "conversations?queue=waiting",
        "conversations?tag=late",
        "team",
    ];
    let mut firsts = Vec::new();
    for page in pages {
        firsts.push(ask(page).await);
    }

    let opened = (0..PAGES).map(|_| async {
        let mut events = http.get(format!("{url}events")).send().await.unwrap().bytes_stream();
        let first = events.next().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&first).contains("hello"));
        events
    });
    let opened = join_all(opened).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let (before, begun) = (processor_seconds(child.id()), Instant::now());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let share = (processor_seconds(child.id()) - before) / begun.elapsed().as_secs_f64() * 100.0;
    println!("{} open pages while nothing changes: {share:.2} % of a core (target: under 5 %)", opened.len());
    assert!(share < 5.0, "{share} % of a core");
    drop(opened);

    println!("data of a page, milliseconds: first | p95 unchanged | p95 with a new message before each request");
    for (page, first) in pages.into_iter().zip(firsts) {
        let (mut calm, mut busy) = (Vec::new(), Vec::new());
        for _ in 0..REQUESTS {
            calm.push(ask(page).await);
        }
        for number in 0..REQUESTS {
            let said = ChatMessage {
                user_id: UserId::new("919000000003"),
                role: Role::User,
                text: "and now?".to_owned(),
                at: Timestamp::now(),
                turn: number as u64,
                intent: Some("track_order".to_owned()),
                sentiment: Some("neutral".to_owned()),
                response_ms: None,
                basis: Basis::default(),
            };
            store.append_messages(&[said]).await.unwrap();
            busy.push(ask(page).await);
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        calm.sort();
        busy.sort();
        let first = first.as_secs_f64() * 1_000.0;
        println!("  /{page}: {first:.0} | {:.0} | {:.0}", percentile(&calm, 95), percentile(&busy, 95));
    }
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(20)), Some(0));
}

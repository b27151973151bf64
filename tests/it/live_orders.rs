//! Live orders as a shop meets them: the real program, posts and webhooks over HTTP, a customer who asks; a process that is killed
//! between its answer and whatever comes after; a folder that is watched.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecomres::domain::ids::OrderId;
use ecomres::domain::money::Money;
use ecomres::store;
use hmac::{Hmac, Mac as _};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::cli::{ecomres, run};
use crate::mcp::client::{piped, shop, terminate, wait};
use crate::whatsapp::{Bot, SECRET};

const TOKEN: &str = "orders-token-of-more-than-22-letters";
const SHOP_SECRET: &str = "shop-secret-of-more-than-22-letters";

fn signature(body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SHOP_SECRET.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// What the settings of all three senders are.
const OPEN: [(&str, &str); 3] = [
    ("ORDERS_TOKEN", TOKEN),
    ("ECOMRES_ORDERS__SHOPIFY_SECRET", SHOP_SECRET),
    ("ECOMRES_ORDERS__WOOCOMMERCE_SECRET", SHOP_SECRET),
];

#[tokio::test]
async fn a_posted_order_is_known_to_the_next_message() {
    let bot = Bot::start(&["bot", "--offline"], &OPEN).await;
    let customer = "919876500077";
    let order = json!({"order_id": "ORD900001", "customer_phone": format!("+{customer}"), "total": "749.00", "status": "Out for delivery",
        "ordered_at": "2026-11-20T18:04:00+05:30", "updated_at": "2026-11-20T18:05:00+05:30", "category": "Toys"});
    let (status, report) =
        bot.post_to("/orders", &[("authorization", &format!("Bearer {TOKEN}"))], order.to_string()).await;
    assert_eq!((status, &report["added"]), (200, &json!(1)), "{report}");
    bot.write(customer, "Where is my order ORD900001?").await;
    let reply = bot.reply(customer, 1).await.to_string();
    assert!(reply.contains("it is on its way"), "{reply}");

    let (_, metrics) = bot.get("/metrics").await;
    assert!(metrics.contains(r#"ecomres_live_orders_total{source="api",result="added"} 1"#), "{metrics}");
}

#[tokio::test]
async fn a_shops_webhooks_reach_the_store_and_strangers_do_not() {
    let bot = Bot::start(&["serve", "--offline"], &OPEN).await;
    let body =
        json!({"id": 6_001, "name": "#1001", "total_price": "599.00", "currency": "INR", "financial_status": "paid",
        "created_at": "2026-11-20T18:04:00+05:30", "updated_at": "2026-11-20T18:05:00+05:30", "line_items": []})
        .to_string();
    let topic = ("x-shopify-topic", "orders/create");
    let (status, _) =
        bot.post_to("/orders", &[("x-shopify-hmac-sha256", &signature(&body)), topic], body.clone()).await;
    assert_eq!(status, 200);
    let ping = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        bot.post_to("/orders", &ping, "webhook_id=7".to_owned()).await.0,
        200,
        "WooCommerce tries the address out"
    );
    for headers in [
        vec![],
        vec![("authorization", "Bearer another")],
        vec![("x-shopify-hmac-sha256", &*signature("another")), topic],
        vec![("x-wc-webhook-signature", "rubbish")],
        vec![("x-hub-signature-256", &*crate::whatsapp::header(body.as_bytes(), SECRET))],
    ] {
        assert_eq!(bot.post_to("/orders", &headers, body.clone()).await.0, 401, "{headers:?}");
    }
    let store = store::open(bot.folder.path().join("shop.db").to_str().unwrap()).unwrap();
    let order = store.order(&OrderId::new("#1001")).await.unwrap().unwrap();
    assert_eq!(order.value, Some(Money::from_rupees(599)));
}

#[tokio::test]
async fn without_a_lock_there_is_no_such_address() {
    let bot = Bot::start(&["bot", "--offline"], &[]).await;
    assert_eq!(bot.post_to("/orders", &[("authorization", "Bearer ")], "{}".to_owned()).await.0, 404);
}

#[test]
fn a_short_token_is_refused_at_the_start() {
    let folder = shop();
    let mut command = ecomres(folder.path());
    command.args(["bot", "--port", "0", "--store", "shop.db"]).env("ORDERS_TOKEN", "short");
    for (name, value) in [("VERIFY_TOKEN", "v"), ("APP_SECRET", "s"), ("ACCESS_TOKEN", "t"), ("PHONE_ID", "42")] {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("ORDERS_TOKEN ([orders] token) has fewer than 16 characters"), "{error}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_schema_is_json_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (code, shown, _) = run(ecomres(folder.path()).args(["orders", "schema"]));
    assert_eq!(code, 0);
    let schema: Value = serde_json::from_str(&shown).unwrap();
    let order = &schema["$defs"]["order"]["properties"];
    for field in ["order_id", "customer_phone", "total", "currency", "status", "items", "updated_at"] {
        assert!(order[field]["description"].is_string(), "{field}: {order}");
    }
}

/// The bot in a process of its own, without a channel.
#[expect(clippy::zombie_processes, reason = "the caller waits for it; only a child that has ended is not waited for")]
fn start(folder: &Path) -> (Child, String) {
    let mut command = ecomres(folder);
    command.args(["bot", "--port", "0", "--store", "shop.db", "--offline"]);
    for (name, value) in [
        ("VERIFY_TOKEN", "verify-me"),
        ("APP_SECRET", SECRET),
        ("ACCESS_TOKEN", "token"),
        ("PHONE_ID", "42"),
        ("ECOMRES_WHATSAPP__GRAPH_URL", "http://127.0.0.1:9"),
    ]
    .into_iter()
    .chain(OPEN)
    {
        command.env(name, value);
    }
    let mut child = piped(&command).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it ended before it listened");
        if let Some((_, url)) = line.trim().split_once("bot listening at ") {
            std::thread::spawn(move || std::io::copy(&mut errors, &mut std::io::sink()));
            return (child, url.replace("/webhook", "/orders"));
        }
    }
}

/// Whatever was answered with 200 is in the store after `kill -9`, whichever moment it came at.
#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let seed: u64 = std::env::var("ECOMRES_CHAOS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("ECOMRES_CHAOS_SEED={seed}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = shop();
    let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap();
    let mut acknowledged: BTreeMap<String, i64> = BTreeMap::new();
    let mut version = 0_i64;
    for _ in 0..5 {
        let (mut child, url) = start(folder.path());
        let end = Instant::now() + Duration::from_millis(rng.random_range(150..700));
        let killer = std::thread::spawn(move || {
            std::thread::sleep(end.saturating_duration_since(Instant::now()));
            child.kill().unwrap();
            child.wait().unwrap();
        });
        loop {
            version += 1;
            let count = rng.random_range(1..40);
            let ids: Vec<String> = (0..count).map(|_| format!("K{}", rng.random_range(0..200))).collect();
            let changed = jiff::Timestamp::from_second(1_700_000_000 + version).unwrap().to_string();
            let list: Vec<Value> =
                ids.iter().map(|id| json!({"order_id": id, "total": version, "updated_at": changed})).collect();
            let answer = http.post(&url).bearer_auth(TOKEN).body(Value::from(list).to_string()).send().await;
            match answer {
                Ok(answer) if answer.status() == 200 => acknowledged.extend(ids.into_iter().map(|id| (id, version))),
                _ => break,
            }
        }
        killer.join().unwrap();
    }
    assert!(acknowledged.len() > 50, "only {} orders came through", acknowledged.len());
    let store = store::open(folder.path().join("shop.db").to_str().unwrap()).unwrap();
    for (id, version) in acknowledged {
        let order = store.order(&OrderId::new(&id)).await.unwrap().unwrap_or_else(|| panic!("{id} is lost"));
        // A later one may have been saved and not acknowledged.
        assert!(
            order.value.unwrap() >= Money::from_rupees(version),
            "{id} is at {:?}, and {version} was acknowledged",
            order.value
        );
    }
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_watched_folder_is_imported_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let incoming = folder.path().join("incoming");
    std::fs::create_dir(&incoming).unwrap();
    let header = "Order ID,Customer ID,Platform,Order Date & Time,Delivery Time (Minutes),Product Category,Order Value (INR),Customer Feedback,\
        Service Rating,Delivery Delay,Refund Requested\n";
    let row = |id: &str, value: &str| format!("{id},CUST1,Shop,2026-11-20 18:04,30,Dairy,{value},fine,5,No,No\n");
    let put = |name: &str, text: String| {
        // As a program does that knows what it does: written elsewhere, then moved here.
        let beside = folder.path().join(name);
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, incoming.join(name)).unwrap();
    };
    let value = |id: &str| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let store = store::open_read_only(folder.path().join("shop.db").to_str().unwrap()).ok()?;
        runtime.block_on(store.order(&OrderId::new(id))).unwrap()?.value
    };
    let begin = || {
        let mut command = ecomres(folder.path());
        command.args(["import", "--watch", "incoming", "--store", "shop.db"]);
        piped(&command).spawn().unwrap()
    };
    put("first.csv", format!("{header}{}", row("ORD000001", "100")));
    let mut child = begin();
    wait_for("the first file", || value("ORD000001") == Some(Money::from_rupees(100)));
    put("second.csv", format!("{header}{}", row("ORD000002", "200")));
    put("third.csv", "neither,these,columns\n1,2,3\n".to_owned());
    wait_for("the second file", || value("ORD000002") == Some(Money::from_rupees(200)));
    wait_for("the reason of the third", || incoming.join("third.csv.reason.txt").exists());
    put("first.csv", format!("{header}{}", row("ORD000001", "150")));
    wait_for("the changed file", || value("ORD000001") == Some(Money::from_rupees(150)));
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(10)), Some(0), "ending it is no error");

    // What was imported is remembered: nothing is done again, and what changed meanwhile stays.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(folder.path().join("shop.db").to_str().unwrap()).unwrap();
        let mut order = store.order(&OrderId::new("ORD000002")).await.unwrap().unwrap();
        order.value = Some(Money::from_rupees(999));
        store.upsert_order(&order).await.unwrap();
    });
    let mut child = begin();
    put("fourth.csv", format!("{header}{}", row("ORD000004", "400")));
    wait_for("the fourth file", || value("ORD000004") == Some(Money::from_rupees(400)));
    assert_eq!(value("ORD000002"), Some(Money::from_rupees(999)));
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(10)), Some(0));
}

//! The bot in a process of its own, killed at random moments, while signed webhooks of customers arrive and the Graph API
//! is slow or out of order now and then.
//!
//! `ECOMRES_BOT_CHAOS=KILLS,MESSAGES,CUSTOMERS` sets the size, `ECOMRES_CHAOS_SEED` the seed of kills and customers.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ecomres::domain::ids::UserId;
use ecomres::domain::inbound::Inbound;
use ecomres::store::{self, ImportMode, Store};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::chaos::{Delivered, Script, check, order};
use crate::cli::ecomres;
use crate::mcp::client::{piped, terminate, wait};
use crate::whatsapp::{SECRET, header};

/// Messages that the bot sends at once: what one kill can leave sent and not recorded, at most.
const SENDS: usize = 4;

const SHORT: &str = "6,100,20";
const WHOLE: &str = "100,1200,20";

/// The Graph API, which records what is delivered to each customer.
#[derive(Clone, Default)]
struct GraphApi(Arc<Mutex<Delivered>>);

impl GraphApi {
    fn count(&self) -> usize {
        self.0.lock().unwrap().values().map(Vec::len).sum()
    }
}

impl Respond for GraphApi {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = request.body_json().unwrap();
        if body["status"] == "read" {
            return ResponseTemplate::new(200).set_body_json(json!({"success": true}));
        }
        let mut rng = rand::rng();
        let delay = Duration::from_millis(if rng.random_bool(0.15) { rng.random_range(30..250) } else { 0 });
        if rng.random_bool(0.03) {
            return ResponseTemplate::new(503).set_delay(delay);
        }
        if rng.random_bool(0.02) {
            let error = json!({"error": {"message": "Rate limit hit", "code": 130_429}});
            return ResponseTemplate::new(400).set_body_json(error).set_delay(delay);
        }
        let identity = body["biz_opaque_callback_data"].as_str().unwrap();
        let [_, turn, sequence, user] = identity.splitn(4, ':').collect::<Vec<_>>()[..] else { panic!("{identity}") };
        let text = body["text"]["body"].as_str().or_else(|| body["interactive"]["body"]["text"].as_str());
        let rings = (turn.parse().unwrap(), sequence.parse().unwrap(), text.unwrap().to_owned());
        assert_eq!(body["to"], user);
        let mut delivered = self.0.lock().unwrap();
        let all = delivered.entry(UserId::new(user)).or_default();
        all.push(rings);
        let answer = json!({"messages": [{"id": format!("wamid.out.{user}.{}", all.len())}]});
        // It is delivered by now: a kill during the delay is the gap.
        ResponseTemplate::new(200).set_body_json(answer).set_delay(delay)
    }
}

/// The bot's process, and where it listens once it does.
struct Bot {
    folder: PathBuf,
    graph: String,
    child: Option<Child>,
    url: Arc<Mutex<Option<String>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Bot {
    fn start(&mut self) {
        let mut command = ecomres(&self.folder);
        command.args(["bot", "--port", "0", "--store", "shop.db", "--offline"]);
        for (name, value) in [
            ("VERIFY_TOKEN", "verify-me"),
            ("APP_SECRET", SECRET),
            ("ACCESS_TOKEN", "token"),
            ("PHONE_ID", "42"),
            ("ECOMRES_WHATSAPP__GRAPH_URL", &self.graph),
            ("ECOMRES_WHATSAPP__BURST_MS", "20"),
            ("ECOMRES_WHATSAPP__LEASE_SECONDS", "1"),
            ("ECOMRES_WHATSAPP__SENDS_AT_ONCE", &SENDS.to_string()),
            ("ECOMRES_WHATSAPP__MESSAGES_PER_SECOND", "5000"),
            ("ECOMRES_WHATSAPP__PAIR_BURST", "1000"),
            ("ECOMRES_ORDERS__DAILY_LIMIT", "1000"),
            // What is tested here is not the understanding: nobody is handed over.
            ("ECOMRES_TRIAGE__CLARIFY_BELOW", "0"),
            ("ECOMRES_ESCALATION__VERY_NEGATIVE", "1"),
            ("ECOMRES_ESCALATION__FAILURES", "1000"),
        ] {
            command.env(name, value);
        }
        let mut child = piped(&command).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (url, errors) = (Arc::clone(&self.url), Arc::clone(&self.errors));
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("bot listening at ") {
                    *url.lock().unwrap() = Some(address.trim().to_owned());
                } else if line.contains("panicked") || line.starts_with("error") || line.contains("is parked") {
                    errors.lock().unwrap().push(line);
                }
            }
        });
        self.child = Some(child);
    }

    fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself: {:?}", self.errors.lock().unwrap());
        child.kill().unwrap();
        child.wait().unwrap();
        *self.url.lock().unwrap() = None;
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What the customers share.
struct Traffic {
    store: Arc<dyn Store>,
    http: reqwest::Client,
    url: Arc<Mutex<Option<String>>>,
    /// How many seconds this machine's clock is ahead of the channel's.
    ahead: i64,
    kills: usize,
    killed: AtomicUsize,
    acknowledged: AtomicUsize,
    redelivered: AtomicUsize,
    again: AtomicUsize,
    deadline: Instant,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Traffic {
    /// A webhook with these messages, as Meta sends it.
    fn webhook(&self, batch: &[Inbound]) -> Vec<u8> {
        let messages = batch.iter().map(|message| {
            json!({
                "from": message.user_id, "id": message.id, "timestamp": (message.sent_at.as_second() - self.ahead).to_string(),
                "type": "text", "text": {"body": message.content.transcript_text()},
            })
        });
        let value = json!({
            "messaging_product": "whatsapp", "contacts": [{"wa_id": batch[0].user_id}],
            "messages": messages.collect::<Vec<_>>(),
        });
        let entry = json!({"id": "1", "changes": [{"field": "messages", "value": value}]});
        json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string().into_bytes()
    }

    /// Delivers a webhook as Meta does: again and again until it is acknowledged.
    async fn deliver(&self, body: &[u8]) {
        let signature = header(body, SECRET);
        loop {
            assert!(Instant::now() < self.deadline, "a webhook is not taken");
            let url = self.url.lock().unwrap().clone();
            if let Some(url) = url {
                let request = self.http.post(url).header("X-Hub-Signature-256", &signature).body(body.to_vec());
                match request.send().await.map(|answer| answer.status().as_u16()) {
                    Ok(200) => break,
                    Ok(503) | Err(_) => self.again.fetch_add(1, Ordering::SeqCst),
                    Ok(code) => panic!("answered with {code}"),
                };
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        self.acknowledged.fetch_add(1, Ordering::SeqCst);
    }

    /// Writes everything that a customer has to say, spread over the kills.
    async fn write(&self, script: &mut Script, mut rng: SmallRng) {
        while !script.done() {
            assert!(
                Instant::now() < self.deadline,
                "{} is not answered at {}: {:?}",
                script.user,
                script.next,
                self.errors.lock().unwrap()
            );
            tokio::time::sleep(Duration::from_millis(rng.random_range(5..60))).await;
            let begun = self.killed.load(Ordering::SeqCst) + 1;
            let only_late = script.next == script.texts.len();
            let early = script.next * (self.kills + 1) > begun * script.texts.len();
            if !only_late && (early || !script.may_write(&self.store).await) {
                continue;
            }
            let batch = script.burst(&mut rng);
            if batch.is_empty() {
                // Its only message is held back.
                continue;
            }
            let body = self.webhook(&batch);
            // Not all of them just when the bot is there again.
            tokio::time::sleep(Duration::from_millis(rng.random_range(0..400))).await;
            self.deliver(&body).await;
            if rng.random_bool(0.3) {
                self.deliver(&body).await;
                self.redelivered.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}

#[test]
fn a_killed_bot_loses_and_repeats_nothing() {
    chaos(SHORT);
}

#[test]
#[ignore = "takes minutes: .ci/run runs it"]
fn whole_size() {
    chaos(WHOLE);
}

fn chaos(usual: &str) {
    let size = std::env::var("ECOMRES_BOT_CHAOS").unwrap_or_else(|_| usual.to_owned());
    let numbers: Vec<usize> = size.split(',').map(|part| part.trim().parse().unwrap()).collect();
    let [kills, messages, customers] = numbers[..] else { panic!("ECOMRES_BOT_CHAOS is KILLS,MESSAGES,CUSTOMERS") };
    let seed = std::env::var("ECOMRES_CHAOS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("ECOMRES_CHAOS_SEED={seed} ECOMRES_BOT_CHAOS={size}");
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(folder.path(), kills, messages, customers, SmallRng::seed_from_u64(seed)));
}

async fn run(folder: &Path, kills: usize, messages: usize, customers: usize, mut rng: SmallRng) {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let graph = MockServer::builder().disable_request_recording().start().await;
    let graph_api = GraphApi::default();
    let posts = Mock::given(method("POST")).and(path("/v25.0/42/messages"));
    posts.respond_with(graph_api.clone()).mount(&graph).await;
    let store = store::open(folder.join("shop.db").to_str().unwrap()).unwrap();
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write((0..customers).map(order).collect()).await.unwrap();
    import.commit().await.unwrap();

    let url = Arc::default();
    let begun = Instant::now();
    let deadline = begun + Duration::from_secs(60 + 10 * kills as u64);
    let mut bot = Bot {
        folder: folder.to_owned(),
        graph: graph.uri(),
        child: None,
        url: Arc::clone(&url),
        errors: Arc::default(),
    };
    let traffic = Arc::new(Traffic {
        store: Arc::clone(&store),
        http: reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap(),
        url,
        ahead: 3_600,
        kills,
        killed: AtomicUsize::new(0),
        acknowledged: AtomicUsize::new(0),
        redelivered: AtomicUsize::new(0),
        again: AtomicUsize::new(0),
        deadline,
        errors: Arc::clone(&bot.errors),
    });
    bot.start();
    let writers: Vec<_> = (0..customers)
        .map(|number| {
            let mut script = Script::new(format!("9198765{number:05}"), number, messages / customers);
            let (traffic, rng) = (Arc::clone(&traffic), SmallRng::seed_from_u64(rng.random()));
            tokio::spawn(async move {
                traffic.write(&mut script, rng).await;
                script
            })
        })
        .collect();
    for _ in 0..kills {
        // Most in the middle of the work, a while after a reply came: a conversation whose process dies with each attempt
        // would be parked. Some while it starts.
        let before = graph_api.count();
        let during = rng.random_bool(0.9);
        let mut listens = None;
        while during && graph_api.count() == before {
            assert!(Instant::now() < deadline, "nobody is answered: {:?}", bot.errors.lock().unwrap());
            if listens.is_none() && bot.url.lock().unwrap().is_some() {
                listens = Some(Instant::now());
            }
            // Nobody may have anything to say just now.
            if listens.is_some_and(|since| since.elapsed() > Duration::from_secs(3)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(rng.random_range(0..400))).await;
        bot.kill();
        bot.start();
        traffic.killed.fetch_add(1, Ordering::SeqCst);
    }
    let mut scripts = Vec::new();
    for writer in writers {
        scripts.push(writer.await.unwrap());
    }
    loop {
        let backlog = store.backlog().await.unwrap();
        assert_eq!((backlog.parked, backlog.unsent_parked), (0, 0), "{:?}", store.unfinished(9).await);
        if backlog.waiting + backlog.in_work + backlog.unsent == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "not done in time: {:#?}", store.unfinished(5).await);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The last start may still be under way, and a signal before the handler is there ends the process as it ends any.
    while bot.url.lock().unwrap().is_none() {
        assert!(Instant::now() < deadline, "it does not start: {:?}", bot.errors.lock().unwrap());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let mut child = bot.child.take().unwrap();
    terminate(&child);
    assert_eq!(wait(&mut child, Duration::from_secs(30)), Some(0));
    assert_eq!(*bot.errors.lock().unwrap(), Vec::<String>::new());
    let delivered = graph_api.0.lock().unwrap().clone();
    let doubled = check(&store, &scripts, &delivered).await;
    let said: usize = scripts.iter().map(|script| script.texts.len()).sum();
    println!(
        "{kills} kills, {said} messages in {} webhooks, {} of them again after no 200, {} redelivered, in {:.1} s: nothing \
         lost, {} refunds paid once, {doubled} replies came twice",
        traffic.acknowledged.load(Ordering::SeqCst),
        traffic.again.load(Ordering::SeqCst),
        traffic.redelivered.load(Ordering::SeqCst),
        begun.elapsed().as_secs_f64(),
        scripts.iter().filter(|script| script.wants_refund).count(),
    );
    assert!(traffic.redelivered.load(Ordering::SeqCst) > 0);
    // Each kill can leave as many as are sent at once; over many kills it is far less than one each.
    assert!(doubled <= if kills < 20 { kills * SENDS } else { kills }, "{doubled} replies came twice");
}

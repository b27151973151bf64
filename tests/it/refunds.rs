//! Refunds that move money, against a payment service that answers late, twice, with 500 after it paid, and cuts the
//! connection anywhere; with processes that are killed between the quote and the payment.
//!
//! The service is a fake of Stripe's, written from its documentation (<https://docs.stripe.com/api/refunds>,
//! <https://docs.stripe.com/api/idempotent_requests>): it pays once for each idempotency key, and would pay a second time under
//! another one. `ECOMRES_REFUND_CHAOS=KILLS,ORDERS` sets the size; the ignored test [`worker`] is what the processes run.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use ecomres::config::Config;
use ecomres::domain::caller::{Caller, Verification};
use ecomres::domain::ids::{IdPatterns, OrderId};
use ecomres::domain::order::Order;
use ecomres::domain::outgoing::ChannelLimits;
use ecomres::domain::phone::Country;
use ecomres::domain::refund::{ProviderKind, RefundPolicy, RefundState};
use ecomres::nlu::{Classifier, NluError, Prediction};
use ecomres::refunds::{JobSettings, Payout, Providers, RefundJob, RefundProvider as _, Report, Sent, Stripe, Telling};
use ecomres::store::{self, ImportMode, Store};
use ecomres::support::{Context, Rules, SupportService};
use ecomres::tools::{CHECK_REFUND, REFUND, Toolbox};
use jiff::{SignedDuration, Timestamp};
use rand::Rng as _;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use crate::chaos;
use crate::workers::Workers;

/// How much faster the clock of the job runs than the real one: its waits are minutes.
const FASTER: i64 = 100;
/// How long the fake may take before the job gives up waiting.
const PATIENCE: Duration = Duration::from_millis(300);

/// What the service does with a request.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// What it should.
    None,
    /// It hangs up before it does anything.
    HangsUp,
    /// It does it, and says that it failed.
    Error,
    /// It does it, and only so many bytes of the answer leave.
    CutAt(usize),
    /// It does it only when nobody waits any more.
    Late,
    /// It answers twice.
    Twice,
    /// It turns the request away.
    TurnsAway(u16),
}

#[derive(Default)]
struct Books {
    /// The refunds of each payment, as they were paid.
    refunds: BTreeMap<String, Vec<Value>>,
    /// The answers under each idempotency key; `None` while the request is being worked on.
    keys: BTreeMap<String, Option<(u16, String)>>,
    /// How often each refund was looked at: the second time it is paid.
    looked: BTreeMap<String, u32>,
    requests: usize,
}

/// The service.
struct Fake {
    books: Mutex<Books>,
    faults: Box<dyn Fn(&str) -> Fault + Send + Sync>,
    url: String,
}

struct Asked {
    method: String,
    target: String,
    key: Option<String>,
    body: String,
}

async fn read(stream: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let field = |name: &str| {
                let line = head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
                line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
            };
            let length: usize = field("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                let mut first = head.lines().next()?.split(' ');
                return Some(Asked {
                    method: first.next()?.to_owned(),
                    target: first.next()?.to_owned(),
                    key: field("idempotency-key"),
                    body: String::from_utf8_lossy(&bytes[end + 4..end + 4 + length]).into_owned(),
                });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn fields(form: &str) -> BTreeMap<String, String> {
    reqwest::Url::parse(&format!("form:/?{form}")).unwrap().query_pairs().into_owned().collect()
}

impl Fake {
    async fn start(faults: impl Fn(&str) -> Fault + Send + Sync + 'static) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let fake = Arc::new(Self { books: Mutex::default(), faults: Box::new(faults), url });
        let serving = Arc::clone(&fake);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&serving);
                tokio::spawn(async move { fake.serve(stream).await });
            }
        });
        fake
    }

    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let Some(asked) = read(&mut stream).await else { return };
        self.books.lock().unwrap().requests += 1;
        let fault = (self.faults)(&asked.method);
        let (status, body) = match fault {
            Fault::HangsUp => return,
            Fault::TurnsAway(status) => {
                (status, json!({"error": {"type": "api_error", "message": "not now"}}).to_string())
            }
            Fault::Late => self.answer(&asked, Some(PATIENCE * 2), false).await,
            Fault::Error => self.answer(&asked, None, true).await,
            Fault::None | Fault::CutAt(_) | Fault::Twice => self.answer(&asked, None, false).await,
        };
        let text = format!(
            "HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let text = match fault {
            Fault::CutAt(place) => &text.as_bytes()[..place.min(text.len() - 1)],
            _ => text.as_bytes(),
        };
        let _ = stream.write_all(text).await;
        if matches!(fault, Fault::Twice) {
            let _ = stream.write_all(text).await;
        }
        let _ = stream.shutdown().await;
    }

    /// Does what was asked, and gives status and body.
    async fn answer(&self, asked: &Asked, after: Option<Duration>, fails: bool) -> (u16, String) {
        let error = |status: u16, kind: &str| (status, json!({"error": {"type": kind, "message": "no"}}).to_string());
        if asked.method == "GET" {
            if let Some(wait) = after {
                tokio::time::sleep(wait).await;
            }
            return if fails { error(500, "api_error") } else { self.look(&asked.target) };
        }
        let Some(key) = asked.key.clone() else { return error(400, "invalid_request_error") };
        {
            let mut books = self.books.lock().unwrap();
            match books.keys.get(&key) {
                // The saved answer, also where it is a 500.
                Some(Some(saved)) => return saved.clone(),
                Some(None) => return error(409, "idempotency_error"),
                None => books.keys.insert(key.clone(), None),
            };
        }
        if let Some(wait) = after {
            tokio::time::sleep(wait).await;
        }
        let form = fields(&asked.body);
        let payment = form["payment_intent"].clone();
        let mut books = self.books.lock().unwrap();
        let id = format!("re_{}", books.keys.len());
        let refund = json!({
            "id": id, "object": "refund", "amount": form["amount"].parse::<i64>().unwrap(), "currency": "inr",
            "payment_intent": payment, "status": "pending",
            "metadata": {"ecomres_refund": form["metadata[ecomres_refund]"], "ecomres_attempt": form["metadata[ecomres_attempt]"]},
        });
        books.refunds.entry(payment).or_default().push(refund.clone());
        let answer = if fails { error(500, "api_error") } else { (200, refund.to_string()) };
        books.keys.insert(key, Some(answer.clone()));
        answer
    }

    fn look(&self, target: &str) -> (u16, String) {
        let mut books = self.books.lock().unwrap();
        let Books { refunds, looked, .. } = &mut *books;
        let mut now = |refund: &Value| {
            let mut refund = refund.clone();
            let looked = looked.entry(refund["id"].as_str().unwrap().to_owned()).or_default();
            *looked += 1;
            if *looked > 1 {
                refund["status"] = json!("succeeded");
            }
            refund
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        if let Some(id) = path.strip_prefix("/v1/refunds/") {
            let found = refunds.values().flatten().find(|refund| refund["id"] == id);
            return found.map_or((404, "{}".to_owned()), |refund| (200, now(refund).to_string()));
        }
        let payment = fields(query)["payment_intent"].clone();
        let data: Vec<Value> = refunds.get(&payment).into_iter().flatten().map(&mut now).collect();
        (200, json!({"object": "list", "has_more": false, "data": data}).to_string())
    }

    /// How often each payment was paid back.
    fn paid(&self) -> BTreeMap<String, usize> {
        let books = self.books.lock().unwrap();
        books.refunds.iter().map(|(payment, refunds)| (payment.clone(), refunds.len())).collect()
    }
}

/// Nothing is classified here.
struct NoModel;

#[async_trait]
impl Classifier for NoModel {
    async fn classify(&self, _: &str) -> Result<Prediction, NluError> {
        Err(NluError::Missing { path: "none".into() })
    }
}

fn order(number: usize) -> Order {
    let mut order = chaos::order(number);
    order.details.payment_id = Some(format!("pi_{number}"));
    order
}

fn toolbox(store: &Arc<dyn Store>) -> Toolbox {
    let config = Config::defaults().unwrap();
    let rules = Rules {
        policy: RefundPolicy { provider: ProviderKind::Stripe, ..config.policy().unwrap() },
        actions: config.actions().unwrap(),
        patterns: IdPatterns::default(),
        verification: Verification::Claim,
        claim_proof: Vec::new(),
        daily_limit: 1_000,
        country: Country::parse("IN").unwrap(),
        zone: config.zone().unwrap(),
    };
    Toolbox::new(SupportService::new(Arc::clone(store), rules), Arc::new(NoModel))
}

fn job(store: &Arc<dyn Store>, url: &str, clock: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> RefundJob {
    let mut providers = Providers::default();
    providers.add(Arc::new(Stripe::new(url, "sk_test_chaos".to_owned().into()).unwrap()));
    let limits: ChannelLimits = ecomres::channels::whatsapp::LIMITS;
    let telling = Telling {
        limits,
        template: None,
        arrival: "3-5 business days".to_owned(),
        money: ecomres::domain::currency::ShopMoney::default(),
    };
    // A second and a half of real time.
    let lease = SignedDuration::from_millis(1_500 * FASTER);
    let settings = JobSettings { lease, answer: PATIENCE, poll: Duration::from_millis(10) };
    RefundJob::new(Arc::clone(store), providers, telling, settings, clock)
}

/// A clock that every process reads the same, and that runs faster than the real one.
fn fast_clock(begun: SystemTime) -> Arc<dyn Fn() -> Timestamp + Send + Sync> {
    let start = Timestamp::try_from(begun).unwrap();
    Arc::new(move || {
        let elapsed = SystemTime::now().duration_since(begun).unwrap_or_default();
        start + SignedDuration::try_from(elapsed).unwrap() * i32::try_from(FASTER).unwrap()
    })
}

/// Quotes and pays the refund of an order, as an operator's client does.
async fn request(toolbox: &Toolbox, number: usize, now: Timestamp) {
    let context = Context { caller: Caller::Operator { name: "chaos".to_owned() }, now };
    let order = json!({"order_id": format!("ORD{number:06}")});
    toolbox.call(&context, CHECK_REFUND, order.clone()).await;
    let paid = toolbox.call(&context, REFUND, order).await.value;
    assert!(["success", "already_refunded"].contains(&paid["status"].as_str().unwrap_or_default()), "{paid}");
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn worker() {
    let variable = |name| std::env::var(name).expect("only the tests of killed workers start this");
    let (location, url) = (variable("ECOMRES_TEST_STORE"), variable("ECOMRES_TEST_URL"));
    let orders: usize = variable("ECOMRES_TEST_ORDERS").parse().unwrap();
    let begun = SystemTime::UNIX_EPOCH + Duration::from_millis(variable("ECOMRES_TEST_BEGUN").parse().unwrap());
    std::thread::spawn(|| {
        while std::io::stdin().read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        #[expect(clippy::exit, reason = "the other threads work for ever")]
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(&location).unwrap();
        let clock = fast_clock(begun);
        let job = job(&store, &url, Arc::clone(&clock));
        let requests = async {
            let toolbox = toolbox(&store);
            loop {
                request(&toolbox, rand::rng().random_range(0..orders), clock()).await;
                tokio::time::sleep(Duration::from_millis(rand::rng().random_range(5..60))).await;
            }
        };
        tokio::select! {
            () = job.run(CancellationToken::new()) => {}
            () = requests => {}
        }
    });
}

fn any_fault(_: &str) -> Fault {
    match rand::rng().random_range(0..20) {
        0..=2 => Fault::HangsUp,
        3..=5 => Fault::Error,
        6..=9 => Fault::CutAt(rand::rng().random_range(0..900)),
        10..=11 => Fault::Late,
        12..=13 => Fault::Twice,
        14 => Fault::TurnsAway([401, 429, 409, 503][rand::rng().random_range(0..4)]),
        _ => Fault::None,
    }
}

#[test]
fn killed_processes_pay_nothing_twice_and_lose_nothing() {
    killed("15,8");
}

#[test]
#[ignore = "takes minutes: .ci/run runs it"]
fn whole_size() {
    killed("200,120");
}

fn killed(usual: &str) {
    let size = std::env::var("ECOMRES_REFUND_CHAOS").unwrap_or_else(|_| usual.to_owned());
    let (kills, orders) = size.split_once(',').expect("ECOMRES_REFUND_CHAOS is KILLS,ORDERS");
    let (kills, orders): (usize, usize) = (kills.parse().unwrap(), orders.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("store.db").to_str().unwrap().to_owned();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let fake = Fake::start(any_fault).await;
        let store = store::open(&location).unwrap();
        let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
        import.write((0..orders).map(order).collect()).await.unwrap();
        import.commit().await.unwrap();
        let begun = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let variables = vec![
            ("ECOMRES_TEST_STORE", location.clone()),
            ("ECOMRES_TEST_URL", fake.url.clone()),
            ("ECOMRES_TEST_ORDERS", orders.to_string()),
            ("ECOMRES_TEST_BEGUN", begun.to_string()),
        ];
        let mut workers = Workers::new("refunds::worker", variables);
        for _ in 0..3 {
            workers.start();
        }
        let started = Instant::now();
        let deadline = started + Duration::from_secs(90 + 2 * kills as u64);
        let mut killed = 0;
        loop {
            tokio::time::sleep(Duration::from_millis(rand::rng().random_range(20..250))).await;
            if killed < kills {
                let place = rand::rng().random_range(0..workers.count());
                workers.kill(place);
                workers.start();
                killed += 1;
                continue;
            }
            let paid = store.refunds_in(&[RefundState::Paid], u32::MAX).await.unwrap();
            if paid.len() == orders {
                break;
            }
            let open = || async { store.refunds_in(&[RefundState::Requested, RefundState::Submitted], 5).await };
            assert!(Instant::now() < deadline, "{} of {orders} are paid: {:#?}", paid.len(), open().await);
        }
        drop(workers);
        let refunds = store.refunds(u32::MAX).await.unwrap();
        let paid = fake.paid();
        assert_eq!((refunds.len(), paid.len()), (orders, orders));
        for refund in &refunds {
            let payment = refund.route.payment_id.clone().unwrap();
            assert_eq!(paid.get(&payment), Some(&1), "{payment} is paid back once: {refund:?}");
            let books = fake.books.lock().unwrap();
            let theirs = &books.refunds[&payment][0];
            assert_eq!(refund.progress.provider_id.as_deref(), theirs["id"].as_str(), "{refund:?}");
            assert_eq!(theirs["amount"], refund.amount.minor_units(), "{refund:?}");
        }
        assert_eq!(store.check_audit().await.unwrap().broken, None);
        assert_eq!(store.check_refunds().await.unwrap(), None);
        let requests = fake.books.lock().unwrap().requests;
        println!("{killed} kills, {orders} orders, {requests} requests in {:.1} s", started.elapsed().as_secs_f64());
    });
}

/// The answer to the payment is cut at every so many bytes, and the first answer to the question for it as well.
async fn cut(step: usize) {
    let place = Arc::new(AtomicUsize::new(0));
    let asked = Arc::new(AtomicUsize::new(0));
    let (cuts, count) = (Arc::clone(&place), Arc::clone(&asked));
    let fake = Fake::start(move |_| {
        // The first request of each order, and the next one.
        if count.fetch_add(1, Ordering::SeqCst) < 2 { Fault::CutAt(cuts.load(Ordering::SeqCst)) } else { Fault::None }
    })
    .await;
    let folder = tempfile::tempdir().unwrap();
    let store = store::open(folder.path().join("store.db").to_str().unwrap()).unwrap();
    // An answer of the fake is shorter than this.
    let places: Vec<usize> = (0..520).step_by(step).collect();
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write((0..places.len()).map(order).collect()).await.unwrap();
    import.commit().await.unwrap();
    let now = Arc::new(Mutex::new(Timestamp::now()));
    let shown = Arc::clone(&now);
    let job = job(&store, &fake.url, Arc::new(move || *shown.lock().unwrap()));
    let toolbox = toolbox(&store);
    for (number, at) in places.iter().enumerate() {
        place.store(*at, Ordering::SeqCst);
        asked.store(0, Ordering::SeqCst);
        let begun = *now.lock().unwrap();
        request(&toolbox, number, begun).await;
        let id = OrderId::new(&format!("ORD{number:06}"));
        for round in 0.. {
            job.run_due().await.unwrap();
            let refund = store.refund_of(&id).await.unwrap().unwrap();
            if refund.state() == RefundState::Paid && refund.progress.next_at.is_none() {
                break;
            }
            assert!(round < 12, "cut at {at}: {refund:#?}");
            *now.lock().unwrap() += SignedDuration::from_mins(20);
        }
        assert_eq!(fake.paid().get(&format!("pi_{number}")), Some(&1), "cut at {at}");
    }
    assert_eq!(store.check_refunds().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_cut_anywhere_pays_once() {
    cut(41).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes: .ci/run runs it"]
async fn whole_size_of_cuts() {
    cut(1).await;
}

/// A person's way with refunds: a service that refuses, a list, another attempt, and a decision.
#[test]
fn a_person_sees_and_decides() {
    let folder = tempfile::tempdir().unwrap();
    let location = folder.path().join("shop.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(wiremock::MockServer::start());
    let transaction = runtime.block_on(async {
        let store = store::open(location.to_str().unwrap()).unwrap();
        let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
        import.write(vec![order(1)]).await.unwrap();
        import.commit().await.unwrap();
        request(&toolbox(&store), 1, Timestamp::now()).await;
        let refused = json!({"error": {"type": "invalid_request_error", "message": "The charge was disputed."}});
        let list = json!({"object": "list", "has_more": false, "data": []});
        let answer = |status, body| wiremock::ResponseTemplate::new(status).set_body_json(body);
        let method = wiremock::matchers::method;
        wiremock::Mock::given(method("POST")).respond_with(answer(400, refused)).mount(&server).await;
        wiremock::Mock::given(method("GET")).respond_with(answer(200, list)).mount(&server).await;
        store.refund_of(&OrderId::new("ORD000001")).await.unwrap().unwrap().transaction_id
    });
    let settings = format!(
        "[refund]\nprovider = \"stripe\"\n[refund.stripe]\nsecret_key = \"sk_test_s3cret\"\nurl = \"{}\"\n",
        server.uri()
    );
    std::fs::write(folder.path().join("ecomres.toml"), settings).unwrap();
    let ecomres = |arguments: &[&str]| {
        let mut command = crate::cli::ecomres(folder.path());
        let output = command.args(arguments).args(["--store", "shop.db"]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, out, _) = ecomres(&["refunds", "list"]);
    assert!(code == Some(0) && out.contains("requested") && out.contains(&transaction), "{out}");
    let (code, out, err) = ecomres(&["refunds", "run"]);
    assert!(code == Some(0) && out.contains("steps were done"), "{out}{err}");
    let (_, out, _) = ecomres(&["refunds", "list", "--state", "failed"]);
    assert!(out.contains("The charge was disputed. (HTTP 400)"), "{out}");
    let (_, out, _) = ecomres(&["refunds", "show", "ord000001", "--json"]);
    let shown: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&shown["state"], &shown["route"]["payment_id"]), (&json!("failed"), &json!("pi_1")));
    let (code, _, err) = ecomres(&["refunds", "retry", "ORD000999"]);
    assert!(code == Some(1) && err.contains("there is no refund of ORD000999"), "{err}");
    let (code, out, _) = ecomres(&["refunds", "retry", "ORD000001", "--by", "desk"]);
    assert!(code == Some(0) && out.contains("attempt 2"), "{out}");
    let (code, _, err) = ecomres(&["refunds", "retry", "ORD000001"]);
    assert!(code == Some(1) && err.contains("is requested") && err.contains("hint:"), "{err}");
    let (code, out, _) = ecomres(&["refunds", "settle", "ORD000001", "--as", "paid", "--note", "by bank transfer"]);
    assert!(code == Some(0) && out.contains("is paid now"), "{out}");
    let (code, _, err) = ecomres(&["refunds", "settle", "ORD000001", "--as", "paid", "--note", " "]);
    assert!(code == Some(2) && err.contains("it is empty"), "{err}");
    let (code, out, _) = ecomres(&["report", "audit", "--verify"]);
    assert!(code == Some(0), "{out}");
    let (_, out, _) = ecomres(&["doctor"]);
    assert!(out.contains("the key is accepted (test mode)") && !out.contains("s3cret"), "{out}");
    let posts = runtime.block_on(server.received_requests()).unwrap();
    assert_eq!(posts.iter().filter(|request| request.method.as_str() == "POST").count(), 1, "doctor moves no money");
}

#[test]
fn half_a_set_up_is_told_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (settings, told) in [
        ("[refund]\nprovider = 'stripe'", "[refund.stripe] secret_key is not set"),
        ("[refund.razorpay]\nkey_id = 'rzp_live_1'", "[refund.razorpay] key_secret is not set"),
        ("[refund]\nprovider = 'webhook'", "[refund.webhook] url, [refund.webhook] secret are not set"),
        ("[refund.webhook]\nurl = 'https://shop.example'\nsecret = 'whsec_short'", "it holds fewer than 24 bytes"),
        ("[refund]\nprovider = 'paypal'", "it must be ledger or webhook or razorpay or stripe"),
        ("[refund.strype]\nsecret_key = 'x'", "there is no setting “refund.strype”"),
    ] {
        std::fs::write(folder.path().join("ecomres.toml"), settings).unwrap();
        let output = crate::cli::ecomres(folder.path()).arg("doctor").output().unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.code() == Some(1) && out.contains(told), "{settings}: {out}");
    }
}

#[tokio::test]
#[ignore = "reads ../shared"]
async fn the_example_object_of_the_service_is_read() {
    let text = std::fs::read_to_string(crate::shared("fixtures/stripe/refund.json")).unwrap();
    let example: Value = serde_json::from_str(&text).unwrap();
    let store: Arc<dyn Store> = Arc::new(ecomres::store::sqlite::SqliteStore::scratch().unwrap());
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(vec![order(1)]).await.unwrap();
    import.commit().await.unwrap();
    request(&toolbox(&store), 1, Timestamp::now()).await;
    let refund = store.refund_of(&OrderId::new("ORD000001")).await.unwrap().unwrap();
    let server = wiremock::MockServer::start().await;
    let answer = wiremock::ResponseTemplate::new(200).set_body_json(&example);
    wiremock::Mock::given(wiremock::matchers::method("POST")).respond_with(answer).mount(&server).await;
    let stripe = Stripe::new(&server.uri(), "sk_test_1".to_owned().into()).unwrap();
    let id = example["id"].as_str().map(str::to_owned);
    assert!(id.is_some());
    assert_eq!(stripe.send(&Payout { refund, units: 10_100 }).await, Sent::Has(Report::Paid { id }));
}

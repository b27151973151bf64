//! Workers in processes of their own on one store, killed at random moments while messages arrive.
//!
//! `ECOMRES_CHAOS=KILLS,MESSAGES,CUSTOMERS` sets the size, `ECOMRES_CHAOS_SEED` the seed. The ignored test [`worker`] is
//! what the processes run. `tests/mongo.sh` runs the whole size on both backends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ecomres::agent::guard::ShopTexts;
use ecomres::agent::{Agent, Settings as AgentSettings};
use ecomres::channels::{Channel, SendError, SendErrorKind, SentId};
use ecomres::config::Config;
use ecomres::domain::caller::Verification;
use ecomres::domain::conversation::WaitingFor;
use ecomres::domain::ids::{IdPatterns, MessageId, OrderId, UserId};
use ecomres::domain::inbound::{Content, Context, Inbound};
use ecomres::domain::message::Role;
use ecomres::domain::money::Money;
use ecomres::domain::order::{Order, OrderDetails};
use ecomres::domain::outgoing::{Delivery, Outgoing};
use ecomres::domain::phone::Country;
use ecomres::domain::sendable::Sendable;
use ecomres::domain::topic::{self, intent};
use ecomres::inbox::{Backoff, Pool, PoolSettings, system_clock};
use ecomres::llm::playbook::faq::{Faq, SHIPPED};
use ecomres::llm::playbook::{Playbook, Settings as PlaybookSettings};
use ecomres::nlu::{Classifier, NluError, Prediction};
use ecomres::store::{self, ImportMode, Store};
use ecomres::support::{Rules, SupportService};
use ecomres::tools::Toolbox;
use jiff::{SignedDuration, Timestamp};
use rand::rngs::SmallRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokio_util::sync::CancellationToken;

use crate::workers::Workers;

/// Messages that a process sends at once.
const SENDS: usize = 4;

/// Reads messages by word lists: what is tested here is not the model.
struct WordList;

#[async_trait]
impl Classifier for WordList {
    async fn classify(&self, text: &str) -> Result<Prediction, NluError> {
        let touched = topic::topics_in(text);
        let known = [intent::REFUND, intent::TRACK].into_iter().find(|intent| touched.contains(intent));
        Ok(Prediction {
            intent: known.unwrap_or(intent::OTHER).to_owned(),
            intent_confidence: 0.95,
            sentiment: "neutral".to_owned(),
            sentiment_confidence: 0.9,
            intents: Vec::new(),
            sentiments: Vec::new(),
            heads: std::collections::BTreeMap::new(),
        })
    }
}

fn agent(store: &Arc<dyn Store>) -> Agent {
    let config = Config::defaults().unwrap();
    let patterns = IdPatterns::default();
    let rules = Rules {
        policy: config.policy().unwrap(),
        actions: config.actions().unwrap(),
        patterns: patterns.clone(),
        verification: Verification::Claim,
        claim_proof: Vec::new(),
        daily_limit: 1_000,
        country: Country::parse("IN").unwrap(),
        zone: config.zone().unwrap(),
    };
    let playbook = Playbook::new(PlaybookSettings {
        faq: Faq::read(SHIPPED, &[("arrival", "3-5 business days"), ("quote_minutes", "30")]).unwrap(),
        proofs: Vec::new(),
        strict: false,
        clarify_below: 0.0,
        very_negative: 1.0,
        failures: 1_000,
    });
    let settings = AgentSettings {
        patterns,
        money: ecomres::domain::currency::ShopMoney::default(),
        gap: config.triage.gap(),
        remind: SignedDuration::from_hours(4),
        hours: ecomres::domain::opening_hours::OpeningHours::default(),
        shop_texts: ShopTexts::default(),
        needs_photo: Vec::new(),
    };
    let toolbox = Toolbox::new(SupportService::new(Arc::clone(store), rules), Arc::new(WordList));
    Agent::new(toolbox, Arc::new(playbook), settings)
}

/// Delivers to customers by writing every message to the end of one file that all processes share.
struct FileChannel(PathBuf);

#[async_trait]
impl Channel for FileChannel {
    async fn send(&self, message: &Sendable) -> Result<SentId, SendError> {
        let message = message.message();
        let refused = |permanent| SendError {
            reason: "not now".to_owned(),
            retry_after: None,
            kind: if permanent { SendErrorKind::Permanent } else { SendErrorKind::Transient },
        };
        // Now and then it is busy.
        if rand::random::<u8>() < 8 {
            return Err(refused(false));
        }
        let mut line = serde_json::to_vec(message).map_err(|_| refused(true))?;
        line.push(b'\n');
        // One write at the end of the file: lines of several processes never mix.
        let file = std::fs::File::options().append(true).create(true).open(&self.0);
        file.and_then(|mut file| file.write_all(&line)).map_err(|_| refused(true))?;
        Ok(SentId(format!("{}/{}", message.turn, message.sequence)))
    }
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn worker() {
    let variable = |name| std::env::var(name).expect("only the tests of killed workers start this");
    let (location, log) = (variable("ECOMRES_TEST_STORE"), variable("ECOMRES_TEST_LOG"));
    // Whoever started this process holds the other end: when they are gone, so is this.
    std::thread::spawn(|| {
        while std::io::stdin().read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        #[expect(clippy::exit, reason = "the other threads work for ever")]
        std::process::exit(0);
    });
    let settings = PoolSettings {
        turns: 4,
        sends: SENDS,
        lease: SignedDuration::from_millis(1_000),
        poll: Duration::from_millis(25),
        retry: Backoff {
            first: SignedDuration::from_millis(20),
            longest: SignedDuration::from_millis(200),
            attempts: 10_000,
        },
        send_retry: Backoff {
            first: SignedDuration::from_millis(10),
            longest: SignedDuration::from_millis(100),
            attempts: 10_000,
        },
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(&location).unwrap();
        let pool =
            Pool::new(Arc::clone(&store), agent(&store), Arc::new(FileChannel(log.into())), settings, system_clock());
        pool.run(CancellationToken::new()).await;
    });
}

/// One customer's messages, and how far they are.
pub(crate) struct Script {
    pub user: UserId,
    pub order: OrderId,
    pub wants_refund: bool,
    pub texts: Vec<String>,
    /// When each message so far was written, in whole seconds: never two in one, so that their order shows.
    pub written: Vec<i64>,
    pub next: usize,
    /// Held back, to be delivered after later ones.
    pub late: Option<usize>,
    was_late: BTreeSet<usize>,
}

impl Script {
    pub(crate) fn new(user: String, number: usize, length: usize) -> Self {
        let order = OrderId::new(&format!("ORD{number:06}"));
        let wants_refund = number.is_multiple_of(3);
        let mut texts: Vec<String> = (0..length)
            .map(|note| match note % 4 {
                0 => format!("where is {order}, note {note}"),
                1 => format!("hello, note {note}"),
                2 => format!("What are your business hours? note {note}"),
                _ => format!("thanks, note {note}"),
            })
            .collect();
        if wants_refund {
            texts.splice(0..0, [format!("I want a refund for {order}"), "yes".to_owned()]);
            texts.truncate(length.max(2));
        }
        Self {
            user: UserId::new(user),
            order,
            wants_refund,
            texts,
            written: Vec::new(),
            next: 0,
            late: None,
            was_late: BTreeSet::new(),
        }
    }

    fn message(&self, place: usize) -> Inbound {
        let sent_at = Timestamp::from_second(self.written[place]).unwrap();
        Inbound {
            id: MessageId::new(format!("{}/{place}", self.user)),
            user_id: self.user.clone(),
            sent_at,
            received_at: Timestamp::now(),
            number: None,
            content: Content::Text { text: self.texts[place].clone() },
            context: Context::default(),
        }
    }

    /// Whether the customer would write now: they read the offer before they say yes, and the answer to that.
    pub(crate) async fn may_write(&self, store: &Arc<dyn Store>) -> bool {
        if self.next >= self.texts.len() {
            return false;
        }
        match (self.wants_refund, self.next) {
            (true, 1) => {
                let conversation = store.conversation(&self.user).await.unwrap();
                let last = store.outgoing_of(&self.user, 1).await.unwrap().pop();
                conversation.is_some_and(|conversation| conversation.waiting_for == WaitingFor::Consent)
                    && last.is_some_and(|last| last.state == Delivery::Sent)
            }
            (true, 2) => {
                let said = store.recent_messages(&self.user, 50).await.unwrap();
                said.iter().any(|message| message.role == Role::User && message.text == "yes")
            }
            _ => true,
        }
    }

    /// Takes the next one to three messages, in any order, and holds one back now and then.
    pub(crate) fn burst(&mut self, rng: &mut SmallRng) -> Vec<Inbound> {
        let alone = self.wants_refund && self.next < 2;
        let count = if alone { 1 } else { rng.random_range(1..=3).min(self.texts.len() - self.next) };
        let mut places: Vec<usize> = (self.next..self.next + count).collect();
        self.next += count;
        for _ in &places {
            let now = Timestamp::now().as_second();
            self.written.push(self.written.last().map_or(now, |before| now.max(before + 1)));
        }
        places.extend(self.late.take());
        if !alone && self.next < self.texts.len() && rng.random_bool(0.2) {
            self.late = places.pop();
            self.was_late.extend(self.late);
        }
        places.shuffle(rng);
        places.into_iter().map(|place| self.message(place)).collect()
    }

    pub(crate) fn done(&self) -> bool {
        self.next == self.texts.len() && self.late.is_none()
    }
}

pub(crate) fn order(number: usize) -> Order {
    Order {
        id: OrderId::new(&format!("ORD{number:06}")),
        customer_id: format!("CUST{number:04}"),
        platform: "JioMart".to_owned(),
        placed: String::new(),
        placed_at: None,
        delivery_minutes: Some(25),
        category: "Dairy".to_owned(),
        value: Some(Money::from_rupees(100 + i64::try_from(number).unwrap())),
        feedback: String::new(),
        rating: None,
        delayed: Some(false),
        refund_requested: None,
        phone: None,
        date: None,
        status: None,
        details: OrderDetails::default(),
    }
}

struct Size {
    kills: usize,
    messages: usize,
    customers: usize,
}

/// A third of the customers ask for a refund.
const SHORT: &str = "40,480,30";
const WHOLE: &str = "200,2000,100";

fn size(usual: &str) -> Size {
    let text = std::env::var("ECOMRES_CHAOS").unwrap_or_else(|_| usual.to_owned());
    let numbers: Vec<usize> = text.split(',').map(|part| part.trim().parse().unwrap()).collect();
    let [kills, messages, customers] = numbers[..] else { panic!("ECOMRES_CHAOS is KILLS,MESSAGES,CUSTOMERS") };
    Size { kills, messages, customers }
}

#[test]
fn killed_workers_lose_and_repeat_nothing() {
    let folder = tempfile::tempdir().unwrap();
    chaos(folder.path().join("store.db").to_str().unwrap(), folder.path(), SHORT);
}

#[test]
#[ignore = "takes minutes: tests/mongo.sh runs it"]
fn whole_size_on_a_file() {
    let folder = tempfile::tempdir().unwrap();
    chaos(folder.path().join("store.db").to_str().unwrap(), folder.path(), WHOLE);
}

#[test]
#[ignore = "takes minutes and needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
fn whole_size_on_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = std::env::var("TEST_MONGO_URI").expect("TEST_MONGO_URI names the server to test against");
    let (hosts, options) = server.split_once("/?").expect("TEST_MONGO_URI ends with /?OPTIONS");
    let name = format!("ecomres_chaos_{}", uuid::Uuid::now_v7().simple());
    chaos(&format!("{hosts}/{name}?{options}"), folder.path(), WHOLE);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = mongodb::Client::with_uri_str(&server).await.unwrap();
        client.database(&name).drop().await.unwrap();
    });
}

/// Runs the whole scenario on the empty store at `location`.
fn chaos(location: &str, folder: &Path, usual: &str) {
    let Size { kills, messages, customers } = size(usual);
    let seed = std::env::var("ECOMRES_CHAOS_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("ECOMRES_CHAOS_SEED={seed} ECOMRES_CHAOS={kills},{messages},{customers}");
    let mut rng = SmallRng::seed_from_u64(seed);
    let log = folder.join("delivered.jsonl");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = store::open(location).unwrap();
        let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
        import.write((0..customers).map(order).collect()).await.unwrap();
        import.commit().await.unwrap();
        let mut workers = Workers::new(
            "chaos::worker",
            vec![("ECOMRES_TEST_STORE", location.to_owned()), ("ECOMRES_TEST_LOG", log.to_str().unwrap().to_owned())],
        );
        for _ in 0..3 {
            workers.start();
        }
        let mut scripts: Vec<Script> = (0..customers)
            .map(|number| Script::new(format!("customer-{number}"), number, messages / customers))
            .collect();
        let begun = Instant::now();
        let deadline = begun + Duration::from_secs(60 + 2 * kills as u64);
        let mut killed = 0;
        let mut next_kill = Instant::now() + Duration::from_millis(300);
        let mut redelivered = 0;
        while killed < kills || scripts.iter().any(|script| !script.done()) {
            assert!(Instant::now() < deadline, "{}", report_progress(&store, &scripts).await);
            // Messages last about as long as there are workers to kill.
            let open: Vec<usize> = (0..customers).filter(|place| !scripts[*place].done()).collect();
            let share = open.len().min(1 + messages / (8 * kills.max(1)));
            for place in rand::seq::index::sample(&mut rng, open.len(), share) {
                let script = &mut scripts[open[place]];
                if script.late.is_some() && script.next == script.texts.len() || script.may_write(&store).await {
                    let batch = script.burst(&mut rng);
                    store.accept(&batch, Timestamp::now()).await.unwrap();
                    if rng.random_bool(0.3) {
                        redelivered += store.accept(&batch, Timestamp::now()).await.unwrap().repeated;
                    }
                }
            }
            if killed < kills && Instant::now() >= next_kill {
                let place = rng.random_range(0..workers.count());
                workers.kill(place);
                workers.start();
                killed += 1;
                next_kill = Instant::now() + Duration::from_millis(rng.random_range(20..250));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        loop {
            let backlog = store.backlog().await.unwrap();
            assert_eq!((backlog.parked, backlog.unsent_parked), (0, 0), "{:?}", store.unfinished(9).await);
            if backlog.waiting + backlog.in_work + backlog.unsent == 0 {
                break;
            }
            assert!(Instant::now() < deadline, "{}", report_progress(&store, &scripts).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        drop(workers);
        println!("{killed} kills, {redelivered} redeliveries in {:.1} s", begun.elapsed().as_secs_f64());
        assert!(killed == kills && redelivered > 0);
        let doubled = check(&store, &scripts, &read_log(&log)).await;
        println!("{doubled} messages came twice, their processes died between sending and recording it");
        assert!(doubled <= kills * SENDS);
    });
}

async fn report_progress(store: &Arc<dyn Store>, scripts: &[Script]) -> String {
    let stuck: Vec<_> =
        scripts.iter().filter(|script| !script.done()).map(|script| (&script.user, script.next)).collect();
    let mut text = format!("not done in time: {stuck:?}\n{:#?}", store.unfinished(5).await.unwrap());
    if let Some((user, _)) = stuck.first() {
        write!(text, "{:#?}", store.recent_messages(user, 20).await.unwrap()).unwrap();
    }
    text
}

/// What was delivered to each customer: turn, sequence and text, in the order of delivery.
pub(crate) type Delivered = BTreeMap<UserId, Vec<(u64, u32, String)>>;

fn read_log(log: &Path) -> Delivered {
    let mut delivered = Delivered::new();
    for line in std::fs::read_to_string(log).unwrap().lines() {
        let message: Outgoing = serde_json::from_str(line).unwrap();
        let text = message.body.text().to_owned();
        delivered.entry(message.user_id).or_default().push((message.turn, message.sequence, text));
    }
    delivered
}

/// Checks that nothing is lost, late or paid twice; returns how many messages came twice.
pub(crate) async fn check(store: &Arc<dyn Store>, scripts: &[Script], delivered: &Delivered) -> usize {
    let refunds = store.refunds(u32::MAX).await.unwrap();
    let expected: BTreeSet<&OrderId> =
        scripts.iter().filter(|script| script.wants_refund).map(|script| &script.order).collect();
    assert_eq!(refunds.iter().map(|refund| &refund.order_id).collect::<BTreeSet<_>>(), expected);
    assert_eq!(refunds.len(), expected.len(), "each is paid once");
    let check = store.check_audit().await.unwrap();
    assert!(check.broken.is_none() && check.entries > 0, "{check:?}");
    assert_eq!(store.check_refunds().await.unwrap(), None);

    let mut doubled = 0;
    for script in scripts {
        let user = &script.user;
        let transcript = store.recent_messages(user, u32::MAX).await.unwrap();
        let said: Vec<(u64, usize)> = transcript
            .iter()
            .filter(|message| message.role == Role::User)
            .map(|message| {
                let place = script.texts.iter().position(|text| *text == message.text);
                (message.turn, place.unwrap_or_else(|| panic!("{user} never said {message:?}")))
            })
            .collect();
        let mut places: Vec<usize> = said.iter().map(|(_, place)| *place).collect();
        for (one, next) in said.iter().zip(&said[1..]) {
            assert!(one.0 < next.0 || one.0 == next.0 && one.1 < next.1, "{user}: within a turn, as sent: {said:?}");
        }
        let punctual: Vec<usize> = places.iter().copied().filter(|place| !script.was_late.contains(place)).collect();
        assert!(punctual.is_sorted(), "{user}: what came in order was read in order: {said:?}");
        places.sort_unstable();
        assert_eq!(places, (0..script.texts.len()).collect::<Vec<_>>(), "{user}: each message is answered once");

        // Every turn has its reply, in the transcript, in the outbox and delivered.
        let turns: BTreeSet<u64> = said.iter().map(|(turn, _)| *turn).collect();
        let replies: Vec<(u64, &str)> = transcript
            .iter()
            .filter(|message| message.role == Role::Assistant)
            .map(|message| (message.turn, message.text.as_str()))
            .collect();
        assert_eq!(
            replies.iter().map(|(turn, _)| *turn).collect::<Vec<_>>(),
            turns.iter().copied().collect::<Vec<_>>()
        );
        let outbox = store.outgoing_of(user, u32::MAX).await.unwrap();
        assert_eq!(outbox.iter().map(|sent| (sent.turn, sent.body.text())).collect::<Vec<_>>(), replies);
        assert!(outbox.iter().all(|sent| sent.state == Delivery::Sent), "{outbox:?}");
        let received = &delivered[user];
        let mut first = Vec::new();
        for (turn, sequence, text) in received {
            match first.iter().position(|(known, _)| known == turn) {
                None => first.push((*turn, text.as_str())),
                // The one gap: its process died after the channel took it, so it was claimed at least twice.
                Some(place) => {
                    assert_eq!(place + 1, first.len(), "{user}: an earlier message came again: {received:?}");
                    let sent = outbox.iter().find(|sent| (sent.turn, sent.sequence) == (*turn, *sequence)).unwrap();
                    assert!(sent.attempts > 1, "{sent:?}");
                    doubled += 1;
                }
            }
        }
        assert_eq!(first, replies, "{user}: received in order");
        if let Some(refund) = refunds.iter().find(|refund| refund.order_id == script.order) {
            let named = replies.iter().any(|(_, text)| text.contains(&refund.transaction_id));
            assert!(named, "{user} learns of the refund: {replies:?}");
        }
    }
    doubled
}

//! Pools on one store, with models that fail, hang and panic, and a channel that does not always take.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::agent::guard::ShopTexts;
use crate::agent::{Agent, Settings as AgentSettings};
use crate::channels::{Channel, CollectingChannel, SendError, SendErrorKind, SentId};
use crate::domain::consent::LiveOffers;
use crate::domain::conversation::Mode;
use crate::domain::ids::{IdPatterns, MessageId, UserId};
use crate::domain::inbound::{Content, Context, Inbound};
use crate::domain::outgoing::{Delivery, Receipt, Status};
use crate::domain::sendable::Sendable;
use crate::llm::{ChatModel, ChatReply, ChatRequest, LlmError};
use crate::store::{Store, WorkState};
use crate::testing::Shop;

fn settings() -> PoolSettings {
    let quick =
        Backoff { first: SignedDuration::from_millis(4), longest: SignedDuration::from_millis(20), attempts: 4 };
    PoolSettings {
        lease: SignedDuration::from_millis(300),
        poll: Duration::from_millis(10),
        retry: quick,
        send_retry: quick,
        ..PoolSettings::default()
    }
}

fn message(id: &str, user: &str, second: i64, text: &str) -> Inbound {
    // An hour ago: a reply to an older message would not leave as text.
    static BEGUN: LazyLock<Timestamp> = LazyLock::new(|| Timestamp::now() - SignedDuration::from_hours(1));
    let sent_at = *BEGUN + SignedDuration::from_secs(second);
    Inbound {
        id: MessageId::new(id),
        user_id: UserId::new(user),
        sent_at,
        received_at: Timestamp::now(),
        number: None,
        content: Content::Text { text: text.to_owned() },
        context: Context::default(),
    }
}

async fn accept(store: &Arc<dyn Store>, messages: &[Inbound]) {
    store.accept(messages, Timestamp::now()).await.unwrap();
}

fn agent(shop: &Shop, model: impl ChatModel + 'static) -> Agent {
    let settings = AgentSettings {
        patterns: IdPatterns::default(),
        gap: shop.config.triage.gap(),
        remind: SignedDuration::from_hours(4),
        hours: crate::domain::opening_hours::OpeningHours::default(),
        money: crate::domain::currency::ShopMoney::default(),
        shop_texts: ShopTexts::default(),
        needs_photo: Vec::new(),
    };
    Agent::new(shop.toolbox(), Arc::new(model), settings)
}

fn start(
    store: &Arc<dyn Store>,
    agent: Agent,
    channel: Arc<dyn Channel>,
) -> (CancellationToken, tokio::task::JoinHandle<()>) {
    let stop = CancellationToken::new();
    let pool = Pool::new(Arc::clone(store), agent, channel, settings(), system_clock());
    let until = stop.clone();
    (stop, tokio::spawn(async move { pool.run(until).await }))
}

/// Waits until everything is answered, sent or parked.
async fn wait_until_idle(store: &Arc<dyn Store>) {
    for _ in 0..2_000 {
        let backlog = store.backlog().await.unwrap();
        if backlog.waiting + backlog.in_work + backlog.unsent == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("there is still work: {:?}", store.unfinished(10).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_pools_share_the_work_and_each_customer_is_answered_in_order() {
    let mut shop = Shop::open().await;
    // Who asks the same five times gets a person, else.
    shop.config.escalation.failures = 100;
    let channel = Arc::new(CollectingChannel::default());
    let pools: Vec<_> = (0..2)
        .map(|_| start(&shop.store, agent(&shop, shop.playbook()), Arc::clone(&channel) as Arc<dyn Channel>))
        .collect();
    for round in 0..5 {
        let batch: Vec<Inbound> = (0..8)
            .map(|user| {
                let text = format!("where is ORD00000{}", user + 1);
                message(&format!("{user}-{round}"), &format!("customer-{user}"), round, &text)
            })
            .collect();
        accept(&shop.store, &batch).await;
        accept(&shop.store, &batch[..3]).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wait_until_idle(&shop.store).await;
    for (stop, pool) in pools {
        stop.cancel();
        pool.await.unwrap();
    }
    let sent = channel.take();
    for user in (0..8).map(|user| UserId::new(format!("customer-{user}"))) {
        let turns = shop.store.conversation(&user).await.unwrap().unwrap().turn;
        let told: Vec<u64> = sent.iter().filter(|sent| sent.user_id == user).map(|sent| sent.turn).collect();
        assert_eq!(told, (1..=turns).collect::<Vec<_>>(), "one reply for each turn, in order");
        let said = shop.store.recent_messages(&user, 100).await.unwrap();
        assert_eq!(said.len(), 5 + told.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_pools_one_removes_what_is_old_and_both_go_on() {
    let shop = Shop::open().await;
    let channel = Arc::new(CollectingChannel::default());
    let old = Timestamp::now() - SignedDuration::from_hours(24 * 40);
    let user = UserId::new("customer-1");
    let said = crate::domain::message::ChatMessage {
        user_id: user.clone(),
        role: crate::domain::message::Role::User,
        text: "long ago".to_owned(),
        at: old,
        turn: 0,
        intent: None,
        sentiment: None,
        response_ms: None,
        basis: crate::domain::message::Basis::default(),
    };
    shop.store.append_messages(&[said]).await.unwrap();
    let stop = CancellationToken::new();
    let keep = crate::domain::retention::RetentionPolicy::from_days(30, 30, 30);
    let pools: Vec<_> = (0..2)
        .map(|_| {
            let channel = Arc::clone(&channel) as Arc<dyn Channel>;
            let answering = agent(&shop, shop.playbook());
            let pool = Pool::new(Arc::clone(&shop.store), answering, channel, settings(), system_clock());
            let (pool, until) = (pool.with_retention(keep), stop.clone());
            tokio::spawn(async move { pool.run(until).await })
        })
        .collect();
    accept(&shop.store, &[message("a", "customer-1", 0, "where is ORD000001")]).await;
    wait_until_idle(&shop.store).await;
    let swept = loop {
        match shop.store.last_sweep().await.unwrap() {
            Some(swept) => break swept,
            None => tokio::time::sleep(Duration::from_millis(5)).await,
        }
    };
    assert_eq!((swept.chats, swept.trail_broken), (1, false));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(shop.store.last_sweep().await.unwrap(), Some(swept), "the other one saw that it was done");
    let left = shop.store.recent_messages(&user, 9).await.unwrap();
    assert!(left.len() == 2 && left.iter().all(|message| message.text != "long ago"), "{left:?}");
    stop.cancel();
    for pool in pools {
        pool.await.unwrap();
    }
}

#[tokio::test]
async fn a_burst_is_one_turn_and_a_pressed_button_counts() {
    let shop = Shop::open().await;
    let worker = shop.worker_with(shop.playbook());
    let burst = [
        message("2", "a", 2, "for ORD000003"),
        message("1", "a", 1, "hello, I want a refund"),
        message("3", "a", 3, "it was spilled"),
    ];
    accept(&shop.store, &burst).await;
    let clock = system_clock();
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    let Outcome::Answered(report) = worker.work(claim, &clock).await else { panic!("not answered") };
    assert!(report.reply.unwrap().contains("₹599"));
    let user = UserId::new("a");
    let said = shop.store.recent_messages(&user, 10).await.unwrap();
    assert_eq!(
        said.iter().take(3).map(|said| said.text.as_str()).collect::<Vec<_>>(),
        ["hello, I want a refund", "for ORD000003", "it was spilled"]
    );
    assert_eq!(said.len(), 4);
    let quote = report.conversation.offered[0].quote_id.as_str().to_owned();
    let channel: Arc<dyn Channel> = Arc::new(CollectingChannel::default());
    Sender::new(Arc::clone(&shop.store), channel).drain(None, &clock).await.unwrap();
    let payload = format!("yes:{quote}");
    let press = Inbound { content: Content::Button { text: "Yes".into(), payload }, ..message("4", "a", 4, "") };
    accept(&shop.store, &[press]).await;
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    assert!(matches!(worker.work(claim, &clock).await, Outcome::Answered(_)));
    assert_eq!(shop.store.refunds(9).await.unwrap().len(), 1);
}

/// Panics the first few times.
struct Panicking(AtomicU32, u32);

#[async_trait]
impl ChatModel for Panicking {
    fn name(&self) -> &'static str {
        "panicking"
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatReply, LlmError> {
        assert!(self.0.fetch_add(1, Ordering::SeqCst) >= self.1, "out of luck");
        Ok(ChatReply { text: "How can I help?".to_owned(), ..ChatReply::default() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_tried_again_and_then_parked() {
    let shop = Shop::open().await;
    accept(&shop.store, &[message("1", "a", 1, "hello")]).await;
    let channel = Arc::new(CollectingChannel::default());
    let (stop, pool) = start(&shop.store, agent(&shop, Panicking(AtomicU32::new(0), 2)), Arc::clone(&channel) as _);
    wait_until_idle(&shop.store).await;
    assert_eq!(channel.take().len(), 1, "the third attempt succeeded");
    stop.cancel();
    pool.await.unwrap();

    accept(&shop.store, &[message("2", "a", 2, "hello again")]).await;
    let (stop, pool) = start(&shop.store, agent(&shop, Panicking(AtomicU32::new(0), 100)), Arc::clone(&channel) as _);
    wait_until_idle(&shop.store).await;
    let parked = shop.store.unfinished(5).await.unwrap().remove(0);
    assert!(matches!(parked.state, WorkState::Parked { .. }), "{parked:?}");
    assert_eq!(parked.attempts, settings().retry.attempts);
    assert!(parked.error.unwrap().contains("internal error: out of luck"));
    stop.cancel();
    pool.await.unwrap();

    assert_eq!(shop.store.retry_parked(None, Timestamp::now()).await.unwrap(), 1);
    let (stop, pool) = start(&shop.store, agent(&shop, shop.playbook()), Arc::clone(&channel) as _);
    wait_until_idle(&shop.store).await;
    assert_eq!(channel.take().len(), 1);
    stop.cancel();
    pool.await.unwrap();
}

/// Answers after a while.
struct Slow(Duration);

#[async_trait]
impl ChatModel for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    async fn chat(&self, _: &ChatRequest) -> Result<ChatReply, LlmError> {
        tokio::time::sleep(self.0).await;
        Ok(ChatReply { text: "How can I help?".to_owned(), ..ChatReply::default() })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heartbeat_keeps_a_slow_turn_and_a_lost_lease_drops_it() {
    let shop = Shop::open().await;
    let clock = system_clock();
    let lease = SignedDuration::from_millis(240);
    let slow =
        || Worker::new(Arc::clone(&shop.store), agent(&shop, Slow(Duration::from_millis(900)))).with_lease(lease);
    accept(&shop.store, &[message("1", "a", 1, "hello")]).await;
    let worker = slow();
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    let other = slow();
    let watch = async {
        for _ in 0..8 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(other.claim(None, &clock).await.unwrap(), None, "the lease is renewed");
        }
    };
    let (outcome, ()) = tokio::join!(worker.work(claim, &clock), watch);
    assert!(matches!(outcome, Outcome::Answered(_)), "{outcome:?}");

    accept(&shop.store, &[message("2", "a", 2, "hello?")]).await;
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    let thief = async {
        let later = clock_from(Timestamp::now() + SignedDuration::from_secs(5));
        let stolen = other.claim(None, &later).await.unwrap().unwrap();
        assert_eq!(stolen.attempt, 2);
        stolen
    };
    let (outcome, stolen) = tokio::join!(worker.work(claim, &clock), thief);
    assert!(matches!(outcome, Outcome::Lost), "{outcome:?}");
    assert_eq!(shop.store.conversation(&UserId::new("a")).await.unwrap().unwrap().turn, 1);
    assert!(matches!(other.work(stolen, &clock).await, Outcome::Answered(_)));
}

#[tokio::test]
async fn messages_whose_workers_keep_dying_are_parked() {
    let shop = Shop::open().await;
    let worker = shop.worker_with(shop.playbook()).with_retry(settings().retry);
    accept(&shop.store, &[message("1", "a", 1, "hello")]).await;
    for attempt in 1..=4 {
        let later = clock_from(Timestamp::now() + SignedDuration::from_mins(attempt));
        assert!(worker.claim(None, &later).await.unwrap().is_some(), "its worker dies at once");
    }
    let later = clock_from(Timestamp::now() + SignedDuration::from_mins(5));
    let claim = worker.claim(None, &later).await.unwrap().unwrap();
    assert!(matches!(worker.work(claim, &later).await, Outcome::Failed(_)));
    let parked = shop.store.unfinished(1).await.unwrap().remove(0);
    assert!(matches!(parked.state, WorkState::Parked { .. }));
    assert!(parked.error.unwrap().contains("4 attempts ended without an outcome"));
}

#[tokio::test]
async fn an_interrupted_turn_pays_once_and_says_so_when_it_runs_again() {
    let shop = Shop::open().await;
    let worker = shop.worker_with(shop.playbook());
    let user = UserId::new("a");
    let clock = system_clock();
    accept(&shop.store, &[message("1", "a", 1, "refund ORD000003")]).await;
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    assert!(matches!(worker.work(claim, &clock).await, Outcome::Answered(_)));
    let channel: Arc<dyn Channel> = Arc::new(CollectingChannel::default());
    Sender::new(Arc::clone(&shop.store), channel).drain(None, &clock).await.unwrap();

    for (id, text) in [("2", "yes"), ("3", "let me talk to a manager")] {
        accept(&shop.store, &[message(id, "a", 9, text)]).await;
        // The process dies after the tools were called and before the turn is kept: what the agent did stands.
        let claim = worker.claim(None, &clock).await.unwrap().unwrap();
        let conversation = shop.store.conversation(&user).await.unwrap().unwrap();
        let mut incoming = parsed::ParsedMessages::parse(&claim.messages).incoming;
        let sent = shop.store.outgoing_of(&user, 9).await.unwrap();
        incoming.offers = LiveOffers::find(&conversation.offered, &sent);
        agent(&shop, shop.playbook()).run(conversation, Vec::new(), &incoming, clock()).await;
        drop(claim);
        let later = clock_from(Timestamp::now() + SignedDuration::from_secs(60));
        let again = worker.claim(None, &later).await.unwrap().unwrap();
        assert_eq!(again.attempt, 2);
        let Outcome::Answered(report) = worker.work(again, &later).await else { panic!("not answered") };
        let reply = report.reply.unwrap();
        let refund = shop.store.refunds(9).await.unwrap().remove(0);
        if id == "2" {
            assert!(reply.contains(&refund.transaction_id), "{reply}");
        } else {
            assert!(reply.contains("asked a member of our team"), "the customer is told: {reply}");
            assert!(matches!(report.conversation.mode, Mode::HandedOver { .. }));
        }
    }
    assert_eq!(shop.store.refunds(9).await.unwrap().len(), 1);
    assert_eq!(shop.store.alerts(9).await.unwrap().len(), 1);
    assert_eq!(shop.store.outgoing_of(&user, 9).await.unwrap().len(), 3);
}

/// Takes a message at its third attempt; never one to “nowhere”.
#[derive(Default)]
struct Unreliable(AtomicU32, CollectingChannel);

#[async_trait]
impl Channel for Unreliable {
    async fn send(&self, message: &Sendable) -> Result<SentId, SendError> {
        let refuse = |permanent| SendError {
            reason: "not now".to_owned(),
            retry_after: None,
            kind: if permanent { SendErrorKind::Permanent } else { SendErrorKind::Transient },
        };
        if message.message().user_id.as_str() == "nowhere" {
            return Err(refuse(true));
        }
        if !self.0.fetch_add(1, Ordering::SeqCst).is_multiple_of(3) {
            return self.1.send(message).await;
        }
        Err(refuse(false))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_channel_refuses_is_sent_again_in_order_or_parked() {
    let shop = Shop::open().await;
    let channel = Arc::new(Unreliable::default());
    let (stop, pool) = start(&shop.store, agent(&shop, shop.playbook()), Arc::clone(&channel) as _);
    for round in 0..4 {
        let batch: Vec<_> = ["a", "b", "nowhere"]
            .into_iter()
            .map(|user| message(&format!("{user}{round}"), user, round, "hello"))
            .collect();
        accept(&shop.store, &batch).await;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    wait_until_idle(&shop.store).await;
    stop.cancel();
    pool.await.unwrap();
    let sent = channel.1.take();
    for user in ["a", "b"] {
        let told: Vec<u64> = sent.iter().filter(|sent| sent.user_id.as_str() == user).map(|sent| sent.turn).collect();
        assert!(!told.is_empty() && told == (1..=told.len() as u64).collect::<Vec<_>>(), "{told:?}");
    }
    let parked = shop.store.parked_outgoing(20).await.unwrap();
    assert!(!parked.is_empty());
    assert!(parked.iter().all(|parked| parked.user_id.as_str() == "nowhere"
        && parked.attempts == 1
        && parked.state == Delivery::Parked
        && parked.error.as_deref() == Some("not now")));
}

/// Reports that a message failed before it answers with the message's identifier.
#[derive(Default)]
struct Overtaken(std::sync::OnceLock<Sender>);

#[async_trait]
impl Channel for Overtaken {
    async fn send(&self, message: &Sendable) -> Result<SentId, SendError> {
        let provider_id = format!("overtaken.{}", message.message().turn);
        let failed = Status {
            provider_id: provider_id.clone(),
            identity: None,
            receipt: Receipt::Failed,
            at: None,
            code: None,
            error: Some("undeliverable".to_owned()),
            again: false,
            number: None,
        };
        self.0.get().unwrap().record_status(&failed, Timestamp::now()).await.unwrap();
        Ok(SentId(provider_id))
    }
}

#[tokio::test]
async fn a_failure_that_overtakes_the_answer_to_the_send_ends_the_offer() {
    let shop = Shop::open().await;
    let worker = shop.worker_with(shop.playbook());
    let clock = system_clock();
    let channel = Arc::new(Overtaken::default());
    let sender = Sender::new(Arc::clone(&shop.store), Arc::clone(&channel) as _);
    assert!(channel.0.set(sender.clone()).is_ok());
    accept(&shop.store, &[message("1", "a", 1, "refund ORD000003")]).await;
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    let Outcome::Answered(report) = worker.work(claim, &clock).await else { panic!("not answered") };
    assert_eq!(report.conversation.offered.len(), 1);
    sender.drain(None, &clock).await.unwrap();
    let sent = shop.store.outgoing_of(&UserId::new("a"), 9).await.unwrap().remove(0);
    assert_eq!((sent.state, sent.error.as_deref()), (Delivery::Parked, Some("undeliverable")));

    accept(&shop.store, &[Inbound { sent_at: Timestamp::now(), ..message("2", "a", 9, "yes") }]).await;
    let claim = worker.claim(None, &clock).await.unwrap().unwrap();
    assert!(matches!(worker.work(claim, &clock).await, Outcome::Answered(_)));
    assert!(shop.store.refunds(9).await.unwrap().is_empty(), "the offer was never shown");
}

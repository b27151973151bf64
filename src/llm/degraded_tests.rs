//! Turns in which the remote model fails: at once, in the middle, for long.

use std::collections::VecDeque;

use jiff::SignedDuration;
use serde_json::json;

use super::*;
use crate::agent::Incoming;
use crate::domain::conversation::{Conversation, Triage, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::{IdPatterns, UserId};
use crate::llm::scripted::Scripted;
use crate::testing::{Chat, Shop};
use crate::tools::{CHECK_REFUND, ORDER};

const BREAKER: BreakerSettings = BreakerSettings { failures: 2, pause: Duration::from_hours(1) };
const TURN: Duration = Duration::from_secs(20);

/// A remote model that gives answers or errors, and counts how often it was asked.
#[derive(Default)]
struct Remote {
    answers: Mutex<VecDeque<Result<ChatReply, LlmError>>>,
    asked: Mutex<usize>,
}

#[async_trait]
impl ChatModel for Remote {
    fn name(&self) -> &'static str {
        "remote"
    }

    async fn chat(&self, _request: &ChatRequest) -> Result<ChatReply, LlmError> {
        *self.asked.lock().unwrap() += 1;
        let next = self.answers.lock().unwrap().pop_front();
        next.unwrap_or_else(|| Err(LlmError::Unavailable("it is away".into())))
    }
}

fn remote(answers: Vec<Result<ChatReply, LlmError>>) -> Arc<Remote> {
    Arc::new(Remote { answers: Mutex::new(answers.into()), asked: Mutex::new(0) })
}

#[expect(clippy::unnecessary_wraps, reason = "the lists of answers hold errors as well")]
fn call(name: &str, arguments: Value) -> Result<ChatReply, LlmError> {
    let calls = vec![ToolCall { id: "remote_1".into(), name: name.into(), arguments }];
    Ok(ChatReply { calls, ..ChatReply::default() })
}

#[expect(clippy::unnecessary_wraps, reason = "the lists of answers hold errors as well")]
fn text(text: &str) -> Result<ChatReply, LlmError> {
    Ok(ChatReply { text: text.into(), ..ChatReply::default() })
}

fn chat(shop: &Shop, remote: &Arc<Remote>) -> Chat {
    let remote: Arc<dyn ChatModel> = Arc::clone(remote) as Arc<dyn ChatModel>;
    let model = Degraded::new(remote, Arc::new(shop.playbook()), BREAKER, TURN);
    Chat::over(shop.worker_with(model), "a", shop.now)
}

#[tokio::test]
async fn without_the_remote_model_the_playbook_holds_the_whole_conversation() {
    let shop = Shop::open().await;
    let away = remote(vec![]);
    let mut chat = chat(&shop, &away);
    assert!(chat.say("I want a refund for ORD000003").await.contains("₹599"));
    assert!(chat.say("yes").await.contains("has been refunded"));
    assert_eq!(shop.store.refunds(10).await.unwrap().len(), 1);
    let kept = shop.store.recent_messages(&UserId::new("a"), 9).await.unwrap();
    let degraded: Vec<_> = kept.iter().filter_map(|message| message.basis.degraded).collect();
    assert_eq!((kept.len(), degraded), (4, vec![true, true]), "kept with each reply, and counted");
    // After two failures in a row it is left alone.
    assert_eq!(*away.asked.lock().unwrap(), 2);
}

#[tokio::test]
async fn a_turn_that_the_remote_model_began_ends_without_asking_again() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ord000003"});
    let away = remote(vec![call(ORDER, id.clone()), call(CHECK_REFUND, id), Err(LlmError::Timeout)]);
    let mut chat = chat(&shop, &away);
    let report = chat.turn("I want a refund for ORD000003, it came broken").await;
    let called: Vec<&str> = report.calls.iter().map(|call| call.tool.as_str()).collect();
    assert_eq!(called, [ORDER, CHECK_REFUND], "what was asked already is used");
    assert!(report.reply.unwrap().contains("₹599"));
    assert_eq!(report.conversation.offered.len(), 1);
    assert_eq!(report.basis.degraded, Some(true), "one round of the playbook makes the reply its own");
    assert!(chat.say("yes").await.contains("has been refunded"));
}

#[tokio::test]
async fn the_wrong_order_that_the_remote_model_looked_at_is_not_taken_for_the_right_one() {
    let shop = Shop::open().await;
    let away = remote(vec![call(ORDER, json!({"order_id": "ORD000004"})), Err(LlmError::Timeout)]);
    let reply = chat(&shop, &away).say("where is ORD000002").await;
    assert!(reply.contains("ORD000002") && reply.contains("₹200"), "{reply}");
}

#[tokio::test]
async fn a_refund_that_the_remote_model_paid_is_told_by_the_playbook() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let away = remote(vec![
        call(CHECK_REFUND, id.clone()),
        text("I can refund ₹599 for ORD000003. Shall I go ahead?"),
        call(REFUND, id),
        Err(LlmError::Unavailable("503".into())),
    ]);
    let mut chat = chat(&shop, &away);
    chat.say("refund ORD000003").await;
    let report = chat.turn("yes").await;
    let reply = report.reply.unwrap();
    assert!(reply.contains("₹599") && reply.contains("RFND_") && report.guard.is_none(), "{reply}");
    assert_eq!(report.calls.len(), 1, "paid once, asked once");
}

#[tokio::test]
async fn a_person_that_the_remote_model_asked_for_is_told_by_the_playbook() {
    let shop = Shop::open().await;
    let away = remote(vec![call(HUMAN, json!({"reason": "upset"})), Err(LlmError::Timeout)]);
    let mut chat = chat(&shop, &away);
    let report = chat.turn("where is ORD000001").await;
    assert!(report.reply.unwrap().contains("member of our team"));
    assert_eq!(report.guard, None);
    assert_eq!(shop.store.alerts(10).await.unwrap().len(), 1);
    assert_eq!(chat.turn("hello?").await.reply, None);
}

#[tokio::test]
async fn a_second_wrong_call_ends_the_remote_models_turn() {
    let shop = Shop::open().await;
    let confused = remote(vec![
        call(ORDER, json!("{\"order_id\": ORD")),
        call("list_files", json!({})),
        text("never reached in this turn"),
    ]);
    let report = chat(&shop, &confused).turn("where is ORD000001").await;
    assert_eq!(*confused.asked.lock().unwrap(), 2);
    assert!(report.calls[0].result["error"].as_str().unwrap().contains("give an object"), "{:?}", report.calls);
    assert!(report.reply.unwrap().contains("ORD000001"));
}

#[tokio::test]
async fn one_wrong_call_is_told_to_the_model_and_mended() {
    let shop = Shop::open().await;
    let answers = vec![
        call(ORDER, json!({"order": "ORD000001"})),
        call(ORDER, json!({"order_id": "ORD000001"})),
        text("Your order ORD000001 arrived, it took 25 minutes."),
    ];
    let reply = chat(&shop, &remote(answers)).say("where is ORD000001").await;
    assert_eq!(reply, "Your order ORD000001 arrived, it took 25 minutes.");
}

#[tokio::test]
async fn a_model_that_never_answers_costs_the_turn_its_time_and_no_more() {
    struct Never;
    #[async_trait]
    impl ChatModel for Never {
        fn name(&self) -> &'static str {
            "never"
        }
        async fn chat(&self, _request: &ChatRequest) -> Result<ChatReply, LlmError> {
            std::future::pending().await
        }
    }
    let shop = Shop::open().await;
    let model = Degraded::new(Arc::new(Never), Arc::new(shop.playbook()), BREAKER, Duration::from_millis(50));
    let begun = Instant::now();
    let reply = Chat::over(shop.worker_with(model), "a", shop.now).say("where is ORD000001").await;
    assert!(reply.contains("ORD000001") && begun.elapsed() < Duration::from_secs(5), "{reply}");
}

#[tokio::test]
async fn the_breaker_closes_when_the_service_is_back() {
    let shop = Shop::open().await;
    let remote =
        remote(vec![Err(LlmError::Timeout), Err(LlmError::Timeout), text("Hello from afar!"), text("Hello again.")]);
    let breaker = BreakerSettings { failures: 2, pause: Duration::from_millis(30) };
    let model = Degraded::new(Arc::clone(&remote) as Arc<dyn ChatModel>, Arc::new(shop.playbook()), breaker, TURN);
    let worker = shop.worker_with(model);
    let say = async |text: &str, second: i64| {
        let incoming = Incoming::typed(text);
        let now = shop.now + SignedDuration::from_secs(second);
        worker.take_turn(&UserId::new("a"), &incoming, now).await.unwrap().reply.unwrap()
    };
    say("hello", 0).await;
    say("hello", 10).await;
    assert_ne!(say("hello", 20).await, "Hello from afar!", "it is left alone");
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert_eq!(say("hello", 30).await, "Hello from afar!");
    assert_eq!(say("hello", 40).await, "Hello again.");
}

#[tokio::test]
async fn a_playbook_that_fails_is_told_to_the_agent() {
    let shop = Shop::open().await;
    let model = Degraded::new(remote(vec![]), Arc::new(Scripted::default()), BREAKER, TURN);
    let reply = Chat::over(shop.worker_with(model), "a", shop.now).say("hi").await;
    assert!(reply.contains("member of our team"));
}

#[tokio::test]
async fn a_reply_of_the_remote_model_is_none_of_the_playbook() {
    let shop = Shop::open().await;
    let away = remote(vec![text("How can I help?")]);
    let report = chat(&shop, &away).turn("hello there").await;
    assert_eq!((report.reply.as_deref(), report.basis.degraded), (Some("How can I help?"), Some(false)));
}

/// What no tool did.
const LIE: &str = "Your refund has been sent!";

fn called(report: &crate::agent::TurnReport) -> Vec<&str> {
    report.calls.iter().map(|call| call.tool.as_str()).collect()
}

#[tokio::test]
async fn a_reply_held_back_is_answered_by_the_playbook_on_the_rounds_made() {
    let id = json!({"order_id": "ORD000003"});
    for answers in [vec![text(LIE)], vec![call(ORDER, id.clone()), text(LIE)], vec![call(CHECK_REFUND, id), text(LIE)]]
    {
        // A shop of its own: no reply comes three times.
        let shop = Shop::open().await;
        let asks = answers.len();
        let lying = remote(answers);
        let mut chat = chat(&shop, &lying);
        let report = chat.turn("where is my order ORD000003").await;
        let reply = report.reply.as_ref().unwrap();
        assert!(reply.starts_with("Order ORD000003 (Beverages, ₹599"), "{reply}");
        assert!(!reply.contains(LIE) && !reply.contains("can't confirm") && !reply.contains("refund ₹599"), "{reply}");
        assert_eq!((report.guard, report.basis.degraded), (Some("refund_claim"), Some(true)), "{reply}");
        assert_eq!(called(&report).iter().filter(|tool| **tool == ORDER).count(), 1, "looked up once");
        assert_eq!(*lying.asked.lock().unwrap(), asks, "the remote model is not asked again in this turn");
        assert!(
            report.conversation.offered.is_empty() && report.conversation.failures == 0,
            "{:?}",
            report.conversation
        );
    }
}

#[tokio::test]
async fn a_customer_of_a_lying_model_gets_the_offer_and_the_refund() {
    let shop = Shop::open().await;
    let lying = remote(vec![text(LIE), text(LIE), text("A colleague will call you at noon.")]);
    let mut chat = chat(&shop, &lying);
    let report = chat.turn("I want a refund for ORD000003").await;
    let offer = "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.";
    assert!(report.reply.as_ref().unwrap().ends_with(offer), "{:?}", report.reply);
    assert_eq!(report.conversation.offered.len(), 1);
    assert!(shop.store.refunds(10).await.unwrap().is_empty());
    let report = chat.turn("yes").await;
    assert!(report.reply.as_ref().unwrap().contains("RFND_"), "{:?}", report.reply);
    assert_eq!((report.guard, called(&report)), (Some("refund_claim"), vec![REFUND]));
    assert_eq!(shop.store.refunds(10).await.unwrap().len(), 1);
    assert!(chat.say("hello").await.starts_with("Hello!"));
}

#[tokio::test]
async fn what_the_turn_did_is_told_without_the_playbook() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let lying = remote(vec![call(CHECK_REFUND, id.clone()), text(LIE), call(REFUND, id), text("You get ₹50,000!")]);
    let mut chat = chat(&shop, &lying);
    let report = chat.turn("refund ORD000003").await;
    assert!(report.reply.unwrap().starts_with("I can refund ₹599"));
    assert_eq!((report.guard, report.basis.degraded), (Some("refund_claim"), Some(false)));
    let report = chat.turn("yes").await;
    assert!(report.reply.as_ref().unwrap().contains("RFND_"), "{:?}", report.reply);
    assert_eq!((report.guard, report.basis.degraded), (Some("amount"), Some(false)));
}

#[tokio::test]
async fn a_second_miss_in_a_row_brings_a_person() {
    let shop = Shop::open().await;
    let mut chat = chat(&shop, &remote(vec![text(LIE), text(LIE)]));
    let first = chat.turn("blue grommets").await.conversation;
    assert_eq!((first.waiting_for, first.failures), (WaitingFor::Details, 0));
    let report = chat.turn("grommets").await;
    assert!(report.reply.as_ref().unwrap().contains("asked a member of our team"), "{:?}", report.reply);
    assert_eq!(report.guard, Some("refund_claim"));
    assert_eq!(shop.store.alerts(10).await.unwrap().len(), 1);
}

fn round(name: &str, arguments: Value, result: Value) -> Round {
    Round { call: ToolCall { id: "remote_1".into(), name: name.into(), arguments }, result, wrong: false }
}

#[test]
fn whatever_the_remote_model_did_is_told_with_how_far_the_money_is() {
    let facts = Facts {
        text: "yes".into(),
        triage: Triage::default(),
        cause: TriageCause::Cached,
        named_orders: Vec::new(),
        suspected: Vec::new(),
        seen: Vec::new(),
        patterns: IdPatterns::default(),
        is_answer: true,
        is_by_voice: false,
        given: None,
        conversation: Conversation::new(UserId::new("a")),
        money: ShopMoney::default(),
    };
    let id = json!({"order_id": "ORD000003"});
    let success = json!({"status": "success"});
    let requested = json!({
        "status": "success", "order_id": "ORD000003", "amount_refunded": 599, "transaction_id": "RFND_1", "state": "requested",
    });
    for (name, arguments, result, told) in [
        (CANCEL, id.clone(), success.clone(), "order ORD000003 is cancelled"),
        (CANCEL, id.clone(), requested.clone(), "it is not paid yet"),
        (CHANGE, id.clone(), success.clone(), "the change for order ORD000003"),
        (RETURN, json!({"order_id": "ORD000003", "resolution": "exchange"}), success.clone(), "the exchange for order"),
        (REFUND, id.clone(), requested, "it is not paid yet"),
    ] {
        let done = round(name, arguments.clone(), result);
        let text = with_actions("Hello!", &[&done], &facts);
        assert!(text.contains(told) && text.ends_with("Hello!"), "{name}: {text}");
        assert!(!text.contains("has been refunded"), "{text}");
        let person = round(HUMAN, json!({}), success.clone());
        let text = with_actions("Hello!", &[&done, &person], &facts);
        assert!(
            text.contains(told) && text.contains("member of our team") && !text.contains("Hello!"),
            "{name}: {text}"
        );
        let refused = round(name, arguments, json!({"status": "refused"}));
        assert_eq!(with_actions("Hello!", &[&refused], &facts), "Hello!");
    }
}

#[test]
fn a_change_of_something_else_is_not_taken_for_the_wanted_one() {
    let arguments = |value: &str, reason: &str| json!({"order_id": "ord000003", "address": value, "reason": reason});
    let done = round(CHANGE, arguments("9 Hill View", "moved"), json!({"status": "success"}));
    let wanted =
        |value: &str| ToolCall { id: "1".into(), name: CHANGE.into(), arguments: arguments(value, "other words") };
    assert!(answers(&done, &wanted("9 Hill View")) && !answers(&done, &wanted("12 Lake Road")));
}

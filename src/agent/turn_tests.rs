//! Tests of the turn: with a model that does whatever it likes, and with events in any order.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::ids::UserId;
use crate::llm::scripted::Scripted;
use crate::testing::Shop;
use crate::tools::{CHECK_REFUND, ORDER, REFUND};

fn calls(calls: &[(&str, serde_json::Value)]) -> ChatReply {
    let calls = calls.iter().enumerate().map(|(index, (name, arguments))| ToolCall {
        id: format!("c{index}"),
        name: (*name).to_owned(),
        arguments: arguments.clone(),
    });
    ChatReply { calls: calls.collect(), ..ChatReply::default() }
}

fn text(text: &str) -> ChatReply {
    ChatReply { text: text.into(), ..ChatReply::default() }
}

async fn hold(shop: &Shop, script: Vec<ChatReply>, messages: &[&str]) -> Vec<crate::agent::TurnReport> {
    let worker = shop.worker_with(Scripted::new(script));
    let mut reports = Vec::new();
    for (index, message) in messages.iter().enumerate() {
        let incoming = Incoming { texts: vec![(*message).to_owned()], pressed: None };
        let now = shop.now + SignedDuration::from_secs(30 * i64::try_from(index).unwrap());
        reports.push(worker.take_turn(&UserId::new("a"), &incoming, now).await.unwrap());
    }
    reports
}

#[tokio::test]
async fn a_model_cannot_quote_and_pay_in_one_turn() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let script =
        vec![calls(&[(CHECK_REFUND, id.clone())]), calls(&[(REFUND, id)]), text("Your order has been refunded!")];
    let reports = hold(&shop, script, &["yes refund ORD000003"]).await;
    assert!(shop.store.refunds(10).await.unwrap().is_empty());
    assert_eq!(reports[0].guard, Some("refund_claim"));
    assert!(!reports[0].reply.as_ref().unwrap().contains("refunded"));
}

#[tokio::test]
async fn an_amount_the_customer_was_not_told_cannot_be_agreed_to() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let script = vec![
        calls(&[(CHECK_REFUND, id.clone())]),
        text("Shall I go ahead?"),
        calls(&[(REFUND, id)]),
        text("One moment."),
    ];
    let reports = hold(&shop, script, &["refund ORD000003", "yes"]).await;
    assert!(reports[0].conversation.offered.is_empty());
    assert!(shop.store.refunds(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_amount_in_passing_is_no_offer() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    for passing in ["Your order ORD000003 worth ₹599 was delivered. Anything else?", "I can refund ₹599. Shall I?"]
    {
        let script = vec![
            calls(&[(CHECK_REFUND, id.clone())]),
            text(passing),
            calls(&[(REFUND, id.clone())]),
            text("One moment."),
        ];
        let reports = hold(&shop, script, &["where is ORD000003", "yes"]).await;
        assert!(reports[0].conversation.offered.is_empty(), "{passing}");
    }
    assert!(shop.store.refunds(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_model_cannot_look_at_an_order_the_customer_did_not_name() {
    let shop = Shop::open().await;
    let script = vec![calls(&[(ORDER, json!({"order_id": "ORD000007"}))]), text("Hello!")];
    let reports = hold(&shop, script, &["hi"]).await;
    assert!(reports[0].calls[0].result["error"].is_string());
    assert_eq!(shop.store.binding(&OrderId::new("ORD000007")).await.unwrap(), None);
}

#[tokio::test]
async fn a_reply_held_back_after_a_payment_still_tells_of_it() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let script = vec![
        calls(&[(CHECK_REFUND, id.clone())]),
        text("I can refund ₹599 for ORD000003. Shall I?"),
        calls(&[(REFUND, id)]),
        text("You get ₹50,000!"),
    ];
    let reports = hold(&shop, script, &["refund ORD000003", "yes"]).await;
    let reply = reports[1].reply.as_ref().unwrap();
    assert!(reply.contains("₹599") && reply.contains("RFND_") && !reply.contains("50,000"), "{reply}");
}

#[tokio::test]
async fn told_and_agreed_is_paid_whatever_the_model_names() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let script = vec![
        calls(&[(CHECK_REFUND, id.clone())]),
        text("I can give you ₹599 back for ORD000003. Shall I?"),
        calls(&[(REFUND, json!({"order_id": "ORD000003", "amount": 9_999, "reason": "x"}))]),
        calls(&[(REFUND, json!({"order_id": "ORD000004", "amount": 400, "reason": "x"}))]),
        calls(&[(REFUND, json!({"order_id": "ORD000003", "amount": 599, "reason": "x"}))]),
        text("Done, ₹599 is on its way."),
    ];
    hold(&shop, script, &["refund ORD000003", "yes"]).await;
    let refunds = shop.store.refunds(10).await.unwrap();
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0].amount, Money::from_rupees(599));
}

#[tokio::test]
async fn a_model_in_circles_ends_in_a_hand_over() {
    let shop = Shop::open().await;
    let script = (0..20).map(|_| calls(&[(ORDER, json!({"order_id": "ORD000001"}))])).collect();
    let reports = hold(&shop, script, &["where is ORD000001", "hello?"]).await;
    assert_eq!(reports[0].calls.len(), ROUNDS + 1);
    assert!(reports[0].reply.as_ref().unwrap().contains("member of our team"));
    assert_eq!(reports[1].reply, None);
    assert_eq!(shop.store.alerts(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_model_that_fails_ends_in_a_hand_over() {
    let shop = Shop::open().await;
    let reports = hold(&shop, vec![], &["hi"]).await;
    assert!(reports[0].reply.as_ref().unwrap().contains("member of our team"));
}

#[tokio::test]
async fn a_false_promise_of_a_person_is_held_back() {
    let shop = Shop::open().await;
    let reports = hold(&shop, vec![text("I've escalated this, an agent will call you.")], &["hi"]).await;
    assert_eq!(reports[0].guard, Some("hand_over_claim"));
    assert!(shop.store.alerts(10).await.unwrap().is_empty());
}

#[test]
fn triage_runs_when_needed_only() {
    let settings =
        Settings { patterns: IdPatterns::default(), gap: SignedDuration::from_hours(24), written: Default::default() };
    let start: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
    let mut conversation = Conversation::new(UserId::new("a"));
    let cause = |conversation: &Conversation, text: &str, now| triage_cause(conversation, text, now, &settings);
    assert_eq!(cause(&conversation, "hi", start), TriageCause::FirstMessage);
    conversation.last_message_at = Some(start);
    conversation.triage = Some(Triage {
        intent: topic::intent::REFUND.into(),
        intent_confidence: 0.9,
        sentiment: "neutral".into(),
        sentiment_confidence: 0.9,
        at: start,
    });
    conversation.waiting_for = WaitingFor::OrderId;
    let soon = start + SignedDuration::from_mins(1);
    assert_eq!(cause(&conversation, "ORD000003", soon), TriageCause::Cached);
    assert_eq!(cause(&conversation, "it is ord000003", soon), TriageCause::Cached);
    assert_eq!(cause(&conversation, "get me a manager", soon), TriageCause::TopicChange);
    assert_eq!(cause(&conversation, "ORD000003", start + SignedDuration::from_hours(24)), TriageCause::Gap);
    assert_eq!(cause(&conversation, "ORD000003", start + SignedDuration::from_hours(23)), TriageCause::Cached);
    conversation.waiting_for = WaitingFor::Consent;
    assert_eq!(cause(&conversation, "yes", soon), TriageCause::Cached);
    assert_eq!(cause(&conversation, "no leave it", soon), TriageCause::Cached);
    conversation.waiting_for = WaitingFor::Nothing;
    assert_eq!(cause(&conversation, "ok thanks", soon), TriageCause::Cached);
    assert_eq!(cause(&conversation, "please also tell me about tomorrow's delivery", soon), TriageCause::TopicChange);
}

fn any_event() -> impl Strategy<Value = Event> {
    let call = |name: &str| ToolCall { id: "c".into(), name: name.into(), arguments: json!({}) };
    prop_oneof![
        Just(Event::Start),
        Just(Event::Triaged(None)),
        Just(Event::ModelSaid(None)),
        "[a-z₹0-9 ]{0,40}".prop_map(|said| Event::ModelSaid(Some(ChatReply { text: said, ..ChatReply::default() }))),
        (1..4_usize).prop_map(move |count| Event::ModelSaid(Some(ChatReply {
            calls: vec![call(ORDER); count],
            ..ChatReply::default()
        }))),
        Just(Event::ToolDone(
            ToolCall { id: "c".into(), name: ORDER.into(), arguments: json!({}) },
            Box::new(ToolResult { value: json!({"error": "x"}), outcome: Outcome::Fault }),
        )),
    ]
}

proptest! {
    #[test]
    fn events_in_any_order_never_panic_nor_promise(events in proptest::collection::vec(any_event(), 0..30)) {
        let settings = Settings { patterns: IdPatterns::default(), gap: SignedDuration::from_hours(24), written: Default::default() };
        let incoming = Incoming { texts: vec!["hello ORD000001".into()], pressed: None };
        let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
        let mut turn = Turn::new(settings, Conversation::new(UserId::new("a")), &incoming, now);
        for event in events {
            for effect in turn.handle(event) {
                if let Effect::Reply(reply) = effect {
                    prop_assert!(guard::amounts_in(&reply).is_empty(), "{}", reply);
                }
            }
        }
        let conversation = turn.into_conversation();
        prop_assert!(conversation.offered.is_empty());
        prop_assert_eq!(conversation.turn, 1);
    }
}

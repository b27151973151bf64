//! Tests of the turn: with a model that does whatever it likes, and with events in any order.

use jiff::SignedDuration;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::agent::guard;
use crate::domain::currency::Amount;
use crate::domain::ids::UserId;
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::sentences::handoff;
use crate::llm::Author;
use crate::llm::scripted::Scripted;
use crate::testing::Shop;
use crate::tools::{CHECK_REFUND, FIND_ORDERS, ORDER, Outcome, REFUND};

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
        let incoming = Incoming::typed(*message);
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

/// Whether a turn warned of a danger in this language and asked for a person at once.
fn warned(report: &crate::agent::TurnReport, language: Language) -> bool {
    let reply = report.reply.as_deref().unwrap_or_default();
    let asked = report.calls.iter().any(|call| call.tool == HUMAN && call.arguments["priority"] == "high");
    reply.starts_with(choices::danger(language)) && asked && report.conversation.warned.danger
}

/// The classifier of the tests reads no urgency at all.
#[tokio::test]
async fn words_alone_bring_a_person_at_once_whoever_answers() {
    for (text, language) in [
        ("The charger I got from you caught fire", Language::English),
        ("charger se dhuan nikal raha hai bhaiya", Language::Hinglish),
        ("मेरे बेटे ने सेल निगल लिया", Language::Hindi),
        ("me corté la mano con el vidrio de la caja", Language::Spanish),
        ("o entregador me ameaçou com uma faca", Language::Portuguese),
        ("كهربني الخلاط لما لمسته", Language::Arabic),
    ] {
        let shop = Shop::open().await;
        let reports = hold(&shop, vec![text_of_a_model()], &[text]).await;
        assert!(warned(&reports[0], language), "a language model: {:?}", reports[0].reply);
        let report = shop.chat("b").turn(text).await;
        assert!(warned(&report, language), "the playbook: {:?}", report.reply);
    }
}

fn text_of_a_model() -> ChatReply {
    text("Thank you for telling us.")
}

#[tokio::test]
async fn a_danger_beside_an_answer_to_what_was_asked_is_heard() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    assert!(chat.say("refund ORD000003").await.contains("₹599"));
    let report = chat.turn("yes, and my hand is bleeding from the broken glass").await;
    assert!(warned(&report, Language::English), "{:?}", report.reply);
    assert!(shop.store.refunds(9).await.unwrap().is_empty());
    // A few words where an order id was asked for are an answer otherwise.
    let mut chat = shop.chat("b");
    chat.say("I want a refund").await;
    let report = chat.turn("my hand is bleeding").await;
    assert!(warned(&report, Language::English), "{:?}", report.reply);
}

#[tokio::test]
async fn a_danger_is_heard_in_a_language_that_is_not_read_and_before_a_fraud() {
    let shop = Shop::open().await;
    for (user, text) in
        [("a", "என் மகன் மருத்துவமனையில் இருக்கிறான்"), ("b", "the courier threatened me with a knife and asked for my OTP")]
    {
        let report = shop.chat(user).turn(text).await;
        assert!(warned(&report, Language::English), "{text}: {:?}", report.reply);
    }
}

#[tokio::test]
async fn the_amount_is_told_also_where_the_model_forgot_it() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    let script = vec![
        calls(&[(CHECK_REFUND, id.clone())]),
        text("Shall I go ahead?"),
        calls(&[(REFUND, id)]),
        text("One moment."),
    ];
    let reports = hold(&shop, script, &["refund ORD000003", "yes"]).await;
    let offer = "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.";
    assert_eq!(reports[0].reply.as_deref(), Some(offer));
    assert_eq!(reports[0].conversation.offered.len(), 1);
    assert_eq!(shop.store.refunds(10).await.unwrap().len(), 1);
    assert!(reports[1].reply.as_ref().unwrap().contains("RFND_"), "{:?}", reports[1].reply);
}

#[tokio::test]
async fn what_a_model_does_to_an_order_takes_two_messages_and_the_programs_words() {
    let shop = Shop::open().await;
    let mut order = crate::testing::order(30, "Dairy", 262);
    order.delivery_minutes = None;
    order.details.state = Some(crate::domain::order::OrderState::Packed);
    order.details.payment_state = Some(crate::domain::order::PaymentState::Paid);
    shop.store.upsert_order(&order).await.unwrap();
    let cancel = || calls(&[(crate::tools::CANCEL, json!({"order_id": "ORD000030", "reason": "by mistake"}))]);
    let script = vec![cancel(), text("I have cancelled it. [[offer]]"), cancel(), text("Thanks for waiting! [[done]]")];
    let reports = hold(&shop, script, &["please cancel ORD000030", "yes, cancel it"]).await;
    let offer = "I can cancel order ORD000030 and refund ₹262.\nShall I go ahead? Please reply yes or no.";
    assert_eq!(reports[0].reply.as_deref(), Some(offer));
    let offered = &reports[0].conversation.offered[0];
    assert_eq!(
        (offered.kind, offered.amount),
        (crate::domain::proposal::ProposalKind::Cancel, Some(Amount::rupees(262)))
    );
    assert_eq!(reports[0].conversation.waiting_for, WaitingFor::Consent);
    let reply = reports[1].reply.as_deref().unwrap();
    assert!(reply.contains("Order ORD000030 is cancelled.") && reply.contains("RFND_"), "{reply}");
    let stored = shop.store.order(&order.id).await.unwrap().unwrap();
    assert_eq!(stored.details.state, Some(crate::domain::order::OrderState::Cancelled));
    // Without a yes to it nothing is done, whatever the model says.
    let mut other = crate::testing::order(31, "Dairy", 100);
    other.details.state = Some(crate::domain::order::OrderState::Packed);
    other.details.payment_state = order.details.payment_state;
    shop.store.upsert_order(&other).await.unwrap();
    let cancel = || calls(&[(crate::tools::CANCEL, json!({"order_id": "ORD000031"}))]);
    let script = vec![cancel(), text("[[offer]]"), cancel(), text("It is cancelled.")];
    let reports = hold(&shop, script, &["please cancel ORD000031", "hmm, wait"]).await;
    assert!(!reports[1].reply.as_deref().unwrap().contains("is cancelled"), "{:?}", reports[1].reply);
    assert_eq!(shop.store.actions(false, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_turned_round_never_leaves() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    for turned in [
        "I can refund ₹599 for order ORD000003. Shall I block that refund?",
        "Refund of ₹599 for ORD000003: shall I go ahead and throw it away?",
        "[[offer]] Please say yes if you want to keep the goods instead.",
    ] {
        let script = vec![calls(&[(CHECK_REFUND, id.clone())]), text(turned)];
        let reports = hold(&shop, script, &["refund ORD000003"]).await;
        let reply = reports[0].reply.as_ref().unwrap();
        assert_eq!(
            reply, "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.",
            "{turned}"
        );
    }
}

#[tokio::test]
async fn an_amount_in_passing_is_no_offer() {
    let shop = Shop::open().await;
    let id = json!({"order_id": "ORD000003"});
    for passing in ["Your order ORD000003 was delivered. Anything else?", "Hello! How can I help?"] {
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
    assert_eq!(reports[0].calls.len(), MAX_ROUNDS + 1);
    assert!(reports[0].reply.as_ref().unwrap().contains("member of our team"));
    assert_eq!(reports[1].reply, None);
    assert_eq!(shop.store.alerts(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_model_that_fails_ends_in_a_hand_over() {
    let shop = Shop::open().await;
    let reports = hold(&shop, vec![], &["hi"]).await;
    assert!(reports[0].reply.as_ref().unwrap().contains("member of our team"), "{:?}", reports[0].reply);
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
    let settings = Settings {
        patterns: IdPatterns::default(),
        gap: SignedDuration::from_hours(24),
        remind: SignedDuration::from_hours(4),
        hours: OpeningHours::default(),
        money: crate::domain::currency::ShopMoney::default(),
        shop_texts: ShopTexts::default(),
        needs_photo: Vec::new(),
    };
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
        ..Triage::default()
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

/// A turn that has come to the model's reply.
fn asked(message: &str) -> Turn {
    let settings = Settings {
        patterns: IdPatterns::default(),
        gap: SignedDuration::from_hours(24),
        remind: SignedDuration::from_hours(4),
        hours: OpeningHours::default(),
        money: crate::domain::currency::ShopMoney::default(),
        shop_texts: ShopTexts::default(),
        needs_photo: Vec::new(),
    };
    let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
    let mut turn = Turn::new(settings, Conversation::new(UserId::new("a")), &Incoming::typed(message), now);
    assert!(matches!(turn.handle(Event::Start)[..], [Effect::Triage(_)]));
    assert_eq!(turn.handle(Event::Triaged(None)), [Effect::AskModel(Answerer::Model)]);
    turn
}

#[test]
fn sentences_of_the_shops_documents_may_leave() {
    let passage = crate::support::Passage {
        id: "a.md:1".to_owned(),
        title: "Refunds".to_owned(),
        text: "Refunds cost ₹60 and reach your card within 6 days. Write to help@shop.example.".to_owned(),
        source: "a.md:1".to_owned(),
        score: 1.0,
        part: 0,
    };
    let call = || crate::llm::ToolCall {
        id: "1".to_owned(),
        name: "search_knowledge".to_owned(),
        arguments: json!({"query": "what do refunds cost"}),
    };
    let replied = |turn: &mut Turn| turn.handle(Event::ModelReplied(Some(text(&passage.text))));
    let says_it = |effects: &[Effect]| matches!(effects, [Effect::Reply(reply)] if reply.contains("₹60") && reply.contains("6 days"));
    let mut turn = asked("what do refunds cost?");
    assert!(!says_it(&replied(&mut turn)), "without the document");
    let mut turn = asked("what do refunds cost?");
    turn.handle(Event::ModelReplied(Some(crate::llm::ChatReply {
        calls: vec![call()],
        ..crate::llm::ChatReply::default()
    })));
    let outcome = Outcome::Knowledge(vec![passage.clone()]);
    let result = ToolResult { value: json!({"answerable": true, "passages": [passage]}), outcome };
    turn.handle(Event::ToolDone(call(), Box::new(result)));
    let said = replied(&mut turn);
    assert!(says_it(&said), "{said:?}");
}

#[test]
fn a_model_asks_for_no_id_where_the_number_has_orders() {
    let question = || Event::ModelReplied(Some(text("Please send me your order id.")));
    let listed = |orders: Vec<Order>| {
        let value = json!({"orders": orders.iter().map(|order| json!({"order_id": order.id})).collect::<Vec<_>>()});
        Box::new(ToolResult { value, outcome: Outcome::Orders(orders) })
    };
    let listing = |turn: &mut Turn| match &turn.handle(question())[..] {
        [Effect::CallTool(call)] if call.name == FIND_ORDERS => call.clone(),
        other => panic!("{other:?}"),
    };
    let mut turn = asked("where is my order?");
    let call = listing(&mut turn);
    let own = crate::testing::order(1, "Dairy", 100);
    assert_eq!(turn.handle(Event::ToolDone(call, listed(vec![own]))), [Effect::AskModel(Answerer::Playbook)]);
    let mut turn = asked("where is my order?");
    let call = listing(&mut turn);
    let asks = [Effect::Reply("Please send me your order id.".to_owned())];
    assert_eq!(turn.handle(Event::ToolDone(call, listed(Vec::new()))), asks, "who has none is asked");
    assert_eq!(turn.into_conversation().waiting_for, WaitingFor::OrderId);
    let mut turn = asked("where is ORD000001?");
    assert_eq!(turn.handle(question()), asks, "an order was named: its id may be wrong");
}

#[test]
fn a_yes_to_a_suggested_order_names_it() {
    let settings = Settings {
        patterns: IdPatterns::default(),
        money: crate::domain::currency::ShopMoney::default(),
        gap: SignedDuration::from_hours(24),
        remind: SignedDuration::from_hours(4),
        hours: OpeningHours::default(),
        shop_texts: ShopTexts::default(),
        needs_photo: Vec::new(),
    };
    let mut conversation = Conversation::new(UserId::new("a"));
    conversation.waiting_for = WaitingFor::WhichOrder;
    conversation.suggested = ["ORD000002", "ORD000001"].map(OrderId::new).to_vec();
    let named = |incoming: &Incoming| {
        Turn::new(settings.clone(), conversation.clone(), incoming, Timestamp::UNIX_EPOCH).facts().named_orders
    };
    let pressed = |press| Incoming::typed("x").pressing(press);
    for (incoming, expected) in [
        (Incoming::typed("yes"), vec!["ORD000002"]),
        (Incoming::typed("the second one"), vec!["ORD000001"]),
        (Incoming::typed("000001"), vec!["ORD000001"]),
        (Incoming::typed("no"), vec![]),
        (Incoming::typed("yes but why"), vec![]),
        (pressed(Press::Order(OrderId::new("ORD000001"))), vec!["ORD000001"]),
        (pressed(Press::OtherOrder), vec![]),
    ] {
        let named: Vec<String> = named(&incoming).iter().map(ToString::to_string).collect();
        assert_eq!(named, expected, "{incoming:?}");
    }
}

#[test]
fn for_a_reply_held_back_the_playbook_is_asked_once() {
    let lie = || Event::ModelReplied(Some(text("Your refund has been sent!")));
    let asks = [Effect::AskModel(Answerer::Playbook)];
    let unconfirmed = [Effect::Reply(handoff::offer_unconfirmed(Language::English).to_owned())];
    for (name, second) in [("no playbook", Event::ModelReplied(None)), ("no better", lie())] {
        let mut turn = asked("where is ORD000001");
        assert_eq!(turn.handle(lie()), asks, "{name}");
        assert_eq!(turn.handle(second), unconfirmed, "{name}");
        assert_eq!(turn.unsupported(), Some(&Unsupported::RefundClaim), "{name}");
        assert_eq!(turn.into_conversation().failures, 1, "{name}");
    }
    let mut turn = asked("where is ORD000001");
    turn.handle(lie());
    for _ in 0..MAX_ROUNDS {
        let called = turn.handle(Event::ModelReplied(Some(calls(&[(ORDER, json!({"order_id": "ORD000001"}))]))));
        let [Effect::CallTool(call)] = called.as_slice() else { panic!("{called:?}") };
        let failed = ToolResult { value: json!({"status": "error"}), outcome: Outcome::Failed };
        assert_eq!(turn.handle(Event::ToolDone(call.clone(), Box::new(failed))), asks, "the playbook keeps the turn");
    }
    let notes = Some(crate::llm::Notes { waiting_for: WaitingFor::OrderId, failed: true, ..Default::default() });
    let reply = ChatReply { author: Author::Program, notes, ..text("Which order is it?") };
    assert_eq!(turn.handle(Event::ModelReplied(Some(reply))), [Effect::Reply("Which order is it?".to_owned())]);
    assert_eq!(turn.unsupported(), Some(&Unsupported::RefundClaim), "the hold counts all the same");
    let conversation = turn.into_conversation();
    assert_eq!((conversation.waiting_for, conversation.failures), (WaitingFor::OrderId, 1));
}

#[test]
fn a_playbook_in_circles_ends_in_a_hand_over() {
    let mut turn = asked("where is ORD000001");
    turn.handle(Event::ModelReplied(Some(text("Your refund has been sent!"))));
    for round in 0..=MAX_ROUNDS {
        let called = turn.handle(Event::ModelReplied(Some(calls(&[(ORDER, json!({"order_id": "ORD000001"}))]))));
        let [Effect::CallTool(call)] = called.as_slice() else { panic!("{called:?}") };
        assert_eq!(call.name == HUMAN, round == MAX_ROUNDS);
        let failed = ToolResult { value: json!({"status": "error"}), outcome: Outcome::Failed };
        turn.handle(Event::ToolDone(call.clone(), Box::new(failed)));
    }
}

fn any_event() -> impl Strategy<Value = Event> {
    let call = |name: &str| ToolCall { id: "c".into(), name: name.into(), arguments: json!({}) };
    prop_oneof![
        Just(Event::Start),
        Just(Event::Triaged(None)),
        Just(Event::ModelReplied(None)),
        "[a-z₹0-9 ]{0,40}".prop_map(|said| Event::ModelReplied(Some(ChatReply { text: said, ..ChatReply::default() }))),
        (1..4_usize).prop_map(move |count| Event::ModelReplied(Some(ChatReply {
            calls: vec![call(ORDER); count],
            ..ChatReply::default()
        }))),
        Just(Event::ToolDone(
            ToolCall { id: "c".into(), name: ORDER.into(), arguments: json!({}) },
            Box::new(ToolResult { value: json!({"error": "x"}), outcome: Outcome::Failed }),
        )),
    ]
}

proptest! {
    #[test]
    fn events_in_any_order_never_panic_nor_promise(events in proptest::collection::vec(any_event(), 0..30)) {
        let settings = Settings { patterns: IdPatterns::default(), money: crate::domain::currency::ShopMoney::default(), gap: SignedDuration::from_hours(24), remind: SignedDuration::from_hours(4), hours: OpeningHours::default(), shop_texts: ShopTexts::default(), needs_photo: Vec::new() };
        let incoming = Incoming::typed("hello ORD000001");
        let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
        let mut turn = Turn::new(settings, Conversation::new(UserId::new("a")), &incoming, now);
        let mut handed_to_the_playbook = false;
        for event in events {
            for effect in turn.handle(event) {
                if let Effect::AskModel(answerer) = effect {
                    prop_assert!(!handed_to_the_playbook || answerer == Answerer::Playbook, "the model got the turn back");
                    handed_to_the_playbook = answerer == Answerer::Playbook;
                }
                if let Effect::Reply(reply) = effect {
                    prop_assert!(guard::amounts_in(&reply, &ShopMoney::default()).is_empty(), "{}", reply);
                }
            }
        }
        let conversation = turn.into_conversation();
        prop_assert!(conversation.offered.is_empty());
        prop_assert_eq!(conversation.turn, 1);
    }
}

#[tokio::test]
async fn a_yes_in_every_language_agrees_to_what_the_playbook_offered() {
    for (language, wish, yes) in [
        ("en", "I want my money back for ORD000003", "yes"),
        ("hi-Latn", "mujhe refund chahiye ORD000003", "haan"),
        ("hi", "मुझे ORD000003 का रिफंड चाहिए", "हाँ"),
        ("es", "quiero un reembolso del pedido ORD000003", "sí"),
        ("pt", "quero reembolso do pedido ORD000003", "sim"),
        ("ar", "أريد استرداد المبلغ للطلب ORD000003", "نعم"),
    ] {
        let shop = Shop::open().await;
        let mut chat = shop.chat("a");
        let offered = chat.turn(wish).await;
        assert_eq!(offered.conversation.waiting_for, WaitingFor::Consent, "{language}: {:?}", offered.reply);
        let paid = chat.turn(yes).await;
        assert_eq!(shop.store.refunds(9).await.unwrap().len(), 1, "{language}: {:?}", paid.reply);
    }
}

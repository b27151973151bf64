//! Whole conversations with the playbook, on the embedded store, with a clock that the test moves.

use jiff::SignedDuration;

use crate::domain::alert::{Priority, Resolution};
use crate::domain::conversation::{Mode, TriageCause};
use crate::domain::message::Role;
use crate::domain::money::Money;
use crate::store::ImportMode;
use crate::testing::{Shop, order};

fn holds(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "“{part}” is not in: {text}");
    }
}

async fn refunds(shop: &Shop) -> Vec<(String, Money)> {
    let refunds = shop.store.refunds(10).await.unwrap();
    refunds.into_iter().map(|refund| (refund.order_id.to_string(), refund.amount)).collect()
}

#[tokio::test]
async fn the_documented_refund() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("Hi, I want a refund for my order").await, &["order id"]);
    holds(&chat.say("ORD000003").await, &["₹599", "ORD000003", "yes"]);
    let report = chat.turn("yes").await;
    assert_eq!(report.cause, TriageCause::Cached);
    holds(&report.reply.unwrap(), &["₹599", "RFND_", "_ORD000003", "3-5 business days"]);
    assert_eq!(refunds(&shop).await, [("ORD000003".to_owned(), Money::from_rupees(599))]);
    holds(&chat.say("I want a refund for ORD000003").await, &["already been refunded", "RFND_"]);
    assert_eq!(refunds(&shop).await.len(), 1);
}

#[tokio::test]
async fn a_status_comes_from_the_order() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("where is my order ord000001").await, &["ORD000001", "₹100", "25 minutes", "on time"]);
}

#[tokio::test]
async fn an_order_id_is_asked_for_once() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("where is my order").await, &["send me your order id"]);
    holds(&chat.say("I dont have it").await, &["member of our team", "yes / no"]);
    let report = chat.turn("yes please").await;
    holds(report.reply.as_deref().unwrap(), &["asked a member of our team"]);
    assert!(matches!(report.conversation.mode, Mode::HandedOver { .. }));
    assert_eq!(chat.turn("hello??").await.reply, None);
    assert_eq!(shop.store.alerts(10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_no_pays_nothing_and_a_change_of_mind_asks_again() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("two items were missing in ORD000003").await, &["sorry", "replacement", "person"]);
    holds(&chat.say("no leave it").await, &["nothing changes"]);
    holds(&chat.say("refund ORD000003").await, &["₹599", "yes or no"]);
    holds(&chat.say("no leave it").await, &["not refunded anything"]);
    // A yes after the offer was declined is no consent.
    chat.say("yes").await;
    assert!(refunds(&shop).await.is_empty());
    holds(&chat.say("I want the refund after all").await, &["₹599", "yes or no"]);
    holds(&chat.say("go ahead").await, &["RFND_"]);
    assert_eq!(refunds(&shop).await.len(), 1);
}

#[tokio::test]
async fn a_question_in_between_is_answered_and_the_offer_made_again() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000003").await;
    holds(&chat.say("how long does the refund take?").await, &["3-5 business days", "₹599", "yes or no"]);
    holds(&chat.say("and how long?").await, &["3-5 business days", "₹599", "yes or no"]);
    holds(&chat.say("ok yes").await, &["RFND_"]);
}

#[tokio::test]
async fn an_unclear_answer_is_never_a_yes_and_ends_with_a_person() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000003").await;
    holds(&chat.say("hmm").await, &["sure", "yes or no"]);
    holds(&chat.say("hmmm").await, &["yes or no"]);
    holds(&chat.say("hmmmm").await, &["member of our team"]);
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn two_orders_in_one_message_and_only_one_yes() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("refund ORD000004 and ORD000005 please").await, &["₹400", "₹500", "both"]);
    holds(&chat.say("yes ORD000005").await, &["₹500", "RFND_"]);
    assert_eq!(refunds(&shop).await, [("ORD000005".to_owned(), Money::from_rupees(500))]);
}

#[tokio::test]
async fn yes_for_both_pays_both() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000004 and ORD000005 please").await;
    chat.say("yes both").await;
    assert_eq!(refunds(&shop).await.len(), 2);
}

#[tokio::test]
async fn a_second_order_in_the_same_chat() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000004").await;
    holds(&chat.say("yes").await, &["₹400"]);
    holds(&chat.say("refund for another order too").await, &["order id"]);
    holds(&chat.say("ORD000005").await, &["₹500"]);
    holds(&chat.say("yes").await, &["₹500", "RFND_"]);
    assert_eq!(refunds(&shop).await.len(), 2);
}

#[tokio::test]
async fn a_yes_that_names_another_order_pays_neither() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000004").await;
    holds(&chat.say("yes ORD000005").await, &["₹500", "ORD000005"]);
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn a_refusal_is_explained_and_a_person_offered() {
    let shop = Shop::with(|config| config.refund.preset = crate::config::Preset::Grocery).await;
    let mut chat = shop.chat("a");
    holds(&chat.say("refund ORD000003").await, &["Beverages orders cannot be refunded", "member of our team"]);
    holds(&chat.say("no").await, &["anything else"]);
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn a_fee_is_shown_with_the_offer() {
    let shop = Shop::with(|config| config.refund.preset = crate::config::Preset::Grocery).await;
    let mut import = shop.store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(vec![order(10, "Personal Care", 599)]).await.unwrap();
    import.commit().await.unwrap();
    let mut chat = shop.chat("a");
    holds(&chat.say("refund ORD000010").await, &["₹569.05", "₹599", "₹29.95"]);
    chat.say("yes").await;
    assert_eq!(refunds(&shop).await, [("ORD000010".to_owned(), Money::from_minor_units(56_905))]);
}

#[tokio::test]
async fn above_the_limit_a_person_decides() {
    let shop = Shop::with(|config| config.refund.max_automatic = Some(serde_json::json!("500"))).await;
    let mut chat = shop.chat("a");
    holds(&chat.say("refund ORD000003").await, &["₹500", "asked a member of our team"]);
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn a_person_means_a_person() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("let me talk to a manager").await, &["asked a member of our team"]);
    assert_eq!(chat.turn("no, the manager please").await.reply, None);
    // Another wish is told to the person; nothing is offered meanwhile.
    holds(&chat.say("ORD000003 refund").await, &["asked a member of our team"]);
    assert_eq!(chat.turn("yes").await.reply, None);
    assert!(refunds(&shop).await.is_empty());
    let said = shop.store.recent_messages(&chat.user, 10).await.unwrap();
    assert_eq!(said.len(), 6, "what is written while a person answers is kept");
}

#[tokio::test]
async fn very_negative_and_complex_goes_to_a_person_at_once() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(
        &chat.say("I am furious! third time the milk is spoiled and nobody helps").await,
        &["sorry", "member of our team"],
    );
    assert_eq!(shop.store.alerts(1).await.unwrap()[0].priority, Priority::High);
}

#[tokio::test]
async fn an_unknown_order_is_said_to_be_unknown_then_a_person_is_offered() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("where is ORD999999").await, &["can't find order ORD999999"]);
    holds(&chat.say("ORD999998").await, &["can't find order ORD999998", "yes / no"]);
}

#[tokio::test]
async fn a_strangers_order_looks_unknown() {
    let shop = Shop::open().await;
    shop.chat("owner").say("where is ORD000001").await;
    let mut stranger = shop.chat("stranger");
    let foreign = stranger.say("where is ORD000001").await;
    let unknown = shop.chat("third").say("where is ORD999999").await;
    assert_eq!(foreign.replace("ORD000001", "X"), unknown.replace("ORD999999", "X"));
}

#[tokio::test]
async fn strict_verification_asks_for_the_customer_id() {
    let shop = Shop::with(|config| config.orders.verification = crate::domain::caller::Verification::Strict).await;
    let mut chat = shop.chat("a");
    holds(&chat.say("where is ORD000001").await, &["customer id"]);
    holds(&chat.say("CUST0001").await, &["ORD000001", "25 minutes"]);
}

#[tokio::test]
async fn general_questions_are_answered_from_the_written_text_only() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("What are your business hours?").await, &["any hour"]);
    holds(&chat.say("do you think it will rain in Pune tomorrow evening").await, &["don't want to guess", "agent"]);
    holds(&chat.say("no").await, &["anything else"]);
}

#[tokio::test]
async fn small_talk_and_vague_messages() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("Hello").await, &["Hello!"]);
    holds(&chat.say("I have a problem").await, &["What is it about"]);
    holds(&chat.say("something is damaged").await, &["sorry", "order id"]);
    holds(&chat.say("ORD000004").await, &["replacement"]);
    holds(&chat.say("my money back please").await, &["₹400"]);
    holds(&chat.say("thanks").await, &["yes or no"]);
    holds(&chat.say("no").await, &["not refunded anything"]);
    holds(&chat.say("thanks").await, &["welcome"]);
}

#[tokio::test]
async fn what_only_a_person_does_goes_to_one_with_all_that_was_said() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("the payment of ORD000002 was charged twice").await, &["asked a member of our team"]);
    holds(&shop.store.alerts(1).await.unwrap()[0].reason, &["wrong charge", "ORD000002"]);
    let mut chat = shop.chat("b");
    holds(&chat.say("please change my delivery address").await, &["order id"]);
    holds(&chat.say("ORD000004").await, &["whole new address"]);
}

#[tokio::test]
async fn triage_is_cached_and_survives_a_restart() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    assert_eq!(chat.turn("I want a refund").await.cause, TriageCause::FirstMessage);
    // Another worker over the same store is what a restart is.
    let mut again = shop.chat("a");
    again.now = chat.now;
    let report = again.turn("ORD000003").await;
    assert_eq!(report.cause, TriageCause::Cached);
    assert_eq!(report.triage.unwrap().intent, "request_refund");
    // The team's figures count what customers wanted by what is kept with their messages.
    let kept = shop.store.recent_messages(&crate::domain::ids::UserId::new("a"), 9).await.unwrap();
    assert!(kept.len() == 4 && kept.iter().all(|message| message.intent.as_deref() == Some("request_refund")));
    // What the labels rest on is kept too: the first was read, of the second an earlier reading was used again.
    let said: Vec<_> = kept.iter().filter(|message| message.role == Role::User).map(|message| message.basis).collect();
    assert_eq!((said[0].reused, said[1].reused), (Some(false), Some(true)));
    assert!(said[0].intent_confidence.is_some_and(|sure| sure > 0.0) && said[1].intent_confidence.is_none());
    assert!(kept.iter().all(|message| message.basis.degraded.is_none()), "there is no language model");
    again.wait(SignedDuration::from_hours(23));
    assert_eq!(again.turn("yes").await.cause, TriageCause::Cached);
    again.wait(SignedDuration::from_hours(24));
    assert_eq!(again.turn("yes").await.cause, TriageCause::Gap);
}

#[tokio::test]
async fn an_offer_does_not_outlive_its_time_nor_a_long_gap() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000003").await;
    chat.wait(SignedDuration::from_mins(31));
    holds(&chat.say("yes").await, &["no longer open", "₹599", "yes or no"]);
    assert!(refunds(&shop).await.is_empty());
    chat.wait(SignedDuration::from_hours(25));
    chat.say("yes").await;
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn odd_messages_are_answered() {
    let shop = Shop::open().await;
    for (number, text) in [
        "👍",
        "😡😡😡",
        "",
        "   ",
        "\u{200d}\u{200d}",
        &"a ".repeat(50_000),
        "ORD000003 ORD000004 ORD000005 ORD000006 ORD000007",
    ]
    .into_iter()
    .enumerate()
    {
        let mut chat = shop.chat(&format!("customer-{number}"));
        assert!(!chat.say(text).await.is_empty(), "{}", crate::domain::words::excerpt(text, 20));
    }
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn a_reply_that_was_overtaken_is_dropped() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("hello").await;
    let mut conversation = shop.store.conversation(&chat.user).await.unwrap().unwrap();
    let stale = conversation.clone();
    conversation.failures = 1;
    assert!(shop.store.save_conversation(&conversation).await.unwrap());
    assert!(!shop.store.save_conversation(&stale).await.unwrap());
}

#[tokio::test]
async fn a_settled_alert_gives_the_conversation_back_to_the_bot() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("get me a person").await;
    assert_eq!(chat.turn("hello?").await.reply, None);
    let alert = shop.store.alerts(1).await.unwrap().remove(0);
    assert!(
        shop.store.resolve_alert(&alert.id, &Resolution { at: chat.now, by: None, note: String::new() }).await.unwrap()
    );
    holds(&chat.say("where is ORD000001").await, &["ORD000001", "25 minutes"]);
}

#[tokio::test]
async fn an_alert_of_the_team_silences_the_bot() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("hello").await;
    let context = crate::support::Context {
        caller: crate::domain::caller::Caller::Operator { name: "team".into() },
        now: shop.now,
    };
    let arguments = serde_json::json!({"user_id": "a", "reason": "I take this one"});
    shop.toolbox().call(&context, crate::tools::HUMAN, arguments).await;
    assert_eq!(chat.turn("where is ORD000001").await.reply, None);
}

#[tokio::test]
async fn order_ids_are_understood_as_people_write_them() {
    for id in ["ord 000003", "ORD-000003", "order no 000003", "000003", "#000003"] {
        // A shop of its own: orders are not forgotten.
        let shop = Shop::open().await;
        let shop_chat = &mut shop.chat("a");
        holds(&shop_chat.say("where is my order").await, &["order id"]);
        holds(&shop_chat.say(id).await, &["ORD000003", "25 minutes"]);
    }
}

#[tokio::test]
async fn a_refusal_to_be_refunded_is_respected() {
    let shop = Shop::open().await;
    for (index, text) in ["please do NOT refund ORD000003", "I don't want a refund for ORD000003, I want a replacement"]
        .into_iter()
        .enumerate()
    {
        let mut chat = shop.chat(["a", "b"][index]);
        let reply = chat.say(text).await;
        assert!(!reply.contains("I can refund"), "{reply}");
        holds(&reply, &["member of our team"]);
        assert!(chat.turn("yes").await.calls.iter().all(|call| call.tool != crate::tools::REFUND));
    }
    assert!(refunds(&shop).await.is_empty());
}

#[tokio::test]
async fn a_status_question_beside_a_refund_is_no_refund_request() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    let reply = chat.say("where is ORD000005 and refund ORD000003").await;
    holds(&reply, &["ORD000005 (Dairy", "refund ₹599 for order ORD000003"]);
    chat.say("yes").await;
    assert_eq!(refunds(&shop).await, [("ORD000003".to_owned(), Money::from_rupees(599))]);
}

#[tokio::test]
async fn a_narrowed_wish_narrows_the_offer() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000006 and ORD000007").await;
    let reply = chat.say("I only want ORD000007").await;
    assert!(!reply.contains("ORD000006"), "{reply}");
    chat.say("yes").await;
    assert_eq!(refunds(&shop).await, [("ORD000007".to_owned(), Money::from_rupees(700))]);
}

#[tokio::test]
async fn where_is_my_refund_says_what_is_on_record() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("where is my refund for ORD000003").await, &["no refund on record", "₹599"]);
    chat.say("yes").await;
    holds(&chat.say("where is my refund for ORD000003").await, &["was refunded", "₹599", "RFND_"]);
    holds(&chat.say("status of ORD000003").await, &["25 minutes", "was refunded", "RFND_"]);
}

#[tokio::test]
async fn delivered_but_never_received_offers_what_can_be_done() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(
        &chat.say("ORD000001 was not delivered").await,
        &["sorry", "25 minutes", "never reached you", "a person can look into it"],
    );
}

#[tokio::test]
async fn a_grave_matter_goes_to_a_person_however_it_is_said() {
    let shop = Shop::open().await;
    for (index, text) in
        ["found a glass piece in my food ORD000002", "the delivery boy touched me inappropriately"].iter().enumerate()
    {
        holds(&shop.chat(["a", "b"][index]).say(text).await, &["asked a member of our team"]);
    }
    assert!(shop.store.alerts(5).await.unwrap().iter().all(|alert| alert.priority == Priority::High));
}

#[tokio::test]
async fn the_same_question_over_and_over_ends_with_a_person() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    for _ in 0..3 {
        assert!(chat.turn("where is it").await.reply.is_some());
    }
    holds(&chat.say("where is it").await, &["member of our team"]);
    assert_eq!(shop.store.alerts(5).await.unwrap().len(), 1);
}

#[tokio::test]
async fn asking_for_the_refund_again_is_no_yes_and_no_reply_comes_three_times() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    for _ in 0..3 {
        holds(&chat.say("I want a refund for ORD000003").await, &["₹599", "yes or no"]);
    }
    assert!(refunds(&shop).await.is_empty());
    chat.say("yes").await;
    assert_eq!(refunds(&shop).await.len(), 1);
    let mut chat = shop.chat("b");
    for _ in 0..3 {
        holds(&chat.say("I want a refund for ORD000004").await, &["₹400", "yes or no"]);
    }
    holds(&chat.say("I want a refund for ORD000004").await, &["asked a member of our team"]);
}

#[tokio::test]
async fn a_yes_with_another_order_pays_the_one_and_offers_the_other() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000003").await;
    holds(&chat.say("yes ORD000003 ORD000004").await, &["₹599", "RFND_", "₹400", "yes or no"]);
    assert_eq!(refunds(&shop).await.len(), 1);
}

#[tokio::test]
async fn orders_are_known_a_day_later_and_questions_are_not_open_any_more() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    chat.say("refund ORD000003").await;
    chat.wait(SignedDuration::from_hours(26));
    chat.say("yes").await;
    assert!(refunds(&shop).await.is_empty());
    holds(&chat.say("where is my order").await, &["ORD000003", "25 minutes"]);
}

#[tokio::test]
async fn who_waits_for_a_person_is_not_left_alone() {
    let shop = Shop::open().await;
    let mut chat = shop.chat("a");
    holds(&chat.say("let me talk to a manager").await, &["asked a member of our team"]);
    chat.wait(SignedDuration::from_hours(3));
    assert_eq!(chat.turn("hello?").await.reply, None);
    chat.wait(SignedDuration::from_hours(1));
    holds(&chat.say("hello? nobody replied to me yet").await, &["nobody has replied", "with our team"]);
    let alerts = shop.store.alerts(5).await.unwrap();
    assert_eq!((alerts.len(), alerts[0].priority), (1, Priority::High));
    assert_eq!(chat.turn("hello?").await.reply, None, "said once in so many hours");
    // Whoever has taken the matter up is not talked over.
    chat.wait(SignedDuration::from_hours(9));
    shop.store.assign_alert(&alerts[0].id, None, Some("ann"), chat.now).await.unwrap();
    assert_eq!(chat.turn("hello?").await.reply, None);
}

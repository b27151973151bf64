//! What is told of orders and money: what the results say, by where the order is and how far the money is.

use serde_json::json;

use super::desk::{BAG, Desk, delivered, order, proposal, quote};
use crate::domain::conversation::WaitingFor;
use crate::domain::ownership::Proof;

#[test]
fn a_late_order_is_told_of_by_where_it_is() {
    for (state, says, never) in [
        ("delayed", "say “cancel”", "came later"),
        ("packed", "say “cancel”", "came later"),
        ("out for delivery", "say “agent”", "say “cancel”"),
        ("cancelled", "it was cancelled", "say “cancel”"),
        ("returned", "it was returned", "say “cancel”"),
    ] {
        let mut desk = Desk::new(vec![("query_order_database", vec![order("ORD000001", state, BAG)])]);
        let reply = desk.say("ORD000001 is late", "late");
        assert!(reply.contains(says) && !reply.contains(never), "{state}: {reply}");
        let ended = ["cancelled", "returned"].contains(&state);
        assert_eq!(reply.contains("is taking longer"), !ended, "{state}: {reply}");
    }
}

#[test]
fn what_came_late_has_come_and_nobody_wished_for_money() {
    for (text, topic) in [
        ("ORD000001 came late", "late"),
        ("ORD000001 was delivered late", "not_received"),
        ("order ORD000001 der se aaya", "late"),
        ("el pedido ORD000001 llegó tarde", "late"),
        ("o pedido ORD000001 chegou atrasado", "not_received"),
        ("وصل الطلب ORD000001 متأخرا", "late"),
        ("ऑर्डर ORD000001 देर से आया", "late"),
    ] {
        let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
        let reply = desk.say(text, topic);
        assert!(reply.contains("came later than it should") && reply.contains("delivered"), "{text}: {reply}");
        assert!(!reply.contains("never reached") && !reply.contains("taking longer"), "{text}: {reply}");
        assert_eq!(desk.called("check_refund_eligibility"), None, "{text}");
    }
    for (text, topic) in [
        ("ORD000001 is so late", "late"),
        ("ORD000001 is late, not delivered yet", "late"),
        ("my delivery ORD000001 is late", "late"),
        ("ORD000001 says delivered, nothing came", "not_received"),
    ] {
        let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
        let reply = desk.say(text, topic);
        assert!(reply.contains("If it never reached you"), "{text}: {reply}");
    }
}

#[test]
fn a_wish_for_money_is_no_refusal_of_it() {
    for (text, topic) in [
        ("the butter of ORD000001 doesn't work i want refund", "damaged_item"),
        ("ORD000001 butter kaam nahi kar raha refund chahiye", "refund_request"),
        ("la mantequilla de ORD000001 no sirve y quiero mi dinero", "refund_request"),
        ("a manteiga do ORD000001 não presta e quero meu dinheiro", "refund_request"),
        ("الزبدة في ORD000001 لا تعمل وأريد استرداد المبلغ", "refund_request"),
    ] {
        let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(60)])]);
        let reply = desk.say(text, topic);
        assert!(desk.called("check_refund_eligibility").is_some(), "{text}: {reply}");
        assert_eq!(desk.conversation.waiting_for, WaitingFor::Consent, "{text}: {reply}");
    }
}

#[test]
fn who_wants_no_money_is_offered_what_else_there_is() {
    let tools = || vec![delivered(), ("return_order", vec![proposal("I can send Butter again.")])];
    let mut desk = Desk::new(tools());
    desk.say("butter in ORD000001 was spoiled, no refund, I want fresh butter", "damaged_item");
    assert_eq!(desk.called("return_order").unwrap()["resolution"], "replacement");
    let mut desk = Desk::new(tools());
    let reply = desk.say("the butter of ORD000001 was sour, no refund please", "damaged_item");
    assert!(reply.contains("replacement") && !reply.contains("money"), "{reply}");
    desk.say("send it again", "answer");
    assert_eq!(desk.called("return_order").unwrap()["resolution"], "replacement");
    // Telling of it is not “only telling”.
    let mut desk = Desk::new(tools());
    let reply = desk.say("ORD000001 butter kharab tha, main bata raha hoon", "damaged_item");
    assert!(!reply.contains("thank you for telling"), "{reply}");
}

#[test]
fn where_a_person_decides_one_is_asked_for() {
    let orders =
        || ("query_order_database", vec![order("ORD000001", "delivered", BAG), order("ORD000002", "delivered", BAG)]);
    let dear = || json!({"eligible": false, "reason": "a person decides.", "needs_person": true});
    let mut desk = Desk::new(vec![orders(), ("check_refund_eligibility", vec![dear()])]);
    let reply = desk.say("refund ORD000001 and ORD000002", "refund_request");
    assert!(reply.contains("ORD000001 myself: a person decides.") && reply.contains("ORD000002"), "{reply}");
    assert_eq!(desk.asked_for_person(), Some("medium"));
    // Beside an offer it is asked for once that is answered.
    for answer in ["yes", "no"] {
        let mut desk = Desk::new(vec![
            orders(),
            ("check_refund_eligibility", vec![quote(60), dear()]),
            ("process_refund", vec![json!({"status": "success", "amount_refunded": 60, "transaction_id": "RFND_1"})]),
        ]);
        let reply = desk.say("refund ORD000001 and ORD000002", "refund_request");
        assert!(reply.contains("₹60") && reply.contains("a person decides."), "{reply}");
        assert_eq!((desk.conversation.waiting_for, desk.asked_for_person()), (WaitingFor::Consent, None));
        let reply = desk.say(answer, "");
        assert_eq!(desk.asked_for_person(), Some("medium"), "{reply}");
        assert_eq!(reply.contains("RFND_1"), answer == "yes", "{reply}");
    }
}

#[test]
fn what_was_paid_is_told_also_where_the_next_call_fails() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "delivered", BAG), order("ORD000002", "delivered", BAG)]),
        ("check_refund_eligibility", vec![quote(60)]),
        (
            "process_refund",
            vec![
                json!({"status": "success", "amount_refunded": 60, "transaction_id": "RFND_1"}),
                json!({"status": "error"}),
            ],
        ),
    ]);
    desk.say("refund ORD000001 and ORD000002", "refund_request");
    let reply = desk.say("yes", "");
    assert!(reply.contains("RFND_1") && desk.asked_for_person() == Some("high"), "{reply}");
    let paid = json!({"status": "success", "amount_refunded": 60, "transaction_id": "RFND_1"});
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "delivered", BAG)]),
        ("check_refund_eligibility", vec![quote(60), json!({"status": "error", "error": "it failed"})]),
        ("process_refund", vec![paid]),
    ]);
    desk.say("refund ORD000001", "refund_request");
    let reply = desk.say("yes ORD000001 and ORD000002", "");
    assert!(reply.contains("RFND_1") && reply.contains("records"), "{reply}");
}

#[test]
fn how_far_the_money_of_a_cancellation_or_a_return_is_is_told() {
    let jacket: &[(&str, u64)] = &[("Rain Jacket L", 1)];
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "delivered", jacket)]),
        (
            "return_order",
            vec![proposal("I can take it back."), json!({"status": "success", "amount": 500, "currency": "INR"})],
        ),
    ]);
    desk.say("want to return the jacket ORD000001, money back", "return");
    let reply = desk.say("yes", "");
    assert!(reply.contains("return for order ORD000001") && reply.contains("₹500 back once"), "{reply}");
    for (state, says) in [
        ("paid", "goes back"),
        ("requested", "it is not paid yet"),
        ("submitted", "has not confirmed yet"),
        ("failed", "could not be paid"),
    ] {
        let done = json!({"status": "success", "amount_refunded": 500, "transaction_id": "RFND_2", "state": state});
        let mut desk = Desk::new(vec![
            ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
            ("cancel_order", vec![proposal("I can cancel order ORD000001 and refund ₹500."), done]),
        ]);
        desk.say("cancel ORD000001", "cancel");
        let reply = desk.say("yes", "");
        assert!(reply.contains("is cancelled") && reply.contains(says) && reply.contains("RFND_2"), "{state}: {reply}");
        assert!(state == "paid" || !reply.contains("goes back"), "{state}: {reply}");
    }
}

#[test]
fn a_refund_on_record_is_told_without_an_amount_that_is_not() {
    let mut record = order("ORD000001", "delivered", BAG);
    record["Payment Status"] = "refunded".into();
    let mut desk =
        Desk::new(vec![("query_order_database", vec![record]), ("refund_status", vec![json!({"state": "none"})])]);
    let reply = desk.say("where is my refund for ORD000001", "refund_status");
    assert!(reply.contains("order ORD000001 (₹500) has been refunded"), "{reply}");
}

#[test]
fn a_word_of_law_or_harm_is_weighed_against_what_the_model_reads() {
    for (confidence, person) in [(0.95, None), (0.5, Some("high"))] {
        let mut desk = Desk::new(vec![delivered()]);
        desk.urgency_confidence = confidence;
        desk.say("my lawyer friend asks where is ORD000001", "track");
        assert_eq!(desk.asked_for_person(), person, "{confidence}");
    }
    let mut desk = Desk::new(vec![delivered()]);
    desk.urgency_confidence = 0.5;
    desk.say("where is my razor ORD000001", "track");
    assert_eq!(desk.asked_for_person(), None, "goods are no harm");
}

#[test]
fn what_stands_on_no_page_is_quoted_from_none() {
    let built_in = json!({"title": "Hours", "text": "We answer at any hour.", "source": "built-in", "score": 0.9});
    let mut desk = Desk::new(vec![("search_knowledge", vec![json!({"answerable": true, "passages": [built_in]})])]);
    let reply = desk.say("what are your hours", "store_hours");
    assert!(reply.starts_with("We answer at any hour.") && !reply.contains("page"), "{reply}");
}

#[test]
fn the_proofs_of_two_orders_bring_the_offers_of_both() {
    let unknown = || json!({"error": "Order was not found."});
    let mut desk = Desk::new(vec![
        (
            "query_order_database",
            vec![unknown(), unknown(), order("ORD000006", "delivered", BAG), order("ORD000007", "delivered", BAG)],
        ),
        ("check_refund_eligibility", vec![quote(60), quote(70)]),
        ("process_refund", vec![json!({"status": "success", "amount_refunded": 60, "transaction_id": "RFND_1"})]),
    ]);
    desk.settings.proofs = vec![Proof::CustomerId];
    desk.say("Please refund ORD000006 and ORD000007, both came spoiled", "refund_request");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Proof);
    let reply = desk.say("CUST1542 and CUST1360", "");
    assert!(reply.contains("₹60") && reply.contains("₹70"), "{reply}");
    desk.say("yes", "");
    assert_eq!(desk.calls.iter().filter(|(name, _)| name == "process_refund").count(), 2);
}

#[test]
fn a_proof_offers_the_money_of_the_order_that_was_asked_for_only() {
    let unknown = || json!({"error": "Order was not found."});
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![unknown(), unknown(), order("ORD000007", "delivered", BAG)]),
        ("check_refund_eligibility", vec![quote(70)]),
    ]);
    desk.settings.proofs = vec![Proof::CustomerId];
    desk.say("where is ORD000006", "track");
    desk.say("refund ORD000007", "refund_request");
    desk.say("CUST1360", "");
    let quoted: Vec<&str> = desk
        .calls
        .iter()
        .filter(|(name, _)| name.starts_with("check"))
        .map(|(_, of)| of["order_id"].as_str().unwrap())
        .collect();
    assert_eq!(quoted, ["ORD000007"]);
}

#[test]
fn a_question_about_what_was_asked_for_leaves_the_wish_open() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![json!({"error": "Order was not found."}), order("ORD000007", "delivered", BAG)]),
        ("check_refund_eligibility", vec![quote(599)]),
    ]);
    desk.settings.proofs = vec![Proof::Amount];
    desk.say("I want my money back for ORD000007", "refund_request");
    desk.say("why do you need that?", "product_question");
    // The model takes the value of the order for a complaint of a charge.
    desk.say("it was 599", "wrong_charge");
    let quoted = desk.calls.iter().filter(|(name, _)| name == "check_refund_eligibility").count();
    assert_eq!(quoted, 1, "{:?}", desk.calls);
}

#[test]
fn of_what_is_over_the_money_is_told() {
    for (text, topic) in
        [("I sent ORD000001 back, take it back", "return"), ("ORD000001 was charged for nothing", "wrong_charge")]
    {
        let tools = vec![
            ("query_order_database", vec![order("ORD000001", "returned", BAG)]),
            ("refund_status", vec![json!({"state": "paid", "amount": 60})]),
        ];
        let mut desk = Desk::new(tools);
        desk.say(text, topic);
        assert!(desk.called("refund_status").is_some(), "{text}");
        assert_eq!((desk.called("return_order"), desk.asked_for_person()), (None, None), "{text}");
    }
}

#[test]
fn who_goes_on_telling_what_is_wrong_has_not_chosen_yet() {
    let mut desk = Desk::new(vec![delivered(), ("request_human_intervention", vec![json!({"status": "success"})])]);
    desk.say("butter of ORD000001 came open", "damaged_item");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Details);
    desk.say("the rest is fine", "answer");
    assert_eq!((desk.conversation.waiting_for, desk.asked_for_person()), (WaitingFor::Details, None));
    desk.say("the rest is fine, as I said", "answer");
    assert!(desk.asked_for_person().is_some(), "once more and a person is asked in");
}

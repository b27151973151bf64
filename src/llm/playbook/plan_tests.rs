//! The rules of the playbook, against results of tools that are given by hand.

use serde_json::json;

use super::desk::{BAG, Desk, delivered, listed, order, proposal, quote};
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::OrderId;

#[test]
fn a_complaint_offers_what_there_is_and_no_money_by_itself() {
    let mut desk = Desk::new(vec![
        delivered(),
        ("check_refund_eligibility", vec![quote(60)]),
        ("process_refund", vec![json!({"status": "success", "amount_refunded": 60, "transaction_id": "RFND_1"})]),
    ]);
    let reply = desk.say("there was no butter in ORD000001", "missing_item");
    assert!(reply.contains("Butter 100 g") && reply.contains("replacement"), "{reply}");
    assert_eq!(desk.called("check_refund_eligibility"), None);
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Details);
    desk.say("just refund it", "refund_request");
    let items = json!([{"name": "Butter 100 g", "quantity": 1}]);
    assert_eq!(desk.called("check_refund_eligibility").unwrap()["items"], items);
    desk.say("yes", "");
    assert_eq!(desk.called("process_refund").unwrap()["items"], items);
}

#[test]
fn a_part_that_is_not_known_by_its_name_is_asked_for_before_money_is_offered() {
    for text in [
        "ORD000001: the gadget came broken, money back please",
        "ORD000001: one is broken, the rest is good, refund that",
    ] {
        let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
        let reply = desk.say(text, "refund_request");
        assert!(reply.contains("Butter 100 g") && reply.contains("Brown Bread"), "{reply}");
        assert_eq!(desk.called("check_refund_eligibility"), None, "{reply}");
    }
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
    desk.say("ORD000001: everything is broken, money back please", "refund_request");
    assert_eq!(desk.called("check_refund_eligibility").unwrap().get("items"), None);
}

#[test]
fn a_part_of_an_order_is_not_cancelled_with_the_whole() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
        ("cancel_order", vec![proposal("I can cancel order ORD000001.")]),
    ]);
    desk.say("cancel the milk of ORD000001, keep the bread", "cancel");
    assert!(desk.called("cancel_order").is_none() && desk.asked_for_person().is_some());
}

#[test]
fn what_is_kept_beside_a_narrower_wish_takes_nothing_back() {
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(60)])]);
    desk.say("full refund for ORD000001", "refund_request");
    desk.say("I'll keep the milk, refund only the bread", "partial_refund");
    let items = json!([{"name": "Brown Bread 400 g", "quantity": 1}]);
    assert_eq!(desk.called("check_refund_eligibility").unwrap()["items"], items);
}

#[test]
fn the_whole_order_is_meant_where_it_never_came() {
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
    desk.say("ORD000001 says delivered, nothing came", "not_received");
    let reply = desk.say("then I prefer to get back what I paid, my money", "partial_refund");
    assert!(reply.contains("₹500") && desk.conversation.waiting_for == WaitingFor::Consent, "{reply}");
}

#[test]
fn goods_that_go_back_for_their_money_are_a_return() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "delivered", &[("Yoga Mat", 1)])]),
        ("return_order", vec![proposal("I can have it taken back and ₹500 refunded.")]),
    ]);
    desk.say("mat wapas karna hai ORD000001, pasand nahi aaya. paisa wapas chahiye", "refund_request");
    assert_eq!(desk.called("return_order").unwrap()["resolution"], "refund");
    assert_eq!(desk.called("check_refund_eligibility"), None);
}

#[test]
fn what_is_too_old_to_come_back_is_said_at_once() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "delivered", &[("Yoga Mat", 1)])]),
        ("return_order", vec![json!({"status": "refused", "code": "window_passed", "reason": "too late"})]),
    ]);
    let reply = desk.say("I want to return the mat of ORD000001", "return");
    assert!(!reply.contains("What would you like") && desk.conversation.waiting_for == WaitingFor::Nothing, "{reply}");
}

#[test]
fn what_is_to_be_sent_instead_of_money_is_the_same_again() {
    for text in ["please send the butter", "I would rather have the butter sent than the money", "butter bhej do"] {
        let mut desk = Desk::new(vec![
            delivered(),
            ("check_refund_eligibility", vec![quote(60)]),
            ("return_order", vec![proposal("I can send Butter again.")]),
        ]);
        desk.say("there was no butter in ORD000001", "missing_item");
        desk.say(text, "refund_request");
        assert_eq!(desk.called("return_order").unwrap()["resolution"], "replacement", "{text}");
    }
    // Of what was delivered, “another one” is the same again; of what was not, no tool changes the articles.
    for (state, replaced) in [("delivered", true), ("placed", false)] {
        let mut desk = Desk::new(vec![
            ("query_order_database", vec![order("ORD000001", state, &[("Fitness Band", 1)])]),
            ("return_order", vec![proposal("I can send it again.")]),
        ]);
        desk.say("please replace the band of ORD000001 by a working one", "item_change");
        assert_eq!(desk.called("return_order").is_some(), replaced, "{state}");
        assert_eq!(desk.asked_for_person().is_some(), !replaced, "{state}");
    }
}

#[test]
fn who_takes_a_wish_back_is_believed_whatever_the_reason_sounds_like() {
    for text in ["chhodo rehne do, ghar walon ne kha liya", "never mind, we ate it", "olvídalo, ya nos lo comimos"] {
        let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(60)])]);
        desk.say("refund the butter of ORD000001", "refund_request");
        let reply = desk.say(text, "item_change");
        assert!(desk.calls.is_empty() && desk.conversation.waiting_for == WaitingFor::Nothing, "{reply}");
    }
}

#[test]
fn another_order_that_is_asked_after_is_told_of_before_the_wish() {
    let both =
        json!({"orders": [listed("ORD000001", "delivered", "Desk Lamp"), listed("ORD000002", "packed", "Curtain")]});
    let mut desk = Desk::new(vec![
        (
            "query_order_database",
            vec![order("ORD000001", "delivered", &[("Desk Lamp", 1)]), order("ORD000002", "packed", &[("Curtain", 1)])],
        ),
        ("find_orders", vec![both]),
        ("check_refund_eligibility", vec![quote(500)]),
    ]);
    let reply = desk.say("where are my curtains, and the lamp ORD000001 has a hole, refund it", "refund_request");
    assert!(reply.contains("ORD000002") && reply.contains("₹500"), "{reply}");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Consent);
}

#[test]
fn the_state_of_an_order_is_told_beside_a_payment_that_failed() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "placed", &[("Desk Lamp", 1)])]),
        (
            "search_knowledge",
            vec![
                json!({"answerable": true, "passages": [{"title": "Payments", "text": "It comes back in 7 days.", "score": 1.0}]}),
            ],
        ),
    ]);
    let reply = desk.say("did ORD000001 go through? my card was declined at first", "failed_payment");
    assert!(reply.contains("ORD000001") && reply.contains("7 days"), "{reply}");
}

#[test]
fn a_face_alone_is_no_question_for_the_documents() {
    let mut desk = Desk::new(vec![]);
    let reply = desk.say("🙄", "product_question");
    assert!(desk.calls.is_empty() && reply.contains('?'), "{reply}");
}

#[test]
fn the_same_again_is_taken_from_the_choices() {
    let mut desk = Desk::new(vec![
        delivered(),
        ("return_order", vec![proposal("I can send Butter again."), json!({"status": "success"})]),
    ]);
    desk.say("the butter of ORD000001 is missing", "missing_item");
    let reply = desk.say("send it again please, i don't want money", "replacement");
    assert!(reply.contains("I can send Butter again.") && reply.contains("yes or no"), "{reply}");
    let wished = desk.called("return_order").unwrap().clone();
    assert_eq!(
        (wished["resolution"].as_str(), wished["items"][0]["name"].as_str()),
        (Some("replacement"), Some("Butter 100 g"))
    );
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Consent);
    let reply = desk.say("yes", "");
    assert!(reply.contains("replacement for order ORD000001"), "{reply}");
    assert_eq!(desk.called("return_order"), Some(&wished), "the same call with the same arguments");
}

#[test]
fn only_what_was_wished_is_refunded() {
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(60)])]);
    desk.say("bread is stale, milk and butter are fine, refund the bread in ORD000001", "refund_request");
    let items = json!([{"name": "Brown Bread 400 g", "quantity": 1}]);
    assert_eq!(desk.called("check_refund_eligibility").unwrap()["items"], items);
    // An offer that was too wide becomes narrower.
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(60)])]);
    desk.say("full refund for ORD000001", "refund_request");
    assert_eq!(desk.called("check_refund_eligibility").unwrap().get("items"), None);
    desk.say("no, only the bread", "partial_refund");
    assert_eq!(desk.called("check_refund_eligibility").unwrap()["items"], items);
}

#[test]
fn a_refused_refund_is_no_refund_wish_and_no_refusal_of_all_else() {
    let mut desk = Desk::new(vec![delivered()]);
    let reply =
        desk.say("cap of the milk in ORD000001 was cracked. no refund needed, just letting you know", "damaged_item");
    assert!(reply.contains("thank you for telling us"), "{reply}");
    assert!(desk.calls.is_empty());
}

#[test]
fn where_the_money_is_is_looked_up() {
    let paid = json!({"state": "paid", "amount": 500, "transaction_id": "RFND_9"});
    let cancelled = order("ORD000001", "cancelled", BAG);
    let mut desk = Desk::new(vec![("query_order_database", vec![cancelled.clone()]), ("refund_status", vec![paid])]);
    let reply = desk.say("no refund received for ORD000001", "refund_status");
    assert!(reply.contains("₹500") && reply.contains("RFND_9"), "{reply}");
    // Cancelled, paid, and nothing went back yet: that is offered.
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![cancelled]),
        ("refund_status", vec![json!({"state": "none"})]),
        ("check_refund_eligibility", vec![quote(500)]),
    ]);
    let reply = desk.say("where is my money for ORD000001", "refund_status");
    assert!(reply.contains("₹500") && desk.conversation.waiting_for == WaitingFor::Consent, "{reply}");
}

#[test]
fn an_order_is_cancelled_after_a_yes_and_money_for_one_that_has_not_left_is_its_cancellation() {
    for (text, topic) in [("cancel ORD000001", "cancel"), ("I want my money back for ORD000001", "refund_request")] {
        let mut desk = Desk::new(vec![
            ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
            (
                "cancel_order",
                vec![
                    proposal("I can cancel order ORD000001 and refund ₹500."),
                    json!({"status": "success", "amount_refunded": 500, "transaction_id": "RFND_2"}),
                ],
            ),
        ]);
        let reply = desk.say(text, topic);
        assert!(reply.contains("I can cancel order ORD000001"), "{reply}");
        assert_eq!(desk.called("check_refund_eligibility"), None);
        let reply = desk.say("yes", "");
        assert!(reply.contains("is cancelled") && reply.contains("RFND_2"), "{reply}");
    }
}

#[test]
fn what_is_no_longer_possible_is_said_with_what_is_and_insisting_brings_a_person() {
    let refused = json!({"status": "refused", "code": "out_for_delivery", "reason": "It is on its way."});
    let mut desk = Desk::new(vec![("cancel_order", vec![refused])]);
    let reply = desk.say("cancel ORD000001", "cancel");
    assert!(reply.contains("can no longer be") && reply.contains("agent"), "{reply}");
    assert!(!reply.contains("refuse") && !reply.contains("return it"), "nothing that the policy may refuse: {reply}");
    desk.say("i said cancel it", "cancel");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn a_proposal_never_traps() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
        ("cancel_order", vec![proposal("I can cancel order ORD000001.")]),
        ("change_order", vec![proposal("I can change the address.")]),
    ]);
    desk.say("cancel ORD000001", "cancel");
    let reply = desk.say("wait actually no. keep it coming", "undo_cancel");
    assert!(reply.contains("nothing changes"), "{reply}");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Nothing);
    desk.say("cancel ORD000001", "cancel");
    desk.say("hmm let me think about it", "answer");
    assert_eq!((desk.conversation.waiting_for, desk.calls.len()), (WaitingFor::Nothing, 0));
    // Another wish takes the place of the proposal.
    desk.say("change the address of ORD000001 to 9 Hill View, Pune 411045", "address_change");
    assert_eq!(desk.called("change_order").unwrap()["address"], "9 Hill View, Pune 411045");
    desk.say("sorry forget that, just cancel the whole thing", "cancel");
    assert!(desk.called("cancel_order").is_some(), "{:?}", desk.calls);
}

#[test]
fn a_missing_value_is_asked_for_once() {
    let tools = || {
        vec![
            ("query_order_database", vec![order("ORD000001", "placed", BAG)]),
            ("change_order", vec![proposal("I can change it.")]),
        ]
    };
    let mut desk = Desk::new(tools());
    let reply = desk.say("change the phone number for ORD000001", "contact_change");
    assert!(reply.contains("Which telephone number"), "{reply}");
    desk.say("9123400567", "answer");
    assert_eq!(desk.called("change_order").unwrap()["phone"], "9123400567");
    let mut desk = Desk::new(tools());
    desk.say("new address for ORD000001", "address_change");
    desk.say("umm", "answer");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn a_return_asks_what_for_and_an_exchange_says_for_what() {
    let boxes: &[(&str, u64)] = &[("Rain Jacket L", 1)];
    let tools = || {
        vec![
            ("query_order_database", vec![order("ORD000001", "delivered", boxes)]),
            ("return_order", vec![proposal("I can take it back.")]),
        ]
    };
    let mut desk = Desk::new(tools());
    let reply = desk.say("want to return the jacket ORD000001", "return");
    assert!(reply.contains("your money back"), "{reply}");
    desk.say("money back to my upi", "refund_request");
    assert_eq!(desk.called("return_order").unwrap()["resolution"], "refund");
    desk.say("hmm, can I exchange it for an XL instead?", "exchange");
    let wished = desk.called("return_order").unwrap();
    assert_eq!(wished["resolution"], "exchange");
    assert!(wished["details"].as_str().unwrap().contains("XL"));
}

#[test]
fn what_no_tool_does_goes_to_a_person_at_once() {
    for (text, topic) in [
        ("charged twice for ORD000001", "double_charge"),
        ("add one more milk to ORD000001", "item_change"),
        ("the rider shouted at me", "courier_conduct"),
    ] {
        let mut desk = Desk::new(Vec::new());
        desk.say(text, topic);
        assert_eq!(desk.asked_for_person(), Some("medium"), "{text}");
    }
    // A tool that is not there, or fails, is none that does it.
    let mut desk = Desk::new(Vec::new());
    desk.say("cancel ORD000001", "cancel");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn danger_comes_first_whatever_else_is_open() {
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
    desk.say("refund all of ORD000001", "refund_request");
    let reply = desk.say_urgently("yes. also my wife was taken to hospital after eating it", "damaged_item", "danger");
    assert!(reply.contains("emergency") && desk.asked_for_person() == Some("high"), "{reply}");
    assert_eq!(desk.called("process_refund"), None);
    let mut desk = Desk::new(Vec::new());
    let reply = desk.say_urgently("this chikki is killing me, so good", "praise", "normal");
    assert!(desk.calls.is_empty(), "{reply}");
    let mut desk = Desk::new(Vec::new());
    desk.say_urgently("see you in consumer court", "criticism", "serious");
    assert_eq!(desk.asked_for_person(), Some("high"));
}

#[test]
fn a_language_that_nothing_here_reads_goes_to_a_person() {
    let mut desk = Desk::new(Vec::new());
    desk.say("என் ஆர்டர் ORD000001 எங்கே இருக்கிறது?", "track");
    assert_eq!(desk.asked_for_person(), Some("medium"));
    desk.say("পনির খেয়ে আমার মা হাসপাতালে ভর্তি", "other");
    assert_eq!(desk.asked_for_person(), Some("high"));
}

#[test]
fn who_was_not_understood_twice_gets_a_person() {
    let mut desk = Desk::new(Vec::new());
    let reply = desk.say("the thing with the thing", "answer");
    assert!(reply.contains("What is it about"), "{reply}");
    desk.say("the other thing", "answer");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn no_reply_comes_three_times() {
    let mut desk = Desk::new(vec![delivered()]);
    for _ in 0..2 {
        desk.say("where is ORD000001", "track");
        assert_eq!(desk.asked_for_person(), None);
    }
    desk.say("where is ORD000001", "track");
    assert_eq!(desk.asked_for_person(), Some("medium"));
    let mut desk = Desk::new(Vec::new());
    let thanks: Vec<String> = (0..3).map(|_| desk.say("thanks", "")).collect();
    assert!(thanks[0] == thanks[1] && thanks[1] != thanks[2], "{thanks:?}");
    assert_eq!(desk.asked_for_person(), None);
}

#[test]
fn the_only_order_that_fits_is_taken_and_named_and_several_are_asked_about() {
    let own = |orders: Vec<serde_json::Value>| ("find_orders", vec![json!({"orders": orders})]);
    let mut desk = Desk::new(vec![
        own(vec![listed("ORD000001", "out for delivery", "Steel Bottle"), listed("ORD000002", "packed", "Lunch Box")]),
        ("query_order_database", vec![order("ORD000001", "out for delivery", &[("Steel Bottle", 1)])]),
        ("cancel_order", vec![proposal("I can cancel order ORD000002.")]),
    ]);
    let reply = desk.say("where is the order with the bottle", "track");
    assert!(reply.contains("ORD000001") && reply.contains("on its way"), "{reply}");
    assert_eq!(desk.conversation.order_ids, [OrderId::new("ORD000001")]);
    desk.say("and cancel the lunch box please", "cancel");
    assert_eq!(desk.called("cancel_order").unwrap()["order_id"], "ORD000002");
    let mut desk = Desk::new(vec![own(vec![
        listed("ORD000001", "placed", "Herbal Shampoo"),
        listed("ORD000002", "placed", "Herbal Shampoo"),
    ])]);
    let reply = desk.say("cancel the shampoo order please", "cancel");
    assert!(reply.contains("ORD000001") && reply.contains("ORD000002"), "{reply}");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::WhichOrder);
}

#[test]
fn an_invoice_is_linked_where_the_order_has_one() {
    let mut with_link = order("ORD000002", "delivered", &[("Lunch Box", 1)]);
    with_link["Invoice URL"] = json!("https://shop.example/i/2.pdf");
    let own = vec![json!({"orders": [
        listed("ORD000001", "delivered", "Steel Bottle"),
        listed("ORD000002", "delivered", "Lunch Box"),
    ]})];
    let passage =
        json!({"id": "1", "title": "Invoices", "text": "Invoices are on the page of the order.", "score": 0.9});
    let mut desk = Desk::new(vec![
        ("find_orders", own),
        ("query_order_database", vec![with_link, order("ORD000001", "delivered", &[("Steel Bottle", 1)])]),
        ("search_knowledge", vec![json!({"answerable": true, "passages": [passage]})]),
    ]);
    let reply = desk.say("i need the invoice of the lunch box", "invoice");
    assert!(reply.contains("ORD000002: https://shop.example/i/2.pdf"), "{reply}");
    let reply = desk.say("and the bill for ORD000001", "invoice");
    assert!(reply.contains("on the page of the order"), "{reply}");
}

#[test]
fn waiting_on_after_the_news_brings_a_person() {
    let mut desk = Desk::new(vec![("query_order_database", vec![order("ORD000001", "delayed", BAG)])]);
    let reply = desk.say("ORD000001 is late", "late");
    assert!(reply.contains("delayed") && reply.contains("agent"), "{reply}");
    desk.say("so what are you going to do about it", "criticism");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn a_question_is_answered_by_the_shops_own_words_or_not_at_all() {
    let passage = json!({"id": "1", "title": "Warranty", "text": "Mixers have 24 months.", "score": 0.9});
    let mut desk = Desk::new(vec![(
        "search_knowledge",
        vec![json!({"answerable": true, "passages": [passage]}), json!({"answerable": false, "passages": []})],
    )]);
    let reply = desk.say("how long is the warranty on the mixer", "policy_warranty");
    assert!(reply.contains("Warranty") && reply.contains("Mixers have 24 months."), "{reply}");
    let reply = desk.say("does the phone support esim", "product_question");
    assert!(reply.contains("I don't know that") && desk.asked_for_person().is_none(), "{reply}");
    desk.say("yes", "");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn delivered_and_not_there_is_a_choice_and_chasing_it_a_persons_work() {
    let tools = || vec![delivered(), ("check_refund_eligibility", vec![quote(500)])];
    let mut desk = Desk::new(tools());
    let reply = desk.say("ORD000001 says delivered, nothing came", "not_received");
    assert!(
        reply.contains("a person can look into it") && desk.conversation.waiting_for == WaitingFor::Details,
        "{reply}"
    );
    desk.say("ok then let me have the 500 back", "refund_request");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Consent);
    let mut desk = Desk::new(tools());
    desk.say("ORD000001 says delivered, nothing came", "not_received");
    desk.say("find out who has it", "not_received");
    assert_eq!(desk.asked_for_person(), Some("medium"));
    let dear = json!({"eligible": false, "reason": "too much", "needs_person": true});
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![dear])]);
    desk.say("ORD000001 says delivered, nothing came", "not_received");
    assert_eq!(desk.asked_for_person(), Some("high"));
}

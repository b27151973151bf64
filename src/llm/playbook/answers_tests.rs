//! Answers to what is open: a yes does what was proposed, and nothing else; what is asked in between leaves it open.

use serde_json::{Value, json};

use super::desk::{BAG, Desk, delivered, order, proposal, quote};
use crate::domain::conversation::{Offer, WaitingFor};
use crate::domain::currency::Amount;
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::order::Item;
use crate::domain::proposal::{ChangeField, Details, OrderChange, ProposalKind, Resolution};

fn offer(kind: ProposalKind, number: u32, details: Details) -> Offer {
    let order = OrderId::new(&format!("ORD{number:06}"));
    let resolution = details.resolution;
    Offer { kind, resolution, details, ..Offer::new(QuoteId::new("q1"), order, Amount::rupees(60)) }
}

/// A customer to whom a language model made these offers.
fn offered(offers: Vec<Offer>, results: Vec<(&'static str, Vec<Value>)>) -> Desk {
    let mut desk = Desk::new(results);
    desk.say("hello", "greeting");
    desk.conversation.waiting_for = WaitingFor::Consent;
    desk.conversation.pending = None;
    desk.conversation.offered = offers;
    desk
}

fn change() -> Details {
    let change = OrderChange { field: ChangeField::Address, value: "9 Hill View, Pune 411045".to_owned() };
    Details { change: Some(change), ..Details::default() }
}

fn part(resolution: Resolution) -> Details {
    let items = vec![Item { sku: None, name: "Butter 100 g".to_owned(), quantity: 1 }];
    Details { items, resolution: Some(resolution), ..Details::default() }
}

#[test]
fn a_yes_to_what_a_language_model_proposed_does_that_and_pays_nothing_else() {
    let items = json!([{"name": "Butter 100 g", "quantity": 1}]);
    for (kind, details, tool, arguments) in [
        (ProposalKind::Cancel, Details::default(), "cancel_order", json!({})),
        (ProposalKind::Change, change(), "change_order", json!({"address": "9 Hill View, Pune 411045"})),
        (
            ProposalKind::Return,
            part(Resolution::Replacement),
            "return_order",
            json!({"resolution": "replacement", "items": items}),
        ),
    ] {
        let done = || vec![(tool, vec![json!({"status": "success"})])];
        let mut desk = offered(vec![offer(kind, 1, details.clone())], done());
        let reply = desk.say("yes", "");
        assert!(reply.starts_with("Done:"), "{reply}");
        assert_eq!(desk.calls.len(), 1, "{:?}", desk.calls);
        let called = desk.called(tool).unwrap();
        assert_eq!(called["order_id"], "ORD000001");
        for (name, value) in arguments.as_object().unwrap() {
            assert_eq!(&called[name], value, "{called}");
        }
        let mut desk = offered(vec![offer(kind, 1, details)], done());
        let reply = desk.say("no", "");
        assert!(reply.contains("nothing changes") && desk.calls.is_empty(), "{reply}");
    }
    // What an earlier version offered is not known exactly: nothing is guessed.
    let mut desk = offered(vec![offer(ProposalKind::Change, 1, Details::default())], Vec::new());
    desk.say("yes", "");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

#[test]
fn a_yes_to_several_kinds_does_each_and_one_that_names_an_order_does_that() {
    let results = || {
        vec![
            ("cancel_order", vec![json!({"status": "success"})]),
            ("process_refund", vec![json!({"status": "success", "amount_refunded": 60, "transaction_id": "RFND_1"})]),
        ]
    };
    let offers =
        || vec![offer(ProposalKind::Cancel, 1, Details::default()), offer(ProposalKind::Refund, 2, Details::default())];
    let mut desk = offered(offers(), results());
    let reply = desk.say("yes", "");
    assert!(reply.contains("ORD000001 is cancelled") && reply.contains("RFND_1"), "{reply}");
    assert_eq!(desk.called("process_refund").unwrap()["order_id"], "ORD000002");
    let mut desk = offered(offers(), results());
    let reply = desk.say("yes ORD000002", "");
    assert!(!reply.contains("is cancelled") && reply.contains("RFND_1"), "{reply}");
    assert_eq!(desk.called("cancel_order"), None);
}

#[test]
fn the_words_of_the_button_are_a_yes() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
        ("cancel_order", vec![proposal("I can cancel order ORD000001."), json!({"status": "success"})]),
    ]);
    desk.say("cancel ORD000001", "cancel");
    let reply = desk.say("Yes, cancel it", "");
    assert!(reply.contains("is cancelled") && desk.asked_for_person().is_none(), "{reply}");
}

#[test]
fn a_value_is_no_withdrawal() {
    let tools = || {
        vec![
            ("query_order_database", vec![order("ORD000001", "placed", BAG)]),
            ("change_order", vec![proposal("I can change it.")]),
        ]
    };
    for (topic, field, value) in [
        ("delivery_instructions", "instructions", "leave it at the gate"),
        ("delivery_instructions", "instructions", "gate pe chhod do"),
        ("delivery_instructions", "instructions", "déjalo en la portería"),
        ("delivery_instructions", "instructions", "deixa na portaria"),
        ("delivery_instructions", "instructions", "اتركه عند الباب"),
        ("delivery_instructions", "instructions", "गेट पर छोड़ दो"),
        ("slot_change", "delivery_slot", "later, after 8"),
        ("slot_change", "delivery_slot", "wait, tomorrow evening"),
        ("slot_change", "delivery_slot", "baad mein, shaam 6 baje"),
        ("slot_change", "delivery_slot", "mais tarde, depois das 20 horas"),
        ("contact_change", "phone", "leave it, take 9123400567"),
    ] {
        let mut desk = Desk::new(tools());
        desk.say("please change it for ORD000001", topic);
        assert_eq!(desk.conversation.waiting_for, WaitingFor::Details, "{topic}");
        desk.say(value, "answer");
        let expected = if field == "phone" { "9123400567" } else { value };
        assert_eq!(desk.called("change_order").map(|called| &called[field]), Some(&json!(expected)), "{value}");
    }
    for (topic, answer, said) in [
        ("delivery_instructions", "never mind, leave it", "nothing changes"),
        ("slot_change", "leave it", "nothing changes"),
        ("slot_change", "later", "Take your time"),
        ("slot_change", "let me think about it", "Take your time"),
    ] {
        let mut desk = Desk::new(tools());
        desk.say("please change it for ORD000001", topic);
        let reply = desk.say(answer, "answer");
        assert!(reply.contains(said) && desk.calls.is_empty(), "{answer}: {reply}");
    }
}

#[test]
fn a_question_in_between_leaves_the_proposal_open() {
    let passage = json!({"title": "Refunds", "text": "Money takes 3 days.", "source": "refunds.md", "score": 0.9});
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
        ("search_knowledge", vec![json!({"answerable": true, "passages": [passage]})]),
        (
            "cancel_order",
            vec![
                proposal("I can cancel order ORD000001."),
                proposal("I can cancel order ORD000001."),
                json!({"status": "success"}),
            ],
        ),
    ]);
    desk.say("cancel ORD000001", "cancel");
    let reply = desk.say("how long does the money take?", "policy_returns");
    assert!(reply.contains("3 days") && reply.contains("I can cancel order ORD000001."), "{reply}");
    assert_eq!(desk.conversation.waiting_for, WaitingFor::Consent);
    let reply = desk.say("yes", "");
    assert!(reply.contains("is cancelled"), "{reply}");
}

#[test]
fn a_yes_after_time_to_think_brings_the_proposal_up_again() {
    for yes in ["yes", "ok", "haan"] {
        let mut desk = Desk::new(vec![
            ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
            ("cancel_order", vec![proposal("I can cancel order ORD000001.")]),
            ("change_order", vec![proposal("I can change the address.")]),
        ]);
        desk.say("cancel ORD000001", "cancel");
        desk.say("hmm let me think about it", "answer");
        let reply = desk.say(yes, "");
        assert!(reply.contains("I can cancel order ORD000001."), "{yes}: {reply}");
        assert_eq!(desk.conversation.waiting_for, WaitingFor::Consent);
        // The value that was wished is not asked for again.
        desk.say("change the address of ORD000001 to 9 Hill View, Pune 411045", "address_change");
        desk.say("wait a minute", "answer");
        desk.say(yes, "");
        assert_eq!(desk.called("change_order").unwrap()["address"], "9 Hill View, Pune 411045", "{yes}");
    }
    let mut desk = Desk::new(vec![delivered(), ("check_refund_eligibility", vec![quote(500)])]);
    desk.say("refund all of ORD000001", "refund_request");
    desk.say("let me think about it", "answer");
    let reply = desk.say("yes", "");
    assert!(reply.contains("₹500") && desk.conversation.waiting_for == WaitingFor::Consent, "{reply}");
    desk.say("let me think about it", "answer");
    let reply = desk.say("no", "");
    assert!(reply.contains("nothing changes"), "{reply}");
}

#[test]
fn an_answer_that_is_unclear_is_asked_about_once() {
    let mut desk = Desk::new(vec![
        ("query_order_database", vec![order("ORD000001", "packed", BAG)]),
        ("cancel_order", vec![proposal("I can cancel order ORD000001.")]),
    ]);
    desk.say("cancel ORD000001", "cancel");
    let reply = desk.say("blue grommets", "answer");
    assert!(reply.contains("I want to be sure") && reply.contains("I can cancel order"), "{reply}");
    assert_eq!((desk.conversation.waiting_for, desk.conversation.failures), (WaitingFor::Consent, 1));
    desk.say("grommets", "answer");
    assert_eq!(desk.asked_for_person(), Some("medium"));
}

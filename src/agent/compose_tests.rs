use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::agent::guard::ShopTexts;
use crate::domain::conversation::{Known, PaidRefund};
use crate::domain::ids::{IdPatterns, QuoteId};
use crate::domain::money::Money;
use crate::domain::refund::{Progress, RefundState, Route};

const TRANSACTION: &str = "RFND_20260101120000_ORD000003";

fn quote() -> Proposal {
    let at = Timestamp::UNIX_EPOCH;
    Proposal {
        id: QuoteId::new("q1"),
        order_id: OrderId::new("ORD000003"),
        user_id: None,
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(599),
        amount: Money::from_rupees(599),
        fee: Money::from_rupees(0),
        currency: crate::domain::currency::Currency::INR,
        turn: None,
        created_at: at,
        expires_at: at,
    }
}

fn paid() -> Paid {
    let refund = Refund {
        transaction_id: TRANSACTION.to_owned(),
        order_id: OrderId::new("ORD000003"),
        amount: Money::from_rupees(599),
        fee: Money::from_rupees(0),
        currency: crate::domain::currency::Currency::INR,
        quote_id: None,
        items: Vec::new(),
        reason: String::new(),
        actor: "a".to_owned(),
        at: Timestamp::UNIX_EPOCH,
        route: Route::default(),
        progress: Progress::default(),
    };
    Paid { refund, already: false, arrival: Some("3-5 business days".to_owned()) }
}

#[derive(Default)]
struct Told {
    quotes: Vec<Proposal>,
    paid: Vec<Paid>,
    handed_over: bool,
    refused: Vec<(OrderId, String)>,
    statuses: Vec<(OrderId, String)>,
    wants_refund: bool,
    /// What was paid in an earlier turn.
    before: Vec<PaidRefund>,
    /// What the tools answered.
    results: &'static str,
}

impl Told {
    fn compose(&self, reply: &str) -> Composed {
        let mut known = Known::default();
        let order = OrderId::new("ORD000003");
        known.add_order(&order);
        known.add_order_amount(order.clone(), Amount::rupees(599));
        for paid in &self.paid {
            known.add_refund(PaidRefund::of(&paid.refund));
        }
        self.before.iter().for_each(|refund| known.add_refund(refund.clone()));
        let happened = Happened {
            language: Language::English,
            money: &ShopMoney::default(),
            quotes: &self.quotes,
            paid: &self.paid,
            handed_over: self.handed_over,
            refused: &self.refused,
            acted: &[],
            declined: &[],
            statuses: &self.statuses,
            wants_refund: self.wants_refund,
        };
        let orders = [order];
        let evidence = Evidence {
            known: &known,
            orders: &orders,
            customers: &[],
            customer_text: "",
            results: self.results,
            shop_texts: &ShopTexts::default(),
            patterns: &IdPatterns::default(),
            money: &ShopMoney::default(),
        };
        compose(reply, happened, evidence)
    }
}

const OFFER: &str = "I can refund ₹599 for order ORD000003.\nShall I go ahead? Please reply yes or no.";

fn quoted() -> Told {
    Told { quotes: vec![quote()], ..Told::default() }
}

#[test]
fn the_offer_is_the_programs_own() {
    for reply in [
        "[[offer]]",
        "I can refund ₹599 for order ORD000003. Shall I go ahead? (yes / no)",
        "I can refund ₹599 for ORD000003, shall I block that refund?",
        "I can refund ₹599 for ORD000003. Do you want me to keep the money instead? [[offer]]",
        "[[offer]] Answer yes if you do not want it.",
        "[[Offer: ORD000003]]\nSaying no means that you agree.",
        "₹599 refund for ORD000003? Ja bedeutet nein.",
    ] {
        let composed = quoted().compose(reply);
        assert!(composed.offers, "{reply}");
        assert_eq!(composed.text, OFFER, "{reply}");
    }
    let warm = quoted().compose("I'm so sorry about that! [[offer]]");
    assert_eq!((warm.text.as_str(), warm.held), (&*format!("I'm so sorry about that!\n{OFFER}"), None));
}

#[test]
fn a_quote_that_nobody_asked_for_is_not_offered() {
    let composed = quoted().compose("Hello! How can I help you?");
    assert!(!composed.offers);
    assert_eq!(composed.text, "Hello! How can I help you?");
    let wanted = Told { wants_refund: true, ..quoted() }.compose("One moment please.");
    assert!(wanted.offers && wanted.text.ends_with(OFFER), "{}", wanted.text);
}

#[test]
fn a_payment_is_told_by_the_program() {
    let told = Told { paid: vec![paid()], ..Told::default() };
    let line = "Done: ₹599 for order ORD000003 has been refunded. It should arrive within 3-5 business days. Your transaction id is RFND_20260101120000_ORD000003.";
    for reply in
        ["[[refund]]", "Your order has been refunded.", "It was refunded, ₹599 is on its way.", "[[refund]] [[refund]]"]
    {
        let composed = told.compose(reply);
        assert_eq!((composed.text.as_str(), composed.held), (line, None), "{reply}");
    }
    let false_amount = told.compose("You get ₹50,000!");
    assert_eq!(false_amount.text, line);
    assert!(matches!(false_amount.held, Some(Unsupported::Amount(_))));
    let warm = told.compose("Thank you for your patience. [[refund]] Is there anything else I can help with?");
    assert_eq!(warm.text, format!("Thank you for your patience. {line} Is there anything else I can help with?"));
}

#[test]
fn a_person_is_told_of_by_the_program() {
    let told = Told { handed_over: true, ..Told::default() };
    let done = handoff::done(Language::English);
    for reply in
        ["[[handoff]]", "I've asked a member of our team to take over.", "[[person]] A colleague will contact you."]
    {
        assert_eq!(told.compose(reply).text, done, "{reply}");
    }
    assert_eq!(told.compose("I'm so sorry about the trouble.").text, format!("I'm so sorry about the trouble. {done}"));
}

#[test]
fn markers_without_evidence_say_nothing() {
    let unconfirmed = handoff::offer_unconfirmed(Language::English);
    for marker in ["[[offer]]", "[[refund]]", "[[handoff]]", "[[refusal]]", "[[order ORD000003]]", "[[whatever]]"] {
        assert_eq!(Told::default().compose(marker).text, unconfirmed, "{marker}");
        assert_eq!(Told::default().compose(&format!("Hello! {marker}")).text, "Hello!", "{marker}");
    }
}

#[test]
fn nothing_of_a_false_reply_leaves() {
    for reply in
        ["Your order has been refunded.", "Good news! Your refund has been processed. Have a nice day!", "?! Refunded!"]
    {
        let composed = Told::default().compose(reply);
        assert_eq!(composed.text, handoff::offer_unconfirmed(Language::English), "{reply}");
        assert!(composed.offers_person && composed.held.is_some(), "{reply}");
    }
}

#[test]
fn a_gap_is_what_the_program_has_nothing_of_the_turn_for() {
    let order = OrderId::new("ORD000003");
    let lie = "Your refund has been sent!";
    let looked_up =
        || Told { statuses: vec![(order.clone(), "Order ORD000003: delivered.".to_owned())], ..Told::default() };
    let refused = || Told { refused: vec![(order.clone(), "it is too old".to_owned())], ..Told::default() };
    for (told, reply) in [
        (Told::default(), lie),
        (Told::default(), "[[offer]]"),
        (quoted(), lie),
        (looked_up(), lie),
        (looked_up(), "[[order ORD000003]] Your refund has been sent!"),
        (refused(), lie),
    ] {
        let composed = told.compose(reply);
        assert!(composed.leaves_a_gap() && !composed.text.is_empty(), "{reply}: {composed:?}");
    }
    for (told, reply) in [
        (Told::default(), "Hello! How can I help?"),
        (looked_up(), "[[order ORD000003]]"),
        (Told { wants_refund: true, ..quoted() }, lie),
        (quoted(), "[[offer]] A colleague will call you at noon."),
        (Told { paid: vec![paid()], ..Told::default() }, "You get ₹50,000!"),
        (Told { handed_over: true, ..Told::default() }, lie),
        (refused(), "[[refusal]] Your refund has been sent!"),
    ] {
        let composed = told.compose(reply);
        assert!(!composed.leaves_a_gap(), "{reply}: {composed:?}");
    }
}

proptest! {
    #[test]
    fn a_reply_is_never_empty(reply in "[a-zA-Z .?!\\[\\]₹0-9]{0,60}", quoted_ in any::<bool>(), handed_over in any::<bool>()) {
        let told = Told { quotes: if quoted_ { vec![quote()] } else { Vec::new() }, handed_over, ..Told::default() };
        let composed = told.compose(&reply);
        prop_assert!(!composed.text.trim().is_empty() || reply.trim().is_empty());
        prop_assert!(composed.offers == composed.text.ends_with(OFFER));
    }
}

#[test]
fn a_refund_that_is_not_paid_is_never_said_to_be() {
    for (state, told) in [
        (RefundState::Requested, "it is not paid yet"),
        (RefundState::Submitted, "has not confirmed yet that it is paid"),
        (RefundState::Failed, "could not be paid"),
    ] {
        for reply in [
            "[[refund]]",
            "Your refund of ₹599 has been paid!",
            "Done: ₹599 for order ORD000003 has been refunded.",
            "The money is in your account already. [[paid]]",
        ] {
            let mut paid = paid();
            paid.refund.progress.state = state;
            let composed = Told { paid: vec![paid], ..Told::default() }.compose(reply);
            assert!(composed.text.contains(told), "{reply}: {}", composed.text);
            for claim in ["has been paid", "has been refunded", "account already"] {
                assert!(!composed.text.contains(claim), "{reply}: {}", composed.text);
            }
        }
    }
}

#[test]
fn a_refund_of_before_is_told_only_where_it_was_looked_at() {
    let mut refund = PaidRefund::of(&paid().refund);
    refund.state = RefundState::Requested;
    let lie = "Your refund has been sent!";
    // It may be paid by now, or have failed.
    let stale = || Told { before: vec![refund.clone()], ..Told::default() };
    for reply in ["[[refund]]", lie] {
        let composed = stale().compose(reply);
        assert!(composed.leaves_a_gap() && !composed.text.contains(TRANSACTION), "{reply}: {composed:?}");
    }
    let results = "{\"state\":\"requested\",\"transaction_id\":\"RFND_20260101120000_ORD000003\"}";
    for reply in ["[[refund]]", lie] {
        let composed = Told { results, ..stale() }.compose(reply);
        assert!(composed.text.contains("is not paid yet") && composed.held.is_none(), "{reply}: {composed:?}");
    }
}

//! Every combination of what consent depends on, held against a table; and the clocks, held against a model of them.

use std::sync::LazyLock;

use jiff::civil::DateTime;
use proptest::prelude::*;

use super::*;
use crate::domain::caller::{Caller, Customer};
use crate::domain::ids::UserId;
use crate::domain::money::{Money, Percent};
use crate::domain::order::Order;
use crate::domain::outgoing::{Answered, Identity, Status};
use crate::domain::proposal::{Details, Meaning, ProposalKind, Resolution, agreed};
use crate::domain::refund::{ProviderKind, RefundPolicy, RefundRequest};

/// The seconds of a day on the channel's clock, and milliseconds where a clock shows them.
fn at(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "a few thousand seconds")]
    Timestamp::from_millisecond(1_780_000_000_000 + (seconds * 1_000.0).round() as i64).unwrap()
}

fn span(seconds: f64) -> SignedDuration {
    at(seconds).duration_since(at(0.0))
}

fn user() -> UserId {
    UserId::new("919876543210")
}

fn order_id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

/// Order 3 is the one that is asked for, 4 is another.
fn quote(number: u32, id: &str) -> Proposal {
    Proposal {
        id: QuoteId::new(id),
        order_id: order_id(number),
        user_id: Some(user()),
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(599),
        amount: Money::from_rupees(599),
        fee: Money::ZERO,
        currency: crate::domain::currency::Currency::INR,
        turn: Some(1),
        created_at: at(990.0),
        expires_at: at(9_000.0),
    }
}

fn order() -> Order {
    crate::testing::order(3, "Dairy", 599)
}

fn is_paid(offers: Option<&LiveOffers>, said: &[Said], text: &str, expired: bool) -> bool {
    static SHOP: LazyLock<(Order, Proposal, IdPatterns)> =
        LazyLock::new(|| (order(), quote(3, "q3"), IdPatterns::default()));
    let (order, quote, patterns) = &*SHOP;
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
        provider: ProviderKind::Ledger,
        money: crate::domain::currency::ShopMoney::default(),
    };
    let caller = saying(offers, said, text);
    let request = RefundRequest {
        order,
        quote: Some(quote),
        caller: &caller,
        items: &[],
        amount: None,
        reason: "",
        patterns,
        now: if expired { at(9_000.0) } else { at(1_010.0) },
        local: DateTime::default(),
    };
    policy.approve(&request).is_ok()
}

/// The customer in the turn after the offer.
fn saying(offers: Option<&LiveOffers>, said: &[Said], text: &str) -> Caller {
    Caller::Customer(Customer {
        user: user(),
        turn: 2,
        text: text.to_owned(),
        language: crate::domain::sentences::Language::default(),
        offers: offers.cloned().map(Box::new),
        said: said.to_vec(),
        named_orders: vec![order_id(3)],
        names: crate::domain::ids::OrderNames::default(),
        customer_ids: Vec::new(),
        proof_asked: false,
        showing: crate::domain::caller::Showing::default(),
        sent: text.to_owned(),
    })
}

/// The same for what is no refund: a proposal for order 3 that gives ₹599 back, or nothing.
fn is_agreed(meaning: Meaning, offers: Option<&LiveOffers>, said: &[Said], text: &str, expired: bool) -> bool {
    static PATTERNS: LazyLock<IdPatterns> = LazyLock::new(IdPatterns::default);
    let proposal = Proposal {
        kind: meaning.kind,
        details: Details { resolution: meaning.resolution, ..Details::default() },
        amount: if meaning.money { Money::from_rupees(599) } else { Money::ZERO },
        ..quote(3, "q3")
    };
    let caller = saying(offers, said, text);
    let now = if expired { at(9_000.0) } else { at(1_010.0) };
    let agrees = |order: u32, kind| agreed(Some(&proposal), kind, &order_id(order), &caller, &PATTERNS, now).is_ok();
    let is_agreed = agrees(3, meaning.kind);
    if is_agreed {
        assert!(!agrees(4, meaning.kind), "another order");
        for other in ProposalKind::ALL.into_iter().filter(|kind| *kind != meaning.kind) {
            assert!(!agrees(3, other), "{other} is not {meaning:?}");
        }
    }
    is_agreed
}

/// What is proposed beside a refund, with answers and whether they agree to it.
fn others() -> Vec<(Meaning, [(&'static str, bool); 7])> {
    let of = |kind, resolution, money| Meaning { kind, resolution, money };
    let cancel = of(ProposalKind::Cancel, None, true);
    let unpaid = of(ProposalKind::Cancel, None, false);
    let change = of(ProposalKind::Change, None, false);
    let back = of(ProposalKind::Return, Some(Resolution::Refund), true);
    let again = of(ProposalKind::Return, Some(Resolution::Replacement), false);
    let answers = |cancels: bool, changes: bool, returns: bool, refunds: bool| {
        [
            ("yes", true),
            ("no", false),
            ("yes, cancel ORD000003", cancels),
            ("yes, change it", changes),
            ("yes, return it", returns),
            ("yes, refund ORD000003", refunds),
            ("yes ₹60", false),
        ]
    };
    vec![
        (cancel, answers(true, false, false, true)),
        (unpaid, answers(true, false, false, false)),
        (change, answers(false, true, false, false)),
        (back, answers(false, false, true, true)),
        (again, answers(false, false, true, false)),
    ]
}

/// The offer of something else than a refund, by the sentence that shows it.
fn other_offer(meaning: Meaning, shown: Shown) -> (Vec<Offer>, Outgoing) {
    let says = "I can do this to order ORD000003 (₹599).";
    let text = match shown {
        Shown::OtherAmount => "I can do this to order ORD000003 (₹5,990).",
        Shown::OtherOrder => "I can do this to order ORD000005 (₹599).",
        _ => says,
    };
    let place = MessagePlace { turn: 1, sequence: 1 };
    let shown_in = if shown == Shown::Earlier { MessagePlace { sequence: 0, ..place } } else { place };
    let offer = Offer {
        shown_in: (shown != Shown::Unnoted).then_some(shown_in),
        kind: meaning.kind,
        resolution: meaning.resolution,
        amount: meaning.money.then(|| Amount::rupees(599)),
        says: Some(says.to_owned()),
        ..Offer::new(QuoteId::new("q3"), order_id(3), Amount::rupees(599))
    };
    let offered = if shown == Shown::Forgotten { Vec::new() } else { vec![offer] };
    let identity = Identity { user_id: user(), turn: 1, sequence: 1 };
    let text = format!("{text} Shall I go ahead? Please reply yes or no.");
    (offered, Outgoing::new(identity, Body::Text { text }, at(1_000.0)))
}

/// How the offer is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Shown {
    /// In the message.
    Here,
    /// The message names another amount.
    OtherAmount,
    /// The message names another order.
    OtherOrder,
    /// In an earlier message.
    Earlier,
    /// Not at all: the conversation has forgotten it.
    Forgotten,
    /// By an earlier version, which noted neither message nor amount.
    Unnoted,
}

const SHOWN: [Shown; 6] =
    [Shown::Here, Shown::OtherAmount, Shown::OtherOrder, Shown::Earlier, Shown::Forgotten, Shown::Unnoted];

/// What comes after the offer.
const LATER: [&str; 5] = ["nothing", "reaction", "text to be sent", "text that was sent", "template"];

fn later(kind: &str) -> Option<Outgoing> {
    let body = match kind {
        "nothing" => return None,
        "reaction" => Body::Reaction { emoji: "🙂".into(), to: MessageId::new("w") },
        "template" => Body::Template { name: "news".into(), language: "en".into(), parameters: Vec::new() },
        _ => Body::Text { text: "Hello, a colleague here.".into() },
    };
    let message = Outgoing::new(Identity { user_id: user(), turn: 1, sequence: 2 }, body, at(1_001.0));
    let state = if kind == "text to be sent" { Delivery::Queued } else { Delivery::Sent };
    Some(Outgoing { state, provider_id: Some("later".into()), ..message })
}

/// The message that shows the offers, and what was offered.
fn offer(shown: Shown, both: bool) -> (Vec<Offer>, Outgoing) {
    let (amount, number) = match shown {
        Shown::OtherAmount => (5_990, 3),
        Shown::OtherOrder => (599, 5),
        _ => (599, 3),
    };
    let mut text = format!("I can refund ₹{} for order {}.", amount, order_id(number));
    let place = MessagePlace { turn: 1, sequence: 1 };
    let shown_in = if shown == Shown::Earlier { MessagePlace { sequence: 0, ..place } } else { place };
    let of = |number: u32, id: &str| Offer {
        shown_in: Some(shown_in),
        ..Offer::new(QuoteId::new(id), order_id(number), Amount::rupees(599))
    };
    let mut offered = match shown {
        Shown::Forgotten => Vec::new(),
        Shown::Unnoted => vec![Offer { amount: None, shown_in: None, ..of(3, "q3") }],
        _ => vec![of(3, "q3")],
    };
    if both {
        text.push_str(" And ₹599 for order ORD000004.");
        offered.push(Offer { shown_in: Some(place), ..of(4, "q4") });
    }
    let identity = Identity { user_id: user(), turn: 1, sequence: 1 };
    (offered, Outgoing::new(identity, Body::Text { text }, at(1_000.0)))
}

/// When things happened, and whether the yes came after the offer. The channel's second of the offer is 1000; our clock
/// is ahead by 300 seconds, or as many behind.
#[derive(Clone, Copy)]
struct Times {
    told: Option<f64>,
    asked: f64,
    lag: f64,
    accepted: f64,
    sent: f64,
    received: f64,
    after: bool,
}

const TOLD: Times =
    Times { told: Some(1_000.0), asked: 990.0, lag: 300.5, accepted: 1_300.4, sent: 0.0, received: 0.0, after: false };
const AHEAD: Times = Times { told: None, ..TOLD };
const BEHIND: Times = Times { lag: -299.5, accepted: 700.4, ..AHEAD };

const TIMES: [Times; 14] = {
    const fn with(times: Times, sent: f64, received: f64, after: bool) -> Times {
        Times { sent, received, after, ..times }
    }
    [
        // Written before, and delivered late.
        with(TOLD, 999.0, 1_305.0, false),
        with(TOLD, 500.0, 1_305.0, false),
        // Within one second the order of arrival decides.
        with(TOLD, 1_000.0, 1_300.2, false),
        with(TOLD, 1_000.0, 1_300.9, true),
        with(TOLD, 1_001.0, 1_302.0, true),
        // The answer to the request that sent the offer was slow.
        with(TOLD, 1_003.0, 1_300.1, true),
        // Before the channel told.
        with(AHEAD, 998.0, 1_305.0, false),
        with(AHEAD, 989.0, 1_305.0, false),
        with(AHEAD, 1_001.0, 1_300.2, false),
        with(AHEAD, 1_001.0, 1_301.5, true),
        with(BEHIND, 995.0, 705.0, false),
        with(BEHIND, 1_001.0, 700.2, false),
        with(BEHIND, 1_001.0, 701.5, true),
        with(BEHIND, 5_000.0, 4_700.0, true),
    ]
};

/// What the customer presses or writes, and whether that can mean the offer of order 3 where order 4 is, or is not,
/// offered too.
fn manners() -> Vec<(Manner, [bool; 2])> {
    let yes = |ids: &[&str]| Manner::Pressed(Press::Yes(ids.iter().map(|id| QuoteId::new(*id)).collect()));
    vec![
        (Manner::Written, [true, true]),
        (yes(&["q3"]), [true, true]),
        (yes(&["q3", "q4"]), [false, true]),
        (yes(&["q4"]), [false, false]),
        (yes(&["old"]), [false, false]),
        (yes(&["q3", "old"]), [false, false]),
        (Manner::Pressed(Press::No(vec![QuoteId::new("q3")])), [false, false]),
        (Manner::Pressed(Press::Foreign), [false, false]),
        (Manner::Edited, [false, false]),
        (Manner::Forwarded, [false, false]),
        (Manner::InPart, [false, false]),
        (Manner::ByVoice, [false, false]),
    ]
}

/// Answers, and whether they agree to ₹599 for order 3.
const ANSWERS: [(&str, bool); 9] = [
    ("yes", true),
    ("Yes, both", true),
    ("yes, refund ORD000003", true),
    ("yes ORD000004", false),
    ("yes ₹60", false),
    ("no", false),
    ("yes?", false),
    ("well", false),
    ("Yes\nno wait", false),
];

/// Each way to say something at these times, and whether it can mean the offer of order 3.
fn sayings(times: &Times, both: bool) -> Vec<(Said, bool)> {
    let mut all = Vec::new();
    // What it replies to, the number of the shop that it was sent to, and whether both are right: the offer left from 42.
    for (about, number, right) in [
        (None, None, true),
        (None, Some("42"), true),
        (Some("wamid.offer"), Some("42"), true),
        (Some("wamid.another"), Some("42"), false),
        (None, Some("43"), false),
        (Some("wamid.offer"), Some("43"), false),
    ] {
        for (manner, means) in manners() {
            let (sent_at, received_at) = (at(times.sent), at(times.received));
            let number = number.map(str::to_owned);
            let said = Said { sent_at, received_at, number, about: about.map(MessageId::new), manner };
            all.push((said, right && means[usize::from(both)]));
        }
    }
    all
}

/// Messages that spoil a turn in which this one agrees.
fn spoilers(right: &Said) -> Vec<Said> {
    let manners = [Manner::InPart, Manner::ByVoice, Manner::Edited, Manner::Forwarded, Manner::Pressed(Press::Foreign)];
    let elsewhere = [
        Said { number: Some("43".into()), ..right.clone() },
        Said { about: Some(MessageId::new("wamid.another")), ..right.clone() },
        Said { sent_at: at(1.0), ..right.clone() },
    ];
    manners.into_iter().map(|manner| Said { manner, ..right.clone() }).chain(elsewhere).collect()
}

/// Paid only where everything is as it must be.
#[test]
fn every_row_of_the_table() {
    let (mut rows, mut paid) = (0_u64, 0_u64);
    let states = [Delivery::Queued, Delivery::Sending, Delivery::Sent, Delivery::Parked];
    let receipts: Vec<Option<Receipt>> = [None].into_iter().chain(Receipt::ALL.map(Some)).collect();
    let providers = [None, Some(""), Some("wamid.offer")];
    for (shown, both, kind) in SHOWN.into_iter().flat_map(|shown| {
        [false, true].into_iter().flat_map(move |both| LATER.into_iter().map(move |kind| (shown, both, kind)))
    }) {
        let (offered, message) = offer(shown, both);
        for (state, provider, receipt) in states.iter().flat_map(|state| {
            providers.iter().flat_map({
                let receipts = &receipts;
                move |provider| receipts.iter().map(move |receipt| (*state, *provider, *receipt))
            })
        }) {
            let alive = state == Delivery::Sent
                && provider == Some("wamid.offer")
                && !matches!(receipt, Some(Receipt::Failed | Receipt::Deleted))
                && matches!(kind, "nothing" | "reaction");
            for times in &TIMES {
                let answers = Answered {
                    message: MessageId::new("asked"),
                    at: at(times.asked),
                    quote: false,
                    lag: Some(span(times.lag)),
                    number: Some("42".into()),
                };
                let sent = Outgoing {
                    state,
                    receipt,
                    provider_id: provider.map(str::to_owned),
                    next_at: at(times.accepted),
                    sent_at: times.told.map(at),
                    answers: Some(answers),
                    ..message.clone()
                };
                let outbox: Vec<Outgoing> = [Some(sent), later(kind)].into_iter().flatten().collect();
                let live = LiveOffers::find(&offered, &outbox);
                assert_eq!(live.is_some(), alive && (shown == Shown::Here || both), "{shown:?} {outbox:?}");
                // Where nothing is live, the rest is the same in each row: see below.
                if live.is_none() {
                    continue;
                }
                for (said, means_this) in sayings(times, both) {
                    for (expired, (text, agrees)) in
                        [false, true].into_iter().flat_map(|expired| ANSWERS.map(|it| (expired, it)))
                    {
                        let right = shown == Shown::Here && times.after && means_this && agrees && !expired;
                        let is_paid = is_paid(live.as_ref(), std::slice::from_ref(&said), text, expired);
                        assert_eq!(is_paid, right, "{shown:?} {said:?} “{text}” {outbox:?}");
                        rows += 1;
                        paid += u64::from(is_paid);
                        // Nor with something beside it that is no answer to the offer.
                        for spoilt in if is_paid { spoilers(&said) } else { Vec::new() } {
                            let turn = [said.clone(), spoilt];
                            assert!(!self::is_paid(live.as_ref(), &turn, text, expired), "{turn:?}");
                        }
                    }
                }
            }
        }
    }
    for (times, both) in TIMES.iter().flat_map(|times| [(times, false), (times, true)]) {
        for (said, _) in sayings(times, both) {
            for (text, _) in ANSWERS {
                assert!(!is_paid(None, std::slice::from_ref(&said), text, false), "{said:?} “{text}”");
                rows += 1;
            }
        }
    }
    // Four receipts, nothing or a reaction after it; each right time, reply and answer; and the two ways to say it where one
    // order is offered, the three where both are.
    assert_eq!(paid, 4 * 2 * 6 * 3 * 3 * (2 + 3));
    assert!(rows > 300_000, "{rows}");
}

/// Whatever is proposed is done only where everything is as it must be for a refund.
#[test]
fn every_row_of_the_table_for_every_kind() {
    let mut done = 0_u64;
    for (meaning, answers) in others() {
        for (shown, kind) in SHOWN.into_iter().flat_map(|shown| LATER.into_iter().map(move |kind| (shown, kind))) {
            let (offered, message) = other_offer(meaning, shown);
            for receipt in [None].into_iter().chain(Receipt::ALL.map(Some)) {
                let failed = matches!(receipt, Some(Receipt::Failed | Receipt::Deleted));
                let alive = !failed && matches!(kind, "nothing" | "reaction") && shown == Shown::Here;
                for times in &TIMES {
                    let answered = Answered {
                        message: MessageId::new("asked"),
                        at: at(times.asked),
                        quote: false,
                        lag: Some(span(times.lag)),
                        number: Some("42".into()),
                    };
                    let sent = Outgoing {
                        state: Delivery::Sent,
                        receipt,
                        provider_id: Some("wamid.offer".into()),
                        next_at: at(times.accepted),
                        sent_at: times.told.map(at),
                        answers: Some(answered),
                        ..message.clone()
                    };
                    let outbox: Vec<Outgoing> = [Some(sent), later(kind)].into_iter().flatten().collect();
                    let live = LiveOffers::find(&offered, &outbox);
                    assert_eq!(live.is_some(), alive, "{shown:?} {outbox:?}");
                    // Where nothing is live, the rest is the same in each row.
                    let sayings = sayings(times, false);
                    let sayings = if alive { &sayings[..] } else { &sayings[..1] };
                    for (said, means_this) in sayings {
                        for (text, agrees) in answers {
                            for expired in [false, true] {
                                let right = alive && times.after && *means_this && agrees && !expired;
                                let turn = std::slice::from_ref(said);
                                let is_done = is_agreed(meaning, live.as_ref(), turn, text, expired);
                                assert_eq!(is_done, right, "{meaning:?} {shown:?} {said:?} “{text}”");
                                done += u64::from(is_done);
                                for spoilt in if is_done { spoilers(said) } else { Vec::new() } {
                                    let turn = [said.clone(), spoilt];
                                    assert!(!is_agreed(meaning, live.as_ref(), &turn, text, expired), "{turn:?}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    // Four receipts, nothing or a reaction after it; each right time and reply; written or pressed; and the answers that agree.
    assert_eq!(done, 4 * 2 * 6 * 3 * 2 * (3 + 2 + 2 + 3 + 2));
}

#[test]
fn one_message_that_is_no_answer_spoils_the_turn() {
    let (offered, message) = offer(Shown::Here, true);
    let sent = Outgoing {
        state: Delivery::Sent,
        provider_id: Some("wamid.offer".into()),
        next_at: at(1_000.0),
        sent_at: Some(at(1_000.0)),
        ..message
    };
    let live = LiveOffers::find(&offered, &[sent]);
    let said =
        |manner: Manner| Said { sent_at: at(1_005.0), received_at: at(1_005.0), number: None, about: None, manner };
    let written = said(Manner::Written);
    assert!(is_paid(live.as_ref(), &[written.clone(), written.clone()], "yes\nplease", false));
    assert!(!is_paid(live.as_ref(), &[], "yes", false), "nobody said it");
    // Where the number that the offer left from is not known, as of an earlier version, any is taken.
    assert!(is_paid(live.as_ref(), &[Said { number: Some("43".into()), ..written.clone() }], "yes", false));
    for other in [Manner::Edited, Manner::Forwarded, Manner::ByVoice, Manner::InPart, Manner::Pressed(Press::Foreign)] {
        assert!(!is_paid(live.as_ref(), &[written.clone(), said(other)], "yes\nplease", false));
    }
    let earlier = Said { sent_at: at(900.0), ..written.clone() };
    assert_eq!(Consent::given(live.as_ref(), &[written.clone(), earlier], "yes"), Err(NoConsent::Earlier));
    // Two rows, one after the other, mean both orders; a yes and a no mean none.
    let row = |id: &str| said(Manner::Pressed(Press::Yes(vec![QuoteId::new(id)])));
    let rows = [row("q3"), row("q4")];
    assert!(is_paid(live.as_ref(), &rows, "Yes, refund ORD000003\nYes, refund ORD000004", false));
    let no = said(Manner::Pressed(Press::No(vec![QuoteId::new("q4")])));
    assert!(!is_paid(live.as_ref(), &[row("q3"), no], "Yes, refund ORD000003\nyes", false));
    assert_eq!(Consent::given(None, &[written], "yes"), Err(NoConsent::NothingLive));
}

#[test]
fn a_failed_message_is_no_offer_until_it_arrives() {
    let (offered, message) = offer(Shown::Here, false);
    let sent = Outgoing { state: Delivery::Sent, provider_id: Some("p".into()), ..message };
    let status = |receipt, second| Status {
        provider_id: "p".into(),
        identity: None,
        receipt,
        at: Some(at(second)),
        code: None,
        error: None,
        again: false,
        number: None,
    };
    assert!(LiveOffers::find(&offered, std::slice::from_ref(&sent)).is_some());
    let failed = sent.with_status(&status(Receipt::Failed, 1_000.0), at(1_001.0)).unwrap();
    assert_eq!(LiveOffers::find(&offered, &[failed]), None);
    // The first time that is told holds: reading is later than the answer may be.
    let accepted = sent.with_status(&status(Receipt::Sent, 1_000.0), at(1_001.0)).unwrap();
    let delivered = accepted.with_status(&status(Receipt::Delivered, 1_003.0), at(1_004.0)).unwrap();
    let read = delivered.with_status(&status(Receipt::Read, 1_009.0), at(1_010.0)).unwrap();
    assert_eq!((delivered.sent_at, read.sent_at), (Some(at(1_000.0)), Some(at(1_000.0))));
    for arrived in [&accepted, &delivered, &read] {
        let failed = arrived.with_status(&status(Receipt::Failed, 1_011.0), at(1_012.0)).unwrap();
        assert_eq!(LiveOffers::find(&offered, std::slice::from_ref(&failed)), None);
    }
    let gone = read.with_status(&status(Receipt::Deleted, 1_011.0), at(1_012.0)).unwrap();
    assert_eq!(LiveOffers::find(&offered, &[gone]), None, "the team took it back");
    let only_read = sent.with_status(&status(Receipt::Read, 1_009.0), at(1_010.0)).unwrap();
    assert_eq!(only_read.sent_at, None);
}

#[test]
fn a_text_shows_an_offer_by_its_order_and_amount() {
    let shows = |text: &str| shows(text, &order_id(3), Amount::rupees(599));
    for text in ["₹599 for ORD000003", "I can refund Rs. 599 (order ord000003)", "*₹599.00* → ORD000003"] {
        assert!(shows(text), "{text}");
    }
    for text in [
        "₹5,990 for ORD000003. ₹599 for ORD000004",
        "₹599",
        "ORD000003",
        "₹5,990 for ORD000003",
        "₹59 for ORD000003",
        "₹599.50 for ORD000003",
        "",
    ] {
        assert!(!shows(text), "{text}");
    }
}

proptest! {
    /// Clocks as they are: ours is off by `skew`, messages take a while, the channel tells whole seconds.
    #[test]
    fn nobody_who_answers_what_they_have_read_is_refused(
        skew in -100_000.0..100_000.0_f64, asked in 0.0..50.0_f64, delay in 0.0..900.0_f64, work in 0.0..60.0_f64,
        reading in 0.0..600.0_f64, yes_delay in 0.0..900.0_f64, told: bool,
    ) {
        let accepted = asked + delay + work;
        let yes = accepted + reading;
        let (offered, message) = offer(Shown::Here, false);
        let lag = span(asked + delay + skew - asked.floor());
        let answers = Answered { message: MessageId::new("m"), at: at(asked.floor()), quote: false, lag: Some(lag), number: None };
        let sent = Outgoing {
            state: Delivery::Sent,
            provider_id: Some("p".into()),
            next_at: at(accepted + skew),
            sent_at: told.then(|| at(accepted.floor())),
            answers: Some(answers),
            ..message
        };
        let live = LiveOffers::find(&offered, &[sent]).unwrap();
        let said = |sent: f64, received: f64| Said {
            sent_at: at(sent.floor()), received_at: at(received), number: None, about: None, manner: Manner::Written,
        };
        prop_assert!(!live.came_before(&said(yes, yes + yes_delay + skew)));
        // What was written more than a second before is told, however late it comes. Where the channel has not told its
        // time, as far as the message that asked came without delay.
        let margin = if told { 1.0 } else { 2.0 + delay };
        let early = accepted - margin - reading;
        prop_assert!(live.came_before(&said(early, accepted + yes_delay + skew)));
        // And what arrived here before the offer was accepted in any case, within the second or before.
        if told && accepted.floor() > (accepted - 0.5).floor() {
            prop_assert!(live.came_before(&said(accepted - 0.5, accepted + skew + yes_delay)));
        }
    }
}

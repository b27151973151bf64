use proptest::prelude::*;

use super::*;
use crate::domain::conversation::PaidRefund;
use crate::domain::currency::Currency;
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::money::Money;
use crate::domain::refund::{Progress, Proposal, Refund, RefundState, Route};

const TRANSACTION: &str = "RFND_20260101120000_ORD000003";

fn refund(order: &str, rupees: i64) -> PaidRefund {
    let transaction_id = format!("RFND_20260101120000_{order}");
    PaidRefund {
        order_id: OrderId::new(order),
        amount: Amount::rupees(rupees),
        transaction_id,
        state: RefundState::Paid,
    }
}

/// Why the first sentence of a model's reply that may not leave may not, in a conversation about these orders.
fn check(reply: &str, known: &Known, shop_texts: &[&str]) -> Result<(), Unsupported> {
    with_evidence(known, shop_texts, |evidence| super::check(reply, evidence))
}

fn with_evidence<T>(known: &Known, shop_texts: &[&str], run: impl FnOnce(&Evidence<'_>) -> T) -> T {
    in_shop(&ShopMoney::default(), known, shop_texts, run)
}

fn in_shop<T>(money: &ShopMoney, known: &Known, shop_texts: &[&str], run: impl FnOnce(&Evidence<'_>) -> T) -> T {
    let patterns = IdPatterns::default();
    let orders = ["ORD000003", "ORD000004", "ORD000599"].map(OrderId::new);
    let shop_texts = ShopTexts::read(shop_texts.iter().copied(), &patterns, money);
    run(&Evidence {
        known,
        orders: &orders,
        customers: &[],
        customer_text: "",
        results: "",
        shop_texts: &shop_texts,
        patterns: &patterns,
        money,
    })
}

/// ₹599 is known, nothing is paid.
fn quoted() -> Known {
    let orders = ["ORD000003", "ORD000004", "ORD000599"].map(OrderId::new).to_vec();
    Known { amounts: vec![Amount::rupees(599)], orders, ..Known::default() }
}

/// ₹599 was paid back for ORD000003.
fn paid() -> Known {
    Known { refunds: vec![refund("ORD000003", 599)], ..quoted() }
}

/// The replies that are read otherwise than they should be.
fn otherwise<'a>(replies: &[&'a str], known: &Known, code: Option<&str>) -> Vec<(&'a str, Option<&'static str>)> {
    let read = |reply: &&'a str| (*reply, check(reply, known, &[]).err().map(|unsupported| unsupported.code()));
    replies.iter().map(read).filter(|(_, read)| *read != code).collect()
}

/// The replies that get through.
fn let_out<'a>(replies: &[&'a str], known: &Known) -> Vec<&'a str> {
    replies.iter().filter(|reply| check(reply, known, &[]).is_ok()).copied().collect()
}

#[test]
fn whole_sentences_of_the_shop_may_be_quoted_and_nothing_may_be_added() {
    let shop = ["Refunds are paid to the same card within five days of our approval."];
    let quotes = "Sorry, refunds are paid to the same card within five days of our approval.";
    assert_eq!(check(quotes, &Known::default(), &shop), Ok(()));
    assert!(check(quotes, &Known::default(), &[]).is_err());
    for added in [
        "Your refund has been approved: refunds are paid to the same card within five days of our approval.",
        "Sorry, refunds are paid to the same card within five days.",
        "Sorry, refunds are paid to the same card within five days of our approval, and yours was sent.",
        "Your money was re-fun-ded: refunds are paid to the same card within five days of our approval.",
        "Refunds are paid to the same card within five days of our approval ✅💸",
    ] {
        assert!(check(added, &Known::default(), &shop).is_err(), "{added}");
    }
}

#[test]
fn facts_of_the_tools_are_facts() {
    let known = paid();
    for text in [
        "Done: ₹599 for order ORD000003 has been refunded. Your transaction id is RFND_20260101120000_ORD000003.",
        "_RFND_20260101120000_ORD000003_ is your transaction id.",
        "I can refund Rs. 599.00 for it.",
        "Order ORD000003 was refunded before: ₹599, transaction RFND_20260101120000_ORD000003. A second refund is not possible.",
        "_ORD000003_ ₹599 Beverages",
    ] {
        assert_eq!(with_evidence(&known, &[], |evidence| check_program(text, evidence)), Ok(()), "{text}");
    }
    for text in ["₹600 for order ORD000003", "RFND_20260101120000_ORD000009", "ORD000777"] {
        assert!(with_evidence(&known, &[], |evidence| check_program(text, evidence)).is_err(), "{text}");
    }
}

#[test]
fn an_amount_is_of_its_own_order() {
    let mut known = quoted();
    known.add_order_amount(OrderId::new("ORD000003"), Amount::rupees(599));
    known.add_order_amount(OrderId::new("ORD000004"), Amount::rupees(700));
    for reply in ["Order ORD000004: ₹599.", "ORD000004 came. It cost ₹599.", "ORD000003 for ₹700?"] {
        let checked = with_evidence(&known, &[], |evidence| check_program(reply, evidence));
        assert!(matches!(checked, Err(Unsupported::Amount(_))), "{reply}");
    }
    for text in ["Order ORD000004: ₹700.", "ORD000003: ₹599."] {
        assert_eq!(with_evidence(&known, &[], |evidence| check_program(text, evidence)), Ok(()), "{text}");
    }
}

#[test]
fn an_amount_that_no_tool_gave_is_found_however_it_is_written() {
    let replies = [
        "You get ₹5,999 back.",
        "You get 600 INR back.",
        "You get rs 600",
        "600/- only",
        "ORD000599 ₹5000",
        "₹ *5000*",
        "Rs:5000",
        "Rs5000",
        "RS5000",
        "INR5000",
        "5000 rupaye",
        "5000/-",
        "$500",
        "€5",
        "500 dollars",
        "₹5 lakh",
        "₹599 lakh",
        "₹599k",
        "You will get 5000 back",
        "Your refund is 5000",
        "₹५०००",
        "₹5\u{200B}000",
        "₹599-700",
        "₹599 000",
        "five hundred rupees",
        "You get 5 lakh back",
        "₹599.001",
        "599 rupees 700 rupees",
        "refund of 1,299 for it",
        "~~₹599~~ ₹700",
        "₹_700_",
        "₹ 700",
        "₨700",
        "You get 700, in 3-5 days",
        "You get 1.5L back",
        "Rs 5k",
        "five-nine-nine",
        "nine eight seven six five four three two one zero",
        "पाँच सौ रुपये",
    ];
    assert_eq!(otherwise(&replies, &quoted(), Some("amount")), []);
    let shop = ShopMoney::default();
    let [(shown, meaning)] = &amounts_in("ORD000599 ₹5000", &shop)[..] else { panic!("one amount") };
    assert_eq!((shown.as_str(), meaning.amount(&shop)), ("₹5000", Some(Amount::rupees(5000))));
}

fn shop(currency: &str) -> ShopMoney {
    ShopMoney::new(Currency::new(currency).unwrap(), None)
}

/// What is known of an order of so many minor units of a currency.
fn of_order(units: i64, currency: &str) -> Known {
    let mut known = quoted();
    let amount = Amount::new(Money::from_minor_units(units), Currency::new(currency).unwrap());
    known.amounts = Vec::new();
    known.add_order_amount(OrderId::new("ORD000003"), amount);
    known
}

#[test]
fn an_amount_is_of_its_currency() {
    // The shop, what an order is worth, a text, and whether all its amounts are those of the order.
    for (money, units, of, text, is_known) in [
        ("INR", 59_900, "INR", "It cost ₹599.", true),
        ("INR", 59_900, "INR", "It cost $599.", false),
        ("INR", 59_900, "INR", "It cost US$599.", false),
        ("INR", 59_900, "INR", "It cost 599 euros.", false),
        ("INR", 59_900, "INR", "It cost EUR 599.", false),
        ("INR", 59_900, "INR", "It cost 599 AED.", false),
        ("INR", 59_900, "INR", "It cost ¥599.", false),
        ("INR", 59_900, "INR", "It cost TRY 599.", false),
        ("INR", 59_900, "USD", "It cost $599.", true),
        ("INR", 59_900, "USD", "It cost US$599.00.", true),
        ("INR", 59_900, "USD", "It cost ₹599.", false),
        ("USD", 59_900, "USD", "It cost $599.", true),
        ("USD", 59_900, "USD", "It cost 599 dollars.", true),
        ("USD", 59_900, "CAD", "It cost $599.", false),
        ("USD", 59_900, "CAD", "It cost CA$599.", true),
        ("CAD", 59_900, "CAD", "It cost $599.", true),
        ("EUR", 123_450, "EUR", "It cost 1.234,50 €.", true),
        ("EUR", 123_450, "EUR", "It cost €1,234.50.", true),
        ("EUR", 123_450, "EUR", "It cost 1.234,50 euros.", true),
        ("EUR", 123_450, "EUR", "It cost 1.234 €.", false),
        ("EUR", 123_450, "EUR", "It cost $1,234.50.", false),
        ("EUR", 123_400, "EUR", "It cost 1.234 €.", true),
        ("JPY", 1_235, "JPY", "It cost ¥1,235.", true),
        ("JPY", 1_235, "JPY", "It cost 1235 yen.", true),
        ("JPY", 1_235, "JPY", "It cost ¥12,350.", false),
        ("KWD", 1_250, "KWD", "It cost KWD 1.250.", true),
        ("KWD", 1_250, "KWD", "It cost KWD 1.25.", true),
        ("KWD", 1_250, "KWD", "It cost KWD 1,250.", false),
        ("KWD", 1_250, "KWD", "It cost KWD 1250.", false),
        ("CZK", 123_450, "CZK", "It cost 1 234,50 Kč.", true),
        ("CZK", 123_450, "CZK", "It cost 1 234,50 €.", false),
    ] {
        let known = of_order(units, of);
        let checked = in_shop(&shop(money), &known, &[], |evidence| check_program(text, evidence));
        assert_eq!(checked.is_ok(), is_known, "{text} in {money}, worth {units} of {of}: {checked:?}");
    }
}

#[test]
fn numbers_that_are_no_money_are_no_amounts() {
    for text in [
        "Delivered in 25 minutes.",
        "Delivered in 250 minutes.",
        "You can ask for a refund within 180 days.",
        "Order ORD000003 (ordered on 2026-06-01) can be refunded.",
        "Your order of 1 June 2026 can be refunded.",
        "Order 403-1234567-1234567 can be refunded.",
        "Please send the customer id, like CUST1234, for the refund.",
        "Write 250 characters at most.",
    ] {
        assert_eq!(amounts_in(text, &ShopMoney::default()), [], "{text}");
    }
}

#[test]
fn a_reference_that_no_tool_gave_is_named() {
    let replies = [
        "Transaction RFND_20260101120000_ORD000009",
        "RFND_20260101120000_ORD0000031",
        "Reference: TXN123456789",
        "_RFND_20260101120000_ORD000009_",
        "_UTR 234234234_",
        "UTR 234234234",
        "UTR no. 234234234",
        "Your transaction id is 8473984739",
        "reference number: AB12345",
        "Ticket no 12345",
    ];
    assert_eq!(otherwise(&replies, &paid(), Some("transaction")), []);
}

/// Kinds of false claims, a few of each: recall is measured by `redteam.rs` beside, over many more.
const CLAIMS: &[(&str, &[&str])] = &[
    (
        "refund_claim",
        &[
            "Your order has been refunded.",
            "Aapka refund ho gaya hai",
            "आपका रिफंड हो गया है",
            "Ihr Geld wurde erstattet.",
        ],
    ),
    ("change_claim", &["Your order has been cancelled.", "I have updated your address.", "Order cancel kar diya hai"]),
    (
        "hand_over_claim",
        &["An agent will contact you shortly.", "I've escalated this to my manager.", "मैंने टीम को बता दिया है"],
    ),
    ("done_claim", &["All done.", "Everything is sorted."]),
    ("secret", &["Please send me the OTP.", "What is your UPI PIN?"]),
];

#[test]
fn what_only_the_program_may_say_is_named_by_its_subject() {
    for (code, claims) in CLAIMS {
        for known in [quoted(), paid()] {
            assert_eq!(otherwise(claims, &known, Some(code)), [], "{code}");
        }
    }
}

#[test]
fn questions_conditions_denials_and_warmth_may_leave() {
    let replies = [
        "Hello! What can I do for you?",
        "I understand you want your money back, and I'm sorry about the trouble.",
        "I can check a refund for you.",
        "I cannot cancel an order, but I can bring in a person if you like.",
        "Your order has not been refunded yet.",
        "Would you like to talk to a member of our team?",
        "Kya aap apna order id bhej sakte hain?",
        "Aapka order deliver ho gaya hai.",
        "Which item was missing?",
    ];
    assert_eq!(otherwise(&replies, &quoted(), None), []);
}

#[test]
fn instalments_and_disguises_are_seen_through() {
    let replies = [
        "Your refund\nhas been\nprocessed",
        "Your\nmoney\nwas\nrefunded",
        "It has been re-fun-ded.",
        "it has been r3funded",
        "Your ｒｅｆｕｎｄ has been paid",
        "r e f u n d e d",
        "Yоur rеfund is раid",
        "✅",
        "Send the O T P",
        "p.i.n. please",
        "Ndalamazo zabwezeredwa kale mu akaunti yanu yakubanki lero mmawa",
    ];
    assert_eq!(let_out(&replies, &quoted()), [""; 0]);
}

#[test]
fn what_the_shop_has_written_may_be_repeated() {
    let file: toml::Table = include_str!("../../data/faq.toml").parse().unwrap();
    let filled = |entry: &toml::Value| {
        entry["answer"].as_str().unwrap().replace("{arrival}", "3-5 business days").replace("{quote_minutes}", "30")
    };
    let entries = file["entry"].as_array().unwrap();
    let translations = entries.iter().flat_map(|entry| entry["in"].as_table().unwrap().values());
    let answers: Vec<String> = entries.iter().chain(translations).map(filled).collect();
    assert!(answers.len() > 50);
    let texts: Vec<&str> = answers.iter().map(String::as_str).collect();
    for answer in &texts {
        assert_eq!(check(answer, &Known::default(), &texts), Ok(()), "{answer}");
    }
    let fee = ["Delivery costs ₹49 up to 5 %, see shop.example.com."];
    assert_eq!(check("Delivery costs ₹49 up to 5 %, see shop.example.com", &Known::default(), &fee), Ok(()));
    for changed in ["Delivery costs ₹48.", "It is 6 %.", "See shop.example.org."] {
        assert!(check(changed, &Known::default(), &fee).is_err(), "{changed}");
    }
}

#[test]
fn an_outcome_gives_its_amounts() {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let order = OrderId::new("ORD000003");
    let rupees = Amount::rupees;
    let paise = |paise| Amount::new(Money::from_minor_units(paise), Currency::INR);
    let of = |amounts: &[Amount]| {
        amounts.iter().map(|amount| (Some(OrderId::new("ORD000003")), *amount)).collect::<Vec<_>>()
    };
    let quote = Proposal {
        id: QuoteId::new("q1"),
        order_id: order.clone(),
        user_id: None,
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(599),
        amount: Money::from_minor_units(56_905),
        fee: Money::from_minor_units(2_995),
        currency: Currency::INR,
        turn: None,
        created_at: at,
        expires_at: at,
    };
    assert_eq!(amounts_of(&Outcome::Quoted(quote)), of(&[rupees(599), paise(56_905), paise(2_995)]));
    let above = || Refusal::AboveLimit { limit: rupees(2_000) };
    assert_eq!(amounts_of(&Outcome::Refused(order.clone(), above())), [(None, rupees(2_000))]);
    assert_eq!(amounts_of(&Outcome::Denied(order.clone(), Denial::Policy(above()))), [(None, rupees(2_000))]);
    assert_eq!(amounts_of(&Outcome::Denied(order.clone(), Denial::WrongAmount { right: rupees(5) })), of(&[rupees(5)]));
    assert_eq!(amounts_of(&Outcome::Denied(order.clone(), Denial::NoConsent)), []);
    let refund = Refund {
        transaction_id: TRANSACTION.to_owned(),
        order_id: order,
        amount: Money::from_rupees(7),
        fee: Money::from_rupees(1),
        currency: Currency::INR,
        quote_id: None,
        items: Vec::new(),
        reason: "₹5000 please".to_owned(),
        actor: "a".to_owned(),
        at,
        route: Route::default(),
        progress: Progress::default(),
    };
    assert_eq!(amounts_of(&Outcome::Refunded { refund, already: true }), of(&[rupees(7)]));
    assert_eq!(amounts_of(&Outcome::WrongCall("₹5000".to_owned())), []);
}

proptest! {
    #[test]
    fn no_invented_amount_passes(rupees in 1..1_000_000_i64, before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
        prop_assume!(rupees != 599);
        let reply = format!("{before} {} {after}", ShopMoney::default().show(Amount::rupees(rupees)));
        prop_assert!(matches!(check(&reply, &paid(), &[]), Err(Unsupported::Amount(_))), "{}", reply);
    }

    #[test]
    fn what_the_program_writes_is_known_and_nothing_else(
        units in 100..900_000_000_i64, other in 100..900_000_000_i64, at in 0..12_usize, of in 0..12_usize,
    ) {
        let codes = ["INR", "USD", "EUR", "GBP", "JPY", "KWD", "CHF", "BRL", "CZK", "TND", "HUF", "AED"];
        let (money, of) = (shop(codes[at]), codes[of]);
        let known = of_order(units, of);
        let show = |units, of| money.show(Amount::new(Money::from_minor_units(units), Currency::new(of).unwrap()));
        let allows = |text: &str| in_shop(&money, &known, &[], |evidence| check_program(text, evidence)).is_ok();
        let shown = show(units, of);
        prop_assert!(allows(&format!("I can refund {shown} for order ORD000003.")), "{}", shown);
        let wrong = show(other, of);
        prop_assert_eq!(allows(&format!("I can refund {wrong} for order ORD000003.")), units == other, "{}", wrong);
        for foreign in codes.into_iter().filter(|code| *code != of) {
            let text = format!("I can refund {} for order ORD000003.", show(units, foreign));
            prop_assert!(!allows(&text), "{} where {} is known", text, shown);
        }
    }

    #[test]
    fn markup_and_case_hide_no_claim(
        claim in proptest::sample::select(CLAIMS.iter().flat_map(|(_, claims)| claims.iter().copied()).collect::<Vec<_>>()),
        mark in proptest::sample::select(vec!["*", "_", "~", "\u{200B}", "`"]), upper in any::<bool>(),
    ) {
        let reply = format!("{mark}{claim}{mark}");
        let reply = if upper { reply.to_uppercase() } else { reply };
        prop_assert!(check(&reply, &quoted(), &[]).is_err(), "{}", reply);
    }

    #[test]
    fn what_follows_hides_no_claim(claim in proptest::sample::select(CLAIMS.iter().flat_map(|(_, claims)| claims.iter().copied()).collect::<Vec<_>>())) {
        let reply = format!("Thanks for waiting.\n{claim}\nIs there anything else?");
        prop_assert!(check(&reply, &quoted(), &[]).is_err(), "{}", reply);
    }

    #[test]
    fn no_reply_makes_it_panic(reply in ".*", odd in "[a-z₹@*_.,0-9 ?\\n₨रु]{0,40}") {
        let _ = check(&reply, &paid(), &[]);
        let _ = check(&odd, &paid(), &[]);
    }
}

#[path = "guard_wording_tests.rs"]
mod wording;

/// What the program itself writes about an order with an id of any form passes; an amount that nobody gave does not.
#[test]
fn the_programs_words_may_name_every_known_id_and_transaction() {
    for id in [
        "1501",
        "#1005",
        "ORD-1005",
        "402-1234567-7654321",
        "WC/2026/7",
        "REF-10023",
        "TXN20261130",
        "INV 0043",
        "A1B2",
    ] {
        let known = Known { refunds: vec![refund(id, 599)], ..Known::default() };
        let orders = [OrderId::new(id)];
        let patterns = IdPatterns::default().learnt(&crate::domain::ids::IdForms::of([id]));
        let money = ShopMoney::default();
        let shop_texts = ShopTexts::read([], &patterns, &money);
        let evidence = Evidence {
            known: &known,
            orders: &orders,
            customers: &[],
            customer_text: "",
            results: "",
            shop_texts: &shop_texts,
            patterns: &patterns,
            money: &money,
        };
        let transaction = known.transactions().next().unwrap();
        for text in [
            format!(
                "To protect your data, I can't show {id} with the id alone: send me the exact order value as well."
            ),
            format!("That does not match for {id}. Please check the order id, and send me the exact order value."),
            format!("I can't find order {id} for you, and no refund of {id}."),
            format!("The refund for order {id} has been paid (transaction {transaction})."),
            format!("Your transaction id is {transaction}. The money comes in 5 days."),
            format!("{id}: total {transaction}, {id}."),
        ] {
            assert_eq!(super::check_program(&text, &evidence), Ok(()), "{text}");
        }
        for text in [
            "I refund ₹1,501 for it.".to_owned(),
            format!("The refund of {id} is RFND_20260101120000_{id}9."),
            format!("The refund of {id} is RFND_20260101120001_{id}."),
            "You get ₹1501 back.".to_owned(),
            "You get 1501 rupees back.".to_owned(),
            "You get Rs. 1501 back.".to_owned(),
            "You get 1501.50 back.".to_owned(),
        ] {
            assert!(super::check_program(&text, &evidence).is_err(), "{id}: {text}");
        }
        // A model may repeat the transaction as it is, too.
        let told = format!("Hello, {transaction}.");
        assert_ne!(super::check(&told, &evidence).err().map(|why| why.code()), Some("transaction"), "{told}");
    }
}

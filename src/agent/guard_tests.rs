use proptest::prelude::*;
use regex::Regex;

use super::check as check_with;
use super::*;
use crate::domain::conversation::PaidRefund;
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::refund::{Quote, Refund};

const TRANSACTION: &str = "RFND_20260101120000_ORD000003";

fn refund(order: &str, rupees: i64) -> PaidRefund {
    let transaction_id = format!("RFND_20260101120000_{order}");
    PaidRefund { order_id: OrderId::new(order), amount: Money::from_rupees(rupees), transaction_id }
}

/// The check in a conversation about these orders, with an offer open.
fn check(reply: &str, known: &Known, handed_over: bool, written: &[&str]) -> Result<(), Uncovered> {
    check_in(reply, known, handed_over, true, written)
}

fn check_in(reply: &str, known: &Known, handed_over: bool, quoted: bool, written: &[&str]) -> Result<(), Uncovered> {
    let patterns = IdPatterns::default();
    let orders = ["ORD000003", "ORD000004", "ORD000599"].map(OrderId::new);
    let cover = Cover {
        known,
        handed_over,
        quoted,
        orders: &orders,
        customers: &[],
        said: "",
        written: &Written::read(written.iter().copied(), &patterns),
        patterns: &patterns,
    };
    check_with(reply, &cover)
}

/// ₹599 is known, nothing is paid.
fn quoted() -> Known {
    let orders = ["ORD000003", "ORD000004", "ORD000599"].map(OrderId::new).to_vec();
    Known { amounts: vec![Money::from_rupees(599)], refunds: vec![], orders }
}

/// ₹599 was paid back for ORD000003.
fn paid() -> Known {
    Known { refunds: vec![refund("ORD000003", 599)], ..quoted() }
}

/// The replies that are read otherwise than they should be.
fn otherwise<'a>(
    replies: &[&'a str],
    known: &Known,
    handed_over: bool,
    code: Option<&str>,
) -> Vec<(&'a str, Option<&'static str>)> {
    let read =
        |reply: &&'a str| (*reply, check(reply, known, handed_over, &[]).err().map(|uncovered| uncovered.code()));
    replies.iter().map(read).filter(|(_, read)| *read != code).collect()
}

#[test]
fn what_the_tools_said_passes() {
    let replies = [
        "Done: ₹599 for order ORD000003 has been refunded. Your transaction id is RFND_20260101120000_ORD000003.",
        "Done! **₹599** for order *ORD000003* has been refunded. Transaction id: `RFND_20260101120000_ORD000003`",
        "_RFND_20260101120000_ORD000003_ is your transaction id.",
        "I can refund Rs. 599.00 for it.",
        "That is 599 rupees.",
        "I've refunded ₹599 for order ORD000003; it should arrive within 3-5 business days.",
        "Your refund has been processed.",
        "You will receive ₹599 in 3-5 days.",
        "Order ORD000003 was refunded before: ₹599, transaction RFND_20260101120000_ORD000003. A second refund is not possible.",
        "ORD000003 has been refunded, but ORD000004 is not eligible.",
        "ORD000003 has been refunded and ORD000004 is not eligible.",
        "_ORD000003_ ₹599 Beverages",
        "ORD000003 ₹599 Beverages",
        "Items: 2 ₹599",
        "Aapka ₹599 ka refund ho gaya hai.",
    ];
    assert_eq!(otherwise(&replies, &paid(), false, None), []);
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
    ];
    assert_eq!(otherwise(&replies, &quoted(), false, Some("amount")), []);
    assert_eq!(amounts_in("ORD000599 ₹5000"), [("₹5000".to_owned(), Some(Money::from_rupees(5000)))]);
}

#[test]
fn numbers_that_are_no_money_are_left_alone() {
    let replies = [
        "Delivered in 25 minutes.",
        "Delivered in 250 minutes.",
        "You can ask for a refund within 180 days.",
        "The money arrives within 120 hours.",
        "Order ORD000003 (ordered on 2026-06-01) can be refunded.",
        "Your order of 1 June 2026 can be refunded.",
        "Order 403-1234567-1234567 can be refunded.",
        "The 500 ml pack costs ₹599.",
        "Please send the customer id, like CUST1234, for the refund.",
        "That is 599 rupees. It takes 3-5 days.",
        "Write 250 characters at most.",
        "I can refund ₹599 (599 in total).",
    ];
    assert_eq!(otherwise(&replies, &quoted(), false, None), []);
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
    assert_eq!(otherwise(&replies, &paid(), true, Some("transaction")), []);
}

/// Claims that are false while nothing was paid.
const REFUND_CLAIMS: &[&str] = &[
    "Your order has been refunded.",
    "Your refund has been processed!",
    "I've refunded your order",
    "I have initiated the refund",
    "Your money is on its way",
    "Refund processed.",
    "Your refund is being processed",
    "Refund approved!",
    "Refund status: Completed",
    "You will receive ₹599 in 3-5 days",
    "₹599 has been credited",
    "₹599 *has been* credited",
    "I've gone ahead and refunded",
    "I have gone ahead with your refund",
    "I have processed a full refund",
    "Refunded!",
    "Refunded ₹599 to your account.",
    "Aapka refund ho gaya hai",
    "Refund kar diya hai",
    "paise wapas bhej diye",
    "Aapko ₹599 mil jayenge",
    "आपका रिफंड हो गया है",
    "I'm processing your refund now.",
    "I am refunding ₹599.",
    "Processing your refund now.",
    "Your refund is in progress.",
    "The money will be credited within 3 days.",
    "I'll refund it right away.",
    "We will process your refund today.",
    "Don't worry, your refund has been processed.",
    "No problem your refund has been processed",
    "No problem, I have refunded it.",
    "Your refund has been processed with no delay.",
    "Your refund has been processed, and once it arrives you'll see it.",
    "I can't change the order but your refund was issued.",
    "I can confirm your refund has been processed.",
    "Your refund's been issued.",
    "You've been refunded.",
    "Both orders were refunded.",
    "Your refund request has been approved.",
    "If you look at your account, the refund has been processed.",
    "Your refund has been processed, anything else?",
    "I've refunded it. Shall I do anything else?",
    "You will get your money back soon. Would you like anything else?",
    "Good news: I have issued a refund of ₹599",
    "The amount was returned to your card.",
    "Done!",
    "All done.",
    "Let me process your refund.",
    "The refund went through.",
    "Consider it refunded.",
    "Expect your refund within 3 days.",
    "I've taken care of your refund.",
    "ORD000003 refunded.",
    "Order ORD000003: refunded ₹599",
    "Refund ✅ processed",
    "One moment while I process your refund.",
    "Your wallet has been credited.",
    "₹599 refunded.",
    "₹599 credited to your UPI.",
    "It will be credited to your account in 3 days.",
    "I've gone ahead and processed everything.",
    "We've initiated a return.",
    "I have submitted your refund request.",
];

#[test]
fn a_refund_that_was_not_paid_is_not_claimed() {
    assert_eq!(otherwise(REFUND_CLAIMS, &quoted(), false, Some("refund_claim")), []);
}

#[test]
fn a_claim_is_covered_by_its_own_refund_only() {
    let false_claims = [
        "Order ORD000004 has been refunded.",
        "I've refunded both orders.",
        "I've refunded ORD000003 and ORD000004.",
        "About ORD000004: your refund has been processed.",
        "For ORD000004, I have issued the refund.",
        "ORD000004 was late. It has been refunded.",
        "Your orders have been refunded.",
        "All refunds have been processed.",
        "ORD000003 and ORD000004 has been refunded.",
        "I'll refund ORD000004 too.",
    ];
    assert_eq!(otherwise(&false_claims, &paid(), false, Some("refund_claim")), []);
    let mut known = paid();
    known.add_amounts([Money::from_rupees(700)]);
    assert_eq!(otherwise(&["₹700 has been refunded.", "Refunded ₹700."], &known, false, Some("refund_claim")), []);
    known.add_refund(refund("ORD000004", 700));
    let true_claims = [
        "I've refunded both orders.",
        "I've refunded ORD000003 and ORD000004.",
        "₹700 for ORD000004 has been refunded.",
        "₹599 and ₹700 have been refunded.",
    ];
    assert_eq!(otherwise(&true_claims, &known, false, None), []);
    let mixed_up = ["₹700 for ORD000003 has been refunded.", "All three orders have been refunded."];
    assert_eq!(otherwise(&mixed_up, &known, false, Some("refund_claim")), []);
}

#[test]
fn no_tool_cancels_or_changes_an_order() {
    let replies = [
        "Your order has been cancelled",
        "I've cancelled your order.",
        "Order ORD000003 has been canceled.",
        "I have updated your address.",
        "A replacement has been arranged.",
        "I've placed a replacement order.",
        "Your cancellation has been processed.",
        "I've applied a coupon to your account.",
        "I'll cancel your order now.",
        "Order cancel kar diya hai",
    ];
    assert_eq!(otherwise(&replies, &paid(), true, Some("change_claim")), []);
}

/// Claims that are false while nobody was asked.
const PERSON_CLAIMS: &[&str] = &[
    "I've escalated this.",
    "I have asked a member of our team to help",
    "An agent will contact you shortly",
    "I'm escalating this",
    "I am connecting you to an agent now",
    "I'll forward this",
    "A human has been notified",
    "A supervisor will contact you",
    "I've passed this on",
    "A ticket has been raised",
    "Maine team ko bata diya",
    "We informed our team.",
    "I've raised a ticket.",
    "Someone will call you soon.",
    "Our team is looking into it.",
    "Your complaint has been forwarded.",
    "You have been connected.",
    "I'll connect you with a manager.",
    "Let me transfer you.",
    "Escalating this to my manager.",
    "Team ko forward kar diya hai",
    "Manager aapko call karenge",
    "A specialist is on the way.",
    "I've notified the *team*.",
    "Your case will be escalated.",
    "I'm bringing in a person.",
    "You'll hear from our team soon.",
    "I've let the team know.",
    "My manager approved it.",
    "Support will contact you.",
    "I've checked with our team.",
    "Aapki request aage bhej di hai.",
    "Please hold while I connect you to an agent.",
    "Don't worry, someone will get back to you.",
];

#[test]
fn a_person_who_was_not_asked_is_not_promised() {
    assert_eq!(otherwise(PERSON_CLAIMS, &paid(), false, Some("hand_over_claim")), []);
    assert_eq!(otherwise(PERSON_CLAIMS, &quoted(), true, None), []);
}

#[test]
fn offers_questions_conditions_and_denials_are_no_claims() {
    let replies = [
        "I can refund ₹599 for order ORD000003. Shall I go ahead?",
        "You will get ₹599 back for ORD000003. Shall I go ahead?",
        "I'll refund ₹599 once you say yes.",
        "Please confirm and I'll process the refund of ₹599.",
        "If you agree, I will refund ₹599.",
        "No problem: I have not refunded anything, and your order stays as it is.",
        "Your order has not been refunded yet.",
        "Your order hasn't been refunded.",
        "No refund has been issued",
        "Has your refund been processed?",
        "Aapka refund abhi nahi hua hai.",
        "Once a refund is confirmed, the money usually arrives within 3-5 business days.",
        "Once the refund has been processed, it takes 3-5 days",
        "Refunds are processed within 3-5 days.",
        "I can get your refund processed if you agree.",
        "The refund would be ₹599.",
        "I am checking whether your refund has been processed.",
        "Your delivery agent will call you",
        "If you want, someone from our team will contact you. Shall I?",
        "Shall I bring in a member of our team? (yes / no)",
        "I'll connect you with an agent. Shall I go ahead?",
        "I haven't forwarded this to anyone.",
        "I can forward this to our team.",
        "✅ Refund amount: ₹599 for ORD000003. Shall I go ahead?",
        "Great news! Your order ORD000003 is eligible for a refund of ₹599. Would you like me to process it?",
        "Let me check whether ORD000003 is eligible for a refund.",
        "I understand you want your money back, and I'm sorry about the trouble.",
        "Your order ORD000003 (Beverages, ₹599) was delivered on 20 August 2026 in 11 minutes.",
        "Main ORD000003 ke ₹599 vapas kar sakta hoon. Kar doon?",
        "Kya aap apna order id bhej sakte hain?",
        "Would you like to talk to a member of our team?",
        "Is there anything else? You can write to us at any hour.",
        "say “agent” and I will bring in a member of the team",
        "Beverages orders cannot be refunded under the shop's policy.",
        "Your order has not been cancelled.",
        "Order ORD000003 (Dairy, ₹599): its status is “Cancelled”.",
        "Order ORD000003 (Dairy, ₹599): delivered in 30 minutes, on time.",
        "Hello! What can I do for you?",
        "Your payment of ₹599 is on record.",
    ];
    assert_eq!(otherwise(&replies, &quoted(), false, None), []);
}

#[test]
fn every_written_answer_passes() {
    let file: toml::Table = include_str!("../../data/faq.toml").parse().unwrap();
    let answers: Vec<String> = file["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            entry["answer"].as_str().unwrap().replace("{arrival}", "3-5 business days").replace("{quote_minutes}", "30")
        })
        .collect();
    assert!(answers.len() > 5);
    let answers: Vec<&str> = answers.iter().map(String::as_str).collect();
    assert_eq!(otherwise(&answers, &Known::default(), false, None), []);
}

#[test]
fn every_reply_of_the_playbook_passes() {
    let sources = [
        include_str!("../llm/playbook/plan.rs"),
        include_str!("../llm/playbook/intents.rs"),
        include_str!("../llm/playbook/phrases.rs"),
    ];
    let literal = Regex::new(r#""((?:[^"\\\n]|\\.)+)""#).unwrap();
    let hole = Regex::new(r"\{(\w*)\}").unwrap();
    let mut seen = 0;
    for source in sources {
        let code = source.split("#[cfg(test)]").next().unwrap();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        for text in lines.flat_map(|line| literal.captures_iter(line)).map(|hit| hit[1].replace("\\n", "\n")) {
            if !text.contains(' ') {
                continue;
            }
            let filled = hole.replace_all(&text, |hit: &regex::Captures<'_>| match &hit[1] {
                "id" => "ORD000003",
                "transaction" => TRANSACTION,
                "amount" | "" => "₹599",
                "arrival" => "3-5 business days",
                _ => "",
            });
            seen += 1;
            assert_eq!(check(&filled, &paid(), true, &[]), Ok(()), "{filled}");
            // What is said after a payment or a hand-over needs its cover; all else must pass without any.
            let reports = ["been refunded", "was refunded", "{transaction}", "I've asked a member"];
            if !reports.iter().any(|report| text.contains(report)) {
                let outcome = check(&filled.replace("transaction ₹599", "transaction"), &quoted(), false, &[]);
                assert_eq!(outcome, Ok(()), "{filled}");
            }
        }
    }
    assert!(seen > 40, "only {seen} texts were found: the test no longer sees them");
}

#[test]
fn an_outcome_gives_its_amounts() {
    let at = jiff::Timestamp::UNIX_EPOCH;
    let order = OrderId::new("ORD000003");
    let rupees = Money::from_rupees;
    let quote = Quote {
        id: QuoteId::new("q1"),
        order_id: order.clone(),
        user_id: None,
        order_value: rupees(599),
        amount: Money::from_paise(56_905),
        fee: Money::from_paise(2_995),
        turn: None,
        created_at: at,
        expires_at: at,
    };
    assert_eq!(amounts_of(&Outcome::Quoted(quote)), [rupees(599), Money::from_paise(56_905), Money::from_paise(2_995)]);
    let above = || Refusal::AboveLimit { limit: rupees(2_000) };
    assert_eq!(amounts_of(&Outcome::Refused(order.clone(), above())), [rupees(2_000)]);
    assert_eq!(amounts_of(&Outcome::Denied(order.clone(), Denial::Policy(above()))), [rupees(2_000)]);
    assert_eq!(amounts_of(&Outcome::Denied(order.clone(), Denial::WrongAmount { right: rupees(5) })), [rupees(5)]);
    assert_eq!(amounts_of(&Outcome::Denied(order.clone(), Denial::NoConsent)), []);
    let refund = Refund {
        transaction_id: TRANSACTION.to_owned(),
        order_id: order,
        amount: rupees(7),
        fee: rupees(1),
        quote_id: None,
        reason: "₹5000 please".to_owned(),
        actor: "a".to_owned(),
        at,
    };
    assert_eq!(amounts_of(&Outcome::Refunded { refund, already: true }), [rupees(7)]);
    assert_eq!(amounts_of(&Outcome::WrongCall("₹5000".to_owned())), []);
}

proptest! {
    #[test]
    fn no_invented_amount_passes(rupees in 1..1_000_000_i64, before in "[a-z ]{0,20}", after in "[a-z ]{0,20}") {
        prop_assume!(rupees != 599);
        let reply = format!("{before} {} {after}", Money::from_rupees(rupees));
        prop_assert!(matches!(check(&reply, &paid(), false, &[]), Err(Uncovered::Amount(_))), "{}", reply);
    }

    #[test]
    fn markup_and_case_hide_no_claim(
        claim in proptest::sample::select(REFUND_CLAIMS), mark in proptest::sample::select(vec!["*", "_", "~", "\u{200B}", "`"]), upper in any::<bool>(),
    ) {
        let reply = format!("{mark}{claim}{mark}");
        let reply = if upper { reply.to_uppercase() } else { reply };
        prop_assert!(check(&reply, &quoted(), false, &[]).is_err(), "{}", reply);
    }

    #[test]
    fn what_follows_hides_no_claim(claim in proptest::sample::select([REFUND_CLAIMS, PERSON_CLAIMS].concat())) {
        let reply = format!("Thanks for waiting.\n{claim}\nIs there anything else?");
        prop_assert!(check(&reply, &quoted(), false, &[]).is_err(), "{}", reply);
    }

    #[test]
    fn no_reply_makes_it_panic(reply in ".*", odd in "[a-z₹@*_.,0-9 ?\\n₨रु]{0,40}") {
        let _ = check(&reply, &paid(), false, &[]);
        let _ = check(&odd, &paid(), false, &[]);
    }
}

#[path = "guard_wording_tests.rs"]
mod wording;

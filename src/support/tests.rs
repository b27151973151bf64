//! Tests of the support, on the embedded store.

use jiff::SignedDuration;

use super::*;
use crate::domain::alert::Priority;
use crate::domain::currency::Amount;
use crate::domain::ids::{OrderId, QuoteId};
use crate::domain::money::Money;
use crate::domain::ownership::Access;
use crate::domain::refund::Denial;
use crate::support::refunds::{PayOutcome, QuoteOutcome};
use crate::testing::{Shop, customer};

fn id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

async fn quoted(support: &SupportService, context: &Context, order: u32) -> QuoteId {
    match support.create_quote(context, &id(order), &[]).await.unwrap() {
        QuoteOutcome::Quoted(quote) => quote.id,
        other => panic!("no quote: {other:?}"),
    }
}

#[tokio::test]
async fn the_first_identity_that_asks_binds_the_order() {
    let shop = Shop::open().await;
    let support = shop.support();
    assert!(support.record_lookup(&customer("a", 1, "", &[], shop.now), &id(1), Access::See).await.unwrap().is_some());
    assert!(support.record_lookup(&customer("b", 1, "", &[], shop.now), &id(1), Access::See).await.unwrap().is_none());
    assert!(support.record_lookup(&customer("a", 2, "", &[], shop.now), &id(1), Access::See).await.unwrap().is_some());
}

#[tokio::test]
async fn an_order_with_a_telephone_number_answers_to_it_only() {
    let shop = Shop::with(|config| config.orders.verification = Verification::Off).await;
    let support = shop.support();
    let asks = async |user| {
        support.record_lookup(&customer(user, 1, "", &[], shop.now), &id(9), Access::See).await.unwrap().is_some()
    };
    assert!(asks("919876543210").await);
    assert!(!asks("919876543211").await);
    assert!(!asks("tester").await);
}

/// Orders that are found by their number, in a shop with the usual questions: 21 to 23 are of one customer, 24 is of somebody
/// with the same last digits, 25 has a second number.
async fn shop_with_numbers() -> Shop {
    let shop = Shop::with(|config| config.orders.claim_proof = vec!["customer_id".to_owned()]).await;
    let of = |number, phone: &str, day| {
        let mut order = crate::testing::order(number, "Dairy", 100);
        order.phone = Some(phone.to_owned());
        order.placed_at = Some(jiff::civil::date(2026, 5, day).at(12, 0, 0, 0));
        order
    };
    let mut shared = of(25, "+91 98450 77777", 9);
    shared.details.other_phones = vec!["098450 12345".to_owned()];
    shared.details.email = Some("asha@example.com".to_owned());
    shared.details.address = Some("12 MG Road".to_owned());
    shared.details.payment_id = Some("pay_1".to_owned());
    let orders = [
        of(21, "98450 12345", 1),
        of(22, "+919845012345", 3),
        of(23, "0 98450-12345", 2),
        of(24, "+918845012345", 4),
        shared,
    ];
    shop.store.upsert_orders(&orders).await.unwrap();
    shop
}

#[tokio::test]
async fn a_customer_has_the_orders_of_their_number() {
    let shop = shop_with_numbers().await;
    let support = shop.support();
    let own = async |user: &str| -> Vec<String> {
        let orders = support.own_orders(&UserId::new(user)).await.unwrap();
        orders.iter().map(|order| order.id.to_string()).collect()
    };
    assert_eq!(own("919845012345").await, ["ORD000025", "ORD000022", "ORD000023", "ORD000021"]);
    assert_eq!(own("919845077777").await, ["ORD000025"]);
    for nobody in ["919845012346", "9845012345", "tester", ""] {
        assert!(own(nobody).await.is_empty(), "{nobody}");
    }
    // They need not name them, and nobody else sees them, named or not.
    let sees = async |user: &str, order: u32, named: bool, access| {
        let mut context = customer(user, 1, "", &[], shop.now);
        let Caller::Customer(caller) = &mut context.caller else { unreachable!() };
        if !named {
            caller.named_orders.clear();
        }
        support.record_lookup(&context, &id(order), access).await.unwrap()
    };
    for (user, order) in [("919845012345", 21), ("919845012345", 25), ("919845077777", 25)] {
        for access in [Access::See, Access::Money] {
            assert!(sees(user, order, false, access).await.unwrap().proven, "{user} {order}");
        }
    }
    for (user, order) in [("919845012345", 24), ("919845077777", 21), ("918845012345", 25), ("tester", 25)] {
        assert!(sees(user, order, true, Access::See).await.is_none(), "{user} {order}");
        assert!(sees(user, order, false, Access::See).await.is_none(), "{user} {order}");
    }
    // An order without a number has to be named.
    assert!(sees("919845012345", 1, false, Access::See).await.is_none());
}

#[tokio::test]
async fn who_knows_an_order_by_its_id_alone_is_not_told_where_its_buyer_lives() {
    let shop = shop_with_numbers().await;
    let mut context = customer("IN.1047385771169864", 1, "CUST0025", &[], shop.now);
    let Caller::Customer(caller) = &mut context.caller else { unreachable!() };
    caller.customer_ids.push("CUST0025".to_owned());
    let seen = shop.support().record_lookup(&context, &id(25), Access::See).await.unwrap().unwrap();
    assert!(seen.proven);
    let json = serde_json::Value::Object(seen.to_json()).to_string();
    for secret in ["98450", "asha", "MG Road"] {
        assert!(!json.contains(secret), "{secret}: {json}");
    }
    assert_eq!(seen.order.details.payment_id.as_deref(), Some("pay_1"), "a refund needs it");
}

#[tokio::test]
async fn strict_needs_the_customer_id_in_the_customers_own_words() {
    let shop = Shop::with(|config| config.orders.verification = Verification::Strict).await;
    let support = shop.support();
    let mut context = customer("a", 1, "", &[], shop.now);
    assert!(support.record_lookup(&context, &id(1), Access::See).await.unwrap().is_none());
    let Caller::Customer(caller) = &mut context.caller else { unreachable!() };
    caller.customer_ids.push("cust0001".into());
    assert!(support.record_lookup(&context, &id(1), Access::See).await.unwrap().is_some());
    assert!(support.record_lookup(&context, &id(2), Access::See).await.unwrap().is_none());
}

#[tokio::test]
async fn trying_many_ids_is_limited_and_recovers_a_day_later() {
    let shop = Shop::open().await;
    let support = shop.support();
    for number in 100..105 {
        assert!(
            support
                .record_lookup(&customer("a", 1, "", &[], shop.now), &id(number), Access::See)
                .await
                .unwrap()
                .is_none()
        );
    }
    assert!(support.record_lookup(&customer("a", 1, "", &[], shop.now), &id(1), Access::See).await.unwrap().is_none());
    let tomorrow = shop.now + SignedDuration::from_hours(25);
    assert!(support.record_lookup(&customer("a", 2, "", &[], tomorrow), &id(1), Access::See).await.unwrap().is_some());
    let operator = Context { caller: Caller::Operator { name: "x".into() }, now: shop.now };
    for number in 1..9 {
        assert!(support.record_lookup(&operator, &id(number), Access::See).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_refund_takes_a_quote_and_a_later_yes_and_is_paid_once() {
    let shop = Shop::open().await;
    let support = shop.support();
    let now = shop.now;
    let quote = quoted(&support, &customer("a", 1, "refund please", &[], now), 3).await;
    let pay = async |turn, text: &str, offered: &[&QuoteId]| {
        support.pay(&customer("a", turn, text, offered, now), (&id(3), &[]), None, "missing items").await.unwrap()
    };
    assert_eq!(pay(1, "yes", &[&quote]).await, PayOutcome::Denied(Denial::SameTurn));
    assert_eq!(pay(2, "hmm", &[&quote]).await, PayOutcome::Denied(Denial::NoConsent));
    assert_eq!(pay(2, "yes", &[]).await, PayOutcome::Denied(Denial::NothingOffered));
    let PayOutcome::Paid(first) = pay(2, "yes", &[&quote]).await else { panic!("not paid") };
    assert!(!first.already);
    assert_eq!(first.refund.amount, Money::from_rupees(599));
    let PayOutcome::Paid(second) = pay(3, "yes", &[&quote]).await else { panic!("not answered") };
    assert!(second.already);
    assert_eq!(second.refund, first.refund);
    assert!(matches!(
        support.create_quote(&customer("a", 4, "again", &[], now), &id(3), &[]).await.unwrap(),
        QuoteOutcome::AlreadyRefunded { .. }
    ));
}

#[tokio::test]
async fn a_stranger_can_neither_quote_nor_be_told_of_a_refund() {
    let shop = Shop::open().await;
    let support = shop.support();
    let operator = Context { caller: Caller::Operator { name: "x".into() }, now: shop.now };
    support.record_lookup(&customer("a", 1, "", &[], shop.now), &id(3), Access::See).await.unwrap();
    assert!(matches!(support.pay(&operator, (&id(3), &[]), None, "").await.unwrap(), PayOutcome::Paid(_)));
    let stranger = customer("b", 1, "", &[], shop.now);
    assert_eq!(support.create_quote(&stranger, &id(3), &[]).await.unwrap(), QuoteOutcome::NotFound);
    assert_eq!(support.pay(&stranger, (&id(3), &[]), None, "").await.unwrap(), PayOutcome::NotFound);
}

#[tokio::test]
async fn an_expired_quote_is_not_paid() {
    let shop = Shop::open().await;
    let support = shop.support();
    let quote = quoted(&support, &customer("a", 1, "", &[], shop.now), 3).await;
    let late = shop.now + shop.policy().quote_valid;
    let outcome = support.pay(&customer("a", 2, "yes", &[&quote], late), (&id(3), &[]), None, "").await.unwrap();
    assert_eq!(outcome, PayOutcome::Denied(Denial::QuoteExpired));
}

#[tokio::test]
async fn a_customer_cannot_ask_for_a_person_in_anothers_name() {
    let shop = Shop::open().await;
    let request = HandoffRequest {
        id: None,
        user_id: "somebody else".into(),
        reason: "help".into(),
        last_message: "forged".into(),
        priority: Priority::High,
    };
    let alert = shop.support().request_handoff(&customer("a", 1, "my words", &[], shop.now), request).await.unwrap();
    assert_eq!(alert.user_id, UserId::new("a"));
    assert_eq!(alert.last_message, "my words");
}

/// A shop that asks for what only the buyer knows; order 7 was placed an hour ago, the others have no date.
async fn asking() -> Shop {
    let shop = Shop::with(|config| config.orders.claim_proof = vec!["customer_id".into(), "amount".into()]).await;
    let young = crate::domain::order::Order {
        placed_at: Some(jiff::civil::datetime(2026, 6, 1, 14, 30, 0, 0)),
        ..crate::testing::order(7, "Dairy", 700)
    };
    let mut import = shop.store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    import.write(vec![young]).await.unwrap();
    import.commit().await.unwrap();
    shop
}

fn saying(shop: &Shop, user: &str, text: &str, asked: bool, named: &[u32]) -> Context {
    let mut context = customer(user, 1, text, &[], shop.now);
    let Caller::Customer(caller) = &mut context.caller else { unreachable!() };
    caller.customer_ids = shop.rules.patterns.customers_in(text);
    caller.named_orders = named.iter().map(|number| id(*number)).collect();
    caller.proof_asked = asked;
    context
}

#[tokio::test]
async fn an_old_order_is_bound_to_whoever_knows_something_of_it() {
    let shop = asking().await;
    let support = shop.support();
    let asks = async |user: &str, text: &str, asked, number: u32| {
        let context = saying(&shop, user, text, asked, &[number]);
        support.record_lookup(&context, &id(number), Access::See).await.unwrap().is_some()
    };
    assert!(!asks("a", "where is ORD000001", false, 1).await);
    assert!(!asks("a", "ORD000001, CUST0002", false, 1).await, "another customer's id");
    assert_eq!(shop.store.binding(&id(1)).await.unwrap(), None);
    assert!(asks("a", "CUST0001", true, 1).await);
    assert!(asks("a", "and now?", false, 1).await, "it stays theirs");
    assert!(!asks("b", "ORD000001, CUST0001", false, 1).await, "it is somebody's");
    assert!(asks("b", "ORD000002 I paid 200 for it", false, 2).await);
    assert!(asks("b", "400", true, 4).await);
    assert!(!asks("c", "500 ORD000005", false, 5).await, "a number that nobody asked for");
    let bound = shop.store.binding_of(&id(2)).await.unwrap().unwrap();
    assert_eq!((bound.user_id.as_str(), bound.proof.as_deref()), ("b", Some("amount")));
}

#[tokio::test]
async fn a_young_order_is_seen_and_its_money_needs_more() {
    let shop = asking().await;
    let support = shop.support();
    let first = saying(&shop, "a", "ORD000007", false, &[7]);
    assert!(support.record_lookup(&first, &id(7), Access::See).await.unwrap().is_some());
    assert_eq!(support.create_quote(&first, &id(7), &[]).await.unwrap(), QuoteOutcome::NotFound);
    assert_eq!(support.pay(&first, (&id(7), &[]), None, "").await.unwrap(), PayOutcome::NotFound);
    let owner = saying(&shop, "b", "ORD000007 CUST0007", false, &[7]);
    assert!(matches!(support.create_quote(&owner, &id(7), &[]).await.unwrap(), QuoteOutcome::Quoted(_)));
    assert!(support.record_lookup(&first, &id(7), Access::See).await.unwrap().is_none(), "the owner has it now");
}

#[tokio::test]
async fn wrong_answers_are_limited_and_tell_nothing() {
    let shop = asking().await;
    let support = shop.support();
    // The same for an order that exists and for one that does not: so many tries, and then not even the right answer.
    for (user, number, right) in [("a", 3, "599"), ("b", 77, "599")] {
        let look = async |text: &str| {
            let context = saying(&shop, user, text, true, &[number]);
            support.record_lookup(&context, &id(number), Access::See).await.unwrap()
        };
        let alert = async || shop.store.pending_alert(&UserId::new(user)).await.unwrap();
        for amount in 1..=crate::domain::ownership::ANSWERS_OF_IDENTITY {
            assert!(alert().await.is_none());
            assert!(look(&format!("{}", 100 + amount)).await.is_none());
        }
        assert!(alert().await.is_some_and(|alert| alert.reason.starts_with("Guesses")), "the last one is told");
        assert!(look(right).await.is_none(), "the limit holds for the right one too");
        let alert = alert().await.unwrap();
        assert!(alert.reason.starts_with("Guesses") && alert.priority == Priority::High, "{alert:?}");
    }
    // Many identities together have a limit for one order as well, where few values would do.
    for number in 0..crate::domain::ownership::ANSWERS_FOR_ORDER {
        let context = saying(&shop, &format!("crowd-{number}"), &format!("{}", 1_000 + number), true, &[4]);
        assert!(support.record_lookup(&context, &id(4), Access::See).await.unwrap().is_none());
    }
    let late = saying(&shop, "late", "400", true, &[4]);
    assert!(support.record_lookup(&late, &id(4), Access::See).await.unwrap().is_none());
    let blamed = async |user: &str| {
        let alert = shop.store.pending_alert(&UserId::new(user)).await.unwrap();
        alert.is_some_and(|alert| alert.reason.contains("Guesses"))
    };
    assert!(!blamed("late").await, "who answers rightly is not blamed for the others");
    let guesser = saying(&shop, "one-more", "1999", true, &[4]);
    assert!(support.record_lookup(&guesser, &id(4), Access::See).await.unwrap().is_none());
    assert!(blamed("one-more").await);
    let tomorrow = Context { now: shop.now + SignedDuration::from_hours(25), ..late };
    assert!(support.record_lookup(&tomorrow, &id(4), Access::See).await.unwrap().is_some());
}

#[tokio::test]
async fn trying_out_orders_is_told_to_the_team() {
    let shop = asking().await;
    let support = shop.support();
    let reason = async |user: &str| {
        shop.store.pending_alert(&UserId::new(user)).await.unwrap().map(|alert| alert.reason).unwrap_or_default()
    };
    let look = async |user: &str, numbers: &[u32]| {
        for last in 1..=numbers.len() {
            let context = saying(&shop, user, "?", false, &numbers[..last]);
            support.record_lookup(&context, &id(numbers[last - 1]), Access::See).await.unwrap();
        }
    };
    look("one-by-one", &[401, 402, 403, 404]).await;
    assert!(reason("one-by-one").await.contains("one order number after the other"));
    look("many", &[500, 600, 700, 800, 900, 950]).await;
    assert!(reason("many").await.contains("more orders in a day"));
    look("honest", &[500, 600]).await;
    assert_eq!(reason("honest").await, "");
    for number in 0..=crate::domain::ownership::IDENTITIES_OF_ORDER {
        look(&format!("crowd-{number}"), &[9]).await;
    }
    assert_eq!(reason("crowd-0").await, "");
    // Whoever it is, the bot goes on answering: the next one may be the buyer.
    assert!(shop.store.pending_alert(&UserId::new("many")).await.unwrap().unwrap().bot_answers);
    assert!(reason(&format!("crowd-{}", crate::domain::ownership::IDENTITIES_OF_ORDER)).await.contains("ORD000009"));
}

#[tokio::test]
async fn unbinding_is_on_record() {
    let shop = asking().await;
    let actor = Actor { name: "front-desk".into(), now: shop.now };
    assert_eq!(orders::unbind(shop.store.as_ref(), &actor, &id(1), "").await.unwrap(), None);
    assert_eq!(shop.store.audit_length().await.unwrap(), 0);
    shop.store.bind_order(&id(1), &UserId::new("a"), shop.now).await.unwrap();
    let bound = orders::unbind(shop.store.as_ref(), &actor, &id(1), "wrong person").await.unwrap().unwrap();
    assert_eq!(bound.user_id, UserId::new("a"));
    let entries = shop.store.audit_entries(1, 9).await.unwrap();
    assert_eq!(entries.len(), 2);
    assert!(entries[1].content.contains("unbind_order") && entries[1].content.contains("front-desk"), "{entries:?}");
}

#[tokio::test]
async fn a_hidden_number_is_shown_by_its_last_digits_where_the_shop_asks_for_them() {
    for (kinds, opened) in [(vec!["customer_id".to_owned()], false), (vec!["phone_last4".to_owned()], true)] {
        let shop = Shop::with(|config| config.orders.claim_proof = kinds).await;
        let look = async |user: &str, text: &str| {
            let context = saying(&shop, user, text, true, &[9]);
            shop.support().record_lookup(&context, &id(9), Access::Money).await.unwrap().is_some()
        };
        assert!(!look("IN.77", "3211").await);
        assert!(!look("919876543211", "3210").await, "another number stays another number");
        assert_eq!(look("IN.77", "3210").await, opened);
        assert_eq!(look("IN.77", "thanks").await, opened);
    }
}

#[tokio::test]
async fn others_wrong_answers_never_shut_out_who_knows_the_customer_id() {
    let shop = asking().await;
    let support = shop.support();
    for number in [4, 7] {
        for stranger in 0..5 {
            for answer in 0..7 {
                let text = format!("CUST9{stranger}{answer} or {}", 1_000 + answer);
                let context = saying(&shop, &format!("stranger-{number}-{stranger}"), &text, true, &[number]);
                assert!(support.record_lookup(&context, &id(number), Access::Money).await.unwrap().is_none());
            }
        }
        let buyer = format!("buyer-{number}");
        let context = saying(&shop, &buyer, &format!("my customer id is CUST000{number}"), true, &[number]);
        assert!(support.record_lookup(&context, &id(number), Access::Money).await.unwrap().is_some(), "{number}");
        assert!(shop.store.pending_alert(&UserId::new(buyer)).await.unwrap().is_none(), "nobody blames the buyer");
        let guesser = UserId::new(format!("stranger-{number}-0"));
        assert!(shop.store.pending_alert(&guesser).await.unwrap().unwrap().reason.contains("Guesses"));
    }
}

#[tokio::test]
async fn an_order_that_is_not_proven_tells_nothing_that_would_prove_it() {
    let shop = asking().await;
    let mut thief = shop.chat("447700900001");
    for text in [
        "where is ORD000007",
        "how much did I pay for ORD000007?",
        "I want a refund for ORD000007",
        "delivery delay ORD000007",
    ] {
        let turn = thief.turn(text).await;
        let told = format!("{} {:?}", turn.reply.clone().unwrap_or_default(), turn.calls);
        assert!(
            !told.contains('₹') && !told.contains("Customer ID") && !told.contains("Order Value"),
            "{text}: {told}"
        );
        assert!(!told.contains("\": Number(700)") && !told.contains("CUST0007"), "{text}: {told}");
    }
    assert!(thief.say("yes").await.find('₹').is_none());
    assert!(shop.store.refund_of(&id(7)).await.unwrap().is_none());
    // The buyer, who knows what was paid.
    let mut buyer = shop.chat("919811199999");
    assert!(buyer.say("I want a refund for ORD000007").await.contains("exact order value"));
    assert!(buyer.say("700").await.contains("₹700"));
    assert!(buyer.say("yes").await.contains("RFND_"));
}

#[tokio::test]
async fn what_the_program_told_somebody_proves_nothing() {
    let shop = asking().await;
    let user = UserId::new("a");
    let mut conversation = crate::domain::conversation::Conversation::new(user.clone());
    conversation.known.add_order_amount(id(7), Amount::rupees(700));
    assert!(shop.store.save_conversation(&conversation).await.unwrap());
    let asks = async |user: &str, text: &str| {
        let context = saying(&shop, user, text, true, &[7]);
        shop.support().record_lookup(&context, &id(7), Access::Money).await.unwrap().is_some()
    };
    assert!(!asks("a", "I paid ₹700").await);
    assert!(asks("b", "I paid ₹700").await, "told to somebody else");
    assert!(shop.store.unbind_order(&id(7)).await.unwrap().is_some());
    assert!(asks("a", "CUST0007").await);
}

#[tokio::test]
async fn young_orders_one_after_the_other_are_told_before_any_money() {
    let shop = asking().await;
    let young = |number: u32| crate::domain::order::Order {
        placed_at: Some(jiff::civil::datetime(2026, 6, 1, 14, 30, 0, 0)),
        ..crate::testing::order(number, "Dairy", 700)
    };
    let mut import = shop.store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    import.write((51..=53).map(young).collect()).await.unwrap();
    import.commit().await.unwrap();
    let alert = async || shop.store.pending_alert(&UserId::new("a")).await.unwrap();
    for last in 51..=53 {
        assert!(alert().await.is_none(), "{last}");
        let context = saying(&shop, "a", "where is it", false, &(51..=last).collect::<Vec<_>>());
        let seen = shop.support().record_lookup(&context, &id(last), Access::See).await.unwrap().unwrap();
        assert!(!seen.proven && !seen.to_json().contains_key(crate::domain::order::column::VALUE));
    }
    assert!(alert().await.unwrap().reason.contains("one order number after the other"));
    // A buyer of three orders who shows it for each is no such case.
    for last in 51..=53 {
        let text = format!("CUST00{last}");
        let context = saying(&shop, "buyer", &text, true, &(51..=last).collect::<Vec<_>>());
        let seen = shop.support().record_lookup(&context, &id(last), Access::Money).await.unwrap();
        assert!(seen.unwrap().proven);
    }
    assert!(shop.store.pending_alert(&UserId::new("buyer")).await.unwrap().is_none());
}

#[tokio::test]
async fn who_hides_the_number_is_known_by_the_customer_id_or_the_value() {
    for answer in ["CUST0009", "I paid 250"] {
        let shop = asking().await;
        let asks = async |user: &str, text: &str| {
            let context = saying(&shop, user, text, true, &[9]);
            shop.support().record_lookup(&context, &id(9), Access::Money).await.unwrap()
        };
        assert!(asks("IN.77", "where is ORD000009").await.is_none());
        assert!(asks("919876543211", answer).await.is_none(), "another number stays another number");
        let seen = asks("IN.77", answer).await.unwrap();
        assert!(seen.proven && seen.order.phone.is_none(), "the number itself stays hidden");
        assert!(asks("IN.77", "thanks").await.is_some(), "it stays theirs");
        assert!(asks("IN.78", answer).await.is_none(), "and nobody else's");
        assert!(asks("919876543210", "?").await.is_some(), "the number is still its number");
    }
}

#[tokio::test]
async fn a_binding_without_proof_opens_nothing_where_the_customer_id_is_needed() {
    let shop = Shop::with(|config| config.orders.verification = Verification::Strict).await;
    shop.store.bind_order(&id(1), &UserId::new("a"), shop.now).await.unwrap();
    for access in [Access::See, Access::Money] {
        let looked = async |text: &str| {
            shop.support().record_lookup(&saying(&shop, "a", text, false, &[1]), &id(1), access).await.unwrap()
        };
        assert!(looked("ORD000001").await.is_none());
        assert!(looked("CUST0001").await.is_some());
    }
}

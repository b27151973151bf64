//! Tests of the desk, on the embedded store.

use jiff::SignedDuration;

use super::*;
use crate::desk::refunds::{PayOutcome, QuoteOutcome};
use crate::domain::ids::QuoteId;
use crate::domain::money::Money;
use crate::domain::refund::Denial;
use crate::testing::{Shop, customer};

fn id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

async fn quoted(desk: &Desk, context: &Context, order: u32) -> QuoteId {
    match desk.quote(context, &id(order)).await.unwrap() {
        QuoteOutcome::Quoted(quote) => quote.id,
        other => panic!("no quote: {other:?}"),
    }
}

#[tokio::test]
async fn the_first_identity_that_asks_binds_the_order() {
    let shop = Shop::open().await;
    let desk = shop.desk();
    assert!(desk.look_up(&customer("a", 1, "", &[], shop.now), &id(1)).await.unwrap().is_some());
    assert!(desk.look_up(&customer("b", 1, "", &[], shop.now), &id(1)).await.unwrap().is_none());
    assert!(desk.look_up(&customer("a", 2, "", &[], shop.now), &id(1)).await.unwrap().is_some());
}

#[tokio::test]
async fn an_order_with_a_telephone_number_answers_to_it_only() {
    let shop = Shop::with(|config| config.orders.verification = Verification::Off).await;
    let desk = shop.desk();
    let asks = async |user| desk.look_up(&customer(user, 1, "", &[], shop.now), &id(9)).await.unwrap().is_some();
    assert!(asks("919876543210").await);
    assert!(!asks("919876543211").await);
    assert!(!asks("tester").await);
}

#[tokio::test]
async fn strict_needs_the_customer_id_in_the_customers_own_words() {
    let shop = Shop::with(|config| config.orders.verification = Verification::Strict).await;
    let desk = shop.desk();
    let mut context = customer("a", 1, "", &[], shop.now);
    assert!(desk.look_up(&context, &id(1)).await.unwrap().is_none());
    let Caller::Customer(caller) = &mut context.caller else { unreachable!() };
    caller.customer_ids.push("cust0001".into());
    assert!(desk.look_up(&context, &id(1)).await.unwrap().is_some());
    assert!(desk.look_up(&context, &id(2)).await.unwrap().is_none());
}

#[tokio::test]
async fn trying_many_ids_is_limited_and_recovers_a_day_later() {
    let shop = Shop::open().await;
    let desk = shop.desk();
    for number in 100..105 {
        assert!(desk.look_up(&customer("a", 1, "", &[], shop.now), &id(number)).await.unwrap().is_none());
    }
    assert!(desk.look_up(&customer("a", 1, "", &[], shop.now), &id(1)).await.unwrap().is_none());
    let tomorrow = shop.now + SignedDuration::from_hours(25);
    assert!(desk.look_up(&customer("a", 2, "", &[], tomorrow), &id(1)).await.unwrap().is_some());
    let operator = Context { caller: Caller::Operator { name: "x".into() }, now: shop.now };
    for number in 1..9 {
        assert!(desk.look_up(&operator, &id(number)).await.unwrap().is_some());
    }
}

#[tokio::test]
async fn a_refund_takes_a_quote_and_a_later_yes_and_is_paid_once() {
    let shop = Shop::open().await;
    let desk = shop.desk();
    let now = shop.now;
    let quote = quoted(&desk, &customer("a", 1, "refund please", &[], now), 3).await;
    let pay = async |turn, text: &str, offered: &[&QuoteId]| {
        desk.pay(&customer("a", turn, text, offered, now), &id(3), None, "missing items").await.unwrap()
    };
    assert_eq!(pay(1, "yes", &[&quote]).await, PayOutcome::Denied(Denial::SameTurn));
    assert_eq!(pay(2, "hmm", &[&quote]).await, PayOutcome::Denied(Denial::NoConsent));
    assert_eq!(pay(2, "yes", &[]).await, PayOutcome::Denied(Denial::NoConsent));
    let PayOutcome::Paid(first) = pay(2, "yes", &[&quote]).await else { panic!("not paid") };
    assert!(!first.already);
    assert_eq!(first.refund.amount, Money::from_rupees(599));
    let PayOutcome::Paid(second) = pay(3, "yes", &[&quote]).await else { panic!("not answered") };
    assert!(second.already);
    assert_eq!(second.refund, first.refund);
    assert!(matches!(
        desk.quote(&customer("a", 4, "again", &[], now), &id(3)).await.unwrap(),
        QuoteOutcome::AlreadyRefunded { .. }
    ));
}

#[tokio::test]
async fn a_stranger_can_neither_quote_nor_be_told_of_a_refund() {
    let shop = Shop::open().await;
    let desk = shop.desk();
    let operator = Context { caller: Caller::Operator { name: "x".into() }, now: shop.now };
    desk.look_up(&customer("a", 1, "", &[], shop.now), &id(3)).await.unwrap();
    assert!(matches!(desk.pay(&operator, &id(3), None, "").await.unwrap(), PayOutcome::Paid(_)));
    let stranger = customer("b", 1, "", &[], shop.now);
    assert_eq!(desk.quote(&stranger, &id(3)).await.unwrap(), QuoteOutcome::NotFound);
    assert_eq!(desk.pay(&stranger, &id(3), None, "").await.unwrap(), PayOutcome::NotFound);
}

#[tokio::test]
async fn an_expired_quote_is_not_paid() {
    let shop = Shop::open().await;
    let desk = shop.desk();
    let quote = quoted(&desk, &customer("a", 1, "", &[], shop.now), 3).await;
    let late = shop.now + shop.policy().quote_valid;
    let outcome = desk.pay(&customer("a", 2, "yes", &[&quote], late), &id(3), None, "").await.unwrap();
    assert_eq!(outcome, PayOutcome::Denied(Denial::QuoteExpired));
}

#[tokio::test]
async fn a_customer_cannot_ask_for_a_person_in_anothers_name() {
    let shop = Shop::open().await;
    let request = HandOver {
        id: None,
        user_id: "somebody else".into(),
        reason: "help".into(),
        last_message: "forged".into(),
        priority: Priority::High,
    };
    let alert = shop.desk().hand_over(&customer("a", 1, "my words", &[], shop.now), request).await.unwrap();
    assert_eq!(alert.user_id, UserId::new("a"));
    assert_eq!(alert.last_message, "my words");
}

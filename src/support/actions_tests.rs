//! What is done to orders, on the embedded store: the money of returns, limits, and which proposal a yes means.

use jiff::civil::date;

use super::*;
use crate::domain::caller::Caller;
use crate::domain::identity::Identity;
use crate::domain::ids::IdPatterns;
use crate::domain::money::Money;
use crate::domain::order::{NamedItem, OrderLine, OrderState, PaymentState};
use crate::domain::proposal::{Details, Resolution};
use crate::domain::refund::{Denial, RefundRequest};
use crate::store::ImportMode;
use crate::support::{PayOutcome, QuoteOutcome};
use crate::testing::{Shop, customer};

fn id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

/// An order of bread for ₹50, milk for ₹58 and ghee for ₹154, which was delivered a week ago.
fn delivered(number: u32) -> Order {
    let line = |name: &str, price| OrderLine {
        name: name.to_owned(),
        quantity: 1,
        price: Some(Money::from_rupees(price)),
        ..OrderLine::default()
    };
    let mut order = crate::testing::order(number, "Dairy", 262);
    order.details.payment_state = Some(PaymentState::Paid);
    order.details.delivered_at = Some(date(2026, 5, 25).at(9, 0, 0, 0));
    order.details.lines = vec![line("Brown Bread", 50), line("Toned Milk", 58), line("Ghee", 154)];
    order
}

async fn shop_with(orders: &[Order], change: impl FnOnce(&mut crate::config::Config)) -> Shop {
    let shop = Shop::with(change).await;
    shop.store.upsert_orders(orders).await.unwrap();
    shop
}

fn item(name: &str) -> Item {
    Item { sku: None, name: name.to_owned(), quantity: 1 }
}

fn named(name: &str) -> [NamedItem; 1] {
    [NamedItem { name: name.to_owned(), quantity: None }]
}

fn back(name: &str) -> Wish {
    let details = Details { items: vec![item(name)], resolution: Some(Resolution::Refund), ..Details::default() };
    Wish { kind: ProposalKind::Return, details, reason: "it is stale".to_owned() }
}

fn operator(shop: &Shop) -> Context {
    Context { caller: Caller::Operator { name: "desk".to_owned() }, now: shop.now }
}

/// What comes of a wish to which the customer says yes, if it is proposed.
async fn agreed_to(shop: &Shop, user: &str, number: u32, wish: &Wish) -> ActionOutcome {
    let support = shop.support();
    let asked = customer(user, 1, "please", &[], shop.now);
    match support.act(&asked, &id(number), wish, None).await.unwrap() {
        ActionOutcome::Proposed(proposal) => {
            let yes = customer(user, 2, "yes", &[&proposal.id], shop.now);
            support.act(&yes, &id(number), wish, None).await.unwrap()
        }
        other => other,
    }
}

async fn returned(shop: &Shop, user: &str, number: u32, name: &str) -> Action {
    match agreed_to(shop, user, number, &back(name)).await {
        ActionOutcome::Done { action, refund: None, already: false } => action,
        other => panic!("not taken back: {other:?}"),
    }
}

fn refused(refusal: Refusal) -> ActionOutcome {
    ActionOutcome::Refused(refusal.into())
}

async fn finished(shop: &Shop, action: &Action) -> Closed {
    let actor = Actor { name: "desk".to_owned(), now: shop.now };
    finish(shop.store.as_ref(), Some(shop.policy()), &actor, &action.id).await.unwrap().unwrap()
}

/// What the team is told about money that was not paid.
async fn told(shop: &Shop, user: &str) -> String {
    let alert = shop.store.pending_alert(&UserId::new(user)).await.unwrap();
    alert.map(|alert| alert.reason).filter(|reason| reason.contains("not paid here")).unwrap_or_default()
}

#[tokio::test]
async fn what_comes_back_second_is_for_a_person() {
    let shop = shop_with(&[delivered(41)], |_| {}).await;
    let support = shop.support();
    let bread = returned(&shop, "a", 41, "Brown Bread").await;
    assert_eq!(agreed_to(&shop, "a", 41, &back("Toned Milk")).await, refused(Refusal::SecondPart));
    let asks = customer("a", 3, "refund the milk", &[], shop.now);
    let quote = support.create_quote(&asks, &id(41), &named("milk")).await.unwrap();
    assert!(matches!(quote, QuoteOutcome::Refused { refusal: Refusal::SecondPart, .. }), "{quote:?}");
    let paid = support.pay(&operator(&shop), (&id(41), &named("milk")), None, "").await.unwrap();
    assert_eq!(paid, PayOutcome::Denied(Denial::Policy(Refusal::SecondPart)));
    let closed = finished(&shop, &bread).await;
    assert_eq!(closed.refund.map(|refund| refund.amount), Some(Money::from_rupees(50)));
    assert_eq!(told(&shop, "a").await, "");
}

#[tokio::test]
async fn money_that_cannot_be_paid_with_a_return_is_told_to_the_team() {
    // Another refund of the order, at the same moment; and an order that the shop paid back by itself.
    for by_shop in [false, true] {
        let shop = shop_with(&[delivered(41)], |_| {}).await;
        let bread = returned(&shop, "a", 41, "Brown Bread").await;
        if by_shop {
            let mut order = delivered(41);
            order.details.payment_state = Some(PaymentState::Refunded);
            shop.store.upsert_orders(&[order]).await.unwrap();
        } else {
            let milk = shop.policy().approve(&RefundRequest {
                order: &delivered(41),
                quote: None,
                caller: &operator(&shop).caller,
                items: &[item("Toned Milk")],
                amount: None,
                reason: "",
                patterns: &IdPatterns::default(),
                now: shop.now,
                local: date(2026, 6, 1).at(0, 0, 0, 0),
            });
            assert!(!shop.store.record_refund(milk.unwrap()).await.unwrap().already);
        }
        let closed = finished(&shop, &bread).await;
        assert_eq!((closed.refund, closed.already), (None, false), "{by_shop}");
        assert!(closed.action.leaves_money(), "{by_shop}");
        assert!(told(&shop, "a").await.contains("₹50"), "{by_shop}");
        let trail = shop.store.audit_entries(1, 99).await.unwrap();
        let last = &trail.last().unwrap().content;
        assert!(last.contains("not_paid") && !last.contains("transaction_id"), "{last}");
        assert_eq!(shop.store.refunds(9).await.unwrap().len(), usize::from(!by_shop));
    }
}

#[tokio::test]
async fn who_says_once_more_that_it_is_done_makes_good_what_was_not_told() {
    let shop = shop_with(&[delivered(41)], |_| {}).await;
    let bread = returned(&shop, "a", 41, "Brown Bread").await;
    let mut order = delivered(41);
    order.details.payment_state = Some(PaymentState::Refunded);
    shop.store.upsert_orders(&[order]).await.unwrap();
    // A first call that was cut off behind the store.
    shop.store.close_action(&bread.id, "desk", shop.now, None).await.unwrap().unwrap();
    assert_eq!(told(&shop, "a").await, "");
    assert!(finished(&shop, &bread).await.already);
    assert!(told(&shop, "a").await.contains("₹50"));
}

#[tokio::test]
async fn returns_that_wait_for_their_money_count_for_the_month() {
    let orders = [delivered(41), delivered(42)];
    let shop = shop_with(&orders, |config| config.policy.monthly_refunds = 1).await;
    let bread = returned(&shop, "a", 41, "Brown Bread").await;
    assert_eq!(agreed_to(&shop, "a", 42, &back("Brown Bread")).await, refused(Refusal::MonthLimit));
    let asks = customer("a", 3, "refund the milk", &[], shop.now);
    let quote = shop.support().create_quote(&asks, &id(42), &named("milk")).await.unwrap();
    assert!(matches!(quote, QuoteOutcome::Refused { refusal: Refusal::MonthLimit, .. }), "{quote:?}");
    assert!(finished(&shop, &bread).await.refund.is_some());
    assert_eq!(agreed_to(&shop, "a", 42, &back("Brown Bread")).await, refused(Refusal::MonthLimit), "once it is paid");
}

#[tokio::test]
async fn every_identity_of_a_customer_counts_for_the_month() {
    let orders = [delivered(41), delivered(42), delivered(43)];
    let shop = shop_with(&orders, |config| config.policy.monthly_refunds = 1).await;
    let support = shop.support();
    let asks = customer("before", 1, "refund", &[], shop.now);
    let QuoteOutcome::Quoted(quote) = support.create_quote(&asks, &id(41), &[]).await.unwrap() else { panic!() };
    let yes = customer("before", 2, "yes", &[&quote.id], shop.now);
    assert!(matches!(support.pay(&yes, (&id(41), &[]), None, "").await.unwrap(), PayOutcome::Paid(_)));
    let entry = |user: &str| Identity { identity: UserId::new(user), customer: UserId::new("a"), at: shop.now };
    assert!(matches!(agreed_to(&shop, "other", 42, &back("Ghee")).await, ActionOutcome::Done { .. }));
    shop.store.save_identity(&entry("other"), true).await.unwrap();
    assert_eq!(
        agreed_to(&shop, "a", 43, &back("Ghee")).await,
        refused(Refusal::MonthLimit),
        "what is owed to the other"
    );
    shop.store.remove_identities(&UserId::new("a"), &[UserId::new("other")]).await.unwrap();
    shop.store.save_identity(&entry("before"), true).await.unwrap();
    assert_eq!(agreed_to(&shop, "a", 43, &back("Ghee")).await, refused(Refusal::MonthLimit), "what the other got");
    shop.store.remove_identities(&UserId::new("a"), &[UserId::new("before")]).await.unwrap();
    assert!(matches!(agreed_to(&shop, "a", 43, &back("Ghee")).await, ActionOutcome::Done { .. }));
}

#[tokio::test]
async fn of_several_proposals_the_wished_one_is_meant() {
    let shop = shop_with(&[delivered(41), delivered(42)], |_| {}).await;
    let support = shop.support();
    let asks = customer("a", 1, "please", &[], shop.now);
    let mut proposals = Vec::new();
    for name in ["Brown Bread", "Toned Milk"] {
        let ActionOutcome::Proposed(proposal) = support.act(&asks, &id(41), &back(name), None).await.unwrap() else {
            panic!()
        };
        let QuoteOutcome::Quoted(quote) = support.create_quote(&asks, &id(42), &named(name)).await.unwrap() else {
            panic!()
        };
        proposals.extend([proposal.id, quote.id]);
    }
    let yes = customer("a", 2, "yes", &proposals.iter().collect::<Vec<_>>(), shop.now);
    let outcome = support.act(&yes, &id(41), &back("Toned Milk"), None).await.unwrap();
    let ActionOutcome::Done { action, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!(action.details.items, [item("Toned Milk")]);
    // A yes alone says not which of the two refunds is meant.
    let unsaid = support.pay(&yes, (&id(42), &[]), None, "").await.unwrap();
    assert_eq!(unsaid, PayOutcome::Denied(Denial::NoConsent));
    let PayOutcome::Paid(milk) = support.pay(&yes, (&id(42), &named("milk")), None, "").await.unwrap() else {
        panic!()
    };
    assert_eq!(milk.refund.amount, Money::from_rupees(58));
}

#[tokio::test]
async fn an_order_that_was_called_off_is_not_paid_back_where_it_comes_again() {
    let mut placed = delivered(41);
    (placed.delivery_minutes, placed.details.delivered_at) = (None, None);
    placed.details.state = Some(OrderState::Placed);
    placed.details.payment_state = Some(PaymentState::Pending);
    let shop = shop_with(std::slice::from_ref(&placed), |_| {}).await;
    let cancel = Wish { kind: ProposalKind::Cancel, details: Details::default(), reason: String::new() };
    let outcome = agreed_to(&shop, "a", 41, &cancel).await;
    assert!(matches!(outcome, ActionOutcome::Done { refund: None, already: false, .. }), "{outcome:?}");
    // A file that does not say when it was changed.
    let mut import = shop.store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(vec![delivered(41)]).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(shop.store.order(&id(41)).await.unwrap().unwrap().reached(), Some(OrderState::Delivered));
    let support = shop.support();
    let asks = customer("a", 3, "refund", &[], shop.now);
    let quote = support.create_quote(&asks, &id(41), &[]).await.unwrap();
    let closed = Refusal::Closed(OrderState::Cancelled);
    assert!(matches!(&quote, QuoteOutcome::Refused { refusal, .. } if *refusal == closed), "{quote:?}");
    let paid = support.pay(&operator(&shop), (&id(41), &[]), None, "").await.unwrap();
    assert_eq!(paid, PayOutcome::Denied(Denial::Policy(closed)));
}

//! One customer under several identities, on the embedded store.

use jiff::SignedDuration;

use super::*;
use crate::domain::caller::Caller;
use crate::domain::ids::{MessageId, OrderId};
use crate::domain::order::Order;
use crate::domain::ownership::Access;
use crate::support::SupportService;
use crate::testing::{Shop, customer, order};

const OLD: &str = "918123456789";
const NEW: &str = "918123450001";

fn id(text: &str) -> UserId {
    UserId::new(text)
}

fn changed(event: &str, old: &str, new: &str, at: Timestamp) -> NumberChange {
    NumberChange { event: MessageId::new(event), old: id(old), new: id(new), customer: id(old), at }
}

fn same(event: &str, number: &str, scoped: &str, at: Timestamp) -> SamePerson {
    SamePerson { event: MessageId::new(event), number: id(number), scoped: id(scoped), at }
}

async fn who(shop: &Shop, identity: &str) -> String {
    customers_of(shop.store.as_ref(), &[id(identity)]).await.unwrap().swap_remove(0).as_str().to_owned()
}

async fn where_to(shop: &Shop, customer: &str) -> Option<String> {
    address_of(shop.store.as_ref(), &id(customer)).await.unwrap().map(|address| address.as_str().to_owned())
}

async fn sees(support: &SupportService, shop: &Shop, user: &str, number: u32) -> bool {
    let context = customer(user, 1, "", &[], shop.now);
    let found = support.record_lookup(&context, &OrderId::new(&format!("ORD{number:06}")), Access::See).await;
    found.unwrap().is_some()
}

/// Orders 21 to 23 have the old number: of before and after the change, and without a date.
async fn with_phones() -> Shop {
    let shop = Shop::open().await;
    let with_phone = |number: u32, placed_at: Option<jiff::civil::DateTime>| Order {
        phone: Some("081234 56789".to_owned()),
        placed_at,
        ..order(number, "Dairy", 100)
    };
    let day = |day: i8| Some(jiff::civil::datetime(2026, 5, day, 12, 0, 0, 0));
    let mut import = shop.store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    import.write(vec![with_phone(21, day(1)), with_phone(22, day(30)), with_phone(23, None)]).await.unwrap();
    import.commit().await.unwrap();
    shop
}

#[tokio::test]
async fn a_change_of_number_keeps_everything_and_gives_the_heir_nothing() {
    let shop = with_phones().await;
    let store = shop.store.as_ref();
    let support = shop.support();
    let mut chat = shop.chat(OLD);
    chat.say("where is ORD000001").await;
    let at: Timestamp = "2026-05-15T00:00:00Z".parse().unwrap();
    let change = changed("m1", OLD, NEW, at);
    for _ in 0..3 {
        assert_eq!(number_changed(store, &change, shop.now).await.unwrap(), id(OLD));
    }
    assert_eq!((who(&shop, NEW).await.as_str(), where_to(&shop, OLD).await.as_deref()), (OLD, Some(NEW)));
    let heir = who(&shop, OLD).await;
    assert_ne!(heir, OLD, "whoever writes from the old number is somebody else");
    assert_eq!(where_to(&shop, &heir).await.as_deref(), Some(OLD));
    for (order, customer, after) in [(1, true, false), (21, true, false), (22, false, true), (23, true, false)] {
        assert_eq!(sees(&support, &shop, OLD, order).await, customer, "{order}");
        assert_eq!(sees(&support, &shop, &heir, order).await, after, "{order}");
        assert!(!sees(&support, &shop, "918123450002", order).await, "{order}");
    }
    let entries = store.audit_entries(1, 50).await.unwrap();
    let records = entries.iter().filter(|entry| entry.content.contains("change_number")).count();
    assert_eq!(records, 1, "on record once");

    // And once more.
    let later = changed("m2", NEW, "918123450003", at + SignedDuration::from_hours(24));
    assert_eq!(number_changed(store, &later, shop.now).await.unwrap(), id(OLD));
    assert_eq!(where_to(&shop, OLD).await.as_deref(), Some("918123450003"));
    // The first statement, delivered late, changes nothing.
    assert_eq!(number_changed(store, &change, shop.now).await.unwrap(), id(OLD));
    assert_eq!(where_to(&shop, OLD).await.as_deref(), Some("918123450003"));
    assert_eq!(who(&shop, OLD).await, heir);
}

#[tokio::test]
async fn a_number_that_had_an_owner_brings_nothing_of_theirs() {
    let shop = Shop::open().await;
    let store = shop.store.as_ref();
    store.bind_order(&OrderId::new("ORD000001"), &id(NEW), shop.now - SignedDuration::from_hours(99)).await.unwrap();
    store.bind_order(&OrderId::new("ORD000002"), &id(NEW), shop.now).await.unwrap();
    let at = shop.now - SignedDuration::from_hours(1);
    number_changed(store, &changed("m", OLD, NEW, at), shop.now).await.unwrap();
    let owner = async |order: &str| store.binding(&OrderId::new(order)).await.unwrap().unwrap();
    assert_eq!(owner("ORD000001").await, id(NEW), "it was somebody else's");
    assert_eq!(owner("ORD000002").await, id(OLD), "it came after the change");
}

#[tokio::test]
async fn a_number_and_another_identity_are_one_customer() {
    let shop = with_phones().await;
    let store = shop.store.as_ref();
    let support = shop.support();
    // The number first.
    let mut chat = shop.chat(OLD);
    chat.say("where is ORD000001").await;
    for event in ["a", "b"] {
        same_person(store, &same(event, OLD, "IN.1", shop.now), shop.now).await.unwrap();
    }
    assert_eq!((who(&shop, "IN.1").await.as_str(), who(&shop, OLD).await.as_str()), (OLD, OLD));
    assert_eq!(where_to(&shop, OLD).await.as_deref(), Some(OLD));
    // The identity first: it has the number's orders from then on.
    let mut chat = shop.chat("IN.2");
    chat.say("hello").await;
    same_person(store, &same("c", "918123450002", "IN.2", shop.now), shop.now).await.unwrap();
    assert_eq!(who(&shop, "918123450002").await, "IN.2");
    assert_eq!(where_to(&shop, "IN.2").await.as_deref(), Some("918123450002"));
    assert!(sees(&support, &shop, OLD, 21).await && !sees(&support, &shop, "IN.2", 21).await);
    let joined = store.audit_entries(1, 99).await.unwrap();
    assert_eq!(joined.iter().filter(|entry| entry.content.contains("join_identities")).count(), 2);
}

#[tokio::test]
async fn two_conversations_of_one_customer_become_one() {
    let shop = Shop::open().await;
    let store = shop.store.as_ref();
    let mut first = shop.chat(OLD);
    first.say("hello").await;
    let mut second = shop.chat("IN.1");
    second.now += SignedDuration::from_secs(100);
    second.say("please refund ORD000003").await;
    store
        .open_alert(&crate::domain::alert::Alert::raise(
            crate::domain::ids::AlertId::new("x"),
            id("IN.1"),
            "please",
            crate::domain::alert::Quoted::FromCustomer("hi"),
            crate::domain::alert::Priority::High,
            shop.now,
        ))
        .await
        .unwrap();
    same_person(store, &same("a", OLD, "IN.1", shop.now), shop.now).await.unwrap();
    assert_eq!(who(&shop, "IN.1").await, OLD);
    assert_eq!(store.binding(&OrderId::new("ORD000003")).await.unwrap(), Some(id(OLD)));
    let conversation = store.conversation(&id(OLD)).await.unwrap().unwrap();
    assert_eq!(conversation.offered.len(), 1, "what was offered is offered");
    let alert = store.pending_alert(&id(OLD)).await.unwrap().unwrap();
    assert_eq!(alert.reason, "please");
    assert!(store.pending_alert(&id("IN.1")).await.unwrap().is_none());
}

#[tokio::test]
async fn another_account_with_a_known_number_is_another_customer() {
    let shop = with_phones().await;
    let store = shop.store.as_ref();
    let support = shop.support();
    let mut chat = shop.chat(OLD);
    chat.say("where is ORD000001").await;
    let early = shop.now - SignedDuration::from_hours(24);
    same_person(store, &same("a", OLD, "IN.1", early), shop.now).await.unwrap();
    // Years later the number was given to somebody else, whose account is another one.
    same_person(store, &same("b", OLD, "IN.9", shop.now), shop.now).await.unwrap();
    assert_eq!((who(&shop, OLD).await.as_str(), who(&shop, "IN.9").await.as_str()), ("IN.9", "IN.9"));
    assert_eq!(who(&shop, "IN.1").await, OLD);
    assert_eq!(where_to(&shop, OLD).await.as_deref(), Some("IN.1"), "not at the number any more");
    for order in [1, 21, 22, 23] {
        assert!(sees(&support, &shop, OLD, order).await && !sees(&support, &shop, "IN.9", order).await, "{order}");
    }
    let context = |user: &str| customer(user, 1, "I am really 918123456789, my number changed", &[], shop.now);
    assert!(matches!(context("x").caller, Caller::Customer(_)));
    let found = support.record_lookup(&context("918123450009"), &OrderId::new("ORD000021"), Access::See).await.unwrap();
    assert!(found.is_none(), "what somebody writes joins nothing");
}

#[tokio::test]
async fn a_number_that_is_new_to_a_customer_brings_no_former_orders() {
    let shop = Shop::with(|config| config.orders.claim_proof = vec!["customer_id".into()]).await;
    let store = shop.store.as_ref();
    let placed = |number: u32, day: i8| Order {
        phone: Some("81234 50001".to_owned()),
        placed_at: Some(jiff::civil::datetime(2026, 5, day, 12, 0, 0, 0)),
        ..order(number, "Dairy", 100)
    };
    let undated = Order { placed_at: None, ..placed(33, 1) };
    let mut import = store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    import.write(vec![placed(31, 28), placed(32, 31), undated]).await.unwrap();
    import.commit().await.unwrap();
    let acquired: Timestamp = "2026-05-30T00:00:00Z".parse().unwrap();
    // By a change of number, and by an account that is seen with another number than before.
    number_changed(store, &changed("m", OLD, NEW, acquired), shop.now).await.unwrap();
    let support = shop.support();
    for order in [31, 33] {
        assert!(!sees(&support, &shop, OLD, order).await, "{order}");
    }
    assert!(sees(&support, &shop, OLD, 32).await);
    // What is theirs all the same opens to who knows it.
    let mut context = customer(OLD, 1, "CUST0031", &[], shop.now);
    let Caller::Customer(caller) = &mut context.caller else { unreachable!() };
    caller.customer_ids.push("CUST0031".into());
    assert!(support.record_lookup(&context, &OrderId::new("ORD000031"), Access::Money).await.unwrap().is_some());

    let shop = Shop::open().await;
    let store = shop.store.as_ref();
    let mut import = store.begin_import(crate::store::ImportMode::Upsert).await.unwrap();
    import.write(vec![placed(31, 28), placed(32, 31)]).await.unwrap();
    import.commit().await.unwrap();
    let early = acquired - SignedDuration::from_hours(99);
    same_person(store, &same("a", OLD, "IN.1", early), shop.now).await.unwrap();
    same_person(store, &same("b", NEW, "IN.1", acquired), shop.now).await.unwrap();
    let customer = who(&shop, NEW).await;
    let support = shop.support();
    assert!(!sees(&support, &shop, &customer, 31).await && sees(&support, &shop, &customer, 32).await);
}

//! Actions that were cut off, that cannot be completed, and that are about orders of other programs.

use mongodb::bson::{Bson, Document, doc};

use super::super::actions::{complete, document};
use super::turns::{LEASE, at};
use super::*;
use crate::domain::action::Action;
use crate::domain::event::{Event, EventId};
use crate::domain::ids::{OrderId, UserId};
use crate::domain::order::{Order, OrderState};
use crate::domain::proposal::Resolution;
use crate::domain::refund::{ProviderKind, Refund};
use crate::store::contract::{address, approve, approved_through, back, cancel, order, young};
use crate::store::{Actions as _, Erasure as _, Ledger as _, Orders as _};

const USER: &str = "919811110001";

/// What cancelling an order of the contract would do for a customer.
fn cancellation(number: u32) -> (Action, String, Refund) {
    let (mut action, key, refund) =
        approve(&young(number), (&[], None), &format!("ACT_{number}"), &cancel()).into_parts();
    let mut refund = refund.unwrap();
    action.user_id = Some(UserId::new(USER));
    refund.actor = format!("customer:{USER}");
    (action, key, refund)
}

async fn put(store: &MongoStore, collection: &'static str, document: Document) {
    raw(store, move |base| async move { Ok(base.collection(collection).insert_one(document).await?) }).await;
}

/// As a process left it that died before it did what belongs to the action.
async fn cut_off(store: &MongoStore, number: u32) {
    let (action, key, refund) = cancellation(number);
    put(store, "actions", document(&key, &action, Some(&refund)).unwrap()).await;
}

async fn held(store: &MongoStore, collection: &'static str, filter: Document) -> Document {
    raw(store, move |base| async move { Ok(base.collection(collection).find_one(filter).await?) }).await.unwrap()
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_action_that_cannot_be_completed_holds_up_no_refund() {
    let scratch = Scratch::new();
    let store = scratch.open();
    // More than are looked at at a time.
    for number in 100..130 {
        let (action, key, _) = cancellation(number);
        let mut odd = document(&key, &action, None).unwrap();
        odd.insert(
            "refund",
            if number % 2 == 0 { Bson::Double(f64::NAN) } else { Bson::Document(doc! {"order_id": 5}) },
        );
        put(&store, "actions", odd).await;
    }
    store.upsert_order(&young(1)).await.unwrap();
    cut_off(&store, 1).await;
    store.record_refund(approved_through(ProviderKind::Stripe, 2)).await.unwrap();
    for second in [10, 11] {
        let due = store.claim_refund(at(second), LEASE).await.unwrap();
        let due = due.map(|refund| refund.order_id);
        assert_eq!(due, (second == 10).then(|| OrderId::new("ORD000002")), "whatever cannot be completed");
    }
    // Those that were tried a moment ago are left alone, so that the others come.
    store.claim_refund(at(12), LEASE).await.unwrap();
    assert_eq!(store.refund_of(&OrderId::new("ORD000001")).await.unwrap().unwrap().amount, cancellation(1).2.amount);
    let stored = store.order(&OrderId::new("ORD000001")).await.unwrap().unwrap();
    assert_eq!(stored.reached(), Some(OrderState::Cancelled));
    // They are listed as they are, and named.
    assert_eq!(store.actions(true, 99).await.unwrap().len(), 31);
    let named = store.unreadable().await.unwrap();
    assert!(named.len() == 1 && named[0].starts_with("30 in actions"), "{named:?}");
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn what_another_program_paid_back_is_cancelled_without_a_refund() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let paid = doc! {"$set": {"Refund Requested": "Processed", "Refund Amount": 599, "Refund Reason": "theirs"}};
    for number in [1, 2] {
        store.upsert_order(&young(number)).await.unwrap();
    }
    raw(&store, |base| async move { Ok(base.collection("order_details").update_many(doc! {}, paid).await?) }).await;
    let done = store.record_action(approve(&young(1), (&[], None), "ACT_1", &cancel())).await.unwrap();
    assert_eq!((done.refund, done.action.transaction_id, done.already), (None, None, false));
    cut_off(&store, 2).await;
    assert_eq!(store.claim_refund(at(10), LEASE).await.unwrap(), None);
    for number in [1, 2] {
        let id = format!("ACT_{number}");
        let stored = store.action(&id).await.unwrap().unwrap();
        assert_eq!(stored.transaction_id, None, "{id}");
        let document = held(&store, "actions", doc! {"id": &id}).await;
        assert!(!document.contains_key("pending") && !document.contains_key("refund"), "{document}");
        let order = store.order(&stored.order_id).await.unwrap().unwrap();
        assert_eq!(order.reached(), Some(OrderState::Cancelled), "{id}");
    }
    assert_eq!(store.refunds(9).await.unwrap(), []);
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn who_completes_late_takes_no_newer_refund_away() {
    let scratch = Scratch::new();
    let store = scratch.open();
    store.upsert_order(&order(1)).await.unwrap();
    let (action, key, _) = approve(&order(1), (&[], None), "ACT_1", &back(Resolution::Refund)).into_parts();
    let before = document(&key, &action, None).unwrap();
    put(&store, "actions", before.clone()).await;
    // Meanwhile the team closed it, with its money.
    let refund = mongodb::bson::serialize_to_document(&cancellation(1).2).unwrap();
    raw(&store, move |base| async move {
        let set = doc! {"$set": {"refund": refund}};
        base.collection("actions").update_one(doc! {}, set).await?;
        complete(&base, &before).await?;
        Ok(())
    })
    .await;
    let document = held(&store, "actions", doc! {}).await;
    assert!(document.get_bool("pending").unwrap() && document.contains_key("refund"), "{document}");
    let completed = store.action("ACT_1").await.unwrap().unwrap();
    assert_eq!(completed.transaction_id, Some(store.refunds(9).await.unwrap().remove(0).transaction_id));
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn forgetting_a_customer_loses_no_action_that_can_be_read() {
    let scratch = Scratch::new();
    let store = scratch.open().recording_events(true);
    store.upsert_order(&young(1)).await.unwrap();
    cut_off(&store, 1).await;
    let (mut action, key, _) = cancellation(2);
    "by mistake, says Asha".clone_into(&mut action.reason);
    let mut stuck = document(&key, &action, None).unwrap();
    let event = Event::of_action(EventId::new("evt_stuck"), &action).unwrap();
    stuck.extend(doc! {
        "refund": 5, "pending_events": [serde_json::to_string(&event).unwrap()], "events_waiting": true,
    });
    put(&store, "actions", stuck).await;
    put(&store, "actions", doc! {"_id": "odd", "id": "ACT_3", "user_id": USER, "pending": true, "action": {"id": 3}})
        .await;
    let erased = store.erase_data_of(&UserId::new(USER), at(20)).await.unwrap();
    assert_eq!((erased.actions, erased.events), (3, 2), "and their events: of the stuck one, and of the refund");
    assert_eq!(store.refund_of(&OrderId::new("ORD000001")).await.unwrap().unwrap().order_id, OrderId::new("ORD000001"));
    for id in ["ACT_1", "ACT_2"] {
        let left = store.action(id).await.unwrap().unwrap();
        assert_eq!((left.user_id, left.reason.as_str()), (None, ""), "{id}");
    }
    let stuck = held(&store, "actions", doc! {"id": "ACT_2"}).await;
    assert!(
        stuck.get_bool("pending").unwrap() && stuck.get_i32("refund").unwrap() == 5,
        "somebody has to look: {stuck}"
    );
    assert!(!stuck.contains_key("pending_events"), "{stuck}");
    let odd = held(&store, "actions", doc! {"id": "ACT_3"}).await;
    assert!(!odd.contains_key("action") && !odd.contains_key("pending"), "{odd}");
    let whole = held(&store, "actions", doc! {"id": "ACT_1"}).await.to_string();
    assert!(!whole.contains(USER), "{whole}");
    let named = store.unreadable().await.unwrap();
    assert!(
        named.len() == 1 && named[0].starts_with("1 in actions"),
        "what went with its customer is not odd: {named:?}"
    );
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_action_changes_nothing_else_of_an_order_of_another_program() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let theirs = |id: &str| {
        doc! {
            "Order ID": id, "Customer ID": "CUST1", "Product Category": "Beverages", "Order Value (INR)": "459.999",
            "Items": "two of each", "Order State": "placed", "Delivery Status": "Packed", "Postal Code": "560001",
            "Their Column": f64::NAN,
        }
    };
    put(&store, "order_details", theirs("ord000003")).await;
    let found = store.order(&OrderId::new("ORD000003")).await.unwrap().unwrap();
    assert_eq!((found.value, found.details.lines.len()), (None, 0), "what cannot be read is not known");
    let before = held(&store, "order_details", doc! {}).await;
    let known = Order { id: OrderId::new("ORD000003"), ..young(3) };
    store.record_action(approve(&known, (&[], None), "ACT_1", &address("9 Hill View"))).await.unwrap();
    store.record_action(approve(&known, (&[], None), "ACT_2", &cancel())).await.unwrap();
    let mut expected = before;
    let mut after = held(&store, "order_details", doc! {}).await;
    assert!(matches!(after.remove("Updated At"), Some(Bson::DateTime(_))), "{after}");
    expected.extend(doc! {"Order State": "cancelled", "Delivery Status": "Cancelled", "Address": "9 Hill View"});
    expected.remove("Postal Code");
    // The refund of the cancellation is marked for the program that the document is of.
    for name in ["Refund Requested", "Refund Amount", "Refund Reason", "Refund Date", "Refund Transaction"] {
        assert!(after.remove(name).is_some(), "{name}");
    }
    // Equal but for the order of the fields, which is the server's.
    let sorted = |document: Document| {
        let mut fields: Vec<(String, String)> =
            document.into_iter().map(|(name, value)| (name, value.to_string())).collect();
        fields.sort();
        fields
    };
    assert_eq!(sorted(after), sorted(expected));
}

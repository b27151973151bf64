//! Documents that other programs wrote: pandas, and the original.
//!
//! They must never write what those programs would not have written.

use std::time::Duration;

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};

use super::*;
use crate::domain::alert::{AlertStatus, Priority, Reopened};
use crate::domain::ids::{AlertId, OrderId, UserId};
use crate::domain::message::Role;
use crate::domain::money::Money;
use crate::store::contract::resolved;
use crate::store::{Alerts as _, ImportMode, Insights as _, Orders as _, Transcript as _};

fn pandas(id: &str) -> Document {
    doc! {
        "Order ID": id, "Customer ID": "CUST2824", "Platform": "JioMart", "Order Date & Time": "19:29.5",
        "Delivery Time (Minutes)": 30.0, "Product Category": "Beverages", "Order Value (INR)": 382_i64,
        "Customer Feedback": f64::NAN, "Service Rating": 5.0, "Delivery Delay": "No", "Refund Requested": "Yes",
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn orders_that_pandas_inserted_are_read_and_imported_over() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut odd = pandas("ORD000002");
    odd.extend(doc! {
        "Order Value (INR)": 599.5, "Delivery Time (Minutes)": f64::NAN, "Service Rating": f64::NAN, "Delivery Delay": f64::NAN,
        "Customer Phone": 919_876_543_210.0, "Order Date": DateTime::from_millis(1_748_736_000_000), "Their Column": "kept",
    });
    let mut inexact = pandas("ORD000003");
    inexact.insert("Order Value (INR)", 5.999);
    raw(&store, |base| async move {
        Ok(base.collection("order_details").insert_many([pandas("ORD000001"), odd, inexact]).await?)
    })
    .await;
    let order = store.order(&OrderId::new("ORD000001")).await.unwrap().unwrap();
    assert_eq!((order.value, order.delivery_minutes, order.rating), (Some(Money::from_rupees(382)), Some(30), Some(5)));
    assert_eq!((order.feedback.as_str(), order.delayed, order.refund_requested), ("", Some(false), Some(true)));
    let odd = store.order(&OrderId::new("ORD000002")).await.unwrap().unwrap();
    assert_eq!(
        (odd.value, odd.delivery_minutes, odd.rating, odd.delayed),
        (Some(Money::from_minor_units(59_950)), None, None, None)
    );
    assert_eq!(odd.phone.as_deref(), Some("919876543210"));
    assert_eq!(odd.placed_at, Some(jiff::civil::datetime(2025, 6, 1, 0, 0, 0, 0)));
    let inexact = store.order(&OrderId::new("ORD000003")).await.unwrap().unwrap();
    assert_eq!((inexact.value, inexact.rating), (None, Some(5)), "what is not exact is not known, and the rest counts");
    let named = store.unreadable().await.unwrap();
    assert!(named.len() == 1 && named[0].contains("ORD000003") && named[0].contains("Order Value (INR)"), "{named:?}");

    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    let written = import.write(vec![crate::domain::order::Order { phone: None, ..odd.clone() }]).await.unwrap();
    assert_eq!((written.updated, written.added), (1, 0));
    import.commit().await.unwrap();
    assert_eq!(store.count_orders().await.unwrap(), 3);
    let kept = raw(&store, |base| async move {
        Ok(base.collection("order_details").find_one(doc! {"Order ID": "ORD000002"}).await?.unwrap())
    })
    .await;
    assert_eq!(kept.get_str("Their Column").unwrap(), "kept");
    assert_eq!(kept.get("Order Value (INR)"), Some(&Bson::Double(599.5)));
    assert_eq!(store.order(&odd.id).await.unwrap().unwrap().phone, odd.phone);
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn details_of_other_programs_are_read_found_and_imported_over() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let mut theirs = pandas("ORD000001");
    theirs.extend(doc! {
        "Display ID": 1001.0, "Items": "[{\"name\": \"Milk\", \"quantity\": 2, \"price\": 64.5}]", "Shipping Fee": 40_i32,
        "Other Phones": [919_876_543_210_i64, "+14155550100"], "Order State": "DELIVERED", "Delivered At": DateTime::from_millis(1_748_736_000_000),
        "Updated At": "2025-06-01T10:00:00Z", "Address": {"street": "MG Road"}, "Carrier": f64::NAN,
    });
    raw(&store, |base| async move { Ok(base.collection("order_details").insert_one(theirs).await?) }).await;
    let id = OrderId::new("ORD000001");
    let order = store.order(&id).await.unwrap().unwrap();
    let details = &order.details;
    assert_eq!((details.display_id.as_deref(), details.lines.len(), details.lines[0].quantity), (Some("1001"), 1, 2));
    assert_eq!(
        (details.shipping, details.lines[0].price),
        (Some(Money::from_rupees(40)), Some(Money::from_minor_units(6_450)))
    );
    assert_eq!(details.other_phones, ["919876543210", "+14155550100"]);
    assert_eq!(details.state, Some(crate::domain::order::OrderState::Delivered));
    assert_eq!(details.delivered_at, Some(jiff::civil::datetime(2025, 6, 1, 0, 0, 0, 0)));
    assert_eq!(details.updated_at, Some("2025-06-01T10:00:00Z".parse().unwrap()));
    assert_eq!((details.address.as_deref(), details.carrier.as_deref()), (None, None));
    assert_eq!(store.orders_named("#1001").await.unwrap(), std::slice::from_ref(&id));
    let india = crate::domain::phone::Country::parse("IN").unwrap();
    for number in ["+919876543210", "+14155550100"] {
        assert_eq!(store.orders_of_number(number, india, 5).await.unwrap().len(), 1, "{number}");
    }
    let mut older = order.clone();
    older.details.updated_at = Some("2025-06-01T09:59:59Z".parse().unwrap());
    assert_eq!(store.upsert_order(&older).await.unwrap(), crate::store::UpsertOutcome::Stale);
    older.details.updated_at = Some("2025-06-01T10:00:01Z".parse().unwrap());
    older.details.lines.clear();
    assert_eq!(store.upsert_order(&older).await.unwrap(), crate::store::UpsertOutcome::Updated);
    assert_eq!(store.order(&id).await.unwrap(), Some(older));
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_order_that_is_there_twice_stays_readable_and_is_told() {
    let scratch = Scratch::new();
    let client = Client::with_uri_str(uri()).await.unwrap();
    let orders = client.database(&scratch.name).collection::<Document>("order_details");
    orders.insert_many([pandas("ORD000001"), pandas("ORD000001")]).await.unwrap();
    let store = scratch.open();
    let mut order = store.order(&OrderId::new("ORD000001")).await.unwrap().unwrap();
    let problems = store.health().await.unwrap().problems;
    assert!(
        problems.iter().any(|problem| problem.contains("order_details: Order ID (unique) is not unique")),
        "{problems:?}"
    );
    order.category = "Dairy".to_owned();
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write(vec![order]).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(orders.count_documents(doc! {"Product Category": "Dairy"}).await.unwrap(), 2, "both tell the same");
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn chats_and_alerts_of_the_original_are_read() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let user = UserId::new("919876543210");
    let chat = |role: &str, content: &str, timestamp: Bson| {
        doc! {
            "user_id": "919876543210", "role": role, "content": content, "timestamp": timestamp,
        }
    };
    let chats = [
        chat("user", "seconds", Bson::Double(1_748_773_230.25)),
        chat("assistant", "text", Bson::String("2025-06-01T10:20:31".to_owned())),
        chat("user", "date", Bson::DateTime(DateTime::from_millis(1_748_773_232_000))),
        chat("bot", "whole", Bson::Int32(1_748_773_233)),
    ];
    let alert = ObjectId::new();
    let pending = doc! {
        "_id": alert, "user_id": "919876543210", "reason": "angry", "last_message": "!!", "priority": "high",
        "status": "pending", "created_at": 1_748_773_240.5,
    };
    raw(&store, |base| async move {
        base.collection("chats").insert_many(chats).await?;
        Ok(base.collection("human_intervention_alerts").insert_one(pending).await?)
    })
    .await;
    let read = store.recent_messages(&user, 10).await.unwrap();
    let told: Vec<_> =
        read.iter().map(|message| (message.role, message.text.as_str(), message.at.as_second())).collect();
    assert_eq!(
        told,
        [
            (Role::User, "seconds", 1_748_773_230),
            (Role::Assistant, "text", 1_748_773_231),
            (Role::User, "date", 1_748_773_232),
            (Role::Assistant, "whole", 1_748_773_233),
        ]
    );
    let mut ours = read[0].clone();
    ours.text = "ours".to_owned();
    store.append_messages(&[ours]).await.unwrap();
    let last = store.recent_messages(&user, 2).await.unwrap();
    assert_eq!(last.iter().map(|message| message.text.as_str()).collect::<Vec<_>>(), ["whole", "ours"]);

    let found = store.pending_alert(&user).await.unwrap().unwrap();
    assert_eq!((found.priority, found.created_at.as_millisecond()), (Priority::High, 1_748_773_240_500));
    assert_eq!(found.id, AlertId::new(alert.to_hex()));
    let more = crate::domain::alert::Alert { id: AlertId::new("ALERT_1"), reason: "again".to_owned(), ..found.clone() };
    assert_eq!(
        store.open_alert(&more).await.unwrap().reason,
        "angry | again",
        "it is added to the one of the original"
    );
    assert!(store.resolve_alert(&found.id, &resolved(found.created_at)).await.unwrap());
    let stored = store.alert(&found.id).await.unwrap().unwrap();
    assert_eq!((stored.status, stored.reason.as_str()), (AlertStatus::Resolved, "angry | again"));
    assert_eq!(store.alerts(10).await.unwrap(), std::slice::from_ref(&stored));

    // Opened again it moves to the place of the customer's latest alert, with all that the original wrote.
    let Reopened::Done(again) = store.reopen_alert(&stored.id, "lead", stored.created_at).await.unwrap() else {
        panic!()
    };
    assert_eq!((&again.id, &again.reason, again.created_at), (&stored.id, &stored.reason, stored.created_at));
    assert_eq!(store.pending_alert(&user).await.unwrap().as_ref(), Some(&again));
    assert_eq!(store.alerts(10).await.unwrap(), [again]);
    assert_eq!(store.alert_rows().await.unwrap().len(), 1);
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn chats_of_the_original_are_removed_by_their_age_however_it_was_written() {
    let scratch = Scratch::new();
    let store = scratch.open();
    // Of each kind one of before and one of after 2025-06-10.
    let times = [
        (Bson::Double(1_748_773_230.25), Bson::Double(1_750_000_000.5)),
        (Bson::Int32(1_748_773_233), Bson::Int32(1_750_000_000)),
        (Bson::Int64(1_748_773_233_000), Bson::Int64(1_750_000_000_000)),
        (
            Bson::DateTime(DateTime::from_millis(1_748_773_232_000)),
            Bson::DateTime(DateTime::from_millis(1_750_000_000_000)),
        ),
        (Bson::String("2025-06-01T10:20:31".to_owned()), Bson::String("2025-06-15T10:20:31+00:00".to_owned())),
        (Bson::String("1748773230.5".to_owned()), Bson::String("1750000000.5".to_owned())),
    ];
    let chat = |text: &str, at: &Bson| doc! {"user_id": "1", "role": "user", "content": text, "timestamp": at.clone()};
    let chats: Vec<Document> = times.iter().flat_map(|(old, new)| [chat("old", old), chat("new", new)]).collect();
    raw(&store, |base| async move { Ok(base.collection("chats").insert_many(chats).await?) }).await;
    let now = "2025-06-20T00:00:00Z".parse().unwrap();
    let keep = crate::domain::retention::RetentionPolicy::from_days(10, 0, 0);
    let swept = crate::store::sweep(&store, &keep, now, now).await.unwrap().unwrap();
    let left = store.recent_messages(&UserId::new("1"), 99).await.unwrap();
    assert_eq!((swept.chats, left.len()), (6, 6));
    assert!(left.iter().all(|message| message.text == "new"), "{left:#?}");
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn looking_needs_a_database_and_makes_nothing() {
    let scratch = Scratch::new();
    let settings = MongoSettings { connect: Duration::from_secs(5), ..scratch.settings() };
    let error = MongoStore::open_read_only(&uri(), &settings).unwrap_err();
    assert!(matches!(error, StoreError::Missing { .. }), "{error}");
    drop(scratch.open());
    let store = MongoStore::open_read_only(&uri(), &settings).unwrap();
    assert_eq!(store.count_orders().await.unwrap(), 0);
    assert!(store.health().await.unwrap().indexes.contains(&"order_details: Order ID (unique)".to_owned()));
    raw(&store, |base| async move {
        let newer = doc! {"$set": {"version": 99}};
        Ok(base.collection("meta").update_one(doc! {"_id": "schema"}, newer).await?)
    })
    .await;
    let error = MongoStore::open(&uri(), &settings).unwrap_err();
    assert!(matches!(error, StoreError::Newer { found: 99, .. }), "{error}");
}

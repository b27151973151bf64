//! The original beside this program on one database: documents in its shapes, with times and refunds as it writes them.

use jiff::civil;
use jiff::tz::TimeZone;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, DateTime, Document, doc};

use super::super::original::{OTHER_DATABASE, choose, mark, repair};
use super::*;
use crate::domain::alert::{Alert, AlertStatus, Priority};
use crate::domain::ids::{AlertId, OrderId, UserId};
use crate::domain::message::Role;
use crate::domain::money::Money;
use crate::domain::order::PaymentState;
use crate::domain::stats::Period;
use crate::store::contract::{approved, resolved};
use crate::store::{
    Alerts as _, Audit as _, Erasure as _, ImportMode, Insights as _, Ledger as _, Orders as _, Search, Transcript as _,
};

fn kolkata() -> TimeZone {
    TimeZone::get("Asia/Kolkata").unwrap()
}

/// A store of a shop in India.
fn open(scratch: &Scratch) -> MongoStore {
    MongoStore::open(&uri(), &MongoSettings { zone: kolkata(), ..scratch.settings() }).unwrap()
}

/// The key that a driver makes at a moment.
fn key(at: &str, number: u8) -> ObjectId {
    let seconds = u32::try_from(at.parse::<jiff::Timestamp>().unwrap().as_second()).unwrap();
    let mut bytes = [number; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn line(id: ObjectId, from: &str, text: &str, timestamp: impl Into<Bson>) -> Document {
    let to = if from == "user" { "system" } else { "919811110001" };
    doc! {"_id": id, "user_id": "919811110001", "from": from, "to": to, "text": text, "timestamp": timestamp.into()}
}

fn order(id: &str, requested: &str) -> Document {
    doc! {
        "Order ID": id, "Customer ID": "CUST1", "Platform": "JioMart", "Order Date & Time": "19:29.5",
        "Delivery Time (Minutes)": 30, "Product Category": "Personal Care", "Order Value (INR)": 1939,
        "Customer Feedback": "Items missing.", "Service Rating": 2, "Delivery Delay": "No", "Refund Requested": requested,
    }
}

fn paid_back(id: &str) -> Document {
    let mut order = order(id, "Processed");
    order.extend(doc! {
        "Refund Amount": 1842.05, "Refund Reason": "Items missing", "Refund Date": "2026-05-29T11:33:46.632490",
    });
    order
}

async fn insert(store: &MongoStore, collection: &'static str, documents: Vec<Document>) {
    raw(store, move |base| async move {
        base.collection(collection).insert_many(documents).await?;
        Ok(())
    })
    .await;
}

async fn stored(store: &MongoStore, id: &'static str) -> Document {
    raw(store, move |base| async move { Ok(base.collection("order_details").find_one(doc! {"Order ID": id}).await?) })
        .await
        .unwrap()
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn its_transcript_is_read_with_ours() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let noon = "2026-05-29T06:30:00Z";
    let lines = vec![
        // Without a zone: the shop's, as the moment of the insertion confirms.
        line(key(noon, 1), "user", "local date", DateTime::from_millis(at("2026-05-29T12:00:00Z").as_millisecond())),
        line(key(noon, 2), "system", "local text", "2026-05-29T12:00:01.018657"),
        // A program whose clock is UTC.
        line(
            key("2026-05-29T06:30:02Z", 3),
            "user",
            "UTC date",
            DateTime::from_millis(at("2026-05-29T06:30:02Z").as_millisecond()),
        ),
        line(key("2026-05-29T06:30:03Z", 4), "system", "UTC text", "2026-05-29T06:30:03.5"),
        // Copied into the database later: nothing but the shop's zone is known.
        line(key("2026-06-10T00:00:00Z", 5), "user", "copied text", "2026-05-29T12:00:05"),
        line(key(noon, 6), "user", "odd", Bson::Boolean(true)),
        doc! {"user_id": "919811110001", "text": "nobody"},
    ];
    insert(&store, "chat_history", lines).await;
    let user = UserId::new("919811110001");
    let read = store.recent_messages(&user, 50).await.unwrap();
    let told: Vec<(Role, &str, i64)> = read
        .iter()
        .map(|message| (message.role, message.text.as_str(), message.at.as_second() - at(noon).as_second()))
        .collect();
    assert_eq!(
        told,
        [
            (Role::User, "local date", 0),
            (Role::Assistant, "local text", 1),
            (Role::User, "UTC date", 2),
            (Role::Assistant, "UTC text", 3),
            (Role::User, "copied text", 5),
        ]
    );
    let mut ours = read[0].clone();
    (ours.text, ours.at) = ("ours".to_owned(), at("2026-05-29T06:30:04Z"));
    store.append_messages(&[ours]).await.unwrap();
    let last: Vec<String> =
        store.recent_messages(&user, 3).await.unwrap().into_iter().map(|message| message.text).collect();
    assert_eq!(last, ["UTC text", "ours", "copied text"], "in the order of their times");

    let found =
        store.find_conversations(&Search { text: "LOCAL".to_owned(), ..Search::default() }, 10, 100).await.unwrap();
    assert_eq!(found.users, std::slice::from_ref(&user));
    let summary = store.conversation_summaries(std::slice::from_ref(&user)).await.unwrap().remove(0);
    assert_eq!(summary.last.unwrap().text, "copied text");
    for from in [None, Some(at("2026-05-29T00:00:00Z"))] {
        let period = Period {
            from,
            until: at("2026-06-20T00:00:00Z"),
            zone: kolkata(),
            gap: jiff::SignedDuration::from_hours(24),
        };
        for _ in 0..2 {
            let stats = store.conversation_stats(&period, &[]).await.unwrap();
            assert_eq!((stats.users, stats.messages, stats.replies), (1, 4, 2), "{from:?}");
        }
    }
    let named = store.unreadable().await.unwrap();
    assert!(named.len() == 1 && named[0].starts_with("2 in chat_history"), "{named:?}");
    assert_eq!(store.data_of(&user).await.unwrap().chats.len(), 6);
    let erased = store.erase_data_of(&user, at("2026-06-20T00:00:00Z")).await.unwrap();
    assert_eq!((erased.chats, store.recent_messages(&user, 50).await.unwrap().len()), (8, 0));
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn its_refunds_are_known_as_paid_and_ours_are_marked_for_it() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let again = order("ORD000002", "Yes");
    insert(&store, "order_details", vec![paid_back("ORD000001"), again, order("ORD000003", "No")]).await;
    let theirs = store.order(&OrderId::new("ORD000001")).await.unwrap().unwrap();
    assert_eq!((theirs.details.payment_state, theirs.refund_requested), (Some(PaymentState::Refunded), Some(true)));
    let period = Period {
        from: None,
        until: at("2026-06-20T00:00:00Z"),
        zone: kolkata(),
        gap: jiff::SignedDuration::from_hours(24),
    };
    let stats = store.refund_stats(&period, None).await.unwrap();
    assert_eq!((stats.total.refunds, stats.elsewhere.refunds), (0, 1));
    assert_eq!(
        stats.elsewhere.amounts.of(crate::domain::currency::Currency::INR).amount,
        Money::from_minor_units(184_205)
    );

    // However its identifier is written.
    let mut written = [order("ord000011", "No"), order("", "No")];
    written[1].insert("Order ID", 800_022);
    insert(&store, "order_details", written.to_vec()).await;
    for id in ["ORD000011", "800022"] {
        assert!(store.order(&OrderId::new(id)).await.unwrap().is_some(), "{id}");
    }

    // Ours is marked, and stays known by the ledger alone.
    assert!(!store.record_refund(approved(2)).await.unwrap().already);
    let marked = stored(&store, "ORD000002").await;
    assert_eq!(marked.get_str("Refund Requested").unwrap(), "Processed");
    assert_eq!(
        (marked.get_i64("Refund Amount").unwrap(), marked.get_str("Refund Reason").unwrap()),
        (599, "items missing")
    );
    assert!(marked.get_str("Refund Date").unwrap().parse::<civil::DateTime>().is_ok());
    let ours = store.order(&OrderId::new("ORD000002")).await.unwrap().unwrap();
    assert_eq!(ours.details.payment_state, None);
    assert_eq!(store.refund_stats(&period, None).await.unwrap().elsewhere.refunds, 1);

    // The original was faster: nothing is recorded.
    insert(&store, "order_details", vec![paid_back("ORD000004")]).await;
    let late = store.record_refund(approved(4)).await.unwrap_err();
    assert!(late.to_string().contains("paid back by another program"), "{late}");
    assert_eq!(store.refund_of(&OrderId::new("ORD000004")).await.unwrap(), None);

    // A crash between the mark and the record: the original pays nothing, and the next attempt of ours goes on.
    let left = approved(3).into_refund();
    raw(&store, move |base| async move { mark(&base, &left).await }).await;
    assert_eq!(store.order(&OrderId::new("ORD000003")).await.unwrap().unwrap().details.payment_state, None);
    let recorded = store.record_refund(approved(3)).await.unwrap();
    assert_eq!(
        stored(&store, "ORD000003").await.get_str("Refund Transaction").unwrap(),
        recorded.refund.transaction_id
    );

    // An import takes no mark away, whatever its file says, and neither does the shop's own system.
    for id in ["ORD000001", "ORD000002"] {
        let mut fresh = store.order(&OrderId::new(id)).await.unwrap().unwrap();
        (fresh.refund_requested, fresh.category) = (Some(false), "Dairy".to_owned());
        fresh.details.payment_state = None;
        let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
        import.write(vec![fresh.clone()]).await.unwrap();
        import.commit().await.unwrap();
        fresh.category = "Snacks".to_owned();
        store.upsert_orders(&[fresh]).await.unwrap();
        let kept = store.order(&OrderId::new(id)).await.unwrap().unwrap();
        assert_eq!((kept.category.as_str(), kept.refund_requested), ("Snacks", Some(true)), "{id}");
    }
    assert_eq!(stored(&store, "ORD000001").await.get_str("Refund Requested").unwrap(), "Processed");
    // An import that replaces everything keeps what only the document tells.
    let mut import = store.begin_import(ImportMode::Replace).await.unwrap();
    let ours = store.order(&OrderId::new("ORD000003")).await.unwrap().unwrap();
    import.write(vec![ours]).await.unwrap();
    import.commit().await.unwrap();
    let theirs = store.order(&OrderId::new("ORD000001")).await.unwrap().unwrap();
    assert_eq!(theirs.details.payment_state, Some(PaymentState::Refunded));
    // Ours that was removed is marked when it comes back.
    assert_eq!(store.order(&OrderId::new("ORD000002")).await.unwrap(), None);
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    let back = crate::domain::order::Order {
        refund_requested: Some(false),
        ..crate::domain::order::Order::new(OrderId::new("ORD000002"))
    };
    import.write(vec![back]).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(stored(&store, "ORD000002").await.get_str("Refund Requested").unwrap(), "Processed");
    // What an earlier version of this program paid is marked when the store is opened.
    raw(&store, |base| async move {
        let lost = doc! {"$set": {"Refund Requested": "No"}, "$unset": {"Refund Amount": "", "Refund Transaction": ""}};
        base.collection("order_details").update_one(doc! {"Order ID": "ORD000003"}, lost).await?;
        base.collection("refunds").update_many(doc! {}, doc! {"$unset": {"marked": ""}}).await?;
        repair(&base).await
    })
    .await;
    assert_eq!(stored(&store, "ORD000003").await.get_str("Refund Requested").unwrap(), "Processed");
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn several_pending_alerts_are_settled_together() {
    let scratch = Scratch::new();
    let store = open(&scratch);
    let alert = |number: u8, reason: &str, priority: &str| {
        doc! {
            "_id": key("2026-05-29T06:30:00Z", number), "user_id": "1", "reason": reason, "last_message": "!", "priority": priority,
            "status": "pending", "timestamp": 1_780_036_200.0 + f64::from(number), "created_at": "2026-05-29T12:00:00",
        }
    };
    let other = doc! {"user_id": "2", "reason": "theirs", "priority": "high", "status": "pending", "timestamp": 1_780_036_200.0};
    insert(
        &store,
        "human_intervention_alerts",
        vec![alert(1, "first", "medium"), alert(2, "second", "high"), alert(3, "third", "low"), other],
    )
    .await;
    let user = UserId::new("1");
    let shown = store.pending_alert(&user).await.unwrap().unwrap();
    assert_eq!((shown.reason.as_str(), shown.priority), ("second", Priority::High));
    assert_eq!(shown.created_at.as_second(), 1_780_036_202, "the exact one of its times");
    let more = Alert { id: AlertId::new("ALERT_1"), reason: "again".to_owned(), ..shown.clone() };
    assert_eq!(store.open_alert(&more).await.unwrap().id, shown.id, "it joins one that is pending");
    assert!(store.resolve_alert(&shown.id, &resolved(at("2026-05-29T07:00:00Z"))).await.unwrap());
    assert_eq!(store.pending_alert(&user).await.unwrap(), None);
    let left: Vec<_> =
        store.alerts(10).await.unwrap().into_iter().filter(|alert| alert.status == AlertStatus::Pending).collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].user_id, UserId::new("2"));
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_untouched_database_is_sound_and_told_about() {
    let scratch = Scratch::new();
    let client = Client::with_uri_str(uri()).await.unwrap();
    let db = client.database(&scratch.name);
    db.collection::<Document>("order_details")
        .insert_many([order("ORD000001", "No"), paid_back("ORD000002")])
        .await
        .unwrap();
    let history = [line(key("2026-05-29T06:30:00Z", 1), "user", "hi", "2026-05-29T12:00:00")];
    db.collection::<Document>("chat_history").insert_many(history).await.unwrap();
    db.collection::<Document>("their_own").insert_one(doc! {"a": 1}).await.unwrap();
    let settings = MongoSettings { zone: kolkata(), ..scratch.settings() };
    let store = MongoStore::open_read_only(&uri(), &settings).unwrap();
    let health = store.health().await.unwrap();
    assert_eq!((health.schema, health.problems), (0, Vec::<String>::new()));
    let told = store.moved_over().await.unwrap().join("; ");
    for part in [
        "2 orders",
        "1 line of transcript in chat_history",
        "1 order paid back by another program, ₹1,842.05",
        "their_own",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert!(store.check_audit().await.unwrap().broken.is_none());
    assert_eq!(store.unreadable().await.unwrap(), Vec::<String>::new());
    // With a key from the settings, the first start is no suspicion.
    let key = crate::store::audit_key::LoadedKey {
        key: crate::domain::audit::AuditKey::new(&[7; 32]).unwrap(),
        place: crate::store::audit_key::KeyPlace::Settings,
        made: false,
    };
    let store = MongoStore::open_keyed(&uri(), &settings, Some(key), false).unwrap();
    assert!(store.health().await.unwrap().problems.is_empty());
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn the_database_of_the_original_is_found() {
    let client = Client::with_uri_str(uri()).await.unwrap();
    // Whoever names a database gets it.
    assert_eq!(choose(&client, "mine", "host").await.unwrap(), "mine");
    let other = client.database(OTHER_DATABASE);
    let default = client.database("ecommerce_support");
    let (before, there) =
        (other.list_collection_names().await.unwrap(), default.list_collection_names().await.unwrap());
    assert!(before.is_empty() && there.is_empty(), "this test needs a server without data: {before:?} {there:?}");
    other.collection::<Document>("order_details").insert_one(order("ORD000001", "No")).await.unwrap();
    let only_other = choose(&client, "ecommerce_support", "host").await;
    default.collection::<Document>("order_details").insert_one(order("ORD000001", "No")).await.unwrap();
    let both = choose(&client, "ecommerce_support", "host").await;
    default.collection::<Document>("meta").insert_one(doc! {"_id": "schema", "version": 1}).await.unwrap();
    let ours = choose(&client, "ecommerce_support", "host").await;
    other.drop().await.unwrap();
    default.drop().await.unwrap();
    assert_eq!(only_other.unwrap(), OTHER_DATABASE);
    let both = both.unwrap_err();
    assert!(both.hint().unwrap().contains("host/grocery_shipping"), "{both}");
    assert_eq!(ours.unwrap(), "ecommerce_support");
}

/// Canonical extended JSON, as far as it occurs.
fn extended(value: &serde_json::Value) -> Bson {
    let serde_json::Value::Object(map) = value else {
        return Bson::String(value.as_str().unwrap().to_owned());
    };
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    match map.iter().next().map(|(name, value)| (name.as_str(), value)) {
        Some(("$oid", id)) => Bson::ObjectId(ObjectId::parse_str(text(id)).unwrap()),
        Some(("$numberInt", number)) => Bson::Int32(text(number).parse().unwrap()),
        Some(("$numberDouble", number)) => Bson::Double(text(number).parse().unwrap()),
        Some(("$date", at)) => Bson::DateTime(DateTime::from_millis(text(&at["$numberLong"]).parse().unwrap())),
        _ => Bson::Document(map.iter().map(|(name, value)| (name.clone(), extended(value))).collect()),
    }
}

/// What its own code wrote, where that is beside the checkout.
#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn what_its_own_code_wrote_is_read() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures/original/documents.jsonl");
    let Ok(lines) = std::fs::read_to_string(&path) else { return };
    let scratch = Scratch::new();
    let db = Client::with_uri_str(uri()).await.unwrap().database(&scratch.name);
    for line in lines.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let Bson::Document(document) = extended(&line["document"]) else { panic!("{line}") };
        db.collection(line["collection"].as_str().unwrap()).insert_one(document).await.unwrap();
    }
    let settings = MongoSettings { zone: kolkata(), ..scratch.settings() };
    for store in [MongoStore::open_read_only(&uri(), &settings).unwrap(), MongoStore::open(&uri(), &settings).unwrap()]
    {
        assert_eq!(store.health().await.unwrap().problems, Vec::<String>::new());
        assert_eq!(store.unreadable().await.unwrap(), Vec::<String>::new());
        let paid = store.order(&OrderId::new("ORD000006")).await.unwrap().unwrap();
        assert_eq!(paid.details.payment_state, Some(PaymentState::Refunded));
        let first = store.recent_messages(&UserId::new("919811110001"), 10).await.unwrap();
        assert_eq!(
            first.iter().map(|message| message.role).collect::<Vec<_>>(),
            [Role::User, Role::User, Role::Assistant, Role::Assistant]
        );
        // Its clock was UTC, as the keys show.
        assert_eq!(first[2].at.to_string(), "2026-11-29T11:33:39.018657Z");
        assert!(store.pending_alert(&UserId::new("919811110003")).await.unwrap().is_some());
        assert_eq!(store.pending_alert(&UserId::new("919811110002")).await.unwrap(), None);
        let period = Period {
            from: None,
            until: at("2026-12-20T00:00:00Z"),
            zone: kolkata(),
            gap: jiff::SignedDuration::from_hours(24),
        };
        let alerts = store.alert_rows().await.unwrap();
        assert_eq!((alerts.len(), store.conversation_stats(&period, &alerts).await.unwrap().users), (3, 3));
        assert_eq!(store.order_stats(&period, None).await.unwrap().total.orders, 5);
        assert_eq!(
            store
                .refund_stats(&period, None)
                .await
                .unwrap()
                .elsewhere
                .amounts
                .of(crate::domain::currency::Currency::INR)
                .amount,
            Money::from_minor_units(184_205)
        );
    }
}

fn at(text: &str) -> jiff::Timestamp {
    text.parse().unwrap()
}

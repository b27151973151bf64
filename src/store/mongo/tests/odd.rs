//! Odd documents: any odd value in any field of any document makes no list, report or page fail, and is named.

use jiff::{SignedDuration, Timestamp};
use mongodb::bson::{Bson, Document, doc, oid::ObjectId};

use super::super::values::int;
use super::*;
use crate::domain::alert::AlertSearch;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::stats::Period;
use crate::store::{
    Actions as _, Alerts as _, Corrections as _, Erasure as _, Inbox as _, Insights as _, Ledger as _, Orders as _,
    Outbox as _,
};
use crate::store::{Audit as _, Search, Transcript as _};

fn odd_values() -> Vec<Bson> {
    vec![
        Bson::Double(f64::NAN),
        Bson::Double(f64::INFINITY),
        Bson::Double(1.5e300),
        Bson::Null,
        Bson::String(String::new()),
        Bson::String("\u{fffd} yesterday, perhaps".to_owned()),
        Bson::Int64(i64::MIN),
        Bson::Boolean(true),
        Bson::Array(vec![Bson::Null]),
        Bson::Document(doc! {"a": [1]}),
        Bson::ObjectId(ObjectId::new()),
        Bson::MaxKey,
    ]
}

/// A sound document of each collection that other programs and this one write. The key, where it is generated, is not there.
fn sound() -> Vec<(&'static str, Document)> {
    let at = mongodb::bson::DateTime::from_millis(1_780_000_000_000);
    vec![
        (
            "order_details",
            doc! {
                "Order ID": "ORD000001", "Customer ID": "CUST1", "Platform": "JioMart", "Order Date & Time": "19:29.5",
                "Delivery Time (Minutes)": 30, "Product Category": "Snacks", "Order Value (INR)": 382, "Customer Feedback": "ok",
                "Service Rating": 5, "Delivery Delay": "No", "Refund Requested": "Yes", "Customer Phone": "919876543210",
                "Order Date": "2026-05-01", "placed_at": "2026-05-01T10:00:00", "Order Status": "Delivered",
            },
        ),
        (
            "chats",
            doc! {
                "user_id": "1", "place": 1_i64, "role": "user", "content": "hi", "timestamp": at, "turn": 1_i64,
                "intent": "other", "sentiment": "neutral", "response_ms": 5_i64, "intent_confidence": 0.2,
            },
        ),
        (
            "human_intervention_alerts",
            doc! {
                "alert_id": "A1", "user_id": "1", "reason": "angry", "last_message": "!", "priority": "high",
                "status": "pending", "created_at": 1_780_000_000.5, "assignee": "desk", "claimed_at": 1_780_000_001.0,
            },
        ),
        (
            "corrections",
            doc! {
                "user_id": "1", "turn": 1_i64, "text": "hi", "said_at": at, "intent": "other", "by": "operator:x", "at": at,
            },
        ),
        (
            "conversations",
            doc! {
                "_id": "1", "version": 1_i64, "state": {}, "due": at, "worker": "w", "fence": 1_i64, "attempts": 1_i64, "arrivals": 1_i64,
            },
        ),
        (
            "inbox",
            doc! {
                "_id": "m1", "user_id": "1", "sent_at": at, "received_at": at, "content": {}, "arrived": 1_i64, "waiting": true,
            },
        ),
        (
            "outbox",
            doc! {
                "_id": "1/1/0", "user_id": "1", "turn": 1_i64, "sequence": 0_i64, "body": {}, "state": "queued", "pending": true,
                "head": true, "attempts": 0_i64, "next_at": at,
            },
        ),
        (
            "refunds",
            doc! {
                "_id": "ORD000001", "transaction_id": "RFND_1", "amount_paise": 38_200_i64, "fee_paise": 0_i64, "reason": "late",
                "actor": "operator:x", "at": at,
            },
        ),
        (
            "quotes",
            doc! {
                "_id": "q1", "order_id": "ORD000001", "user_id": "1", "order_value_paise": 1_i64, "amount_paise": 1_i64,
                "fee_paise": 0_i64, "created_at": at, "expires_at": at,
            },
        ),
        (
            "actions",
            doc! {
                "_id": "cancel/ORD000001/1", "id": "ACT_1", "order_id": "ORD000001", "user_id": "1", "open": true, "pending": true,
                "refund": null,
                "action": {
                    "id": "ACT_1", "kind": "cancel", "order_id": "ORD000001", "user_id": "1", "actor": "customer:1", "reason": "x",
                    "details": {}, "amount": null, "transaction_id": null, "at": "2026-06-01T10:00:00Z", "done": null,
                },
            },
        ),
    ]
}

fn period(from: Option<Timestamp>) -> Period {
    let until = "2026-06-20T00:00:00Z".parse().unwrap();
    Period { from, until, zone: jiff::tz::TimeZone::UTC, gap: SignedDuration::from_hours(24) }
}

/// Everything that lists, counts or searches.
async fn look(store: &MongoStore, told: &str) {
    let user = UserId::new("1");
    let now: Timestamp = "2026-06-20T00:00:00Z".parse().unwrap();
    for from in [None, Some(now - SignedDuration::from_hours(24 * 300))] {
        let period = period(from);
        let alerts = store.alert_rows().await.unwrap_or_else(|error| panic!("{told}: {error}"));
        store.conversation_stats(&period, &alerts).await.unwrap_or_else(|error| panic!("{told}: {error}"));
        store.order_stats(&period, None).await.unwrap_or_else(|error| panic!("{told}: {error}"));
        store.refund_stats(&period, None).await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
    let search = Search { text: "i".to_owned(), ..Search::default() };
    for search in [Search::default(), search] {
        let found = store.find_conversations(&search, 10, 100).await.unwrap_or_else(|error| panic!("{told}: {error}"));
        store.conversation_summaries(&found.users).await.unwrap_or_else(|error| panic!("{told}: {error}"));
    }
    macro_rules! works {
        ($($call:expr),* $(,)?) => { $(if let Err(error) = $call.await { panic!("{told}: {}: {error}", stringify!($call)) })* };
    }
    works!(
        store.conversation_summaries(std::slice::from_ref(&user)),
        store.recent_messages(&user, 10),
        store.alerts(10),
        store.find_alerts(&AlertSearch { text: "a".to_owned(), ..AlertSearch::default() }, 10),
        store.pending_alert(&user),
        store.unsent_alerts("mail", Timestamp::UNIX_EPOCH, now, 10),
        store.corrections(None, now),
        store.corrections_of(&user),
        store.unsure_messages(0.9, 10),
        store.unfinished(10),
        store.backlog(),
        store.refunds(10),
        store.actions(true, 10),
        store.actions(false, 10),
        store.actions_of(&OrderId::new("ORD000001")),
        store.claim_refund(now, SignedDuration::from_secs(60)),
        store.outgoing_of(&user, 10),
        store.parked_outgoing(10),
        store.change_token(),
        store.data_of(&user),
        store.audit_length(),
        store.count_orders(),
        store.unreadable(),
    );
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn one_odd_value_spoils_no_list() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for (collection, document) in sound() {
        let fields: Vec<String> = document.keys().filter(|key| *key != "_id").cloned().collect();
        for field in fields {
            // All odd values of a field at once: each in a document of its own, beside a sound one.
            let mut documents = vec![document.clone()];
            documents.extend(odd_values().into_iter().enumerate().map(|(number, value)| {
                let mut odd = document.clone();
                odd.insert(field.clone(), value);
                if odd.contains_key("_id") {
                    odd.insert("_id", format!("{field}/{number}"));
                }
                if collection == "order_details" && field != "Order ID" {
                    odd.insert("Order ID", format!("ORD00{number:04}"));
                }
                odd
            }));
            let mut without = document.clone();
            without.remove(&field);
            without.insert("_id", "without");
            documents.push(without);
            raw(&store, move |base| async move {
                super::super::error::duplicates(
                    base.collection(collection).insert_many(documents).ordered(false).await,
                )?;
                Ok(())
            })
            .await;
            look(&store, &format!("{collection}, {field}")).await;
            raw(&store, move |base| async move {
                base.collection(collection).delete_many(doc! {}).await?;
                Ok(())
            })
            .await;
        }
    }
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_odd_document_is_named_and_the_rest_counts() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let (_, order) = sound().remove(0);
    let mut odd = order.clone();
    odd.extend(doc! {"Order ID": "ORD000002", "Order Value (INR)": "a lot", "Items": "two of each"});
    let nameless = doc! {"Product Category": "Dairy"};
    raw(&store, |base| async move {
        base.collection("order_details").insert_many([order, odd, nameless]).await?;
        let chats = [doc! {"user_id": "919876543210", "message": null, "timestamp": null}, sound().remove(1).1];
        base.collection("chats").insert_many(chats).await?;
        Ok(())
    })
    .await;
    let total = store.order_stats(&period(None), None).await.unwrap().total;
    assert_eq!(
        (total.orders, total.values.of(crate::domain::currency::Currency::INR).count),
        (2, 1),
        "what it cost is not known of the odd one"
    );
    let odd = store.order(&OrderId::new("ORD000002")).await.unwrap().unwrap();
    assert_eq!((odd.value, odd.details.lines.len()), (None, 0));
    let named = store.unreadable().await.unwrap();
    assert!(named.len() == 2 && named[0].contains("ORD000002") && named[1].starts_with("1 in chats"), "{named:?}");
    assert!(!named.concat().contains("919876543210"), "no customer is named: {named:?}");
    assert!(store.order(&OrderId::new("ORD000001")).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn an_odd_message_holds_up_no_other_customer() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let now: Timestamp = "2026-06-20T00:00:00Z".parse().unwrap();
    for user in ["1", "2"] {
        let message = crate::domain::inbound::Inbound {
            id: crate::domain::ids::MessageId::new(format!("m{user}")),
            user_id: UserId::new(user),
            sent_at: now,
            received_at: now,
            content: crate::domain::inbound::Content::Text { text: "hi".to_owned() },
            context: crate::domain::inbound::Context::default(),
            number: None,
        };
        store.accept(&[message], now).await.unwrap();
    }
    raw(&store, |base| async move {
        let odd = doc! {"$set": {"content": {"kind": f64::NAN}, "sent_at": true}};
        base.collection("inbox").update_one(doc! {"_id": "m1"}, odd).await?;
        base.collection("conversations").insert_one(doc! {"_id": 5, "due": mongodb::bson::DateTime::MIN}).await?;
        Ok(())
    })
    .await;
    let claim = store.claim(None, "w", now, SignedDuration::from_secs(60)).await.unwrap().unwrap();
    assert_eq!(claim.user_id, UserId::new("2"));
    assert!(store.claim(None, "w", now, SignedDuration::from_secs(60)).await.unwrap().is_none());
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn events_of_a_newer_version_are_left_to_it() {
    use crate::domain::event::EventType;
    use crate::store::{EventRoute, Events as _};
    let scratch = Scratch::new();
    let store = scratch.open().recording_events(true);
    let unknown = |id: &str| {
        format!(r#"{{"id":"{id}","at":"2026-06-01T10:00:00Z","user_id":"1","type":"of.tomorrow","data":{{}}}}"#)
    };
    let at = mongodb::bson::DateTime::from_millis(1_780_000_000_000);
    let first = doc! {"_id": "evt_0", "at": at, "content": unknown("evt_0"), "new": true};
    // One waits in the document of its fact.
    let fact = doc! {"_id": "fact", "pending_events": [unknown("evt_1")], "events_waiting": true};
    raw(&store, |base| async move {
        base.collection("events").insert_one(first).await?;
        base.collection("actions").insert_one(fact).await?;
        Ok(())
    })
    .await;
    store.record_refund(crate::store::contract::approved(1)).await.unwrap();
    let routes = [EventRoute { endpoint: "all".to_owned(), types: EventType::matching("*") }];
    let now: Timestamp = "2026-06-20T00:00:00Z".parse().unwrap();
    assert_eq!(store.fan_out(&routes, now, 1).await.unwrap(), 1, "the others do not wait for them");
    assert_eq!(store.fan_out(&routes, now, 1).await.unwrap(), 0);
    assert_eq!(store.event_backlog().await.unwrap().new, 2, "they are still new");
    let kept =
        raw(&store, |base| async move { Ok(base.collection("events").find_one(doc! {"_id": "evt_1"}).await?) }).await;
    let kept = kept.unwrap();
    assert_eq!((kept.get_str("content").unwrap(), kept.get_str("user_id").unwrap()), (unknown("evt_1").as_str(), "1"));
}

#[tokio::test]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn a_signed_trail_is_held_against_its_key() {
    use crate::domain::audit::{AuditEntry, AuditKey, AuditPhase, AuditRecord, GENESIS};
    use crate::store::audit_key::{KeyPlace, LoadedKey};
    let record = AuditRecord {
        at: Timestamp::UNIX_EPOCH,
        actor: "system".to_owned(),
        action: "import".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::Value::Null,
        result: serde_json::Value::Null,
    };
    let key = AuditKey::new(&[7; 32]).unwrap();
    let loaded = LoadedKey { key: key.clone(), place: KeyPlace::Settings, made: false };
    for way in ["rewritten", "cut off", "unsigned appended", "odd"] {
        let scratch = Scratch::new();
        let settings = scratch.settings();
        let open = |key: Option<LoadedKey>| MongoStore::open_keyed(&uri(), &settings, key, false);
        let store = open(Some(loaded.clone())).unwrap();
        for _ in 0..5 {
            store.append_audit(&record).await.unwrap();
        }
        let check = store.check_audit().await.unwrap();
        assert_eq!((check.signed, check.broken), (5, None));
        assert!(matches!(open(None).unwrap_err(), StoreError::OtherKey { .. }));
        let other = LoadedKey { key: AuditKey::new(&[8; 32]).unwrap(), ..loaded.clone() };
        assert!(matches!(open(Some(other)).unwrap_err(), StoreError::OtherKey { .. }));
        let record_again = record.clone();
        raw(&store, move |base| async move {
            let (audit, heads) = (base.collection("audit"), base.collection("audit_head"));
            match way {
                "cut off" => {
                    audit.delete_many(doc! {"_id": {"$gt": 3}}).await?;
                    let third = audit.find_one(doc! {"_id": 3}).await?.unwrap();
                    let set = doc! {"$set": {"seq": 3_i64, "hash": third.get_str("hash").unwrap()}};
                    heads.update_one(doc! {"_id": "head"}, set).await?;
                }
                "odd" => {
                    audit.update_one(doc! {"_id": 5}, doc! {"$set": {"content": f64::NAN}}).await?;
                    audit.insert_one(doc! {"_id": "odd", "hash": 5}).await?;
                }
                _ => {
                    let mut previous = GENESIS.to_owned();
                    for seq in 1..=6_u64 {
                        let entry = AuditEntry::seal(seq, &previous, &record_again, 9, None);
                        if way == "rewritten" || seq == 6 {
                            let before = if way == "rewritten" { previous.clone() } else { "0".to_owned() };
                            let row = doc! {"_id": int(seq), "previous": before, "hash": &entry.hash, "content": &entry.content, "call": "x"};
                            audit.replace_one(doc! {"_id": int(seq)}, row).upsert(true).await?;
                        }
                        previous = entry.hash;
                    }
                    heads.update_one(doc! {"_id": "head"}, doc! {"$set": {"seq": 6_i64, "hash": previous}}).await?;
                }
            }
            Ok(())
        })
        .await;
        let check = store.check_audit().await.unwrap();
        assert!(check.broken.is_some(), "{way}: {check:?}");
        let error = store.append_audit(&record).await.unwrap_err();
        assert!(matches!(error, StoreError::Unvouched { .. }), "{way}: {error}");
        assert!(!store.audit_entries(1, 10).await.unwrap().is_empty());
    }
}

//! Every query that the store makes is an index scan: all commands are listened to, and held against the indexes.
//!
//! It must never pass a query that a server would answer by reading a whole collection.

use std::collections::BTreeMap;
use std::sync::Mutex;

use mongodb::bson::{Bson, Document, doc};
use mongodb::event::EventHandler;
use mongodb::event::command::CommandEvent;

use super::turns::{LEASE, at, inbound, said};
use super::*;
use crate::domain::alert::{
    Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Handling, Priority, Reopened, Resolution,
};
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::conversation::Conversation;
use crate::domain::correction::Correction;
use crate::domain::ids::{AlertId, OrderId, QuoteId, UserId};
use crate::domain::inbound::{Content, Inbound, Media};
use crate::domain::media::{MediaFile, MediaState};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::money::Money;
use crate::domain::order::Order;
use crate::domain::outgoing::Outgoing;
use crate::domain::refund::{Proposal, RefundState};
use crate::domain::retention::RetentionPolicy;
use crate::store::contract::{address, approve, approved, order, resolved, young};
use crate::store::{
    Actions as _, Alerts as _, AnsweredBy, Audit as _, Conversations as _, Corrections as _, FinishedTurn, ImportMode,
    Inbox as _, Insights as _, Ledger as _, MediaFiles as _, Orders as _, Outbox as _, Retention as _, Search,
    Transcript as _, forget, personal_data, sweep,
};

/// The commands that were heard, each form once.
type Heard = Arc<Mutex<BTreeMap<String, Document>>>;

/// What a command looks for, as `find` commands.
fn searches(command: &Document) -> Vec<Document> {
    let Some((name, collection)) = command.iter().next() else { return Vec::new() };
    let find = |filter: Option<&Bson>, sort: Option<&Bson>| {
        let mut find = doc! {"find": collection.clone(), "filter": filter.cloned().unwrap_or(Bson::Document(doc! {}))};
        if let Some(sort) = sort {
            find.insert("sort", sort.clone());
        }
        find
    };
    let each = |name: &str| {
        let statements = command.get_array(name).cloned().unwrap_or_default();
        statements.iter().filter_map(Bson::as_document).map(|one| find(one.get("q"), None)).collect()
    };
    match name.as_str() {
        "find" => vec![find(command.get("filter"), command.get("sort"))],
        "findAndModify" => vec![find(command.get("query"), command.get("sort"))],
        "aggregate" => {
            let stages = command.get_array("pipeline").cloned().unwrap_or_default();
            let stage = |name: &str| stages.iter().find_map(|stage| stage.as_document()?.get(name));
            let first = stages.first().and_then(|stage| stage.as_document()?.get("$match"));
            vec![find(first, stage("$sort"))]
        }
        "update" => each("updates"),
        "delete" => each("deletes"),
        _ => Vec::new(),
    }
}

/// The form of a search: its fields without the values.
fn form(search: &Document) -> String {
    fn strip(value: &Bson) -> Bson {
        match value {
            Bson::Document(inner) => {
                Bson::Document(inner.iter().map(|(key, value)| (key.clone(), strip(value))).collect())
            }
            Bson::Array(inner) => Bson::Array(inner.iter().take(1).map(strip).collect()),
            other => Bson::String(format!("{:?}", other.element_type())),
        }
    }
    let mut form = search.clone();
    if let Some(filter) = form.get_mut("filter") {
        *filter = strip(filter);
    }
    form.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs a server: tests/mongo.sh starts one and sets TEST_MONGO_URI"]
async fn every_query_is_an_index_scan() {
    let scratch = Scratch::new();
    // Only what is there when the store is opened gets the indexes of the original's transcript.
    let line = doc! {"text": "of nobody"};
    raw(&scratch.open(), |base| async move { Ok(base.collection("chat_history").insert_one(line).await?) }).await;
    let heard: Heard = Arc::default();
    let (listener, settings) = (Arc::clone(&heard), scratch.settings());
    let store = driver::wait(async move {
        let listen = move |options: &mut ClientOptions| {
            options.command_event_handler = Some(EventHandler::callback(move |event| {
                if let CommandEvent::Started(started) = event {
                    let mut heard = listener.lock().unwrap();
                    for search in searches(&started.command) {
                        heard.entry(form(&search)).or_insert(search);
                    }
                }
            }));
        };
        MongoStore::connect(&uri(), settings, listen, true).await
    })
    .unwrap();
    everything(&store).await;
    pages(&store).await;
    keeping(&store, &UserId::new("u")).await;
    store.health().await.unwrap();
    let heard = std::mem::take(&mut *heard.lock().unwrap());
    assert!(heard.len() > 40, "only {} forms were heard: the test no longer sees them", heard.len());
    let mut indexes: BTreeMap<String, Vec<Document>> = BTreeMap::new();
    let mut scans = Vec::new();
    for (form, search) in heard {
        let name = search.get_str("find").unwrap().to_owned();
        if !indexes.contains_key(&name) {
            let list = doc! {"listIndexes": &name};
            let listed = raw(&store, |base| async move { Ok(base.db.run_command(list).await?) }).await;
            let batch = listed.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
            let keys = batch.iter().map(|one| one.as_document().unwrap().get_document("key").unwrap().clone());
            indexes.insert(name.clone(), keys.collect());
        }
        // The forms of the ids are learnt from all orders, once after each import.
        let whole = name == "order_details" && search.get_document("filter").unwrap().is_empty();
        if !whole && !indexes[&name].iter().any(|keys| serves(keys, &search)) {
            scans.push(form);
        }
    }
    assert!(scans.is_empty(), "{}", scans.join("\n"));
}

/// Whether an index finds what is looked for, or hands it out in its order: its first field is bounded by the filter,
/// or is what a search without such bounds is sorted by. That server's own plan is not asked: it shows a scan of the
/// whole collection for `{_id: 2, hash: "x"}`, and for a range of `_id`, however many documents there are.
fn serves(keys: &Document, search: &Document) -> bool {
    let first = keys.keys().next().unwrap();
    let bounded = |filter: &Document| match filter.get(first) {
        None => false,
        Some(Bson::Document(bounds)) if bounds.keys().any(|key| key.starts_with('$')) => {
            // Around the values of a `$nin` MongoDB walks the index: it is used here where hardly anything is left.
            bounds.keys().any(|key| ["$eq", "$in", "$nin", "$gt", "$gte", "$lt", "$lte"].contains(&key.as_str()))
        }
        Some(_) => true,
    };
    let filter = search.get_document("filter").unwrap();
    // Each branch of an `$or` is a search of its own.
    let branches = filter
        .get_array("$or")
        .is_ok_and(|branches| branches.iter().all(|branch| branch.as_document().is_some_and(bounded)));
    let sorted = search.get_document("sort").is_ok_and(|sort| sort.keys().next() == Some(first));
    bounded(filter) || branches || sorted
}

#[test]
fn an_index_serves_what_begins_with_its_field() {
    let index = doc! {"due": 1, "_id": 1};
    for (search, served) in [
        (doc! {"filter": {"due": {"$lte": 5}, "worker": "w"}}, true),
        (doc! {"filter": {"due": 5}}, true),
        (doc! {"filter": {"_id": 5}}, false),
        (doc! {"filter": {"due": {"$exists": true}}}, false),
        (doc! {"filter": {"due": {"$ne": 5}}}, false),
        (doc! {"filter": {"due": {"$nin": [5, 6]}}}, true),
        (doc! {"filter": {}, "sort": {"due": 1}}, true),
        (doc! {"filter": {}, "sort": {"_id": 1}}, false),
        (doc! {"filter": {}}, false),
        (doc! {"filter": {"$or": [{"due": 1}, {"due": {"$gt": 4}}]}}, true),
        (doc! {"filter": {"$or": [{"due": 1}, {"worker": "w"}]}}, false),
    ] {
        assert_eq!(serves(&index, &search), served, "{search}");
    }
}

/// Calls every operation of every port at least once, with something to find.
async fn everything(store: &MongoStore) {
    let user = UserId::new("u");
    for mode in [ImportMode::Upsert, ImportMode::Upsert, ImportMode::Append, ImportMode::Replace] {
        let mut import = store.begin_import(mode).await.unwrap();
        let last = if mode == ImportMode::Replace { 10 } else { 20 };
        let orders: Vec<Order> = (1..last).map(order).collect();
        import.write(orders).await.unwrap();
        import.commit().await.unwrap();
    }
    let id = OrderId::new("ORD000001");
    assert!(store.order(&id).await.unwrap().is_some());
    assert_eq!(store.count_orders().await.unwrap(), 9);
    let mut whole = order(30);
    whole.phone = Some("+91 98450 12345".to_owned());
    whole.details.display_id = Some("#1001".to_owned());
    for second in [1, 2, 2, 1] {
        whole.details.updated_at = Some(at(second));
        store.upsert_order(&whole).await.unwrap();
    }
    let mut import = store.begin_import(ImportMode::Upsert).await.unwrap();
    whole.details.updated_at = Some(at(3));
    import.write(vec![whole.clone()]).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(store.orders_named("1001").await.unwrap().len(), 1);
    let india = crate::domain::phone::Country::parse("IN").unwrap();
    assert_eq!(store.orders_of_number("+919845012345", india, 5).await.unwrap().len(), 1);
    store.bind_order(&id, &user, at(0)).await.unwrap();
    store.binding(&id).await.unwrap();
    for number in 1..4 {
        store.try_record_lookup(&OrderId::new(&format!("ORD00000{number}")), &user, at(0), 5).await.unwrap();
    }
    let quote = Proposal {
        id: QuoteId::new("q"),
        order_id: id.clone(),
        user_id: Some(user.clone()),
        kind: crate::domain::proposal::ProposalKind::Refund,
        details: crate::domain::proposal::Details::default(),
        order_value: Money::from_rupees(599),
        amount: Money::from_rupees(599),
        fee: Money::ZERO,
        currency: crate::domain::currency::Currency::INR,
        turn: Some(1),
        created_at: at(0),
        expires_at: at(1_800),
    };
    store.save_quote(&quote).await.unwrap();
    store.latest_quote(&id, Some(&user)).await.unwrap().unwrap();
    store.quote(&quote.id).await.unwrap().unwrap();
    for _ in 0..2 {
        store.record_refund(approved(1)).await.unwrap();
    }
    store.refund_of(&id).await.unwrap().unwrap();
    assert_eq!(store.refunds(5).await.unwrap().len(), 1);
    assert_eq!(store.refunds_in(&[RefundState::Requested, RefundState::Paid], 5).await.unwrap().len(), 1);
    store.refunds_of("operator:x", at(0)).await.unwrap();
    store.refund("RFND_x").await.unwrap();
    store.claim_refund(at(0), LEASE).await.unwrap();
    acting(store).await;
    let record = AuditRecord {
        at: at(0),
        actor: "system".to_owned(),
        action: "process_refund".to_owned(),
        phase: AuditPhase::Started,
        arguments: serde_json::json!({"order_id": id.as_str()}),
        result: serde_json::Value::Null,
    };
    for _ in 0..2 {
        store.append_audit(&record).await.unwrap();
    }
    assert_eq!(store.audit_entries(1, 9).await.unwrap().len(), 2);
    assert_eq!(store.audit_length().await.unwrap(), 2);
    assert_eq!(store.check_audit().await.unwrap().broken, None);
    assert_eq!(store.check_refunds().await.unwrap(), None);
    alerts(store, &user).await;
    talk(store, &user).await;
    files(store, &user).await;
}

async fn files(store: &MongoStore, user: &UserId) {
    let content = Content::Media { media: Media::Image, caption: String::new(), file: "9".to_owned() };
    let file = MediaFile::of(&Inbound { content, ..inbound("photo", user.as_str(), 1) }).unwrap();
    for _ in 0..2 {
        store.note_media(std::slice::from_ref(&file)).await.unwrap();
    }
    let claimed = store.claim_media(at(1), LEASE).await.unwrap().unwrap();
    let sha256 = "a".repeat(64);
    let done = MediaFile { state: MediaState::Stored, sha256: Some(sha256.clone()), ..claimed.clone() };
    assert!(store.save_media(&claimed, &done).await.unwrap());
    assert!(store.media_file(&file.id).await.unwrap().is_some());
    let order = OrderId::new("ORD000001");
    assert_eq!(store.attach_media(user, at(0), &order).await.unwrap(), 1);
    assert_eq!(store.media_of(user, 5).await.unwrap().len(), 1);
    assert_eq!(store.media_of_order(&order, 5).await.unwrap().len(), 1);
    assert_eq!(store.media_contents(&[sha256]).await.unwrap().len(), 1);
}

async fn acting(store: &MongoStore) {
    let changed = approve(&young(3), (&[], None), "ACT_1", &address("9 Hill View"));
    for _ in 0..2 {
        store.record_action(changed.clone()).await.unwrap();
    }
    assert_eq!(store.actions_of(&OrderId::new("ORD000003")).await.unwrap().len(), 1);
    assert_eq!(store.actions(false, 5).await.unwrap().len(), 1);
    assert!(store.close_action("ACT_1", "desk", at(9), None).await.unwrap().is_some());
    assert_eq!((store.actions(true, 5).await.unwrap(), store.action("ACT_2").await.unwrap()), (Vec::new(), None));
}

/// Removes and erases what the others left.
async fn keeping(store: &MongoStore, user: &UserId) {
    let late = at(90 * 86_400);
    let swept = sweep(store, &RetentionPolicy::from_days(30, 30, 30), late, late).await.unwrap().unwrap();
    assert!(swept.chats > 0 && swept.alerts > 0 && swept.inbox > 0 && swept.outbox > 0, "{swept:?}");
    assert!(swept.audit > 0 && !swept.trail_broken, "{swept:?}");
    assert_eq!(store.last_sweep().await.unwrap(), Some(swept));
    store.append_audit(&AuditRecord { actor: format!("customer:{user}"), ..record(user) }).await.unwrap();
    assert!(!personal_data(store, user).await.unwrap().is_empty());
    assert_eq!(forget(store, user, &|| late).await.unwrap().erased.audit, 1);
    assert_eq!(store.check_audit().await.unwrap().broken, None);
    assert_eq!(store.check_refunds().await.unwrap(), None);
}

fn record(user: &UserId) -> AuditRecord {
    AuditRecord {
        at: at(0),
        actor: "system".to_owned(),
        action: "read_conversation".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::json!({"user_id": user}),
        result: serde_json::Value::Null,
    }
}

async fn alerts(store: &MongoStore, user: &UserId) {
    for number in 0..3 {
        let alert = Alert {
            id: AlertId::new(format!("alert-{number}")),
            user_id: user.clone(),
            reason: format!("reason {number}"),
            last_message: "!".to_owned(),
            priority: Priority::High,
            status: AlertStatus::Pending,
            created_at: at(number),
            bot_answers: false,
            handling: Handling::default(),
        };
        let kept = store.open_alert(&alert).await.unwrap();
        if number > 0 {
            assert!(store.resolve_alert(&kept.id, &resolved(at(9))).await.unwrap());
        }
        store.alert(&kept.id).await.unwrap().unwrap();
        store.pending_alert(user).await.unwrap();
    }
    store.alert(&AlertId::new("0123456789abcdef01234567")).await.unwrap();
    let listed = store.alerts(10).await.unwrap();
    assert_eq!(listed.len(), 2);
    for alert in &listed {
        assert!(matches!(store.reopen_alert(&alert.id, "lead", at(10)).await.unwrap(), Reopened::Done(_)));
        assert!(matches!(store.assign_alert(&alert.id, None, Some("one"), at(10)).await.unwrap(), Assigned::Done(_)));
        assert!(matches!(store.assign_alert(&alert.id, Some("one"), None, at(10)).await.unwrap(), Assigned::Done(_)));
        for (status, priority) in [(AlertStatus::Pending, None), (AlertStatus::Resolved, Some(Priority::High))] {
            let (status, assignee) = (Some(status), Some(AssigneeFilter::Unassigned));
            let search = AlertSearch { status, priority, assignee, text: "reason".to_owned(), resolved_since: None };
            assert!(!store.find_alerts(&search, 9).await.unwrap().is_empty());
        }
        let resolution = Resolution { at: at(11), by: Some("one".to_owned()), note: String::new() };
        assert!(store.resolve_alert(&alert.id, &resolution).await.unwrap());
    }
}

/// What the pages look for. Figures are not here: they are counted from whole collections, on purpose.
async fn pages(store: &MongoStore) {
    for _ in 0..2 {
        store.change_token().await.unwrap();
    }
    let word = || Some("other".to_owned());
    for (search, found) in [
        (Search::default(), 1),
        (Search { text: "hm".to_owned(), ..Search::default() }, 1),
        (Search { user: "u".to_owned(), until: Some(at(99)), ..Search::default() }, 1),
        (Search { order: Some(OrderId::new("ORD000001")), ..Search::default() }, 1),
        (Search { answered_by: Some(AnsweredBy::Person), ..Search::default() }, 0),
        (Search { answered_by: Some(AnsweredBy::Bot), ..Search::default() }, 1),
        (Search { intent: word(), ..Search::default() }, 1),
        (Search { sentiment: word(), from: Some(at(-99)), ..Search::default() }, 0),
    ] {
        for depth in [1, 1_000] {
            let users = store.find_conversations(&search, 5, depth).await.unwrap().users;
            assert!(users.len() <= found && (depth == 1 || users.len() == found), "{users:?} by {search:?} to {depth}");
        }
    }
}

async fn talk(store: &MongoStore, user: &UserId) {
    store.append_messages(&[said("u", "hello")]).await.unwrap();
    assert!(store.save_turn(&Conversation::new(user.clone()), &[said("u", "hi")]).await.unwrap());
    assert_eq!(store.recent_messages(user, 9).await.unwrap().len(), 2);
    let unsure = ChatMessage {
        role: Role::User,
        intent: Some("other".to_owned()),
        basis: Basis { intent_confidence: Some(0.2), ..Basis::default() },
        ..said("u", "hm")
    };
    store.append_messages(std::slice::from_ref(&unsure)).await.unwrap();
    assert_eq!(store.unsure_messages(0.5, 9).await.unwrap().len(), 1);
    let one = Correction { intent: Some("track_order".to_owned()), ..Correction::of(&unsure, "operator:a", at(9)) };
    assert!(store.correct(&one).await.unwrap());
    assert_eq!(store.corrections_of(user).await.unwrap().len(), 1);
    assert_eq!(store.corrections(None, at(99)).await.unwrap().len(), 1);
    assert_eq!(store.corrections(Some(at(0)), at(99)).await.unwrap().len(), 1);
    store.accept(&[inbound("a", "u", 0)], at(0)).await.unwrap();
    // Due before the other one: it is claimed, and parked, first.
    store.accept(&[inbound("a", "u", 0), inbound("p", "parked", 0)], at(-1)).await.unwrap();
    while let Some(claim) = store.claim(None, "tester", at(1), LEASE).await.unwrap() {
        assert!(store.renew(&claim, at(1), LEASE).await.unwrap());
        if claim.user_id != *user {
            assert!(store.fail(&claim, "poison", None, at(1)).await.unwrap());
            continue;
        }
        store.accept(&[inbound("late", "u", 1)], at(1)).await.unwrap();
        let conversation = store.conversation(user).await.unwrap().unwrap();
        let turn = FinishedTurn {
            said: vec![said("u", "a")],
            replies: vec![said("u", "b")],
            outgoing: (0..3).map(|sequence| Outgoing::text(user.clone(), 1, sequence, "c", at(1))).collect(),
            conversation,
        };
        store.finish(&claim, &turn, at(1)).await.unwrap();
        break;
    }
    while let Some(claim) = store.claim(Some(user), "tester", at(2), LEASE).await.unwrap() {
        assert!(store.release(&claim, at(40)).await.unwrap());
    }
    assert!(!store.unfinished(9).await.unwrap().is_empty());
    store.backlog().await.unwrap();
    let message = store.claim_outgoing(None, at(2), LEASE).await.unwrap().unwrap();
    assert!(store.sent(&message, "id", at(2)).await.unwrap());
    let message = store.claim_outgoing(Some(user), at(2), LEASE).await.unwrap().unwrap();
    assert!(store.send_failed(&message, "no", None, at(2)).await.unwrap());
    assert_eq!(store.outgoing_of(user, 9).await.unwrap().len(), 3);
    assert_eq!(store.parked_outgoing(9).await.unwrap().len(), 1);
    assert_eq!(store.retry_outgoing(Some(user), at(3)).await.unwrap(), 1);
    assert_eq!(store.retry_parked(Some(&UserId::new("parked")), at(3)).await.unwrap(), 1);
    store.retry_outgoing(None, at(3)).await.unwrap();
    store.retry_parked(None, at(3)).await.unwrap();
}

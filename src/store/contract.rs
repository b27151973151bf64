//! Decides what every backend of the store must do: the cases are run against each of them.
//!
//! It must never know which backend it runs on.
//!
//! It is one long file because it is one list: a case beside the port it belongs to reads better than two halves.
//!
//! A backend calls `contract_tests!` with an expression that makes a [`Fresh`] store.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::domain::alert::{AlertStatus, Priority};
use crate::domain::audit::AuditPhase;
use crate::domain::caller::Caller;
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::IdPatterns;
use crate::domain::message::Role;
use crate::domain::money::{Money, Percent};
use crate::domain::refund::{RefundPolicy, RefundRequest};

/// An empty store, and a way to open it once more as another process would.
pub(super) struct Fresh {
    pub(super) store: Arc<dyn Store>,
    pub(super) again: Box<dyn Fn() -> Arc<dyn Store> + Send>,
}

/// Runs every case of the contract, each on its own store.
macro_rules! contract_tests {
    ($fresh:expr) => {
        $crate::store::contract::contract_tests!($fresh;
            an_order_comes_back_as_it_was_imported, import_modes, nothing_of_an_import_shows_before_its_commit,
            imports_do_not_stop_other_writers, a_repeated_order_in_one_import, refunds_survive_every_import,
            a_refund_is_paid_once_under_64_tasks, refunds_are_listed_latest_first, the_latest_quote_of_an_identity,
            the_first_to_bind_wins, lookups_are_limited, messages_keep_their_order, conversations_have_versions,
            one_writer_of_a_version_wins, a_turn_is_saved_whole_or_not_at_all, a_telephone_number_survives_every_import, pending_alerts_are_merged, alerts_are_listed_by_urgency,
            the_audit_chain_holds_under_concurrency, a_sound_store_is_healthy
        );
    };
    ($fresh:expr; $($case:ident),+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                $crate::store::contract::$case($fresh).await;
            }
        )+
    };
}
pub(super) use contract_tests;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_750_000_000 + second).unwrap()
}

fn id(number: u32) -> OrderId {
    OrderId::new(&format!("ORD{number:06}"))
}

fn user(number: u32) -> UserId {
    UserId::new(format!("user-{number}"))
}

fn order(number: u32) -> Order {
    Order {
        id: id(number),
        customer_id: format!("CUST{number:04}"),
        platform: "JioMart".to_owned(),
        placed: "19:29.5".to_owned(),
        placed_at: None,
        delivery_minutes: Some(30),
        category: "Beverages".to_owned(),
        value: Money::from_rupees(599),
        feedback: "“Good”, they said;\nत्वरित 👍".to_owned(),
        rating: Some(5),
        delayed: Some(false),
        refund_requested: Some(true),
        phone: None,
        date: None,
        status: None,
    }
}

fn approved(number: u32) -> ApprovedRefund {
    let policy = RefundPolicy {
        refused_categories: Vec::new(),
        shipping_fee: Percent::default(),
        max_automatic: None,
        window_days: None,
        quote_valid: SignedDuration::from_mins(30),
        estimated_arrival: String::new(),
    };
    let request = RefundRequest {
        order: &order(number),
        quote: None,
        caller: &Caller::Operator { name: "contract".to_owned() },
        amount: None,
        reason: "items missing",
        patterns: &IdPatterns::default(),
        now: at(i64::from(number)),
        local: jiff::civil::datetime(2026, 1, 1, 0, 0, 0, 0),
    };
    policy.approve(&request).unwrap()
}

async fn import(store: &Arc<dyn Store>, mode: ImportMode, orders: Vec<Order>) -> Written {
    let mut import = store.begin_import(mode).await.unwrap();
    let written = import.write(orders).await.unwrap();
    import.commit().await.unwrap();
    written
}

pub(super) async fn an_order_comes_back_as_it_was_imported(fresh: Fresh) {
    let full = Order {
        placed_at: Some(jiff::civil::datetime(2025, 6, 1, 18, 5, 59, 0)),
        phone: Some("+91 11 0123 4567".to_owned()),
        date: Some("2025-06-01".to_owned()),
        status: Some("Out for delivery".to_owned()),
        value: Money::from_paise(2_845),
        ..order(1)
    };
    let bare = Order {
        delivery_minutes: None,
        rating: None,
        delayed: None,
        refund_requested: None,
        feedback: String::new(),
        ..order(2)
    };
    import(&fresh.store, ImportMode::Upsert, vec![full.clone(), bare.clone()]).await;
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.order(&id(1)).await.unwrap(), Some(full.clone()));
        assert_eq!(store.order(&id(2)).await.unwrap(), Some(bare.clone()));
        assert_eq!(store.order(&id(3)).await.unwrap(), None);
        assert_eq!(store.count_orders().await.unwrap(), 2);
    }
}

pub(super) async fn import_modes(fresh: Fresh) {
    let store = &fresh.store;
    let changed = |number| Order { category: "Dairy".to_owned(), ..order(number) };
    let category = async |number| store.order(&id(number)).await.unwrap().map(|order| order.category);
    let written = import(store, ImportMode::Upsert, vec![order(1), order(2)]).await;
    assert_eq!(written, Written { added: 2, ..Written::default() });

    let written = import(store, ImportMode::Append, vec![changed(2), changed(3)]).await;
    assert_eq!(written, Written { added: 1, kept: 1, ..Written::default() });
    assert_eq!(category(2).await.as_deref(), Some("Beverages"));

    let written = import(store, ImportMode::Upsert, vec![changed(2), changed(4)]).await;
    assert_eq!(written, Written { added: 1, updated: 1, ..Written::default() });
    assert_eq!(category(2).await.as_deref(), Some("Dairy"));
    assert_eq!(store.count_orders().await.unwrap(), 4);

    let written = import(store, ImportMode::Replace, vec![order(2), order(9)]).await;
    assert_eq!(written, Written { added: 2, ..Written::default() });
    assert_eq!(category(2).await.as_deref(), Some("Beverages"));
    assert_eq!(category(1).await, None);
    assert_eq!(store.count_orders().await.unwrap(), 2);
}

pub(super) async fn nothing_of_an_import_shows_before_its_commit(fresh: Fresh) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![order(1)]).await;
    for mode in [ImportMode::Upsert, ImportMode::Append, ImportMode::Replace] {
        let mut import = store.begin_import(mode).await.unwrap();
        import.write((2..3_000).map(order).collect()).await.unwrap();
        assert_eq!(store.count_orders().await.unwrap(), 1, "{mode:?}");
        assert_eq!((fresh.again)().order(&id(2)).await.unwrap(), None, "{mode:?}");
        drop(import);
        assert_eq!(store.count_orders().await.unwrap(), 1, "{mode:?}");
    }
    let written = import(store, ImportMode::Append, vec![order(2)]).await;
    assert_eq!(written.added, 1);
}

pub(super) async fn imports_do_not_stop_other_writers(fresh: Fresh) {
    let mut import = fresh.store.begin_import(ImportMode::Upsert).await.unwrap();
    import.write((1..100).map(order).collect()).await.unwrap();
    for store in [fresh.store.clone(), (fresh.again)()] {
        store.append_audit(&record(0)).await.unwrap();
    }
    import.write((100..200).map(order).collect()).await.unwrap();
    import.commit().await.unwrap();
    assert_eq!(fresh.store.count_orders().await.unwrap(), 199);
}

pub(super) async fn a_repeated_order_in_one_import(fresh: Fresh) {
    let store = &fresh.store;
    let later = || Order { category: "Dairy".to_owned(), ..order(1) };
    for (mode, wins) in
        [(ImportMode::Append, "Beverages"), (ImportMode::Replace, "Dairy"), (ImportMode::Upsert, "Dairy")]
    {
        import(store, ImportMode::Replace, vec![order(7)]).await;
        let mut import = store.begin_import(mode).await.unwrap();
        let written = import.write(vec![order(1), later()]).await.unwrap();
        assert_eq!(written, Written { added: 1, repeated: 1, ..Written::default() }, "{mode:?}");
        assert_eq!(import.write(vec![order(2)]).await.unwrap().added, 1);
        import.commit().await.unwrap();
        assert_eq!(store.order(&id(1)).await.unwrap().unwrap().category, wins, "{mode:?}");
    }
}

pub(super) async fn refunds_survive_every_import(fresh: Fresh) {
    let store = &fresh.store;
    import(store, ImportMode::Upsert, vec![order(1)]).await;
    let first = store.record_refund(approved(1)).await.unwrap();
    assert!(!first.already);
    assert_eq!(store.bind_order(&id(1), &user(1), at(0)).await.unwrap(), user(1));
    let quote = quote(1, Some(user(1)), 0);
    store.save_quote(&quote).await.unwrap();
    for (mode, orders) in [
        (ImportMode::Upsert, vec![order(1)]),
        (ImportMode::Append, vec![order(1)]),
        (ImportMode::Replace, vec![order(2)]),
        (ImportMode::Upsert, vec![order(1)]),
    ] {
        import(store, mode, orders).await;
        assert_eq!(store.refund_of(&id(1)).await.unwrap(), Some(first.refund.clone()), "{mode:?}");
        let again = store.record_refund(approved(1)).await.unwrap();
        assert_eq!(again, Recorded { refund: first.refund.clone(), already: true }, "{mode:?}");
        assert_eq!(store.bind_order(&id(1), &user(2), at(1)).await.unwrap(), user(1), "{mode:?}");
        assert_eq!(store.quote(&quote.id).await.unwrap(), Some(quote.clone()), "{mode:?}");
    }
}

pub(super) async fn a_refund_is_paid_once_under_64_tasks(fresh: Fresh) {
    let other = (fresh.again)();
    let tasks = (0..64).map(|number| {
        let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.record_refund(approved(3)).await.unwrap() })
    });
    let mut paid = 0;
    let mut seen = HashSet::new();
    for task in tasks.collect::<Vec<_>>() {
        let recorded = task.await.unwrap();
        paid += u32::from(!recorded.already);
        seen.insert(recorded.refund.transaction_id);
    }
    assert_eq!((paid, seen.len()), (1, 1));
    assert_eq!(fresh.store.refunds(10).await.unwrap().len(), 1);
}

pub(super) async fn refunds_are_listed_latest_first(fresh: Fresh) {
    for number in [2, 3, 1] {
        fresh.store.record_refund(approved(number)).await.unwrap();
    }
    let listed = fresh.store.refunds(2).await.unwrap();
    assert_eq!(listed.iter().map(|refund| refund.order_id.clone()).collect::<Vec<_>>(), [id(3), id(2)]);
    assert_eq!(fresh.store.refund_of(&id(2)).await.unwrap().as_ref(), listed.get(1));
    assert_eq!(fresh.store.refund_of(&id(9)).await.unwrap(), None);
}

fn quote(number: u32, user_id: Option<UserId>, second: i64) -> Quote {
    Quote {
        id: QuoteId::new(format!("quote-{number}")),
        order_id: id(1),
        turn: user_id.as_ref().map(|_| 3),
        user_id,
        order_value: Money::from_rupees(599),
        amount: Money::from_paise(56_905),
        fee: Money::from_paise(2_995),
        created_at: at(second),
        expires_at: Timestamp::MAX.round(jiff::Unit::Second).unwrap_or(at(second + 1_800)),
    }
}

pub(super) async fn the_latest_quote_of_an_identity(fresh: Fresh) {
    let store = &fresh.store;
    let quotes =
        [quote(1, Some(user(1)), 10), quote(2, Some(user(1)), 20), quote(3, Some(user(2)), 30), quote(4, None, 40)];
    for quote in &quotes {
        store.save_quote(quote).await.unwrap();
    }
    assert_eq!(store.latest_quote(&id(1), Some(&user(1))).await.unwrap().as_ref(), Some(&quotes[1]));
    assert_eq!(store.latest_quote(&id(1), Some(&user(2))).await.unwrap().as_ref(), Some(&quotes[2]));
    assert_eq!(store.latest_quote(&id(1), None).await.unwrap().as_ref(), Some(&quotes[3]));
    assert_eq!(store.latest_quote(&id(1), Some(&user(9))).await.unwrap(), None);
    assert_eq!(store.latest_quote(&id(2), Some(&user(1))).await.unwrap(), None);
    assert_eq!(store.quote(&quotes[0].id).await.unwrap().as_ref(), Some(&quotes[0]));
    assert_eq!(store.quote(&QuoteId::new("none")).await.unwrap(), None);
}

pub(super) async fn the_first_to_bind_wins(fresh: Fresh) {
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..32)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.bind_order(&id(1), &user(number), at(0)).await.unwrap() })
        })
        .collect();
    let mut winners = HashSet::new();
    for task in tasks {
        winners.insert(task.await.unwrap());
    }
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(
        fresh.store.bind_order(&id(1), &user(99), at(9_000_000)).await.unwrap(),
        winners.into_iter().next().unwrap()
    );
    assert_eq!(fresh.store.bind_order(&id(2), &user(99), at(0)).await.unwrap(), user(99));
}

pub(super) async fn lookups_are_limited(fresh: Fresh) {
    let store = &fresh.store;
    let day = 24 * 3_600;
    let ask = async |number, asker, second| store.note_lookup(&id(number), &user(asker), at(second), 2).await.unwrap();
    assert!(ask(1, 1, 0).await);
    assert!(ask(1, 1, 1).await, "the same order again");
    assert!(ask(2, 1, 2).await);
    assert!(!ask(3, 1, 3).await, "a third order");
    assert!(!ask(3, 1, 4).await, "refused is not noted");
    assert!(ask(2, 1, 5).await, "known orders stay open");
    assert!(ask(3, 2, 5).await, "another identity has its own count");
    assert!(ask(3, 1, day).await, "the first order is 24 hours old");
    assert!(!ask(1, 1, day + 1).await);

    let other = (fresh.again)();
    let tasks: Vec<_> = (0..20)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.note_lookup(&id(number), &user(7), at(0), 5).await.unwrap() })
        })
        .collect();
    let mut allowed = 0;
    for task in tasks {
        allowed += u32::from(task.await.unwrap());
    }
    assert_eq!(allowed, 5);
}

fn message(number: u64, asker: u32) -> ChatMessage {
    ChatMessage {
        user_id: user(asker),
        role: [Role::User, Role::Assistant, Role::Agent][usize::try_from(number % 3).unwrap()],
        text: format!("message {number}"),
        at: at(0),
        turn: number / 2,
        intent: number.is_multiple_of(2).then(|| "track_order".to_owned()),
        sentiment: number.is_multiple_of(2).then(|| "neutral".to_owned()),
        response_ms: (number % 2 == 1).then_some(12),
    }
}

pub(super) async fn messages_keep_their_order(fresh: Fresh) {
    let messages: Vec<ChatMessage> = (0..10).map(|number| message(number, 1)).collect();
    fresh.store.append_messages(&messages[..4]).await.unwrap();
    fresh.store.append_messages(&[message(77, 2)]).await.unwrap();
    (fresh.again)().append_messages(&messages[4..]).await.unwrap();
    fresh.store.append_messages(&[]).await.unwrap();
    assert_eq!(fresh.store.recent_messages(&user(1), 100).await.unwrap(), messages);
    assert_eq!(fresh.store.recent_messages(&user(1), 3).await.unwrap(), messages[7..]);
    assert!(fresh.store.recent_messages(&user(3), 3).await.unwrap().is_empty());
}

pub(super) async fn conversations_have_versions(fresh: Fresh) {
    let store = &fresh.store;
    assert_eq!(store.conversation(&user(1)).await.unwrap(), None);
    let mut conversation = Conversation::new(user(1));
    conversation.waiting_for = WaitingFor::Consent;
    conversation.last_message_at = Some(at(5));
    conversation.remember_orders(&[id(3)]);
    assert!(store.save_conversation(&conversation).await.unwrap());
    assert!(!store.save_conversation(&conversation).await.unwrap(), "version 0 means: none yet");
    let stored = (fresh.again)().conversation(&user(1)).await.unwrap().unwrap();
    assert_eq!(stored, Conversation { version: 1, ..conversation });
    assert!(store.save_conversation(&stored).await.unwrap());
    assert!(!store.save_conversation(&stored).await.unwrap(), "an older version");
    assert!(!store.save_conversation(&Conversation { version: 9, ..stored.clone() }).await.unwrap());
    assert!(!store.save_conversation(&Conversation { version: 9, user_id: user(2), ..stored }).await.unwrap());
    assert_eq!(store.conversation(&user(1)).await.unwrap().unwrap().version, 2);
}

pub(super) async fn one_writer_of_a_version_wins(fresh: Fresh) {
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                let mut saved = 0;
                while saved < 5 {
                    let current = store.conversation(&user(1)).await.unwrap();
                    let mut next = current.unwrap_or_else(|| Conversation::new(user(1)));
                    next.turn += 1;
                    saved += u32::from(store.save_conversation(&next).await.unwrap());
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let end = fresh.store.conversation(&user(1)).await.unwrap().unwrap();
    assert_eq!((end.turn, end.version), (80, 80), "no turn was lost");
}

pub(super) async fn a_turn_is_saved_whole_or_not_at_all(fresh: Fresh) {
    let store = &fresh.store;
    let mut conversation = Conversation::new(user(1));
    let reply = |text: &str| ChatMessage {
        user_id: user(1),
        role: Role::Assistant,
        text: text.to_owned(),
        at: at(1),
        turn: 1,
        intent: None,
        sentiment: None,
        response_ms: Some(3),
    };
    assert!(store.save_turn(&conversation, &[reply("first")]).await.unwrap());
    assert!(!store.save_turn(&conversation, &[reply("overtaken")]).await.unwrap());
    conversation.version = 1;
    assert!(store.save_turn(&conversation, &[reply("second")]).await.unwrap());
    let said: Vec<String> =
        store.recent_messages(&user(1), 10).await.unwrap().into_iter().map(|message| message.text).collect();
    assert_eq!(said, ["first", "second"]);
}

pub(super) async fn a_telephone_number_survives_every_import(fresh: Fresh) {
    let with_phone = Order { phone: Some("+91 11 0000 0001".to_owned()), ..order(1) };
    let without = Order { phone: None, ..order(1) };
    assert_eq!(without.id, with_phone.id);
    for mode in [ImportMode::Upsert, ImportMode::Replace, ImportMode::Append] {
        import(&fresh.store, ImportMode::Upsert, vec![with_phone.clone()]).await;
        import(&fresh.store, mode, vec![without.clone()]).await;
        assert_eq!(fresh.store.order(&without.id).await.unwrap().unwrap().phone, with_phone.phone, "{mode:?}");
    }
    let moved = Order { phone: Some("+91 11 0000 0002".to_owned()), ..order(1) };
    import(&fresh.store, ImportMode::Upsert, vec![moved.clone()]).await;
    assert_eq!(fresh.store.order(&moved.id).await.unwrap().unwrap().phone, moved.phone, "a new one replaces it");
}

fn alert(number: u32, asker: u32, priority: Priority) -> Alert {
    Alert {
        id: AlertId::new(format!("alert-{number}")),
        user_id: user(asker),
        reason: format!("reason {number}"),
        last_message: format!("message {number}"),
        priority,
        status: AlertStatus::Pending,
        created_at: at(i64::from(number)),
    }
}

pub(super) async fn pending_alerts_are_merged(fresh: Fresh) {
    let store = &fresh.store;
    let first = alert(1, 1, Priority::Medium);
    assert_eq!(store.open_alert(&first).await.unwrap(), first);
    assert_eq!(store.pending_alert(&user(1)).await.unwrap(), Some(first.clone()));
    let told = |reasons: &str, last: u32, priority| Alert {
        reason: reasons.to_owned(),
        last_message: format!("message {last}"),
        priority,
        ..first.clone()
    };
    let calmer = told("reason 1 | reason 2", 2, Priority::Medium);
    assert_eq!(store.open_alert(&alert(2, 1, Priority::Low)).await.unwrap(), calmer, "never less urgent");
    let urgent = told("reason 1 | reason 2 | reason 3", 3, Priority::High);
    assert_eq!(store.open_alert(&alert(3, 1, Priority::High)).await.unwrap(), urgent, "every reason stays");
    assert_eq!(store.open_alert(&alert(3, 1, Priority::High)).await.unwrap(), urgent, "and is told once");
    assert_eq!(store.alert(&first.id).await.unwrap(), Some(urgent.clone()));
    assert_eq!(store.alert(&AlertId::new("alert-2")).await.unwrap(), None);

    assert!(store.resolve_alert(&first.id, at(50)).await.unwrap());
    assert!(!store.resolve_alert(&first.id, at(51)).await.unwrap(), "settled once");
    assert!(!store.resolve_alert(&AlertId::new("none"), at(51)).await.unwrap());
    assert_eq!(store.pending_alert(&user(1)).await.unwrap(), None);
    let settled = store.alert(&first.id).await.unwrap().unwrap();
    assert_eq!(settled, Alert { status: AlertStatus::Resolved, ..urgent });

    let next = alert(4, 1, Priority::Low);
    assert_eq!(store.open_alert(&next).await.unwrap(), next, "a settled alert is not reopened");

    let other = (fresh.again)();
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move { store.open_alert(&alert(100 + number, 5, Priority::High)).await.unwrap().id })
        })
        .collect();
    let mut kept = HashSet::new();
    for task in tasks {
        kept.insert(task.await.unwrap());
    }
    assert_eq!(kept.len(), 1);
}

pub(super) async fn alerts_are_listed_by_urgency(fresh: Fresh) {
    let store = &fresh.store;
    for (number, priority) in [(1, Priority::Low), (4, Priority::High), (3, Priority::High), (2, Priority::Medium)] {
        store.open_alert(&alert(number, number, priority)).await.unwrap();
    }
    store.resolve_alert(&AlertId::new("alert-3"), at(9)).await.unwrap();
    let listed = async |limit| {
        let alerts = store.alerts(limit).await.unwrap();
        alerts.into_iter().map(|alert| alert.id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(10).await, ["alert-4", "alert-2", "alert-1", "alert-3"]);
    assert_eq!(listed(2).await, ["alert-4", "alert-2"]);
}

fn record(number: u64) -> AuditRecord {
    AuditRecord {
        at: at(0),
        actor: "system".to_owned(),
        action: "process_refund".to_owned(),
        phase: AuditPhase::Finished,
        arguments: serde_json::json!({"number": number, "text": "₹ “quoted”"}),
        result: serde_json::Value::Null,
    }
}

pub(super) async fn the_audit_chain_holds_under_concurrency(fresh: Fresh) {
    assert_eq!(fresh.store.check_audit().await.unwrap(), AuditCheck { entries: 0, broken: None });
    let other = (fresh.again)();
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
            tokio::spawn(async move {
                // One that need not be on the disk at once is in the same chain.
                let entry = record(number);
                if number % 2 == 0 { store.append_audit(&entry).await } else { store.note_audit(&entry).await }.unwrap()
            })
        })
        .collect();
    let mut places = HashSet::new();
    for task in tasks {
        places.insert(task.await.unwrap().seq);
    }
    assert_eq!(places.len(), 60);
    for store in [fresh.store.clone(), (fresh.again)()] {
        assert_eq!(store.check_audit().await.unwrap(), AuditCheck { entries: 60, broken: None });
    }
    let some = fresh.store.audit_entries(59, 10).await.unwrap();
    assert_eq!(some.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [59, 60]);
    assert_eq!(some[0].record().unwrap().action, "process_refund");
    assert_eq!(fresh.store.audit_entries(1, 3).await.unwrap().len(), 3);
}

pub(super) async fn a_sound_store_is_healthy(fresh: Fresh) {
    let health = fresh.store.health().await.unwrap();
    assert_eq!(health.problems, Vec::<String>::new());
    assert!(!health.backend.is_empty() && !health.location.is_empty() && health.schema > 0, "{health:?}");
}

//! Events: stored with their facts and only with them, and their ways to endpoints.

use super::inbox::LEASE;
use super::*;
use crate::domain::event::{Event, EventData, EventType};
use crate::domain::ids::MessageId;
use crate::domain::opt_out::{Preference, Source};
use crate::domain::refund::Change;
use crate::domain::retention::RetentionPolicy;

/// Whoever wants everything.
const ALL: &str = "all";

fn route(endpoint: &str, types: &[&str]) -> EventRoute {
    let types = types.iter().flat_map(|pattern| EventType::matching(pattern)).collect();
    EventRoute { endpoint: endpoint.to_owned(), types }
}

async fn fan_out(store: &Arc<dyn Store>, second: i64) -> u64 {
    store.fan_out(&[route(ALL, &["*"])], at(second), 1_000).await.unwrap()
}

/// All events so far, the earliest first.
async fn events(store: &Arc<dyn Store>) -> Vec<Event> {
    fan_out(store, 0).await;
    let search = DispatchSearch { endpoint: Some(ALL.to_owned()), ..DispatchSearch::default() };
    let mut found = store.dispatches(&search, 1_000).await.unwrap();
    found.reverse();
    found.into_iter().map(|dispatch| dispatch.event).collect()
}

/// Their types, and the customers that they are about.
async fn told(store: &Arc<dyn Store>) -> Vec<(&'static str, Option<UserId>)> {
    events(store).await.into_iter().map(|event| (event.event_type().as_str(), event.user_id)).collect()
}

fn raise(alert: &str, asker: &UserId, second: i64) -> Alert {
    Alert {
        id: AlertId::new(alert),
        user_id: asker.clone(),
        reason: "upset".to_owned(),
        last_message: "hello".to_owned(),
        priority: Priority::High,
        status: AlertStatus::Pending,
        created_at: at(second),
        bot_answers: false,
        handling: Handling::default(),
    }
}

fn wish(stopped: bool, second: i64) -> Preference {
    let message = Some(MessageId::new(format!("m{second}")));
    Preference { stopped, at: at(second), source: Source::Message, message }
}

/// Makes an event of a customer.
async fn happen(store: &Arc<dyn Store>, asker: u32, second: i64) {
    store.open_alert(&raise(&format!("ALERT_{asker}_{second}"), &user(asker), second)).await.unwrap();
}

async fn claimed(store: &Arc<dyn Store>, second: i64) -> Option<Dispatch> {
    store.claim_dispatch(ALL, at(second), LEASE).await.unwrap()
}

pub(in crate::store) async fn an_event_is_stored_with_its_fact_and_only_with_it(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let (one, two) = (user(1), user(2));
    // A hand-over; a further reason is none.
    store.open_alert(&raise("A1", &one, 1)).await.unwrap();
    store.open_alert(&raise("A2", &one, 2)).await.unwrap();
    // What only tells of something hands over when a person is asked for.
    let quiet = Alert { bot_answers: true, ..raise("B1", &two, 3) };
    store.open_alert(&quiet).await.unwrap();
    assert_eq!(told(store).await, [("conversation.handed_over", Some(one.clone()))]);
    other.open_alert(&raise("B2", &two, 4)).await.unwrap();
    other.open_alert(&raise("B3", &two, 5)).await.unwrap();
    // The shop's own set-up is no conversation.
    for nobody in [crate::domain::alert::SET_UP, crate::domain::alert::EVENTS] {
        let id = format!("S_{nobody}");
        store.open_alert(&raise(&id, &UserId::new(nobody), 6)).await.unwrap();
        assert!(store.resolve_alert(&AlertId::new(id), &resolved(at(7))).await.unwrap());
    }
    assert!(store.resolve_alert(&AlertId::new("A1"), &resolved(at(8))).await.unwrap());
    assert!(!other.resolve_alert(&AlertId::new("A1"), &resolved(at(9))).await.unwrap(), "once");
    assert!(matches!(store.reopen_alert(&AlertId::new("A1"), "mia", at(10)).await.unwrap(), Reopened::Done(_)));
    assert!(matches!(other.reopen_alert(&AlertId::new("A1"), "mia", at(11)).await.unwrap(), Reopened::Pending(_)));
    // Wishes about messages: those that change something.
    store.record_preference(&one, &wish(false, 12)).await.unwrap();
    store.record_preference(&one, &wish(true, 13)).await.unwrap();
    other.record_preference(&one, &wish(true, 14)).await.unwrap();
    other.record_preference(&one, &wish(false, 10)).await.unwrap();
    store.record_preference(&one, &wish(false, 15)).await.unwrap();
    // A refund, once.
    for store in [store, &other, store] {
        store.record_refund(approved(20)).await.unwrap();
    }
    let expected = [
        ("conversation.handed_over", Some(one.clone())),
        ("conversation.handed_over", Some(two)),
        ("conversation.resolved", Some(one.clone())),
        ("conversation.handed_over", Some(one.clone())),
        ("conversation.opted_out", Some(one.clone())),
        ("conversation.opted_in", Some(one)),
        ("refund.paid", None),
    ];
    for store in [store, &other] {
        assert_eq!(told(store).await, expected);
    }
    let all = events(store).await;
    let distinct: HashSet<_> = all.iter().map(|event| event.id.clone()).collect();
    assert_eq!(distinct.len(), all.len());
    let when: Vec<_> = all.iter().map(|event| event.at).collect();
    assert_eq!(when, [at(1), at(4), at(8), at(10), at(13), at(15), at(20)]);
    let EventData::HandedOver(again) = &all[3].data else { panic!("{:?}", all[3]) };
    assert_eq!((again.alert_id.as_str(), again.reopened), ("A1", true));
    let EventData::RefundPaid(refund) = &all[6].data else { panic!("{:?}", all[6]) };
    assert_eq!((refund.order_id.as_str(), refund.amount.value.as_str()), ("ORD000020", "599.00"));
    assert_eq!(store.event(&all[6].id).await.unwrap().as_ref(), Some(&all[6]));
}

pub(in crate::store) async fn many_facts_of_one_customer_lose_no_event(fresh: TestStore) {
    // Raised, resolved and reopened again and again, by two processes.
    let store = &fresh.store;
    let tasks = [fresh.store.clone(), (fresh.again)()].map(|store| {
        tokio::spawn(async move {
            let (mut raised, mut resolved_count) = (0, 0);
            for round in 0..15 {
                let alert = store
                    .open_alert(&raise(&format!("ALERT_{}", uuid::Uuid::now_v7()), &user(1), round))
                    .await
                    .unwrap();
                raised += 1;
                resolved_count += usize::from(store.resolve_alert(&alert.id, &resolved(at(round))).await.unwrap());
                if let Reopened::Done(_) = store.reopen_alert(&alert.id, "mia", at(round)).await.unwrap() {
                    resolved_count += usize::from(store.resolve_alert(&alert.id, &resolved(at(round))).await.unwrap());
                }
            }
            (raised, resolved_count)
        })
    });
    let mut resolved_count = 0;
    for task in tasks {
        resolved_count += task.await.unwrap().1;
    }
    let told = told(store).await;
    let count = |name: &str| told.iter().filter(|(known, _)| *known == name).count();
    assert_eq!(count("conversation.resolved"), resolved_count);
    // Each was raised or reopened before it was resolved, and all are resolved now but for one at most.
    let pending = usize::from(store.pending_alert(&user(1)).await.unwrap().is_some());
    assert_eq!(count("conversation.handed_over"), resolved_count + pending);
    assert!(resolved_count >= 15, "{told:?}");
}

pub(in crate::store) async fn every_state_of_a_refund_is_an_event(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    for store in [store, &other] {
        store.record_refund(approved_through(ProviderKind::Stripe, 2)).await.unwrap();
    }
    let id_at_provider = || Some("re_1".to_owned());
    let changes = [
        Change::Sending,
        Change::Accepted { id: id_at_provider() },
        Change::Unchanged,
        Change::Failed { id: id_at_provider(), reason: "the card was closed".to_owned() },
        Change::Alerted,
        Change::Again,
        Change::Sending,
        Change::Paid { id: Some("re_2".to_owned()) },
        Change::Told,
    ];
    for (second, change) in (10..).zip(changes) {
        let refund = store.refund_of(&id(2)).await.unwrap().unwrap();
        let next = refund.progress.after(change, at(second)).unwrap();
        assert!(store.advance_refund(&refund, &next).await.unwrap());
        assert!(!other.advance_refund(&refund, &next).await.unwrap(), "what is outdated makes no event");
    }
    let seen: Vec<_> = events(store)
        .await
        .into_iter()
        .map(|event| {
            let (EventData::RefundRequested(data)
            | EventData::RefundSubmitted(data)
            | EventData::RefundPaid(data)
            | EventData::RefundFailed(data)) = &event.data
            else {
                panic!("{event:?}")
            };
            let at_provider = data.provider_reference.clone().unwrap_or_default();
            assert!(!data.simulated && data.provider == "stripe", "{data:?}");
            (event.event_type().as_str(), data.attempt, at_provider, data.failure.is_some(), event.at)
        })
        .collect();
    let expected = [
        ("refund.requested", 1, "", false, at(2)),
        ("refund.submitted", 1, "re_1", false, at(11)),
        ("refund.failed", 1, "re_1", true, at(13)),
        ("refund.requested", 2, "", false, at(15)),
        ("refund.paid", 2, "re_2", false, at(17)),
    ]
    .map(|(kind, attempt, of, failed, when)| (kind, attempt, of.to_owned(), failed, when));
    assert_eq!(seen, expected);
}

pub(in crate::store) async fn one_of_many_claims_an_event(fresh: TestStore) {
    let store = &fresh.store;
    assert_eq!(claimed(store, 0).await, None);
    happen(store, 1, 1).await;
    assert_eq!(
        store.event_backlog().await.unwrap(),
        EventBacklog { new: 1, oldest: Some(at(1)), ..EventBacklog::default() }
    );
    let other = (fresh.again)();
    let made = tokio::join!(fan_out(store, 5), fan_out(&other, 5));
    assert!(made.0 + made.1 >= 1);
    assert_eq!(fan_out(store, 5).await, 0, "once");
    let backlog = EventBacklog { waiting: 1, oldest: Some(at(1)), ..EventBacklog::default() };
    assert_eq!(store.event_backlog().await.unwrap(), backlog);
    assert_eq!(claimed(store, 4).await, None, "not before its time");
    let tasks = (0..16).map(|number| {
        let store = if number % 2 == 0 { fresh.store.clone() } else { other.clone() };
        tokio::spawn(async move { claimed(&store, 5).await })
    });
    let mut got = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        got.extend(task.await.unwrap());
    }
    let [first] = &got[..] else { panic!("{got:?}") };
    assert_eq!((first.attempts, first.attempt(), first.state), (1, 1, DispatchState::Sending));
    assert_eq!(first.event.user_id, Some(user(1)));
    // Its process died: another one takes it when the lease is over, and the first outcome does not count.
    assert_eq!(claimed(store, 34).await, None);
    let second = claimed(&other, 35).await.unwrap();
    assert_eq!((second.attempts, &second.event), (2, &first.event));
    assert!(!store.dispatched(first, at(36)).await.unwrap());
    assert!(!store.dispatch_failed(first, "late", None, at(36)).await.unwrap());
    assert!(store.dispatched(&second, at(37)).await.unwrap());
    assert!(!store.dispatch_failed(&second, "late", Some(at(38)), at(38)).await.unwrap());
    assert_eq!(claimed(store, 1_000).await, None);
    let listed = other.dispatches(&DispatchSearch::default(), 10).await.unwrap();
    assert_eq!((listed[0].state, listed[0].next_at, listed.len()), (DispatchState::Delivered, at(37), 1));
    assert_eq!(store.event_backlog().await.unwrap(), EventBacklog::default());
}

pub(in crate::store) async fn a_failed_event_comes_back_and_is_parked_and_retried(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    happen(store, 1, 1).await;
    fan_out(store, 1).await;
    let first = claimed(store, 1).await.unwrap();
    assert!(store.dispatch_failed(&first, "it answers 500", Some(at(100)), at(2)).await.unwrap());
    assert_eq!(claimed(&other, 99).await, None);
    let second = claimed(&other, 100).await.unwrap();
    assert_eq!((second.attempt(), second.error.as_deref()), (2, Some("it answers 500")));
    assert!(store.dispatch_failed(&second, "no answer in time", None, at(101)).await.unwrap());
    let parked = DispatchSearch { states: vec![DispatchState::Parked], ..DispatchSearch::default() };
    let listed = other.dispatches(&parked, 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].error.as_deref(), listed[0].next_at), (1, Some("no answer in time"), at(101)));
    assert_eq!(store.event_backlog().await.unwrap(), EventBacklog { parked: 1, ..EventBacklog::default() });
    assert_eq!(claimed(store, 100_000).await, None);
    // Retried by the event, by the endpoint, or all.
    let id = first.event.id.clone();
    let unknown = crate::domain::event::EventId::new("evt_unknown");
    assert_eq!(store.retry_dispatches(Some(&unknown), None, at(200)).await.unwrap(), 0);
    assert_eq!(store.retry_dispatches(None, Some("another"), at(200)).await.unwrap(), 0);
    assert_eq!(other.retry_dispatches(Some(&id), Some(ALL), at(200)).await.unwrap(), 1);
    let third = claimed(store, 200).await.unwrap();
    assert_eq!((third.attempt(), third.attempts, &third.event), (1, 3, &first.event), "its attempts begin anew");
    assert!(!store.dispatched(&first, at(201)).await.unwrap(), "an earlier claim stays outdated");
    assert!(store.dispatch_failed(&third, "again", None, at(201)).await.unwrap());
    assert_eq!(store.retry_dispatches(None, None, at(300)).await.unwrap(), 1);
    let fourth = claimed(store, 300).await.unwrap();
    assert!(store.dispatched(&fourth, at(301)).await.unwrap());
    assert_eq!(store.retry_dispatches(None, None, at(400)).await.unwrap(), 0, "what is delivered is not sent again");
}

pub(in crate::store) async fn endpoints_get_the_types_that_they_want(fresh: TestStore) {
    let store = &fresh.store;
    happen(store, 1, 1).await;
    store.record_refund(approved(2)).await.unwrap();
    let routes = [route("money", &["refund.*"]), route("people", &["conversation.handed_over"]), route("both", &["*"])];
    assert_eq!(store.fan_out(&routes, at(3), 1).await.unwrap(), 1, "as many as asked for");
    assert_eq!(store.fan_out(&routes, at(3), 10).await.unwrap(), 1);
    let types_of = async |endpoint: &str| {
        let search = DispatchSearch { endpoint: Some(endpoint.to_owned()), ..DispatchSearch::default() };
        let found = store.dispatches(&search, 10).await.unwrap();
        found.iter().map(|dispatch| dispatch.event.event_type().as_str()).collect::<Vec<_>>()
    };
    assert_eq!(types_of("money").await, ["refund.paid"]);
    assert_eq!(types_of("people").await, ["conversation.handed_over"]);
    assert_eq!(types_of("both").await, ["refund.paid", "conversation.handed_over"], "the latest first");
    assert_eq!(store.dispatches(&DispatchSearch::default(), 3).await.unwrap().len(), 3);
    // One that is added later gets later events only.
    assert_eq!(store.fan_out(&[route("late", &["*"])], at(4), 10).await.unwrap(), 0);
    assert!(types_of("late").await.is_empty());
    // One that is no longer in the settings: what waits long is parked, what does not is not.
    let known = ["money".to_owned(), "people".to_owned()];
    assert_eq!(store.park_orphans(&known, "unknown", at(3), at(5)).await.unwrap(), 0);
    assert_eq!(store.park_orphans(&known, "unknown", at(4), at(5)).await.unwrap(), 2);
    let parked = DispatchSearch { states: vec![DispatchState::Parked], ..DispatchSearch::default() };
    let parked = store.dispatches(&parked, 10).await.unwrap();
    assert!(parked.iter().all(|one| one.endpoint == "both" && one.error.as_deref() == Some("unknown")), "{parked:?}");
}

pub(in crate::store) async fn an_endpoint_is_closed_until_somebody_retries_it(fresh: TestStore) {
    let (store, other) = (&fresh.store, (fresh.again)());
    let gone = |endpoint: &str, target: &str| ClosedEndpoint {
        endpoint: endpoint.to_owned(),
        target: target.to_owned(),
        at: at(1),
    };
    store.close_endpoint(&gone(ALL, "one")).await.unwrap();
    store.close_endpoint(&gone("erp", "one")).await.unwrap();
    other.close_endpoint(&gone(ALL, "two")).await.unwrap();
    assert_eq!(other.closed_endpoints().await.unwrap(), [gone(ALL, "two"), gone("erp", "one")]);
    assert_eq!(other.retry_dispatches(None, Some("erp"), at(2)).await.unwrap(), 0);
    assert_eq!(store.closed_endpoints().await.unwrap(), [gone(ALL, "two")], "also where nothing is parked");
    happen(store, 1, 1).await;
    fan_out(store, 1).await;
    let parked = claimed(store, 1).await.unwrap();
    assert!(store.dispatch_failed(&parked, "410", None, at(2)).await.unwrap());
    assert_eq!(other.retry_dispatches(None, None, at(3)).await.unwrap(), 1);
    assert_eq!(store.closed_endpoints().await.unwrap(), []);
}

pub(in crate::store) async fn delivered_events_are_removed_and_others_stay(fresh: TestStore) {
    const DAY: i64 = 86_400;
    let store = &fresh.store;
    for asker in 1..=5 {
        happen(store, asker, i64::from(asker)).await;
    }
    store.fan_out(&[route(ALL, &["*"]), route("slow", &["*"])], at(10), 4).await.unwrap();
    // Of four that have their dispatches: delivered to both, to one, parked at one, to none.
    let mut of = std::collections::HashMap::new();
    for endpoint in [ALL, "slow"] {
        while let Some(one) = store.claim_dispatch(endpoint, at(10), LEASE).await.unwrap() {
            of.insert((one.event.user_id.clone().unwrap(), endpoint), one);
        }
    }
    assert_eq!(of.len(), 8);
    for (asker, endpoint) in [(1, ALL), (1, "slow"), (2, ALL), (3, ALL), (4, "slow")] {
        assert!(store.dispatched(&of[&(user(asker), endpoint)], at(11)).await.unwrap());
    }
    assert!(store.dispatch_failed(&of[&(user(3), "slow")], "no", None, at(11)).await.unwrap());
    let keep = RetentionPolicy::default().with_events(30);
    let sweep_at = async |second| sweep(store.as_ref(), &keep, at(second), at(second)).await.unwrap().unwrap().events;
    assert_eq!(sweep_at(20 * DAY).await, 0);
    assert_eq!(sweep_at(40 * DAY).await, 1);
    assert_eq!(sweep_at(41 * DAY).await, 0);
    assert_eq!(store.event(&of[&(user(1), ALL)].event.id).await.unwrap(), None);
    let left = store.dispatches(&DispatchSearch::default(), 100).await.unwrap();
    assert_eq!(left.len(), 6, "with all of their dispatches");
    assert_eq!(store.event_backlog().await.unwrap().new, 1, "and what has none yet");
}

pub(in crate::store) async fn an_erased_customers_events_name_nobody(fresh: TestStore) {
    let store = &fresh.store;
    happen(store, 1, 1).await;
    happen(store, 11, 2).await;
    store.record_preference(&user(1), &wish(true, 3)).await.unwrap();
    let mut refund = approved(4);
    refund.set_actor_for_tests(&format!("customer:{}", user(1)));
    store.record_refund(refund).await.unwrap();
    fan_out(store, 5).await;
    store.resolve_alert(&AlertId::new("ALERT_1_1"), &resolved(at(6))).await.unwrap();
    let sending = claimed(store, 5).await.unwrap();
    assert_eq!(sending.event.user_id, Some(user(1)));
    let data = store.data_of(&user(1)).await.unwrap();
    assert_eq!(data.events.len(), 4, "{:?}", data.events);
    let erased = store.erase_data_of(&user(1), at(10)).await.unwrap();
    assert_eq!(erased.events, 4);
    assert_eq!(store.erase_data_of(&user(1), at(11)).await.unwrap().events, 0);
    assert!(!store.dispatched(&sending, at(12)).await.unwrap(), "what was being sent is gone");
    assert_eq!(told(store).await, [("conversation.handed_over", Some(user(11))), ("refund.paid", None)]);
    let left = events(store).await;
    let payload = left[1].payload(true).to_string();
    assert!(!payload.contains("user-1") && !payload.contains("items missing"), "{payload}");
    assert!(payload.contains("599.00"), "{payload}");
    // What is left of it is still delivered.
    let types = [claimed(store, 100).await.unwrap(), claimed(store, 100).await.unwrap()]
        .map(|one| one.event.event_type().as_str());
    assert!(types.contains(&"refund.paid"), "{types:?}");
    assert_eq!(claimed(store, 100).await, None);
}

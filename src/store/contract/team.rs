//! Handling of alerts: claimed, released, resolved with a note, reopened; and searching them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::conversations::alert;
use super::*;
use crate::domain::alert::{AlertSearch, Assigned, AssigneeFilter, Reopened, Resolution, SET_UP};
use crate::domain::stats::PendingAlerts;

fn resolution(second: i64, by: &str, note: &str) -> Resolution {
    Resolution { at: at(second), by: Some(by.to_owned()), note: note.to_owned() }
}

pub(in crate::store) async fn an_alert_is_claimed_by_one(fresh: TestStore) {
    let store = &fresh.store;
    let other = (fresh.again)();
    let first = store.open_alert(&alert(1, 1, Priority::High)).await.unwrap();
    let rush = async |from: Option<String>, prefix: &str| {
        let tasks: Vec<_> = (0..16)
            .map(|number| {
                let store = if number % 2 == 0 { store.clone() } else { other.clone() };
                let (id, from, name) = (first.id.clone(), from.clone(), format!("{prefix}-{number}"));
                tokio::spawn(async move {
                    let assigned = store.assign_alert(&id, from.as_deref(), Some(&name), at(5)).await.unwrap();
                    (name, assigned)
                })
            })
            .collect();
        let (mut won, mut assignees) = (Vec::new(), BTreeSet::new());
        for task in tasks {
            match task.await.unwrap() {
                (name, Assigned::Done(alert)) => {
                    assert_eq!(alert.handling.assignee.as_deref(), Some(name.as_str()));
                    won.push(name);
                }
                (_, Assigned::Held(alert)) => _ = assignees.insert(alert.handling.assignee.unwrap()),
                (_, Assigned::Gone) => panic!("it is pending"),
            }
        }
        assert_eq!(won.len(), 1, "one wins");
        assert_eq!(assignees, won.iter().cloned().collect(), "the others get the assignee");
        won.remove(0)
    };
    let winner = rush(None, "a").await;
    let kept = store.alert(&first.id).await.unwrap().unwrap();
    assert_eq!((kept.handling.assignee.as_ref(), kept.handling.claimed_at), (Some(&winner), Some(at(5))));
    assert_eq!(store.pending_alert(&user(1)).await.unwrap(), Some(kept));
    let taker = rush(Some(winner.clone()), "b").await;
    let assign =
        async |from: Option<&str>, to: Option<&str>| store.assign_alert(&first.id, from, to, at(6)).await.unwrap();
    assert!(matches!(assign(Some(&winner), None).await, Assigned::Held(_)), "it is not theirs any more");
    assert!(matches!(assign(None, Some(&taker)).await, Assigned::Done(_)), "they have it already");
    let Assigned::Done(released) = assign(Some(&taker), None).await else { panic!() };
    assert_eq!((released.handling.assignee, released.handling.claimed_at), (None, None));
    let Assigned::Held(nobodys) = assign(Some(&taker), Some("c")).await else { panic!() };
    assert_eq!(nobodys.handling.assignee, None, "it cannot be taken from whoever released it");
    let more = store.open_alert(&alert(2, 1, Priority::Low)).await.unwrap();
    assert_eq!(more.handling, nobodys.handling, "another reason changes nothing of it");
    assert!(store.resolve_alert(&first.id, &resolved(at(7))).await.unwrap());
    assert!(matches!(assign(None, Some("c")).await, Assigned::Gone), "resolved");
    assert!(matches!(store.assign_alert(&AlertId::new("none"), None, Some("c"), at(8)).await.unwrap(), Assigned::Gone));
}

pub(in crate::store) async fn a_resolved_alert_keeps_its_note(fresh: TestStore) {
    let store = &fresh.store;
    let first = store.open_alert(&alert(1, 1, Priority::High)).await.unwrap();
    store.assign_alert(&first.id, None, Some("one"), at(2)).await.unwrap();
    assert!(store.resolve_alert(&first.id, &resolution(3, "two", "paid “₹ 599” back")).await.unwrap());
    assert!(!store.resolve_alert(&first.id, &resolution(4, "three", "late")).await.unwrap(), "resolved once");
    let kept = (fresh.again)().alert(&first.id).await.unwrap().unwrap();
    let expected = Handling {
        assignee: Some("one".to_owned()),
        claimed_at: Some(at(2)),
        resolved_at: Some(at(3)),
        resolved_by: Some("two".to_owned()),
        note: Some("paid “₹ 599” back".to_owned()),
        ..Handling::default()
    };
    assert_eq!((kept.status, &kept.handling), (AlertStatus::Resolved, &expected));
    assert_eq!(store.data_of(&user(1)).await.unwrap().alerts, [kept], "the data of the customer holds it, too");
    assert!(store.erase_data_of(&user(1), at(5)).await.unwrap().alerts > 0);
    assert_eq!(store.alert(&first.id).await.unwrap(), None);
    // Without a note the earlier one is removed.
    let second = store.open_alert(&alert(2, 2, Priority::Low)).await.unwrap();
    assert!(store.resolve_alert(&second.id, &resolution(6, "two", "first")).await.unwrap());
    assert!(matches!(store.reopen_alert(&second.id, "lead", at(7)).await.unwrap(), Reopened::Done(_)));
    assert!(store.resolve_alert(&second.id, &resolved(at(8))).await.unwrap());
    let kept = store.alert(&second.id).await.unwrap().unwrap().handling;
    assert_eq!((kept.resolved_by, kept.note, kept.resolved_at), (None, None, Some(at(8))));
}

pub(in crate::store) async fn a_resolved_alert_is_reopened(fresh: TestStore) {
    let store = &fresh.store;
    let reopen = async |id: &AlertId, second| store.reopen_alert(id, "lead", at(second)).await.unwrap();
    let first = store.open_alert(&alert(1, 1, Priority::High)).await.unwrap();
    assert!(matches!(reopen(&first.id, 2).await, Reopened::Pending(_)));
    store.assign_alert(&first.id, None, Some("one"), at(2)).await.unwrap();
    store.resolve_alert(&first.id, &resolution(3, "one", "done")).await.unwrap();
    let Reopened::Done(again) = reopen(&first.id, 4).await else { panic!() };
    assert_eq!(again.status, AlertStatus::Pending);
    let expected = Handling {
        resolved_at: Some(at(3)),
        resolved_by: Some("one".to_owned()),
        note: Some("done".to_owned()),
        reopened_at: Some(at(4)),
        reopened_by: Some("lead".to_owned()),
        ..Handling::default()
    };
    assert_eq!(again.handling, expected, "unassigned, and its resolution stays on record");
    assert_eq!(store.pending_alert(&user(1)).await.unwrap(), Some(again));
    let rows = store.alert_rows().await.unwrap();
    assert_eq!(store.pending_alerts().await.unwrap(), PendingAlerts::of(&rows));
    assert_eq!(rows.iter().map(|row| (row.pending, row.resolved_at)).collect::<Vec<_>>(), [(true, None)]);
    store.resolve_alert(&first.id, &resolution(5, "one", "done twice")).await.unwrap();

    // An earlier alert, while a later one is pending, and after that.
    let second = store.open_alert(&alert(2, 1, Priority::Low)).await.unwrap();
    let Reopened::Other(other) = reopen(&first.id, 6).await else { panic!() };
    assert_eq!(other.id, second.id);
    store.resolve_alert(&second.id, &resolution(7, "two", "second")).await.unwrap();
    for (round, id) in [&first.id, &second.id, &first.id, &second.id].into_iter().enumerate() {
        let second = 10 + 3 * i64::try_from(round).unwrap();
        let Reopened::Done(again) = reopen(id, second).await else { panic!("round {round}") };
        assert_eq!((&again.id, again.handling.reopened_at), (id, Some(at(second))));
        assert_eq!(store.pending_alert(&user(1)).await.unwrap().as_ref(), Some(&again));
        let listed = store.alerts(9).await.unwrap();
        assert_eq!(listed.len(), 2, "each once: {listed:#?}");
        assert_eq!(listed[0], again);
        assert_eq!(store.alert_rows().await.unwrap().iter().filter(|row| row.pending).count(), 1);
        let note = format!("note {round}");
        assert!(store.resolve_alert(id, &resolution(second + 1, "two", &note)).await.unwrap());
        let kept = store.alert(id).await.unwrap().unwrap();
        assert_eq!((kept.status, kept.handling.note), (AlertStatus::Resolved, Some(note)));
    }
    assert_eq!(store.alerts(9).await.unwrap().len(), 2);
    assert!(matches!(reopen(&AlertId::new("none"), 99).await, Reopened::Gone));
}

pub(in crate::store) async fn one_alert_of_a_customer_is_reopened(fresh: TestStore) {
    let store = &fresh.store;
    let mut resolved_ids = Vec::new();
    for number in 0..6 {
        let one = store.open_alert(&alert(number, 1, Priority::Medium)).await.unwrap();
        store.resolve_alert(&one.id, &resolution(i64::from(number), "one", "done")).await.unwrap();
        resolved_ids.push(one.id);
    }
    let other = (fresh.again)();
    for round in 0..4_u32 {
        let tasks: Vec<_> = (0..12_u32)
            .map(|number| {
                let store = if number % 2 == 0 { store.clone() } else { other.clone() };
                let id = resolved_ids[usize::try_from(number).unwrap() % resolved_ids.len()].clone();
                tokio::spawn(async move {
                    if number == 11 {
                        // The customer asks for a person at the same time.
                        let raised = store.open_alert(&alert(100 + round, 1, Priority::High)).await.unwrap();
                        return Some(raised.id).filter(|id| *id == AlertId::new(format!("alert-{}", 100 + round)));
                    }
                    match store.reopen_alert(&id, "lead", at(50)).await.unwrap() {
                        Reopened::Done(alert) => Some(alert.id),
                        Reopened::Pending(_) | Reopened::Other(_) => None,
                        Reopened::Gone => panic!("it is there"),
                    }
                })
            })
            .collect();
        let mut opened = BTreeSet::new();
        for task in tasks {
            opened.extend(task.await.unwrap().map(|id| id.as_str().to_owned()));
        }
        let pending = AlertSearch { status: Some(AlertStatus::Pending), ..AlertSearch::default() };
        let found = store.find_alerts(&pending, 99).await.unwrap();
        assert_eq!(found.len(), 1, "one pending alert of a customer: {found:#?}");
        assert_eq!(opened, BTreeSet::from([found[0].id.as_str().to_owned()]), "and its caller got it");
        let all = store.alerts(99).await.unwrap();
        assert!(
            resolved_ids.iter().all(|id| all.iter().filter(|alert| alert.id == *id).count() == 1),
            "each once: {all:#?}"
        );
        assert!(store.resolve_alert(&found[0].id, &resolution(60 + i64::from(round), "one", "")).await.unwrap());
        if !resolved_ids.contains(&found[0].id) {
            resolved_ids.push(found[0].id.clone());
        }
    }
}

pub(in crate::store) async fn alerts_are_found(fresh: TestStore) {
    let store = &fresh.store;
    for (number, priority) in [(1, Priority::Low), (2, Priority::High), (3, Priority::High), (4, Priority::Medium)] {
        store.open_alert(&alert(number, number, priority)).await.unwrap();
    }
    let id = |number: u32| AlertId::new(format!("alert-{number}"));
    store.assign_alert(&id(2), None, Some("one"), at(9)).await.unwrap();
    store.assign_alert(&id(4), None, Some("two"), at(9)).await.unwrap();
    for number in [3, 1] {
        let note = format!("100% done by call {number}");
        store.resolve_alert(&id(number), &resolution(20 - i64::from(number), "one", &note)).await.unwrap();
    }
    let find = async |search: AlertSearch| {
        let found = store.find_alerts(&search, 9).await.unwrap();
        found
            .iter()
            .map(|alert| alert.id.as_str().trim_start_matches("alert-").to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let any = AlertSearch::default;
    assert_eq!(find(any()).await, "2 4 3 1");
    assert_eq!(find(AlertSearch { status: Some(AlertStatus::Pending), ..any() }).await, "2 4");
    assert_eq!(find(AlertSearch { status: Some(AlertStatus::Resolved), ..any() }).await, "1 3", "the latest first");
    let since = |second| AlertSearch { status: Some(AlertStatus::Resolved), resolved_since: Some(at(second)), ..any() };
    assert_eq!(
        (find(since(17)).await, find(since(18)).await, find(since(20)).await),
        ("1 3".into(), "1".into(), String::new())
    );
    // The same, for figures; what is no customer's counts in none.
    let set_up = Alert { user_id: UserId::new(SET_UP), ..alert(5, 5, Priority::High) };
    store.open_alert(&set_up).await.unwrap();
    store.resolve_alert(&set_up.id, &resolution(18, "one", "")).await.unwrap();
    let handled = async |since: Option<i64>, limit| {
        let found = store.handled_alerts(since.map(at), limit).await.unwrap();
        found.into_iter().map(|one| (one.created_at, one.claimed_at, one.resolved_at, one.by)).collect::<Vec<_>>()
    };
    let by = || Some("one".to_owned());
    let (first, third) = ((at(1), None, at(19), by()), (at(3), None, at(17), by()));
    assert_eq!(handled(None, 9).await, [first.clone(), third]);
    assert_eq!((handled(Some(18), 9).await, handled(None, 1).await), (vec![first.clone()], vec![first]));
    assert_eq!(find(AlertSearch { priority: Some(Priority::High), ..any() }).await, "2 3 5");
    let assignee = |filter: AssigneeFilter| AlertSearch { assignee: Some(filter), ..any() };
    assert_eq!(find(assignee(AssigneeFilter::Named("two".to_owned()))).await, "4");
    assert_eq!(find(assignee(AssigneeFilter::Named("nobody".to_owned()))).await, "");
    assert_eq!(find(assignee(AssigneeFilter::Unassigned)).await, "3 5 1");
    let text = |text: &str| AlertSearch { text: text.to_owned(), ..any() };
    assert_eq!(find(text("REASON 4")).await, "4");
    assert_eq!(find(text("message 2")).await, "2");
    assert_eq!(find(text("user-3")).await, "3");
    assert_eq!(find(text("100% done")).await, "3 1");
    assert_eq!(find(text("100%done")).await, "", "nothing in a search stands for something else");
    let all = AlertSearch {
        status: Some(AlertStatus::Pending),
        priority: Some(Priority::Medium),
        assignee: Some(AssigneeFilter::Named("two".to_owned())),
        text: "4".to_owned(),
        resolved_since: None,
    };
    assert_eq!(find(all.clone()).await, "4");
    assert_eq!(find(AlertSearch { priority: Some(Priority::Low), ..all }).await, "");
    assert_eq!(store.find_alerts(&any(), 2).await.unwrap().len(), 2);
}

/// Something that happens to the alerts of two customers; `alert` is an index among all that were raised.
#[derive(Debug, Clone)]
enum Step {
    Raise { who: u32 },
    Assign { alert: usize, from: Option<u8>, to: Option<u8> },
    Resolve { alert: usize, by: u8 },
    Reopen { alert: usize, by: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let name = 0..3_u8;
    let index = 0..5_usize;
    prop_oneof![
        3 => (0..2_u32).prop_map(|who| Step::Raise { who }),
        4 => (index.clone(), proptest::option::of(name.clone()), proptest::option::of(name.clone()))
            .prop_map(|(alert, from, to)| Step::Assign { alert, from, to }),
        3 => (index.clone(), name.clone()).prop_map(|(alert, by)| Step::Resolve { alert, by }),
        3 => (index, name).prop_map(|(alert, by)| Step::Reopen { alert, by }),
    ]
}

/// One alert by the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Model {
    id: String,
    who: u32,
    pending: bool,
    handling: Handling,
}

pub(in crate::store) async fn alerts_follow_the_rules_in_any_history(fresh: TestStore) {
    let customers = AtomicU32::new(2_000);
    let mut runner = TestRunner::new(Config { cases: 32, failure_persistence: None, ..Config::default() });
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        let steps = proptest::collection::vec(step(), 1..30);
        runner
            .run(&steps, |steps| {
                let first = customers.fetch_add(2, Ordering::Relaxed);
                handle.block_on(history(&fresh.store, first, &steps));
                Ok(())
            })
            .unwrap();
    });
}

async fn history(store: &Arc<dyn Store>, first: u32, steps: &[Step]) {
    let mut models: Vec<Model> = Vec::new();
    let name = |number: u8| format!("name-{number}");
    for (step, second) in steps.iter().zip(1_i64..) {
        let now = at(second);
        match step {
            Step::Raise { who } => {
                let asker = first + who;
                let number = first * 100 + u32::try_from(models.len()).unwrap();
                let raised = store.open_alert(&alert(number, asker, Priority::Medium)).await.unwrap();
                match models.iter().find(|model| model.who == asker && model.pending) {
                    Some(model) => assert_eq!(raised.id.as_str(), model.id, "{step:?}"),
                    None => models.push(Model {
                        id: format!("alert-{number}"),
                        who: asker,
                        pending: true,
                        handling: Handling::default(),
                    }),
                }
            }
            Step::Assign { alert, from, to } => {
                let Some(model) = models.get_mut(*alert) else { continue };
                let (from, to) = (from.map(name), to.map(name));
                let id = AlertId::new(&model.id);
                let found = store.assign_alert(&id, from.as_deref(), to.as_deref(), now).await.unwrap();
                if !model.pending {
                    assert_eq!(found, Assigned::Gone, "{step:?}");
                    continue;
                }
                if model.handling.assignee == from && from != to {
                    model.handling.claimed_at = to.as_ref().map(|_| now);
                    model.handling.assignee.clone_from(&to);
                }
                let done = model.handling.assignee == to;
                let (Assigned::Done(kept) | Assigned::Held(kept)) = &found else { panic!("{step:?}") };
                assert_eq!(matches!(found, Assigned::Done(_)), done, "{step:?}");
                assert_eq!(kept.handling, model.handling, "{step:?}");
            }
            Step::Resolve { alert, by } => {
                let Some(model) = models.get_mut(*alert) else { continue };
                let resolution = resolution(second, &name(*by), &format!("note {second}"));
                let done = store.resolve_alert(&AlertId::new(&model.id), &resolution).await.unwrap();
                assert_eq!(done, model.pending, "{step:?}");
                if done {
                    model.pending = false;
                    model.handling.resolved_at = Some(now);
                    (model.handling.resolved_by, model.handling.note) = (resolution.by, Some(resolution.note));
                }
            }
            Step::Reopen { alert, by } => {
                let Some(index) = models.get(*alert).map(|_| *alert) else { continue };
                let other = models.iter().find(|model| model.who == models[index].who && model.pending);
                let other = other.map(|model| model.id.clone());
                let model = &mut models[index];
                let found = store.reopen_alert(&AlertId::new(&model.id), &name(*by), now).await.unwrap();
                match (&found, other) {
                    (Reopened::Pending(_), Some(other)) => assert_eq!(other, model.id, "{step:?}"),
                    (Reopened::Other(pending), Some(other)) => {
                        assert!(pending.id.as_str() == other && other != model.id, "{step:?}");
                    }
                    (Reopened::Done(_), None) => {
                        model.pending = true;
                        (model.handling.assignee, model.handling.claimed_at) = (None, None);
                        (model.handling.reopened_at, model.handling.reopened_by) = (Some(now), Some(name(*by)));
                    }
                    (found, other) => panic!("{step:?}: {found:?} beside {other:?}"),
                }
            }
        }
        let mut kept: Vec<Model> = Vec::new();
        for who in [first, first + 1] {
            for alert in store.data_of(&user(who)).await.unwrap().alerts {
                let pending = alert.status == AlertStatus::Pending;
                kept.push(Model { id: alert.id.as_str().to_owned(), who, pending, handling: alert.handling });
            }
            let waits = models.iter().find(|model| model.who == who && model.pending);
            let found = store.pending_alert(&user(who)).await.unwrap();
            assert_eq!(
                found.map(|alert| alert.id.as_str().to_owned()),
                waits.map(|model| model.id.clone()),
                "{step:?}"
            );
        }
        kept.sort_by(|one, other| one.id.cmp(&other.id));
        let mut expected = models.clone();
        expected.sort_by(|one, other| one.id.cmp(&other.id));
        assert_eq!(kept, expected, "after {step:?}");
    }
}

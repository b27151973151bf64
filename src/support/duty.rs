//! Who of the team is on: alerts are given to whoever is there and has least to do, and those that wait too long are made urgent.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::{Actor, alerts};
use crate::domain::alert::{Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Priority, Quoted};
use crate::domain::desk::{EntryKind, TeamEntry};
use crate::domain::ids::AlertId;
use crate::domain::target::{Aim, Targets};
use crate::store::{Result, Store};

/// Who assigns alerts, in the audit trail.
pub const ROTA: &str = "rota";
/// Pending alerts that are looked at.
const MAX_READ: u32 = 10_000;
/// Messages of a customer in which a person's answer is looked for.
const REACH: u32 = 30;
/// The name of the entry of an alert that a member released.
const RELEASED: &str = "released";

async fn pending(store: &dyn Store, assignee: Option<AssigneeFilter>, most: u32) -> Result<Vec<Alert>> {
    let search = AlertSearch { status: Some(AlertStatus::Pending), assignee, ..AlertSearch::default() };
    let mut found = store.find_alerts(&search, most).await?;
    found.retain(|alert| alert.is_of_customer() && !alert.bot_answers);
    Ok(found)
}

/// Notes that a member releases an alert: the rota leaves it to the team.
///
/// # Errors
/// When the store fails.
pub(super) async fn note_release(store: &dyn Store, actor: &Actor, id: &AlertId) -> Result<()> {
    let entry = TeamEntry {
        kind: EntryKind::Duty,
        owner: id.as_str().to_owned(),
        name: RELEASED.to_owned(),
        value: actor.name.clone(),
        at: actor.now,
    };
    store.save_entry(&entry).await
}

/// Gives every alert without an assignee to a member who is not away: to whoever has fewest, and of several to whoever got one
/// longest ago. What a member released waits for whoever takes it. Returns how many were given.
///
/// # Errors
/// When the store fails.
pub async fn assign_new(store: &dyn Store, members: &[&str], now: Timestamp) -> Result<u32> {
    assign_at_most(store, members, now, MAX_READ).await
}

/// As [`assign_new`], of which so many are looked at.
async fn assign_at_most(store: &dyn Store, members: &[&str], now: Timestamp, most: u32) -> Result<u32> {
    // By themselves: however many others have somebody.
    let mut waiting = pending(store, Some(AssigneeFilter::Unassigned), most).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let entries = store.entries(EntryKind::Duty, None).await?;
    forget_ended(store, &entries, &waiting).await?;
    let released: HashMap<&str, Timestamp> =
        entries.iter().filter(|one| one.name == RELEASED).map(|one| (one.owner.as_str(), one.at)).collect();
    // One that is reopened later begins anew.
    waiting.retain(|alert| released.get(alert.id.as_str()).is_none_or(|at| *at < alert.begun()));
    if waiting.is_empty() {
        return Ok(0);
    }
    let away: HashSet<String> = store.entries(EntryKind::Away, None).await?.into_iter().map(|one| one.owner).collect();
    let mut load: HashMap<&str, (usize, Option<Timestamp>)> =
        members.iter().filter(|name| !away.contains(**name)).map(|name| (*name, (0, None))).collect();
    for (name, held) in &mut load {
        for alert in pending(store, Some(AssigneeFilter::Named((*name).to_owned())), most).await? {
            *held = (held.0 + 1, held.1.max(alert.handling.claimed_at));
        }
    }
    let actor = Actor { name: ROTA.to_owned(), now };
    let mut given = 0;
    // The one that waits longest first.
    waiting.sort_by_key(|alert| alert.created_at);
    for alert in &waiting {
        let least = load.iter().min_by_key(|(name, (count, last))| (*count, *last, **name)).map(|(name, _)| *name);
        let Some(name) = least else { return Ok(given) };
        if let Assigned::Done(_) = alerts::assign_to(store, &actor, &alert.id, None, name).await? {
            given += 1;
        }
        if let Some(held) = load.get_mut(name) {
            *held = (held.0 + 1, Some(now));
        }
    }
    Ok(given)
}

/// Why an alert is urgent that waits too long, for the team.
fn overdue(aim: Aim, within: SignedDuration) -> String {
    let (hours, minutes) = (within.as_hours(), within.as_mins());
    let time = if hours > 0 && minutes % 60 == 0 { format!("{hours} h") } else { format!("{minutes} min") };
    format!("Overdue: no {} within {time}", aim.as_str())
}

/// What is noted of an alert that was made urgent: once for each aim, from each time on that it begins.
fn urgent(alert: &Alert, aim: Aim, now: Timestamp) -> TeamEntry {
    let (owner, name) = (alert.id.as_str().to_owned(), aim.as_str().to_owned());
    TeamEntry { kind: EntryKind::Duty, owner, name, value: alert.begun().to_string(), at: now }
}

/// Makes alerts urgent whose time is over, each once for each aim: the team is told again. Returns how many.
///
/// # Errors
/// When the store fails.
pub async fn raise_overdue(store: &dyn Store, targets: &Targets, now: Timestamp) -> Result<u32> {
    let mut raised = 0;
    if targets.are_none() {
        return Ok(raised);
    }
    let all = pending(store, None, MAX_READ).await?;
    let entries = store.entries(EntryKind::Duty, None).await?;
    forget_ended(store, &entries, &all).await?;
    for alert in all.iter().filter(|alert| targets.may_be_due(alert, now)) {
        let messages = store.recent_messages(&alert.user_id, REACH).await?;
        let Some(due) = targets.next(alert, &messages).filter(|due| due.at <= now) else { continue };
        let noted = urgent(alert, due.aim, now);
        if entries.iter().any(|one| (&one.owner, &one.name, &one.value) == (&noted.owner, &noted.name, &noted.value)) {
            continue;
        }
        let mut reason = overdue(due.aim, targets.of(due.aim).unwrap_or_default());
        if alert.reason.contains(&reason) {
            // It was late before it was reopened: what is told again has to say something new.
            reason = format!("{reason} of {}", alert.begun().strftime("%Y-%m-%d %H:%M:%SZ"));
        }
        // Merged into the pending one, whose quoted message stays. Resolved meanwhile: none is raised anew.
        if store.pending_alert(&alert.user_id).await?.is_none_or(|pending| pending.id != alert.id) {
            continue;
        }
        let quoted = Quoted::FromCustomer(&alert.last_message);
        let more =
            Alert::raise(super::handoff::new_alert_id(), alert.user_id.clone(), &reason, quoted, Priority::High, now);
        store.open_alert(&more).await?;
        store.save_entry(&noted).await?;
        raised += 1;
    }
    Ok(raised)
}

/// Removes what was noted of alerts that nobody waits for any more.
async fn forget_ended(store: &dyn Store, entries: &[TeamEntry], pending: &[Alert]) -> Result<()> {
    let waiting: HashSet<&str> = pending.iter().map(|alert| alert.id.as_str()).collect();
    for entry in entries.iter().filter(|entry| !waiting.contains(entry.owner.as_str())) {
        let alert = store.alert(&AlertId::new(entry.owner.as_str())).await?;
        if alert.is_none_or(|alert| alert.status == AlertStatus::Resolved) {
            store.remove_entry(entry.kind, &entry.owner, &entry.name).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::UserId;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Alerts as _, Desk as _};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_750_000_000 + second).unwrap()
    }

    async fn raise(store: &SqliteStore, number: u32, second: i64) -> AlertId {
        let (id, user) = (AlertId::new(format!("ALERT_{number}")), UserId::new(format!("91{number}")));
        let alert = Alert::raise(id, user, "why", Quoted::FromCustomer("hello"), Priority::Low, at(second));
        store.open_alert(&alert).await.unwrap().id
    }

    #[tokio::test]
    async fn alerts_go_to_who_is_there_and_has_least() {
        let store = SqliteStore::scratch().unwrap();
        let mut ids = Vec::new();
        for number in 0..7 {
            ids.push(raise(&store, number, number.into()).await);
        }
        let lead = Actor { name: "lead".to_owned(), now: at(10) };
        for id in &ids[..2] {
            alerts::assign_to(&store, &lead, id, None, "desk").await.unwrap();
        }
        let away = TeamEntry {
            kind: EntryKind::Away,
            owner: "lead".to_owned(),
            name: String::new(),
            value: String::new(),
            at: at(10),
        };
        store.save_entry(&away).await.unwrap();
        assert_eq!(assign_new(&store, &["desk", "lead", "night"], at(20)).await.unwrap(), 5);
        let mut held: HashMap<String, u32> = HashMap::new();
        for alert in pending(&store, None, 99).await.unwrap() {
            *held.entry(alert.handling.assignee.unwrap()).or_default() += 1;
        }
        assert_eq!((held["night"], held["desk"], held.get("lead")), (3, 4, None), "{held:?}");
        assert_eq!(assign_new(&store, &["desk"], at(30)).await.unwrap(), 0);
        raise(&store, 9, 40).await;
        assert_eq!(assign_new(&store, &["lead"], at(50)).await.unwrap(), 0, "nobody is there");
    }

    #[tokio::test]
    async fn what_waits_too_long_is_urgent_once_for_each_aim() {
        let store = SqliteStore::scratch().unwrap();
        let id = raise(&store, 1, 0).await;
        let targets = Targets { first_reply: Some(SignedDuration::from_mins(30)), ..Targets::default() };
        assert_eq!(raise_overdue(&store, &targets, at(1_799)).await.unwrap(), 0);
        assert_eq!(raise_overdue(&store, &targets, at(1_800)).await.unwrap(), 1);
        assert_eq!(raise_overdue(&store, &targets, at(1_900)).await.unwrap(), 0, "once");
        let alert = store.alert(&id).await.unwrap().unwrap();
        assert_eq!(
            (alert.priority, alert.reason.as_str()),
            (Priority::High, "why | Overdue: no first reply within 30 min")
        );
        assert_eq!((alert.last_message.as_str(), alert.created_at), ("hello", at(0)));
        assert_eq!(raise_overdue(&store, &Targets::default(), at(9_999)).await.unwrap(), 0);
        let both = Targets { resolution: Some(SignedDuration::from_hours(2)), ..Targets::default() };
        assert_eq!(raise_overdue(&store, &both, at(7_200)).await.unwrap(), 1);
        assert!(store.alert(&id).await.unwrap().unwrap().reason.ends_with("Overdue: no resolution within 2 h"));
    }

    #[tokio::test]
    async fn what_is_reopened_is_late_again_and_a_full_reason_is_told_of_once() {
        let store = SqliteStore::scratch().unwrap();
        let id = raise(&store, 1, 0).await;
        let targets = Targets { first_reply: Some(SignedDuration::from_mins(30)), ..Targets::default() };
        let lead = |second| Actor { name: "lead".to_owned(), now: at(second) };
        assert_eq!(raise_overdue(&store, &targets, at(1_800)).await.unwrap(), 1);
        assert!(alerts::resolve(&store, &lead(2_000), &id, "").await.unwrap());
        assert_eq!(raise_overdue(&store, &targets, at(2_100)).await.unwrap(), 0, "nobody waits");
        assert!(store.entries(EntryKind::Duty, None).await.unwrap().is_empty(), "and nothing is noted of it");
        let before = store.alert(&id).await.unwrap().unwrap();
        alerts::reopen(&store, &lead(3_000), &id).await.unwrap();
        assert_eq!(raise_overdue(&store, &targets, at(4_799)).await.unwrap(), 0);
        assert_eq!(raise_overdue(&store, &targets, at(4_800)).await.unwrap(), 1, "it begins anew");
        assert!(store.alert(&id).await.unwrap().unwrap().is_graver_than(&before), "the team is told again");
        assert_eq!(raise_overdue(&store, &targets, at(4_900)).await.unwrap(), 0, "once");
        // A reason that takes no more.
        let full = raise(&store, 2, 0).await;
        for number in 0..12 {
            let reason = format!("{number} {}", "x".repeat(490));
            let (more, user) = (AlertId::new(format!("M{number}")), UserId::new("912"));
            store
                .open_alert(&Alert::raise(more, user, &reason, Quoted::FromCustomer("hello"), Priority::Low, at(1)))
                .await
                .unwrap();
        }
        assert_eq!(raise_overdue(&store, &targets, at(5_000)).await.unwrap(), 1);
        let alert = store.alert(&full).await.unwrap().unwrap();
        assert!(!alert.reason.contains("Overdue") && alert.priority == Priority::High);
        assert_eq!(raise_overdue(&store, &targets, at(5_010)).await.unwrap(), 0, "once");
    }

    #[tokio::test]
    async fn the_rota_sees_who_has_nobody_behind_many_and_gives_nothing_back() {
        let store = SqliteStore::scratch().unwrap();
        let mut ids = Vec::new();
        for number in 0..4 {
            ids.push(raise(&store, number, number.into()).await);
        }
        let desk = Actor { name: "desk".to_owned(), now: at(10) };
        for id in &ids[..3] {
            alerts::claim(&store, &desk, id, None).await.unwrap();
        }
        assert_eq!(
            assign_at_most(&store, &["night"], at(20), 2).await.unwrap(),
            1,
            "two are looked at, and it is the fourth"
        );
        let night = Actor { name: "night".to_owned(), now: at(30) };
        assert!(matches!(alerts::release(&store, &night, &ids[3]).await.unwrap(), Assigned::Done(_)));
        assert_eq!(assign_new(&store, &["night", "desk"], at(40)).await.unwrap(), 0, "it is left to the team");
        assert!(alerts::resolve(&store, &night, &ids[3], "").await.unwrap());
        alerts::reopen(&store, &Actor { now: at(50), ..night }, &ids[3]).await.unwrap();
        assert_eq!(assign_new(&store, &["night"], at(60)).await.unwrap(), 1, "it begins anew");
    }
}

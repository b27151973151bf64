//! The team's changes to alerts: claim, release, resolve, reopen. Each change is on record before and after it, and an
//! alert that has an assignee is only taken from the one who is named.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::handoff::mark_handed_over;
use super::{Actor, duty};
use crate::domain::alert::{Alert, AlertSearch, AlertStatus, Assigned, AssigneeFilter, Reopened, Resolution};
use crate::domain::desk::PinKind;
use crate::domain::ids::AlertId;
use crate::domain::media::MediaFile;
use crate::domain::words::excerpt;
use crate::store::{Result, Store};

/// The longest note, in characters.
const LONGEST_NOTE: usize = 2_000;

/// What came so long before an alert belongs to it.
const BEFORE_ALERT: SignedDuration = SignedDuration::from_hours(24);
/// Files of a customer that are looked at.
const MAX_FILES: u32 = 30;
/// Alerts of one member that are made unassigned at once: no team has as many.
const MOST_RELEASED: u32 = 10_000;

/// The files that belong to an alert: what its customer sent from a day before on, the latest first.
///
/// # Errors
/// When the store fails.
pub async fn media_of(store: &dyn Store, alert: &Alert) -> Result<Vec<MediaFile>> {
    if !alert.is_of_customer() {
        return Ok(Vec::new());
    }
    let since = alert.created_at.saturating_sub(BEFORE_ALERT).unwrap_or(Timestamp::MIN);
    let mut files = store.media_of(&alert.user_id, MAX_FILES).await?;
    files.retain(|file| file.at >= since && !file.is_of_team());
    Ok(files)
}

async fn pending(store: &dyn Store, id: &AlertId) -> Result<Option<Alert>> {
    Ok(store.alert(id).await?.filter(|alert| alert.status == AlertStatus::Pending))
}

fn assignment_result(assigned: &Assigned, done: &str) -> Value {
    match assigned {
        Assigned::Done(_) => json!({"status": done}),
        Assigned::Held(alert) => json!({"status": "held", "assignee": alert.handling.assignee}),
        Assigned::Gone => json!({"status": "gone"}),
    }
}

async fn assign(
    store: &dyn Store,
    actor: &Actor,
    id: &AlertId,
    from: Option<&str>,
    (action, to, done): (&str, Option<&str>, &str),
) -> Result<Assigned> {
    let Some(alert) = pending(store, id).await? else { return Ok(Assigned::Gone) };
    // What would be refused anyway is not recorded: nothing changes.
    if alert.handling.assignee.as_deref() != from {
        return Ok(if alert.handling.assignee.as_deref() == to {
            Assigned::Done(alert)
        } else {
            Assigned::Held(alert)
        });
    }
    let mut arguments = json!({"alert_id": id, "user_id": alert.user_id, "from": from});
    if let Some(to) = to.filter(|to| *to != actor.name) {
        arguments["to"] = to.into();
    }
    actor.record_start(store, action, &arguments).await?;
    let assigned = store.assign_alert(id, from, to, actor.now).await?;
    actor.record_end(store, action, arguments, assignment_result(&assigned, done)).await?;
    Ok(assigned)
}

/// Claims a pending alert without an assignee; with `from`, takes it from that assignee.
///
/// # Errors
/// When the store fails.
pub async fn claim(store: &dyn Store, actor: &Actor, id: &AlertId, from: Option<&str>) -> Result<Assigned> {
    assign(store, actor, id, from, ("claim_alert", Some(&actor.name), "claimed")).await
}

/// Removes the assignee of an alert that `actor` claimed.
///
/// # Errors
/// When the store fails.
pub async fn release(store: &dyn Store, actor: &Actor, id: &AlertId) -> Result<Assigned> {
    // Before it: else the rota could give it straight back.
    if pending(store, id).await?.is_some_and(|alert| alert.handling.assignee.as_deref() == Some(&actor.name)) {
        duty::note_release(store, actor, id).await?;
    }
    assign(store, actor, id, Some(&actor.name), ("release_alert", None, "released")).await
}

/// Makes every pending alert of a member who works on none any more unassigned. Returns how many there were.
///
/// # Errors
/// When the store fails.
pub async fn release_all_of(store: &dyn Store, actor: &Actor, name: &str) -> Result<usize> {
    let assignee = Some(AssigneeFilter::Named(name.to_owned()));
    let search = AlertSearch { status: Some(AlertStatus::Pending), assignee, ..AlertSearch::default() };
    let mut released = 0;
    for alert in store.find_alerts(&search, MOST_RELEASED).await? {
        // Nothing is noted for the rota: it is to give them to others.
        let assigned = assign(store, actor, &alert.id, Some(name), ("release_alert", None, "released")).await?;
        if matches!(assigned, Assigned::Done(_)) {
            released += 1;
        }
    }
    Ok(released)
}

/// Assigns a pending alert of `from` (`None`: unassigned) to another member.
///
/// # Errors
/// When the store fails.
pub async fn assign_to(
    store: &dyn Store,
    actor: &Actor,
    id: &AlertId,
    from: Option<&str>,
    to: &str,
) -> Result<Assigned> {
    assign(store, actor, id, from, ("assign_alert", Some(to), "assigned")).await
}

/// Resolves an alert with a note: the bot answers this customer again. `false` where it is not pending.
///
/// # Errors
/// When the store fails.
pub async fn resolve(store: &dyn Store, actor: &Actor, id: &AlertId, note: &str) -> Result<bool> {
    let Some(alert) = pending(store, id).await? else { return Ok(false) };
    let note = excerpt(note.trim(), LONGEST_NOTE);
    let arguments = json!({"alert_id": id, "user_id": alert.user_id, "note": note});
    actor.record_start(store, "resolve_alert", &arguments).await?;
    let resolution = Resolution { at: actor.now, by: Some(actor.name.clone()), note };
    let resolved = store.resolve_alert(id, &resolution).await?;
    // It was put away with this alert: the next one is another matter.
    store.remove_pin(&alert.user_id, PinKind::Snooze, "").await?;
    let result = json!({"status": if resolved { "resolved" } else { "resolved_before" }});
    actor.record_end(store, "resolve_alert", arguments, result).await?;
    Ok(resolved)
}

/// Reopens a resolved alert: the bot is silent in this conversation from now on.
///
/// # Errors
/// When the store fails.
pub async fn reopen(store: &dyn Store, actor: &Actor, id: &AlertId) -> Result<Reopened> {
    let Some(alert) = store.alert(id).await? else { return Ok(Reopened::Gone) };
    if alert.status == AlertStatus::Pending {
        return Ok(Reopened::Pending(alert));
    }
    let arguments = json!({"alert_id": id, "user_id": alert.user_id});
    actor.record_start(store, "reopen_alert", &arguments).await?;
    let reopened = store.reopen_alert(id, &actor.name, actor.now).await?;
    let result = match &reopened {
        Reopened::Done(alert) => {
            json!({"status": "reopened", "marked": mark_handed_over(store, &alert.user_id, &alert.id).await?})
        }
        Reopened::Pending(_) => json!({"status": "reopened_before"}),
        Reopened::Other(other) => json!({"status": "another_is_pending", "alert_id": other.id}),
        Reopened::Gone => json!({"status": "gone"}),
    };
    actor.record_end(store, "reopen_alert", arguments, result).await?;
    Ok(reopened)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::alert::{Priority, Quoted};
    use crate::domain::conversation::{Conversation, Mode};
    use crate::domain::ids::UserId;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Alerts as _, Audit as _, Conversations as _};

    fn by(name: &str, second: i64) -> Actor {
        Actor { name: name.to_owned(), now: Timestamp::from_second(1_750_000_000 + second).unwrap() }
    }

    async fn raised() -> (SqliteStore, Alert) {
        let store = SqliteStore::scratch().unwrap();
        let (id, user) = (AlertId::new("ALERT_1"), UserId::new("919876500001"));
        let message = Quoted::FromCustomer("a person!");
        let alert = Alert::raise(id, user, "an angry customer", message, Priority::High, by("", 0).now);
        let alert = store.open_alert(&alert).await.unwrap();
        (store, alert)
    }

    #[tokio::test]
    async fn every_change_is_on_record_before_and_after_by_its_name() {
        let (store, alert) = raised().await;
        let (one, two) = (by("one", 1), by("two", 2));
        assert!(matches!(claim(&store, &one, &alert.id, None).await.unwrap(), Assigned::Done(_)));
        let Assigned::Held(held) = claim(&store, &two, &alert.id, None).await.unwrap() else { panic!() };
        assert_eq!(held.handling.assignee.as_deref(), Some("one"));
        assert!(matches!(release(&store, &two, &alert.id).await.unwrap(), Assigned::Held(_)), "not theirs");
        assert!(matches!(claim(&store, &two, &alert.id, Some("one")).await.unwrap(), Assigned::Done(_)));
        assert!(matches!(release(&store, &two, &alert.id).await.unwrap(), Assigned::Done(_)));
        assert!(resolve(&store, &two, &alert.id, " paid back ").await.unwrap());
        assert!(!resolve(&store, &one, &alert.id, "late").await.unwrap());
        assert!(matches!(claim(&store, &one, &alert.id, None).await.unwrap(), Assigned::Gone));
        let handling = store.alert(&alert.id).await.unwrap().unwrap().handling;
        assert_eq!((handling.note.as_deref(), handling.resolved_by.as_deref()), (Some("paid back"), Some("two")));
        let records: Vec<_> = store
            .audit_entries(1, 99)
            .await
            .unwrap()
            .iter()
            .filter_map(crate::domain::audit::AuditEntry::record)
            .collect();
        let actions: Vec<_> = records.iter().map(|record| (record.actor.as_str(), record.action.as_str())).collect();
        let twice = |actor, action| [(actor, action); 2];
        let expected = [
            twice("operator:one", "claim_alert"),
            twice("operator:two", "claim_alert"),
            twice("operator:two", "release_alert"),
            twice("operator:two", "resolve_alert"),
        ];
        assert_eq!(actions, expected.concat());
        assert_eq!(records[2].arguments["from"], "one", "whom it was taken from");
    }

    #[tokio::test]
    async fn a_reopened_alert_silences_the_bot() {
        let (store, alert) = raised().await;
        let lead = by("lead", 9);
        assert!(matches!(reopen(&store, &lead, &alert.id).await.unwrap(), Reopened::Pending(_)));
        assert!(resolve(&store, &lead, &alert.id, "").await.unwrap());
        assert!(store.save_conversation(&Conversation::new(alert.user_id.clone())).await.unwrap());
        let Reopened::Done(again) = reopen(&store, &lead, &alert.id).await.unwrap() else { panic!() };
        assert_eq!(again.handling.reopened_by.as_deref(), Some("lead"));
        let conversation = store.conversation(&alert.user_id).await.unwrap().unwrap();
        assert_eq!(conversation.mode, Mode::HandedOver { alert_id: alert.id.clone() });
        assert!(matches!(reopen(&store, &lead, &AlertId::new("none")).await.unwrap(), Reopened::Gone));
    }
}

//! Decides how a member of the team changes something: an alert is claimed, released, settled, opened again; a conversation
//! is handed to a person.
//!
//! It must never change anything without putting it on record before and after, nor claim an alert that somebody else has
//! without saying who that was.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::domain::alert::{Alert, AlertStatus, Assigned, Reopened, Settlement};
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::words::excerpt;
use crate::store::{Result, Store};

/// How often a conversation is saved again after somebody else changed it meanwhile.
const TRIES: u32 = 5;
/// The longest note, in characters.
const LONGEST_NOTE: usize = 2_000;

/// Who of the team does something, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// The name they log in with.
    pub name: String,
    /// The time.
    pub now: Timestamp,
}

impl By {
    /// Who is put on record.
    pub fn actor(&self) -> String {
        format!("operator:{}", self.name)
    }

    /// Puts a change on record: before it without a result, and after it with one.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn record(
        &self,
        store: &dyn Store,
        action: &str,
        arguments: Value,
        phase: AuditPhase,
        result: Value,
    ) -> Result<()> {
        let record =
            AuditRecord { at: self.now, actor: self.actor(), action: action.to_owned(), phase, arguments, result };
        store.append_audit(&record).await?;
        Ok(())
    }

    async fn begin(&self, store: &dyn Store, action: &str, arguments: &Value) -> Result<()> {
        self.record(store, action, arguments.clone(), AuditPhase::Started, Value::Null).await
    }

    async fn end(&self, store: &dyn Store, action: &str, arguments: Value, result: Value) -> Result<()> {
        self.record(store, action, arguments, AuditPhase::Finished, result).await
    }
}

async fn pending(store: &dyn Store, id: &AlertId) -> Result<Option<Alert>> {
    Ok(store.alert(id).await?.filter(|alert| alert.status == AlertStatus::Pending))
}

fn told(assigned: &Assigned, done: &str) -> Value {
    match assigned {
        Assigned::Done(_) => json!({"status": done}),
        Assigned::Held(alert) => json!({"status": "held", "assignee": alert.handling.assignee}),
        Assigned::Gone => json!({"status": "gone"}),
    }
}

async fn assign(
    store: &dyn Store,
    by: &By,
    id: &AlertId,
    from: Option<&str>,
    (action, to, done): (&str, Option<&str>, &str),
) -> Result<Assigned> {
    let Some(alert) = pending(store, id).await? else { return Ok(Assigned::Gone) };
    // What would be refused anyway is not put on record: nothing changes.
    if alert.handling.assignee.as_deref() != from {
        return Ok(if alert.handling.assignee.as_deref() == to {
            Assigned::Done(alert)
        } else {
            Assigned::Held(alert)
        });
    }
    let arguments = json!({"alert_id": id, "user_id": alert.user_id, "from": from});
    by.begin(store, action, &arguments).await?;
    let assigned = store.assign_alert(id, from, to, by.now).await?;
    by.end(store, action, arguments, told(&assigned, done)).await?;
    Ok(assigned)
}

/// Claims a pending alert that nobody has; with `from`, takes it from whoever that is, as long as they have it.
///
/// # Errors
/// When the store fails.
pub async fn claim(store: &dyn Store, by: &By, id: &AlertId, from: Option<&str>) -> Result<Assigned> {
    assign(store, by, id, from, ("claim_alert", Some(&by.name), "claimed")).await
}

/// Gives a claimed alert back to everybody.
///
/// # Errors
/// When the store fails.
pub async fn release(store: &dyn Store, by: &By, id: &AlertId) -> Result<Assigned> {
    assign(store, by, id, Some(&by.name), ("release_alert", None, "released")).await
}

/// Settles an alert with a note, which stays with it: the bot answers this customer again. `false` where somebody did so
/// before.
///
/// # Errors
/// When the store fails.
pub async fn settle(store: &dyn Store, by: &By, id: &AlertId, note: &str) -> Result<bool> {
    let Some(alert) = pending(store, id).await? else { return Ok(false) };
    let note = excerpt(note.trim(), LONGEST_NOTE);
    let arguments = json!({"alert_id": id, "user_id": alert.user_id, "note": note});
    by.begin(store, "resolve_alert", &arguments).await?;
    let settlement = Settlement { at: by.now, by: Some(by.name.clone()), note };
    let settled = store.settle_alert(id, &settlement).await?;
    let result = json!({"status": if settled { "resolved" } else { "resolved_before" }});
    by.end(store, "resolve_alert", arguments, result).await?;
    Ok(settled)
}

/// Opens a settled alert again: the bot is silent in this conversation from now on.
///
/// # Errors
/// When the store fails.
pub async fn reopen(store: &dyn Store, by: &By, id: &AlertId) -> Result<Reopened> {
    let Some(alert) = store.alert(id).await? else { return Ok(Reopened::Gone) };
    if alert.status == AlertStatus::Pending {
        return Ok(Reopened::Pending(alert));
    }
    let arguments = json!({"alert_id": id, "user_id": alert.user_id});
    by.begin(store, "reopen_alert", &arguments).await?;
    let reopened = store.reopen_alert(id, &by.name, by.now).await?;
    let result = match &reopened {
        Reopened::Done(alert) => {
            json!({"status": "reopened", "marked": hand_over(store, &alert.user_id, &alert.id).await?})
        }
        Reopened::Pending(_) => json!({"status": "reopened_before"}),
        Reopened::Other(other) => json!({"status": "another_is_pending", "alert_id": other.id}),
        Reopened::Gone => json!({"status": "gone"}),
    };
    by.end(store, "reopen_alert", arguments, result).await?;
    Ok(reopened)
}

/// Marks a conversation as a person's, so that a turn in work is not kept and its reply never sent. `false` where others
/// were faster: the next turn follows the pending alert all the same.
///
/// # Errors
/// When the store fails.
pub async fn hand_over(store: &dyn Store, user: &UserId, alert: &AlertId) -> Result<bool> {
    for _ in 0..TRIES {
        let stored = store.conversation(user).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        conversation.mode = Mode::HandedOver { alert_id: alert.clone() };
        conversation.start_afresh();
        if store.save_conversation(&conversation).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::alert::{Handling, Priority};
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Alerts as _, Audit as _, Conversations as _};

    fn by(name: &str, second: i64) -> By {
        By { name: name.to_owned(), now: Timestamp::from_second(1_750_000_000 + second).unwrap() }
    }

    async fn raised() -> (SqliteStore, Alert) {
        let store = SqliteStore::scratch().unwrap();
        let alert = Alert {
            id: AlertId::new("ALERT_1"),
            user_id: UserId::new("919876500001"),
            reason: "an angry customer".to_owned(),
            last_message: "a person!".to_owned(),
            priority: Priority::High,
            status: AlertStatus::Pending,
            created_at: by("", 0).now,
            handling: Handling::default(),
        };
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
        assert!(settle(&store, &two, &alert.id, " paid back ").await.unwrap());
        assert!(!settle(&store, &one, &alert.id, "late").await.unwrap());
        assert!(matches!(claim(&store, &one, &alert.id, None).await.unwrap(), Assigned::Gone));
        let settled = store.alert(&alert.id).await.unwrap().unwrap().handling;
        assert_eq!((settled.note.as_deref(), settled.resolved_by.as_deref()), (Some("paid back"), Some("two")));
        let records: Vec<_> = store
            .audit_entries(1, 99)
            .await
            .unwrap()
            .iter()
            .filter_map(crate::domain::audit::AuditEntry::record)
            .collect();
        let told: Vec<_> = records.iter().map(|record| (record.actor.as_str(), record.action.as_str())).collect();
        let twice = |actor, action| [(actor, action); 2];
        let expected = [
            twice("operator:one", "claim_alert"),
            twice("operator:two", "claim_alert"),
            twice("operator:two", "release_alert"),
            twice("operator:two", "resolve_alert"),
        ];
        assert_eq!(told, expected.concat());
        assert_eq!(records[2].arguments["from"], "one", "whom it was taken from");
    }

    #[tokio::test]
    async fn an_alert_that_is_opened_again_silences_the_bot() {
        let (store, alert) = raised().await;
        let lead = by("lead", 9);
        assert!(matches!(reopen(&store, &lead, &alert.id).await.unwrap(), Reopened::Pending(_)));
        assert!(settle(&store, &lead, &alert.id, "").await.unwrap());
        assert!(store.save_conversation(&Conversation::new(alert.user_id.clone())).await.unwrap());
        let Reopened::Done(again) = reopen(&store, &lead, &alert.id).await.unwrap() else { panic!() };
        assert_eq!(again.handling.reopened_by.as_deref(), Some("lead"));
        let conversation = store.conversation(&alert.user_id).await.unwrap().unwrap();
        assert_eq!(conversation.mode, Mode::HandedOver { alert_id: alert.id.clone() });
        assert!(matches!(reopen(&store, &lead, &AlertId::new("none")).await.unwrap(), Reopened::Gone));
    }
}

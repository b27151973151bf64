//! Decides what a member of the team changes from the dashboard: settle an alert, take over, reply, give back.
//!
//! It must never send anything past the outbox, nor change anything without putting it on record.

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::alert::{Alert, AlertStatus, Priority};
use crate::domain::audit::{AuditPhase, AuditRecord};
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{LONGEST_TEXT, Outgoing};
use crate::domain::words::excerpt;
use crate::store::{Result, Store};

/// Whoever works at the dashboard: it has one lock for the whole team.
pub(super) const ACTOR: &str = "operator:dashboard";
/// How often a conversation is saved again after somebody else changed it meanwhile.
const TRIES: u32 = 5;
/// The longest note, in characters.
const LONGEST_NOTE: usize = 2_000;

/// What became of a change; also the word in the address of the page that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Resolved,
    Gone,
    Taken,
    Queued,
    Returned,
    Busy,
    Empty,
    Bot,
}

impl Outcome {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Gone => "gone",
            Self::Taken => "taken",
            Self::Queued => "queued",
            Self::Returned => "returned",
            Self::Busy => "busy",
            Self::Empty => "empty",
            Self::Bot => "bot",
        }
    }
}

pub(super) async fn record(
    store: &dyn Store,
    action: &str,
    arguments: Value,
    phase: AuditPhase,
    result: Value,
    now: Timestamp,
) -> Result<()> {
    let record = AuditRecord { at: now, actor: ACTOR.to_owned(), action: action.to_owned(), phase, arguments, result };
    store.append_audit(&record).await?;
    Ok(())
}

/// Settles an alert, with a note that is put on record.
pub(super) async fn resolve(store: &dyn Store, id: &AlertId, note: &str, now: Timestamp) -> Result<Outcome> {
    let Some(alert) = store.alert(id).await?.filter(|alert| alert.status == AlertStatus::Pending) else {
        return Ok(Outcome::Gone);
    };
    let arguments = json!({"alert_id": id, "user_id": alert.user_id, "note": excerpt(note, LONGEST_NOTE)});
    record(store, "resolve_alert", arguments.clone(), AuditPhase::Started, Value::Null, now).await?;
    let settled = store.resolve_alert(id, now).await?;
    let result = json!({"status": if settled { "resolved" } else { "resolved_before" }});
    record(store, "resolve_alert", arguments, AuditPhase::Finished, result, now).await?;
    Ok(if settled { Outcome::Resolved } else { Outcome::Gone })
}

/// Silences the bot in a conversation; a turn in work is not kept, so its reply is never sent.
pub(super) async fn take_over(store: &dyn Store, user: &UserId, now: Timestamp) -> Result<Outcome> {
    let arguments = json!({"user_id": user});
    record(store, "take_over", arguments.clone(), AuditPhase::Started, Value::Null, now).await?;
    let last = store.recent_messages(user, 20).await?;
    let last = last.iter().rev().find(|message| message.role == Role::User);
    let alert = Alert {
        id: AlertId::new(format!("ALERT_{}", Uuid::now_v7().simple())),
        user_id: user.clone(),
        reason: "A member of the team answers from the dashboard".to_owned(),
        last_message: last.map(|message| excerpt(&message.text, 1_000)).unwrap_or_default(),
        priority: Priority::Low,
        status: AlertStatus::Pending,
        created_at: now,
    };
    let alert = match store.pending_alert(user).await? {
        Some(pending) => pending,
        None => store.open_alert(&alert).await?,
    };
    let mut saved = false;
    for _ in 0..TRIES {
        let stored = store.conversation(user).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        conversation.mode = Mode::HandedOver { alert_id: alert.id.clone() };
        conversation.start_afresh();
        // Where another writer was faster, the next turn follows the alert all the same.
        saved = store.save_conversation(&conversation).await?;
        if saved {
            break;
        }
    }
    let result = json!({"status": "taken_over", "alert_id": alert.id, "marked": saved});
    record(store, "take_over", arguments, AuditPhase::Finished, result, now).await?;
    Ok(Outcome::Taken)
}

/// Queues a text of the team for the customer of a conversation that was taken over.
pub(super) async fn reply(store: &dyn Store, user: &UserId, text: &str, now: Timestamp) -> Result<Outcome> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_TEXT {
        return Ok(Outcome::Empty);
    }
    let Some(alert) = store.pending_alert(user).await? else { return Ok(Outcome::Bot) };
    let arguments = json!({"user_id": user, "characters": text.chars().count()});
    record(store, "reply", arguments.clone(), AuditPhase::Started, Value::Null, now).await?;
    let mut outcome = Outcome::Busy;
    let mut turn = 0;
    for _ in 0..TRIES {
        let stored = store.conversation(user).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        conversation.mode = Mode::HandedOver { alert_id: alert.id.clone() };
        // A turn of its own: no message to the customer had its number.
        conversation.turn += 1;
        turn = conversation.turn;
        let said = ChatMessage {
            user_id: user.clone(),
            role: Role::Agent,
            text: text.to_owned(),
            at: now,
            turn,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let outgoing = Outgoing::text(user.clone(), turn, 0, text, now);
        if store.save_reply(&conversation, &said, &outgoing).await? {
            outcome = Outcome::Queued;
            break;
        }
    }
    let result = json!({"status": outcome.word(), "turn": turn});
    record(store, "reply", arguments, AuditPhase::Finished, result, now).await?;
    Ok(outcome)
}

/// Gives a conversation back to the bot: its pending alert is settled.
pub(super) async fn give_back(store: &dyn Store, user: &UserId, note: &str, now: Timestamp) -> Result<Outcome> {
    match store.pending_alert(user).await? {
        Some(alert) => resolve(store, &alert.id, note, now).await.map(|outcome| match outcome {
            Outcome::Resolved => Outcome::Returned,
            other => other,
        }),
        None => Ok(Outcome::Gone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::outgoing::Delivery;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Alerts as _, Audit as _, Conversations as _, Outbox as _, Transcript as _};

    #[tokio::test]
    async fn a_conversation_is_taken_over_answered_and_given_back() {
        let store = SqliteStore::scratch().unwrap();
        let (user, now) = (UserId::new("919876500001"), Timestamp::from_second(1_750_000_000).unwrap());
        assert_eq!(reply(&store, &user, "hello", now).await.unwrap(), Outcome::Bot, "the bot has it");
        let mut conversation = Conversation::new(user.clone());
        conversation.turn = 4;
        assert!(store.save_conversation(&conversation).await.unwrap());
        assert_eq!(take_over(&store, &user, now).await.unwrap(), Outcome::Taken);
        let alert = store.pending_alert(&user).await.unwrap().unwrap();
        assert_eq!(take_over(&store, &user, now).await.unwrap(), Outcome::Taken);
        assert_eq!(store.pending_alert(&user).await.unwrap().unwrap().id, alert.id, "once");
        assert_eq!(reply(&store, &user, "  ", now).await.unwrap(), Outcome::Empty);
        assert_eq!(reply(&store, &user, &"x".repeat(4_097), now).await.unwrap(), Outcome::Empty);
        assert_eq!(reply(&store, &user, " A person here. ", now).await.unwrap(), Outcome::Queued);
        let sent = store.outgoing_of(&user, 9).await.unwrap();
        assert_eq!((sent.len(), sent[0].turn, sent[0].state), (1, 5, Delivery::Queued));
        assert_eq!(store.recent_messages(&user, 9).await.unwrap()[0].role, Role::Agent);
        let kept = store.conversation(&user).await.unwrap().unwrap();
        assert_eq!((kept.turn, kept.mode), (5, Mode::HandedOver { alert_id: alert.id.clone() }));
        assert_eq!(give_back(&store, &user, "done", now).await.unwrap(), Outcome::Returned);
        assert_eq!(give_back(&store, &user, "done", now).await.unwrap(), Outcome::Gone);
        let check = store.check_audit().await.unwrap();
        assert_eq!((check.entries, check.broken), (8, None), "each change before and after");
        let entries = store.audit_entries(1, 99).await.unwrap();
        assert!(!entries.iter().any(|entry| entry.content.contains("A person here")), "no message text");
    }
}

//! Decides what a member of the team changes in a conversation: take over, reply, give back.
//!
//! It must never send anything past the outbox, nor change anything without putting it on record.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::desk::team::{self, By};
use crate::domain::alert::{Alert, AlertStatus, Assigned, Handling, Priority};
use crate::domain::audit::AuditPhase;
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::ids::{AlertId, UserId};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::{LONGEST_TEXT, Outgoing};
use crate::domain::words::excerpt;
use crate::store::{Result, Store};

/// How often a conversation is saved again after somebody else changed it meanwhile.
const TRIES: u32 = 5;

/// What became of a change; also the word in the address of the page that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
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

/// Silences the bot in a conversation; a turn in work is not kept, so its reply is never sent.
pub(super) async fn take_over(store: &dyn Store, by: &By, user: &UserId) -> Result<Outcome> {
    let arguments = json!({"user_id": user});
    by.record(store, "take_over", arguments.clone(), AuditPhase::Started, Value::Null).await?;
    let last = store.recent_messages(user, 20).await?;
    let last = last.iter().rev().find(|message| message.role == Role::User);
    let alert = Alert {
        id: AlertId::new(format!("ALERT_{}", Uuid::now_v7().simple())),
        user_id: user.clone(),
        reason: "A member of the team answers from the dashboard".to_owned(),
        last_message: last.map(|message| excerpt(&message.text, 1_000)).unwrap_or_default(),
        priority: Priority::Low,
        status: AlertStatus::Pending,
        created_at: by.now,
        handling: Handling::default(),
    };
    let alert = match store.pending_alert(user).await? {
        Some(pending) => pending,
        None => store.open_alert(&alert).await?,
    };
    // Whoever takes over looks after it; where somebody has it already, it stays theirs.
    if let Assigned::Held(other) = store.assign_alert(&alert.id, None, Some(&by.name), by.now).await? {
        tracing::debug!(assignee = other.handling.assignee, "taken over beside its assignee");
    }
    let saved = team::hand_over(store, user, &alert.id).await?;
    let result = json!({"status": "taken_over", "alert_id": alert.id, "marked": saved});
    by.record(store, "take_over", arguments, AuditPhase::Finished, result).await?;
    Ok(Outcome::Taken)
}

/// Queues a text of the team for the customer of a conversation that was taken over.
pub(super) async fn reply(store: &dyn Store, by: &By, user: &UserId, text: &str) -> Result<Outcome> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_TEXT {
        return Ok(Outcome::Empty);
    }
    let Some(alert) = store.pending_alert(user).await? else { return Ok(Outcome::Bot) };
    let arguments = json!({"user_id": user, "characters": text.chars().count()});
    by.record(store, "reply", arguments.clone(), AuditPhase::Started, Value::Null).await?;
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
            at: by.now,
            turn,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let outgoing = Outgoing::text(user.clone(), turn, 0, text, by.now);
        if store.save_reply(&conversation, &said, &outgoing).await? {
            outcome = Outcome::Queued;
            break;
        }
    }
    let result = json!({"status": outcome.word(), "turn": turn});
    by.record(store, "reply", arguments, AuditPhase::Finished, result).await?;
    Ok(outcome)
}

/// Gives a conversation back to the bot: its pending alert is settled.
pub(super) async fn give_back(store: &dyn Store, by: &By, user: &UserId, note: &str) -> Result<Outcome> {
    match store.pending_alert(user).await? {
        Some(alert) if team::settle(store, by, &alert.id, note).await? => Ok(Outcome::Returned),
        _ => Ok(Outcome::Gone),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::domain::outgoing::Delivery;
    use crate::store::sqlite::SqliteStore;
    use crate::store::{Alerts as _, Audit as _, Conversations as _, Outbox as _, Transcript as _};

    #[tokio::test]
    async fn a_conversation_is_taken_over_answered_and_given_back() {
        let store = SqliteStore::scratch().unwrap();
        let user = UserId::new("919876500001");
        let by = By { name: "desk".to_owned(), now: Timestamp::from_second(1_750_000_000).unwrap() };
        assert_eq!(reply(&store, &by, &user, "hello").await.unwrap(), Outcome::Bot, "the bot has it");
        let mut conversation = Conversation::new(user.clone());
        conversation.turn = 4;
        assert!(store.save_conversation(&conversation).await.unwrap());
        assert_eq!(take_over(&store, &by, &user).await.unwrap(), Outcome::Taken);
        let alert = store.pending_alert(&user).await.unwrap().unwrap();
        assert_eq!(take_over(&store, &by, &user).await.unwrap(), Outcome::Taken);
        assert_eq!(store.pending_alert(&user).await.unwrap().unwrap().id, alert.id, "once");
        assert_eq!(reply(&store, &by, &user, "  ").await.unwrap(), Outcome::Empty);
        assert_eq!(reply(&store, &by, &user, &"x".repeat(4_097)).await.unwrap(), Outcome::Empty);
        assert_eq!(reply(&store, &by, &user, " A person here. ").await.unwrap(), Outcome::Queued);
        let sent = store.outgoing_of(&user, 9).await.unwrap();
        assert_eq!((sent.len(), sent[0].turn, sent[0].state), (1, 5, Delivery::Queued));
        assert_eq!(store.recent_messages(&user, 9).await.unwrap()[0].role, Role::Agent);
        let kept = store.conversation(&user).await.unwrap().unwrap();
        assert_eq!((kept.turn, kept.mode), (5, Mode::HandedOver { alert_id: alert.id.clone() }));
        assert_eq!(give_back(&store, &by, &user, "done").await.unwrap(), Outcome::Returned);
        assert_eq!(give_back(&store, &by, &user, "done").await.unwrap(), Outcome::Gone);
        let check = store.check_audit().await.unwrap();
        assert_eq!((check.entries, check.broken), (8, None), "each change before and after");
        let entries = store.audit_entries(1, 99).await.unwrap();
        assert!(!entries.iter().any(|entry| entry.content.contains("A person here")), "no message text");
    }
}

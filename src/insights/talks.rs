//! Decides what is shown of conversations: the list of them, and one with all that was said, sent and called in it.
//!
//! It must never change anything, nor show what belongs to another customer.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::domain::alert::Alert;
use crate::domain::audit::AuditRecord;
use crate::domain::conversation::Conversation;
use crate::domain::correction::Correction;
use crate::domain::ids::UserId;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::outgoing::Outgoing;
use crate::store::{Result, Search, Store, Talk};

/// Messages of a conversation that are shown.
const MOST_MESSAGES: u32 = 200;
/// Entries of the audit trail that are looked through for the calls of a conversation.
pub(crate) const MOST_ENTRIES: u32 = 5_000;
/// How long after a customer's message the shop may write freely, by the channel's rule.
const FREE_TO_WRITE: SignedDuration = SignedDuration::from_hours(24);

/// Conversations that fit, the latest first; and the moment before which messages were not looked through, if any.
///
/// # Errors
/// When the store fails.
pub async fn talks(store: &dyn Store, search: &Search, limit: u32) -> Result<(Vec<Talk>, Option<Timestamp>)> {
    let found = store.find_talks(search, limit, store.depth()).await?;
    Ok((store.talks_of(&found.users).await?, found.unsearched_before))
}

/// One turn of a conversation.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its number.
    pub number: u64,
    /// What was said in it, in order.
    pub said: Vec<ChatMessage>,
    /// The messages to the customer, with how far they are.
    pub sent: Vec<Outgoing>,
    /// The calls of tools that ended between its first message and the next turn.
    pub calls: Vec<AuditRecord>,
}

/// One conversation.
#[derive(Debug, Clone)]
pub struct TalkView {
    /// Whose.
    pub user_id: UserId,
    /// What is remembered of it.
    pub conversation: Option<Conversation>,
    /// The pending request for a person.
    pub alert: Option<Alert>,
    /// What people corrected of it.
    pub corrections: Vec<Correction>,
    /// Its turns, the oldest first.
    pub turns: Vec<Turn>,
    /// Until when the shop may write freely; `None` where the customer never wrote.
    pub free_until: Option<Timestamp>,
}

/// A conversation with its last messages; `None` where nothing is kept of the customer.
///
/// # Errors
/// When the store fails.
pub async fn view(store: &dyn Store, user: &UserId) -> Result<Option<TalkView>> {
    let (said, sent, conversation, alert, corrections, end) = futures_util::try_join!(
        store.recent_messages(user, MOST_MESSAGES),
        store.outgoing_of(user, MOST_MESSAGES),
        store.conversation(user),
        store.pending_alert(user),
        store.corrections_of(user),
        store.audit_length()
    )?;
    if said.is_empty() && conversation.is_none() && alert.is_none() {
        return Ok(None);
    }
    let from = end.saturating_sub(u64::from(MOST_ENTRIES)) + 1;
    let entries = store.audit_entries(from, MOST_ENTRIES).await?;
    let actor = format!("customer:{user}");
    let calls: Vec<AuditRecord> = entries
        .iter()
        // Reading JSON costs far more than looking for a word.
        .filter(|entry| entry.content.contains(user.as_str()))
        .filter_map(|entry| entry.record())
        .filter(|record| record.actor == actor && !record.result.is_null())
        .collect();
    let free_until = said.iter().rev().find(|message| message.role == Role::User).map(|message| message.at);
    let free_until = free_until.and_then(|at| at.checked_add(FREE_TO_WRITE).ok());
    Ok(Some(TalkView {
        user_id: user.clone(),
        conversation,
        alert,
        corrections,
        turns: turns(said, sent, calls),
        free_until,
    }))
}

fn turns(said: Vec<ChatMessage>, sent: Vec<Outgoing>, calls: Vec<AuditRecord>) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for message in said {
        match turns.last_mut() {
            Some(turn) if turn.number == message.turn => turn.said.push(message),
            _ => turns.push(Turn { number: message.turn, said: vec![message], sent: Vec::new(), calls: Vec::new() }),
        }
    }
    let places: BTreeMap<u64, usize> = turns.iter().enumerate().map(|(index, turn)| (turn.number, index)).collect();
    for message in sent {
        if let Some(index) = places.get(&message.turn) {
            turns[*index].sent.push(message);
        }
    }
    for call in calls {
        let begun = |turn: &Turn| turn.said.first().is_some_and(|first| first.at <= call.at);
        if let Some(turn) = turns.iter_mut().rev().find(|turn| begun(turn)) {
            turn.calls.push(call);
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::audit::AuditPhase;
    use crate::domain::message::Basis;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn calls_and_messages_come_to_their_turns() {
        let said = |turn, second| ChatMessage {
            user_id: UserId::new("1"),
            role: Role::User,
            text: "hello".to_owned(),
            at: at(second),
            turn,
            intent: None,
            sentiment: None,
            response_ms: None,
            basis: Basis::default(),
        };
        let call = |second| AuditRecord {
            at: at(second),
            actor: "customer:1".to_owned(),
            action: "query_order_database".to_owned(),
            phase: AuditPhase::Finished,
            arguments: json!({}),
            result: json!({"error": "no such order"}),
        };
        let sent = vec![
            Outgoing::text(UserId::new("1"), 2, 0, "hi", at(25)),
            Outgoing::text(UserId::new("1"), 9, 0, "?", at(25)),
        ];
        let turns =
            turns(vec![said(1, 10), said(1, 11), said(2, 20)], sent, vec![call(5), call(12), call(21), call(99)]);
        let shape: Vec<_> =
            turns.iter().map(|turn| (turn.number, turn.said.len(), turn.sent.len(), turn.calls.len())).collect();
        assert_eq!(shape, [(1, 2, 0, 1), (2, 1, 1, 2)]);
    }
}

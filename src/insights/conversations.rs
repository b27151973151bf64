//! The list of conversations, and one conversation with its messages and tool calls.

use std::collections::BTreeMap;

use crate::domain::alert::Alert;
use crate::domain::audit::{AuditEntry, AuditRecord};
use crate::domain::conversation::Conversation;
use crate::domain::correction::Correction;
use crate::domain::ids::UserId;
use crate::domain::message::ChatMessage;
use crate::domain::outgoing::Outgoing;
use crate::domain::sendable::Contact;
use crate::store::{Result, Store};

/// The most messages of a conversation that are shown.
pub const MAX_MESSAGES: u32 = 200;
/// Entries of the audit trail that are searched for the calls of a conversation.
pub(crate) const MAX_ENTRIES: u32 = 5_000;

/// One turn of a conversation.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its number.
    pub number: u64,
    /// Its messages, in order.
    pub said: Vec<ChatMessage>,
    /// The messages to the customer, with their delivery state.
    pub sent: Vec<Outgoing>,
    /// The calls of tools that ended between its first message and the next turn.
    pub calls: Vec<AuditRecord>,
}

/// One conversation.
#[derive(Debug, Clone)]
pub struct ConversationView {
    /// The customer.
    pub user_id: UserId,
    /// Its state.
    pub conversation: Option<Conversation>,
    /// The pending request for a person.
    pub alert: Option<Alert>,
    /// Corrected labels of its messages.
    pub corrections: Vec<Correction>,
    /// Its turns, the oldest first.
    pub turns: Vec<Turn>,
    /// When the customer wrote last, and which messages they want.
    pub contact: Contact,
    /// How many messages to the customer were not delivered.
    pub undelivered: u64,
    /// Whether there are earlier messages than these.
    pub earlier: bool,
}

/// A conversation with a page of its messages, the first being the latest; `None` where nothing is stored of the customer.
///
/// # Errors
/// When the store fails.
pub async fn view(store: &dyn Store, user: &UserId, page: u32) -> Result<Option<ConversationView>> {
    let reach = MAX_MESSAGES.saturating_mul(page.max(1));
    let (mut said, sent, conversation, alert, corrections, end, contact, undelivered) = futures_util::try_join!(
        store.recent_messages(user, reach.saturating_add(1)),
        store.outgoing_of(user, reach),
        store.conversation(user),
        store.pending_alert(user),
        store.corrections_of(user),
        store.audit_length(),
        store.contact(user),
        store.undelivered(user)
    )?;
    if said.is_empty() && conversation.is_none() && alert.is_none() {
        return Ok(None);
    }
    let earlier = said.len() > reach as usize;
    // Of the messages as far back as the page reaches, the oldest are its own.
    said.drain(..usize::from(earlier));
    let later = (reach - MAX_MESSAGES) as usize;
    said.truncate(said.len().saturating_sub(later));
    let from = end.saturating_sub(u64::from(MAX_ENTRIES)) + 1;
    let entries = store.audit_entries(from, MAX_ENTRIES).await?;
    let actor = crate::domain::caller::actor_of(user);
    let calls: Vec<AuditRecord> = entries
        .iter()
        // Parsing JSON is far more expensive than a substring search.
        .filter(|entry| entry.content.contains(user.as_str()))
        .filter_map(AuditEntry::record)
        .filter(|record| record.actor == actor && !record.result.is_null())
        .collect();
    Ok(Some(ConversationView {
        user_id: user.clone(),
        conversation,
        alert,
        corrections,
        turns: turns(said, sent, calls),
        contact,
        undelivered,
        earlier,
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
    let indexes: BTreeMap<u64, usize> = turns.iter().enumerate().map(|(index, turn)| (turn.number, index)).collect();
    for message in sent {
        if let Some(index) = indexes.get(&message.turn) {
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
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;
    use crate::domain::audit::AuditPhase;
    use crate::domain::message::{Basis, Role};

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
        let elements: Vec<_> =
            turns.iter().map(|turn| (turn.number, turn.said.len(), turn.sent.len(), turn.calls.len())).collect();
        assert_eq!(elements, [(1, 2, 0, 1), (2, 1, 1, 2)]);
    }
}

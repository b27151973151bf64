//! The transcript and the state of conversations. A conversation is saved only over the version that was loaded.

use async_trait::async_trait;
use rusqlite::{Connection, Row, params};

use super::super::{Conversations, Result, Transcript};
use super::{BackendError, SqliteStore, count, int, micros, outbox, timestamp};
use crate::domain::conversation::Conversation;
use crate::domain::ids::UserId;
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::outgoing::Outgoing;

/// The columns that [`read_message`] reads.
pub(super) const COLUMNS: &str = "user_id, role, text, at, turn, intent, sentiment, response_ms, intent_confidence,
    sentiment_confidence, reused, degraded";

pub(super) fn read_message(row: &Row<'_>) -> std::result::Result<ChatMessage, BackendError> {
    let role: String = row.get(1)?;
    Ok(ChatMessage {
        user_id: UserId::new(row.get::<_, String>(0)?),
        role: Role::parse(&role).ok_or_else(|| BackendError::Content(format!("“{role}” is no role in a chat")))?,
        text: row.get(2)?,
        at: timestamp(row.get(3)?)?,
        turn: count(row.get(4)?)?,
        intent: row.get(5)?,
        sentiment: row.get(6)?,
        response_ms: row.get::<_, Option<i64>>(7)?.map(count).transpose()?,
        basis: Basis {
            intent_confidence: row.get(8)?,
            sentiment_confidence: row.get(9)?,
            reused: row.get(10)?,
            degraded: row.get(11)?,
        },
    })
}

/// Adds messages to the transcript.
pub(super) fn insert(connection: &Connection, messages: &[ChatMessage]) -> std::result::Result<(), BackendError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO chats (user_id, role, text, at, turn, intent, sentiment, response_ms, intent_confidence,
             sentiment_confidence, reused, degraded)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for message in messages {
        statement.execute(params![
            message.user_id.as_str(),
            message.role.as_str(),
            message.text,
            micros(message.at),
            int(message.turn),
            message.intent,
            message.sentiment,
            message.response_ms.map(int),
            message.basis.intent_confidence,
            message.basis.sentiment_confidence,
            message.basis.reused,
            message.basis.degraded,
        ])?;
    }
    Ok(())
}

/// Saves a conversation with its next version; `false` where another writer saved it since it was loaded.
pub(super) fn save(connection: &Connection, conversation: &Conversation) -> std::result::Result<bool, BackendError> {
    let next = Conversation { version: conversation.version + 1, ..conversation.clone() };
    let document = serde_json::to_string(&next)
        .map_err(|error| BackendError::Content(format!("a conversation cannot be written: {error}")))?;
    let sql = if next.version == 1 {
        "INSERT INTO conversations (user_id, version, document) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING"
    } else {
        "UPDATE conversations SET version = ?2, document = ?3 WHERE user_id = ?1 AND version = ?2 - 1"
    };
    let changed =
        connection.prepare_cached(sql)?.execute(params![next.user_id.as_str(), int(next.version), document])?;
    Ok(changed == 1)
}

/// The conversation of a customer.
pub(super) fn conversation(
    connection: &Connection,
    user: &UserId,
) -> std::result::Result<Option<Conversation>, BackendError> {
    let mut statement = connection.prepare_cached("SELECT version, document FROM conversations WHERE user_id = ?1")?;
    let mut found = statement.query_and_then([user.as_str()], |row| {
        let document = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        let mut conversation: Conversation = serde_json::from_str(document)
            .map_err(|error| BackendError::Content(format!("a conversation cannot be read: {error}")))?;
        conversation.version = count(row.get(0)?)?;
        Ok(conversation)
    })?;
    found.next().transpose()
}

#[async_trait]
impl Transcript for SqliteStore {
    async fn append_messages(&self, messages: &[ChatMessage]) -> Result<()> {
        let messages = messages.to_vec();
        self.write("saving messages", move |connection| insert(connection, &messages)).await
    }

    async fn recent_messages(&self, user: &UserId, limit: u32) -> Result<Vec<ChatMessage>> {
        let user = user.clone();
        self.read("reading messages", move |connection| {
            let mut statement = connection
                .prepare_cached(&format!("SELECT {COLUMNS} FROM chats WHERE user_id = ?1 ORDER BY id DESC LIMIT ?2"))?;
            let mut messages: Vec<ChatMessage> = statement
                .query_and_then(params![user.as_str(), limit], read_message)?
                .collect::<std::result::Result<_, BackendError>>()?;
            messages.reverse();
            Ok(messages)
        })
        .await
    }
}

#[async_trait]
impl Conversations for SqliteStore {
    async fn conversation(&self, user: &UserId) -> Result<Option<Conversation>> {
        let user = user.clone();
        self.read("reading a conversation", move |connection| conversation(connection, &user)).await
    }

    async fn save_turn(&self, conversation: &Conversation, replies: &[ChatMessage]) -> Result<bool> {
        let (conversation, replies) = (conversation.clone(), replies.to_vec());
        self.write("saving a conversation", move |connection| {
            let saved = save(connection, &conversation)?;
            if saved {
                insert(connection, &replies)?;
            }
            Ok(saved)
        })
        .await
    }

    async fn save_reply(&self, conversation: &Conversation, said: &ChatMessage, outgoing: &Outgoing) -> Result<bool> {
        let (conversation, said, outgoing) = (conversation.clone(), said.clone(), outgoing.clone());
        let saved = self
            .write("saving a reply", move |connection| {
                let saved = save(connection, &conversation)?;
                if saved {
                    insert(connection, &[said])?;
                    outbox::insert(connection, &conversation.user_id, &[outgoing])?;
                }
                Ok(saved)
            })
            .await?;
        if saved {
            self.notifier.notify();
        }
        Ok(saved)
    }
}

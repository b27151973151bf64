//! Decides how a customer's messages become a turn: load, run the agent, keep what was said and remembered.
//!
//! It must never run the agent before the message is durable, nor send a reply that was overtaken by another writer.

use std::sync::Arc;

use jiff::Timestamp;

use crate::agent::{Agent, Incoming, TurnReport};
use crate::domain::conversation::Conversation;
use crate::domain::ids::UserId;
use crate::domain::message::{ChatMessage, Role};
use crate::store::{Store, StoreError};

/// How many earlier messages the model sees.
const HISTORY: u32 = 20;

/// Works turns off, one at a time for each customer.
#[derive(Clone)]
pub struct Worker {
    store: Arc<dyn Store>,
    agent: Agent,
}

impl Worker {
    /// A worker over a store.
    pub fn new(store: Arc<dyn Store>, agent: Agent) -> Self {
        Self { store, agent }
    }

    /// Runs a turn of a customer's conversation. The reply is `None` while a person answers, and when another writer
    /// changed the conversation meanwhile.
    ///
    /// # Errors
    /// When the store fails: the message is then either not kept at all, or kept without an answer.
    pub async fn take_turn(
        &self,
        user: &UserId,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<TurnReport, StoreError> {
        let stored = self.store.conversation(user).await?;
        let conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        let history = self.store.recent_messages(user, HISTORY).await?;
        let turn = conversation.turn + 1;
        let message = |role, text: &str| ChatMessage {
            user_id: user.clone(),
            role,
            text: text.to_owned(),
            at: now,
            turn,
            intent: None,
            sentiment: None,
            response_ms: None,
        };
        let said: Vec<ChatMessage> = incoming.texts.iter().map(|text| message(Role::User, text)).collect();
        self.store.append_messages(&said).await?;
        let mut report = self.agent.run(conversation, history, incoming, now).await;
        if !self.store.save_conversation(&report.conversation).await? {
            tracing::warn!(user = %user.masked(), turn, "the conversation changed meanwhile: the reply is dropped");
            report.reply = None;
            return Ok(report);
        }
        report.conversation.version += 1;
        if let Some(text) = &report.reply {
            let mut reply = message(Role::Assistant, text);
            reply.response_ms = u64::try_from(report.elapsed.as_millis()).ok();
            reply.intent = report.triage.as_ref().map(|triage| triage.intent.clone());
            reply.sentiment = report.triage.as_ref().map(|triage| triage.sentiment.clone());
            self.store.append_messages(&[reply]).await?;
        }
        Ok(report)
    }
}

#[cfg(test)]
mod tests;

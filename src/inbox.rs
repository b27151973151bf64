//! Decides how a customer's messages become a turn: load, run the agent, keep what was said and remembered.
//!
//! It must never run the agent before the message is durable, nor hand out a reply that is not kept with the state it
//! belongs to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::agent::{Agent, Incoming, TurnReport};
use crate::domain::conversation::Conversation;
use crate::domain::ids::UserId;
use crate::domain::message::{ChatMessage, Role};
use crate::store::{Store, StoreError};

/// How many earlier messages the model sees.
const HISTORY: u32 = 20;
/// How often a turn is run again after another process changed the conversation meanwhile.
const RERUNS: u32 = 3;

/// The turns that are being worked on, one lock for each customer.
type Turns = Mutex<HashMap<UserId, Arc<tokio::sync::Mutex<()>>>>;

/// Works turns off, one at a time for each customer.
#[derive(Clone)]
pub struct Worker {
    store: Arc<dyn Store>,
    agent: Agent,
    turns: Arc<Turns>,
}

impl Worker {
    /// A worker over a store.
    pub fn new(store: Arc<dyn Store>, agent: Agent) -> Self {
        Self { store, agent, turns: Arc::default() }
    }

    /// Runs a turn of a customer's conversation; another turn of the same customer waits for it. The reply is `None`
    /// while a person answers.
    ///
    /// When another process changed the conversation meanwhile, the turn runs again on what is there now. What the first
    /// run did stands, and a refund is paid once however often it runs.
    ///
    /// # Errors
    /// When the store fails: the message is then either not kept at all, or kept without an answer. Also when other
    /// processes kept changing the conversation.
    pub async fn take_turn(
        &self,
        user: &UserId,
        incoming: &Incoming,
        now: Timestamp,
    ) -> Result<TurnReport, StoreError> {
        let turns = self.turns_of(user);
        let _alone = turns.lock().await;
        let history = self.store.recent_messages(user, HISTORY).await?;
        let mut conversation = self.load(user).await?;
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
        for _ in 0..=RERUNS {
            let mut report = self.agent.run(conversation, history.clone(), incoming, now).await;
            let reply = report.reply.as_deref().map(|text| ChatMessage {
                response_ms: u64::try_from(report.elapsed.as_millis()).ok(),
                intent: report.triage.as_ref().map(|triage| triage.intent.clone()),
                sentiment: report.triage.as_ref().map(|triage| triage.sentiment.clone()),
                ..message(Role::Assistant, text)
            });
            if self.store.save_turn(&report.conversation, reply.as_slice()).await? {
                report.conversation.version += 1;
                return Ok(report);
            }
            tracing::warn!(user = %user.masked(), turn, "the conversation changed meanwhile: the turn runs again");
            conversation = self.load(user).await?;
        }
        Err(StoreError::Backend {
            doing: "saving a conversation",
            reason: "other processes kept changing it".to_owned(),
        })
    }

    async fn load(&self, user: &UserId) -> Result<Conversation, StoreError> {
        let stored = self.store.conversation(user).await?;
        let mut conversation = stored.unwrap_or_else(|| Conversation::new(user.clone()));
        let alert = self.store.pending_alert(user).await?;
        conversation.follow_alert(alert.as_ref().map(|alert| &alert.id));
        Ok(conversation)
    }

    fn turns_of(&self, user: &UserId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        // A lock that only this table holds is nobody's.
        turns.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(turns.entry(user.clone()).or_default())
    }
}

#[cfg(test)]
mod tests;

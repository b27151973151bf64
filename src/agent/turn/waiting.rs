//! A message of a customer who waits for a person.

use super::{Answerer, DANGER, Effect, Turn};
use crate::domain::conversation::Triage;
use crate::domain::topic;

/// From this confidence on a message of a customer who waits for a person may be about something else.
const SURE: f64 = 0.8;

impl Turn {
    /// Whether a customer who was promised a person writes again after a long wait in which nobody took the matter up.
    pub(super) fn waits_too_long(&self) -> bool {
        let since = self.conversation.waiting_since.filter(|_| !self.conversation.claimed);
        since.is_some_and(|since| self.now.duration_since(since) >= self.settings.remind)
    }

    /// A message of a customer who waits for a person: danger is answered whoever works on the matter, another subject where
    /// nobody does yet. What is said about the matter itself is the team's to answer.
    pub(super) fn triaged_while_waiting(&mut self, triage: Option<Triage>) -> Vec<Effect> {
        let Some(triage) = triage else { return vec![Effect::StaySilent] };
        if triage.urgency == DANGER {
            if self.conversation.warned {
                return vec![Effect::StaySilent];
            }
            self.conversation.triage = Some(triage);
            return self.warn_of_danger();
        }
        if self.conversation.claimed || self.foreign.is_some() || !self.is_another_subject(&triage) {
            return vec![Effect::StaySilent];
        }
        self.conversation.triage = Some(triage);
        self.answerer = Answerer::Playbook;
        vec![self.ask()]
    }

    /// Whether a message is surely about something else than what a person was asked in for: of another intent, or of an order
    /// that was not shown yet.
    pub(super) fn is_another_subject(&self, triage: &Triage) -> bool {
        let asks = match triage.intent.as_str() {
            topic::intent::FEEDBACK | topic::intent::HUMAN => false,
            topic::intent::OTHER => {
                let idle = ["", "greeting", "thanks", "goodbye", "chit_chat", "answer", "out_of_scope"];
                !idle.contains(&triage.topic.as_str())
            }
            _ => true,
        };
        let elsewhere = self.conversation.triage.as_ref().is_some_and(|earlier| earlier.intent != triage.intent);
        let another_order = self.named_orders.iter().any(|id| !self.conversation.known.orders.contains(id));
        asks && triage.intent_confidence >= SURE && (elsewhere || another_order)
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;

//! A message of a customer who waits for a person.

use super::{Answerer, Effect, Turn};
use crate::domain::conversation::Triage;
use crate::domain::topic;
use crate::support::handoff;

/// From this confidence on a message of a customer who waits for a person may be about something else.
const SURE: f64 = 0.8;

impl Turn {
    /// A message of a customer who waits for a person: danger is answered whoever works on the matter, another subject where
    /// nobody does yet. What is said about the matter itself is the team's to answer; after a long wait the customer is told that
    /// nobody has answered yet.
    pub(super) fn triaged_while_waiting(&mut self, triage: Option<Triage>) -> Vec<Effect> {
        let danger = self.is_in_danger(triage.as_ref());
        if danger && !self.conversation.warned.danger {
            return self.warn_of_danger(triage);
        }
        if self.conversation.claimed {
            return vec![Effect::StaySilent];
        }
        if let Some(triage) = triage.filter(|triage| !danger && self.is_another_subject(triage)) {
            self.conversation.triage = Some(triage);
            self.answerer = Answerer::Playbook;
            return vec![self.ask()];
        }
        match self.conversation.waits_in_vain(self.now, self.settings.remind) {
            Some(waited) => {
                self.reminding = true;
                self.ask_for_person(&handoff::waited(waited), "high")
            }
            None => vec![Effect::StaySilent],
        }
    }

    /// Whether a message is surely about something else than what a person was asked in for: of another intent, or of an order
    /// that was not shown yet.
    fn is_another_subject(&self, triage: &Triage) -> bool {
        // Where the team took over by itself, it answers everything.
        let Some(matter) = &self.conversation.handed_over_for else { return false };
        if self.foreign.is_some() || triage.intent_confidence < SURE {
            return false;
        }
        let asks = match triage.intent.as_str() {
            topic::intent::FEEDBACK | topic::intent::HUMAN => false,
            topic::intent::OTHER => {
                let idle = ["", "greeting", "thanks", "goodbye", "chit_chat", "answer", "out_of_scope"];
                !idle.contains(&triage.topic.as_str())
            }
            _ => true,
        };
        let elsewhere = *matter != triage.intent;
        let another_order = self.named_orders.iter().any(|id| !self.conversation.known.orders.contains(id));
        asks && (elsewhere || another_order)
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;

//! What a turn begins with: what was written, spoken, pressed, given and shown.
//!
//! It must never take what is shown for what is said.

use super::Turn;
use crate::domain::caller::Caller;
use crate::domain::consent::{LiveOffers, Manner, Press, Said};
use crate::domain::conversation::Fault;
use crate::domain::ids::OrderId;
use crate::domain::inbound::Given;
use crate::llm::playbook::fault_told;

/// The customer's messages of one turn.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// What was written, in order, without what it quotes of others; a burst is one turn.
    pub texts: Vec<String>,
    /// What a pressed button says; of several, the last.
    pub pressed: Option<Press>,
    /// What is known of the messages beside their words.
    pub said: Vec<Said>,
    /// What was given that is no words; of several, the last.
    pub given: Option<Given>,
    /// Everything that was sent, words or not, as the team reads it, in order: what an alert quotes, and is known again by.
    pub sent: Vec<String>,
    /// The orders of the photos, of late, that may show what is wrong; none for a photo that is with no order yet.
    pub photos: Vec<Option<OrderId>>,
    /// What stands on pictures that the customer sent lately and may name an order: it is asked about, and names none.
    pub seen: Vec<String>,
    /// The orders of the messages that these reply to.
    pub about: Vec<OrderId>,
    /// The offers that the customer can agree to.
    pub offers: Option<LiveOffers>,
}

impl Incoming {
    /// A written text.
    pub fn typed(text: impl Into<String>) -> Self {
        Self { texts: vec![text.into()], ..Self::default() }
    }

    /// The same text on a button that was pressed.
    #[must_use]
    pub fn pressing(self, press: Press) -> Self {
        Self { pressed: Some(press), ..self }
    }

    /// Whether all of it is the customer's own answer to what was said here.
    pub fn is_answer(&self) -> bool {
        self.said.iter().all(|said| said.manner.is_answer())
    }

    /// Whether all of it is the customer's own word on what was said here, and some of it was spoken: that agrees to nothing, and
    /// answers a question all the same.
    pub fn is_by_voice(&self) -> bool {
        let own = |said: &Said| said.manner.is_answer() || said.manner == Manner::ByVoice;
        self.said.iter().all(own) && self.said.iter().any(|said| said.manner == Manner::ByVoice)
    }

    /// Whether there is nothing but what was given.
    pub fn is_given_alone(&self) -> bool {
        self.texts.is_empty() && self.given.is_some()
    }

    /// The turn's messages as one text.
    pub fn text(&self) -> String {
        self.texts.join("\n")
    }

    /// The turn's messages as the team reads them.
    pub fn sent_text(&self) -> String {
        if !self.sent.is_empty() {
            return self.sent.join("\n");
        }
        let given = self.given.as_ref().map(Given::transcript_text);
        self.texts.iter().cloned().chain(given).collect::<Vec<_>>().join("\n")
    }
}

impl Turn {
    pub(super) fn is_given_alone(&self) -> bool {
        self.text.is_empty() && self.given.is_some()
    }

    /// Remembers what the customer says is wrong, where that has to be shown; `fresh`: this message was read by the model.
    pub(super) fn note_fault(&mut self, fresh: bool) {
        if self.settings.needs_photo.is_empty() {
            return;
        }
        let topic = self.conversation.triage.as_ref().filter(|_| fresh).map(|triage| triage.topic.as_str());
        let told = fault_told(topic.unwrap_or_default(), &self.text);
        self.conversation.note_fault(told, &self.named_orders);
        let has_to_be_shown = |fault: &&Fault| self.settings.needs_photo.contains(&fault.what);
        let faults = self.conversation.faults.iter().filter(has_to_be_shown).map(|fault| fault.order.clone()).collect();
        if let Caller::Customer(customer) = &mut self.caller {
            customer.showing.faults = faults;
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::super::{DANGER, Effect, Event, Settings};
    use super::*;
    use crate::agent::guard::ShopTexts;
    use crate::domain::conversation::{Conversation, Triage};
    use crate::domain::ids::{IdPatterns, UserId};
    use crate::domain::opening_hours::OpeningHours;

    #[test]
    fn what_was_read_before_says_nothing_of_what_is_given_without_a_word() {
        let settings = Settings {
            patterns: IdPatterns::default(),
            gap: SignedDuration::from_hours(24),
            remind: SignedDuration::from_hours(4),
            hours: OpeningHours::default(),
            money: crate::domain::currency::ShopMoney::default(),
            shop_texts: ShopTexts::default(),
            needs_photo: Vec::new(),
        };
        let now: Timestamp = "2026-06-01T10:00:00Z".parse().unwrap();
        let mut conversation = Conversation::new(UserId::new("a"));
        let read = Triage { urgency: DANGER.to_owned(), topic: "allergy".to_owned(), at: now, ..Triage::default() };
        conversation.triage = Some(read);
        let given = Incoming { given: Some(Given::Place("12 Lake Road".to_owned())), ..Incoming::default() };
        let mut turn = Turn::new(settings.clone(), conversation.clone(), &given, now);
        assert!(matches!(turn.handle(Event::Start)[..], [Effect::AskModel(_)]));
        let facts = turn.facts();
        assert_eq!((facts.triage.urgency.as_str(), facts.triage.topic.as_str()), ("", ""));
        let written = Turn::new(settings, conversation, &Incoming::typed("ok"), now);
        assert_eq!(written.facts().triage.urgency, DANGER, "of the words that were read");
    }
}

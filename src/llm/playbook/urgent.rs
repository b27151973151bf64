//! When a person is brought in, and how: for danger and law at once, otherwise where nothing helps once more.
//!
//! It must never say that a person was asked for where no result says so.

use std::fmt::Write as _;

use jiff::SignedDuration;
use serde_json::json;

use super::matchers;
use super::notes::say;
use super::plan::{Plan, Step};
use super::results;
use super::said::Said;
use crate::domain::danger::{self, Told};
use crate::domain::ids::OrderId;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::sentences::{Language, choices, feedback, handoff, join, orders};
use crate::domain::topic;
use crate::domain::wish::Wish;
use crate::domain::words::excerpt;
use crate::llm::{ChatReply, Notes};
use crate::tools::HUMAN;

/// From this confidence on a word of harm is a figure of speech, where the model reads no urgency.
const SURELY_HARMLESS: f64 = 0.85;
/// Earlier replies that a new one is compared with.
const LOOK_BACK: usize = 6;
/// What was said longer ago is said anew.
const SAID_LATELY: SignedDuration = SignedDuration::from_hours(12);

impl Plan<'_> {
    /// What brings a person in whatever else is open.
    pub(super) fn at_once(&mut self) -> Step<Option<ChatReply>> {
        let (language, text) = (self.language(), self.text());
        if self.own == Wish::Danger || danger::told(text) == Told::Surely {
            let lead = choices::danger(language);
            return self.hand_over(lead, "Somebody may be in danger", "high").map(Some);
        }
        if Said::is_foreign(text) {
            // What cannot be read may be urgent; what names an order is about that.
            let priority = if self.facts.named_orders.is_empty() { "high" } else { "medium" };
            let why = "A message in a language that the program does not read";
            return self.hand_over(choices::unread(), why, priority).map(Some);
        }
        if self.fresh() && self.own == Wish::Fraud {
            let lead = choices::fraud(language);
            return self.hand_over(lead, "The customer tells of a fraud", "high").map(Some);
        }
        // A shop may sell what else harms: “where is my razor” can wait.
        if (topic::is_critical(text) && !self.is_surely_harmless())
            || self.own == Wish::Serious
            || (self.negative() && !self.reads_urgency() && topic::is_serious(text))
        {
            return self.request_handoff("A serious matter: harm, health, law or fraud", "high").map(Some);
        }
        let asks_for_person = self.fresh() && self.own == Wish::Human && matchers::small_talk(text).is_none();
        if asks_for_person || matchers::asks_for_person(text) {
            let priority = if self.negative() { "high" } else { "medium" };
            return self.request_handoff("The customer asks for a person", priority).map(Some);
        }
        if self.fresh() && self.own == Wish::Conduct {
            let lead = choices::conduct(language);
            return self.hand_over(lead, "A complaint about how somebody behaved", "medium").map(Some);
        }
        let complex = !self.reads_urgency() && topic::is_complex(text);
        if self.very_negative() && (complex || self.conversation().failures >= 2) {
            return self.request_handoff("A very upset customer with a complex issue", "high").map(Some);
        }
        Ok(None)
    }

    /// Whether the model tells what is urgent: then words alone do not.
    fn reads_urgency(&self) -> bool {
        self.fresh() && !self.facts.triage.urgency.is_empty()
    }

    /// Whether the model is sure that the message can wait.
    fn is_surely_harmless(&self) -> bool {
        let triage = &self.facts.triage;
        // Of the 23 dangers told in Arabic among the validation rows the model calls 12: there the words decide.
        self.language() != Language::Arabic
            && self.reads_urgency()
            && triage.urgency == "normal"
            && triage.urgency_confidence >= SURELY_HARMLESS
    }

    /// The reply, unless the customer has read the same twice already: then a person is brought in.
    pub(super) fn unless_said_before(&mut self, reply: ChatReply) -> Step<ChatReply> {
        let now = self.conversation().last_message_at;
        let recent = |message: &&ChatMessage| now.is_none_or(|now| now.duration_since(message.at) < SAID_LATELY);
        let replies = self.history.iter().rev().filter(|message| message.role == Role::Assistant);
        let earlier = replies.take(LOOK_BACK).take_while(recent);
        let said = earlier.filter(|message| message.text.trim() == reply.text.trim()).count();
        if said < 2 || !self.has_missed(u32::try_from(said).unwrap_or(u32::MAX)) {
            return Ok(reply);
        }
        if self.is_talk {
            let text = join([reply.text.as_str(), choices::once_more(self.language())]);
            return Ok(ChatReply { text, ..reply });
        }
        self.request_handoff("The bot would say the same for the third time", "medium")
    }

    /// The reply when a tool failed: that is not the same as “not found”. `lead`: what the turn has to tell all the same.
    pub(super) fn records_unavailable(&mut self, lead: &str) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.settings.failures {
            return self.hand_over(lead, "The records could not be reached", "high");
        }
        let unavailable = orders::records_unavailable(self.language());
        let text = if lead.is_empty() { unavailable.to_owned() } else { format!("{lead}\n{unavailable}") };
        Ok(say(&text, self.notes(self.conversation().waiting_for, true)))
    }

    /// Whether a person is brought in because once more nothing helped: one reply before a customer who cannot name an order
    /// gets one (`[escalation] failures`), by default at the second. `before`: how often nothing helped, where that is known from
    /// what was asked rather than counted.
    pub(super) fn has_missed(&self, before: u32) -> bool {
        let set = self.settings.failures;
        self.conversation().failures.max(before).saturating_add(1) >= set.saturating_sub(1).max(2).min(set)
    }

    /// Brings a person in.
    pub(super) fn request_handoff(&mut self, why: &str, priority: &str) -> Step<ChatReply> {
        let sorry = if self.negative() { feedback::sorry_about_trouble(self.language()) } else { "" };
        self.hand_over(sorry, why, priority)
    }

    /// Brings a person in, after a sentence about what happened.
    pub(super) fn hand_over(&mut self, lead: &str, why: &str, priority: &str) -> Step<ChatReply> {
        let mut known: Vec<&OrderId> = self.conversation().order_ids.iter().collect();
        known.extend(self.about.iter().filter(|id| !self.conversation().order_ids.contains(id)));
        let known = known.into_iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut reason = why.to_owned();
        if let Some(pending) = &self.conversation().pending {
            let _ = write!(reason, " (open: {}: “{}”)", pending.intent, excerpt(&pending.reason, 120));
        }
        if !known.is_empty() {
            let _ = write!(reason, "; orders: {}", known.join(", "));
        }
        let arguments = json!({
            "user_id": self.conversation().user_id.as_str(),
            "reason": reason,
            "last_message": excerpt(self.text(), 500),
            "priority": priority,
        });
        let result = self.tool(HUMAN, arguments)?;
        let language = self.language();
        let text = if results::field(result, "status") == "success" {
            self.is_handed_over = true;
            join([lead, handoff::done(language)])
        } else {
            join([lead, handoff::failed(language)])
        };
        Ok(say(&text, Notes::default()))
    }
}

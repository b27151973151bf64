//! The state of a conversation between two messages: one document that holds everything needed to continue after a
//! restart.

mod known;
mod offer;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::ids::{AlertId, OrderId, OrderNames, UserId};
use super::sentences::Language;
use super::wish::Wish;
pub use known::{Known, OrderAmount, PaidRefund};
pub use offer::{MessagePlace, Offer};

/// The state of one customer's conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// The customer.
    pub user_id: UserId,
    /// Turns so far; during a turn, its number.
    pub turn: u64,
    /// Who answers.
    pub mode: Mode,
    /// The language that it is held in; none where it is not known yet, or is one that the program does not write.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "known_language")]
    pub language: Option<Language>,
    /// The last triage.
    #[serde(default)]
    pub triage: Option<Triage>,
    /// When the customer wrote last.
    #[serde(default)]
    pub last_message_at: Option<Timestamp>,
    /// What the last reply asked for.
    #[serde(default)]
    pub waiting_for: WaitingFor,
    /// What the customer wants done, while something is still missing.
    #[serde(default)]
    pub pending: Option<Pending>,
    /// The orders named so far, the most recent last.
    #[serde(default)]
    pub order_ids: Vec<OrderId>,
    /// By which names the customer calls orders that have another id.
    #[serde(default, skip_serializing_if = "OrderNames::is_empty")]
    pub names: OrderNames,
    /// The orders of which the last reply asked whether one of them is meant, the likeliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suggested: Vec<OrderId>,
    /// The customer identifiers written so far.
    #[serde(default)]
    pub customer_ids: Vec<String>,
    /// The quotes that the last reply offered.
    #[serde(default)]
    pub offered: Vec<Offer>,
    /// Replies in a row that did not help.
    #[serde(default)]
    pub failures: u32,
    /// What the customer says is wrong with what came, where a photo of something is needed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// Since when the customer waits for a person to be heard of, or was told so again; none while the bot answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// What the customer was warned of since a person was asked for: once is enough.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub warned: Warned,
    /// The intent of the message for which a person was asked in; none where the team took over by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over_for: Option<String>,
    /// Whether somebody of the team works on the alert and has been heard of lately: then the bot answers nothing, and warns
    /// only of danger and fraud.
    #[serde(skip)]
    pub claimed: bool,
    /// What tool results have shown so far: the only amounts and claims a reply may contain.
    #[serde(default)]
    pub known: Known,
    /// Incremented by every save; a save of an older version is refused.
    #[serde(default)]
    pub version: u64,
}

/// A language by its code. One that a later version wrote is none: the conversation goes on in English.
fn known_language<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Language>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.as_deref().and_then(Language::parse))
}

/// Something that is wrong with what came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The order; none where it is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// What is wrong.
    pub what: Wish,
}

/// What a customer who waits for a person was warned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Warned {
    /// Somebody's body or safety.
    pub danger: bool,
    /// A fraud.
    pub fraud: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_nothing(warned: &Warned) -> bool {
    *warned == Warned::default()
}

/// Who answers the customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mode {
    /// The bot.
    #[default]
    Bot,
    /// A person, until the alert is resolved. The bot only warns of danger and fraud, answers another subject while nobody works
    /// on the alert, and says after a long wait that nobody has answered yet.
    HandedOver {
        /// The alert that asked for the person.
        alert_id: AlertId,
    },
}

/// What the last reply asked the customer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// Nothing.
    #[default]
    Nothing,
    /// An order id.
    OrderId,
    /// Which of the suggested orders is meant.
    WhichOrder,
    /// The customer id that goes with the order.
    CustomerId,
    /// Something that only the buyer of an order knows.
    Proof,
    /// A yes or no to what was offered.
    Consent,
    /// A yes or no to a person.
    Person,
    /// What is wrong, in the customer's words.
    Details,
    /// A photo of what is wrong.
    Photo,
}

/// A request of the customer that is not done yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pending {
    /// The intent it came from.
    pub intent: String,
    /// What the customer wrote, as the reason of a refund or an alert.
    pub reason: String,
    /// What exactly is wished, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wish: Option<Wish>,
    /// The orders that it is about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<OrderId>,
    /// The part of the order that it is about; empty: all of it, or not known yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Value>,
    /// The calls that were proposed to the customer: made again, with the same arguments, after a plain yes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<PendingCall>,
}

/// A call that waits for the customer's yes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCall {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
}

/// A stored triage result.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Triage {
    /// What the customer wants.
    pub intent: String,
    /// From 0 to 1.
    pub intent_confidence: f64,
    /// How the customer sounds.
    pub sentiment: String,
    /// From 0 to 1.
    pub sentiment_confidence: f64,
    /// What exactly the message is about; empty where the model does not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    /// From 0 to 1.
    #[serde(default)]
    pub topic_confidence: f64,
    /// Whether it can wait; empty where the model does not tell.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub urgency: String,
    /// From 0 to 1.
    #[serde(default)]
    pub urgency_confidence: f64,
    /// When it was made.
    pub at: Timestamp,
}

/// Why triage ran for a message, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriageCause {
    /// There is no stored result.
    FirstMessage,
    /// The customer was silent for long.
    Gap,
    /// The message is about another topic.
    TopicChange,
    /// The stored result still holds.
    Cached,
}

impl Conversation {
    /// A conversation before its first message.
    pub fn new(user_id: UserId) -> Self {
        Self {
            user_id,
            turn: 0,
            mode: Mode::Bot,
            language: None,
            triage: None,
            last_message_at: None,
            waiting_for: WaitingFor::Nothing,
            pending: None,
            order_ids: Vec::new(),
            names: OrderNames::default(),
            suggested: Vec::new(),
            customer_ids: Vec::new(),
            offered: Vec::new(),
            failures: 0,
            faults: Vec::new(),
            waiting_since: None,
            warned: Warned::default(),
            handed_over_for: None,
            claimed: false,
            known: Known::default(),
            version: 0,
        }
    }

    /// How long the customer has waited for a person of whom nothing is heard, where that is `limit` or more.
    pub fn waits_in_vain(&self, now: Timestamp, limit: SignedDuration) -> Option<SignedDuration> {
        let since = self.waiting_since.filter(|_| self.mode != Mode::Bot && !self.claimed)?;
        Some(now.duration_since(since)).filter(|waited| *waited >= limit)
    }

    /// Whether at least `limit` passed between the previous message and `now`.
    pub fn gap_before(&self, now: Timestamp, limit: SignedDuration) -> bool {
        self.last_message_at.is_some_and(|previous| now.duration_since(previous) >= limit)
    }

    /// Remembers named orders, the most recent last, at most sixteen.
    pub fn remember_orders(&mut self, named: &[OrderId]) {
        for id in named {
            self.order_ids.retain(|known| known != id);
            self.order_ids.push(id.clone());
        }
        let surplus = self.order_ids.len().saturating_sub(16);
        self.order_ids.drain(..surplus);
    }

    /// Remembers what is wrong with these orders; with none named, with the one that was told of last, or with one that is named
    /// later. What was told of none is of these, also where nothing new is told.
    pub fn note_fault(&mut self, what: Option<Wish>, named: &[OrderId]) {
        let told = what.or_else(|| self.faults.iter().find(|fault| fault.order.is_none()).map(|fault| fault.what));
        let Some(told) = told.filter(|_| what.is_some() || !named.is_empty()) else { return };
        let last = || self.faults.last().and_then(|fault| fault.order.clone());
        let orders: Vec<Option<OrderId>> = match named {
            [] => vec![last().filter(|last| self.order_ids.last() == Some(last))],
            named => named.iter().cloned().map(Some).collect(),
        };
        for order in orders {
            self.faults.retain(|fault| fault.order.is_some() && fault.order != order);
            self.faults.push(Fault { order, what: told });
        }
        let surplus = self.faults.len().saturating_sub(16);
        self.faults.drain(..surplus);
    }

    /// Forgets what was wrong with an order, once something was done about it.
    pub fn settle_fault(&mut self, order: &OrderId) {
        self.faults.retain(|fault| fault.order.as_ref().is_some_and(|of| of != order));
    }

    /// How the customer calls an order.
    pub fn name_of<'a>(&'a self, id: &'a OrderId) -> &'a OrderId {
        self.names.name_of(id)
    }

    /// Remembers customer identifiers, at most eight.
    pub fn remember_customers(&mut self, named: &[String]) {
        for id in named {
            if !self.customer_ids.contains(id) {
                self.customer_ids.push(id.clone());
            }
        }
        let surplus = self.customer_ids.len().saturating_sub(8);
        self.customer_ids.drain(..surplus);
    }

    /// Takes over what another conversation of the same customer knows, where that is the later one also what it waits for.
    pub fn absorb(&mut self, other: &Self) {
        // An offer of either stays one of an earlier turn.
        self.turn = self.turn.max(other.turn);
        self.remember_customers(&other.customer_ids);
        self.known.add_amounts(other.known.amounts.iter().copied());
        other.known.refunds.iter().for_each(|refund| self.known.add_refund(refund.clone()));
        other.known.orders.iter().for_each(|order| self.known.add_order(order));
        other.names.iter().for_each(|(name, id)| self.names.add(name.clone(), id.clone()));
        let later = other.last_message_at > self.last_message_at;
        self.language = if later { other.language.or(self.language) } else { self.language.or(other.language) };
        if later {
            self.remember_orders(&other.order_ids);
            self.waiting_for = other.waiting_for;
            self.pending.clone_from(&other.pending);
            self.suggested.clone_from(&other.suggested);
            self.offered.clone_from(&other.offered);
            self.triage.clone_from(&other.triage);
            self.failures = other.failures;
            self.last_message_at = other.last_message_at;
        }
    }

    /// Sets the mode by the pending alert: with one a person answers, without one the bot.
    pub fn follow_alert(&mut self, pending: Option<&AlertId>) {
        match (pending, &self.mode) {
            (Some(id), _) => self.mode = Mode::HandedOver { alert_id: id.clone() },
            (None, Mode::HandedOver { .. }) => {
                self.mode = Mode::Bot;
                self.reset_context();
            }
            (None, Mode::Bot) => {}
        }
    }

    /// Forgets open questions and offers: nothing that was asked before is answered any more. Which orders were talked about
    /// stays known.
    pub fn drop_questions(&mut self) {
        self.waiting_for = WaitingFor::Nothing;
        self.pending = None;
        self.suggested.clear();
        self.offered.clear();
        self.failures = 0;
        self.faults.clear();
    }

    /// Forgets open questions, offers and named orders.
    pub fn reset_context(&mut self) {
        self.drop_questions();
        self.order_ids.clear();
        self.names = OrderNames::default();
        self.waiting_since = None;
        self.warned = Warned::default();
        self.handed_over_for = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_is_measured_from_the_previous_message() {
        let start = Timestamp::UNIX_EPOCH;
        let mut conversation = Conversation::new(UserId::new("1"));
        let day = SignedDuration::from_hours(24);
        assert!(!conversation.gap_before(start, day));
        conversation.last_message_at = Some(start);
        assert!(!conversation.gap_before(start + SignedDuration::from_secs(86_399), day));
        assert!(conversation.gap_before(start + SignedDuration::from_secs(86_400), day));
    }

    #[test]
    fn the_language_is_stored_by_its_code() {
        let mut conversation = Conversation::new(UserId::new("1"));
        assert_eq!(Language::of(&conversation), Language::English);
        assert!(serde_json::to_value(&conversation).unwrap().get("language").is_none());
        conversation.language = Some(Language::Hinglish);
        let mut stored = serde_json::to_value(&conversation).unwrap();
        assert_eq!(stored["language"], "hi-Latn");
        assert_eq!(serde_json::from_value::<Conversation>(stored.clone()).unwrap(), conversation);
        for unknown in [serde_json::json!("tlh"), serde_json::Value::Null] {
            stored["language"] = unknown;
            assert_eq!(serde_json::from_value::<Conversation>(stored.clone()).unwrap().language, None);
        }
    }

    #[test]
    fn orders_are_remembered_latest_last_and_bounded() {
        let mut conversation = Conversation::new(UserId::new("1"));
        for number in 0..20 {
            conversation.remember_orders(&[OrderId::new(&format!("ORD{number:06}"))]);
        }
        conversation.remember_orders(&[OrderId::new("ORD000010")]);
        assert_eq!(conversation.order_ids.len(), 16);
        assert_eq!(conversation.order_ids.last(), Some(&OrderId::new("ORD000010")));
    }
}

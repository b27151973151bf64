//! Events: what happened, told to the shop's other systems. An event is made of a fact that is stored, never of a wish or a
//! plan; each type has one schema of its data. What it tells of a customer is an identity at most, and that only where the
//! shop asks for it.

mod data;
mod secret;

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::action::Action;
use super::alert::Alert;
use super::ids::UserId;
use super::opt_out::Preference;
use super::proposal::ProposalKind;
use super::refund::{Refund, RefundState};
pub use data::{
    ActionData, AmountData, CustomerData, HandedOverData, PreferenceData, RefundData, ResolvedData, TestData, example,
    schema,
};
pub use secret::{SecretError, SigningSecret};

/// An event's identifier: the same in every attempt to deliver it, so that a receiver can drop what it has already.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(String);

impl EventId {
    /// The start of every identifier.
    pub const PREFIX: &'static str = "evt_";

    /// An identifier, taken as it is. It must hold no full stop: the signature separates its parts by them.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The identifier of a number that is unique, and later for later events.
    pub fn of(unique: uuid::Uuid) -> Self {
        Self(format!("{}{}", Self::PREFIX, unique.simple()))
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What kinds of events there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventType {
    /// A refund was approved, and is to be paid.
    RefundRequested,
    /// Whoever pays it has it.
    RefundSubmitted,
    /// The money was paid.
    RefundPaid,
    /// It was not paid, and will not be without a person.
    RefundFailed,
    /// An order was called off.
    OrderCancelled,
    /// Something of an order was changed.
    OrderChanged,
    /// Something goes back to the shop.
    ReturnRequested,
    /// A person answers a conversation from now on.
    HandedOver,
    /// The bot answers it again.
    Resolved,
    /// A customer wants no messages.
    OptedOut,
    /// A customer wants messages again.
    OptedIn,
    /// Nothing happened: a trial of an endpoint.
    Test,
}

impl EventType {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::RefundRequested,
        Self::RefundSubmitted,
        Self::RefundPaid,
        Self::RefundFailed,
        Self::OrderCancelled,
        Self::OrderChanged,
        Self::ReturnRequested,
        Self::HandedOver,
        Self::Resolved,
        Self::OptedOut,
        Self::OptedIn,
        Self::Test,
    ];

    /// The name in payloads and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RefundRequested => "refund.requested",
            Self::RefundSubmitted => "refund.submitted",
            Self::RefundPaid => "refund.paid",
            Self::RefundFailed => "refund.failed",
            Self::OrderCancelled => "order.cancelled",
            Self::OrderChanged => "order.changed",
            Self::ReturnRequested => "return.requested",
            Self::HandedOver => "conversation.handed_over",
            Self::Resolved => "conversation.resolved",
            Self::OptedOut => "conversation.opted_out",
            Self::OptedIn => "conversation.opted_in",
            Self::Test => "endpoint.test",
        }
    }

    /// The type of a name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }

    /// The types that a name stands for: one, or all of a group, such as `refund.*`; `*` is all.
    pub fn matching(pattern: &str) -> Vec<Self> {
        let pattern = pattern.trim();
        let group = match pattern {
            "*" => Some(""),
            _ => pattern.strip_suffix('*').filter(|group| group.ends_with('.')),
        };
        let fits = |known: &Self| group.map_or(known.as_str() == pattern, |group| known.as_str().starts_with(group));
        Self::ALL.into_iter().filter(fits).collect()
    }

    /// What it says, for people.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::RefundRequested => "A refund was approved, and is to be paid.",
            Self::RefundSubmitted => "Whoever pays the refund has it; it is not paid yet.",
            Self::RefundPaid => "The refund was paid.",
            Self::RefundFailed => "The refund was not paid: a person has to see to it.",
            Self::OrderCancelled => "An order was called off: the shop stops it in its own systems.",
            Self::OrderChanged => "Something of an order was changed: the shop changes it in its own systems.",
            Self::ReturnRequested => "Something of an order goes back: the shop has it picked up.",
            Self::HandedOver => "A person answers the conversation from now on; the bot is silent.",
            Self::Resolved => "A person resolved what the conversation was handed over for; the bot answers again.",
            Self::OptedOut => "A customer wants no messages.",
            Self::OptedIn => "A customer wants messages again.",
            Self::Test => "Nothing happened: a trial of an endpoint.",
        }
    }
}

/// What happened, with its data; stored as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum EventData {
    /// [`EventType::RefundRequested`].
    #[serde(rename = "refund.requested")]
    RefundRequested(RefundData),
    /// [`EventType::RefundSubmitted`].
    #[serde(rename = "refund.submitted")]
    RefundSubmitted(RefundData),
    /// [`EventType::RefundPaid`].
    #[serde(rename = "refund.paid")]
    RefundPaid(RefundData),
    /// [`EventType::RefundFailed`].
    #[serde(rename = "refund.failed")]
    RefundFailed(RefundData),
    /// [`EventType::OrderCancelled`].
    #[serde(rename = "order.cancelled")]
    OrderCancelled(ActionData),
    /// [`EventType::OrderChanged`].
    #[serde(rename = "order.changed")]
    OrderChanged(ActionData),
    /// [`EventType::ReturnRequested`].
    #[serde(rename = "return.requested")]
    ReturnRequested(ActionData),
    /// [`EventType::HandedOver`].
    #[serde(rename = "conversation.handed_over")]
    HandedOver(HandedOverData),
    /// [`EventType::Resolved`].
    #[serde(rename = "conversation.resolved")]
    Resolved(ResolvedData),
    /// [`EventType::OptedOut`].
    #[serde(rename = "conversation.opted_out")]
    OptedOut(PreferenceData),
    /// [`EventType::OptedIn`].
    #[serde(rename = "conversation.opted_in")]
    OptedIn(PreferenceData),
    /// [`EventType::Test`].
    #[serde(rename = "endpoint.test")]
    Test(TestData),
}

impl EventData {
    /// Its type.
    pub fn event_type(&self) -> EventType {
        match self {
            Self::RefundRequested(_) => EventType::RefundRequested,
            Self::RefundSubmitted(_) => EventType::RefundSubmitted,
            Self::RefundPaid(_) => EventType::RefundPaid,
            Self::RefundFailed(_) => EventType::RefundFailed,
            Self::OrderCancelled(_) => EventType::OrderCancelled,
            Self::OrderChanged(_) => EventType::OrderChanged,
            Self::ReturnRequested(_) => EventType::ReturnRequested,
            Self::HandedOver(_) => EventType::HandedOver,
            Self::Resolved(_) => EventType::Resolved,
            Self::OptedOut(_) => EventType::OptedOut,
            Self::OptedIn(_) => EventType::OptedIn,
            Self::Test(_) => EventType::Test,
        }
    }

    /// Where its data names the customer.
    fn customer(&mut self) -> Option<&mut Option<CustomerData>> {
        match self {
            Self::RefundRequested(data)
            | Self::RefundSubmitted(data)
            | Self::RefundPaid(data)
            | Self::RefundFailed(data) => Some(&mut data.customer),
            Self::OrderCancelled(data) | Self::OrderChanged(data) | Self::ReturnRequested(data) => {
                Some(&mut data.customer)
            }
            Self::HandedOver(data) => Some(&mut data.customer),
            Self::Resolved(data) => Some(&mut data.customer),
            Self::OptedOut(data) | Self::OptedIn(data) => Some(&mut data.customer),
            Self::Test(_) => None,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its identifier.
    pub id: EventId,
    /// When it happened.
    pub at: Timestamp,
    /// The customer it is about, if it is about one. Only [`Event::payload`] puts them into the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// What happened.
    #[serde(flatten)]
    pub data: EventData,
}

impl Event {
    /// The event of an alert that a customer's conversation is handed over with; none where the bot goes on answering, or
    /// the alert is no customer's. `reopened`: it was resolved before.
    pub fn handed_over(id: EventId, alert: &Alert, at: Timestamp, reopened: bool) -> Option<Self> {
        let data = EventData::HandedOver(HandedOverData {
            alert_id: alert.id.to_string(),
            customer: None,
            reason: alert.reason.clone(),
            priority: alert.priority,
            reopened,
        });
        Self::of_alert(id, alert, at, data)
    }

    /// The event of an alert that was resolved, where it had handed a customer's conversation over.
    pub fn resolved(id: EventId, alert: &Alert, at: Timestamp) -> Option<Self> {
        let data = EventData::Resolved(ResolvedData {
            alert_id: alert.id.to_string(),
            customer: None,
            raised_at: alert.created_at,
        });
        Self::of_alert(id, alert, at, data)
    }

    /// The event of a refund that has come into its state.
    pub fn of_refund(id: EventId, refund: &Refund) -> Self {
        let (data, progress) = (RefundData::of(refund), &refund.progress);
        let (data, at) = match progress.state {
            RefundState::Requested => (EventData::RefundRequested(data), progress.began_at),
            RefundState::Submitted => (EventData::RefundSubmitted(data), progress.submitted_at),
            RefundState::Paid => (EventData::RefundPaid(data), progress.settled_at),
            RefundState::Failed => (EventData::RefundFailed(data), progress.settled_at),
        };
        Self { id, at: at.unwrap_or(refund.at), user_id: refund.customer(), data }
    }

    /// The event of an action on an order; none of what is no such thing.
    pub fn of_action(id: EventId, action: &Action) -> Option<Self> {
        let data = ActionData::of(action);
        let data = match action.kind {
            ProposalKind::Cancel => EventData::OrderCancelled(data),
            ProposalKind::Change => EventData::OrderChanged(data),
            ProposalKind::Return => EventData::ReturnRequested(data),
            ProposalKind::Refund => return None,
        };
        Some(Self { id, at: action.at, user_id: action.user_id.clone(), data })
    }

    fn of_alert(id: EventId, alert: &Alert, at: Timestamp, data: EventData) -> Option<Self> {
        let handed_over = !alert.bot_answers && alert.is_of_customer();
        handed_over.then(|| Self { id, at, user_id: Some(alert.user_id.clone()), data })
    }

    /// The event of a wish about messages that took the place of another; none where both say the same.
    pub fn preference(id: EventId, user: &UserId, before: Option<&Preference>, now: &Preference) -> Option<Self> {
        let stopped = before.is_some_and(|before| before.stopped);
        let data = PreferenceData { customer: None, source: now.source };
        (stopped != now.stopped).then(|| Self {
            id,
            at: now.at,
            user_id: Some(user.clone()),
            data: if now.stopped { EventData::OptedOut(data) } else { EventData::OptedIn(data) },
        })
    }

    /// Its type.
    pub fn event_type(&self) -> EventType {
        self.data.event_type()
    }

    /// What is left of it when its customer is forgotten: of a refund all but who asked for it and why; of anything else
    /// nothing.
    #[must_use]
    pub fn without_customer(&self) -> Option<Self> {
        let mut event = Self { user_id: None, ..self.clone() };
        match &mut event.data {
            EventData::RefundRequested(data)
            | EventData::RefundSubmitted(data)
            | EventData::RefundPaid(data)
            | EventData::RefundFailed(data) => {
                data.reason = String::new();
                Some(event)
            }
            EventData::OrderCancelled(data) | EventData::OrderChanged(data) | EventData::ReturnRequested(data) => {
                data.forget();
                Some(event)
            }
            EventData::HandedOver(_)
            | EventData::Resolved(_)
            | EventData::OptedOut(_)
            | EventData::OptedIn(_)
            | EventData::Test(_) => None,
        }
    }

    /// What is delivered: `type`, `timestamp` and `data`. `identity`: whether the customer's identity is in it; otherwise
    /// it is masked. The same event gives the same payload.
    pub fn payload(&self, identity: bool) -> Value {
        let mut data = self.data.clone();
        if let (Some(place), Some(user)) = (data.customer(), &self.user_id) {
            *place = Some(CustomerData { identity: identity.then(|| user.to_string()), masked: user.masked() });
        }
        let name = self.event_type().as_str();
        let data = serde_json::to_value(data).unwrap_or_default();
        serde_json::json!({"type": name, "timestamp": self.at, "data": data.get("data")})
    }
}

#[cfg(test)]
mod tests {
    use super::super::alert::{Priority, Quoted};
    use super::super::ids::AlertId;
    use super::super::opt_out::Source;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_750_000_000 + second).unwrap()
    }

    fn alert() -> Alert {
        let user = UserId::new("919876500001");
        Alert::raise(AlertId::new("ALERT_1"), user, "upset", Quoted::FromCustomer("hi"), Priority::High, at(0))
    }

    fn id() -> EventId {
        EventId::new("evt_1")
    }

    #[test]
    fn every_type_has_one_name_and_data_of_that_name() {
        for known in EventType::ALL {
            assert_eq!(EventType::parse(known.as_str()), Some(known));
            let event = example(known);
            assert_eq!(event.event_type(), known);
            let stored = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
            let payload = event.payload(true);
            assert_eq!(payload["type"], known.as_str());
            assert!(payload["data"].is_object() && payload["timestamp"].is_string(), "{payload}");
        }
        assert_eq!(EventType::parse("refund"), None);
    }

    #[test]
    fn a_pattern_stands_for_one_type_or_a_group() {
        let names = |pattern| EventType::matching(pattern).len();
        assert_eq!((names("refund.paid"), names(" refund.* "), names("conversation.*"), names("*")), (1, 4, 4, 12));
        assert_eq!((names("order.*"), names("return.*")), (2, 1));
        for none in ["", "refund", "refund*", "refund.", ".*", "orders.*", "re*"] {
            assert_eq!(names(none), 0, "{none}");
        }
    }

    #[test]
    fn an_alert_that_hands_nothing_over_is_no_event() {
        assert!(Event::handed_over(id(), &alert(), at(1), false).is_some());
        assert!(Event::resolved(id(), &alert(), at(1)).is_some());
        let of_shop = Alert { user_id: UserId::new(super::super::alert::SET_UP), ..alert() };
        for quiet in [alert().while_the_bot_answers(), of_shop] {
            assert_eq!(Event::handed_over(id(), &quiet, at(1), false), None);
            assert_eq!(Event::resolved(id(), &quiet, at(1)), None);
        }
    }

    #[test]
    fn only_a_wish_that_changes_something_is_an_event() {
        let wish = |stopped, second| Preference { stopped, at: at(second), source: Source::Message, message: None };
        let user = UserId::new("919876500001");
        let of = |before: Option<Preference>, now| Event::preference(id(), &user, before.as_ref(), &now);
        assert_eq!(of(None, wish(true, 1)).unwrap().event_type(), EventType::OptedOut);
        assert_eq!(of(Some(wish(true, 1)), wish(false, 2)).unwrap().event_type(), EventType::OptedIn);
        assert_eq!(of(Some(wish(true, 1)), wish(true, 2)), None);
        assert_eq!(of(None, wish(false, 2)), None);
    }

    #[test]
    fn the_identity_is_told_only_where_it_is_wanted_and_never_after_the_customer_was_forgotten() {
        let event = Event::handed_over(id(), &alert(), at(1), false).unwrap();
        assert_eq!(event.payload(true)["data"]["customer"]["identity"], "919876500001");
        let masked = event.payload(false);
        assert_eq!(masked["data"]["customer"]["masked"], "********0001");
        assert!(!masked.to_string().contains("919876"), "{masked}");
        assert_eq!(event.without_customer(), None);
        let refund = example(EventType::RefundPaid);
        let left = refund.without_customer().unwrap().payload(true);
        assert_eq!((&left["data"]["customer"], &left["data"]["reason"]), (&Value::Null, &Value::from("")));
        assert_eq!(left["data"]["amount"], refund.payload(true)["data"]["amount"]);
    }
}

//! Decides what is remembered of a conversation between two messages.
//!
//! It must never hold what correctness needs outside this one document: a restart continues from it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{AlertId, OrderId, QuoteId, UserId};
use super::money::Money;

/// Everything that is remembered of one customer's conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Conversation {
    /// Whose conversation.
    pub user_id: UserId,
    /// Turns so far; the turn being worked on has this number.
    pub turn: u64,
    /// Who answers.
    pub mode: Mode,
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
    /// The orders named so far, the latest last.
    #[serde(default)]
    pub order_ids: Vec<OrderId>,
    /// The customer identifiers written so far.
    #[serde(default)]
    pub customer_ids: Vec<String>,
    /// The quotes that the last reply put to the customer.
    #[serde(default)]
    pub offered: Vec<Offer>,
    /// Replies in a row that did not help.
    #[serde(default)]
    pub failures: u32,
    /// What the tools have said so far: the only amounts and claims a reply may hold.
    #[serde(default)]
    pub known: Known,
    /// Every save adds one; a save of an older version is refused.
    #[serde(default)]
    pub version: u64,
}

/// What tool results of the conversation have said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Known {
    /// Amounts of money, the latest last.
    #[serde(default)]
    pub amounts: Vec<Money>,
    /// Refunds that were paid, the latest last.
    #[serde(default)]
    pub refunds: Vec<PaidRefund>,
    /// Orders that were shown to the customer, the latest last.
    #[serde(default)]
    pub orders: Vec<OrderId>,
}

/// A refund that a tool paid, or said was paid before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaidRefund {
    /// Its order.
    pub order_id: OrderId,
    /// What the customer gets.
    pub amount: Money,
    /// Its transaction.
    pub transaction_id: String,
}

impl Known {
    /// Adds amounts, at most 64 are kept.
    pub fn add_amounts(&mut self, amounts: impl IntoIterator<Item = Money>) {
        for amount in amounts {
            if !self.amounts.contains(&amount) {
                self.amounts.push(amount);
            }
        }
        let surplus = self.amounts.len().saturating_sub(64);
        self.amounts.drain(..surplus);
    }

    /// Adds a refund, at most 16 are kept.
    pub fn add_refund(&mut self, refund: PaidRefund) {
        if !self.refunds.contains(&refund) {
            self.refunds.push(refund);
        }
        let surplus = self.refunds.len().saturating_sub(16);
        self.refunds.drain(..surplus);
    }

    /// Adds an order that was shown, at most 16 are kept.
    pub fn add_order(&mut self, order: &OrderId) {
        self.orders.retain(|known| known != order);
        self.orders.push(order.clone());
        let surplus = self.orders.len().saturating_sub(16);
        self.orders.drain(..surplus);
    }

    /// The transactions of the refunds that were paid.
    pub fn transactions(&self) -> impl Iterator<Item = &str> {
        self.refunds.iter().map(|refund| refund.transaction_id.as_str())
    }
}

/// A quote that was put to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The quote.
    pub quote_id: QuoteId,
    /// Its order.
    pub order_id: OrderId,
}

/// Who answers the customer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Mode {
    /// The bot.
    #[default]
    Bot,
    /// A person: the bot is silent until an agent resolves or returns the conversation.
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
    /// The customer id that goes with the order.
    CustomerId,
    /// A yes or no to a refund.
    Consent,
    /// A yes or no to a person.
    Person,
    /// What is wrong, in the customer's words.
    Details,
}

/// Something the customer wants, kept until it is done or dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The intent it came from.
    pub intent: String,
    /// What the customer wrote, as the reason of a refund or an alert.
    pub reason: String,
}

/// A stored triage result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Triage {
    /// What the customer wants.
    pub intent: String,
    /// From 0 to 1.
    pub intent_confidence: f64,
    /// How the customer sounds.
    pub sentiment: String,
    /// From 0 to 1.
    pub sentiment_confidence: f64,
    /// When it was made.
    pub at: Timestamp,
}

/// Why a message is sent through triage, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TriageCause {
    /// Nothing is known yet.
    FirstMessage,
    /// The customer was away for long.
    Gap,
    /// The message is about something else.
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
            triage: None,
            last_message_at: None,
            waiting_for: WaitingFor::Nothing,
            pending: None,
            order_ids: Vec::new(),
            customer_ids: Vec::new(),
            offered: Vec::new(),
            failures: 0,
            known: Known::default(),
            version: 0,
        }
    }

    /// Whether a gap of at least `limit` lies between the previous message and this one.
    pub fn gap_before(&self, now: Timestamp, limit: SignedDuration) -> bool {
        self.last_message_at.is_some_and(|previous| now.duration_since(previous) >= limit)
    }

    /// Remembers the orders named, the latest last, at most sixteen.
    pub fn remember_orders(&mut self, named: &[OrderId]) {
        for id in named {
            self.order_ids.retain(|known| known != id);
            self.order_ids.push(id.clone());
        }
        let surplus = self.order_ids.len().saturating_sub(16);
        self.order_ids.drain(..surplus);
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

    /// Lets the pending alert decide who answers: with one, a person; without, the bot again.
    pub fn follow_alert(&mut self, pending: Option<&AlertId>) {
        match (pending, &self.mode) {
            (Some(id), _) => self.mode = Mode::HandedOver { alert_id: id.clone() },
            (None, Mode::HandedOver { .. }) => {
                self.mode = Mode::Bot;
                self.start_afresh();
            }
            (None, Mode::Bot) => {}
        }
    }

    /// Forgets what was open: after a long gap nothing that was asked is still being answered.
    pub fn start_afresh(&mut self) {
        self.waiting_for = WaitingFor::Nothing;
        self.pending = None;
        self.order_ids.clear();
        self.offered.clear();
        self.failures = 0;
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

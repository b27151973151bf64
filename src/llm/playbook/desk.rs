//! A customer and tools whose results are given by hand, for tests of the rules.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Settings;
use super::faq::{Faq, SHIPPED};
use super::plan::Plan;
use crate::domain::conversation::{Conversation, Offer, Triage, TriageCause, WaitingFor};
use crate::domain::currency::{Amount, ShopMoney};
use crate::domain::ids::{IdPatterns, OrderId, QuoteId, UserId};
use crate::domain::message::{Basis, ChatMessage, Role};
use crate::domain::proposal::ProposalKind;
use crate::domain::topic;
use crate::llm::{Facts, Round};

/// A customer, and what the tools answer.
pub(super) struct Desk {
    pub(super) settings: Settings,
    pub(super) conversation: Conversation,
    pub(super) history: Vec<ChatMessage>,
    /// How sure the model is of the urgency.
    pub(super) urgency_confidence: f64,
    /// The results of a tool, one after the other; the last again and again.
    results: Vec<(&'static str, Vec<Value>)>,
    /// The calls of the last turn.
    pub(super) calls: Vec<(String, Value)>,
}

pub(super) fn order(id: &str, state: &str, items: &[(&str, u64)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(name, quantity)| json!({"name": name, "quantity": quantity})).collect();
    json!({"Order ID": id, "Order State": state, "Order Value (INR)": 500, "Payment Status": "paid", "Items": items})
}

pub(super) fn listed(id: &str, state: &str, item: &str) -> Value {
    json!({"order_id": id, "status": state, "date": "2026-06-01", "items": [{"name": item, "quantity": 1}]})
}

pub(super) fn proposal(summary: &str) -> Value {
    json!({"status": "needs_confirmation", "proposal_id": "p1", "summary": summary})
}

pub(super) fn quote(amount: u32) -> Value {
    json!({"eligible": true, "refund_amount": amount, "order_value": 500, "shipping_fee": 0, "quote_id": "q1"})
}

/// What a call offered, if anything.
fn offer_of(round: &Round) -> Option<Offer> {
    let (arguments, result) = (&round.call.arguments, &round.result);
    let kind = match round.call.name.as_str() {
        "check_refund_eligibility" if result["eligible"] == true => ProposalKind::Refund,
        "cancel_order" if result["status"] == "needs_confirmation" => ProposalKind::Cancel,
        "change_order" if result["status"] == "needs_confirmation" => ProposalKind::Change,
        "return_order" if result["status"] == "needs_confirmation" => ProposalKind::Return,
        _ => return None,
    };
    let resolution = serde_json::from_value(arguments["resolution"].clone()).ok();
    let order = OrderId::new(arguments["order_id"].as_str().unwrap());
    Some(Offer { kind, resolution, ..Offer::new(QuoteId::new("q1"), order, Amount::rupees(1)) })
}

impl Desk {
    pub(super) fn new(results: Vec<(&'static str, Vec<Value>)>) -> Self {
        let settings = Settings {
            faq: Faq::read(SHIPPED, &[("arrival", "3-5 business days"), ("quote_minutes", "30")]).unwrap(),
            strict: false,
            proofs: Vec::new(),
            clarify_below: 0.45,
            very_negative: 0.9,
            failures: 3,
        };
        let mut results = results;
        results.push(("request_human_intervention", vec![json!({"status": "success", "alert_id": "A"})]));
        Self {
            settings,
            conversation: Conversation::new(UserId::new("a")),
            history: Vec::new(),
            urgency_confidence: 0.9,
            results,
            calls: Vec::new(),
        }
    }

    /// Says something that the model reads as this topic; without one the message only answers.
    pub(super) fn say(&mut self, text: &str, topic: &str) -> String {
        self.say_urgently(text, topic, "normal")
    }

    pub(super) fn say_urgently(&mut self, text: &str, topic: &str, urgency: &str) -> String {
        let patterns = IdPatterns::default();
        let named = patterns.orders_meant(text, false);
        self.conversation.remember_orders(&named);
        let triage = Triage {
            intent: topic::intent::OTHER.to_owned(),
            intent_confidence: 0.9,
            sentiment: "neutral".to_owned(),
            sentiment_confidence: 0.9,
            topic: topic.to_owned(),
            topic_confidence: 0.9,
            urgency: urgency.to_owned(),
            urgency_confidence: self.urgency_confidence,
            at: Timestamp::UNIX_EPOCH,
        };
        let facts = Facts {
            text: text.to_owned(),
            triage,
            cause: if topic.is_empty() { TriageCause::Cached } else { TriageCause::TopicChange },
            named_orders: named,
            suspected: Vec::new(),
            seen: Vec::new(),
            patterns,
            is_answer: true,
            is_by_voice: false,
            given: None,
            conversation: self.conversation.clone(),
            money: ShopMoney::default(),
        };
        let mut rounds: Vec<Round> = Vec::new();
        let reply = loop {
            match Plan::new(&self.settings, &facts, &rounds, &self.history).run() {
                Ok(reply) => break reply,
                Err(call) => {
                    let error = json!({"error": "there is no such tool"});
                    let known = self.results.iter_mut().find(|(name, _)| *name == call.name);
                    let result = match known {
                        Some((_, results)) if results.len() > 1 => results.remove(0),
                        Some((_, results)) => results.first().cloned().unwrap_or(error),
                        None => error,
                    };
                    rounds.push(Round { call, result, wrong: false });
                    assert!(rounds.len() < 9, "in circles: {rounds:?}");
                }
            }
        };
        let notes = reply.notes.unwrap_or_default();
        let asks = notes.waiting_for == WaitingFor::Consent;
        self.conversation.offered = rounds.iter().filter(|_| asks).filter_map(offer_of).collect();
        self.calls = rounds.into_iter().map(|round| (round.call.name, round.call.arguments)).collect();
        self.conversation.waiting_for = notes.waiting_for;
        self.conversation.pending = notes.pending;
        self.conversation.suggested = notes.suggested;
        self.conversation.remember_orders(&notes.about);
        self.conversation.failures = if notes.failed { self.conversation.failures + 1 } else { 0 };
        for (role, text) in [(Role::User, text), (Role::Assistant, reply.text.as_str())] {
            self.history.push(ChatMessage {
                user_id: UserId::new("a"),
                role,
                text: text.to_owned(),
                at: Timestamp::UNIX_EPOCH,
                turn: 0,
                intent: None,
                sentiment: None,
                response_ms: None,
                basis: Basis::default(),
            });
        }
        reply.text
    }

    pub(super) fn called(&self, tool: &str) -> Option<&Value> {
        self.calls.iter().find(|(name, _)| name == tool).map(|(_, arguments)| arguments)
    }

    pub(super) fn asked_for_person(&self) -> Option<&str> {
        self.called("request_human_intervention").and_then(|arguments| arguments["priority"].as_str())
    }
}

pub(super) const BAG: &[(&str, u64)] = &[("Toned Milk 1 L", 2), ("Brown Bread 400 g", 1), ("Butter 100 g", 1)];

pub(super) fn delivered() -> (&'static str, Vec<Value>) {
    ("query_order_database", vec![order("ORD000001", "delivered", BAG)])
}

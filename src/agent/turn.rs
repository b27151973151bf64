//! Decides, as a pure state machine, what happens next in a turn: an event comes in, effects go out.
//!
//! It must never do anything itself, and never let a reply pass that says more than the tools did.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::guard::{self, Cover, Uncovered, Written};
use super::reply::tidy;
use crate::domain::alert::Alert;
use crate::domain::caller::{Caller, Customer};
use crate::domain::consent::{self, Answer};
use crate::domain::conversation::{Conversation, Mode, Offer, PaidRefund, Triage, TriageCause, WaitingFor};
use crate::domain::ids::{IdPatterns, OrderId, QuoteId};
use crate::domain::money::Money;
use crate::domain::refund::Refund;
use crate::domain::topic;
use crate::domain::words::excerpt;
use crate::llm::{ChatReply, Facts, Round, ToolCall};
use crate::tools::{HUMAN, Outcome, ToolResult};

/// Model rounds with tool calls before a person is asked in.
const ROUNDS: usize = 6;
/// Tool calls in one turn before a person is asked in.
const CALLS: usize = 24;

/// What the turn goes by.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How identifiers look.
    pub patterns: IdPatterns,
    /// The silence after which a message is read afresh.
    pub gap: SignedDuration,
    /// What the shop's own texts hold.
    pub written: Written,
}

/// The customer's messages of one turn.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// What was written, in order; a burst is one turn.
    pub texts: Vec<String>,
    /// The quote that a pressed reply button carries.
    pub pressed: Option<QuoteId>,
}

impl Incoming {
    /// The turn's messages as one text.
    pub fn text(&self) -> String {
        self.texts.join("\n")
    }
}

/// What has happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The turn begins.
    Start,
    /// Triage has read the message, or (`None`) failed.
    Triaged(Option<Triage>),
    /// The model has answered, or (`None`) failed.
    ModelSaid(Option<ChatReply>),
    /// A tool has run.
    ToolDone(ToolCall, Box<ToolResult>),
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Read this text.
    Triage(String),
    /// Ask the model.
    AskModel,
    /// Run a tool.
    CallTool(ToolCall),
    /// Send this and end the turn.
    Reply(String),
    /// End the turn without a word.
    StaySilent,
}

/// One turn of a conversation.
#[derive(Debug)]
pub struct Turn {
    settings: Settings,
    conversation: Conversation,
    text: String,
    named_orders: Vec<OrderId>,
    cause: TriageCause,
    caller: Caller,
    now: Timestamp,
    rounds: Vec<Round>,
    model_rounds: usize,
    queue: VecDeque<ToolCall>,
    quotes: Vec<(Offer, Money)>,
    alert: Option<Alert>,
    paid: Vec<Refund>,
    forced: bool,
    uncovered: Option<Uncovered>,
}

impl Turn {
    /// Opens a turn: the conversation as it was stored, and what the customer wrote now.
    pub fn new(settings: Settings, mut conversation: Conversation, incoming: &Incoming, now: Timestamp) -> Self {
        let text = incoming.text();
        let cause = triage_cause(&conversation, &text, now, &settings);
        if conversation.gap_before(now, settings.gap) {
            conversation.start_afresh();
        }
        conversation.turn += 1;
        conversation.last_message_at = Some(now);
        let asked = conversation.waiting_for == WaitingFor::OrderId;
        let named_orders = settings.patterns.orders_meant(&text, asked);
        conversation.remember_orders(&named_orders);
        conversation.remember_customers(&settings.patterns.customers_in(&text));
        let caller = Caller::Customer(Customer {
            user: conversation.user_id.clone(),
            turn: conversation.turn,
            text: text.clone(),
            offered: conversation.offered.iter().map(|offer| offer.quote_id.clone()).collect(),
            pressed: incoming.pressed.clone(),
            named_orders: conversation.order_ids.clone(),
            customer_ids: conversation.customer_ids.clone(),
        });
        Self {
            settings,
            conversation,
            text,
            named_orders,
            cause,
            caller,
            now,
            rounds: Vec::new(),
            model_rounds: 0,
            queue: VecDeque::new(),
            quotes: Vec::new(),
            alert: None,
            paid: Vec::new(),
            forced: false,
            uncovered: None,
        }
    }

    /// Takes an event and says what is to be done.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Start => self.start(),
            Event::Triaged(triage) => self.triaged(triage),
            Event::ModelSaid(Some(reply)) => self.model_said(reply),
            Event::ModelSaid(None) => self.force_hand_over("The assistant could not answer"),
            Event::ToolDone(call, result) => self.tool_done(call, *result),
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        if matches!(self.conversation.mode, Mode::HandedOver { .. }) {
            return vec![Effect::StaySilent];
        }
        if self.cause == TriageCause::Cached { vec![Effect::AskModel] } else { vec![Effect::Triage(self.text.clone())] }
    }

    fn triaged(&mut self, triage: Option<Triage>) -> Vec<Effect> {
        // Without a reading the last one stands; without any, the message is a general one that nobody understood.
        let fallback = || Triage {
            intent: topic::intent::OTHER.to_owned(),
            intent_confidence: 0.0,
            sentiment: "neutral".to_owned(),
            sentiment_confidence: 0.0,
            at: self.now,
        };
        let triage = triage.or_else(|| self.conversation.triage.clone()).unwrap_or_else(fallback);
        self.conversation.triage = Some(triage);
        vec![Effect::AskModel]
    }

    fn model_said(&mut self, mut reply: ChatReply) -> Vec<Effect> {
        if reply.calls.is_empty() {
            reply.text = tidy(&reply.text);
            if reply.text.is_empty() {
                return self.force_hand_over("The assistant had no answer");
            }
            return vec![self.finish(&reply)];
        }
        self.model_rounds += 1;
        let calls = self.rounds.len() + self.queue.len() + reply.calls.len();
        if self.model_rounds > ROUNDS || calls > CALLS {
            return self.force_hand_over("The assistant went round in circles");
        }
        self.queue.extend(reply.calls);
        self.next()
    }

    fn next(&mut self) -> Vec<Effect> {
        match self.queue.pop_front() {
            Some(call) => vec![Effect::CallTool(call)],
            None => vec![Effect::AskModel],
        }
    }

    fn tool_done(&mut self, call: ToolCall, result: ToolResult) -> Vec<Effect> {
        self.conversation.known.add_amounts(guard::amounts_of(&result.outcome));
        match &result.outcome {
            Outcome::Quoted(quote) => {
                let offer = Offer { quote_id: quote.id.clone(), order_id: quote.order_id.clone() };
                self.quotes.retain(|(known, _)| known.order_id != offer.order_id);
                self.quotes.push((offer, quote.amount));
            }
            Outcome::Refunded { refund, .. } => {
                self.conversation.known.add_refund(PaidRefund {
                    order_id: refund.order_id.clone(),
                    amount: refund.amount,
                    transaction_id: refund.transaction_id.clone(),
                });
                self.paid.push(refund.clone());
            }
            Outcome::HandedOver(alert) => self.alert = Some(alert.clone()),
            _ => {}
        }
        let wrong = matches!(result.outcome, Outcome::WrongCall(_));
        self.rounds.push(Round { call, result: result.value, wrong });
        if self.forced {
            return vec![self.finish_forced()];
        }
        self.next()
    }

    fn force_hand_over(&mut self, why: &str) -> Vec<Effect> {
        self.forced = true;
        self.queue.clear();
        vec![Effect::CallTool(ToolCall {
            id: "hand_over".to_owned(),
            name: HUMAN.to_owned(),
            arguments: json!({"reason": why, "last_message": excerpt(&self.text, 500), "priority": "medium"}),
        })]
    }

    fn finish_forced(&mut self) -> Effect {
        // What was quoted on the way here was never shown.
        self.quotes.clear();
        self.settle(WaitingFor::Nothing, false);
        Effect::Reply(
            if self.alert.is_some() {
                "I'm having trouble answering this myself, so I've asked a member of our team to take over. They will reply here."
            } else {
                "I'm having trouble answering right now. Please write again in a few minutes."
            }
            .to_owned(),
        )
    }

    fn finish(&mut self, reply: &ChatReply) -> Effect {
        let checked = guard::check(
            &reply.text,
            &Cover {
                known: &self.conversation.known,
                handed_over: self.alert.is_some(),
                quoted: !self.quotes.is_empty() || !self.conversation.offered.is_empty(),
                orders: &self.conversation.order_ids,
                customers: &self.conversation.customer_ids,
                said: &self.text,
                written: &self.settings.written,
                patterns: &self.settings.patterns,
            },
        );
        if let Err(uncovered) = checked {
            self.uncovered = Some(uncovered);
            self.quotes.clear();
            self.conversation.pending = None;
            let done = self.alert.is_some() || !self.paid.is_empty();
            self.settle(if done { WaitingFor::Nothing } else { WaitingFor::Person }, !done);
            return Effect::Reply(self.instead());
        }
        // Only what the customer has read can be agreed to.
        self.quotes.retain(|(offer, amount)| guard::offers(&reply.text, &offer.order_id, *amount));
        match &reply.notes {
            Some(notes) => {
                self.conversation.pending.clone_from(&notes.pending);
                let nothing_offered = notes.waiting_for == WaitingFor::Consent && self.quotes.is_empty();
                self.settle(if nothing_offered { WaitingFor::Nothing } else { notes.waiting_for }, notes.failed);
            }
            None => {
                let offers = !self.quotes.is_empty();
                let waiting = if offers { WaitingFor::Consent } else { asked_for(&reply.text) };
                self.settle(waiting, false);
            }
        }
        Effect::Reply(reply.text.clone())
    }

    /// What is said in place of a reply that was held back: never silent about what was done.
    fn instead(&self) -> String {
        if self.alert.is_some() {
            return "I've asked a member of our team to take over. They will reply here.".to_owned();
        }
        let paid: Vec<String> = self
            .paid
            .iter()
            .map(|refund| {
                format!(
                    "{} for order {} has been refunded, transaction {}.",
                    refund.amount, refund.order_id, refund.transaction_id
                )
            })
            .collect();
        if paid.is_empty() {
            "I don't want to tell you anything I can't confirm. Shall I bring in a member of our team? (yes / no)"
                .to_owned()
        } else {
            paid.join("\n")
        }
    }

    fn settle(&mut self, waiting_for: WaitingFor, failed: bool) {
        self.conversation.waiting_for = waiting_for;
        self.conversation.failures = if failed { self.conversation.failures.saturating_add(1) } else { 0 };
        self.conversation.offered = self.quotes.drain(..).map(|(offer, _)| offer).collect();
        if let Some(alert) = &self.alert {
            self.conversation.mode = Mode::HandedOver { alert_id: alert.id.clone() };
            self.conversation.start_afresh();
        }
    }

    /// What the model is told.
    pub fn facts(&self) -> Facts {
        let triage = self.conversation.triage.clone().unwrap_or_else(|| Triage {
            intent: topic::intent::OTHER.to_owned(),
            intent_confidence: 0.0,
            sentiment: "neutral".to_owned(),
            sentiment_confidence: 0.0,
            at: self.now,
        });
        Facts {
            text: self.text.clone(),
            triage,
            cause: self.cause,
            named_orders: self.named_orders.clone(),
            conversation: self.conversation.clone(),
        }
    }

    /// The tool calls so far.
    pub fn rounds(&self) -> &[Round] {
        &self.rounds
    }

    /// On whose behalf tools run.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Why the message was read, or not.
    pub fn cause(&self) -> TriageCause {
        self.cause
    }

    /// What the guard stopped.
    pub fn uncovered(&self) -> Option<&Uncovered> {
        self.uncovered.as_ref()
    }

    /// The conversation as it is to be stored.
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }
}

/// What a reply waits for whose model says nothing of it: an order id that it asks for.
fn asked_for(reply: &str) -> WaitingFor {
    let lower = reply.to_lowercase();
    let id =
        ["order id", "order number", "order no", "ऑर्डर आईडी", "ऑर्डर नंबर"].iter().any(|words| lower.contains(words));
    let asks = ["?", "please", "send", "share", "tell me", "give", "bata", "bhej", "भेज", "बता"];
    if id && asks.iter().any(|word| lower.contains(word)) { WaitingFor::OrderId } else { WaitingFor::Nothing }
}

/// Whether a message has to be read, and why.
fn triage_cause(conversation: &Conversation, text: &str, now: Timestamp, settings: &Settings) -> TriageCause {
    let Some(triage) = &conversation.triage else { return TriageCause::FirstMessage };
    if conversation.gap_before(now, settings.gap) {
        return TriageCause::Gap;
    }
    let bare = settings.patterns.without_ids(text);
    let answered = matches!(conversation.waiting_for, WaitingFor::Consent | WaitingFor::Person)
        && consent::answer(text, &settings.patterns) != Answer::Unclear;
    if answered {
        return TriageCause::Cached;
    }
    let elsewhere = topic::touched(&bare).into_iter().any(|touched| touched != triage.intent);
    let content = topic::content_words(&bare);
    let open_ended = match conversation.waiting_for {
        WaitingFor::Nothing => content >= 3,
        WaitingFor::Details => content >= 1,
        _ => content >= 6,
    };
    if elsewhere || open_ended { TriageCause::TopicChange } else { TriageCause::Cached }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;

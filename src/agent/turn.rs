//! A turn of a conversation as a pure state machine: it takes events and returns effects, and does no I/O itself.
//!
//! It must never let a reply pass that says more than the tools did.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::compose::{self, Acted, Composed, Happened, Paid};
use super::guard::{self, Evidence, ShopTexts, Unsupported};
use super::reply::tidy;
use crate::domain::alert::Alert;
use crate::domain::caller::{Caller, Customer};
use crate::domain::consent::{self, Answer, LiveOffers, Press, Said};
use crate::domain::conversation::{Conversation, Mode, Offer, PaidRefund, Pending, Triage, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::fraud;
use crate::domain::ids::{Certainty, IdPatterns, OrderId};
use crate::domain::language::{self, Spoken};
use crate::domain::proposal::Proposal;
use crate::domain::refund::Denial;
use crate::domain::sentences::{self, Language, choices, handoff, proposals, small_talk};
use crate::domain::topic;
use crate::domain::words::excerpt;
use crate::llm::playbook::order_status;
use crate::llm::{Author, ChatReply, Facts, MAX_ROUNDS, Round, ToolCall};
use crate::tools::{FIND_ORDERS, HUMAN, Outcome, ToolResult};

/// Tool calls in one turn; with more, a person is asked in.
const MAX_CALLS: usize = 24;

/// The settings of a turn.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The patterns of identifiers.
    pub patterns: IdPatterns,
    /// The shop's own currency, and how it writes amounts.
    pub money: ShopMoney,
    /// The silence after which a message is classified anew.
    pub gap: SignedDuration,
    /// How long a customer waits for a person before the bot says so again.
    pub remind: SignedDuration,
    /// What replies may repeat from the shop's own texts.
    pub shop_texts: ShopTexts,
}

/// The customer's messages of one turn.
#[derive(Debug, Clone, Default)]
pub struct Incoming {
    /// What was written, in order, without what it quotes of others; a burst is one turn.
    pub texts: Vec<String>,
    /// What a pressed button says; of several, the last.
    pub pressed: Option<Press>,
    /// What is known of the messages beside their words.
    pub said: Vec<Said>,
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

    /// The turn's messages as one text.
    pub fn text(&self) -> String {
        self.texts.join("\n")
    }
}

/// Something that happened in the turn.
#[derive(Debug, Clone)]
pub enum Event {
    /// The turn begins.
    Start,
    /// The message was classified, or (`None`) that failed.
    Triaged(Option<Triage>),
    /// The model has answered, or (`None`) failed.
    ModelReplied(Option<ChatReply>),
    /// A tool has run.
    ToolDone(ToolCall, Box<ToolResult>),
}

/// What the caller has to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Classify this text.
    Triage(String),
    /// Ask for calls or a reply.
    AskModel(Answerer),
    /// Run a tool.
    CallTool(ToolCall),
    /// Send this and end the turn.
    Reply(String),
    /// End the turn without a reply.
    StaySilent,
}

/// Who is asked for the next calls or the reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answerer {
    /// The model.
    #[default]
    Model,
    /// The program in its place, where there is one: what the model said was held back.
    Playbook,
}

/// One turn of a conversation.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the turn, not a state")]
pub struct Turn {
    settings: Settings,
    conversation: Conversation,
    text: String,
    named_orders: Vec<OrderId>,
    /// Orders that would be named, were letters digits.
    suspected: Vec<OrderId>,
    /// Orders that a reply may name although nothing was found out about them.
    nameable: Vec<OrderId>,
    /// The customer's own orders, where they were listed in this turn.
    own: Option<Vec<OrderId>>,
    is_answer: bool,
    cause: TriageCause,
    caller: Caller,
    now: Timestamp,
    rounds: Vec<Round>,
    /// Who answers; the playbook keeps the turn once it has it.
    answerer: Answerer,
    /// The rounds of who answers.
    model_rounds: usize,
    /// The model's reply that was held back while the playbook is asked.
    held: Option<ChatReply>,
    queue: VecDeque<ToolCall>,
    quotes: Vec<Proposal>,
    alert: Option<Alert>,
    paid: Vec<Paid>,
    refused: Vec<(OrderId, String)>,
    acted: Vec<Acted>,
    /// Why something else than a refund is not done, a sentence for each order.
    declined: Vec<(OrderId, String)>,
    statuses: Vec<(OrderId, String)>,
    forced: bool,
    /// Whether an order was not found in this turn.
    missed: bool,
    /// The fraud that the customer tells of.
    fraud: Option<fraud::Report>,
    /// Whether the customer is told again that a person was asked for.
    reminding: bool,
    /// The name of the message's language where nobody is answered in it; empty where only that is known.
    foreign: Option<&'static str>,
    /// What is said before a person takes over at once.
    lead: Option<String>,
    unsupported: Option<Unsupported>,
}

impl Turn {
    /// Opens a turn: the conversation as it was stored, and what the customer wrote now.
    pub fn new(settings: Settings, mut conversation: Conversation, incoming: &Incoming, now: Timestamp) -> Self {
        let text = incoming.text();
        let cause = triage_cause(&conversation, &text, now, &settings);
        if conversation.gap_before(now, settings.gap) {
            conversation.drop_questions();
        }
        conversation.turn += 1;
        conversation.last_message_at = Some(now);
        let asked = asks_for_order(conversation.waiting_for);
        let mut named_orders = settings.patterns.orders_meant(&text, asked);
        if let Some(Press::Order(pressed)) = &incoming.pressed {
            named_orders = vec![pressed.clone()];
        }
        if named_orders.is_empty() {
            named_orders = suggested_orders(&conversation, &text, incoming, &settings.patterns);
        }
        if named_orders.is_empty() {
            // A reply to a message is about that message.
            named_orders.extend(incoming.about.iter().map(|name| conversation.names.id_of(name).clone()));
        }
        let mut suspected = Vec::new();
        if named_orders.is_empty() {
            let mentions = settings.patterns.mentions(&text, asked).into_iter();
            suspected.extend(mentions.filter(|found| found.certainty == Certainty::Alike).map(|found| found.id));
        }
        conversation.remember_orders(&named_orders);
        let nameable = conversation.order_ids.iter().chain(&suspected).chain(&conversation.suggested);
        let nameable: Vec<OrderId> = nameable.cloned().collect();
        conversation.remember_customers(&settings.patterns.customers_in(&text));
        let caller = Caller::Customer(Customer {
            user: conversation.user_id.clone(),
            turn: conversation.turn,
            text: text.clone(),
            language: Language::of(&conversation),
            offers: incoming.offers.clone().map(Box::new),
            said: incoming.said.clone(),
            named_orders: conversation.order_ids.clone(),
            names: conversation.names.clone(),
            customer_ids: conversation.customer_ids.clone(),
            proof_asked: matches!(
                conversation.waiting_for,
                // Who was offered a person after the question may still answer it.
                WaitingFor::Proof | WaitingFor::CustomerId | WaitingFor::Person
            ),
        });
        Self {
            settings,
            conversation,
            text,
            named_orders,
            suspected,
            nameable,
            own: None,
            is_answer: incoming.is_answer(),
            cause,
            caller,
            now,
            rounds: Vec::new(),
            answerer: Answerer::Model,
            model_rounds: 0,
            held: None,
            queue: VecDeque::new(),
            quotes: Vec::new(),
            alert: None,
            paid: Vec::new(),
            refused: Vec::new(),
            acted: Vec::new(),
            declined: Vec::new(),
            statuses: Vec::new(),
            forced: false,
            missed: false,
            fraud: None,
            reminding: false,
            foreign: None,
            lead: None,
            unsupported: None,
        }
    }

    /// Takes an event and returns what is to be done.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        match event {
            Event::Start => self.start(),
            Event::Triaged(triage) => self.triaged(triage),
            Event::ModelReplied(Some(reply)) => self.model_replied(reply),
            Event::ModelReplied(None) => match self.held.take() {
                // No playbook answers in place of the model: what is left of the model's reply is sent.
                Some(reply) => vec![self.finish_model(reply)],
                None => self.force_hand_over("The assistant could not answer"),
            },
            Event::ToolDone(call, result) => self.tool_done(call, *result),
        }
    }

    fn start(&mut self) -> Vec<Effect> {
        self.foreign = self.hear();
        if matches!(self.conversation.mode, Mode::HandedOver { .. }) {
            if !self.waits_too_long() {
                return vec![Effect::StaySilent];
            }
            self.reminding = true;
            return self.ask_for_person("The customer writes again, and nobody has answered yet", "high");
        }
        // Before any model: a warning that comes late warns nobody.
        if let Some(report) = fraud::reported(&self.text) {
            self.fraud = Some(report);
            return self.ask_for_person(report.reason(), "high");
        }
        let read = self.cause == TriageCause::Cached && self.foreign.is_none();
        if read { vec![self.ask()] } else { vec![Effect::Triage(self.text.clone())] }
    }

    /// Whether a customer who was promised a person writes again after a long wait in which nobody took the matter up.
    fn waits_too_long(&self) -> bool {
        let since = self.conversation.waiting_since.filter(|_| !self.conversation.claimed);
        since.is_some_and(|since| self.now.duration_since(since) >= self.settings.remind)
    }

    fn triaged(&mut self, triage: Option<Triage>) -> Vec<Effect> {
        // Without a result the last one is used; without any, the message counts as a general one of no confidence.
        let fallback = || unread(self.now);
        let triage = triage.or_else(|| self.conversation.triage.clone()).unwrap_or_else(fallback);
        // Whoever answers: a language model is not asked whether somebody's body or safety can wait.
        let danger = triage.urgency == DANGER;
        self.conversation.triage = Some(triage);
        if danger {
            self.lead = Some(choices::danger(Language::of(&self.conversation)).to_owned());
            return self.ask_for_person("Somebody may be in danger", "high");
        }
        if let Some(name) = self.foreign {
            self.lead = Some(small_talk::language_not_spoken(name));
            let language = if name.is_empty() { "a language" } else { name };
            // What cannot be read may be urgent; what names an order is about that.
            let priority = if self.named_orders.is_empty() { "high" } else { "medium" };
            return self.ask_for_person(&format!("A message in {language}, in which nobody is answered"), priority);
        }
        vec![self.ask()]
    }

    /// Takes the language of the message for the conversation's; returns the name of one in which nobody is answered.
    fn hear(&mut self) -> Option<&'static str> {
        match language::spoken(&self.text)? {
            Spoken::Ours(language) => {
                self.conversation.language = Some(language);
                None
            }
            Spoken::Other(name) => Some(name.unwrap_or_default()),
        }
    }

    fn ask(&self) -> Effect {
        Effect::AskModel(self.answerer)
    }

    fn model_replied(&mut self, mut reply: ChatReply) -> Vec<Effect> {
        if reply.calls.is_empty() {
            reply.text = tidy(&reply.text);
            if reply.text.is_empty() {
                return self.force_hand_over("The assistant had no answer");
            }
            return vec![self.finish(reply)];
        }
        self.model_rounds += 1;
        let calls = self.rounds.len() + self.queue.len() + reply.calls.len();
        if self.model_rounds > MAX_ROUNDS || calls > MAX_CALLS {
            return self.force_hand_over("The assistant went round in circles");
        }
        self.queue.extend(reply.calls);
        self.next()
    }

    fn next(&mut self) -> Vec<Effect> {
        match self.queue.pop_front() {
            Some(call) => vec![Effect::CallTool(call)],
            None => vec![self.ask()],
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each outcome")]
    fn tool_done(&mut self, call: ToolCall, mut result: ToolResult) -> Vec<Effect> {
        for (order, amount) in guard::amounts_of(&result.outcome) {
            match order {
                Some(order) => self.conversation.known.add_order_amount(order, amount),
                None => self.conversation.known.add_amounts([amount]),
            }
        }
        for order in guard::shown_by(&result.outcome) {
            self.conversation.known.add_order(order);
        }
        let language = Language::of(&self.conversation);
        match &result.outcome {
            Outcome::Orders(orders) => {
                for order in orders {
                    if let Some(name) = &order.details.display_id {
                        self.conversation.names.add(OrderId::new(name), order.id.clone());
                    }
                }
                let own: Vec<OrderId> = orders.iter().map(|order| order.id.clone()).collect();
                self.nameable.extend(own.iter().cloned());
                self.settings.patterns = self.settings.patterns.knowing(&self.conversation.names, &self.nameable);
                self.own = Some(own);
            }
            Outcome::Order(_) | Outcome::Unproven(_) => {
                if let Some(id) = result.outcome.order_shown() {
                    self.conversation.known.add_order(id);
                    self.statuses.retain(|(known, _)| known != id);
                    self.statuses.push((id.clone(), order_status(language, &self.settings.money, &result.value)));
                }
            }
            Outcome::Quoted(quote) | Outcome::Proposed(quote) => {
                self.quotes.retain(|known| known.order_id != quote.order_id);
                self.quotes.push(quote.clone());
            }
            Outcome::Refused(order, refusal) | Outcome::Denied(order, Denial::Policy(refusal)) => {
                let reason = refusal.reason(language, &self.settings.money);
                self.refused.retain(|(id, _)| id != order);
                self.refused.push((order.clone(), reason));
            }
            Outcome::Refunded { refund, already } => {
                self.conversation.known.add_refund(PaidRefund::of(refund));
                self.quotes.retain(|quote| quote.order_id != refund.order_id);
                let arrival = result.value["estimated_arrival"].as_str().map(str::to_owned);
                self.paid.retain(|paid| paid.refund.transaction_id != refund.transaction_id || !paid.already);
                if self.paid.iter().all(|paid| paid.refund.transaction_id != refund.transaction_id) {
                    self.paid.push(Paid { refund: refund.clone(), already: *already, arrival });
                }
            }
            Outcome::Declined(order, kind, refusal) => {
                let reason = refusal.reason(language, *kind, &self.settings.money);
                self.declined.retain(|(id, _)| id != order);
                let name = self.conversation.name_of(order);
                self.declined.push((order.clone(), proposals::refused(language, *kind, name, &reason)));
            }
            Outcome::Acted { action, refund, already } => {
                self.quotes.retain(|proposal| proposal.order_id != action.order_id);
                if let Some(refund) = refund {
                    self.conversation.known.add_refund(PaidRefund::of(refund));
                    if self.paid.iter().all(|paid| paid.refund.transaction_id != refund.transaction_id) {
                        let arrival = result.value["estimated_arrival"].as_str().map(str::to_owned);
                        self.paid.push(Paid { refund: refund.clone(), already: *already, arrival });
                    }
                }
                self.acted.retain(|acted| acted.action.id != action.id || !acted.already);
                if self.acted.iter().all(|acted| acted.action.id != action.id) {
                    self.acted.push(Acted { action: action.clone(), already: *already });
                }
            }
            Outcome::RefundStatus(_, Some(refund)) => {
                self.conversation.known.add_refund(PaidRefund::of(refund));
                // What was paid in this turn is told with its state of now.
                for paid in self.paid.iter_mut().filter(|paid| paid.refund.transaction_id == refund.transaction_id) {
                    paid.refund.clone_from(refund);
                }
            }
            Outcome::Knowledge(passages) => {
                // The shop wrote them: their sentences, amounts and contacts may be repeated.
                for passage in passages {
                    self.settings.shop_texts.add(&passage.text, &self.settings.patterns, &self.settings.money);
                }
            }
            Outcome::HandedOver(alert) => self.alert = Some(alert.clone()),
            Outcome::NotFound(_) => self.missed = true,
            _ => {}
        }
        if call.name == FIND_ORDERS {
            // Where they cannot be listed, the model's question stands.
            self.own.get_or_insert_default();
        }
        // What a proposal says, and why something is not done, is also said to the customer: in the language of the conversation.
        let said = match &result.outcome {
            Outcome::Quoted(proposal) | Outcome::Proposed(proposal) => {
                Some(("summary", compose::offer(language, &self.settings.money, proposal)))
            }
            _ if language == Language::English => None,
            Outcome::Refused(_, refusal) => Some(("reason", refusal.reason(language, &self.settings.money))),
            Outcome::Denied(_, denial) => Some(("message", denial.message(language, &self.settings.money))),
            _ => None,
        };
        if let (Some((field, said)), Some(value)) = (said, result.value.as_object_mut()) {
            value.insert(field.to_owned(), said.into());
        }
        let wrong = matches!(result.outcome, Outcome::WrongCall(_));
        self.rounds.push(Round { call, result: result.value, wrong });
        if self.forced {
            return vec![self.finish_forced()];
        }
        if self.queue.is_empty()
            && self.answerer == Answerer::Model
            && let Some(reply) = self.held.take()
        {
            // The model asked for an id before it knew of the customer's own orders.
            return vec![self.finish_model(reply)];
        }
        self.next()
    }

    fn force_hand_over(&mut self, why: &str) -> Vec<Effect> {
        self.ask_for_person(why, "medium")
    }

    fn ask_for_person(&mut self, why: &str, priority: &str) -> Vec<Effect> {
        self.forced = true;
        self.queue.clear();
        vec![Effect::CallTool(ToolCall {
            id: "hand_over".to_owned(),
            name: HUMAN.to_owned(),
            arguments: json!({"reason": why, "last_message": excerpt(&self.text, 500), "priority": priority}),
        })]
    }

    fn finish_forced(&mut self) -> Effect {
        // Quotes of this turn were never shown to the customer.
        self.quotes.clear();
        self.record_outcome(WaitingFor::Nothing, false);
        let language = Language::of(&self.conversation);
        if let Some(report) = &self.fraud {
            return Effect::Reply(sentences::fraud::warning(report, self.alert.is_some()));
        }
        if let Some(lead) = self.lead.as_ref().filter(|_| self.alert.is_some()) {
            return Effect::Reply(sentences::join([lead.as_str(), handoff::done(language)]));
        }
        if self.reminding && self.alert.is_some() {
            return Effect::Reply(choices::still_waiting(language).to_owned());
        }
        let text = if self.alert.is_some() {
            handoff::done_without_answer(language)
        } else {
            handoff::failed_without_answer(language)
        };
        Effect::Reply(text.to_owned())
    }

    fn finish(&mut self, reply: ChatReply) -> Effect {
        match reply.author {
            Author::Program => self.finish_program(&reply),
            Author::Model => self.finish_model(reply),
        }
    }

    /// A reply of the program's own words: its facts are held against the evidence, its wording is as it should be.
    fn finish_program(&mut self, reply: &ChatReply) -> Effect {
        let language = Language::of(&self.conversation);
        // What a proposal repeats of the customer's own words is no fact of the program's.
        let mut facts = reply.text.clone();
        for proposal in self.quotes.iter().filter(|proposal| proposal.details.change.is_some()) {
            facts = facts.replace(&compose::offer(language, &self.settings.money, proposal), "");
        }
        if let Err(unsupported) = guard::check_program(&facts, &self.evidence("")) {
            self.unsupported.get_or_insert(unsupported);
            return self.send(&self.composed(""), None);
        }
        // Only what the customer has read can be agreed to.
        self.quotes.retain(|quote| reply.text.contains(&compose::offer(language, &self.settings.money, quote)));
        let Some(notes) = &reply.notes else {
            let waiting = if self.quotes.is_empty() { self.asked_for(&reply.text) } else { WaitingFor::Consent };
            self.record_outcome(waiting, false);
            return Effect::Reply(reply.text.clone());
        };
        self.conversation.pending.clone_from(&notes.pending);
        self.conversation.suggested.clone_from(&notes.suggested);
        self.conversation.remember_orders(&notes.about);
        let nothing_offered = notes.waiting_for == WaitingFor::Consent && self.quotes.is_empty();
        self.record_outcome(if nothing_offered { WaitingFor::Nothing } else { notes.waiting_for }, notes.failed);
        Effect::Reply(reply.text.clone())
    }

    /// A reply of a language model: what of it may leave, beside the program's sentences. Where that would be no answer, the
    /// playbook is asked for one, once in a turn.
    fn finish_model(&mut self, reply: ChatReply) -> Effect {
        if self.asks_needlessly(&reply.text) {
            let known = self.own.is_some();
            self.held = Some(reply);
            if known {
                self.answerer = Answerer::Playbook;
                self.model_rounds = 0;
                return self.ask();
            }
            return Effect::CallTool(ToolCall {
                id: "own_orders".to_owned(),
                name: FIND_ORDERS.to_owned(),
                arguments: json!({}),
            });
        }
        let composed = self.composed(&reply.text);
        if self.unsupported.is_none() {
            self.unsupported.clone_from(&composed.held);
        }
        if composed.leaves_a_gap() && self.answerer == Answerer::Model {
            self.answerer = Answerer::Playbook;
            self.model_rounds = 0;
            self.held = Some(reply);
            return self.ask();
        }
        self.send(&composed, reply.notes.and_then(|notes| notes.pending))
    }

    /// Whether a model asks for an order id although the customer's number has orders, or may have: one of them is named
    /// then.
    fn asks_needlessly(&self, text: &str) -> bool {
        self.answerer == Answerer::Model
            && self.named_orders.is_empty()
            && self.conversation.order_ids.is_empty()
            && !matches!(self.conversation.waiting_for, WaitingFor::OrderId | WaitingFor::Person)
            && self.own.as_ref().is_none_or(|own| !own.is_empty())
            && asked_for(text) == WaitingFor::OrderId
    }

    /// The customer's own orders of which a model's reply asks whether one of them is meant.
    fn asks_about(&self, text: &str) -> Vec<OrderId> {
        let own = self.own.as_deref().unwrap_or_default();
        if own.is_empty() || !self.named_orders.is_empty() || !self.statuses.is_empty() {
            return Vec::new();
        }
        let questions =
            text.split_inclusive(['?', '؟', '.', '!', '\n', '।']).filter(|sentence| sentence.ends_with(['?', '؟']));
        let named = questions.flat_map(|question| self.settings.patterns.orders_in(question));
        let mut asked: Vec<OrderId> = Vec::new();
        for id in named.filter(|id| own.contains(id)) {
            if !asked.contains(&id) {
                asked.push(id);
            }
        }
        asked
    }

    fn send(&mut self, composed: &Composed, pending: Option<Pending>) -> Effect {
        if !composed.offers {
            self.quotes.clear();
        }
        self.conversation.pending = pending;
        let done = self.alert.is_some() || !self.paid.is_empty() || !self.acted.is_empty();
        let waiting = match composed {
            Composed { offers: true, .. } => WaitingFor::Consent,
            Composed { offers_person: true, .. } => WaitingFor::Person,
            _ if done => WaitingFor::Nothing,
            _ => self.asked_for(&composed.text),
        };
        let asked = self.asks_about(&composed.text);
        let waiting = if waiting == WaitingFor::Nothing && !asked.is_empty() && !done {
            self.conversation.suggested = asked;
            WaitingFor::WhichOrder
        } else {
            waiting
        };
        self.record_outcome(waiting, composed.offers_person);
        Effect::Reply(composed.text.clone())
    }

    fn composed(&self, text: &str) -> Composed {
        let results = self.rounds.iter().map(|round| round.result.to_string()).collect::<Vec<_>>().join("\n");
        let refund = topic::intent::REFUND;
        let triaged = self.conversation.triage.as_ref().is_some_and(|triage| triage.intent == refund);
        let happened = Happened {
            language: Language::of(&self.conversation),
            money: &self.settings.money,
            quotes: &self.quotes,
            paid: &self.paid,
            handed_over: self.alert.is_some(),
            refused: &self.refused,
            acted: &self.acted,
            declined: &self.declined,
            statuses: &self.statuses,
            wants_refund: triaged || topic::mentions(&self.text, refund),
        };
        compose::compose(text, happened, self.evidence(&results))
    }

    fn evidence<'a>(&'a self, results: &'a str) -> Evidence<'a> {
        Evidence {
            known: &self.conversation.known,
            orders: &self.nameable,
            customers: &self.conversation.customer_ids,
            customer_text: &self.text,
            results,
            shop_texts: &self.settings.shop_texts,
            patterns: &self.settings.patterns,
            money: &self.settings.money,
        }
    }

    fn record_outcome(&mut self, waiting_for: WaitingFor, failed: bool) {
        self.conversation.waiting_for = waiting_for;
        if waiting_for != WaitingFor::WhichOrder {
            self.conversation.suggested.clear();
        }
        self.conversation.failures = if failed { self.conversation.failures.saturating_add(1) } else { 0 };
        let (language, money) = (Language::of(&self.conversation), self.settings.money);
        let offers = self.quotes.drain(..).map(|proposal| {
            let says = compose::offer(language, &money, &proposal);
            Offer::of(&proposal, says)
        });
        self.conversation.offered = offers.collect();
        if let Some(alert) = &self.alert {
            self.conversation.mode = Mode::HandedOver { alert_id: alert.id.clone() };
            self.conversation.reset_context();
            self.conversation.waiting_since = Some(self.now);
        }
    }

    /// What a reply without notes waits for.
    fn asked_for(&self, reply: &str) -> WaitingFor {
        match asked_for(reply) {
            // The model asks for what else shows whose order it is: the next message is read for that.
            WaitingFor::Nothing if self.missed => WaitingFor::Proof,
            asked => asked,
        }
    }

    /// What the model is given about the turn.
    pub fn facts(&self) -> Facts {
        let triage = self.conversation.triage.clone().unwrap_or_else(|| unread(self.now));
        Facts {
            text: self.text.clone(),
            triage,
            cause: self.cause,
            named_orders: self.named_orders.clone(),
            suspected: self.suspected.clone(),
            patterns: self.settings.patterns.clone(),
            is_answer: self.is_answer,
            conversation: self.conversation.clone(),
            money: self.settings.money,
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

    /// Why the message was classified, or not.
    pub fn cause(&self) -> TriageCause {
        self.cause
    }

    /// Why the guard held the reply back.
    pub fn unsupported(&self) -> Option<&Unsupported> {
        self.unsupported.as_ref()
    }

    /// The conversation as it is to be stored.
    pub fn into_conversation(self) -> Conversation {
        self.conversation
    }
}

/// The label of `urgency` with which somebody's body or safety cannot wait.
const DANGER: &str = "danger";

/// The reading of a message that was not read.
fn unread(now: Timestamp) -> Triage {
    Triage { intent: topic::intent::OTHER.to_owned(), sentiment: "neutral".to_owned(), at: now, ..Triage::default() }
}

/// Whether the last reply asked which order is meant: then a plain number is one.
pub(super) fn asks_for_order(waiting_for: WaitingFor) -> bool {
    matches!(waiting_for, WaitingFor::OrderId | WaitingFor::WhichOrder)
}

/// Which of the orders that the last reply suggested a message means.
fn suggested_orders(
    conversation: &Conversation,
    text: &str,
    incoming: &Incoming,
    patterns: &IdPatterns,
) -> Vec<OrderId> {
    let suggested = &conversation.suggested;
    if conversation.waiting_for != WaitingFor::WhichOrder || !incoming.is_answer() {
        return Vec::new();
    }
    match consent::answer(text, patterns) {
        Answer::Yes => suggested.first().cloned().into_iter().collect(),
        Answer::No => Vec::new(),
        Answer::Unclear => consent::chosen_orders(text, suggested, patterns),
    }
}

/// What a reply waits for where the model gave no notes: an order id that it asks for.
fn asked_for(reply: &str) -> WaitingFor {
    let lower = reply.to_lowercase();
    let id = [
        "order id",
        "order number",
        "order no",
        "ऑर्डर आईडी",
        "ऑर्डर नंबर",
        "número de pedido",
        "número do pedido",
        "número do seu pedido",
        "número de su pedido",
        "número de orden",
        "رقم الطلب",
        "رقم طلبك",
    ];
    let id = id.iter().any(|words| lower.contains(words));
    let asks = [
        "?",
        "؟",
        "please",
        "send",
        "share",
        "tell me",
        "give",
        "bata",
        "bhej",
        "भेज",
        "बता",
        "por favor",
        "envíe",
        "envie",
        "comparta",
        "diga",
        "dígame",
        "informe",
        "يرجى",
        "أرسل",
        "إرسال",
    ];
    if id && asks.iter().any(|word| lower.contains(word)) { WaitingFor::OrderId } else { WaitingFor::Nothing }
}

/// Whether a message has to be classified, and why.
fn triage_cause(conversation: &Conversation, text: &str, now: Timestamp, settings: &Settings) -> TriageCause {
    let Some(triage) = &conversation.triage else { return TriageCause::FirstMessage };
    if conversation.gap_before(now, settings.gap) {
        return TriageCause::Gap;
    }
    let bare = settings.patterns.without_ids(text);
    let answered =
        matches!(conversation.waiting_for, WaitingFor::Consent | WaitingFor::Person | WaitingFor::WhichOrder)
            && consent::answer_to(text, &conversation.offered, &settings.patterns) != Answer::Unclear;
    if answered {
        return TriageCause::Cached;
    }
    let elsewhere = topic::topics_in(&bare).into_iter().any(|touched| touched != triage.intent);
    let content = topic::content_words(&bare);
    let open_ended = match conversation.waiting_for {
        WaitingFor::OrderId | WaitingFor::CustomerId | WaitingFor::Proof => content >= 6,
        // Whatever says something may be another wish, also beside a yes.
        _ => content >= 1,
    };
    if elsewhere || open_ended { TriageCause::TopicChange } else { TriageCause::Cached }
}

#[cfg(test)]
#[path = "turn_tests.rs"]
mod tests;

//! A turn of a conversation as a pure state machine: it takes events and returns effects, and does no I/O itself.

mod incoming;
mod replies;
mod results;
mod waiting;

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

pub use incoming::Incoming;

use super::compose::{Acted, Paid};
use super::guard::{ShopTexts, Unsupported};
use super::reply::{tidy, tidy_own};
use crate::domain::alert::Alert;
use crate::domain::caller::{Caller, Customer, Showing};
use crate::domain::consent::{self, Answer, Press};
use crate::domain::conversation::{Conversation, Mode, Triage, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::danger::{self, DANGER, Told};
use crate::domain::fraud;
use crate::domain::ids::{Certainty, IdPatterns, OrderId};
use crate::domain::inbound::Given;
use crate::domain::language::{self, Spoken};
use crate::domain::opening_hours::OpeningHours;
use crate::domain::proposal::Proposal;
use crate::domain::sentences::{Language, choices, small_talk};
use crate::domain::topic;
use crate::domain::wish::Wish;
use crate::domain::words::excerpt;
use crate::llm::{Author, ChatReply, Facts, MAX_ROUNDS, Round, ToolCall};
use crate::tools::{HUMAN, ToolResult};

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
    /// When people of the team answer.
    pub hours: OpeningHours,
    /// What replies may repeat from the shop's own texts.
    pub shop_texts: ShopTexts,
    /// Faults that have to be shown before something is offered for them.
    pub needs_photo: Vec<Wish>,
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
    /// What the customer sent, words or not, as the team reads it.
    sent: String,
    named_orders: Vec<OrderId>,
    /// Orders that would be named, were letters digits.
    suspected: Vec<OrderId>,
    /// Orders that a picture names.
    seen: Vec<OrderId>,
    /// Orders that a reply may name although nothing was found out about them.
    nameable: Vec<OrderId>,
    /// The customer's own orders, where they were listed in this turn.
    own: Option<Vec<OrderId>>,
    given: Option<Given>,
    /// Whether something was not offered because there is none.
    photo_awaited: bool,
    is_answer: bool,
    is_by_voice: bool,
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
    /// Whether the customer waits for a person.
    waits: bool,
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
        // What is given alone is about itself, and holds no words to be read.
        let cause = if incoming.is_given_alone() {
            TriageCause::TopicChange
        } else {
            triage_cause(&conversation, &text, now, &settings)
        };
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
        let seen: Vec<OrderId> = incoming.seen.iter().flat_map(|text| settings.patterns.orders_in(text)).collect();
        let nameable = conversation.order_ids.iter().chain(&suspected).chain(&seen).chain(&conversation.suggested);
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
            showing: Showing { faults: Vec::new(), photos: incoming.photos.clone() },
            sent: incoming.sent_text(),
        });
        Self {
            settings,
            conversation,
            text,
            named_orders,
            suspected,
            seen,
            nameable,
            own: None,
            given: incoming.given.clone(),
            sent: incoming.sent_text(),
            photo_awaited: false,
            is_answer: incoming.is_answer(),
            is_by_voice: incoming.is_by_voice(),
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
            waits: false,
            foreign: None,
            lead: None,
            unsupported: None,
        }
    }

    /// Takes an event and returns what is to be done.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        let effects = self.effects_of(event);
        effects.into_iter().map(|effect| self.with_opening(effect)).collect()
    }

    fn effects_of(&mut self, event: Event) -> Vec<Effect> {
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
        self.waits = matches!(self.conversation.mode, Mode::HandedOver { .. });
        // Before any model, and whoever answers: a warning that comes late warns nobody. Somebody in danger comes before money.
        if !self.conversation.warned.fraud
            && !self.is_surely_in_danger()
            && let Some(report) = fraud::reported(&self.text)
        {
            self.fraud = Some(report);
            return self.ask_for_person(report.reason(), "high");
        }
        let read =
            self.is_given_alone() || (self.cause == TriageCause::Cached && self.foreign.is_none() && !self.waits);
        if !read {
            return vec![Effect::Triage(self.text.clone())];
        }
        self.note_fault(false);
        vec![self.ask()]
    }

    fn triaged(&mut self, triage: Option<Triage>) -> Vec<Effect> {
        if self.waits {
            return self.triaged_while_waiting(triage);
        }
        // Whoever answers: a language model is not asked whether somebody's body or safety can wait.
        if self.is_in_danger(triage.as_ref()) {
            return self.warn_of_danger(triage);
        }
        // Without a result the last one is used; without any, the message counts as a general one of no confidence.
        let last = || self.conversation.triage.clone();
        self.conversation.triage = Some(triage.or_else(last).unwrap_or_else(|| unread(self.now)));
        if let Some(name) = self.foreign {
            self.lead = Some(small_talk::language_not_spoken(name));
            let language = if name.is_empty() { "a language" } else { name };
            // What cannot be read may be urgent; what names an order is about that.
            let priority = if self.named_orders.is_empty() { "high" } else { "medium" };
            return self.ask_for_person(&format!("A message in {language}, in which nobody is answered"), priority);
        }
        self.note_fault(true);
        vec![self.ask()]
    }

    /// Whether the message tells of a danger, as it was read or by its words alone.
    fn is_in_danger(&self, triage: Option<&Triage>) -> bool {
        triage.is_some_and(|triage| triage.urgency == DANGER) || self.is_surely_in_danger()
    }

    fn is_surely_in_danger(&self) -> bool {
        danger::told(&self.text) == Told::Surely
    }

    fn warn_of_danger(&mut self, triage: Option<Triage>) -> Vec<Effect> {
        let read = triage.or_else(|| self.conversation.triage.clone()).unwrap_or_else(|| unread(self.now));
        self.conversation.triage = Some(Triage { urgency: DANGER.to_owned(), ..read });
        self.lead = Some(choices::danger(Language::of(&self.conversation)).to_owned());
        self.ask_for_person("Somebody may be in danger", "high")
    }

    /// Takes the language of the message for the conversation's; returns the name of one in which nobody is answered.
    fn hear(&mut self) -> Option<&'static str> {
        match language::spoken(&self.text) {
            // Until a message tells, the number does.
            None => {
                let language = self.conversation.language;
                self.conversation.language =
                    language.or_else(|| language::of_number(self.conversation.user_id.as_str()));
                None
            }
            Some(Spoken::Ours(language)) => {
                self.conversation.language = Some(language);
                None
            }
            Some(Spoken::Other(name)) => Some(name.unwrap_or_default()),
        }
    }

    fn ask(&self) -> Effect {
        Effect::AskModel(self.answerer)
    }

    fn model_replied(&mut self, mut reply: ChatReply) -> Vec<Effect> {
        if reply.calls.is_empty() {
            reply.text = match reply.author {
                Author::Model => tidy(&reply.text),
                Author::Program => tidy_own(&reply.text),
            };
            if reply.text.is_empty() {
                return self.force_hand_over("The assistant had no answer");
            }
            let asks = reply.notes.as_ref().is_some_and(|notes| notes.waiting_for != WaitingFor::Nothing);
            if self.waits && (asks || !self.quotes.is_empty()) {
                // Nothing is offered or asked while a person is awaited: the person is told of the wish as well.
                return self.ask_for_person("The customer waits for a person, and has another wish", "medium");
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

    fn force_hand_over(&mut self, why: &str) -> Vec<Effect> {
        if self.waits {
            return vec![Effect::StaySilent];
        }
        self.ask_for_person(why, "medium")
    }

    fn ask_for_person(&mut self, why: &str, priority: &str) -> Vec<Effect> {
        self.forced = true;
        self.queue.clear();
        vec![Effect::CallTool(ToolCall {
            id: "hand_over".to_owned(),
            name: HUMAN.to_owned(),
            arguments: json!({"reason": why, "last_message": excerpt(&self.sent, 500), "priority": priority}),
        })]
    }

    /// What the model is given about the turn.
    pub fn facts(&self) -> Facts {
        // What was read of an earlier message says nothing of what is given without a word.
        let read = self.conversation.triage.clone().filter(|_| !self.is_given_alone());
        let triage = read.unwrap_or_else(|| unread(self.now));
        Facts {
            text: self.text.clone(),
            triage,
            cause: self.cause,
            named_orders: self.named_orders.clone(),
            suspected: self.suspected.clone(),
            seen: self.seen.clone(),
            patterns: self.settings.patterns.clone(),
            is_answer: self.is_answer,
            is_by_voice: self.is_by_voice,
            given: self.given.clone(),
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
    if conversation.waiting_for != WaitingFor::WhichOrder || !(incoming.is_answer() || incoming.is_by_voice()) {
        return Vec::new();
    }
    match consent::answer(text, patterns) {
        Answer::Yes => suggested.first().cloned().into_iter().collect(),
        Answer::No => Vec::new(),
        Answer::Unclear => consent::chosen_orders(text, suggested, patterns),
    }
}

/// Whether a message has to be classified, and why.
fn triage_cause(conversation: &Conversation, text: &str, now: Timestamp, settings: &Settings) -> TriageCause {
    let Some(triage) = &conversation.triage else { return TriageCause::FirstMessage };
    if conversation.gap_before(now, settings.gap) {
        return TriageCause::Gap;
    }
    let bare = settings.patterns.without_ids(text);
    if danger::told(&bare) >= Told::Perhaps {
        // Also where a few words answer what was asked.
        return TriageCause::TopicChange;
    }
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

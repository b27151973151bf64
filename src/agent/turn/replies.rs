//! How a turn ends: the reply that may leave, and what is remembered of it.
//!
//! It must never let a reply pass that says more than the tools did.

use serde_json::json;

use super::{Answerer, DANGER, Effect, Turn};
use crate::agent::compose::{self, Composed, Happened};
use crate::agent::guard::{self, Evidence};
use crate::domain::conversation::{Mode, Offer, Pending, WaitingFor};
use crate::domain::ids::OrderId;
use crate::domain::sentences::{self, Language, choices, handoff};
use crate::domain::topic;
use crate::llm::{Author, ChatReply, ToolCall};
use crate::tools::FIND_ORDERS;

impl Turn {
    pub(super) fn finish_forced(&mut self) -> Effect {
        // Quotes of this turn were never shown to the customer.
        self.quotes.clear();
        self.record_outcome(WaitingFor::Nothing, false);
        let language = Language::of(&self.conversation);
        if let Some(report) = &self.fraud {
            return Effect::Reply(sentences::fraud::warning(report, self.alert.is_some()));
        }
        if let Some(lead) = &self.lead {
            let person =
                if self.alert.is_some() { handoff::done(language) } else { handoff::failed_without_answer(language) };
            return Effect::Reply(sentences::join([lead.as_str(), person]));
        }
        if self.reminding {
            // True also where the team could not be told.
            return Effect::Reply(choices::still_waiting(language).to_owned());
        }
        if self.waits && self.alert.is_some() {
            return Effect::Reply(handoff::done(language).to_owned());
        }
        let text = if self.alert.is_some() {
            handoff::done_without_answer(language)
        } else {
            handoff::failed_without_answer(language)
        };
        Effect::Reply(text.to_owned())
    }

    /// A reply that brings a person in says when somebody answers, where that is later.
    pub(super) fn with_opening(&self, effect: Effect) -> Effect {
        let Effect::Reply(text) = effect else { return effect };
        let opens = if self.alert.is_some() && !self.conversation.claimed {
            self.settings.hours.next_opening(self.now)
        } else {
            None
        };
        let opens = opens.map(|at| handoff::answers_again(Language::of(&self.conversation), at));
        Effect::Reply(sentences::join([Some(text.as_str()), opens.as_deref()].into_iter().flatten()))
    }

    pub(super) fn finish(&mut self, reply: ChatReply) -> Effect {
        match reply.author {
            Author::Program => self.finish_program(&reply),
            Author::Model => self.finish_model(reply),
        }
    }

    /// A reply of the program's own words: its facts are held against the evidence, its wording is as it should be.
    pub(super) fn finish_program(&mut self, reply: &ChatReply) -> Effect {
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
    pub(super) fn finish_model(&mut self, reply: ChatReply) -> Effect {
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
    pub(super) fn asks_needlessly(&self, text: &str) -> bool {
        self.answerer == Answerer::Model
            && self.named_orders.is_empty()
            && self.conversation.order_ids.is_empty()
            && !matches!(self.conversation.waiting_for, WaitingFor::OrderId | WaitingFor::Person)
            && self.own.as_ref().is_none_or(|own| !own.is_empty())
            && asked_for(text) == WaitingFor::OrderId
    }

    /// The customer's own orders of which a model's reply asks whether one of them is meant.
    pub(super) fn asks_about(&self, text: &str) -> Vec<OrderId> {
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

    pub(super) fn send(&mut self, composed: &Composed, pending: Option<Pending>) -> Effect {
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

    pub(super) fn composed(&self, text: &str) -> Composed {
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

    pub(super) fn evidence<'a>(&'a self, results: &'a str) -> Evidence<'a> {
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

    pub(super) fn record_outcome(&mut self, waiting_for: WaitingFor, failed: bool) {
        // Whoever answers: what comes next may be the photo.
        let awaits = self.photo_awaited && waiting_for == WaitingFor::Nothing;
        self.conversation.waiting_for = if awaits { WaitingFor::Photo } else { waiting_for };
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
        let Some(alert) = &self.alert else {
            if self.waits {
                // Only the matter for which a person is awaited is remembered.
                self.conversation.drop_questions();
            }
            return;
        };
        let in_danger =
            !self.is_given_alone() && self.conversation.triage.as_ref().is_some_and(|triage| triage.urgency == DANGER);
        let mut warned = self.conversation.warned;
        warned.danger |= in_danger;
        warned.fraud |= self.fraud.is_some();
        // What a person was asked in for first stays the team's, whatever else is wished meanwhile.
        let now = self.conversation.triage.as_ref().map(|triage| triage.intent.clone());
        let matter = if self.waits { self.conversation.handed_over_for.take().or(now) } else { now };
        self.conversation.mode = Mode::HandedOver { alert_id: alert.id.clone() };
        self.conversation.reset_context();
        self.conversation.waiting_since = Some(self.now);
        self.conversation.warned = warned;
        self.conversation.handed_over_for = matter;
    }

    /// What a reply without notes waits for.
    pub(super) fn asked_for(&self, reply: &str) -> WaitingFor {
        match asked_for(reply) {
            // The model asks for what else shows whose order it is: the next message is read for that.
            WaitingFor::Nothing if self.missed => WaitingFor::Proof,
            asked => asked,
        }
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

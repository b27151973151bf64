//! The course of a turn: an answer to what was asked, a change of subject, or a new request.
//!
//! It must never pay: it requests `process_refund` after a plain yes, and the support service decides again.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::Settings;
use super::matchers::{self, SmallTalk};
use super::results;
use crate::domain::consent::{self, Answer};
use crate::domain::conversation::{Conversation, Pending, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::refund::RefundState;
use crate::domain::sentences::{Language, feedback, handoff, identification, join, orders, refunds, small_talk};
use crate::domain::topic::{self, intent};
use crate::domain::words::excerpt;
use crate::llm::{Author, ChatReply, Facts, Notes, Round, ToolCall};
use crate::tools::{CHECK_REFUND, HUMAN, ORDER, REFUND};

/// A reply, or the next call to make.
pub(super) type Step<T> = Result<T, ToolCall>;

/// One run of the plan for a turn.
pub(super) struct Plan<'a> {
    pub(super) settings: &'a Settings,
    pub(super) facts: &'a Facts,
    rounds: &'a [Round],
    used: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(settings: &'a Settings, facts: &'a Facts, rounds: &'a [Round]) -> Self {
        Self { settings, facts, rounds, used: 0 }
    }

    /// The result of a call: from this turn's rounds, or a request to make the call.
    pub(super) fn tool(&mut self, name: &str, arguments: Value) -> Step<&'a Value> {
        let index = self.used;
        self.used += 1;
        match self.rounds.get(index) {
            Some(round) if round.call.name == name => Ok(&round.result),
            _ => Err(ToolCall { id: format!("call_{}", index + 1), name: name.to_owned(), arguments }),
        }
    }

    /// Whether this turn has looked an order up.
    pub(super) fn looked_up(&self, id: &OrderId) -> bool {
        self.rounds.iter().any(|round| round.call.arguments["order_id"] == id.as_str())
    }

    /// How many of the turn's calls the plan has used so far.
    pub(super) fn calls_used(&self) -> usize {
        self.used
    }

    /// Goes back to an earlier [`Self::calls_used`], to read the same results once more.
    pub(super) fn rewind(&mut self, used: usize) {
        self.used = used;
    }

    pub(super) fn order(&mut self, id: &OrderId) -> Step<&'a Value> {
        self.tool(ORDER, json!({"order_id": id.as_str()}))
    }

    pub(super) fn quote(&mut self, id: &OrderId) -> Step<&'a Value> {
        self.tool(CHECK_REFUND, json!({"order_id": id.as_str()}))
    }

    pub(super) fn conversation(&self) -> &'a Conversation {
        &self.facts.conversation
    }

    /// The language in which the customer is answered.
    pub(super) fn language(&self) -> Language {
        Language::of(self.conversation())
    }

    /// The shop's own currency, and how it writes amounts.
    pub(super) fn money(&self) -> &'a ShopMoney {
        &self.facts.money
    }

    pub(super) fn text(&self) -> &'a str {
        &self.facts.text
    }

    pub(super) fn intent(&self) -> &'a str {
        &self.facts.triage.intent
    }

    /// Whether the triage is of this message.
    pub(super) fn fresh(&self) -> bool {
        self.facts.cause != TriageCause::Cached
    }

    pub(super) fn negative(&self) -> bool {
        self.facts.triage.sentiment == "negative"
    }

    pub(super) fn very_negative(&self) -> bool {
        self.negative() && self.facts.triage.sentiment_confidence > self.settings.very_negative
    }

    /// The answer to what was asked; what is no answer of the customer's own is neither yes nor no.
    pub(super) fn answer(&self) -> Answer {
        if !self.facts.is_answer {
            return Answer::Unclear;
        }
        consent::answer(self.text(), &self.facts.patterns)
    }

    /// Decides the turn.
    pub(super) fn run(mut self) -> Step<ChatReply> {
        let text = self.text();
        if (self.fresh() && self.intent() == intent::HUMAN) || matchers::asks_for_person(text) {
            let priority = if self.negative() { "high" } else { "medium" };
            return self.request_handoff("The customer asks for a person", priority);
        }
        if topic::is_critical(text) || (self.negative() && topic::is_serious(text)) {
            return self.request_handoff("A serious matter: harm, health, law or fraud", "high");
        }
        if self.very_negative() && (topic::is_complex(text) || self.conversation().failures >= 2) {
            return self.request_handoff("A very upset customer with a complex issue", "high");
        }
        match self.conversation().waiting_for {
            WaitingFor::Consent => {
                if let Some(reply) = self.answer_to_offer()? {
                    return Ok(reply);
                }
            }
            WaitingFor::Person => match self.answer() {
                Answer::Yes => return self.request_handoff("The customer accepted the offer of a person", "medium"),
                Answer::No => {
                    return Ok(say(small_talk::all_right(self.language()), Notes::default()));
                }
                Answer::Unclear => {}
            },
            WaitingFor::OrderId | WaitingFor::CustomerId | WaitingFor::Proof => {
                if let Some(reply) = self.answer_to_id_question() {
                    return Ok(reply);
                }
            }
            WaitingFor::WhichOrder => {
                if let Some(reply) = self.answer_to_suggestion() {
                    return Ok(reply);
                }
            }
            WaitingFor::Details | WaitingFor::Nothing => {}
        }
        if let Some(talk) = matchers::small_talk(text)
            && self.facts.named_orders.is_empty()
        {
            return Ok(self.chat(talk));
        }
        self.by_intent()
    }

    /// Answers small talk; an open question stays open.
    fn chat(&self, talk: SmallTalk) -> ChatReply {
        let open = self.conversation();
        let stays_open = matches!(
            open.waiting_for,
            WaitingFor::OrderId
                | WaitingFor::WhichOrder
                | WaitingFor::CustomerId
                | WaitingFor::Proof
                | WaitingFor::Details
        );
        let notes = Notes {
            waiting_for: if stays_open { open.waiting_for } else { WaitingFor::Nothing },
            pending: open.pending.clone().filter(|_| stays_open),
            suggested: if stays_open { open.suggested.clone() } else { Vec::new() },
            failed: false,
        };
        match (talk, open.waiting_for) {
            (SmallTalk::Acknowledgement | SmallTalk::Greeting, WaitingFor::OrderId) => {
                say(&identification::still_need_order_id(self.language(), self.example()), notes)
            }
            _ => say(talk.reply(self.language()), notes),
        }
    }

    /// An answer to “shall I refund it?”; `None` when the message is about something else.
    fn answer_to_offer(&mut self) -> Step<Option<ChatReply>> {
        let offered: Vec<OrderId> = self.conversation().offered.iter().map(|offer| offer.order_id.clone()).collect();
        let named = &self.facts.named_orders;
        let meant: Vec<OrderId> = offered.iter().filter(|id| named.is_empty() || named.contains(id)).cloned().collect();
        match self.answer() {
            Answer::Yes if !meant.is_empty() => {
                let others: Vec<OrderId> = named.iter().filter(|id| !offered.contains(id)).cloned().collect();
                self.pay(&meant, &others).map(Some)
            }
            Answer::Yes => Ok(None),
            Answer::No => Ok(Some(say(refunds::offer_declined(self.language(), offered.len()), Notes::default()))),
            Answer::Unclear => self.unclear_answer(&offered),
        }
    }

    /// A message that neither accepts nor declines an offer: a narrower wish, a question, or another subject.
    fn unclear_answer(&mut self, offered: &[OrderId]) -> Step<Option<ChatReply>> {
        let text = self.text();
        let elsewhere = self.facts.named_orders.iter().any(|id| !offered.contains(id))
            || topic::mentions(text, intent::HUMAN)
            || matchers::declines_refund(text)
            || matchers::wants_replacement(text);
        let narrowed = consent::chosen_orders(text, offered, &self.facts.patterns);
        if !elsewhere && !narrowed.is_empty() && narrowed.len() < offered.len() {
            return self.offer(&narrowed, Some(refunds::only_that_one(self.language()).to_owned()), false).map(Some);
        }
        // “and how long?” after an offer is about the refund.
        let answer = self.faq_answer(&format!("{text} refund"));
        let asks = matchers::is_question(text);
        let about_this = [intent::REFUND, intent::OTHER, intent::CONTENT].contains(&self.intent());
        if elsewhere || (self.fresh() && !about_this && !asks) {
            return Ok(None);
        }
        let again = topic::mentions(text, intent::REFUND);
        if !again && answer.is_none() && self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The customer neither accepts nor declines the refund", "medium").map(Some);
        }
        let lead = match answer.as_deref() {
            Some(answer) => answer,
            None if asks => refunds::cannot_answer(self.language()),
            None => refunds::want_to_be_sure(self.language()),
        };
        self.offer(offered, Some(lead.to_owned()), !again && answer.is_none()).map(Some)
    }

    /// Pays the refunds that were agreed to.
    fn pay(&mut self, orders: &[OrderId], others: &[OrderId]) -> Step<ChatReply> {
        let language = self.language();
        let reason = self.reason();
        let mut lines = Vec::new();
        let mut renew = Vec::new();
        let mut unsure = false;
        for id in orders {
            let result = self.tool(REFUND, json!({"order_id": id.as_str(), "reason": reason}))?;
            let transaction = results::field(result, "transaction_id");
            let amount = results::amount(result, "amount_refunded", self.money());
            let arrival = results::field(result, "estimated_arrival");
            match results::field(result, "status") {
                "success" => lines.push(match results::refund_state(result) {
                    RefundState::Paid => refunds::paid(language, amount, id, transaction, Some(arrival)),
                    RefundState::Requested => refunds::requested(language, amount, id, transaction, Some(arrival)),
                    state => refunds::progress(language, state, amount, id, transaction),
                }),
                "already_refunded" => lines.push(match results::refund_state(result) {
                    RefundState::Paid => refunds::no_second_refund(language, amount, id, transaction),
                    state => refunds::progress(language, state, amount, id, transaction),
                }),
                _ => match results::field(result, "code") {
                    code @ ("quote_expired" | "quote_outdated" | "no_quote" | "consent_needed") => {
                        unsure |= code == "consent_needed";
                        renew.push(id.clone());
                    }
                    "not_found" => lines.push(self.not_found(id)),
                    _ => {
                        let why = results::field(result, "message");
                        if why.is_empty() {
                            return self.request_handoff("A refund the customer agreed to could not be paid", "high");
                        }
                        lines.push(refunds::not_paid(language, id, why));
                    }
                },
            }
        }
        if renew.is_empty() && !others.is_empty() {
            return self.offer(others, Some(lines.join("\n")), false);
        }
        if renew.is_empty() {
            lines.push(small_talk::anything_else(language).to_owned());
            return Ok(say(&lines.join("\n"), Notes::default()));
        }
        let why = if unsure { refunds::want_to_be_sure(language) } else { refunds::offer_expired(language) };
        lines.push(why.to_owned());
        self.offer(&renew, Some(lines.join("\n")), false)
    }

    /// An answer to the question for an id that holds none; `None` when the message is about something else.
    fn answer_to_id_question(&self) -> Option<ChatReply> {
        let waiting = self.conversation().waiting_for;
        let given = match waiting {
            WaitingFor::CustomerId => !self.facts.patterns.customers_in(self.text()).is_empty(),
            WaitingFor::Proof => self.text().chars().any(char::is_numeric),
            _ => !self.facts.named_orders.is_empty(),
        };
        let changed = self.fresh() && self.intent() != self.pending_intent() && self.intent() != intent::OTHER;
        if given || changed || matchers::small_talk(self.text()).is_some() {
            return None;
        }
        if let Some(answer) = self.faq_answer(self.text()) {
            let open = Notes { waiting_for: waiting, pending: self.conversation().pending.clone(), ..Notes::default() };
            return Some(say(&answer, open));
        }
        if self.answer() == Answer::No && !matchers::lacks_order_id(self.text()) {
            return Some(say(small_talk::leave_it(self.language()), Notes::default()));
        }
        let language = self.language();
        let place = match waiting {
            WaitingFor::CustomerId => identification::where_customer_id_is(language).to_owned(),
            WaitingFor::Proof => identification::where_proof_is(language, &self.settings.proofs),
            _ => identification::where_order_id_is(language, self.example()),
        };
        let text = join([place.as_str(), identification::person_to_find_id(language)]);
        Some(say(&text, self.notes(WaitingFor::Person, true)))
    }

    /// The reply when a tool failed: that is not the same as “not found”.
    pub(super) fn records_unavailable(&mut self) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The records could not be reached", "high");
        }
        Ok(say(orders::records_unavailable(self.language()), self.notes(self.conversation().waiting_for, true)))
    }

    /// The intent of the turn: this message's, or the pending one where the message only answers a question.
    pub(super) fn current_intent(&self) -> &'a str {
        let pending = self.pending_intent();
        let waiting = self.conversation().waiting_for != WaitingFor::Nothing;
        let own = self.fresh() && self.intent() != intent::OTHER;
        let bare_id = !self.facts.named_orders.is_empty()
            && topic::content_words(&self.facts.patterns.without_ids(self.text())) == 0;
        if waiting && !pending.is_empty() && (!own || bare_id) {
            pending
        } else if self.is_nearly_an_id() {
            intent::OTHER
        } else {
            self.intent()
        }
    }

    /// Whether the message is an id with slips in it and nothing else: what the model reads into it is no wish.
    fn is_nearly_an_id(&self) -> bool {
        if self.facts.suspected.is_empty() {
            return false;
        }
        let mut rest = self.text().to_owned();
        for mention in self.facts.patterns.mentions(self.text(), true).iter().rev() {
            rest.replace_range(mention.range.clone(), " ");
        }
        topic::content_words(&rest) == 0
    }

    pub(super) fn pending_intent(&self) -> &'a str {
        self.conversation().pending.as_ref().map(|pending| pending.intent.as_str()).unwrap_or_default()
    }

    /// Why the customer wants it, in their own words.
    pub(super) fn reason(&self) -> String {
        match &self.conversation().pending {
            Some(pending) if !pending.reason.is_empty() => pending.reason.clone(),
            _ => excerpt(self.text().trim(), 200),
        }
    }

    /// Notes that keep the pending request and wait for something.
    pub(super) fn notes(&self, waiting_for: WaitingFor, failed: bool) -> Notes {
        let reason = match &self.conversation().pending {
            Some(pending) if pending.intent == self.current_intent() => pending.reason.clone(),
            _ => excerpt(self.text().trim(), 200),
        };
        let pending = Some(Pending { intent: self.current_intent().to_owned(), reason });
        Notes { waiting_for, pending, suggested: Vec::new(), failed }
    }

    /// Brings a person in.
    pub(super) fn request_handoff(&mut self, why: &str, priority: &str) -> Step<ChatReply> {
        let known = self.conversation().order_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
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
            let sorry = if self.negative() { feedback::sorry_about_trouble(language) } else { "" };
            join([sorry, handoff::done(language)])
        } else {
            handoff::failed(language).to_owned()
        };
        Ok(say(&text, Notes::default()))
    }
}

/// A reply of the program.
pub(super) fn say(text: &str, notes: Notes) -> ChatReply {
    ChatReply { text: text.to_owned(), author: Author::Program, notes: Some(notes), ..ChatReply::default() }
}

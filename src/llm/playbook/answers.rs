//! Answers to what the last reply asked: a proposal, a choice among what can be done, something that is missing.
//!
//! It must never take a message for a yes that says anything else as well, nor hold a customer in a question who wants
//! something else.

use serde_json::Value;

use super::items::{self, Part};
use super::money::FOR_A_PERSON;
use super::notes::say;
use super::plan::{Plan, Step};
use super::said::Cue;
use super::{changes, matchers, proposals, results, wish};
use crate::domain::consent::{self, Answer};
use crate::domain::conversation::{Offer, Pending, PendingCall, WaitingFor};
use crate::domain::ids::OrderId;
use crate::domain::order::column;
use crate::domain::proposal::ProposalKind;
use crate::domain::sentences::{actions, choices, refunds};
use crate::domain::topic::{self, intent};
use crate::domain::wish::Wish;
use crate::llm::{ChatReply, Notes};

/// What a message may wish beside taking something back.
const WISHES: [Cue; 13] = [
    Cue::Money,
    Cue::Replacement,
    Cue::Exchange,
    Cue::Cancel,
    Cue::Person,
    Cue::Send,
    Cue::Return,
    Cue::Address,
    Cue::Phone,
    Cue::Slot,
    Cue::Instructions,
    Cue::Where,
    Cue::AllOrders,
];

impl Plan<'_> {
    /// An answer to a proposal; `None` when the message is about something else.
    pub(super) fn answer_to_offer(&mut self) -> Step<Option<ChatReply>> {
        let (refunds, others): (Vec<&Offer>, Vec<&Offer>) =
            self.conversation().offered.iter().partition(|offer| offer.kind == ProposalKind::Refund);
        let offered: Vec<OrderId> = refunds.into_iter().map(|offer| offer.order_id.clone()).collect();
        let mut pending = self.conversation().pending.clone().unwrap_or_default();
        if pending.calls.is_empty() && !others.is_empty() {
            // A language model proposed it, and is away now: of its calls only the offers are known.
            let reason = self.earlier_words();
            pending.calls = others.iter().filter_map(|offer| proposals::call_of(offer, &reason)).collect();
            pending.orders = others.iter().map(|offer| offer.order_id.clone()).chain(offered.clone()).collect();
        }
        if !pending.calls.is_empty() || !others.is_empty() {
            return self.answer_to_proposal(&pending, &offered);
        }
        let named = &self.facts.named_orders;
        let meant: Vec<OrderId> = offered.iter().filter(|id| named.is_empty() || named.contains(id)).cloned().collect();
        match self.answer() {
            Answer::Yes if !meant.is_empty() => {
                let others: Vec<OrderId> = named.iter().filter(|id| !offered.contains(id)).cloned().collect();
                self.pay(&meant, &others).map(Some)
            }
            Answer::Yes => Ok(None),
            Answer::No if self.is_left_for_person()? => {
                let lead = actions::nothing_changed(self.language());
                self.hand_over(lead, FOR_A_PERSON, "medium").map(Some)
            }
            Answer::No => Ok(Some(say(refunds::offer_declined(self.language(), offered.len()), Notes::default()))),
            Answer::Unclear => self.beside_offer(&offered),
        }
    }

    /// An answer to a proposal of something else than a refund. `refunds`: the orders whose money was offered beside it.
    fn answer_to_proposal(&mut self, pending: &Pending, refunds: &[OrderId]) -> Step<Option<ChatReply>> {
        let named = &self.facts.named_orders;
        let elsewhere = named.iter().any(|id| !pending.orders.contains(id));
        match self.answer() {
            Answer::Yes if !elsewhere => self.carry_out(pending, refunds).map(Some),
            Answer::No => Ok(Some(say(actions::nothing_changed(self.language()), Notes::default()))),
            _ => self.beside_proposal(pending),
        }
    }

    /// A message that takes the wish back, or puts it off.
    fn takes_back(&self) -> Option<ChatReply> {
        let language = self.language();
        let wishes_else =
            self.said.wants_money() || self.own_wish().is_concrete() && self.own_wish() != Wish::UndoCancel;
        // What follows a plain withdrawal gives the reason, whatever the model takes it for.
        let only_left = self.said.begins_with_leaving()
            && self.facts.named_orders.is_empty()
            && !WISHES.iter().any(|cue| self.said.has(*cue));
        if only_left
            || (self.said.withdraws()
                && !self.said.wants_money()
                && !(wishes_else && self.fresh() && self.names_another_wish()))
        {
            return Some(say(actions::nothing_changed(language), Notes::default()));
        }
        let later = self.said.has(Cue::Thinking) || (self.said.has(Cue::Later) && !self.said.asks());
        let puts_off = later && !self.said.has(Cue::Money) && self.said.words.len() <= 12;
        puts_off.then(|| {
            // What was proposed stays known: a yes later on brings it up again.
            let pending = self.conversation().pending.clone();
            say(actions::take_your_time(language), Notes { pending, ..Notes::default() })
        })
    }

    /// Whether the message is a wish of another kind than the open one.
    fn names_another_wish(&self) -> bool {
        let (own, open) = (self.own_wish(), self.pending_wish());
        let kind = |wish: Wish| if wish == Wish::RefundPart { Wish::RefundWhole } else { wish };
        own.is_concrete()
            && own != Wish::UndoCancel
            && !matches!(own, Wish::Question | Wish::Track)
            && open.is_none_or(|open| kind(open) != kind(own))
    }

    /// A message beside the proposal of a change: another wish, a withdrawal, a doubt.
    fn beside_proposal(&mut self, pending: &Pending) -> Step<Option<ChatReply>> {
        if let Some(reply) = self.takes_back() {
            return Ok(Some(reply));
        }
        let elsewhere = self.facts.named_orders.iter().any(|id| !pending.orders.contains(id));
        let own = self.own_wish();
        let only_asks = matches!(own, Wish::Question | Wish::Track | Wish::RefundStatus);
        // What is said once more may differ in what matters: another size, another address.
        if elsewhere || (self.fresh() && own.is_concrete() && !only_asks) {
            return Ok(None);
        }
        if self.said.asks() || (self.fresh() && only_asks) {
            return self.answered_beside(pending).map(Some);
        }
        if self.has_missed(0) {
            return self.request_handoff("The customer neither accepts nor declines a proposal", "medium").map(Some);
        }
        let lead = actions::want_to_be_sure(self.language());
        let mut reply = self.make_calls(&pending.calls, lead)?;
        if let Some(notes) = reply.as_mut().and_then(|reply| reply.notes.as_mut()) {
            notes.failed = notes.waiting_for == WaitingFor::Consent;
        }
        Ok(reply)
    }

    /// Answers a question in between, and proposes again what is open.
    fn answered_beside(&mut self, pending: &Pending) -> Step<ChatReply> {
        let answer = self.by_wish()?;
        let waits = answer.notes.as_ref().is_some_and(|notes| notes.waiting_for != WaitingFor::Nothing);
        if waits || self.is_handed_over {
            return Ok(answer);
        }
        let Some(mut again) = self.make_calls(&pending.calls, &format!("{}\n", answer.text))? else {
            return Ok(answer);
        };
        if let (Some(notes), Some(answered)) = (&mut again.notes, &answer.notes) {
            notes.failed |= answered.failed;
        }
        Ok(again)
    }

    /// A message that neither accepts nor declines an offer of money: a narrower wish, a question, or another subject.
    fn beside_offer(&mut self, offered: &[OrderId]) -> Step<Option<ChatReply>> {
        let text = self.text();
        if let Some(reply) = self.takes_back() {
            return Ok(Some(reply));
        }
        let elsewhere = self.facts.named_orders.iter().any(|id| !offered.contains(id))
            || topic::mentions(text, intent::HUMAN)
            || self.said.declines_money()
            || self.said.has(Cue::Replacement)
            || matchers::wants_replacement(text);
        let narrowed = consent::chosen_orders(text, offered, &self.facts.patterns);
        if !elsewhere && !narrowed.is_empty() && narrowed.len() < offered.len() {
            let lead = refunds::only_that_one(self.language()).to_owned();
            return self.offer(&narrowed, &[], Some(lead), false).map(Some);
        }
        if !elsewhere
            && let [id] = offered
            && let Some(reply) = self.other_part(id)?
        {
            return Ok(Some(reply));
        }
        // “and how long?” after an offer is about the refund.
        let answer = self.faq_answer(&format!("{text} refund"));
        let asks = matchers::is_question(text);
        let wish = self.own_wish();
        let about_this = wish.is_money()
            || wish.is_complaint()
            || matches!(wish, Wish::Question | Wish::RefundStatus | Wish::Unsure)
            // How the money is paid is asked about before a yes.
            || matches!(wish, Wish::Coupon | Wish::Invoice | Wish::FailedPayment | Wish::WrongCharge);
        if elsewhere || (self.fresh() && wish.is_concrete() && !about_this && !asks) || (wish == Wish::Exchange) {
            return Ok(None);
        }
        let again = topic::mentions(text, intent::REFUND) || self.said.wants_money();
        if !again && answer.is_none() && self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The customer neither accepts nor declines the refund", "medium").map(Some);
        }
        let lead = match answer.as_deref() {
            Some(answer) => answer,
            None if asks => refunds::cannot_answer(self.language()),
            None => refunds::want_to_be_sure(self.language()),
        };
        let items = self.pending_items();
        self.offer(offered, &items, Some(lead.to_owned()), !again && answer.is_none()).map(Some)
    }

    /// Offers the money for the part that the message names, where that is another one than was offered.
    fn other_part(&mut self, id: &OrderId) -> Step<Option<ChatReply>> {
        if self.said.words.len() < 2 {
            return Ok(None);
        }
        let order = self.order(id)?;
        let lines = items::lines(order, column::ITEMS);
        let part = items::meant(&self.said, &lines);
        let wished = items::argument(&part, &lines);
        if part == Part::Unnamed || wished == self.pending_items() || results::field(order, "status") == "error" {
            return Ok(None);
        }
        self.offer(std::slice::from_ref(id), &wished, None, false).map(Some)
    }

    /// The part of the order that the open wish is about.
    pub(super) fn pending_items(&self) -> Vec<Value> {
        self.conversation().pending.as_ref().map(|pending| pending.items.clone()).unwrap_or_default()
    }

    /// Does what was agreed to.
    fn carry_out(&mut self, pending: &Pending, refunds: &[OrderId]) -> Step<ChatReply> {
        self.about.clone_from(&pending.orders);
        let named = &self.facts.named_orders;
        let is_meant = |id: &OrderId| named.is_empty() || named.contains(id);
        let of_meant = |call: &&PendingCall| is_meant(&OrderId::new(results::field(&call.arguments, "order_id")));
        let calls: Vec<PendingCall> = pending.calls.iter().filter(of_meant).cloned().collect();
        let paid: Vec<OrderId> = refunds.iter().filter(|id| is_meant(id)).cloned().collect();
        let done = self.make_calls(&calls, "")?;
        let paid = if paid.is_empty() { None } else { Some(self.pay(&paid, &[])?) };
        match (done, paid) {
            (Some(done), Some(paid)) => Ok(proposals::joined(done, paid)),
            (Some(one), None) | (None, Some(one)) => Ok(one),
            // An earlier version did not note what exactly was offered.
            (None, None) => self.request_handoff("The customer agreed to what can no longer be read", "medium"),
        }
    }

    /// An answer to “what would you like?” or to a question for something that is missing.
    pub(super) fn answer_to_details(&mut self) -> Step<Option<ChatReply>> {
        let Some(open) = self.pending_wish() else { return Ok(None) };
        let items = self.pending_items();
        if self.answer() == Answer::No {
            return Ok(Some(say(actions::nothing_changed(self.language()), Notes::default())));
        }
        // “Leave it at the gate” and “later, after 8” say what was asked for.
        let left = self.fresh() && self.names_another_wish() && self.is_certain();
        let given = self.given(open).is_some();
        let says_value = |asked| given || changes::value(open, self.text(), &self.facts.patterns, asked).is_some();
        if open.is_change() && !self.said.has(Cue::Thinking) && says_value(false) {
            return if left { Ok(None) } else { self.change(open, true).map(Some) };
        }
        if let Some(reply) = self.takes_back().filter(|_| !self.said.has(Cue::Replacement)) {
            return Ok(Some(reply));
        }
        match open {
            _ if open.is_change() && !left && says_value(true) => self.change(open, true).map(Some),
            Wish::MissingItem | Wish::WrongItem | Wish::Damaged | Wish::NotReceived | Wish::Return => {
                self.choice(open, &items)
            }
            Wish::RefundWhole | Wish::RefundPart | Wish::Replacement | Wish::Exchange if !left => self.which_part(open),
            _ => Ok(None),
        }
    }

    /// The choice among money, the same again, something else and a person.
    fn choice(&mut self, open: Wish, items: &[Value]) -> Step<Option<ChatReply>> {
        let own = self.own_wish();
        let money = self.said.has(Cue::Money) && !self.said.declines_money();
        if self.said.has(Cue::Exchange) || (self.fresh() && own == Wish::Exchange) {
            return self.give_back(Wish::Exchange, items).map(Some);
        }
        let sent = self.said.asks_to_send() && !money && open != Wish::Return && open != Wish::NotReceived;
        if self.said.has(Cue::Replacement) || sent || (self.fresh() && own == Wish::Replacement) {
            return self.give_back(Wish::Replacement, items).map(Some);
        }
        if open == Wish::Return
            && (money || (self.fresh() && (own.is_money() || own == Wish::Return) && self.said.has(Cue::Money)))
        {
            return self.give_back(Wish::Return, items).map(Some);
        }
        if money || (self.fresh() && own.is_money()) {
            return self.refund_part(items).map(Some);
        }
        if self.said.has(Cue::Person) {
            return self.request_handoff("The customer wants a person for a complaint", "medium").map(Some);
        }
        if self.said.has(Cue::Telling) && !self.said.wishes() {
            return Ok(Some(say(choices::noted(self.language()), Notes::default())));
        }
        // Money that is refused leaves the thing itself.
        if self.said.declines_money() && open != Wish::NotReceived && open != Wish::Return {
            return self.give_back(Wish::Replacement, items).map(Some);
        }
        let elsewhere = self.fresh() && self.names_another_wish() && !own.is_complaint() && own != Wish::Late;
        if elsewhere {
            return Ok(None);
        }
        // A question in between leaves the choice open.
        if self.said.question && matches!(open, Wish::MissingItem | Wish::WrongItem | Wish::Damaged) {
            return self.complaint(open).map(Some);
        }
        // Who goes on telling what is wrong, and what is not, has not chosen yet.
        let tells = open.is_complaint() && (self.said.has(Cue::Fine) || wish::complaint(&self.said).is_some());
        if tells && !self.said.asks() && !self.has_missed(0) {
            let mut reply = self.complaint(open)?;
            if let Some(notes) = &mut reply.notes {
                notes.failed = true;
            }
            return Ok(Some(reply));
        }
        if !self.has_missed(1) {
            return Ok(None);
        }
        self.request_handoff("A complaint: the customer chose none of what can be done here", "medium").map(Some)
    }

    /// Which part of the order is meant.
    fn which_part(&mut self, open: Wish) -> Step<Option<ChatReply>> {
        let asked = self.conversation().pending.as_ref().and_then(|pending| pending.orders.last().cloned());
        let Some(id) = asked else { return Ok(None) };
        let order = self.order(&id)?;
        let lines = items::lines(order, column::ITEMS);
        let part = items::meant(&self.said, &lines);
        if part == Part::Unnamed {
            if (self.fresh() && self.names_another_wish()) || !self.has_missed(1) {
                return Ok(None);
            }
            return self
                .request_handoff("The customer does not say which part of the order is meant", "medium")
                .map(Some);
        }
        self.about = vec![id.clone()];
        let wished = items::argument(&part, &lines);
        if open.is_money() {
            return self.offer(&[id], &wished, None, false).map(Some);
        }
        self.give_back_part(open, &id, &wished).map(Some)
    }

    /// Whether the model is sure of the topic.
    fn is_certain(&self) -> bool {
        let triage = &self.facts.triage;
        if triage.topic.is_empty() { triage.intent_confidence >= 0.7 } else { triage.topic_confidence >= 0.7 }
    }
}

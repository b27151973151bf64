//! The steps of each intent: which order, which facts, which offer.
//!
//! It must never ask twice for the same order id: the second time it offers a person.

use serde_json::{Value, json};

use super::plan::{Plan, Step, say};
use super::{faq, matchers, results};
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::OrderId;
use crate::domain::order::column;
use crate::domain::refund::RefundState;
use crate::domain::sentences::{feedback, handoff, identification, join, orders, refunds, small_talk};
use crate::domain::topic::{self, intent};
use crate::llm::{ChatReply, Notes};
use crate::tools::REFUND_STATUS;

/// Orders that are looked up in one turn, at most.
const ORDERS_AT_ONCE: usize = 3;

/// Orders that were looked up.
#[derive(Default)]
struct LookedUp<'a> {
    found: Vec<&'a Value>,
    missing: Vec<OrderId>,
    /// Whether a tool failed.
    failed: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn by_intent(&mut self) -> Step<ChatReply> {
        let intent = self.current_intent();
        let unsure = self.fresh() && self.facts.triage.intent_confidence < self.settings.clarify_below;
        let nothing_open = self.conversation().waiting_for == WaitingFor::Nothing;
        let no_order = self.facts.named_orders.is_empty() && self.facts.suspected.is_empty();
        if unsure && nothing_open && no_order {
            return Ok(match self.faq_answer(self.text()) {
                Some(answer) => say(&answer, Notes::default()),
                None => self.ask_for_details(),
            });
        }
        match intent {
            intent::TRACK => self.track(""),
            intent::DELAY => self.track(feedback::sorry_for_delay(self.language())),
            intent::CONTENT => self.content(),
            intent::REFUND => self.refund(),
            intent::MANAGE => self.for_a_person(orders::cannot_change(self.language())),
            intent::PAYMENT => self.for_a_person(orders::cannot_see_payments(self.language())),
            intent::FEEDBACK => self.feedback(),
            _ => self.other(),
        }
    }

    /// The orders the turn is about; an empty list when none is known.
    fn orders(&self) -> Vec<OrderId> {
        if !self.facts.named_orders.is_empty() {
            return self.facts.named_orders.iter().take(ORDERS_AT_ONCE).cloned().collect();
        }
        if matchers::another_order(self.text()) {
            return Vec::new();
        }
        let known = &self.conversation().order_ids;
        if self.conversation().waiting_for == WaitingFor::Proof {
            // The orders that the question was about.
            let told = &self.conversation().known.order_amounts;
            // Those that this turn has shown already are still among them: each round runs the plan from the start.
            // Of an order that is known to be the customer's, the value was told.
            let open = |id: &&OrderId| told.iter().all(|of| of.order_id != **id) || self.looked_up(id);
            let open: Vec<OrderId> = known.iter().filter(open).cloned().collect();
            if !open.is_empty() {
                return open[open.len().saturating_sub(ORDERS_AT_ONCE)..].to_vec();
            }
        }
        known.last().cloned().into_iter().collect()
    }

    /// Asks for the order id; the second time a person is offered, and brought in when that does not help either.
    pub(super) fn order_question(&self, lead: &str) -> ChatReply {
        let language = self.language();
        if matches!(self.conversation().waiting_for, WaitingFor::OrderId | WaitingFor::Person) {
            let text = join([lead, identification::person_without_order_id(language)]);
            return say(&text, self.notes(WaitingFor::Person, true));
        }
        let question = if self.settings.strict {
            identification::ask_for_order_and_customer_id(language, self.example())
        } else {
            identification::ask_for_order_id(language, self.example())
        };
        say(&join([lead, question.as_str()]), self.notes(WaitingFor::OrderId, false))
    }

    /// The reply when none of the orders was found.
    fn none_found(&mut self, ids: &[OrderId]) -> Step<ChatReply> {
        let language = self.language();
        if self.settings.strict && self.conversation().customer_ids.is_empty() {
            return Ok(say(identification::need_customer_id(language), self.notes(WaitingFor::CustomerId, false)));
        }
        if self.settings.strict && self.conversation().failures + 1 < self.settings.failures {
            return Ok(say(
                &identification::ids_do_not_match(language, self.example()),
                self.notes(WaitingFor::CustomerId, true),
            ));
        }
        let failures = self.conversation().failures + 1;
        if !self.settings.proofs.is_empty() {
            if self.conversation().waiting_for != WaitingFor::Proof {
                let text = self.missing_line(ids);
                return Ok(say(&text, self.notes(WaitingFor::Proof, false)));
            }
            if failures < self.settings.failures {
                let text = identification::proof_does_not_match(
                    language,
                    &self.listed(ids),
                    &self.settings.proofs,
                    self.example(),
                );
                return Ok(say(&text, self.notes(WaitingFor::Proof, true)));
            }
        }
        if failures >= self.settings.failures {
            return self.request_handoff("The customer's orders could not be found", "medium");
        }
        let missing = ids.iter().map(|id| self.not_found(id)).collect::<Vec<_>>().join("\n");
        if failures >= 2 {
            let text = format!("{missing}\n{}", identification::person_to_find_order(language));
            return Ok(say(&text, self.notes(WaitingFor::Person, true)));
        }
        Ok(say(&missing, self.notes(WaitingFor::OrderId, true)))
    }

    /// Orders as the customer calls them: of an order that is not known to be theirs, no other name is told.
    fn listed(&self, ids: &[OrderId]) -> String {
        ids.iter().map(|id| self.conversation().name_of(id).as_str()).collect::<Vec<_>>().join(", ")
    }

    /// An id like those of the shop.
    pub(super) fn example(&self) -> Option<&'a str> {
        self.facts.patterns.example()
    }

    /// The shop's answer to a general question.
    pub(super) fn faq_answer(&self, text: &str) -> Option<String> {
        let answer = self.settings.faq.answer(text)?;
        Some(faq::with_example(answer, self.example()))
    }

    pub(super) fn not_found(&self, id: &OrderId) -> String {
        identification::order_not_found(self.language(), self.conversation().name_of(id), self.example())
    }

    /// A sentence about orders that were not found: they are unknown, or not known to be this customer's.
    fn missing_line(&self, ids: &[OrderId]) -> String {
        let language = self.language();
        if self.settings.proofs.is_empty() {
            let lines = ids.iter().map(|id| self.not_found(id));
            return lines.collect::<Vec<_>>().join("\n");
        }
        identification::need_proof(language, &self.listed(ids), &self.settings.proofs)
    }

    /// The same, where others were found; nothing where all were.
    fn missing_lines(&self, ids: &[OrderId]) -> Option<String> {
        (!ids.is_empty()).then(|| self.missing_line(ids))
    }

    /// Looks orders up.
    fn look_up(&mut self, ids: &[OrderId]) -> Step<LookedUp<'a>> {
        let mut orders = LookedUp::default();
        for id in ids {
            let order = self.order(id)?;
            if results::field(order, "status") == "error" {
                orders.failed = true;
            } else if order.get("error").is_some() {
                orders.missing.push(id.clone());
            } else {
                orders.found.push(order);
            }
        }
        Ok(orders)
    }

    /// A sentence about orders beyond those that are looked up in one turn.
    fn left_over(&self) -> Option<String> {
        let rest: Vec<String> = self
            .facts
            .named_orders
            .iter()
            .skip(ORDERS_AT_ONCE)
            .map(|id| self.conversation().name_of(id).to_string())
            .collect();
        (!rest.is_empty()).then(|| identification::orders_at_a_time(self.language(), ORDERS_AT_ONCE, &rest))
    }

    fn track(&mut self, sorry: &str) -> Step<ChatReply> {
        let language = self.language();
        let ids = self.orders();
        let lead = if sorry.is_empty() && self.negative() { feedback::sorry_for_wait(language) } else { sorry };
        if ids.is_empty() {
            return self.ask_for_order(lead);
        }
        let LookedUp { found, missing, failed } = self.look_up(&ids)?;
        if failed {
            return self.records_unavailable();
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let mut lines: Vec<String> = Vec::new();
        for order in &found {
            lines.push(results::status(language, self.money(), order));
            lines.extend(self.refund_now(results::field(order, column::ORDER_ID))?);
        }
        lines.extend(self.missing_lines(&missing));
        lines.extend(self.left_over());
        let delay = self.current_intent() == intent::DELAY;
        if delay && found.iter().any(|order| results::is_delivered(order)) {
            lines.push(orders::never_arrived(language).to_owned());
            return Ok(say(
                &join([feedback::sorry_about_that(language), lines.join("\n").as_str()]),
                self.notes(WaitingFor::Person, false),
            ));
        }
        if delay || found.iter().any(|order| results::was_late(order)) {
            lines.push(orders::money_back_or_person(language).to_owned());
        }
        Ok(say(&join([lead, lines.join("\n").as_str()]), Notes::default()))
    }

    /// The refund of an order, where this conversation knows of one.
    fn refund_line(&self, order: &str) -> Option<String> {
        let refund = self.conversation().known.refunds.iter().find(|refund| refund.order_id.as_str() == order)?;
        let amount = self.money().show(refund.amount);
        Some(refunds::progress(self.language(), refund.state, amount, order, &refund.transaction_id))
    }

    /// The same, as it is now: one that was not settled may be by now.
    fn refund_now(&mut self, order: &str) -> Step<Option<String>> {
        let known = &self.conversation().known.refunds;
        if known.iter().all(|refund| refund.order_id.as_str() != order || refund.state == RefundState::Paid) {
            return Ok(self.refund_line(order));
        }
        let (language, money) = (self.language(), *self.money());
        let now = self.tool(REFUND_STATUS, json!({"order_id": order}))?;
        let (amount, transaction) = (results::amount(now, "amount", &money), results::field(now, "transaction_id"));
        Ok(match RefundState::parse(results::field(now, "state")) {
            Some(state) => Some(refunds::progress(language, state, amount, order, transaction)),
            None => self.refund_line(order),
        })
    }

    fn content(&mut self) -> Step<ChatReply> {
        let language = self.language();
        let sorry = feedback::sorry_for_order(language);
        let ids = self.orders();
        if ids.is_empty() {
            return self.ask_for_order(sorry);
        }
        let LookedUp { found, missing, failed } = self.look_up(&ids)?;
        if failed {
            return self.records_unavailable();
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        if matchers::declines_refund(self.text()) || matchers::wants_replacement(self.text()) {
            let mut lines = vec![join([sorry, orders::cannot_replace(language)])];
            lines.extend(found.iter().map(|order| results::status(language, self.money(), order)));
            lines.push(handoff::shall_i_bring_one_in(language).to_owned());
            let text = lines.join("\n");
            return Ok(say(&text, self.notes(WaitingFor::Person, false)));
        }
        let good: Vec<OrderId> = ids.into_iter().filter(|id| !missing.contains(id)).collect();
        let mut lead = vec![sorry.to_owned()];
        lead.extend(self.missing_lines(&missing));
        lead.extend(self.left_over());
        self.offer(&good, Some(lead.join("\n")), false)
    }

    fn refund(&mut self) -> Step<ChatReply> {
        let language = self.language();
        let named = !self.facts.named_orders.is_empty();
        if matchers::declines_refund(self.text()) {
            if matchers::wants_replacement(self.text()) {
                return self.content();
            }
            return Ok(say(refunds::not_wanted(language), self.notes(WaitingFor::Person, false)));
        }
        if !named
            && matchers::is_question(self.text())
            && let Some(answer) = self.faq_answer(self.text())
        {
            let open = self.conversation().waiting_for == WaitingFor::OrderId;
            let notes = self.notes(if open { WaitingFor::OrderId } else { WaitingFor::Nothing }, false);
            return Ok(say(&answer, notes));
        }
        let ids = self.orders();
        let sorry = if self.negative() { feedback::sorry_to_hear(language) } else { "" };
        if ids.is_empty() {
            return self.ask_for_order(&join([sorry, refunds::can_check(language)]));
        }
        let LookedUp { found, missing, failed } = self.look_up(&ids)?;
        if failed {
            return self.records_unavailable();
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let (asked_status, good): (Vec<OrderId>, Vec<OrderId>) =
            ids.into_iter().filter(|id| !missing.contains(id)).partition(|id| self.only_tracked(id));
        let mut lead: Vec<String> = Vec::new();
        if !sorry.is_empty() {
            lead.push(sorry.to_owned());
        }
        for order in &found {
            let id = results::field(order, column::ORDER_ID);
            if asked_status.iter().any(|tracked| tracked.as_str() == id) {
                lead.push(results::status(language, self.money(), order));
            }
        }
        lead.extend(self.missing_lines(&missing));
        lead.extend(self.left_over());
        if matchers::refund_status(self.text()) && good.iter().all(|id| self.refund_line(id.as_str()).is_none()) {
            return self.offer_unless_paid(&good, lead);
        }
        if matchers::wants_part(self.text()) {
            lead.push(refunds::only_whole_orders(language).to_owned());
        }
        let lead = (!lead.is_empty()).then(|| lead.join("\n"));
        self.offer(&good, lead, false)
    }

    /// Whether the part of the message that names an order only asks where it is.
    fn only_tracked(&self, id: &OrderId) -> bool {
        if self.facts.named_orders.len() < 2 {
            return false;
        }
        let lower = self.text().to_lowercase().replace(" and ", ",").replace(" aur ", ",").replace('&', ",");
        lower.split([',', ';', '.', '\n']).any(|clause| {
            self.facts.patterns.orders_in(clause).contains(id)
                && topic::mentions(clause, intent::TRACK)
                && !topic::mentions(clause, intent::REFUND)
        })
    }

    /// Answers “where is my refund”: first what is on record, then an offer.
    fn offer_unless_paid(&mut self, ids: &[OrderId], mut lead: Vec<String>) -> Step<ChatReply> {
        let mut unpaid = Vec::new();
        let used = self.calls_used();
        for id in ids {
            if self.quote(id)?.get("already_refunded").is_none() {
                unpaid.push(id.to_string());
            }
        }
        self.rewind(used);
        if !unpaid.is_empty() {
            lead.push(refunds::none_on_record(self.language(), &unpaid));
        }
        self.offer(ids, (!lead.is_empty()).then(|| lead.join("\n")), false)
    }

    /// Quotes refunds and asks for a yes, or explains why there are none.
    pub(super) fn offer(&mut self, ids: &[OrderId], lead: Option<String>, failed: bool) -> Step<ChatReply> {
        let language = self.language();
        let mut lines: Vec<String> = lead.into_iter().collect();
        let mut offered = 0;
        let mut refused = false;
        let mut unproven = Vec::new();
        for id in ids {
            let quote = self.quote(id)?;
            let reason = results::field(quote, "reason");
            if quote.get("eligible").and_then(Value::as_bool) == Some(true) {
                let amount = results::amount(quote, "refund_amount", self.money());
                let fee = quote.get("shipping_fee").is_some_and(|fee| fee.as_f64().is_some_and(|fee| fee > 0.0));
                let (order_value, shipping_fee) = (
                    results::amount(quote, "order_value", self.money()),
                    results::amount(quote, "shipping_fee", self.money()),
                );
                let fee = fee.then_some(refunds::ShippingFee { order_value: &order_value, fee: &shipping_fee });
                lines.push(refunds::offer(language, amount, id, fee));
                offered += 1;
            } else if quote.get("already_refunded").is_some() {
                let amount = results::amount(quote, "amount_refunded", self.money());
                let transaction = results::field(quote, "transaction_id");
                lines.push(match results::refund_state(quote) {
                    RefundState::Paid => refunds::already_refunded(language, amount, id, transaction),
                    state => refunds::progress(language, state, amount, id, transaction),
                });
            } else if results::field(quote, "status") == "error" {
                return self.records_unavailable();
            } else if quote.get("error").is_some() {
                unproven.push(id.clone());
            } else {
                lines.push(refunds::refused(language, id, reason));
                refused = true;
            }
        }
        lines.extend(self.missing_lines(&unproven));
        match offered {
            0 if refused => {
                if self.very_negative() {
                    return self.request_handoff("A very upset customer whose refund the policy refuses", "high");
                }
                lines.push(refunds::person_to_review(language).to_owned());
                Ok(say(&lines.join("\n"), self.notes(WaitingFor::Person, failed)))
            }
            0 if !unproven.is_empty() && !self.settings.proofs.is_empty() => {
                Ok(say(&lines.join("\n"), self.notes(WaitingFor::Proof, failed)))
            }
            0 => Ok(say(&lines.join("\n"), Notes { failed, ..Notes::default() })),
            offers => {
                lines.push(refunds::shall_i_go_ahead(language, offers).to_owned());
                Ok(say(&lines.join("\n"), self.notes(WaitingFor::Consent, failed)))
            }
        }
    }

    /// What only a person can do: the order is looked up, and a person offered.
    fn for_a_person(&mut self, what: &str) -> Step<ChatReply> {
        let language = self.language();
        let sorry = if self.negative() { feedback::sorry_about_that(language) } else { "" };
        let waiting = self.conversation().waiting_for == WaitingFor::OrderId;
        let ids = self.orders();
        if ids.is_empty() && !waiting {
            return self.ask_for_order(sorry);
        }
        let LookedUp { found, missing, failed } = self.look_up(&ids)?;
        if failed {
            return self.records_unavailable();
        }
        if found.is_empty() && !missing.is_empty() {
            return self.none_found(&missing);
        }
        let mut lines = vec![join([sorry, what])];
        lines.extend(found.iter().map(|order| results::status(language, self.money(), order)));
        lines.push(handoff::shall_i_bring_one_in(language).to_owned());
        Ok(say(&lines.join("\n"), self.notes(WaitingFor::Person, false)))
    }

    fn feedback(&mut self) -> Step<ChatReply> {
        if self.negative() && !self.facts.named_orders.is_empty() {
            return self.content();
        }
        let upset_again = self.negative() && self.conversation().failures > 0;
        if upset_again && self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("A customer who goes on complaining", "medium");
        }
        let language = self.language();
        let text = match self.facts.triage.sentiment.as_str() {
            "positive" => feedback::praise(language),
            "negative" if upset_again => feedback::complaint_again(language),
            "negative" => feedback::complaint(language),
            _ => feedback::remark(language),
        };
        Ok(say(text, Notes { failed: self.negative(), ..Notes::default() }))
    }

    fn other(&mut self) -> Step<ChatReply> {
        if let Some(answer) = self.faq_answer(self.text()) {
            return Ok(say(&answer, Notes::default()));
        }
        // What only the buyer knows, after an id alone: the question for it was about that order.
        let proof = self.conversation().waiting_for == WaitingFor::Proof
            && !self.conversation().order_ids.is_empty()
            && !matchers::another_order(self.text())
            && (self.text().chars().any(char::is_numeric) || !self.facts.patterns.customers_in(self.text()).is_empty());
        if !self.facts.named_orders.is_empty() || proof {
            return self.track("");
        }
        if !self.facts.suspected.is_empty() {
            return self.ask_for_order("");
        }
        let said_little = topic::content_words(self.text()) <= 4;
        if said_little && self.conversation().waiting_for != WaitingFor::Details {
            return Ok(self.ask_for_details());
        }
        let failures = self.conversation().failures + 1;
        if failures >= self.settings.failures {
            return self.request_handoff("The bot could not help with this", "medium");
        }
        Ok(say(small_talk::no_answer(self.language()), self.notes(WaitingFor::Person, true)))
    }

    fn ask_for_details(&self) -> ChatReply {
        let language = self.language();
        if self.conversation().waiting_for == WaitingFor::Details {
            return say(small_talk::not_understood(language), self.notes(WaitingFor::Person, true));
        }
        let sorry = if self.negative() { feedback::sorry_you_have_trouble(language) } else { "" };
        let text = join([sorry, small_talk::what_is_it_about(language)]);
        say(&text, Notes { waiting_for: WaitingFor::Details, pending: None, ..Notes::default() })
    }
}

//! Which orders a turn is about, and where they are.
//!
//! It must never ask twice for the same order id: the second time it offers a person.

use serde_json::{Value, json};

use super::notes::say;
use super::plan::{Plan, Step};
use super::said::Cue;
use super::which_order::Chosen;
use super::{faq, matchers, results};
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::OrderId;
use crate::domain::order::column;
use crate::domain::refund::RefundState;
use crate::domain::sentences::{Language, choices, feedback, identification, join, refunds, remedies};
use crate::domain::wish::Wish;
use crate::llm::ChatReply;
use crate::tools::REFUND_STATUS;

/// Orders that are looked up in one turn, at most.
pub(super) const ORDERS_AT_ONCE: usize = 3;

/// What is possible about late orders, by where they are: one that has left can no longer be called off.
fn what_next(language: Language, found: &[&Value]) -> Option<&'static str> {
    let state = |order: &&Value| results::state(order);
    if found.iter().all(|order| results::has_ended(order)) {
        None
    } else if found.iter().all(|order| state(order).is_some_and(results::can_be_cancelled)) {
        Some(choices::late_next(language))
    } else {
        Some(remedies::for_a_person(language))
    }
}

/// Orders that were looked up.
#[derive(Default)]
pub(super) struct LookedUp<'a> {
    pub(super) found: Vec<&'a Value>,
    pub(super) missing: Vec<OrderId>,
    /// Whether a tool failed.
    pub(super) failed: bool,
}

impl<'a> Plan<'a> {
    /// The orders the turn is about; an empty list when none is known.
    pub(super) fn orders(&self) -> Vec<OrderId> {
        if !self.facts.named_orders.is_empty() {
            return self.facts.named_orders.iter().take(ORDERS_AT_ONCE).cloned().collect();
        }
        if matchers::another_order(self.text()) {
            return Vec::new();
        }
        let known = &self.conversation().order_ids;
        if self.conversation().waiting_for == WaitingFor::Proof {
            // The orders that the question was about; before they were noted, those that were talked about.
            let asked =
                self.conversation().pending.as_ref().map(|pending| pending.orders.as_slice()).unwrap_or_default();
            let asked = if asked.is_empty() { known.as_slice() } else { asked };
            let told = &self.conversation().known.order_amounts;
            // Those that this turn has shown already are still among them: each round runs the plan from the start.
            // Of an order that is known to be the customer's, the value was told.
            let open = |id: &&OrderId| told.iter().all(|of| of.order_id != **id) || self.looked_up(id);
            let open: Vec<OrderId> = asked.iter().filter(open).cloned().collect();
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
    pub(super) fn none_found(&mut self, ids: &[OrderId]) -> Step<ChatReply> {
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
        let answer = self.settings.faq.answer(text, self.language())?;
        Some(faq::with_example(answer, self.language(), self.example()))
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
    pub(super) fn missing_lines(&self, ids: &[OrderId]) -> Option<String> {
        (!ids.is_empty()).then(|| self.missing_line(ids))
    }

    /// Looks orders up.
    pub(super) fn look_up(&mut self, ids: &[OrderId]) -> Step<LookedUp<'a>> {
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
    pub(super) fn left_over(&self) -> Option<String> {
        let rest: Vec<String> = self
            .facts
            .named_orders
            .iter()
            .skip(ORDERS_AT_ONCE)
            .map(|id| self.conversation().name_of(id).to_string())
            .collect();
        (!rest.is_empty()).then(|| identification::orders_at_a_time(self.language(), ORDERS_AT_ONCE, &rest))
    }

    /// Where the orders are. `wish`: what it answers.
    pub(super) fn track(&mut self, sorry: &'static str, wish: Wish) -> Step<ChatReply> {
        let language = self.language();
        let lead = if sorry.is_empty() && self.negative() { feedback::sorry_for_wait(language) } else { sorry };
        let ids = match self.tracked_orders(lead, wish)? {
            Ok(ids) => ids,
            Err(reply) => return Ok(*reply),
        };
        let LookedUp { found, missing, failed } = self.look_up(&ids)?;
        if failed {
            return self.records_unavailable("");
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let late = wish == Wish::Late || found.iter().any(|order| results::was_late(order));
        let own_lead = wish != Wish::Late && !lead.is_empty();
        let lead = if late && !own_lead { self.sorry_it_is_late(&found) } else { lead };
        let mut lines: Vec<String> = Vec::new();
        for order in &found {
            lines.push(results::status(language, self.money(), order));
            lines.extend(self.refund_now(results::field(order, column::ORDER_ID))?);
        }
        lines.extend(self.missing_lines(&missing));
        lines.extend(self.left_over());
        if wish == Wish::Late
            && let [order] = found[..]
            && results::is_delivered(order)
            && !self.has_come()
        {
            return self.never_received(&ids[0], &lines.join("\n"));
        }
        let has_come = found.iter().all(|order| results::has_ended(order) || results::is_delivered(order));
        if late && (wish == Wish::Late || !has_come) {
            lines.extend(what_next(language, &found).map(str::to_owned));
        }
        self.about = ids;
        let notes = self.notes_for(WaitingFor::Nothing, wish, &[]);
        Ok(say(&join([lead, lines.join("\n").as_str()]), notes))
    }

    /// What is said before where orders are that are late, or were; nothing of orders that ended.
    fn sorry_it_is_late(&self, found: &[&Value]) -> &'static str {
        let language = self.language();
        if found.iter().all(|order| results::has_ended(order)) {
            ""
        } else if found.iter().all(|order| results::has_ended(order) || results::is_delivered(order)) {
            remedies::sorry_it_was_late(language)
        } else {
            feedback::sorry_for_delay(language)
        }
    }

    /// Whether the customer says that it came, be it late.
    fn has_come(&self) -> bool {
        (self.said.has(Cue::Came) || self.said.has(Cue::Delivered)) && !self.said.has(Cue::Not)
    }

    /// An order that is on record as delivered, and is not there.
    pub(super) fn not_received(&mut self) -> Step<ChatReply> {
        let id = match self.one_order(Wish::NotReceived)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        if !results::is_delivered(order) {
            let sorry = feedback::sorry_for_delay(self.language());
            return self.track(sorry, Wish::Late);
        }
        if self.said.has(Cue::Late) && self.has_come() {
            return self.track(feedback::sorry_for_delay(self.language()), Wish::Late);
        }
        let status = results::status(self.language(), self.money(), order);
        self.never_received(&id, &status)
    }

    fn never_received(&mut self, id: &OrderId, status: &str) -> Step<ChatReply> {
        let language = self.language();
        // What is too dear to be paid without a person goes to one at once.
        if self.quote(id, &[])?.get("needs_person").and_then(Value::as_bool) == Some(true) {
            let lead = feedback::sorry_about_that(language);
            return self.hand_over(lead, "An order that is on record as delivered never came", "high");
        }
        let shown = self.conversation().name_of(id).clone();
        self.about = vec![id.clone()];
        let text =
            join([feedback::sorry_about_that(language), status, choices::never_received(language, shown).as_str()]);
        Ok(say(&text, self.notes_for(WaitingFor::Details, Wish::NotReceived, &[])))
    }

    /// The reply where an order was not found, or could not be looked up.
    pub(super) fn not_shown(&mut self, id: &OrderId, order: &Value) -> Step<Option<ChatReply>> {
        if results::field(order, "status") == "error" {
            return self.records_unavailable("").map(Some);
        }
        if order.get("error").is_some() {
            return self.none_found(std::slice::from_ref(id)).map(Some);
        }
        Ok(None)
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
}

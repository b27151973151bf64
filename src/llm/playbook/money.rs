//! Money back: for an order, for a part of it, and where it is.
//!
//! It must never offer money to a customer who did not ask for money, nor more of it than what was asked for.

use serde_json::{Value, json};

use super::items::{self, Part};
use super::notes::{of_part, say};
use super::plan::{Plan, Step};
use super::said::Cue;
use super::which_order::Chosen;
use super::{matchers, results};
use crate::domain::conversation::WaitingFor;
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::order::{OrderState, column};
use crate::domain::refund::RefundState;
use crate::domain::sentences::{Language, actions, feedback, join, media, refunds, small_talk};
use crate::domain::topic::{self, intent};
use crate::domain::wish::Wish;
use crate::llm::{ChatReply, Notes};
use crate::tools::{PHOTO_AWAITED, REFUND, REFUND_STATUS};

/// Why a person is asked for where the policy leaves it to one.
pub(super) const FOR_A_PERSON: &str = "A refund that only a person may decide";

/// What a refund that was agreed to has come to.
pub(in crate::llm) fn refunded(language: Language, shop: &ShopMoney, result: &Value, order: &OrderId) -> String {
    let transaction = results::field(result, "transaction_id");
    let amount = results::amount(result, "amount_refunded", shop);
    let arrival = Some(results::field(result, "estimated_arrival")).filter(|arrival| !arrival.is_empty());
    match results::refund_state(result) {
        RefundState::Paid => refunds::paid(language, amount, order, transaction, arrival),
        RefundState::Requested => refunds::requested(language, amount, order, transaction, arrival),
        state => refunds::progress(language, state, amount, order, transaction),
    }
}

impl Plan<'_> {
    /// A wish for money back.
    pub(super) fn refund(&mut self) -> Step<ChatReply> {
        if self.facts.named_orders.len() > 1 {
            let ids = self.orders();
            return self.refund_several(ids);
        }
        // The proofs of several orders, whose money was asked for at once.
        let pending = self.conversation().pending.as_ref().map(|pending| pending.orders.clone()).unwrap_or_default();
        if self.facts.named_orders.is_empty()
            && self.conversation().waiting_for == WaitingFor::Proof
            && pending.len() > 1
        {
            return self.refund_several(pending);
        }
        if self.facts.named_orders.is_empty()
            && self.conversation().waiting_for == WaitingFor::Nothing
            && matchers::is_question(self.text())
            && let Some(answer) = self.faq_answer(self.text())
        {
            return Ok(say(&answer, Notes::default()));
        }
        let items = self.pending_items();
        self.refund_part(&items)
    }

    /// A wish for money back for one order. `known`: the part of it that was named before.
    pub(super) fn refund_part(&mut self, known: &[Value]) -> Step<ChatReply> {
        let language = self.language();
        let id = match self.one_order(Wish::RefundWhole)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        let lines = items::lines(order, column::ITEMS);
        let part = items::meant(&self.said, &lines);
        let shown = self.conversation().name_of(&id).clone();
        match results::state(order) {
            Some(OrderState::OutForDelivery) => {
                let notes = Notes { failed: true, ..self.notes_for(WaitingFor::Nothing, Wish::RefundWhole, &[]) };
                if self.has_missed(0) && self.pending_wish() == Some(Wish::RefundWhole) {
                    return self.request_handoff("The customer wants money for an order that is on its way", "medium");
                }
                return Ok(say(&actions::out_for_delivery(language, shown), notes));
            }
            // Money alone would leave the goods on their way.
            Some(state) if results::can_be_cancelled(state) => {
                return match part {
                    Part::Lines(_) => {
                        self.request_handoff("A part of an order that has not left is to be cancelled", "medium")
                    }
                    _ => self.cancel_order(&id),
                };
            }
            Some(OrderState::Cancelled | OrderState::Returned) => return self.money_of(&id, order),
            _ => {}
        }
        let sorry = if self.negative() { Some(feedback::sorry_to_hear(language).to_owned()) } else { None };
        let wished = match &part {
            Part::Unnamed if !known.is_empty() => known.to_vec(),
            // Which part it is has to be known where only a part is wished, or only a part can be at fault.
            Part::Unnamed if lines.len() > 1 && self.is_about_a_part() => {
                return match self.part_of(&id, &lines, Wish::RefundPart, &[]) {
                    Err(question) => Ok(*question),
                    Ok(wished) => self.offer(&[id], &wished, sorry, false),
                };
            }
            part => items::argument(part, &lines),
        };
        let lead = if lines.is_empty() && matchers::wants_part(self.text()) {
            Some(refunds::only_whole_orders(language).to_owned())
        } else {
            sorry
        };
        self.offer(&[id], &wished, lead, false)
    }

    /// Whether the wish is about a part of an order, named or not.
    fn is_about_a_part(&self) -> bool {
        let wish = self.current_wish();
        let pending = self.pending_wish().filter(|_| self.conversation().waiting_for != WaitingFor::Nothing);
        if pending == Some(Wish::NotReceived) {
            return false;
        }
        // “The clock does not run, the cups are fine”, whatever a clock is called in the order.
        let spared = !self.said.has(Cue::Whole) && items::spares_a_part(&self.said);
        let at_fault = self.said.has(Cue::Damaged) && !self.said.has(Cue::Whole) && self.said.words.len() > 3;
        spared
            || at_fault
            || wish == Wish::RefundPart
            || pending.is_some_and(|open| matches!(open, Wish::MissingItem | Wish::WrongItem))
            || self.said.misses() && !self.said.has(Cue::Whole)
    }

    /// A wish for the money of several orders.
    fn refund_several(&mut self, ids: Vec<OrderId>) -> Step<ChatReply> {
        let language = self.language();
        self.about.clone_from(&ids);
        let found = self.look_up(&ids)?;
        if found.failed {
            return self.records_unavailable("");
        }
        if found.found.is_empty() {
            return self.none_found(&found.missing);
        }
        let (tracked, good): (Vec<OrderId>, Vec<OrderId>) =
            ids.into_iter().filter(|id| !found.missing.contains(id)).partition(|id| self.only_tracked(id));
        let mut lead: Vec<String> = Vec::new();
        if self.negative() {
            lead.push(feedback::sorry_to_hear(language).to_owned());
        }
        for order in &found.found {
            let id = results::field(order, column::ORDER_ID);
            if tracked.iter().any(|tracked| tracked.as_str() == id) {
                lead.push(results::status(language, self.money(), order));
            }
        }
        lead.extend(self.missing_lines(&found.missing));
        lead.extend(self.left_over());
        self.offer(&good, &[], (!lead.is_empty()).then(|| lead.join("\n")), false)
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

    /// “Where is my refund?”
    pub(super) fn refund_status(&mut self) -> Step<ChatReply> {
        if self.facts.named_orders.len() > 1 {
            let ids = self.orders();
            return self.offer_unless_paid(&ids, Vec::new());
        }
        let id = match self.one_order(Wish::RefundStatus)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        self.money_of(&id, order)
    }

    /// What became of the money of an order.
    fn money_of(&mut self, id: &OrderId, order: &Value) -> Step<ChatReply> {
        let (language, money) = (self.language(), *self.money());
        let shown = self.conversation().name_of(id).clone();
        let now = self.tool(REFUND_STATUS, json!({"order_id": id.as_str()}))?;
        if let Some(state) = RefundState::parse(results::field(now, "state")) {
            let amount = results::amount(now, "amount", &money);
            let text = refunds::progress(language, state, amount, &shown, results::field(now, "transaction_id"));
            if state == RefundState::Failed {
                return self.hand_over(&text, "A refund that could not be paid", "high");
            }
            // Who has been told so before, and still has no money, is not helped by the same words.
            let told = self.pending_wish() == Some(Wish::RefundStatus)
                && self.conversation().waiting_for == WaitingFor::Nothing
                && self.conversation().pending.as_ref().is_some_and(|pending| pending.orders.contains(id));
            if told && state != RefundState::Paid {
                return self.hand_over(&text, "The customer still waits for a refund", "medium");
            }
            return Ok(say(&text, self.notes_for(WaitingFor::Nothing, Wish::RefundStatus, &[])));
        }
        let payment = results::field(order, column::PAYMENT_STATUS).to_lowercase();
        let ended = matches!(results::state(order), Some(OrderState::Cancelled | OrderState::Returned));
        if payment.contains("fail") && payment.contains("refund") {
            return self.request_handoff("A refund failed, as the order's record says", "medium");
        }
        if payment.contains("process") {
            let text = actions::refund_in_process(language, &shown);
            return Ok(say(&text, self.notes_for(WaitingFor::Nothing, Wish::RefundStatus, &[])));
        }
        if payment == "refunded" {
            // The record does not say how much it was, which may have been a part: the value is the order's.
            let value = results::amount(order, column::VALUE, self.money());
            let named = if value.is_empty() { shown.to_string() } else { format!("{shown} ({value})") };
            let text = actions::refund_on_record(language, &named);
            return Ok(say(&text, self.notes_for(WaitingFor::Nothing, Wish::RefundStatus, &[])));
        }
        if payment == "pending" {
            return Ok(say(&actions::unpaid(language, &shown), Notes::default()));
        }
        if payment == "failed" {
            return self.question(Wish::FailedPayment);
        }
        if let Some(state) = results::state(order)
            && !ended
            && state != OrderState::Delivered
        {
            let lead = refunds::none_on_record(language, &[shown.to_string()]);
            let status = results::status(language, &money, order);
            return Ok(say(&format!("{lead}\n{status}"), self.notes_for(WaitingFor::Nothing, Wish::RefundStatus, &[])));
        }
        self.offer_unless_paid(std::slice::from_ref(id), Vec::new())
    }

    /// Answers “where is my refund”: first what is on record, then an offer.
    fn offer_unless_paid(&mut self, ids: &[OrderId], mut lead: Vec<String>) -> Step<ChatReply> {
        let mut unpaid = Vec::new();
        let used = self.calls_used();
        for id in ids {
            if self.quote(id, &[])?.get("already_refunded").is_none() {
                unpaid.push(id.to_string());
            }
        }
        self.rewind(used);
        if !unpaid.is_empty() {
            lead.push(refunds::none_on_record(self.language(), &unpaid));
        }
        self.offer(ids, &[], (!lead.is_empty()).then(|| lead.join("\n")), false)
    }

    /// Quotes refunds and asks for a yes, or explains why there are none.
    /// `items`: the part of a single order.
    pub(super) fn offer(
        &mut self,
        ids: &[OrderId],
        items: &[Value],
        lead: Option<String>,
        failed: bool,
    ) -> Step<ChatReply> {
        let language = self.language();
        let mut lines: Vec<String> = lead.into_iter().collect();
        let mut offered = 0;
        let (mut refused, mut for_person) = (false, false);
        let mut unproven = Vec::new();
        for id in ids {
            let quote = self.quote(id, items)?;
            let reason = results::field(quote, "reason");
            if quote.get("eligible").and_then(Value::as_bool) == Some(true) {
                let amount = results::amount(quote, "refund_amount", self.money());
                let fee = quote.get("shipping_fee").is_some_and(|fee| fee.as_f64().is_some_and(|fee| fee > 0.0));
                let (order_value, shipping_fee) = (
                    results::amount(quote, "order_value", self.money()),
                    results::amount(quote, "shipping_fee", self.money()),
                );
                let fee = fee.then_some(refunds::ShippingFee { order_value: &order_value, fee: &shipping_fee });
                // Of a part, the tool itself says what is offered.
                lines.push(match results::field(quote, "summary") {
                    "" => refunds::offer(language, amount, id, fee),
                    summary => summary.to_owned(),
                });
                offered += 1;
            } else if results::field(quote, "code") == PHOTO_AWAITED {
                return self.ask_for_photo(
                    if items.is_empty() { Wish::RefundWhole } else { Wish::RefundPart },
                    ids,
                    items,
                );
            } else if quote.get("already_refunded").is_some() {
                let amount = results::amount(quote, "amount_refunded", self.money());
                let transaction = results::field(quote, "transaction_id");
                lines.push(match results::refund_state(quote) {
                    RefundState::Paid => refunds::already_refunded(language, amount, id, transaction),
                    state => refunds::progress(language, state, amount, id, transaction),
                });
            } else if results::field(quote, "code") == "under_way"
                && quote.get("needs_person").and_then(Value::as_bool) != Some(true)
            {
                lines.push(actions::already_done(language, self.conversation().name_of(id)));
            } else if quote.get("needs_person").and_then(Value::as_bool) == Some(true) {
                lines.push(refunds::refused(language, id, reason));
                for_person = true;
            } else if results::field(quote, "status") == "error" {
                return self.records_unavailable(&lines.join("\n"));
            } else if quote.get("error").is_some() {
                unproven.push(id.clone());
            } else {
                lines.push(refunds::refused(language, id, reason));
                refused = true;
            }
        }
        lines.extend(self.missing_lines(&unproven));
        match offered {
            // Nothing is won by asking first. Beside an offer a person is asked for once that is answered.
            0 if for_person => self.hand_over(&lines.join("\n"), FOR_A_PERSON, "medium"),
            0 if refused => {
                if self.very_negative() {
                    let why = "A very upset customer whose refund the policy refuses";
                    return self.hand_over(&lines.join("\n"), why, "high");
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
                self.about = ids.to_vec();
                let wish = if items.is_empty() { Wish::RefundWhole } else { Wish::RefundPart };
                let notes = Notes { failed, ..self.notes_for(WaitingFor::Consent, wish, items) };
                Ok(say(&lines.join("\n"), notes))
            }
        }
    }

    /// Asks for a photo of what is wrong; a person decides where none comes.
    pub(super) fn ask_for_photo(&mut self, wish: Wish, ids: &[OrderId], items: &[Value]) -> Step<ChatReply> {
        if self.conversation().waiting_for == WaitingFor::Photo {
            return self.request_handoff("A photo of what is wrong is needed, and none came that shows it", "medium");
        }
        let mut notes = self.notes_for(WaitingFor::Photo, wish, items);
        if let Some(pending) = &mut notes.pending {
            pending.orders = ids.to_vec();
        }
        let sorry = if self.negative() { feedback::sorry_to_hear(self.language()) } else { "" };
        Ok(say(&join([sorry, media::ask_for_photo(self.language())]), notes))
    }

    /// Whether an order whose money was asked for was not offered, because only a person may decide it.
    pub(super) fn is_left_for_person(&mut self) -> Step<bool> {
        let open = self.conversation();
        let asked = open.pending.as_ref().map(|pending| pending.orders.as_slice()).unwrap_or_default();
        for id in asked.iter().filter(|id| open.offered.iter().all(|offer| offer.order_id != **id)) {
            if self.quote(id, &[])?.get("needs_person").and_then(Value::as_bool) == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Pays the refunds that were agreed to.
    pub(super) fn pay(&mut self, orders: &[OrderId], others: &[OrderId]) -> Step<ChatReply> {
        let language = self.language();
        let reason = self.reason();
        let mut lines = Vec::new();
        let mut renew = Vec::new();
        let mut unsure = false;
        // A part was offered of one order only.
        let items = if orders.len() == 1 { self.pending_items() } else { Vec::new() };
        for id in orders {
            let arguments = of_part(json!({"order_id": id.as_str(), "reason": reason}), &items);
            let result = self.tool(REFUND, arguments)?;
            match results::field(result, "status") {
                "success" => lines.push(refunded(language, self.money(), result, id)),
                "already_refunded" => {
                    let amount = results::amount(result, "amount_refunded", self.money());
                    let transaction = results::field(result, "transaction_id");
                    lines.push(match results::refund_state(result) {
                        RefundState::Paid => refunds::no_second_refund(language, amount, id, transaction),
                        state => refunds::progress(language, state, amount, id, transaction),
                    });
                }
                _ => match results::field(result, "code") {
                    code @ ("quote_expired" | "quote_outdated" | "no_quote" | "consent_needed") => {
                        unsure |= code == "consent_needed";
                        renew.push(id.clone());
                    }
                    "not_found" => lines.push(self.not_found(id)),
                    PHOTO_AWAITED if lines.is_empty() && renew.is_empty() => {
                        let wish = if items.is_empty() { Wish::RefundWhole } else { Wish::RefundPart };
                        return self.ask_for_photo(wish, orders, &items);
                    }
                    PHOTO_AWAITED => lines.push(media::ask_for_photo(language).to_owned()),
                    _ => {
                        let why = results::field(result, "message");
                        if why.is_empty() {
                            let lead = lines.join("\n");
                            return self.hand_over(&lead, "A refund the customer agreed to could not be paid", "high");
                        }
                        lines.push(refunds::not_paid(language, id, why));
                    }
                },
            }
        }
        if renew.is_empty() && !others.is_empty() {
            return self.offer(others, &[], Some(lines.join("\n")), false);
        }
        if renew.is_empty() {
            if self.is_left_for_person()? {
                return self.hand_over(&lines.join("\n"), FOR_A_PERSON, "medium");
            }
            lines.push(small_talk::anything_else(language).to_owned());
            return Ok(say(&lines.join("\n"), Notes::default()));
        }
        let why = if unsure { refunds::want_to_be_sure(language) } else { refunds::offer_expired(language) };
        lines.push(why.to_owned());
        self.offer(&renew, &items, Some(lines.join("\n")), false)
    }
}

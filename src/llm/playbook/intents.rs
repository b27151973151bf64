//! Decides what each intent asks for: which order, which facts, which offer.
//!
//! It must never ask twice for the same order id: the second time it offers a person.

use serde_json::Value;

use super::Settings;
use super::phrases;
use super::plan::{Plan, Step, not_found_text, say};
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::OrderId;
use crate::domain::topic::{self, intent};
use crate::llm::{ChatReply, Notes};

/// At most so many orders are looked at in one turn.
const ORDERS_AT_ONCE: usize = 3;

/// Orders that were looked up.
#[derive(Default)]
struct Found<'a> {
    orders: Vec<&'a Value>,
    missing: Vec<OrderId>,
    fault: bool,
}

impl Settings {
    pub(super) fn patterns_customers(&self, text: &str) -> Vec<String> {
        self.patterns.customers_in(text)
    }
}

impl<'a> Plan<'a> {
    pub(super) fn by_intent(&mut self) -> Step<ChatReply> {
        let intent = self.current_intent();
        let unsure = self.fresh() && self.facts.triage.intent_confidence < self.book.clarify_below;
        let nothing_open = self.conversation().waiting_for == WaitingFor::Nothing;
        if unsure && nothing_open && self.facts.named_orders.is_empty() {
            return Ok(match self.book.faq.answer(self.text()) {
                Some(answer) => say(answer, Notes::default()),
                None => self.ask_for_details(),
            });
        }
        match intent {
            intent::TRACK => self.track(""),
            intent::DELAY => self.track("I'm sorry your order is taking longer than it should. "),
            intent::CONTENT => self.content(),
            intent::REFUND => self.refund(),
            intent::MANAGE => self.for_a_person("I can't change an order myself, but a member of our team can"),
            intent::PAYMENT => {
                self.for_a_person("I can't see payments myself, but a member of our team can check this with you")
            }
            intent::FEEDBACK => self.feedback(),
            _ => self.other(),
        }
    }

    /// The orders the turn is about; an empty list when none is known.
    fn orders(&self) -> Vec<OrderId> {
        if !self.facts.named_orders.is_empty() {
            return self.facts.named_orders.iter().take(ORDERS_AT_ONCE).cloned().collect();
        }
        if phrases::another_order(self.text()) {
            return Vec::new();
        }
        self.conversation().order_ids.last().cloned().into_iter().collect()
    }

    /// Asks for the order id; the second time a person is offered, and brought in when that does not help either.
    fn ask_for_order(&mut self, lead: &str) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.book.failures {
            return self.hand_over("The customer cannot give an order id", "medium");
        }
        Ok(self.order_question(lead))
    }

    fn order_question(&self, lead: &str) -> ChatReply {
        if matches!(self.conversation().waiting_for, WaitingFor::OrderId | WaitingFor::Person) {
            let text = format!(
                "{lead}Without the order id I can't look it up, but a member of our team can. Shall I bring one in? (yes / no)"
            );
            return say(&text, self.notes(WaitingFor::Person, true));
        }
        let text = if self.book.strict {
            format!(
                "{lead}Please send me the order id (like ORD123456) and the customer id (like CUST1234) it was placed with."
            )
        } else {
            format!("{lead}Please send me your order id: it looks like ORD123456.")
        };
        say(&text, self.notes(WaitingFor::OrderId, false))
    }

    /// What to say when none of the orders was found.
    fn none_found(&mut self, ids: &[OrderId]) -> Step<ChatReply> {
        if self.book.strict && self.conversation().customer_ids.is_empty() {
            let text = "To protect your data I also need the customer id of that order: it looks like CUST1234.";
            return Ok(say(text, self.notes(WaitingFor::CustomerId, false)));
        }
        if self.book.strict && self.conversation().failures + 1 < self.book.failures {
            let text = "That order id and customer id do not belong together for me. Please check both: they look like ORD123456 and CUST1234.";
            return Ok(say(text, self.notes(WaitingFor::CustomerId, true)));
        }
        let failures = self.conversation().failures + 1;
        if failures >= self.book.failures {
            return self.hand_over("The customer's orders could not be found", "medium");
        }
        let missing = ids.iter().map(not_found_text).collect::<Vec<_>>().join("\n");
        if failures >= 2 {
            let text = format!("{missing}\nShall I bring in a member of our team to look for it? (yes / no)");
            return Ok(say(&text, self.notes(WaitingFor::Person, true)));
        }
        Ok(say(&missing, self.notes(WaitingFor::OrderId, true)))
    }

    /// Looks orders up.
    fn look_up(&mut self, ids: &[OrderId]) -> Step<Found<'a>> {
        let mut looked = Found::default();
        for id in ids {
            let order = self.order(id)?;
            if phrases::field(order, "status") == "error" {
                looked.fault = true;
            } else if order.get("error").is_some() {
                looked.missing.push(id.clone());
            } else {
                looked.orders.push(order);
            }
        }
        Ok(looked)
    }

    /// What to say about orders beyond those that are looked at in one turn.
    fn left_over(&self) -> Option<String> {
        let rest: Vec<String> = self.facts.named_orders.iter().skip(ORDERS_AT_ONCE).map(ToString::to_string).collect();
        (!rest.is_empty()).then(|| {
            format!(
                "I look at {ORDERS_AT_ONCE} orders at a time: please send {} once more afterwards.",
                rest.join(", ")
            )
        })
    }

    fn track(&mut self, sorry: &str) -> Step<ChatReply> {
        let ids = self.orders();
        let lead = if sorry.is_empty() && self.negative() { "I'm sorry for the wait. " } else { sorry };
        if ids.is_empty() {
            return self.ask_for_order(lead);
        }
        let Found { orders: found, missing, fault } = self.look_up(&ids)?;
        if fault {
            return self.out_of_order();
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let mut lines: Vec<String> = Vec::new();
        for order in &found {
            lines.push(phrases::status_line(order));
            lines.extend(self.refund_line(phrases::field(order, crate::domain::order::column::ORDER_ID)));
        }
        lines.extend(missing.iter().map(not_found_text));
        lines.extend(self.left_over());
        let delay = self.current_intent() == intent::DELAY;
        if delay && found.iter().any(|order| phrases::is_delivered(order)) {
            lines.push("If it never reached you, a member of our team can look into it. Shall I bring one in? (yes / no) For your money back just say “refund”.".into());
            return Ok(say(
                &format!("I'm sorry about that. {}", lines.join("\n")),
                self.notes(WaitingFor::Person, false),
            ));
        }
        if delay || found.iter().any(|order| phrases::was_late(order)) {
            lines
                .push("If you would rather have your money back, just say “refund”; for a person, say “agent”.".into());
        }
        Ok(say(&format!("{lead}{}", lines.join("\n")), Notes::default()))
    }

    /// The refund of an order, where this conversation knows of one.
    fn refund_line(&self, order: &str) -> Option<String> {
        let refund = self.conversation().known.refunds.iter().find(|refund| refund.order_id.as_str() == order)?;
        Some(format!("Order {order} was refunded: {}, transaction {}.", refund.amount, refund.transaction_id))
    }

    fn content(&mut self) -> Step<ChatReply> {
        let sorry = "I'm sorry that something was wrong with your order. ";
        let ids = self.orders();
        if ids.is_empty() {
            return self.ask_for_order(sorry);
        }
        let Found { orders: found, missing, fault } = self.look_up(&ids)?;
        if fault {
            return self.out_of_order();
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        if phrases::declines_refund(self.text()) || phrases::wants_replacement(self.text()) {
            let lines: Vec<String> = found.iter().map(|order| phrases::status_line(order)).collect();
            let text = format!(
                "{sorry}I can't send a replacement myself, but a member of our team can see to it.\n{}\nShall I bring one in? (yes / no)",
                lines.join("\n")
            );
            return Ok(say(&text, self.notes(WaitingFor::Person, false)));
        }
        let good: Vec<OrderId> = ids.into_iter().filter(|id| !missing.contains(id)).collect();
        let mut lead = vec![sorry.trim().to_owned()];
        lead.extend(missing.iter().map(not_found_text));
        lead.extend(self.left_over());
        self.offer(&good, Some(lead.join("\n")), false)
    }

    fn refund(&mut self) -> Step<ChatReply> {
        let named = !self.facts.named_orders.is_empty();
        if phrases::declines_refund(self.text()) {
            if phrases::wants_replacement(self.text()) {
                return self.content();
            }
            let text = "All right: nothing is refunded. Shall I bring in a member of our team instead? (yes / no)";
            return Ok(say(text, self.notes(WaitingFor::Person, false)));
        }
        if !named
            && phrases::is_question(self.text())
            && let Some(answer) = self.book.faq.answer(self.text())
        {
            let open = self.conversation().waiting_for == WaitingFor::OrderId;
            let notes = self.notes(if open { WaitingFor::OrderId } else { WaitingFor::Nothing }, false);
            return Ok(say(answer, notes));
        }
        let ids = self.orders();
        let sorry = if self.negative() { "I'm sorry to hear that. " } else { "" };
        if ids.is_empty() {
            return self.ask_for_order(&format!("{sorry}I can check a refund for you. "));
        }
        let Found { orders: found, missing, fault } = self.look_up(&ids)?;
        if fault {
            return self.out_of_order();
        }
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let (asked_status, good): (Vec<OrderId>, Vec<OrderId>) =
            ids.into_iter().filter(|id| !missing.contains(id)).partition(|id| self.only_tracked(id));
        let mut lead: Vec<String> = Vec::new();
        if !sorry.is_empty() {
            lead.push(sorry.trim().to_owned());
        }
        for order in &found {
            let id = phrases::field(order, crate::domain::order::column::ORDER_ID);
            if asked_status.iter().any(|tracked| tracked.as_str() == id) {
                lead.push(phrases::status_line(order));
            }
        }
        lead.extend(missing.iter().map(not_found_text));
        lead.extend(self.left_over());
        if phrases::refund_status(self.text()) && good.iter().all(|id| self.refund_line(id.as_str()).is_none()) {
            return self.offer_unless_paid(&good, lead);
        }
        if phrases::wants_part(self.text()) {
            lead.push(
                "I can only refund an order as a whole; for a part of it, say “agent” and a person decides.".into(),
            );
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
            self.book.patterns.orders_in(clause).contains(id)
                && topic::touches(clause, intent::TRACK)
                && !topic::touches(clause, intent::REFUND)
        })
    }

    /// Answers “where is my refund”: says what is on record before anything is offered.
    fn offer_unless_paid(&mut self, ids: &[OrderId], mut lead: Vec<String>) -> Step<ChatReply> {
        let mut unpaid = Vec::new();
        let mark = self.mark();
        for id in ids {
            if self.quote(id)?.get("already_refunded").is_none() {
                unpaid.push(id.to_string());
            }
        }
        self.rewind(mark);
        if !unpaid.is_empty() {
            lead.push(format!("There is no refund on record for {}.", unpaid.join(", ")));
        }
        self.offer(ids, (!lead.is_empty()).then(|| lead.join("\n")), false)
    }

    /// Quotes refunds and asks for a yes, or explains why there are none.
    pub(super) fn offer(&mut self, ids: &[OrderId], lead: Option<String>, failed: bool) -> Step<ChatReply> {
        let mut lines: Vec<String> = lead.into_iter().collect();
        let mut offered: Vec<String> = Vec::new();
        let mut refused = false;
        for id in ids {
            let quote = self.quote(id)?;
            let reason = phrases::field(quote, "reason");
            if quote.get("eligible").and_then(Value::as_bool) == Some(true) {
                let amount = phrases::amount(quote, "refund_amount");
                let fee = quote.get("shipping_fee").is_some_and(|fee| fee.as_f64().is_some_and(|fee| fee > 0.0));
                let detail = if fee {
                    format!(
                        " ({} less a shipping fee of {})",
                        phrases::amount(quote, "order_value"),
                        phrases::amount(quote, "shipping_fee")
                    )
                } else {
                    String::new()
                };
                lines.push(format!("I can refund {amount} for order {id}{detail}."));
                offered.push(id.to_string());
            } else if quote.get("already_refunded").is_some() {
                lines.push(format!(
                    "Order {id} has already been refunded: {}, transaction {}.",
                    phrases::amount(quote, "amount_refunded"),
                    phrases::field(quote, "transaction_id")
                ));
            } else if phrases::field(quote, "status") == "error" {
                return self.out_of_order();
            } else if quote.get("error").is_some() {
                lines.push(not_found_text(id));
            } else {
                lines.push(format!("I can't refund order {id} myself: {reason}"));
                refused = true;
            }
        }
        match offered.as_slice() {
            [] if refused => {
                if self.very_negative() {
                    return self.hand_over("A very upset customer whose refund the policy refuses", "high");
                }
                lines.push("A member of our team can look at it once more. Shall I bring one in? (yes / no)".into());
                Ok(say(&lines.join("\n"), self.notes(WaitingFor::Person, failed)))
            }
            [] => Ok(say(&lines.join("\n"), Notes { failed, ..Notes::default() })),
            [_] => {
                lines.push("Shall I go ahead? Please reply yes or no.".into());
                Ok(say(&lines.join("\n"), self.notes(WaitingFor::Consent, failed)))
            }
            many => {
                lines.push(format!(
                    "Shall I go ahead? Reply yes for {}, or yes with one order id, or no.",
                    if many.len() == 2 { "both" } else { "all" }
                ));
                Ok(say(&lines.join("\n"), self.notes(WaitingFor::Consent, failed)))
            }
        }
    }

    /// What only a person can do: the order is looked up, and a person offered.
    fn for_a_person(&mut self, what: &str) -> Step<ChatReply> {
        let sorry = if self.negative() { "I'm sorry about that. " } else { "" };
        let waiting = self.conversation().waiting_for == WaitingFor::OrderId;
        let ids = self.orders();
        if ids.is_empty() && !waiting {
            return self.ask_for_order(sorry);
        }
        let Found { orders: found, missing, fault } = self.look_up(&ids)?;
        if fault {
            return self.out_of_order();
        }
        if found.is_empty() && !missing.is_empty() {
            return self.none_found(&missing);
        }
        let lines: Vec<String> = found.iter().map(|order| phrases::status_line(order)).collect();
        let about = if lines.is_empty() { String::new() } else { format!("\n{}", lines.join("\n")) };
        let text = format!("{sorry}{what}.{about}\nShall I bring one in? (yes / no)");
        Ok(say(&text, self.notes(WaitingFor::Person, false)))
    }

    fn feedback(&mut self) -> Step<ChatReply> {
        if self.negative() && !self.facts.named_orders.is_empty() {
            return self.content();
        }
        let upset_again = self.negative() && self.conversation().failures > 0;
        if upset_again && self.conversation().failures + 1 >= self.book.failures {
            return self.hand_over("A customer who goes on complaining", "medium");
        }
        let text = match self.facts.triage.sentiment.as_str() {
            "positive" => "Thank you so much, that's lovely to hear! 😊",
            "negative" if upset_again => {
                "I hear you, and I'm sorry. Send me the order id and I look at it at once, or say “agent” and a person takes over."
            }
            "negative" => {
                "I'm sorry we let you down, and thank you for saying so. If there is something to put right, send me the order id and tell me what happened, or say “agent” for a person."
            }
            _ => {
                "Thank you for telling us, every remark helps. If there is something to put right, send me the order id."
            }
        };
        Ok(say(text, Notes { failed: self.negative(), ..Notes::default() }))
    }

    fn other(&mut self) -> Step<ChatReply> {
        if let Some(answer) = self.book.faq.answer(self.text()) {
            return Ok(say(answer, Notes::default()));
        }
        if !self.facts.named_orders.is_empty() {
            return self.track("");
        }
        let said_little = topic::content_words(self.text()) <= 4;
        if said_little && self.conversation().waiting_for != WaitingFor::Details {
            return Ok(self.ask_for_details());
        }
        let failures = self.conversation().failures + 1;
        if failures >= self.book.failures {
            return self.hand_over("The bot could not help with this", "medium");
        }
        let text = "I don't have an answer to that, and I don't want to guess. Shall I bring in a member of our team? (yes / no)";
        Ok(say(text, self.notes(WaitingFor::Person, true)))
    }

    fn ask_for_details(&self) -> ChatReply {
        if self.conversation().waiting_for == WaitingFor::Details {
            let text = "I'm not sure I understand. Shall I bring in a member of our team? (yes / no)";
            return say(text, self.notes(WaitingFor::Person, true));
        }
        let sorry = if self.negative() { "I'm sorry you have trouble. " } else { "" };
        let text = format!(
            "{sorry}I'd like to help. What is it about: where an order is, something wrong with it, a refund, or a payment? If you have an order id, send it along."
        );
        say(&text, Notes { waiting_for: WaitingFor::Details, pending: None, failed: false })
    }
}

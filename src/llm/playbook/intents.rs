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
const ORDERS_AT_ONCE: usize = 2;

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
            intent::FEEDBACK => Ok(self.feedback()),
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

    fn ask_for_order(&self, lead: &str) -> ChatReply {
        if self.conversation().waiting_for == WaitingFor::OrderId {
            let text = format!(
                "{lead}Without the order id I can't look it up, but a member of our team can. Shall I bring one in? (yes / no)"
            );
            return say(&text, self.notes(WaitingFor::Person, true));
        }
        let text = if self.book.strict {
            format!(
                "{lead}Please send me the order id (like ORD000003) and the customer id (like CUST1234) it was placed with."
            )
        } else {
            format!("{lead}Please send me your order id: it looks like ORD000003.")
        };
        say(&text, self.notes(WaitingFor::OrderId, false))
    }

    /// What to say when none of the orders was found.
    fn none_found(&mut self, ids: &[OrderId]) -> Step<ChatReply> {
        if self.book.strict && self.conversation().customer_ids.is_empty() {
            let text = "To protect your data I also need the customer id of that order: it looks like CUST1234.";
            return Ok(say(text, self.notes(WaitingFor::CustomerId, false)));
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

    /// Looks orders up: those found, and those not.
    fn look_up(&mut self, ids: &[OrderId]) -> Step<(Vec<&'a Value>, Vec<OrderId>)> {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for id in ids {
            let order = self.order(id)?;
            if order.get("error").is_some() { missing.push(id.clone()) } else { found.push(order) }
        }
        Ok((found, missing))
    }

    fn track(&mut self, sorry: &str) -> Step<ChatReply> {
        let ids = self.orders();
        let lead = if sorry.is_empty() && self.negative() { "I'm sorry for the wait. " } else { sorry };
        if ids.is_empty() {
            return Ok(self.ask_for_order(lead));
        }
        let (found, missing) = self.look_up(&ids)?;
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let mut lines: Vec<String> = found.iter().map(|order| phrases::status_line(order)).collect();
        lines.extend(missing.iter().map(not_found_text));
        let late = found.iter().any(|order| phrases::was_late(order));
        if self.current_intent() == intent::DELAY || late {
            lines
                .push("If you would rather have your money back, just say “refund”; for a person, say “agent”.".into());
        }
        Ok(say(&format!("{lead}{}", lines.join("\n")), Notes::default()))
    }

    fn content(&mut self) -> Step<ChatReply> {
        let sorry = "I'm sorry that something was wrong with your order. ";
        let ids = self.orders();
        if ids.is_empty() {
            return Ok(self.ask_for_order(sorry));
        }
        let (found, missing) = self.look_up(&ids)?;
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let good: Vec<OrderId> = ids.into_iter().filter(|id| !missing.contains(id)).collect();
        self.offer(&good, Some(sorry.trim().to_owned()), false)
    }

    fn refund(&mut self) -> Step<ChatReply> {
        let named = !self.facts.named_orders.is_empty();
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
            return Ok(self.ask_for_order(&format!("{sorry}I can check a refund for you. ")));
        }
        let (found, missing) = self.look_up(&ids)?;
        if found.is_empty() {
            return self.none_found(&missing);
        }
        let good: Vec<OrderId> = ids.into_iter().filter(|id| !missing.contains(id)).collect();
        let mut lead: Vec<String> = Vec::new();
        if !sorry.is_empty() {
            lead.push(sorry.trim().to_owned());
        }
        lead.extend(missing.iter().map(not_found_text));
        let lead = (!lead.is_empty()).then(|| lead.join("\n"));
        self.offer(&good, lead, false)
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
            return Ok(self.ask_for_order(sorry));
        }
        let (found, missing) = self.look_up(&ids)?;
        if found.is_empty() && !missing.is_empty() {
            return self.none_found(&missing);
        }
        let lines: Vec<String> = found.iter().map(|order| phrases::status_line(order)).collect();
        let about = if lines.is_empty() { String::new() } else { format!("\n{}", lines.join("\n")) };
        let text = format!("{sorry}{what}.{about}\nShall I bring one in? (yes / no)");
        Ok(say(&text, self.notes(WaitingFor::Person, false)))
    }

    fn feedback(&self) -> ChatReply {
        let text = match self.facts.triage.sentiment.as_str() {
            "positive" => "Thank you so much, that's lovely to hear! 😊 I'll pass it on to the team.",
            "negative" => {
                "I'm sorry we let you down, and thank you for saying so. If there is something to put right, send me the order id and tell me what happened, or say “agent” for a person."
            }
            _ => {
                "Thank you for telling us, every remark helps. If there is something to put right, send me the order id."
            }
        };
        say(text, Notes::default())
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

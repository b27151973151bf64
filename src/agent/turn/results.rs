//! What the results of tools change in a turn.

use super::{Answerer, Effect, Turn};
use crate::agent::compose::{self, Acted, Paid};
use crate::agent::guard;
use crate::domain::conversation::PaidRefund;
use crate::domain::ids::OrderId;
use crate::domain::refund::Denial;
use crate::domain::sentences::{Language, media, proposals};
use crate::llm::playbook::order_status;
use crate::llm::{Round, ToolCall};
use crate::tools::{FIND_ORDERS, Outcome, ToolResult};

impl Turn {
    #[expect(clippy::too_many_lines, reason = "one arm for each outcome")]
    pub(super) fn tool_done(&mut self, call: ToolCall, mut result: ToolResult) -> Vec<Effect> {
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
                self.conversation.settle_fault(&refund.order_id);
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
                self.conversation.settle_fault(&action.order_id);
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
            Outcome::PhotoAwaited(order) => {
                self.photo_awaited = true;
                self.declined.retain(|(id, _)| id != order);
                self.declined.push((order.clone(), media::ask_for_photo(language).to_owned()));
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
}

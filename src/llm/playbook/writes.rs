//! What changes an order: a cancellation, a change, a return. Each is proposed, and done by the same call after a plain yes.
//!
//! It must never promise what the shop's policy may refuse.

use serde_json::{Value, json};

use super::items::{self, Line, Part};
use super::notes::{of_part, say};
use super::plan::{Plan, Step};
use super::said::Cue;
use super::which_order::Chosen;
use super::{changes, results};
use crate::domain::conversation::WaitingFor;
use crate::domain::ids::OrderId;
use crate::domain::order::{OrderState, column};
use crate::domain::sentences::{actions, choices, feedback, join, refunds, remedies};
use crate::domain::wish::Wish;
use crate::domain::words::excerpt;
use crate::llm::{ChatReply, Notes};
use crate::tools::{CANCEL, CHANGE, PHOTO_AWAITED, RETURN};

impl Plan<'_> {
    /// Why it cannot be done, and what can.
    pub(super) fn refused(&mut self, wish: Wish, id: &OrderId, result: &Value, lead: &str) -> Step<ChatReply> {
        let language = self.language();
        let shown = self.conversation().name_of(id).clone();
        if results::field(result, "code") == PHOTO_AWAITED {
            let items = self.pending_items();
            return self.ask_for_photo(wish, std::slice::from_ref(id), &items);
        }
        let text = match results::field(result, "code") {
            "out_for_delivery" => actions::out_for_delivery(language, &shown),
            "delivered" => actions::delivered_already(language, &shown),
            "cancelled" if wish == Wish::Cancel => actions::is_cancelled(language, &shown),
            "cancelled" => actions::cannot_come_back(language, &shown),
            "window_passed" => actions::window_passed(language, &shown),
            "never_returned" => actions::never_returned(language, &shown),
            "not_delivered" => actions::not_delivered(language, &shown),
            "unpaid" => actions::unpaid(language, &shown),
            "under_way" => actions::already_done(language, &shown),
            "not_found" => return self.none_found(std::slice::from_ref(id)),
            "consent_needed" | "quote_expired" | "proposal_expired" => refunds::offer_expired(language).to_owned(),
            _ => return self.request_handoff("What the customer wants is nothing that the program may do", "medium"),
        };
        // Who asks for it once more is not helped by the same words.
        let again = self
            .conversation()
            .pending
            .as_ref()
            .is_some_and(|pending| pending.wish == Some(wish) && pending.orders.contains(id) && self.has_missed(0));
        if again {
            return self.request_handoff("The customer insists on what is no longer possible", "medium");
        }
        let mut notes = self.notes(WaitingFor::Nothing, true);
        if let Some(pending) = &mut notes.pending {
            pending.wish = Some(wish);
            pending.orders = vec![id.clone()];
        }
        Ok(say(&join([lead, text.as_str()]), notes))
    }

    /// Calls an order off.
    pub(super) fn cancel(&mut self) -> Step<ChatReply> {
        let id = match self.one_order(Wish::Cancel)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        let lines = items::lines(order, column::ITEMS);
        let meant = items::meant(&self.said.parts_with(Cue::Cancel), &lines);
        let may_be = self.facts.triage.topic == "item_change" || items::spares_a_part(&self.said);
        let a_part = may_be && lines.len() > 1 && matches!(meant, Part::Lines(_));
        if a_part && results::state(order).is_some_and(results::can_be_cancelled) {
            return self.request_handoff("A part of an order that has not left is to be cancelled", "medium");
        }
        self.cancel_order(&id)
    }

    pub(super) fn cancel_order(&mut self, id: &OrderId) -> Step<ChatReply> {
        let arguments = json!({"order_id": id.as_str(), "reason": self.reason()});
        self.propose(Wish::Cancel, CANCEL, arguments, "")
    }

    /// The customer wants an order kept after all.
    pub(super) fn undo_cancel(&mut self) -> Step<ChatReply> {
        let language = self.language();
        let id = match self.one_order(Wish::UndoCancel)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        let shown = self.conversation().name_of(&id).clone();
        let gone = matches!(results::state(order), Some(OrderState::Cancelled | OrderState::Returned));
        if gone && self.has_missed(0) && self.pending_wish() == Some(Wish::UndoCancel) {
            return self.request_handoff("The customer wants a cancelled order back", "medium");
        }
        let text =
            if gone { actions::cannot_come_back(language, shown) } else { actions::not_cancelled(language, shown) };
        let mut notes = self.notes_for(WaitingFor::Nothing, Wish::UndoCancel, &[]);
        notes.failed = gone;
        Ok(say(&text, notes))
    }

    /// Changes where, when or how an order is brought. `asked`: the message answers the question for the new value.
    pub(super) fn change(&mut self, wish: Wish, asked: bool) -> Step<ChatReply> {
        let language = self.language();
        let id = match self.one_order(wish)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let text = self.text();
        let earlier = self.conversation().pending.as_ref().filter(|_| !asked).map(|pending| pending.reason.as_str());
        let value = self
            .given(wish)
            .or_else(|| changes::value(wish, text, &self.facts.patterns, asked))
            // It may have been said before the order was asked for.
            .or_else(|| {
                changes::value(wish, earlier.filter(|_| self.completes_earlier())?, &self.facts.patterns, false)
            });
        let Some(value) = value else {
            let order = self.order(&id)?;
            if let Some(reply) = self.not_shown(&id, order)? {
                return Ok(reply);
            }
            let shown = self.conversation().name_of(&id).clone();
            let too_late = match results::state(order) {
                Some(OrderState::OutForDelivery) => Some(actions::out_for_delivery(language, shown)),
                Some(OrderState::Delivered) => Some(actions::delivered_already(language, shown)),
                Some(OrderState::Cancelled | OrderState::Returned) => Some(actions::cannot_come_back(language, shown)),
                _ => None,
            };
            if let Some(text) = too_late {
                return Ok(say(&text, Notes { failed: true, ..Notes::default() }));
            }
            let again =
                asked || (self.conversation().waiting_for == WaitingFor::Details && self.pending_wish() == Some(wish));
            if again && self.has_missed(1) {
                return self
                    .request_handoff("A change of an order: what is to be changed was not understood", "medium");
            }
            let question = match wish {
                Wish::ChangeAddress => actions::ask_address(language),
                Wish::ChangeSlot => actions::ask_slot(language),
                Wish::ChangeContact => actions::ask_phone(language),
                _ => actions::ask_instructions(language),
            };
            return Ok(say(question, self.notes_for(WaitingFor::Details, wish, &[])));
        };
        let mut arguments = json!({"order_id": id.as_str()});
        arguments[changes::argument(wish)] = excerpt(&value, 300).into();
        self.propose(wish, CHANGE, arguments, "")
    }

    /// Whether the message only completes an earlier one.
    fn completes_earlier(&self) -> bool {
        self.conversation().waiting_for != WaitingFor::Nothing
    }

    /// A return, an exchange or a replacement. `known`: the part that was named before.
    pub(super) fn give_back(&mut self, wish: Wish, known: &[Value]) -> Step<ChatReply> {
        let language = self.language();
        let id = match self.one_order(wish)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        if wish == Wish::Replacement && results::is_under_way(order) && self.pending_wish() != Some(wish) {
            return self.track(feedback::sorry_for_order(language), Wish::Track);
        }
        let lines = items::lines(order, column::ITEMS);
        let wished = match self.part_of(&id, &lines, wish, known) {
            Ok(wished) => wished,
            Err(question) => return Ok(*question),
        };
        if wish == Wish::Return && !self.said.wants_money() && !self.is_return_for_money() {
            let unsent = matches!(results::state(order), Some(state) if state != OrderState::Delivered);
            if !unsent {
                // What is too old to come back is refused before anybody is asked what for.
                let reason = self.reason();
                let arguments = json!({"order_id": id.as_str(), "resolution": "refund", "reason": reason});
                let result = self.tool(RETURN, of_part(arguments, &wished))?;
                if results::field(result, "code") == "window_passed" {
                    return self.refused(Wish::Return, &id, result, "");
                }
                let notes = self.notes_for(WaitingFor::Details, Wish::Return, &wished);
                return Ok(say(actions::return_for_what(language), notes));
            }
        }
        self.give_back_part(wish, &id, &wished)
    }

    /// Whether the customer was asked what a return is for, and money is the answer.
    fn is_return_for_money(&self) -> bool {
        self.conversation().waiting_for == WaitingFor::Details
            && self.pending_wish() == Some(Wish::Return)
            && self.said.has(Cue::Money)
    }

    pub(super) fn give_back_part(&mut self, wish: Wish, id: &OrderId, items: &[Value]) -> Step<ChatReply> {
        let resolution = match wish {
            Wish::Exchange => "exchange",
            Wish::Replacement => "replacement",
            _ => "refund",
        };
        let mut arguments = json!({"order_id": id.as_str(), "resolution": resolution, "reason": self.reason()});
        if wish == Wish::Exchange {
            let wished = changes::variant(self.text());
            arguments["details"] = wished.unwrap_or_else(|| excerpt(self.text().trim(), 200)).into();
        }
        let sorry = if self.negative() { feedback::sorry_about_that(self.language()) } else { "" };
        self.propose(wish, RETURN, of_part(arguments, items), sorry)
    }

    /// The part of an order that a message means; `Err` with a question where it has to be asked for.
    pub(super) fn part_of(
        &self,
        id: &OrderId,
        lines: &[Line],
        wish: Wish,
        known: &[Value],
    ) -> Result<Vec<Value>, Box<ChatReply>> {
        match items::meant(&self.said, lines) {
            Part::Unnamed if !known.is_empty() => Ok(known.to_vec()),
            Part::Unnamed if lines.len() > 1 => {
                let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
                let shown = self.conversation().name_of(id);
                let question = actions::which_items(self.language(), shown, &names.join(", "));
                Err(Box::new(say(&question, self.notes_for(WaitingFor::Details, wish, &[]))))
            }
            part => Ok(items::argument(&part, lines)),
        }
    }

    /// A complaint about what came: what can be done is offered, and nothing else.
    pub(super) fn complaint(&mut self, wish: Wish) -> Step<ChatReply> {
        let language = self.language();
        if self.said.has(Cue::Telling) && !self.said.wishes() {
            return Ok(say(choices::noted(language), Notes::default()));
        }
        let id = match self.one_order(wish)? {
            Chosen::Order(id) => id,
            Chosen::Reply(reply) => return Ok(reply),
        };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        if results::is_under_way(order) {
            return self.track(feedback::sorry_for_order(language), wish);
        }
        let lines = items::lines(order, column::ITEMS);
        let part = items::meant(&self.said, &lines);
        let mut wished = items::argument(&part, &lines);
        if wished.is_empty() && self.pending_wish() == Some(wish) {
            wished = self.pending_items();
        }
        let shown = self.conversation().name_of(&id).clone();
        let what = if wished.is_empty() {
            let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
            match names.len() {
                1 | 2 => format!("{} ({shown})", names.join(", ")),
                _ => shown.to_string(),
            }
        } else {
            format!("{} ({shown})", items::shown(&wished))
        };
        let offered = if self.said.declines_money() {
            remedies::without_money(language, what)
        } else {
            choices::complaint(language, what)
        };
        let text = join([feedback::sorry_for_order(language), offered.as_str()]);
        Ok(say(&text, self.notes_for(WaitingFor::Details, wish, &wished)))
    }
}

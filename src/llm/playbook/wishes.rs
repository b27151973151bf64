//! What is done for each wish.
//!
//! A wish that no tool meets goes to a person at once: nobody is asked questions whose answers lead nowhere.

use super::matchers::SmallTalk;
use super::notes::say;
use super::plan::{Plan, Step};
use super::results;
use super::said::{Cue, Said};
use super::which_order::Chosen;
use crate::domain::conversation::WaitingFor;
use crate::domain::order::{OrderState, column};
use crate::domain::sentences::{choices, feedback, join, refunds, small_talk};
use crate::domain::wish::Wish;
use crate::llm::{ChatReply, Notes};

impl Plan<'_> {
    /// Does what is wished.
    pub(super) fn by_wish(&mut self) -> Step<ChatReply> {
        self.by(self.current_wish())
    }

    /// Does what is wished by this message, or is open from before.
    pub(super) fn by(&mut self, wish: Wish) -> Step<ChatReply> {
        let named = !self.facts.named_orders.is_empty() || !self.facts.suspected.is_empty();
        if self.was_told()
            && self.has_missed(1)
            && (self.said.has(Cue::Remedy) || matches!(wish, Wish::Late | Wish::NotReceived | Wish::Criticism))
        {
            return self
                .request_handoff("The customer was told where the order is, and needs more than that", "medium");
        }
        match wish {
            // What is over goes back no more, and was charged for nothing: what became of its money is to be told.
            Wish::Return | Wish::WrongCharge if self.is_over()? => self.refund_status(),
            Wish::Track => self.track("", Wish::Track),
            Wish::Late => {
                let sorry = feedback::sorry_for_delay(self.language());
                self.track(sorry, Wish::Late)
            }
            Wish::NotReceived => self.not_received(),
            Wish::MissingItem | Wish::WrongItem | Wish::Damaged => self.complaint(wish),
            Wish::Cancel => self.cancel(),
            Wish::UndoCancel => self.undo_cancel(),
            Wish::Return | Wish::Exchange | Wish::Replacement => {
                let known = self.pending_items();
                self.give_back(wish, &known)
            }
            Wish::RefundWhole | Wish::RefundPart => self.refund(),
            Wish::RefundStatus => self.refund_status(),
            Wish::ChangeAddress | Wish::ChangeSlot | Wish::ChangeContact | Wish::Instructions => {
                self.change(wish, false)
            }
            Wish::ItemChange => self.item_change(),
            Wish::DoubleCharge | Wish::WrongCharge => {
                self.request_handoff("A wrong charge, which only a person can trace", "medium")
            }
            Wish::OptOut => self.request_handoff("The customer wants no more messages", "low"),
            Wish::Praise | Wish::Criticism => self.feedback(wish),
            Wish::OutOfScope if !named => Ok(self.out_of_scope()),
            // A picture of a face says nothing of a wish.
            _ if !named && self.said.words.is_empty() && self.facts.triage.sentiment != "positive" => {
                self.not_understood()
            }
            // Who is upset does not chat.
            Wish::SmallTalk if !named && !self.negative() => Ok(self.small_talk()),
            Wish::SmallTalk | Wish::Unsure if !named => self.not_understood(),
            Wish::FailedPayment if named => self.failed_payment(),
            Wish::FailedPayment | Wish::Coupon | Wish::Invoice => self.question(wish),
            // An order, and nothing that is understood beside it.
            Wish::Question | Wish::OutOfScope | Wish::SmallTalk | Wish::Unsure
                if named && self.is_about_the_order() =>
            {
                self.track("", Wish::Track)
            }
            _ => self.question_about_orders(),
        }
    }

    /// A question; where it names an order that is not the customer's, that is told.
    fn question_about_orders(&mut self) -> Step<ChatReply> {
        if let [id] = self.facts.named_orders.as_slice() {
            let id = id.clone();
            let order = self.order(&id)?;
            if let Some(reply) = self.not_shown(&id, order)? {
                return Ok(reply);
            }
        }
        self.question(Wish::Question)
    }

    /// Whether the one order that the message names, and that may be shown, was cancelled or sent back.
    fn is_over(&mut self) -> Step<bool> {
        let [id] = self.facts.named_orders.as_slice() else { return Ok(false) };
        let id = id.clone();
        let order = self.order(&id)?;
        Ok(matches!(results::state(order), Some(OrderState::Cancelled | OrderState::Returned)))
    }

    /// A payment that failed, for an order that is named: what became of the order is told as well.
    fn failed_payment(&mut self) -> Step<ChatReply> {
        let Some(id) = self.facts.named_orders.first().cloned() else { return self.question(Wish::FailedPayment) };
        let order = self.order(&id)?;
        if let Some(reply) = self.not_shown(&id, order)? {
            return Ok(reply);
        }
        self.about = vec![id];
        let failed = results::field(order, column::PAYMENT_STATUS).eq_ignore_ascii_case("failed");
        if failed || results::state(order).is_none() {
            return self.question(Wish::FailedPayment);
        }
        // An order that is under way was paid, or is paid when it comes.
        let status = results::status(self.language(), self.money(), order);
        let answer = self.question(Wish::FailedPayment)?;
        if self.is_handed_over {
            return Ok(answer);
        }
        Ok(ChatReply { text: format!("{status}\n{}", answer.text), ..answer })
    }

    /// Other articles or quantities: what was delivered can be replaced, the rest no tool changes.
    fn item_change(&mut self) -> Step<ChatReply> {
        if self.said.has(Cue::Replacement) {
            let used = self.calls_used();
            let id = match self.one_order(Wish::Replacement)? {
                Chosen::Order(id) => id,
                Chosen::Reply(reply) => return Ok(reply),
            };
            if results::is_delivered(self.order(&id)?) {
                self.rewind(used);
                let known = self.pending_items();
                return self.give_back(Wish::Replacement, &known);
            }
        }
        self.request_handoff("A change of articles or quantities, which no tool makes", "medium")
    }

    /// Whether an order is named and the message is no question about something else.
    fn is_about_the_order(&self) -> bool {
        let topic = self.facts.triage.topic.as_str();
        self.own_wish() != Wish::Question || topic.is_empty() || self.is_bare_id() || self.is_nearly_an_id()
    }

    /// Whether the last reply told where the order is.
    fn was_told(&self) -> bool {
        let open = self.conversation();
        let told = matches!(self.pending_wish(), Some(Wish::Track | Wish::Late | Wish::NotReceived));
        let same = open.pending.as_ref().is_some_and(|pending| {
            !pending.orders.is_empty()
                && (self.facts.named_orders.is_empty() || self.facts.named_orders == pending.orders)
        });
        open.waiting_for == WaitingFor::Nothing && told && same
    }

    /// Praise, and complaints with nothing to act on.
    fn feedback(&mut self, wish: Wish) -> Step<ChatReply> {
        let upset = self.negative() && wish == Wish::Criticism;
        let upset_again = upset && self.has_missed(0);
        if upset_again {
            return self.request_handoff("A customer who goes on complaining", "medium");
        }
        let language = self.language();
        if self.said.has(Cue::Telling) && !self.said.wishes() {
            return Ok(say(choices::noted(language), Notes::default()));
        }
        if self.said.declines_money() && wish == Wish::Criticism {
            return Ok(say(refunds::not_wanted(language), self.notes(WaitingFor::Person, false)));
        }
        self.is_talk = !upset;
        let text = match self.facts.triage.sentiment.as_str() {
            "negative" if wish == Wish::Criticism => feedback::complaint(language),
            _ if wish == Wish::Praise => feedback::praise(language),
            "positive" => feedback::praise(language),
            _ => feedback::remark(language),
        };
        Ok(say(text, Notes { failed: upset, ..Notes::default() }))
    }

    fn out_of_scope(&mut self) -> ChatReply {
        self.is_talk = true;
        say(choices::out_of_scope(self.language()), Notes::default())
    }

    /// Small talk that only the model has told as such.
    fn small_talk(&mut self) -> ChatReply {
        let said: &Said = &self.said;
        let talk = if said.has(Cue::Machine) {
            SmallTalk::WhoAreYou
        } else if said.has(Cue::Thanks) {
            SmallTalk::Thanks
        } else if self.facts.triage.topic == "goodbye" {
            SmallTalk::Goodbye
        } else if self.facts.triage.topic == "greeting" {
            SmallTalk::Greeting
        } else {
            SmallTalk::HowAreYou
        };
        self.chat(talk)
    }

    /// Asks what is meant; the second time a person is brought in.
    pub(super) fn not_understood(&mut self) -> Step<ChatReply> {
        // What only the buyer knows, after an id alone: the question for it was about that order.
        let proof = self.conversation().waiting_for == WaitingFor::Proof && self.text().chars().any(char::is_numeric);
        if proof && !self.conversation().order_ids.is_empty() {
            return self.track("", Wish::Track);
        }
        let asked = self.conversation().waiting_for == WaitingFor::Details;
        if self.has_missed(asked.into()) {
            return self.request_handoff("The customer was not understood twice", "medium");
        }
        Ok(self.not_understood_reply())
    }

    pub(super) fn not_understood_reply(&self) -> ChatReply {
        let language = self.language();
        let sorry = if self.negative() { feedback::sorry_you_have_trouble(language) } else { "" };
        let text = join([sorry, small_talk::what_is_it_about(language)]);
        say(&text, Notes { waiting_for: WaitingFor::Details, pending: None, ..Notes::default() })
    }
}

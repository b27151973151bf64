//! Decides which way a turn goes: an answer to what was asked, a change of subject, or a new request.
//!
//! It must never pay: it asks for `process_refund` after a plain yes, and the desk decides again.

use serde_json::{Value, json};

use super::Settings;
use super::phrases::{self, SmallTalk};
use crate::domain::consent::{self, Answer};
use crate::domain::conversation::{Conversation, Pending, TriageCause, WaitingFor};
use crate::domain::ids::OrderId;
use crate::domain::topic::{self, intent};
use crate::domain::words::excerpt;
use crate::llm::{ChatReply, Facts, Notes, Round, ToolCall};
use crate::tools::{CHECK_REFUND, HUMAN, ORDER, REFUND};

/// A reply, or the next call to make.
pub(super) type Step<T> = Result<T, ToolCall>;

/// One run of the plan for a turn.
pub(super) struct Plan<'a> {
    pub(super) book: &'a Settings,
    pub(super) facts: &'a Facts,
    rounds: &'a [Round],
    used: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(book: &'a Settings, facts: &'a Facts, rounds: &'a [Round]) -> Self {
        Self { book, facts, rounds, used: 0 }
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

    /// Where the plan is in the turn's calls.
    pub(super) fn mark(&self) -> usize {
        self.used
    }

    /// Goes back, to read the same results once more.
    pub(super) fn rewind(&mut self, mark: usize) {
        self.used = mark;
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

    pub(super) fn text(&self) -> &'a str {
        &self.facts.text
    }

    pub(super) fn intent(&self) -> &'a str {
        &self.facts.triage.intent
    }

    /// Whether triage looked at this very message.
    pub(super) fn fresh(&self) -> bool {
        self.facts.cause != TriageCause::Cached
    }

    pub(super) fn negative(&self) -> bool {
        self.facts.triage.sentiment == "negative"
    }

    pub(super) fn very_negative(&self) -> bool {
        self.negative() && self.facts.triage.sentiment_confidence > self.book.very_negative
    }

    fn answer(&self) -> Answer {
        consent::answer(self.text(), &self.book.patterns)
    }

    /// Decides the turn.
    pub(super) fn run(mut self) -> Step<ChatReply> {
        let text = self.text();
        if self.fresh() && self.intent() == intent::HUMAN {
            let priority = if self.negative() { "high" } else { "medium" };
            return self.hand_over("The customer asks for a person", priority);
        }
        if topic::grave(text) || (self.negative() && topic::serious(text)) {
            return self.hand_over("A serious matter: harm, health, law or fraud", "high");
        }
        if self.very_negative() && (topic::complex(text) || self.conversation().failures >= 2) {
            return self.hand_over("A very upset customer with a complex issue", "high");
        }
        match self.conversation().waiting_for {
            WaitingFor::Consent => {
                if let Some(reply) = self.answer_to_offer()? {
                    return Ok(reply);
                }
            }
            WaitingFor::Person => match self.answer() {
                Answer::Yes => return self.hand_over("The customer accepted the offer of a person", "medium"),
                Answer::No => {
                    return Ok(say("All right. Is there anything else I can do for you?", Notes::default()));
                }
                Answer::Unclear => {}
            },
            WaitingFor::OrderId | WaitingFor::CustomerId => {
                if let Some(reply) = self.answer_to_id_question()? {
                    return Ok(reply);
                }
            }
            WaitingFor::Details | WaitingFor::Nothing => {}
        }
        if let Some(talk) = phrases::small_talk(text)
            && self.facts.named_orders.is_empty()
        {
            return Ok(self.chat(talk));
        }
        self.by_intent()
    }

    /// Small talk leaves open what was open.
    fn chat(&self, talk: SmallTalk) -> ChatReply {
        let open = self.conversation();
        let keep = matches!(open.waiting_for, WaitingFor::OrderId | WaitingFor::CustomerId | WaitingFor::Details);
        let notes = Notes {
            waiting_for: if keep { open.waiting_for } else { WaitingFor::Nothing },
            pending: open.pending.clone().filter(|_| keep),
            failed: false,
        };
        match (talk, open.waiting_for) {
            (SmallTalk::Acknowledgement | SmallTalk::Greeting, WaitingFor::OrderId) => {
                say("I still need your order id: it looks like ORD123456.", notes)
            }
            _ => say(talk.reply(), notes),
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
            Answer::No => {
                let text = format!(
                    "No problem: I have not refunded anything, and {} stays as it is. Is there anything else I can do?",
                    if offered.len() == 1 { "your order" } else { "each order" }
                );
                Ok(Some(say(&text, Notes::default())))
            }
            Answer::Unclear => self.unclear_answer(&offered),
        }
    }

    /// A message that neither accepts nor declines an offer: a narrower wish, a question, or another subject.
    fn unclear_answer(&mut self, offered: &[OrderId]) -> Step<Option<ChatReply>> {
        let text = self.text();
        let elsewhere = self.facts.named_orders.iter().any(|id| !offered.contains(id))
            || topic::touches(text, intent::HUMAN)
            || phrases::declines_refund(text)
            || phrases::wants_replacement(text);
        let narrowed = consent::narrowed(text, offered, &self.book.patterns);
        if !elsewhere && !narrowed.is_empty() && narrowed.len() < offered.len() {
            return self.offer(&narrowed, Some("Only that one, then.".to_owned()), false).map(Some);
        }
        // “and how long?” after an offer is about the refund.
        let answer = self.book.faq.answer(&format!("{text} refund"));
        let asks = phrases::is_question(text);
        let about_this = [intent::REFUND, intent::OTHER, intent::CONTENT].contains(&self.intent());
        if elsewhere || (self.fresh() && !about_this && !asks) {
            return Ok(None);
        }
        let again = topic::touches(text, intent::REFUND);
        if !again && answer.is_none() && self.conversation().failures + 1 >= self.book.failures {
            return self.hand_over("The customer neither accepts nor declines the refund", "medium").map(Some);
        }
        let lead = match answer {
            Some(answer) => answer,
            None if asks => "I can't answer that myself; say “agent” and I bring in a person who can.",
            None => "I want to be sure before I pay anything.",
        };
        self.offer(offered, Some(lead.to_owned()), !again && answer.is_none()).map(Some)
    }

    /// Pays the refunds that were agreed to.
    fn pay(&mut self, orders: &[OrderId], others: &[OrderId]) -> Step<ChatReply> {
        let reason = self.reason();
        let mut lines = Vec::new();
        let mut renew = Vec::new();
        for id in orders {
            let result = self.tool(REFUND, json!({"order_id": id.as_str(), "reason": reason}))?;
            let transaction = phrases::field(result, "transaction_id");
            let amount = phrases::amount(result, "amount_refunded");
            let arrival = phrases::field(result, "estimated_arrival");
            match phrases::field(result, "status") {
                "success" => lines.push(format!(
                    "Done: {amount} for order {id} has been refunded. It should arrive within {arrival}. Your transaction id is {transaction}."
                )),
                "already_refunded" => lines.push(format!(
                    "Order {id} was refunded before: {amount}, transaction {transaction}. A second refund is not possible."
                )),
                _ => match phrases::field(result, "code") {
                    "quote_expired" | "quote_outdated" | "no_quote" | "consent_needed" => renew.push(id.clone()),
                    "not_found" => lines.push(not_found_text(id)),
                    _ => {
                        let why = phrases::field(result, "message");
                        if why.is_empty() {
                            return self.hand_over("A refund the customer agreed to could not be paid", "high");
                        }
                        lines.push(format!("I could not refund order {id}: {why}"));
                    }
                },
            }
        }
        if renew.is_empty() && !others.is_empty() {
            return self.offer(others, Some(lines.join("\n")), false);
        }
        if renew.is_empty() {
            lines.push("Is there anything else I can do for you?".into());
            return Ok(say(&lines.join("\n"), Notes::default()));
        }
        lines.push("That offer is no longer open, so let me make it again.".into());
        self.offer(&renew, Some(lines.join("\n")), false)
    }

    /// What an order id was asked for; `None` when the message is about something else.
    fn answer_to_id_question(&mut self) -> Step<Option<ChatReply>> {
        let waiting = self.conversation().waiting_for;
        let given = match waiting {
            WaitingFor::CustomerId => !self.book.patterns_customers(self.text()).is_empty(),
            _ => !self.facts.named_orders.is_empty(),
        };
        let changed = self.fresh() && self.intent() != self.pending_intent() && self.intent() != intent::OTHER;
        if given || changed || phrases::small_talk(self.text()).is_some() {
            return Ok(None);
        }
        if let Some(answer) = self.book.faq.answer(self.text()) {
            let open = Notes { waiting_for: waiting, pending: self.conversation().pending.clone(), failed: false };
            return Ok(Some(say(answer, open)));
        }
        if self.answer() == Answer::No && !phrases::lacks_order_id(self.text()) {
            return Ok(Some(say(
                "All right, I leave it at that. Write any time you need something.",
                Notes::default(),
            )));
        }
        let help = match waiting {
            WaitingFor::CustomerId => {
                "The customer id is in your account and your order confirmation; it looks like CUST1234."
            }
            _ => "The order id is in your order confirmation: it looks like ORD123456.",
        };
        let text = format!(
            "{help} If you cannot find it, a member of our team can look for it. Shall I bring one in? (yes / no)"
        );
        Ok(Some(say(&text, self.notes(WaitingFor::Person, true))))
    }

    /// What to say when the records cannot be reached: a fault is not “not found”.
    pub(super) fn out_of_order(&mut self) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.book.failures {
            return self.hand_over("The records could not be reached", "high");
        }
        let text = "I can't reach our records right now: this is a technical problem on our side. Please write again in a few minutes.";
        Ok(say(text, self.notes(self.conversation().waiting_for, true)))
    }

    /// The intent the turn is about: of this message, or of what was left open when the message only answers.
    pub(super) fn current_intent(&self) -> &'a str {
        let pending = self.pending_intent();
        let waiting = self.conversation().waiting_for != WaitingFor::Nothing;
        let own = self.fresh() && self.intent() != intent::OTHER;
        let bare_id = !self.facts.named_orders.is_empty()
            && topic::content_words(&self.book.patterns.without_ids(self.text())) == 0;
        if waiting && !pending.is_empty() && (!own || bare_id) { pending } else { self.intent() }
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

    /// Notes that keep what is open and wait for something.
    pub(super) fn notes(&self, waiting_for: WaitingFor, failed: bool) -> Notes {
        let reason = match &self.conversation().pending {
            Some(pending) if pending.intent == self.current_intent() => pending.reason.clone(),
            _ => excerpt(self.text().trim(), 200),
        };
        Notes { waiting_for, pending: Some(Pending { intent: self.current_intent().to_owned(), reason }), failed }
    }

    /// Brings a person in.
    pub(super) fn hand_over(&mut self, why: &str, priority: &str) -> Step<ChatReply> {
        let known = self.conversation().order_ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut reason = why.to_owned();
        if let Some(pending) = &self.conversation().pending {
            reason.push_str(&format!(" (open: {}: “{}”)", pending.intent, excerpt(&pending.reason, 120)));
        }
        if !known.is_empty() {
            reason.push_str(&format!("; orders: {}", known.join(", ")));
        }
        let arguments = json!({
            "user_id": self.conversation().user_id.as_str(),
            "reason": reason,
            "last_message": excerpt(self.text(), 500),
            "priority": priority,
        });
        let result = self.tool(HUMAN, arguments)?;
        let text = if phrases::field(result, "status") == "success" {
            let sorry = if self.negative() { "I'm sorry about the trouble. " } else { "" };
            format!(
                "{sorry}I've asked a member of our team to take over. They can see this whole conversation and will reply here."
            )
        } else {
            "I tried to bring in a member of our team, but that did not work just now. Please write “agent” again in a minute.".to_owned()
        };
        Ok(say(&text, Notes::default()))
    }
}

/// A reply.
pub(super) fn say(text: &str, notes: Notes) -> ChatReply {
    ChatReply { calls: Vec::new(), text: text.to_owned(), notes: Some(notes), degraded: None }
}

pub(super) fn not_found_text(id: &OrderId) -> String {
    format!(
        "I can't find order {id} for you. Please check the id: it looks like ORD123456, and I can only see your own orders."
    )
}

//! What a reply leaves behind: the words that are sent, and what is still open after them.

use serde_json::Value;

use super::plan::Plan;
use crate::domain::conversation::{Pending, WaitingFor};
use crate::domain::message::Role;
use crate::domain::topic::intent;
use crate::domain::wish::Wish;
use crate::domain::words::excerpt;
use crate::llm::{Author, ChatReply, Notes};

impl<'a> Plan<'a> {
    /// The intent of the turn: this message's, or the pending one where the message only answers a question.
    pub(super) fn current_intent(&self) -> &'a str {
        let pending = self.pending_intent();
        let waiting = self.conversation().waiting_for != WaitingFor::Nothing;
        let own = self.fresh() && self.intent() != intent::OTHER;
        if waiting && !pending.is_empty() && (!own || self.is_bare_id()) {
            pending
        } else if self.is_nearly_an_id() {
            intent::OTHER
        } else {
            self.intent()
        }
    }

    pub(super) fn pending_intent(&self) -> &'a str {
        self.conversation().pending.as_ref().map(|pending| pending.intent.as_str()).unwrap_or_default()
    }

    /// Why the customer wants it, in their own words.
    pub(super) fn reason(&self) -> String {
        let open = self.conversation().waiting_for != WaitingFor::Nothing;
        match &self.conversation().pending {
            Some(pending) if open && !pending.reason.is_empty() => pending.reason.clone(),
            _ => excerpt(self.text().trim(), 200),
        }
    }

    /// What the customer wrote last before this message.
    pub(super) fn earlier_words(&self) -> String {
        let earlier = self.history.iter().rev().find(|message| message.role == Role::User);
        earlier.map(|message| excerpt(message.text.trim(), 200)).unwrap_or_default()
    }

    /// Notes that keep the pending request and wait for something.
    pub(super) fn notes(&self, waiting_for: WaitingFor, failed: bool) -> Notes {
        let reason = match &self.conversation().pending {
            Some(pending) if pending.intent == self.current_intent() => pending.reason.clone(),
            _ => match self.given_for().and_then(|wish| self.given(wish)) {
                // It is the value that an order is asked for.
                Some(given) if self.text().is_empty() => excerpt(&given, 200),
                _ => excerpt(self.text().trim(), 200),
            },
        };
        let pending = Some(Pending {
            intent: self.current_intent().to_owned(),
            reason,
            wish: Some(self.current_wish()),
            orders: self.about.clone(),
            ..Pending::default()
        });
        Notes { waiting_for, pending, failed, ..Notes::default() }
    }

    /// The same for a wish and a part of an order.
    pub(super) fn notes_for(&self, waiting_for: WaitingFor, wish: Wish, items: &[Value]) -> Notes {
        let mut notes = self.notes(waiting_for, false);
        if let Some(pending) = &mut notes.pending {
            pending.wish = Some(wish);
            pending.items = items.to_vec();
        }
        notes
    }
}

/// A reply of the program.
pub(super) fn say(text: &str, notes: Notes) -> ChatReply {
    ChatReply { text: text.to_owned(), author: Author::Program, notes: Some(notes), ..ChatReply::default() }
}

/// Arguments about a part of an order; about all of it where no part is named.
pub(super) fn of_part(mut arguments: Value, items: &[Value]) -> Value {
    if !items.is_empty() {
        arguments["items"] = items.to_vec().into();
    }
    arguments
}

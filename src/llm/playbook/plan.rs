//! The course of a turn: an answer to what was asked, a change of subject, or a new request.
//!
//! It must never pay: it requests `process_refund` after a plain yes, and the support service decides again.

use serde_json::{Value, json};

use super::matchers::{self, SmallTalk};
use super::notes::{of_part, say};
use super::said::Said;
use super::{Settings, wish};
use crate::domain::consent::{self, Answer};
use crate::domain::conversation::{Conversation, Triage, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::inbound::Given;
use crate::domain::message::ChatMessage;
use crate::domain::sentences::{Language, actions, identification, join, small_talk};
use crate::domain::topic;
use crate::domain::wish::Wish;
use crate::llm::{ChatReply, Facts, Notes, Round, ToolCall};
use crate::tools::{CHECK_REFUND, ORDER};

/// A reply, or the next call to make.
pub(super) type Step<T> = Result<T, ToolCall>;

/// One run of the plan for a turn.
pub(super) struct Plan<'a> {
    pub(super) settings: &'a Settings,
    pub(super) facts: &'a Facts,
    pub(super) rounds: &'a [Round],
    used: usize,
    pub(super) history: &'a [ChatMessage],
    /// What the message says beside its reading.
    pub(super) said: Said,
    pub(super) own: Wish,
    /// The orders that the turn is about, also those that the customer need not name.
    pub(super) about: Vec<OrderId>,
    /// Whether the reply is small talk.
    pub(super) is_talk: bool,
    /// Whether a person was asked for in this turn.
    pub(super) is_handed_over: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        settings: &'a Settings,
        facts: &'a Facts,
        rounds: &'a [Round],
        history: &'a [ChatMessage],
    ) -> Self {
        let said = Said::new(&facts.patterns.without_ids(&facts.text));
        let mut triage = facts.triage.clone();
        if facts.cause == TriageCause::Cached {
            // How urgent an earlier message was says nothing of this one.
            triage.urgency.clear();
        }
        let own = wish::of(&triage, &said, settings.clarify_below);
        // A number beside few words answers the question for what only the buyer knows, whatever else it sounds like.
        // It stays open while a person is offered because it was not answered.
        let asked =
            matches!(facts.conversation.waiting_for, WaitingFor::Proof | WaitingFor::CustomerId | WaitingFor::Person);
        let proof = asked
            && facts.named_orders.is_empty()
            && facts.text.chars().any(char::is_numeric)
            && topic::content_words(&facts.patterns.without_ids(&facts.text)) <= 3;
        let own = if proof && own != Wish::Danger { Wish::Unsure } else { own };
        let own = match &facts.given {
            Some(Given::Place(_)) if facts.text.is_empty() => Wish::ChangeAddress,
            Some(Given::Contact(_)) if facts.text.is_empty() => Wish::ChangeContact,
            Some(Given::Photo) if facts.text.is_empty() => Wish::Unsure,
            _ => own,
        };
        Self {
            settings,
            facts,
            rounds,
            used: 0,
            history,
            said,
            own,
            about: Vec::new(),
            is_talk: false,
            is_handed_over: false,
        }
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

    /// Whether this turn has looked an order up.
    pub(super) fn looked_up(&self, id: &OrderId) -> bool {
        self.rounds.iter().any(|round| round.call.arguments["order_id"] == id.as_str())
    }

    /// How many of the turn's calls the plan has used so far.
    pub(super) fn calls_used(&self) -> usize {
        self.used
    }

    /// Goes back to an earlier [`Self::calls_used`], to read the same results once more.
    pub(super) fn rewind(&mut self, used: usize) {
        self.used = used;
    }

    pub(super) fn order(&mut self, id: &OrderId) -> Step<&'a Value> {
        self.tool(ORDER, json!({"order_id": id.as_str()}))
    }

    /// What of an order, or of a part of it, can be refunded.
    pub(super) fn quote(&mut self, id: &OrderId, items: &[Value]) -> Step<&'a Value> {
        self.tool(CHECK_REFUND, of_part(json!({"order_id": id.as_str()}), items))
    }

    pub(super) fn conversation(&self) -> &'a Conversation {
        &self.facts.conversation
    }

    /// The language in which the customer is answered.
    pub(super) fn language(&self) -> Language {
        Language::of(self.conversation())
    }

    /// The shop's own currency, and how it writes amounts.
    pub(super) fn money(&self) -> &'a ShopMoney {
        &self.facts.money
    }

    pub(super) fn text(&self) -> &'a str {
        &self.facts.text
    }

    pub(super) fn intent(&self) -> &'a str {
        &self.facts.triage.intent
    }

    /// Whether the triage is of this message.
    pub(super) fn fresh(&self) -> bool {
        self.facts.cause != TriageCause::Cached
    }

    pub(super) fn negative(&self) -> bool {
        self.facts.triage.sentiment == "negative"
    }

    pub(super) fn very_negative(&self) -> bool {
        self.negative() && self.facts.triage.sentiment_confidence > self.settings.very_negative
    }

    /// The answer to what was asked; what is no answer of the customer's own is neither yes nor no.
    pub(super) fn answer(&self) -> Answer {
        let offered = &self.conversation().offered;
        // “Yes, cancel it” is a yes to a cancellation, as its button says.
        let answer = || consent::answer_to(self.text(), offered, &self.facts.patterns);
        match answer() {
            said if self.facts.is_answer => said,
            // A spoken yes to a proposal is a wish to see it again, with its buttons.
            said if self.facts.is_by_voice && (said != Answer::Yes || offered.is_empty()) => said,
            _ => Answer::Unclear,
        }
    }

    /// What this message is a wish for.
    pub(super) fn own_wish(&self) -> Wish {
        self.own
    }

    /// What is wished in this turn: by this message, or by an earlier one that it only completes.
    pub(super) fn current_wish(&self) -> Wish {
        let open = self.conversation().waiting_for != WaitingFor::Nothing;
        let completes = !self.fresh() || !self.own.is_concrete() || self.is_bare_id();
        match self.pending_wish() {
            // What is wrong with it is the reason of a wish for money, not another wish.
            Some(pending) if open && (completes || pending.is_money() && self.own.is_complaint()) => pending,
            _ if self.is_nearly_an_id() => Wish::Question,
            _ => self.own,
        }
    }

    /// The wish that is still open.
    pub(super) fn pending_wish(&self) -> Option<Wish> {
        let pending = self.conversation().pending.as_ref()?;
        // Before there were wishes, only the intent was remembered.
        Some(pending.wish.unwrap_or_else(|| {
            let earlier = Triage { intent: pending.intent.clone(), intent_confidence: 1.0, ..Triage::default() };
            wish::of(&earlier, &Said::new(&pending.reason), 0.0)
        }))
    }

    /// Decides the turn.
    pub(super) fn run(mut self) -> Step<ChatReply> {
        let reply = self.course()?;
        let mut reply = self.unless_said_before(reply)?;
        if let Some(notes) = &mut reply.notes {
            notes.about.clone_from(&self.about);
        }
        Ok(reply)
    }

    /// The change that what the customer gave can be for.
    pub(super) fn given_for(&self) -> Option<Wish> {
        Some(match self.facts.given.as_ref()? {
            Given::Place(_) => Wish::ChangeAddress,
            Given::Contact(_) => Wish::ChangeContact,
            Given::Photo => return None,
        })
    }

    /// What the customer gave, where it is for this wish.
    pub(super) fn given(&self, wish: Wish) -> Option<String> {
        match self.facts.given.as_ref()? {
            Given::Place(place) if wish == Wish::ChangeAddress => Some(place.clone()),
            Given::Contact(number) if wish == Wish::ChangeContact => number.clone(),
            _ => None,
        }
    }

    fn course(&mut self) -> Step<ChatReply> {
        if let Some(reply) = self.at_once()? {
            return Ok(reply);
        }
        // The photo that was asked for: what waits for it goes on.
        if self.text().is_empty()
            && self.facts.given == Some(Given::Photo)
            && let Some(wish) = self.pending_wish()
        {
            return self.by(wish);
        }
        // What is given without a word is what an order is to be changed to, or nothing: the proposal asks.
        if self.text().is_empty()
            && let Some(wish) = self.given_for()
        {
            return self.change(wish, self.given(wish).is_some());
        }
        if let Some(reply) = self.open_question_answered()? {
            return Ok(reply);
        }
        if let Some(talk) = matchers::small_talk(self.text())
            && self.facts.named_orders.is_empty()
        {
            return Ok(self.chat(talk));
        }
        let reply = self.by_wish()?;
        self.with_also_asked(reply)
    }

    /// An answer to what the last reply asked; `None` where the message is about something else.
    fn open_question_answered(&mut self) -> Step<Option<ChatReply>> {
        match self.conversation().waiting_for {
            WaitingFor::Consent => self.answer_to_offer(),
            WaitingFor::Person => match self.answer() {
                Answer::Yes => self.request_handoff("The customer accepted the offer of a person", "medium").map(Some),
                Answer::No => Ok(Some(say(small_talk::all_right(self.language()), Notes::default()))),
                Answer::Unclear => Ok(None),
            },
            WaitingFor::OrderId | WaitingFor::CustomerId | WaitingFor::Proof => Ok(self.answer_to_id_question()),
            WaitingFor::WhichOrder => self.answer_to_suggestion(),
            WaitingFor::Details => self.answer_to_details(),
            WaitingFor::Photo if self.answer() == Answer::No => self
                .request_handoff("A photo of what is wrong is needed, and the customer has none", "medium")
                .map(Some),
            WaitingFor::Photo => Ok(None),
            WaitingFor::Nothing => self.answer_to_remark(),
        }
    }

    /// An answer to a reply that asked nothing, but named a way on.
    fn answer_to_remark(&mut self) -> Step<Option<ChatReply>> {
        let unanswered = self.pending_wish() == Some(Wish::Question);
        if unanswered && self.answer() == Answer::Yes {
            return self.request_handoff("The customer wants a question answered by a person", "medium").map(Some);
        }
        if !self.fresh() && self.facts.named_orders.is_empty() {
            match self.answer() {
                Answer::Yes => return self.yes_to_what_is_open().map(Some),
                Answer::No if self.open_to_do().is_some() => {
                    return Ok(Some(say(actions::nothing_changed(self.language()), Notes::default())));
                }
                Answer::No => return Ok(Some(say(small_talk::all_right(self.language()), Notes::default()))),
                Answer::Unclear => {}
            }
        }
        if self.said.withdraws()
            && (!self.own.is_concrete() || self.own == Wish::UndoCancel)
            && self.said.words.len() <= 8
        {
            return Ok(Some(say(actions::nothing_changed(self.language()), Notes::default())));
        }
        Ok(None)
    }

    /// What was wished of an order and is not done, although nothing is asked at the moment.
    fn open_to_do(&self) -> Option<Wish> {
        let pending = self.conversation().pending.as_ref()?;
        self.pending_wish().filter(|wish| wish.is_to_be_done() && !pending.orders.is_empty())
    }

    /// A yes although nothing was asked: what is still open is proposed again, so that no reply sounds as if it were done.
    fn yes_to_what_is_open(&mut self) -> Step<ChatReply> {
        let pending = self.conversation().pending.clone().unwrap_or_default();
        if let Some(reply) = self.make_calls(&pending.calls, "")? {
            return Ok(reply);
        }
        // “Ok” to a refusal takes note of it.
        let notes_it = matchers::small_talk(self.text()) == Some(SmallTalk::Acknowledgement);
        match self.open_to_do() {
            Some(wish) if !notes_it || self.conversation().failures == 0 => self.by(wish),
            _ => Ok(say(small_talk::all_right(self.language()), Notes::default())),
        }
    }

    /// Answers small talk; an open question stays open.
    pub(super) fn chat(&mut self, talk: SmallTalk) -> ChatReply {
        self.is_talk = true;
        let open = self.conversation();
        let stays_open = matches!(
            open.waiting_for,
            WaitingFor::OrderId
                | WaitingFor::WhichOrder
                | WaitingFor::CustomerId
                | WaitingFor::Proof
                | WaitingFor::Details
                | WaitingFor::Photo
        );
        let notes = Notes {
            waiting_for: if stays_open { open.waiting_for } else { WaitingFor::Nothing },
            pending: open.pending.clone().filter(|_| stays_open),
            suggested: if stays_open { open.suggested.clone() } else { Vec::new() },
            ..Notes::default()
        };
        match (talk, open.waiting_for) {
            (SmallTalk::Acknowledgement | SmallTalk::Greeting, WaitingFor::OrderId) => {
                say(&identification::still_need_order_id(self.language(), self.example()), notes)
            }
            _ => say(talk.reply(self.language()), notes),
        }
    }

    /// An answer to the question for an id that holds none; `None` when the message is about something else.
    fn answer_to_id_question(&self) -> Option<ChatReply> {
        let waiting = self.conversation().waiting_for;
        let given = match waiting {
            WaitingFor::CustomerId => !self.facts.patterns.customers_in(self.text()).is_empty(),
            WaitingFor::Proof => self.text().chars().any(char::is_numeric),
            _ => !self.facts.named_orders.is_empty(),
        };
        let changed = self.fresh()
            && self.own.is_concrete()
            && ![Wish::Question, Wish::Track].contains(&self.own)
            && Some(self.own) != self.pending_wish();
        if given || changed || matchers::small_talk(self.text()).is_some() {
            return None;
        }
        // A question about what was asked for is no other wish: what is open stays.
        let still_open = |waiting_for, failed| match &self.conversation().pending {
            Some(pending) => Notes { waiting_for, pending: Some(pending.clone()), failed, ..Notes::default() },
            None => self.notes(waiting_for, failed),
        };
        if let Some(answer) = self.faq_answer(self.text()) {
            return Some(say(&answer, still_open(waiting, false)));
        }
        if self.answer() == Answer::No && !matchers::lacks_order_id(self.text()) {
            return Some(say(small_talk::leave_it(self.language()), Notes::default()));
        }
        let language = self.language();
        let place = match waiting {
            WaitingFor::CustomerId => identification::where_customer_id_is(language).to_owned(),
            WaitingFor::Proof => identification::where_proof_is(language, &self.settings.proofs),
            _ => identification::where_order_id_is(language, self.example()),
        };
        let text = join([place.as_str(), identification::person_to_find_id(language)]);
        Some(say(&text, still_open(WaitingFor::Person, true)))
    }

    /// Whether the message is an order id and nothing else.
    pub(super) fn is_bare_id(&self) -> bool {
        !self.facts.named_orders.is_empty() && topic::content_words(&self.facts.patterns.without_ids(self.text())) == 0
    }

    /// Whether the message is an id with slips in it and nothing else: what the model reads into it is no wish.
    pub(super) fn is_nearly_an_id(&self) -> bool {
        if self.facts.suspected.is_empty() {
            return false;
        }
        let mut rest = self.text().to_owned();
        for mention in self.facts.patterns.mentions(self.text(), true).iter().rev() {
            rest.replace_range(mention.range.clone(), " ");
        }
        topic::content_words(&rest) == 0
    }
}

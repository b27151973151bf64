//! The course of a turn: an answer to what was asked, a change of subject, or a new request.
//!
//! It must never pay: it requests `process_refund` after a plain yes, and the support service decides again.

use std::fmt::Write as _;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::matchers::{self, SmallTalk};
use super::said::{Cue, Said};
use super::{Settings, results, wish};
use crate::domain::consent::{self, Answer};
use crate::domain::conversation::{Conversation, Pending, Triage, TriageCause, WaitingFor};
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::sentences::{
    Language, actions, choices, feedback, handoff, identification, join, orders, small_talk,
};
use crate::domain::topic::{self, intent};
use crate::domain::wish::Wish;
use crate::domain::words::excerpt;
use crate::llm::{Author, ChatReply, Facts, Notes, Round, ToolCall};
use crate::tools::{CHECK_REFUND, HUMAN, ORDER};

/// A reply, or the next call to make.
pub(super) type Step<T> = Result<T, ToolCall>;

/// One run of the plan for a turn.
pub(super) struct Plan<'a> {
    pub(super) settings: &'a Settings,
    pub(super) facts: &'a Facts,
    rounds: &'a [Round],
    used: usize,
    history: &'a [ChatMessage],
    /// What the message says beside its reading.
    pub(super) said: Said,
    own: Wish,
    /// The orders that the turn is about, also those that the customer need not name.
    pub(super) about: Vec<OrderId>,
    /// Orders that the message asks after beside its wish for another one.
    pub(super) also_asked: Vec<OrderId>,
    /// Whether the reply is small talk.
    pub(super) is_talk: bool,
}

/// From this confidence on a word of harm is a figure of speech, where the model reads no urgency.
const SURELY_HARMLESS: f64 = 0.85;
/// Earlier replies that a new one is compared with.
const LOOK_BACK: usize = 6;
/// What was said longer ago is said anew.
const SAID_LATELY: SignedDuration = SignedDuration::from_hours(12);

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
        Self {
            settings,
            facts,
            rounds,
            used: 0,
            history,
            said,
            own,
            about: Vec::new(),
            also_asked: Vec::new(),
            is_talk: false,
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
        if !self.facts.is_answer {
            return Answer::Unclear;
        }
        consent::answer(self.text(), &self.facts.patterns)
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

    fn course(&mut self) -> Step<ChatReply> {
        if let Some(reply) = self.at_once()? {
            return Ok(reply);
        }
        if let Some(reply) = self.open_question_answered()? {
            return Ok(reply);
        }
        if let Some(talk) = matchers::small_talk(self.text())
            && self.facts.named_orders.is_empty()
        {
            return Ok(self.chat(talk));
        }
        self.by_wish()
    }

    /// What brings a person in whatever else is open.
    fn at_once(&mut self) -> Step<Option<ChatReply>> {
        let (language, text) = (self.language(), self.text());
        if self.own == Wish::Danger || (self.said.has(Cue::Harm) && !self.is_surely_harmless()) {
            let lead = choices::danger(language);
            return self.hand_over(lead, "Somebody may be in danger", "high").map(Some);
        }
        if Said::is_foreign(text) {
            // What cannot be read may be urgent; what names an order is about that.
            let grave = self.said.has(Cue::Harm) || self.facts.named_orders.is_empty();
            let (lead, priority) = if self.said.has(Cue::Harm) {
                (choices::danger(language), "high")
            } else {
                (choices::unread(), if grave { "high" } else { "medium" })
            };
            return self.hand_over(lead, "A message in a language that the program does not read", priority).map(Some);
        }
        if self.fresh() && self.own == Wish::Fraud {
            let lead = choices::fraud(language);
            return self.hand_over(lead, "The customer tells of a fraud", "high").map(Some);
        }
        if topic::is_critical(text)
            || self.own == Wish::Serious
            || (self.negative() && !self.reads_urgency() && topic::is_serious(text))
        {
            return self.request_handoff("A serious matter: harm, health, law or fraud", "high").map(Some);
        }
        if (self.fresh() && self.own == Wish::Human) || matchers::asks_for_person(text) {
            let priority = if self.negative() { "high" } else { "medium" };
            return self.request_handoff("The customer asks for a person", priority).map(Some);
        }
        if self.fresh() && self.own == Wish::Conduct {
            let lead = choices::conduct(language);
            return self.hand_over(lead, "A complaint about how somebody behaved", "medium").map(Some);
        }
        let complex = !self.reads_urgency() && topic::is_complex(text);
        if self.very_negative() && (complex || self.conversation().failures >= 2) {
            return self.request_handoff("A very upset customer with a complex issue", "high").map(Some);
        }
        Ok(None)
    }

    /// Whether the model tells what is urgent: then words alone do not.
    fn reads_urgency(&self) -> bool {
        self.fresh() && !self.facts.triage.urgency.is_empty()
    }

    /// Whether the model is sure that the message can wait.
    fn is_surely_harmless(&self) -> bool {
        let triage = &self.facts.triage;
        self.reads_urgency() && triage.urgency == "normal" && triage.urgency_confidence >= SURELY_HARMLESS
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
            WaitingFor::WhichOrder => Ok(self.answer_to_suggestion()),
            WaitingFor::Details => self.answer_to_details(),
            WaitingFor::Nothing => self.answer_to_remark(),
        }
    }

    /// An answer to a reply that asked nothing, but named a way on.
    fn answer_to_remark(&mut self) -> Step<Option<ChatReply>> {
        let unanswered = self.pending_wish() == Some(Wish::Question);
        if unanswered && self.answer() == Answer::Yes {
            return self.request_handoff("The customer wants a question answered by a person", "medium").map(Some);
        }
        if !self.fresh() && self.facts.named_orders.is_empty() && self.answer() != Answer::Unclear {
            return Ok(Some(say(small_talk::all_right(self.language()), Notes::default())));
        }
        if self.said.withdraws()
            && (!self.own.is_concrete() || self.own == Wish::UndoCancel)
            && self.said.words.len() <= 8
        {
            return Ok(Some(say(actions::nothing_changed(self.language()), Notes::default())));
        }
        Ok(None)
    }

    /// The reply, unless the customer has read the same twice already: then a person is brought in.
    fn unless_said_before(&mut self, reply: ChatReply) -> Step<ChatReply> {
        let now = self.conversation().last_message_at;
        let recent = |message: &&ChatMessage| now.is_none_or(|now| now.duration_since(message.at) < SAID_LATELY);
        let replies = self.history.iter().rev().filter(|message| message.role == Role::Assistant);
        let earlier = replies.take(LOOK_BACK).take_while(recent);
        let said = earlier.filter(|message| message.text.trim() == reply.text.trim()).count();
        if said < 2 || !self.has_missed(u32::try_from(said).unwrap_or(u32::MAX)) {
            return Ok(reply);
        }
        if self.is_talk {
            let text = join([reply.text.as_str(), choices::once_more(self.language())]);
            return Ok(ChatReply { text, ..reply });
        }
        self.request_handoff("The bot would say the same for the third time", "medium")
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
        if let Some(answer) = self.faq_answer(self.text()) {
            let open = Notes { waiting_for: waiting, pending: self.conversation().pending.clone(), ..Notes::default() };
            return Some(say(&answer, open));
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
        Some(say(&text, self.notes(WaitingFor::Person, true)))
    }

    /// The reply when a tool failed: that is not the same as “not found”.
    pub(super) fn records_unavailable(&mut self) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The records could not be reached", "high");
        }
        Ok(say(orders::records_unavailable(self.language()), self.notes(self.conversation().waiting_for, true)))
    }

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

    /// Whether the message is an order id and nothing else.
    pub(super) fn is_bare_id(&self) -> bool {
        !self.facts.named_orders.is_empty() && topic::content_words(&self.facts.patterns.without_ids(self.text())) == 0
    }

    /// Whether the message is an id with slips in it and nothing else: what the model reads into it is no wish.
    fn is_nearly_an_id(&self) -> bool {
        if self.facts.suspected.is_empty() {
            return false;
        }
        let mut rest = self.text().to_owned();
        for mention in self.facts.patterns.mentions(self.text(), true).iter().rev() {
            rest.replace_range(mention.range.clone(), " ");
        }
        topic::content_words(&rest) == 0
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

    /// Notes that keep the pending request and wait for something.
    pub(super) fn notes(&self, waiting_for: WaitingFor, failed: bool) -> Notes {
        let reason = match &self.conversation().pending {
            Some(pending) if pending.intent == self.current_intent() => pending.reason.clone(),
            _ => excerpt(self.text().trim(), 200),
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

    /// Whether a person is brought in because once more nothing helped: one reply before a customer who cannot name an order
    /// gets one (`[escalation] failures`), by default at the second. `before`: how often nothing helped, where that is known from
    /// what was asked rather than counted.
    pub(super) fn has_missed(&self, before: u32) -> bool {
        let set = self.settings.failures;
        self.conversation().failures.max(before).saturating_add(1) >= set.saturating_sub(1).max(2).min(set)
    }

    /// Brings a person in.
    pub(super) fn request_handoff(&mut self, why: &str, priority: &str) -> Step<ChatReply> {
        let sorry = if self.negative() { feedback::sorry_about_trouble(self.language()) } else { "" };
        self.hand_over(sorry, why, priority)
    }

    /// Brings a person in, after a sentence about what happened.
    pub(super) fn hand_over(&mut self, lead: &str, why: &str, priority: &str) -> Step<ChatReply> {
        let mut known: Vec<&OrderId> = self.conversation().order_ids.iter().collect();
        known.extend(self.about.iter().filter(|id| !self.conversation().order_ids.contains(id)));
        let known = known.into_iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut reason = why.to_owned();
        if let Some(pending) = &self.conversation().pending {
            let _ = write!(reason, " (open: {}: “{}”)", pending.intent, excerpt(&pending.reason, 120));
        }
        if !known.is_empty() {
            let _ = write!(reason, "; orders: {}", known.join(", "));
        }
        let arguments = json!({
            "user_id": self.conversation().user_id.as_str(),
            "reason": reason,
            "last_message": excerpt(self.text(), 500),
            "priority": priority,
        });
        let result = self.tool(HUMAN, arguments)?;
        let language = self.language();
        let text = if results::field(result, "status") == "success" {
            join([lead, handoff::done(language)])
        } else {
            join([lead, handoff::failed(language)])
        };
        Ok(say(&text, Notes::default()))
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

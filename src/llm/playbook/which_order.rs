//! Which order is meant, where the customer named none: one of their own, or one whose id was nearly written.
//!
//! It must never ask a customer whose number has orders for an id before naming one of them.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::items;
use super::notes::say;
use super::plan::{Plan, Step};
use super::said::{Cue, Said, says};
use super::{matchers, results};
use crate::domain::consent::Answer;
use crate::domain::conversation::WaitingFor;
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::order::OrderState;
use crate::domain::sentences::{Language, feedback, identification, join, refunds, units};
use crate::domain::wish::Wish;
use crate::llm::{ChatReply, Notes};
use crate::tools::FIND_ORDERS;

/// Orders that are suggested at once, at most: a list of WhatsApp has ten rows, and one of them is for none.
const MOST: usize = 9;
/// Orders that are described beside the first; of the others the number is enough.
const DESCRIBED: usize = 4;
/// Names of articles in a question.
const ARTICLES: usize = 2;
/// Calls that a turn makes at most, with what it needs for the wish itself.
const MOST_CALLS: usize = 5;
/// Orders whose status is told at once, where the customer asks for all of them.
const ALL_AT_ONCE: usize = 5;

/// One of the customer's orders, as the tool lists it.
struct Own<'a> {
    id: OrderId,
    listed: &'a Value,
    /// Whether what is wished can be about it.
    fits: bool,
    /// Whether the message names something that was ordered.
    mentioned: bool,
}

/// The order that a wish is about, or the reply that asks for it.
#[expect(clippy::large_enum_variant, reason = "one at a time, read at once")]
pub(super) enum Chosen {
    Order(OrderId),
    Reply(ChatReply),
}

impl<'a> Plan<'a> {
    /// Finds out which order is meant: an id that was nearly written, one of the customer's own, or else the id is asked for.
    pub(super) fn ask_for_order(&mut self, lead: &str) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The customer cannot give an order id", "medium");
        }
        if let Some(meant) = self.facts.suspected.first() {
            let again = self.conversation().waiting_for == WaitingFor::WhichOrder;
            let question = identification::do_you_mean(self.language(), meant);
            let notes = Notes { suggested: vec![meant.clone()], ..self.notes(WaitingFor::WhichOrder, again) };
            return Ok(say(&join([lead, question.as_str()]), notes));
        }
        // Who was asked for an id has no orders of their own, or wants none of them.
        let asked = matches!(self.conversation().waiting_for, WaitingFor::OrderId | WaitingFor::Person);
        let wish = self.current_wish();
        let own = if asked { Vec::new() } else { self.own_orders(wish)? };
        Ok(self.which_of(&own, lead))
    }

    /// Asks which of the customer's own orders is meant; for an id, where there are none.
    fn which_of(&self, own: &[Own<'a>], lead: &str) -> ChatReply {
        let again = self.conversation().waiting_for == WaitingFor::WhichOrder;
        let language = self.language();
        let Some(first) = own.first() else {
            // The order that a picture of theirs names, once.
            let asked = matches!(
                self.conversation().waiting_for,
                WaitingFor::OrderId | WaitingFor::Person | WaitingFor::WhichOrder
            );
            let Some(meant) = self.facts.seen.first().filter(|_| !asked) else { return self.order_question(lead) };
            let question = identification::do_you_mean(language, meant);
            let notes = Notes { suggested: vec![meant.clone()], ..self.notes(WaitingFor::WhichOrder, false) };
            return say(&join([lead, question.as_str()]), notes);
        };
        let mut question = identification::is_it_about(language, &self.described(first));
        if own.len() > 1 {
            let others = own.iter().enumerate().skip(1).map(|(place, own)| match place {
                0..=DESCRIBED => self.described(own),
                _ => self.shown(own).to_string(),
            });
            let others = identification::or_one_of(language, &others.collect::<Vec<_>>());
            question = format!("{question}\n{others}");
        }
        let suggested = own.iter().map(|own| own.id.clone()).collect();
        say(&join([lead, question.as_str()]), Notes { suggested, ..self.notes(WaitingFor::WhichOrder, again) })
    }

    /// The one order that a wish is about: named, talked about, or the only one of the customer's own that fits.
    pub(super) fn one_order(&mut self, wish: Wish) -> Step<Chosen> {
        let sorry = match wish {
            Wish::MissingItem | Wish::WrongItem | Wish::Damaged => feedback::sorry_for_order(self.language()),
            Wish::RefundWhole | Wish::RefundPart => refunds::can_check(self.language()),
            _ if self.negative() => feedback::sorry_about_that(self.language()),
            _ => "",
        };
        Ok(match self.tracked_orders(sorry, wish)? {
            Ok(ids) => match ids.into_iter().next() {
                Some(id) => Chosen::Order(id),
                None => Chosen::Reply(self.order_question(sorry)),
            },
            Err(reply) => Chosen::Reply(*reply),
        })
    }

    /// The orders that a question is about; `Err` with the reply that asks for them.
    pub(super) fn tracked_orders(&mut self, lead: &str, wish: Wish) -> Step<Result<Vec<OrderId>, Box<ChatReply>>> {
        let found = self.chosen(lead, wish)?;
        if let Ok(ids) = &found {
            self.about.clone_from(ids);
        }
        Ok(found)
    }

    fn chosen(&mut self, lead: &str, wish: Wish) -> Step<Result<Vec<OrderId>, Box<ChatReply>>> {
        let open = self.conversation();
        if !self.facts.named_orders.is_empty() || open.waiting_for == WaitingFor::Proof {
            return Ok(Ok(self.orders()));
        }
        if wish == Wish::Track && self.is_about_each_suggested() {
            return Ok(Ok(open.suggested.iter().take(ALL_AT_ONCE).cloned().collect()));
        }
        let other = matchers::another_order(self.text());
        let pending = open.pending.as_ref().map(|pending| pending.orders.clone()).unwrap_or_default();
        let goes_on = open.waiting_for != WaitingFor::Nothing || self.answer() == Answer::Yes;
        if !other && !pending.is_empty() && goes_on {
            return Ok(Ok(pending));
        }
        let known = if other { Vec::new() } else { self.orders() };
        let little = self.said.words.len() < 3;
        let asked = matches!(open.waiting_for, WaitingFor::OrderId | WaitingFor::Person);
        if !self.facts.suspected.is_empty() || asked || (little && !known.is_empty()) {
            return Ok(if known.is_empty() { Err(Box::new(self.ask_for_order(lead)?)) } else { Ok(known) });
        }
        if self.conversation().failures + 1 >= self.settings.failures && known.is_empty() {
            return Ok(Err(Box::new(self.ask_for_order(lead)?)));
        }
        let own = self.own_orders(wish)?;
        if wish == Wish::Track && self.said.has(Cue::AllOrders) && !own.is_empty() {
            return Ok(Ok(own.into_iter().take(ALL_AT_ONCE).map(|own| own.id).collect()));
        }
        let mentioned: Vec<&Own<'_>> = own.iter().filter(|own| own.mentioned).collect();
        if let Some(last) = known.last()
            && (mentioned.is_empty() || mentioned.iter().any(|own| own.id == *last))
            && !self.said.has(Cue::Latest)
        {
            return Ok(Ok(known));
        }
        if self.said.has(Cue::Latest)
            && let Some(latest) = latest(&own)
        {
            return Ok(Ok(vec![latest]));
        }
        // The only one that is mentioned and fits, that is mentioned, that fits, that there is.
        let one = |which: &dyn Fn(&Own<'a>) -> bool| {
            let mut fitting = own.iter().filter(|own| which(own));
            let first = fitting.next().map(|own| own.id.clone());
            first.filter(|_| fitting.next().is_none())
        };
        let none_mentioned = mentioned.is_empty();
        let only = one(&|own| own.mentioned && own.fits)
            .or_else(|| one(&|own| own.mentioned))
            .or_else(|| if none_mentioned { one(&|own| own.fits) } else { None })
            .or_else(|| one(&|_| true));
        Ok(match only {
            Some(id) => Ok(vec![id]),
            None => Err(Box::new(self.which_of(&own, lead))),
        })
    }

    /// An answer to “is it about …?” that names no order; `None` where the message is about something else.
    pub(super) fn answer_to_suggestion(&mut self) -> Step<Option<ChatReply>> {
        if !self.facts.named_orders.is_empty() || !self.facts.suspected.is_empty() {
            return Ok(None);
        }
        // Who cannot tell which one it is hears of each.
        if self.is_about_each_suggested() {
            return self.by(Wish::Track).map(Some);
        }
        let declined = self.answer() == Answer::No
            || matchers::another_order(self.text())
            || matchers::none_of_these(self.text())
            || matchers::lacks_order_id(self.text());
        let question = || identification::which_then(self.language(), self.example());
        Ok(declined.then(|| say(&question(), self.notes(WaitingFor::OrderId, false))))
    }

    /// Whether the customer was asked which of several orders is meant, wants to know where it is, and means each or cannot tell.
    fn is_about_each_suggested(&self) -> bool {
        let open = self.conversation();
        let each = matchers::lacks_order_id(self.text()) || self.said.has(Cue::AllOrders) || self.said.has(Cue::Both);
        each && open.waiting_for == WaitingFor::WhichOrder
            && self.pending_wish() == Some(Wish::Track)
            && !open.suggested.is_empty()
    }

    /// A reply to a wish, and before it what became of another order that the message asks after by what was ordered: “where is
    /// the lamp, and refund the kettle”.
    pub(super) fn with_also_asked(&mut self, reply: ChatReply) -> Step<ChatReply> {
        let wish = self.own_wish();
        let asks = |thing: &[String]| says(thing, Cue::Where) && !says(thing, Cue::Money) && !says(thing, Cue::Cancel);
        let asking: Vec<Said> =
            self.said.things.iter().filter(|thing| asks(thing)).map(|thing| Said::new(&thing.join(" "))).collect();
        let is_beside = wish.is_to_be_done() || wish.is_money() || wish.is_complaint();
        if self.is_handed_over || self.is_talk || !is_beside || self.said.things.len() < 2 || asking.is_empty() {
            return Ok(reply);
        }
        let earlier = self
            .rounds
            .iter()
            .take(self.calls_used())
            .find(|round| round.call.name == FIND_ORDERS)
            .map(|round| &round.result);
        let result = match earlier {
            Some(result) => result,
            None => self.tool(FIND_ORDERS, json!({}))?,
        };
        let listed = result.get("orders").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let meant = |listed: &&Value| {
            let lines = items::lines(listed, "items");
            asking.iter().any(|said| lines.iter().any(|line| items::names(said, line)))
        };
        let ids = listed.iter().filter(meant).map(|listed| OrderId::new(results::field(listed, "order_id")));
        let others: Vec<OrderId> = ids.filter(|id| !self.about.contains(id)).collect();
        let mut lines = Vec::new();
        // A turn has room for a few calls only, and the wish comes first.
        let room = MOST_CALLS.saturating_sub(self.calls_used()).min(DESCRIBED);
        for other in others.into_iter().take(room) {
            let order = self.order(&other)?;
            if order.get("error").is_none() {
                lines.push(results::status(self.language(), self.money(), order));
            }
        }
        if lines.is_empty() {
            return Ok(reply);
        }
        lines.push(reply.text.clone());
        Ok(ChatReply { text: lines.join("\n"), ..reply })
    }

    /// The customer's own orders, the one that fits best first.
    fn own_orders(&mut self, wish: Wish) -> Step<Vec<Own<'a>>> {
        let result = self.tool(FIND_ORDERS, json!({}))?;
        let listed = result.get("orders").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let known = &self.conversation().known;
        // Of several things that are said, only what the wish is about names its order.
        let said = match wish {
            Wish::Cancel => self.said.parts_with(Cue::Cancel),
            _ => self.said.clone(),
        };
        let names =
            |said: &Said, listed: &Value| items::lines(listed, "items").iter().any(|line| items::names(said, line));
        let mut own: Vec<Own<'a>> = listed
            .iter()
            .filter(|listed| !results::field(listed, "order_id").is_empty())
            .map(|listed| {
                let id = OrderId::new(results::field(listed, "order_id"));
                let status = results::field(listed, "status").to_lowercase();
                let paid_back = results::field(listed, "payment_status").to_lowercase() == "refunded"
                    || known.refunds.iter().any(|refund| refund.order_id == id);
                let mentioned = names(&said, listed);
                Own { fits: fits(wish, &status, paid_back), id, listed, mentioned }
            })
            .collect();
        if matchers::another_order(self.text()) {
            let last = self.conversation().order_ids.last();
            own.retain(|own| Some(&own.id) != last);
        }
        own.sort_by_key(|own| (!own.mentioned, !own.fits));
        own.truncate(MOST);
        Ok(own)
    }

    /// The customer's order that a message names something of, else the latest.
    pub(super) fn latest_own_order(&mut self) -> Step<Option<OrderId>> {
        Ok(self.own_orders(Wish::Invoice)?.into_iter().next().map(|own| own.id))
    }

    /// How an order is called: by what the customer knows.
    fn shown<'b>(&'b self, own: &'b Own<'_>) -> &'b str {
        match results::field(own.listed, "display_id") {
            "" => self.conversation().name_of(&own.id).as_str(),
            shown => shown,
        }
    }

    fn described(&self, own: &Own<'_>) -> String {
        let language = self.language();
        let now = self.conversation().last_message_at.map(|at| i64::from(at.to_zoned(jiff::tz::TimeZone::UTC).year()));
        let date = date(language, results::field(own.listed, "date"), now);
        let names = names(own.listed);
        let about = if names.is_empty() { total(self.money(), own.listed) } else { articles(&names) };
        identification::order_in_question(language, self.shown(own), date.as_deref(), &about)
    }
}

/// Whether a wish can be about an order of this status.
fn fits(wish: Wish, status: &str, paid_back: bool) -> bool {
    let state = OrderState::parse(status);
    let ended = matches!(state, Some(OrderState::Cancelled | OrderState::Returned))
        || ["cancel", "return", "refund"].iter().any(|word| status.contains(word));
    let delivered = state == Some(OrderState::Delivered);
    match wish {
        Wish::Track | Wish::Late => !ended && !delivered,
        Wish::Cancel | Wish::ChangeAddress | Wish::ChangeSlot | Wish::ChangeContact | Wish::Instructions => {
            !ended && !delivered
        }
        Wish::UndoCancel => ended,
        Wish::RefundStatus => ended || paid_back,
        Wish::NotReceived
        | Wish::MissingItem
        | Wish::WrongItem
        | Wish::Damaged
        | Wish::Return
        | Wish::Exchange
        | Wish::Replacement => !ended && !paid_back && (delivered || state.is_none()),
        Wish::RefundWhole | Wish::RefundPart => !paid_back && (delivered || !ended),
        _ => true,
    }
}

/// The latest of several orders, as they are dated; the tool lists the latest first.
fn latest(own: &[Own<'_>]) -> Option<OrderId> {
    let date = |own: &&Own<'_>| results::field(own.listed, "date").to_owned();
    let newest = own.iter().map(|own| date(&own)).max()?;
    own.iter().find(|own| date(own) == newest).map(|own| own.id.clone())
}

/// What was ordered.
fn names(listed: &Value) -> Vec<&str> {
    let items = listed.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| results::field(item, "name")).filter(|name| !name.is_empty()).collect()
}

fn articles(names: &[&str]) -> String {
    let shown = names.iter().take(ARTICLES).copied().collect::<Vec<_>>().join(", ");
    if names.len() > ARTICLES { format!("{shown}, …") } else { shown }
}

/// What was paid, as people write it; nothing where that is not known, or was nothing.
fn total(shop: &ShopMoney, listed: &Value) -> String {
    let paid = listed.get("total").and_then(Value::as_f64).is_some_and(|total| total > 0.0);
    if paid { results::amount(listed, "total", shop) } else { String::new() }
}

/// A date as people say it, without the year where it is this one.
pub(super) fn date(language: Language, text: &str, year: Option<i64>) -> Option<String> {
    let date: Date = text.get(..10).unwrap_or(text).parse().ok()?;
    Some(units::day(language, date, year != Some(i64::from(date.year()))))
}

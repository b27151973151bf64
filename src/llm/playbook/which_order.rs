//! Which order is meant, where the customer named none: one of their own, or one whose id was nearly written.
//!
//! It must never ask a customer whose number has orders for an id before naming one of them.

use jiff::civil::Date;
use serde_json::{Value, json};

use super::matchers;
use super::plan::{Plan, Step, say};
use super::results;
use crate::domain::consent::Answer;
use crate::domain::conversation::WaitingFor;
use crate::domain::currency::ShopMoney;
use crate::domain::ids::OrderId;
use crate::domain::sentences::{Language, identification, join};
use crate::domain::topic::intent;
use crate::domain::words::words;
use crate::llm::{ChatReply, Notes};
use crate::tools::FIND_ORDERS;

/// Orders that are suggested at once, at most: a list of WhatsApp has ten rows, and one of them is for none.
const MOST: usize = 9;
/// Orders that are described beside the first; of the others the number is enough.
const DESCRIBED: usize = 4;
/// Names of articles in a question.
const ARTICLES: usize = 2;

/// One of the customer's orders, as the tool lists it.
struct Own<'a> {
    id: OrderId,
    listed: &'a Value,
    /// Whether nothing more is to come of it.
    over: bool,
    /// Whether the message names something that was ordered.
    mentioned: bool,
}

impl<'a> Plan<'a> {
    /// Finds out which order is meant: an id that was nearly written, one of the customer's own, or else the id is asked for.
    pub(super) fn ask_for_order(&mut self, lead: &str) -> Step<ChatReply> {
        if self.conversation().failures + 1 >= self.settings.failures {
            return self.request_handoff("The customer cannot give an order id", "medium");
        }
        let again = self.conversation().waiting_for == WaitingFor::WhichOrder;
        if let Some(meant) = self.facts.suspected.first() {
            let question = identification::do_you_mean(self.language(), meant);
            let notes = Notes { suggested: vec![meant.clone()], ..self.notes(WaitingFor::WhichOrder, again) };
            return Ok(say(&join([lead, question.as_str()]), notes));
        }
        // Who was asked for an id has no orders of their own, or wants none of them.
        let asked = matches!(self.conversation().waiting_for, WaitingFor::OrderId | WaitingFor::Person);
        let own = if asked { Vec::new() } else { self.own_orders()? };
        let Some(first) = own.first() else { return Ok(self.order_question(lead)) };
        let language = self.language();
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
        Ok(say(&join([lead, question.as_str()]), Notes { suggested, ..self.notes(WaitingFor::WhichOrder, again) }))
    }

    /// An answer to “is it about …?” that names no order; `None` where the message is about something else.
    pub(super) fn answer_to_suggestion(&self) -> Option<ChatReply> {
        if !self.facts.named_orders.is_empty() || !self.facts.suspected.is_empty() {
            return None;
        }
        let declined = self.answer() == Answer::No
            || matchers::another_order(self.text())
            || matchers::lacks_order_id(self.text());
        let question = || identification::which_then(self.language(), self.example());
        declined.then(|| say(&question(), self.notes(WaitingFor::OrderId, false)))
    }

    /// The customer's own orders, the one that fits best first.
    fn own_orders(&mut self) -> Step<Vec<Own<'a>>> {
        let result = self.tool(FIND_ORDERS, json!({}))?;
        let listed = result.get("orders").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let said: Vec<String> = words(self.text()).into_iter().filter(|word| word.chars().count() >= 4).collect();
        let known = &self.conversation().known;
        let mut own: Vec<Own<'a>> = listed
            .iter()
            .filter(|listed| !results::field(listed, "order_id").is_empty())
            .map(|listed| {
                let id = OrderId::new(results::field(listed, "order_id"));
                let status = results::field(listed, "status").to_lowercase();
                let paid_back = results::field(listed, "payment_status").to_lowercase() == "refunded"
                    || known.refunds.iter().any(|refund| refund.order_id == id);
                let ended = ["cancel", "return", "refund"].iter().any(|word| status.contains(word));
                let articles = words(&names(listed).join(" "));
                let mentioned = said.iter().any(|word| articles.contains(word));
                Own { id, listed, over: ended || paid_back, mentioned }
            })
            .collect();
        if matchers::another_order(self.text()) {
            let last = self.conversation().order_ids.last();
            own.retain(|own| Some(&own.id) != last);
        }
        // What a refund was paid for may still be asked about.
        let counts_over = ![intent::PAYMENT, intent::FEEDBACK, intent::OTHER].contains(&self.current_intent());
        own.sort_by_key(|own| (!own.mentioned, counts_over && own.over));
        own.truncate(MOST);
        Ok(own)
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
    let same = year == Some(i64::from(date.year()));
    match language {
        Language::English => Some(date.strftime(if same { "%-d %B" } else { "%-d %B %Y" }).to_string()),
    }
}

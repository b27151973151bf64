//! Which calls were made, and whether they are those that a case wants.

use serde_json::Value;

use super::{Articles, Kind, Reason, reason};
use crate::bench::case::{Argument, Need, Wanted, Way};
use crate::bench::log::{self, Call, Entry};
use crate::bench::text::plain;
use crate::domain::ids::OrderId;
use crate::tools::REFUND;

/// Whether a call that is needed was made, by now or before.
pub(super) fn is_met(need: &Need, log: &[Entry], articles: &Articles) -> bool {
    match need {
        Need::Any(needs) => needs.iter().any(|need| is_met(need, log, articles)),
        Need::Call(wanted) => log::calls(log).any(|(_, call)| call.was_done() && is_this(call, wanted, articles)),
    }
}

/// What is needed, in words.
pub(super) fn words(need: &Need) -> String {
    match need {
        Need::Call(wanted) => wanted.said.clone(),
        Need::Any(needs) => needs.iter().map(words).collect::<Vec<_>>().join(" or "),
    }
}

fn tools<'a>(need: &'a Need, found: &mut Vec<&'a str>) {
    match need {
        Need::Call(wanted) => found.push(wanted.tool),
        Need::Any(needs) => needs.iter().for_each(|need| tools(need, found)),
    }
}

/// What was done and must not be. A refund that nobody needs is no second fault where the money is right with it.
pub(super) fn not_wished(way: &Way, log: &[Entry], articles: &Articles, right_money: bool, wrong: &mut Vec<Reason>) {
    let mut free: Vec<&str> = way.may.iter().map(String::as_str).collect();
    way.needs.iter().for_each(|need| tools(need, &mut free));
    for (entry, call) in log::calls(log).filter(|(_, call)| call.succeeded()) {
        let tool = call.tool.as_str();
        if call.writes() && !free.contains(&tool) && !(tool == REFUND && right_money) {
            wrong.push(reason(Kind::NotWished, format!("{tool} was done and not wished")));
        }
        for (forbidden, at) in &way.forbid {
            if at.is_none_or(|at| log::line_of(entry, log) == at) && is_this(call, forbidden, articles) {
                wrong.push(reason(Kind::NotWished, format!("forbidden: {}", forbidden.said)));
            }
        }
    }
}

fn is_this(call: &Call, wanted: &Wanted, articles: &Articles) -> bool {
    let order = OrderId::new(&call.order());
    call.tool == wanted.tool
        && wanted.args.iter().all(|(name, argument)| match argument {
            Argument::Items(items) => are_items(&call.arguments["items"], items, articles.get(&order)),
            Argument::Change(change) => {
                let mut changed = call.arguments.clone();
                if let Some(fields) = changed.as_object_mut() {
                    fields.retain(|name, _| name != "order_id" && name != "user_id");
                }
                fits(&changed, change)
            }
            other => call.arguments.get(name).is_some_and(|given| !given.is_null() && fits(given, other)),
        })
}

fn text_of(value: &Value) -> String {
    plain(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
}

fn fits(given: &Value, argument: &Argument) -> bool {
    match argument {
        Argument::Is(text) => text_of(given).trim().to_lowercase() == plain(text).trim().to_lowercase(),
        Argument::Holds(pattern) => pattern.is_in(&text_of(given)),
        Argument::Any(arguments) => arguments.iter().any(|argument| fits(given, argument)),
        Argument::All(arguments) => arguments.iter().all(|argument| fits(given, argument)),
        // They are an argument's own, and stand in nothing else.
        Argument::Items(_) | Argument::Change(_) => false,
    }
}

/// Whether exactly the wanted items of the order are named, by name or by sku. None named stands for the whole order.
fn are_items(given: &Value, wanted: &[String], articles: Option<&Vec<super::Article>>) -> bool {
    let articles = articles.map_or(&[][..], Vec::as_slice);
    let wanted: Vec<String> = wanted.iter().map(|item| plain(item).to_lowercase()).collect();
    let is_empty = given.is_null() || given.as_array().is_some_and(Vec::is_empty) || given.as_str() == Some("");
    if is_empty {
        return articles.len() == wanted.len();
    }
    let given = text_of(given).to_lowercase();
    articles.iter().all(|article| {
        let (sku, name) = (plain(&article.sku).to_lowercase(), plain(&article.name).to_lowercase());
        let is_wanted: Vec<&String> = wanted.iter().filter(|item| name.contains(*item) || **item == sku).collect();
        let short = name.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        let is_given = (!sku.is_empty() && given.contains(&sku))
            || given.contains(&short)
            || is_wanted.iter().any(|item| given.contains(*item));
        is_given != is_wanted.is_empty()
    })
}

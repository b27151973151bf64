//! What a member of the team does to an order: pay it back, cancel it, change it, take it back. It goes through the very tools of
//! the bot, so the same policy decides and the same record is made; a person looks at it once more before it is done.

use async_trait::async_trait;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::access::Session;
use super::customer::{order_address, order_name};
use super::forms::{Fields, encode};
use super::{AppState, Inner, PageError, layout};
use crate::domain::currency::Amount;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::money::{Decimal, Money};
use crate::domain::order::{Order, OrderLine};
use crate::support::Actor;

/// The tools that do something to orders, on behalf of a member of the team.
#[async_trait]
pub trait OrderTools: Send + Sync {
    /// Calls a tool by its name, and returns its documented result. The call is on record.
    async fn call(&self, actor: &Actor, tool: &str, arguments: Value) -> Value;
    /// What such a call would come to, by the same policy, without doing it: `needs_confirmation` with the `amount` that goes back,
    /// or why it is not done.
    async fn foresee(&self, actor: &Actor, tool: &str, arguments: Value) -> Value;
}

/// The longest reason, and the longest value that is changed, in characters.
const LONGEST_REASON: usize = 500;
const LONGEST_VALUE: usize = 300;
/// What can be changed of an order: the argument of the tool, and its name.
const CHANGES: [(&str, &str); 4] = [
    ("address", "Delivery address"),
    ("delivery_slot", "Delivery time"),
    ("phone", "Number for the carrier"),
    ("instructions", "Note for the carrier"),
];
/// What a customer gets for what goes back.
const RESOLUTIONS: [(&str, &str); 3] =
    [("refund", "money back"), ("replacement", "the same again"), ("exchange", "something else")];

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Refund,
    Cancel,
    Change,
    Return,
}

impl Kind {
    /// Every kind: its word in forms, the tool that does it, and its name.
    const EACH: [(Self, &'static str, &'static str, &'static str); 4] = [
        (Self::Refund, "refund", "process_refund", "Refund"),
        (Self::Cancel, "cancel", "cancel_order", "Cancel"),
        (Self::Change, "change", "change_order", "Change"),
        (Self::Return, "return", "return_order", "Return"),
    ];

    fn parse(word: &str) -> Option<Self> {
        Self::EACH.iter().find(|(_, known, ..)| *known == word).map(|(kind, ..)| *kind)
    }

    fn of(self) -> (&'static str, &'static str, &'static str) {
        let found = Self::EACH.iter().find(|(kind, ..)| *kind == self);
        found.map_or(("", "", ""), |(_, word, tool, name)| (*word, *tool, *name))
    }
}

/// A wish as a form sends it: the same on the page of the order and on the page that asks once more.
struct Wish {
    kind: Kind,
    order: Order,
    /// Items as the tools read them; empty: the whole order.
    items: Vec<Value>,
    /// The fields of the form, for the page that asks once more.
    sent: Vec<(String, String)>,
    arguments: Map<String, Value>,
}

impl Wish {
    async fn read(state: &Inner, fields: &Fields) -> Result<Self, PageError> {
        let kind =
            Kind::parse(fields.get("kind")).ok_or(PageError::BadRequest("Nothing is named that could be done."))?;
        let id = OrderId::new(fields.some("id").ok_or(PageError::BadRequest("No order is named."))?);
        let order = state.store().order(&id).await?.ok_or(PageError::NotFound)?;
        let mut sent = vec![("kind".to_owned(), kind.of().0.to_owned()), ("id".to_owned(), id.as_str().to_owned())];
        let mut arguments = Map::new();
        arguments.insert("order_id".into(), id.as_str().into());
        let mut keep = |name: &str, longest: usize, arguments: &mut Map<String, Value>| {
            let text: String = fields.get(name).chars().take(longest).collect();
            if !text.is_empty() {
                sent.push((name.to_owned(), text.clone()));
                arguments.insert(name.to_owned(), text.into());
            }
        };
        if kind != Kind::Change {
            keep("reason", LONGEST_REASON, &mut arguments);
        }
        match kind {
            Kind::Change => CHANGES.iter().for_each(|(name, _)| keep(name, LONGEST_VALUE, &mut arguments)),
            Kind::Return => ["resolution", "details"].iter().for_each(|name| keep(name, LONGEST_VALUE, &mut arguments)),
            Kind::Refund | Kind::Cancel => {}
        }
        // The order's id is one of them.
        match (kind, arguments.len()) {
            (Kind::Change, 1) => {
                return Err(PageError::BadRequest("Nothing is named that is to be changed: fill one field in."));
            }
            (Kind::Change, 3..) => {
                return Err(PageError::BadRequest(
                    "One thing is changed at a time: fill one field in, and the next one after it.",
                ));
            }
            _ => {}
        }
        let mut items = Vec::new();
        let takes_items = [Kind::Refund, Kind::Return].contains(&kind);
        for (name, place) in fields.names().filter_map(|name| Some((name, name.strip_prefix("item-")?))) {
            let Some(quantity) = fields.get(name).parse::<u32>().ok().filter(|count| *count > 0 && takes_items) else {
                continue;
            };
            // The shop may have sent the order again since the page was shown, with other lines.
            let line = place.parse::<usize>().ok().and_then(|place| order.details.lines.get(place));
            let what = format!("line-{place}");
            let Some(line) = line.filter(|line| called(line) == fields.get(&what)) else {
                return Err(PageError::BadRequest(
                    "The order has changed since the page was shown: begin at the page of the order.",
                ));
            };
            sent.push((name.to_owned(), quantity.to_string()));
            sent.push((what, called(line).to_owned()));
            items.push(json!({"name": called(line), "quantity": quantity}));
        }
        if !items.is_empty() {
            arguments.insert("items".into(), Value::Array(items.clone()));
        }
        sent.extend(fields.some("user").map(|user| ("user".to_owned(), user.to_owned())));
        Ok(Self { kind, order, items, sent, arguments })
    }

    /// Whether money may go back with it.
    fn pays(&self) -> bool {
        self.kind != Kind::Change
    }
}

/// What a line is called in forms and by the tools: its number, or its name.
fn called(line: &OrderLine) -> &str {
    line.sku.as_deref().unwrap_or(&line.name).trim()
}

/// Why a member may not let this amount go back; `None`: they may.
pub(super) fn above_limit(state: &Inner, session: &Session, amount: Option<Amount>) -> Option<String> {
    let (limit, amount) = (state.settings.agent_limit?, amount.filter(|amount| amount.money > Money::ZERO)?);
    let money = &state.settings.money;
    // An amount of another currency is not known to be within it.
    let within = amount.currency == money.currency() && amount.money <= limit;
    (!within && !session.may_administer()).then(|| {
        let (amount, limit) = (money.show(amount), money.show(money.own(limit)));
        format!("{amount} would go back, and agents may let {limit} go at most: ask an admin.")
    })
}

/// The forms on the page of an order. `user`: the conversation that one comes from.
pub(super) fn forms(state: &Inner, session: &Session, order: &Order, user: Option<&str>) -> Markup {
    let lines = &order.details.lines;
    let items = html! {
        @if lines.len() > 1 || lines.iter().any(|line| line.quantity > 1) {
            fieldset.items {
                legend { "How many of each; nothing: the whole order" }
                @for (place, line) in lines.iter().enumerate() {
                    label {
                        input type="hidden" name=(format!("line-{place}")) value=(called(line));
                        input type="number" name=(format!("item-{place}")) min="0" max=(line.quantity) placeholder="0";
                        " of " (line.quantity) " × " (line.name)
                    }
                }
            }
        }
    };
    let reason = html! { label { "Why" input name="reason" maxlength=(LONGEST_REASON) required; } };
    let form = |kind: Kind, inner: &Markup| {
        let (word, _, name) = kind.of();
        html! {
            details.doing data-key=(word) {
                summary { (name) }
                form.act method="post" action="/order/ask" {
                    (layout::csrf(session))
                    input type="hidden" name="kind" value=(word);
                    input type="hidden" name="id" value=(order.id);
                    @if let Some(user) = user { input type="hidden" name="user" value=(user); }
                    (inner)
                    button.second type="submit" { (name) "…" }
                }
            }
        }
    };
    html! {
        @if session.may_change() && state.settings.tools.is_some() {
            section.card.facts #doing {
                h2 { "Do something" }
                p.note { "By the shop's policy, as the bot does it. You are asked once more before anything is done." }
                (form(Kind::Refund, &html! { (items) (reason) }))
                (form(Kind::Cancel, &reason))
                (form(Kind::Change, &html! {
                    p.note { "One at a time." }
                    @for (name, label) in CHANGES { label { (label) input name=(name) maxlength=(LONGEST_VALUE); } }
                }))
                (form(Kind::Return, &html! {
                    (items)
                    label { "For" select name="resolution" { @for (word, name) in RESOLUTIONS { option value=(word) { (name) } } } }
                    label { "What instead, in an exchange" input name="details" maxlength=(LONGEST_VALUE); }
                    (reason)
                }))
            }
        }
    }
}

/// A page that says why something is not done.
fn refusal(wish: &Wish, why: &str) -> Response {
    let address = match wish.sent.iter().find(|(name, _)| name == "user") {
        Some((_, user)) => format!("/conversation?user={}", encode(user)),
        None => order_address(&wish.order.id),
    };
    let title = format!("Not done: {}", wish.kind.of().2);
    (StatusCode::CONFLICT, layout::message_with_link(&title, why, &address, "Back")).into_response()
}

/// What a result says in words: a refusal's reason, or an error.
fn words(result: &Value) -> &str {
    let text = |name: &str| result[name].as_str();
    text("message").or(text("reason")).or(text("summary")).or(text("error")).unwrap_or("The tool gave no reason.")
}

pub(super) async fn ask(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, PageError> {
    let wish = Wish::read(&state, &fields).await?;
    let tools = state.settings.tools.as_ref().ok_or(PageError::NotFound)?;
    let mut quoted = None;
    if wish.kind == Kind::Refund {
        let mut arguments = json!({"order_id": wish.order.id.as_str()});
        if !wish.items.is_empty() {
            arguments["items"] = Value::Array(wish.items.clone());
        }
        let quote = tools.call(&session.actor(state.now()), "check_refund_eligibility", arguments).await;
        if quote["eligible"] != true {
            return Ok(refusal(&wish, words(&quote)));
        }
        quoted = amount(&quote["refund_amount"], &wish.order);
        if quoted.is_none() {
            return Ok(refusal(&wish, "It is not known how much goes back."));
        }
    } else if wish.pays() {
        let arguments = Value::Object(wish.arguments.clone());
        let foreseen = tools.foresee(&session.actor(state.now()), wish.kind.of().1, arguments).await;
        match foreseen["status"].as_str() {
            Some("needs_confirmation") => {}
            Some("already_done") => return Ok(back(&wish, "actedbefore")),
            _ => return Ok(refusal(&wish, words(&foreseen))),
        }
        // Without an amount no money goes back; that is held against what is done as well.
        quoted = match &foreseen["amount"] {
            Value::Null => Some(Amount::new(Money::ZERO, wish.order.currency())),
            shown => amount(shown, &wish.order),
        };
        if quoted.is_none() {
            return Ok(refusal(&wish, "It is not known how much goes back."));
        }
    }
    if let Some(why) = above_limit(&state, &session, quoted) {
        return Ok(refusal(&wish, &why));
    }
    let (_, _, name) = wish.kind.of();
    let title = format!("{name}: {}", order_name(&wish.order));
    let shown = quoted.filter(|amount| amount.money > Money::ZERO).map(|amount| state.settings.money.show(amount));
    let main = html! {
        div.heading { h1 { (title) } }
        div.card.actions #confirm {
            p { strong { (question(wish.kind, shown.as_deref())) } }
            dl.facts {
                @for (name, value) in wish.arguments.iter().filter(|(name, _)| *name != "order_id" && *name != "items") {
                    dt { (name.replace('_', " ")) } dd { (value.as_str().unwrap_or_default()) }
                }
                @for item in &wish.items { dt { "item" } dd { (item["quantity"]) " × " (item["name"].as_str().unwrap_or_default()) } }
            }
            form.act method="post" action="/order/act" {
                (layout::csrf(&session))
                @for (name, value) in &wish.sent { input type="hidden" name=(name) value=(value); }
                @if let Some(amount) = quoted {
                    input type="hidden" name="amount" value=(amount.to_json());
                    input type="hidden" name="currency" value=(amount.currency.code());
                }
                button type="submit" { "Yes, " (name.to_lowercase()) }
            }
            p { a href=(order_address(&wish.order.id)) { "No, back to the order" } }
        }
    };
    let page = layout::page("/conversations", &title, &session, state.pending().await?, &main);
    Ok(page.into_response())
}

/// What is asked before it is done.
fn question(kind: Kind, amount: Option<&str>) -> String {
    match kind {
        Kind::Refund => format!("Pay {} back? An order is paid back once.", amount.unwrap_or("it")),
        Kind::Change => "Change the order?".to_owned(),
        Kind::Cancel | Kind::Return => {
            let what = if kind == Kind::Cancel { "Cancel the order?" } else { "Take it back?" };
            match amount {
                Some(amount) => format!("{what} {amount} goes back for it, by the shop's policy."),
                None => format!("{what} No money goes back for it."),
            }
        }
    }
}

/// An amount of a result, in the order's currency.
fn amount(value: &Value, order: &Order) -> Option<Amount> {
    let money: Money = Decimal::from_json(value).ok()?.to_money(order.currency()).ok()?;
    Some(Amount::new(money, order.currency()))
}

pub(super) async fn act(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Response, PageError> {
    let mut wish = Wish::read(&state, &fields).await?;
    let tools = state.settings.tools.as_ref().ok_or(PageError::NotFound)?;
    let mut quoted = None;
    if wish.pays() {
        // The tool pays exactly what the page showed, or does nothing.
        let shown: Value = serde_json::from_str(fields.get("amount")).unwrap_or_default();
        quoted = amount(&shown, &wish.order);
        if quoted.is_none() {
            return Err(PageError::BadRequest("No amount was shown before this: begin at the page of the order."));
        }
        if fields.get("currency") != wish.order.currency().code() {
            return Ok(refusal(&wish, "The currency of the order has changed since the amount was shown."));
        }
        wish.arguments.insert("amount".into(), shown);
    }
    if let Some(why) = above_limit(&state, &session, quoted) {
        return Ok(refusal(&wish, &why));
    }
    let result = tools.call(&session.actor(state.now()), wish.kind.of().1, Value::Object(wish.arguments.clone())).await;
    match result["status"].as_str() {
        Some("success") => Ok(back(&wish, "acted")),
        Some("already_refunded" | "already_done") => Ok(back(&wish, "actedbefore")),
        _ => Ok(refusal(&wish, words(&result))),
    }
}

/// The page that one came from, with a notice.
fn back(wish: &Wish, word: &str) -> Response {
    let user = wish.sent.iter().find(|(name, _)| name == "user").map(|(_, user)| UserId::new(user.as_str()));
    let address = match user {
        Some(user) => format!("/conversation?user={}", encode(user.as_str())),
        None => order_address(&wish.order.id),
    };
    Redirect::to(&format!("{address}&told={word}")).into_response()
}

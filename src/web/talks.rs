//! Decides how conversations are found and shown on pages, and which forms stand beside them.
//!
//! It must never offer a reply where the bot still answers.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::access::Session;
use super::actions::{self, Outcome};
use super::forms::{Fields, encode};
use super::labels::Labelling;
use super::{Desk, Trouble, alerts, layout};
use crate::domain::audit::AuditRecord;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::message::{ChatMessage, Role};
use crate::domain::outgoing::{Delivery, Outgoing, Receipt};
use crate::domain::words::excerpt;
use crate::insights::{self, Talk, TalkView, Turn};
use crate::store::{Answers, Search};

/// What triage says of how a message sounds.
const SENTIMENTS: [&str; 3] = ["positive", "neutral", "negative"];
/// Conversations in a list.
const MOST_SHOWN: u32 = 50;

pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let mode = fields.get("mode");
    let times = ["range", "from", "to"].iter().any(|name| fields.some(name).is_some());
    let period = if times {
        let range = super::pages::range(&fields)?;
        Some(range.period(desk.now(), &desk.settings.zone, desk.settings.gap))
    } else {
        None
    };
    let search = Search {
        text: fields.get("q").to_owned(),
        user: fields.get("user").to_owned(),
        order: fields.some("order").map(OrderId::new),
        intent: fields.some("intent").map(str::to_owned),
        sentiment: fields.some("sentiment").map(str::to_owned),
        answers: match mode {
            "bot" => Some(Answers::Bot),
            "person" => Some(Answers::Person),
            _ => None,
        },
        from: period.as_ref().and_then(|period| period.from),
        until: earlier(period.map(|period| period.until), fields.some("before").and_then(|text| text.parse().ok())),
    };
    let (mut shown, unsearched) = insights::talks(desk.store(), &search, MOST_SHOWN + 1).await?;
    let more = shown.len() > MOST_SHOWN as usize;
    shown.truncate(MOST_SHOWN as usize);
    let main = html! {
        div.heading { h1 { "Conversations" } p.about { "the latest first" } }
        form.filters method="get" action="/conversations" {
            label { "Text " input type="search" name="q" value=(fields.get("q")); }
            label { "Customer " input type="search" name="user" value=(fields.get("user")) size="14"; }
            label { "Order " input type="search" name="order" value=(fields.get("order")) size="11"; }
            label { "Intent " input name="intent" value=(fields.get("intent")) size="14"; }
            label {
                "Sentiment "
                select name="sentiment" {
                    option value="" { "any" }
                    @for word in SENTIMENTS {
                        option value=(word) selected[word == fields.get("sentiment")] { (word) }
                    }
                }
            }
            label {
                "Who answers "
                select name="mode" {
                    @for (value, name) in [("", "anybody"), ("bot", "the bot"), ("person", "a person")] {
                        option value=(value) selected[value == mode] { (name) }
                    }
                }
            }
            label { "From " input type="date" name="from" value=(fields.get("from")); }
            label { "to " input type="date" name="to" value=(fields.get("to")); }
            button type="submit" { "Search" }
            @if !fields.is_empty() { a href="/conversations" { "All" } }
        }
        @if more { p.count { "more than " (MOST_SHOWN) " found, the latest " (MOST_SHOWN) " shown" } }
        @if shown.is_empty() { p.nothing { "No conversation fits." } }
        ul.talks {
            @for talk in &shown { li { (row(&desk, &session, talk)) } }
        }
        @if let Some(before) = unsearched {
            p.note {
                "Messages from before " (layout::time(before, &desk.settings.zone)) " were not looked through. "
                a href=(further(&fields, before)) { "Look further back" }
            }
        }
    };
    Ok(layout::page("/conversations", "Conversations", &session, desk.pending().await?, main))
}

/// The earlier of two times, where there are two.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Where the same search goes on.
fn further(fields: &Fields, before: Timestamp) -> String {
    let names = ["q", "user", "order", "intent", "sentiment", "mode", "range", "from", "to"];
    let kept = names.iter().filter_map(|name| Some(format!("{name}={}&", encode(fields.some(name)?))));
    format!("/conversations?{}before={}", kept.collect::<String>(), encode(&before.to_string()))
}

fn row(desk: &Desk, session: &Session, talk: &Talk) -> Markup {
    let triage = talk.conversation.as_ref().and_then(|conversation| conversation.triage.as_ref());
    html! {
        a.card.talk href=(format!("/conversation?user={}", encode(talk.user_id.as_str()))) {
            span.line {
                strong { (talk.user_id.as_str()) }
                @if let Some(alert) = &talk.alert {
                    span.chip.high { "a person answers" }
                    (alerts::holder(session, alert))
                }
                @if let Some(triage) = triage {
                    span.chip { (triage.intent) }
                    span.chip.(tone(&triage.sentiment)) { (triage.sentiment) }
                }
                @if let Some(last) = &talk.last { (layout::time(last.at, &desk.settings.zone)) }
            }
            @if let Some(last) = &talk.last {
                span.excerpt { @if last.role != Role::User { (who(last.role)) ": " } (excerpt(&last.text, 160)) }
            }
        }
    }
}

pub(super) fn tone(sentiment: &str) -> &'static str {
    match sentiment {
        "negative" => "high",
        "positive" => "good",
        _ => "plain",
    }
}

fn who(role: Role) -> &'static str {
    match role {
        Role::User => "Customer",
        Role::Assistant => "Bot",
        Role::Agent => "Team",
    }
}

pub(super) async fn view(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let user = UserId::new(fields.some("user").ok_or(Trouble::Missing)?);
    let talk = insights::view(desk.store(), &user).await?.ok_or(Trouble::Missing)?;
    let labels = Labelling::of(&desk, &session, &talk).await;
    let main = html! {
        div.heading {
            p.back { a href="/conversations" { "← Conversations" } }
            h1 { (user.as_str()) }
            p.about { @if talk.alert.is_some() { "a person answers, the bot is silent" } @else { "the bot answers" } }
        }
        (alerts::told(&desk, &fields).await?)
        div.two {
            div.chat {
                @for turn in &talk.turns { (one_turn(&desk, turn, &labels)) }
                @if talk.turns.is_empty() { p.nothing { "Nothing was said that is still kept." } }
            }
            (beside(&desk, &session, &talk))
        }
        p.note { "Calls of tools are looked for in the latest 5,000 entries of the audit trail." }
    };
    Ok(layout::page("/conversations", user.as_str(), &session, desk.pending().await?, main))
}

fn one_turn(desk: &Desk, turn: &Turn, labels: &Labelling<'_>) -> Markup {
    // What the customer wrote, then what was done about it, then what was answered.
    let (asked, answered): (Vec<_>, Vec<_>) = turn.said.iter().partition(|message| message.role == Role::User);
    html! {
        @for message in asked { (bubble(desk, message, &[], labels)) }
        @for call in &turn.calls { (tool_call(call)) }
        @let last = answered.len().saturating_sub(1);
        @for (index, message) in answered.into_iter().enumerate() {
            // One text may leave in several messages: what is left belongs to the last one.
            @let own = if index == last { turn.sent.get(index..) } else { turn.sent.get(index..=index) };
            (bubble(desk, message, own.unwrap_or_default(), labels))
        }
    }
}

fn bubble(desk: &Desk, message: &ChatMessage, sent: &[Outgoing], labels: &Labelling<'_>) -> Markup {
    html! {
        div.bubble.(message.role.as_str()) {
            p.text { (message.text) }
            p.meta {
                (who(message.role)) " · " (layout::time(message.at, &desk.settings.zone))
                @if let Some(intent) = &message.intent { " · " span.chip { (intent) } }
                @if let Some(sentiment) = &message.sentiment { " " span.chip.(tone(sentiment)) { (sentiment) } }
                @if let Some(taken) = message.response_ms { " · after " (insights::Unit::Milliseconds.show(Some(taken as f64))) }
                @if let Some(sent) = sent.iter().min_by_key(|sent| way(sent)) { " · " (ticks(sent)) }
            }
            (labels.menu(message))
        }
    }
}

/// How far a message is, the least first; one that will not arrive before all.
fn way(sent: &Outgoing) -> (u8, Option<Receipt>) {
    let state = match (sent.state, sent.receipt) {
        (Delivery::Parked, _) | (_, Some(Receipt::Failed | Receipt::Deleted)) => 0,
        (Delivery::Queued | Delivery::Sending, _) => 1,
        (Delivery::Sent, _) => 2,
    };
    (state, sent.receipt)
}

/// How far a message is, as people know it from their telephones.
fn ticks(sent: &Outgoing) -> Markup {
    let (sign, told) = match (sent.state, sent.receipt) {
        (Delivery::Parked, _) | (_, Some(Receipt::Failed)) => ("✕", "not delivered"),
        (_, Some(Receipt::Read)) => ("✓✓", "read"),
        (_, Some(Receipt::Deleted)) => ("✕", "deleted"),
        (_, Some(Receipt::Delivered)) => ("✓✓", "delivered"),
        (Delivery::Sent, _) => ("✓", "sent"),
        (Delivery::Queued | Delivery::Sending, _) => ("…", "waits to be sent"),
    };
    html! {
        span.ticks.read[told == "read"].failed[sign == "✕"] title=[sent.error.as_deref()] {
            span aria-hidden="true" { (sign) } " " (told)
        }
    }
}

fn tool_call(call: &AuditRecord) -> Markup {
    html! {
        details.call {
            summary { (call.action) }
            pre { (serde_json::to_string_pretty(&call.arguments).unwrap_or_default()) }
            pre { (serde_json::to_string_pretty(&call.result).unwrap_or_default()) }
        }
    }
}

fn beside(desk: &Desk, session: &Session, talk: &TalkView) -> Markup {
    let form = |action: &str, inner: Markup| {
        html! {
            form.act method="post" action=(format!("/conversation/{action}")) {
                (layout::csrf(session))
                input type="hidden" name="user" value=(talk.user_id.as_str());
                (inner)
            }
        }
    };
    let Some(alert) = &talk.alert else {
        return html! {
            @if session.may_change() {
                div.card.actions {
                    (form("take-over", html! { button type="submit" { "Take over" } }))
                    p.note { "The bot then stays silent until you give the conversation back." }
                }
            }
        };
    };
    let open = talk.free_until.is_some_and(|until| until > desk.now());
    html! {
        div.card.actions {
            p { strong { "Why a person was asked: " } (alert.reason) " " (alerts::holder(session, alert)) }
            (alerts::history(desk, alert))
            @if session.may_change() { (alerts::claiming(desk, session, alert, "/conversation", "")) }
            p.note {
                @match talk.free_until {
                    Some(until) if open => { "You may write freely for " (left(until.duration_since(desk.now()))) ", until " (layout::time(until, &desk.settings.zone)) "." }
                    Some(until) => {
                        "The 24 hours after the customer’s last message ended "
                        (layout::time(until, &desk.settings.zone)) ": on WhatsApp only an approved template is delivered."
                    }
                    None => { "The customer has not written yet: on WhatsApp only an approved template is delivered." }
                }
            }
            @if session.may_change() {
            (form("reply", html! {
                label for="reply" { "Reply" }
                textarea #reply name="text" rows="3" maxlength="4096" required {}
                button type="submit" { "Send" }
            }))
            (form("return", html! {
                label { span.hidden { "Note" } input name="note" maxlength="2000" placeholder="What was done (goes on record)"; }
                button.second type="submit" { "Return to bot" }
            }))
            }
        }
    }
}

/// A time that is left, in its two largest units.
fn left(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    if minutes >= 60 { format!("{} h {} min", minutes / 60, minutes % 60) } else { format!("{minutes} min") }
}

fn back(user: &UserId, outcome: Outcome) -> Redirect {
    Redirect::to(&format!("/conversation?user={}&told={}", encode(user.as_str()), outcome.word()))
}

fn named(fields: &Fields) -> Result<UserId, Trouble> {
    fields.some("user").map(UserId::new).ok_or(Trouble::Wrong("No customer is named."))
}

/// Only customers who are known: a mistyped name must not begin a conversation.
pub(super) async fn known(desk: &Desk, fields: &Fields) -> Result<UserId, Trouble> {
    let user = named(fields)?;
    let store = desk.store();
    let there = store.conversation(&user).await?.is_some() || !store.recent_messages(&user, 1).await?.is_empty();
    if there { Ok(user) } else { Err(Trouble::Missing) }
}

pub(super) async fn take_over(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let user = known(&desk, &fields).await?;
    Ok(back(&user, actions::take_over(desk.store(), &session.by(desk.now()), &user).await?))
}

pub(super) async fn reply(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let user = named(&fields)?;
    Ok(back(&user, actions::reply(desk.store(), &session.by(desk.now()), &user, fields.get("text")).await?))
}

pub(super) async fn give_back(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let user = named(&fields)?;
    Ok(back(&user, actions::give_back(desk.store(), &session.by(desk.now()), &user, fields.get("note")).await?))
}

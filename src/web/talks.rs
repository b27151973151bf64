//! Decides how conversations are found and shown on pages, and which forms stand beside them.
//!
//! It must never offer a reply where the bot still answers.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use maud::{Markup, html};

use super::access::Session;
use super::actions::{self, Outcome};
use super::forms::{Fields, encode};
use super::{Desk, Trouble, layout};
use crate::domain::audit::AuditRecord;
use crate::domain::ids::UserId;
use crate::domain::message::{ChatMessage, Role};
use crate::domain::outgoing::{Delivery, Outgoing, Receipt};
use crate::domain::words::excerpt;
use crate::insights::{self, Talk, TalkView, Turn};
use crate::store::Search;

/// Conversations in a list.
const MOST_SHOWN: u32 = 50;
/// Conversations that are looked through where who answers matters: that is not in an index.
const MOST_READ: u32 = 400;

pub(super) async fn list(
    State(desk): State<Desk>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, Trouble> {
    let fields = Fields::read(&query.unwrap_or_default());
    let mode = fields.get("mode");
    let from = match fields.some("range") {
        None => None,
        Some(_) => super::pages::range(&fields)?.period(desk.now(), &desk.settings.zone, desk.settings.gap).from,
    };
    let search = Search {
        text: fields.get("q").to_owned(),
        intent: fields.some("intent").map(str::to_owned),
        sentiment: fields.some("sentiment").map(str::to_owned),
        from,
    };
    let limit = if mode.is_empty() { MOST_SHOWN } else { MOST_READ };
    let found = insights::talks(desk.store(), &search, limit).await?;
    let fits = |talk: &&Talk| mode.is_empty() || (mode == "person") == talk.alert.is_some();
    let shown: Vec<&Talk> = found.iter().filter(fits).take(MOST_SHOWN as usize).collect();
    let main = html! {
        div.heading { h1 { "Conversations" } p.about { "the latest first" } }
        form.filters method="get" action="/conversations" {
            label { "Text, order or customer " input type="search" name="q" value=(fields.get("q")); }
            label { "Intent " input name="intent" value=(fields.get("intent")) size="14"; }
            label { "Sentiment " input name="sentiment" value=(fields.get("sentiment")) size="10"; }
            label {
                "Who answers "
                select name="mode" {
                    @for (value, name) in [("", "anybody"), ("bot", "the bot"), ("person", "a person")] {
                        option value=(value) selected[value == mode] { (name) }
                    }
                }
            }
            label {
                "Time "
                select name="range" {
                    @for (value, name) in [("", "all"), ("1h", "1 h"), ("24h", "24 h"), ("7d", "7 d"), ("30d", "30 d")] {
                        option value=(value) selected[value == fields.get("range")] { (name) }
                    }
                }
            }
            button type="submit" { "Search" }
        }
        @if shown.is_empty() { p.nothing { "No conversation fits." } }
        ul.talks {
            @for talk in shown { li { (row(&desk, talk)) } }
        }
    };
    Ok(layout::page("/conversations", "Conversations", &session, desk.pending().await?, main))
}

fn row(desk: &Desk, talk: &Talk) -> Markup {
    let triage = talk.conversation.as_ref().and_then(|conversation| conversation.triage.as_ref());
    html! {
        a.card.talk href=(format!("/conversation?user={}", encode(talk.user_id.as_str()))) {
            span.line {
                strong { (talk.user_id.as_str()) }
                @if talk.alert.is_some() { span.chip.high { "a person answers" } }
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

fn tone(sentiment: &str) -> &'static str {
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
    let main = html! {
        div.heading {
            p.back { a href="/conversations" { "← Conversations" } }
            h1 { (user.as_str()) }
            p.about { @if talk.alert.is_some() { "a person answers, the bot is silent" } @else { "the bot answers" } }
        }
        (layout::told(&fields))
        div.two {
            div.chat {
                @for turn in &talk.turns { (one_turn(&desk, turn)) }
                @if talk.turns.is_empty() { p.nothing { "Nothing was said that is still kept." } }
            }
            (beside(&desk, &session, &talk))
        }
        p.note { "Calls of tools are looked for in the latest 5,000 entries of the audit trail." }
    };
    Ok(layout::page("/conversations", user.as_str(), &session, desk.pending().await?, main))
}

fn one_turn(desk: &Desk, turn: &Turn) -> Markup {
    // What the customer wrote, then what was done about it, then what was answered.
    let (asked, answered): (Vec<_>, Vec<_>) = turn.said.iter().partition(|message| message.role == Role::User);
    html! {
        @for message in asked { (bubble(desk, message, None)) }
        @for call in &turn.calls { (tool_call(call)) }
        @for (index, message) in answered.into_iter().enumerate() {
            (bubble(desk, message, turn.sent.get(index)))
        }
    }
}

fn bubble(desk: &Desk, message: &ChatMessage, sent: Option<&Outgoing>) -> Markup {
    html! {
        div.bubble.(message.role.as_str()) {
            p.text { (message.text) }
            p.meta {
                (who(message.role)) " · " (layout::time(message.at, &desk.settings.zone))
                @if let Some(intent) = &message.intent { " · " span.chip { (intent) } }
                @if let Some(sentiment) = &message.sentiment { " " span.chip.(tone(sentiment)) { (sentiment) } }
                @if let Some(taken) = message.response_ms { " · after " (insights::Unit::Milliseconds.show(Some(taken as f64))) }
                @if let Some(sent) = sent { " · " (ticks(sent)) }
            }
        }
    }
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
            div.card.actions {
                (form("take-over", html! { button type="submit" { "Take over" } }))
                p.note { "The bot then stays silent until you give the conversation back." }
            }
        };
    };
    let open = talk.free_until.is_some_and(|until| until > desk.now());
    html! {
        div.card.actions {
            p { strong { "Why a person was asked: " } (alert.reason) }
            p.note {
                @match talk.free_until {
                    Some(until) if open => { "You may write freely until " (layout::time(until, &desk.settings.zone)) "." }
                    Some(until) => {
                        "The 24 hours after the customer’s last message ended "
                        (layout::time(until, &desk.settings.zone)) ": on WhatsApp only an approved template is delivered."
                    }
                    None => { "The customer has not written yet: on WhatsApp only an approved template is delivered." }
                }
            }
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

fn back(user: &UserId, outcome: Outcome) -> Redirect {
    Redirect::to(&format!("/conversation?user={}&told={}", encode(user.as_str()), outcome.word()))
}

fn named(fields: &Fields) -> Result<UserId, Trouble> {
    fields.some("user").map(UserId::new).ok_or(Trouble::Wrong("No customer is named."))
}

/// Only customers who are known: a mistyped name must not begin a conversation.
async fn known(desk: &Desk, fields: &Fields) -> Result<UserId, Trouble> {
    let user = named(fields)?;
    let store = desk.store();
    let there = store.conversation(&user).await?.is_some() || !store.recent_messages(&user, 1).await?.is_empty();
    if there { Ok(user) } else { Err(Trouble::Missing) }
}

pub(super) async fn take_over(
    State(desk): State<Desk>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let user = known(&desk, &fields).await?;
    Ok(back(&user, actions::take_over(desk.store(), &user, desk.now()).await?))
}

pub(super) async fn reply(State(desk): State<Desk>, Extension(fields): Extension<Fields>) -> Result<Redirect, Trouble> {
    let user = named(&fields)?;
    Ok(back(&user, actions::reply(desk.store(), &user, fields.get("text"), desk.now()).await?))
}

pub(super) async fn give_back(
    State(desk): State<Desk>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, Trouble> {
    let user = named(&fields)?;
    Ok(back(&user, actions::give_back(desk.store(), &user, fields.get("note"), desk.now()).await?))
}

//! The list of conversations, one conversation, and its forms. A reply is offered only where the bot is silent.

use axum::extract::{Extension, RawQuery, State};
use axum::response::Redirect;
use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};

use super::access::Session;
use super::actions::{self, Outcome, Rules};
use super::forms::{Fields, encode};
use super::labels::Labelling;
use super::{AppState, PageError, alerts, layout, tasks};
use crate::domain::audit::AuditRecord;
use crate::domain::ids::{OrderId, UserId};
use crate::domain::message::{ChatMessage, Role};
use crate::domain::outgoing::{Body, Delivery, Outgoing, Receipt};
use crate::domain::sendable::{Refused, permitted};
use crate::domain::words::excerpt;
use crate::insights::{self, ConversationSummary, ConversationView, Turn};
use crate::store::{AnsweredBy, Search};

/// The sentiments that triage gives.
const SENTIMENTS: [&str; 3] = ["positive", "neutral", "negative"];
/// Conversations in the list, at most.
const MAX_SHOWN: u32 = 50;

pub(super) async fn list(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let mode = fields.get("mode");
    let times = ["range", "from", "to"].iter().any(|name| fields.some(name).is_some());
    let period = if times {
        let range = super::pages::range(&fields)?;
        Some(range.period(state.now(), &state.settings.zone, state.settings.gap))
    } else {
        None
    };
    let search = Search {
        text: fields.get("q").to_owned(),
        user: fields.get("user").to_owned(),
        order: fields.some("order").map(OrderId::new),
        intent: fields.some("intent").map(str::to_owned),
        sentiment: fields.some("sentiment").map(str::to_owned),
        answered_by: match mode {
            "bot" => Some(AnsweredBy::Bot),
            "person" => Some(AnsweredBy::Person),
            _ => None,
        },
        undelivered: fields.get("only") == "undelivered",
        opted_out: fields.get("only") == "opted_out",
        from: period.as_ref().and_then(|period| period.from),
        until: earlier(period.map(|period| period.until), fields.some("before").and_then(|text| text.parse().ok())),
    };
    let (mut shown, unsearched) = insights::find_conversations(state.store(), &search, MAX_SHOWN + 1).await?;
    let more = shown.len() > MAX_SHOWN as usize;
    shown.truncate(MAX_SHOWN as usize);
    let tasks = tasks::section(&state, &session).await?;
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
            label {
                "Only "
                select name="only" {
                    @for (value, name) in [("", "any"), ("undelivered", "undelivered messages"), ("opted_out", "opted out")] {
                        option value=(value) selected[value == fields.get("only")] { (name) }
                    }
                }
            }
            label { "From " input type="date" name="from" value=(fields.get("from")); }
            label { "to " input type="date" name="to" value=(fields.get("to")); }
            button type="submit" { "Search" }
            @if !fields.is_empty() { a href="/conversations" { "All" } }
        }
        (tasks)
        @if more { p.count { "more than " (MAX_SHOWN) " found, the latest " (MAX_SHOWN) " shown" } }
        @if shown.is_empty() { p.nothing { "No conversation fits." } }
        ul.talks {
            @for talk in &shown { li { (row(&state, &session, talk)) } }
        }
        @if let Some(before) = unsearched {
            p.note {
                "Messages from before " (layout::time(before, &state.settings.zone)) " were not searched. "
                a href=(continue_search(&fields, before)) { "Search further back" }
            }
        }
    };
    Ok(layout::page("/conversations", "Conversations", &session, state.pending().await?, &main))
}

/// The earlier of two times, where there are two.
fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The address at which the same search continues.
fn continue_search(fields: &Fields, before: Timestamp) -> String {
    let names = ["q", "user", "order", "intent", "sentiment", "mode", "only", "range", "from", "to"];
    let filters = names.iter().filter_map(|name| Some(format!("{name}={}&", encode(fields.some(name)?))));
    format!("/conversations?{}before={}", filters.collect::<String>(), encode(&before.to_string()))
}

fn row(state: &AppState, session: &Session, talk: &ConversationSummary) -> Markup {
    let triage = talk.conversation.as_ref().and_then(|conversation| conversation.triage.as_ref());
    html! {
        a.card.talk href=(format!("/conversation?user={}", encode(talk.user_id.as_str()))) {
            span.line {
                strong { (talk.user_id.as_str()) }
                @if let Some(alert) = &talk.alert {
                    @if !alert.bot_answers { span.chip.high { "a person answers" } }
                    (alerts::assignee(session, alert))
                }
                @if let Some(triage) = triage {
                    span.chip { (triage.intent) }
                    span.chip.(tone(&triage.sentiment)) { (triage.sentiment) }
                }
                (marks(talk.undelivered, talk.opted_out.is_some()))
                @if let Some(last) = &talk.last { (layout::time(last.at, &state.settings.zone)) }
            }
            @if let Some(last) = &talk.last {
                span.excerpt { @if last.role != Role::User { (who(last.role)) ": " } (excerpt(&last.text, 160)) }
            }
        }
    }
}

/// What keeps messages from a customer.
fn marks(undelivered: u64, opted_out: bool) -> Markup {
    html! {
        @if undelivered > 0 { span.chip.high { (undelivered) " undelivered" } }
        @if opted_out { span.chip.medium { "opted out" } }
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
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    RawQuery(query): RawQuery,
) -> Result<Markup, PageError> {
    let fields = Fields::read(&query.unwrap_or_default());
    let user = UserId::new(fields.some("user").ok_or(PageError::NotFound)?);
    let talk = insights::view(state.store(), &user).await?.ok_or(PageError::NotFound)?;
    let labels = Labelling::of(&state, &session, &talk).await;
    let main = html! {
        div.heading {
            p.back { a href="/conversations" { "← Conversations" } }
            h1 { (user.as_str()) }
            p.about {
                @if talk.alert.as_ref().is_some_and(|alert| !alert.bot_answers) { "a person answers, the bot is silent" }
                @else { "the bot answers" }
                " " (marks(talk.undelivered, talk.contact.opted_out().is_some()))
            }
        }
        (alerts::notice(&state, &fields).await?)
        div.two {
            div.chat {
                @for turn in &talk.turns { (one_turn(&state, turn, &labels)) }
                @if talk.turns.is_empty() { p.nothing { "No message is stored any more." } }
            }
            (actions_card(&state, &session, &talk))
        }
        p.note { "Calls of tools are searched in the latest 5,000 entries of the audit trail." }
    };
    Ok(layout::page("/conversations", user.as_str(), &session, state.pending().await?, &main))
}

fn one_turn(state: &AppState, turn: &Turn, labels: &Labelling<'_>) -> Markup {
    // What the customer wrote, then what was done about it, then what was answered.
    let (asked, answered): (Vec<_>, Vec<_>) = turn.said.iter().partition(|message| message.role == Role::User);
    html! {
        @for message in asked { (bubble(state, message, &[], labels)) }
        @for call in &turn.calls { (tool_call(call)) }
        @let last = answered.len().saturating_sub(1);
        @for (index, message) in answered.into_iter().enumerate() {
            // One text may be sent as several messages: the remaining ones belong to the last text.
            @let own = if index == last { turn.sent.get(index..) } else { turn.sent.get(index..=index) };
            (bubble(state, message, own.unwrap_or_default(), labels))
        }
    }
}

fn bubble(state: &AppState, message: &ChatMessage, sent: &[Outgoing], labels: &Labelling<'_>) -> Markup {
    html! {
        div.bubble.(message.role.as_str()) {
            p.text { (message.text) }
            p.meta {
                (who(message.role)) " · " (layout::time(message.at, &state.settings.zone))
                @if let Some(intent) = &message.intent { " · " span.chip { (intent) } }
                @if let Some(sentiment) = &message.sentiment { " " span.chip.(tone(sentiment)) { (sentiment) } }
                @if let Some(taken) = message.response_ms { " · after " (insights::Unit::Milliseconds.show(Some(milliseconds(taken)))) }
                @if let Some(sent) = sent.iter().min_by_key(|sent| progress(sent)) { " · " (delivery_state(sent)) }
            }
            @if let Some(error) = sent.iter().find(|sent| progress(sent).0 == 0).and_then(|sent| sent.error.as_deref()) {
                p.note { "Not delivered: " (error) }
            }
            (labels.menu(message))
        }
    }
}

/// The order of delivery states: those that will not arrive first, then by progress.
fn progress(sent: &Outgoing) -> (u8, Option<Receipt>) {
    let state = match (sent.state, sent.receipt) {
        (Delivery::Parked, _) | (_, Some(Receipt::Failed | Receipt::Deleted)) => 0,
        (Delivery::Queued | Delivery::Sending, _) => 1,
        (Delivery::Sent, _) => 2,
    };
    (state, sent.receipt)
}

/// The delivery state of a message, with the ticks that people know from their telephones.
fn delivery_state(sent: &Outgoing) -> Markup {
    let (sign, label) = match (sent.state, sent.receipt) {
        (Delivery::Parked, _) | (_, Some(Receipt::Failed)) => ("✕", "not delivered"),
        (_, Some(Receipt::Read)) => ("✓✓", "read"),
        (_, Some(Receipt::Deleted)) => ("✕", "deleted"),
        (_, Some(Receipt::Delivered)) => ("✓✓", "delivered"),
        (Delivery::Sent, _) => ("✓", "sent"),
        (Delivery::Queued | Delivery::Sending, _) => ("…", "waits to be sent"),
    };
    html! {
        span.ticks.read[label == "read"].failed[sign == "✕"] title=[sent.error.as_deref()] {
            span aria-hidden="true" { (sign) } " " (label)
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 ms, which is 285,000 years")]
fn milliseconds(taken: u64) -> f64 {
    taken as f64
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

fn actions_card(state: &AppState, session: &Session, talk: &ConversationView) -> Markup {
    let form = |action: &str, inner: Markup| {
        html! {
            form.act method="post" action=(format!("/conversation/{action}")) {
                (layout::csrf(session))
                input type="hidden" name="user" value=(talk.user_id.as_str());
                (inner)
            }
        }
    };
    let Some(alert) = talk.alert.as_ref().filter(|alert| !alert.bot_answers) else {
        return html! {
            @if let Some(alert) = &talk.alert {
                div.card.actions {
                    p { strong { "An alert is open: " } (alert.reason) " " (alerts::assignee(session, alert)) }
                }
            }
            @if session.may_change() {
                div.card.actions {
                    (form("take-over", html! { button type="submit" { "Take over" } }))
                    p.note { "The bot then stays silent until you give the conversation back." }
                }
            }
        };
    };
    html! {
        div.card.actions {
            p { strong { "Why a person was asked: " } (alert.reason) " " (alerts::assignee(session, alert)) }
            (alerts::history(state, alert))
            @if session.may_change() { (alerts::claim_form(state, session, alert, "/conversation", "")) }
            (reply_part(state, session, talk, &form))
            @if session.may_change() {
            (form("return", html! {
                label { span.hidden { "Note" } input name="note" maxlength="2000" placeholder="What was done (recorded in the audit trail)"; }
                button.second type="submit" { "Return to bot" }
            }))
            }
        }
    }
}

/// What may be written to the customer now, and the form for that: free text, a template only, or nothing.
fn reply_part(
    state: &AppState,
    session: &Session,
    talk: &ConversationView,
    form: &dyn Fn(&str, Markup) -> Markup,
) -> Markup {
    let (now, limits, template) = (state.now(), &state.settings.limits, state.settings.template.as_ref());
    let zone = &state.settings.zone;
    let window = limits.free_text_window;
    let draft = Outgoing::text(talk.user_id.clone(), 0, 0, "", now);
    let free_until = talk.contact.free_until(window);
    let closed = html! {
        @match free_until {
            Some(until) => {
                "The " (window.as_hours()) " hours after the customer’s last message ended " (layout::time(until, zone))
                ": on WhatsApp only an approved template is delivered."
            }
            None => { "The customer has not written yet: on WhatsApp only an approved template is delivered." }
        }
    };
    match permitted(&draft, &talk.contact, template, window, now) {
        Ok(Body::Template { name, .. }) => html! {
            p.note { strong { "Template only. " } (closed) }
            @if session.may_change() {
                (form("reply", html! {
                    label for="reply" { "What fills the template “" (name) "”" }
                    input #reply name="text" maxlength=(limits.template_text) required;
                    button type="submit" { "Send the template" }
                }))
            }
        },
        Ok(_) => html! {
            @if let Some(until) = free_until {
                p.note {
                    "You may write freely for " (hours_and_minutes(until.duration_since(now))) ", until "
                    (layout::time(until, zone)) "."
                }
            }
            @if session.may_change() {
                (form("reply", html! {
                    label for="reply" { "Reply" }
                    textarea #reply name="text" rows="3" maxlength=(limits.text) required {}
                    button type="submit" { "Send" }
                }))
            }
        },
        Err(Refused::OptedOut { since }) => html! {
            p.note {
                strong { "Opted out. " } "The customer asked for no more messages " (layout::time(since, zone))
                " and has not written since: nothing can be sent until they do."
            }
        },
        Err(Refused::NoTemplate { .. } | Refused::NoText { .. }) => html! {
            p.note { strong { "Template only. " } (closed) " None is set: name an approved one in " code { "[whatsapp] template" } "." }
        },
    }
}

/// A duration in hours and minutes.
fn hours_and_minutes(time: SignedDuration) -> String {
    let minutes = time.as_mins();
    if minutes >= 60 { format!("{} h {} min", minutes / 60, minutes % 60) } else { format!("{minutes} min") }
}

fn redirect(user: &UserId, outcome: Outcome) -> Redirect {
    Redirect::to(&format!("/conversation?user={}&told={}", encode(user.as_str()), outcome.word()))
}

fn user_id(fields: &Fields) -> Result<UserId, PageError> {
    fields.some("user").map(UserId::new).ok_or(PageError::BadRequest("No customer is named."))
}

/// The customer that a form names. Only known ones: a mistyped name must not begin a conversation.
pub(super) async fn known_user(state: &AppState, fields: &Fields) -> Result<UserId, PageError> {
    let user = user_id(fields)?;
    let store = state.store();
    let there = store.conversation(&user).await?.is_some() || !store.recent_messages(&user, 1).await?.is_empty();
    if there { Ok(user) } else { Err(PageError::NotFound) }
}

pub(super) async fn take_over(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = known_user(&state, &fields).await?;
    Ok(redirect(&user, actions::take_over(state.store(), &session.actor(state.now()), &user).await?))
}

pub(super) async fn reply(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = user_id(&fields)?;
    let rules = Rules { limits: &state.settings.limits, template: state.settings.template.as_ref() };
    Ok(redirect(
        &user,
        actions::reply(state.store(), &session.actor(state.now()), &user, fields.get("text"), rules).await?,
    ))
}

pub(super) async fn return_to_bot(
    State(state): State<AppState>,
    Extension(session): Extension<Session>,
    Extension(fields): Extension<Fields>,
) -> Result<Redirect, PageError> {
    let user = user_id(&fields)?;
    Ok(redirect(
        &user,
        actions::give_back(state.store(), &session.actor(state.now()), &user, fields.get("note")).await?,
    ))
}
